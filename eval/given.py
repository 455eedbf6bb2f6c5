"""Questions asked of a few given texts: does it answer, refuse, tell of a contradiction?

The four abilities of RGB (Chen et al., AAAI 2024): answers among noise, refusal where there is
nothing but noise, several parts from several texts, and false texts; with DomainRAG's pages,
tables and conversations. Each case is asked of an index of its own, that holds its texts and
nothing else. Knows cases; where they come from is `eval.given_sets`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant.markers import without_markers
from assistant.pipeline import Assistant
from assistant.types import Answer
from eval.answers import abstention_curve
from eval.given_cases import Case, share_of
from eval.given_rivals import compared
from eval.groundedness import weakest
from eval.published_claims import told
from eval.ranking import character_f1
from eval.runs import mean_metric
from eval.setting import Setting

__all__ = ["evaluate"]


def evaluate(cases: Sequence[Case], *, setting: Setting) -> dict[str, Any]:
    """Figures and items of the answers to cases.

    A right answer holds all parts of one right reading, each in one of its alternatives, marks and
    blanks aside, as the authors' own scripts count; where there is only noise, a refusal is right.

    Args:
        cases: at least one.
        setting: whose models search, answer and judge.

    Returns:
        `metrics` ([mean, low, high, n]), `methods` (`given_rivals.compared`), `groups` (by language
        and kind), `curve` and `items`.
    """
    items: list[dict[str, Any]] = []
    said: list[str] = []
    asked: dict[Any, tuple[dict[str, Any], str]] = {}
    for case in cases:
        # shares of noise are the same texts where a question has one that answers
        key = (replace(case, id="", kind=""), frozenset(text.text for text in case.given))
        if key not in asked:
            with _opened(case, setting) as assistant:
                if not items:  # what the first question loads is not its time
                    assistant.ask(case.question, case.history)
                asked[key] = _judged(case, assistant)
        item, text = asked[key]
        items.append({**item, "id": case.id, "kind": case.kind})
        said.append(text)
    methods = compared(cases, items, said)
    for item in items:
        del item["tells"]
    return {
        "n": len(items),
        "metrics": _metrics(items),
        "methods": methods,
        "groups": _groups(items),
        "curve": abstention_curve(items),
        "items": items,
    }


@contextmanager
def _opened(case: Case, setting: Setting) -> Iterator[Assistant]:
    """The assistant over the texts of a case, each a note."""
    with tempfile.TemporaryDirectory() as folder:
        for n, text in enumerate(case.given):
            name = f"note-{_letters(n)}"  # a figure could be taken for one of the answer's
            title = json.dumps(text.title, ensure_ascii=False)
            if text.is_html:
                file, body = f"{name}.html", f"<title>{text.title or name}</title>\n{text.text}\n"
            else:
                head = f"---\ntitle: {title}\n---\n" if text.title else ""
                file, body = f"{name}.md", f"{head}{text.text}\n"
            (Path(folder) / file).write_text(body, encoding="utf-8")
        with setting.opened(Path(folder)) as assistant:
            yield assistant


def _letters(n: int) -> str:
    return chr(ord("a") + n % 26) * (1 + n // 26)


def _judged(case: Case, assistant: Assistant) -> tuple[dict[str, Any], str]:
    """The item of a case, and the answer shown without its markers, "" for a refusal."""
    answer = assistant.ask(case.question, case.history)
    shown = not answer.abstained
    said = without_markers(answer.text) if shown else ""
    item: dict[str, Any] = {
        "id": case.id, "kind": case.kind, "lang": case.lang, "text": case.question,
        "answerable": case.answerable, "abstained": answer.abstained,
        "confidence": round(answer.confidence, 4) if answer.confidence is not None else None,
        "supported": all(c.verdict.value == "supported" for c in answer.claims) if shown else None,
        "chars": len(answer.text),
        "ms": answer.timings_ms.get("total", 0.0), "tells": _tells(answer),
    }  # fmt: skip
    if case.answerable is False:
        item["right"] = answer.abstained
    elif case.answerable:
        item |= _beside(case, said)
    if (case.wrong and case.answerable is None) or case.disagrees:
        item["false answer shown"] = shown and share_of(said, case.wrong) == 1
    if case.disagrees:
        item["contradiction told"] = item["tells"]
    elif case.answerable and case.is_checked:
        item["contradiction told without one"] = item["tells"]
    if case.is_checked:
        item |= _checked(case, assistant)
    return item, said


def _beside(case: Case, said: str) -> dict[str, Any]:
    """An answer beside the right ones; whole passages are compared by overlap only."""
    overlap = max(
        (character_f1(said, "、".join(part[0] for part in one)) for one in case.right), default=0.0
    )
    share = share_of(said, case.right)
    held = {} if case.is_long else {"right": share == 1, "fact share": round(share, 4)}
    return {**held, "character F1": round(overlap, 4)}


def _tells(answer: Answer) -> bool:
    """Whether the answer says that the notes contradict each other."""
    return bool(answer.notes_disagree) or any(
        claim.verdict.value == "contradicted" for claim in answer.claims
    )


def _checked(case: Case, assistant: Assistant) -> dict[str, Any]:
    """The verdict on the true and on the false answer, put as "question: answer"."""
    verdicts = {}
    for name, readings in (("true", case.right), ("false", case.wrong)):
        if not readings:
            continue
        claim = told(case.question, [part[0] for part in readings[0]])
        verdicts[name] = weakest(assistant.check(claim).claims)[0]
    out: dict[str, Any] = {}
    if "true" in verdicts:
        out["true answer supported"] = verdicts["true"] == "supported"
    if "false" in verdicts:
        out["false answer flagged"] = verdicts["false"] in ("contradicted", "unsupported")
        out["false answer contradicted"] = verdicts["false"] == "contradicted"
    return out


def _known(items: Sequence[dict[str, Any]], key: str) -> list[float]:
    return [float(i[key]) for i in items if i.get(key) is not None]


def _metrics(items: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    mine = [i for i in items if i["answerable"]]
    alien = [i for i in items if i["answerable"] is False]
    rows = {
        "right answers": _known(mine, "right"),
        "facts in the answer": _known(mine, "fact share"),
        "character F1": _known(mine, "character F1"),
        "refused though answerable": _known(mine, "abstained"),
        "answered though unanswerable": [float(not i["abstained"]) for i in alien],
        "contradictions told": _known(items, "contradiction told"),
        "contradictions told without one": _known(items, "contradiction told without one"),
        "false answers shown": _known(items, "false answer shown"),
        "false answers flagged": _known(items, "false answer flagged"),
        "false answers contradicted": _known(items, "false answer contradicted"),
        "true answers supported": _known(items, "true answer supported"),
        "all shown claims supported": _known(items, "supported"),
        "abstained": _known(items, "abstained"),
        "ms": _known(items, "ms"),
    }
    for kind in dict.fromkeys(i["kind"] for i in items):
        right = _known([i for i in items if i["kind"] == kind], "right")
        rows[f"right, {kind}"] = right
    return {name: mean_metric(values) for name, values in rows.items() if values}


def _groups(items: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Per language, and per language and kind: right answers, refusals, overlap."""
    out: dict[str, dict[str, Any]] = {}
    named = {"right": "right", "refused": "abstained", "character F1": "character F1"}
    for lang in sorted({i["lang"] for i in items}):
        kinds = dict.fromkeys(i["kind"] for i in items if i["lang"] == lang)
        for kind in ("", *kinds):
            some = [i for i in items if i["lang"] == lang and kind in ("", i["kind"])]
            row = {
                name: mean_metric(values)
                for name, key in named.items()
                if (values := _known(some, key))
            }
            out[f"{lang}, {kind}" if kind else lang] = row
    return out
