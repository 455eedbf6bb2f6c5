"""The notes of a database that were read last, so that a question reads none twice.

Knows paths and versions of notes; not where they come from.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from corpus.types import Note

__all__ = ["Notes"]

_MAX_CHARS = 8_000_000


class Notes:
    """The notes read last, by path and version. Threads may share it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Note] = OrderedDict()
        self._n_chars = 0
        self._guard = threading.Lock()

    def get(self, path: str, version: str) -> Note | None:
        """The note of a path and version, if it is kept."""
        with self._guard:
            found = self._kept.get((path, version))
            if found is not None:
                self._kept.move_to_end((path, version))
            return found

    def put(self, path: str, version: str, note: Note) -> None:
        """Keep a note, and let go of those not asked for the longest."""
        with self._guard:
            if (path, version) in self._kept:
                return
            self._kept[path, version] = note
            self._n_chars += len(note.text)
            while self._n_chars > _MAX_CHARS and len(self._kept) > 1:
                self._n_chars -= len(self._kept.popitem(last=False)[1].text)
