"""Reads a claim and a passage word for word against each other: a small network, in numpy.

Every token of the claim looks for itself in the passage and every token of the passage in the
claim, by the built-in encoder's token vectors and by identity; what was found is compared with
what was looked for, among its neighbours, and summed up into three log probabilities. Trained by
`python -m eval.training.interaction` from nothing but the token vectors. Knows texts, not notes;
`grounding` calls it, `judging` weighs it among its features.

Source: after Parikh et al., "A decomposable attention model for natural language inference",
EMNLP 2016, and Chen et al., "Enhanced LSTM for natural language inference", ACL 2017, with
convolutions of width 3 in place of the recurrence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from corpus.encoder import BUILT_IN, Encoder, StaticEncoder, built_in
from corpus.errors import ModelError

__all__ = ["KINDS", "LIMITS", "Interaction", "Text", "kinds_of", "load_interaction", "weights_of"]

_Array = NDArray[np.float32]

# Most tokens that are read of a claim, of what stands above a passage, of the passage itself.
LIMITS = (56, 20, 120)
KINDS = ("digit", "denial", "latin", "mark")
_DENIALS = frozenset(
    "不 没 没有 无 非 并非 不是 未 不能 不会 无法 无需 不再 不用 不需要 否 "
    "never not no without cannot n't nor none".split()
)
_BATCH = 16  # pairs of about one length that are read together
_FAR = np.float32(-1e4)


@dataclass(frozen=True, slots=True)
class Text:
    """A passage, and what stands above it: title, headings, the line that governs it."""

    above: str
    text: str


def kinds_of(token: str) -> tuple[float, ...]:
    """Which of KINDS a token of the encoder is, 0 or 1 each."""
    plain = token.strip("▁ ")
    return (
        float(any(c.isdigit() for c in plain)),
        float(plain in _DENIALS or plain[:1] in tuple("不没无未")),
        float(re.fullmatch(r"[a-z\-_.+]+", plain) is not None),
        float(re.fullmatch(r"\W*", plain) is not None),
    )


class Interaction:
    """The network with its weights. Threads may share it.

    Args:
        weights: by name, as `eval.training.interaction` writes them.
        encoder: the built-in encoder, whose tokens were read in training.

    Raises:
        ValueError: a weight is missing, or its shape is another.
    """

    def __init__(self, weights: Mapping[str, NDArray[np.generic]], encoder: StaticEncoder) -> None:
        try:
            w = {name: np.asarray(weights[name], np.float32) for name in _SHAPES}
        except KeyError as missing:
            raise ValueError(f"it lacks {missing}") from None
        width = w["P.weight"].shape[0]
        for name, shape in _SHAPES.items():
            if w[name].shape != tuple(_size(n, width, encoder.dim) for n in shape):
                raise ValueError(f"{name} is of shape {w[name].shape}")
        self._w = w
        # of width 3: the token before, the token, the token behind; each (width in, width out)
        self._near = [np.ascontiguousarray(w["conv.weight"][:, :, i].T) for i in range(3)]
        self._found = [np.ascontiguousarray(w["conv2.weight"][:, :, i].T) for i in range(3)]
        self._encoder = encoder
        self._kinds = lru_cache(maxsize=1 << 16)(self._kinds_of)

    def read(self, claim: str, texts: Sequence[Text]) -> _Array:
        """Log probabilities that each passage supports a claim, contradicts it, does neither.

        Args:
            claim: one statement.
            texts: passages.

        Returns:
            float32 of shape (len(texts), 3), in the order of `judging.LABELS`; "does neither" of
            probability 1 where either side holds no known token.
        """
        out = np.tile(np.array([-20.0, -20.0, 0.0], np.float32), (len(texts), 1))
        ours = self._encoder.token_ids(claim)[: LIMITS[0]]
        theirs = [self._ids(text) for text in texts]
        known = [i for i, (ids, above) in enumerate(theirs) if len(ids) > above and len(ours)]
        known.sort(key=lambda i: len(theirs[i][0]))
        for start in range(0, len(known), _BATCH):
            some = known[start : start + _BATCH]
            out[some] = self._forward(ours, [theirs[i] for i in some])
        return out

    def _ids(self, text: Text) -> tuple[NDArray[np.intp], int]:
        """The tokens of what stands above and of the passage; how many are of the former."""
        above = self._encoder.token_ids(" ".join(text.above.split()))[: LIMITS[1]]
        own = self._encoder.token_ids(text.text)[: LIMITS[2]]
        return np.concatenate([above, own]), len(above)

    def _kinds_of(self, token: int) -> tuple[float, ...]:
        return kinds_of(self._encoder.token(token))

    def _forward(
        self, ours: NDArray[np.intp], theirs: Sequence[tuple[NDArray[np.intp], int]]
    ) -> _Array:
        n, longest = len(theirs), max(len(ids) for ids, _ in theirs)
        b = np.zeros((n, longest), np.intp)
        mask, above = np.zeros((n, longest), np.float32), np.zeros((n, longest), np.float32)
        for i, (ids, count) in enumerate(theirs):
            b[i, : len(ids)], mask[i, : len(ids)], above[i, :count] = ids, 1.0, 1.0
        every, at = np.unique(np.concatenate([ours, b.ravel()]), return_inverse=True)
        a_at, b_at = at[: len(ours)], at[len(ours) :].reshape(b.shape)
        vectors = self._encoder.token_vectors(every, self._encoder.dim)
        weights = self._weights(every)
        marks = np.array([self._kinds(int(token)) for token in every], np.float32)
        base = vectors @ self._w["P.weight"].T + self._w["P.bias"]
        base += np.column_stack([marks, weights]) @ self._w["Fe.weight"][:, :5].T
        same = (ours[None, :, None] == b[:, None, :]).astype(np.float32) * mask[:, None, :]
        raw = (vectors[a_at] @ vectors.T)[:, b_at].transpose(1, 0, 2)
        ones = np.ones((n, len(ours)), np.float32)
        claim = _Side(
            hidden=self._encoded(
                np.broadcast_to(base[a_at], (n, len(ours), base.shape[1])),
                ones, same.max(2), 0 * ones,
            ),
            mask=ones, counts=ones,
            weights=np.broadcast_to(weights[a_at], ones.shape),
            digits=np.broadcast_to(marks[a_at, 0], ones.shape),
        )  # fmt: skip
        passage = _Side(
            hidden=self._encoded(base[b_at], mask, same.max(1), above),
            mask=mask, counts=mask * (1 - above), weights=weights[b_at], digits=marks[b_at, 0],
        )  # fmt: skip
        score = self._w["temp"] * (_unit(claim.hidden) @ _unit(passage.hidden).transpose(0, 2, 1))
        score += self._w["raw"] * raw + self._w["bonus"] * same
        aside = self._w["ctxb"] * above[:, None, :]
        of_claim, held, near = self._compared(claim, passage, score + aside, raw, same)
        of_passage, _, _ = self._compared(
            passage, claim, *(x.transpose(0, 2, 1) for x in (score, raw, same))
        )
        sizes = np.log1p(np.stack([ones.sum(1), mask.sum(1)], 1)) / np.array([3, 4], np.float32)
        row = np.concatenate([of_claim, of_passage, np.stack([held, near], 1), sizes], 1)
        last = _gelu(row @ self._w["h1.weight"].T + self._w["h1.bias"])
        logits = last @ self._w["h2.weight"].T + self._w["h2.bias"]
        logits -= logits.max(1, keepdims=True)
        found: _Array = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        return found.astype(np.float32)

    def _weights(self, tokens: NDArray[np.intp]) -> _Array:
        found: _Array = np.clip(self._encoder.token_weights(tokens) / self._w["weight_unit"], 0, 3)
        return found.astype(np.float32)

    def _encoded(self, base: _Array, mask: _Array, same: _Array, above: _Array) -> _Array:
        """Tokens among their neighbours, (n, length, width)."""
        by_pair = np.stack([same, above], -1) @ self._w["Fe.weight"][:, 5:].T
        x = _gelu(base + by_pair) * mask[..., None]
        found: _Array = (x + _gelu(_wide(x, self._near) + self._w["conv.bias"])) * mask[..., None]
        return found

    def _compared(
        self, side: _Side, other: _Side, score: _Array, raw: _Array, same: _Array
    ) -> tuple[_Array, _Array, _Array]:
        """What a side found on the other: (n, 3 * width); shares found by identity, by cosine."""
        hides = other.mask[:, None, :] == 0
        share = _softmax(np.where(hides, _FAR, score))
        h, found = side.hidden, share @ other.hidden
        near = np.where(hides, np.float32(-1), raw).max(-1)
        exact = same.max(-1)
        row = np.concatenate(
            [
                h, found, np.abs(h - found), h * found,
                np.stack([near, exact, share.max(-1), side.weights, side.digits], -1),
            ],
            -1,
        )  # fmt: skip
        counts = side.counts
        v = _gelu(row @ self._w["cmp.weight"].T + self._w["cmp.bias"]) * counts[..., None]
        v = v + _gelu(_wide(v, self._found) + self._w["conv2.bias"])
        heed = (v @ self._w["att.weight"].T)[..., 0] + self._w["att.bias"]
        heeded = _softmax(np.where(counts == 0, _FAR, heed))
        total = np.maximum(counts.sum(1, keepdims=True), 1)
        mean = (v * counts[..., None]).sum(1) / total
        top = np.where(counts[..., None] == 0, _FAR, v).max(1)
        heavy = side.weights * counts
        sums = np.maximum(heavy.sum(1), np.float32(1e-6))
        parts = np.concatenate([mean, top, (v * heeded[..., None]).sum(1)], -1)
        return parts, (heavy * exact).sum(1) / sums, (heavy * near).sum(1) / sums


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One side of some pairs: hidden (n, length, width), all others (n, length).

    `mask` tells tokens from padding, `counts` those that are summed up, too.
    """

    hidden: _Array
    mask: _Array
    counts: _Array
    weights: _Array
    digits: _Array


_SHAPES: dict[str, tuple[object, ...]] = {
    "P.weight": ("w", "d"), "P.bias": ("w",), "Fe.weight": ("w", 7), "conv.weight": ("w", "w", 3),
    "conv.bias": ("w",), "temp": (), "bonus": (), "raw": (), "ctxb": (),
    "cmp.weight": ("w", "4w+5"), "cmp.bias": ("w",), "conv2.weight": ("w", "w", 3),
    "conv2.bias": ("w",), "att.weight": (1, "w"),
    "att.bias": (1,), "h1.weight": ("w", "6w+4"), "h1.bias": ("w",), "h2.weight": (3, "w"),
    "h2.bias": (3,), "weight_unit": (),
}  # fmt: skip


def _size(of: object, width: int, dim: int) -> int:
    named = {"w": width, "d": dim, "4w+5": 4 * width + 5, "6w+4": 6 * width + 4}
    return of if isinstance(of, int) else named[str(of)]


def _wide(x: _Array, weights: Sequence[_Array]) -> _Array:
    """Convolution of width 3 over the tokens, none before the first and behind the last."""
    before, here, behind = weights
    out = x @ here
    out[:, 1:] += x[:, :-1] @ before
    out[:, :-1] += x[:, 1:] @ behind
    return out


def _gelu(x: _Array) -> _Array:
    """Hendrycks and Gimpel, "Gaussian error linear units", 2016, by their hyperbolic tangent.

    x times the logistic function of 2z is x / 2 (1 + tanh z).
    """
    z = np.float32(1.5957691) * (x + np.float32(0.044715) * x * x * x)
    found: _Array = x / (1 + np.exp(-np.clip(z, -60, 60)))
    return found


def _softmax(x: _Array) -> _Array:
    powers = np.exp(x - x.max(-1, keepdims=True))
    found: _Array = powers / powers.sum(-1, keepdims=True)
    return found


def _unit(x: _Array) -> _Array:
    found: _Array = x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), np.float32(1e-12))
    return found


def weights_of(content: bytes) -> dict[str, NDArray[np.generic]]:
    """Weights by name from the contents of a file of safetensors; ValueError where it is none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(content))
    except SafetensorError as error:
        raise ValueError(str(error)) from None


def load_interaction(encoder: Encoder | None = None) -> Interaction:
    """The network that ships.

    Args:
        encoder: used if it is the built-in one at its full length; it is loaded otherwise.

    Raises:
        ModelError: the file is missing or damaged, or the built-in encoder is.
    """
    name = "assistant/models/interaction.safetensors"
    try:
        content = files("assistant").joinpath("models/interaction.safetensors").read_bytes()
    except OSError as error:
        raise ModelError(f"{name} cannot be read ({error}): install youju again") from None
    if not isinstance(encoder, StaticEncoder) or encoder.name != BUILT_IN:
        encoder = built_in()
    try:
        return Interaction(weights_of(content), encoder)
    except ValueError as error:
        raise ModelError(f"{name} cannot be used ({error}): install youju again") from None
