from __future__ import annotations

from pathlib import Path

import pytest

from assistant.config import sample_notes
from assistant.examples import draft_questions
from corpus.index import Index
from corpus.readers import Vault
from tests.fakes import HashingEncoder

NOTES = {
    "lora.md": (
        "# LoRA：低秩适配\n\nLoRA（Low-Rank Adaptation）是一种微调方法。\n\n## 优点\n\n- 参数少\n"
    ),
    "hnsw.md": "# HNSW\n\nHNSW is a layered graph.\n",
    "empty.md": "没有标题也没有定义的几句话。\n",
}


def drafts(folder: Path, home: Path, limit: int) -> list[str]:
    with Index.open(home, encoder=HashingEncoder()) as index:
        index.refresh(Vault(folder))
        return list(draft_questions(index, limit=limit))


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for path, text in NOTES.items():
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def test_questions_are_drafted_from_titles_headings_and_definitions(
    notes: Path, tmp_path: Path
) -> None:
    assert set(drafts(notes, tmp_path / "index", 9)) == {
        "什么是 LoRA？", "LoRA 有哪些优点？", "What is HNSW?",
    }  # fmt: skip


def test_the_kinds_take_turns_and_a_heading_that_asks_is_asked(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name in ("LSH", "IVF"):
        text = f"# {name}\n\n{name} 是一种索引。\n\n## 为什么会变慢\n\n因为桶太大。\n\n## 优点\n\n- 省内存\n"
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    assert drafts(folder, tmp_path / "index", 4) == [
        "IVF：为什么会变慢？", "IVF 有哪些优点？", "什么是 IVF？", "LSH：为什么会变慢？",
    ]  # fmt: skip


def test_no_more_and_no_repeats(notes: Path, tmp_path: Path) -> None:
    (notes / "again.md").write_text(NOTES["lora.md"], encoding="utf-8")
    found = drafts(notes, tmp_path / "index", 2)
    assert len(found) == len(set(found)) == 2
    assert drafts(notes, tmp_path / "index", 0) == []


def test_an_empty_index_drafts_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    assert drafts(tmp_path / "notes", tmp_path / "index", 5) == []


def test_the_sample_notes_give_questions_of_many_notes(tmp_path: Path) -> None:
    found = drafts(sample_notes(), tmp_path / "index", 20)
    assert len(set(found)) == 20
    assert all(5 <= len(question) <= 60 for question in found)
    assert all(question[-1] in "？?" for question in found)
