"""Results of evaluations as they lie in files, shown: figures, what changed, confusion.

Knows the files' form, not how they are made: `assistant` never imports `eval`. Whatever is
missing or of another shape is left out. All text is escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.web.markup import escape
from assistant.web.measures import named
from assistant.web.plots import (
    Figure,
    abstention,
    calibration,
    hits,
    mean_times,
    ranks,
    ranks_of,
    times,
)  # fmt: skip
from assistant.web.texts import both

__all__ = ["Result", "load_results", "paint_result"]

_SHARE = re.compile(r"(\d+)\s*/\s*(\d+)")
_MAX_BYTES, _MAX_FILES = 20_000_000, 400
_MAX_CHANGED, _WORDS = 40, 200  # items of a kind, characters of one


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run, as read from its file."""

    name: str
    suite: str
    data: dict[str, Any]
    when: float

    @property
    def kind(self) -> tuple[str, str, str]:
        """Runs of one kind can be compared: suite, set, split."""
        return (self.suite, str(self.data.get("set", "")), str(self.data.get("split", "")))

    @property
    def label(self) -> str:
        """How a list calls it."""
        parts = [*self.kind, str(self.data.get("commit", ""))[:12]]
        return " · ".join(part for part in parts if part)


def load_results(folders: Iterable[Path]) -> list[Result]:
    """The runs in some folders, newest first; what is no result is left out."""
    found: dict[str, Result] = {}
    for folder in folders:
        if not folder.is_dir():
            continue
        files = sorted(folder.rglob("*.json"), key=lambda file: -file.stat().st_mtime)
        for file in files[:_MAX_FILES]:
            data = _read(file)
            if data is not None:
                name = file.relative_to(folder).as_posix()
                result = Result(
                    name=name, suite=str(data["suite"]), data=data, when=file.stat().st_mtime
                )
                found.setdefault(name, result)
    return sorted(found.values(), key=_newest_first)


def _newest_first(result: Result) -> tuple[float, bool, str, str]:
    """Order in the list; files that were laid together, as by a checkout, count as equally old."""
    return (-(result.when // 600), result.kind[1] != "sample", result.suite, result.name)


def _read(file: Path) -> dict[str, Any] | None:
    try:
        if file.stat().st_size > _MAX_BYTES:
            return None
        data = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    known = isinstance(data, dict) and "suite" in data and ("metrics" in data or "figures" in data)
    return data if known else None


def figures_of(data: Mapping[str, Any]) -> dict[str, Figure]:
    """The metrics of a run and its flat figures by name, then those of groups of its items.

    Shares become numbers; figures of methods are left out.
    """
    found: dict[str, Figure] = {}
    for flat in (data.get("metrics"), data.get("figures")):
        for name, value in flat.items() if isinstance(flat, dict) else ():
            number = _number(value)
            if number is not None:
                found.setdefault(str(name).strip(), number)
    for name, number in _groups(data).items():
        found.setdefault(name, number)
    return found


def _groups(data: Mapping[str, Any]) -> dict[str, Figure]:
    """The first metric of each group of items."""
    groups = data.get("groups")
    found: dict[str, Figure] = {}
    for name, metrics in groups.items() if isinstance(groups, dict) else ():
        for metric, value in metrics.items() if isinstance(metrics, dict) else ():
            number = _number(value)
            if number is not None:
                found[f"{metric}, {name}"] = number
                break
    return found


def _number(value: Any) -> Figure | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value), None, None
    if isinstance(value, str) and (share := _SHARE.match(value)) and int(share[2]):
        return int(share[1]) / int(share[2]), None, None
    if isinstance(value, list) and value and all(isinstance(v, int | float) for v in value):
        # value, low, high, and of how many
        low, high = (float(value[1]), float(value[2])) if len(value) >= 3 else (None, None)
        return float(value[0]), low, high
    return None


def methods_of(data: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Figure]]]:
    """Figures by set, method and metric, where a run compares methods."""
    figures = data.get("figures")
    groups = dict(figures) if isinstance(figures, dict) else {}
    if isinstance(data.get("methods"), dict):
        groups[str(data.get("set", ""))] = {"methods": data["methods"]}
    found: dict[str, dict[str, dict[str, Figure]]] = {}
    for name, group in groups.items():
        methods = group.get("methods") if isinstance(group, dict) else None
        if isinstance(methods, dict):
            found[str(name)] = {
                str(method): {
                    str(metric): number
                    for metric, value in values.items()
                    if (number := _number(value)) is not None
                }
                for method, values in methods.items()
                if isinstance(values, dict)
            }
    return found


def paint_result(result: Result, against: Result | None = None) -> str:
    """A run as markup: what it was, its figures beside those of another run, its plots."""
    data = result.data
    facts = [str(data[key]) for key in ("commit", "machine") if data.get(key)]
    if isinstance(data.get("seconds"), int | float):
        facts.append(f"{data['seconds']:.0f} s")
    head = (
        f"<div class='yj-rhead'><h2 class='hd sec'>{escape(' · '.join(filter(None, result.kind)))}"
        f"</h2><div class='wh'>{escape(' · '.join(facts))}</div></div>"
    )
    parts = [head, _figure_table(result, against), _changed(result, against), _missed(data)]
    by_rank = ranks_of(data)
    for name, methods in methods_of(data).items():
        parts.append(_method_table(name, methods))
        parts.append(ranks(by_rank[name]) if name in by_rank else hits(methods))
        parts.append(mean_times(methods))
    parts.append(times(data.get("items")))
    parts.append(abstention(data.get("curve")))
    parts.append(_confusion(data.get("confusion")))
    parts.append(calibration(data.get("items")))
    return f"<div class='yj-result'>{''.join(parts)}</div>"


def _shown(value: float, is_share: bool) -> str:
    if value == int(value) and not is_share:
        return f"{int(value):,}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"


def _figure_table(result: Result, against: Result | None) -> str:
    now = figures_of(result.data)
    if not now:
        return ""
    before = figures_of(against.data) if against else {}
    written = result.data.get("figures")
    written = written if isinstance(written, dict) else {}
    groups = _groups(result.data)
    rows, headed = [], False
    for name, (value, low, high) in now.items():
        span = f"{low:.2f}–{high:.2f}" if _is_interval(value, low, high) else ""
        bar = f"<span class='bar' style='width:{100 * value:.0f}%'></span>" if value <= 1 else ""
        change = ""
        if name in before:
            step = value - before[name][0]
            css = "" if abs(step) < 5e-4 else " t-up"
            change = (
                f"<span class='ch{css}'>{step:+.3f}</span>" if css else "<span class='ch'>=</span>"
            )
        raw = next((v for k, v in written.items() if str(k).strip() == name), "")
        told = raw.split("=")[0].strip() if isinstance(raw, str) and "/" in raw else ""
        if name in groups and not headed:
            headed = True
            rows.append([f"<td class='gr'>{both('eval.groups')}</td>"])
        sub = " class='sub'" if f"  {name}" in written or name in groups else ""
        rows.append(
            [
                f"<td{sub}>{named(name)}</td>",
                f"<td class='nu'>{_shown(value, bool(told))}</td>",
                f"<td class='ci'>{span}</td>",
                f"<td class='nu wh'>{escape(told)}</td>",
                f"<td class='ba'>{bar}</td>",
                f"<td>{change}</td>",
            ]
        )
    title = both("eval.figures")
    if against:
        title += f" <span class='wh'>{both('eval.against', name=against.label)}</span>"
    return f"<div class='cap'>{title}</div><table class='fg'>{_filled(rows)}</table>"


def _filled(rows: Sequence[Sequence[str]]) -> str:
    """Rows of a table without the columns that are empty in all of them."""
    kept = {
        at for row in rows for at, cell in enumerate(row) if re.search(r">[^<]|<span", cell)
    }  # fmt: skip
    return "".join(
        f"<tr>{''.join(cell for at, cell in enumerate(row) if at in kept)}</tr>" for row in rows
    )


def _changed(result: Result, against: Result | None) -> str:
    """The items that are right in one of two runs only, those that fell first."""
    if against is None:
        return ""
    before, now = _right_of(against.data), _right_of(result.data)
    fell = [item for item in now if item in before and before[item][0] and not now[item][0]]
    rose = [item for item in now if item in before and now[item][0] and not before[item][0]]
    if not fell and not rose:
        return ""
    rows = "".join(
        f"<tr><td>{mark}</td><td class='wh'>{escape(item[:40])}</td>"
        f"<td>{escape(now[item][1][:_WORDS])}</td></tr>"
        for mark, items in (("✗", fell), ("✓", rose))
        for item in items[:_MAX_CHANGED]
    )
    told = both("eval.changed", fell=len(fell), rose=len(rose))
    return f"<details class='yj-out'><summary>{told}</summary><table>{rows}</table></details>"


def _missed(data: Mapping[str, Any]) -> str:
    """The items that went wrong; of a log without labels, what was not supported and why."""
    items = data.get("items")
    rows = []
    flagged = False
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict):
            continue
        told = item.get("flagged")
        flagged = flagged or isinstance(told, list)
        words = told if isinstance(told, list) and told else [item.get("text")]
        wrong = item.get("right") is False or item.get("recall@10") == 0 or bool(told)
        said = " ".join(str(word) for word in words if word)
        if wrong and said:
            kind = " → ".join(str(item[key]) for key in ("gold", "verdict") if item.get(key))
            rows.append((str(item.get("id", ""))[:40], kind, said[:_WORDS]))
    if not rows:
        return ""
    shown = "".join(
        f"<tr><td class='wh'>{escape(name)}</td><td class='wh'>{escape(kind)}</td>"
        f"<td>{escape(said)}</td></tr>"
        for name, kind, said in rows[:_MAX_CHANGED]
    )
    title = both("eval.flagged" if flagged else "eval.missed", n=len(rows))
    return f"<details class='yj-out'><summary>{title}</summary><table>{shown}</table></details>"


def _right_of(data: Mapping[str, Any]) -> dict[str, tuple[bool, str]]:
    """Whether each item of a run is right, and its words, by id."""
    items = data.get("items")
    return {
        str(item["id"]): (bool(item["right"]), str(item.get("text") or ""))
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict) and "id" in item and item.get("right") is not None
    }


def _is_interval(value: float, low: float | None, high: float | None) -> bool:
    """Whether a share has an interval of some width: times have none that is worth showing."""
    return low is not None and high is not None and low < high and 0 <= value <= 1


def _method_table(name: str, methods: Mapping[str, Mapping[str, Figure]]) -> str:
    metrics = list(dict.fromkeys(metric for row in methods.values() for metric in row))
    best = {
        metric: (min if metric == "ms" else max)(
            (row[metric][0] for row in methods.values() if metric in row), default=0.0
        )
        for metric in metrics
    }
    head = "".join(f"<td>{named(metric)}</td>" for metric in ("", *metrics))
    rows = ""
    for method, row in methods.items():
        cells = ""
        for metric in metrics:
            value, low, high = row.get(metric, (float("nan"), None, None))
            shown = "–" if value != value else f"{value:.3f}" if metric != "ms" else f"{value:.1f}"
            css = " class='nu best'" if value == best[metric] else " class='nu'"
            span = f"<i>{low:.2f}–{high:.2f}</i>" if low is not None and high is not None else ""
            cells += f"<td{css}>{shown}{span}</td>"
        rows += f"<tr><td>{named(method)}</td>{cells}</tr>"
    return f"<div class='cap'>{escape(name)}</div><table class='mt'><tr>{head}</tr>{rows}</table>"


def _confusion(found: Any) -> str:
    """What the check said (columns) of claims of each kind (rows)."""
    if not isinstance(found, dict):
        return ""
    cells: dict[tuple[str, str], int] = {}
    for name, n in found.items():
        gold, arrow, said = str(name).partition(" -> ")
        if arrow and isinstance(n, int):
            cells[gold, said] = n
    names = [
        name
        for name in ("supported", "contradicted", "unsupported", "not_checked")
        if any(name in pair for pair in cells)
    ]
    if not names:
        return ""
    head = "".join(f"<td>{both(name)}</td>" for name in names)
    rows = ""
    for gold in names:
        total = sum(cells.get((gold, said), 0) for said in names)
        row = ""
        for said in names:
            n = cells.get((gold, said), 0)
            share = n / total if total else 0
            css = "hit" if gold == said else "miss"
            row += f"<td class='cf {css}' style='--share:{share:.2f}'>{n}</td>"
        rows += f"<tr><td>{both(gold)}</td>{row}</tr>"
    corner = f"<td class='wh'>{both('eval.gold_said')}</td>"
    return (
        f"<div class='fig'><div class='cap'>{both('eval.confusion')}</div>"
        f"<table class='cm'><tr>{corner}{head}</tr>{rows}</table></div>"
    )
