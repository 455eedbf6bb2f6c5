"""Claims and answers with the texts they are judged by, read from files of others.

Understands the schema of the public grounding sets ({context, claim_or_response, label, …}) and
logs of other systems in RAGAS's columns, old and new ({question, answer, contexts},
{user_input, response, retrieved_contexts}), DeepEval's or others', in letters of any case. A file
is JSON Lines, plain, .gz or .xz, a JSON list, or CSV. Knows no checker.
"""

from __future__ import annotations

import ast
import csv
import gzip
import hashlib
import io
import json
import lzma
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError
from eval.runs import sha256_of
from eval.sources import KNOWN

__all__ = ["Record", "has_contexts", "load_records", "read_rows", "sample"]

_TEXT = ("claim_or_response", "response", "answer", "claim", "actual_output", "generated_answer",
         "prediction", "output")  # fmt: skip
_CONTEXT = ("retrieved_contexts", "contexts", "context", "retrieval_context", "retrieved_context",
            "documents", "source_documents", "passages", "reference_contexts")  # fmt: skip
_QUESTION = ("user_input", "question", "query", "input")
_REFERENCE = ("reference", "ground_truth", "ground_truths", "expected_output")
# Where a context that is an object, as LangChain's and LlamaIndex's, has its text.
_INSIDE = ("page_content", "text", "content", "contents", "document")
_LABELS = {
    "supported": "supported",
    "contradicted": "contradicted",
    "not_in_notes": "unsupported",
    "unsupported": "either",
    "partial": "either",
    "mixed": "either",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A text to judge with its own contexts, and what is known of it.

    Attributes:
        text: a claim or a whole answer; empty where a log has none.
        contexts: what it is judged by, at least one.
        label: "supported", "contradicted", "unsupported" (not in the contexts), "either" (one of
            the last two, the set doesn't say which, or only a part of it), or "" where unknown.
        group: never to be split: claims of one document or question.
        kind: of corruption, task or subset, where the set names one.
        sentences: alternatives of sets of lines (from 0) of the one context that are the evidence.
        stratum: task and generator together; what is true of one must not be read off another.
        spans: (start, end) of what people marked as unsupported in the text.
        reference: the right answer, where a log brings it.
    """

    id: str
    text: str
    contexts: tuple[str, ...]
    label: str = ""
    group: str = ""
    kind: str = ""
    lang: str = ""
    split: str = ""
    question: str = ""
    sentences: tuple[tuple[int, ...], ...] = ()
    stratum: str = ""
    spans: tuple[tuple[int, int], ...] = ()
    reference: str = ""


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON Lines (plain, .gz, .xz) or of a JSON list.

    Raises:
        ConfigError: the file cannot be read, or a line of it is no JSON object.
    """
    try:
        with _opened(path) as file:
            text = file.read().decode("utf-8-sig")
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as fault:
        why = getattr(fault, "strerror", None) or fault
        raise ConfigError(f"{path} cannot be read ({why})") from fault
    if path.suffix == ".csv":
        yield from _table(text)
        return
    if text.lstrip().startswith("["):
        yield from _listed(path, text)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, strict=False)  # some sets hold tabs and the like as they are
        except (ValueError, RecursionError) as fault:
            raise ConfigError(f"{path}, line {number} is no JSON ({fault})") from fault
        if not isinstance(row, dict):
            raise ConfigError(f"{path}, line {number} is no JSON object: {line[:60]!r}")
        yield row


def _table(text: str) -> Iterator[dict[str, Any]]:
    """Rows of a CSV table; a cell that is JSON is read as such, TRUE and FALSE of any case too."""
    for row in csv.DictReader(io.StringIO(text)):
        yield {str(key): _cell(value) for key, value in row.items() if value not in (None, "")}


def _cell(value: str) -> Any:
    if value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if value[:1] in ("[", "{") or value == "null":
        for read in (json.loads, ast.literal_eval):  # pandas writes lists as Python does
            try:
                return read(value)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
    return value


def _listed(path: Path, text: str) -> Iterator[dict[str, Any]]:
    try:
        rows = json.loads(text)
    except ValueError as fault:
        raise ConfigError(f"{path} is no JSON ({fault})") from fault
    for n, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise ConfigError(f"{path}, item {n} is no JSON object: {str(row)[:60]!r}")
        yield row


def _opened(path: Path) -> Any:
    if path.suffix == ".xz":
        return lzma.open(path, "rb")
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def has_contexts(path: Path) -> bool:
    """Whether the first row of a file brings what it is to be judged by.

    Raises:
        ConfigError: the file cannot be read.
    """
    if not path.is_file() and path.name in KNOWN:
        return True  # `load_records` says where to get it
    first = _small(next(read_rows(path), {}))
    return any(name in first for name in _CONTEXT)


def _small(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its columns in small letters, blanks as underscores; the first of equals."""
    out: dict[str, Any] = {}
    for name, value in row.items():
        out.setdefault("_".join(str(name).lower().split()), value)
    return out


def _texts(found: Any) -> list[str] | None:
    """Contexts as texts: a text, a list of them or of objects that hold one; None if none fits."""
    if isinstance(found, str):
        return [found]
    if not isinstance(found, list):
        return None
    held = [_first(c, _INSIDE) if isinstance(c, Mapping) else c for c in found if c is not None]
    return held if all(isinstance(c, str) for c in held) else None


def load_records(path: Path) -> list[Record]:
    """The records of a file, in its order.

    A known public set (`eval.sources.KNOWN`, by file name) must have its known checksum.

    Raises:
        ConfigError: the file is absent, of another version than the known one, or a row of it
            has no text or no context.
    """
    known = KNOWN.get(path.name)
    if not path.is_file():
        where = f"; {known.where}" if known else ""
        raise ConfigError(f"There is no file {path}{where}")
    if known and sha256_of(path) != known.sha256:
        raise ConfigError(
            f"{path} is not the known version of this set (its sha256 is {sha256_of(path)[:12]}…,"
            f" expected {known.sha256[:12]}…): get it again, or rename it to use it as your own"
        )
    records = [_record(path, n, _small(row)) for n, row in enumerate(read_rows(path), 1)]
    if not records:
        raise ConfigError(f"{path} holds no record")
    seen: set[str] = set()
    for n, record in enumerate(records):  # two runs are compared by name
        if record.id in seen:
            records[n] = replace(record, id=f"{record.id}, row {n + 1}")
        seen.add(records[n].id)
    return records


def _record(path: Path, n: int, row: Mapping[str, Any]) -> Record:
    text = _first(row, _TEXT)
    if not isinstance(text, str) or not text.strip():
        if row.get("label") or not any(name in row for name in _TEXT):
            raise ConfigError(f"{path}, record {n} has no text: one of {', '.join(_TEXT)}")
        text = ""  # the other system gave no answer
    contexts = _texts(_first(row, _CONTEXT))
    if contexts is None:
        raise ConfigError(
            f"{path}, record {n} has no contexts: texts, or objects with {', '.join(_INSIDE)}, in"
            f" one of {', '.join(_CONTEXT)}"
        )
    label = str(row.get("label") or "")
    if label and label not in _LABELS:
        raise ConfigError(
            f"{path}, record {n}: the label {label!r} is none of {', '.join(_LABELS)}"
        )
    kind = next((str(row[k]) for k in ("kind", "subset", "task", "stance") if row.get(k)), "")
    plain = "\n".join(contexts)
    return Record(
        id=str(row.get("id") or n),
        text=text,
        contexts=tuple(contexts),
        label=_LABELS.get(label, ""),
        group=str(row.get("group") or hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()),
        kind=kind,
        lang=str(row.get("lang") or ""),
        split=str(row.get("split") or ""),
        question=str(_first(row, _QUESTION) or ""),
        sentences=tuple(tuple(map(int, s)) for s in row.get("supporting_sentences") or () if s),
        stratum=f"{row['task']} {row['model']}" if row.get("task") and row.get("model") else "",
        spans=_spans(row.get("spans")),
        reference=_joined(_first(row, _REFERENCE)),
    )


def _joined(found: Any) -> str:
    """A reference as one text; older logs bring a list of them."""
    if isinstance(found, list):
        return "\n".join(map(str, found))
    return found if isinstance(found, str) else ""


def _spans(found: Any) -> tuple[tuple[int, int], ...]:
    """Marked spans of a row; none where the set marks none, or marks them in another form."""
    if not isinstance(found, list):
        return ()
    marked = [s for s in found if isinstance(s, dict) and {"start", "end"} <= s.keys()]
    return tuple((int(s["start"]), int(s["end"])) for s in marked)


def _first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def sample(records: Sequence[Record], limit: int | None, *, seed: int) -> list[Record]:
    """About `limit` records, whole groups at random, in the order of the file.

    Args:
        records: all of them.
        limit: None for all. The last group drawn is cut where it would go beyond.
        seed: of the draw.
    """
    if limit is None or limit >= len(records):
        return list(records)
    groups = sorted({record.group for record in records})
    random.Random(seed).shuffle(groups)
    order = {group: n for n, group in enumerate(groups)}
    drawn = sorted(range(len(records)), key=lambda i: (order[records[i].group], i))[:limit]
    return [records[i] for i in sorted(drawn)]
