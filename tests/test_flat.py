from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given

from corpus.feeds import feed_notes
from corpus.flat import flat_spans, flat_units
from corpus.types import Unit
from tests.generated import entries


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in flat_spans(text)]


def stems(text: str) -> dict[str, str | None]:
    """The stem of each quotable piece."""
    return {
        text[u.start : u.end]: text[slice(*u.stem)] if u.stem else None
        for u in flat_units(text)
        if u.kind != "heading"
    }


@given(entries())
def test_pieces_hold_all_text_but_blanks_in_order(text: str) -> None:
    at = 0
    for start, end in flat_spans(text):
        assert not text[at:start].strip()
        assert start < end
        at = end
    assert not text[at:].strip()


@given(entries())
def test_units_are_the_pieces_and_stems_lie_before_them(text: str) -> None:
    units = list(flat_units(text))
    assert [(u.start, u.end) for u in units] == flat_spans(text)
    for unit in units:
        assert unit.stem is None or unit.stem[1] <= unit.start


@pytest.mark.parametrize(
    "parts",
    [
        # a label, its items without marks, the next label
        ["优势:", "可以处理稀疏特征", "具有线性复杂度", "不足:", "没有高阶特征的信息"],
        # Latin at the start of a line, where the writer sets the scripts tight
        ["先训练奖励模型再微调策略", "DPO把两步合成一步", "不需要奖励模型"],
        # numbered items
        ["分为两类:", "1. 内在幻觉:与上下文矛盾。", "2. 外在幻觉:与事实不符。"],
        ["召回有三种:", "1.行为召回;", "2.偏好召回;", "3.地域召回;"],
        # a remark without a blank stays with its item
        ["召回有两种:", "1.行为召回;(长期和实时)", "2.偏好召回;"],
        # a title before its sentence
        ["MHA", "MHA(Multi-Head Attention)是开山之作。"],
        ["背景", "RLHF 通常包括 3 个阶段，每个阶段 都很长。"[:9] + "通常。"],
        # keys and values of a paper
        ["Paper: 2021.1 Optimizing Prompts", "Github:https://a.cn/b", "Task & Model:BART"],
    ],
)
def test_lost_line_breaks_are_found_again(parts: list[str]) -> None:
    text = " ".join(parts)
    assert cut(text) == parts


def test_keys_glued_to_the_value_before_are_parted() -> None:
    text = "PrefixTuning Paper: 2021.1 Some PromptsGithub:https://a.cn/PrefixTuningPrompt: Prefix"
    assert cut(text) == [
        "PrefixTuning", "Paper: 2021.1 Some Prompts", "Github:https://a.cn/PrefixTuning",
        "Prompt: Prefix",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "sentence",
    [
        "全量微调大概需要 80GB 显存才能跑起来。",
        "在向量空间中搜索最近邻,虽然DNN 大行其道,但ANN一直不可或缺。",
        "模型 Llama 3.1 在 15.6T tokens 上训练,用了 H100 集群。",
        "它是 TOP 3. 的厂商。",
        "版本是 Llama 3. 它支持 128K 上下文。",
        "论文《Attention is all you need》提出的一种结构。",
        "有多个参数规模的版本(7B 13B 33B 65B),并于次月开源。",
        "PyTorch: 支持动态图。",
        "它把 (a 加 b) 的和算出来。",
        "本文将 LLM 的训练分为两个阶段。",
    ],
)
def test_names_numbers_and_brackets_are_not_torn(sentence: str) -> None:
    pieces = cut(sentence)
    for name in ("80GB", "DNN 大行其道", "Llama 3.1", "TOP 3.", "Llama 3.", "15.6T tokens", "128K",
                 "Attention is all you need", "(7B 13B 33B 65B)", "PyTorch:",
                 "(a 加 b)"):  # fmt: skip
        assert name not in sentence or any(name in piece for piece in pieces), pieces


def test_a_label_governs_its_items_and_no_more() -> None:
    text = (
        "优势: 处理稀疏特征 线性复杂度 不足: 没有高阶特征的信息 "
        "FFM是对FM的一种改进算法,引入了field概念,每个特征对不同的field有不同的表达。FFM更慢。"
    )
    found = stems(text)
    assert found["处理稀疏特征"] == "优势:"
    assert found["线性复杂度"] == "优势:"
    assert found["没有高阶特征的信息"] == "不足:"
    assert [stem for piece, stem in found.items() if piece.startswith("FFM")] == [None, None]


def test_a_label_that_counts_its_items_governs_so_many() -> None:
    found = stems("RLHF分为三个阶段: 监督微调 奖励建模 强化学习 直接偏好优化 DPO绕过了奖励模型。")
    assert found["强化学习"] == "RLHF分为三个阶段:"
    assert "RLHF分为三个阶段:" not in {s for p, s in found.items() if "DPO" in p or "直接" in p}


def test_numbered_items_keep_their_label_across_a_remark() -> None:
    found = stems("发现了捷径: 1. 奖励对应最优策略; 反过来说,策略也隐含奖励 1. 直接优化策略")
    assert found["1. 直接优化策略"] == "发现了捷径:"
    assert found["反过来说,策略也隐含奖励"] is None


def test_a_heading_governs_the_sentences_below_it() -> None:
    text = "搜索的过程 当用户输入任意的词条时,首先对输入进行分词。然后去倒排索引中匹配。"
    assert set(stems(text).values()) == {"搜索的过程"}


def _feed(shared_dir: Path) -> dict[str, list[Unit]]:
    text = (shared_dir / "notes-feed.txt").read_text(encoding="utf-8")
    return {n.text: list(flat_units(n.text)) for n in feed_notes("feed.txt", text)}


def test_the_feed_is_cut_into_whole_sentences(shared_dir: Path) -> None:
    pieces = {text[u.start : u.end] for text, units in _feed(shared_dir).items() for u in units}
    assert {
        "优势:", "具有线性时间复杂度", "全参微调Qwen1.57BChat预估要2张80GB的A800,160GB显存",
        "模型结构",
        "Paper: 2021.1 Optimizing Continuous Prompts for Generation",
        "Prompt: Continus Prefix Prompt",
        "Meta曾第一个发布了基于LLM的聊天机器人——BlenderBot 3,但输出不够安全,很快下线;",
        "新模型支持 128K tokens 长度的上下文。", "奖励建模阶段 (Reward Model)", "RL微调阶段",
        "1. 外在幻觉(Extrinsic hallucination):不符合事实知识。", "3.基于地域的召回;",
        "2.建立倒排索引;",
        "将一个资讯的ANN 召回系统抽象出来大概是下面的样子。", "幻觉主要分为两类:",
        "1.基于行为的召回:根据用户的购买行为推荐相关/相似的商品;(长期行为和实时行为)",
    } <= pieces  # fmt: skip
    assert not [piece for piece in pieces if len(piece) < 3 and piece not in {"概述", "背景"}]


def test_the_labels_of_the_feed_are_no_evidence(shared_dir: Path) -> None:
    headings = {
        text[u.start : u.end]
        for text, units in _feed(shared_dir).items()
        for u in units
        if u.kind == "heading"
    }
    assert {
        "背景",
        "概述",
        "优势:",
        "不足:",
        "幻觉的分类",
        "预训练数据问题",
        "搜索的过程",
    } <= headings
    assert not {"具有线性时间复杂度", "有监督微调(SFT)", "RL微调阶段"} & headings


@pytest.mark.parametrize(
    "text",
    ["中 " * 40_000, "中 a" * 30_000, "1. " * 30_000, ") 中" * 30_000, "- a " * 30_000,
     "a: " * 30_000,
     " " * 300_000, "(中 " * 30_000, "• " * 40_000, "Paper:a" * 20_000, "标题 " * 30_000],
)  # fmt: skip
def test_an_endless_entry_is_cut_in_linear_time(text: str) -> None:
    start = time.process_time()
    list(flat_units(text))
    assert time.process_time() - start < 8
