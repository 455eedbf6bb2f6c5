"""Tests of eval.training.encoder and its parts: pairs, words, first rows, one step, the files."""

from __future__ import annotations

import json
import lzma
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

from corpus.encoder import StaticEncoder, encoder_text
from eval.training import encoder as training
from eval.training.encoder import Settings, evaluate, first_rows, is_dev, train_tokens, write_model
from eval.training.encoder_pairs import (
    FILES,
    Pair,
    cloze,
    cloze_pairs,
    read_pairs,
    training_text,
)
from eval.training.encoder_vocabulary import (
    Relation,
    Texts,
    build_tokenizer,
    relations,
    unigram,
)

WORDS = ["神经", "网络", "神经网络", "梯度", "下降", "gradient", "gradients", "network", "the"]
PASSAGE = (
    "注意力机制在2017年被提出,用于机器翻译任务。它让模型根据查询对每个位置的表示加权求和,"
    "从而捕捉文本里长距离的依赖关系。多头注意力把表示投影到8个子空间,分别计算注意力后再拼接起来。"
    "实践中常用残差连接与层归一化稳定训练。"
)


def texts_of(rows: Sequence[Sequence[int]]) -> Texts:
    ids = np.array([i for row in rows for i in row], np.int32)
    return Texts(ids, np.cumsum([0, *map(len, rows)]))


def write_pairs(folder: Path, rows: list[dict[str, str]]) -> None:
    for name in FILES:
        with lzma.open(folder / f"{name}.jsonl.xz", "wt", encoding="utf-8") as file:
            if name == "sharealike":
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def test_training_and_use_prepare_a_text_alike() -> None:
    for text in ("機器學習 \uff2c\uff2c\uff2d", "x² ½ ﬁ", "plain Text"):
        assert training_text(text) == encoder_text(text)


def test_pairs_are_folded_and_empty_ones_left_out(tmp_path: Path) -> None:
    rows = [
        {"query": "什麼是 GPU？", "passage": "圖形處理器", "k": "q", "s": "drcd_dev"},
        {"query": "  ", "passage": "空", "k": "q", "s": "drcd_dev"},
    ]
    write_pairs(tmp_path, rows)
    assert read_pairs(tmp_path, seed=0) == [Pair("什么是 gpu?", "图形处理器", "questions-zh")]


def test_the_seed_alone_decides_which_pairs_are_drawn(tmp_path: Path) -> None:
    rows = [
        {"query": f"标题{i}", "passage": f"正文{i}", "k": "h", "s": "tidb_docs_zh"}
        for i in range(50)
    ]
    write_pairs(tmp_path, rows)
    drawn = [read_pairs(tmp_path, seed=seed, share=0.2) for seed in (1, 1, 2)]
    assert [len(pairs) for pairs in drawn] == [50 * 0.2] * 3
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("seed", range(20))
def test_a_made_question_asks_with_the_words_of_its_passage(seed: int) -> None:
    question = cloze(PASSAGE, random.Random(seed))
    assert question is not None
    assert question.endswith("?")
    shared = {question[i : i + 2] for i in range(len(question) - 1)}
    assert any(part in PASSAGE for part in shared)
    assert question.rstrip("?") not in PASSAGE


def test_an_english_question_begins_with_a_question_word() -> None:
    passage = "gradient descent moves the weights along the negative gradient of the loss. end."
    question = cloze(passage, random.Random(0))
    assert question is not None
    assert question.split()[0] in {"what", "which", "who", "where", "when", "how", "why"}


def test_a_passage_without_a_sentence_gives_no_question() -> None:
    assert cloze("短", random.Random(0)) is None
    assert cloze("too short", random.Random(0)) is None


def test_made_questions_keep_to_the_limit_of_each_kind() -> None:
    pairs = [Pair("问", PASSAGE, "notes-zh")] * 30 + [Pair("问", PASSAGE, "questions-zh")] * 30
    made = cloze_pairs(pairs, 10, seed=0)
    assert [pair.group for pair in made] == ["cloze-other-zh"] * 10 + ["cloze-wiki-zh"] * 10
    assert made == cloze_pairs(pairs, 10, seed=0)


def test_the_tokenizer_keeps_known_words_whole_and_scripts_apart() -> None:
    texts = ["深度学习模型的训练", "fine tuning of the model", "c++ 11"] * 50
    tokenizer = build_tokenizer(texts, size=12_000)
    assert tokenizer.get_vocab_size() <= 12_000
    tokens = tokenizer.encode("深度学习 model的训练, c++", add_special_tokens=False).tokens
    assert tokens[-2:] == ["训练", "c++"]
    assert "model" in tokens
    assert not tokenizer.encode("!? …", add_special_tokens=False).tokens


def test_texts_give_back_the_ids_of_the_chosen_in_order() -> None:
    texts = texts_of([[1, 2], [], [3], [4, 5, 6]])
    ids, lengths = texts.bags(np.array([3, 1, 0]))
    assert ids.tolist() == [4, 5, 6, 1, 2]
    assert lengths.tolist() == [3, 0, 2]
    assert texts.chosen(np.array([2, 3])).starts.tolist() == [0, 1, 4]


def test_texts_are_cut_at_the_limit() -> None:
    tokenizer = unigram(dict.fromkeys(WORDS, -3.0))
    texts = Texts.of(tokenizer, ["the network the network", "", "梯度下降"], limit=3)
    assert np.diff(texts.starts).tolist() == [3, 0, 2]


def test_relations_find_parts_stems_and_translations() -> None:
    words = ["[UNK]", *WORDS]
    at = words.index
    asked = [[at("梯度")], [at("gradient")], [at("网络")], [at("network")]] * 5
    given = [[at("gradient")], [at("梯度")], [at("network")], [at("网络")]] * 5
    # a word in every seventh pair or more is too common to be matched
    filler = [[at("the")]] * 200
    found = relations(words, texts_of([*asked, *filler]), texts_of([*given, *filler]))
    others = {words[r.token]: [words[o] for o in r.others] for r in found}
    assert others["神经网络"] == ["神经", "网络"]
    assert others["gradients"] == ["gradient"]
    assert others["gradient"] == ["梯度"]
    assert others["network"] == ["网络"]
    assert "the" not in others


def test_first_rows_of_related_tokens_have_the_wanted_cosine() -> None:
    counts = np.full(4, 10)
    rows = first_rows(counts, [Relation(3, [1, 2], [1.0, 1.0], 0.8)], dim=4096, sif=1e-3, seed=0)
    mean = rows[1] + rows[2]
    cosine = mean @ rows[3] / np.linalg.norm(mean) / np.linalg.norm(rows[3])
    assert cosine == pytest.approx(0.8, abs=0.03)
    assert not rows[0].any()


def test_first_rows_of_frequent_tokens_are_short() -> None:
    rows = first_rows(np.array([0, 1, 999]), [], dim=256, sif=1e-3, seed=0)
    assert np.linalg.norm(rows[1]) > 100 * np.linalg.norm(rows[2])


def test_an_epoch_has_each_pair_once_and_one_group_in_a_batch() -> None:
    groups = ["a"] * 25 + ["b"] * 3
    found = list(training.batches(groups, 10, np.random.default_rng(0)))
    assert sorted(np.concatenate(found).tolist()) == list(range(28))
    assert all(len({groups[i] for i in batch}) == 1 for batch in found)


def test_the_gradient_of_rows_is_that_of_an_embedding_bag() -> None:
    rows = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    ids, lengths = np.array([3, 3, 5, 8, 1], np.int32), np.array([2, 3])

    def loss(means: torch.Tensor) -> torch.Tensor:
        return (means**3).sum()

    value, tokens, gradient = training._step(rows, (ids, lengths), loss)
    bag = torch.nn.EmbeddingBag.from_pretrained(rows.clone(), freeze=False)
    expected = loss(bag(torch.tensor([3, 3, 5, 8, 1]), torch.tensor([0, 2])))
    expected.backward()  # type: ignore[no-untyped-call]
    assert value == pytest.approx(float(expected.detach()))
    assert tokens.tolist() == [1, 3, 5, 8]
    assert bag.weight.grad is not None
    assert torch.allclose(gradient, bag.weight.grad[tokens], atol=1e-6)


def test_adagrad_moves_the_named_rows_only_and_less_each_time() -> None:
    rows = torch.zeros(3, 2)
    optimizer = training.Adagrad(rows)
    tokens, gradient = torch.tensor([1]), torch.tensor([[2.0, -2.0]])
    optimizer.step(tokens, gradient, 0.5)
    assert rows.tolist() == [[0, 0], [-0.5, 0.5], [0, 0]]
    optimizer.step(tokens, gradient, 0.5)
    assert rows[1, 1] == pytest.approx(0.5 + 0.5 / 2**0.5)


def tiny_pairs() -> tuple[Texts, Texts, list[str]]:
    """Queries and passages over ids 1-8: token 2i and 2i - 1 always answer each other."""
    asked = [[2 * (i % 4) + 1, 9] for i in range(64)]
    given = [[2 * (i % 4) + 2, 9] for i in range(64)]
    return texts_of(asked), texts_of(given), ["notes-x"] * 64


SMALL = Settings(dim=16, dims=(16, 8), epochs=6, batch=8, threads=1)


def test_training_brings_queries_and_their_passages_together(tmp_path: Path) -> None:
    tokenizer = unigram(dict.fromkeys(WORDS, -3.0))
    train_tokens(tokenizer, *tiny_pairs(), SMALL, out=tmp_path)
    encoder = StaticEncoder(tmp_path)
    words = [tokenizer.id_to_token(i) for i in range(1, 9)]
    cosines = encoder.encode_queries(words[0::2]) @ encoder.encode_passages(words[1::2]).T
    assert cosines.argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    digests = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        tokenizer = unigram(dict.fromkeys(WORDS, -3.0))
        train_tokens(tokenizer, *tiny_pairs(), SMALL, out=folder)
        digests.append(json.loads((folder / "manifest.json").read_bytes()))
    assert digests[0] == digests[1]


def test_a_written_model_gives_the_vectors_it_had(tmp_path: Path) -> None:
    tokenizer = unigram(dict.fromkeys(WORDS, -3.0))
    rows = np.random.default_rng(0).standard_normal((len(WORDS) + 1, 64)).astype(np.float32)
    rows[0] = 0
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=rows), Normalize()], device="cpu"
    )
    write_model(model, tmp_path)
    texts = ["神经网络", "the gradient", "梯度下降 the network"]
    expected = model.encode(texts)
    ours = StaticEncoder(tmp_path).encode_passages(texts)
    theirs = SentenceTransformer(str(tmp_path), device="cpu").encode(texts)
    assert (expected * ours).sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert theirs == pytest.approx(ours, abs=1e-5)


class LetterEncoder:
    """A vector counts the letters a, b and c."""

    name, dim, fingerprint = "letters", 3, "letters"

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.encode_passages(texts)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[text.count(letter) for letter in "abc"] for text in texts], np.float32)


def test_evaluation_counts_the_first_right_passage(tmp_path: Path) -> None:
    folder = tmp_path / "notesq_tiny"
    folder.mkdir()
    corpus = [{"id": f"p{i}", "title": "aaaa", "text": text} for i, text in enumerate("abc")]
    queries = [{"id": "q0", "text": "aab"}, {"id": "q1", "text": "aab"}, {"id": "q2", "text": "c"}]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (folder / "qrels.tsv").write_text("q0\tp0\t1\nq1\tp1\t1\nq1\tp0\t0\n", "utf-8")
    found = evaluate(LetterEncoder(), folder)
    assert found["all"] == (2, 1 / 2, 2 / 2, 2 / 2)
    assert found["dev"][0] + found["test"][0] == 2


def test_about_half_of_the_queries_are_for_choosing_settings() -> None:
    assert sum(is_dev(f"q{i}") for i in range(1000)) == pytest.approx(500, abs=60)
