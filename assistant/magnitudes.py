"""When two quantities say the same: rounding, bounds, units of one kind, shares and percent.

Knows quantities; not the texts they stand in. Called by `contrast`, `nearcopy`, `disagreement`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise

from assistant.quantities import Quantity

__all__ = ["composed", "same_quantity", "states"]

_LITTLE = 1.15  # times the round number: 六万五千多
_ROUND = 0.05  # share by which `about` may be off
_OVER, _UNDER = 1.5, 0.35  # times the bound; what lies farther off is not what the bound speaks of
_SEVERAL = (1.5, 10.0)
# Units of one kind in a common one; sizes are counted in thousands or in 1,024s.
_SCALES: tuple[dict[str, float], ...] = (
    {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "秒": 1.0, "分钟": 60.0, "小时": 3600.0, "天": 86_400.0,
     "周": 604_800.0},
    {"字节": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "pb": 1e15},
    {"字节": 1.0, "kb": 2.0**10, "mb": 2.0**20, "gb": 2.0**30, "tb": 2.0**40, "pb": 2.0**50},
    {"mm": 1e-3, "cm": 1e-2, "米": 1.0, "km": 1e3},
    {"flops": 1.0, "gflops": 1e9, "tflops": 1e12, "pflops": 1e15},
    {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9},
    {"w": 1.0, "kw": 1e3},
)  # fmt: skip
# Measure words that one may choose between for the same things.
_ALIKE = (
    frozenset({"天", "日"}), frozenset({"块", "张", "台", "卡"}), frozenset({"步", "阶段"}),
    frozenset({"块", "元"}), frozenset({"家", "名", "人", "位"}),
)  # fmt: skip
_SHARES = frozenset({"%", "‰"})
_CALENDAR = frozenset({"年", "月", "日", "第"})


_LINK = re.compile(r"\s*(?:又|零|加|and|,)?\s*$")
_MINUTES = re.compile(r"\s?分(?![之析别支类数钟])")


def composed(text: str, found: Sequence[Quantity]) -> list[tuple[Quantity, tuple[Quantity, ...]]]:
    """Times said in two units, as one: 2 小时 15 分 is 135 分钟.

    Args:
        text: where they stand.
        found: its quantities, in order.

    Returns:
        The sum in the smaller unit, spanning both, with the two it is made of.
    """
    out: list[tuple[Quantity, tuple[Quantity, ...]]] = []
    for a, b in pairwise(found):
        unit = b.unit
        behind = _MINUTES.match(text, b.end) if not unit and a.unit == "小时" else None
        if behind:
            unit = "分钟"
        clock = _SCALES[0]
        if a.unit not in clock or unit not in clock or clock[unit] >= clock[a.unit]:
            continue
        if a.hedge or b.hedge or not _LINK.match(text[a.end : b.start]):
            continue
        total = a.value * clock[a.unit] / clock[unit] + b.value
        end = behind.end() if behind else b.end
        out.append((Quantity(total, unit, a.start, end), (a, b)))
    return out


def same_quantity(a: Quantity, b: Quantity) -> bool:
    """Whether two quantities say the same, within rounding of the digits as written."""
    if a.unit == b.unit == "年" and a.value != b.value and min(a.value, b.value) < 100:
        # 23年 = 2023年
        return a.value % 100 == b.value % 100 and max(a.value, b.value) >= 1900
    return any(_equal(x, y) or _is_little_more(a, b, x, y) for x, y in _common(a, b))


def states(noted: Quantity, claimed: Quantity) -> bool:
    """Whether the figure of a note says that of a claim: 82 % says 八成多 and "over 80 %".

    Not the other way round: who read "over 80 %" cannot claim 82 %.
    """
    if same_quantity(noted, claimed):
        return True
    if noted.hedge not in ("", "about", claimed.hedge):
        return False
    return any(_within(claimed, x, y) for x, y in _common(noted, claimed))


def _within(claimed: Quantity, noted: float, said: float) -> bool:
    """Whether a value lies where a claim says; both in one unit."""
    if claimed.unit in _CALENDAR or said <= 0:
        return False
    share = noted / said
    match claimed.hedge:
        case "about":
            return abs(share - 1) <= _ROUND
        case "over":
            return 1 <= share <= _OVER
        case "above":
            return 1 < share <= _LITTLE
        case "under":
            return _UNDER <= share <= 1
        case "several":
            return _SEVERAL[0] <= share < _SEVERAL[1]
        case _:
            return False


def _equal(x: float, y: float) -> bool:
    return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12)


def _is_little_more(a: Quantity, b: Quantity, x: float, y: float) -> bool:
    """Whether one is said as a little more than a round number, and the other is."""
    above = (a.hedge == "above", b.hedge == "above")
    low, other = (x, y) if above[0] else (y, x)
    return above[0] != above[1] and low < other <= _LITTLE * low


def _common(a: Quantity, b: Quantity) -> list[tuple[float, float]]:
    """The two values in one unit, as often as they can be understood so; none where they cannot."""
    units = {a.unit, b.unit}
    if a.unit == b.unit or any(units <= kind for kind in _ALIKE):
        return [(a.value, b.value)]
    if "" in units and units & _SHARES:
        # 0.05 and 5% are one figure; 16 and 16% are two
        parts = {"%": 100.0, "‰": 1000.0}
        x, y = (q.value * (1 if q.unit else parts[max(units)]) for q in (a, b))
        return [(x, y)] if min(a.value, b.value) < 1 and (a if not a.unit else b).value < 1 else []
    if "" in units:
        return [(a.value, b.value)]  # 16 and 16 GB may be one
    return [
        (a.value * scale[a.unit], b.value * scale[b.unit])
        for scale in _SCALES
        if a.unit in scale and b.unit in scale
    ]
