"""Mending an index folder: what is damaged is made anew, beside what still answers.

The notes are the truth, the index a cache of them; so a database with a wrong byte is never patched
but built again in a folder of its own, and takes the place of the old one when it is whole. Until
then, and wherever that fails, the last whole generation stays. Knows what `inspection` found, and
how a folder takes the place of another. Called by `assistant.doctor`.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.chunking import DEFAULT_SIZE
from corpus.errors import CorpusError, IndexError_
from corpus.index import Index
from corpus.inspection import REBUILDING, Finding
from corpus.sealing import DATABASE
from corpus.store import Store
from corpus.types import RefreshReport
from corpus.work import NoteSource, Progress

if TYPE_CHECKING:
    from corpus.encoder import Encoder

__all__ = ["REMOVABLE", "rebuilt", "removed"]

logger = logging.getLogger(__name__)

REMOVABLE = ("cache", "left")  # what is gone for good once the file is


def removed(folder: Path, findings: Iterable[Finding]) -> list[str]:
    """Remove what killed runs left, and damaged caches; their names.

    Raises:
        IndexBusy: another process is writing this index.
        IndexError_: the folder cannot be written.
    """
    gone = []
    with Store(folder).lock():
        for finding in findings:
            is_cache = finding.kind == "checksum" and finding.name.startswith(("bm25-", "hnsw-"))
            if finding.kind not in REMOVABLE and not is_cache:
                continue
            path = folder / finding.name
            try:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            except OSError as fault:
                raise IndexError_(f"cannot remove {path}: {fault.strerror}") from fault
            gone.append(finding.name)
    return gone


def rebuilt(
    folder: Path,
    vault: NoteSource,
    *,
    encoder: Encoder,
    chunk_size: int = DEFAULT_SIZE,
    progress: Progress | None = None,
) -> RefreshReport:
    """Build the index of a vault anew beside the one in a folder, and put it in its place.

    Killed at any time, the old one is there; the half-built one is swept by the next repair.

    Raises:
        CorpusError: the notes are gone, or there are none.
        IndexBusy: another process is writing this index.
        IndexError_: the folder cannot be written.
    """
    beside = folder / REBUILDING
    store = Store(folder)
    with store.lock():
        try:
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
        except OSError as fault:
            raise IndexError_(f"cannot write in {folder}: {fault.strerror}") from fault
        try:
            with Index.open(beside, encoder=encoder, chunk_size=chunk_size) as index:
                report = index.refresh(vault, progress=progress)
            if not report.n_notes:
                raise CorpusError(f"no notes in {vault.root}: the index stays as it was")
            store.take_place(beside)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    logger.info("%s was built again: %d notes", folder / DATABASE, report.n_notes)
    return report
