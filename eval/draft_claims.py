"""Claims drafted from statements: as they stand, with another figure, and denied.

Only statements that a person can judge without their neighbours are taken. Knows one note at a
time.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from assistant.claims import claims_of
from corpus.types import Note, Unit
from eval.draft_questions import figures
from eval.draft_rows import Draft, asks_in_chinese, gold_of, made, statement

__all__ = ["claims", "denied", "other_number"]

_EACH = 2  # claims of one alteration from one note at most
_MAIN_ZH = re.compile(
    r"^(?P<head>[^，,；;：:。、]{2,40}?)(?<![但就只还也都总可要便而于凡正才更若像算既倒偏该不或即仅乃本])是(?!否"
    r"|不是|因|由于|为了|不|没|说|如何|怎|什么|谁|哪|非)"
)
_MAIN_EN = re.compile(
    r"^(?P<head>[\w`'()/., -]{3,70}?) (?P<verb>is|are|was|were|can)"
    r" (?!not|just|always|usually|often|only|also|still|then|very|quite|so|now|either|both|all|no"
    r"|never|much|more|less|typically|generally|currently|known|what|how|why|where"
    r"|already|rather|likely|almost|mostly|really|even)\b"
)
_DENIES = re.compile(
    r"不|没|无|非|未|\bnot?\b|n't|\bnever|\bnone|\bwithout|cannot|可能|也许|may\b|might\b", re.I
)
_UNSURE = re.compile(r"到底|究竟|决定|知道|判断|看|想|认为|觉得|说|问")
_TWICE = re.compile(r"[，,；;](?:也|则|就|都)?是|而是|更")  # the rest would say what was denied
_LONGEST = 90  # characters of a sentence that is denied


def claims(note: Note, every: Sequence[Unit], whole: str, rng: random.Random) -> Iterator[Draft]:
    """Statements as they are, with another figure, and with their negation.

    Args:
        note: they are of.
        every: its units.
        whole: all notes in small letters, which must not hold what is made false.
        rng: draws statements and digits.
    """
    altered = [
        (unit, said, "altered number", other)
        for unit, said, figure in figures(note, every)
        if (other := other_number(said, figure, rng))
    ]
    negated = [
        (unit, said, "negation", other)
        for unit in every
        if unit.kind in ("paragraph", "item")
        and (said := statement(note.text[unit.start : unit.end]))
        and (other := denied(said))
    ]
    for some in (altered, negated):
        for unit, said, kind, other in rng.sample(some, min(_EACH, len(some))):
            gold = gold_of(note, (unit.start, unit.end))
            if other.lower() not in whole and claims_of(other):
                yield made(note, kind, other, type="claim", verdict="contradicted", gold=gold)
                yield made(note, "copy", said, type="claim", verdict="supported", gold=gold)


def other_number(said: str, figure: tuple[int, int], rng: random.Random) -> str:
    """The statement with the digits of its figure changed in one place; "" if that can't be."""
    value = said[figure[0] : figure[1]]
    digits = [m.start() for m in re.finditer(r"\d", value)]
    if re.search(
        r"(?:大约|约|左右|approximately|about|around|roughly|~)\s*$", said[: figure[0]], re.I
    ):
        digits = digits[:1]  # a small change may still be about right
    year = re.match(r"(?:19|20)\d\d(?!\d)", value)  # 8013 would be no year at all
    at = digits[3] if year else rng.choice(digits[:2])
    other = str((int(value[at]) + rng.randint(1, 7)) % 9 + 1)
    if other == value[at]:
        other = str(int(other) % 9 + 1)
    return said[: figure[0]] + value[:at] + other + value[at + 1 :] + said[figure[1] :]


def denied(said: str) -> str:
    """The statement with its main verb denied; "" if it has none of those that are known."""
    if len(said) > _LONGEST * (1 if asks_in_chinese(said) else 2) or _DENIES.search(said):
        return ""
    if asks_in_chinese(said):
        match = _MAIN_ZH.match(said)
        if match is None or _UNSURE.search(match["head"]) or _TWICE.search(said[match.end() :]):
            return ""
        return f"{match['head']}不是{said[match.end() :]}"
    match = _MAIN_EN.match(said)
    if match is None or re.search(
        r"\b(?:when|if|while|that|which|how|where|who)\b", match["head"], re.I
    ):
        return ""
    verb = "cannot" if match["verb"] == "can" else f"{match['verb']} not"
    return f"{match['head']} {verb}{said[match.end('verb') :]}"
