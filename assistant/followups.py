"""A follow-up question made complete in itself by the questions asked before it.

Rules, no model: what is changed is told apart by its form. A pronoun gives way to the
subject of the question before; "那 GQA 呢?" takes the place of what it is like in that question; a
question without a subject of its own gets it named; one that is complete stays as it is. Knows the
conversation, not the notes; what a question is about, `subjects` tells. Called by `generating` and
`pipeline`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.lexicon import alike
from assistant.subjects import (
    ASK_EN,
    ASK_ZH,
    ATTRIBUTE,
    LEAD,
    MAX_CONTEXT,
    NEW_TOPIC,
    asking,
    content_of,
    context_of,
    is_complete,
    names_of,
    pointing,
    subject_of,
    topic_of,
    trimmed,
)
from corpus.glossary import translations
from corpus.text import fold, has_han
from corpus.tokens import tokens

__all__ = ["HISTORY", "is_elsewhere", "standalone"]

HISTORY = 6  # earlier questions that are looked at
_LEAST_ODDS = 0.05  # a rarer translation is chance


def standalone(question: str, history: Sequence[str]) -> str:
    """The question as it would be asked without the conversation.

    Args:
        question: as typed.
        history: the questions before it as typed, oldest first; the last HISTORY count.

    Returns:
        The question itself if it is complete, else its rewriting; deterministic.
    """
    if not question.strip():
        return question
    before: _Asked | None = None
    for earlier in (text.strip() for text in [*history[-HISTORY:], question]):
        if earlier:
            before = _completed(earlier, before) if before else _fresh(earlier)
    return before.text if before and before.text != question.strip() else question


def is_elsewhere(question: str, df: Callable[[str], int]) -> bool:
    """Whether a question asks for something that the notes, and so the conversation, are not about.

    Args:
        question: as typed, behind other questions.
        df: number of passages that hold a term.

    Returns:
        True if none of the words that say something is in a note, in another form or in the other
        language; such a question is not completed from the one before it.
    """
    said = content_of(question)
    return len(said) > 1 and not any(df(word) or any(map(df, _others(word))) for word in said)


def _others(word: str) -> list[str]:
    return [*alike(word), *(name for name, odds in translations(word) if odds >= _LEAST_ODDS)]


_ABOUT = re.compile(
    r"^(?:what|how) about\s+|^plus\s+|^for\s+(?=[^\s?]+\s*\??$)|^(?:如果)?换成\s*|^换(?!个|一)\s*",
    re.IGNORECASE,
)
_NE = re.compile(r"\s*(?:呢|又如何|又怎么样|怎么样|也是吗|也一样吗)\s*[?？。!！]*\s*$")
_END = re.compile(r"[\s?？。!！,，]+$")

_GENERIC_ZH = (
    r"(?:种|个|项|类|款)?(?:方法|做法|方案|技术|模型|算法|东西|概念|指标|策略|机制|技巧|框架|数据集|"
    r"索引|思路|办法|工具|系统)"
)
_PRONOUN_ZH = re.compile(
    rf"(?<![其吉])(?:它|他|她)们?(?:俩)?|(?:这|那|该)篇?(?=论文|文章)|(?:这|那|该|此){_GENERIC_ZH}|(?:这|那)(?:个|些|种|俩)(?=[是的会能有要在怎为和跟比]|$)"
)
_GENERIC_EN = (
    r"(?:method|technique|approach|algorithm|model|idea|concept|metric|thing|one|strategy|paper|"
    r"work|system|index|tool)s?"
)
_PRONOUN_EN = re.compile(
    rf"\b(?:its|it)\b(?!-)|\b(?:they|them|their)\b|\b(?:this|that|these|those)(?: {_GENERIC_EN}\b|"
    r"(?=\s*(?:[?.,!]|$|\b(?:is|are|was|were|do|does|did|from|in|with)\b)))",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    r"(?<![\w.])\d[\d,]*(?:\.\d+)?\s*(?:[A-Za-z%]+|[维题条层位张个字块倍步轮年月])?|"
    r"几?[一二三四五六七八九十百千万亿]+(?:级别?|条|维|题|层|张|个)|几[百千万亿]+(?:条|级|张|个)?"
)
_DEFINED = re.compile(
    r"^(?:什么是|什么叫|what is|what are)\s*([^?？,，的]{2,40}?)[\s?？。]*$", re.IGNORECASE
)
_EXPLETIVE = re.compile(
    r"^ (?:costs?|takes?|makes? sense|is|was|possible|better|worth)\b.*\b(?:to|that)\b"
)
_WHY = re.compile(r"为什么|为何|为啥|why\b", re.IGNORECASE)
_BARE = 1  # words that say something in a question that needs all of the one before
_BARE_ZH = re.compile(
    r"(?:是|在)?(谁|哪(?:一)?(?:年|天|家|位|个(?:人|团队|公司)|里|篇)|什么时候|何时|多少|多久|多大)(?:的|呢)?[\s?？。]*"
)
_CONDITION = re.compile(
    r"(?:之?[前后]|以[前后]|的?时候?|里|上)$|^(?:没有|如果|要是|想|反过来)|"
    r"^(?:with|without|at|in|on|for|if|after|before|under|during|from|by|when)\b",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"([^\s,，]{2,12}?)\s*(?:和|与|跟|还是)\s*([^\s,，]{2,12}?)\s*(?=的|哪|谁|有|怎|区|差|在|$|[?？])|"
    r"([\w.-]+)\s+(?:and|or|vs\.?|versus)\s+([\w.-]+)"
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A complete question and what the conversation is about once it was asked."""

    text: str
    topic: str


def _fresh(question: str) -> _Asked:
    return _Asked(question, topic_of(question))


def _completed(question: str, before: _Asked) -> _Asked:
    """One question completed from the complete question before it."""
    if NEW_TOPIC.search(question) or len(question) > MAX_CONTEXT:
        return _fresh(question)
    swapped = _swapped(question, before)
    if swapped is not None:
        return swapped
    plain = _which_of_two(LEAD.sub("", question), before.text)
    if plain != LEAD.sub("", question):
        return _Asked(plain, before.topic)
    pronoun = _pronoun(plain)
    if pronoun:
        of = before.text if fold(pronoun.group()) in ("this", "that") else before.topic
        return _Asked(_resolved(plain, of, pronoun), before.topic)
    if is_complete(question, before.text):
        asks_on = _WHY.match(question)  # `为啥 RoPE 要单独处理?` is still about MLA
        return _Asked(question, before.topic) if asks_on else _fresh(question)
    han = has_han(question)
    asked = _BARE_ZH.fullmatch(plain)
    slot = ASK_ZH.search(before.text)
    if asked and slot:  # `FM 谁提的?`, `哪一年`
        text = before.text[: slot.start()] + asked.group(1) + before.text[slot.end() :]
        return _Asked(text, before.topic)
    bare = len(content_of(plain)) <= (_BARE if han else 2)
    context = context_of(before.text) if bare else before.topic
    return _Asked(_joined(context, plain), before.topic)


def _which_of_two(question: str, before: str) -> str:
    """The question with the one or the other of two for `前者` and `the latter`."""
    pair = _PAIR.search(before)
    if not pair:
        return question
    question = re.sub(r"前者|\bthe former\b", lambda _: (pair[1] or pair[3]).strip(), question)
    return re.sub(r"后者|\bthe latter\b", lambda _: (pair[2] or pair[4]).strip(), question)


def _joined(context: str, question: str) -> str:
    if has_han(question):
        return f"{context} {question}"
    return f"{_END.sub('', question)} ({context})?"


def _pronoun(question: str) -> re.Match[str] | None:
    """The pronoun that points to the question before; none that points to a word before itself."""
    han = has_han(question)
    found = [
        match
        for match in (_PRONOUN_ZH if han else _PRONOUN_EN).finditer(question)
        if len(content_of(question[: match.start()])) < 3
        and not (not han and _EXPLETIVE.search(question[match.end() :]))
    ]
    return min(found, key=lambda m: (fold(m.group()) not in ("it", "its"), m.start()), default=None)


def _resolved(question: str, before: str, pronoun: re.Match[str]) -> str:
    """The question with the subject of the one before in the place of its pronoun."""
    said = fold(pronoun.group())
    subject = context_of(before) if said in ("this", "that") else subject_of(before)
    if said.endswith(" paper"):
        subject = f"the {subject} paper"
    if said in ("its", "their"):
        subject += "'s"
    text = question[: pronoun.start()] + " " + subject + " " + question[pronoun.end() :]
    return re.sub(r"\s+([?？,，.。!！])", r"\1", re.sub(r"\s+", " ", text)).strip()


def _swapped(question: str, before: _Asked) -> _Asked | None:
    """The question before about something else; None if this one is no such question."""
    plain = LEAD.sub("", question)
    about = _ABOUT.search(plain) is not None
    bare = _ABOUT.sub("", plain)
    topic, clause = _divided(bare, about)
    if clause:  # `FFM 呢,它复杂度多少`: complete once its pronoun is resolved
        pronoun = _pronoun(clause)
        return _Asked(_resolved(clause, topic, pronoun) if pronoun else f"{topic} {clause}", topic)
    han = has_han(bare)
    if not topic or asking(bare).search(topic) or _pronoun(topic):
        return None
    short = not han and len(topic.split()) <= 3
    if not (_NE.search(bare) or about or plain != question or short):
        return None
    if pointing(bare).search(topic):
        return None
    if _CONDITION.search(topic):
        context = context_of(before.text)
        text = f"{context} {topic}呢?" if han else _joined(context, topic)
        return _Asked(text, before.topic)
    return _replaced(re.sub(r"\s*的$|^the |\s+ones?$", "", topic).strip(), before)


def _divided(text: str, about: bool) -> tuple[str, str]:
    """What a swap names, and the clause that asks on about it: `FFM 呢,它复杂度多少`."""
    match = re.search(r"呢\s*[,，、?？]\s*(?=\S)", text)
    if match:
        return text[: match.start()].strip(), text[match.end() :].strip()
    if about and not has_han(text):
        topic, _, clause = text.partition(",")
        if ASK_EN.search(clause):
            return topic.strip(), clause.strip()
    return _END.sub("", _NE.sub("", text)).strip(), ""


def _replaced(topic: str, before: _Asked) -> _Asked:
    """The question before with `topic` in the place of what is most like it."""
    if re.search(r"\S\s*的\s*\S|\S of \S", topic) and len(content_of(topic)) > 1:
        return _fresh(topic + "?")  # `DPO 的优势`: names its own attribute
    slot = _slot(topic, before.text)
    if slot is not None:
        return _fresh(before.text[: slot[0]] + topic + before.text[slot[1] :])
    if not has_han(topic):
        return _Asked(_joined(context_of(before.text), topic), before.topic)
    if names_of(before.text) or ATTRIBUTE.search(topic):
        return _Asked(f"{subject_of(before.topic)} 的{topic}?", before.topic)
    return _fresh(f"{topic} {context_of(before.text)}?")


def _slot(topic: str, before: str) -> tuple[int, int] | None:
    """Where in the question before stands what is of the same kind as `topic`."""
    quantity = _QUANTITY.match(topic)
    if quantity:
        found = list(_QUANTITY.finditer(before))
        same = [m for m in found if _unit(m.group()) == _unit(quantity.group())] or found
        if same:
            return same[0].start(), same[0].start() + len(same[0].group().rstrip())
    names = names_of(before)
    defined = _DEFINED.match(before)
    whole = defined.span(1) if defined and not names and not ATTRIBUTE.search(topic) else None
    if has_han(topic) and not names_of(topic):
        return _han_slot(topic, before) or whole
    if whole:
        return whole
    if not has_han(before) and not names_of(f", {topic}"):
        return None  # `full fine-tuning`, `the checkpoint size`
    if names:
        name = max(names, key=lambda n: (_likeness(topic, n.text), -n.start))
        owner = re.search(r"(\w+)'s $", before[: name.start])
        return owner.span(1) if owner else (name.start, name.end)
    if has_han(before):
        return _han_slot(topic, before)
    subject = subject_of(before)
    return _span(before, subject) if len(subject.split()) <= 3 else None


def _span(text: str, part: str) -> tuple[int, int] | None:
    at = text.find(part)
    return (at, at + len(part)) if at >= 0 else None


def _unit(quantity: str) -> str:
    return fold(re.sub(r"[\d,.\s]+", "", quantity))


def _likeness(a: str, b: str) -> float:
    """How much two names look alike: shape, length, common characters."""
    shape = 1.0 if _shape(a) == _shape(b) else 0.5 if a[0].isupper() == b[0].isupper() else 0.0
    common = len(set(fold(a)) & set(fold(b))) / max(len(set(fold(a)) | set(fold(b))), 1)
    letters = 1.5 if len(a) <= 2 and len(b) <= 2 else 0.0
    return shape + common + letters - 0.02 * abs(len(a) - len(b))


def _shape(name: str) -> str:
    kinds = (
        "A" if c.isupper() else "a" if c.islower() else "0" if c.isdigit() else c for c in name
    )
    return re.sub(r"(.)\1+", r"\1", "".join(kinds))


def _han_slot(topic: str, before: str) -> tuple[int, int] | None:
    """A Chinese word that ends as `topic` does (外在, 内在), else the head without a name."""
    first = ASK_ZH.search(before)
    head = trimmed(before[: first.start()]) if first else ""
    if 2 <= len(topic) <= 6:
        for word in tokens(before):
            if word.kind == "han" and len(word.text) >= 2 and word.text[-1] == topic[-1]:
                is_head = head.endswith(word.text) and not names_of(head)
                return _span(before, head) if is_head else (word.start, word.end)
    if names_of(before) or ATTRIBUTE.search(topic) or not 2 <= len(head) <= 8:
        return None
    return _span(before, head)
