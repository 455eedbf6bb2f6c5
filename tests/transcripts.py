"""Transcripts of the documents: what a command prints is what stands below it.

A block of a document between `<!-- transcript NAME -->` and `<!-- /transcript -->` holds commands
`$ youju …` with their output. They are run in a home folder that holds the notes NAME of
`example_vaults` (the sample notes serve without), one after the other. The tests compare;
`python -m tests.transcripts` writes the output anew into all documents.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from assistant.cli import main as youju
from tests.example_vaults import VAULTS, write_vault

__all__ = ["Transcript", "documents", "performed", "renewed", "transcripts"]

REPO = Path(__file__).resolve().parent.parent
_BLOCK = re.compile(
    r"(<!-- transcript ?(?P<vault>[\w-]*) -->\n```\n)(?P<text>.*?)(```\n<!-- /transcript -->)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A block: the notes that it is about ("" for the samples) and its text, commands included."""

    vault: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The commands in order, as typed."""
        return re.findall(r"^\$ (youju .*)$", self.text, re.MULTILINE)


def documents() -> list[Path]:
    """The documents that may hold transcripts."""
    return sorted([*REPO.glob("README*.md"), *REPO.glob("docs/**/*.md")])


def transcripts(markdown: str) -> list[Transcript]:
    """The blocks of a document."""
    return [Transcript(m["vault"], m["text"]) for m in _BLOCK.finditer(markdown)]


@functools.cache
def _sample_home() -> str:
    """One for all blocks about the samples, so that they are indexed once; removed at the end."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextlib.contextmanager
def _home(vault: str) -> Iterator[Path]:
    """A home folder with the notes of a block; the environment speaks of no other."""
    own_folder = tempfile.TemporaryDirectory() if vault else contextlib.nullcontext(_sample_home())
    with own_folder as folder:
        home = Path(folder).resolve()
        if vault:
            write_vault(home, VAULTS[vault])
        kept = {k: v for k, v in os.environ.items() if not k.startswith("YOUJU_")}
        own = {"HOME": str(home), "USERPROFILE": str(home), "YOUJU_HOME": str(home / ".youju")}
        with mock.patch.dict(os.environ, kept | own, clear=True), contextlib.chdir(home):
            yield home


def performed(one: Transcript) -> str:
    """The text of a block as the commands print it now."""
    out = []
    with _home(one.vault) as home:
        for command in one.commands:
            argv = [word.replace("~", str(home)) for word in shlex.split(command)[1:]]
            printed = io.StringIO()
            with (
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(io.StringIO()),
                mock.patch("logging.basicConfig"),
            ):
                youju(argv)
            told = printed.getvalue().replace(str(home), "~").strip("\n")
            told = re.sub(r" in \d+\.\d s( \([\d.]+ notes/s\))?$", "", told, flags=re.MULTILINE)
            out.append(f"$ {command}\n{told}\n")
    return "\n".join(out)


def renewed(markdown: str) -> str:
    """The document with every block performed anew."""

    def block(found: re.Match[str]) -> str:
        return f"{found[1]}{performed(Transcript(found['vault'], found['text']))}{found[4]}"

    return _BLOCK.sub(block, markdown)


def main() -> int:
    """Write the output of all transcripts anew, or of the documents that are named."""
    for path in map(Path, sys.argv[1:] or documents()):
        text = path.read_text(encoding="utf-8")
        path.write_text(renewed(text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
