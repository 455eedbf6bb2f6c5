"""What writes the answer: sentences of the notes as they stand, or a chat model.

A `Generator` fills the draft of an answer in, growing, with citations. `Extractive` needs nothing;
`Chat` lets a model write from keyed passages and binds every sentence to the notes (`binding`).
Neither is asked where the notes do not answer. A model that does not answer as it should is told in
one line, and the built-in answer stands in for it. Knows drafts, evidence and the check, not how
either was found. Called by `pipeline`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Protocol

from assistant import prompts
from assistant.answering import Selection
from assistant.binding import Binder, Bound, Review, without_keys
from assistant.composing import compose
from assistant.disarming import for_model, from_model
from assistant.endpoint import BrokeOff, ChatModel, CutShort, Message
from assistant.grounding import Checker
from assistant.replies import (
    declines,
    is_chinese,
    is_foreign,
    is_looping,
    may_end,
    sound_question,
    thoughtless,
    without_repeats,
    without_thoughts,
)
from assistant.sources import Source, n_tokens, sources_of
from assistant.types import Answer, Claim, Rewrite, Verdict
from corpus.errors import ModelError
from corpus.protocol import Index
from corpus.tokens import content_terms

__all__ = ["EXTRACTIVE", "Chat", "Extractive", "Generator", "Task"]

EXTRACTIVE = "extractive"
_ANSWER_TOKENS = 800
_QUESTION_TOKENS, _QUESTION_S = 160, 15.0  # of a completed follow-up
_SENTENCE_TOKENS = 200
_MAX_REWRITES = 6
_WAIT_S = 0.5  # before a reply that broke off is asked for again


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One question with its evidence.

    Attributes:
        draft: the answer to be written, without its text; the passages are `draft.hits`.
        selection: what answers it by the built-in ranker; never empty.
        rewrite: whether sentences without support are to be rewritten once.
    """

    draft: Answer
    selection: Selection
    rewrite: bool = False

    @property
    def question(self) -> str:
        """The question, complete in itself."""
        return self.draft.searched[0]


class Generator(Protocol):
    """What writes answers."""

    name: str

    def standalone(self, question: str, history: Sequence[str]) -> str:
        """A follow-up made complete by the questions before it, or the question itself."""

    def write(self, task: Task) -> Iterator[Answer]:
        """The answer as it grows; the last one is whole.

        `generator` tells who wrote these words: those of a model have their claims checked, those
        of the notes not yet. `abstained`, with its reason and no text, is a model that found no
        answer in the passages.
        """


class Extractive:
    """The built-in generator: what was selected, written down without a change."""

    name = EXTRACTIVE

    def standalone(self, question: str, history: Sequence[str]) -> str:
        """See `Generator.standalone`; by rules."""
        from assistant.followups import standalone  # a single question needs none of it

        return standalone(question, history)

    def write(self, task: Task) -> Iterator[Answer]:
        """See `Generator.write`; grows by paragraphs."""
        text, citations = compose(task.selection)
        whole = replace(task.draft, text=text, generator=self.name, citations=citations)
        at = text.find("\n\n")
        while at >= 0:
            yield replace(whole, text=text[:at])
            at = text.find("\n\n", at + 2)
        yield whole


class Chat:
    """A chat model that writes from the passages found, bound to them sentence by sentence.

    Args:
        model: the model.
        index: the notes.
        checker: the grounding check.
        review: a second opinion on the claims of a finished answer.
    """

    def __init__(
        self, model: ChatModel, index: Index, checker: Checker, review: Review | None = None
    ) -> None:
        self.name = model.name
        self._model = model
        self._index = index
        self._checker = checker
        self._review = review
        self._extractive = Extractive()

    def standalone(self, question: str, history: Sequence[str]) -> str:
        """See `Generator.standalone`; by the model, by rules where its words are not to be had."""
        by_rules = self._extractive.standalone(question, history)
        zh = is_chinese(question)
        turns = "\n".join(f"- {for_model(turn[:300])}" for turn in history)
        asked = prompts.TURNS.of(chinese=zh).format(turns=turns, question=for_model(question))
        messages = _messages(prompts.STANDALONE.of(chinese=zh), asked)
        try:
            reply = self._model.complete(
                messages, max_tokens=_QUESTION_TOKENS, timeout_s=_QUESTION_S
            )
        except ModelError:
            return by_rules
        return sound_question(reply, question, history) or by_rules

    def write(self, task: Task) -> Iterator[Answer]:
        """See `Generator.write`; bound sentences first, then the one on its way."""
        zh = is_chinese(task.question)
        sources = self._sources(task)
        binder = Binder(self._checker, self._index, sources, task.question)
        messages = self._asked(task, sources)
        reply = _Reply()
        for attempt in (1, 2):
            reply = _Reply()
            yield from self._growing(task.draft, reply, messages, binder)
            if attempt == 1 and isinstance(reply.fault, BrokeOff):
                time.sleep(_WAIT_S)
            elif attempt == 1 and not reply.fault and is_foreign(reply.text, chinese=zh):
                rules, asked = messages
                more = f"{asked.content}\n\n{prompts.LANGUAGE.of(chinese=zh)}"
                messages = [rules, replace(asked, content=more)]
            else:
                break
        yield self._finished(task, reply, binder, sources)

    def _sources(self, task: Task) -> list[Source]:
        fixed = prompts.ANSWER.of(chinese=is_chinese(task.question)) + task.question
        budget = self._model.context - self._reserved() - n_tokens(fixed) - 80
        needed = [(e.hit.note.path, e.unit.start, e.unit.end) for e in task.selection.extracts]
        return sources_of(
            task.question, task.draft.hits, needed, idf=self._index.idf, budget=max(budget, 200)
        )

    def _reserved(self) -> int:
        """Tokens kept for the answer."""
        return min(_ANSWER_TOKENS, self._model.context // 4)

    def _asked(self, task: Task, sources: Sequence[Source]) -> list[Message]:
        zh = is_chinese(task.question)
        form = prompts.PASSAGE.of(chinese=zh)
        passages = "\n\n".join(
            form.format(key=s.key, title=s.title, place=s.place, text=s.text) for s in sources
        )
        rules = prompts.ANSWER.of(chinese=zh).format(
            example=sources[0].key, not_found=prompts.NOT_FOUND.of(chinese=zh)
        )
        asked = prompts.ASK.of(chinese=zh).format(
            seal=_seal(passages, task.question),
            passages=passages,
            question=for_model(task.question),
        )
        return _messages(rules, asked)

    def _growing(
        self, draft: Answer, reply: _Reply, messages: Sequence[Message], binder: Binder
    ) -> Iterator[Answer]:
        """Read the model's reply into `reply`; what is complete of it is bound on the way."""
        bound, done = Bound(text="", citations=(), claims=(), changes=(), spans=()), 0
        try:
            for piece in without_thoughts(
                self._model.stream(messages, max_tokens=self._reserved())
            ):
                reply.raw = (reply.raw + piece).lstrip()
                reply.text = from_model(reply.raw, binder.is_known)
                if may_end(piece):
                    if is_looping(reply.text):
                        raise CutShort(f"{self.name} repeats itself and was stopped")
                    settled = binder.settled(reply.text)
                    if settled > done:
                        bound, done = binder.bind(reply.text[:settled]), settled
                tail = without_keys(reply.text[done:])
                gap = _between(reply.text[:done], bound.text) if tail else ""
                yield replace(
                    draft,
                    text=f"{bound.text}{gap}{tail}",
                    citations=bound.citations,
                    claims=bound.claims,
                )
        except CutShort as fault:
            whole = reply.text[: binder.settled(reply.text)]
            reply.text, reply.cut = without_repeats(whole), str(fault)
        except ModelError as fault:
            reply.fault = fault

    def _finished(
        self, task: Task, reply: _Reply, binder: Binder, sources: Sequence[Source]
    ) -> Answer:
        """The answer that is shown in the end."""
        zh = is_chinese(task.question)
        if reply.fault is not None:
            return self._instead(task, _failed(str(reply.fault), zh))
        text = reply.text.strip()
        if not text:
            return self._instead(task, _failed(reply.cut or _EMPTY[zh], zh))
        if is_foreign(text, chinese=zh):
            return self._instead(task, _failed(_FOREIGN[zh], zh))
        bound = binder.bind(text, self._review)
        if not bound.claims:
            if declines(text):
                return replace(task.draft, reason=_DECLINED[zh], abstained=True)
            return self._instead(task, _failed(_NOTHING[zh], zh))
        rewrites: tuple[Rewrite, ...] = ()
        if task.rewrite:
            bound, rewrites = self._rewritten(task, text, bound, binder, sources)
        reason = _CUT[zh].format(why=reply.cut) if reply.cut else None
        if not any(claim.verdict is Verdict.SUPPORTED for claim in bound.claims):
            quoted = self._with_quotes(task, bound, rewrites)
            told = [why for why in (reason, quoted.reason) if why]
            return replace(quoted, reason=("；" if zh else "; ").join(told))
        return replace(
            task.draft,
            text=bound.text,
            citations=bound.citations,
            claims=bound.claims,
            marker_changes=bound.changes,
            rewrites=rewrites,
            reason=reason,
        )

    def _instead(self, task: Task, reason: str) -> Answer:
        """The built-in answer, with the reason why it is not the model's."""
        *_, whole = self._extractive.write(task)
        return replace(whole, reason=reason)

    def _with_quotes(self, task: Task, bound: Bound, rewrites: tuple[Rewrite, ...]) -> Answer:
        """An answer without any support, flagged, followed by what the notes say."""
        zh = is_chinese(task.question)
        *_, quoted = self._extractive.write(task)
        if not bound.text:  # every sentence was taken out by rewriting
            return replace(quoted, reason=_UNFOUNDED[zh], rewrites=rewrites)
        lead = f"{bound.text}\n\n{_QUOTES[zh]}\n\n"
        checked = self._checker.check(quoted.text, quoted.citations)
        behind = [replace(c, start=c.start + len(lead), end=c.end + len(lead)) for c in checked]
        return replace(
            quoted,
            text=lead + quoted.text,
            generator=self.name,
            claims=(*bound.claims, *behind),
            marker_changes=bound.changes,
            rewrites=rewrites,
            reason=_UNFOUNDED[zh],
        )

    # rewriting

    def _rewritten(
        self, task: Task, text: str, bound: Bound, binder: Binder, sources: Sequence[Source]
    ) -> tuple[Bound, tuple[Rewrite, ...]]:
        """The answer with its unsupported sentences rewritten once from evidence."""
        done: list[tuple[tuple[int, int], Rewrite]] = []
        for claim, span in zip(bound.claims, bound.spans, strict=True):
            flagged = claim.verdict in (Verdict.CONTRADICTED, Verdict.UNSUPPORTED)
            if flagged and len(done) < _MAX_REWRITES:
                after = self._rewrite(task, claim, sources, binder)
                if after is None:
                    break  # the model is gone: what stands, stands
                if any(after == other.text for other in bound.claims if other is not claim):
                    after = ""  # the answer says it already
                done.append((span, Rewrite(before=claim.text, after=after)))
        for (start, end), rewrite in reversed(done):
            if rewrite.after != rewrite.before:
                text = text[:start] + rewrite.after + text[end:]
        again = binder.bind(text.strip(), self._review) if text.strip() else _NO_TEXT
        return again, tuple(rewrite for _, rewrite in done)

    def _rewrite(
        self, task: Task, claim: Claim, sources: Sequence[Source], binder: Binder
    ) -> str | None:
        """One sentence from evidence only; "" where there is none, None where nobody answers."""
        zh = is_chinese(task.question)
        evidence = _evidence_for(claim, sources)
        given = (evidence, task.question, claim.text, claim.reason)
        evidence, question, sentence, reason = map(for_model, given)
        asked = prompts.REWRITTEN.of(chinese=zh).format(
            evidence=evidence, question=question, sentence=sentence, reason=reason
        )
        messages = _messages(prompts.REWRITE.of(chinese=zh), asked)
        try:
            reply = self._model.complete(messages, max_tokens=_SENTENCE_TOKENS)
        except ModelError:
            return None
        new = without_keys(_line(from_model(thoughtless(reply), binder.is_known)))
        if not new or re.fullmatch(r"(?:无|没有|none|n/?a)[。.!！]*", new.strip(), re.IGNORECASE):
            return ""
        found = binder.bind(new, self._review)
        sound = found.claims and all(c.verdict is Verdict.SUPPORTED for c in found.claims)
        return new if sound and not is_foreign(new, chinese=zh) else claim.text


@dataclass(slots=True)
class _Reply:
    """What a model wrote, and how that ended.

    Attributes:
        raw: as it came; `text` is what of it can do no harm.
        fault: why there is no usable reply.
        cut: why it was stopped; what stands before is whole.
    """

    raw: str = ""
    text: str = ""
    fault: ModelError | None = None
    cut: str = ""


_NO_TEXT = Bound(text="", citations=(), claims=(), changes=(), spans=())
_FAILED = {
    True: "模型没有作答（{why}），以下是笔记原句",
    False: "The model did not answer ({why}). These are sentences of the notes",
}
_EMPTY = {True: "它没有写出任何内容", False: "it wrote nothing"}
_NOTHING = {True: "它的回复里没有陈述", False: "its reply states nothing"}
_FOREIGN = {True: "它没有用中文回答", False: "it did not write in English"}
_CUT = {True: "模型的回答被截断：{why}", False: "The model's answer was cut: {why}"}
_DECLINED = {
    True: "模型读了最相关的段落，没有找到答案",
    False: "the model read the nearest passages and found no answer",
}
_UNFOUNDED = {
    True: "模型的回答没有一句有笔记依据；笔记原句附在其后",
    False: "no sentence of the model's answer is supported; sentences of the notes follow",
}
_QUOTES = {True: "笔记里写的是：", False: "What the notes say:"}


def _seal(passages: str, question: str) -> str:
    """Four letters that depend on all passages, so that none of them can hold them on purpose."""
    digest = blake2b(f"{question}\0{passages}".encode("utf-8", "surrogatepass"), digest_size=4)
    return "".join(chr(ord("A") + byte % 26) for byte in digest.digest())


def _failed(why: str, zh: bool) -> str:
    return _FAILED[zh].format(why=_line(why).rstrip(".。"))


def _messages(rules: str, asked: str) -> list[Message]:
    return [Message("system", rules), Message("user", asked)]


def _line(text: str) -> str:
    return " ".join(text.split())


def _between(written: str, shown: str) -> str:
    """What stands between the sentences that are bound and the one on its way."""
    breaks = written[len(written.rstrip()) :].count("\n")
    return "\n" * breaks if breaks else " " if shown and shown[-1].isascii() else ""


def _evidence_for(claim: Claim, sources: Sequence[Source]) -> str:
    """What a sentence may be rewritten from: the nearest span, and the passages most like it."""
    own = set(content_terms(claim.text))
    near = sorted(sources, key=lambda s: (-len(own & set(content_terms(s.text))), s.number))[:2]
    quote = [claim.evidence.quote] if claim.evidence else []
    return "\n\n".join([*quote, *(source.text for source in near)])
