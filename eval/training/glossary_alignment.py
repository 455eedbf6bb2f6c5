"""Which words and phrases of texts in two languages stand for each other.

IBM model 1 in both directions, trained to agree, over the units of both sides: words, and the
phrases that behave as one. Knows documents as numbers; not files, nor what is worth shipping.
Called by `glossary`, which names the sources.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.tokens import STOP_TERMS
from eval.training.glossary_texts import Document, Segment

__all__ = ["OPENING", "Bitext", "align", "as_numbers", "candidates", "matched_sentences", "phrases"]

logger = logging.getLogger(__name__)

LOOSE = 0.2  # by how much a phrase with a function word inside must be closer
NULL = 0.2  # weight of a word's having no partner, in units of chance
SMALL = 0.5  # occurrences below which a pair is not believed whole

# Function words that may open a term: 不一致, 无监督, 更高, 下线.
OPENING = frozenset("不 无 未 更 最 可 上 下 有".split())


def phrases(
    segments: Iterable[Segment], *, longest: int, least: int, association: float
) -> set[tuple[str, ...]]:
    """Runs of tokens that occur together more than their parts would by chance.

    Args:
        segments: sentences of one language.
        longest: tokens in the longest phrase.
        least: occurrences a phrase has at least.
        association: normalised pointwise mutual information it has at least, in [-1, 1].

    Returns:
        Phrases that neither begin nor end with a function word and do not live inside one
        longer phrase only.
    """
    counts: list[Counter[tuple[str, ...]]] = [Counter() for _ in range(longest + 1)]
    for run in chain.from_iterable(segments):
        counts[1].update((token,) for token in run)
        for n in range(2, longest + 1):
            counts[n].update(
                tuple(run[i : i + n])
                for i in range(len(run) - n + 1)
                if (run[i] not in STOP_TERMS or run[i] in OPENING)
                and run[i + n - 1] not in STOP_TERMS
            )
    total = sum(counts[1].values())
    kept: set[tuple[str, ...]] = set()
    inside: Counter[tuple[str, ...]] = Counter()
    for n in range(longest, 1, -1):
        for gram, count in counts[n].items():
            if count < least:
                continue
            expected = sum(np.log(counts[1][(token,)] / total) for token in gram)
            joint = np.log(count / total)
            score = (joint - expected) / (-joint * (n - 1))
            if not STOP_TERMS.isdisjoint(gram[1:]):
                score -= LOOSE  # `提供了新` is grammar, `chain of thought` a name
            if score < association or inside[gram] > 0.8 * count:
                continue
            kept.add(gram)
            for m in range(2, n):
                for i in range(n - m + 1):
                    part = gram[i : i + m]
                    inside[part] = max(inside[part], count)
    return kept


def _units(segment: Segment, known: set[tuple[str, ...]], longest: int, glue: str) -> set[str]:
    """The words and known phrases of a sentence."""
    found = set()
    for run in segment:
        for i, token in enumerate(run):
            if token not in STOP_TERMS and not token.isdigit():
                found.add(token)
            for n in range(2, min(longest, len(run) - i) + 1):
                if tuple(run[i : i + n]) in known:
                    found.add(glue.join(run[i : i + n]))
    return found


@dataclass(frozen=True, slots=True)
class Bitext:
    """Documents as numbers: for each its Chinese and English sentences, each a sorted array."""

    zh_names: list[str]
    en_names: list[str]
    zh: list[list[NDArray[np.int32]]]
    en: list[list[NDArray[np.int32]]]


def _numbered(
    documents: list[list[set[str]]], least: int
) -> tuple[list[str], list[list[NDArray[np.int32]]]]:
    """Units that occur in at least `least` documents, and the sentences as their numbers."""
    frequency: Counter[str] = Counter()
    for document in documents:
        frequency.update(set().union(*document))
    names = sorted(name for name, count in frequency.items() if count >= least)
    number = {name: i for i, name in enumerate(names)}
    return names, [
        [
            np.array(sorted(number[unit] for unit in sentence if unit in number), np.int32)
            for sentence in document
        ]
        for document in documents
    ]


def as_numbers(documents: Sequence[Document]) -> Bitext:
    """Cut both sides into units and number them."""
    zh_known = phrases(
        chain.from_iterable(d.zh for d in documents), longest=4, least=15, association=0.15
    )
    en_known = phrases(
        chain.from_iterable(d.en for d in documents), longest=3, least=15, association=0.15
    )
    logger.info("%d Chinese and %d English phrases", len(zh_known), len(en_known))
    zh_names, zh = _numbered([[_units(s, zh_known, 4, "") for s in d.zh] for d in documents], 2)
    en_names, en = _numbered([[_units(s, en_known, 3, " ") for s in d.en] for d in documents], 2)
    logger.info("%d Chinese and %d English units", len(zh_names), len(en_names))
    return Bitext(zh_names, en_names, zh, en)


def _presence(texts: Sequence[NDArray[np.int32]], width: int) -> Any:
    """A sparse matrix (texts, units) of ones."""
    from scipy.sparse import csr_matrix

    indptr = np.concatenate([[0], np.cumsum([len(text) for text in texts])])
    indices = np.concatenate(texts)
    ones = np.ones(len(indices), np.float32)
    return csr_matrix((ones, indices, indptr), shape=(len(texts), width))


def _strength(both: NDArray[Any], a: NDArray[Any], b: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Dunning's log-likelihood ratio of two units that occur in a and b of n texts."""

    def entropy(*cells: NDArray[Any]) -> NDArray[np.float64]:
        total = sum(cells)
        out = np.zeros(len(both))
        for cell in cells:
            cell = np.maximum(cell, 0)
            out += np.where(cell > 0, cell * np.log(np.maximum(cell, 1e-9) / total), 0)
        return out

    rest = n - a - b + both
    matrix = entropy(both, a - both, b - both, rest)
    result: NDArray[np.float64] = 2 * (matrix - entropy(a, n - a) - entropy(b, n - b))
    return np.where(both * n > a * b, result, 0)


def candidates(
    zh: Sequence[NDArray[np.int32]],
    en: Sequence[NDArray[np.int32]],
    sizes: tuple[int, int],
    keep: int,
) -> NDArray[np.int64]:
    """Pairs of units worth considering: the `keep` strongest partners of each, both ways.

    Returns:
        zh * sizes[1] + en, ascending.
    """
    left, right = _presence(zh, sizes[0]), _presence(en, sizes[1])
    n = len(zh)
    zh_count = np.asarray(left.sum(0)).ravel()
    en_count = np.asarray(right.sum(0)).ravel()
    left = left.T.tocsr()
    chosen: list[NDArray[np.int64]] = []
    rest: list[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]] = []
    for start in range(0, sizes[0], 2000):
        block = (left[start : start + 2000] @ right).tocoo()
        mask = block.data >= 2
        row, col, both = block.row[mask] + start, block.col[mask], block.data[mask]
        score = _strength(both, zh_count[row], en_count[col], n)
        strong = score > 10
        row, col, score = row[strong].astype(np.int64), col[strong], score[strong]
        order = np.lexsort((col, -score, row))
        rank = _rank_in_group(row[order])
        best = order[rank < keep]
        chosen.append(row[best] * sizes[1] + col[best])
        rest.append((row, col, score.astype(np.float32)))
    row, col, score = (np.concatenate(part) for part in zip(*rest, strict=True))
    order = np.lexsort((row, -score, col))
    best = order[_rank_in_group(col[order]) < keep]
    chosen.append(row[best] * sizes[1] + col[best])
    return np.unique(np.concatenate(chosen))


def _rank_in_group(sorted_keys: NDArray[Any]) -> NDArray[np.int64]:
    """Place of each element within its run of equal keys, from 0."""
    if not len(sorted_keys):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(sorted_keys)]]))
    result: NDArray[np.int64] = np.arange(len(sorted_keys)) - np.repeat(starts, lengths)
    return result


def align(
    zh: Sequence[NDArray[np.int32]],
    en: Sequence[NDArray[np.int32]],
    sizes: tuple[int, int],
    *,
    keep: int,
    rounds: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """IBM model 1 both ways, trained to agree, over the candidate pairs.

    Args:
        zh: Chinese units of each text.
        en: English units of the same texts.
        sizes: numbers of units of each language.
        keep: candidates of each unit.
        rounds: iterations of expectation and maximisation.

    Returns:
        Pairs as zh * sizes[1] + en; how often both stood for each other; p(en | zh); p(zh | en).
    """
    pairs = candidates(zh, en, sizes, keep)
    logger.info("%d candidate pairs", len(pairs))
    zh_slot, en_slot, pair = _cells(zh, en, sizes[1], pairs)
    logger.info("%d cells", len(pair))
    zh_of, en_of = pairs // sizes[1], pairs % sizes[1]
    n_zh, n_en = sum(map(len, zh)), sum(map(len, en))
    zh_df = np.bincount(np.concatenate(zh), minlength=sizes[0])
    en_df = np.bincount(np.concatenate(en), minlength=sizes[1])
    both: Any = np.bincount(pair, minlength=len(pairs)).astype(np.float64)
    en_given = both / zh_df[zh_of]
    zh_given = both / en_df[en_of]
    # A word without a partner is explained by nothing, at the rate of chance.
    no_en = (en_df / len(zh))[np.concatenate(en)]
    no_zh = (zh_df / len(zh))[np.concatenate(zh)]
    count: Any = both
    for _ in range(rounds):
        forward = en_given[pair]
        forward /= (np.bincount(en_slot, forward, n_en) + no_en * NULL)[en_slot]
        backward = zh_given[pair]
        backward /= (np.bincount(zh_slot, backward, n_zh) + no_zh * NULL)[zh_slot]
        count = np.bincount(pair, forward * backward, len(pairs))
        en_given = count / np.maximum(np.bincount(zh_of, count, sizes[0]), SMALL)[zh_of]
        zh_given = count / np.maximum(np.bincount(en_of, count, sizes[1]), SMALL)[en_of]
    return pairs, count, en_given, zh_given


def _cells(
    zh: Sequence[NDArray[np.int32]],
    en: Sequence[NDArray[np.int32]],
    width: int,
    pairs: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Every occurrence of a candidate pair in a text: place of both words, number of the pair."""
    found: list[tuple[NDArray[np.int32], ...]] = []
    zh_at = en_at = 0
    rows: list[NDArray[np.int64]] = []
    slots: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = []
    size = 0

    def flush() -> None:
        keys = np.concatenate(rows)
        at = np.searchsorted(pairs, keys)
        at[at == len(pairs)] = 0
        hit = pairs[at] == keys
        left = np.concatenate([slot[0] for slot in slots])[hit]
        right = np.concatenate([slot[1] for slot in slots])[hit]
        found.append((left, right, at[hit].astype(np.int32)))
        rows.clear()
        slots.clear()

    for left, right in zip(zh, en, strict=True):
        rows.append((left.astype(np.int64)[:, None] * width + right[None, :]).ravel())
        n, m = len(left), len(right)
        slots.append(
            (
                np.repeat(np.arange(zh_at, zh_at + n, dtype=np.int32), m),
                np.tile(np.arange(en_at, en_at + m, dtype=np.int32), n),
            )
        )
        zh_at, en_at, size = zh_at + n, en_at + m, size + n * m
        if size > 5_000_000:
            flush()
            size = 0
    if rows:
        flush()
    a, b, c = (np.concatenate(part) for part in zip(*found, strict=True))
    return a, b, c


def matched_sentences(
    bitext: Bitext, pairs: NDArray[np.int64], trust: NDArray[np.float64]
) -> tuple[list[NDArray[np.int32]], list[NDArray[np.int32]]]:
    """Chinese sentences beside the one or two English sentences that best explain them.

    Args:
        bitext: the documents.
        pairs: aligned units, zh * width + en.
        trust: how much each pair says that two sentences belong together, in [0, 1].

    Returns:
        Units of the Chinese sentences and of the English text beside each.
    """
    width = len(bitext.en_names)
    partners: dict[int, dict[int, float]] = defaultdict(dict)
    for at in np.flatnonzero(trust > 0.05):
        partners[int(pairs[at]) // width][int(pairs[at]) % width] = float(trust[at])
    frequency = Counter(unit for d in bitext.zh for s in d for unit in s.tolist())
    n = sum(map(len, bitext.zh))
    zh_out, en_out = [], []
    for zh, en in zip(bitext.zh, bitext.en, strict=True):
        where: dict[int, list[int]] = defaultdict(list)
        for j, sentence in enumerate(en):
            for unit in sentence.tolist():
                where[unit].append(j)
        for sentence in zh:
            scores = np.zeros(len(en))
            full = 0.0
            for unit in sentence.tolist():
                weight = float(np.log(n / frequency[unit]))
                full += weight
                for j, value in _support(partners.get(unit, {}), where).items():
                    scores[j] += weight * value
            if not full or scores.max() < 0.1 * full:
                continue
            top = np.argsort(-scores, kind="stable")[:2]
            chosen = [j for j in top.tolist() if scores[j] >= 0.6 * scores[top[0]]]
            zh_out.append(sentence)
            en_out.append(np.unique(np.concatenate([en[j] for j in chosen])))
    return zh_out, en_out


def _support(partners: dict[int, float], where: dict[int, list[int]]) -> dict[int, float]:
    """For each sentence the trust in the best partner that occurs there."""
    best: dict[int, float] = {}
    for other, value in partners.items():
        for j in where.get(other, ()):
            best[j] = max(best.get(j, 0.0), value)
    return best
