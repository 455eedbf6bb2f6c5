"""The right to write an index folder, held by the operating system until the process ends.

Knows a file and who holds it; not what is written.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpus.errors import IndexBusy, IndexError_

__all__ = ["write_lock"]


@contextmanager
def write_lock(folder: Path) -> Iterator[None]:
    """The right to write in a folder; who holds it stands in `write.lock`.

    Raises:
        IndexBusy: another process, or another thread, holds it.
        IndexError_: the folder cannot be written.
    """
    path = folder / "write.lock"
    try:
        file = path.open("a+b", buffering=0)  # a buffer would be written again by closing it
    except OSError as fault:
        raise IndexError_(f"cannot write in {folder}: {fault.strerror}") from fault
    with file:
        if not _try_lock(file.fileno()):
            file.seek(0)
            said = (file.read(200) or b"").decode("utf-8", "replace")
            holder = " ".join(said.split()) or "another process"
            raise IndexBusy(
                f"the index in {folder} is being written by {holder};"
                " wait until it is done, or stop it"
            )
        try:
            file.seek(0)
            file.truncate()
            said = f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}"
            file.write(said.encode("ascii"))
        except OSError as fault:  # a full disk
            raise IndexError_(f"cannot write in {folder}: {fault.strerror}") from fault
        yield


def _try_lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            # past the holder's name, which stays legible
            os.lseek(descriptor, 1 << 30, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
