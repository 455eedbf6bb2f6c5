"""A zip of notes, and the part zips inside a Notion export, as one list of members.

Nothing is unpacked to where its name says: members are read one by one, by their size at most.
Knows names and bytes, not what makes a note (`readers`).
"""

from __future__ import annotations

import errno
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from corpus.drafts import Unreadable
from corpus.errors import CorpusError
from corpus.notion import is_export, is_part
from corpus.types import Skipped

__all__ = ["DAMAGE", "Archive", "is_archived_export", "storable"]

MAX_PARTS_BYTES = 2_000_000_000  # of all part zips together, unpacked from the outer one
_IN_MEMORY = 32_000_000  # of a part; a larger one waits in a temporary file
_BOMB = 50  # times smaller inside than outside: no zip of zips is that
DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, OverflowError, RuntimeError,
    NotImplementedError,
)  # fmt: skip


class Archive:
    """An open zip.

    Args:
        root: the file.

    Attributes:
        skipped: members that are not to be read, and why.

    Raises:
        CorpusError: it cannot be opened.
    """

    def __init__(self, root: Path) -> None:
        self._open: list[zipfile.ZipFile | IO[bytes]] = []
        self.skipped: list[Skipped] = []
        self._members: dict[str, tuple[zipfile.ZipFile, zipfile.ZipInfo]] = {}
        self._left = MAX_PARTS_BYTES
        try:
            archive = zipfile.ZipFile(root)
        except (*DAMAGE, ValueError, OSError) as error:
            raise CorpusError(f"Cannot open {root}: {error}. Export it again.") from None
        self._open.append(archive)
        parts = self._list(archive)
        for name in sorted(parts):
            self._list_part(name, archive, parts[name])

    def close(self) -> None:
        """Close the archive and its parts."""
        for held in reversed(self._open):
            held.close()

    def __del__(self) -> None:
        self.close()

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Names and unpacked sizes of the members."""
        for name, (_, info) in self._members.items():
            yield name, info.file_size

    def read(self, name: str) -> bytes:
        """The bytes of a member; raises one of `DAMAGE` if it is damaged."""
        archive, info = self._members[name]
        try:
            return archive.read(info)
        except OSError as fault:
            if fault.errno != errno.EINVAL:  # a disk that fails is no damage of the archive
                raise
            raise zipfile.BadZipFile("a member lies outside of it") from fault
        except ValueError as fault:
            raise zipfile.BadZipFile(str(fault)) from fault

    def _list(
        self, archive: zipfile.ZipFile, *, is_outer: bool = True
    ) -> dict[str, zipfile.ZipInfo]:
        """Take in the members; return those that are parts."""
        parts: dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            if info.filename.endswith("/"):  # `is_dir` breaks at an empty name
                continue
            name = _member_name(info)
            reason = _danger(info, name)
            if reason is None and (name in self._members or name in parts):
                reason = "the archive holds this name twice; the first is read"
            if reason is not None:
                self.skipped.append(Skipped(path=name, reason=reason))
            elif is_outer and is_part(name):
                parts[name] = info
            else:
                self._members[name] = (archive, info)
        return parts

    def _list_part(self, name: str, outer: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        try:
            part = zipfile.ZipFile(self._unpacked(outer, info))
            self._open.append(part)
            self._list(part, is_outer=False)
        except Unreadable as fault:
            self.skipped.append(Skipped(path=name, reason=str(fault)))
        except (*DAMAGE, ValueError, OSError) as error:
            reason = " ".join(f"cannot be unpacked: {error}".split())
            self.skipped.append(Skipped(path=name, reason=reason))

    def _unpacked(self, outer: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
        """A part as a file of its own, which nobody else sees."""
        if info.file_size > self._left:
            raise Unreadable("the parts are larger than 2 GB: unpack them into a folder")
        if info.file_size > _BOMB * max(info.compress_size, 20_000):
            raise Unreadable("a zip bomb, by its size")
        self._left -= info.file_size
        held: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - see close
        self._open.append(held)
        with outer.open(info) as packed:
            shutil.copyfileobj(packed, held)
        held.seek(0)
        return held


def is_archived_export(path: Path) -> bool:
    """Whether a file is a zip that holds a Notion export."""
    try:
        with zipfile.ZipFile(path) as archive:
            return is_export(archive.namelist())
    except (*DAMAGE, ValueError, OSError):
        return False


def storable(path: str) -> str:
    r"""The path with bytes that are no UTF-8 shown as `\udcXX`, so that it can be stored."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _member_name(info: zipfile.ZipInfo) -> str:
    """The name of a member, with forward slashes, in the encoding its writer used."""
    name = info.filename
    if not info.flag_bits & 0x800:  # not marked as UTF-8: macOS writes it all the same
        for encoding in ("utf-8", "gb18030"):  # Chinese Windows writes GBK
            try:
                name = info.filename.encode("cp437").decode(encoding)
                break
            except UnicodeError:
                continue
    return storable(name.replace("\\", "/"))


def _danger(info: zipfile.ZipInfo, name: str) -> str | None:
    """Why a member is not to be read, whatever it holds."""
    if not name:
        return "it has no name"
    if name.startswith(("/", "~")) or ".." in PurePosixPath(name).parts or ":" in name[:2]:
        return "its name leads out of the archive"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return "a link or device, not a file"
    return None
