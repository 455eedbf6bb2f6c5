"""A file as notes: how it is decoded, what its front matter says, its title, tags and date.

Knows the text or bytes of one file and its path; not where files lie (`readers`), nor how a format
is converted (`formats`, `limited`). Called by `readers`, and by whoever holds a text already.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import Path, PurePosixPath

from corpus.blocks import blocks
from corpus.decoding import decode, decoded, in_utf8
from corpus.drafts import Draft, Unreadable, distinct
from corpus.errors import CorpusError
from corpus.feeds import feed_notes, is_feed
from corpus.formats import BINARY, CONVERTED, DATABASE, MARKUP
from corpus.frontmatter import FrontMatter, read_front_matter
from corpus.limited import convert
from corpus.notion import PageProperties, page_properties, plain_path
from corpus.outlines import org_fields, rst_fields
from corpus.templates import is_template
from corpus.types import Note, NoteFormat

__all__ = ["MARKDOWN", "OUTLINES", "PLAIN", "notes_from_bytes", "notes_from_text", "read_text"]

MARKDOWN = frozenset({".md", ".markdown", ".mdx", ".mdown"})
PLAIN = frozenset({".txt", ".text"})
OUTLINES: dict[str, NoteFormat] = {".org": "org", ".rst": "rst"}
_TAG = re.compile(r"(?:^|(?<=\s))#([^\W\d][\w/-]*)")
# daily notes: 2024-05-01, 2024_5_1, 20240501, 2024年5月1日
_DATE = re.compile(
    r"(?<!\d)(\d{4})(?:[-_. ](\d{1,2})[-_. ](\d{1,2})|(\d\d)(\d\d)|年(\d{1,2})月(\d{1,2})日?)(?!\d)"
)


def notes_from_bytes(
    file: str, data: bytes, path: str | None = None
) -> tuple[list[Note], str | None]:
    """The notes that a file holds, and what is uncertain of its encoding, or None.

    Args:
        file: its path inside the vault.
        data: its content.
        path: the path that its notes are known by, if it is another.

    Raises:
        Unreadable: as `notes_from_text`.
    """
    suffix = PurePosixPath(file).suffix.lower()
    if suffix in BINARY:
        return _notes_from_drafts(file, convert(suffix, data), path or file), None
    read = decoded(in_utf8(data)) if suffix in MARKUP else decoded(data)
    return notes_from_text(file, read.text, path), read.doubt


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
        return _notes_from_drafts(file, convert(suffix, text), path)
    if suffix in PLAIN and is_feed(text):
        return feed_notes(path, text)
    if suffix in MARKDOWN and is_template(file, text):
        raise Unreadable("a template: it has places that are to be filled in")
    markup: NoteFormat = OUTLINES.get(suffix, "markdown" if suffix in MARKDOWN else "text")
    matter = _matter(text, markup)
    stem = PurePosixPath(path).stem
    heading, tags = _read_body(text, matter.end, markup)
    is_page = markup == "markdown" and plain_path(file) != file
    said = page_properties(text) if is_page else PageProperties()
    return [
        Note(
            path=path,
            title=matter.title or heading or stem,
            text=text,
            sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
            file=file,
            body_start=matter.end,
            date=matter.date or said.date or _date_in(stem) or _date_in_folders(path),
            tags=tuple(dict.fromkeys((*matter.tags, *said.tags, *tags))),
            aliases=matter.aliases,
            format=markup,
        )
    ]


def _notes_from_drafts(file: str, drafts: list[Draft], path: str) -> list[Note]:
    stem = PurePosixPath(path).stem
    return [
        Note(
            path=f"{path}#{draft.key}" if draft.key else path,
            title=draft.title or draft.key or stem,
            text=draft.text,
            sha256=hashlib.sha256(draft.text.encode("utf-8", "surrogatepass")).hexdigest(),
            file=file,
            first_line=draft.first_line,
            date=draft.date or (None if draft.key else _date_in(stem)),
            tags=draft.tags,
        )
        for draft in (distinct(drafts) if any(draft.key for draft in drafts) else drafts)
        if draft.text.strip()
    ]


def _matter(text: str, markup: NoteFormat) -> FrontMatter:
    """What the head of a text says of it."""
    if markup == "markdown":
        return read_front_matter(text)
    if markup == "text":
        return FrontMatter()
    fields = org_fields(text) if markup == "org" else rst_fields(text)
    return FrontMatter(
        title=" ".join(fields.get("title", "").split()),
        tags=tuple(fields["tags"].split()),
        date=_date_in(fields.get("date", "")),
    )


def _read_body(text: str, start: int, markup: NoteFormat) -> tuple[str, list[str]]:
    """The first heading of level 1, if it stands near the beginning, and the `#tags`."""
    title = ""
    tags: list[str] = []
    for block in blocks(text, start, markup=markup):
        if block.kind == "heading":
            if block.level == 1 and not title and block.start < start + 4000:
                title = block.title
        elif block.kind in ("paragraph", "item", "quote"):
            tags.extend(_TAG.findall(text[block.start : block.end]))
    return title, tags


def _date_in_folders(path: str) -> str | None:
    """The day of a daily note in folders, as `2024/05/01.md`."""
    parts = PurePosixPath(path).with_suffix("").parts[-3:]
    is_day = len(parts) == 3 and re.fullmatch(r"\d{4}/\d{1,2}/\d{1,2}", "/".join(parts))
    return _date_in("-".join(parts)) if is_day else None


def _date_in(name: str) -> str | None:
    match = _DATE.search(name)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups() if part)
    if not 1900 <= year <= 2100:
        return None
    try:
        return date(year, month, day).isoformat()
    except ValueError:  # 2024-02-30, or a version number
        return None


def read_text(path: Path) -> str:
    """The text of one file outside any vault (`youju check --file`), read as a note would be.

    Of a file that holds several notes, one behind the other; of Markdown the body, since its
    front matter states nothing.

    Raises:
        CorpusError: it cannot be read, or is no text.
    """
    suffix = path.suffix.lower()
    try:
        data = path.read_bytes()
        if suffix in BINARY:
            return _joined(convert(suffix, data))
        text = decode(in_utf8(data)) if suffix in MARKUP else decode(data)
        if suffix in CONVERTED - DATABASE:
            return _joined(convert(suffix, text))
        return text[read_front_matter(text).end :] if suffix in MARKDOWN else text
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        said = getattr(error, "strerror", None) or error
        raise CorpusError(f"Cannot read {path}: {said}") from None
    except Unreadable as error:
        raise CorpusError(f"Cannot read {path}: {error}") from None


def _joined(drafts: list[Draft]) -> str:
    return "\n\n".join(draft.text for draft in drafts)
