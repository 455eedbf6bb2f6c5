"""Hits for a query: lexical and dense search fused, filtered, reranked, best first.

Fusion adds scores, not ranks: plain reciprocal rank fusion lets a weak encoder push a certain
lexical hit down. Words of the query that no note holds bring their translations, so a question
in one language finds notes in the other. The first fifty take the order of `reranking`. Knows the
index, not answers.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assistant.crossing import CROSSED, Reranker
from assistant.filters import Filters
from assistant.naming import held_names
from assistant.reranking import RERANKED, rerank
from assistant.thesaurus import kin
from assistant.types import Hit, Scores
from corpus.errors import ModelError
from corpus.glossary import expansions, translations
from corpus.protocol import Index, Snapshot
from corpus.text import has_han
from corpus.tokens import STOP_TERMS, Token, content_terms, terms, tokens
from corpus.types import Chunk, Note

__all__ = ["Filters", "browse", "known_terms", "query_terms", "retrieve", "rrf"]

logger = logging.getLogger(__name__)

_CANDIDATES, _FILTERED = 100, 1000
_RRF_K = 60
# Share of the dense score in the fused one; chosen on the dev half of the retrieval sets
# (eval/LOG.md).
_DENSE_SHARE = 0.25
_LEAST_SHARE = 0.05  # a rarer translation is chance
# Of a translation of a word's kin, with the least it may be; of the kin. Chosen on dev questions.
_BY_KIN, _LEAST_KIN_SHARE = 0.5, 0.2
_KIN_WEIGHT = 0.2
_LONGEST, _MAX_WORDS = 3, 40  # of a phrase, in words; of a query


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
    phrases: Sequence[str] = (),
    reranked: bool = True,
    cross: Reranker | None = None,
) -> list[Hit]:
    """The passages that match a query best.

    Args:
        index: an open index.
        query: a question or keywords; blank gives no hits.
        k: how many hits at most.
        filters: which notes may be found.
        phrases: what a passage must hold to the letter, every one of them.
        reranked: whether the first fifty take the reranker's order, or keep that of fusion.
        cross: puts the first of them in its order; while it does not answer, they keep the one
            they have. None for none.

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
    needed = max(k, RERANKED) if reranked or cross is not None else k
    depth = max(_CANDIDATES, 3 * k) if wanted is None else max(_FILTERED, 20 * k)
    with index.snapshot() as every:
        only = _holding(every, phrases)
        now = every if wanted is None else every.narrowed(wanted)
        hits = _search(now, query, needed, depth, wanted, only)
        if wanted is not None and only is None and len(hits) < k and depth < now.reach:
            # few notes pass the filter
            hits = _search(now, query, needed, now.reach, wanted, only)
        if reranked:
            hits = _reranked(now, query, hits, k if cross is None else needed)
    if cross is not None:
        hits = _crossed(query, hits, cross)
    return hits[:k]


def _crossed(query: str, hits: list[Hit], cross: Reranker) -> list[Hit]:
    """The first hits in the order of a named reranker, or as they are if it does not answer."""
    first = hits[:CROSSED]
    try:
        preferred = cross.scores(query, first).tolist()
    except ModelError as fault:
        logger.warning("the built-in order is used: %s", fault)
        return hits
    return _moved(first, preferred, CROSSED) + hits[CROSSED:]


def _reranked(now: Snapshot, query: str, hits: list[Hit], k: int) -> list[Hit]:
    """The best `k` hits, the first fifty in the reranker's order; a place keeps its fused score."""
    first = hits[:RERANKED]
    return (_moved(first, rerank(now, query, first).tolist(), k) + hits[RERANKED:])[:k]


def _moved(hits: list[Hit], preferred: Sequence[float], k: int) -> list[Hit]:
    """The best `k` of some hits in the order of other scores; a place keeps its own score."""
    order = sorted(range(len(hits)), key=lambda i: (-preferred[i], hits[i].chunk.id))
    return [
        replace(hits[i], score=place.score, scores=replace(hits[i].scores, rerank=preferred[i]))
        for place, i in zip(hits[:k], order[:k], strict=True)
    ]


def browse(index: Index, *, k: int = 10, filters: Filters | None = None) -> list[Hit]:
    """The passages of the notes that pass, as they stand: for a query of filters alone.

    Returns:
        At most `k` hits of score 0, the notes with the latest date first, then by path.
    """
    hits: list[Hit] = []
    with index.snapshot() as now:
        rows = [row for row in now.listing() if filters is None or filters.admits(row)]
        rows.sort(key=lambda row: row.date or "", reverse=True)
        for row in rows:
            if len(hits) >= k:
                break
            note = now.note(row.path)
            chunks = now.chunks_of(row.path)[: k - len(hits)]
            hits += [Hit(note=note, chunk=chunk, score=0.0, scores=Scores()) for chunk in chunks]
    return hits


def _holding(now: Snapshot, phrases: Sequence[str]) -> list[int] | None:
    """Ids of the passages that hold every phrase; None without phrases."""
    if not phrases:
        return None
    held = [set(now.holding(phrase)) for phrase in phrases]
    return sorted(set.intersection(*held))


def _search(
    now: Snapshot,
    query: str,
    k: int,
    depth: int,
    filters: Filters | None,
    only: list[int] | None,
) -> list[Hit]:
    """The best `k` by the fused score of the `depth` passages that each branch finds.

    `only` are the ids that may be found, all of which are looked at; None for any.
    """
    asked = query_terms(now, query)
    named = held_names(now, query)
    if only is None:
        lexical, dense = now.candidates(asked, query, depth)
        lexical = list(dict.fromkeys([*lexical, *named]))
        ids = list(dict.fromkeys(lexical + dense))
    else:
        lexical, dense, ids = [], [], only
    if not ids:
        return []
    bm25, cosine = now.score_bm25(asked, ids), now.cosine(query, ids)
    if named:
        bm25 = [score + named.get(i, 0.0) for i, score in zip(ids, bm25, strict=True)]
        of = dict(zip(ids, bm25, strict=True))
        lexical.sort(key=lambda i: (-of[i], i))
    if only is not None:
        lexical, dense = (
            [i for score, i in sorted((-s, i) for s, i in zip(scores, ids, strict=True) if s > 0)]
            for scores in (bm25, cosine)
        )
    fused = _fuse(np.array(bm25), np.array(cosine))
    order = np.lexsort((np.array(ids), -fused)).tolist()
    place = {i: at for at, i in enumerate(ids)}
    ranks = rrf([lexical, dense])
    notes: dict[str, Note] = {}
    hits: list[Hit] = []
    for chunk in _chunks(now, [ids[at] for at in order], k):
        if chunk.note not in notes:
            notes[chunk.note] = now.note(chunk.note)
        note = notes[chunk.note]
        if filters is not None and not filters.admits(note):
            continue
        at = place[chunk.id]
        scores = Scores(bm25=bm25[at], cosine=cosine[at], rrf=ranks.get(chunk.id))
        hits.append(Hit(note=note, chunk=chunk, score=float(fused[at]), scores=scores))
        if len(hits) == k:
            break
    return hits


def _chunks(now: Snapshot, ids: Sequence[int], at_once: int) -> Iterator[Chunk]:
    """The chunks of these ids in their order, read a few at a time: most are not looked at."""
    for at in range(0, len(ids), at_once):
        yield from now.chunks(ids[at : at + at_once])


def query_terms(now: Snapshot, query: str) -> dict[str, float]:
    """Terms of a query with their weights, and what names the same.

    Words and phrases bring what the thesaurus knows to stand for them, words that no note holds,
    or few beside those that hold a translation, their translations.

    Args:
        now: the index.
        query: words or a question.

    Returns:
        Weight per term: how often it is said, the probability of a translation, or a little for
        another word.
    """
    weights: dict[str, float] = dict(Counter(content_terms(query)))
    for term in _kin_terms(now, query):
        weights.setdefault(term, _KIN_WEIGHT)
    unknown = [token for token in tokens(query) if not token.is_stop and not now.df(token.text)]
    for start, end in _runs(unknown):
        for term, share in expansions(query[start:end]).items():
            if share >= _LEAST_SHARE and now.df(term):
                weights[term] = max(weights.get(term, 0.0), share)
    for term, share in _translated(now, query):
        weights[term] = max(weights.get(term, 0.0), share)
    return weights


def _translated(now: Snapshot, query: str) -> Iterator[tuple[str, float]]:
    """Terms of the other language for the words of a query, those that a note holds.

    A word may stand in a few notes of its own language while the answer is in the other one: a
    translation counts by how much more of the notes hold it than the word itself. A word that the
    glossary does not know has the translations of what may stand for it.
    """
    for token in [token for token in tokens(query) if not token.is_stop][:_MAX_WORDS]:
        own = now.df(token.text)
        for name, share in _foreign(token.text):
            for term in terms(name):
                held = now.df(term)
                if held and term not in STOP_TERMS:
                    yield term, share * held / (held + own)


@lru_cache(maxsize=16_384)
def _foreign(word: str) -> tuple[tuple[str, float], ...]:
    """What a word is called in the other language, with weights in (0, 1]."""
    own = [(name, share) for name, share in translations(word) if share >= _LEAST_SHARE]
    return tuple(own) or tuple(
        (name, _BY_KIN * share)
        for other in sorted(kin(word))
        if has_han(other) == has_han(word)
        for name, share in translations(other)
        if share >= _LEAST_KIN_SHARE
    )


def _kin_terms(now: Snapshot, query: str) -> list[str]:
    """Terms that may stand for the words and phrases of a query, those that a note holds."""
    found = [token for token in tokens(query) if not token.is_stop][:_MAX_WORDS]
    out: dict[str, None] = {}
    for i, first in enumerate(found):
        han = first.kind == "han"
        for n in range(1, min(_LONGEST, len(found) - i) + 1):
            run = found[i : i + n]
            if n > 1 and (
                (run[-1].kind == "han") != han
                or query[run[-2].end : run[-1].start] != ("" if han else " ")
            ):
                break
            for every in _kin_of(("" if han else " ").join(token.text for token in run)):
                if all(now.df(term) for term in every):
                    out.update(dict.fromkeys(every))
    return list(out)


@lru_cache(maxsize=16_384)
def _kin_of(phrase: str) -> tuple[tuple[str, ...], ...]:
    """The terms of each word or phrase that may stand for a phrase, without function words."""
    return tuple(found for found in map(known_terms, sorted(kin(phrase))) if found)


@lru_cache(maxsize=65_536)  # more than the thesaurus has
def known_terms(name: str) -> tuple[str, ...]:
    """The terms of a word or phrase of the thesaurus, without function words."""
    return tuple(term for term in terms(name) if term not in STOP_TERMS)


def _runs(found: Sequence[Token]) -> list[tuple[int, int]]:
    """Spans of neighbouring tokens, so that terms of several words are looked up whole."""
    spans: list[tuple[int, int]] = []
    for token in found:
        if spans and token.start - spans[-1][1] <= 1:
            spans[-1] = (spans[-1][0], token.end)
        else:
            spans.append((token.start, token.end))
    return spans


def _fuse(bm25: NDArray[np.float64], cosine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fused scores of some passages: a convex sum of the two scores, each in [0, 1].

    Each score is divided by the best of its list; of shape (n,), n at least 1, as both lists.
    """
    best, top = float(bm25.max()), max(float(cosine.max()), 1e-9)
    lexical = np.maximum(bm25, 0.0) / best if best > 0 else np.zeros(len(bm25))
    return (1 - _DENSE_SHARE) * lexical + _DENSE_SHARE * np.maximum(cosine, 0.0) / top
