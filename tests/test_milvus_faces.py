"""The page and the tools of `youju mcp` over an index on Milvus, with and without the notes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.cli import main
from tests.conftest import REPO
from tests.milvus_notes import need_milvus, write_note, write_notes

# each opens the engine in a process of its own
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

QUESTION = "LoRA 的秩通常取多少？"


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_milvus()
    return write_notes(tmp_path_factory.mktemp("faces") / "notes")


@pytest.fixture
def index(notes: Path, tmp_path: Path) -> str:
    """The address of an index that is filled, and closed: the engine serves one process."""
    address = f"milvus:{tmp_path / 'faces.db'}"
    assert main(["index", str(notes), "--index", address]) == 0
    return address


def test_the_tools_answer_from_milvus_without_the_notes(index: str, tmp_path: Path) -> None:
    mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")
    server = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-m", "assistant", "mcp", "--index", index],
        env={"PYTHONPATH": str(REPO), "YOUJU_HOME": str(tmp_path / "home")},
        cwd=str(tmp_path),
    )

    async def run() -> tuple[Any, ...]:
        async with mcp.Client(server, read_timeout_seconds=100) as client:
            listed = await client.list_resources()
            return (
                (await client.call_tool("ask", {"question": QUESTION})).structured_content,
                (await client.call_tool("find", {"query": "LoRA", "k": 3})).structured_content,
                (
                    await client.call_tool("check", {"text": "LoRA 的秩通常取 64。"})
                ).structured_content,
                (await client.read_resource(listed.resources[0].uri)).contents[0].text,
            )

    answer, found, checked, text = asyncio.run(run())
    assert not answer["abstained"]
    assert {claim["verdict"] for claim in answer["claims"]} == {"supported"}
    assert found["hits"]
    assert checked["claims"][0]["verdict"] != "supported"
    assert text


@pytest.fixture
def page(index: str, notes: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the page over the index, with the notes beside it where the test wants so."""
    beside = ["--notes", str(notes)] if request.param else []
    with subprocess.Popen(
        [sys.executable, "-m", "assistant", "chat", "--index", index, *beside],
        stderr=subprocess.PIPE, text=True, cwd=REPO,
        env={**os.environ, "PYTHONPATH": str(REPO), "YOUJU_HOME": str(tmp_path / "home")},
    ) as process:  # fmt: skip
        assert process.stderr is not None
        said: list[str] = []
        try:
            for line in process.stderr:
                said.append(line)
                if found := re.match(r"http://\S+", line):
                    yield found[0].rstrip("/")
                    break
            else:
                pytest.fail("the page did not start: " + "".join(said))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def called(page: str, tool: str, **arguments: Any) -> dict[str, Any]:
    """What an endpoint of the page answers."""
    asked = urllib.request.Request(
        f"{page}/gradio_api/call/v2/{tool}",
        json.dumps(arguments).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=100) as response:
        event = json.load(response)["event_id"]
    with urllib.request.urlopen(f"{page}/gradio_api/call/{tool}/{event}", timeout=100) as answer:
        told = answer.read().decode()
    lines = [line for line in told.splitlines() if line.startswith("data: [")]
    assert lines, told
    return dict(json.loads(lines[0].removeprefix("data: "))[0])


@pytest.mark.parametrize("page", [False, True], ids=["without notes", "with notes"], indirect=True)
def test_the_page_answers_from_milvus(page: str, notes: Path) -> None:
    with urllib.request.urlopen(page, timeout=100) as response:
        assert response.status == 200
    answer = called(page, "ask", question=QUESTION)
    assert not answer["abstained"]
    citation = answer["citations"][0]
    text = (notes / citation["note"]).read_text("utf-8")
    assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert called(page, "find", query="LoRA", k=2)["hits"]
    assert called(page, "check", text="LoRA 的秩通常取 64。")["claims"][0]["verdict"] != "supported"


@pytest.mark.parametrize("page", [True], ids=["with notes"], indirect=True)
def test_a_note_that_is_saved_is_found_by_the_page(page: str, notes: Path) -> None:
    write_note(notes / "later.md", "# 后来\n\n犰狳会卷成球。\n")
    for _ in range(40):
        hits = called(page, "find", query="犰狳", k=3)["hits"]
        if any("犰狳" in hit["text"] for hit in hits):
            return
        time.sleep(0.5)
    pytest.fail("the new note is not found")
