"""Numbers with their units, in one normal form: 15.6T = 15.6万亿, 三类 = 3 类, 1,400GB = 1400GB.

`quantities` finds them in Chinese and English text with exact spans. Knows nothing of claims.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from corpus.text import fold

__all__ = ["Quantity", "quantities", "same_quantity"]

_DIGIT = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_PLACE = {"十": 10, "百": 100, "千": 1000}
_SCALE = {"万": 10**4, "亿": 10**8, "兆": 10**12}
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "twelve": 12, "twenty": 20, "thirty": 30, "hundred": 100, "half": 0.5,
    "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "once": 1, "twice": 2, "double": 2, "dozen": 12,
}  # fmt: skip
_LATIN_SCALE = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "bn": 1e9,
                "million": 1e6, "billion": 1e9, "trillion": 1e12, "thousand": 1e3}  # fmt: skip
_UNIT_ALIAS = {
    "gib": "gb", "mib": "mb", "kib": "kb", "tib": "tb", "千兆": "gb", "g": "gb",
    "美金": "美元", "usd": "美元", "$": "美元", "rmb": "元", "块钱": "元", "块": "元", "¥": "元",
    "percent": "%", "个百分点": "%", "百分点": "%", "pp": "%", "％": "%",
    "年代": "年", "year": "年", "years": "年", "month": "月", "months": "月", "号": "日", "day": "日",
    "days": "天", "天": "天", "hour": "小时", "hours": "小时", "h": "小时", "min": "分钟",
    "minute": "分钟", "minutes": "分钟", "seconds": "秒", "second": "秒", "s": "秒", "毫秒": "ms",
    "milliseconds": "ms", "millisecond": "ms", "微秒": "us", "times": "倍", "x": "倍", "fold": "倍",
    "layers": "层", "layer": "层", "heads": "头", "head": "头", "个头": "头", "dims": "维",
    "dimensions": "维", "dim": "维", "d": "维", "tokens": "token", "个token": "token",
    "cards": "张", "gpus": "张", "种": "类", "个类": "类", "类型": "类", "types": "类", "kinds": "类",
    "categories": "类", "个": "", "项": "", "条": "", "次": "次", "stages": "阶段", "stage": "阶段",
    "steps": "步", "step": "步", "大": "", "个阶段": "阶段", "个步骤": "步", "步骤": "步", "orders": "数量级",
    "个数量级": "数量级",
}  # fmt: skip
_UNITS = sorted(
    {
        "%", "‰", "gb", "mb", "kb", "tb", "gib", "mib", "kib", "tib", "g", "ms", "us", "ns", "hz", "ghz",
        "mhz", "flops", "tflops", "qps", "bit", "bits", "byte", "bytes", "字节", "比特", "token", "tokens",
        "数量级", "个数量级", "百分点", "个百分点", "年代", "年", "个月", "月", "日", "号", "天", "小时", "分钟", "秒",
        "毫秒", "微秒", "周", "星期", "倍", "个", "种", "类", "张", "层", "维", "步", "阶段", "个阶段", "步骤", "个步骤",
        "台", "块钱", "块", "元", "美元", "美金", "次", "项", "条", "篇", "人", "位", "名", "头", "个头", "阶", "路",
        "行", "列", "家", "卡", "核", "轮", "代", "度", "米", "公里", "字", "词", "页", "章", "点", "大", "版",
        "percent", "times", "x", "fold", "years", "year", "months", "month", "days", "day", "hours", "hour",
        "minutes", "minute", "min", "seconds", "second", "s", "h", "layers", "layer", "heads", "head", "dims",
        "dimensions", "dim", "d", "gpus", "cards", "stages", "stage", "steps", "step", "types", "kinds",
        "categories", "orders", "milliseconds", "millisecond", "usd", "rmb", "bn", "k", "m", "b", "t",
    },
    key=len,
    reverse=True,
)  # fmt: skip
_UNIT = "|".join(re.escape(unit) for unit in _UNITS)
_ARABIC = re.compile(
    r"(?<![a-z0-9_.])(?P<sign>[-+](?=\d))?(?P<value>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)*)"
    r"(?:\s?(?P<han>[百千]?[万亿兆]+|[百千](?![分万亿])))?"
    r"(?:\s?(?P<word>thousand|million|billion|trillion)\b)?"
    rf"(?:\s?-?(?P<unit>{_UNIT})(?![a-z]))?(?P<tail>[a-z][a-z0-9]*)?"
)
_HAN_NUMBER = re.compile(r"[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+)?|半")
_WORD_NUMBER = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b(?:[ -](?P<unit>{_UNIT})\b)?")
_PERCENT_OF = re.compile(r"百分之([零〇一二两三四五六七八九十百]+|\d+(?:\.\d+)?)")
# Words that begin like a number but count nothing.
_IDIOM = re.compile(
    r"一(?:般|些|样|致|定|直|切|旦|起|边|方面|同|体|系列|下|点|并|向|贯|律|时|味|举|文|句话|部分|"
    r"种折衷|言|共|再|连串|大批|大圈|步步|一|来|经|路|本|流|者|线|级|次性)|"
    r"万一|十分|千万(?!.)|万能|百度|三方|四处|七牛|八股|九章|两者|一元|二元|二者|统一|唯一|之一|第一时间|单一|其一"
)


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
    """

    value: float
    unit: str
    start: int
    end: int
    is_exact: bool = True
    is_weak: bool = False


def _han_value(word: str) -> float | None:
    """The value of a Chinese numeral, None where it is not well formed."""
    if word == "半":
        return 0.5
    whole, _, decimals = word.partition("点")
    total = section = digit = 0
    if all(c in _DIGIT for c in whole) and len(whole) > 1:  # 二〇二三
        total = int("".join(str(_DIGIT[c]) for c in whole))
    else:
        for char in whole:
            if char in _DIGIT:
                digit = _DIGIT[char]
            elif char in _PLACE:
                section += (digit or 1) * _PLACE[char]
                digit = 0
            else:
                total = (total + section + digit) * _SCALE[char]
                if not total:
                    return None
                section = digit = 0
        total += section + digit
    tail = "".join(str(_DIGIT[c]) for c in decimals)
    return float(f"{total}.{tail}") if tail else float(total)


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


@lru_cache(maxsize=8_192)
def quantities(text: str) -> tuple[Quantity, ...]:
    """The numbers of a text, in order, without overlap.

    Digits inside identifiers (`bge-m3`, `Llama-3.1`) belong to the identifier and are no
    quantities; versions such as 3.1 standing alone are.
    """
    folded = fold(text)
    found: list[Quantity] = []
    taken = 0
    for match in sorted(_candidates(folded), key=lambda q: (q.start, -q.end)):
        if match.start >= taken:
            found.append(match)
            taken = match.end
    return tuple(found)


def _candidates(folded: str) -> list[Quantity]:
    out: list[Quantity] = []
    for m in _PERCENT_OF.finditer(folded):
        raw = m.group(1)
        value = float(raw) if raw[0].isdigit() else _han_value(raw)
        if value is not None:
            out.append(Quantity(value, "%", m.start(), m.end()))
    for m in _ARABIC.finditer(folded):
        quantity = _arabic(folded, m)
        if quantity is not None:
            out.append(quantity)
    idioms = [m.span() for m in _IDIOM.finditer(folded)]
    for m in _HAN_NUMBER.finditer(folded):
        if any(a <= m.start() < b or m.start() <= a < m.end() for a, b in idioms):
            continue
        quantity = _han(folded, m)
        if quantity is not None:
            out.append(quantity)
    for m in _WORD_NUMBER.finditer(folded):
        unit, factor = _unit(m.group("unit"))
        word = re.split(r"[ -]", m.group())[0]
        # "one of", "one can": an article unless a unit follows
        out.append(Quantity(_WORDS[word] * factor, unit, m.start(), m.end(), is_weak=word == "one"))
    return out


def _arabic(folded: str, m: re.Match[str]) -> Quantity | None:
    if m.group("tail"):
        return None  # `7bchat`, `2way`: an identifier
    before = folded[max(0, m.start() - 2) : m.start()]
    if before and before[-1] in "-+" and len(before) > 1 and before[-2].isalnum() and before[-2].isascii():
        return None  # `gpt-2`, `bge-m3`
    value = m.group("value").replace(",", "")
    if value.count(".") > 1:
        return None  # a version with three parts is an identifier
    unit, factor = _unit(m.group("unit"))
    number = float(value) * factor * _scale(m.group("han")) * _WORDS.get(m.group("word"), 1)
    if not math.isfinite(number):
        return None
    hedge = folded[max(0, m.start() - 4) : m.start()]
    return Quantity(number, unit, m.start(), m.end(), is_exact=not _HEDGE.search(hedge))


_HEDGE = re.compile(r"(?:约|近|大约|超过|超|至少|至多|最多|不到|以上|about|~|≈|>|<)\s*$")
_HAN_UNIT = re.compile(
    r"\s?(个(?:阶段|步骤|数量级|百分点|头|月)|数量级|阶段|步骤|[个种类张层维步台块元次项条篇人位名头阶路行列家卡核轮代度米字词页章年月日天周倍大]|小时|分钟|秒)"
)


def _han(folded: str, m: re.Match[str]) -> Quantity | None:
    value = _han_value(m.group())
    if value is None:
        return None
    unit = _HAN_UNIT.match(folded, m.end())
    ordinal = m.start() > 0 and folded[m.start() - 1] == "第"
    if unit is None and not ordinal and len(m.group()) < 2 and m.group() not in "两":
        return None  # a lone numeral without a measure word is part of a word
    normal = _unit(unit.group(1))[0] if unit else ""
    if ordinal:
        normal = "第"
    weak = m.group() == "一" and not ordinal
    return Quantity(value, normal, m.start() - ordinal, unit.end() if unit else m.end(), is_weak=weak)


def same_quantity(a: Quantity, b: Quantity) -> bool:
    """Whether two quantities say the same, within rounding of the digits as written."""
    close = math.isclose(a.value, b.value, rel_tol=1e-9, abs_tol=1e-12)
    if close:
        return a.unit == b.unit or not a.unit or not b.unit or {a.unit, b.unit} <= {"天", "日"}
    if a.unit == b.unit == "年" and min(a.value, b.value) < 100:  # 23年 = 2023年
        return a.value % 100 == b.value % 100 and max(a.value, b.value) >= 1900
    return False
