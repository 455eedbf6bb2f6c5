"""UHGEval as published: news, a model's continuation of each, and its keywords labelled by people.

Gives records (`eval.records`): a keyword is judged in the clause it stands in, by the article that
the continuation was not shown. Knows no checker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError
from eval.records import Record, read_rows

__all__ = ["uhgeval"]

_CLAUSE = re.compile(r"[^，。；：！？,;:!?\n]+[，。；：！？,;:!?\n]*")
_LEAST = 6  # characters of a clause that says something by itself
_REFUSED, _APART = "不合理", "<sep>"
_KINDS = {"doc": "document", "num": "number", "kno": "knowledge", "gen": "general"}


def uhgeval(path: Path) -> list[Record]:
    """The labelled keywords of UHGEval, each with its clause and the article.

    The text is the clause of the continuation that holds the keyword, one of less than six
    characters with the one before it; the context is headline, date, beginning and remainder of
    the news. "either" (the set doesn't say whether the article says otherwise or nothing) if
    people called the keyword unreasonable, "supported" else. Keywords of one clause share its
    text, so no check by clause can be right on all of them; a keyword that the continuation does
    not hold is left out. That the true continuation is told from the model's proves nothing: it
    stands in the article to the letter.

    Args:
        path: `dataset_uhgeval_concise.jsonl` (`annotations`: "keyword<sep>judgement") or
            `XinhuaHallucinations.json` (`allKeywords`: judgement by keyword).

    Raises:
        ConfigError: a row is of another form.

    Source: Liang et al., "UHGEval", ACL 2024, doi:10.18653/v1/2024.acl-long.288;
    github.com/IAAR-Shanghai/UHGEval.
    """
    out: list[Record] = []
    for n, row in enumerate(read_rows(path), 1):
        try:
            out += _keywords(row, n)
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise ConfigError(f"{path}, row {n} has not UHGEval's form: {fault!r}") from fault
    return out


def _keywords(row: Mapping[str, Any], n: int) -> Iterator[Record]:
    said = row["hallucinatedContinuation"]
    head = [row.get("headLine", ""), row.get("broadcastDate", ""), row["newsBeginning"]]
    article = "\n".join(part.strip() for part in (*head, row["newsRemainder"]) if part)
    clauses = _clauses(said)
    name = str(row.get("id", n))
    for place, (keyword, judged) in enumerate(_judged(row)):
        at = said.find(keyword)
        if not keyword or at < 0:
            continue
        start, end = next(span for span in clauses if span[0] <= at < span[1])
        yield Record(
            id=f"{name}-{place}",
            text=said[start:end].strip(),
            contexts=(article,),
            label="either" if judged.startswith(_REFUSED) else "supported",
            group=name,
            kind=_KINDS.get(str(row.get("type")), str(row.get("type") or "")),
            lang="zh",
            stratum=str(row.get("generatedBy") or ""),
        )


def _judged(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Keywords with their judgement, of either version of the set."""
    if "annotations" in row:
        pairs = [one.partition(_APART) for one in row["annotations"]]
        return [(keyword.strip(), judged.strip()) for keyword, _, judged in pairs]
    return [(keyword, str(judged)) for keyword, judged in row["allKeywords"].items()]


def _clauses(said: str) -> list[tuple[int, int]]:
    """Spans of the clauses, which cover the text; short ones belong to the one before."""
    out: list[tuple[int, int]] = []
    for match in _CLAUSE.finditer(said):
        start, end = match.span()
        if out and (end - start < _LEAST or out[-1][1] - out[-1][0] < _LEAST):
            out[-1] = (out[-1][0], end)
        else:
            out.append((start if out else 0, end))
    return out or [(0, len(said))]
