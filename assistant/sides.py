"""The two things that a question compares, and in what, told by its form.

Rules over Chinese and English. Knows questions; not notes. Called by `sidewise`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.lexicon import alike
from corpus.glossary import translations
from corpus.text import has_han
from corpus.tokens import content_terms, terms

__all__ = ["Sides", "compares", "names", "sides_of"]

_LONGEST = 40  # characters of a side
_LEAST_ODDS = 0.05  # a rarer translation is chance
_JOINT = r"\s*(?:和|与|跟|同|以及|及|、|\bvs\b\.?|\bversus\b)\s*"
# What a Chinese comparison ends with; before it stand the two, and in what they differ.
_TAIL = re.compile(
    r"\s*[,，]?\s*(?:之间|两者|二者|相比|各自|分别)*的?(?:主要|核心|本质)?(?:有(?:什么|何|啥|哪些))?(?:主要|核心|本质)?的?"
    r"(?:区别|差别|差异|异同|不同|不一样|优缺点|对比|比较)(?:之处|点)?(?:是什么|是啥|在哪里?|在哪儿|如何)?(?:呢|吗)?\s*[?？。]*\s*$|"
    r"\s*[,，]?\s*(?:相比如何|怎么选|如何选择?)\s*[?？。]*\s*$"
)
_ZH = re.compile(
    rf"^\s*(?P<a>[^,，。?？]{{1,{_LONGEST}}}?){_JOINT}(?P<b>[^,，。?？的]{{1,{_LONGEST}}}?)"
    r"(?:(?:\s*各自)?的(?P<in>[^,，。?？的]{1,12})|\s*在\s*(?P<on>[^,，。?？的]{1,12}?)(?:方面|上|里))?\s*$"
)
_ZH_ORDER = re.compile(  # `比较 A 和 B`, `A vs B` and nothing behind it
    rf"^\s*(?:请|帮我|麻烦)?(?:对比|比较)(?:一下|下)?\s*(?P<a>[^,，。?？]{{1,{_LONGEST}}}?){_JOINT}"
    rf"(?P<b>[^,，。?？的]{{1,{_LONGEST}}}?)(?P<in>)\s*[?？。]*\s*$"
)
_WHICH = re.compile(  # `A 和 B 哪个更快`, `A 还是 B 快`
    rf"^\s*(?P<a>[^,，。?？]{{1,{_LONGEST}}}?)(?:{_JOINT}|\s*还是\s*)(?P<b>[^,，。?？]{{1,{_LONGEST}}}?)\s*"
    r"[,，]?\s*(?:谁|哪(?:一)?(?:个|种|款))(?P<in>[^,，。?？]{1,14}?)(?:一?些|一点)?\s*[?？。]*\s*$"
)
_EN = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:differences?|distinctions?|similarit(?:y|ies)|comparison) "
        r"(?:between|of) (?:the )?(?P<a>.+?) (?:and|vs\.?|versus) (?:the )?(?P<b>.+?)"
        r"(?: in (?:terms of )?(?P<in>[^?,]+))?\s*[?.]*\s*$",
        r"^\s*(?:please )?compare (?:the )?(?P<a>.+?) (?:and|with|to|vs\.?|versus|against) "
        r"(?:the )?(?P<b>.+?)(?: in (?:terms of )?(?P<in>[^?,]+))?\s*[?.]*\s*$",
        r"^\s*how (?:do|does|is|are) (?:the )?(?P<a>.+?) (?:differ(?:ent)?|compared?) "
        r"(?:from|to|with) (?:the )?(?P<b>.+?)(?: in (?:terms of )?(?P<in>[^?,]+))?\s*[?.]*\s*$",
        r"^\s*how (?:do|are) (?:the )?(?P<a>.+?) and (?:the )?(?P<b>.+?) (?:differ(?:ent)?|compare)"
        r"(?: in (?:terms of )?(?P<in>[^?,]+))?\s*[?.]*\s*$",
        r"^\s*(?P<a>[^,?]{1,40}?) (?:vs\.?|versus) (?P<b>[^,?]{1,40}?)(?P<in>)\s*[?.]*\s*$",
        r"^\s*which (?:one )?is (?P<in>[\w ]{1,24}?)[,:] (?:the )?(?P<a>[^,?]+?) or "
        r"(?:the )?(?P<b>[^,?]+?)\s*[?.]*\s*$",
    )
)
_EDGE = re.compile(r"^[\s\"“”'‘’《》「」`]+|[\s\"“”'‘’《》「」`:：]+$")
# What asks for nothing in particular: every difference will do.
_ANY = re.compile(
    r"(?:一般)?(?:更|比较|最)?(?:好|强|合适|适合|推荐|优秀|厉害)(?:用)?|主要|具体|核心|本质|根本|"
    r"better|best|preferable|good|general"
)
# What sets one thing against another in one sentence.
_COMPARES = re.compile(
    r"相比|相对于|相较|比[^例如率喻特赛]|而(?!且|言|是|已)|更|区别|不同|差异|优于|弱于|高于|低于|之间|改进|替代|代替|取代|"
    r"\b(?:(?<!rather )than|whereas|while|differs?|different|unlike|compared|versus|vs|"
    r"instead of|replace[sd]?|improve[sd]? (?:on|over))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What a question compares.

    Attributes:
        first: one thing, as written.
        second: the other.
        aspect: in what, as written; "" where any difference is asked for.
    """

    first: str
    second: str
    aspect: str = ""

    @property
    def both(self) -> tuple[str, str]:
        """The two, in the order of the question."""
        return self.first, self.second


def sides_of(text: str) -> Sides | None:
    """What a question compares, or None where it does not compare two things by name.

    Args:
        text: a question in Chinese or English, complete in itself.
    """
    for found in _forms(text):
        first, second = (_EDGE.sub("", found[side]) for side in ("a", "b"))
        if not _is_side(first) or not _is_side(second) or first == second:
            continue
        parts = found.groupdict()
        if parts["in"] and "的" in first:
            continue  # `A 的 x 和 B 的 x`
        aspect = _EDGE.sub("", parts["in"] or parts.get("on") or "").removeprefix("更").strip()
        return Sides(first=first, second=second, aspect="" if _ANY.fullmatch(aspect) else aspect)
    return None


def _forms(text: str) -> Iterator[re.Match[str]]:
    """The readings of a question as a comparison, the surest first."""
    if has_han(text):
        tail = _TAIL.search(text)
        whole = _ZH.search(text[: tail.start()]) if tail else None
        yield from (
            found for found in (_ZH_ORDER.search(text), _WHICH.search(text), whole) if found
        )
    yield from (found for form in _EN if (found := form.search(text)))


def _is_side(text: str) -> bool:
    """Whether it can name one thing: not a clause, not two more things."""
    return (
        0 < len(text) <= _LONGEST
        and bool(content_terms(text))
        and not re.search(
            r"[、,，?？]|为什么|怎么|如何|哪|谁|什么|分别|是|\b(?:and|or|which|what|how)\b", text
        )
    )


def compares(text: str) -> bool:
    """Whether a text sets things against each other, rather than listing them."""
    return _COMPARES.search(text) is not None


def names(side: str, text: str) -> bool:
    """Whether a text names a thing: all its words, in any form or in the other language."""
    there = set(terms(text))
    return all(_is_in(word, there) for word in content_terms(side) or terms(side))


def _is_in(word: str, there: set[str]) -> bool:
    if word in there or any(name in there for name in alike(word)):
        return True
    return any(odds >= _LEAST_ODDS and name in there for name, odds in translations(word))
