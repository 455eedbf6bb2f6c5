"""The check on claims that bring their own contexts, beside baselines that train nothing.

For public sets of claims and for logs of other systems. Without labels it only says how much of
the answers is supported. Knows records and verdicts; the golden sets are `eval.grounding`'s.
"""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from assistant.opinions import SecondOpinion
from assistant.types import Claim
from corpus.encoder import Encoder, load_encoder
from eval import verdicts
from eval.baselines import WINDOW, Lines
from eval.contexts import Contexts
from eval.records import Record
from eval.runs import mean_metric
from eval.stats import with_interval
from eval.verdicts import Bools, Floats
from eval.whole_answers import (
    REFERENCE,
    WITHIN,
    against_reference,
    by_span,
    overlap,
    within,
)  # fmt: skip

__all__ = ["METRICS", "evaluate", "table", "weakest"]

_ORDER = ("contradicted", "unsupported", "not_checked", "supported")
METRICS: dict[str, Callable[[Bools, Bools, Floats | None], float]] = {
    "balanced accuracy": verdicts.balanced_accuracy,
    "F1 unsupported": verdicts.flagged_f1,
    "precision unsupported": verdicts.flagged_precision,
    "recall unsupported": verdicts.flagged_recall,
    "false support": verdicts.false_support_rate,
}


def weakest(claims: Sequence[Claim]) -> tuple[str, float]:
    """The verdict on a text and its score: those of its weakest claim.

    Aggregated by minimum, as a text is supported if all its claims are; "no_claim" and 0.5 for a
    text in which no claim was found, which is not called supported.
    """
    if not claims:
        return "no_claim", 0.5
    worst = min(claims, key=lambda c: _ORDER.index(c.verdict.value))
    return worst.verdict.value, min(c.score for c in claims)


def evaluate(
    records: Sequence[Record],
    *,
    encoder: Encoder | None = None,
    judges: Sequence[SecondOpinion] = (),
) -> dict[str, Any]:
    """Figures and items of the check over records.

    Args:
        records: of one file; their contexts together say how rare a word is.
        encoder: None for the built-in one.
        judges: second opinions beside the built-in check.

    Returns:
        `figures` (by label), `methods` (per method the metrics as [value, low, high]),
        `confusion`, `calibration`, `kinds` and `items`.
    """
    items = _judged_items(records, encoder or load_encoder(), judges)
    figures = _groundedness(items)
    result: dict[str, Any] = {"n": len(items), "figures": figures, "items": items}
    metrics = _unlabelled(items, figures)
    known = [i for i in items if i["gold"]]
    if known:
        result |= _judged(known)
        figures |= result.pop("more")
        shipped = result["methods"]["check, as shipped"]
        metrics |= {name: [*row, len(known)] for name, row in shipped.items()}
        error = figures["calibration error"]
        metrics["calibration error"] = [error, error, error, len(known)]
        metrics |= within(known)
    if "marked chars" in items[0]:
        metrics |= by_span(items)
    found = [i for i in items if "evidence hit@1" in i]
    if found:
        result["evidence"] = {
            name: _mean([i[f"{name} hit@1"] for i in found])
            for name in ("evidence", "BM25 line", "coverage line", "random line")
        }
        figures |= {f"evidence hit@1, {k}": round(v, 3) for k, v in result["evidence"].items()}
        metrics["evidence hit@1"] = mean_metric(i["evidence hit@1"] for i in found)
    for item in items:  # a group may be called by its text, which has no place in a result
        item["group"] = hashlib.sha256(item["group"].encode("utf-8", "replace")).hexdigest()[:12]
    return {**result, "metrics": metrics}


def _judged_items(
    records: Sequence[Record], encoder: Encoder, judges: Sequence[SecondOpinion]
) -> list[dict[str, Any]]:
    """What the check says of each record, and what its baselines say."""
    contexts = Contexts([c for r in records for c in r.contexts], encoder)
    lines = Lines(records)
    items = []
    marked = any(record.spans for record in records)
    for record in records[:1]:  # what is loaded with the first check is not its time
        contexts.check(record.text, record.contexts)
    for record in records:
        started = time.perf_counter()
        claims = contexts.check(record.text, record.contexts, judges)
        spent = 1000 * (time.perf_counter() - started)
        items.append(_item(record, claims, spent, lines))
        if marked:
            items[-1] |= overlap(record, claims)
        if record.reference:
            items[-1] |= against_reference(record, contexts)
        if record.sentences:
            items[-1] |= _located(record, claims, contexts, lines)
    return items


def _unlabelled(items: Sequence[dict[str, Any]], figures: dict[str, Any]) -> dict[str, list[float]]:
    """Metrics that need no label; those worth a line are told among the figures, too."""
    faithful = [i["n_supported"] / i["n_claims"] for i in items if i["n_claims"]]
    metrics: dict[str, list[float]] = {}
    for name, row in (
        ("faithfulness", faithful),
        *((name, [i[name] for i in items if i.get(name) is not None]) for name in REFERENCE),
    ):
        if row:
            metrics[name] = mean_metric(row)
            figures[name] = f"{_cell(metrics[name])} (n = {len(row)})"
    return {**metrics, "ms": mean_metric(i["ms"] for i in items)}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _item(record: Record, claims: Sequence[Claim], spent: float, lines: Lines) -> dict[str, Any]:
    verdict, score = weakest(claims)
    item = {
        "id": record.id, "gold": record.label, "verdict": verdict, "score": score,
        "group": record.group, "kind": record.kind, "stratum": record.stratum,
        "ms": round(spent, 1),
        "n_claims": len(claims),
        "n_supported": sum(c.verdict.value == "supported" for c in claims),
        "coverage": round(lines.coverage(record), 4), "window": round(lines.window(record), 4),
        "sentence": round(lines.best_sentence(record)[0], 4), "length": len(record.text),
    }  # fmt: skip
    if record.label:
        item["right"] = verdict == record.label or (
            record.label == "either" and verdict in ("contradicted", "unsupported")
        )
    else:  # a person's own log: what is not supported is what they want to read
        flagged = [c for c in claims if c.verdict.value in ("contradicted", "unsupported")]
        item["flagged"] = [f"{c.text} ({c.verdict.value}: {c.reason})" for c in flagged]
    return item


def _groundedness(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What can be said without labels.

    Faithfulness is supported / checkable claims (RAGAS; RAGChecker), a mean over texts that have
    claims; undefined, and said so, where there is none.
    """
    some = [i for i in items if i["n_claims"]]
    n, good = (sum(i[key] for i in items) for key in ("n_claims", "n_supported"))
    spent = sorted(i["ms"] for i in items)
    return {
        "texts": len(items),
        "texts without an answer": sum(i["length"] == 0 for i in items),
        "texts without a claim": len(items) - len(some),
        "claims": n,
        "claims supported": f"{good}/{n} = {good / n:.3f}" if n else "0/0",
        "faithfulness": "undefined",
        "ms a text, median / p95": f"{spent[len(spent) // 2]} / {spent[int(0.95 * len(spent))]}",
    }


def _judged(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Everything that needs labels."""
    positive = np.array([i["gold"] != "supported" for i in items])
    groups = [i["group"] for i in items]
    said = np.array([i["verdict"] != "supported" for i in items])
    column = {
        k: np.array([i[k] for i in items], float)
        for k in ("score", "coverage", "window", "sentence")
    }
    length = np.array([i["length"] for i in items], float)
    halves = np.array([hashlib.sha256(g.encode()).digest()[0] % 2 == 0 for g in groups])
    methods = {"check, as shipped": _method(said, 1 - column["score"], positive, groups)}
    for name, scores in (
        ("check, cut from the other half", 1 - column["score"]),
        ("IDF coverage, whole context", 1 - column["coverage"]),
        (f"IDF coverage, best {WINDOW} sentences", 1 - column["window"]),
        ("IDF coverage, first sentence by BM25", 1 - column["sentence"]),
        ("length of the claim", length),
    ):
        flagged = _other_half(scores, positive, halves)
        methods[name] = _method(flagged, scores, positive, groups)
    every = np.ones(len(items), bool)
    methods["flag everything"] = _method(every, np.zeros(len(items)), positive, groups)
    sure = [i for i in items if i["gold"] != "either"]
    three = len({i["gold"] for i in sure}) == len(verdicts.LABELS)
    if three:
        methods["check, as shipped"]["macro-F1 of three"] = _macro(sure)
    counts = Counter((i["gold"], i["verdict"]) for i in items)
    chances, true = column["score"], ~positive
    return {
        "methods": methods,
        "confusion": {f"{a} -> {b}": n for (a, b), n in sorted(counts.items())},
        "calibration": verdicts.calibration(chances, true),
        "kinds": _kinds(items),
        "more": {
            "labelled": len(items),
            "share unsupported": round(float(positive.mean()), 3),
            "calibration error": round(verdicts.expected_calibration_error(chances, true), 3),
        },
    }


def _other_half(scores: Floats, positive: Bools, halves: Bools) -> Bools:
    """What is flagged at the cut that is best on the other half of the groups."""
    flagged = np.zeros(len(scores), bool)
    for half in (halves, ~halves):
        if half.any() and (~half).any():
            flagged[half] = scores[half] >= verdicts.best_cut(scores[~half], positive[~half])
    return flagged


def _method(
    flagged: Bools, scores: Floats, positive: Bools, groups: Sequence[str]
) -> dict[str, list[float]]:
    def area(weights: Floats | None) -> float:
        return verdicts.auroc(scores, positive, weights)

    def at_cut(metric: Callable[[Bools, Bools, Floats | None], float]) -> Any:
        return lambda weights: metric(flagged, positive, weights)

    rows = {"AUROC": area, **{name: at_cut(metric) for name, metric in METRICS.items()}}
    return {name: with_interval(metric, groups) for name, metric in rows.items()}


def _macro(items: Sequence[dict[str, Any]]) -> list[float]:
    gold, said = [i["gold"] for i in items], [i["verdict"] for i in items]

    def metric(weights: Floats | None) -> float:
        return verdicts.macro_f1(verdicts.confusion(gold, said, weights))

    return with_interval(metric, [i["group"] for i in items], samples=200)


def _kinds(items: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Per kind: n, the share that is unsupported, AUROC, and the share of right verdicts."""
    out: dict[str, dict[str, Any]] = {}
    for kind in sorted({i["kind"] for i in items} - {""}):
        mine = [i for i in items if i["kind"] == kind]
        positive = np.array([i["gold"] != "supported" for i in mine])
        scores = np.array([1 - i["score"] for i in mine])
        area = verdicts.auroc(scores, positive)
        out[kind] = {
            "n": len(mine),
            "share unsupported": round(float(positive.mean()), 3),
            "AUROC": None if math.isnan(area) else round(area, 3),
            "right": round(_mean([i["right"] for i in mine]), 3),
        }
    return out


def _located(
    record: Record, claims: Sequence[Claim], contexts: Contexts, lines: Lines
) -> dict[str, float]:
    """Whether the first evidence is a gold sentence, for the check and for rivals.

    hit@1 is 1 if the line that holds most of the evidence is in a gold set (WiCE, Kamoi et al.,
    EMNLP 2023). Where the check shows no evidence, the passage it came nearest to counts.
    """
    gold = {n for some in record.sentences for n in some}
    (context, *_) = record.contexts
    evidence = next((c.evidence for c in claims if c.evidence), None)
    span = (evidence.start, evidence.end) if evidence else None
    if span is None:
        found = contexts.nearest(record.text, record.contexts)
        span = found[1:] if found else None
    starts = np.cumsum([0, *(len(line) + 1 for line in context.split("\n"))])
    at = -1
    if span:
        shared = np.minimum(starts[1:], span[1]) - np.maximum(starts[:-1], span[0])
        at = int(np.argmax(shared))
    return {
        "evidence hit@1": float(at in gold),
        "BM25 line hit@1": float(lines.best_bm25(record) in gold),
        "coverage line hit@1": float(lines.best_covered(record) in gold),
        "random line hit@1": len(gold) / len(context.split("\n")),
    }


def table(name: str, result: dict[str, Any]) -> str:
    """The figures of a file as lines of text."""
    lines = [name, *(f"  {label:<34} {value}" for label, value in result["figures"].items())]
    methods = result.get("methods")
    if methods:
        shown = [
            "AUROC",
            "balanced accuracy",
            "F1 unsupported",
            "false support",
            "macro-F1 of three",
        ]
        wide = max(34, *(len(method) + 1 for method in methods))
        lines.append("  " + " " * wide + "".join(f"{metric:<21}" for metric in shown))
        for method, values in methods.items():
            cells = (_cell(values.get(metric)) for metric in shown)
            lines.append(f"  {method:<{wide}}" + "".join(f"{cell:<21}" for cell in cells))
    for metric, row in result.get("metrics", {}).items():
        if metric.startswith("span ") or metric == WITHIN:
            lines.append(f"  {metric:<34} {_cell(row)}")
    lines += [f"  {pair:<34} {n}" for pair, n in result.get("confusion", {}).items()]
    for kind, row in result.get("kinds", {}).items():
        facts = ", ".join(f"{key} {value}" for key, value in row.items())
        lines.append(f"  {re.sub(chr(10), ' ', kind):<34} {facts}")
    return "\n".join(lines)


def _cell(found: Sequence[float] | None) -> str:
    if found is None or math.isnan(found[0]):
        return "-"
    return f"{found[0]:.3f} [{found[1]:.2f}, {found[2]:.2f}]"
