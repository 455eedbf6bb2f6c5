"""A question with its answer behind it, said as one statement.

`作者是谁：张三` states that the author is 张三. Compared word by word, its asking word would have
no pair in any note, and the answer would stand apart from what it answers. Rules over Chinese and
English question words; knows nothing of notes. Called by `grounding`.
"""

from __future__ import annotations

import re

__all__ = ["stated"]

_MAX_QUESTION, _MAX_ANSWER = 200, 200  # characters
_MAX_UNIT = 3  # characters of what is counted
# Between question and answer; a colon inside a time, a path or an address is none.
_BETWEEN = re.compile(r"\s*[:：?？]+\s*(?![/\\\d]*[:：/\\])(?=\S)")
_NO_QUESTION = re.compile(r"[。！!；;\n]")

# What an answer takes the place of. After a denial 什么 asks nothing: 没什么区别, 无论什么.
_ZH_PLACE = re.compile(
    r"(?<![没无任论管])(?:"
    r"什么(?:时候|时间|地方|人)|何时|何地|何处|何人|(?:在)?哪(?:里|儿)|谁|"
    r"哪(?:一|两|几|些)?(?:年|天|月|个|位|种|类|家|座|国|部|所|条|项|款|本|支|届|场|次|名)?(?:人)?|"
    r"多少|几(?![乎何率])|怎么样|怎样|如何|什么|啥)"
)
# What it stands behind instead: a cause or a manner takes no word's place.
_ZH_BEHIND = re.compile(r"为什么|为何|为啥|怎么(?!样)|(?:是)?如何(?=\S)|怎样(?=\S)")
_ZH_DEFINED = re.compile(r"(?:什么|啥)是(.+)")
_EN_BEHIND = re.compile(r"^(?:why|how) ", re.IGNORECASE)
_EN_BEFORE = r"(?:in|on|at|by|for|from|to|with|of|under|during|after|before|since|until|about)"
# `when training: …` is a condition; `when did it start: …` asks
_EN_HELPS = (
    r"(?: (?:do|does|did|is|are|was|were|can|could|will|would|should|has|have|had|may|might)\b)"
)
_EN_PLACE = (
    r"(?:how (?:many|much|long|old|far|often|tall|big|large|high|deep|fast|wide|heavy|late|early)"
    r"|what (?:time|kind of|kinds of|type of|types of|sort of)|who(?:m|se)?|what|which"
    rf"|(?:when|where)(?={_EN_HELPS}))"
)
_EN_LAST = r"(?:how (?:many|much|long|old|far|often)|what time|whom?|what|when|where)"
# In English it opens the question, behind a preposition at most, or ends it.
_EN_ASKED = re.compile(
    rf"^(?:{_EN_BEFORE} )?(?P<first>{_EN_PLACE})\b|(?<=\s)(?P<last>{_EN_LAST})$",
    re.IGNORECASE,
)


def stated(claim: str) -> str:
    """The statement that a question and its answer make; any other claim as it is.

    Args:
        claim: one claim, without markers.
    """
    between = _BETWEEN.search(claim)
    if between is None:
        return claim
    question, answer = claim[: between.start()].strip(), claim[between.end() :].strip()
    if len(question) > _MAX_QUESTION or len(answer) > _MAX_ANSWER or _NO_QUESTION.search(question):
        return claim
    return _in_chinese(question, answer) or _in_english(question, answer) or claim


def _in_chinese(question: str, answer: str) -> str | None:
    defined = _ZH_DEFINED.match(question)
    if defined:
        return f"{defined.group(1).strip()}是{answer}"
    behind = _ZH_BEHIND.search(question)
    if behind and not question.endswith(behind.group()):
        return f"{question[: behind.start()]}{question[behind.end() :]}：{answer}"
    places = list(_ZH_PLACE.finditer(question))
    if not places:
        return None
    plain = answer.rstrip("。.")
    at = places[-1]
    rest = question[at.end() :]
    for n in range(min(len(plain), len(rest), _MAX_UNIT), 0, -1):  # 多少颗牙齿：44 颗
        if plain.endswith(rest[:n]):
            rest = rest[n:]
            break
    return f"{question[: at.start()]}{plain}{rest}"


def _in_english(question: str, answer: str) -> str | None:
    asked = _EN_ASKED.search(question)
    if asked is not None:
        start, end = asked.span("first" if asked.group("first") else "last")
        return f"{question[:start]}{answer.rstrip('.')}{question[end:]}"
    behind = _EN_BEHIND.match(question)
    return f"{question[behind.end() :]}: {answer}" if behind else None
