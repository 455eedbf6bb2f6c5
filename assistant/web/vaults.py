"""The notes in use: their state, refreshing them in the background, and choosing others.

A refresh belongs to the server, not to a browser's request, so a reloaded page finds its
progress again. Uploaded files are kept in the page's private folder and read from there.
"""

from __future__ import annotations

import logging
import re
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePath

from assistant.web.desk import Assistant, Desk, Unfit
from assistant.web.markup import escape
from assistant.web.skips import skip_reason
from assistant.web.texts import both, both_n
from corpus.errors import YoujuError

__all__ = ["Vaults"]

logger = logging.getLogger(__name__)

_SKIPPED_SHOWN = 500
_UPLOADS_KEPT = 5  # copies of uploads beside the one in use: up to 300 MB each


class Vaults:
    """What can be done with the notes of a desk.

    Args:
        desk: its assistant is exchanged when other notes are chosen.
        folder: private folder for uploads, existing.
        open_notes: an assistant over other notes, its index fresh; None where none may be chosen.
    """

    def __init__(
        self, desk: Desk, folder: Path, open_notes: Callable[[Path], Assistant] | None
    ) -> None:
        self._desk = desk
        self._folder = folder / "uploads"
        self._open = open_notes if desk.local else None
        self._lock = threading.Lock()
        self._work: threading.Thread | None = None
        self._done = self._total = 0
        self._outcome = ""
        self._failed = False

    @property
    def may_choose(self) -> bool:
        """Whether other notes can be chosen from the page."""
        return self._open is not None

    @property
    def busy(self) -> bool:
        """Whether a refresh or an opening runs."""
        return self._work is not None and self._work.is_alive()

    def refresh(self) -> None:
        """Refresh the index in the background; nothing where that already runs."""
        self._begin(self._refresh)

    def use(self, written: str) -> None:
        """Open other notes in the background.

        Raises:
            Unfit: nothing was written, or no other notes may be chosen.
        """
        path = Path(written.strip().strip("\"'")).expanduser()
        if self._open is None:
            raise Unfit("vault.fixed")
        if not written.strip():
            raise Unfit("vault.empty")
        if not path.exists():
            raise Unfit("vault.absent", path=str(path)[:300])
        self._begin(lambda: self._exchange(path))

    def take(self, files: Sequence[str]) -> None:
        """Keep uploaded files and open them: one zip as it is, anything else as a folder.

        Raises:
            Unfit: there are none, or no other notes may be chosen.
        """
        if self._open is None:
            raise Unfit("vault.fixed")
        found = [Path(file) for file in files if Path(file).is_file()]
        if not found:
            raise Unfit("vault.empty")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if len(found) == 1 and found[0].suffix.lower() == ".zip":
            kept = self._folder / _plain_name(found[0].name)
            shutil.copyfile(found[0], kept)
        else:
            kept = self._folder / time.strftime("notes-%Y%m%d-%H%M%S")
            kept.mkdir(mode=0o700, exist_ok=True)
            for file in found:
                shutil.copyfile(file, kept / _plain_name(file.name))
        self._sweep(kept)
        self._begin(lambda: self._exchange(kept))

    def _sweep(self, newest: Path) -> None:
        """Forget copies of uploads but the last few; what is in use stays."""
        root = self._desk.assistant.index.status().root
        in_use = {newest, Path(root) if root else newest}
        others = [path for path in self._folder.iterdir() if path not in in_use]
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for old in others[_UPLOADS_KEPT:]:
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old, ignore_errors=True)
            else:
                old.unlink(missing_ok=True)

    def _begin(self, work: Callable[[], str]) -> None:
        with self._lock:
            if self.busy:
                return
            self._done = self._total = 0
            self._outcome, self._failed = "", False
            self._work = threading.Thread(target=self._run, args=(work,), daemon=True)
            self._work.start()

    def _run(self, work: Callable[[], str]) -> None:
        outcome = both("error")  # stays where something unforeseen ends the thread
        self._failed = True
        try:
            outcome = work()
            self._failed = False
        except YoujuError as known:
            outcome = escape(str(known))
        finally:
            self._outcome = outcome

    def _refresh(self) -> str:
        report = self._desk.assistant.refresh(self._advance)
        self._desk.has_looked()
        if report.is_noop:
            return both("refresh.noop")
        return both(
            "refresh.done",
            added=report.added,
            changed=report.changed,
            renamed=report.renamed,
            deleted=report.deleted,
        )

    def _exchange(self, path: Path) -> str:
        assert self._open is not None
        # the old assistant stays open: answers on their way still read its index
        self._desk.assistant = self._open(path)
        self._desk.has_looked()
        return both("vault.opened", path=str(path))

    def _advance(self, done: int, total: int) -> None:
        self._done, self._total = done, total

    def progress(self) -> str:
        """The running refresh as a bar, or how the last one ended, as markup."""
        if self.busy:
            share = 100 * self._done // self._total if self._total else 0
            figures = f"{self._done} / {self._total}" if self._total else ""
            return (
                f"<div class='yj-bar-line'><div class='in' style='width:{share}%'></div></div>"
                f"<div class='yj-sum'>{both('refresh.running')} {figures}</div>"
            )
        css = "bad" if self._failed else "ok"
        if self._outcome:
            return f"<div class='yj-end t-{css}'>{self._outcome}</div>"
        return f"<h2 class='hd sec'>{both('vault.now')}</h2>"

    def choosing(self) -> str:
        """What can be chosen, and how, as markup."""
        return (
            f"<h2 class='hd sec'>{both('vault.choose')}</h2>"
            f"<div class='yj-sum'>{both('vault.choose.how')}</div>"
        )

    def status(self) -> str:
        """The notes in use and their index, as markup."""
        status = self._desk.assistant.index.status()
        rows = [
            ("vault.root", f"<code>{escape(status.root or '–')}</code>"),
            ("vault.notes", f"{status.n_notes:,}"),
            ("vault.passages", f"{status.n_chunks:,}"),
            ("vault.size", f"{status.size_bytes / 1e6:,.1f} MB"),
            ("vault.updated", _local(status.updated_at)),
            ("vault.looked", f"{self._desk.looked:%Y-%m-%d %H:%M}"),
            ("vault.encoder", escape(status.encoder or "–")),
        ]
        cells = "".join(
            f"<div class='st'><span class='k'>{both(key)}</span>"
            f"<span class='w'>{value}</span></div>"
            for key, value in rows
        )
        skipped = status.skipped[:_SKIPPED_SHOWN]
        listed = "".join(
            f"<div class='sk'><code>{escape(file.path)}</code>"
            f"<span class='why'>{skip_reason(file.reason)}</span></div>"
            for file in skipped
        )
        if not skipped:
            none = f"<div class='yj-sum'>✓ {both('vault.no_skipped')}</div>"
            return f"<div class='yj-status'>{cells}</div>{none}"
        title = f"<h2 class='hd sec'>{both_n('skipped', len(status.skipped))}</h2>"
        return f"<div class='yj-status'>{cells}</div>{title}<div class='yj-skipped'>{listed}</div>"


def _local(stored: str | None) -> str:
    """A stored time (ISO, UTC) on this machine's clock, to the minute."""
    if not stored:
        return "–"
    when = datetime.fromisoformat(stored)
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return f"{when.astimezone():%Y-%m-%d %H:%M}"


def _plain_name(name: str) -> str:
    """A file name that cannot leave its folder or hide."""
    plain = re.sub(r"[^\w.() -]+", "_", PurePath(name).name).lstrip(". ")
    return plain[-120:] or "notes.md"
