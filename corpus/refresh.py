"""Bringing the index in line with a vault: look, prepare, publish.

Look: by size and time. Prepare: read, cut, encode; staged in batches, so a killed run is taken up
where it stopped. Publish: one transaction, one new generation. Called by `index`.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from corpus.ahead import GraphAhead
from corpus.caches import Caches
from corpus.chunking import CHUNKER_VERSION, chunk_note
from corpus.drafts import READERS_VERSION
from corpus.errors import CorpusError, IndexError_, ManyGone, ModelError
from corpus.links import links_of
from corpus.passages import passage_key, passage_texts, terms_of, tokens_of
from corpus.store import FileRow, Reader, Store, Writer, storable, storable_path, stored_json
from corpus.tokens import TOKENIZER_VERSION
from corpus.types import Chunk, Note, RefreshReport, Skipped
from corpus.workers import Made, Workers, made_here

if TYPE_CHECKING:
    from concurrent.futures import Future

    from corpus.ann import GraphIndex
    from corpus.encoder import Encoder
    from corpus.readers import SourceFile

__all__ = [
    "UNSETTLED_NS",
    "NoteSource",
    "Progress",
    "Refresh",
    "encoder_of",
    "fingerprint_of",
]

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]

_EMPTY = "0-empty"  # stamp of an index before its first refresh
_LEAST_GONE = 2  # notes; one alone is a note somebody deleted
_BATCH = 512  # passages encoded and committed together; a kill costs at most these
_STEP, _STEP_SECONDS = 32, 0.5  # fewer where the encoder is slow: at first, and doubled below this
# bytes of notes, or passages, from which the start of workers pays: they take a second for it
_MANY_BYTES, _MANY = 3_000_000, 6000
UNSETTLED_NS = 2_000_000_000  # coarsest clock of a file system in use (FAT)


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

    @property
    def doubts(self) -> Mapping[str, str]:
        """What is uncertain of the files that were read, by path."""
        ...

    def files(self) -> Sequence[SourceFile]:
        """The files that may hold notes, sorted by path."""
        ...

    def read(self, file: SourceFile) -> Sequence[Note]:
        """The notes of a file; raises `Unreadable` with the reason."""
        ...


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
    may_reuse: bool  # vectors that this encoder gave before
    before_encoder: str | None
    is_needed: bool
    rows: list[FileRow] = field(default_factory=list)
    before: dict[str, Note] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    drafts: list[tuple[Note, list[tuple[Chunk, bytes]]]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Batch:
    """Passages that are staged together.

    Attributes:
        keys: of all of them, in order.
        texts: of those whose terms and vectors are still to be made, by key.
        made: what a worker makes of these.
    """

    keys: list[bytes]
    texts: dict[bytes, list[str]]
    made: Future[Made] | None = None


class Refresh:
    """One run of `Index.refresh`."""

    def __init__(
        self, store: Store, caches: Caches, encoder: Encoder, chunk_size: int, vault: NoteSource
    ) -> None:
        self._store = store
        self._caches = caches
        self._encoder = encoder
        self._chunk_size = chunk_size
        self._vault = vault
        self._root = storable_path(str(vault.root.absolute()))
        self._fingerprint = fingerprint_of(encoder, chunk_size)
        self._encoding: Progress | None = None
        self._step = _STEP
        self._n_encoded = self._n_drafted = self._n_expected = 0
        self._workers: Workers | None = None
        self._may_share = False  # the work with other processes
        self._ahead: GraphAhead | None = None
        self._batches: deque[_Batch] = deque()
        self._last_path = ""

    def run(
        self,
        *,
        progress: Progress | None,
        rebuild: bool,
        encoding: Progress | None = None,
        forget: bool = True,
    ) -> RefreshReport:
        """Do what is needed; see `Index.refresh`."""
        self._encoding = encoding
        self._require_vault()
        listed_at = time.time_ns()
        listed = {storable_path(file.path): file for file in self._vault.files()}
        self._require_vault()
        with self._store.reading() as reader:
            stamp = reader.stamp
            unchanged = not self._look(reader, listed, rebuild).is_needed
            report = _report(reader, [])
        if unchanged:
            if self._store.is_open:
                self._seal_again(stamp)
            return report
        with self._store.lock():
            try:
                with self._store.reading() as reader:  # another process may have written since
                    work = self._look(reader, listed, rebuild)
                self._prepare(work, listed_at, progress)
                return self._publish(work, forget=forget)
            except (KeyboardInterrupt, CorpusError, ManyGone, ModelError):
                self._seal_half()
                raise
            finally:
                self._dismiss()

    def _dismiss(self) -> None:
        """End what runs beside: after the work, or after Ctrl-C in the middle of it."""
        for helper in (self._workers, self._ahead):
            if helper is not None:
                helper.close()
        self._workers = self._ahead = None

    def _require_vault(self) -> None:
        if not self._vault.root.exists():
            raise CorpusError(f"no notes at {self._root}: is a drive not connected?")

    def _look(self, reader: Reader, listed: dict[str, SourceFile], rebuild: bool) -> _Work:
        stored = reader.files()
        fingerprint = reader.meta("fingerprint")
        trusted = (
            not rebuild
            and reader.meta("root") == self._root
            and (fingerprint is None or _made_by(fingerprint, "readers") == str(READERS_VERSION))
        )
        to_read = [
            path
            for path, file in listed.items()
            if not trusted
            or path not in stored
            or (stored[path].size, stored[path].mtime_ns) != (file.size, file.mtime_ns)
        ]
        gone = stored.keys() - listed.keys()
        skipped = json.dumps(
            [
                (storable_path(entry.path), storable_path(entry.reason))
                for entry in self._vault.skipped
            ]
        )
        anew = rebuild or fingerprint != self._fingerprint
        return _Work(
            listed=listed,
            to_read=to_read,
            gone_files=gone,
            stored=stored,
            skipped=skipped,
            anew=anew,
            same_encoder=not rebuild and encoder_of(reader) == self._encoder.fingerprint,
            may_reuse=not rebuild,
            before_encoder=encoder_of(reader),
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
            self._n_expected = reader.counts()[1] if work.anew else 0
            n_bytes = sum(work.listed[path].size for path in work.to_read)
            self._may_share = n_bytes >= _MANY_BYTES or self._n_expected >= _MANY
            if self._may_share and work.anew:
                self._ahead = GraphAhead(reader.next_passage_id())
            work.before = reader.bare_notes(
                None if work.anew else [*work.to_read, *work.gone_files]
            )
        waiting: list[tuple[bytes, Note, Chunk]] = []
        total = len(work.to_read)
        for done, path in enumerate(work.to_read, start=1):
            notes = self._read(work, path, listed_at)
            for note in sorted(notes, key=lambda note: note.path):  # as they are stored
                self._draft(work, note, waiting)
            if progress is not None:
                progress(done, total)
        if work.anew:
            self._draft_stored(work, waiting)
        self._stage(work, waiting)
        while self._batches:
            self._finish(self._batches.popleft())

    def _read(self, work: _Work, path: str, listed_at: int) -> Iterator[Note]:
        from corpus.readers import Unreadable

        file = work.listed[path]
        reason = None
        notes: Sequence[Note] = ()
        # a file written within the last tick of the clock may change again without a trace
        settled = abs(listed_at - file.mtime_ns) > UNSETTLED_NS
        try:
            notes = self._vault.read(file)
            reason = self._vault.doubts.get(file.path)
        except Unreadable as fault:
            self._require_vault()
            reason = storable_path(str(fault))
            settled = settled and not fault.passing  # a permission changes without a trace, too
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
        keyed = [(chunk, passage_key(note, chunk)) for chunk in chunks]
        work.drafts.append((note, keyed))
        if self._ahead is not None and note.path <= self._last_path:
            self._ahead.close()
            self._ahead = None
        self._last_path = note.path
        waiting += [(key, note, chunk) for chunk, key in keyed]
        self._n_drafted += len(keyed)
        if len(waiting) >= _BATCH:
            self._stage(work, waiting)

    def _stage(self, work: _Work, waiting: list[tuple[bytes, Note, Chunk]]) -> None:
        """Commit terms and vectors of the waiting passages that the store does not know yet."""
        batch = _Batch(keys=[key for key, _, _ in waiting], texts={})
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
            elif work.may_reuse:  # back to an encoder used before
                vectors = reader.kept_vectors(self._encoder.fingerprint, wanted)
        texts = {key: passage_texts(note, chunk) for key, (note, chunk) in wanted.items()}
        known = {key: texts.pop(key) for key in vectors}
        tokens = tokens_of(self._encoder, list(known.values()))
        self._commit(
            [
                (key, terms_of(said), vectors[key], kept)
                for (key, said), kept in zip(known.items(), tokens, strict=True)
            ]
        )
        self._n_encoded += len(batch.keys) - len(texts)
        batch.texts = texts
        self._batches.append(batch)
        if texts and self._may_share and self._workers is None:
            self._workers = Workers.for_encoder(self._encoder)
            self._may_share = self._workers is not None
        if texts and self._workers is not None:
            batch.made = self._workers.begin(list(texts.values()))
        while self._batches and len(self._batches) > (
            self._workers.n_ahead if self._workers else 0
        ):
            self._finish(self._batches.popleft())

    def _finish(self, batch: _Batch) -> None:
        """Commit the terms and vectors of a batch."""
        keys = list(batch.texts)
        while keys:
            started = time.monotonic()
            part = keys if batch.made is not None else keys[: self._step]
            rows = (
                made_here(self._encoder, [batch.texts[key] for key in part])
                if batch.made is None
                else batch.made.result()
            )
            self._commit([(key, *row) for key, row in zip(part, rows, strict=True)])
            keys = keys[len(part) :]
            self._n_encoded += len(part)
            if time.monotonic() - started < _STEP_SECONDS:
                self._step = min(2 * self._step, _BATCH)
            if self._encoding is not None:
                self._encoding(self._n_encoded, max(self._n_drafted, self._n_expected))
        if self._ahead is not None and batch.keys:
            with self._store.reading() as reader:
                self._ahead.add(batch.keys, reader.vectors_by_key(batch.keys, table="staged"))

    def _commit(self, rows: list[tuple[bytes, list[str], bytes | None, bytes | None]]) -> None:
        if rows:
            with self._store.writing() as writer:
                writer.stage(rows)

    def _publish(self, work: _Work, *, forget: bool) -> RefreshReport:
        """Make the drafts the new generation, in one transaction."""
        drafted = {note.path for note, _ in work.drafts}
        gone = {
            path
            for path, note in work.before.items()
            if path not in work.seen and (note.file in work.gone_files or work.anew)
        } | self._left(work)
        with self._store.writing() as writer:
            before, base = writer.stamp, writer.base
            changed = bool(drafted or gone or work.anew)
            changes = _changes(work, gone)
            if not forget and writer.meta("root") == self._root:
                self._ask_before_forgetting(work, changes, writer.counts()[0])
            writer.put_files(work.rows)
            writer.delete_files(work.gone_files)
            if changed:
                if work.anew and work.may_reuse and work.before_encoder is not None:
                    writer.keep_vectors(work.before_encoder)
                self._write_notes(writer, work, gone)
                writer.sweep_kept(self._encoder.fingerprint)
                writer.new_generation()
                writer.set_meta(
                    updated_at=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
                    fingerprint=self._fingerprint,
                    encoder_name=self._encoder.name,
                )
            writer.clear_staged()
            writer.set_meta(root=self._root, skipped=work.skipped)
            if changed or not self._caches.are_whole(writer):
                # of a deleted note no word stays on the disk, so the arrays may not either
                may_stay = not work.anew and all(kind != "deleted" for kind, _ in changes)
                ahead = self._graph_ahead(work, writer)
                self._caches.write(writer, before=base, may_stay=may_stay, ahead=ahead)
            base = writer.base
            report = _report(writer, changes, is_first=before == _EMPTY)
        self._caches.sweep(base)
        self._store.checkpoint()
        self._store.put_seal(self._caches.files(base))
        return report

    def _graph_ahead(self, work: _Work, reader: Reader) -> GraphIndex | None:
        """The graph that grew while the passages were prepared, if it is the right one."""
        if self._ahead is None:
            return None
        drafts = sorted(work.drafts, key=lambda draft: draft[0].path)
        keys = [key for _, keyed in drafts for _, key in keyed]
        return self._ahead.graph(keys, reader.chunk_ids())

    def _seal_half(self) -> None:
        """Seal what a run has staged that was stopped in order: nothing in it is in doubt."""
        with suppress(IndexError_):
            self._store.checkpoint()
            with self._store.reading() as reader:
                base = reader.base
            self._store.put_seal(self._caches.files(base))

    def _seal_again(self, stamp: str) -> None:
        """Seal a generation whose writer could not: it was killed, or somebody was reading."""
        try:
            with self._store.lock():
                self._store.checkpoint()
                with self._store.reading() as reader:
                    is_same, base = reader.stamp == stamp, reader.base
                if is_same:
                    self._store.put_seal(self._caches.files(base))
        except IndexError_ as fault:  # another process is at it, or the disk takes no more
            logger.debug("not sealed: %s", fault)

    def _ask_before_forgetting(
        self, work: _Work, changes: Iterable[tuple[str, str]], n_notes: int
    ) -> None:
        """Stop where most notes went with their files: more likely a drive than a wish."""
        n_gone = sum(
            kind == "deleted" and work.before[path].file in work.gone_files
            for kind, path in changes
        )
        if n_gone >= _LEAST_GONE and 2 * n_gone > n_notes:
            raise ManyGone(n_gone, n_notes, self._root)

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
            writer.put_links(note.path, links_of(note))
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


def fingerprint_of(encoder: Encoder, chunk_size: int) -> str:
    """Names all that passages, terms and vectors depend on, as JSON."""
    return json.dumps(
        {
            "encoder": encoder.fingerprint,
            "tokenizer": TOKENIZER_VERSION,
            "chunker": CHUNKER_VERSION,
            "readers": READERS_VERSION,
            "size": chunk_size,
        },
        sort_keys=True,
    )


def encoder_of(reader: Reader) -> str | None:
    """Fingerprint of the encoder that the vectors come from; None before the first refresh."""
    fingerprint = reader.meta("fingerprint")
    return None if fingerprint is None else _made_by(fingerprint, "encoder")


def _made_by(fingerprint: str, part: str) -> str:
    """The version of a part that made an index; empty for one whose fingerprint lacks it."""
    return str(stored_json(fingerprint, dict).get(part, ""))


def _changes(work: _Work, gone: set[str]) -> list[tuple[str, str]]:
    """What happens to which note, by path; a note that comes as another goes is renamed."""
    lost = defaultdict(list)
    for path in sorted(gone, reverse=True):
        lost[work.before[path].sha256].append(path)
    changes = []
    for note, _ in sorted(work.drafts, key=lambda draft: draft[0].path):
        if note.path in work.before:
            changes.append(("changed", note.path))
        elif lost[note.sha256]:
            changes.append(("renamed", f"{lost[note.sha256].pop()} → {note.path}"))
        else:
            changes.append(("added", note.path))
    return changes + sorted(("deleted", path) for paths in lost.values() for path in paths)


def _report(
    reader: Reader, changes: Sequence[tuple[str, str]], *, is_first: bool = False
) -> RefreshReport:
    n_notes, n_chunks, _ = reader.counts()
    counts = Counter(kind for kind, _ in changes)
    return RefreshReport(
        added=counts["added"],
        changed=counts["changed"],
        renamed=counts["renamed"],
        deleted=counts["deleted"],
        unchanged=n_notes - counts["added"] - counts["changed"] - counts["renamed"],
        n_notes=n_notes,
        n_chunks=n_chunks,
        skipped=reader.skipped(),
        changes=() if is_first else tuple(changes),
    )
