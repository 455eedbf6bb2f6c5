"""The index on disk: one SQLite file, its transactions, and the right to write it.

Knows connections, the writer's lock, how a damaged file is set aside, and when the seal of the
folder is broken and put (`sealing`). What is in the tables is for `tables` to know. `refresh`
writes through `Writer`, `index` reads through `Reader`; every reader sees one generation, however
long it reads.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from corpus.checksums import LIST, Seal
from corpus.errors import IndexBusy, IndexError_
from corpus.rows import FileRow, IndexDamaged, NoteRow, storable, storable_path, stored_json
from corpus.schema import KEPT, LINKS, SCHEMA, SCHEMA_VERSION, TOKENS, has_tokens
from corpus.sealing import DATABASE, LOG, Seals, sync_folder, write_atomically
from corpus.tables import Reader
from corpus.writer import Writer

__all__ = [
    "DATABASE",
    "LOG",
    "FileRow",
    "IndexDamaged",
    "NoteRow",
    "Reader",
    "Store",
    "Writer",
    "storable",
    "storable_path",
    "stored_json",
    "sync_folder",
    "write_atomically",
]

logger = logging.getLogger(__name__)

_BUSY_SECONDS = 30.0
_RETRY_SECONDS = 0.02


class Store:
    """The database of one index folder: connections, transactions, the writer's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / DATABASE
        self._guard = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._inode = 0
        self._closed = False
        self._seals = Seals(folder)
        self._is_fixed = False  # cannot be written, not even what a reader of SQLite needs

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
        log = self._path.with_name(LOG)
        try:
            if not self._path.stat().st_size or (log.exists() and log.stat().st_size):
                return False  # what the log holds would be missed
        except OSError:
            return False
        self._is_fixed = True
        try:
            self._prepare()
        except IndexError_:
            self._is_fixed = False
        return self._is_fixed

    def close(self) -> None:
        """Close every idle connection; what is still being read closes when it is done."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader of the newest generation, which stays the same until it is closed."""
        connection = self._take()
        with _explained(self._path):
            try:
                connection.execute("BEGIN")
                yield Reader(connection)
            finally:
                self._give(connection)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """A writer in one transaction: committed at the end, rolled back on any exception.

        The caller holds `lock()`.
        """
        self._break_seal()
        connection = self._take()
        with _explained(self._path):
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(KEPT)  # indexes of earlier versions have no such table
                yield Writer(connection)
                connection.execute("COMMIT")
                self._seals.note_log()
            finally:
                self._give(connection)

    def checkpoint(self) -> None:
        """Move the log into the database, so that the next start is quick; not while it is read."""
        connection = self._take()
        with _explained(self._path):
            try:
                # a reader of an older generation is not waited for: the next checkpoint does it
                connection.execute("PRAGMA busy_timeout = 0")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                connection.execute(f"PRAGMA busy_timeout = {int(1000 * _BUSY_SECONDS)}")
                self._give(connection)

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
        return not self._is_fixed and self._seals.put(caches)

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
        path = self.folder / "write.lock"
        try:
            file = path.open("a+b", buffering=0)  # a buffer would be written again by closing it
        except OSError as fault:
            raise IndexError_(f"cannot write in {self.folder}: {fault.strerror}") from fault
        with file:
            if not _try_lock(file.fileno()):
                file.seek(0)
                said = (file.read(200) or b"").decode("utf-8", "replace")
                holder = " ".join(said.split()) or "another process"
                raise IndexBusy(
                    f"the index in {self.folder} is being written by {holder};"
                    " wait until it is done, or stop it"
                )
            try:
                file.seek(0)
                file.truncate()
                said = f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}"
                file.write(said.encode("ascii"))
            except OSError as fault:  # a full disk
                raise IndexError_(f"cannot write in {self.folder}: {fault.strerror}") from fault
            self._seals.forget()
            try:
                yield
            finally:
                self._seals.forget()

    def set_aside(self, reason: str) -> None:
        """Put a damaged database away as `damaged.db` and begin an empty one."""
        with self.lock():
            if self._inode_now() not in (0, self._inode):
                return  # another process has done it since
            logger.warning("%s; the index is built again from the notes", reason)
            self._seals.begin("new")
            with self._guard:
                idle, self._idle = self._idle, []
            for connection in idle:
                connection.close()
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

    def _require_whole(self) -> None:
        """Refuse a database that was cut: SQLite takes the missing part of a page for zeros."""
        try:
            log = self._path.with_name(LOG)
            if log.exists() and log.stat().st_size:  # the log may hold what the file does not
                return
            with self._path.open("rb") as file:
                head = file.read(100)
            size = self._path.stat().st_size
        except OSError:
            return
        if len(head) < 100 or head[24:28] != head[92:96]:
            return
        page = int.from_bytes(head[16:18], "big")
        n_pages = int.from_bytes(head[28:32], "big")
        if size < n_pages * (65_536 if page == 1 else page):
            raise IndexDamaged(f"{self._path} is cut: {size} bytes are left of it")

    def _prepare(self) -> None:
        self._inode = self._inode_now()
        self._require_whole()
        connection = self._connect()
        with _explained(self._path):
            try:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    _into_wal(connection)
                    connection.execute("BEGIN IMMEDIATE")
                    # another process may have been quicker since the first look
                    version = connection.execute("PRAGMA user_version").fetchone()[0]
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
                self._inode = self._inode_now()
                self._give(connection)

    def _connect(self) -> sqlite3.Connection:
        with _explained(self._path):
            place = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(
                place if self._is_fixed else self._path,
                uri=self._is_fixed,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
            # a deleted note leaves no readable bytes behind
            connection.execute("PRAGMA secure_delete = ON")
            return connection

    def _take(self) -> sqlite3.Connection:
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
        return self._connect()

    def _give(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.rollback()
        with self._guard:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _inode_now(self) -> int:
        try:
            return self._path.stat().st_ino
        except OSError:
            return 0


def _into_wal(connection: sqlite3.Connection) -> None:
    """Change the mode of the journal, waiting for who writes: for this SQLite itself does not.

    Raises:
        sqlite3.OperationalError: the database is locked for long, or cannot be written.
    """
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _has_links(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'links'").fetchone())


# "operational" to Python, though no operation can help: a schema of the right version that lacks
# its tables, a text whose bytes are none
_DAMAGE = (
    "no such table", "no such column", "Could not decode to UTF-8", "unsupported file format"
)  # fmt: skip


@contextmanager
def _explained(path: Path) -> Iterator[None]:
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


def _try_lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            # past the holder's name, which stays legible
            os.lseek(descriptor, 1 << 30, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
