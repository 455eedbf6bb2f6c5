"""Whether there is memory enough to begin: native code does not fail in words, it is killed.

Reads what Linux says; elsewhere, and where nothing is said, there is enough. Knows no model. Called
by `encoder`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from corpus.errors import ModelError

__all__ = ["free_bytes", "require_memory"]

_ADDRESSES = 500 << 20  # of the process: threads and mapped files count, used or not
_FREE = 120 << 20  # of the machine or the container


def require_memory() -> None:
    """Do nothing where there is enough.

    Raises:
        ModelError: there is not; the message says how much is missing where.
    """
    for what, free, needed in (
        ("this process may use", _addresses(), _ADDRESSES),
        ("this machine has", _available(), _FREE),
        ("this container has", _contained(), _FREE),
    ):
        if free is not None and free < needed:
            raise ModelError(
                f"too little memory for the built-in encoder: {what} {free >> 20} MB, "
                f"{needed >> 20} MB are needed. Close other programs or raise the limit (ulimit -v)"
            )


def free_bytes() -> int | None:
    """Bytes that machine and container still have; None where nothing is said."""
    known = [free for free in (_available(), _contained()) if free is not None]
    return min(known, default=None)


def _addresses() -> int | None:
    """The limit on the address space of this process (`ulimit -v`)."""
    if sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _available() -> int | None:
    """What the kernel thinks can be used without swapping."""
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return None


def _contained() -> int | None:
    """What is left to the control group; pages of files count as used, so most of it is left."""
    most, used = _read("/sys/fs/cgroup/memory.max"), _read("/sys/fs/cgroup/memory.current")
    if not most.isdecimal() or not used.isdecimal():
        return None
    cached = sum(
        int(line.split()[1])
        for line in _read("/sys/fs/cgroup/memory.stat").splitlines()
        if line.startswith(("file ", "slab_reclaimable "))
    )
    return int(most) - int(used) + cached


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
