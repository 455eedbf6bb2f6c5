"""The notes to browse and to read."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from assistant.retrieval import Filters
from assistant.web.handlers import Asked, Page
from assistant.web.library import Library
from assistant.web.store import TurnStore
from tests.web.fakes import ScriptedAssistant, write_notes


@pytest.fixture
def page(tmp_path: Path) -> Page:
    notes = write_notes(tmp_path / "notes")
    (notes / "微调" / "索引.md").write_text(
        "# 索引\n\n见 [[LoRA|低秩]]、[GQA](../注意力/gqa.md)、[站](https://example.org/a)、"
        "[坏](javascript:alert(1)) 与 [[没有]]。\n\n> [!warning] 小心\n> 内容\n\n"
        "```cpp\nint a; // <b>\n```\n",
        encoding="utf-8",
    )
    (notes / "微调" / "链接.md").write_text(
        "# 链接\n\n[[LoRA#初始化]] 与 [本页](#此处)。\n\n## 此处\n\n文字。\n", encoding="utf-8"
    )
    return Page(ScriptedAssistant(notes, tmp_path / "index"), TurnStore(tmp_path))


def test_links_of_a_note_lead_to_notes_and_to_the_web_only(page: Page) -> None:
    markup = html.unescape(Library(page).read("微调/索引.md") or "")
    assert 'href="#n-%E5%BE%AE%E8%B0%83%2Flora.md"' in markup
    assert 'href="#n-%E6%B3%A8%E6%84%8F%E5%8A%9B%2Fgqa.md"' in markup
    assert 'href="https://example.org/a" target="_blank"' in markup
    assert 'href="javascript' not in markup
    assert "没有" in markup


def test_a_link_to_a_heading_opens_the_note_there(page: Page) -> None:
    markup = html.unescape(Library(page).read("微调/链接.md") or "")
    to = page.assistant.index.note("微调/lora.md").text
    start = to.index("## 初始化")
    assert f"#n-%E5%BE%AE%E8%B0%83%2Flora.md@{start}-" in markup
    own = page.assistant.index.note("微调/链接.md").text.index("## 此处")
    assert f"#n-%E5%BE%AE%E8%B0%83%2F%E9%93%BE%E6%8E%A5.md@{own}-" in markup


def test_a_note_names_what_it_links_to_and_what_links_to_it(page: Page) -> None:
    library = Library(page)
    leading = html.unescape((library.read("微调/索引.md") or "").partition("yj-links")[2])
    assert re.findall(r"class='ln'[^>]*>([^<]+)<", leading) == ["LoRA", "分组查询注意力 GQA"]
    back = (library.read("微调/lora.md") or "").partition("yj-links")[2]
    assert re.findall(r"class='bk'.*?<b>([^<]+)</b>", back) == ["索引", "链接"]
    assert "见 低秩、" in re.sub(r"<[^>]+>", "", back)


def test_a_note_opens_at_the_words_that_were_cited(page: Page) -> None:
    note = page.assistant.index.note("微调/lora.md")
    start = note.text.index("矩阵 B")
    markup = Library(page).read(note.path, f"{start}-{start + 4}") or ""
    assert '<span class="here">矩阵 B</span>' in markup
    for at in ("0-5", "9-2", "1-99999999", "x", None, {"a": 1}):
        assert 'class="here"' not in (Library(page).read(note.path, at) or "")


def test_a_long_note_is_drawn_around_the_words_it_is_opened_at(page: Page, tmp_path: Path) -> None:
    text = "# 长\n\n" + "".join(f"第 {n} 段的文字。\n\n" for n in range(20_000))
    (tmp_path / "notes" / "长.md").write_text(text, encoding="utf-8")
    page.assistant.refresh()
    start = text.index("第 19000 段")
    markup = Library(page).read("长.md", f"{start}-{start + 9}") or ""
    assert '<span class="here">第 19000 段</span>' in markup
    assert "第 1 段" not in markup
    assert "只显示一部分" in markup


def test_code_is_fenced_for_colours_and_callouts_are_named(page: Page) -> None:
    markup = Library(page).read("微调/索引.md") or ""
    assert "\n\n```c\nint a; // <b>\n```\n\n" in markup
    assert "co-warning co-t" in markup


def test_a_hostile_note_is_read_as_text(page: Page) -> None:
    markup = Library(page).read("hostile.md") or ""
    assert "<img" not in markup
    assert "${HOME} 和 \\frac" in markup
    assert 'href="#p-0000000000000000' not in markup


@pytest.mark.parametrize("path", [None, "", "../../etc/passwd", "/etc/passwd", {"a": 1}, "x.md"])
def test_what_is_not_indexed_is_not_read(page: Page, path: object) -> None:
    assert Library(page).read(path) is None
    assert page.open_file(path) is False


def test_all_notes_are_listed_by_folder_and_filtered(page: Page) -> None:
    everything = Library(page).listing(Filters())
    assert everything.count("class='nt'") == 6
    kept = Library(page).listing(Filters(folder="微调", title="lora"))
    assert kept.count("class='nt'") == 1
    assert "yj-empty" in Library(page).listing(Filters(tag="absent"))


def test_a_question_kept_to_one_note_is_answered_from_it_alone(page: Page) -> None:
    *_, last = page.ask("LoRA 矩阵 efSearch", None, Asked(scope="微调/lora.md"))
    scripted = page.assistant
    assert isinstance(scripted, ScriptedAssistant)
    assert scripted.scopes == ["微调/lora.md"]
    assert "search-en.md" not in last.messages[-1]["content"]
    assert "只查《LoRA》" in last.messages[0]["content"]


def test_an_edited_question_replaces_its_turn_and_those_behind_it(page: Page) -> None:
    session = list(page.ask("GQA 分组", None))[-1].session
    for question in ("LoRA 矩阵", "efSearch latency"):
        list(page.ask(question, session))
    second = page.store.turns(session)[1]
    assert page.question_of(session, second.sheet.id) == "LoRA 矩阵"
    list(page.ask("LoRA 初始化", session, Asked(replacing=second.sheet.id, exact=True)))
    assert [turn.answer.question for turn in page.store.turns(session)] == [
        "GQA 分组",
        "LoRA 初始化",
    ]
    assert isinstance(page.assistant, ScriptedAssistant)
    assert page.assistant.histories[-1] == []  # searched as it was written


def test_a_network_sees_no_chats_but_its_own(page: Page, tmp_path: Path) -> None:
    session = list(page.ask("GQA 分组", None))[-1].session
    assert [chat["title"] for chat in page.chats(None)] == ["GQA 分组"]
    elsewhere = Page(page.assistant, TurnStore(tmp_path), local=False)
    assert elsewhere.chats(None) == []
    assert [chat["open"] for chat in elsewhere.chats(session)] == [True]
    assert elsewhere.open_file("search-en.md") is False
