from __future__ import annotations

import time

import pytest
from hypothesis import given

from corpus.frontmatter import FrontMatter, read_front_matter
from tests.generated import markdown, texts

FULL = """---
title: "LoRA: 低秩适配"
aliases: [低秩适配, Low-Rank Adaptation]
tags:
  - 微调
  - "#peft/lora"
date: 2024-03-05
---
正文。
"""


def test_every_field_is_read() -> None:
    found = read_front_matter(FULL)
    assert found == FrontMatter(
        title="LoRA: 低秩适配", aliases=("低秩适配", "Low-Rank Adaptation"), tags=("微调",
        "peft/lora"),
        date="2024-03-05", end=FULL.index("正文"),
    )  # fmt: skip


@given(markdown())
def test_any_text_is_read_and_the_body_starts_at_a_line(text: str) -> None:
    for source in (text, "---\n" + text, "---\n" + text + "\n---\n" + text):
        end = read_front_matter(source).end
        assert end == 0 or source[end - 1] == "\n" or end == len(source)


@given(texts())
def test_any_title_is_read_as_text(title: str) -> None:
    found = read_front_matter(f"---\ntitle: {title}\ntags: [a]\n---\n")
    assert isinstance(found.title, str)
    assert "\n" not in found.title


@pytest.mark.parametrize(
    ("matter", "title"),
    [
        ("title: NO", "NO"),
        ("title: 012", "012"),
        ("title: 12:30:45", "12:30:45"),
        ("title: null", "null"),
        ("title: 2024-02-30", "2024-02-30"),
        ("title: LoRA: 低秩适配, 原理", "LoRA: 低秩适配, 原理"),
        ("title: 'a'\ntitle: 'b'", "b"),
        ("title:\t制表", "制表"),
        ("title: !!python/object/apply:os.system [ls]", "ls"),
        ("Title: 大写的键", "大写的键"),
        ("title:", ""),
    ],
)
def test_every_value_is_text(matter: str, title: str) -> None:
    assert read_front_matter(f"---\n{matter}\nx: 1\n---\n正文").title == title


@pytest.mark.parametrize(
    "broken",
    ["title: 题\ntags: [a, b\n", "title: 题\n\tbad: tab\ntags: a, b\n",
     "title: 题\n&a *a: {{\ntags: [a, b]\n",
     "title: 题\nb: \"unclosed\ntags:\n- a\n- b\n"],
)  # fmt: skip
def test_broken_yaml_costs_only_itself(broken: str) -> None:
    text = f"---\n{broken}---\n正文。"
    found = read_front_matter(text)
    assert text[found.end :] == "正文。"
    assert found.title == "题"
    assert found.tags == ("a", "b")


@pytest.mark.parametrize(
    "text",
    [
        "正文。",
        "",
        "--- \n没有结束",
        "----\na: b\n---\n",
        "---\n今天去了公园。\n没有什么可说的。\n---\n正文。",
        " ---\na: b\n---\n",
    ],
)
def test_what_is_no_front_matter_stays_in_the_body(text: str) -> None:
    assert read_front_matter(text) == FrontMatter()


def test_empty_front_matter_is_front_matter() -> None:
    assert read_front_matter("---\n---\n正文").end == 8
    assert read_front_matter("---\n# 注\n---").end in (0, 11)


@pytest.mark.parametrize(
    ("value", "date"),
    [("2024-03-05", "2024-03-05"), ("2024/3/5 10:00", "2024-03-05"), ("2024年3月5日", "2024-03-05"),
     ("2024-02-30", None), ("2024-99-01", None), ("soon", None)],
)  # fmt: skip
def test_a_date_is_one_of_the_calendar(value: str, date: str | None) -> None:
    assert read_front_matter(f"---\ndate: {value}\n---\n").date == date


def test_the_next_key_is_asked_when_a_date_is_none() -> None:
    assert (
        read_front_matter("---\ndate: 2024-02-30\ncreated: 2024-02-03\n---\n").date == "2024-02-03"
    )


@pytest.mark.parametrize(
    "bomb",
    ["a: &a [x,x]\nb: &b [*a,*a]\n" + "".join(f"c{i}: &c{i} [*b,*b]\n" for i in range(50)),
     "[" * 3000,
     "? " * 6000, "{a: " * 2000, "- " * 6000,
     "a:\n" + "".join(" " * i + "a:\n" for i in range(150)),
     "k: v\n" * 200_000, "a: |\n" + " x\n" * 6000, "'" * 15_000, "!!" * 7000],
)  # fmt: skip
def test_a_bomb_in_front_matter_costs_no_time(bomb: str) -> None:
    start = time.process_time()
    text = f"---\n{bomb}\n---\n正文。"
    found = read_front_matter(text)
    assert time.process_time() - start < 2
    assert text[found.end :].endswith("正文。")


TOML = """+++
title = "TOML 题"
date = 2024-03-04T10:00:00Z
draft = false
weight = 012345678901234567890
tags = ["甲", '乙']
{extra}
+++

正文。
"""


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        (TOML.replace("weight = 0", "weight = ").replace("{extra}", ""), ("甲", "乙")),
        (TOML.replace("{extra}", ""), ("甲", "乙")),  # broken: no number begins with a 0
        (TOML.replace("{extra}", 'a = "\nb = ['), ("甲", "乙")),
        (TOML.replace("weight = 0", "n = ").replace("tags", "[taxonomies]\ntags")
         .replace("{extra}", ""), ("甲", "乙")),
        ('{\n "title": "TOML 题", "date": "2024-03-04", "tags": ["丙"], "n": 1e999\n}\n\n正文。\n',
         ("丙",)),
    ],
)  # fmt: skip
def test_front_matter_of_hugo_and_zola_is_read(text: str, tags: tuple[str, ...]) -> None:
    for mark in ("", "\ufeff"):
        found = read_front_matter(mark + text)
        assert found == FrontMatter(
            title="TOML 题", tags=tags, date="2024-03-04",
            end=len(mark) + text.index("\n正文"),
        )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "+++\n两条线之间的话。\n+++\n正文。",
        "+++\ntitle = 'x'\n没有结尾",
        '{"a": 1}\n正文',
        '{"title": ["x"]}\n正文',
        '{"title": "x"} 与后文在同一行',
        "{" * 50_000,
        '{"title": ' + "[" * 9000 + "]" * 9000 + "}\n正文",
        "{{ 模板 }}\n",
    ],
)
def test_what_only_looks_like_toml_or_json_stays_in_the_body(text: str) -> None:
    assert read_front_matter(text) == FrontMatter()


@pytest.mark.parametrize("value", ["[" * 9000, "9" * 15_000, "{a=" * 3000, '"' + "x" * 19_000])
def test_a_bomb_in_toml_costs_no_time(value: str) -> None:
    begun = time.monotonic()
    found = read_front_matter(f"+++\ntitle = '题'\nb = {value}\n+++\n正文。")
    assert time.monotonic() - begun < 1
    assert found.title == "题"
