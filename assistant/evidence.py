"""What speaks for each candidate for an answer.

A question is aligned with a unit as a claim is: by form, by other names, by translation, by
vector. The features say how much of the question the unit and its surroundings cover, what is
missing or in conflict, whether it holds the kind of thing asked for, and where it stands. What
has the same form for every candidate is computed for all of them at once. Knows candidates and
questions; `answering` weighs the features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from assistant.alignment import Alignment, Matcher
from assistant.candidates import Candidate
from assistant.contrast import replacements
from assistant.differing import missing_numbers
from assistant.fitting import Asked, Fit, fits
from assistant.lexicon import alike
from assistant.questions import Question
from assistant.similarity import WordSimilarity
from assistant.words import Word, weigh, words
from corpus.glossary import translations
from corpus.protocol import Frequencies
from corpus.text import has_han
from corpus.tokens import is_proper

__all__ = ["FEATURES", "features"]

_SLOTS = frozenset({"name", "version", "word", "number"})

_Matrix = NDArray[np.float64]  # of shape (n_candidates, n_words of the question), in [0, 1]

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
_COLUMN = {name: i for i, name in enumerate(FEATURES)}
# what is told of each candidate by itself, in the order of the functions that tell it
_OBJECTIONS = ("conflict", "opposite")
_WHO_DOES_WHAT = (
    "clause", "clause_rest", "name_apart", "foreign", "subject", "rival", "in_order", "new_words",
    "exact_run",
)  # fmt: skip
_SINGLES = [_COLUMN[name] for name in (*_OBJECTIONS, *_WHO_DOES_WHAT, *Fit._fields)]


def features(
    question: Question,
    found: Sequence[Candidate],
    now: Frequencies,
    *,
    similar: WordSimilarity,
) -> NDArray[np.float32]:
    """What speaks for each candidate; sets `Candidate.covered`.

    Args:
        question: the parsed question.
        found: candidates of one question.
        now: how rare a term is in the notes that they come from.
        similar: word and sentence vectors.

    Returns:
        float32 of shape (len(found), len(FEATURES)).
    """
    asked = words(question.core)
    df = now.df
    weights = weigh(asked, now.idf, df)
    texts = [words(c.text) for c in found]
    matcher = Matcher(asked, texts, similar)
    own = [matcher.align(text, c.text) for text, c in zip(texts, found, strict=True)]
    covered = _Covered(question, found, own, similar)
    known = np.array([_is_known(w, df) for w in asked], dtype=float)
    strange = np.array(
        [not known[i] and not _has_kin(w, df) for i, w in enumerate(asked)], dtype=bool
    )
    cosines = similar.vectors([c.text[:400] for c in found])
    cosines = cosines @ similar.vectors([question.text])[0]
    columns = {
        **_shares(asked, weights, known, covered),
        **_standing(question, found),
        "unknown_names": sum(w.is_name and strange[i] for i, w in enumerate(asked)),
        "unknown_weight": float(weights[strange].max(initial=0.0)),
        "question_words": float((weights > 0).sum()),
        f"kind_{question.kind.value}": 1.0,
        "near": _share(_with_neighbours(found, covered.every), weights),
        "cosine": cosines,
    }
    rows = np.zeros((len(found), len(FEATURES)), np.float32)
    for name, values in columns.items():
        rows[:, _COLUMN[name]] = values
    of_question = Asked(question)
    mine, every = covered.mine.tolist(), covered.every.tolist()
    heavy, total = weights.tolist(), float(weights.sum()) or 1.0
    singles: list[tuple[float, ...]] = []
    for i, c in enumerate(found):
        c.covered = tuple(every[i])
        near = _near(own[i], heavy)
        singles.append(
            (
                *_objections(question, c, own[i], every[i]),
                *_who_does_what(own[i], mine[i], heavy, total, c),
                *fits(of_question, c.text, near),
            )
        )
    if singles:
        rows[:, _SINGLES] = singles
    for name, of in (("cosine_best", "cosine"), ("all_best", "all"), ("own_best", "own")):
        column = rows[:, _COLUMN[of]]
        rows[:, _COLUMN[name]] = column - column.max(initial=0.0)
    rows[:, _COLUMN["all_gap"]] = rows[:, _COLUMN["all"]].max(initial=0.0)
    return rows


def _is_known(word: Word, df: Callable[[str], int]) -> bool:
    return df(word.text) > 0 or any(df(name) > 0 for name in word.known)


def _has_kin(word: Word, df: Callable[[str], int]) -> bool:
    """Whether the notes hold another name of a word, or one in the other language."""
    kin = [*alike(word.text), *(name for name, odds in translations(word.text) if odds >= 0.05)]
    return any(df(name) > 0 for name in kin)


class _Covered:
    """How surely each candidate, and what stands around it, says each word of the question.

    Attributes:
        mine: the unit itself.
        stem: the line that governs it.
        heading: the headings above it.
        title: the note's title and aliases.
        every: the best of all, those around a little less.
    """

    def __init__(
        self,
        question: Question,
        found: Sequence[Candidate],
        own: Sequence[Alignment],
        similar: WordSimilarity,
    ) -> None:
        asked = words(question.core)
        shape = (len(found), len(asked))
        same = ~np.array([a.is_opposite for a in own], dtype=bool).reshape(shape)
        self.mine: _Matrix = np.array([a.score for a in own], dtype=float).reshape(shape) * same
        numbered = [i for i, w in enumerate(asked) if w.is_number]
        if numbered:
            self._add_numbers(question, found, asked, numbered)
        parts = _said_around(asked, found, similar)
        self.stem, self.heading, self.title = (
            np.array(part, dtype=float).reshape(shape) * same for part in parts
        )
        self.every: _Matrix = np.maximum.reduce(
            [self.mine, 0.95 * self.stem, 0.85 * self.heading, 0.8 * self.title]
        )

    def _add_numbers(
        self,
        question: Question,
        found: Sequence[Candidate],
        asked: Sequence[Word],
        numbered: Sequence[int],
    ) -> None:
        """A number that the unit or its surroundings state in any form is covered."""
        for row, c in zip(self.mine, found, strict=True):
            lost = missing_numbers(question.core, c.text, f"{c.stem} {c.heading}")
            for i in numbered:
                if not any(q.start <= asked[i].start < q.end for q in lost):
                    row[i] = max(row[i], 0.9)


def _said_around(
    asked: tuple[Word, ...], found: Sequence[Candidate], similar: WordSimilarity
) -> list[list[tuple[float, ...]]]:
    """How surely stem, headings and title of each candidate say each word; each text once."""
    named = [
        (c, " ".join((c.hit.note.title, *c.hit.note.aliases, *c.hit.note.tags))) for c in found
    ]
    around = Matcher(
        asked, [words(t) for c, title in named for t in (c.stem, c.heading, title)], similar
    )
    parts: list[list[tuple[float, ...]]] = [[], [], []]
    for c, title in named:
        parts[0].append(around.align(words(c.stem), c.stem).score)
        parts[1].append(around.align(words(c.heading), c.heading).score)
        parts[2].append(around.align(words(title), title).score)
    return parts


def _share(score: _Matrix, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the weights that each row covers."""
    total = float(weights.sum())
    found: NDArray[np.float64] = (
        (score * weights).sum(axis=1) / total if total > 0 else np.zeros(len(score))
    )
    return found


def _shares(
    asked: Sequence[Word],
    weights: NDArray[np.float64],
    known: NDArray[np.float64],
    covered: _Covered,
) -> dict[str, NDArray[np.float64] | float]:
    """How much of the question is covered by what, and what is missing."""
    mine, every = covered.mine, covered.every
    named = np.array([w.is_name for w in asked], dtype=bool)
    names = named | np.array([w.is_number for w in asked], dtype=bool)
    entities = names | np.array([is_proper(w.text) for w in asked], dtype=bool)
    missing = every < 0.5
    lost = weights * missing
    total = float(weights.sum()) or 1.0
    around = np.maximum(covered.title, covered.heading)
    return {
        "own": _share(mine, weights),
        "stem": _share(covered.stem, weights),
        "heading": _share(covered.heading, weights),
        "title": _share(covered.title, weights),
        "all": _share(every, weights),
        "own_known": _share(mine, weights * known),
        "all_known": _share(every, weights * known),
        "missing_names": (names & (every < 0.6)).sum(axis=1).astype(float),
        "missing_weight": lost.sum(axis=1),
        "heaviest_missing": lost.max(axis=1, initial=0.0),
        "title_names": _share(around, weights * names) if names.any() else -1.0,
        "names_own": _share(mine, weights * named) if named.any() else -1.0,
        "names_around": _share(every, weights * named) if named.any() else -1.0,
        "weakest_name": every[:, named].min(axis=1) if named.any() else -1.0,
        "rest_own": _share(mine, weights * ~named),
        "rest_all": _share(every, weights * ~named),
        "rest_lost": (lost * ~named).max(axis=1, initial=0.0) / total,
        "entities_lost": (entities & missing & (weights > 0)).sum(axis=1).astype(float),
    }


def _standing(
    question: Question, found: Sequence[Candidate]
) -> dict[str, NDArray[np.float64] | list[float]]:
    """Where each candidate stands, and of what form it is."""
    ends = [c.text.rstrip() for c in found]
    is_chinese = has_han(question.text)
    return {
        "hit": [c.hit.score for c in found],
        "rank": [1.0 / (1 + c.rank) for c in found],
        "bm25": [c.hit.scores.bm25 or 0.0 for c in found],
        "hit_cosine": [c.hit.scores.cosine or 0.0 for c in found],
        "place": [float(min(c.place, 12)) for c in found],
        "length": np.log1p([len(c.text) for c in found]),
        "crossing": [float(is_chinese != has_han(c.text)) for c in found],
        "is_item": [float(c.unit.kind == "item") for c in found],
        "is_row": [float(c.unit.kind == "row") for c in found],
        "is_code": [float(c.unit.kind in ("code", "formula")) for c in found],
        "has_stem": [float(bool(c.stem)) for c in found],
        "stem_label": [float(c.stem.rstrip().endswith((":", "："))) for c in found],
        "label": [float(end.endswith((":", "："))) for end in ends],
        "cut_off": [float(end.endswith(("...", "…"))) for end in ends],
        "asks": [float(end.endswith(("?", "？"))) for end in ends],
    }


def _with_neighbours(found: Sequence[Candidate], every: _Matrix) -> _Matrix:
    """Coverage in which the units before and behind count, too, a little less."""
    by_place = {(c.rank, c.place): i for i, c in enumerate(found)}
    near = every.copy()
    for i, c in enumerate(found):
        for d in (-1, 1):
            j = by_place.get((c.rank, c.place + d))
            if j is not None:
                np.maximum(near[i], 0.85 * every[j], out=near[i])
    return near


def _objections(
    question: Question, c: Candidate, own: Alignment, every: Sequence[float]
) -> tuple[float, float]:
    """_OBJECTIONS: how surely the unit has something else in the place of what is asked about."""
    found = replacements(question.core, c.text, own, every)
    return (
        max((o.strength for o in found if o.kind in _SLOTS), default=0.0),
        max((o.strength for o in found if o.kind == "opposite"), default=0.0),
    )


@lru_cache(maxsize=8192)
def _content(text: str) -> tuple[frozenset[int], tuple[int, ...]]:
    """Places of the content words of a text, and of its names in order."""
    found = words(text)
    return (
        frozenset(j for j, w in enumerate(found) if w.is_content),
        tuple(j for j, w in enumerate(found) if w.is_name),
    )


@lru_cache(maxsize=2048)
def _texts(text: str) -> frozenset[str]:
    return frozenset(w.text for w in words(text))


def _who_does_what(
    own: Alignment, mine: Sequence[float], weights: Sequence[float], total: float, c: Candidate
) -> tuple[float, ...]:
    """_WHO_DOES_WHAT: whether what is asked is said of the thing asked about, not of another one."""
    content, there = _content(c.text)
    pairs = [(i, j) for i, j in enumerate(own.to) if j >= 0 and weights[i] > 0]
    by_clause: dict[int, float] = {}
    rest_by_clause: dict[int, float] = {}
    for i, j in pairs:
        k, said = own.evidence[j].clause, mine[i] * weights[i]
        by_clause[k] = by_clause.get(k, 0.0) + said
        if not own.claim[i].is_name:
            rest_by_clause[k] = rest_by_clause.get(k, 0.0) + said
    asked = {j for i, j in pairs if own.claim[i].is_name}
    others = [j for i, j in pairs if not own.claim[i].is_name]
    known = _texts(c.heading), _texts(c.hit.note.title)
    foreign = {
        j for j in there if j not in asked and not any(own.evidence[j].text in k for k in known)
    }
    main = max(rest_by_clause, key=lambda k: rest_by_clause[k], default=None)
    here = {j for j in there if own.evidence[j].clause == main}
    any_name = any(w.is_name for w in own.claim)
    steps = list(pairwise(j for _, j in pairs))
    apart = min((abs(a - b) for a in asked for b in others), default=-1)
    return (
        max(by_clause.values(), default=0.0) / total,
        max(rest_by_clause.values(), default=0.0) / total,
        float(min(20, apart)),
        float(min(8, len(foreign))),
        0.5 if not there else float(there[0] in asked),
        float(bool(any_name and here & foreign and not here & asked)),
        sum(a <= b for a, b in steps) / len(steps) if steps else 1.0,
        float(min(20, len(content.difference(own.to)))),
        float(_longest_run(own)),
    )


def _longest_run(own: Alignment) -> int:
    """Longest run of neighbouring words that are neighbours in the unit, too."""
    best = run = 0
    for a, b in pairwise(own.to):
        run = run + 1 if b >= 0 and b == a + 1 else 0
        best = max(best, run)
    return best


def _near(own: Alignment, weights: Sequence[float]) -> Sequence[Word]:
    """The words of the clause of a unit that says most of the question, and of its neighbours.

    None where no clause says any of it.
    """
    said: dict[int, float] = {}
    for i, j in enumerate(own.to):
        if j >= 0:
            k = own.evidence[j].clause
            said[k] = said.get(k, 0.0) + own.score[i] * weights[i]
    if not said:
        return ()
    main = max(said, key=lambda k: (said[k], -k))
    return [w for w in own.evidence if abs(w.clause - main) <= 1]
