from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.opinions import (
    CrossEncoderNli,
    Opinion,
    combined,
    label_columns,
    parsed_verdicts,
    reviewed,
)
from assistant.types import Claim, Evidence, Verdict
from corpus.errors import ModelError

S, C, U, N = (
    Verdict.SUPPORTED, Verdict.CONTRADICTED, Verdict.UNSUPPORTED, Verdict.NOT_CHECKED,
)  # fmt: skip
EVIDENCE = Evidence(note="a.md", title="鹅", start=0, end=9, line=1, quote="鹅的体重是 42 公斤。")


def claim(verdict: Verdict, text: str = "鹅重 42 公斤。") -> Claim:
    return Claim(
        text=text, start=0, end=len(text), verdict=verdict, score=0.9, citations=(1,),
        evidence=EVIDENCE, reason="r",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("own", "other", "final"),
    [(S, S, S), (S, U, U), (S, C, C), (S, N, N), (U, S, U), (U, C, C), (U, N, U), (U, U, U)],
)
def test_an_opinion_can_only_make_a_verdict_worse(
    own: Verdict, other: Verdict, final: Verdict
) -> None:
    found = combined(claim(own), Opinion(verdict=other), "judge:m")
    assert found.verdict is final
    assert found.decided_by == ("judge:m" if final is not own else "")
    assert bool(found.citations) == (final is own)


class Yes:
    """A judge that supports everything and remembers what it was asked."""

    name = "yes"

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def opinions(self, pairs: list[tuple[str, str]]) -> list[Opinion]:
        self.asked += pairs
        return [Opinion(verdict=S, support=0.6) for _ in pairs]


def test_copies_contradictions_and_claims_without_evidence_are_not_asked_about() -> None:
    judge = Yes()
    claims = [claim(S), claim(S, EVIDENCE.quote), claim(C), claim(U), claim(N)]
    found = reviewed(claims, [judge], lambda c: "about " + c.text)
    assert [c.verdict for c in found] == [S, S, C, U, N]
    assert judge.asked == [("鹅重 42 公斤。", "about 鹅重 42 公斤。")] * 2
    assert [c.score for c in found] == [0.6, 0.9, 0.9, 0.9, 0.9]


GOOD = {"verdicts": [{"id": 1, "verdict": "supported"}, {"id": 2, "verdict": "contradicted"}]}


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (json.dumps(GOOD), {1: S, 2: C}),
        (f"```json\n{json.dumps(GOOD)}\n```", {1: S, 2: C}),
        ("supported", {}),
        ("", {}),
        ('{"verdicts": "supported"}', {}),
        ('{"verdicts": [1]}', {}),
        ('[{"id": 1, "verdict": "supported"}]', {}),
        ('{"verdicts": [{"id": 1, "verdict": "SUPPORTED!"}]}', {}),
        ('{"verdicts": [{"id": true, "verdict": "supported"}]}', {}),
        ('{"verdicts": [{"id": 3, "verdict": "supported"}]}', {}),
        ('{"verdicts": [{"id": 1, "verdict": "supported", "why": "x"}]}', {}),
        ('{"verdicts": [{"id": 1, "verdict": ["supported"]}]}', {}),
        (json.dumps({"verdicts": [{"id": 1, "verdict": "supported"}] * 2}), {}),
        ("[" * 100_000, {}),
    ],
)  # fmt: skip
def test_a_reply_that_breaks_the_form_gives_no_verdict(
    reply: str, found: dict[int, Verdict]
) -> None:
    assert parsed_verdicts(reply, 2) == found


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["entailment", "neutral", "contradiction"], (0, 2)),
        (["CONTRADICTION", "NEUTRAL", "ENTAILMENT"], (2, 0)),
        (["not_entailment", "entailment"], (1, None)),
        (["hallucinated", "consistent"], (1, None)),
        (["unsupported", "supported"], (1, None)),
        (["LABEL_0", "LABEL_1"], (1, None)),
        (["LABEL_0"], (0, None)),
    ],
)
def test_labels_are_read_by_name(names: list[str], columns: tuple[int, int | None]) -> None:
    assert label_columns(dict(enumerate(names)), "m") == columns


def test_labels_that_do_not_say_what_they_mean_are_refused() -> None:
    with pytest.raises(ModelError, match="LABEL_0, LABEL_1, LABEL_2"):
        label_columns(dict(enumerate(["LABEL_0", "LABEL_1", "LABEL_2"])), "m")


def tiny_model(folder: Path, labels: list[str], bias: list[float]) -> str:
    """A BERT of a few hundred weights whose classifier says what its bias says."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import (
        BertConfig,
        BertForSequenceClassification,
        PreTrainedTokenizerFast,
    )

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"鹅的体重是公斤。42"]
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    inner.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", model_max_length=64,
    )  # fmt: skip
    torch.manual_seed(0)
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, max_position_embeddings=64,
            id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)},
        )
    )  # fmt: skip
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor(bias))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("labels", "bias", "verdict"),
    [
        (["entailment", "neutral", "contradiction"], [5.0, 0.0, 0.0], S),
        (["contradiction", "neutral", "entailment"], [5.0, 0.0, 0.0], C),
        (["contradiction", "entailment", "neutral"], [0.0, 0.0, 5.0], U),
        (["score"], [3.0], S),
        (["score"], [-3.0], U),
    ],
)
def test_a_cross_encoder_judges_by_the_labels_of_its_config(
    tmp_path: Path, labels: list[str], bias: list[float], verdict: Verdict
) -> None:
    judge = CrossEncoderNli(tiny_model(tmp_path, labels, bias))
    judge.load()
    (found,) = judge.opinions([("鹅重 42 公斤。", "鹅的体重是 42 公斤。")])
    assert found.verdict is verdict
    assert found.support is not None
    assert (found.support > 0.9) is (verdict is S)


@pytest.mark.slow
def test_a_cross_encoder_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="leave --nli out"):
        CrossEncoderNli(str(tmp_path / "none")).load()
