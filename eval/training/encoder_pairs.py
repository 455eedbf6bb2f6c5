"""Training pairs of the built-in encoder: read, capped, turned into questions, folded.

Knows the layout of the pairs folder (`NAME.jsonl.xz`, one object a line: query, passage, k the
kind, s the source); knows nothing of tokens or vectors. Called by `eval.training.encoder`.
"""

from __future__ import annotations

import json
import logging
import lzma
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.encoder import encoder_text
from corpus.text import has_han

__all__ = ["CAPS", "FILES", "Pair", "cloze", "cloze_pairs", "read_pairs", "training_text"]

logger = logging.getLogger(__name__)

# Licence classes A (permissive) and B (CC BY-SA) only: the weights are shipped.
FILES = ("arxiv_zh_en", "docs_sql_zh", "docs_dotnet_zh", "permissive_other", "sharealike")

# Pairs kept per (source, kind); without caps the encoder learns papers and product documentation.
CAPS: dict[tuple[str, str], int] = {
    ("arxiv_zh_en", "x"): 100_000,
    ("arxiv_zh_en", "t"): 50_000,
    ("arxiv_zh_en", "s"): 50_000,
    ("sql_docs_zh", "t"): 30_000,
    ("sql_docs_zh", "h"): 25_000,
    ("dotnet_docs_zh", "t"): 30_000,
    ("dotnet_docs_zh", "h"): 25_000,
}

_QUESTIONS_ZH = (
    "什么是{}？", "{}是什么？", "{}的原理是什么？", "如何{}？", "怎么{}？", "{}怎么做？",
    "{}有什么用？", "{}有哪些？", "为什么{}？", "请介绍一下{}", "{}是怎样的？", "{}有什么特点？",
    "{}和其他方法有什么区别？", "{}的作用是什么？", "{}需要注意什么？", "请问{}是怎么回事？",
)  # fmt: skip
_QUESTIONS_EN = (
    "What is {}?", "How does {} work?", "How to use {}?", "Why {}?", "What are {}?",
    "Explain {}", "When should I use {}?", "What is the purpose of {}?", "How do I {}?",
    "Tell me about {}", "Which {} are there?", "Where can I find {}?",
)  # fmt: skip
_QUESTION_SHARE = 0.4
_MIN_CLOZE = 100  # characters of a passage


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and the passage that answers it, folded; `group` names the batch it belongs to."""

    query: str
    passage: str
    group: str


def training_text(text: str) -> str:
    """The text as the encoder sees it, in training and in use."""
    return encoder_text(text)


def _ask(query: str, kind: str, rng: random.Random) -> str:
    """Turn a short heading into a question now and then; other queries come back unchanged."""
    if kind not in ("h", "t") or query.endswith(("?", "？")) or rng.random() > _QUESTION_SHARE:
        return query
    if has_han(query):
        return rng.choice(_QUESTIONS_ZH).format(query) if len(query) <= 24 else query
    return rng.choice(_QUESTIONS_EN).format(query) if len(query) <= 48 else query


def _group(source: str, kind: str, text: str) -> str:
    """The batch group: one source where it is large, one language of all small ones."""
    if kind == "x":
        return "arxiv-x" if source == "arxiv_zh_en" else "docs-x"
    if source in ("drcd_dev", "cmrc2018_trial"):
        return "questions-zh"
    if source == "arxiv_zh_en":
        return f"arxiv-{kind}"
    if source in ("sql_docs_zh", "dotnet_docs_zh", "tidb_docs_zh", "javaguide", "paddle_docs"):
        return source
    return "notes-zh" if has_han(text) else "notes-en"


_SENTENCE_ZH = re.compile(r"[^。!?;\n]{12,80}(?=[。!?;])")
_SENTENCE_EN = re.compile(r"[^.!?;\n]{40,240}(?=[.!?;]\s)")
_HAN_RUN = re.compile(r"[\u3400-\u9fff]{2,}")
_NUMBER = re.compile(r"\d[\d.,]*")
_ASKED_ZH = ("什么", "哪个", "谁", "哪里", "哪些", "什么", "为什么", "如何")
_NUMBER_ZH = ("多少", "几", "多少", "哪一年", "多大")
_ASKED_EN = (
    "what", "which", "who", "where", "when", "how", "why", "what is", "what are", "who is",
    "which of the", "what does", "how does", "what did", "where did", "when did",
)  # fmt: skip
_NUMBER_EN = ("how many", "how much", "what year", "when")


def cloze(passage: str, rng: random.Random) -> str | None:
    """A question made of a folded passage: part of a sentence, a few words replaced.

    Returns:
        None where no sentence is long enough.
    """
    return _cloze_zh(passage, rng) if has_han(passage[:60]) else _cloze_en(passage, rng)


def _cloze_zh(passage: str, rng: random.Random) -> str | None:
    sentences = _SENTENCE_ZH.findall(passage)
    if not sentences:
        return None
    sentence = rng.choice(sentences)
    clauses = [part for part in re.split("[,:]", sentence) if len(part) >= 6] or [sentence]
    first = rng.randrange(len(clauses))
    asked = ",".join(clauses[first : first + (2 if len(clauses[first]) < 14 else 1)])[:40]
    numbers = list(_NUMBER.finditer(asked))
    if numbers and rng.random() < 0.6:
        number = rng.choice(numbers)
        return f"{asked[: number.start()]}{rng.choice(_NUMBER_ZH)}{asked[number.end() :]}?"
    runs = list(_HAN_RUN.finditer(asked))
    if not runs:
        return None
    run = rng.choice(runs)
    length = min(rng.randint(2, 5), len(run[0]))
    start = run.start() + rng.choice((0, len(run[0]) - length))
    return f"{asked[:start]}{rng.choice(_ASKED_ZH)}{asked[start + length :]}?"


def _cloze_en(passage: str, rng: random.Random) -> str | None:
    sentences = _SENTENCE_EN.findall(passage)
    words = rng.choice(sentences).split() if sentences else []
    if len(words) < 6:
        return None
    length = rng.randint(5, 14)
    start = rng.randrange(max(1, len(words) - length + 1))
    words = words[start : start + length]
    numbers = [i for i, word in enumerate(words) if word[0].isdigit()]
    if numbers and rng.random() < 0.6:
        del words[rng.choice(numbers)]
        return f"{rng.choice(_NUMBER_EN)} {' '.join(words)}?"
    gone = rng.randint(1, 3)
    start = rng.choice((0, len(words) - gone))
    del words[start : start + gone]
    return f"{rng.choice(_ASKED_EN)} {' '.join(words)}?"


def cloze_pairs(pairs: Sequence[Pair], n: int, *, seed: int) -> list[Pair]:
    """Up to `n` questions for each of: papers and other texts, in Chinese and in English.

    The few encyclopedia passages are asked four times each, within the limit of `n`.
    """
    rng = random.Random(seed)
    made: dict[str, list[Pair]] = {}
    for pair in rng.sample(pairs, len(pairs)):
        if len(pair.passage) < _MIN_CLOZE:
            continue
        wiki = pair.group == "questions-zh"
        kind = "wiki" if wiki else "arxiv" if pair.group.startswith("arxiv") else "other"
        group = f"cloze-{kind}-{'zh' if has_han(pair.passage[:60]) else 'en'}"
        asked = made.setdefault(group, [])
        for _ in range(4 if wiki else 1):
            query = cloze(pair.passage, rng) if len(asked) < n else None
            if query:
                asked.append(Pair(query, pair.passage, group))
    logger.info("questions made: %s", {group: len(asked) for group, asked in made.items()})
    return [pair for _, asked in sorted(made.items()) for pair in asked]


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def read_pairs(folder: Path, *, seed: int, share: float = 1.0) -> list[Pair]:
    """Read, cap and fold the pairs of every allowed file, in the order of the files.

    Args:
        folder: holds `NAME.jsonl.xz` for every name in FILES.
        seed: decides which pairs survive the caps and which headings become questions.
        share: part of the pairs kept, in (0, 1]; below 1 for a quick trial.

    Returns:
        Pairs with a non-empty query and passage.

    Raises:
        FileNotFoundError: a file is missing.
    """
    rng = random.Random(seed)
    buckets: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name in FILES:
        for row in _lines(folder / f"{name}.jsonl.xz"):
            buckets.setdefault((row["s"], row["k"]), []).append((row["query"], row["passage"]))
    pairs = []
    for (source, kind), rows in sorted(buckets.items()):
        keep = min(CAPS.get((source, kind), len(rows)), round(len(rows) * share))
        for query, passage in rng.sample(rows, keep) if keep < len(rows) else rows:
            asked = training_text(_ask(query, kind, rng))
            pair = Pair(asked, training_text(passage), _group(source, kind, passage))
            if pair.query.strip() and pair.passage.strip():
                pairs.append(pair)
    logger.info("%d pairs of %d (source, kind) buckets", len(pairs), len(buckets))
    return pairs
