"""The golden sets of this project: questions and claims with what is right about them.

Reads `eval/golden/*.jsonl` and says which notes each set is about. Knows files, not scores.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from assistant.config import sample_notes
from corpus.errors import ConfigError
from corpus.text import fold

__all__ = [
    "GoldClaim",
    "GoldQuestion",
    "GoldSpan",
    "claims",
    "claims_file",
    "contains",
    "file_of",
    "notes_of",
    "questions",
]

_VAULTS = frozenset({"studies", "self-llm", "ml-engineering"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldSpan:
    """Where the notes say it; `end` 0 for a whole note."""

    note: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldQuestion:
    """A question, what a right answer contains, and where it stands.

    Attributes:
        facts: each a tuple of alternatives, one of which must be in the answer.
        gold: spans that answer it; empty for a question that the notes do not answer.
    """

    id: str
    question: str
    kind: str
    split: str
    answerable: bool
    facts: tuple[tuple[str, ...], ...]
    gold: tuple[GoldSpan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldClaim:
    """A claim with its verdict; `gold` is the evidence where the set names it."""

    id: str
    claim: str
    kind: str
    split: str
    verdict: str
    gold: tuple[GoldSpan, ...]


def file_of(name: str) -> Traversable:
    """The committed file of a golden set, by its name without ending."""
    return files("eval").joinpath(f"golden/{name}.jsonl")


def claims_file(name: str) -> str:
    """Which file holds the claims of a set, without ending."""
    if name in ("feed", "feed2"):
        return f"{name}_claims"
    if name.startswith("forms-"):
        return "forms_claims"
    return "train_claims" if name.startswith("train-") else "claims"


def _rows(name: str) -> list[dict[str, Any]]:
    text = file_of(name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _feed_span(row: dict[str, Any]) -> tuple[GoldSpan, ...]:
    return (GoldSpan(note=f"notes-feed.txt#L{row['line']}"),) if row.get("line") else ()


def _spans(row: dict[str, Any], key: str) -> tuple[GoldSpan, ...]:
    if "line" in row:
        return _feed_span(row)
    return tuple(GoldSpan(note=g["note"], start=g["start"], end=g["end"]) for g in row.get(key, []))


def questions(name: str, split: str) -> list[GoldQuestion]:
    """The questions of a set, of one split or of "all".

    Args:
        name: "feed", "feed2" (kept to judge), "sample", "vault", or "train-" with "feed",
            "samples", "notes", "restated" (claims only) or "vault".
        split: "dev", "test" or "all".
    """
    file, _, corpus = name.partition("-")
    return [
        GoldQuestion(
            id=row["id"],
            question=row["question"],
            kind=row["kind"] if row["answerable"] else "unanswerable",
            split=row["split"],
            answerable=row["answerable"],
            facts=tuple(tuple(f) if isinstance(f, list) else (f,) for f in row["facts"]),
            gold=_spans(row, "gold") if row["answerable"] else (),
        )
        for row in _rows(f"{file}_questions")
        if split in ("all", row["split"]) and (not corpus or row["corpus"] == corpus)
    ]


def claims(name: str, split: str) -> list[GoldClaim]:
    """The claims about a set of notes, of one split or of "all".

    Args:
        name: "feed", "feed2" (kept to judge), "sample", a vault, "forms-samples" or "forms-notes"
            (the same in another form, parts, derived figures), or "train-" with "feed",
            "samples", "notes", "restated" (claims only) or "vault".
        split: "dev", "test" or "all".
    """
    rows, corpus = _rows(claims_file(name)), name.removeprefix("train-").removeprefix("forms-")
    if name in ("feed", "feed2"):
        corpus = ""
    elif name == "sample":
        corpus = "samples"
    return [
        GoldClaim(
            id=row["id"],
            claim=row["claim"],
            kind=row["kind"],
            split=row["split"],
            verdict=row["verdict"],
            gold=_spans(row, "evidence"),
        )
        for row in rows
        if split in ("all", row["split"]) and (not corpus or row["corpus"] == corpus)
    ]


def notes_of(name: str, data: Path | None) -> Path:
    """The notes a set is about.

    Args:
        name: of the set.
        data: for the feed, its file; for a vault, the unpacked folder of vaults.

    Raises:
        ConfigError: the notes are not in the repository and `data` does not hold them.
    """
    if name in ("sample", "train-samples", "forms-samples"):
        return sample_notes()
    if name in ("train-notes", "train-restated", "forms-notes"):
        return Path(str(files("eval").joinpath(f"golden/{name.partition('-')[2]}")))
    if data is None or not data.exists():
        raise ConfigError(
            f"The notes of the set {name!r} are not in this repository: name them with --data"
        )
    if name in _VAULTS and (data / name).is_dir():
        return data / name
    return data


def contains(text: str, fact: tuple[str, ...]) -> bool:
    """Whether a text holds one of the alternatives, marks and blanks aside."""
    plain = _plain(text)
    return any(_plain(option) in plain for option in fact)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", fold(text))
