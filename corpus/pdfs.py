"""PDF as Markdown, a heading for each page; `pypdf` (extra `formats`) takes the text out.

Knows the bytes of one file. Called by `formats`.
"""

from __future__ import annotations

import io
import logging
import re
import time
import zlib
from collections.abc import Iterator
from typing import Any

from corpus.drafts import Draft, Unreadable, iso_date, on_one_line
from corpus.errors import MissingExtra
from corpus.text import is_han

__all__ = ["read_pdf"]

_SECONDS = 9.0  # for one file; its process is killed a little later
_MAX_CHARS = 10_000_000
_ENDS = "。！？.!?:：;；"
# what damaged files have been seen to raise inside the parser, beside its own errors
_DAMAGE = (
    ValueError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError, RecursionError,
    AssertionError, NotImplementedError, OSError, EOFError, zlib.error, MemoryError,
)  # fmt: skip


def read_pdf(data: bytes) -> list[Draft]:
    """The document as one draft.

    Raises:
        Unreadable: it is damaged, protected, a scan, or `pypdf` is not installed.
    """
    try:
        import pypdf
    except ImportError:
        missing = str(MissingExtra("formats", "pypdf"))
        raise Unreadable(missing, passing=True) from None
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it tells of every oddity it mends
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("protected by a password")
        pages = list(_pages(reader))
        about = reader.metadata
        title = on_one_line(str(about.title or "")) if about else ""
        made = str(about.get("/ModDate") or about.get("/CreationDate") or "") if about else ""
    except pypdf.errors.DependencyError:
        raise Unreadable("encrypted in a way that pypdf alone cannot open") from None
    except (pypdf.errors.PyPdfError, *_DAMAGE) as error:
        reason = on_one_line(str(error))[:120] or type(error).__name__
        raise Unreadable(f"broken PDF: {reason}") from None
    if not any(pages):
        raise Unreadable("a PDF of pictures: no text in it. Recognise its text first")
    parts = [f"## Page {number}\n\n{text}" for number, text in enumerate(pages, 1) if text]
    date = re.match(r"D:(\d{4})(\d\d)(\d\d)", made)
    return [
        Draft(
            text="\n\n".join(parts) + "\n",
            title=title,
            date=iso_date("-".join(date.groups())) if date else None,
        )
    ]


def _pages(reader: Any) -> Iterator[str]:
    deadline, n_chars = time.monotonic() + _SECONDS, 0
    for page in reader.pages:
        text = _paragraphs(page.extract_text())
        n_chars += len(text)
        if n_chars > _MAX_CHARS or time.monotonic() > deadline:
            raise Unreadable("takes too long to read, or holds too much text: split it")
        yield text


def _paragraphs(text: str) -> str:
    """The lines of a page joined where a sentence runs on.

    A line that is much shorter than the longest, or ends a sentence, ends its paragraph.
    """
    text = "".join(char for char in text if char.isprintable() or char in "\n\t")
    lines = [on_one_line(line) for line in text.split("\n")]
    width = max(map(len, lines), default=0)
    out: list[str] = []
    runs_on = False
    for line in lines:
        if runs_on and line:
            out[-1] = _joined(out[-1], line)
        elif line:
            out.append(line)
        runs_on = bool(line) and len(line) > 0.7 * width and line[-1] not in _ENDS
    return "\n\n".join(out)


def _joined(before: str, line: str) -> str:
    if re.search(r"[a-z]-$", before) and line[0].islower():  # a word cut at the margin
        return before[:-1] + line
    return before + ("" if is_han(before[-1]) or is_han(line[0]) else " ") + line
