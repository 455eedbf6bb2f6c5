"""Numbers that are not plain digits: Chinese numerals, fractions, powers of ten, dates.

Knows how such a number is written and what it is worth; does not know units nor what counts as a
quantity. Called by `quantities`, which gives it folded text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]
Part = tuple[float, str, Span]  # value, unit, where it stands

__all__ = ["DIGIT", "NUMERAL", "PLACE", "SCALE", "dates", "fractions", "han_value", "powers"]

NUMERAL = "零〇一二两三四五六七八九十百千万亿"
DIGIT = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
PLACE = {"十": 10, "百": 100, "千": 1000}
SCALE = {"万": 10**4, "亿": 10**8, "兆": 10**12}
_LONGEST = 24  # characters of a Chinese numeral; what is longer is no number anybody wrote
_HAN_FRACTION = re.compile(
    rf"(?P<of>[{NUMERAL}]{{1,8}}|(?<![\d.])\d{{1,6}})\s?分之\s?"
    rf"(?P<parts>[{NUMERAL}]{{1,12}}(?:点[{NUMERAL}]{{1,6}})?|\d{{1,9}}(?:\.\d{{1,9}})?)"
)
_FRACTION = re.compile(r"(?<![\d./a-z-])(?P<parts>\d{1,3})/(?P<of>\d{1,4})(?![\d/a-z-]|\.\d)")
_DATE = re.compile(
    r"(?<![\d.a-z/-])(?P<year>(?:19|20)\d\d)"
    r"(?:(?P<dash>[-/.])(?P<month>0?[1-9]|1[0-2])(?P=dash)(?P<day>0?[1-9]|[12]\d|3[01])"
    r"|-(?P<only>0[1-9]|1[0-2]))(?![\d/a-z-]|\.\d)"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DOTTED_DAY = re.compile(rf"(?<![\d.])(?P<month>0?[1-9]|1[0-2])\.(?P<day>{_DAY})\s?[日号](?!志)")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_NAME = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_TH = r"(?:st|nd|rd|th)?"
# March 14, 2025; 14 March 2025; March 2025; March 14th
_NAMED_DATES = (
    re.compile(rf"\b{_NAME}\s(?P<day>{_DAY}){_TH}(?![\w%]|\.\d)(?:,?\s(?P<year>(?:19|20)\d\d)\b)?"),
    re.compile(
        rf"(?<![\w.])(?P<day>{_DAY}){_TH}(?:\sof)?\s{_NAME}(?:,?\s(?P<year>(?:19|20)\d\d)\b)?"
    ),
    re.compile(rf"\b{_NAME},?\s(?P<year>(?:19|20)\d\d)\b"),
)
_POWER = re.compile(
    r"(?<![\w.^])(?:(?P<by>\d+(?:\.\d+)?)\s?(?:\\times|\\cdot|[*x×·])\s?)?10\s?"
    r"(?:\^\s?(?:\{\s?)?(?P<to>[-+]?\d{1,2})(?!\d)(?:\s?\})?|(?P<raised>⁻?[⁰¹²³⁴-⁹]{1,2}))"
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def han_value(word: str) -> tuple[float, bool] | None:
    """Value of a Chinese numeral and whether it is exact; None where it is not well formed."""
    if word == "半":
        return 0.5, True
    whole, _, decimals = word.partition("点")
    if len(word) > _LONGEST:
        return None
    read = _positional(whole) if all(c in DIGIT for c in whole) else _placed(whole)
    if read is None or not decimals:
        return read
    tail = "".join(str(DIGIT[c]) for c in decimals if c in DIGIT)
    return read[0] + float(f"0.{tail or 0}"), read[1]


def _positional(whole: str) -> tuple[float, bool] | None:
    """二〇二三 = 2023; 两三 is two or three."""
    digits = [DIGIT[c] for c in whole]
    if len(digits) == 2 and 0 < digits[0] < digits[1] <= digits[0] + 2:
        return (digits[0] + digits[1]) / 2, False
    return float("".join(map(str, digits))), True


def _placed(whole: str) -> tuple[float, bool] | None:
    """一亿三千万 = 1.3e8, 一万二 = 12000, 五六百 is five or six hundred."""
    total = section = 0.0
    digit: float | None = None
    last, is_exact = 1, True
    for char in whole:
        if char in DIGIT:
            value = DIGIT[char]
            if value == 0:
                last = 1  # 一万零二: what follows stands in its own place
            elif digit:
                digit, is_exact = (digit + value) / 2, False
            else:
                digit = value
        elif char in PLACE:
            section += (digit or 1) * PLACE[char]
            digit, last = None, PLACE[char]
        else:
            base = section + (digit or 0)
            if not base and not total:
                return None
            scale = SCALE[char]
            total = (total + base) * scale if not base or total < scale else total + base * scale
            section, digit, last = 0.0, None, scale
    if digit:
        section += digit * last / 10 if last > 10 else digit
    return total + section, is_exact


def fractions(folded: str) -> Iterator[Part]:
    """三分之一 = 1/3, 百分之五 = 5 %; each with its unit and its span."""
    for m in _HAN_FRACTION.finditer(folded) if "分之" in folded else ():
        of, parts = (_plain_value(m.group(name)) for name in ("of", "parts"))
        if of and parts is not None:
            yield (parts, "%", m.span()) if of == 100 else (parts / of, "", m.span())
    for m in _FRACTION.finditer(folded) if "/" in folded else ():
        part, of = int(m.group("parts")), int(m.group("of"))
        if 0 < part < of:
            yield part / of, "", m.span()


def _plain_value(number: str) -> float | None:
    if number[0].isdigit() and number.isascii():
        return float(number)
    read = han_value(number)
    return read[0] if read else None


def dates(
    folded: str,
) -> Iterator[tuple[list[tuple[float, str, tuple[int, int]]], tuple[int, int]]]:
    """Dates as their years, months and days, each with its span, and the span of the whole.

    2024-05-01, 2024-05, 2.24日, March 14, 2025, 14 March 2025, March 2025.
    """
    for m in _DATE.finditer(folded):
        named = (("year", "年"), ("month", "月"), ("only", "月"), ("day", "日"))
        yield [(float(m[n]), unit, m.span(n)) for n, unit in named if m[n]], m.span()
    if "日" in folded or "号" in folded:
        for m in _DOTTED_DAY.finditer(folded):
            day = (m.start("day"), m.end())
            yield (
                [(float(m["month"]), "月", m.span("month")), (float(m["day"]), "日", day)],
                m.span(),
            )
    taken = -1
    for pattern in _NAMED_DATES:
        for m in pattern.finditer(folded) if any(name in folded for name in _MONTHS) else ():
            parts = m.groupdict()
            if m.start() < taken or (m["name"] == "may" and not parts["year"]):
                continue
            taken = m.end()
            found = [(float(_MONTHS.index(m["name"][:3]) + 1), "月", m.span("name"))]
            found += [(float(m["day"]), "日", m.span("day"))] if parts.get("day") else []
            found += [(float(m["year"]), "年", m.span("year"))] if parts.get("year") else []
            yield sorted(found, key=lambda part: part[2]), m.span()


def powers(text: str, folded: str) -> Iterator[tuple[float, Span]]:
    """10^6, 10^{11}, 5 times 10^{11} with any sign for "times", 10⁶; with their spans.

    Args:
        text: as written, since folding makes 10⁶ to 106.
        folded: of the same length.
    """
    if "10" not in folded:
        return
    for m in _POWER.finditer(text if any("⁰" <= c <= "⁹" or c in "¹²³" for c in text) else folded):
        exponent = int(m["to"] or m["raised"].translate(_RAISED))
        value = float(m["by"] or 1) * 10.0**exponent
        yield value, m.span()
