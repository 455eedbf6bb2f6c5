from __future__ import annotations

import pytest

from assistant.filters import Filters
from corpus.types import Note

NOTE = Note(
    path="ml/C# 与 LoRA.md",
    title="低秩适配",
    text="x",
    sha256="",
    file="ml/C# 与 LoRA.md",
    tags=("ml/peft",),
    aliases=("LoRA 笔记",),
    date="2024-05-01",
)
ENTRY = Note(path="feed.txt#L3", title="x", text="x", sha256="", file="feed.txt")


@pytest.mark.parametrize(
    "name",
    [
        "低秩适配", "低秩適配", "lora  笔记", "C# 与 LoRA", "c# 与 lora.md", "ml/C# 与 LoRA",
        "LoRA 笔记#秩",
    ],
)  # fmt: skip
def test_a_note_is_called_by_title_alias_or_path(name: str) -> None:
    assert Filters(notes=(name,)).admits(NOTE)
    assert Filters(notes=("other", name)).admits(NOTE)
    assert not Filters(notes=(name,)).admits(ENTRY)


@pytest.mark.parametrize("name", ["LoRA", "低秩", "与 LoRA", "ml", "", "#", "C"])
def test_a_part_of_a_name_calls_no_note(name: str) -> None:
    assert not Filters(notes=(name,)).admits(NOTE)


def test_an_entry_of_a_feed_is_called_by_file_or_line() -> None:
    assert Filters(notes=("feed",)).admits(ENTRY)
    assert Filters(notes=("feed.txt#L3",)).admits(ENTRY)


def test_narrowed_filters_let_through_what_all_do() -> None:
    both = Filters(tag="ml").narrowed(Filters(since="2024"), Filters())
    assert both.admits(NOTE)
    assert not both.narrowed(Filters(until="2023")).admits(NOTE)
    assert not both.is_open
    assert Filters().narrowed(Filters()).is_open
