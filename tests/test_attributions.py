"""Names and versions that two texts assert of one thing, and what only looks like it."""

from __future__ import annotations

import pytest

from assistant.attributions import at_odds, attributions
from assistant.disagreement import are_about_one


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("DPO 由 Rafailov 等人在 2023 年提出。", "proposed", "Rafailov 等人"),
        ("DPO 是 Schulman 等人于 2017 年提出的方法。", "proposed", "Schulman 等人"),
        ("BERT was proposed by Google in 2018.", "proposed", "Google"),
        ("LLaMA 由 Meta 发布", "released", "Meta"),
        ("默认向量模型是 `bge-m3`。", "default", "bge-m3"),
        ("The default encoder is bge-large.", "default", "bge-large"),
        ("本项目要求 Python 3.10。", "version", "Python 3.10"),
        ("本项目要求 Python 3.10 以上。", "version range", "Python 3.10"),
    ],
)
def test_who_which_default_and_which_version_are_read(text: str, kind: str, value: str) -> None:
    (found,) = attributions(text)
    assert (found.kind, found.value) == (kind, value)
    assert text[found.start : found.end].startswith(value[:4])


@pytest.mark.parametrize(
    "text",
    [
        "DPO 由谁提出？",
        "它由 Meta 发布。",
        "召回率 3.10 比上次高",
        "需要 Python 3.10 和 CUDA 12.1 两个环境",
        "默认情况下不会保存",
    ],
)
def test_questions_pronouns_and_bare_figures_assert_no_name(text: str) -> None:
    assert not attributions(text)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("DPO 由 Rafailov 等人提出", "直接偏好优化（DPO）由 Schulman 等人提出"),
        ("BERT was proposed by Google.", "BERT was proposed by OpenAI in 2018."),
        ("默认模型是 bge-m3。", "默认模型是 bge-large。"),
        ("默认模型：bge-m3", "The default model is bge-large."),
        ("本项目要求 Python 3.10。", "本项目要求 Python 3.11。"),
        ("Python 版本：3.10", "Python 版本：3.11"),
    ],
)
def test_two_values_of_one_thing_are_at_odds(mine: str, theirs: str) -> None:
    assert at_odds(mine, theirs) is not None
    assert at_odds(theirs, mine) is not None


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("DPO 由 Rafailov 等人提出", "DPO 由斯坦福大学提出"),  # who, and where
        ("DPO 由 Rafailov 等人提出", "PPO 由 Schulman 等人提出"),  # two things
        ("Llama 3 由 Meta 发布", "Llama 3.1 由 Google 发布"),
        ("DPO 由谷歌提出", "DPO 由 Google 提出"),  # one name in two scripts
        ("AlphaGo 由 DeepMind 开发", "AlphaGo 由 Google 开发"),  # one roof
        ("Prefix Tuning 由 Li 和 Liang 提出", "Prefix Tuning 由 Liang 等人提出"),
        ("BERT 由 Google 提出", "BERT 由 Hugging Face 发布"),  # another deed
        ("默认模型是 bge-m3。", "默认语言模型是 qwen。"),
        ("本项目要求 Python 3.10。", "本项目要求 Python 3.11 以上。"),
        ("本项目要求 Python 3.10。", "本项目要求 PyTorch 2.1。"),
        ("本项目要求 Python 3.10。", "训练脚本要求 Python 3.11。"),
        ("本项目要求 Python 3.10。", "本项目要求 Python 3.10。"),
    ],
)
def test_what_can_both_hold_is_not_at_odds(mine: str, theirs: str) -> None:
    assert at_odds(mine, theirs) is None
    assert at_odds(theirs, mine) is None


@pytest.mark.parametrize(
    ("mine", "title", "theirs", "other_title", "is_one"),
    [
        ("Python 版本：3.10", "Qwen 部署", "Python 版本：3.11", "GLM 部署", False),
        ("Python 版本：3.10", "部署环境", "Python 版本：3.11", "部署清单", True),
        ("默认模型是 bge-m3", "检索", "默认模型是 bge-large", "会议", True),
        ("默认模型是 bge-m3", "检索", "默认模型是 llama3", "会议", False),
        ("DPO 由 Li 等人提出", "Qwen 笔记", "DPO 由 Wu 等人提出", "GLM 笔记", True),
    ],
)
def test_defaults_and_versions_are_those_of_one_thing(
    mine: str, title: str, theirs: str, other_title: str, is_one: bool
) -> None:
    pair = at_odds(mine, theirs)
    assert pair is not None
    assert are_about_one(pair[0], title, pair[1], other_title) == is_one
