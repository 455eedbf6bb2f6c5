"""A claim that copies a sentence but for a few words: which words, and do they matter?

Compares letter by letter: `2023 年` and `2023 个月`, `10^6` and `10^1`, `如果不是`
and `如果是` differ in one sign that a segmenter may hide. Knows two texts; called by `comparing`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from assistant.denials import quantifier
from assistant.lexicon import LIGHT, alike
from assistant.magnitudes import same_quantity
from assistant.quantities import quantities
from assistant.words import Word, words
from corpus.text import fold, is_han

__all__ = ["alteration"]

_LATIN = re.compile(r"[a-z_]+|\d+(?:\.\d+)*|[^\W\d_]|[%‰^]")
_LISTED = re.compile(r"(?m)^\s*(\d{1,2})[.)、]\s")  # the number of an item says nothing
# What a claim may leave out: when it was, and into how many parts that which it names falls.
_LEFT_OUT = re.compile(
    r"[\s,，(（]*(?:[在于自]|in|on|since)?\s*(?:(?:19|20)\d\d)\s*年?(?:\s*\d{1,2}\s*月)?(?:\s*\d{1,2}\s*[日号])?"
    r"[\s,，)）]*|[\s:：]*[两二三四五六七八]\s*(?:大|个)?(?:部分|类|种)[\s:：]*"
)
_NUMERALS = "零〇一二三四五六七八九十百千万亿两半"
_NEAR_COPY = 0.75
_LEAST_ATOMS = 5
_LONGEST = 2.0  # times the claim: a stretch of text, from first to last common word, that is near


@lru_cache(maxsize=8192)
def _atoms(text: str) -> tuple[tuple[str, int, int], ...]:
    """Ideographs, Latin words and numbers of a text, with their places."""
    listed = {m.start(1) for m in _LISTED.finditer(text)}
    return tuple(
        (m.group(), m.start(), m.end())
        for m in _LATIN.finditer(fold(text))
        if m.start() not in listed
    )


@lru_cache(maxsize=8192)
def _counts(text: str) -> Counter[str]:
    return Counter(atom for atom, _, _ in _atoms(text))


@lru_cache(maxsize=8192)
def alteration(claim: str, text: str) -> str:
    """Whether a claim is a copy of (a part of) a text with something changed that matters.

    Args:
        claim: the statement.
        text: a sentence or a few.

    Returns:
        "near" or "far" when at least three quarters of the claim stand in the text in the same
        order, and what differs is more than function words or another name for the same word;
        "near" if they stand close together there, "far" if they are picked from a longer
        stretch. Empty for a claim that says it in its own words, whatever it says.
    """
    mine, theirs = _atoms(claim), _atoms(text)
    if len(mine) < _LEAST_ATOMS or not theirs:
        return ""
    least = _NEAR_COPY * len(mine)
    if (_counts(claim) & _counts(text)).total() < least:  # no order of them can match more
        return ""
    matcher = SequenceMatcher(
        None, [a for a, _, _ in mine], [b for b, _, _ in theirs], autojunk=False
    )
    blocks = [b for b in matcher.get_matching_blocks() if b.size]
    if sum(b.size for b in blocks) < least:
        return ""
    end_a, end_b = len(mine), blocks[-1].b + blocks[-1].size
    found = "near" if end_b - blocks[0].b <= _LONGEST * len(mine) else "far"
    at_a, at_b = 0, blocks[0].b
    for block in [*blocks, None]:
        to_a, to_b = (block.a, block.b) if block else (end_a, end_b)
        said, noted = _piece(claim, mine, at_a, to_a), _piece(text, theirs, at_b, to_b)
        if (said or noted) and _matters(said, noted):
            return found
        if block:
            at_a, at_b = block.a + block.size, block.b + block.size
    return found if _loses_denial(text, theirs, blocks[0].b) else ""


def _piece(text: str, atoms: tuple[tuple[str, int, int], ...], low: int, high: int) -> str:
    return text[atoms[low][1] : atoms[high - 1][2]] if high > low else ""


def _loses_denial(text: str, theirs: tuple[tuple[str, int, int], ...], first: int) -> bool:
    """Whether a negation right before the copied words was left out."""
    if first == 0:
        return False
    lead = re.split(r"[,，。；;:：!！?？\n]", text[: theirs[first][1]])[-1]
    return any(w.role == "negation" for w in words(lead)[-2:])


def _matters(said: str, noted: str) -> bool:
    """Whether exchanging one piece for the other changes what is said."""
    if not said:
        if _LEFT_OUT.fullmatch(noted):
            return False
        # what has to be so, is so
        if not any(_changes(w) and quantifier(w.text) != "must" for w in words(noted)):
            return any(c in _NUMERALS for c in noted)
    if [c for c in said if c in _NUMERALS] != [c for c in noted if c in _NUMERALS]:
        return not _same_figures(said, noted)
    ours, others = words(said), words(noted)
    if any(_changes(w) for w in (*ours, *others)) and not _denies_alike(ours, others):
        return not _same_figures(said, noted)
    left = [w for w in ours if not _is_light(w)]
    if not left:  # the claim only leaves words out
        return False
    known = {w.text for w in others}
    return not all(w.text in known or alike(w.text) & known for w in left)


def _changes(word: Word) -> bool:
    """Whether a word cannot be there on one side only: a figure, a negation, a scope."""
    return word.is_number or word.role in ("negation", "quantifier")


def _denies_alike(ours: Sequence[Word], others: Sequence[Word]) -> bool:
    """Whether two pieces deny and limit the same: 不能 and 必须不, 并不 and 不; without figures."""
    if any(w.is_number for w in (*ours, *others)):
        return False
    odd = [sum(w.role == "negation" for w in words) % 2 for words in (ours, others)]
    limits = [{quantifier(w.text) for w in words} - {"", "must"} for words in (ours, others)]
    return odd[0] == odd[1] == 1 and limits[0] == limits[1]


def _is_light(word: Word) -> bool:
    return (
        word.role == "stop"
        or word.text in LIGHT
        or (len(word.text) == 1 and not _is_unit(word.text))
    )


def _is_unit(char: str) -> bool:
    return is_han(char) and char in "年月日天周层维头类种步倍张元块个阶万亿千百"


def _same_figures(said: str, noted: str) -> bool:
    ours, others = quantities(said), quantities(noted)
    return (
        bool(ours)
        and len(ours) == len(others)
        and all(same_quantity(a, b) for a, b in zip(ours, others, strict=True))
    )
