"""Baselines that train nothing: which share of a text's words the contexts of it cover.

Knows records and their contexts; neither the check nor verdicts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from corpus.bm25 import BM25
from corpus.sentences import sentence_spans
from corpus.tokens import content_terms
from eval.records import Record

__all__ = ["WINDOW", "Lines"]

WINDOW = 3  # sentences
_NONE = (0.0, "")


def _first(pair: tuple[float, str]) -> float:
    return pair[0]


@dataclass(frozen=True, slots=True)
class _Spoken:
    """All sentences of some contexts, which of them are whose, and BM25 over them."""

    texts: tuple[str, ...]
    of: Mapping[str, Sequence[int]]
    bm25: BM25

    @classmethod
    def of_contexts(cls, contexts: Sequence[str]) -> _Spoken:
        texts: list[str] = []
        of: dict[str, range] = {}
        for context in contexts:
            start = len(texts)
            texts += [context[a:b] for a, b in sentence_spans(context)]
            of[context] = range(start, len(texts))
        terms = [list(content_terms(text)) for text in texts]
        return cls(tuple(texts), of, BM25.build(np.arange(len(texts)), terms))


class Lines:
    """The baselines: shares of a claim's terms, weighted by how rare they are in all contexts.

    coverage = sum of idf of the claim's terms that occur / sum of idf of all its terms, with
    idf(t) = ln((N + 1) / (df(t) + 0.5)) over the distinct contexts. Source: the report that this
    project measured rivals with; Chinese by jieba, English by stems.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        distinct = list(dict.fromkeys(c for r in records for c in r.contexts))
        self._bags = {context: frozenset(content_terms(context)) for context in distinct}
        self._df = Counter(term for bag in self._bags.values() for term in bag)
        self._n = len(distinct)
        self._windows: dict[str, list[tuple[frozenset[str], str]]] = {}

    def _idf(self, term: str) -> float:
        return math.log((self._n + 1) / (self._df[term] + 0.5))

    def _share(self, text: str, bags: Sequence[frozenset[str]]) -> list[float]:
        weights = {term: self._idf(term) for term in set(content_terms(text))}
        whole = sum(weights.values())
        return [
            sum(w for t, w in weights.items() if t in bag) / whole if whole else 0.0 for bag in bags
        ]

    def coverage(self, record: Record) -> float:
        """By all contexts of the record together, in [0, 1]."""
        bag = frozenset().union(*(self._bags[c] for c in record.contexts))
        return self._share(record.text, [bag])[0]

    def window(self, record: Record) -> float:
        """By its best run of three sentences of one context, in [0, 1]."""
        return self.best_window(record)[0]

    def best_window(self, record: Record) -> tuple[float, str]:
        """The run of three sentences of one context that covers most, and how much."""
        runs = [(bag, text) for c in record.contexts for bag, text in self._windows_of(c)]
        shares = self._share(record.text, [bag for bag, _ in runs])
        return max(zip(shares, (text for _, text in runs), strict=True), key=_first, default=_NONE)

    def _windows_of(self, context: str) -> list[tuple[frozenset[str], str]]:
        if context not in self._windows:
            spans = sentence_spans(context)
            bags = [frozenset(content_terms(context[a:b])) for a, b in spans]
            self._windows[context] = [
                (
                    frozenset().union(*bags[i : i + WINDOW]),
                    context[spans[i][0] : spans[min(i + WINDOW, len(spans)) - 1][1]],
                )
                for i in range(min(len(spans), max(1, len(spans) - WINDOW + 1)))
            ]
        return self._windows[context]

    def best_sentence(self, record: Record) -> tuple[float, str]:
        """The sentence of all contexts that BM25 puts first, and how much of the text it covers.

        BM25 is built over the sentences of all distinct contexts, so that it knows rare words.
        """
        spoken = self._spoken
        own = [n for context in record.contexts for n in spoken.of[context]]
        if not own:
            return _NONE
        scores = spoken.bm25.scores(content_terms(record.text), sorted(own))
        at = sorted(own)[int(np.argmax(scores))]
        text = spoken.texts[at]
        return self._share(record.text, [frozenset(content_terms(text))])[0], text

    @cached_property
    def _spoken(self) -> _Spoken:
        return _Spoken.of_contexts(list(self._bags))

    def best_covered(self, record: Record) -> int:
        """The line of the first context that covers most of the claim; the first of equals."""
        bags = [frozenset(content_terms(line)) for line in record.contexts[0].split("\n")]
        return int(np.argmax(self._share(record.text, bags)))

    def best_bm25(self, record: Record) -> int:
        """The line of the first context with the best BM25 score; the first of equals."""
        from rank_bm25 import BM25Okapi

        found = BM25Okapi([content_terms(line) for line in record.contexts[0].split("\n")])
        scores: NDArray[np.float64] = found.get_scores(content_terms(record.text))
        return int(np.argmax(scores))
