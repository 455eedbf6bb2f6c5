"""The extractive answer: sentences, items, rows and code of the notes that answer a question.

Candidates are the units of the passages found. Each is scored by how much of the question it
covers (its own words first, then the line that governs it, headings, neighbours), by whether
it holds the kind of thing asked for, and by its passage's rank. A list is taken whole, with
its stem. When no unit covers what the question cannot do without, there is no answer.
Knows hits and questions; the words it returns are spans of notes, never its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from assistant.quantities import quantities
from assistant.questions import Kind, Question, Term, question_numbers
from assistant.similarity import WordSimilarity
from assistant.types import Hit
from corpus.blocks import units
from corpus.text import fold, has_han
from corpus.tokens import STOP_TERMS, terms, tokens
from corpus.types import Unit

__all__ = ["Extract", "Selection", "select"]

_MAX_CANDIDATES = 400
_MAX_LIST = 12
# A soft match counts less than the word itself; below the floor it is chance.
_SOFT_FLOOR = 0.55
_SOFT_WEIGHT = 0.75
_OWN, _STEM, _HEADING, _TITLE, _NEAR = 1.0, 0.9, 0.8, 0.75, 0.6
# Least share of the question's weight that the evidence must cover. Fitted on the dev half of
# eval/golden (eval/LOG.md).
_THRESHOLD = 0.56


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A unit chosen for the answer.

    Attributes:
        hit: the passage it stands in.
        unit: the span.
        score: how well it answers, comparable within one question.
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
        confidence: covered share of the question, in [0, 1].
        missing: words of the question that the best evidence does not speak of.
        wanted: the kind of thing that no candidate held ("number", ...), or "".
    """

    extracts: tuple[Extract, ...]
    confidence: float
    missing: tuple[str, ...] = ()
    wanted: str = ""


@dataclass(slots=True)
class _Candidate:
    hit: Hit
    unit: Unit
    text: str
    rank: int
    own: frozenset[str]
    stem: frozenset[str]
    heading: frozenset[str]
    title: frozenset[str]
    near: frozenset[str] = frozenset()
    words: list[str] = field(default_factory=list)
    coverage: float = 0.0
    own_coverage: float = 0.0
    missing: list[Term] = field(default_factory=list)
    score: float = 0.0
    fits: bool = True


def select(
    question: Question,
    hits: Sequence[Hit],
    *,
    idf: Callable[[str], float],
    similar: WordSimilarity,
    threshold: float = _THRESHOLD,
) -> Selection:
    """The units that answer a question, or none.

    Args:
        question: the parsed question.
        hits: passages, best first.
        idf: weight of a term in the notes; unknown terms weigh most.
        similar: word similarity for terms that the notes say otherwise.
        threshold: least covered share of the question, in [0, 1].

    Returns:
        The selection; deterministic for the same index.
    """
    candidates = _candidates(hits)
    if not candidates or not question.terms:
        return Selection(extracts=(), confidence=0.0)
    weights = {term.text: _weight(term, idf) for term in question.terms}
    _cover(question, candidates, weights, similar)
    numbers = question_numbers(question.text)
    for candidate in candidates:
        _score(question, candidate, numbers)
    ranked = sorted(candidates, key=lambda c: (-c.score, c.rank, c.unit.start))
    best = next((c for c in ranked if c.fits), None)
    if best is None:
        top = ranked[0]
        return Selection(
            extracts=(),
            confidence=top.coverage,
            missing=tuple(t.text for t in top.missing),
            wanted=question.kind.value,
        )
    entity_missing = [t for t in best.missing if t.is_entity]
    if best.coverage < threshold or entity_missing:
        missing = tuple(t.text for t in (entity_missing or best.missing))
        return Selection(extracts=(), confidence=best.coverage, missing=missing)
    chosen = _compose(question, best, ranked, weights)
    return Selection(
        extracts=tuple(chosen),
        confidence=best.coverage,
        missing=tuple(t.text for t in best.missing),
    )


def _weight(term: Term, idf: Callable[[str], float]) -> float:
    """How much a term matters: rare words more, names more still."""
    base = max(idf(part) for part in (terms(term.text) or [term.text]))
    return max(base, 0.3) * (1.4 if term.is_entity else 1.0)


def _bag(text: str) -> frozenset[str]:
    return frozenset(terms(text)) | frozenset(t.text for t in tokens(text))


def _candidates(hits: Sequence[Hit]) -> list[_Candidate]:
    out: list[_Candidate] = []
    for rank, hit in enumerate(hits):
        text, title = hit.note.text, _bag(" ".join((hit.note.title, *hit.note.aliases)))
        found: list[_Candidate] = []
        labels: list[str] = []
        for unit in units(hit.note, hit.chunk.start, hit.chunk.end, hit.chunk.heading):
            words = text[unit.start : unit.end]
            if unit.kind == "heading":
                labels.append(words)
                continue
            stem = text[slice(*unit.stem)] if unit.stem else ""
            found.append(
                _Candidate(
                    hit=hit,
                    unit=unit,
                    text=words,
                    rank=rank,
                    own=_bag(words),
                    stem=_bag(stem),
                    heading=_bag(" ".join(unit.heading or hit.chunk.heading)),
                    title=title,
                    words=[t.text for t in tokens(f"{stem} {words}") if t.text not in STOP_TERMS],
                )
            )
        passage = _bag(hit.text)
        for candidate in found:
            candidate.near = passage
        out.extend(found)
    return out[:_MAX_CANDIDATES]


def _match(term: Term, candidate: _Candidate) -> float:
    """How surely a candidate speaks of a term, by words alone, in [0, 1]."""
    names = {term.text, *term.alike}
    parts = frozenset(terms(term.text)) if term.is_entity else frozenset()
    for bag, weight in (
        (candidate.own, _OWN),
        (candidate.stem, _STEM),
        (candidate.heading, _HEADING),
        (candidate.title, _TITLE),
        (candidate.near, _NEAR),
    ):
        if term.text in bag:
            return weight
        if not names.isdisjoint(bag):
            return 0.9 * weight
        # `LLaMA-2` is not `LLaMA`, but `Qwen1.5-7B` is in `Qwen1.57BChat`
        if parts and len(term.text) >= 5 and any(term.text in word for word in bag):
            return 0.9 * weight
        if not term.is_entity and len(term.text) > 2:
            pieces = frozenset(terms(term.text)) - {term.text}
            if pieces and pieces <= bag:
                return 0.9 * weight
    return 0.0


def _cover(
    question: Question,
    candidates: list[_Candidate],
    weights: dict[str, float],
    similar: WordSimilarity,
) -> None:
    """Fill coverage, own coverage and missing terms of every candidate."""
    total = sum(weights.values())
    vocabulary = list(dict.fromkeys(word for c in candidates for word in c.words))
    names = [term.text for term in question.terms]
    cosines = similar.matrix(names, vocabulary)
    column = {word: i for i, word in enumerate(vocabulary)}
    for candidate in candidates:
        columns = [column[word] for word in candidate.words]
        covered = own = 0.0
        for row, term in enumerate(question.terms):
            match = _match(term, candidate)
            if match < _OWN and columns and not term.is_entity:
                soft = float(cosines[row, columns].max())
                if soft >= _SOFT_FLOOR:
                    match = max(match, _SOFT_WEIGHT * soft)
            if match == 0.0:
                candidate.missing.append(term)
            covered += weights[term.text] * match
            own += weights[term.text] * (match if match > _HEADING else 0.0)
        candidate.coverage = covered / total
        candidate.own_coverage = own / total


_WHO = re.compile(
    r"提出|发布|作者|发明|开发|研发|推出|团队|公司|等人|由[^，,。]{1,20}(?:提出|开发|发布|设计)|"
    r"proposed|introduced|developed|released|\bby\b|et al",
    re.IGNORECASE,
)
_WHEN = re.compile(r"\d{2,4}\s*年|\d{1,2}\s*月|\d{4}[-/.]\d{1,2}|(?<!\d)(?:19|20)\d{2}(?!\d)|世纪|年代")
_WHY = re.compile(
    r"因为|由于|因此|所以|导致|造成|使得|从而|为了|原因|以致|以至|避免|解决|为此|不需要|不用|只需|"
    r"because|since|therefore|due to|so that|in order to|avoid",
    re.IGNORECASE,
)
_DEFINE = re.compile(r"(?:[)）\"”]|^.{0,40}?)\s*(?:是|即|指|为|也就是|称为|叫做|通常指|表示|:|：|is|are|refers to|means)")


def _fits(question: Question, candidate: _Candidate, numbers: frozenset[float]) -> bool:
    """Whether a unit holds the kind of thing the question asks for."""
    text = candidate.text
    if question.kind is Kind.NUMBER:
        found = [q for q in quantities(text) if q.value not in numbers and not q.is_weak]
        versions = [t for t in tokens(text) if t.kind == "number" and t.text not in fold(question.text)]
        if not found and not versions:
            return False
        if question.measure and len(question.measure) >= 1 and has_han(question.measure):
            return question.measure[0] in text or any(
                q.unit and q.unit[0] == question.measure[0] for q in found
            )
        return True
    if question.kind is Kind.WHEN:
        return _WHEN.search(text) is not None
    if question.kind is Kind.WHO:
        return _WHO.search(text) is not None or re.search(r"[A-Z][a-z]+", text) is not None
    if question.kind is Kind.CODE:
        return candidate.unit.kind == "code" or "`" in text
    return True


def _score(question: Question, candidate: _Candidate, numbers: frozenset[float]) -> None:
    candidate.fits = _fits(question, candidate, numbers)
    bonus = 0.0
    text = candidate.text
    if question.kind in (Kind.NUMBER, Kind.WHEN, Kind.WHO, Kind.CODE) and candidate.fits:
        bonus += 0.2
    if question.kind is Kind.WHO and _WHO.search(text):
        bonus += 0.1
    if question.kind is Kind.WHY and _WHY.search(text):
        bonus += 0.1
    if question.kind is Kind.DEFINE and _defines(question, text):
        bonus += 0.25
    if question.kind is Kind.LIST and candidate.unit.stem:
        bonus += 0.1
    if text.endswith(("...", "…")):
        bonus -= 0.1  # a sentence that was cut off says less than it seems to
    if text.rstrip().endswith(("?", "？")):
        bonus -= 0.2
    length = max(0, len(text) - 160) / 1600
    candidate.score = (
        0.7 * candidate.coverage
        + 0.5 * candidate.own_coverage
        + 0.12 * candidate.hit.score
        + bonus
        - min(length, 0.1)
    )


def _defines(question: Question, text: str) -> bool:
    """Whether a unit opens with the thing asked for and says what it is."""
    head = fold(text[:60])
    names = [term.text for term in question.terms]
    return any(name in head for name in names) and _DEFINE.search(text[:80]) is not None


def _compose(
    question: Question, best: _Candidate, ranked: list[_Candidate], weights: dict[str, float]
) -> list[Extract]:
    """The best unit with what belongs to it, in the order of the notes."""
    group = _list_of(best, ranked)
    stem_covers = _share(question, best.stem | best.heading, weights) >= _share(
        question, best.own, weights
    )
    wants_list = question.kind in (Kind.LIST, Kind.HOW, Kind.WHY, Kind.COMPARE, Kind.OPEN)
    if len(group) > 1 and (question.kind is Kind.LIST or (wants_list and stem_covers)):
        return _merge([best, *group], is_list=True)
    short = question.kind in (Kind.NUMBER, Kind.WHEN, Kind.WHO)
    limit = {Kind.COMPARE: 4, Kind.LIST: 4, Kind.HOW: 3, Kind.WHY: 3, Kind.OPEN: 3}.get(
        question.kind, 1 if short else 2
    )
    picked = [best]
    covered = set(best.own) | set(best.stem)
    for candidate in ranked:
        if len(picked) >= limit or candidate.score < 0.72 * best.score:
            break
        if candidate in picked or not candidate.fits or _same_words(candidate, picked):
            continue
        gain = [t for t in question.terms if t.text in candidate.own and t.text not in covered]
        close = candidate.score >= 0.88 * best.score
        if gain or (close and candidate.hit.note.path == best.hit.note.path):
            picked.append(candidate)
            covered |= candidate.own
    return _merge(picked, is_list=False)


def _share(question: Question, bag: frozenset[str], weights: dict[str, float]) -> float:
    return sum(weights[t.text] for t in question.terms if not ({t.text} | t.alike).isdisjoint(bag))


def _list_of(best: _Candidate, ranked: list[_Candidate]) -> list[_Candidate]:
    """The items that stand under the same stem as the best unit, in order."""
    if best.unit.stem is None or best.unit.kind == "row":
        return []
    group = [
        c
        for c in ranked
        if c.hit.chunk.id == best.hit.chunk.id and c.unit.stem == best.unit.stem
    ]
    return sorted(group, key=lambda c: c.unit.start)[:_MAX_LIST]


def _same_words(candidate: _Candidate, picked: list[_Candidate]) -> bool:
    plain = _plain(candidate.text)
    return any(plain in _plain(p.text) or _plain(p.text) in plain for p in picked)


def _plain(text: str) -> str:
    return re.sub(r"\W+", "", fold(text))


def _merge(picked: list[_Candidate], *, is_list: bool) -> list[Extract]:
    """Extracts in reading order: notes by the rank of their best hit, spans by place."""
    first: dict[str, int] = {}
    for candidate in picked:
        path = candidate.hit.note.path
        first[path] = min(first.get(path, candidate.rank), candidate.rank)
    ordered = sorted(picked, key=lambda c: (first[c.hit.note.path], c.unit.start))
    out: list[Extract] = []
    seen: set[str] = set()
    for candidate in ordered:
        plain = _plain(candidate.text)
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
