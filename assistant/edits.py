"""Cuts and insertions in a text, and where an old offset lies in the new one.

Knows texts and spans, where a marker may be put, and what a cut marker leaves behind; not what a
marker stands for. Called by `binding`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

__all__ = ["Edit", "behind", "edited", "gap_behind", "removals"]

Edit = tuple[int, int, str]  # start and end of what goes, and what comes

_CLOSERS = '*_"”’）)」』'
# A line that only lists sources; the product lists them itself.
_LIST_ONLY = re.compile(
    r"[ \t>*_#-]*(?:来源|出处|参考(?:资料|来源|段落)?|依据|引用|sources?|references?|citations?|"
    r"passages?)?[*_ \t]*[:：]?[\s,，、;；.。*_-]*",
    re.IGNORECASE,
)
_FENCE_END = re.compile(r"[ \t]*\n[ \t>]*(?:`{3,}|~{3,}|\$\$)[ \t]*(?=\n|$)")


def behind(text: str, end: int, *, is_code: bool) -> tuple[int, str]:
    """Where the markers of a claim that ends here go, and what stands before them."""
    at = end
    if is_code:
        fence = _FENCE_END.match(text, at)
        return (fence.end() if fence else at), "\n\n"
    while at < len(text) and text[at] in _CLOSERS:
        at += 1
    return at, " "


def gap_behind(text: str, at: int, cuts: Sequence[Edit]) -> str:
    """A blank where the next sentence would stand tight behind a marker."""
    for start, end, _ in sorted(cuts):
        if start <= at < end:
            at = end
    return " " if at < len(text) and not text[at].isspace() else ""


def removals(text: str, markers: Sequence[tuple[int, int]]) -> list[Edit]:
    """Cuts that take the markers out, with the blanks before them; whole lines of them too."""
    edits: list[Edit] = []
    for start, end in markers:
        while start and text[start - 1] in " \t":
            start -= 1
        edits.append((start, end, ""))
    at = 0
    for line in text.split("\n"):
        end = at + len(line)
        inside = [e for e in edits if at <= e[0] and e[1] <= end]
        if inside:
            rest = line
            for start, stop, _ in inside:
                rest = rest[: start - at] + " " * (stop - start) + rest[stop - at :]
            if _LIST_ONLY.fullmatch(rest):
                edits = [e for e in edits if e not in inside] + [(at, end, "")]
        at = end + 1
    return edits


def edited(text: str, edits: Sequence[Edit]) -> tuple[str, Callable[..., int]]:
    """The text with its cuts and insertions made, and where an old offset lies in it.

    An offset at an insertion lies before it, behind it with `start=True`; one inside a cut lies
    where the cut was made.
    """
    ordered = sorted(edits, key=lambda e: (e[0], e[1]))
    out: list[str] = []
    steps: list[int] = []  # what each edit and those before it add to later offsets
    at, shift = 0, 0
    for start, end, new in ordered:
        start = max(start, at)
        end = max(end, start)
        out += [text[at:start], new]
        shift += len(new) - (end - start)
        steps.append(shift)
        at = end
    whole = "".join([*out, text[at:]])
    trimmed, lead = whole.strip(), len(whole) - len(whole.lstrip())

    def moved(offset: int, *, start: bool = False) -> int:
        add = 0
        for (first, last, new), after in zip(ordered, steps, strict=True):
            if last < offset or (last == offset and (start or not new)):
                add = after
            elif first < offset < last:
                offset = first
                break
            else:
                break
        return min(max(offset + add - lead, 0), len(trimmed))

    return trimmed, moved
