"""`python -m eval answers|grounding|retrieval|dialogues|scripted SET`: how good the product is on a set.

`retrieval` takes several sets, each a folder of `--data` (see `eval.retrieval`). Prints a table;
`--out FILE` also keeps it as JSON with the commit, the versions of the models and every item, for
`eval/results`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from assistant.pipeline import Assistant
from assistant.types import Answer, Claim
from corpus.errors import ConfigError, YoujuError
from eval import dialogues, retrieval, scripted
from eval.goldens import GoldClaim, GoldQuestion, claims, contains, notes_of, questions

__all__ = ["main"]

_ORDER = ("contradicted", "unsupported", "not_checked", "supported")


def main() -> int:
    """Run one suite on one set, or `retrieval` on several."""
    parser = argparse.ArgumentParser(prog="python -m eval", description=__doc__)
    parser.add_argument(
        "suite", choices=("answers", "grounding", "retrieval", "dialogues", "scripted")
    )
    parser.add_argument(
        "set",
        nargs="+",
        help="feed, feed2, sample, vault; for grounding also studies, self-llm, ml-engineering;"
        " for retrieval folders of --data; for dialogues sample",
    )
    parser.add_argument(
        "--split", default="dev", choices=("dev", "test", "all"), help="half of the set"
    )
    parser.add_argument("--data", type=Path, help="where notes that are not in the repository lie")
    parser.add_argument("--out", type=Path, help="keep the result as JSON")
    parser.add_argument("--misses", action="store_true", help="print what went wrong")
    args = parser.parse_args()
    if args.suite != "retrieval" and len(args.set) > 1:
        parser.error(f"{args.suite} takes one set")
    try:
        if args.suite == "retrieval":
            result = _retrieval(args.set, args.data, args.split)
        else:
            result = _asked(args)
    except YoujuError as error:
        print(f"eval: {error}", file=sys.stderr)
        return 1
    if args.out:
        facts = {
            "suite": args.suite, "set": " ".join(args.set), "split": args.split,
            "commit": _commit(),
            "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        }  # fmt: skip
        text = json.dumps({**facts, **result}, ensure_ascii=False, indent=1)
        args.out.write_text(text + "\n", encoding="utf-8")
    return 0


def _asked(args: argparse.Namespace) -> dict[str, Any]:
    """Result of a suite that asks or checks over the notes of one golden set."""
    (name,) = args.set
    notes = notes_of(name, args.data)
    with (
        tempfile.TemporaryDirectory() as folder,
        Assistant.open(notes, Path(folder) / "index") as assistant,
    ):
        assistant.refresh()
        started = time.perf_counter()
        run = {
            "answers": _answers, "grounding": _grounding, "dialogues": dialogues.evaluate,
            "scripted": scripted.evaluate,
        }  # fmt: skip
        result = run[args.suite](assistant, name, args.split, misses=args.misses)
        result["seconds"] = round(time.perf_counter() - started, 1)
    for label, value in result["figures"].items():
        print(f"{label:<32} {value}")
    return result


def _retrieval(names: list[str], data: Path | None, split: str) -> dict[str, Any]:
    """Figures per set and method, with the ranks of every query."""
    if data is None:
        raise ConfigError("The sets are not in this repository: name their folder with --data")
    figures: dict[str, Any] = {}
    queries: dict[str, Any] = {}
    started = time.perf_counter()
    for name in names:
        found = retrieval.evaluate(retrieval.load_set(data, name, split))
        print(retrieval.table(name, found), flush=True)
        queries[name] = found.pop("ranks")
        figures[name] = found
    seconds = round(time.perf_counter() - started, 1)
    return {"figures": figures, "items": queries, "seconds": seconds}


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _answers(assistant: Assistant, name: str, split: str, *, misses: bool) -> dict[str, Any]:
    items = []
    for gold in questions(name, split):
        answer = assistant.ask(gold.question)
        item = _judged(gold, answer)
        items.append(item)
        if misses and not item["right"]:
            print(
                f"{gold.id} {gold.kind} {gold.question}\n    -> {' '.join(answer.text.split())[:200]}"
            )
    mine = [i for i in items if i["answerable"]]
    alien = [i for i in items if not i["answerable"]]
    figures = {
        "questions": len(items),
        "fact and note right": _rate(mine, "right"),
        "all facts in the answer": _rate(mine, "facts"),
        "cites the right note": _rate(mine, "note"),
        "cites a gold span": _rate(mine, "span"),
        "refused though answerable": _rate(mine, "abstained"),
        "answered though unanswerable": f"{sum(not i['abstained'] for i in alien)}/{len(alien)}",
        "all shown claims supported": _rate([i for i in mine if not i["abstained"]], "supported"),
    }
    kinds = {k: [i for i in mine if i["kind"] == k] for k in sorted({i["kind"] for i in mine})}
    figures |= {f"  right, {kind}": _rate(found, "right") for kind, found in kinds.items()}
    return {"figures": figures, "items": items}


def _judged(gold: GoldQuestion, answer: Answer) -> dict[str, Any]:
    facts = not answer.abstained and all(contains(answer.text, fact) for fact in gold.facts)
    note = any(c.note == g.note for c in answer.citations for g in gold.gold)
    span = any(
        c.note == g.note and (not g.end or (c.start < g.end and g.start < c.end))
        for c in answer.citations
        for g in gold.gold
    )
    return {
        "id": gold.id, "kind": gold.kind, "answerable": gold.answerable, "facts": facts,
        "note": note, "span": span, "abstained": answer.abstained,
        "right": (facts and note) if gold.answerable else answer.abstained,
        "supported": all(c.verdict.value == "supported" for c in answer.claims),
        "chars": len(answer.text),
    }  # fmt: skip


def _rate(items: list[dict[str, Any]], key: str) -> str:
    n = sum(bool(i[key]) for i in items)
    return f"{n}/{len(items)} = {n / len(items):.3f}" if items else "0/0"


def _grounding(assistant: Assistant, name: str, split: str, *, misses: bool) -> dict[str, Any]:
    items = []
    for gold in claims(name, split):
        found = assistant.check(gold.claim).claims
        item = _verdict(gold, found)
        items.append(item)
        if misses and item["verdict"] != gold.verdict:
            why = found[0].reason if found else "no claim was found"
            print(
                f"{gold.id} {gold.kind} {gold.verdict} -> {item['verdict']}: {gold.claim}\n    {why}"
            )
    confusion = Counter((i["gold"], i["verdict"]) for i in items)
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        by_kind[f"{item['kind']} ({item['gold']})"].append(item)
    altered = [i for i in items if i["gold"] == "contradicted"]
    true = [i for i in items if i["gold"] == "supported"]
    figures: dict[str, Any] = {
        "claims": len(items),
        "right verdict": _rate(items, "right"),
        "macro-F1 of three classes": round(_macro_f1(confusion), 3),
        "altered claims supported": f"{sum(i['verdict'] == 'supported' for i in altered)}/{len(altered)}",
        "altered claims contradicted": _rate(altered, "right"),
        "true claims supported": _rate(true, "right"),
    }
    figures |= {
        f"  right, {kind}": _rate(found, "right") for kind, found in sorted(by_kind.items())
    }
    table = {f"{a} -> {b}": n for (a, b), n in sorted(confusion.items())}
    return {"figures": figures, "confusion": table, "items": items}


def _verdict(gold: GoldClaim, found: tuple[Claim, ...]) -> dict[str, Any]:
    """The verdict on a gold claim: that of its weakest part."""
    verdicts = [c.verdict.value for c in found]
    worst = min(verdicts, key=_ORDER.index) if verdicts else "none"
    return {
        "id": gold.id, "kind": gold.kind, "gold": gold.verdict, "verdict": worst,
        "score": min((c.score for c in found), default=0.0), "right": worst == gold.verdict,
    }  # fmt: skip


def _macro_f1(confusion: Counter[tuple[str, str]]) -> float:
    classes = ("supported", "contradicted", "unsupported")
    scores = []
    for c in classes:
        hit = confusion[c, c]
        said = sum(n for (_, b), n in confusion.items() if b == c)
        real = sum(n for (a, _), n in confusion.items() if a == c)
        scores.append(2 * hit / (said + real) if said + real else 0.0)
    return sum(scores) / len(classes)


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough; nothing is flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)
