"""Whether the passages found answer a question at all, told from all their units together.

The best unit may answer or only resemble an answer; what the passages around it say of the rest of
the question tells the two apart. Knows candidates with their features and probabilities; the model
over these rows is trained by `eval.training.answers`, and `answering` draws the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from assistant.alignment import Word
from assistant.candidates import Candidate
from assistant.evidence import FEATURES
from corpus.tokens import is_proper

__all__ = ["QUESTION_FEATURES", "question_row"]

_PARTS = ("unit", "passage", "note", "all")
_LOST = 0.5  # a word covered less surely than this is not said

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
)


def question_row(
    asked: Sequence[Word],
    weights: NDArray[np.float64],
    found: Sequence[Candidate],
    rows: NDArray[np.float32],
    scores: NDArray[np.float64],
) -> NDArray[np.float32]:
    """What all candidates together say of whether the notes answer.

    Args:
        asked: words of the question.
        weights: of these words, of shape (len(asked),).
        found: the candidates, at least one, with `covered` set.
        rows: their features, of shape (n, len(FEATURES)).
        scores: probability of each, of shape (n,).

    Returns:
        float32 of shape (len(QUESTION_FEATURES),): the best candidate, the mean of the best
        three, the largest of all, the probabilities of the best added up, and how much of the
        question the best one says, alone, with its passage, with its note and with all.
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
