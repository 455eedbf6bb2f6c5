"""Notes that are open: their index, and how it is kept in line with them.

Knows an index and where its notes are read from; no models, no questions. `pipeline` asks them,
`indexing` shows a person how far a refresh is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Thread
from types import TracebackType
from typing import Self

from corpus.errors import YoujuError
from corpus.protocol import Index
from corpus.readers import Vault
from corpus.types import RefreshReport

__all__ = ["OpenNotes"]

logger = logging.getLogger(__name__)


class OpenNotes:
    """A person's notes with their index. Threads may share it.

    Args:
        index: the index of the notes.
        vault: where they are read from; None for an index that is only asked.
    """

    def __init__(self, index: Index, vault: Vault | None) -> None:
        self.index = index
        self.vault = vault
        self._migration: Thread | None = None

    def close(self) -> None:
        """Close the index; a migration that still runs is taken up where it stopped."""
        self.index.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the index."""
        self.close()

    def refresh(
        self,
        progress: Callable[[int, int], None] | None = None,
        *,
        encoding: Callable[[int, int], None] | None = None,
        rebuild: bool = False,
        forget: bool = False,
    ) -> RefreshReport:
        """Bring the index in line with the notes; costs a look where nothing changed.

        An index that is only asked stays as it is. Arguments and errors are those of
        `protocol.Index.refresh`.
        """
        if self.vault is None:
            status = self.index.status()
            return RefreshReport(
                unchanged=status.n_notes,
                n_notes=status.n_notes,
                n_chunks=status.n_chunks,
                skipped=status.skipped,
            )
        return self.index.refresh(
            self.vault, progress=progress, encoding=encoding, rebuild=rebuild, forget=forget
        )

    def migrate(self, encoding: Callable[[int, int], None] | None = None) -> Thread:
        """Refresh the index in a thread of its own; until it ends, the old index answers."""

        def run() -> None:
            try:
                self.refresh(encoding=encoding)
            except (YoujuError, ValueError) as fault:  # ValueError: closed meanwhile
                logger.warning("the index stays as it was: %s", fault)

        if self._migration is None or not self._migration.is_alive():
            self._migration = Thread(target=run, name="migration", daemon=True)
            self._migration.start()
        return self._migration
