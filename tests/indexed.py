"""A small vault that is edited, and what an index of it holds."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.index import Index
from corpus.sealing import DATABASE
from corpus.tokens import terms
from corpus.types import RefreshReport
from tests.fakes import HashingEncoder

LORA = "# LoRA\n\nLoRA 冻结原模型的权重，只训练两个低秩矩阵。秩 r 通常取 8。\n"
DPO = "# DPO\n\nDPO 不需要奖励模型，直接优化策略。\n"
_clock = iter(range(1_600_000_000, 1_700_000_000))


def write(path: Path, text: str) -> None:
    """Write a note with a modification time long ago, later than any before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="", errors="surrogatepass")
    moment = next(_clock)
    os.utime(path, (moment, moment))


def content(folder: Path) -> dict[str, list[Any]]:
    """Everything an index holds but ids, times and counters."""
    with sqlite3.connect(folder / DATABASE) as sql:
        found = {
            "notes": sql.execute("SELECT * FROM notes ORDER BY path").fetchall(),
            "chunks": sql.execute(
                'SELECT note, start, "end", heading, line, key, terms, vector FROM chunks'
                " ORDER BY note, start"
            ).fetchall(),
            "files": sql.execute("SELECT path, size, reason FROM files ORDER BY path").fetchall(),
            "staged": sql.execute("SELECT * FROM staged").fetchall(),
            "meta": sql.execute(
                "SELECT * FROM meta WHERE key IN ('fingerprint', 'root', 'skipped', 'encoder_name')"
                " ORDER BY key"
            ).fetchall(),
        }
    sql.close()
    return found


def found_by(index: Index, query: str) -> tuple[dict[tuple[str, int], float], ...]:
    """Places and scores that words and meaning give for a query."""
    with index.snapshot() as now:
        results = []
        for pairs in (now.bm25(terms(query), 10_000), now.nearest(query, 10_000)):
            chunks = now.chunks([id_ for id_, _ in pairs])
            results.append(
                {(c.note, c.start): round(s, 4) for c, (_, s) in zip(chunks, pairs, strict=True)}
            )
    return tuple(results)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    write(folder / "lora.md", LORA)
    write(folder / "sub" / "dpo.md", DPO)
    return folder


@pytest.fixture
def encoder() -> HashingEncoder:
    return HashingEncoder()


@pytest.fixture
def index(tmp_path: Path, encoder: HashingEncoder) -> Iterator[Index]:
    with Index.open(tmp_path / "index", encoder=encoder) as opened:
        yield opened


def counts(report: RefreshReport) -> tuple[int, int, int, int, int]:
    return report.added, report.changed, report.renamed, report.deleted, report.unchanged
