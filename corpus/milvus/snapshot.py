"""One generation of an index on Milvus: passages by words, by meaning and by id, and their notes.

The server finds passages, by words (our own terms, weighted) and by vectors, and fuses them by
reciprocal rank; what is asked about single passages is asked of it, too. Knows rows and
expressions; how rows get there is `ingest`'s to know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from corpus import protocol
from corpus.bm25 import Terms
from corpus.errors import CorpusError
from corpus.links import Link
from corpus.milvus.catalog import Build, Facts
from corpus.milvus.columns import VectorIndex
from corpus.milvus.expressions import among, equal, holding, is_exact, like, narrowing, phrase_words
from corpus.milvus.kept import Notes
from corpus.milvus.rows import CHUNK, HEAD, Placed, Row, chunk_of, head_of, note_of, numbers_of
from corpus.milvus.searching import MAX_HITS, Rows, Search
from corpus.milvus.statistics import Statistics, term_number
from corpus.phrases import keys, pattern
from corpus.queries import QueryVectors
from corpus.rows import NoteRow, storable_path
from corpus.text import fold
from corpus.types import Chunk, Note

__all__ = ["MilvusSnapshot"]

_RRF_K = 60
_IDS_AT_ONCE = 4096
_NOTE = (*HEAD, "part", "text")


class MilvusSnapshot:
    """What a database holds, as of one reading of its catalog.

    Milvus has no transactions over collections: while a note is replaced, passages of its old and
    of its new version may both be found, each with the text it was cut from.

    Attributes:
        encoder: of queries; the one that the vectors come from, where it can be had.
    """

    def __init__(
        self,
        gateway: Rows,
        facts: Facts,
        build: Build,
        statistics: Statistics,
        queries: QueryVectors,
        notes: Notes,
    ) -> None:
        self._gateway = gateway
        self._facts = facts
        self._chunks = f"{build.tag}_chunks"
        self._texts = f"{build.tag}_notes"
        self._dense = VectorIndex(build.index)
        self._statistics = statistics
        self._vector_of = queries.vector_of
        self.encoder = queries.encoder
        self._notes = notes
        self._versions: dict[str, str] = {}  # the version of a note that was seen first
        self._where = ""
        self._reach = MAX_HITS // 2
        self._bm25_of: dict[tuple[tuple[tuple[str, float], ...], int], float] = {}
        self._cosine_of: dict[tuple[str, int], float] = {}
        self._held: dict[int, set[int]] = {}  # hashed terms of the passages that were read

    @property
    def generation(self) -> int:
        """Number of the last change."""
        return self._facts.generation

    @property
    def n_notes(self) -> int:
        """Number of notes."""
        return self._facts.sums.n_notes

    @property
    def n_chunks(self) -> int:
        """Number of passages."""
        return self._facts.sums.n_chunks

    @property
    def reach(self) -> int:
        """What a server gives at once; nothing where it has shut out all that does not pass."""
        return min(self.n_chunks, self._reach)

    def narrowed(self, wanted: protocol.Narrowing) -> MilvusSnapshot:
        """The same, whose searches the server narrows; scores stay those of all notes."""
        other = copy(self)
        other._where = narrowing(wanted)
        other._reach = 0 if is_exact(wanted) else MAX_HITS // 2
        return other

    def candidates(self, terms: Terms, query: str, depth: int) -> tuple[list[int], list[int]]:
        """See `protocol.Snapshot.candidates`; one search on the server, then the scores."""
        depth = min(depth, MAX_HITS // 2)
        ids = [id_ for id_, _ in self.hybrid(terms, query, depth)]
        rankings = []
        for scores in (self.score_bm25(terms, ids), self.cosine(query, ids)):
            found = sorted(
                ((i, s) for i, s in zip(ids, scores, strict=True) if s > 0),
                key=lambda pair: (-pair[1], pair[0]),
            )
            # of all passages, the best by words and by vector come on top of those that pass
            rankings.append([i for i, _ in found[: depth + 2 * bool(self._where)]])
        return rankings[0], rankings[1]

    def hybrid(self, terms: Terms, query: str, depth: int) -> list[tuple[int, float]]:
        """What words and vectors find, fused by the server.

        Args:
            terms: of the query, weighted.
            query: its words, to be encoded.
            depth: how many each of the two gives at most.

        Returns:
            Pairs of chunk id and reciprocal rank score, best first. Where the snapshot is narrowed
            the best of all passages are among them, since scores are relative to those.
        """
        sparse, vector = self._sparse(terms), self._vector_of(query)
        searches: list[Search] = []
        for limit, where in [(depth, self._where), (1, "")][: 1 + bool(self._where)]:
            if sparse:
                searches.append(
                    Search(column="sparse", vector=sparse, k=limit, where=where, params={})
                )
            if vector is not None and vector.any():
                searches.append(self._by_vector(vector, limit, where))
        if not searches:
            return []
        return self._gateway.hybrid(self._chunks, searches, 2 * (depth + 1), damping=_RRF_K)

    def _sparse(self, terms: Terms) -> dict[int, float]:
        """The query by hashed term: how often it is said, times the idf."""
        weights = terms if isinstance(terms, Mapping) else Counter(terms)
        self._statistics.prefetch(weights)
        found: dict[int, float] = {}
        for term, times in weights.items():
            if self._statistics.df(term):
                number = term_number(term)
                found[number] = found.get(number, 0.0) + times * self._statistics.idf(term)
        return {number: weight for number, weight in found.items() if weight > 0}

    def bm25(self, terms: Terms, k: int) -> list[tuple[int, float]]:
        """See `protocol.Snapshot.bm25`."""
        sparse = self._sparse(terms)
        if k < 1 or not sparse:
            return []
        return self._by_words(sparse, k, self._where)

    def nearest(self, query: str, k: int) -> list[tuple[int, float]]:
        """See `protocol.Snapshot.nearest`."""
        vector = self._vector_of(query)
        if k < 1 or vector is None or not vector.any():
            return []
        found = self._found(self._by_vector(vector, k, self._where))
        return [(id_, min(1.0, max(-1.0, score))) for id_, score in found]

    def _by_words(self, sparse: dict[int, float], k: int, where: str) -> list[tuple[int, float]]:
        search = Search(column="sparse", vector=sparse, k=k, where=where, params={})
        return [(id_, score) for id_, score in self._found(search) if score > 0]

    def _by_vector(self, vector: NDArray[np.float32], k: int, where: str) -> Search:
        params = self._dense.search(min(k, MAX_HITS), self.n_chunks)
        return Search(column="dense", vector=vector.tolist(), k=k, where=where, params=params)

    def _found(self, search: Search) -> list[tuple[int, float]]:
        found = self._gateway.search(self._chunks, search)
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def score_bm25(self, terms: Terms, ids: Sequence[int]) -> list[float]:
        """See `protocol.Snapshot.score_bm25`."""
        weights = terms if isinstance(terms, Mapping) else Counter(terms)
        key = tuple(weights.items())
        missing = [i for i in dict.fromkeys(ids) if (key, i) not in self._bm25_of]
        sparse = self._sparse(weights) if missing else {}
        for part in _parts(missing):
            scores = dict.fromkeys(part, 0.0)
            if sparse:
                scores.update(self._by_words(sparse, len(part), among("id", part)))
            self._bm25_of.update({(key, i): scores[i] for i in part})
        return [self._bm25_of[key, i] for i in ids]

    def cosine(self, query: str, ids: Sequence[int]) -> list[float]:
        """See `protocol.Snapshot.cosine`."""
        vector = self._vector_of(query)
        if vector is None or not vector.any():
            return [0.0] * len(ids)
        missing = [i for i in dict.fromkeys(ids) if (query, i) not in self._cosine_of]
        for part in _parts(missing):
            scores = dict.fromkeys(part, 0.0)
            scores.update(self._found(self._by_vector(vector, len(part), among("id", part))))
            self._cosine_of.update({(query, i): scores[i] for i in part})
        return [min(1.0, max(-1.0, self._cosine_of[query, i])) for i in ids]

    def holds(self, terms: Sequence[str], ids: Sequence[int]) -> NDArray[np.bool_]:
        """See `protocol.Snapshot.holds`."""
        found = np.zeros((len(terms), len(ids)), np.bool_)
        if not terms or not ids:
            return found
        numbers = [term_number(term) for term in terms]
        missing = [i for i in dict.fromkeys(map(int, ids)) if i not in self._held]
        for row in self._gateway.rows_by(self._chunks, "id", missing, ["id", "numbers"]):
            self._held[int(row["id"])] = set(numbers_of(row))
        for column, id_ in enumerate(ids):
            there = self._held.get(int(id_), ())
            found[:, column] = [number in there for number in numbers]
        return found

    def idf(self, term: str) -> float:
        """Weight of a term; largest for one that occurs nowhere."""
        return self._statistics.idf(term)

    def df(self, term: str) -> int:
        """Number of passages that hold a term."""
        return self._statistics.df(term)

    def holding(self, phrase: str, *, at_most: int | None = None) -> list[int]:
        """See `protocol.Snapshot.holding`."""
        words = phrase_words(phrase) if at_most is None else keys(phrase)
        if not fold(phrase).strip():
            return []
        columns = ["id", "words", "start", "end"]
        where, wanted = holding(words), pattern(phrase)
        rows: Iterable[Row]
        if at_most is None:
            rows = self._gateway.all_rows(self._chunks, where, columns)
        else:
            rows = self._gateway.rows(self._chunks, where, columns, at_most + 1)
            if len(rows) > at_most:
                return []
        return sorted(int(row["id"]) for row in rows if wanted.search(_passage(row)))

    def tokens(self, ids: Sequence[int]) -> list[NDArray[np.intp] | None]:
        """See `protocol.Snapshot.tokens`; none are kept."""
        return [None] * len(ids)

    def has_name(self, word: str) -> bool:
        """Whether a title, alias or tag of the notes holds a folded word."""
        return bool(self._gateway.rows(self._texts, like("listed", word), ["id"], 1))

    def has_heading(self, word: str, *, at_most: int) -> bool:
        """See `protocol.Snapshot.has_heading`."""
        where = holding(keys(word))
        rows = self._gateway.rows(self._chunks, where, ["id", "headings"], at_most + 1)
        return len(rows) <= at_most and any(word in str(row["headings"]) for row in rows)

    def chunks(self, ids: Sequence[int]) -> list[Chunk]:
        """The chunks of these ids, in their order; an id that is gone is left out.

        Their notes are read along: one whose text was replaced in between is left out, too.
        """
        columns = [*CHUNK, "numbers"]  # whose words are asked for next
        rows = self._gateway.rows_by(self._chunks, "id", dict.fromkeys(map(int, ids)), columns)
        placed = []
        for row in rows:
            placed.append(chunk_of(row))
            self._held[placed[-1].chunk.id] = set(numbers_of(row))
        self._read(placed)
        found = {one.chunk.id: one.chunk for one in placed if self._fits(one)}
        return [found[int(i)] for i in ids if int(i) in found]

    def _fits(self, placed: Placed) -> bool:
        """Whether the text that a passage was cut from is at hand, and is the one in use."""
        path = placed.chunk.note
        if self._notes.get(path, placed.version) is None:
            return False
        return self._versions.setdefault(path, placed.version) == placed.version

    def _read(self, placed: Iterable[Placed]) -> None:
        """Read the notes of passages that are not in memory, in one go."""
        wanted = {
            one.chunk.note for one in placed if self._notes.get(one.chunk.note, one.version) is None
        }
        for note, version in self._versions_of(wanted):
            self._notes.put(note.path, version, note)

    def _versions_of(self, paths: Iterable[str]) -> Iterator[tuple[Note, str]]:
        rows = self._gateway.rows_by(self._texts, "note", paths, _NOTE, at_once=16)
        for _, parts in groupby(sorted(rows, key=_version), key=_version):
            same = list(parts)
            note = note_of(same)
            if note is not None:
                yield note, str(same[0]["version"])

    def chunks_of(self, path: str) -> list[Chunk]:
        """The chunks of one note, in the order of its text."""
        rows = self._gateway.all_rows(self._chunks, equal("note", storable_path(path)), CHUNK)
        placed = [chunk_of(row) for row in rows]
        self._read(placed)
        found = [one.chunk for one in placed if self._fits(one)]
        return sorted(found, key=lambda chunk: (chunk.start, chunk.id))

    def note(self, path: str) -> Note:
        """The note of a path.

        Raises:
            CorpusError: no note of that path is in the index, or not as it was a moment ago.
        """
        path = storable_path(path)
        pinned = self._versions.get(path)
        kept = self._notes.get(path, pinned) if pinned else None
        if kept is not None:
            return kept
        for note, version in self._versions_of([path]):
            if pinned in (None, version):
                self._versions[path] = version
                self._notes.put(path, version, note)
                return note
        raise CorpusError(
            f"the note {path!r} has just been changed: ask again"
            if pinned
            else f"no note {path!r} in the index"
        )

    def notes(self) -> Iterator[Note]:
        """All notes with their text, by path."""
        for row in self.listing():
            yield self.note(row.path)

    def links(self, path: str) -> list[Link]:
        """None: links between notes are not kept in a database (docs/scale.md)."""
        return []

    def backlinks(self, path: str) -> list[Link]:
        """None, as for `links`."""
        return []

    def listing(self) -> list[NoteRow]:
        """All notes without their text, by path."""
        rows = self._gateway.all_rows(self._texts, "part == 0", HEAD)
        heads = {str(row["note"]): head_of(row) for row in rows}
        return [heads[path].row for path in sorted(heads)]


def _version(row: Row) -> tuple[str, str]:
    return str(row["note"]), str(row["version"])


def _passage(row: Row) -> str:
    """The folded text of a passage, which ends what is matched by (`rows.chunk_row`)."""
    return str(row["words"])[-(int(row["end"]) - int(row["start"])) :]


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(ids), _IDS_AT_ONCE):
        yield ids[at : at + _IDS_AT_ONCE]
