"""Bringing the index in line with a vault: look, prepare, publish.

Look: by size and time. Prepare: read, cut, encode; staged in batches, so a killed run is taken up
where it stopped (`preparing`). Publish: one transaction, one new generation (`publishing`). Knows
the order and the locks; called by `index`.
"""

from __future__ import annotations

import json
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from corpus.caches import Caches
from corpus.drafts import READERS_VERSION
from corpus.errors import CorpusError, IndexError_, ManyGone, ModelError
from corpus.fingerprints import encoder_of, fingerprint_of, made_by
from corpus.preparing import Preparation, require_vault
from corpus.publishing import publish, report_of
from corpus.rows import storable_path
from corpus.store import Store
from corpus.tables import Reader
from corpus.types import RefreshReport
from corpus.work import NoteSource, Progress, Work

if TYPE_CHECKING:
    from corpus.encoder import Encoder
    from corpus.readers import SourceFile

__all__ = ["Refresh"]

logger = logging.getLogger(__name__)


class Refresh:
    """One run of `Index.refresh`."""

    def __init__(
        self, store: Store, caches: Caches, encoder: Encoder, chunk_size: int, vault: NoteSource
    ) -> None:
        self._store = store
        self._caches = caches
        self._encoder = encoder
        self._chunk_size = chunk_size
        self._vault = vault
        self._root = storable_path(str(vault.root.absolute()))
        self._fingerprint = fingerprint_of(encoder, chunk_size)

    def run(
        self,
        *,
        progress: Progress | None,
        rebuild: bool,
        encoding: Progress | None = None,
        forget: bool = True,
    ) -> RefreshReport:
        """Do what is needed; see `Index.refresh`."""
        require_vault(self._vault)
        listed_at = time.time_ns()
        listed = {storable_path(file.path): file for file in self._vault.files()}
        require_vault(self._vault)
        with self._store.reading() as reader:
            stamp = reader.stamp
            unchanged = not self._look(reader, listed, rebuild).is_needed
            report = report_of(reader, [])
        if unchanged:
            if self._store.is_open:
                self._seal_again(stamp)
            return report
        prepared = Preparation(
            self._store, self._vault, chunk_size=self._chunk_size, encoding=encoding
        )
        with self._store.lock():
            try:
                with self._store.reading() as reader:  # another process may have written since
                    work = self._look(reader, listed, rebuild)
                prepared.run(work, listed_at, progress)
                return publish(self._store, self._caches, work, prepared, forget=forget)
            except (KeyboardInterrupt, CorpusError, ManyGone, ModelError):
                self._seal_half()
                raise
            finally:
                prepared.close()

    def _look(self, reader: Reader, listed: dict[str, SourceFile], rebuild: bool) -> Work:
        stored = reader.files()
        fingerprint = reader.meta("fingerprint")
        trusted = (
            not rebuild
            and reader.meta("root") == self._root
            and (fingerprint is None or made_by(fingerprint, "readers") == str(READERS_VERSION))
        )
        to_read = [
            path
            for path, file in listed.items()
            if not trusted
            or path not in stored
            or (stored[path].size, stored[path].mtime_ns) != (file.size, file.mtime_ns)
        ]
        gone = stored.keys() - listed.keys()
        skipped = json.dumps(
            [
                (storable_path(entry.path), storable_path(entry.reason))
                for entry in self._vault.skipped
            ]
        )
        anew = rebuild or fingerprint != self._fingerprint
        return Work(
            root=self._root,
            encoder=self._encoder,
            fingerprint=self._fingerprint,
            listed=listed,
            to_read=to_read,
            gone_files=gone,
            skipped=skipped,
            anew=anew,
            same_encoder=not rebuild and encoder_of(reader) == self._encoder.fingerprint,
            may_reuse=not rebuild,
            before_encoder=encoder_of(reader),
            is_needed=bool(to_read or gone or anew)
            or reader.meta("root") != self._root
            or (reader.meta("skipped") or "[]") != skipped
            or reader.has_staged()
            or not self._caches.are_whole(reader),
        )

    def _seal_half(self) -> None:
        """Seal what a run has staged that was stopped in order: nothing in it is in doubt."""
        with suppress(IndexError_):
            self._store.checkpoint()
            with self._store.reading() as reader:
                base = reader.base
            self._store.put_seal(self._caches.files(base))

    def _seal_again(self, stamp: str) -> None:
        """Seal a generation whose writer could not: it was killed, or somebody was reading."""
        try:
            with self._store.lock():
                self._store.checkpoint()
                with self._store.reading() as reader:
                    is_same, base = reader.stamp == stamp, reader.base
                if is_same:
                    self._store.put_seal(self._caches.files(base))
        except IndexError_ as fault:  # another process is at it, or the disk takes no more
            logger.debug("not sealed: %s", fault)
