"""Run the stages, keep how far they came, write the table.

    python -m tests.endurance                minutes; goes on where it was stopped
    python -m tests.endurance --full         hours: 1,000 kills, every call, 30 minutes of soak
    python -m tests.endurance flips soak     these stages only
    python -m tests.endurance --anew         from the beginning

Progress is kept in `build/endurance`, for one length and one state of the product: a run that was
stopped goes on where it was, also over commits that leave `corpus` and `assistant` alone.
`endurance.json` and `endurance.md` beside this file hold what came out of each length, each stage
with the commit it was measured at.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from corpus.errors import YoujuError
from tests.conftest import REPO
from tests.endurance.load import LOADING
from tests.endurance.stages import DAMAGING, Figures, Stage

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
STATE = REPO / "build" / "endurance" / "state.json"
STAGES = [*DAMAGING, *LOADING]
_LENGTHS = ("default", "full")
# what a unit says of the product; a mistake of a stage itself (a name, a type) ends the run
FAULTS = (
    AssertionError, ArithmeticError, LookupError, OSError, RuntimeError, ValueError, YoujuError,
    sqlite3.Error, subprocess.SubprocessError,
)  # fmt: skip
_FULL_SECONDS = 20  # times as many as by default: 30 minutes of soak


@dataclass
class Result:
    """How far a stage came.

    Attributes:
        done: units that were run.
        faults: what went wrong, by unit.
        figures: of the units.
        seconds: they took.
        commit: of the product, with `+` for changes that are not committed.
        length: `default` or `full`.
        date: of the last unit.
        told: the figures in words.
    """

    done: int = 0
    faults: list[str] = field(default_factory=list)
    figures: Figures = field(default_factory=dict)
    seconds: float = 0.0
    commit: str = ""
    length: str = ""
    date: str = ""
    told: str = ""


def _commit() -> str:
    def git(*argv: str) -> str:
        return subprocess.run(
            ["git", "-C", str(REPO), *argv], capture_output=True, text=True, check=False
        ).stdout.strip()

    product = ["--", "corpus", "assistant"]
    changed = git("status", "--porcelain", *product)
    return git("log", "-1", "--format=%h", "--abbrev=12", *product) + ("+" if changed else "")


def _folder() -> str | None:
    """Where units work: in memory where there is such a place, for there a sync costs nothing."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _load(path: Path) -> dict[str, Result]:
    try:
        return {name: Result(**kept) for name, kept in json.loads(path.read_text("utf-8")).items()}
    except FileNotFoundError:
        return {}


def _save(path: Path, results: dict[str, Result]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".tmp")
    lines = [  # a line a stage
        f"{json.dumps(name)}: {json.dumps(asdict(result), ensure_ascii=False)}"
        for name, result in results.items()
    ]
    new.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    new.replace(path)


def run(stage: Stage, result: Result, *, full: bool, saved: Callable[[], None]) -> None:
    """Run the units of a stage that are still to be run; `saved` is called after each."""
    n, seconds = (stage.n_full, _FULL_SECONDS * stage.seconds) if full else (stage.n, stage.seconds)
    if result.done >= n or result.seconds >= seconds:
        return
    with tempfile.TemporaryDirectory(dir=_folder()) as folder, stage.begin(Path(folder)) as unit:
        while result.done < n and result.seconds < seconds:
            begun = time.monotonic()
            try:
                for name, value in unit(result.done).items():
                    result.figures.setdefault(name, []).append(round(float(value), 4))
            except FAULTS as fault:
                said = " ".join(f"{type(fault).__name__}: {fault}".split())[:300]
                result.faults.append(f"unit {result.done}: {said}")
            result.done += 1
            result.seconds = round(result.seconds + time.monotonic() - begun, 3)
            result.date = time.strftime("%Y-%m-%d")
            result.told = stage.told(result.figures) if result.figures else "nothing"
            saved()


def table(results: dict[str, Result]) -> str:
    """The results as Markdown."""
    machine = f"{os.cpu_count()} CPU cores, {platform.system()} {platform.machine()}"
    lines = [
        "# What it endures",
        "",
        "Written by `python -m tests.endurance` (`make endurance`); the figures are in",
        f"`endurance.json`. Machine: {machine}, Python {platform.python_version()}. Times are of",
        "the machine as it was, other work on it included; counts do not depend on it.",
        "",
        "| stage | what | must hold | units | faults | figures | seconds | length, commit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for stage in STAGES:
        rows = [results[key] for key in map(stage.key, _LENGTHS) if key in results]
        head = f"| {stage.name} | {stage.what} | {stage.goal} |"
        lines += [
            f"{head} {found.done} | {len(found.faults)} | {found.told} | {found.seconds:.0f} | "
            f"{found.length}, {found.commit} |"
            for found in rows
            if found.done
        ] or [f"{head} 0 | | not run | | |"]
    faults = [f"- {name}, {fault}" for name, found in results.items() for fault in found.faults[:5]]
    return "\n".join([*lines, *(["", "Faults:", "", *faults] if faults else [])]) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is asked for; 1 if there was a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance", description=__doc__)
    names = [stage.name for stage in STAGES]
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=", ".join(names))
    parser.add_argument("--full", action="store_true", help="the long run")
    parser.add_argument("--anew", action="store_true", help="forget how far the last run came")
    args = parser.parse_args(argv)
    if unknown := set(args.stages) - set(names):
        parser.error(f"there is no stage {', '.join(sorted(unknown))}")
    commit, length = _commit(), "full" if args.full else "default"
    state = {} if args.anew else _load(STATE)
    results = _load(HERE / "endurance.json")

    def saved(*, whole: bool = False) -> None:
        _save(STATE, state)
        if whole:
            _save(HERE / "endurance.json", results)
            (HERE / "endurance.md").write_text(table(results), "utf-8")

    for stage in STAGES:
        if args.stages and stage.name not in args.stages:
            continue
        key = stage.key(length)
        if key not in state or state[key].commit != commit:
            state[key] = Result(commit=commit, length=length)
        result = results[key] = state[key]
        sys.stderr.write(f"{stage.name}: ")
        sys.stderr.flush()
        try:
            run(stage, result, full=args.full, saved=saved)
        finally:  # stopped half-way, it is told how far it came
            saved(whole=True)
        sys.stderr.write(f"{result.done} units, {len(result.faults)} faults, {result.told}\n")
    return (
        1
        if any(state[stage.key(length)].faults for stage in STAGES if stage.key(length) in state)
        else 0
    )


if __name__ == "__main__":
    sys.exit(main())
