"""Questions and claims drafted over notes, as a table that a person reviews.

A file of JSON Lines, a draft a line; `reviewed` says what the person decided: false (not looked
at), true (accepted) or "rejected". Accepting may change the words; the drafted ones are kept as
`drafted`. Knows the file's form; makes and measures nothing. Called by the page and by `eval`.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError

__all__ = ["VERDICTS", "Decision", "Draft", "ReviewTable", "Source", "decision_of", "tables_in"]

_ACCEPTED = frozenset({"true", "yes", "accept", "accepted", "是", "接受"})
_REJECTED = frozenset({"reject", "rejected", "拒绝"})
_OPEN = frozenset({"", "false", "no", "open", "否"})
_MAX_BYTES = 50_000_000
VERDICTS = ("supported", "contradicted", "unsupported")


class Decision(StrEnum):
    """What a person said of a draft."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Words of a note that a draft was made from."""

    note: str
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One row of the table.

    Attributes:
        type: "question" or "claim".
        text: its words as they are now.
        answerable: of a question: whether the notes answer it; None where nobody said.
        verdict: of a claim, as it was meant; "" for a question.
        facts: what a right answer holds.
        gold: where the notes say it.
    """

    id: str
    type: str
    text: str
    kind: str = ""
    answerable: bool | None = None
    verdict: str = ""
    facts: tuple[str, ...] = ()
    gold: tuple[Source, ...] = ()
    decision: Decision = Decision.OPEN
    drafted_by: str = ""


def decision_of(row: Mapping[str, Any]) -> Decision:
    """What a person decided on a row of a table or of a file of their own.

    A row without `reviewed` is a person's own, unless it says who drafted it: what a program
    drafted counts as looked at only where that is written.

    Raises:
        ConfigError: `reviewed` holds something else than true, false or rejected.
    """
    said = row.get("reviewed")
    if said is None:
        return Decision.OPEN if row.get("drafted_by") else Decision.ACCEPTED
    word = str(said).strip().lower()
    for words, decision in (
        (_ACCEPTED, Decision.ACCEPTED), (_REJECTED, Decision.REJECTED), (_OPEN, Decision.OPEN),
    ):  # fmt: skip
        if word in words:
            return decision
    raise ConfigError(f"reviewed must be true, false or rejected, got {str(said)[:40]!r}")


def tables_in(folder: Path) -> list[Path]:
    """The tables of a folder, newest first; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(folder.glob("*.jsonl"), key=lambda path: (-path.stat().st_mtime, path.name))


class ReviewTable:
    """A table on disk. Each decision is written at once; threads may share it.

    Args:
        path: a file of JSON Lines.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def drafts(self) -> list[Draft]:
        """The rows as they are on disk now.

        Raises:
            ConfigError: the file cannot be read, or a row is no draft.
        """
        return [_draft(self.path, n, row) for n, row in enumerate(self._rows(), 1)]

    def decide(
        self,
        id_: str,
        decision: Decision,
        *,
        text: str | None = None,
        facts: Sequence[str] | None = None,
        verdict: str | None = None,
    ) -> Draft:
        """Write what a person decided on one draft, and the words they put in place of it.

        The file is read again first, so that what was edited in it meanwhile stays.

        Args:
            id_: of the draft.
            decision: what they said.
            text: its words from now on; None leaves them.
            facts: what a right answer holds; None leaves them.
            verdict: of a claim; None leaves it.

        Returns:
            The draft as it is now.

        Raises:
            ConfigError: there is no such draft, the words are blank, the verdict is none, or the
                file cannot be read or written.
        """
        if text is not None and not text.strip():
            raise ConfigError("A question needs words: write some, or reject it")
        with self._lock:
            rows = self._rows()
            found = [n for n, row in enumerate(rows) if str(row.get("id")) == id_]
            if not found:
                raise ConfigError(f"{self.path.name} holds no draft {id_!r}: load it again")
            row = rows[found[0]]
            if text is not None and text.strip() != row.get("text"):
                row.setdefault("drafted", row.get("text"))
                row["text"] = text.strip()
            if facts is not None:
                row["facts"] = [fact.strip() for fact in facts if fact.strip()]
            if verdict is not None and row.get("type") == "claim":
                if verdict not in VERDICTS:
                    raise ConfigError(f"A verdict is one of {', '.join(VERDICTS)}, not {verdict!r}")
                row["verdict"] = verdict
            row["reviewed"] = _WRITTEN[decision]
            self._write(rows)
            return _draft(self.path, found[0] + 1, row)

    def counts(self) -> Counter[Decision]:
        """How many drafts are open, accepted and rejected.

        Raises:
            ConfigError: as `drafts`.
        """
        return Counter(draft.decision for draft in self.drafts())

    def _rows(self) -> list[dict[str, Any]]:
        try:
            if self.path.stat().st_size > _MAX_BYTES:
                raise ConfigError(f"{self.path} is larger than 50 MB: no table of drafts")
            text = self.path.read_text(encoding="utf-8-sig")
            rows = [json.loads(line) for line in text.split("\n") if line.strip()]
        except (OSError, ValueError, RecursionError) as fault:
            raise ConfigError(f"{self.path} cannot be read ({fault})") from fault
        if not all(isinstance(row, dict) for row in rows):
            raise ConfigError(f"{self.path} is no table of drafts: a line is no JSON object")
        return rows

    def _write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        new = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            with new.open("w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError as fault:
            new.unlink(missing_ok=True)
            raise ConfigError(
                f"The decision cannot be kept in {self.path} ({fault.strerror})"
            ) from fault


_WRITTEN = {Decision.OPEN: False, Decision.ACCEPTED: True, Decision.REJECTED: "rejected"}


def _draft(path: Path, n: int, row: Mapping[str, Any]) -> Draft:
    try:
        gold = tuple(
            Source(
                note=str(g["note"]),
                start=int(g.get("start", 0)),
                end=int(g.get("end", 0)),
                quote=str(g.get("quote") or ""),
            )
            for g in row.get("gold") or ()
        )
        answerable = row.get("answerable")
        return Draft(
            id=str(row["id"]),
            type="claim" if row.get("type") == "claim" else "question",
            text=str(row["text"]),
            kind=str(row.get("kind") or ""),
            answerable=None if answerable is None else bool(answerable),
            verdict=str(row.get("verdict") or ""),
            facts=tuple(map(str, row.get("facts") or ())),
            gold=gold,
            decision=decision_of(row),
            drafted_by=str(row.get("drafted_by") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise ConfigError(f"{path}, row {n} is no draft ({fault!r})") from fault
