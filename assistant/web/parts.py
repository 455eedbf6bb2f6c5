"""What the tabs share: quiet events, faults as one line, and what the program hands in."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.web.desk import Assistant, Unfit
from assistant.web.markup import escape
from assistant.web.runs import Evaluation
from assistant.web.texts import both
from corpus.errors import YoujuError

__all__ = ["QUIET", "Fault", "Seams", "caught", "heard", "tell"]

logger = logging.getLogger(__name__)

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seams:
    """What the page can do through others, handed in by whoever composes the program.

    Attributes:
        open_notes: an assistant over other notes, its index fresh.
        evaluation: how evaluations are started, and where results lie.
        local: whether only this machine reaches the page.
    """

    open_notes: Callable[[Path], Assistant] | None = None
    evaluation: Evaluation = field(default_factory=Evaluation)
    local: bool = True


@dataclass
class Fault:
    """What went wrong, as one line of markup; empty when nothing did."""

    markup: str = ""

    def tell(self) -> None:
        """Show it to the person, if there is anything."""
        if self.markup:
            tell(self.markup, warn=True)


@contextlib.contextmanager
def caught() -> Iterator[Fault]:
    """Turn a fault of what runs inside into one line, and log what a programmer needs."""
    fault = Fault()
    try:
        yield fault
    except Unfit as unfit:
        fault.markup = unfit.markup
    except YoujuError as known:
        fault.markup = escape(str(known))
    except Exception as error:  # its message may hold a note, so it is not for every log
        logger.error("a handler of the page failed (%s); --debug shows more", type(error).__name__)
        logger.debug("traceback", exc_info=True)
        fault.markup = both("error")


def tell(markup: str, *, warn: bool = False) -> None:
    """A note in the corner of the page."""
    import gradio as gr

    show = gr.Warning if warn else gr.Info
    show(markup, title="有据 youju", duration=8 if warn else 5)


def heard(act: Callable[..., Any]) -> Callable[..., Any]:
    """A listener that gets what an event of the page's scripts carries, and then its inputs.

    Whatever the event carries, `act` gets a dictionary: anyone may send anything.
    """
    import gradio as gr

    def listener(event: Any, *values: Any) -> Any:
        carried = event._data
        return act(carried if isinstance(carried, dict) else {}, *values)

    # Gradio passes the event to the argument it finds annotated so
    listener.__annotations__ = {"event": gr.EventData}
    return listener
