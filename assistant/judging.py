"""The verdict on a claim from what each passage says of it.

A judge trained on claims with known verdicts (`eval.training.grounding`) gives every passage the
probability that it supports the claim, contradicts it, or does neither; rules object. "Supported"
needs both: probability, and no objection. Knows findings; not notes. Called by `grounding`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assistant.comparing import Finding, contradiction
from assistant.types import Verdict
from corpus.sentences import is_label

__all__ = ["JUDGED", "KINDS", "decide", "gives_another_figure", "judged_row", "settled"]

_SURE = 0.6  # a conflict that no probability outweighs
_COVERAGE, _OWN, _HEAVIEST, _MIXED = 0.6, 0.4, 0.3, 0.3  # without these there is no support
_JOINED = 0.6  # several sentences contradict less surely than one
_ALL = 0.92
_LEAST_CONFLICT, _UNNAMED = 0.3, 0.5
_PLAUSIBLE = 0.1  # least probability at which a rule may call a contradiction
_SAME_THING, _SAME_OWN = 0.8, 0.5

KINDS = ("number", "version", "negation", "opposite", "quantifier", "role", "order", "name", "word")
JUDGED = (
    "coverage", "own", "rest", "heaviest", "names", "numbers", "n_loose", "denied", "added",
    "mixing", "scattered", "crossing", "joined", "in_order", "soft", "extra", "n_words",
    "n_passage", "verbatim", "ruled", "label", "altered", *KINDS,
)  # fmt: skip


def judged_row(f: Finding) -> list[float]:
    """The features of a finding in the order of JUDGED."""
    strengths = dict.fromkeys(KINDS, 0.0)
    for c in f.found:
        strengths[c.kind] = max(strengths[c.kind], c.strength)
    return [
        f.coverage, f.own, f.rest, f.heaviest, float(len(f.names)), float(len(f.numbers)),
        float(f.n_loose), float(f.denied), float(len(f.added)), f.mixing, float(f.is_scattered),
        float(f.is_crossing), float(f.is_joined), f.in_order, f.soft, f.extra, float(f.n_words),
        float(f.n_passage), float(f.is_verbatim), float(contradiction(f) is not None),
        float(is_label(f.passage.text)), float(f.is_altered), *strengths.values(),
    ]  # fmt: skip


def decide(
    rows: NDArray[np.float32], odds: NDArray[np.float64], *, support: float, against: float
) -> tuple[Verdict, int]:
    """The verdict on a claim, and the passage on which it rests.

    Args:
        rows: features of the findings (JUDGED), of shape (n, len(JUDGED)), n at least 1.
        odds: probabilities that each passage supports, contradicts, does neither; (n, 3).
        support: least probability of a supporting passage.
        against: least probability of a contradicting one.

    Returns:
        Supported only where no rule objects, whatever the probability.
    """
    column = {name: rows[:, i] for i, name in enumerate(JUDGED)}
    verbatim = np.flatnonzero(column["verbatim"] > 0)
    if verbatim.size:
        return Verdict.SUPPORTED, int(verbatim[column["n_passage"][verbatim].argmin()])
    # every word of the claim in one sentence, in the same order: no judge needs to be sure
    plain = (column["own"] >= _ALL) & (column["in_order"] >= 1.0) & (column["joined"] == 0)
    pro = np.where(plain, np.maximum(odds[:, 0], support), odds[:, 0])
    pro = np.where(_objection(column, odds), 0.0, pro)
    if (column["altered"] > 0).any():  # what one sentence says otherwise, no other one makes true
        pro[:] = 0.0
    ruled = (column["ruled"] > 0) & (odds[:, 1] >= _PLAUSIBLE)
    contra = odds[:, 1] * np.where(column["joined"] > 0, _JOINED, 1.0)
    # no slot was found in which they differ, so nobody could be told why
    conflict = np.max([column[kind] for kind in KINDS], axis=0)
    contra *= np.where(conflict < _LEAST_CONFLICT, _UNNAMED, 1.0)
    contra[(column["names"] > 0) & (column["ruled"] == 0)] = 0.0
    contra = np.maximum(contra, np.where(ruled, against, 0.0))
    s, c = int(pro.argmax()), int(contra.argmax())
    if pro[s] >= support and pro[s] > 0.9 * contra[c]:
        return Verdict.SUPPORTED, s
    if contra[c] >= against and contra[c] >= pro[s]:
        return Verdict.CONTRADICTED, c
    return Verdict.UNSUPPORTED, int((odds[:, 0] + odds[:, 1]).argmax())


def _objection(
    column: dict[str, NDArray[np.float32]], odds: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which passages cannot support the claim, whatever their probability."""
    conflict = np.max([column[kind] for kind in KINDS], axis=0)
    crossing = column["crossing"] > 0
    found: NDArray[np.bool_] = (
        (column["names"] > 0)
        | (column["numbers"] > 0)
        | (column["scattered"] > 0)
        | (column["denied"] > 0)
        | (column["added"] > 0)
        | (column["ruled"] > 0)
        | (column["label"] > 0)
        | (column["altered"] > 0)
        | (conflict >= _SURE)
        | (column["mixing"] >= _MIXED)
        | (column["heaviest"] > _HEAVIEST)
        | (column["coverage"] < np.where(crossing, _COVERAGE - 0.12, _COVERAGE))
        | (column["own"] < np.where(crossing, _OWN - 0.06, _OWN))
        | ((column["joined"] > 0) & ((column["coverage"] < 0.9) | (odds[:, 0] < 0.7)))
    )
    return found


def settled(f: Finding, verdict: Verdict, odds: NDArray[np.float64], at: int) -> Finding:
    """The finding with its verdict and the probability that the notes support the claim."""
    if f.is_verbatim:
        return f
    chances = (float(odds[at, 0]), float(odds[at, 1]), float(odds[at, 2]))
    score = chances[0] if verdict is Verdict.SUPPORTED else min(chances[0], 0.49)
    against = contradiction(f)
    found = f.found
    if verdict is Verdict.CONTRADICTED and against is not None:
        found = (against, *(c for c in f.found if c is not against))
    return replace(f, verdict=verdict, score=min(0.98, max(0.01, score)), odds=chances, found=found)


def gives_another_figure(f: Finding) -> bool:
    """Whether a passage says the same of the same thing but for a figure."""
    return (
        f.verdict is Verdict.CONTRADICTED
        and f.found[0].kind == "number"
        and f.rest >= _SAME_THING
        and f.own >= _SAME_OWN
        and not f.names
    )
