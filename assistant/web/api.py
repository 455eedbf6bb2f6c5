"""Ask, find and check over HTTP: three named endpoints of the page, behind its guard.

The results are the JSON of the contract. Gradio makes the routes; `app` adds them to the page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from assistant.tools import TOOLS, call
from assistant.web.desk import Assistant
from corpus.errors import YoujuError

__all__ = ["offer"]

logger = logging.getLogger(__name__)


def offer(assistant: Callable[[], Assistant]) -> None:
    """Add the endpoints to the `gradio.Blocks` that is being built.

    Args:
        assistant: gives what answers, its notes looked at for changes.
    """
    import gradio as gr

    def called(tool: str, **arguments: Any) -> dict[str, Any]:
        try:
            return call(assistant, tool, arguments)
        except YoujuError as fault:  # what a caller reads; everything else stays in the log
            raise gr.Error(" ".join(str(fault).split()), print_exception=False) from fault

    # What is required has a default all the same: `called` tells what is missing in a line, Gradio
    # answers 500 with a traceback.
    def ask(question: str | None = None) -> dict[str, Any]:
        return called("ask", question=question)

    def find(
        query: str | None = None,
        k: int = 10,
        folder: str | None = None,
        tag: str | None = None,
        since: str | None = None,
        until: str | None = None,
        title: str | None = None,
    ) -> dict[str, Any]:
        return called(
            "find", query=query, k=k, folder=folder, tag=tag, since=since, until=until, title=title
        )

    def check(text: str | None = None) -> dict[str, Any]:
        return called("check", text=text)

    for function in (ask, find, check):
        name = function.__name__
        gr.api(function, api_name=name, api_description=TOOLS[name].description)
