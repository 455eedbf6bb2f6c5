"""What is written of an index: inside one transaction, beside what can be read of it.

Knows SQL; does not know what makes a new generation (`publishing`), connections, locks or files
(`store`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable

from corpus.links import Link, target_key
from corpus.rows import LINK, NOTE, SEPARATOR, Base, FileRow, as_json, strings
from corpus.tables import Reader
from corpus.types import Chunk, Note

__all__ = ["Writer"]

_MAX_KEPT = 2  # encoders besides the one in use


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
