"""Sentences of found passages as candidates for an answer, and what speaks for each.

A question is aligned with a unit as a claim is: by form, by other names, by translation, by
vector. The features say how much of the question the unit and its surroundings cover, what is
missing or in conflict, whether it holds the kind of thing asked for, and where it stands. Knows
hits and questions; `answering` weighs the features.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.alignment import Alignment, Matcher, Word, weigh, words
from assistant.contrast import conflicts, missing_numbers
from assistant.lexicon import alike
from assistant.quantities import quantities
from assistant.questions import Kind, Question, question_numbers
from assistant.similarity import WordSimilarity
from assistant.types import Hit
from corpus.blocks import units
from corpus.glossary import translations
from corpus.text import fold, has_han
from corpus.tokens import commonness, tokens
from corpus.types import Unit

__all__ = ["FEATURES", "QUESTION_FEATURES", "Candidate", "candidates", "features", "question_row"]

_MAX_CANDIDATES = 90
_HAN_RARE, _HAN_COMMON = 1.0, 300.0  # occurrences per million words


@dataclass(slots=True)
class Candidate:
    """A unit of a hit, with its surroundings.

    Attributes:
        rank: of the hit, from 0.
        place: of the unit among those of its hit, from 0.
        stem: the line that governs it, or "".
        heading: headings above it.
        before: the end of the unit before.
        after: the beginning of the unit behind.
    """

    hit: Hit
    unit: Unit
    rank: int
    place: int
    stem: str
    heading: str
    before: str
    after: str
    covered: tuple[float, ...] = ()
    score: float = 0.0

    @property
    def text(self) -> str:
        """Exactly the note's words."""
        return self.hit.note.text[self.unit.start : self.unit.end]


def candidates(hits: Sequence[Hit]) -> list[Candidate]:
    """The units of the hits in order, headings and header rows left out."""
    out: list[Candidate] = []
    for rank, hit in enumerate(hits):
        text = hit.note.text
        pieces = units(hit.note, hit.chunk.start, hit.chunk.end, hit.chunk.heading)
        headers = {u.stem for u in pieces if u.kind == "row" and u.stem}
        kept = [u for u in pieces if u.kind != "heading" and (u.start, u.end) not in headers]
        for place, unit in enumerate(kept):
            before = text[kept[place - 1].start : kept[place - 1].end] if place else ""
            after = (
                text[kept[place + 1].start : kept[place + 1].end] if place + 1 < len(kept) else ""
            )
            heading = unit.heading or hit.chunk.heading
            out.append(
                Candidate(
                    hit=hit,
                    unit=unit,
                    rank=rank,
                    place=place,
                    stem=text[slice(*unit.stem)] if unit.stem else "",
                    heading=" ".join(heading),
                    before=before[-160:],
                    after=after[:160],
                )
            )
    return out[:_MAX_CANDIDATES]


FEATURES = (
    "own", "stem", "heading", "title", "near", "all", "own_known", "all_known", "missing_names",
    "missing_weight", "heaviest_missing", "title_names", "conflict", "opposite", "cosine",
    "cosine_best", "hit", "rank", "bm25", "hit_cosine", "place", "length", "question_words", "crossing",
    "fits", "measure", "number", "date", "who", "why", "defines", "how", "compares", "code", "is_item",
    "is_row", "is_code", "has_stem", "stem_label", "cut_off", "asks", "new_words", "exact_run", "kind_number",
    "kind_when", "kind_who", "kind_list", "kind_compare", "kind_why", "kind_how", "kind_define",
    "kind_code", "kind_yes_no", "kind_open", "all_best", "own_best", "all_gap", "label",
    "unknown_names", "unknown_weight", "asks_name", "spells_out",
)  # fmt: skip


def features(
    question: Question,
    found: Sequence[Candidate],
    *,
    idf: Callable[[str], float],
    df: Callable[[str], int],
    similar: WordSimilarity,
) -> NDArray[np.float32]:
    """What speaks for each candidate.

    Args:
        question: the parsed question.
        found: candidates of one question.
        idf: weight of a term in the notes.
        df: number of passages that hold a term.
        similar: word and sentence vectors.

    Returns:
        float32 of shape (len(found), len(FEATURES)).
    """
    asked = words(question.core)
    weights = weigh(asked, idf) * np.array([_rarity(w, df) for w in asked])
    known = np.array([_is_known(w, df) for w in asked], dtype=float)
    texts = [words(c.text) for c in found]
    stems, headings = [words(c.stem) for c in found], [words(c.heading) for c in found]
    titles = [words(" ".join((c.hit.note.title, *c.hit.note.aliases))) for c in found]
    matcher = Matcher(asked, texts, similar)
    around = Matcher(asked, [*stems, *headings, *titles], similar)
    own_vectors = similar.vectors([c.text[:400] for c in found])
    cosines = own_vectors @ similar.vectors([question.text])[0]
    rows = np.zeros((len(found), len(FEATURES)), np.float32)
    view = _View(question, asked, weights, known)
    strange = np.array(
        [not known[i] and not _has_kin(w, df) for i, w in enumerate(asked)], dtype=bool
    )
    rows[:, _COLUMN["unknown_names"]] = sum(w.is_name and strange[i] for i, w in enumerate(asked))
    rows[:, _COLUMN["unknown_weight"]] = (
        float(weights[strange].max(initial=0.0)) if len(asked) else 0.0
    )
    scores: list[NDArray[np.float64]] = []
    for i, c in enumerate(found):
        own = matcher.align(texts[i], c.text)
        parts = [
            np.array(around.align(w, t).score)
            for w, t in (
                (stems[i], c.stem),
                (headings[i], c.heading),
                (titles[i], c.hit.note.title),
            )
        ]
        scores.append(_fill(rows[i], view, c, own, parts))
    _compare_all(rows, found, scores, weights, cosines)
    return rows


@dataclass(frozen=True, slots=True)
class _View:
    question: Question
    asked: tuple[Word, ...]
    weights: NDArray[np.float64]
    known: NDArray[np.float64]


def _rarity(word: Word, df: Callable[[str], int]) -> float:
    """How much a word of the question must be answered: colloquial words that notes lack, less."""
    if word.is_name or word.is_number or df(word.text):
        return 1.0
    if not has_han(word.text):
        return 0.5
    per_million = commonness(word.text)
    if per_million <= _HAN_RARE:
        return 1.0
    return float(
        max(0.25, 1 - 0.75 * np.log(per_million / _HAN_RARE) / np.log(_HAN_COMMON / _HAN_RARE))
    )


def _is_known(word: Word, df: Callable[[str], int]) -> bool:
    return df(word.text) > 0 or any(df(name) > 0 for name in word.known)


def _has_kin(word: Word, df: Callable[[str], int]) -> bool:
    """Whether the notes hold another name of a word, or one in the other language."""
    kin = [*alike(word.text), *(name for name, odds in translations(word.text) if odds >= 0.05)]
    return any(df(name) > 0 for name in kin)


def _share(score: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    total = float(weights.sum())
    return float((score * weights).sum()) / total if total > 0 else 0.0


_COLUMN = {name: i for i, name in enumerate(FEATURES)}


def _fill(
    row: NDArray[np.float32],
    view: _View,
    c: Candidate,
    own: Alignment,
    parts: Sequence[NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Fill the features of one candidate; return how surely each word of the question is covered."""
    weights, known = view.weights, view.known
    same = (
        ~np.array(own.is_opposite, dtype=bool) if own.is_opposite else np.ones(len(weights), bool)
    )
    mine = np.array(own.score) * same
    stem, heading, title = (part * same if part.size else np.zeros_like(mine) for part in parts)
    lost_numbers = missing_numbers(view.question.core, c.text, f"{c.stem} {c.heading}")
    for i, word in enumerate(view.asked):
        if word.is_number and not any(q.start <= word.start < q.end for q in lost_numbers):
            mine[i] = max(mine[i], 0.9)
    every = np.maximum.reduce([mine, 0.95 * stem, 0.85 * heading, 0.8 * title])
    names = np.array([w.is_name or w.is_number for w in view.asked], dtype=bool)
    lost = weights * (every < 0.5)
    objections = conflicts(view.question.core, c.text, own, every.tolist())
    text = c.text

    def put(name: str, value: float) -> None:
        row[_COLUMN[name]] = value

    put("own", _share(mine, weights))
    put("stem", _share(stem, weights))
    put("heading", _share(heading, weights))
    put("title", _share(title, weights))
    put("all", _share(every, weights))
    put("own_known", _share(mine, weights * known))
    put("all_known", _share(every, weights * known))
    put("missing_names", float((names & (every < 0.6)).sum()))
    put("missing_weight", float(lost.sum()))
    put("heaviest_missing", float(lost.max(initial=0.0)))
    put("title_names", _share(np.maximum(title, heading), weights * names) if names.any() else -1.0)
    put(
        "conflict",
        max(
            (o.strength for o in objections if o.kind in ("name", "version", "word", "number")),
            default=0.0,
        ),
    )
    put(
        "opposite",
        float(max((o.strength for o in objections if o.kind == "opposite"), default=0.0)),
    )
    put("hit", c.hit.score)
    put("rank", 1.0 / (1 + c.rank))
    put("bm25", c.hit.scores.bm25 or 0.0)
    put("hit_cosine", c.hit.scores.cosine or 0.0)
    put("place", float(min(c.place, 12)))
    put("length", float(np.log1p(len(text))))
    put("question_words", float((weights > 0).sum()))
    put("crossing", float(has_han(view.question.text) != has_han(text)))
    put("is_item", float(c.unit.kind == "item"))
    put("is_row", float(c.unit.kind == "row"))
    put("is_code", float(c.unit.kind in ("code", "formula")))
    put("has_stem", float(bool(c.stem)))
    put("stem_label", float(c.stem.rstrip().endswith((":", "："))))
    put("label", float(text.rstrip().endswith((":", "："))))
    put("cut_off", float(text.rstrip().endswith(("...", "…"))))
    put("asks", float(text.rstrip().endswith(("?", "？"))))
    paired = set(own.to)
    new = sum(w.is_content and j not in paired for j, w in enumerate(own.evidence))
    put("new_words", float(min(new, 20)))
    put("exact_run", _longest_run(own))
    put(f"kind_{view.question.kind.value}", 1.0)
    _fill_fits(row, view.question, text)
    found: NDArray[np.float64] = every
    return found


def _longest_run(own: Alignment) -> float:
    """Longest run of neighbouring words that are neighbours in the unit, too."""
    best = run = 0
    for i in range(1, len(own.to)):
        run = run + 1 if own.to[i] >= 0 and own.to[i] == own.to[i - 1] + 1 else 0
        best = max(best, run)
    return float(best)


def _compare_all(
    rows: NDArray[np.float32],
    found: Sequence[Candidate],
    scores: Sequence[NDArray[np.float64]],
    weights: NDArray[np.float64],
    cosines: NDArray[np.float32],
) -> None:
    """Features that compare a candidate with its neighbours and with all others."""
    by_place = {(c.rank, c.place): i for i, c in enumerate(found)}
    for i, c in enumerate(found):
        near = [scores[i]]
        near += [
            0.85 * scores[by_place[c.rank, c.place + d]]
            for d in (-1, 1)
            if (c.rank, c.place + d) in by_place
        ]
        rows[i, _COLUMN["near"]] = _share(np.maximum.reduce(near), weights)
        found[i].covered = tuple(scores[i].tolist())
    rows[:, _COLUMN["cosine"]] = cosines
    for name, of in (("cosine_best", "cosine"), ("all_best", "all"), ("own_best", "own")):
        column = rows[:, _COLUMN[of]]
        rows[:, _COLUMN[name]] = column - column.max(initial=0.0)
    rows[:, _COLUMN["all_gap"]] = rows[:, _COLUMN["all"]].max(initial=0.0)


_WHO = re.compile(
    r"提出|发布|作者|发明|开发|研发|推出|团队|公司|等人|由[^，,。]{1,20}(?:提出|开发|发布|设计)|来源|"
    r"proposed|introduced|developed|released|\bby\b|et al",
    re.IGNORECASE,
)
_WHEN = re.compile(
    r"\d{2,4}\s*年|\d{1,2}\s*月|\d{4}[-/.]\d{1,2}|(?<!\d)(?:19|20)\d{2}(?!\d)|世纪|年代"
)
_WHY = re.compile(
    r"因为|由于|因此|所以|导致|造成|使得|从而|为了|原因|以致|以至|避免|解决|为此|不需要|不用|只需|否则|会让|才能|"
    r"because|since|therefore|due to|so that|in order to|avoid|otherwise|hence",
    re.IGNORECASE,
)
_HOW = re.compile(
    r"通过|利用|使用|采用|先|然后|再|把|将|步骤|方法|首先|接着|最后|用.{1,12}(?:来|去|做)|by |using|first|then|via",
    re.IGNORECASE,
)
_COMPARE = re.compile(
    r"相比|比|而|更|区别|不同|差|高于|低于|优于|than|while|whereas|differ|unlike|compared|both|only",
    re.IGNORECASE,
)
_DEFINE = re.compile(
    r"(?:[)）\"”]|^.{0,40}?)\s*(?:是|即|指|为|也就是|称为|叫做|通常指|表示|:|：|is|are|refers to|means)"
)
_SPELLED = re.compile(
    r"[A-Za-z]{2,}\s*[(（][A-Za-z][^)）]{5,}[)）]|[(（][^)）]*[A-Z]{2,}[^)）]*[)）]"
)
_ASKS_NAME = re.compile(
    r"全称|缩写|简称|全名|stands? for|full name|abbreviation|acronym", re.IGNORECASE
)
_NAMED = re.compile(r"[A-Z][A-Za-z]+")


def _fill_fits(row: NDArray[np.float32], question: Question, text: str) -> None:
    """Whether a unit holds the kind of thing the question asks for."""
    numbers = question_numbers(question.text)
    folded = fold(question.text)
    new = [q for q in quantities(text) if q.value not in numbers and not q.is_weak]
    versions = any(t.kind == "number" and t.text not in folded for t in tokens(text))
    measured = bool(question.measure) and has_han(question.measure)
    holds = {
        "number": bool(new or versions),
        "date": _WHEN.search(text) is not None,
        "who": _WHO.search(text) is not None or _NAMED.search(text) is not None,
        "why": _WHY.search(text) is not None,
        "how": _HOW.search(text) is not None,
        "compares": _COMPARE.search(text) is not None,
        "defines": _DEFINE.search(text[:80]) is not None,
        "code": "`" in text or "```" in text or "$" in text,
    }
    row[_COLUMN["asks_name"]] = float(_ASKS_NAME.search(question.text) is not None)
    row[_COLUMN["spells_out"]] = float(_SPELLED.search(text) is not None)
    for name, value in holds.items():
        row[_COLUMN[name]] = float(value)
    row[_COLUMN["measure"]] = (
        -1.0
        if not measured
        else float(
            question.measure[0] in text
            or any(q.unit and q.unit[0] == question.measure[0] for q in new)
        )
    )
    wanted = {
        Kind.NUMBER: "number", Kind.WHEN: "date", Kind.WHO: "who", Kind.WHY: "why",
        Kind.HOW: "how", Kind.COMPARE: "compares", Kind.DEFINE: "defines", Kind.CODE: "code",
    }.get(question.kind)  # fmt: skip
    row[_COLUMN["fits"]] = float(holds[wanted]) if wanted else 1.0


QUESTION_FEATURES = (
    *(f"top {name}" for name in FEATURES),
    *(f"mean {name}" for name in FEATURES),
    *(f"max {name}" for name in FEATURES),
    "first",
    "second",
    "three",
    "eight",
)


def question_row(rows: NDArray[np.float32], scores: NDArray[np.float64]) -> NDArray[np.float32]:
    """What all candidates together say of whether the notes answer.

    Args:
        rows: features of the candidates, of shape (n, len(FEATURES)), n at least 1.
        scores: probability of each candidate, of shape (n,).

    Returns:
        float32 of shape (len(QUESTION_FEATURES),): the best candidate, the mean of the best
        three, the largest of all, and the probabilities of the best added up.
    """
    order = np.argsort(-scores, kind="stable")
    best = scores[order]
    return np.concatenate(
        [
            rows[order[0]],
            rows[order[:3]].mean(axis=0),
            rows.max(axis=0),
            [best[0], best[1] if len(best) > 1 else 0.0, best[:3].sum(), best[:8].sum()],
        ]
    ).astype(np.float32)
