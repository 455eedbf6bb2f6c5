"""Reviewing drafts in the page: what is shown of one, what is kept, what may be opened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.reviews import Decision, ReviewTable
from assistant.web.desk import Desk, Unfit
from assistant.web.results import load_results, paint_result
from assistant.web.reviewing import EVERY, Reviewing
from assistant.web.runs import MAKE, Evaluation, Runs
from assistant.web.store import TurnStore
from corpus.errors import ConfigError
from tests.web.fakes import NOTES, ScriptedAssistant, write_notes

QUOTE = "GQA 把 32 个查询头分成 8 组，每组共享一对键值头。"
AT = NOTES["注意力/gqa.md"].index(QUOTE)


def row(id_: str, **more: Any) -> dict[str, Any]:
    gold = {"note": "注意力/gqa.md", "start": AT, "end": AT + len(QUOTE), "quote": QUOTE}
    return {
        "id": id_, "type": "question", "text": f"<b>分几组？{id_}", "kind": "number",
        "answerable": True, "gold": [gold], "facts": ["8"], "drafted_by": "template",
        "reviewed": False, **more,
    }  # fmt: skip


def write_table(folder: Path, *rows: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    return path


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedAssistant]:
    folder = tmp_path_factory.mktemp("reviewed")
    made = ScriptedAssistant(write_notes(folder / "notes"), folder / "index")
    yield made
    made.index.close()


@pytest.fixture
def desk(assistant: ScriptedAssistant, tmp_path: Path) -> Desk:
    (tmp_path / "chats").mkdir()
    return Desk(assistant, TurnStore(tmp_path / "chats"))


@pytest.fixture
def reviewing(desk: Desk, tmp_path: Path) -> Reviewing:
    claim = row("c", type="claim", kind="copy", verdict="supported", facts=[])
    write_table(
        tmp_path / "drafts", row("a"), row("b", reviewed=True), claim,
        row("d", answerable=False, gold=[], kind="unanswerable", facts=[]),
    )  # fmt: skip
    return Reviewing(desk, tmp_path / "drafts")


def test_a_card_shows_the_words_it_rests_on_and_opens_them(
    reviewing: Reviewing, desk: Desk
) -> None:
    card = reviewing.card("mine.jsonl", "open")
    assert (card.id, card.text, card.facts, card.is_claim) == ("a", "<b>分几组？a", "8", False)
    assert QUOTE in card.markup
    assert "review.moved" not in card.markup
    assert "<b>" not in card.markup
    ref = card.markup.partition("href='#p-")[2].partition("'")[0]
    shown = desk.passage(ref)
    assert shown is not None
    assert (shown["hit"], shown["state"]) == (QUOTE, "")
    assert "3 条未审阅，1 条已接受，0 条已拒绝" in card.markup


def test_the_review_goes_from_one_to_the_next(reviewing: Reviewing) -> None:
    def at(show: str, id_: str = "", step: int = 0) -> str:
        return reviewing.card("mine.jsonl", show, id_, step).id

    assert [at("open"), at("open", "a", 1), at("open", "c", 1)] == ["a", "c", "d"]
    assert at("open", "d", 1) == "a"  # round
    assert at("open", "d", -1) == "c"
    assert at(EVERY, "a", 1) == at("accepted") == "b"
    assert at("rejected") == ""
    reviewing.decide("mine.jsonl", "a", accepted=False, text="", facts="", verdict="")
    assert at("open", "a") == "c"
    claim = reviewing.card("mine.jsonl", "open", "c")
    assert (claim.is_claim, claim.verdict) == (True, "supported")
    assert "笔记里应当没有答案" in reviewing.card("mine.jsonl", "open", "d").markup


def test_a_yes_keeps_the_words_of_the_boxes_and_a_no_keeps_none(
    reviewing: Reviewing, tmp_path: Path
) -> None:
    words = {"text": "GQA 分几组？", "facts": "8\n组\n", "verdict": ""}
    reviewing.decide("mine.jsonl", "a", accepted=True, **words)
    reviewing.decide("mine.jsonl", "d", accepted=False, **words)
    reviewing.decide("mine.jsonl", "c", accepted=True, text="x", facts="", verdict="contradicted")
    a, _, c, d = ReviewTable(tmp_path / "drafts" / "mine.jsonl").drafts()
    assert (a.text, a.facts, a.decision) == ("GQA 分几组？", ("8", "组"), Decision.ACCEPTED)
    assert (c.verdict, c.decision) == ("contradicted", Decision.ACCEPTED)
    assert (d.text, d.decision) == ("<b>分几组？d", Decision.REJECTED)
    with pytest.raises(ConfigError, match="words"):
        reviewing.decide("mine.jsonl", "a", accepted=True, text=" ", facts="", verdict="")


def test_a_source_that_is_gone_is_said(reviewing: Reviewing, tmp_path: Path) -> None:
    write_table(tmp_path / "drafts", row("a", gold=[{"note": "gone.md", "quote": "没了"}]))
    card = reviewing.card("mine.jsonl", "open")
    assert "笔记里已经没有这句话" in card.markup


@pytest.mark.parametrize("name", ["../mine.jsonl", "", None, 3, "other.jsonl", "/etc/passwd"])
def test_only_tables_of_the_folder_are_opened(
    reviewing: Reviewing, tmp_path: Path, name: object
) -> None:
    (tmp_path / "other.jsonl").write_text("{}", "utf-8")
    with pytest.raises(Unfit):
        reviewing.card(name, "open")
    with pytest.raises(Unfit):
        reviewing.decide(name, "a", accepted=True, text="x", facts="", verdict="")


def test_nothing_is_reviewed_from_elsewhere(desk: Desk, tmp_path: Path) -> None:
    write_table(tmp_path / "drafts", row("a"))
    desk.local = False
    far = Reviewing(desk, tmp_path / "drafts")
    assert far.names() == []
    with pytest.raises(Unfit):
        far.card("mine.jsonl", "open")


def test_only_a_table_with_something_accepted_is_measured(
    reviewing: Reviewing, tmp_path: Path
) -> None:
    assert reviewing.accepted("mine.jsonl") == tmp_path / "drafts" / "mine.jsonl"
    write_table(tmp_path / "drafts", row("a"))
    with pytest.raises(Unfit):
        reviewing.accepted("mine.jsonl")


def test_a_run_of_the_page_names_its_notes_and_is_kept(tmp_path: Path) -> None:
    table = write_table(tmp_path / "drafts", row("a"))
    runs = Runs(Evaluation(command=("echo",), own=tmp_path / "eval"))
    for suite, data, wanted in (
        ("answers", str(table), ["--notes", "n", "--split", "all", "--out"]),
        ("answers", "sample", ["--notes", "n", "--out"]),
        (MAKE, "", ["--notes", "n"]),
    ):
        more = runs._more(suite, data, "n")
        assert [word for word in more if not word.endswith(".json")] == wanted
    assert Path(runs._more("speed", "", "")[-1]).parent == tmp_path / "eval"


def test_both_errors_of_abstention_and_intervals_are_drawn(tmp_path: Path) -> None:
    run = {
        "suite": "answers", "set": "s", "items": [],
        "metrics": {"right": [0.5, 0.25, 0.75, 8], "ms": [20.0, 10.0, 30.0, 8]},
        "curve": [[0.0, 0.0, 1.0], [0.5, 0.25, 0.5], [1.0, 1.0, 0.0]],
    }  # fmt: skip
    (tmp_path / "run.json").write_text(json.dumps(run), "utf-8")
    (result,) = load_results([tmp_path])
    markup = paint_result(result)
    assert "有答案却拒答" in markup
    assert markup.count("class='ln ") == 2
    assert "0.25–0.75" in markup
    assert "10.00" not in markup


def test_the_items_that_changed_between_two_runs_are_listed(tmp_path: Path) -> None:
    def write(name: str, *right: bool | None) -> None:
        items = [{"id": f"q{n}", "text": f"<i>问{n}", "right": r} for n, r in enumerate(right)]
        run = {"suite": "answers", "metrics": {}, "figures": {}, "items": items}
        (tmp_path / name).write_text(json.dumps(run), "utf-8")

    write("a.json", True, False, True, None)
    write("b.json", False, True, True, True)
    found = {result.name: result for result in load_results([tmp_path])}
    markup = paint_result(found["b.json"], found["a.json"])
    assert "1 条变错，1 条变对" in markup
    assert markup.index("&lt;i&gt;问0") < markup.index("&lt;i&gt;问1")
    assert "问2" not in markup
    assert "问3" not in markup
    assert "变错" not in paint_result(found["b.json"], found["b.json"])
