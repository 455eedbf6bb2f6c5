"""Which plots a run has data for: figures, ranks, times, calibration, confusion, abstention.

Knows the shape of a run (`eval.runs`) and how to draw (`eval.charts`); computes shares only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from eval import charts, retrieval
from eval.charts import Drawing
from eval.runs import Run
from eval.verdicts import LABELS

__all__ = ["plots"]

_QUESTIONS = "questions over notes"


def plots(run: Run) -> Iterator[tuple[str, Drawing]]:
    """Name and drawing of each plot that the run has data for."""
    shares = {
        name: row
        for name, row in run.get("metrics", {}).items()
        if row[0] is not None
        and not math.isnan(row[0])
        and 0 <= row[0] <= 1
        and not f" {name}".endswith(" ms")
    }
    if shares:
        yield "figures", charts.bars("Figures with 95 % intervals", shares)
    if run.get("calibration"):
        points = [(chance, share) for chance, share, _ in run["calibration"]]
        yield (
            "calibration",
            charts.curve(
                "Calibration of the check",
                {"check": points},
                x_label="said: the notes support it",
                y_label="truly supported",
                diagonal=True,
            ),
        )
    if confused := _matrix(run):
        yield (
            "confusion",
            charts.matrix(
                "Verdicts, true and said", confused, rows="true", columns="said by the check"
            ),
        )
    if run.get("curve"):
        both = run["curve"]
        yield (
            "abstention",
            charts.curve(
                "Both errors of abstention",
                {
                    "refused, answerable": [(cut, miss) for cut, miss, _ in both],
                    "answered, not answerable": [(cut, wrong) for cut, _, wrong in both],
                },
                x_label="threshold of confidence",
                y_label="share",
            ),
        )

    for name, lines in _ranks(run).items():
        title, what = (
            f"Found within the first ranks: {name}",
            "recall" if name == "questions" else "hit",
        )
        yield f"ranks-{name}", charts.by_rank(title, lines, y_label=f"{what}@k")
    if times := _times(run):
        yield "latency", charts.within("How long one takes", times)


def _ranks(run: Run) -> dict[str, dict[str, list[float]]]:
    """Shares found within 1, 2, … ranks, by method, of each set of a run of retrieval."""
    if run.get("ranks"):
        return {_QUESTIONS: run["ranks"]}
    items = run.get("items")
    if run["suite"] != "retrieval" or not isinstance(items, Mapping):
        return {}
    out = {}
    for name, queries in items.items():
        methods = list(dict.fromkeys(method for ranks in queries.values() for method in ranks))
        out[name] = {
            method: [
                sum(0 < ranks.get(method, 0) <= k for ranks in queries.values()) / len(queries)
                for k in range(1, retrieval.DEPTH + 1)
            ]
            for method in methods
        }
    return out


def _times(run: Run) -> dict[str, list[float]]:
    """Milliseconds of each item, by what took them."""
    items = run.get("items")
    found: dict[str, list[float]] = {}
    for item in items if isinstance(items, list) else ():
        for field, value in item.items():
            if field == "ms" or field.endswith(" ms"):
                found.setdefault(field.removesuffix(" ms"), []).append(float(value or 0))
    return {run["suite"] if name == "ms" else name: row for name, row in found.items()}


def _matrix(run: Run) -> dict[tuple[str, str], int]:
    """The confusion matrix of a run, in the order of `LABELS`; counts by (truth, said)."""
    pairs = {}
    for name, n in run.get("confusion", {}).items():
        truth, arrow, said = str(name).partition(" -> ")
        if arrow:
            pairs[truth, said] = int(n)
    order = {label: n for n, label in enumerate(LABELS)}
    last = len(order)
    return dict(sorted(pairs.items(), key=lambda row: [order.get(label, last) for label in row[0]]))
