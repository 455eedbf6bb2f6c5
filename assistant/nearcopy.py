"""A claim that copies a sentence but for a few words: which words, and do they matter?

Compares letter by letter: `2023 年` and `2023 个月`, `10^6` and `10^1`, `如果不是`
and `如果是` differ in one sign that a segmenter may hide. Knows two texts; called by `comparing`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import Match, SequenceMatcher
from functools import lru_cache

from assistant.denials import quantifier
from assistant.lexicon import LIGHT, alike, opposites
from assistant.magnitudes import composed, same_quantity
from assistant.quantities import quantities
from assistant.words import Word, words
from corpus.text import fold, is_han

__all__ = ["alteration"]

_LATIN = re.compile(r"[a-z_]+|\d+(?:\.\d+)*|[^\W\d_]|[%‰^]")
_LISTED = re.compile(r"(?m)^\s*(\d{1,2})[.)、]\s")  # the number of an item says nothing
# What a claim may leave out: when it was, into how many parts that which it names falls, where a
# change began.
_LEFT_OUT = re.compile(
    r"[\s,，(（]*(?:[在于自]|in|on|since)?\s*(?:(?:19|20)\d\d)\s*年?(?:\s*\d{1,2}\s*月)?(?:\s*\d{1,2}\s*[日号])?"
    r"[\s,，)）]*|[\s:：]*[两二三四五六七八]\s*(?:大|个)?(?:部分|类|种)[\s:：]*|"
    r"从[^到至,，。；;]{1,12}"  # where a change began
)
# A clause that another one depends on; a copy that drops it says more than the text.
_CONDITION = re.compile(
    r"[时若当除]|如果|只要|只有|才|之[前后]|以[前后]|情况|\b(?:if|when|unless|only|until|after|before|once|except)\b",
    re.IGNORECASE,
)
_CLAUSE_ENDS = re.compile(r"[,，;；|、]")
_NUMERALS = "零〇一二三四五六七八九十百千万亿两半"
_ASIDE = re.compile(r"[(（][^()（）]*(?:[)）]|$)|^[^()（）]*[)）]")  # also one that the piece cuts
_ENDS = re.compile(r"[。！？!?\n]")
# What says that something is so for each or all anyway, beside which 都 and 也 add nothing.
_EACH = re.compile(r"[每各任凡连]|所有|一切|全部|无论|不管|不论|[和与、及]|四面|两者|双方")
_MARKS = "(（)）,，;；|"
_DISTRIBUTES = frozenset("都 也 均 皆 全都 就".split())
_MOSTLY = frozenset("常 常常 经常 一般 往往 通常 大多 usually often generally typically".split())
# Words of manner and circumstance that a copy may have or lack.
_ADDED = frozenset(
    "应当 应该 应 须 得 便 的话 去 来 仍 仍然 遇到 保持 有着 进行 来说 总共 "
    "run occur happen come go having place".split()
)
_OBLIGES = frozenset(
    "必须 一定 务必 只能 要 需 需要 应 应当 应该 须 得 must should need have".split()
)
_NEAR_COPY = 0.75
_LEAST_ATOMS = 5
_LONGEST = 2.0  # times the claim: a stretch of text, from first to last common word, that is near


_Atoms = tuple[tuple[str, int, int], ...]


@lru_cache(maxsize=8192)
def _atoms(text: str) -> _Atoms:
    """Ideographs, Latin words and numbers of a text, with their places."""
    listed = {m.start(1) for m in _LISTED.finditer(text)}
    return tuple(
        (m.group(), m.start(), m.end())
        for m in _LATIN.finditer(fold(text))
        if m.start() not in listed
    )


@lru_cache(maxsize=8192)
def _counts(text: str) -> Counter[str]:
    return Counter(atom for atom, _, _ in _atoms(text))


@lru_cache(maxsize=8192)
def alteration(claim: str, text: str, around: str = "") -> str:
    """Whether a claim is a copy of (a part of) a text with something changed that matters.

    Args:
        claim: the statement.
        text: a sentence or a few.
        around: title, headings and stem; what the text leaves out because they say it.

    Returns:
        "near" or "far" when at least three quarters of the claim stand in the text in the same
        order, and what differs is more than function words or another name for the same word;
        "near" if they stand close together there, "far" if they are picked from a longer
        stretch. Empty for a claim that says it in its own words, whatever it says.
    """
    claim, text = _with_times(claim), _with_times(text)
    mine, theirs = _atoms(claim), _atoms(text)
    if len(mine) < _LEAST_ATOMS or not theirs:
        return ""
    least = _NEAR_COPY * len(mine)
    if (_counts(claim) & _counts(text)).total() < least:  # no order of them can match more
        return ""
    matcher = SequenceMatcher(
        None, [a for a, _, _ in mine], [b for b, _, _ in theirs], autojunk=False
    )
    blocks = [b for b in matcher.get_matching_blocks() if b.size]
    if sum(b.size for b in blocks) < least:
        return ""
    end = blocks[-1].b + blocks[-1].size
    differs = (
        _has_changed(claim, text, around, mine, theirs, blocks)
        or _turns_at_end(claim, text, mine, theirs, blocks[-1])
        or _loses_denial(text, theirs, blocks[0].b)
    )
    if not differs:
        return ""
    return "near" if end - blocks[0].b <= _LONGEST * len(mine) else "far"


def _has_changed(
    claim: str, text: str, around: str, mine: _Atoms, theirs: _Atoms, blocks: Sequence[Match]
) -> bool:
    """Whether what stands between two common stretches differs in what is said."""
    at_a, at_b = 0, blocks[0].b
    last = blocks[-1].b + blocks[-1].size
    for block in [*blocks, None]:
        to_a, to_b = (block.a, block.b) if block else (len(mine), last)
        said, noted = _piece(claim, mine, at_a, to_a), _piece(text, theirs, at_b, to_b)
        if said and _matters(said, noted, claim, f"{text}\n{around}"):
            return True
        if noted and not said:
            start = mine[at_a - 1][2] if at_a else 0
            if not _may_be_left_out(noted, claim[start : mine[to_a][1] if block else len(claim)]):
                return True
        if block:
            at_a, at_b = block.a + block.size, block.b + block.size
    return False


def _turns_at_end(claim: str, text: str, mine: _Atoms, theirs: _Atoms, last: Match) -> bool:
    """Whether the claim ends with the opposite of what the text goes on with: 变长 for 变短."""
    at_a, at_b = last.a + last.size, last.b + last.size
    tail = _piece(claim, mine, at_a, len(mine))
    beyond = _piece(text, theirs, at_b, min(at_b + len(mine) - at_a, len(theirs)))
    there = {word.text for word in words(beyond)} if tail else set()
    return any(opposites(word.text) & there for word in words(tail))


def _piece(text: str, atoms: _Atoms, low: int, high: int) -> str:
    """What stands from one atom to before another one, with the marks on either side of it."""
    if high <= low:
        return ""
    start, end = atoms[low][1], atoms[high - 1][2]
    before = text[atoms[low - 1][2] if low else 0 : start]
    behind = text[end : atoms[high][1] if high < len(atoms) else len(text)]
    return (
        "".join(c for c in before if c in _MARKS)
        + text[start:end]
        + ("".join(c for c in behind if c in _MARKS))
    )


def _loses_denial(text: str, theirs: _Atoms, first: int) -> bool:
    """Whether a negation right before the copied words was left out."""
    if first == 0:
        return False
    lead = re.split(r"[,，。；;:：!！?？\n]", text[: theirs[first][1]])[-1]
    return any(w.role == "negation" for w in words(lead)[-2:])


def _matters(said: str, noted: str, claim: str, around: str) -> bool:
    """Whether exchanging one piece for the other changes what is said.

    Args:
        said: a piece of the claim, not empty.
        noted: what stands in its place in the text.
        claim: all of the claim.
        around: all of the text, and what stands above it.
    """
    noted = _ASIDE.sub(" ", noted)
    figures = [[c for c in piece if c in _NUMERALS] for piece in (said, noted)]
    if figures[0] != figures[1] and sorted(figures) != [[], ["一"]]:
        return not _same_figures(said, noted)
    ours, others = _told(said, claim, noted), _told(noted, claim, said)
    if any(_changes(w) for w in (*ours, *others)) and not _denies_alike(ours, others):
        return not _same_figures(said, noted)
    there = {w.text for w in others}
    if any(opposites(w.text) & there for w in ours):
        return True
    left = [w for w in ours if not _is_light(w) and not _changes(w)]
    if not left:  # the claim only leaves words out
        return False
    known = set(there)
    if not any(w.is_content and not _is_light(w) for w in others):
        # added words name again what the text speaks of
        known |= {name for w in words(around) for name in (w.text, *w.known)}
    return not all(w.text in known or alike(w.text) & known for w in left)


def _may_be_left_out(noted: str, gap: str) -> bool:
    """Whether a copy that lacks a piece of the text says no more than the text.

    Args:
        noted: the piece.
        gap: what the claim has in its place, marks at most: whole sentences and clauses can be left
            out only between clauses of the claim, else it joins what does not belong together.
    """
    if _LEFT_OUT.fullmatch(noted):
        return True
    at_break = _CLAUSE_ENDS.search(gap) is not None
    if _ENDS.search(noted) and at_break:
        return not any(w.role == "negation" for w in words(noted))  # a whole sentence or more
    noted = _ASIDE.sub(" ", noted)
    # what has to be so, is so
    found = [w for w in words(noted) if _changes(w) and quantifier(w.text) != "must"]
    if at_break and _CLAUSE_ENDS.search(noted) and all(w.is_number for w in found):
        return _CONDITION.search(noted) is None  # a clause or more that stands by itself
    return not found and not any(c in _NUMERALS for c in noted)


def _told(piece: str, claim: str, other: str) -> list[Word]:
    """The words of a piece but those that add nothing beside the other piece or the rest."""
    found = words(piece)
    if _EACH.search(claim):
        found = tuple(w for w in found if w.text not in _DISTRIBUTES)
    for same in (_MOSTLY, _OBLIGES):
        if any(w.text in same for w in words(other)):
            found = tuple(w for w in found if w.text not in same)
    return list(found)


def _changes(word: Word) -> bool:
    """Whether a word cannot be there on one side only: a figure, a negation, a scope."""
    return word.is_number or word.role in ("negation", "quantifier")


def _denies_alike(ours: Sequence[Word], others: Sequence[Word]) -> bool:
    """Whether two pieces deny and limit the same: 不能 and 必须不, 并不 and 不; without figures."""
    if any(w.is_number for w in (*ours, *others)):
        return False
    odd = [sum(w.role == "negation" for w in words) % 2 for words in (ours, others)]
    limits = [{quantifier(w.text) for w in words} - {"", "must"} for words in (ours, others)]
    return odd[0] == odd[1] == 1 and limits[0] == limits[1]


def _is_light(word: Word) -> bool:
    return (
        word.role == "stop"
        or word.text in LIGHT
        or word.text in _ADDED
        or (len(word.text) == 1 and not _is_unit(word.text))
    )


def _is_unit(char: str) -> bool:
    return is_han(char) and char in "年月日天周层维头类种步倍张元块个阶万亿千百"


def _same_figures(said: str, noted: str) -> bool:
    ours, others = quantities(said), quantities(noted)
    return (
        bool(ours)
        and len(ours) == len(others)
        and all(same_quantity(a, b) for a, b in zip(ours, others, strict=True))
    )


def _with_times(text: str) -> str:
    """A text in which times said in two units are said in one: 2 小时 15 分 as 135 分钟."""
    for time, _ in reversed(composed(text, quantities(text))):
        text = f"{text[: time.start]}{time.value:g} {time.unit}{text[time.end :]}"
    return text
