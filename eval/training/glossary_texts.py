"""Texts that exist in Chinese and in English, cut into sentences and neighbouring tokens.

Knows the files of pairs and how a paper is put together from them; not which words mean the same.
Called by `glossary` and `glossary_alignment`.
"""

from __future__ import annotations

import json
import logging
import lzma
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

from corpus.text import fold, has_han
from corpus.tokens import stem, terms, tokens

__all__ = ["Document", "Run", "Segment", "english", "read_documents", "rows_of"]

logger = logging.getLogger(__name__)

Run = list[str]  # neighbouring tokens, nothing but blanks and hyphens between them
Segment = list[Run]  # a sentence

_SENTENCE_ZH = re.compile(r"[。！？；\n]+|(?<=[^\d])\. ")
_SENTENCE_EN = re.compile(r"(?<=[.!?;:])\s+|\n+")
_RUN_EN = re.compile(r"[a-z0-9\u00df-\u024f\u0370-\u052f][\w.'+#-]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """One text in both languages: its sentences, not aligned."""

    zh: list[Segment]
    en: list[Segment]


def rows_of(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """The pairs of a file, as written: two texts and what they are to each other."""
    with lzma.open(folder / f"{name}.jsonl.xz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _linked(rows: Sequence[dict[str, str]]) -> Iterator[tuple[list[str], list[str]]]:
    """Chinese and English texts of one paper, found by the texts its pairs share.

    A paper stands in several pairs (title and abstract, summary and abstract, title and
    summary); texts that begin alike are one. Large groups (shared titles) fall back to pairs.
    """
    parent: dict[str, str] = {}

    def find(text: str) -> str:
        while parent.setdefault(text, text) != text:
            parent[text] = parent[parent[text]]
            text = parent[text]
        return text

    full: dict[str, str] = {}
    for row in rows:
        for text in (row["query"], row["passage"]):
            full[text[:80]] = max(full.get(text[:80], ""), text, key=len)
        parent[find(row["query"][:80])] = find(row["passage"][:80])
    groups: dict[str, list[str]] = defaultdict(list)
    for beginning, text in full.items():
        groups[find(beginning)].append(text)
    for group in groups.values():
        if len(group) <= 7:
            yield from _by_language(group)
    for row in rows:
        if row["k"] == "x" and len(groups[find(row["query"][:80])]) > 7:
            yield from _by_language([row["query"], row["passage"]])


def _by_language(texts: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    """The Chinese and the English ones of some texts, if there are both."""
    zh = [text for text in texts if has_han(text)]
    en = [text for text in texts if not has_han(text)]
    if zh and en:
        yield zh, en


def _bitexts(folder: Path) -> Iterator[tuple[list[str], list[str]]]:
    yield from _linked(list(rows_of(folder, "arxiv_zh_en")))
    for row in rows_of(folder, "sharealike"):
        if row["k"] == "x":
            yield from _by_language([row["query"], row["passage"]])


@lru_cache(maxsize=400_000)
def _latin_parts(surface: str) -> tuple[str, ...]:
    """A Latin run as a phrase of its hyphenated parts, or as the one term it is."""
    pieces = [piece for piece in surface.split("-") if piece]
    if len(pieces) > 1 and all(piece.isalpha() for piece in pieces):
        return tuple(stem(fold(piece)) for piece in pieces)
    whole = terms(surface)
    return (whole[0],) if whole else ()


@lru_cache(maxsize=400_000)
def _latin_wholes(surface: str) -> tuple[str, ...]:
    """The terms of a hyphenated run beyond its parts: `fine-tuning` is also `finetun`."""
    return tuple(terms(surface)[:1]) if "-" in surface.strip("-") else ()


def english(text: str) -> list[Segment]:
    """An English text as sentences of stemmed tokens."""
    segments = []
    for sentence in _SENTENCE_EN.split(text):
        runs: Segment = []
        end = -1
        for match in _RUN_EN.finditer(sentence):
            surface = match.group().rstrip(".'-")
            parts = list(_latin_parts(surface))
            if runs and sentence[end : match.start()] == " ":
                runs[-1].extend(parts)
            else:
                runs.append(parts)
            end = match.start() + len(surface)
            runs.extend([whole] for whole in _latin_wholes(surface))
            if len(runs[-1]) == 1 and "-" in surface:
                runs.append(parts[-1:])  # the phrase goes on after the hyphenated word
        segments.append(runs)
    return [segment for segment in segments if segment]


def _chinese(text: str) -> list[Segment]:
    segments = []
    for sentence in _SENTENCE_ZH.split(text):
        runs: Segment = []
        end = -1
        for token in tokens(sentence):
            if token.kind != "han":
                continue
            if runs and token.start == end:
                runs[-1].append(token.text)
            else:
                runs.append([token.text])
            end = token.end
        if runs:
            segments.append(runs)
    return segments


def read_documents(folder: Path) -> list[Document]:
    """The texts that stand in both languages, cut into sentences and tokens."""
    documents = []
    for zh, en in _bitexts(folder):
        document = Document(
            list(chain.from_iterable(map(_chinese, zh))),
            list(chain.from_iterable(map(english, en))),
        )
        if document.zh and document.en:
            documents.append(document)
    logger.info("%d documents in both languages", len(documents))
    return documents
