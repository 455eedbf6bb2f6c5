from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.cli import main
from assistant.crossing import Cross
from assistant.pipeline import Assistant
from assistant.retrieval import retrieve
from assistant.types import Hit
from corpus.errors import ModelError


def save_model(folder: Path, n_labels: int) -> Path:
    """A cross-encoder of two small layers with random weights."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"蝙蝠靠回声定位冻结权重是什么"]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(words)), "utf-8")
    tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=256, num_labels=n_labels,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("cross") / "model", 1)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for i, word in enumerate(("回声", "定位", "权重", "冻结")):
        (folder / f"n{i}.md").write_text(f"# {word}\n\n蝙蝠与{word}，{word * i}。\n", "utf-8")
    return folder


def test_a_cross_encoder_gives_one_score_in_the_unit_interval_per_hit(
    tiny: Path, notes: Path, tmp_path: Path
) -> None:
    cross = Cross(str(tiny), device="cpu")
    with Assistant.open(notes, tmp_path / "index") as assistant:
        assistant.refresh()
        hits = retrieve(assistant.index, "蝙蝠是什么")
    scores = cross.scores("蝙蝠是什么", hits)
    assert scores.shape == (len(hits),) == (4,)
    assert (scores > 0).all()
    assert (scores < 1).all()
    assert cross.scores("蝙蝠", []).shape == (0,)
    # a pair's score does not depend on the others
    assert cross.scores("蝙蝠是什么", hits[1:2]) == pytest.approx(scores[1:2], abs=1e-5)


def test_find_and_ask_take_the_order_of_a_named_reranker(
    tiny: Path, notes: Path, tmp_path: Path
) -> None:
    cross = Cross(str(tiny), device="cpu")
    with Assistant.open(notes, tmp_path / "index", reranker=str(tiny), device="cpu") as assistant:
        assistant.refresh()
        for hits in (assistant.find("蝙蝠"), assistant.passages("蝙蝠")[1]):
            preferred = [hit.scores.rerank or 0.0 for hit in hits]
            assert preferred == sorted(preferred, reverse=True)
            assert preferred == pytest.approx(cross.scores("蝙蝠", hits).tolist(), abs=1e-5)
            scores = [hit.score for hit in hits]
            assert scores == sorted(scores, reverse=True)


class Backwards:
    """Prefers what stands last."""

    def scores(self, query: str, hits: list[Hit]) -> Any:
        """Rising with the place."""
        return np.linspace(0.1, 0.9, len(hits))


def test_only_the_first_hits_are_read_by_a_named_reranker(
    notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.retrieval.CROSSED", 2)
    backwards: Any = Backwards()
    with Assistant.open(notes, tmp_path / "index") as assistant:
        assistant.refresh()
        plain = retrieve(assistant.index, "蝙蝠")
        moved = retrieve(assistant.index, "蝙蝠", cross=backwards)
        first = retrieve(assistant.index, "蝙蝠", k=1, cross=backwards)
    assert [h.chunk.id for h in moved[:2]] == [plain[1].chunk.id, plain[0].chunk.id]
    assert moved[2:] == plain[2:]
    assert first == moved[:1]


def test_a_reranker_that_cannot_be_loaded_is_one_clear_line(
    notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(
        ["find", "蝙蝠", "--notes", str(notes), "--index", str(tmp_path / "i"),
         "--reranker", "nobody/no-such-reranker"]
    )  # fmt: skip
    said = capsys.readouterr().err
    assert code == 1
    assert said.count("\n") == 1
    assert "nobody/no-such-reranker" in said
    assert "--reranker" in said


def test_a_device_that_is_not_there_is_told(tiny: Path) -> None:
    with pytest.raises(ModelError, match="device"):
        Cross(str(tiny), device="nonsense")


def test_a_model_of_classes_is_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="3 classes"):
        Cross(str(save_model(tmp_path / "classes", 3)), device="cpu")
