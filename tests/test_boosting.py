"""The trees that are written down say what scikit-learn's model says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.trees import Trees
from eval.training.boosting import fit, tree_object, write_trees

pytest.importorskip("sklearn")
SMALL = {"max_iter": 6, "min_samples_leaf": 5}


def rows_of(n: int, seed: int) -> NDArray[np.float32]:
    """Features as the product has them: shares, counts, flags, and values next to each other."""
    rng = np.random.default_rng(seed)
    shares = rng.integers(0, 8, n) / rng.integers(1, 8, n)
    near = np.float32(0.3) + rng.integers(0, 4, n) * np.spacing(np.float32(0.3))
    columns = [rng.normal(size=n), shares, rng.integers(0, 3, n), near, rng.normal(size=n) * 1e-7]
    return np.stack(columns, axis=1).astype(np.float32)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_written_trees_predict_what_scikit_learn_predicts(tmp_path: Path, n_classes: int) -> None:
    rows = rows_of(300, seed=1)
    score = rows[:, 0] + (rows[:, 3] > np.float32(0.3)) + (rows[:, 4] > 0)
    labels = np.digitize(score, np.quantile(score, np.arange(1, n_classes) / n_classes))
    model = fit(rows, labels.astype(np.int64), **SMALL)
    write_trees(tmp_path / "deep" / "toy.json", tree_object(model, list("abcde"), cut=0.5))
    read = Trees.from_object(json.loads((tmp_path / "deep" / "toy.json").read_text("utf-8")))
    unseen = np.concatenate([rows, rows_of(300, seed=2)])
    expected = model.decision_function(unseen).reshape(len(unseen), -1)
    assert np.allclose(read.scores(unseen), expected, atol=1e-5)
    given = read.probability(unseen) if n_classes == 2 else read.probabilities(unseen)
    wanted = model.predict_proba(unseen)
    assert np.allclose(given, wanted[:, 1] if n_classes == 2 else wanted, atol=1e-5)
    assert (read.names, read.facts["cut"]) == (tuple("abcde"), 0.5)


def test_a_fit_is_the_same_for_a_seed() -> None:
    rows = rows_of(200, seed=3)
    labels = (rows[:, 0] > 0).astype(np.int64)
    one, other = (tree_object(fit(rows, labels, seed=7, **SMALL), list("abcde")) for _ in range(2))
    assert one == other
