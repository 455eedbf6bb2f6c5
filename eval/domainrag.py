"""DomainRAG as published: seven files of Chinese questions with the pages that answer them.

A row has `question`, `answers` (alternatives, each a list of parts), `positive_reference` or
`positive_references` (pages with `title` and `contents`), and, by file, `noisy_reference`,
`counterfact_reference` with `counterfact_answers`, `positive_html`, `date`, `history_qa`. The
pages were cut into words with blanks between them, which are taken out again. Knows rows; neither
claims nor suites.

Source: Wang et al., "DomainRAG", arXiv:2406.05654, 2024; github.com/ShootingWong/DomainRAG.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError
from eval.records import read_rows

__all__ = ["DomainQuestion", "Page", "Readings", "domain_questions"]

# Right answers: one of them, with all its parts, each in one of its alternatives.
Readings = tuple[tuple[tuple[str, ...], ...], ...]
_BETWEEN = re.compile(r"(?<![A-Za-z0-9])[ \u3000\xa0]+|[ \u3000\xa0]+(?![A-Za-z0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A passage of a page of the set, as a person reads it."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainQuestion:
    """A question of one of the files, with what the file says about it.

    Attributes:
        question: with its year before it where the file gives one, as the authors ask it.
        true: pages that answer it.
        noise: pages that do not.
        false: pages that were changed to say `false_answers`.
        tables: the answering pages as HTML.
        history: the questions of the conversation before it.
        is_long: whether the answer is a passage, which no answer holds to the letter.
    """

    id: str
    question: str
    answers: Readings
    true: tuple[Page, ...]
    noise: tuple[Page, ...] = ()
    false: tuple[Page, ...] = ()
    false_answers: Readings = ()
    tables: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    is_long: bool = False


def domain_questions(path: Path) -> list[DomainQuestion]:
    """The questions of one file.

    Raises:
        ConfigError: a row is of another form.
    """
    out = []
    for n, row in enumerate(read_rows(path), 1):
        try:
            out.append(_question(row, n))
        except (KeyError, TypeError, AttributeError) as fault:
            raise ConfigError(f"{path}, row {n} has not DomainRAG's form: {fault!r}") from fault
    return out


def _question(row: Mapping[str, Any], n: int) -> DomainQuestion:
    year, asked = str(row.get("date") or ""), row["question"]
    several = "positive_references" in row
    return DomainQuestion(
        id=str(n),  # the files name their pages only
        question=f"{year}年{asked}" if re.fullmatch(r"\d{4}", year) else asked,
        answers=_readings(row["answers"] if "answers" in row else row["answer"]),
        true=_pages(row["positive_references"] if several else row["positive_reference"]),
        noise=_pages(row.get("noisy_reference")),
        false=_pages(row.get("counterfact_reference")),
        false_answers=_readings(row.get("counterfact_answers")),
        tables=tuple(_listed(row.get("positive_html"))),
        history=tuple(turn["question"] for turn in _listed(row.get("history_qa"))),
        is_long=several or "history_qa" in row,
    )


def _listed(found: Any) -> list[Any]:
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _readings(found: Any) -> Readings:
    """Alternatives, each a list of parts or one part."""
    return tuple(
        tuple((str(part).strip(),) for part in _listed(one)) for one in _listed(found) if one
    )


def _pages(found: Any) -> tuple[Page, ...]:
    return tuple(_page(one) for one in _flat(found))


def _flat(found: Any) -> Iterator[Mapping[str, Any]]:
    for one in _listed(found):
        if isinstance(one, list):
            yield from one
        else:
            yield one


def _page(row: Mapping[str, Any]) -> Page:
    return Page(title=_plain(row.get("title") or "").strip(), text=_plain(row["contents"]).strip())


def _plain(text: str) -> str:
    """A text without the blanks between its words; those between two Latin ones stay."""
    return _BETWEEN.sub("", text)
