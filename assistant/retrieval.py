"""Hits for a query: lexical and dense search fused, filtered, reranked, best first.

Fusion adds scores, not ranks: plain reciprocal rank fusion lets a weak encoder push a certain
lexical hit down. Words of the query that no note holds bring their translations, so a question
in one language finds notes in the other. The first fifty take the order of `reranking`. Knows the
index, not answers.
"""

from __future__ import annotations

import fnmatch
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.reranking import RERANKED, rerank
from assistant.types import Hit, Scores
from corpus.errors import ModelError
from corpus.glossary import expansions
from corpus.index import Index, Snapshot
from corpus.text import fold
from corpus.tokens import Token, content_terms, tokens
from corpus.types import Chunk, Note

__all__ = ["Filters", "Reranker", "retrieve", "rrf"]

logger = logging.getLogger(__name__)


class Reranker(Protocol):
    """Scores passages for a query (`corpus.remote.RemoteReranker`)."""

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """A score for each text; higher fits better. Raises `ModelError` if it cannot."""
        ...


_CANDIDATES, _FILTERED = 100, 1000
_RRF_K = 60
# Share of the dense score in the fused one; chosen on the dev half of the retrieval sets
# (eval/LOG.md).
_DENSE_SHARE = 0.25
_LEAST_SHARE = 0.05  # a rarer translation is chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which notes may be found; None lets every note pass.

    Attributes:
        folder: path prefix or glob inside the vault.
        tag: tag without `#`, nested tags included (`ml` finds `ml/rag`).
        since: first ISO date, year or month; notes without a date are left out.
        until: last ISO date, year or month, its last day included; notes without a date are
            left out.
        title: part of the title or of an alias, case ignored.
    """

    folder: str | None = None
    tag: str | None = None
    since: str | None = None
    until: str | None = None
    title: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether every note passes."""
        return not (self.folder or self.tag or self.since or self.until or self.title)

    def admits(self, note: Note) -> bool:
        """Whether a note passes all filters."""
        if self.folder:
            folder = self.folder.replace("\\", "/").removeprefix("./").strip("/")
            inside = folder in {"", "."} or f"{note.path}/".startswith(f"{folder}/")
            if not inside and note.file != folder and not fnmatch.fnmatchcase(note.path, folder):
                return False
        if self.tag:
            tag = fold(self.tag.strip("#/ "))
            if not any(f"{fold(own)}/".startswith(f"{tag}/") for own in note.tags):
                return False
        # a year is compared with the year of the note, a month with its month
        if self.since and (note.date is None or note.date[: len(self.since)] < self.since):
            return False
        if self.until and (note.date is None or note.date[: len(self.until)] > self.until):
            return False
        if self.title:
            wanted = fold(self.title.strip())
            return any(wanted in fold(name) for name in (note.title, *note.aliases))
        return True


def rrf(rankings: Sequence[Sequence[int]], k: int = _RRF_K) -> dict[int, float]:
    """Fuse rankings by reciprocal rank: the sum over rankings of 1 / (k + rank), ranks from 1.

    Args:
        rankings: ids per retriever, best first, no repeats within one.
        k: damping constant, at least 1.

    Returns:
        Score per id, in (0, len(rankings) / (k + 1)].

    Raises:
        ValueError: k < 1, or a ranking repeats an id.

    Source: Cormack, Clarke, Büttcher, SIGIR 2009, doi:10.1145/1571941.1572114.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    scores: dict[int, float] = {}
    for ranking in rankings:
        if len(set(ranking)) != len(ranking):
            raise ValueError("a ranking repeats an id")
        for rank, item in enumerate(ranking, 1):
            scores[item] = scores.get(item, 0.0) + 1.0 / (k + rank)
    return scores


def retrieve(
    index: Index,
    query: str,
    *,
    k: int = 10,
    filters: Filters | None = None,
    reranked: bool = True,
    reranker: Reranker | None = None,
) -> list[Hit]:
    """The passages that match a query best.

    Args:
        index: an open index.
        query: a question or keywords; blank gives no hits.
        k: how many hits at most.
        filters: which notes may be found.
        reranked: whether the first fifty take the reranker's order, or keep that of fusion.
        reranker: takes the built-in one's place; while it does not answer, that one serves.

    Returns:
        Hits, best first, ties by chunk id. `Hit.score` is in [0, 1]: the fused score that the
        place of the hit had before reranking, so that it means the same with and without;
        `Hit.scores.rerank` is the reranker's preference among the first fifty.

    Raises:
        ModelError: the reranker's model is missing or damaged.
    """
    if k < 1 or not query.strip():
        return []
    wanted = filters if filters is not None and not filters.is_open else None
    needed = max(k, RERANKED) if reranked else k
    depth = max(_CANDIDATES, 3 * k) if wanted is None else max(_FILTERED, 20 * k)
    with index.snapshot() as now:
        hits = _search(now, query, needed, depth, wanted)
        if wanted is not None and len(hits) < k and depth < now.n_chunks:
            hits = _search(now, query, needed, now.n_chunks, wanted)  # few notes pass the filter
        if reranked:
            hits = _reranked(now, query, hits, reranker)
    return hits[:k]


def _reranked(now: Snapshot, query: str, hits: list[Hit], reranker: Reranker | None) -> list[Hit]:
    """The first hits in the reranker's order; each place keeps its fused score."""
    first = hits[:RERANKED]
    preferred: list[float] | None = None
    if reranker is not None:
        try:
            preferred = reranker.scores(query, [hit.text for hit in first]).tolist()
        except ModelError as fault:
            logger.warning("the built-in order is used: %s", fault)
    if preferred is None:
        preferred = rerank(now, query, first).tolist()
    order = sorted(range(len(first)), key=lambda i: (-preferred[i], first[i].chunk.id))
    moved = [
        replace(first[i], score=place.score, scores=replace(first[i].scores, rerank=preferred[i]))
        for place, i in zip(first, order, strict=True)
    ]
    return moved + hits[RERANKED:]


def _search(now: Snapshot, query: str, k: int, depth: int, filters: Filters | None) -> list[Hit]:
    """The best `k` by the fused score of the `depth` passages that each branch finds."""
    terms = query_terms(now, query)
    lexical = now.bm25(terms, depth)
    dense = [(i, s) for i, s in now.nearest(query, depth) if s > 0]
    ids = list(dict.fromkeys([i for i, _ in lexical] + [i for i, _ in dense]))
    if not ids:
        return []
    bm25 = dict(zip(ids, now.score_bm25(terms, ids), strict=True))
    cosine = dict(zip(ids, now.cosine(query, ids), strict=True))
    fused = _fuse(bm25, cosine)
    ranks = rrf([[i for i, _ in lexical], [i for i, _ in dense]])
    notes: dict[str, Note] = {}
    hits: list[Hit] = []
    order = sorted(ids, key=lambda i: (-fused[i], i))
    for chunk in _read(now, order, k):
        if chunk.note not in notes:
            notes[chunk.note] = now.note(chunk.note)
        note = notes[chunk.note]
        if filters is not None and not filters.admits(note):
            continue
        i = chunk.id
        scores = Scores(bm25=bm25[i], cosine=cosine[i], rrf=ranks[i])
        hits.append(Hit(note=note, chunk=chunk, score=fused[i], scores=scores))
        if len(hits) == k:
            break
    return hits


def _read(now: Snapshot, ids: Sequence[int], k: int) -> Iterator[Chunk]:
    """The chunks of these ids, read as they are needed: mostly the first `k` are enough."""
    for at in range(0, len(ids), k):
        yield from now.chunks(ids[at : at + k])


def query_terms(now: Snapshot, query: str) -> dict[str, float]:
    """Terms of a query with their weights; words that no note holds bring their translations.

    Args:
        now: the index.
        query: words or a question.

    Returns:
        Weight per term: how often it is said, or the probability of a translation.
    """
    weights: dict[str, float] = dict(Counter(content_terms(query)))
    unknown = [token for token in tokens(query) if not token.is_stop and not now.df(token.text)]
    for start, end in _runs(unknown):
        for term, share in expansions(query[start:end]).items():
            if share >= _LEAST_SHARE and now.df(term):
                weights[term] = max(weights.get(term, 0.0), share)
    return weights


def _runs(found: Sequence[Token]) -> list[tuple[int, int]]:
    """Spans of neighbouring tokens, so that terms of several words are looked up whole."""
    spans: list[tuple[int, int]] = []
    for token in found:
        if spans and token.start - spans[-1][1] <= 1:
            spans[-1] = (spans[-1][0], token.end)
        else:
            spans.append((token.start, token.end))
    return spans


def _fuse(bm25: dict[int, float], cosine: dict[int, float]) -> dict[int, float]:
    """Fused score per id: a convex sum of the two scores, each in [0, 1].

    Each score is divided by the best of its list.
    """
    best = max(bm25.values(), default=0.0)
    top = max(max(cosine.values(), default=0.0), 1e-9)
    fused: dict[int, float] = {}
    for i, score in bm25.items():
        lexical = max(score, 0.0) / best if best > 0 else 0.0
        fused[i] = (1 - _DENSE_SHARE) * lexical + _DENSE_SHARE * max(cosine[i], 0.0) / top
    return fused
