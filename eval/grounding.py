"""The check on the golden claims: every verdict beside the true one.

A claim of several parts has the verdict of its weakest part. Baselines that train nothing stand in
the same table: always supported, and the share of its words that the best passage covers.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from assistant.pipeline import Assistant
from corpus.tokens import content_terms
from eval import verdicts
from eval.goldens import GoldClaim
from eval.groundedness import METRICS, weakest
from eval.runs import mean_metric
from eval.stats import grouped_interval

__all__ = ["SLOTS", "evaluate"]

SLOTS = frozenset({"number", "unit", "version", "identifier", "date"})
_FOUND = 5  # passages that the baseline looks at


def evaluate(assistant: Assistant, gold: Sequence[GoldClaim]) -> dict[str, Any]:
    """Figures and items of the check on claims with known verdicts.

    Returns:
        `metrics` ([value, low, high, n]), `methods`, `confusion`, `calibration` (mean chance, share
        that is supported, count), `kinds` (share of right verdicts) and `items`.
    """
    items = []
    if (
        gold
    ):  # what is loaded with the first search is not the first check's time; no judge is asked
        assistant.find(gold[0].claim)
    for one in gold:
        started = time.perf_counter()
        claims = assistant.check(one.claim).claims
        spent = 1000 * (time.perf_counter() - started)
        verdict, score = weakest(claims)
        evidence = next((c.evidence for c in claims if c.evidence), None)
        touched = evidence is not None and any(
            evidence.note == g.note
            and (not g.end or (evidence.start < g.end and g.start < evidence.end))
            for g in one.gold
        )
        items.append(
            {
                "id": one.id, "kind": one.kind, "gold": one.verdict, "verdict": verdict,
                "score": score, "right": verdict == one.verdict, "text": one.claim,
                "group": one.gold[0].note if one.gold else one.id,
                "evidence": touched if one.gold else None,
                "coverage": round(_coverage(assistant, one.claim), 4), "ms": round(spent, 1),
            }
        )  # fmt: skip
    return _figures(items)


def _coverage(assistant: Assistant, claim: str) -> float:
    """IDF-weighted share of the claim's terms in the best of the passages found for it."""
    weights = {term: assistant.index.idf(term) for term in set(content_terms(claim))}
    whole = sum(weights.values())
    if not whole:
        return 0.0
    bags = [set(content_terms(hit.text)) for hit in assistant.find(claim, k=_FOUND)]
    return max((sum(w for t, w in weights.items() if t in bag) / whole for bag in bags), default=0)


def _figures(items: list[dict[str, Any]]) -> dict[str, Any]:
    altered = [i for i in items if i["gold"] == "contradicted"]
    true = [i for i in items if i["gold"] == "supported"]
    slots = [i for i in altered if i["kind"] in SLOTS]
    positive = np.array([i["gold"] != "supported" for i in items])
    said = np.array([i["verdict"] != "supported" for i in items])
    chances = np.array([i["score"] for i in items])
    coverage = np.array([i["coverage"] for i in items])
    groups = [i["group"] for i in items]
    halves = np.array([hashlib.sha256(g.encode()).digest()[0] % 2 == 0 for g in groups])
    rivals = {
        "check, as shipped": (said, 1 - chances),
        "coverage by the best passage, cut from the other half": (
            _cut(1 - coverage, positive, halves),
            1 - coverage,
        ),
        "always supported": (np.zeros(len(items), bool), np.zeros(len(items))),
    }
    methods = {name: _method(*pair, positive, groups) for name, pair in rivals.items()}
    metrics = {
        "right verdict": mean_metric(i["right"] for i in items),
        "macro-F1 of three": [*_macro(items, groups), len(items)],
        **{name: [*row, len(items)] for name, row in methods["check, as shipped"].items()},
        "altered claims supported": mean_metric(i["verdict"] == "supported" for i in altered),
        "altered claims contradicted": mean_metric(i["right"] for i in altered),
        "slot errors contradicted": mean_metric(i["right"] for i in slots),
        "true claims supported": mean_metric(i["right"] for i in true),
        "evidence is a gold span": mean_metric(
            i["evidence"] for i in items if i["evidence"] is not None
        ),
        "ms": mean_metric(i["ms"] for i in items),
    }
    error = verdicts.expected_calibration_error(chances, ~positive)
    metrics["calibration error"] = [round(error, 4), error, error, len(items)]
    counts = Counter((i["gold"], i["verdict"]) for i in items)
    kinds = sorted({(i["kind"], i["gold"]) for i in items})
    return {
        "n": len(items),
        "metrics": {name: row for name, row in metrics.items() if row[3]},
        "methods": methods,
        "confusion": {f"{a} -> {b}": n for (a, b), n in sorted(counts.items())},
        "calibration": verdicts.calibration(chances, ~positive),
        "groups": {
            f"{kind} ({of})": {
                "right": mean_metric(
                    i["right"] for i in items if (i["kind"], i["gold"]) == (kind, of)
                )
            }
            for kind, of in kinds
        },
        "items": items,
    }


def _cut(scores: Any, positive: Any, halves: Any) -> Any:
    """What is flagged at the cut that is best on the other half of the groups."""
    flagged = np.zeros(len(scores), bool)
    for half in (halves, ~halves):
        if half.any() and (~half).any():
            flagged[half] = scores[half] >= verdicts.best_cut(scores[~half], positive[~half])
    return flagged


def _method(flagged: Any, scores: Any, positive: Any, groups: Sequence[str]) -> dict[str, Any]:
    rows: dict[str, Any] = {"AUROC": lambda w: verdicts.auroc(scores, positive, w)}
    for name, metric in METRICS.items():
        rows[name] = lambda w, metric=metric: metric(flagged, positive, w)
    return {
        name: [metric(None), *grouped_interval(metric, groups)] for name, metric in rows.items()
    }


def _macro(items: Sequence[dict[str, Any]], groups: Sequence[str]) -> list[float]:
    gold, said = [i["gold"] for i in items], [i["verdict"] for i in items]
    labels = [label for label in verdicts.LABELS if label in gold]  # small sets lack some

    def metric(weights: Any) -> float:
        return verdicts.macro_f1(verdicts.confusion(gold, said, weights), labels)

    return [metric(None), *grouped_interval(metric, groups, samples=200)]
