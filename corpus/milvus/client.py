"""Talking to Milvus: connecting, making collections, rows in and out, faults in one line.

Everything that imports pymilvus is here. Knows names of columns and expressions only as text.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from corpus.errors import IndexBusy, IndexError_, MissingExtra
from corpus.milvus.address import MilvusAddress
from corpus.milvus.expressions import among
from corpus.milvus.rows import MAX_TEXT, Row

__all__ = ["MAX_HITS", "Column", "Gateway", "VectorIndex"]

logger = logging.getLogger(__name__)

MAX_HITS = 16_384  # of one search, and rows of one page
_LEAST_SERVER = (2, 5)  # the first with all that is used here
_PIECES_SERVER, _PIECES = (2, 6), {"min_gram": 2, "max_gram": 3}  # indexes pieces of texts
_LOOK_S = 0.2
_CONNECT_S, _READ_S, _WRITE_S = 10.0, 30.0, 300.0
_ROWS_AT_ONCE = 512  # some 2 MB; a server takes 64
_IDS_AT_ONCE = 4096
_PREFIX = "youju_"
# Milvus Lite ends a connection that asks every ten seconds, as pymilvus does, whether it is there
_QUIET = {"grpc.keepalive_time_ms": 2**31 - 1, "grpc.keepalive_permit_without_calls": False}
# one engine per file and process, however many indexes are open on it
_lite_users: Counter[str] = Counter()
_lite_guard = threading.Lock()


class Column:
    """A column of a collection: name, kind ("text", "number", "dense", "sparse"), and its like.

    Args:
        name: of the column.
        kind: what it holds.
        size: bytes of a text at most, or dimensions of a dense vector.
        is_key: whether rows are told apart by it.
        is_indexed: whether rows are looked up by its value.
        is_searched: whether rows are looked up by pieces of its value.
    """

    def __init__(
        self,
        name: str,
        kind: str = "text",
        size: int = MAX_TEXT,
        *,
        is_key: bool = False,
        is_indexed: bool = False,
        is_searched: bool = False,
    ) -> None:
        self.name = name
        self.kind = kind
        self.size = size
        self.is_key = is_key
        self.is_indexed = is_indexed
        self.is_searched = is_searched


class VectorIndex:
    """How dense vectors are found: type of the index, and its settings for building.

    Args:
        name: as Milvus calls the type.
    """

    def __init__(self, name: str) -> None:
        self.name = name

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
        _require(address)
        self._pymilvus = _imported()
        self._faults = _faults(self._pymilvus)
        self._guard = threading.Lock()
        self._loaded: set[str] = set()
        self._columns: dict[str, frozenset[str]] = {}
        self._client: Any = self._connected()
        with self._explained():
            version = str(self._client.get_server_version())
        said = re.match(r"v?(\d+)\.(\d+)", version)
        self._version = (int(said[1]), int(said[2])) if said else _LEAST_SERVER
        if self._version < _LEAST_SERVER:
            self.close()
            raise IndexError_(
                f"{address} runs Milvus {version}; youju needs "
                f"{'.'.join(map(str, _LEAST_SERVER))} or newer"
            )

    def _connected(self) -> Any:
        address = self.address
        if address.is_lite:
            Path(address.uri).parent.mkdir(parents=True, exist_ok=True)
        try:
            client = self._pymilvus.MilvusClient(
                uri=address.uri,
                token=os.environ.get("YOUJU_MILVUS_TOKEN", ""),
                db_name=address.database,
                timeout=_CONNECT_S,
                grpc_options=_QUIET if address.is_lite else {},
            )
            if address.is_lite:
                with _lite_guard:
                    _lite_users[address.uri] += 1
            return client
        except self._faults as fault:
            said = _reason(fault)
            if address.is_lite:
                raise IndexBusy(
                    f"cannot open {address}: another process has it open, or it is no Milvus Lite "
                    "database; a file serves one process at a time, a Milvus server many"
                ) from fault
            raise IndexError_(
                f"Milvus at {address} does not let us in ({said}); is it running, is the database "
                "there, is YOUJU_MILVUS_TOKEN right?"
            ) from fault

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

    def close(self) -> None:
        """End the connection. Closing twice is harmless."""
        with self._guard:
            client, self._client = self._client, None
        if client is not None:
            with self._explained():
                client.close()
            if self.address.is_lite:
                _release(self.address.uri)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self._faults as fault:
            raise IndexError_(f"Milvus at {self.address}: {_reason(fault)}") from fault

    def _open(self) -> Any:
        client = self._client
        if client is None:
            raise ValueError("the index is closed")
        return client

    def has(self, name: str) -> bool:
        """Whether there is such a collection."""
        if name in self._loaded:
            return True
        with self._explained():
            return bool(self._open().has_collection(_PREFIX + name))

    def columns(self, name: str) -> frozenset[str]:
        """Names of the columns of a collection; none where there is no such collection."""
        if name not in self._columns:
            if not self.has(name):
                return frozenset()
            with self._explained():
                fields = self._open().describe_collection(_PREFIX + name)["fields"]
            self._columns[name] = frozenset(str(field["name"]) for field in fields)
        return self._columns[name]

    def names(self) -> list[str]:
        """Collections of ours."""
        with self._explained():
            found = self._open().list_collections()
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
        client, types, full = self._open(), self._pymilvus.DataType, _PREFIX + name
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        params = client.prepare_index_params()
        for column in columns:
            self._add(schema, params, column, types, dense)
        if not self.has(name):
            try:
                with self._explained():
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
                with self._explained():
                    # there is nothing to index yet: waiting for it costs half a second a column
                    client.create_index(full, params, sync=False)
            except IndexError_:
                if not _comes_true(lambda: self._is_indexed(full, len(params))):
                    raise
            self._index_pieces(full, columns)

    def _index_pieces(self, full: str, columns: Sequence[Column]) -> None:
        """Let the server find pieces of texts by index, where it can; it scans else."""
        if self.address.is_lite or self._version < _PIECES_SERVER:
            return
        for column in columns:
            if column.is_searched:
                params = self._open().prepare_index_params()
                params.add_index(column.name, index_type="NGRAM", params=_PIECES)
                try:
                    with self._explained():
                        self._open().create_index(full, params, sync=False)
                except IndexError_ as fault:
                    logger.info("phrases are looked for by scanning: %s", fault)

    def _is_indexed(self, full: str, n_columns: int) -> bool:
        with self._explained():
            return len(self._open().list_indexes(full)) >= n_columns

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
        with self._explained():
            self._open().drop_collection(_PREFIX + name)

    @contextmanager
    def _using(self, name: str) -> Iterator[tuple[Any, str]]:
        """The client, and the full name of a collection that is loaded."""
        client, full = self._open(), _PREFIX + name
        try:
            if name not in self._loaded:
                client.load_collection(full)
                with self._guard:
                    self._loaded.add(name)
            yield client, full
        except self._faults as fault:
            with self._guard:  # it may have been made anew by another process
                self._loaded.discard(name)
            raise IndexError_(f"Milvus at {self.address}: {_reason(fault)}") from fault

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

    def search(
        self, name: str, column: str, vector: Any, k: int, *, where: str, params: dict[str, Any]
    ) -> list[tuple[int, float]]:
        """The `k` rows with the largest inner product: key and product, best first."""
        with self._using(name) as (client, full):
            found = client.search(
                full,
                [vector],
                anns_field=column,
                filter=where,
                limit=min(k, MAX_HITS),
                output_fields=["id"],
                search_params={"metric_type": "IP", "params": params},
                timeout=_READ_S,
            )
            return [(int(hit["id"]), float(hit["distance"])) for hit in found[0]]

    def hybrid(
        self,
        name: str,
        branches: Sequence[tuple[str, Any, int, str, dict[str, Any]]],
        k: int,
        *,
        damping: int,
    ) -> list[tuple[int, float]]:
        """Several searches, fused on the server by reciprocal rank.

        Args:
            name: of the collection.
            branches: column, vector, number of hits, expression and settings of each.
            k: how many at most.
            damping: the constant of the fusion.

        Returns:
            Key and fused score, best first.
        """
        pymilvus = self._pymilvus
        with self._using(name) as (client, full):
            requests = [
                pymilvus.AnnSearchRequest(
                    data=[vector],
                    anns_field=column,
                    param={"metric_type": "IP", "params": params},
                    limit=min(limit, MAX_HITS),
                    expr=where or None,
                )
                for column, vector, limit, where, params in branches
            ]
            found = client.hybrid_search(
                full, requests, pymilvus.RRFRanker(damping), limit=min(k, MAX_HITS),
                output_fields=["id"], timeout=_READ_S,
            )  # fmt: skip
            return [(int(hit["id"]), float(hit["distance"])) for hit in found[0]]


def _comes_true(condition: Callable[[], bool]) -> bool:
    """Whether another worker, who was quicker, does what failed here."""
    until = time.monotonic() + _CONNECT_S
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_S)
    return True


def _release(path: str) -> None:
    """Stop the engine of a Milvus Lite database when nobody in this process needs it any more."""
    with _lite_guard:
        _lite_users[path] -= 1
        if _lite_users[path] > 0:
            return
        del _lite_users[path]
    from milvus_lite.server_manager import server_manager_instance

    server_manager_instance.release_server(path)


def _require(address: MilvusAddress) -> None:
    if find_spec("pymilvus") is None:
        raise MissingExtra("milvus", "pymilvus")
    if address.is_lite and find_spec("milvus_lite") is None:
        raise MissingExtra("milvus", "milvus-lite")


def _imported() -> Any:
    is_quiet = logging.getLogger().getEffectiveLevel() > logging.DEBUG
    if is_quiet:
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read once, when grpc is imported
    import pymilvus

    # it writes a traceback for each fault that is explained here
    if is_quiet:
        for name in ("pymilvus", "milvus_lite", "grpc", "faiss"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    return pymilvus


def _faults(pymilvus: Any) -> tuple[type[BaseException], ...]:
    from grpc import RpcError

    return (pymilvus.MilvusException, RpcError)


def _reason(fault: BaseException) -> str:
    """What a fault says, in one line."""
    said = getattr(fault, "message", None) or getattr(fault, "details", lambda: "")() or str(fault)
    return " ".join(str(said).split())[:300].rstrip(".")
