"""What a whole vault costs, from its files on: `python -m eval.bench.vault SYSTEM DATA`.

Full index, nothing changed, one note changed and found again; processor time and peak memory with
those of child processes. Runs in two environments, as `harness` does, so it imports what a system
needs where it is needed. DATA is a folder that `eval.bench` prepared. Prints one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Bare", "LlamaIndex", "VaultSystem", "Youju", "measure"]

_WORD = "zyzzyva4711"  # in no note


class VaultSystem(Protocol):
    """What is measured over the files of a vault."""

    def index(self, data: Path, home: Path) -> int:
        """Index all notes of DATA and leave the index in `home`; the number of passages."""

    def refresh(self) -> None:
        """Bring the saved index in line with the notes."""

    def finds(self, word: str) -> bool:
        """Whether a search finds a note with this word."""


class Youju:
    """The product: notes read, cut, stored, indexed."""

    def index(self, data: Path, home: Path) -> int:
        """See `VaultSystem`."""
        from assistant.pipeline import Assistant

        self._assistant = Assistant.open(data / "notes", home)
        return self._assistant.refresh().n_chunks

    def refresh(self) -> None:
        """See `VaultSystem`."""
        self._assistant.refresh()

    def finds(self, word: str) -> bool:
        """See `VaultSystem`."""
        from assistant.retrieval import retrieve

        hits = retrieve(self._assistant.index, word, k=1)
        return bool(hits) and word in hits[0].note.text


class Bare:
    """The floor: segmentation, encoding, BM25 arrays and graph of passages that are cut already."""

    def index(self, data: Path, home: Path) -> int:
        """See `VaultSystem`; one pass, nothing stored."""
        import numpy as np

        from corpus.ann import EXACT_LIMIT, ExactIndex, GraphIndex
        from corpus.bm25 import BM25
        from corpus.encoder import load_encoder
        from corpus.tokens import terms

        with (data / "passages.jsonl").open(encoding="utf-8") as rows:
            texts = [json.loads(row)["text"] for row in rows]
        numbers = np.arange(len(texts), dtype=np.int64)
        self._bm25 = BM25.build(numbers, (terms(text) for text in texts))
        vectors = load_encoder(None).encode_passages(texts)
        kind = ExactIndex if len(texts) <= EXACT_LIMIT else GraphIndex.build
        self._near = kind(numbers, vectors)
        return len(texts)


class LlamaIndex:
    """SimpleDirectoryReader, SentenceSplitter, VectorStoreIndex and BM25Retriever, persisted.

    Its default stores, its own way to refresh; the encoder is youju's, the words are jieba's.
    """

    def index(self, data: Path, home: Path) -> int:
        """See `VaultSystem`."""
        from llama_index.core import MockEmbedding, Settings, VectorStoreIndex
        from llama_index.core.llms import MockLLM
        from llama_index.core.node_parser import SentenceSplitter

        from corpus.encoder import load_encoder

        encoder = load_encoder(None)

        def encode(texts: list[str]) -> list[list[float]]:
            return [vector.tolist() for vector in encoder.encode_passages(texts)]

        class Ours(MockEmbedding):  # type: ignore[misc]
            def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
                return encode(texts)

            def _get_text_embedding(self, text: str) -> list[float]:
                return encode([text])[0]

        Settings.llm = MockLLM()
        Settings.embed_model = Ours(embed_dim=encoder.dim, embed_batch_size=512)
        # its own tokens, those of path and dates included: nearly as many passages as youju cuts
        Settings.node_parser = SentenceSplitter(chunk_size=288, chunk_overlap=0)
        self._notes, self._home = data / "notes", home
        self._index = VectorStoreIndex.from_documents(self._documents())
        self._save()
        return len(self._index.docstore.docs)

    def _documents(self) -> Any:
        from llama_index.core import SimpleDirectoryReader

        reader = SimpleDirectoryReader(str(self._notes), recursive=True, filename_as_id=True)
        return reader.load_data()

    def _save(self) -> None:
        import jieba
        from llama_index.core.schema import TextNode
        from llama_index.retrievers.bm25 import BM25Retriever

        def words(text: str) -> str:
            return " ".join(word for word in jieba.cut(text.lower()) if word.strip())

        self._lexical = BM25Retriever.from_defaults(
            nodes=[
                TextNode(id_=node.node_id, text=words(node.get_content()))
                for node in self._index.docstore.docs.values()
            ],
            similarity_top_k=1,
            skip_stemming=True,
            token_pattern=r"(?u)\S+",
        )
        self._index.storage_context.persist(str(self._home / "vectors"))
        self._lexical.persist(str(self._home / "words"))

    def refresh(self) -> None:
        """See `VaultSystem`; its words have no way to take up a change but to be counted again."""
        if any(self._index.refresh_ref_docs(self._documents())):
            self._save()

    def finds(self, word: str) -> bool:
        """See `VaultSystem`."""
        return any(word in hit.node.get_content() for hit in self._lexical.retrieve(word))


class _Peak:
    """Memory of this process and of its children: the most that each held, in MB, added."""

    def __init__(self) -> None:
        self._children: dict[str, int] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stopped.wait(0.2):
            for tasks in Path("/proc/self/task").glob("*/children"):
                try:
                    for child in tasks.read_text("ascii").split():
                        self._children[child] = max(self._children.get(child, 0), _most(child))
                except OSError:  # a thread or child that has just ended
                    continue

    def stop(self) -> float:
        self._stopped.set()
        self._thread.join()
        used = _most("self") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return (used + sum(self._children.values())) / 1024


def _most(process: str) -> int:
    """The most memory a process has held, in KiB; 0 where nobody says."""
    try:
        lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _timed(row: dict[str, float | None], name: str, run: Callable[[], object]) -> None:
    cpu, wall = _cpu(), time.perf_counter()
    run()
    row[f"{name}_wall_s"] = time.perf_counter() - wall
    row[f"{name}_cpu_s"] = _cpu() - cpu


def measure(system: Any, data: Path) -> dict[str, float | None]:
    """All rows of one system over one vault, whose notes are left as they were."""
    row: dict[str, float | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "index"
        peak = _Peak()

        def index() -> None:
            row["passages"] = float(system.index(data, home))

        _timed(row, "index", index)
        row["peak_mb"] = peak.stop()
        row["disk_mb"] = sum(p.stat().st_size for p in home.rglob("*") if p.is_file()) / 1e6
        if hasattr(system, "refresh"):
            _timed(row, "nochange", system.refresh)
            path = sorted((data / "notes").rglob("*.md"))[-1]
            text = path.read_bytes()
            try:
                path.write_bytes(text + f"\n{_WORD}\n".encode())

                def change() -> None:
                    system.refresh()
                    if not system.finds(_WORD):
                        raise RuntimeError("the changed note is not found")

                _timed(row, "onenote", change)
            finally:
                path.write_bytes(text)
    return row


def main() -> int:
    """Measure one system and print its row."""
    system = {"youju": Youju, "floor": Bare, "LlamaIndex": LlamaIndex}[sys.argv[1]]()
    row = measure(system, Path(sys.argv[2]))
    rounded = {key: None if value is None else round(value, 4) for key, value in row.items()}
    sys.stdout.write("\nROW " + json.dumps(rounded) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
