"""Two notes that state the same thing with different figures, names or versions.

A statement is a name and the figure asserted of it: `recall@10 是 0.93`, `context length: 128K`.
Settings (`M=16`) are conditions: where both sides name one, it has to be the same. Makers, defaults
and versions are told by `attributions`; of defaults and versions the notes have to be about the
same thing, too. Knows texts and what a comparison found; called by `grounding`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from assistant.attributions import Attribution, at_odds
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
from corpus.tokens import STOP_TERMS, content_terms, tokens

__all__ = ["Statement", "are_about_one", "disagreements", "rivals", "statements"]

# What asserts a figure of the word before it; `=` sets a condition.
_ASSERTS = re.compile(
    r"(?:[*_`|\s])*(?:(?P<set>=)|是|为|达到?了?|只?有|仅有?|约|约?为|升至|降至|涨到|降到|掉到了?|:|：|\bis\b|\bwas\b|"
    r"\bare\b|\bof\b|\breached\b|\breaches\b)\s*(?:了|约|大约|仅|只有|about|around|only)?[*_`\s]*$"
)
_IDENTIFIER = re.compile(r"[a-z][\w@./+-]*$", re.ASCII)
_LEAD = 24  # characters before a figure in which its name is looked for
_TELLING = 2  # words that tell which default is meant; fewer leave it to the notes' titles
_FAMILY = 3  # letters that values of one family have in common: bge-m3, bge-large


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


def are_about_one(one: Attribution, title: str, other: Attribution, other_title: str) -> bool:
    """Whether two notes assert a value of the very same thing, though neither need name it whole.

    Of what was made, its name tells it. A default or a version is that of something which a note
    may only name in its title: titles that name different things speak against it.

    Args:
        one: what one note asserts.
        title: its title with the headings above.
        other: what the other note asserts, of the same words.
        other_title: as `title`.
    """
    if not one.kind.startswith(("default", "version")):
        return True
    said = set(content_terms(one.value)) | set(content_terms(other.value))
    mine, theirs = (set(content_terms(text)) - said for text in (title, other_title))
    named, named_there = (
        {word for word in there if re.search("[a-z]", word)} for there in (mine, theirs)
    )
    if one.kind.startswith("version") and one.value.split()[0].lower() in fold(
        f"{title} {other_title}"
    ):
        return False  # the note is about that version: two subjects, not two statements of one
    own = one.own | other.own
    if named != named_there and not any(re.search("[a-z]", word) for word in own):
        return False
    is_kin = one.kind == "default" and fold(one.value)[:_FAMILY] == fold(other.value)[:_FAMILY]
    enough = _TELLING if one.kind == "default" else 1
    return is_kin or len(own) >= enough or bool(mine & theirs)


def disagreements(
    claims: Sequence[Claim],
    hits: Sequence[Hit],
    compared: Callable[[str, Sequence[Passage]], Sequence[Finding]],
) -> tuple[Disagreement, ...]:
    """Supported claims of which another note gives another figure, name or version.

    Args:
        claims: of one answer.
        hits: the passages the answer was made from, and others found with it.
        compared: what each of some passages says of a claim.

    Returns:
        In the order of the claims; two claims that disagree with each other are one of them.
    """
    out: list[Disagreement] = []
    shown: set[tuple[str, int]] = set()
    for claim in claims:
        if claim.verdict is not Verdict.SUPPORTED or claim.evidence is None:
            continue
        if (claim.evidence.note, claim.evidence.start) in shown:
            continue
        found = _by_figure(claim, hits, compared) or _by_name(claim, hits, compared)
        if found is not None:
            best, clash = found
            shown.add((best.passage.note.path, best.passage.start))
            out.append(Disagreement(claim_a=claim, claim_b=_against(claim, best, clash)))
    return tuple(out)


_Rival = tuple[Finding, Conflict]


def _by_figure(
    claim: Claim,
    hits: Sequence[Hit],
    compared: Callable[[str, Sequence[Passage]], Sequence[Finding]],
) -> _Rival | None:
    """What another note says of the same thing with another figure, nearest first."""
    plain = without_markers(claim.text)
    if all(statement.is_setting for statement in statements(plain)):
        return None
    others = [passage for passage in _elsewhere(claim, hits) if rivals(plain, passage.text)]
    near = [found for found in compared(plain, others) if is_same_subject(found)]
    if not near:
        return None
    best = max(near, key=lambda found: (found.rest, found.own))
    quote = best.passage.text
    pair = rivals(plain, quote)
    assert pair is not None, "only passages with a rival figure are compared"
    mine, theirs = (statement.figure for statement in pair)
    said, noted = plain[mine.start : mine.end], quote[theirs.start : theirs.end]
    return best, Conflict(kind="number", said=said, noted=noted, strength=1.0)


def _by_name(
    claim: Claim,
    hits: Sequence[Hit],
    compared: Callable[[str, Sequence[Passage]], Sequence[Finding]],
) -> _Rival | None:
    """What another note says of the same thing with another name or version, best hit first."""
    plain = without_markers(claim.text)
    here = next((p for p in unique(of_hits(hits)) if _stands_in(p, claim)), None)
    for passage in _elsewhere(claim, hits):
        pair = at_odds(plain, passage.text)
        if pair is None or here is None:
            continue
        mine, theirs = pair
        if are_about_one(mine, here.context, theirs, passage.context):
            found = compared(plain, [passage])
            kind = "version" if mine.kind.startswith("version") else "name"
            clash = Conflict(kind=kind, said=mine.value, noted=theirs.value, strength=1.0)
            return (found[0], clash) if found else None
    return None


def _stands_in(passage: Passage, claim: Claim) -> bool:
    there = claim.evidence
    return (
        there is not None
        and passage.note.path == there.note
        and passage.start <= there.start < passage.end
    )


def _elsewhere(claim: Claim, hits: Sequence[Hit]) -> list[Passage]:
    """The sentences of the notes besides the one that the claim rests on."""
    home = claim.evidence.note if claim.evidence else ""
    return unique(of_hits([hit for hit in hits if hit.note.path != home]))


def _against(claim: Claim, best: Finding, clash: Conflict) -> Claim:
    best = replace(best, verdict=Verdict.CONTRADICTED, found=(clash, *best.found))
    quote = best.passage.text
    return Claim(
        text=quote,
        start=0,
        end=len(quote),
        verdict=Verdict.CONTRADICTED,
        score=round(best.score, 3),
        evidence=evidence_of(best.passage),
        reason=reason_for(best, claim.text),
    )
