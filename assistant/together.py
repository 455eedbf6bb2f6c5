"""What all units of a question say together: whether any answers it, what belongs beside the best.

The best unit may answer or only resemble an answer; what the passages around it say of the rest of
the question tells the two apart. And a sentence that answers often does not repeat the question:
the one before it does; so each other unit is looked at beside the best one: where it stands to it,
how it begins, what they share. Knows candidates with their features and probabilities; the models
over these rows are trained by `eval.training.answers`, and `answering` draws the lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from assistant.candidates import Candidate
from assistant.evidence import FEATURES
from assistant.words import Word, is_han_word, words
from corpus.text import fold
from corpus.tokens import is_proper

__all__ = ["COMPANION_FEATURES", "QUESTION_FEATURES", "companion_rows", "question_row"]

_PARTS = ("unit", "passage", "note", "all")
_LOST = 0.5  # a word covered less surely than this is not said
# Shares of the question by weights that do not depend on the notes, which few of them cannot tell.
_GENERAL = ("here", "beside", "passage", "ahead", "notes", "lost", "best lost")

QUESTION_FEATURES = (
    *(f"top {name}" for name in FEATURES),
    *(f"mean {name}" for name in FEATURES),
    *(f"max {name}" for name in FEATURES),
    "first",
    "second",
    "three",
    "eight",
    *(f"{part} {what}" for part, what in product(_PARTS, ("share", "least", "lost", "name"))),
    "last word",
    "last word here",
    *(f"{how} {what}" for how, what in product(("said", "written"), _GENERAL)),
    "passages",
    "units",
)
_LIKELIEST, _NEAR = 12, 8  # which units are looked at: the likeliest, and so many on either side
_APART = 99.0  # "distance" of units of different passages
# How a unit takes up what was said before it.
_OPENINGS = tuple(
    re.compile(rf"\W*(?:{words})", re.IGNORECASE)
    for words in (
        "因为|原因|理由|由于|because",
        "所以|因此|于是|结果|so|therefore|then",
        "否则|otherwise",
        "但|不过|然而|而|but|however",
        "这|它|其|即|也就是|此时|this|it|they|that",
        "例如|比如|for example|e\\.g",
        "对策|解法|做法|办法|处理|fix|remedy|solution",
    )
)

COMPANION_FEATURES = (
    *(f"own {name}" for name in FEATURES),
    *(f"best {name}" for name in FEATURES),
    "probability", "best probability", "ratio", "order", "same passage", "same note", "distance",
    "apart", "same section", "same heading", "same stem", "best is stem", "same group",
    "same kind", "new", "taken up", "left behind", "more of question", "length", "best length",
    "length ratio", "opening", "best opening", "best label", "label end", "semicolon",
    "best semicolon",
    "before", "behind", "passage probability", "rank", "best rank", "siblings", "place", "places",
)  # fmt: skip


def question_row(
    asked: Sequence[Word],
    weights: NDArray[np.float64],
    found: Sequence[Candidate],
    rows: NDArray[np.float32],
    scores: NDArray[np.float64],
    *,
    general: NDArray[np.float64],
) -> NDArray[np.float32]:
    """What all candidates together say of whether the notes answer.

    Args:
        asked: words of the question.
        weights: of these words among the notes, of shape (len(asked),).
        found: the candidates, at least one, with `covered` set.
        rows: their features, of shape (n, len(FEATURES)).
        scores: probability of each, of shape (n,).
        general: how telling each word is whatever the notes, of shape (len(asked),).

    Returns:
        float32 of shape (len(QUESTION_FEATURES),): the best candidate, the mean of the best
        three, the largest of all, the probabilities of the best added up, and how much of the
        question the best one says, alone, with its passage, with its note and with all; the same
        by the general weights, in any words and to the letter; how many passages and units.
    """
    order = np.argsort(-scores, kind="stable")
    best = scores[order]
    return np.concatenate(
        [
            rows[order[0]],
            rows[order[:3]].mean(axis=0),
            rows.max(axis=0),
            [best[0], best[1] if len(best) > 1 else 0.0, best[:3].sum(), best[:8].sum()],
            _said_together(asked, weights, found, int(order[0])),
            _said_in_general(asked, general * (weights > 0), found, int(order[0])),
            [float(len({c.rank for c in found})), float(len(found))],
        ]
    ).astype(np.float32)


def _said_together(
    asked: Sequence[Word], weights: NDArray[np.float64], found: Sequence[Candidate], best: int
) -> list[float]:
    """How much of the question is said by the best unit, its passage, its note, and all."""
    heavy = weights > 0
    if not heavy.any():
        return [1.0, 1.0, 0.0, -1.0] * len(_PARTS) + [1.0, 1.0]
    covered = np.array([c.covered for c in found])
    top = found[best]
    passage = [i for i, c in enumerate(found) if c.rank == top.rank]
    note = [i for i, c in enumerate(found) if c.hit.note.path == top.hit.note.path]
    names = np.array([w.is_name or is_proper(w.text) for w in asked], dtype=bool) & heavy
    out: list[float] = []
    for members in ([best], passage, note, list(range(len(found)))):
        said = covered[members].max(axis=0)
        share = float((said * weights).sum() / weights.sum())
        lost = float((said[heavy] < _LOST).sum())
        name = float(said[names].min()) if names.any() else -1.0
        out += [share, float(said[heavy].min()), lost, name]
    last = int(np.flatnonzero(heavy)[-1])  # in a question what is asked of a thing mostly ends it
    return [*out, covered[best, last], covered[passage, last].max()]


def _said_in_general(
    asked: Sequence[Word], general: NDArray[np.float64], found: Sequence[Candidate], best: int
) -> list[float]:
    """Shares of the question that are said, in any words, and that are written to the letter.

    By the best unit, its passage, the passage that says most, how far that is ahead of the second
    one, and by all; then the most telling word that the best unit's passage, and that which no
    passage has, as a share of all words.
    """
    total = float(general.sum())
    if total <= 0:
        return [1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0] * 2
    shares = general / total
    ranks = np.array([c.rank for c in found])
    written = np.array([_written(asked, c) for c in found], dtype=float)
    said = np.array([c.covered for c in found], dtype=float)
    out: list[float] = []
    for covered in (said, written):
        passages = np.array([covered[ranks == rank].max(axis=0) for rank in dict.fromkeys(ranks)])
        here = covered[ranks == ranks[best]].max(axis=0)
        by_passage = np.sort(passages @ shares)[::-1]
        every = passages.max(axis=0)
        out += [
            float(covered[best] @ shares), float(here @ shares), float(by_passage[0]),
            float(by_passage[0] - by_passage[1]) if len(by_passage) > 1 else 1.0,
            float(every @ shares), float((shares * (every < _LOST)).max()),
            float((shares * (here < _LOST)).max()),
        ]  # fmt: skip
    return out


def _written(asked: Sequence[Word], c: Candidate) -> list[bool]:
    """Which words of a question a unit, or what stands above it, has to the letter."""
    above = f"{c.stem}\n{c.heading}\n{c.hit.note.title}"
    letters = _letters(c.text), _letters(above)
    there = _texts(c.text) | _texts(above)
    return [
        w.text in there or (is_han_word(w.text) and any(w.text in part for part in letters))
        for w in asked
    ]


@lru_cache(maxsize=8192)
def _letters(text: str) -> str:
    return fold(text)


@lru_cache(maxsize=8192)
def _texts(text: str) -> frozenset[str]:
    return frozenset(name for w in words(text) for name in (w.text, *w.known))


def companion_rows(
    question: str,
    found: Sequence[Candidate],
    rows: NDArray[np.float32],
    scores: NDArray[np.float64],
) -> tuple[list[int], NDArray[np.float32]]:
    """What speaks for each other unit beside the likeliest one.

    Args:
        question: as it is searched.
        found: the candidates, at least one.
        rows: their features, of shape (n, len(FEATURES)).
        scores: probability of each, of shape (n,).

    Returns:
        Places in `found` of the units looked at, and float32 of shape
        (that many, len(COMPANION_FEATURES)).
    """
    order = np.argsort(-scores, kind="stable")
    best = int(order[0])
    position = np.empty(len(found), dtype=int)
    position[order] = np.arange(len(found))
    top = found[best]
    chosen = [
        i
        for i, c in enumerate(found)
        if i != best
        and (position[i] < _LIKELIEST or (c.rank == top.rank and abs(c.place - top.place) <= _NEAR))
    ]
    passages: dict[int, list[int]] = {}
    for i, c in enumerate(found):
        passages.setdefault(c.rank, []).append(i)
    at = {(c.rank, c.place): i for i, c in enumerate(found)}
    asked = _content(question)
    beside = np.zeros((len(chosen), len(COMPANION_FEATURES) - 2 * len(FEATURES)), np.float32)
    for n, i in enumerate(chosen):
        c = found[i]
        near = [at.get((c.rank, c.place + step)) for step in (-1, 1)]
        passage = passages[c.rank]
        beside[n] = [
            scores[i], scores[best], scores[i] / max(float(scores[best]), 1e-6), position[i],
            *_places(c, top), *_words(asked, c.text, top.text),
            *(-1.0 if j is None else scores[j] for j in near),
            scores[passage].sum(), c.rank, top.rank,
            sum(found[j].unit.stem == c.unit.stem for j in passage) if c.unit.stem else 0,
            c.place, len(passage),
        ]  # fmt: skip
    best_row = np.broadcast_to(rows[best], (len(chosen), rows.shape[1]))
    return chosen, np.concatenate([rows[chosen], best_row, beside], axis=1)


def _places(c: Candidate, top: Candidate) -> list[float]:
    """Where a unit stands to the best one."""
    here = c.rank == top.rank
    distance = float(c.place - top.place) if here else _APART
    headed = c.hit.note.path == top.hit.note.path and c.heading == top.heading
    stem = c.unit.stem if here else None
    return [
        float(here), float(c.hit.note.path == top.hit.note.path), distance, abs(distance),
        float(here and c.heading == top.heading), float(headed),
        float(stem is not None and stem == top.unit.stem),
        float(stem is not None and stem[0] == top.unit.start),
        float(here and c.unit.group == top.unit.group), float(c.unit.kind == top.unit.kind),
    ]  # fmt: skip


def _words(asked: frozenset[str], text: str, best: str) -> list[float]:
    """What a unit says beyond the best one, what it takes up, and how both begin and end."""
    own, other = _content(text), _content(best)
    ends = text.rstrip()[-1:], best.rstrip()[-1:]
    return [
        len(own - other - asked), len((own & other) - asked), len((other - own) - asked),
        len((own & asked) - other), len(text), len(best), len(text) / max(1, len(best)),
        _opening(text), _opening(best),
        float(ends[1] in (":", "：")), float(ends[0] in (":", "：")),
        float(ends[0] in (";", "；")), float(ends[1] in (";", "；")),
    ]  # fmt: skip


@lru_cache(maxsize=8192)
def _content(text: str) -> frozenset[str]:
    return frozenset(w.text for w in words(text) if w.is_content)


@lru_cache(maxsize=8192)
def _opening(text: str) -> float:
    """Which way of taking up what was said before opens a unit, from 1; 0 for none."""
    return float(next((n for n, way in enumerate(_OPENINGS, 1) if way.match(text)), 0))
