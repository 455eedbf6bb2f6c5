"""What the page does when a person acts, without Gradio."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.retrieval import Filters
from assistant.types import Answer, Citation, Rewrite, Verdict
from assistant.web import desk
from assistant.web.copies import answer_markdown
from assistant.web.handlers import Asked, Conversation, Page, Unfit
from assistant.web.store import TurnStore
from corpus.errors import CorpusError
from corpus.index import Index
from tests.web.fakes import ScriptedAssistant, write_notes


@pytest.fixture
def assistant(tmp_path: Path) -> ScriptedAssistant:
    return ScriptedAssistant(write_notes(tmp_path / "notes"), tmp_path / "index")


@pytest.fixture
def page(assistant: ScriptedAssistant, tmp_path: Path) -> Page:
    return Page(assistant, TurnStore(tmp_path))


def refs(markup: str, kind: str = "p") -> list[str]:
    found = re.findall(rf"""href=["']#{kind}-([0-9a-f]{{16}}-[a-z]+\d+)["']""", markup)
    return list(dict.fromkeys(found))


def finished(page: Page, question: str, session: object = None) -> Conversation:
    return list(page.ask(question, session))[-1]


def test_an_answer_grows_and_ends_painted(page: Page) -> None:
    steps = list(page.ask("GQA 分组", None))
    assert "正在查找" in steps[0].messages[-1]["content"]
    assert "class='yj-sum'" in steps[-1].messages[-1]["content"]
    assert len({step.session for step in steps}) == 1
    assert [message["role"] for message in steps[-1].messages] == ["user", "assistant"]


def test_every_link_of_an_answer_opens_its_exact_span(
    page: Page, assistant: ScriptedAssistant
) -> None:
    markup = finished(page, "GQA 分组").messages[-1]["content"]
    answer = assistant.ask("GQA 分组")
    for citation, ref in zip(answer.citations, refs(markup), strict=False):
        found = page.passage(ref)
        assert found is not None
        assert found["hit"] == citation.quote or found["verdict"]
    first = page.passage(next(ref for ref in refs(markup) if ref.endswith("-c1")))
    assert first is not None
    assert first["hit"] == answer.citations[0].quote
    assert first["where"] == "注意力/gqa.md:9"


def test_links_outside_name_the_file_and_its_line(page: Page, tmp_path: Path) -> None:
    markup = finished(page, "efSearch latency").messages[-1]["content"]
    found = page.passage(refs(markup)[0])
    assert found is not None
    assert found["editor"].endswith("/notes/search-en.md:3")
    assert found["editor"].startswith("vscode://file/")
    assert found["obsidian"] == ""  # the folder is no Obsidian vault


def test_a_restarted_page_shows_the_same_conversation(
    page: Page, assistant: ScriptedAssistant, tmp_path: Path
) -> None:
    before = finished(page, "GQA 分组 WRONG")
    after = Page(assistant, TurnStore(tmp_path)).conversation(before.session)
    assert after == before


def test_links_of_a_conversation_outlive_the_server(
    page: Page, assistant: ScriptedAssistant, tmp_path: Path
) -> None:
    markup = finished(page, "GQA 分组").messages[-1]["content"]
    again = Page(assistant, TurnStore(tmp_path))
    for ref in refs(markup):
        assert again.passage(ref) == page.passage(ref) is not None
    assert again.copy(refs(markup, "y")[0]) == page.copy(refs(markup, "y")[0]) is not None


def test_retrying_replaces_the_last_turn(page: Page) -> None:
    session = finished(page, "GQA 分组").session
    finished(page, "LoRA 矩阵", session)
    assert page.last_question(session) == "LoRA 矩阵"
    again = list(page.ask("LoRA 矩阵", session, Asked(again=True)))[-1]
    assert len(again.messages) == len(page.conversation(session).messages) == 2 * 2


def test_a_stopped_question_leaves_no_turn(page: Page) -> None:
    session = finished(page, "GQA 分组").session
    running = page.ask("LoRA 矩阵", session)
    next(running)
    running.close()
    assert len(page.conversation(session).messages) == 2


def test_an_answer_that_may_not_be_kept_leaves_the_conversation_as_it_was(page: Page) -> None:
    session = finished(page, "GQA 分组").session
    before = page.conversation(session)
    again = Asked(again=True)
    assert all(now.growing for now in page.ask("LoRA 矩阵", session, again, lambda: False))
    assert page.conversation(session) == before


def test_a_disk_without_room_loses_neither_the_answer_nor_the_one_before(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = finished(page, "GQA 分组").session
    before = page.conversation(session).messages
    connect = sqlite3.connect

    def without_room(*args: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*args, **options)
        connection.execute("PRAGMA max_page_count = 1")  # as many as there are
        return connection

    monkeypatch.setattr(sqlite3, "connect", without_room)
    question = "ECHO LoRA 矩阵" + "很长" * 900
    last = list(page.ask(question, session, Asked(again=True)))[-1]
    assert "LoRA" in last.turn[1]["content"]
    assert not last.growing
    assert "full" in last.unkept
    assert page.passage(refs(last.turn[1]["content"])[0]) is not None  # its citations open
    monkeypatch.undo()
    assert page.conversation(session).messages == before  # the retried one is still kept


def test_a_failed_retry_keeps_the_old_turn(page: Page) -> None:
    session = finished(page, "GQA 分组").session
    with pytest.raises(ZeroDivisionError):
        list(page.ask("BOOM", session, Asked(again=True)))
    assert len(page.conversation(session).messages) == 2


def test_only_the_last_turns_are_shown(page: Page) -> None:
    session = finished(page, "efSearch 1").session
    for number in range(2, 30):
        finished(page, f"efSearch {number}", session)
    assert len(page.conversation(session).messages) == 29 * 2
    finished(page, "efSearch 30", session)
    messages = page.conversation(session).messages
    assert "更早的 10 轮" in messages[0]["content"]
    assert "efSearch 11<" in messages[1]["content"]
    assert len(messages) == 1 + 20 * 2


def test_a_growing_answer_leaves_what_stands_above_it(page: Page) -> None:
    session = finished(page, "efSearch 1").session
    finished(page, "efSearch 2", session)
    steps = list(page.ask("efSearch 3", session))
    assert len(steps) > 1
    assert all(step.past is steps[0].past and len(step.turn) == 2 for step in steps)
    assert [step.growing for step in steps] == [True] * (len(steps) - 1) + [False]
    assert len(steps[0].past) == 2 * 2
    again = page.conversation(session)
    assert again.messages == steps[-1].messages
    assert again.turn == steps[-1].turn


def test_an_edited_question_takes_the_place_of_its_turn_and_all_after_it(page: Page) -> None:
    session = finished(page, "efSearch 1").session
    for number in range(2, 6):
        finished(page, f"efSearch {number}", session)
    old = page.store.turns(session)[2].sheet.id
    steps = list(page.ask("efSearch again", session, Asked(replacing=old)))
    assert len(steps[0].past) == 2 * 2
    assert "efSearch 2<" in steps[0].past[-2]["content"]
    assert [turn.answer.question for turn in page.store.turns(session)] == [
        "efSearch 1",
        "efSearch 2",
        "efSearch again",
    ]


def test_questions_to_other_notes_complete_no_follow_up(page: Page, tmp_path: Path) -> None:
    first = finished(page, "GQA 分组")
    then = finished(page, "它是谁提出的", first.session)
    scripted = page.assistant
    assert isinstance(scripted, ScriptedAssistant)
    assert scripted.histories[-1] == ["GQA 分组"]
    other = ScriptedAssistant(write_notes(tmp_path / "others"), tmp_path / "index-of-others")
    page.assistant = other
    finished(page, "乌龙茶用几度的水", then.session)
    assert other.histories[-1] == []
    finished(page, "那绿茶呢", then.session)
    assert other.histories[-1] == ["乌龙茶用几度的水"]


def test_a_foreign_session_begins_a_new_conversation(page: Page) -> None:
    for session in (None, "../../x", {"a": 1}, "f" * 31):
        found = page.conversation(session)
        assert re.fullmatch("[0-9a-f]{32}", found.session)
        assert found.messages == []


@pytest.mark.parametrize("question", ["", "  \n ", "长" * 100_000])
def test_a_question_that_cannot_be_asked_is_refused(page: Page, question: str) -> None:
    with pytest.raises(Unfit) as caught:
        next(page.ask(question, None))
    assert "class=\"zh\"" in caught.value.markup  # fmt: skip


@pytest.mark.parametrize("text", ["", " \n", "长" * 100_000])
def test_a_text_that_cannot_be_checked_is_refused(page: Page, text: str) -> None:
    with pytest.raises(Unfit):
        page.check(text)


def test_hits_are_filtered_and_open_their_passage(page: Page) -> None:
    markup = page.find("LoRA 矩阵", 10, Filters(folder="微调"))
    assert "lora.md" in markup
    assert "gqa.md" not in markup
    found = page.passage(refs(markup)[0])
    assert found is not None
    assert found["hit"].strip().startswith("# LoRA")
    assert "yj-empty" in page.find("LoRA", 10, Filters(tag="nothing"))
    assert "yj-empty" in page.find("  ", 10, Filters())


@pytest.mark.parametrize("date", ["20240", "yesterday", "2024-13-01", "<b>"])
def test_a_date_that_is_none_is_refused(page: Page, date: str) -> None:
    with pytest.raises(Unfit) as caught:
        page.find("LoRA", 10, Filters(since=date))
    assert "<b>" not in caught.value.markup


def test_copies_are_those_that_were_shown(page: Page) -> None:
    markup = page.find("LoRA efSearch", 10, Filters())
    copies = [page.copy(ref) for ref in refs(markup, "y")]
    assert copies[0] is not None
    assert copies[0].startswith("> ")
    sheet = refs(markup, "y")[0].partition("-")[0]
    assert page.copy(f"{sheet}-y99") is None


@pytest.mark.parametrize(
    "ref", [None, "", "0" * 16 + "-c1", "../../etc/passwd", {"a": 1}, "0" * 16 + "-y0"]
)
def test_what_was_not_shown_cannot_be_opened(page: Page, ref: object) -> None:
    assert page.passage(ref) is None
    assert page.copy(ref) is None


def test_a_deleted_note_is_said_to_be_gone(
    page: Page, assistant: ScriptedAssistant, tmp_path: Path
) -> None:
    markup = page.find("efSearch", 1, Filters())
    (tmp_path / "notes/search-en.md").unlink()
    assistant.refresh()
    found = page.passage(refs(markup)[0])
    assert found is not None
    assert (found["state"], found["editor"]) == ("gone", "")
    assert "efSearch" in found["hit"]


def test_changed_notes_are_seen_without_a_refresh(
    page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(desk, "LOOK_S", 0.0)
    (tmp_path / "notes/new.md").write_text("# 新\n\n蝙蝠用回声定位。\n", encoding="utf-8")
    assert "new.md" in page.find("蝙蝠", 10, Filters())


def test_a_vault_that_is_gone_leaves_the_index_as_it_was(
    page: Page, assistant: ScriptedAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(progress: object = None) -> None:
        raise CorpusError("the vault is gone")

    monkeypatch.setattr(desk, "LOOK_S", 0.0)
    monkeypatch.setattr(assistant, "refresh", gone)
    assert "search-en.md" in page.find("efSearch", 10, Filters())


def test_the_header_says_what_answers_and_whether_anything_is_sent(
    page: Page, assistant: ScriptedAssistant
) -> None:
    own = page.header()
    assert "不出本机" in own
    assert "4 篇笔记" in own
    assistant.generator = "model <b>"
    sent = page.header()
    assert "不出本机" not in sent
    assert "会发给 model &lt;b&gt;" in sent


def test_skipped_files_are_named_with_their_reason(tmp_path: Path) -> None:
    notes = write_notes(tmp_path / "notes")
    (notes / "bad<b>.md").write_bytes(bytes(range(256)) * 9)
    header = Page(ScriptedAssistant(notes, tmp_path / "index"), TurnStore(tmp_path)).header()
    assert "跳过 1 个文件" in header
    assert "bad&lt;b&gt;.md" in header


def test_examples_are_asked_for_once_until_the_notes_change(
    page: Page, assistant: ScriptedAssistant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(assistant, "examples", lambda n=4: calls.append(n) or ["问？"] * 9)
    assert page.examples(2) == page.examples(2) == ["问？"] * 2
    assert calls == [2]
    (tmp_path / "notes/new.md").write_text("# 新\n\n新的一篇。\n", encoding="utf-8")
    assistant.refresh()
    page.examples(2)
    assert calls == [2, 2]


def test_folders_and_tags_come_from_the_notes(page: Page) -> None:
    folders, tags = page.folders_and_tags()
    assert folders == sorted(["注意力", "微调"])
    assert tags == sorted(["attention", "LLM", "PEFT"])


def test_the_scripted_assistant_quotes_true_spans(assistant: ScriptedAssistant) -> None:
    index: Index = assistant.index
    for citation in assistant.ask("GQA 与 HNSW 与 LoRA").citations:
        assert index.note(citation.note).text[citation.start : citation.end] == citation.quote


def test_only_a_models_answer_with_unsupported_sentences_can_be_rewritten(
    page: Page, assistant: ScriptedAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = assistant.ask("GQA 分组")
    flagged = replace(whole.claims[0], verdict=Verdict.UNSUPPORTED, citations=())
    bad = replace(whole, generator="m", claims=(flagged,), reason="为何<b>")
    good = replace(whole, generator="m", rewrites=(Rewrite(before="旧句", after=""),))
    asked: list[bool] = []

    def stream(
        _: str, __: object = (), *, filters: object = None, rewrite: bool = False
    ) -> Iterator[Answer]:
        asked.append(rewrite)
        yield good if rewrite else bad

    monkeypatch.setattr(assistant, "stream", stream)
    *_, first = page.ask("GQA 分组", None)
    assert page.is_rewritable(first.session)
    assert "为何&lt;b&gt;" in first.messages[-1]["content"]
    *_, again = page.ask("GQA 分组", first.session, Asked(again=True, rewrite=True))
    assert asked == [False, True]
    assert len(again.messages) == 2
    assert "旧句" in again.messages[-1]["content"]
    assert not page.is_rewritable(None)


def test_a_copy_is_not_shaped_by_the_name_of_a_file() -> None:
    citation = Citation(
        marker=1, note="a\n[^1]: forged `x`\x1b[2J.md", title="![图](http://leak.invalid/x) 题",
        heading=(), start=0, end=2, line=3, quote="原话\n[^1]: forged",
    )  # fmt: skip
    answer = Answer(question="问", searched=(), text="原话", abstained=False, reason=None,
                    generator="extractive", citations=(citation,))  # fmt: skip
    lines = answer_markdown(answer, []).splitlines()
    assert [line for line in lines if line.startswith("[^")] == lines[-1:]
    assert lines[-1].startswith("[^1]: 图 题, ``a")
    assert "leak.invalid" not in lines[-1]
    assert "\x1b" not in lines[-1]
