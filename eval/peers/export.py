"""`python -m eval.peers.export FOLDER`: what the peers get, so that they need nothing of youju.

Writes `work.json` (chunks with text and terms, questions with terms and gold spans) and two arrays
of vectors, for the dev half of the questions over the sample notes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from assistant.config import sample_notes
from assistant.pipeline import Assistant
from corpus.encoder import load_encoder
from corpus.tokens import content_terms, terms
from eval import finding
from eval.questions import of_golden
from eval.runs import commit

__all__ = ["main"]


def main() -> int:
    """Write the folder, and the product's own figures on the same work."""
    parser = argparse.ArgumentParser(prog="python -m eval.peers.export", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    encoder = load_encoder()
    with (
        tempfile.TemporaryDirectory() as scratch,
        Assistant.open(sample_notes(), Path(scratch)) as assistant,
    ):
        assistant.refresh()
        asked = [one for one in of_golden("sample", "dev") if one.gold]
        own = finding.evaluate(assistant, asked)
        with assistant.index.snapshot() as now:
            chunks = [
                {
                    "note": note.path, "start": c.start, "end": c.end,
                    "text": "\n".join((note.title, *c.heading, note.text[c.start : c.end])),
                }
                for note in now.notes()
                for c in now.chunks_of(note.path)
            ]  # fmt: skip
    texts = [str(chunk["text"]) for chunk in chunks]
    work = {
        "chunks": [{**c, "terms": terms(t)} for c, t in zip(chunks, texts, strict=True)],
        "questions": [
            {
                "id": one.id, "text": one.question, "terms": content_terms(one.question),
                "gold": [[g.note, g.start, g.end] for g in one.gold],
            }
            for one in asked
        ],
        "youju": own["methods"],
        "commit": commit(),
    }  # fmt: skip
    (folder / "work.json").write_text(json.dumps(work, ensure_ascii=False), encoding="utf-8")
    np.save(folder / "chunks.npy", encoder.encode_passages(texts))
    queries = [one.question for one in asked]
    np.save(folder / "questions.npy", encoder.encode_queries(queries))
    print(f"{len(chunks)} chunks, {len(asked)} questions in {folder}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
