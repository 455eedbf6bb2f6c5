"""Answers to known questions: facts, evidence, citations, abstention both ways, length, time.

Without gold it says what needs none: whether markers resolve, claims are supported, and how often
it abstains. Knows questions and answers; nothing of files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.generating import EXTRACTIVE
from assistant.markers import without_markers
from assistant.pipeline import Assistant
from assistant.types import Answer, Citation
from corpus.protocol import Index
from eval.goldens import contains
from eval.questions import Asked
from eval.ranking import alce, character_f1, span_recall
from eval.runs import mean_metric

__all__ = ["abstention_curve", "evaluate", "judged"]

_MARKER = re.compile(r"\[(\d{1,3})\]")
_STEPS = 21  # thresholds of the curve


def evaluate(assistant: Assistant, asked: Sequence[Asked]) -> dict[str, Any]:
    """Figures and items of the answers to questions.

    Returns:
        `metrics` ([mean, low, high, n]), `groups` (right answers per kind and language),
        `curve` (threshold, refused though answerable, answered though not) and `items`.
    """
    items = []
    if asked and assistant.generator == EXTRACTIVE:  # what the first question loads is not its time
        assistant.ask(asked[0].question, asked[0].history)
    for one in asked:
        answer = assistant.ask(one.question, one.history)
        item = judged(one, answer, assistant.index)
        if assistant.generator != EXTRACTIVE and not answer.abstained:
            item["model's"] = answer.generator != EXTRACTIVE
        items.append(item)
    return {
        "n": len(items),
        "metrics": _metrics(items),
        "groups": _groups(items),
        "curve": abstention_curve(items),
        "items": items,
    }


def judged(one: Asked, answer: Answer, index: Index) -> dict[str, Any]:
    """One answer beside what is known; a field is None where nothing is known to judge it by."""
    notes = {c.note: index.note(c.note).text for c in answer.citations}
    shown = not answer.abstained
    item: dict[str, Any] = {
        "id": one.id, "kind": one.kind, "lang": one.lang, "text": one.question,
        "answerable": one.answerable, "abstained": answer.abstained,
        "confidence": round(answer.confidence, 4) if answer.confidence is not None else None,
        "supported": all(c.verdict.value == "supported" for c in answer.claims) if shown else None,
        "markers resolve": _resolve(answer, notes) if shown else None,
        "chars": len(answer.text),
        "ms": answer.timings_ms.get("total", 0.0),
    }  # fmt: skip
    if one.answerable is False:
        item["right"] = answer.abstained
    elif one.answerable:
        item |= _against_gold(one, answer, index)
    return item


def _resolve(answer: Answer, notes: Mapping[str, str]) -> bool:
    """Whether every claim's marker has a citation, and every citation stands and is exact."""
    known = {c.marker for c in answer.citations}
    shown = {int(m) for m in _MARKER.findall(answer.text)}
    exact = all(notes[c.note][c.start : c.end] == c.quote for c in answer.citations)
    return exact and known <= shown and all(set(c.citations) <= known for c in answer.claims)


def _touches(citation: Citation, one: Asked) -> bool:
    return any(
        citation.note == g.note
        and (not g.end or (citation.start < g.end and g.start < citation.end))
        for g in one.gold
    )


def _against_gold(one: Asked, answer: Answer, index: Index) -> dict[str, Any]:
    """What the gold of an answerable question says; an abstention has nothing right."""
    shown = not answer.abstained
    out: dict[str, Any] = {}
    if one.facts:
        found = [shown and contains(answer.text, fact) for fact in one.facts]
        out["facts"] = all(found)
        out["fact share"] = sum(found) / len(found)
    if one.gold:
        cited = answer.citations if shown else ()
        out["note"] = any(c.note == g.note for c in cited for g in one.gold)
        out["span"] = any(_touches(c, one) for c in cited)
        spans = [(c.note, c.start, c.end) for c in cited]
        out["evidence recall"] = span_recall(spans, [(g.note, g.start, g.end) for g in one.gold])
        out["citation recall"], out["citation precision"] = _citations(one, answer)
        out |= _beside_evidence(one, answer, index)
    parts = [out[key] for key in ("facts", "note") if key in out]
    out["right"] = shown and all(parts)
    return out


def _citations(one: Asked, answer: Answer) -> tuple[float, float]:
    """ALCE's recall and precision with the gold spans as judge: a set that touches one supports.

    A sentence with a marker that resolves to nothing counts as one without citations, as in ALCE.
    """
    by_marker = {c.marker: c for c in answer.citations}
    cited = [
        [by_marker[m] for m in c.citations] if set(c.citations) <= set(by_marker) else []
        for c in answer.claims
    ]
    if answer.abstained or not cited:
        return 0.0, 0.0
    return alce(cited, lambda own: any(isinstance(c, Citation) and _touches(c, one) for c in own))


def _beside_evidence(one: Asked, answer: Answer, index: Index) -> dict[str, float]:
    """Character F1 and length of the answer beside the gold evidence, where its place is known."""
    quotes = [index.note(g.note).text[g.start : g.end] for g in one.gold if g.end]
    if not quotes:
        return {}
    gold = "\n".join(quotes)
    if answer.abstained:
        return {"character F1": 0.0}
    plain = without_markers(answer.text)
    return {
        "character F1": round(character_f1(plain, gold), 4),
        "length ratio": round(len(plain) / len(gold), 3),
    }


def _known(items: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    return [float(i[key]) for i in items if i.get(key) is not None]


def _metrics(items: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    mine = [i for i in items if i["answerable"]]
    alien = [i for i in items if i["answerable"] is False]
    spent = sorted(i["ms"] for i in items)
    rows = {
        "right answers": _known(mine, "right"),
        "all facts in the answer": _known(mine, "facts"),
        "facts in the answer": _known(mine, "fact share"),
        "character F1": _known(mine, "character F1"),
        "cites the right note": _known(mine, "note"),
        "cites a gold span": _known(mine, "span"),
        "evidence recall": _known(mine, "evidence recall"),
        "citation recall": _known(mine, "citation recall"),
        "citation precision": _known(mine, "citation precision"),
        "refused though answerable": _known(mine, "abstained"),
        "answered though unanswerable": [float(not i["abstained"]) for i in alien],
        "all shown claims supported": _known(items, "supported"),
        "markers resolve": _known(items, "markers resolve"),
        "model's answers shown": _known(items, "model's"),
        "length ratio": _known(mine, "length ratio"),
        "abstained": _known(items, "abstained"),
        "ms": _known(items, "ms"),
    }
    out = {name: mean_metric(values) for name, values in rows.items() if values}
    if spent:
        at = spent[min(len(spent) - 1, int(0.95 * len(spent)))]
        out["latency p95 ms"] = [at, at, at, len(spent)]
    return out


def _groups(items: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    out: dict[str, dict[str, Any]] = {}
    for field in ("lang", "kind"):
        for value in sorted({i[field] for i in items} - {""}):
            mine = [i for i in items if i[field] == value and i.get("right") is not None]
            if mine:
                out[f"{field} {value}"] = {"right": mean_metric(_known(mine, "right"))}
    return out


def abstention_curve(items: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """Both errors of abstention, if it were decided at other thresholds of confidence.

    Returns:
        Rows of [threshold, answerable ones refused / answerable, unanswerable ones answered /
        unanswerable], for thresholds from 0 to 1; empty where one of the two kinds is absent.
        An answer is given from the threshold on (>=), as in the product.
    """
    mine = _known([i for i in items if i["answerable"]], "confidence")
    alien = _known([i for i in items if i["answerable"] is False], "confidence")
    if not mine or not alien:
        return []
    cuts = [n / (_STEPS - 1) for n in range(_STEPS)]
    return [
        [
            cut,
            round(sum(c < cut for c in mine) / len(mine), 4),
            round(sum(c >= cut for c in alien) / len(alien), 4),
        ]
        for cut in cuts
    ]
