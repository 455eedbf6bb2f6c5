"""Rows 79 to 82 and 86: hosts, origins, ids, sizes and queries that attack the server."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from assistant.disarming import from_model
from assistant.pipeline import Assistant
from assistant.web.render import render_note
from assistant.web.security import MAX_BODY, MAX_UPLOAD, Guard
from assistant.web.vaults import Vaults
from corpus.errors import ConfigError
from tests.web.conftest import Served
from tests.web.test_api import called
from tests.web.test_app import fetched

_QUICK_S = 5.0  # 1 s on a free core


def routes(served: Served) -> list[tuple[str, str]]:
    """Every route of the server, its parameters filled in."""
    found = [
        (match[1], re.sub(r"\{[^}]*\}", "x", match[2]))
        for line in served.said
        if (match := re.match(r"route (\w+) (\S+)", line))
    ]
    assert len(found) > 50
    return found


def status(served: Served, method: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
    """Status and headers of an answer; its body is not waited for."""
    at = urlsplit(served.url)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=20)
    try:
        body = "{}" if method == "POST" else None
        connection.request(method, path, body, {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


# Row 79

FOREIGN: list[tuple[dict[str, str], int]] = [
    ({"host": "evil.example"}, 400),
    ({"host": "127.0.0.1.evil.example:7860"}, 400),
    ({"origin": "http://evil.example"}, 403),
    ({"origin": "null"}, 403),
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
    ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
]


@pytest.mark.parametrize(("headers", "expected"), FOREIGN)
def test_row_79_no_route_answers_a_foreigner(
    headers: dict[str, str], expected: int, served: Served
) -> None:
    wrong = [
        (method, path, found)
        for method, path in routes(served)
        if (found := status(served, method, path, headers)[0]) != expected
    ]
    assert wrong == []


def test_row_79_a_form_of_another_site_is_refused_on_every_route(served: Served) -> None:
    form = {
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
    }
    posts = [path for method, path in routes(served) if method == "POST"]
    assert len(posts) > 10
    assert {status(served, "POST", path, form)[0] for path in posts} == {403}


def test_row_79_every_answer_carries_the_policy(served: Served) -> None:
    for method, path in routes(served):
        _, headers = status(served, method, path, {})
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff", path


def test_row_79_routes_that_the_page_does_not_use_are_shut(served: Served) -> None:
    for path in (
        f"/gradio_api/proxy={quote('https://example.invalid/', safe='')}", "/gradio_api/deep_link",
        "/gradio_api/vibe-edit/", "/gradio_api/run-history/records", "/monitoring", "/login",
    ):  # fmt: skip
        assert status(served, "GET", path, {})[0] == 404, path
    assert status(served, "POST", "/gradio_api/process_recording", {})[0] == 404


# Row 80


def joined(served: Served, number: object, data: list[Any], session: str = "s") -> tuple[int, str]:
    """Status and text of a call of a function of the page by its number."""
    body = {"fn_index": number, "data": data, "session_hash": session, "event_data": None}
    code, _, text = fetched(served.url, "/gradio_api/queue/join", body=body)
    return code, text


@pytest.mark.parametrize("number", [-1, 10**9, "x", None, 1.5, [], {}])
def test_row_80_a_function_that_is_none_is_refused(number: object, served: Served) -> None:
    code, text = joined(served, number, [])
    assert 400 <= code < 500 or (code, text) == (500, "Failed")
    assert fetched(served.url, "/config")[0] == 200


def panel(served: Served, name: str, ref: object) -> tuple[int, str]:
    config = json.loads(fetched(served.url, "/config")[2])
    found = next(c for c in config["components"] if c["props"].get("elem_id") == "yj-panel")
    body = {"data": ref, "component_id": found["id"], "fn_name": name, "session_hash": "x"}
    code, _, text = fetched(served.url, "/gradio_api/component_server", body=body)
    return code, text


ODD: list[Any] = [
    None, -1, 10**9, 1.5, True, [], {}, "", "x" * 5_000, "0" * 16 + "-c1", "f" * 16 + "-v9999",
    "../../etc/passwd", "/etc/passwd", "\0", "' OR 1=1 --", "0" * 32, {"a": [{}]}, "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("name", ["passage", "copied", "opened"])
def test_row_80_the_panel_refuses_what_it_did_not_show(name: str, served: Served) -> None:
    for ref in ODD:
        code, text = panel(served, name, ref)
        assert (code, text) in ((200, "null"), (200, "false")) or code in (400, 422), ref
        assert "Traceback" not in text


def test_row_80_a_function_of_the_panel_that_is_none_is_refused(served: Served) -> None:
    for name in ("__init__", "launch", "eval", "", "nothing"):
        code, text = panel(served, name, "x")
        assert code >= 400
        assert "Traceback" not in text
    assert fetched(served.url, "/config")[0] == 200


@pytest.mark.parametrize("session", [None, 5, "", "x", "0" * 32, "' OR ''='", ["a"], {"a": 1}])
def test_row_80_sessions_are_never_guessed(session: object, served: Served) -> None:
    """A page on the network tells of one's own conversations only; see `test_handlers`."""
    code, text = panel(served, "chats", session)
    assert code == 200
    assert all(chat["open"] is False for chat in json.loads(text))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ask", {"question": 5}), ("ask", {"question": None}), ("ask", {}),
        ("ask", {"question": ["x"]}), ("find", {"query": "x", "k": -1}),
        ("find", {"query": "x", "k": 10**9}), ("find", {"query": "x", "k": "all"}),
        ("find", {"query": {"a": 1}}), ("find", {"query": "x", "folder": 7}),
        ("check", {"text": 3.5}), ("check", {"text": ["x"]}),
    ],
)  # fmt: skip
def test_row_80_wrong_types_are_refused_in_a_line(
    name: str, arguments: dict[str, Any], served: Served
) -> None:
    code, _, text = fetched(served.url, f"/gradio_api/call/v2/{name}", body=arguments)
    if code == 200:
        kind, data = called(served.url, name, arguments)
        assert kind == "error"
        text = json.dumps(data)
    assert "Traceback" not in text
    assert "\\n" not in text


# Row 81


def uploaded(served: Served, head: str, parts: list[bytes]) -> int:
    """Status of an upload that is sent piece by piece."""
    at = urlsplit(served.url)
    with socket.create_connection((at.hostname, at.port), timeout=30) as sock:
        start = f"POST /gradio_api/upload HTTP/1.1\r\nhost: {at.netloc}\r\n{head}\r\n\r\n"
        sock.sendall(start.encode())
        try:
            for part in parts:
                sock.sendall(part)
        except OSError:
            pass  # the server has answered and hung up
        return int(sock.recv(64).split()[1])


def test_row_81_a_file_that_is_too_large_is_refused_before_it_is_sent(served: Served) -> None:
    kind = "content-type: multipart/form-data; boundary=x\r\n"
    assert uploaded(served, f"{kind}content-length: {MAX_UPLOAD + 1}", []) == 413
    body = json.dumps({"data": ["x"]}).encode()
    at = urlsplit(served.url)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=20)
    connection.putrequest("POST", "/gradio_api/queue/join")
    connection.putheader("content-length", str(MAX_BODY + 1))
    connection.endheaders(body)
    assert connection.getresponse().status == 413
    connection.close()


def test_row_81_a_body_without_a_length_ends_at_the_limit() -> None:
    received = 0

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        nonlocal received
        while True:
            message = await receive()
            received += len(message["body"])
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def endless() -> Any:
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/gradio_api/upload",
        "headers": [(b"host", b"127.0.0.1:1")],
    }  # fmt: skip
    asyncio.run(Guard(behind, max_upload=50_000)(scope, endless, send))
    assert received <= 50_000
    assert sent[0]["status"] == 413
    assert dict(sent[0]["headers"])[b"x-content-type-options"] == b"nosniff"


def test_row_81_trickles_do_not_hold_up_the_page(served: Served) -> None:
    at = urlsplit(served.url)
    start = (
        f"POST /gradio_api/upload HTTP/1.1\r\nhost: {at.netloc}\r\ncontent-length: 1000000\r\n"
        "content-type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    ).encode()
    slow = [socket.create_connection((at.hostname, at.port), timeout=10) for _ in range(30)]
    try:
        for sock in slow:
            sock.sendall(start)
        begun = time.monotonic()
        assert fetched(served.url, "/config")[0] == 200
        kind, _ = called(served.url, "find", {"query": "GQA"})
        assert kind == "complete"
        assert time.monotonic() - begun < _QUICK_S
    finally:
        for sock in slow:
            sock.close()


def test_row_81_many_files_are_one_request_with_a_limit(served: Served) -> None:
    piece = (
        b'--x\r\ncontent-disposition: form-data; name="files"; filename="%d.md"\r\n'
        b"content-type: text/markdown\r\n\r\n# x\r\n"
    )
    for n, expected in ((20, (200,)), (1_500, (400, 413))):
        body = b"".join(piece % i for i in range(n)) + b"--x--\r\n"
        head = f"content-type: multipart/form-data; boundary=x\r\ncontent-length: {len(body)}"
        assert uploaded(served, head, [body]) in expected, n


def test_row_81_a_name_of_a_file_never_leaves_its_folder(served: Served) -> None:
    body = (
        b'--x\r\ncontent-disposition: form-data; name="files"; '
        b'filename="../../../../evil.md"\r\ncontent-type: text/markdown\r\n\r\n# x\r\n--x--\r\n'
    )
    head = f"content-type: multipart/form-data; boundary=x\r\ncontent-length: {len(body)}"
    assert uploaded(served, head, [body]) in (200, 400)
    kept = [path for path in served.folder.rglob("*evil*") if path.is_file()]
    assert all(path.is_relative_to(served.folder / "web") for path in kept)
    assert not list(served.folder.parent.glob("evil.md"))


def test_row_81_uploads_that_are_kept_are_bounded(tmp_path: Path) -> None:
    opened: list[Path] = []

    class Index:
        def status(self) -> Any:
            return type("Status", (), {"root": str(opened[0]) if opened else None})

    class Opened:
        index = Index()

    def open_notes(path: Path) -> Any:
        opened.append(path)
        return Opened()

    desk: Any = type(
        "Desk", (), {"local": True, "assistant": Opened(), "has_looked": lambda self: None}
    )()
    vaults = Vaults(desk, tmp_path, open_notes)
    for n in range(14):
        file = tmp_path / f"n{n}.zip"
        file.write_bytes(b"PK\x05\x06" + bytes(18))
        vaults.take([str(file)])
        while vaults.busy:
            time.sleep(0.01)
    kept = sorted(path.name for path in (tmp_path / "uploads").iterdir())
    assert len(kept) <= 7
    assert {"n0.zip", "n13.zip"} <= set(kept)  # the one in use, and the last
    assert len(opened) == 14


# Row 82

QUERIES = (
    "x" * 1_000_000, "中" * 1_000_000, " " * 1000, "\u3000\t\n", "🙂👩‍💻🏽" * 50, '" * NEAR ( -',
    "'; DROP TABLE notes; --", "(a+)+$", "a" * 1900 + "!", "NEAR/5 AND OR NOT", '"unclosed', "%_%",
    "\\", "{}[]()", "-", "\0", "\ud800", "[[", "#", "tag:", "path:**", "title:[", "since:x",
    "date:2024..", "folder:../..", "((((" * 400, "ab " * 600, "𠀀𠀁", "\u202e\u200b",
)  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("queries")
    (folder / "notes").mkdir()
    for n in range(20):
        text = f"# 题{n}\n\nRedis 集群有 {n} 个节点。aaaa bbb (a+)+$ NEAR\n"
        (folder / "notes" / f"{n}.md").write_text(text, "utf-8")
    with Assistant.open(folder / "notes", folder / "index") as opened:
        opened.refresh()
        opened.ask("Redis 集群有几个节点?")  # what is loaded once is loaded
        yield opened


def refusal(act: Callable[[str], object], query: str) -> str:
    """What a person is told instead of a result, or ""."""
    try:
        act(query)
    except ConfigError as fault:
        return str(fault)
    return ""


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: repr(q[:12]))
def test_row_82_no_query_breaks_or_delays(query: str, small: Assistant) -> None:
    for act in (small.find, small.ask, small.check):
        begun = time.process_time()
        said = refusal(act, query)
        assert "\n" not in said
        assert len(said) < 300
        assert time.process_time() - begun < _QUICK_S, act
    assert small.index.n_notes == 20


def test_row_82_a_query_of_a_megabyte_is_refused_by_the_server(served: Served) -> None:
    begun = time.monotonic()
    kind, data = called(served.url, "ask", {"question": "长" * 300_000})
    assert time.monotonic() - begun < 2 * _QUICK_S
    assert (kind, "BOOM" in str(data)) in (("error", False), ("complete", False))


MONOTONOUS = (
    "|",
    "|a",
    "| `x` ",
    "`",
    "~",
    "[[",
    "](",
    "**",
    "$a",
    "\\[",
    "- ",
    "> ",
    "中",
    "a",
    " ",
    "==",
)


@pytest.mark.parametrize("piece", MONOTONOUS)
def test_row_81_a_line_without_end_is_drawn_at_once(piece: str) -> None:
    """Of a note that is read, of a text that is checked, of what a model writes."""
    line = piece * (20_000 // len(piece))
    begun = time.process_time()
    for text in (line, f"{line}|", f"# x\n\n{line}\n"):
        render_note(text, lambda _: None)
        from_model(text, lambda _: False)
    assert time.process_time() - begun < _QUICK_S


# The queue


@pytest.mark.slow
def test_row_81_a_full_queue_says_so_and_loses_nobody(served: Served) -> None:
    codes: list[int] = []
    lock = threading.Lock()

    def join(number: int) -> None:
        body = {"question": f"GQA {number}"}
        code, _, text = fetched(served.url, "/gradio_api/call/v2/ask", body=body)
        with lock:
            codes.append(code)
            said.append(text)

    said: list[str] = []
    threads = [threading.Thread(target=join, args=(n,)) for n in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(codes) == 60
    assert codes.count(200) >= 32
    assert set(codes) <= {200, 429, 503}
    refused = [text for code, text in zip(codes, said, strict=True) if code != 200]
    assert all("full" in text.lower() or "busy" in text.lower() for text in refused)
    until = time.monotonic() + 60
    body = {"query": "GQA"}
    while fetched(served.url, "/gradio_api/call/v2/find", body=body)[0] == 503:
        assert time.monotonic() < until, "what waits is never done"
        time.sleep(0.5)
    assert called(served.url, "find", body)[0] == "complete"
