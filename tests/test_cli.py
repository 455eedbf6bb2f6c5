from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from corpus.places import last_notes
from tests.commands import (
    NOTES,
    Ran,
    Run,
    assert_span,
    found,
    kept,
    notes,
    run,
    talking,
    write,
)

__all__ = ["kept", "notes", "run"]  # fixtures


TYPES: dict[str, dict[str, Any]] = {
    "ask": {
        "question": str, "searched": list, "answer": str, "abstained": bool, "reason": str | None,
        "generator": str, "citations": list, "claims": list, "notes_disagree": list,
        "timings_ms": dict,
    },
    "citation": {
        "marker": int, "note": str, "title": str, "heading": list, "start": int, "end": int,
        "line": int, "quote": str,
    },
    "claim": {
        "text": str, "start": int, "end": int, "verdict": str, "score": float, "citations": list,
        "evidence": dict | None, "reason": str,
    },
    "evidence": {"note": str, "start": int, "end": int, "line": int, "quote": str},
    "hit": {
        "note": str, "title": str, "heading": list, "start": int, "end": int, "line": int,
        "text": str, "date": str | None, "tags": list, "score": float, "scores": dict,
    },
}  # fmt: skip


VERDICTS = {"supported", "contradicted", "unsupported", "not_checked"}


def assert_shape(value: dict[str, Any], kind: str) -> None:
    types = TYPES[kind]
    assert [key for key in value if key != "links"] == list(types)
    wrong = {k: v for k, v in value.items() if not isinstance(v, types.get(k, dict))}
    assert not wrong


def assert_claim(vault: Path, claim: dict[str, Any], text: str) -> None:
    assert_shape(claim, "claim")
    assert claim["verdict"] in VERDICTS
    assert 0 <= claim["score"] <= 1
    assert text[claim["start"] : claim["end"]] == claim["text"]
    if claim["evidence"] is not None:
        assert_shape(claim["evidence"], "evidence")
        assert_span(vault, claim["evidence"])


def test_ask_prints_the_object_of_the_contract(run: Run, notes: Path) -> None:
    run("index", notes)  # on a machine under load it tells how far it is
    done = run("ask", "LoRA 的秩通常取多少？", "--notes", notes, "--json")
    assert (done.code, done.err) == (0, "")
    answer = done.object
    assert_shape(answer, "ask")
    assert answer["question"] == "LoRA 的秩通常取多少？"
    assert answer["searched"][0] == answer["question"]
    assert (answer["abstained"], answer["reason"], answer["generator"]) == (
        False, None, "extractive",
    )  # fmt: skip
    assert "8" in answer["answer"]
    assert [c["marker"] for c in answer["citations"]] == list(
        range(1, len(answer["citations"]) + 1)
    )
    for citation in answer["citations"]:
        assert_shape(citation, "citation")
        assert_span(notes, citation)
        assert f"[{citation['marker']}]" in answer["answer"]
    assert answer["citations"][0]["note"] == "微调/lora.md"
    for claim in answer["claims"]:
        assert_claim(notes, claim, answer["answer"])
        assert set(claim["citations"]) <= {c["marker"] for c in answer["citations"]}
    assert {claim["verdict"] for claim in answer["claims"]} == {"supported"}
    assert answer["timings_ms"]["total"] > 0


def test_ask_shows_answer_sources_and_verdicts_to_a_person(run: Run, notes: Path) -> None:
    done = run("ask", "LoRA 的秩通常取多少？", "--notes", notes)
    assert (done.code, done.err) == (0, "")
    assert "通常取 8" in done.out
    assert "微调/lora.md:" in done.out
    assert "\033[" not in done.out


def test_ask_abstains_with_code_3_where_the_notes_say_nothing(run: Run, notes: Path) -> None:
    done = run("ask", "北京到上海的高铁票多少钱？", "--notes", notes, "--json")
    assert done.code == 3
    assert_shape(done.object, "ask")
    assert done.object["abstained"] is True
    assert done.object["reason"]
    assert (done.object["citations"], done.object["claims"]) == ([], [])


def test_ask_reads_one_question_a_line(run: Run, notes: Path) -> None:
    asked = ["LoRA 的秩通常取多少？", "LoRA 的秩 r 通常取几？", "x" * 3000]
    done = run("ask", "-", "--notes", notes, "--json", stdin="\n".join([*asked[:2], "", asked[2]]))
    assert done.code == 0
    found = done.objects
    assert [o["question"] for o in found] == [asked[0], asked[1], "x" * 200]
    assert [o["abstained"] for o in found] == [False, False, True]
    assert "2000" in found[2]["reason"]
    for answer in found:
        assert_shape(answer, "ask")


def test_ask_of_an_empty_input_prints_nothing(run: Run, notes: Path) -> None:
    assert run("ask", "-", "--notes", notes) == Ran(0, "", "")


def test_each_of_many_answers_is_set_off_and_says_what_was_asked(run: Run, notes: Path) -> None:
    done = run("ask", "-", "--notes", notes, stdin="LoRA 的秩通常取多少？\n\n北京的高铁票？\n")
    first, second = done.out.split("\n\n» ")
    assert first.startswith("» LoRA 的秩通常取多少？\n\n")
    assert second.startswith("北京的高铁票？\n\n")
    checked = run("check", "-", "--lines", "--notes", notes, stdin="你好\nhello\n")
    assert checked.out == (
        "» 你好\n\n没有可核对的陈述。\n\n» hello\n\nThere is no claim to check.\n"
    )


def test_ask_answers_each_line_before_the_next_is_read(notes: Path) -> None:
    with talking("ask", "-", "--notes", notes, "--json") as (say, process):
        for question in ("LoRA 的秩通常取多少？", "HNSW 是什么？"):
            assert say(question)["question"] == question
        process.communicate()
        assert process.returncode == 0


def test_find_prints_the_object_of_the_contract(run: Run, notes: Path) -> None:
    done = run("find", "低秩矩阵", "--notes", notes, "--json")
    assert (done.code, done.err) == (0, "")
    assert list(done.object) == ["query", "hits"]
    assert done.object["query"] == "低秩矩阵"
    hits = done.object["hits"]
    assert hits[0]["note"] == "微调/lora.md"
    assert (hits[0]["date"], hits[0]["title"]) == ("2023-06-02", "LoRA 笔记")
    assert hits[0]["tags"] == ["ml/peft", "微调"]
    for hit in hits:
        assert_shape(hit, "hit")
        assert_span(notes, hit, "text")
        assert list(hit["scores"]) == ["bm25", "cosine", "rrf", "rerank"]
    assert [h["score"] for h in hits] == sorted((h["score"] for h in hits), reverse=True)


def test_find_filters_by_folder_tag_date_and_title(run: Run, kept: list[str]) -> None:
    lora, hnsw, search, diary = NOTES
    assert found(run, kept) == {lora, hnsw, search, diary}
    assert found(run, kept, "--folder", "微调") == {lora}
    assert found(run, kept, "--folder", "检索/*.md") == {hnsw}
    assert found(run, kept, "--tag", "ml") == {lora}
    assert found(run, kept, "--tag", "#ANN") == {hnsw, search}
    assert found(run, kept, "--tag", "an") == set()
    assert found(run, kept, "--since", "2024") == {hnsw, search}
    assert found(run, kept, "--until", "2024-05") == {lora, hnsw}
    assert found(run, kept, "--until", "2024-05-30") == {lora}
    assert found(run, kept, "--since", "2024-05-31", "--until", "2024") == {hnsw, search}
    assert found(run, kept, "--title", "低秩") == {lora}
    assert found(run, kept, "--title", "lora 笔记") == {lora}


def test_find_gives_as_many_hits_as_asked(run: Run, notes: Path) -> None:
    done = run("find", "LoRA HNSW index GQA", "--notes", notes, "--json", "-k", "1")
    assert len(done.object["hits"]) == 1


def test_find_shows_places_to_a_person(run: Run, notes: Path) -> None:
    done = run("find", "efSearch", "--notes", notes, "-k", "1")
    assert "检索/hnsw.md:" in done.out
    assert "2024-05-31" in done.out
    assert run("find", "efSearch", "--notes", notes, "--tag", "x").out == "Nothing found.\n"
    assert run("find", "召回率", "--notes", notes, "--tag", "x").out == "没有找到。\n"


@pytest.mark.parametrize("k", ["0", "-1"])
def test_find_refuses_a_number_of_hits_below_one(run: Run, notes: Path, k: str) -> None:
    run("find", "LoRA", "--notes", notes, "-k", k).fails(2, "-k", k)


@pytest.mark.parametrize(
    "date", ["yesterday", "2024-13", "2024-02-30", "24-05-01", "", "\uff12\uff10\uff12\uff14"]
)
@pytest.mark.parametrize("option", ["--since", "--until"])
def test_find_refuses_what_is_no_date(run: Run, kept: list[str], option: str, date: str) -> None:
    run("find", "LoRA", *kept, option, date).fails(2, option, "2024-05-01")


def test_check_prints_the_object_of_the_contract(run: Run, notes: Path) -> None:
    text = "LoRA 的秩 r 通常取 8。LoRA 的秩 r 通常取 64。\n\n企鹅生活在南极的冰原上。"
    done = run("check", text, "--notes", notes, "--json")
    assert (done.code, done.err) == (4, "")
    assert list(done.object) == ["text", "claims"]
    assert done.object["text"] == text
    claims = done.object["claims"]
    assert len(claims) == 3
    for claim in claims:
        assert_claim(notes, claim, text)
    assert claims[0]["verdict"] == "supported"
    assert claims[0]["evidence"]["note"] == "微调/lora.md"
    assert claims[1]["verdict"] != "supported"
    assert claims[2]["verdict"] == "unsupported"


def test_check_ends_with_0_where_all_is_supported(run: Run, notes: Path) -> None:
    assert run("check", "LoRA 的秩 r 通常取 8。", "--notes", notes).code == 0


def test_check_of_a_text_without_claims_says_so(run: Run, notes: Path) -> None:
    assert run("check", "你好！", "--notes", notes) == Ran(0, "没有可核对的陈述。\n", "")


def test_check_reads_a_file_and_standard_input(run: Run, notes: Path, tmp_path: Path) -> None:
    text = "LoRA 的秩 r 通常取 8。\n"
    (tmp_path / "text.md").write_text(text, encoding="utf-8")
    from_file = run("check", "--file", tmp_path / "text.md", "--notes", notes, "--json")
    from_stdin = run("check", "-", "--notes", notes, "--json", stdin=text)
    assert from_file.object == from_stdin.object
    assert from_file.object["text"] == text


def test_check_lines_prints_one_object_a_line(run: Run, notes: Path) -> None:
    lines = ["LoRA 的秩 r 通常取 8。", "LoRA 的秩 r 通常取 64。"]
    done = run("check", "-", "--lines", "--notes", notes, "--json", stdin="\n\n".join(lines) + "\n")
    assert done.code == 4
    assert [o["text"] for o in done.objects] == lines
    assert [o["claims"][0]["verdict"] == "supported" for o in done.objects] == [True, False]


def test_check_lines_checks_each_line_before_the_next_is_read(notes: Path) -> None:
    with talking("check", "-", "--lines", "--notes", notes, "--json") as (say, process):
        for line in ("LoRA 的秩 r 通常取 8。", "GQA 把查询头分成 8 组。"):
            assert say(line)["text"] == line
        process.communicate()
        assert process.returncode == 0


@pytest.mark.parametrize("argv", [("check",), ("check", "文本", "--file", "text.md")])
def test_check_wants_a_text_or_a_file(run: Run, argv: tuple[str, ...]) -> None:
    run(*argv).fails(2, "--file")


def test_check_tells_of_a_file_that_cannot_be_read(run: Run, notes: Path, tmp_path: Path) -> None:
    run("check", "--file", tmp_path / "none.md", "--notes", notes).fails(1, "none.md")
    (tmp_path / "binary").write_bytes(b"\0\1\2" * 99)
    run("check", "--file", tmp_path / "binary", "--notes", notes).fails(1, "binary")


def test_index_reports_and_remembers_the_notes(run: Run, notes: Path) -> None:
    done = run("index", notes)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("4 notes, ")
    assert last_notes() == notes.resolve()
    assert run("find", "efSearch", "--json").object["hits"][0]["note"] == "检索/hnsw.md"


def test_index_status_shows_figures_without_indexing(run: Run, notes: Path) -> None:
    before = run("index", notes, "--status", "--json").object
    assert (before["n_notes"], before["generation"]) == (0, 0)
    run("index", notes)
    after = run("index", notes, "--status", "--json").object
    assert (after["n_notes"], after["generation"]) == (4, 1)
    assert "4 notes" in run("index", notes, "--status").out


def test_index_takes_only_what_changed(run: Run, notes: Path) -> None:
    run("index", notes)
    (notes / "新.md").write_text("# 新\n\n蝙蝠靠回声定位。\n", encoding="utf-8")
    (notes / "随记.txt").unlink()
    assert "1 added, 0 changed, 0 renamed, 1 deleted, 3 unchanged" in run("index", notes).out
    assert run("check", "蝙蝠靠回声定位。").code == 0


def test_find_sees_a_changed_note_without_index(run: Run, notes: Path) -> None:
    assert run("index", notes).code == 0
    (notes / "新.md").write_text("# 新\n\n蝙蝠靠回声定位。\n", encoding="utf-8")
    assert run("find", "蝙蝠", "--json", "-k", "1").object["hits"][0]["note"] == "新.md"


def test_skipped_files_are_named_and_cost_nothing_else(run: Run, tmp_path: Path) -> None:
    mixed = write(
        tmp_path / "mixed",
        {
            "ok.md": "# 好\n\n蝙蝠靠回声定位。\n",
            "binary.md": b"\0\1\2" * 99,
            "broken.md": "---\ntitle: [没有关上\ntags: x\n---\n# 标题\n\n企鹅不会飞。\n",
        },
    )
    done = run("index", mixed)
    assert done.code == 0
    assert done.out.startswith("2 notes, ")
    assert "skipped binary.md" in done.out
    assert run("check", "蝙蝠靠回声定位。企鹅不会飞。").code == 0
