"""Exact phrases: which passages hold some words to the letter.

To the letter but for case, width, traditional characters, typographic marks and the kind of blank;
a phrase that begins or ends with a Latin letter or a digit does so at the border of a word. Knows
texts; the index narrows down which ones are looked at by `keys`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from corpus.text import fold, is_han
from corpus.tokens import STOP_TERMS, stem

__all__ = ["keys", "pattern"]

_LATIN = "a-z0-9_\u00df-\u024f\u0370-\u052f\u1e00-\u1eff"
_WORDS = re.compile(rf"[{_LATIN}]+")
_MAX_KEYS = 12


@lru_cache(maxsize=64)
def pattern(phrase: str) -> re.Pattern[str]:
    """What matches a phrase in a folded text (`corpus.text.fold`); blank phrases match nothing."""
    plain = fold(phrase).strip()
    if not plain:
        return re.compile(r"(?!)")
    body = r"\s+".join(map(re.escape, plain.split()))
    before = rf"(?<![{_LATIN}])" if _WORDS.match(plain[0]) else ""
    behind = rf"(?![{_LATIN}])" if _WORDS.match(plain[-1]) else ""
    return re.compile(f"{before}{body}{behind}")


def keys(phrase: str) -> list[str]:
    """Pieces of which each stands inside a term of every passage that holds the phrase.

    Ideographs one by one, since a word may be cut otherwise in another sentence; the beginnings
    of Latin words, since an ending may have been taken off. Empty where nothing can be said.
    """
    plain = fold(phrase)
    found = [char for char in plain if is_han(char) and char not in STOP_TERMS]
    for word in _WORDS.findall(plain):
        start = stem(word)[:4] if word.isascii() and word.isalpha() else word[:4]
        if len(start) >= 3 or (start.isdigit() and len(start) > 1):
            found.append(start)
    return list(dict.fromkeys(found))[:_MAX_KEYS]
