"""What the tests of failing storage share: killed workers, a worn index, calls that fail."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator

import pytest

from corpus import caches, inspection
from tests.failing import in_faulty_process, library, sweep
from tests.faults import World
from tests.killing import (
    Workers,
    edit,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
linux = pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD")


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
