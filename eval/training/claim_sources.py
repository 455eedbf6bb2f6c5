"""Claims of others with the text they are judged by, for `eval.training.grounding`.

Right, wrong and unfounded answers to questions of public reading sets (dev halves only), said as
statements; and public sets of claims that may train: Factcheck-GPT (Apache-2.0), WiCE claims
(ODC-BY, CC BY-SA), PAWS-X (free with acknowledgement), RAGTruth sources outside its test split
(MIT).
"""

from __future__ import annotations

import json
import lzma
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.judging import LABELS
from corpus.sentences import sentence_spans
from corpus.text import has_han
from eval.retrieval import is_dev

__all__ = [
    "CONTRADICTED",
    "NEITHER",
    "SETS",
    "SUPPORTED",
    "SourcedClaim",
    "answers",
    "public",
    "statement",
]

SUPPORTED, CONTRADICTED, NEITHER = range(len(LABELS))
# Set -> how many of its claims are taken.
SETS = {
    "factcheckgpt_stance": 900, "wice_claim_dev": 349, "pawsx_zh": 600,
    "ragtruth_other_sources": 700, "cmrc2018_dev": 400, "drcd_test_hans": 400, "xquad_zh": 250,
    "xquad_en": 250, "xquad_zh2en": 250, "xquad_en2zh": 250,
}  # fmt: skip
_READING = tuple(name for name in SETS if name.startswith(("cmrc", "drcd", "xquad")))
_PUBLIC = tuple(name for name in SETS if name not in _READING)
_VERDICTS = {
    "supported": SUPPORTED, "contradicted": CONTRADICTED, "not_in_notes": NEITHER,
    "unsupported": NEITHER, "partial": NEITHER,
}  # fmt: skip
_LEAST_SENTENCE = 25  # characters
_ASKED = re.compile(
    r"(?:是)?(?:什么时候|哪一年|哪年|哪一天|何时|几年|多少|几|哪些|哪一个|哪个|哪一种|哪种|哪里|哪儿"
    r"|何处|哪位|哪两个|哪|谁|什么|怎样|如何|何)(?:[个年月日位种家国座部所名人])?"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedClaim:
    """A claim, the text it is judged by, and its verdict (index into LABELS)."""

    claim: str
    text: str
    verdict: int
    source: str
    group: str


def statement(question: str, answer: str, rng: random.Random) -> str:
    """A question and an answer as one statement, the asked word replaced where there is one."""
    plain = question.rstrip("？?。. ")
    found = list(_ASKED.finditer(plain))
    if has_han(question) and found and rng.random() < 0.75:
        asked = found[-1]
        copula = "是" if asked.group().startswith("是") else ""
        return f"{plain[: asked.start()]}{copula}{answer}{plain[asked.end() :]}。"
    return f"{question} {answer}" if rng.random() < 0.7 else f"{plain}: {answer}"


def answers(data: Path, rng: random.Random) -> Iterator[SourcedClaim]:
    """Statements from questions of the dev halves.

    Args:
        data: the unpacked retrieval sets.
        rng: decides which wrong answer is taken, and how it is said.
    """
    for name in _READING:
        yield from _of_set(data / name, rng)


def _of_set(folder: Path, rng: random.Random) -> Iterator[SourcedClaim]:
    passages = {row["id"]: row for row in _rows(folder / "corpus.jsonl")}
    given = {r["id"]: r["answers"][0] for r in _rows(folder / "answers.jsonl") if r["answers"]}
    home = _homes(folder, passages)
    asked_of: dict[str, list[str]] = defaultdict(list)
    for query, passage in home.items():
        asked_of[passage].append(query)
    by_title: dict[str, list[str]] = defaultdict(list)
    for passage, row in passages.items():
        by_title[row.get("title", "")].append(passage)
    every = list(passages)
    for row in _rows(folder / "queries.jsonl"):
        query, question = row["id"], row["text"]
        if not is_dev(query) or query not in given or query not in home:
            continue
        passage, right = home[query], given[query]
        title = passages[passage].get("title", "")

        def said(
            answer: str, of: str, verdict: int, question: str = question, group: str = passage
        ) -> SourcedClaim:
            body = passages[of]
            head = f"# {body['title'].replace('_', ' ')}\n\n" if body.get("title") else ""
            return SourcedClaim(
                claim=statement(question, answer, rng),
                text=head + body["text"],
                verdict=verdict,
                source=folder.name,
                group=group,
            )

        yield said(right, passage, SUPPORTED)
        wrong = _wrong(right, [given[q] for q in asked_of[passage] if q in given], rng)
        if wrong:
            yield said(wrong, passage, CONTRADICTED)
        other = rng.choice([p for p in by_title[title] if p != passage] or every)
        if right not in passages[other]["text"]:
            yield said(right, other, NEITHER)


def _homes(folder: Path, passages: dict[str, Any]) -> dict[str, str]:
    """The passage of each query."""
    found: dict[str, str] = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines():
        query, *rest = line.split("\t")
        passage = next((field for field in rest if field in passages), None)
        if passage is not None:
            found.setdefault(query, passage)
    return found


def _wrong(right: str, others: list[str], rng: random.Random) -> str | None:
    """Another answer of the same shape, or the right one with its number changed."""
    alike = [a for a in others if a not in right and right not in a and _shape(a) == _shape(right)]
    number = _NUMBER.search(right)
    if number and _shape(right) == "number" and rng.random() < 0.5:
        factor = rng.choice((0.5, 0.8, 1.2, 1.5, 2, 10))
        changed = f"{float(number.group()) * factor:g}"
        return right[: number.start()] + changed + right[number.end() :]
    return rng.choice(alike) if alike else None


def _shape(answer: str) -> str:
    if re.fullmatch(r"[\d\s.,年月日%％个万亿千百]+", answer):
        return "number"
    return "name" if len(answer) <= 12 else "long"


def public(data: Path) -> Iterator[SourcedClaim]:
    """Claims of public sets with their contexts; of a response, each sentence is one.

    Args:
        data: the folder of the sets.
    """
    for name in _PUBLIC:
        with lzma.open(data / f"{name}.jsonl.xz", "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        for row in rows:
            for claim, verdict in _claims(row):
                yield SourcedClaim(
                    claim=claim,
                    text=row["context"],
                    verdict=verdict,
                    source=name,
                    group=f"{name}-{row.get('group') or row['id']}",
                )


def _claims(row: dict[str, Any]) -> list[tuple[str, int]]:
    text = row["claim_or_response"]
    if row["level"] != "response":
        return [(text, _VERDICTS[row["label"]])] if row["label"] in _VERDICTS else []
    out = []
    for start, end in sentence_spans(text):
        if end - start < _LEAST_SENTENCE:
            continue
        false = [s for s in row["spans"] if s["start"] < end and start < s["end"]]
        verdict = SUPPORTED
        if false:
            verdict = CONTRADICTED if "Conflict" in str(false[0].get("type")) else NEITHER
        out.append((text[start:end], verdict))
    return out


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
