"""Word by word, where a statement finds itself in a passage.

`words` reads a text as content words, function words, negations and quantifiers with their
weight; `Matcher` pairs each word of a claim with the word of the evidence that says the same: by
form, as a part of a longer word, by another name (`lexicon`), by translation (`glossary`) or by
its vector. The path is chosen as a whole, so that a word that occurs twice is paired where its
neighbours are. Knows nothing of verdicts; called by `contrast` and `grounding`.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assistant.lexicon import (
    LIGHT,
    NEGATIONS,
    NOT_NEGATIONS,
    alike,
    is_listed,
    listed,
    opposites,
    quantifier,
)
from assistant.quantities import quantities
from assistant.similarity import WordSimilarity
from assistant.thesaurus import kin, members_with
from corpus.glossary import translations
from corpus.text import fold, has_han, is_han
from corpus.tokens import STOP_TERMS, commonness, terms, tokens

__all__ = ["Alignment", "Matcher", "Word", "weigh", "words"]

Role = Literal["content", "stop", "negation", "quantifier"]

_NEGATING = frozenset(NEGATIONS) | {"与其", "而不是", "而非"}
_HARMLESS = frozenset(NOT_NEGATIONS.split()) | {"不如"}
_PAYS = 500  # texts from which knowing all beginnings pays
_MAX_MERGE, _MAX_LETTERS = 4, 4  # pieces and letters of a word of the lexicon
_BREAK = re.compile(r"[,，。；;!！?？\n：]|(?<!\d):|:(?!\d)")
# Cost of leaving the place where the previous word was paired, per word and at most.
_JUMP, _FAR = 0.012, 12
_JUMPS = [n * _JUMP for n in range(_FAR + 1)]
_MIN_MATCH = 0.45
_SAID = 0.88  # score from which a word says what another one says
_LEAST_STEM, _LEAST_INSIDE = 5, 6  # letters of a common stem, and of a word inside another
_SOFT_FLOOR = 0.5
_SOFT_WEIGHT = 0.8
_PHRASE = 0.88  # how surely a phrase of the thesaurus says what another one says
_HAN_RARE, _HAN_COMMON = 1.0, 300.0  # occurrences per million words


class Word(NamedTuple):
    """A word of a text; a question reads thousands, so it is no dataclass, which is made slower.

    Attributes:
        text: normal form.
        start: offset of its first character.
        end: offset after its last character.
        role: what it does in the sentence.
        is_name: a Latin word or identifier with a capital or digit: it names one thing.
        is_number: it begins with a digit.
        clause: number of the clause (text between commas) it stands in.
        known: names by which it may be matched besides `text`: parts of an identifier.
        kind: all of it that decides what it is paired with, wherever it stands.
    """

    text: str
    start: int
    end: int
    role: Role
    is_name: bool
    is_number: bool
    clause: int
    known: frozenset[str]
    kind: str

    @property
    def is_content(self) -> bool:
        """Whether it carries what is said."""
        return self.role == "content"


@lru_cache(maxsize=65_536)
def _is_han_word(text: str) -> bool:
    return bool(text) and is_han(text[0])


@lru_cache(maxsize=65_536)
def _role(text: str) -> Role:
    if text in _NEGATING:
        return "negation"
    if quantifier(text):
        return "quantifier"
    return "stop" if text in STOP_TERMS else "content"


@lru_cache(maxsize=32_768)
def _is_lexical(text: str) -> bool:
    """Whether a run of short words is one word of ours.

    Of the phrases of the thesaurus only those are one word that deny what does not mean their
    opposite (没把握): what 不便宜 says is known from 便宜 and the word before it.
    """
    if text in _NEGATING or text in _HARMLESS or quantifier(text):
        return True
    if is_listed(text):
        return True
    denied = "".join(c for c in text if c not in _PREFIXES)
    return (
        2 <= len(denied) < len(text)
        and denied not in STOP_TERMS
        and not quantifier(denied)
        and bool(alike(text) or opposites(text))
        and opposites(denied).isdisjoint(alike(text))
        and alike(denied).isdisjoint(opposites(text))
    )


_PREFIXES = "不没未无非"


@lru_cache(maxsize=1)
def _beginnings() -> frozenset[str]:
    """What the words begin with that `_is_lexical` may know: few runs are looked at further."""
    known = (_NEGATING | _HARMLESS | listed()).union(members_with(_PREFIXES))
    return frozenset(
        word[:n] for word in known if len(word) <= _MAX_LETTERS for n in range(1, len(word))
    )


def _pieces(text: str) -> Iterator[tuple[str, int, int, bool]]:
    """Tokens as (normal form, start, end, is ideographs), denying prefixes cut off."""
    for token in tokens(text):
        han = token.kind == "han"
        if (
            han
            and 2 <= len(token.text) <= 4
            and token.text[0] in _PREFIXES
            and not _is_lexical(token.text)
        ):
            yield token.text[0], token.start, token.start + 1, True
            yield token.text[1:], token.start + 1, token.end, True
        elif han and len(token.text) == 3 and token.text[1] == "不" and not _is_lexical(token.text):
            # what 得不到 denies is to 得到
            yield "不", token.start, token.start + 2, True
            yield token.text[0] + token.text[2], token.start + 2, token.end, True
        else:
            yield token.text, token.start, token.end, han


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[Word, ...]:
    """The words of a text in order; runs that the lexicon knows as one word are joined.

    Args:
        text: a sentence or a few.

    Returns:
        Words without overlap. Words inside a quantity (`1.4T`, `4050亿`) are numbers.
    """
    raw = list(_pieces(text))
    breaks = [m.start() for m in _BREAK.finditer(text)]
    english = not has_han(text)
    counted = [(q.start, q.end) for q in quantities(text) if not q.is_weak]
    out: list[Word] = []
    beginnings = _beginnings() if words.cache_info().misses > _PAYS else None
    i = clause = 0
    while i < len(raw):
        piece, start, end, han = raw[i]
        i += 1
        if han and (beginnings is None or piece in beginnings):
            piece, end, i = _joined(raw, i, piece, end)
        while clause < len(breaks) and breaks[clause] < start:
            clause += 1
        inside = bool(counted) and any(s <= start and end <= e for s, e in counted)
        role = "content" if inside else _role(piece)
        is_name, is_number, known = False, inside, _NOTHING
        if not han:
            original = text[start:end]
            is_number = inside or piece[0].isdigit()
            known = _known(original, piece)
            if role == "content" and not inside:
                opens = english and (start == 0 or text[:start].rstrip()[-1:] in ".!?")
                is_name = _names_one(original, opens=opens)
        kind = _kind(piece, is_name, is_number, known) if not han or is_number else piece
        out.append(Word(piece, start, end, role, is_name, is_number, clause, known, kind))
    return tuple(out)


_NOTHING: frozenset[str] = frozenset()


@lru_cache(maxsize=16_384)
def _known(original: str, piece: str) -> frozenset[str]:
    return frozenset(terms(original)) - {piece}


@lru_cache(maxsize=16_384)
def _kind(text: str, is_name: bool, is_number: bool, known: frozenset[str]) -> str:
    """One string for what a word is paired by, so that it is hashed once; no text holds NUL."""
    return "\0".join((text, str(is_name), str(is_number), *sorted(known)))


def _joined(
    raw: Sequence[tuple[str, int, int, bool]], i: int, piece: str, end: int
) -> tuple[str, int, int]:
    """The longest word of the lexicon that a piece begins, where it ends, and the next piece."""
    found = piece, end, i
    for text, start, stop, _ in raw[i : i + _MAX_MERGE - 1]:
        piece += text
        if start != end or len(piece) > _MAX_LETTERS:
            break
        end, i = stop, i + 1
        if _is_lexical(piece):
            found = piece, end, i
    return found


@lru_cache(maxsize=16_384)
def _names_one(original: str, *, opens: bool) -> bool:
    """Whether a Latin word is a name: a digit, or a capital that no sentence start explains."""
    if any(c.isdigit() for c in original) or any(c.isupper() for c in original[1:]):
        return True
    return original[:1].isupper() and not opens


@dataclass(frozen=True, slots=True)
class Alignment:
    """Words of a claim paired with words of the evidence.

    Attributes:
        claim: words of the claim.
        evidence: words of the evidence.
        to: for each word of the claim, the place of its pair in `evidence`, or -1.
        score: how surely the pair says the same, in [0, 1]; 0 without a pair.
        is_opposite: whether the pair says the opposite.
    """

    claim: tuple[Word, ...]
    evidence: tuple[Word, ...]
    to: tuple[int, ...]
    score: tuple[float, ...]
    is_opposite: tuple[bool, ...]


def _latin_match(a: Word, b: Word) -> float:
    """How surely two Latin words or identifiers are the same; `a` is the claim's."""
    if b.text in a.known and a.is_name:
        # `DeepFM` where the note says `FM`: the claim names another, narrower thing
        return 0.5
    if a.text in b.known:
        return 0.75 if a.is_name else 0.9
    if b.text in a.known:
        return 0.9
    short, long = sorted((a.text, b.text), key=len)
    if len(short) < _LEAST_STEM:
        return 0.0
    if long.startswith(short):
        tail = long[len(short) :]
        if not any(c.isdigit() for c in tail):
            return 0.92
        # `Qwen1.57BChat` and `Qwen1.5-7B`: what follows a shared version is detail
        return 0.5 if not any(c.isdigit() for c in short) else 0.7
    if len(short) >= _LEAST_INSIDE and short in long and not (a.is_name and a.text == long):
        return 0.8
    if short[:_LEAST_STEM] == long[:_LEAST_STEM] and not (a.is_name and b.is_name):
        common = next(
            (k for k, (x, y) in enumerate(zip(a.text, b.text, strict=False)) if x != y), len(short)
        )
        if common >= 0.7 * len(long):
            return 0.8
    return 0.0


@lru_cache(maxsize=16_384)
def _translations(word: str) -> dict[str, float]:
    return dict(translations(word))


def _odds(a: str, b: str) -> float:
    return max(_translations(a).get(b, 0.0), _translations(b).get(a, 0.0))


def _pair(a: Word, b: Word) -> float:
    """How surely a word of the claim and one of the evidence say the same, by form and lists."""
    if a.text == b.text:
        return 1.0
    if a.is_number or b.is_number:
        return 0.0 if a.is_number and b.is_number else _digits_in_name(a, b)
    han_a, han_b = _is_han_word(a.text), _is_han_word(b.text)
    if b.text in alike(a.text):
        return 0.93
    if han_a != han_b:
        odds = max(
            _odds(name, other) for name in (a.text, *a.known) for other in (b.text, *b.known)
        )
        if odds > 0.02:
            return min(0.95, 0.72 + 0.25 * odds)
        return 0.0
    return _han_match(a.text, b.text) if han_a else _latin_match(a, b)


def _han_match(a: str, b: str) -> float:
    """How surely two different Chinese words say the same, by their characters."""
    if b in opposites(a) or _is_turned(a, b):
        return 0.0
    short, long = sorted((a, b), key=len)
    if len(short) >= 2 and short in long:
        return 0.88 if len(short) * 2 >= len(long) else 0.7
    if len(short) == 1 and short in long and len(long) <= 4:
        return 0.6
    if len(a) == len(b) == 2 and len(set(a) & set(b)) == 1:
        return 0.5  # 撤下 and 下线, 过高 and 太高: one character in common says a little
    return 0.0


def _digits_in_name(a: Word, b: Word) -> float:
    number, name = (a, b) if a.is_number else (b, a)
    return 0.9 if number.text in name.known else 0.0


class _Neighbours:
    """Which words can be paired with a given one at all: those that share a name or letters."""

    def __init__(self, kinds: Sequence[Word]) -> None:
        self._by_name: dict[str, list[int]] = {}
        self._by_char: dict[str, list[int]] = {}
        self._by_stem: dict[str, list[int]] = {}
        self._long: list[tuple[int, str]] = []  # Latin words that may stand inside another one
        for j, word in enumerate(kinds):
            for name in (word.text, *word.known):
                self._by_name.setdefault(name, []).append(j)
            if _is_han_word(word.text):
                for char in set(word.text):
                    self._by_char.setdefault(char, []).append(j)
                continue
            if len(word.text) >= _LEAST_STEM:
                self._by_stem.setdefault(word.text[:_LEAST_STEM], []).append(j)
            if len(word.text) >= _LEAST_INSIDE:
                self._long.append((j, word.text))

    def of(self, word: Word, contrary: frozenset[str]) -> list[int]:
        """Columns worth a look for one word of the claim, ascending."""
        found: set[int] = set()
        names = {word.text, *word.known}
        for name in (*names, *alike(word.text), *contrary, *_partners(names)):
            found.update(self._by_name.get(name, ()))
        if _is_han_word(word.text):
            for char in word.text:
                found.update(self._by_char.get(char, ()))
                for turned in opposites(char):
                    found.update(self._by_char.get(turned, ()))
        else:
            found.update(self._by_stem.get(word.text[:_LEAST_STEM], ()))
            if len(word.text) >= _LEAST_INSIDE:
                found.update(j for j, o in self._long if o in word.text or word.text in o)
        return sorted(found)


def _partners(names: set[str]) -> list[str]:
    return [partner for name in names for partner in _translations(name)]


def _keep_own(scores: Sequence[dict[int, float]], against: Sequence[set[int]]) -> None:
    """Drop opposites where the claim names the other side, too: 正样本 beside 负样本."""
    for i, found in enumerate(against):
        for j in list(found):
            if any(
                row.get(j, 0.0) >= _SAID and j not in against[k]
                for k, row in enumerate(scores)
                if k != i
            ):
                found.discard(j)
                scores[i].pop(j)


class Matcher:
    """How surely each word of a claim says the same as each word of some passages.

    Made once per claim for all passages it is compared with. Few words of a passage resemble any
    word of the claim; only those cost anything.

    Args:
        claim: words of the claim.
        passages: words of the passages.
        similar: word vectors, for words that no list pairs; None leaves them out.
    """

    def __init__(
        self,
        claim: tuple[Word, ...],
        passages: Sequence[tuple[Word, ...]],
        similar: WordSimilarity | None,
    ) -> None:
        self.claim = claim
        self._counts = [1.0 if word.role != "stop" else 0.3 for word in claim]
        kinds = list({word.kind: word for passage in passages for word in passage}.values())
        # per word of the claim, the score of each kind that says the same
        scores: list[dict[int, float]] = [{} for _ in claim]
        against: list[set[int]] = [set() for _ in claim]
        said = {word.text for word in claim}
        near = _Neighbours(kinds)
        for i, a in enumerate(claim):
            contrary, han = opposites(a.text), _is_han_word(a.text)
            for j in near.of(a, contrary):
                b = kinds[j]
                score = _pair(a, b)
                turned = b.text in contrary or (han and _is_turned(a.text, b.text))
                turned = turned and "有" not in (
                    a.text,
                    b.text,
                )  # 没有 denies what follows
                # neither the opposite that the claim itself names beside this word contradicts it,
                # nor a word of a name: Large Language Models
                if turned and b.text not in said and not b.is_name:
                    against[i].add(j)
                    score = max(score, 0.8)
                if score:
                    scores[i][j] = score
        _keep_own(scores, against)
        self._phrases = _phrases(claim, {word.text for word in kinds})
        if similar is not None and kinds:
            _soft(claim, kinds, scores, similar)
        # the same by kind: (place in the claim, score) of each word that says the same
        self._same: dict[str, list[tuple[int, float]]] = {}
        for i, row in enumerate(scores):
            for j, score in row.items():
                self._same.setdefault(kinds[j].kind, []).append((i, score))
        self._against = [{kinds[j].kind for j in found} for found in against]
        self._aligned: dict[str, Alignment] = {}

    def align(self, evidence: tuple[Word, ...], text: str) -> Alignment:
        """Pair the words of the claim with those of one passage, order taken into account.

        Args:
            evidence: words of one of the passages.
            text: the passage, so that a word cut otherwise by the segmenter is still found.

        Returns:
            The best path; deterministic. Passages of one text, such as the title of several
            sentences, are aligned once.
        """
        if text not in self._aligned:
            self._aligned[text] = self._align(evidence, text)
        return self._aligned[text]

    def _align(self, evidence: tuple[Word, ...], text: str) -> Alignment:
        claim, n = self.claim, len(self.claim)
        if not n or not evidence:
            return Alignment(claim, evidence, (-1,) * n, (0.0,) * n, (False,) * n)
        scores: list[dict[int, float]] = [{} for _ in claim]
        for j, word in enumerate(evidence):
            for i, score in self._same.get(word.kind, ()):
                scores[i][j] = score
        _cut_otherwise(claim, evidence, scores, text)
        _in_parts(claim, evidence, scores)
        _by_phrase(self._phrases, evidence, scores, text)
        rows = [
            sorted(pair for pair in row.items() if pair[1] >= _MIN_MATCH) if row else []
            for row in scores
        ]
        to = _path(rows, self._counts)
        return Alignment(
            claim,
            evidence,
            tuple(to),
            tuple(row[j] if j >= 0 else 0.0 for row, j in zip(scores, to, strict=True)),
            tuple(
                j >= 0 and evidence[j].kind in contrary
                for contrary, j in zip(self._against, to, strict=True)
            ),
        )


@lru_cache(maxsize=16_384)
def _is_turned(a: str, b: str) -> bool:
    """Whether two words differ in one character and its opposite, 高阶 and 低阶, or one denies.

    不确定 denies 确定, 拿不准 denies 拿得准.
    """
    if _denies(a) != _denies(b) and a not in _HARMLESS and b not in _HARMLESS:
        bare_a, bare_b = (re.sub(f"[{_PREFIXES}得]", "", word) for word in (a, b))
        if bare_a == bare_b:
            return True
    if len(a) != len(b) or not 2 <= len(a) <= 4:
        return False
    other = [(x, y) for x, y in zip(a, b, strict=True) if x != y]
    return len(other) == 1 and other[0][1] in opposites(other[0][0])


def _denies(word: str) -> bool:
    """Whether a Chinese word of several characters holds an odd number of negations."""
    return len(word) > 1 and sum(c in _PREFIXES for c in word) % 2 == 1


def _in_parts(
    claim: Sequence[Word], evidence: Sequence[Word], scores: list[dict[int, float]]
) -> None:
    """Pair an identifier whose parts all stand in the passage: `Llama-3.1-405B`."""
    bag: set[str] | None = None
    for word, row in zip(claim, scores, strict=True):
        if not word.is_name or len(word.known) < 2 or max(row.values(), default=0.0) >= 0.8:
            continue
        if bag is None:
            bag = {name for other in evidence for name in (other.text, *other.known)}
        if word.known <= bag:
            j = next(
                k
                for k, other in enumerate(evidence)
                if not word.known.isdisjoint({other.text, *other.known})
            )
            row[j] = max(row.get(j, 0.0), 0.85)


_folded = lru_cache(maxsize=8192)(fold)  # of sentences: each is aligned with several claims


def _cut_otherwise(
    claim: Sequence[Word], evidence: Sequence[Word], scores: list[dict[int, float]], text: str
) -> None:
    """Pair Chinese words whose characters stand in the passage across its own word borders."""
    folded = ""
    starts: list[int] = []
    for word, row in zip(claim, scores, strict=True):
        if len(word.text) < 2 or not _is_han_word(word.text) or 1.0 in row.values():
            continue
        folded = folded or _folded(text)
        at = folded.find(word.text)
        while at >= 0:
            starts = starts or [other.start for other in evidence]
            j = bisect_right(starts, at) - 1
            if j >= 0:
                row[j] = 1.0
            at = folded.find(word.text, at + 1)


def _phrases(claim: Sequence[Word], there: set[str]) -> list[tuple[range, tuple[str, ...]]]:
    """Which words of the claim a phrase of the passages may say, or a word may say together.

    Args:
        claim: words of the claim.
        there: all words of the passages.

    Returns:
        Places in the claim, and phrases of several words, or words for a phrase of the claim,
        that say the same.
    """
    out = []
    chars = set("".join(there))
    for i, word in enumerate(claim):
        han = _is_han_word(word.text)
        for n in range(1, min(_MAX_MERGE, len(claim) - i) + 1):
            run = claim[i : i + n]
            if n > 1 and (
                _is_han_word(run[-1].text) != han
                or run[-1].start - run[-2].end not in ((0,) if han else (1,))
            ):
                break
            said = kin(("" if han else " ").join(w.text for w in run))
            found = (o for o in said if n > 1 or o not in there)  # pairs of words are known
            held = tuple(sorted(o for o in found if _may_stand(o, there, chars)))
            if held:
                out.append((range(i, i + n), held))
    return out


def _may_stand(phrase: str, there: set[str], chars: set[str]) -> bool:
    """Whether the parts of a phrase occur in the passages at all."""
    if has_han(phrase):
        return len(phrase) > 1 and chars.issuperset(phrase)
    return all(part in there for part in phrase.split(" "))


def _by_phrase(
    phrases: Sequence[tuple[range, tuple[str, ...]]],
    evidence: Sequence[Word],
    scores: list[dict[int, float]],
    text: str,
) -> None:
    """Pair words and phrases that say the same: `give up` and 放弃, 降低成本 and 省钱."""
    if not phrases:
        return
    folded, starts = _folded(text), [word.start for word in evidence]
    latin = f" {' '.join(word.text for word in evidence)} "
    for places, names in phrases:
        for name in names:
            if has_han(name):
                at = folded.find(name) if len(name) > 1 else -1
                j = bisect_right(starts, at) - 1
                n = sum(at <= start < at + len(name) for start in starts) if at >= 0 else 0
            else:
                at = latin.find(f" {name} ")
                j = latin.count(" ", 0, at + 1) - 1
                n = name.count(" ") + 1
            if at < 0 or j < 0:
                continue
            for k, i in enumerate(places):
                to = j + min(k, max(n, 1) - 1)
                scores[i][to] = max(scores[i].get(to, 0.0), _PHRASE)


def _soft(
    claim: Sequence[Word],
    kinds: Sequence[Word],
    scores: list[dict[int, float]],
    similar: WordSimilarity,
) -> None:
    rows = [
        i
        for i, w in enumerate(claim)
        if w.is_content and not w.is_number and not w.is_name and 1.0 not in scores[i].values()
    ]
    columns = [j for j, w in enumerate(kinds) if w.is_content and not w.is_number and not w.is_name]
    if not rows or not columns:
        return
    cosines = similar.matrix([claim[i].text for i in rows], [kinds[j].text for j in columns])
    near = np.where(cosines >= _SOFT_FLOOR, _SOFT_WEIGHT * np.minimum(1.0, cosines + 0.1), 0.0)
    for r, i in enumerate(rows):
        contrary = opposites(claim[i].text)
        for c in np.flatnonzero(near[r]).tolist():
            j = columns[c]
            if kinds[j].text not in contrary:
                scores[i][j] = max(scores[i].get(j, 0.0), float(near[r, c]))


def _path(rows: Sequence[Sequence[tuple[int, float]]], counts: Sequence[float]) -> list[int]:
    """Place per word of the claim: the sum of scores less the jumps is largest.

    Args:
        rows: per word of the claim, the places it may be paired with, ascending, and the scores.
        counts: what the scores of each word are multiplied with.

    Returns:
        A place or -1 per word; of paths that are as good, the one that leaves a place earlier.
        Costs the pairs of neighbouring rows.
    """
    first = min((row[0][0] for row in rows if row), default=-1)
    paired: list[tuple[int, float]] = []  # the best sum that ends at each place of the word before
    none, held = 0.0, -1  # the best sum without a pair; the jump from the place left last is due
    came: list[dict[int, int]] = []
    for row, counted in zip(rows, counts, strict=True):
        step: list[tuple[int, float]] = []
        back: dict[int, int] = {}
        for j, score in row:
            best, origin = none, -1
            if held >= 0:
                best -= _JUMPS[min(abs(j - held - 1), _FAR)]
            from_place, at = -math.inf, -1
            for p, value in paired:
                reached = value - _JUMPS[min(abs(j - p - 1), _FAR)]
                if reached > from_place:
                    from_place, at = reached, p
            if from_place > best:
                best, origin = from_place, at
            step.append((j, best + score * counted))
            back[j] = origin
        top, at = max(paired, key=lambda pair: pair[1], default=(-1, -math.inf))[::-1]
        if top >= none:
            none, held, back[-1] = top, at, at
        else:
            back[-1] = -1
        if not came:
            held = first  # before the first pair a jump counts from the first place of all
        paired = step
        came.append(back)
    top, at = max(paired, key=lambda pair: pair[1], default=(-1, -math.inf))[::-1]
    at = at if top >= none else -1
    to = [-1] * len(rows)
    for i in range(len(rows) - 1, -1, -1):
        to[i] = at
        at = came[i][at]
    return to


def weigh(
    found: Sequence[Word], idf: Callable[[str], float], df: Callable[[str], int]
) -> NDArray[np.float64]:
    """How much each word matters: rare words and names more, function words nothing.

    A word that no note holds would weigh most by its idf alone; colloquial ones (照样, 差不多)
    weigh by how common they are in general.

    Args:
        found: words of a claim or a question.
        idf: weight of a term in the notes.
        df: number of passages that hold a term.
    """
    out = np.zeros(len(found))
    for i, word in enumerate(found):
        if not word.is_content:
            continue
        if word.text in LIGHT:
            out[i] = 0.25
            continue
        base = max(idf(term) for term in (terms(word.text) or [word.text]))
        base = min(max(base, 0.4), 8.0)
        if len(word.text) == 1 and _is_han_word(word.text):
            base *= 0.4
        out[i] = base * (1.3 if word.is_name else _rarity(word, df))
    return out


def _rarity(word: Word, df: Callable[[str], int]) -> float:
    """What of its idf a word keeps that no note holds, by how common it is in general."""
    if word.is_number or df(word.text):
        return 1.0
    if not has_han(word.text):
        return 0.5
    per_million = commonness(word.text)
    if per_million <= _HAN_RARE:
        return 1.0
    span = math.log(_HAN_COMMON / _HAN_RARE)
    return max(0.25, 1 - 0.75 * math.log(per_million / _HAN_RARE) / span)
