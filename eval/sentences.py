"""Units on public reading sets: does the one that answers come first?

A sentence is right if it holds an answer of the set and stands in the passage that the set names
(CMRC 2018, DRCD, XQuAD). Beside the product stand the best sentences by BM25, of all passages and
of those that the product found, which is the stronger rival. The order of the units counts, not how
many of them an answer shows, or whether it is given.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from corpus.bm25 import BM25
from corpus.sentences import sentence_spans
from corpus.tokens import content_terms
from eval.goldens import contains
from eval.retrieval import Passage, RetrievalSet, indexed
from eval.runs import mean_metric
from eval.setting import Setting

__all__ = ["evaluate"]

_METRICS = ("sentence hit@1", "sentence hit@3")


def evaluate(found: RetrievalSet, queries: Sequence[str], *, setting: Setting) -> dict[str, Any]:
    """Hits of the product's likeliest units and of BM25's sentences.

    Args:
        found: passages, questions, relevant passages and answers.
        queries: ids of the questions to ask.
        setting: whose models search and answer.
    """
    rival = _BestSentence(found.passages)
    items: list[dict[str, Any]] = []
    with indexed(found.passages, setting.encoder) as (index, ids):
        assistant = setting.assistant(index)
        for name in queries:
            gold, answers = found.gold[name], found.answers[name]

            def right(passage: str, text: str, gold: Any = gold, answers: Any = answers) -> bool:
                return passage in gold and contains(text, answers)

            started = time.perf_counter()
            hits, ranked = assistant.sentences(found.queries[name])
            spent = 1000 * (time.perf_counter() - started)
            mine = [right(ids[e.hit.note.path], e.text) for e in ranked[:3]]
            asked = found.queries[name]
            theirs = [right(*pair) for pair in rival.top(asked, 3)]
            near = {ids[hit.note.path] for hit in hits}
            nearer = [right(*pair) for pair in rival.top(asked, 3, among=near)]
            items.append(
                {
                    "id": name,
                    "sentence hit@1": any(mine[:1]),
                    "sentence hit@3": any(mine[:3]),
                    "BM25 hit@1": any(theirs[:1]),
                    "BM25 hit@3": any(theirs[:3]),
                    "found BM25 hit@1": any(nearer[:1]),
                    "found BM25 hit@3": any(nearer[:3]),
                    "ms": round(spent, 1),
                }
            )
    metrics = {name: mean_metric(i[name] for i in items) for name in (*_METRICS, "ms")}
    methods = {"youju": {name: metrics[name] for name in _METRICS}}
    for label, prefix in (
        ("best sentences by BM25", "BM25"),
        ("best sentences by BM25 of the passages found", "found BM25"),
    ):
        methods[label] = {
            name: mean_metric(i[name.replace("sentence", prefix)] for i in items)
            for name in _METRICS
        }
    return {"n": len(items), "metrics": metrics, "methods": methods, "items": items}


class _BestSentence:
    """BM25 over every sentence of every passage."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._rows = [(p.id, p.text[a:b]) for p in passages for a, b in sentence_spans(p.text)]
        self._of: dict[str, list[int]] = defaultdict(list)
        for n, (passage, _) in enumerate(self._rows):
            self._of[passage].append(n)
        terms = [list(content_terms(text)) for _, text in self._rows]
        self._bm25 = BM25.build(np.arange(len(self._rows)), terms)

    def top(
        self, question: str, k: int, *, among: Collection[str] | None = None
    ) -> list[tuple[str, str]]:
        """The best sentences with their passages, of some passages or of all."""
        terms = content_terms(question)
        if among is None:
            return [self._rows[n] for n, _ in self._bm25.top(terms, k)]
        ids = sorted(n for passage in among for n in self._of[passage])
        scores = self._bm25.scores(terms, ids)
        best = sorted(range(len(ids)), key=lambda i: (-scores[i], ids[i]))[:k]
        return [self._rows[ids[i]] for i in best]
