"""A Milvus database: making its collections, rows in and out, searches.

Knows names of columns and expressions only as text; how the database is reached `connecting` knows.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpus.errors import IndexError_
from corpus.milvus.address import MilvusAddress
from corpus.milvus.columns import Column, VectorIndex
from corpus.milvus.connecting import CONNECT_S, Connection
from corpus.milvus.expressions import among
from corpus.milvus.rows import Row
from corpus.milvus.searching import MAX_HITS, Search

__all__ = ["Gateway"]

logger = logging.getLogger(__name__)

_PIECES_SERVER, _PIECES = (2, 6), {"min_gram": 2, "max_gram": 3}  # indexes pieces of texts
_LOOK_S = 0.2
_READ_S, _WRITE_S = 30.0, 300.0
_ROWS_AT_ONCE = 512  # some 2 MB; a server takes 64
_IDS_AT_ONCE = 4096
_PREFIX = "youju_"


class Gateway:
    """One database. Threads may share it.

    Args:
        address: where it is.

    Raises:
        MissingExtra: pymilvus or Milvus Lite is not installed.
        IndexBusy: another process has the Milvus Lite database open.
        IndexError_: the server does not answer, refuses, or is too old.
    """

    def __init__(self, address: MilvusAddress) -> None:
        self.address = address
        self._connection = Connection(address)
        self._guard = threading.Lock()
        self._loaded: set[str] = set()
        self._columns: dict[str, frozenset[str]] = {}

    def close(self) -> None:
        """End the connection. Closing twice is harmless."""
        self._connection.close()

    @property
    def dense_index(self) -> str:
        """Type of the index that dense vectors get: exact where one process holds them all."""
        return self.address.index or ("FLAT" if self.address.is_lite else "HNSW")

    def size_bytes(self) -> int:
        """Of a Milvus Lite database; 0 for a server, which does not say."""
        if not self.address.is_lite:
            return 0
        total = 0
        for path in Path(self.address.uri).rglob("*"):
            try:
                total += path.stat().st_size if path.is_file() else 0
            except OSError:  # just replaced by a compaction
                continue
        return total

    def has(self, name: str) -> bool:
        """Whether there is such a collection."""
        if name in self._loaded:
            return True
        with self._connection.explained():
            return bool(self._connection.client.has_collection(_PREFIX + name))

    def columns(self, name: str) -> frozenset[str]:
        """Names of the columns of a collection; none where there is no such collection."""
        if name not in self._columns:
            if not self.has(name):
                return frozenset()
            with self._connection.explained():
                fields = self._connection.client.describe_collection(_PREFIX + name)["fields"]
            self._columns[name] = frozenset(str(field["name"]) for field in fields)
        return self._columns[name]

    def names(self) -> list[str]:
        """Collections of ours."""
        with self._connection.explained():
            found = self._connection.client.list_collections()
        return [name.removeprefix(_PREFIX) for name in found if name.startswith(_PREFIX)]

    def create(
        self, name: str, columns: Sequence[Column], *, dense: VectorIndex | None = None
    ) -> None:
        """Make a collection; one that is there is left as it is.

        Args:
            name: of the collection.
            columns: of its rows; one is the key.
            dense: how its dense vectors are found; None for vectors that are never looked for.
        """
        client, types, full = (
            self._connection.client,
            self._connection.pymilvus.DataType,
            _PREFIX + name,
        )
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        params = client.prepare_index_params()
        for column in columns:
            self._add(schema, params, column, types, dense)
        if not self.has(name):
            try:
                with self._connection.explained():
                    client.create_collection(
                        full,
                        schema=schema,
                        consistency_level="Strong",
                        num_shards=self.address.shards if dense is not None else 1,
                    )
            except IndexError_:
                if not _comes_true(lambda: self.has(name)):
                    raise
        if not self._is_indexed(full, len(params)):  # also after a kill in between
            try:
                with self._connection.explained():
                    # there is nothing to index yet: waiting for it costs half a second a column
                    client.create_index(full, params, sync=False)
            except IndexError_:
                if not _comes_true(lambda: self._is_indexed(full, len(params))):
                    raise
            self._index_pieces(full, columns)

    def _index_pieces(self, full: str, columns: Sequence[Column]) -> None:
        """Let the server find pieces of texts by index, where it can; it scans else."""
        if self.address.is_lite or self._connection.version < _PIECES_SERVER:
            return
        for column in columns:
            if column.is_searched:
                params = self._connection.client.prepare_index_params()
                params.add_index(column.name, index_type="NGRAM", params=_PIECES)
                try:
                    with self._connection.explained():
                        self._connection.client.create_index(full, params, sync=False)
                except IndexError_ as fault:
                    logger.info("phrases are looked for by scanning: %s", fault)

    def _is_indexed(self, full: str, n_columns: int) -> bool:
        with self._connection.explained():
            return len(self._connection.client.list_indexes(full)) >= n_columns

    @staticmethod
    def _add(
        schema: Any, params: Any, column: Column, types: Any, dense: VectorIndex | None
    ) -> None:
        kinds = {
            "text": types.VARCHAR,
            "number": types.INT64,
            "dense": types.FLOAT_VECTOR,
            "sparse": types.SPARSE_FLOAT_VECTOR,
        }
        sizes = {"text": {"max_length": column.size}, "dense": {"dim": column.size}}
        schema.add_field(
            column.name, kinds[column.kind], is_primary=column.is_key, **sizes.get(column.kind, {})
        )
        if column.kind == "dense":
            how = dense or VectorIndex("FLAT")
            params.add_index(column.name, index_type=how.name, metric_type="IP", params=how.build)
        elif column.kind == "sparse":
            params.add_index(column.name, index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
        elif column.is_indexed:
            params.add_index(column.name, index_type="INVERTED")

    def drop(self, name: str) -> None:
        """Remove a collection."""
        with self._guard:
            self._loaded.discard(name)
            self._columns.pop(name, None)
        with self._connection.explained():
            self._connection.client.drop_collection(_PREFIX + name)

    @contextmanager
    def _using(self, name: str) -> Iterator[tuple[Any, str]]:
        """The client, and the full name of a collection that is loaded."""
        client, full = self._connection.client, _PREFIX + name
        try:
            with self._connection.explained():
                if name not in self._loaded:
                    client.load_collection(full)
                    with self._guard:
                        self._loaded.add(name)
                yield client, full
        except IndexError_:
            with self._guard:  # it may have been made anew by another process
                self._loaded.discard(name)
            raise

    def rows(self, name: str, where: str, columns: Sequence[str], limit: int) -> list[Row]:
        """At most `limit` rows, in no order."""
        with self._using(name) as (client, full):
            found = client.query(
                full, filter=where, output_fields=list(columns), limit=min(limit, MAX_HITS),
                timeout=_READ_S,
            )  # fmt: skip
            return [dict(row) for row in found]

    def all_rows(
        self, name: str, where: str, columns: Sequence[str], *, page: int = 2048
    ) -> Iterator[Row]:
        """All rows that meet an expression, by key, read a page at a time."""
        with self._using(name) as (client, full):
            pages = client.query_iterator(
                full, batch_size=page, filter=where, output_fields=list(columns), timeout=_READ_S
            )
            try:
                while batch := pages.next():
                    yield from (dict(row) for row in batch)
            finally:
                pages.close()

    def rows_by(
        self,
        name: str,
        column: str,
        values: Iterable[str | int],
        columns: Sequence[str],
        *,
        at_once: int = 1024,
    ) -> Iterator[Row]:
        """All rows whose column has one of these values, `at_once` of which are asked together."""
        wanted = list(values)
        for at in range(0, len(wanted), at_once):
            where = among(column, wanted[at : at + at_once])
            found = self.rows(name, where, columns, MAX_HITS)
            # one answer is quicker than pages, where it holds all
            yield from found if len(found) < MAX_HITS else self.all_rows(name, where, columns)

    def upsert(self, name: str, rows: Sequence[Row]) -> None:
        """Insert rows, or replace those of the same key."""
        with self._using(name) as (client, full):
            for at in range(0, len(rows), _ROWS_AT_ONCE):
                client.upsert(full, list(rows[at : at + _ROWS_AT_ONCE]), timeout=_WRITE_S)

    def settle(self, names: Iterable[str]) -> None:
        """Let Milvus Lite index what was written; a server does so by itself."""
        for name in names if self.address.is_lite else ():
            with self._using(name) as (client, full):
                client.flush(full, timeout=_WRITE_S)

    def delete(self, name: str, keys: Iterable[str | int]) -> None:
        """Remove rows by key."""
        wanted = list(keys)
        with self._using(name) as (client, full):
            for at in range(0, len(wanted), _IDS_AT_ONCE):
                client.delete(full, ids=wanted[at : at + _IDS_AT_ONCE], timeout=_WRITE_S)

    def search(self, name: str, wanted: Search) -> list[tuple[int, float]]:
        """The rows with the largest inner product: key and product, best first."""
        with self._using(name) as (client, full):
            found = client.search(
                full,
                [wanted.vector],
                anns_field=wanted.column,
                filter=wanted.where,
                limit=min(wanted.k, MAX_HITS),
                output_fields=["id"],
                search_params={"metric_type": "IP", "params": wanted.params},
                timeout=_READ_S,
            )
            return [(int(hit["id"]), float(hit["distance"])) for hit in found[0]]

    def hybrid(
        self, name: str, searches: Sequence[Search], k: int, *, damping: int
    ) -> list[tuple[int, float]]:
        """Several searches, fused on the server by reciprocal rank.

        Args:
            name: of the collection.
            searches: what is fused.
            k: how many at most.
            damping: the constant of the fusion.

        Returns:
            Key and fused score, best first.
        """
        pymilvus = self._connection.pymilvus
        with self._using(name) as (client, full):
            requests = [
                pymilvus.AnnSearchRequest(
                    data=[search.vector],
                    anns_field=search.column,
                    param={"metric_type": "IP", "params": search.params},
                    limit=min(search.k, MAX_HITS),
                    expr=search.where or None,
                )
                for search in searches
            ]
            found = client.hybrid_search(
                full, requests, pymilvus.RRFRanker(damping), limit=min(k, MAX_HITS),
                output_fields=["id"], timeout=_READ_S,
            )  # fmt: skip
            return [(int(hit["id"]), float(hit["distance"])) for hit in found[0]]


def _comes_true(condition: Callable[[], bool]) -> bool:
    """Whether another worker, who was quicker, does what failed here."""
    until = time.monotonic() + CONNECT_S
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_S)
    return True
