"""The encoder's tokenizer: a Unigram model over a lexicon counted on the training text.

Chinese words come from jieba's dictionary (MIT) and from neighbours that keep company in the
text; English words are kept whole where they are frequent, with short pieces for the rest. A
Unigram model picks the most probable path, as jieba does, so Chinese needs no segmenter at run
time. Knows nothing of vectors. Called by `eval.training.encoder`.
"""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import jieba
import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from corpus.encoder import token_ids
from corpus.text import is_han
from eval.training.encoder_pairs import training_text

__all__ = ["UNKNOWN", "build_tokenizer", "unigram"]

logger = logging.getLogger(__name__)

UNKNOWN = "[UNK]"
_PATTERN = r"\p{Han}+|[\p{L}\p{M}]+(?:\+\+|#)?|\p{N}+"
_WORD = re.compile(r"[^\W\d_]+(?:\+\+|#)?|\d+")
_MAX_HAN = 4  # longer Chinese words share no row with their parts
_MAX_LATIN = 24
_BATCH = 20_000
_MIN_JOINED = 40
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
    """Words free of Chinese; `[^\\W\\d_]+` runs across the script border."""
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
        w: round(math.log(n / total) if n >= 1 else floor - (0 if is_han(w[0]) else _PIECE_PENALTY), 3)
        for w, n in known.items()
    }


def build_tokenizer(texts: Sequence[str], *, size: int) -> Tokenizer:
    """Build the tokenizer from folded training texts.

    Args:
        texts: folded queries and passages; repeats count. A sample of 200,000 is enough.
        size: number of tokens, UNKNOWN included.

    Returns:
        The tokenizer; ids run from the most to the least wanted word of each kind.
    """
    lexicon = _jieba_lexicon()
    latin = _latin_only(_latin_words(texts))
    known = Counter({w: n for w, n in latin.items() if n >= 3})
    total = sum(lexicon.values()) + sum(known.values())
    first = unigram({w: math.log((n or 1) / total) for w, n in (lexicon + known).items()})
    counts, joined = _count(first, texts)
    logger.info("%d words counted, %d joined", len(counts), len(joined))
    return unigram(_select(counts + joined, lexicon, latin, size))
