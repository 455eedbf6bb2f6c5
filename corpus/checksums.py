"""Lists of checksums: which files belong together, and what each of them holds to the byte.

A list is text, a line `sha256  size  name` a file, ended by a line with the sha256 of the lines
before it, so that a flipped bit in the list itself is seen, too. The files that ship with a
package have one beside them; an index folder has one while nobody writes (`store`). Knows bytes;
knows nothing of what they mean. Called by `store` and `inspection`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

__all__ = ["LIST", "Entry", "ListDamaged", "differing", "entry_of", "parse", "written"]

LIST = "checksums.txt"
_LINE = re.compile(r"([0-9a-f]{64})  (\d{1,18})  ([^\s/\\][^\n/\\]*)")
_LAST = re.compile(r"([0-9a-f]{64})  of the lines above")


class ListDamaged(ValueError):
    """A list of checksums that is not what was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file as it was when it was whole: its name in the folder, bytes, sha256 in hex."""

    name: str
    size: int
    sha256: str


def entry_of(path: Path) -> Entry:
    """What a file holds now.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
        return Entry(name=path.name, size=file.tell(), sha256=digest)


def written(entries: Iterable[Entry]) -> bytes:
    """The list of these files, by name."""
    lines = "".join(
        f"{entry.sha256}  {entry.size}  {entry.name}\n"
        for entry in sorted(entries, key=lambda entry: entry.name)
    ).encode("utf-8")
    return lines + f"{sha256(lines).hexdigest()}  of the lines above\n".encode("ascii")


def parse(content: bytes) -> list[Entry]:
    """The entries of a list.

    Raises:
        ListDamaged: a byte of it is not as it was written.
    """
    try:
        *lines, last, end = content.decode("utf-8").split("\n")
    except ValueError:
        raise ListDamaged("it is no list of checksums") from None
    found = [_LINE.fullmatch(line) for line in lines]
    sealed = _LAST.fullmatch(last)
    entries = [
        Entry(sha256=match[1], size=int(match[2]), name=match[3]) for match in found if match
    ]
    # written again, so that nothing beside the names and sums has room to differ either
    if not sealed or end or len(entries) < len(found) or written(entries) != content:
        raise ListDamaged("it is not as it was written")
    return entries


def differing(folder: Path, entries: Iterable[Entry]) -> list[str]:
    """Names of the files that are missing, unreadable or not what the entries say, in order."""
    wrong = []
    for entry in entries:
        try:
            if entry_of(folder / entry.name) != entry:
                wrong.append(entry.name)
        except OSError:
            wrong.append(entry.name)
    return wrong
