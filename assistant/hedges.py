"""Words beside a number that say it is not exact: 约, 六万五千多, 超过, at least, or so.

Knows words and what they do to a number; not numbers. Called by `quantities`.
"""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["Hedge", "hedge"]

# "": as it stands; "about"; "above": a little more (六万五千多); "over", "under": a bound;
# "several": some of that size (几千亿, dozens)
Hedge = Literal["", "about", "above", "over", "under", "several"]

_BEFORE = re.compile(
    r"(?:"
    r"(?P<under>不到|不足|不超过|不多于|不高于|不大于|小于等于|小于|少于|低于|至多|最多|顶多|"
    r"\bunder|\b(?:less|fewer|lower|smaller) than|\bbelow|\bat most|\bup to|\bno more than|"
    r"\bwithin|<=?|≤|\\leq?)|"
    r"(?P<over>超过了?|超|多于|高于|大于|至少|起码|不少于|不低于|不小于|不下|"
    r"\bover|\b(?:more|higher|greater|larger) than|\babove|\bat least|\bno (?:less|fewer) than|"
    r"\bexceed(?:s|ing)?|>=?|≥|\\geq?)|"
    r"(?P<about>大约|大概|大致|约莫|约为?|接近|将近|差不多|几乎|近|\babout|\baround|\broughly|"
    r"\bapproximately|\bapprox\.?|\bnearly|\balmost|\bclose to|~|≈|\\approx)"
    r")\s?(?:了|是|为|有|在|the|an?|(?:原来|全[量部体]|总[数量体])的?)?\s?(?:\$\s?)?$"
)
_SEVERAL = re.compile(r"[几数]$")
_BEHIND = re.compile(
    r"\s?(?:"
    r"(?P<about>左右|上下|前后|or so\b)|"
    r"(?P<over>(?:或|及|或者)?(?:以上|更多)|之上|开外|or more\b|or higher\b|and above\b|"
    r"\+(?!\s?[\w=]))|"
    r"(?P<under>(?:或|及)?(?:以下|以内|更少)|之内|or less\b|or fewer\b)|"
    r"(?P<above>出头|有余|挂零|"
    r"(?<=[成倍年天周%])多|多(?=$|[\s,，。;；、:：）)到至的了才就a-z0-9]|个?(?:小时|月|百分点)))"
    r")"
)
_LOOK = 24  # characters before a number


def hedge(folded: str, start: int, end: int) -> Hedge:
    """What the words around a number make of it.

    Args:
        folded: the text, folded.
        start: where the number begins.
        end: where it ends, its unit included.
    """
    before = folded[max(0, start - _LOOK) : start]
    found = _BEFORE.search(before)
    if found is not None:
        said = found.lastgroup
    elif _SEVERAL.search(before):
        said = "several"
    else:
        behind = _BEHIND.match(folded, end)
        said = behind.lastgroup if behind else ""
    for name in _HEDGES:
        if name == said:
            return name
    return ""


_HEDGES: tuple[Hedge, ...] = ("about", "above", "over", "under", "several")
