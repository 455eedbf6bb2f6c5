"""The public sets that a run knows: which suites take them, and what is there of each.

Knows names and files; reads no set further than its checksum.
"""

from __future__ import annotations

from pathlib import Path

from corpus.errors import ConfigError
from eval.beir import is_set
from eval.originals import READING, original_place, verified
from eval.report import lines
from eval.runs import sha256_of
from eval.sources import KNOWN, KNOWN_SETS, ORIGINALS, require_known

__all__ = ["plain"]


def plain(data: Path | None) -> str:
    """A line for each known set: name, suites, licence, whether it is there, where to get it.

    Args:
        data: folder that is looked into; None for the working folder.
    """
    folder = data or Path()
    rows = []
    for name, known in KNOWN_SETS.items():
        suites = "retrieval, answers" if name in READING else "retrieval"
        rows.append([name, suites, known.licence, _set(folder, name), known.told])
    for name, file in KNOWN.items():
        there = _file(folder / name, file.sha256)
        rows.append([name, "grounding", file.licence, there, file.where])
    for name, one in ORIGINALS.items():
        place = original_place(folder, name) or folder / name
        rows.append([name, ", ".join(one.suites), one.licence, _original(place), one.told])
    columns = ["set", "suites", "licence", f"in {folder}", "from"]
    return "\n".join(lines(("Public sets", columns, rows)))


def _set(folder: Path, name: str) -> str:
    try:
        if not is_set(folder / name):
            return "absent"
        if (folder / name).is_dir():
            require_known(folder / name)
    except ConfigError:
        return "another version"
    return "there"


def _file(path: Path, known: str) -> str:
    if not path.is_file():
        return "absent"
    return "there" if sha256_of(path) == known else "another version"


def _original(path: Path) -> str:
    """As a run would know it: by its checksum, else by its number of rows."""
    if not path.is_file():
        return "absent"
    try:
        how = verified(path)
    except ConfigError:
        return "another version"
    return "there" if how in ("sha256", "md5") else "there, no checksum known"
