"""The HTTP interface, called by the curl lines of its document."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import REPO
from tests.web.conftest import Served
from tests.web.test_app import fetched

PAGE = (REPO / "docs" / "interfaces.md").read_text("utf-8")
BLOCKS = [b for b in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "curl" in b]


def ran(command: str, url: str) -> str:
    words = shlex.split(command.replace("\\\n", " ").replace("http://127.0.0.1:7860", url))
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("block", BLOCKS, ids=["ask", "find", "check"])
def test_the_curl_lines_of_the_document_work(block: str, served: Served) -> None:
    post, get = block.strip().split("\ncurl -s http")
    event = json.loads(ran(post, served.url.rstrip("/")))["event_id"]
    stream = ran(f"curl -s http{get}".replace("EVENT_ID", event), served.url.rstrip("/"))
    kind, data = re.findall(r"event: (\w+)\ndata: (.*)", stream)[-1]
    assert kind == "complete"
    (result,) = json.loads(data)
    expected = {
        "ask": "claims", "find": "hits", "check": "claims",
    }[re.findall(r"v2/(\w+)", block)[0]]  # fmt: skip
    assert result[expected]
    if "hits" in result:
        assert len(result["hits"]) <= 3


def called(url: str, name: str, arguments: dict[str, Any]) -> tuple[str, Any]:
    """Kind and data of the last event of a call."""
    status, _, text = fetched(url, f"/gradio_api/call/v2/{name}", body=arguments)
    assert status == 200, text
    _, _, stream = fetched(url, f"/gradio_api/call/{name}/{json.loads(text)['event_id']}")
    kind, data = re.findall(r"event: (\w+)\ndata: (.*)", stream)[-1]
    return kind, json.loads(data)


def test_the_result_is_the_json_of_the_contract(served: Served) -> None:
    kind, (answer,) = called(served.url, "ask", {"question": "GQA 怎样缩小 KV cache？"})
    assert kind == "complete"
    assert list(answer) == [
        "question", "searched", "answer", "abstained", "reason", "generator", "citations",
        "claims", "notes_disagree", "timings_ms",
    ]  # fmt: skip


def test_what_does_not_fit_is_told_in_one_line(served: Served) -> None:
    kind, data = called(served.url, "find", {"query": "KV", "k": 51})
    assert kind == "error"
    assert "k must be from 1 to 50" in json.dumps(data)
    kind, data = called(served.url, "find", {"query": "KV", "since": "May"})
    assert kind == "error"
    assert "write a date as" in json.dumps(data)
    for name, what in (("ask", "question"), ("find", "query"), ("check", "text")):
        kind, data = called(served.url, name, {})
        assert kind == "error"
        assert f"{name} needs {what}" in json.dumps(data)


@pytest.mark.parametrize(
    ("path", "body", "status", "line"),
    [
        ("call/v2/ask", {"q": "GQA"}, 400, "ask takes question; not 'q'"),
        ("call/v2/find", {"query": "KV", "top": 3, "<b>": 1}, 400, "not 'top', '<b>'"),
        ("call/v2/check", ["GQA"], 400, "check is called with a JSON object of text"),
        ("call/v2/answer", {"question": "GQA"}, 404, "there are ask, find, check"),
        ("call/ask_1", {"data": []}, 404, "there is no endpoint 'ask_1'"),
        ("run/predict", {"data": []}, 404, "there is no endpoint"),
        ("api/lambda", {"data": []}, 404, "there is no endpoint"),
    ],
)
def test_a_name_that_is_not_known_is_told_in_one_line(
    path: str, body: Any, status: int, line: str, served: Served
) -> None:
    answered, headers, text = fetched(served.url, f"/gradio_api/{path}", body=body)
    assert answered == status
    assert line in json.loads(text)["error"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-type"] == "application/json"


def test_a_long_call_comes_whole_through_the_checks_of_its_names(served: Served) -> None:
    kind, data = called(served.url, "ask", {"question": "GQA " + "长" * 100_000})
    assert kind == "error"
    assert "characters" in json.dumps(data)


@pytest.mark.parametrize("path", ["/gradio_api/call/v2/ask", "/gradio_api/call/find"])
def test_the_guard_stands_before_the_endpoints(path: str, served: Served) -> None:
    body = {"question": "x"}
    assert fetched(served.url, path, {"host": "evil.example"}, body)[0] == 400
    assert fetched(served.url, path, {"origin": "http://evil.example"}, body)[0] == 403
    own = f"http://{urlsplit(served.url).netloc}"
    assert fetched(served.url, "/gradio_api/call/v2/ask", {"origin": own}, body)[0] == 200
