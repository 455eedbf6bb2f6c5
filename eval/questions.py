"""Questions with what is known of them: the golden sets, or a person's own file.

A file has one JSON object a line: `question`, and, where known, `id`, `kind`, `lang`, `split`,
`history` (questions before it), `answerable`, `facts` (strings, or lists of alternatives; or one
short `answer`, or `answers` that are alternatives), `gold`
(`note` with `start` and `end`, or with the `quote`), `reviewed` (see `assistant.reviews`). Knows
files, not scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant.reviews import Decision, decision_of
from corpus.errors import ConfigError
from corpus.protocol import Index
from corpus.text import has_han
from eval import goldens
from eval.goldens import GoldClaim, GoldSpan
from eval.records import read_rows
from eval.verdicts import LABELS

__all__ = ["Asked", "Left", "claims_of_file", "of_file", "of_golden", "placed"]

_SHORT = 40  # characters of an answer that a right one holds to the letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, and what is known of its answer.

    Attributes:
        answerable: None where nobody said.
        quotes: (note or "", quoted text) of evidence whose place is still to be found.
    """

    id: str
    question: str
    kind: str = ""
    lang: str = ""
    history: tuple[str, ...] = ()
    answerable: bool | None = None
    facts: tuple[tuple[str, ...], ...] = ()
    gold: tuple[GoldSpan, ...] = ()
    quotes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Rows of a file that a run does not look at, or should not trust.

    Attributes:
        unreviewed: drafts nobody has decided on; left out unless they were asked for.
        rejected: drafts a person rejected; always left out.
    """

    unreviewed: int = 0
    rejected: int = 0


def of_golden(name: str, split: str) -> list[Asked]:
    """The questions of a golden set.

    Raises:
        ConfigError: there is no such set.
    """
    try:
        found = goldens.questions(name, split)
    except FileNotFoundError:
        raise ConfigError(
            f"There is no set {name!r}: name sample, feed, feed2, vault, a file of questions, or a"
            " public set (youju eval sets lists them)"
        ) from None
    return [
        Asked(
            id=gold.id,
            question=gold.question,
            kind=gold.kind,
            lang="zh" if has_han(gold.question) else "en",
            answerable=gold.answerable,
            facts=gold.facts,
            gold=gold.gold,
        )
        for gold in found
    ]


def of_file(path: Path, split: str, *, unreviewed: bool = False) -> tuple[list[Asked], Left]:
    """The questions of a person's file; of one split where it names splits.

    Args:
        path: of the file.
        split: "dev", "test" or "all".
        unreviewed: whether drafts that nobody decided on are taken, too.

    Raises:
        ConfigError: a row has no question, or there is none that may be used.
    """
    rows, left = _chosen(path, split, "question", unreviewed=unreviewed)
    return [_asked(path, n, row) for n, row in rows], left


def _chosen(
    path: Path, split: str, kind: str, *, unreviewed: bool
) -> tuple[list[tuple[int, Mapping[str, Any]]], Left]:
    """The numbered rows of one type and split that may be used, and how many may not."""
    held: dict[Decision, list[tuple[int, Mapping[str, Any]]]] = {d: [] for d in Decision}
    n = 0
    for n, row in enumerate(read_rows(path), 1):
        of_split = split == "all" or str(row.get("split") or split) == split
        if row.get("type", kind) == kind and of_split:
            held[decision_of(row)].append((n, row))
    n_open, n_rejected = len(held[Decision.OPEN]), len(held[Decision.REJECTED])
    rows = held[Decision.ACCEPTED] + (held[Decision.OPEN] if unreviewed else [])
    if not n:
        raise ConfigError(f"{path} is empty: one JSON object a line is wanted, with `{kind}`")
    if not rows and n_open:
        raise ConfigError(
            f"{n_open} {kind}s in {path} are not reviewed: look at them and set reviewed to true or"
            " rejected, there or in the Evaluate tab of `youju chat`, or evaluate on drafts with"
            " --unreviewed"
        )
    if not rows:
        rejected = f" ({n_rejected} are rejected)" if n_rejected else ""
        raise ConfigError(
            f"{path} holds no {kind}s of this split{rejected}; --split all takes every one"
        )
    return sorted(rows, key=lambda pair: pair[0]), Left(unreviewed=n_open, rejected=n_rejected)


def _short(row: Mapping[str, Any]) -> list[list[str]]:
    """The fact of a row that names short answers, as sets of questions do; none for a passage."""
    found = row.get("answers") or row.get("answer")
    listed = found if isinstance(found, list) else [found]
    kept = [one.strip() for one in listed if isinstance(one, str) and one.strip()]
    return [kept] if kept and all(len(one) <= _SHORT for one in kept) else []


def _asked(path: Path, n: int, row: Mapping[str, Any]) -> Asked:
    question = row.get("question") or row.get("user_input") or row.get("text")
    if not isinstance(question, str) or not question.strip():
        raise ConfigError(f"{path}, row {n} has no question")
    facts = row.get("facts") or _short(row)
    spans, quotes = [], []
    for gold in row.get("gold") or []:
        if not isinstance(gold, Mapping):
            raise ConfigError(f"{path}, row {n}: gold is no object: {str(gold)[:60]!r}")
        if gold.get("quote"):  # the words count: a note that was edited has moved them
            quotes.append((str(gold.get("note") or ""), str(gold["quote"])))
        elif "end" in gold:
            try:
                start, end = int(gold["start"]), int(gold["end"])
            except (KeyError, TypeError, ValueError):
                raise ConfigError(
                    f"{path}, row {n}: gold wants numbers as start and end, or a quote:"
                    f" {str(dict(gold))[:80]}"
                ) from None
            spans.append(GoldSpan(note=str(gold.get("note") or ""), start=start, end=end))
        else:
            spans.append(GoldSpan(note=str(gold.get("note") or "")))
    answerable = row.get("answerable")
    return Asked(
        id=str(row.get("id") or n),
        question=question.strip(),
        kind=str(row.get("kind") or ""),
        lang=str(row.get("lang") or ("zh" if has_han(question) else "en")),
        history=tuple(map(str, row.get("history") or ())),
        answerable=bool(answerable)
        if answerable is not None
        else (True if spans or quotes or facts else None),
        facts=tuple(tuple(map(str, f)) if isinstance(f, list) else (str(f),) for f in facts),
        gold=tuple(spans),
        quotes=tuple(quotes),
    )


def claims_of_file(
    path: Path, split: str, *, unreviewed: bool = False
) -> tuple[list[GoldClaim], Left]:
    """The claims of a person's file: rows with `claim` (or `text`) and `verdict`.

    Raises:
        ConfigError: as `of_file`, or a verdict is none of the three.
    """
    found = []
    rows, left = _chosen(path, split, "claim", unreviewed=unreviewed)
    for n, row in rows:
        text, verdict = row.get("claim") or row.get("text"), str(row.get("verdict") or "")
        if not isinstance(text, str) or verdict not in LABELS:
            raise ConfigError(
                f"{path}, row {n}: a claim has its words and a verdict, one of {', '.join(LABELS)};"
                " an answer of another system has its `contexts`"
            )
        spans = [
            GoldSpan(note=str(g["note"]), start=int(g.get("start", 0)), end=int(g.get("end", 0)))
            for g in row.get("gold") or []
            if isinstance(g, Mapping) and "note" in g
        ]
        found.append(
            GoldClaim(
                id=str(row.get("id") or n),
                claim=text,
                kind=str(row.get("kind") or "claim"),
                split=split,
                verdict=verdict,
                gold=tuple(spans),
            )
        )
    return found, left


def placed(asked: Sequence[Asked], index: Index) -> list[Asked]:
    """The questions with the quotes of their evidence found in the notes.

    Raises:
        ConfigError: a quote or a note is not in the notes, so that the gold would be a wish.
    """
    notes = {note.path: note.text for note in index.notes()}
    out = []
    for one in asked:
        spans = list(one.gold)
        for span in spans:
            if span.note not in notes:
                raise ConfigError(f"Question {one.id}: there is no note {span.note!r}")
        for name, quote in one.quotes:
            place = next(
                (
                    GoldSpan(note=path, start=text.index(quote), end=text.index(quote) + len(quote))
                    for path, text in notes.items()
                    if (not name or path == name) and quote in text
                ),
                None,
            )
            if place is None:
                raise ConfigError(
                    f"Question {one.id}: the notes do not hold its evidence {quote[:40]!r}"
                )
            spans.append(place)
        known = True if spans else one.answerable
        out.append(
            replace(
                one,
                gold=tuple(spans),
                quotes=(),
                answerable=one.answerable if one.answerable is not None else known,
            )
        )
    return out
