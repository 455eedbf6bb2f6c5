"""The tables of the documents, made from the committed results: `python -m eval.figures`.

In both READMEs, docs/targets.md, docs/performance.md and docs/scale.md; of the READMEs it writes
between `<!-- table NAME -->` and `<!-- /table -->` only; the words around stay a person's.
`--check` changes nothing and fails if a table is not what the results say; `--rerun` measures every
result again. Counts come from the items of a result, so that a rate always shows how many it is of.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError
from eval import reruns, targets
from eval.bench import again as bench
from eval.bench import report as costs
from eval.bench import sizing
from eval.labels import in_chinese
from eval.runs import load

__all__ = ["main", "result_of", "tables", "written"]

RESULTS = Path(__file__).parent / "results"
_SETS = {
    "feed2": "the feed, second set",
    "feed": "the feed, first set",
    "sample": "the 31 sample notes",
}
_PUBLIC = {
    "notesq_dl500": "questions over technical notes",
    "cacm_en": "CACM, English",
    "xquad_zh2en": "XQuAD, Chinese over English",
    "xquad_en2zh": "XQuAD, English over Chinese",
    "xquad_zh": "XQuAD, Chinese",
    "xquad_en": "XQuAD, English",
    "cmrc2018_dev": "CMRC 2018",
    "drcd_test_hans": "DRCD, simplified",
    "drcd_test_hant": "DRCD, traditional",
    "csl_title_zh": "CSL, titles",
}
_METHODS = {
    "BM25 + jieba": "BM25 + jieba",
    "dense alone": "dense alone",
    "fused": "fused",
    "fused + reranked": "reranked",
}
_READING = {
    "xquad_zh": "XQuAD, Chinese",
    "xquad_en": "XQuAD, English",
    "drcd_test_hans": "DRCD, simplified",
    "cmrc2018_dev": "CMRC 2018",
}
_CLAIMS = {
    "attributionbench_dev": "AttributionBench, dev",
    "qags": "QAGS",
    "csnli_dev": "CSNLI, Chinese",
    "wice_claim_dev": "WiCE, dev (partly trained on)",
    "ragtruth_other_sources": "RAGTruth, 66 sources (partly trained on)",
    "factcheckgpt_stance": "Factcheck-GPT (partly trained on)",
}
_CHECKS = {
    "check, as shipped": "the check",
    "IDF coverage, whole context": "word coverage, whole context",
    "IDF coverage, best 3 sentences": "word coverage, best 3 sentences",
    "length of the claim": "length of the claim",
}
_RIVALS = {
    "youju": "youju",
    "best sentences by BM25": "best sentences by BM25",
    "best sentences by BM25 of the passages found": "the same, of the passages youju found",
}
_BLOCK = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- /table -->)", re.DOTALL)
Item = dict[str, Any]


def result_of(suite: str, name: str, folder: Path = RESULTS) -> dict[str, Any]:
    """The one committed result of a suite on a set.

    Raises:
        ConfigError: there is none, or more than one, so that nobody could say which counts.
    """
    found = sorted(folder.glob(f"{suite}-{name}-*.json"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise ConfigError(f"{folder} must hold one result of {suite} on {name}, it holds {names}")
    return load(found[0])


def _rate(items: Sequence[Item], holds: Callable[[Item], bool], *, share: bool = True) -> str:
    n = sum(holds(item) for item in items)
    return f"{n}/{len(items)} = {n / len(items):.3f}" if share and items else f"{n}/{len(items)}"


def _answers(items: Sequence[Item]) -> dict[str, str]:
    mine = [i for i in items if i["answerable"]]
    shown = [i for i in mine if not i["abstained"]]
    alien = [i for i in items if not i["answerable"]]
    return {
        "questions": str(len(items)),
        "fact and note right": _rate(mine, lambda i: i["right"]),
        "cites the right note": _rate(mine, lambda i: i["note"]),
        "refused though answerable": _rate(mine, lambda i: i["abstained"]),
        "answered though unanswerable": _rate(alien, lambda i: not i["abstained"], share=False),
        "all shown claims supported": _rate(shown, lambda i: i["supported"]),
    }


def _check(items: Sequence[Item]) -> dict[str, str]:
    altered = [i for i in items if i["gold"] == "contradicted"]
    true = [i for i in items if i["gold"] == "supported"]
    return {
        "claims": str(len(items)),
        "right verdict": _rate(items, lambda i: i["right"]),
        "altered claims supported": _rate(
            altered, lambda i: bool(i["verdict"] == "supported"), share=False
        ),
        "altered claims contradicted": _rate(altered, lambda i: i["right"]),
        "true claims supported": _rate(true, lambda i: i["right"]),
    }


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    out = ["| " + " | ".join(cells) + " |" for cells in lines]
    out[1] = "|" + "---|" * len(head)
    return "\n".join(out)


def tables(folder: Path = RESULTS) -> dict[str, str]:
    """Each table of the README by its name, as Markdown.

    Raises:
        ConfigError: a result is missing, double or broken.
    """
    out = {}
    for name, suite, rows_of in (("answers", "answers", _answers), ("check", "grounding", _check)):
        found = [rows_of(result_of(suite, one, folder)["items"]) for one in _SETS]
        rows = [[label, *(column[label] for column in found)] for label in found[0]]
        out[name] = _table([name, *_SETS.values()], rows)
    rows = []
    for one, label in _PUBLIC.items():
        figures = result_of("retrieval", one, folder)["figures"][one]
        cells = []
        for method in _METHODS:
            row = figures["methods"][method]
            cells.append(f"{row['hit@1'][0]:.3f} / {row['hit@10'][0]:.3f}")
        rows.append([label, str(figures["n"]), *cells])
    head = ["search, test halves, hit@1 / hit@10", "n", *_METHODS.values()]
    search = _table(head, rows)
    return {**out, "search": search, "reading": _reading(folder), "claims": _claims(folder)}


def _claims(folder: Path) -> str:
    """The check on claims of others beside what trains nothing; the best of a row in bold."""
    rows = []
    for one, label in _CLAIMS.items():
        run = result_of("grounding", one, folder)
        found = [run["methods"][method]["AUROC"] for method in _CHECKS]
        best = max(row[0] for row in found)
        cells = [
            f"**{row[0]:.3f}** [{row[1]:.2f}, {row[2]:.2f}]"
            if row[0] == best
            else f"{row[0]:.3f} [{row[1]:.2f}, {row[2]:.2f}]"
            for row in found
        ]
        rows.append([label, str(run["n"]), *cells])
    head = ["claims of others with their own contexts, AUROC of unsupported", "n"]
    return _table([*head, *_CHECKS.values()], rows)


def _reading(folder: Path) -> str:
    """The right sentence first, or among the first three, on sets of questions over passages."""
    rows = []
    for one, label in _READING.items():
        run = result_of("answers", one, folder)
        cells = []
        for method in _RIVALS:
            row = run["methods"][method]
            first, third = row["sentence hit@1"], row["sentence hit@3"]
            interval = f"[{first[1]:.2f}, {first[2]:.2f}]"
            cells.append(f"{first[0]:.3f} {interval} / {third[0]:.3f}")
        rows.append([label, str(run["n"]), *cells])
    head = ["answers on reading sets, test halves, sentence hit@1 / hit@3", "n"]
    return _table([*head, *_RIVALS.values()], rows)


def written(text: str, made: dict[str, str]) -> str:
    """The text with every table block filled.

    Raises:
        ConfigError: a block has a name that no table has, or a table has no block.
    """
    named = [match[2] for match in _BLOCK.finditer(text)]
    if sorted(named) != sorted(made):
        raise ConfigError(f"The README has the tables {named}, the results give {list(made)}")
    return _BLOCK.sub(lambda match: f"{match[1]}{made[match[2]]}\n{match[3]}", text)


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check every table that is made from committed results, or measure all of it again.

    Returns:
        1 if `--check` finds a table that is not current, or a result could not be measured; else 0.
    """
    parser = argparse.ArgumentParser(prog="python -m eval.figures", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail if not current")
    parser.add_argument("--readme", type=Path, help="one file (README.md and README.zh.md)")
    parser.add_argument("--rerun", action="store_true", help="measure every committed result"
                        " again and say what changed; a stopped rerun goes on")  # fmt: skip
    parser.add_argument("--data", type=Path, action="append", default=[], metavar="FOLDER",
                        help="where the feed and the public sets lie; any number")  # fmt: skip
    parser.add_argument("--quick", action="store_true",
                        help=f"with --rerun: {reruns.QUICK} items of each")  # fmt: skip
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD",
                        help="with --rerun: results with one of these in their name; bench"
                        " for the table of costs")  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("build/rerun"),
                        help="with --rerun: where the new runs are kept (build/rerun)")  # fmt: skip
    parser.add_argument("--accept", action="store_true",
                        help="with --rerun: commit the new runs in place of the old")  # fmt: skip
    args = parser.parse_args(argv)
    try:
        if args.rerun:
            return _again(args)
        made = tables()
        current = [_renewed(path, made, args.check) for path in _named(args.readme)]
        if args.readme is None:
            current.append(targets.renewed(PAGE, check=args.check))
            # last, for the READMEs are read again
            current += [_written(*one, check=args.check) for one in costs.renewed(Path()).items()]
            sizes = sizing.renewed(sizing.read_figures())
            current += [_written(*one, check=args.check) for one in sizes.items()]
        if not max(current):
            print("figures: the tables are those of the committed results", file=sys.stderr)
        return max(current)
    except (OSError, ConfigError) as fault:
        print(f"figures: {fault}", file=sys.stderr)
        return 1


def _again(args: argparse.Namespace) -> int:
    """Measure again, tell what changed, and take the new runs over if that is wanted."""
    if args.accept and args.quick:
        raise ConfigError("--accept takes whole runs, not --quick ones")
    how = reruns.Rerun(data=tuple(args.data), out=args.out, quick=args.quick, only=tuple(args.only))
    todo = reruns.steps(RESULTS, how)
    code = reruns.code_digest()
    outcomes = []
    for n, step in enumerate(todo, 1):
        took = f", {step.seconds:.0f} s when committed" if not step.missing else ""
        print(f"figures: {n}/{len(todo)} {step.name}{took}", file=sys.stderr, flush=True)
        outcomes.append(reruns.perform(step, how, code))
    text = reruns.report(outcomes, how)
    if not args.only or "bench" in args.only:
        print("figures: bench", file=sys.stderr, flush=True)
        text += f"\n## Costs\n\n{bench.again(how.kept / 'bench', quick=args.quick)}\n"
    if not args.quick:
        made = tables(reruns.merged(outcomes, RESULTS, how.out / "merged"))
        text += _differences(made)
    told = how.kept / "changes.md"
    told.parent.mkdir(parents=True, exist_ok=True)
    told.write_text(text, encoding="utf-8")
    print(text)
    if args.accept:
        print(f"figures: {len(reruns.accepted(outcomes))} results replaced", file=sys.stderr)
        return main([])
    return int(any(outcome.told.startswith("failed") for outcome in outcomes))


def _differences(made: dict[str, str]) -> str:
    """Lines of the README's tables that the new runs change."""
    text = READMES[0].read_text(encoding="utf-8")
    new = written(text, made)
    lines = difflib.unified_diff(
        text.splitlines(),
        new.splitlines(),
        "README.md",
        "README.md, measured now",
        n=0,
        lineterm="",
    )
    found = "\n".join(lines)
    if not found:
        return "\nEvery table of README.md comes out as it stands there.\n"
    return f"\n## Tables of README.md\n\n```diff\n{found}\n```\n"


READMES = (Path("README.md"), Path("README.zh.md"))
PAGE = Path("docs/targets.md")


def _named(readme: Path | None) -> tuple[Path, ...]:
    return READMES if readme is None else (readme,)


def _renewed(readme: Path, made: dict[str, str], check: bool) -> int:
    if readme.name.endswith(".zh.md"):
        made = {name: in_chinese(table) for name, table in made.items()}
    text = readme.read_text(encoding="utf-8")
    return _written(readme, written(text, made), check=check)


def _written(path: Path, text: str, *, check: bool) -> int:
    """Write a document where it is not current; with `check` only say so, and return 1."""
    if path.read_text(encoding="utf-8") == text:
        return 0
    if check:
        print(f"figures: tables of {path} are not current: run make figures", file=sys.stderr)
        return 1
    path.write_text(text, encoding="utf-8")
    print(f"figures: {path} is renewed", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
