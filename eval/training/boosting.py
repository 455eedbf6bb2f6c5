"""Boosted trees of scikit-learn, fitted and written down as `assistant.trees` reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["fit", "tree_object", "write_trees"]


def fit(
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    weights: NDArray[np.float64] | None = None,
    seed: int = 0,
    **options: Any,
) -> Any:
    """A fitted `HistGradientBoostingClassifier`; deterministic for a seed."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    settings = {
        "max_iter": 160, "learning_rate": 0.07, "max_leaf_nodes": 12, "min_samples_leaf": 25,
        "l2_regularization": 2.0, "max_features": 0.5,
    }  # fmt: skip
    model = HistGradientBoostingClassifier(**{**settings, **options}, random_state=seed)
    return model.fit(rows, labels, sample_weight=weights)


def tree_object(model: Any, names: Sequence[str], **facts: object) -> dict[str, object]:
    """The trees as plain lists.

    Args:
        model: a fitted classifier of two or more classes.
        names: of the features, in order.
        facts: kept beside them: thresholds, data, figures.
    """
    trees = [(k, tree.nodes) for step in model._predictors for k, tree in enumerate(step)]
    size = max(len(nodes) for _, nodes in trees)
    shape = (len(trees), size)
    feature = np.full(shape, -1, np.int32)
    threshold, value = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    left = np.tile(np.arange(size, dtype=np.int32), (len(trees), 1))
    right = left.copy()
    for t, (_, nodes) in enumerate(trees):
        for n, node in enumerate(nodes):
            value[t, n] = node["value"]
            if not node["is_leaf"]:
                feature[t, n] = node["feature_idx"]
                threshold[t, n] = _not_above(node["num_threshold"])
                left[t, n], right[t, n] = node["left"], node["right"]
    depth = max(int(nodes["depth"].max()) for _, nodes in trees)
    return {
        **facts,
        "names": list(names),
        "depth": depth,
        "baseline": np.ravel(model._baseline_prediction).tolist(),
        "output": [k for k, _ in trees],
        "feature": feature.tolist(),
        "threshold": [[_shortest(x) for x in row] for row in threshold],
        "left": left.tolist(),
        "right": right.tolist(),
        "value": [[_shortest(x) for x in row] for row in value],
    }


def _not_above(threshold: float) -> np.float32:
    """The largest float32 not above a threshold: `x <= threshold` means the same for a float32."""
    near = np.float32(threshold)
    return near if float(near) <= threshold else np.nextafter(near, np.float32(-np.inf))


def _shortest(number: np.float32) -> float:
    """The shortest decimal that is read back as the same float32."""
    return float(np.format_float_scientific(number, unique=True))


def write_trees(path: Path, model: dict[str, object]) -> None:
    """Write a tree object as one line of JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(model, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
