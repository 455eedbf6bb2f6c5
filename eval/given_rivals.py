"""What trains nothing beside the product, over questions asked of given texts, as RGB measures.

Each rival answers from the very texts of a case: with BM25's first sentence, or with the run of
three sentences that covers most of the question; refusing never, always, or below a coverage whose
cut comes from the other half of the questions. Knows cases and the items that were judged.

Source of the measures: Chen et al., "Benchmarking Large Language Models in Retrieval-Augmented
Generation", AAAI 2024.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval import verdicts
from eval.baselines import Lines
from eval.domainrag import Readings
from eval.given_cases import Case, share_of
from eval.records import Record
from eval.stats import with_interval
from eval.verdicts import Floats

__all__ = ["compared"]


@dataclass(frozen=True, slots=True)
class _Reply:
    """What one says to one case.

    Attributes:
        said: the answer shown; "" for a refusal.
        sure: higher means likelier answerable.
        tells: whether it says that the texts contradict each other; None where it cannot.
    """

    said: str
    sure: float
    tells: bool | None = None


def compared(
    cases: Sequence[Case], items: Sequence[Mapping[str, Any]], said: Sequence[str]
) -> dict[str, dict[str, list[float]]]:
    """RGB's measures of the product and of its rivals.

    Args:
        cases: that were asked.
        items: of the product's answers, in the order of the cases.
        said: the product's answers without markers, "" where it refused, in the same order.

    Returns:
        By method, then by measure: [value, low, high], the interval over questions. "accuracy, …"
        is the share of answerable cases of a kind whose answer holds the right one (a refusal does
        not); "rejection rate" the share of cases of noise alone that are refused; "balanced
        accuracy of refusing" the mean of that and of the share of answerable ones answered;
        "AUROC answerable" that of the confidence; "error detection" the share of cases of true and
        false texts where the contradiction is told, "error correction" the share of these whose
        answer is right all the same, "contradiction told without one" the share of the answerable
        cases of true texts where it is told; "characters" the mean length of an answer.
    """
    ours = [
        _Reply(
            text, -1.0 if item["confidence"] is None else float(item["confidence"]), item["tells"]
        )
        for text, item in zip(said, items, strict=True)
    ]
    sure = [max(reply.sure, 0.0) for reply in ours]
    cut = [(reply.sure, reply.said) for reply in ours]
    every = {
        "youju": ours,
        "youju, refusing more": _cut(cut, _refused(cases, sure), [r.tells for r in ours]),
        **_rivals(cases),
    }
    return {name: _measures(cases, replies) for name, replies in every.items()}


def _rivals(cases: Sequence[Case]) -> dict[str, list[_Reply]]:
    records = [
        Record(id=case.id, text=case.question, contexts=tuple(text.text for text in case.given))
        for case in cases
    ]
    lines = Lines(records)
    first = [lines.best_sentence(record) for record in records]
    window = [lines.best_window(record) for record in records]
    sure = [share for share, _ in window]
    flagged = _refused(cases, sure)
    return {
        "BM25's first sentence": [_Reply(text, share, tells=False) for share, text in first],
        "first sentence, may refuse": _cut(first, _refused(cases, [share for share, _ in first])),
        "best 3 sentences, may refuse": _cut(window, flagged),
        "refuse or object always": [_Reply("", 0.0, tells=True) for _ in cases],
    }


def _cut(
    found: Sequence[tuple[float, str]], refused: Sequence[bool], tells: Sequence[bool | None] = ()
) -> list[_Reply]:
    """Replies of which some are refused."""
    told = tells or [False] * len(found)
    return [
        _Reply("" if no else text, share, tells=tell)
        for (share, text), no, tell in zip(found, refused, told, strict=True)
    ]


def _refused(cases: Sequence[Case], sure: Sequence[float]) -> list[bool]:
    """Whether each is refused, by the cut that is best on the other half of the questions."""
    known = np.array([case.answerable is not None for case in cases])
    alien = np.array([case.answerable is False for case in cases])
    scores = 1 - np.array(sure, float)
    halves = np.array([_half(case.group) for case in cases])
    out = np.zeros(len(cases), bool)
    for half in (halves, ~halves):
        other = ~half & known
        if half.any() and other.any():
            out[half] = scores[half] >= _best(scores[other], alien[other])
    return [bool(no) for no in out]


def _best(scores: Floats, alien: verdicts.Bools) -> float:
    """The best cut; nothing is refused where the other half has no unanswerable one."""
    return verdicts.best_cut(scores, alien) if alien.any() else math.inf


def _half(group: str) -> bool:
    return hashlib.sha256(group.encode("utf-8", "replace")).digest()[0] % 2 == 0


def _measures(cases: Sequence[Case], replies: Sequence[_Reply]) -> dict[str, list[float]]:
    """Every measure that has cases."""
    out: dict[str, list[float]] = {}
    pairs = list(zip(cases, replies, strict=True))

    def put(
        name: str, holds: Callable[[Case], bool], value: Callable[[Case, _Reply], float]
    ) -> None:
        mine = [(case, reply) for case, reply in pairs if holds(case)]
        if mine:
            values = np.array([value(case, reply) for case, reply in mine], float)
            groups = [case.group for case, _ in mine]
            out[name] = with_interval(lambda w: float(np.average(values, weights=w)), groups)

    def right(case: Case, reply: _Reply) -> float:
        return float(_is_right(reply.said, case.right))

    def judged(case: Case) -> bool:
        return case.answerable is True and not case.is_long

    for kind in dict.fromkeys(case.kind for case in cases if judged(case)):
        put(f"accuracy, {kind}", lambda c, kind=kind: judged(c) and c.kind == kind, right)  # type: ignore[misc]
    put("accuracy, all answerable", judged, right)
    put("rejection rate", lambda c: c.answerable is False, lambda _, r: float(not r.said))
    out |= _of_refusing(pairs)
    put("error detection", lambda c: c.disagrees, lambda _, r: float(bool(r.tells)))
    told = {id(case) for case, reply in pairs if case.disagrees and reply.tells}
    put("error correction", lambda c: id(c) in told, right)
    if any(case.disagrees for case in cases):
        put(
            "contradiction told without one",
            lambda c: c.answerable is True and not c.disagrees,
            lambda _, r: float(bool(r.tells)),
        )
    shown = [(case, reply) for case, reply in pairs if reply.said]
    if shown:
        mean = float(np.mean([len(reply.said) for _, reply in shown]))
        out["characters of an answer"] = [mean, mean, mean]
    return out


def _is_right(said: str, readings: Readings) -> bool:
    return bool(said) and share_of(said, readings) == 1


def _of_refusing(pairs: Sequence[tuple[Case, _Reply]]) -> dict[str, list[float]]:
    """How well answerable cases are told from unanswerable ones, where there are both."""
    known = [(case, reply) for case, reply in pairs if case.answerable is not None]
    alien = np.array([case.answerable is False for case, _ in known])
    if not alien.any() or alien.all():
        return {}
    refused = np.array([not reply.said for _, reply in known])
    unsure = -np.array([reply.sure for _, reply in known], float)
    groups = [case.group for case, _ in known]
    return {
        "balanced accuracy of refusing": with_interval(
            lambda w: verdicts.balanced_accuracy(refused, alien, w), groups
        ),
        "AUROC answerable": with_interval(lambda w: verdicts.auroc(unsure, alien, w), groups),
    }
