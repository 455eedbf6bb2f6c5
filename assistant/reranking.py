"""A better order for the first fifty hits: what words, letters and vectors say, added up.

The fused order, corrected by one linear score over features of a query and a passage, trained by
`python -m eval.training.reranker` on questions whose passage is known. Terms are looked up in the
index and letters compared as they stand, so no passage is segmented here. Knows texts and scores;
does not know how hits are found, nor filters. Called by `retrieval`.

Sources: listwise softmax, Cao et al., "Learning to Rank", ICML 2007; late interaction, Khattab,
Zaharia, "ColBERT", SIGIR 2020, here with static word vectors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.thesaurus import kin
from assistant.types import Hit
from corpus.encoder import StaticEncoder
from corpus.errors import ModelError
from corpus.glossary import expansions
from corpus.protocol import Snapshot
from corpus.text import fold, has_han, n_han
from corpus.tokens import STOP_TERMS, Token, content_terms, terms, tokens

__all__ = ["FEATURES", "RERANKED", "features", "prior", "rerank"]

RERANKED = 50

_BRANCHES = (
    "bm25_share", "bm25_full", "cosine", "cosine_share", "fused", "lexical_rank", "dense_rank",
    "fused_rank",
)  # fmt: skip
_WORDS = (
    "coverage", "coverage_known", "missing", "n_missing", "own_coverage", "title_coverage",
    "title_share",
)  # fmt: skip
_PLACES = ("window", "window_share", "pairs", "first")
_LETTERS = ("bigrams", "run", "run_share")
_VECTORS = ("late", "late_share", "late_low", "late_least")
_SHAPE = ("length", "same_script", "passage_han")
# in the order in which `features` puts them
FEATURES = _BRANCHES + _WORDS + _PLACES + _LETTERS + _VECTORS + _SHAPE

_ALPHANUMERIC = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_MAX_QUERY = 400  # characters of a query that are compared letter by letter
_MAX_CONCEPTS = 40
_MAX_TOKENS = 48  # of a query, for late interaction
_LATE_DIM = 128  # the encoder's first dimensions serve by themselves
_LOW = 0.5  # cosine below which no word of the passage is near to a word of the query
_LEAST_FUSED = 0.02
_LEAST_WEIGHT = 0.1  # Okapi's idf of a word that every other passage holds is 0
_KIN = 0.4  # share of a word that may stand for the query's
_HELD = 0.2  # share from which a translation counts as there
_WINDOW, _WINDOW_HAN = 160, 60  # characters of a sentence or two
_CACHED = 4096

_Columns = NDArray[np.float64]  # of shape (n_features, n_hits)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Concept:
    """A word of the query.

    Attributes:
        weight: idf of the word, or of its translations where no passage holds it.
        known: whether a passage holds it or a translation of it.
        terms: itself first, with weight 1, then its translations with their probabilities.
        every: these and other words that may stand for it.
    """

    weight: float
    known: bool
    terms: Mapping[str, float]
    every: Mapping[str, float]


class _Linear:
    """The fused order, corrected by a weighted sum of features in units of their spread."""

    def __init__(self, model: Mapping[str, Any]) -> None:
        self._mean, self._spread, self._weight = (
            np.array(model[name], np.float64) for name in ("mean", "spread", "weight")
        )
        self._prior = float(model["prior"])
        shapes = {array.shape for array in (self._mean, self._spread, self._weight)}
        if shapes != {(len(FEATURES),)} or not (self._spread > 0).all():
            raise ValueError("its numbers do not fit its features")

    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        learned: NDArray[np.float64] = ((rows - self._mean) / self._spread) @ self._weight
        return learned + self._prior * prior(rows)


def prior(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Logarithm of the fused score: what holds where the features tell nothing."""
    return np.log(np.maximum(rows[:, FEATURES.index("fused")].astype(np.float64), _LEAST_FUSED))


@lru_cache(maxsize=1)
def _model() -> _Linear:
    """The weights that ship as `assistant/models/reranker.json`."""
    try:
        path = files("assistant").joinpath("models/reranker.json")
        model = json.loads(path.read_text(encoding="utf-8"))
        if tuple(model["names"]) != FEATURES:
            raise ValueError("it was trained on other features")
        return _Linear(model)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"assistant/models/reranker.json cannot be read ({error}): install youju again"
        ) from None


def rerank(now: Snapshot, query: str, hits: Sequence[Hit]) -> NDArray[np.float64]:
    """How much each hit is preferred; the probabilities of all hits sum to 1.

    Args:
        now: the index that the hits come from.
        query: as asked.
        hits: best first by the fused score, with BM25 and cosine.

    Raises:
        ModelError: the model is missing or damaged.
    """
    model = _model()
    if not hits:
        return np.zeros(0)
    scores = model.scores(features(now, query, hits))
    powers = np.exp(scores - scores.max())
    found: NDArray[np.float64] = powers / powers.sum()
    return found


def features(now: Snapshot, query: str, hits: Sequence[Hit]) -> NDArray[np.float32]:
    """What the reranker looks at.

    Args:
        now: the index that the hits come from.
        query: as asked.
        hits: at least one, best first by the fused score, with BM25 and cosine.

    Returns:
        Rows of shape (len(hits), len(FEATURES)). Of one query and one list of hits: shares and
        ranks are relative to the list.
    """
    concepts = _concepts(now, query)
    texts = [_plain(hit.text) for hit in hits]
    columns = np.concatenate(
        [
            _branches(now, query, hits),
            _words(now, concepts, hits),
            _places(concepts, texts),
            _letters(" ".join(re.findall(r"\w+", fold(query[:_MAX_QUERY]))), texts),
            _late(now, query, hits),
            _shape(query, texts),
        ]
    )
    return np.ascontiguousarray(columns.T, np.float32)


@lru_cache(maxsize=_CACHED)
def _plain(text: str) -> str:
    return " ".join(fold(text).split())


@lru_cache(maxsize=_CACHED)
def _is_chinese(text: str) -> bool:
    return 4 * n_han(text[:400]) > min(len(text), 400)


def _concepts(now: Snapshot, query: str) -> list[_Concept]:
    first = {token.text: token for token in reversed(tokens(query)) if not token.is_stop}
    said = sorted(first.values(), key=lambda token: token.start)[:_MAX_CONCEPTS]
    return [_concept(now, query, token) for token in said]


def _concept(now: Snapshot, query: str, token: Token) -> _Concept:
    names: dict[str, float] = {}
    known = now.df(token.text) > 0
    if not known:
        names = {
            term: share
            for term, share in expansions(query[token.start : token.end]).items()
            if share > 0 and term != token.text and now.df(term)
        }
    idfs = [now.idf(term) for term in names] or [now.idf(token.text)]
    weight = float(np.average(idfs, weights=list(names.values()) or None))
    others = {name: _KIN for name in sorted(kin(token.text)) if " " not in name and now.df(name)}
    return _Concept(
        weight=max(weight, _LEAST_WEIGHT),
        known=known or bool(names or others),
        terms={token.text: 1.0, **names},
        every={**others, **names, token.text: 1.0},
    )


def _branches(now: Snapshot, query: str, hits: Sequence[Hit]) -> _Columns:
    """Scores and ranks of BM25, of the vectors and of their fusion."""
    bm25 = np.array([hit.scores.bm25 or 0.0 for hit in hits])
    cosine = np.array([hit.scores.cosine or 0.0 for hit in hits])
    full = sum(now.idf(term) for term in content_terms(query))
    return np.stack(
        [
            bm25 / max(float(bm25.max()), 1e-9),
            bm25 / max(full, 1e-9),
            cosine,
            cosine / max(float(cosine.max()), 1e-9),
            np.array([hit.score for hit in hits]),
            np.log1p(_ranks(bm25)),
            np.log1p(_ranks(cosine)),
            np.log1p(np.arange(len(hits))),
        ]
    )


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    ranks = np.zeros(len(scores))
    ranks[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    return ranks


def _words(now: Snapshot, concepts: Sequence[_Concept], hits: Sequence[Hit]) -> _Columns:
    """Share of the query's weight that passages and titles hold, and what is lacking."""
    weight = np.array([concept.weight for concept in concepts])
    if not concepts:
        return np.zeros((len(_WORDS), len(hits)))
    every = list(dict.fromkeys(term for concept in concepts for term in concept.every))
    row = {term: i for i, term in enumerate(every)}
    present = now.holds(every, [hit.chunk.id for hit in hits])
    held = np.zeros((len(concepts), len(hits)))
    for i, concept in enumerate(concepts):
        for term, share in concept.every.items():
            np.maximum(held[i], share * present[row[term]], out=held[i])
    own = present[[row[next(iter(concept.terms))] for concept in concepts]]
    known = weight * np.array([concept.known for concept in concepts])
    lacking = np.where(held < _HELD, known[:, None], 0.0)
    return np.stack(
        [
            weight @ held / weight.sum(),
            known @ held / max(float(known.sum()), 1e-9),
            lacking.max(axis=0) / weight.max(),
            (lacking > 0).sum(axis=0),
            weight @ own / weight.sum(),
            *_titles(concepts, weight, hits),
        ]
    )


def _titles(
    concepts: Sequence[_Concept], weight: NDArray[np.float64], hits: Sequence[Hit]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of the query that titles and headings say, and of their terms that the query says."""
    asked = {term: share for concept in concepts for term, share in concept.every.items()}
    seen: dict[frozenset[str], tuple[float, float]] = {}
    keys = [_title_terms((hit.note.title, *hit.chunk.heading)) for hit in hits]
    for there in dict.fromkeys(keys):
        if there.isdisjoint(asked):
            seen[there] = (0.0, 0.0)
            continue
        said = [
            max((share for term, share in concept.every.items() if term in there), default=0.0)
            for concept in concepts
        ]
        both = sum(asked[term] for term in asked if term in there)
        seen[there] = (float(weight @ said / weight.sum()), both / max(1, len(there)))
    pairs = np.array([seen[key] for key in keys])
    return pairs[:, 0], pairs[:, 1]


@lru_cache(maxsize=_CACHED)
def _title_terms(titles: tuple[str, ...]) -> frozenset[str]:
    """Content terms of a title and headings; many passages share one of them."""
    return frozenset().union(*map(_title_terms_of, titles))


@lru_cache(maxsize=_CACHED)
def _title_terms_of(title: str) -> frozenset[str]:
    return frozenset(terms(title)) - STOP_TERMS


def _places(concepts: Sequence[_Concept], texts: Sequence[str]) -> _Columns:
    """How near to each other and in which order the words of the query stand."""
    out = np.zeros((len(texts), len(_PLACES)))
    out[:, -1] = 1.0
    weights = [concept.weight for concept in concepts]
    total = sum(weights)
    if concepts:
        terms_of = [
            (n, term, has_han(term)) for n, concept in enumerate(concepts) for term in concept.terms
        ]
        for row, text in zip(out, texts, strict=True):
            found = _found(terms_of, text)
            if found:
                size = _WINDOW_HAN if _is_chinese(text) else _WINDOW
                best, start, pairs = _window(found, weights, size)
                whole = sum(weights[i] for i in sorted({i for _, i in found}))
                row[:] = best / total, best / max(whole, 1e-9), pairs, start / len(text)
    return out.T


def _found(terms_of: Sequence[tuple[int, str, bool]], text: str) -> list[tuple[int, int]]:
    """Places of terms in a folded text, in order and without overlap, with their concepts.

    English terms begin a word there and may have any ending.
    """
    spots = []
    for order, (concept, term, is_chinese) in enumerate(terms_of):
        at = text.find(term)
        while at >= 0:
            if is_chinese or not at or text[at - 1] not in _ALPHANUMERIC:
                spots.append((at, order, at + len(term), concept))
            at = text.find(term, at + 1)
    spots.sort()
    found: list[tuple[int, int]] = []
    free = 0
    for at, _, end, concept in spots:
        if at >= free:
            found.append((at, concept))
            free = end
    return found


def _window(
    found: Sequence[tuple[int, int]], weights: Sequence[float], size: int
) -> tuple[float, int, float]:
    """The best stretch of a text.

    Args:
        found: places of words in order, with the number of the word.
        weights: of the words.
        size: of the stretch, in characters.

    Returns:
        Weight of the words inside, where it starts, and the share of neighbouring words of the
        query that follow each other closely anywhere in the text.
    """
    counts = [0] * len(weights)
    inside = best = 0.0
    left, start = 0, found[0][0]
    neighbours = set()
    before, last = -size, -1
    for at, word in found:
        if word == last + 1 and last >= 0 and at - before <= size // 4:
            neighbours.add(word)
        before, last = at, word
        if not counts[word]:
            inside += weights[word]
        counts[word] += 1
        while at - found[left][0] > size:
            gone = found[left][1]
            counts[gone] -= 1
            if not counts[gone]:
                inside -= weights[gone]
            left += 1
        if inside > best + 1e-9:
            best, start = inside, found[left][0]
    return best, start, len(neighbours) / max(1, len(weights) - 1)


def _letters(query: str, texts: Sequence[str]) -> _Columns:
    """How much of the query stands in the passages letter by letter."""
    places: dict[str, list[int]] = {}
    for i in range(len(query) - 1):
        places.setdefault(query[i : i + 2], []).append(i)
    every = [[gram for gram in places if gram in text] for text in texts]
    runs = np.array(
        [
            _longest(query, text, sorted([i for gram in held for i in places[gram]]))
            for held, text in zip(every, texts, strict=True)
        ],
        np.float64,
    )
    share = np.array([len(held) for held in every]) / max(1, len(places))
    return np.stack([share, np.log1p(runs), runs / max(1, len(query))])


def _longest(query: str, text: str, starts: Sequence[int]) -> int:
    """Length of the longest part of the query that the text holds.

    Args:
        query: the query.
        text: the text.
        starts: where in the query two letters begin that the text holds side by side.
    """
    if not starts:
        return int(any(letter in text for letter in query))
    best = 2
    for start in starts:
        while start + best < len(query) and query[start : start + best + 1] in text:
            best += 1
    return best


def _late(now: Snapshot, query: str, hits: Sequence[Hit]) -> _Columns:
    """How near the nearest word of a passage comes to each word of the query.

    Zeros for an encoder without word vectors, or for a query without a known word.
    """
    encoder = now.encoder
    nothing = np.zeros((len(_VECTORS), len(hits)))
    if not isinstance(encoder, StaticEncoder):
        return nothing
    asked = encoder.token_ids(query)
    asked = asked[encoder.token_weights(asked) > 0][:_MAX_TOKENS]
    if not len(asked):
        return nothing
    words = [
        encoder.token_ids(hit.text) if kept is None else kept
        for hit, kept in zip(hits, now.tokens([hit.chunk.id for hit in hits]), strict=True)
    ]
    filled = np.flatnonzero([len(ids) for ids in words])
    if not len(filled):
        return nothing
    flat = np.concatenate([words[i] for i in filled])
    seen = np.zeros(int(flat.max()) + 1, np.bool_)
    seen[flat] = True
    every = np.flatnonzero(seen)  # numpy.unique sorts, which takes longer
    place_of = np.empty(len(seen), np.intp)  # of the tokens that are there; the rest is not read
    place_of[every] = np.arange(len(every))
    place = place_of[flat]
    cosines = encoder.token_vectors(asked, _LATE_DIM) @ encoder.token_vectors(every, _LATE_DIM).T
    starts = np.concatenate([[0], np.cumsum([len(words[i]) for i in filled])[:-1]])
    best = np.maximum.reduceat(cosines[:, place], starts, axis=1)
    weight = encoder.token_weights(asked)
    weight = weight / weight.sum()
    mean = weight @ best
    nothing[:, filled] = (
        mean, mean / max(float(mean.max()), 1e-9), weight @ (best < _LOW), best.min(axis=0),
    )  # fmt: skip
    return nothing


def _shape(query: str, texts: Sequence[str]) -> _Columns:
    """Length and script of the passages."""
    chinese = np.array([_is_chinese(text) for text in texts], np.float64)
    return np.stack([np.log1p([len(text) for text in texts]), chinese == has_han(query), chinese])
