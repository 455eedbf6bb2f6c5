"""What a machine gives youju to work with: Python, packages, folders, disk, clock.

Reads and tries only; a folder is tried with a temporary file. Knows no index. Called by `doctor`.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from assistant.diagnosis import Entry, entry

__all__ = ["clock", "disk", "folders", "packages", "python"]

_OLDEST = (3, 11)
_ENOUGH, _LEAST = 200_000_000, 20_000_000  # bytes: to build an index again, and to do anything
_RELEASED = 1_735_689_600  # 2025-01-01: before it nobody can have had this program
_AHEAD_S = 86_400.0
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?\s*([^;]*)(;.*)?")


def python() -> Iterator[Entry]:
    """Whether Python is recent enough."""
    said = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _OLDEST:
        yield entry("python.old", "fault", "", said)
    else:
        yield entry("python.sound", "sound", "", said)


def packages(of: str = "youju") -> Iterator[Entry]:
    """Whether what the distribution needs is there, in versions it was made for."""
    try:
        needed = requires(of) or []
    except PackageNotFoundError:  # run from a checkout that was never installed
        return
    n_found = 0
    for line in needed:
        match = _REQUIREMENT.fullmatch(line)
        if match is None or match[3]:  # an extra, or for another system
            continue
        name, wanted = match[1], match[2].strip()
        try:
            found = version(name)
        except PackageNotFoundError:
            yield entry("packages.missing", "fault", name, wanted)
            continue
        n_found += 1
        if not _admits(wanted, found):
            yield entry("packages.range", "remark", name, f"{found}, not {wanted}")
    yield entry("packages.sound", "sound", "", f"{n_found}")


def _admits(wanted: str, found: str) -> bool:
    """Whether a version lies in a range of `>=` and `<`."""
    for part in filter(None, (part.strip() for part in wanted.split(","))):
        sign, bound = re.split(r"(?<=[<>=!~])(?=[^<>=!~])", part, maxsplit=1)
        at, limit = _numbers(found), _numbers(bound)
        if (sign == ">=" and at < limit) or (sign == "<" and at >= limit):
            return False
    return True


def _numbers(said: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", said)[:3])


def folders(paths: Sequence[Path | None]) -> Iterator[Entry]:
    """Whether something can be written in these folders, or where they are to be made.

    Args:
        paths: of the folders; None stands for the one of temporary files.
    """
    writable = []
    for path in paths:
        try:
            place = Path(tempfile.gettempdir()) if path is None else _there(path)
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(b"youju")
                file.flush()
        except OSError as fault:
            shown = str(path or "TMPDIR")
            yield entry("folder.fixed", "fault", shown, fault.strerror or str(fault))
        else:
            writable.append(str(path or place))
    if writable:
        yield entry("folder.sound", "sound", "", ", ".join(writable))


def disk(path: Path, needed: int) -> Iterator[Entry]:
    """Whether enough is free where a folder is, or is to be made.

    Args:
        path: the folder.
        needed: bytes of what may have to be written again.
    """
    try:
        free = shutil.disk_usage(_there(path)).free
    except OSError:
        return
    said = f"{free / 1e9:.1f} GB" if free >= 1e9 else f"{free / 1e6:.0f} MB"
    if free < _LEAST:
        yield entry("disk.low", "fault", str(path), said)
    elif free < max(_ENOUGH, 2 * needed):
        yield entry("disk.low", "remark", str(path), said)
    else:
        yield entry("disk.sound", "sound", str(path), said)


def _there(path: Path) -> Path:
    """The folder, or the nearest one above it that there is."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def clock(seen: Sequence[tuple[str, float]], now: float | None = None) -> Iterator[Entry]:
    """Whether the clock can be right.

    Args:
        seen: events that are past, with their times in seconds since 1970.
        now: what the clock says; the system's if None.
    """
    at = time.time() if now is None else now
    said = time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
    if at < _RELEASED:
        yield entry("clock.wrong", "fault", "youju", said)
        return
    ahead = [name for name, stamp in seen if stamp > at + _AHEAD_S]
    for name in ahead:
        yield entry("clock.wrong", "remark", name, said)
    if not ahead:
        yield entry("clock.sound", "sound", "", said)
