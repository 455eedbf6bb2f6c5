"""Two notes that give different figures for one thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.config import sample_notes
from assistant.disagreement import rivals, statements
from assistant.pipeline import Assistant


@pytest.mark.parametrize(
    ("text", "name", "value", "is_setting"),
    [
        ("商品向量的 recall@10 是 0.93", "recall@10", 0.93, False),
        ("ef=64 时再测", "ef", 64.0, True),
        ("The default batch size is 32.", "size", 32.0, False),
        ("平均延迟:**12 ms**", "延迟", 12.0, False),
        ("上下文长度为 128K", "长度", 128_000.0, False),
    ],
)
def test_a_figure_is_asserted_of_the_word_before_it(
    text: str, name: str, value: float, is_setting: bool
) -> None:
    assert (name, value, is_setting) in [
        (s.name, s.figure.value, s.is_setting) for s in statements(text)
    ]


def test_a_figure_without_such_a_word_asserts_nothing() -> None:
    assert not statements("2023 年 6 月做了第一轮压测,涨了 3 倍")


@pytest.mark.parametrize(
    ("mine", "theirs", "differ"),
    [
        ("显存占用是 16GB", "新机器上显存占用是 24GB", True),
        ("显存占用是 16GB", "新机器上显存占用是 16GB", False),
        ("batch=8 时显存占用是 16GB", "batch=16 时显存占用是 24GB", False),  # another setting
        ("batch=8 时显存占用是 16GB", "batch=8 时显存占用是 24GB,比旧的 16GB 多", True),
        ("显存占用是 16GB", "训练时长是 24 小时", False),
        ("显存占用是 16GB", "显存占用是 24 %", False),  # another unit is another measure
    ],
)
def test_rivals_state_one_thing_under_the_same_settings(
    mine: str, theirs: str, differ: bool
) -> None:
    assert (rivals(mine, theirs) is not None) == differ


def test_the_two_benchmarks_of_the_samples_are_shown_side_by_side(tmp_path: Path) -> None:
    with Assistant.open(sample_notes(), tmp_path) as assistant:
        assistant.refresh()
        answer = assistant.ask("商品向量 HNSW 在 M=16、ef=64 下的 recall@10 是多少?")
    pairs = answer.notes_disagree
    assert pairs, answer.text
    shown = {side.evidence.note for p in pairs for side in (p.claim_a, p.claim_b) if side.evidence}
    assert {"hnsw-bench-2023.md", "2025-03-14.md"} <= shown
    assert any("0.88" in p.claim_b.text + p.claim_a.text for p in pairs)
    assert all(p.claim_b.reason for p in pairs)


def _asked(tmp_path: Path, first: str, second: str, question: str) -> list[tuple[str, str]]:
    """What the answer over two dated notes shows as disagreeing, with the dates."""
    notes = tmp_path / "notes"
    notes.mkdir()
    for name, date, text in (("旧", "2023-06-01", first), ("新", "2024-06-01", second)):
        (notes / f"{name}.md").write_text(
            f"---\ndate: {date}\n---\n# {name}记录\n\n{text}\n\n周报每周五提交。\n", "utf-8"
        )
    with Assistant.open(notes, tmp_path / "index") as assistant:
        assistant.refresh()
        answer = assistant.ask(question)
    sides = [side.evidence for p in answer.notes_disagree for side in (p.claim_a, p.claim_b)]
    return sorted((str(side.date), side.quote) for side in sides if side)


def test_two_makers_are_shown_once_with_their_dates(tmp_path: Path) -> None:
    first, second = "DPO 由 Rafailov 等人提出。", "DPO 由 Schulman 等人提出。"
    shown = _asked(tmp_path, first, second, "DPO 由谁提出？")
    assert shown == [("2023-06-01", first), ("2024-06-01", second)]


def test_makers_of_two_things_are_no_disagreement(tmp_path: Path) -> None:
    first, second = "DPO 由 Rafailov 等人提出。", "PPO 由 Schulman 等人提出。"
    assert not _asked(tmp_path, first, second, "DPO 由谁提出？")
