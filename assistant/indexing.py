"""Keeping an index in line with its notes, as the commands do it: progress, waiting, watching.

Knows the assistant and a terminal; what a refresh is, `corpus.refresh` knows. Called by `cli`.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from assistant.plain import rate_text
from corpus.errors import IndexBusy, IndexError_, YoujuError
from corpus.types import RefreshReport

if TYPE_CHECKING:
    from assistant.pipeline import Assistant

__all__ = ["WAIT_S", "Bar", "bar", "brought_up_to_date", "refreshed", "watch"]

logger = logging.getLogger(__name__)

WAIT_S = 600.0  # for another process that builds an index which is still empty
_RETRY_S = 0.2
_SILENT_S = 5.0  # without a terminal, a progress line as seldom as this
_HELD_UP_S = 1.0  # passages are told of where the encoder holds up the reading for so long
_WIDTH = 24
_SETTLE_S = 0.3  # an editor saves in several steps
_LOOK_S = 10.0  # at the latest: network drives report no changes


class Bar:
    """A progress bar with notes per second and the time left; lines where there is no terminal.

    Where the encoder takes longer than the reading, it tells of passages instead.

    Args:
        stream: where it is drawn.
        clock: seconds, growing.
    """

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._is_terminal = self._stream.isatty()
        self._wait = 0.1 if self._is_terminal else _SILENT_S
        self._begun = self._shown_at = clock()
        self._open = False
        self._shown = self._latest = (True, 0, 0)  # notes rather than passages, done, total

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` notes are read."""
        self._latest = True, done, total
        now = self._clock()
        if now - self._shown_at >= self._wait or (done == total and self._open):
            self._show(now)

    def encoding(self, done: int, total: int) -> None:
        """Show that `done` of `total` passages are encoded."""
        self._latest = False, done, total
        now = self._clock()
        wait = max(self._wait, _HELD_UP_S) if self._shown[0] else self._wait
        if now - self._shown_at >= wait:
            self._show(now)

    def _show(self, now: float) -> None:
        self._shown, self._shown_at = self._latest, now
        of_notes, done, total = self._latest
        what, things = ("indexing", "notes") if of_notes else ("encoding", "passages")
        rate = done / max(now - self._begun, 1e-9)
        left = f"{_duration((total - done) / rate)} left" if rate else ""
        said = f"{done}/{total} {things}, {rate_text(done, now - self._begun)} {things}/s, {left}"
        if self._is_terminal:
            full = _WIDTH * done // max(total, 1)
            self._stream.write(f"\r{what} {'█' * full}{'·' * (_WIDTH - full)} {said}   ")
        else:
            self._stream.write(f"{what} {said}\n")
        self._stream.flush()
        self._open = True

    def close(self) -> None:
        """End the line of the bar."""
        if self._open and self._is_terminal:
            if self._latest[0] == self._shown[0] and self._latest != self._shown:
                self._show(self._clock())
            self._stream.write("\n")
            self._stream.flush()
        self._open = False


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"


@contextmanager
def bar() -> Iterator[Bar]:
    """A bar whose line is ended, whatever happens."""
    drawn = Bar()
    try:
        yield drawn
    finally:
        drawn.close()


def refreshed(
    assistant: Assistant, *, rebuild: bool = False, forget: bool = False, wait: float = WAIT_S
) -> RefreshReport:
    """Bring the index in line with the notes, after another process that is writing it.

    Raises:
        IndexBusy: the other process was still writing after `wait` seconds.
        ManyGone: see `Assistant.refresh`.
    """
    until = time.monotonic() + wait
    told = False
    while True:
        try:
            with bar() as drawn:
                return assistant.refresh(
                    drawn, encoding=drawn.encoding, rebuild=rebuild, forget=forget
                )
        except IndexBusy as busy:
            if time.monotonic() >= until:
                raise
            if not told:
                logger.warning("waiting: %s", busy)
                told = True
            time.sleep(_RETRY_S)


def brought_up_to_date(assistant: Assistant, *, wait: float | None = None) -> RefreshReport:
    """Refresh before an answer, unless the last good generation has to serve.

    It serves while another process writes, when most notes are gone at once, and when the disk is
    full or read-only. An index that holds nothing yet is waited for, `wait` seconds at most
    (WAIT_S).
    """
    try:
        is_empty = assistant.index.generation == 0
        patience = WAIT_S if wait is None else wait
        return refreshed(assistant, wait=patience if is_empty else 0.0)
    except IndexError_ as fault:
        index = assistant.index
        if index.generation == 0:
            raise
        logger.warning("answering from the index as it was: %s", fault)
        n_notes, skipped = index.n_notes, index.status().skipped
        return RefreshReport(
            n_notes=n_notes, unchanged=n_notes, n_chunks=index.n_chunks, skipped=skipped
        )


def watch(
    assistant: Assistant,
    told: Callable[[RefreshReport], None],
    *,
    stop: threading.Event | None = None,
) -> None:
    """Refresh whenever a note is saved, until `stop` is set or the process is interrupted.

    Args:
        assistant: with notes to read.
        told: called after each refresh that changed something.
        stop: ends the watch.
    """
    if assistant.vault is None:
        raise ValueError("this assistant was made without notes to read")
    stop = threading.Event() if stop is None else stop
    changed = threading.Event()
    failed = ""
    with _observed(assistant.vault.root, changed):
        while not stop.is_set():
            if changed.wait(_LOOK_S):
                time.sleep(_SETTLE_S)
                changed.clear()
            if stop.is_set():
                return
            try:
                report = assistant.refresh()
                failed = ""
            except YoujuError as fault:
                if str(fault) != failed:
                    logger.warning("%s", fault)
                failed = str(fault)
                continue
            if not report.is_noop:
                told(report)


@contextmanager
def _observed(root: Path, changed: threading.Event) -> Iterator[None]:
    """Set the event when something changes below the root, a folder, file or zip."""
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    folder = root if root.is_dir() else root.parent

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            if event.event_type in ("opened", "closed_no_write"):
                return  # reading notes is no change of them
            paths = {str(event.src_path), str(event.dest_path)}
            if folder is root or str(root) in paths:
                changed.set()

    observer = Observer()
    observer.schedule(Handler(), str(folder), recursive=folder is root)
    try:
        observer.start()
    except OSError as fault:  # more folders than the system watches at once
        logger.warning("watching by looking every %d seconds: %s", int(_LOOK_S), fault)
        yield
        return
    try:
        yield
    finally:
        observer.stop()
        observer.join(5)
