"""Follow-up questions: what rewriting them from the conversation wins.

Each turn after the first is searched as typed, as the product understands it, and in the full form
that the set gives; each counts the gold spans that its first five passages touch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from assistant.pipeline import Assistant
from assistant.types import Hit
from corpus.errors import ConfigError
from eval.goldens import GoldSpan

__all__ = ["FollowUp", "evaluate", "follow_ups", "recall"]

_DEPTH = 5
_FORMS = ("raw", "rewritten", "full")


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A turn after the first.

    Attributes:
        history: the questions before it, oldest first.
        standalone: the question in full, as a person wrote it.
        kind: pronoun, ellipsis, swap, detail or topic_change.
    """

    id: str
    split: str
    question: str
    history: tuple[str, ...]
    standalone: str
    kind: str
    gold: tuple[GoldSpan, ...]


def follow_ups(split: str, path: Path | None = None) -> list[FollowUp]:
    """The follow-up turns of a split of the committed dialogues.

    Args:
        split: "dev", "test" or "all".
        path: another file of the same form.
    """
    source = path if path is not None else files("eval").joinpath("golden/dialogues.jsonl")
    found = []
    for line in source.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if split not in ("all", row["split"]):
            continue
        asked = [turn["question"] for turn in row["turns"]]
        for n, turn in enumerate(row["turns"]):
            if n and turn["gold"]:
                gold = (
                    GoldSpan(note=g["note"], start=g["start"], end=g["end"]) for g in turn["gold"]
                )
                found.append(
                    FollowUp(
                        id=f"{row['id']}.{n + 1}",
                        split=row["split"],
                        question=turn["question"],
                        history=tuple(asked[:n]),
                        standalone=turn["standalone"],
                        kind=turn["follow_up"],
                        gold=tuple(gold),
                    )
                )
    return found


def recall(hits: Sequence[Hit], gold: Sequence[GoldSpan], k: int = _DEPTH) -> float:
    """Share of the gold spans that the first `k` hits touch, in [0, 1]."""
    touched = sum(
        any(
            hit.note.path == span.note and hit.chunk.start < span.end and span.start < hit.chunk.end
            for hit in hits[:k]
        )
        for span in gold
    )
    return touched / len(gold) if gold else 0.0


def evaluate(assistant: Assistant, name: str, split: str, *, misses: bool) -> dict[str, Any]:
    """Recall of the three forms per kind of follow-up.

    Args:
        assistant: over the notes that the dialogues are about.
        name: "sample", the only set of dialogues.
        split: "dev", "test" or "all".
        misses: whether to print the turns that rewriting loses against the full form; of the dev
            half only.

    Raises:
        ConfigError: there is no such set.
    """
    if name != "sample":
        raise ConfigError(f"There are no dialogues over {name!r}, only over 'sample'")
    items = []
    for turn in follow_ups(split):
        searched, hits = assistant.passages(turn.question, turn.history)
        item: dict[str, Any] = {
            "id": turn.id, "kind": turn.kind, "rewrote": len(searched) > 1,
            "raw": recall(assistant.passages(turn.question)[1], turn.gold),
            "rewritten": recall(hits, turn.gold),
            "full": recall(assistant.passages(turn.standalone)[1], turn.gold),
        }  # fmt: skip
        items.append(item)
        if misses and turn.split == "dev" and item["rewritten"] < item["full"]:
            print(f"{turn.id} {turn.kind} {turn.question}\n    -> {searched[0]}")
    return {"figures": _figures(items), "items": items}


def _figures(items: list[dict[str, Any]]) -> dict[str, Any]:
    kinds = sorted({item["kind"] for item in items})
    figures: dict[str, Any] = {"follow-ups": len(items)}
    for label, mine in (
        ("all", items),
        *((f"  {kind}", [i for i in items if i["kind"] == kind]) for kind in kinds),
    ):
        sums = {form: sum(item[form] for item in mine) for form in _FORMS}
        shown = " ".join(f"{form} {sums[form] / len(mine):.3f}" for form in _FORMS if mine)
        share = f" rewritten/full {sums['rewritten'] / sums['full']:.3f}" if sums["full"] else ""
        figures[f"{label} recall@{_DEPTH}"] = f"{shown}{share} (n={len(mine)})"
    new = [item for item in items if item["kind"] == "topic_change"]
    figures["new topics left as they are"] = f"{sum(not i['rewrote'] for i in new)}/{len(new)}"
    return figures
