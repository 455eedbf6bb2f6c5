"""What Milvus holds: collections, their columns, and notes and passages as rows of them.

The collections of one build share a tag, so that another encoder, tokenizer or chunk size builds
beside the old ones. Ids are digests of content: writing the same note twice writes the same rows.
Knows columns, not connections.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from corpus.errors import IndexError_
from corpus.milvus.expressions import SEPARATOR, named_line
from corpus.rows import FileRow, NoteRow
from corpus.text import fold
from corpus.types import Chunk, Note, NoteFormat

__all__ = [
    "CHUNK",
    "HEAD",
    "MAX_TEXT",
    "STUB",
    "NoteHead",
    "Placed",
    "Row",
    "bucket_of",
    "chunk_id",
    "chunk_of",
    "chunk_row",
    "file_of",
    "file_row",
    "fitted",
    "head_of",
    "note_of",
    "note_rows",
    "numbers_of",
    "version_of",
]

Row = dict[str, Any]  # a row as pymilvus takes and gives it, by column

MAX_TEXT = 65_535  # bytes of a VARCHAR
STUB = [0.0, 0.0]  # every collection must have a vector: those that search none hold this
_PART = 16_000  # code points of a note in one row: at most 64,000 bytes
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")  # as blanks, offsets stay
_LONG, _MANY = 500, 25  # code points of a name, names of a note: 50,000 bytes at most
_NO_TERM = (1 << 32) - 2  # beyond the numbers of terms (statistics.term_number)
_KEPT = 16_000  # code points of what is matched; a passage has hundreds
CHUNK = ("id", "note", "version", "start", "end", "heading", "line")
HEAD = (
    "note", "version", "title", "sha256", "file", "first_line", "body_start", "date", "tags",
    "aliases", "format", "n_chars",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteHead:
    """All of a note but its text. `n_chars` counts code points, `version` names its content."""

    note: Note
    version: str
    n_chars: int

    @property
    def row(self) -> NoteRow:
        """As lists and filters take it."""
        note = self.note
        return NoteRow(
            path=note.path,
            title=note.title,
            file=note.file,
            date=note.date,
            tags=note.tags,
            aliases=note.aliases,
            n_chars=self.n_chars,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A passage as it is stored: where it is, and of which version of its note."""

    chunk: Chunk
    version: str


def bucket_of(path: str, n: int) -> int:
    """Which of `n` workers a file belongs to."""
    return int.from_bytes(sha256(path.encode("utf-8")).digest()[:8], "big") % n


def fitted(note: Note) -> Note:
    """The note, with as much of its title, tags and aliases as a row holds."""
    return replace(
        note,
        title=note.title[:_LONG],
        tags=tuple(tag[:_LONG] for tag in note.tags[:_MANY]),
        aliases=tuple(alias[:_LONG] for alias in note.aliases[:_MANY]),
    )


def version_of(note: Note) -> str:
    """Names everything that is stored of a note: another title is another version, too."""
    said = (
        note.sha256, note.title, note.file, note.first_line, note.body_start, note.date, note.tags,
        note.aliases, note.format,
    )  # fmt: skip
    return sha256(json.dumps(said).encode("ascii")).hexdigest()[:32]


def chunk_id(path: str, key: bytes, occurrence: int) -> int:
    """Id of a passage, in [0, 2^63): the same for what says the same in the same note.

    Args:
        path: of the note.
        key: digest of title, headings and text.
        occurrence: how many passages of the note before it have the same key.
    """
    digest = sha256(f"{path}\0{occurrence}\0".encode() + key).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def chunk_row(
    note: Note,
    chunk: Chunk,
    *,
    version: str,
    key: bytes,
    dense: NDArray[np.float32],
    sparse: dict[int, float],
    n_terms: int,
) -> Row:
    """A passage with all it is found by.

    Args:
        note: that holds it.
        chunk: with its id.
        version: of the note.
        key: digest of title, headings and text.
        dense: of shape (dim,), of length 1 or zeros.
        sparse: weight per hashed term.
        n_terms: how many terms it has, repeats counted.
    """
    said = (note.title, *chunk.heading, note.text[chunk.start : chunk.end])
    return {
        "id": chunk.id,
        "note": note.path,
        "version": version,
        "start": chunk.start,
        "end": chunk.end,
        "heading": _json(chunk.heading),
        "line": chunk.line,
        "key": key.hex(),
        "n_terms": n_terms,
        "words": _CONTROLS.sub(" ", fold("\n".join(said))[-_KEPT:]),
        "headings": fold("\n".join(chunk.heading))[:_KEPT],
        "names": named_line((note.title, *note.aliases, note.path, note.file))[:_KEPT],
        "tags": "".join(f"{SEPARATOR}{fold(tag)}/" for tag in note.tags)[:_KEPT],
        "date": note.date or "",
        "file": note.file,
        "dense": dense.tolist(),
        # a sparse vector may not be empty
        "sparse": sparse or {_NO_TERM: 1e-9},
        # once more, since not every engine gives sparse vectors back
        "numbers": _packed(sparse),
    }


def numbers_of(row: Row) -> list[int]:
    """The hashed terms of a passage, ascending, from its column `numbers`."""
    found: list[int] = np.frombuffer(base64.b64decode(row["numbers"]), "<u4").tolist()
    return found


def _packed(numbers: Iterable[int]) -> str:
    return base64.b64encode(np.array(sorted(numbers), "<u4").tobytes()).decode("ascii")


def chunk_of(row: Row) -> Placed:
    """The passage of a row that has the columns of CHUNK."""
    chunk = Chunk(
        id=int(row["id"]),
        note=str(row["note"]),
        start=int(row["start"]),
        end=int(row["end"]),
        heading=_strings(row["heading"]),
        line=int(row["line"]),
    )
    return Placed(chunk=chunk, version=str(row["version"]))


def note_rows(note: Note) -> list[Row]:
    """A note in as many rows as its text needs; the first one has what lists show of it."""
    version = version_of(note)
    name = sha256(f"{note.path}\0{version}".encode()).hexdigest()[:32]
    listed = named_line((note.title, *note.aliases, *note.tags))[:_KEPT]
    head = {
        "note": note.path,
        "version": version,
        "title": note.title,
        "sha256": note.sha256,
        "file": note.file,
        "first_line": note.first_line,
        "body_start": note.body_start,
        "date": note.date or "",
        "tags": _json(note.tags),
        "aliases": _json(note.aliases),
        "format": note.format,
        "n_chars": len(note.text),
        "stub": STUB,
    }
    starts = range(0, max(len(note.text), 1), _PART)
    return [
        {
            **head,
            "id": f"{name}-{part:06d}",
            "part": part,
            "listed": "" if part else listed,
            "text": note.text[start : start + _PART],
        }
        for part, start in enumerate(starts)
    ]


def head_of(row: Row) -> NoteHead:
    """The note of a row that has the columns of HEAD, its text left empty."""
    if row["format"] not in get_args(NoteFormat):
        raise IndexError_(f"note {row['note']!r} has an unknown format {row['format']!r}")
    note = Note(
        path=str(row["note"]),
        title=str(row["title"]),
        text="",
        sha256=str(row["sha256"]),
        file=str(row["file"]),
        first_line=int(row["first_line"]),
        body_start=int(row["body_start"]),
        date=str(row["date"]) or None,
        tags=_strings(row["tags"]),
        aliases=_strings(row["aliases"]),
        format=row["format"],
    )
    return NoteHead(note=note, version=str(row["version"]), n_chars=int(row["n_chars"]))


def note_of(rows: Sequence[Row]) -> Note | None:
    """The note of all rows of one version, columns HEAD, part and text; None if one is missing."""
    ordered = sorted(rows, key=lambda row: int(row["part"]))
    text = "".join(str(row["text"]) for row in ordered)
    head = head_of(ordered[0])
    if len(text) != head.n_chars:
        return None
    return replace(head.note, text=text)


def file_row(file: FileRow, bucket: int) -> Row:
    """A file of the vault as it was when it was read."""
    return {
        "id": sha256(file.path.encode("utf-8")).hexdigest()[:32],
        "file": file.path,
        "size": file.size,
        "mtime_ns": file.mtime_ns,
        "reason": file.reason or "",
        "bucket": bucket,
        "stub": STUB,
    }


def file_of(row: Row) -> FileRow:
    """What `file_row` wrote."""
    return FileRow(
        path=str(row["file"]),
        size=int(row["size"]),
        mtime_ns=int(row["mtime_ns"]),
        reason=str(row["reason"]) or None,
    )


def _json(values: Iterable[str]) -> str:
    return json.dumps(list(values), ensure_ascii=False)


def _strings(written: str) -> tuple[str, ...]:
    return tuple(json.loads(written))
