from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assistant import cli
from corpus.errors import ConfigError
from eval import dialogues
from eval.dialogues import evaluate, follow_ups, recall
from eval.goldens import GoldSpan

TURNS = [
    {"question": "GQA 是什么?", "standalone": "GQA 是什么?", "follow_up": "open",
     "gold": [{"note": "a.md", "start": 0, "end": 5}], "facts": []},
    {"question": "那 MQA 呢?", "standalone": "MQA 是什么?", "follow_up": "swap",
     "gold": [{"note": "b.md", "start": 0, "end": 5}], "facts": []},
    {"question": "LoRA 的秩是什么?", "standalone": "LoRA 的秩是什么?", "follow_up": "topic_change",
     "gold": [{"note": "c.md", "start": 0, "end": 5}], "facts": []},
]  # fmt: skip


def hit(note: str, start: int, end: int) -> Any:
    return SimpleNamespace(
        note=SimpleNamespace(path=note), chunk=SimpleNamespace(start=start, end=end)
    )


class Scripted:
    """Finds the right note only for a question in full."""

    def passages(self, question: str, history: Any = ()) -> Any:
        whole = "MQA 是什么?" if history and "MQA" in question else question
        note = {"MQA 是什么?": "b.md", "LoRA 的秩是什么?": "c.md"}.get(whole, "x.md")
        return ((whole,) if whole == question else (whole, question)), [hit(note, 4, 9)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "dialogues.jsonl"
    rows = [{"id": f"d{s}", "split": s, "lang": "zh", "turns": TURNS} for s in ("dev", "test")]
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    return path


def test_turns_after_the_first_carry_what_was_asked_before(file: Path) -> None:
    found = follow_ups("dev", file)
    assert [turn.id for turn in found] == ["ddev.2", "ddev.3"]
    assert found[1].history == ("GQA 是什么?", "那 MQA 呢?")
    assert len(follow_ups("all", file)) == 2 * len(follow_ups("test", file))


def test_the_committed_dialogues_have_every_kind() -> None:
    kinds = {turn.kind for turn in follow_ups("dev")}
    assert kinds == {"pronoun", "ellipsis", "swap", "detail", "topic_change"}


def test_recall_is_the_share_of_spans_touched_in_the_first_five() -> None:
    gold = [GoldSpan(note="a", start=10, end=20), GoldSpan(note="b", start=0, end=4)]
    assert recall([hit("a", 0, 11)], gold) == 0.5
    assert recall([hit("a", 0, 10), hit("b", 4, 9)], gold) == 0
    assert recall([*[hit("z", 0, 9)] * 5, hit("a", 0, 99)], gold) == 0
    assert recall([hit("a", 0, 99), hit("b", 3, 9)], gold) == 1
    assert recall([], []) == 0


def test_each_form_is_counted_per_kind(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = follow_ups("dev", file)
    monkeypatch.setattr(dialogues, "follow_ups", lambda split: turns)
    scripted: Any = Scripted()
    result = evaluate(scripted, "sample", "dev", misses=True)
    figures = result["figures"]
    assert figures["follow-ups"] == 2
    assert figures["all recall@5"].startswith("raw 0.500 rewritten 1.000 full 1.000")
    assert "rewritten/full 1.000" in figures["  swap recall@5"]
    assert figures["new topics left as they are"] == "1/1"
    with pytest.raises(ConfigError, match="sample"):
        evaluate(scripted, "vault", "dev", misses=False)


def test_items_of_the_test_half_are_never_printed(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = follow_ups("all", file)
    monkeypatch.setattr(dialogues, "follow_ups", lambda split: turns)
    lost: Any = SimpleNamespace(
        passages=lambda q, history=(): ((q,), [] if history else [hit("b.md", 0, 9)])
    )
    evaluate(lost, "sample", "all", misses=True)
    out = capsys.readouterr().out
    assert "ddev.2" in out
    assert "dtest" not in out


def test_the_suite_is_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dialogues, "follow_ups", lambda split: [])
    assert cli.main(["eval", "dialogues", "sample"]) == 0
    assert "follow-ups" in capsys.readouterr().out
