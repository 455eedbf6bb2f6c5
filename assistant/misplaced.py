"""Figures that a passage does state, but of another thing than the claim does.

`E4M3 reaches 57,344` where the note gives 448 for E4M3 and 57,344 for E5M2; a cell of another
column or row of a table. The words around a figure tell what it is a figure of. Knows a claim and
a passage, not notes. Called by `contrast`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant.conflict import Conflict
from assistant.lexicon import LIGHT
from assistant.magnitudes import states
from assistant.pairing import pair as likeness
from assistant.quantities import Quantity, quantities
from assistant.words import Word, words
from corpus.text import fold, has_han

__all__ = ["misplaced"]

_CLAUSE = re.compile(r"[,，。；;！!？?\n]|(?<=[^\d\s])\.\s")
_SENTENCE = re.compile(r"[。；;！!？?\n]|(?<=[^\d\s])\.\s")
_SAME = 0.85  # likeness of two words that say the same
_SURE = 0.85
_RULE = re.compile(r"\|?[\s:|-]*-[\s:|-]*\|?")
_LETTER = re.compile(r"[^\W_]|[%.](?=\d)")
_YEARS = range(1900, 2101)
_SIZE = re.compile(r"[\d.]+\s?[BM](?![A-Za-z/])")
_ARXIV = re.compile(r"arxiv[:\s]\s?$", re.IGNORECASE)
_OF_NAME = re.compile(r"(?:[A-Za-z][ _-]?|[@:/#.])$")


@dataclass(frozen=True, slots=True)
class _Bound:
    """A figure of a text, and the words that say what it is a figure of.

    Attributes:
        kind: its unit, "year", or "arxiv"; figures of one kind may stand in each other's place.
        near: the words of its own clause; the clauses before may speak of their own things.
    """

    quantity: Quantity
    kind: str
    words: tuple[Word, ...]
    near: frozenset[Word]
    is_formula: bool


def misplaced(claim: str, note: str, context: str = "") -> list[Conflict]:
    """Figures of a claim that the passage gives for another thing, and what it gives for this one.

    Args:
        claim: the statement.
        note: the passage, a sentence or a few.
        context: what stands above it: the head of a table.

    Returns:
        Conflicts of kind "number"; none where the words around a figure tell nothing.
    """
    mine, noted = _bound(claim), _bound(note)
    if not mine or len(noted) < 2:
        return []
    if "|" in note:
        return _in_table(claim, mine, _rows(note, context))
    strict = has_han(claim) != has_han(note)
    given = {one: other for one in mine if (other := _given_for(one, noted, strict=strict))}
    out = []
    for one, other in given.items():
        # the claim may give that figure as well: then both have to have changed places
        twins = [o for o in mine if o is not one and states(other.quantity, o.quantity)]
        if all(o in given and states(given[o].quantity, one.quantity) for o in twins):
            said, there = one.quantity, other.quantity
            out.append(
                Conflict(
                    kind="number",
                    said=claim[said.start : said.end],
                    noted=note[there.start : there.end],
                    strength=_SURE,
                )
            )
    return out


@lru_cache(maxsize=4096)
def _bound(text: str) -> tuple[_Bound, ...]:
    """The figures of a text, each with the words of its own stretch of the text.

    A stretch begins behind the clause of the figure of the same kind before it, and ends with the
    figure's clause, or before the next such figure. Figures that belong to a name are left out.
    """
    found = [(q, _kind(text, q)) for q in quantities(text) if not q.is_weak]
    found = [(q, kind) for q, kind in found if kind != "name"]
    if not found:
        return ()
    breaks = [m.end() for m in _CLAUSE.finditer(text)]
    ends = [m.end() for m in _SENTENCE.finditer(text)]
    every = [w for w in words(text) if w.is_content and w.text not in LIGHT]
    out = []
    for q, kind in found:
        low = max((end for end in ends if end <= q.start), default=0)
        near = max((cut for cut in breaks if cut <= q.start), default=0)
        high = min((cut for cut in breaks if cut > q.end), default=len(text))
        for other, same in found:
            if other is q or same != kind:
                continue
            if other.end <= q.start:
                low = max(low, min((b for b in breaks if other.end <= b <= near), default=low))
            elif q.end <= other.start < high:
                high = other.start
        around = tuple(w for w in every if low <= w.start < high and not _inside(w, q))
        own = frozenset(w for w in around if w.start >= near)
        out.append(_Bound(q, kind, around, own, text.count("$", 0, q.start) % 2 == 1))
    return tuple(out)


def _inside(word: Word, q: Quantity) -> bool:
    return q.start <= word.start < q.end


def _kind(text: str, q: Quantity) -> str:
    """What kind of figure it is; "name" for one that is part of a name or the size of a model.

    `recall@10`, `TLS 1.3`, `第 2 层`, `the 8B model` are names.
    """
    before = text[: q.start]
    if _ARXIV.search(before):
        return "arxiv"
    if q.unit == "年" or (not q.unit and q.value in _YEARS and before[-1:] in {"", " ", "("}):
        return "year"
    if q.unit == "第" or _SIZE.match(text, q.start) or (not q.unit and _OF_NAME.search(before)):
        return "name"
    return q.unit


def _given_for(one: _Bound, noted: Sequence[_Bound], *, strict: bool) -> _Bound | None:
    """Which other figure the passage gives for what the claim gives this one for."""
    stated = [k for k in noted if states(k.quantity, one.quantity)]
    if not stated or not any(_tells(w) for w in one.near):
        return None
    here = [frozenset(w for w in one.words if _holds(k, w)) for k in stated]
    for other in noted:
        if other.kind != one.kind or states(other.quantity, one.quantity) or other.is_formula:
            continue
        there = frozenset(w for w in one.words if _holds(other, w))
        if all(_outdoes(there, held, one.near, strict=strict) for held in here):
            return other
    return None


def _outdoes(
    there: frozenset[Word], here: frozenset[Word], near: frozenset[Word], *, strict: bool
) -> bool:
    """Whether one stretch has the words that tell things apart, and the other lacks them."""
    more, less = there - here, here - there
    if any(_tells(w) for w in less) or len(less) > (0 if strict else 1) or len(there) < 2:
        return False
    return any(_tells(w) for w in more & near)


def _tells(word: Word) -> bool:
    return word.is_name or word.is_number


def _holds(bound: _Bound, word: Word) -> bool:
    return any(
        word.text == other.text or (not word.is_number and likeness(word, other) >= _SAME)
        for other in bound.words
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a table: its cells, and the head of each column, "" where there is none."""

    cells: tuple[str, ...]
    heads: tuple[str, ...]


def _rows(note: str, context: str) -> list[_Row]:
    """The rows of the tables in a passage; none where some line of it is no row."""
    lines = [line.strip() for line in note.splitlines() if line.strip()]
    if not all(line.startswith("|") for line in lines):
        return []
    head: tuple[str, ...] = ()
    for line in context.splitlines():
        if line.lstrip().startswith("|") and not _RULE.fullmatch(line.strip()):
            head = _cells(line)
    out = []
    for i, line in enumerate(lines):
        if _RULE.fullmatch(line):
            continue
        if i + 1 < len(lines) and _RULE.fullmatch(lines[i + 1]):
            head = _cells(line)
            continue
        cells = _cells(line)
        heads = head if len(head) == len(cells) else ("",) * len(cells)
        out.append(_Row(cells, heads))
    return out


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def _in_table(claim: str, mine: Sequence[_Bound], rows: Sequence[_Row]) -> list[Conflict]:
    """Figures of a claim that stand in another column or row than the one it names."""
    out = []
    for one in mine:
        q = one.quantity
        at = [
            (r, c)
            for r, row in enumerate(rows)
            for c, cell in enumerate(row.cells)
            if any(states(k, q) for k in quantities(cell))
        ]
        if not at or any(c == 0 for _, c in at):
            continue
        cuts = [m.end() for m in _CLAUSE.finditer(claim)]
        low = max((cut for cut in cuts if cut <= q.start), default=0)
        high = min((cut for cut in cuts if cut > q.end), default=len(claim))
        found = {_cell_meant(claim[low:high], one, rows, r, c) for r, c in at}
        noted = found.pop() if len(found) == 1 else ""
        if noted and not any(states(k, o.quantity) for k in quantities(noted) for o in mine):
            out.append(
                Conflict(kind="number", said=claim[q.start : q.end], noted=noted, strength=_SURE)
            )
    return out


def _cell_meant(clause: str, one: _Bound, rows: Sequence[_Row], r: int, c: int) -> str:
    """The cell of the column or row that the claim names, where it does not name this one's."""
    row, plain = rows[r], _letters(clause)
    meant = [
        row.cells[k]
        for k, head in enumerate(row.heads)
        if k not in (0, c) and _named(head, plain) and _could_be(row.cells[k], one)
        if not _touched(row.heads[c], clause, head)
    ]
    if len(meant) != 1:
        others = [o for o in rows if o is not row and len(o.cells) == len(row.cells)]
        meant = [
            o.cells[c]
            for o in others
            if _named(o.cells[0], plain) and _could_be(o.cells[c], one)
            if not _touched(row.cells[0], clause, o.cells[0])
        ]
    return meant[0] if len(meant) == 1 else ""


def _could_be(cell: str, one: _Bound) -> bool:
    """Whether a cell holds a figure of the same kind; its unit may stand in the head."""
    return any(k.kind in (one.kind, "") for k in _bound(cell))


def _touched(head: str, clause: str, other: str) -> bool:
    """Whether a clause has a column or row by its name, or by a word that the other one lacks."""
    if not head or _named(head, _letters(clause)):
        return True
    said = {w.text for w in words(clause)} - {w.text for w in words(other)}
    return any(w.text in said for w in words(head) if w.is_content and not w.is_number)


def _letters(text: str) -> str:
    return "".join(_LETTER.findall(fold(text)))


def _named(head: str, plain: str) -> bool:
    """Whether the claim names a column or row, and not a longer name that begins with it."""
    name = _letters(head)
    if not name:
        return False
    ends = r"(?![\d.]*\d)" if name[-1].isdigit() else r"(?![a-z])" if name[-1].isascii() else ""
    begins = r"(?<![\d.])" if name[0].isdigit() else r"(?<![a-z])" if name[0].isascii() else ""
    return re.search(f"{begins}{re.escape(name)}{ends}", plain) is not None
