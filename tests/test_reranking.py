from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import reranking
from assistant.reranking import FEATURES, features, rerank
from assistant.retrieval import retrieve
from assistant.types import Hit
from corpus.encoder import load_encoder
from corpus.errors import ModelError
from corpus.index import Index
from corpus.readers import Vault
from tests.fakes import HashingEncoder

NOTES = {
    "lora.md": "# LoRA\n\nLoRA 冻结预训练权重，只训练低秩矩阵。\n",
    "hnsw.md": "# HNSW\n\nHNSW 是一种图索引，用来查找最近邻。\n",
    "bat.md": "# Bats\n\nBats find their way by echolocation, even in the dark.\n",
    "long.md": "# 目录\n\n权重 矩阵 索引 图 最近邻 冻结 训练 蝙蝠 Bats HNSW LoRA。\n",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("reranking")
    (folder / "notes").mkdir()
    for path, text in NOTES.items():
        (folder / "notes" / path).write_text(text, encoding="utf-8")
    with Index.open(folder / "index", encoder=load_encoder()) as opened:
        opened.refresh(Vault(folder / "notes"))
        yield opened


def fused(index: Index, query: str) -> list[Hit]:
    return retrieve(index, query, reranked=False)


def columns(index: Index, query: str) -> dict[str, dict[str, float]]:
    """Feature by name, per note."""
    hits = fused(index, query)
    with index.snapshot() as now:
        rows = features(now, query, hits)
    assert rows.shape == (len(hits), len(FEATURES))
    assert np.isfinite(rows).all()
    return {
        hit.note.path: dict(zip(FEATURES, row.tolist(), strict=True))
        for hit, row in zip(hits, rows, strict=True)
    }


def test_a_passage_with_all_words_is_covered_and_lacks_nothing(index: Index) -> None:
    found = columns(index, "冻结预训练权重")
    assert found["lora.md"]["coverage"] == pytest.approx(1)
    assert found["lora.md"]["missing"] == 0
    assert found["lora.md"]["run_share"] == pytest.approx(1)
    assert found["lora.md"]["bigrams"] == pytest.approx(1)
    assert found["long.md"]["coverage"] < 1
    assert found["long.md"]["missing"] > 0
    assert found["long.md"]["run_share"] < 1


def test_words_of_the_other_language_count_by_their_translation(index: Index) -> None:
    found = columns(index, "echolocation weight matrix 冻结")
    assert found["lora.md"]["coverage"] > found["lora.md"]["own_coverage"] > 0
    assert found["lora.md"]["same_script"] == 1
    assert found["bat.md"]["same_script"] == 0


def test_titles_are_looked_at_by_themselves(index: Index) -> None:
    found = columns(index, "HNSW")
    assert found["hnsw.md"]["title_coverage"] == pytest.approx(1)
    assert found["hnsw.md"]["title_share"] == pytest.approx(1)
    assert found["long.md"]["title_coverage"] == 0


def test_a_passage_that_says_the_words_is_nearest_to_them(index: Index) -> None:
    found = columns(index, "echolocation in the dark")
    assert found["bat.md"]["late_share"] == pytest.approx(1)
    assert found["bat.md"]["late_low"] <= min(row["late_low"] for row in found.values())


def test_an_encoder_without_word_vectors_leaves_late_interaction_out(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text(NOTES["lora.md"], encoding="utf-8")
    with Index.open(tmp_path / "index", encoder=HashingEncoder()) as index:
        index.refresh(Vault(tmp_path / "notes"))
        found = columns(index, "LoRA 权重")
    assert [found["a.md"][name] for name in ("late", "late_share", "late_low", "late_least")] == [
        0, 0, 0, 0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "query", ["的 了 是", "LoRA", "??? LoRA ()[]{", "蝙蝠 " * 300, "ß İ 🦇 LoRA"]
)
def test_any_query_gives_finite_features_and_preferences(index: Index, query: str) -> None:
    hits = fused(index, query)
    if not hits:
        return
    columns(index, query)
    with index.snapshot() as now:
        found = rerank(now, query, hits)
    assert found.sum() == pytest.approx(1)
    assert ((found >= 0) & (found <= 1)).all()


def test_no_hits_have_no_preferences(index: Index) -> None:
    with index.snapshot() as now:
        assert rerank(now, "LoRA", []).tolist() == []


@given(st.text(alphabet="ab c", max_size=12), st.text(alphabet="ab c", max_size=30))
def test_the_longest_common_part_is_found(query: str, text: str) -> None:
    parts = {query[i:j] for i in range(len(query)) for j in range(i, len(query) + 1)}
    starts = [i for i in range(len(query) - 1) if query[i : i + 2] in text]
    assert reranking._longest(query, text, starts) == max(
        (len(p) for p in parts if p in text), default=0
    )


def test_the_best_stretch_holds_most_weight() -> None:
    found = [(0, 0), (50, 1), (200, 0), (203, 1), (206, 2)]
    best, start, pairs = reranking._window(found, [1.0, 2.0, 4.0], 20)
    assert (best, start) == (1 + 2 + 4, 200)
    assert pairs == 2 / 2


def model() -> dict[str, object]:
    n = len(FEATURES)
    zeros, ones = [0.0] * n, [1.0] * n
    return {"names": list(FEATURES), "mean": zeros, "spread": ones, "weight": ones, "prior": 2.0}


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The file of the model, to be written by the test."""
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(reranking, "files", lambda _: tmp_path)
    reranking._model.cache_clear()
    yield tmp_path / "models" / "reranker.json"
    reranking._model.cache_clear()


def test_the_weights_are_read_from_the_file(shipped: Path) -> None:
    shipped.write_text(json.dumps(model()), encoding="utf-8")
    rows = np.ones((2, len(FEATURES)), np.float32)
    rows[1, FEATURES.index("fused")] = 0.5
    assert reranking._model().scores(rows) == pytest.approx(
        [len(FEATURES), len(FEATURES) - 0.5 + 2 * np.log(0.5)]
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({**model(), "names": ["x"]}),
        json.dumps({**model(), "weight": [1.0]}),
        json.dumps({**model(), "weight": ["a"] * len(FEATURES)}),
        json.dumps({**model(), "spread": [0.0] * len(FEATURES)}),
    ],
)
def test_a_damaged_model_is_told_in_one_line(index: Index, shipped: Path, text: str) -> None:
    shipped.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"models/reranker\.json cannot be read.*install"):
        retrieve(index, "LoRA")


def test_a_missing_model_is_told_and_not_needed_without_reranking(
    index: Index, shipped: Path
) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        retrieve(index, "LoRA")
    assert retrieve(index, "LoRA", reranked=False)


def test_the_index_says_which_passages_hold_which_terms(index: Index) -> None:
    ids = [hit.chunk.id for hit in fused(index, "LoRA 冻结 蝙蝠 bats")]
    with index.snapshot() as now:
        found = now.holds(["lora", "bat", "nowhere"], [*ids, 10_000])
        texts = [now.note(chunk.note).text.lower() for chunk in now.chunks(ids)]
    assert found.shape == (3, len(ids) + 1)
    for row, word in zip(found, ("lora", "bats", "nowhere"), strict=True):
        assert row.tolist() == [word in text for text in texts] + [False]
