"""Find the gold spans of the sample questions again after a note was edited.

    python -m eval.golden.relocate

A span is its quote: offsets follow the quote through an edit, and where a note says it several
times, the occurrence nearest to the old place is meant. Punctuation that only changed its width
(`,` and `，`) is still the same quote; quote and facts are then brought up to date. A quote that
is gone, or a note that is, needs a person: it is listed, its line stays as it was, and the exit
status is 1.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from corpus.readers import Vault

__all__ = [
    "GOLDEN",
    "SAMPLES",
    "holds",
    "locate",
    "notes_in",
    "parts_of",
    "read_jsonl",
    "relocate",
    "split_of",
    "write_jsonl",
]

GOLDEN = Path(__file__).resolve().parent
SAMPLES = GOLDEN.parent.parent / "corpus" / "samples"
WITH_QUOTES = ("sample_questions.jsonl", "dialogues.jsonl")
_NARROW = str.maketrans("，：；！？（）～＝％＋", ",:;!?()~=%+")


def split_of(name: str) -> Literal["dev", "test"]:
    """Split of a note by its path: the parity of the first byte of the path's SHA-256."""
    return "dev" if hashlib.sha256(name.encode("utf-8")).digest()[0] % 2 == 0 else "test"


def locate(text: str, quote: str, near: int) -> tuple[int, int] | None:
    """Half-open span of the occurrence of `quote` nearest to offset `near`, or None.

    An exact occurrence goes before one whose punctuation has another width. Occurrences may
    overlap; of two equally near ones the earlier is taken.
    """
    if not quote:
        return None
    at = _nearest(text, quote, near)
    if at is None:
        at = _nearest(text.translate(_NARROW), quote.translate(_NARROW), near)
    return None if at is None else (at, at + len(quote))


def _nearest(text: str, quote: str, near: int) -> int | None:
    best: int | None = None
    at = text.find(quote)
    while at >= 0:
        if best is None or abs(at - near) < abs(best - near):
            best = at
        at = text.find(quote, at + 1)
    return best


def notes_in(folder: Path) -> dict[str, str]:
    """Text of every note of a vault by its path, as `corpus.readers.Vault` reads it."""
    vault = Vault(folder)
    return {note.path: note.text for file in vault.files() for note in vault.read(file)}


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Objects of a file with one JSON object a line, in order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line]


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write one JSON object a line, in UTF-8, keys in the order they have."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8", newline="\n")


def parts_of(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What has gold and facts: the question itself, or every turn of a dialogue."""
    return list(row.get("turns", [row]))


def relocate(rows: list[dict[str, Any]], notes: Mapping[str, str]) -> tuple[int, list[str]]:
    """Set offsets, quotes and facts of all rows in place.

    Returns:
        How many spans changed, and a line for a person for each quote or fact that is gone.
    """
    changed, lost = 0, []
    for row in rows:
        for part in parts_of(row):
            for gold in part["gold"]:
                text = notes.get(gold["note"], "")
                span = locate(text, gold["quote"], gold["start"])
                if span is None:
                    lost.append(f"{row['id']}: {gold['note']} has no {gold['quote'][:60]!r}")
                    continue
                new = {"start": span[0], "end": span[1], "quote": text[span[0] : span[1]]}
                changed += any(gold[key] != value for key, value in new.items())
                gold.update(new)
            quotes = "\n".join(gold["quote"] for gold in part["gold"])
            part["facts"] = [_as_said(fact, quotes) for fact in part["facts"]]
            lost += [f"{row['id']}: no gold span says {fact!r}"
                     for fact in part["facts"] if not holds(quotes, fact)]  # fmt: skip
    return changed, lost


def holds(text: str, fact: str | list[str]) -> bool:
    """Whether a fact, or one of its alternatives, stands in the text as it is written."""
    return any(one in text for one in ([fact] if isinstance(fact, str) else fact))


def _as_said(fact: str | list[str], quotes: str) -> str | list[str]:
    """The fact in the punctuation of the quotes, where that is all that differs."""
    if isinstance(fact, list):
        return [str(_as_said(one, quotes)) for one in fact]
    span = locate(quotes, fact, 0)
    return fact if span is None else quotes[span[0] : span[1]]


def main() -> int:
    """Relocate both files over the sample notes; 1 if a quote or a fact was lost, else 0."""
    notes, failed = notes_in(SAMPLES), False
    for name in WITH_QUOTES:
        rows = read_jsonl(GOLDEN / name)
        changed, lost = relocate(rows, notes)
        write_jsonl(GOLDEN / name, rows)
        print(f"{name}: {changed} spans changed, {len(lost)} lost", *lost, sep="\n  ")
        failed = failed or bool(lost)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
