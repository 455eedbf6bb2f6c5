"""Chat turns on disk, so that a restarted server shows the same conversation.

One SQLite file in a private folder; sessions are random names kept by the browser. An answer is
stored as JSON without the notes behind it; passages are read from the index when opened. Each row
has a checksum, and so has the file (`seals`), so that a flipped bit is found (`salvage`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from assistant.types import Answer, Verdict
from assistant.web import seals
from assistant.web.spots import Sheet
from corpus.errors import YoujuError
from corpus.records import RecordDamaged, read_record, write_record

__all__ = [
    "FILE",
    "KEY",
    "Chat",
    "ChatsDamaged",
    "NotKept",
    "StoreClosed",
    "Turn",
    "TurnStore",
    "browser_secret",
    "decode",
    "digest_of",
    "encode",
    "kept_secret",
    "new_session",
    "valid_session",
]

logger = logging.getLogger(__name__)

FILE = "chats.sqlite3"
KEY = "browser.key"
_SESSION = re.compile(r"[0-9a-f]{32}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS turns (
    number INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    sheet TEXT NOT NULL,
    asked_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    turn TEXT NOT NULL,
    digest TEXT
);
CREATE INDEX IF NOT EXISTS turns_by_session ON turns (session, number);
CREATE INDEX IF NOT EXISTS turns_by_sheet ON turns (sheet);
"""
_DROP_FROM = (
    "DELETE FROM turns WHERE session = ? AND number >="
    " (SELECT number FROM turns WHERE session = ? AND sheet = ?)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A question with its answer as shown: `answer.hits` is empty, `sheet` holds the places.

    `scope` is the note it was kept to, empty for all; `exact` says it was not to be completed;
    `root` is the folder whose notes were asked, empty for a turn that was stored before it was.
    """

    answer: Answer
    sheet: Sheet
    scope: str = ""
    exact: bool = False
    root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A conversation in a list: its first question, the time of its last (UTC), its turns."""

    session: str
    title: str
    last: str
    n: int


class ChatsDamaged(YoujuError):
    """The conversations on disk cannot be used as they are."""


class NotKept(YoujuError):
    """A turn cannot be stored."""


class StoreClosed(NotKept):
    """No conversation is kept any more: the page is being stopped."""


def valid_session(session: object) -> str | None:
    """The session name a browser sent, if it is one of ours."""
    return session if isinstance(session, str) and _SESSION.fullmatch(session) else None


def new_session() -> str:
    """A session name that cannot be guessed."""
    return secrets.token_hex(16)


def browser_secret(folder: Path) -> str:
    """The key under which browsers keep their session name; made once, readable by the owner."""
    file = folder / KEY
    try:
        key = kept_secret(file)
    except (OSError, RecordDamaged):
        # first start, or a damaged file: a new key only starts new conversations
        key = secrets.token_hex(16)
    else:
        if file.stat().st_size > len(key) + 2:
            return key
    write_record(file, "key", key)
    return key


def kept_secret(file: Path) -> str:
    """The key of the browsers; one of an earlier version stands there bare.

    Raises:
        OSError: it cannot be read.
        RecordDamaged: it is not as it was written.
    """
    bare = file.read_bytes().strip().decode("latin-1")
    known = bare if _SESSION.fullmatch(bare) else read_record(file, "key")
    if not isinstance(known, str) or not _SESSION.fullmatch(known):
        raise RecordDamaged(f"{file} holds no key")
    return known


def encode(value: Any) -> Any:
    """A dataclass as what JSON can hold; empty fields stay, nothing is lost but tuples' type."""
    return dataclasses.asdict(value)


def decode(kind: Any, data: Any) -> Any:
    """The value of type `kind` that was encoded as `data`.

    Raises:
        KeyError, TypeError, ValueError: the data is not of this type.
    """
    origin = get_origin(kind)
    if origin is UnionType:
        if data is None:
            return None
        return decode(next(arg for arg in get_args(kind) if arg is not NoneType), data)
    if origin is tuple:
        return tuple(decode(get_args(kind)[0], item) for item in data)
    if kind is Verdict:
        return Verdict(data)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(data, dict):
            raise TypeError(f"{kind.__name__} is an object, not {type(data).__name__}")
        hints = _hints(kind)
        return kind(**{name: decode(hints[name], item) for name, item in data.items()})
    if kind in (str, bool, int) and not isinstance(data, kind):
        raise TypeError(f"{kind.__name__} expected, not {type(data).__name__}")
    return data


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields; to work them out takes ten times as long as to decode."""
    return get_type_hints(kind)


@lru_cache(maxsize=256)
def _turn_of(text: str) -> Turn:
    """A stored turn, from the text of its row; the turns of open chats are asked for often.

    Raises:
        KeyError, TypeError, ValueError: the text is no turn.
    """
    turn: Turn = decode(Turn, json.loads(text))
    return turn


def digest_of(session: str, sheet: str, asked_at: str, turn: str) -> str:
    """The checksum of a row."""
    return hashlib.sha256("\x00".join((session, sheet, asked_at, turn)).encode()).hexdigest()


def _of_session(session: str, before: str) -> tuple[str, tuple[str, ...]]:
    """The condition for turns of a session, those before a sheet's if one is named."""
    if not before:
        return "session = ?", (session,)
    return (
        "session = ? AND number < (SELECT number FROM turns WHERE session = ? AND sheet = ?)",
        (session, session, before),
    )


class TurnStore:
    """The turns of all sessions.

    Args:
        folder: private folder, existing.

    Raises:
        ChatsDamaged: the file is no database, or not that of conversations.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._writing = threading.Lock()
        self._is_closed = False
        try:
            self._prepare()
        except (
            sqlite3.DatabaseError,
            UnicodeDecodeError,
        ) as fault:  # which quotes a damaged schema
            raise ChatsDamaged(
                f"the conversations in {self._file} cannot be used ({fault});"
                " save what can be read of them: youju doctor --repair"
            ) from fault
        self._file.chmod(0o600)

    def _prepare(self) -> None:
        with self._connect() as connection:
            connection.executescript(_SCHEMA)
            named = connection.execute("SELECT name FROM pragma_table_info('turns')")
            names = {name for (name,) in named}
            if "digest" not in names:  # of an earlier version: its turns stay without
                connection.execute("ALTER TABLE turns ADD COLUMN digest TEXT")
        self._sealed(first=True)

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        # one connection a call: Gradio runs each handler in a thread of its own
        connection = sqlite3.connect(self._file, timeout=10)
        try:
            connection.execute("PRAGMA secure_delete = ON")  # what was removed is unreadable
            with connection:
                yield connection
        finally:
            connection.close()

    def _sealed(self, *, first: bool = False) -> None:
        connection = sqlite3.connect(self._file, timeout=10)
        try:
            seals.renew(self._file, connection, first=first)
        finally:
            connection.close()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """A connection to write with, one at a time; the file is sealed behind it."""
        with self._writing:
            if self._is_closed:
                raise StoreClosed("the page is being stopped")
            with self._connect() as connection:
                yield connection
            self._sealed()

    def close(self) -> None:
        """Wait for the change that is on its way, and admit no other one; reading goes on."""
        with self._writing:
            self._is_closed = True

    def add(self, session: str, turn: Turn, *, replacing: str = "") -> None:
        """Store a finished turn at the end of its session.

        Args:
            session: whose turn.
            turn: what is stored.
            replacing: id of the sheet whose turn, with all behind it, gives way; it stays where
                the new one cannot be stored.

        Raises:
            NotKept: it cannot be stored: no room, a lock that does not end, a read-only place, or
                the page is being stopped.
        """
        bare = dataclasses.replace(turn, answer=dataclasses.replace(turn.answer, hits=()))
        text = json.dumps(encode(bare), ensure_ascii=False)
        asked_at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        row = (session, turn.sheet.id, asked_at, text)
        try:
            with self._changing() as connection:
                if replacing:
                    connection.execute(_DROP_FROM, (session, session, replacing))
                connection.execute(
                    "INSERT INTO turns (session, sheet, asked_at, turn, digest)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (*row, digest_of(*row)),
                )
        except (sqlite3.OperationalError, OSError) as fault:
            raise NotKept(f"{self._file}: {fault}") from fault

    def turns(self, session: str, *, last: int = -1, before: str = "") -> list[Turn]:
        """Turns of a session, oldest first; damaged ones are left out.

        Args:
            session: whose turns.
            last: no more than so many, those that were asked last; all of them if negative.
            before: id of a sheet: only turns older than its own; all turns if empty.
        """
        return self._read(*_of_session(session, before), last)

    def n_turns(self, session: str, *, before: str = "") -> int:
        """How many turns a session has, damaged ones among them; `before` as in `turns`."""
        condition, values = _of_session(session, before)
        with self._connect() as connection:
            count = f"SELECT COUNT(*) FROM turns WHERE {condition}"
            return int(connection.execute(count, values).fetchone()[0])

    def turn(self, session: str, sheet_id: str) -> Turn | None:
        """The turn of a session that a sheet belongs to; None if there is none."""
        found = self._read("session = ? AND sheet = ?", (session, sheet_id))
        return next(iter(found), None)

    def sheet(self, sheet_id: str) -> Sheet | None:
        """The sheet of a stored turn; None if no turn has it."""
        return next((turn.sheet for turn in self._read("sheet = ?", (sheet_id,))), None)

    def _read(self, condition: str, values: tuple[str | int, ...], last: int = -1) -> list[Turn]:
        with self._connect() as connection:
            rows = connection.execute(
                f"SELECT number, turn FROM turns WHERE {condition} ORDER BY number DESC LIMIT ?",
                (*values, last),
            ).fetchall()
        found = []
        for number, text in reversed(rows):
            try:
                found.append(_turn_of(text))
            except (KeyError, TypeError, ValueError):
                logger.warning("chat turn %d cannot be read and is left out", number)
        return found

    def drop(self, session: str) -> None:
        """Remove a session."""
        with self._changing() as connection:
            connection.execute("DELETE FROM turns WHERE session = ?", (session,))

    def chats(self, only: str | None = None) -> list[Chat]:
        """The sessions, the last used first.

        Args:
            only: the one session to tell of; None tells of all, at most the last 200.
        """
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT session, MIN(number), MAX(asked_at), COUNT(*) FROM turns"
                " WHERE ? IS NULL OR session = ? GROUP BY session"
                " ORDER BY MAX(number) DESC LIMIT 200",
                (only, only),
            ).fetchall()
        found = []
        for session, first, last, n in rows:
            opening = next(iter(self._read("number = ?", (first,))), None)
            title = opening.answer.question if opening else "…"
            found.append(Chat(session=session, title=title, last=last, n=n))
        return found
