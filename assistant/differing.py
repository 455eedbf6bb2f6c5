"""Figures in which a claim and a passage differ: numbers with units, measures, versions.

A number of the claim that the passage does not state, and the other one that stands in its place.
Knows an alignment and quantities, not notes. Called by `contrast`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from assistant.alignment import Alignment
from assistant.conflict import Conflict, Pair
from assistant.magnitudes import composed, states
from assistant.quantities import Quantity, quantities
from assistant.words import Word
from corpus.text import fold

__all__ = ["courses", "measures", "missing_numbers", "numbers", "periods", "versions"]


_UNIT_CLASSES = (
    frozenset(
        {"年", "月", "个月", "周", "星期", "天", "日", "小时", "分钟", "秒", "ms", "us", "ns"}
    ),
    frozenset({"gb", "mb", "kb", "tb", "字节", "bytes", "byte", "bit", "bits"}),
    frozenset({"%", "‰", "倍", "数量级"}),
    frozenset({"元", "美元"}),
    frozenset({"类", "阶段", "步", "项", "点", ""}),
)


def _comparable(a: str, b: str) -> bool:
    return a == b or not a or not b or any({a, b} <= group for group in _UNIT_CLASSES)


_UNCOUNTED = frozenset({"", "类"})  # units of things, not of time, size or share
_COUPLE = re.compile(r"两|\b[Tt]wo\b|\bboth\b")
_COUNTED = re.compile(
    r"[二两三四五六七八九十](?:[个种条类步方部端侧边]|部分|方面|阶段)|[2-9]\s?[个种类条]|"
    r"\b(?:[Tt]wo|[Tt]hree|[Ff]our|[Ff]ive|[Ss]ix)\b"
)


def missing_numbers(claim: str, note: str, context: str = "") -> list[Quantity]:
    """Quantities of a claim that neither the passage nor its context states."""
    if not quantities(claim):
        return []
    known = [*quantities(note), *quantities(context)]
    known += [whole for whole, _ in composed(note, quantities(note))]
    out = [q for q in quantities(claim) if not q.is_weak and not any(states(k, q) for k in known)]
    for whole, parts in composed(claim, quantities(claim)) if out else ():
        if any(states(k, whole) for k in known):
            out = [q for q in out if q not in parts]
    if not any(_COUNTED.match(note, k.start) for k in quantities(note) if not k.is_weak):
        # 两个特征, where the note names both and counts nothing
        out = [q for q in out if q.unit not in _UNCOUNTED or not _COUPLE.match(claim, q.start)]
    if not out:
        return []
    plain = re.sub(r"[\s,]", "", fold(note + " " + context))
    return [q for q in out if not _stands_in(q, claim, plain)]


def _stands_in(q: Quantity, claim: str, plain: str) -> bool:
    """Whether the figure as written stands in the passage: part of a name, a date, a formula."""
    written = re.sub(r"[\s,]", "", fold(claim[q.start : q.end]))
    digits = re.match(r"[\d.]*\d", written)
    if not digits:
        return False
    if written != digits.group():
        return re.search(rf"(?<![\d.]){re.escape(written)}(?![a-z\d])", plain) is not None
    return (
        re.search(rf"(?<![\d.]){re.escape(written)}(?![\d]|\.\d|[kmbt%](?![a-z]))", plain)
        is not None
    )


def numbers(pair: Pair) -> list[Conflict]:
    """A quantity of the claim where the note has another one of the same kind."""
    claimed, noted = quantities(pair.claim), quantities(pair.note)
    lost = missing_numbers(pair.claim, pair.note) if noted else []
    if not lost:
        return []
    free = [
        k
        for k in noted
        if not k.is_weak
        and not any(states(k, q) for q in claimed)
        and (k.unit or not _NAMED.search(pair.note[: k.start]))
    ]
    out = []
    close = [set(_words_near(pair.found.evidence, k, 7)) for k in free]
    for q in lost:
        # a version (Llama 3.1) or a measure by its name (recall 0.89), no year and no count
        is_bare = not q.unit and _NAMED.search(pair.claim[: q.start])
        best: tuple[float, Quantity] | None = None
        around = _words_near(pair.found.claim, q, 4)
        for k, there in zip(free, close, strict=True):
            if is_bare and k.unit == "年":
                continue
            near = _shared(pair.found, around, there)
            if not _comparable(q.unit, k.unit):
                if near < 0.75:
                    continue
                near -= 0.2
            elif q.unit and q.unit == k.unit:
                near += 0.15
            if best is None or near > best[0]:
                best = (near, k)
        if best and best[0] >= 0.35:
            k = best[1]
            out.append(
                Conflict(
                    kind="number",
                    said=pair.claim[q.start : q.end],
                    noted=pair.note[k.start : k.end],
                    strength=min(0.95, 0.45 + 0.5 * best[0]),
                )
            )
    return out


_COURSE = re.compile(
    r"(?:从|由|\bfrom\b)\s*(?P<a>[^,，。；;]{1,14}?)(?:[涨升降跌增减提缩延变掉]\w{0,2})?(?:到|至|成|为|\bto\b)"
)


def courses(pair: Pair) -> list[Conflict]:
    """A change told the other way round: from 18 to 12 where the note says from 12 to 18."""
    mine, theirs = _courses(pair.claim), _courses(pair.note)
    for a, b, said in mine:
        for c, d, noted in theirs:
            if states(d, a) and states(c, b) and not states(c, a):
                return [Conflict(kind="order", said=said, noted=noted, strength=0.9)]
    return []


@lru_cache(maxsize=4096)
def _courses(text: str) -> tuple[tuple[Quantity, Quantity, str], ...]:
    """What a text says to go from one figure to another, and the words that say it."""
    out = []
    for m in _COURSE.finditer(text):
        there = quantities(text)
        first = next((q for q in there if m.start("a") <= q.start < m.end("a")), None)
        last = next((q for q in there if m.end() <= q.start <= m.end() + 3), None)
        if first is not None and last is not None:
            out.append((first, last, text[m.start() : last.end]))
    return tuple(out)


_NAMED = re.compile(r"[A-Za-z][\s\-]*$")  # what follows is a version of a name, no count


def _shared(found: Alignment, around: Sequence[int], close: set[int]) -> float:
    """Share of the words around a claim's quantity whose pairs stand around the note's.

    Args:
        found: the alignment.
        around: places of words in the claim, nearest first; at most four.
        close: places of words in the passage.
    """
    if not around:
        return 0.5
    weights = [1.0, 0.8, 0.6, 0.4][: len(around)]
    hits = [
        w * found.score[i]
        for w, i in zip(weights, around, strict=True)
        if found.to[i] in close and not found.is_opposite[i]
    ]
    return float(sum(hits)) / float(sum(weights))


def _words_near(found: Sequence[Word], q: Quantity, n: int) -> list[int]:
    """Places of the `n` words that stand nearest to a quantity, nearest first."""
    middle = (q.start + q.end) / 2
    apart = [
        (abs((w.start + w.end) / 2 - middle), i)
        for i, w in enumerate(found)
        if w.role != "stop" and not q.start <= w.start < q.end
    ]
    return [i for _, i in sorted(apart)[:n]]


_MEASURES = (
    frozenset(
        "年 月 周 星期 天 日 小时 分钟 秒 毫秒 year month week day hour minute second ms".split()
    ),
    frozenset("bit byte 比特 字节 kb mb gb tb kib mib gib tib".split()),
    frozenset("元 美元 块 dollar yuan".split()),
)
_MEASURING = frozenset().union(*_MEASURES)
_ONE_UNIT = {  # units of the other language or another spelling
    "year": "年", "month": "月", "week": "周", "星期": "周", "day": "天", "日": "天",
    "hour": "小时", "minute": "分钟", "second": "秒", "ms": "毫秒", "比特": "bit",
    "字节": "byte", "yuan": "元", "块": "元", "dollar": "美元",
}  # fmt: skip


def _measured(word: Word) -> str:
    """The unit that a word names, in one form."""
    return _ONE_UNIT.get(word.text, word.text)


def measures(pair: Pair) -> list[Conflict]:
    """Another unit of the same kind, apart from its figure: 4 个 GPU 天, 4 个 GPU 小时."""
    found = pair.found
    said = {_measured(w) for w in found.claim}
    out = []
    for i, word in enumerate(found.claim):
        if word.text not in _MEASURING:
            continue
        group = next(g for g in _MEASURES if word.text in g)
        unit = _measured(word)
        if any(_measured(w) == unit for w in found.evidence):
            continue
        before = found.to[i - 1] if i else -1
        for j, other in enumerate(found.evidence):
            near = before >= 0 and abs(j - before) <= 2
            if other.text in group and _measured(other) not in said and near:
                out.append(
                    Conflict(
                        kind="number",
                        said=pair.claim[word.start : word.end],
                        noted=pair.note[other.start : other.end],
                        strength=0.8,
                    )
                )
                break
    return out


_EVERY = re.compile(
    r"(?:每(?:一|个)?|逐|按)(?P<zh>天|日|周|星期|月|个月|季度|年|小时|分钟|秒)(?![内中初底末])|"
    r"\b(?:every|each|per)\s+(?P<en>second|minute|hour|day|week|month|quarter|year)\b|"
    r"\b(?P<adverb>hourly|daily|weekly|monthly|quarterly|yearly|annually)\b",
    re.IGNORECASE,
)
_ONE_PERIOD = {
    "日": "天", "星期": "周", "个月": "月", "second": "秒", "minute": "分钟", "hour": "小时",
    "day": "天", "week": "周", "month": "月", "quarter": "季度", "year": "年",
    "hourly": "小时", "daily": "天", "weekly": "周", "monthly": "月", "quarterly": "季度",
    "yearly": "年", "annually": "年",
}  # fmt: skip


def periods(pair: Pair) -> list[Conflict]:
    """How often: every month where the note says every week, and no figure that makes up for it."""
    mine, theirs = _periods(pair.claim), _periods(pair.note)
    if len(mine) != 1 or len(theirs) != 1 or mine.keys() == theirs.keys():
        return []
    (period, said), (_, noted) = *mine.items(), *theirs.items()
    if period in pair.note or missing_numbers(pair.claim, pair.note):
        return []
    return [Conflict(kind="number", said=said, noted=noted, strength=0.85)]


@lru_cache(maxsize=4096)
def _periods(text: str) -> dict[str, str]:
    """The periods a text names, in one form, each with the words that name it."""
    out: dict[str, str] = {}
    for m in _EVERY.finditer(text):
        period = (m["zh"] or m["en"] or m["adverb"]).lower()
        out.setdefault(_ONE_PERIOD.get(period, period), m.group())
    return out


_VERSIONED = re.compile(r"([A-Za-z][A-Za-z.+#]*)[\s\-_]*[vV]?(\d+(?:\.\d+)*)(?![\d.]*\d?[A-Za-z%])")


def versions(pair: Pair) -> list[Conflict]:
    """The same name with another version: BlenderBot 2 where the note speaks of BlenderBot 3."""
    claimed = _named_versions(pair.claim)
    if not claimed:
        return []
    noted: dict[str, set[str]] = {}
    for _, name, version in _named_versions(pair.note):
        noted.setdefault(fold(name), set()).add(version)
    out = []
    for said, name, version in claimed:
        known = noted.get(fold(name), set())
        if known and version not in known:
            other = f"{name} {min(known)}"
            out.append(Conflict(kind="version", said=said, noted=other, strength=0.7))
    return out


@lru_cache(maxsize=8192)
def _named_versions(text: str) -> tuple[tuple[str, str, str], ...]:
    """Names with a version: as written, the name, the version."""
    return tuple((m.group(), m.group(1), m.group(2)) for m in _VERSIONED.finditer(text))
