"""Which units of passages may answer a question at all: what says something and commands nothing.

Links alone count only where a link can answer, a label only with what it announces, and an order to
a model only where orders are asked about. Knows candidates and the question, not what makes them
likely. Called by `answering` and `extracts`.
"""

from __future__ import annotations

import re

from assistant.candidates import Candidate
from assistant.injection import asks_about_orders, demanded
from assistant.questions import Question, takes_names, takes_pages
from assistant.unfolding import is_label

__all__ = ["eligible"]

# "Keywords: a, b", "标签：x": what the note is filed under, no statement about it.
_FILED = re.compile(
    r"\W{0,6}(?:key ?words?|tags?|关键[词字]|标签)\W{0,4}[:：][^。.!?]*",
    re.IGNORECASE,
)
_FILING = re.compile(r"key ?word|tag|关键[词字]|标签", re.IGNORECASE)


def eligible(question: Question, found: list[Candidate]) -> list[Candidate]:
    """The units that say something and give a model no orders, unless orders are asked about."""
    found = _worded(question, found)
    if not _FILING.search(question.text):
        found = [candidate for candidate in found if not _FILED.fullmatch(candidate.text)]
    if asks_about_orders(question.text):
        return found
    return [candidate for candidate in found if not _is_demanded(candidate)]


def _worded(question: Question, found: list[Candidate]) -> list[Candidate]:
    """The units that say something: links alone only where a link can answer such a question.

    A few words that announce a list say nothing where none of what they announce is left.
    """
    answers = {"": True, "notes": takes_names(question), "web": takes_pages(question)}
    left = [candidate for candidate in found if answers[candidate.links]]
    announced = {(c.hit.chunk.id, c.unit.stem) for c in left}
    return [
        c
        for c in left
        if not is_label(c) or (c.hit.chunk.id, (c.unit.start, c.unit.end)) in announced
    ]


def _is_demanded(candidate: Candidate) -> bool:
    """Whether prose only orders a model to do or say something."""
    chunk, unit = candidate.hit.chunk, candidate.unit
    spans = demanded(candidate.hit.note.text, chunk.start, chunk.end)
    return unit.kind != "code" and any(a < unit.end and unit.start < b for a, b in spans)
