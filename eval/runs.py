"""A run: figures with all that made them, kept as one JSON file, and two of them compared.

Knows no suite: a suite hands over its figures, metrics and items.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from corpus.errors import ConfigError
from eval.stats import bootstrap, paired_randomisation

__all__ = [
    "LOWER",
    "Run",
    "commit",
    "compare",
    "facts",
    "failing",
    "load",
    "md5_of",
    "mean_metric",
    "parsed_limits",
    "save",
    "sha256_of",
    "sound",
]

Run = dict[str, Any]
# Metrics of which less is better; a gate on them is an upper limit.
LOWER = frozenset(
    {
        "refused though answerable", "answered though unanswerable", "false support",
        "calibration error", "length ratio", "ms", "hallucination rate",
        "altered claims supported", "abstained", "latency p95 ms",
        "planted sentences cited", "true sentences flagged", "false answers shown",
        "contradictions told without one",
    }
)  # fmt: skip


def sha256_of(path: Path) -> str:
    """Hex digest of a file, or of a folder: its files' paths and digests, in order of the paths."""
    if path.is_dir():
        whole = hashlib.sha256()
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            whole.update(f"{file.relative_to(path).as_posix()} {sha256_of(file)}\n".encode())
        return whole.hexdigest()
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def md5_of(path: Path) -> str:
    """Hex digest of a file, for authors who publish this one; it proves nothing against malice."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def mean_metric(values: Iterable[float]) -> list[float]:
    """Mean with its 95 % bootstrap interval, and how many: [mean, low, high, n]."""
    found = [float(value) for value in values]
    if not found:
        return [math.nan, math.nan, math.nan, 0]
    low, high = bootstrap(found)
    return [round(float(np.mean(found)), 4), round(low, 4), round(high, 4), len(found)]


def facts(config: Mapping[str, Any], data: Sequence[Path]) -> Run:
    """What a run was made with.

    Args:
        config: the suite and its settings; its fingerprint is the sha256 of its canonical JSON.
        data: files and folders that were read: questions, claims, notes.
    """
    canonical = json.dumps(config, sort_keys=True, ensure_ascii=False, default=str)
    return {
        **config,
        "commit": commit(),
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "config_fingerprint": hashlib.sha256(canonical.encode()).hexdigest()[:16],
        "models": _models(),
        "data": {path.name: sha256_of(path) for path in data if path.exists()},
    }


def commit() -> str:
    """Twelve digits of the commit that runs, with "-dirty" if files changed; or "unknown"."""
    here = str(files("eval").joinpath("."))
    done = subprocess.run(
        ["git", "-C", here, "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"


def _models() -> dict[str, str]:
    """sha256, shortened, of every model that ships."""
    out = {}
    for package, folder, ending in (
        ("assistant", "models", ".json"),
        ("corpus", "model", ".safetensors"),
    ):
        base = Path(str(files(package).joinpath(folder)))
        for path in sorted(base.iterdir()):
            if path.suffix == ending:
                out[path.stem if package == "assistant" else "encoder"] = sha256_of(path)[:16]
    return out


def save(run: Run, path: Path) -> None:
    """Write a run as JSON; what is not a number is null.

    Raises:
        ConfigError: the file cannot be written.
    """
    text = json.dumps(sound(run), ensure_ascii=False, indent=1, allow_nan=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as fault:
        raise ConfigError(f"The run cannot be written to {path} ({fault.strerror})") from fault


def sound(value: Any) -> Any:
    """The value as JSON can hold it: what is not a finite number is None."""
    if isinstance(value, Mapping):
        return {str(key): sound(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [sound(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.bool_ | np.integer):
        return value.item()
    return value


def load(path: Path) -> Run:
    """A run as it was kept.

    Raises:
        ConfigError: the file is absent or holds no run.
    """
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise ConfigError(f"{path} holds no run of `youju eval --out` ({fault})") from fault
    if not isinstance(run, dict) or "items" not in run or "suite" not in run:
        raise ConfigError(f"{path} holds no run of `youju eval --out`: it has no suite or items")
    return run


def parsed_limits(limits: Sequence[str]) -> list[tuple[str, float]]:
    """Metric and value of each limit, before anything is measured.

    Raises:
        ConfigError: a limit is not of the form `metric=value`.
    """
    out = []
    for limit in limits:
        wanted, _, text = limit.rpartition("=")
        try:
            out.append((wanted, float(text)))
        except ValueError:
            raise ConfigError(f"--fail-under takes metric=value, got {limit!r}") from None
    return out


def failing(metrics: Mapping[str, Sequence[float]], limits: Sequence[str]) -> list[str]:
    """The limits that a run misses, a line each.

    Args:
        metrics: [value, …] by name.
        limits: `metric=value`; names may be written with _ or - for blanks. The value must be
            reached, or, for the metrics of `LOWER`, not be exceeded.

    Raises:
        ConfigError: a limit is not of this form, or names no metric of the suite.
    """
    out = []
    names = {_folded(name): name for name in metrics}
    for wanted, least in parsed_limits(limits):
        name = names.get(_folded(wanted))
        if name is None:
            known = ", ".join(sorted(metrics))
            raise ConfigError(f"--fail-under: no metric is called {wanted!r}; there are {known}")
        value = metrics[name][0]
        less = name in LOWER
        if math.isnan(value) or (value > least if less else value < least):
            side = "above" if less else "below"
            out.append(f"{name} is {value:.4g}, {side} the limit {least:g}")
    return out


def _folded(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


def compare(before: Run, after: Run) -> Run:
    """Two runs item by item.

    Returns:
        `n` items that both have, `only_before` and `only_after` counts, `settings` that differ,
        a line each, `metrics`: per numeric
        field of the items [mean before, mean after, difference, p-value of a paired randomisation
        test, items better, items worse], and `changed`: per field the ids that differ, those that
        fell first.

    Raises:
        ConfigError: the runs are of different suites, or share no item.
    """
    if before["suite"] != after["suite"]:
        raise ConfigError(
            f"A run of {after['suite']} cannot be compared with one of {before['suite']}"
        )
    old, new = (_by_id(run["items"]) for run in (before, after))
    shared = [name for name in new if name in old]
    if not shared:
        raise ConfigError("The two runs share no item: they are of different data")
    out: Run = {
        "n": len(shared),
        "only_before": len(old) - len(shared),
        "only_after": len(new) - len(shared),
        "same_data": before.get("data") == after.get("data"),
        "settings": _differences(before, after),
        "metrics": {},
        "changed": {},
    }
    for field in _fields([new[name] for name in shared]):
        pairs = [
            (name, float(old[name][field]), float(new[name][field]))
            for name in shared
            if _is_number(old[name].get(field)) and _is_number(new[name].get(field))
        ]
        if not pairs:
            continue
        first, second = [a for _, a, _ in pairs], [b for *_, b in pairs]
        moved = [(name, a, b) for name, a, b in pairs if a != b]
        up = sum(b > a for _, a, b in moved)
        mean = [float(np.mean(values)) for values in (first, second)]
        p = paired_randomisation(first, second)
        out["metrics"][field] = [*mean, mean[1] - mean[0], p, up, len(moved) - up]
        if moved and field not in ("ms", "score", "confidence"):
            moved.sort(key=lambda row: row[2] - row[1])
            out["changed"][field] = moved
    return out


_PLAIN = {"encoder": "built-in", "generator": "extractive", "reranker": "none", "judges": []}
_CHOSEN = ("split", "limit", "seed", *_PLAIN)


def _differences(before: Run, after: Run) -> list[str]:
    """Settings that are not the same in two runs; what a run does not name is the built-in one."""
    pairs = {name: [run.get(name, _PLAIN.get(name)) for run in (before, after)] for name in _CHOSEN}
    return [f"{name} {a} → {b}" for name, (a, b) in pairs.items() if a != b]


def _by_id(items: Any) -> dict[str, dict[str, Any]]:
    if isinstance(items, Mapping):  # ranks of a retrieval set: by set, query and method
        return {
            f"{name}/{query}": {k: float(0 < rank <= 1) for k, rank in ranks.items()}
            for name, found in items.items()
            for query, ranks in found.items()
        }
    return {str(item["id"]): item for item in items}


def _fields(items: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(k for i in items for k, v in i.items() if _is_number(v)))


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float) and not (
        isinstance(value, float) and math.isnan(value)
    )
