"""The command line: parses, calls the assistant, prints.

Results go to standard output, everything else to standard error. Exit: 0 done, 3 abstained,
4 some claim is contradicted or not in the notes, 2 usage, 1 failure.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.config import Config, load_config, sample_notes
from assistant.indexing import brought_up_to_date, refreshed, watch
from assistant.operators import is_date
from assistant.plain import answer_text, checked_text, hits_text, report_text, status_text
from assistant.types import Answer, Checked, Verdict
from assistant.wire import answer_object, checked_object, found_object
from corpus.errors import ConfigError, CorpusError, ManyGone, ModelError, YoujuError
from corpus.milvus.address import MilvusAddress
from corpus.places import data_home, index_folder, remember_notes
from corpus.text import printable
from corpus.types import RefreshReport

if TYPE_CHECKING:  # what holds numpy is imported where it is used: `youju mcp` greets without it
    from assistant.pipeline import Assistant
    from corpus.protocol import IndexStatus

__all__ = ["build_parser", "main"]

logger = logging.getLogger(__name__)

_OPERATORS = (
    'Beside the words: "exact phrase", [[note]], #tag or tag:T, path:P or folder:P, title:T, '
    "since:DATE, until:DATE, date:DATE, date:DATE..DATE."
)
DONE, FAILURE, USAGE, ABSTAINED, FLAGGED = 0, 1, 2, 3, 4
# The verb `eval` belongs to the package above this one, which brings its arguments and runs it. It
# is loaded by name when it is typed; nothing here needs it.
_MEASURES = "eval.command"


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: reading it takes a while."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"youju {version('youju')}")
        parser.exit()


def build_parser(argv: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser of all verbs.

    Args:
        argv: what was typed; a verb of another package gets its arguments if it is among it.
    """
    common = _common(argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS))
    parser = argparse.ArgumentParser(
        prog="youju",
        description="Ask your own notes, in Chinese or English: every sentence of the answer is "
        "cited and checked against them.",
        parents=[common],
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(
        name: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=text, parents=[common])
        made.set_defaults(run=run)
        return made

    ask = verb("ask", _ask, "Answer a question from the notes, every sentence cited and checked.")
    ask.add_argument("question", help="the question; - reads one a line from standard input")
    ask.epilog = _OPERATORS
    ask.add_argument(
        "--rewrite",
        action="store_true",
        help="have the chat model rewrite sentences without support once, from evidence only",
    )
    find = verb("find", _find, "Find the passages of the notes that match words or a meaning.")
    find.add_argument("query", help="words, a term or a sentence")
    find.epilog = _OPERATORS
    find.add_argument("-k", type=int, default=10, metavar="N", help="how many hits at most (10)")
    find.add_argument(
        "--folder", metavar="P", help="only notes in this folder, or matching this pattern"
    )
    find.add_argument("--tag", metavar="T", help="only notes with this tag, nested tags included")
    find.add_argument(
        "--since", metavar="DATE", help="only notes dated this day or later (2024-05-01)"
    )
    find.add_argument("--until", metavar="DATE", help="only notes dated this day or earlier")
    find.add_argument(
        "--title", metavar="T", help="only notes whose title or alias holds these words"
    )
    check = verb("check", _check, "Check each claim of a text against the notes.")
    check.add_argument("text", nargs="?", help="the text; - reads it from standard input")
    check.add_argument("--file", type=Path, metavar="F", help="read the text from a file")
    check.add_argument("--lines", action="store_true", help="each input line is a text of its own")
    index = verb("index", _index, "Bring the index in line with the notes, or show its state.")
    index.add_argument("folder", nargs="?", type=Path, metavar="NOTES", help="the notes to index")
    index.add_argument("--rebuild", action="store_true", help="read and encode everything again")
    index.add_argument("--status", action="store_true", help="only show what is indexed")
    index.add_argument(
        "--watch", action="store_true", help="go on, and take up each note when it is saved"
    )
    index.add_argument(
        "--worker",
        metavar="N/M",
        help="of a Milvus index: take the Nth of M shares of the files (start worker 1, too)",
    )
    index.add_argument(
        "--yes", action="store_true", help="forget notes even if more than half are gone at once"
    )
    doctor = verb(
        "doctor", _doctor, "Examine index, models, conversations and machine; mend what can be."
    )
    doctor.add_argument("folder", nargs="?", type=Path, metavar="NOTES", help="whose index")
    doctor.add_argument(
        "--repair", action="store_true", help="build again what is damaged, remove what was left"
    )
    doctor.add_argument(
        "--thorough", action="store_true", help="compute the index anew, even if its sums are right"
    )
    verb(
        "mcp",
        _mcp,
        "Serve ask, find and check to a chat program, by the Model Context Protocol over stdio.",
    )
    chat = verb("chat", _chat, "Open the chat in the browser, on this machine only.")
    chat.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    chat.add_argument(
        "--port", type=int, default=None, help="port to listen on (the first free from 7860)"
    )
    measure = verb("eval", _not_here, "Measure search, answers, checks or speed: samples or yours.")
    if "eval" in argv and find_spec(_MEASURES.partition(".")[0]) is not None:
        import_module(_MEASURES).configure(measure)
    return parser


def _not_here(args: argparse.Namespace) -> int:
    raise ConfigError("The package `eval` is not installed here: install youju as a whole again")


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


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; those of the process if None.

    Returns:
        The exit code.
    """
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
    try:
        given = sys.argv[1:] if argv is None else argv
        args = build_parser(given).parse_args(given)
    except SystemExit as stop:
        return int(stop.code or 0)
    debug = getattr(args, "debug", False)
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING,
        format="youju: %(message)s",
        stream=sys.stderr,
    )
    try:
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except ConfigError as error:
        return _fail(str(error), USAGE, debug=debug)
    except YoujuError as error:
        return _fail(str(error), FAILURE, debug=debug)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        kept = "; the next run goes on from here" if args.verb == "index" else ""
        return _fail(f"stopped{kept}", FAILURE, debug=debug)
    except MemoryError:
        return _fail("there is too little memory; close other programs", FAILURE, debug=debug)
    except Exception as error:
        logger.debug("unexpected", exc_info=True)
        return _fail(f"{type(error).__name__}: {error} (--debug shows more)", FAILURE, debug=False)


def _fail(message: str, code: int, *, debug: bool) -> int:
    if debug:
        logger.debug("traceback", exc_info=True)
    print(f"youju: {printable(' '.join(message.split()))}", file=sys.stderr)
    return code


def _config(args: argparse.Namespace, notes: Path | None = None) -> Config:
    return load_config(
        notes=notes or getattr(args, "notes", None),
        index=getattr(args, "index", None),
        encoder=getattr(args, "encoder", None),
        reranker=getattr(args, "reranker", None),
        device=getattr(args, "device", None),
        file=getattr(args, "config", None),
        model=getattr(args, "model", None),
        base_url=getattr(args, "base_url", None),
        nli=getattr(args, "nli", None),
    )


def _opened(config: Config, models: dict[str, Any] | None = None) -> Assistant:
    from assistant.pipeline import Assistant
    from corpus.readers import Vault

    is_shared = isinstance(config.index, MilvusAddress)
    return Assistant.open(
        # a database serves without the notes at hand; only notes that are named are taken into it
        Vault(config.notes, hard_links=config.hard_links)
        if config.is_named or not is_shared
        else None,
        config.index,
        encoder=config.encoder,
        reranker=config.reranker,
        device=config.device,
        **(models or {}),
    )


def _models(args: argparse.Namespace, config: Config, *, asks: bool = True) -> dict[str, Any]:
    """The chat model that writes and the judges, as `Assistant.open` takes them.

    Args:
        args: what was typed.
        config: the settings.
        asks: whether a person who sits at both ends may be asked to agree to a local model.
    """
    from assistant.choosing import models_of  # asking needs none of it by default

    asking = _agrees if asks and _is_spoken_to() else None
    found = models_of(
        config,
        judged=getattr(args, "judge", False),
        agree=getattr(args, "ollama", None),
        ask=asking,
    )
    return {"chat": found.chat, "judges": found.judges}


def _is_spoken_to() -> bool:
    """Whether a person sits at both ends, so that a question can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _agrees(model: str) -> bool:
    """Ask once whether the Ollama on this machine may be used."""
    print(
        f"本机的 Ollama（{model}）可以用来写回答，内容不出本机。使用吗？"
        f"Ollama on this machine ({model}) can write the answers; nothing leaves it. "
        "Use it? [y/N] ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    return sys.stdin.readline().strip().lower() in {"y", "yes", "是", "好"}


def _open(
    config: Config,
    models: dict[str, Any] | None = None,
    *,
    waits: bool = True,
    patience: float | None = None,
) -> Assistant:
    """The assistant with its index refreshed, or with the last good one (`brought_up_to_date`).

    With `waits` false the index that is there answers, too, while a change of the encoder is
    carried out in the background. `patience` is how many seconds an empty index that another
    process writes is waited for. What writes and judges is of `models`, as `_models` gives them;
    without, sentences of the notes answer.
    """
    assistant = _opened(config, models)
    if not waits and assistant.index.is_migrating:
        print(
            "youju: the passages are encoded anew in the background; the old index answers",
            file=sys.stderr,
        )
        assistant.migrate()
        return assistant
    try:
        report = brought_up_to_date(assistant, wait=patience)
    except ModelError as fault:  # an endpoint that does not answer: words still find
        if not assistant.index.n_notes:
            assistant.close()
            raise
        print(f"youju: {fault}; answering from the index as it is", file=sys.stderr)
        return assistant
    except YoujuError:
        assistant.close()
        raise
    if not report.n_notes:
        assistant.close()
        if assistant.vault is None:
            raise CorpusError(
                f"The index at {config.index} holds no notes yet:"
                f" youju index NOTES --index {config.index}"
            )
        why = f"; {len(report.skipped)} files were skipped" if report.skipped else ""
        first = (
            f" (first: {report.skipped[0].path}: {report.skipped[0].reason})"
            if report.skipped
            else ""
        )
        raise CorpusError(
            f"No notes in {config.notes}{why}{first}. Name a folder of Markdown with --notes."
        )
    return assistant


def _colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _wants_json(args: argparse.Namespace) -> bool:
    return bool(getattr(args, "json", False))


def _print_object(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False), flush=True)


def _ask(args: argparse.Namespace) -> int:
    config = _config(args)
    with _open(config, _models(args, config)) as assistant:
        if args.question != "-":
            answer = _asked(args, assistant, _sound(args.question))
            return ABSTAINED if answer.abstained else DONE
        answered = asked = 0
        for line in _lines():
            _begin(args, line, is_first=not asked)
            try:
                answer = assistant.ask(line, rewrite=args.rewrite)
            except ConfigError as error:  # one bad question costs only itself
                answer = _unasked(line, str(error))
            _show_answer(args, answer, assistant)
            asked += 1
            answered += not answer.abstained
        return ABSTAINED if asked and not answered else DONE


def _begin(args: argparse.Namespace, text: str, *, is_first: bool) -> None:
    """Set the result for one of many lines off from the one before it, and say whose it is."""
    if not _wants_json(args):
        print("" if is_first else "\n", end="")
        print(f"» {' '.join(_sound(text).split())}\n", flush=True)


def _unasked(question: str, reason: str) -> Answer:
    return Answer(
        question=question[:200],
        searched=(),
        text=reason,
        abstained=True,
        reason=reason,
        generator="extractive",
    )


def _asked(args: argparse.Namespace, assistant: Assistant, question: str) -> Answer:
    """Answer one question; a model's answer is shown in a terminal while it is written."""
    growing = assistant.generator != "extractive" and sys.stderr.isatty()
    shown, answer = "", None
    for answer in assistant.stream(question, rewrite=args.rewrite):
        if growing and not _wants_json(args):
            # what is on its way goes to standard error: the check may still change it
            new = answer.text[len(shown) :] if answer.text.startswith(shown) else ""
            print(f"\033[2m{printable(new)}\033[0m", end="", file=sys.stderr, flush=True)
            shown += new
    assert answer is not None, "a stream ends with an answer"
    if shown:
        print("\n", file=sys.stderr)
    _show_answer(args, answer, assistant)
    return answer


def _show_answer(args: argparse.Namespace, answer: Answer, assistant: Assistant) -> None:
    if _wants_json(args):
        _print_object(answer_object(answer, assistant.links))
    else:
        print(answer_text(answer, colour=_colour()), flush=True)


def _lines() -> Iterator[str]:
    """Lines of standard input that are not blank."""
    for line in sys.stdin:
        if line.strip():
            yield line.strip("\r\n")


def _sound(words: str) -> str:
    """The words of an argument whatever the locale; U+FFFD for bytes that are no UTF-8."""
    words = re.sub("[\ud800-\udc7f\udd00-\udfff]", "\ufffd", words)
    return words.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _find(args: argparse.Namespace) -> int:
    from assistant.filters import Filters

    if args.k < 1:
        raise ConfigError(f"-k must be at least 1, got {args.k}")
    for name in ("since", "until"):
        value = getattr(args, name)
        if value is not None and not is_date(value):
            raise ConfigError(
                f"--{name}: write a date as 2024-05-01, 2024-05 or 2024, got {value!r}"
            )
    filters = Filters(
        folder=args.folder,
        tag=args.tag,
        since=args.since,
        until=args.until,
        title=args.title,
    )
    query = _sound(args.query)
    with _open(_config(args)) as assistant:
        hits = assistant.find(query, k=args.k, filters=filters)
        notices = assistant.notices(query, hits, filters)
    for notice in notices:
        print(f"youju: {notice}", file=sys.stderr)
    if _wants_json(args):
        _print_object(found_object(query, hits, notices))
    else:
        print(hits_text(query, hits))
    return DONE


def _check(args: argparse.Namespace) -> int:
    if (args.text is None) == (args.file is None):
        raise ConfigError("check takes a text, - for standard input, or --file F")
    flagged = False
    config = _config(args)
    with _open(config, _models(args, config)) as assistant:
        for n, text in enumerate(_texts(args)):
            if args.lines:
                _begin(args, text, is_first=n == 0)
            checked = assistant.check(text)
            _show_checked(args, checked)
            flagged |= any(
                c.verdict in (Verdict.CONTRADICTED, Verdict.UNSUPPORTED) for c in checked.claims
            )
    return FLAGGED if flagged else DONE


def _texts(args: argparse.Namespace) -> Iterator[str]:
    """The texts to check: one, or with --lines each line that is not blank, as it comes."""
    if args.file is None and args.text == "-" and args.lines:
        yield from _lines()
        return
    if args.file is not None:
        from corpus.readers import read_text

        source = read_text(args.file)
    else:
        source = sys.stdin.read() if args.text == "-" else _sound(args.text)
    if args.lines:
        yield from (line for line in source.split("\n") if line.strip())
    else:
        yield source


def _show_checked(args: argparse.Namespace, checked: Checked) -> None:
    if _wants_json(args):
        _print_object(checked_object(checked))
    else:
        print(checked_text(checked, colour=_colour()), flush=True)


def _index(args: argparse.Namespace) -> int:
    config = _config(args, notes=args.folder)
    if isinstance(config.index, MilvusAddress) and not (config.is_named or args.status):
        raise ConfigError(
            f"Which notes are to be taken into {config.index}? youju index NOTES --index …"
        )
    with _opened(config) as assistant:
        if args.worker is not None:
            _take_share(assistant, args.worker)
        report = None
        if not args.status:
            begun = time.monotonic()
            report = _indexed(assistant, args)
            if not _wants_json(args):
                print(report_text(report, seconds=time.monotonic() - begun), flush=True)
            if not report.n_notes:
                raise CorpusError(
                    f"No notes in {config.notes}. Name a folder of Markdown or text files."
                )
            if config.notes.resolve() != sample_notes().resolve():
                remember_notes(config.notes)
        status = assistant.index.status()
        if _wants_json(args):
            _print_object(_status_object(status, report))
        elif args.status:
            print(status_text(status))
        if args.watch and not args.status:
            _watch(assistant, args)
    return DONE


def _take_share(assistant: Assistant, said: str) -> None:
    """Let this process look after a part of the files."""
    from corpus.milvus.index import MilvusIndex
    from corpus.milvus.ingest import Share

    found = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", said)
    if found is None or int(found[1]) > int(found[2]):
        raise ConfigError(f"--worker: write the share as 1/4, got {said!r}")
    if not isinstance(assistant.index, MilvusIndex):
        raise ConfigError("--worker goes with a Milvus index: --index milvus://HOST:PORT/DB")
    assistant.index.share = Share(number=int(found[1]), of=int(found[2]))


def _indexed(assistant: Assistant, args: argparse.Namespace) -> RefreshReport:
    """The refresh; where most notes are gone, only after a yes."""
    try:
        return refreshed(assistant, rebuild=args.rebuild, forget=args.yes)
    except ManyGone as fault:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise
        print(f"youju: {fault}\nForget them? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes", "是"):
            raise
        return refreshed(assistant, rebuild=args.rebuild, forget=True)


def _watch(assistant: Assistant, args: argparse.Namespace) -> None:
    def told(report: RefreshReport) -> None:
        if _wants_json(args):
            _print_object(_status_object(assistant.index.status(), report))
        else:
            print(report_text(report), flush=True)

    print("watching; Ctrl-C ends it", file=sys.stderr, flush=True)
    with suppress(KeyboardInterrupt):
        watch(assistant, told)


def _status_object(status: IndexStatus, report: RefreshReport | None) -> dict[str, Any]:
    found = dataclasses.asdict(status)
    if report is not None:
        for name in ("added", "changed", "renamed", "deleted", "unchanged"):
            found[name] = getattr(report, name)
    return found


def _doctor(args: argparse.Namespace) -> int:
    from assistant.diagnosis import diagnosis_object, diagnosis_text, speaks_chinese
    from assistant.doctor import Doctor
    from assistant.indexing import bar

    config = _config(args, notes=args.folder)
    doctor = Doctor(config, thorough=args.thorough)
    entries = list(doctor.examined())
    if args.repair:
        with bar() as progress:
            done = list(doctor.mended(progress))
        entries = done + list(Doctor(config).examined()) if done else entries
    if _wants_json(args):
        _print_object(diagnosis_object(entries))
    else:
        print(diagnosis_text(entries, zh=speaks_chinese()))
    return FAILURE if any(one.level == "fault" for one in entries) else DONE


def _mcp(args: argparse.Namespace) -> int:
    from assistant.mcp import serve

    config = _config(args)
    # standard input and output are the protocol's: nobody is there to be asked, and a client that
    # waits too long gives up
    serve(lambda: _open(config, _models(args, config, asks=False), patience=0.0))
    return DONE


def _chat(args: argparse.Namespace) -> int:
    if args.port is not None and not 0 < args.port < 65_536:
        raise ConfigError(f"--port must be between 1 and 65535, got {args.port}")
    from assistant.web.app import serve
    from assistant.web.parts import Seams
    from assistant.web.runs import found_evaluation

    def open_notes(notes: Path) -> Assistant:
        other = dataclasses.replace(config, notes=notes, index=index_folder(notes))
        opened = _open(other, models)
        remember_notes(notes)
        return opened

    config = _config(args)
    models = _models(args, config)
    with _open(config, models, waits=False) as assistant:
        serve(
            assistant,
            host=args.host,
            port=args.port,
            data_dir=data_home() / "chat",
            seams=Seams(open_notes=open_notes, evaluation=found_evaluation(data_home())),
            announce=lambda message: print(message, file=sys.stderr, flush=True),
        )
    return DONE


if __name__ == "__main__":
    sys.exit(main())
