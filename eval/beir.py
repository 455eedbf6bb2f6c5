"""Questions over passages in the BEIR form, from a folder or from a set's original files.

A folder holds corpus.jsonl, queries.jsonl, qrels.tsv and, where the set has them, answers.jsonl.
What is relevant comes from the set. Knows files and splits; no search.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError
from eval.originals import found_reading
from eval.sources import SET_FILES, require_known

__all__ = ["Passage", "RetrievalSet", "is_dev", "is_set", "load_set", "only"]


@dataclass(frozen=True, slots=True)
class Passage:
    """One document of a set."""

    id: str
    title: str
    text: str

    @property
    def full(self) -> str:
        """Title and text, as the rivals are given them."""
        return f"{self.title}\n{self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """Passages, the queries of one split, and what is relevant.

    Attributes:
        name: of the folder.
        passages: all of the set.
        queries: text per id, in the order of the file; those with a relevant passage.
        gold: grade per passage id, above 0, per query id.
        answers: short answers per query id, where the set has them.
        categories: kind of query per query id, where the set says it.
        files: what was read: the folder, or the original files.
        known_by: how original files are known to be the published ones, by name; see
            `eval.originals.Published`.
    """

    name: str
    passages: tuple[Passage, ...]
    queries: Mapping[str, str]
    gold: Mapping[str, Mapping[str, int]]
    answers: Mapping[str, tuple[str, ...]]
    categories: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    known_by: Mapping[str, str] = field(default_factory=dict)


def is_dev(name: str) -> bool:
    """Whether a query belongs to the dev half: the last byte of its id's sha256 is even."""
    return hashlib.sha256(name.encode()).digest()[-1] % 2 == 0


def is_set(path: Path) -> bool:
    """Whether `load_set` finds a set at this place.

    Raises:
        ConfigError: there are original files, but not those of the set.
    """
    return (path / SET_FILES[0]).is_file() or found_reading(path) is not None


def load_set(folder: Path, name: str, split: str) -> RetrievalSet:
    """A set, with the queries of one split.

    Args:
        folder: holds one folder a set, or the original files of a known one.
        name: of the set, or of a file in a form of `eval.originals`; fields of a folder's files
            other than id, title and text are not read.
        split: "dev", "test" or "all".

    Raises:
        ConfigError: the set is not there or not the known one of its name, or a file of it cannot
            be read.
    """
    base = folder / name
    if not (base / SET_FILES[0]).is_file() and (found := found_reading(base)) is not None:
        made = _parsed(base.name, found.reading.written(), split, found.files)
        return replace(made, known_by=found.known_by)
    require_known(base)
    try:
        texts = {
            one: (base / one).read_text(encoding="utf-8")
            for one in SET_FILES
            if one != SET_FILES[-1] or (base / one).exists()
        }
        return _parsed(name, texts, split, (base,))
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise ConfigError(
            f"the set {name!r} cannot be read from {base} ({fault}): name the unpacked folder of"
            " sets with --data"
        ) from fault


def _parsed(
    name: str, texts: Mapping[str, str], split: str, files: tuple[Path, ...]
) -> RetrievalSet:
    """The set from the texts of its files, by their names."""
    corpus, queries, qrels, answers = (texts.get(one, "") for one in SET_FILES)
    gold: dict[str, dict[str, int]] = {}
    for line in qrels.split("\n"):
        if line.strip():
            query, passage, grade = line.split("\t")[-3:]
            if grade.strip().isdigit() and int(grade) > 0:  # neither the head nor a rejection
                gold.setdefault(query, {})[passage] = int(grade)
    wanted = {"dev": (True,), "test": (False,), "all": (True, False)}[split]
    asked = _rows(queries)
    return RetrievalSet(
        name=name,
        passages=tuple(
            Passage(str(row["id"]), str(row.get("title") or ""), str(row["text"]))
            for row in _rows(corpus)
        ),
        queries={
            str(row["id"]): str(row["text"])
            for row in asked
            if str(row["id"]) in gold and is_dev(str(row["id"])) in wanted
        },
        gold=gold,
        answers={str(row["id"]): tuple(map(str, row["answers"])) for row in _rows(answers)},
        categories={str(row["id"]): str(row["category"]) for row in asked if row.get("category")},
        files=files,
    )


def only(found: RetrievalSet, queries: Sequence[str]) -> RetrievalSet:
    """The set with these queries only, over all its passages."""
    return replace(found, queries={name: found.queries[name] for name in queries})


def _rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split("\n") if line.strip()]
