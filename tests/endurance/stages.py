"""What a stage is, and the stages that damage: kills, failing calls, flipped bits.

A stage is a number of units, each the same whenever it is run; a fault is an exception of a unit.
"""

from __future__ import annotations

import errno
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from corpus import caches, inspection
from corpus.checksums import LIST, ListDamaged, Seal, differing, parse, written_seal
from corpus.inspection import inspected
from corpus.sealing import DATABASE, LOG
from corpus.store import Store
from tests import fuzz
from tests.conftest import REPO
from tests.failing import library, sweep
from tests.faults import World
from tests.killing import (
    STEPS,
    Workers,
    chat_kill,
    full_kill,
    moments,
    publish_kill,
    repair_kill,
    update_kill,
)

__all__ = ["DAMAGING", "Figures", "Stage", "Unit", "percentile", "share"]

# a figure by name, once for each unit that has it
Figures = dict[str, list[float]]
Unit = Callable[[int], dict[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A kind of hardship.

    Attributes:
        name: on the command line.
        what: is done, in a table.
        goal: what must hold.
        begin: given an empty folder, gives what runs one unit by its number.
        told: the figures in words.
        n: units by default.
        n_full: units of the long run.
        seconds: after which no unit is begun by default; the long run has 20 times as many.
    """

    name: str
    what: str
    goal: str
    begin: Callable[[Path], AbstractContextManager[Unit]]
    told: Callable[[Figures], str]
    n: int
    n_full: int
    seconds: float = 60.0

    def key(self, length: str) -> str:
        """The name of its results."""
        return f"{self.name}, {length}"


def share(values: list[float]) -> str:
    """How many of so many."""
    return f"{sum(values):.0f}/{len(values)}"


def percentile(values: list[float], part: float) -> float:
    """The value below which a part of them lies; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def _fresh(folder: Path) -> World:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return World(folder)


@contextmanager
def _full_kills(folder: Path) -> Iterator[Unit]:
    times = moments(0, 10_000, 0.3)
    with Workers() as workers:
        yield lambda n: {"hit": full_kill(workers, _fresh(folder / "w"), times[n])}


@contextmanager
def _update_kills(folder: Path) -> Iterator[Unit]:
    times = moments(1, 10_000, 0.2)
    with Workers() as workers:
        yield lambda n: {"hit": update_kill(workers, _fresh(folder / "w"), n + 1, times[n])}


@contextmanager
def _publish_kills(folder: Path) -> Iterator[Unit]:
    steps = [f"{owner}:{name}:{when}" for owner, name in STEPS for when in ("before", "after")]

    def unit(n: int) -> dict[str, float]:
        return {"hit": publish_kill(workers, _fresh(folder / "w"), steps[n % len(steps)])}

    with Workers() as workers:
        yield unit


@contextmanager
def _repair_kills(folder: Path) -> Iterator[Unit]:
    times = moments(2, 10_000, 0.25)
    with Workers() as workers:
        yield lambda n: {"hit": repair_kill(workers, _fresh(folder / "w"), times[n])}


@contextmanager
def _chat_kills(folder: Path) -> Iterator[Unit]:
    times = moments(4, 10_000, 0.3)

    def unit(n: int) -> dict[str, float]:
        chats = folder / str(n // 20)
        chats.mkdir(parents=True, exist_ok=True)
        n_told, n_there = chat_kill(workers, chats, times[n])
        assert n_told <= n_there <= n_told + 1, (n_told, n_there)
        return {"hit": 1, "turns": n_told}

    with Workers() as workers:
        yield unit


def _hits(figures: Figures) -> str:
    turns = f", {sum(figures['turns']):.0f} acknowledged turns" if "turns" in figures else ""
    return f"{share(figures.get('hit', []))} killed before they were done{turns}"


_CASES = [(error, stay) for error in (errno.EIO, errno.ENOSPC) for stay in (False, True)]


@contextmanager
def _failing_calls(folder: Path) -> Iterator[Unit]:
    built = library(str(folder))
    if built is None:
        raise RuntimeError("no C compiler on this machine")

    def unit(n: int) -> dict[str, float]:
        round_, case = divmod(n, len(_CASES))
        error, stay = _CASES[case]
        done = sweep(built, _fresh(folder / "w"), error=error, stay=stay, n_more=3 * round_)
        assert done.is_through
        return {"runs": done.n_runs, "told": done.n_told}

    yield unit


def _calls(figures: Figures) -> str:
    runs, told = sum(figures.get("runs", [])), sum(figures.get("told", []))
    return f"{runs:.0f} runs with a failing call, {told:.0f} of them told in a line"


def _flipped(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(8 * len(data))
    changed = bytearray(data)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


class _Flips:
    """One bit of each kind of file flipped, and looked for."""

    def __init__(self, folder: Path, workers: Workers) -> None:
        self._workers = workers
        self._world = _fresh(folder / "w")
        self._world.refresh()
        self._index = {
            path.name: path.read_bytes()
            for path in self._world.folder.iterdir()
            if path.name != "write.lock" and path.stat().st_size
        }
        self._log = self._with_log(folder)
        sealed = self._index[LIST]
        self._lists = [
            b"", sealed[: len(sealed) // 2], _flipped(sealed, random.Random(1)),
            written_seal(Seal(state="open")), written_seal(Seal(state="lost")),
        ]  # fmt: skip
        self._shipped = folder / "shipped"
        for package, name in (("corpus", "model"), ("corpus", "data"), ("assistant", "models")):
            shutil.copytree(REPO / package / name, self._shipped / name, dirs_exist_ok=True)
        self._chats = self._with_turns(folder / "chats")

    def _with_log(self, folder: Path) -> World:
        """An index as a writer leaves it that is killed behind its commit."""
        world = _fresh(folder / "l")
        world.refresh()
        store = Store.open(world.folder)
        with store.reading(), store.lock():
            with store.writing() as writer:
                writer.set_meta(**{f"key{n}": "x" * 3000 for n in range(20)})
            shutil.copytree(world.folder, folder / "copy")
        store.close()
        shutil.rmtree(world.folder)
        (folder / "copy").rename(world.folder)
        return world

    def _with_turns(self, folder: Path) -> Path:
        from assistant.web.store import FILE, TurnStore

        folder.mkdir()
        self._workers.run("chat", folder, folder, kill_at=0.3)
        TurnStore(folder)  # rolls back and seals what a kill left
        assert (folder / FILE).stat().st_size
        return folder / FILE

    def unit(self, n: int) -> dict[str, float]:
        """The number of a unit gives its bits; a kind is 1 where its bit was found."""
        chance = random.Random(f"flip {n}")
        found: dict[str, float] = {}
        for name, data in self._index.items():
            path = self._world.folder / name
            path.write_bytes(_flipped(data, chance))
            seen = {f.name for f in inspected(self._world.folder) if f.level != "remark"}
            found[_kind(name)] = name in seen
            if name == DATABASE:
                (self._world.folder / LIST).write_bytes(chance.choice(self._lists))
                seen = {f.name for f in inspected(self._world.folder) if f.level != "remark"}
                found["database, its list lost"] = LIST in seen
            if n % len(self._index) == list(self._index).index(name):
                found["survived"] = self._is_survived()
            self._restore()
        found["log"] = self._damaged(self._log, LOG, chance)
        found["database of a killed writer"] = self._damaged(self._log, DATABASE, chance)
        found |= self._shipped_flip(chance)
        found["turn"] = self._turn_flip(chance)
        found["conversations"] = self._chats_flip(chance)
        return found

    def _restore(self) -> None:
        for path in self._world.folder.iterdir():
            if path.name not in self._index and path.name != "write.lock":
                path.unlink()
        for name, data in self._index.items():
            (self._world.folder / name).write_bytes(data)

    def _is_survived(self) -> bool:
        """Whether a process that uses the damaged index ends in order: no signal, no traceback."""
        ended = self._workers.run("use", self._world.notes, self._world.folder)
        return ended.code == 0

    def _damaged(self, world: World, name: str, chance: random.Random) -> bool:
        path = world.folder / name
        data = path.read_bytes()
        path.write_bytes(_flipped(data, chance))
        try:
            found = inspected(world.folder, encoder=world.encoder)
            return any(finding.level != "remark" for finding in found)
        finally:
            path.write_bytes(data)

    def _shipped_flip(self, chance: random.Random) -> dict[str, float]:
        found = {}
        for kind in ("model", "data", "models"):
            folder = self._shipped / kind
            path = chance.choice([p for p in sorted(folder.iterdir()) if p.suffix != ".md"])
            data = path.read_bytes()
            path.write_bytes(_flipped(data, chance))
            try:
                found[f"shipped {kind}"] = bool(
                    differing(folder, parse((folder / LIST).read_bytes()))
                )
            except ListDamaged:
                found[f"shipped {kind}"] = True
            path.write_bytes(data)
        return found

    def _turn_flip(self, chance: random.Random) -> bool:
        """A bit of a stored conversation's words."""
        from assistant.web.salvage import faults_of

        data = self._chats.read_bytes()
        at = data.index(b'"question"', chance.randrange(len(data) // 2))
        changed = bytearray(data)
        changed[at + chance.randrange(60)] ^= 1 << chance.randrange(7)
        self._chats.write_bytes(changed)
        try:
            return bool(faults_of(self._chats)[1])
        finally:
            self._chats.write_bytes(data)

    def _chats_flip(self, chance: random.Random) -> bool:
        """Any bit of the file of conversations, of bytes that hold nothing, too."""
        from assistant.web.salvage import faults_of

        data = self._chats.read_bytes()
        self._chats.write_bytes(_flipped(data, chance))
        try:
            return bool(faults_of(self._chats)[1])
        finally:
            self._chats.write_bytes(data)


def _kind(name: str) -> str:
    if name == DATABASE:
        return "database"
    if name == LIST:
        return "list of checksums"
    return "arrays" if name.startswith("bm25") else "graph's head" if ".json" in name else "graph"


@contextmanager
def _flips(folder: Path) -> Iterator[Unit]:
    limits = caches.EXACT_LIMIT, inspection.EXACT_LIMIT
    caches.EXACT_LIMIT = inspection.EXACT_LIMIT = 5  # so that a small index has a graph, too
    try:
        with Workers() as workers:
            yield _Flips(folder, workers).unit
    finally:
        caches.EXACT_LIMIT, inspection.EXACT_LIMIT = limits


def _found(figures: Figures) -> str:
    kinds = [f"{kind} {share(values)}" for kind, values in figures.items() if kind != "survived"]
    crashes = len(figures.get("survived", [])) - sum(figures.get("survived", []))
    return f"{'; '.join(kinds)}; crashes of a process that uses them {crashes:.0f}"


@contextmanager
def _two_writers(folder: Path) -> Iterator[Unit]:
    code = "import sys; from tests.killing import begin_together; begin_together(*sys.argv[1:])"

    def unit(_: int) -> dict[str, float]:
        world = _fresh(folder / "w")
        at = time.time() + 1.5  # both have imported everything by then
        both = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(world.notes), str(world.folder), str(at)],
                stdout=subprocess.PIPE, text=True, cwd=REPO,
            )
            for _ in range(2)
        ]  # fmt: skip
        said = sorted(process.communicate(timeout=60)[0].strip() for process in both)
        assert said in (["busy", "done"], ["done", "done"]), said
        world.refresh()
        assert world.content() == world.anew()
        return {"one": said == ["busy", "done"]}

    yield unit


def _ones(figures: Figures) -> str:
    return f"the other was told who writes in {share(figures.get('one', []))}, else came after"


@contextmanager
def _fuzzed(_: Path) -> Iterator[Unit]:
    targets = list(fuzz.TARGETS)

    def unit(n: int) -> dict[str, float]:
        target = targets[n % len(targets)]
        chance = random.Random(f"{target} {n}")
        ends, done = time.monotonic() + 3, 0
        while time.monotonic() < ends:
            data = fuzz.generated(target, chance)
            if fuzz.breaks(target, data):
                kept = fuzz.keep(target, fuzz.smallest(target, data))
                raise AssertionError(f"{target} breaks at {kept}")
            done += 1
        return {target: done}

    yield unit


def _inputs(figures: Figures) -> str:
    return (
        ", ".join(f"{target} {sum(values):.0f}" for target, values in figures.items()) + " inputs"
    )


@contextmanager
def _without_network(folder: Path) -> Iterator[Unit]:
    import json

    def unit(_: int) -> dict[str, float]:
        walls = ["unshare", "--map-root-user", "--net"]
        done = subprocess.run(
            [*walls, sys.executable, "-m", "tests.whole", str(folder)],
            cwd=REPO, capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-500:]
        told = json.loads(done.stdout)
        assert told["after_an_attempt"]["IpOutNoRoutes"] > 0
        assert all(told["done"].values()), told
        return {"attempts": sum(told["counted"].values())}

    yield unit


_KILLED = "opens; nothing acknowledged is lost; finished, it is as if undisturbed"
DAMAGING = [
    Stage(
        name="kill-index", what="kill -9 during a full index", goal=_KILLED,
        begin=_full_kills, told=_hits, n=40, n_full=200,
    ),
    Stage(
        name="kill-update", what="kill -9 during an update", goal=_KILLED,
        begin=_update_kills, told=_hits, n=40, n_full=200,
    ),
    Stage(
        name="kill-publish", what="kill -9 at each step of publishing", goal=_KILLED,
        begin=_publish_kills, told=_hits, n=2 * len(STEPS), n_full=200,
    ),
    Stage(
        name="kill-chat", what="kill -9 while turns are saved", goal=_KILLED,
        begin=_chat_kills, told=_hits, n=40, n_full=200,
    ),
    Stage(
        name="kill-repair", what="kill -9 during `doctor --repair`", goal=_KILLED,
        begin=_repair_kills, told=_hits, n=40, n_full=200,
    ),
    Stage(
        name="failing-calls",
        what="a write, sync, rename or mkdir fails with EIO or ENOSPC, once or from then on",
        goal="a whole generation; told in a line; nothing temporary stays",
        begin=_failing_calls, told=_calls, n=4, n_full=28, seconds=120,
    ),
    Stage(
        name="flips", what="one bit flipped in each kind of file",
        goal="every one found, whatever became of the list of checksums; no crash",
        begin=_flips, told=_found, n=100, n_full=1000, seconds=120,
    ),
    Stage(
        name="two-writers", what="two processes begin to index at once",
        goal="one writes, the other is told", begin=_two_writers, told=_ones, n=10, n_full=100,
    ),
    Stage(
        name="fuzz", what="generated input for each parser, 3 s at a time", goal="none breaks",
        begin=_fuzzed, told=_inputs, n=len(fuzz.TARGETS), n_full=600, seconds=60,
    ),
    Stage(
        name="no-network", what="every verb, the page and the tools in a namespace without network",
        goal="all work; 0 attempts to leave",
        begin=_without_network, told=lambda f: f"{sum(f['attempts']):.0f} attempts", n=1, n_full=1,
    ),
]  # fmt: skip
