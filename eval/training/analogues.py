"""Claims like those of RGB, made from the dev halves of public reading sets.

`python -m eval.training.analogues --retrieval FOLDER --out FOLDER` writes a file a set, which
`youju eval grounding FILE` measures.

The kept sets judge "question: answer" by several documents: the right one among noise, noise
alone, a document whose answer was replaced. These are made in the same way from CMRC 2018, DRCD
and XQuAD, to measure the check without reading a kept set.

Source: Chen et al., "Benchmarking Large Language Models in Retrieval-Augmented Generation",
AAAI 2024.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.asked import stated
from assistant.judging import LABELS
from corpus.bm25 import BM25
from corpus.text import fold
from corpus.tokens import content_terms, terms
from eval.published_claims import told
from eval.retrieval import is_dev

__all__ = ["READING", "ContextClaim", "analogues", "main"]

SUPPORTED, CONTRADICTED, NEITHER = range(len(LABELS))

READING = ("cmrc2018_dev", "drcd_test_hans", "xquad_zh", "xquad_en")
_PASSAGES = 5  # a claim is judged by
_NEAR = 30  # passages among which noise is looked for
_ASKED = 0.5  # share of claims said as "question: answer", the others as statements
_DIGITS = re.compile(r"\d+")
_PLAIN_NUMBER = re.compile(r"[\d\s.,:%年月日万亿千百个人岁米]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextClaim:
    """A claim with the documents it is judged by.

    Attributes:
        verdict: index into LABELS.
        kind: how documents and answer were chosen, in the words of `published_claims.rgb`.
        group: the passage that was asked about; never to be split.
        lang: "zh" or "en".
    """

    claim: str
    texts: tuple[str, ...]
    verdict: int
    kind: str
    source: str
    group: str
    lang: str


def analogues(data: Path, name: str, *, seed: int, limit: int | None = None) -> list[ContextClaim]:
    """The claims of one reading set.

    Args:
        data: the unpacked retrieval sets.
        name: one of READING.
        seed: of the order of questions, wrong answers and wording.
        limit: at most so many questions.
    """
    reading = _Reading(data / name)
    rng = random.Random(f"{name} {seed}")
    questions = [q for q in reading.questions if is_dev(q) and reading.is_usable(q)]
    rng.shuffle(questions)
    return [one for q in questions[:limit] for one in reading.claims(q, rng)]


class _Reading:
    """A set of passages with questions and answers."""

    def __init__(self, folder: Path) -> None:
        self._name = folder.name
        self._lang = "en" if folder.name.endswith("_en") else "zh"
        rows = _rows(folder / "corpus.jsonl")
        self._texts = {row["id"]: str(row["text"]) for row in rows}
        self._ids = list(self._texts)
        self.questions = {row["id"]: str(row["text"]) for row in _rows(folder / "queries.jsonl")}
        self._answers = {
            row["id"]: [str(a) for a in row["answers"]] for row in _rows(folder / "answers.jsonl")
        }
        self._home = _homes(folder / "qrels.tsv", self._texts)
        self._asked: dict[str, list[str]] = defaultdict(list)
        self._by_shape: dict[str, list[str]] = defaultdict(list)
        for query, passage in self._home.items():
            for answer in self._answers.get(query, [])[:1]:
                self._asked[passage].append(answer)
                if is_dev(query):
                    self._by_shape[_shape(answer)].append(answer)
        self._bm25 = BM25.build(
            np.arange(len(self._ids)), (terms(self._texts[i]) for i in self._ids)
        )

    def is_usable(self, query: str) -> bool:
        """Whether the answer stands in the passage that was asked about."""
        home = self._home.get(query)
        given = self._answers.get(query)
        return bool(home and given and given[0] in self._texts[home])

    def claims(self, query: str, rng: random.Random) -> Iterator[ContextClaim]:
        """Right and wrong answers to a question, by documents that say so, otherwise or nothing."""
        home, answers = self._home[query], self._answers[query]
        right, body = answers[0], self._texts[home]
        noise = self._noise(query, home, answers)
        wrong = self._wrong(right, home, rng)
        made: list[tuple[str, str, Sequence[str], int]] = []
        if len(noise) >= _PASSAGES - 1:
            mixed = [body, *noise[: _PASSAGES - 1]]
            rng.shuffle(mixed)
            made.append(("among noise", right, mixed, SUPPORTED))
            made.append(("noise alone", right, noise[:_PASSAGES], NEITHER))
        if wrong is not None:
            made.append(("true document", right, [body], SUPPORTED))
            made.append(("false answer", wrong, [body], CONTRADICTED))
            changed = body
            for answer in sorted(answers, key=len, reverse=True):
                changed = changed.replace(answer, wrong)
            made.append(("false document", right, [changed], CONTRADICTED))
        question = self.questions[query]
        isasked = rng.random() < _ASKED
        for kind, answer, shown, verdict in made:
            if verdict != SUPPORTED and kind != "false answer" and _holds(shown, answer):
                continue
            claim = told(question, [answer])
            yield ContextClaim(
                claim=claim if isasked else stated(claim),
                texts=tuple(shown),
                verdict=verdict,
                kind=kind,
                source=self._name,
                group=f"{self._name.removesuffix('_en').removesuffix('_zh')} {home}",
                lang=self._lang,
            )

    def _noise(self, query: str, home: str, answers: Sequence[str]) -> list[str]:
        """Passages that BM25 finds for the question and that do not hold the answer, best first."""
        scores = self._bm25.scores(content_terms(self.questions[query]), range(len(self._ids)))
        order = np.argsort(-np.asarray(scores), kind="stable")[:_NEAR]
        found = (self._ids[i] for i in order if self._ids[i] != home)
        return [
            self._texts[i] for i in found if not any(_holds([self._texts[i]], a) for a in answers)
        ]

    def _wrong(self, right: str, home: str, rng: random.Random) -> str | None:
        """Another answer of the same shape, not said where the question was asked if possible."""
        shape = _shape(right)
        number = _DIGITS.search(right)
        if shape == "number" and number and rng.random() < 0.5:
            value = int(number.group())
            other = value + rng.choice((-3, -2, -1, 1, 2, 3, 10, value or 7))
            return right[: number.start()] + str(abs(other)) + right[number.end() :]
        same = self._asked[home] if rng.random() < 0.3 else self._by_shape[shape]
        fitting = [
            a
            for a in same
            if _shape(a) == shape
            and a not in right
            and right not in a
            and 0.4 <= len(a) / len(right) <= 2.5
        ]
        return rng.choice(fitting) if fitting else None


def _holds(texts: Sequence[str], answer: str) -> bool:
    return any(fold(answer) in fold(text) for text in texts)


def _shape(answer: str) -> str:
    if _PLAIN_NUMBER.fullmatch(answer):
        return "number"
    mixed = "with digits" if _DIGITS.search(answer) else "of letters"
    return f"{'short' if len(answer) <= 16 else 'long'} {mixed}"


def _homes(path: Path, passages: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        query, *rest = line.split("\t")
        passage = next((field for field in rest if field in passages), None)
        if passage is not None:
            found.setdefault(query, passage)
    return found


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    """Write the claims of every reading set in the schema of the public grounding sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--retrieval", type=Path, required=True, help="unpacked retrieval sets")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=60, help="questions of a set")
    parser.add_argument("--seed", type=int, default=13)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in READING:
        found = analogues(args.retrieval, name, seed=args.seed, limit=args.limit)
        rows = [
            {
                "id": f"{name}-{n}", "lang": one.lang, "contexts": list(one.texts),
                "claim_or_response": one.claim, "label": LABELS[one.verdict].replace(
                    "unsupported", "not_in_notes"), "group": one.group, "kind": one.kind,
            }
            for n, one in enumerate(found)
        ]  # fmt: skip
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (args.out / f"analogues_{name}.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
