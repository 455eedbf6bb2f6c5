"""`python eval/peers/run.py FOLDER`: peers' hybrid retrieval on exported work, in their own venv.

Imports nothing of youju but `eval.ranking`. Each peer runs twice: lexical part as it comes, and
with youju's terms in place of the text. The dense part is youju's encoder for all of them, since
no model is downloaded; fusion is the peer's own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from eval.ranking import ndcg, span_gains, span_recall

Search = Callable[[str], list[int]]
_DEPTH = 10


class Work:
    """Chunks, questions and vectors; a text's vector is looked up, never computed.

    Args:
        folder: what `eval.peers.export` wrote.
        own_terms: whether texts are youju's terms with blanks between, not the words as written.
    """

    def __init__(self, folder: Path, *, own_terms: bool) -> None:
        work = json.loads((folder / "work.json").read_text(encoding="utf-8"))
        self.chunks, self.questions = work["chunks"], work["questions"]
        self.youju = work["youju"]

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
    "LangChain": ("langchain_classic", langchain),
    "Haystack": ("haystack", haystack),
    "LlamaIndex": ("llama_index", llama_index),
    "txtai": ("txtai", txtai),
}


def scores(work: Work, search: Search) -> dict[str, float]:
    """Means of recall@k, MRR@10 and nDCG@10 by gold spans, and milliseconds a query."""
    rows: list[dict[str, float]] = []
    started = time.perf_counter()
    rankings = [search(query)[:_DEPTH] for query in work.queries]
    spent = 1000 * (time.perf_counter() - started) / len(rankings)
    for ranking, question in zip(rankings, work.questions, strict=True):
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
            }
        )
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]} | {"ms": spent}


def main() -> int:
    """Print a Markdown table, and say which peers are not installed and whose vectors they have."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="what eval.peers.export wrote")
    folder = parser.parse_args().folder
    print(
        "Vectors of all: youju's encoder, plugged in; the models that these libraries take by"
        " themselves cannot be had without a network.\n"
    )
    columns = ("recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10", "ms")
    print("| | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))

    def line(name: str, row: dict[str, float]) -> None:
        cells = (f"{row[c]:.1f}" if c == "ms" else f"{row[c]:.3f}" for c in columns)
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)

    for own_terms, label in ((False, "as it comes"), (True, "youju's terms")):
        work = Work(folder, own_terms=own_terms)
        for name, (module, make) in PEERS.items():
            if importlib.util.find_spec(module) is None:
                print(f"{name} is not installed: left out", file=sys.stderr)
                continue
            line(f"{name}, {label}", scores(work, make(work)))
    for name, row in work.youju.items():
        line(f"youju, {name}", {metric: cells[0] for metric, cells in row.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
