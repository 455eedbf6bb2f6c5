"""Processes whose storage fails at a given call, by a library that stands before libc (Linux).

Used by the tests of rows 5 to 8 and 20 and by `tests.endurance`.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests.faults import FOLDER, World
from tests.killing import edit

__all__ = ["Sweep", "in_faulty_process", "library", "sweep"]

_HEAD = """
import ctypes, errno, json, shutil, sys
from pathlib import Path
from corpus import caches
from corpus.errors import YoujuError
from corpus.index import Index
from corpus.inspection import inspected
from corpus.readers import Vault
from tests.fakes import HashingEncoder
from corpus.tokens import terms
io = ctypes.CDLL(None)
notes, folder = Path(sys.argv[1]), Path(sys.argv[2])
def arm(n, error, stay=0): io.faulty_arm(n, error, stay, str(folder).encode())
"""

_SWEEP = """
    error, stay, n, stride, n_runs, has_base = map(int, sys.argv[3:9])
    if has_base:
        caches.EXACT_LIMIT, caches._WEARS = 4, 0
    backup = folder.with_name("backup")
    encoder = HashingEncoder()
    def state():
        arm(0, 0)
        with Index.open(folder, encoder=encoder) as index:
            return [(note.path, note.text) for note in index.notes()]
    old = state()
    new = [(note.path, note.text) for path in sorted(p.name for p in notes.iterdir())
           for note in Vault(notes / path).read(Vault(notes / path).files()[0])]
    shutil.copytree(folder, backup)
    failed = done = 0
    for _ in range(n_runs):
        shutil.rmtree(folder)
        shutil.copytree(backup, folder)
        told = ""
        arm(n, error, stay)
        try:
            with Index.open(folder, encoder=encoder) as index:
                index.refresh(Vault(notes))
        except YoujuError as fault:
            told = str(fault)
        seen = io.faulty_seen()
        arm(0, 0)
        damage = [f for f in inspected(folder, encoder=encoder) if f.level == "damage"]
        assert not damage, (n, damage)
        assert state() in (old, new), (n, "half a generation")
        assert told == "" or "\\n" not in told
        if seen < n:  # it was through before the call came
            break
        done += 1
        failed += bool(told)
        with Index.open(folder, encoder=encoder) as index:
            index.refresh(Vault(notes))
        assert state() == new, n
        left = [p.name for p in folder.iterdir() if p.name.endswith(".tmp")]
        assert not left, (n, left)
        n += stride
    shutil.rmtree(backup)
    print(done, failed, int(seen < n - stride or done < n_runs))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Runs in which a call failed; those that told a person of it; whether no call is left."""

    n_runs: int
    n_told: int
    is_through: bool


@functools.cache
def library(folder: str) -> str | None:
    """The library, built below a folder; None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    built = Path(folder) / "faulty.so"
    source = str(FOLDER / "faulty_io.c")
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(built), source, "-ldl"]
    subprocess.run(command, check=True)
    return str(built)


def in_faulty_process(built: str, world: World, code: str, *args: object) -> list[str]:
    """Run code in a process with the library; the lines it prints.

    Args:
        built: the library.
        world: gives the code its `notes` and `folder`.
        code: calls `arm(n, error, stay)`: the n-th call below the folder fails, or all from it on.
        args: `sys.argv[3:]` of the code.
    """
    done = subprocess.run(
        [sys.executable, "-c", _HEAD + textwrap.dedent(code), str(world.notes), str(world.folder),
         *map(str, args)],
        env={**os.environ, "LD_PRELOAD": built}, capture_output=True, text=True, timeout=1100,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


def sweep(
    built: str,
    world: World,
    *,
    error: int,
    stay: bool,
    first: int = 1,
    stride: int = 1,
    n_runs: int = 100_000,
    n_more: int = 0,
    has_base: bool = False,
) -> Sweep:
    """Let one storage call of an update after the other fail; each time a generation is whole.

    Args:
        built: the library.
        world: whose index is brought from one version of ten notes to the next.
        error: the number of the error (`errno`).
        stay: whether all later calls fail, too, as on a full disk.
        first: the first call that fails.
        stride: how many calls lie between those that fail, and one.
        n_runs: most runs.
        n_more: notes of the update beside the ten: the more, the more calls.
        has_base: whether a small index, too, keeps its arrays and graph where little has changed.
    """
    if not world.folder.exists():
        edit(world, 0)
        world.refresh()
    edit(world, 1)
    for number in range(n_more):
        world.write(f"more{number}.md", f"# 多{number}\n\n" + f"第{number}段说{number}。" * 4)
    how = (error, int(stay), first, stride, n_runs, int(has_base))
    printed = in_faulty_process(built, world, _SWEEP, *how)
    n_done, n_told, is_through = map(int, printed[-1].split())
    return Sweep(n_runs=n_done, n_told=n_told, is_through=bool(is_through))
