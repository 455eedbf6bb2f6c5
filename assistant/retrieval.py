"""Hits for a query: lexical and dense search fused, filtered, best first.

Fusion adds scores, not ranks: plain reciprocal rank fusion lets a weak encoder push a certain
lexical hit down. The lexical score weighs by how much of the query it covers, so a question
that shares no words with the notes is left to the encoder. Knows the index, not answers.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.types import Hit, Scores
from corpus.index import Index
from corpus.tokens import content_terms
from corpus.types import Chunk, Note

__all__ = ["Filters", "retrieve", "rrf"]

_CANDIDATES = 50
_RRF_K = 60
# Share of the dense score in the fused one where words match and where they do not; fitted on
# the dev half of the retrieval sets (eval/LOG.md).
_DENSE_SHARE = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which notes may be found; None lets every note pass.

    Attributes:
        folder: path prefix or glob inside the vault.
        tag: tag without `#`, nested tags included (`ml` finds `ml/rag`).
        since: first ISO date, notes without a date are left out.
        until: last ISO date, notes without a date are left out.
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
            folder = self.folder.strip("/")
            inside = note.path.startswith(folder + "/") or note.file == folder
            if not inside and not fnmatch.fnmatch(note.path, self.folder):
                return False
        if self.tag:
            tag = self.tag.lstrip("#").lower()
            if not any(t.lower() == tag or t.lower().startswith(tag + "/") for t in note.tags):
                return False
        if self.since and (note.date is None or note.date < self.since):
            return False
        if self.until and (note.date is None or note.date > self.until):
            return False
        if self.title:
            wanted = self.title.lower()
            return any(wanted in name.lower() for name in (note.title, *note.aliases))
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
    index: Index, query: str, *, k: int = 10, filters: Filters | None = None
) -> list[Hit]:
    """The passages that match a query best.

    Args:
        index: an open index.
        query: a question or keywords; blank gives no hits.
        k: how many hits at most.
        filters: which notes may be found.

    Returns:
        Hits, best first, ties by chunk id. `Hit.score` is the fused score in [0, 1].
    """
    if k < 1 or not query.strip() or not index.n_chunks:
        return []
    open_filters = filters is None or filters.is_open
    depth = max(_CANDIDATES, 3 * k) if open_filters else max(1000, 20 * k)
    terms = content_terms(query)
    lexical = index.bm25(terms, depth)
    dense = [(i, s) for i, s in index.nearest(query, depth) if s > 0]
    ids = list(dict.fromkeys([i for i, _ in lexical] + [i for i, _ in dense]))
    if not ids:
        return []
    bm25 = dict(zip(ids, index.score_bm25(terms, ids), strict=True))
    cosine = dict(zip(ids, index.cosine(query, ids), strict=True))
    fused = _fuse(index, terms, bm25, cosine)
    ranks = rrf([[i for i, _ in lexical], [i for i, _ in dense]])
    order = sorted(ids, key=lambda i: (-fused[i], i))
    hits: list[Hit] = []
    for chunk in _in_batches(index, order):
        note = index.note(chunk.note)
        if not open_filters and filters is not None and not filters.admits(note):
            continue
        i = chunk.id
        scores = Scores(bm25=bm25[i], cosine=cosine[i], rrf=ranks[i])
        hits.append(Hit(note=note, chunk=chunk, score=fused[i], scores=scores))
        if len(hits) == k:
            break
    return hits


def _in_batches(index: Index, order: list[int]) -> list[Chunk]:
    return index.chunks(order)


def _fuse(
    index: Index, terms: Sequence[str], bm25: dict[int, float], cosine: dict[int, float]
) -> dict[int, float]:
    """Fused score per id: a convex sum of the two scores, each in [0, 1].

    BM25 is divided by the best of the list, then by how much of the query's weight the notes
    know at all: unknown words make the lexical branch less certain.
    """
    best = max(bm25.values(), default=0.0)
    top = max(max(cosine.values(), default=0.0), 1e-9)
    weights = {term: index.idf(term) for term in set(terms)}
    known = sum(w for term, w in weights.items() if index.df(term))
    certainty = known / (sum(weights.values()) or 1.0)
    dense_share = _DENSE_SHARE + (1 - _DENSE_SHARE) * (1 - certainty) * 0.5
    fused: dict[int, float] = {}
    for i, score in bm25.items():
        lexical = max(score, 0.0) / best if best > 0 else 0.0
        fused[i] = (1 - dense_share) * lexical + dense_share * max(cosine[i], 0.0) / top
    return fused
