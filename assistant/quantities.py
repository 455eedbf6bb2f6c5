"""Numbers with their units, in one normal form: 15.6T = 15.6万亿, 三类 = 3 类, 1,400GB = 1400GB.

`quantities` finds them in Chinese and English text with exact spans. Knows nothing of claims.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from assistant.hedges import Hedge, hedge
from assistant.numerals import DIGIT, NUMERAL, PLACE, SCALE, dates, fractions, han_value, powers
from corpus.text import fold

__all__ = ["Quantity", "quantities"]

_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "twelve": 12, "twenty": 20, "thirty": 30, "hundred": 100, "half": 0.5,
    "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "once": 1, "twice": 2, "double": 2, "dozen": 12,
}  # fmt: skip
_LATIN_SCALE = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "bn": 1e9,
                "million": 1e6, "billion": 1e9, "trillion": 1e12, "thousand": 1e3}  # fmt: skip
_CURRENCY = {"$": "美元", "¥": "元", "￥": "元", "€": "欧元", "£": "英镑"}
# Units, those of one line in one normal form: the first; "" counts without saying what.
_UNIT_FORMS = (
    "% percent pct 个百分点 百分点 pp", "‰", "gb gib g", "mb mib", "kb kib", "tb tib", "pb pib",
    "gb/s", "mb/s", "kb/s", "tb/s", "gbps", "mbps", "kbps", "tbps", "字节 bytes byte",
        "bit bits 比特",
    "ms 毫秒 milliseconds millisecond msec", "us 微秒 microseconds microsecond usec",
        "ns 纳秒 nanoseconds nanosecond", "秒 seconds second secs sec s",
    "分钟 minutes minute mins min", "小时 hours hour hrs h", "天 days", "日 号 day",
        "周 星期 week weeks",
    "个月 months month", "月", "年 年代 year years",
    "hz", "khz", "mhz", "ghz", "flops", "tflops", "pflops", "gflops", "tops", "qps", "tps", "iops",
    "fps", "rpm", "w", "kw", "kwh", "mah", "kg 千克 公斤", "克 grams gram", "mg 毫克", "km 公里", "cm 厘米", "mm 毫米", "米",
        "px", "db",
    "token 个token tokens", "数量级 个数量级 orders", "倍 times x fold",
        "类 种 个类 类型 types kinds categories",
    "张 cards gpus", "层 layers layer", "维 dims dimensions dim d", "步 步骤 个步骤 steps step",
    "阶段 个阶段 stages stage", "头 个头 heads head", "元 块钱 rmb", "块", "美元 美金 usd", "欧元",
        "英镑",
    "次", "篇", "人", "位", "名", "台", "阶", "级", "路", "行", "列", "家", "卡", "核", "轮", "代",
        "度", "字",
    "词", "页", "章", "点", "版", "世纪", " 个 项 条 大",
)  # fmt: skip
_UNIT_ALIAS = {
    form: forms.split(" ")[0] for forms in _UNIT_FORMS for form in forms.split(" ") if form
}
_UNIT = "|".join(
    re.escape(unit) + ("(?![a-z0-9])" if unit[-1].isascii() and unit[-1].isalpha() else "")
    for unit in sorted({*_UNIT_ALIAS, *_LATIN_SCALE}, key=lambda unit: (-len(unit), unit))
)
_MORE = "多余几来"  # 二十多种: somewhat above
_ARABIC = re.compile(
    r"(?<![a-z0-9_.])(?P<sign>[-+](?=\d))?"
    r"(?P<value>\d+(?:\.\d+)?e[-+]?\d{1,3}(?![a-z0-9.])|\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|"
    r"\d+(?:\.\d+)*)"
    r"(?:\s?(?P<han>[百千]?[万亿兆]+|[百千](?![分万亿克])))?"
    r"(?:\s?(?P<word>thousand|million|billion|trillion)\b)?"
    rf"(?:(?P<more>\s?[{_MORE}])?\s?[-\\]?(?P<unit>{_UNIT}))?(?P<tail>(?<=[a-z0-9])[a-z][a-z0-9]*)?"
)
_HAN_NUMBER = re.compile(rf"[{NUMERAL}]+(?:点[零〇一二三四五六七八九]+)?|半")
_HAN_UNIT = re.compile(
    rf"(?P<more>[{_MORE}])?\s?(?P<unit>个(?:阶段|步骤|数量级|百分点|头|月|类|token)|数量级|百分点|"
    rf"阶段|步骤|星期|世纪|"
    r"年代|[个种类张层级维步台块元次项条篇人位名头阶路行列家卡核轮代度米字词页章年月日天周倍大]|"
    r"小时|分钟|毫秒|秒|"
    r"(?P<tenth>成)(?![分本员立为功绩熟果效长型不对]|就(?![该要会能可算是得]))|(?:[gmkt]b|tokens?|ms)(?![a-z]))"
)
# Without any of these there is no quantity: most sentences cost this look alone.
_COUNTING = re.compile(rf"[\d{NUMERAL}半]|\b(?:{'|'.join(_WORDS)})\b")
_SPREAD = re.compile(  # 72.6 ± 1.5 %: the unit is that of both
    rf"\s?(?:±|\\pm|\+/-|\+-)\s?\d+(?:\.\d+)?\s?\\?(?P<unit>{_UNIT})"
)
_WORD_NUMBER = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b(?:[ -](?P<unit>{_UNIT})\b)?")
# Words that begin like a number but count nothing.
_IDIOM = re.compile(
    r"(?<![十百千万亿])(?:一(?:般|些|样|致|定|直|切|旦|起|边|方面|同|体|系列|下|点|并|向|贯|律|时|"
    r"味|举|文|"
    r"句话|部分|种折衷|言|共|再|连串|大批|大圈|步步|一|来|经|路|本|流|者|线|次性)|"
    r"十分(?!钟|之)|百度(?!以)|三方|四处|两者|二者)|进一步|"
    r"万一|千万(?=不|别|要|记|注|小心)|万能|七牛|八股|九章|[一二]元(?!钱)|统一|唯一|之一|第一时间|"
    r"单一|其一|"
    r"千篇一律|百分之(?!\d|[零一二三四五六七八九十百])"
)
# `一` before these is an article: "a model", not "one model".
_ARTICLE = frozenset({"", "类", "张", "篇", "位", "名", "家", "台", "步", "次", "路", "行", "代",
    "轮", "点", "元",
                      "头", "人", "字", "词", "页", "章", "度", "核", "卡", "米", "列", "周", "天"})  # fmt: skip
# 这一级, 每一维: an article, whatever is counted
_POINTING = frozenset("这那每某哪同另任此其")
# 这两种, the two: the things just named, no figure of their own
_NAMED_BEFORE = re.compile(r"(?:这|那|上述|以上|前述|\bthe|\bthese|\bthose|\bboth)\s?$")
_A_FEW = 4
_ONCE = re.compile(r"\s?(?:a|an|per|every|each|more|again)\b")
_ORDINAL = re.compile(r"第\s?$")
_TENTHS = re.compile(r"[一二三四五六七八九](?![\d十百千万亿个分月年天])")
_FIRST_OF_RANGE = re.compile(r"(?<![a-z0-9_.-])\d+(?:\.\d+)*(?:%|[a-z]{1,3})?-$")
_MINUS = re.compile(r"(?:^|[\s(\[{=:,;<>~≈是为到至])[-\u2212\uff0d]$")
_RANGE_GOES_ON = re.compile(rf"\s?[到至、或~-]\s?[{NUMERAL}]{{1,6}}")
_TIMES = re.compile(r"(?<=\d)(?<!\b0)x(?=\d)|(?<=\d )x(?= \d)")
_CROSS = re.compile(r"(?<=\d)(\s?)×(?=[A-Za-z0-9])|(?<=\d\s)×")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as written and as meant.

    Attributes:
        value: the number, scale words applied (15.6T = 15.6e12).
        unit: normal form of the unit, "" when there is none.
        start: offset of its first character.
        end: offset after the number and its unit.
        is_weak: True for 一个/一种/这两种, an article rather than a count.
        hedge: what the words beside it make of it: 约, 多, 超过, at most.
    """

    value: float
    unit: str
    start: int
    end: int
    is_weak: bool = False
    hedge: Hedge = ""

    @property
    def is_exact(self) -> bool:
        """Whether nothing beside the number says that it is not meant to the digit."""
        return not self.hedge


@lru_cache(maxsize=8_192)
def quantities(text: str) -> tuple[Quantity, ...]:
    """The numbers of a text, in order, without overlap.

    Digits inside identifiers (`bge-m3`, `Llama-3.1`) belong to the identifier and are no
    quantities; versions such as 3.1 standing alone are. A date gives its year, month and day.
    """
    folded = fold(text)
    if not _COUNTING.search(folded):
        return ()
    # 8×A100 and 224x224: a sign between numbers; in 3× alone it is a unit
    if "×" in text:
        folded = fold(_CROSS.sub(r"\1*", text))
    if "x" in folded:
        folded = _TIMES.sub("*", folded)
    found: list[Quantity] = []
    taken = 0
    for candidate in sorted(_candidates(text, folded), key=lambda q: (q.start, -q.end)):
        if candidate.start >= taken:
            found.append(candidate)
            taken = candidate.end
    return tuple(found)


def _candidates(text: str, folded: str) -> Iterator[Quantity]:
    """Numbers of all forms, of which some overlap; the longest that begins first is meant."""
    whole: list[tuple[int, int]] = []
    for value, unit, span in fractions(folded):
        whole.append(span)
        yield Quantity(value, unit, *span, hedge=hedge(folded, *span))
    for parts, span in dates(folded):
        whole.append(span)
        for value, unit, where in parts:
            yield Quantity(value, unit, *where)
    for value, span in powers(text, folded):
        whole.append(span)
        yield Quantity(value, "", *span, hedge=hedge(folded, *span))
    inside = _Spans(whole)
    for m in _ARABIC.finditer(folded):
        if not inside.meet(m.start("value"), m.end("value")):
            yield from _arabic(text, folded, m)
    numerals = list(_HAN_NUMBER.finditer(folded))
    idioms = [m.span() for m in _IDIOM.finditer(folded)] if numerals else []
    idle = _Spans([*whole, *idioms])
    for m in numerals:
        if not idle.meet(*m.span()):
            yield from _han(folded, m)
    for m in _WORD_NUMBER.finditer(folded):
        unit, factor = _unit(m.group("unit"))
        word = re.split(r"[ -]", m.group())[0]
        # "one of", "one can", "once the …": an article unless a unit follows
        weak = word == "one" or (word == "once" and not _ONCE.match(folded, m.end()))
        weak = weak or (_WORDS[word] <= _A_FEW and _points(folded, m.start()))
        around = hedge(folded, *m.span())
        yield Quantity(_WORDS[word] * factor, unit, m.start(), m.end(), weak, around)


def _points(folded: str, start: int) -> bool:
    """Whether a count is that of things just named: 这两种, the two."""
    return _NAMED_BEFORE.search(folded[max(0, start - 6) : start]) is not None


class _Spans:
    """Spans, and whether another meets one of them."""

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        self._merged: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if self._merged and start < self._merged[-1][1]:
                start, end = self._merged[-1][0], max(end, self._merged.pop()[1])
            self._merged.append((start, end))

    def meet(self, start: int, end: int) -> bool:
        at = bisect_right(self._merged, (start, math.inf)) - 1
        if at >= 0 and self._merged[at][1] > start:
            return True
        return at + 1 < len(self._merged) and self._merged[at + 1][0] < end


def _unit(raw: str | None) -> tuple[str, float]:
    """Normal unit and the factor that its letters add: `15.6T` -> ("", 1e12)."""
    if not raw:
        return "", 1.0
    if raw in _LATIN_SCALE:
        return "", _LATIN_SCALE[raw]
    return _UNIT_ALIAS.get(raw, raw), 1.0


def _scale(han: str | None) -> float:
    factor = 1.0
    for char in han or "":
        factor *= PLACE.get(char, SCALE.get(char, 1))
    return factor


def _arabic(text: str, folded: str, m: re.Match[str]) -> Iterator[Quantity]:
    """A number in digits with its scale and unit, unless it belongs to an identifier."""
    if m.group("tail"):
        return  # `7bchat`, `2way`: an identifier
    start = m.start()
    before = folded[max(0, start - 24) : start]
    joined = before[-1:] in {"-", "+"} and before[-2:-1].isalnum() and before[-2:-1].isascii()
    if joined and not _FIRST_OF_RANGE.search(before):
        return  # `gpt-2`, `bge-m3`
    value = m.group("value").replace(",", "")
    if value.count(".") > 1:
        return  # a version with three parts is an identifier
    unit, factor = _unit(m.group("unit"))
    spread = None if unit or factor > 1 else _SPREAD.match(folded, m.end())
    if spread:
        unit = _unit(spread.group("unit"))[0]
    number = float(value) * factor * _scale(m.group("han")) * _WORDS.get(m.group("word"), 1)
    if not math.isfinite(number):
        return
    if m.group("unit") == "s" and re.fullmatch(r"\d{3}0s", m.group()):
        unit = "年"  # the 1990s
    if m.group("sign") and _MINUS.search(text[max(0, start - 1) : start + 1]):
        number = -number
    if before[-1:] in _CURRENCY and not unit and folded[m.end() : m.end() + 1] not in _MATH:
        start, unit = start - 1, _CURRENCY[before[-1]]
    ordinal = _ORDINAL.search(before)
    if ordinal:
        start, unit = start - len(ordinal.group()), "第"
    around: Hedge = "above" if m.group("more") else hedge(folded, start, m.end())
    weak = number == 2 and not ordinal and _points(folded, start)
    yield Quantity(number, unit, start, m.end(), weak, around)


_MATH = frozenset("$^\\_={}")  # `$10^9$` is a formula, no price


def _han(folded: str, m: re.Match[str]) -> Iterator[Quantity]:
    """A Chinese numeral, where it counts something or is too long to be part of a word."""
    word, start = m.group(), m.start()
    read = han_value(word)
    if read is None:
        return
    value, is_exact = read
    before = folded[start - 1 : start]
    ordinal = before == "第"
    unit = _HAN_UNIT.match(folded, m.end())
    if unit and unit.group("more") and word[-1] not in "十百千万亿":
        unit = None
    goes_on = _counts_behind(folded, m.end())
    if unit is None and not ordinal and not goes_on:
        if len(word) < 2 and word != "两":
            return  # a lone numeral without a measure word is part of a word
        if len(word) == 2 and all(c in DIGIT for c in word) and not set(word) & set("零〇"):
            return  # 二八, 五一
    end = unit.end() if unit else m.end()
    normal = _unit(unit.group("unit"))[0] if unit else ""
    if unit and unit.group("tenth"):
        if len(word) > 1 or ordinal:
            return
        value, normal = 10 * value, "%"  # 九成
        tenths = _TENTHS.match(folded, end)
        if tenths:
            value, end = value + DIGIT[tenths.group()], tenths.end()  # 六成七
    weak = not ordinal and _is_weak(folded, start, word, value, normal)
    around: Hedge = "above" if unit and unit.group("more") else hedge(folded, start, end)
    if not around:
        upward = before == "上" and word[-1] in "百千万亿"  # 上千亿: of that size
        around = "several" if upward else "" if is_exact else "about"
    yield Quantity(value, "第" if ordinal else normal, start - ordinal, end, weak, around)


def _is_weak(folded: str, start: int, word: str, value: float, unit: str) -> bool:
    """Whether a Chinese numeral is an article, or counts what was just named."""
    if word == "一" and (unit in _ARTICLE or folded[start - 1 : start] in _POINTING):
        return True
    return value <= _A_FEW and _points(folded, start)


def _counts_behind(folded: str, at: int) -> bool:
    """Whether the second numeral of 六到八层 is followed by a measure word."""
    m = _RANGE_GOES_ON.match(folded, at)
    return m is not None and _HAN_UNIT.match(folded, m.end()) is not None
