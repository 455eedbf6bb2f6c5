"""The command line: what each verb does with the assistant, and what it prints.

`options` knows what may be typed, `opening` makes the assistant of it. Results go to standard
output, everything else to standard error. Exit: 0 done, 3 abstained, 4 some claim is contradicted
or not in the notes, 2 usage, 1 failure.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.config import sample_notes
from assistant.indexing import refreshed, watch
from assistant.opening import opened, serving, typed_config, typed_models
from assistant.operators import is_date
from assistant.options import parser_of
from assistant.plain import answer_text, checked_text, hits_text, report_text, status_text
from assistant.types import Answer, Checked, Verdict
from assistant.wire import answer_object, checked_object, found_object, status_object
from corpus.errors import ConfigError, CorpusError, ManyGone, YoujuError
from corpus.milvus.address import MilvusAddress
from corpus.places import data_home, index_folder, remember_notes
from corpus.text import printable
from corpus.types import RefreshReport

if TYPE_CHECKING:  # what holds numpy is imported where it is used: `youju mcp` greets without it
    from assistant.pipeline import Assistant

__all__ = ["build_parser", "main"]

logger = logging.getLogger(__name__)

DONE, FAILURE, USAGE, ABSTAINED, FLAGGED = 0, 1, 2, 3, 4
# Objects until garbage is looked for, and how many looks until older ones are: see `warming`.
_SELDOM = (50_000, 20, 20)
_SETTLED_S = 5.0  # in which the page was begun and a browser has drawn it


def build_parser(argv: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser of all verbs; of `eval` with its arguments if `argv` names it."""
    runs = {
        "ask": _ask, "find": _find, "check": _check, "index": _index, "doctor": _doctor,
        "mcp": _mcp, "chat": _chat,
    }  # fmt: skip
    return parser_of(runs, argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; those of the process if None.

    Returns:
        The exit code.
    """
    gc.set_threshold(*_SELDOM)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
    try:
        given = sys.argv[1:] if argv is None else argv
        args = build_parser(given).parse_args(given)
    except SystemExit as stop:
        return int(stop.code or 0)
    debug = args.debug
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


def _colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _print_object(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False), flush=True)


def _ask(args: argparse.Namespace) -> int:
    config = typed_config(args)
    with serving(config, typed_models(args, config)) as assistant:
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
    if not args.json:
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
        if growing and not args.json:
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
    if args.json:
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
    with serving(typed_config(args)) as assistant:
        hits = assistant.find(query, k=args.k, filters=filters)
        notices = assistant.notices(query, hits, filters)
    for notice in notices:
        print(f"youju: {notice}", file=sys.stderr)
    if args.json:
        _print_object(found_object(query, hits, notices))
    else:
        print(hits_text(query, hits))
    return DONE


def _check(args: argparse.Namespace) -> int:
    if (args.text is None) == (args.file is None):
        raise ConfigError("check takes a text, - for standard input, or --file F")
    flagged = False
    config = typed_config(args)
    with serving(config, typed_models(args, config)) as assistant:
        if assistant.calibration is not None:
            from assistant.diagnosis import speaks_chinese

            line = assistant.calibration.told(zh=speaks_chinese())
            print(f"youju: {line}", file=sys.stderr, flush=True)
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
        from corpus.notes import read_text

        source = read_text(args.file)
    else:
        source = sys.stdin.read() if args.text == "-" else _sound(args.text)
    if args.lines:
        yield from (line for line in source.split("\n") if line.strip())
    else:
        yield source


def _show_checked(args: argparse.Namespace, checked: Checked) -> None:
    if args.json:
        _print_object(checked_object(checked))
    else:
        print(checked_text(checked, colour=_colour()), flush=True)


def _index(args: argparse.Namespace) -> int:
    config = typed_config(args, notes=args.folder)
    if isinstance(config.index, MilvusAddress) and not (config.is_named or args.status):
        raise ConfigError(
            f"Which notes are to be taken into {config.index}? youju index NOTES --index …"
        )
    with opened(config) as assistant:
        if args.worker is not None:
            _take_share(assistant, args.worker)
        report = None
        if not args.status:
            begun = time.monotonic()
            report = _indexed(assistant, args)
            if not args.json:
                print(report_text(report, seconds=time.monotonic() - begun), flush=True)
            if not report.n_notes:
                raise CorpusError(
                    f"No notes in {config.notes}. Name a folder of Markdown or text files."
                )
            if config.notes.resolve() != sample_notes().resolve():
                remember_notes(config.notes)
        status = assistant.index.status()
        if args.json:
            _print_object(status_object(status, report))
        elif args.status:
            print(status_text(status, assistant.calibration))
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
        if args.json:
            _print_object(status_object(assistant.index.status(), report))
        else:
            print(report_text(report), flush=True)

    print("watching; Ctrl-C ends it", file=sys.stderr, flush=True)
    with suppress(KeyboardInterrupt):
        watch(assistant, told)


def _doctor(args: argparse.Namespace) -> int:
    from assistant.diagnosis import diagnosis_object, diagnosis_text, speaks_chinese
    from assistant.doctor import Doctor
    from assistant.indexing import bar

    config = typed_config(args, notes=args.folder)
    doctor = Doctor(config, thorough=args.thorough)
    entries = list(doctor.examined())
    if args.repair:
        with bar() as progress:
            done = list(doctor.mended(progress))
        entries = done + list(Doctor(config).examined()) if done else entries
    if args.json:
        _print_object(diagnosis_object(entries))
    else:
        print(diagnosis_text(entries, zh=speaks_chinese()))
    return FAILURE if any(one.level == "fault" for one in entries) else DONE


def _mcp(args: argparse.Namespace) -> int:
    from assistant.mcp import serve

    config = typed_config(args)
    # standard input and output are the protocol's: nobody is there to be asked, and a client that
    # waits too long gives up
    serve(lambda: serving(config, typed_models(args, config, asks=False), patience=0.0))
    return DONE


def _chat(args: argparse.Namespace) -> int:
    if args.port is not None and not 0 < args.port < 65_536:
        raise ConfigError(f"--port must be between 1 and 65535, got {args.port}")
    from assistant.warming import warm_beside
    from assistant.web.app import serve
    from assistant.web.parts import Seams
    from assistant.web.runs import found_evaluation
    from assistant.web.stopping import leave

    def open_notes(notes: Path) -> Assistant:
        other = dataclasses.replace(config, notes=notes, index=index_folder(notes))
        beside = serving(other, models)
        remember_notes(notes)
        return beside

    config = typed_config(args)
    models = typed_models(args, config)
    with serving(config, models, waits=False) as assistant:
        warm_beside(assistant, after_s=_SETTLED_S)
        serve(
            assistant,
            host=args.host,
            port=args.port,
            data_dir=data_home() / "chat",
            seams=Seams(open_notes=open_notes, evaluation=found_evaluation(data_home())),
            announce=lambda message: print(message, file=sys.stderr, flush=True),
        )
    leave(DONE)  # answers on their way, which nobody reads any more, would hold it up


if __name__ == "__main__":
    sys.exit(main())
