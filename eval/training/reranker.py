"""Trains the order of the first hits: `python -m eval.training.reranker --data FOLDER`.

Takes the dev halves of public retrieval sets (`--data`, as `eval.retrieval` reads them), of the
golden questions over the samples and the notes written for training and, with `--vaults`, over real
vaults; retrieves for each as the product does, and fits the weights of `assistant.reranking` by
listwise softmax: of the hits of one question, those that answer it should get all the probability.
Figures are crossed, once by question and once by family of sets (all sets of the same passages left
out). Test halves are never read here.

Source: Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach", ICML 2007.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.config import sample_notes
from assistant.reranking import FEATURES, RERANKED, features, prior
from assistant.retrieval import retrieve
from assistant.types import Hit
from corpus.encoder import load_encoder
from corpus.index import Index
from corpus.readers import Vault
from corpus.text import fold
from eval.goldens import GoldQuestion, notes_of, questions
from eval.retrieval import RetrievalSet, indexed, load_set

__all__ = ["Example", "Weights", "crossed", "fit_weights", "golden_examples", "hit_rates", "public"]

logger = logging.getLogger(__name__)

# family: sets that share passages are left out together
PUBLIC = {
    "notesq_dl500": "notesq", "cacm_en": "cacm", "csl_title_zh": "csl", "cmrc2018_dev": "cmrc",
    "drcd_test_hans": "drcd", "drcd_test_hant": "drcd", "xquad_zh": "xquad", "xquad_en": "xquad",
    "xquad_zh2en": "xquad", "xquad_en2zh": "xquad",
}  # fmt: skip
FOLDS = 5
# Chosen on figures crossed by family (eval/LOG.md): a set of another kind must not lose.
PRIOR = 3.0
# Without a licence that lets weights be shipped (GPL-3.0; none): they choose and measure only.
MEASURED_ONLY = frozenset({"notesq_dl500", "cacm_en"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One question with the features of its hits.

    Attributes:
        set: name of the set it comes from.
        family: of sets that share passages.
        id: of the question.
        rows: features, of shape (n_hits, n_features).
        labels: per hit 1 if it answers, 0 if not, -1 for another part of a passage that does.
        groups: per hit the passage it is part of, for counting ranks.
    """

    set: str
    family: str
    id: str
    rows: NDArray[np.float32]
    labels: NDArray[np.int64]
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """A linear score over features, and the weight of the fused order beside it."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    weight: NDArray[np.float64]
    trust: float

    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores of rows, higher is better."""
        found: NDArray[np.float64] = ((rows - self.mean) / self.spread) @ self.weight
        return found + self.trust * prior(rows)


def public(found: RetrievalSet, limit: int) -> Iterator[Example]:
    """Examples of at most `limit` queries of a set, the same ones each time."""
    chosen = sorted(found.queries, key=lambda id_: _digest(f"{found.name}{id_}"))[:limit]
    with indexed(found.passages, load_encoder()) as (index, ids):
        for id_ in chosen:
            hits = retrieve(index, found.queries[id_], k=RERANKED, reranked=False)
            if hits:
                answers = [_plain(a) for a in found.answers.get(id_, ()) if _plain(a)]
                gold = found.gold[id_]
                labels = [_label(hit, ids[hit.note.path] in gold, answers) for hit in hits]
                groups = tuple(ids[hit.note.path] for hit in hits)
                yield _example(index, found.queries[id_], hits, labels, groups).named(
                    found.name, PUBLIC.get(found.name, found.name), id_
                )


def golden_examples(
    sets: Sequence[str], notes: Path, name: str, *, index_at: Path
) -> Iterator[Example]:
    """Examples of the dev halves of golden sets over the same notes; a hit answers by its span."""
    with Index.open(index_at, encoder=load_encoder()) as index:
        index.refresh(Vault(notes))
        for gold in (q for one in sets for q in questions(one, "dev") if q.gold):
            hits = retrieve(index, gold.question, k=RERANKED, reranked=False)
            if hits:
                labels = [int(_overlaps(hit, gold)) for hit in hits]
                groups = tuple(str(hit.chunk.id) for hit in hits)
                yield _example(index, gold.question, hits, labels, groups).named(
                    name, name, gold.id
                )


@dataclass(frozen=True, slots=True)
class _Unnamed:
    rows: NDArray[np.float32]
    labels: NDArray[np.int64]
    groups: tuple[str, ...]

    def named(self, name: str, family: str, id_: str) -> Example:
        return Example(
            set=name, family=family, id=id_, rows=self.rows, labels=self.labels, groups=self.groups
        )


def _example(
    index: Index, query: str, hits: Sequence[Hit], labels: Sequence[int], groups: tuple[str, ...]
) -> _Unnamed:
    with index.snapshot() as now:
        return _Unnamed(features(now, query, hits), np.array(labels, np.int64), groups)


def _label(hit: Hit, relevant: bool, answers: Sequence[str]) -> int:
    """1 for the part of a relevant passage that holds the answer, -1 for its other parts."""
    if not relevant:
        return 0
    return 1 if not answers or any(a in _plain(hit.text) for a in answers) else -1


def _overlaps(hit: Hit, gold: GoldQuestion) -> bool:
    return any(
        hit.note.path == span.note
        and (not span.end or (hit.chunk.start < span.end and span.start < hit.chunk.end))
        for span in gold.gold
    )


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", fold(text))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def fit_weights(
    examples: Sequence[Example],
    *,
    penalty: float = 3.0,
    trust: float = PRIOR,
) -> Weights:
    """The weights that give the answering hits of each question the most probability.

    Args:
        examples: those without an answering hit are left out.
        penalty: on the squared weights.
        trust: weight of the fused order added to what is learned; fitting does not know of it
            (it would undo it).

    Raises:
        ValueError: no example has an answering hit.
    """
    from scipy.optimize import minimize

    used = [e for e in examples if (e.labels == 1).any()]
    if not used:
        raise ValueError("no question has a hit that answers it")
    kept = [e.labels >= 0 for e in used]
    rows = np.concatenate([e.rows[k] for e, k in zip(used, kept, strict=True)]).astype(np.float64)
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    spread = np.where(spread > 1e-6, spread, 1.0)
    rows = (rows - mean) / spread
    sizes = [int(k.sum()) for k in kept]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    of = np.repeat(np.arange(len(used)), sizes)
    aim = np.concatenate([e.labels[k] / e.labels[k].sum() for e, k in zip(used, kept, strict=True)])

    def loss(weight: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = rows @ weight
        scores = scores - np.maximum.reduceat(scores, starts)[of]
        powers = np.exp(scores)
        total = np.add.reduceat(powers, starts)[of]
        missed = -float(np.sum(aim * (scores - np.log(total))))
        slope = rows.T @ (powers / total - aim)
        return missed + penalty * float(weight @ weight) / 2, slope + penalty * weight

    start = np.zeros(rows.shape[1])
    weight = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return Weights(mean, spread, np.asarray(weight, np.float64), trust)


def _kept(examples: Sequence[Example]) -> list[Example]:
    return [e for e in examples if e.set not in MEASURED_ONLY]


def crossed(
    examples: Sequence[Example], part: Callable[[Example], str]
) -> list[NDArray[np.float64]]:
    """Scores of every example, by weights that never saw an example of the same part."""
    out: list[NDArray[np.float64]] = [np.zeros(0)] * len(examples)
    for name in sorted({part(e) for e in examples}):
        fitted = fit_weights(_kept([e for e in examples if part(e) != name]))
        for i, e in enumerate(examples):
            if part(e) == name:
                out[i] = fitted.scores(e.rows)
    return out


def hit_rates(
    examples: Sequence[Example], scores: Sequence[NDArray[np.float64]]
) -> dict[str, tuple[float, float, float]]:
    """Per set: share of questions answered by the first, the first five, the first ten."""
    out: dict[str, list[int]] = {}
    for e, s in zip(examples, scores, strict=True):
        right = {g for g, label in zip(e.groups, e.labels, strict=True) if label}
        order = np.argsort(-s, kind="stable")
        ranked = list(dict.fromkeys(e.groups[i] for i in order))[:10]
        first = next((n for n, g in enumerate(ranked, 1) if g in right), 99)
        out.setdefault(e.set, []).append(first)
    return {
        name: (
            round(float(np.mean([r <= 1 for r in ranks])), 3),
            round(float(np.mean([r <= 5 for r in ranks])), 3),
            round(float(np.mean([r <= 10 for r in ranks])), 3),
        )
        for name, ranks in out.items()
    }


def collect(data: Path, vaults: Path | None, limit: int) -> list[Example]:
    """All examples, public sets first."""
    out: list[Example] = []
    for name in PUBLIC:
        out += public(load_set(data, name, "dev"), limit)
        logger.info("%s: %d examples", name, len(out))
    golden = {
        "samples": (("sample", "train-samples"), sample_notes()),
        "written": (("train-notes",), notes_of("train-notes", None)),
    }
    if vaults is not None:
        golden["vault"] = (("vault", "train-vault"), vaults)
    for name, (sets, notes) in golden.items():
        with tempfile.TemporaryDirectory() as folder:
            out += golden_examples(sets, notes, name, index_at=Path(folder))
        logger.info("%s: %d examples", name, len(out))
    return out


def main() -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="unpacked retrieval_dev")
    parser.add_argument("--vaults", type=Path, help="unpacked vault_dev")
    parser.add_argument("--out", type=Path, default=Path("assistant/models/reranker.json"))
    parser.add_argument("--limit", type=int, default=250, help="questions a public set")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(collect(args.data, args.vaults, args.limit), args.out)


def train(examples: Sequence[Example], out: Path) -> None:
    """Fit the weights, print crossed figures, write the file that `assistant.reranking` reads."""
    fused = [e.rows[:, FEATURES.index("fused")].astype(np.float64) for e in examples]
    before = hit_rates(examples, fused)
    by_question = hit_rates(
        examples, crossed(examples, lambda e: str(int(_digest(e.id), 16) % FOLDS))
    )
    families = {e.family for e in examples}
    by_family = (
        hit_rates(examples, crossed(examples, lambda e: e.family)) if len(families) > 1 else {}
    )
    print(f"{'hit@1 / 5 / 10':<16} {'fused':<24} {'crossed by question':<24} crossed by family")
    for name, values in before.items():
        cells = (values, by_question[name], by_family.get(name, ()))
        print(f"{name:<16} " + " ".join(f"{' / '.join(map(str, cell)):<24}" for cell in cells))
    kept = _kept(examples)
    fitted = fit_weights(kept)
    for name, weight in sorted(zip(FEATURES, fitted.weight, strict=True), key=lambda f: -abs(f[1])):
        print(f"  {name:<16} {weight:+.3f}")
    model = {
        "names": list(FEATURES),
        "mean": [float(f"{x:.6g}") for x in fitted.mean],
        "spread": [float(f"{x:.6g}") for x in fitted.spread],
        "weight": [float(f"{x:.6g}") for x in fitted.weight],
        "prior": fitted.trust,
        "questions": len(kept),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
