"""Connections to the database of an index: given out, taken back, and their faults explained.

Knows SQLite as a file and as what may go wrong with it: a file that is cut, malformed, locked, set
aside by another process, or on a disk that takes no more. Does not know its tables. Called by
`store`.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpus.errors import IndexError_
from corpus.rows import IndexDamaged
from corpus.sealing import LOG

__all__ = ["BUSY_S", "Connections", "explained", "into_wal", "require_whole"]

BUSY_S = 30.0  # a statement waits so long for another process
_RETRY_SECONDS = 0.02


class Connections:
    """The connections to one database file. Threads may share them.

    Attributes:
        is_fixed: whether the file is read as one that nobody changes: it cannot be written, not
            even what a reader of SQLite needs.
    """

    def __init__(self, path: Path) -> None:
        self.is_fixed = False
        self._path = path
        self._guard = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._inode = 0
        self._closed = False

    @property
    def is_other(self) -> bool:
        """Whether another file has taken the place of the one that was connected to."""
        return self._inode_now() not in (0, self._inode)

    def note_file(self) -> None:
        """Take the file that is there for the one that is meant from now on."""
        self._inode = self._inode_now()

    def is_fixable(self) -> bool:
        """Whether all that is known stands in the file, so that it can be read as it is."""
        log = self._path.with_name(LOG)
        try:  # what the log holds would be missed
            is_logged = log.exists() and log.stat().st_size > 0
            return self._path.stat().st_size > 0 and not is_logged
        except OSError:
            return False

    def take(self) -> sqlite3.Connection:
        """A connection for one transaction, to be given back.

        Raises:
            ValueError: they are closed.
            IndexError_: the file cannot be opened.
        """
        with self._guard:
            if self._closed:
                raise ValueError("the index is closed")
            inode = self._inode_now()
            if inode != self._inode:  # another process set the database aside
                stale, self._idle, self._inode = self._idle, [], inode
                for connection in stale:
                    connection.close()
            if self._idle:
                return self._idle.pop()
        return self.connect()

    def connect(self) -> sqlite3.Connection:
        """A new connection, to be given back.

        Raises:
            IndexError_: the file cannot be opened.
        """
        with explained(self._path):
            place = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(
                place if self.is_fixed else self._path,
                uri=self.is_fixed,
                timeout=BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
            # a deleted note leaves no readable bytes behind
            connection.execute("PRAGMA secure_delete = ON")
            return connection

    def give(self, connection: sqlite3.Connection) -> None:
        """Give one back; what it has not committed is rolled back."""
        if connection.in_transaction:
            connection.rollback()
        with self._guard:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def drop_idle(self) -> None:
        """Close those that nobody uses now."""
        with self._guard:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """Close every idle one, and those in use when they are given back."""
        with self._guard:
            self._closed = True
        self.drop_idle()

    def _inode_now(self) -> int:
        try:
            return self._path.stat().st_ino
        except OSError:
            return 0


def require_whole(path: Path) -> None:
    """Refuse a database that was cut: SQLite takes the missing part of a page for zeros.

    Raises:
        IndexDamaged: bytes are missing.
    """
    try:
        log = path.with_name(LOG)
        if log.exists() and log.stat().st_size:  # the log may hold what the file does not
            return
        with path.open("rb") as file:
            head = file.read(100)
        size = path.stat().st_size
    except OSError:
        return
    if len(head) < 100 or head[24:28] != head[92:96]:
        return
    page = int.from_bytes(head[16:18], "big")
    n_pages = int.from_bytes(head[28:32], "big")
    if size < n_pages * (65_536 if page == 1 else page):
        raise IndexDamaged(f"{path} is cut: {size} bytes are left of it")


def into_wal(connection: sqlite3.Connection) -> None:
    """Change the mode of the journal, waiting for who writes: for this SQLite itself does not.

    Raises:
        sqlite3.OperationalError: the database is locked for long, or cannot be written.
    """
    until = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


# "operational" to Python, though no operation can help: a schema of the right version that lacks
# its tables, a text whose bytes are none
_DAMAGE = (
    "no such table", "no such column", "Could not decode to UTF-8", "unsupported file format"
)  # fmt: skip


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Faults of SQLite as ours.

    Raises:
        IndexDamaged: the database is malformed, or none; it can be built again from the notes.
        IndexError_: it cannot be used now.
    """
    try:
        yield
    except sqlite3.OperationalError as fault:
        said = str(fault)  # of the right version, but for these?
        if said.startswith(_DAMAGE) or said.endswith("already exists"):
            raise IndexDamaged(f"{path} is damaged ({fault})") from fault
        raise IndexError_(f"cannot use {path}: {fault}") from fault
    except UnicodeDecodeError as fault:  # what SQLite says of a damaged schema quotes its bytes
        if not bytes(fault.object).startswith(b"malformed"):
            raise
        raise IndexDamaged(f"{path} is damaged ({bytes(fault.object)!r})") from fault
    except sqlite3.DatabaseError as fault:
        # exactly this class, for "not a database" and "malformed"; others are our own mistakes
        if type(fault) is not sqlite3.DatabaseError:
            raise
        raise IndexDamaged(f"{path} is damaged ({fault})") from fault
