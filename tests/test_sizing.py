"""What an index on Milvus needs: arithmetic on measured figures, and the page that shows it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from eval.bench.needs import needed
from eval.bench.sizing import PAGE, RESULT, page, read_figures

TYPES = ("HNSW", "HNSW_SQ", "IVF_SQ8", "DISKANN")


def test_the_page_is_written_from_the_committed_figures() -> None:
    assert page(read_figures()) in PAGE.read_text(encoding="utf-8")


def test_the_figures_are_plausible() -> None:
    figures = read_figures()
    kept = json.loads(Path(RESULT).read_text(encoding="utf-8"))
    assert kept["commit"] != "unknown"
    assert list(figures.n_chunks) == sorted(figures.n_chunks)
    assert list(figures.n_distinct) == sorted(figures.n_distinct)
    # a graph of M = 32 has up to 64 links of four bytes in its lowest layer
    assert 4 * 64 <= figures.graph_bytes < 2 * 4 * 64
    assert 10 < figures.n_terms < 500


@pytest.mark.parametrize("index", TYPES)
def test_needs_grow_with_the_passages(index: str) -> None:
    figures = read_figures()
    needs = [needed(figures, 10**n, index) for n in range(5, 10)]
    for small, large in pairwise(needs):
        for name in ("memory", "stored", "core_hours"):
            assert getattr(large, name) == pytest.approx(10 * getattr(small, name))
        assert small.counts < large.counts < 10 * small.counts
        assert large.nodes >= small.nodes
        assert 1 <= small.shards <= large.shards <= 16
        assert large.dollars > small.dollars
    assert needs[-1].nodes * 64 * 0.7 >= needs[-1].memory


def test_a_million_vectors_take_what_they_must() -> None:
    figures = read_figures()
    need = needed(figures, 1 << 30, "HNSW")
    assert need.dense_memory == pytest.approx(4 * figures.dim + figures.graph_bytes)
    assert need.sparse_memory == pytest.approx(8 * figures.n_terms)
    order = [needed(figures, 10**8, index).memory for index in TYPES]
    assert order == sorted(order, reverse=True)
    with pytest.raises(ValueError, match="index is one of"):
        needed(figures, 1, "BTREE")
