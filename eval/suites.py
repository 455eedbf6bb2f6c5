"""What each suite of `youju eval` runs on what it is given: golden set, own file, or public set.

Finds the data by their name, hands them to the suite, and adds what the run was made with. Prints
nothing.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from assistant.config import sample_notes
from corpus.errors import ConfigError
from eval import (
    answers,
    dialogues,
    finding,
    given,
    goldens,
    groundedness,
    grounding,
    questions,
    retrieval,
    runs,
    scripted,
    sentences,
    speed,
)
from eval.beir import is_set
from eval.given_sets import GivenSet, found_cases
from eval.originals import family_files, original_place
from eval.published_claims import PublishedClaims, found_claims, found_claims_of
from eval.records import has_contexts, load_records, sample
from eval.runs import Run
from eval.setting import Setting, setting_of
from eval.sources import FAMILIES, KNOWN_SETS, ORIGINALS, require_known

__all__ = ["measured"]

T = TypeVar("T")
_FILES = (".jsonl", ".json", ".xz", ".gz", ".csv")


def measured(args: argparse.Namespace) -> Run:
    """Run a suite on its data.

    Args:
        args: as `eval.command` parses them.

    Raises:
        ConfigError: the data are absent, of another form, or not for this suite.
    """
    names = args.set or ["sample"]
    if len(names) > 1 and args.suite != "retrieval":
        raise ConfigError(f"{args.suite} takes one set, got {len(names)}: {' '.join(names)}")
    for name in names:
        _require_original(args, name)
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
    given = args.data or args.notes
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


def _places(args: argparse.Namespace, name: str) -> list[Path]:
    """Where a public set of this name may lie: here, or in the folder of --data."""
    given: Path | None = args.data
    if given is None:
        return [Path(name)]
    found = original_place(given, name)
    return [Path(name), given / name, *([found] if found else [])]


def _beir(args: argparse.Namespace, name: str) -> Path | None:
    """The folder, or the original file or would-be folder, of a public set if the name is one's."""
    return next((path for path in _places(args, name) if is_set(path)), None)


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
    figures: dict[str, Any] = {}
    items: dict[str, Any] = {}
    files: list[Path] = []
    known_by: dict[str, str] = {}
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
        files += found.files
        known_by |= found.known_by
    last = retrieval.CROSSED if setting.reranker is not None else retrieval.SHIPPED
    shipped = [result["methods"][last] for result in figures.values()]
    n = sum(result["n"] for result in figures.values())
    metrics = {
        metric: [sum(m[metric][i] for m in shipped) / len(shipped) for i in range(3)] + [n]
        for metric in retrieval.METRICS
    }
    run: Run = {"n": n, "metrics": metrics, "figures": figures, "items": items}
    return _published(run, known_by), files


def _family(args: argparse.Namespace, name: str) -> list[Path]:
    """The files of a set of several files, looked for where it is named or --data is."""
    family = Path(name).name.lower()
    if family not in FAMILIES:
        return []
    for folder in (Path(name), args.data or Path()):
        if folder.is_dir() and (found := family_files(folder, family)):
            return found
    return []


def _answers(args: argparse.Namespace, setting: Setting, name: str) -> tuple[Run, list[Path]]:
    place = next((place for place in _places(args, name) if place.is_file()), Path(name))
    cases = found_cases(_family(args, name) or [place])
    if cases is not None:
        return _of_given(args, setting, cases)
    folder = _beir(args, name)
    if folder is not None:
        found = retrieval.load_set(folder.parent, folder.name, args.split)
        if not found.answers:
            raise ConfigError(f"{folder} has no answers.jsonl: only retrieval can be measured")
        known = [query for query in found.queries if query in found.answers]
        result = sentences.evaluate(found, _drawn(args, known), setting=setting)
        return _published(result, found.known_by), list(found.files)
    asked, left, data = _asked(args, name)
    notes = _notes(args, setting, name)
    with setting.opened(notes) as assistant:
        asked = questions.placed(_drawn(args, asked), assistant.index)
        return _with(answers.evaluate(assistant, asked), left, args), [*data, notes]


def _of_given(
    args: argparse.Namespace, setting: Setting, found: GivenSet
) -> tuple[Run, list[Path]]:
    """Questions asked of the texts that a set gives with each; --limit draws questions."""
    kept = frozenset(_drawn(args, list(dict.fromkeys(case.group for case in found.cases))))
    cases = [case for case in found.cases if case.group in kept]
    result = given.evaluate(cases, setting=setting)
    return _published(result, found.known_by), list(found.files)


def _grounding(args: argparse.Namespace, setting: Setting, name: str) -> tuple[Run, list[Path]]:
    path = Path(name)
    if (whole := found_claims_of(_family(args, name), args.split)) is not None:
        return _records(args, setting, whole)
    for place in _places(args, name):
        if (found := found_claims(place, args.split)) is not None:
            return _records(args, setting, found)
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
    if not gold and not goldens.claims(name, "all"):
        raise ConfigError(
            f"There are no claims over {name!r}: name sample, feed, feed2, a file of claims or of"
            " answers with their contexts, or a public set (youju eval sets lists them)"
        )
    if not gold:
        raise ConfigError(f"There are no claims over {name!r} of the split {args.split!r}")
    file = Path(str(goldens.file_of(goldens.claims_file(name))))
    notes = _notes(args, setting, name)
    with setting.opened(notes) as assistant:
        return grounding.evaluate(assistant, gold), [file, notes]


def _records(
    args: argparse.Namespace, setting: Setting, found: PublishedClaims
) -> tuple[Run, list[Path]]:
    """The check on a published set in its original form."""
    records = sample(found.records, args.limit, seed=args.seed)
    if not records:
        raise ConfigError(f"There are no claims of the split {args.split!r} in {found.files[0]}")
    judges = setting.models.judges
    result = groundedness.evaluate(records, encoder=setting.encoder, judges=judges)
    return _published(result, found.known_by), list(found.files)


def _require_original(args: argparse.Namespace, name: str) -> None:
    """Say where to get a published file, or a set of several, that is not there."""
    family = FAMILIES.get(Path(name).name.lower())
    if family and not _family(args, name):
        (first, *_) = (ORIGINALS[file] for file in family)
        raise ConfigError(
            f"There is no file of {name} here, nor in the folder of --data"
            f" ({', '.join(family)}): {first.told}"
        )
    known = ORIGINALS.get("response.jsonl" if Path(name).name == "ragtruth" else Path(name).name)
    if known is not None and not any(place.exists() for place in _places(args, name)):
        raise ConfigError(f"There is no {name}, nor is it in the folder of --data: {known.told}")


def _published(result: Run, known_by: Mapping[str, str]) -> Run:
    """The result with how its original files are known to be the published ones."""
    return {**result, "published": dict(known_by)} if known_by else result


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
