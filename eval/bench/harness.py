"""One system, measured in a process of its own: `python -m eval.bench.harness SYSTEM DATA`.

Runs in two environments, youju's and that of the peers, so it imports numpy, the standard library
and what a system itself needs. DATA is a folder that `eval.bench` prepared: notes, passages and
queries. Prints one line of JSON: CPU seconds, milliseconds, MB.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

__all__ = ["Passages", "System", "measure"]

Passages = list[tuple[str, str]]
_WARM = 10


class System(Protocol):
    """What is measured. Ids are those of the passages that `build` was given."""

    def build(self, data: Path, passages: Passages) -> None:
        """Index the passages (or the notes that they were cut from): segment, encode, index."""

    def search(self, query: str) -> list[str]:
        """Ids of the ten best, best first."""

    def refresh(self, data: Path, passage: tuple[str, str]) -> None:
        """Take up one changed passage (or note), so that the next search finds it."""

    def save(self, folder: Path) -> bool:
        """Write the index; False if the system has no way to."""

    def load(self, folder: Path) -> None:
        """Read it in the state that answers the next search."""


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _timed(run: Callable[[], Any]) -> tuple[float, float]:
    """CPU seconds of a call, those of its ended child processes included, and wall seconds."""
    cpu, wall = _cpu(), time.perf_counter()
    run()
    return _cpu() - cpu, time.perf_counter() - wall


def _memory_mb() -> float:
    status = Path("/proc/self/status")
    if status.is_file():
        rows = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return round(int(rows["VmRSS"].split()[0]) / 1024, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def _queries(system: System, queries: list[str]) -> dict[str, float]:
    for query in queries[:_WARM]:
        system.search(query)
    walls, cpus = [], []
    for query in queries:
        cpu, wall = _timed(lambda query=query: system.search(query))  # type: ignore[misc]
        walls.append(1000 * wall)
        cpus.append(1000 * cpu)
    return {
        "query_cpu_ms": float(np.mean(cpus)),
        "query_p50_ms": float(np.percentile(walls, 50)),
        "query_p95_ms": float(np.percentile(walls, 95)),
    }


def measure(system: System, data: Path) -> dict[str, float | None]:
    """All rows of one system over one vault; None for what it cannot do."""
    passages: Passages = [
        (row["id"], row["text"])
        for row in map(json.loads, (data / "passages.jsonl").read_text("utf-8").splitlines())
    ]
    queries = json.loads((data / "queries.json").read_text("utf-8"))
    before = _memory_mb()
    row: dict[str, float | None] = {"n": float(len(passages))}
    row["build_cpu_s"], row["build_wall_s"] = _timed(lambda: system.build(data, passages))
    row["first_cpu_ms"] = 1000 * _timed(lambda: system.search(queries[0]))[0]
    # what a process that stays does beside its first requests, where it does something
    getattr(system, "settle", lambda: None)()
    row["memory_mb"] = _memory_mb() - before
    row |= _queries(system, queries)
    changed = (passages[0][0], passages[0][1] + " zyzzyva 4711")
    row["refresh_cpu_s"] = None
    if getattr(system, "can_refresh", True):
        row["refresh_cpu_s"] = _timed(lambda: system.refresh(data, changed))[0]
    with tempfile.TemporaryDirectory() as folder:
        saved = False

        def save() -> None:
            nonlocal saved
            saved = system.save(Path(folder))

        row["save_cpu_s"] = _timed(save)[0]
        row["load_cpu_s"] = None
        if saved:

            def load() -> None:
                system.load(Path(folder))
                system.search(queries[0])

            row["load_cpu_s"] = _timed(load)[0]
        else:
            row["save_cpu_s"] = None
    extra = getattr(system, "extra", None)
    if extra is not None:
        row |= extra(queries)
    return row


def main() -> int:
    """Measure one system and print its row."""
    name, data = sys.argv[1], Path(sys.argv[2])
    module, _, kind = name.partition(":")
    system = getattr(import_module(f"eval.bench.{module}"), kind)()
    row = measure(system, data)
    rounded = {key: None if value is None else round(value, 4) for key, value in row.items()}
    sys.stdout.write("\nROW " + json.dumps(rounded) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
