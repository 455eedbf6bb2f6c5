"""Which notes may be found: folder, tag, dates, title, name. Knows notes, not queries or scores."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Protocol

from corpus.text import fold

__all__ = ["Described", "Filters"]


class Described(Protocol):
    """What filters look at: a note with or without its text (`Note`, `NoteRow`)."""

    @property
    def path(self) -> str:
        """Identity inside the vault."""
        ...

    @property
    def file(self) -> str:
        """File that holds the note."""
        ...

    @property
    def title(self) -> str:
        """Its title."""
        ...

    @property
    def date(self) -> str | None:
        """ISO date, or None."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """Without `#`."""
        ...

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which notes may be found; None lets every note pass.

    Attributes:
        folder: path prefix or glob inside the vault.
        tag: tag without `#`, nested tags included (`ml` finds `ml/rag`).
        since: first ISO date, year or month; notes without a date are left out.
        until: last ISO date, year or month, its last day included; notes without a date are
            left out.
        title: part of the title or of an alias, case ignored.
        notes: names of the only notes that may be found: title, alias, file name without its
            ending, or path; a heading behind `#` is not looked at.
        also: further filters, all of which a note must pass.
    """

    folder: str | None = None
    tag: str | None = None
    since: str | None = None
    until: str | None = None
    title: str | None = None
    notes: tuple[str, ...] = ()
    also: tuple[Filters, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether every note passes."""
        own = self.folder or self.tag or self.since or self.until or self.title or self.notes
        return not own and all(other.is_open for other in self.also)

    def narrowed(self, *others: Filters) -> Filters:
        """Filters that let through what these and all others do."""
        return replace(self, also=(*self.also, *others))

    def admits(self, note: Described) -> bool:
        """Whether a note passes all filters."""
        return (
            self._admits_place(note)
            and self._admits_date(note)
            and self._admits_name(note)
            and all(other.admits(note) for other in self.also)
        )

    def _admits_place(self, note: Described) -> bool:
        if self.folder:
            folder = self.folder.replace("\\", "/").removeprefix("./").strip("/")
            inside = folder in {"", "."} or f"{note.path}/".startswith(f"{folder}/")
            if not inside and note.file != folder and not fnmatch.fnmatchcase(note.path, folder):
                return False
        if self.tag:
            tag = fold(self.tag.strip("#/ "))
            return any(f"{fold(own)}/".startswith(f"{tag}/") for own in note.tags)
        return True

    def _admits_date(self, note: Described) -> bool:
        # a year is compared with the year of the note, a month with its month
        if self.since and (note.date is None or note.date[: len(self.since)] < self.since):
            return False
        return not (self.until and (note.date is None or note.date[: len(self.until)] > self.until))

    def _admits_name(self, note: Described) -> bool:
        if self.title:
            wanted = fold(self.title.strip())
            if not any(wanted in fold(name) for name in (note.title, *note.aliases)):
                return False
        return not self.notes or any(_is_called(note, name) for name in self.notes)


def _is_called(note: Described, name: str) -> bool:
    """Whether a link `[[name]]` means the note, as Obsidian resolves it but for case."""
    wanted = {_plain(name), _plain(name.split("#", 1)[0])} - {""}
    if wanted & {_plain(own) for own in (note.title, *note.aliases)}:
        return True
    file = PurePosixPath(_plain(note.file))
    places = {_plain(note.path), str(file), str(file.with_suffix("")) if file.name else ""}
    return any(f"/{place}".endswith(f"/{one}") for place in places for one in wanted)


def _plain(name: str) -> str:
    return " ".join(fold(name).split()).strip("/")
