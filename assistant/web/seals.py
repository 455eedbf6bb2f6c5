"""Whether the file of conversations is, to the byte, as it was last written.

Rows have checksums of their own (`store`); this one is over all of the file, also over bytes that
hold nothing. SQLite counts the writes in the head of the file, twice: a seal of another count is
of an earlier state, as a kill between a write and its seal leaves it, and says nothing. The bytes
are read through SQLite, in one transaction, never beside it: closing a second handle of the file
would drop the locks of this process.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from pathlib import Path

from corpus.records import RecordDamaged, read_record, write_record

__all__ = ["SEAL", "is_altered", "remove", "renew"]

logger = logging.getLogger(__name__)

SEAL = "chats.seal"
_NAME = "chats"
_ALTERED = "altered"
_LARGEST = 16 << 20  # bytes of a file that is sealed with each turn: some 20 ms
_COUNTS = (slice(24, 28), slice(92, 96))  # "file change counter", "version-valid-for number"


def is_altered(file: Path, connection: sqlite3.Connection) -> bool:
    """Whether the file differs from what was sealed, or its seal is damaged.

    Args:
        file: of the conversations; its seal lies beside it.
        connection: to it.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    try:
        kept = read_record(file.with_name(SEAL), _NAME)
    except OSError:  # none yet
        kept = ""
    except RecordDamaged:
        return True
    now = _state(connection)
    if now is None or kept == _ALTERED:
        return True
    count, _, _ = now.partition(" ")
    return str(kept).partition(" ")[0] == count and kept != now


def renew(file: Path, connection: sqlite3.Connection, *, first: bool = False) -> None:
    """Seal the file as it is now, behind a write.

    Args:
        file: of the conversations.
        connection: to it, outside a transaction.
        first: nothing was written yet by who asks: what was altered before then stays so.
    """
    try:
        if first and is_altered(file, connection):
            logger.warning("%s is not as it was written: youju doctor", file)
            write_record(file.with_name(SEAL), _NAME, _ALTERED)
            return
        if not first and (file.stat().st_size > _LARGEST or _is_told_altered(file)):
            return
        now = _state(connection)
        if now is not None:
            write_record(file.with_name(SEAL), _NAME, now)
    except OSError as fault:  # a full disk: the seal of before is of another count
        logger.warning("the conversations are not sealed: %s", fault)


def remove(file: Path) -> None:
    """Remove the seal, before another file takes the place of this one.

    Raises:
        OSError: the folder cannot be written.
    """
    file.with_name(SEAL).unlink(missing_ok=True)


def _is_told_altered(file: Path) -> bool:
    try:
        return read_record(file.with_name(SEAL), _NAME) == _ALTERED
    except OSError:
        return False
    except RecordDamaged:
        return True


def _state(connection: sqlite3.Connection) -> str | None:
    """Count of writes and checksum of the whole file; None if its two counts differ."""
    held = connection.serialize()
    first, second = (held[place] for place in _COUNTS)
    if first != second:
        return None
    return f"{int.from_bytes(first, 'big')} {hashlib.sha256(held).hexdigest()}"
