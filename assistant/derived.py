"""Figures that the notes do not state but imply: differences, shares left over, sums, ratios.

A claim says that one thing has so much more than another, or how large the rest is; the notes give
the figures it follows from. They are taken only where each side has exactly one figure of the
unit in question beside its name. Knows a claim and passages; called by `grounding`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from assistant.lexicon import LIGHT, alike
from assistant.magnitudes import composed
from assistant.passages import Passage
from assistant.quantities import Quantity, quantities
from assistant.words import Word, words
from corpus.glossary import translations
from corpus.text import fold, has_han

__all__ = ["Derivation", "derived"]

_TIME = ("ns", "us", "ms", "秒", "分钟", "小时", "天", "周")
_SECONDS = dict(zip(_TIME, (1e-9, 1e-6, 1e-3, 1.0, 60.0, 3600.0, 86_400.0, 604_800.0), strict=True))
_BYTES = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
_LARGE = 100  # from here on a figure without a unit is known by its size
_TRANSLATED = 0.05  # odds above which a word of the other language may name the same
_EXACT = 1_000  # figures below may be rounded to their last digit
_SAID = 0.5  # share of what else the claim says that the passages must know
_UP = r"增加|提高|上升|升|涨|增长|多|长|延长|提升|变大|扩大"
_DOWN = r"减少|降低|下降|降|跌|缩短|省|少|变小|缩小|掉"
_MORE = r"高|多|大|长|重|贵|快|晚|宽|厚|远"
_LESS = r"低|少|小|短|轻|便宜|慢|早|窄|薄|近"
_PART = r"[^,，。；;:：]"
_N = r"(?P<n>\d[\d.,]*)"

_PART_EN = r"[^,;:]"
_VERB_EN = r"(?:is|are|was|takes?|needs?|uses?|has|costs?)"
_B_EN = r"(?P<b>[^,;:.]{2,60})"
_TOGETHER = r"(?:together|in total|combined)\b"

# A 比 B 多 3 GB; A 比 B 高 6 个点
_THAN = re.compile(
    rf"(?P<a>{_PART}{{1,40}}?)比(?P<b>{_PART}{{1,30}}?)(?:要|还|更)?"
    rf"(?:(?P<up>{_MORE})|(?P<down>{_LESS}))[^\d]{{0,8}}{_N}"
)
_THAN_EN = re.compile(
    rf"(?P<a>{_PART_EN}{{2,60}}?)\s+{_VERB_EN}\s+{_N}{_PART_EN}{{0,24}}?\b"
    r"(?:(?P<up>longer|more|higher|larger|bigger|slower|later)|"
    r"(?P<down>shorter|less|fewer|lower|smaller|faster|earlier))"
    rf"{_PART_EN}{{0,30}}?\bthan\s+{_B_EN}",
    re.IGNORECASE,
)
_TIMES = re.compile(
    rf"(?P<a>{_PART}{{1,40}}?)(?:大约|约)?(?:是|为)(?P<b>{_PART}{{1,30}}?)的\s?{_N}\s?倍"
)
_TIMES_EN = re.compile(
    rf"(?P<a>{_PART_EN}{{2,60}}?)\s+{_VERB_EN}\s+(?:about\s+)?(?P<n>\d[\d.]*|twice|half)\s*"
    rf"(?:times)?\s+(?:as\s+\w+(?:\s+\w+)?\s+as|that of|the \w+ of)\s+{_B_EN}",
    re.IGNORECASE,
)
_SUM = re.compile(
    rf"(?P<a>{_PART}{{1,30}}?)(?:和|与|加上?|、)(?P<b>{_PART}{{1,30}}?)"
    rf"(?:一共|总共|合计|加起来|共计|共)[^\d]{{0,6}}{_N}"
)
_SUM_EN = re.compile(
    rf"(?P<a>{_PART_EN}{{2,40}}?)\s+and\s+(?P<b>{_PART_EN}{{2,40}}?)\s+(?:"
    rf"{_TOGETHER}[^\d]{{0,20}}{_N}|"
    rf"(?:is|are|cost|take|need|use)\s+(?P<n2>\d[\d.,]*){_PART_EN}{{0,16}}?\b{_TOGETHER})",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    rf"(?P<a>{_PART}{{1,40}}?)(?:(?P<down>{_DOWN})|(?P<up>{_UP}))了?"
    rf"(?![到至为成])[^\d到至为]{{0,4}}{_N}"
)
_FROM_TO = re.compile(
    r"(?:从|由|\bfrom\b)\s*(?P<a>[^,，。；;]{1,14}?)\s*"
    r"(?:涨|升|降|跌|增|减|提高|缩短|延长|变|提|掉)?\w{0,2}?(?:到|至|成|为|\bto\b)\s*(?P<b>.{1,16})"
)
_NOT_ZH = re.compile(r"没有?|未(?!来)|不(?!同|仅|但|只|断|少)")
_NOT_EN = re.compile(r"\bnot\b|n't\b|\bnever\b|\bwithout\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """A figure worked out from the notes.

    Attributes:
        shown: the calculation with its figures as the notes write them.
        holds: whether the claim's figure is the result.
        passages: where the figures stand.
    """

    shown: str
    holds: bool
    passages: tuple[Passage, ...]


def derived(claim: str, passages: Sequence[Passage]) -> Derivation | None:
    """What a figure of a claim should be by the figures of the notes.

    Args:
        claim: one sentence, without markers.
        passages: single sentences, those that come nearest first.

    Returns:
        None where the claim derives nothing, or the notes do not give all it takes, each once.
    """
    folded = fold(claim)
    for form, work in _FORMS:
        m = form.search(folded)
        if m is None:
            continue
        found = work(_Claim(claim, m), passages)
        if found is not None:
            return found
    return _left_over(claim, passages)


class _Claim:
    """A claim that a form fits: both sides, the figure, and what else it says."""

    def __init__(self, claim: str, m: re.Match[str]) -> None:
        groups = m.groupdict()
        self.text = claim
        self.found = words(claim)
        self.up = groups.get("up") is not None
        n = next(name for name in ("n", "n2") if groups.get(name))
        at = m.start(n)
        self.figure = next((q for q in quantities(claim) if q.start <= at < q.end), None)
        self.a = self._words(*m.span("a"))
        self.b = self._words(*m.span("b")) if "b" in groups else ()

    def _words(self, start: int, end: int) -> tuple[Word, ...]:
        figure = self.figure
        return tuple(
            w
            for w in self.found
            if start <= w.start < end
            and w.is_content
            and w.text not in LIGHT
            and not w.is_number
            and (figure is None or not figure.start <= w.start < figure.end)
        )

    def sides(self) -> Iterator[tuple[tuple[Word, ...], tuple[Word, ...], tuple[Word, ...]]]:
        """What may tell the sides apart, and what both share: 甲的内存 beside 乙."""
        names = [w for w in self.a if w.is_name]
        if names and any(w.is_name for w in self.b):
            shared = tuple(w for w in (*self.a, *self.b) if not w.is_name)
            yield tuple(names), tuple(w for w in self.b if w.is_name), shared
            return
        n = min(max(1, len(self.b)), len(self.a))
        for i in range(len(self.a) - n, -1, -1):
            yield self.a[i : i + n], self.b, self.a[:i] + self.a[i + n :]


@dataclass(frozen=True, slots=True)
class _Figure:
    value: float
    shown: str
    passage: Passage


def _scaled(q: Quantity, unit: str) -> float | None:
    """The value of a quantity in a unit; None where it is of another kind."""
    for scale in (_SECONDS, _BYTES):
        if q.unit in scale and unit in scale:
            return q.value * scale[q.unit] / scale[unit]
    return q.value if q.unit == unit else None


def _names(word: Word) -> set[str]:
    return {
        word.text,
        *alike(word.text),
        *(name for name, odds in translations(word.text) if odds > _TRANSLATED),
    }


def _knows(text: str, word: Word) -> bool:
    """Whether a text has a word, or another name of it."""
    there = {name for w in words(text) for name in (w.text, *w.known)}
    return word.text in fold(text) or not _names(word).isdisjoint(there)


def _of(
    side: Sequence[Word], unit: str, passages: Sequence[Passage], other: Sequence[Word]
) -> _Figure | None:
    """The one figure of a unit that stands with a side; None for none or several.

    In a sentence that names both sides, it is the first figure behind the name, in front of the
    next one.
    """
    if not side:
        return None
    found: dict[float, _Figure] = {}
    for passage in passages:
        text = passage.text
        if not all(_knows(text, w) for w in side):
            continue
        start, end = 0, len(text)
        if all(_knows(text, w) for w in other):
            start = max(_behind(text, w) for w in side)
            rivals = [at for w in other if (at := _behind(text, w)) > start]
            end = min(rivals, default=end)
            ends = re.search(r"[,，;；。]", text[start:])
            end = min(end, start + ends.start()) if ends else end
        inside = [
            q for q in quantities(text) if start <= q.start and q.end <= end and not q.is_weak
        ]
        inside += [whole for whole, _ in composed(text, inside)]
        inside = [q for q in inside if q.unit == unit] or inside
        values = [(v, q) for q in inside if (v := _scaled(q, unit)) is not None and not q.hedge]
        if len({v for v, _ in values}) == 1:
            value, q = values[0]
            found[value] = _Figure(value, " ".join(text[q.start : q.end].split()), passage)
        elif values:
            return None
    return next(iter(found.values())) if len(found) == 1 else None


def _behind(text: str, word: Word) -> int:
    """Where a word, or another name of it, ends in a text; 0 where it is not found by its form."""
    folded = fold(text)
    ends = [at + len(name) for name in _names(word) if (at := folded.find(name)) >= 0]
    return min(ends, default=0)


def _agrees(figure: Quantity, result: float) -> bool:
    """Whether a figure is a result, as exactly as it is written."""
    if figure.hedge == "about":
        return math.isclose(figure.value, result, rel_tol=0.05)
    digits = 10.0 ** -_decimals(figure.value)
    return abs(figure.value - result) <= 0.5 * digits * (
        1 if figure.value < _EXACT else 0
    ) + 1e-6 * abs(result)


def _decimals(value: float) -> int:
    text = f"{value:.6f}".rstrip("0")
    return len(text.partition(".")[2])


def _shared_is_known(said: Sequence[Word], passages: Sequence[Passage]) -> bool:
    text = "\n".join(f"{p.context}\n{p.text}" for p in passages)
    if any(w.is_name and not _knows(text, w) for w in said):
        return False
    plain = [w for w in said if not w.is_name]
    return not plain or sum(_knows(text, w) for w in plain) >= _SAID * len(plain)


def _two(one: _Claim, passages: Sequence[Passage], unit: str) -> tuple[_Figure, _Figure] | None:
    out: dict[tuple[float, float], tuple[_Figure, _Figure]] = {}
    for a, b, shared in one.sides():
        if not a or not b or {w.text for w in a} & {w.text for w in b}:
            continue
        first, second = _of(a, unit, passages, b), _of(b, unit, passages, a)
        if first is None or second is None:
            continue
        if _shared_is_known(shared, (first.passage, second.passage)):
            out[first.value, second.value] = first, second
    return next(iter(out.values())) if len(out) == 1 else None


def _is_bare(figure: Quantity) -> bool:
    """Whether a figure has neither a unit nor a size by which others of its kind are known."""
    return not figure.unit and figure.value < _LARGE


def _units(passages: Sequence[Passage]) -> list[str]:
    return list(dict.fromkeys(q.unit for p in passages for q in quantities(p.text) if q.unit))


def _difference(one: _Claim, passages: Sequence[Passage]) -> Derivation | None:
    if one.figure is None or one.figure.unit == "倍" or _is_bare(one.figure):
        return None
    pair = _two(one, passages, one.figure.unit)
    if pair is None:
        return None
    a, b = pair
    more, less = (a, b) if one.up else (b, a)
    result = more.value - less.value
    return _made(one, f"{more.shown} − {less.shown}", result, (a, b))


def _ratio(one: _Claim, passages: Sequence[Passage]) -> Derivation | None:
    if one.figure is None:
        return None
    units = [u for u in _units(passages) if u not in ("倍", "年", "月", "日", "第")]
    pairs = [p for unit in units if (p := _two(one, passages, unit)) is not None]
    if len(pairs) != 1 or not pairs[0][1].value:
        return None
    a, b = pairs[0]
    return _made(one, f"{a.shown} ÷ {b.shown}", a.value / b.value, (a, b))


def _total(one: _Claim, passages: Sequence[Passage]) -> Derivation | None:
    if one.figure is None:
        return None
    pair = _two(one, passages, one.figure.unit)
    if pair is None:
        return None
    a, b = pair
    return _made(one, f"{a.shown} + {b.shown}", a.value + b.value, (a, b))


def _change(one: _Claim, passages: Sequence[Passage]) -> Derivation | None:
    """From 14 to 11 minutes: 3 less."""
    if one.figure is None or _is_bare(one.figure):
        return None
    for passage in passages:
        m = _FROM_TO.search(passage.text)
        about = f"{passage.context}\n{passage.text}"
        if m is None or not one.a or not all(_knows(about, w) for w in one.a):
            continue
        there = quantities(passage.text)
        first = next((q for q in there if m.start("a") <= q.start < m.end("a")), None)
        last = next((q for q in there if q.start >= m.start("b")), None)
        if first is None or last is None or first.hedge or last.hedge:
            continue
        unit = one.figure.unit
        before, after = _scaled(first, unit), _scaled(last, unit)
        if before is None and not first.unit and after is not None:
            before = first.value  # 从 14 到 11 分钟
        if before is None or after is None:
            continue
        pair = [
            _Figure(v, passage.text[q.start : q.end], passage)
            for v, q in ((before, first), (after, last))
        ]
        more, less = pair[::-1] if one.up else pair
        found = _made(one, f"{more.shown} − {less.shown}", more.value - less.value, tuple(pair))
        # one plain word alone (延迟) may be that of anything: what differs is another course
        is_told = len(one.a) > 1 or any(w.is_name for w in one.a)
        return found if found.holds or is_told else None
    return None


def _made(one: _Claim, shown: str, result: float, found: tuple[_Figure, ...]) -> Derivation:
    assert one.figure is not None
    unit = _unit_of(one.text, one.figure)
    scaled = result / _scale_of(one.text, one.figure)
    return Derivation(
        shown=f"{shown} = {scaled:.6g}{unit}",
        holds=_agrees(one.figure, result),
        passages=tuple(dict.fromkeys(f.passage for f in found)),
    )


def _unit_of(text: str, q: Quantity) -> str:
    written = text[q.start : q.end]
    unit = re.sub(r"^[第\d.,\s]+", "", written)
    return f" {unit}" if unit else ""


def _scale_of(text: str, q: Quantity) -> float:
    """What the words behind the digits multiply them with: 万, million."""
    m = re.match(r"[\d.,]+", text[q.start : q.end])
    number = float(m.group().replace(",", "")) if m else 0.0
    return q.value / number if number else 1.0


def _left_over(claim: str, passages: Sequence[Passage]) -> Derivation | None:
    """30 % of them do: 70 % do not."""
    shares = [q for q in quantities(claim) if q.unit == "%" and not q.hedge and 0 < q.value < 100]
    if len(shares) != 1:
        return None
    denied = len(_not(_clause(claim, shares[0])))
    said = [
        w
        for w in words(claim)
        if w.is_content
        and w.text not in LIGHT
        and not w.is_number
        and not shares[0].start <= w.start < shares[0].end
    ]
    for passage in passages:
        there = [q for q in quantities(passage.text) if q.unit == "%" and not q.hedge]
        if len(there) != 1 or len(said) < 2:
            continue
        if (len(_not(_clause(passage.text, there[0]))) + denied) % 2 == 0:
            continue
        known = sum(_knows(f"{passage.context}\n{passage.text}", w) for w in said)
        if known < 0.75 * len(said):
            continue
        rest = 100 - there[0].value
        holds = math.isclose(rest, shares[0].value, abs_tol=1e-6)
        if not holds and math.isclose(there[0].value, shares[0].value):
            continue  # the negation differs, which is told as such
        return Derivation(
            shown=f"100% − {passage.text[there[0].start : there[0].end]} = {rest:.6g}%",
            holds=holds,
            passages=(passage,),
        )
    return None


def _clause(text: str, q: Quantity) -> str:
    """The clause in which a quantity stands."""
    before = re.split(r"[，;；。：\n]|[,:.]\s", text[: q.start])[-1]
    return before + re.split(r"[,，;；。]", text[q.start :])[0]


def _not(text: str) -> list[str]:
    return (_NOT_ZH if has_han(text) else _NOT_EN).findall(fold(text))


_Work = Callable[[_Claim, Sequence[Passage]], Derivation | None]
_FORMS: tuple[tuple[re.Pattern[str], _Work], ...] = (
    (_THAN, _difference),
    (_THAN_EN, _difference),
    (_TIMES, _ratio),
    (_TIMES_EN, _ratio),
    (_SUM, _total),
    (_SUM_EN, _total),
    (_CHANGE, _change),
)
