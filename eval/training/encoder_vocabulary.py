"""The encoder's tokenizer: a Unigram model over a lexicon counted on the training text.

Chinese words come from jieba's dictionary (MIT) and from neighbours that keep company in the
text; English words are kept whole where they are frequent, with short pieces for the rest. A
Unigram model picks the most probable path, as jieba does, so Chinese needs no segmenter at run
time. Also says which tokens mean much the same (`relations`): parts of compounds, inflected
forms, and translations, found by counting in pairs across languages. Knows nothing of vectors.
Called by `eval.training.encoder`.
"""

from __future__ import annotations

import logging
import math
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import jieba
import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from corpus.encoder import token_ids
from corpus.text import is_han
from eval.training.encoder_pairs import training_text

__all__ = ["UNKNOWN", "Relation", "Texts", "build_tokenizer", "relations", "unigram"]

logger = logging.getLogger(__name__)

UNKNOWN = "[UNK]"
_PATTERN = r"\p{Han}+|[\p{L}\p{M}]+(?:\+\+|#)?|\p{N}+"
_WORD = re.compile(r"[^\W\d_]+(?:\+\+|#)?|\d+")
_MAX_HAN = 4  # longer Chinese words share no row with their parts
_MAX_LATIN = 24
_BATCH = 20_000
_MIN_JOINED = 40
_MIN_DICE = 0.08
_CHARS_PER_TOKEN = 8
_PIECE_PENALTY = 6.0  # nats below the rarest word: pieces never replace a known word


def unigram(scores: dict[str, float]) -> Tokenizer:
    """A tokenizer over given words and log probabilities; id 0 is UNKNOWN.

    Punctuation and white space are dropped, Chinese, letters and digits never share a token.
    """
    vocabulary = [(UNKNOWN, min(scores.values()) - 20.0), *scores.items()]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=0))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PATTERN), behavior="removed", invert=True)
    return tokenizer


def _jieba_lexicon() -> Counter[str]:
    """Chinese words of at most _MAX_HAN characters with jieba's frequencies, folded."""
    words: Counter[str] = Counter()
    path = Path(jieba.__file__).with_name("dict.txt")
    for line in path.read_text("utf-8").splitlines():
        word, count, _ = line.split(" ")
        if len(word) <= _MAX_HAN and all(map(is_han, word)):
            words[training_text(word)] += int(count)
    return words


def _latin_words(texts: Iterable[str]) -> Counter[str]:
    words: Counter[str] = Counter()
    for text in texts:
        words.update(word for word in _WORD.findall(text) if not is_han(word[0]))
    return Counter({w: n for w, n in words.items() if len(w) <= _MAX_LATIN and w.isprintable()})


def _latin_only(words: Counter[str]) -> Counter[str]:
    r"""Words free of Chinese; `[^\W\d_]+` runs across the script border."""
    return Counter({w: n for w, n in words.items() if not any(map(is_han, w))})


def _count(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[Counter[str], Counter[str]]:
    """Count tokens, and neighbours of which one is a single Chinese character."""
    names = {i: w for w, i in tokenizer.get_vocab().items()}
    n = len(names)
    lone = np.zeros(n + 1, bool)
    lone[[i for i, w in names.items() if len(w) == 1 and is_han(w)]] = True
    single = np.zeros(n + 1, np.int64)
    pairs: Counter[int] = Counter()
    for start in range(0, len(texts), _BATCH):
        batch = token_ids(tokenizer, texts[start : start + _BATCH])
        # one id beyond the vocabulary stands between texts
        ids = np.fromiter(chain.from_iterable((*row, n) for row in batch), np.int64)
        single += np.bincount(ids, minlength=n + 1)
        left, right = ids[:-1], ids[1:]
        kept = (lone[left] | lone[right]) & (left != n) & (right != n)
        keys, times = np.unique(left[kept] * n + right[kept], return_counts=True)
        pairs.update(dict(zip(keys.tolist(), times.tolist(), strict=True)))
    total = int(single[:n].sum())
    joined: Counter[str] = Counter()
    for key, count in pairs.items():
        left_id, right_id = divmod(key, n)
        word = names[left_id] + names[right_id]
        if count < _MIN_JOINED or len(word) > _MAX_HAN or not all(map(is_han, word)):
            continue
        a, b = int(single[left_id]), int(single[right_id])
        # neighbours that meet 100 times as often as chance, and mostly with each other
        if count * total > 100 * a * b and count * 8 > min(a, b):
            joined[word] = count
    return Counter({w: int(single[i]) for i, w in names.items() if i}), joined


def _pieces(words: Counter[str], limit: int) -> list[str]:
    """Frequent beginnings and endings of English words, by the number of words that have them."""
    seen: Counter[str] = Counter()
    for word in words:
        if word.isascii() and word.isalpha():
            ends = {word[:n] for n in range(2, 6)} | {word[-n:] for n in range(2, 6)}
            seen.update(ends)
    return [piece for piece, _ in seen.most_common(limit)]


def _select(
    counts: Counter[str], lexicon: Counter[str], latin: Counter[str], size: int
) -> dict[str, float]:
    """Choose `size` words and give each its log probability."""
    scale = sum(counts.values()) / max(sum(lexicon.values()), 1)
    # General Chinese words count a little even where the training text lacks them.
    blended = Counter(counts)
    for word, count in lexicon.items():
        blended[word] += 0.2 * scale * count  # type: ignore[assignment]  # counts may be fractions
    han = [w for w, _ in blended.most_common() if is_han(w[0])]
    characters = [w for w in han if len(w) == 1][:7500]
    n_pieces, n_numbers = size // 24, size // 60
    rest = size - 1 - len(characters) - n_pieces - n_numbers
    words = [w for w in han if len(w) > 1][: rest * 11 // 20]
    english = [w for w, _ in latin.most_common() if not w.isdigit() and len(w) > 1]
    numbers = [w for w, _ in latin.most_common() if w.isdigit() and len(w) <= 4][:n_numbers]
    letters = [chr(c) for c in [*range(ord("a"), ord("z") + 1), *range(ord("0"), ord("9") + 1)]]
    letters += [w for w in latin if len(w) == 1 and latin[w] > 20 and w not in letters]
    chosen = dict.fromkeys([*characters, *words, *numbers, *letters])
    pieces = [p for p in _pieces(latin, n_pieces * 2) if p not in latin or latin[p] < 50]
    chosen |= dict.fromkeys([*pieces[:n_pieces], *english[: size - 1 - len(chosen) - n_pieces]])
    total = sum(blended.values()) + sum(latin.values())
    known = {w: max(blended[w], latin[w]) for w in chosen}
    floor = math.log(0.5 / total)
    return {
        w: round(
            math.log(n / total) if n >= 1 else floor - (0 if is_han(w[0]) else _PIECE_PENALTY), 3
        )
        for w, n in known.items()
    }


def build_tokenizer(texts: Sequence[str], *, size: int) -> Tokenizer:
    """Build the tokenizer from folded training texts.

    Args:
        texts: folded queries and passages; repeats count. A sample of 200,000 is enough.
        size: number of tokens at most, UNKNOWN included.

    Returns:
        The tokenizer, with UNKNOWN as id 0.
    """
    lexicon = _jieba_lexicon()
    latin = _latin_only(_latin_words(texts))
    known = Counter({w: n for w, n in latin.items() if n >= 3})
    total = sum(lexicon.values()) + sum(known.values())
    first = unigram({w: math.log((n or 1) / total) for w, n in (lexicon + known).items()})
    counts, joined = _count(first, texts)
    logger.info("%d words counted, %d joined", len(counts), len(joined))
    return unigram(_select(counts + joined, lexicon, latin, size))


@dataclass(frozen=True, slots=True)
class Texts:
    """Token ids of many texts, one after another.

    Attributes:
        ids: of all texts.
        starts: text i has `ids[starts[i]:starts[i + 1]]`; one longer than the texts.
    """

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, tokenizer: Tokenizer, texts: Sequence[str], *, limit: int) -> Texts:
        """Tokenize folded texts, cut at `limit` tokens."""
        parts = [np.zeros(0, np.int32)]
        lengths = [np.zeros(1, np.int64)]
        for start in range(0, len(texts), _BATCH):
            cut = [text[: limit * _CHARS_PER_TOKEN] for text in texts[start : start + _BATCH]]
            ids = [row[:limit] for row in token_ids(tokenizer, cut)]
            lengths.append(np.fromiter(map(len, ids), np.int64, len(ids)))
            parts.append(np.fromiter(chain.from_iterable(ids), np.int32))
        return cls(np.concatenate(parts), np.cumsum(np.concatenate(lengths)))

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.starts) - 1

    def chosen(self, indexes: NDArray[np.int64]) -> Texts:
        """Some of the texts."""
        ids, lengths = self.bags(indexes)
        return Texts(ids, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))

    def bags(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Ids of the chosen texts, one after another, and the number of each."""
        starts = self.starts[chosen]
        lengths = self.starts[chosen + 1] - starts
        before = np.cumsum(lengths) - lengths
        return self.ids[np.repeat(starts - before, lengths) + np.arange(lengths.sum())], lengths


@dataclass(frozen=True, slots=True)
class Relation:
    """A token that means much the same as others: its row shall start near theirs.

    Attributes:
        token: id of the token.
        others: ids of its parts, its translations or its stem.
        weights: of each of `others`, above 0.
        likeness: cosine of the token's first row and the weighted mean of the others'.
    """

    token: int
    others: Sequence[int]
    weights: Sequence[float]
    likeness: float


def relations(words: Sequence[str], queries: Texts, passages: Texts) -> list[Relation]:
    """Tokens that mean much the same, from their spelling and from pairs across languages.

    Args:
        words: of each id.
        queries: of the pairs across languages.
        passages: one for each query, in the other language.

    Returns:
        First Chinese compounds, short ones first; then English words by their translations; then
        English words by their stem, where no translation is known. A word's others come before.
    """
    translated = _translations(words, queries, passages)
    known = {relation.token for relation in translated}
    stems = [relation for relation in _stems(words) if relation.token not in known]
    logger.info("%d translations, %d stems", len(translated), len(stems))
    return [*_compounds(words), *translated, *stems]


def _compounds(words: Sequence[str]) -> Iterator[Relation]:
    index = {word: i for i, word in enumerate(words)}
    for word in sorted((w for w in words if len(w) > 2 and is_han(w[0])), key=len):
        spans = ((a, b) for a in range(len(word)) for b in range(a + 2, len(word) + 1))
        parts = [word[a:b] for a, b in spans if b - a < len(word) and word[a:b] in index]
        if parts:
            yield Relation(index[word], [index[p] for p in parts], [len(p) for p in parts], 0.6)


_ENDINGS = (
    ("ies", "y"), ("es", ""), ("s", ""), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"),
    ("ly", ""), ("er", ""), ("er", "e"), ("d", ""), ("ation", "e"), ("ion", ""), ("al", ""),
)  # fmt: skip


def _stems(words: Sequence[str]) -> Iterator[Relation]:
    index = {word: i for i, word in enumerate(words)}
    for word in sorted((w for w in words if len(w) > 3 and w.isascii() and w.isalpha()), key=len):
        for ending, instead in _ENDINGS:
            stem = word.removesuffix(ending)
            if stem != word and len(stem) > 2 and stem + instead in index:
                yield Relation(index[word], [index[stem + instead]], [1.0], 0.9)
                break


def _translations(words: Sequence[str], queries: Texts, passages: Texts) -> list[Relation]:
    """English words with the Chinese words that occur where they occur, by Dice's coefficient."""
    han = np.array([is_han(word[0]) for word in words])
    latin = np.array([word[0].isalpha() and len(word) > 1 for word in words]) & ~han
    chinese, english = _by_language(queries, passages, han, latin)
    n_chinese, n_english = (
        np.bincount(column, minlength=len(words)) for _, column in (chinese, english)
    )
    common = 0.15 * len(queries)
    left = _matrix(chinese, (n_chinese > 3) & (n_chinese < common), len(queries)).t()
    right = _matrix(english, (n_english > 3) & (n_english < common), len(queries))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta state")
        together = torch.sparse.mm(left, right).coalesce()
    rows, columns = together.indices().numpy()
    times = together.values().numpy()
    dice = 2 * times / (n_chinese[rows] + n_english[columns])
    kept = (times > 2) & (dice > _MIN_DICE)
    order = np.lexsort((-dice[kept], columns[kept]))
    rows, columns, dice = rows[kept][order], columns[kept][order], dice[kept][order]
    found = []
    for start in np.flatnonzero(np.diff(columns, prepend=-1)):
        best = slice(start, start + 3)
        alike = (columns[best] == columns[start]) & (dice[best] >= 0.4 * dice[start])
        others = rows[best][alike].tolist()
        weights = np.square(dice[best][alike]).tolist()
        found.append(Relation(int(columns[start]), others, weights, 0.95))
    return found


_Cells = tuple[NDArray[np.int64], NDArray[np.int64]]


def _by_language(
    queries: Texts, passages: Texts, han: NDArray[np.bool_], latin: NDArray[np.bool_]
) -> tuple[_Cells, _Cells]:
    """(pair, token) once each, of the Chinese and of the English side of every pair."""
    everything = np.arange(len(queries))
    sides = []
    for texts in (queries, passages):
        ids, lengths = texts.bags(everything)
        sides.append((np.repeat(everything, lengths), ids))
    n_han = [np.bincount(pair, weights=han[ids], minlength=len(queries)) for pair, ids in sides]
    chinese_query = n_han[0] > n_han[1]
    cells = []
    for wanted, chosen in ((han, chinese_query), (latin, ~chinese_query)):
        keys = [
            pair[keep] * len(han) + ids[keep]
            for (pair, ids), own in zip(sides, (chosen, ~chosen), strict=True)
            for keep in [own[pair] & wanted[ids]]
        ]
        cells.append(np.divmod(np.unique(np.concatenate(keys)), len(han)))
    return cells[0], cells[1]


def _matrix(cells: _Cells, kept: NDArray[np.bool_], n_pairs: int) -> Any:
    """A sparse matrix of ones, pairs by tokens, without the tokens that are not kept."""
    pair, token = cells[0][kept[cells[1]]], cells[1][kept[cells[1]]]
    return torch.sparse_coo_tensor(
        torch.from_numpy(np.stack([pair, token])),
        torch.ones(len(pair)),
        (n_pairs, len(kept)),
        check_invariants=True,
    )
