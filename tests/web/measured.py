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


@dataclass(frozen=True)
class Figure:
    """What was to be reached, what was, and on what it was measured."""

    goal: str
    reached: str
    how: str


@dataclass
class Measured:
    """The figures of one run; the tests judge them, this only tells."""

    figures: list[Figure] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, goal: str, reached: str, how: str) -> None:
        """Keep one figure."""
        self.figures.append(Figure(goal, reached, how))

    def fail(self, test: str) -> None:
        """Keep the name of a test that failed; its goal was not reached, or not measured."""
        self.failed.append(f"`{test.rpartition('::')[2]}`")

    def write(self, file: Path) -> None:
        """The figures as Markdown, with the machine they were measured on."""
        commit = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=REPO, capture_output=True, text=True
        ).stdout.strip()
        load = " ".join(f"{value:.1f}" for value in os.getloadavg())
        lines = [
            "# The page, measured",
            "",
            "Written by `make nightly` (`tests/web/test_goals.py` and its neighbours): headless",
            "Chromium against `youju chat` over the sample notes, unless a row says else.",
            "",
            f"Measured {time.strftime('%Y-%m-%d')} at {commit}, {platform.system()}, Python"
            f" {platform.python_version()}, {os.cpu_count()} cores, load {load} at the end.",
            "Times on a machine that does other work at once are upper bounds.",
            "",
            "| goal | reached | on what |",
            "|---|---|---|",
            *(f"| {row.goal} | {row.reached} | {row.how} |" for row in self.figures),
            "",
            f"Tests of this run that failed: {', '.join(self.failed) or 'none'}.",
        ]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
