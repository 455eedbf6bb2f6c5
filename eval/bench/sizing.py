"""What an index on Milvus needs, from a hundred thousand passages to a thousand million.

`python -m eval.bench.sizing measure` builds vaults of three sizes, cuts and encodes them, looks at
the rows that would be sent, and asks a Milvus Lite database for what a question reads; figures go
to `eval/bench/results/sizing.json`. `python -m eval.bench.sizing` writes the tables of
docs/scale.md from them: what was measured is marked so, all else is arithmetic on stated
assumptions. Knows sizes; builds no index that is kept.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
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
from eval.bench.vaults import queries, write_vault

__all__ = ["Figures", "Need", "needed", "page", "read_figures"]

REPO = Path(__file__).resolve().parents[2]
RESULT = REPO / "eval" / "bench" / "results" / "sizing.json"
PAGE = REPO / "docs" / "scale.md"
_MARKS = ("<!-- sizing -->", "<!-- /sizing -->")
_STEPS = (300, 1000, 3000)
_QUESTIONS = 6
_SIZES = (10**5, 10**6, 10**7, 10**8, 10**9)
_TYPES = ("HNSW", "HNSW_SQ", "IVF_SQ8", "DISKANN")
_GIB = 1 << 30

# Assumptions, not measured here. Milvus' defaults are those of its milvus.yaml.
_FILL = 0.7  # share of a query node's memory that data may take; Milvus refuses more than 0.9
_NODE_GIB = 64
_PQ_RATIO, _CACHE_RATIO, _DEGREE = 0.125, 0.10, 56  # of DISKANN
_PER_SHARD = 10**8
_COPIES = 3  # in object storage: segments, their indexes, and what compaction has not yet removed
_GIB_MONTH, _DISK_MONTH = 4.0, 0.1  # US dollars: memory with its share of cores; fast disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured. Bytes are means per passage, uncompressed, unless said otherwise.

    Attributes:
        commit: of this repository.
        made_at: ISO 8601.
        machine: processor and number of cores.
        versions: of what was measured.
        n_chunks: passages of the vaults.
        n_distinct: different terms in each of them.
        dim: length of a vector.
        n_terms: terms of a passage, each counted once.
        scalar_bytes: columns of a passage besides its vectors.
        text_bytes: rows of notes per passage.
        count_bytes: of the table of counts, per different term, as sent.
        graph_bytes: links of the HNSW graph per vector (hnswlib 0.8, M = 32).
        cpu_ms: of cutting, segmenting and encoding a passage, on one core.
        calls: round trips of a question, first and next one.
        call_kib: read by a question.
        lite_cpu_ms: of a question in Milvus Lite, engine included.
    """

    commit: str
    made_at: str
    machine: str
    versions: str
    n_chunks: tuple[int, ...]
    n_distinct: tuple[int, ...]
    dim: int
    n_terms: float
    scalar_bytes: float
    text_bytes: float
    count_bytes: float
    graph_bytes: float
    cpu_ms: float
    calls: tuple[int, int]
    call_kib: float
    lite_cpu_ms: tuple[float, ...]

    def distinct(self, n_chunks: int) -> float:
        """Different terms of so many passages: the power law through the largest two vaults."""
        (n1, n2), (v1, v2) = self.n_chunks[-2:], self.n_distinct[-2:]
        power = math.log(v2 / v1) / math.log(n2 / n1)
        return float(v2 * (n_chunks / n2) ** power)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What so many passages need with one type of index. Sizes in GiB, of one copy."""

    n_chunks: int
    index: str
    dense_memory: float
    sparse_memory: float
    scalar_memory: float
    disk: float
    stored: float
    counts: float
    nodes: int
    shards: int
    core_hours: float

    @property
    def memory(self) -> float:
        """Of all query nodes together."""
        return self.dense_memory + self.sparse_memory + self.scalar_memory

    @property
    def dollars(self) -> float:
        """A month, at the assumed prices: memory of the nodes, disks and object storage."""
        memory = max(self.nodes * _NODE_GIB if self.nodes > 1 else self.memory / _FILL, 1.0)
        return memory * _GIB_MONTH + (self.disk + self.stored * _COPIES / 4) * _DISK_MONTH


def needed(figures: Figures, n_chunks: int, index: str) -> Need:
    """What so many passages need.

    Args:
        figures: what was measured.
        n_chunks: passages, at least 1.
        index: type of the index of dense vectors: HNSW, HNSW_SQ, IVF_SQ8 or DISKANN.

    Raises:
        ValueError: another type.
    """
    raw = 4.0 * figures.dim
    per_vector = {
        "HNSW": raw + figures.graph_bytes,
        "HNSW_SQ": figures.dim + figures.graph_bytes,
        "IVF_SQ8": figures.dim * 1.05,
        "DISKANN": raw * (_PQ_RATIO + _CACHE_RATIO),
    }
    if index not in per_vector:
        raise ValueError(f"index is one of {', '.join(per_vector)}, got {index!r}")
    sparse = 8.0 * figures.n_terms
    # texts are mapped from disk where the vectors are, too; keys and filters stay in memory
    is_mapped = index == "DISKANN"
    mapped = figures.scalar_bytes * (0.9 if is_mapped else 0.0)
    on_disk = (raw + 4.0 * _DEGREE if is_mapped else 0.0) + mapped + figures.text_bytes
    memory = per_vector[index] + sparse + figures.scalar_bytes - mapped
    total = n_chunks * memory / _GIB
    return Need(
        n_chunks=n_chunks,
        index=index,
        dense_memory=n_chunks * per_vector[index] / _GIB,
        sparse_memory=n_chunks * sparse / _GIB,
        scalar_memory=n_chunks * (figures.scalar_bytes - mapped) / _GIB,
        disk=n_chunks * on_disk / _GIB,
        stored=n_chunks * (raw + sparse + figures.scalar_bytes + figures.text_bytes) / _GIB,
        counts=figures.distinct(n_chunks) * figures.count_bytes / _GIB,
        nodes=max(1, math.ceil(total / (_FILL * _NODE_GIB))),
        shards=min(16, max(1, math.ceil(n_chunks / _PER_SHARD))),
        core_hours=n_chunks * figures.cpu_ms / 3_600_000,
    )


def read_figures() -> Figures:
    """The figures that are committed."""
    kept: dict[str, Any] = json.loads(RESULT.read_text("utf-8"))
    found: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
    }
    return Figures(**found)


def page(figures: Figures) -> str:
    """The part of docs/scale.md between the marks."""
    return "\n\n".join((_measured(figures), _extrapolated(figures), _assumed()))


def _measured(figures: Figures) -> str:
    sizes = ", ".join(f"{n:,}" for n in figures.n_chunks)
    terms = ", ".join(f"{n:,}" for n in figures.n_distinct)
    rows = (
        ("dense vector", f"{4 * figures.dim:,} B", f"{figures.dim} numbers of 4 bytes"),
        ("sparse vector", f"{8 * figures.n_terms:,.0f} B", f"{figures.n_terms:.0f} terms"),
        ("other columns", f"{figures.scalar_bytes:,.0f} B", "what is matched, filtered, shown"),
        ("text of the note", f"{figures.text_bytes:,.0f} B", "its share of the notes' rows"),
        ("links of the graph", f"{figures.graph_bytes:,.0f} B", "HNSW, M = 32, by hnswlib"),
        ("cut, segment, encode", f"{figures.cpu_ms:.2f} ms cpu", "one core, built-in encoder"),
        ("counts, per different term", f"{figures.count_bytes:.1f} B", "packed, as sent"),
        ("different terms", terms, f"at {sizes} passages"),
        ("a question, round trips", f"{figures.calls[0]}, then {figures.calls[1]}", "first, next"),
        ("a question, read", f"{figures.call_kib:,.0f} KiB", "passages, notes, scores"),
        (
            "a question, in Milvus Lite",
            ", ".join(f"{ms:.0f}" for ms in figures.lite_cpu_ms) + " ms cpu",
            f"engine and client, at {sizes} passages",
        ),
    )
    lines = [f"| {what} | {value} | {note} |" for what, value, note in rows]
    head = (
        f"**Measured** at {sizes} passages (commit `{figures.commit}`, {figures.made_at[:10]}, "
        f"{figures.machine}; {figures.versions}), per passage unless said otherwise:"
    )
    return "\n".join((head, "", "| | | |", "|---|---|---|", *lines))


def _extrapolated(figures: Figures) -> str:
    head = (
        "**Extrapolated**: the figures above times the number of passages. Nothing of this table "
        "was run. GiB, one copy of the data:"
    )
    lines = [
        "| passages | index | memory (dense + sparse + columns) | disk | query nodes of "
        f"{_NODE_GIB} GiB | shards | counts, MiB | core hours to index | US$ a month |",
        "|---" * 9 + "|",
    ]
    for n_chunks in _SIZES:
        for index in _TYPES:
            need = needed(figures, n_chunks, index)
            parts = (need.dense_memory, need.sparse_memory, need.scalar_memory)
            lines.append(
                f"| {n_chunks:.0e} | {index} | {_gib(need.memory)} "
                f"({' + '.join(map(_gib, parts))}) | {_gib(need.disk)} | {need.nodes} | "
                f"{need.shards} | {1024 * need.counts:,.0f} | {need.core_hours:,.1f} | "
                f"{need.dollars:,.0f} |".replace("e+0", "e")
            )
    return "\n".join((head, "", *lines))


def _assumed() -> str:
    return (
        f"**Assumed**: data takes {_FILL:.0%} of a query node's memory; DISKANN keeps "
        f"{_PQ_RATIO + _CACHE_RATIO:.1%} of the raw vectors in memory and {_DEGREE} links each on "
        "disk (Milvus' defaults), with texts mapped from disk (`mmap.enabled`, to be switched on); "
        "HNSW_SQ and IVF_SQ8 take one byte a "
        f"dimension; one shard for {_PER_SHARD:.0e} passages; different terms grow as the power "
        "law through the two largest vaults, which are recombined from the sample notes: words of "
        f"real notes grow faster; prices of {_GIB_MONTH:.0f} US$ a GiB of memory, with "
        f"its share of cores, and {_DISK_MONTH} US$ a GiB of disk a month: put in your own "
        "(`_GIB_MONTH`, `_DISK_MONTH` in `eval/bench/sizing.py`). Coordinators, message queue and "
        "replicas come on top; each replica costs the memory once more."
    ).replace("e+0", "e")


def _gib(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def write(figures: Figures) -> None:
    """Renew docs/scale.md."""
    before, _, rest = PAGE.read_text("utf-8").partition(_MARKS[0])
    behind = rest.partition(_MARKS[1])[2]
    text = f"{before}{_MARKS[0]}\n\n{page(figures)}\n\n{_MARKS[1]}{behind}"
    PAGE.write_text(text, encoding="utf-8")


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
    done = subprocess.run(["git", *args], cwd=REPO, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main() -> None:
    """Measure, if asked to, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["measure"], help="measure anew first")
    if parser.parse_args().what:
        figures = measure()
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(figures), indent=1, ensure_ascii=False)
        RESULT.write_text(text + "\n", encoding="utf-8")
    write(read_figures())


if __name__ == "__main__":
    main()
