"""The index of a vault: kept fresh with its notes, and asked by words, by meaning and by id.

`Index.refresh` brings the store in line with a vault in three steps: look (by size and time),
prepare (read, cut, encode; staged in batches, so a killed run is taken up where it stopped) and
publish (one transaction, one new generation). Readers stay on the generation they began with.
BM25 arrays and the neighbour graph are caches stamped with a generation. Knows passages and
scores; does not know how scores are fused or what an answer is. Called by `assistant`.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from corpus.ann import EXACT_LIMIT, ExactIndex, GraphIndex, Neighbours
from corpus.bm25 import BM25
from corpus.chunking import CHUNKER_VERSION, DEFAULT_SIZE, chunk_note
from corpus.errors import CorpusError, ModelError
from corpus.store import (
    FileRow,
    IndexDamaged,
    NoteRow,
    Reader,
    Store,
    Writer,
    storable,
    storable_path,
)
from corpus.tokens import TOKENIZER_VERSION, terms
from corpus.types import Chunk, Note, RefreshReport, Skipped

if TYPE_CHECKING:
    from corpus.encoder import Encoder
    from corpus.readers import SourceFile

__all__ = ["Index", "IndexStatus", "NoteSource", "Snapshot"]

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]

_BATCH = 512  # passages encoded and committed together; a kill costs at most these
_UNSETTLED_NS = 2_000_000_000  # coarsest clock of a file system in use (FAT)


class NoteSource(Protocol):
    """What `refresh` needs of a vault (`corpus.readers.Vault`)."""

    @property
    def root(self) -> Path:
        """The folder, file or archive."""
        ...

    @property
    def skipped(self) -> Sequence[Skipped]:
        """What the last `files()` left out, and why."""
        ...

    def files(self) -> Sequence[SourceFile]:
        """The files that may hold notes, sorted by path."""
        ...

    def read(self, file: SourceFile) -> Sequence[Note]:
        """The notes of a file; raises `Unreadable` with the reason."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStatus:
    """The index in figures.

    Attributes:
        root: the vault last indexed, or None before the first refresh.
        n_notes: notes.
        n_chunks: passages.
        n_chars: code points of all notes.
        skipped: what was not indexed, and why.
        generation: number of the last change, 0 before the first.
        updated_at: its time, ISO 8601 with UTC offset, or None.
        encoder: name of the encoder the vectors come from, or None.
        size_bytes: of all files of the index.
    """

    root: str | None
    n_notes: int
    n_chunks: int
    n_chars: int
    skipped: tuple[Skipped, ...]
    generation: int
    updated_at: str | None
    encoder: str | None
    size_bytes: int


class Snapshot:
    """One generation of the index, the same for as long as it is open.

    Made by `Index.snapshot`; not to be used after its `with` block.
    """

    def __init__(
        self, reader: Reader, caches: _Caches, vector_of: Callable[[str], NDArray[np.float32] | None]
    ) -> None:
        self._reader = reader
        self._caches = caches
        self._vector_of = vector_of

    @property
    def generation(self) -> int:
        """Number of the last change, 0 before the first."""
        return self._reader.generation

    @property
    def n_notes(self) -> int:
        """Number of notes."""
        return self._reader.counts()[0]

    @property
    def n_chunks(self) -> int:
        """Number of passages."""
        return self._reader.counts()[1]

    def bm25(self, terms: Sequence[str], k: int) -> list[tuple[int, float]]:
        """The passages that share most with a list of terms; a term said twice counts twice.

        Returns:
            At most `k` pairs of chunk id and BM25 score, best first, ties by id; scores above 0.
        """
        return self._caches.bm25(self._reader).top(terms, k)

    def score_bm25(self, terms: Sequence[str], ids: Sequence[int]) -> list[float]:
        """BM25 scores of these chunks, in their order; 0 where no term occurs."""
        return self._caches.bm25(self._reader).scores(terms, ids)

    def idf(self, term: str) -> float:
        """Weight of a term; largest for one that occurs nowhere."""
        return self._caches.bm25(self._reader).idf(term)

    def df(self, term: str) -> int:
        """Number of passages that hold a term."""
        return self._caches.bm25(self._reader).df(term)

    def nearest(self, query: str, k: int) -> list[tuple[int, float]]:
        """The passages nearest in meaning to a query.

        Returns:
            At most `k` pairs of chunk id and cosine in [-1, 1], best first, ties by id. Empty if
            the query has no known token, or the vectors come from another encoder (until the
            next refresh).
        """
        vector = self._vector_of(query)
        return [] if vector is None else self._caches.neighbours(self._reader).nearest(vector, k)

    def cosine(self, query: str, ids: Sequence[int]) -> list[float]:
        """Cosines of these chunks with a query, in their order; 0 where there is no vector."""
        vector = self._vector_of(query)
        known, matrix = self._reader.vectors(ids) if vector is not None else (np.empty(0), None)
        if not len(known):
            return [0.0] * len(ids)
        found = np.clip(matrix @ vector, -1.0, 1.0).tolist()
        by_id = dict(zip(known.tolist(), found, strict=True))
        return [float(by_id.get(int(id_), 0.0)) for id_ in ids]

    def chunks(self, ids: Sequence[int]) -> list[Chunk]:
        """The chunks of these ids, in their order; an id that is gone is left out."""
        return self._reader.chunks(ids)

    def chunks_of(self, path: str) -> list[Chunk]:
        """The chunks of one note, in the order of its text."""
        return self._reader.chunks_of(path)

    def note(self, path: str) -> Note:
        """The note of a path.

        Raises:
            CorpusError: no note of that path is in the index.
        """
        return self._reader.note(path)

    def notes(self) -> Iterator[Note]:
        """All notes with their text, by path."""
        return self._reader.notes()

    def listing(self) -> list[NoteRow]:
        """All notes without their text, by path."""
        return self._reader.listing()


class Index:
    """The index of one vault, in one folder. Threads may share it for reading.

    Each method reads the newest generation; several that must agree (scores, chunks and their
    notes) are asked of one `snapshot()`, which has the same methods.
    """

    def __init__(self, store: Store, *, encoder: Encoder, chunk_size: int) -> None:
        self._store = store
        self._encoder = encoder
        self._chunk_size = chunk_size
        self._caches = _Caches(store.folder)
        self._encode_query = lru_cache(maxsize=64)(self._encode)

    @classmethod
    def open(cls, folder: Path, *, encoder: Encoder, chunk_size: int = DEFAULT_SIZE) -> Index:
        """Open the index in a folder; an empty one is begun if there is none.

        A damaged database is set aside with a warning: the next refresh builds it again. With
        another encoder, tokenizer, chunker or chunk size than last time, the next refresh
        makes anew what they made.

        Args:
            folder: of this index alone, outside the vault.
            encoder: for passages and queries.
            chunk_size: most characters of a passage.

        Raises:
            IndexError_: the folder cannot be used.
        """
        return cls(Store.open(folder), encoder=encoder, chunk_size=chunk_size)

    def close(self) -> None:
        """Close the database. Closing twice is harmless."""
        self._store.close()

    def __enter__(self) -> Self:
        """The index itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the database."""
        self.close()

    def refresh(
        self, vault: NoteSource, *, progress: Progress | None = None, rebuild: bool = False
    ) -> RefreshReport:
        """Bring the index in line with a vault.

        Files of unchanged size and modification time are not read; passages whose title,
        headings and text are unchanged keep their vectors and ids, wherever they moved. All
        changes appear at once, as one generation; interrupted, none does, and what was encoded
        until then is used by the next run.

        Args:
            vault: the notes.
            progress: called with (done, total) files.
            rebuild: read, cut and encode everything again.

        Raises:
            CorpusError: the vault is gone.
            IndexBusy: another process is writing this index.
            IndexError_: the index cannot be written.
        """
        for _ in range(2):
            try:
                return _Refresh(
                    self._store, self._caches, self._encoder, self._chunk_size, vault
                ).run(progress=progress, rebuild=rebuild)
            except IndexDamaged as fault:
                self._store.set_aside(str(fault))
        raise IndexDamaged(f"the database in {self._store.folder} is damaged again and again")

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The newest generation, unchanged while the block runs."""
        with self._store.reading() as reader:
            same_encoder = _encoder_of(reader) == self._encoder.fingerprint

            def vector_of(query: str) -> NDArray[np.float32] | None:
                return self._encode_query(query) if same_encoder else None

            yield Snapshot(reader, self._caches, vector_of)

    def bm25(self, terms: Sequence[str], k: int) -> list[tuple[int, float]]:
        """See `Snapshot.bm25`."""
        with self.snapshot() as now:
            return now.bm25(terms, k)

    def score_bm25(self, terms: Sequence[str], ids: Sequence[int]) -> list[float]:
        """See `Snapshot.score_bm25`."""
        with self.snapshot() as now:
            return now.score_bm25(terms, ids)

    def idf(self, term: str) -> float:
        """See `Snapshot.idf`."""
        with self.snapshot() as now:
            return now.idf(term)

    def df(self, term: str) -> int:
        """See `Snapshot.df`."""
        with self.snapshot() as now:
            return now.df(term)

    def nearest(self, query: str, k: int) -> list[tuple[int, float]]:
        """See `Snapshot.nearest`."""
        with self.snapshot() as now:
            return now.nearest(query, k)

    def cosine(self, query: str, ids: Sequence[int]) -> list[float]:
        """See `Snapshot.cosine`."""
        with self.snapshot() as now:
            return now.cosine(query, ids)

    def chunks(self, ids: Sequence[int]) -> list[Chunk]:
        """See `Snapshot.chunks`."""
        with self.snapshot() as now:
            return now.chunks(ids)

    def chunks_of(self, path: str) -> list[Chunk]:
        """See `Snapshot.chunks_of`."""
        with self.snapshot() as now:
            return now.chunks_of(path)

    def note(self, path: str) -> Note:
        """See `Snapshot.note`."""
        with self.snapshot() as now:
            return now.note(path)

    def notes(self) -> Iterator[Note]:
        """All notes of one generation with their text, by path."""
        with self.snapshot() as now:
            yield from now.notes()

    def listing(self) -> list[NoteRow]:
        """See `Snapshot.listing`."""
        with self.snapshot() as now:
            return now.listing()

    @property
    def generation(self) -> int:
        """Number of the last change, 0 before the first."""
        with self.snapshot() as now:
            return now.generation

    @property
    def n_notes(self) -> int:
        """Number of notes."""
        with self.snapshot() as now:
            return now.n_notes

    @property
    def n_chunks(self) -> int:
        """Number of passages."""
        with self.snapshot() as now:
            return now.n_chunks

    def status(self) -> IndexStatus:
        """The index in figures."""
        with self._store.reading() as reader:
            n_notes, n_chunks, n_chars = reader.counts()
            return IndexStatus(
                root=reader.meta("root"),
                n_notes=n_notes,
                n_chunks=n_chunks,
                n_chars=n_chars,
                skipped=reader.skipped(),
                generation=reader.generation,
                updated_at=reader.meta("updated_at"),
                encoder=reader.meta("encoder_name"),
                size_bytes=_folder_bytes(self._store.folder),
            )

    def _encode(self, query: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self._encoder.encode_queries([query])[0]
        return vector


class _Caches:
    """BM25 arrays and neighbours of a generation: in memory, else from file, else from the store.

    What is handed out is never changed afterwards, so readers of an older generation keep theirs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bm25: tuple[str, int, BM25] | None = None
        self._neighbours: tuple[str, int, Neighbours] | None = None
        self._bm25_guard = Lock()
        self._neighbours_guard = Lock()

    def bm25(self, reader: Reader) -> BM25:
        """The arrays of the reader's generation."""
        with self._bm25_guard:
            if self._bm25 is not None and self._bm25[0] == reader.stamp:
                return self._bm25[2]
            path = self._bm25_path(reader.stamp)
            found = BM25.load(path, stamp=reader.stamp)
            if found is None:
                found = BM25.build(*reader.terms())
                try:
                    found.save(path, stamp=reader.stamp)
                except OSError as fault:  # a cache that cannot be kept is only slower
                    logger.info("cannot keep %s: %s", path.name, fault)
            if self._bm25 is None or self._bm25[1] <= reader.generation:
                self._bm25 = (reader.stamp, reader.generation, found)
            return found

    def neighbours(self, reader: Reader) -> Neighbours:
        """The neighbours of the reader's generation; exact while there is no whole graph."""
        with self._neighbours_guard:
            if self._neighbours is not None and self._neighbours[0] == reader.stamp:
                return self._neighbours[2]
            found: Neighbours | None = None
            if reader.counts()[1] > EXACT_LIMIT:
                path = self._graph_path(reader.stamp)
                found = GraphIndex.load(path, stamp=reader.stamp)
                if found is None:
                    path.unlink(missing_ok=True)  # so that the next refresh sees it missing
            if found is None:
                found = ExactIndex(*reader.vectors())
            if self._neighbours is None or self._neighbours[1] <= reader.generation:
                self._neighbours = (reader.stamp, reader.generation, found)
            return found

    def are_whole(self, reader: Reader) -> bool:
        """Whether the files of the reader's generation are there."""
        return self._bm25_path(reader.stamp).exists() and (
            reader.counts()[1] <= EXACT_LIMIT or self._graph_path(reader.stamp).exists()
        )

    def write(self, reader: Reader, *, before: str) -> None:
        """Write the files of the reader's generation, which readers may not see yet.

        Args:
            reader: of the new generation.
            before: stamp of the generation whose graph can be continued.
        """
        try:
            BM25.build(*reader.terms()).save(self._bm25_path(reader.stamp), stamp=reader.stamp)
            if reader.counts()[1] > EXACT_LIMIT:
                graph = self._graph(reader, before)
                if graph is not None:
                    graph.save(self._graph_path(reader.stamp), stamp=reader.stamp)
        except OSError as fault:
            logger.warning("search will be slower, its caches cannot be written: %s", fault)

    def _graph(self, reader: Reader, before: str) -> GraphIndex | None:
        # a copy of our own: the graph that readers search must not change
        graph = GraphIndex.load(self._graph_path(before), stamp=before)
        if graph is not None:
            now = set(reader.chunk_ids().tolist())
            graph.mark_deleted(graph.ids - now)
            if not graph.is_worn:
                graph.add(*reader.vectors(sorted(now - graph.ids)))
                return graph
        ids, vectors = reader.vectors()
        return GraphIndex.build(ids, vectors) if len(ids) else None

    def sweep(self, stamp: str) -> None:
        """Remove the files of other generations, and what killed runs left."""
        kept = {self._bm25_path(stamp).name, self._graph_path(stamp).name}
        kept.add(self._graph_path(stamp).with_suffix(".json").name)
        for pattern in ("bm25-*", "hnsw-*"):
            for path in self._folder.glob(pattern):
                if path.name not in kept:
                    try:
                        path.unlink()
                    except OSError as fault:  # in use on Windows; the next refresh removes it
                        logger.debug("cannot remove %s: %s", path.name, fault)

    def _bm25_path(self, stamp: str) -> Path:
        return self._folder / f"bm25-{stamp}.bin"

    def _graph_path(self, stamp: str) -> Path:
        return self._folder / f"hnsw-{stamp}.bin"


@dataclass(slots=True, kw_only=True)
class _Work:
    """What a refresh has to do, and then what it has prepared."""

    listed: dict[str, SourceFile]
    to_read: list[str]
    gone_files: set[str]
    stored: dict[str, FileRow]
    skipped: str
    anew: bool  # nothing that was cut or encoded before may stay
    same_encoder: bool
    is_needed: bool
    rows: list[FileRow] = field(default_factory=list)
    before: dict[str, Note] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    drafts: list[tuple[Note, list[tuple[Chunk, bytes]]]] = field(default_factory=list)


class _Refresh:
    """One run of `Index.refresh`."""

    def __init__(
        self, store: Store, caches: _Caches, encoder: Encoder, chunk_size: int, vault: NoteSource
    ) -> None:
        self._store = store
        self._caches = caches
        self._encoder = encoder
        self._chunk_size = chunk_size
        self._vault = vault
        self._root = storable_path(str(vault.root.absolute()))
        self._fingerprint = json.dumps(
            {
                "encoder": encoder.fingerprint,
                "tokenizer": TOKENIZER_VERSION,
                "chunker": CHUNKER_VERSION,
                "size": chunk_size,
            },
            sort_keys=True,
        )

    def run(self, *, progress: Progress | None, rebuild: bool) -> RefreshReport:
        self._require_vault()
        listed_at = time.time_ns()
        listed = {storable_path(file.path): file for file in self._vault.files()}
        self._require_vault()
        with self._store.reading() as reader:
            if not self._look(reader, listed, rebuild).is_needed:
                return _report(reader, Counter())
        with self._store.lock():
            with self._store.reading() as reader:  # another process may have written since
                work = self._look(reader, listed, rebuild)
            self._prepare(work, listed_at, progress)
            return self._publish(work)

    def _require_vault(self) -> None:
        if not self._vault.root.exists():
            raise CorpusError(f"no notes at {self._root}: is a drive not connected?")

    def _look(self, reader: Reader, listed: dict[str, SourceFile], rebuild: bool) -> _Work:
        stored = reader.files()
        fingerprint = reader.meta("fingerprint")
        trusted = not rebuild and reader.meta("root") == self._root
        to_read = [
            path
            for path, file in listed.items()
            if not trusted
            or path not in stored
            or (stored[path].size, stored[path].mtime_ns) != (file.size, file.mtime_ns)
        ]
        gone = stored.keys() - listed.keys()
        skipped = json.dumps(
            [(storable_path(entry.path), storable_path(entry.reason)) for entry in self._vault.skipped]
        )
        anew = rebuild or fingerprint != self._fingerprint
        return _Work(
            listed=listed,
            to_read=to_read,
            gone_files=gone,
            stored=stored,
            skipped=skipped,
            anew=anew,
            same_encoder=not rebuild and _encoder_of(reader) == self._encoder.fingerprint,
            is_needed=bool(to_read or gone or anew)
            or reader.meta("root") != self._root
            or (reader.meta("skipped") or "[]") != skipped
            or reader.has_staged()
            or not self._caches.are_whole(reader),
        )

    def _prepare(self, work: _Work, listed_at: int, progress: Progress | None) -> None:
        """Read, cut and encode what changed; leaves terms and vectors staged."""
        with self._store.writing() as writer:
            if writer.meta("staged_by") != self._fingerprint or work.anew:
                # of a killed migration the staged part is still good, of a killed rebuild too,
                # unless it was made by another encoder
                if writer.meta("staged_by") != self._fingerprint:
                    writer.clear_staged()
                writer.set_meta(staged_by=self._fingerprint)
        with self._store.reading() as reader:
            work.before = reader.bare_notes(None if work.anew else [*work.to_read, *work.gone_files])
        waiting: list[tuple[bytes, Note, Chunk]] = []
        total = len(work.to_read)
        for done, path in enumerate(work.to_read, start=1):
            for note in self._read(work, path, listed_at):
                self._draft(work, note, waiting)
            if progress is not None:
                progress(done, total)
        if work.anew:
            self._draft_stored(work, waiting)
        self._stage(work, waiting)

    def _read(self, work: _Work, path: str, listed_at: int) -> Iterator[Note]:
        from corpus.readers import Unreadable

        file = work.listed[path]
        reason = None
        notes: Sequence[Note] = ()
        try:
            notes = self._vault.read(file)
        except Unreadable as fault:
            self._require_vault()
            reason = storable_path(str(fault))
        # a file written within the last tick of the clock may change again without a trace
        settled = abs(listed_at - file.mtime_ns) > _UNSETTLED_NS
        row = FileRow(
            path=path, size=file.size, mtime_ns=file.mtime_ns if settled else -1, reason=reason
        )
        work.rows.append(row)
        for note in map(storable, notes):
            if note.path in work.seen:
                logger.warning("two notes have the path %r; the first is kept", note.path)
                continue
            work.seen.add(note.path)
            if work.anew or work.before.get(note.path) != replace(note, text=""):
                yield note

    def _draft_stored(self, work: _Work, waiting: list[tuple[bytes, Note, Chunk]]) -> None:
        """Draft again the notes of files that need not be read."""
        read = {*work.to_read, *work.gone_files}
        for path, bare in work.before.items():
            if bare.file not in read:
                work.seen.add(path)
                with self._store.reading() as reader:
                    note = reader.note(path)
                self._draft(work, note, waiting)

    def _draft(self, work: _Work, note: Note, waiting: list[tuple[bytes, Note, Chunk]]) -> None:
        chunks = chunk_note(note, size=self._chunk_size)
        keyed = [(chunk, _key(note, chunk)) for chunk in chunks]
        work.drafts.append((note, keyed))
        waiting += [(key, note, chunk) for chunk, key in keyed]
        if len(waiting) >= _BATCH:
            self._stage(work, waiting)

    def _stage(self, work: _Work, waiting: list[tuple[bytes, Note, Chunk]]) -> None:
        """Commit terms and vectors of the waiting passages that the store does not know yet."""
        wanted = {key: (note, chunk) for key, note, chunk in waiting}
        waiting.clear()
        with self._store.reading() as reader:
            for key in reader.known_keys("staged", wanted):
                del wanted[key]
            vectors: dict[bytes, bytes | None] = {}
            if not work.anew:
                for key in reader.known_keys("chunks", wanted):
                    del wanted[key]
            elif work.same_encoder:  # only the tokenizer or the cutting has changed
                vectors = reader.vectors_by_key(wanted)
        if not wanted:
            return
        vectors.update(
            self._encoded({key: place for key, place in wanted.items() if key not in vectors})
        )
        rows = [(key, _terms(note, chunk), vectors[key]) for key, (note, chunk) in wanted.items()]
        with self._store.writing() as writer:
            writer.stage(rows)

    def _encoded(self, wanted: dict[bytes, tuple[Note, Chunk]]) -> dict[bytes, bytes | None]:
        if not wanted:
            return {}
        texts = ["\n".join(_texts(note, chunk)) for note, chunk in wanted.values()]
        matrix = self._encoder.encode_passages(texts)
        if matrix.shape != (len(texts), self._encoder.dim) or not np.isfinite(matrix).all():
            raise ModelError(
                f"encoder {self._encoder.name} returned {matrix.shape} for {len(texts)} passages"
                f" of dimension {self._encoder.dim}, or values that are no numbers"
            )
        # two bytes a number: cosines change by less than 0.001, the index is half as large
        halves = matrix.astype("<f2")
        return {
            key: row.tobytes() if row.any() else None
            for key, row in zip(wanted, halves, strict=True)
        }

    def _publish(self, work: _Work) -> RefreshReport:
        """Make the drafts the new generation, in one transaction."""
        drafted = {note.path for note, _ in work.drafts}
        gone = {
            path
            for path, note in work.before.items()
            if path not in work.seen and (note.file in work.gone_files or work.anew)
        } | self._left(work)
        with self._store.writing() as writer:
            before = writer.stamp
            changed = bool(drafted or gone or work.anew)
            counts = _counts(work, gone)
            writer.put_files(work.rows)
            writer.delete_files(work.gone_files)
            if changed:
                self._write_notes(writer, work, gone)
                writer.new_generation()
                writer.set_meta(
                    updated_at=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
                    fingerprint=self._fingerprint,
                    encoder_name=self._encoder.name,
                )
            writer.clear_staged()
            writer.set_meta(root=self._root, skipped=work.skipped)
            if changed or not self._caches.are_whole(writer):
                self._caches.write(writer, before=before)
            stamp = writer.stamp
            report = _report(writer, counts)
        self._caches.sweep(stamp)
        self._store.checkpoint()
        return report

    def _left(self, work: _Work) -> set[str]:
        """Notes that a file still there no longer holds."""
        read = set(work.to_read)
        return {
            path
            for path, note in work.before.items()
            if note.file in read and path not in work.seen
        }

    def _write_notes(self, writer: Writer, work: _Work, gone: set[str]) -> None:
        touched = {note.path for note, _ in work.drafts} | gone
        rows = _OldRows(writer.rows_of(touched & work.before.keys()))
        for note, _ in work.drafts:
            writer.put_note(note)
        for _, keyed in sorted(work.drafts, key=lambda draft: draft[0].path):
            for chunk, key in keyed:
                # the vector of an id never changes, so what was made anew gets new ids
                id_ = None if work.anew else rows.claim(chunk.note, key)
                if id_ is None:
                    writer.insert_chunk(chunk, key)
                else:
                    writer.move_chunk(id_, chunk)
        writer.delete_chunks(rows.unclaimed())
        writer.delete_notes(gone)


class _OldRows:
    """Stored passages whose notes changed or went, to be claimed by passages that say the same."""

    def __init__(self, rows: Iterable[tuple[int, bytes, str]]) -> None:
        self._free: set[int] = set()
        self._by_note: dict[tuple[str, bytes], list[int]] = defaultdict(list)
        self._by_key: dict[bytes, list[int]] = defaultdict(list)
        for id_, key, note in sorted(rows, reverse=True):  # so that pop() yields the lowest
            self._free.add(id_)
            self._by_note[note, key].append(id_)
            self._by_key[key].append(id_)

    def claim(self, note: str, key: bytes) -> int | None:
        """A free row of this key, one of this note if there is one."""
        for ids in (self._by_note.get((note, key), []), self._by_key.get(key, [])):
            while ids:
                id_ = ids.pop()
                if id_ in self._free:
                    self._free.remove(id_)
                    return id_
        return None

    def unclaimed(self) -> list[int]:
        """The rows that nobody claimed, by id."""
        return sorted(self._free)


def _texts(note: Note, chunk: Chunk) -> list[str]:
    """Title, heading path and passage: what is encoded, and what gives the terms."""
    heading = " > ".join(title for title in chunk.heading if title != note.title)
    return [text for text in (note.title, heading, note.text[chunk.start : chunk.end]) if text]


def _terms(note: Note, chunk: Chunk) -> list[str]:
    return [term for text in _texts(note, chunk) for term in terms(text)]


def _key(note: Note, chunk: Chunk) -> bytes:
    """Same key, same terms and vector. The separator occurs in no title."""
    return sha256("\x00".join(_texts(note, chunk)).encode("utf-8")).digest()[:16]


def _encoder_of(reader: Reader) -> str | None:
    fingerprint = reader.meta("fingerprint")
    return None if fingerprint is None else str(json.loads(fingerprint)["encoder"])


def _counts(work: _Work, gone: set[str]) -> Counter[str]:
    lost = Counter(work.before[path].sha256 for path in gone)
    counts: Counter[str] = Counter(deleted=len(gone))
    for note, _ in work.drafts:
        if note.path in work.before:
            counts["changed"] += 1
        elif lost[note.sha256]:
            lost[note.sha256] -= 1
            counts["renamed"] += 1
            counts["deleted"] -= 1
        else:
            counts["added"] += 1
    return counts


def _report(reader: Reader, counts: Counter[str]) -> RefreshReport:
    n_notes, n_chunks, _ = reader.counts()
    return RefreshReport(
        added=counts["added"],
        changed=counts["changed"],
        renamed=counts["renamed"],
        deleted=counts["deleted"],
        unchanged=n_notes - counts["added"] - counts["changed"] - counts["renamed"],
        n_notes=n_notes,
        n_chunks=n_chunks,
        skipped=reader.skipped(),
    )


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.iterdir():
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # a cache of an older generation, just removed
            continue
    return total
