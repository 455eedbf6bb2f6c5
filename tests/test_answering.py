"""Which units of the notes make an answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.pipeline import Assistant
from assistant.questions import attribute_of, parse_question, takes_names, takes_pages
from tests.example_vaults import write_vault

NOTES = {
    "滴答清单.md": (
        "# 滴答清单\n\n## 功能\n\n- [[四象限]]\n- [[番茄工作法]]\n- [[习惯打卡]]\n- [[日历视图]]\n"
    ),
    "蝙蝠.md": "# 蝙蝠\n\n蝙蝠靠回声定位，优点是不怕黑。\n",
    "模板.md": (
        "# 模板插件\n\n[模板插件的介绍](https://example.org/templates)\n\n模板库：\n\n"
        "[模板大全](https://example.org/hub)\n"
    ),
    "浏览器.md": (
        "# 浏览器\n\n## 必装插件\n\n- [[油猴]]\n- [[广告屏蔽]]\n- [[双字幕]]\n- [[沉浸式翻译]]\n"
    ),
    "训练平台.md": "# Poker\n\nPoker 是我们的模型训练平台，管从样本到模型的一段。负责人是小林。\n",
    "采购.md": "# 采购\n\n显示器的价格是 1999 元。The price of the monitor includes tax.\n",
}


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    folder = tmp_path_factory.mktemp("answering")
    write_vault(folder / "notes", NOTES)
    with Assistant.open(folder / "notes", folder / "index") as opened:
        opened.refresh()
        yield opened


@pytest.mark.parametrize(
    "question",
    ["番茄工作法有什么优点？", "番茄工作法怎么用？", "模板插件怎么用？", "为什么用模板插件？"],
)
def test_links_alone_answer_no_question_of_what_something_is_like(
    assistant: Assistant, question: str
) -> None:
    answer = assistant.ask(question)
    assert answer.abstained, answer.text
    assert answer.hits


def test_links_answer_where_names_or_pages_are_asked_for(assistant: Assistant) -> None:
    named = assistant.ask("浏览器的必装插件有哪些？")
    assert "[[油猴]]" in named.text
    assert "[[沉浸式翻译]]" in named.text
    page = assistant.ask("模板插件的介绍的链接是什么？")
    assert "https://example.org/templates" in page.text


@pytest.mark.parametrize(
    ("question", "names", "pages"),
    [
        ("必装插件有哪些？", True, True),
        ("Which plugins do we use?", True, True),
        ("用哪个插件做双字幕？", True, True),
        ("番茄工作法的优点", False, True),
        ("What are the advantages of LoRA?", False, True),
        ("LoRA 怎么用？", False, False),
        ("Why is LoRA cheap?", False, False),
        ("LoRA 怎么用，有教程吗？", False, True),
        ("How do I install it? A link will do.", False, True),
    ],
)
def test_a_question_says_whether_links_can_answer(question: str, names: bool, pages: bool) -> None:
    asked = parse_question(question)
    assert (takes_names(asked), takes_pages(asked)) == (names, pages)


def test_what_notes_say_elsewhere_is_not_called_unmentioned(assistant: Assistant) -> None:
    assert "没有提到" not in (assistant.ask("番茄工作法的优点").reason or "")
    assert "没有提到：" in (assistant.ask("企鹅的体重是多少？").reason or "")


@pytest.mark.parametrize(
    "question",
    [
        "What is the price of Poker?",  # a price is in the notes, of something else
        "What is the licence of Poker?",
        "Poker 的颜色是什么？",
        "What is the birthplace of Poker?",
    ],
)
def test_what_a_thing_is_does_not_answer_what_no_note_says_of_it(
    assistant: Assistant, question: str
) -> None:
    answer = assistant.ask(question)
    assert answer.abstained, answer.text
    assert "Poker" in answer.text  # the nearest note is named


def test_what_a_note_says_of_a_thing_is_answered(assistant: Assistant) -> None:
    assert "训练平台" in assistant.ask("What is Poker?").text
    assert "1999" in assistant.ask("显示器的价格是多少？").text


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("What is the price of Poker?", "price"),
        ("What was the learning rate of the run?", "learning rate"),
        ("Poker 的许可证是什么？", "许可证"),
        ("What is the purpose of Poker?", ""),
        ("LoRA 的核心思想是什么？", ""),
        ("What is Poker?", ""),
        ("DPO 的损失函数是什么？", ""),
        ("Mish 的公式是什么？", ""),
        ("IPO 的官方代码仓库地址是什么?", ""),
        ("Poker 是什么？", ""),
    ],
)
def test_a_question_says_what_it_asks_of_a_thing(question: str, about: str) -> None:
    assert attribute_of(parse_question(question)) == about


@pytest.mark.parametrize(
    "question",
    [
        "模型的咖啡机怎么清洗？",
        "显示器的保修单丢了怎么补办？",
        "How do I renew the passport of the model?",
    ],
)
def test_a_common_word_is_no_answer_to_what_no_note_speaks_of(
    assistant: Assistant, question: str
) -> None:
    answer = assistant.ask(question)
    assert answer.abstained, answer.text
    assert answer.hits


def test_a_follow_up_about_something_else_is_not_answered_by_the_topic_before(
    assistant: Assistant,
) -> None:
    first = "Poker 是什么？"
    answer = assistant.ask("训练营的咖啡机怎么清洗？", [first])
    assert answer.abstained, answer.text
    assert not assistant.ask("负责人是谁？", [first]).abstained


def test_what_a_note_is_filed_under_answers_only_who_asks_for_it(tmp_path: Path) -> None:
    write_vault(
        tmp_path / "notes",
        {"信天翁.md": ("# 信天翁\n\n> ***Keywords**: 信天翁的飞行*\n\n信天翁靠动态滑翔飞行。\n")},
    )
    with Assistant.open(tmp_path / "notes", tmp_path / "index") as opened:
        opened.refresh()
        how = opened.ask("信天翁的飞行靠什么？")
        filed = opened.ask("信天翁的 keywords 有哪些？")
    assert "动态滑翔" in how.text
    assert "Keywords" not in how.text
    assert "Keywords" in filed.text
