"""Questions drafted from definitions and figures, and likely ones that no note answers.

A question is made of what stands in the note, so that its gold spans are known. What would read
badly is left out: a person reviews what is left. Knows one note at a time.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence

from assistant.quantities import quantities
from corpus.text import has_han
from corpus.types import Note, Unit
from eval.draft_rows import (
    Draft,
    asks_in_chinese,
    gold_of,
    is_told_of,
    joined,
    made,
    plain,
    says_something,
    starts_apart,
    statement,
    subject_of,
)

__all__ = ["defined", "figures", "of_definitions", "of_numbers", "unanswerable"]

_PRONOUN = re.compile(
    r"^(?:It|This|That|These|They|There|We|He|She|Both|Neither|Either|One|Each|Here|What|Which"
    r"|Who|Where|Everything|Another|Since|While|When|If|Because|Although|As)\b",
    re.IGNORECASE,
)
# A Latin name may be defined by 是 alone; before a Chinese one, that is too often a plain clause.
_DEFINED = re.compile(
    r"^(?:"
    r"(?P<latin>[A-Za-z][A-Za-z0-9.+-]{1,30}(?: [A-Z0-9][A-Za-z0-9.+-]*){0,3})"
    r"\s*(?:[(（][^()（）]{2,60}[)）])?\s*"
    r"(?:是一种|是一类|是一个|是指|指的是|是|(?<=[\s)])is (?:an? |the (?!worst|best|same|only"
    r"|most|first|last|one|main|key|case|reason|problem)))"
    r"|(?P<han>(?:(?![的了在看还都或和就也每这那把对])[\u4e00-\u9fff]){2,8})"
    r"\s*(?:[(（][^()（）]{2,60}[)）])?\s*(?:是一种|是一类|是一个|是指|指的是))"
)
_NO_NAME = re.compile(
    r"^(?:目的|结果|目标|本质|关键|问题|特点|区别|思路|产出|方法|作用|核心|重点|主要|意思|前者"
    r"|后者|一般|通常|首先|其中|原因|优点|缺点|整体|通俗|简单)"
)


def of_definitions(note: Note, every: Sequence[Unit]) -> Iterator[Draft]:
    """What is X, from the sentence that says it."""
    for unit, name in defined(note, every):
        zh = has_han(plain(note.text[unit.start : unit.end]))
        text = joined("什么是", f"{name}？") if zh else f"What is {name}?"
        gold = gold_of(note, (unit.start, unit.end))
        yield made(note, "definition", text, answerable=True, gold=gold)


def defined(note: Note, every: Sequence[Unit]) -> Iterator[tuple[Unit, str]]:
    """Units that say what something is, with its name, where the note is about that name."""
    for unit in every:
        said = note.text[unit.start : unit.end]
        if unit.kind not in ("paragraph", "item", "quote") or not says_something(note, unit):
            continue
        match = _DEFINED.match(plain(said))
        if match is None or len(plain(said)) < len(match[0]) + 4:
            continue
        name = (match["latin"] or match["han"]).strip()
        if _NO_NAME.match(name) or _PRONOUN.match(name) or name.endswith("."):
            continue
        if re.search(r"\.\w{1,5}$", name):  # a file
            continue
        around = "\n".join((note.title, *unit.heading))
        is_odd = re.search(r"[A-Z0-9]", name[1:]) is not None  # no common word looks like that
        is_often = has_han(name) and note.text.count(name) >= 4
        if is_odd or name in around or f"**{name}**" in said or is_often:
            yield unit, name


def of_numbers(note: Note, every: Sequence[Unit]) -> Iterator[Draft]:
    """The clause around a figure, asked for the figure."""
    subject = subject_of(note)
    for unit, said, (start, end) in figures(note, every):
        ask = _number_zh if asks_in_chinese(said) else _number_en
        text, fact = ask(said, start, end)
        if not text:
            continue
        if subject and not is_told_of(subject, text) and not _names(text, subject):
            zh = has_han(text)
            text = (
                joined("关于", subject, f"：{text}") if zh else f"In the notes on {subject}: {text}"
            )
        gold = gold_of(note, (unit.start, unit.end))
        yield made(note, "number", text, answerable=True, gold=gold, facts=(fact,))


def _names(text: str, subject: str) -> bool:
    """Whether a question names something by itself: one of the subject's words, or a Latin name."""
    words = re.findall(r"[A-Za-z][\w.-]+|[\u4e00-\u9fff]{2,}", subject)
    return any(word.lower() in text.lower() for word in words) or bool(
        re.search(r"\b[A-Z][A-Za-z]*[A-Z0-9][\w.-]*", text)
    )


def _number_zh(said: str, start: int, end: int) -> tuple[str, str]:
    """The question and the fact of a Chinese sentence; "" if it says too little."""
    before = re.split(r"[，,；;。：:]", said[:start])[-1].strip()
    after = re.split(r"[，,；;。：:、]", said[end:])[0].strip()
    value = said[start:end]
    unit = re.sub(r"^[\d.,\s]+", "", value)
    n_han = len(re.findall(r"[\u4e00-\u9fff]", before + after))
    if n_han < 5 or len(before) < 3 or starts_apart(before) or re.search(r"[(（]", after + before):
        return "", ""
    if (
        re.search(r"(?:第|图|表|TOP|Top|top|版本|步骤|v|V|~|-|的前|前缀|仅|仅仅|只)\s*$", before)
        or not before[-1:].strip()
    ):
        return "", ""
    if unit == "年" and re.match(r"(?:19|20)\d\d", value):
        asked = "哪一年"
    elif unit in ("K", "k", "M", "B", "G", "T", "W", "w", ""):  # a magnitude is part of the number
        asked = "多少"
    else:
        asked = "百分之多少" if unit == "%" else f"多少{unit if has_han(unit) else f' {unit}'}"
    return joined(before, asked, f"{after}？"), value


_UNITS_EN = re.compile(
    r"(?:[KMGTP]i?B(?:ps|/s)?|[KMG]Hz|ms|us|ns|W|kW|x|days?|hours?|minutes?|seconds?|weeks?"
    r"|months?|years?|TFLOPS|tokens?)\b"
)


def _number_en(said: str, start: int, end: int) -> tuple[str, str]:
    """The question and the fact of an English sentence; "" if it does not read well."""
    value = said[start:end]
    digits = re.match(r"~?[\d.,]+", value)
    if digits is None or said[start - 1 : start] not in (" ", "~", "≈"):
        return "", ""
    before, rest = said[:start].rstrip("~≈ "), said[start + digits.end() :]
    rest = re.split(
        r"[,;:(—]|\b(?:because|which|so|but|and|while|without|whether)\b", rest.rstrip(".; ")
    )[0].rstrip()
    before = re.split(r"[;:]\s", before)[-1]
    if re.search(r"\b(?:the|only|treat|a|an|its|this|these|that|next|first|last)$", before):
        return "", ""
    if re.search(r"\b(?:and|as|because|but|if|or|so|than|then|when|where|while)$", before):
        return "", ""  # the figure begins a clause of its own
    if len(before.split()) < 3 or before.count("(") != before.count(")"):
        return "", ""
    if re.match(r"(?:19|20)\d\d$", digits[0]) and re.search(r"\bin$", before) and not rest:
        return f"{before} which year?", digits[0]
    if re.match(r"\s?(?:%|percent\b)", rest):
        tail = re.sub(r"^\s?(?:%|percent)", "", rest)
        return f"{before} what percentage{tail}?", value
    if _UNITS_EN.match(rest.lstrip()) or re.match(r"\s[a-z]{3,}s\b(?! (?:is|are|was))", rest):
        return f"{before} how many {re.sub('^x ', 'times ', rest.strip())}?", value
    return "", ""


def figures(note: Note, every: Sequence[Unit]) -> Iterator[tuple[Unit, str, tuple[int, int]]]:
    """Statements with their only figure: the unit, its plain words, the figure's place in them."""
    for unit in every:
        if unit.kind not in ("paragraph", "item"):
            continue
        said = statement(note.text[unit.start : unit.end])
        found = quantities(said) if said else ()
        if len(found) != 1:
            continue
        start, end = found[0].start, found[0].end
        quoted = any(m.start() < end and start < m.end() for m in _QUOTED.finditer(said))
        coded = any(
            said[start:end] in m for m in re.findall(r"`[^`]*`", note.text[unit.start : unit.end])
        )
        if (
            re.search(r"\d", said[start:end])
            and not (quoted or coded or found[0].is_weak)
            and not _NAMED_BY.search(said[:start])
            and not (_IN_NAME.search(said[:start]) and re.fullmatch(r"[\d.]+", said[start:end]))
        ):
            yield unit, said, (start, end)


# A figure behind it names one of several: it counts nothing.
_NAMED_BY = re.compile(
    r"(?:第|图|表|top|版本|步骤|version|v|figure|table|chapter|section|step|page|port|level|phase"
    r"|stage)[\s-]*$",
    re.IGNORECASE,
)
# A figure that is part of a name: Llama 4, NVLink 2.
_IN_NAME = re.compile(r"(?<![。.] )\b[A-Z][A-Za-z]+[ -]$")
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")
_AUTHOR = (
    r"提出|作者|等人|团队|开发|发布|et al|author|propos|invent|introduc|develop|created|released"
)
_YEAR, _LICENCE = r"(?:19|20)\d\d", r"许可|协议|licen[cs]e|apache|\bmit\b|gpl"
_DRAWBACK = r"缺点|不足|局限|问题|限制|劣势|drawback|limit|disadvantage|problem|issue|downside|weak"
# What could be asked of a thing, and the words of which no note that names it may hold one.
_ATTRIBUTES = {
    "zh": (
        ("{}最早是谁提出的？", _AUTHOR), ("{}是哪一年出现的？", _YEAR),
        ("{}用的是什么许可证？", _LICENCE), ("{}有哪些已知的缺点？", _DRAWBACK),
        ("{}的时间复杂度是多少？", r"复杂度|complexity|O\("),
    ),
    "en": (
        ("Who came up with {}?", _AUTHOR), ("In which year did {} first come out?", _YEAR),
        ("Under which licence is {} released?", _LICENCE),
        ("What are the known drawbacks of {}?", _DRAWBACK),
    ),
}  # fmt: skip
_RELEASED, _LICENSED = r"开源|工具|软件|open.?source|library|toolkit|软件包", 2
_COUNTED_STEPS = 4
_LATIN_NAME = re.compile(r"[A-Z][\w.+-]*(?: [A-Z0-9][\w.+-]*){0,2}", re.ASCII)


def unanswerable(
    note: Note, every: Sequence[Unit], naming: Callable[[str], Sequence[str]], rng: random.Random
) -> Iterator[Draft]:
    """A likely question about a thing, of which nothing stands in any note that names it.

    Args:
        note: which names the thing.
        every: its units.
        naming: the texts of all notes that hold a name.
        rng: draws the question.
    """
    names = [name for _, name in defined(note, every)]
    subject = subject_of(note)
    odd = _LATIN_NAME.fullmatch(subject) and re.search(r"[A-Z0-9]", subject[1:])
    if not names and odd and " " not in subject:
        names = [subject]
    if not names or len(names[0]) > 20:
        return
    name, lang = names[0], "zh" if asks_in_chinese(note.text[:2000]) else "en"
    texts = naming(name)
    is_algorithm = re.search(r"算法|algorithm", note.text, re.IGNORECASE) is not None
    is_released = re.search(_RELEASED, note.text, re.IGNORECASE) is not None
    left = [
        form
        for n, (form, words) in enumerate(_ATTRIBUTES[lang])
        if (is_released or n != _LICENSED)
        and (is_algorithm or n != _COUNTED_STEPS)
        and not any(re.search(words, text, re.IGNORECASE) for text in texts)
    ]
    for form in rng.sample(left, min(1, len(left))):
        head, _, tail = form.partition("{}")
        text = joined(name, tail) if lang == "zh" else f"{head}{name}{tail}"
        yield made(note, "unanswerable", text, answerable=False)
