"""The extractive answer: sentences, items, rows and code of the notes that answer a question.

Every unit of the passages found gets the probability that it answers, by a ranker trained on
questions with known answers (`eval.training.answers`). The best one is taken with what belongs
to it: a list question gets the whole list with its stem. Below the threshold there is no answer.
Knows hits and questions; the words it returns are spans of notes, never its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assistant.alignment import weigh, words
from assistant.answerable import QUESTION_FEATURES, question_row
from assistant.candidates import Candidate, candidates
from assistant.companions import COMPANION_FEATURES, companion_rows
from assistant.evidence import FEATURES, features
from assistant.injection import asks_about_orders, demanded
from assistant.lexicon import alike, opposites
from assistant.questions import (
    Kind,
    Question,
    attribute_of,
    is_talk,
    parse_question,
    takes_names,
    takes_pages,
)
from assistant.similarity import WordSimilarity
from assistant.trees import Trees, load_trees
from assistant.types import Hit
from assistant.unfolding import (
    MAX_LIST,
    announced,
    heads_list,
    is_label,
    is_scrap,
    is_under,
    list_of,
    with_announced,
)
from corpus.blocks import units
from corpus.glossary import translations
from corpus.text import fold
from corpus.tokens import is_proper
from corpus.types import Unit

__all__ = [
    "AnswerModels",
    "Extract",
    "Selection",
    "answer_models",
    "ranking",
    "select",
    "with_stem",
]

# Words of a question that a person would not miss in an answer.
_LITTLE = frozenset(
    "应该 可以 需要 能够 想要 一下 知道 用到 使用 work one us used use using make get go goe do "
    "thing way good best want know tell happen".split()
)
_COVERED = 0.5  # a word is said that is covered so surely
_UNHEARD = 0.1  # confidence at most where what is asked about a thing is not said of it
_TRANSLATED = 0.05  # a rarer translation is chance
_OPPOSED = 0.1  # of its probability keeps what stands under the opposite of what is asked
_WHOLE_LISTS = frozenset({Kind.LIST, Kind.HOW, Kind.WHY, Kind.COMPARE, Kind.OPEN})
_MAX_UNITS, _MAX_FACTS = 4, 3  # in an answer that is no list, in one that is a short fact
# A unit of so many characters must be as likely to belong as the least says; a longer one has to
# earn its length, a shorter one need not fear it.
_USUAL, _SHORTEST = 60, 0.3
_ELSEWHERE = 2.0  # so much likelier must be what stands in another note
# A short fact needs nothing beside it, but another unit may give it as well: it is shown if it is
# as likely as this share of the best one says, in the same note or another, and at all.
_FACTS = frozenset({Kind.NUMBER, Kind.WHEN, Kind.WHO})
_SHARE, _SHARE_ELSEWHERE, _LEAST = 0.2, 0.6, 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerModels:
    """The trained models of an answer.

    Attributes:
        ranker: probability that a unit answers.
        answerable: probability that the notes answer at all; `facts["cut"]` is the least one at
            which an answer is shown.
        companions: probability that a unit belongs beside the best one; `facts["least"]` is the
            least one, for a unit of usual length.
    """

    ranker: Trees
    answerable: Trees
    companions: Trees


def answer_models() -> AnswerModels:
    """The models that ship with the product.

    Raises:
        ModelError: a file is missing or damaged.
    """
    return AnswerModels(
        ranker=load_trees("answers", FEATURES),
        answerable=load_trees("answerable", QUESTION_FEATURES),
        companions=load_trees("companions", COMPANION_FEATURES),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A unit chosen for the answer.

    Attributes:
        hit: the passage it stands in.
        unit: the span.
        score: probability that it answers, in [0, 1].
        is_item: shown as an item under the stem before it.
    """

    hit: Hit
    unit: Unit
    score: float
    is_item: bool = False

    @property
    def text(self) -> str:
        """Exactly the note's words."""
        return self.hit.note.text[self.unit.start : self.unit.end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What answers the question, in the order of the answer, or why nothing does.

    Attributes:
        extracts: empty when the notes do not answer.
        confidence: probability that the notes answer, in [0, 1].
        missing: words of the question that the best evidence does not speak of, for a person;
            those that no note holds, if there are any.
        is_scattered: whether notes hold all of the missing words, elsewhere.
        unknown: names and terms of the question that no note holds, though there is an answer.
    """

    extracts: tuple[Extract, ...]
    confidence: float
    missing: tuple[str, ...] = ()
    is_scattered: bool = False
    unknown: tuple[str, ...] = ()


def select(
    question: Question,
    hits: Sequence[Hit],
    *,
    idf: Callable[[str], float],
    df: Callable[[str], int],
    similar: WordSimilarity,
    models: AnswerModels,
) -> Selection:
    """The units that answer a question, or none.

    Args:
        question: the parsed question.
        hits: passages, best first.
        idf: weight of a term in the notes.
        df: number of passages that hold a term.
        similar: word and sentence vectors.
        models: the trained ones.

    Returns:
        The selection; deterministic for the same index.
    """
    if is_talk(question.text):
        return Selection(extracts=(), confidence=0.0)
    found, rows, scores = _scored(
        question, hits, idf=idf, df=df, similar=similar, ranker=models.ranker
    )
    if not found:
        return Selection(extracts=(), confidence=0.0)
    asked = words(question.core)
    whole = question_row(asked, weigh(asked, idf, df), found, rows, scores)
    sure = float(models.answerable.probability(whole[None, :])[0])
    ranked = _by_score(found)
    best = ranked[0]
    lost = _missing(question, [best])
    absent = _words_of((word, term) for word, term in lost if not _is_held(term, df))
    missing = absent or _words_of(lost)
    unknown = _unknown(question, found, df)
    if _is_unheard_of(question, found, df):
        sure = min(sure, _UNHEARD)
    if sure < models.answerable.facts["cut"]:
        part = _without(question.text, unknown)
        if part:  # what is asked of the other things may well be there
            rest = select(
                parse_question(part), hits, idf=idf, df=df, similar=similar, models=models
            )
            if rest.extracts:
                return replace(rest, unknown=unknown)
        return Selection(
            extracts=(), confidence=sure, missing=missing, is_scattered=bool(missing and not absent)
        )
    beside = _beside(question, found, ranked, rows, scores, models.companions)
    chosen = _compose(question, best, ranked, beside)
    missing = _words_of(_missing(question, [best, *beside[: _MAX_UNITS - 1]]))
    return Selection(extracts=tuple(chosen), confidence=sure, missing=missing, unknown=unknown)


def ranking(
    question: Question,
    hits: Sequence[Hit],
    *,
    idf: Callable[[str], float],
    df: Callable[[str], int],
    similar: WordSimilarity,
    ranker: Trees,
) -> list[Extract]:
    """All units of the passages, the likeliest to answer first, whether or not any is shown.

    Args and order of equals as in `select`.
    """
    found, _, _ = _scored(question, hits, idf=idf, df=df, similar=similar, ranker=ranker)
    return [Extract(hit=c.hit, unit=c.unit, score=c.score) for c in _by_score(found)]


def _scored(
    question: Question,
    hits: Sequence[Hit],
    *,
    idf: Callable[[str], float],
    df: Callable[[str], int],
    similar: WordSimilarity,
    ranker: Trees,
) -> tuple[list[Candidate], NDArray[np.float32], NDArray[np.float64]]:
    """The units with their probabilities, also set as `score`, and the features behind them."""
    found = _allowed(question, candidates(hits))
    if not found:
        return [], np.zeros((0, 0), np.float32), np.zeros(0)
    rows = features(question, found, idf=idf, df=df, similar=similar)
    scores = ranker.probability(rows)
    scores *= [_OPPOSED if opposed else 1.0 for opposed in _opposed(question, found)]
    for candidate, score in zip(found, scores.tolist(), strict=True):
        candidate.score = score
    return found, rows, scores


def _allowed(question: Question, found: list[Candidate]) -> list[Candidate]:
    """The units that say something and give a model no orders, unless orders are asked about."""
    found = _worded(question, found)
    if asks_about_orders(question.text):
        return found
    return [candidate for candidate in found if not _is_demanded(candidate)]


def _worded(question: Question, found: list[Candidate]) -> list[Candidate]:
    """The units that say something: links alone only where a link can answer such a question.

    A few words that announce a list say nothing where none of what they announce is left.
    """
    answers = {"": True, "notes": takes_names(question), "web": takes_pages(question)}
    left = [candidate for candidate in found if answers[candidate.links]]
    announced = {(c.hit.chunk.id, c.unit.stem) for c in left}
    return [
        c
        for c in left
        if not is_label(c) or (c.hit.chunk.id, (c.unit.start, c.unit.end)) in announced
    ]


def _opposed(question: Question, found: Sequence[Candidate]) -> list[bool]:
    """For which units what governs them, stem or heading, says the opposite of what is asked.

    What stands under 不足 tells no 优势, however many words of the question it holds.
    """
    asked = {w.text for w in words(question.core) if w.is_content}
    facing = [(opposites(word), {word, *alike(word)}) for word in asked if len(word) > 1]
    facing = [(against, same) for against, same in facing if against]
    seen: dict[str, bool] = {}
    for above in {_above(c) for c in found} if facing else ():
        there = {w.text for w in words(above)}
        seen[above] = not there & asked and any(
            there & against and not there & same for against, same in facing
        )
    return [seen.get(_above(c), False) for c in found]


def _above(candidate: Candidate) -> str:
    heading = candidate.unit.heading or candidate.hit.chunk.heading
    return candidate.stem or (heading[-1] if heading else "")


def _by_score(found: Sequence[Candidate]) -> list[Candidate]:
    return sorted(found, key=lambda c: (-c.score, c.rank, c.unit.start))


def _unknown(
    question: Question, found: Sequence[Candidate], df: Callable[[str], int]
) -> tuple[str, ...]:
    """Names and terms of the question that no passage says and no note holds in any form.

    Colloquial words, which a note need not hold to answer, are left out.
    """
    asked = words(question.core)
    best = np.max([c.covered for c in found], axis=0, initial=0.0)
    lost = [
        question.text[w.start : w.end]
        for w, score in zip(asked, best, strict=True)
        if score < 0.6
        and (w.is_name or is_proper(w.text))
        and not any(df(name) for name in (w.text, *alike(w.text)))
        and not (w.known and all(df(part) for part in w.known))
    ]
    return tuple(dict.fromkeys(lost))


_JOINT = r"\s*(?:和|与|跟|及|以及|、|还是|,|，|/|\b(?:and|or|vs\.?|versus)\b)\s*"


def _without(text: str, unknown: Sequence[str]) -> str:
    """A question without unknown things that it names beside others, or "" if there are none."""
    part = text
    for name in unknown:
        beside = rf"{_JOINT}{re.escape(name)}|{re.escape(name)}{_JOINT}"
        part = re.sub(beside, "", part, count=1, flags=re.I)
    gone = all(name not in part for name in unknown)
    return part if unknown and gone and part != text else ""


def _is_demanded(candidate: Candidate) -> bool:
    """Whether prose only orders a model to do or say something."""
    chunk, unit = candidate.hit.chunk, candidate.unit
    spans = demanded(candidate.hit.note.text, chunk.start, chunk.end)
    return unit.kind != "code" and any(a < unit.end and unit.start < b for a, b in spans)


def _missing(question: Question, shown: Sequence[Candidate]) -> list[tuple[str, str]]:
    """Words of the question, and their terms, that neither these units nor what is around cover."""
    asked = words(question.core)
    return [
        (question.text[w.start : w.end], w.text)
        for w, score in zip(asked, np.max([c.covered for c in shown], axis=0), strict=True)
        if score < _COVERED
        and w.is_content
        and (len(w.text) > 1 or w.is_name or w.is_number)
        and w.text not in _LITTLE
    ]


def _words_of(lost: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word, _ in lost))


def _is_unheard_of(
    question: Question, found: Sequence[Candidate], df: Callable[[str], int]
) -> bool:
    """Whether one thing about another is asked for that the notes never say together.

    Of a thing that they define they would else answer any question with the definition. Where the
    kind of the answer tells it, such as a number, the notes need not say the word: it counts only
    that no note speaks of it, in any language.
    """
    about = attribute_of(question)
    asked = words(question.core)
    mine = {w.text for w in words(about) if w.is_content}
    named = [i for i, w in enumerate(asked) if w.text in mine]
    others = [i for i, w in enumerate(asked) if w.is_content and w.text not in mine]
    if not named or len({asked[i].text for i in named}) < len(mine):
        return False
    covered = np.array([c.covered for c in found])
    said = covered[:, named].min(axis=1) >= _COVERED
    if question.kind in (Kind.DEFINE, Kind.OPEN) and others:
        return not (said & (covered[:, others].max(axis=1) >= _COVERED)).any()
    held = any(
        _is_held(term, df)
        or any(df(name) for name, odds in translations(term) if odds >= _TRANSLATED)
        for term in mine
    )
    return not held and not said.any()


def _is_held(term: str, df: Callable[[str], int]) -> bool:
    """Whether some note holds a term, or another name of it."""
    return any(df(name) for name in (term, *alike(term)))


def _beside(
    question: Question,
    found: Sequence[Candidate],
    ranked: Sequence[Candidate],
    rows: NDArray[np.float32],
    scores: NDArray[np.float64],
    companions: Trees,
) -> list[Candidate]:
    """The units to be shown beside the best one, the worthiest first."""
    best = ranked[0]
    home = best.hit.note.path
    if question.kind in _FACTS:
        return [
            c
            for c in ranked[1:]
            if c.score >= _LEAST
            and c.score >= best.score * (_SHARE if c.hit.note.path == home else _SHARE_ELSEWHERE)
        ]
    looked_at, about = companion_rows(question.text, found, rows, scores)
    if not looked_at:
        return []
    lengths = np.array([len(found[i].text) for i in looked_at]) / _USUAL
    away = np.array([found[i].hit.note.path != home for i in looked_at])
    worth = companions.probability(about) / np.maximum(_SHORTEST, lengths)
    worth /= np.where(away, _ELSEWHERE, 1.0)
    order = np.argsort(-worth, kind="stable")
    return [found[looked_at[n]] for n in order if worth[n] >= companions.facts["least"]]


def _compose(
    question: Question, best: Candidate, ranked: list[Candidate], beside: Sequence[Candidate]
) -> list[Extract]:
    """The best unit with what belongs to it, in the order of the notes."""
    group = list_of(best, ranked)
    is_stem = heads_list(best, group)
    facing = _facing_list(question, best, ranked)
    if facing:  # both sides were asked for
        return _merge([*(group or [best]), *facing], is_list=True)
    if group and (is_stem or _wants_list(question, best, group)):
        whole = _whole_list(question, best, group)
        if is_stem or len(whole) > 1:
            return _merge(whole, is_list=True)
    picked = announced(best, ranked) if best.announces else [best]
    limit = _MAX_FACTS if question.kind in _FACTS else _MAX_UNITS
    worthy = [
        c for c in beside if not is_scrap(c) or any(is_under(other, c) for other in [best, *beside])
    ]
    near = [best, *worthy[: limit - 1]]
    for candidate in worthy:
        if len(picked) >= limit:
            break
        if not _same_words(candidate, picked):
            picked += (
                with_announced(candidate, ranked, near) if candidate.announces else [candidate]
            )
    return _merge(picked, is_list=False)


def _facing_list(
    question: Question, best: Candidate, ranked: Sequence[Candidate]
) -> list[Candidate]:
    """The items under the opposite stem, where a question asks for both: 优势和不足."""
    asked = {w.text for w in words(question.core) if w.is_content}
    above = {w.text for w in words(best.stem)}
    mine = {word for word in asked if above & {word, *alike(word)}}
    other = {word for word in asked - mine for side in mine if word in opposites(side)}
    if not other:
        return []
    wanted = other.union(*map(alike, other))
    return [
        c
        for c in sorted(ranked, key=lambda c: c.unit.start)
        if c.hit.chunk.id == best.hit.chunk.id and wanted & {w.text for w in words(c.stem)}
    ][:MAX_LIST]


def _wants_list(question: Question, best: Candidate, group: list[Candidate]) -> bool:
    """Whether the whole list answers better than its best item."""
    if question.kind is Kind.LIST:
        return True
    if question.kind not in _WHOLE_LISTS:
        return False
    if len(group) < 2:
        return False
    scores = np.array([c.score for c in group])
    return bool((scores >= 0.35 * best.score).mean() >= 0.6)


def _whole_list(question: Question, best: Candidate, group: Sequence[Candidate]) -> list[Candidate]:
    """A list with its items that stand outside the passage found."""
    stem = group[0].unit.stem
    note, chunk = best.hit.note, best.hit.chunk
    every = units(note, note.body_start, len(note.text), chunk.heading)
    own = next((u for u in every if u.start <= best.unit.start < u.end), None)
    if stem is None:
        same = [u for u in every if own and u.group == own.group and u.stem is None]
    else:
        same = [u for u in every if u.stem == stem and u.kind == "item"]
    outside = {u.start for u in same if u.end <= chunk.start or u.start >= chunk.end}
    if not outside:
        return list(group)
    wider = replace(chunk, start=min(u.start for u in same), end=max(u.end for u in same))
    whole = _allowed(question, candidates([replace(best.hit, chunk=wider)]))
    beyond = [replace(c, hit=best.hit, rank=best.rank) for c in whole if c.unit.start in outside]
    return sorted([*group, *beyond], key=lambda c: c.unit.start)[:MAX_LIST]


def _same_words(candidate: Candidate, picked: list[Candidate]) -> bool:
    plain = _plain(candidate.text)
    return any(plain in _plain(p.text) or _plain(p.text) in plain for p in picked)


def _plain(text: str) -> str:
    return re.sub(r"\W+", "", fold(text))


def _merge(picked: list[Candidate], *, is_list: bool) -> list[Extract]:
    """Extracts in reading order: notes by the rank of their best hit, spans by place."""
    first: dict[str, int] = {}
    for candidate in picked:
        path = candidate.hit.note.path
        first[path] = min(first.get(path, candidate.rank), candidate.rank)
    ordered = sorted(picked, key=lambda c: (first[c.hit.note.path], c.unit.start))
    out: list[Extract] = []
    seen: set[str] = set()
    for candidate in ordered:
        plain = _plain(candidate.text) or candidate.text
        if plain in seen:
            continue
        seen.add(plain)
        out.append(
            Extract(hit=candidate.hit, unit=candidate.unit, score=candidate.score, is_item=is_list)
        )
    return out


def with_stem(extract: Extract) -> Extract | None:
    """The stem that governs an extract, as an extract of its own."""
    if extract.unit.stem is None:
        return None
    start, end = extract.unit.stem
    unit = replace(extract.unit, start=start, end=end, stem=None, kind="paragraph")
    return Extract(hit=extract.hit, unit=unit, score=extract.score)
