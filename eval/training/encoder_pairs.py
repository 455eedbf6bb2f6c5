"""Training pairs of the built-in encoder: read, capped, turned into questions, folded.

Knows the layout of the pairs folder (`NAME.jsonl.xz`, one object a line: query, passage, k the
kind, s the source) and of a CC-CEDICT file; knows nothing of tokens or vectors. Called by
`eval.training.encoder`.
"""

from __future__ import annotations

import json
import logging
import lzma
import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus.text import fold, has_han

__all__ = ["CAPS", "FILES", "Pair", "read_dictionary", "read_pairs", "training_text"]

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


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and the passage that answers it, folded; `group` names the batch it belongs to."""

    query: str
    passage: str
    group: str


def training_text(text: str) -> str:
    """The text as the encoder sees it: compatibility forms resolved, then folded."""
    return fold(unicodedata.normalize("NFKC", text))


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


_ENTRY = re.compile(r"^\S+ (?P<word>\S+) \[[^\]]*\] /(?P<glosses>.*)/\s*$")
_NOTE = re.compile(r"\([^)]*\)|\[[^\]]*\]|\bCL:\S+|\b(?:sb|sth|lit|fig|idiom|abbr|i\.e|e\.g)\b\.?")
_REFERENCE = re.compile(r"^(?:variant of|old variant|see |used in|surname |erhua variant|CL:)")


def read_dictionary(path: Path) -> list[tuple[str, str]]:
    """Word and gloss pairs of a CC-CEDICT file (CC BY-SA 4.0), folded.

    Args:
        path: the dictionary in its own text format, UTF-8.

    Returns:
        (Chinese word, English gloss) in file order; references to other entries, surnames,
        remarks in brackets and measure words are left out.
    """
    entries = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            match = _ENTRY.match(line)
            if not match:
                continue
            for gloss in match["glosses"].split("/"):
                plain = re.sub(r"[一-鿿|]+", " ", _NOTE.sub(" ", gloss)).strip(" ;,.")
                plain = re.sub(r"^to (?:be )?", "", re.sub(r"\s+", " ", plain))
                if plain and not _REFERENCE.match(gloss) and not has_han(plain):
                    entries.append((training_text(match["word"]), training_text(plain)))
    logger.info("%d word and gloss pairs", len(entries))
    return entries
