"""What the stages of `assistant` hand to each other, and what its faces show.

Offsets are half-open code points: of `Note.text` in citations and evidence, of `Answer.text` (or of
the checked text) in claims. `note.text[start:end] == quote` always holds. Knows what a note and a
passage are, and no stage.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from corpus.types import Chunk, Note

__all__ = [
    "LIKELY",
    "Answer",
    "Checked",
    "Citation",
    "Claim",
    "Disagreement",
    "Evidence",
    "Hit",
    "MarkerChange",
    "Place",
    "Rewrite",
    "Scores",
    "Verdict",
]


class Verdict(StrEnum):
    """What the notes say of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNSUPPORTED = "unsupported"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Why a hit ranks where it does; higher is better; None where a stage did not run.

    Attributes:
        bm25: Okapi BM25 of the chunk for the query's terms, at least 0.
        cosine: of the query's and the chunk's vectors, in [-1, 1].
        rrf: the fused score, in (0, 1].
        rerank: the reranker's score.
    """

    bm25: float | None = None
    cosine: float | None = None
    rrf: float | None = None
    rerank: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a passage stands: a note and the line of its file."""

    note: str
    title: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk that was found, with its note. `text == note.text[chunk.start:chunk.end]`.

    Attributes:
        note: the note it stands in.
        chunk: its place; of a hit made of neighbours, the place of all of them.
        score: in [0, 1], comparable among the hits of one query.
        scores: why it ranks where it does.
        also: where copies of it stand that are not shown.
    """

    note: Note
    chunk: Chunk
    score: float
    scores: Scores
    also: tuple[Place, ...] = ()

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(note=self.note.path, title=self.note.title, line=self.chunk.line)

    @property
    def text(self) -> str:
        """The passage, exactly as it stands in the note."""
        return self.note.text[self.chunk.start : self.chunk.end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A span of a note on which a verdict rests."""

    note: str
    title: str
    start: int
    end: int
    line: int
    quote: str
    date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A marker of the answer and the span it stands for; markers count from 1."""

    marker: int
    note: str
    title: str
    heading: tuple[str, ...]
    start: int
    end: int
    line: int
    quote: str
    date: str | None = None


LIKELY = 0.5  # from this score on, what is not called supported more likely is than not


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A checkable statement of a text, with its verdict.

    Attributes:
        text: exactly `answer.text[start:end]` (or of the checked text).
        score: probability that the notes support the claim, in [0, 1].
        citations: markers the claim carries and that support it.
        evidence: the span that decided the verdict, None when nothing comes near.
        reason: why, in words for a person, in the language of the claim.
        decided_by: "" for the built-in check, else the model whose word decided.
    """

    text: str
    start: int
    end: int
    verdict: Verdict
    score: float
    citations: tuple[int, ...] = ()
    evidence: Evidence | None = None
    reason: str = ""
    decided_by: str = ""

    @property
    def is_likely(self) -> bool:
        """Whether the notes more likely support it than not, though it is not called supported."""
        return self.verdict is Verdict.UNSUPPORTED and self.score >= LIKELY and bool(self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerChange:
    """A marker of a chat model that does not stand in the answer as it was written.

    Attributes:
        sentence: that carried it, "" for none.
        marker: as the model wrote it.
        action: "removed" or "repointed".
        to: the markers that stand there now.
        reason: why, in words for a person.
    """

    sentence: str
    marker: str
    action: str
    to: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A sentence without support that was written once more from evidence.

    Attributes:
        before: as it stood.
        after: what stands there now: `before` if the new one had no support either, "" if the
            evidence holds nothing about it and the sentence was taken out.
    """

    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Two statements of the notes that cannot both hold."""

    claim_a: Claim
    claim_b: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A checked answer, or an abstention with its reason.

    Attributes:
        searched: the queries that were searched: the completed question, and the one as typed
            behind it where they differ.
        text: the answer with its markers, `[1]`, after each sentence.
        abstained: whether the notes do not answer; `text` then names the nearest notes.
        reason: why it abstained, or why it is not the answer that was asked for (a chat model
            that did not answer); None otherwise.
        generator: "extractive" or the name of the chat model.
        hits: the passages it was made from, best first.
        timings_ms: wall time per stage in milliseconds.
        confidence: probability that the notes answer, in [0, 1], by which it abstains or not;
            None where nothing weighed it.
        notices: what a person should know of the search, such as a phrase that no note holds.
        marker_changes: what the check did to the markers of a chat model.
        rewrites: sentences that were rewritten on request.
    """

    question: str
    searched: tuple[str, ...]
    text: str
    abstained: bool
    reason: str | None
    generator: str
    citations: tuple[Citation, ...] = ()
    claims: tuple[Claim, ...] = ()
    notes_disagree: tuple[Disagreement, ...] = ()
    hits: tuple[Hit, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    confidence: float | None = None
    notices: tuple[str, ...] = ()
    marker_changes: tuple[MarkerChange, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A text with its claims, in order of appearance."""

    text: str
    claims: tuple[Claim, ...]
