"""The extractive answer: sentences, items, rows and code of the notes that answer a question.

Every unit of the passages found gets the probability that it answers, by a ranker trained on
questions with known answers (`eval.training.answers`). The best one is taken with what belongs
to it (`extracts`). Below the threshold there is no answer. Knows hits and questions; the words it
returns are spans of notes, never its own. Called by `pipeline`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assistant.candidates import Candidate, candidates
from assistant.eligible import eligible
from assistant.evidence import FEATURES, features
from assistant.extracts import FACTS, MAX_UNITS, Extract, extracts_of
from assistant.lexicon import alike, opposites
from assistant.questions import (
    Kind,
    Question,
    attribute_of,
    is_shown,
    is_talk,
    parse_question,
)
from assistant.similarity import WordSimilarity
from assistant.together import COMPANION_FEATURES, QUESTION_FEATURES, companion_rows, question_row
from assistant.trees import Trees, load_trees
from assistant.types import Hit
from assistant.words import Word, weigh, words
from corpus.glossary import translations
from corpus.protocol import Frequencies
from corpus.tokens import is_proper

__all__ = ["AnswerModels", "Selection", "answer_models", "ranking", "select"]

# Words of a question that a person would not miss in an answer.
_LITTLE = frozenset(
    "应该 可以 需要 能够 想要 一下 知道 用到 使用 work one us used use using make get go goe do "
    "thing way good best want know tell happen".split()
)
_COVERED = 0.5  # a word is said that is covered so surely
_UNHEARD = 0.1  # confidence at most where what is asked about a thing is not said of it
# A question is off topic with so few of its words said and such a share of their weight in no note:
# chosen on dev questions.
_FEW, _UNHEARD_SHARE = 2, 0.3
_ENOUGH = 2  # words of a follow-up that tell what it is about
_TRANSLATED = 0.05  # a rarer translation is chance
_OPPOSED = 0.1  # of its probability keeps what stands under the opposite of what is asked
# A unit of so many characters must be as likely to belong as the least says; a longer one has to
# earn its length, a shorter one need not fear it.
_USUAL, _SHORTEST = 60, 0.3
_ELSEWHERE = 2.0  # so much likelier must be what stands in another note
# A short fact needs nothing beside it, but another unit may give it as well: it is shown if it is
# as likely as this share of the best one says, in the same note or another, and at all.
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
    now: Frequencies,
    *,
    similar: WordSimilarity,
    models: AnswerModels,
    typed: str = "",
) -> Selection:
    """The units that answer a question, or none.

    Args:
        question: the parsed question.
        hits: passages, best first.
        now: how rare a term is in the notes that they come from.
        similar: word and sentence vectors.
        models: the trained ones.
        typed: what was typed, where the question was completed from those before it: has to be
            spoken of without what was added.

    Returns:
        The selection; deterministic for the same index.
    """
    if is_talk(question.text):
        return Selection(extracts=(), confidence=0.0)
    found, rows, scores = _scored(question, hits, now, similar=similar, models=models)
    if not found:
        return Selection(extracts=(), confidence=0.0)
    df = now.df
    asked = words(question.core)
    weights = weigh(asked, now.idf, df)
    general = similar.weights([word.text for word in asked])
    whole = question_row(asked, weights, found, rows, scores, general=general)
    sure = float(models.answerable.probability(whole[None, :])[0])
    ranked = _by_score(found)
    best = ranked[0]
    lost = _missing(question, [best])
    absent = _words_of((word, term) for word, term in lost if not _is_held(term, df))
    missing = absent or _words_of(lost)
    unknown = _unknown(question, found, df)
    if _is_unheard_of(question, found, df) or _is_off_topic(asked, weights, best, df, typed):
        sure = min(sure, _UNHEARD)
    if sure < models.answerable.facts["cut"]:
        part = _without(question.text, unknown)
        if part:  # what is asked of the other things may well be there
            rest = select(parse_question(part), hits, now, similar=similar, models=models)
            if rest.extracts:
                return replace(rest, unknown=unknown)
        return Selection(
            extracts=(), confidence=sure, missing=missing, is_scattered=bool(missing and not absent)
        )
    beside = _beside(question, found, ranked, rows, scores, models.companions)
    chosen = extracts_of(question, best, ranked, beside)
    missing = _words_of(_missing(question, [best, *beside[: MAX_UNITS - 1]]))
    return Selection(extracts=tuple(chosen), confidence=sure, missing=missing, unknown=unknown)


def ranking(
    question: Question,
    hits: Sequence[Hit],
    now: Frequencies,
    *,
    similar: WordSimilarity,
    models: AnswerModels,
) -> list[Extract]:
    """All units of the passages, the likeliest to answer first, whether or not any is shown.

    Args and order of equals as in `select`.
    """
    found, _, _ = _scored(question, hits, now, similar=similar, models=models)
    return [Extract(hit=c.hit, unit=c.unit, score=c.score) for c in _by_score(found)]


def _scored(
    question: Question,
    hits: Sequence[Hit],
    now: Frequencies,
    *,
    similar: WordSimilarity,
    models: AnswerModels,
) -> tuple[list[Candidate], NDArray[np.float32], NDArray[np.float64]]:
    """The units with their probabilities, also set as `score`, and the features behind them."""
    found = eligible(question, candidates(hits))
    if not found:
        return [], np.zeros((0, 0), np.float32), np.zeros(0)
    rows = features(question, found, now, similar=similar)
    scores = models.ranker.probability(rows)
    scores *= [_OPPOSED if opposed else 1.0 for opposed in _opposed(question, found)]
    for candidate, score in zip(found, scores.tolist(), strict=True):
        candidate.score = score
    return found, rows, scores


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
    return not any(_is_spoken_of(term, df) for term in mine) and not said.any()


def _is_off_topic(
    asked: Sequence[Word],
    weights: NDArray[np.float64],
    best: Candidate,
    df: Callable[[str], int],
    typed: str,
) -> bool:
    """Whether the best unit shares a common word or two with a question about something else.

    So it is where much of what the question says is in no note, in any form or language, and
    little of the rest is said here. Of a follow-up only what was typed counts, if it says enough.
    """
    content = [i for i, word in enumerate(asked) if word.is_content]
    if typed:
        own = {word.text for word in words(parse_question(typed).core)}
        content = [i for i in content if asked[i].text in own and len(asked[i].text) > 1]
        if len(content) < _ENOUGH:
            return False
    said = sum(best.covered[i] >= _COVERED for i in content)
    unheard = sum(
        weights[i]
        for i in content
        if best.covered[i] < _COVERED
        and len(asked[i].text) > 1  # a single character is often a piece of a word
        and not is_shown(asked[i].text)
        and not _is_spoken_of(asked[i].text, df)
    )
    total = float(sum(weights[i] for i in content) if typed else weights.sum())
    return said <= _FEW and unheard >= _UNHEARD_SHARE * max(total, 1e-9)


def _is_spoken_of(term: str, df: Callable[[str], int]) -> bool:
    """Whether some note holds a term, another name of it or a translation."""
    return _is_held(term, df) or any(
        df(name) for name, odds in translations(term) if odds >= _TRANSLATED
    )


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
    if question.kind in FACTS:
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
