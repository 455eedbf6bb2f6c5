"""`python -m eval.chunk_sizes --data FOLDER [SET...]`: which size of passage finds best, on dev.

The same questions over indexes of several sizes: the public sets that are named, the questions over
the sample notes and, with `--vault`, those over other notes. Small passages win at a few hits
because more of them fit: so the spans found in the first 2,400 characters, a page of reading,
stand beside the spans found in ten hits.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.config import sample_notes
from assistant.pipeline import Assistant
from assistant.retrieval import retrieve
from corpus.chunking import DEFAULT_SIZE
from corpus.encoder import load_encoder
from corpus.errors import ConfigError
from corpus.index import Index
from corpus.readers import Vault
from eval import answers, finding, retrieval
from eval.questions import Asked, of_golden
from eval.ranking import span_recall
from eval.runs import mean_metric
from eval.stats import paired_randomisation

__all__ = ["main", "page_recall"]

SIZES = (240, 480, 720, 960)  # characters
PAGE = 2400  # characters
_HITS = 30
_METHODS = ("BM25 + jieba", "fused", retrieval.SHIPPED)
Metrics = dict[str, dict[str, list[float]]]
Items = dict[str, list[float]]  # a value for each question, in the same order for all sizes


def page_recall(index: Index, one: Asked, *, page: int = PAGE) -> float:
    """Share of the gold spans that are touched by the first `page` characters of the hits.

    The hit that goes beyond the page is cut there. In [0, 1]; `one` has a gold span.
    """
    spans: list[tuple[str, int, int]] = []
    left = page
    for hit in retrieve(index, one.question, k=_HITS):
        end = min(hit.chunk.end, hit.chunk.start + left)
        spans.append((hit.note.path, hit.chunk.start, end))
        left -= end - hit.chunk.start
        if left <= 0:
            break
    return span_recall(spans, [(g.note, g.start, g.end) for g in one.gold])


def _over_notes(notes: Path, asked: Sequence[Asked], size: int) -> tuple[Metrics, Items]:
    """Search and answers over notes: per method the metrics as [mean, low, high, n], and items."""
    encoder = load_encoder()
    with (
        tempfile.TemporaryDirectory() as folder,
        Index.open(Path(folder), encoder=encoder, chunk_size=size) as index,
    ):
        assistant = Assistant(index, vault=Vault(notes), encoder=encoder)
        report = assistant.refresh()
        known = {row.path for row in index.listing()}
        mine = [one for one in asked if all(g.note in known for g in one.gold)]
        searched = finding.evaluate(assistant, mine)
        found = searched["methods"]
        pages = [page_recall(index, one) for one in mine if one.gold]
        answered = answers.evaluate(assistant, mine)
        said = answered["metrics"]
    items: Items = {
        "ndcg@10": [item["ndcg@10"] for item in searched["items"]],
        f"recall in {PAGE} characters": pages,
        "right": [float(item["right"]) for item in answered["items"]],
    }
    of_answers = ("right answers", "cites a gold span", "refused though answerable",
                  "answered though unanswerable")  # fmt: skip
    return {
        **{name: found[name] for name in ("BM25 alone", "fused", retrieval.SHIPPED)},
        "page": {f"recall in {PAGE} characters": mean_metric(pages)},
        "answers": {name: said[name] for name in of_answers if name in said},
        "index": {"chunks": [float(report.n_chunks)]},
    }, items


def _over_sets(data: Path, name: str, size: int) -> tuple[Metrics, Items]:
    found = retrieval.load_set(data, name, "dev")
    result = retrieval.evaluate(found, methods=_METHODS, chunk_size=size)
    return {
        method: {metric: [*row[metric], result["n"]] for metric in retrieval.METRICS}
        for method, row in result["methods"].items()
    }, {}


def _paired(label: str, size: int, items: Items, base: Items) -> str:
    """The differences to the default size, with the p-value of a paired randomisation test."""
    rows = []
    for name, values in items.items():
        step = sum(values) / len(values) - sum(base[name]) / len(values)
        p = paired_randomisation(base[name], values)
        rows.append(f"{name} {step:+.3f} (p = {p:.3f}, n = {len(values)})")
    return f"{label} size {size} against {DEFAULT_SIZE}: {', '.join(rows)}"


def _line(label: str, size: int, found: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    lines = []
    for method, row in found.items():
        cells = ", ".join(f"{metric} {values[0]:.3f}" for metric, values in row.items())
        lines.append(f"{label} size {size} {method}: {cells}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures of every size, a method a line; with `--out`, keep them as JSON."""
    parser = argparse.ArgumentParser(prog="python -m eval.chunk_sizes", description=__doc__)
    parser.add_argument("sets", nargs="*", help="folders of public sets in --data")
    parser.add_argument("--data", type=Path, help="folder that holds them")
    parser.add_argument("--vault", type=Path, help="unpacked folder of the vaults")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="in characters")
    parser.add_argument("--out", type=Path, help="keep the figures as JSON")
    args = parser.parse_args(argv)
    if args.sets and args.data is None:
        parser.error("name the folder of the sets with --data")
    kept: dict[str, Any] = {}
    items: dict[tuple[str, int], Items] = {}
    for size in args.sizes:
        jobs: dict[str, Any] = {
            "sample": lambda s=size: _over_notes(sample_notes(), of_golden("sample", "dev"), s)
        }
        if args.vault:
            jobs["vault"] = lambda s=size: _over_notes(args.vault, of_golden("vault", "dev"), s)
        for name in args.sets:
            jobs[name] = lambda s=size, n=name: _over_sets(args.data, n, s)
        for label, job in jobs.items():
            found, items[label, size] = job()
            print(_line(label, size, found), flush=True)
            kept.setdefault(label, {})[str(size)] = found
            if args.out:
                args.out.write_text(json.dumps(kept, ensure_ascii=False, indent=1), "utf-8")
    for (label, size), found in items.items():
        base = items.get((label, DEFAULT_SIZE))
        if found and base and size != DEFAULT_SIZE:
            print(_paired(label, size, found, base))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ConfigError as fault:
        sys.exit(f"chunk_sizes: {fault}")
