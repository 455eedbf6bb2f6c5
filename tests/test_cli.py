"""The command line as people and scripts use it: results, messages, exit codes, JSON."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assistant.cli import build_parser, main
from assistant.config import sample_notes
from corpus.places import last_notes
from corpus.readers import Vault
from corpus.store import Store

REPO = Path(__file__).resolve().parent.parent
NOTES = {
    "微调/lora.md": (
        "---\ntitle: LoRA 笔记\naliases: [低秩适配]\ntags: [ml/peft, 微调]\ndate: 2023-06-02\n---\n"
        "# LoRA\n\nLoRA 冻结预训练权重，只训练两个低秩矩阵 A 和 B。LoRA 的秩 r 通常取 8。\n\n"
        "## 优点\n\nLoRA 的优点：\n\n- 训练的参数很少\n- 推理没有额外延迟\n"
    ),
    "检索/hnsw.md": (
        "---\ntags: [ann]\ndate: 2024-05-31\n---\n# HNSW\n\n"
        "HNSW 是分层的近邻图，查询复杂度是对数级。efSearch 越大，召回率越高，延迟也越高。\n"
    ),
    "meituan-search.md": (
        "---\ntags: [ann/graph]\ndate: 2024-12-31\n---\n# Search at scale\n\n"
        "The search platform serves 20 million users. Its index holds 300 GB of vectors.\n"
    ),
    "随记.txt": "今天读了 GQA 的论文，GQA 把查询头分成 8 组。\n",
}


@dataclass(frozen=True)
class Ran:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def object(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def fails(self, code: int, *words: str) -> None:
        """It printed one line on standard error, nothing on standard output."""
        assert (self.code, self.out) == (code, ""), self.err
        assert self.err.startswith("youju: ")
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        for word in words:
            assert word in self.err, self.err


Run = Callable[..., Ran]


def write(folder: Path, notes: dict[str, str | bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in notes.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return write(tmp_path / "notes", dict(NOTES))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that name notes and an index of them which tests share: they only ask."""
    folder = tmp_path_factory.mktemp("kept")
    return ["--notes", str(write(folder / "notes", dict(NOTES))), "--index", str(folder / "index")]


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Run]:
    """Run a command in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    level = logging.getLogger().level

    def call(*argv: object, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        code = main([str(arg) for arg in argv])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    yield call
    logging.getLogger().setLevel(level)


def shell(*argv: object, stdin: str = "", **extra: str) -> Ran:
    """Run a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "assistant", *map(str, argv)],
        input=stdin.encode(),
        capture_output=True,
        timeout=100,
        cwd=REPO,
        env={**os.environ, **extra},
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextmanager
def talking(
    *argv: object,
) -> Iterator[tuple[Callable[[str], dict[str, Any]], subprocess.Popen[str]]]:
    """A command in a process of its own that is given a line and gives back an object."""
    command = [sys.executable, "-m", "assistant", *map(str, argv)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=REPO, text=True, encoding="utf-8",
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        given, taken = process.stdin, process.stdout
        watch = threading.Timer(60, process.kill)  # a reader of nothing would wait forever
        watch.start()

        def say(line: str) -> dict[str, Any]:
            given.write(line + "\n")
            given.flush()
            found = json.loads(taken.readline())
            assert isinstance(found, dict)
            return found

        try:
            yield say, process
        finally:
            watch.cancel()
            process.kill()


def text_of(vault: Path, note: str) -> str:
    """Text of a note as an outsider reads it."""
    opened = Vault(vault)
    for file in opened.files():
        for found in opened.read(file):
            if found.path == note:
                return found.text
    raise AssertionError(f"no note {note} in {vault}")


def assert_span(vault: Path, span: dict[str, Any], words: str = "quote") -> None:
    text = text_of(vault, span["note"])
    assert text[span["start"] : span["end"]] == span[words] != ""
    assert span["line"] == 1 + text.count("\n", 0, span["start"])


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


# ask ---------------------------------------------------------------------------------------


def test_ask_prints_the_object_of_the_contract(run: Run, notes: Path) -> None:
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


# find --------------------------------------------------------------------------------------


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


def found(run: Run, kept: list[str], *options: str) -> set[str]:
    done = run("find", "LoRA HNSW index GQA 向量", *kept, "--json", *options)
    assert done.code == 0, done.err
    return {hit["note"] for hit in done.object["hits"]}


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


# check -------------------------------------------------------------------------------------


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


# index -------------------------------------------------------------------------------------


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


# Where notes come from -----------------------------------------------------------------------


def test_sample_notes_are_the_default(run: Run) -> None:
    done = run("find", "LoRA 低秩", "--json")
    assert done.code == 0
    assert_span(sample_notes(), done.object["hits"][0], "text")
    assert run("index", "--json").code == 0
    assert last_notes() is None  # the samples are nobody's notes


def test_notes_come_from_a_flag_else_the_environment_else_the_last(
    run: Run, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bats = write(tmp_path / "bats", {"bat.md": "# 蝙蝠\n\n蝙蝠靠回声定位。\n"})
    run("index", notes)
    monkeypatch.setenv("YOUJU_NOTES", str(bats))
    assert run("check", "蝙蝠靠回声定位。").code == 0
    assert run("check", "蝙蝠靠回声定位。", "--notes", notes).code == 4
    monkeypatch.setenv("YOUJU_NOTES", " ")
    assert run("check", "LoRA 的秩 r 通常取 8。").code == 0


def test_options_stand_before_or_after_the_verb(run: Run, notes: Path) -> None:
    after = run("find", "efSearch", "--notes", notes, "--json")
    before = run("--notes", notes, "--json", "find", "efSearch")
    assert before == after
    assert run("--notes", "nowhere", "find", "efSearch", "--notes", notes, "--json") == after


def test_settings_come_from_a_toml_file(run: Run, notes: Path, tmp_path: Path) -> None:
    config = tmp_path / "youju.toml"
    config.write_text('notes = "notes"\nindex = "own index"\n', encoding="utf-8")
    assert run("--config", config, "find", "efSearch").code == 0
    assert (tmp_path / "own index").is_dir()


@pytest.mark.parametrize(
    ("text", "word"),
    [("notes = ", "TOML"), ("speed = 'x'", "speed"), ("notes = 3", "notes"), ("[notes]\na = 1",
     "notes"),
     (b"\xff\xfe", "TOML"), (None, "youju.toml")],
)  # fmt: skip
def test_a_faulty_config_is_told_in_one_line(
    run: Run, tmp_path: Path, text: str | bytes | None, word: str
) -> None:
    config = tmp_path / "youju.toml"
    if text is not None:
        write(tmp_path, {"youju.toml": text})
    run("find", "LoRA", "--config", config).fails(2, word)


def test_an_index_folder_can_be_named(run: Run, notes: Path, tmp_path: Path) -> None:
    assert run("find", "LoRA", "--notes", notes, "--index", tmp_path / "index").code == 0
    assert any((tmp_path / "index").iterdir())


def test_the_notes_are_never_written_to(run: Run, notes: Path) -> None:
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in notes.rglob("*") if p.is_file()}
    run("index", notes, "--rebuild")
    run("ask", "LoRA 的秩通常取多少？", "--notes", notes)
    after = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in notes.rglob("*") if p.is_file()}
    assert before == after


# Bad input -----------------------------------------------------------------------------------

VERBS = (("ask", "LoRA 是什么？"), ("find", "LoRA"), ("check", "LoRA 冻结权重。"), ("index",))


@pytest.mark.parametrize("verb", VERBS)
def test_missing_notes_are_told_in_one_line(run: Run, verb: tuple[str, ...]) -> None:
    run(*verb, "--notes", "nowhere").fails(1, "nowhere", "--notes")


@pytest.mark.parametrize("verb", VERBS[:3])
def test_an_empty_folder_is_told_in_one_line(
    run: Run, tmp_path: Path, verb: tuple[str, ...]
) -> None:
    run(*verb, "--notes", write(tmp_path / "empty", {})).fails(1, "No notes", "--notes")


def test_index_of_an_empty_folder_fails_and_is_not_remembered(run: Run, tmp_path: Path) -> None:
    done = run("index", write(tmp_path / "empty", {}))
    assert done.code == 1
    assert done.err.startswith("youju: No notes")
    assert last_notes() is None


@pytest.mark.parametrize("verb", VERBS[:3])
def test_a_folder_of_unreadable_files_names_the_first(
    run: Run, tmp_path: Path, verb: tuple[str, ...]
) -> None:
    folder = write(tmp_path / "bad", {"a.md": b"\0\1\2" * 99, "b.pdf": b"%PDF", "c.md": ""})
    run(*verb, "--notes", folder).fails(1, "a.md", "binary")


@pytest.mark.parametrize("verb", ["ask", "find", "check"])
@pytest.mark.parametrize("blank", ["", "   ", "\n\t\u3000"])
def test_blank_words_are_told_in_one_line(run: Run, kept: list[str], verb: str, blank: str) -> None:
    run(verb, blank, *kept).fails(2, "empty")


@pytest.mark.parametrize("verb", ["ask", "find"])
def test_a_question_of_a_hundred_thousand_characters_is_told_in_one_line(
    run: Run, kept: list[str], verb: str
) -> None:
    run(verb, "长" * 100_000, *kept).fails(2, "100000", "2000")


def test_a_text_of_a_hundred_thousand_characters_is_checked(run: Run, kept: list[str]) -> None:
    done = run("check", "长" * 100_000, *kept, "--json")
    assert [claim["verdict"] for claim in done.object["claims"]] == ["not_checked"]
    run("check", "长" * 300_000, *kept).fails(2, "300000")


@pytest.mark.parametrize(
    "argv", [("fly",), (), ("ask",), ("find",), ("find", "x", "-k", "many"), ("ask", "a", "b"),
             ("--speed", "ask", "x"), ("chat", "--port", "x")],
)  # fmt: skip
def test_wrong_usage_ends_with_2(run: Run, argv: tuple[str, ...]) -> None:
    done = run(*argv)
    assert (done.code, done.out) == (2, "")
    assert "usage: youju" in done.err


@pytest.mark.parametrize("port", ["0", "-1", "65536"])
def test_chat_refuses_a_port_that_is_none(run: Run, port: str) -> None:
    run("chat", "--port", port).fails(2, "--port", port)


def test_help_is_printed_on_standard_output(run: Run) -> None:
    done = run("find", "--help")
    assert (done.code, done.err) == (0, "")
    assert "--since" in done.out


@pytest.mark.parametrize(
    "text", ["\ud800", "\x00", "🙂" * 50, "\u202e\u200b", "[1][2]", "```", "|||"]
)
def test_strange_words_do_not_crash(run: Run, kept: list[str], text: str) -> None:
    for verb in ("ask", "find", "check"):
        done = run(verb, text, *kept, "--json")
        assert done.code in {0, 2, 3, 4}, (verb, done.err)


def test_an_index_that_another_process_writes_answers_as_it_is(
    run: Run,
    notes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    index = tmp_path / "index"
    monkeypatch.setattr("assistant.indexing.WAIT_S", 0.3)  # an empty index is waited for
    with Store.open(index).lock():
        empty = run("find", "LoRA", "--notes", notes, "--index", index)
    assert empty.code == 1
    assert "is being written" in empty.err
    assert run("index", notes, "--index", index).code == 0
    (notes / "later.md").write_text("# 后来\n\n后来才有的词。\n", encoding="utf-8")
    with Store.open(index).lock():
        ran = run("find", "LoRA", "--json", "--notes", notes, "--index", index)
    assert ran.code == 0
    assert json.loads(ran.out)["hits"]
    assert "answering from the index as it was" in caplog.text


def test_an_encoder_that_cannot_be_loaded_is_one_clear_line(run: Run, notes: Path) -> None:
    ran = run("find", "LoRA", "--notes", notes, "--encoder", "nobody/no-such-model")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "nobody/no-such-model" in ran.err


def test_find_takes_operators_beside_its_options_and_names_the_one_without_notes(
    run: Run, notes: Path
) -> None:
    hit = json.loads(run("find", "LoRA", "--json", "--notes", notes).out)["hits"][0]
    words = f"[[{hit['title']}]] LoRA"
    inside = json.loads(run("find", words, "--json", "--notes", notes).out)["hits"]
    assert {one["note"] for one in inside} == {hit["note"]}
    ran = run("find", words, "--tag", "no-such-tag", "--json", "--notes", notes)
    assert json.loads(ran.out)["hits"] == []
    assert "#no-such-tag" in ran.err
    assert run("find", "since:2024-13 LoRA", "--notes", notes).code == 2


def test_an_unforeseen_fault_is_one_line_and_a_traceback_with_debug(
    run: Run, notes: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault\nof the program")

    monkeypatch.setattr("assistant.pipeline.Assistant.find", broken)
    run("find", "LoRA", "--notes", notes).fails(1, "ZeroDivisionError", "--debug")


# Processes -----------------------------------------------------------------------------------


def test_debug_shows_the_traceback(notes: Path) -> None:
    plain = shell("find", "LoRA", "--notes", notes / "none")
    plain.fails(1)
    debug = shell("find", "LoRA", "--notes", notes / "none", "--debug")
    assert (debug.code, debug.out) == (1, "")
    assert "Traceback (most recent call last)" in debug.err
    assert debug.err.endswith(plain.err)


def test_a_reader_that_stops_reading_ends_it_quietly(notes: Path) -> None:
    with talking("ask", "-", "--notes", notes, "--json") as (say, process):
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert say("LoRA 的秩通常取多少？")
        process.stdout.close()
        process.stdin.write("LoRA 的秩通常取多少？\n" * 2)
        process.stdin.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 0


HEAVY = "torch transformers sentence_transformers gradio sklearn scipy pandas openai".split()


def test_ask_loads_nothing_heavy(notes: Path) -> None:
    program = (
        "import json, sys\n"
        "from assistant.cli import main\n"
        "code = main(sys.argv[1:])\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]), file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "ask", "LoRA 的秩通常取多少？", "--notes", str(notes)],
        capture_output=True, timeout=100, cwd=REPO, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr) == []
    assert "通常取 8" in done.stdout


def test_results_are_utf_8_whatever_the_locale(notes: Path) -> None:
    done = shell(
        "find", "efSearch", "--notes", notes, LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="ascii"
    )
    assert done.code == 0
    assert "召回率" in done.out


def test_the_version_is_that_of_the_package(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as left:
        build_parser().parse_args(["--version"])
    assert left.value.code == 0
    assert re.fullmatch(r"youju \d+\.\d+\.\d+\n", capsys.readouterr().out)
