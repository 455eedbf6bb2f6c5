"""Drafts wait for a person: nothing counts as reviewed that nobody decided on."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from assistant import cli
from assistant.reviews import Decision, ReviewTable, decision_of, tables_in
from corpus.errors import ConfigError, ModelError
from corpus.types import Note
from eval import questions
from eval.model_drafts import ModelDrafts
from eval.scripted_server import Reply, ScriptedServer

NOTE = "# 索引笔记\n\nHNSW 由 Malkov 在 2016 年提出。\n\n每个向量的图结构占用 256 字节。\n"
QUOTE = "每个向量的图结构占用 256 字节。"
GOLD = [
    {"note": "index.md", "start": NOTE.index(QUOTE), "end": NOTE.index(QUOTE) + len(QUOTE),
     "quote": QUOTE}
]  # fmt: skip


def row(id_: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id_, "type": "question", "text": f"图结构占用多少？{id_}", "kind": "number",
        "answerable": True, "gold": GOLD, "facts": ["256"], "drafted_by": "template",
        "reviewed": False, **more,
    }  # fmt: skip


def table(path: Path, *rows: dict[str, Any]) -> ReviewTable:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    return ReviewTable(path)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "index.md").write_text(NOTE, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("given", "decision"),
    [
        ({"reviewed": True}, Decision.ACCEPTED), ({"reviewed": "TRUE"}, Decision.ACCEPTED),
        ({"reviewed": " yes "}, Decision.ACCEPTED), ({}, Decision.ACCEPTED),
        ({"reviewed": False}, Decision.OPEN), ({"reviewed": ""}, Decision.OPEN),
        ({"drafted_by": "template"}, Decision.OPEN), ({"reviewed": "no"}, Decision.OPEN),
        ({"reviewed": "Rejected"}, Decision.REJECTED), ({"reviewed": "拒绝"}, Decision.REJECTED),
    ],
)  # fmt: skip
def test_a_draft_is_open_until_a_person_decides(given: dict[str, Any], decision: Decision) -> None:
    assert decision_of(given) is decision


def test_a_decision_nobody_understands_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="maybe"):
        decision_of({"reviewed": "maybe"})
    with pytest.raises(ConfigError, match="maybe"):
        table(tmp_path / "t.jsonl", row("a", reviewed="maybe")).drafts()


def test_decisions_and_edits_are_kept_in_the_file(tmp_path: Path) -> None:
    reviews = table(tmp_path / "t.jsonl", row("a"), row("b"), row("c", own="stays"))
    reviews.decide("a", Decision.ACCEPTED, text=" 占多大内存？ ", facts=["256", " ", "字节"])
    reviews.decide("b", Decision.REJECTED)
    a, b, c = reviews.drafts()
    assert (a.text, a.facts, a.decision) == ("占多大内存？", ("256", "字节"), Decision.ACCEPTED)
    assert (b.decision, c.decision) == (Decision.REJECTED, Decision.OPEN)
    assert reviews.counts() == {d: 1 for d in Decision}
    rows = [json.loads(line) for line in reviews.path.read_text("utf-8").splitlines()]
    assert rows[0]["drafted"] == "图结构占用多少？a"
    assert "drafted" not in rows[1]
    assert rows[2] == row("c", own="stays")
    reviews.decide("a", Decision.OPEN)  # a decision can be taken back
    assert reviews.drafts()[0].decision is Decision.OPEN
    assert [path.name for path in tmp_path.iterdir()] == ["t.jsonl"]


def test_what_an_editor_changed_meanwhile_stays(tmp_path: Path) -> None:
    reviews = table(tmp_path / "t.jsonl", row("a"), row("b"))
    assert len(reviews.drafts()) == 2
    table(reviews.path, row("a"), row("b", text="手改的？"), row("new"))
    reviews.decide("a", Decision.ACCEPTED)
    assert [d.text for d in reviews.drafts()[1:]] == ["手改的？", "图结构占用多少？new"]


@pytest.mark.parametrize(
    ("id_", "changes", "why"),
    [
        ("none", {}, "no draft"), ("a", {"text": "  "}, "words"),
        ("c", {"verdict": "perhaps"}, "verdict is one of"),
    ],
)  # fmt: skip
def test_a_decision_that_cannot_be_kept_changes_nothing(
    tmp_path: Path, id_: str, changes: dict[str, Any], why: str
) -> None:
    reviews = table(tmp_path / "t.jsonl", row("a"), row("c", type="claim", verdict="supported"))
    before = reviews.path.read_bytes()
    with pytest.raises(ConfigError, match=why):
        reviews.decide(id_, Decision.ACCEPTED, **changes)
    assert reviews.path.read_bytes() == before


@pytest.mark.parametrize("text", ["{", "[1]", '{"id": "x"}', '{"id": "x", "text": 1, "gold": 3}'])
def test_a_file_that_is_no_table_is_told_in_a_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"t\.jsonl"):
        ReviewTable(path).drafts()
    with pytest.raises(ConfigError, match=r"absent\.jsonl"):
        ReviewTable(tmp_path / "absent.jsonl").drafts()
    assert tables_in(tmp_path) == [path]
    assert tables_in(tmp_path / "absent") == []


def test_a_run_takes_what_was_accepted_and_says_what_it_left_out(
    notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reviews = table(tmp_path / "t.jsonl", row("a"), row("b"), row("c"))
    out = tmp_path / "run.json"

    def run(*more: str) -> dict[str, Any]:
        words = ["retrieval", str(reviews.path), "--notes", str(notes), "--out", str(out), *more]
        assert cli.main(["eval", *words]) == 0
        found: dict[str, Any] = json.loads(out.read_text("utf-8"))
        return found

    reviews.decide("a", Decision.ACCEPTED)
    reviews.decide("b", Decision.REJECTED)
    found = run()
    assert [item["id"] for item in found["items"]] == ["a"]
    assert found["left out"] == {"not reviewed": 1, "rejected": 1}
    assert found["unreviewed"] is False
    assert "left out: 1 not reviewed, 1 rejected" in capsys.readouterr().out
    found = run("--unreviewed")  # wanted, and said of the run; what was rejected stays out
    assert [item["id"] for item in found["items"]] == ["a", "c"]
    assert found["unreviewed"] is True
    reviews.decide("c", Decision.ACCEPTED)
    assert run("--unreviewed")["unreviewed"] is False


def test_a_blank_cell_of_a_spreadsheet_is_no_review(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, ["id", "type", "text", "drafted_by", "reviewed"])
        writer.writeheader()
        for id_, said in (("a", ""), ("b", "TRUE"), ("c", "rejected")):
            writer.writerow(
                {"id": id_, "type": "question", "text": "谁？", "drafted_by": "template",
                 "reviewed": said}
            )  # fmt: skip
    asked, left = questions.of_file(path, "all")
    assert [one.id for one in asked] == ["b"]
    assert (left.unreviewed, left.rejected) == (1, 1)


def drafts_of(*drafts: dict[str, Any]) -> Reply:
    return Reply(text=json.dumps({"drafts": drafts}, ensure_ascii=False))


def test_a_chat_model_drafts_from_words_that_the_note_holds(
    notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openai")
    good = {
        "type": "question", "text": "一个向量在图里要多少空间？", "quote": QUOTE,
        "facts": ["256", "512"], "verdict": "",
    }  # fmt: skip
    claim = {
        **good,
        "type": "claim",
        "text": "一个向量的图占 512 字节。",
        "verdict": "contradicted",
    }
    bad = [
        {**good, "text": "编造的？", "quote": "笔记里没有的话。"},
        {**good, "text": QUOTE[:-1]},  # the note's own words are no question
        {**claim, "verdict": "maybe"},
        {**good, "text": 3},
    ]
    out = tmp_path / "drafts.jsonl"
    with ScriptedServer(lambda _: drafts_of(good, claim, *bad)) as server:
        words = ["make", str(notes), "--out", str(out), "--model", "m", "--base-url",
                 server.base_url]  # fmt: skip
        assert cli.main(["eval", *words]) == 0
        (request,) = server.requests
    assert NOTE.strip() in request["messages"][-1]["content"]
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    mine = [r for r in rows if r["drafted_by"] == "m"]
    assert [r["text"] for r in mine] == [good["text"], claim["text"]]
    assert mine[0]["facts"] == ["256"]  # the other stands nowhere in the quote
    assert mine[0]["gold"] == GOLD
    assert mine[1]["verdict"] == "contradicted"
    assert not any(r["reviewed"] for r in mine)
    assert "1/40 notes" in capsys.readouterr().err
    assert cli.main(["eval", "answers", str(out), "--notes", str(notes), "--split", "all"]) == 2


def test_without_a_place_drafts_go_where_the_page_looks(
    notes: Path, youju_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["eval", "make", str(notes)]) == 0
    (path,) = tables_in(youju_home / "eval" / "drafts")
    assert str(path) in capsys.readouterr().out
    assert ReviewTable(path).counts()[Decision.OPEN] == len(ReviewTable(path).drafts()) > 0


class _Fails:
    name, context = "m", 4096

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)

    def stream(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def complete(self, *_: Any, **__: Any) -> str:
        reply = self.replies.pop(0)
        if not reply:
            raise ModelError("m is down")
        return reply


def note(n: int) -> Note:
    return Note(path=f"{n}.md", title="题", text=NOTE, sha256="", file=f"{n}.md")


def test_a_model_that_fails_again_and_again_is_left_alone() -> None:
    model = _Fails("no JSON", "", "", "never asked")
    more = ModelDrafts(model)
    assert [list(more(note(n))) for n in range(6)] == [[]] * 6
    assert (more.n_asked, more.n_failed, more.fault) == (3, 3, "m is down")
    assert model.replies == ["never asked"]


def test_only_as_many_notes_are_shown_as_was_said_and_long_ones_in_part() -> None:
    shown: list[str] = []

    class Looks(_Fails):
        def complete(self, messages: Any, **_: Any) -> str:
            shown.append(messages[-1].content)
            return '{"drafts": []}'

    more = ModelDrafts(Looks(), limit=2, seed=3)
    long = "\n\n".join(f"第 {n} 段说的是第 {n} 件事，说了很多很多。" * 6 for n in range(200))
    for n in range(4):
        list(more(Note(path=f"{n}.md", title="题", text=long, sha256="", file=f"{n}.md")))
    assert len(shown) == 2
    assert all(len(text) < 2600 for text in shown)
    assert shown[0] != shown[1]  # another stretch of each
