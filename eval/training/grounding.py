"""Trains the judge of the check: does a passage support a claim, contradict it, or neither?

`python -m eval.training.grounding --shared FOLDER --vaults FOLDER` takes the dev half of the golden
claims and those written for training, compares each with the passages that the product would
compare it with, and fits boosted trees on the features of `assistant.judging`. A passage that
overlaps the gold evidence has the gold verdict, every other one says neither. A second model
learns the verdict on the whole claim from what the first one says, crossed, of all its passages.
Test halves are never read here.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.comparing import Finding
from assistant.grounding import Checker, searching
from assistant.judging import CLAIM_FEATURES, JUDGED, LABELS, claim_row, decide, judged_row
from assistant.similarity import WordSimilarity
from assistant.trees import Trees
from corpus.encoder import load_encoder
from corpus.index import Index
from corpus.readers import Vault
from eval.goldens import GoldClaim, claims, notes_of
from eval.training.boosting import fit, tree_object, write_trees

__all__ = ["main"]

logger = logging.getLogger(__name__)

NOTHING = Trees.from_object(
    {
        "names": list(JUDGED), "feature": [[-1]], "threshold": [[0.0]], "left": [[0]],
        "right": [[0]],
        "value": [[0.0]], "output": [0], "baseline": [0.0, 0.0, 0.0], "depth": 0,
    }
)  # fmt: skip
SETS = {
    "feed": ("feed", "train-feed"),
    "sample": ("sample", "train-samples"),
    "studies": ("studies", "train-studies"),
    "self-llm": ("self-llm", "train-self-llm"),
    "ml-engineering": ("ml-engineering", "train-ml-engineering"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A claim with the features of the passages it was compared with.

    Attributes:
        rows: of shape (n_passages, n_features).
        labels: index into LABELS per passage.
        verdict: index into LABELS of the claim.
        group: claims of one group are never split.
    """

    set: str
    kind: str
    group: str
    rows: NDArray[np.float32]
    labels: NDArray[np.int64]
    verdict: int


def cases(name: str, notes: Path) -> Iterator[Case]:
    """The dev claims of a set with their passages."""
    encoder = load_encoder()
    index = Index.open(Path(tempfile.mkdtemp()), encoder=encoder)
    index.refresh(Vault(notes))
    # the judge decides nothing here: only the findings are taken
    checker = Checker(index, WordSimilarity(encoder), NOTHING, NOTHING, searching(index))
    for gold in (c for of in SETS[name] for c in claims(of, "dev")):
        found = checker.findings(gold.claim)
        if not found:
            continue
        yield Case(
            set=name,
            kind=gold.kind,
            group=gold.gold[0].note if gold.gold else gold.id,
            rows=np.array([judged_row(f) for f in found], np.float32),
            labels=np.array([_label(gold, f) for f in found], np.int64),
            verdict=LABELS.index(gold.verdict),
        )


def _label(gold: GoldClaim, f: Finding) -> int:
    neither = LABELS.index("unsupported")
    for span in gold.gold:
        if f.passage.note.path != span.note or gold.verdict == "unsupported":
            continue
        if span.end and not (f.passage.start < span.end and span.start < f.passage.end):
            continue
        # in a feed the gold is a whole note: only a passage that speaks of the claim counts
        if not span.end and f.rest < 0.45 and f.coverage < 0.45:
            continue
        return LABELS.index(gold.verdict)
    return neither


def crossed(found: list[Case], *, seed: int, folds: int = 5) -> list[NDArray[np.float64]]:
    """Probabilities of every case's passages, by models that never saw its group."""
    fold_of = [int(hashlib.sha256(c.group.encode()).hexdigest(), 16) % folds for c in found]
    out: list[NDArray[np.float64]] = [np.zeros((0, 3))] * len(found)
    for k in range(folds):
        model = _fitted([c for c, f in zip(found, fold_of, strict=True) if f != k], seed=seed)
        for i, (c, f) in enumerate(zip(found, fold_of, strict=True)):
            if f == k:
                out[i] = model.predict_proba(c.rows)
    return out


def _fitted(found: list[Case], *, seed: int) -> Any:
    rows = np.concatenate([c.rows for c in found])
    labels = np.concatenate([c.labels for c in found])
    return fit(rows, labels, seed=seed, max_iter=120, min_samples_leaf=15)


_VERDICTS: dict[str, Any] = {
    "max_iter": 150, "learning_rate": 0.05, "max_leaf_nodes": 8, "min_samples_leaf": 20,
    "l2_regularization": 3.0, "max_features": 0.3,
}  # fmt: skip


def crossed_verdicts(
    found: list[Case], odds: list[NDArray[np.float64]], *, seed: int, folds: int = 5
) -> NDArray[np.float64]:
    """Probabilities of every case's verdicts, by models that never saw its group; (n, 3)."""
    rows = np.stack([claim_row(c.rows, o) for c, o in zip(found, odds, strict=True)])
    labels = np.array([c.verdict for c in found], np.int64)
    part = np.array(
        [int(hashlib.sha256(f"c{c.group}".encode()).hexdigest(), 16) % folds for c in found]
    )
    out = np.zeros((len(found), len(LABELS)))
    for k in range(folds):
        seen = part != k
        model = fit(rows[seen], labels[seen], seed=seed, **_VERDICTS)
        out[~seen] = model.predict_proba(rows[~seen])
    return out


def report(
    found: list[Case],
    odds: list[NDArray[np.float64]],
    chances: NDArray[np.float64],
    *,
    support: float,
) -> None:
    """Print how the crossed predictions decide the claims."""
    verdicts = [
        LABELS.index(decide(c.rows, o, p, support=support)[0].value)
        for c, o, p in zip(found, odds, chances, strict=True)
    ]
    for name in ("all", *dict.fromkeys(c.set for c in found)):
        table = np.zeros((3, 3), int)
        for c, v in zip(found, verdicts, strict=True):
            if name in ("all", c.set):
                table[c.verdict, v] += 1
        if table.sum():
            shares = table / np.maximum(1, table.sum(axis=1, keepdims=True))
            print(
                f"{name:<15} n {table.sum():>4} right {table.trace() / table.sum():.3f}"
                f"  true supported {shares[0, 0]:.3f} contradicted {shares[0, 1]:.3f}"
                f"  altered supported {shares[1, 0]:.3f} ({table[1, 0]})"
                f" contradicted {shares[1, 1]:.3f}  alien kept {shares[2, 2]:.3f}"
            )


def main() -> None:
    """Train and write the judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--vaults", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("assistant/models"))
    parser.add_argument("--support", type=float, default=0.8, help="least probability of support")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--cache", type=Path, help="keep the features here")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    found: list[Case] = []
    for name in SETS:
        data = args.shared / "notes-feed.txt" if name == "feed" else args.vaults
        found += cases(name, notes_of(name, data))
        logger.info("%s: %d claims", name, len(found))
    if args.cache:
        np.savez_compressed(
            args.cache,
            rows=np.concatenate([c.rows for c in found]),
            labels=np.concatenate([c.labels for c in found]),
            sizes=np.array([len(c.labels) for c in found]),
            sets=np.array([c.set for c in found]),
            kinds=np.array([c.kind for c in found]),
            groups=np.array([c.group for c in found]),
            verdicts=np.array([c.verdict for c in found]),
        )
    train(found, out=args.out, support=args.support, seed=args.seed)


def train(found: list[Case], *, out: Path, support: float, seed: int) -> None:
    """Fit both models, print their crossed figures, write them into a folder.

    Args:
        found: cases of all sets.
        out: folder of `judge.json` and `verdicts.json`.
        support: least probability of the verdict "supported".
        seed: of the trees.
    """
    odds = crossed(found, seed=seed)
    chances = crossed_verdicts(found, odds, seed=seed)
    for other in sorted({0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, support}):
        print("support", other)
        report(found, odds, chances, support=other)
    write_trees(out / "judge.json", tree_object(_fitted(found, seed=seed), JUDGED))
    rows = np.stack([claim_row(c.rows, o) for c, o in zip(found, odds, strict=True)])
    model = fit(rows, np.array([c.verdict for c in found], np.int64), seed=seed, **_VERDICTS)
    write_trees(out / "verdicts.json", tree_object(model, CLAIM_FEATURES, support=support))


if __name__ == "__main__":
    main()
