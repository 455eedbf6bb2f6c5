"""What a question is about, told by its form: its names, its subject, the topic to ask on from.

Rules over Chinese and English, no model. Knows one question, and for `is_complete` the one before
it; how one is completed, `followups` knows, which calls this.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from corpus.text import fold, has_han
from corpus.tokens import STOP_TERMS, tokens

__all__ = [
    "ASK_EN",
    "ASK_ZH",
    "ATTRIBUTE",
    "LEAD",
    "MAX_CONTEXT",
    "NEW_TOPIC",
    "Name",
    "asking",
    "content_of",
    "context_of",
    "is_complete",
    "names_of",
    "pointing",
    "subject_of",
    "topic_of",
    "trimmed",
]

MAX_CONTEXT = 160  # characters; a longer question is complete, and as context cut to its subject
NEW_TOPIC = re.compile(
    r"^(?:对了|换个(?:话题|问题)|换一个(?:话题|问题)|另外(?:问)?(?:一下)?[,，、:：]|顺便(?:问|说)|"
    r"再问(?:一)?个|说回|回到|题外话|还有个问题|by the way|btw\b|(?:an? )?"
    r"(?:new|another|different|unrelated) (?:question|topic)|changing (?:the )?(?:topic|subject)|"
    r"on another note|(?:going )?back to|unrelated)",
    re.IGNORECASE,
)
LEAD = re.compile(
    r"^(?:那么|那(?!个|些|种|篇|次|年(?!份)|天|时|里|边|样|家|位|一)|然后|所以|还有(?!什么|哪|多|几|没|人)|再说|"
    r"(?:and|so|but|then|ok(?:ay)?|well)\b(?! (?:far|that)\b))[\s,，、]*",
    re.IGNORECASE,
)
# What points to the conversation, and is no name that could be put in its place.
_BOUND_ZH = re.compile(
    r"第[一二三四五六七八九十\d]+(?:个|步|种|条|点|项|类|阶段)?|最后(?:一)?(?:个|步|种|条|点|项)?|前者|后者|"
    r"两者|二者|三者|前面|上面|刚才|(?:这|那)(?:个|些|种|里|时)|^(?:别的|其他|其它)|另一个|另外(?:一)?(?:个|种)|"
    r"(?:哪个|哪种)[\s?？。]*$|^(?:哪个|哪种|谁更)|还有(?:什么|哪|别)"
)
_BOUND_EN = re.compile(
    r"\b(?:the )?(?:first|second|third|fourth|last|former|latter|others?|previous) "
    r"(?:one|step|two|stage|point|way)s?\b|"
    r"\bthe (?:former|latter|others?|first|second|third|last)\b\s*[?.]?\s*$|"
    r"\b(?:this|that|these|those)\b|\bwhich one\b|"
    r"(?<!is )(?<!are )\bthere\b(?! (?:is|are|was|were|any|a)\b)|"
    r"\bthe \d+(?:\.\d+)?[bmk]\b|\bin that case\b|\bthe new\b|\bboth\b|\belse\b|\binstead\b",
    re.IGNORECASE,
)
ASK_ZH = re.compile(
    r"为什么|为何|为啥|怎么样|怎样|怎么|如何|咋|是什么意思|什么时候|何时|什么|啥|哪(?:一|几|些)?(?:个|种|类|些|年|"
    r"天|家|位|里|儿|点|步|项|条)?|多少|几(?=[个种类张层倍步点年月天大组篇])|多(?=[大长高快久宽深重])|谁|是否|能否|可否|"
    r"有没有|是不是|能不能|会不会|要不要|干嘛|吗|呢"
)
ASK_EN = re.compile(
    r"\b(?:what(?:'s)?|which|who(?:se|m)?|when|where|why|how|is|are|was|were|do|does|did|can|could|"
    r"should|would|will|has|have|explain|describe|tell|list|compare|name|give)\b",
    re.IGNORECASE,
)
_VERB_EN = re.compile(
    r"(?<=\bwho )\w+ed\b|\b(?:briefly|please|in detail|intuition|idea|work|works|mean|means)\b",
    re.IGNORECASE,
)
_EDGE = re.compile(
    r"^[\s的是在把被对叫,，、:：。?？!！]+|(?:[\s,，、:：。?？!！;；]|的|是|有|在|要|能|会|该|应|了|由|和|被|用|取|最|各|出自|来自|属于|适合)+$"
)
_LATIN = re.compile(
    r"(?<![A-Za-z0-9_])[A-Za-z][A-Za-z0-9_]*(?:[-.+/'][A-Za-z0-9_]+)*\+*"
    r"(?:[ -]\d+(?:\.\d+)?[BbMmKk]?(?![\w.]))?"
)
_DEFINITION = re.compile(
    r"^(?:什么是|什么叫|何谓|何为|what(?:'s| is| are| does \S+ (?:do|mean|measure))\b)|"
    r"(?:是什么|是啥|指什么|是指什么|(?:是|啥|什么)意思)[\s?？。]*$",
    re.IGNORECASE,
)
_HOW = re.compile(r"怎么|怎样|如何|什么|啥|谁|\bhow\b|\bwhat\b|\bwho\b", re.IGNORECASE)
_FULL = 4  # words that say something in a question without names that is complete
ATTRIBUTE = re.compile(
    r"(?:率|方式|方法|长度|大小|数量|复杂度|局限|优点|缺点|优势|好处|坏处|不足|代价|成本|场景|年份|时间|作者|原因|步骤|"
    r"效果|用途|参数|参数量|精度|速度|内存|显存|公式|代码|定义|流程|原理|论文|机构|开销|延迟)$"
)
_VERSION = re.compile(r"v?\d[\w.]*", re.IGNORECASE)


def asking(text: str) -> re.Pattern[str]:
    """The words that ask, in the language of a text."""
    return ASK_ZH if has_han(text) else ASK_EN


def pointing(text: str) -> re.Pattern[str]:
    """The words that point back to what was said before, in the language of a text."""
    return _BOUND_ZH if has_han(text) else _BOUND_EN


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a question: `question[start:end]`, with any `'s` left out."""

    text: str
    start: int
    end: int


def names_of(text: str) -> list[Name]:
    """Names in a question: Latin words inside Chinese, capitals and digits inside English."""
    han = has_han(text)
    found: list[Name] = []
    for match in _LATIN.finditer(text):
        word, start, end = match.group(), match.start(), match.end()
        if word.endswith("'s"):
            word, end = word[:-2], end - 2
        sized = re.fullmatch(r"([a-z][a-z0-9]*)[ -]\d\S*", word)
        if sized and not han:  # `layer 0`, `a new 8B model`
            continue
        if fold(word) in STOP_TERMS or fold(word).split()[0] in STOP_TERMS:
            continue
        marked = any(c.isupper() or c.isdigit() for c in word[1:])
        marked = marked or han or "_" in word or (word[0].isupper() and start > 0)
        if not marked:
            continue
        if found and text[found[-1].end : start] == " ":  # `reward hacking`, `KV cache`
            found[-1] = Name(text[found[-1].start : end], found[-1].start, end)
        else:
            found.append(Name(word, start, end))
    return found


def content_of(text: str) -> list[str]:
    """Words that say something, without those that ask; single Chinese characters left out."""
    blank = asking(text).sub(lambda m: " " * len(m.group()), text)
    return [token.text for token in tokens(blank) if not token.is_stop and len(token.text) > 1]


def _is_name(name: Name) -> bool:
    """Whether it can be what a question is about: not a letter, not a version."""
    return len(name.text) > 1 and not _VERSION.fullmatch(name.text)


def is_complete(question: str, before: str) -> bool:
    """Whether nothing of the question before is needed."""
    if NEW_TOPIC.search(question):
        return True
    han = has_han(question)
    if pointing(question).search(question) or LEAD.search(question):
        return False
    if not han and question[0].islower():
        return False
    said = {fold(name.text) for name in names_of(before)}
    named = [name for name in names_of(question) if _is_name(name)]
    names = [name for name in named if fold(name.text) not in said]
    content = content_of(question)
    if named and named[0].start == 0 and _spoken(content, named):
        return True  # it begins with its subject, though that was named before
    if names:
        if _spoken(content, names) or len(names) > 1:
            return True
        if any(len(re.findall("[A-Z]", n.text)) > 1 or " " in n.text for n in names):
            return _HOW.search(question) is not None  # `MRR 怎么算?`, not `nlist 怎么取`
        return _DEFINITION.search(question) is not None
    defined = _DEFINITION.match(question)
    return len(content) >= _FULL or (han and defined is not None and bool(content))


def _spoken(content: Sequence[str], names: Sequence[Name]) -> bool:
    """Whether words besides the names say something."""
    own = {token.text for name in names for token in tokens(name.text)}
    return any(word not in own for word in content)


def _core(text: str) -> str:
    """What a question is about: without asking words and the punctuation around them."""
    parts = (trimmed(part) for part in asking(text).split(text))
    bare = trimmed(" ".join(part for part in parts if len(part) > 1 or part.isascii()))
    return bare or trimmed(text)


def trimmed(text: str) -> str:
    """Words without the particles and the punctuation around them."""
    before = None
    while before != text:
        before, text = text, _EDGE.sub("", text)
    return text


def subject_of(text: str) -> str:
    """The subject of a question: its first name, else what stands before the first asking word."""
    names = [name for name in names_of(text) if _is_name(name)]
    if names:
        return _phrase(text, names[0])
    if not has_han(text):
        blank = ASK_EN.sub(lambda m: " " * len(m.group()), _VERB_EN.sub(_blank, text))
        words = [token for token in tokens(blank) if not token.is_stop]
        return text[words[0].start : words[-1].end] if words else trimmed(text)
    head = _head(text)
    return head if len(head) > 1 else _core(text)


def _head(text: str) -> str:
    """What stands before the first asking word of a Chinese question."""
    first = ASK_ZH.search(text)
    return trimmed(text[: first.start()] if first else text)


def _phrase(text: str, name: Name) -> str:
    """A name with the size or part that belongs to it: `LLaMA 65B`, `LoRA 的 alpha`."""
    tail = re.match(r"\s*的\s*([A-Za-z]\w*)", text[name.end :])
    return text[name.start : name.end + (tail.end() if tail else 0)]


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def topic_of(text: str) -> str:
    """What a question asks on from: its head up to the first asking word, names kept."""
    if not has_han(text):
        return context_of(text)
    head = _head(text)
    head = trimmed(ATTRIBUTE.sub("", head)) or head
    return (
        head
        if 2 <= len(head) <= MAX_CONTEXT and (names_of(head) or not names_of(text))
        else context_of(text)
    )


def context_of(text: str) -> str:
    """All that a bare question (`为什么?`) needs of the one before."""
    core = re.sub(r"\s*[()]\s*", ", ", _core(text)).strip(" ,")
    return core if len(core) <= MAX_CONTEXT else subject_of(text)[:MAX_CONTEXT]
