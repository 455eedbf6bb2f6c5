"""Trains whether the passages found answer a question at all, and tries the cut of that score.

`python -m eval.training.answerable --shared FOLDER --vaults FOLDER --retrieval FOLDER`, after
`eval.training.answers`: the same questions, and such over a handful of passages
(`eval.training.small`), every one with the probabilities of units by rankers that never saw its
note or article. Prints both errors of refusing, crossed in the same way, for each kind of
collection, and writes `answerable.json`. Test halves are never read here.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.config import sample_notes
from assistant.similarity import WordSimilarity
from assistant.together import QUESTION_FEATURES, question_row
from corpus.encoder import load_encoder
from eval.training.answers import OWN, Example, collect, crossed
from eval.training.boosting import fit, tree_object, write_trees
from eval.training.small import PUBLIC, SMALL, small_golden, small_public
from eval.verdicts import auroc

__all__ = ["errors", "main", "question_rows", "train"]

logger = logging.getLogger(__name__)

_TREES = {
    "max_iter": 120, "learning_rate": 0.05, "max_leaf_nodes": 8, "min_samples_leaf": 20,
    "l2_regularization": 3.0, "max_features": 0.4,
}  # fmt: skip
_CUTS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.6)


def collect_small(retrieval: Path, *, limit: int, share: float) -> list[Example]:
    """Examples over a handful of passages.

    Args:
        retrieval: folder of reading sets.
        limit: questions of each set at most.
        share: of the questions over the sample notes.
    """
    out: list[Example] = []
    for name in PUBLIC:
        out += small_public(retrieval, name, limit)
        logger.info("small, %s: %d examples", name, len(out))
    out += small_golden(("sample", "train-samples"), sample_notes(), f"{SMALL}samples", share)
    return out


def question_rows(
    examples: Sequence[Example], scores: Sequence[NDArray[np.float64]], similar: WordSimilarity
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    """Features, labels and weights of whole questions.

    Questions over notes weigh twice; so do those over a few passages that answer, of which half do
    not: as much as these cost when they are refused.

    Returns:
        Of shapes (n, len(QUESTION_FEATURES)), (n,) and (n,).
    """
    rows = [
        question_row(
            e.asked, e.weights, e.found, e.rows, s,
            general=similar.weights([word.text for word in e.asked]),
        )
        for e, s in zip(examples, scores, strict=True)
    ]  # fmt: skip
    labels = np.array([int(e.answerable) for e in examples], np.int64)
    twice = [e.set in OWN or (e.set.startswith(SMALL) and e.answerable) for e in examples]
    return np.stack(rows), labels, np.where(twice, 2.0, 1.0)


def crossed_answerable(
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    groups: Sequence[str],
    *,
    seed: int,
    folds: int = 5,
) -> NDArray[np.float64]:
    """Probability that each question is answered, by models that never saw its group."""
    fold = np.array([int(hashlib.sha256(f"q{g}".encode()).hexdigest(), 16) % folds for g in groups])
    out = np.zeros(len(labels))
    for k in range(folds):
        seen = fold != k
        model = fit(rows[seen], labels[seen], weights=weights[seen], seed=seed, **_TREES)
        out[~seen] = model.predict_proba(rows[~seen])[:, 1]
    return out


def errors(
    sets: Sequence[str], answerable: NDArray[np.bool_], sure: NDArray[np.float64], cut: float
) -> dict[str, tuple[float, float]]:
    """Per set: share of answerable questions refused, and of others answered; NaN for none."""
    names = np.array(sets)
    out = {}
    for name in dict.fromkeys(sets):
        own, alien = sure[(names == name) & answerable], sure[(names == name) & ~answerable]
        refused = float((own < cut).mean()) if len(own) else float("nan")
        false = float((alien >= cut).mean()) if len(alien) else float("nan")
        out[name] = (round(refused, 3), round(false, 3))
    return out


def train(
    examples: Sequence[Example],
    few: Sequence[Example],
    scores: Sequence[NDArray[np.float64]],
    *,
    out: Path,
    cut: float,
    seed: int,
) -> None:
    """Fit the model, print crossed figures, write it into a folder.

    Args:
        examples: over whole collections.
        few: over a handful of passages.
        scores: probabilities of the units of both, in this order, crossed.
        out: folder of `answerable.json`.
        cut: least probability at which an answer is shown.
        seed: of the trees.
    """
    every = [*examples, *few]
    rows, labels, weights = question_rows(every, scores, WordSimilarity(load_encoder()))
    sure = crossed_answerable(rows, labels, weights, [e.group for e in every], seed=seed)
    sets, answerable = [e.set for e in every], labels == 1
    for other in sorted({*_CUTS, cut}):
        print("cut", other, "(refused, false)", errors(sets, answerable, sure, other))
    for name in dict.fromkeys(sets):
        mine = np.array([s == name for s in sets])
        if answerable[mine].any() and not answerable[mine].all():
            print(name, "AUROC", round(auroc(sure[mine], answerable[mine]), 3))
    model = fit(rows, labels, weights=weights, seed=seed, **_TREES)
    write_trees(out / "answerable.json", tree_object(model, QUESTION_FEATURES, cut=cut))


def main() -> None:
    """Train and write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="folder with notes-feed.txt")
    parser.add_argument("--vaults", type=Path, required=True, help="unpacked vault_dev")
    parser.add_argument("--retrieval", type=Path, required=True, help="unpacked retrieval_dev")
    parser.add_argument("--out", type=Path, default=Path("assistant/models"))
    parser.add_argument("--limit", type=int, default=500, help="questions a public set")
    parser.add_argument("--few", type=int, default=300, help="the same over a few passages")
    parser.add_argument("--cut", type=float, default=0.4, help="least probability of an answer")
    parser.add_argument("--seed", type=int, default=13)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    examples = collect(args.shared, args.vaults, args.retrieval, limit=args.limit)
    few = collect_small(args.retrieval, limit=args.few, share=0.3)
    scores = crossed(examples, seed=args.seed, beside=few)
    train(examples, few, scores, out=args.out, cut=args.cut, seed=args.seed)


if __name__ == "__main__":
    main()
