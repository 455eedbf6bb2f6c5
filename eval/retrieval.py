"""`python -m eval retrieval SET...`: how well the product finds the passage, beside its rivals.

A set is a folder in the BEIR contract (corpus.jsonl, queries.jsonl, qrels.tsv). Its passages become
a vault of Markdown notes, which the product indexes and searches as any other; a passage is found
at the rank of its first chunk. What is relevant comes from the set, never from the index.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.crossing import Reranker
from assistant.retrieval import retrieve
from corpus.bm25 import BM25
from corpus.chunking import DEFAULT_SIZE
from corpus.encoder import Encoder, load_encoder
from corpus.index import Index
from corpus.readers import Vault
from corpus.text import fold, has_han
from eval.beir import Passage, RetrievalSet, is_dev, load_set, only
from eval.stats import bootstrap

__all__ = [
    "CROSSED",
    "DEPTH",
    "METRICS",
    "SHIPPED",
    "Passage",
    "RetrievalSet",
    "bootstrap",
    "evaluate",
    "indexed",
    "is_dev",
    "load_set",
    "only",
    "score",
    "table",
]

DEPTH = 10  # ranks that the metrics look at
METRICS = ("hit@1", "hit@5", "hit@10", "mrr@10", "ndcg@10")
SHIPPED, CROSSED = "fused + reranked", "fused + reranked + named reranker"
_CHUNKS = 50  # chunks asked of the product, so that ten passages are among them
_DIMENSIONS, _WORDS = 256, 100_000  # of LSA
_ASKING = re.compile(
    r"[?？吗呢]|什么|如何|怎|为何|哪|多少|几[个种年次]|是否|谁|何时|^(?:what|how|why|who|when|where|which)\b",
    re.I,
)
_POOL = 200  # passages that RRF orders: a hundred of each branch
_SEED = 7

# The ids of the passages for a query, best first.
Ranker = Callable[[str], list[str]]


@contextmanager
def indexed(
    passages: Sequence[Passage], encoder: Encoder, *, chunk_size: int = DEFAULT_SIZE
) -> Iterator[tuple[Index, dict[str, str]]]:
    """An index of passages, each a note of its own, and the passage id per note path."""
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes"
        notes.mkdir()
        ids: dict[str, str] = {}
        for n, passage in enumerate(passages):
            title = json.dumps(passage.title, ensure_ascii=False)
            head = f"---\ntitle: {title}\n---\n" if passage.title else ""
            (notes / f"p{n}.md").write_text(f"{head}{passage.text}\n", encoding="utf-8")
            ids[f"p{n}.md"] = passage.id
        with Index.open(Path(folder) / "index", encoder=encoder, chunk_size=chunk_size) as index:
            index.refresh(Vault(notes))
            yield index, ids


def score(ranking: Sequence[str], gold: Mapping[str, int]) -> dict[str, float]:
    """The metrics of one ranking.

    hit@k: 1 if a relevant passage is among the first k. mrr@10: 1 / rank of the first relevant
    one, 0 beyond ten. ndcg@10: sum of grade / log2(1 + rank), divided by that of the best ranking.

    Args:
        ranking: passage ids, best first.
        gold: grade per relevant passage, at least one.

    Source of ndcg: Järvelin, Kekäläinen, TOIS 20(4), 2002, as trec_eval computes it.
    """
    first = next((n for n, id_ in enumerate(ranking, 1) if id_ in gold), 0)
    gains = [gold.get(id_, 0) for id_ in ranking[:DEPTH]]
    ideal = sorted(gold.values(), reverse=True)[:DEPTH]
    return {
        **{f"hit@{k}": float(0 < first <= k) for k in (1, 5, 10)},
        "mrr@10": 1.0 / first if 0 < first <= DEPTH else 0.0,
        "ndcg@10": _dcg(gains) / _dcg(ideal),
    }


def _dcg(gains: Sequence[int]) -> float:
    return float(sum(gain / np.log2(1 + rank) for rank, gain in enumerate(gains, 1)))


def evaluate(
    found: RetrievalSet,
    *,
    encoder: Encoder | None = None,
    reranker: Reranker | None = None,
    methods: Sequence[str] | None = None,
    chunk_size: int = DEFAULT_SIZE,
) -> dict[str, Any]:
    """Figures of the product and its rivals on one set.

    Args:
        found: the set, with the queries of a split.
        encoder: None for the built-in one.
        reranker: a named one, as a method of its own.
        methods: names of those to run; None for all.
        chunk_size: most characters of a passage of the product's index.

    Returns:
        `n`, `methods` (per method the metrics as [mean, low, high], and milliseconds a query),
        `categories` (per category `n`, and per method [hit@1, hit@10]) and `ranks` (per query id
        and method, the rank of the first relevant passage, 0 beyond ten).
    """
    encoder = encoder or load_encoder()
    figures: dict[str, dict[str, Any]] = {}
    ranks: dict[str, dict[str, int]] = {id_: {} for id_ in found.queries}
    with indexed(found.passages, encoder, chunk_size=chunk_size) as (index, ids):
        for name, make in _rankers(found, index, ids, encoder, reranker).items():
            if methods is not None and name not in methods:
                continue
            ranker = make()
            started = time.perf_counter()
            rankings = {id_: ranker(text) for id_, text in found.queries.items()}
            spent = time.perf_counter() - started
            scores = [score(ranking, found.gold[id_]) for id_, ranking in rankings.items()]
            figures[name] = {
                metric: [round(x, 4) for x in _interval([s[metric] for s in scores])]
                for metric in METRICS
            }
            figures[name]["ms"] = round(1000 * spent / max(1, len(rankings)), 2)
            for (id_, ranking), values in zip(rankings.items(), scores, strict=True):
                reciprocal = values["mrr@10"]
                ranks[id_][name] = round(1 / reciprocal) if reciprocal and ranking else 0
    return {
        "n": len(found.queries),
        "methods": figures,
        "categories": _by_category(found, ranks),
        "ranks": ranks,
    }


def _interval(values: Sequence[float]) -> tuple[float, float, float]:
    return (float(np.mean(values)) if values else 0.0, *bootstrap(values))


def _rankers(
    found: RetrievalSet,
    index: Index,
    ids: Mapping[str, str],
    encoder: Encoder,
    reranker: Reranker | None,
) -> dict[str, Callable[[], Ranker]]:
    """The methods in the order of the table, each made when its turn comes."""
    passages = found.passages
    methods: dict[str, Callable[[], Ranker]] = {
        "BM25 + jieba": lambda: _lexical(passages, _jieba_terms),
        "BM25 + bigrams": lambda: _lexical(passages, _bigrams),
        "LSA": lambda: _latent(passages),
        "dense alone": lambda: _dense(passages, encoder),
        "RRF": lambda: _by_rank(index, ids),
        "fused": lambda: _product(index, ids, reranked=False),
        SHIPPED: lambda: _product(index, ids, reranked=True),
    }
    if reranker is not None:
        methods[CROSSED] = lambda: _product(index, ids, reranked=True, cross=reranker)
    return methods


def _product(
    index: Index, ids: Mapping[str, str], *, reranked: bool, cross: Reranker | None = None
) -> Ranker:
    def rank(query: str) -> list[str]:
        hits = retrieve(index, query, k=_CHUNKS, reranked=reranked, cross=cross)
        return list(dict.fromkeys(ids[hit.note.path] for hit in hits))[:DEPTH]

    return rank


def _by_rank(index: Index, ids: Mapping[str, str]) -> Ranker:
    """Both branches of the product, fused by reciprocal rank instead of by score."""

    def rank(query: str) -> list[str]:
        hits = retrieve(index, query, k=_POOL, reranked=False)
        hits.sort(key=lambda hit: (-(hit.scores.rrf or 0.0), hit.chunk.id))
        return list(dict.fromkeys(ids[hit.note.path] for hit in hits))[:DEPTH]

    return rank


def category(query: str) -> str:
    """What kind of query it is where a set does not say: its script, and its form."""
    chinese, latin = has_han(query), re.search(r"[A-Za-z]{2,}", query) is not None
    script = ("mixed" if latin else "Chinese") if chinese else "English"
    asks = _ASKING.search(query) is not None
    return f"{script} {'question' if asks else 'words'}"


def _by_category(
    found: RetrievalSet, ranks: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, Any]]:
    """Per category `n`, and per method the means [hit@1, hit@10]."""
    members: dict[str, list[str]] = {}
    for id_, text in found.queries.items():
        members.setdefault(found.categories.get(id_) or category(text), []).append(id_)
    return {
        name: {
            "n": len(ids),
            **{
                method: [
                    round(float(np.mean([0 < ranks[id_][method] <= depth for id_ in ids])), 4)
                    for depth in (1, DEPTH)
                ]
                for method in ranks[ids[0]]
            },
        }
        for name, ids in sorted(members.items())
    }


def _jieba_terms(text: str) -> list[str]:
    import jieba

    jieba.setLogLevel("WARNING")  # it tells of its dictionary on standard error
    return [term for term in jieba.lcut_for_search(text.lower()) if term.strip()]


def _bigrams(text: str) -> list[str]:
    plain = "".join(fold(text).split())
    return [plain[i : i + 2] for i in range(len(plain) - 1)] or [plain]


def _lexical(passages: Sequence[Passage], terms: Callable[[str], list[str]]) -> Ranker:
    """`rank_bm25.BM25Okapi` over terms; `corpus.bm25` holds its scores and answers faster."""
    bm25 = BM25.build(np.arange(len(passages)), [terms(passage.full) for passage in passages])
    return lambda query: [passages[n].id for n, _ in bm25.top(terms(query), DEPTH)]


def _latent(passages: Sequence[Passage]) -> Ranker:
    """Cosine after a singular value decomposition of TF-IDF over jieba's terms."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    weigh = TfidfVectorizer(
        analyzer=_jieba_terms, sublinear_tf=True, max_features=_WORDS, dtype=np.float32
    )
    table = weigh.fit_transform([passage.full for passage in passages])
    size = min(_DIMENSIONS, table.shape[0] - 1, table.shape[1] - 1)
    if size < 1:
        return lambda _: []
    svd = TruncatedSVD(size, random_state=_SEED)  # the randomized one
    matrix = _unit(svd.fit_transform(table))
    # a row a term: the few of a query are picked, where `transform` copies all of them
    projection = np.ascontiguousarray(svd.components_.T, np.float32)

    def rank(query: str) -> list[str]:
        row = weigh.transform([query])
        vector = row.data.astype(np.float32) @ projection[row.indices]
        return _nearest(passages, matrix, _unit(vector[None, :])[0])

    return rank


def _dense(passages: Sequence[Passage], encoder: Encoder) -> Ranker:
    matrix = encoder.encode_passages([passage.full for passage in passages])
    return lambda query: _nearest(passages, matrix, encoder.encode_queries([query])[0])


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _nearest(
    passages: Sequence[Passage], matrix: NDArray[np.float32], vector: NDArray[np.float32]
) -> list[str]:
    scores = matrix @ vector
    return [passages[n].id for n in np.argsort(-scores, kind="stable")[:DEPTH] if scores[n] > 0]


def table(name: str, result: Mapping[str, Any]) -> str:
    """The figures of one set as lines of text: a method a line, mean and interval a metric."""
    lines = [f"{name} (n = {result['n']})"]
    lines.append(f"  {'':<18}" + "".join(f"{metric:<20}" for metric in METRICS) + "ms")
    for method, values in result["methods"].items():
        cells = (
            f"{mean:.3f} [{low:.2f}, {high:.2f}]" for mean, low, high in map(values.get, METRICS)
        )
        lines.append(f"  {method:<18}" + "".join(f"{c:<20}" for c in cells) + f"{values['ms']}")
    kinds: Mapping[str, Mapping[str, Any]] = result.get("categories", {})
    for kind, values in kinds.items() if len(kinds) > 1 else ():
        lines.append(f"  {kind} (n = {values['n']}), hit@1 / hit@10")
        lines += [
            f"    {method:<16}{mean[0]:.3f} / {mean[1]:.3f}"
            for method, mean in values.items()
            if method != "n"
        ]
    return "\n".join(lines)
