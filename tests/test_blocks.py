from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.blocks import blocks
from corpus.types import Unit
from corpus.units import units
from tests.generated import entries, markdown, note_of


def kinds(text: str) -> list[tuple[str, str]]:
    return [(block.kind, text[block.start : block.end]) for block in blocks(text)]


def quoted(text: str) -> list[tuple[str, str, str | None]]:
    """Kind, text and stem of every unit."""
    return [
        (u.kind, text[u.start : u.end], text[slice(*u.stem)] if u.stem else None)
        for u in units(note_of(text), 0, len(text))
    ]


@given(markdown())
def test_blocks_hold_all_text_but_blanks_in_order(text: str) -> None:
    at = 0
    for block in blocks(text):
        assert not text[at : block.start].strip()
        assert block.start <= block.content <= block.end
        assert block.start < block.end
        at = block.end
    assert not text[at:].strip()


@given(markdown(), st.data())
def test_units_lie_inside_their_span_in_order(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    at = start
    for unit in units(note_of(text), start, end):
        assert at <= unit.start < unit.end <= end
        assert not text[unit.start].isspace()
        assert not text[unit.end - 1].isspace()
        if unit.stem:
            assert 0 <= unit.stem[0] < unit.stem[1] <= unit.start
        at = unit.end


@given(markdown())
def test_units_hold_what_blocks_say(text: str) -> None:
    held = {i for u in units(note_of(text), 0, len(text)) for i in range(u.start, u.end)}
    for block in blocks(text):
        if block.kind in ("paragraph", "item", "quote", "code", "formula"):
            left = [i for i in range(block.content, block.end) if i not in held]
            assert not "".join(text[i] for i in left).strip()


@given(markdown(), st.data())
def test_units_of_two_halves_are_the_units_of_the_whole(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    note = note_of(text)
    halves = units(note, 0, cut) + units(note, cut, len(text))
    held = {i for u in halves for i in range(u.start, u.end) if not text[i].isspace()}
    whole = units(note, 0, len(text))
    assert held == {i for u in whole for i in range(u.start, u.end) if not text[i].isspace()}


@given(entries())
def test_units_of_an_entry_hold_all_its_text(text: str) -> None:
    held = {
        i for u in units(note_of(text, format="feed"), 0, len(text)) for i in range(u.start, u.end)
    }
    assert not "".join(c for i, c in enumerate(text) if i not in held).strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# 题\n正文", ["heading", "paragraph"]),
        ("#标签 不是标题", ["paragraph"]),
        ("题目\n===\n正文", ["heading", "paragraph"]),
        ("题目\n---\n正文", ["heading", "paragraph"]),
        ("一句话，有标点。\n---\n正文", ["paragraph", "paragraph", "paragraph"]),
        ("- a\n- b\n  续", ["item", "item"]),
        ("1. a\n2) b", ["item", "item"]),
        ("1、甲\n（2）乙\n③ 丙\n• 丁", ["item"] * 4),
        ("- [ ] 待办\n- [x] 完成", ["item", "item"]),
        ("-a 不是列表\n3.5 也不是", ["paragraph"]),
        ("```py\n# a\n\n- b\n```\n后", ["code", "paragraph"]),
        ("~~~\n```\n~~~\n后", ["code", "paragraph"]),
        ("````\n```\n````\n后", ["code", "paragraph"]),
        ("```inline``` 代码\n后", ["paragraph"]),
        ("1. ```bash\n   ls\n   ```\n后文", ["code", "paragraph"]),
        ("> ```\n> a\n后文", ["code", "paragraph"]),
        ("```\n没关上\n# 里面", ["code"]),
        ("$$\na\n$$\n后", ["formula", "paragraph"]),
        ("$$ a $$\n后", ["formula", "paragraph"]),
        ("$$ 没关上\n\n后文。\n\n再后。", ["paragraph", "paragraph", "paragraph"]),
        ("\\[\nx\n\\]\n后", ["formula", "paragraph"]),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n后", ["row", "row", "row", "paragraph"]),
        ("a | b\n-|-\n1 | 2\n\n后", ["row", "row", "row", "paragraph"]),
        ("> 引用\n> - 列表\n正文", ["quote", "quote", "paragraph"]),
        ("---\n***\n___", ["paragraph"] * 3),
        ("::: tip\n正文\n:::", ["paragraph"] * 3),
        ("前文\n[^1]: 脚注", ["paragraph", "paragraph"]),
        ("", []),
        ("  \n\t\n", []),
    ],
)
def test_markdown_is_cut_into_its_blocks(text: str, expected: list[str]) -> None:
    assert [kind for kind, _ in kinds(text)] == expected


@pytest.mark.parametrize(
    ("line", "level", "title"),
    [("# 一", 1, "一"), ("## 二 ##", 2, "二"), ("### C#", 3, "C#"), ("#", 1, ""), ("# #", 1, ""),
     ("   #### 四", 4, "四"), ("#\t制表", 1, "制表")],
)  # fmt: skip
def test_a_heading_has_its_level_and_title(line: str, level: int, title: str) -> None:
    [block] = blocks(line)
    assert (block.kind, block.level, block.title) == ("heading", level, title)
    assert line[block.content :].startswith(title)


def test_rules_borders_and_comments_give_no_units() -> None:
    text = (
        "正文。\n\n---\n\n::: tip\n\n<!-- 注 -->\n\n***\n<!--info\ntags: [堆]\n-->\n</details>\n"
        "![图](a.png)\n[![徽章](b.svg)](c) ![](d)\n后文 ![图](e.png)。\n<b>粗</b>体。"
    )
    assert [piece for _, piece, _ in quoted(text)] == [
        "正文。",
        "后文 ![图](e.png)。",
        "<b>粗</b>体。",
    ]


def test_items_are_governed_by_the_line_before_the_list() -> None:
    text = "优点如下：\n- 参数少\n- 无延迟\n\n说完了。\n- 别的"
    assert quoted(text) == [
        ("paragraph", "优点如下：", None), ("item", "参数少", "优点如下："),
        ("item", "无延迟", "优点如下："), ("paragraph", "说完了。", None), ("item", "别的", None),
    ]  # fmt: skip


def test_nested_items_are_governed_by_the_item_above() -> None:
    text = "# LoRA\n- 超参\n  - 秩 r=8\n  - alpha=16\n- 位置\n    1. 注意力"
    assert [(piece, stem) for kind, piece, stem in quoted(text) if kind == "item"] == [
        ("超参", None), ("秩 r=8", "超参"), ("alpha=16", "超参"), ("位置", None), ("注意力",
         "位置"),
    ]  # fmt: skip


def test_rows_are_governed_by_the_header_and_the_delimiter_is_no_row() -> None:
    text = "| 模型 | 参数 |\n|---|---|\n| LLaMA | 7B |"
    assert quoted(text) == [
        ("row", "| 模型 | 参数 |", None), ("row", "| LLaMA | 7B |", "| 模型 | 参数 |"),
    ]  # fmt: skip


def test_a_span_that_starts_inside_a_table_list_or_fence_still_knows_it() -> None:
    text = "步骤：\n- 甲\n- 乙\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx = 1\ny = 2\n```\n正文。"
    note = note_of(text)

    def of(piece: str) -> Unit:
        at = text.index(piece)
        [unit] = units(note, at, at + len(piece))
        return unit

    assert text[slice(*of("乙").stem or ())] == "步骤："
    assert text[slice(*of("| 1 | 2 |").stem or ())] == "| a | b |"
    assert of("y = 2").kind == "code"
    at = text.index("y = 2")
    assert [u.kind for u in units(note, at, len(text))] == ["code", "paragraph"]


def test_units_know_the_headings_above_them() -> None:
    text = "# 一\n甲。\n## 二\n乙。\n### 三\n丙。\n## 四\n丁。"
    found = {text[u.start : u.end]: u.heading for u in units(note_of(text), 0, len(text))}
    assert found["甲。"] == ("一",)
    assert found["丙。"] == ("一", "二", "三")
    assert found["丁。"] == ("一", "四")
    assert found["四"] == ("一", "二", "三")  # a heading is governed by those before it


def test_front_matter_gives_no_units() -> None:
    text = "---\ntitle: 题\n---\n正文。"
    note = note_of(text, body_start=text.index("正文"))
    assert [text[u.start : u.end] for u in units(note, 0, len(text))] == ["正文。"]


def test_a_long_item_is_quoted_by_sentence() -> None:
    text = "- " + "这一句有二十个字左右，足够写成一个长的列表项。" * 10
    assert len(quoted(text)) == 10


@pytest.mark.parametrize(
    "text",
    [
        "|" + " |" * 60_000 + "x", "|--" + "|   " * 60_000 + "x", "| a\n" * 60_000,
        " " * 500_000 + "x",
        "# " + " " * 200_000 + "x", "# " + "#" * 200_000, "# " + "# " * 90_000, ">" * 100_000,
        "> " * 60_000 + "x", "$$ a\n" * 15_000, "\\[ a\n" * 15_000, "```\n" * 60_001, "- " * 90_000,
        "```a`\n" * 30_000, ("- a\n" + " " * 200) * 900, "**" * 90_000, "标题\n===\n" * 20_000,
        "1. " * 60_000, "|-|" * 60_000, "<!--" * 60_000, "<!--\n" * 20_000,
        "![a](b)" * 30_000 + "x", "<a>" * 60_000 + "x", "\n" * 300_000,
        "  " * 9_000 + "- a\n" * 9_000,
        "> ```\n" * 20_000, "![[" * 60_000, "[^a" * 60_000,
    ],
)  # fmt: skip
def test_adversarial_lines_are_read_in_linear_time(text: str) -> None:
    start = time.process_time()
    units(note_of(text), 0, len(text))
    assert time.process_time() - start < 6


def test_a_note_of_a_megabyte_is_cut_in_seconds() -> None:
    section = (
        "## 低秩适配\n\nLoRA 冻结原模型的权重，只训练两个低秩矩阵。秩 r 通常取 8。\n\n"
        "- 参数少：只有 0.1%\n- 无延迟\n\n| 模型 | 参数 |\n|---|---|\n| LLaMA | 7B |\n\n"
        "```py\nx = 1\n```\n\n"
    )
    text = section * (1_000_000 // len(section))
    start = time.process_time()
    found = units(note_of(text), 0, len(text))
    assert len(found) > 50_000
    assert units(note_of(text), 500_000, 500_480)
    assert time.process_time() - start < 15
