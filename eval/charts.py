"""Small plots as SVG, written by hand: a library of plots would weigh more than the product.

Knows numbers and names; nothing of suites. Every text is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

__all__ = ["bars", "curve"]

_W, _H, _LEFT, _TOP = 620, 260, 48, 28
_COLOURS = ("#2f6f4f", "#b4472e", "#3b5b92", "#8a6d1f")
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}.axis{stroke:#888}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}}"
)
# One line of a plot: (x, y) points, both in [0, 1].
Points = Sequence[tuple[float, float]]


def _open(title: str, width: int, height: int) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img"><title>{escape(title)}</title><style>{_STYLE}</style>',
        f'<text x="8" y="16" font-weight="bold">{escape(title)}</text>',
    ]


def bars(title: str, rows: Mapping[str, Sequence[float]]) -> str:
    """Horizontal bars of shares with their intervals.

    Args:
        title: shown above.
        rows: per name [value, low, high, …], each in [0, 1].
    """
    wide = 8 + max((len(name) for name in rows), default=0) * 7
    left, step = min(max(wide, 120), 300), 22
    height = _TOP + step * len(rows) + 24
    out = _open(title, left + 360, height)

    def x(share: float) -> float:
        return left + 300 * min(1.0, max(0.0, share))

    for tick in (0, 0.25, 0.5, 0.75, 1):
        at = x(tick)
        out.append(f'<line class="grid" x1="{at}" y1="{_TOP}" x2="{at}" y2="{height - 20}"/>')
        out.append(f'<text x="{at}" y="{height - 6}" text-anchor="middle">{tick:g}</text>')
    for n, (name, row) in enumerate(rows.items()):
        y = _TOP + step * n
        out.append(f'<text x="{left - 6}" y="{y + 14}" text-anchor="end">{escape(name)}</text>')
        out.append(
            f'<rect x="{left}" y="{y + 3}" width="{x(row[0]) - left:.1f}" height="14"'
            f' fill="{_COLOURS[0]}" opacity="0.75"/>'
        )
        if len(row) > 2 and row[2] > row[1]:
            out.append(
                f'<line class="axis" x1="{x(row[1]):.1f}" y1="{y + 10}" x2="{x(row[2]):.1f}"'
                f' y2="{y + 10}" stroke-width="2"/>'
            )
        out.append(f'<text x="{left + 308}" y="{y + 14}">{row[0]:.3f}</text>')
    return "\n".join([*out, "</svg>"])


def curve(
    title: str, lines: Mapping[str, Points], *, x_label: str, y_label: str, diagonal: bool = False
) -> str:
    """Lines over the unit square.

    Args:
        title: shown above.
        lines: points per name, in order of x.
        x_label: of the horizontal axis.
        y_label: of the vertical axis.
        diagonal: whether to show where y equals x.
    """
    out = _open(title, _W, _H + 40)
    width, height = _W - _LEFT - 220, _H - _TOP - 24

    def at(point: tuple[float, float]) -> str:
        x, y = (min(1.0, max(0.0, value)) for value in point)
        return f"{_LEFT + width * x:.1f},{_TOP + height * (1 - y):.1f}"

    for tick in (0, 0.25, 0.5, 0.75, 1):
        across, up = at((tick, 0)).split(","), at((0, tick)).split(",")
        right = at((1, tick)).split(",")
        out.append(
            f'<line class="grid" x1="{up[0]}" y1="{up[1]}" x2="{right[0]}" y2="{right[1]}"/>'
        )
        below = float(across[1]) + 16
        out.append(f'<text x="{across[0]}" y="{below}" text-anchor="middle">{tick:g}</text>')
        out.append(f'<text x="{_LEFT - 6}" y="{up[1]}" text-anchor="end">{tick:g}</text>')
    if diagonal:
        out.append(f'<polyline class="axis" points="{at((0, 0))} {at((1, 1))}" fill="none"/>')
    for n, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[n % len(_COLOURS)]
        path = " ".join(at(point) for point in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [
            f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
            for x, y in (at(point).split(",") for point in points)
        ]
        y = _TOP + 16 * (n + 1)
        out.append(
            f'<text x="{_LEFT + width + 12}" y="{y}" fill="{colour}">— {escape(name)}</text>'
        )
    out.append(f'<text x="{_LEFT}" y="{_H + 14}">{escape(x_label)}</text>')
    out.append(f'<text x="{_LEFT + width + 12}" y="{_H - 30}">↑ {escape(y_label)}</text>')
    return "\n".join([*out, "</svg>"])
