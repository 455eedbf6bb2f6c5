"""Trains the built-in encoder, writes it for `corpus.encoder`, and measures it.

    python -m eval.training.encoder --pairs PAIRS --out FOLDER     train and write
    python -m eval.training.encoder --evaluate FOLDER --data SETS  measure a written model

The model is sentence-transformers' StaticEmbedding with MultipleNegativesRankingLoss inside
MatryoshkaLoss; the loop is our own, since texts are tokenized once and stay arrays of ids.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import (
    MatryoshkaLoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
from tokenizers import Tokenizer

from corpus.encoder import MANIFEST, Encoder, StaticEncoder, token_ids
from eval.training.encoder_pairs import Pair, read_pairs
from eval.training.encoder_vocabulary import build_tokenizer

__all__ = ["Settings", "evaluate", "main", "train", "write_model"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What decides the weights; the defaults made the shipped ones."""

    seed: int = 0
    share: float = 1.0
    n_tokens: int = 64_000
    dim: int = 256
    dims: tuple[int, ...] = (256, 128, 64)
    epochs: int = 8
    batch: int = 2048
    rate: float = 0.05
    scale: float = 20.0
    warm_up: float = 0.05
    sif: float = 1e-3
    max_query_tokens: int = 64
    max_passage_tokens: int = 192
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Texts:
    """Token ids of many texts, one after another."""

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, tokenizer: Any, texts: Sequence[str], *, limit: int) -> Texts:
        """Tokenize texts that are folded already, cut at `limit` tokens."""
        parts: list[NDArray[np.int32]] = []
        lengths = [0]
        for start in range(0, len(texts), 20_000):
            ids = [row[:limit] for row in token_ids(tokenizer, texts[start : start + 20_000])]
            lengths += map(len, ids)
            parts.append(np.fromiter((i for row in ids for i in row), np.int32))
        return cls(np.concatenate(parts), np.cumsum(lengths))

    def features(self, chosen: NDArray[np.int64]) -> dict[str, torch.Tensor]:
        """What StaticEmbedding makes of the chosen texts."""
        starts, stops = self.starts[chosen], self.starts[chosen + 1]
        lengths = stops - starts
        offsets = np.cumsum(lengths) - lengths
        flat = np.repeat(starts - offsets, lengths) + np.arange(lengths.sum())
        return {
            "input_ids": torch.from_numpy(self.ids[flat].astype(np.int64)),
            "offsets": torch.from_numpy(offsets),
        }


def first_weights(
    counts: Sequence[int], *, dim: int, sif: float, seed: int
) -> NDArray[np.float32]:
    """Random rows, shorter for frequent tokens: a random projection of weighted words.

    Weight of a token with share p of the text: sif / (sif + p). Source: Arora, Liang, Ma, ICLR
    2017, "A simple but tough-to-beat baseline for sentence embeddings".
    """
    rng = np.random.default_rng(seed)
    share = np.array(counts, np.float64) / max(sum(counts), 1)
    rows = rng.standard_normal((len(counts), dim)) * (sif / (sif + share))[:, None]
    rows[0] = 0  # the unknown token says nothing
    return rows.astype(np.float32)


def batches(groups: Sequence[str], size: int, rng: random.Random) -> Iterator[NDArray[np.int64]]:
    """One epoch of batches, each of a single group, in random order."""
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    cut = []
    for _, indexes in sorted(members.items()):
        rng.shuffle(indexes)
        n = max(1, round(len(indexes) / size))
        cut += [np.array(indexes[i::n]) for i in range(n)]
    rng.shuffle(cut)
    yield from cut


def train(pairs: Sequence[Pair], settings: Settings, *, out: Path) -> None:
    """Train on pairs and write the model to `out`, and after each epoch."""
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    tokenizer, counts = build_tokenizer(
        [t for pair in pairs for t in (pair.query, pair.passage)], size=settings.n_tokens
    )
    ordered = [counts[w] for w, _ in sorted(tokenizer.get_vocab().items(), key=lambda p: p[1])]
    weights = first_weights(ordered, dim=settings.dim, sif=settings.sif, seed=settings.seed)
    static = StaticEmbedding(tokenizer, embedding_weights=weights)
    model = SentenceTransformer(modules=[static, Normalize()], device="cpu")
    normalizer, tokenizer.normalizer = tokenizer.normalizer, None
    queries = Texts.of(tokenizer, [p.query for p in pairs], limit=settings.max_query_tokens)
    passages = Texts.of(tokenizer, [p.passage for p in pairs], limit=settings.max_passage_tokens)
    tokenizer.normalizer = normalizer
    groups = [pair.group for pair in pairs]
    loss = MatryoshkaLoss(
        model, MultipleNegativesRankingLoss(model, scale=settings.scale), list(settings.dims)
    )
    optimizer = torch.optim.Adam(static.parameters(), lr=settings.rate, fused=True)
    rng = random.Random(settings.seed)
    n_steps = settings.epochs * sum(1 for _ in batches(groups, settings.batch, random.Random(0)))
    step, began, mean = 0, time.monotonic(), 0.0
    for epoch in range(settings.epochs):
        for chosen in batches(groups, settings.batch, rng):
            for group in optimizer.param_groups:
                group["lr"] = settings.rate * _schedule(step / n_steps, settings.warm_up)
            value = loss([queries.features(chosen), passages.features(chosen)], None)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            step += 1
            mean += 0.02 * (float(value.detach()) - mean)
            if step % 50 == 0:
                spent = time.monotonic() - began
                logger.info("step %d/%d loss %.3f %.0f s", step, n_steps, mean, spent)
        with torch.no_grad():
            static.embedding.weight[0] = 0
        write_model(model, out)
        logger.info("epoch %d written", epoch + 1)


def _schedule(done: float, warm_up: float) -> float:
    """Share of the learning rate: up in a line, down along a cosine."""
    if done < warm_up:
        return done / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (done - warm_up) / (1 - warm_up))


def write_model(model: SentenceTransformer, folder: Path) -> None:
    """Write a model so that `StaticEncoder` and `SentenceTransformer(folder)` open it.

    Rows become 8-bit integers with one scale each, in model2vec's layout, which StaticEmbedding
    reads too. Each file is swapped in whole; the manifest with their digests comes last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    static = model[0]
    rows = static.embedding.weight.detach().numpy().astype(np.float32)
    scales = np.abs(rows).max(axis=1) / 127
    quantized = np.rint(rows / np.where(scales > 0, scales, 1)[:, None]).astype(np.int8)
    contents = {
        "model.safetensors": save({"embeddings": quantized, "weights": scales}),
        "tokenizer.json": static.tokenizer.to_str(pretty=False).encode("utf-8"),
        "modules.json": _json([
            {"idx": 0, "name": "0", "path": "", "type": _class_name(StaticEmbedding)},
            {"idx": 1, "name": "1", "path": "1_Normalize", "type": _class_name(Normalize)},
        ]),
    }  # fmt: skip
    manifest = {
        "name": "youju-static",
        "dim": rows.shape[1],
        "sha256": {name: sha256(contents[name]).hexdigest() for name in sorted(contents)},
    }
    contents[MANIFEST] = _json(manifest)
    for name, content in contents.items():
        temporary = folder / f"{name}.tmp"
        temporary.write_bytes(content)
        temporary.replace(folder / name)


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode("utf-8")


def _class_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


SETS = (
    "notesq_dl500", "cacm_en", "xquad_zh2en", "xquad_en2zh", "cmrc2018_dev", "drcd_test_hans",
    "drcd_test_hant", "xquad_zh", "xquad_en", "csl_title_zh",
)  # fmt: skip


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def is_dev(query_id: str) -> bool:
    """Whether a query belongs to the half that settings are chosen on."""
    return sha256(query_id.encode("utf-8")).digest()[0] % 2 == 0


def evaluate(encoder: Encoder, folder: Path) -> dict[str, tuple[int, float, float, float]]:
    """Share of queries with a right passage among the first 1, 5 and 10, by cosine alone.

    Args:
        encoder: to measure.
        folder: of one set, in the BEIR contract.

    Returns:
        For "dev", "test" and "all": number of queries, hit@1, hit@5, hit@10 in [0, 1].
    """
    corpus = _rows(folder / "corpus.jsonl")
    titles = not folder.name.startswith("notesq")  # where the title would give the answer away
    texts = [
        f"{row['title']}\n{row['text']}" if titles and row.get("title") else row["text"]
        for row in corpus
    ]
    place = {row["id"]: i for i, row in enumerate(corpus)}
    right: dict[str, set[int]] = {}
    for line in (folder / "qrels.tsv").read_text("utf-8").splitlines():
        query_id, passage_id, grade = line.split("\t")
        if int(grade) > 0:
            right.setdefault(query_id, set()).add(place[passage_id])
    queries = [row for row in _rows(folder / "queries.jsonl") if row["id"] in right]
    cosines = encoder.encode_queries([q["text"] for q in queries]) @ encoder.encode_passages(texts).T
    found: dict[str, list[tuple[bool, bool, bool]]] = {"dev": [], "test": [], "all": []}
    for query, row in zip(queries, cosines, strict=True):
        best = np.argsort(-row, kind="stable")[:10].tolist()
        ranks = [r for r, i in enumerate(best, start=1) if i in right[query["id"]]]
        first = min(ranks, default=11)
        hits = (first <= 1, first <= 5, first <= 10)
        found["all"].append(hits)
        found["dev" if is_dev(query["id"]) else "test"].append(hits)
    return {half: (len(h), *np.mean(h, axis=0).tolist()) for half, h in found.items()}


def table(encoder: Encoder, data: Path) -> str:
    """A Markdown table of `evaluate` over all sets, and the time that encoding takes."""
    lines = ["| set | n | dev @1/5/10 | test @1/5/10 | all @1/5/10 |", "|---|---|---|---|---|"]
    for name in SETS:
        halves = evaluate(encoder, data / name)
        cells = [" / ".join(f"{v:.3f}" for v in halves[h][1:]) for h in ("dev", "test", "all")]
        lines.append(f"| {name} | {halves['all'][0]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="eval.training.encoder", description=__doc__)
    parser.add_argument("--pairs", type=Path, help="folder of the training pairs")
    parser.add_argument("--out", type=Path, default=Path("corpus/model"), help="folder to write")
    parser.add_argument("--evaluate", type=Path, metavar="FOLDER", help="measure this model")
    parser.add_argument("--data", type=Path, help="folder of the retrieval sets")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if options.evaluate:
        print(table(StaticEncoder(options.evaluate), options.data))
        return 0
    changes = {}
    for change in options.set:
        name, _, value = change.partition("=")
        changes[name] = type(getattr(Settings(), name))(value)
    settings = replace(Settings(), **changes)
    pairs = read_pairs(options.pairs, seed=settings.seed, share=settings.share)
    train(pairs, settings, out=options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
