from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from corpus.ann import ExactIndex, GraphIndex, Neighbours

DIM = 48


def vectors(n: int, seed: int = 0, dim: int = DIM) -> NDArray[np.float32]:
    """Unit vectors in loose clusters, as passages are."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(1, n // 50), dim))
    found = centres[rng.integers(0, len(centres), n)] + 0.7 * rng.normal(size=(n, dim))
    unit: NDArray[np.float32] = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(
        np.float32
    )
    return unit


def ids_of(n: int) -> NDArray[np.int64]:
    return np.arange(n, dtype=np.int64) * 2 + 11


def exact(
    ids: NDArray[np.int64], matrix: NDArray[np.float32], query: NDArray[np.float32], k: int
) -> list[int]:
    order = np.argsort(-(matrix @ query), kind="stable")[:k]
    return [int(id_) for id_ in ids[order]]


def recall(index: Neighbours, ids: NDArray[np.int64], matrix: NDArray[np.float32]) -> float:
    queries = vectors(60, seed=9, dim=matrix.shape[1])
    hits = [
        len({id_ for id_, _ in index.nearest(query, 10)} & set(exact(ids, matrix, query, 10)))
        for query in queries
    ]
    return sum(hits) / (10 * len(queries))


def test_the_graph_finds_what_an_exact_scan_finds() -> None:
    ids, matrix = ids_of(6000), vectors(6000)
    assert recall(GraphIndex.build(ids, matrix), ids, matrix) >= 0.98


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_graph_finds_it_among_twenty_thousand() -> None:
    ids, matrix = ids_of(20_000), vectors(20_000, dim=128)
    assert recall(GraphIndex.build(ids, matrix), ids, matrix) >= 0.98


def test_the_exact_index_agrees_with_a_scan() -> None:
    ids, matrix = ids_of(500), vectors(500)
    index = ExactIndex(ids, matrix)
    assert len(index) == 500
    for query in vectors(20, seed=3):
        found = index.nearest(query, 7)
        assert [id_ for id_, _ in found] == exact(ids, matrix, query, 7)
        for id_, cosine in found:
            assert cosine == pytest.approx(float(matrix[(id_ - 11) // 2] @ query), abs=1e-5)


@pytest.mark.parametrize("kind", ["exact", "graph"])
def test_zero_vectors_are_near_to_nothing(kind: str) -> None:
    matrix = vectors(40)
    matrix[7] = 0
    ids = ids_of(40)
    index: Neighbours = (
        ExactIndex(ids, matrix) if kind == "exact" else GraphIndex.build(ids, matrix)
    )
    assert len(index) == 39
    assert index.nearest(np.zeros(DIM, np.float32), 5) == []
    found = index.nearest(matrix[0], 1000)
    assert len(found) == 39
    assert 7 * 2 + 11 not in dict(found)
    assert index.nearest(matrix[0], 0) == []
    assert found[0] == (11, pytest.approx(1.0, abs=1e-6))
    assert max(cosine for _, cosine in found) <= 1.0


def test_equal_vectors_are_ordered_by_id() -> None:
    matrix = np.repeat(vectors(1), 5, axis=0)
    assert [id_ for id_, _ in ExactIndex(ids_of(5), matrix).nearest(matrix[0], 5)] == [
        11,
        13,
        15,
        17,
        19,
    ]


def test_an_empty_index_finds_nothing() -> None:
    index = ExactIndex(np.empty(0, np.int64), np.empty((0, 0), np.float32))
    assert len(index) == 0
    assert index.nearest(vectors(1)[0], 5) == []
    with pytest.raises(ValueError, match="at least one vector"):
        GraphIndex.build(ids_of(1), np.zeros((1, DIM), np.float32))
    with pytest.raises(ValueError, match="2 ids for 3 vectors"):
        ExactIndex(ids_of(2), vectors(3))


def test_the_same_vectors_give_the_same_graph(tmp_path: Path) -> None:
    for name in ("a", "b"):
        GraphIndex.build(ids_of(300), vectors(300)).save(tmp_path / f"{name}.bin", stamp="s")
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()


def test_deleted_chunks_are_found_no_more_and_new_ones_are(tmp_path: Path) -> None:
    ids, matrix = ids_of(2000), vectors(2000)
    graph = GraphIndex.build(ids[:1000], matrix[:1000])
    graph.mark_deleted(ids[:300].tolist())
    assert not graph.is_worn
    graph.add(ids[1000:], matrix[1000:])
    assert graph.ids == set(ids[300:].tolist())
    assert len(graph) == 1700
    assert recall(graph, ids[300:], matrix[300:]) >= 0.98
    graph.save(tmp_path / "g.bin", stamp="2-x")
    loaded = GraphIndex.load(tmp_path / "g.bin", stamp="2-x")
    assert loaded is not None
    assert loaded.ids == graph.ids
    for query in vectors(20, seed=5):
        assert loaded.nearest(query, 10) == graph.nearest(query, 10)
    loaded.mark_deleted(ids[300:700].tolist())
    assert loaded.is_worn
    loaded.add(np.array([99_999], np.int64), vectors(1, seed=77))
    assert loaded.nearest(vectors(1, seed=77)[0], 1)[0][0] == 99_999


def test_few_left_among_many_deleted_are_still_found() -> None:
    ids, matrix = ids_of(800), vectors(800)
    graph = GraphIndex.build(ids, matrix)
    graph.mark_deleted(ids[5:].tolist())
    assert {id_ for id_, _ in graph.nearest(matrix[0], 10)} <= set(ids[:5].tolist())


def test_a_torn_changed_or_foreign_graph_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "g.bin"
    GraphIndex.build(ids_of(200), vectors(200)).save(path, stamp="1-a")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["g.bin", "g.json"]
    whole, head = path.read_bytes(), path.with_suffix(".json").read_bytes()
    assert GraphIndex.load(path, stamp="2-a") is None
    for cut in range(0, len(whole), len(whole) // 15):
        path.write_bytes(whole[:cut])
        assert GraphIndex.load(path, stamp="1-a") is None
    for at in range(0, len(whole), len(whole) // 30):  # a changed byte ends hnswlib's process
        changed = bytearray(whole)
        changed[at] ^= 64
        path.write_bytes(changed)
        assert GraphIndex.load(path, stamp="1-a") is None
    path.write_bytes(whole)
    for bad in (b"", b"{}", b"[]", head[:-5], head.replace(b'"dim"', b'"dam"')):
        path.with_suffix(".json").write_bytes(bad)
        assert GraphIndex.load(path, stamp="1-a") is None
    path.with_suffix(".json").write_bytes(head)
    assert GraphIndex.load(path, stamp="1-a") is not None
    path.unlink()
    assert GraphIndex.load(path, stamp="1-a") is None
