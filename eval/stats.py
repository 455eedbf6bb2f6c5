"""Intervals and tests: how sure a figure is, and whether two runs differ.

Knows numbers per item; not what they measure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["bootstrap", "grouped_interval", "paired_randomisation", "with_interval"]

_SEED = 7
Floats = NDArray[np.float64]


def bootstrap(
    values: Sequence[float], *, samples: int = 2000, seed: int = _SEED
) -> tuple[float, float]:
    """The 95 % interval of a mean, by drawing the items again with replacement.

    Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993 (percentile interval).
    """
    if not values:
        return 0.0, 0.0
    drawn = np.random.default_rng(seed).integers(0, len(values), (samples, len(values)))
    means = np.asarray(values, float)[drawn].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def grouped_interval(
    metric: Callable[[Floats], float],
    groups: Sequence[str],
    *,
    samples: int = 500,
    seed: int = _SEED,
) -> tuple[float, float]:
    """The 95 % interval of any metric, by drawing whole groups again with replacement.

    Claims about one document are not independent; drawing rows would make the interval too narrow.

    Args:
        metric: of the rows, given how often each counts.
        groups: the group of each row.
        samples: how many draws.
        seed: of the draws.

    Returns:
        Low and high; NaN for both where no draw had a value.

    Source: Field, Welsh, JRSS B 69(3), 2007 (the cluster bootstrap), percentile interval.
    """
    names = {name: n for n, name in enumerate(dict.fromkeys(groups))}
    place = np.fromiter((names[group] for group in groups), np.int64, len(groups))
    if not len(names):
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), samples)
    found = np.array([metric(counts[place].astype(float)) for counts in drawn])
    found = found[~np.isnan(found)]
    if not len(found):
        return float("nan"), float("nan")
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def with_interval(
    metric: Callable[[Floats | None], float], groups: Sequence[str], samples: int = 500
) -> list[float]:
    """A metric over all rows with its `grouped_interval`: [value, low, high], four decimals.

    Args:
        metric: of the rows, given how often each counts; None for once.
        groups: the group of each row.
        samples: how many draws.
    """
    low, high = grouped_interval(metric, groups, samples=samples)
    return [x if math.isnan(x) else round(x, 4) for x in (metric(None), low, high)]


def paired_randomisation(
    first: Sequence[float], second: Sequence[float], *, samples: int = 10_000, seed: int = _SEED
) -> float:
    """The two-sided p-value that two runs over the same items have the same mean.

    Under the null hypothesis each pair's difference may as well have the other sign. The p-value
    is (1 + draws at least as extreme) / (1 + draws), never 0.

    Args:
        first: a value per item.
        second: the other run's, in the same order.
        samples: how many draws of signs.
        seed: of the draws.

    Raises:
        ValueError: the runs have different lengths.

    Source: Smucker, Allan, Carterette, CIKM 2007; Phipson, Smyth, SAGMB 9(1), 2010 for the 1.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} values cannot be paired with {len(second)}")
    differences = np.asarray(second, float) - np.asarray(first, float)
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    rng = np.random.default_rng(seed)
    extreme, seen = 0, abs(differences.sum()) - 1e-12
    for start in range(0, samples, 1000):
        n = min(1000, samples - start)
        signs = rng.choice(np.array([-1.0, 1.0]), (n, len(differences)))
        extreme += int((np.abs(signs @ differences) >= seen).sum())
    return (1 + extreme) / (1 + samples)
