"""Where youju keeps its own data: never inside a vault.

`$YOUJU_HOME` if set, else the platform's data folder. One folder per vault under `vaults/`,
`cache/` for what may be deleted at any time, `last.json` for the notes last indexed. Knows folders,
not what is written into them.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path

from corpus.records import RecordDamaged, read_record, write_record

__all__ = ["cache_folder", "data_home", "index_folder", "last_notes", "remember_notes"]


def data_home() -> Path:
    """The folder of all indexes, not necessarily existing."""
    if os.environ.get("YOUJU_HOME"):
        return Path(os.environ["YOUJU_HOME"]).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(base) / "youju"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "youju"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "youju"


def cache_folder() -> Path | None:
    """A private folder for caches, made if need be; None where nothing can be written."""
    folder = data_home() / "cache"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def index_folder(notes: Path) -> Path:
    """The index folder of a vault: its name, readable, and a hash of its absolute path."""
    absolute = str(notes.expanduser().resolve())
    digest = hashlib.sha256(absolute.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    name = re.sub(r"[^\w.-]+", "-", notes.resolve().name)[:40].strip("-.") or "notes"
    return data_home() / "vaults" / f"{name}-{digest}"


def remember_notes(notes: Path) -> None:
    """Record the notes last indexed, so that later commands need not name them."""
    write_record(data_home() / "last.json", "notes", str(notes.expanduser().resolve()))


def last_notes() -> Path | None:
    """The notes last indexed, or None if there are none or the record is unreadable."""
    try:
        kept = read_record(data_home() / "last.json", "notes")
    except (OSError, RecordDamaged):
        return None
    return Path(kept) if isinstance(kept, str) else None
