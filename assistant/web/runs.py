"""Evaluations started from the page: a process of its own, its output kept, its progress read.

`assistant` never imports `eval`: whoever composes the program hands in a command and the folders
where results lie (`Evaluation`). The run belongs to the server, so a reloaded page finds it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from assistant.web.desk import Unfit
from assistant.web.markup import escape
from assistant.web.texts import both

__all__ = ["MAKE", "SUITES", "Evaluation", "Runs", "found_evaluation"]

SUITES = ("retrieval", "answers", "grounding", "speed")
MAKE = "make"  # drafts questions over the notes
_PROGRESS = re.compile(r"(\d+)\s*/\s*(\d+)")
_KEPT = 400  # lines of output


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How evaluations are started and where their results lie.

    Attributes:
        command: what is run, the suite being appended; empty where none can be started.
        folders: folders of results, a person's own first.
        own: folder of a person's own runs and, in `drafts`, tables to review; None where none
            are kept.
    """

    command: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    own: Path | None = None


def found_evaluation(home: Path) -> Evaluation:
    """The evaluation of this installation: the command's own verb, and where results lie.

    The package that measures is located without being imported.

    Args:
        home: the folder of a person's own data.
    """
    spec = importlib.util.find_spec("eval")
    shipped = [
        Path(place) / "results" for place in (spec and spec.submodule_search_locations) or ()
    ]
    # -P: what lies in the working folder, notes perhaps, is no module
    command = (sys.executable, "-P", "-X", "utf8", "-m", "assistant.cli", "eval") if spec else ()
    own = (home / "eval", home / "runs", home / "results")
    return Evaluation(command=command, folders=(*own, *shipped), own=own[0])


class Runs:
    """The evaluation that runs, at most one at a time.

    Args:
        evaluation: what can be started.
        local: whether only this machine reaches the page.
    """

    def __init__(self, evaluation: Evaluation, *, local: bool = True) -> None:
        self.evaluation = evaluation
        self._local = local
        self._process: subprocess.Popen[str] | None = None
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self._at = (0, 0)
        self._suite = ""
        self._stopped = False
        self._lock = threading.Lock()

    @property
    def may_start(self) -> bool:
        """Whether a run can be started from the page."""
        return bool(self.evaluation.command) and self._local

    @property
    def busy(self) -> bool:
        """Whether a run is on its way."""
        return self._process is not None and self._process.poll() is None

    @property
    def suite(self) -> str:
        """What runs or ran last; empty before the first."""
        return self._suite

    def start(self, suite: str, data: str = "", *, notes: str = "") -> None:
        """Start a suite, or the drafting of questions, in the background.

        Args:
            suite: one of `SUITES`, or `MAKE`.
            data: a set's name or a file; empty for what the suite takes by itself.
            notes: the notes in use; empty for those of the settings.

        Raises:
            Unfit: there is no such suite, one already runs, or the program cannot be started.
        """
        if suite not in (*SUITES, MAKE) or not self.may_start:
            raise Unfit("eval.cannot")
        with self._lock:
            if self.busy:
                raise Unfit("eval.busy")
            words = [data.strip()] if data.strip() else []
            if words and words[0].startswith("-"):
                raise Unfit("eval.data", value=words[0][:80])
            self._lines.clear()
            self._at, self._suite, self._stopped = (0, 0), suite, False
            try:
                self._process = subprocess.Popen(
                    [*self.evaluation.command, suite, *words, *self._more(suite, data, notes)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                )
            except OSError as fault:
                raise Unfit("eval.failed", line=str(fault)) from None
            threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def _more(self, suite: str, data: str, notes: str) -> list[str]:
        """Which notes, which half of a file's rows (all), and where the run is kept."""
        own = self.evaluation.own
        more = ["--notes", notes] if notes else []
        if suite == MAKE or own is None:
            return more
        stamp = time.strftime("%Y%m%d-%H%M%S")
        whole = ["--split", "all"] if Path(data.strip()).is_file() else []
        return [*more, *whole, "--out", str(own / f"{suite}-{stamp}.json")]

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for line in stream:
                for piece in re.split(r"[\r\n]+", line):
                    if piece.strip():
                        self._lines.append(piece.rstrip())
                        if found := _PROGRESS.search(piece):
                            self._at = (int(found[1]), int(found[2]))
        process.wait()

    def stop(self) -> None:
        """End the run, if one is on its way."""
        if self._process is not None and self._process.poll() is None:
            self._stopped = True
            self._process.terminate()

    def progress(self) -> str:
        """The run as a bar with its last words, or how it ended, as markup."""
        if self._process is None:
            return ""
        last = escape(self._lines[-1][:300]) if self._lines else ""
        if self.busy:
            done, total = self._at
            share = 100 * done // total if total else 3
            return (
                f"<div class='yj-bar-line'><div class='in' style='width:{min(100, share)}%'></div>"
                f"</div><div class='yj-sum'>{both('eval.running', name=self._suite)} {last}</div>"
            )
        code = self._process.returncode
        if self._stopped:
            return f"<div class='yj-end'>{both('eval.stopped', name=self._suite)}</div>"
        if code:
            told = both(
                "eval.failed", line=self._lines[-1][:300] if self._lines else f"exit {code}"
            )
            return f"<div class='yj-end t-bad'>{told}</div>{self._output()}"
        return (
            f"<div class='yj-end t-ok'>{both('eval.done', name=self._suite)}</div>{self._output()}"
        )

    def _output(self) -> str:
        text = escape("\n".join(self._lines))
        title = f"<summary>{both('eval.output')}</summary>"
        return f"<details class='yj-out'>{title}<pre>{text}</pre></details>"
