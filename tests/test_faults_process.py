"""Rows 83 and 87 to 90: the whole product as processes, in odd places and under attack."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from assistant.cli import main
from assistant.web.runs import found_evaluation
from tests.conftest import REPO, stays_here
from tests.faults import World

pytestmark = pytest.mark.timeout(600)  # processes are slow on a machine that others share
posix = pytest.mark.skipif(sys.platform == "win32", reason="as POSIX has it")
NOTE = "# 缓存 策略\n\n默认的过期时间是 30 分钟。\n\nRedis 集群有六个节点。\n"
PAGE = "<h1>部署</h1><p>部署要十分钟。<img src='http://leak.invalid/x.png'></p>"
QUESTION = "默认的过期时间是多少?"

# Written to a file: every address that Python would connect to or look up.
_AUDIT = """
import os, sys
def _told(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        at = args[1] if event in ("socket.connect", "socket.sendto") else args
        host = at[0] if isinstance(at, tuple) else ""
        with open(os.environ["AUDIT"], "a", encoding="utf-8") as file:
            file.write(f"{event} {host!s}\\n")
sys.addaudithook(_told)
"""


@dataclass
class Place:
    """A machine in small: a home, a vault with a space and Chinese in its name, a working folder.

    Attributes:
        env: of every command.
    """

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.vault = self.folder / "我的 笔记 (1)"
        self.home, self.cwd = self.folder / "home", self.folder / "work"
        (self.vault / "子 目录").mkdir(parents=True)
        for folder in (self.home, self.cwd, self.folder / "site"):
            folder.mkdir()
        (self.vault / "子 目录" / "缓存#1.md").write_text(NOTE, "utf-8")
        (self.vault / "page.html").write_text(PAGE, "utf-8")
        (self.folder / "site" / "sitecustomize.py").write_text(_AUDIT, "utf-8")
        # what an installation makes of `youju`: its own folder is on the path, not the working one
        self.command = self.folder / "site" / "youju.py"
        self.command.write_text(
            "import sys\nfrom assistant.cli import main\nsys.exit(main())\n", "utf-8"
        )
        self.audit = self.folder / "audit"
        self.env = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "PYTHONPATH": f"{self.folder / 'site'}{os.pathsep}{REPO}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AUDIT": str(self.audit),
            "OMP_NUM_THREADS": "1",
            **self.env,
        }

    def run(self, *words: str, env: dict[str, str] | None = None, **given: Any) -> Any:
        """A command of the product, ended."""
        return subprocess.run(
            [*given.pop("before", ()), sys.executable, str(self.command), *words],
            cwd=given.pop("cwd", self.cwd), env={**self.env, **(env or {})},
            capture_output=True, text=True, encoding="utf-8", timeout=300, check=False, **given,
        )  # fmt: skip

    def files(self) -> dict[str, str]:
        """Hashes of all files but the index's and the audit's."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.folder.rglob("*")
            if path.is_file() and path != self.audit and "share" not in path.parts
        }

    def reached(self) -> list[str]:
        """What was to be reached beyond this machine."""
        lines = self.audit.read_text("utf-8").splitlines() if self.audit.exists() else []
        return [line for line in lines if not stays_here(line.partition(" ")[2])]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# Row 83


@posix
def test_row_83_an_odd_environment_answers_all_the_same(place: Place) -> None:
    closed = "http://127.0.0.1:9"
    odd = {
        **{name: closed for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")},
        "ALL_PROXY": "socks5://127.0.0.1:9",
        "LANG": "C", "LC_ALL": "C", "TERM": "dumb", "TMPDIR": "/nonexistent", "COLUMNS": "1",
        "PYTHONIOENCODING": "ascii", "DISPLAY": "", "XDG_DATA_HOME": "",
    }  # fmt: skip
    done = place.run("ask", QUESTION, "--json", "--notes", str(place.vault), env=odd)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert "30 分钟" in answer["answer"]
    assert answer["citations"][0]["note"] == "子 目录/缓存#1.md"


@posix
def test_row_83_without_a_home_it_works_or_says_why(place: Place) -> None:
    env = {"HOME": "/nonexistent/home", "YOUJU_HOME": ""}
    done = place.run("ask", QUESTION, "--notes", str(place.vault), env=env)
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert "/nonexistent" in done.stderr.splitlines()[-1]
    with_home = {**env, "YOUJU_HOME": str(place.folder / "elsewhere")}
    done = place.run("ask", QUESTION, "--notes", str(place.vault), env=with_home)
    assert (done.returncode, "30 分钟" in done.stdout) == (0, True), done.stderr


@posix
@pytest.mark.parametrize("host", ["::1", "localhost", "127.0.0.1"])
@pytest.mark.slow
def test_row_83_the_page_is_served_wherever_this_machine_can_be_reached(
    host: str, place: Place
) -> None:
    if host == "::1":
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6")
    read_only = place.folder / "tmp"
    read_only.mkdir(mode=0o500)
    env = {
        "http_proxy": "http://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9", "LC_ALL": "C",
        "TMPDIR": str(read_only), "DISPLAY": "", "BROWSER": "/nonexistent",
    }  # fmt: skip
    with served(place, "--host", host, env=env) as url:
        shown = f"[{host}]" if ":" in host else host
        assert shown in url
        fetched = subprocess.run(
            [sys.executable, "-c", _FETCH, url], env=place.env, capture_output=True, text=True,
            timeout=60, check=True,
        )  # fmt: skip
        assert fetched.stdout.startswith("200 ")
        port = re.findall(r":(\d+)/?$", url)[0]
        busy = place.run("chat", "--host", host, "--port", port, "--notes", str(place.vault))
        assert busy.returncode == 2
        assert f"Port {port} is in use" in busy.stderr
    assert place.reached() == []


_FETCH = """
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(sys.argv[1], timeout=30) as answer:
    print(answer.status, len(answer.read()))
"""


@contextmanager
def served(place: Place, *words: str, env: dict[str, str]) -> Iterator[str]:
    """The address of the page of a place, for as long as the block lasts."""
    command = [sys.executable, str(place.command), "chat", "--notes", str(place.vault), *words]
    with subprocess.Popen(
        command, cwd=place.cwd, env={**place.env, **env}, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, encoding="utf-8",
    ) as process:  # fmt: skip
        timer = threading.Timer(300, process.kill)
        timer.start()
        try:
            assert process.stderr is not None
            said: list[str] = []
            for line in process.stderr:
                said.append(line)
                if found := re.search(r"http://\S+", line):
                    break
            else:
                raise AssertionError("the page did not start: " + "".join(said))
            yield found[0]
        finally:
            timer.cancel()
            process.kill()


# Row 87


def used(place: Place, before: tuple[str, ...] = ()) -> None:
    """Every verb that needs no page."""
    named = ("--notes", str(place.vault))
    for words, expected in (
        (("index", *named), 0), (("ask", QUESTION, *named), 0), (("find", "Redis", *named), 0),
        (("check", "默认的过期时间是 40 分钟。", *named), 4), (("index", "--status", *named), 0),
        (("ask", "红烧肉怎么做?", "--json", *named), 3),
    ):  # fmt: skip
        done = place.run(*words, before=before)
        assert done.returncode == expected, done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
@posix
def test_row_87_every_verb_tries_no_connection(place: Place) -> None:
    used(place)
    talked(place, [GREETING])
    assert place.reached() == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare here")
def test_row_87_without_any_network_everything_works(place: Place) -> None:
    alone = ("unshare", "-rn")
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces are not allowed here")
    used(place, alone)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace here")
def test_row_87_the_kernel_sees_no_connection(place: Place, tmp_path: Path) -> None:
    log = tmp_path / "strace"
    trace = ("strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(log))
    if subprocess.run([*trace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("tracing is not allowed here")
    done = place.run("ask", QUESTION, "--notes", str(place.vault), before=trace)
    assert done.returncode == 0, done.stderr
    calls = [line for line in log.read_text("utf-8").splitlines() if "AF_INET" in line]
    assert calls == []


# Row 88


class _Evil:
    """A pickle that leaves a trace when it is loaded."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.trace,)


def test_row_88_pickles_in_the_index_folder_are_not_loaded(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.refresh()
    trace = tmp_path / "trace"
    evil = pickle.dumps(_Evil(trace))
    kept = [path for path in world.folder.iterdir() if path.is_file()]
    for path in kept:
        if not path.name.startswith("index.db"):
            path.write_bytes(evil)
    for name in ("vectors.npy", "index.pkl", "x.pickle", "hnsw.bin", "bm25.npz", "meta.joblib"):
        (world.folder / name).write_bytes(evil)
    with world.open() as index:
        assert index.nearest("对照笔记3说秩取3", 3)
        world.holds_controls(index)
    world.refresh()
    assert not trace.exists()


@posix
def test_row_88_code_in_the_vault_is_never_run(place: Place) -> None:
    trace = place.folder / "trace"
    planted = f"import os\nopen({str(trace)!r}, 'a').write(__name__ + ' ')\n"
    names = "json re numpy yaml jieba sitecustomize usercustomize conftest assistant corpus eval"
    for name in f"{names} pypdf html logging base64".split():
        (place.vault / f"{name}.py").write_text(planted, "utf-8")
    for name in ("assistant", "corpus", "eval"):
        (place.vault / name).mkdir()
        (place.vault / name / "__init__.py").write_text(planted, "utf-8")
        (place.vault / name / "cli.py").write_text(planted, "utf-8")
    (place.vault / "youju.toml").write_text("model = 'x'\nbase_url = 'http://leak.invalid/v1'\n")
    (place.vault / ".env").write_text("YOUJU_LLM_BASE_URL=http://leak.invalid/v1\n", "utf-8")
    # PYTHONPATH is the person's own; the working folder is the vault's
    done = place.run("ask", QUESTION, "--notes", ".", cwd=place.vault)
    assert done.returncode == 0, done.stderr
    assert "30 分钟" in done.stdout
    evaluation = found_evaluation(place.folder).command
    assert evaluation
    subprocess.run(
        [*evaluation, "--help"], cwd=place.vault, env=place.env, capture_output=True, check=True,
        timeout=100,
    )  # fmt: skip
    assert not trace.exists(), trace.read_text("utf-8")
    assert place.reached() == []


@pytest.mark.parametrize(
    "text",
    [
        "notes = 5", "evil = 'x'", "encoder = ['a']", "timeout = 'soon'", "[model]\nname = 'x'",
        "base_url = 'file:///etc/passwd'\nmodel = 'm'", "context = 3\nbase_url='http://h/v1'\nmodel='m'",
        "\x00", "a" * 100_000, "= = =", "base_url = 'javascript:x'\nmodel = 'm'",
        "extractive = true",
    ],
)  # fmt: skip
def test_row_88_a_malicious_config_is_refused_in_a_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "c.toml"
    file.write_text(text, "utf-8")
    (tmp_path / "a.md").write_text(NOTE, "utf-8")
    code = main(["ask", "x", "--notes", str(tmp_path), "--config", str(file)])
    out, err = capsys.readouterr()
    assert code == 2
    assert (out, err.count("\n")) == ("", 1)
    assert len(err) < 600


# Row 89

GREETING = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}  # fmt: skip
_SAID: dict[str, Any] = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def talked(place: Place, messages: list[Any]) -> tuple[int, list[Any], str]:
    """Exit status, replies and log of a server that is told these messages."""
    lines = [m if isinstance(m, bytes) else json.dumps(m).encode() for m in messages]
    with subprocess.Popen(
        [sys.executable, str(place.command), "mcp", "--notes", str(place.vault)],
        cwd=place.cwd, env=place.env,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        expected = sum(b'"id"' in line and line.startswith(b"{") for line in lines)
        process.stdin.write(b"\n".join(lines) + b"\n")
        process.stdin.flush()
        replies = [process.stdout.readline() for _ in range(expected)]
        process.stdin.close()
        replies += process.stdout.read().splitlines()
        log = process.stderr.read().decode("utf-8", "replace")
        return process.wait(60), [json.loads(line) for line in replies if line.strip()], log


def _call(number: int, tool: str, arguments: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0", "id": number, "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }  # fmt: skip


def test_row_89_broken_messages_get_errors_and_the_rest_its_answers(place: Place) -> None:
    pytest.importorskip("mcp", reason="the extra mcp is not installed")
    status, replies, log = talked(place, [
        GREETING, _SAID, b"{broken", b"[]", b"null", b"5", b"\xff\xfe", b'"text"', b"{}",
        b'{"jsonrpc": "1.0"}', b"[" * 5_000,
        _call(2, "delete_everything", {}),
        _call(3, "ask", {"question": "x" * 10_000_000}),
        _call(4, "ask", {"question": 5}),
        _call(5, "find", {"query": "Redis", "k": 10**9}),
        {"jsonrpc": "2.0", "id": 6, "method": "no/such/method"},
        {"jsonrpc": "2.0", "id": 7, "method": "resources/read",
         "params": {"uri": "youju://note/../../../etc/passwd"}},
        _call(8, "find", {"query": "Redis 集群"}),
    ])  # fmt: skip
    assert status == 0, log
    by_id = {reply.get("id"): reply for reply in replies}
    for number in (2, 3, 4, 5):
        reply = by_id[number]
        assert "error" in reply or reply["result"]["isError"], number
        assert len(json.dumps(reply)) < 2_000
    assert "error" in by_id[6]
    assert "error" in by_id[7]
    hits = by_id[8]["result"]["structuredContent"]["hits"]
    assert hits[0]["note"] == "子 目录/缓存#1.md"
    assert NOTE.partition("\n\n")[2][:6] not in log


@posix
def test_row_89_a_closed_pipe_ends_the_server(place: Place) -> None:
    pytest.importorskip("mcp", reason="the extra mcp is not installed")
    process = subprocess.Popen(
        [sys.executable, str(place.command), "mcp", "--notes", str(place.vault)],
        cwd=place.cwd, env=place.env,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    try:
        for message in (GREETING, _SAID, _call(2, "find", {"query": "Redis"})):
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
        process.stdin.close()
    except BrokenPipeError:
        pass
    process.stderr.close()
    assert process.wait(60) is not None


# Row 90


@pytest.mark.slow
@posix
def test_row_90_all_that_is_written_lies_in_one_folder(place: Place) -> None:
    before = place.files()
    used(place)
    talked(place, [GREETING])
    assert place.files() == before  # vault, home and working folder, byte by byte
    (own,) = [path for path in place.home.iterdir()]
    assert own.name == ".local"
    data = place.home / ".local" / "share" / "youju"
    others = [p for p in own.rglob("*") if p.is_file() and not p.is_relative_to(data)]
    assert others == []
    shutil.rmtree(data)  # uninstalled
    done = place.run("ask", QUESTION, "--notes", str(place.vault))
    assert (done.returncode, "30 分钟" in done.stdout) == (0, True)


def test_row_90_a_downgrade_and_an_upgrade_leave_the_notes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], youju_home: Path
) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / "a.md").write_text(NOTE, "utf-8")
    named = ["--notes", str(vault)]
    assert main(["ask", QUESTION, *named]) == 0
    (database,) = youju_home.rglob("index.db")
    for version in (99, 0, 7):  # of a newer youju, of a half-made one, of another
        with sqlite3.connect(database) as sql:
            sql.execute(f"PRAGMA user_version = {version}")
        sql.close()
        capsys.readouterr()
        assert main(["ask", QUESTION, *named]) == 0
        out, err = capsys.readouterr()
        assert "30 分钟" in out
        assert "Traceback" not in err
    assert (vault / "a.md").read_text("utf-8") == NOTE
    assert [path.name for path in vault.iterdir()] == ["a.md"]
