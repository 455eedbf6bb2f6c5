"""What kind of thing a sentence holds: a number, a date, somebody, a reason, a definition, ...

Patterns over Chinese and English. What depends on the sentence alone is looked for once and
kept. Knows sentences and questions; called by `evidence`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from assistant.quantities import quantities
from assistant.questions import Kind, Question, question_numbers
from assistant.words import Word, words
from corpus.text import fold, has_han
from corpus.tokens import is_proper, tokens

__all__ = ["Asked", "Fit", "fits"]

_WHO = re.compile(
    r"提出|发布|作者|发明|开发|研发|推出|团队|公司|等人|由[^，,。]{1,20}(?:提出|开发|发布|设计)|来源|"
    r"proposed|introduced|developed|released|\bby\b|et al",
    re.IGNORECASE,
)
_WHEN = re.compile(
    r"\d{2,4}\s*年|\d{1,2}\s*月|\d{4}[-/.]\d{1,2}|(?<!\d)(?:19|20)\d{2}(?!\d)|世纪|年代"
)
_WHY = re.compile(
    r"因为|由于|因此|所以|导致|造成|使得|从而|为了|原因|以致|以至|避免|解决|为此|不需要|不用|只需|否则|会让|才能|"
    r"because|since|therefore|due to|so that|in order to|avoid|otherwise|hence",
    re.IGNORECASE,
)
_HOW = re.compile(
    r"通过|利用|使用|采用|先|然后|再|把|将|步骤|方法|首先|接着|最后|用.{1,12}(?:来|去|做)|"
    r"by |using|first|then|via",
    re.IGNORECASE,
)
_COMPARE = re.compile(
    r"相比|比|而|更|区别|不同|差|高于|低于|优于|than|while|whereas|differ|unlike|compared|both|only",
    re.IGNORECASE,
)
_DEFINE = re.compile(
    r"(?:[)）\"”]|^.{0,40}?)\s*(?:是|即|指|为|也就是|称为|叫做|通常指|表示|:|：|"
    r"is|are|refers to|means)"
)
_SPELLED = re.compile(
    r"[A-Za-z]{2,}\s*[(（][A-Za-z][^)）]{5,}[)）]|[(（][^)）]*[A-Z]{2,}[^)）]*[)）]"
)
_ASKS_NAME = re.compile(
    r"全称|缩写|简称|全名|stands? for|full name|abbreviation|acronym", re.IGNORECASE
)
_NAMED = re.compile(r"[A-Z][A-Za-z]+")
_SOMEONE = re.compile(r"等人|作者|团队|公司|实验室|大学|et al", re.IGNORECASE)
_ASKS_VALUE = frozenset({Kind.NUMBER, Kind.WHEN, Kind.WHO})
_WANTED = {
    Kind.NUMBER: "number", Kind.WHEN: "date", Kind.WHO: "who", Kind.WHY: "why",
    Kind.HOW: "how", Kind.COMPARE: "compares", Kind.DEFINE: "defines", Kind.CODE: "code",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Text:
    """What a sentence holds, whatever is asked.

    Attributes:
        holds: per kind of thing, whether it is there.
        numbers: tokens that begin with a digit.
        spells_out: whether it gives a name and what the name stands for.
    """

    holds: dict[str, bool]
    numbers: frozenset[str]
    spells_out: bool


@lru_cache(maxsize=8192)
def _read(text: str) -> _Text:
    return _Text(
        holds={
            "date": _WHEN.search(text) is not None,
            "who": _WHO.search(text) is not None or _NAMED.search(text) is not None,
            "why": _WHY.search(text) is not None,
            "how": _HOW.search(text) is not None,
            "compares": _COMPARE.search(text) is not None,
            "defines": _DEFINE.search(text[:80]) is not None,
            "code": "`" in text or "$" in text,
        },
        numbers=frozenset(t.text for t in tokens(text) if t.kind == "number"),
        spells_out=_SPELLED.search(text) is not None,
    )


@lru_cache(maxsize=8192)
def _names(text: str) -> frozenset[str]:
    """Words of a text that name somebody or something."""
    return frozenset(w.text for w in words(text) if w.is_name or is_proper(w.text))


class Asked:
    """What a question asks for, read once for all sentences."""

    def __init__(self, question: Question) -> None:
        self.kind = question.kind
        self.measure = question.measure if has_han(question.measure) else ""
        self.folded = fold(question.text)
        self.numbers = question_numbers(question.text)
        self.words = frozenset(w.text for w in words(question.text))
        self.asks_name = _ASKS_NAME.search(question.text) is not None


class Fit(NamedTuple):
    """Whether a unit holds what is asked for, 1.0 or 0.0; `evidence.FEATURES` of the same names.

    Attributes:
        date: and those up to `number`: whether it holds such a thing, whatever is asked.
        measure: whether it holds the measure asked for; -1.0 where none is.
        fits: whether it holds the kind of thing asked for.
        fits_near: whether its clause that says most of the question does; 0.5 for other kinds.
        unmet: whether a number, a date or a name is asked for and not there.
    """

    date: float
    who: float
    why: float
    how: float
    compares: float
    defines: float
    code: float
    number: float
    asks_name: float
    spells_out: float
    measure: float
    fits: float
    fits_near: float
    unmet: float
    names_someone: float


def _names_another(text: str, near: str, found: Sequence[Word], known: frozenset[str]) -> bool:
    """Whether some clauses name somebody or something besides what is known.

    Args:
        text: of the unit.
        near: of its clauses.
        found: their words as the unit is read: cut as the clauses alone are, but what is a name
            may depend on where a text begins and on what is counted beside it.
        known: words that are left out.
    """
    others = [word for word in found if word.text not in known]
    if any(is_proper(word.text) for word in others):
        return True
    marked = any(c.isdigit() or c.isupper() for w in others for c in text[w.start : w.end])
    return marked and not _names(near) <= known


def fits(asked: Asked, text: str, clauses: Sequence[Word]) -> Fit:
    """Whether a unit, and its clause that says most, holds the kind of thing asked for.

    Args:
        asked: the question.
        text: of the unit.
        clauses: words of the clause of it that says most of the question, and of its neighbours;
            none for all of it.
    """
    read = _read(text)
    new = [q for q in quantities(text) if q.value not in asked.numbers and not q.is_weak]
    number = bool(new) or any(n not in asked.folded for n in read.numbers)
    holds = {**read.holds, "number": number}
    wanted = _WANTED.get(asked.kind)
    fit = float(holds[wanted]) if wanted else 1.0
    near = text[clauses[0].start : clauses[-1].end] if clauses else text
    found = clauses or words(text)
    someone = bool(_SOMEONE.search(near)) or _names_another(text, near, found, asked.words)
    if asked.kind is Kind.NUMBER:
        here = float(any(q.value not in asked.numbers and not q.is_weak for q in quantities(near)))
    elif asked.kind is Kind.WHEN:
        here = float(_WHEN.search(near) is not None)
    else:
        here = float(someone) if asked.kind is Kind.WHO else 0.5
    measure = -1.0
    if asked.measure:
        first = asked.measure[0]
        measure = float(first in text or any(q.unit and q.unit[0] == first for q in new))
    return Fit(
        **{name: float(held) for name, held in holds.items()},
        asks_name=float(asked.asks_name),
        spells_out=float(read.spells_out),
        measure=measure,
        fits=fit,
        fits_near=here,
        unmet=float(asked.kind in _ASKS_VALUE and not fit),
        names_someone=float(someone),
    )
