"""The tables of the index: notes, passages, terms, vectors, and what is read and written of them.

Knows SQL; does not know how a note becomes a row (`rows`), connections, locks or files (`store`),
nor how a passage is cut, encoded or ranked.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import CorpusError
from corpus.links import Link, NamedNote, target_key
from corpus.rows import (
    CHUNK,
    LINK,
    LISTED,
    NOTE,
    SEPARATOR,
    Base,
    FileRow,
    NoteRow,
    PassageRow,
    as_json,
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
from corpus.types import Chunk, Note, Skipped

__all__ = [
    "KEPT",
    "LINKS",
    "SCHEMA",
    "SCHEMA_VERSION",
    "TOKENS",
    "Reader",
    "Writer",
    "has_tokens",
]

SCHEMA_VERSION = 1
_ASKED_FOR = ("generation", "stamp", "fingerprint", "encoder_name")  # by every search, at once
_MAX_VARIABLES = 500  # bound variables per statement, below SQLite's oldest limit of 999

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, reason TEXT);
CREATE TABLE notes (
    path TEXT PRIMARY KEY, title TEXT NOT NULL, sha256 TEXT NOT NULL, file TEXT NOT NULL,
    first_line INTEGER NOT NULL, body_start INTEGER NOT NULL, date TEXT, tags TEXT NOT NULL,
    aliases TEXT NOT NULL, format TEXT NOT NULL, n_chars INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX notes_file ON notes (file);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    note TEXT NOT NULL REFERENCES notes (path) ON DELETE CASCADE,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, heading TEXT NOT NULL, line INTEGER NOT NULL,
    key BLOB NOT NULL, terms TEXT NOT NULL, vector BLOB, tokens BLOB);
CREATE INDEX chunks_note ON chunks (note);
CREATE INDEX chunks_key ON chunks (key);
CREATE TABLE staged (key BLOB PRIMARY KEY, terms TEXT NOT NULL, vector BLOB, tokens BLOB);
"""
# What reranking looks up, else makes of the text: younger than the format. An index without the
# column gets it empty, and fills it as its passages change.
TOKENS = "ALTER TABLE chunks ADD COLUMN tokens BLOB; ALTER TABLE staged ADD COLUMN tokens BLOB;"
# vectors of encoders used before, so that going back to one costs nothing; made when first needed
KEPT = """
CREATE TABLE IF NOT EXISTS kept (
    encoder TEXT NOT NULL, key BLOB NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (encoder, key));
"""
_MAX_KEPT = 2  # encoders besides the one in use
# links as written; where they lead depends on all notes (corpus.links). Younger than the format:
# an index without it gets it, and the readers' version fills it
LINKS = """
CREATE TABLE IF NOT EXISTS links (
    note TEXT NOT NULL REFERENCES notes (path) ON DELETE CASCADE,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL,
    anchor TEXT NOT NULL, alias TEXT NOT NULL, key TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS links_note ON links (note);
CREATE INDEX IF NOT EXISTS links_key ON links (key);
"""


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


class Writer(Reader):
    """A reader inside the one write transaction. Made by `Store.writing`."""

    def set_meta(self, **values: str) -> None:
        """Keep values under keys."""
        self._sql.executemany(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            list(values.items()),
        )
        self._known |= {key: value for key, value in values.items() if key in self._known}

    def new_generation(self) -> None:
        """Count the generation up; everything read before is of an older one."""
        self.generation += 1
        self.stamp = f"{self.generation}-{secrets.token_hex(4)}"
        self.set_meta(generation=str(self.generation), stamp=self.stamp)

    def put_base(self, base: Base) -> None:
        """Say what the arrays and the graph on the disk are made of from this generation on."""
        self.set_meta(base=json.dumps([base.stamp, base.next_id, base.n_passages]))

    def put_files(self, rows: Iterable[FileRow]) -> None:
        """Insert or replace files."""
        self._sql.executemany(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)",
            [(row.path, row.size, row.mtime_ns, row.reason) for row in rows],
        )

    def delete_files(self, paths: Iterable[str]) -> None:
        """Forget files; their notes are deleted on their own."""
        self._sql.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in paths])

    def put_note(self, note: Note) -> None:
        """Insert a note, or replace all of it but its passages."""
        values = (
            note.path, note.title, note.sha256, note.file, note.first_line, note.body_start,
            note.date, as_json(note.tags), as_json(note.aliases), note.format, len(note.text),
            note.text,
        )  # fmt: skip
        names = f"{NOTE}, n_chars, text".split(", ")
        self._sql.execute(
            f"INSERT INTO notes ({', '.join(names)}) VALUES ({','.join('?' * len(names))})"
            f" ON CONFLICT DO UPDATE SET {', '.join(f'{n} = excluded.{n}' for n in names[1:])}",
            values,
        )

    def put_links(self, path: str, links: Iterable[Link]) -> None:
        """Replace the links of a note."""
        self._sql.execute("DELETE FROM links WHERE note = ?", (path,))
        self._sql.executemany(
            f"INSERT INTO links ({LINK}, key) VALUES (?,?,?,?,?,?,?,?)",
            [
                (k.note, k.start, k.end, k.kind, k.target, k.anchor, k.alias, target_key(k.target))
                for k in links
            ],
        )

    def delete_notes(self, paths: Iterable[str]) -> None:
        """Delete notes and the passages that are still theirs."""
        self._sql.executemany("DELETE FROM notes WHERE path = ?", [(path,) for path in paths])

    def stage(self, rows: Iterable[tuple[bytes, list[str], bytes | None, bytes | None]]) -> None:
        """Keep key, terms, vector and tokens of passages whose notes are not in the index yet."""
        self._sql.executemany(
            "INSERT OR REPLACE INTO staged (key, terms, vector, tokens) VALUES (?, ?, ?, ?)",
            [(key, SEPARATOR.join(terms), *rest) for key, terms, *rest in rows],
        )

    def clear_staged(self) -> None:
        """Forget all staged work."""
        self._sql.execute("DELETE FROM staged")

    def keep_vectors(self, encoder: str) -> None:
        """Keep the vectors of all passages under the name of the encoder that made them."""
        self._sql.execute(
            "INSERT OR REPLACE INTO kept SELECT ?, key, vector FROM chunks"
            " WHERE vector IS NOT NULL",
            (encoder,),
        )
        order = [name for name in self._kept_order() if name != encoder]
        self.set_meta(kept=json.dumps([encoder, *order]))

    def sweep_kept(self, encoder: str) -> None:
        """Forget kept vectors of passages that are gone, of this encoder, and of older ones."""
        order = [name for name in self._kept_order() if name != encoder][:_MAX_KEPT]
        marks = ",".join("?" * len(order))
        self._sql.execute(f"DELETE FROM kept WHERE encoder NOT IN ({marks})", order)
        self._sql.execute("DELETE FROM kept WHERE key NOT IN (SELECT key FROM chunks)")
        self.set_meta(kept=json.dumps(order))

    def _kept_order(self) -> list[str]:
        return list(strings(self.meta("kept") or "[]"))

    def move_chunk(self, id_: int, chunk: Chunk) -> None:
        """Give a stored passage another place; what was made of its text stays as it is."""
        self._sql.execute(
            'UPDATE chunks SET note = ?, start = ?, "end" = ?, heading = ?, line = ? WHERE id = ?',
            (chunk.note, chunk.start, chunk.end, as_json(chunk.heading), chunk.line, id_),
        )

    def insert_chunk(self, chunk: Chunk, key: bytes) -> None:
        """Insert a passage with what is known for its key, staged or of another passage."""
        place = (chunk.note, chunk.start, chunk.end, as_json(chunk.heading), chunk.line)
        columns = (
            'INSERT INTO chunks (note, start, "end", heading, line, key, terms, vector, tokens)'
        )
        for table in ("staged", "chunks"):
            done = self._sql.execute(
                f"{columns} SELECT ?,?,?,?,?, key, terms, vector, tokens FROM {table}"
                " WHERE key = ? LIMIT 1",
                (*place, key),
            )
            if done.rowcount:
                return
        raise LookupError(f"nothing staged for a passage of {chunk.note!r}")

    def delete_chunks(self, ids: Iterable[int]) -> None:
        """Delete passages; their ids are never given again."""
        self._sql.executemany("DELETE FROM chunks WHERE id = ?", [(id_,) for id_ in ids])


def has_tokens(connection: sqlite3.Connection) -> bool:
    """Whether passages have a column for their tokens."""
    columns = connection.execute("SELECT name FROM pragma_table_info('chunks')")
    return any(name == "tokens" for (name,) in columns)
