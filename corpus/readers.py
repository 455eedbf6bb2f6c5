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
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from corpus.blocks import blocks
from corpus.errors import CorpusError
from corpus.feeds import feed_notes, is_feed
from corpus.frontmatter import FrontMatter, read_front_matter
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
_DAMAGED = 0.02  # of the bytes beyond ASCII that may be wrong in a text that is still UTF-8


class Unreadable(CorpusError):
    """A file cannot be a note; the message is the reason.

    Args:
        reason: in words.
        passing: the file itself may be sound, so it is worth trying again when it has not changed.
    """

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


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
        self._archive: zipfile.ZipFile | None = None
        self._members: dict[str, zipfile.ZipInfo] = {}
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
        found = list(self._zip_files() if self.is_zip else self._disk_files())
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
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError) as error:
            raise Unreadable(f"cannot be unpacked: {error}") from None
        return notes_from_text(file.path, decode(data))

    def _bytes(self, path: str) -> bytes:
        if self.is_zip:
            if self._archive is None:
                self._open_archive()
            assert self._archive is not None
            return self._archive.read(self._members[path])
        target = self.root if self.root.is_file() else self._real.get(path, self.root / path)
        return target.read_bytes()

    def _disk_files(self) -> Iterator[SourceFile]:
        if self.root.is_file():
            info = self.root.stat()
            name = _storable(self.root.name)
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
        relative = _storable(shown)
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
        relative = _storable(path.relative_to(self.root).as_posix())
        self.skipped.append(Skipped(path=relative, reason=reason))

    def _zip_files(self) -> Iterator[SourceFile]:
        stamp = self.root.stat().st_mtime_ns
        self._open_archive()
        for path, info in self._members.items():
            reason = _refusal(path)
            if reason is None:
                yield SourceFile(path=path, size=info.file_size, mtime_ns=stamp)
            elif reason:
                self.skipped.append(Skipped(path=path, reason=reason))

    def _open_archive(self) -> None:
        """Read the table of contents; members with unsafe names are put in `skipped`."""
        if self._archive is not None:
            self._archive.close()
        try:
            self._archive = zipfile.ZipFile(self.root)
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise CorpusError(f"Cannot open {self.root}: {error}. Export it again.") from None
        self._members = {}
        for info in self._archive.infolist():
            if info.is_dir():
                continue
            name = _member_name(info)
            reason = _danger(info, name)
            if reason is None and name in self._members:
                reason = "the archive holds this name twice; the first is read"
            if reason is None:
                self._members[name] = info
            else:
                self.skipped.append(Skipped(path=name, reason=reason))


def _storable(path: str) -> str:
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
    return _storable(name.replace("\\", "/"))


def _danger(info: zipfile.ZipInfo, name: str) -> str | None:
    """Why a member is not to be read, whatever it holds."""
    if name.startswith(("/", "~")) or ".." in PurePosixPath(name).parts or ":" in name[:2]:
        return "its name leads out of the archive"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return "a link or device, not a file"
    return None


def _refusal(path: str) -> str | None:
    """None for a file to read, a reason to report, "" for a file that is nobody's note."""
    parts = PurePosixPath(path).parts
    name, suffix = parts[-1], PurePosixPath(path).suffix.lower()
    if any(part.startswith(".") or part in _LEFT_OUT or part == "__MACOSX" for part in parts):
        return ""
    if _CONFLICT.search(name):
        return "a sync-conflict copy"
    if suffix in MARKDOWN or suffix in PLAIN:
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


def notes_from_text(path: str, text: str) -> list[Note]:
    """The notes that a decoded file holds."""
    suffix = PurePosixPath(path).suffix.lower()
    if not text.strip():
        return []
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
            file=path,
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
