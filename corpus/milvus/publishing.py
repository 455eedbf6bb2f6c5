"""Making what a worker wrote count: counts of terms, sums, and the build that readers see.

The counts of a run that ended are those before it and what it changed; after a run that did not
end they are counted anew from the passages. A build is shown to readers when every part of it is
complete, and the one before it is removed then. Called by `ingest`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from corpus.milvus.catalog import Build, Catalog, build_of, collections_of, totals_of
from corpus.milvus.client import Gateway
from corpus.milvus.statistics import Counts, Segment, Totals, average_idf, bits_for, merged
from corpus.milvus.writing import Change

__all__ = ["Publisher"]

logger = logging.getLogger(__name__)

_MOVED, _FEW = 0.01, 64  # growth, and segments, from and up to which the mean idf is renewed
_MANY = 1000  # passages; the average of fewer moves with every note
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
            old = before[bucket]
            if resumed:
                totals, counts = self._counted(bucket)
                totals = self._recut(bucket, totals, counts, old.bits)
            else:
                totals = self._updated(bucket, old, changes.get(bucket, Change()))
            self._catalog.put_totals(tag, bucket, replace(totals, is_dirty=False))
            self._catalog.put(**{f"done:{tag}:{bucket}": "1"})
        self._weigh(anew=resumed)
        self._gateway.settle(collections_of(tag))
        self._show()

    def _updated(self, bucket: int, old: Totals, change: Change) -> Totals:
        """Apply a change: only the segments that it touches are read and written."""
        segments = Segment.of_terms(bucket, old.bits, change.terms)
        table = self._table(segments)
        after = table.changed(change.terms)
        totals = old + change.totals
        totals = replace(totals, n_distinct=old.n_distinct + len(after) - len(table))
        if bits_for(totals.n_distinct) > old.bits:
            untouched = set(Segment.all(bucket, old.bits)) - set(segments)
            whole = merged([after, self._table(untouched)])
            return self._recut(bucket, totals, whole, old.bits)
        self._gateway.upsert(self._name("counts"), list(after.rows(segments)))
        return totals

    def _recut(self, bucket: int, totals: Totals, counts: Counts, before: int) -> Totals:
        """Write a whole table; one that is cut as before stays until the next, it is still read."""
        name, bits = self._name("counts"), bits_for(len(counts))
        rows = list(counts.rows(Segment.all(bucket, bits)))
        ids = [
            str(row["id"]) for row in self._gateway.all_rows(name, f"bucket == {bucket}", ["id"])
        ]
        self._gateway.upsert(name, rows)
        kept = {f"{bucket:04d}-{cut:02d}" for cut in (bits, before)}
        self._gateway.delete(name, [id_ for id_ in ids if id_[:7] not in kept])
        return replace(totals, bits=bits, n_distinct=len(counts))

    def _table(self, segments: Iterable[Segment]) -> Counts:
        """What some segments hold."""
        ids = [segment.id for segment in segments]
        rows = self._gateway.rows_by(self._name("counts"), "id", ids, ["id", "payload"])
        return merged([Counts.unpacked(str(row["payload"])) for row in rows])

    def _counted(self, bucket: int) -> tuple[Totals, Counts]:
        """Sums and counts of one part, from its rows."""
        change = Change()
        where = f"bucket == {bucket}"
        for row in self._gateway.all_rows(
            self._name("chunks"), where, ["id", "n_terms", "numbers"]
        ):
            change.add(row, 1)
        for row in self._gateway.all_rows(
            self._name("notes"), f"{where} and part == 0", ["id", "n_chars"]
        ):
            change.add_note(int(row["n_chars"]), 1)
        return change.totals, Counts.of(change.terms)

    def _weigh(self, *, anew: bool) -> None:
        """Renew the mean idf over all parts, and look whether the average length still fits."""
        while True:
            totals = totals_of(self._catalog.values(), self._build)
            sums = sum((total for _, total in totals), Totals())
            self._put_average(totals, sums.n_chunks, anew=anew)
            # another worker may have ended meanwhile: whoever writes last has seen all
            if totals_of(self._catalog.values(), self._build) == totals:
                break
        now = sums.n_terms / sums.n_chunks if sums.n_chunks else self._build.pivot
        if abs(now / self._build.pivot - 1) > _DRIFT and sums.n_chunks >= _MANY:
            logger.warning(
                "passages now have %.0f terms on average, their weights are made for %.0f:"
                " youju index --rebuild makes them anew",
                now,
                self._build.pivot,
            )

    def _put_average(
        self, totals: Sequence[tuple[int, Totals]], n_chunks: int, *, anew: bool
    ) -> None:
        """Compute the mean idf, unless it can hardly have moved and costs much."""
        build = build_of(self._catalog.values(), self._build.tag) or self._build
        n_segments = sum(1 << total.bits for _, total in totals)
        moved = abs(n_chunks - build.n_weighed) > _MOVED * max(build.n_weighed, 1)
        if anew or moved or n_segments <= _FEW:
            every = [s for bucket, total in totals for s in Segment.all(bucket, total.bits)]
            average = average_idf(self._table(every), n_chunks)
            self._catalog.put_build(replace(build, average_idf=average, n_weighed=n_chunks))

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
