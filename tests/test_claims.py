from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.claims import ClaimSpan, claims_of, standalone_parts
from assistant.markers import without_markers
from tests.generated import markdown, texts


def said(text: str) -> list[str]:
    return [claim.text for claim in claims_of(text)]


def marked(text: str) -> list[tuple[int, ...]]:
    return [claim.markers for claim in claims_of(text)]


ANSWER = """# 标题

您好！LoRA 的秩通常取 8[1]。它冻结原模型的权重。[2] 你还想了解什么？

优点：
- 参数少 [1]
- 推理没有额外延迟[^2]

| 模型 | 参数量 |
|---|---|
| LLaMA | 7B [1] |
| GPT-3 | 175B |

```python
x = a[1]
```

[4]

希望这些对你有帮助。笔记中没有提到价格。
"""


def test_sentences_items_rows_and_code_of_an_answer_are_claims() -> None:
    assert said(ANSWER) == [
        "LoRA 的秩通常取 8[1]。",
        "它冻结原模型的权重。",
        "参数少",
        "推理没有额外延迟",
        "| LLaMA | 7B [1] |",
        "| GPT-3 | 175B |",
        "x = a[1]",
    ]
    assert marked(ANSWER) == [(1,), (2,), (1,), (2,), (1,), (), (4,)]
    assert [claim.is_code for claim in claims_of(ANSWER)] == [False] * 6 + [True]


def test_items_and_rows_know_the_line_that_governs_them() -> None:
    stems = [ANSWER[slice(*claim.stem)] for claim in claims_of(ANSWER)[2:6] if claim.stem]
    assert stems == ["优点：", "优点：", "| 模型 | 参数量 |", "| 模型 | 参数量 |"]


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ("[1]", (1,)), ("[12]", (12,)), ("[1][2]", (1, 2)), ("[1, 2]", (1, 2)), ("[1，2]", (1, 2)),
        ("[1、3]", (1, 3)), ("[1-3]", (1, 2, 3)), ("[^1]", (1,)), ("【1】", (1,)), ("［1］", (1,)),
        ("[1],[2]", (1, 2)), ("[来源1]", (1,)), ("[Source 2]", (2,)), ("【1†source】", (1,)), (
            " [1] [2]", (1, 2)),
    ],
)  # fmt: skip
def test_markers_of_every_style_are_read_at_the_end_of_a_sentence(
    written: str, numbers: tuple[int, ...]
) -> None:
    for text in (
        f"LoRA 冻结权重{written}。",
        f"LoRA 冻结权重。{written}",
        f"LoRA 冻结权重{written}",
    ):
        claims = claims_of(f"{text}\n\nHNSW 是图索引。")
        assert [claim.markers for claim in claims] == [numbers, ()], text
        assert without_markers(claims[0].text).rstrip("。,") == "LoRA 冻结权重"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LoRA 冻结权重[1]，秩取 8[2]。", [(1, 2)]),
        ("LoRA 冻结权重。[1][2]HNSW 是图索引 [3, 4]。", [(1, 2), (3, 4)]),
        ("LoRA 冻结权重\n[1]\nHNSW 是图索引。", [(1,), ()]),
        ("LoRA 冻结权重。\n\n[1]\n\nHNSW 是图索引。[2]", [(1,), (2,)]),
        ("LoRA 冻结权重。\n[1] HNSW 是图索引。[2]", [(1,), (2,)]),
        ("LoRA 冻结权重。[1]\n[2] HNSW 是图索引。", [(1,), (2,)]),
        ("[1] LoRA 冻结权重。\n[2] HNSW 是图索引。", [(1,), (2,)]),
        ("- [1] LoRA 冻结权重\n- [2] HNSW 是图索引", [(1,), (2,)]),
        ("- LoRA 冻结权重\n- [2] HNSW 是图索引", [(), (2,)]),
        ("The rank is 8 [1]. It is small.[2] Others differ (see [3]).", [(1,), (2,), (3,)]),
        ("LoRA 冻结权重。真的吗？[1]", [()]),
        ("LoRA 冻结权重[1][1]。", [(1,)]),
    ],
)
def test_a_marker_belongs_to_the_claim_it_stands_in_or_behind(
    text: str, expected: list[tuple[int, ...]]
) -> None:
    assert marked(text) == expected


@pytest.mark.parametrize("stem", ["综述按任务讨论幻觉，覆盖六类：", "The cited finding is this:"])
def test_a_marker_behind_the_colon_of_a_stem_is_a_marker(stem: str) -> None:
    text = f"{stem} [3]\n\nHNSW 是图索引。[1]"
    assert marked(text) == [(1,)]  # a stem by itself says nothing
    assert without_markers(text) == f"{stem}\n\nHNSW 是图索引。"


@pytest.mark.parametrize(
    "claim", ["查看当前的模型列表", "**激活专家数：** 2 <br>", "<b>Supported models</b><br>"]
)
def test_a_marker_behind_a_noun_or_a_tag_that_ends_its_line_is_a_marker(claim: str) -> None:
    assert marked(f"{claim} [3]\n\nHNSW 是图索引。[1]") == [(3,), (1,)]


@pytest.mark.parametrize(
    "text",
    ["取值范围 [0, 1]。", "列表[1] 是第二项。", "当 x > [3] 时成立。", "维度取 [32, 64, 128] 之一。", "结果在 [2, 5] 之间。",
     "数组 a[1] 的值是 3。", "网络的层数分别是： [3]", "The input shape: [2]", "层数: [12]",
     "下标 `x[1]` 从 0 数起。", "公式 $y[1] = 2$ 成立。", "LoRA 冻结权重[12345]。",
     "见 [1](https://a.cn) 的说明。"],
)  # fmt: skip
def test_values_in_brackets_are_no_markers(text: str) -> None:
    assert marked(text) == [()]
    assert without_markers(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "", " \n\t", "\u200b", "---", "```\n```", "# 标题", "优点：", "您好！", "Hello!", "好的。",
        "Sure!",
        "感谢您的提问！", "希望以上回答对您有帮助！", "如有其他疑问，欢迎继续提问。",
        "Feel free to ask.",
        "GPT-4 是否开源？", "What is LoRA?", "以下是 LoRA 的优点：", "下面我来介绍一下：",
        "Here are the steps:",
        "好的，没问题！让我来介绍一下。", "综上所述，", "8", "LoRA", "是。",
    ],
)  # fmt: skip
def test_greetings_questions_and_labels_are_no_claims(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "我不知道。", "无法回答这个问题。", "根据现有资料无法确定。",
        "您的笔记里没有提到 GPT-5 的参数量。",
        "提供的资料中没有关于价格的信息。", "没有找到相关内容。", "抱歉，笔记里没有相关内容。",
        "The notes do not mention the price.", "Unfortunately, your notes don't say that.",
        "I don't know.", "This is not mentioned in the notes.", "笔记里没有找到答案。",
        "Your notes do not answer this.",
    ],
)  # fmt: skip
def test_sentences_that_find_nothing_are_no_claims(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "模型不知道答案时会产生幻觉。", "当文档中没有相关信息时，模型应当拒答。",
        "这种方法不知道用户的偏好。",
        "单个指标无法判断好坏。", "倒排索引中没有记录词的位置信息。",
        "文档没有包含查询词时得分为 0。",
        "Hallucination happens when the context does not contain the answer.",
        "以下是 LoRA 的优点：参数少，训练快。", "当然也可以用 LoRA 微调。", "我把学习率设为 1e-4。",
    ],
)  # fmt: skip
def test_statements_about_not_knowing_are_claims(text: str) -> None:
    assert said(text) == [text]


def test_a_courtesy_before_a_statement_does_not_hide_it() -> None:
    assert said("好的，LoRA 的秩是 800。") == ["LoRA 的秩是 800。"]
    assert said("Sure, GPT-4 has 100T parameters.") == ["GPT-4 has 100T parameters."]
    assert said("很抱歉，LoRA 不支持多任务。") == ["LoRA 不支持多任务。"]


@pytest.mark.parametrize(
    "line", ["**HNSW 索引与倒排索引**", "**Direct Preference Optimization:**", "__训练流程概览__："]
)
def test_a_bold_line_above_what_it_names_is_no_claim(line: str) -> None:
    assert said(f"{line}\n\n它冻结原模型的权重。[1]") == ["它冻结原模型的权重。"]


@pytest.mark.parametrize(
    "line",
    [
        "**LoRA 冻结的是原模型的权重**", "**LoRA 不增加推理延迟**", "**LLaMA 7B 的显存 14 GB**",
        "**DPO is a loss without a reward model**", "**LoRA 冻结权重。**", "**HNSW 索引与倒排索引** [1]",
    ],
)  # fmt: skip
def test_a_bold_line_that_states_or_cites_or_heads_nothing_is_a_claim(line: str) -> None:
    assert len(said(f"{line}\n\n它冻结原模型的权重。[1]")) == 2
    assert len(said("前面的句子说明了背景。\n\n**HNSW 索引与倒排索引**")) == 2


def test_quotes_tasks_and_bold_labels_are_claims_without_their_signs() -> None:
    text = "> 引用：LoRA 冻结权重\n\n- [x] 写完索引的测试\n\n**LoRA**：只训练低秩矩阵 [1]"
    assert said(text) == ["引用：LoRA 冻结权重", "写完索引的测试", "**LoRA**：只训练低秩矩阵"]


def test_windows_line_ends_are_kept_out_of_claims() -> None:
    assert said("LoRA 冻结权重[1]\r\nHNSW 是图索引[2]\r\n") == ["LoRA 冻结权重", "HNSW 是图索引"]


_PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["[1]", "[2, 3]", "【4】", "[^5]", "\n", "\n\n", "。", "，", "LoRA 冻结权重",
             "HNSW 是图索引", "- ", "| a | b |",
             "```", "`x[1]`", "$", "好的，", "？", "：", "没有找到", " ", "\r\n", "A is fast", ". ",
             "1. ", "(", "）", "[", "]"]
        ),
        texts(12),
    ),
    max_size=20,
).map("".join)  # fmt: skip


@given(st.one_of(texts(), markdown(), _PIECES))
def test_claims_slice_the_text_in_order_without_overlap(text: str) -> None:
    found = claims_of(text)
    assert all(claim.text == text[claim.start : claim.end] != "" for claim in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(claim.text == claim.text.strip() for claim in found)
    for claim in found:
        assert len(set(claim.markers)) == len(claim.markers)
        assert claim.stem is None or 0 <= claim.stem[0] < claim.stem[1] <= len(text)


@given(_PIECES)
def test_no_number_is_invented_for_a_marker(text: str) -> None:
    assert {n for claim in claims_of(text) for n in claim.markers} <= {1, 2, 3, 4, 5}


@given(st.one_of(texts(), _PIECES))
def test_parts_of_a_claim_stand_in_it_in_order(text: str) -> None:
    parts = standalone_parts(text)
    at = 0
    for part in parts:
        at = text.index(part, at) + len(part)
    assert parts


@pytest.mark.parametrize(
    ("claim", "parts"),
    [
        ("LoRA 冻结权重，HNSW 是图索引。", ["LoRA 冻结权重", "HNSW 是图索引"]),
        ("GQA 有 8 组，MQA 只有 1 组", ["GQA 有 8 组", "MQA 只有 1 组"]),
        ("FM 的复杂度是 O(k, n)；FFM 的复杂度更高", ["FM 的复杂度是 O(k, n)", "FFM 的复杂度更高"]),
        ("BM25 ranks words; HNSW ranks vectors", ["BM25 ranks words", "HNSW ranks vectors"]),
    ],
)
def test_a_compound_of_two_subjects_is_two_statements(claim: str, parts: list[str]) -> None:
    assert [part.rstrip("。") for part in standalone_parts(claim)] == parts


@pytest.mark.parametrize(
    "claim",
    [
        "", "LoRA", "如果 LoRA 的秩大，就会占更多显存", "因为显存不够，所以用 LoRA",
        "LoRA 冻结权重，因此显存少，训练快",
        "LoRA 需要 1,400GB 显存", "If A holds, then B follows",
        "LoRA（冻结权重，HNSW 是索引）很常用",
    ],
)  # fmt: skip
def test_a_condition_a_number_and_a_bracket_are_not_cut(claim: str) -> None:
    assert standalone_parts(claim) == [claim]


def test_a_claim_is_made_by_name() -> None:
    assert claims_of("LoRA 冻结权重[1]")[0] == ClaimSpan(
        text="LoRA 冻结权重", start=0, end=len("LoRA 冻结权重"), markers=(1,)
    )


@pytest.mark.parametrize(
    "unit", ["LoRA[1]。", "您的信息", "好的，", "[1]", "- [1] x 是 y\n", "[", "，"]
)
def test_a_hundred_thousand_characters_take_seconds_at_most(unit: str) -> None:
    text = (unit * 100_000)[:100_000]
    started = time.process_time()
    claims_of(text)
    standalone_parts(text[:20_000])
    assert time.process_time() - started < 8
