"""What the stages of `corpus` hand to each other: notes, chunks, units, refresh reports.

Offsets are half-open and count code points of `Note.text` as decoded; lines start at 1.
Nothing here reads files or knows how anything is computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "DOUBTFUL",
    "Block",
    "BlockKind",
    "Chunk",
    "Note",
    "NoteFormat",
    "RefreshReport",
    "Skipped",
    "Unit",
]

_ENTRIES = (".csv", ".rss", ".atom", ".opml", ".xml")  # files of many notes, each converted
_DOCUMENTS = (".html", ".htm", ".xhtml", ".ipynb", ".docx", ".pdf")
BlockKind = Literal["heading", "paragraph", "item", "row", "code", "formula", "quote"]
# begins the reason of a file that was read, though something of it is uncertain
DOUBTFUL = "read, but"
NoteFormat = Literal["markdown", "text", "feed", "org", "rst"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note as read; its identity is `path`, never its content.

    Attributes:
        path: identity inside the vault, with forward slashes. An entry of a feed is
            `FILE#L<line>`, since one file holds many notes.
        title: from front matter, first heading, file name or first words, in that order.
        text: the whole decoded text, front matter included.
        sha256: hex digest of the text's UTF-8 bytes; tells only whether to index again.
        file: path of the file inside the vault that holds the note.
        first_line: line of `file` on which `text` starts, 1 for a file that is one note; of a row
            or an entry that was converted, the line on which that starts.
        body_start: offset after the front matter; chunks start here.
        date: ISO date of the note (front matter or file name), or None.
        tags: without `#`, in order of appearance.
        aliases: other names of the note.
        format: how sentences are to be told apart; a feed has lost its line breaks.
    """

    path: str
    title: str
    text: str
    sha256: str
    file: str
    first_line: int = 1
    body_start: int = 0
    date: str | None = None
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    format: NoteFormat = "markdown"

    @property
    def has_line(self) -> bool:
        """Whether a line of `file` is known: not of a page, a notebook, Word or PDF."""
        return not self.file.lower().endswith(_DOCUMENTS)

    def line_of(self, offset: int) -> int:
        """Line of the note's file that holds the character at `offset`, from 1.

        Of a row of a database or an entry of a feed, the line on which that starts. Of another
        converted file (a page, a notebook, Word, PDF), the line of the converted text.
        """
        if self.file.lower().endswith(_ENTRIES):
            return self.first_line
        return self.first_line + self.text.count("\n", 0, offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A passage of one note: `note.text[start:end]`, under one heading path.

    Attributes:
        id: row in the store, never used again after a delete; 0 before it is stored.
        note: path of the note.
        heading: titles of the headings above the passage, outermost first.
        line: line of the note's file on which the passage starts, from 1.
    """

    id: int = 0
    note: str
    start: int
    end: int
    heading: tuple[str, ...] = ()
    line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A structural piece of a note: heading, paragraph, list item, table row, code, formula.

    Attributes:
        kind: what it is.
        start: offset of its first character, markers included.
        end: offset after its last character.
        content: offset after the marker (`- `, `## `, `> `), where quotable text starts.
        level: heading level 1-6, or indentation depth of a list item from 0.
        title: text of a heading without markers, else empty.
    """

    kind: BlockKind
    start: int
    end: int
    content: int
    level: int = 0
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """The smallest piece worth quoting: a sentence, list item, table row, formula or code block.

    Attributes:
        kind: kind of the block it comes from.
        start: offset in the note's text.
        end: offset after its last character.
        stem: span of the line or header that governs it (the sentence before a list,
            the header row of a table, the label before a run of items), or None.
        heading: titles of the headings above it inside the note.
        group: number of the list, table or paragraph it belongs to inside the chunk.
    """

    kind: BlockKind
    start: int
    end: int
    stem: tuple[int, int] | None = None
    heading: tuple[str, ...] = ()
    group: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that was not indexed, and why, in words for a person."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReport:
    """What a refresh did. Counts are notes, except `n_chunks`: passages now in the index.

    Attributes:
        changes: what happened to which note, by path: "added", "changed", "deleted" with the path,
            "renamed" with `old → new`. Empty for the first refresh, which adds everything.
    """

    added: int = 0
    changed: int = 0
    renamed: int = 0
    deleted: int = 0
    unchanged: int = 0
    n_notes: int = 0
    n_chunks: int = 0
    skipped: tuple[Skipped, ...] = field(default=())
    changes: tuple[tuple[str, str], ...] = field(default=())

    @property
    def is_noop(self) -> bool:
        """Whether nothing in the index had to change."""
        return not (self.added or self.changed or self.renamed or self.deleted)
