"""All kept runs on one page: a line each, then every run with its tables and plots.

Knows where runs lie and how one is shown (`eval.report`); measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from corpus.errors import ConfigError
from corpus.places import data_home
from eval import report, runs
from eval.report import Table
from eval.runs import Run

__all__ = ["found_runs", "html", "plain"]

# The metrics that say most about a suite, of those that a run has.
_HEADLINES = {
    "retrieval": ("hit@1", "hit@10", "recall@5", "ndcg@10"),
    "answers": (
        "right answers", "refused though answerable", "answered though unanswerable",
        "sentence hit@1", "sentence hit@3",
    ),
    "grounding": (
        "right verdict", "true claims supported", "false support", "AUROC", "faithfulness",
    ),
    "dialogues": ("recall@5 rewritten", "recall@5 full"),
    "speed": ("ask median ms", "ask p95 ms"),
}  # fmt: skip


def found_runs(paths: Sequence[Path] = ()) -> list[Run]:
    """Runs by file or folder; without any, a person's own and then the committed ones.

    Raises:
        ConfigError: a named file holds no run, or there is none at all.
    """
    out = []
    committed = Path(str(files("eval").joinpath("results")))
    for path in paths or (data_home() / "eval", committed):
        if path.is_dir():
            out += [run for file in sorted(path.glob("*.json")) if (run := _maybe(file))]
        elif paths:
            out.append(runs.load(path))
    if not out:
        raise ConfigError("There are no runs to show: keep one with `youju eval SUITE --out FILE`")
    return out


def _maybe(file: Path) -> Run | None:
    try:
        return runs.load(file)
    except ConfigError:
        return None  # another kind of file in a folder of runs


def _summary(found: Sequence[Run]) -> Table:
    rows = []
    for run in found:
        wanted = _HEADLINES.get(run["suite"], ())
        metrics = run.get("metrics", {})
        shown = [f"{name} {metrics[name][0]:.3g}" for name in wanted if _known(metrics.get(name))]
        place = [str(run.get(key, "-")) for key in ("suite", "set", "split", "n")]
        rows.append([*place, ", ".join(shown), str(run.get("commit", "-"))])
    return f"{len(found)} runs", ["suite", "set", "split", "n", "figures", "commit"], rows


def _known(row: Sequence[float | None] | None) -> bool:
    return bool(row) and row is not None and row[0] is not None


def plain(found: Sequence[Run]) -> str:
    """A line for each run."""
    return "\n".join(report.lines(_summary(found)))


def html(found: Sequence[Run]) -> str:
    """One page that needs nothing else, each run folded up under its title."""
    parts = ["<h1>youju: what was measured</h1>", report.markup(_summary(found))]
    for run in found:
        title = escape(report.facts(run)[0])
        parts.append(f"<details><summary><b>{title}</b></summary>\n{report.body(run)}\n</details>")
    return report.page("youju: what was measured", "\n".join(parts))
