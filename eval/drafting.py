"""`youju eval make`: questions and claims drafted from notes, for a person to review.

Headings, definitions, lists and numbers give questions whose gold spans are known, because they
were made from them; attributes that no note mentions give questions without an answer; sentences
and altered copies of them give claims. Every draft says `reviewed: false`, and no suite trusts it
before a person has changed that. Knows notes; asks no model by itself: `more` is its place.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError
from corpus.types import Note
from corpus.units import units
from eval import draft_headings, draft_questions
from eval.draft_claims import claims
from eval.draft_rows import Draft, gold_of, made

__all__ = ["FIELDS", "Draft", "counted", "draft", "save"]

_EACH = 3  # drafts of one kind from one note at most
FIELDS = tuple(Draft.__dataclass_fields__)
# Rows for a note by someone else, a chat model for one: type, text, kind, verdict, quote, facts.
More = Callable[[Note], Iterable[Mapping[str, Any]]]
# Lists of work, forms and orders to a program, whose sentences are about no subject.
_AT_WORK = re.compile(
    r"(?:^|[/_-])(?:todo|session|incoming|template|skill|changelog|contributing|test)"
    r"(?:[._-][^/]*)?$",
    re.IGNORECASE,
)
_MAKERS = (
    draft_headings.of_headings,
    draft_questions.of_definitions,
    draft_headings.of_lists,
    draft_questions.of_numbers,
)


def draft(
    found: Iterable[Note], *, limit: int | None = None, seed: int = 7, more: More | None = None
) -> list[Draft]:
    """Drafts over all notes, in the order of the notes.

    Args:
        found: the notes.
        limit: how many at most, drawn at random over notes and kinds; None for all.
        seed: of the draw and of the alterations.
        more: further drafts for a note; one whose `quote` the note does not hold to the letter is
            dropped, so that no gold span is invented.
    """
    notes = list(found)
    texts = [note.text for note in notes]
    small = [text.lower() for text in texts]
    whole = "\n".join(small)

    def naming(name: str) -> list[str]:
        return [text for text, low in zip(texts, small, strict=True) if name.lower() in low]

    rows: dict[tuple[str, str], Draft] = {}
    # in an order of chance, since a model may be shown a few notes only
    order = random.Random(seed).sample(notes, len(notes)) if more is not None else ()
    given = {note.path: [_given(note, row) for row in more(note)] for note in order if more}
    for note in notes:
        if _AT_WORK.search(note.path):
            continue
        for row in _of_note(note, naming, whole, random.Random(f"{seed} {note.path}")):
            rows.setdefault((row.type, row.text), row)
        for one in given.get(note.path, ()):
            if one is not None:
                rows.setdefault((one.type, one.text), one)
    every = list(rows.values())
    if limit is None or limit >= len(every):
        return every
    return [every[n] for n in sorted(random.Random(seed).sample(range(len(every)), limit))]


def _of_note(
    note: Note, naming: Callable[[str], Sequence[str]], whole: str, rng: random.Random
) -> Iterator[Draft]:
    every = units(note, note.body_start, len(note.text))
    for make in _MAKERS:
        for n, row in enumerate(make(note, every)):
            if n == _EACH:
                break
            yield row
    yield from draft_questions.unanswerable(note, every, naming, rng)
    yield from claims(note, every, whole, rng)


def counted(drafts: Sequence[Draft]) -> dict[str, int]:
    """How many drafts of each kind."""
    return dict(Counter(one.kind for one in drafts))


def _given(note: Note, row: Mapping[str, Any]) -> Draft | None:
    """A draft of another maker, if the note holds what it quotes."""
    text, quote = str(row.get("text") or "").strip(), str(row.get("quote") or "")
    answerable = row.get("answerable", True) is not False
    if not text or (answerable and (not quote or quote not in note.text)):
        return None
    start = note.text.find(quote) if quote else 0
    claim = row.get("type") == "claim"
    if claim and row.get("verdict") not in ("supported", "contradicted", "unsupported"):
        return None
    return made(
        note,
        str(row.get("kind") or "model"),
        text,
        type="claim" if claim else "question",
        answerable=None if claim else answerable,
        verdict=str(row["verdict"]) if claim else "",
        gold=gold_of(note, (start, start + len(quote))) if quote and answerable else (),
        facts=tuple(map(str, row.get("facts") or ())),
        drafted_by=str(row.get("drafted_by") or "model"),
    )


def save(drafts: Sequence[Draft], path: Path) -> None:
    """Write the table, JSON Lines or CSV by the ending of the file.

    Raises:
        ConfigError: the file exists, since it may hold someone's review, or cannot be written.
    """
    if path.exists():
        raise ConfigError(f"{path} exists, and may hold a review: name another file with --out")
    rows = [asdict(one) for one in drafts]
    if path.suffix == ".csv":
        buffer = io.StringIO(newline="")
        writer = csv.DictWriter(buffer, FIELDS)
        writer.writeheader()
        for row in rows:
            cells = {
                key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                for key, value in row.items()
            }
            writer.writerow(cells)
        text = "\ufeff" + buffer.getvalue()  # with a mark, or spreadsheets garble Chinese
    else:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as fault:
        raise ConfigError(f"The drafts cannot be written to {path} ({fault.strerror})") from fault
