"""Small files that keep one value each, beside a checksum: a flipped bit in them is seen.

Knows nothing of what the values mean. Called by `places` and by `assistant`.
"""

from __future__ import annotations

import json
import os
import threading
from hashlib import sha256
from pathlib import Path

__all__ = ["RecordDamaged", "read_record", "write_record"]

Value = str | bool


class RecordDamaged(ValueError):
    """A record that is not as it was written."""


def write_record(path: Path, name: str, value: Value) -> None:
    """Write a record, readable by its owner; the old one stays until it is written.

    Raises:
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # of this thread alone: another one may write the same record at the same time
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(_content(name, value))
    temporary.replace(path)


def read_record(path: Path, name: str) -> Value:
    """The value of a record; one of an earlier version has no checksum.

    Raises:
        OSError: it cannot be read.
        RecordDamaged: it is not what was written, or of another name.
    """
    content = path.read_bytes()
    try:
        kept = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise RecordDamaged(f"{path} is no record") from None
    if not isinstance(kept, dict) or not isinstance(kept.get(name), str | bool):
        raise RecordDamaged(f"{path} is no record of {name}")
    value: Value = kept[name]
    # to the byte: another spelling of the same value is a damage, too
    if kept.keys() != {name} and content != _content(name, value).encode("utf-8"):
        raise RecordDamaged(f"{path} is not as it was written")
    return value


def _content(name: str, value: Value) -> str:
    digest = sha256(json.dumps([name, value]).encode("ascii")).hexdigest()
    return json.dumps({name: value, "sha256": digest})
