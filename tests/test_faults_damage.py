"""Rows 10 to 20: cut, flipped, lost and lying files."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from corpus import caches
from corpus.index import Index
from corpus.inspection import inspected
from corpus.readers import Vault
from corpus.rows import IndexDamaged
from corpus.sealing import DATABASE
from tests.fakes import HashingEncoder
from tests.faults import World
from tests.killing import (
    Workers,
    edit,
)
from tests.storage import based, faulty, linux, posix, workers

__all__ = ["based", "faulty", "workers"]  # fixtures


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
