"""Training questions over a few passages: each with and without the one that answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from eval.beir import is_dev
from eval.training.answerable import errors
from eval.training.small import small_public

TEXTS = {
    "river": "The river Oder rises in the Oder Mountains. It is 840 km long.",
    "rhine": "The river Rhine rises in the Swiss Alps and is a border of four countries.",
    "elbe": "The river Elbe rises in the Giant Mountains and ends in the North Sea.",
    "main": "The river Main flows through Frankfurt and ends in the Rhine.",
    "neckar": "The river Neckar rises in the Black Forest near Schwenningen.",
}


def test_a_question_is_asked_with_and_without_its_passage(tmp_path: Path) -> None:
    base = tmp_path / "rivers"
    base.mkdir()
    query = next(name for name in map(str, range(99)) if is_dev(name))
    rows = {
        "corpus": [{"_id": k, "id": k, "title": k, "text": text} for k, text in TEXTS.items()],
        "queries": [{"_id": query, "id": query, "text": "How long is the river Oder?"}],
        "answers": [{"id": query, "answers": ["840 km"]}],
    }
    for name, of in rows.items():
        lines = "".join(f"{json.dumps(row)}\n" for row in of)
        (base / f"{name}.jsonl").write_text(lines, "utf-8")
    (base / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{query}\triver\t1\n", "utf-8")
    held, lacking = small_public(tmp_path, "rivers", 5)
    assert (held.answerable, lacking.answerable) == (True, False)
    assert held.group == lacking.group == "rivers:river.md"
    right = [c.text for c, label in zip(held.found, held.labels, strict=True) if label]
    assert right == ["It is 840 km long."]
    assert not lacking.labels.any()
    assert not any("840" in c.text for c in lacking.found)
    assert {c.hit.note.path for c in lacking.found} <= {f"note-{letter}.md" for letter in "abcde"}


def test_both_errors_are_counted_by_set() -> None:
    sets = ["a", "a", "a", "b"]
    answerable, sure = np.array([True, True, False, True]), np.array([0.9, 0.1, 0.6, 0.5])
    found = errors(sets, answerable, sure, 0.5)
    assert found["a"] == (0.5, 1.0)
    assert found["b"][0] == 0.0
    assert np.isnan(found["b"][1])
