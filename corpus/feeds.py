"""Feeds: text files in which every long line is a note of its own.

Such files come from "latest updates" exports: a banner, then one entry a line, headings and line
breaks lost. Each entry becomes a note `FILE#L<line>` titled by its own first words. Knows the text
of one file. Called by `notes`.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from datetime import date

from corpus.flat import flat_spans
from corpus.text import fold, is_han
from corpus.types import Note

__all__ = ["feed_notes", "is_feed"]

_LONG = 120
_TITLE = 40
_HEAD = 4000  # characters that say what an entry is about
# `当前,…` and `在…中,…` come before what a sentence is about
_ADVERBIAL = re.compile(
    r"^(?:当前|目前|如今|首先|近年来|众所周知|在[^,，]{2,24}[中上下里时])[,，]\s*(?=.{4})"
)
_URL = re.compile(r"(?:https?://|www\.)\S+")
_DATE = re.compile(r"(?<!\d)(20\d{2})[-/.年](\d{1,2})[-/.月](\d{1,2})(?!\d)")
_LEAD = re.compile(
    r"^(?:[\s\W]*)(?:\d+[.、)]\s*)?(?:背景|概述|简介|介绍|前言|引言|摘要|正文|目录|一句话总结|参考|导读|"
    r"overview|introduction|background|abstract|summary)(?:[:：\s]+|$)",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.+-]*(?:[ -]\d+(?:\.\d+)*)?")


def is_feed(text: str) -> bool:
    """Whether a plain text is a feed: at least three long lines that hold nearly all of it."""
    lines = [line for line in text.split("\n") if line.strip()]
    long = [line for line in lines if len(line) >= _LONG]
    return (
        len(long) >= 3
        and len(long) >= 0.5 * len(lines)
        and sum(map(len, long)) >= 0.85 * sum(map(len, lines))
    )


def feed_notes(path: str, text: str) -> list[Note]:
    """The entries of a feed as notes, in order; banner lines are no entries."""
    notes: list[Note] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not _is_entry(line):
            continue
        dated = _DATE.search(line[:200])
        notes.append(
            Note(
                path=f"{path}#L{number}",
                title=_title(line),
                text=line,
                sha256=hashlib.sha256(line.encode("utf-8", "surrogatepass")).hexdigest(),
                file=path,
                first_line=number,
                date=_iso(dated) if dated else None,
                format="feed",
            )
        )
    return notes


def _is_entry(line: str) -> bool:
    """A line that says something: long enough, or ending like a sentence."""
    line = line.strip()
    return len(line) >= 40 or (len(line) >= 8 and line[-1] in "。！？.!?…")


def _iso(match: re.Match[str]) -> str | None:
    year, month, day = (int(group) for group in match.groups())
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _title(entry: str) -> str:
    """The first words that say what the entry is about, at most about 40 characters.

    Leads such as 背景 or Overview say nothing and are passed over; when the name that the entry
    repeats most is not among the words, it is put before them.
    """
    entry = entry[:_HEAD]
    words = ""
    for start, end in flat_spans(entry):
        piece = _LEAD.sub("", _URL.sub("", entry[start:end])).strip(" :：,，。-—🔖\t")
        if len(piece) >= 4:
            words = piece
            break
    words = re.sub(r"^[（(]?\d{1,2}[.、)）]\s*", "", re.split(r"[。！？!?；;]", words)[0]).strip()
    words = _ADVERBIAL.sub("", words)
    words = re.split(r"(?<=.{4})[:：](?!//)|(?<=.{12})[,，]", words)[0].strip()
    words = words or entry.strip()[:_TITLE].strip()
    if len(words) > _TITLE:
        cut = max(words.rfind(mark, 12, _TITLE) for mark in " ,，、:：(（")
        words = words[: cut if cut > 0 else _TITLE].rstrip(" ,，、:：(（").strip()
    name = _main_name(entry)
    if name and fold(name) not in fold(words):
        words = f"{name}：{words}" if any(map(is_han, words)) else f"{name}: {words}"
    return words


def _main_name(entry: str) -> str:
    """The Latin name that the entry repeats most, if it stands there twice."""
    names = Counter(
        name
        for name in _NAME.findall(_URL.sub(" ", entry))
        if len(name) >= 3 and not name.islower()
    )
    if not names:
        return ""
    name, count = max(names.items(), key=lambda pair: (pair[1], len(pair[0])))
    return name if count >= 2 else ""
