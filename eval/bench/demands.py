"""Measures what `needs` reckons with: sizes of rows, round trips and CPU time of a question.

Builds vaults of three sizes, cuts and encodes them, looks at the rows that would be sent, and asks
a Milvus Lite database for what a question reads; some minutes. Builds no index that is kept.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from corpus.ann import GraphIndex
from corpus.chunking import chunk_note
from corpus.encoder import load_encoder
from corpus.milvus.address import MilvusAddress
from corpus.milvus.rows import chunk_row, note_rows, numbers_of
from corpus.milvus.statistics import Counts, saturated
from corpus.passages import checked_vectors, passage_key, passage_terms
from corpus.readers import Vault
from eval.bench.needs import Figures
from eval.bench.vaults import queries, write_vault

__all__ = ["measure"]

_REPO = Path(__file__).resolve().parents[2]
_STEPS = (300, 1000, 3000)
_QUESTIONS = 6


@dataclass(slots=True)
class _Seen:
    """Sums over the passages of one vault."""

    n_chunks: int = 0
    n_terms: int = 0
    scalar_bytes: int = 0
    text_bytes: int = 0
    cpu_s: float = 0.0


def _looked_at(notes: Path, encoder: Any, seen: _Seen) -> Iterator[tuple[set[int], Any]]:
    """Hashed terms and vector of each passage; sizes go to `seen`."""
    vault = Vault(notes)
    for file in vault.files():
        for note in vault.read(file):
            begun = time.process_time()
            chunks = chunk_note(note)
            terms = [passage_terms(note, chunk) for chunk in chunks]
            vectors = checked_vectors(encoder, [(note, chunk) for chunk in chunks])
            seen.cpu_s += time.process_time() - begun
            seen.text_bytes += sum(_size(row) for row in note_rows(note))
            for chunk, said, vector in zip(chunks, terms, vectors, strict=True):
                row = chunk_row(
                    note,
                    chunk,
                    version="0" * 32,
                    key=passage_key(note, chunk),
                    dense=vector.astype(np.float32),
                    sparse=saturated(said, 100.0),
                    n_terms=len(said),
                )
                numbers = set(numbers_of(row))
                seen.n_chunks += 1
                seen.n_terms += len(numbers)
                seen.scalar_bytes += _size(row)
                yield numbers, vector


def _size(row: dict[str, Any]) -> int:
    """Bytes of a row without its vectors."""
    plain = {name: v for name, v in row.items() if name not in ("dense", "sparse", "stub")}
    return sum(len(v.encode("utf-8")) if isinstance(v, str) else 8 for v in plain.values())


def _asked(
    folder: Path, encoder: Any, counted: Callable[[], _Counting]
) -> tuple[list[int], float, float]:
    """Round trips of the first and the next question, KiB read, and CPU ms of one."""
    from assistant.retrieval import retrieve
    from corpus.opening import open_index

    place = MilvusAddress(uri=str(folder / "index.db"), is_lite=True)
    with open_index(place, encoder=encoder) as index:
        index.refresh(Vault(folder / "notes"))
        counting = counted()
        trips, cpu = [], []
        for query in queries(_QUESTIONS):
            before, begun = counting.calls, time.process_time()
            retrieve(index, query)
            cpu.append(1000 * (time.process_time() - begun))
            trips.append(counting.calls - before)
        usual = [trips[0], int(np.median(trips[1:]))]
        return usual, counting.n_bytes / _QUESTIONS / 1024, float(np.median(cpu))


class _Counting:
    """Counts what is read from a database."""

    def __init__(self) -> None:
        from corpus.milvus.client import Gateway

        self.calls = self.n_bytes = 0
        for name in ("rows", "search", "hybrid"):
            setattr(Gateway, name, self._around(getattr(Gateway, name)))

    def _around(self, real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            found = real(*args, **kwargs)
            self.calls += 1
            self.n_bytes += sum(_size(r) if isinstance(r, dict) else 16 for r in found)
            return found

        return call


def measure() -> Figures:
    """Measure; some minutes."""
    encoder = load_encoder(None)
    distinct, sizes, lite = [], [], []
    seen, graph, packed = _Seen(), 0.0, 0.0
    trips, kib = [0, 0], 0.0
    counting: list[_Counting] = []

    def counted() -> _Counting:
        if not counting:
            counting.append(_Counting())
        counting[0].n_bytes = 0
        return counting[0]

    with tempfile.TemporaryDirectory() as home:
        for step in _STEPS:
            folder = Path(home) / str(step)
            write_vault(folder / "notes", step)
            seen = _Seen()
            df: dict[int, int] = {}
            vectors = []
            for numbers, vector in _looked_at(folder / "notes", encoder, seen):
                vectors.append(vector)
                for number in numbers:
                    df[number] = df.get(number, 0) + 1
            table = np.array(sorted(df.items()), np.int64)
            packed = len(Counts(table[:, 0], table[:, 1]).packed()) / len(df)
            sizes.append(seen.n_chunks)
            distinct.append(len(df))
            graph = _graph_bytes(np.stack(vectors).astype(np.float32), folder)
            trips, kib, cpu = _asked(folder, encoder, counted)
            lite.append(round(cpu, 1))
            print(f"{seen.n_chunks} passages: {cpu:.0f} ms cpu a question", file=sys.stderr)
    return Figures(
        commit=_git("rev-parse", "--short", "HEAD"),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        versions=", ".join(
            f"{name} {metadata.version(name)}" for name in ("pymilvus", "milvus-lite", "hnswlib")
        ),
        n_chunks=tuple(sizes),
        n_distinct=tuple(distinct),
        dim=encoder.dim,
        n_terms=round(seen.n_terms / seen.n_chunks, 1),
        scalar_bytes=round(seen.scalar_bytes / seen.n_chunks, 1),
        text_bytes=round(seen.text_bytes / seen.n_chunks, 1),
        count_bytes=round(packed, 2),
        graph_bytes=round(graph, 1),
        cpu_ms=round(1000 * seen.cpu_s / seen.n_chunks, 3),
        calls=(trips[0], trips[1]),
        call_kib=round(kib, 1),
        lite_cpu_ms=tuple(lite),
    )


def _graph_bytes(vectors: Any, folder: Path) -> float:
    """Bytes of a graph file per vector, beside the vector."""
    ids = np.arange(len(vectors), dtype=np.int64)
    path = folder / "graph.bin"
    GraphIndex.build(ids, vectors).save(path, stamp="sizing")
    return path.stat().st_size / len(vectors) - 4.0 * float(vectors.shape[1])


def _git(*args: str) -> str:
    done = subprocess.run(["git", *args], cwd=_REPO, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
