"""Figures of whole answers: by marked span, within task and generator, beside a reference.

For sets in which people marked what is unsupported in answers of several models. Knows records,
claims and items of `eval.groundedness`; no files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from assistant.types import Claim
from eval import verdicts
from eval.contexts import Contexts
from eval.ranking import character_f1
from eval.records import Record
from eval.stats import with_interval
from eval.verdicts import Floats

__all__ = ["REFERENCE", "WITHIN", "against_reference", "by_span", "overlap", "within"]

WITHIN = "AUROC within task and generator"
REFERENCE = ("character F1 of the reference", "context recall")


def within(items: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """AUROC within task and generator: its mean over the strata in which both classes occur.

    Which model wrote an answer, and for which task, says by itself how likely it is to be
    unsupported; pooled figures reward reading that off. Empty with fewer than two strata.
    """
    names = sorted({i["stratum"] for i in items} - {""})
    mine = [np.array([i["stratum"] == name for i in items]) for name in names]
    positive = np.array([i["gold"] != "supported" for i in items])
    scores = np.array([1 - i["score"] for i in items])

    def metric(weights: Floats | None) -> float:
        given = np.ones(len(items)) if weights is None else weights
        areas = [verdicts.auroc(scores[m], positive[m], given[m]) for m in mine]
        areas = [area for area in areas if not math.isnan(area)]
        return float(np.mean(areas)) if areas else float("nan")

    if len(names) < 2:
        return {}
    row = with_interval(metric, [i["group"] for i in items], samples=200)
    return {WITHIN: [*row, len(items)]}


def against_reference(record: Record, contexts: Contexts) -> dict[str, float | None]:
    """What a log's right answers say of the other system.

    Character F1 of the answer and the reference (`eval.ranking.character_f1`); and context recall:
    the share of the reference's claims that the contexts support, as RAGAS and RAGChecker define
    it, with the built-in check as judge; None where the reference makes no claim.
    """
    claims = contexts.check(record.reference, record.contexts)
    supported = sum(c.verdict.value == "supported" for c in claims)
    return dict(zip(REFERENCE, (
        round(character_f1(record.text, record.reference), 4),
        round(supported / len(claims), 4) if claims else None,
    ), strict=True))  # fmt: skip


def overlap(record: Record, claims: Sequence[Claim]) -> dict[str, int]:
    """Characters of a text that people marked, that the check flagged, and both."""
    gold = {n for start, end in record.spans for n in range(start, end)}
    flagged = (c for c in claims if c.verdict.value in ("contradicted", "unsupported"))
    said = {n for c in flagged for n in range(c.start, c.end)}
    return {
        "marked chars": len(gold), "flagged chars": len(said), "both chars": len(gold & said)
    }  # fmt: skip


def by_span(items: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Precision, recall and F1 of flagged characters, summed over all texts.

    P = |flagged and marked| / |flagged|, R = |flagged and marked| / |marked|, F1 = 2 * both /
    (flagged + marked), as RAGTruth's span level (Niu et al., ACL 2024) and LettuceDetect count.
    """
    names = ("both chars", "flagged chars", "marked chars")
    both, said, gold = (np.array([i[name] for i in items], float) for name in names)

    def share(up: Floats, *down: Floats) -> Callable[[Floats | None], float]:
        def metric(weights: Floats | None) -> float:
            w = np.ones(len(up)) if weights is None else weights
            below = sum(float(w @ row) for row in down)
            return len(down) * float(w @ up) / below if below else float("nan")

        return metric

    rows = {"precision": share(both, said), "recall": share(both, gold),
            "F1": share(both, said, gold)}  # fmt: skip
    groups = [i["group"] for i in items]
    return {
        f"span {name}": [*with_interval(metric, groups), len(items)]
        for name, metric in rows.items()
    }
