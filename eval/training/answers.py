"""Trains the extractive answer: which unit of the hits answers, and what belongs beside it.

`python -m eval.training.answers --shared FOLDER --vaults FOLDER --retrieval FOLDER` takes the
dev halves of the golden questions (feed, samples, vaults), the questions written for training,
and the dev halves of public reading-comprehension sets (CMRC 2018, DRCD, XQuAD; CC BY-SA),
retrieves for each question as the product does, and fits boosted trees on the features of
`assistant.evidence`: a unit that overlaps a gold span is right, every other is not, and all units
are wrong for a question that the notes do not answer. What belongs beside the best unit is learned
from the questions over notes, whose gold spans are complete. Whether any unit answers is trained by
`eval.training.answerable`, to be run after this. Test halves are never read here.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.candidates import Candidate, candidates
from assistant.config import sample_notes
from assistant.evidence import FEATURES, features
from assistant.questions import parse_question
from assistant.retrieval import retrieve
from assistant.similarity import WordSimilarity
from assistant.together import COMPANION_FEATURES, companion_rows
from assistant.types import Hit
from assistant.words import Word, weigh, words
from corpus.encoder import Encoder, load_encoder
from corpus.index import Index
from corpus.readers import Vault
from corpus.text import fold
from eval.goldens import GoldQuestion, contains, notes_of, questions
from eval.training.boosting import fit, tree_object, write_trees

__all__ = ["OWN", "Asked", "Example", "collect", "crossed", "main"]

logger = logging.getLogger(__name__)

HITS = 12
PUBLIC = ("cmrc2018_dev", "drcd_test_hans", "xquad_zh", "xquad_en", "xquad_zh2en", "xquad_en2zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One question with the features of its candidates.

    Attributes:
        set: name of the set it comes from.
        group: what is in one fold.
        question: as it is searched.
        asked: its words.
        weights: of these words.
        found: its candidates.
        rows: features, of shape (n_candidates, n_features).
        labels: 1 for a candidate that answers.
        answerable: whether the notes hold an answer at all.
    """

    set: str
    group: str
    question: str
    asked: tuple[Word, ...]
    weights: NDArray[np.float64]
    found: tuple[Candidate, ...]
    rows: NDArray[np.float32]
    labels: NDArray[np.int64]
    answerable: bool


def is_dev(name: str) -> bool:
    """Whether a question of a public set belongs to the dev half: its sha256 is even."""
    return hashlib.sha256(name.encode()).digest()[-1] % 2 == 0


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", fold(text))


@cache
def _encoder() -> Encoder:
    return load_encoder()


class Asked:
    """An index to draw examples from."""

    def __init__(self, notes: Path) -> None:
        self.encoder = _encoder()
        place = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
        self.index = Index.open(Path(place), encoder=self.encoder)
        self.index.refresh(Vault(notes))
        self.similar = WordSimilarity(self.encoder)

    def hits(self, question: str, k: int) -> list[Hit]:
        """The passages found for a question."""
        return retrieve(self.index, question, k=k)

    def candidates(self, question: str, *, without: str = "") -> list[Candidate]:
        """Units of the passages found, those of one note left out."""
        hits = [
            h
            for h in retrieve(self.index, question, k=HITS + bool(without))
            if h.note.path != without
        ]
        return candidates(hits[:HITS])

    def example(
        self, question: str, found: list[Candidate], labels: Sequence[int], **rest: Any
    ) -> Example:
        """What is known of a question, its candidates and their labels."""
        parsed, now = parse_question(question), self.index
        asked = words(parsed.core)
        return Example(
            question=question,
            asked=asked,
            weights=weigh(asked, now.idf, now.df),
            found=tuple(found),
            rows=features(parsed, found, now, similar=self.similar),
            labels=np.array(labels, np.int64),
            **rest,
        )


def golden(sets: Sequence[str], notes: Path, name: str) -> Iterator[Example]:
    """Examples of the dev halves of golden sets about the same notes."""
    asked = Asked(notes)
    for gold in (q for of in sets for q in questions(of, "dev")):
        found = asked.candidates(gold.question)
        if not found:
            continue
        yield asked.example(
            gold.question,
            found,
            [_answers(gold, c) for c in found],
            set=name,
            group=gold.gold[0].note if gold.gold and name != "feed" else gold.id,
            answerable=gold.answerable,
        )


def _answers(gold: GoldQuestion, c: Candidate) -> int:
    """Whether a candidate answers: by gold span, or by fact where the gold is a whole note."""
    for span in gold.gold:
        if c.hit.note.path != span.note:
            continue
        if span.end:
            if c.unit.start < span.end and span.start < c.unit.end:
                return 1
        elif any(contains(c.text, fact) for fact in gold.facts):
            return 1
    return 0


def public(folder: Path, name: str, limit: int) -> Iterator[Example]:
    """Examples of the dev half of a public set; every fourth without its gold passage."""
    base = folder / name
    corpus = [json.loads(line) for line in (base / "corpus.jsonl").open(encoding="utf-8")]
    notes = Path(tempfile.mkdtemp()) / name
    notes.mkdir()
    for passage in corpus:
        title = str(passage.get("title") or "")
        (notes / f"{passage['id']}.md").write_text(
            f"---\ntitle: {json.dumps(title, ensure_ascii=False)}\n---\n{passage['text']}\n",
            "utf-8",
        )
    answers = {
        row["id"]: row["answers"]
        for row in map(json.loads, (base / "answers.jsonl").open(encoding="utf-8"))
    }
    gold = {}
    for line in (base / "qrels.tsv").read_text("utf-8").splitlines():
        parts = line.split("\t")
        if parts[-1].strip() not in ("0", "score"):
            gold[parts[0]] = parts[-2]
    asked = Asked(notes)
    queries = [json.loads(line) for line in (base / "queries.jsonl").open(encoding="utf-8")]
    chosen = [q for q in queries if is_dev(q["id"]) and q["id"] in gold and answers.get(q["id"])]
    chosen.sort(key=lambda q: hashlib.sha256(q["id"].encode()).hexdigest())
    for n, query in enumerate(chosen[:limit]):
        hidden = n % 4 == 3
        path = f"{gold[query['id']]}.md"
        found = asked.candidates(query["text"], without=path if hidden else "")
        wanted = [_plain(a) for a in answers[query["id"]] if _plain(a)]
        labels = [
            int(c.hit.note.path == path and any(a in _plain(c.text) for a in wanted)) for c in found
        ]
        if found and (hidden or any(labels)):
            yield asked.example(
                query["text"],
                found,
                labels,
                set=name,
                group=f"{name}:{path}",
                answerable=not hidden,
            )


def collect(shared: Path, vaults: Path, retrieval: Path, *, limit: int) -> list[Example]:
    """All examples, golden sets first."""
    out = [
        *golden(("feed", "train-feed"), shared / "notes-feed.txt", "feed"),
        *golden(("sample", "train-samples"), sample_notes(), "samples"),
        *golden(("vault", "train-vault"), vaults, "vault"),
        *golden(("train-notes",), notes_of("train-notes", None), "notes"),
    ]
    logger.info("%d golden examples", len(out))
    for name in PUBLIC:
        before = len(out)
        out += public(retrieval, name, limit)
        logger.info("%s: %d examples", name, len(out) - before)
    return out


def crossed(
    examples: Sequence[Example],
    *,
    seed: int,
    folds: int = 5,
    beside: Sequence[Example] = (),
) -> list[NDArray[np.float64]]:
    """Probability per candidate of every example, by models that never saw its group.

    Args:
        examples: to train on.
        seed: of the trees.
        folds: into which groups are cut.
        beside: further ones that are not trained on; theirs stand behind those of `examples`.
    """
    every = [*examples, *beside]
    fold_of = [int(hashlib.sha256(e.group.encode()).hexdigest(), 16) % folds for e in every]
    out: list[NDArray[np.float64]] = [np.zeros(0)] * len(every)
    for k in range(folds):
        train = [e for e, f in zip(examples, fold_of, strict=False) if f != k]
        model = fit(*_stacked(train), seed=seed)
        for i, (e, f) in enumerate(zip(every, fold_of, strict=True)):
            if f == k:
                out[i] = model.predict_proba(e.rows)[:, 1]
    return out


def _stacked(
    examples: Sequence[Example],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    return np.concatenate([e.rows for e in examples]), np.concatenate([e.labels for e in examples])


def figures(
    examples: Sequence[Example], scores: Sequence[NDArray[np.float64]]
) -> dict[str, dict[str, float]]:
    """Per set: sentence hit@1 and hit@3, and both errors of abstaining at the best threshold."""
    out: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(e.set for e in examples):
        rows = [(e, s) for e, s in zip(examples, scores, strict=True) if e.set == name]
        hits = [(e.labels[np.argsort(-s)], s.max()) for e, s in rows if e.answerable]
        if not hits:
            continue
        alien = np.array([s.max() for e, s in rows if not e.answerable])
        own = np.array([top for _, top in hits])
        out[name] = {
            "n": len(rows),
            "reach": float(np.mean([labels.any() for labels, _ in hits])),
            "hit@1": float(np.mean([labels[0] for labels, _ in hits])),
            "hit@3": float(np.mean([labels[:3].any() for labels, _ in hits])),
            "auc": float(np.mean(own[:, None] > alien[None, :]))
            if len(alien) and len(own)
            else 0.0,
        }
    return out


OWN = ("feed", "samples", "vault", "notes")
LEAST = 0.08  # probability at which a unit of usual length is shown beside the best one


def companions(
    examples: Sequence[Example], scores: Sequence[NDArray[np.float64]]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features and labels of the units beside the best ones of answerable questions.

    Args:
        examples: of all sets; only those over notes are used.
        scores: of their candidates, by models that never saw their group.
    """
    rows, labels = [], []
    for e, s in zip(examples, scores, strict=True):
        if e.set not in OWN or not e.answerable:
            continue
        looked_at, about = companion_rows(e.question, e.found, e.rows, s)
        rows.append(about)
        labels.append(e.labels[looked_at])
    return np.concatenate(rows), np.concatenate(labels)


def main() -> None:
    """Train and write the ranker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="folder with notes-feed.txt")
    parser.add_argument("--vaults", type=Path, required=True, help="unpacked vault_dev")
    parser.add_argument("--retrieval", type=Path, required=True, help="unpacked retrieval_dev")
    parser.add_argument("--out", type=Path, default=Path("assistant/models"))
    parser.add_argument("--limit", type=int, default=500, help="questions a public set")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--cache", type=Path, help="keep the features here")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    examples = collect(args.shared, args.vaults, args.retrieval, limit=args.limit)
    if args.cache:
        np.savez_compressed(
            args.cache,
            rows=np.concatenate([e.rows for e in examples]),
            labels=np.concatenate([e.labels for e in examples]),
            sizes=np.array([len(e.labels) for e in examples]),
            sets=np.array([e.set for e in examples]),
            groups=np.array([e.group for e in examples]),
            answerable=np.array([e.answerable for e in examples]),
        )
    train(examples, out=args.out, seed=args.seed)


def train(examples: Sequence[Example], *, out: Path, seed: int) -> None:
    """Fit the models, print crossed figures, write them into a folder.

    Args:
        examples: of all sets.
        out: folder of `answers.json` and `companions.json`.
        seed: of the trees.
    """
    scores = crossed(examples, seed=seed)
    found = figures(examples, scores)
    for name, values in found.items():
        print(name, {k: round(v, 3) for k, v in values.items()})
    model = fit(*_stacked(examples), seed=seed)
    write_trees(out / "answers.json", tree_object(model, FEATURES))
    rows, labels = companions(examples, scores)
    model = fit(rows, labels, seed=seed, max_iter=200, learning_rate=0.05)
    write_trees(out / "companions.json", tree_object(model, COMPANION_FEATURES, least=LEAST))


if __name__ == "__main__":
    main()
