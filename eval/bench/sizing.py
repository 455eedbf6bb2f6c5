"""What an index on Milvus needs, from a hundred thousand passages to a thousand million.

`python -m eval.bench.sizing measure` measures (`demands`); figures go to
`eval/bench/results/sizing.json`. `python -m eval.bench.sizing` writes the tables of docs/scale.md
from them: what was measured is marked so, all else is arithmetic (`needs`). Knows the page.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.bench.needs import (
    CACHE_RATIO,
    DEGREE,
    DISK_MONTH,
    FILL,
    GIB_MONTH,
    NODE_GIB,
    PER_SHARD,
    PQ_RATIO,
    Figures,
    needed,
)

__all__ = ["page", "read_figures", "renewed"]

REPO = Path(__file__).resolve().parents[2]
RESULT = REPO / "eval" / "bench" / "results" / "sizing.json"
PAGE = REPO / "docs" / "scale.md"
_MARKS = ("<!-- sizing -->", "<!-- /sizing -->")
_SIZES = (10**5, 10**6, 10**7, 10**8, 10**9)
_TYPES = ("HNSW", "HNSW_SQ", "IVF_SQ8", "DISKANN")


def read_figures() -> Figures:
    """The figures that are committed."""
    kept: dict[str, Any] = json.loads(RESULT.read_text("utf-8"))
    found: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
    }
    return Figures(**found)


def page(figures: Figures) -> str:
    """The part of docs/scale.md between the marks."""
    return "\n\n".join((_measured(figures), _extrapolated(figures), _assumed()))


def _measured(figures: Figures) -> str:
    sizes = ", ".join(f"{n:,}" for n in figures.n_chunks)
    terms = ", ".join(f"{n:,}" for n in figures.n_distinct)
    rows = (
        ("dense vector", f"{4 * figures.dim:,} B", f"{figures.dim} numbers of 4 bytes"),
        ("sparse vector", f"{8 * figures.n_terms:,.0f} B", f"{figures.n_terms:.0f} terms"),
        ("other columns", f"{figures.scalar_bytes:,.0f} B", "what is matched, filtered, shown"),
        ("text of the note", f"{figures.text_bytes:,.0f} B", "its share of the notes' rows"),
        ("links of the graph", f"{figures.graph_bytes:,.0f} B", "HNSW, M = 32, by hnswlib"),
        ("cut, segment, encode", f"{figures.cpu_ms:.2f} ms cpu", "one core, built-in encoder"),
        ("counts, per different term", f"{figures.count_bytes:.1f} B", "packed, as sent"),
        ("different terms", terms, f"at {sizes} passages"),
        ("a question, round trips", f"{figures.calls[0]}, then {figures.calls[1]}", "first, next"),
        ("a question, read", f"{figures.call_kib:,.0f} KiB", "passages, notes, scores"),
        (
            "a question, in Milvus Lite",
            ", ".join(f"{ms:.0f}" for ms in figures.lite_cpu_ms) + " ms cpu",
            f"engine and client, at {sizes} passages",
        ),
    )
    lines = [f"| {what} | {value} | {note} |" for what, value, note in rows]
    head = (
        f"**Measured** at {sizes} passages (commit `{figures.commit}`, {figures.made_at[:10]}, "
        f"{figures.machine}; {figures.versions}), per passage unless said otherwise:"
    )
    return "\n".join((head, "", "| | | |", "|---|---|---|", *lines))


def _extrapolated(figures: Figures) -> str:
    head = (
        "**Extrapolated**: the figures above times the number of passages. Nothing of this table "
        "was run. GiB, one copy of the data:"
    )
    lines = [
        "| passages | index | memory (dense + sparse + columns) | disk | query nodes of "
        f"{NODE_GIB} GiB | shards | counts, MiB | core hours to index | US$ a month |",
        "|---" * 9 + "|",
    ]
    for n_chunks in _SIZES:
        for index in _TYPES:
            need = needed(figures, n_chunks, index)
            parts = (need.dense_memory, need.sparse_memory, need.scalar_memory)
            lines.append(
                f"| {n_chunks:.0e} | {index} | {_gib(need.memory)} "
                f"({' + '.join(map(_gib, parts))}) | {_gib(need.disk)} | {need.nodes} | "
                f"{need.shards} | {1024 * need.counts:,.0f} | {need.core_hours:,.1f} | "
                f"{need.dollars:,.0f} |".replace("e+0", "e")
            )
    return "\n".join((head, "", *lines))


def _assumed() -> str:
    return (
        f"**Assumed**: data takes {FILL:.0%} of a query node's memory; DISKANN keeps "
        f"{PQ_RATIO + CACHE_RATIO:.1%} of the raw vectors in memory and {DEGREE} links each on "
        "disk (Milvus' defaults), with texts mapped from disk (`mmap.enabled`, to be switched on); "
        "HNSW_SQ and IVF_SQ8 take one byte a "
        f"dimension; one shard for {PER_SHARD:.0e} passages; different terms grow as the power "
        "law through the two largest vaults, which are recombined from the sample notes: words of "
        f"real notes grow faster; prices of {GIB_MONTH:.0f} US$ a GiB of memory, with "
        f"its share of cores, and {DISK_MONTH} US$ a GiB of disk a month: put in your own "
        "(`GIB_MONTH`, `DISK_MONTH` in `eval/bench/needs.py`). Coordinators, message queue and "
        "replicas come on top; each replica costs the memory once more."
    ).replace("e+0", "e")


def _gib(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def renewed(figures: Figures) -> dict[Path, str]:
    """docs/scale.md in line with what was measured."""
    before, _, rest = PAGE.read_text("utf-8").partition(_MARKS[0])
    behind = rest.partition(_MARKS[1])[2]
    return {PAGE: f"{before}{_MARKS[0]}\n\n{page(figures)}\n\n{_MARKS[1]}{behind}"}


def main() -> None:
    """Measure, if asked to, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["measure"], help="measure anew first")
    if parser.parse_args().what:
        from eval.bench.demands import measure  # the page needs none of it

        figures = measure()
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(figures), indent=1, ensure_ascii=False)
        RESULT.write_text(text + "\n", encoding="utf-8")
    for path, text in renewed(read_figures()).items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
