"""Commands run in this process or in one of their own, over four small notes."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assistant.cli import main
from corpus.readers import Vault

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


def found(run: Run, kept: list[str], *options: str) -> set[str]:
    done = run("find", "LoRA HNSW index GQA 向量", *kept, "--json", *options)
    assert done.code == 0, done.err
    return {hit["note"] for hit in done.object["hits"]}
