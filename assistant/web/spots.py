"""Places a link of the page may open: citations, evidence, nearest notes, hits.

A sheet is what was shown at once (an answer, a result list, a checked text) under an id that
cannot be guessed; only spots of sheets that were shown can be opened, whatever a browser asks
for. `passage` cuts the note by stored offsets and never searches for the quote again.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from assistant.types import Answer, Checked, Citation, Claim, Evidence, Hit, Verdict
from corpus.types import Note

__all__ = [
    "Passage",
    "Sheet",
    "Shown",
    "Spot",
    "ask_href",
    "copy_href",
    "new_sheet_id",
    "note_href",
    "parse_ref",
    "passage",
    "save_href",
    "spot_href",
    "spots_of_answer",
    "spots_of_claims",
    "spots_of_hits",
]

_REF = re.compile(r"(?P<sheet>[0-9a-f]{16})-(?P<key>[a-z]{1,2}\d{1,4})")
_CONTEXT = 1200  # characters of the note shown on either side of the span
_MAX_SHEETS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A span of a note that can be opened, or a verdict that has no span.

    Attributes:
        key: name inside its sheet: `c` citation by marker, `v` claim, `n` nearest note,
            `da`, `db` sides of a disagreement, `h` hit; each with its number.
        note: path of the note; empty when nothing in the notes comes near.
        verdict: set for claims.
        reason: why the verdict, in words.
        claim: text of the claim.
    """

    key: str
    note: str
    title: str = ""
    heading: tuple[str, ...] = ()
    start: int = 0
    end: int = 0
    line: int = 0
    quote: str = ""
    date: str | None = None
    verdict: Verdict | None = None
    reason: str = ""
    claim: str = ""

    @property
    def kind(self) -> str:
        """Its key without the number."""
        return self.key.rstrip("0123456789")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What was shown at once: its spots in order, and its texts to copy."""

    id: str
    spots: tuple[Spot, ...]
    copies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What the panel draws, all of it plain text.

    Attributes:
        where: file and line.
        note: path of the note, empty when it cannot be read whole.
        at: `START-END`, where to open it; empty for its beginning.
        pre: text of the note before the span; empty when the note is gone or has changed.
        hit: the span itself.
        post: text after it.
        state: "" normally, "changed" when the note no longer holds the quote at its place,
            "gone" when the note is no longer indexed, "none" when there is no span.
        place: 1-based place among its kind; 0 alone.
        count: how many there are of its kind.
    """

    title: str = ""
    heading: str = ""
    date: str = ""
    where: str = ""
    note: str = ""
    at: str = ""
    pre: str = ""
    hit: str = ""
    post: str = ""
    state: str = ""
    verdict: str = ""
    reason: str = ""
    claim: str = ""
    previous: str = ""
    next: str = ""
    place: int = 0
    count: int = 0


class Shown:
    """The sheets shown by this process, newest kept, by id."""

    def __init__(self, limit: int = _MAX_SHEETS) -> None:
        self._sheets: OrderedDict[str, Sheet] = OrderedDict()
        self._limit = limit
        self._lock = threading.Lock()

    def add(self, sheet: Sheet) -> None:
        """Make the spots of a sheet openable."""
        with self._lock:
            self._sheets[sheet.id] = sheet
            self._sheets.move_to_end(sheet.id)
            while len(self._sheets) > self._limit:
                self._sheets.popitem(last=False)

    def get(self, sheet_id: str) -> Sheet | None:
        """The sheet, if it was shown and is still kept."""
        with self._lock:
            return self._sheets.get(sheet_id)


def new_sheet_id() -> str:
    """An id that cannot be guessed: 64 random bits in hexadecimal."""
    return secrets.token_hex(8)


def spot_href(sheet_id: str, key: str) -> str:
    """The fragment that opens a spot."""
    return f"#p-{sheet_id}-{key}"


def copy_href(sheet_id: str, number: int) -> str:
    """The fragment that copies a text of a sheet."""
    return f"#y-{sheet_id}-y{number}"


def save_href(sheet_id: str, number: int) -> str:
    """The fragment that saves a text of a sheet as a file."""
    return f"#d-{sheet_id}-y{number}"


def note_href(path: str, start: int = 0, end: int = 0) -> str:
    """The fragment that opens a note to read, at a span of its text unless that is empty."""
    return f"#n-{quote(path, safe='')}" + (f"@{start}-{end}" if end > start else "")


def ask_href(path: str) -> str:
    """The fragment that asks about one note."""
    return f"#q-{quote(path, safe='')}"


def parse_ref(ref: object) -> tuple[str, str] | None:
    """Sheet id and key of a reference sent by a browser; None unless it is well formed."""
    match = _REF.fullmatch(ref) if isinstance(ref, str) else None
    return (match["sheet"], match["key"]) if match else None


def _of_evidence(key: str, evidence: Evidence | None, claim: Claim) -> Spot:
    if evidence is None:
        return Spot(key=key, note="", verdict=claim.verdict, reason=claim.reason, claim=claim.text)
    return Spot(
        key=key,
        note=evidence.note,
        title=evidence.title,
        start=evidence.start,
        end=evidence.end,
        line=evidence.line,
        quote=evidence.quote,
        date=evidence.date,
        verdict=claim.verdict,
        reason=claim.reason,
        claim=claim.text,
    )


def _of_citation(citation: Citation) -> Spot:
    return Spot(
        key=f"c{citation.marker}",
        note=citation.note,
        title=citation.title,
        heading=citation.heading,
        start=citation.start,
        end=citation.end,
        line=citation.line,
        quote=citation.quote,
        date=citation.date,
    )


def _of_hit(key: str, hit: Hit) -> Spot:
    return Spot(
        key=key,
        note=hit.note.path,
        title=hit.note.title,
        heading=hit.chunk.heading,
        start=hit.chunk.start,
        end=hit.chunk.end,
        line=hit.chunk.line,
        quote=hit.text,
        date=hit.note.date,
    )


def spots_of_claims(checked: Answer | Checked) -> tuple[Spot, ...]:
    """One spot per claim, `v0` first, with its deciding evidence."""
    return tuple(
        _of_evidence(f"v{i}", claim.evidence, claim) for i, claim in enumerate(checked.claims)
    )


def spots_of_answer(answer: Answer) -> tuple[Spot, ...]:
    """Citations, claims, both sides of disagreements, and the nearest notes of an abstention."""
    spots = [_of_citation(citation) for citation in answer.citations]
    spots += spots_of_claims(answer)
    for i, pair in enumerate(answer.notes_disagree):
        spots.append(_of_evidence(f"da{i}", pair.claim_a.evidence, pair.claim_a))
        spots.append(_of_evidence(f"db{i}", pair.claim_b.evidence, pair.claim_b))
    if answer.abstained:
        nearest: dict[str, Hit] = {}
        for hit in answer.hits:
            nearest.setdefault(hit.note.path, hit)
        spots += [_of_hit(f"n{i}", hit) for i, hit in enumerate(list(nearest.values())[:3])]
    return tuple(spots)


def spots_of_hits(hits: Sequence[Hit]) -> tuple[Spot, ...]:
    """One spot per hit, `h0` first."""
    return tuple(_of_hit(f"h{i}", hit) for i, hit in enumerate(hits))


def passage(sheet: Sheet, spot: Spot, note: Note | None) -> Passage:
    """The spot with the text around it and its neighbours of the same kind.

    Args:
        sheet: the sheet the spot is on.
        spot: one of `sheet.spots`.
        note: the note as indexed now, None when it is gone.
    """
    kin = [other for other in sheet.spots if other.kind == spot.kind]
    at = kin.index(spot)
    pre = post = state = ""
    where = f"{spot.note}:{spot.line}" if spot.note else ""
    if not spot.note:
        state = "none"
    elif note is None:
        state = "gone"
    elif note.text[spot.start : spot.end] != spot.quote:
        state = "changed"
    else:
        low = _line_start(note.text, max(note.body_start, spot.start - _CONTEXT), spot.start)
        high = _line_end(note.text, min(len(note.text), spot.end + _CONTEXT), spot.end)
        low = min(low, spot.start)
        pre = ("…\n" if low > note.body_start else "") + note.text[low : spot.start]
        post = note.text[spot.end : high] + ("\n…" if high < len(note.text) else "")
        where = f"{note.file}:{note.line_of(spot.start)}"
    return Passage(
        title=spot.title,
        heading=" › ".join(part for part in spot.heading if part != spot.title),  # noqa: RUF001
        date=spot.date or "",
        where=where,
        note=spot.note if note is not None else "",
        at="" if state else f"{spot.start}-{spot.end}",
        pre=pre.lstrip("\n"),
        hit=spot.quote,
        post=post.rstrip(),
        state=state,
        verdict=spot.verdict.value if spot.verdict else "",
        reason=spot.reason,
        claim=spot.claim,
        previous=f"{sheet.id}-{kin[at - 1].key}" if at else "",
        next=f"{sheet.id}-{kin[at + 1].key}" if at + 1 < len(kin) else "",
        place=at + 1,
        count=len(kin),
    )


def _line_start(text: str, low: int, start: int) -> int:
    """`low`, moved to the start of a line if one begins before `start`."""
    if low == 0 or text[low - 1 : low] == "\n":
        return low
    newline = text.find("\n", low, start)
    return newline + 1 if newline >= 0 else low


def _line_end(text: str, high: int, end: int) -> int:
    """`high`, moved to the end of a line if one ends after `end`."""
    if high >= len(text):
        return len(text)
    newline = text.rfind("\n", end, high)
    return newline if newline >= 0 else high
