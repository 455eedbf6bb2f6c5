"""Settings, wrong use and faults on the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.cli import build_parser
from assistant.config import sample_notes
from corpus.places import last_notes
from corpus.store import Store
from tests.commands import (
    REPO,
    Ran,
    Run,
    assert_span,
    kept,
    notes,
    run,
    talking,
    write,
)

__all__ = ["kept", "notes", "run"]  # fixtures


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
