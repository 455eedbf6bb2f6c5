"""Rows 1 to 9: killed, failing and full storage."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.readers import Vault
from tests.failing import sweep
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
from tests.storage import based, every, faulty, linux, posix, workers

__all__ = ["based", "faulty", "workers"]  # fixtures


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
