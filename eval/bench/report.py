"""The tables of the READMEs and docs/performance.md, from the newest result of the bench.

`python -m eval.bench.report` writes them; a test checks that they are current.
"""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

from eval.labels import in_chinese

__all__ = ["newest", "page", "readme", "readme_zh", "renewed", "table", "write"]

_ROWS = (
    ("build_cpu_s", "index build, cpu s", 1),
    ("refresh_cpu_s", "one note changed, cpu s", 2),
    ("load_cpu_s", "load from disk and first query, cpu s", 2),
    ("first_cpu_ms", "first query, cpu ms", 1),
    ("query_cpu_ms", "query warm, cpu ms", 1),
    ("query_p50_ms", "query warm, p50 ms", 1),
    ("query_p95_ms", "query warm, p95 ms", 1),
    ("memory_mb", "memory, MB", 0),
    ("ask_cpu_p50_ms", "whole answer with check, cpu p50 ms", 1),
    ("ask_p50_ms", "whole answer with check, p50 ms", 1),
    ("ask_p95_ms", "whole answer with check, p95 ms", 1),
    ("claim_cpu_p50_ms", "claim checked, cpu p50 ms", 1),
    ("recall_at_10", "neighbours, recall@10 against exact search", 3),
)
_VAULT_ROWS = (
    ("passages", "passages", 0),
    ("index_wall_s", "full index, wall s", 1),
    ("index_cpu_s", "full index, cpu s", 1),
    ("peak_mb", "peak memory of all processes, MB", 0),
    ("disk_mb", "on disk, MB", 0),
    ("nochange_wall_s", "nothing changed, wall s", 2),
    ("onenote_wall_s", "one note changed and found, wall s", 2),
    ("onenote_cpu_s", "one note changed and found, cpu s", 2),
)
_MARKS = ("<!-- bench -->", "<!-- /bench -->")
_WRITER = "python -m eval.bench.report"
_NONE = "No run is committed yet: `make bench` measures and keeps one in `eval/bench/results`"
_SYSTEMS = (
    "- **floor**: segmentation, encoding, BM25 arrays, hnswlib and reciprocal rank fusion,"
    " bare: no store, places, filters or reranking.\n"
    "- **youju, fused**: the product without its reranker, which does what the others do.\n"
    "- **youju**: the product as it is; building reads the notes and cuts them, too.\n"
    "- The peers get the passages, youju's encoder and jieba's words; their own defaults"
    " otherwise. A dash: not measured, or the system has no such operation.\n"
    "- **A whole vault**: from the files on, saved; youju uses all cores, and its child processes"
    " count. The floor gets passages that are cut already, and saves nothing."
)


def newest(repo: Path) -> dict[str, Any] | None:
    """The result that was made last; None before the first run."""
    files = (repo / "eval" / "bench" / "results").glob("bench-*.json")
    found: list[dict[str, Any]] = [json.loads(path.read_text("utf-8")) for path in files]
    return max(found, key=lambda result: str(result["made_at"]), default=None)


def table(result: dict[str, Any]) -> str:
    """Markdown tables, one for each size."""
    parts = []
    for n, systems in result["sizes"].items():
        parts.append(_table(f"{int(n):,} passages", systems, _ROWS))
    vault = result.get("vault")
    if vault:
        head = f"{vault['notes']:,} notes, {vault['megabytes']:.0f} MB"
        parts.append(_table(head, vault["systems"], _VAULT_ROWS))
    return "\n\n".join(parts)


def _table(
    head: str, systems: dict[str, dict[str, Any]], rows: tuple[tuple[str, str, int], ...]
) -> str:
    names = list(systems)
    lines = [f"| {head} | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for key, label, digits in rows:
        values = [systems[name].get(key) for name in names]
        if any(value is not None for value in values):
            lines.append(f"| {label} | " + " | ".join(_shown(v, digits) for v in values) + " |")
    return "\n".join(lines)


def _shown(value: float | None, digits: int) -> str:
    if value is None:
        return "–"
    return f"{value:,.{digits}f}"


def _head(result: dict[str, Any]) -> str:
    peers = "" if result["peers"] else " The peers could not be installed for this run."
    note = f" {result['note']}" if result.get("note") else ""
    return (
        f"Measured by `make bench` at {result['commit']}: {result['machine']}, one thread, medians "
        f"of {result['runs']} run(s); the same notes, vectors and machine for all.{peers}{note}"
    )


def readme(result: dict[str, Any] | None) -> str:
    """What stands between the markers of README; None for no result."""
    if result is None:
        return f"{_NONE}; the table will stand here."
    more = (
        "What each system does, versions and profiles: [docs/performance.md](docs/performance.md)."
    )
    return f"{_head(result)}\n{more}\n\n{table(result)}"


def readme_zh(result: dict[str, Any] | None) -> str:
    """The same for the Chinese README."""
    if result is None:
        return (
            "还没有提交过运行：`make bench` 测量，并把结果留在 `eval/bench/results`；表会放在这里。"
        )
    peers = "" if result["peers"] else "这次运行装不了别的库。"
    return (
        f"由 `make bench` 在 {result['commit']} 测得：{result['machine']}，单线程，"
        f"{result['runs']} 次运行的中位数；笔记、向量和机器全都相同。{peers}\n"
        "各系统做了什么、版本和剖析：[docs/performance.md](docs/performance.md)。\n\n"
        f"{in_chinese(table(result))}"
    )


def _growth(result: dict[str, Any]) -> str:
    """Exponents between the smallest and the largest size: 1 is linear."""
    sizes = sorted(result["sizes"], key=int)
    if len(sizes) < 2:
        return "One size only: no growth."
    low, high = sizes[0], sizes[-1]
    keys = ("build_cpu_s", "query_cpu_ms", "refresh_cpu_s", "memory_mb")
    lines = ["| growth exponent | " + " | ".join(keys) + " |", "|---" * (len(keys) + 1) + "|"]
    for name in result["sizes"][low]:
        if name not in result["sizes"][high]:
            continue
        a, b = result["sizes"][low][name], result["sizes"][high][name]
        cells = []
        for key in keys:
            x, y = a.get(key), b.get(key)
            fit = x and y and x > 0 and y > 0
            cells.append(f"{math.log(y / x) / math.log(int(high) / int(low)):.2f}" if fit else "–")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def page(result: dict[str, Any] | None) -> str:
    """The whole of docs/performance.md; None for no result."""
    head = ["# What it costs", f"This page is written by `{_WRITER}`; do not edit it."]
    if result is None:
        return "\n\n".join([*head, f"{_NONE}.", _SYSTEMS]) + "\n"
    parts = [
        *head,
        _head(result),
        "Versions: " + ", ".join(f"{k} {v}" for k, v in sorted(result["versions"].items())) + ".",
        _SYSTEMS,
        table(result),
        "## Growth",
        _growth(result),
    ]
    for n, jobs in result["profiles"].items():
        parts.append(f"## What takes the time, {int(n):,} passages")
        parts.append(
            "Percent of the time under cProfile, by our function, with what it calls in libraries."
        )
        for job, shares in jobs.items():
            rows = "\n".join(f"| `{name}` | {share} |" for name, share in shares.items())
            parts.append(f"| {job} | % |\n|---|---|\n{rows}")
    return "\n\n".join(parts) + "\n"


def renewed(repo: Path) -> dict[Path, str]:
    """The READMEs and docs/performance.md in line with the newest result, if there is one."""
    result = newest(repo)
    return {
        repo / "README.md": _put(repo / "README.md", readme(result)),
        repo / "README.zh.md": _put(repo / "README.zh.md", readme_zh(result)),
        repo / "docs" / "performance.md": page(result),
    }


def write(repo: Path) -> None:
    """Write what `renewed` says."""
    for path, text in renewed(repo).items():
        path.write_text(text, "utf-8")


def _put(path: Path, written: str) -> str:
    """A document with something else between its markers."""
    inside = f"{_MARKS[0]}\n{written}\n{_MARKS[1]}"
    text = path.read_text("utf-8")
    return re.sub(f"{_MARKS[0]}.*?{_MARKS[1]}", lambda _: inside, text, flags=re.S)


if __name__ == "__main__":
    write(Path(__file__).resolve().parents[2])
    sys.exit(0)
