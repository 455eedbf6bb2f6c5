"""An answer on its way, stopped at every moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from assistant.web.asking import Asking, Askings

WAIT = 10.0  # seconds after which a test would rather fail than hang


def test_an_answer_that_nobody_stops_comes_whole() -> None:
    kept = []

    def pieces(keep: Callable[[], bool]) -> Iterator[int]:
        yield 1
        kept.append(keep())
        yield 2

    asking = Asking(pieces)
    assert list(asking) == [1, 2]
    assert kept == [True]
    assert not asking.stop()  # too late: it is kept
    assert not asking.stopped


def test_a_silent_model_holds_up_no_stop_and_nothing_is_kept() -> None:
    go_on, ended = threading.Event(), threading.Event()
    kept = []

    def pieces(keep: Callable[[], bool]) -> Iterator[int]:
        yield 1
        go_on.wait(WAIT)
        kept.append(keep())
        ended.set()
        yield 2

    asking = Asking(pieces)
    taken = iter(asking)
    assert next(taken) == 1
    assert asking.stop()
    assert next(taken, None) is None  # at once: the model is still silent
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(WAIT)
    assert kept == [False]


def test_pieces_that_were_ready_when_it_was_stopped_are_not_said() -> None:
    ready = threading.Event()

    def pieces(keep: Callable[[], bool]) -> Iterator[int]:
        yield from range(5)
        ready.set()

    asking = Asking(pieces)
    taken = iter(asking)
    assert next(taken) == 0
    assert ready.wait(WAIT)  # four more lie there
    assert asking.stop()
    assert list(taken) == []


def test_a_fault_on_the_way_is_told_where_the_pieces_are_taken() -> None:
    def pieces(keep: Callable[[], bool]) -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    asking = Asking(pieces)
    assert list(asking) == [1]
    assert asking.fault.markup


def test_answers_are_stopped_by_name_as_long_as_they_are_on_their_way() -> None:
    askings = Askings()
    asking = Asking(lambda keep: iter([1]))
    name = askings.add(asking)
    assert not askings.stop("another")
    assert askings.stop(name)
    assert list(asking) == []
    askings.done(name)
    assert not askings.stop(name)
