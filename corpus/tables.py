"""What can be read of an index: notes, passages, terms, vectors.

Knows SQL; does not know how a row becomes a note (`rows`), what is written (`writer`), connections,
locks or files (`store`), nor how a passage is cut, encoded or ranked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import CorpusError
from corpus.links import Link, NamedNote
from corpus.rows import (
    CHUNK,
    LINK,
    LISTED,
    NOTE,
    Base,
    FileRow,
    NoteRow,
    PassageRow,
    base_of,
    chunk_of,
    link_of,
    listed_of,
    note_of,
    pair_of,
    split_terms,
    storable_path,
    stored_json,
    strings,
)
from corpus.schema import has_tokens
from corpus.types import Chunk, Note, Skipped

__all__ = ["Reader"]

_ASKED_FOR = ("generation", "stamp", "fingerprint", "encoder_name")  # by every search, at once
_MAX_VARIABLES = 500  # bound variables per statement, below SQLite's oldest limit of 999


class Reader:
    """Everything that can be read of one generation. Made by `Store.reading`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection
        rows = self._sql.execute(f"SELECT key, value FROM meta WHERE key IN {_ASKED_FOR}")
        self._known: dict[str, str | None] = dict.fromkeys(_ASKED_FOR)
        self._known |= {key: str(value) for key, value in rows}
        self.generation = int(self.meta("generation") or 0)
        # names the content, not only its number: a database built anew counts from 0 again
        self.stamp = self.meta("stamp") or "0-empty"

    @property
    def base(self) -> Base:
        """What the arrays and the graph on the disk were made of: this generation, or an older."""
        written = self.meta("base")
        if written is None:  # of an earlier version
            return Base(stamp=self.stamp)
        return base_of(written)

    def meta(self, key: str) -> str | None:
        """The value kept under a key, or None."""
        if key in self._known:
            return self._known[key]
        row = self._sql.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def files(self) -> dict[str, FileRow]:
        """Every file that was read or refused, by path."""
        rows = self._sql.execute("SELECT path, size, mtime_ns, reason FROM files")
        return {
            path: FileRow(path=path, size=size, mtime_ns=mtime_ns, reason=reason)
            for path, size, mtime_ns, reason in rows
        }

    def skipped(self) -> tuple[Skipped, ...]:
        """What was not indexed and why, by path."""
        listed = [pair_of(one) for one in stored_json(self.meta("skipped") or "[]", list)]
        refused = self._sql.execute("SELECT path, reason FROM files WHERE reason IS NOT NULL")
        return tuple(
            Skipped(path=path, reason=reason) for path, reason in sorted({*listed, *refused})
        )

    def counts(self) -> tuple[int, int, int]:
        """Number of notes, of passages, and of characters in all notes."""
        row = self._sql.execute(
            "SELECT (SELECT count(*) FROM notes), (SELECT count(*) FROM chunks),"
            " (SELECT coalesce(sum(n_chars), 0) FROM notes)"
        ).fetchone()
        return int(row[0]), int(row[1]), int(row[2])

    def note(self, path: str) -> Note:
        """The note of a path.

        Raises:
            CorpusError: no note of that path is in the index.
        """
        row = self._sql.execute(
            f"SELECT {NOTE}, text FROM notes WHERE path = ?", (storable_path(path),)
        ).fetchone()
        if row is None:
            raise CorpusError(f"no note {storable_path(path)!r} in the index")
        return note_of(row)

    def notes(self) -> Iterator[Note]:
        """All notes with their text, by path."""
        for row in self._sql.execute(f"SELECT {NOTE}, text FROM notes ORDER BY path"):
            yield note_of(row)

    def bare_notes(self, files: Iterable[str] | None = None) -> dict[str, Note]:
        """Notes by path, their text left empty: of these files, or all of them."""
        if files is None:
            rows = self._sql.execute(f"SELECT {NOTE}, '' FROM notes").fetchall()
        else:
            rows = self._select(f"SELECT {NOTE}, '' FROM notes WHERE file IN", list(files))
        return {row[0]: note_of(row) for row in rows}

    def listing(self) -> list[NoteRow]:
        """All notes without their text, by path."""
        rows = self._sql.execute(f"SELECT {LISTED} FROM notes ORDER BY path")
        return [listed_of(row) for row in rows]

    def named(self) -> list[NamedNote]:
        """All notes by what a link may call them."""
        rows = self._sql.execute("SELECT path, file, aliases FROM notes ORDER BY path")
        return [
            NamedNote(path=path, file=file, aliases=strings(aliases))
            for path, file, aliases in rows
        ]

    def links_of(self, path: str) -> list[Link]:
        """The links of a note, in order, unresolved."""
        rows = self._sql.execute(
            f"SELECT {LINK} FROM links WHERE note = ? ORDER BY start", (storable_path(path),)
        )
        return [link_of(row) for row in rows]

    def links_to(self, names: Iterable[str]) -> list[Link]:
        """The links whose target may be one of these names (`links.target_key`), unresolved."""
        rows = self._select(f"SELECT {LINK} FROM links WHERE key IN", list(names))
        return [link_of(row) for row in rows]

    def chunks(self, ids: Sequence[int]) -> list[Chunk]:
        """The passages of these ids, in their order; an id that is gone is left out."""
        rows = self._select(f"SELECT {CHUNK} FROM chunks WHERE id IN", [int(i) for i in ids])
        found = {row[0]: chunk_of(row) for row in rows}
        return [found[int(i)] for i in ids if int(i) in found]

    def chunks_of(self, path: str) -> list[Chunk]:
        """The passages of one note, in the order of its text."""
        rows = self._sql.execute(
            f"SELECT {CHUNK} FROM chunks WHERE note = ? ORDER BY start, id",
            (storable_path(path),),
        )
        return [chunk_of(row) for row in rows]

    def passages_of(self, path: str) -> dict[int, PassageRow]:
        """What is kept of the passages of one note, by id."""
        rows = self._sql.execute(
            "SELECT id, key, terms, vector FROM chunks WHERE note = ?", (storable_path(path),)
        )
        return {
            id_: PassageRow(key=key, terms=split_terms(terms), vector=vector)
            for id_, key, terms, vector in rows
        }

    def tokens(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The tokens of those of these passages that have some, as written."""
        statement = "SELECT id, tokens FROM chunks WHERE tokens IS NOT NULL AND id IN"
        try:
            return dict(self._select(statement, [int(i) for i in ids]))
        except sqlite3.OperationalError:
            if has_tokens(self._sql):
                raise
            return {}  # an index of an earlier version that cannot be written

    def headings(self) -> set[str]:
        """The headings of all passages."""
        rows = self._sql.execute("SELECT DISTINCT heading FROM chunks")
        return {title for row in rows for title in strings(row[0])}

    def chunk_ids(self) -> NDArray[np.int64]:
        """Ids of all passages that have a vector, ascending."""
        rows = self._sql.execute("SELECT id FROM chunks WHERE vector IS NOT NULL ORDER BY id")
        return np.fromiter((row[0] for row in rows), dtype=np.int64)

    def passage_ids(self) -> NDArray[np.int64]:
        """Ids of all passages, ascending."""
        # without an order SQLite reads an index, not the table with all terms and vectors
        rows = self._sql.execute("SELECT id FROM chunks")
        found = np.array(rows.fetchall(), dtype=np.int64).reshape(-1)
        found.sort()
        return found

    def ids_from(self, first: int) -> list[int]:
        """Ids of the passages from one on, ascending."""
        rows = self._sql.execute("SELECT id FROM chunks WHERE id >= ? ORDER BY id", (first,))
        return [int(row[0]) for row in rows]

    def n_passages(self) -> int:
        """Number of passages."""
        return int(self._sql.execute("SELECT count(*) FROM chunks").fetchone()[0])

    def terms(
        self, ids: Sequence[int] | None = None
    ) -> tuple[NDArray[np.int64], Iterator[list[str]]]:
        """Ids of all passages, ascending, and the terms of each; of these passages where given."""
        if ids is None:
            rows = self._sql.execute("SELECT terms FROM chunks ORDER BY id")
            return self.passage_ids(), (split_terms(row[0]) for row in rows)
        found = sorted(self._select("SELECT id, terms FROM chunks WHERE id IN", list(ids)))
        known = np.array([row[0] for row in found], dtype=np.int64)
        return known, (split_terms(row[1]) for row in found)

    def vectors(
        self, ids: Sequence[int] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ids and unit vectors of passages that have one; all by ascending id, or these.

        Returns:
            Ids of shape (n,) and a matrix of shape (n, dim); (0, 0) when there is none.
        """
        if ids is None:
            rows = self._sql.execute(
                "SELECT id, vector FROM chunks WHERE vector IS NOT NULL ORDER BY id"
            ).fetchall()
        else:
            rows = self._select(
                "SELECT id, vector FROM chunks WHERE vector IS NOT NULL AND id IN",
                [int(i) for i in ids],
            )
        if not rows:
            return np.empty(0, np.int64), np.empty((0, 0), np.float32)
        flat = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f2")
        matrix = flat.astype(np.float32).reshape(len(rows), -1)
        return np.array([row[0] for row in rows], dtype=np.int64), matrix

    def rows_of(self, notes: Iterable[str]) -> list[tuple[int, bytes, str]]:
        """Id, key and note of every passage of these notes, by id."""
        rows = self._select("SELECT id, key, note FROM chunks WHERE note IN", list(notes))
        return sorted((int(row[0]), bytes(row[1]), str(row[2])) for row in rows)

    def known_keys(self, table: str, keys: Iterable[bytes]) -> set[bytes]:
        """Which of these keys have a row in `chunks` or `staged`."""
        return {row[0] for row in self._select(f"SELECT key FROM {table} WHERE key IN", list(keys))}

    def vectors_by_key(
        self, keys: Iterable[bytes], *, table: str = "chunks"
    ) -> dict[bytes, bytes | None]:
        """The vector of each key that has a row in `chunks` or `staged`, as written."""
        return dict(self._select(f"SELECT key, vector FROM {table} WHERE key IN", list(keys)))

    def next_passage_id(self) -> int:
        """The id that the next passage gets: ids are never given again."""
        row = self._sql.execute("SELECT seq FROM sqlite_sequence WHERE name = 'chunks'").fetchone()
        return 1 if row is None else int(row[0]) + 1

    def kept_vectors(self, encoder: str, keys: Iterable[bytes]) -> dict[bytes, bytes | None]:
        """Vectors that an encoder used before gave these keys, as written."""
        wanted = list(keys)
        found: dict[bytes, bytes | None] = {}
        for at in range(0, len(wanted), _MAX_VARIABLES - 1):
            part = wanted[at : at + _MAX_VARIABLES - 1]
            found |= dict(
                self._sql.execute(
                    "SELECT key, vector FROM kept WHERE encoder = ? AND key IN"
                    f" ({','.join('?' * len(part))})",
                    (encoder, *part),
                ).fetchall()
            )
        return found

    def has_staged(self) -> bool:
        """Whether an interrupted refresh left work to take up."""
        return self._sql.execute("SELECT 1 FROM staged LIMIT 1").fetchone() is not None

    def _select(self, statement: str, values: Sequence[Any]) -> list[Any]:
        rows: list[Any] = []
        for at in range(0, len(values), _MAX_VARIABLES):
            part = values[at : at + _MAX_VARIABLES]
            marks = ",".join("?" * len(part))
            rows += self._sql.execute(f"{statement} ({marks})", part).fetchall()
        return rows
