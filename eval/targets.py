"""The targets of the issues beside their current figures: `docs/targets.md`.

Targets and where their figures come from stand in `eval/targets.toml`; figures are read from
committed results and files of this repository. Called by `eval.figures`. Knows where figures lie;
measures nothing.
"""

from __future__ import annotations

import json
import math
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError
from eval import runs
from eval.sources import KNOWN

__all__ = ["Figure", "Target", "figure_of", "page", "renewed", "targets"]

_HERE = Path(__file__).parent
ROOT = _HERE.parent
_GOAL = re.compile(r"(<=|>=|>|<)\s*(-?\d+(?:\.\d+)?)$")
_ROW = re.compile(r"^\| (\d+) \|(?:[^|]*\|){2} ([^|]*) \|", re.MULTILINE)
_ISSUES = {
    3: "Finding", 4: "Answering", 5: "Checking", 6: "Notes", 7: "The page", 9: "Cost", 10: "Safety",
}  # fmt: skip
_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b, ">": lambda a, b: a > b,
}  # fmt: skip
_ENDINGS = (".safetensors", ".json")
_LENGTHS = ("full", "default")  # of runs of an endurance stage, the one that counts first
# what is said of runs of endurance stages, by the name of it in the file of targets
_ENDURED: dict[str, Callable[[Sequence[Mapping[str, Any]]], float]] = {
    "done": lambda rows: float(sum(row["done"] for row in rows)),
    "faults": lambda rows: float(sum(len(row["faults"]) for row in rows)),
    "attempts": lambda rows: float(sum(sum(row["figures"]["attempts"]) for row in rows)),
    "least share": lambda rows: min(
        sum(values) / len(values) for row in rows for values in row["figures"].values()
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target.

    Attributes:
        goal: a comparison and a number, as ">= 0.8"; empty where nothing is measured.
        source: kind of source, as the head of `eval/targets.toml` lists them; "" for none.
        given: what the source needs.
        why: why there is no source.
    """

    issue: int
    what: str
    goal: str
    source: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""

    def reached(self, value: float) -> bool:
        """Whether a figure holds to the goal."""
        sign, number = self._parts()
        return _HOLDS[sign](value, number)

    def _parts(self) -> tuple[str, float]:
        found = _GOAL.match(self.goal)
        if found is None:
            raise ConfigError(f"targets: {self.what}: no goal is written {self.goal!r}")
        return found[1], float(found[2])

    @property
    def shown_goal(self) -> str:
        """The goal for people."""
        if not self.goal:
            return "–"
        sign, number = self._parts()
        return f"{ {'<=': '≤', '>=': '≥'}.get(sign, sign) } {_shown(number)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A current figure, or why there is none.

    Attributes:
        value: None where nothing is measured.
        low: of a 95 % interval; None where there is none.
        high: of it.
        place: what it was read from, and at which commit.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    place: str = ""


def targets(file: Path = _HERE / "targets.toml") -> list[Target]:
    """All targets, in the order of their file.

    Raises:
        ConfigError: a target lacks issue, text or goal, or has neither a source nor a reason.
    """
    out = []
    for row in tomllib.loads(file.read_text(encoding="utf-8"))["target"]:
        given = {k: v for k, v in row.items() if k not in ("issue", "what", "goal", "from", "why")}
        try:
            one = Target(
                issue=row["issue"], what=row["what"],
                goal=row["goal"] if row.get("from") else row.get("goal", ""),
                source=row.get("from", ""), given=given, why=row.get("why", ""),
            )  # fmt: skip
        except KeyError as fault:
            raise ConfigError(f"{file}: a target without {fault}: {row}") from fault
        if (not one.source and not one.why) or (one.source and one.source not in _SOURCES):
            raise ConfigError(f"{file}: {one.what}: neither a known source nor a reason")
        out.append(one)
    return out


def figure_of(target: Target, root: Path = ROOT) -> Figure:
    """The current figure of a target.

    Args:
        target: of `targets`.
        root: of the repository.

    Raises:
        ConfigError: its source does not hold what the target says, so that the file is wrong.
    """
    if not target.source:
        return Figure(place=target.why)
    try:
        return _SOURCES[target.source](target.given, root)
    except (KeyError, TypeError, StopIteration) as fault:
        raise ConfigError(f"targets: {target.what}: {fault!r} is not in its source") from fault


def _result(name: str, root: Path) -> runs.Run | None:
    """The committed result of this name; None where there is none."""
    found = sorted((root / "eval" / "results").glob(f"{name}-*.json"))
    exact = [path for path in found if path.stem.rpartition("-")[0] == name]
    return runs.load(exact[0]) if exact else None


def _methods(run: runs.Run) -> dict[str, dict[str, list[float]]]:
    """Figures by method, of the run or of its one set."""
    if "methods" in run:
        return dict(run["methods"])
    (one,) = run["figures"].values()
    return dict(one["methods"])


def _of_run(given: Mapping[str, Any], root: Path) -> Figure:
    run = _result(given["run"], root)
    if run is None:
        return Figure(place=f"no committed result of {given['run']}")
    method = given.get("method")
    rows = _methods(run)[method] if method else run["metrics"]
    row = rows[given["metric"]]
    place = f"{given['run']} at {run['commit']}"
    if "over" in given:
        return Figure(value=row[0] / rows[given["over"]][0], place=place)
    return Figure(value=row[0], low=row[1], high=row[2], place=place)


def _of_lead(given: Mapping[str, Any], root: Path) -> Figure:
    """The least lead of a method over the best of its rivals, and on which set."""
    leads = []
    for file in sorted((root / "eval" / "results").glob(f"{given['suite']}-*.json")):
        name, run = file.stem.rpartition("-")[0], runs.load(file)
        known = KNOWN.get(str(run["set"]))
        if not str(run["set"]).endswith(given.get("sets", "")) or (known and known.trainable):
            continue  # a lead on what models were trained on is none
        if "methods" not in run and given["suite"] != "retrieval":
            continue
        methods, metric = _methods(run), given["metric"]
        rivals = [methods[one][metric][0] for one in given["rivals"] if one in methods]
        if rivals and metric in methods.get(given["method"], {}):
            lead = methods[given["method"]][metric][0] - max(rivals)
            leads.append((lead, f"{name} at {run['commit']}"))
    if not leads:
        return Figure(place=f"no committed result of {given['suite']} compares these")
    least, where = min(leads)
    return Figure(value=round(least, 4), place=f"{where}, of {len(leads)} sets")


def _of_bench(given: Mapping[str, Any], root: Path) -> Figure:
    kept = sorted((root / "eval" / "bench" / "results").glob("bench-*.json"))
    if not kept:
        return Figure(place="no committed bench")
    found = json.loads(kept[-1].read_text(encoding="utf-8"))
    place = f"bench at {found['commit']}, {found['runs']} round(s)"
    of_vault = given["size"] == "vault"  # the files of a whole vault, not passages cut before
    systems = found["vault"]["systems"] if of_vault else found["sizes"].get(given["size"], {})
    figure = given["figure"]
    value = systems.get(given["system"], {}).get(figure)
    rival = given.get("over") or given.get("minus")
    if value is not None and rival:
        other = systems.get(rival, {}).get(figure)
        value = None if other is None else value / other if "over" in given else value - other
    return Figure(value=value, place=place if value is not None else f"left out by the {place}")


def _of_megabytes(given: Mapping[str, Any], root: Path) -> Figure:
    folder = root / given["folder"]
    sizes = [path.stat().st_size for path in folder.iterdir() if path.suffix in _ENDINGS]
    return Figure(value=round(sum(sizes) / 1e6, 2), place=f"size of {given['folder']}")


def _of_rows(given: Mapping[str, Any], root: Path) -> Figure:
    """Share of rows of the table of faults that passed, of all that are wanted."""
    text = (root / "tests" / "faults.md").read_text(encoding="utf-8")
    wanted = range(given["first"], given["last"] + 1)
    said = {int(n): result for n, result in _ROW.findall(text) if int(n) in wanted}
    good = sum(result.startswith("passed") for result in said.values())
    slow = sum("slow ones not run" in result for result in said.values())
    place = f"tests/faults.md: {good} of {len(wanted)}, {slow} without their slow tests"
    return Figure(value=good / len(wanted), place=place)


def _of_endurance(given: Mapping[str, Any], root: Path) -> Figure:
    """A figure of stages, each from the longest run of it that is committed."""
    kept = json.loads((root / "tests" / "endurance" / "endurance.json").read_text("utf-8"))
    rows = [next(kept[f"{stage}, {n}"] for n in _LENGTHS if f"{stage}, {n}" in kept)
            for stage in given["stages"]]  # fmt: skip
    commits = ", ".join(sorted({row["commit"] for row in rows}))
    n_full = sum(row["length"] == _LENGTHS[0] for row in rows)
    place = f"tests/endurance, {n_full} of {len(rows)} stages in full, at {commits}"
    return Figure(value=_ENDURED[given["field"]](rows), place=place)


def _said(given: Mapping[str, Any], root: Path) -> Figure:
    text = (root / given["where"]).read_text(encoding="utf-8")
    if given["quote"] not in text:
        raise ConfigError(f"targets: {given['where']} no longer says {given['quote']!r}")
    return Figure(value=float(given["value"]), place=f"stated in {given['where']}")


_SOURCES: dict[str, Callable[[Mapping[str, Any], Path], Figure]] = {
    "run": _of_run, "lead": _of_lead, "bench": _of_bench, "megabytes": _of_megabytes,
    "rows": _of_rows, "endurance": _of_endurance, "said": _said,
}  # fmt: skip


def _shown(value: float) -> str:
    if math.isclose(value, round(value), abs_tol=1e-9):
        return f"{round(value):,}"
    return (
        f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"
    )


def page(root: Path = ROOT, file: Path = _HERE / "targets.toml") -> str:
    """The page of all targets, as Markdown.

    Raises:
        ConfigError: the file of targets, or a source, is wrong.
    """
    found = [(target, figure_of(target, root)) for target in targets(file)]
    measured = [(t, f) for t, f in found if f.value is not None]
    good = sum(t.reached(f.value) for t, f in measured if f.value is not None)
    lines = [
        "# Targets and where they stand",
        "",
        "Written by `python -m eval.figures` from `eval/targets.toml` and the committed results; do"
        " not edit it.",
        f"Of {len(found)} targets {good} are reached, {len(measured) - good} are not, and"
        f" {len(found) - len(measured)} are not measured in a committed file. In brackets: 95 %"
        " interval. Times are from shared cores: ratios count.",
        *_tables(found),
    ]
    return "\n".join(lines) + "\n"


def _tables(found: Sequence[tuple[Target, Figure]]) -> Iterator[str]:
    for issue in sorted({target.issue for target, _ in found}):
        yield from ("", f"## {_ISSUES.get(issue, 'Other')} (issue {issue})", "")
        yield "| target | goal | figure | | from |"
        yield "|---|---|---|---|---|"
        for target, figure in found:
            if target.issue == issue:
                yield "| " + " | ".join(_cells(target, figure)) + " |"


def _cells(target: Target, figure: Figure) -> list[str]:
    if figure.value is None:
        return [target.what, target.shown_goal, "–", "not measured", figure.place]
    shown = _shown(figure.value)
    if figure.low is not None and figure.high is not None and figure.low < figure.high:
        shown += f" [{_shown(figure.low)}, {_shown(figure.high)}]"
    word = "reached" if target.reached(figure.value) else "**not reached**"
    return [target.what, target.shown_goal, shown, word, figure.place]


def renewed(path: Path, *, check: bool) -> int:
    """Write the page where it is not current; with `check` only say so, and return 1."""
    text = page()
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return 0
    if check:
        print(f"figures: {path} is not current: run make figures", file=sys.stderr)
        return 1
    path.write_text(text, encoding="utf-8")
    return 0
