"""The index on disk: one SQLite file, its transactions, and the right to write it.

Knows transactions, how a damaged file is set aside, and when the seal of the folder is broken and
put (`sealing`). Which file a connection leads to `connections` knows, what is in the tables
`tables`. `refresh` writes through `Writer`, `index` reads through `Reader`; every reader sees one
generation, however long it reads.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from corpus.checksums import LIST, Seal
from corpus.connections import BUSY_S, Connections, explained, into_wal, require_whole
from corpus.errors import IndexError_
from corpus.locking import write_lock
from corpus.rows import IndexDamaged
from corpus.schema import KEPT, LINKS, SCHEMA, SCHEMA_VERSION, TOKENS, has_tokens
from corpus.sealing import DATABASE, LOG, Seals, sync_folder
from corpus.tables import Reader
from corpus.writer import Writer

__all__ = ["Store"]

logger = logging.getLogger(__name__)


class Store:
    """The database of one index folder: connections, transactions, the writer's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / DATABASE
        self._connections = Connections(self._path)
        self._seals = Seals(folder)

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open the index of a folder, made if it is not there.

        A damaged database, or one of another schema, is set aside and begun anew.

        Raises:
            IndexError_: the folder cannot be used.
            IndexBusy: the database is damaged and another process is writing it.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # it holds the notes' text
        except OSError as fault:
            raise IndexError_(f"cannot use index folder {folder}: {fault.strerror}") from fault
        store = cls(folder)
        try:
            store._prepare()
        except IndexDamaged as fault:
            store.set_aside(str(fault))
        except IndexError_ as fault:
            if not store._fix():
                raise
            logger.warning("%s; the index is only read", fault)
        return store

    def _fix(self) -> bool:
        """Read the database as a file that nobody changes: on a full or read-only disk."""
        self._connections.is_fixed = self._connections.is_fixable()
        try:
            if self._connections.is_fixed:
                self._prepare()
        except IndexError_:
            self._connections.is_fixed = False
        return self._connections.is_fixed

    def close(self) -> None:
        """Close every idle connection; what is still being read closes when it is done."""
        self._connections.close()

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader of the newest generation, which stays the same until it is closed."""
        connection = self._connections.take()
        with explained(self._path):
            try:
                connection.execute("BEGIN")
                yield Reader(connection)
            finally:
                self._connections.give(connection)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """A writer in one transaction: committed at the end, rolled back on any exception.

        The caller holds `lock()`.
        """
        self._break_seal()
        connection = self._connections.take()
        with explained(self._path):
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(KEPT)  # indexes of earlier versions have no such table
                yield Writer(connection)
                connection.execute("COMMIT")
                self._seals.note_log()
            finally:
                self._connections.give(connection)

    def checkpoint(self) -> None:
        """Move the log into the database, so that the next start is quick; not while it is read."""
        connection = self._connections.take()
        with explained(self._path):
            try:
                # a reader of an older generation is not waited for: the next checkpoint does it
                connection.execute("PRAGMA busy_timeout = 0")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                connection.execute(f"PRAGMA busy_timeout = {int(1000 * BUSY_S)}")
                self._connections.give(connection)

    @property
    def seal(self) -> Seal:
        """What is known of the files of the folder.

        Raises:
            ListDamaged: there is no seal, or it is not what was written.
        """
        return self._seals.seal

    @property
    def is_sealed(self) -> bool:
        """Whether the checksums of all files are known."""
        return self._seals.is_put

    @property
    def is_open(self) -> bool:
        """Whether a writer has begun that has not sealed, or could not."""
        return self._seals.is_open

    def put_seal(self, caches: Iterable[Path]) -> bool:
        """Write down the checksums of the database and of these caches; whether it could be done.

        Not done while the log holds what the database does not, because somebody reads an older
        generation, nor on a disk that takes no more, nor for an index whose seal was lost: whether
        its bytes are right nobody can say any more. The caller holds `lock()`.
        """
        return not self._connections.is_fixed and self._seals.put(caches)

    def _break_seal(self) -> None:
        """Write down that the files are being changed, before the first byte is."""
        self._seals.break_()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """The right to write, held by the operating system until the process ends.

        Raises:
            IndexBusy: another process, or another thread, holds it.
            IndexError_: the folder cannot be written.
        """
        with write_lock(self.folder):
            self._seals.forget()
            try:
                yield
            finally:
                self._seals.forget()

    def set_aside(self, reason: str) -> None:
        """Put a damaged database away as `damaged.db` and begin an empty one."""
        with self.lock():
            if self._connections.is_other:
                return  # another process has done it since
            logger.warning("%s; the index is built again from the notes", reason)
            self._seals.begin("new")
            self._connections.drop_idle()
            with suppress(FileNotFoundError):
                self._path.replace(self.folder / "damaged.db")
            for suffix in ("-wal", "-shm"):
                self._path.with_name(DATABASE + suffix).unlink(missing_ok=True)
            self._prepare()

    def take_place(self, beside: Path) -> None:
        """Put the whole index of another folder in the place of this one, which is lost.

        The caller holds `lock()`. Killed half-way, the old database is there, or the new one.

        Raises:
            IndexError_: a file cannot be moved, or the other index is still being written.
        """
        other = Store(beside)
        if not other.is_sealed:
            raise IndexError_(f"the index in {beside} is not finished")
        self._break_seal()
        self.close()
        try:
            # a log is of one database: behind another it would be applied to foreign pages
            for name in (LOG, f"{DATABASE}-shm"):
                (self.folder / name).unlink(missing_ok=True)
            names = [path.name for path in beside.iterdir() if path.suffix in {".bin", ".json"}]
            for name in (DATABASE, *names, LIST):  # the seal last: it says that all are there
                (beside / name).replace(self.folder / name)
            for pattern in ("bm25-*", "hnsw-*"):
                for path in self.folder.glob(pattern):
                    if path.name not in names:
                        path.unlink(missing_ok=True)
            sync_folder(self.folder)
        except OSError as fault:
            raise IndexError_(f"cannot write in {self.folder}: {fault.strerror}") from fault

    def _prepare(self) -> None:
        self._connections.note_file()
        require_whole(self._path)
        connection = self._connections.connect()
        with explained(self._path):
            try:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    version = self._begin(connection)
                if version != SCHEMA_VERSION:
                    raise IndexDamaged(f"{self._path} has format {version}, not {SCHEMA_VERSION}")
                if not _has_links(connection):
                    # read-only: it has no links, then
                    with suppress(sqlite3.OperationalError, IndexError_):
                        self._break_seal()
                        connection.executescript(LINKS)
                if not has_tokens(connection):
                    with suppress(sqlite3.OperationalError, IndexError_):  # read-only
                        self._break_seal()
                        connection.executescript(f"BEGIN IMMEDIATE; {TOKENS} COMMIT;")
                Reader(connection)
            finally:
                self._connections.note_file()
                self._connections.give(connection)

    def _begin(self, connection: sqlite3.Connection) -> int:
        """Make the tables of an empty database; which format it has then."""
        into_wal(connection)
        connection.execute("BEGIN IMMEDIATE")
        # another process may have been quicker since the first look
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version == 0:
            if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                connection.execute("ROLLBACK")
                raise IndexDamaged(f"{self._path} has tables, but no format")
            self._seals.begin("new")
            for statement in (SCHEMA + LINKS).split(";"):
                connection.execute(statement)
            version = SCHEMA_VERSION
            connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
        return version


def _has_links(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'links'").fetchone())
