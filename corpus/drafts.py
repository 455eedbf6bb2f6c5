"""What a converted file becomes before it is a note, and the Markdown that converters write.

A converter (`notebooks`, `webpages`, `syndication`, `office`, `pdfs`, `notion`) turns the text or
bytes of a file into drafts; `readers` makes notes of them. Knows no file names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256

from corpus.errors import CorpusError
from corpus.text import is_han

__all__ = [
    "READERS_VERSION",
    "Draft",
    "Unreadable",
    "distinct",
    "fence",
    "inline_words",
    "iso_date",
    "joined",
    "on_one_line",
    "table",
    "without_breaks",
]

# Changes whenever the same file may become other notes: all files are then read again.
READERS_VERSION = "4"
_LONGEST_KEY = 80
_ISO = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})")
_WRITTEN = ("%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y")
_NAMED = re.compile(r"[A-Z][a-z]+ \d{1,2}, \d{4}|\d{1,2} [A-Z][a-z]+ \d{4}")


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
class Draft:
    """A note-to-be: Markdown and what the file says of it.

    Attributes:
        text: Markdown.
        title: empty when the file names none.
        key: tells the drafts of one file apart, empty when the file is one note.
        identity: what tells two drafts of one key apart (the guid of a feed's entry).
        date: ISO date, or None.
        tags: without `#`.
        first_line: line of the file on which a row or an entry starts; 1 where that is unknown.
    """

    text: str
    title: str = ""
    key: str = ""
    identity: str = ""
    date: str | None = None
    tags: tuple[str, ...] = ()
    first_line: int = 1


def distinct(drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts of one file with keys that are short, printable and all different.

    Twins are told apart by their identity, so that a new entry before them changes no key.
    """
    keys = [_key(draft.key) for draft in drafts]
    counts = Counter(keys)
    seen: Counter[str] = Counter()
    out = []
    for draft, key in zip(drafts, keys, strict=True):
        if counts[key] > 1 and draft.identity:
            key = f"{key}~{sha256(draft.identity.encode('utf-8', 'replace')).hexdigest()[:6]}"
        seen[key] += 1
        out.append(replace(draft, key=key if seen[key] == 1 else f"{key} ({seen[key]})"))
    return out


def _key(title: str) -> str:
    key = re.sub(r"[/\\#\s]+", " ", "".join(c if c.isprintable() else " " for c in title))
    return key.strip()[:_LONGEST_KEY].strip() or "entry"


def on_one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return " ".join(text.split())


def fence(code: str, language: str = "") -> str:
    """A fenced block of code, its fence longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{code.strip(chr(10))}\n{ticks}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose first row is the header; empty for no rows."""
    width = max((len(row) for row in rows), default=0)
    if not width:
        return ""
    lines = []
    for row in rows:
        cells = [on_one_line(cell).replace("|", "\\|") for cell in row]
        lines.append("| " + " | ".join([*cells, *[""] * (width - len(cells))]) + " |")
    lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)


def joined(blocks: Sequence[tuple[str, str]]) -> str:
    """Blocks, each with the prefix of its lines (`> `), as one text; items of a list stay tight."""
    out: list[str] = []
    before = ("", "")
    for prefix, text in blocks:
        lines = "\n".join((prefix + line).rstrip() for line in text.split("\n"))
        tight = _is_item(text) and _is_item(before[1]) and prefix == before[0]
        if out and prefix and prefix == before[0]:
            out.append("\n" if tight else f"\n{prefix.rstrip()}\n")
        elif out:
            out.append("\n" if tight else "\n\n")
        out.append(lines)
        before = (prefix, text)
    return "".join(out)


def _is_item(text: str) -> bool:
    return re.match(r" *(?:- |\d+\. )", text) is not None


def without_breaks(text: str) -> str:
    r"""The text with line breaks of the source, which are no breaks of the page, as `\r`."""
    first, *others = text.split("\n")
    if not others:
        return text
    *between, last = (piece.lstrip(" \t\f\v") for piece in others)
    return "\r".join(piece.rstrip(" \t\f\v") for piece in (first, *between)) + "\r" + last


def inline_words(text: str) -> str:
    """Inline text with its white space as a browser shows it.

    A line break of the source is a space, but nothing between two Han characters.
    """
    pieces = []
    for line in text.split("\n"):
        line = re.sub(r"[ \t\f\v]+", " ", line)  # first: blanks without end cost their square
        line = re.sub(r" ?\r[ \r]*", "\r", line)
        line = re.sub("\r", lambda at: _gap(at.string, at.start()), line)
        pieces.append(re.sub(r"[ \t\f\v]+", " ", line).strip())
    return "\n".join(piece for piece in pieces if piece)


def _gap(text: str, at: int) -> str:
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    return (
        "" if len(around) == 2 and all(is_han(c) or c in "，。；：、！？" for c in around) else " "
    )


def iso_date(value: str | None) -> str | None:
    """The day that a date in ISO form, in mail form or with an English month names."""
    value = (value or "").strip()[:100]
    match = _ISO.search(value)
    try:
        if match:
            return date(*(int(part) for part in match.groups())).isoformat()
        if re.search(r"\d:\d\d", value):
            return parsedate_to_datetime(value).date().isoformat()
    except (ValueError, TypeError, IndexError):
        pass
    named = _NAMED.search(value)
    for form in _WRITTEN if named else ():
        try:
            return datetime.strptime(named.group() if named else "", form).date().isoformat()
        except ValueError:
            continue
    return None
