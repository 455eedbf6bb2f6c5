"""Gradient-boosted trees evaluated with numpy, read from JSON.

Trained by `eval.training` with scikit-learn; a shipped model is a few dozen small trees. Knows
arrays, not what a feature means.

Source: Friedman, "Greedy function approximation: a gradient boosting machine", Annals of
Statistics 29(5), 2001.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from corpus.errors import ModelError

__all__ = ["Trees", "load_trees"]


class Trees:
    """A sum of regression trees, for one or more outputs.

    Args:
        names: of the features, in order.
        feature: of shape (n_trees, n_nodes), the feature each node looks at; -1 in leaves.
        threshold: of the same shape; a value at most this goes left.
        left: of the same shape, number of the left child; a leaf is its own child.
        right: of the same shape.
        value: of the same shape, what a leaf adds to the score.
        output: of shape (n_trees,), the output that each tree adds to.
        baseline: of shape (n_outputs,).
        depth: longest way from a root to a leaf.
        facts: numbers that were fitted with the trees, such as thresholds.
    """

    def __init__(  # noqa: PLR0913  (arrays of one model, made by `from_object`)
        self,
        *,
        names: Sequence[str],
        feature: NDArray[np.int32],
        threshold: NDArray[np.float32],
        left: NDArray[np.int32],
        right: NDArray[np.int32],
        value: NDArray[np.float32],
        output: NDArray[np.int32],
        baseline: NDArray[np.float64],
        depth: int,
        facts: Mapping[str, float] | None = None,
    ) -> None:
        self.names = tuple(names)
        self.facts = dict(facts or {})
        self._output, self._baseline, self._depth = output, baseline, depth
        # all trees one behind the other; the children of node i are 2i (left) and 2i + 1
        self._roots = np.arange(len(feature), dtype=np.intp) * feature.shape[-1]
        self._feature = np.maximum(feature, 0).astype(np.intp).ravel()
        self._threshold, self._value = threshold.ravel(), value.ravel()
        children = np.stack([left, right], axis=-1) + self._roots[:, None, None]
        self._children = children.astype(np.intp).ravel()

    @classmethod
    def from_object(cls, model: dict[str, object]) -> Trees:
        """The trees of a parsed JSON object, as `eval.training.boosting` writes it."""
        return cls(
            names=[str(name) for name in _list(model["names"])],
            feature=np.array(model["feature"], np.int32),
            threshold=np.array(model["threshold"], np.float32),
            left=np.array(model["left"], np.int32),
            right=np.array(model["right"], np.int32),
            value=np.array(model["value"], np.float32),
            output=np.array(model["output"], np.int32),
            baseline=np.array(model["baseline"], np.float64),
            depth=int(str(model["depth"])),
            facts={k: float(v) for k, v in model.items() if isinstance(v, (int, float))},
        )

    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Raw scores; costs the depth times a look-up per row and tree.

        Args:
            rows: features of shape (n, n_features).

        Returns:
            Log-odds of shape (n, n_outputs).
        """
        n = len(rows)
        flat = np.ascontiguousarray(rows).ravel()
        first = np.arange(n)[:, None] * rows.shape[1]
        at = np.tile(self._roots, (n, 1))
        for _ in range(self._depth):
            values = flat.take(self._feature.take(at) + first)
            # not "greater": a value that is no number goes right
            goes_right = ~(values <= self._threshold.take(at))
            at = self._children.take(2 * at + goes_right)
        leaves = self._value.take(at).astype(np.float64)
        out = np.tile(self._baseline, (n, 1))
        for k in range(len(self._baseline)):
            out[:, k] += leaves[:, self._output == k].sum(axis=1)
        return out

    def probability(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability of the positive class, of shape (n,), for a model with one output."""
        scores = self.scores(rows)[:, 0]
        small = np.exp(-np.abs(scores))  # of the sign that cannot overflow
        found: NDArray[np.float64] = np.where(scores >= 0, 1.0, small) / (1.0 + small)
        return found

    def probabilities(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability of each class, of shape (n, n_outputs), for a model with several outputs."""
        scores = self.scores(rows)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return found


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {type(value).__name__}")
    return value


def load_trees(name: str, features: Sequence[str]) -> Trees:
    """The trees that ship as `assistant/models/NAME.json`.

    Args:
        name: of the model.
        features: what the caller computes, in order.

    Raises:
        ModelError: the file is missing or damaged, or was trained on other features.
    """
    try:
        text = files("assistant").joinpath(f"models/{name}.json").read_text(encoding="utf-8")
        trees = Trees.from_object(json.loads(text))
        if trees.names != tuple(features):
            raise ValueError("it was trained on other features")
        return trees
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"assistant/models/{name}.json cannot be read ({error}): install youju again"
        ) from None
