"""How much of a claim's words stands anywhere in the passages found for it, and close together.

Word pairs are found for a few sentences only; a claim that sums up a page rests on many. Knows
claims and passages, not what they say. Called by `grounding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.passages import Passage, holds
from assistant.words import Word

__all__ = ["NO_SHARES", "Shares", "shares_of"]

_WINDOW = 3  # sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Shares of the weight of a claim's words, in [0, 1].

    Attributes:
        whole: of those that some passage holds.
        window: of those that a run of three sentences of one chunk holds, at most.
    """

    whole: float
    window: float


NO_SHARES = Shares(whole=0.0, window=0.0)


def shares_of(
    ours: Sequence[Word], weights: NDArray[np.float64], passages: Sequence[Passage]
) -> Shares:
    """The shares of a claim in passages.

    Args:
        ours: words of the claim.
        weights: of these words, at least 0; those of weight 0 count for nothing.
        passages: sentences of chunks.
    """
    total = float(weights.sum())
    if not passages or total <= 0:
        return NO_SHARES
    heavy = np.flatnonzero(weights)
    some = [ours[int(i)] for i in heavy]
    order = sorted(passages, key=lambda p: (p.note.path, p.chunk.start, p.start))
    held = np.array([holds(p, some) for p in order], bool)
    runs = [held]
    for step in range(1, _WINDOW):
        same = np.array(
            [
                (a.note.path, a.chunk.start) == (b.note.path, b.chunk.start)
                for a, b in zip(order, order[step:], strict=False)
            ],
            bool,
        )
        runs.append(runs[-1].copy())
        runs[-1][:-step] |= held[step:] & same[:, None]
    share = weights[heavy] / total
    window = float((runs[-1] @ share).max(initial=0.0))
    # sums in another order differ in the last digit
    return Shares(whole=max(float(held.any(axis=0) @ share), window), window=window)
