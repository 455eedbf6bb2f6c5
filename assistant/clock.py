"""How long the stages of an answer took. Knows time, not stages."""

from __future__ import annotations

import time

__all__ = ["Clock"]


class Clock:
    """Wall time of the stages, in milliseconds."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """End a stage that began when the one before it ended."""
        now = time.perf_counter()
        self._laps[stage] = round(1000 * (now - self._last), 2)
        self._last = now

    def done(self) -> dict[str, float]:
        """Milliseconds by stage, and of all of them as "total"."""
        return {**self._laps, "total": round(1000 * (time.perf_counter() - self._start), 2)}
