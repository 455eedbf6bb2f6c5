"""The files of a vault that may hold notes, and the notes in them.

A vault is a folder, one file or a zip. It is only ever read. A file that cannot be a note is
reported with its reason and costs nothing else. Knows folders, links and archives; how the bytes
of a file become notes, `notes` knows. Called by `refresh` and whoever opens notes.
"""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.archives import DAMAGE, Archive, is_archived_export, storable
from corpus.drafts import Unreadable
from corpus.errors import CorpusError
from corpus.formats import CONVERTED, DATABASE
from corpus.notes import MARKDOWN, OUTLINES, PLAIN, notes_from_bytes
from corpus.notion import is_database, is_part, plain_path, shown_paths, superseded
from corpus.templates import template_folders
from corpus.types import DOUBTFUL, Note, Skipped

__all__ = ["MAX_FILE_BYTES", "SourceFile", "Unreadable", "Vault"]

MAX_FILE_BYTES = 20_000_000
# Folders of programs, not of the person: their files are neither notes nor worth a warning.
_LEFT_OUT = frozenset({"node_modules", "__pycache__", "venv"})
_CONFLICT = re.compile(
    r"sync-conflict-\d{8}-\d{6}|conflicted copy|冲突副本|冲突文件|\(SFConflict |NSConflict"
    r"|\.conflict(?:ed)?\b|\(Conflict(?:ed)? ",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file that may hold notes: its path inside the vault, bytes and modification time."""

    path: str
    size: int
    mtime_ns: int


class Vault:
    """The notes of a person: a folder, one file, or a zip.

    Args:
        root: the folder, file or zip.
        hard_links: whether files are read that have a name outside the folder, too. Whoever may
            write in a shared folder can plant such a name of a file that is none of its notes.
            The notes that ship are read so in any case: installers link them.

    Raises:
        CorpusError: it does not exist or cannot be opened.
    """

    def __init__(self, root: Path, *, hard_links: bool = False) -> None:
        self.root = root.expanduser()
        shipped = self.root.absolute().is_relative_to(Path(__file__).absolute().parent)
        self._hard_links = hard_links or shipped
        self._linked: dict[str, tuple[int, int, int]] = {}  # device, number, names; by path
        self.skipped: list[Skipped] = []
        self.doubts: dict[str, str] = {}  # of files that were read, by path
        self._real: dict[str, Path] = {}  # of files whose names UTF-8 cannot hold
        self._shown: dict[str, str] = {}  # paths without the ids of a Notion export
        self._archive: Archive | None = None
        self._parts: dict[str, Archive] = {}  # part zips that lie in a folder, by their path
        self._inside: dict[str, tuple[Archive, str]] = {}  # their members
        try:
            exists = self.root.exists()
        except OSError as error:  # a name longer than the file system takes
            raise CorpusError(f"Cannot read {root}: {error.strerror}.") from None
        if not exists:
            raise CorpusError(f"No notes at {root}: no such file or folder. Name it with --notes.")
        if not (self.root.is_dir() or self.root.is_file()):
            raise CorpusError(f"{root} is neither a folder nor a file. Name other notes.")
        if not os.access(self.root, os.R_OK):
            raise CorpusError(f"No permission to read {root}. Change it or name other notes.")
        self.is_zip = self.root.is_file() and self.root.suffix.lower() == ".zip"
        if self.is_zip and not zipfile.is_zipfile(self.root):
            raise CorpusError(f"{root} is not a zip archive, or it is damaged. Export it again.")

    def files(self) -> list[SourceFile]:
        """The files that may hold notes, sorted by path; fills `skipped` with the others."""
        self.skipped = []
        self.doubts = {}
        if self.is_zip:
            listed = self._zip_files()
        else:
            self._linked = {}
            listed = self._one_file() if self.root.is_file() else self._disk_files()
        found = self._as_shown(self._of_this_folder(list(listed)))
        self.skipped.sort(key=lambda entry: entry.path)
        return sorted(found, key=lambda file: file.path)

    def read(self, file: SourceFile) -> list[Note]:
        """The notes in a file; several for a feed, none for an empty one.

        Raises:
            Unreadable: with the reason in words.
        """
        if file.size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 1_000_000
            raise Unreadable(f"larger than {limit} MB ({file.size / 1e6:.0f} MB): split it")
        try:
            data = self._bytes(file.path)
        except PermissionError:
            raise Unreadable("no permission to read it", passing=True) from None
        except OSError as error:
            raise Unreadable(f"cannot be read: {error.strerror or error}", passing=True) from None
        except DAMAGE as error:
            raise Unreadable(f"cannot be unpacked: {error}") from None
        notes, doubt = notes_from_bytes(file.path, data, self._shown.get(file.path))
        if doubt and notes:
            self.doubts[file.path] = f"{DOUBTFUL} {doubt}"
        return notes

    def _bytes(self, path: str) -> bytes:
        if self.is_zip:
            return self._opened().read(path)
        if path in self._inside:
            archive, name = self._inside[path]
            return archive.read(name)
        target = self.root if self.root.is_file() else self._real.get(path, self.root / path)
        return target.read_bytes()

    def _one_file(self) -> Iterator[SourceFile]:
        info = self.root.stat()
        name = storable(self.root.name)
        yield SourceFile(path=name, size=info.st_size, mtime_ns=info.st_mtime_ns)

    def _disk_files(self) -> Iterator[SourceFile]:
        inside = self.root.resolve()
        templates = template_folders(self.root)
        self._close_parts()
        for folder, folders, names in os.walk(self.root, onerror=self._skip_folder):
            kept = sorted(n for n in folders if not n.startswith(".") and n not in _LEFT_OUT)
            folders[:] = kept
            for name in kept:
                if _is_link(Path(folder, name)):  # not walked: it may lead in a circle
                    self._skip(Path(folder, name), "a link to a folder: links are not followed")
            below = Path(folder).relative_to(self.root).as_posix()
            if below in templates:
                folders[:] = []
                for name in (name for name in sorted(names) if not _refusal(name)):
                    self._skip(Path(folder, name), "a template")
                continue
            for name in sorted(names):
                yield from self._files_at(Path(folder, name), _below(below, name), inside)

    def _files_at(self, path: Path, shown: str, inside: Path) -> Iterator[SourceFile]:
        is_zip = _suffix(path.name) == ".zip" and path.is_file()
        if is_part(path.name):
            yield from self._part_files(path, inside)
        elif is_zip and not path.name.startswith(".") and is_archived_export(path):
            yield from self._part_files(path, inside, below=path.stem)
        elif (file := self._disk_file(path, shown, inside)) is not None:
            yield file

    def _close_parts(self) -> None:
        for archive in self._parts.values():
            archive.close()
        self._parts, self._inside = {}, {}

    def _part_files(self, path: Path, inside: Path, below: str = "") -> Iterator[SourceFile]:
        """The members of a part of an export that was unpacked but for its parts, or of an export.

        Args:
            path: of the zip.
            inside: the folder of the notes, resolved.
            below: name of a folder for them; empty where they belong beside the zip.
        """
        if _is_link(path) and not path.resolve().is_relative_to(inside):
            self._skip(path, "a link to outside the notes")
            return
        try:
            info = path.stat()
            if info.st_nlink > 1 and not self._hard_links:
                self._skip(path, "a hard link: the file has another name, too (setting hard_links)")
                return
            stamp = info.st_mtime_ns
            archive = Archive(path)
        except (CorpusError, OSError) as fault:
            reason = getattr(fault, "strerror", None) or "is not a zip archive, or is damaged"
            self._skip(path, f"cannot be unpacked: {reason}")
            return
        shown = storable(path.relative_to(self.root).as_posix())
        above = storable((path.parent / below).relative_to(self.root).as_posix())
        self._parts[shown] = archive
        self.skipped += [replace(s, path=_below(above, s.path)) for s in archive.skipped]
        for name, size in archive.sizes():
            place = _below(above, name)
            reason = _refusal(place)
            if reason is None and (self.root / place).exists() | (place in self._inside):
                reason = "a part holds this name twice, or it is unpacked beside it"
            if reason is None:
                self._inside[place] = (archive, name)
                yield SourceFile(path=place, size=size, mtime_ns=stamp)
            elif reason:
                self.skipped.append(Skipped(path=place, reason=reason))

    def _disk_file(self, path: Path, shown: str, inside: Path) -> SourceFile | None:
        relative = storable(shown)
        reason = _refusal(relative)
        if reason is None:
            try:
                info = path.stat()
                if not stat.S_ISREG(info.st_mode):
                    reason = "not a regular file"
                elif path.is_symlink() and not path.resolve().is_relative_to(inside):
                    reason = "a link to outside the notes"
                else:
                    if relative != shown:
                        self._real[relative] = path
                    if info.st_nlink > 1 and not path.is_symlink():
                        self._linked[relative] = (info.st_dev, info.st_ino, info.st_nlink)
                    return SourceFile(path=relative, size=info.st_size, mtime_ns=info.st_mtime_ns)
            except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
                dangling = _is_link(path) and not path.exists()
                said = getattr(error, "strerror", None) or error
                reason = "a link that leads nowhere" if dangling else f"cannot be read: {said}"
        if reason:
            self._skip(path, reason)
        return None

    def _of_this_folder(self, found: list[SourceFile]) -> list[SourceFile]:
        """The files without those that have a name elsewhere, too."""
        if self._hard_links or not self._linked:
            return found
        here = Counter(self._linked.values())
        elsewhere = {
            path for path, file in self._linked.items() if here[file] < file[2]
        }  # fewer of its names lie here than it has
        reason = "a hard link: the file has a name outside the notes, too (setting hard_links)"
        self.skipped += [
            Skipped(path=file.path, reason=reason) for file in found if file.path in elsewhere
        ]
        return [file for file in found if file.path not in elsewhere]

    def _skip_folder(self, error: OSError) -> None:
        self._skip(Path(error.filename), f"folder cannot be read: {error.strerror}")

    def _skip(self, path: Path, reason: str) -> None:
        relative = storable(path.relative_to(self.root).as_posix())
        self.skipped.append(Skipped(path=relative, reason=reason))

    def _zip_files(self) -> Iterator[SourceFile]:
        stamp = self.root.stat().st_mtime_ns
        archive = self._opened(anew=True)
        self.skipped += archive.skipped
        for path, size in archive.sizes():
            reason = _refusal(path)
            if reason is None:
                yield SourceFile(path=path, size=size, mtime_ns=stamp)
            elif reason:
                self.skipped.append(Skipped(path=path, reason=reason))

    def _opened(self, *, anew: bool = False) -> Archive:
        if self._archive is None or anew:
            if self._archive is not None:
                self._archive.close()
                self._archive = None
            self._archive = Archive(self.root)
        return self._archive

    def _as_shown(self, found: list[SourceFile]) -> list[SourceFile]:
        """The files without databases held twice; sets the paths under which notes are shown."""
        twice = superseded(file.path for file in found)
        for path in twice:
            reason = "a part of the database that its _all.csv holds whole"
            self.skipped.append(Skipped(path=path, reason=reason))
        found = [file for file in found if file.path not in twice]
        self._shown = shown_paths(file.path for file in found)
        # a page that got a twin, or lost it, is read again: its notes have another path
        return [
            file
            if self._shown.get(file.path, file.path) == plain_path(file.path)
            else replace(file, mtime_ns=file.mtime_ns + 1)
            for file in found
        ]


def _is_link(path: Path) -> bool:
    """Whether it is a symbolic link; no for one in a folder that may be listed, but not entered."""
    try:
        return path.is_symlink()
    except PermissionError:
        return False


def _below(folder: str, name: str) -> str:
    return name if folder == "." else f"{folder}/{name}"


def _suffix(name: str) -> str:
    """The suffix of a name in small letters, as pathlib has it, at a tenth of its time."""
    at = name.rfind(".")
    return name[at:].lower() if 0 < at < len(name) - 1 else ""


def _refusal(path: str) -> str | None:
    """None for a file to read, a reason to report, "" for a file that is nobody's note."""
    parts = [part for part in path.split("/") if part not in ("", ".")]  # as pathlib has them
    name, suffix = parts[-1], _suffix(parts[-1])
    if name.startswith("~$"):  # Word has the file of this name open
        return ""
    if any(part.startswith(".") or part in _LEFT_OUT or part == "__MACOSX" for part in parts):
        return ""
    if _CONFLICT.search(name):
        return "a sync-conflict copy"
    if suffix in MARKDOWN | PLAIN | OUTLINES.keys() | CONVERTED - DATABASE:
        return None
    if suffix in DATABASE and is_database(path):
        return None
    if suffix == ".zip":
        return "a zip that is no Notion export: unpack it, or index it by its own name"
    return f"{suffix} format is not read yet" if suffix else "a file without a suffix is not read"
