"""Metrics of verdicts: what a check says of claims whose truth is known.

The positive class is "unsupported" (contradicted or not in the notes), as in RAGTruth and
LLM-AggreFact; every metric takes a weight per row, so that a bootstrap draws groups by weight.
Knows arrays; no files and no checkers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LABELS",
    "Bools",
    "Floats",
    "auroc",
    "balanced_accuracy",
    "best_cut",
    "calibration",
    "confusion",
    "expected_calibration_error",
    "false_support_rate",
    "flagged_f1",
    "flagged_precision",
    "flagged_recall",
    "macro_f1",
]

LABELS = ("supported", "contradicted", "unsupported")

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def _weights(weights: Floats | None, n: int) -> Floats:
    return np.ones(n) if weights is None else weights


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def auroc(scores: Floats, positive: Bools, weights: Floats | None = None) -> float:
    """Area under the ROC curve: the probability that a positive scores above a negative.

    P(s+ > s-) + P(s+ = s-) / 2, which is the Mann-Whitney statistic over n+ * n-.

    Args:
        scores: higher means more likely positive, of shape (n,).
        positive: which rows are positive, of shape (n,).
        weights: how often each row counts; once if None.

    Returns:
        In [0, 1]; NaN where one class is absent.

    Source: Hanley, McNeil, Radiology 143(1), 1982.
    """
    weights = _weights(weights, len(scores))
    _, place = np.unique(scores, return_inverse=True)
    above = np.bincount(place, weights * positive)
    below = np.bincount(place, weights * ~positive, minlength=len(above))
    under = np.cumsum(below) - below
    return _share(float(above @ (under + below / 2)), float(above.sum() * below.sum()))


def flagged_recall(flagged: Bools, positive: Bools, weights: Floats | None = None) -> float:
    """TP / (TP + FN): the share of unsupported claims that were flagged."""
    weights = _weights(weights, len(positive))
    return _share(float(weights @ (flagged & positive)), float(weights @ positive))


def flagged_precision(flagged: Bools, positive: Bools, weights: Floats | None = None) -> float:
    """TP / (TP + FP): the share of flagged claims that are unsupported."""
    weights = _weights(weights, len(positive))
    return _share(float(weights @ (flagged & positive)), float(weights @ flagged))


def flagged_f1(flagged: Bools, positive: Bools, weights: Floats | None = None) -> float:
    """2 TP / (2 TP + FP + FN) of the unsupported class (van Rijsbergen, 1979)."""
    weights = _weights(weights, len(positive))
    both = float(weights @ (flagged & positive))
    return _share(2 * both, float(weights @ flagged) + float(weights @ positive))


def balanced_accuracy(flagged: Bools, positive: Bools, weights: Floats | None = None) -> float:
    """(TPR + TNR) / 2, the mean of both classes' recall (Brodersen et al., ICPR 2010)."""
    true = flagged_recall(flagged, positive, weights)
    return (true + flagged_recall(~flagged, ~positive, weights)) / 2


def false_support_rate(flagged: Bools, positive: Bools, weights: Floats | None = None) -> float:
    """FN / (TP + FN): the share of unsupported claims that were called supported."""
    return 1.0 - flagged_recall(flagged, positive, weights)


def best_cut(scores: Floats, positive: Bools) -> float:
    """The threshold with the best balanced accuracy: a row is flagged from it on (>=).

    Ties go to the lowest cut. With one class only, 0.5.
    """
    if positive.all() or not positive.any():
        return 0.5
    values, place = np.unique(scores, return_inverse=True)
    above = np.bincount(place, positive.astype(float), minlength=len(values))
    below = np.bincount(place, (~positive).astype(float), minlength=len(values))
    true = np.cumsum(above[::-1])[::-1] / above.sum()
    false = np.cumsum(below[::-1])[::-1] / below.sum()
    return float(values[int(np.argmax(true - false))])


def confusion(
    gold: Sequence[str], said: Sequence[str], weights: Floats | None = None
) -> dict[tuple[str, str], float]:
    """How often each label was given each verdict, by (label, verdict)."""
    counts: dict[tuple[str, str], float] = {}
    for pair, weight in zip(
        zip(gold, said, strict=True), _weights(weights, len(gold)).tolist(), strict=True
    ):
        counts[pair] = counts.get(pair, 0.0) + weight
    return counts


def macro_f1(counts: Mapping[tuple[str, str], float], labels: Sequence[str] = LABELS) -> float:
    """Mean over the labels of 2 TP / (2 TP + FP + FN); 0 for one neither true nor said.

    Args:
        counts: by (label, verdict); a verdict outside the labels counts as a miss.
        labels: the classes of the mean.

    Source: Sokolova, Lapalme, Information Processing & Management 45(4), 2009.
    """
    scores = []
    for label in labels:
        said = sum(n for (_, b), n in counts.items() if b == label)
        real = sum(n for (a, _), n in counts.items() if a == label)
        both = counts.get((label, label), 0.0)
        scores.append(2 * both / (said + real) if said + real else 0.0)
    return sum(scores) / len(scores)


def calibration(
    chances: Floats, happened: Bools, *, bins: int = 10
) -> list[tuple[float, float, int]]:
    """The reliability curve over bins of equal width: mean chance, share that happened, count.

    Args:
        chances: said probabilities in [0, 1], of shape (n,).
        happened: what they were about, of shape (n,).
        bins: how many; empty ones are left out. A chance on a border belongs to the upper bin.

    Source: DeGroot, Fienberg, The Statistician 32, 1983.
    """
    at = np.minimum((chances * bins).astype(int), bins - 1)
    out = []
    for n in range(bins):
        mine = at == n
        if mine.any():
            out.append((float(chances[mine].mean()), float(happened[mine].mean()), int(mine.sum())))
    return out


def expected_calibration_error(chances: Floats, happened: Bools, *, bins: int = 10) -> float:
    """Sum over bins of (n_bin / n) * |share that happened - mean chance|, in [0, 1].

    Source: Guo et al., ICML 2017, equation 5, with bins of equal width.
    """
    curve = calibration(chances, happened, bins=bins)
    total = sum(n for *_, n in curve)
    return sum(n * abs(share - chance) for chance, share, n in curve) / total if total else 0.0
