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

from corpus.text import fold

__all__ = ["Quantity", "quantities", "same_quantity"]

_DIGIT = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_PLACE = {"十": 10, "百": 100, "千": 1000}
_SCALE = {"万": 10**4, "亿": 10**8, "兆": 10**12}
_LONGEST = 24  # characters of a Chinese numeral; what is longer is no number anybody wrote
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
    "ms 毫秒 milliseconds millisecond msec", "us 微秒", "ns 纳秒", "秒 seconds second secs sec s",
    "分钟 minutes minute mins min", "小时 hours hour hrs h", "天 days", "日 号 day",
        "周 星期 week weeks",
    "个月 months month", "月", "年 年代 year years",
    "hz", "khz", "mhz", "ghz", "flops", "tflops", "pflops", "gflops", "tops", "qps", "tps", "iops",
    "fps", "rpm", "w", "kw", "kwh", "mah", "kg 千克 公斤", "km 公里", "cm 厘米", "mm 毫米", "米",
        "px", "db",
    "token 个token tokens", "数量级 个数量级 orders", "倍 times x fold",
        "类 种 个类 类型 types kinds categories",
    "张 cards gpus", "层 layers layer", "维 dims dimensions dim d", "步 步骤 个步骤 steps step",
    "阶段 个阶段 stages stage", "头 个头 heads head", "元 块钱 块 rmb", "美元 美金 usd", "欧元",
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
_LITTLE = 1.05  # times the round number
_ARABIC = re.compile(
    r"(?<![a-z0-9_.])(?P<sign>[-+](?=\d))?"
    r"(?P<value>\d+(?:\.\d+)?e[-+]?\d{1,3}(?![a-z0-9.])|\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|"
    r"\d+(?:\.\d+)*)"
    r"(?:\s?(?P<han>[百千]?[万亿兆]+|[百千](?![分万亿克])))?"
    r"(?:\s?(?P<word>thousand|million|billion|trillion)\b)?"
    rf"(?:(?P<more>\s?[{_MORE}])?\s?-?(?P<unit>{_UNIT}))?(?P<tail>(?<=[a-z0-9])[a-z][a-z0-9]*)?"
)
_NUMERAL = "零〇一二两三四五六七八九十百千万亿"
_HAN_NUMBER = re.compile(rf"[{_NUMERAL}]+(?:点[零〇一二三四五六七八九]+)?|半")
_HAN_UNIT = re.compile(
    rf"(?P<more>[{_MORE}])?\s?(?P<unit>个(?:阶段|步骤|数量级|百分点|头|月|类|token)|数量级|百分点|"
    rf"阶段|步骤|星期|世纪|"
    r"年代|[个种类张层级维步台块元次项条篇人位名头阶路行列家卡核轮代度米字词页章年月日天周倍大]|"
    r"小时|分钟|毫秒|秒|"
    r"(?P<tenth>成)(?![分本员立为功绩熟果效长型不对]|就(?![该要会能可算是得]))|(?:[gmkt]b|tokens?|ms)(?![a-z]))"
)
# Without any of these there is no quantity: most sentences cost this look alone.
_COUNTING = re.compile(rf"[\d{_NUMERAL}半]|\b(?:{'|'.join(_WORDS)})\b")
_WORD_NUMBER = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b(?:[ -](?P<unit>{_UNIT})\b)?")
_HAN_FRACTION = re.compile(
    rf"(?P<of>[{_NUMERAL}]{{1,8}}|(?<![\d.])\d{{1,6}})\s?分之\s?"
    rf"(?P<parts>[{_NUMERAL}]{{1,12}}(?:点[{_NUMERAL}]{{1,6}})?|\d{{1,9}}(?:\.\d{{1,9}})?)"
)
_FRACTION = re.compile(r"(?<![\d./a-z-])(?P<parts>\d{1,3})/(?P<of>\d{1,4})(?![\d/a-z-]|\.\d)")
_DATE = re.compile(
    r"(?<![\d.a-z/-])(?P<year>(?:19|20)\d\d)"
    r"(?:(?P<dash>[-/.])(?P<month>0?[1-9]|1[0-2])(?P=dash)(?P<day>0?[1-9]|[12]\d|3[01])"
    r"|-(?P<only>0[1-9]|1[0-2]))(?![\d/a-z-]|\.\d)"
)
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
_HEDGE = re.compile(r"(?:约|近|大约|超过|超|至少|至多|最多|不到|以上|about|~|≈|>|<)\s*$")
_ORDINAL = re.compile(r"第\s?$")
_VAGUE = re.compile(r"[几数上近约]$")
_FIRST_OF_RANGE = re.compile(r"(?<![a-z0-9_.-])\d+(?:\.\d+)*(?:%|[a-z]{1,3})?-$")
_MINUS = re.compile(r"(?:^|[\s(\[{=:,;<>~≈是为到至])[-\u2212\uff0d]$")
_RANGE_GOES_ON = re.compile(rf"\s?[到至、或~-]\s?[{_NUMERAL}]{{1,6}}")
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
        is_exact: False for 约/超过/at least and the like.
        is_weak: True for 一个/一种, an article rather than a count.
        is_above: True for 六万五千多: a little more than `value`.
    """

    value: float
    unit: str
    start: int
    end: int
    is_exact: bool = True
    is_weak: bool = False
    is_above: bool = False


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
    for quantity, span in (*_fractions(folded), *_dates(folded)):
        whole.append(span)
        yield quantity
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
        # "one of", "one can": an article unless a unit follows
        yield Quantity(_WORDS[word] * factor, unit, m.start(), m.end(), is_weak=word == "one")


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


def _fractions(folded: str) -> Iterator[tuple[Quantity, tuple[int, int]]]:
    """三分之一 = 1/3, 百分之五 = 5 %."""
    for m in _HAN_FRACTION.finditer(folded) if "分之" in folded else ():
        of, parts = (_plain_value(m.group(name)) for name in ("of", "parts"))
        if of and parts is not None:
            value, unit = (parts, "%") if of == 100 else (parts / of, "")
            yield Quantity(value, unit, m.start(), m.end()), m.span()
    for m in _FRACTION.finditer(folded) if "/" in folded else ():
        part, of = int(m.group("parts")), int(m.group("of"))
        if 0 < part < of:
            yield Quantity(part / of, "", m.start(), m.end()), m.span()


def _plain_value(number: str) -> float | None:
    if number[0].isdigit() and number.isascii():
        return float(number)
    read = _han_value(number)
    return read[0] if read else None


def _dates(folded: str) -> Iterator[tuple[Quantity, tuple[int, int]]]:
    """2024-05-01 as 2024 年, 5 月, 1 日; 2024-05 as 2024 年, 5 月."""
    for m in _DATE.finditer(folded):
        for name, unit in (("year", "年"), ("month", "月"), ("only", "月"), ("day", "日")):
            if m.group(name):
                yield Quantity(float(m.group(name)), unit, *m.span(name)), m.span()


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
        factor *= _PLACE.get(char, _SCALE.get(char, 1))
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
    above = bool(m.group("more"))
    is_exact = not _HEDGE.search(before[-8:]) and not above
    yield Quantity(number, unit, start, m.end(), is_exact=is_exact, is_above=above)


_MATH = frozenset("$^\\_={}")  # `$10^9$` is a formula, no price


def _han_value(word: str) -> tuple[float, bool] | None:
    """Value of a Chinese numeral and whether it is exact; None where it is not well formed."""
    if word == "半":
        return 0.5, True
    whole, _, decimals = word.partition("点")
    if len(word) > _LONGEST:
        return None
    read = _positional(whole) if all(c in _DIGIT for c in whole) else _placed(whole)
    if read is None or not decimals:
        return read
    tail = "".join(str(_DIGIT[c]) for c in decimals if c in _DIGIT)
    return read[0] + float(f"0.{tail or 0}"), read[1]


def _positional(whole: str) -> tuple[float, bool] | None:
    """二〇二三 = 2023; 两三 is two or three."""
    digits = [_DIGIT[c] for c in whole]
    if len(digits) == 2 and 0 < digits[0] < digits[1] <= digits[0] + 2:
        return (digits[0] + digits[1]) / 2, False
    return float("".join(map(str, digits))), True


def _placed(whole: str) -> tuple[float, bool] | None:
    """一亿三千万 = 1.3e8, 一万二 = 12000, 五六百 is five or six hundred."""
    total = section = 0.0
    digit: float | None = None
    last, is_exact = 1, True
    for char in whole:
        if char in _DIGIT:
            value = _DIGIT[char]
            if value == 0:
                last = 1  # 一万零二: what follows stands in its own place
            elif digit:
                digit, is_exact = (digit + value) / 2, False
            else:
                digit = value
        elif char in _PLACE:
            section += (digit or 1) * _PLACE[char]
            digit, last = None, _PLACE[char]
        else:
            base = section + (digit or 0)
            if not base and not total:
                return None
            scale = _SCALE[char]
            total = (total + base) * scale if not base or total < scale else total + base * scale
            section, digit, last = 0.0, None, scale
    if digit:
        section += digit * last / 10 if last > 10 else digit
    return total + section, is_exact


def _han(folded: str, m: re.Match[str]) -> Iterator[Quantity]:
    """A Chinese numeral, where it counts something or is too long to be part of a word."""
    word, start = m.group(), m.start()
    read = _han_value(word)
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
        if len(word) == 2 and all(c in _DIGIT for c in word) and not set(word) & set("零〇"):
            return  # 二八, 五一
    end = unit.end() if unit else m.end()
    normal = _unit(unit.group("unit"))[0] if unit else ""
    if unit and unit.group("tenth"):
        if len(word) > 1 or ordinal:
            return
        value, normal = 10 * value, "%"  # 九成
    weak = word == "一" and not ordinal and normal in _ARTICLE
    above = bool(unit and unit.group("more"))
    is_exact = is_exact and not above and not _VAGUE.search(before)
    yield Quantity(value, "第" if ordinal else normal, start - ordinal, end, is_exact, weak, above)


def _counts_behind(folded: str, at: int) -> bool:
    """Whether the second numeral of 六到八层 is followed by a measure word."""
    m = _RANGE_GOES_ON.match(folded, at)
    return m is not None and _HAN_UNIT.match(folded, m.end()) is not None


def _is_little_more(a: Quantity, b: Quantity) -> bool:
    """Whether one is said as a little more than a round number, and the other is (六万五千多: 65,536)."""
    low, other = (a, b) if a.is_above else (b, a)
    return low.is_above != other.is_above and low.value < other.value <= _LITTLE * low.value


def same_quantity(a: Quantity, b: Quantity) -> bool:
    """Whether two quantities say the same, within rounding of the digits as written."""
    close = math.isclose(a.value, b.value, rel_tol=1e-9, abs_tol=1e-12)
    if close or _is_little_more(a, b):
        bare = not a.unit or not b.unit
        # 16 and 16% are two figures; 16 and 16 GB may be one
        return (
            a.unit == b.unit
            or (bare and not {a.unit, b.unit} & {"%", "‰"})
            or ({a.unit, b.unit} <= {"天", "日"})
        )
    if a.unit == b.unit == "年" and min(a.value, b.value) < 100:  # 23年 = 2023年
        return a.value % 100 == b.value % 100 and max(a.value, b.value) >= 1900
    return False
