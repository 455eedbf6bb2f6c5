"""Processes that are killed at a given moment or step, and what must hold afterwards.

One server imports the product and forks a worker for each job, so that a kill costs no start of
Python. Used by the tests of rows 1 to 4 and by `tests.endurance`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from corpus.errors import IndexBusy
from corpus.index import Index
from corpus.inspection import inspected
from corpus.readers import Vault
from corpus.repair import rebuilt
from tests.fakes import HashingEncoder
from tests.faults import World

__all__ = [
    "STEPS",
    "Ended",
    "Workers",
    "begin_together",
    "chat_kill",
    "edit",
    "full_kill",
    "moments",
    "publish_kill",
    "repair_kill",
    "update_kill",
]

SERVER = textwrap.dedent("""
    import json, os, signal, sys, time
    from pathlib import Path
    from corpus import caches, preparing, repair, store, writer
    from corpus.errors import YoujuError
    from corpus.index import Index
    from corpus.readers import Vault
    from corpus.tokens import terms
    from tests.fakes import HashingEncoder

    class Slow(HashingEncoder):
        def encode_passages(self, texts):
            time.sleep(0.004 * len(texts))
            return super().encode_passages(texts)

    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    def say(*words):
        os.write(1, (" ".join(map(str, words)) + "\\n").encode())

    def hook(step):
        name, function, when = step.split(":")
        owner = {"Writer": writer.Writer, "Caches": caches.Caches, "Store": store.Store,
                 "os": os, "Path": Path}[name]
        real = getattr(owner, function)
        def hooked(*args, **kwargs):
            if when == "before":
                die()
            result = real(*args, **kwargs)
            die()
        setattr(owner, function, hooked)

    def index(notes, folder, step):
        preparing._BATCH = 4
        if step:
            hook(step)
        with Index.open(Path(folder), encoder=Slow()) as index:
            say("started")
            index.refresh(Vault(Path(notes)))

    def layer(notes, folder, step):
        caches.EXACT_LIMIT, caches._WEARS = 4, 0  # so that a small index has a base that stays
        index(notes, folder, step)

    def mend(notes, folder, step):
        preparing._BATCH = 4
        if step:
            hook(step)
        say("started")
        repair.rebuilt(Path(folder), Vault(Path(notes)), encoder=Slow())

    def use(notes, folder, step):
        say("started")
        try:
            with Index.open(Path(folder), encoder=Slow()) as index:
                index.nearest("对照笔记7", 3), index.bm25(terms("对照笔记7"), 3)
                index.refresh(Vault(Path(notes)))
        except YoujuError:
            pass

    def chat(notes, folder, step):
        from assistant.types import Answer
        from assistant.web.spots import Sheet
        from assistant.web.store import Turn, TurnStore
        turns = TurnStore(Path(folder))
        say("started")
        for number in range(100_000):
            answer = Answer(question=f"问题{number}", searched=(), text="答", abstained=True,
                            reason="无", generator="extractive")
            sheet = Sheet(id=f"{number:016x}", spots=(), copies=())
            turns.add("0" * 32, Turn(answer=answer, sheet=sheet))
            say("saved")

    for line in sys.stdin:
        job, notes, folder, step = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            code = 1
            try:
                globals()[job](notes, folder, step)
                say("done")
                code = 0
            finally:
                say("over")
                os._exit(code)
        say("pid", child)
        sys.stdin.readline()  # until it is waited for, its number is nobody else's
        _, status = os.waitpid(child, 0)
        say("ended", os.waitstatus_to_exitcode(status))
""")

STEPS = [
    ("Writer", "stage"), ("Writer", "put_files"), ("Writer", "delete_chunks"),
    ("Writer", "new_generation"), ("Caches", "write"), ("Writer", "set_meta"),
    ("Store", "checkpoint"), ("Caches", "sweep"), ("os", "fsync"), ("Path", "replace"),
    ("Store", "put_seal"), ("Store", "_break_seal"),
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a worker ended: whether it was through, what it said it had saved, its exit code."""

    done: bool
    n_saved: int
    code: int


class Workers:
    """Workers that are forked one after the other. POSIX only."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(60)
        self._server.stdout.close()

    def run(
        self, job: str, notes: Path, folder: Path, *, kill_at: float | None = None, step: str = ""
    ) -> Ended:
        """Run a job in a worker.

        Args:
            job: `index`, `layer`, `mend`, `use` or `chat`.
            notes: the vault.
            folder: of the index, or of the chats.
            kill_at: seconds after which it is killed; None lets it be killed by its step.
            step: `owner:function:before` or `…:after`, at which it kills itself.
        """
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps([job, str(notes), str(folder), step]) + "\n")
        self._server.stdin.flush()
        seen: list[str] = []
        pid, is_awaited = 0, False
        for line in self._server.stdout:
            word, _, rest = line.strip().partition(" ")
            seen.append(word)
            pid = int(rest) if word == "pid" else pid
            if word == "ended":
                return Ended(done="done" in seen, n_saved=seen.count("saved"), code=int(rest))
            may_go = kill_at is None or "started" in seen or "over" in seen
            if pid and may_go and not is_awaited:
                if kill_at is not None:
                    time.sleep(kill_at)
                    os.kill(pid, signal.SIGKILL)
                self._server.stdin.write("wait for it\n")
                self._server.stdin.flush()
                is_awaited = True
        raise RuntimeError("the server of the workers ended")


def edit(world: World, version: int) -> None:
    """Write ten notes in a version of their own."""
    for number in range(0, 20, 2):
        world.write(f"n{number}.md", f"# 第{number}篇\n\n第{version}版的内容，编号{number}。\n")


def is_whole(world: World) -> bool:
    """Whether an inspection finds no damage."""
    return all(found.level != "damage" for found in inspected(world.folder, encoder=world.encoder))


def full_kill(workers: Workers, world: World, seconds: float) -> bool:
    """Kill a full index; whether it was hit before it was done. The next run finishes it."""
    shutil.rmtree(world.folder, ignore_errors=True)
    ended = workers.run("index", world.notes, world.folder, kill_at=seconds)
    assert is_whole(world)
    with world.open() as index:
        assert index.n_notes in (0, 20)
    world.refresh()
    assert world.content() == world.anew()
    return not ended.done


def update_kill(workers: Workers, world: World, version: int, seconds: float) -> bool:
    """Kill an update; whether it was hit. All notes are of the old version, or all of the new."""
    if not world.folder.exists():
        edit(world, 0)
        world.refresh()
    old = world.content()[:2]
    edit(world, version)
    ended = workers.run("index", world.notes, world.folder, kill_at=seconds)
    assert is_whole(world)
    now, new = world.content()[:2], world.anew()
    assert now in (old, new[:2])  # all of one, nothing of the other
    world.refresh()
    assert world.content() == new
    return not ended.done


def publish_kill(workers: Workers, world: World, step: str, *, job: str = "index") -> bool:
    """Kill an update at a step of publishing; whether it came to it."""
    edit(world, 0)
    world.refresh()
    old = world.content()[:2]
    edit(world, 1)
    if job != "layer":  # where notes were deleted no base stays
        (world.notes / "n2.md").unlink()
    new = world.anew()
    ended = workers.run(job, world.notes, world.folder, step=step)
    assert world.content()[:2] in (old, new[:2])
    assert is_whole(world)
    world.refresh()
    assert is_whole(world)
    assert world.content() == new
    return ended.code == -signal.SIGKILL


def repair_kill(workers: Workers, world: World, seconds: float) -> bool:
    """Kill a repair of a damaged database; whether it was hit. The next one is through."""
    world.refresh()
    right = world.content()
    data = bytearray((world.folder / "index.db").read_bytes())
    data[len(data) // 2] ^= 1
    (world.folder / "index.db").write_bytes(data)
    ended = workers.run("mend", world.notes, world.folder, kill_at=seconds)
    if not ended.done:
        rebuilt(world.folder, Vault(world.notes), encoder=world.encoder)
    assert is_whole(world)
    assert world.content() == right
    return not ended.done


def chat_kill(workers: Workers, folder: Path, seconds: float) -> tuple[int, int]:
    """Kill a process that saves turns; how many it said were saved, and how many there are."""
    from assistant.web.salvage import faults_of
    from assistant.web.store import FILE, TurnStore

    before = len(TurnStore(folder).turns("0" * 32))
    ended = workers.run("chat", folder, folder, kill_at=seconds)
    assert not ended.done
    n_whole, faults = faults_of(folder / FILE)
    assert not faults
    return ended.n_saved, n_whole - before


def moments(seed: int, n: int, longest: float) -> list[float]:
    """Random moments in seconds, the same for the same seed."""
    chance = random.Random(seed)
    return [chance.uniform(0, longest) for _ in range(n)]


def begin_together(notes: str, folder: str, at: str) -> None:
    """Index at a given time, as another process does; prints `done`, or `busy`."""
    with Index.open(Path(folder), encoder=HashingEncoder()) as index:
        time.sleep(max(0.0, float(at) - time.time()))
        try:
            index.refresh(Vault(Path(notes)), rebuild=True)
        except IndexBusy:
            sys.stdout.write("busy\n")
        else:
            sys.stdout.write("done\n")
