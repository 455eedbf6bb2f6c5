"""Trains the built-in encoder, writes it for `corpus.encoder`, and measures it.

    python -m eval.training.encoder --pairs PAIRS --out FOLDER     train and write
    python -m eval.training.encoder --evaluate FOLDER --data SETS  measure a written model

The model is sentence-transformers' StaticEmbedding, trained with its MultipleNegativesRankingLoss
summed over several lengths of the vectors (Matryoshka). The loop is our own: texts are tokenized
once, and only the rows of a batch are touched.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
from torch.nn.functional import embedding_bag

from corpus.encoder import MANIFEST, Encoder, StaticEncoder
from eval.training.encoder_pairs import Pair, cloze_pairs, read_pairs
from eval.training.encoder_vocabulary import Relation, Texts, build_tokenizer, relations

__all__ = ["Settings", "batches", "evaluate", "first_rows", "main", "train", "write_model"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What decides the weights; the defaults made the shipped ones."""

    seed: int = 0
    share: float = 1.0
    n_cloze: int = 20_000
    n_counted: int = 100_000
    n_tokens: int = 64_000
    dim: int = 320
    dims: tuple[int, ...] = (320, 128)
    epochs: int = 1
    batch: int = 1024
    rate: float = 0.3
    scale: float = 30.0
    sif: float = 3e-4
    max_query_tokens: int = 64
    max_passage_tokens: int = 192
    threads: int = 2
    checkpoint: int = 100


def first_rows(
    counts: NDArray[np.int64], related: Sequence[Relation], *, dim: int, sif: float, seed: int
) -> NDArray[np.float32]:
    """Random rows, alike for tokens that mean much the same, shorter for frequent tokens.

    Before any training this is a random projection of weighted bags of words, in which a word and
    its translation are nearly one. Weight of a token with share p of the text: sif / (sif + p).
    Source: Arora, Liang, Ma, ICLR 2017, "A simple but tough-to-beat baseline for sentence
    embeddings".

    Args:
        counts: of each token in the training texts.
        related: in an order that has a token's others before it.
        dim: length of a row.
        sif: share of the text at which a token counts half.
        seed: of the random numbers.

    Returns:
        (n tokens, dim); the unknown token, id 0, has a row of zeros.
    """
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((len(counts), dim)).astype(np.float32)
    for relation in related:
        mean = np.array(relation.weights, np.float32) @ rows[list(relation.others)]
        mean *= math.sqrt(dim) / float(np.linalg.norm(mean))
        own = math.sqrt(1 - relation.likeness**2)
        rows[relation.token] = relation.likeness * mean + own * rows[relation.token]
    share = counts / max(int(counts.sum()), 1)
    rows *= (sif / (sif + share)).astype(np.float32)[:, None]
    rows[0] = 0
    return rows


def batches(
    groups: Sequence[str], size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """One epoch of batches of about `size`, each of a single group, in random order."""
    names, codes = np.unique(np.array(groups), return_inverse=True)
    cut: list[NDArray[np.int64]] = []
    for code in range(len(names)):
        members = rng.permutation(np.flatnonzero(codes == code))
        cut += np.array_split(members, max(1, round(len(members) / size)))
    for index in rng.permutation(len(cut)):
        yield cut[index]


class Adagrad:
    """Adagrad that touches only the rows of the tokens in a batch.

    Rare tokens keep long steps, frequent ones slow down. Source: Duchi, Hazan, Singer, JMLR 2011.
    """

    def __init__(self, rows: torch.Tensor) -> None:
        self._rows = rows
        self._squares = torch.zeros_like(rows)

    def step(self, tokens: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        """Move the rows of `tokens`, each named once, against their gradient."""
        squares = self._squares[tokens].addcmul_(gradient, gradient)
        self._squares[tokens] = squares
        self._rows.index_add_(0, tokens, gradient / squares.sqrt().add_(1e-12), alpha=-rate)


def _step(
    rows: torch.Tensor,
    bags: tuple[NDArray[np.int32], NDArray[np.int64]],
    loss: Callable[[torch.Tensor], torch.Tensor],
) -> tuple[float, torch.Tensor, torch.Tensor]:
    """Loss of the means of bags of tokens; the tokens among them, and the gradient of their rows.

    EmbeddingBag's own gradient fills a matrix of the size of the vocabulary: ten times slower.
    """
    ids, lengths = bags
    starts = torch.from_numpy(np.cumsum(lengths) - lengths)
    means = embedding_bag(torch.from_numpy(ids.astype(np.int64)), rows, starts, mode="mean")
    means.requires_grad_()
    value = loss(means)
    value.backward()
    order = np.argsort(ids, kind="stable")
    sorted_ids = ids[order]
    first = np.flatnonzero(np.r_[True, sorted_ids[1:] != sorted_ids[:-1]])
    bag = np.repeat(np.arange(len(lengths)), lengths)[order]
    gradient = embedding_bag(
        torch.from_numpy(bag),
        means.grad,
        torch.from_numpy(first),
        mode="sum",
        per_sample_weights=torch.from_numpy((1 / lengths[bag]).astype(np.float32)),
    )
    tokens = torch.from_numpy(sorted_ids[first].astype(np.int64))
    return float(value.detach()), tokens, gradient


def fit(
    model: SentenceTransformer,
    queries: Texts,
    passages: Texts,
    groups: Sequence[str],
    settings: Settings,
) -> Iterator[int]:
    """Train the model in place; yields the number of steps after each.

    Loss: the sum over `settings.dims` of MultipleNegativesRankingLoss on the first dimensions,
    as MatryoshkaLoss adds them.
    """
    rows = model[0].embedding.weight.data
    ranking = MultipleNegativesRankingLoss(model, scale=settings.scale)
    optimizer = Adagrad(rows)
    rng = np.random.default_rng(settings.seed)
    plan = [b for _ in range(settings.epochs) for b in batches(groups, settings.batch, rng)]
    began, mean = time.monotonic(), 0.0
    for step, chosen in enumerate(plan, start=1):
        asked, given = queries.bags(chosen), passages.bags(chosen)
        bags = np.concatenate([asked[0], given[0]]), np.concatenate([asked[1], given[1]])

        def loss(means: torch.Tensor, n: int = len(chosen)) -> torch.Tensor:
            pair = means[:n], means[n:]
            return sum(
                ranking.compute_loss_from_embeddings([side[:, :dim] for side in pair], None)
                for dim in settings.dims
            )

        value, tokens, gradient = _step(rows, bags, loss)
        optimizer.step(tokens, gradient, settings.rate * (1 - (step - 1) / len(plan)))
        rows[0] = 0
        mean = value if step == 1 else mean + 0.02 * (value - mean)
        if step % 20 == 0:
            spent = time.monotonic() - began
            logger.info("step %d/%d, loss %.3f, %.0f s", step, len(plan), mean, spent)
        yield step


def train(pairs: Sequence[Pair], settings: Settings, *, out: Path) -> None:
    """Train on pairs, and on questions made of their passages; write the model to `out`."""
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    rng = random.Random(settings.seed)
    counted = rng.sample(pairs, min(len(pairs), settings.n_counted))
    tokenizer = build_tokenizer(
        [text for pair in counted for text in (pair.query, pair.passage)], size=settings.n_tokens
    )
    n_cloze = round(settings.n_cloze * settings.share)
    pairs = [*pairs, *cloze_pairs(pairs, n_cloze, seed=settings.seed)]
    normalizer, tokenizer.normalizer = tokenizer.normalizer, None  # the texts are folded already
    queries = Texts.of(tokenizer, [p.query for p in pairs], limit=settings.max_query_tokens)
    passages = Texts.of(tokenizer, [p.passage for p in pairs], limit=settings.max_passage_tokens)
    tokenizer.normalizer = normalizer
    train_tokens(tokenizer, queries, passages, [pair.group for pair in pairs], settings, out=out)


def train_tokens(
    tokenizer: Any,
    queries: Texts,
    passages: Texts,
    groups: Sequence[str],
    settings: Settings,
    *,
    out: Path,
) -> None:
    """Train on pairs that are tokenized; write the model to `out` now and then, and at the end."""
    logger.info("%d and %d tokens", len(queries.ids), len(passages.ids))
    n_words = tokenizer.get_vocab_size()
    words = [tokenizer.id_to_token(i) for i in range(n_words)]
    across = np.flatnonzero([group.endswith("-x") for group in groups])
    counts = np.bincount(np.concatenate([queries.ids, passages.ids]), minlength=n_words)
    rows = first_rows(
        counts,
        relations(words, queries.chosen(across), passages.chosen(across)),
        dim=settings.dim,
        sif=settings.sif,
        seed=settings.seed,
    )
    static = StaticEmbedding(tokenizer, embedding_weights=rows)
    model = SentenceTransformer(modules=[static, Normalize()], device="cpu")
    for step in fit(model, queries, passages, groups, settings):
        if step % settings.checkpoint == 0:
            write_model(model, out)
    write_model(model, out)
    logger.info("written to %s", out)


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
    cosines = (
        encoder.encode_queries([q["text"] for q in queries]) @ encoder.encode_passages(texts).T
    )
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
    gc.disable()  # millions of live strings and no circles: each collection would walk them all
    pairs = read_pairs(options.pairs, seed=settings.seed, share=settings.share)
    train(pairs, settings, out=options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
