"""Parsers in a child process with limits: no file costs more than its time and memory.

One child serves all files until it is idle for a while; it is killed when a file takes too long,
and a new one goes on. In it nothing can be written, connected to or started. Requests and replies
are JSON, never pickles. Knows bytes and suffixes, no vault. Called by `notes`; the child runs
`serve`.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from base64 import b64decode, b64encode
from dataclasses import asdict
from typing import Any

from corpus.drafts import Draft, Unreadable

__all__ = ["SECONDS", "convert", "serve"]

SECONDS = 10.0  # for one file
MEMORY = 1_000_000_000  # bytes of the child, where the system can limit it
_STARTUP_S = 30.0  # for a child to be ready, on a busy machine
_IDLE_S = 30.0
_CODE = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]);"
    " from corpus.limited import serve; serve()"
)
# what a parser has no business with; reading is how Python imports
_REFUSED = (
    "socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork",
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
    "os.chmod", "os.chown", "shutil.", "ctypes.dlopen", "urllib.", "ftplib.", "pty.",
)  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _is_key(name: str) -> bool:
    return name.upper().endswith(("KEY", "TOKEN", "SECRET", "PASSWORD"))


class _Child:
    """The process and its pipes. Not to be shared by threads."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CODE, json.dumps([*sys.path])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # what a hostile file could take over has no use for keys
            env={name: value for name, value in os.environ.items() if not _is_key(name)},
        )
        self._is_ready = False

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: bytes) -> dict[str, Any] | None:
        """The reply; None where the child died, or was killed because it took too long."""
        if not self._is_ready:
            self._is_ready = self._line(b"", _STARTUP_S) is not None
        line = self._line(request + b"\n", SECONDS) if self._is_ready else None
        return None if line is None else dict(json.loads(line))

    def _line(self, request: bytes, seconds: float) -> bytes | None:
        """The line that answers a request; None after so many seconds, or where the child died."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        timer = threading.Timer(seconds, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            stdin.write(request)
            stdin.flush()
            line = stdout.readline()
            return line if line.endswith(b"\n") else None
        except OSError:
            return None
        finally:
            timer.cancel()

    def stop(self) -> int:
        """End the child; its exit status, negative for a signal."""
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                continue
        self._process.kill()
        return self._process.wait()


class _Pool:
    """At most one child that waits for work; a second thread starts another."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._idle: _Child | None = None
        self._stopper: threading.Timer | None = None
        self._is_used = False

    def ask(self, request: bytes) -> dict[str, Any] | None:
        child = self._take()
        reply = child.ask(request)
        if reply is None:
            child.stop()
        else:
            self._give(child)
        return reply

    def _take(self) -> _Child:
        with self._guard:
            child, self._idle = self._idle, None
            if self._stopper is not None:
                self._stopper.cancel()
        if child is not None and child.is_alive:
            return child
        if child is not None:
            child.stop()
        if not self._is_used:
            atexit.register(self.stop)
            self._is_used = True
        return _Child()

    def _give(self, child: _Child) -> None:
        with self._guard:
            if self._idle is None:
                self._idle = child
                self._stopper = threading.Timer(_IDLE_S, self.stop)
                self._stopper.daemon = True
                self._stopper.start()
                return
        child.stop()

    def stop(self) -> None:
        """End the child that waits, if one does."""
        with self._guard:
            child, self._idle = self._idle, None
        if child is not None:
            child.stop()


_pool = _Pool()


def convert(suffix: str, content: str | bytes) -> list[Draft]:
    """The drafts in the text or bytes of a file, made in a child with limits.

    Raises:
        Unreadable: with the reason in words; also for a file that took too long or too much.
    """
    request: dict[str, str] = {"suffix": suffix}
    if isinstance(content, bytes):
        request["data"] = b64encode(content).decode("ascii")
    else:
        request["text"] = content
    try:
        reply = _pool.ask(json.dumps(request).encode("ascii"))
    except OSError as fault:  # no process can be started
        raise Unreadable(f"no process to read it in: {fault}", passing=True) from None
    if reply is None:
        limit = f"{SECONDS:.0f} s or {MEMORY // 1_000_000_000} GB"
        raise Unreadable(f"too complex: reading it takes more than {limit}")
    if "reason" in reply:
        raise Unreadable(reply["reason"], passing=bool(reply.get("passing")))
    return [Draft(**{**draft, "tags": tuple(draft["tags"])}) for draft in reply["drafts"]]


def serve() -> None:
    """What the child does: a request a line, a reply a line, until its input ends."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints is no reply
    _limit_memory()
    sys.addaudithook(_refuse)
    sink.write(b"{}\n")  # ready
    sink.flush()
    for line in source:
        sink.write(json.dumps(_reply(json.loads(line))).encode("ascii") + b"\n")
        sink.flush()


def _reply(request: dict[str, str]) -> dict[str, Any]:
    from corpus.formats import drafts_of_bytes, drafts_of_text

    try:
        if "data" in request:
            drafts = drafts_of_bytes(request["suffix"], b64decode(request["data"]))
        else:
            drafts = drafts_of_text(request["suffix"], request["text"])
    except Unreadable as fault:
        return {"reason": str(fault), "passing": fault.passing}
    except (MemoryError, RecursionError):
        return {"reason": "too complex: reading it takes too much memory"}
    return {"drafts": [asdict(draft) for draft in drafts]}


def _limit_memory() -> None:
    if sys.platform == "win32":  # the time limit holds everywhere
        return
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (OSError, ValueError):  # macOS refuses it
        threading.Thread(target=_watch_memory, daemon=True).start()


def _watch_memory() -> None:
    import resource
    import time

    unit = 1 if sys.platform == "darwin" else 1024
    while unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MEMORY:
        time.sleep(0.05)
    os._exit(137)


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    if event == "open":
        mode, flags = args[1], args[2]
        writes = isinstance(mode, str) and bool(set(mode) & set("wax+"))
        if writes or (isinstance(flags, int) and flags & _WRITES):
            raise PermissionError(f"a parser may not write {args[0]!r}")
    elif event.startswith(_REFUSED):
        raise PermissionError(f"a parser may not use {event}")
