"""Trains a small network that reads a claim beside a passage, and measures what it adds.

`python -m eval.training.interaction --shared FOLDER --vaults FOLDER --retrieval FOLDER
--apart FOLDER --out FILE` trains `interaction_network` on pairs of others (`interaction_pairs`),
goes on with the golden dev claims and the passages that the check compares them with, once for each
fifth of the notes that is left out and once with all, writes the weights (float16), and prints what
the check's second model decides with and without what the networks say of the claims left out.
Test halves are never read here. Needs torch; about 45 minutes on a core.
"""

from __future__ import annotations

import argparse
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.metrics import roc_auc_score

from assistant.judging import JUDGED, LABELS
from corpus.encoder import StaticEncoder, load_encoder
from eval.goldens import notes_of
from eval.training import interaction_pairs
from eval.training.grounding import SETS, Case, cases, crossed, crossed_verdicts, part_of, report
from eval.training.interaction_network import (
    Example,
    Network,
    Read,
    Tokens,
    said,
    train,
    weights_of,
)
from eval.training.interaction_pairs import Pair

__all__ = ["Settings", "Trainer", "crossed_reading", "features", "main"]

logger = logging.getLogger(__name__)

_PARTS = 5
_OTHERS = 24_000  # pairs of others that are mixed under the golden ones
_AMONG = 0.5  # their weight there
# Claims over notes written for training: the network learns from them, nothing is measured on them.
_MORE = ("train-notes", "train-restated")


def features(
    rows: NDArray[np.float32], odds: NDArray[np.float64], read: NDArray[np.float64]
) -> list[float]:
    """What the network says of the passages that `claim_row` looks at, and the most of all.

    Args:
        rows: as of `claim_row`.
        odds: likewise.
        read: log probabilities of LABELS by the network, (n, 3).
    """
    log = read.clip(-6, 0)
    pro = log[:, 0] - np.logaddexp(log[:, 1], log[:, 2])
    contra = log[:, 1] - np.logaddexp(log[:, 0], log[:, 2])
    support, against, most = int(odds[:, 0].argmax()), int(odds[:, 1].argmax()), int(pro.argmax())
    near = int(rows[:, JUDGED.index("coverage")].argmax())
    top = np.argsort(-(odds[:, 0] + odds[:, 1]), kind="stable")[:4]
    return [
        pro[support], contra[support], pro[against], contra[against], pro[near], contra[near],
        pro.max(), contra.max(), pro[top].mean(), contra[top].mean(), contra[most],
        odds[most, 0], odds[most, 1], pro.max() - contra.max(),
    ]  # fmt: skip


def _others(args: argparse.Namespace, tokens: Tokens) -> list[Example]:
    """Pairs of others; none is kept aside: the notes measure."""
    rng = random.Random(args.seed)
    data = args.shared / "data"
    pairs: list[Pair] = [
        *interaction_pairs.questions(args.retrieval, rng),
        *interaction_pairs.public(data / "grounding"),
        *interaction_pairs.summaries(data / "pairs", rng, limit=args.papers),
        *interaction_pairs.documents(data / "pairs", rng, limit=args.sentences),
    ]
    logger.info("%d pairs of others", len(pairs))
    read = [(tokens.read(one.claim, one.head, one.text), one) for one in pairs]
    return [Example(row, one.verdict, one.weight) for row, one in read if row is not None]


def _golden(case: Case, rows: Sequence[Read | None], rng: random.Random) -> list[Example]:
    """The passages that decide a claim, at most five, and four others, the first two with them."""
    deciding = [n for n, label in enumerate(case.labels) if LABELS[label] != "unsupported"]
    others = [n for n, label in enumerate(case.labels) if LABELS[label] == "unsupported"]
    more = rng.sample(others[2:], min(2, len(others[2:])))
    taken = [*deciding[:5], *others[:2], *more]
    return [Example(row, int(case.labels[n]), 1.0) for n in taken if (row := rows[n]) is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How networks are trained.

    Attributes:
        width: of everything behind the projection.
        first: epochs over pairs of others.
        epochs: epochs over golden claims with some of these pairs.
    """

    width: int
    first: float
    epochs: float
    seed: int


class Trainer:
    """Networks that have learned from pairs of others and go on with golden claims.

    Args:
        tokens: of the built-in encoder.
        others: pairs of others, learned from first, and some of them again with the claims.
        settings: of every network.
    """

    def __init__(self, tokens: Tokens, others: Sequence[Example], settings: Settings) -> None:
        self._tokens, self._settings = tokens, settings
        torch.manual_seed(settings.seed)
        first = Network(tokens, width=settings.width)
        train(first, others, epochs=settings.first, rate=2e-3, seed=settings.seed)
        self._start = {name: value.clone() for name, value in first.state_dict().items()}
        self._rng = random.Random(settings.seed)
        some = self._rng.sample(list(others), min(_OTHERS, len(others)))
        self._among = [Example(one.row, one.verdict, _AMONG) for one in some]

    def rows(self, case: Case) -> list[Read | None]:
        """The tokens of a claim and each of its passages."""
        return [self._tokens.read(case.claim, t.above, t.text) for t in case.texts]

    def trained(self, found: Sequence[Case], *, seed: int) -> Network:
        """A network that has read these claims."""
        golden = [one for case in found for one in _golden(case, self.rows(case), self._rng)]
        logger.info("%d claims, %d golden pairs", len(found), len(golden))
        network = Network(self._tokens, width=self._settings.width)
        network.load_state_dict(self._start)
        examples = [*golden, *self._among]
        train(network, examples, epochs=self._settings.epochs, rate=1.2e-3, seed=seed)
        return network


def crossed_reading(
    found: Sequence[Case], trainer: Trainer, apart: Path
) -> list[NDArray[np.float64]]:
    """What networks that never saw a case's group say of its passages.

    Args:
        found: claims over notes with their passages.
        trainer: makes the networks.
        apart: folder for their weights, a file a part.

    Returns:
        Log probabilities of LABELS, of shape (n_passages, 3), a case.
    """
    out = [np.zeros((0, len(LABELS)))] * len(found)
    for part in range(_PARTS):
        seen = [part_of(case.group, _PARTS) != part for case in found]
        network = trainer.trained([c for c, use in zip(found, seen, strict=True) if use], seed=part)
        for n, use in enumerate(seen):
            if not use:
                out[n] = said(network, trainer.rows(found[n]))
        apart.mkdir(parents=True, exist_ok=True)
        save_file(weights_of(network), apart / f"{part}.safetensors")
    return out


def main() -> None:
    """Train the network, crossed, and print what it adds to the check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--vaults", type=Path, required=True)
    parser.add_argument("--retrieval", type=Path, required=True, help="unpacked retrieval sets")
    parser.add_argument("--apart", type=Path, required=True, help="folder for a network a part")
    parser.add_argument("--out", type=Path, help="file for the network that has read all claims")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--papers", type=int, default=14_000)
    parser.add_argument("--sentences", type=int, default=5_000, help="of each source at most")
    parser.add_argument("--first", type=float, default=2.0, help="epochs over pairs of others")
    parser.add_argument("--epochs", type=float, default=3.0, help="epochs with the golden claims")
    parser.add_argument("--support", type=float, default=0.84, help="least probability of support")
    parser.add_argument("--seed", type=int, default=13)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    encoder = load_encoder()
    if not isinstance(encoder, StaticEncoder):
        raise SystemExit("the built-in encoder is needed")
    tokens = Tokens(encoder)
    found: list[Case] = []
    for name in SETS:
        data = args.shared / "notes-feed.txt" if name == "feed" else args.vaults
        found += cases(name, notes_of(name, data))
        logger.info("%s: %d claims", name, len(found))
    measured = len(found)
    for name in _MORE:
        found += cases(name, notes_of(name, args.vaults))
    settings = Settings(width=args.width, first=args.first, epochs=args.epochs, seed=args.seed)
    trainer = Trainer(tokens, _others(args, tokens), settings)
    read = crossed_reading(found, trainer, args.apart)[:measured]
    if args.out is not None:
        save_file(weights_of(trainer.trained(found, seed=args.seed)), args.out)
    found = found[:measured]
    odds = crossed(found, seed=args.seed)
    more = np.array(
        [features(c.rows, o, r) for c, o, r in zip(found, odds, read, strict=True)], np.float32
    )
    for title, columns in (("as it is", None), ("with the network", more)):
        chances = crossed_verdicts(found, odds, seed=args.seed, more=columns)
        print(title)
        _order(found, chances)
        for support in sorted({0.7, 0.75, 0.8, 0.88, args.support}):
            print("support", support)
            report(found, odds, chances, support=support)


def _order(found: Sequence[Case], chances: NDArray[np.float64]) -> None:
    """Print how well the probabilities order the claims."""
    verdict = np.array([case.verdict for case in found])
    for title, column, positive, negative in (
        ("true against altered", 0, 0, 1),
        ("true against absent", 0, 0, 2),
        ("altered against absent", 1, 1, 2),
    ):
        some = (verdict == positive) | (verdict == negative)
        auroc = roc_auc_score(verdict[some] == positive, chances[some, column])
        print(f"AUROC {title} {auroc:.3f}")


if __name__ == "__main__":
    main()
