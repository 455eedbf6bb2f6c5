"""Values as the database holds them: what a row of it is, and what it may not be.

A note, a passage or a link from its columns and back; what is not as it was written is damage.
Knows columns, not statements (`tables`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar, cast, get_args

from corpus.errors import IndexError_
from corpus.links import Link, LinkKind
from corpus.types import Chunk, Note, NoteFormat

__all__ = [
    "CHUNK",
    "LINK",
    "LISTED",
    "NOTE",
    "SEPARATOR",
    "Base",
    "FileRow",
    "IndexDamaged",
    "NoteRow",
    "PassageRow",
    "as_json",
    "base_of",
    "chunk_of",
    "link_of",
    "listed_of",
    "note_of",
    "pair_of",
    "split_terms",
    "storable",
    "storable_path",
    "stored_json",
    "strings",
]

SEPARATOR = "\x1f"  # between the terms of a passage; the tokenizer yields no control characters
_T = TypeVar("_T", list[Any], dict[str, Any])
_SURROGATE = re.compile("[\ud800-\udfff]")
# columns of a note, of one in a list, of a passage, of a link, in the order they are read in
NOTE = "path, title, sha256, file, first_line, body_start, date, tags, aliases, format"
LISTED = "path, title, file, date, tags, aliases, n_chars"
CHUNK = 'id, note, start, "end", heading, line'
LINK = 'note, start, "end", kind, target, anchor, alias'


class IndexDamaged(IndexError_):
    """The database is not one, or is malformed; it can be built again from the notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The generation of which arrays and graph lie in files.

    Attributes:
        stamp: its name.
        next_id: below this are the ids of its passages; 0 where nobody wrote that down.
        n_passages: how many there were.
    """

    stamp: str
    next_id: int = 0
    n_passages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A file of the vault as it was when it was read.

    Attributes:
        path: inside the vault.
        size: in bytes.
        mtime_ns: of the last change; -1 when it was too fresh to be trusted.
        reason: why the file holds no note, or None.
    """

    path: str
    size: int
    mtime_ns: int
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRow:
    """A note without its text, for lists and filters. `n_chars` counts code points."""

    path: str
    title: str
    file: str
    date: str | None
    tags: tuple[str, ...]
    aliases: tuple[str, ...]
    n_chars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageRow:
    """What is kept of a passage beside its place; `vector` as written, in halves of a float."""

    key: bytes
    terms: list[str]
    vector: bytes | None


def storable_path(path: str) -> str:
    r"""A path that UTF-8 can hold: undecodable bytes of a file name become `\udcXX` in letters."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def storable(note: Note) -> Note:
    """The note with lone surrogates replaced, so that SQLite, JSON and hashes accept it.

    The text keeps its length (U+FFFD stands for each), so offsets stay what they were.
    """
    mark = "\ufffd"
    return replace(
        note,
        path=storable_path(note.path),
        file=storable_path(note.file),
        title=_SURROGATE.sub(mark, note.title),
        text=_SURROGATE.sub(mark, note.text),
        tags=tuple(_SURROGATE.sub(mark, tag) for tag in note.tags),
        aliases=tuple(_SURROGATE.sub(mark, alias) for alias in note.aliases),
    )


def split_terms(terms: str) -> list[str]:
    """The terms of a passage as a list."""
    return terms.split(SEPARATOR) if terms else []


def as_json(values: Sequence[str]) -> str:
    """Strings as one column; `strings` reads them."""
    return json.dumps(list(values), ensure_ascii=False)


@lru_cache(maxsize=8192)
def strings(written: str) -> tuple[str, ...]:
    """What `as_json` wrote; the passages of one section have the same headings."""
    found = stored_json(written, list)
    _require(all(isinstance(value, str) for value in found))
    return tuple(found)


def pair_of(found: Any) -> tuple[str, str]:
    """A path and a reason out of JSON."""
    _require(isinstance(found, list) and list(map(type, found)) == [str, str])
    return found[0], found[1]


def stored_json(written: str, kind: type[_T]) -> _T:
    """A value of a kind that the database holds as JSON.

    Raises:
        IndexDamaged: it is none.
    """
    try:
        found = json.loads(written)
    except (TypeError, ValueError, RecursionError):
        found = None
    _require(isinstance(found, kind))
    return cast("_T", found)


def _require(is_as_written: bool) -> None:
    if not is_as_written:
        raise IndexDamaged("a value in the index database is not as it was written")


def base_of(written: str) -> Base:
    """A base as it was written.

    Raises:
        IndexDamaged: it was not written so.
    """
    found = stored_json(written, list)
    _require(list(map(type, found)) == [str, int, int])
    return Base(stamp=found[0], next_id=found[1], n_passages=found[2])


def listed_of(row: Sequence[Any]) -> NoteRow:
    """A note without its text from the columns of LISTED."""
    path, title, file, date, tags, aliases, n_chars = row
    return NoteRow(
        path=path,
        title=title,
        file=file,
        date=date,
        tags=strings(tags),
        aliases=strings(aliases),
        n_chars=n_chars,
    )


def note_of(row: Sequence[Any]) -> Note:
    """A note from the columns of NOTE and its text."""
    path, title, sha256, file, first_line, body_start, date, tags, aliases, format_, text = row
    _require(all(isinstance(value, str) for value in (path, title, sha256, file, text, format_)))
    _require(isinstance(first_line, int) and isinstance(body_start, int))
    _require(date is None or isinstance(date, str))
    if format_ not in get_args(NoteFormat):
        raise IndexDamaged(f"note {path!r} has an unknown format {format_!r}")
    return Note(
        path=path,
        title=title,
        text=text,
        sha256=sha256,
        file=file,
        first_line=first_line,
        body_start=body_start,
        date=date,
        tags=strings(tags),
        aliases=strings(aliases),
        format=format_,
    )


def link_of(row: Sequence[Any]) -> Link:
    """A link, unresolved, from the columns of LINK."""
    note, start, end, kind, target, anchor, alias = row
    if kind not in get_args(LinkKind):
        raise IndexDamaged(f"a link of {note!r} has an unknown kind {kind!r}")
    return Link(
        note=note, start=start, end=end, kind=kind, target=target, anchor=anchor, alias=alias
    )


def chunk_of(row: Sequence[Any]) -> Chunk:
    """A passage from the columns of CHUNK."""
    id_, note, start, end, heading, line = row
    _require(isinstance(note, str) and all(isinstance(n, int) for n in (start, end, line)))
    return Chunk(id=id_, note=note, start=start, end=end, heading=strings(heading), line=line)
