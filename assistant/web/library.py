"""The notes themselves, to browse and to read: a list by folder, and one note drawn whole."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

from assistant.filters import Filters
from assistant.web.desk import Desk
from assistant.web.render import escape, render_note
from assistant.web.spots import ask_href, note_href
from assistant.web.texts import both, both_n
from corpus.tables import NoteRow
from corpus.text import fold

__all__ = ["Library"]

_SHOWN = 300  # notes of a list
_MAX_READ = 120_000  # characters of a note drawn at once: Gradio draws them in the browser


class Library:
    """The notes of a desk.

    Args:
        desk: the notes in use.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._names: tuple[object, dict[str, str]] = (None, {})

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

    def read(self, path: object) -> str | None:
        """A note as markup to read; None when it is not indexed."""
        note = self._desk.note(path) if isinstance(path, str) else None
        if note is None:
            return None
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
        body = note.text[note.body_start : note.body_start + _MAX_READ]
        if body.lstrip().startswith("# "):  # the title stands above already
            body = re.sub(r"\A\s*# [^\n]*\n?", "", body)
        cut = both("library.cut") if len(note.text) - note.body_start > _MAX_READ else ""
        head = (
            f"<div class='yj-nhead'><h1 class='hd'>{escape(note.title)}</h1>"
            f"<div class='wh'>{escape(facts)} {tags}</div><div class='acts'>{''.join(acts)}</div>"
            "</div>"
        )
        end = f"\n\n<div class='yj-empty'>{cut}</div>" if cut else ""
        return f"{head}\n\n{render_note(body, lambda target: self._place(target, note.path))}{end}"

    def _place(self, target: str, origin: str) -> str | None:
        """Where a link of a note leads: another note, a page of the web, or nowhere."""
        target = target.strip()
        if re.match(r"https?://[^\s\"'<>]+\Z", target, re.I):
            return target
        if ":" in target.split("/")[0] and not target.lower().startswith("file"):
            return None
        name = unquote(target.partition("#")[0]).strip()
        if not name:
            return None
        base = PurePosixPath(origin).parent
        names = self._all_names()
        joined = _normal(base / name)
        for key in (joined, name, name.removesuffix(".md"), PurePosixPath(name).stem):
            if path := names.get(fold(key)):
                return note_href(path)
        return None

    def _all_names(self) -> dict[str, str]:
        """Every name a link may call a note by: path, file, stem, title, alias."""
        index = self._desk.assistant.index
        known = id(index), index.generation
        if self._names[0] != known:
            found: dict[str, str] = {}
            for rank in range(3):  # what is surer comes later and wins
                for row in reversed(index.listing()):
                    found.update((fold(name), row.path) for name in _names_of(row)[rank])
            self._names = known, found
        return self._names[1]


def _names_of(row: NoteRow) -> tuple[tuple[str, ...], ...]:
    """What a note may be called: by title or alias, by file name, by path."""
    file = PurePosixPath(row.file)
    return (
        (*row.aliases, row.title),
        (file.stem, file.name),
        (row.file, row.file.removesuffix(".md"), row.path),
    )


def _normal(path: PurePosixPath) -> str:
    """A path without `.` and `..`."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part not in {".", ".."}:
            parts.append(part)
    return "/".join(parts)


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
