"""What several processes make of a vault is what one makes, to the byte, whatever ends when."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpus import ahead, caches, preparing, workers
from corpus.ann import GraphIndex
from corpus.encoder import StaticEncoder, load_encoder
from corpus.index import Index
from corpus.readers import Vault
from corpus.tokens import terms
from corpus.workers import Workers, made_here
from tests.fakes import HashingEncoder

TEXTS = [
    ["题", "一 > 二", "向量检索的召回率是 0.95。"],
    ["Title", "bge-m3 & C++"],
    ["，。"],
    ["召回率"],
]


@pytest.fixture(scope="module")
def encoder() -> StaticEncoder:
    found = load_encoder(None)
    assert isinstance(found, StaticEncoder)
    return found


@pytest.fixture
def crew(encoder: StaticEncoder) -> Iterator[Workers]:
    made = Workers(encoder, 1)
    yield made
    made.close()


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every refresh is worth workers, a dozen passages are worth a graph."""
    monkeypatch.setattr(preparing, "_MANY_BYTES", 0)
    monkeypatch.setattr(preparing, "_BATCH", 8)
    monkeypatch.setattr(workers, "_cores", lambda: 2)
    monkeypatch.setattr(caches, "EXACT_LIMIT", 12)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(30):
        text = f"# 第{number}篇\n\n内容编号{number}，讲向量检索。\n\n## 又\n\nSame text.\n"
        (folder / f"{number}.md").write_text(text, "utf-8")
    return folder


def content(folder: Path) -> tuple[list[tuple[object, ...]], list[bytes]]:
    """All passages, and the graph to the byte."""
    with sqlite3.connect(folder / "index.db") as database:
        rows = database.execute("SELECT * FROM chunks ORDER BY id").fetchall()
    database.close()
    return rows, [path.read_bytes() for path in folder.glob("hnsw-*.bin")]


def alone(notes: Path, folder: Path, encoder: StaticEncoder) -> object:
    """The content that one process makes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparing, "_MANY_BYTES", 1 << 40)
        patch.setattr(caches, "EXACT_LIMIT", 12)
        with Index.open(folder, encoder=encoder) as index:
            index.refresh(Vault(notes))
    return content(folder)


def test_a_worker_makes_what_is_made_here_and_one_that_ends_costs_nothing(
    crew: Workers, encoder: StaticEncoder
) -> None:
    expected = made_here(encoder, TEXTS)
    assert [vector is None for _, vector, _ in expected] == [False, False, True, False]
    assert crew.begin(TEXTS).result() == expected
    crew._workers[0].kill()
    assert crew.begin(TEXTS).result() == expected
    assert crew.begin(TEXTS[:1]).result() == expected[:1]


@pytest.mark.usefixtures("shared")
def test_an_index_by_several_processes_is_that_of_one(
    notes: Path, tmp_path: Path, encoder: StaticEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown: list[GraphIndex | None] = []
    whole = ahead.GraphAhead.graph

    def noted(*args: Any) -> GraphIndex | None:
        grown.append(whole(*args))
        return grown[-1]

    monkeypatch.setattr(ahead.GraphAhead, "graph", noted)
    with Index.open(tmp_path / "index", encoder=encoder) as index:
        index.refresh(Vault(notes))
        assert len(grown) == 1
        assert grown[0] is not None
        assert content(tmp_path / "index") == alone(notes, tmp_path / "other", encoder)
        (notes / "3.md").write_text("# 第3篇\n\n改过的内容。\n", "utf-8")
        index.refresh(Vault(notes))
        assert [hit for hit, _ in index.bm25(terms("改过的内容"), 1)]
    assert len(grown) == 1  # a change adds to the graph that is there


@pytest.mark.usefixtures("shared")
def test_notes_that_come_in_another_order_get_the_same_graph(
    notes: Path, tmp_path: Path, encoder: StaticEncoder
) -> None:
    (notes / "3.md b.md").write_text("# 名字\n\n在 3.md 与它的条目之间。\n", "utf-8")
    (notes / "feed.txt").write_text(
        "\n".join(f"2024-05-{day:02d} 甲 标题{day}：正文说了第{day}件事。" for day in range(1, 20)),
        "utf-8",
    )
    with Index.open(tmp_path / "index", encoder=encoder) as index:
        index.refresh(Vault(notes))
    assert content(tmp_path / "index") == alone(notes, tmp_path / "other", encoder)


@pytest.mark.usefixtures("shared")
def test_after_ctrl_c_no_process_is_left_and_the_next_run_finishes(
    notes: Path, tmp_path: Path, encoder: StaticEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def noted(*args: object, **kwargs: object) -> subprocess.Popen[bytes]:
        begun.append(popen(*args, **kwargs))  # type: ignore[call-overload]
        return begun[-1]

    def stop(done: int, total: int) -> None:
        if done == 25:
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", noted)
    with Index.open(tmp_path / "index", encoder=encoder) as index:
        with pytest.raises(KeyboardInterrupt):
            index.refresh(Vault(notes), progress=stop)
        assert len(begun) == 1
        assert begun[0].returncode is not None
        assert index.n_notes == 0
        index.refresh(Vault(notes))
    assert content(tmp_path / "index") == alone(notes, tmp_path / "other", encoder)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_worker_ends_with_the_process_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom corpus.encoder import load_encoder\n"
        "from corpus.workers import Workers\n"
        "crew = Workers(load_encoder(None), 1)\ncrew.begin([['a']]).result()\n"
        "print(crew._workers[0]._process.pid, flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as main:
        assert main.stdout is not None
        pid = int(main.stdout.readline())
        os.kill(main.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").is_file() and ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return  # ended; nobody has asked for its status yet
        time.sleep(0.05)
    pytest.fail(f"process {pid} lives on")


def test_one_core_little_memory_or_another_encoder_are_no_reason_for_workers(
    encoder: StaticEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_cores", lambda: 1)
    assert Workers.for_encoder(encoder) is None
    monkeypatch.setattr(workers, "_cores", lambda: 8)
    monkeypatch.setattr(workers, "free_bytes", lambda: 300 << 20)
    assert Workers.for_encoder(encoder) is None
    monkeypatch.setattr(workers, "free_bytes", lambda: None)
    assert Workers.for_encoder(HashingEncoder()) is None


def test_a_graph_that_grew_is_saved_as_one_that_was_built(tmp_path: Path) -> None:
    vectors = np.random.default_rng(3).standard_normal((400, 16)).astype("<f2")
    vectors[7] = 0
    vectors = vectors.astype(np.float32)
    ids = np.arange(5, 405, dtype=np.int64)
    built = GraphIndex.build(ids, vectors)
    grown = GraphIndex.begun(16, 20)
    for at in range(0, 400, 37):
        grown.add(ids[at : at + 37], vectors[at : at + 37])
    grown.fit()
    for graph, name in ((built, "built"), (grown, "grown")):
        graph.save(tmp_path / f"{name}.bin", stamp="1")
    assert (tmp_path / "built.bin").read_bytes() == (tmp_path / "grown.bin").read_bytes()
    heads = [
        (tmp_path / f"{name}.json").read_bytes().splitlines()[0] for name in ("built", "grown")
    ]
    assert json.loads(heads[0]) == json.loads(heads[1])
