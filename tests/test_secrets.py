"""Keys and notes stay where they belong: in no log, trace, error or index.

Whatever a hostile or careless endpoint answers, and with `--debug`, too.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import types
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from assistant.choosing import chat_model
from assistant.config import load_config
from corpus import keys, limited
from corpus.errors import ModelError
from corpus.keys import discreet, kept_key, shown_address
from corpus.remote import RemoteEncoder
from tests.commands import Run, notes, run

__all__ = ["notes", "run"]  # fixtures

KEY = "Zx81-quarkonium-5530"
EMBED_KEY = "Ab12-charmonium-8812"
QUESTION = "GQA 把查询头分成几组？海鹦鹉"


class Echo(BaseHTTPRequestHandler):
    """Refuses everything, and says all that it was told; or gives vectors."""

    how = "status"

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["content-length"])).decode()
        told = f"no: {self.headers['authorization']} may not ask {sent}"
        if self.how == "embeds":
            rows = [
                {"index": n, "embedding": [1.0, 0.5]} for n in range(len(json.loads(sent)["input"]))
            ]
            body = json.dumps({"data": rows}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
        elif self.how == "stream":
            body = f"data: {json.dumps({'error': {'message': told}})}\n\n".encode()
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
        else:
            body = json.dumps({"error": {"message": told}}).encode()
            self.send_response(418)
            self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def echo() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/v1"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


@pytest.mark.parametrize("how", ["status", "stream"])
def test_a_key_is_in_no_log_error_or_file(
    run: Run,
    notes: Path,
    echo: str,
    youju_home: Path,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("openai")
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(Echo, "how", how)
    monkeypatch.setenv("YOUJU_LLM_API_KEY", KEY)
    monkeypatch.setenv("YOUJU_MODEL_KEY", EMBED_KEY)
    named = ["--notes", notes, "--model", "m", "--base-url", echo, "--debug"]
    printed = ""
    for argv in (
        ["ask", QUESTION, "--json"],
        ["ask", QUESTION],
        ["check", "GQA 把查询头分成 9 组。", "--judge"],
        ["find", "GQA", "--encoder", f"{echo}#m"],
        ["index", "--encoder", f"{echo}#m"],
        ["doctor"],
    ):
        ran = run(*argv, *named)
        printed += ran.out + ran.err
        assert ran.out or ran.err
    logged = "\n".join(
        [record.getMessage() for record in caplog.records]
        + [str(record.exc_text) + str(record.__dict__) for record in caplog.records]
    )
    assert "418" in printed or "failed" in printed  # the endpoint was asked, and refused
    for key in (KEY, EMBED_KEY):
        assert key not in printed
        assert key not in logged
        assert not [path for path, data in below(youju_home) if key.encode() in data]


def test_notes_and_questions_are_logged_at_debug_only(
    run: Run,
    notes: Path,
    echo: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("openai")
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("YOUJU_LLM_API_KEY", KEY)
    secret = "珊瑚礁的密码是 hyacinth-9917。"
    (notes / "private.md").write_text(f"# 私事\n\n{secret}\n", "utf-8")
    (notes / "odd.md").write_bytes(
        "# 编码\n\n珊瑚礁 hyacinth-9917\n".encode("gb18030") + b"\xff\xfe"
    )
    model = ["--model", "m", "--base-url", echo]
    monkeypatch.setattr(Echo, "how", "embeds")
    assert run("index", notes, "--encoder", f"{echo}#m").code == 0
    monkeypatch.setattr(Echo, "how", "status")
    run("find", "珊瑚礁的密码是什么", "--encoder", f"{echo}#m")
    assert "searched by words only" in caplog.text
    for argv in (
        ["index", notes],
        ["index", notes, "--rebuild", "--encoder", f"{echo}#m"],
        ["ask", "珊瑚礁的密码是什么？", *model],
        ["ask", "-", "--json"],
        ["find", "hyacinth-9917 珊瑚礁"],
        ["find", "珊瑚礁", "--encoder", f"{echo}#m"],
        ["check", secret.replace("9917", "9918"), "--judge", *model],
        ["doctor", notes, "--thorough"],
    ):
        run(*argv, stdin="珊瑚礁的密码是什么？\n")
    assert caplog.records  # something was said
    told = "\n".join(record.getMessage() + str(record.exc_text) for record in caplog.records)
    told = re.sub(r"\\+u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), told)
    for words in ("hyacinth", "珊瑚礁", "密码"):
        assert words not in told


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_the_child_that_reads_files_of_others_has_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOUJU_LLM_API_KEY", KEY)
    monkeypatch.setenv("YOUJU_MODEL_KEY", EMBED_KEY)
    limited._pool.stop()  # one of an earlier test has the environment of then
    assert limited.convert(".html", "<p>好。</p>")[0].text.strip() == "好。"
    assert limited._pool._idle is not None
    held = Path(f"/proc/{limited._pool._idle._process.pid}/environ").read_bytes()
    assert b"PATH=" in held
    assert KEY.encode() not in held
    assert EMBED_KEY.encode() not in held


def test_no_call_of_a_logger_above_debug_is_given_a_text() -> None:
    """Read off the source: what is passed to the log is a name, a path, a count or a fault."""
    import ast

    from tests.test_architecture import calls, modules

    texts = {"text", "question", "query", "claim", "quote", "answer", "note", "message", "content"}
    wrong = []
    for path in modules():
        if path.startswith("eval/"):
            continue
        for name, call in calls(path):
            owner, _, level = name.rpartition(".")
            if owner != "logger" or level == "debug":
                continue
            for given in call.args[1:]:
                last = ast.unparse(given).rpartition(".")[2]
                if last in texts:
                    wrong.append(f"{path}:{call.lineno} logs {ast.unparse(given)}")
    assert not wrong


class Ring(types.ModuleType):
    """A `keyring` package that holds one key, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__("keyring")
        self.asked: list[tuple[str, str]] = []
        self._fails = fails
        self.errors = types.ModuleType("keyring.errors")
        self.errors.KeyringError = type("KeyringError", (Exception,), {})  # type: ignore[attr-defined]

    def get_password(self, service: str, name: str) -> str | None:
        self.asked.append((service, name))
        if self._fails:
            raise self.errors.KeyringError("locked")
        return KEY if name == "http://127.0.0.1:9/v1" else None


def ring(monkeypatch: pytest.MonkeyPatch, *, fails: bool = False) -> Ring:
    made = Ring(fails=fails)
    monkeypatch.setitem(sys.modules, "keyring", made)
    monkeypatch.setitem(sys.modules, "keyring.errors", made.errors)
    monkeypatch.setattr(keys, "find_spec", lambda name: object())
    return made


def test_a_key_comes_from_the_environment_else_from_the_keyring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = ring(monkeypatch)
    assert kept_key("http://127.0.0.1:9/v1", "YOUJU_LLM_API_KEY") == KEY
    assert kept_key("http://127.0.0.1:8/v1", "YOUJU_LLM_API_KEY") is None
    monkeypatch.setenv("YOUJU_LLM_API_KEY", " other ")
    assert kept_key("http://127.0.0.1:9/v1", "YOUJU_LLM_API_KEY") == "other"
    assert made.asked == [("youju", "http://127.0.0.1:9/v1"), ("youju", "http://127.0.0.1:8/v1")]


def test_the_chat_model_and_the_encoder_get_their_key_from_the_keyring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("openai")
    made = ring(monkeypatch)
    remote = chat_model(load_config(model="m", base_url="http://127.0.0.1:9/v1"))
    assert remote is not None
    assert remote.endpoint.api_key == KEY
    assert KEY not in repr(remote.endpoint)
    RemoteEncoder("http://127.0.0.1:9/v1#m")
    assert len(made.asked) == 2
    chat_model(load_config())  # no endpoint: the keyring is not looked into
    assert len(made.asked) == 2


def test_a_keyring_that_is_locked_or_absent_costs_only_the_key(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ring(monkeypatch, fails=True)
    assert kept_key("http://127.0.0.1:9/v1", "YOUJU_LLM_API_KEY") is None
    assert "KeyringError" in caplog.text
    monkeypatch.setattr(keys, "find_spec", lambda name: None)
    assert kept_key("http://127.0.0.1:9/v1", "YOUJU_LLM_API_KEY") is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("invalid key hush-hush", "invalid key ***"),
        ("Incorrect API key provided: sk-abc123***xyz", "Incorrect API key provided: ***"),
        ("Authorization: Bearer abcdef.123 refused", "Authorization: *** refused"),
        ("model not found", "model not found"),
        (
            "bad input: 低秩矩阵的秩通常取八，见第三节",
            "what it said repeats your text and is not shown",
        ),
        (
            json.dumps({"error": json.dumps({"input": "低秩矩阵的秩通常取八，见第三节"})}),
            "what it said repeats your text and is not shown",
        ),
        (
            json.dumps({"input": "低秩矩阵的秩通常取八，见第三节"}),
            "what it said repeats your text and is not shown",
        ),
    ],
)
def test_what_a_server_said_is_shown_without_keys_and_texts(said: str, shown: str) -> None:
    assert discreet(said, key="hush-hush", sent=["低秩矩阵的秩通常取八，见第三节。"]) == shown


def test_letters_of_a_longer_word_repeat_no_text() -> None:
    said = "[Errno 111] Connection refused"
    sent = ["见 Projection 一节；低秩矩阵的秩通常取八。"]
    assert discreet(said, key=None, sent=sent) == said
    assert "not shown" in discreet("bad: 矩阵的秩通常", key=None, sent=sent)
    assert "not shown" in discreet("bad: jection 一节；低", key=None, sent=sent)


def test_an_address_is_shown_without_what_opens_it() -> None:
    assert shown_address("http://me:pw@host:1/v1?key=x#m") == "http://host:1/v1"
    with pytest.raises(ModelError) as refused:
        RemoteEncoder("http://me:pw@127.0.0.1:9/v1#m", sleep=lambda _: None).encode_queries(["x"])
    assert "pw" not in str(refused.value)
