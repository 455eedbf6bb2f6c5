"""The network that reads a claim and a passage against each other."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest

from assistant.interaction import Interaction, Text, kinds_of, load_interaction, weights_of
from corpus.encoder import AbsentEncoder, StaticEncoder, built_in
from corpus.errors import ModelError

CLAIM = "HNSW 的 ef 设为 64 时召回率是 0.93。"
TEXTS = [
    Text(above="HNSW 压测\n结果", text="在 ef=64 的设置下，HNSW 的召回率是 0.93。"),
    Text(above="", text="LoRA freezes the pretrained weights and trains low-rank matrices."),
    Text(above="HNSW 压测", text="召回率是 0.88。"),
]


@pytest.fixture(scope="module")
def encoder() -> StaticEncoder:
    return built_in()


@pytest.fixture(scope="module")
def network(encoder: StaticEncoder) -> Interaction:
    return load_interaction(encoder)


def _weights() -> dict[str, np.ndarray]:
    path = files("assistant").joinpath("models/interaction.safetensors")
    return dict(weights_of(path.read_bytes()))


def test_a_passage_that_says_the_claim_supports_it_more_than_others(network: Interaction) -> None:
    read = network.read(CLAIM, TEXTS)
    assert read.shape == (3, 3)
    assert np.allclose(np.exp(read).sum(1), 1, atol=1e-5)
    assert read[0, 0] > read[2, 0] > read[1, 0]
    assert read[1].argmax() == 2  # neither


def test_a_denial_and_another_figure_count_against_it(network: Interaction) -> None:
    note = [Text(above="", text="GQA 把查询头分成 8 组，每组共享一对键和值。")]
    same = network.read("GQA 把查询头分成 8 组。", note)[0]
    figure = network.read("GQA 把查询头分成 32 组。", note)[0]
    denied = network.read("GQA 不把查询头分成 8 组。", note)[0]
    assert same[0] > max(figure[0], denied[0])
    assert same[1] < min(figure[1], denied[1])


def test_what_is_read_does_not_depend_on_the_passages_beside_it(network: Interaction) -> None:
    many = [*TEXTS, Text(above="", text="一段很长的话。" * 80)] * 6
    together = network.read(CLAIM, many)
    alone = np.concatenate([network.read(CLAIM, [one]) for one in many])
    assert np.abs(together - alone).max() < 1e-4


@pytest.mark.parametrize(("claim", "text"), [("", "有话"), ("有话", ""), ("", "")])
def test_nothing_says_nothing(network: Interaction, claim: str, text: str) -> None:
    read = network.read(claim, [Text(above="上文", text=text)])
    assert read.tolist() == [[-20.0, -20.0, 0.0]]
    assert network.read(claim, []).shape == (0, 3)


def test_another_process_reads_the_same(network: Interaction) -> None:
    code = (
        "from assistant.interaction import Text, load_interaction\n"
        f"print(load_interaction().read({CLAIM!r}, [Text(above={TEXTS[0].above!r}, "
        f"text={TEXTS[0].text!r})]).tobytes().hex())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == network.read(CLAIM, TEXTS[:1]).tobytes().hex()


def test_an_index_with_another_encoder_is_read_with_the_built_in_one(network: Interaction) -> None:
    other = load_interaction(AbsentEncoder("none"))
    assert np.array_equal(other.read(CLAIM, TEXTS), network.read(CLAIM, TEXTS))


def test_weights_of_another_shape_are_refused(encoder: StaticEncoder) -> None:
    lacking = _weights()
    del lacking["att.weight"]
    with pytest.raises(ValueError, match=r"att\.weight"):
        Interaction(lacking, encoder)
    with pytest.raises(ValueError, match=r"cmp\.weight"):
        Interaction(_weights() | {"cmp.weight": np.zeros((2, 3), np.float32)}, encoder)
    with pytest.raises(ValueError, match=r".+"):
        weights_of(b"no tensors")


def test_a_damaged_file_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.interaction.weights_of", lambda _: {})
    with pytest.raises(ModelError, match=r"interaction\.safetensors cannot be used .*install"):
        load_interaction()


def test_kinds() -> None:
    assert kinds_of("16") == (1, 0, 0, 0)
    assert kinds_of("不是") == (0, 1, 0, 0)
    assert kinds_of("never") == (0, 1, 1, 0)
    assert kinds_of("，") == (0, 0, 0, 1)


def test_numpy_reads_what_torch_was_trained_to(
    network: Interaction, encoder: StaticEncoder
) -> None:
    pytest.importorskip("torch")
    from eval.training.interaction_network import Network, Tokens, load_weights, said

    tokens = Tokens(encoder)
    weights = _weights()
    trained = Network(tokens, width=weights["P.weight"].shape[0])
    load_weights(trained, weights)
    rows = [tokens.read(CLAIM, " ".join(one.above.split()), one.text) for one in TEXTS]
    assert np.abs(np.exp(said(trained, rows)) - np.exp(network.read(CLAIM, TEXTS))).max() < 1e-4
