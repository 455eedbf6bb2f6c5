"""A small network that reads a claim beside a passage, token by token; `interaction` trains it.

Both texts are tokens of the built-in encoder with its vectors, frozen, projected; every token sees
its neighbours, is compared with what it is aligned with on the other side, and the comparisons
are summed up. Knows pairs of texts, not where they come from. Needs torch.

Sources: Parikh et al., "A decomposable attention model for natural language inference", EMNLP
2016; Chen et al., "Enhanced LSTM for natural language inference", ACL 2017.
"""

from __future__ import annotations

import logging
import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

from assistant.judging import LABELS
from corpus.encoder import StaticEncoder

__all__ = ["Example", "Network", "Read", "Tokens", "load_weights", "said", "train", "weights_of"]

logger = logging.getLogger(__name__)

_CLAIM, _HEAD, _PASSAGE = 56, 20, 120  # tokens of each that are read
_FAR = -1e4  # logit of what is not there
_DENIALS = frozenset(
    "不 没 没有 无 非 并非 不是 未 不能 不会 无法 无需 不再 不用 不需要 否 "
    "never not no without cannot n't nor none".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Numbers of the tokens of a pair; none of `claim` and `text` is empty."""

    claim: NDArray[np.intp]
    head: NDArray[np.intp]
    text: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.claim) + len(self.head) + len(self.text)


class Tokens:
    """What is known of the built-in encoder's tokens, as tensors.

    Attributes:
        vectors: of length 1, (n_tokens, dim).
        weights: how much each adds to a text's vector, the usual one 1, in [0, 3]; (n_tokens,).
        usual: the median of what tokens add that add anything.
        marks: whether it holds a digit, denies, is Latin, is punctuation; 0 or 1, (n_tokens, 4).
    """

    def __init__(self, encoder: StaticEncoder) -> None:
        self._encoder = encoder
        tokenizer = Tokenizer.from_file(str(encoder.folder / "tokenizer.json"))
        names = [tokenizer.id_to_token(n) or "" for n in range(tokenizer.get_vocab_size())]
        every = np.arange(len(names))
        self.vectors = torch.from_numpy(encoder.token_vectors(every, encoder.dim))
        weights = encoder.token_weights(every)
        self.usual = float(np.median(weights[weights > 0]))
        self.weights = torch.from_numpy(np.clip(weights / self.usual, 0, 3).astype(np.float32))
        self.marks = torch.tensor([_marks(name) for name in names])

    def read(self, claim: str, head: str, text: str) -> Read | None:
        """The tokens of a pair; None where claim or text has none."""
        of = self._encoder.token_ids
        ours, theirs = of(claim)[:_CLAIM], of(text)[:_PASSAGE]
        if not len(ours) or not len(theirs):
            return None
        above = of(head.replace("\n", " "))[:_HEAD] if head else ours[:0]
        return Read(claim=ours, head=above, text=theirs)


def _marks(token: str) -> tuple[float, float, float, float]:
    plain = token.strip("▁ ")
    return (
        float(any(c.isdigit() for c in plain)),
        float(plain in _DENIALS or plain[:1] in tuple("不没无未")),
        float(bool(re.fullmatch(r"[a-z\-_.+]+", plain))),
        float(not re.search(r"\w", plain)),
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """Tokens of one side of a batch: numbers, which there are, which stand above; (n, length)."""

    ids: torch.Tensor
    held: torch.Tensor
    above: torch.Tensor


def _batch(rows: Sequence[Read]) -> tuple[_Side, _Side]:
    ours = [row.claim for row in rows]
    theirs = [np.concatenate([row.head, row.text]) for row in rows]
    return _padded(ours, [0] * len(rows)), _padded(theirs, [len(row.head) for row in rows])


def _padded(texts: Sequence[NDArray[np.intp]], heads: Sequence[int]) -> _Side:
    shape = (len(texts), max(len(ids) for ids in texts))
    ids = np.zeros(shape, np.int64)
    held, above = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for n, (text, head) in enumerate(zip(texts, heads, strict=True)):
        ids[n, : len(text)], held[n, : len(text)], above[n, :head] = text, 1, 1
    return _Side(torch.from_numpy(ids), torch.from_numpy(held), torch.from_numpy(above))


_NAMES = {
    "project": "P", "signs": "Fe", "around": "conv", "projected": "temp", "plain": "raw",
    "equal": "bonus", "heading": "ctxb", "compare": "cmp", "between": "conv2", "look": "att",
    "whole": "h1", "last": "h2",
}  # fmt: skip


def _gelu(x: torch.Tensor) -> torch.Tensor:
    """In the form that numpy has, too."""
    return functional.gelu(x, approximate="tanh")


class Network(nn.Module):
    """Three logits (LABELS) of a claim beside a passage.

    Args:
        tokens: of the encoder; they are no weights of it.
        width: of the projection and of everything behind it.
        drop: share of values that are left out in training.
    """

    def __init__(self, tokens: Tokens, *, width: int = 64, drop: float = 0.15) -> None:
        super().__init__()
        self.tokens = tokens
        self.project = nn.Linear(tokens.vectors.shape[1], width)
        self.signs = nn.Linear(7, width, bias=False)
        self.around = nn.Conv1d(width, width, 3, padding=1)
        # weights of the alignment: of the projections, of the vectors, of the same token, and
        # what a token of a heading gets besides
        self.projected, self.plain = (
            nn.Parameter(torch.tensor(4.0)),
            nn.Parameter(torch.tensor(4.0)),
        )
        self.equal, self.heading = nn.Parameter(torch.tensor(3.0)), nn.Parameter(torch.tensor(-0.5))
        self.compare = nn.Linear(4 * width + 5, width)
        self.between = nn.Conv1d(width, width, 3, padding=1)
        self.look = nn.Linear(width, 1)
        self.whole, self.last = nn.Linear(6 * width + 4, width), nn.Linear(width, len(LABELS))
        self._drop = nn.Dropout(drop)

    def forward(self, claim: _Side, passage: _Side) -> torch.Tensor:
        """Logits of shape (n, 3)."""
        both = claim.held[:, :, None] * passage.held[:, None, :]
        same = (claim.ids[:, :, None] == passage.ids[:, None, :]).float() * both
        vectors = self.tokens.vectors
        near = vectors[claim.ids] @ vectors[passage.ids].transpose(1, 2)
        a, b = self._encoded(claim, same.amax(2)), self._encoded(passage, same.amax(1))
        alike = functional.normalize(a, dim=-1) @ functional.normalize(b, dim=-1).transpose(1, 2)
        logits = self.projected * alike + self.plain * near + self.equal * same
        led = logits + self.heading * passage.above[:, None, :]
        mine, exact, soft = self._side(a, claim, b, passage, led, near, same)
        back, _, _ = self._side(
            b,
            _Side(passage.ids, passage.held * (1 - passage.above), passage.above),
            a,
            claim,
            logits.transpose(1, 2),
            near.transpose(1, 2),
            same.transpose(1, 2),
        )
        sizes = [torch.log1p(claim.held.sum(1)) / 3, torch.log1p(passage.held.sum(1)) / 4]
        summed = torch.cat([mine, back, torch.stack([exact, soft, *sizes], -1)], -1)
        found: torch.Tensor = self.last(self._drop(_gelu(self.whole(self._drop(summed)))))
        return found

    def _encoded(self, side: _Side, same: torch.Tensor) -> torch.Tensor:
        """Tokens that have seen their neighbours, (n, length, width)."""
        t, held = self.tokens, side.held[..., None]
        flags = torch.stack([t.weights[side.ids], same, side.above], -1)
        signs = self.signs(torch.cat([t.marks[side.ids], flags], -1))
        x = self._drop(_gelu(self.project(t.vectors[side.ids]) + signs) * held)
        return (x + _gelu(self.around(x.transpose(1, 2)).transpose(1, 2))) * held

    def _side(
        self,
        own: torch.Tensor,
        side: _Side,
        other: torch.Tensor,
        there: _Side,
        logits: torch.Tensor,
        near: torch.Tensor,
        same: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """One side compared and summed up; how much of it the other holds exactly, nearly."""
        absent = there.held[:, None, :] == 0
        share = torch.softmax(logits.masked_fill(absent, _FAR), -1)
        aligned = share @ other
        nearest, exact = near.masked_fill(absent, -1).amax(-1), same.amax(-1)
        weights, digit = self.tokens.weights[side.ids], self.tokens.marks[side.ids][..., 0]
        facts = torch.stack([nearest, exact, share.amax(-1), weights, digit], -1)
        x = torch.cat([own, aligned, (own - aligned).abs(), own * aligned, facts], -1)
        held = side.held[..., None]
        x = _gelu(self.compare(self._drop(x))) * held
        x = x + _gelu(self.between(x.transpose(1, 2)).transpose(1, 2))
        looked = self.look(x).squeeze(-1).masked_fill(side.held == 0, _FAR)
        mean = (x * held).sum(1) / held.sum(1).clamp(min=1)
        top = x.masked_fill(held == 0, _FAR).amax(1)
        summed = (x * torch.softmax(looked, -1)[..., None]).sum(1)
        heavy = weights * side.held
        total = heavy.sum(1).clamp(min=1e-6)
        shares = (heavy * exact).sum(1) / total, (heavy * nearest).sum(1) / total
        return torch.cat([mean, top, summed], -1), *shares


def weights_of(network: Network) -> dict[str, NDArray[np.floating]]:
    """The weights by the names under which they are kept; `weight_unit` is `Tokens.usual`."""
    out: dict[str, NDArray[np.floating]] = {}
    for name, value in network.state_dict().items():
        part, dot, rest = name.partition(".")
        out[_NAMES[part] + dot + rest] = value.numpy().astype(np.float16)
    out["weight_unit"] = np.array(network.tokens.usual, np.float32)
    return out


def load_weights(network: Network, weights: Mapping[str, NDArray[np.floating]]) -> None:
    """Put weights of `weights_of` into a network of the same width."""
    named = {kept: name for name, kept in _NAMES.items()}
    state = {}
    for name, value in weights.items():
        part, dot, rest = name.partition(".")
        if part in named:
            state[named[part] + dot + rest] = torch.from_numpy(value.astype(np.float32))
    network.load_state_dict(state)


def said(network: Network, rows: Sequence[Read | None], *, size: int = 256) -> NDArray[np.float64]:
    """Log probabilities of LABELS, of shape (len(rows), 3); even ones for None."""
    network.eval()
    out = np.full((len(rows), len(LABELS)), -math.log(len(LABELS)))
    known = sorted((len(row), n) for n, row in enumerate(rows) if row is not None)
    with torch.no_grad():
        for start in range(0, len(known), size):
            at = [n for _, n in known[start : start + size]]
            logits = network(*_batch([row for n in at if (row := rows[n]) is not None]))
            out[at] = torch.log_softmax(logits, -1).numpy()
    return out


@dataclass(frozen=True, slots=True)
class Example:
    """A pair that is learned from: verdict an index into LABELS, weight above 0."""

    row: Read
    verdict: int
    weight: float


def train(
    network: Network,
    examples: Sequence[Example],
    *,
    epochs: float,
    rate: float,
    seed: int,
    size: int = 64,
) -> None:
    """Fit the weights; texts of like length share a batch."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    steps = int(epochs * math.ceil(len(examples) / size))
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _falling(steps))
    step = 0
    while step < steps:
        for batch in _batches(examples, size, rng)[: steps - step]:
            network.train()
            logits = network(*_batch([one.row for one in batch]))
            labels = torch.tensor([one.verdict for one in batch])
            weights = torch.tensor([one.weight for one in batch])
            each = functional.cross_entropy(logits, labels, reduction="none", label_smoothing=0.03)
            loss = (each * weights).sum() / weights.sum()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            step += 1
            if step % 200 == 0:
                logger.info("%d of %d steps, loss %.4f", step, steps, float(loss.detach()))


def _falling(steps: int) -> Callable[[int], float]:
    """A share of the rate: it rises for 200 steps, or a tenth of them, and falls as a cosine."""
    rising = max(1, min(200, steps // 10))

    def share(step: int) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))
        return min(1.0, step / rising) * (cosine + 0.02)

    return share


def _batches(examples: Sequence[Example], size: int, rng: random.Random) -> list[list[Example]]:
    order = list(examples)
    rng.shuffle(order)
    out = []
    for start in range(0, len(order), 50 * size):
        block = sorted(order[start : start + 50 * size], key=lambda one: len(one.row))
        out += [block[at : at + size] for at in range(0, len(block), size)]
    rng.shuffle(out)
    return out
