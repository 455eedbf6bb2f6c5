"""How the process of the page ends: asked once, in order and within seconds; twice, at once.

Python would first wait for every answer that is on its way, then take apart what the answers
use; with 32 chats that took 26 s. Nothing needs either: a turn is on disk before it is shown, an
index is whole at any moment. So what writes is brought to its end, and the rest is left.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

__all__ = ["GRACE_S", "LINE", "closed", "leave", "stoppable"]

GRACE_S = 3.0  # seconds in which open pages are told
LINE = "youju: stopping; past chats are kept (Ctrl-C again: at once)"
_AT_ONCE = b"youju: stopped at once\n"
_ASKING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stoppable(announce: Callable[[str], None]) -> Iterator[None]:
    """In this block Ctrl-C and SIGTERM raise KeyboardInterrupt once; the next one ends the process.

    A signal that whoever started the process has it ignore stays ignored. From a thread that is
    not the main one, which gets no signals, nothing changes.

    Args:
        announce: is told `LINE` when the first one comes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asking = [kind for kind in _ASKING if signal.getsignal(kind) is not signal.SIG_IGN]

    def first(_number: int, _frame: FrameType | None) -> NoReturn:
        for kind in asking:
            signal.signal(kind, _at_once)
        announce(LINE)
        raise KeyboardInterrupt

    before = {kind: signal.signal(kind, first) for kind in asking}
    is_heeded = False
    try:
        yield
    except KeyboardInterrupt:
        is_heeded = True  # and the next signal ends the process meanwhile
        raise
    finally:
        if not is_heeded:
            for kind, handler in before.items():
                signal.signal(kind, handler)


def _at_once(_number: int, _frame: FrameType | None) -> NoReturn:
    os.write(2, _AT_ONCE)
    os._exit(1)


def closed(demo: Any) -> bool:
    """Close a running `gradio.Blocks`; whether it was done within `GRACE_S` seconds.

    Gradio waits for answers that are on their way, which nobody reads any more.
    """
    closing = threading.Thread(target=demo.close, kwargs={"verbose": False}, daemon=True)
    closing.start()
    closing.join(GRACE_S)
    return not closing.is_alive()


def leave(code: int) -> NoReturn:
    """End the process now, with its output written and no thread waited for."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
