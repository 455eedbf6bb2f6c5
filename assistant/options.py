"""What may be typed: the verbs of the command line with their arguments.

Knows names, defaults and help texts; what a verb does, `cli` knows and hands in. Called by `cli`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from corpus.errors import ConfigError

__all__ = ["Run", "parser_of"]

Run = Callable[[argparse.Namespace], int]

_OPERATORS = (
    'Beside the words: "exact phrase", [[note]], #tag or tag:T, path:P or folder:P, title:T, '
    "since:DATE, until:DATE, date:DATE, date:DATE..DATE."
)
# The verb `eval` belongs to the package above this one, which brings its arguments and runs it. It
# is loaded by name when it is typed; nothing here needs it.
_MEASURES = "eval.command"


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: reading it takes a while."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"youju {version('youju')}")
        parser.exit()


def parser_of(runs: Mapping[str, Run], argv: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser of all verbs.

    Args:
        runs: what carries each verb out but `eval`.
        argv: what was typed; a verb of another package gets its arguments if it is among it.
    """
    parser = _common(
        argparse.ArgumentParser(
            prog="youju",
            description="Ask your own notes, in Chinese or English: every sentence of the answer "
            "is cited and checked against them.",
        )
    )
    # behind a verb, an option that is not typed must not undo the one typed before it
    again = _common(argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS))
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (text, arguments) in _VERBS.items():
        made = verbs.add_parser(name, help=text, description=text, parents=[again])
        made.set_defaults(run=runs.get(name, _not_here))
        arguments(made)
        if name == "eval" and name in argv and find_spec(_MEASURES.partition(".")[0]) is not None:
            import_module(_MEASURES).configure(made)
    return parser


def _not_here(args: argparse.Namespace) -> int:
    raise ConfigError("The package `eval` is not installed here: install youju as a whole again")


def _ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question", help="the question; - reads one a line from standard input")
    parser.epilog = _OPERATORS
    parser.add_argument(
        "--rewrite",
        action="store_true",
        help="have the chat model rewrite sentences without support once, from evidence only",
    )


def _find(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", help="words, a term or a sentence")
    parser.epilog = _OPERATORS
    parser.add_argument("-k", type=int, default=10, metavar="N", help="how many hits at most (10)")
    parser.add_argument(
        "--folder", metavar="P", help="only notes in this folder, or matching this pattern"
    )
    parser.add_argument("--tag", metavar="T", help="only notes with this tag, nested tags included")
    parser.add_argument(
        "--since", metavar="DATE", help="only notes dated this day or later (2024-05-01)"
    )
    parser.add_argument("--until", metavar="DATE", help="only notes dated this day or earlier")
    parser.add_argument(
        "--title", metavar="T", help="only notes whose title or alias holds these words"
    )


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", help="the text; - reads it from standard input")
    parser.add_argument("--file", type=Path, metavar="F", help="read the text from a file")
    parser.add_argument("--lines", action="store_true", help="each input line is a text of its own")


def _index(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, metavar="NOTES", help="the notes to index")
    parser.add_argument("--rebuild", action="store_true", help="read and encode everything again")
    parser.add_argument("--status", action="store_true", help="only show what is indexed")
    parser.add_argument(
        "--watch", action="store_true", help="go on, and take up each note when it is saved"
    )
    parser.add_argument(
        "--worker",
        metavar="N/M",
        help="of a Milvus index: take the Nth of M shares of the files (start worker 1, too)",
    )
    parser.add_argument(
        "--yes", action="store_true", help="forget notes even if more than half are gone at once"
    )


def _doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, metavar="NOTES", help="whose index")
    parser.add_argument(
        "--repair", action="store_true", help="build again what is damaged, remove what was left"
    )
    parser.add_argument(
        "--thorough", action="store_true", help="compute the index anew, even if its sums are right"
    )


def _chat(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=None, help="port to listen on (the first free from 7860)"
    )


def _none(parser: argparse.ArgumentParser) -> None:
    """No arguments but the common ones."""


# by verb: what its help says, and what adds its arguments
_VERBS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "ask": ("Answer a question from the notes, every sentence cited and checked.", _ask),
    "find": ("Find the passages of the notes that match words or a meaning.", _find),
    "check": ("Check each claim of a text against the notes.", _check),
    "index": ("Bring the index in line with the notes, or show its state.", _index),
    "doctor": (
        "Examine index, models, conversations and machine; mend what can be.",
        _doctor,
    ),
    "mcp": (
        "Serve ask, find and check to a chat program, by the Model Context Protocol over stdio.",
        _none,
    ),
    "chat": ("Open the chat in the browser, on this machine only.", _chat),
    "eval": ("Measure search, answers, checks or speed: samples or yours.", _none),
}


def _common(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Options that every verb takes, before or behind its name."""
    parser.add_argument(
        "--notes", type=Path, metavar="PATH", help="folder, file or zip of the notes"
    )
    parser.add_argument(
        "--index",
        metavar="DIR",
        help="folder of the index, or a Milvus database: milvus://HOST:PORT/DB, milvus:FILE.db",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML")
    parser.add_argument(
        "--encoder",
        metavar="NAME",
        help="a sentence-transformers model instead of the built-in one, or an endpoint: "
        "http://HOST:PORT/v1#MODEL, http://HOST:PORT#tei",
    )
    parser.add_argument(
        "--reranker",
        metavar="NAME",
        help="a CrossEncoder of sentence-transformers, or an endpoint as with --encoder, that "
        "puts the first hits in order",
    )
    parser.add_argument(
        "--device", metavar="D", help="where named models run: cpu, cuda, cuda:0, mps (by itself)"
    )
    parser.add_argument(
        "--model",
        "--generator",
        metavar="NAME",
        help="the chat model that writes answers; extractive for sentences of the notes",
    )
    parser.add_argument(
        "--base-url", metavar="URL", help="its OpenAI-compatible endpoint (http://host:port/v1)"
    )
    parser.add_argument(
        "--ollama",
        action=argparse.BooleanOptionalAction,
        help="use the Ollama on this machine from now on, or no longer",
    )
    parser.add_argument(
        "--nli", metavar="NAME", help="a sentence-transformers CrossEncoder that judges claims, too"
    )
    parser.add_argument("--judge", action="store_true", help="let the chat model judge claims, too")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--debug", action="store_true", help="log more, show tracebacks")
    return parser
