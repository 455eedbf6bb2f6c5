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
from itertools import pairwise

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
from corpus.tokens import is_proper, tokens
from corpus.types import Unit

__all__ = ["FEATURES", "QUESTION_FEATURES", "Candidate", "candidates", "features", "question_row"]

_MAX_CANDIDATES = 90


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
    "unknown_names", "unknown_weight", "asks_name", "spells_out", "names_own", "names_around",
    "rest_own", "rest_all", "rest_lost", "clause", "clause_rest", "name_apart", "subject", "foreign",
    "rival", "in_order", "weakest_name", "entities_lost", "unmet", "fits_near", "names_someone",
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
    weights = weigh(asked, idf, df)
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
    seen: dict[str, NDArray[np.float64]] = {}

    def covered(text: str, there: tuple[Word, ...]) -> NDArray[np.float64]:
        if text not in seen:
            seen[text] = np.array(around.align(there, text).score)
        return seen[text]

    for i, c in enumerate(found):
        own = matcher.align(texts[i], c.text)
        parts = [
            covered(c.stem, stems[i]),
            covered(c.heading, headings[i]),
            covered(c.hit.note.title, titles[i]),
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
    for name, value in _who_does_what(own, mine, every, weights, c).items():
        put(name, value)
    entities = names | np.array([is_proper(w.text) for w in view.asked], dtype=bool)
    put("entities_lost", float((entities & (every < 0.5) & (weights > 0)).sum()))
    put(f"kind_{view.question.kind.value}", 1.0)
    _fill_fits(row, view.question, text, _near_text(own, weights, text))
    found: NDArray[np.float64] = every
    return found


def _who_does_what(
    own: Alignment,
    mine: NDArray[np.float64],
    every: NDArray[np.float64],
    weights: NDArray[np.float64],
    c: Candidate,
) -> dict[str, float]:
    """Whether what is asked is said of the thing asked about, not of another one beside it."""
    named = np.array([w.is_name for w in own.claim], dtype=bool)
    rest = ~named
    total = float(weights.sum()) or 1.0
    lost = weights * (every < 0.5) * rest
    out = {
        "names_own": _share(mine, weights * named) if named.any() else -1.0,
        "names_around": _share(every, weights * named) if named.any() else -1.0,
        "rest_own": _share(mine, weights * rest),
        "rest_all": _share(every, weights * rest),
        "rest_lost": float(lost.max(initial=0.0)) / total,
        "weakest_name": float(every[named].min()) if named.any() else -1.0,
    }
    pairs = [(i, j) for i, j in enumerate(own.to) if j >= 0 and weights[i] > 0]
    by_clause: dict[int, float] = {}
    rest_by_clause: dict[int, float] = {}
    for i, j in pairs:
        k, said = own.evidence[j].clause, float(mine[i] * weights[i])
        by_clause[k] = by_clause.get(k, 0.0) + said
        if rest[i]:
            rest_by_clause[k] = rest_by_clause.get(k, 0.0) + said
    out["clause"] = max(by_clause.values(), default=0.0) / total
    out["clause_rest"] = max(rest_by_clause.values(), default=0.0) / total
    asked = {j for i, j in pairs if named[i]}
    others = [j for i, j in pairs if rest[i]]
    out["name_apart"] = (
        float(min(20, min(abs(a - b) for a in asked for b in others))) if asked and others else -1.0
    )
    known = {w.text for w in words(f"{c.heading} {c.hit.note.title}")}
    there = [j for j, w in enumerate(own.evidence) if w.is_name]
    foreign = [j for j in there if j not in asked and own.evidence[j].text not in known]
    out["foreign"] = float(min(8, len(foreign)))
    out["subject"] = 0.5 if not there else float(there[0] in asked)
    main = max(rest_by_clause, key=lambda k: rest_by_clause[k], default=None)
    here = {j for j in there if own.evidence[j].clause == main}
    out["rival"] = float(bool(named.any() and here & set(foreign) and not here & asked))
    places = [j for _, j in pairs]
    steps = list(pairwise(places))
    out["in_order"] = sum(a <= b for a, b in steps) / len(steps) if steps else 1.0
    return out


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


_SOMEONE = re.compile(r"等人|作者|团队|公司|实验室|大学|et al", re.IGNORECASE)
_ASKS_VALUE = frozenset({Kind.NUMBER, Kind.WHEN, Kind.WHO})


def _near_text(own: Alignment, weights: NDArray[np.float64], text: str) -> str:
    """The clause of a unit that says most of the question, with its neighbours."""
    said: dict[int, float] = {}
    for i, j in enumerate(own.to):
        if j >= 0:
            k = own.evidence[j].clause
            said[k] = said.get(k, 0.0) + own.score[i] * float(weights[i])
    if not said:
        return text
    main = max(said, key=lambda k: (said[k], -k))
    near = [w for w in own.evidence if abs(w.clause - main) <= 1]
    return text[near[0].start : near[-1].end]


def _fill_fits(row: NDArray[np.float32], question: Question, text: str, near: str) -> None:
    """Whether a unit, and its clause that says most, holds the kind of thing asked for."""
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
    asked = {w.text for w in words(question.text)}
    someone = _SOMEONE.search(near) is not None or any(
        (w.is_name or is_proper(w.text)) and w.text not in asked for w in words(near)
    )
    here = {
        Kind.NUMBER: any(q.value not in numbers and not q.is_weak for q in quantities(near)),
        Kind.WHEN: _WHEN.search(near) is not None,
        Kind.WHO: someone,
    }.get(question.kind)
    row[_COLUMN["fits_near"]] = 0.5 if here is None else float(here)
    row[_COLUMN["unmet"]] = float(question.kind in _ASKS_VALUE and not row[_COLUMN["fits"]])
    row[_COLUMN["names_someone"]] = float(someone)


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
