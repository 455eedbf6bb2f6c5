"""The bench: its vaults, its measuring, and that the tables of the documents are current."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.bench import report
from eval.bench.__main__ import medians, prepare
from eval.bench.harness import Passages, measure
from eval.bench.own import Floor, Fused
from tests.conftest import REPO


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    prepare(folder, 40, 12)
    return folder


def test_a_vault_of_a_size_has_about_that_many_passages_and_is_the_same_twice(
    data: Path, tmp_path: Path
) -> None:
    again = prepare(tmp_path, 40, 12)
    assert 25 <= again <= 60
    names = [p.relative_to(data) for p in sorted((data / "notes").rglob("*.md"))]
    assert [p.read_bytes() for p in sorted((data / "notes").rglob("*.md"))] == [
        (tmp_path / name).read_bytes() for name in names
    ]


def test_the_floor_finds_what_the_product_finds_before_reranking(data: Path) -> None:
    passages: Passages = [
        (row["id"], row["text"])
        for row in map(json.loads, (data / "passages.jsonl").read_text("utf-8").splitlines())
    ]
    floor, fused = Floor(), Fused()
    for system in (floor, fused):
        system.build(data, passages)
    known = {id_ for id_, _ in passages}
    for query in json.loads((data / "queries.json").read_text("utf-8")):
        ours, bare = fused.search(query), floor.search(query)
        assert set(ours) <= known
        assert len(set(ours) & set(bare)) >= len(bare) // 2  # ranks fused there, scores here


def test_a_measurement_has_every_row_and_leaves_the_notes_as_they_were(data: Path) -> None:
    before = {p: p.read_bytes() for p in (data / "notes").rglob("*.md")}
    row = measure(Fused(), data)
    assert {"build_cpu_s", "first_cpu_ms", "query_p95_ms", "refresh_cpu_s", "load_cpu_s"} <= set(
        row
    )
    assert None not in row.values()
    # a process that ran other tests may give more memory back meanwhile than is taken
    assert all(value >= 0 for name, value in row.items() if value and name != "memory_mb")
    assert {p: p.read_bytes() for p in (data / "notes").rglob("*.md")} == before


def test_medians_leave_out_what_was_not_measured() -> None:
    found = medians([{"a": 1.0, "b": None}, {"a": 5.0, "b": None}, {"a": 2.0, "b": None}])
    assert found == {"a": 2.0, "b": None}


def test_the_newest_result_is_written_to_the_documents_and_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    readme, chinese = tmp_path / "README.md", tmp_path / "README.zh.md"
    for path in (readme, chinese):
        path.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n", "utf-8")
    page = tmp_path / "docs" / "performance.md"
    report.write(tmp_path)
    assert "old" not in readme.read_text("utf-8")
    assert "No run is committed yet" in readme.read_text("utf-8")
    assert "No run is committed yet" in page.read_text("utf-8")
    results = tmp_path / "eval" / "bench" / "results"
    results.mkdir(parents=True)
    result = {
        "commit": "abc", "machine": "m", "runs": 1, "peers": True, "versions": {"numpy": "2"},
        "sizes": {"10": {"floor": {"query_cpu_ms": 4.25}}, "100": {"floor": {"query_cpu_ms": 8.5}}},
        "profiles": {},
    }  # fmt: skip
    for name, made_at in (("old", "2026-01-01"), ("new", "2026-02-01")):
        made = json.dumps({**result, "commit": name, "made_at": made_at})
        (results / f"bench-{name}.json").write_text(made, "utf-8")
    report.write(tmp_path)
    for path in (readme, page):
        text = path.read_text("utf-8")
        assert "at new:" in text
        assert "| query warm, cpu ms | 8.5 |" in text
        assert "No run" not in text
    assert "| 热查询，CPU 毫秒 | 8.5 |" in chinese.read_text("utf-8")
    assert readme.read_text("utf-8").startswith("before\n<!-- bench -->\nMeasured")
    assert "| floor | – | 0.30 | – | – |" in page.read_text("utf-8")  # log10 of 8.5 / 4.25


def test_the_tables_of_the_documents_are_those_of_the_newest_result() -> None:
    result = report.newest(REPO)
    assert report.readme(result) in (REPO / "README.md").read_text("utf-8")
    assert report.readme_zh(result) in (REPO / "README.zh.md").read_text("utf-8")
    assert (REPO / "docs" / "performance.md").read_text("utf-8") == report.page(result)
