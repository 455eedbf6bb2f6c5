"""Makes what was prepared the new generation of an index, in one transaction.

Notes, passages, arrays, graph and seal; what happened to which note is told afterwards. Knows the
store; does not read notes. Called by `refresh`.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from corpus.caches import Caches
from corpus.errors import ManyGone
from corpus.links import links_of
from corpus.preparing import Preparation
from corpus.store import Store
from corpus.tables import Reader
from corpus.types import RefreshReport
from corpus.work import Work
from corpus.writer import Writer

__all__ = ["publish", "report_of"]

_EMPTY = "0-empty"  # stamp of an index before its first refresh
_LEAST_GONE = 2  # notes; one alone is a note somebody deleted


def publish(
    store: Store, caches: Caches, work: Work, prepared: Preparation, *, forget: bool
) -> RefreshReport:
    """Make the drafts of `work` the new generation.

    Args:
        store: locked by the caller.
        caches: write arrays and graph.
        work: what was prepared.
        prepared: may hold a graph that grew meanwhile.
        forget: whether notes may go that are most of the index.

    Raises:
        ManyGone: they would, and may not.
    """
    gone = _gone(work)
    with store.writing() as writer:
        before, base = writer.stamp, writer.base
        changed = bool(work.drafts or gone or work.anew)
        changes = _changes(work, gone)
        if not forget and writer.meta("root") == work.root:
            _ask_before_forgetting(work, changes, writer.counts()[0])
        writer.put_files(work.rows)
        writer.delete_files(work.gone_files)
        if changed:
            if work.anew and work.may_reuse and work.before_encoder is not None:
                writer.keep_vectors(work.before_encoder)
            _write_notes(writer, work, gone)
            writer.sweep_kept(work.encoder.fingerprint)
            writer.new_generation()
            writer.set_meta(
                updated_at=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
                fingerprint=work.fingerprint,
                encoder_name=work.encoder.name,
            )
        writer.clear_staged()
        writer.set_meta(root=work.root, skipped=work.skipped)
        if changed or not caches.are_whole(writer):
            # of a deleted note no word stays on the disk, so the arrays may not either
            may_stay = not work.anew and all(kind != "deleted" for kind, _ in changes)
            caches.write(writer, before=base, may_stay=may_stay, ahead=prepared.graph(work, writer))
        base = writer.base
        report = report_of(writer, changes, is_first=before == _EMPTY)
    caches.sweep(base)
    store.checkpoint()
    store.put_seal(caches.files(base))
    return report


def _gone(work: Work) -> set[str]:
    """Notes that went with their files, or that a file still there no longer holds."""
    read = set(work.to_read)
    return {
        path
        for path, note in work.before.items()
        if path not in work.seen
        and (work.anew or note.file in work.gone_files or note.file in read)
    }


def _ask_before_forgetting(work: Work, changes: Iterable[tuple[str, str]], n_notes: int) -> None:
    """Stop where most notes went with their files: more likely a drive than a wish."""
    n_gone = sum(
        kind == "deleted" and work.before[path].file in work.gone_files for kind, path in changes
    )
    if n_gone >= _LEAST_GONE and 2 * n_gone > n_notes:
        raise ManyGone(n_gone, n_notes, work.root)


def _write_notes(writer: Writer, work: Work, gone: set[str]) -> None:
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


def _changes(work: Work, gone: set[str]) -> list[tuple[str, str]]:
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


def report_of(
    reader: Reader, changes: Sequence[tuple[str, str]], *, is_first: bool = False
) -> RefreshReport:
    """What an index holds after changes (kind, note); of a first index they are not listed."""
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
