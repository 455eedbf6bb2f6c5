"""What is wrong with an index folder: every byte, and what the bytes say.

Reads only, and hands nothing to SQLite or hnswlib before its checksum was found right, where there
is one. An index whose writer was killed has none: it is held against itself instead, passages
against the text of their notes, terms and vectors against what is computed anew, and is in doubt,
since no bit of what it does not use can be seen. One that lost its list of checksums is damaged.
Called by `assistant.doctor`; `repair` mends what is found.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from corpus.ann import EXACT_LIMIT, GraphIndex
from corpus.bm25 import BM25
from corpus.caches import Caches
from corpus.checksums import LIST, Entry, ListDamaged, Seal, by_name, is_as_written, size_of
from corpus.errors import IndexBusy, IndexError_
from corpus.fingerprints import encoder_of
from corpus.links import links_of
from corpus.passages import encoded, passage_key, passage_terms, passage_texts
from corpus.schema import SCHEMA_VERSION
from corpus.sealing import DATABASE, LOG
from corpus.store import Store
from corpus.tables import Reader
from corpus.writeahead import log_state

if TYPE_CHECKING:
    from corpus.encoder import Encoder
    from corpus.types import Chunk, Note

__all__ = ["REBUILDING", "Finding", "Kind", "Level", "inspected"]

Kind = Literal[
    "absent", "busy", "cache", "checksum", "content", "database", "fingerprint", "left", "log",
    "missing", "seal", "torn", "unlisted", "unsealed", "version",
]  # fmt: skip
Level = Literal["damage", "doubt", "remark"]
REBUILDING = "rebuilding"  # folder of an index that is built beside a damaged one
DAMAGED = "damaged.db"
_LEFT_S = 600.0  # a temporary file older than this is nobody's
_SHOWN = 5  # faults of one kind that are told
_LEVELS: tuple[Level, ...] = ("damage", "doubt", "remark")  # the worst first
_LEAST = np.float32(1e-6)  # below this two computations of a vector may differ
_UNREADABLE = (sqlite3.Error, IndexError_, ValueError, TypeError, KeyError, OverflowError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about an index.

    Attributes:
        kind: what it is.
        name: the file, the note or the process that it is about.
        detail: what was seen, in the words of who saw it; may be empty.
        level: "damage" if a byte is not as it was written, "doubt" if one may not be and nobody
            could tell, else "remark".
    """

    kind: Kind
    name: str
    detail: str = ""
    level: Level = "damage"


def inspected(
    folder: Path,
    *,
    fingerprint: str | None = None,
    encoder: Encoder | None = None,
    thorough: bool = False,
) -> list[Finding]:
    """What is wrong with the index in a folder, the worst first; nothing is changed.

    Holds the right to write meanwhile, so that nobody does.

    Args:
        folder: of the index.
        fingerprint: of what would make an index now (`corpus.fingerprints.fingerprint_of`).
        encoder: computes the vectors of an index that is not sealed anew, if it made them.
        thorough: hold a sealed index against itself, too.
    """
    if not (folder / DATABASE).exists():
        return [Finding(kind="absent", name=str(folder), level="remark")]
    with ExitStack() as stack:
        store = Store(folder)
        try:
            stack.enter_context(store.lock())
        except IndexBusy as fault:
            return [Finding(kind="busy", name=str(folder), detail=str(fault), level="remark")]
        except IndexError_:
            pass  # a folder that takes no lock takes no writer either
        look = _Look(folder, encoder=encoder, fingerprint=fingerprint, thorough=thorough)
        found = list(look.findings(store))
    return sorted(found, key=lambda finding: _LEVELS.index(finding.level))


class _Look:
    """One inspection."""

    def __init__(
        self, folder: Path, *, encoder: Encoder | None, fingerprint: str | None, thorough: bool
    ) -> None:
        self._folder = folder
        self._encoder = encoder
        self._fingerprint = fingerprint
        self._thorough = thorough

    def findings(self, store: Store) -> Iterator[Finding]:
        detail = ""
        try:
            seal = store.seal
        except ListDamaged as fault:
            seal = Seal(state="lost")
            detail = str(fault)
        if seal.state == "lost" and (self._folder / DATABASE).stat().st_size:
            yield Finding(kind="seal" if detail else "unlisted", name=LIST, detail=detail)
        elif not seal.is_put:
            level: Level = "remark" if seal.state in ("new", "lost") else "doubt"
            yield Finding(kind="unsealed", name=LIST, level=level)
        damaged = list(self._bytes(seal.entries))
        yield from damaged
        log = list(self._log(is_sealed=seal.is_put))
        yield from log
        yield from self._left()
        named = {finding.name for finding in damaged}
        if DATABASE in named or any(finding.level == "damage" for finding in log):
            return  # what SQLite would make of it means nothing
        yield from self._database(known=named, deep=self._thorough or seal.state != "sealed")

    def _bytes(self, entries: Iterable[Entry]) -> Iterator[Finding]:
        for name, parts in by_name(entries).items():
            path = self._folder / name
            try:
                size, is_right = path.stat().st_size, is_as_written(path, parts)
            except FileNotFoundError:
                yield Finding(kind="missing", name=name)
                continue
            except OSError as fault:
                yield Finding(kind="checksum", name=name, detail=str(fault.strerror or fault))
                continue
            if not is_right:
                wanted = size_of(parts)
                detail = f"{size} of {wanted} bytes" if size != wanted else ""
                yield Finding(kind="checksum", name=name, detail=detail)

    def _log(self, *, is_sealed: bool) -> Iterator[Finding]:
        try:
            content = (self._folder / LOG).read_bytes()
        except FileNotFoundError:
            return
        except OSError as fault:
            yield Finding(kind="log", name=LOG, detail=str(fault.strerror))
            return
        state = log_state(content)
        if state == "damaged" or (content and is_sealed):  # a seal says that there is none
            yield Finding(kind="log", name=LOG)
        elif state == "torn":
            yield Finding(kind="torn", name=LOG, level="remark")

    def _left(self) -> Iterator[Finding]:
        """What killed runs left, and databases that were set aside."""
        for path in sorted(self._folder.iterdir()):
            try:
                is_old = time.time() - path.stat().st_mtime > _LEFT_S
            except OSError:
                continue
            is_ours = path.name == REBUILDING or path.name.startswith(DAMAGED)
            if is_ours or (path.suffix == ".tmp" and is_old):
                yield Finding(kind="left", name=path.name, level="remark")

    def _database(self, *, known: set[str], deep: bool) -> Iterator[Finding]:
        log = self._folder / LOG
        fixed = not log.exists() or not log.stat().st_size
        place = f"{(self._folder / DATABASE).absolute().as_uri()}?mode=ro"
        try:
            with closing(
                sqlite3.connect(f"{place}&immutable=1" if fixed else place, uri=True)
            ) as connection:
                yield from self._pages(connection, deep=deep, known=known)
        except _UNREADABLE as fault:
            yield Finding(kind="database", name=DATABASE, detail=str(fault))

    def _pages(
        self, connection: sqlite3.Connection, *, deep: bool, known: set[str]
    ) -> Iterator[Finding]:
        connection.execute("PRAGMA cell_size_check = ON")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                yield Finding(kind="absent", name=str(self._folder), level="remark")
                return
            is_older = 0 < version < SCHEMA_VERSION
            level: Level = "remark" if is_older else "damage"
            yield Finding(kind="version", name=DATABASE, detail=str(version), level=level)
            return
        said = [row[0] for row in connection.execute(f"PRAGMA integrity_check({_SHOWN})")]
        said = [] if said == ["ok"] else said
        if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            said.append("a passage or link belongs to no note")
        yield from (Finding(kind="database", name=DATABASE, detail=line) for line in said)
        if said:
            return
        reader = Reader(connection)
        yield from self._caches(reader, known)
        yield from self._made_by(reader)
        if deep:
            yield from self._content(reader)

    def _caches(self, reader: Reader, known: set[str]) -> Iterator[Finding]:
        base = reader.base
        bm25, graph, head = Caches(self._folder).files(base)
        for path in (*self._folder.glob("bm25-*"), *self._folder.glob("hnsw-*")):
            if path not in (bm25, graph, head) and path.suffix != ".tmp":
                yield Finding(kind="left", name=path.name, level="remark")
        is_unknown = reader.generation and bm25.name not in known
        if is_unknown and BM25.load(bm25, stamp=base.stamp) is None:
            yield _lost(bm25)
        has_graph = reader.counts()[1] > EXACT_LIMIT and not {graph.name, head.name} & known
        if has_graph and GraphIndex.load(graph, stamp=base.stamp) is None:
            yield _lost(graph)

    def _made_by(self, reader: Reader) -> Iterator[Finding]:
        made_by = reader.meta("fingerprint")
        if self._fingerprint is not None and made_by not in (None, self._fingerprint):
            was, now = json.loads(made_by or "{}"), json.loads(self._fingerprint)
            others = ", ".join(key for key in now if was.get(key) != now[key])
            yield Finding(kind="fingerprint", name=DATABASE, detail=others, level="remark")

    def _content(self, reader: Reader) -> Iterator[Finding]:
        """The index held against itself, note by note."""
        made_by = json.loads(reader.meta("fingerprint") or "{}")
        now = json.loads(self._fingerprint or "{}")
        same_terms = bool(made_by) and made_by.get("tokenizer") == now.get("tokenizer")
        encoder = self._encoder
        if encoder is not None and encoder_of(reader) != encoder.fingerprint:
            encoder = None
        n_found = 0
        for note in reader.notes():
            for fault in self._faults(reader, note, encoder, same_terms=same_terms):
                yield Finding(kind="content", name=note.path, detail=fault)
                n_found += 1
                break  # one line a note
            if n_found == _SHOWN:
                return

    def _faults(
        self, reader: Reader, note: Note, encoder: Encoder | None, *, same_terms: bool
    ) -> Iterator[str]:
        digest = sha256(note.text.encode("utf-8", "surrogatepass")).hexdigest()
        # U+FFFD stands for what no database holds (`storable`): the sum is of what it stood for
        if digest != note.sha256 and "\ufffd" not in note.text:
            yield "its text"
        held = [(row.start, row.end, row.kind, row.target) for row in reader.links_of(note.path)]
        if sorted(held) != sorted((k.start, k.end, k.kind, k.target) for k in links_of(note)):
            yield "its links"
        stored = reader.passages_of(note.path)
        chunks = reader.chunks_of(note.path)
        if {chunk.id for chunk in chunks} != stored.keys():
            yield "its passages"
        for chunk in chunks:
            row = stored[chunk.id]
            inside = 0 <= chunk.start < chunk.end <= len(note.text)
            if not inside or chunk.line != note.line_of(chunk.start):
                yield f"the place of passage {chunk.id}"
            if row.key != passage_key(note, chunk):
                yield f"the words of passage {chunk.id}"
            if same_terms and row.terms != passage_terms(note, chunk):
                yield f"the terms of passage {chunk.id}"
        vectors = {i: row.vector for i, row in stored.items()}
        yield from _vector_faults(note, chunks, vectors, reader.tokens(list(stored)), encoder)


def _lost(cache: Path) -> Finding:
    """A cache that cannot be loaded; one that could not be kept is only slower."""
    if cache.exists():
        return Finding(kind="cache", name=cache.name)
    return Finding(kind="missing", name=cache.name, level="remark")


def _vector_faults(
    note: Note,
    chunks: list[Chunk],
    stored: dict[int, bytes | None],
    tokens: dict[int, bytes],
    encoder: Encoder | None,
) -> Iterator[str]:
    with_one = [chunk for chunk in chunks if stored[chunk.id] is not None]
    rows = [np.frombuffer(stored[c.id] or b"", "<f2").astype(np.float32) for c in with_one]
    for chunk, row in zip(with_one, rows, strict=True):
        if not np.isfinite(row).all() or abs(float(np.linalg.norm(row)) - 1) > 0.01:
            yield f"the vector of passage {chunk.id}"
            return
    if encoder is None or not chunks:
        return
    anew, tokens_anew = encoded(encoder, [passage_texts(note, chunk) for chunk in chunks])
    for chunk, row, read in zip(chunks, anew, tokens_anew, strict=True):
        if tokens.get(chunk.id, read) != read:
            yield f"the tokens of passage {chunk.id}"
            return
        held = stored[chunk.id]
        now = np.frombuffer(held, "<f2") if held else np.zeros(row.shape, "<f2")
        if now.shape != row.shape or _differs(now, row):
            yield f"the vector of passage {chunk.id}"
            return


def _differs(held: NDArray[np.float16], anew: NDArray[np.float16]) -> bool:
    """Whether a number of a vector is another than that next to it in two bytes."""
    far = np.abs(held.astype(np.float32) - anew.astype(np.float32))
    return bool((far > np.maximum(np.spacing(np.abs(anew)).astype(np.float32), _LEAST)).any())
