"""Nearest neighbours of a vector through hnswlib: exact for small vaults, a graph for large ones.

Knows chunk ids and unit vectors; does not know text, encoders or the store. Distances become
cosine similarities here, so that everywhere else higher is better. Zero vectors (text without
known tokens) are near to nothing and are left out.

Source: Malkov, Yashunin, "Efficient and robust approximate nearest neighbor search using
Hierarchical Navigable Small World graphs", TPAMI 2020, arXiv:1603.09320; hnswlib 0.8.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterable
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from corpus.sealing import write_atomically

__all__ = ["EXACT_LIMIT", "ExactIndex", "GraphIndex", "Neighbours"]

logger = logging.getLogger(__name__)

EXACT_LIMIT = 4096  # up to here a scan of all vectors takes under a millisecond
_M = 32  # links per node; 16 loses recall above 10,000 passages
_EF_CONSTRUCTION = 200
_SEED = 20_020
_SPARE = 1.25  # room for growth before the graph is copied to a larger one


class Neighbours(Protocol):
    """Finds the vectors nearest to another one."""

    def __len__(self) -> int:
        """Number of vectors that can be found."""
        ...

    def nearest(self, vector: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """The nearest chunks of a query vector.

        Args:
            vector: of shape (dim,), of length 1, or all zeros.
            k: how many at most; more than there are is the same as all.

        Returns:
            Pairs of chunk id and cosine in [-1, 1], best first, ties by id; none for a zero
            vector.
        """
        ...


class ExactIndex:
    """All vectors compared with the query. Threads may share it.

    Args:
        ids: chunk ids of shape (n,).
        vectors: of shape (n, dim), unit length or zero.
    """

    def __init__(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        ids, vectors = _without_zeros(ids, vectors)
        self._n = len(ids)
        self._engine: Any = None
        if self._n:
            import hnswlib

            self._engine = hnswlib.BFIndex("ip", vectors.shape[1])
            self._engine.init_index(self._n)
            self._engine.add_items(vectors, ids)

    def __len__(self) -> int:
        """Number of vectors that can be found."""
        return self._n

    def nearest(self, vector: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """See `Neighbours.nearest`; recall is 1."""
        k = min(k, self._n)
        if k < 1 or not vector.any():
            return []
        labels, distances = self._engine.knn_query(vector, k)
        return _pairs(labels[0], distances[0])


class GraphIndex:
    """A navigable small-world graph of the vectors; recall@10 against exact is at least 0.98.

    The build runs on one thread with a fixed seed: the same vectors in the same order give the
    same graph. Threads may search one graph together; nobody may search it while it changes.
    """

    def __init__(self, engine: Any, *, dim: int, deleted: Iterable[int] = ()) -> None:
        self._engine = engine
        self._dim = dim
        self._deleted = set(deleted)
        self._ef = 0
        self._ef_guard = threading.Lock()
        self._raise_ef(self._enough())

    @classmethod
    def build(cls, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> GraphIndex:
        """A graph of these vectors.

        Args:
            ids: chunk ids of shape (n,).
            vectors: of shape (n, dim), unit length or zero; at least one is not zero.
        """
        ids, vectors = _without_zeros(ids, vectors)
        if not len(ids):
            raise ValueError("a graph needs at least one vector that is not zero")
        found = cls.begun(vectors.shape[1], int(len(ids) * _SPARE))
        found.add(ids, vectors)
        return found

    @classmethod
    def begun(cls, dim: int, room: int) -> GraphIndex:
        """A graph without vectors, to be added to; `build` gives the same as all of its `add`.

        Args:
            dim: of the vectors.
            room: for how many; more are taken, at the cost of a copy now and then.
        """
        import hnswlib

        engine = hnswlib.Index("ip", dim)
        engine.init_index(max(1, room), M=_M, ef_construction=_EF_CONSTRUCTION, random_seed=_SEED)
        return cls(engine, dim=dim)

    def __len__(self) -> int:
        """Number of vectors that can be found."""
        return int(self._engine.get_current_count()) - len(self._deleted)

    @property
    def ids(self) -> set[int]:
        """Chunk ids that can be found."""
        return set(self._engine.get_ids_list()) - self._deleted

    @property
    def is_worn(self) -> bool:
        """Whether a third of the graph is deleted, so that it should be built anew."""
        return 3 * len(self._deleted) >= int(self._engine.get_current_count())

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Add vectors of chunks that were never in the graph."""
        ids, vectors = _without_zeros(ids, vectors)
        if not len(ids):
            return
        n_after = int(self._engine.get_current_count()) + len(ids)
        if n_after > self._engine.get_max_elements():
            self._engine.resize_index(int(n_after * _SPARE))
        self._engine.add_items(vectors, ids, num_threads=1)
        self._raise_ef(self._enough())

    def fit(self) -> None:
        """Leave the room that `build` leaves."""
        room = int(self._engine.get_current_count() * _SPARE)
        if room != self._engine.get_max_elements():
            self._engine.resize_index(room)

    def mark_deleted(self, ids: Iterable[int]) -> None:
        """Let chunks be found no more; their nodes stay as steps on the way to others."""
        for id_ in ids:
            if id_ not in self._deleted:
                self._engine.mark_deleted(id_)
                self._deleted.add(id_)

    def nearest(self, vector: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """See `Neighbours.nearest`; approximate."""
        k = min(k, len(self))
        if k < 1 or not vector.any():
            return []
        self._raise_ef(k)
        while k:
            try:
                labels, distances = self._engine.knn_query(vector, k, num_threads=1)
            except RuntimeError:
                # many deletions can leave fewer than k nodes within reach of the entry point
                logger.debug("graph yields fewer than %d neighbours", k)
                k //= 2
            else:
                return _pairs(labels[0], distances[0])
        return []

    def save(self, path: Path, *, stamp: str) -> None:
        """Write the graph to `path`, and a line of JSON (stamp, sha256) beside it.

        That line is followed by its own sha256.

        Raises:
            OSError: the folder cannot be written, or the disk is full.
        """
        temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        try:
            self._engine.save_index(str(temporary))
            with temporary.open("r+b") as file:
                # hnswlib does not look whether its writes succeed
                if os.fstat(file.fileno()).st_size != self._engine.index_file_size():
                    raise OSError(f"could not write all of {path.name}: is the disk full?")
                os.fsync(file.fileno())
                digest = file_digest(file, "sha256").hexdigest()
            temporary.replace(path)
        except RuntimeError as fault:  # "Cannot open file"
            raise OSError(f"cannot write {path}: {fault}") from fault
        finally:
            temporary.unlink(missing_ok=True)
        head = json.dumps(
            {"stamp": stamp, "sha256": digest, "dim": self._dim, "deleted": sorted(self._deleted)}
        ).encode("ascii")
        # a wrong dimension would have hnswlib read beyond its memory
        lines = [head, b"\n", sha256(head).hexdigest().encode("ascii"), b"\n"]
        write_atomically(path.with_suffix(".json"), lines)

    @classmethod
    def load(cls, path: Path, *, stamp: str) -> GraphIndex | None:
        """Read what `save` wrote; None if it is missing, torn, or of another stamp.

        The checksum is verified before hnswlib sees the file: a damaged one ends the process.
        """
        try:
            written, digest_of_it, end = path.with_suffix(".json").read_bytes().split(b"\n")
            if end or sha256(written).hexdigest().encode("ascii") != digest_of_it:
                return None
            head = json.loads(written)
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
            if head["stamp"] != stamp or head["sha256"] != digest:
                return None
            dim, deleted = int(head["dim"]), [int(id_) for id_ in head["deleted"]]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        import hnswlib

        engine = hnswlib.Index("ip", dim)
        try:
            engine.load_index(str(path))
        except RuntimeError as fault:  # written by another version of hnswlib
            logger.warning("cannot read %s (%s); it is built again", path.name, fault)
            return None
        return cls(engine, dim=dim, deleted=deleted)

    def _enough(self) -> int:
        # recall at a fixed ef falls as the graph grows
        n = max(1, int(self._engine.get_current_count()))
        return max(128, int(256 * (n / 10_000) ** 0.4))

    def _raise_ef(self, ef: int) -> None:
        with self._ef_guard:
            if ef > self._ef:
                self._engine.set_ef(ef)
                self._ef = ef


def _without_zeros(
    ids: NDArray[np.int64], vectors: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    if len(ids) != len(vectors):
        raise ValueError(f"{len(ids)} ids for {len(vectors)} vectors")
    kept = vectors.any(axis=1) if len(ids) else np.zeros(0, bool)
    if kept.all():
        return ids, vectors
    return ids[kept], vectors[kept]


def _pairs(labels: Any, distances: Any) -> list[tuple[int, float]]:
    cosines = np.clip(1.0 - distances.astype(np.float64), -1.0, 1.0)  # float16 rounds past 1
    pairs = zip(labels.tolist(), cosines.tolist(), strict=True)
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
