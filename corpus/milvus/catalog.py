"""What a database knows about itself: which build is read, what it was made with, who writes.

A build is a set of collections under one tag, which follows from encoder, tokenizer, readers and
chunk size; readers see the build named "current" until another one is complete. All of it lies in
one small collection of keys and values. Knows no notes.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from corpus.errors import IndexBusy, IndexError_
from corpus.milvus.client import Gateway
from corpus.milvus.columns import Column, VectorIndex
from corpus.milvus.rows import STUB
from corpus.milvus.searching import MAX_HITS
from corpus.milvus.statistics import Totals

__all__ = [
    "Build", "Catalog", "Facts", "Lease", "build_of", "collections_of", "columns_of", "facts_of",
    "lacking", "make_collections", "totals_of",
]  # fmt: skip

_META = "meta"
_FORMAT = 1
_LEASE_S = 120.0  # a worker that said nothing for so long is dead
_MAX_VALUE = 60_000  # bytes of a value
_STUB = Column("stub", "dense", len(STUB))
KINDS = ("chunks", "notes", "files", "counts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What a set of collections was made with.

    Attributes:
        tag: names the set.
        fingerprint: of encoder, tokenizer, chunker and readers, as JSON.
        encoder_name: what a person calls the encoder.
        dim: length of a vector.
        pivot: average number of terms of a passage that weights are made with.
        workers: into how many parts the files were divided.
        index: type of the index of dense vectors.
        average_idf: mean idf of all terms, see `statistics.average_idf`.
        n_weighed: passages there were when it was computed.
        format: of rows; 1.
    """

    tag: str
    fingerprint: str
    encoder_name: str
    dim: int
    pivot: float
    workers: int = 1
    index: str = "FLAT"
    average_idf: float = 0.0
    n_weighed: int = -1
    format: int = _FORMAT

    @property
    def encoder(self) -> str:
        """Fingerprint of the encoder that the vectors come from."""
        return str(json.loads(self.fingerprint)["encoder"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What readers need of a database: small, and read anew for each question.

    Attributes:
        build: the one that is read; None before the first is complete.
        generation: number of the last change.
        stamp: names the content.
        totals: of each worker's part of the build.
        root: where the notes were when they were last indexed.
        updated_at: ISO 8601 with offset, or None.
        skipped: pairs of path and reason that the last listing left out.
    """

    build: Build | None = None
    generation: int = 0
    stamp: str = "0-empty"
    totals: tuple[tuple[int, Totals], ...] = ()
    root: str | None = None
    updated_at: str | None = None
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def sums(self) -> Totals:
        """Over all parts."""
        return sum((total for _, total in self.totals), Totals())


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right of one process to write one part of a build."""

    owner: str
    host: str
    pid: int
    until: float = field(compare=False)


class Catalog:
    """Reads and writes the keys of a database. Threads may share it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._host = socket.gethostname()
        self._me = f"{self._host}:{os.getpid()}:{secrets.token_hex(4)}"

    def prepare(self) -> None:
        """Make the collection of keys if there is none."""
        columns = [Column("id", "text", 512, is_key=True), Column("value"), _STUB]
        self._gateway.create(_META, columns)

    def values(self) -> dict[str, str]:
        """All keys with their values; none where no collection was made yet."""
        if not self._gateway.has(_META):
            return {}
        return {
            str(row["id"]): str(row["value"])
            for row in self._gateway.rows(_META, 'id != ""', ["id", "value"], MAX_HITS)
        }

    def put(self, **values: str) -> None:
        """Keep values under keys."""
        rows = [{"id": key, "value": value, "stub": STUB} for key, value in values.items()]
        self._gateway.upsert(_META, rows)

    def put_build(self, build: Build) -> None:
        """Keep what a build was made with."""
        self.put(**{f"build:{build.tag}": json.dumps(asdict(build))})

    def put_totals(self, tag: str, bucket: int, totals: Totals) -> None:
        """Keep the sums of one part."""
        self.put(**{f"totals:{tag}:{bucket}": json.dumps(asdict(totals))})

    def put_skipped(self, skipped: list[tuple[str, str]]) -> None:
        """Keep what a listing left out: as much of it as a value holds."""
        while len(json.dumps(skipped)) > _MAX_VALUE:
            skipped = skipped[: len(skipped) // 2]
        self.put(skipped=json.dumps(skipped))

    def next_generation(self, values: dict[str, str]) -> int:
        """Count the generation up."""
        number = int(values.get("generation", "0")) + 1
        self.put(
            generation=str(number),
            stamp=f"{number}-{secrets.token_hex(4)}",
            updated_at=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        )
        return number

    def forget(self, keys: list[str]) -> None:
        """Remove keys."""
        if keys:
            self._gateway.delete(_META, keys)

    @contextmanager
    def leased(self, tag: str, buckets: list[int]) -> Iterator[None]:
        """The right to write some parts of a build.

        Raises:
            IndexBusy: a living process has it.
        """
        self._take(tag, buckets)
        try:
            yield
        finally:
            self.forget([f"lease:{tag}:{bucket}" for bucket in buckets])

    def _take(self, tag: str, buckets: list[int]) -> None:
        values = self.values()
        for bucket in buckets:
            held = values.get(f"lease:{tag}:{bucket}")
            lease = Lease(**json.loads(held)) if held else None
            if lease is not None and lease.owner != self._me and self._lives(lease):
                raise IndexBusy(
                    f"the index at {self._gateway.address} is being written by process"
                    f" {lease.pid} on {lease.host}; wait until it is done, or stop it"
                )
        self.renew(tag, buckets)

    def renew(self, tag: str, buckets: list[int]) -> None:
        """Say that this process is still writing."""
        lease = Lease(
            owner=self._me, host=self._host, pid=os.getpid(), until=time.time() + _LEASE_S
        )
        self.put(**{f"lease:{tag}:{bucket}": json.dumps(asdict(lease)) for bucket in buckets})

    def _lives(self, lease: Lease) -> bool:
        if time.time() > lease.until:
            return False
        if lease.host != self._host:
            return True
        try:
            os.kill(lease.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:  # it is somebody else's
            return True
        return True


def build_of(values: dict[str, str], tag: str | None) -> Build | None:
    """The build of a tag, as it was kept.

    Raises:
        IndexError_: a newer youju wrote it.
    """
    kept = values.get(f"build:{tag}") if tag else None
    if kept is None:
        return None
    fields: dict[str, Any] = json.loads(kept)
    if fields.get("format") != _FORMAT:
        raise IndexError_(
            f"the Milvus index has format {fields.get('format')}, this youju reads {_FORMAT}:"
            " use the youju that wrote it, or index again into another database"
        )
    return Build(**fields)


def totals_of(values: dict[str, str], build: Build) -> tuple[tuple[int, Totals], ...]:
    """The sums of each part of a build."""
    return tuple(
        (bucket, Totals(**json.loads(values.get(f"totals:{build.tag}:{bucket}", "{}"))))
        for bucket in range(build.workers)
    )


def facts_of(values: dict[str, str]) -> Facts:
    """What the keys say to a reader."""
    build = build_of(values, values.get("current"))
    return Facts(
        build=build,
        generation=int(values.get("generation", "0")) if build else 0,
        stamp=values.get("stamp", "0-empty") if build else "0-empty",
        totals=totals_of(values, build) if build else (),
        root=values.get("root"),
        updated_at=values.get("updated_at"),
        skipped=tuple((path, why) for path, why in json.loads(values.get("skipped", "[]"))),
    )


def collections_of(tag: str) -> list[str]:
    """Names of the collections of a build."""
    return [f"{tag}_{kind}" for kind in KINDS]


def columns_of(build: Build) -> dict[str, list[Column]]:
    """Name and columns of each collection of a build."""
    short = 1024
    chunks = [
        Column("id", "number", is_key=True),
        Column("note", is_indexed=True),
        Column("version", size=64),
        *(Column(name, "number") for name in ("start", "end", "line", "n_terms")),
        Column("key", size=64, is_indexed=True),
        *(Column(name) for name in ("heading", "numbers", "headings", "tags")),
        *(Column(name, is_searched=True) for name in ("words", "names")),
        Column("date", size=short, is_indexed=True),
        Column("file", is_indexed=True),
        Column("bucket", "number", is_indexed=True),
        Column("dense", "dense", build.dim),
        Column("sparse", "sparse"),
    ]
    notes = [
        Column("id", size=64, is_key=True),
        Column("note", is_indexed=True),
        Column("version", size=64),
        *(Column(name, "number") for name in ("part", "first_line", "body_start", "n_chars")),
        *(Column(name) for name in ("title", "tags", "aliases", "text")),
        Column("listed", is_searched=True),
        *(Column(name, size=short) for name in ("sha256", "date", "format")),
        Column("file", is_indexed=True),
        Column("bucket", "number", is_indexed=True),
        _STUB,
    ]
    files = [
        Column("id", size=64, is_key=True),
        Column("file"),
        Column("reason"),
        Column("size", "number"),
        Column("mtime_ns", "number"),
        Column("bucket", "number", is_indexed=True),
        _STUB,
    ]
    counts = [
        Column("id", size=64, is_key=True),
        Column("bucket", "number", is_indexed=True),
        Column("payload"),
        _STUB,
    ]
    return dict(zip(collections_of(build.tag), (chunks, notes, files, counts), strict=True))


def make_collections(gateway: Gateway, build: Build) -> None:
    """Make the collections of a build, those of them that are not there."""
    dense = VectorIndex(build.index)
    for name, columns in columns_of(build).items():
        gateway.create(name, columns, dense=dense if name.endswith("_chunks") else None)


def lacking(gateway: Gateway, build: Build) -> list[str]:
    """Columns that a build has not, since an earlier youju wrote it; empty where it has all."""
    return sorted(
        column.name
        for name, columns in columns_of(build).items()
        for column in columns
        if column.name not in gateway.columns(name)
    )
