"""The index of a vault: kept fresh with its notes, and asked by words, by meaning and by id.

Readers stay on the generation they began with. Knows passages and scores; does not know how
scores are fused or what an answer is, nor how a refresh works (`refresh`). Called by `assistant`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from corpus import protocol
from corpus.bm25 import Terms
from corpus.caches import Caches
from corpus.chunking import DEFAULT_SIZE
from corpus.encoder import StaticEncoder
from corpus.errors import IndexBusy
from corpus.fingerprints import encoder_of
from corpus.lexical import Lexical
from corpus.links import Link, LinkTable, NamedNote, target_key
from corpus.phrases import keys, pattern
from corpus.protocol import IndexStatus
from corpus.queries import Queries, QueryVectors
from corpus.refresh import Refresh
from corpus.rows import IndexDamaged, NoteRow
from corpus.store import Store
from corpus.tables import Reader
from corpus.text import fold
from corpus.types import Chunk, Note, RefreshReport
from corpus.work import NoteSource, Progress

if TYPE_CHECKING:
    from corpus.encoder import Encoder

__all__ = ["Index", "IndexStatus", "NoteSource", "Snapshot"]


class Snapshot:
    """One generation of the index, the same for as long as it is open.

    Made by `Index.snapshot`; not to be used after its `with` block.

    Attributes:
        encoder: of queries; the one that the vectors come from, where it can be had.
    """

    def __init__(
        self,
        reader: Reader,
        caches: Caches,
        queries: QueryVectors,
    ) -> None:
        self._reader = reader
        self._caches = caches
        self._vector_of = queries.vector_of
        self.encoder = queries.encoder

    @property
    def generation(self) -> int:
        """Number of the last change, 0 before the first."""
        return self._reader.generation

    @property
    def n_notes(self) -> int:
        """Number of notes."""
        return self._reader.counts()[0]

    @property
    def n_chunks(self) -> int:
        """Number of passages."""
        return len(self._lexical)  # the store would have to count them

    @property
    def reach(self) -> int:
        """All passages: none is shut out before it is looked at."""
        return self.n_chunks

    def narrowed(self, wanted: protocol.Narrowing) -> Snapshot:
        """Itself: a deep search costs little here, and who asks looks at each note."""
        return self

    def candidates(self, terms: Terms, query: str, depth: int) -> tuple[list[int], list[int]]:
        """See `protocol.Snapshot.candidates`."""
        found = self.nearest(query, depth)
        return [i for i, _ in self.bm25(terms, depth)], [i for i, score in found if score > 0]

    def bm25(self, terms: Terms, k: int) -> list[tuple[int, float]]:
        """See `protocol.Snapshot.bm25`."""
        return self._lexical.top(terms, k)

    def score_bm25(self, terms: Terms, ids: Sequence[int]) -> list[float]:
        """BM25 scores of these chunks, in their order; 0 where no term occurs."""
        return self._lexical.scores(terms, ids)

    def holds(self, terms: Sequence[str], ids: Sequence[int]) -> NDArray[np.bool_]:
        """Which of these chunks hold which terms, of shape (terms, chunks)."""
        return self._lexical.holds(terms, ids)

    def idf(self, term: str) -> float:
        """Weight of a term; largest for one that occurs nowhere."""
        return self._lexical.idf(term)

    def df(self, term: str) -> int:
        """Number of passages that hold a term."""
        return self._lexical.df(term)

    def nearest(self, query: str, k: int) -> list[tuple[int, float]]:
        """See `protocol.Snapshot.nearest`."""
        vector = self._vector_of(query)
        return [] if vector is None else self._caches.neighbours(self._reader).nearest(vector, k)

    def cosine(self, query: str, ids: Sequence[int]) -> list[float]:
        """Cosines of these chunks with a query, in their order; 0 where there is no vector."""
        vector = self._vector_of(query)
        if vector is None:
            return [0.0] * len(ids)
        known, matrix = self._caches.vectors(self._reader, ids)
        if not len(known):
            return [0.0] * len(ids)
        cosines = np.clip(matrix @ vector, -1.0, 1.0)
        wanted = np.asarray(ids, np.int64)
        at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        found: list[float] = np.where(known[at] == wanted, cosines[at], 0.0).tolist()
        return found

    def tokens(self, ids: Sequence[int]) -> list[NDArray[np.intp] | None]:
        """See `protocol.Snapshot.tokens`."""
        encoder = self.encoder
        if not isinstance(encoder, StaticEncoder) or encoder.fingerprint != encoder_of(
            self._reader
        ):
            return [None] * len(ids)
        kept = self._reader.tokens(ids)
        return [encoder.known_tokens(kept.get(int(i))) for i in ids]

    def holding(self, phrase: str, *, at_most: int | None = None) -> list[int]:
        """See `protocol.Snapshot.holding`."""
        wanted = pattern(phrase)
        near = self._lexical.containing(keys(phrase))
        if at_most is not None and len(near) > at_most:
            return []
        by_note: dict[str, list[Chunk]] = defaultdict(list)
        for chunk in self._reader.chunks(near.tolist()):
            by_note[chunk.note].append(chunk)
        found: list[int] = []
        for path, chunks in by_note.items():
            text = fold(self._reader.note(path).text)
            found += [c.id for c in chunks if wanted.search(text[c.start : c.end])]
        return sorted(found)

    def has_name(self, word: str) -> bool:
        """Whether a title, alias or tag of the notes holds a folded word."""
        return word in self._caches.names(self._reader)

    def has_heading(self, word: str, *, at_most: int) -> bool:
        """Whether a heading holds a folded word; false where more passages may hold it."""
        every = self._caches.headings(self._reader)
        if every is not None and word not in every:
            return False
        near = self._lexical.containing(keys(word))
        if len(near) > at_most:
            return False
        chunks = self._reader.chunks(near.tolist())
        return any(word in fold(title) for chunk in chunks for title in chunk.heading)

    def chunks(self, ids: Sequence[int]) -> list[Chunk]:
        """The chunks of these ids, in their order; an id that is gone is left out."""
        return self._reader.chunks(ids)

    def chunks_of(self, path: str) -> list[Chunk]:
        """The chunks of one note, in the order of its text."""
        return self._reader.chunks_of(path)

    def note(self, path: str) -> Note:
        """See `protocol.Snapshot.note`."""
        return self._caches.note(self._reader, path)

    def notes(self) -> Iterator[Note]:
        """All notes with their text, by path."""
        return self._reader.notes()

    def listing(self) -> list[NoteRow]:
        """All notes without their text, by path."""
        return self._reader.listing()

    def links(self, path: str) -> list[Link]:
        """The links of a note in the order of its text, each with the note it leads to."""
        table = self._link_table
        return [replace(link, to=table.resolve(link)) for link in self._reader.links_of(path)]

    def backlinks(self, path: str) -> list[Link]:
        """The links of other notes that lead to a note, by note and place."""
        table = self._link_table
        row = next((row for row in self._named if row.path == path), None)
        if row is None:
            return []
        names = {target_key(name) for name in (row.path, row.file, *row.aliases)}
        names |= {target_key(row.path.rpartition("/")[0]), fold(row.path.partition("#")[2])}
        leading = [
            replace(link, to=path)
            for link in self._reader.links_to(names - {""})
            if link.note != path and table.resolve(link) == path
        ]
        return sorted(leading, key=lambda link: (link.note, link.start))

    @cached_property
    def _lexical(self) -> Lexical:
        return self._caches.bm25(self._reader)

    @cached_property
    def _named(self) -> list[NamedNote]:
        return self._reader.named()

    @cached_property
    def _link_table(self) -> LinkTable:
        return LinkTable(self._named)


class Index(protocol.Index):
    """The index of one vault, in one folder. Threads may share it for reading.

    Each method reads the newest generation; several that must agree (scores, chunks and their
    notes) are asked of one `snapshot()`, which has the same methods.
    """

    def __init__(
        self,
        store: Store,
        *,
        encoder: Encoder,
        chunk_size: int,
        earlier: Callable[[str], Encoder] | None = None,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._queries = Queries(encoder, earlier)
        self._chunk_size = chunk_size
        self._caches = Caches(store.folder)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        encoder: Encoder,
        chunk_size: int = DEFAULT_SIZE,
        earlier: Callable[[str], Encoder] | None = None,
    ) -> Index:
        """Open the index in a folder; an empty one is begun if there is none.

        A damaged database is set aside with a warning: the next refresh builds it again. With
        another encoder, tokenizer, chunker or chunk size than last time, the next refresh
        makes anew what they made.

        Args:
            folder: of this index alone, outside the vault.
            encoder: for passages and queries.
            chunk_size: most characters of a passage.
            earlier: loads an encoder by name. With it, an index whose vectors come from another
                encoder is searched by that one until the next refresh is through; without it, or
                where it raises ModelError, by words alone.

        Raises:
            IndexError_: the folder cannot be used.
        """
        return cls(Store.open(folder), encoder=encoder, chunk_size=chunk_size, earlier=earlier)

    def close(self) -> None:
        """Close the database. Closing twice is harmless."""
        self._store.close()

    def refresh(
        self,
        vault: NoteSource,
        *,
        progress: Progress | None = None,
        encoding: Progress | None = None,
        rebuild: bool = False,
        forget: bool = True,
    ) -> RefreshReport:
        """See `protocol.Index.refresh`.

        Files of unchanged size and modification time are not read; passages whose title,
        headings and text are unchanged keep their vectors and ids, wherever they moved. All
        changes appear at once, as one generation; interrupted, none does, and what was encoded
        until then is used by the next run.
        """
        for _ in range(2):
            try:
                return Refresh(
                    self._store, self._caches, self._encoder, self._chunk_size, vault
                ).run(progress=progress, rebuild=rebuild, encoding=encoding, forget=forget)
            except IndexDamaged as fault:
                self._store.set_aside(str(fault))
        raise IndexDamaged(f"the database in {self._store.folder} is damaged again and again")

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The newest generation, unchanged while the block runs.

        Raises:
            IndexDamaged: its pages are; they are set aside, so that the next refresh heals it.
        """
        try:
            with self._store.reading() as reader:
                made_by, name = encoder_of(reader), reader.meta("encoder_name") or ""
                yield Snapshot(reader, self._caches, self._queries.made_by(made_by, name))
        except IndexDamaged as fault:
            with suppress(IndexBusy):  # who writes will find it, too
                self._store.set_aside(str(fault))
            raise IndexDamaged(f"{fault}; it is built again from the notes: try again") from fault

    @property
    def is_migrating(self) -> bool:
        """Whether it holds vectors of another encoder, which the next refresh replaces."""
        try:
            with self._store.reading() as reader:
                return encoder_of(reader) not in {None, self._encoder.fingerprint}
        except IndexDamaged:  # the next refresh builds all of it again
            return False

    def status(self) -> IndexStatus:
        """The index in figures."""
        with self._store.reading() as reader:
            n_notes, n_chunks, n_chars = reader.counts()
            return IndexStatus(
                root=reader.meta("root"),
                n_notes=n_notes,
                n_chunks=n_chunks,
                n_chars=n_chars,
                skipped=reader.skipped(),
                generation=reader.generation,
                updated_at=reader.meta("updated_at"),
                encoder=reader.meta("encoder_name"),
                size_bytes=_folder_bytes(self._store.folder),
            )


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.iterdir():
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # a cache of an older generation, just removed
            continue
    return total
