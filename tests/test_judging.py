"""The score of a claim: which is more, and on which side of the least of what is supported."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from assistant.judging import JUDGED, LABELS, Likelihood, decide, judged_row, with_reading
from assistant.reasons import reason_for
from assistant.shares import Shares
from assistant.types import Verdict
from corpus.encoder import load_encoder
from eval.contexts import Contexts
from eval.training.claim_sources import statement

FITTED = Likelihood(coverage=4.0, whole=3.0, window=2.0, slope=0.5, contradicted=-1.0, offset=-3.0)


def rows(*coverages: float) -> np.ndarray:
    found = np.zeros((len(coverages), len(JUDGED)), np.float32)
    found[:, JUDGED.index("coverage")] = coverages
    return found


def verdict(found: np.ndarray, chances: list[float], *, misplaced: int = -1) -> str:
    odds = np.tile([0.1, 0.6, 0.3], (len(found), 1))
    return decide(found, odds, np.array(chances), support=0.84, misplaced=misplaced)[0].value


def test_a_figure_of_another_thing_contradicts_what_the_model_would_support() -> None:
    found = rows(0.9, 0.8)
    assert verdict(found, [0.9, 0.1, 0.0]) == "supported"
    assert verdict(found, [0.9, 0.1, 0.0], misplaced=1) == "contradicted"
    assert verdict(found, [0.2, 0.2, 0.6], misplaced=1) == "unsupported"


def test_a_figure_that_is_nowhere_has_to_be_surer_than_one_in_place_of_another() -> None:
    found = rows(0.9)
    found[:, JUDGED.index("numbers")] = 1
    assert verdict(found, [0.1, 0.7, 0.2]) == "unsupported"
    assert verdict(found, [0.1, 0.8, 0.1]) == "contradicted"
    found[:, JUDGED.index("number")] = 0.8
    assert verdict(found, [0.1, 0.7, 0.2]) == "contradicted"


HALF = Shares(whole=0.5, window=0.5)


def likelihood(
    found: np.ndarray, chance: float, shares: Shares = HALF, *, is_contradicted: bool = False
) -> float:
    return FITTED.probability(found, chance, shares, is_contradicted=is_contradicted)


def test_more_coverage_and_more_chance_make_support_likelier() -> None:
    least = likelihood(rows(0.2, 0.1), 0.1)
    assert least < likelihood(rows(0.2, 0.9), 0.1)
    assert least < likelihood(rows(0.2, 0.1), 0.8)
    assert least < likelihood(rows(0.2, 0.1), 0.1, replace(HALF, whole=0.9))
    assert least < likelihood(rows(0.2, 0.1), 0.1, replace(HALF, window=0.9))
    assert least > likelihood(rows(0.2, 0.1), 0.1, is_contradicted=True)


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_a_certain_model_gives_a_probability_all_the_same(chance: float) -> None:
    assert 0 < likelihood(rows(0.5), chance) < 1


@pytest.fixture(scope="module")
def contexts() -> Contexts:
    return Contexts([TEXT, OTHER], load_encoder())


TEXT = "LoRA 把权重的增量分解为两个低秩矩阵的乘积。训练时冻结原来的权重，只更新这两个矩阵。"
OTHER = "向量索引 HNSW 是分层的小世界图，查询从最上层开始。"


def test_what_is_not_supported_scores_less_and_by_what_it_shares(
    contexts: Contexts,
) -> None:
    def checked(claim: str) -> tuple[str, float]:
        (found,) = contexts.check(claim, [TEXT])
        return found.verdict.value, found.score

    _, supported = checked("训练时冻结原来的权重，只更新这两个矩阵。")
    verdict, near = checked("LoRA 训练时会更新原来的全部权重矩阵。")
    assert verdict != "supported"
    _, far = checked("南极的企鹅在冬天孵蛋。")
    assert far < near < supported


def test_what_is_likelier_supported_than_not_says_so(contexts: Contexts) -> None:
    claim = "LoRA 训练时用八块显卡。"
    found = replace(contexts.findings(claim, [TEXT])[0], verdict=Verdict.UNSUPPORTED)
    said = reason_for(replace(found, score=0.3), claim)
    assert reason_for(replace(found, score=0.7), claim) == f"多半有据，但不能确定（{said}）"
    english = reason_for(replace(found, score=0.7), "LoRA trains on eight cards.")
    assert english.startswith("likely, but not certain (")


def test_findings_are_of_the_texts_that_belong_to_a_claim(contexts: Contexts) -> None:
    found = contexts.findings("HNSW 从最上层开始查询。", [OTHER])
    assert found
    assert {f.passage.note.path for f in found} == {contexts.path_of(OTHER)}
    rows = [judged_row(f) for f in found]
    read = with_reading(rows, np.zeros((len(rows), 3), np.float32))
    assert read.shape == (len(rows), len(JUDGED))


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        (
            "《战国无双3》是由哪两个公司合作开发的？",
            "光荣",
            "《战国无双3》是由光荣公司合作开发的。",
        ),
        ("谁提出了注意力机制？", "Bahdanau", "Bahdanau提出了注意力机制。"),
    ],
)
def test_an_answer_takes_the_place_of_the_word_that_asks(
    question: str, answer: str, said: str
) -> None:
    made = {statement(question, answer, random.Random(seed)) for seed in range(12)}
    assert said in made
    assert all(answer in one for one in made)


def test_the_verdicts_are_three() -> None:
    assert LABELS == ("supported", "contradicted", "unsupported")


def test_the_shares_of_a_claim_are_of_its_words_anywhere_and_close_together(
    contexts: Contexts,
) -> None:
    claim = "LoRA 训练时冻结权重，HNSW 是分层的小世界图。"
    one, both = contexts.shares(claim, [TEXT]), contexts.shares(claim, [TEXT, OTHER])
    assert 0 < one.window <= one.whole < 1
    assert one.window < both.whole  # no three sentences of one text hold what both hold together
    assert both.window < both.whole
    assert contexts.shares(claim, []) == Shares(whole=0.0, window=0.0)
