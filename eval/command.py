"""The verb `youju eval`: parses, runs a suite on its data, prints, keeps, compares, gates.

Loaded by `assistant.cli` by name when it is typed, and by `python -m eval`. Exit: 0 done, 4 a
limit of `--fail-under` was missed, 2 usage, 1 failure.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from assistant import calibration
from assistant.config import Config
from assistant.opening import serving, typed_config
from corpus.drafts import Unreadable
from corpus.errors import ConfigError
from corpus.milvus.address import MilvusAddress
from corpus.places import data_home
from corpus.readers import Vault
from corpus.types import Note
from eval import calibrating, drafting, listing, overview, report, runs
from eval.model_drafts import DRAFTED_NOTES, ModelDrafts
from eval.runs import Run
from eval.setting import setting_of
from eval.suites import measured

__all__ = ["configure"]

DONE, MISSED = 0, 4
_PLANTED = 240  # claims that are planted unless --limit says otherwise
SUITES = ("retrieval", "answers", "grounding", "dialogues", "scripted", "speed", "make",
          "calibrate", "compare", "overview", "sets")  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Give a parser the arguments of the verb, and what runs it as its default `run`."""
    parser.add_argument("suite", nargs="?", choices=SUITES, default="overview",
                        help="what is measured; make drafts questions, calibrate plants claims "
                        "over your notes and proposes how sure the check has to be, compare sets "
                        "two kept runs side by side, overview (the default) shows all kept runs, "
                        "sets lists the public sets")  # fmt: skip
    parser.add_argument(
        "set",
        nargs="*",
        metavar="DATA",
        help="a golden set (sample, feed, feed2, vault), a file of questions or of answers with "
        "their contexts, a folder of a public set; for make: the notes; for compare: two runs",
    )
    parser.add_argument("--split", default="dev", choices=("dev", "test", "all"),
                        help="half of the set (dev; only report on test)")  # fmt: skip
    parser.add_argument("--data", type=Path, help="where notes or sets lie that do not ship")
    parser.add_argument("--limit", type=int, metavar="N", help="only N items, drawn by --seed")
    parser.add_argument("--seed", type=int, default=7, help="of the draw (7)")
    parser.add_argument("--against", type=Path, metavar="RUN", help="compare with a kept run")
    parser.add_argument("--fail-under", action="append", default=[], metavar="METRIC=VALUE",
                        help="exit with 4 if the metric is worse; may be given again")  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FILE", help="keep the run as JSON; for make: "
                        "the drafts as .jsonl or .csv")  # fmt: skip
    parser.add_argument("--html", type=Path, metavar="FILE", help="write tables and plots as HTML")
    parser.add_argument("--markdown", type=Path, metavar="FILE",
                        help="write them as Markdown, plots beside it as SVG")  # fmt: skip
    parser.add_argument("--plots", type=Path, metavar="FOLDER",
                        help="write the plots as SVG and PNG")  # fmt: skip
    parser.add_argument("--unreviewed", action="store_true",
                        help="evaluate on drafts that nobody has reviewed")  # fmt: skip
    parser.add_argument("--rate", type=float, default=0.05, metavar="R",
                        help="calibrate: share of planted false claims that may be called "
                        "supported (0.05)")  # fmt: skip
    parser.add_argument("--set", dest="is_set", action="store_true",
                        help="calibrate: use the proposed threshold for these notes")  # fmt: skip
    parser.add_argument("--unset", action="store_true",
                        help="calibrate: go back to the threshold that ships")  # fmt: skip
    parser.add_argument("--misses", action="store_true", help="print what went wrong")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    _require_sound(args)
    if args.suite == "make":
        return _make(args)
    if args.suite == "calibrate" and args.unset:
        return _unset(args)
    if args.suite == "overview":
        return _overview(args)
    if args.suite == "sets":
        print(listing.plain(args.data))
        return DONE
    if args.suite == "compare":
        if len(args.set) != 2:
            raise ConfigError("compare takes two runs: the one before and the one after")
        before, after = (runs.load(Path(name)) for name in args.set)
        run, against = after, before
    else:
        run, against = (_calibrated if args.suite == "calibrate" else measured)(args), None
    if args.out and args.suite != "compare":
        runs.save(run, args.out)
    if args.against:
        against = runs.load(args.against)
    compared = runs.compare(against, run) if against is not None else None
    _show(args, run, compared)
    missed = runs.failing(run.get("metrics", {}), args.fail_under)
    for line in missed:
        print(f"youju: {line}", file=sys.stderr)
    return MISSED if missed else DONE


def _person(args: argparse.Namespace) -> tuple[Config, Path]:
    """The person's settings, and the folder of their index."""
    if len(args.set) > 1:
        raise ConfigError("calibrate takes one folder, file or zip of notes")
    config = typed_config(args, notes=Path(args.set[0]) if args.set else None)
    if isinstance(config.index, MilvusAddress):
        raise ConfigError("calibrate keeps its threshold in an index folder: name one with --index")
    return config, config.index


def _calibrated(args: argparse.Namespace) -> Run:
    """Measure the check on claims planted over the person's notes; keep the threshold if asked."""
    config, folder = _person(args)
    limit = args.limit or _PLANTED
    with serving(config) as assistant:
        result, made = calibrating.evaluate(
            assistant, rate=args.rate, limit=limit, seed=args.seed, progress=_planted
        )
    what = {"suite": "calibrate", "set": config.notes.name, "split": "planted",
            "rate": args.rate, "limit": limit, "seed": args.seed}  # fmt: skip
    print(made.told(zh=False), file=sys.stderr)
    if made.false_support > args.rate:
        print(f"youju: no threshold keeps the share below {args.rate:g}", file=sys.stderr)
    print(f"youju: {calibrating.CAVEAT}", file=sys.stderr)
    if args.is_set:
        print(f"youju: written to {calibration.write(folder, made)}", file=sys.stderr)
    else:
        print("youju: nothing is changed; --set uses it for these notes", file=sys.stderr)
    return {**runs.facts(what, [config.notes]), "calibration": asdict(made), **result}


def _unset(args: argparse.Namespace) -> int:
    _, folder = _person(args)
    was = calibration.removed(folder)
    print("the threshold that ships is in force" + ("" if was else ", as before"))
    return DONE


def _require_sound(args: argparse.Namespace) -> None:
    """Refuse what could only fail after minutes of measuring."""
    if args.limit is not None and args.limit < 1:
        raise ConfigError(f"--limit must be at least 1, got {args.limit}")
    if args.is_set and args.unset:
        raise ConfigError("--set and --unset exclude each other")
    if not 0 < args.rate < 1:
        raise ConfigError(f"--rate must be between 0 and 1, got {args.rate:g}")
    runs.parsed_limits(args.fail_under)
    for path in (args.out, args.html, args.markdown):
        if path is not None and path.is_dir():
            raise ConfigError(f"{path} is a folder: name a file in it")
    if args.suite == "sets" and args.data is not None and not args.data.is_dir():
        raise ConfigError(f"{args.data} is no folder: --data names the one with the sets")


def _show(args: argparse.Namespace, run: Run, compared: Run | None) -> None:
    if args.json:
        print(json.dumps(runs.sound({"run": run, "against": compared}), ensure_ascii=False))
    else:
        if args.suite != "compare":
            print(report.plain(run))
        if compared is not None:
            print(report.compared_plain(compared))
        if args.misses:
            print(report.misses(run))
    if args.html:
        report.write(args.html, report.html(run, compared))
    if args.plots:
        report.pictures(run, args.plots)
    if args.markdown:
        text, plots = report.markdown(run, compared, stem=args.markdown.stem)
        report.write(args.markdown, text)
        for name, svg in plots.items():
            report.write(args.markdown.with_name(name), svg)


def _overview(args: argparse.Namespace) -> int:
    """All kept runs, or those named, as lines and as one page."""
    found = overview.found_runs([Path(name) for name in args.set])
    print(overview.plain(found))
    if args.html:
        report.write(args.html, overview.html(found))
    return DONE


def _make(args: argparse.Namespace) -> int:
    """Draft questions over notes into a table to be reviewed."""
    if len(args.set) > 1:
        raise ConfigError("make takes one folder, file or zip of notes")
    if args.out and args.out.suffix not in (".jsonl", ".csv"):
        raise ConfigError("make writes a table: name it with --out FILE.jsonl or FILE.csv")
    setting = setting_of(args)
    notes = Path(args.set[0]).expanduser() if args.set else setting.config.notes
    out = args.out or _table_for(notes)
    chat = setting.models.chat
    more = None
    if chat is not None:
        shown = args.limit or DRAFTED_NOTES
        more = ModelDrafts(chat, limit=shown, seed=args.seed, progress=_told)
    vault = Vault(notes, hard_links=setting.config.hard_links)
    drafts = drafting.draft(_read(vault), limit=args.limit, seed=args.seed, more=more)
    if not drafts:
        raise ConfigError(
            f"Nothing in {notes} gives a question: no definition, list, figure or heading with"
            " text below it. Write questions by hand, one JSON object a line with `question`"
        )
    drafting.save(drafts, out)
    if chat is not None and more is not None and more.n_failed:
        why = f", and stopped: {more.fault}" if more.fault else ""
        print(
            f"youju: {more.n_failed} of {more.n_asked} replies of {chat.name} were no drafts{why}",
            file=sys.stderr,
        )
    counts = drafting.counted(drafts)
    shown = ", ".join(f"{n} {kind}" for kind, n in counts.items())
    print(
        f"{len(drafts)} drafts ({shown}) in {out}. Review them in the Evaluate tab of `youju chat`,"
        " or set reviewed to true or rejected in the file."
    )
    return DONE


def _read(vault: Vault) -> Iterator[Note]:
    """The notes, read as the index reads them; drafting needs no index."""
    for file in vault.files():
        try:
            yield from vault.read(file)
        except Unreadable as fault:
            print(f"youju: {file.path} is left out: {fault}", file=sys.stderr)


def _table_for(notes: Path) -> Path:
    """Where the page looks for drafts: a new table in the folder of a person's own data."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return data_home() / "eval" / "drafts" / f"{notes.stem or 'notes'}-{stamp}.jsonl"


def _planted(done: int, total: int) -> None:
    if done % 20 == 0 or done == total:
        print(f"{done}/{total} planted claims checked", file=sys.stderr, flush=True)


def _told(done: int, total: int) -> None:
    print(f"{done}/{total} notes shown to the model", file=sys.stderr, flush=True)
