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
    **options: Any,  # noqa: ANN401  (passed on to scikit-learn)
) -> Any:  # noqa: ANN401  (scikit-learn has no annotations)
    """A fitted `HistGradientBoostingClassifier`; deterministic for a seed."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    settings = {
        "max_iter": 160, "learning_rate": 0.07, "max_leaf_nodes": 12, "min_samples_leaf": 25,
        "l2_regularization": 2.0, "max_features": 0.5,
    }  # fmt: skip
    model = HistGradientBoostingClassifier(**{**settings, **options}, random_state=seed)
    return model.fit(rows, labels, sample_weight=weights)


def tree_object(model: Any, names: Sequence[str], **facts: object) -> dict[str, object]:  # noqa: ANN401
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
                # the next smaller float32: `x <= threshold` must mean the same in both precisions
                threshold[t, n] = np.float32(node["num_threshold"])
                left[t, n], right[t, n] = node["left"], node["right"]
    depth = max(int(nodes["depth"].max()) for _, nodes in trees)
    return {
        **facts,
        "names": list(names),
        "depth": depth,
        "baseline": np.ravel(model._baseline_prediction).tolist(),
        "output": [k for k, _ in trees],
        "feature": feature.tolist(),
        "threshold": [[round(float(x), 6) for x in row] for row in threshold],
        "left": left.tolist(),
        "right": right.tolist(),
        "value": [[round(float(x), 6) for x in row] for row in value],
    }


def write_trees(path: Path, model: dict[str, object]) -> None:
    """Write a tree object as one line of JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(model, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
