"""What a collection is made of: its columns, and how dense vectors are found in it.

Knows Milvus' types of indexes and their settings as text and numbers; not the client.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from corpus.milvus.rows import MAX_TEXT

__all__ = ["Column", "VectorIndex"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a collection.

    Attributes:
        name: of the column.
        kind: what it holds.
        size: bytes of a text at most, or dimensions of a dense vector.
        is_key: whether rows are told apart by it.
        is_indexed: whether rows are looked up by its value.
        is_searched: whether rows are looked up by pieces of its value.
    """

    name: str
    kind: Literal["text", "number", "dense", "sparse"] = "text"
    size: int = MAX_TEXT
    is_key: bool = False
    is_indexed: bool = False
    is_searched: bool = False


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """How dense vectors are found: type of the index, and its settings.

    Attributes:
        name: as Milvus calls the type.
    """

    name: str

    @property
    def build(self) -> dict[str, Any]:
        """Settings for building."""
        if self.name.startswith("HNSW"):
            return {"M": 32, "efConstruction": 200}  # as corpus.ann
        if self.name.startswith("IVF"):
            return {"nlist": 1024}
        return {}

    def search(self, k: int, n: int) -> dict[str, Any]:
        """Settings for a search for `k` of `n` vectors; effort follows the size (corpus.ann)."""
        effort = max(128, int(256 * (max(n, 1) / 10_000) ** 0.4), k)
        if self.name.startswith("HNSW"):
            return {"ef": min(effort, 32_768)}
        if self.name.startswith("IVF"):
            return {"nprobe": 64}
        if self.name == "DISKANN":
            return {"search_list": min(effort, 65_535)}
        return {}
