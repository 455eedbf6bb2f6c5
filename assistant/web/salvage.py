"""Conversations on disk held against their checksums, and what is whole of them saved.

Unlike an index they cannot be made again: a damaged file is kept beside the new one, which holds
every turn that can still be read. Called by `assistant.doctor`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from assistant.web import seals
from assistant.web.store import Turn, TurnStore, decode, digest_of

__all__ = ["DAMAGED", "faults_of", "saved"]

DAMAGED = "damaged-chats.sqlite3"
_SHOWN = 5
# what SQLite says of a damaged schema quotes its bytes
_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
_Row = tuple[str, str, str, str, str | None]
_COLUMNS = "session, sheet, asked_at, turn"


def faults_of(file: Path) -> tuple[int, list[str]]:
    """Number of turns that are whole, and what is wrong with the file, a line each.

    Turns of earlier versions have no checksum: of these only the form is looked at.
    """
    try:
        with closing(_opened(file)) as connection:
            connection.execute("BEGIN")  # of one moment, while turns are added
            said = [row[0] for row in connection.execute(f"PRAGMA integrity_check({_SHOWN})")]
            said = [] if said == ["ok"] else said
            if not said and seals.is_altered(file, connection):
                said.append("the file is not as it was written")
            rows = list(_rows(connection))
            (n_rows,) = connection.execute("SELECT count(*) FROM turns").fetchone()
    except (*_UNREADABLE, OSError) as fault:
        return 0, [str(fault)]
    wrong = [number for number, row in rows if not _is_whole(row)]
    said += [f"turn {number}" for number in wrong[:_SHOWN]]
    if not said and n_rows != len(rows):
        said.append(f"{n_rows - len(rows)} turns cannot be read")
    return len(rows) - len(wrong), said


def saved(file: Path) -> int:
    """Put every whole turn into a new file, and the damaged one beside it; how many there are.

    Raises:
        OSError: the folder cannot be written.
    """
    whole: list[tuple[int, _Row]] = []
    try:
        with closing(_opened(file)) as connection:
            whole = [(number, row) for number, row in _rows(connection) if _is_whole(row)]
    except _UNREADABLE:  # nothing of it can be read
        whole = []
    beside = file.with_name("saving")
    beside.mkdir(mode=0o700, exist_ok=True)
    new = beside / file.name
    new.unlink(missing_ok=True)
    TurnStore(beside)
    with closing(sqlite3.connect(new)) as connection, connection:
        connection.executemany(
            f"INSERT INTO turns (number, {_COLUMNS}, digest) VALUES (?, ?, ?, ?, ?, ?)",
            [(number, *row[:4], digest_of(*row[:4])) for number, row in whole],
        )
    beside.joinpath(seals.SEAL).unlink(missing_ok=True)
    seals.remove(file)
    file.replace(file.with_name(DAMAGED))
    for suffix in ("-journal", "-wal", "-shm"):  # of the damaged file, not of the new one
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    new.replace(file)
    beside.rmdir()
    TurnStore(file.parent)  # seals it
    return len(whole)


def _opened(file: Path) -> sqlite3.Connection:
    # what a kill left half-written is rolled back by whoever opens the file to write
    mode = "rw" if file.with_name(f"{file.name}-journal").exists() else "ro"
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=10)
    connection.text_factory = lambda held: held.decode("utf-8", "replace")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def _rows(connection: sqlite3.Connection) -> Iterator[tuple[int, _Row]]:
    """The rows that can be read, one by one: a damaged page costs only those on it."""
    names = {row[1] for row in connection.execute("PRAGMA table_info(turns)")}
    digest = "digest" if "digest" in names else "NULL"
    # by its own index, which may be whole where the table is not; and the other way round
    numbers: set[int] = set()
    for order in ("NOT INDEXED ORDER BY number", "INDEXED BY turns_by_session"):
        try:
            for (number,) in connection.execute(f"SELECT number FROM turns {order}"):
                numbers.add(number)
        except _UNREADABLE:
            continue
    for number in sorted(numbers):
        try:
            row = connection.execute(
                f"SELECT {_COLUMNS}, {digest} FROM turns WHERE number = ?", (number,)
            ).fetchone()
        except _UNREADABLE:
            continue
        if row is not None:
            yield number, row


def _is_whole(row: _Row) -> bool:
    session, sheet, asked_at, turn, digest = row
    if not all(isinstance(value, str) for value in (session, sheet, asked_at, turn)):
        return False
    if digest is not None:
        return digest == digest_of(session, sheet, asked_at, turn)
    try:
        decode(Turn, json.loads(turn))
    except (KeyError, TypeError, ValueError):
        return False
    return True
