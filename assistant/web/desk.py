"""What every tab works with: the notes in use, and the places that were shown and may be opened.

Every argument may come from anyone who reaches the port, so each is checked here. Knows nothing
of Gradio; `handlers` and its neighbours build on it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from assistant.filters import Filters
from assistant.links import links_of
from assistant.types import Answer, Checked, Hit
from assistant.web.environment import open_file
from assistant.web.spots import Sheet, Shown, parse_ref, passage
from assistant.web.store import TurnStore
from assistant.web.texts import both
from corpus.errors import CorpusError, YoujuError
from corpus.protocol import Index
from corpus.types import Note, RefreshReport

__all__ = ["Assistant", "Desk", "Unfit"]

logger = logging.getLogger(__name__)

LOOK_S = 10.0  # least time between two looks for changed notes


class Assistant(Protocol):
    """What the page needs of `assistant.pipeline.Assistant`."""

    index: Index
    generator: str
    encoder_name: str

    def ask(self, question: str) -> Answer:
        """The finished answer."""

    def stream(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        filters: Filters | None = None,
        rewrite: bool = False,
    ) -> Iterator[Answer]:
        """Growing answers from the notes that pass; the last one is finished and checked."""

    def find(self, query: str, *, k: int = 10, filters: Filters | None = None) -> list[Hit]:
        """The passages that match best."""

    def notices(
        self, query: str, hits: Sequence[Hit], filters: Filters | None = None
    ) -> tuple[str, ...]:
        """What is to be said beside the hits of a search."""

    def check(self, text: str) -> Checked:
        """The claims of a text, with verdicts."""

    def refresh(self, progress: Callable[[int, int], None] | None = None) -> RefreshReport:
        """Bring the index in line with the notes."""

    def examples(self, n: int = 4) -> list[str]:
        """Questions that the notes answer."""


class Unfit(ValueError):
    """What a person typed cannot be used; `markup` says why, in both languages."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.markup = both(key, **values)


class Desk:
    """The notes in use and what was shown of them.

    Args:
        assistant: answers, finds and checks.
        store: turns of all sessions, on disk.
        local: whether only this machine reaches the page; some acts are refused otherwise.

    Attributes:
        looked: when the notes were last looked at for changes, in local time.
    """

    def __init__(self, assistant: Assistant, store: TurnStore, *, local: bool = True) -> None:
        self.assistant = assistant
        self.store = store
        self.local = local
        self._shown = Shown()
        self._looking = threading.Lock()
        self._looked_at = time.monotonic()
        self.looked = datetime.now().astimezone()

    def fresh_assistant(self) -> Assistant:
        """What answers, its notes looked at for changes: for the HTTP interface."""
        self.look()
        return self.assistant

    def look(self) -> None:
        """Refresh the index if notes changed since the last look, a while ago."""
        if time.monotonic() - self._looked_at < LOOK_S or not self._looking.acquire(False):
            return
        try:
            self.assistant.refresh()
        except YoujuError as fault:
            logger.warning("the index stays as it was: %s", fault)
        finally:
            self.has_looked()
            self._looking.release()

    def has_looked(self) -> None:
        """Note that the notes were looked at for changes just now."""
        self._looked_at = time.monotonic()
        self.looked = datetime.now().astimezone()

    # The panel

    def passage(self, ref: object) -> dict[str, Any] | None:
        """What the panel draws for a reference; None unless its sheet was shown."""
        sheet, key = self._sheet(ref)
        spot = next((spot for spot in sheet.spots if spot.key == key), None) if sheet else None
        if sheet is None or spot is None:
            return None
        note = self.note(spot.note)
        return {**asdict(passage(sheet, spot, note)), **self.outside(note, spot.start)}

    def copy(self, ref: object) -> str | None:
        """The Markdown that a reference copies; None unless its sheet was shown."""
        sheet, key = self._sheet(ref)
        number = int(key[1:]) if key.startswith("y") else -1
        return sheet.copies[number] if sheet and 0 <= number < len(sheet.copies) else None

    def _sheet(self, ref: object) -> tuple[Sheet | None, str]:
        """The sheet and key of a reference; sheets of turns outlive this process."""
        parsed = parse_ref(ref)
        if parsed is None:
            return None, ""
        sheet_id, key = parsed
        return self._shown.get(sheet_id) or self.store.sheet(sheet_id), key

    def show(self, sheet: Sheet) -> Sheet:
        """Make a sheet's spots openable and its texts copyable; returns it."""
        self._shown.add(sheet)
        return sheet

    def note(self, path: str) -> Note | None:
        """The note as indexed now; None when it is not."""
        if not path:
            return None
        try:
            return self.assistant.index.note(path)
        except CorpusError:
            return None  # deleted since it was cited: the panel says so

    def outside(self, note: Note | None, start: int) -> dict[str, str]:
        """Links that open the note's file elsewhere; none where it is not a file of its own."""
        line = note.line_of(start) if note else 1
        found = links_of(self.assistant.index.status().root, note, line)
        return {
            "obsidian": (found.obsidian or "") if found else "",
            "editor": found.editor if found else "",
            "file": note.path if note and found and self.local else "",
        }

    def open_file(self, path: object) -> bool:
        """Open a note's file with the program this machine has for it; whether that worked.

        Only files of the vault in use are opened, and only for a person at this machine.
        """
        note = self.note(path) if isinstance(path, str) and self.local else None
        root = self.assistant.index.status().root
        if note is None or root is None:
            return False
        base = Path(root)
        file = (base if base.is_file() else base / note.file).resolve()
        inside = file == base.resolve() or file.is_relative_to(base.resolve())
        return inside and file.is_file() and file.suffix.lower() != ".zip" and open_file(file)
