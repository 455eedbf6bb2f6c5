"""The notes themselves, to browse and to read: a list by folder, and one note drawn whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

from assistant.filters import Filters
from assistant.web.desk import Desk
from assistant.web.markup import Mark, escape
from assistant.web.render import render, render_note
from assistant.web.spots import ask_href, note_href
from assistant.web.texts import both, both_n
from corpus.links import Link, place_of
from corpus.rows import NoteRow
from corpus.text import fold
from corpus.types import Note

__all__ = ["Library"]

_SHOWN = 300  # notes of a list
_MAX_READ = 120_000  # characters of a note drawn at once: Gradio draws them in the browser
_LEAD = 2_000  # characters drawn before the words a long note is opened at
_MAX_BACK = 40  # notes that link to one
_LONG = 300  # characters from which on what a note is opened at is a passage, not a sentence
_AROUND = 80  # characters shown on either side of a link that leads here
_WEB = re.compile(r"https?://[^\s\"'<>]+\Z", re.I)
_SPAN = re.compile(r"(\d{1,9})-(\d{1,9})")


class Library:
    """The notes of a desk.

    Args:
        desk: the notes in use.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def listing(self, filters: Filters) -> str:
        """The notes that pass, by folder, as markup."""
        rows = self._desk.assistant.index.listing()
        if not rows:
            return f"<div class='yj-empty'>{both('library.none')}</div>"
        passing = [row for row in rows if filters.admits(row)]
        if not passing:
            return f"<div class='yj-empty'>{both('find.none')}</div>"
        out = [f"<div class='yj-list'><div class='yj-sum'>{both_n('notes', len(passing))}</div>"]
        folder = None
        for row in sorted(passing, key=_by_folder)[:_SHOWN]:
            own = PurePosixPath(row.file).parent.as_posix()
            if own != folder:
                folder = own
                if own != ".":
                    out.append(f"<div class='fo'>{escape(own)}</div>")
            out.append(_row(row))
        if len(passing) > _SHOWN:
            out.append(
                f"<div class='yj-empty'>{both('library.more', n=len(passing) - _SHOWN)}</div>"
            )
        return "".join([*out, "</div>"])

    def read(self, path: object, at: object = "") -> str | None:
        """A note as markup to read, with the notes it leads to and those that lead to it.

        Args:
            path: of the note.
            at: `START-END`, the span to open it at, which is marked; anything else for its
                beginning.

        Returns:
            Markup; None when the note is not indexed.
        """
        note = self._desk.note(path) if isinstance(path, str) else None
        if note is None:
            return None
        index = self._desk.assistant.index
        links = index.links(note.path)
        span = _SPAN.fullmatch(at) if isinstance(at, str) else None
        start, end = (int(span[1]), int(span[2])) if span else (0, 0)
        first, last = _drawn(note, start)
        # spans are of the note as it was cited; what it has become since may be shorter
        start = max(start, first)  # a passage may begin with the title, which stands above
        css = "here long" if end - start > _LONG else "here"
        marks = [Mark(start=start - first, end=end - first, css=css)] if start < end <= last else []
        places = _Places(self._desk, note, links)
        body = render_note(note.text[first:last], places, marks)
        cut = len(note.text) - note.body_start > _MAX_READ
        cut_note = f"<div class='yj-empty'>{both('library.cut')}</div>" if cut else ""
        return "\n\n".join(
            part for part in (self._head(note), body, cut_note, self._around(note, links)) if part
        )

    def _head(self, note: Note) -> str:
        tags = "".join(f"<span class='tag'>#{escape(tag)}</span>" for tag in note.tags[:12])
        facts = " · ".join(part for part in (note.date or "", note.file) if part)
        acts = [f"<a class='act' href='{ask_href(note.path)}'>{both('note.ask')}</a>"]
        outside = self._desk.outside(note, 0)
        if outside["file"]:
            href = f"#o-{quote(note.path, safe='')}"
            acts.append(f"<a class='act' href='{href}'>{both('panel.file')}</a>")
        for name in ("obsidian", "editor"):
            if outside[name]:
                # the scheme would not pass Gradio's sanitizer: the page opens it by script
                href = f"#l-{quote(outside[name], safe='')}"
                acts.append(f"<a class='act' href='{href}'>{both(f'panel.{name}')}</a>")
        return (
            f"<div class='yj-nhead'><h1 class='hd'>{escape(note.title)}</h1>"
            f"<div class='wh'>{escape(facts)} {tags}</div><div class='acts'>{''.join(acts)}</div>"
            "</div>"
        )

    def _around(self, note: Note, links: Sequence[Link]) -> str:
        """The notes a note links to, and those that link to it with the words around the link."""
        titles = {row.path: row.title for row in self._desk.assistant.index.listing()}
        to = dict.fromkeys(link.to for link in links if link.to and link.to != note.path)
        leading = "".join(
            f"<a class='ln' href='{note_href(path)}'>{escape(titles.get(path, path))}</a>"
            for path in to
        )
        back: dict[str, Link] = {}
        for link in self._desk.assistant.index.backlinks(note.path):
            back.setdefault(link.note, link)
        rows = "".join(
            f"<a class='bk' href='{note_href(link.note, link.start, link.end)}'>"
            f"<b>{escape(titles.get(link.note, link.note))}</b>"
            f"<span class='qu'>{self._words_around(link)}</span></a>"
            for link in list(back.values())[:_MAX_BACK]
        )
        out = ""
        if leading:
            out += (
                f"<h2 class='hd sec'>{both('library.links')}</h2><div class='lns'>{leading}</div>"
            )
        if rows:
            heading = both("library.backlinks", n=len(back))
            out += f"<h2 class='hd sec'>{heading}</h2><div class='bks'>{rows}</div>"
        return f"<div class='yj-links'>{out}</div>" if out else ""

    def _words_around(self, link: Link) -> str:
        """The part of its line that a link stands in."""
        note = self._desk.note(link.note)
        if note is None:
            return ""
        text = note.text
        low = max(text.rfind("\n", 0, link.start) + 1, link.start - _AROUND)
        high = text.find("\n", link.end)
        high = min(high if high >= 0 else len(text), link.end + _AROUND)
        return render(text[low:high])


class _Places:
    """Where the links of a note lead, by what they name: another note, the web, or nowhere."""

    def __init__(self, desk: Desk, note: Note, links: Sequence[Link]) -> None:
        self._desk = desk
        self._note = note
        self._to = {link.target: link.to for link in links if link.to}

    def __call__(self, target: str) -> str | None:
        target = target.strip()
        if _WEB.match(target):
            return target
        name, _, anchor = target.partition("#")
        known = self._to.get(name.strip()) or self._to.get(unquote(name.partition("?")[0]).strip())
        path = known or (self._note.path if anchor and not name else None)
        if path is None:
            return None
        to = self._note if path == self._note.path else self._desk.note(path)
        span = place_of(to, unquote(anchor).strip()) if to and anchor else None
        return note_href(path, *span) if span else note_href(path)


def _drawn(note: Note, start: int) -> tuple[int, int]:
    """The part of a note that is drawn: its body without the title, or what begins near `start`."""
    first = note.body_start
    title = re.compile(r"\s*# [^\n]*\n?").match(note.text, first)
    if title:  # the title stands above already
        first = title.end()
    if start - first > _MAX_READ - _LEAD:
        first = note.text.rfind("\n", first, start - _LEAD) + 1 or first
    return first, min(len(note.text), first + _MAX_READ)


def _by_folder(row: NoteRow) -> tuple[str, str]:
    parent = PurePosixPath(row.file).parent.as_posix()
    return ("" if parent == "." else parent, fold(row.title))


def _row(row: NoteRow) -> str:
    tags = "".join(f"<span class='tag'>#{escape(tag)}</span>" for tag in row.tags[:4])
    return (
        f"<a class='nt' href='{note_href(row.path)}'><b>{escape(row.title)}</b>"
        f"<span class='wh'>{escape(row.date or '')}</span>"
        f"<span class='wh'>{escape(PurePosixPath(row.file).name)} {tags}</span></a>"
    )
