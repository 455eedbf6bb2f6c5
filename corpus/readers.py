"""Files of a vault as notes: what there is, how it is decoded, what its front matter says.

A vault is a folder, one file or a zip. It is only ever read. A file that cannot be a note is
reported with its reason and costs nothing else. Knows nothing of the index.
"""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from corpus.blocks import blocks
from corpus.errors import CorpusError
from corpus.feeds import feed_notes, is_feed
from corpus.frontmatter import FrontMatter, read_front_matter
from corpus.types import Note, Skipped

__all__ = ["SourceFile", "Unreadable", "Vault", "decode", "read_text"]

MAX_FILE_BYTES = 20_000_000
MARKDOWN = frozenset({".md", ".markdown", ".mdx", ".mdown"})
PLAIN = frozenset({".txt", ".text"})
# Folders of programs, not of the person: their files are neither notes nor worth a warning.
_LEFT_OUT = frozenset({"node_modules", "__pycache__", "venv"})
_CONFLICT = re.compile(r"sync-conflict-\d{8}-\d{6}|\(conflicted copy|冲突副本", re.IGNORECASE)
_TAG = re.compile(r"(?:^|(?<=\s))#([^\W\d][\w/-]*)")
_DATE = re.compile(r"(?<!\d)(\d{4})[-_.](\d{2})[-_.](\d{2})(?!\d)")


class Unreadable(CorpusError):
    """A file cannot be a note; the message is the reason."""


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
        if not self.root.exists():
            raise CorpusError(f"No notes at {root}: no such file or folder. Name it with --notes.")
        if not os.access(self.root, os.R_OK):
            raise CorpusError(f"No permission to read {root}. Change it or name other notes.")
        self.is_zip = self.root.is_file() and self.root.suffix.lower() == ".zip"
        if self.is_zip and not zipfile.is_zipfile(self.root):
            raise CorpusError(f"{root} is not a zip archive, or it is damaged. Export it again.")

    def files(self) -> list[SourceFile]:
        """The files that may hold notes, sorted by path; fills `skipped` with the others."""
        self.skipped = []
        found = self._zip_files() if self.is_zip else self._disk_files()
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
            raise Unreadable("no permission to read it") from None
        except (OSError, zipfile.BadZipFile, RuntimeError, EOFError) as error:
            raise Unreadable(f"cannot be read: {error}") from None
        return notes_from_text(file.path, decode(data))

    def _bytes(self, path: str) -> bytes:
        if self.is_zip:
            with zipfile.ZipFile(self.root) as archive:
                return archive.read(_zip_names(archive)[path])
        target = self.root if self.root.is_file() else self.root / path
        return target.read_bytes()

    def _disk_files(self) -> Iterator[SourceFile]:
        if self.root.is_file():
            stat = self.root.stat()
            yield SourceFile(path=_clean(self.root.name), size=stat.st_size, mtime_ns=stat.st_mtime_ns)
            return
        inside = self.root.resolve()
        for folder, folders, names in os.walk(self.root, followlinks=False):
            folders[:] = sorted(n for n in folders if not n.startswith(".") and n not in _LEFT_OUT)
            for name in sorted(names):
                path = Path(folder, name)
                file = self._disk_file(path, inside)
                if file is not None:
                    yield file

    def _disk_file(self, path: Path, inside: Path) -> SourceFile | None:
        relative = _clean(path.relative_to(self.root).as_posix())
        reason = _refusal(relative)
        if reason is None:
            try:
                stat = path.stat()
                if not path.is_file():
                    reason = "not a regular file"
                elif path.is_symlink() and not path.resolve().is_relative_to(inside):
                    reason = "a link to outside the notes"
                else:
                    return SourceFile(path=relative, size=stat.st_size, mtime_ns=stat.st_mtime_ns)
            except OSError as error:
                reason = f"cannot be read: {error.strerror or error}"
        if reason:
            self.skipped.append(Skipped(path=relative, reason=reason))
        return None

    def _zip_files(self) -> Iterator[SourceFile]:
        stamp = self.root.stat().st_mtime_ns
        with zipfile.ZipFile(self.root) as archive:
            for path, info in _zip_names(archive).items():
                reason = _refusal(path)
                if reason is None:
                    yield SourceFile(path=path, size=info.file_size, mtime_ns=stamp)
                elif reason:
                    self.skipped.append(Skipped(path=path, reason=reason))


def _clean(path: str) -> str:
    """The path with bytes that are no UTF-8 shown as escapes, so that it can be stored."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _zip_names(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Safe names of the files in an archive: no absolute paths, no way out."""
    names: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.replace("\\", "/")
        if not info.flag_bits & 0x800:  # no UTF-8 flag: Chinese Windows writes GBK
            try:
                name = info.filename.encode("cp437").decode("gb18030").replace("\\", "/")
            except UnicodeError:
                pass
        parts = PurePosixPath(name).parts
        if info.is_dir() or name.startswith("/") or ".." in parts or ":" in name[:2]:
            continue
        names[_clean(name)] = info
    return names


def _refusal(path: str) -> str | None:
    """None for a file to read, a reason to report, "" for a file that is nobody's note."""
    parts = PurePosixPath(path).parts
    name, suffix = parts[-1], PurePosixPath(path).suffix.lower()
    if any(part.startswith(".") or part in _LEFT_OUT for part in parts):
        return ""
    if _CONFLICT.search(name):
        return "a sync-conflict copy"
    if suffix in MARKDOWN or suffix in PLAIN:
        return None
    return f"{suffix or 'no'} format is not read yet"


def decode(data: bytes) -> str:
    """The text of a file: by its byte order mark, else strict UTF-8, else GB18030.

    Line ends become `\\n`, so that offsets mean the same on every platform.

    Raises:
        Unreadable: it holds binary data.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return _newlines(data.decode("utf-16"))
        except UnicodeDecodeError:
            raise Unreadable("damaged UTF-16 text") from None
    if b"\x00" in data[:65_536]:
        raise Unreadable("binary data, not text")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _looks_binary(text):
            raise Unreadable("binary data, not text")
        return _newlines(text)
    raise Unreadable("neither UTF-8 nor GB18030 text: save it as UTF-8")


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _looks_binary(text: str) -> bool:
    sample = text[:20_000]
    odd = sum(1 for c in sample if (ord(c) < 32 and c not in "\t\n\r\f\x1b") or 0xE000 <= ord(c) <= 0xF8FF)
    return odd > 0.02 * len(sample)


def read_text(path: Path) -> str:
    """The decoded text of one file outside any vault (`youju check --file`)."""
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise CorpusError(f"Cannot read {path}: {error.strerror or error}") from None
    except Unreadable as error:
        raise CorpusError(f"Cannot read {path}: {error}") from None


def notes_from_text(path: str, text: str) -> list[Note]:
    """The notes that a decoded file holds."""
    if not text.strip():
        return []
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in PLAIN and is_feed(text):
        return feed_notes(path, text)
    matter = read_front_matter(text) if suffix in MARKDOWN else FrontMatter()
    stem = PurePosixPath(path).stem
    return [
        Note(
            path=path,
            title=matter.title or _first_heading(text, matter.end) or stem,
            text=text,
            sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
            file=path,
            body_start=matter.end,
            date=matter.date or _date_in(stem),
            tags=_tags(text, matter),
            aliases=matter.aliases,
            format="markdown" if suffix in MARKDOWN else "text",
        )
    ]


def _first_heading(text: str, start: int) -> str:
    for block in blocks(text, start, min(len(text), start + 4000)):
        if block.kind == "heading" and block.level == 1:
            return block.title
    return ""


def _date_in(name: str) -> str | None:
    match = _DATE.search(name)
    return "-".join(match.groups()) if match else None


def _tags(text: str, matter: FrontMatter) -> tuple[str, ...]:
    found = list(matter.tags)
    for block in blocks(text, matter.end):
        if block.kind in ("paragraph", "item", "quote"):
            found.extend(_TAG.findall(text[block.start : block.end]))
    return tuple(dict.fromkeys(found))
