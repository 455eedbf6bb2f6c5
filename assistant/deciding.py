"""Which passage a verdict is shown by, and what was trained to find the verdict.

Knows a claim's findings with their probabilities; not where passages come from. Called by
`grounding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assistant.comparing import Finding
from assistant.derived import derived
from assistant.differing import missing_numbers
from assistant.interaction import Interaction, Text, load_interaction
from assistant.judging import CLAIM_FEATURES, JUDGED, LABELS
from assistant.trees import Trees, load_trees
from assistant.types import Verdict
from corpus.encoder import Encoder

__all__ = ["Models", "nearest", "telling", "worked_out"]

_ABOUT = 0.65  # of the surest support
_AS_SURE = 0.9  # of the surest contradiction
_JOINED = 0.9  # one sentence is shown rather than several that say little more
_WORKED_OUT = 0.9  # score of a claim whose figure follows from those of the notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What was trained for the check.

    Attributes:
        judge: probability that a passage supports a claim, contradicts it, or does neither.
        verdicts: probability of each verdict for all passages together; `facts["support"]` is
            the least one of "supported".
        likely: probability of each verdict, trained also on texts of others; its facts are the
            arguments of `likelihood`. None leaves scores to `verdicts`.
        interaction: reads a claim and each passage against each other; None reads nothing.
    """

    judge: Trees
    verdicts: Trees
    likely: Trees | None = None
    interaction: Interaction | None = None

    def read(self, claim: str, found: Sequence[Finding]) -> NDArray[np.float32]:
        """Log probabilities of LABELS for each finding, of shape (len(found), 3)."""
        if self.interaction is None:
            return np.zeros((len(found), len(LABELS)), np.float32)
        texts = [Text(above=f.passage.context, text=f.passage.text) for f in found]
        return self.interaction.read(claim, texts)

    @classmethod
    def load(cls, encoder: Encoder) -> Models:
        """Those that ship; ModelError where one is missing or damaged.

        Args:
            encoder: of the notes; the network reads by it if it is the built-in one.
        """
        return cls(
            judge=load_trees("judge", JUDGED),
            verdicts=load_trees("verdicts", CLAIM_FEATURES),
            likely=load_trees("likely", CLAIM_FEATURES),
            interaction=load_interaction(encoder),
        )


def telling(claim: str, found: Sequence[Finding], odds: NDArray[np.float64]) -> int:
    """Of the passages that support about as surely as the surest, the one that says most itself.

    A sentence may be sure for what the one before it says; what is shown should say it itself.
    """
    near = [i for i in range(len(found)) if odds[i] >= _ABOUT * odds.max()]

    def says(i: int) -> tuple[int, float, float]:
        f = found[i]
        unstated = len(missing_numbers(claim, f.passage.text))
        return -unstated, f.own * (_JOINED if f.is_joined else 1.0), float(odds[i])

    return max(near, key=says)


def nearest(found: Sequence[Finding], odds: NDArray[np.float64], at: int) -> int:
    """Of the passages that contradict about as surely as one, that which says most of the claim.

    Only such as tell what differs, where that one does.
    """
    near = [
        i
        for i in range(len(found))
        if odds[i] >= _AS_SURE * odds[at] and (found[i].found or not found[at].found)
    ]
    return max(
        near, key=lambda i: (found[i].own * (_JOINED if found[i].is_joined else 1.0), i == at)
    )


def worked_out(whole: Finding, claim: str, found: Sequence[Finding]) -> Finding | None:
    """The finding that shows from which figures of the notes that of a claim follows, if any."""
    if not whole.numbers and not any(f.numbers for f in found):
        return None
    single = sorted((f for f in found if not f.is_joined), key=lambda f: -f.coverage)
    result = derived(claim, [f.passage for f in single])
    if result is None:
        return None
    at = next(f for f in single if f.passage is result.passages[0])
    verdict = Verdict.SUPPORTED if result.holds else Verdict.CONTRADICTED
    score = _WORKED_OUT if result.holds else 1 - _WORKED_OUT
    return replace(at, verdict=verdict, score=score, sum=result.shown)
