"""What `youju eval make` drafts: questions a person would ask, claims that stand by themselves."""

from __future__ import annotations

import pytest

from corpus.notes import notes_from_text
from eval.draft_rows import statement
from eval.drafting import Draft, draft


def drafts(text: str, path: str = "note.md") -> list[Draft]:
    return draft(notes_from_text(path, text))


def asked(text: str, kind: str) -> list[str]:
    return [one.text for one in drafts(text) if one.kind == kind]


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("优势", "FM 的优势有哪些？"),
        ("模型结构", "FM 的模型结构是什么？"),
        ("数据格式化", "FM 的数据格式化怎么做？"),
        ("召回模型有三种", "召回模型有哪三种？"),
        ("训练通常分为两个阶段", "训练通常分为哪两个阶段？"),
        ("1.2 创建倒排索引列表", "关于 FM，怎么创建倒排索引列表？"),
        ("为什么要做归一化", "关于 FM，为什么要做归一化？"),
        ("✅ 什么是特征交叉?", "关于 FM，什么是特征交叉？"),
        ("DPO 发现了一个数学上的捷径", ""),  # a sentence names nothing to ask about
        ("一句话总结", ""),
        ("例如", ""),
    ],
)
def test_a_chinese_heading_is_asked_about_by_what_it_is(heading: str, question: str) -> None:
    note = f"# FM\n\n## {heading}\n\n可以有效处理稀疏场景下的特征学习，复杂度是线性的。\n"
    assert asked(note, "heading") == ([question] if question else [])


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("How to Choose a Cloud Provider", "How do you choose a cloud provider?"),
        ("Build the pdf", "How do you build the pdf?"),
        ("Rent the new hardware", "How do you rent the new hardware?"),
        ("Things to know", ""),
        ("Ada Lovelace's version", ""),
        ("Glossary and concepts", ""),
        ("Why loss spikes happen",
         "What do the notes on Checkpoints say about why loss spikes happen?"),
        ("Frequent saving of weights",
         "What do the notes on Checkpoints say about frequent saving of weights?"),
        ("Acknowledgements", ""),
        ("References", ""),
    ],
)  # fmt: skip
def test_an_english_heading_is_asked_about_by_what_it_is(heading: str, question: str) -> None:
    note = f"# Checkpoints\n\n## {heading}\n\nA long run loses hours of work when it fails.\n"
    assert asked(note, "heading") == ([question] if question else [])


@pytest.mark.parametrize(
    ("line", "question", "fact"),
    [
        ("每个向量的图结构占用 256 字节。", "每个向量的图结构占用多少字节？", "256 字节"),
        ("Faiss 最早发布于 2017 年。", "Faiss 最早发布于哪一年？", "2017 年"),
        ("Faiss 支持 128K tokens 长度的上下文。", "Faiss 支持多少 tokens 长度的上下文？", "128K"),
        ("A checkpoint of the model takes 40 GB of disk.",
         "A checkpoint of the model takes how many GB of disk?", "40 GB"),
        ("The first Faiss release came out in 2017.",
         "", ""),
    ],
)  # fmt: skip
def test_a_figure_is_asked_for(line: str, question: str, fact: str) -> None:
    made = [one for one in drafts(f"# Faiss\n\n{line}\n") if one.kind == "number"]
    assert [(one.text.split("：", 1)[-1].split(": ", 1)[-1], one.facts) for one in made] == (
        [(question, (fact,))] if question else []
    )
    for one in made:
        assert fact in one.gold[0]["quote"]


@pytest.mark.parametrize(
    "line",
    [
        "1. 基于行为的召回",
        "这个过程很复杂，就像绕了 3 圈。",
        "<summary><b>思路1: 排序</b></summary>",
        "[LeetCode (76)](algorithms/README.md)",
        "首先，我们需要安装 3 个库。",
        "1F636 200D 1F32B   ; fully-qualified",
        "Llama 3.1 的模型和 Llama 3 是一样的，只是做了...",
        "So here we are continuing with 32 GPUs.",
        "It was trained on 3 nodes.",
        "cookies\n1969\nexperience",
        "Note that there are 2 modes.",
        "--max-model-len：最大上下文长度，默认 4096。",
        "训练轮数：10 个 epoch，每个 epoch 后都会进行验证评估。",
        "The correct way to measure it is to use events.",
        "Lots of open issues is another flag of a young project.",
        "The API is served by a tool of another company.",
        "A kernel is instrumented at every call, so expect a slowdown.",
        "Simultaneously, the keys and values are passed around 8 GPUs.",
    ],
)
def test_what_does_not_stand_by_itself_is_no_claim(line: str) -> None:
    assert statement(line) == ""
    assert [one for one in drafts(f"# 笔记\n\n{line}\n") if one.type == "claim"] == []


def test_a_claim_is_a_statement_in_plain_words_or_what_it_is_not() -> None:
    text = (
        "# vLLM\n\n1. **vLLM** 是一个高性能的[推理框架](https://example.org/a)，支持连续批处理。\n"
    )
    (denied, copy) = [one for one in drafts(text) if one.type == "claim"]
    assert copy.text == "vLLM 是一个高性能的推理框架，支持连续批处理。"
    assert copy.verdict == "supported"
    assert denied.text == "vLLM 不是一个高性能的推理框架，支持连续批处理。"
    assert denied.verdict == "contradicted"
    assert copy.gold[0]["quote"] in text


def test_a_list_ends_where_another_one_begins_and_counts_are_no_items() -> None:
    text = "# Storage\n\nThere are 3 storage needs:\n\n1. fast reads of data\n2. fast writes\n"
    (one,) = [d for d in drafts(f"{text}\n- mostly you get 80 % of it\n") if d.kind == "list"]
    assert [gold["quote"] for gold in one.gold] == ["fast reads of data", "fast writes"]
    counted = "# Memory\n\nOptimizer states:\n\n- 8 bytes a parameter\n- 4 bytes with SGD\n"
    assert asked(counted, "list") == []


def test_where_to_read_on_is_no_gold() -> None:
    note = "# Debug\n\n## Errors of the driver\n\nSee also the notes on crashes and hangs.\n"
    assert asked(note, "heading") == []


def test_a_definition_names_a_thing_and_no_common_word() -> None:
    text = "# 笔记\n\nBoth are snapshots of memory.\n\nPrefixTuning可以理解是CTRL的升级。\n\n"
    assert asked(text, "definition") == []
    text += "FFM(Field-aware FM) 是一种对 FM 的改进算法。\n\n倒排是指由属性值来确定记录的位置。\n"
    assert asked(f"{text}\n## 倒排\n\n倒排索引很快。\n", "definition") == ["什么是 FFM？"]


def test_what_no_note_says_is_asked_of_a_thing_that_they_name() -> None:
    one = "# FFM\n\nFFM 是一种改进算法，由 Juan 等人提出。\n"
    (made,) = [d for d in drafts(one) if d.kind == "unanswerable"]
    assert "FFM" in made.text
    assert made.answerable is False
    assert "谁提出" not in made.text  # the note says so


def test_thin_sections_forms_and_lists_of_work_give_no_question() -> None:
    thin = drafts("# Git 备忘\n\n## 分支策略\n\n其中 `n` 为编号\n")
    assert [one.text for one in thin if one.kind == "heading"] == []
    told = "主干只接受合并请求，发布分支每两周从主干切出，修复从标签切出。"
    full = drafts(f"# Git 备忘\n\n## 分支策略\n\n{told}\n")
    assert [one.text for one in full if one.kind == "heading"] == ["Git 的分支策略有哪些？"]
    blank = drafts("# 模板\n\n## 分支策略\n\n{{这里写分支策略，发布分支与修复分支各写一段}}\n")
    assert [one.text for one in blank if one.kind == "heading"] == []
    body = f"# Git 备忘\n\n## 分支策略\n\n{told}\n"
    assert drafts(body, path="plans/todo.md") == []
    assert drafts(body, path="plans/todos-of-ada.md") != []
