"""Characters: folding for matching, and script classes. Never changes what is quoted.

`fold` keeps the length of a text, so offsets in the folded text are offsets in the original.
Knows nothing of words (`tokens`) or Markdown (`blocks`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from html import unescape
from importlib.resources import files

__all__ = ["UNSEEN", "fold", "has_han", "is_han", "is_word_char", "legible", "n_han", "printable"]

_ALIKE = {
    # typographic variants of one mark, so that `“FM”` matches `"FM"` and `1–2` matches `1-2`
    "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‛": "'", "′": "'",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
    "。": "。", "·": "·", "×": "x", "\u00a0": " ", "\u3000": " ", "\u2009": " ", "\u202f": " ",
}  # fmt: skip

_IDEOGRAPH = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_IDEOGRAPHS = re.compile(f"{_IDEOGRAPH.pattern}+")
_LONG = 40  # characters from which a look-up of all at once is quicker than one of each


# zero-width characters, soft hyphens, marks of direction, Unicode tags: nobody sees them
UNSEEN = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]+"
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def legible(text: str) -> str:
    """The text as a reader sees it, for matching: no unseen characters, HTML entities resolved.

    Never for quoting: offsets are not those of `text`.
    """
    if "&" in text and ";" in text:
        text = _ENTITY.sub(lambda found: unescape(found.group()), text)
    return text if text.isascii() else UNSEEN.sub("", text)


# controls, and what turns the reading direction of all that follows; breaks and tabs are text
_CONTROLS = {
    code: "\ufffd"
    for code in (
        *range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A),
    )
    if chr(code) not in "\n\t"
}  # fmt: skip


def printable(text: str) -> str:
    """The text as a terminal can show it: no escape sequence, no reversal of what follows.

    Line breaks and tabs stay; every other control character becomes U+FFFD.
    """
    return text if text.isascii() and text.isprintable() else text.translate(_CONTROLS)


@lru_cache(maxsize=1)
def _table() -> dict[int, str]:
    traditional, simplified = (
        files("corpus").joinpath("data/traditional.txt").read_text(encoding="utf-8").split("\n")[:2]
    )
    table = dict(zip(map(ord, traditional), simplified, strict=True))
    for code in range(0xFF01, 0xFF5F):  # full-width ASCII
        table[code] = chr(code - 0xFEE0).lower()
    # Latin, Greek, Cyrillic and Latin extended: one capital, one small letter
    for start, stop in ((0x41, 0x5B), (0xC0, 0x250), (0x370, 0x530), (0x1E00, 0x1F00)):
        for code in range(start, stop):
            small = chr(code).lower()
            if len(small) == 1 and ord(small) != code:
                table[code] = small
    table.update({ord(mark): plain for mark, plain in _ALIKE.items()})
    return table


@lru_cache(maxsize=1)
def _folder() -> Callable[[str], str]:
    """Folds a long text by the same table as an array: what stands for each code point."""
    import numpy as np  # not for who only reads characters

    table = _table()
    codes = np.arange(0x110000, dtype="<u4")
    codes[list(table)] = list(map(ord, table.values()))

    def folded(text: str) -> str:
        letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
        return codes.take(letters).tobytes().decode("utf-32-le", "surrogatepass")

    return folded


def fold(text: str) -> str:
    """The text with case, width, traditional characters and typographic marks folded.

    Args:
        text: any text.

    Returns:
        A text of the same length; character i of it stands for character i of `text`.
        Traditional characters become their most common simplified form (OpenCC's
        character table, Apache-2.0); phrases are not considered.
    """
    if text.isascii():
        return text.lower()
    if len(text) < _LONG:
        return text.translate(_table())
    return _folder()(text)


def is_han(char: str) -> bool:
    """Whether a character is a Chinese ideograph."""
    code = ord(char)
    return (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or 0x20000 <= code <= 0x323AF
        or 0xF900 <= code <= 0xFAFF
        or code == 0x3007
    )


def n_han(text: str) -> int:
    """How many Chinese ideographs a text holds."""
    return sum(map(len, _IDEOGRAPHS.findall(text)))


def has_han(text: str) -> bool:
    """Whether a text holds a Chinese ideograph."""
    return _IDEOGRAPH.search(text) is not None


def is_word_char(char: str) -> bool:
    """Whether a character belongs to words: letter, digit, ideograph or underscore."""
    return char.isalnum() or char == "_"
