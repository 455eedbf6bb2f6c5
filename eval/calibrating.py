"""`youju eval calibrate`: how sure the check has to be over these notes, and what that costs.

Claims are planted over the notes (`planting`); for each the largest threshold is found at which the
check still calls it supported. From these follow, for every threshold, the share of false claims
called supported and of true ones; the smallest threshold that keeps the first below the rate asked
for is proposed. Knows planted claims and the check; writes nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from assistant.calibration import Calibration, models_of_check
from assistant.claims import claims_of
from assistant.grounding import Checker, load_checker, searching
from assistant.judging import CLAIM_FEATURES
from assistant.nearcopy import alteration
from assistant.passages import Passage
from assistant.pipeline import Assistant
from assistant.similarity import WordSimilarity
from assistant.trees import load_trees
from assistant.types import Verdict
from assistant.verbatim import is_verbatim
from corpus.errors import ConfigError
from eval.planting import Planted, plant
from eval.runs import mean_metric

__all__ = ["GRID", "Measured", "calibration", "evaluate", "measure"]

GRID = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.84, 0.88, 0.91, 0.94, 0.96, 0.98)
_LEAST = 20  # false claims below which nothing can be said of a rate
CAVEAT = (
    "Planted claims are made from the notes by a thesaurus and by templates and nobody has judged "
    "them; claims of a person or a chat model are worded more freely, and more of the false ones "
    "may pass. So planted claims can show that the threshold is too low for these notes, never "
    "that it is too high: none below the one that ships is proposed."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A planted claim and how far it is called supported.

    Attributes:
        upto: the largest threshold of GRID at which it is; 0 where it is at none, and 1 where no
            threshold matters, as for what stands there word by word in the same order.
    """

    planted: Planted
    upto: float


def measure(
    assistant: Assistant,
    planted: Sequence[Planted],
    progress: Callable[[int, int], None] | None = None,
) -> list[Measured]:
    """The largest threshold at which each planted claim is called supported, by bisection.

    Args:
        assistant: over the notes in which the claims were planted.
        planted: the claims.
        progress: called with (done, total).
    """
    similar = WordSimilarity(assistant.encoder)
    checker = load_checker(assistant.index, similar, searching(assistant.index))
    at = {support: checker.at(support) for support in (*GRID, 1.0)}
    texts = {note.path: note.text for note in assistant.index.notes()}
    out = []
    for n, one in enumerate(planted, 1):
        counts = _without(texts[one.note][one.start : one.end], one) if one.is_withheld else None
        low, high = 0, len(at)  # supported at the first `low` thresholds
        order = list(at)
        while low < high:
            middle = (low + high) // 2
            if _is_supported(at[order[middle]], one.claim, counts):
                low = middle + 1
            else:
                high = middle
        out.append(Measured(planted=one, upto=order[low - 1] if low else 0.0))
        if progress is not None:
            progress(n, len(planted))
    return out


def _is_supported(checker: Checker, claim: str, counts: Callable[[Passage], bool] | None) -> bool:
    found = [checker.judge(claim, span, counts=counts) for span in claims_of(claim)]
    return bool(found) and all(c.verdict is Verdict.SUPPORTED for c in found)


def _without(said: str, one: Planted) -> Callable[[Passage], bool]:
    """Whether a passage may be evidence for a claim whose statement is withheld: no copy of it."""

    def counts(passage: Passage) -> bool:
        is_it = (
            passage.note.path == one.note and passage.start < one.end and one.start < passage.end
        )
        text = passage.text
        return not (is_it or is_verbatim(said, text) or alteration(said, text))

    return counts


def shares(found: Sequence[Measured], support: float) -> tuple[list[float], list[float]]:
    """For a threshold, whether each false and each true claim is called supported, as 0 or 1."""
    false = [float(m.upto >= support) for m in found if not m.planted.is_true]
    true = [float(m.upto >= support) for m in found if m.planted.is_true]
    return false, true


def calibration(found: Sequence[Measured], rate: float, shipped: float) -> Calibration:
    """The smallest threshold of GRID at which the share of false claims is at most `rate`.

    None below the shipped one; where none keeps the rate, the largest, with the share it reaches.

    Args:
        found: of one vault.
        rate: in (0, 1).
        shipped: the threshold that ships, one of GRID or between two of them.

    Raises:
        ConfigError: there are too few claims to say anything.
    """
    n_false = sum(not m.planted.is_true for m in found)
    n_true = len(found) - n_false
    if n_false < _LEAST or n_true < _LEAST:
        raise ConfigError(
            f"Only {n_true} true and {n_false} false claims could be planted, at least {_LEAST} "
            "of each are needed: these notes hold too few statements to calibrate on"
        )
    for support in sorted({shipped, *(at for at in GRID if at > shipped)}):
        false, true = shares(found, support)
        if sum(false) <= rate * n_false:
            break
    return Calibration(
        support=support,
        rate=rate,
        false_support=round(sum(false) / n_false, 4),
        n_false=n_false,
        true_support=round(sum(true) / n_true, 4),
        n_true=n_true,
        made=date.today().isoformat(),
        models=models_of_check(),
    )


def evaluate(
    assistant: Assistant,
    *,
    rate: float,
    limit: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, Any], Calibration]:
    """Figures over planted claims, at the threshold in force and at the proposed one.

    Args:
        assistant: over the person's notes, refreshed.
        rate: of false claims called supported that is asked for, at most; in (0, 1).
        limit: how many claims are planted.
        seed: of the draws.
        progress: as `measure`.

    Raises:
        ConfigError: the notes hold too few statements.
    """
    planted = plant(list(assistant.index.notes()), limit=limit, seed=seed)
    found = measure(assistant, planted, progress)
    now, shipped = assistant.support, load_trees("verdicts", CLAIM_FEATURES).facts["support"]
    made = calibration(found, rate, shipped)
    metrics = {}
    for name, support in (("in force", now), ("proposed", made.support)):
        false, true = shares(found, support)
        metrics[f"false support, {name} ({support:g})"] = mean_metric(false)
        metrics[f"true support, {name} ({support:g})"] = mean_metric(true)
    kinds = sorted({m.planted.kind for m in found})
    return {
        "n": len(found),
        "metrics": metrics,
        "groups": {
            f"{kind} ({'true' if of[0].planted.is_true else 'false'})": {
                "supported, in force": mean_metric(m.upto >= now for m in of),
                "supported, proposed": mean_metric(m.upto >= made.support for m in of),
            }
            for kind in kinds
            if (of := [m for m in found if m.planted.kind == kind])
        },
        "curve": {
            f"{support:g}": [round(sum(row) / len(row), 4) for row in shares(found, support)]
            for support in GRID
        },
        "items": [
            {
                "id": f"{m.planted.kind}-{n}", "kind": m.planted.kind, "text": m.planted.claim,
                "gold": "supported" if m.planted.is_true else "not supported",
                "upto": m.upto, "right": (m.upto >= made.support) == m.planted.is_true,
                "note": m.planted.note,
            }
            for n, m in enumerate(found, 1)
        ],
    }, made  # fmt: skip
