"""What the page does when a person acts, from values to markup; knows nothing of Gradio.

One `Page` serves all browsers. Conversations are told apart by a session name that only the
browser holds; every argument may come from anyone who reaches the port, so each is checked.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any, Protocol

from assistant.followups import HISTORY
from assistant.links import links_of
from assistant.retrieval import Filters
from assistant.types import Answer, Checked, Hit, Verdict
from assistant.web.copies import answer_markdown, checked_markdown, hit_markdown, live_markers
from assistant.web.paint import paint, paint_checked, paint_draft, paint_hits, paint_question
from assistant.web.render import escape, protected_spans
from assistant.web.spots import (
    Sheet,
    Shown,
    new_sheet_id,
    parse_ref,
    passage,
    spots_of_answer,
    spots_of_claims,
    spots_of_hits,
)
from assistant.web.store import Turn, TurnStore, new_session, valid_session
from assistant.web.texts import both, both_n
from corpus.errors import CorpusError, YoujuError
from corpus.index import Index
from corpus.types import Note, RefreshReport

__all__ = ["Assistant", "Conversation", "Message", "Page", "Unfit"]

logger = logging.getLogger(__name__)

Message = dict[str, str]

_MAX_QUESTION = 2_000  # characters; what is longer is a text to check, not a question
_MAX_CHECKED = 50_000
_MAX_HITS = 50
_TURNS_SHOWN = 20  # drawing grows with every turn on the page
_LOOK_S = 10.0  # least time between two looks for changed notes
_PIECE_S = 0.1  # least time between two pieces of a streamed answer
_DATE = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")


class Assistant(Protocol):
    """What the page needs of `assistant.pipeline.Assistant`."""

    index: Index
    generator: str
    encoder_name: str

    def stream(
        self, question: str, history: Sequence[str] = (), *, rewrite: bool = False
    ) -> Iterator[Answer]:
        """Growing answers; the last one is finished and checked."""

    def find(self, query: str, *, k: int = 10, filters: Filters | None = None) -> list[Hit]:
        """The passages that match best."""

    def check(self, text: str) -> Checked:
        """The claims of a text, with verdicts."""

    def refresh(self, progress: Callable[[int, int], None] | None = None) -> RefreshReport:
        """Bring the index in line with the notes."""

    def examples(self, n: int = 4) -> list[str]:
        """Questions that the notes answer."""


class Unfit(ValueError):
    """What a person typed cannot be used; `markup` says why, in both languages."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.markup = both(key, **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A session and its messages as they are shown."""

    session: str
    messages: list[Message]


class Page:
    """The handlers of the page.

    Args:
        assistant: answers, finds and checks.
        store: turns of all sessions, on disk.
    """

    def __init__(self, assistant: Assistant, store: TurnStore) -> None:
        self.assistant = assistant
        self._store = store
        self._shown = Shown()
        self._examples: tuple[int, list[str]] | None = None
        self._looking = threading.Lock()
        self._looked_at = time.monotonic()

    # Ask

    def conversation(self, session: object) -> Conversation:
        """The conversation of a session; a new one if the browser has none yet."""
        name = valid_session(session)
        if name is None:
            return Conversation(session=new_session(), messages=[])
        return Conversation(session=name, messages=self._messages(self._store.turns(name)))

    def ask(
        self, question: str, session: object, *, again: bool = False, rewrite: bool = False
    ) -> Iterator[Conversation]:
        """The conversation, growing with the answer to a question.

        Args:
            question: what was asked.
            session: what the browser holds.
            again: whether the finished answer takes the place of the last one.
            rewrite: whether sentences without support are rewritten once from evidence.

        Raises:
            Unfit: the question is blank or too long.
        """
        question = question.strip()
        if not question:
            raise Unfit("ask.empty")
        if len(question) > _MAX_QUESTION:
            raise Unfit("ask.too_long", n=len(question), limit=_MAX_QUESTION)
        name = valid_session(session) or new_session()
        turns = self._store.turns(name)
        earlier = turns[:-1] if again else turns
        past = self._messages(earlier)

        def now(markup: str) -> Conversation:
            messages = [*past, _said("user", paint_question(question)), _said("assistant", markup)]
            return Conversation(session=name, messages=messages)

        yield now(paint_draft(None))
        self._look()
        answer: Answer | None = None
        drawn_at = time.monotonic()
        for answer in self._stream(question, earlier, rewrite):
            if time.monotonic() - drawn_at >= _PIECE_S:
                yield now(paint_draft(answer))
                drawn_at = time.monotonic()
        if answer is None:
            raise RuntimeError("the assistant streamed nothing")
        sheet = self._sheet_of(answer)
        if again:
            self._store.drop_last(name)
        self._store.add(name, Turn(answer=answer, sheet=sheet))
        yield now(paint(answer, sheet))

    def _stream(self, question: str, earlier: list[Turn], rewrite: bool) -> Iterator[Answer]:
        """The growing answer; the last questions of the conversation complete a follow-up."""
        history = [t.answer.question for t in earlier[-HISTORY:]]
        if not rewrite:
            return self.assistant.stream(question, history)
        return self.assistant.stream(question, history, rewrite=True)

    def is_rewritable(self, session: object) -> bool:
        """Whether the last answer is a model's and holds sentences without support."""
        name = valid_session(session)
        turns = self._store.turns(name) if name else []
        if not turns or turns[-1].answer.generator == "extractive":
            return False
        flagged = (Verdict.CONTRADICTED, Verdict.UNSUPPORTED)
        return any(claim.verdict in flagged for claim in turns[-1].answer.claims)

    def last_question(self, session: object) -> str:
        """The question of the last turn, or nothing."""
        name = valid_session(session)
        turns = self._store.turns(name) if name else []
        return turns[-1].answer.question if turns else ""

    def examples(self, n: int = 4) -> list[str]:
        """Questions that the notes answer, the same until the notes change."""
        generation = self.assistant.index.generation
        if self._examples is None or self._examples[0] != generation:
            self._examples = generation, self.assistant.examples(n)[:n]
        return self._examples[1]

    def _sheet_of(self, answer: Answer) -> Sheet:
        markers = live_markers(answer, protected_spans(answer.text))
        return self._show(
            Sheet(
                id=new_sheet_id(),
                spots=spots_of_answer(answer),
                copies=(answer_markdown(answer, markers),),
            )
        )

    def _messages(self, turns: list[Turn]) -> list[Message]:
        shown = turns[-_TURNS_SHOWN:]
        messages = []
        if len(turns) > len(shown):
            older = both_n("older", len(turns) - len(shown))
            messages.append(_said("assistant", f"<div class='yj-older'>{older}</div>"))
        for turn in shown:
            self._show(turn.sheet)
            messages.append(_said("user", paint_question(turn.answer.question)))
            messages.append(_said("assistant", paint(turn.answer, turn.sheet)))
        return messages

    # Look up

    def find(self, query: str, k: float, filters: Filters) -> str:
        """The hits for a query as markup; nothing for a blank query without filters.

        Raises:
            Unfit: the query is too long, or a date is none.
        """
        query = query.strip()
        if len(query) > _MAX_QUESTION:
            raise Unfit("ask.too_long", n=len(query), limit=_MAX_QUESTION)
        if not query:
            return _empty("find.start")
        for date in (filters.since, filters.until):
            if date and not _DATE.fullmatch(date):
                raise Unfit("find.bad_date", value=date[:40])
        self._look()
        hits = self.assistant.find(query, k=max(1, min(int(k), _MAX_HITS)), filters=filters)
        sheet = self._show(
            Sheet(
                id=new_sheet_id(),
                spots=spots_of_hits(hits),
                copies=tuple(hit_markdown(hit) for hit in hits),
            )
        )
        return paint_hits(query, hits, sheet)

    def folders_and_tags(self) -> tuple[list[str], list[str]]:
        """The folders of the vault, parents included, and its tags; both sorted."""
        rows = self.assistant.index.listing()
        folders = {
            parent.as_posix()
            for row in rows
            for parent in PurePath(row.file).parents
            if parent.as_posix() != "."
        }
        return sorted(folders), sorted({tag for row in rows for tag in row.tags})

    # Check

    def check(self, text: str) -> str:
        """A text painted claim by claim, with the evidence of each.

        Raises:
            Unfit: the text is blank or too long.
        """
        if not text.strip():
            raise Unfit("check.empty")
        if len(text) > _MAX_CHECKED:
            raise Unfit("check.too_long", n=len(text), limit=_MAX_CHECKED)
        self._look()
        checked = self.assistant.check(text)
        sheet = self._show(
            Sheet(
                id=new_sheet_id(),
                spots=spots_of_claims(checked),
                copies=(checked_markdown(checked),),
            )
        )
        return paint_checked(checked, sheet)

    # Notes

    def header(self) -> str:
        """What answers, what searches, whether anything is sent, and how many notes there are."""
        index, generator = self.assistant.index, self.assistant.generator
        own = generator == "extractive"
        chips = [
            ("lock", both("local") if own else both("sent", name=generator)),
            (
                "gen",
                both("generator.extractive") if own else both("generator.model", name=generator),
            ),
            ("enc", both("encoder", name=self.assistant.encoder_name)),
            ("cnt", f"{both_n('notes', index.n_notes)} · {both_n('passages', index.n_chunks)}"),
        ]
        shown = "".join(f"<span class='chip {css}'>{markup}</span>" for css, markup in chips)
        return f"<div class='yj-chips'>{shown}{self._skipped()}</div>"

    def refresh(self, progress: Callable[[int, int], None] | None = None) -> str:
        """Refresh the index and say what changed, as markup."""
        report = self.assistant.refresh(progress)
        if report.is_noop:
            return both("refresh.noop")
        return both(
            "refresh.done",
            added=report.added,
            changed=report.changed,
            renamed=report.renamed,
            deleted=report.deleted,
        )

    def _look(self) -> None:
        """Refresh the index if notes changed since the last look, a while ago."""
        if time.monotonic() - self._looked_at < _LOOK_S or not self._looking.acquire(False):
            return
        try:
            self.assistant.refresh()
        except YoujuError as fault:
            logger.warning("the index stays as it was: %s", fault)
        finally:
            self._looked_at = time.monotonic()
            self._looking.release()

    def _skipped(self) -> str:
        skipped = self.assistant.index.status().skipped
        if not skipped:
            return ""
        rows = "".join(
            f"<div><code>{escape(file.path)}</code> {escape(file.reason)}</div>"
            for file in skipped[:50]
        )
        count = both_n("skipped", len(skipped))
        return f"<details class='chip skip'><summary>{count}</summary>{rows}</details>"

    # The panel

    def passage(self, ref: object) -> dict[str, Any] | None:
        """What the panel draws for a reference; None unless its sheet was shown."""
        sheet, key = self._sheet(ref)
        spot = next((spot for spot in sheet.spots if spot.key == key), None) if sheet else None
        if sheet is None or spot is None:
            return None
        note = self._note(spot.note)
        return {**asdict(passage(sheet, spot, note)), **self._outside(note, spot.start)}

    def copy(self, ref: object) -> str | None:
        """The Markdown that a reference copies; None unless its sheet was shown."""
        sheet, key = self._sheet(ref)
        number = int(key[1:]) if key.startswith("y") else -1
        return sheet.copies[number] if sheet and 0 <= number < len(sheet.copies) else None

    def _sheet(self, ref: object) -> tuple[Sheet | None, str]:
        """The sheet and key of a reference; sheets of turns outlive this process."""
        parsed = parse_ref(ref)
        if parsed is None:
            return None, ""
        sheet_id, key = parsed
        return self._shown.get(sheet_id) or self._store.sheet(sheet_id), key

    def _show(self, sheet: Sheet) -> Sheet:
        self._shown.add(sheet)
        return sheet

    def _note(self, path: str) -> Note | None:
        if not path:
            return None
        try:
            return self.assistant.index.note(path)
        except CorpusError:
            return None  # deleted since it was cited: the panel says so

    def _outside(self, note: Note | None, start: int) -> dict[str, str]:
        """Links that open the note's file elsewhere; none where it is not a file of its own."""
        line = note.line_of(start) if note else 1
        found = links_of(self.assistant.index.status().root, note, line)
        return {"obsidian": found.get("obsidian", ""), "editor": found.get("editor", "")}


def _said(role: str, markup: str) -> Message:
    return {"role": role, "content": markup}


def _empty(key: str) -> str:
    return f"<div class='yj-empty'>{both(key)}</div>"
