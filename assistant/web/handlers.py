"""What the page does when a person acts, from values to markup; knows nothing of Gradio.

One `Page` serves all browsers. Conversations are told apart by a session name that only the
browser holds; every argument may come from anyone who reaches the port, so each is checked.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from assistant.filters import Filters
from assistant.followups import HISTORY
from assistant.operators import is_date, parse_query
from assistant.types import Answer, Verdict
from assistant.web.copies import answer_markdown, checked_markdown, hit_markdown, live_markers
from assistant.web.desk import Assistant, Desk, Unfit
from assistant.web.header import header
from assistant.web.hits import paint_hits
from assistant.web.inline import protected_spans
from assistant.web.paint import paint, paint_checked, paint_draft, paint_question
from assistant.web.spots import (
    Sheet,
    new_sheet_id,
    spots_of_answer,
    spots_of_claims,
    spots_of_hits,
)
from assistant.web.store import NotKept, Turn, TurnStore, new_session, valid_session
from assistant.web.texts import both, both_n
from assistant.wire import checked_object
from corpus.readers import Vault

__all__ = ["Asked", "Assistant", "Conversation", "Message", "Page", "Unfit"]

logger = logging.getLogger(__name__)

Message = dict[str, str]

_MAX_QUESTION = 2_000  # characters; what is longer is a text to check, not a question
_MAX_CHECKED = 50_000
_MAX_HITS = 50
# A chat shows its last 20 to 29 turns: were one hidden for each that comes, Gradio would draw all
# of them anew, each one place further up.
_TURNS_SHOWN, _TURNS_HIDDEN = 20, 10
_MARKUP_KEPT = 500  # drawn answers in memory, about 5 kB each
_PIECE_S = 0.1  # least time between two pieces of a streamed answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A session as it is shown.

    Attributes:
        session: its name.
        past: messages of the turns before the last, the same while an answer grows.
        turn: question and answer of the last turn; empty where there is none.
        growing: whether the answer is not yet done.
        unkept: why the answer will not be there again, as markup; empty where it will.
    """

    session: str
    past: list[Message]
    turn: list[Message]
    growing: bool = False
    unkept: str = ""

    @property
    def messages(self) -> list[Message]:
        """All that is shown, oldest first."""
        return [*self.past, *self.turn]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a question is asked, beyond its words.

    Attributes:
        again: the finished answer takes the place of the last one.
        replacing: id of the sheet whose turn, with all after it, the finished answer replaces.
        exact: the words are searched as they are, not completed from the conversation.
        scope: path of the only note to answer from; empty for all.
        rewrite: whether sentences of a model without support are rewritten once from evidence.
    """

    again: bool = False
    replacing: str = ""
    exact: bool = False
    scope: str = ""
    rewrite: bool = False


class Page(Desk):
    """The handlers of asking, looking up and checking; arguments as `Desk`."""

    def __init__(self, assistant: Assistant, store: TurnStore, *, local: bool = True) -> None:
        super().__init__(assistant, store, local=local)
        self._examples: tuple[object, list[str]] | None = None
        self._markup: dict[str, str] = {}

    # Ask

    def conversation(self, session: object) -> Conversation:
        """The conversation of a session; a new one if the browser has none yet."""
        name = valid_session(session)
        if name is None:
            return Conversation(session=new_session(), past=[], turn=[])
        messages = self._past(name)
        return Conversation(session=name, past=messages[:-2], turn=messages[-2:])

    def ask(
        self,
        question: str,
        session: object,
        how: Asked | None = None,
        keep: Callable[[], bool] = lambda: True,
    ) -> Iterator[Conversation]:
        """The conversation, growing with the answer to a question.

        Args:
            question: what was asked.
            session: what the browser holds.
            how: beyond the words; a new question over all notes if None.
            keep: asked once the answer is whole; where it says no, nothing is kept or said.

        Raises:
            Unfit: the question is blank or too long, or the note to ask is gone.
        """
        how = how or Asked()
        question = self._fit(question, how.scope)
        name = valid_session(session) or new_session()
        if how.again and (last := self._last(name)):
            how = replace(how, replacing=last.sheet.id, exact=last.exact, scope=last.scope)
        replacing = how.replacing if self.store.turn(name, how.replacing) else ""
        earlier = self.store.turns(name, last=HISTORY, before=replacing)
        past = self._past(name, replacing)

        def now(markup: str, sheet: str = "") -> Conversation:
            asked = paint_question(question, sheet, self._scope(how.scope))
            turn = [_said("user", asked), _said("assistant", markup)]
            return Conversation(session=name, past=past, turn=turn, growing=not sheet)

        yield now(paint_draft(None))
        self.look()
        answer: Answer | None = None
        drawn_at = time.monotonic()
        for answer in self._stream(question, earlier, how):
            if time.monotonic() - drawn_at >= _PIECE_S:
                yield now(paint_draft(answer))
                drawn_at = time.monotonic()
        if answer is None:
            raise RuntimeError("the assistant streamed nothing")
        if not keep():
            return
        sheet = self._sheet_of(answer)
        root = self._root()
        turn = Turn(answer=answer, sheet=sheet, scope=how.scope, exact=how.exact, root=root)
        unkept = self._keep(name, turn, replacing)
        yield replace(now(self._painted(answer, sheet), sheet.id), unkept=unkept)

    def _keep(self, session: str, turn: Turn, replacing: str) -> str:
        """Store a turn; what to tell the person where that fails, as markup."""
        try:
            self.store.add(session, turn, replacing=replacing)
        except NotKept as fault:
            logger.warning("an answer is not kept: %s", fault)
            return both("ask.unkept", reason=str(fault))
        return ""

    def _fit(self, question: str, scope: str) -> str:
        """A question without blanks around it, if it can be asked."""
        question = question.strip()
        if not question:
            raise Unfit("ask.empty")
        if len(question) > _MAX_QUESTION:
            raise Unfit("ask.too_long", n=len(question), limit=_MAX_QUESTION)
        if scope and self.note(scope) is None:
            raise Unfit("ask.scope_gone", name=scope[:200])
        return question

    def _stream(self, question: str, earlier: list[Turn], how: Asked) -> Iterator[Answer]:
        """The growing answer; the last questions of the conversation complete a follow-up."""
        history = [] if how.exact else [turn.answer.question for turn in self._of_these(earlier)]
        filters = Filters(folder=how.scope) if how.scope else None
        return self.assistant.stream(question, history, filters=filters, rewrite=how.rewrite)

    def _of_these(self, earlier: list[Turn]) -> list[Turn]:
        """The turns since these notes are asked: what other ones were asked completes nothing."""
        root = self._root()
        others = [n for n, turn in enumerate(earlier, 1) if turn.root not in {root, ""}]
        return earlier[max(others, default=0) :]

    def _root(self) -> str:
        return self.assistant.index.status().root or ""

    def is_rewritable(self, session: object) -> bool:
        """Whether the last answer is a model's and holds sentences without support."""
        last = self._last(session)
        if last is None or last.answer.generator == "extractive":
            return False
        flagged = (Verdict.CONTRADICTED, Verdict.UNSUPPORTED)
        return any(claim.verdict in flagged for claim in last.answer.claims)

    def _last(self, session: object) -> Turn | None:
        """The last turn of a session, if it has one."""
        name = valid_session(session)
        return next(iter(self.store.turns(name, last=1)), None) if name else None

    def _scope(self, path: str) -> str:
        """Title of the note a question is kept to; its path when it is gone."""
        note = self.note(path)
        return note.title if note else path

    def title_of(self, path: object) -> str:
        """Title of a note; nothing when it is not indexed."""
        note = self.note(path) if isinstance(path, str) else None
        return note.title if note else ""

    def question_of(self, session: object, sheet_id: object, searched: bool = False) -> str:
        """The question of a turn of a session, or what was searched for it; nothing if unknown."""
        name = valid_session(session)
        if name is None or not isinstance(sheet_id, str):
            return ""
        turn = self.store.turn(name, sheet_id)
        if turn is None:
            return ""
        asked = turn.answer.searched[:1] if searched else ()
        return (*asked, turn.answer.question)[0]

    def chats(self, session: object) -> list[dict[str, Any]]:
        """The conversations on disk, newest first, for the list; only one's own on a network."""
        own = valid_session(session) or ""
        return [
            {
                "session": chat.session,
                "title": chat.title[:120],
                "when": chat.last,
                "turns": chat.n,
                "open": chat.session == own,
            }
            for chat in self.store.chats(None if self.local else own)
        ]

    def drop_chat(self, session: object) -> None:
        """Remove a conversation from disk."""
        if name := valid_session(session):
            self.store.drop(name)

    def last_question(self, session: object) -> str:
        """The question of the last turn, or nothing."""
        last = self._last(session)
        return last.answer.question if last else ""

    def examples(self, n: int = 4) -> list[str]:
        """Questions that the notes answer, the same until the notes change."""
        known = id(self.assistant), self.assistant.index.generation
        if self._examples is None or self._examples[0] != known:
            self._examples = known, self.assistant.examples(n)[:n]
        return self._examples[1]

    def _sheet_of(self, answer: Answer) -> Sheet:
        markers = live_markers(answer, protected_spans(answer.text))
        return self.show(
            Sheet(
                id=new_sheet_id(),
                spots=spots_of_answer(answer),
                copies=(answer_markdown(answer, markers),),
            )
        )

    def _past(self, session: str, before: str = "") -> list[Message]:
        """The last turns of a session as they are shown; `before` as in `TurnStore.turns`."""
        n_turns = self.store.n_turns(session, before=before)
        older = max(0, n_turns - _TURNS_SHOWN) // _TURNS_HIDDEN * _TURNS_HIDDEN
        turns = self.store.turns(session, last=n_turns - older, before=before)
        messages = []
        if older > 0:
            note = f"<div class='yj-older'>{both_n('older', older)}</div>"
            messages.append(_said("assistant", note))
        for turn in turns:
            self.show(turn.sheet)
            asked = paint_question(turn.answer.question, turn.sheet.id, self._scope(turn.scope))
            messages.append(_said("user", asked))
            messages.append(_said("assistant", self._painted(turn.answer, turn.sheet)))
        return messages

    def _painted(self, answer: Answer, sheet: Sheet) -> str:
        """A finished answer as markup, drawn once: a chat shows it again with every question."""
        markup = self._markup.get(sheet.id)
        if markup is None:
            if len(self._markup) >= _MARKUP_KEPT:
                self._markup.clear()
            markup = self._markup[sheet.id] = paint(answer, sheet)
        return markup

    # Look up

    def find(self, query: str, k: float, filters: Filters) -> str:
        """The hits for a query as markup; nothing for a blank query without filters.

        Raises:
            Unfit: the query is too long, or a date is none.
        """
        query = query.strip()
        if len(query) > _MAX_QUESTION:
            raise Unfit("ask.too_long", n=len(query), limit=_MAX_QUESTION)
        for date in (filters.since, filters.until):
            if date and not is_date(date):
                raise Unfit("find.bad_date", value=date[:40])
        if not query:
            return f"<div class='yj-empty'>{both('find.start')}</div>"
        self.look()
        hits = self.assistant.find(query, k=max(1, min(int(k), _MAX_HITS)), filters=filters)
        sheet = self.show(
            Sheet(
                id=new_sheet_id(),
                spots=spots_of_hits(hits),
                copies=tuple(hit_markdown(hit) for hit in hits),
            )
        )
        notices = self.assistant.notices(query, hits, filters)
        return paint_hits(parse_query(query), hits, sheet, notices)

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

    def text_of(self, file: Path) -> str:
        """The text of a file to check, as it would be read from among the notes.

        Raises:
            YoujuError: it cannot be read, or holds no text.
        """
        vault = Vault(file)
        texts = [note.text for found in vault.files() for note in vault.read(found)]
        if not texts:
            reason = vault.skipped[0].reason if vault.skipped else ""
            raise Unfit("check.unread", name=file.name[:120], reason=reason)
        return "\n\n".join(texts)

    def check(self, text: str) -> str:
        """A text painted claim by claim, with the evidence of each.

        Raises:
            Unfit: the text is blank or too long.
        """
        if not text.strip():
            raise Unfit("check.empty")
        if len(text) > _MAX_CHECKED:
            raise Unfit("check.too_long", n=len(text), limit=_MAX_CHECKED)
        self.look()
        checked = self.assistant.check(text)
        sheet = self.show(
            Sheet(
                id=new_sheet_id(),
                spots=spots_of_claims(checked),
                copies=(
                    checked_markdown(checked),
                    json.dumps(checked_object(checked), ensure_ascii=False, indent=1),
                ),
            )
        )
        return paint_checked(checked, sheet)

    # Notes

    def header(self) -> str:
        """What answers, what searches, whether anything is sent, and how many notes there are."""
        return header(self.assistant)


def _said(role: str, markup: str) -> Message:
    return {"role": role, "content": markup}
