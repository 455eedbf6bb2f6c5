"""A reply of a server read in a thread of its own, up to a deadline.

A server that stalls, drips or never ends is left, and its connection ended, whoever waits for it.
Knows threads and connections, not what is asked or said. Called by `endpoint`.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Reading"]


class Reading:
    """What a call yields, read in a thread that can be left at any time.

    Args:
        start: what is read, given this reading; runs in the thread.
    """

    def __init__(self, start: Callable[[Reading], Iterator[Any]]) -> None:
        self._queue: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=256)
        self._response: Any = None
        self._left, self._read = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(start,), daemon=True)

    def __enter__(self) -> Reading:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        if not self._read.is_set():
            self._hang_up()

    def holds(self, response: Any) -> None:
        """Remember the response, so that its connection can be ended from outside."""
        self._response = response
        if self._left.is_set():
            self._hang_up()

    def _run(self, start: Callable[[Reading], Iterator[Any]]) -> None:
        import httpx2
        import openai

        known = (openai.OpenAIError, httpx2.HTTPError, OSError, ValueError, TypeError)
        last: tuple[str, Any] = ("fault", RuntimeError("the reader stopped"))
        try:
            for item in start(self):
                if not self._put("item", item):
                    return
            self._read.set()
            last = ("end", None)
        except (*known, LookupError, RuntimeError) as error:  # raised again where it is waited for
            last = ("fault", error)
        finally:
            self._put(*last)

    def _put(self, kind: str, value: Any) -> bool:
        """Hand a value over; False once nobody waits for it."""
        while not self._left.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put((kind, value), timeout=0.2)
                return True
        return False

    def until(self, deadline: float) -> Iterator[Any]:
        """What was read.

        Raises:
            TimeoutError: the deadline, of `time.monotonic`, has passed.
        """
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            try:
                kind, value = self._queue.get(timeout=left)
            except queue.Empty:
                raise TimeoutError from None
            if kind == "end":
                return
            if kind == "fault":
                raise value
            yield value

    def _hang_up(self) -> None:
        """End the connection, so that a thread waiting for its next byte wakes up."""
        network = getattr(self._response, "extensions", {}).get("network_stream")
        connected = network.get_extra_info("socket") if network is not None else None
        if connected is not None:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
