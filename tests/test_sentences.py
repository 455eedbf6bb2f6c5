from __future__ import annotations

import time

import pytest
from hypothesis import given

from corpus.sentences import is_label, sentence_spans, strip_span, whole_spans
from tests.generated import markdown, texts


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@given(markdown())
def test_sentences_hold_all_text_but_blanks_in_order(text: str) -> None:
    at = 0
    for start, end in sentence_spans(text):
        assert not text[at:start].strip()
        assert start < end
        assert not text[start].isspace()
        assert not text[end - 1].isspace()
        at = end
    assert not text[at:].strip()


@given(texts(), texts(), texts())
def test_a_part_of_a_text_is_cut_as_if_it_stood_alone(before: str, text: str, after: str) -> None:
    whole = before + "\n\n" + text + "\n\n" + after
    start = len(before) + 2
    found = sentence_spans(whole, start, start + len(text))
    assert [(s - start, e - start) for s, e in found] == sentence_spans(text)


@pytest.mark.parametrize(
    "parts",
    [
        ["第一句。", "第二句！", "第三句？", "第四句……", "第五句；"],
        ["It works.", "Does it?", "Yes!"],
        ["LoRA 的秩是 8。", "See Fig. 3 for details.", "它很小。"],
        ["He said “it works.”", "Then he left."],
        ["他说：“可以。然后走了。”", "我没走。"],
        ["（这一句在括号里。还没完。）", "外面。"],
        ["e.g. this, i.e. that, vs. those.", "Next."],
        ["Version 3.1 of node.js is out.", "Use it."],
        ["行内代码 `a; b。c! d` 不切。", "下一句。"],
        ["公式 $a; b!$ 不切。", "价格 $5 and $6 too.", "End."],
        ["见 https://a.cn/x?q=1;2!3 的说明。", "完。"],
        ["见 https://a.cn/x。", "完。"],
        ["图 ![注意力](a.png) 如下。", "完。"],
        ["若 a!=b 则 a;b 不变。", "完。"],
        ["实体 &nbsp;不切，&lt; 也不切。", "完。"],
        ["<span style=\"a: b; c\">红</span>字。", "完。"],
        ["结束。", "**重点**在后。"],
        ["**重点。**", "后文。"],
        ["惊人（真的！）的发布。", "完。"],
        ["他说“可以。”", "然后走了。"],
        ["*Really?*", "Yes."],
        ["效果很好.", "接着做."],
        ["the answer is no.", "It is."],
        ["See No. 5 and Eq. 2.", "Done."],
        ["省略号... 不算句号吧", "换行算"],
    ],
)  # fmt: skip
def test_sentences_end_where_a_reader_ends_them(parts: list[str]) -> None:
    gap = "\n" if "换行算" in parts else ""
    text = "".join(part + (" " if part[-1] in ".!?”*" else gap) for part in parts)
    if parts[0].startswith("省略号"):
        assert cut(text) == ["省略号...", "不算句号吧", "换行算"]
    else:
        assert cut(text) == parts


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("The model maps a sequence of symbols\nto another one.", 1),
        (
            "The long line of an English paragraph ends here by wrapping at\nEighty columns or so.",
            1,
        ),
        ("Short title\nA sentence.", 2),
        ("第一行没有句号\n第二行也没有", 2),
        ("逗号结尾，\n下一行继续。", 1),
        ("上一行\n，标点起头。", 1),
        ("a line.\nanother line.", 2),
    ],
)
def test_a_line_break_ends_a_sentence_unless_it_wraps_a_line(text: str, n: int) -> None:
    assert len(cut(text)) == n


def test_an_unclosed_bracket_does_not_swallow_the_rest() -> None:
    text = "（没有关上。" + "后面还有很多句子。" * 60
    assert len(cut(text)) > 20


def test_a_label_ends_in_a_colon() -> None:
    assert is_label("优势:")
    assert is_label("步骤如下： ")
    assert not is_label("比例 1:2")
    assert not is_label("长" * 100 + "：")


def test_blanks_are_taken_off_both_ends() -> None:
    assert strip_span("  a b \n", 0, 7) == (2, 5)
    assert strip_span("   ", 0, 3) == (0, 0)


def test_code_formulas_and_addresses_are_whole() -> None:
    text = "用 `a b` 和 $x$，见 https://a.cn/b，价格 $5 到 $6"
    assert [text[s:e] for s, e in whole_spans(text, 0, len(text))] == [
        "`a b`", "$x$", "https://a.cn/b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "。" * 200_000, "(" * 100_000, "a. " * 60_000, "a; " * 60_000, "`" * 100_000, "$a" * 60_000,
        "[" * 100_000, "<a" * 60_000, "*。_" * 60_000, "1. " * 60_000, "&am" * 60_000,
        "\n" * 200_000,
        "a\n" * 90_000, "https://" * 30_000, "“（" * 60_000 + "。" * 9_000, " " * 500_000,
    ],
)  # fmt: skip
def test_adversarial_text_is_cut_in_linear_time(text: str) -> None:
    start = time.process_time()
    sentence_spans(text)
    assert time.process_time() - start < 5
