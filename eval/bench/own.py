"""youju itself, and the floor: its engines called bare, without a store, places, filters, ranking.

The floor segments with the same words, encodes with the same encoder, scores with the same BM25
arrays and hnswlib graph, and fuses ranks. What youju costs above it is what youju adds.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from assistant.pipeline import Assistant
from assistant.retrieval import retrieve, rrf
from assistant.warming import warm
from corpus.ann import EXACT_LIMIT, ExactIndex, GraphIndex, Neighbours
from corpus.bm25 import BM25
from corpus.encoder import load_encoder
from corpus.tokens import content_terms, terms
from eval import goldens
from eval.bench.harness import Passages

__all__ = ["Floor", "Fused", "Youju"]

_RECALLED = 50  # queries that are compared with an exact search


class Floor:
    """Segmentation, encoding, BM25, neighbours and reciprocal rank fusion, and nothing else."""

    can_refresh = False

    def __init__(self) -> None:
        self._encoder = load_encoder(None)
        self._ids: list[str] = []
        self._bm25 = BM25.build(np.zeros(0, np.int64), [])
        self._near: Neighbours = ExactIndex(np.zeros(0, np.int64), np.zeros((0, 1), np.float32))

    def build(self, data: Path, passages: Passages) -> None:
        """See `harness.System`."""
        self._ids = [id_ for id_, _ in passages]
        numbers = np.arange(len(passages), dtype=np.int64)
        self._bm25 = BM25.build(numbers, [terms(text) for _, text in passages])
        vectors = self._encoder.encode_passages([text for _, text in passages])
        kind = ExactIndex if len(passages) <= EXACT_LIMIT else GraphIndex.build
        self._near = kind(numbers, vectors)

    def search(self, query: str) -> list[str]:
        """See `harness.System`."""
        lexical = self._bm25.top(content_terms(query), 100)
        dense = self._near.nearest(self._encoder.encode_queries([query])[0], 100)
        scores = rrf([[i for i, _ in lexical], [i for i, _ in dense]])
        return [self._ids[i] for i in sorted(scores, key=lambda i: (-scores[i], i))[:10]]

    def refresh(self, data: Path, passage: tuple[str, str]) -> None:
        """The floor has no way to: everything again would be the build."""

    def save(self, folder: Path) -> bool:
        """See `harness.System`."""
        self._bm25.save(folder / "bm25.bin", stamp="x")
        return False

    def load(self, folder: Path) -> None:
        """See `harness.System`."""


class Youju:
    """The product: notes read and cut, stored, searched, reranked."""

    reranked = True

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp())
        self._assistant: Assistant | None = None
        self._data = Path()

    def __del__(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self._home, ignore_errors=True)

    @property
    def _open(self) -> Assistant:
        if self._assistant is None:
            raise ValueError("build first")
        return self._assistant

    def build(self, data: Path, passages: Passages) -> None:
        """See `harness.System`."""
        self._data = data
        self._assistant = Assistant.open(data / "notes", self._home / "index")
        self._assistant.refresh()

    def search(self, query: str) -> list[str]:
        """See `harness.System`."""
        hits = retrieve(self._open.index, query, k=10, reranked=self.reranked)
        return [f"{hit.note.path}#{hit.chunk.start}-{hit.chunk.end}" for hit in hits]

    def settle(self) -> None:
        """Read the word lists, as the page and the MCP server do: they count in the memory."""
        warm(self._open)

    def refresh(self, data: Path, passage: tuple[str, str]) -> None:
        """See `harness.System`; the note keeps its change only until it is put back."""
        path = data / "notes" / passage[0].partition("#")[0]
        text = path.read_text("utf-8")
        try:
            path.write_text(text + "\nzyzzyva 4711\n", "utf-8")
            self._open.refresh()
        finally:
            path.write_text(text, "utf-8")

    def save(self, folder: Path) -> bool:
        """The index is on disk already."""
        return True

    def load(self, folder: Path) -> None:
        """See `harness.System`."""
        self._open.close()
        self._assistant = Assistant.open(self._data / "notes", self._home / "index")

    def extra(self, queries: list[str]) -> dict[str, float]:
        """Whole answers and claims, warm, and how many of the nearest passages are found."""
        if not self.reranked:
            return {}
        recall = self._recall(queries[:_RECALLED])
        for query in queries[:5]:
            self._open.ask(query)
        walls, cpus = [], []
        for query in queries[:60]:
            cpu, wall = time.process_time(), time.perf_counter()
            self._open.ask(query)
            walls.append(1000 * (time.perf_counter() - wall))
            cpus.append(1000 * (time.process_time() - cpu))
        return {
            "ask_p50_ms": float(np.percentile(walls, 50)),
            "ask_p95_ms": float(np.percentile(walls, 95)),
            "ask_cpu_p50_ms": float(np.percentile(cpus, 50)),
            "claim_cpu_p50_ms": self._claims(),
            "recall_at_10": recall,
        }

    def _claims(self) -> float:
        """A claim checked against all notes, warm: median of processor time in ms."""
        claims = [one.claim for one in goldens.claims("sample", "dev")]
        for claim in claims[:5]:
            self._open.check(claim)
        cpus = []
        for claim in claims[5:65]:
            cpu = time.process_time()
            self._open.check(claim)
            cpus.append(1000 * (time.process_time() - cpu))
        return float(np.percentile(cpus, 50))

    def _recall(self, queries: list[str]) -> float:
        """Share of the ten passages nearest to a query that the index finds, by all cosines."""
        found: list[float] = []
        with self._open.index.snapshot() as now:
            ids = [chunk.id for note in now.notes() for chunk in now.chunks_of(note.path)]
            for query in queries:
                every = zip(ids, now.cosine(query, ids), strict=True)
                nearest = sorted(every, key=lambda pair: (-pair[1], pair[0]))[:10]
                dense = set(now.candidates({}, query, 10)[1])
                found.append(len(dense.intersection(id_ for id_, _ in nearest)) / len(nearest))
        return float(np.mean(found))


class Fused(Youju):
    """The product without its reranker: the same work as the floor and the peers do."""

    reranked = False
