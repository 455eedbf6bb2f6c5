"""Whether a claim stands in a passage to the letter, by itself or behind the passage's own subject.

A clause of the notes often leaves out what it speaks of: the title, a heading or the words before
name it. A copy that puts this name before the clause says nothing new. Knows texts and passages;
called by `comparing` and `grounding`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from assistant.lexicon import LIGHT
from assistant.passages import Passage, passages_of
from assistant.types import Hit
from assistant.words import Word, words
from corpus.text import fold

__all__ = ["is_copy_of_subject", "is_verbatim", "verbatim_passage", "verbatim_span"]

_LEAST_LETTERS, _LEAST_COPIED, _LEAST_WORDS = 4, 6, 2
_MAX_LEAD, _MAX_NAMED = 8, 3  # words put before a copied clause, and content words among them
_CLAUSE_ENDS = ',，。；;:：!！?？、\n.（(《“"'
_IDLE = frozenset("的了是为也就则会")  # particles and the copula: a clause says the same without
_KEPT = re.compile(r"(?<=\d)\.(?=\d)|(?<![^\W_])-(?=\d)|[^\W_]|[%‰+#<>=≥≤]")


@lru_cache(maxsize=8192)
def _letters(text: str, elided: frozenset[str] = frozenset()) -> str:
    return "".join(c for c in _KEPT.findall(fold(text)) if c not in elided)


def is_verbatim(claim: str, text: str) -> bool:
    """Whether the claim stands in the passage to the letter, and nothing before it denies it."""
    return verbatim_span(claim, text) is not None


def verbatim_span(
    claim: str, text: str, elided: frozenset[str] = frozenset()
) -> tuple[int, int] | None:
    """Where a claim stands in a text to the letter, marks and blanks aside.

    Args:
        claim: the statement.
        text: where it is looked for.
        elided: characters that either may have and the other lack.

    Returns:
        The span, or None: it does not stand there, it is cut out of a longer number, or words
        before it in its clause deny or limit it.
    """
    mine = _letters(claim, elided)
    if len(mine) < _LEAST_LETTERS or not set(mine) <= set(fold(text)):
        return None
    theirs = _letters(text, elided)
    at = theirs.find(mine)
    while at >= 0:
        letters = [m for m in _KEPT.finditer(fold(text)) if m.group() not in elided]
        start, end = letters[at].start(), letters[at + len(mine) - 1].end()
        if _is_whole(text, start, end):
            lead = re.split(r"[,，。；;:：！!？?\n]", text[:start])[-1]
            if not any(w.role in ("negation", "quantifier") for w in words(lead)):
                return start, end
        at = theirs.find(mine, at + 1)
    return None


def verbatim_passage(claim: str, hit: Hit) -> Passage | None:
    """The sentences of a hit in which a claim stands to the letter, or None."""
    span = verbatim_span(claim, hit.text)
    if span is None:
        return None
    start, end = hit.chunk.start + span[0], hit.chunk.start + span[1]
    around = [p for p in passages_of(hit.note, hit.chunk) if p.start < end and start < p.end]
    return Passage(
        note=hit.note,
        chunk=hit.chunk,
        start=min([start, *(p.start for p in around)]),
        end=max([end, *(p.end for p in around)]),
        context=hit.note.title,
    )


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether a span does not begin or end inside a number or its unit: 1.5 in 11.5, 15 in 15T."""
    before = re.search(r"[\d.,]$", text[:start]) is None or not text[start].isdigit()
    last, after = text[end - 1], text[end : end + 2]
    if not last.isdigit():
        return before
    return before and re.match(r"\d|[.,]\d|%|[A-Za-z]", after) is None


_LEADS_ON = re.compile(
    r"(?:[由被把将让给对从向用以按经为]|\b(?:by|of|from|with|to|for|via|using))\s*$", re.IGNORECASE
)


def is_copy_of_subject(claim: str, passage: Passage) -> bool:
    """Whether a claim is a clause of the passage to the letter behind what the clause is about.

    Args:
        claim: the statement.
        passage: a sentence or a few, with title, headings and stem as its context.

    Returns:
        True when the clause stands there up to particles, and the words before it are function
        words and names that the title, a heading or the stem gives, or that the passage itself
        gives before the clause with no other name between.
    """
    text = passage.text
    ours = words(claim)
    if _is_setting(claim, ours, passage):
        return True
    if not _ends_in(claim, ours, text):
        return False
    for i in range(1, min(_MAX_LEAD, len(ours))):
        rest = claim[ours[i].start :]
        if len(_letters(rest, _IDLE)) < _LEAST_COPIED or _telling(ours[i:]) < _LEAST_WORDS:
            return False  # a name alone states nothing
        span = verbatim_span(rest, text, _IDLE)
        if span is None:
            continue
        lead = text[: span[0]].rstrip(" \t*_`")
        if lead and lead[-1] not in _CLAUSE_ENDS:
            return False  # the clause has another subject right before it
        before = ours[:i]
        if any(w.role in ("negation", "quantifier") for w in before):
            return False
        if _LEADS_ON.search(claim[: ours[i].start]):
            return False  # what stands behind it does something to the subject: X 由 Y 发布
        named = [w.text for w in before if w.is_content and w.text not in LIGHT]
        return _names_subject(named, lead, passage)
    return False


def _ends_in(claim: str, ours: Sequence[Word], text: str) -> bool:
    """Whether a text may hold the end of a claim behind one of its first words: the shortest."""
    ends = []
    for i in range(1, min(_MAX_LEAD, len(ours))):
        end = _letters(claim[ours[i].start :], _IDLE)
        if len(end) < _LEAST_COPIED:
            break
        ends.append(end)
    if not ends:
        return False
    shortest = ends[-1]
    return not all(end.endswith(shortest) for end in ends) or shortest in _letters(text, _IDLE)


_SET_TO = re.compile(
    r"(?P<name>[A-Za-z_][\w@.]*)\s*(?:的?(?:默认)?值?)?\s*(?:是|为|取|设为|设成|=|is)\s*(?P<value>-?\d[\d.]*)[。.]?\s*$"
)


def _is_setting(claim: str, ours: Sequence[Word], passage: Passage) -> bool:
    """Whether a claim gives a name the value that the passage sets it to: M 是 16 for `M=16`.

    What it is a setting of has to be named in the passage or above it.
    """
    m = _SET_TO.search(claim)
    if m is None:
        return False
    before = [w for w in ours if w.start < m.start("name")]
    if any(w.role in ("negation", "quantifier") for w in before):
        return False
    text = passage.text
    given = re.findall(rf"(?<![\w.]){re.escape(m['name'])}\s*=\s*(-?\d[\d.]*\d|\d)(?!\w)", text)
    if not given or any(value != m["value"].rstrip(".") for value in given):
        return False
    known = {name for w in words(f"{text}\n{passage.context}") for name in (w.text, *w.known)}
    named = [w.text for w in before if w.is_content and w.text not in LIGHT]
    return 0 < len(named) <= _MAX_NAMED and all(word in known for word in named)


def _telling(found: Sequence[Word]) -> int:
    """How many words carry what is said."""
    return sum(w.is_content and w.text not in LIGHT for w in found)


def _names_subject(named: list[str], lead: str, passage: Passage) -> bool:
    """Whether words name what a clause behind `lead` is about."""
    before = words(lead)
    if not named:
        return False
    if any(w.role in ("negation", "quantifier") for w in before if w.clause == before[-1].clause):
        return False  # the words before may govern the clause as well: not A, B or C
    context = {name for w in words(passage.context) for name in (w.text, *w.known)}
    own_names = [w.text for w in before if w.is_name]
    if own_names and own_names[-1] not in named:
        return False  # the words right before speak of something else
    # a word that is no name reaches only to the next clause: another stage or step may follow
    near = [w for w in before if w.is_name or w.clause == before[-1].clause]
    known = context | {name for w in near for name in (w.text, *w.known)}
    # the sentence before names the subject only of a clause with no words of its own before it
    if not before and not any(w.is_name for w in words(passage.text)):
        known |= {name for w in words(passage.before) for name in (w.text, *w.known)}
    return 0 < len(named) <= _MAX_NAMED and all(word in known for word in named)
