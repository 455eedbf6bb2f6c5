"""Drafted questions reviewed in the page: one at a time, with the words they rest on.

Tables lie in one folder of the person's own data; only files of it are opened, whatever a browser
asks for, and only for a person at this machine. Knows nothing of Gradio and of how drafts are
made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.reviews import Decision, Draft, ReviewTable, tables_in
from assistant.web.desk import Desk, Unfit
from assistant.web.markup import escape
from assistant.web.render import render
from assistant.web.spots import Sheet, Spot, new_sheet_id, spot_href
from assistant.web.texts import TEXTS, both

__all__ = ["EVERY", "Card", "Reviewing"]

EVERY = "all"
_QUOTE = 600  # characters of a source that are shown
_MAX_TEXT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is shown of one draft, and what can be edited.

    Attributes:
        id: of the draft; empty where there is none to show.
        markup: what it is, where it comes from, and how far the review is.
        verdict: of a claim; empty for a question.
    """

    markup: str
    id: str = ""
    text: str = ""
    facts: str = ""
    verdict: str = ""

    @property
    def is_claim(self) -> bool:
        """Whether it has a verdict, not facts."""
        return bool(self.verdict)


class Reviewing:
    """Reads and decides the drafts of the tables of one folder.

    Args:
        desk: whose notes the drafts are about.
        folder: of the tables; None where there are none to review.
    """

    def __init__(self, desk: Desk, folder: Path | None) -> None:
        self._desk = desk
        self._folder = folder if desk.local else None

    def names(self) -> list[str]:
        """The tables, newest first."""
        return [path.name for path in tables_in(self._folder)] if self._folder else []

    def path(self, name: object) -> Path:
        """The file of a table.

        Raises:
            Unfit: there is no table of this name in the folder.
        """
        if self._folder is None or not isinstance(name, str) or name not in self.names():
            raise Unfit("review.gone")
        return self._folder / name

    def card(self, name: object, show: object, id_: str = "", step: int = 0) -> Card:
        """A draft among those that are shown.

        Args:
            name: of the table.
            show: "open", "accepted", "rejected" or `EVERY`.
            id_: the draft to start from; the first one if it is empty or not there.
            step: how many places from there, among all drafts; those not shown are passed over.

        Raises:
            Unfit: there is no such table.
            ConfigError: it cannot be read.
        """
        drafts = ReviewTable(self.path(name)).drafts()
        at = next((n for n, draft in enumerate(drafts) if draft.id == id_), 0)
        wanted = [n for n, draft in enumerate(drafts) if show in (EVERY, draft.decision.value)]
        found = _nearest(wanted, at, step)
        done = _progress(drafts)
        if found is None:
            key = "review.done" if drafts else "review.none"
            return Card(markup=f"{done}<div class='yj-empty'>{both(key)}</div>")
        draft = drafts[found]
        return Card(
            id=draft.id,
            markup=f"{done}{self._painted(draft, found + 1, len(drafts))}",
            text=draft.text,
            facts="\n".join(draft.facts),
            verdict=draft.verdict if draft.type == "claim" else "",
        )

    def decide(
        self, name: object, id_: str, *, accepted: bool, text: str, facts: str, verdict: str
    ) -> None:
        """Write a decision, with the words as they stand in the boxes if it is a yes.

        Raises:
            Unfit: there is no such table.
            ConfigError: the words are blank, or the file cannot be read or written.
        """
        table = ReviewTable(self.path(name))
        if not accepted:
            table.decide(id_, Decision.REJECTED)
            return
        table.decide(
            id_,
            Decision.ACCEPTED,
            text=text[:_MAX_TEXT],
            facts=facts[:_MAX_TEXT].splitlines(),
            verdict=verdict or None,
        )

    def accepted(self, name: object) -> Path:
        """The file of a table of which something is accepted.

        Raises:
            Unfit: there is no such table, or nothing of it is accepted.
            ConfigError: it cannot be read.
        """
        path = self.path(name)
        if not ReviewTable(path).counts()[Decision.ACCEPTED]:
            raise Unfit("review.nothing")
        return path

    def _painted(self, draft: Draft, place: int, n: int) -> str:
        sheet = self._desk.show(Sheet(id=new_sheet_id(), spots=self._spots(draft)))
        model = draft.drafted_by not in ("", "template")
        by = both("review.by", name=draft.drafted_by) if model else both("review.by_template")
        kind = f"kind.{draft.kind}"
        facts = [
            both(f"review.{draft.type}"),
            both(kind) if kind in TEXTS else escape(draft.kind),
            by,
            both(f"review.{draft.decision.value}"),
        ]
        head = f"<div class='wh'>{place} / {n} · {' · '.join(facts)}</div>"
        if draft.answerable is False:
            return f"{head}<div class='yj-src'>{both('review.no_answer')}</div>"
        return head + "".join(self._source(spot, sheet) for spot in sheet.spots)

    def _source(self, spot: Spot, sheet: Sheet) -> str:
        note = self._desk.note(spot.note)
        held = note is not None and note.text[spot.start : spot.end] == spot.quote
        gone = "" if held else f"<div class='t-bad'>{both('review.moved')}</div>"
        shown = spot.quote[:_QUOTE] + ("…" if len(spot.quote) > _QUOTE else "")
        return (
            f"<div class='yj-src'><a class='src' href='{spot_href(sheet.id, spot.key)}'>"
            f"{escape(spot.title or spot.note)}</a>{gone}"
            f"<div class='yj-body'>{render(shown)}</div></div>"
        )

    def _spots(self, draft: Draft) -> tuple[Spot, ...]:
        spots = []
        for n, gold in enumerate(draft.gold):
            note = self._desk.note(gold.note)
            spots.append(
                Spot(
                    key=f"g{n}",
                    note=gold.note,
                    title=note.title if note else gold.note,
                    start=gold.start,
                    end=gold.end,
                    line=note.line_of(gold.start) if note else 0,
                    quote=gold.quote,
                )
            )
        return tuple(spots)


def _nearest(wanted: Sequence[int], at: int, step: int) -> int | None:
    """The place that is shown: from `at` on, or `step` places before or behind it."""
    if step < 0:
        before = [n for n in wanted if n < at]
        return before[step] if len(before) >= -step else next(iter(wanted), None)
    behind = [n for n in wanted if (n > at if step else n >= at)]
    return behind[max(0, step - 1)] if behind else next(iter(wanted), None)


def _progress(drafts: Sequence[Draft]) -> str:
    counts = Counter(draft.decision.value for draft in drafts)
    n = {decision.value: counts[decision.value] for decision in Decision}
    share = 100 * (len(drafts) - n["open"]) // max(1, len(drafts))
    return (
        f"<div class='yj-bar-line'><div class='in' style='width:{share}%'></div></div>"
        f"<div class='yj-sum'>{both('review.counts', **n)}</div>"
    )
