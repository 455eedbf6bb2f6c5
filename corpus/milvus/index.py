"""The index of notes on Milvus: opened by address, fed by `ingest`, read by many machines.

Nothing is kept on this machine but what was read for the last questions. Knows generations as
`corpus.index` does; what is found in one is `snapshot`'s to know.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from corpus import protocol
from corpus.chunking import DEFAULT_SIZE
from corpus.errors import IndexError_
from corpus.milvus.address import MilvusAddress
from corpus.milvus.catalog import Build, Catalog, Facts, facts_of, lacking
from corpus.milvus.client import Gateway
from corpus.milvus.ingest import Ingest, Share
from corpus.milvus.kept import Notes
from corpus.milvus.searching import NoRows
from corpus.milvus.snapshot import MilvusSnapshot
from corpus.milvus.statistics import Statistics
from corpus.protocol import IndexStatus
from corpus.queries import Queries
from corpus.types import RefreshReport, Skipped
from corpus.work import NoteSource, Progress

if TYPE_CHECKING:
    from corpus.encoder import Encoder

__all__ = ["MilvusIndex"]

_FRESH_S = 1.0  # for so long what the database says of itself is taken for true


class MilvusIndex(protocol.Index):
    """The index of notes in one Milvus database. Threads may share it for reading.

    Args:
        gateway: of the database.
        encoder: for passages and queries.
        chunk_size: most characters of a passage.
        earlier: loads an encoder by name, for an index whose vectors come from that one.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        encoder: Encoder,
        chunk_size: int = DEFAULT_SIZE,
        earlier: Callable[[str], Encoder] | None = None,
    ) -> None:
        self._gateway = gateway
        self._encoder = encoder
        self._chunk_size = chunk_size
        self._catalog = Catalog(gateway)
        self._queries = Queries(encoder, earlier)
        self._notes = Notes()
        self._guard = threading.Lock()
        self._facts: tuple[float, Facts] | None = None
        self._statistics: tuple[str, Statistics] | None = None
        self.share = Share()

    @classmethod
    def open(
        cls,
        address: MilvusAddress,
        *,
        encoder: Encoder,
        chunk_size: int = DEFAULT_SIZE,
        earlier: Callable[[str], Encoder] | None = None,
    ) -> Self:
        """Connect to a database; nothing is made in it before the first refresh.

        Raises:
            MissingExtra: pymilvus or Milvus Lite is not installed.
            IndexBusy: another process has the Milvus Lite database open.
            IndexError_: the server does not answer, refuses, or is too old.
        """
        return cls(Gateway(address), encoder=encoder, chunk_size=chunk_size, earlier=earlier)

    def close(self) -> None:
        """End the connection. Closing twice is harmless."""
        self._gateway.close()

    def refresh(
        self,
        vault: NoteSource,
        *,
        progress: Progress | None = None,
        encoding: Progress | None = None,
        rebuild: bool = False,
        forget: bool = True,
    ) -> RefreshReport:
        """See `protocol.Index.refresh`; `share` says which files are this worker's."""
        try:
            return Ingest(
                self._gateway, self._catalog, self._encoder, self._chunk_size, vault, self.share
            ).run(progress=progress, encoding=encoding, rebuild=rebuild, forget=forget)
        finally:
            self._facts = None

    @contextmanager
    def snapshot(self) -> Iterator[protocol.Snapshot]:
        """What the database holds now."""
        facts = self._now()
        build = facts.build
        if build is None:
            nothing = Build(tag="", fingerprint="{}", encoder_name="", dim=1, pivot=1.0)
            rows, weights = NoRows(), Statistics((), 0.0, lambda _: ())
            queries = self._queries.made_by(None, "")
            yield MilvusSnapshot(rows, facts, nothing, weights, queries, Notes())
            return
        self._require_columns(build)
        queries = self._queries.made_by(build.encoder, build.encoder_name)
        yield MilvusSnapshot(
            self._gateway, facts, build, self._weights(facts, build), queries, self._notes
        )

    def _require_columns(self, build: Build) -> None:
        if missing := lacking(self._gateway, build):
            raise IndexError_(
                f"an earlier youju wrote the index at {self._gateway.address}, without what is"
                f" asked of it now ({', '.join(missing)}): youju index NOTES --index"
                f" {self._gateway.address} makes it anew; vectors are taken over"
            )

    def _now(self) -> Facts:
        kept = self._facts
        if kept is None or time.monotonic() - kept[0] > _FRESH_S:
            kept = time.monotonic(), facts_of(self._catalog.values())
            self._facts = kept
        return kept[1]

    def _weights(self, facts: Facts, build: Build) -> Statistics:
        """What terms weigh, kept while nothing changes."""
        with self._guard:
            if self._statistics is None or self._statistics[0] != facts.stamp:
                name = f"{build.tag}_counts"

                def load(ids: list[str]) -> Iterator[tuple[str, str]]:
                    for row in self._gateway.rows_by(name, "id", ids, ["id", "payload"]):
                        yield str(row["id"]), str(row["payload"])

                made = Statistics(facts.totals, build.average_idf, load)
                self._statistics = facts.stamp, made
            return self._statistics[1]

    @property
    def is_migrating(self) -> bool:
        """Whether it holds vectors of another encoder, which the next refresh replaces."""
        build = self._now().build
        return build is not None and build.encoder != self._encoder.fingerprint

    def status(self) -> IndexStatus:
        """The index in figures; the size is that of a Milvus Lite database, else 0."""
        facts = self._now()
        skipped = {Skipped(path=path, reason=why) for path, why in facts.skipped}
        if facts.build is not None:
            rows = self._gateway.all_rows(
                f"{facts.build.tag}_files", 'reason != ""', ["id", "file", "reason"]
            )
            skipped |= {Skipped(path=str(r["file"]), reason=str(r["reason"])) for r in rows}
        return IndexStatus(
            root=facts.root,
            n_notes=facts.sums.n_notes,
            n_chunks=facts.sums.n_chunks,
            n_chars=facts.sums.n_chars,
            skipped=tuple(sorted(skipped, key=lambda one: (one.path, one.reason))),
            generation=facts.generation,
            updated_at=facts.updated_at,
            encoder=facts.build.encoder_name if facts.build else None,
            size_bytes=self._gateway.size_bytes(),
        )
