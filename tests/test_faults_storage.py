"""Rows 1 to 20: killed, failing, full, damaged and lying storage."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import random
import shutil
import sqlite3
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from corpus import caches, inspection
from corpus.index import Index
from corpus.inspection import inspected
from corpus.readers import Vault
from corpus.rows import IndexDamaged
from corpus.sealing import DATABASE
from tests.failing import in_faulty_process, library, sweep
from tests.fakes import HashingEncoder
from tests.faults import World
from tests.killing import (
    STEPS,
    Workers,
    chat_kill,
    edit,
    full_kill,
    moments,
    publish_kill,
    repair_kill,
    update_kill,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
linux = pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers() as started:
        yield started


@pytest.fixture
def based(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose arrays and graph are of a generation before the last one."""
    monkeypatch.setattr(caches, "EXACT_LIMIT", 4)
    monkeypatch.setattr(inspection, "EXACT_LIMIT", 4)
    monkeypatch.setattr(caches, "_WEARS", 0)
    world.refresh()
    files = {path.name for path in world.folder.glob("*-*.*")}
    edit(world, 0)
    (world.notes / "control9.md").write_text("# 对照9\n\n对照笔记9说秩取9。改过。\n", "utf-8")
    world.refresh()
    assert {path.name for path in world.folder.glob("*-*.*")} == files
    return world


@posix
def test_row_01_a_killed_full_index_opens_and_is_finished(workers: Workers, world: World) -> None:
    assert sum(full_kill(workers, world, seconds) for seconds in (0.0, 0.03, 0.1)) >= 1


@posix
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_row_01_two_hundred_killed_full_indexes_are_finished(
    workers: Workers, world: World
) -> None:
    assert sum(full_kill(workers, world, seconds) for seconds in moments(0, 200, 0.3)) >= 20


@posix
def test_row_02_a_killed_update_is_all_or_nothing(workers: Workers, world: World) -> None:
    hits = [
        update_kill(workers, world, version, seconds)
        for version, seconds in enumerate((0.0, 0.02, 0.06, 0.1), start=1)
    ]
    assert sum(hits) >= 1


@posix
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_row_02_two_hundred_killed_updates_are_all_or_nothing(
    workers: Workers, world: World
) -> None:
    hits = [
        update_kill(workers, world, version, seconds)
        for version, seconds in enumerate(moments(1, 200, 0.2), start=1)
    ]
    assert sum(hits) >= 20


_OFTEN = {("new_generation", "after"), ("checkpoint", "before"), ("put_seal", "before")}


@posix
@pytest.mark.parametrize(
    ("owner", "name", "when"),
    [
        pytest.param(
            owner, name, when,
            marks=() if (name, when) in _OFTEN else pytest.mark.slow,
        )
        for owner, name in STEPS for when in ("before", "after")
    ],
)  # fmt: skip
def test_row_03_killed_at_a_step_of_publishing_a_generation_is_whole(
    workers: Workers, world: World, owner: str, name: str, when: str
) -> None:
    assert publish_kill(workers, world, f"{owner}:{name}:{when}")


@posix
@pytest.mark.parametrize(
    ("owner", "name", "when"),
    [
        pytest.param(
            owner, name, when,
            marks=() if (name, when) in _OFTEN else pytest.mark.slow,
        )
        for owner, name in STEPS for when in ("before", "after")
    ],
)  # fmt: skip
def test_row_03_killed_while_a_base_stays_a_generation_is_whole(
    workers: Workers, based: World, owner: str, name: str, when: str
) -> None:
    files = {path.name for path in based.folder.glob("*-*.*")}
    assert publish_kill(workers, based, f"{owner}:{name}:{when}", job="layer")
    assert files <= {path.name for path in based.folder.glob("*-*.*")}


@posix
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_row_03_two_hundred_kills_while_publishing_leave_whole_generations(
    workers: Workers, tmp_path: Path
) -> None:
    steps = [f"{owner}:{name}:{when}" for owner, name in STEPS for when in ("before", "after")]
    for number in range(200):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert publish_kill(workers, World(folder), steps[number % len(steps)])
        shutil.rmtree(folder)


@posix
@pytest.mark.parametrize("n", [3, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.timeout(1800)
def test_row_04_a_turn_that_was_saved_survives_a_kill(
    workers: Workers, tmp_path: Path, n: int
) -> None:
    for number, seconds in enumerate(moments(4, n, 0.3)):
        folder = tmp_path / str(number // 20)  # so that reading them all stays quick
        folder.mkdir(exist_ok=True)
        n_told, n_there = chat_kill(workers, folder, seconds)
        assert n_told <= n_there <= n_told + 1  # saved, but not yet told


@posix
def test_row_03_a_repair_that_is_killed_leaves_the_old_index_or_the_new(
    workers: Workers, world: World
) -> None:
    assert sum(repair_kill(workers, world, seconds) for seconds in (0.0, 0.04, 0.08)) >= 1


@pytest.fixture
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """Run code in a process whose storage fails as `io.faulty_arm` says; the lines it prints."""
    built = library(str(tmp_path_factory.getbasetemp()))
    if built is None:
        pytest.skip("no C compiler on this machine")
    return functools.partial(in_faulty_process, built)


def every(world: World, faulty: Callable[..., list[str]], error: int, stay: int, by: int) -> None:
    """Let one storage call after the other fail; some of them must be told of."""
    (built,) = faulty.args  # type: ignore[attr-defined]
    swept = sweep(built, world, error=error, stay=bool(stay), first=by, stride=by)
    assert swept.is_through
    assert swept.n_runs * by > 20
    assert swept.n_told >= 1


@linux
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("stay", [0, 1])
def test_row_05_every_failing_call_leaves_a_whole_generation(
    world: World, faulty: Callable[..., list[str]], error: int, stay: int
) -> None:
    every(world, faulty, error, stay, 1)


@linux
def test_row_05_failing_calls_leave_a_whole_generation(
    world: World, faulty: Callable[..., list[str]]
) -> None:
    every(world, faulty, errno.EIO, 0, 13)


@linux
@pytest.mark.parametrize("by", [9, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.timeout(900)
def test_row_05_failing_calls_leave_a_base_and_a_whole_generation(
    based: World, faulty: Callable[..., list[str]], by: int
) -> None:
    (built,) = faulty.args  # type: ignore[attr-defined]
    files = {path.name for path in based.folder.glob("*-*.*")}
    swept = sweep(built, based, error=errno.EIO, stay=False, first=by, stride=by, has_base=True)
    assert swept.is_through
    assert swept.n_told >= 1
    assert files <= {path.name for path in based.folder.glob("*-*.*")}


@linux
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_row_06_a_disk_that_fails_from_the_first_calls_on_is_told_in_a_line(
    world: World, faulty: Callable[..., list[str]], error: int
) -> None:
    """The lock among them, which closing must not write again."""
    (built,) = faulty.args  # type: ignore[attr-defined]
    swept = sweep(built, world, error=error, stay=True, first=8, n_runs=9)
    assert (swept.n_runs, swept.n_told) == (9, 9)


@pytest.mark.slow
@pytest.mark.timeout(900)
@linux
def test_row_06_a_full_disk_leaves_a_whole_generation(
    world: World, faulty: Callable[..., list[str]]
) -> None:
    every(world, faulty, errno.ENOSPC, 1, 17)


@linux
def test_row_07_on_a_full_disk_the_index_is_read(
    world: World, faulty: Callable[..., list[str]]
) -> None:
    world.refresh()
    code = """
        arm(1, errno.ENOSPC, 1)
        with Index.open(folder, encoder=HashingEncoder()) as index:
            print(index.n_notes, len(index.bm25(terms("对照笔记7说秩取7"), 3)))
            print(len(index.nearest("对照笔记7", 3)))
            (notes / "new.md").write_text("# new")
            try:
                index.refresh(Vault(notes))
            except YoujuError as fault:
                print(type(fault).__name__)
    """
    assert faulty(world, code) == ["20 3", "3", "IndexError_"]


@linux
def test_row_08_a_read_only_index_is_read_and_not_changed(
    world: World, faulty: Callable[..., list[str]]
) -> None:
    world.refresh()
    before = {p.name: p.read_bytes() for p in world.folder.iterdir()}
    code = """
        arm(1, errno.EROFS, 1)
        with Index.open(folder, encoder=HashingEncoder()) as index:
            print(index.n_notes, index.note("control3.md").title)
            (notes / "new.md").write_text("# new")
            try:
                index.refresh(Vault(notes))
            except YoujuError as fault:
                print(str(folder) in str(fault))
    """
    assert faulty(world, code) == ["20 对照3", "True"]
    after = {p.name: p.read_bytes() for p in world.folder.iterdir() if p.name in before}
    assert {n: b for n, b in after.items() if n != "write.lock"} == {
        n: b for n, b in before.items() if n != "write.lock"
    }


def test_row_09_a_vault_is_never_written_to(world: World) -> None:
    world.write("a/b.md", "# b\n\n好。")
    stamps = {p: (p.stat().st_mtime_ns, p.stat().st_ctime_ns) for p in world.notes.rglob("*")}
    stamps[world.notes] = (world.notes.stat().st_mtime_ns, world.notes.stat().st_ctime_ns)
    world.refresh()
    with world.open() as index:
        index.refresh(Vault(world.notes), rebuild=True)
    assert stamps == {p: (p.stat().st_mtime_ns, p.stat().st_ctime_ns) for p in stamps}


@pytest.fixture
def graphed(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose index has every kind of file, the graph of neighbours, too."""
    monkeypatch.setattr(caches, "EXACT_LIMIT", 8)
    world.refresh()
    kinds = {p.suffix or p.name for p in world.folder.iterdir() if p.name.startswith("hnsw-")}
    assert kinds == {".bin", ".json"}
    return world


def damage(
    world: World,
    change: Callable[[bytes], bytes],
    files: str = "*",
    *,
    heals: Callable[[str], bool] = lambda name: False,
) -> int:
    """Damage each file of the index in turn; the notes are then found as before. How many.

    Args:
        world: its index is refreshed first.
        change: the damage.
        files: which files.
        heals: whether a file must be whole again without being told; else a rebuild may do it.
    """
    world.refresh()
    kept = {p.name: p.read_bytes() for p in world.folder.iterdir() if p.stat().st_size}
    chosen = [name for name in kept if fnmatch(name, files)]
    right = world.content()
    for name in chosen:
        shutil.rmtree(world.folder)
        world.folder.mkdir()
        for other, held in kept.items():
            (world.folder / other).write_bytes(change(held) if other == name else held)
        if heals(name):
            world.refresh()
        else:
            with world.open() as index:
                index.refresh(Vault(world.notes))  # notices or not, but does not fail
            if not _is(world, right):  # a flip that no check on the way sees, or is told of
                with world.open() as index:
                    index.refresh(Vault(world.notes), rebuild=True)
        assert world.content()[:2] == right[:2], name
    return len(chosen)


def _is(world: World, right: tuple[object, ...]) -> bool:
    """Whether the index holds this; not where it is told or seen to be damaged."""
    try:
        return world.content() == right
    except (IndexDamaged, AssertionError):  # `content` asserts that no passage is missing or twice
        return False


@pytest.mark.parametrize("kind", ["world", "based"])
def test_row_11_every_flipped_bit_is_found(request: pytest.FixtureRequest, kind: str) -> None:
    world: World = request.getfixturevalue(kind)
    world.refresh()
    chance = random.Random(11)
    kept = {p.name: p.read_bytes() for p in world.folder.iterdir() if p.name != "write.lock"}
    for name, data in kept.items():
        for _ in range(20 if data else 0):
            changed = bytearray(data)
            changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            (world.folder / name).write_bytes(changed)
            found = inspected(world.folder, encoder=world.encoder)
            assert name in {finding.name for finding in found if finding.level == "damage"}
        (world.folder / name).write_bytes(data)
    assert inspected(world.folder, encoder=world.encoder) == []


@pytest.fixture
def seen_by_native_code(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The digests of all graphs that hnswlib was handed: damaged bytes would end the process."""
    import hnswlib

    seen: list[str] = []

    class Watched(hnswlib.Index):  # type: ignore[misc]
        def load_index(self, path: str, *args: Any, **more: Any) -> None:
            seen.append(hashlib.sha256(Path(path).read_bytes()).hexdigest())
            super().load_index(path, *args, **more)

    monkeypatch.setattr(hnswlib, "Index", Watched)
    return seen


def cut(world: World, parts: Sequence[float], seen: Sequence[str]) -> None:
    def whole() -> set[str]:
        files = world.folder.glob("hnsw-*.bin")
        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    graphs = whole()
    n_files = 0
    for part in parts:
        n_files = damage(
            world, lambda data, part=part: data[: int(part * len(data))], heals=lambda name: True
        )
        graphs |= whole()
        assert set(seen) <= graphs  # never a torn one
    assert n_files >= 4
    assert seen


def test_row_10_cut_files_are_noticed_before_native_code_and_built_again(
    graphed: World, seen_by_native_code: list[str]
) -> None:
    cut(graphed, [0.0, 0.3, 0.97], seen_by_native_code)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_row_10_files_cut_at_twenty_places_are_built_again(
    graphed: World, seen_by_native_code: list[str]
) -> None:
    chance = random.Random(10)
    places = [0.0, 1e-6, 0.999999, *(chance.random() for _ in range(17))]
    cut(graphed, places, seen_by_native_code)


def flips(world: World, files: str, n: int, *, heals: bool) -> None:
    """Flip one bit of each of these files, n times over; caches must heal without being told."""
    chance = random.Random(f"{files} {n}")

    def flip(data: bytes) -> bytes:
        at = chance.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]

    for _ in range(n):
        assert damage(world, flip, files, heals=lambda name: heals) >= 1


CACHES = ("bm25-*.bin", "hnsw-*.bin", "hnsw-*.json")


@pytest.mark.parametrize("files", CACHES)
def test_row_11_a_flipped_bit_of_a_cache_is_noticed(
    graphed: World, seen_by_native_code: list[str], files: str
) -> None:
    flips(graphed, files, 4, heals=True)


@pytest.mark.parametrize("files", CACHES)
def test_row_11_a_flipped_bit_of_a_base_is_noticed(
    based: World, seen_by_native_code: list[str], files: str
) -> None:
    flips(based, files, 3, heals=True)


def test_row_11_flipped_bits_of_the_database_crash_nothing(graphed: World) -> None:
    flips(graphed, DATABASE, 4, heals=False)


@pytest.mark.parametrize(
    "written", [b"CREATE TABLE chunks", b"REFERENCES", b'"encoder": "', b'["', b"markdown"]
)
def test_row_11_bytes_that_are_no_text_or_no_list_are_built_again(
    world: World, written: bytes
) -> None:
    """Where SQLite itself speaks of the damage, and where only what it holds is wrong."""
    world.write("tagged.md", "---\ntags: [a, b]\n---\n# 题\n\n正文。\n")
    world.refresh()
    right = world.content()
    data = (world.folder / DATABASE).read_bytes()
    for change in (0x80, 0x04):
        changed = bytearray(data)
        at = -1
        while (at := data.find(written, at + 1)) >= 0:
            changed[at + len(written) // 2] ^= change
        assert changed != data
        (world.folder / DATABASE).write_bytes(changed)
        with suppress(IndexDamaged), world.open() as index:
            list(index.notes())
            index.listing()
        world.refresh()
        with world.open() as index:
            index.refresh(Vault(world.notes), rebuild=True)  # what a search does not meet
        assert world.content() == right


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("files", [*CACHES, DATABASE])
def test_row_11_a_hundred_flipped_bits_of_each_file_crash_nothing(
    graphed: World, files: str
) -> None:
    flips(graphed, files, 100, heals=files in CACHES)


def test_row_12_zeroed_blocks_crash_nothing(world: World) -> None:
    for start in (0, 4096, 12_288):

        def zero(data: bytes, at: int = start) -> bytes:
            return data[:at] + bytes(min(4096, max(0, len(data) - at))) + data[at + 4096 :]

        damage(world, zero)


def test_row_13_a_deleted_file_is_built_again(world: World) -> None:
    world.refresh()
    right = world.content()
    for name in sorted(p.name for p in world.folder.iterdir()):
        (world.folder / name).unlink(missing_ok=True)
        world.refresh()
        assert world.content() == right


@pytest.mark.parametrize("data", [b"", b"garbage" * 999, b"SQLite format 3\0" + bytes(4080)])
def test_row_14_a_database_that_is_none_is_set_aside(world: World, data: bytes) -> None:
    world.refresh()
    right = world.content()
    (world.folder / DATABASE).write_bytes(data)
    world.refresh()
    assert world.content() == right


@posix
def test_row_15_a_lost_log_costs_at_most_the_last_change(workers: Workers, world: World) -> None:
    edit(world, 0)
    world.refresh()
    for version, seconds in enumerate((0.02, 0.06, 0.1), 1):
        edit(world, version)
        workers.run("index", world.notes, world.folder, kill_at=seconds)
        for suffix in ("-wal", "-shm"):
            (world.folder / f"{DATABASE}{suffix}").unlink(missing_ok=True)
        world.refresh()
        assert world.content() == world.anew()


@pytest.mark.parametrize("what", ["encoder", "dimension", "format", "chunks"])
def test_row_16_vectors_of_two_makers_are_never_mixed(world: World, what: str) -> None:
    world.refresh()
    if what == "format":
        with sqlite3.connect(world.folder / DATABASE) as sql:
            sql.execute("PRAGMA user_version = 99")
        sql.close()
    if what == "encoder":
        world.encoder = HashingEncoder(version="2")
    if what == "dimension":
        world.encoder = HashingEncoder(dim=32)
    size = 80 if what == "chunks" else 480
    with Index.open(world.folder, encoder=world.encoder, chunk_size=size) as index:
        if what in ("encoder", "dimension"):
            assert index.nearest("对照", 5) == []  # never by vectors of the other
        index.refresh(Vault(world.notes))
        assert index.nearest("对照笔记3说秩取3", 1)
    assert what == "chunks" or world.content() == world.anew()


@pytest.mark.slow
@posix
def test_row_17_a_copy_of_an_index_at_work_is_whole_or_rebuilt(
    workers: Workers, world: World, tmp_path: Path
) -> None:
    edit(world, 0)
    world.refresh()
    edit(world, 1)
    work = threading.Thread(target=workers.run, args=("index", world.notes, world.folder))
    work.start()
    for number in range(6):
        copy = tmp_path / f"copy{number}"
        copy.mkdir()
        for path in world.folder.iterdir():
            with suppress(FileNotFoundError):  # gone since it was listed, as a list of checksums is
                shutil.copyfile(path, copy / path.name)
        time.sleep(0.02)
    work.join()
    right = world.anew()
    for number in range(6):
        world.folder = tmp_path / f"copy{number}"
        world.refresh()
        assert world.content() == right


def test_row_18_a_change_is_noticed_whatever_the_clock_says(world: World) -> None:
    path = world.write("a.md", "# 一\n\n甲甲甲。")
    os.utime(path, (1e9, 1e9))
    world.refresh()
    path.write_text("# 一\n\n乙乙乙乙。", "utf-8")
    os.utime(path, (9e8, 9e8))  # a year back
    world.refresh()
    assert "乙" in world.text("a.md")
    fresh = world.write("b.md", "# 二\n\n甲甲甲。")
    stamp = fresh.stat().st_mtime_ns
    world.refresh()
    fresh.write_text("# 二\n\n丙丙丙。", "utf-8")
    os.utime(fresh, ns=(stamp, stamp))  # same size, same time, as within one tick of a clock
    world.refresh()
    assert "丙" in world.text("b.md")


def test_row_19_orphans_are_swept_and_nothing_else(world: World) -> None:
    world.refresh()
    for number in range(1000):
        (world.folder / f"bm25-{number}-dead.bin.{number}.1.tmp").write_bytes(b"x")
    (world.folder / "mine.txt").write_text("x")
    world.write("new.md", "# 新\n\n好。")
    world.refresh()
    assert not list(world.folder.glob("*.tmp"))
    assert (world.folder / "mine.txt").exists()


def _after_power_loss(
    log: bytes, base: dict[str, bytes], chance: random.Random
) -> dict[str, bytes]:
    """Files as a disk may hold them: all that was synced, any of what came after it."""
    at, steps = 0, []
    while at < len(log):
        kind = chr(log[at])
        n, offset, size = struct.unpack_from("<3q", log, at + 1)
        at += 25
        name = log[at : at + n].decode()
        at += n
        data = log[at : at + size] if kind in "wr" else b""
        at += len(data)
        steps.append((kind, Path(name).name, offset, data))
    steps = steps[: chance.randrange(len(steps) + 1)]
    synced: dict[str, int] = {}
    for number, (kind, name, _, _) in enumerate(steps):
        if kind == "s":
            synced[name] = number
    disk = dict(base)
    for number, (kind, name, offset, data) in enumerate(steps):
        if kind in "wt" and number > synced.get(name, -1) and chance.random() < 0.5:
            continue  # never reached the disk
        held = disk.get(name, b"")
        if kind == "w":
            disk[name] = held.ljust(offset, b"\0")[:offset] + data + held[offset + len(data) :]
        elif kind == "t":
            disk[name] = held[:offset].ljust(offset, b"\0")
        elif kind == "u":
            disk.pop(name, None)
        elif kind == "r":
            disk[Path(data.decode()).name] = disk.pop(name, b"")
    return {name: held for name, held in disk.items() if not name.endswith("-shm")}


@pytest.mark.slow
@linux
def test_row_20_a_power_loss_costs_at_most_the_last_change(
    world: World, faulty: Callable[..., list[str]], tmp_path: Path
) -> None:
    edit(world, 0)
    world.refresh()
    base = {p.name: p.read_bytes() for p in world.folder.iterdir() if not p.name.endswith("-shm")}
    edit(world, 1)
    new = world.anew()
    log = tmp_path / "log"
    code = """
        arm(0, 0)
        io.faulty_log(sys.argv[3].encode())
        with Index.open(folder, encoder=HashingEncoder()) as index:
            index.refresh(Vault(notes))
        print("done")
    """
    assert faulty(world, code, str(log)) == ["done"]
    written = log.read_bytes()
    assert len(written) > 10_000
    chance = random.Random(3)
    for _ in range(15):
        shutil.rmtree(world.folder)
        world.folder.mkdir()
        for name, data in _after_power_loss(written, base, chance).items():
            (world.folder / name).write_bytes(data)
        world.refresh()
        assert world.content() == new
