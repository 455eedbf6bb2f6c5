"""Bytes as text: by byte order mark, UTF-8, else what is most likely, with its doubt.

Knows encodings, not files. Called by `readers`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from corpus.drafts import Unreadable

__all__ = ["Decoded", "decode", "decoded", "in_utf8"]

_BOMS = {
    b"\xff\xfe\x00\x00": "utf-32", b"\x00\x00\xfe\xff": "utf-32",  # before UTF-16, its beginning
    b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16",
}  # fmt: skip
_ODD = re.compile("[\\x00-\\x08\\x0e-\\x1a\\x1c-\\x1f\\ue000-\\uf8ff]")  # control, private use
_WRITTEN = re.compile(
    "[\t-\r\x20-\x7e\u2014-\u2026\u3000-\u30ff\u4e00-\u9fff\uff01-\uff5e]"  # Chinese, Japanese
)
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?([\w-]{2,30})""", re.IGNORECASE)
# where a text says it: a line for editors (Emacs, vim), or its front matter
_NAMED = re.compile(
    rb"-\*-[^\n]*?coding:\s*(?P<emacs>[\w.-]{2,30})[^\n]*?-\*-"
    rb"|\bvim?:[^\n]*?\bf(?:ile)?enc(?:oding)?=(?P<vim>[\w.-]{2,30})"
    rb"|\A---\r?\n(?:[^\n]*\n){0,20}?(?:encoding|charset):[ \t]*[\"']?(?P<front>[\w.-]{2,30})"
)
_NAMES = {"sjis": "cp932", "shift-jis": "cp932", "latin-1": "cp1252", "iso-8859-1": "cp1252",
          "gbk": "gb18030", "gb2312": "gb18030", "big5": "big5hkscs"}  # fmt: skip
_HEAD, _TAIL = 1000, 300  # bytes that may hold it
_DAMAGED = 0.02  # of the bytes beyond ASCII that may be wrong in a text that is still UTF-8
_SAMPLE = 40_000
# signs of cp1252 that Western texts use beside letters
_WESTERN = bytes(
    [0x80, 0x82, *range(0x84, 0x88), 0x89, 0x8B, *range(0x91, 0x98), 0x99, 0x9B]
).decode("cp1252") + bytes(range(0xA0, 0xC0)).decode("latin-1")
_COMMON = 0.6  # of the pairs of a Chinese text that are everyday characters, at least


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and why it may not be what its writer wrote; None where there is no doubt."""

    text: str
    doubt: str | None = None


def decode(data: bytes) -> str:
    """The text of a file; see `decoded`."""
    return decoded(data).text


def decoded(data: bytes) -> Decoded:
    r"""The text of a file: by its byte order mark, else UTF-8, else GB18030, else what fits best.

    Line ends become `\n`, so that offsets mean the same on every platform. A text that is no UTF-8
    and names its encoding, as editors let it, is taken at its word. A UTF-8 text with a
    few wrong bytes (cut off, patched together) keeps its text, U+FFFD standing for each. Big5 is
    told from GB18030 by which of them gives everyday characters.

    Raises:
        Unreadable: it holds binary data.
    """
    for mark, encoding in _BOMS.items():
        if data.startswith(mark):
            try:
                return Decoded(_text(data.decode(encoding)))
            except UnicodeDecodeError:
                raise Unreadable(f"damaged {encoding.upper()} text") from None
    if b"\x00" in data:
        return Decoded(_text(_without_mark(data)))
    try:
        return Decoded(_text(data.decode("utf-8-sig")))
    except UnicodeDecodeError:
        pass
    named = _as_named(data)
    if named is not None:
        return Decoded(_text(named))
    # one wrong byte among many right ones, or a file that ends within a character
    mended = data.decode("utf-8-sig", "replace")
    n_wrong, n_other = mended.count("\ufffd"), sum(char > "\x7f" for char in mended)
    if n_other > 8 and n_wrong <= max(1, _DAMAGED * n_other):
        return Decoded(_text(mended), f"{n_wrong} damaged characters stand as U+FFFD")
    return _legacy(data)


def _as_named(data: bytes) -> str | None:
    """The text in the encoding that it names; None where it names none or is not in it."""
    found = _NAMED.search(data[:_HEAD]) or _NAMED.search(data[-_TAIL:])
    if found is None:
        return None
    name = (found["emacs"] or found["vim"] or found["front"]).decode("ascii").lower()
    name = re.sub(r"-(?:unix|dos|mac)$", "", name)  # Emacs names the line ends, too
    try:
        return data.decode(_NAMES.get(name, name))
    except (LookupError, UnicodeError):  # LookupError: no such encoding
        return None


def _legacy(data: bytes) -> Decoded:
    """A text in an encoding of the time before UTF-8."""
    chinese = _attempt(data, "gb18030")
    as_gb = _everyday(data, 0xB0, 0xD7, 0xA1) if chinese is not None else 0.0
    if as_gb >= _COMMON and chinese is not None:
        return Decoded(_text(chinese))
    as_big5 = _everyday(data, 0xA4, 0xC6, 0x40)
    traditional = _attempt(data, "big5hkscs") if as_big5 > max(0.8, as_gb + 0.3) else None
    if traditional is not None:
        return Decoded(_text(traditional), "its encoding is uncertain (taken for Big5)")
    western = _attempt(data, "cp1252") if as_gb < 0.2 else None
    if western is not None and _is_western(western):
        return Decoded(_text(western), "its encoding is uncertain (taken for Latin-1)")
    if chinese is not None:
        return Decoded(_text(chinese), "its encoding is uncertain (taken for GB18030)")
    raise Unreadable("neither UTF-8 nor GB18030 text: save it as UTF-8")


def _attempt(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _everyday(data: bytes, first: int, last: int, least: int) -> float:
    """Share of the pairs of bytes that are everyday characters or marks of a double-byte set.

    The commonest characters stand in the rows `first` to `last` of GB 2312 and of Big5, their
    second bytes being `least` or more; the punctuation of both in rows below.
    """
    found: Counter[bool] = Counter()
    i, sample = 0, data[:_SAMPLE]
    while i < len(sample) - 1:
        if sample[i] < 0x80:
            i += 1
            continue
        lead, trail = sample[i], sample[i + 1]
        if lead >= 0xA1 and (lead > 0xA3 or trail < least):  # punctuation says nothing
            found[first <= lead <= last and trail >= least] += 1
        elif lead < 0xA1:
            found[False] += 1
        i += 2
    return found[True] / max(1, found.total()) if found else 1.0


def _is_western(text: str) -> bool:
    """Whether the letters beyond ASCII stand alone among ASCII ones, as accents do."""
    marked = re.findall("[^\\x00-\\x7f]+", text[:_SAMPLE])
    is_short = sum(len(run) <= 2 for run in marked) > 0.9 * len(marked)
    return is_short and all(char.isalpha() or char in _WESTERN for char in "".join(marked))


def in_utf8(data: bytes) -> bytes:
    """Markup in UTF-8, if it is valid in the encoding that it declares; else as it is."""
    declared = _DECLARED.search(data[:2000])
    if declared is None or any(data.startswith(mark) for mark in _BOMS):
        return data
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return data.decode(declared.group(1).decode("ascii")).encode("utf-8")
        except (LookupError, UnicodeError):  # LookupError: no such encoding
            pass
    return data


def _without_mark(data: bytes) -> str:
    """UTF-16 text without its byte order mark, in the order of bytes that gives a text.

    Every other byte of ASCII in it is NUL; of Chinese only blanks and line ends have one.
    """
    if len(data) % 2 == 0:
        read = {encoding: _attempt(data, encoding) for encoding in ("utf-16-le", "utf-16-be")}
        for text, high in zip(read.values(), (1, 0), strict=True):
            zeros = data[high::2].count(0)
            is_ascii = zeros > 0.2 * len(data) / 2 and data[1 - high :: 2].count(0) == 0
            if text is not None and is_ascii:
                return text
        chinese = [text for text in read.values() if text is not None and _is_chinese(text)]
        if len(chinese) == 1:  # what is a text in both orders is none
            return chinese[0]
    raise Unreadable("binary data (NUL bytes), not text")


def _is_chinese(text: str) -> bool:
    """Whether nearly all of a text is ideographs, their punctuation, ASCII and blanks.

    Of bytes that are no such text, and of one whose bytes are swapped, at most half is.
    """
    sample = text[:_SAMPLE]
    return len(_WRITTEN.findall(sample)) > 0.95 * len(sample)


def _text(text: str) -> str:
    if "\x00" in text or _looks_binary(text):
        raise Unreadable("binary data, not text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _looks_binary(text: str) -> bool:
    sample = text[:20_000]
    return len(_ODD.findall(sample)) > max(2, 0.02 * len(sample))
