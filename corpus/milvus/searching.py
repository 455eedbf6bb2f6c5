"""What is asked of a database: rows by expression, by key and by vector.

Knows what a question needs; `client.Gateway` answers it, `NoRows` where there is nothing yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from corpus.milvus.rows import Row

__all__ = ["MAX_HITS", "NoRows", "Rows", "Search"]

MAX_HITS = 16_384  # of one search, and rows of one page


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search for the rows whose vectors have the largest inner product with one.

    Attributes:
        column: of the vectors.
        vector: numbers of a dense one, or weights by term of a sparse one.
        k: how many rows at most.
        where: an expression that they meet; "" for all.
        params: settings of the index (`columns.VectorIndex.search`).
    """

    column: str
    vector: list[float] | dict[int, float]
    k: int
    where: str
    params: dict[str, Any]


class Rows(Protocol):
    """Where rows are found: see `client.Gateway`."""

    def rows(self, name: str, where: str, columns: Sequence[str], limit: int) -> list[Row]:
        """At most `limit` rows."""
        ...

    def all_rows(self, name: str, where: str, columns: Sequence[str]) -> Iterator[Row]:
        """All rows that meet an expression."""
        ...

    def rows_by(
        self,
        name: str,
        column: str,
        values: Iterable[str | int],
        columns: Sequence[str],
        *,
        at_once: int = 1024,
    ) -> Iterator[Row]:
        """All rows whose column has one of these values."""
        ...

    def search(self, name: str, wanted: Search) -> list[tuple[int, float]]:
        """The rows with the largest inner product: key and product, best first."""
        ...

    def hybrid(
        self, name: str, searches: Sequence[Search], k: int, *, damping: int
    ) -> list[tuple[int, float]]:
        """Several searches, fused: key and score, best first."""
        ...


class NoRows:
    """A database in which no build is complete."""

    def rows(self, name: str, where: str, columns: Sequence[str], limit: int) -> list[Row]:
        """None."""
        return []

    def all_rows(self, name: str, where: str, columns: Sequence[str]) -> Iterator[Row]:
        """None."""
        return iter(())

    def rows_by(
        self,
        name: str,
        column: str,
        values: Iterable[str | int],
        columns: Sequence[str],
        *,
        at_once: int = 1024,
    ) -> Iterator[Row]:
        """None."""
        return iter(())

    def search(self, name: str, wanted: Search) -> list[tuple[int, float]]:
        """None."""
        return []

    def hybrid(
        self, name: str, searches: Sequence[Search], k: int, *, damping: int
    ) -> list[tuple[int, float]]:
        """None."""
        return []
