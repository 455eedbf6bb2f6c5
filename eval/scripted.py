"""Model-written answers under a model that hallucinates in known ways.

A real server (`scripted_server`) answers the golden questions from the passages it is sent: a true
sentence of the gold span, and beside it one planted fault. What the product shows is compared with
what was planted. The faults are made here, apart from the check and its trainers.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assistant.endpoint import Endpoint, Remote
from assistant.generating import EXTRACTIVE
from assistant.opinions import SecondOpinion
from assistant.pipeline import Assistant
from assistant.replies import is_chinese
from assistant.types import Answer, Claim
from corpus.sentences import sentence_spans
from eval.goldens import GoldQuestion
from eval.runs import Run, mean_metric
from eval.scripted_server import Reply, ScriptedServer
from eval.stats import grouped_interval

__all__ = ["FAULTS", "evaluate"]

_PLANTED = ("number", "entity", "outside")  # faults that are a false sentence
FAULTS = (*_PLANTED, "invented marker", "wrong marker", "no marker")
_KEYED = re.compile(
    r"^\[(\d{1,2}[a-z]{3})\] [^\n]*\n(.*?)(?=^\[\d{1,2}[a-z]{3}\] |\Z)", re.M | re.S
)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
_NAME = re.compile(r"(?<![A-Za-z0-9_$\\-])[A-Z][A-Za-z]*[A-Z0-9][A-Za-z0-9]*(?![A-Za-z0-9_-])")
_OUTSIDE = (
    ("珠穆朗玛峰的海拔是 8848 米。", "Mount Everest is 8,848 metres high."),
    ("水在一个大气压下的沸点是 100 摄氏度。", "Water boils at 100 degrees Celsius at sea level."),
    ("这项技术由贝尔实验室在 1974 年首次提出。", "It was first proposed at Bell Labs in 1974."),
    ("它在医疗影像诊断里的准确率超过专家。", "It outperforms experts in medical imaging."),
    ("光在真空中的速度约为每秒 30 万公里。", "Light travels at about 300,000 km per second."),
)
_LEAST, _MOST = 12, 220  # characters of a sentence worth planting
_MARK = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planted:
    """What one scripted reply holds."""

    reply: str
    true: str
    false: str
    right: str
    wrong: str


def evaluate(
    assistant: Assistant, golds: Sequence[GoldQuestion], *, judges: Sequence[SecondOpinion] = ()
) -> Run:
    """Figures over questions with gold spans, each asked once for every fault.

    Args:
        assistant: over the notes of the questions, its index refreshed.
        golds: answerable questions.
        judges: second opinions on what the scripted model writes.

    Returns:
        `metrics` and `items`, an item for each answer that was scripted: where the model was asked
        and its prompt held a gold sentence.
    """
    names = sorted(
        {n for gold in golds for s in gold.gold for n in _NAME.findall(_quote(assistant, s))}
    )
    rows: list[dict[str, Any]] = []
    current: dict[str, Any] = {}

    def respond(request: dict[str, Any]) -> Reply:
        planted = _plant(assistant, current["gold"], current["fault"], request, names)
        current["planted"] = planted
        return Reply(text=planted.reply if planted else "")

    with ScriptedServer(respond) as server:
        chat = Remote(Endpoint(base_url=server.base_url, model="scripted"))
        asked = Assistant(
            assistant.index, vault=assistant.vault, encoder=assistant.encoder, chat=chat,
            judges=judges,
        )  # fmt: skip
        for gold in golds:
            for fault in FAULTS:
                current.update(gold=gold, fault=fault, planted=None)
                answer = asked.ask(gold.question)
                if current["planted"] is not None:
                    rows.append(_judged(gold, fault, current["planted"], answer))
    return {"n": len(rows), "questions": len(golds), "metrics": _metrics(rows), "items": rows}


def _quote(assistant: Assistant, span: Any) -> str:
    return assistant.index.note(span.note).text[span.start : span.end]


def _plant(
    assistant: Assistant, gold: GoldQuestion, fault: str, request: dict[str, Any], names: list[str]
) -> _Planted | None:
    """The reply for one question; None where the prompt holds no gold sentence to build on."""
    passages = _KEYED.findall(request["messages"][-1]["content"])
    choice = random.Random(f"{gold.id}/{fault}")
    for span in gold.gold:
        text = _quote(assistant, span)
        for start, end in sentence_spans(text):
            true = " ".join(re.sub(r"^[\s>*#-]+", "", text[start:end]).split())
            home = [key for key, passage in passages if true in " ".join(passage.split())]
            away = [key for key, _ in passages if key not in home]
            is_stated = _LEAST <= len(true) <= _MOST and "|" not in true and true[-1] not in ":："
            if not is_stated or not home or not away:
                continue
            made = _fault(fault, true, choice, names)
            if made is None:
                continue
            wrong = choice.choice(away)
            return _written(fault, true, made, home[0], wrong)
    return None


def _fault(fault: str, true: str, choice: random.Random, names: list[str]) -> str | None:
    """The false sentence of a fault, "" for faults of markers, None where it cannot be made."""
    if fault == "outside":
        return choice.choice(_OUTSIDE)[0 if is_chinese(true) else 1]
    if fault == "number":
        found = list(_NUMBER.finditer(true))
        if not found:
            return None
        at = choice.choice(found)
        value = float(at.group())
        new = f"{value * 3 + 2:g}"
        return true[: at.start()] + new + true[at.end() :]
    if fault == "entity":
        own = sorted(set(_NAME.findall(true)))
        others = [n for n in names if n.lower() not in true.lower()]
        if not own or not others:
            return None
        return re.sub(
            rf"(?<![A-Za-z0-9]){re.escape(own[0])}(?![A-Za-z0-9])", choice.choice(others), true
        )
    return ""


def _written(fault: str, true: str, false: str, right: str, wrong: str) -> _Planted:
    marks = {
        "invented marker": "[9zzz][88]",
        "wrong marker": f"[{wrong}]",
        "no marker": "",
    }.get(fault, f"[{right}]")
    reply = f"{true} {marks}\n\n{false} [{right}]" if false else f"{true} {marks}"
    return _Planted(reply=reply.strip(), true=true, false=false, right=right, wrong=wrong)


def _judged(gold: GoldQuestion, fault: str, planted: _Planted, answer: Answer) -> dict[str, Any]:
    """What became of the true and of the planted sentence."""
    true, false = _claims_on(answer, planted.true), _claims_on(answer, planted.false)
    spans = {c.marker: c for c in answer.citations}
    loose = [n for n in map(int, _MARK.findall(answer.text)) if n not in spans]
    cited = [spans[n] for claim in true for n in claim.citations]
    at_home = all(planted.true in " ".join(c.quote.split()) or _near(c, gold) for c in cited)
    gone = bool(planted.false) and not false
    row = {
        "id": f"{gold.id} {fault}",
        "question": gold.id,
        "kind": fault,
        "written": answer.generator != EXTRACTIVE,
        "true flagged": not true or any(c.verdict.value != "supported" for c in true),
        "planted flagged": gone
        or (bool(false) and all(c.verdict.value != "supported" for c in false)),
        "planted cited": any(c.citations for c in false),
        "invented left": bool(loose) or "zzz" in answer.text or "[88]" in answer.text,
        "marker right": at_home,
        "cited": bool(cited),
    }
    faults = {
        "true sentence flagged": row["true flagged"],
        "planted sentence supported": bool(planted.false) and not row["planted flagged"],
        "invented marker left": row["invented left"],
        "wrong marker kept": not row["marker right"],
    }
    wrong = ", ".join(name for name, is_so in faults.items() if is_so)
    wrong = wrong if row["written"] else ""  # sentences of the notes stand in for the model's
    return {**row, "right": not wrong, "text": f"{wrong}: {planted.reply}" if wrong else ""}


def _claims_on(answer: Answer, sentence: str) -> list[Claim]:
    """The claims of an answer that make up a sentence."""
    plain = _bare(sentence)
    return [
        c for c in answer.claims if plain and (_bare(c.text) in plain or plain in _bare(c.text))
    ]


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _near(citation: Any, gold: GoldQuestion) -> bool:
    return any(
        citation.note == g.note and citation.start < g.end and g.start < citation.end
        for g in gold.gold
    )


def _metrics(rows: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """[mean, low, high, n] of each figure, of answers that were shown as the model's.

    A reply in another language than the question's gives way to sentences of the notes, which
    says nothing of its faults: how often that happens is a figure of its own.
    """
    by: dict[str, list[dict[str, Any]]] = defaultdict(list)
    shown = [row for row in rows if row["written"]]
    for row in shown:
        by[row["kind"]].append(row)
    planted = [row for fault in _PLANTED for row in by[fault]]
    removed = [{**row, "removed": not row["invented left"]} for row in by["invented marker"]]
    metrics = {
        "model's answers shown": _share(rows, "written"),
        "invented markers removed": _share(removed, "removed"),
        "wrong markers mended": _share(by["wrong marker"], "marker right"),
        "planted sentences flagged": _share(planted, "planted flagged"),
        "planted sentences cited": _share(planted, "planted cited"),
        "true sentences flagged": _share(shown, "true flagged"),
        "uncited true sentences cited": _share(by["no marker"], "cited"),
    }
    return metrics | {f"flagged, {f}": _share(by[f], "planted flagged") for f in _PLANTED}


def _share(rows: Sequence[dict[str, Any]], key: str) -> list[float]:
    """Share of answers with a property; the interval draws questions, whose answers are alike."""
    if not rows:
        return mean_metric([])
    values = np.array([row[key] for row in rows], float)
    low, high = grouped_interval(
        lambda counts: float(values @ counts / counts.sum()), [row["question"] for row in rows]
    )
    return [round(float(values.mean()), 4), round(low, 4), round(high, 4), len(rows)]
