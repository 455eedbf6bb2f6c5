"""The stages that load: many chats at once, questions while indexing, and a long run.

Times are those of the machine as it was; the report names it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

from assistant.pipeline import Assistant
from corpus.tokens import terms
from tests.conftest import REPO
from tests.endurance.stages import Figures, Stage, Unit, percentile

__all__ = ["LOADING", "questions"]

SAMPLES = REPO / "corpus" / "samples"
_N_EACH = 25  # searches of the index for one by the whole product
_INDEXING = """
import itertools, sys, time
from pathlib import Path
from assistant.pipeline import Assistant
notes, is_on = Path(sys.argv[1]), Path(sys.argv[3])
with Assistant.open(notes, Path(sys.argv[2])) as assistant:
    for number in itertools.count():
        while not is_on.exists():
            time.sleep(0.02)
        (notes / "new.md").write_text(f"# New\\n\\nVersion {number}.\\n", "utf-8")
        assistant.refresh(rebuild=number % 10 == 0)
        time.sleep(0.2)
"""


def questions() -> list[str]:
    """Questions over the sample notes, answerable and not."""
    rows = (REPO / "eval" / "golden" / "sample_questions.jsonl").read_text("utf-8").splitlines()
    return [str(json.loads(row)["question"]) for row in rows if row.strip()]


@contextmanager
def _page(home: Path) -> Iterator[str]:
    """The page of the product over the sample notes; its address."""
    command = [sys.executable, "-m", "assistant", "chat", "--notes", str(SAMPLES)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=REPO,
        env={**os.environ, "YOUJU_HOME": str(home)},
    ) as process:  # fmt: skip
        assert process.stderr is not None
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("http"):
                break
        assert "".join(said[-1:]).startswith("http"), "".join(said)[-500:]
        reader = threading.Thread(target=process.stderr.read, daemon=True)
        reader.start()
        try:
            yield said[-1].strip().rstrip("/")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
            reader.join(5)


def asked(base: str, question: str) -> tuple[str, float]:
    """What came of a question over HTTP (`answer`, `busy`, or what went wrong), and seconds."""
    begun = time.monotonic()
    request = urllib.request.Request(
        f"{base}/gradio_api/call/v2/ask",
        json.dumps({"question": question}).encode(),
        {"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            event = json.load(response)["event_id"]
        with urllib.request.urlopen(f"{base}/gradio_api/call/ask/{event}", timeout=120) as reply:
            said = reply.read().decode()
    except urllib.error.HTTPError as refused:
        outcome = "busy" if refused.code in (429, 503) else f"status {refused.code}"
        return outcome, time.monotonic() - begun
    except (OSError, HTTPException) as fault:
        return type(fault).__name__, time.monotonic() - begun
    if "event: complete" in said and '"answer"' in said:
        return "answer", time.monotonic() - begun
    return ("busy" if "full" in said or "busy" in said else said[:80]), time.monotonic() - begun


def _chats(n_chats: int) -> Any:
    @contextmanager
    def begin(folder: Path) -> Iterator[Unit]:
        asks = questions()
        with _page(folder / "home") as base:
            assert asked(base, asks[0])[0] == "answer"  # what is loaded at the first question

            def unit(n: int) -> dict[str, float]:
                got: list[tuple[str, float]] = []

                def one(number: int) -> None:
                    got.append(asked(base, asks[(n * n_chats + number) % len(asks)]))

                threads = [threading.Thread(target=one, args=(k,)) for k in range(n_chats)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                strange = [what for what, _ in got if what not in ("answer", "busy")]
                assert not strange, strange[:3]
                assert len(got) == n_chats, "a question was lost"
                times = [seconds for what, seconds in got if what == "answer"]
                return {
                    "answered": len(times), "busy": n_chats - len(times),
                    "median": statistics.median(times), "slowest": max(times),
                }  # fmt: skip

            yield unit

    return begin


def _served(figures: Figures) -> str:
    return (
        f"{sum(figures['answered']):.0f} answered, {sum(figures['busy']):.0f} told that it is "
        f"busy, 0 lost; a round's median {statistics.median(figures['median']):.2f} s, "
        f"slowest answer {max(figures['slowest']):.2f} s"
    )


@contextmanager
def _asking_while_indexing(folder: Path) -> Iterator[Unit]:
    """Searches go through the index, every 25th through all of `find`.

    The other process saves a note and indexes it again and again, every tenth time all notes.
    """
    asks = questions()
    notes, is_on = folder / "notes", folder / "on"
    shutil.copytree(SAMPLES, notes)
    with Assistant.open(notes, folder / "index") as assistant:
        assistant.refresh()

        def timed(first: int, n: int) -> tuple[float, float]:
            """95th percentiles in ms: of searches of the index, and of the whole `find`."""
            times: dict[bool, list[float]] = {False: [], True: []}
            for number in range(first, first + n):
                question, is_whole = asks[number % len(asks)], number % _N_EACH == 0
                begun = time.monotonic()
                if is_whole:
                    for hit in assistant.find(question, k=5):  # the text is that of its note
                        assert hit.note.text[hit.chunk.start : hit.chunk.end] == hit.text
                else:
                    searched(assistant, question)
                times[is_whole].append(1000 * (time.monotonic() - begun))
            return percentile(times[False], 0.95), percentile(times[True], 0.95)

        with subprocess.Popen(
            [sys.executable, "-c", _INDEXING, str(notes), str(folder / "index"), str(is_on)],
            cwd=REPO,
        ) as writer:

            def unit(n: int) -> dict[str, float]:
                idle, idle_whole = timed(7 * n, 125)
                before = assistant.index.generation
                is_on.touch()
                try:
                    while assistant.index.generation == before and writer.poll() is None:
                        time.sleep(0.05)
                    busy, busy_whole = timed(250 * n, 250)
                finally:
                    is_on.unlink()
                assert writer.poll() is None, "the writer ended"
                return {
                    "queries": 250, "publishes": assistant.index.generation - before,
                    "idle": idle, "busy": busy, "idle_find": idle_whole, "busy_find": busy_whole,
                }  # fmt: skip

            try:
                yield unit
            finally:
                writer.kill()


def searched(assistant: Assistant, question: str) -> None:
    """Search the index by words and by meaning; each passage must be of one generation."""
    with assistant.index.snapshot() as now:
        ids = [pair[0] for pair in now.bm25(terms(question), 5)]
        ids += [pair[0] for pair in now.nearest(question, 5)]
        chunks = now.chunks(ids)
        assert len(chunks) == len(ids)
        for chunk in chunks:
            text = now.note(chunk.note).text
            assert text[chunk.start : chunk.end].strip()


def _compared(figures: Figures) -> str:
    def pair(kind: str) -> str:
        idle, busy = (statistics.median(figures[when + kind]) for when in ("idle", "busy"))
        return f"{busy:.0f} ms, idle {idle:.0f} ms ({busy / idle:.1f} times)"

    return (
        f"{sum(figures['queries']):.0f} queries over {sum(figures['publishes']):.0f} publishes, "
        f"0 errors; p95 of the index {pair('')}, of the whole search {pair('_find')}"
    )


@contextmanager
def _soak(folder: Path) -> Iterator[Unit]:
    temporary = folder / "tmp"
    temporary.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.endurance.soak", str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPO,
        env={**os.environ, "TMPDIR": str(temporary), "YOUJU_HOME": str(folder / "home")},
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        given, taken = process.stdin, process.stdout

        def unit(n: int) -> dict[str, float]:
            given.write(f"{n}\n")
            given.flush()
            line = taken.readline()
            assert line, "the process ended"
            return dict(json.loads(line))

        try:
            yield unit
        finally:
            given.close()
            process.wait(60)


def _grown(figures: Figures) -> str:
    memory, n = figures["memory_mb"], len(figures["memory_mb"])
    warm, end = memory[n // 4 : n // 4 + max(1, n // 8)], memory[-max(1, n // 8) :]
    first, last = statistics.median(warm), statistics.median(end)
    files = figures["open_files"]
    return (
        f"{sum(figures['done']):.0f} questions, searches, checks and refreshes; memory "
        f"{first:.0f} MB once warm, {last:.0f} MB at the end ({last / first - 1:+.1%}); open files "
        f"{files[n // 4]:.0f} → {files[-1]:.0f}; temporary files {max(figures['temporary']):.0f}"
    )


LOADING = [
    Stage(
        name="chats-8", what="8 chats ask at once, over HTTP", goal="none lost",
        begin=_chats(8), told=_served, n=5, n_full=100,
    ),
    Stage(
        name="chats-32", what="32 chats ask at once", goal="none lost",
        begin=_chats(32), told=_served, n=2, n_full=30,
    ),
    Stage(
        name="chats-48", what="48 chats ask at once",
        goal="none lost; the surplus is told that it is busy",
        begin=_chats(48), told=_served, n=1, n_full=20,
    ),
    Stage(
        name="asking-while-indexing", what="searches while another process indexes",
        goal="0 errors, one generation each; p95 at most twice that of the idle product",
        begin=_asking_while_indexing, told=_compared, n=4, n_full=40, seconds=90,
    ),
    Stage(
        name="soak", what="one process asks, searches, checks and refreshes for long",
        goal="memory grows by less than 10 % once warm; open files and temporary files constant",
        begin=_soak, told=_grown, n=200, n_full=100_000, seconds=90,
    ),
]  # fmt: skip
