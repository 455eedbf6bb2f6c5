"""An answer to a comparison whose two sides the notes describe apart: each under its own heading.

Where both sides are told of in the same aspects, what is said of each stands side by side.
Where what was chosen sets the two against each other, it stays. Else each side is looked for by
itself, and what the notes say of it is chosen as for a question about it alone; a side of which
they say nothing is named. Knows questions and selections; not the index. Called by `pipeline`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from assistant.answering import Selection
from assistant.aspects import aspect_of
from assistant.candidates import Candidate, candidates
from assistant.extracts import Extract
from assistant.lexicon import alike
from assistant.sides import Sides, compares, names, sides_of
from assistant.types import Hit
from corpus.text import fold, has_han

__all__ = ["compared"]

_SHOWN = 2  # units of a side
_SUBJECT = 24  # characters in which a unit names what it is about
_LISTED = 6  # items of one list
_PAIRED = 2  # aspects that are set side by side
_SHORT = 16  # characters
_ALONE = 0.6  # so sure must one side be where nothing is told of the other
_ANNOUNCES = re.compile(r"[:：?？][\s*_]*$")
# What begins with a name and says what it is: LoRA 是…; a link to SLURM, a dash and its full name.
_DEFINES = re.compile(
    r"[\s*_`\[\"“>-]{0,6}(?P<name>[^:：,，。;；\n]{1,40}?)(?:\s*[(（][^()（）\n]{1,80}[)）])?[\s*_`\])\"”]{0,4}"
    r"(?:\([^)\s]{1,200}\))?[\s*_`]*(?:是(?!否|不)|指|即|:|：|——|–|\s-\s|\bis\b|\bare\b|\brefers\b)",
)
# A heading that names a thing by its letters: QLoRA, FM2, MHA.
_NAMED = re.compile(r"\b[A-Za-z]*[A-Z]\w*[A-Z0-9]\w*\b", re.ASCII)
_ENDS = re.compile(r"[:：。;；]|——")


@dataclass(frozen=True, slots=True)
class _Found:
    """What the notes say of one side."""

    side: str
    hits: tuple[Hit, ...]
    selection: Selection


def compared(
    question: str,
    selection: Selection,
    search: Callable[[str], Sequence[Hit]],
    select: Callable[[str, Sequence[Hit]], Selection],
) -> tuple[Selection, tuple[Hit, ...]]:
    """What was chosen for a question, or both sides of it under headings.

    Args:
        question: complete in itself.
        selection: what was chosen for it as a whole.
        search: the passages found for a question.
        select: what of some passages answers a question.

    Returns:
        The selection, and the hits it was made from besides those of the question. Questions that
        compare nothing, or in something of which no side is told, keep their selection.
    """
    sides = sides_of(question)
    if sides is None or _is_direct(selection, sides):
        return selection, ()
    if sides.aspect and not selection.extracts:
        return selection, ()  # the sides may be told, but not in this
    first, second = sides.both
    found = [
        _told_of(side, other, sides.aspect, question, search, select)
        for side, other in ((first, second), (second, first))
    ]
    told = [one for one in found if one.selection.extracts]
    if not told or (sides.aspect and len(told) < len(found)):
        return selection, ()
    lacking = tuple(one.side for one in found if not one.selection.extracts)
    if lacking and (selection.extracts or told[0].selection.confidence < _ALONE):
        return selection, ()
    if len({tuple(e.text for e in one.selection.extracts) for one in told}) < len(told):
        return selection, ()  # the same words told of both
    extracts = [
        replace(extract, topic=one.side) for one in told for extract in one.selection.extracts
    ]
    if len(told) == len(found) and not sides.aspect:
        extracts = _paired(found, sides) or extracts
    unknown = tuple(dict.fromkeys((*selection.unknown, *lacking)))
    sure = min(one.selection.confidence for one in told)
    whole = Selection(extracts=tuple(extracts), confidence=sure, unknown=unknown)
    return whole, tuple(hit for one in told for hit in one.hits)


def _told_of(
    side: str,
    other: str,
    aspect: str,
    question: str,
    search: Callable[[str], Sequence[Hit]],
    select: Callable[[str, Sequence[Hit]], Selection],
) -> _Found:
    """What the notes say of one side by itself; only passages that name it count."""
    if has_han(question):
        asked = f"{side} 的{aspect}" if aspect else f"什么是 {side}"
    else:
        asked = f"{aspect} of {side}" if aspect else f"What is {side}?"
    hits = tuple(hit for hit in search(asked) if names(side, f"{_around(hit)} {hit.text}"))
    chosen = select(asked, hits) if hits else Selection(extracts=(), confidence=0.0)
    own = [e for e in chosen.extracts if _tells(e, side, other)]
    alone = [e for e in own if not names(other, e.text)] or own[:1]
    units = candidates(hits)
    shown = _whole_list(alone[0], units) if alone and _leans(alone[0], side) else alone[:_SHOWN]
    if not aspect and shown and not any(_defines(side, e.text) for e in shown):
        best = shown[0].score
        told = (_extract(c, best) for c in units if _defines(side, c.text))
        first = next((e for e in told if _tells(e, side, other) and not names(other, e.text)), None)
        if first is not None:
            shown = [first, *(e for e in shown if e.unit != first.unit and not e.unit.stem)][
                :_SHOWN
            ]
    stems = {e.unit.stem for e in shown if _leans(e, side)}
    shown = [replace(e, is_item=True) if e.unit.stem in stems else e for e in shown]
    return _Found(side, hits, replace(chosen, extracts=tuple(shown)))


def _extract(candidate: Candidate, score: float) -> Extract:
    return Extract(hit=candidate.hit, unit=candidate.unit, score=score)


def _whole_list(first: Extract, units: Sequence[Candidate]) -> list[Extract]:
    """The list that a unit stands in, in order."""
    same = [
        _extract(c, first.score)
        for c in units
        if c.hit.note.path == first.hit.note.path
        and c.unit.stem == first.unit.stem
        and not _ANNOUNCES.search(c.text)
    ]
    return list({e.unit.start: e for e in same}.values())[:_LISTED] or [first]


def _defines(side: str, text: str) -> bool:
    """Whether a unit begins with a thing and says what it is."""
    found = _DEFINES.match(text)
    if found is None or len(text) < _SHORT:
        return False
    name = re.sub(r"[(（\[].*", "", found["name"])
    return fold(name).strip(' *_`"') in {fold(side), *alike(fold(side))}


def _paired(found: Sequence[_Found], sides: Sides) -> list[Extract]:
    """What is said of both sides in the same aspects, side by side, behind what each of them is."""
    told = [_aspects(one, other) for one, other in zip(found, reversed(sides.both), strict=True)]
    shared = [aspect for aspect in told[0] if aspect in told[1]][:_PAIRED]
    if not shared:
        return []
    paired = [
        replace(by[aspect], topic=f"{one.side} · {_label(by[aspect])}")
        for aspect in shared
        for one, by in zip(found, told, strict=True)
    ]
    spans = {(e.hit.note.path, e.unit.start) for e in paired}
    first = [replace(_lead(one), topic=one.side) for one in found]
    first = [e for e in first if (e.hit.note.path, e.unit.start) not in spans]
    return [*first, *paired]


def _lead(one: _Found) -> Extract:
    """What a side is, or else the best that is told of it."""
    told = one.selection.extracts
    return next((e for e in told if _defines(one.side, e.text)), told[0])


def _aspects(one: _Found, other: str) -> dict[str, Extract]:
    """The first unit that tells of one side alone, by the aspect in which it does."""
    out: dict[str, Extract] = {}
    for candidate in candidates(one.hits):
        extract = _extract(candidate, one.selection.confidence)
        aspect = aspect_of(candidate.text, _last_heading(extract))
        governed = _governed(extract)
        if aspect and names(one.side, governed) and not names(other, governed):
            out.setdefault(aspect, extract)
    return out


def _label(extract: Extract) -> str:
    """The words by which a unit names its aspect: those before its colon, or its heading."""
    label = re.split(r"[:：]", extract.text, maxsplit=1)[0]
    return label.strip(" *_`-") if aspect_of(extract.text) else _last_heading(extract)


def _last_heading(extract: Extract) -> str:
    headings = extract.unit.heading or extract.hit.chunk.heading
    return headings[-1] if headings else ""


def _tells(extract: Extract, side: str, other: str) -> bool:
    """Whether a unit says something of the one side, by its words or by what stands above it."""
    text = extract.text.strip()
    if extract.unit.kind in ("code", "formula") or _ANNOUNCES.search(text):
        return False
    if len(text) < _SHORT and (extract.unit.stem is None or names(side, text)):
        return False  # a name alone
    said = _subject(text)
    name = _NAMED.search(_last_heading(extract))
    if name and not names(side, _last_heading(extract)) and not _begins(text, side):
        return False  # under the name of a third thing
    if names(other, said) and not names(side, said):
        return False
    return names(side, _governed(extract))


def _begins(text: str, side: str) -> bool:
    return fold(text).lstrip(' *_`["“>-').startswith(fold(side))


def _leans(extract: Extract, side: str) -> bool:
    """Whether a unit says only under its stem that it is about the side."""
    stem = extract.unit.stem
    if stem is None or names(side, extract.text):
        return False
    return names(side, extract.hit.note.text[slice(*stem)])


def _around(hit: Hit) -> str:
    return " ".join((hit.note.title, *hit.note.aliases, *hit.chunk.heading))


def _governed(extract: Extract) -> str:
    """A unit with what stands right above it: title, last heading, stem."""
    stem = extract.unit.stem
    above = extract.hit.note.text[slice(*stem)] if stem else ""
    headings = extract.unit.heading or extract.hit.chunk.heading
    return " ".join((extract.hit.note.title, *headings[-1:], above, extract.text))


def _is_direct(selection: Selection, sides: Sides) -> bool:
    """Whether what was chosen sets the two against each other, or tells of each of them."""
    told: set[str] = set()
    for extract in selection.extracts:
        if extract.unit.kind == "code":
            continue
        above = ""
        if extract.unit.kind == "row" and extract.unit.stem:
            above = extract.hit.note.text[slice(*extract.unit.stem)]
        named = [side for side in sides.both if names(side, f"{above} {extract.text}")]
        if len(named) == len(sides.both):
            if above or compares(extract.text):
                return True
        elif named and names(named[0], _subject(extract.text)):
            told.add(named[0])
    return told == set(sides.both)


def _subject(text: str) -> str:
    """The first words of a unit, which name what it is about."""
    end = _ENDS.search(text)
    return text[: min(_SUBJECT, end.start() if end else _SUBJECT)]
