"""Other wordings of a claim: what is turned, what is left alone, and what the check makes of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assistant.pipeline import Assistant
from assistant.rewording import rewordings
from assistant.types import Verdict
from eval.goldens import claims
from tests.example_vaults import asked_notes, judged

NOTES = {
    "gpu.md": "# 显卡\n\n在老显卡 P40 上，int8 反而比 bf16 慢。\n\n校准脚本由苏禾维护。\n",
    "vit.md": "# ViT\n\n数据少时，ViT 的效果不如 ResNet。\n",
    "fm.md": "# FM\n\n因子分解机由 Steffen Rendle 在 2010 年提出。\n",
    "llama.md": "# Llama\n\nLlama 3.1 是 Meta 在 2024 年 7 月发布的开放权重模型系列。\n",
    "raid.md": "# RAID\n\nHNSW needs more RAM than IVF-PQ.\n",
    "heat.md": "# Heat\n\nNordvik measured the heat load in March.\n",
    "ops.md": "# 运维\n\n卡住时先用 py-spy 看各个进程停在哪一行，再怀疑网络。\n",
    "ivf.md": "# IVF\n\n每个中心至少要 39 个样本。\n",
    "time.md": "# 行程\n\n昆明到大理坐动车 2 小时 15 分。\n",
    "mask.md": "# 注入\n\n只有约 1% 的权重特别重要。\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with asked_notes(NOTES, tmp_path_factory.mktemp("vault")) as made:
        yield made


@pytest.mark.parametrize(
    ("claim", "other"),
    [
        ("在 P40 上，bf16 比 int8 快。", "在 P40 上，int8比bf16慢。"),
        ("甲的成本比乙高", "乙的成本比甲低"),
        ("A is faster than B.", "B is slower than A."),
        ("HNSW needs more RAM than IVF-PQ.", "IVF-PQ needs less RAM than HNSW."),
        ("FM 的提出者是 Steffen Rendle。", "FM由Steffen Rendle提出。"),
        ("The load was measured by Nordvik in March.", "Nordvik measured The load in March."),
        ("怀疑网络之前先看进程。", "先看进程，再怀疑网络。"),
        ("这并非没有代价", "这代价"),
        ("RabbitMQ 不但支持延时，还支持优先级。", "RabbitMQ 支持延时，支持优先级。"),
        ("分区键属于主键", "主键包含分区键"),
    ],
)
def test_a_claim_is_turned_round(claim: str, other: str) -> None:
    assert other.replace(" ", "") in {found.replace(" ", "") for found in rewordings(claim)}


@pytest.mark.parametrize(
    "claim",
    [
        "A 比 B 快 3 倍。",  # a third as slow is no way to say it
        "efSearch 不能大于 k。",  # the denial would be lost
        "路由器的固件是我刷的。",  # 由 inside a word is no agent
        "商品量由 120 万增加到 310 万。",  # nor is a figure
        "The cost was reduced by 3 %.",
        "LRU 淘汰最久没用的。",
        "",
    ],
)
def test_what_has_no_sure_converse_is_left_alone(claim: str) -> None:
    assert rewordings(claim) == ()


def test_turning_a_comparison_twice_gives_it_back() -> None:
    once = next(iter(rewordings("Alpha is larger than Beta.")))
    assert rewordings(once) == ("Alpha is larger than Beta.",)


@pytest.mark.parametrize(
    "claim",
    [
        "在 P40 上，bf16 比 int8 快。",
        "IVF-PQ needs less RAM than HNSW.",
        "Steffen Rendle 在 2010 年提出了因子分解机。",
        "Llama 3.1 是由 Meta 发布的。",
        "The heat load was measured by Nordvik in March.",
        "昆明到大理坐动车 135 分钟。",
        "ResNet 的效果在数据少时优于 ViT。",
    ],
)
def test_a_true_claim_in_another_form_is_not_contradicted(assistant: Assistant, claim: str) -> None:
    assert judged(assistant, claim).verdict is not Verdict.CONTRADICTED


@pytest.mark.parametrize(
    "claim",
    [
        "在 P40 上，bf16 比 int8 慢。",
        "IVF-PQ needs more RAM than HNSW.",
        "卡住时先怀疑网络，再用 py-spy 看各个进程停在哪一行。",
        "每个中心最多要 39 个样本。",
        "昆明到大理坐动车 145 分钟。",
        "所有权重都特别重要。",
    ],
)
def test_a_false_claim_in_the_same_form_is_not_supported(assistant: Assistant, claim: str) -> None:
    assert judged(assistant, claim).verdict is not Verdict.SUPPORTED


def test_another_maker_is_contradicted_and_the_one_of_the_notes_named(assistant: Assistant) -> None:
    found = judged(assistant, "Llama 3.1 由百度发布。")
    assert found.verdict is Verdict.CONTRADICTED
    assert "Meta" in found.reason
    assert "百度" in found.reason


def test_a_denied_scope_denies_nothing_that_is_said_in_it(assistant: Assistant) -> None:
    found = judged(assistant, "不是所有权重都特别重要，只有约 1%。")
    assert found.verdict is not Verdict.CONTRADICTED


def test_what_is_supported_by_another_form_is_no_copy(assistant: Assistant) -> None:
    found = judged(assistant, "IVF-PQ needs less RAM than HNSW.")
    assert found.verdict is Verdict.SUPPORTED
    assert found.reason == "the notes say the same"
    assert found.evidence is not None
    assert "HNSW needs more RAM" in found.evidence.quote


def test_the_set_of_forms_has_true_and_false_claims_of_every_kind() -> None:
    found = [*claims("forms-notes", "all"), *claims("forms-samples", "all")]
    assert len({one.claim for one in found}) == len({one.id for one in found}) == len(found)
    assert {one.split for one in found} == {"dev", "test"}
    for kind in ("comparison", "order", "passive", "denial", "quantifier", "unit", "derived"):
        assert {one.verdict for one in found if one.kind == kind} == {"supported", "contradicted"}
