"""Other frameworks' hybrid search over the same passages, each as its own documents show it.

Runs in the peers' environment (`build/bench-venv`). All of them get youju's encoder and jieba's
words, so that what differs is the framework. Where one splits by a pattern only, it gets the words
with blanks between them.
"""

# ruff: noqa: D102
# mypy: ignore-errors

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from corpus.encoder import load_encoder
from eval.bench.harness import Passages

__all__ = ["Haystack", "LangChain", "LlamaIndex", "LlamaIndexFaiss", "Txtai", "txtai_vectors"]

_K = 100  # per branch, as youju and the floor


def _words(text: str) -> list[str]:
    import jieba

    return [word for word in jieba.lcut(text.lower()) if word.strip()]


class _Peer:
    """What the peers share: the encoder, and no index on disk."""

    def __init__(self) -> None:
        self.encoder = load_encoder(None)

    def vectors(self, texts: list[str]) -> list[list[float]]:
        return [vector.tolist() for vector in self.encoder.encode_passages(texts)]

    def save(self, folder: Path) -> bool:
        return False

    def load(self, folder: Path) -> None:
        raise NotImplementedError


class LlamaIndex(_Peer):
    """VectorStoreIndex, BM25Retriever and QueryFusionRetriever by reciprocal rank."""

    def _store(self) -> Any:
        return None

    def build(self, data: Path, passages: Passages) -> None:
        from llama_index.core import MockEmbedding, Settings, StorageContext, VectorStoreIndex
        from llama_index.core.llms import MockLLM
        from llama_index.core.schema import TextNode

        encode = self.vectors

        class Ours(MockEmbedding):
            def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
                return encode(texts)

            def _get_text_embedding(self, text: str) -> list[float]:
                return encode([text])[0]

            def _get_query_embedding(self, query: str) -> list[float]:
                return encode([query.replace(" ", "")])[0]

        Settings.llm = MockLLM()
        Settings.embed_model = Ours(embed_dim=self.encoder.dim)
        self._node = TextNode
        vectors = encode([text for _, text in passages])
        nodes = [
            TextNode(id_=id_, text=" ".join(_words(text)), embedding=vector)
            for (id_, text), vector in zip(passages, vectors, strict=True)
        ]
        store = self._store()
        context = StorageContext.from_defaults(vector_store=store) if store else None
        self._index = VectorStoreIndex(nodes, storage_context=context)
        self._nodes = nodes
        self._fuse()

    def _fuse(self) -> None:
        from llama_index.core.retrievers import QueryFusionRetriever
        from llama_index.retrievers.bm25 import BM25Retriever

        lexical = BM25Retriever.from_defaults(
            nodes=self._nodes, similarity_top_k=_K, skip_stemming=True, token_pattern=r"(?u)\S+"
        )
        self._retriever = QueryFusionRetriever(
            [self._index.as_retriever(similarity_top_k=_K), lexical],
            similarity_top_k=10,
            num_queries=1,
            mode="reciprocal_rerank",
            use_async=False,
        )

    def search(self, query: str) -> list[str]:
        return [hit.node.node_id for hit in self._retriever.retrieve(" ".join(_words(query)))]

    def refresh(self, data: Path, passage: tuple[str, str]) -> None:
        id_, text = passage
        node = self._node(
            id_=f"{id_}+", text=" ".join(_words(text)), embedding=self.vectors([text])[0]
        )
        self._nodes[0] = node
        self._index.insert_nodes([node])
        self._fuse()


class LlamaIndexFaiss(LlamaIndex):
    """The same over a FAISS store."""

    def _store(self) -> Any:
        import faiss
        from llama_index.vector_stores.faiss import FaissVectorStore

        return FaissVectorStore(faiss_index=faiss.IndexFlatIP(self.encoder.dim))


class LangChain(_Peer):
    """BM25Retriever and FAISS in an EnsembleRetriever."""

    def build(self, data: Path, passages: Passages) -> None:
        from langchain_community.vectorstores import FAISS
        from langchain_core.documents import Document
        from langchain_core.embeddings import Embeddings

        encode = self.vectors

        class Ours(Embeddings):
            def embed_documents(self, texts: list[str]) -> list[list[float]]:
                return encode(texts)

            def embed_query(self, text: str) -> list[float]:
                return encode([text])[0]

        self._document = Document
        self._documents = [Document(page_content=text, id=id_) for id_, text in passages]
        self._dense = FAISS.from_documents(self._documents, Ours())
        self._fuse()

    def _fuse(self) -> None:
        from langchain_classic.retrievers import EnsembleRetriever
        from langchain_community.retrievers import BM25Retriever

        lexical = BM25Retriever.from_documents(self._documents, preprocess_func=_words, k=_K)
        dense = self._dense.as_retriever(search_kwargs={"k": _K})
        self._retriever = EnsembleRetriever(retrievers=[lexical, dense], weights=[0.5, 0.5])

    def search(self, query: str) -> list[str]:
        return [hit.id for hit in self._retriever.invoke(query)[:10]]

    def refresh(self, data: Path, passage: tuple[str, str]) -> None:
        changed = self._document(page_content=passage[1], id=f"{passage[0]}+")
        self._dense.delete([passage[0]])
        self._dense.add_documents([changed], ids=[changed.id])
        self._documents[0] = changed
        self._fuse()


class Haystack(_Peer):
    """The in-memory store's two retrievers, joined by reciprocal rank in a pipeline."""

    def build(self, data: Path, passages: Passages) -> None:
        from haystack import Document, Pipeline
        from haystack.components.joiners import DocumentJoiner
        from haystack.components.retrievers.in_memory import (
            InMemoryBM25Retriever,
            InMemoryEmbeddingRetriever,
        )
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        self._document = Document
        self._store = InMemoryDocumentStore(bm25_tokenization_regex=r"(?u)\S+")
        vectors = self.vectors([text for _, text in passages])
        self._store.write_documents(
            [
                Document(id=id_, content=" ".join(_words(text)), embedding=vector)
                for (id_, text), vector in zip(passages, vectors, strict=True)
            ]
        )
        self._pipeline = Pipeline()
        self._pipeline.add_component("lexical", InMemoryBM25Retriever(self._store, top_k=_K))
        self._pipeline.add_component("dense", InMemoryEmbeddingRetriever(self._store, top_k=_K))
        self._pipeline.add_component(
            "join", DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=10)
        )
        self._pipeline.connect("lexical", "join")
        self._pipeline.connect("dense", "join")

    def search(self, query: str) -> list[str]:
        found = self._pipeline.run(
            {
                "lexical": {"query": " ".join(_words(query))},
                "dense": {"query_embedding": self.vectors([query])[0]},
            }
        )
        return [document.id for document in found["join"]["documents"]]

    def refresh(self, data: Path, passage: tuple[str, str]) -> None:
        from haystack.document_stores.types import DuplicatePolicy

        id_, text = passage
        changed = self._document(
            id=id_, content=" ".join(_words(text)), embedding=self.vectors([text])[0]
        )
        self._store.write_documents([changed], policy=DuplicatePolicy.OVERWRITE)


@functools.cache
def _encoder() -> Any:
    return load_encoder(None)


def txtai_vectors(texts: list[Any]) -> Any:
    """What txtai calls for the vectors of passages and queries."""
    return _encoder().encode_passages([t if isinstance(t, str) else " ".join(t) for t in texts])


class Txtai(_Peer):
    """Embeddings(hybrid=True): FAISS and its own BM25."""

    def build(self, data: Path, passages: Passages) -> None:
        from txtai import Embeddings

        self._make = lambda: Embeddings(
            method="external",
            transform="eval.bench.peers.txtai_vectors",  # a name, so that a saved index loads
            hybrid=True,
            backend="faiss",
        )
        self._index = self._make()
        self._index.index((id_, " ".join(_words(text)), None) for id_, text in passages)

    def search(self, query: str) -> list[str]:
        return [id_ for id_, _ in self._index.search(" ".join(_words(query)), 10)]

    def refresh(self, data: Path, passage: tuple[str, str]) -> None:
        self._index.upsert([(passage[0], " ".join(_words(passage[1])), None)])

    def save(self, folder: Path) -> bool:
        self._index.save(str(folder / "txtai"))
        return True

    def load(self, folder: Path) -> None:
        self._index = self._make()
        self._index.load(str(folder / "txtai"))
