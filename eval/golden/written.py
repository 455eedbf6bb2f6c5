"""Turn notes with claims and questions in tables into rows of the training sets.

    python -m eval.golden.written FOLDER NAME [--over NOTES] [--corpus CORPUS]

FOLDER holds `notes/*.md`, `claims.tsv` (note, quote, verdict, kind, claim) and `questions.tsv`
(note, quote, yes or no, kind, fact, question); several quotes or facts are joined by ` ||| `.
either table may be missing. Notes go to `eval/golden/CORPUS/NAME`, or are those of the earlier
folder NOTES; rows go behind those of `train_claims.jsonl` and `train_questions.jsonl`, in place of
an earlier run's for NAME. A line that does not hold (a quote that its note has not, a fact outside
its quotes) is named and left out.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from eval.golden.relocate import GOLDEN, holds, notes_in, read_jsonl, write_jsonl

__all__ = ["main"]

_VERDICTS = ("supported", "contradicted", "unsupported")
_JOINT = "|||"


def _parts(field: str) -> list[str]:
    return [part.strip() for part in field.split(_JOINT) if part.strip()]


def _spans(note: str, field: str, texts: dict[str, str]) -> list[dict[str, Any]]:
    """The places of the quotes in a note.

    Raises:
        ValueError: the note or a quote is not there.
    """
    if note not in texts:
        raise ValueError("no such note")
    found = []
    for quote in _parts(field):
        at = texts[note].find(quote)
        if at < 0:
            raise ValueError(f"no such quote: {quote}")
        found.append({"note": note, "start": at, "end": at + len(quote), "quote": quote})
    return found


def _lang(text: str) -> str:
    return "zh" if any("\u4e00" <= c <= "\u9fff" for c in text) else "en"


def _claim(fields: list[str], texts: dict[str, str], corpus: str) -> dict[str, Any]:
    note, quote, verdict, kind, claim = fields
    if verdict not in _VERDICTS:
        raise ValueError(f"no such verdict: {verdict}")
    spans = _spans(note, quote, texts)
    if bool(spans) != (verdict != "unsupported"):
        raise ValueError("evidence and verdict do not go together")
    return {
        "split": "dev", "corpus": corpus, "lang": _lang(claim), "kind": kind, "claim": claim,
        "verdict": verdict, "evidence": spans, "about": note,
    }  # fmt: skip


def _question(fields: list[str], texts: dict[str, str], corpus: str) -> dict[str, Any]:
    note, quote, answerable, kind, fact, question = fields
    spans, facts = _spans(note, quote, texts), _parts(fact)
    said = "\n".join(span["quote"] for span in spans)
    if not bool(spans) == bool(facts) == (answerable == "yes"):
        raise ValueError("gold, facts and answerable do not go together")
    if not all(holds(said, one) for one in facts):
        raise ValueError("a fact outside its quotes")
    return {
        "split": "dev", "corpus": corpus, "lang": _lang(question), "kind": kind,
        "question": question, "answerable": answerable == "yes", "gold": spans, "facts": facts,
        "near": note,
    }  # fmt: skip


def main(folder: Path, name: str, *, over: str = "", corpus: str = "notes") -> int:
    """Add the notes and rows of a folder; the number of lines left out.

    Args:
        folder: with the tables.
        name: of the rows, and of the notes unless they are there.
        over: name of the notes that are there already.
        corpus: of the rows, and the folder of the notes: `notes` or `restated`.
    """
    kept = GOLDEN / corpus / (over or name)
    if not over:
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder / "notes", kept)
    texts = {f"{kept.name}/{path}": text for path, text in notes_in(kept).items()}
    wrong = 0
    for table, file, make, width, sign in (
        ("claims.tsv", "train_claims.jsonl", _claim, 5, "c"),
        ("questions.tsv", "train_questions.jsonl", _question, 6, "q"),
    ):
        if not (folder / table).is_file():
            continue
        rows = [
            row
            for row in read_jsonl(GOLDEN / file)
            if not row["id"].startswith(f"t{sign}{corpus[0]}-{name}-")
        ]
        seen = {row.get("claim") or row.get("question") for row in rows}
        lines = (folder / table).read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            fields = [field.strip() for field in line.split("\t")]
            fields[0] = f"{kept.name}/{fields[0]}"
            try:
                if len(fields) != width:
                    raise ValueError(f"{len(fields)} fields instead of {width}")
                if fields[-1] in seen:
                    raise ValueError("said before")
                row = make(fields, texts, corpus)
            except ValueError as fault:
                print(f"{table}:{number}: {fault}")
                wrong += 1
                continue
            seen.add(fields[-1])
            rows.append({"id": f"t{sign}{corpus[0]}-{name}-{number:04}", **row})
        write_jsonl(GOLDEN / file, rows)
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    parser.add_argument("--over", default="")
    parser.add_argument("--corpus", default="notes", choices=("notes", "restated"))
    main(**vars(parser.parse_args()))
