"""Texts that were handed over, as the notes that a claim is checked against.

For answers of any system with the passages they were made from, and for public sets of claims with
their context: nothing is searched outside the texts that belong to the claim. Knows no files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Self

import numpy as np

from assistant.comparing import Finding
from assistant.grounding import Checker, Search, Source, load_checker
from assistant.opinions import SecondOpinion, reviewed
from assistant.shares import Shares
from assistant.similarity import WordSimilarity
from assistant.types import Claim, Hit, Scores
from corpus.bm25 import BM25
from corpus.chunking import chunk_note
from corpus.encoder import Encoder
from corpus.errors import CorpusError
from corpus.notes import notes_from_text
from corpus.tokens import content_terms, terms
from corpus.types import Chunk, Note

__all__ = ["Contexts"]


class Contexts:
    """Many texts, each a note; a claim is checked against those that are its own.

    How rare a word is comes from all of them, as it does from all notes of a vault.

    Args:
        texts: the contexts; an equal text is kept once.
        encoder: gives the word vectors.
        load: makes the check; its trainer brings one of its own.
    """

    def __init__(
        self,
        texts: Sequence[str],
        encoder: Encoder,
        load: Callable[[Source, WordSimilarity, Search], Checker] = load_checker,
    ) -> None:
        self._paths = {text: f"context-{n}.md" for n, text in enumerate(dict.fromkeys(texts))}
        self._notes: dict[str, Note] = {}
        self._chunks: dict[str, list[Chunk]] = {}
        ids = 0
        for text, path in self._paths.items():
            for note in notes_from_text(path, text):  # none for a blank text
                named = note.title != path.removesuffix(".md")
                self._notes[path] = note if named else replace(note, title="")
                cut = [replace(c, id=ids + n) for n, c in enumerate(chunk_note(note))]
                self._chunks[path] = cut
                ids += len(cut)
        documents = (
            terms(self._notes[path].text[chunk.start : chunk.end])
            for path, cut in self._chunks.items()
            for chunk in cut
        )
        self._bm25 = BM25.build(np.arange(ids), documents)
        self._similar = WordSimilarity(encoder)
        self._own: tuple[str, ...] = ()
        self._checker = load(self, self._similar, self._search)

    def idf(self, term: str) -> float:
        """Weight of a term; largest for one that occurs nowhere."""
        return self._bm25.idf(term)

    def df(self, term: str) -> int:
        """Number of passages that hold a term."""
        return self._bm25.df(term)

    @contextmanager
    def snapshot(self) -> Iterator[Self]:
        """The contexts; they never change."""
        yield self

    def note(self, path: str) -> Note:
        """The context of a path.

        Raises:
            CorpusError: there is none.
        """
        try:
            return self._notes[path]
        except KeyError:
            raise CorpusError(f"No context is called {path!r}") from None

    def chunks_of(self, path: str) -> list[Chunk]:
        """The chunks of one context, in the order of its text."""
        return self._chunks.get(path, [])

    def path_of(self, text: str) -> str:
        """The path under which evidence names a context.

        Raises:
            CorpusError: the text was not handed over.
        """
        try:
            return self._paths[text]
        except KeyError:
            raise CorpusError(f"This context was not handed over: {text[:60]!r}") from None

    def check(
        self, text: str, own: Sequence[str], judges: Sequence[SecondOpinion] = ()
    ) -> tuple[Claim, ...]:
        """Every claim of a text with what its own contexts say of it; not for several threads.

        Args:
            text: an answer or a claim.
            own: the contexts it is judged by.
            judges: second opinions on the claims, asked in turn.

        Returns:
            Claims in order of appearance; their evidence names `path_of` a context.
        """
        self._own = tuple(self.path_of(context) for context in dict.fromkeys(own))
        return reviewed(self._checker.check(text), judges, self._checker.around)

    def findings(self, claim: str, own: Sequence[str]) -> list[Finding]:
        """What each passage that comes near says of a claim, for training."""
        self._own = tuple(self.path_of(context) for context in dict.fromkeys(own))
        return self._checker.findings(claim)

    def shares(self, claim: str, own: Sequence[str]) -> Shares:
        """How much of a claim's words its own contexts hold, for training."""
        self._own = tuple(self.path_of(context) for context in dict.fromkeys(own))
        return self._checker.shares(claim)

    def nearest(self, claim: str, own: Sequence[str]) -> tuple[str, int, int] | None:
        """Where the contexts speak of a claim, whatever they say: path, start and end."""
        self._own = tuple(self.path_of(context) for context in dict.fromkeys(own))
        found = self._checker.finding(claim)
        if found is None:
            return None
        return found.passage.note.path, found.passage.start, found.passage.end

    def _search(self, claim: str, k: int) -> list[Hit]:
        """The chunks of the claim's own contexts, those that share most with it first."""
        chunks = [chunk for path in self._own for chunk in self.chunks_of(path)]
        scores = self._bm25.scores(content_terms(claim), [chunk.id for chunk in chunks])
        order = sorted(range(len(chunks)), key=lambda i: (-scores[i], i))
        return [
            Hit(
                note=self._notes[chunks[i].note],
                chunk=chunks[i],
                score=scores[i],
                scores=Scores(bm25=scores[i]),
            )
            for i in order[:k]
        ]
