"""`youju eval make`: questions and claims drafted from notes, for a person to review.

Headings, definitions, lists and numbers give questions whose gold spans are known, because they
were made from them; attributes that no note mentions give questions without an answer; sentences
and altered copies of them give claims. Every draft says `reviewed: false`, and no suite trusts it
before a person has changed that. Knows an index; asks no model by itself: `more` is its place.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

from assistant.claims import claims_of
from assistant.quantities import quantities
from corpus.blocks import units
from corpus.errors import ConfigError
from corpus.protocol import Index
from corpus.text import has_han
from corpus.types import Note, Unit

__all__ = ["FIELDS", "Draft", "counted", "draft", "save"]

_EACH = 3  # drafts of one kind from one note at most
# A Latin name may be defined by 是 alone; before a Chinese one, that is too often a plain clause.
_DEFINED = re.compile(
    r"^(?:\*\*)?(?:"
    r"(?P<latin>[A-Za-z][\w.+-]{1,30}(?: [A-Z0-9][\w.+-]*){0,3})(?:\*\*)?"
    r"\s*(?:[(（][^()（）]{2,60}[)）])?\s*"
    r"(?:是一种|是一类|是一个|是指|指的是|是|is an? |is the |are )"
    r"|(?P<han>(?:(?![的了在看还都或和就也每这那把对])[\u4e00-\u9fff]){2,8})(?:\*\*)?"
    r"\s*(?:[(（][^()（）]{2,60}[)）])?\s*(?:是一种|是一类|是一个|是指|指的是))"
)
# A line of a bibliography, or one whose figure is part of code, a formula or a quotation.
_CITED = re.compile(r"arXiv|doi|出处|来源|https?://|\bet al|等,\s*\*|\*[A-Z][^*]{15,}\*")
_ENCLOSED = re.compile(r"`[^`]*`|\$[^$]*\$|“[^”]*”|\[\[[^]]*\]\]")
_PRONOUN = re.compile(
    r"^(?:这|那|它|其|该|本|我们|他|她|此|It|This|That|These|They|There|We|He|She)"
)
_IDLE = re.compile(
    r"^(?:简介|概述|背景|前言|总结|小结|参考|参考资料|附录|目录|其他|备注|例子|示例|代码|链接|相关笔记|introduction|overview|background"
    r"|summary|conclusion|references|see also|appendix|example|examples|notes|todo|links)$",
    re.IGNORECASE,
)
# What notes on a subject could say and mostly don't: (word that no note may hold, question).
_ATTRIBUTES = {
    "zh": (
        ("售价", "{} 的售价是多少？"), ("许可证", "{} 用的是什么许可证？"),
        ("发布会", "{} 的发布会在哪里开的？"), ("吉祥物", "{} 的吉祥物是什么？"),
        ("创始人", "{} 的创始人是谁？"), ("下载量", "{} 的下载量有多少？"),
    ),
    "en": (
        ("price", "What is the price of {}?"), ("mascot", "What is the mascot of {}?"),
        ("downloads", "How many downloads does {} have?"), ("slogan", "What is the slogan of {}?"),
        ("founder", "Who is the founder of {}?"), ("stock", "What is the stock symbol of {}?"),
    ),
}  # fmt: skip
_NOT = (
    (re.compile(r"(?<!不)(?<![但就只还也都总])是(?!否|不是)"), "不是"),
    (re.compile(r"(?<![不只才可就都也])能(?=[够用在把让])"), "不能"),
    (re.compile(r"\b(is|are|was|were|can|does)\b(?! not)"), r"\1 not"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A question or a claim as a row of the table.

    Attributes:
        type: "question" or "claim".
        text: its words.
        kind: heading, definition, list, number, unanswerable; copy, altered number, negation.
        verdict: of a claim, as it was meant; "" for a question.
        gold: note, start, end and quote of what it was made from; empty where nothing answers.
        facts: what a right answer holds.
        drafted_by: "template" or the name of a model.
    """

    id: str
    type: str
    text: str
    kind: str
    lang: str
    split: str
    answerable: bool | None = None
    verdict: str = ""
    gold: tuple[Mapping[str, Any], ...] = ()
    facts: tuple[str, ...] = ()
    drafted_by: str = "template"
    reviewed: bool = field(default=False)


FIELDS = tuple(Draft.__dataclass_fields__)
# Rows for a note by someone else, a chat model for one: type, text, kind, verdict, quote, facts.
More = Callable[[Note], Iterable[Mapping[str, Any]]]


def draft(
    index: Index, *, limit: int | None = None, seed: int = 7, more: More | None = None
) -> list[Draft]:
    """Drafts over all notes, in the order of the notes.

    Args:
        index: of the notes.
        limit: how many at most, drawn at random over notes and kinds; None for all.
        seed: of the draw and of the alterations.
        more: further drafts for a note; one whose `quote` the note does not hold to the letter is
            dropped, so that no gold span is invented.
    """
    notes = list(index.notes())
    whole = "\n".join(note.text for note in notes).lower()
    found: dict[tuple[str, str], Draft] = {}
    # in an order of chance, since a model may be shown a few notes only
    order = random.Random(seed).sample(notes, len(notes)) if more is not None else ()
    given = {note.path: [_given(note, row) for row in more(note)] for note in order if more}
    for note in notes:
        rng = random.Random(f"{seed} {note.path}")
        rows = [*_questions(note), *_unanswerable(note, whole, rng), *_claims(note, whole, rng)]
        for row in rows:
            found.setdefault((row.type, row.text), row)
        for one in given.get(note.path, ()):
            if one is not None:
                found.setdefault((one.type, one.text), one)
    every = list(found.values())
    if limit is None or limit >= len(every):
        return every
    return [every[n] for n in sorted(random.Random(seed).sample(range(len(every)), limit))]


def counted(drafts: Sequence[Draft]) -> dict[str, int]:
    """How many drafts of each kind."""
    return dict(Counter(one.kind for one in drafts))


def _make(note: Note, kind: str, text: str, **rest: Any) -> Draft:
    digest = hashlib.sha256(f"{note.path}\n{text}".encode("utf-8", "replace")).hexdigest()
    first = hashlib.sha256(note.path.encode("utf-8", "replace")).digest()[0]
    return Draft(
        id=f"d{digest[:10]}",
        type=rest.pop("type", "question"),
        text=text,
        kind=kind,
        lang="zh" if has_han(text) else "en",
        split="dev" if first % 2 == 0 else "test",  # by note, as in the golden sets
        **rest,
    )


def _gold(note: Note, *spans: tuple[int, int]) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {"note": note.path, "start": start, "end": end, "quote": note.text[start:end]}
        for start, end in spans
    )


def _prose(note: Note) -> list[Unit]:
    return units(note, note.body_start, len(note.text))


def _questions(note: Note) -> Iterator[Draft]:
    every = _prose(note)
    makers = (_of_headings, _of_definitions, _of_lists, _of_numbers)
    for make in makers:
        for n, row in enumerate(make(note, every)):
            if n == _EACH:
                break
            yield row


def _of_headings(note: Note, every: Sequence[Unit]) -> Iterator[Draft]:
    subject = _subject(note)
    for n, unit in enumerate(every[:-1]):
        if unit.kind != "heading" or every[n + 1].kind not in ("paragraph", "item", "quote"):
            continue
        title = re.sub(
            r"^[#\s]*(?:[\d.、]+\s*)?|[*`#]|[:：\s]+$", "", note.text[unit.start : unit.end]
        )
        if not 2 <= len(title) <= 40 or _IDLE.match(title) or title == subject:
            continue
        below = takewhile(lambda u: u.kind != "heading", every[n + 1 : n + 4])
        body = [(u.start, u.end) for u in below]
        if re.search(r"[:：,，;；]", title):  # several things in one heading
            continue
        named = subject and not _within(subject, title)
        if title.endswith(("?", "？")):
            text = title
        elif has_han(title):
            blank = "" if has_han(subject[-1:]) else " "
            whose = f"{subject}{blank}的" if named else ""
            asked = f"{whose}{title}"
            text = f"关于{'' if has_han(asked[0]) else ' '}{asked}，笔记怎么说？"
        else:
            text = f"What do the notes say about {title}{f' of {subject}' if named else ''}?"
        yield _make(note, "heading", text, answerable=True, gold=_gold(note, *body))


def _within(subject: str, title: str) -> bool:
    """Whether a heading names the subject, or the subject holds the heading."""
    one, other = subject.lower(), title.lower()
    return one in other or other in one


def _of_definitions(note: Note, every: Sequence[Unit]) -> Iterator[Draft]:
    for unit, name in _defined(note, every):
        said = note.text[unit.start : unit.end]
        text = f"什么是 {name}？" if has_han(said) else f"What is {name}?"
        yield _make(
            note, "definition", text, answerable=True, gold=_gold(note, (unit.start, unit.end))
        )


def _defined(note: Note, every: Sequence[Unit]) -> Iterator[tuple[Unit, str]]:
    """Units that say what something is, with its name."""
    for unit in every:
        said = note.text[unit.start : unit.end]
        match = _DEFINED.match(said) if unit.kind in ("paragraph", "item", "quote") else None
        if match is not None and not _PRONOUN.match(said):
            yield unit, (match["latin"] or match["han"]).strip()


def _of_lists(note: Note, every: Sequence[Unit]) -> Iterator[Draft]:
    items: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for unit in every:
        if unit.kind == "item" and unit.stem is not None:
            items.setdefault(unit.stem, []).append((unit.start, unit.end))
    for stem, spans in items.items():
        said = re.sub(r"[*`]|[:：\s]+$", "", note.text[slice(*stem)]).strip()
        if len(spans) < 2 or not 4 <= len(said) <= 60 or _PRONOUN.match(said):
            continue
        if re.search(r"[,，;；、“”]", said):  # a sentence that goes on, not a name for the list
            continue
        text = f"{said}：分别是什么？" if has_han(said) else f"What is listed under “{said}”?"
        yield _make(note, "list", text, answerable=True, gold=_gold(note, *spans))


def _of_numbers(note: Note, every: Sequence[Unit]) -> Iterator[Draft]:
    for unit, figure in _figures(note, every):
        said = note.text[unit.start : unit.end]
        value = said[figure[0] : figure[1]]
        if has_han(said):
            text = _asked_for(said, figure)
            if not text:
                continue
        else:
            gap = f"{said[: figure[0]]}___{said[figure[1] :]}".strip()
            text = f"Which number belongs in the gap: {gap}"
        gold = _gold(note, (unit.start, unit.end))
        yield _make(note, "number", text, answerable=True, gold=gold, facts=(value,))


def _asked_for(said: str, figure: tuple[int, int]) -> str:
    """The clause around a figure with a question word in its place; "" if it says too little."""
    before = re.split(r"[，,；;。：:]", said[: figure[0]])[-1].strip(" *`-")
    after = re.split(r"[，,；;。：:]", said[figure[1] :])[0].strip(" *`")
    value = said[figure[0] : figure[1]]
    unit = re.sub(r"^[\d.,\s]+", "", value)
    if len(re.findall(r"[\u4e00-\u9fff]", before + after)) < 5 or _PRONOUN.match(before):
        return ""
    if unit == "年" and re.match(r"(?:19|20)\d\d", value):
        asked = "哪一年"
    else:
        asked = (
            "百分之多少" if unit == "%" else f"多少{unit if has_han(unit) else f' {unit}'.rstrip()}"
        )
    return f"{before}{asked}{after.rstrip('。.')}？"


def _figures(note: Note, every: Sequence[Unit]) -> Iterator[tuple[Unit, tuple[int, int]]]:
    """Units of prose with their only figure."""
    for unit in every:
        said = note.text[unit.start : unit.end]
        if unit.kind not in ("paragraph", "item") or not 12 <= len(said) <= 160:
            continue
        found = quantities(said)
        if len(found) != 1 or _CITED.search(said):
            continue
        start, end = found[0].start, found[0].end
        enclosed = any(m.start() < end and start < m.end() for m in _ENCLOSED.finditer(said))
        if re.search(r"\d", said[start:end]) and not enclosed:
            yield unit, (start, end)


def _unanswerable(note: Note, whole: str, rng: random.Random) -> Iterator[Draft]:
    names = [name for _, name in _defined(note, _prose(note)) if len(name) <= 20]
    subject = names[0] if names else _subject(note)
    if not subject or not re.search(r"[^\W\d_]", subject):
        return
    lang = "zh" if has_han(note.text[:2000]) else "en"
    left = [form for word, form in _ATTRIBUTES[lang] if word not in whole]
    for form in rng.sample(left, min(1, len(left))):
        yield _make(note, "unanswerable", form.format(subject), answerable=False)


def _subject(note: Note) -> str:
    """The thing a note is about, if its title names one."""
    head = re.split(r"[：:，,（(—|]", note.title)[0].strip()
    return head if 2 <= len(head) <= 24 else ""


def _claims(note: Note, whole: str, rng: random.Random) -> Iterator[Draft]:
    """Sentences as they are, with another figure, and with their negation."""
    every = _prose(note)
    altered = [
        (unit, "altered number", said)
        for unit, figure in _figures(note, every)
        if (said := _other_number(note.text[unit.start : unit.end], figure, rng))
    ]
    denied = [
        (unit, "negation", said)
        for unit in every
        if unit.kind == "paragraph"
        and not _CITED.search(note.text[unit.start : unit.end])
        and (said := _denied(note.text[unit.start : unit.end]))
    ]
    for made in (altered, denied):
        for unit, kind, said in rng.sample(made, min(_EACH - 1, len(made))):
            gold = _gold(note, (unit.start, unit.end))
            if said.lower() not in whole and claims_of(said):
                yield _make(note, kind, said, type="claim", verdict="contradicted", gold=gold)
                plain = note.text[unit.start : unit.end]
                yield _make(note, "copy", plain, type="claim", verdict="supported", gold=gold)


def _other_number(said: str, figure: tuple[int, int], rng: random.Random) -> str:
    """The sentence with the digits of its figure changed in one place; "" if that can't be."""
    value = said[figure[0] : figure[1]]
    digits = [m.start() for m in re.finditer(r"\d", value)]
    year = re.match(r"(?:19|20)\d\d", value)  # 8013 would be no year at all
    at = digits[3] if year else rng.choice(digits[:2])
    other = str((int(value[at]) + rng.randint(1, 7)) % 9 + 1)
    if other == value[at]:
        other = str(int(other) % 9 + 1)
    return said[: figure[0]] + value[:at] + other + value[at + 1 :] + said[figure[1] :]


def _denied(said: str) -> str:
    """The sentence with its first verb denied; "" if it has none of those that are known."""
    if not 10 <= len(said) <= 160 or re.search(r"不|没|无|\bnot?\b|n't|never", said):
        return ""
    for pattern, other in _NOT:
        if pattern.search(said):
            return pattern.sub(other, said, count=1)
    return ""


def _given(note: Note, row: Mapping[str, Any]) -> Draft | None:
    """A draft of another maker, if the note holds what it quotes."""
    text, quote = str(row.get("text") or "").strip(), str(row.get("quote") or "")
    answerable = row.get("answerable", True) is not False
    if not text or (answerable and (not quote or quote not in note.text)):
        return None
    start = note.text.find(quote) if quote else 0
    claim = row.get("type") == "claim"
    if claim and row.get("verdict") not in ("supported", "contradicted", "unsupported"):
        return None
    return _make(
        note,
        str(row.get("kind") or "model"),
        text,
        type="claim" if claim else "question",
        answerable=None if claim else answerable,
        verdict=str(row["verdict"]) if claim else "",
        gold=_gold(note, (start, start + len(quote))) if quote and answerable else (),
        facts=tuple(map(str, row.get("facts") or ())),
        drafted_by=str(row.get("drafted_by") or "model"),
    )


def save(drafts: Sequence[Draft], path: Path) -> None:
    """Write the table, JSON Lines or CSV by the ending of the file.

    Raises:
        ConfigError: the file exists, since it may hold someone's review, or cannot be written.
    """
    if path.exists():
        raise ConfigError(f"{path} exists, and may hold a review: name another file with --out")
    rows = [asdict(one) for one in drafts]
    if path.suffix == ".csv":
        buffer = io.StringIO(newline="")
        writer = csv.DictWriter(buffer, FIELDS)
        writer.writeheader()
        for row in rows:
            cells = {
                key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                for key, value in row.items()
            }
            writer.writerow(cells)
        text = "\ufeff" + buffer.getvalue()  # with a mark, or spreadsheets garble Chinese
    else:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as fault:
        raise ConfigError(f"The drafts cannot be written to {path} ({fault.strerror})") from fault
