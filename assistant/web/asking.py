"""An answer on its way, which a person may stop.

What a stopped answer leaves on the page is said by the answer itself, as the last it says: two
events of Gradio keep no order between them, so what the button's own event drew could be drawn
over by a piece that was still on its way. Called by `ask_tab`.
"""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from assistant.web.parts import Fault, caught

__all__ = ["Asking", "Askings"]

T = TypeVar("T")


class Asking(Generic[T]):
    """The pieces of one answer, made in a thread of their own: a silent model holds up no stop.

    Args:
        pieces: makes them; is given what must be asked before the answer is kept, which says no
            where it was stopped.

    Attributes:
        stopped: whether it was stopped before it was kept.
        fault: what went wrong, once there are no more pieces.
    """

    def __init__(self, pieces: Callable[[Callable[[], bool]], Iterator[T]]) -> None:
        self._pieces = pieces
        self._said: queue.SimpleQueue[tuple[T] | None] = queue.SimpleQueue()
        self._settling = threading.Lock()
        self._kept = False
        self.stopped = False
        self.fault = Fault()

    def stop(self) -> bool:
        """End it before its next piece; False if the whole answer is kept already."""
        with self._settling:
            if self._kept:
                return False
            self.stopped = True
        self._said.put(None)
        return True

    def _keep(self) -> bool:
        with self._settling:
            self._kept = not self.stopped
            return self._kept

    def __iter__(self) -> Iterator[T]:
        """The pieces, until there are no more or it is stopped."""
        threading.Thread(target=self._make, daemon=True).start()
        while (said := self._said.get()) is not None and not self.stopped:
            yield said[0]

    def _make(self) -> None:
        with caught() as self.fault:
            for piece in self._pieces(self._keep):
                if self.stopped:
                    return
                self._said.put((piece,))
        self._said.put(None)


class Askings:
    """The answers on their way, by names that cannot be guessed."""

    def __init__(self) -> None:
        self._known: dict[str, Asking[Any]] = {}

    def add(self, asking: Asking[Any]) -> str:
        """Remember one; returns its name."""
        name = secrets.token_hex(8)
        self._known[name] = asking
        return name

    def done(self, name: str) -> None:
        """Forget one."""
        self._known.pop(name, None)

    def stop(self, name: str) -> bool:
        """Stop one; False if it is not on its way."""
        asking = self._known.get(name)
        return asking is not None and asking.stop()
