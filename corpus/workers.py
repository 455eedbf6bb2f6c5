"""What is stored of many passages, made by other processes while this one reads and stores.

A worker is a Python of its own with the built-in encoder: it gets the texts of passages and gives
their terms, vectors and tokens, the same as `passages` gives here. It holds nothing that is not
also in the request, so that one that dies costs only its batch, which is then made here. Neither
forked (threads) nor spawned by `multiprocessing` (the caller's main module): the same on every
system. Requests and replies are JSON, never pickles. Called by `refresh`; the child runs `serve`.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from corpus.encoder import Encoder, StaticEncoder
from corpus.memory import free_bytes
from corpus.passages import encoded, terms_of

__all__ = ["Made", "Texts", "Workers", "made_here", "serve"]

logger = logging.getLogger(__name__)

Texts = Sequence[Sequence[str]]  # title, heading path and text of each passage
# terms, the vector unless it is zero, and the tokens where the encoder has any
Made = list[tuple[list[str], bytes | None, bytes | None]]

_MOST = 4  # one process reads and stores: more than this it cannot feed
_MEMORY = 400 << 20  # bytes that a worker may come to hold
_SEPARATOR = "\x1f"  # between terms, which hold no control characters
_CODE = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]);"
    " from corpus.workers import serve; serve(sys.argv[2], int(sys.argv[3]))"
)


def made_here(encoder: Encoder, passages: Texts) -> Made:
    """Terms, vectors and tokens of passages, made in this process.

    Raises:
        ModelError: the encoder gave something else than vectors of numbers.
    """
    halves, tokens = encoded(encoder, passages)
    return [
        (terms_of(texts), row.tobytes() if row.any() else None, kept)
        for texts, row, kept in zip(passages, halves, tokens, strict=True)
    ]


class Workers:
    """Processes that make terms and vectors, and the threads that speak with them.

    Args:
        encoder: the workers load the same.
        n: how many.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, encoder: StaticEncoder, n: int) -> None:
        self._encoder = encoder
        self._is_closed = False
        self._threads = ThreadPoolExecutor(n, "youju-worker")
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._workers: list[_Worker] = []
        try:
            for _ in range(n):
                self._workers.append(_Worker(encoder.folder, encoder.dim))
                self._idle.put(self._workers[-1])
        except OSError:
            self.close()
            raise
        self.n_ahead = n + 1  # batches that may wait: one for each, one more in the pipe

    @classmethod
    def for_encoder(cls, encoder: Encoder) -> Workers | None:
        """Workers for the cores and the memory there are; None where they would not help."""
        if not isinstance(encoder, StaticEncoder):  # others use the cores, or wait for a network
            return None
        free = free_bytes()
        n = min(_cores() - 1, _MOST, _MOST if free is None else free // (2 * _MEMORY))
        if n < 1:
            return None
        try:
            return cls(encoder, n)
        except OSError as fault:  # no process can be started
            logger.info("no workers: %s", fault)
            return None

    def begin(self, passages: Texts) -> Future[Made]:
        """Have these passages made; the result raises what `made_here` raises."""
        return self._threads.submit(self._made, passages)

    def close(self) -> None:
        """End the processes; what is not made yet stays so."""
        self._is_closed = True
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.stop()

    def _made(self, passages: Texts) -> Made:
        worker = self._idle.get()
        try:
            found = worker.ask(passages)
        finally:
            self._idle.put(worker)
        if found is None and not self._is_closed:
            found = made_here(self._encoder, passages)
        return found or []


class _Worker:
    """A process and its pipes. One thread speaks with it at a time."""

    def __init__(self, folder: Path, dim: int) -> None:
        self._dim = dim
        self._is_ended = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CODE, json.dumps([*sys.path]), str(folder), str(dim)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, passages: Texts) -> Made | None:
        """What it made of them; None where it has ended."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        size = 2 * self._dim
        try:
            stdin.write(json.dumps(passages, ensure_ascii=False).encode("utf-8") + b"\n")
            stdin.flush()
            line = stdout.readline()
            vectors = stdout.read(size * len(passages)) if line.endswith(b"\n") else b""
            lengths = json.loads(stdout.readline() or b"[]")
            tokens = [None if length is None else stdout.read(length) for length in lengths]
        except (OSError, ValueError):  # ValueError: closed, or cut off
            vectors, lengths, tokens = b"", [], []
        told = [None if kept is None else len(kept) for kept in tokens]
        is_whole = told == lengths and len(told) == len(passages)
        if not vectors or len(vectors) != size * len(passages) or not is_whole:
            if not self._is_ended:
                logger.info("a worker has ended (%s): its passages are made here", self.stop())
            return None
        zero = bytes(size)
        rows = (vectors[at : at + size] for at in range(0, len(vectors), size))
        return [
            (said.split(_SEPARATOR) if said else [], None if row == zero else row, kept)
            for said, row, kept in zip(json.loads(line), rows, tokens, strict=True)
        ]

    def kill(self) -> None:
        """End the process; who waits for its reply waits no longer."""
        self._process.kill()

    def stop(self) -> int:
        """End the process and close its pipes; its exit status. Stopping twice is harmless."""
        self._is_ended = True
        self._process.kill()
        status = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                continue
        return status


def _cores() -> int:
    if sys.platform == "linux":  # a container may be given fewer than the machine has
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def serve(folder: str, dim: int) -> None:
    """What a worker does: passages a line, what is stored of them back, until its input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who asked
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    encoder = StaticEncoder(Path(folder), dim=dim)
    for line in source:
        passages = json.loads(line)
        halves, tokens = encoded(encoder, passages)
        halves[~halves.any(axis=1)] = 0  # no zero below zero, so that a zero row is known by it
        said = [_SEPARATOR.join(terms_of(texts)) for texts in passages]
        sink.write(json.dumps(said, ensure_ascii=False).encode("utf-8") + b"\n")
        sink.write(np.ascontiguousarray(halves).tobytes())
        lengths = [None if kept is None else len(kept) for kept in tokens]
        sink.write(json.dumps(lengths).encode("ascii") + b"\n")
        sink.write(b"".join(kept for kept in tokens if kept is not None))
        sink.flush()
