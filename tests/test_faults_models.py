"""Rows 76, 84 and 85: models that write nonsense, are missing, damaged, slow or gone."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.cli import main
from assistant.config import sample_notes
from assistant.endpoint import Endpoint, Remote
from assistant.opinions import ChatJudge
from assistant.pipeline import Assistant
from assistant.types import Answer, Verdict
from corpus import encoder, memory
from eval.scripted_server import Reply, ScriptedServer
from tests.conftest import REPO

NOTE = "# 量子鹅\n\n量子鹅的体重是 42 公斤。\n\n量子鹅的翼展是 3 米。\n"
QUESTION = "量子鹅的体重是多少?"
TRUE = "量子鹅的体重是 42 公斤。"
LOOSE = "量子鹅的体重约为 42 公斤。"
_LATEST_S = 15.0  # a stall would be a minute; the machine may be busy


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    folder = tmp_path_factory.mktemp("models")
    (folder / "notes").mkdir()
    (folder / "notes" / "a.md").write_text(NOTE, "utf-8")
    with Assistant.open(folder / "notes", folder / "index") as opened:
        opened.refresh()
        yield opened


def asked(
    base: Assistant, respond: Callable[[dict[str, Any]], Reply], *, judge: bool = False,
    timeout_s: float = 20.0,
) -> Answer:  # fmt: skip
    with ScriptedServer(respond) as server:
        at = Endpoint(base_url=server.base_url, model="scripted", timeout_s=timeout_s)
        chat = Remote(at)
        judges = [ChatJudge(chat)] if judge else []
        return Assistant(
            base.index, vault=base.vault, encoder=base.encoder, chat=chat, judges=judges
        ).ask(QUESTION)


def assert_honest(answer: Answer) -> None:
    """The notes are shown, the reader is told, and nothing false is green."""
    assert not answer.abstained
    assert TRUE in answer.text
    assert answer.citations
    for claim in answer.claims:
        if claim.verdict is Verdict.SUPPORTED:
            assert claim.text in NOTE or "42 公斤" in claim.text


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(text=TRUE, endless=True), "截断"),
        (Reply(text="量子鹅会说法语。" * 400), "截断"),
        (Reply(text="量" * 40_000), "没有作答"),
        (Reply(text=""), "没有写出任何内容"),
        (Reply(text=" \n\t "), "没有写出任何内容"),
        (Reply(text="</think></think>"), "没有"),
        (Reply(text="The quantum goose weighs forty-two kilos, as your notes say."), "中文"),
        (Reply(text="量子鹅有八条腿。"), "没有一句有笔记依据"),
        (Reply(text="\ufffd\x00\x1b[2J\u202e"), "没有"),
    ],
    ids=["endless", "loop", "long word", "empty", "blank", "thoughts", "language", "false",
         "controls"],
)  # fmt: skip
def test_row_76_nonsense_of_a_model_is_told_and_the_notes_answer(
    base: Assistant, reply: Reply, told: str
) -> None:
    answer = asked(base, lambda _: reply)
    assert_honest(answer)
    assert told in str(answer.reason)
    assert "\n" not in str(answer.reason)
    assert len(answer.text) < 400  # what was written again and again is shown once


OPINIONS = (
    "supported!", "", "{", "[]", "null", '{"verdicts": null}', '{"verdicts": [1]}',
    '{"verdicts": [{"id": 1, "verdict": "yes"}]}',
    '{"verdicts": [{"id": 9, "verdict": "supported"}]}',
    '{"verdicts": [{"id": "1", "verdict": "supported"}]}',
    '{"verdicts": [{"id": 1, "verdict": "supported"}, {"id": 1, "verdict": "supported"}]}',
    '{"verdicts": [{"id": 1, "verdict": "supported", "note": "x"}]}',
    '{"verdicts": [{"id": true, "verdict": "supported"}]}', '{"verdicts":' * 3_000,
    "```json\n{}\n```",
)  # fmt: skip


@pytest.mark.parametrize("said", OPINIONS)
def test_row_76_a_check_that_fails_is_not_checked(base: Assistant, said: str) -> None:
    answer = asked(base, lambda r: Reply(text=LOOSE if r["stream"] else said), judge=True)
    (claim, *_) = [c for c in answer.claims if "约为" in c.text]
    assert claim.verdict is Verdict.NOT_CHECKED
    assert claim.citations == ()
    assert "未核对" in claim.reason


def test_row_76_a_check_whose_model_is_gone_is_not_checked(base: Assistant) -> None:
    answer = asked(
        base, lambda r: Reply(text=LOOSE) if r["stream"] else Reply(text="x", status=400),
        judge=True,
    )  # fmt: skip
    assert answer.claims[0].verdict is Verdict.NOT_CHECKED


# Row 84


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the built-in encoder's files, in their place, to be damaged."""
    folder = tmp_path / "corpus"
    real = Path(str(encoder.files("corpus")))
    shutil.copytree(real / "model", folder / "model")
    monkeypatch.setattr(encoder, "files", lambda _: folder)
    return folder / "model"


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault" / "a.md").write_text(NOTE, "utf-8")
    return tmp_path / "vault"


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])


def _flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))


# a bit of the manifest may lie in a blank, where it changes nothing
DAMAGE = [
    pytest.param(name, damage, id=f"{name} {how}")
    for name in ("model.safetensors", "tokenizer.json", "manifest.json")
    for how, damage in (("missing", Path.unlink), ("cut", _cut), ("bit", _flip))
    if (name, how) != ("manifest.json", "bit")
]


@pytest.mark.parametrize(("name", "damage"), DAMAGE)
def test_row_84_a_damaged_encoder_is_named_and_words_still_find(
    name: str, damage: Callable[[Path], object], shipped: Path, vault: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    named = ["--notes", str(vault)]
    assert main(["index", *named]) == 0
    capsys.readouterr()
    damage(shipped / name)
    assert main(["find", "量子鹅 体重", "--json", *named]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["hits"][0]["note"] == "a.md"
    assert name in err
    assert "install youju again" in err
    assert main(["ask", QUESTION, *named]) == 1
    out, err = capsys.readouterr()
    assert name in err.splitlines()[-1]
    assert "Traceback" not in err


def test_row_84_a_new_vault_without_the_encoder_says_what_is_missing(
    shipped: Path, vault: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shipped / "model.safetensors").unlink()
    assert main(["find", "体重", "--notes", str(vault)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "model.safetensors" in err
    assert err.count("\n") == 1


@pytest.mark.slow  # it loads torch
def test_row_84_a_named_model_that_is_not_there_is_told_in_a_line(
    vault: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "config.json").write_text("{", "utf-8")
    for name in ("no/such-model", str(tmp_path / "none")):
        assert main(["find", "体重", "--notes", str(vault), "--encoder", name]) == 1
        err = capsys.readouterr().err
        assert f"the model {name!r}" in err
        assert "leave --encoder out" in err


def test_row_84_too_little_memory_is_told_before_it_is_short(
    vault: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["index", "--notes", str(vault)]) == 0
    monkeypatch.setattr(memory, "_available", lambda: 50 << 20)
    assert main(["find", "体重", "--notes", str(vault)]) == 0
    out, err = capsys.readouterr()
    assert "42 公斤" in out
    assert "this machine has 50 MB" in err
    assert main(["ask", QUESTION, "--notes", str(vault)]) == 1
    monkeypatch.undo()
    assert main(["ask", QUESTION, "--notes", str(vault)]) == 0


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of Linux")
@pytest.mark.parametrize("megabytes", [60, 120, 200, 300, 450, 700])
def test_row_84_a_process_without_memory_ends_in_words(
    megabytes: int, tmp_path: Path, youju_home: Path
) -> None:
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    command = [sys.executable, "-m", "assistant", "find", "BM25", "--notes", str(sample_notes())]
    env = {**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=100)
    done = subprocess.run(
        command, env=env, preexec_fn=limit, capture_output=True, text=True, timeout=100, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1)
    if done.returncode:
        assert done.stderr.strip()
    assert bool(done.stdout) == (done.returncode == 0)


# Row 85


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(text="internal", status=500), "failed (500)"),
        (Reply(text="overloaded", status=503), "failed (503)"),
        (Reply(text="slow down", status=429), "429"),
        (Reply(text=TRUE + "量子鹅的", finish=None, done=False), "broke off"),
        (Reply(raw=b"data: \xff\xfe\xfa\n\n"), "cannot be read"),
        (Reply(raw=b"\xff\xfe\xfa", content_type="application/json"), "cannot be read"),
        (Reply(raw=b"<html>502 Bad Gateway</html>", content_type="text/html"), "没有写出任何内容"),
        (Reply(text="慢", wait_s=60), "took longer than 2 s"),
        (Reply(text="慢慢", pace_s=0.3, endless=True), "took longer than 2 s"),
    ],
    ids=["500", "503", "429", "half", "bytes", "no json", "gateway", "silent", "drip"],
)
def test_row_85_a_failing_server_is_told_at_once_and_the_notes_answer(
    base: Assistant, reply: Reply, told: str
) -> None:
    begun = time.monotonic()
    slow = "took longer" in told
    answer = asked(base, lambda _: reply, timeout_s=2.0 if slow else 60.0)
    assert time.monotonic() - begun < _LATEST_S
    assert_honest(answer)
    assert answer.generator == "extractive"
    assert told in str(answer.reason)
    assert "\n" not in str(answer.reason)
    assert all(c.verdict is Verdict.SUPPORTED for c in answer.claims)


def test_row_85_a_server_that_is_down_is_told_with_its_address(base: Assistant) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    chat = Remote(Endpoint(base_url=url, model="m"))
    begun = time.monotonic()
    lone = Assistant(base.index, vault=base.vault, encoder=base.encoder, chat=chat)
    answer = lone.ask(QUESTION)
    assert time.monotonic() - begun < _LATEST_S
    assert_honest(answer)
    assert f"Cannot reach m at {url}" in str(answer.reason)
    assert lone.find("翼展")[0].note.path == "a.md"
    # a follow-up is completed by rules, and a check does not need the model
    assert "3 米" in lone.ask("它的翼展呢?", [QUESTION]).text
    assert lone.check(TRUE).claims[0].verdict is Verdict.SUPPORTED
