"""Lists of checksums: which files belong together, and what each of them holds to the byte.

A list is text, a line `sha256  size  name` a file, ended by a line with the sha256 of the lines
before it, so that a flipped bit in the list itself is seen, too. The files that ship with a
package have one beside them. That of an index folder begins with its state: while somebody writes
it is there, too, and says so, so that a folder without a list is one that lost it. A large file of
which little changes has a line for each block, `sha256  size  name@start`, so that what stayed need
not be read again. Knows bytes; knows nothing of what they mean. Called by `sealing` and
`inspection`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal, get_args

__all__ = [
    "BLOCK",
    "LIST",
    "Entry",
    "ListDamaged",
    "Seal",
    "State",
    "by_name",
    "differing",
    "entry_of",
    "is_as_written",
    "parse",
    "parse_seal",
    "parts_of",
    "size_of",
    "written",
    "written_seal",
]

State = Literal["new", "sealed", "open", "resumed", "reopened", "lost"]

LIST = "checksums.txt"
BLOCK = 1 << 18  # bytes; pages of a database that change lie apart, and each costs a block
_LINE = re.compile(r"([0-9a-f]{64})  (\d{1,18})  ([^\s/\\][^\n/\\]*?)(?:@(\d{1,18}))?")
_STATE = re.compile(rf"the index is ({'|'.join(get_args(State))})\n")
_LAST = re.compile(r"([0-9a-f]{64})  of the lines above")


class ListDamaged(ValueError):
    """A list of checksums that is not what was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file as it was when it was whole: its name in the folder, bytes, sha256 in hex.

    Attributes:
        start: where the block begins that it is of; None for a whole file.
    """

    name: str
    size: int
    sha256: str
    start: int | None = None


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


def parts_of(
    path: Path, *, known: Sequence[Entry] = (), changed: Collection[int] | None = None
) -> list[Entry]:
    """What a file holds now, block by block; at least one.

    Args:
        path: of the file.
        known: its blocks as they were.
        changed: numbers of the blocks that may differ from them, and that alone are read, besides
            those that are new or of another size; None for all.

    Raises:
        OSError: it cannot be read.
    """
    before = {entry.start: entry for entry in known}
    found = []
    with path.open("rb") as file:
        size = file.seek(0, 2)
        for start in range(0, max(size, 1), BLOCK):
            held = before.get(start)
            n = min(BLOCK, size - start)
            if changed is None or held is None or held.size != n or start // BLOCK in changed:
                file.seek(start)
                data = file.read(n)
                if len(data) < n:
                    raise OSError(f"{path.name} became shorter while it was read")
                held = Entry(name=path.name, size=n, sha256=sha256(data).hexdigest(), start=start)
            found.append(held)
    return found


def by_name(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Entries by file, the blocks of one in order."""
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=_place):
        found[entry.name].append(entry)
    return dict(found)


def size_of(entries: Sequence[Entry]) -> int:
    """Bytes of a file by its entries."""
    return max((entry.start or 0) + entry.size for entry in entries)


def is_as_written(path: Path, entries: Sequence[Entry]) -> bool:
    """Whether a file holds what its entries say.

    Raises:
        OSError: it cannot be read.
    """
    if entries[0].start is None:
        return [entry_of(path)] == list(entries)
    return parts_of(path) == list(entries)


def _place(entry: Entry) -> tuple[str, int]:
    return entry.name, entry.start or 0


def written(entries: Iterable[Entry]) -> bytes:
    """The list of these files and blocks, by name and place."""
    lines = "".join(
        f"{entry.sha256}  {entry.size}  {entry.name}"
        f"{'' if entry.start is None else f'@{entry.start}'}\n"
        for entry in sorted(entries, key=_place)
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
        Entry(
            sha256=match[1],
            size=int(match[2]),
            name=match[3],
            start=None if match[4] is None else int(match[4]),
        )
        for match in found
        if match
    ]
    # written again, so that nothing beside the names and sums has room to differ either
    if not sealed or end or len(entries) < len(found) or written(entries) != content:
        raise ListDamaged("it is not as it was written")
    return entries


def differing(folder: Path, entries: Iterable[Entry]) -> list[str]:
    """Names of the files that are missing, unreadable or not what the entries say, in order."""
    wrong = []
    for name, parts in by_name(entries).items():
        try:
            if not is_as_written(folder / name, parts):
                wrong.append(name)
        except OSError:
            wrong.append(name)
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
