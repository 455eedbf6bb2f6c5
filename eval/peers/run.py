"""`python eval/peers/run.py FOLDER`: peers' hybrid retrieval on exported work, in their own venv.

Imports nothing of youju but `eval.ranking` and `eval.stats`. Each peer runs twice: lexical part as
it comes, and with youju's terms in place of the text. The dense part is youju's encoder for all of
them, since no model is downloaded; fusion is the peer's own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import re
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from eval.ranking import ndcg, span_gains, span_recall
from eval.stats import bootstrap

Search = Callable[[str], list[int]]
Result = dict[str, Any]
COLUMNS = ("recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10", "ms")
README = Path(__file__).with_name("README.md")
KEPT = Path(__file__).with_name("result.json")
_DEPTH = 10
_BLOCK = re.compile(r"(<!-- peers -->\n).*?(<!-- /peers -->)", re.DOTALL)


class Work:
    """Chunks, questions and vectors; a text's vector is looked up, never computed.

    Args:
        folder: what `eval.peers.export` wrote.
        own_terms: whether texts are youju's terms with blanks between, not the words as written.
    """

    def __init__(self, folder: Path, *, own_terms: bool) -> None:
        work = json.loads((folder / "work.json").read_text(encoding="utf-8"))
        self.chunks, self.questions = work["chunks"], work["questions"]
        self.youju, self.commit = work["youju"], work["commit"]

        def shown(row: dict[str, Any]) -> str:
            return " ".join(row["terms"]) if own_terms else str(row["text"])

        self.texts = [shown(row) for row in self.chunks]
        self.queries = [shown(row) for row in self.questions]
        chunks, questions = np.load(folder / "chunks.npy"), np.load(folder / "questions.npy")
        self.vectors = dict(zip(self.texts, chunks.tolist(), strict=True))
        self.vectors |= dict(zip(self.queries, questions.tolist(), strict=True))


def langchain(work: Work) -> Search:
    """BM25Retriever and InMemoryVectorStore, fused by EnsembleRetriever at .5 and .5."""
    from langchain_classic.retrievers import EnsembleRetriever
    from langchain_community.retrievers import BM25Retriever
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_core.vectorstores import InMemoryVectorStore

    class LookedUp(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [work.vectors[text] for text in texts]

        def embed_query(self, text: str) -> list[float]:
            return list(work.vectors[text])

    documents = [Document(text, metadata={"n": n}) for n, text in enumerate(work.texts)]
    lexical = BM25Retriever.from_documents(documents, k=_DEPTH)
    store = InMemoryVectorStore.from_documents(documents, LookedUp())
    both = EnsembleRetriever(
        retrievers=[lexical, store.as_retriever(search_kwargs={"k": _DEPTH})], weights=[0.5, 0.5]
    )
    return lambda query: [int(d.metadata["n"]) for d in both.invoke(query)]


def haystack(work: Work) -> Search:
    """InMemoryBM25Retriever and InMemoryEmbeddingRetriever, joined by reciprocal rank."""
    from haystack import Document
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.retrievers.in_memory import (
        InMemoryBM25Retriever,
        InMemoryEmbeddingRetriever,
    )
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    store = InMemoryDocumentStore()
    store.write_documents(
        [
            Document(id=str(n), content=text, embedding=work.vectors[text])
            for n, text in enumerate(work.texts)
        ]
    )
    lexical = InMemoryBM25Retriever(store, top_k=_DEPTH)
    dense = InMemoryEmbeddingRetriever(store, top_k=_DEPTH)
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion")

    def search(query: str) -> list[int]:
        first = lexical.run(query=query)["documents"]
        second = dense.run(query_embedding=work.vectors[query])["documents"]
        return [int(d.id) for d in joiner.run(documents=[first, second])["documents"]]

    return search


def llama_index(work: Work) -> Search:
    """BM25Retriever and VectorStoreIndex, fused by QueryFusionRetriever without new queries."""
    from llama_index.core import VectorStoreIndex
    from llama_index.core.embeddings import BaseEmbedding
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.schema import TextNode
    from llama_index.retrievers.bm25 import BM25Retriever

    class LookedUp(BaseEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            return list(work.vectors[text])

        def _get_query_embedding(self, query: str) -> list[float]:
            return list(work.vectors[query])

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return list(work.vectors[query])

    nodes = [
        TextNode(id_=str(n), text=text, embedding=work.vectors[text])
        for n, text in enumerate(work.texts)
    ]
    lexical = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=_DEPTH)
    index = VectorStoreIndex(nodes, embed_model=LookedUp())
    both = QueryFusionRetriever(
        [index.as_retriever(similarity_top_k=_DEPTH), lexical],
        llm=MockLLM(),
        mode="reciprocal_rerank",
        num_queries=1,
        similarity_top_k=_DEPTH,
        use_async=False,
    )
    return lambda query: [int(node.node.node_id) for node in both.retrieve(query)]


def txtai(work: Work) -> Search:
    """Embeddings(hybrid=True): FAISS and its own BM25, their scores added half and half."""
    from txtai import Embeddings

    def looked_up(texts: list[str]) -> Any:
        return np.array([work.vectors[text] for text in texts], np.float32)

    index = Embeddings(method="external", transform=looked_up, hybrid=True)
    index.index([(n, text, None) for n, text in enumerate(work.texts)])
    return lambda query: [int(n) for n, _ in index.search(query, _DEPTH)]


PEERS = {
    "LangChain": ("langchain_classic", "langchain-classic", langchain),
    "Haystack": ("haystack", "haystack-ai", haystack),
    "LlamaIndex": ("llama_index", "llama-index-core", llama_index),
    "txtai": ("txtai", "txtai", txtai),
}


def scores(work: Work, search: Search) -> dict[str, list[float]]:
    """recall@k, MRR@10 and nDCG@10 by gold spans, and milliseconds a query.

    Returns:
        [mean, low, high] by metric: the 95 % interval of `eval.stats.bootstrap` over questions.
    """
    rows: list[dict[str, float]] = []
    for query, question in zip(work.queries, work.questions, strict=True):
        started = time.perf_counter()
        ranking = search(query)[:_DEPTH]
        spent = 1000 * (time.perf_counter() - started)
        places = [work.chunks[n] for n in ranking]
        spans = [(p["note"], p["start"], p["end"]) for p in places]
        gold = [(note, start, end) for note, start, end in question["gold"]]
        gains = span_gains(spans, gold)
        ideal = [gain for gain in gains if gain]
        ideal += [1.0] * int(len(gold) - sum(ideal))
        first = next((n for n, gain in enumerate(gains, 1) if gain), 0)
        rows.append(
            {
                **{f"recall@{k}": span_recall(spans, gold, k) for k in (1, 5, 10)},
                "mrr@10": 1 / first if first else 0.0,
                "ndcg@10": ndcg(gains, ideal, _DEPTH),
                "ms": spent,
            }
        )
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return {name: [float(np.mean(row)), *bootstrap(row)] for name, row in columns.items()}


def table(found: Result) -> str:
    """A kept result as Markdown."""
    facts = (
        f"{found['chunks']} passages of the sample notes, {found['questions']} questions (dev"
        f" half), commit {found['commit']}, {found['machine']}. Versions: "
        + ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    )
    lines = ["| | " + " | ".join(COLUMNS) + " |", "|" + "---|" * (len(COLUMNS) + 1)]
    for name, row in found["rows"].items():
        cells = (_cell(column, row[column]) for column in COLUMNS)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([facts + ".", "", *lines])


def _cell(column: str, row: Sequence[float]) -> str:
    mean, low, high = row[:3]
    return f"{mean:.1f}" if column == "ms" else f"{mean:.3f} [{low:.2f}, {high:.2f}]"


def main() -> int:
    """Print a Markdown table, and say which peers are not installed and whose vectors they have."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="what eval.peers.export wrote")
    parser.add_argument("--out", type=Path, help="keep the result as JSON")
    parser.add_argument("--write", action="store_true", help="only renew the table of README.md"
                        " here from the committed result")  # fmt: skip
    args = parser.parse_args()
    if args.write:
        README.write_text(written(README.read_text("utf-8"), json.loads(KEPT.read_text("utf-8"))),
                          "utf-8")  # fmt: skip
        return 0
    if args.folder is None:
        parser.error("name the folder that eval.peers.export wrote")
    found = measured(args.folder)
    if args.out:
        args.out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(table(found))
    return 0


def measured(folder: Path) -> Result:
    """Every peer that is installed, twice, and youju's own methods, on exported work."""
    rows: dict[str, dict[str, list[float]]] = {}
    versions: dict[str, str] = {}
    for own_terms, label in ((False, "as it comes"), (True, "youju's terms")):
        work = Work(folder, own_terms=own_terms)
        for name, (module, package, make) in PEERS.items():
            if importlib.util.find_spec(module) is None:
                print(f"{name} is not installed: left out", file=sys.stderr)
                continue
            versions[name] = metadata.version(package)
            rows[f"{name}, {label}"] = scores(work, make(work))
            print(f"{name}, {label}: {rows[f'{name}, {label}']}", file=sys.stderr)
    for name, row in work.youju.items():
        rows[f"youju, {name}"] = {metric: cells[:3] for metric, cells in row.items()}
    return {
        "commit": work.commit,
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "chunks": len(work.chunks),
        "questions": len(work.questions),
        "versions": versions,
        "rows": rows,
    }


def written(text: str, found: Result) -> str:
    """The README with its table renewed."""
    return _BLOCK.sub(lambda match: f"{match[1]}{table(found)}\n{match[2]}", text)


if __name__ == "__main__":
    sys.exit(main())
