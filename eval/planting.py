"""Claims planted over a person's own notes, true and false, to see what the check makes of them.

Statements of the notes in other words of the thesaurus are true; with another figure, denied, given
to another thing, or with the statement itself withheld they are not. Nobody has judged them: a word
of the thesaurus may not fit its sentence, and people word claims more freely than this. Knows
notes; does not know the check. Called by `calibrating`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from assistant.claims import claims_of
from assistant.lexicon import LIGHT, alike, opposites
from assistant.words import words
from corpus.text import has_han
from corpus.tokens import stem
from corpus.types import Note, Unit
from corpus.units import units
from eval.draft_claims import denied, other_number
from eval.draft_questions import defined, figures
from eval.draft_rows import statement

__all__ = ["Planted", "plant"]

_SHORTEST, _LONGEST = 10, 160  # characters of a statement
_SWAPS = 2  # words exchanged in one statement
_EACH = 4  # claims of one kind from one note at most
_SAYS = re.compile(r"是一种|是一类|是一个|是指|指的是|是|\bis (?:an?|the)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A planted claim.

    Attributes:
        claim: as a person might write it.
        kind: "reworded", "definition", "number", "denied", "exchanged", "withheld".
        is_true: whether the notes support it.
        note: path of the note whose statement it was made of.
        start: where that statement begins.
        end: where it ends.
    """

    claim: str
    kind: str
    is_true: bool
    note: str
    start: int
    end: int

    @property
    def is_withheld(self) -> bool:
        """Whether the statement may not be evidence: the claim is to be judged without it."""
        return self.kind == "withheld"


def plant(notes: Sequence[Note], *, limit: int, seed: int = 7) -> list[Planted]:
    """Claims over notes, half of them true, kinds in turn.

    Args:
        notes: of one vault.
        limit: how many at most.
        seed: of every draw; the same notes and seed give the same claims.
    """
    rng = random.Random(seed)
    small = "\n".join(note.text for note in notes).lower()
    by_kind: dict[str, list[Planted]] = {}
    definitions: list[tuple[Planted, str, str, str]] = []
    for note in notes:
        every = units(note, note.body_start, len(note.text))
        for make in (_reworded, _numbers, _denials):
            made = list(make(note, every, rng))
            for one in rng.sample(made, min(_EACH, len(made))):
                by_kind.setdefault(one.kind, []).append(one)
        definitions += _definitions(note, every)
    by_kind["definition"] = [one for one, *_ in definitions]
    by_kind["exchanged"] = list(_exchanged(definitions, rng))
    reworded = by_kind.pop("reworded", [])
    rng.shuffle(reworded)
    half = len(reworded) // 2
    by_kind["reworded"] = reworded[:half]
    by_kind["withheld"] = [replace(p, kind="withheld", is_true=False) for p in reworded[half:]]
    sound = {
        kind: _sound(rows, small if kind in _FALSE else "", rng) for kind, rows in by_kind.items()
    }
    true = _in_turn([sound.get(kind, []) for kind in _TRUE], limit - limit // 2)
    false = _in_turn([sound.get(kind, []) for kind in _FALSE], limit // 2)
    return [*true, *false]


_TRUE = ("reworded", "definition")
_FALSE = ("number", "denied", "exchanged", "withheld")


def _sound(rows: Sequence[Planted], small: str, rng: random.Random) -> list[Planted]:
    """Each claim once, in an order of chance; without what the notes hold to the letter."""
    once = {row.claim: row for row in rows}
    kept = [r for r in once.values() if claims_of(r.claim) and r.claim.lower() not in small]
    rng.shuffle(kept)
    return kept


def _in_turn(rows: Sequence[Sequence[Planted]], limit: int) -> list[Planted]:
    """One of each kind after the other, up to a limit."""
    return [one for turn in zip_longest(*rows) for one in turn if one is not None][:limit]


def _statements(note: Note, every: Sequence[Unit]) -> Iterator[tuple[Unit, str]]:
    for unit in every:
        if unit.kind not in ("paragraph", "item"):
            continue
        said = statement(note.text[unit.start : unit.end])
        if said and _SHORTEST <= len(said) <= _LONGEST:
            yield unit, said


def _planted(note: Note, unit: Unit, claim: str, kind: str, *, is_true: bool) -> Planted:
    return Planted(
        claim=claim, kind=kind, is_true=is_true, note=note.path, start=unit.start, end=unit.end
    )


def _reworded(note: Note, every: Sequence[Unit], rng: random.Random) -> Iterator[Planted]:
    for unit, said in _statements(note, every):
        other = _in_other_words(said, rng)
        if other:
            yield _planted(note, unit, other, "reworded", is_true=True)


def _numbers(note: Note, every: Sequence[Unit], rng: random.Random) -> Iterator[Planted]:
    for unit, said, figure in figures(note, every):
        other = other_number(said, figure, rng)
        if other and len(said) <= _LONGEST:
            yield _planted(
                note, unit, _in_other_words(other, rng) or other, "number", is_true=False
            )


def _denials(note: Note, every: Sequence[Unit], rng: random.Random) -> Iterator[Planted]:
    for unit, said in _statements(note, every):
        other = denied(said)
        if other:
            yield _planted(
                note, unit, _in_other_words(other, rng) or other, "denied", is_true=False
            )


def _in_other_words(said: str, rng: random.Random) -> str:
    """A statement with one or two words exchanged for others that may stand for them; "" if none.

    Figures, names, negations and scopes stay, and no word is exchanged for its opposite.
    """
    choices = []
    for word in words(said):
        least = 2 if has_han(word.text) else 4
        if not word.is_content or word.is_name or word.is_number or len(word.text) < least:
            continue
        if word.text in LIGHT:
            continue
        zh, against = has_han(word.text), opposites(word.text)
        kin = sorted(
            other
            for other in alike(word.text) - against
            if has_han(other) == zh and len(other) >= least and other not in said.lower()
            and (zh or (other.isalpha() and stem(other) == other))
        )  # fmt: skip
        if kin:
            choices.append((word, kin))
    if not choices:
        return ""
    chosen = sorted(rng.sample(choices, min(_SWAPS, len(choices))), key=lambda pair: -pair[0].start)
    for word, kin in chosen:
        said = f"{said[: word.start]}{rng.choice(kin)}{said[word.end :]}"
    return said


def _definitions(note: Note, every: Sequence[Unit]) -> Iterator[tuple[Planted, str, str, str]]:
    """What a thing is, as the first clause of its definition says; with name, verb and the rest."""
    for unit, name in defined(note, every):
        said = statement(note.text[unit.start : unit.end]) or ""
        verb = _SAYS.search(said)
        if verb is None or verb.start() > len(name) + 40:
            continue
        rest = re.split(r"[,，;；。:：(（]|\.\s", said[verb.end() :])[0].strip()
        if len(rest) >= _SHORTEST // 2:
            claim = _defined(name, verb[0], rest)
            yield _planted(note, unit, claim, "definition", is_true=True), name, verb[0], rest


def _defined(name: str, verb: str, rest: str) -> str:
    return f"{name} {verb} {rest}." if verb.isascii() else f"{name}{verb}{rest}。"


def _exchanged(
    found: Sequence[tuple[Planted, str, str, str]], rng: random.Random
) -> Iterator[Planted]:
    """What is X, answered with what the notes say of another thing."""
    for one, name, verb, rest in found:
        others = [
            other for other in found
            if other[2].isascii() == verb.isascii() and other[1] != name
            and other[0].note != one.note and name not in other[3] and other[1] not in rest
        ]  # fmt: skip
        if others:
            _, _, verb, rest = rng.choice(others)
            yield replace(one, claim=_defined(name, verb, rest), kind="exchanged", is_true=False)
