"""Making what a worker wrote count: counts of terms, sums, and the build that readers see.

The counts of a run that ended are those before it and what it changed; after a run that did not
end they are counted anew from the passages. A build is shown to readers when every part of it is
complete, and the one before it is removed then. Called by `ingest`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from corpus.milvus.catalog import Build, Catalog, collections_of, totals_of
from corpus.milvus.client import Gateway
from corpus.milvus.statistics import Counts, Segment, Totals, average_idf, is_term, merged
from corpus.milvus.writing import Change

__all__ = ["Publisher"]

logger = logging.getLogger(__name__)

_DRIFT = 0.1  # of the average length, beyond which weights are worth making anew


class Publisher:
    """The end of a run.

    Args:
        gateway: of the database.
        catalog: of the database.
        build: that was written.
        buckets: parts that are this run's.
    """

    def __init__(
        self, gateway: Gateway, catalog: Catalog, build: Build, buckets: Sequence[int]
    ) -> None:
        self._gateway = gateway
        self._catalog = catalog
        self._build = build
        self._buckets = buckets

    def publish(self, changes: Mapping[int, Change], *, resumed: bool) -> None:
        """Make a run count.

        Args:
            changes: what it did to each part.
            resumed: whether an earlier run did not end, so that nobody knows what it did.
        """
        tag = self._build.tag
        before = dict(totals_of(self._catalog.values(), self._build))
        for bucket in self._buckets:
            change = changes.get(bucket, Change())
            if resumed:
                totals, counts = self._counted(bucket)
            else:
                totals = before[bucket] + change.totals
                counts = self._table(bucket, before[bucket].bits).changed(change.terms)
            self._write(bucket, counts, before[bucket])
            kept = replace(totals, bits=counts.bits, is_dirty=False)
            self._catalog.put_totals(tag, bucket, kept)
            self._catalog.put(**{f"done:{tag}:{bucket}": "1"})
        self._weigh()
        self._show()

    def _table(self, bucket: int, bits: int) -> Counts:
        """The counts of one part, as they were kept."""
        ids = [Segment(bucket=bucket, bits=bits, number=n).id for n in range(1 << bits)]
        rows = self._gateway.rows_by(self._name("counts"), "id", ids, ["id", "payload"])
        return merged([Counts.unpacked(str(row["payload"])) for row in rows])

    def _counted(self, bucket: int) -> tuple[Totals, Counts]:
        """Sums and counts of one part, from its rows."""
        change = Change()
        where = f"bucket == {bucket}"
        for row in self._gateway.all_rows(self._name("chunks"), where, ["id", "n_terms", "sparse"]):
            change.add(row, 1)
        for row in self._gateway.all_rows(
            self._name("notes"), f"{where} and part == 0", ["id", "n_chars"]
        ):
            change.add_note(int(row["n_chars"]), 1)
        assert all(map(is_term, change.terms)), "passages without terms count for none"
        return change.totals, Counts.of(change.terms)

    def _write(self, bucket: int, counts: Counts, before: Totals) -> None:
        """Replace a table; one that is cut otherwise stays until the next run, it is still read."""
        name = self._name("counts")
        rows = list(counts.rows(bucket, counts.bits))
        cuts = {counts.bits, before.bits}
        stale = [
            str(row["id"])
            for row in self._gateway.all_rows(name, f"bucket == {bucket}", ["id"])
            if int(str(row["id"]).split("-")[1]) not in cuts
        ]
        self._gateway.upsert(name, rows)
        self._gateway.delete(name, stale)

    def _weigh(self) -> None:
        """Renew the mean idf over all parts, and look whether the average length still fits."""
        totals = totals_of(self._catalog.values(), self._build)
        sums = sum((total for _, total in totals), Totals())
        counts = merged([self._table(bucket, total.bits) for bucket, total in totals])
        self._catalog.put_build(
            replace(self._build, average_idf=average_idf(counts, sums.n_chunks))
        )
        now = sums.n_terms / sums.n_chunks if sums.n_chunks else self._build.pivot
        if abs(now / self._build.pivot - 1) > _DRIFT:
            logger.warning(
                "passages now have %.0f terms on average, their weights are made for %.0f:"
                " youju index --rebuild makes them anew",
                now,
                self._build.pivot,
            )

    def _show(self) -> None:
        """Let readers see the build, if all parts of it are complete."""
        values = self._catalog.values()
        tag = self._build.tag
        missing = [b for b in range(self._build.workers) if f"done:{tag}:{b}" not in values]
        if missing:
            logger.warning(
                "this worker is done; the index is shown when all are (%d of %d are missing)",
                len(missing),
                self._build.workers,
            )
            return
        self._catalog.put(current=tag)
        self._catalog.next_generation(values)
        self._sweep(values)

    def _sweep(self, values: Mapping[str, str]) -> None:
        """Remove the builds that are no longer read."""
        old = {key.split(":")[1] for key in values if key.startswith("build:")} - {self._build.tag}
        there = set(self._gateway.names())
        for tag in old:
            for name in collections_of(tag):
                if name in there:
                    self._gateway.drop(name)
        self._catalog.forget([key for key in values if key.partition(":")[2].split(":")[0] in old])

    def _name(self, kind: str) -> str:
        return f"{self._build.tag}_{kind}"
