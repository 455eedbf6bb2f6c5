"""`youju mcp` as a client of the official SDK sees it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.mcp import Desk, note_uri
from assistant.pipeline import Assistant
from assistant.tools import TOOLS
from corpus.errors import ConfigError, CorpusError
from tests.conftest import REPO

mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")

GREETING_S = 2.0  # of processor time; .7 on a free core, more on one that others share
NOTE = "# 缓存 策略\n\n默认的过期时间是 30 分钟。\n\nRedis 集群有六个节点。\n"
GREETING = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return lay(tmp_path)


def lay(below: Path) -> Path:
    """Two notes in a folder with an odd name."""
    folder = below / "notes"
    (folder / "子 目录").mkdir(parents=True)
    (folder / "子 目录" / "缓存#1.md").write_text(NOTE, "utf-8")
    (folder / "plain.txt").write_text("The deploy takes ten minutes.\n", "utf-8")
    return folder


def talk(vault: Path, home: Path, say: Callable[[Any], Awaitable[Any]]) -> Any:
    """What a conversation with a server of its own process comes to."""
    server = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-m", "assistant", "mcp", "--notes", str(vault)],
        env={"PYTHONPATH": str(REPO), "YOUJU_HOME": str(home)},
        cwd=str(vault.parent),
    )

    async def run() -> Any:
        async with mcp.Client(server, read_timeout_seconds=60) as client:
            return await say(client)

    return asyncio.run(run())


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one server answers to everything that a client of the SDK may want."""
    folder = tmp_path_factory.mktemp("said")

    async def say(client: Any) -> dict[str, Any]:
        tools = await client.list_tools()
        listed = await client.list_resources()
        with pytest.raises(mcp.MCPError, match="no note"):
            await client.read_resource("youju://note/../../etc/passwd")
        return {
            "tools": [tool.name for tool in tools.tools],
            # the client itself holds each result against the tool's output schema
            "ask": await client.call_tool("ask", {"question": "默认的过期时间是多少?"}),
            "find": await client.call_tool("find", {"query": "Redis 集群", "k": 3}),
            "far": await client.call_tool("find", {"query": "qwzx vbnm"}),
            "check": await client.call_tool("check", {"text": "默认的过期时间是 40 分钟。"}),
            "refused": await client.call_tool("find", {"query": "x", "k": 0}),
            "uris": [resource.uri for resource in listed.resources],
            "read": (await client.read_resource(note_uri("子 目录/缓存#1.md"))).contents[0],
        }

    return dict(talk(lay(folder), folder / "home", say))


def test_a_client_of_the_sdk_asks_finds_and_checks(said: dict[str, Any]) -> None:
    assert said["tools"] == ["ask", "find", "check"]
    answer = said["ask"].structured_content
    assert "30 分钟" in answer["answer"]
    assert json.loads(said["ask"].content[0].text) == answer
    hit = said["find"].structured_content["hits"][0]
    assert hit["note"] == "子 目录/缓存#1.md"
    assert NOTE[hit["start"] : hit["end"]] == hit["text"]
    assert "notices" not in said["find"].structured_content
    assert "no note holds a word" in said["far"].structured_content["notices"][0]
    assert said["check"].structured_content["claims"][0]["verdict"] == "contradicted"
    assert said["refused"].is_error
    assert "1 to 50" in said["refused"].content[0].text


def test_each_note_is_a_resource_that_reads_as_it_is_written(said: dict[str, Any]) -> None:
    uris, read = said["uris"], said["read"]
    assert sorted(map(str, uris)) == sorted(map(note_uri, ["plain.txt", "子 目录/缓存#1.md"]))
    assert (read.text, read.mime_type) == (NOTE, "text/markdown")


def greeted(vault: Path, home: Path) -> tuple[float, bytes]:
    """Seconds of processor time that a server takes to greet and to end, and all its output.

    Not the time on the clock, which depends on what else the machine does.
    """
    before = os.times()
    with subprocess.Popen(
        [sys.executable, "-m", "assistant", "mcp", "--notes", str(vault)],
        cwd=REPO,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "YOUJU_HOME": str(home), "PYTHONPATH": str(REPO)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(GREETING).encode() + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
        process.stdin.close()
        rest = process.stdout.read()
        assert process.wait(60) == 0
    after = os.times()
    used = after.children_user + after.children_system
    return used - before.children_user - before.children_system, line + rest


def test_it_greets_after_little_work(vault: Path, youju_home: Path) -> None:
    quickest, output = greeted(vault, youju_home)
    if quickest >= GREETING_S:  # the first run may compile
        quickest = min(quickest, *(greeted(vault, youju_home)[0] for _ in range(2)))
    assert json.loads(output)["result"]["serverInfo"]["name"] == "youju"
    assert not (youju_home / "vaults").exists()  # nothing is opened for a greeting
    assert quickest < GREETING_S


def test_it_loads_neither_gradio_nor_torch(vault: Path, youju_home: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom assistant.mcp import Desk, build_server\n"
        "from assistant.pipeline import Assistant\n"
        "def opener():\n"
        f"    made = Assistant.open(Path({str(vault)!r}), Path({str(youju_home / 'i')!r}))\n"
        "    made.refresh()\n"
        "    return made\n"
        "desk = Desk(opener)\nbuild_server(desk)\n"
        "desk.call('ask', {'question': '默认的过期时间是多少?'})\nprint(*sys.modules)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(REPO)}
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, env=env, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"gradio", "torch", "transformers", "sentence_transformers"} & set(loaded)


def test_what_a_tool_prints_does_not_reach_the_protocol(vault: Path, tmp_path: Path) -> None:
    script = tmp_path / "noisy.py"
    script.write_text(
        "import os, sys\nfrom pathlib import Path\nfrom assistant.mcp import serve\n"
        "from assistant.pipeline import Assistant\n"
        "def opener():\n"
        "    print('noise'); os.write(1, b'more noise\\n'); os.system('echo child noise')\n"
        f"    made = Assistant.open(Path({str(vault)!r}), Path({str(tmp_path / 'i')!r}))\n"
        "    made.refresh()\n"
        "    return made\n"
        "serve(opener)\n",
        "utf-8",
    )
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call"}
    call["params"] = {"name": "find", "arguments": {"query": "Redis"}}
    initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(REPO)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in (GREETING, initialized, call):
            process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
        lines = [process.stdout.readline(), process.stdout.readline()]
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.stderr is not None
        assert b"noise" in process.stderr.read()
    assert [json.loads(line)["id"] for line in lines] == [1, 2]


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("delete", {}, "no tool"),
        ("ask", {}, "needs question"),
        ("ask", {"question": 3}, "type string"),
        ("find", {"query": "x", "k": True}, "type integer"),
        ("find", {"query": "x", "limit": 3}, "no argument 'limit'"),
        ("find", {"query": "x", "k": 51}, "1 to 50"),
        ("find", {"query": "x", "since": "May"}, "since: write a date"),
    ],
)
def test_a_call_that_does_not_fit_is_told_in_one_line(
    tool: str, arguments: dict[str, Any], words: str
) -> None:
    def opener() -> Assistant:
        raise AssertionError("nothing is opened for a call that does not fit")

    with pytest.raises(ConfigError, match=words):
        Desk(opener).call(tool, arguments)


def test_notes_that_cannot_be_opened_are_told_and_tried_again() -> None:
    tries: list[int] = []

    def opener() -> Assistant:
        tries.append(1)
        raise CorpusError("no notes at x")

    desk = Desk(opener)
    desk.warm()
    with pytest.raises(CorpusError, match="no notes at x"):
        desk.call("ask", {"question": "x"})
    assert len(tries) == 2


def test_the_schemas_name_every_field_of_the_contract() -> None:
    fields = {name: set(tool.output_schema["properties"]) for name, tool in TOOLS.items()}
    assert fields["ask"] == {
        "question", "searched", "answer", "abstained", "reason", "generator", "citations",
        "claims", "notes_disagree", "timings_ms",
    }  # fmt: skip
    assert fields["find"] == {"query", "hits"}
    assert fields["check"] == {"text", "claims"}
