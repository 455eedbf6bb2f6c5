"""Reads, cuts and encodes what is new in a vault, and stages it, batch by batch.

A killed run is taken up where it stopped: what was staged stays good for the encoder that made it.
Knows notes, passages and the staging tables; does not know what is published. Called by `refresh`.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from corpus.ahead import GraphAhead
from corpus.chunking import chunk_note
from corpus.errors import CorpusError
from corpus.passages import passage_key, passage_texts, terms_of, tokens_of
from corpus.rows import FileRow, storable, storable_path
from corpus.store import Store
from corpus.tables import Reader
from corpus.types import Chunk, Note
from corpus.work import NoteSource, Progress, Work
from corpus.workers import Made, Workers, made_here

if TYPE_CHECKING:
    from concurrent.futures import Future

    from corpus.ann import GraphIndex

__all__ = ["UNSETTLED_NS", "Preparation", "require_vault"]

logger = logging.getLogger(__name__)

_BATCH = 512  # passages encoded and committed together; a kill costs at most these
_STEP, _STEP_SECONDS = 32, 0.5  # fewer where the encoder is slow: at first, and doubled below this
# bytes of notes, or passages, from which the start of workers pays: they take a second for it
_MANY_BYTES, _MANY = 3_000_000, 6000
UNSETTLED_NS = 2_000_000_000  # coarsest clock of a file system in use (FAT)


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


class Preparation:
    """One run over what is to be read; `close` ends what runs beside it."""

    def __init__(
        self,
        store: Store,
        vault: NoteSource,
        *,
        chunk_size: int,
        encoding: Progress | None,
    ) -> None:
        self._store = store
        self._vault = vault
        self._chunk_size = chunk_size
        self._encoding = encoding
        self._step = _STEP
        self._n_encoded = self._n_drafted = self._n_expected = 0
        self._workers: Workers | None = None
        self._may_share = False  # the work with other processes
        self._ahead: GraphAhead | None = None
        self._batches: deque[_Batch] = deque()
        self._last_path = ""

    def run(self, work: Work, listed_at: int, progress: Progress | None) -> None:
        """Read, cut and encode what changed; leaves terms and vectors staged.

        Args:
            work: what is to be read; gets what was drafted.
            listed_at: when the vault was listed, in nanoseconds.
            progress: told of files read, of all.
        """
        with self._store.writing() as writer:
            if writer.meta("staged_by") != work.fingerprint or work.anew:
                # of a killed migration the staged part is still good, of a killed rebuild too,
                # unless it was made by another encoder
                if writer.meta("staged_by") != work.fingerprint:
                    writer.clear_staged()
                writer.set_meta(staged_by=work.fingerprint)
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
            self._finish(work, self._batches.popleft())

    def _read(self, work: Work, path: str, listed_at: int) -> Iterator[Note]:
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
            require_vault(self._vault)
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

    def _draft_stored(self, work: Work, waiting: list[tuple[bytes, Note, Chunk]]) -> None:
        """Draft again the notes of files that need not be read."""
        read = {*work.to_read, *work.gone_files}
        for path, bare in work.before.items():
            if bare.file not in read:
                work.seen.add(path)
                with self._store.reading() as reader:
                    note = reader.note(path)
                self._draft(work, note, waiting)

    def _draft(self, work: Work, note: Note, waiting: list[tuple[bytes, Note, Chunk]]) -> None:
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

    def _stage(self, work: Work, waiting: list[tuple[bytes, Note, Chunk]]) -> None:
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
                vectors = reader.kept_vectors(work.encoder.fingerprint, wanted)
        texts = {key: passage_texts(note, chunk) for key, (note, chunk) in wanted.items()}
        known = {key: texts.pop(key) for key in vectors}
        tokens = tokens_of(work.encoder, list(known.values()))
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
            self._workers = Workers.for_encoder(work.encoder)
            self._may_share = self._workers is not None
        if texts and self._workers is not None:
            batch.made = self._workers.begin(list(texts.values()))
        while self._batches and len(self._batches) > (
            self._workers.n_ahead if self._workers else 0
        ):
            self._finish(work, self._batches.popleft())

    def _finish(self, work: Work, batch: _Batch) -> None:
        """Commit the terms and vectors of a batch."""
        keys = list(batch.texts)
        while keys:
            started = time.monotonic()
            part = keys if batch.made is not None else keys[: self._step]
            rows = (
                made_here(work.encoder, [batch.texts[key] for key in part])
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

    def graph(self, work: Work, reader: Reader) -> GraphIndex | None:
        """The graph that grew while the passages were prepared, if it is the right one."""
        if self._ahead is None:
            return None
        drafts = sorted(work.drafts, key=lambda draft: draft[0].path)
        keys = [key for _, keyed in drafts for _, key in keyed]
        return self._ahead.graph(keys, reader.chunk_ids())

    def close(self) -> None:
        """End what runs beside: after the work, or after Ctrl-C in the middle of it."""
        for helper in (self._workers, self._ahead):
            if helper is not None:
                helper.close()
        self._workers = self._ahead = None


def require_vault(vault: NoteSource) -> None:
    """Raises `CorpusError` where the folder of the notes is not there."""
    if not vault.root.exists():
        raise CorpusError(
            f"no notes at {storable_path(str(vault.root.absolute()))}: is a drive not connected?"
        )
