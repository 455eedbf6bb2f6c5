"""Lists of checksums: which files belong together, and what each of them holds to the byte.

A list is text, a line `sha256  size  name` a file, ended by a line with the sha256 of the lines
before it, so that a flipped bit in the list itself is seen, too. The files that ship with a
package have one beside them. That of an index folder begins with its state: while somebody writes
it is there, too, and says so, so that a folder without a list is one that lost it. Knows bytes;
knows nothing of what they mean. Called by `store` and `inspection`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal, get_args

__all__ = [
    "LIST",
    "Entry",
    "ListDamaged",
    "Seal",
    "State",
    "differing",
    "entry_of",
    "parse",
    "parse_seal",
    "written",
    "written_seal",
]

State = Literal["new", "sealed", "open", "resumed", "reopened", "lost"]

LIST = "checksums.txt"
_LINE = re.compile(r"([0-9a-f]{64})  (\d{1,18})  ([^\s/\\][^\n/\\]*)")
_STATE = re.compile(rf"the index is ({'|'.join(get_args(State))})\n")
_LAST = re.compile(r"([0-9a-f]{64})  of the lines above")


class ListDamaged(ValueError):
    """A list of checksums that is not what was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file as it was when it was whole: its name in the folder, bytes, sha256 in hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What is known of the bytes of an index folder.

    Attributes:
        state: "new" while nothing was written; "sealed" when the writer was done; "open" from
            before its first change on. "resumed" when a writer was done that went on where a killed
            one had left an open index, and "reopened" while that is changed again: what befell the
            files between the two is not known. "lost" from a change on before which there was no
            list, or a damaged one: only an index that is built anew is sealed again.
        entries: the files; none while it is being changed.
    """

    state: State
    entries: tuple[Entry, ...] = ()

    @property
    def is_put(self) -> bool:
        """Whether it holds the checksums of the files."""
        return self.state in ("sealed", "resumed")


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


def written_seal(seal: Seal) -> bytes:
    """The list of an index folder."""
    lines = b"the index is " + seal.state.encode("ascii") + b"\n" + written(seal.entries)
    return lines + f"{sha256(lines).hexdigest()}  of the lines above\n".encode("ascii")


def parse_seal(content: bytes) -> Seal:
    """What the list of an index folder says; one without a state, of an earlier version, is sealed.

    Raises:
        ListDamaged: a byte of it is not as it was written.
    """
    match = _STATE.match(content[:40].decode("latin-1"))
    if match is None:
        return Seal(state="sealed", entries=tuple(parse(content)))
    rows, _, _ = content[match.end() :].removesuffix(b"\n").rpartition(b"\n")
    entries = parse(rows + b"\n")
    (state,) = (known for known in get_args(State) if known == match[1])
    seal = Seal(state=state, entries=tuple(entries))
    if written_seal(seal) != content:
        raise ListDamaged("it is not as it was written")
    return seal
