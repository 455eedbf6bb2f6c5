"""Trains the judge of the check: does a passage support a claim, contradict it, or neither?

`python -m eval.training.grounding --shared FOLDER --vaults FOLDER --retrieval FOLDER` takes the dev
half of the golden claims and those written for training, compares each with the passages that the
product would compare it with, and fits boosted trees on the features of `assistant.judging`. A
passage that overlaps the gold evidence has the gold verdict, every other one says neither. A second
model learns the verdict on the whole claim from what the first one says, crossed, of all its
passages. A third does the same from these and from claims of others with their contexts
(`claim_sources`): it orders what is not supported. Test halves are never read here.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.comparing import Finding
from assistant.deciding import Models
from assistant.grounding import Checker, Search, Source, searching
from assistant.interaction import Interaction, Text, load_interaction, weights_of
from assistant.judging import (
    CLAIM_FEATURES,
    JUDGED,
    LABELS,
    Likelihood,
    claim_row,
    decide,
    judged_row,
    with_reading,
)
from assistant.shares import Shares
from assistant.similarity import WordSimilarity
from assistant.trees import Trees
from assistant.types import Verdict
from corpus.encoder import built_in, load_encoder
from corpus.index import Index
from corpus.readers import Vault
from eval.contexts import Contexts
from eval.goldens import GoldClaim, claims, notes_of
from eval.training import claim_sources
from eval.training.boosting import fit, tree_object, write_trees
from eval.verdicts import expected_calibration_error

__all__ = ["SETS", "Case", "cases", "crossed", "crossed_verdicts", "main", "part_of", "report"]

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
# The claims over the written notes (`train-notes`) measure only: learning from them makes the judge
# unsure of all others. So do those worded as a chatbot restates a note (`train-restated`): learning
# from them costs on samples and public sets what it brings on claims like them (eval/LOG.md).


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A claim with the features of the passages it was compared with.

    Attributes:
        claim: as written.
        texts: the passages.
        rows: of `judged_row`, (n_passages, len(JUDGED) - 2); with the reading, len(JUDGED).
        shares: how much of the claim's words its passages hold.
        labels: index into LABELS per passage.
        verdict: index into LABELS of the claim.
        group: claims of one group are never split.
    """

    set: str
    kind: str
    group: str
    claim: str
    texts: tuple[Text, ...]
    rows: NDArray[np.float32]
    shares: Shares
    labels: NDArray[np.int64]
    verdict: int


def cases(name: str, notes: Path) -> Iterator[Case]:
    """The dev claims of a set with their passages."""
    encoder = load_encoder()
    index = Index.open(Path(tempfile.mkdtemp()), encoder=encoder)
    index.refresh(Vault(notes))
    checker = _untrained(index, WordSimilarity(encoder), searching(index))
    for gold in (c for of in SETS[name] for c in claims(of, "dev")):
        found = checker.findings(gold.claim)
        if not found:
            continue
        yield Case(
            set=name,
            kind=gold.kind,
            group=gold.gold[0].note if gold.gold else gold.id,
            claim=gold.claim,
            texts=_texts(found),
            rows=np.array([judged_row(f) for f in found], np.float32),
            shares=checker.shares(gold.claim),
            labels=np.array([_label(gold, f) for f in found], np.int64),
            verdict=LABELS.index(gold.verdict),
        )


def _untrained(source: Source, similar: WordSimilarity, search: Search) -> Checker:
    """A check of which only the findings are taken."""
    return Checker(source, similar, Models(judge=NOTHING, verdicts=NOTHING), search)


def _texts(found: list[Finding]) -> tuple[Text, ...]:
    return tuple(Text(above=f.passage.context, text=f.passage.text) for f in found)


def read_by(models: Sequence[Interaction], found: list[Case]) -> list[Case]:
    """The cases with what a network reads, in each that of the part its group belongs to.

    Args:
        models: one a part, which never read a claim of that part; one alone reads all.
        found: cases without a reading.
    """
    return [
        replace(
            c,
            rows=with_reading(
                c.rows.tolist(), models[part_of(c.group, len(models))].read(c.claim, c.texts)
            ),
        )
        for c in found
    ]


def part_of(group: str, parts: int) -> int:
    """The part, in [0, parts), that all claims of a group are left out with."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % parts


def sourced_cases(shared: Path, retrieval: Path, *, seed: int) -> Iterator[Case]:
    """Claims of others with the passages of their own texts, as many a set as SETS says."""
    rng = random.Random(seed)
    by_set: dict[str, list[claim_sources.SourcedClaim]] = {name: [] for name in claim_sources.SETS}
    for one in claim_sources.answers(retrieval, rng):
        by_set[one.source].append(one)
    for one in claim_sources.public(shared / "data" / "grounding"):
        by_set[one.source].append(one)
    encoder = load_encoder()
    for name, every in by_set.items():
        rng.shuffle(every)
        taken = every[: claim_sources.SETS[name]]
        contexts = Contexts([one.text for one in taken], encoder, _untrained)
        for one in taken:
            found = contexts.findings(one.claim, [one.text]) if one.text.strip() else []
            if not found:
                continue
            yield Case(
                set=name,
                kind="",
                group=one.group,
                claim=one.claim,
                texts=_texts(found),
                rows=np.array([judged_row(f) for f in found], np.float32),
                shares=contexts.shares(one.claim, [one.text]),
                labels=np.full(len(found), LABELS.index("unsupported"), np.int64),
                verdict=one.verdict,
            )
        logger.info("%s: %d claims", name, len(taken))


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
    fold_of = [part_of(c.group, folds) for c in found]
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


_FOREIGN = 0.3  # weight of a claim of others beside one over notes
# Beside the log odds: of the largest coverage, and of each of the two shares (eval/LOG.md).
# "Contradicted" counts less than the function would be fitted to: in prose of others it errs most.
_COVERAGE, _SHARE, _AGAINST = 4.0, 1.0, 1.5
_VERDICTS: dict[str, Any] = {
    "max_iter": 150, "learning_rate": 0.05, "max_leaf_nodes": 8, "min_samples_leaf": 20,
    "l2_regularization": 3.0, "max_features": 0.3,
}  # fmt: skip


def crossed_verdicts(
    found: list[Case],
    odds: list[NDArray[np.float64]],
    *,
    seed: int,
    folds: int = 5,
    more: NDArray[np.float32] | None = None,
) -> NDArray[np.float64]:
    """Probabilities of every case's verdicts, by models that never saw its group; (n, 3).

    Args:
        found: the cases.
        odds: of `crossed`.
        seed: of the trees.
        folds: into how many parts the groups are divided.
        more: further features of each case, (n, n_more), made by models that never saw its group.
    """
    rows = np.stack([claim_row(c.rows, o) for c, o in zip(found, odds, strict=True)])
    if more is not None:
        rows = np.concatenate([rows, more], axis=1)
    labels = np.array([c.verdict for c in found], np.int64)
    part = np.array([part_of(f"c{c.group}", folds) for c in found])
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
    parser.add_argument("--retrieval", type=Path, required=True, help="unpacked retrieval sets")
    parser.add_argument(
        "--apart", type=Path, required=True,
        help="networks of `eval.training.interaction`, one a part of the notes it did not read",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("assistant/models"))
    parser.add_argument("--support", type=float, default=0.86, help="least probability of support")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--cache", type=Path, help="keep the features here")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    found: list[Case] = []
    for name in SETS:
        data = args.shared / "notes-feed.txt" if name == "feed" else args.vaults
        found += cases(name, notes_of(name, data))
        logger.info("%s: %d claims", name, len(found))
    others = list(sourced_cases(args.shared, args.retrieval, seed=args.seed))
    if args.cache:
        _keep(args.cache, found + others)
    encoder = built_in()
    apart = [
        Interaction(weights_of(file.read_bytes()), encoder)
        for file in sorted(args.apart.glob("*.safetensors"))
    ]
    found, others = read_by(apart, found), read_by([load_interaction(encoder)], others)
    train(found, others, out=args.out, support=args.support, seed=args.seed)


def _keep(path: Path, found: list[Case]) -> None:
    np.savez_compressed(
        path,
        rows=np.concatenate([c.rows for c in found]),
        labels=np.concatenate([c.labels for c in found]),
        sizes=np.array([len(c.labels) for c in found]),
        shares=np.array([(c.shares.whole, c.shares.window) for c in found]),
        sets=np.array([c.set for c in found]),
        kinds=np.array([c.kind for c in found]),
        groups=np.array([c.group for c in found]),
        verdicts=np.array([c.verdict for c in found]),
    )


def train(found: list[Case], others: list[Case], *, out: Path, support: float, seed: int) -> None:
    """Fit the three models, print their crossed figures, write them into a folder.

    Args:
        found: cases over notes.
        others: cases of others with their contexts; for the third model only.
        out: folder of `judge.json`, `verdicts.json` and `likely.json`.
        support: least probability of the verdict "supported".
        seed: of the trees.
    """
    odds = crossed(found, seed=seed)
    chances = crossed_verdicts(found, odds, seed=seed)
    for other in sorted({0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, support}):
        print("support", other)
        report(found, odds, chances, support=other)
    judge = _fitted(found, seed=seed)
    write_trees(out / "judge.json", tree_object(judge, JUDGED))
    rows = np.stack([claim_row(c.rows, o) for c, o in zip(found, odds, strict=True)])
    labels = np.array([c.verdict for c in found], np.int64)
    model = fit(rows, labels, seed=seed, **_VERDICTS)
    write_trees(out / "verdicts.json", tree_object(model, CLAIM_FEATURES, support=support))
    said = [
        decide(c.rows, o, p, support=support)[0]
        for c, o, p in zip(found, odds, chances, strict=True)
    ]
    foreign = [judge.predict_proba(c.rows) for c in others]
    foreign_rows = np.stack([claim_row(c.rows, o) for c, o in zip(others, foreign, strict=True)])
    said += [
        decide(c.rows, o, model.predict_proba(row[None])[0], support=support)[0]
        for c, o, row in zip(others, foreign, foreign_rows, strict=True)
    ]
    likely, facts = _likely(
        found + others, np.concatenate([rows, foreign_rows]), len(found), said, seed=seed
    )
    write_trees(out / "likely.json", tree_object(likely, CLAIM_FEATURES, **facts))


def _likely(
    every: list[Case],
    rows: NDArray[np.float32],
    n_notes: int,
    said: list[Verdict],
    *,
    seed: int,
) -> tuple[Any, dict[str, float]]:
    """The third model with the logistic function behind it, and its figures with each set left out.

    Args:
        every: cases over notes first, then those of others.
        rows: of `claim_row`, one a case.
        n_notes: how many are over notes.
        said: their verdicts; the function is fitted on what is not called supported.
        seed: of the trees.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    labels = np.array([c.verdict for c in every], np.int64)
    weights = np.where(np.arange(len(every)) < n_notes, 1.0, _FOREIGN)
    # sets over the same texts are left out together; notes are crossed by group
    parts = np.array(
        [
            f"notes {part_of(f'c{c.group}', 5)}" if n < n_notes else c.set.split("_")[0]
            for n, c in enumerate(every)
        ]
    )
    chance = np.zeros(len(every))
    for part in dict.fromkeys(parts):
        seen = parts != part
        model = fit(rows[seen], labels[seen], weights=weights[seen], seed=seed, **_VERDICTS)
        chance[~seen] = model.predict_proba(rows[~seen])[:, 0]
    coverage = np.array([c.rows[:, JUDGED.index("coverage")].max() for c in every])
    start = Likelihood(
        coverage=_COVERAGE, whole=_SHARE, window=_SHARE, slope=1.0, contradicted=0.0, offset=0.0
    )
    told = np.array([start.told(c.rows, p, c.shares) for c, p in zip(every, chance, strict=True)])
    against = np.array([v is Verdict.CONTRADICTED for v in said])
    kept = np.array([v is not Verdict.SUPPORTED for v in said])
    line = LogisticRegression(C=10).fit(
        (told - _AGAINST * against)[kept, None], labels[kept] == 0, sample_weight=weights[kept]
    )
    fitted = replace(
        start,
        slope=round(float(line.coef_[0, 0]), 4),
        contradicted=round(-_AGAINST * float(line.coef_[0, 0]), 4),
        offset=round(float(line.intercept_[0]), 4),
    )
    scores = np.array(
        [
            fitted.probability(c.rows, p, c.shares, is_contradicted=bool(a)) if k else 1 + p
            for c, p, k, a in zip(every, chance, kept, against, strict=True)
        ]
    )
    notes = kept & (np.arange(len(every)) < n_notes)
    error = expected_calibration_error(scores[notes], labels[notes] == 0)
    print(f"over notes, not called supported: calibration error {error:.3f} of {notes.sum()}")
    for name in dict.fromkeys(c.set for c in every):
        mine = np.array([c.set == name for c in every])
        true = labels[mine] == 0
        print(
            f"{name:<24} left out: AUROC of the score {roc_auc_score(true, scores[mine]):.3f}"
            f" of coverage {roc_auc_score(true, coverage[mine]):.3f}"
        )
    return fit(rows, labels, weights=weights, seed=seed, **_VERDICTS), asdict(fitted)


if __name__ == "__main__":
    main()
