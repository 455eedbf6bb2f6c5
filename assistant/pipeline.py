"""From a question to a checked answer: the stages composed.

`Assistant` holds open notes and the models; each of its methods is one job of the person: ask,
find, check. `stream` is the way of a question: its scope, the passages, what of them answers, the
words, the verdicts. Knows no command line and no page; called by both.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from assistant import told
from assistant.answering import AnswerModels, Selection, answer_models, ranking, select
from assistant.calibration import Calibration, calibration_of
from assistant.composing import abstention, unanswered
from assistant.crossing import Reranker, load_reranker
from assistant.endpoint import ChatModel
from assistant.extracts import Extract
from assistant.gathering import gathered, merge
from assistant.generating import EXTRACTIVE, Chat, Extractive, Generator, Task
from assistant.grounding import Checker, load_checker, searching
from assistant.notes import OpenNotes
from assistant.operators import parse_query, sentence_of
from assistant.opinions import SecondOpinion, reviewed
from assistant.questions import parse_question
from assistant.retrieval import Filters, browse, retrieve
from assistant.scope import Scope, asked, scope_of, search_notices
from assistant.sidewise import compared
from assistant.similarity import WordSimilarity
from assistant.types import Answer, Checked, Claim, Hit
from corpus.encoder import AbsentEncoder, Encoder, is_endpoint, load_encoder
from corpus.errors import ConfigError, CorpusError, ModelError
from corpus.milvus.address import MilvusAddress
from corpus.opening import open_index
from corpus.protocol import Index
from corpus.readers import Vault
from corpus.records import RecordDamaged
from corpus.text import has_han

if TYPE_CHECKING:
    from assistant.links import Openers

__all__ = ["MAX_QUESTION", "MAX_TEXT", "Assistant"]

MAX_QUESTION = 2_000
MAX_TEXT = 200_000
_HITS = 12
_OF_SIDE = 6  # passages of one side of a comparison


class Assistant(OpenNotes):
    """A person's notes, ready to be asked. Threads may share it.

    Args:
        index: the index of the notes.
        vault: where they are read from; None for an index that is only asked.
        encoder: the encoder of the index.
        reranker: puts the first hits of `ask` and `find` in its order; None for none.
        chat: the model that writes the answers; None writes sentences of the notes.
        judges: second opinions on claims.
        calibration: the threshold of the check for these notes; None for the one that ships.
    """

    def __init__(
        self,
        index: Index,
        *,
        vault: Vault | None,
        encoder: Encoder,
        reranker: Reranker | None = None,
        chat: ChatModel | None = None,
        judges: Sequence[SecondOpinion] = (),
        calibration: Calibration | None = None,
    ) -> None:
        super().__init__(index, vault)
        self._cross = reranker
        self._selecting = Lock()
        self.generator = chat.name if chat else EXTRACTIVE
        self.encoder = encoder
        self.encoder_name = encoder.name
        # single words are not sent to an endpoint: hundreds a question, and it may be down
        of_words = load_encoder() if is_endpoint(encoder.name) else encoder
        self._similar = WordSimilarity(of_words)
        self._chat = chat
        self._judges = judges
        self.calibration = calibration

    @property
    def support(self) -> float:
        """The least probability at which a claim is called supported."""
        return self._checker.support

    def load_models(self) -> None:
        """Read the models of answers and verdicts, which is else done with the first of each.

        Raises:
            ModelError: a file is missing or damaged.
        """
        _ = self._models, self._checker

    @cached_property
    def _checker(self) -> Checker:
        support = self.calibration.support if self.calibration else None
        return load_checker(self.index, self._similar, searching(self.index), support)

    @cached_property
    def _models(self) -> AnswerModels:
        return answer_models()

    @cached_property
    def _writer(self) -> Generator:
        if self._chat is None:
            return Extractive()
        return Chat(self._chat, self.index, self._checker, self._review)

    def _review(self, claims: Sequence[Claim]) -> tuple[Claim, ...]:
        """Claims after the second opinions, if there are any."""
        return reviewed(claims, self._judges, self._checker.around)

    @classmethod
    def open(
        cls,
        notes: Path | Vault | None,
        place: Path | MilvusAddress,
        *,
        encoder: str | None = None,
        reranker: str | None = None,
        device: str | None = None,
        chat: ChatModel | None = None,
        judges: Sequence[SecondOpinion] = (),
    ) -> Assistant:
        """Open notes and their index; nothing is read yet.

        Args:
            notes: a folder, one file or a zip, or the vault of it; None for an index that is only
                asked.
            place: where the index lives, outside the notes: a folder, or a Milvus database.
            encoder: a sentence-transformers model by name, or an endpoint; None for the
                built-in one.
            reranker: a CrossEncoder of sentence-transformers by name, or an endpoint.
            device: of named models, as torch writes it; None lets sentence-transformers choose.
            chat: as `Assistant`.
            judges: as `Assistant`.

        Raises:
            ConfigError: the address of an endpoint is none.
            CorpusError: there are no such notes.
            ModelError: an encoder or a reranker that was named cannot be loaded; without the
                built-in encoder, what is indexed is found by words.
            IndexError_: the index folder or the database cannot be used.
            MissingExtra: it is a Milvus database, and pymilvus is not installed.
        """
        vault = Vault(notes) if isinstance(notes, Path) else notes
        model = _encoder(encoder, device)
        cross = load_reranker(reranker, device=device) if reranker else None
        earlier = partial(load_encoder, device=device)
        index = open_index(place, encoder=model, earlier=earlier)
        return cls(
            index, vault=vault, encoder=model, reranker=cross, chat=chat, judges=judges,
            calibration=_calibration(place),
        )  # fmt: skip

    def ask(self, question: str, history: Sequence[str] = (), *, rewrite: bool = False) -> Answer:
        """The checked answer to a question, or an abstention with its reason.

        Args:
            question: as typed.
            history: the questions of the conversation before it, oldest first.
            rewrite: whether sentences of a model without support are rewritten once from evidence.

        Raises:
            ConfigError: the question is blank or longer than MAX_QUESTION characters.
        """
        *_, answer = self.stream(question, history, rewrite=rewrite)
        return answer

    def stream(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        filters: Filters | None = None,
        rewrite: bool = False,
    ) -> Iterator[Answer]:
        """The answer as it grows; the last one is finished and checked.

        Where the evidence does not answer, nothing is written and no model is asked.

        Args:
            question: as typed; kept so in `Answer.question`.
            history: as `ask`. A follow-up is answered as its rewriting, `Answer.searched[0]`.
            filters: which notes it may be answered from; all if None.
            rewrite: as `ask`.

        Raises:
            ConfigError: as `ask`.
        """
        question = _sound(question, MAX_QUESTION, "question")
        clock = _Clock()
        scope = scope_of(self.index, question, filters)
        searched, hits = self._passages(scope, history, k=_HITS)
        clock.lap("retrieval")
        selection, beside = compared(
            searched[0],
            self._selected(searched[0], hits, "" if len(searched) == 1 else scope.question),
            lambda side: asked(self.index, scope, side, _OF_SIDE, cross=self._cross),
            self._selected,
        )
        known = {hit.chunk.id for hit in hits}
        hits += [hit for hit in beside if hit.chunk.id not in known]
        answer = draft = Answer(
            question=question,
            searched=searched,
            text="",
            abstained=not selection.extracts,
            reason=None,
            generator=self.generator,
            hits=tuple(hits),
            confidence=selection.confidence,
            notices=(*scope.notices, *unanswered(question, selection)),
        )
        if selection.extracts:
            task = Task(draft=draft, selection=selection, rewrite=rewrite)
            for answer in self._writer.write(task):
                if not answer.abstained:
                    yield answer
        clock.lap("answer")
        if answer.abstained:
            yield replace(_refused(answer, selection, scope), timings_ms=clock.done())
            return
        claims = answer.claims
        if answer.generator == EXTRACTIVE:  # a model's words were checked while it wrote
            claims = self._review(self._checker.check(answer.text, answer.citations))
        disagree = self._checker.disagreements(claims, hits)
        clock.lap("check")
        yield replace(answer, claims=claims, notes_disagree=disagree, timings_ms=clock.done())

    def _selected(self, question: str, hits: Sequence[Hit], typed: str = "") -> Selection:
        """What answers a question that is complete in itself, or was made so from what was typed.

        One after the other: the work is the interpreter's, so that questions at once would only
        share its time, and all be answered as late as the last.
        """
        with self._selecting, self.index.snapshot() as now:
            return select(
                parse_question(question),
                hits,
                now,
                similar=self._similar,
                models=self._models,
                typed=typed,
            )

    def passages(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        k: int = _HITS,
        filters: Filters | None = None,
    ) -> tuple[tuple[str, ...], list[Hit]]:
        """The passages a question of a conversation is answered from.

        Args:
            question: as typed.
            history: as `ask`.
            k: how many hits at most.
            filters: which notes may be found; all if None.

        Returns:
            What was searched, the question as it is understood first and as typed behind it
            where they differ; hits, best first.
        """
        return self._passages(scope_of(self.index, question, filters), history, k=k)

    def _passages(
        self, scope: Scope, history: Sequence[str], *, k: int
    ) -> tuple[tuple[str, ...], list[Hit]]:
        question = scope.question
        hits = asked(self.index, scope, question, k, cross=self._cross)
        if not history:
            return (question,), hits
        from assistant.followups import is_elsewhere  # a single question needs none of it

        with self.index.snapshot() as now:
            if is_elsewhere(question, now.df):
                return (question,), hits
        whole = self._writer.standalone(question, [sentence_of(turn) for turn in history])
        if whole == question or len(whole) > MAX_QUESTION:
            return (question,), hits
        whole = _sound(whole, MAX_QUESTION, "question")
        return (whole, question), merge(
            asked(self.index, scope, whole, k, cross=self._cross), hits, k
        )

    def sentences(self, question: str) -> tuple[list[Hit], list[Extract]]:
        """The passages found for a question, and all their units, likeliest to answer first.

        What an answer is chosen from; neither a threshold nor the generator has a say.
        """
        hits = self.passages(question)[1]
        with self.index.snapshot() as now:
            return hits, ranking(
                parse_question(question),
                hits,
                now,
                similar=self._similar,
                models=self._models,
            )

    def find(self, query: str, *, k: int = 10, filters: Filters | None = None) -> list[Hit]:
        """The passages that match best, neighbours joined and copies shown once.

        Args:
            query: words, with operators among them (`operators.parse_query`).
            k: how many hits at most.
            filters: which notes may be found, besides what the query says.

        Raises:
            ConfigError: the query is blank or longer than MAX_QUESTION characters, or holds a
                date filter that is no date.
        """
        asked_for = parse_query(_sound(query, MAX_QUESTION, "query"))
        within = (filters or Filters()).narrowed(*asked_for.filters)
        if not asked_for.text:
            return browse(self.index, k=k, filters=within)
        return gathered(
            lambda n: retrieve(
                self.index,
                asked_for.text,
                k=n,
                filters=within,
                phrases=asked_for.phrases,
                cross=self._cross,
            ),
            k,
        )

    def notices(
        self, query: str, hits: Sequence[Hit], filters: Filters | None = None
    ) -> tuple[str, ...]:
        """What is to be said beside the hits of `find` (`scope.search_notices`)."""
        return search_notices(self.index, parse_query(query), hits, filters)

    def check(self, text: str) -> Checked:
        """A text with a verdict for each of its claims.

        Raises:
            ConfigError: the text is blank or longer than MAX_TEXT characters.
        """
        text = _sound(text, MAX_TEXT, "text", strip=False)
        claims = told.checked(self._checker, lambda path: self.index.note(path).text, text)
        return Checked(text=text, claims=self._review(claims))

    def links(self, note: str, line: int) -> Openers | None:
        """What opens a note outside, by path; None where nothing does (`assistant.links`)."""
        from assistant.links import links_of  # only JSON and the page show them

        try:
            return links_of(self.index.status().root, self.index.note(note), line)
        except CorpusError:
            return None  # deleted since it was cited

    def examples(self, n: int = 4) -> list[str]:
        """Questions that the notes answer, from as many different notes as possible."""
        from assistant.examples import draft_questions  # only the page asks for it

        found: list[str] = []
        for question in draft_questions(self.index, limit=6 * n):
            if len(found) == n:
                break
            if not self.ask(question).abstained:
                found.append(question)
        return found


def _calibration(place: Path | MilvusAddress) -> Calibration | None:
    """The calibration beside an index, if it was made with these models; else the shipped one.

    A damaged one is none: the doctor tells of it, and the notes can still be asked.
    """
    if isinstance(place, MilvusAddress):
        return None
    try:
        found = calibration_of(place)
    except RecordDamaged:
        return None
    return found if found is not None and found.is_current else None


def _encoder(name: str | None, device: str | None) -> Encoder:
    """The encoder by name; where the built-in one is damaged, what stands for it."""
    try:
        return load_encoder(name, device=device)
    except ModelError as fault:
        if name is not None:
            raise
        return AbsentEncoder(str(fault))


def _refused(answer: Answer, selection: Selection, scope: Scope) -> Answer:
    """An answer that abstains, with the nearest notes; what could not be held to comes first."""
    text, why = abstention(answer.question, selection, answer.hits)
    mark = "；" if has_han(scope.question) else "; "
    return replace(answer, text=text, reason=mark.join((*scope.notices, answer.reason or why)))


class _Clock:
    """Wall time of the stages, in milliseconds."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._laps[stage] = round(1000 * (now - self._last), 2)
        self._last = now

    def done(self) -> dict[str, float]:
        return {**self._laps, "total": round(1000 * (time.perf_counter() - self._start), 2)}


def _sound(text: str, limit: int, what: str, *, strip: bool = True) -> str:
    """The text, if it can be worked on; half of a pair of surrogates becomes U+FFFD."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    plain = text.strip() if strip else text
    if not plain.strip():
        raise ConfigError(f"The {what} is empty. Write a few words.")
    if len(plain) > limit:
        raise ConfigError(
            f"The {what} has {len(plain)} characters; shorten it to {limit} or fewer."
        )
    return plain
