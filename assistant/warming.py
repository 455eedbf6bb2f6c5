"""What a process that stays reads ahead of its questions.

A command that asks one question looks its fifty words up in the texts of the word lists, which is
quicker than reading the lists; who goes on asking pays for each of these looks. The page and the
MCP server read the lists, and the models, beside their first requests, a little at a time. Knows
word lists, not notes. Called by `mcp`, `cli` and `eval`.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Iterator
from typing import Protocol

from assistant import thesaurus
from assistant.retrieval import known_terms
from corpus import glossary
from corpus.errors import YoujuError
from corpus.tokens import read_dictionary

__all__ = ["warm", "warm_beside"]

logger = logging.getLogger(__name__)

_AT_ONCE = 64  # words between two breaths
# Objects until garbage is looked for, and how many looks until older ones are: an answer makes tens
# of thousands that live on in caches, and hardly a cycle.
_SELDOM = (50_000, 20, 20)
_BREATH_S = 0.01  # in which a request has the interpreter to itself


class _HasModels(Protocol):
    def load_models(self) -> None: ...


def warm(assistant: _HasModels) -> None:
    """Read all lists and models now: a second of processor time, 90 MB.

    Raises:
        ModelError: a model is missing or damaged.
    """
    for _ in _steps(assistant):
        pass


def warm_beside(assistant: _HasModels, *, after_s: float) -> threading.Thread:
    """Read all lists and models in a thread that ends with the process.

    Args:
        assistant: whose models are read.
        after_s: seconds to wait first, so that what was just opened answers its first request.
    """
    thread = threading.Thread(
        target=_warm_slowly, args=(assistant, after_s), name="warming", daemon=True
    )
    thread.start()
    return thread


def _warm_slowly(assistant: _HasModels, after_s: float) -> None:
    time.sleep(after_s)
    try:
        for _ in _steps(assistant):
            time.sleep(_BREATH_S)
    except YoujuError as fault:
        logger.info("not read ahead: %s", fault)  # the request that needs it says so


def _steps(assistant: _HasModels) -> Iterator[None]:
    """One piece of the work after the other."""
    for read in (thesaurus.read_all, glossary.read_all, assistant.load_models, read_dictionary):
        read()
        yield
    for n, word in enumerate(sorted(thesaurus.members())):
        known_terms(word)
        if n % _AT_ONCE == 0:
            yield
    # what was read is no garbage, nor looked through for it again: a tenth of a second each time
    gc.freeze()
    gc.set_threshold(*_SELDOM)
