"""Search over a person's notes: do the passages come first that answer known questions?

Relevant is what touches a gold span; every denominator is the number of gold spans. The product
stands beside BM25 alone, dense search alone and fusion without reranking.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from assistant.crossing import Reranker
from assistant.pipeline import Assistant
from assistant.retrieval import query_terms, retrieve
from corpus.types import Chunk
from eval.questions import Asked
from eval.ranking import Span, ndcg, span_gains, span_recall
from eval.retrieval import CROSSED, SHIPPED
from eval.runs import mean_metric

__all__ = ["METRICS", "evaluate"]

METRICS = ("recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10")
_DEPTH = 10


def evaluate(
    assistant: Assistant, asked: Sequence[Asked], *, reranker: Reranker | None = None
) -> dict[str, Any]:
    """Figures of the product's search and of its parts.

    Args:
        assistant: over the notes.
        asked: questions; those without gold spans are left out.
        reranker: a named one, as a method of its own, which is then the product's.

    Returns:
        `metrics` of the product, `methods` (metrics per method as [mean, low, high, n]), `ranks`
        (mean recall within 1, 2, … ranks per method), `groups` (the product's per kind and
        language) and `items`.
    """
    found = [one for one in asked if one.gold]
    rankers = _rankers(assistant, reranker)
    shipped = list(rankers)[-1]
    scores: dict[str, list[dict[str, float]]] = {name: [] for name in rankers}
    ranks: dict[str, list[float]] = {}
    for name, ranker in rankers.items():
        recalls = []
        for one in found[:1]:  # what is loaded with the first query is not its time
            ranker(one.question)
        for one in found:
            started = time.perf_counter()
            chunks = ranker(one.question)
            spent = 1000 * (time.perf_counter() - started)
            scores[name].append({**_scores(chunks, one), "ms": spent})
            spans, gold = _spans(chunks, one)
            recalls.append([span_recall(spans, gold, k) for k in range(1, _DEPTH + 1)])
        if recalls:
            ranks[name] = [round(fmean(column), 4) for column in zip(*recalls, strict=True)]
    methods = {
        name: {metric: mean_metric(row[metric] for row in rows) for metric in (*METRICS, "ms")}
        for name, rows in scores.items()
    }
    items = [
        {"id": one.id, "kind": one.kind, "lang": one.lang, "text": one.question, **_rounded(row)}
        for one, row in zip(found, scores[shipped], strict=True)
    ]
    return {
        "n": len(found),
        "left out, no gold span": len(asked) - len(found),
        "metrics": methods[shipped],
        "methods": methods,
        "ranks": ranks,
        "groups": _groups(items),
        "items": items,
    }


def _rounded(row: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in row.items()}


def _spans(chunks: Sequence[Chunk], one: Asked) -> tuple[list[Span], list[Span]]:
    """Where the passages found stand, and where the gold does."""
    found = [(c.note, c.start, c.end) for c in chunks[:_DEPTH]]
    return found, [(g.note, g.start, g.end) for g in one.gold]


def _scores(chunks: Sequence[Chunk], one: Asked) -> dict[str, float]:
    spans, gold = _spans(chunks, one)
    gains = span_gains(spans, gold)
    first = next((n for n, gain in enumerate(gains, 1) if gain), 0)
    # one passage may hold several gold spans: the best ranking has as many of them as it can
    ideal = sorted((gain for gain in gains if gain), reverse=True)
    ideal += [1.0] * int(len(gold) - sum(ideal))
    return {
        **{f"recall@{k}": span_recall(spans, gold, k) for k in (1, 5, 10)},
        "mrr@10": 1 / first if first else 0.0,
        "ndcg@10": ndcg(gains, ideal, _DEPTH),
    }


def _rankers(
    assistant: Assistant, reranker: Reranker | None
) -> dict[str, Callable[[str], list[Chunk]]]:
    """The methods in the order of the table, the product as it is set up last."""
    index = assistant.index

    def lexical(query: str) -> list[Chunk]:
        with index.snapshot() as now:
            return now.chunks([id_ for id_, _ in now.bm25(query_terms(now, query), _DEPTH)])

    def dense(query: str) -> list[Chunk]:
        with index.snapshot() as now:
            return now.chunks([id_ for id_, _ in now.nearest(query, _DEPTH)])

    def fused(query: str) -> list[Chunk]:
        return [hit.chunk for hit in retrieve(index, query, k=_DEPTH, reranked=False)]

    def shipped(query: str) -> list[Chunk]:
        return [hit.chunk for hit in retrieve(index, query, k=_DEPTH)]

    def crossed(query: str) -> list[Chunk]:
        return [hit.chunk for hit in retrieve(index, query, k=_DEPTH, cross=reranker)]

    methods: dict[str, Callable[[str], list[Chunk]]] = {
        "BM25 alone": lexical, "dense alone": dense, "fused": fused, SHIPPED: shipped,
    }  # fmt: skip
    if reranker is not None:
        methods[CROSSED] = crossed
    return methods


def _groups(items: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    out = {}
    for field in ("lang", "kind"):
        for value in sorted({item[field] for item in items} - {""}):
            mine = [item for item in items if item[field] == value]
            out[f"{field} {value}"] = {m: mean_metric(i[m] for i in mine) for m in METRICS}
    return out
