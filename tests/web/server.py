"""The page over a scripted assistant, as a process of its own: `python -m tests.web.server`.

Gradio's server leaves sockets and event loops to the end of its process, and a test must be able
to kill it; hence no thread of the tests. The socket guard stands in this process too: whoever
reaches beyond the machine makes the exit status 9.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from assistant.web.app import serve
from assistant.web.parts import Seams
from assistant.web.runs import Evaluation
from corpus.errors import ConfigError
from tests.conftest import SocketGuard
from tests.web.fakes import ScriptedAssistant, write_notes

REACHED_OUT = 9


def main(folder: Path, port: int | None) -> int:
    """Serve until interrupted; prints the address to standard error."""
    guard = SocketGuard()
    with pytest.MonkeyPatch.context() as patch:
        guard.install(patch)
        notes = folder / "notes"
        if not notes.is_dir():  # a test may have laid its own
            write_notes(notes)
        assistant = ScriptedAssistant(notes, folder / "index")

        def announce(url: str) -> None:
            sys.stderr.write(f"at {url}\n")
            sys.stderr.flush()

        try:
            results = Evaluation(folders=(folder / "results",))
            serve(
                assistant,
                port=port,
                data_dir=folder / "web",
                seams=Seams(evaluation=results),
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
