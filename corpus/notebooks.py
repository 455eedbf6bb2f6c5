"""Jupyter notebooks as Markdown: their text and code cells in order, outputs left out.

Knows the JSON of a notebook. Called by `formats`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from corpus.blocks import blocks
from corpus.drafts import Draft, Unreadable, fence

__all__ = ["read_notebook"]

_MAGIC = re.compile(r"%%(bash|sh|sql|html|javascript|js|latex|markdown|perl|ruby|R|julia)\b")
_EMBEDDED = re.compile(r"(data:[\w/+.-]+;base64,)[A-Za-z0-9+/=\s]{100,}")  # a picture, not words


def read_notebook(text: str) -> list[Draft]:
    """The notebook as one draft, titled by its first heading; none for an empty one.

    Raises:
        Unreadable: it is no notebook, or its JSON is broken.
    """
    try:
        book = json.loads(text)
    except json.JSONDecodeError as error:
        raise Unreadable(f"broken notebook: {error.msg} in line {error.lineno}") from None
    except (RecursionError, ValueError):  # ValueError: a number of thousands of digits
        raise Unreadable("broken notebook: its JSON cannot be read") from None
    language = _language(book)
    parts = [part for cell in _cells(book) if (part := _part(cell, language))]
    body = "\n\n".join(parts)
    if not body:
        return []
    headings = (block.title for block in blocks(body) if block.kind == "heading" and block.title)
    return [Draft(text=body + "\n", title=next(headings, ""))]


def _cells(book: Any) -> Iterator[dict[str, Any]]:
    """The cells, of version 3 of the format, too, in which sheets held them."""
    sheets = book.get("worksheets", [book]) if isinstance(book, dict) else []
    found = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
    if not found or not all(isinstance(cells, list) for cells in found):
        raise Unreadable("not a Jupyter notebook: it has no cells")
    for cells in found:
        yield from (cell for cell in cells or () if isinstance(cell, dict))


def _part(cell: dict[str, Any], language: str) -> str:
    """The Markdown of a cell."""
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(piece for piece in source if isinstance(piece, str))
    if not isinstance(source, str) or not source.strip():
        return ""
    source = source.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    kind = cell.get("cell_type")
    if kind == "code":
        magic = _MAGIC.match(source)
        return fence(source, magic.group(1) if magic else language)
    if kind == "heading":
        level = cell.get("level")
        marks = "#" * (level if isinstance(level, int) and 1 <= level <= 6 else 1)
        return f"{marks} " + source.replace("\n", " ")
    return _EMBEDDED.sub(r"\1", source)


def _language(book: Any) -> str:
    about = book.get("metadata") if isinstance(book, dict) else None
    if not isinstance(about, dict):
        return "python"
    for place, name in (("language_info", "name"), ("kernelspec", "language")):
        held = about.get(place)
        if isinstance(held, dict) and isinstance(held.get(name), str):
            return re.sub(r"[^\w+#.-]", "", held[name]).lower() or "python"
    return "python"
