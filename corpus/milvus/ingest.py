"""Bringing a Milvus index in line with a vault: many workers, in batches, resumable.

Each worker looks after its share of the files. A file is noted as read only when its notes are in,
and every id follows from content: what a killed or doubled run wrote is written again, not twice.
Passages are encoded here while earlier ones travel. Knows the steps of a refresh; `index` calls it,
`writing` sends the batches, `publishing` makes them count.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from corpus.chunking import chunk_note
from corpus.errors import ConfigError, CorpusError, IndexError_, ManyGone
from corpus.fingerprints import fingerprint_of
from corpus.milvus.catalog import (
    Build,
    Catalog,
    build_of,
    columns_of,
    facts_of,
    lacking,
    totals_of,
)
from corpus.milvus.client import Gateway
from corpus.milvus.publishing import Publisher
from corpus.milvus.rows import HEAD, NoteHead, bucket_of, file_of, fitted, head_of, version_of
from corpus.milvus.writing import Draft, Writing
from corpus.passages import passage_key
from corpus.preparing import UNSETTLED_NS
from corpus.rows import FileRow, storable, storable_path
from corpus.types import Note, RefreshReport, Skipped
from corpus.work import NoteSource, Progress

if TYPE_CHECKING:
    from corpus.encoder import Encoder
    from corpus.readers import SourceFile

__all__ = ["Ingest", "Share"]

logger = logging.getLogger(__name__)

_LEAST_GONE = 2  # notes; one alone is a note somebody deleted
_WAIT_S, _LOOK_S = 120.0, 0.5  # for the first worker to begin a build


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Which part of the files a worker looks after.

    Attributes:
        number: of the worker, from 1; 0 for one that looks after all parts.
        of: how many workers there are.
    """

    number: int = 0
    of: int = 1

    def buckets(self, workers: int) -> list[int]:
        """The parts of a build of so many workers that are this one's.

        Raises:
            ConfigError: the build was divided otherwise.
        """
        if not self.number:
            return list(range(workers))
        if self.of != workers:
            raise ConfigError(
                f"this index was begun by {workers} workers: --worker N/{workers}, or none at all"
            )
        return [self.number - 1]


@dataclass(slots=True, kw_only=True)
class _Work:
    """What a run has to do.

    Attributes:
        listed: the files of this share, by path.
        stored: those that are in the index.
        to_read: paths of new and changed files.
        gone: paths of files that are no longer there.
        before: notes of these files that are in the index, by path.
        resumed: whether an earlier run did not end.
    """

    listed: Mapping[str, SourceFile]
    stored: Mapping[str, FileRow]
    to_read: Sequence[str]
    gone: set[str]
    before: dict[str, NoteHead]
    resumed: bool


class Ingest:
    """One run of `MilvusIndex.refresh`.

    Args:
        gateway: of the database.
        catalog: of the database.
        encoder: for passages.
        chunk_size: most characters of a passage.
        vault: the notes.
        share: the files that are this worker's.
    """

    def __init__(
        self,
        gateway: Gateway,
        catalog: Catalog,
        encoder: Encoder,
        chunk_size: int,
        vault: NoteSource,
        share: Share,
    ) -> None:
        self._gateway = gateway
        self._catalog = catalog
        self._encoder = encoder
        self._chunk_size = chunk_size
        self._vault = vault
        self._share = share
        self._fingerprint = fingerprint_of(encoder, chunk_size)
        self._root = storable_path(str(vault.root.absolute()))
        self._seen: dict[str, str] = {}  # notes that were read, with the digest of their text
        self._drafted: set[str] = set()

    def run(
        self,
        *,
        progress: Progress | None,
        encoding: Progress | None,
        rebuild: bool,
        forget: bool,
    ) -> RefreshReport:
        """Do what is needed; see `protocol.Index.refresh`."""
        if rebuild and self._share.number:
            raise ConfigError("--rebuild goes without --worker: another share would stay as it is")
        self._require_vault()
        listed_at = time.time_ns()
        files = {storable_path(file.path): file for file in self._vault.files()}
        self._require_vault()
        self._catalog.prepare()
        values = self._catalog.values()
        tag = self._tag(values, rebuild=rebuild)
        if tag != values.get("current"):
            values = self._begun(values, tag)
        build = build_of(values, tag)
        buckets = self._share.buckets(build.workers if build else self._share.of)
        work = self._look(values, build, buckets, files)
        skipped = [(storable_path(s.path), storable_path(s.reason)) for s in self._vault.skipped]
        if self._is_idle(values, tag, work, skipped):
            return self._report(values, [], is_first=False)
        with self._catalog.leased(tag, buckets):
            is_first = "current" not in values
            writing = Writing(
                self._gateway,
                self._catalog,
                self._encoder,
                build or self._new_build(tag),
                is_new=build is None,
                buckets=buckets,
                resumed=work.resumed,
            )
            writing.encoding = encoding
            writing.lender = self._lender(values, tag, rebuild=rebuild)
            with writing:
                self._read_all(work, writing, listed_at, progress)
                changes = self._changes(work)
                if not forget:
                    self._ask_before_forgetting(work, changes, values, build)
                self._forget(work, writing)
            publisher = Publisher(self._gateway, self._catalog, writing.build, buckets)
            publisher.publish(writing.changes, resumed=work.resumed)
            self._catalog.put_skipped(skipped)
            self._catalog.put(root=self._root)
        return self._report(self._catalog.values(), changes, is_first=is_first)

    def _require_vault(self) -> None:
        if not self._vault.root.exists():
            raise CorpusError(f"no notes at {self._root}: is a drive not connected?")

    def _tag(self, values: dict[str, str], *, rebuild: bool) -> str:
        """The build that is to be written: the one that is read, unless it must be made anew."""
        current = values.get("current")
        now = build_of(values, current)
        is_fit = now is not None and now.fingerprint == self._fingerprint and not rebuild
        if now is not None and is_fit and not lacking(self._gateway, now):
            return now.tag
        # a build that was begun with other columns cannot be taken up
        kinds = columns_of(self._new_build("")).values()
        rows = [column.name for columns in kinds for column in columns]
        said = json.dumps([self._fingerprint, rows]).encode("ascii")
        name = f"b{sha256(said).hexdigest()[:12]}"
        return f"{name}b" if current == f"{name}a" else f"{name}a"

    def _begun(self, values: dict[str, str], tag: str) -> dict[str, str]:
        """The keys once the first worker has begun the build."""
        until = time.monotonic() + _WAIT_S
        while self._share.number > 1 and build_of(values, tag) is None:
            if time.monotonic() > until:
                raise IndexError_(
                    f"worker 1 of {self._share.of} has not begun the index at"
                    f" {self._gateway.address}: start it, too"
                )
            time.sleep(_LOOK_S)
            values = self._catalog.values()
        return values

    def _lender(self, values: dict[str, str], tag: str, *, rebuild: bool) -> str | None:
        """The build whose vectors may be taken over: one by the same encoder."""
        now = build_of(values, values.get("current"))
        if now is None or rebuild or now.encoder != self._encoder.fingerprint or now.tag == tag:
            return None
        return now.tag if self._gateway.columns(f"{now.tag}_chunks") >= {"key", "dense"} else None

    def _new_build(self, tag: str) -> Build:
        """A build that is yet to be begun; its average length is not known before it is."""
        return Build(
            tag=tag,
            fingerprint=self._fingerprint,
            encoder_name=self._encoder.name,
            dim=self._encoder.dim,
            pivot=1.0,
            workers=self._share.of,
            index=self._gateway.dense_index,
        )

    def _look(
        self,
        values: dict[str, str],
        build: Build | None,
        buckets: Sequence[int],
        files: Mapping[str, SourceFile],
    ) -> _Work:
        workers = build.workers if build else self._share.of
        listed = {path: file for path, file in files.items() if bucket_of(path, workers) in buckets}
        stored: dict[str, FileRow] = {}
        resumed = has_notes = False
        if build is not None:
            columns = ["id", "file", "size", "mtime_ns", "reason"]
            for bucket in buckets:
                where = f"bucket == {bucket}"
                rows = map(file_of, self._gateway.all_rows(f"{build.tag}_files", where, columns))
                stored.update((row.path, row) for row in rows)
            totals = dict(totals_of(values, build))
            resumed = any(totals[bucket].is_dirty for bucket in buckets)
            has_notes = any(totals[bucket].n_notes for bucket in buckets)
        to_read = [
            path
            for path, file in listed.items()
            if path not in stored
            or (stored[path].size, stored[path].mtime_ns) != (file.size, file.mtime_ns)
        ]
        gone = set(stored) - set(listed)
        before: dict[str, NoteHead] = {}
        wanted = [*to_read, *gone] if has_notes or resumed else []
        if build is not None and wanted:
            heads = self._gateway.rows_by(f"{build.tag}_notes", "file", wanted, [*HEAD, "part"])
            before = {str(row["note"]): head_of(row) for row in heads if not row["part"]}
        return _Work(
            listed=listed, stored=stored, to_read=to_read, gone=gone, before=before, resumed=resumed
        )

    def _is_idle(
        self, values: dict[str, str], tag: str, work: _Work, skipped: list[tuple[str, str]]
    ) -> bool:
        return (
            tag == values.get("current")
            and not (work.to_read or work.gone or work.resumed)
            and list(facts_of(values).skipped) == skipped[: len(facts_of(values).skipped)]
        )

    def _read_all(
        self, work: _Work, writing: Writing, listed_at: int, progress: Progress | None
    ) -> None:
        for done, path in enumerate(work.to_read, start=1):
            row, notes = self._read(work.listed[path], path, listed_at)
            for note in notes:
                if note.path in self._seen:
                    logger.warning("two notes have the path %r; the first is kept", note.path)
                    continue
                self._seen[note.path] = note.sha256
                head = work.before.get(note.path)
                if head is None or work.resumed or head.version != version_of(note):
                    self._drafted.add(note.path)
                    writing.add(self._draft(note), head)
            writing.add_file(row)
            if progress is not None:
                progress(done, len(work.to_read))

    def _read(self, file: SourceFile, path: str, listed_at: int) -> tuple[FileRow, Iterator[Note]]:
        from corpus.readers import Unreadable

        reason = None
        notes: Sequence[Note] = ()
        settled = abs(listed_at - file.mtime_ns) > UNSETTLED_NS
        try:
            notes = self._vault.read(file)
            reason = self._vault.doubts.get(file.path)
        except Unreadable as fault:
            self._require_vault()
            reason = storable_path(str(fault))
            settled = settled and not fault.passing
        mtime_ns = file.mtime_ns if settled else -1
        row = FileRow(path=path, size=file.size, mtime_ns=mtime_ns, reason=reason)
        return row, (fitted(storable(note)) for note in notes)

    def _draft(self, note: Note) -> Draft:
        chunks = chunk_note(note, size=self._chunk_size)
        return Draft(note, [(chunk, passage_key(note, chunk)) for chunk in chunks])

    def _left(self, work: _Work) -> list[str]:
        """Notes whose file is gone, or no longer holds them."""
        read = set(work.to_read)
        return [
            path
            for path, head in work.before.items()
            if path not in self._seen and (head.note.file in work.gone or head.note.file in read)
        ]

    def _changes(self, work: _Work) -> list[tuple[str, str]]:
        """What happens to which note, by path; a note that comes as another goes is renamed."""
        lost = defaultdict(list)
        for path in sorted(self._left(work), reverse=True):
            lost[work.before[path].note.sha256].append(path)
        changes = []
        for path in sorted(self._drafted):
            if path in work.before:
                changes.append(("changed", path))
            elif lost[self._seen[path]]:
                changes.append(("renamed", f"{lost[self._seen[path]].pop()} → {path}"))
            else:
                changes.append(("added", path))
        return changes + sorted(("deleted", path) for paths in lost.values() for path in paths)

    def _ask_before_forgetting(
        self,
        work: _Work,
        changes: Sequence[tuple[str, str]],
        values: dict[str, str],
        build: Build | None,
    ) -> None:
        """Stop where most notes went with their files: more likely a drive than a wish."""
        n_gone = sum(
            kind == "deleted" and work.before[path].note.file in work.gone for kind, path in changes
        )
        n_notes = sum(t.n_notes for _, t in totals_of(values, build)) if build else 0
        if n_gone >= _LEAST_GONE and 2 * n_gone > n_notes:
            raise ManyGone(n_gone, n_notes, self._root)

    def _forget(self, work: _Work, writing: Writing) -> None:
        writing.remove_notes({path: work.before[path].note.file for path in self._left(work)})
        writing.remove_files(work.gone)

    def _report(
        self, values: dict[str, str], changes: Sequence[tuple[str, str]], *, is_first: bool
    ) -> RefreshReport:
        """What was done; sums are of all shares, also where some have not yet ended."""
        tag = self._tag(values, rebuild=False)
        build = build_of(values, tag)
        n_notes = n_chunks = 0
        reasons = set(facts_of(values).skipped)
        if build is not None:
            totals = [total for _, total in totals_of(values, build)]
            n_notes, n_chunks = (sum(t.n_notes for t in totals), sum(t.n_chunks for t in totals))
            rows = self._gateway.all_rows(f"{tag}_files", 'reason != ""', ["id", "file", "reason"])
            reasons |= {(str(row["file"]), str(row["reason"])) for row in rows}
        counts = Counter(kind for kind, _ in changes)
        came = counts["added"] + counts["changed"] + counts["renamed"]
        return RefreshReport(
            added=counts["added"],
            changed=counts["changed"],
            renamed=counts["renamed"],
            deleted=counts["deleted"],
            unchanged=max(0, n_notes - came),
            n_notes=n_notes,
            n_chunks=n_chunks,
            skipped=tuple(Skipped(path=path, reason=reason) for path, reason in sorted(reasons)),
            changes=() if is_first else tuple(changes),
        )
