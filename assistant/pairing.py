"""How surely two words say the same, whatever stands around them.

A word of a claim says what one of a passage says by its form, as a part of a longer word, by
another name (`lexicon`), or by translation (`glossary`); it may also say the opposite. Knows
words, not texts; called by `alignment`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from assistant.lexicon import alike, opposites
from assistant.words import HARMLESS, PREFIXES, Word, is_han_word
from corpus.glossary import translations

__all__ = ["Neighbours", "is_turned", "pair"]

_LEAST_STEM, _LEAST_INSIDE = 5, 6  # letters of a common stem, and of a word inside another


def pair(a: Word, b: Word) -> float:
    """How surely a word of the claim and one of the evidence say the same, by form and lists.

    Returns:
        In [0, 1]; `a` is the claim's, since a narrower name of its own counts for less.
    """
    if a.text == b.text:
        return 1.0
    if a.is_number or b.is_number:
        return 0.0 if a.is_number and b.is_number else _digits_in_name(a, b)
    han_a, han_b = is_han_word(a.text), is_han_word(b.text)
    if b.text in alike(a.text):
        return 0.93
    if han_a != han_b:
        odds = max(
            _odds(name, other) for name in (a.text, *a.known) for other in (b.text, *b.known)
        )
        if odds > 0.02:
            return min(0.95, 0.72 + 0.25 * odds)
        return 0.0
    return _han_match(a.text, b.text) if han_a else _latin_match(a, b)


def _han_match(a: str, b: str) -> float:
    """How surely two different Chinese words say the same, by their characters."""
    if b in opposites(a) or is_turned(a, b):
        return 0.0
    short, long = sorted((a, b), key=len)
    if len(short) >= 2 and short in long:
        return 0.88 if len(short) * 2 >= len(long) else 0.7
    if len(short) == 1 and short in long and len(long) <= 4:
        return 0.6
    if len(a) == len(b) == 2 and len(set(a) & set(b)) == 1:
        return 0.5  # 撤下 and 下线, 过高 and 太高: one character in common says a little
    return 0.0


def _digits_in_name(a: Word, b: Word) -> float:
    number, name = (a, b) if a.is_number else (b, a)
    return 0.9 if number.text in name.known else 0.0


def _latin_match(a: Word, b: Word) -> float:
    """How surely two Latin words or identifiers are the same; `a` is the claim's."""
    if b.text in a.known and a.is_name:
        # `DeepFM` where the note says `FM`: the claim names another, narrower thing
        return 0.5
    if a.text in b.known:
        return 0.75 if a.is_name else 0.9
    if b.text in a.known:
        return 0.9
    short, long = sorted((a.text, b.text), key=len)
    if len(short) < _LEAST_STEM:
        return 0.0
    if long.startswith(short):
        tail = long[len(short) :]
        if not any(c.isdigit() for c in tail):
            return 0.92
        # `Qwen1.57BChat` and `Qwen1.5-7B`: what follows a shared version is detail
        return 0.5 if not any(c.isdigit() for c in short) else 0.7
    if len(short) >= _LEAST_INSIDE and short in long and not (a.is_name and a.text == long):
        return 0.8
    if short[:_LEAST_STEM] == long[:_LEAST_STEM] and not (a.is_name and b.is_name):
        common = next(
            (k for k, (x, y) in enumerate(zip(a.text, b.text, strict=False)) if x != y), len(short)
        )
        if common >= 0.7 * len(long):
            return 0.8
    return 0.0


@lru_cache(maxsize=16_384)
def _translations(word: str) -> dict[str, float]:
    return dict(translations(word))


def _odds(a: str, b: str) -> float:
    return max(_translations(a).get(b, 0.0), _translations(b).get(a, 0.0))


@lru_cache(maxsize=16_384)
def is_turned(a: str, b: str) -> bool:
    """Whether two words differ in one character and its opposite, 高阶 and 低阶, or one denies.

    不确定 denies 确定, 拿不准 denies 拿得准.
    """
    if _denies(a) != _denies(b) and a not in HARMLESS and b not in HARMLESS:
        bare_a, bare_b = (re.sub(f"[{PREFIXES}得]", "", word) for word in (a, b))
        if bare_a == bare_b:
            return True
    if len(a) != len(b) or not 2 <= len(a) <= 4:
        return False
    other = [(x, y) for x, y in zip(a, b, strict=True) if x != y]
    return len(other) == 1 and other[0][1] in opposites(other[0][0])


def _denies(word: str) -> bool:
    """Whether a Chinese word of several characters holds an odd number of negations."""
    return len(word) > 1 and sum(c in PREFIXES for c in word) % 2 == 1


class Neighbours:
    """Which words can be paired with a given one at all: those that share a name or letters."""

    def __init__(self, kinds: Sequence[Word]) -> None:
        self._by_name: dict[str, list[int]] = {}
        self._by_char: dict[str, list[int]] = {}
        self._by_stem: dict[str, list[int]] = {}
        self._long: list[tuple[int, str]] = []  # Latin words that may stand inside another one
        for j, word in enumerate(kinds):
            for name in (word.text, *word.known):
                self._by_name.setdefault(name, []).append(j)
            if is_han_word(word.text):
                for char in set(word.text):
                    self._by_char.setdefault(char, []).append(j)
                continue
            if len(word.text) >= _LEAST_STEM:
                self._by_stem.setdefault(word.text[:_LEAST_STEM], []).append(j)
            if len(word.text) >= _LEAST_INSIDE:
                self._long.append((j, word.text))

    def of(self, word: Word, contrary: frozenset[str]) -> list[int]:
        """Columns worth a look for one word of the claim, ascending."""
        found: set[int] = set()
        names = {word.text, *word.known}
        for name in (*names, *alike(word.text), *contrary, *_partners(names)):
            found.update(self._by_name.get(name, ()))
        if is_han_word(word.text):
            for char in word.text:
                found.update(self._by_char.get(char, ()))
                for turned in opposites(char):
                    found.update(self._by_char.get(turned, ()))
        else:
            found.update(self._by_stem.get(word.text[:_LEAST_STEM], ()))
            if len(word.text) >= _LEAST_INSIDE:
                found.update(j for j, o in self._long if o in word.text or word.text in o)
        return sorted(found)


def _partners(names: set[str]) -> list[str]:
    return [partner for name in names for partner in _translations(name)]
