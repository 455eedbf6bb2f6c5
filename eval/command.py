"""The verb `youju eval`: parses, runs a suite on its data, prints, keeps, compares, gates.

Loaded by `assistant.cli` by name when it is typed, and by `python -m eval`. Exit: 0 done, 4 a
limit of `--fail-under` was missed, 2 usage, 1 failure.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from assistant.config import sample_notes
from corpus.errors import ConfigError
from corpus.places import data_home
from eval import (
    answers,
    dialogues,
    drafting,
    finding,
    goldens,
    groundedness,
    grounding,
    questions,
    report,
    retrieval,
    runs,
    scripted,
    sentences,
    speed,
)
from eval.model_drafts import DRAFTED_NOTES, ModelDrafts
from eval.records import has_contexts, load_records, sample
from eval.runs import Run
from eval.setting import Setting, setting_of
from eval.sources import KNOWN_SETS, require_known

__all__ = ["configure"]

DONE, MISSED = 0, 4
SUITES = ("retrieval", "answers", "grounding", "dialogues", "scripted", "speed", "make", "compare")
T = TypeVar("T")
_FILES = (".jsonl", ".json", ".xz", ".gz", ".csv")


def configure(parser: argparse.ArgumentParser) -> None:
    """Give a parser the arguments of the verb, and what runs it as its default `run`."""
    parser.add_argument("suite", choices=SUITES, help="what is measured; make drafts questions, "
                        "compare sets two kept runs side by side")  # fmt: skip
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
    parser.add_argument("--misses", action="store_true", help="print what went wrong")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    if args.limit is not None and args.limit < 1:
        raise ConfigError(f"--limit must be at least 1, got {args.limit}")
    if args.suite == "make":
        return _make(args)
    if args.suite == "compare":
        if len(args.set) != 2:
            raise ConfigError("compare takes two runs: the one before and the one after")
        before, after = (runs.load(Path(name)) for name in args.set)
        run, against = after, before
    else:
        run, against = _measured(args), None
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


def _show(args: argparse.Namespace, run: Run, compared: Run | None) -> None:
    if getattr(args, "json", False):
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


def _measured(args: argparse.Namespace) -> Run:
    names = args.set or ["sample"]
    if len(names) > 1 and args.suite != "retrieval":
        raise ConfigError(f"{args.suite} takes one set, got {len(names)}: {' '.join(names)}")
    started = time.perf_counter()
    setting = setting_of(args)
    suite: dict[str, Callable[[argparse.Namespace, Setting, str], tuple[Run, list[Path]]]] = {
        "retrieval": _retrieval,
        "answers": _answers,
        "grounding": _grounding,
        "dialogues": _dialogues,
        "scripted": _scripted,
        "speed": _speed,
    }
    if len(names) > 1:
        result, data = _public_retrieval(args, setting, names)
    else:
        result, data = suite[args.suite](args, setting, names[0])
    config = {
        "suite": args.suite, "set": " ".join(Path(name).name for name in names),
        "split": args.split, "limit": args.limit, "seed": args.seed,
        **setting.facts(), "unreviewed": bool(result.get("unreviewed")),
    }  # fmt: skip
    seconds = round(time.perf_counter() - started, 1)
    return {**runs.facts(config, data), "seconds": seconds, **result}


def _notes(args: argparse.Namespace, setting: Setting, name: str) -> Path:
    """The notes that a set is about: of a golden set its own, else the person's."""
    if _is_file(name):
        return args.data or setting.config.notes
    given = args.data or getattr(args, "notes", None)
    return sample_notes() if name == "sample" else goldens.notes_of(name, given)


def _is_file(name: str) -> bool:
    return Path(name).suffix in _FILES or Path(name).is_file()


def _asked(
    args: argparse.Namespace, name: str
) -> tuple[list[questions.Asked], questions.Left, list[Path]]:
    if _is_file(name):
        path = Path(name)
        return *questions.of_file(path, args.split, unreviewed=args.unreviewed), [path]
    if Path(name).name in KNOWN_SETS:
        require_known((args.data or Path()) / name)  # says where to get it
    file = Path(str(goldens.file_of(f"{name.partition('-')[0]}_questions")))
    return questions.of_golden(name, args.split), questions.Left(), [file]


def _with(result: Run, left: questions.Left, args: argparse.Namespace) -> Run:
    """The result with what was left out of the file, or taken though nobody reviewed it."""
    told = {} if args.unreviewed else {"not reviewed": left.unreviewed}
    told["rejected"] = left.rejected
    out = {name: n for name, n in told.items() if n}
    result["unreviewed"] = bool(args.unreviewed and left.unreviewed)
    return {**result, "left out": out} if out else result


def _drawn(args: argparse.Namespace, found: Sequence[T]) -> list[T]:
    """At most --limit of them, at random, in their order."""
    if args.limit is None or args.limit >= len(found):
        return list(found)
    return [
        found[i] for i in sorted(random.Random(args.seed).sample(range(len(found)), args.limit))
    ]


def _beir(args: argparse.Namespace, name: str) -> Path | None:
    """The folder of a public set, if the name is one's."""
    given: Path | None = args.data
    for path in (Path(name), *([given / name] if given else [])):
        if Path(path, "corpus.jsonl").is_file():
            return path
    return None


def _retrieval(args: argparse.Namespace, setting: Setting, name: str) -> tuple[Run, list[Path]]:
    if _beir(args, name):
        return _public_retrieval(args, setting, [name])
    asked, left, data = _asked(args, name)
    notes = _notes(args, setting, name)
    with setting.opened(notes) as assistant:
        asked = questions.placed(_drawn(args, asked), assistant.index)
        result = finding.evaluate(assistant, asked, reranker=setting.reranker)
    if not result["n"]:
        raise ConfigError(f"{name}: no question names gold spans, which retrieval is judged by")
    return _with(result, left, args), [*data, notes]


def _public_retrieval(
    args: argparse.Namespace, setting: Setting, names: Sequence[str]
) -> tuple[Run, list[Path]]:
    """Public sets, each a folder: the product beside its rivals."""
    figures, items, folders = {}, {}, []
    for name in names:
        folder = _beir(args, name)
        if folder is None:
            require_known((args.data or Path()) / name)
            raise ConfigError(f"the set {name!r} cannot be read: name its folder, or --data FOLDER")
        found = retrieval.load_set(folder.parent, folder.name, args.split)
        kept = _drawn(args, list(found.queries))
        found = retrieval.only(found, kept)
        result = retrieval.evaluate(found, encoder=setting.encoder, reranker=setting.reranker)
        items[folder.name] = result.pop("ranks")
        figures[folder.name] = result
        folders.append(folder)
    last = retrieval.CROSSED if setting.reranker is not None else retrieval.SHIPPED
    shipped = [result["methods"][last] for result in figures.values()]
    n = sum(result["n"] for result in figures.values())
    metrics = {
        metric: [sum(m[metric][i] for m in shipped) / len(shipped) for i in range(3)] + [n]
        for metric in retrieval.METRICS
    }
    return {"n": n, "metrics": metrics, "figures": figures, "items": items}, folders


def _answers(args: argparse.Namespace, setting: Setting, name: str) -> tuple[Run, list[Path]]:
    folder = _beir(args, name)
    if folder is not None:
        found = retrieval.load_set(folder.parent, folder.name, args.split)
        if not found.answers:
            raise ConfigError(f"{folder} has no answers.jsonl: only retrieval can be measured")
        known = [query for query in found.queries if query in found.answers]
        return sentences.evaluate(found, _drawn(args, known), setting=setting), [folder]
    asked, left, data = _asked(args, name)
    notes = _notes(args, setting, name)
    with setting.opened(notes) as assistant:
        asked = questions.placed(_drawn(args, asked), assistant.index)
        return _with(answers.evaluate(assistant, asked), left, args), [*data, notes]


def _grounding(args: argparse.Namespace, setting: Setting, name: str) -> tuple[Run, list[Path]]:
    path = Path(name)
    if _is_file(name) and not has_contexts(path):
        split, notes = args.split, _notes(args, setting, name)
        mine, left = questions.claims_of_file(path, split, unreviewed=args.unreviewed)
        with setting.opened(notes) as assistant:
            result = grounding.evaluate(assistant, _drawn(args, mine))
            return _with(result, left, args), [path, notes]
    if _is_file(name):
        records = sample(load_records(path), args.limit, seed=args.seed)
        judges = setting.models.judges
        return groundedness.evaluate(records, encoder=setting.encoder, judges=judges), [path]
    gold = _drawn(args, goldens.claims(name, args.split))
    if not gold:
        raise ConfigError(f"There are no claims over {name!r} of the split {args.split!r}")
    file = Path(str(goldens.file_of(goldens.claims_file(name))))
    notes = _notes(args, setting, name)
    with setting.opened(notes) as assistant:
        return grounding.evaluate(assistant, gold), [file, notes]


def _dialogues(args: argparse.Namespace, setting: Setting, name: str) -> tuple[Run, list[Path]]:
    notes = _notes(args, setting, name)
    with setting.opened(notes) as assistant:
        result = dialogues.evaluate(assistant, name, args.split, misses=False)
    result["metrics"] = {
        f"recall@5 {form}": runs.mean_metric(item[form] for item in result["items"])
        for form in ("raw", "rewritten", "full")
    }
    return result, [Path(str(goldens.file_of("dialogues"))), notes]


def _scripted(args: argparse.Namespace, setting: Setting, name: str) -> tuple[Run, list[Path]]:
    if _is_file(name):
        raise ConfigError(f"scripted plants its faults beside gold spans: name a set, not {name}")
    gold = _drawn(args, [g for g in goldens.questions(name, args.split) if g.answerable])
    if not gold:
        raise ConfigError(f"There are no questions over {name!r} of the split {args.split!r}")
    notes = _notes(args, setting, name)
    file = Path(str(goldens.file_of(f"{name.partition('-')[0]}_questions")))
    with setting.opened(notes) as assistant:
        judges = setting.models.judges
        return scripted.evaluate(assistant, gold, judges=judges), [file, notes]


def _speed(args: argparse.Namespace, setting: Setting, name: str) -> tuple[Run, list[Path]]:
    asked, left, data = _asked(args, name)
    notes = _notes(args, setting, name)
    result = speed.evaluate(notes, _drawn(args, asked), setting=setting)
    return _with(result, left, args), [*data, notes]


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
    with setting.opened(notes) as assistant:
        drafts = drafting.draft(assistant.index, limit=args.limit, seed=args.seed, more=more)
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


def _table_for(notes: Path) -> Path:
    """Where the page looks for drafts: a new table in the folder of a person's own data."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return data_home() / "eval" / "drafts" / f"{notes.stem or 'notes'}-{stamp}.jsonl"


def _told(done: int, total: int) -> None:
    print(f"{done}/{total} notes shown to the model", file=sys.stderr, flush=True)
