"""Small plots: bars with intervals, curves, a matrix; as SVG by hand, as PNG by Pillow.

A plot is a list of shapes, drawn twice: SVG for pages and documents, PNG for where SVG is not
shown. Pillow comes with Gradio; a library of plots would weigh more than the product. Knows
numbers and names; nothing of suites. Every text is escaped.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

from corpus.text import has_han

__all__ = ["Drawing", "bars", "by_rank", "curve", "matrix", "within"]

_W, _H, _LEFT, _TOP = 620, 260, 48, 40
_COLOURS = (
    "#2f6f4f", "#b4472e", "#3b5b92", "#8a6d1f", "#7a4b8c", "#2a8a94", "#a34d6e", "#6b6b6b",
)  # fmt: skip
_INK, _AXIS, _GRID, _PAPER = "#333333", "#888888", "#dddddd", "#ffffff"
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}.axis{stroke:#888}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}}"
)
_LEAST_MS = 0.01  # of the time axis, which is logarithmic
_SCALE = 2  # pixels of a PNG for one of the drawing
# Fonts that hold Han characters, by the names that Linux, macOS and Windows know them by.
_HAN_FONTS = (
    "NotoSansCJK-Regular.ttc", "NotoSansSC-Regular.otf", "wqy-zenhei.ttc", "wqy-microhei.ttc",
    "PingFang.ttc", "msyh.ttc", "simhei.ttf",
)  # fmt: skip
Anchor = Literal["start", "middle", "end"]
# One line of a plot: (x, y) points, both in [0, 1].
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    x: float
    y: float
    words: str
    anchor: Anchor = "start"
    bold: bool = False
    colour: str = ""  # that of the page's ink where empty


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    points: Points
    colour: str  # a class of the style, "grid" or "axis", or a colour
    width: float = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    x: float
    y: float
    width: float
    height: float
    colour: str
    opacity: float = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dot:
    x: float
    y: float
    colour: str


@dataclass(slots=True, kw_only=True)
class Drawing:
    """A plot of a size in pixels, its title above."""

    title: str
    width: float
    height: float
    _shapes: list[_Text | _Line | _Box | _Dot] = field(default_factory=list)

    def _title(self) -> _Text:
        return _Text(x=8, y=16, words=self.title, bold=True)

    def svg(self) -> str:
        """The plot as an element that stands by itself."""
        size = f'viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}"'
        out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} height="{self.height:g}" role="img">'
            f"<title>{escape(self.title)}</title><style>{_STYLE}</style>"
        ]
        return "\n".join([*out, *map(_as_svg, [self._title(), *self._shapes]), "</svg>"])

    def png(self) -> bytes:
        """The plot as a picture, twice as wide and high in pixels, on white."""
        from PIL import Image, ImageDraw

        size = (round(self.width * _SCALE), round(self.height * _SCALE))
        picture = Image.new("RGB", size, _PAPER)
        brush = ImageDraw.Draw(picture)
        for shape in [self._title(), *self._shapes]:
            _onto(brush, shape)
        out = io.BytesIO()
        picture.save(out, "PNG")
        return out.getvalue()


def _as_svg(shape: _Text | _Line | _Box | _Dot) -> str:
    if isinstance(shape, _Text):
        more = f' text-anchor="{shape.anchor}"' if shape.anchor != "start" else ""
        more += ' font-weight="bold"' if shape.bold else ""
        more += f' style="fill:{shape.colour}"' if shape.colour else ""
        return f'<text x="{shape.x:.1f}" y="{shape.y:.1f}"{more}>{escape(shape.words)}</text>'
    if isinstance(shape, _Box):
        return (
            f'<rect x="{shape.x:.1f}" y="{shape.y:.1f}" width="{shape.width:.1f}"'
            f' height="{shape.height:.1f}" fill="{shape.colour}" opacity="{shape.opacity:g}"/>'
        )
    if isinstance(shape, _Dot):
        return f'<circle cx="{shape.x:.1f}" cy="{shape.y:.1f}" r="3" fill="{shape.colour}"/>'
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in shape.points)
    named = shape.colour in ("grid", "axis")
    stroke = f'class="{shape.colour}"' if named else f'stroke="{shape.colour}"'
    return f'<polyline points="{path}" fill="none" {stroke} stroke-width="{shape.width:g}"/>'


def _onto(brush: Any, shape: _Text | _Line | _Box | _Dot) -> None:
    """Paint a shape of a PNG."""
    if isinstance(shape, _Text):
        at = (shape.x * _SCALE, shape.y * _SCALE)
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
        font = _font(shape.words, 14 if shape.bold else 12)
        brush.text(at, shape.words, fill=shape.colour or _INK, font=font, anchor=anchor)
    elif isinstance(shape, _Box):
        corner = ((shape.x + shape.width) * _SCALE, (shape.y + shape.height) * _SCALE)
        fill = _on_paper(shape.colour, shape.opacity)
        brush.rectangle((shape.x * _SCALE, shape.y * _SCALE, *corner), fill=fill)
    elif isinstance(shape, _Dot):
        x, y, r = shape.x * _SCALE, shape.y * _SCALE, 3 * _SCALE
        brush.ellipse((x - r, y - r, x + r, y + r), fill=shape.colour)
    else:
        colour = {"grid": _GRID, "axis": _AXIS}.get(shape.colour, shape.colour)
        points = [(x * _SCALE, y * _SCALE) for x, y in shape.points]
        brush.line(points, fill=colour, width=round(shape.width * _SCALE))


def _font(words: str, size: int) -> Any:
    """A font that can draw the words, if this machine has one; else Pillow's own, for Latin."""
    from PIL import ImageFont

    size *= _SCALE
    for name in _HAN_FONTS if has_han(words) else ():
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _on_paper(colour: str, opacity: float) -> str:
    """The colour that a translucent one has on white."""
    parts = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return "#" + "".join(f"{round(255 - opacity * (255 - part)):02x}" for part in parts)


def bars(title: str, rows: Mapping[str, Sequence[float]]) -> Drawing:
    """Horizontal bars of shares with their intervals.

    Args:
        title: shown above.
        rows: per name [value, low, high, …], each in [0, 1].
    """
    wide = 8 + max((_width(name) for name in rows), default=0)
    left, step = min(max(wide, 120), 300), 22
    height = _TOP + step * len(rows) + 24
    out = Drawing(title=title, width=left + 360, height=height)
    shapes = out._shapes

    def x(share: float) -> float:
        return left + 300 * min(1.0, max(0.0, share))

    for tick in (0, 0.25, 0.5, 0.75, 1):
        at = x(tick)
        shapes.append(_Line(points=((at, _TOP), (at, height - 20)), colour="grid"))
        shapes.append(_Text(x=at, y=height - 6, words=f"{tick:g}", anchor="middle"))
    for n, (name, row) in enumerate(rows.items()):
        y = _TOP + step * n
        shapes.append(_Text(x=left - 6, y=y + 14, words=name, anchor="end"))
        box = _Box(x=left, y=y + 3, width=x(row[0]) - left, height=14, colour=_COLOURS[0],
                   opacity=0.75)  # fmt: skip
        shapes.append(box)
        if len(row) > 2 and row[2] > row[1]:
            ends = ((x(row[1]), y + 10), (x(row[2]), y + 10))
            shapes.append(_Line(points=ends, colour="axis", width=2))
        shapes.append(_Text(x=left + 308, y=y + 14, words=f"{row[0]:.3f}"))
    return out


def _width(words: str) -> int:
    """About how many pixels a text takes; a Han character takes two Latin ones."""
    return sum(12 if ord(char) > 0x2E7F else 7 for char in words)


_QUARTERS = ((0.0, "0"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1.0, "1"))


def curve(
    title: str,
    lines: Mapping[str, Points],
    *,
    x_label: str,
    y_label: str,
    diagonal: bool = False,
    ticks: Sequence[tuple[float, str]] = _QUARTERS,
    dots: bool = True,
) -> Drawing:
    """Lines over the unit square.

    Args:
        title: shown above.
        lines: points per name, in order of x.
        x_label: of the horizontal axis.
        y_label: of the vertical axis.
        diagonal: whether to show where y equals x.
        ticks: places of the horizontal axis in [0, 1], and what is written there.
        dots: whether each point is marked.
    """
    out = Drawing(title=title, width=_W, height=_H + 40)
    shapes = out._shapes
    width, height = _W - _LEFT - 220, _H - _TOP - 24

    def at(point: tuple[float, float]) -> tuple[float, float]:
        x, y = (min(1.0, max(0.0, value)) for value in point)
        return _LEFT + width * x, _TOP + height * (1 - y)

    for tick, said in _QUARTERS:
        up = at((0, tick))
        shapes.append(_Line(points=(up, at((1, tick))), colour="grid"))
        shapes.append(_Text(x=_LEFT - 6, y=up[1] + 4, words=said, anchor="end"))
    for tick, said in ticks:
        across = at((tick, 0))
        shapes.append(_Text(x=across[0], y=across[1] + 16, words=said, anchor="middle"))
    if diagonal:
        shapes.append(_Line(points=(at((0, 0)), at((1, 1))), colour="axis"))
    for n, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[n % len(_COLOURS)]
        placed = [at(point) for point in points]
        shapes.append(_Line(points=placed, colour=colour, width=2))
        if dots:
            shapes += [_Dot(x=x, y=y, colour=colour) for x, y in placed]
        y = _TOP + 16 * (n + 1)
        key = _LEFT + width + 12
        shapes.append(_Line(points=((key, y - 4), (key + 14, y - 4)), colour=colour, width=2))
        shapes.append(_Text(x=key + 20, y=y, words=name, colour=colour))
    shapes.append(_Text(x=_LEFT, y=_H + 14, words=x_label))
    shapes.append(_Text(x=_LEFT, y=_TOP - 4, words=y_label, colour=_AXIS))
    return out


def by_rank(title: str, lines: Mapping[str, Sequence[float]], *, y_label: str) -> Drawing:
    """A share over the number of ranks that are looked at, from 1 on.

    Args:
        title: shown above.
        lines: per name the share within the first 1, 2, … ranks, all of one length above 1.
        y_label: of the vertical axis.
    """
    depth = max(len(row) for row in lines.values())
    places = [n / (depth - 1) for n in range(depth)]
    return curve(
        title,
        {name: list(zip(places, row, strict=True)) for name, row in lines.items()},
        x_label="ranks looked at",
        y_label=y_label,
        ticks=[(place, str(n)) for n, place in enumerate(places, 1)],
    )


def within(title: str, times: Mapping[str, Sequence[float]]) -> Drawing:
    """The share of items that are done within a time, over the time in ms on a log scale.

    Args:
        title: shown above.
        times: milliseconds per item, by name; at least one.
    """
    every = [max(_LEAST_MS, ms) for row in times.values() for ms in row]
    low, high = math.floor(2 * math.log10(min(every))) / 2, math.log10(max(every))
    high = max(math.ceil(2 * high) / 2, low + 0.5)

    def across(ms: float) -> float:
        return (math.log10(max(_LEAST_MS, ms)) - low) / (high - low)

    lines = {}
    for name, row in times.items():
        ordered = sorted(row)
        steps = [(across(ms), n / len(ordered)) for n, ms in enumerate(ordered, 1)]
        lines[name] = [(steps[0][0], 0.0), *steps]
    marks = [10 ** (half / 2) for half in range(round(2 * low), round(2 * high) + 1)]
    ticks = [(across(ms), f"{float(f'{ms:.1g}'):g}") for ms in marks]
    return curve(title, lines, x_label="ms", y_label="share done", ticks=ticks, dots=False)


def matrix(
    title: str, counts: Mapping[tuple[str, str], int], *, rows: str, columns: str
) -> Drawing:
    """A confusion matrix: a cell is the darker, the larger its share of its row.

    Args:
        title: shown above.
        counts: by (truth, said).
        rows: what a row is.
        columns: what a column is.
    """
    names = list(dict.fromkeys([a for a, _ in counts] + [b for _, b in counts]))
    truths = [name for name in names if any(a == name for a, _ in counts)]
    said = [name for name in names if any(b == name for _, b in counts)]
    left = 24 + max((_width(name) for name in [*truths, rows]), default=0)
    wide, high, top = max([86, *(_width(name) + 14 for name in said)]), 34, _TOP + 44
    out = Drawing(
        title=title, width=left + wide * len(said) + 16, height=top + high * len(truths) + 12
    )
    shapes = out._shapes
    shapes.append(_Text(x=left - 10, y=top - 8, words=rows, anchor="end", colour=_AXIS))
    shapes.append(_Text(x=left, y=_TOP + 14, words=columns, colour=_AXIS))
    for n, name in enumerate(said):
        shapes.append(_Text(x=left + wide * (n + 0.5), y=top - 8, words=name, anchor="middle"))
    for m, truth in enumerate(truths):
        total = sum(counts.get((truth, name), 0) for name in said)
        y = top + high * m
        shapes.append(_Text(x=left - 10, y=y + high / 2 + 4, words=truth, anchor="end"))
        for n, name in enumerate(said):
            count = counts.get((truth, name), 0)
            share = count / total if total else 0.0
            colour = _COLOURS[0] if truth == name else _COLOURS[1]
            box = _Box(x=left + wide * n + 1, y=y + 1, width=wide - 2, height=high - 2,
                       colour=colour, opacity=round(0.08 + 0.72 * share, 3))  # fmt: skip
            shapes.append(box)
            middle = left + wide * (n + 0.5)
            shapes.append(_Text(x=middle, y=y + high / 2 + 4, words=f"{count} ({share:.0%})",
                                anchor="middle"))  # fmt: skip
    return out
