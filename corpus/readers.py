"""Files of a vault as notes: what there is, how it is decoded, what its front matter says.

A vault is a folder, one file or a zip. It is only ever read. A file that cannot be a note is
reported with its reason and costs nothing else. Knows nothing of the index.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath

from corpus.archives import DAMAGE, Archive, storable
from corpus.blocks import blocks
from corpus.drafts import Draft, Unreadable, distinct
from corpus.errors import CorpusError
from corpus.feeds import feed_notes, is_feed
from corpus.formats import BINARY, CONVERTED, DATABASE, MARKUP, drafts_of_bytes, drafts_of_text
from corpus.frontmatter import FrontMatter, read_front_matter
from corpus.notion import is_database, plain_path, shown_paths, superseded
from corpus.types import Note, Skipped

__all__ = ["SourceFile", "Unreadable", "Vault", "decode", "notes_from_text", "read_text"]

logger = logging.getLogger(__name__)

MAX_FILE_BYTES = 20_000_000
MARKDOWN = frozenset({".md", ".markdown", ".mdx", ".mdown"})
PLAIN = frozenset({".txt", ".text"})
# Folders of programs, not of the person: their files are neither notes nor worth a warning.
_LEFT_OUT = frozenset({"node_modules", "__pycache__", "venv"})
_CONFLICT = re.compile(r"sync-conflict-\d{8}-\d{6}|\(conflicted copy|冲突副本", re.IGNORECASE)
_TAG = re.compile(r"(?:^|(?<=\s))#([^\W\d][\w/-]*)")
_DATE = re.compile(r"(?<!\d)(\d{4})[-_.](\d{2})[-_.](\d{2})(?!\d)")
_BOMS = {
    b"\xff\xfe\x00\x00": "utf-32", b"\x00\x00\xfe\xff": "utf-32",  # before UTF-16, its beginning
    b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16",
}  # fmt: skip
_ODD = re.compile("[\\x00-\\x08\\x0e-\\x1a\\x1c-\\x1f\\ue000-\\uf8ff]")  # control, private use
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?([\w-]{2,30})""", re.IGNORECASE)
_DAMAGED = 0.02  # of the bytes beyond ASCII that may be wrong in a text that is still UTF-8


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

    Raises:
        CorpusError: it does not exist or cannot be opened.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser()
        self.skipped: list[Skipped] = []
        self._real: dict[str, Path] = {}  # of files whose names UTF-8 cannot hold
        self._shown: dict[str, str] = {}  # paths without the ids of a Notion export
        self._archive: Archive | None = None
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
        found = self._as_shown(list(self._zip_files() if self.is_zip else self._disk_files()))
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
        return _notes_from_bytes(file.path, data, self._shown.get(file.path, file.path))

    def _bytes(self, path: str) -> bytes:
        if self.is_zip:
            return self._opened().read(path)
        target = self.root if self.root.is_file() else self._real.get(path, self.root / path)
        return target.read_bytes()

    def _disk_files(self) -> Iterator[SourceFile]:
        if self.root.is_file():
            info = self.root.stat()
            name = storable(self.root.name)
            yield SourceFile(path=name, size=info.st_size, mtime_ns=info.st_mtime_ns)
            return
        inside = self.root.resolve()
        for folder, folders, names in os.walk(self.root, onerror=self._skip_folder):
            kept = sorted(n for n in folders if not n.startswith(".") and n not in _LEFT_OUT)
            folders[:] = kept
            for name in kept:
                if Path(folder, name).is_symlink():  # not walked: it may lead in a circle
                    self._skip(Path(folder, name), "a link to a folder: links are not followed")
            for name in sorted(names):
                file = self._disk_file(Path(folder, name), inside)
                if file is not None:
                    yield file

    def _disk_file(self, path: Path, inside: Path) -> SourceFile | None:
        shown = path.relative_to(self.root).as_posix()
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
                    return SourceFile(path=relative, size=info.st_size, mtime_ns=info.st_mtime_ns)
            except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
                dangling = path.is_symlink() and not path.exists()
                said = getattr(error, "strerror", None) or error
                reason = "a link that leads nowhere" if dangling else f"cannot be read: {said}"
        if reason:
            self._skip(path, reason)
        return None

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


def _refusal(path: str) -> str | None:
    """None for a file to read, a reason to report, "" for a file that is nobody's note."""
    parts = PurePosixPath(path).parts
    name, suffix = parts[-1], PurePosixPath(path).suffix.lower()
    if any(part.startswith(".") or part in _LEFT_OUT or part == "__MACOSX" for part in parts):
        return ""
    if _CONFLICT.search(name):
        return "a sync-conflict copy"
    if suffix in MARKDOWN or suffix in PLAIN or suffix in CONVERTED - DATABASE:
        return None
    if suffix in DATABASE and is_database(path):
        return None
    return f"{suffix or 'no'} format is not read yet"


def decode(data: bytes) -> str:
    r"""The text of a file: by its byte order mark, else UTF-8, else GB18030.

    Line ends become `\n`, so that offsets mean the same on every platform. A UTF-8 text with a
    few wrong bytes (cut off, patched together) keeps its text, U+FFFD standing for each.

    Raises:
        Unreadable: it holds binary data.
    """
    for mark, encoding in _BOMS.items():
        if data.startswith(mark):
            try:
                return _text(data.decode(encoding))
            except UnicodeDecodeError:
                raise Unreadable(f"damaged {encoding.upper()} text") from None
    if b"\x00" in data:
        return _text(_without_mark(data))
    try:
        return _text(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        pass
    # one wrong byte among many right ones, or a file that ends within a character
    mended = data.decode("utf-8-sig", "replace")
    n_wrong, n_other = mended.count("\ufffd"), sum(char > "\x7f" for char in mended)
    if n_other > 8 and n_wrong <= max(1, _DAMAGED * n_other):
        logger.warning("%d damaged characters in a UTF-8 text", n_wrong)
        return _text(mended)
    try:
        return _text(data.decode("gb18030"))
    except UnicodeDecodeError:
        raise Unreadable("neither UTF-8 nor GB18030 text: save it as UTF-8") from None


def _in_utf8(data: bytes) -> bytes:
    """Markup in UTF-8, if it is valid in the encoding that it declares; else as it is."""
    declared = _DECLARED.search(data[:2000])
    if declared is None or any(data.startswith(mark) for mark in _BOMS):
        return data
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return data.decode(declared.group(1).decode("ascii")).encode("utf-8")
        except (LookupError, UnicodeError):  # LookupError: no such encoding
            pass
    return data


def _without_mark(data: bytes) -> str:
    """UTF-16 text without its byte order mark: every other byte of ASCII in it is NUL."""
    if len(data) % 2 == 0:
        for encoding, high in (("utf-16-le", 1), ("utf-16-be", 0)):
            zeros = data[high::2].count(0)
            if zeros > 0.2 * len(data) / 2 and data[1 - high :: 2].count(0) == 0:
                try:
                    return data.decode(encoding)
                except UnicodeDecodeError:
                    break
    raise Unreadable("binary data (NUL bytes), not text")


def _text(text: str) -> str:
    if "\x00" in text or _looks_binary(text):
        raise Unreadable("binary data, not text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _looks_binary(text: str) -> bool:
    sample = text[:20_000]
    return len(_ODD.findall(sample)) > max(2, 0.02 * len(sample))


def read_text(path: Path) -> str:
    """The decoded text of one file outside any vault (`youju check --file`).

    Raises:
        CorpusError: it cannot be read, or is no text.
    """
    try:
        return decode(path.read_bytes())
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        said = getattr(error, "strerror", None) or error
        raise CorpusError(f"Cannot read {path}: {said}") from None
    except Unreadable as error:
        raise CorpusError(f"Cannot read {path}: {error}") from None


def _notes_from_bytes(file: str, data: bytes, path: str) -> list[Note]:
    suffix = PurePosixPath(file).suffix.lower()
    if suffix in BINARY:
        return _notes_from_drafts(file, drafts_of_bytes(suffix, data), path)
    return notes_from_text(file, decode(_in_utf8(data) if suffix in MARKUP else data), path)


def _notes_from_drafts(file: str, drafts: list[Draft], path: str) -> list[Note]:
    stem = PurePosixPath(path).stem
    return [
        Note(
            path=f"{path}#{draft.key}" if draft.key else path,
            title=draft.title or draft.key or stem,
            text=draft.text,
            sha256=hashlib.sha256(draft.text.encode("utf-8", "surrogatepass")).hexdigest(),
            file=file,
            date=draft.date or (None if draft.key else _date_in(stem)),
            tags=draft.tags,
        )
        for draft in (distinct(drafts) if any(draft.key for draft in drafts) else drafts)
        if draft.text.strip()
    ]


def notes_from_text(file: str, text: str, path: str | None = None) -> list[Note]:
    """The notes that a decoded file holds.

    Args:
        file: its path inside the vault.
        text: its text.
        path: the path that its notes are known by, if it is another.

    Raises:
        Unreadable: its format is not what its name says, or is broken.
    """
    path = file if path is None else path
    suffix = PurePosixPath(file).suffix.lower()
    if not text.strip():
        return []
    if suffix in CONVERTED:
        return _notes_from_drafts(file, drafts_of_text(suffix, text), path)
    if suffix in PLAIN and is_feed(text):
        return feed_notes(path, text)
    matter = read_front_matter(text) if suffix in MARKDOWN else FrontMatter()
    stem = PurePosixPath(path).stem
    heading, tags = _read_body(text, matter.end)
    return [
        Note(
            path=path,
            title=matter.title or heading or stem,
            text=text,
            sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
            file=file,
            body_start=matter.end,
            date=matter.date or _date_in(stem),
            tags=tuple(dict.fromkeys((*matter.tags, *tags))),
            aliases=matter.aliases,
            format="markdown" if suffix in MARKDOWN else "text",
        )
    ]


def _read_body(text: str, start: int) -> tuple[str, list[str]]:
    """The first heading of level 1, if it stands near the beginning, and the `#tags`."""
    title = ""
    tags: list[str] = []
    for block in blocks(text, start):
        if block.kind == "heading":
            if block.level == 1 and not title and block.start < start + 4000:
                title = block.title
        elif block.kind in ("paragraph", "item", "quote"):
            tags.extend(_TAG.findall(text[block.start : block.end]))
    return title, tags


def _date_in(name: str) -> str | None:
    match = _DATE.search(name)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups())
    try:
        return date(year, month, day).isoformat()
    except ValueError:  # 2024-02-30, or a version number
        return None
