"""Forms that public sets are published in, told by the first row of a file.

Knows names of fields; neither what they mean nor which set a file is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError

__all__ = ["is_domainrag", "is_rgb", "is_uhgeval"]

_FIRST = 200_000  # characters that a first row may have
_REFERENCES = {"positive_reference", "positive_references"}


def is_rgb(path: Path) -> bool:
    """Whether the first row of a file has the form of RGB."""
    return {"query", "answer", "positive", "negative"} <= _first_row(path).keys()


def is_domainrag(path: Path) -> bool:
    """Whether the first row of a file has the form of DomainRAG."""
    row = _first_row(path)
    return "question" in row and bool(_REFERENCES & row.keys())


def is_uhgeval(path: Path) -> bool:
    """Whether the first row of a file has the form of UHGEval, of either version."""
    row = _first_row(path)
    return {"newsBeginning", "newsRemainder", "hallucinatedContinuation"} <= row.keys()


def _first_row(path: Path) -> dict[str, Any]:
    """The first object of JSON Lines or of a JSON list; empty where there is none."""
    if path.suffix not in (".json", ".jsonl"):
        return {}
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            head = file.read(_FIRST).lstrip().removeprefix("[").lstrip()
    except OSError as fault:
        raise ConfigError(f"{path} cannot be read ({fault.strerror})") from fault
    try:
        row, _ = json.JSONDecoder(strict=False).raw_decode(head)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}
