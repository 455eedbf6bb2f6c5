"""Sending notes to Milvus in batches, while the next ones are encoded.

Order makes a killed run harmless: the new text of a note, its passages, then what they replace,
and the file last. Knows notes, passages and rows; what is to be written is `ingest`'s to know.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from corpus.milvus.catalog import Build, Catalog, make_collections, totals_of
from corpus.milvus.client import Gateway
from corpus.milvus.rows import (
    NoteHead,
    Row,
    bucket_of,
    chunk_id,
    chunk_row,
    file_row,
    note_rows,
    numbers_of,
    version_of,
)
from corpus.milvus.statistics import Totals, saturated
from corpus.passages import checked_vectors, passage_terms
from corpus.rows import FileRow
from corpus.types import Chunk, Note
from corpus.work import Progress

if TYPE_CHECKING:
    from corpus.encoder import Encoder

__all__ = ["Change", "Draft", "Writing"]

logger = logging.getLogger(__name__)

_BATCH = 512  # passages encoded and sent together
_PILOT = 8192  # passages that the average length of a new build is taken from
_STEP = 128  # passages between two reports of progress
_UNDER_WAY = 2  # batches that travel while the next is encoded


@dataclass(frozen=True, slots=True)
class Draft:
    """A note to be written, and its passages with their keys."""

    note: Note
    keyed: Sequence[tuple[Chunk, bytes]]


@dataclass(slots=True)
class Change:
    """What a run does to the sums of one part, and to the counts of its terms."""

    totals: Totals = field(default_factory=Totals)
    terms: Counter[int] = field(default_factory=Counter)

    def add(self, row: Row, sign: int) -> None:
        """A passage comes (1) or goes (-1)."""
        self.totals += Totals(n_chunks=sign, n_terms=sign * int(row["n_terms"]))
        for number in numbers_of(row):
            self.terms[number] += sign

    def add_note(self, n_chars: int, sign: int) -> None:
        """A note comes (1) or goes (-1)."""
        self.totals += Totals(n_notes=sign, n_chars=sign * n_chars)


@dataclass(slots=True)
class _Batch:
    """What is sent together; `before` are the notes among it that are already in the index."""

    drafts: list[Draft] = field(default_factory=list)
    before: dict[str, NoteHead] = field(default_factory=dict)
    files: list[FileRow] = field(default_factory=list)
    n_chunks: int = 0


class Writing:
    """The writes of one run. To be used in a `with` block; its end waits for what is under way.

    Args:
        gateway: of the database.
        catalog: of the database.
        encoder: for passages.
        build: that is written.
        is_new: whether it is yet to be begun; its average length is found then.
        buckets: parts that are this run's.
        resumed: whether an earlier run did not end: anything may be there already.

    Attributes:
        build: that is written.
        changes: what that does to each part.
        lender: tag of another build whose vectors may be taken over, or None.
        encoding: called with (done, total) passages; None for nobody.
    """

    def __init__(
        self,
        gateway: Gateway,
        catalog: Catalog,
        encoder: Encoder,
        build: Build,
        *,
        is_new: bool,
        buckets: Sequence[int],
        resumed: bool,
    ) -> None:
        self._gateway = gateway
        self._catalog = catalog
        self._encoder = encoder
        self._is_new = is_new
        self._knows = [] if is_new else [build.tag]  # what begins here holds no vectors yet
        self.lender: str | None = None
        self.build = build
        self._buckets = list(buckets)
        self._resumed = resumed
        self.encoding: Progress | None = None
        self._batch = _Batch()
        self._is_marked = self._has_failed = False
        self._n_encoded = self._n_drafted = 0
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="milvus")
        self._under_way: list[Future[None]] = []
        self.changes: defaultdict[int, Change] = defaultdict(Change)

    def __enter__(self) -> Self:
        """The writes."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send what waits, and wait for it; after a fault, only for what is under way."""
        try:
            if fault is None:
                self.flush()
                self._settle(0)
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def add(self, draft: Draft, before: NoteHead | None) -> None:
        """Write a note, `before` being what the index has of it."""
        self._batch.drafts.append(draft)
        if before is not None:
            self._batch.before[draft.note.path] = before
        self._batch.n_chunks += len(draft.keyed)
        self._n_drafted += len(draft.keyed)
        if self._batch.n_chunks >= (_PILOT if self._is_new else _BATCH):
            self.flush()

    def add_file(self, row: FileRow) -> None:
        """Note a file as read, once its notes are in."""
        self._batch.files.append(row)
        if len(self._batch.files) >= 8 * _BATCH and not self._is_new:  # files without passages
            self.flush()

    def flush(self) -> None:
        """Encode what waits and let it travel."""
        batch, self._batch = self._batch, _Batch()
        terms = [
            [passage_terms(draft.note, chunk) for chunk, _ in draft.keyed] for draft in batch.drafts
        ]
        if self._is_new:
            self._begin([len(found) for found in chain.from_iterable(terms)])
        if not (batch.drafts or batch.files):
            return
        self._mark()
        for small, found in _split(batch, terms):
            self._send(small, found)

    def _begin(self, lengths: list[int]) -> None:
        """Make the collections; the first passages give the average length."""
        average = sum(lengths) / len(lengths) if any(lengths) else 1.0
        self.build = replace(self.build, pivot=average)
        make_collections(self._gateway, self.build)
        self._catalog.put_build(self.build)
        self._is_new = False

    def _mark(self) -> None:
        """Say that sums and counts are about to change."""
        if not self._is_marked:
            totals = dict(totals_of(self._catalog.values(), self.build))
            for bucket in self._buckets:
                dirty = replace(totals[bucket], is_dirty=True)
                self._catalog.put_totals(self.build.tag, bucket, dirty)
            self._is_marked = True
        self._catalog.renew(self.build.tag, self._buckets)

    def _send(self, batch: _Batch, terms: list[list[list[str]]]) -> None:
        notes = {draft.note.path: draft.note for draft in batch.drafts}
        known = [path for path in notes if self._resumed or path in batch.before]
        old = list(
            self._gateway.rows_by(
                self._name("chunks"), "note", known, ["id", "note", "n_terms", "numbers"]
            )
        )
        rows = self._chunk_rows(batch, terms)
        for row in old:
            self._changed(notes[row["note"]].file).add(row, -1)
        for row in rows:
            self._changed(str(row["file"])).add(row, 1)
        for path, note in notes.items():
            head = batch.before.get(path)
            if head is not None:
                self._changed(head.note.file).add_note(head.n_chars, -1)
            self._changed(note.file).add_note(len(note.text), 1)
        stale = {int(row["id"]) for row in old} - {int(row["id"]) for row in rows}
        self._settle(_UNDER_WAY - 1)
        self._under_way.append(self._pool.submit(self._write, batch, rows, known, stale))

    def _changed(self, file: str) -> Change:
        return self.changes[bucket_of(file, self.build.workers)]

    def _settle(self, n: int) -> None:
        """Wait until at most `n` batches are under way."""
        while len(self._under_way) > n:
            self._under_way.pop(0).result()

    def _write(self, batch: _Batch, rows: list[Row], known: list[str], stale: set[int]) -> None:
        """The writes of one batch, in the order that a kill may interrupt.

        None after one that failed: its notes may belong to a file that this batch would complete.
        """
        if self._has_failed:
            return
        self._has_failed = True
        texts = [
            {**row, "bucket": bucket_of(draft.note.file, self.build.workers)}
            for draft in batch.drafts
            for row in note_rows(draft.note)
        ]
        name = self._name("notes")
        gone = {str(row["id"]) for row in self._gateway.rows_by(name, "note", known, ["id"])}
        self._gateway.upsert(name, texts)
        self._gateway.upsert(self._name("chunks"), rows)
        self._gateway.delete(self._name("chunks"), sorted(stale))
        self._gateway.delete(name, sorted(gone - {str(row["id"]) for row in texts}))
        self._gateway.upsert(
            self._name("files"),
            [file_row(file, bucket_of(file.path, self.build.workers)) for file in batch.files],
        )
        self._has_failed = False

    def _chunk_rows(self, batch: _Batch, terms: list[list[list[str]]]) -> list[Row]:
        vectors = self._vectors(batch)
        rows = []
        for draft, found in zip(batch.drafts, terms, strict=True):
            version = version_of(draft.note)
            bucket = bucket_of(draft.note.file, self.build.workers)
            said: Counter[bytes] = Counter()
            for (chunk, key), own in zip(draft.keyed, found, strict=True):
                placed = replace(chunk, id=chunk_id(draft.note.path, key, said[key]))
                said[key] += 1
                row = chunk_row(
                    draft.note,
                    placed,
                    version=version,
                    key=key,
                    dense=vectors[key],
                    sparse=saturated(own, self.build.pivot),
                    n_terms=len(own),
                )
                rows.append({**row, "bucket": bucket})
        return rows

    def _vectors(self, batch: _Batch) -> dict[bytes, NDArray[np.float32]]:
        """The vector of each key: of a passage that says the same, else encoded."""
        wanted = {key: (draft.note, chunk) for draft in batch.drafts for chunk, key in draft.keyed}
        vectors = self._stored_vectors(wanted)
        self._n_encoded += len(vectors)
        keys = [key for key in wanted if key not in vectors]
        for at in range(0, len(keys), _STEP):
            part = keys[at : at + _STEP]
            halves = checked_vectors(self._encoder, [wanted[key] for key in part])
            vectors.update(zip(part, halves.astype(np.float32), strict=True))
            self._n_encoded += len(part)
            if self.encoding is not None:
                self.encoding(self._n_encoded, max(self._n_drafted, self._n_encoded))
        return vectors

    def _stored_vectors(self, keys: Iterable[bytes]) -> dict[bytes, NDArray[np.float32]]:
        found: dict[bytes, NDArray[np.float32]] = {}
        wanted = set(keys)
        for tag in [*self._knows, *([self.lender] if self.lender else [])]:
            missing = [key.hex() for key in sorted(wanted - found.keys())]
            rows = self._gateway.rows_by(f"{tag}_chunks", "key", missing, ["id", "key", "dense"])
            for row in rows:
                found[bytes.fromhex(row["key"])] = np.array(row["dense"], np.float32)
        return found

    def remove_notes(self, files: dict[str, str]) -> None:
        """Remove notes, by path with their file, unless another file holds them now."""
        self.flush()
        self._settle(0)
        if not files:
            return
        self._mark()
        columns = ["id", "note", "file", "n_terms", "numbers"]
        old = [
            row
            for row in self._gateway.rows_by(self._name("chunks"), "note", files, columns)
            if row["file"] == files[row["note"]]
        ]
        for row in old:
            self._changed(str(row["file"])).add(row, -1)
        self._gateway.delete(self._name("chunks"), [int(row["id"]) for row in old])
        columns = ["id", "note", "file", "part", "n_chars"]
        texts = [
            row
            for row in self._gateway.rows_by(self._name("notes"), "note", files, columns)
            if row["file"] == files[row["note"]]
        ]
        for row in texts:
            if not row["part"]:
                self._changed(str(row["file"])).add_note(int(row["n_chars"]), -1)
        self._gateway.delete(self._name("notes"), [str(row["id"]) for row in texts])

    def remove_files(self, paths: Iterable[str]) -> None:
        """Forget files."""
        gone = [str(file_row(FileRow(path=path, size=0, mtime_ns=0), 0)["id"]) for path in paths]
        if gone:
            self._mark()
            self._gateway.delete(self._name("files"), gone)

    def _name(self, kind: str) -> str:
        return f"{self.build.tag}_{kind}"


def _split(
    batch: _Batch, terms: list[list[list[str]]]
) -> Iterable[tuple[_Batch, list[list[list[str]]]]]:
    """The batch in parts of about `_BATCH` passages; the files are of the last one."""
    part, found = _Batch(before=batch.before), list[list[list[str]]]()
    for draft, own in zip(batch.drafts, terms, strict=True):
        if part.n_chunks >= _BATCH:
            yield part, found
            part, found = _Batch(before=batch.before), []
        part.drafts.append(draft)
        part.n_chunks += len(draft.keyed)
        found.append(own)
    part.files = batch.files
    yield part, found
