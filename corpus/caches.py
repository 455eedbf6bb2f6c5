"""What makes search fast and may be lost: BM25 arrays, neighbours and notes of one generation.

Arrays and graph lie in files, stamped with their generation; a missing, torn or foreign one is
made again from the store. In a large vault they serve the next generations, too, as long as little
has changed: which generation they are of the store says, and what went and came since (`layered`).
The notes read last stay in memory. Knows no ranking. Called by `index` (to read) and `refresh` (to
write).
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from corpus.ann import EXACT_LIMIT, ExactIndex, GraphIndex, Neighbours
from corpus.bm25 import BM25
from corpus.layered import Layered, LayeredNeighbours
from corpus.lexical import Lexical
from corpus.rows import Base
from corpus.tables import Reader
from corpus.text import fold
from corpus.types import Note
from corpus.writer import Writer

__all__ = ["Caches"]

logger = logging.getLogger(__name__)

_MAX_CHARS = 8_000_000  # of the notes that are kept in memory
_PAYS = 8  # queries over one generation from which holding all vectors, or headings, pays
_RENEWS = 10  # beyond a tenth of the passages, all are counted anew
# a base is made anew when more than this share of the passages went or came since, or when more
# came than are counted and compared in a moment
_WEARS, _BESIDE = 20, 1024
_HELD = 200_000  # passages whose vectors are held: 100 MB of 256 dimensions


class Caches:
    """BM25 arrays, neighbours and notes of a generation: in memory, else from file or the store.

    What is handed out is never changed afterwards, so readers of an older generation keep theirs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bm25: tuple[str, int, Lexical] | None = None
        self._arrays: tuple[str, BM25] | None = None  # of a base
        self._graph: tuple[str, GraphIndex] | None = None
        self._neighbours: tuple[str, int, Neighbours] | None = None
        self._names: tuple[str, str] = ("", "")
        self._headings: tuple[str, int, str | None] = ("", 0, None)
        self._vectors: tuple[str, int, NDArray[np.int64], NDArray[np.float16]] | None = None
        self._asked: tuple[str, int] = "", 0
        self._written: tuple[str, BM25, GraphIndex | None] | None = None
        self._bm25_guard = Lock()
        self._neighbours_guard = Lock()
        self._notes: OrderedDict[tuple[str, str], Note] = OrderedDict()
        self._held: dict[str, str] = {}  # the one stamp under which a path's note is kept
        self._n_chars = 0
        self._notes_guard = Lock()

    def note(self, reader: Reader, path: str) -> Note:
        """The note of a path, the same object while it is kept: what is made of it is found again.

        A note is kept once, for the generation that was asked for last.

        Raises:
            CorpusError: no note of that path is in the index.
        """
        key = (reader.stamp, path)
        with self._notes_guard:
            if key in self._notes:
                self._notes.move_to_end(key)
                return self._notes[key]
        note = reader.note(path)
        with self._notes_guard:
            if key in self._notes:  # another thread has read it meanwhile
                return self._notes[key]
            older = self._notes.pop((self._held.get(path, ""), path), None)
            if older is not None:
                self._n_chars -= len(older.text)
                if older == note:  # unchanged since: what was made of it stays true
                    note = older
            self._notes[key], self._held[path] = note, reader.stamp
            self._n_chars += len(note.text)
            while self._n_chars > _MAX_CHARS and len(self._notes) > 1:
                (_, gone), former = self._notes.popitem(last=False)
                self._n_chars -= len(former.text)
                del self._held[gone]
            return note

    def bm25(self, reader: Reader) -> Lexical:
        """The scores of the reader's generation."""
        with self._bm25_guard:
            if self._bm25 is not None and self._bm25[0] == reader.stamp:
                return self._bm25[2]
            base = reader.base
            found: Lexical
            arrays = self._base_arrays(base)
            if arrays is None:
                found = arrays = self._counted_anew(reader, base)
            elif base.stamp == reader.stamp:
                found = arrays
            else:
                gone = np.setdiff1d(arrays.ids, reader.passage_ids(), assume_unique=True)
                found = Layered(arrays, gone, *reader.terms(reader.ids_from(base.next_id)))
            if self._bm25 is None or self._bm25[1] <= reader.generation:
                self._bm25 = (reader.stamp, reader.generation, found)
            return found

    def _base_arrays(self, base: Base) -> BM25 | None:
        if self._arrays is None or self._arrays[0] != base.stamp:
            found = BM25.load(self._bm25_path(base.stamp), stamp=base.stamp)
            if found is None:
                return None
            self._arrays = base.stamp, found
        return self._arrays[1]

    def _counted_anew(self, reader: Reader, base: Base) -> BM25:
        """The arrays of a generation whose file is missing or torn."""
        found = BM25.build(*reader.terms())
        path = self._bm25_path(base.stamp)
        if base.stamp != reader.stamp:  # what it held nobody knows any more
            path.unlink(missing_ok=True)  # so that the next refresh sees it missing
            return found
        self._arrays = base.stamp, found
        try:
            found.save(path, stamp=reader.stamp)
        except OSError as fault:  # a cache that cannot be kept is only slower
            logger.info("cannot keep %s: %s", path.name, fault)
        return found

    def names(self, reader: Reader) -> str:
        """Titles, aliases and tags of the reader's generation, folded, one a line."""
        stamp, names = self._names
        if stamp != reader.stamp:
            rows = reader.listing()
            names = fold("\n".join(n for row in rows for n in (row.title, *row.aliases, *row.tags)))
            self._names = reader.stamp, names
        return names

    def headings(self, reader: Reader) -> str | None:
        """Headings of the reader's generation, folded, one a line; None while that does not pay."""
        stamp, times, headings = self._headings
        if stamp != reader.stamp:
            times, headings = 0, None
        if headings is None and times >= _PAYS:
            headings = fold("\n".join(reader.headings()))
        self._headings = reader.stamp, times + 1, headings
        return headings

    def neighbours(self, reader: Reader) -> Neighbours:
        """The neighbours of the reader's generation; exact while there is no whole graph."""
        with self._neighbours_guard:
            if self._neighbours is not None and self._neighbours[0] == reader.stamp:
                return self._neighbours[2]
            found: Neighbours | None = None
            if len(self.bm25(reader)) > EXACT_LIMIT:
                base = reader.base
                found = graph = self._base_graph(base)
                if graph is None:  # so that the next refresh sees it missing
                    self._graph_path(base.stamp).unlink(missing_ok=True)
                elif base.stamp != reader.stamp:
                    gone = graph.ids.difference(reader.passage_ids().tolist())
                    new = ExactIndex(*reader.vectors(reader.ids_from(base.next_id)))
                    found = LayeredNeighbours(graph, gone, new)
            if found is None:
                found = ExactIndex(*reader.vectors())
            if self._neighbours is None or self._neighbours[1] <= reader.generation:
                self._neighbours = (reader.stamp, reader.generation, found)
            return found

    def _base_graph(self, base: Base) -> GraphIndex | None:
        if self._graph is None or self._graph[0] != base.stamp:
            found = GraphIndex.load(self._graph_path(base.stamp), stamp=base.stamp)
            if found is None:
                return None
            self._graph = base.stamp, found
        return self._graph[1]

    def vectors(
        self, reader: Reader, ids: Sequence[int]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ids, ascending, and unit vectors of those of these passages that have one.

        The first queries read them from the store; who goes on asking gets them from memory,
        in halves of a float, as they are stored, unless the vault is larger than that is worth.
        """
        held = self._vectors
        if held is None or held[0] != reader.stamp:
            stamp, times = self._asked
            self._asked = reader.stamp, times + 1 if stamp == reader.stamp else 1
            if self._asked[1] <= _PAYS or len(self.bm25(reader)) > _HELD:
                return reader.vectors(ids)
            every, matrix = reader.vectors()
            held = reader.stamp, reader.generation, every, matrix.astype(np.float16)
            if self._vectors is None or self._vectors[1] <= reader.generation:
                self._vectors = held
        _, _, every, halves = held
        # in the order the store gives, so that products are the same to the last bit
        wanted = np.array(sorted(set(ids)), np.int64)
        if not len(every):
            return np.empty(0, np.int64), np.empty((0, 0), np.float32)
        at = np.minimum(np.searchsorted(every, wanted), len(every) - 1)
        known = every[at] == wanted
        return wanted[known], halves[at[known]].astype(np.float32)

    def are_whole(self, reader: Reader) -> bool:
        """Whether the files of the reader's generation are there."""
        return self._are_there(reader.base, reader)

    def _are_there(self, base: Base, reader: Reader) -> bool:
        return self._bm25_path(base.stamp).exists() and (
            reader.n_passages() <= EXACT_LIMIT or self._graph_path(base.stamp).exists()
        )

    def write(
        self,
        writer: Writer,
        *,
        before: Base,
        may_stay: bool,
        ahead: GraphIndex | None = None,
    ) -> None:
        """Write the files of the writer's generation, which readers may not see yet.

        Where little has changed since the base, it stays the base.

        Args:
            writer: of the new generation.
            before: of which generation arrays and graph lie here, which can be continued.
            may_stay: whether they may hold what is gone, and were made by the same encoder.
            ahead: the graph of the new generation, if it is there already.
        """
        if may_stay and self._serves(before, writer):
            return
        n = writer.n_passages()
        writer.put_base(Base(stamp=writer.stamp, next_id=writer.next_passage_id(), n_passages=n))
        try:
            arrays = self._arrays_now(writer, before)
            arrays.save(self._bm25_path(writer.stamp), stamp=writer.stamp)
            graph = None
            if n > EXACT_LIMIT:
                graph = ahead if ahead is not None else self._graph_now(writer, before)
                if graph is not None:
                    graph.save(self._graph_path(writer.stamp), stamp=writer.stamp)
            self._written = writer.stamp, arrays, graph
        except OSError as fault:
            logger.warning("search will be slower, its caches cannot be written: %s", fault)

    def _serves(self, base: Base, reader: Reader) -> bool:
        """Whether the files of a base serve for a generation with what has changed since."""
        n = reader.n_passages()
        if base.stamp == reader.stamp or not base.next_id or n <= EXACT_LIMIT:
            return False  # small files are written in a moment
        n_new = len(reader.ids_from(base.next_id))
        n_gone = base.n_passages - (n - n_new)
        few = n_new <= _BESIDE and _WEARS * (n_new + n_gone) <= n
        return few and base.n_passages > EXACT_LIMIT and self._are_there(base, reader)

    def _arrays_now(self, reader: Reader, before: Base) -> BM25:
        old = self._base_arrays(before)
        if old is not None:
            now = reader.passage_ids()
            gone, new = np.setdiff1d(old.ids, now), np.setdiff1d(now, old.ids)
            if _RENEWS * (len(gone) + len(new)) < len(now):
                found = old.updated(gone, *reader.terms(new.tolist()))
                if found is not None:
                    return found
        return BM25.build(*reader.terms())

    def _graph_now(self, reader: Reader, before: Base) -> GraphIndex | None:
        # a copy of our own: the graph that readers search must not change
        graph = GraphIndex.load(self._graph_path(before.stamp), stamp=before.stamp)
        if graph is not None:
            now = set(reader.chunk_ids().tolist())
            graph.mark_deleted(graph.ids - now)
            if not graph.is_worn:
                graph.add(*reader.vectors(sorted(now - graph.ids)))
                return graph
        ids, vectors = reader.vectors()
        return GraphIndex.build(ids, vectors) if len(ids) else None

    def sweep(self, base: Base) -> None:
        """Remove the files of other generations than this base, and what killed runs left.

        Called when the generation can be seen: what was written of it need not be read again.
        """
        written, self._written = self._written, None
        if written is not None and written[0] == base.stamp:
            self._arrays = base.stamp, written[1]
            if written[2] is not None:
                self._graph = base.stamp, written[2]
        kept = {path.name for path in self.files(base)}
        for pattern in ("bm25-*", "hnsw-*"):
            for path in self._folder.glob(pattern):
                if path.name not in kept:
                    try:
                        path.unlink()
                    except OSError as fault:  # in use on Windows; the next refresh removes it
                        logger.debug("cannot remove %s: %s", path.name, fault)

    def files(self, base: Base) -> tuple[Path, Path, Path]:
        """Where the files of a base lie: arrays, graph and its head, there or not."""
        graph = self._graph_path(base.stamp)
        return self._bm25_path(base.stamp), graph, graph.with_suffix(".json")

    def _bm25_path(self, stamp: str) -> Path:
        return self._folder / f"bm25-{stamp}.bin"

    def _graph_path(self, stamp: str) -> Path:
        return self._folder / f"hnsw-{stamp}.bin"
