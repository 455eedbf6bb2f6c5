"""Figures that the tests of the page measured, as a table: `pytest tests/web --record FILE`."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import REPO

__all__ = ["Measured"]

_HEAD = """# The page, measured

Written by `make nightly` (`tests/web/test_goals.py` and its neighbours): headless Chromium against
`youju chat` over the sample notes, unless a row says else. A run renews the rows it measured and
keeps the others; the last column says when a row was measured, and the load of the machine then
(processes that wanted a core). Times under a load above the number of cores are upper bounds.
"""
_COLUMNS = "| goal | reached | on what | measured |\n|---|---|---|---|"


@dataclass(frozen=True)
class Figure:
    """What was to be reached, what was, on what it was measured, and when."""

    goal: str
    reached: str
    how: str
    when: str

    @property
    def key(self) -> tuple[str, str]:
        """Rows of one key are of one measurement."""
        return self.goal, self.how


def _now() -> str:
    """Date, commit, machine and load."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=REPO, capture_output=True, text=True
    ).stdout.strip()
    return (
        f"{time.strftime('%Y-%m-%d')} at {commit}, {platform.system()}, Python"
        f" {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}"
    )


@dataclass
class Measured:
    """The figures of one run; the tests judge them, this only tells."""

    figures: list[Figure] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, goal: str, reached: str, how: str) -> None:
        """Keep one figure."""
        self.figures.append(Figure(goal, reached, how, _now()))

    def fail(self, test: str) -> None:
        """Keep the name of a test that failed; its goal was not reached, or not measured."""
        self.failed.append(f"`{test.rpartition('::')[2]}`")

    def write(self, file: Path) -> None:
        """The figures as Markdown, with those of earlier runs that this one did not measure."""
        rows = {row.key: row for row in _kept(file)}
        rows |= {row.key: row for row in self.figures}
        table = [
            f"| {row.goal} | {row.reached} | {row.how} | {row.when} |" for row in rows.values()
        ]
        failed = f"Tests that failed in the last run: {', '.join(self.failed) or 'none'}."
        file.write_text("\n".join([_HEAD, _COLUMNS, *table, "", failed, ""]), encoding="utf-8")


def _kept(file: Path) -> list[Figure]:
    """The rows of a file that `write` wrote."""
    if not file.is_file():
        return []
    rows = [line.strip("| ").split(" | ") for line in file.read_text("utf-8").splitlines()
            if line.startswith("| ") and not line.startswith("| goal |")]  # fmt: skip
    return [Figure(*row) for row in rows if len(row) == 4]
