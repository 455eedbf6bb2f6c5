"""A text as words: what each of them does in its sentence, and how much it matters.

`words` reads a text as content words, function words, negations and quantifiers; what the lexicon
knows as one word is joined, and a denying prefix that it does not know is cut off. `weigh` says
how much each word matters among some notes. Knows one text at a time; called by whatever reads
sentences.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assistant.lexicon import (
    LIGHT,
    NEGATIONS,
    NOT_NEGATIONS,
    alike,
    is_listed,
    listed,
    opposites,
    quantifier,
)
from assistant.quantities import quantities
from assistant.thesaurus import members_with
from corpus.text import has_han, is_han
from corpus.tokens import STOP_TERMS, commonness, terms, tokens

__all__ = ["HARMLESS", "MAX_MERGE", "PREFIXES", "Word", "is_han_word", "weigh", "words"]

Role = Literal["content", "stop", "negation", "quantifier"]

HARMLESS = frozenset(NOT_NEGATIONS.split()) | {"不如"}  # what holds a negation and denies nothing
PREFIXES = "不没未无非"  # characters that deny the word they begin
MAX_MERGE = 4  # pieces of a word of the lexicon
_NEGATING = frozenset(NEGATIONS) | {"与其", "而不是", "而非"}
_PAYS = 500  # texts from which knowing all beginnings pays
_MAX_LETTERS = 4  # of a word of the lexicon
_BREAK = re.compile(r"[,，。；;!！?？\n]")
_HAN_RARE, _HAN_COMMON = 1.0, 300.0  # occurrences per million words


class Word(NamedTuple):
    """A word of a text; a question reads thousands, so it is no dataclass, which is made slower.

    Attributes:
        text: normal form.
        start: offset of its first character.
        end: offset after its last character.
        role: what it does in the sentence.
        is_name: a Latin word or identifier with a capital or digit: it names one thing.
        is_number: it begins with a digit.
        clause: number of the clause (text between commas) it stands in.
        known: names by which it may be matched besides `text`: parts of an identifier.
        kind: all of it that decides what it is paired with, wherever it stands.
    """

    text: str
    start: int
    end: int
    role: Role
    is_name: bool
    is_number: bool
    clause: int
    known: frozenset[str]
    kind: str

    @property
    def is_content(self) -> bool:
        """Whether it carries what is said."""
        return self.role == "content"


@lru_cache(maxsize=65_536)
def is_han_word(text: str) -> bool:
    """Whether a word begins with an ideograph."""
    return bool(text) and is_han(text[0])


@lru_cache(maxsize=65_536)
def _role(text: str) -> Role:
    if text in _NEGATING:
        return "negation"
    if quantifier(text):
        return "quantifier"
    return "stop" if text in STOP_TERMS else "content"


@lru_cache(maxsize=32_768)
def _is_lexical(text: str) -> bool:
    """Whether a run of short words is one word of ours.

    Of the phrases of the thesaurus only those are one word that deny what does not mean their
    opposite (没把握): what 不便宜 says is known from 便宜 and the word before it.
    """
    if text in _NEGATING or text in HARMLESS or quantifier(text):
        return True
    if is_listed(text):
        return True
    denied = "".join(c for c in text if c not in PREFIXES)
    return (
        2 <= len(denied) < len(text)
        and denied not in STOP_TERMS
        and not quantifier(denied)
        and bool(alike(text) or opposites(text))
        and opposites(denied).isdisjoint(alike(text))
        and alike(denied).isdisjoint(opposites(text))
    )


@lru_cache(maxsize=1)
def _beginnings() -> frozenset[str]:
    """What the words begin with that `_is_lexical` may know: few runs are looked at further."""
    known = (_NEGATING | HARMLESS | listed()).union(members_with(PREFIXES))
    return frozenset(
        word[:n] for word in known if len(word) <= _MAX_LETTERS for n in range(1, len(word))
    )


def _pieces(text: str) -> Iterator[tuple[str, int, int, bool]]:
    """Tokens as (normal form, start, end, is ideographs), denying prefixes cut off."""
    for token in tokens(text):
        han = token.kind == "han"
        if (
            han
            and 2 <= len(token.text) <= 4
            and token.text[0] in PREFIXES
            and not _is_lexical(token.text)
        ):
            yield token.text[0], token.start, token.start + 1, True
            yield token.text[1:], token.start + 1, token.end, True
        elif han and len(token.text) == 3 and token.text[1] == "不" and not _is_lexical(token.text):
            # what 得不到 denies is to 得到
            yield "不", token.start, token.start + 2, True
            yield token.text[0] + token.text[2], token.start + 2, token.end, True
        else:
            yield token.text, token.start, token.end, han


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[Word, ...]:
    """The words of a text in order; runs that the lexicon knows as one word are joined.

    Args:
        text: a sentence or a few.

    Returns:
        Words without overlap. Words inside a quantity (`1.4T`, `4050亿`) are numbers.
    """
    raw = list(_pieces(text))
    breaks = [m.start() for m in _BREAK.finditer(text)]
    english = not has_han(text)
    counted = [(q.start, q.end) for q in quantities(text) if not q.is_weak]
    counted.append((len(text) + 1, 0))  # behind all others
    out: list[Word] = []
    beginnings = _beginnings() if words.cache_info().misses > _PAYS else None
    i = clause = at = 0
    while i < len(raw):
        piece, start, end, han = raw[i]
        i += 1
        if han and (beginnings is None or piece in beginnings):
            piece, end, i = _joined(raw, i, piece, end)
        while clause < len(breaks) and breaks[clause] < start:
            clause += 1
        while counted[at][1] < end and counted[at][0] <= start:
            at += 1  # spans do not overlap: what ends before this piece holds no later one
        inside = counted[at][0] <= start and end <= counted[at][1]
        role = "content" if inside else _role(piece)
        is_name, is_number, known = False, inside, _NOTHING
        if not han:
            original = text[start:end]
            is_number = inside or piece[0].isdigit()
            known = _known(original, piece)
            if role == "content" and not inside:
                opens = english and (start == 0 or text[:start].rstrip()[-1:] in ".!?")
                is_name = _names_one(original, opens=opens)
        kind = _kind(piece, is_name, is_number, known) if not han or is_number else piece
        out.append(_word((piece, start, end, role, is_name, is_number, clause, known, kind)))
    return tuple(out)


_word = partial(tuple.__new__, Word)  # as Word(*fields), in half the time


_NOTHING: frozenset[str] = frozenset()


@lru_cache(maxsize=16_384)
def _known(original: str, piece: str) -> frozenset[str]:
    return frozenset(terms(original)) - {piece}


@lru_cache(maxsize=16_384)
def _kind(text: str, is_name: bool, is_number: bool, known: frozenset[str]) -> str:
    """One string for what a word is paired by, so that it is hashed once; no text holds NUL."""
    return "\0".join((text, str(is_name), str(is_number), *sorted(known)))


def _joined(
    raw: Sequence[tuple[str, int, int, bool]], i: int, piece: str, end: int
) -> tuple[str, int, int]:
    """The longest word of the lexicon that a piece begins, where it ends, and the next piece."""
    found = piece, end, i
    for text, start, stop, _ in raw[i : i + MAX_MERGE - 1]:
        piece += text
        if start != end or len(piece) > _MAX_LETTERS:
            break
        end, i = stop, i + 1
        if _is_lexical(piece):
            found = piece, end, i
    return found


@lru_cache(maxsize=16_384)
def _names_one(original: str, *, opens: bool) -> bool:
    """Whether a Latin word is a name: a digit, or a capital that no sentence start explains."""
    if any(c.isdigit() for c in original) or any(c.isupper() for c in original[1:]):
        return True
    return original[:1].isupper() and not opens


def weigh(
    found: Sequence[Word], idf: Callable[[str], float], df: Callable[[str], int]
) -> NDArray[np.float64]:
    """How much each word matters: rare words and names more, function words nothing.

    A word that no note holds would weigh most by its idf alone; colloquial ones (照样, 差不多)
    weigh by how common they are in general.

    Args:
        found: words of a claim or a question.
        idf: weight of a term in the notes.
        df: number of passages that hold a term.
    """
    out = np.zeros(len(found))
    for i, word in enumerate(found):
        if not word.is_content:
            continue
        if word.text in LIGHT:
            out[i] = 0.25
            continue
        base = max(idf(term) for term in (terms(word.text) or [word.text]))
        base = min(max(base, 0.4), 8.0)
        if len(word.text) == 1 and is_han_word(word.text):
            base *= 0.4
        out[i] = base * (1.3 if word.is_name else _rarity(word, df))
    return out


def _rarity(word: Word, df: Callable[[str], int]) -> float:
    """What of its idf a word keeps that no note holds, by how common it is in general."""
    if word.is_number or df(word.text):
        return 1.0
    if not has_han(word.text):
        return 0.5
    per_million = commonness(word.text)
    if per_million <= _HAN_RARE:
        return 1.0
    span = math.log(_HAN_COMMON / _HAN_RARE)
    return max(0.25, 1 - 0.75 * math.log(per_million / _HAN_RARE) / span)
