"""Trains the judge of the check: does a passage support a claim, contradict it, or neither?

`python -m eval.training.grounding --shared FOLDER --vaults FOLDER --out assistant/models/judge.json`
takes the dev half of the golden claims, compares each with the passages that the product would
compare it with, and fits boosted trees on the features of `assistant.grounding`. A passage that
overlaps the gold evidence has the gold verdict, every other one says neither. Test halves are
never read here.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.grounding import JUDGED, Checker, Finding, judged_row
from assistant.similarity import WordSimilarity
from corpus.encoder import load_encoder
from corpus.index import Index
from corpus.readers import Vault
from eval.goldens import GoldClaim, claims, notes_of
from eval.training.boosting import fit, tree_object, write_trees

__all__ = ["main"]

logger = logging.getLogger(__name__)

LABELS = ("supported", "contradicted", "unsupported")
SETS = ("feed", "sample", "studies", "self-llm", "ml-engineering")


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
    checker = Checker(index, WordSimilarity(encoder))
    for gold in claims(name, "dev"):
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


def _fitted(found: list[Case], *, seed: int) -> object:
    rows = np.concatenate([c.rows for c in found])
    labels = np.concatenate([c.labels for c in found])
    return fit(rows, labels, seed=seed, max_iter=120, min_samples_leaf=15)


def decide(odds: NDArray[np.float64], cut: float) -> int:
    """Verdict of a claim from the probabilities of its passages; index into LABELS."""
    s, c = float(odds[:, 0].max()), float(odds[:, 1].max())
    if s >= cut and s > c:
        return 0
    return 1 if c >= 0.3 and c >= 0.5 * s else 2


def report(found: list[Case], odds: list[NDArray[np.float64]], cut: float) -> None:
    """Print the confusion of the crossed predictions."""
    verdicts = [decide(o, cut) for o in odds]
    for name in ("all", *SETS):
        rows = [(c.verdict, v) for c, v in zip(found, verdicts, strict=True) if name in ("all", c.set)]
        if rows:
            table = np.zeros((3, 3), int)
            for a, b in rows:
                table[a, b] += 1
            right = table.trace() / table.sum()
            print(f"{name:<16} n {len(rows)} right {right:.3f} true supported {table[0, 0] / max(1, table[0].sum()):.3f} "
                  f"altered supported {table[1, 0]}/{table[1].sum()} contradicted {table[1, 1] / max(1, table[1].sum()):.3f} "
                  f"alien kept {table[2, 2] / max(1, table[2].sum()):.3f}")


def main() -> None:
    """Train and write the judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--vaults", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("assistant/models/judge.json"))
    parser.add_argument("--cut", type=float, default=0.6)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--cache", type=Path)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    found: list[Case] = []
    for name in SETS:
        data = args.shared / "notes-feed.txt" if name == "feed" else args.vaults
        found += cases(name, notes_of(name, data))
        logger.info("%s: %d claims", name, len(found))
    if args.cache:
        np.savez_compressed(args.cache, rows=np.concatenate([c.rows for c in found]),
            labels=np.concatenate([c.labels for c in found]), sizes=np.array([len(c.labels) for c in found]),
            sets=np.array([c.set for c in found]), kinds=np.array([c.kind for c in found]),
            groups=np.array([c.group for c in found]), verdicts=np.array([c.verdict for c in found]))
    odds = crossed(found, seed=args.seed)
    for cut in (0.4, 0.5, 0.6, 0.7, 0.8):
        print("cut", cut)
        report(found, odds, cut)
    model = _fitted(found, seed=args.seed)
    write_trees(args.out, tree_object(model, JUDGED, cut=args.cut))


if __name__ == "__main__":
    main()
