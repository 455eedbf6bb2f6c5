"""Bilingual terms: what a text is matched by, in Chinese, English and both mixed.

One scan cuts folded text at script borders. Chinese runs are segmented by jieba's dictionary
(no HMM: a word's terms must not depend on its neighbours), words jieba does not know become
character bigrams and single characters; identifiers (`bge-m3`, `node.js`, `C++`, `Llama-3.1`,
`DeepSeekV2`) are kept whole, without their connectors, and in parts; English words are stemmed
lightly. `tokens` keeps offsets into the original text; `terms` is what the index stores.
Knows nothing of notes or chunks.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache, partial
from operator import add
from typing import Literal, NamedTuple

from corpus.dictionary import Dictionary
from corpus.text import fold, legible

__all__ = [
    "STOP_TERMS",
    "TOKENIZER_VERSION",
    "Token",
    "commonness",
    "content_terms",
    "is_proper",
    "read_dictionary",
    "stem",
    "terms",
    "tokens",
]

logger = logging.getLogger(__name__)

TOKENIZER_VERSION = "2"

TokenKind = Literal["han", "latin", "number", "other"]

_MAX_IDENTIFIER = 64

_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_LATIN = "a-z0-9_\u00df-\u024f\u0370-\u052f\u1e00-\u1eff"
_SCAN = re.compile(
    rf"(?P<han>[{_HAN}]+)"
    rf"|(?P<latin>(?:(?<![{_LATIN}])\.(?=[a-z]))?[{_LATIN}]+(?:[.\-'+#](?=[{_LATIN}])[{_LATIN}]+)*"
    rf"(?:\+\+|#(?![{_LATIN}]))?)"
    rf"|(?P<other>[^\W{_HAN}{_LATIN}]+)"
)
_NUMBER = re.compile(r"\d+(?:[.]\d+)*")
_CAMEL = re.compile(r"[A-Z]\d+|[A-Z]?[a-z]{2,}|[A-Z]{2,}(?![a-z])|\d+(?:\.\d+)*[a-zA-Z]?")
_PARTS = re.compile(r"\d+(?:\.\d+)*|[^\W\d_]+")

# Function words: kept in the index (a phrase may need them), left out of queries and coverage.
_STOP_HAN = frozenset(
    "的 了 是 在 和 与 及 或 而 且 也 都 就 还 又 被 把 将 给 对 从 到 向 于 以 为 之 其 这 那 "
    "此 该 各 每 某 个 种 些 吗 呢 吧 啊 呀 么 着 过 地 得 所 等 并 但 若 则 因 由 即 如 很 更 "
    "最 太 可 能 会 要 想 请 让 使 我 你 您 他 她 它 们 谁 哪 几 怎 何 什么 怎么 怎样 如何 "
    "为什么 为何 哪些 哪个 哪种 哪里 多少 是否 有没有 可以 能够 这个 那个 这些 那些 我们 你们 "
    "他们 它们 以及 或者 并且 而且 但是 因为 所以 如果 那么 一个 一种 一下 关于 对于 请问 告诉 "
    "介绍 说明 解释 谈谈 说说 讲讲 什 怎么样 咋 啥 是什么 有什么 有哪些 哪几 几个 时候 情况 "
    "方面 东西 问题 里面 里 中 上 下 时 后 前 有 用 做 呗 嘛 哦 究竟 到底 具体 分别 主要 为了 "
    "虽然 然而 不过 通过 根据 按照 之间 其中 还是 就是 只是 也是 都是 不是 没有 不 没 无 未".split()
)
_STOP_LATIN = frozenset(
    "a an the is are was were be been being am do does did have has had of in on at to for from "
    "by with and or but if then than that this these those it its they them their there here as "
    "into about over what which who whom whose when where why how can could should would will "
    "shall may might must i you we he she my your our me us please tell explain describe give "
    "show not no so such s t re ve ll some any each other also between among".split()
)
STOP_TERMS = _STOP_HAN | _STOP_LATIN


class Token(NamedTuple):
    """A word of a text: `text` is folded and stemmed, the span is that of the original.

    Attributes:
        text: the normal form by which words are compared.
        start: offset of its first character in the original text.
        end: offset after its last character.
        kind: script class; "number" holds a digit first.
    """

    text: str
    start: int
    end: int
    kind: TokenKind

    @property
    def is_stop(self) -> bool:
        """Whether it is a function word."""
        return self.text in STOP_TERMS


_token = partial(tuple.__new__, Token)  # as Token(*fields), in half the time
_segmenter = Dictionary()


def commonness(word: str) -> float:
    """Occurrences per million words of general Chinese text, 0 for a word jieba does not know."""
    return 1e6 * _segmenter.frequency(word)


def is_proper(word: str) -> bool:
    """Whether jieba's dictionary tags a word as the name of a person, place, firm or brand."""
    return _segmenter.is_name(word)


def read_dictionary() -> None:
    """Read all of jieba's words into memory (`Dictionary.read_all`)."""
    _segmenter.read_all()


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """An English word without plural, -ing and -ed endings, lightly.

    Args:
        word: folded Latin word.

    Returns:
        The word itself when it is short, holds a digit, or the ending is part of it.

    Source: the S-stemmer of Harman, JASIS 42(1), 1991, with two guarded verb endings.
    """
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        root = word[: -len(ending)]
        if word.endswith(ending) and len(root) >= 4 and any(v in root for v in "aeiouy"):
            return root[:-1] if root[-1] == root[-2] and root[-1] not in "ls" else root
    return word


def _compact(identifier: str) -> str:
    """The identifier without connectors, dots between digits kept: `llama-3.1` -> `llama3.1`."""
    plain = re.sub(r"[\-_'+](?=.)", "", identifier) if not identifier.endswith("++") else identifier
    plain = re.sub(r"(?<!^)(?<!\d)\.(?=.)|(?<=.)\.(?!\d)", "", plain) or identifier
    return stem(plain) if plain.isalpha() else plain


@lru_cache(maxsize=20_000)
def _latin(folded: str) -> str:
    if folded.isalpha():
        return stem(folded)
    if folded.endswith("'s"):
        return stem(folded[:-2])
    return _compact(folded)


@lru_cache(maxsize=16_384)
def _cut(run: str) -> tuple[str, ...]:
    """Words of a run of ideographs: it is met again in a clause, a title, another passage."""
    return tuple(_segmenter.cut(run))


@lru_cache(maxsize=8_192)
def tokens(text: str) -> tuple[Token, ...]:
    """The words of a text in order, without overlap, with their places in it.

    Args:
        text: any text; punctuation and blanks give no token.

    Returns:
        Tokens in order of `start`. Ideographs that jieba leaves single stay single here.
    """
    folded = fold(text)
    found: list[Token] = []
    for match in _SCAN.finditer(folded):
        start, end = match.span()
        if match.lastgroup == "han":
            for word in _cut(match.group()):
                found.append(_token((word, start, start + len(word), "han")))
                start += len(word)
        elif match.lastgroup == "latin":
            piece = match.group()
            kind: TokenKind = "number" if piece[0].isdigit() else "latin"
            found.append(_token((_latin(piece), start, end, kind)))
        else:
            found.extend(
                Token(match.group()[i : i + 2], start + i, min(start + i + 2, end), "other")
                for i in range(0, len(match.group()), 2)
            )
    return tuple(found)


@lru_cache(maxsize=50_000)
def _identifier_terms(original: str) -> tuple[str, ...]:
    """Whole, compact and part terms of one Latin run, in its original case."""
    folded = fold(original)
    whole = _latin(folded)
    if original.isalpha() and original[1:].islower():  # one word without parts
        return (whole,)
    out = [whole]
    if folded.endswith(("++", "#")):
        return tuple(out)
    pieces = re.split(r"[.\-_'+](?!\d)|(?<!\d)[.\-_'+]|(?<=\d)[\-_'+](?=\d)", original)
    for piece in filter(None, pieces):
        small = fold(piece)
        if small.isascii() and len(piece) >= 6:
            camel = _CAMEL.findall(piece)
            if len(camel) > 1 and all(len(p) >= 2 for p in camel) and "".join(camel) == piece:
                out.extend(stem(fold(p)) for p in camel if len(p) > 2 or p[0].isalpha())
        if small != folded:
            out.append(stem(small))
        out.extend(
            stem(part)
            for part in _PARTS.findall(small)
            if part != small and (len(part) >= 2 or not part.isascii())
        )
    return tuple(dict.fromkeys(out))


@lru_cache(maxsize=20_000)
def _inner_words(word: str) -> tuple[str, ...]:
    """The known words of two and three characters inside a longer one."""
    n = len(word)
    grams = (word[i : i + size] for size in (2, 3) if n > size for i in range(n - size + 1))
    return tuple(gram for gram in grams if _segmenter.knows(gram))


@lru_cache(maxsize=20_000)  # a phrase comes back: in real vaults, four of five
def _han_terms(run: str) -> tuple[str, ...]:
    """Search terms of a run of ideographs: words, their known sub-words, bigrams of the rest."""
    out: list[str] = []
    singles: list[str] = []

    for word in _cut(run):
        if len(word) == 1 and word not in _STOP_HAN:
            singles.append(word)
            continue
        if singles:
            out += singles
            if len(singles) > 1:
                out += map(add, singles, singles[1:])
            singles = []
        if len(word) > 1:
            if len(word) > 2:
                out += _inner_words(word)
            out.append(word)
    out += singles
    out += map(add, singles, singles[1:])
    return tuple(out)


def terms(text: str) -> list[str]:
    """The terms a text is indexed and searched by.

    Args:
        text: any text.

    Returns:
        Terms with repeats, in the order of the text. Chinese: jieba's words, the known words
        inside long ones, single characters and bigrams where jieba knows no word. Latin:
        the identifier without connectors, then its parts.
    """
    text = legible(text)
    folded = fold(text)
    out: list[str] = []
    for match in _SCAN.finditer(folded):
        kind = match.lastgroup
        if kind == "han":
            out += _han_terms(match[0])
        elif kind == "latin":
            start, end = match.span()
            out += _identifier_terms(text[start : min(end, start + _MAX_IDENTIFIER)])
        else:
            run = match[0]
            out += [run[i : i + 2] for i in range(max(1, len(run) - 1))]
    return out


@lru_cache(maxsize=1_024)
def content_terms(text: str) -> tuple[str, ...]:
    """The terms of a text without function words; all of them if nothing else is left."""
    every = terms(text)
    return tuple([term for term in every if term not in STOP_TERMS] or every)
