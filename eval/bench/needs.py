"""What so many passages need on Milvus: arithmetic on measured figures and stated assumptions.

Knows sizes and prices; measures nothing (`demands`) and writes no page (`sizing`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = [
    "CACHE_RATIO", "DEGREE", "DISK_MONTH", "FILL", "GIB_MONTH", "NODE_GIB", "PER_SHARD", "PQ_RATIO",
    "Figures", "Need", "needed",
]  # fmt: skip

_GIB = 1 << 30

# Assumptions, not measured here. Milvus' defaults are those of its milvus.yaml.
FILL = 0.7  # share of a query node's memory that data may take; Milvus refuses more than 0.9
NODE_GIB = 64
PQ_RATIO, CACHE_RATIO, DEGREE = 0.125, 0.10, 56  # of DISKANN
PER_SHARD = 10**8
_COPIES = 3  # in object storage: segments, their indexes, and what compaction has not yet removed
GIB_MONTH, DISK_MONTH = 4.0, 0.1  # US dollars: memory with its share of cores; fast disk


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
        memory = max(self.nodes * NODE_GIB if self.nodes > 1 else self.memory / FILL, 1.0)
        return memory * GIB_MONTH + (self.disk + self.stored * _COPIES / 4) * DISK_MONTH


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
        "DISKANN": raw * (PQ_RATIO + CACHE_RATIO),
    }
    if index not in per_vector:
        raise ValueError(f"index is one of {', '.join(per_vector)}, got {index!r}")
    sparse = 8.0 * figures.n_terms
    # texts are mapped from disk where the vectors are, too; keys and filters stay in memory
    is_mapped = index == "DISKANN"
    mapped = figures.scalar_bytes * (0.9 if is_mapped else 0.0)
    on_disk = (raw + 4.0 * DEGREE if is_mapped else 0.0) + mapped + figures.text_bytes
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
        nodes=max(1, math.ceil(total / (FILL * NODE_GIB))),
        shards=min(16, max(1, math.ceil(n_chunks / PER_SHARD))),
        core_hours=n_chunks * figures.cpu_ms / 3_600_000,
    )
