"""The page over a scripted assistant, as a process of its own: `python -m tests.web.server`.

Gradio's server leaves sockets and event loops to the end of its process, and a test must be able
to kill it; hence no thread of the tests. The socket guard stands in this process too: whoever
reaches beyond the machine makes the exit status 9.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.web.app import serve
from assistant.web.parts import Seams
from assistant.web.runs import Evaluation
from corpus.errors import ConfigError
from tests.conftest import SocketGuard
from tests.web.fakes import ScriptedAssistant, write_notes

REACHED_OUT = 9


def routes_of(routes: Any) -> Iterator[tuple[str, str]]:
    """Method and path of every route, those of included routers too."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from routes_of(route.original_router.routes)
        else:
            for method in getattr(route, "methods", None) or ():
                yield method, route.path


def main(folder: Path, port: int | None) -> int:
    """Serve until interrupted; prints the address to standard error."""
    guard = SocketGuard()
    with pytest.MonkeyPatch.context() as patch:
        guard.install(patch)
        notes = folder / "notes"
        if not notes.is_dir():  # a test may have laid its own
            write_notes(notes)
        assistant = ScriptedAssistant(notes, folder / "index")

        page = importlib.import_module("assistant.web.app")
        real_start = page.start

        def start(*args: Any, **kwargs: Any) -> Any:
            demo, url = real_start(*args, **kwargs)
            for method, path in sorted(routes_of(demo.app.routes)):
                sys.stderr.write(f"route {method} {path}\n")
            return demo, url

        patch.setattr(page, "start", start)

        def announce(url: str) -> None:
            sys.stderr.write(f"at {url}\n")
            sys.stderr.flush()

        try:
            evaluation = Evaluation(folders=(folder / "results",), own=folder / "eval")
            serve(
                assistant,
                port=port,
                data_dir=folder / "web",
                seams=Seams(evaluation=evaluation),
                announce=announce,
            )
        except ConfigError as fault:
            sys.stderr.write(f"{fault}\n")
            return 1
    return REACHED_OUT if guard.attempts else 0


if __name__ == "__main__":
    # a shell that starts the tests in the background has its children ignore an interruption
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None))
