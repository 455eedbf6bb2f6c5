from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assistant import trees
from assistant.trees import Trees, load_trees
from corpus.errors import ModelError

# One tree for each of two outputs: x0 <= 0.5 ? 1 : (x1 <= 2 ? 2 : 4), and a leaf alone.
MODEL: dict[str, object] = {
    "names": ["x0", "x1"],
    "depth": 2,
    "baseline": [0.25, -1.0],
    "output": [0, 1],
    "feature": [[0, -1, 1, -1, -1], [-1, -1, -1, -1, -1]],
    "threshold": [[0.5, 0, 2.0, 0, 0], [0, 0, 0, 0, 0]],
    "left": [[1, 1, 3, 3, 4], [0, 1, 2, 3, 4]],
    "right": [[2, 1, 4, 3, 4], [0, 1, 2, 3, 4]],
    "value": [[0, 1, 0, 2, 4], [8, 0, 0, 0, 0]],
    "cut": 0.4,
}
ROWS = np.array([[0.5, 9], [0.6, 2], [0.6, 2.1]], np.float32)


def test_a_row_adds_the_leaf_it_ends_in() -> None:
    model = Trees.from_object(MODEL)
    assert model.scores(ROWS).tolist() == [
        [0.25 + 1, -1 + 8],
        [0.25 + 2, -1 + 8],
        [0.25 + 4, -1 + 8],
    ]


def test_no_rows_give_no_scores() -> None:
    model = Trees.from_object(MODEL)
    assert model.scores(np.zeros((0, 2), np.float32)).shape == (0, 2)
    assert model.probability(np.zeros((0, 2), np.float32)).shape == (0,)


def test_probabilities_are_logistic_and_normalised() -> None:
    model = Trees.from_object(MODEL)
    assert model.probability(ROWS)[0] == pytest.approx(1 / (1 + np.exp(-1.25)))
    several = model.probabilities(ROWS)
    assert np.allclose(several.sum(axis=1), 1)
    assert several[0, 0] == pytest.approx(np.exp(1.25) / (np.exp(1.25) + np.exp(7)))


def test_extreme_scores_do_not_overflow() -> None:
    model = Trees.from_object({**MODEL, "baseline": [2000.0, -2000.0]})
    assert model.probability(ROWS).tolist() == [1, 1, 1]
    assert model.probabilities(ROWS)[:, 0].tolist() == [1, 1, 1]
    low = Trees.from_object({**MODEL, "baseline": [-2000.0, 0.0]})
    assert low.probability(ROWS).tolist() == [0, 0, 0]


def test_facts_are_the_numbers_beside_the_trees() -> None:
    model = Trees.from_object(MODEL)
    assert model.names == ("x0", "x1")
    assert model.facts["cut"] == 0.4


def put(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    (folder / "models").mkdir()
    (folder / "models" / "toy.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(trees, "files", lambda _: folder)


def test_a_model_is_loaded_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put(monkeypatch, tmp_path, json.dumps(MODEL))
    assert load_trees("toy", ["x0", "x1"]).scores(ROWS)[0, 0] == 1.25


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        json.dumps({**MODEL, "value": [["a"]]}),
        json.dumps({**MODEL, "names": 3}),
    ],
)
def test_a_damaged_model_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    put(monkeypatch, tmp_path, text)
    with pytest.raises(ModelError, match=r"models/toy\.json cannot be read"):
        load_trees("toy", ["x0", "x1"])


def test_a_missing_model_or_one_of_other_features_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(monkeypatch, tmp_path, json.dumps(MODEL))
    with pytest.raises(ModelError, match="other features"):
        load_trees("toy", ["x1", "x0"])
    with pytest.raises(ModelError, match="none"):
        load_trees("none", ["x0", "x1"])
