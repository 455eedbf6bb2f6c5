"""How long the product takes on a person's notes: opening, indexing, asking, finding, checking.

Wall time of this process on this machine, warm unless said, and its CPU time, which a busy machine
stretches less; percentiles over the questions.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assistant.warming import warm
from corpus.index import Index
from eval.questions import Asked
from eval.setting import Setting

__all__ = ["evaluate"]


def evaluate(notes: Path, asked: Sequence[Asked], *, setting: Setting) -> dict[str, Any]:
    """Times in milliseconds.

    Args:
        notes: a folder, one file or a zip; indexed anew in a temporary folder.
        asked: what is asked, found and checked, at least one.
        setting: whose models search, answer and judge.
    """
    metrics: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        index = Index.open(Path(folder), encoder=setting.encoder)
        with setting.assistant(index, notes) as assistant:
            metrics["open ms"] = _one(started)
            started = time.perf_counter()
            report = assistant.refresh()
            metrics["index anew ms"] = _one(started)
            started = time.perf_counter()
            assistant.refresh()
            metrics["refresh, nothing changed ms"] = _one(started)
            started = time.perf_counter()
            assistant.ask(asked[0].question, asked[0].history)
            metrics["first question ms"] = _one(started)
            warm(assistant)  # as a process that stays does beside its first requests
            items: list[dict[str, Any]] = [{"id": one.id, "text": one.question} for one in asked]
            # the answer's own text is what is checked: every claim of it has its evidence here
            said = {one.id: assistant.ask(one.question, one.history).text for one in asked}
            jobs: dict[str, Callable[[Asked], Any]] = {
                "find": lambda one: assistant.find(one.question),
                "ask": lambda one: assistant.ask(one.question, one.history),
                "check": lambda one: assistant.check(said[one.id]),
            }
            for name, job in jobs.items():
                wall, cpu = [], []
                for one, item in zip(asked, items, strict=True):
                    started, before = time.perf_counter(), time.process_time()
                    job(one)
                    wall.append(1000 * (time.perf_counter() - started))
                    cpu.append(1000 * (time.process_time() - before))
                    item[f"{name} ms"] = round(wall[-1], 2)
                for label, spent, q in (
                    ("median", wall, 50), ("p95", wall, 95), ("median CPU", cpu, 50),
                ):  # fmt: skip
                    value = round(float(np.percentile(spent, q)), 2)
                    metrics[f"{name} {label} ms"] = [value, value, value, len(spent)]
    return {
        "n": len(items),
        "notes": report.n_notes,
        "chunks": report.n_chunks,
        "metrics": metrics,
        "items": items,
    }


def _one(started: float) -> list[float]:
    spent = round(1000 * (time.perf_counter() - started), 2)
    return [spent, spent, spent, 1]
