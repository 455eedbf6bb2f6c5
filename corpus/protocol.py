"""The one interface through which notes are searched, whatever holds them.

`Index` opens generations, `Snapshot` is one of them: passages by words, by meaning and by id, and
their notes. `corpus.index` keeps them in a folder, `corpus.milvus` in a Milvus database. Knows
neither of them, nor ranks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from corpus.bm25 import Terms
    from corpus.encoder import Encoder
    from corpus.links import Link
    from corpus.rows import NoteRow
    from corpus.types import Chunk, Note, RefreshReport, Skipped
    from corpus.work import NoteSource, Progress

__all__ = ["Frequencies", "Index", "IndexStatus", "Narrowing", "Snapshot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStatus:
    """The index in figures.

    Attributes:
        root: the vault last indexed, or None before the first refresh.
        n_notes: notes.
        n_chunks: passages.
        n_chars: code points of all notes.
        skipped: what was not indexed, and why.
        generation: number of the last change, 0 before the first.
        updated_at: its time, ISO 8601 with UTC offset, or None.
        encoder: name of the encoder the vectors come from, or None.
        size_bytes: of all files of the index.
    """

    root: str | None
    n_notes: int
    n_chunks: int
    n_chars: int
    skipped: tuple[Skipped, ...]
    generation: int
    updated_at: str | None
    encoder: str | None
    size_bytes: int


class Narrowing(Protocol):
    """Which notes may be found, as far as an index may use it: see `assistant.filters.Filters`."""

    @property
    def folder(self) -> str | None:
        """Path prefix or glob inside the vault."""
        ...

    @property
    def tag(self) -> str | None:
        """Tag without `#`, nested tags included."""
        ...

    @property
    def since(self) -> str | None:
        """First ISO date, year or month."""
        ...

    @property
    def until(self) -> str | None:
        """Last ISO date, year or month."""
        ...

    @property
    def title(self) -> str | None:
        """Part of the title or of an alias."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """Names of the only notes."""
        ...

    @property
    def also(self) -> Sequence[Narrowing]:
        """Further ones, all of which hold."""
        ...


class Frequencies(Protocol):
    """How rare a term is in the notes; a snapshot says it, and an index."""

    def idf(self, term: str, /) -> float:
        """Weight of a term; largest for one that occurs nowhere."""
        ...

    def df(self, term: str, /) -> int:
        """Number of passages that hold a term."""
        ...


class Snapshot(Frequencies, Protocol):
    """One generation of an index, the same for as long as it is open.

    Made by `Index.snapshot`; not to be used after its `with` block.
    """

    @property
    def encoder(self) -> Encoder:
        """Of queries; the one that the vectors come from, where it can be had."""
        ...

    @property
    def generation(self) -> int:
        """Number of the last change, 0 before the first."""
        ...

    @property
    def n_notes(self) -> int:
        """Number of notes."""
        ...

    @property
    def n_chunks(self) -> int:
        """Number of passages."""
        ...

    @property
    def reach(self) -> int:
        """How deep a search may be worth while, where a shallower one found too little."""
        ...

    def narrowed(self, wanted: Narrowing) -> Snapshot:
        """The same generation; its searches need not find notes that `wanted` shuts out.

        They may find them all the same: who asks looks at each note.
        """
        ...

    def candidates(self, terms: Terms, query: str, depth: int) -> tuple[list[int], list[int]]:
        """The passages that words and meaning find.

        Args:
            terms: of the query, weighted.
            query: its words, to be encoded.
            depth: how many each of the two gives at most.

        Returns:
            Chunk ids by BM25, and by cosine, best first; scores above 0 only.
        """
        ...

    def bm25(self, terms: Terms, k: int) -> list[tuple[int, float]]:
        """The passages that share most with a list of terms; a term said twice counts twice.

        Returns:
            At most `k` pairs of chunk id and BM25 score, best first, ties by id; scores above 0.
        """
        ...

    def score_bm25(self, terms: Terms, ids: Sequence[int]) -> list[float]:
        """BM25 scores of these chunks, in their order; 0 where no term occurs."""
        ...

    def holds(self, terms: Sequence[str], ids: Sequence[int]) -> NDArray[np.bool_]:
        """Which of these chunks hold which terms, of shape (terms, chunks)."""
        ...

    def nearest(self, query: str, k: int) -> list[tuple[int, float]]:
        """The passages nearest in meaning to a query.

        Returns:
            At most `k` pairs of chunk id and cosine in [-1, 1], best first, ties by id. Empty if
            the query has no known token, or the vectors come from another encoder (until the
            next refresh).
        """
        ...

    def cosine(self, query: str, ids: Sequence[int]) -> list[float]:
        """Cosines of these chunks with a query, in their order; 0 where there is no vector."""
        ...

    def tokens(self, ids: Sequence[int]) -> list[NDArray[np.intp] | None]:
        """Numbers of the different tokens of these passages, as `encoder` counts them.

        None for a passage of which the index does not keep them.
        """
        ...

    def holding(self, phrase: str, *, at_most: int | None = None) -> list[int]:
        """Ids of the passages that hold a phrase to the letter (`corpus.phrases`), ascending.

        With `at_most`, none where more passages than that would have to be read.
        """
        ...

    def has_name(self, word: str) -> bool:
        """Whether a title, alias or tag of the notes holds a folded word."""
        ...

    def has_heading(self, word: str, *, at_most: int) -> bool:
        """Whether a heading holds a folded word; false where more passages may hold it."""
        ...

    def chunks(self, ids: Sequence[int]) -> list[Chunk]:
        """The chunks of these ids, in their order; an id that is gone is left out."""
        ...

    def chunks_of(self, path: str) -> list[Chunk]:
        """The chunks of one note, in the order of its text."""
        ...

    def note(self, path: str) -> Note:
        """The note of a path.

        Raises:
            CorpusError: no note of that path is in the index.
        """
        ...

    def notes(self) -> Iterator[Note]:
        """All notes with their text, by path."""
        ...

    def listing(self) -> list[NoteRow]:
        """All notes without their text, by path."""
        ...

    def links(self, path: str) -> list[Link]:
        """The links of a note in the order of its text, each with the note it leads to."""
        ...

    def backlinks(self, path: str) -> list[Link]:
        """The links of other notes that lead to a note, by note and place."""
        ...


class Index(ABC):
    """An index of notes. Threads may share it for reading.

    Each method reads the newest generation; several that must agree (scores, chunks and their
    notes) are asked of one `snapshot()`, which has the same methods.
    """

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """The newest generation, unchanged while the block runs."""

    @abstractmethod
    def refresh(
        self,
        vault: NoteSource,
        *,
        progress: Progress | None = None,
        encoding: Progress | None = None,
        rebuild: bool = False,
        forget: bool = True,
    ) -> RefreshReport:
        """Bring the index in line with a vault.

        Args:
            vault: the notes.
            progress: called with (done, total) files.
            encoding: called with (done, total) passages while they are encoded.
            rebuild: read, cut and encode everything again.
            forget: whether notes may be forgotten when more than half of them went with their
                files.

        Raises:
            CorpusError: the vault is gone.
            ManyGone: they did, and may not be.
            IndexBusy: another process is writing this index.
            IndexError_: the index cannot be written.
        """

    @abstractmethod
    def status(self) -> IndexStatus:
        """The index in figures."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the index. Closing twice is harmless."""

    @property
    @abstractmethod
    def is_migrating(self) -> bool:
        """Whether it holds vectors of another encoder, which the next refresh replaces."""

    def __enter__(self) -> Self:
        """The index itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the index."""
        self.close()

    def bm25(self, terms: Terms, k: int) -> list[tuple[int, float]]:
        """See `Snapshot.bm25`."""
        with self.snapshot() as now:
            return now.bm25(terms, k)

    def score_bm25(self, terms: Terms, ids: Sequence[int]) -> list[float]:
        """See `Snapshot.score_bm25`."""
        with self.snapshot() as now:
            return now.score_bm25(terms, ids)

    def idf(self, term: str) -> float:
        """See `Frequencies.idf`."""
        with self.snapshot() as now:
            return now.idf(term)

    def df(self, term: str) -> int:
        """See `Frequencies.df`."""
        with self.snapshot() as now:
            return now.df(term)

    def nearest(self, query: str, k: int) -> list[tuple[int, float]]:
        """See `Snapshot.nearest`."""
        with self.snapshot() as now:
            return now.nearest(query, k)

    def cosine(self, query: str, ids: Sequence[int]) -> list[float]:
        """See `Snapshot.cosine`."""
        with self.snapshot() as now:
            return now.cosine(query, ids)

    def chunks(self, ids: Sequence[int]) -> list[Chunk]:
        """See `Snapshot.chunks`."""
        with self.snapshot() as now:
            return now.chunks(ids)

    def chunks_of(self, path: str) -> list[Chunk]:
        """See `Snapshot.chunks_of`."""
        with self.snapshot() as now:
            return now.chunks_of(path)

    def note(self, path: str) -> Note:
        """See `Snapshot.note`."""
        with self.snapshot() as now:
            return now.note(path)

    def notes(self) -> Iterator[Note]:
        """All notes of one generation with their text, by path."""
        with self.snapshot() as now:
            yield from now.notes()

    def listing(self) -> list[NoteRow]:
        """See `Snapshot.listing`."""
        with self.snapshot() as now:
            return now.listing()

    def links(self, path: str) -> list[Link]:
        """See `Snapshot.links`."""
        with self.snapshot() as now:
            return now.links(path)

    def backlinks(self, path: str) -> list[Link]:
        """See `Snapshot.backlinks`."""
        with self.snapshot() as now:
            return now.backlinks(path)

    @property
    def generation(self) -> int:
        """Number of the last change, 0 before the first."""
        with self.snapshot() as now:
            return now.generation

    @property
    def n_notes(self) -> int:
        """Number of notes."""
        with self.snapshot() as now:
            return now.n_notes

    @property
    def n_chunks(self) -> int:
        """Number of passages."""
        with self.snapshot() as now:
            return now.n_chunks
