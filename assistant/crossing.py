"""An optional reranker: a CrossEncoder of sentence-transformers by name, or an endpoint.

It reads question and passage at once and puts the first hits in its order, behind the built-in
reranker; loaded only where a person names one. Knows texts and scores, not how hits are found.
Called by `retrieval`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.types import Hit
from corpus.encoder import is_endpoint
from corpus.errors import ModelError
from corpus.hub import load_model

if TYPE_CHECKING:  # most people name none
    from corpus.remote import RemoteReranker

__all__ = ["CROSSED", "Cross", "Reranker", "load_reranker"]

CROSSED = 30  # hits it reads; a small model takes a second for them on a CPU


class Reranker(Protocol):
    """Scores hits for a query. Threads may share it."""

    def scores(self, query: str, hits: Sequence[Hit]) -> NDArray[np.float64]:
        """How well each hit answers, of shape (len(hits),); higher is better.

        Raises:
            ModelError: it cannot give a number for each hit.
        """
        ...


def load_reranker(name: str, *, device: str | None = None) -> Reranker:
    """The reranker of a name: a model, its folder, or an address.

    Args:
        name: of a CrossEncoder, or the address of an endpoint (`http://HOST:PORT/v1#MODEL`,
            `http://HOST:PORT#tei`), which is not asked yet.
        device: for a model, as torch writes it; None lets sentence-transformers choose.

    Raises:
        ConfigError: the address is none.
        ModelError: there is no such model, or it is no reranker.
    """
    if is_endpoint(name):
        from corpus.remote import RemoteReranker

        return _Asked(RemoteReranker(name))
    return Cross(name, device=device)


class _Asked:
    """An endpoint as a `Reranker`; its scores are the endpoint's, of whatever range."""

    def __init__(self, endpoint: RemoteReranker) -> None:
        self._endpoint = endpoint

    def scores(self, query: str, hits: Sequence[Hit]) -> NDArray[np.float64]:
        """See `Reranker.scores`."""
        return self._endpoint.scores(query, [_text(hit) for hit in hits])


class Cross:
    """A named CrossEncoder. Threads may share it.

    Args:
        name: of a model on the hub (`BAAI/bge-reranker-v2-m3`), or its folder.
        device: as torch writes it; None lets sentence-transformers choose.

    Raises:
        ModelError: there is no such model, it cannot be read, or it gives classes, not a score.
    """

    def __init__(self, name: str, *, device: str | None = None) -> None:
        self._model: Any = load_model("CrossEncoder", name, option="--reranker", device=device)
        if int(self._model.num_labels) != 1:
            raise ModelError(
                f"{name!r} gives {self._model.num_labels} classes, not one score: name a reranker"
            )
        self.name = name

    def scores(self, query: str, hits: Sequence[Hit]) -> NDArray[np.float64]:
        """How well each hit answers, in [0, 1], of shape (len(hits),).

        Raises:
            ModelError: the model gives values that are no numbers.
        """
        from torch.nn import Identity

        if not hits:
            return np.zeros(0)
        pairs = [(query, _text(hit)) for hit in hits]
        # logits, whatever the model's own activation is
        found = self._model.predict(pairs, show_progress_bar=False, activation_fn=Identity())
        logits = np.asarray(found, np.float64).reshape(len(hits))
        if not np.isfinite(logits).all():
            raise ModelError(f"the reranker {self.name} gives values that are no numbers")
        scores: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(logits, -500, 500)))
        return scores


def _text(hit: Hit) -> str:
    """Title and headings, then the passage, as the encoder sees it."""
    trail = " > ".join(dict.fromkeys([hit.note.title, *hit.chunk.heading]))
    return f"{trail}\n{hit.text}"
