"""Every committed result measured once more on this machine, and what came out otherwise.

Called by `eval.figures --rerun`. Takes suite, set and split from each committed result, finds the
data, runs `youju eval` in a process of its own and compares item by item. A result that this very
code and data gave before is not measured again, so that a stopped rerun goes on. Knows where
results lie and how runs are compared; computes no figure itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from corpus.errors import ConfigError
from eval import runs
from eval.beir import is_set
from eval.runs import Run

__all__ = [
    "Change", "Outcome", "Rerun", "Step", "accepted", "code_digest", "merged", "perform", "report",
    "steps",
]  # fmt: skip

QUICK = 60  # items of a quick run, drawn by the committed seed
FEED = "notes-feed.txt"
_REPO = Path(__file__).resolve().parents[1]
_CODE = (".py", ".json", ".jsonl", ".txt", ".safetensors", ".md")
_ASIDE = ("eval/results/", "eval/bench/", "eval/peers/", "eval/training/", "eval/LOG.md")
# Fields of items that are figures of a table; times and scores are not compared.
_FIELDS = {
    "answers": ("right", "note", "abstained", "supported", "sentence hit@1", "sentence hit@3",
                "BM25 hit@1", "found BM25 hit@1"),
    "grounding": ("right",),
    "dialogues": ("raw", "rewritten", "full"),
}  # fmt: skip
_LAST = 300  # characters of a failed run's output that are told


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One committed result, and how to measure it again.

    Attributes:
        name: suite and set, as the file is called without its commit.
        committed: the file.
        words: what stands behind `youju eval`; empty where it cannot be run.
        missing: why it cannot be run; empty where it can.
        seconds: how long it took when it was committed.
    """

    name: str
    committed: Path
    words: tuple[str, ...] = ()
    missing: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A figure over the items of both runs: means before and now, p-value, items up and down."""

    figure: str
    before: float
    now: float
    p: float
    up: int
    down: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a step.

    Attributes:
        n: items that both runs have.
        changes: figures of which an item changed.
        told: why nothing was measured, or that the data are not the same; else empty.
        file: the new run, where there is one.
    """

    step: Step
    n: int = 0
    changes: tuple[Change, ...] = ()
    told: str = ""
    file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """How results are measured again.

    Attributes:
        data: folders in which notes and sets are looked for, and in the folders in them.
        out: where new runs are kept.
        quick: whether only `QUICK` items of each.
        only: words one of which a step's name must hold; empty for all steps.
    """

    data: tuple[Path, ...]
    out: Path
    quick: bool = False
    only: tuple[str, ...] = field(default=())

    @property
    def kept(self) -> Path:
        """The folder of new runs; samples lie apart from whole runs."""
        return self.out / ("quick" if self.quick else "full")


def steps(results: Path, how: Rerun) -> list[Step]:
    """A step for each committed result that is wanted, in the order of their names."""
    out = []
    for file in sorted(results.glob("*.json")):
        name = file.stem.rpartition("-")[0]
        if how.only and not any(word in name for word in how.only):
            continue
        out.append(_step(name, file, runs.load(file), how))
    return out


def _step(name: str, file: Path, run: Run, how: Rerun) -> Step:
    seconds = float(run.get("seconds") or 0)
    if run.get("encoder", "built-in") != "built-in" or run.get("judges") or run.get("reranker"):
        return Step(name=name, committed=file, missing="it was made with named models")
    suite, which = str(run["suite"]), str(run["set"])
    found = _located(which, how.data)
    if isinstance(found, str):
        return Step(name=name, committed=file, missing=found)
    words = [suite, *found, "--split", str(run["split"]), "--seed", str(run["seed"])]
    limit = run.get("limit")
    if how.quick:
        limit = min(QUICK, limit or QUICK)
    if limit:
        words += ["--limit", str(limit)]
    return Step(name=name, committed=file, words=tuple(words), seconds=seconds)


def _located(which: str, data: Sequence[Path]) -> list[str] | str:
    """What names a set on the command line, or why it cannot be named."""
    if which == "sample":
        return [which]
    for base in _folders(data):
        if which.startswith("feed"):
            if (base / FEED).is_file():
                return [which, "--data", str(base / FEED)]
        elif (base / which).is_file():
            return [str(base / which)]
        elif is_set(base / which):
            return [which, "--data", str(base)]
    wanted = FEED if which.startswith("feed") else which
    return f"{wanted} is not in {', '.join(map(str, data)) or 'a folder of --data'}"


def _folders(data: Sequence[Path]) -> Iterator[Path]:
    for folder in data:
        yield folder
        if folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if path.is_dir())


def code_digest(root: Path = _REPO) -> str:
    """sha256 over what a result depends on beside its data: code, models, golden sets, samples."""
    whole = hashlib.sha256()
    for package in ("assistant", "corpus", "eval"):
        for path in sorted((root / package).rglob("*")):
            place = path.relative_to(root).as_posix()
            if path.suffix in _CODE and not place.startswith(_ASIDE):
                whole.update(f"{place} {runs.sha256_of(path)}\n".encode())
    return whole.hexdigest()


def perform(step: Step, how: Rerun, code: str) -> Outcome:
    """Measure a step, or take what this code gave before, and compare it with what is committed.

    Args:
        step: of `steps`.
        how: where to keep it.
        code: of `code_digest`.
    """
    if step.missing:
        return Outcome(step=step, told=f"not run: {step.missing}")
    file = how.kept / f"{step.name}.json"
    made_by = file.with_suffix(".made-by")
    stamp = json.dumps([code, *step.words])
    if not (file.is_file() and made_by.is_file() and made_by.read_text("utf-8") == stamp):
        if fault := _run(step, file):
            return Outcome(step=step, told=f"failed: {fault}")
        made_by.write_text(stamp, encoding="utf-8")
    return _compared(step, file)


def _run(step: Step, file: Path) -> str:
    """Run it into a file; returns why it failed, or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    # a person's own settings and index are none of the measurement's business
    env = {k: v for k, v in os.environ.items() if not k.startswith("YOUJU_")}
    with tempfile.TemporaryDirectory() as home:
        env |= {"YOUJU_HOME": home, "PYTHONPATH": str(_REPO)}
        command = [sys.executable, "-m", "assistant.cli", "eval", *step.words, "--out", str(file)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode or not file.is_file():
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        return said[-1][-_LAST:]
    return ""


def _compared(step: Step, file: Path) -> Outcome:
    before, now = runs.load(step.committed), runs.load(file)
    try:
        found = runs.compare(before, now)
    except ConfigError as fault:
        return Outcome(step=step, told=f"not comparable: {fault}", file=file)
    wanted = _FIELDS.get(before["suite"])
    changes = tuple(
        Change(figure=name, before=a, now=b, p=p, up=up, down=down)
        for name, (a, b, _, p, up, down) in found["metrics"].items()
        if (wanted is None or name in wanted) and (up or down)
        and not (name == "ms" or name.endswith(" ms"))
    )  # fmt: skip
    told = "" if _same_data(before, now) else "the data are not those of the committed result"
    return Outcome(step=step, n=found["n"], changes=changes, told=told, file=file)


def _same_data(before: Run, now: Run) -> bool:
    """Whether both read the same, as far as both name it; a set from original files is its own."""
    first, second = before.get("data") or {}, now.get("data") or {}
    if "content" in (now.get("published") or {}).values():
        return True
    return all(first[name] == second[name] for name in first.keys() & second.keys()) and bool(
        first.keys() & second.keys()
    )


def merged(outcomes: Sequence[Outcome], results: Path, folder: Path) -> Path:
    """A folder of results: the new runs where there are any, the committed ones else."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    new = {outcome.step.committed.name: outcome.file for outcome in outcomes if outcome.file}
    for file in sorted(results.glob("*.json")):
        shutil.copyfile(new.get(file.name) or file, folder / file.name)
    return folder


def accepted(outcomes: Sequence[Outcome]) -> list[Path]:
    """Put whole new runs in the place of the committed ones; returns the new files.

    Raises:
        ConfigError: a run was made by code that no commit holds.
    """
    new = [(outcome, runs.load(outcome.file)) for outcome in outcomes if outcome.file]
    for outcome, run in new:
        if str(run["commit"]).endswith("-dirty"):
            raise ConfigError(f"{outcome.step.name} was made by changed files: commit them first")
    out = []
    for outcome, run in new:
        old, kept = outcome.step.committed, outcome.file
        place = old.with_name(f"{outcome.step.name}-{run['commit']}.json")
        old.unlink()
        shutil.copyfile(str(kept), place)
        out.append(place)
    return out


def report(outcomes: Sequence[Outcome], how: Rerun) -> str:
    """What changed, as Markdown."""
    measured = [o for o in outcomes if o.file is not None]
    same = [o.step.name for o in measured if not o.changes and not o.told]
    sample = f", {QUICK} items of each" if how.quick else ""
    lines = [
        f"# The committed results, measured again{sample}",
        "",
        f"{time.strftime('%Y-%m-%d %H:%M')}, {len(measured)} of {len(outcomes)} results.",
    ]
    if same:
        lines += ["", f"The same in every item: {', '.join(same)}."]
    changed = [(o, change) for o in measured for change in o.changes]
    if changed:
        lines += [
            "", "| result | items | figure | committed | now | difference | p | items up | down |",
            "|" + "---|" * 9,
        ]  # fmt: skip
        for o, c in changed:
            cells = (o.step.name, o.n, c.figure, f"{c.before:.3f}", f"{c.now:.3f}",
                     f"{c.now - c.before:+.3f}", f"{c.p:.3f}", c.up, c.down)  # fmt: skip
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    told = [o for o in outcomes if o.told]
    if told:
        lines += ["", *(f"- {o.step.name}: {o.told}" for o in told)]
    return "\n".join(lines) + "\n"
