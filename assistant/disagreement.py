"""Two notes that state the same thing with different figures.

A statement is a name and the figure asserted of it: `recall@10 是 0.93`, `context length: 128K`.
Settings (`M=16`) are conditions: where both sides name one, it has to be the same. Knows texts and
what a comparison found; called by `grounding`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from assistant.comparing import Finding
from assistant.conflict import Conflict
from assistant.judging import is_same_subject
from assistant.magnitudes import same_quantity
from assistant.markers import without_markers
from assistant.passages import Passage, evidence_of, of_hits, unique
from assistant.quantities import Quantity, quantities
from assistant.reasons import reason_for
from assistant.types import Claim, Disagreement, Hit, Verdict
from corpus.text import fold
from corpus.tokens import STOP_TERMS, tokens

__all__ = ["Statement", "disagreements", "rivals", "statements"]

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


def disagreements(
    claims: Sequence[Claim],
    hits: Sequence[Hit],
    compared: Callable[[str, Sequence[Passage]], Sequence[Finding]],
) -> tuple[Disagreement, ...]:
    """Supported claims that another note gives another figure for.

    Args:
        claims: of one answer.
        hits: the passages the answer was made from, and others found with it.
        compared: what each of some passages says of a claim.
    """
    pairs = (_disagreement(claim, hits, compared) for claim in claims)
    return tuple(pair for pair in pairs if pair is not None)


def _disagreement(
    claim: Claim,
    hits: Sequence[Hit],
    compared: Callable[[str, Sequence[Passage]], Sequence[Finding]],
) -> Disagreement | None:
    if claim.verdict is not Verdict.SUPPORTED or claim.evidence is None:
        return None
    plain, home = without_markers(claim.text), claim.evidence.note
    if all(statement.is_setting for statement in statements(plain)):
        return None
    others = unique(of_hits([hit for hit in hits if hit.note.path != home]))
    others = [passage for passage in others if rivals(plain, passage.text)]
    near = [found for found in compared(plain, others) if is_same_subject(found)]
    if not near:
        return None
    best = max(near, key=lambda found: (found.rest, found.own))
    quote = best.passage.text
    pair = rivals(plain, quote)
    assert pair is not None, "only passages with a rival figure are compared"
    mine, theirs = (statement.figure for statement in pair)
    clash = Conflict(
        kind="number",
        said=plain[mine.start : mine.end],
        noted=quote[theirs.start : theirs.end],
        strength=1.0,
    )
    best = replace(best, verdict=Verdict.CONTRADICTED, found=(clash, *best.found))
    other = Claim(
        text=quote,
        start=0,
        end=len(quote),
        verdict=Verdict.CONTRADICTED,
        score=round(best.score, 3),
        evidence=evidence_of(best.passage),
        reason=reason_for(best, claim.text),
    )
    return Disagreement(claim_a=claim, claim_b=other)
