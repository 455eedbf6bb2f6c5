"""Claims of several parts: what each part says by itself, and what they say of the whole.

A part is a stretch of the claim; one that leaves out its subject (`A 支持甲,也支持乙`) is judged
behind the subject of the part before it. Knows claims and findings; the parts are judged by
`grounding`, which calls this.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from assistant.claims import pieces_of, standalone_parts
from assistant.comparing import Finding
from assistant.lexicon import LIGHT
from assistant.types import Verdict
from assistant.words import words
from corpus.text import has_han

__all__ = ["Part", "changed_part", "lacks_clause", "lacks_part", "of_parts", "parts_of"]

_GOES_ON = re.compile(r"\s*(?:并且?|而且|同时|以及)?(?:也|还|又|都|并|且)(?=[\u4e00-\u9fff])")
_LINK = re.compile(
    r"\s*(?:(?:并且|而且|而|且|同时|以及|但是?|不过)(?=[\u4e00-\u9fff\w])|(?:and|but|while|whereas)\s+(?:also\s+)?)",
    re.IGNORECASE,
)
_ALSO = re.compile(r"\s*(?:并|也|还|又|都)*")
_VERB_ZH = (
    "是|为|由|将|可以|可|能|会|需要?|没有|有|基于|采用|使用|支持|属于|包含|包括|要|提供|提高|降低|增加|减少|"
    "负责|适合|依赖|来自|只|在|用"
)
_VERB_EN = (
    "is|are|was|were|has|have|had|can|cannot|must|will|does|do|did|needs?|uses?|takes?|supports?|gives?|"
    "makes?|runs?|costs?|contains?|includes?|requires?|provides?|keeps?|stores?|reads?|writes?"
)
_OPENS_ZH = re.compile(
    rf"\s*(?P<subject>[A-Za-z][\w.+/-]*(?:\s[A-Z\d][\w.+/-]*)*(?!\s?[\w的])|[^,，。；;、\s的了][^,，。；;、的了]{{0,19}}?(?=\s*(?:{_VERB_ZH})))"
)
_VERB_FIRST_ZH = re.compile(rf"\s*(?:并|也|还|又|都)*(?:{_VERB_ZH})")
_SAYS_EN = re.compile(
    rf"(?:(?:{_VERB_EN})\b|[a-z]{{3,}}(?:ed|s)(?=\s+(?:an?|the|its|their|no|all|\d)\b))",
    re.IGNORECASE,
)
_OPENS_EN = re.compile(rf"\s*(?P<subject>[^,;:]{{1,40}}?)\s+(?={_SAYS_EN.pattern})", re.IGNORECASE)
_AND = re.compile(r"\s+and\s+(?:also\s+)?", re.IGNORECASE)
_MOST = 0.6  # of the words of a clause
_LOST = 2  # words of a part that a passage lacks before the part is judged by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a claim.

    Attributes:
        shown: a stretch of the claim, to the letter.
        said: what it states with its subject; `shown` where it has one of its own.
    """

    shown: str
    said: str


def parts_of(claim: str) -> tuple[Part, ...]:
    """The parts of a compound claim, in order; one for a claim that is none.

    Args:
        claim: one sentence, without markers.

    Returns:
        Parts that each state something; conditions stay with what they govern.
    """
    out: list[Part] = []
    subject = ""
    for clause in standalone_parts(claim):
        zh = has_han(clause)
        for shown in _clauses(clause, zh=zh):
            link = _LINK.match(shown)
            shown = shown[link.end() if link else 0 :].strip(" ,，。.;；")
            if not shown:
                continue
            opens = (_OPENS_ZH if zh else _OPENS_EN).match(shown)
            lacks = (_VERB_FIRST_ZH if zh else _SAYS_EN).match(shown) is not None
            if lacks and subject:
                rest = shown[_ALSO.match(shown).end() :]  # type: ignore[union-attr]
                out.append(Part(shown=shown, said=f"{subject}{'' if zh else ' '}{rest}"))
                continue
            subject = opens["subject"] if opens else ""
            out.append(Part(shown=shown, said=shown))
    return tuple(out) if len(out) > 1 else (Part(shown=claim, said=claim),)


def _clauses(clause: str, *, zh: bool) -> list[str]:
    """The predicates of a clause of one subject, where each but the first says that it is one."""
    spans = pieces_of(clause) if zh else _predicates(clause)
    pieces = [clause[start:end] for start, end in spans]
    more = pieces[1:]
    if not zh or (more and all(_GOES_ON.match(piece) for piece in more)):
        return pieces
    return [clause]


def _predicates(clause: str) -> list[tuple[int, int]]:
    """Spans of `A does this` and `and does that`; the latter begins with its `and`."""
    cuts = [m.start() for m in _AND.finditer(clause) if _SAYS_EN.match(clause, m.end())]
    ends = [0, *cuts, len(clause)]
    return [(a, b) for a, b in pairwise(ends) if b > a]


def of_parts(whole: Finding, parts: Sequence[Part], found: Sequence[Finding | None]) -> Finding:
    """What the parts say of a claim that no passage supports as a whole.

    Args:
        whole: what was found for the claim as a whole.
        parts: at least two.
        found: what was found for each; None where nothing comes near.

    Returns:
        The weakest of the parts if all are supported apart and none rests on the subject of
        another. A claim with a changed part is contradicted, one with an absent part is not in the
        notes; which part it is, and which ones are there, the finding says.
    """
    verdicts = [Verdict.UNSUPPORTED if f is None else f.verdict for f in found]
    known = [p.shown for p, v in zip(parts, verdicts, strict=True) if v is Verdict.SUPPORTED]
    if len(known) == len(parts):
        own = all(p.shown == p.said for p in parts)
        is_open = whole.verdict is not Verdict.CONTRADICTED or not (whole.found or whole.sum)
        if not (own and is_open):
            return whole
        return replace(min((f for f in found if f), key=lambda f: f.score), is_verbatim=False)
    if not known:
        return whole
    kept = "；".join(known) if has_han(known[0]) else "; ".join(known)
    for part, one in zip(parts, found, strict=True):
        # a part alone may meet what the note says of another one: only a figure worked out is sure
        if one is not None and one.verdict is Verdict.CONTRADICTED and one.sum:
            return replace(one, part=part.shown, kept=kept)
    if Verdict.UNSUPPORTED not in verdicts:
        return whole
    at = verdicts.index(Verdict.UNSUPPORTED)
    lost = found[at] or whole
    return replace(
        whole,
        verdict=Verdict.UNSUPPORTED,
        score=min(whole.score, lost.score),
        part=parts[at].shown,
        kept=kept,
        words=lost.words,
    )


def changed_part(whole: Finding, parts: Sequence[Part]) -> Finding:
    """A contradicted claim with the part in which it differs, where one part holds all of it."""
    said = whole.found[0].said if whole.found else ""
    return replace(whole, part=next((p.shown for p in parts if said and said in p.shown), ""))


def lacks_part(whole: Finding, parts: Sequence[Part]) -> bool:
    """Whether a passage that supports a claim has next to nothing of one of its parts."""
    if whole.is_verbatim or len(parts) < 2:
        return False
    return any(sum(word in p.shown for word in whole.words) >= _LOST for p in parts)


def lacks_clause(claim: str, whole: Finding) -> bool:
    """Whether a passage that supports a claim has most words of one of its clauses not at all.

    What is added to a true statement behind a comma is no paraphrase, however much is true.

    Args:
        claim: of several clauses; false for one of a single clause.
        whole: what decides of it.
    """
    if whole.is_verbatim:
        return False
    content: dict[int, list[str]] = {}
    for w in words(claim):
        if w.is_content and w.text not in LIGHT:
            content.setdefault(w.clause, []).append(claim[w.start : w.end])
    missing = {*whole.words, *whole.names}
    return len(content) > 1 and any(
        (lost := sum(word in missing for word in said)) >= _LOST and lost >= _MOST * len(said)
        for said in content.values()
    )
