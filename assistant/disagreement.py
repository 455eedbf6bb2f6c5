"""Two notes that state the same thing with different figures.

A statement is a name and the figure asserted of it: `recall@10 是 0.93`, `context length: 128K`.
Settings (`M=16`) are conditions: where both sides name one, it has to be the same. Knows texts;
`grounding` says whether two passages speak of the same thing at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from assistant.magnitudes import same_quantity
from assistant.quantities import Quantity, quantities
from corpus.text import fold
from corpus.tokens import STOP_TERMS, tokens

__all__ = ["Statement", "rivals", "statements"]

# What asserts a figure of the word before it; `=` sets a condition.
_ASSERTS = re.compile(
    r"(?:[*_`|\s])*(?:(?P<set>=)|是|为|达到?了?|只?有|仅有?|约|约?为|升至|降至|涨到|降到|掉到了?|:|：|\bis\b|\bwas\b|"
    r"\bare\b|\bof\b|\breached\b|\breaches\b)\s*(?:了|约|大约|仅|只有|about|around|only)?[*_`\s]*$"
)
_IDENTIFIER = re.compile(r"[a-z][\w@./+-]*$", re.ASCII)
_LEAD = 24  # characters before a figure in which its name is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A figure asserted of something.

    Attributes:
        name: the word that the figure is asserted of, in normal form.
        is_setting: a condition (`M=16`), not a finding.
    """

    name: str
    figure: Quantity
    is_setting: bool


@lru_cache(maxsize=4096)
def statements(text: str) -> tuple[Statement, ...]:
    """The figures of a text that are asserted of a word right before them.

    Args:
        text: a sentence or a few.

    Returns:
        In order of appearance; figures without such a word are left out.
    """
    out: list[Statement] = []
    folded = fold(text)
    for figure in quantities(text):
        lead = folded[max(0, figure.start - _LEAD) : figure.start]
        found = _ASSERTS.search(lead)
        if found is None:
            continue
        name = _name_at_end(lead[: found.start()].rstrip(" *_`|"))
        if name is not None:
            is_setting = found.group("set") is not None
            out.append(Statement(name=name, figure=figure, is_setting=is_setting))
    return tuple(out)


def _name_at_end(lead: str) -> str | None:
    """The word that a text ends with: an identifier whole, else a content word."""
    identifier = _IDENTIFIER.search(lead)
    if identifier is not None:
        return identifier.group()
    last = tokens(lead)[-1:]
    return last[0].text if last and last[0].text not in STOP_TERMS else None


def rivals(mine: str, theirs: str) -> tuple[Statement, Statement] | None:
    """A finding that two texts give with different figures under the same settings, or None.

    Args:
        mine: one text.
        theirs: the other.
    """
    ours, others = statements(mine), statements(theirs)
    settings = {s.name: s.figure for s in ours if s.is_setting}
    for other in others:
        mine_of = settings.get(other.name) if other.is_setting else None
        if mine_of is not None and not same_quantity(mine_of, other.figure):
            return None
    for own in ours:
        if own.is_setting:
            continue
        rival = [s for s in others if not s.is_setting and s.name == own.name]
        if not rival or any(same_quantity(own.figure, s.figure) for s in rival):
            continue
        other = rival[0]
        if other.figure.unit == own.figure.unit:
            return own, other
    return None
