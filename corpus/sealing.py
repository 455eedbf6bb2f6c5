"""The seal of an index folder: the checksums of all files while nobody writes, else that one does.

The database is sealed in blocks: which of them a change has written its log tells, and the others
keep the checksums that they have, as files do that are never written again. So a seal costs what
has changed, and a byte that went wrong before is not sealed anew. Knows the files of a folder and
the pages of a log; does not know what they hold. Called by `store`.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from corpus.checksums import (
    BLOCK,
    LIST,
    Entry,
    ListDamaged,
    Seal,
    State,
    by_name,
    entry_of,
    parse_seal,
    parts_of,
    written_seal,
)
from corpus.errors import IndexError_
from corpus.writeahead import pages_in

__all__ = ["DATABASE", "LOG", "Seals", "sync_folder", "write_atomically"]

logger = logging.getLogger(__name__)

DATABASE = "index.db"
LOG = f"{DATABASE}-wal"
_MOST_LOG = 16 << 20  # bytes; a change that is larger is read whole
# the state of the seal from the first change on, by what it was before
_BROKEN: dict[State, State] = {
    "new": "open", "sealed": "open", "resumed": "reopened", "lost": "lost",
    "open": "reopened", "reopened": "reopened",  # by who was killed
}  # fmt: skip
_PUT: dict[State, State] = {"open": "sealed", "reopened": "resumed"}


def write_atomically(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write a file so that it is either the old one or whole.

    Raises:
        OSError: the folder cannot be written, or the disk is full; `path` is as before.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the system write down which files a folder holds, where it can be told to.

    Raises:
        OSError: the disk fails.
    """
    if sys.platform == "win32":  # a folder cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(slots=True)
class _Known:
    """The files as the seal had them that was broken, and what was written of them since.

    Attributes:
        entries: by name of the file.
        places: inode, time of change and size of each when the seal was broken; None for one that
            was not there.
        changed: numbers of blocks of the database.
    """

    entries: dict[str, list[Entry]]
    places: dict[str, tuple[int, int, int] | None]
    changed: set[int] = field(default_factory=set)


class Seals:
    """The seal of one folder, for one process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_open = False  # it is broken by who holds the lock now
        self._known: _Known | None = None

    @property
    def seal(self) -> Seal:
        """See `Store.seal`."""
        try:
            return parse_seal((self._folder / LIST).read_bytes())
        except FileNotFoundError:
            raise ListDamaged("") from None
        except OSError as fault:
            raise ListDamaged(f"it cannot be read: {fault.strerror}") from fault

    @property
    def is_put(self) -> bool:
        """Whether the checksums of all files are known."""
        try:
            return self.seal.is_put
        except ListDamaged:
            return False

    @property
    def is_open(self) -> bool:
        """Whether a writer has begun that has not sealed, or could not."""
        try:
            return self.seal.state in _PUT
        except ListDamaged:
            return False

    def forget(self) -> None:
        """Begin, or end, to hold the right to write: what is known is for one writer alone."""
        self._is_open, self._known = False, None

    def begin(self, state: State) -> None:
        """Write a seal without checksums, for good even if the power goes.

        Raises:
            IndexError_: the folder cannot be written.
        """
        try:
            self._write(Seal(state=state))
            sync_folder(self._folder)
        except OSError as fault:
            raise IndexError_(f"cannot write in {self._folder}: {fault.strerror}") from fault

    def break_(self) -> None:
        """Write down that the files are being changed, before the first byte is.

        Raises:
            IndexError_: the folder cannot be written.
        """
        if self._is_open:
            return
        self._known = None
        try:
            seal = self.seal
            state = _BROKEN[seal.state]
            if seal.is_put and not self._log_size():
                entries = by_name(seal.entries)
                self._known = _Known(entries, {name: self._place(name) for name in entries})
        except ListDamaged:
            state = "lost"
        self.begin(state)
        self._is_open = True

    def note_log(self) -> None:
        """Look which pages of the database a transaction has written; after each one.

        They stay in the log at least until the next transaction begins.
        """
        known = self._known
        if known is None:
            return
        try:
            if self._log_size() > _MOST_LOG:
                raise ValueError("the log is long")
            size, pages = pages_in((self._folder / LOG).read_bytes())
        except (OSError, ValueError) as fault:
            logger.debug("the database is sealed as a whole: %s", fault)
            self._known = None
            return
        known.changed.update((page - 1) * size // BLOCK for page in pages)

    def put(self, caches: Iterable[Path]) -> bool:
        """See `Store.put_seal`."""
        try:
            if self._log_size() or not self.is_open:
                return False
            before = self.seal.state
            state = _PUT[before if self._is_open else _BROKEN[before]]  # its own, or a killed one's
            self._write(Seal(state=state, entries=tuple(self._entries(caches))))
        except OSError as fault:
            logger.info("the index in %s is not sealed: %s", self._folder, fault)
            return False
        self.forget()
        return True

    def _entries(self, caches: Iterable[Path]) -> list[Entry]:
        known = self._known or _Known({}, {})
        path = self._folder / DATABASE
        found: list[Entry] = []
        if path.exists():  # its own pages are on the disk since the checkpoint
            place, was = self._place(DATABASE), known.places.get(DATABASE)
            is_same = place is not None and was is not None and place[0] == was[0]
            changed = known.changed if is_same else None
            found += parts_of(path, known=known.entries.get(DATABASE, ()), changed=changed)
        for cache in caches:
            place = self._place(cache.name)
            if place is None:
                continue
            if cache.name in known.entries and known.places[cache.name] == place:
                found += known.entries[cache.name]  # never written again
            else:
                found.append(entry_of(cache))
        return found

    def _place(self, name: str) -> tuple[int, int, int] | None:
        try:
            now = (self._folder / name).stat()
        except FileNotFoundError:
            return None
        return now.st_ino, now.st_mtime_ns, now.st_size

    def _log_size(self) -> int:
        with suppress(FileNotFoundError):
            return (self._folder / LOG).stat().st_size
        return 0

    def _write(self, seal: Seal) -> None:
        write_atomically(self._folder / LIST, [written_seal(seal)])
