"""The network that reads a claim beside a passage, and the pairs it is trained on."""

from __future__ import annotations

import json
import lzma
import random
from pathlib import Path

import numpy as np
import pytest

from assistant.judging import LABELS
from corpus.encoder import StaticEncoder, load_encoder
from eval.training.interaction_pairs import Pair, altered, reworded, summaries

SUPPORTED, CONTRADICTED, NEITHER = (
    LABELS.index(label) for label in ("supported", "contradicted", "unsupported")
)
SENTENCE = "HNSW 的 ef 设为 64 时，召回率可以提高到 0.93，内存占用不会增加。"


def test_an_altered_sentence_differs_and_says_so_in_one_place() -> None:
    rng = random.Random(1)
    made = {
        altered(SENTENCE, SENTENCE, rng, names=["Faiss"], words=["温度"]) for _ in range(200)
    } - {None}
    assert len(made) >= 8
    assert SENTENCE not in made
    assert any("0.93" not in one for one in made if one)
    assert any("Faiss" in one for one in made if one)
    assert any("会增加" in one and "不会" not in one for one in made if one)


def test_a_reworded_sentence_keeps_figures_and_denials_of_the_clauses_it_keeps() -> None:
    rng = random.Random(2)
    made = {reworded(SENTENCE, rng) for _ in range(100)}
    assert len(made) >= 4
    for one in made:
        assert ("0.93" in one) or ("ef" in one) or ("不会" in one)
        assert one.count("不") <= SENTENCE.count("不")


def test_summaries_come_with_their_text_altered_and_with_another_text(tmp_path: Path) -> None:
    rows = [
        {
            "query": f"We train model{n} on {n + 3} datasets and it is faster than GPT-{n}.",
            "passage": f"Abstract of paper {n}. It trains model{n} on {n + 3} datasets.",
            "k": "s",
            "s": "arxiv_zh_en",
        }
        for n in range(200)
    ]
    with lzma.open(tmp_path / "arxiv_zh_en.jsonl.xz", "wt", encoding="utf-8") as out:
        out.write("".join(json.dumps(row) + "\n" for row in rows))
    pairs = list(summaries(tmp_path, random.Random(3), limit=20))
    by_verdict = {v: [p for p in pairs if p.verdict == v] for v in range(len(LABELS))}
    assert len(by_verdict[SUPPORTED]) == 20
    assert by_verdict[CONTRADICTED]
    assert len(by_verdict[NEITHER]) == 19  # the first has none before it
    own = {pair.claim: pair.text for pair in by_verdict[SUPPORTED]}
    assert all(pair.text != own[pair.claim] for pair in by_verdict[NEITHER])
    assert all(pair.claim not in own for pair in by_verdict[CONTRADICTED])


torch = pytest.importorskip("torch")


def builtin() -> StaticEncoder:
    encoder = load_encoder()
    assert isinstance(encoder, StaticEncoder)
    return encoder


def toy_pairs(n: int, seed: int) -> list[Pair]:
    """Claims of a figure, beside a passage with it, with another one, or about another thing."""
    rng = random.Random(seed)
    out = []
    for _ in range(n):
        right, wrong = rng.sample(range(10, 99), 2)
        for text, verdict in (
            (f"训练时批大小是 {right}。", SUPPORTED),
            (f"训练时批大小是 {wrong}。", CONTRADICTED),
            ("今天下雨，操场上没有人。", NEITHER),
        ):
            out.append(
                Pair(
                    claim=f"批大小为 {right}", head="设置", text=text, verdict=verdict,
                    source="toy", group=str(len(out)),
                )
            )  # fmt: skip
    return out


def test_the_network_learns_reads_alone_as_in_a_batch_and_is_saved_whole(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    from eval.training.interaction_network import (
        Example,
        Network,
        Tokens,
        load_weights,
        said,
        train,
        weights_of,
    )

    torch.set_num_threads(1)
    tokens = Tokens(builtin())
    pairs = toy_pairs(100, seed=4)
    rows = [tokens.read(one.claim, one.head, one.text) for one in pairs]
    torch.manual_seed(0)
    network = Network(tokens, width=16)
    examples = [
        Example(row, one.verdict, one.weight)
        for row, one in zip(rows, pairs, strict=True)
        if row is not None
    ]
    train(network, examples, epochs=16, rate=1e-2, seed=0)
    unseen = toy_pairs(40, seed=5)
    read = [tokens.read(one.claim, one.head, one.text) for one in unseen]
    found = said(network, read)
    assert np.allclose(np.exp(found).sum(axis=1), 1, atol=1e-5)
    right = found.argmax(axis=1) == np.array([one.verdict for one in unseen])
    assert right.mean() > 0.9
    # padding must not be seen: a pair alone is read as among longer ones
    longer = tokens.read("批大小为 12", "", "别的事情。" * 20)
    alone = np.concatenate([said(network, [row]) for row in read[:6]])
    assert np.allclose(said(network, [*read[:6], longer])[:6], alone, atol=1e-5)
    save_file(weights_of(network), tmp_path / "toy.safetensors")
    again = Network(tokens, width=16)
    load_weights(again, load_file(tmp_path / "toy.safetensors"))
    once = said(again, read)
    assert np.abs(np.exp(once) - np.exp(found)).max() < 0.02  # half precision
    save_file(weights_of(again), tmp_path / "again.safetensors")
    kept, second = (tmp_path / f"{name}.safetensors" for name in ("toy", "again"))
    assert kept.read_bytes() == second.read_bytes()
    third = Network(tokens, width=16)
    load_weights(third, load_file(second))
    assert np.array_equal(said(third, read), once)


def test_what_has_no_token_is_read_as_nothing() -> None:
    from eval.training.interaction_network import Network, Tokens, said

    tokens = Tokens(builtin())
    assert tokens.read("批大小为 12", "", "") is None
    assert np.allclose(np.exp(said(Network(tokens, width=16), [None])), 1 / 3)
