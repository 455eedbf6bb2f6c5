"""What takes the time: own time of our functions and of the libraries below them.

Measured with cProfile, which makes calls dearer than they are: shares, not milliseconds.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assistant.pipeline import Assistant
from assistant.retrieval import retrieve

__all__ = ["profile"]

_SHOWN = 12
_PACKAGES = ("corpus", "assistant")


def profile(data: Path) -> dict[str, dict[str, float]]:
    """Shares of the time of building, of retrieving and of answering, by function, in percent.

    Args:
        data: a folder that `eval.bench` prepared.
    """
    asked = json.loads((data / "queries.json").read_text("utf-8"))[:40]
    found: dict[str, dict[str, float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        Assistant.open(data / "notes", Path(folder) / "index") as assistant,
    ):
        found["index"] = _shares(assistant.refresh)
        retrieve(assistant.index, asked[0])
        assistant.ask(asked[0])
        found["retrieve"] = _shares(lambda: [retrieve(assistant.index, q) for q in asked])
        found["ask"] = _shares(lambda: [assistant.ask(q) for q in asked])
    return found


def _shares(run: Callable[[], Any]) -> dict[str, float]:
    """Time below each of our functions that it does not hand on to another one of ours."""
    profiler = cProfile.Profile()
    profiler.runcall(run)
    stats: Any = pstats.Stats(profiler)
    own: Counter[str] = Counter()
    for (file, _, name), (_, _, spent, _, callers) in stats.stats.items():
        mine = _module(file)
        if mine:
            own[f"{mine}.{name}"] += spent
            continue
        for (caller, _, called_by), (_, _, part, _) in callers.items():
            whose = _module(caller)
            own[f"{whose}.{called_by}" if whose else "libraries among themselves"] += part
    total = sum(own.values()) or 1.0
    return {name: round(100 * spent / total, 1) for name, spent in own.most_common(_SHOWN)}


def _module(file: str) -> str:
    parts = Path(file).with_suffix("").parts
    for package in _PACKAGES:
        if package in parts and "site-packages" not in parts:
            return ".".join(parts[parts.index(package) :])
    return ""
