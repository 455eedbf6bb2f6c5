"""Plots of a run as markup: ranks, times, abstention, calibration.

Knows numbers and the classes of the style sheet; a run's form as far as it draws it. Fixed sizes,
since the sanitizer drops viewBox.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.web.markup import escape
from assistant.web.measures import named
from assistant.web.texts import both

__all__ = [
    "Figure", "abstention", "calibration", "hits", "mean_times", "plot", "ranks", "ranks_of",
    "times",
]  # fmt: skip

Figure = tuple[float, float | None, float | None]  # value, low, high
_COLOURS = 8  # classes s0 ... s7 of the style sheet
_RANKS = 10  # that a run keeps of a query
_LEAST_MS = 0.1


def hits(methods: Mapping[str, Mapping[str, Figure]]) -> str:
    """hit@k or recall@k over k, a line for each method."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for family in ("recall@", "hit@"):
        for method, row in methods.items():
            points = sorted(
                (int(metric.removeprefix(family)), value[0])
                for metric, value in row.items()
                if metric.startswith(family) and metric.removeprefix(family).isdigit()
            )
            if len(points) > 1:
                lines[named(method)] = points
        if lines:
            return plot(lines, both("eval.curve", name=family.rstrip("@")))
    return ""


def ranks_of(data: Mapping[str, Any]) -> dict[str, dict[str, list[float]]]:
    """The share found within the first 1, 2, … ranks, by set and method, where a run holds it."""
    items, out = data.get("items"), {}
    if isinstance(data.get("ranks"), dict):
        rows = {
            str(method): [float(share) for share in row if isinstance(share, int | float)]
            for method, row in data["ranks"].items()
            if isinstance(row, list)
        }
        return {str(data.get("set", "")): rows}
    for name, queries in items.items() if isinstance(items, dict) else ():
        by_method: dict[str, list[int]] = {}
        for found in queries.values() if isinstance(queries, dict) else ():
            for method, rank in found.items() if isinstance(found, dict) else ():
                if isinstance(rank, int):
                    by_method.setdefault(str(method), []).append(rank)
        out[str(name)] = {
            method: [sum(0 < rank <= k for rank in row) / len(row) for k in range(1, _RANKS + 1)]
            for method, row in by_method.items()
        }
    return {name: rows for name, rows in out.items() if rows}


def ranks(rows: Mapping[str, Sequence[float]]) -> str:
    """The share found over the ranks looked at, a line for each method."""
    lines = {escape(name): list(enumerate(row, 1)) for name, row in rows.items() if len(row) > 1}
    return plot(lines, both("eval.ranks")) if lines else ""


def times(items: Any) -> str:
    """The share of items done within a time, over milliseconds on a logarithmic axis."""
    found: dict[str, list[float]] = {}
    for item in items if isinstance(items, list) else ():
        for field, value in item.items() if isinstance(item, dict) else ():
            if (field == "ms" or field.endswith(" ms")) and isinstance(value, int | float):
                found.setdefault(field.removesuffix(" ms"), []).append(max(_LEAST_MS, value))
    lines = {}
    for name, row in found.items():
        ordered = sorted(row)
        lines["n = " + str(len(row)) if name == "ms" else escape(name)] = [
            (math.log10(ms), n / len(ordered)) for n, ms in enumerate(ordered, 1)
        ]
    if not any(len(points) > 1 for points in lines.values()):
        return ""
    return plot(lines, both("eval.times"), log=True)


def plot(
    lines: Mapping[str, Sequence[tuple[float, float]]],
    title: str,
    *,
    scale: bool = False,
    log: bool = False,
) -> str:
    """Lines, y from 0 to 1; fixed size, since the sanitizer drops viewBox.

    Args:
        lines: points by name, as markup.
        title: as markup.
        scale: whether x is a number from 0 to 1, not a row of places.
        log: whether x is the decimal logarithm of a number; its points are not marked.
    """
    places = sorted({x for points in lines.values() for x, _ in points})
    ticks: Sequence[float] = (0, 0.25, 0.5, 0.75, 1) if scale else places
    low, high = (0.0, 1.0)
    if log:
        low, high = math.floor(2 * places[0]) / 2, math.ceil(2 * places[-1]) / 2
        high = max(high, low + 0.5)
        ticks = [half / 2 for half in range(round(2 * low), round(2 * high) + 1)]
    left, top, width, height = 34, 10, 270, 160

    def across(x: float) -> float:
        if scale or log:
            return left + width * (x - low) / (high - low)
        return left + width * places.index(x) / max(1, len(places) - 1)

    def down(y: float) -> float:
        return top + height * (1 - max(0.0, min(1.0, y)))

    parts = []
    for y in (0, 0.25, 0.5, 0.75, 1):
        parts.append(
            f"<path class='gr' d='M{left} {down(y):.1f} H{left + width}'></path>"
            f"<text x='{left - 6}' y='{down(y) + 4:.1f}' text-anchor='end'>{y:g}</text>"
        )
    for x in ticks:
        parts.append(
            f"<text x='{across(x):.1f}' y='{top + height + 18}' text-anchor='middle'>"
            f"{_told(10**x if log else x)}</text>"
        )
    keys = ""
    for at, (name, points) in enumerate(lines.items()):
        css = f"s{at % _COLOURS}"
        path = " L".join(f"{across(x):.1f} {down(y):.1f}" for x, y in points)
        parts.append(f"<path class='ln {css}' d='M{path}'></path>")
        parts += [
            f"<circle class='{css}' cx='{across(x):.1f}' cy='{down(y):.1f}' r='3'></circle>"
            for x, y in (() if log else points)
        ]
        keys += f"<span class='ke'><i class='{css}'></i>{name}</span>"
    svg = f"<svg class='pl' width='320' height='200' role='img'>{''.join(parts)}</svg>"
    return (
        f"<div class='fig'><div class='cap'>{title}</div>{svg}<div class='keys'>{keys}</div></div>"
    )


def _told(x: float) -> str:
    """A number at an axis: one digit where it is a half step of a logarithm."""
    return f"{float(f'{x:.1g}'):g}" if x > 1 and x != int(x) else f"{x:g}"


def mean_times(methods: Mapping[str, Mapping[str, Figure]]) -> str:
    """Mean milliseconds of each method, as bars."""
    means = {name: row["ms"][0] for name, row in methods.items() if "ms" in row}
    most = max(means.values(), default=0)
    if not most:
        return ""
    rows = "".join(
        f"<tr><td>{named(name)}</td><td class='ba'><span class='bar' "
        f"style='width:{100 * ms / most:.0f}%'></span></td><td class='nu'>{ms:.1f} ms</td></tr>"
        for name, ms in means.items()
    )
    title = f"<div class='cap'>{both('eval.latency')}</div>"
    return f"<div class='fig'>{title}<table class='fg'>{rows}</table></div>"


def abstention(curve: Any) -> str:
    """Both errors of abstention over the threshold of confidence."""
    rows = [
        (float(row[0]), float(row[1]), float(row[2]))
        for row in (curve if isinstance(curve, list) else [])
        if isinstance(row, list) and len(row) == 3 and all(isinstance(v, int | float) for v in row)
    ]
    if len(rows) < 2:
        return ""
    lines = {
        both("eval.refused"): [(cut, miss) for cut, miss, _ in rows],
        both("eval.wrongly"): [(cut, wrong) for cut, _, wrong in rows],
    }
    return plot(lines, both("eval.abstention"), scale=True)


def calibration(items: Any) -> str:
    """How often claims of a given score were truly supported, in five bins."""
    pairs = [
        (float(item["score"]), item.get("gold") == "supported")
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict) and isinstance(item.get("score"), int | float) and "gold" in item
    ]
    if len(pairs) < 20:
        return ""
    points = []
    for at in range(5):
        held = [true for score, true in pairs if at / 5 <= score < (at + 1) / 5 + (at == 4)]
        if held:
            points.append(((at + 0.5) / 5, sum(held) / len(held)))
    ideal = [(x, x) for x, _ in points]
    lines = {"y = x": ideal, "n = " + str(len(pairs)): points}
    return plot(lines, both("eval.calibration"), scale=True)
