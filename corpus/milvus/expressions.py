"""Filter expressions of Milvus: which rows a search, a query or a deletion is about.

A filter of notes becomes an expression that lets through at least the passages of the notes that
pass; where it cannot be said (a glob with brackets), it lets all through. The exact look at each
note is `assistant.filters`'. Knows the language of expressions and the columns of a passage.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from corpus.phrases import keys
from corpus.protocol import Narrowing
from corpus.text import fold

__all__ = [
    "SEPARATOR",
    "among",
    "both",
    "equal",
    "holding",
    "is_exact",
    "like",
    "named_line",
    "narrowing",
    "phrase_words",
]


SEPARATOR = "|"  # between names: not every engine lets a pattern reach over the end of a line


def quoted(text: str) -> str:
    """A string of the language; JSON's escapes are its own."""
    return json.dumps(text, ensure_ascii=False)


def equal(column: str, value: str) -> str:
    """Rows whose column has this value."""
    return f"{column} == {quoted(value)}"


def among(column: str, values: Iterable[str | int]) -> str:
    """Rows whose column has one of these values."""
    return f"{column} in [{','.join(quoted(v) if isinstance(v, str) else str(v) for v in values)}]"


def both(*parts: str) -> str:
    """Rows that meet all of these; empty parts say nothing."""
    return " and ".join(f"({part})" for part in parts if part)


def like(column: str, text: str, *, before: str = "%", behind: str = "%") -> str:
    """Rows whose column holds a text to the letter; `before` and `behind` are patterns."""
    plain = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{column} like {quoted(f'{before}{plain}{behind}')}"


def holding(pieces: Sequence[str]) -> str:
    """Passages whose title, headings or text hold each of these folded pieces."""
    return both(*(like("words", piece) for piece in pieces))


def phrase_words(phrase: str) -> list[str]:
    """The words of a phrase, folded: each stands in every passage that holds the phrase."""
    return list(dict.fromkeys(fold(phrase).split())) or keys(phrase)


def named_line(names: Iterable[str]) -> str:
    """Names in the form in which they are looked for, between separators."""
    lines = (" ".join(fold(name).split()).strip("/") for name in names)
    return SEPARATOR.join(dict.fromkeys(lines))


def narrowing(wanted: Narrowing) -> str:
    """Passages of the notes that pass, and perhaps of others; empty for all."""
    parts = [
        _place(wanted.folder),
        _tag(wanted.tag),
        f"date >= {quoted(wanted.since)}" if wanted.since else "",
        # the last day, month or year counts as a whole: "~" is behind every digit and hyphen
        f'date != "" and date < {quoted(wanted.until + "~")}' if wanted.until else "",
        _title(wanted.title),
        _notes(wanted.notes),
        *(narrowing(other) for other in wanted.also),
    ]
    return both(*parts)


def is_exact(wanted: Narrowing) -> bool:
    """Whether the expression lets through only what passes: names and some globs say too much."""
    said_in_full = not (wanted.title or wanted.notes or "[" in (wanted.folder or ""))
    return said_in_full and all(is_exact(other) for other in wanted.also)


def _place(folder: str | None) -> str:
    plain = (folder or "").replace("\\", "/").removeprefix("./").strip("/")
    if plain in {"", "."}:
        return ""
    if "[" in plain:
        return ""  # the language has no sets of characters
    if any(mark in plain for mark in "*?"):
        pattern = "".join({"*": "%", "?": "_"}.get(c) or _escaped(c) for c in plain)
        return f"note like {quoted(pattern)} or {_inside(plain)}"
    return _inside(plain)


def _inside(plain: str) -> str:
    parts = [equal("note", plain), equal("file", plain), like("note", f"{plain}/", before="")]
    return " or ".join(parts)


def _escaped(char: str) -> str:
    return f"\\{char}" if char in "\\%_" else char


def _tag(tag: str | None) -> str:
    plain = fold((tag or "").strip("#/ "))
    return like("tags", f"{SEPARATOR}{plain}/") if plain else ""


def _title(title: str | None) -> str:
    words = fold(title or "").split()  # blanks are kept otherwise in names than in a title
    return both(*(like("names", word) for word in words))


def _notes(names: Sequence[str]) -> str:
    found = {named_line([part]) for name in names for part in (name, name.split("#", 1)[0])}
    return " or ".join(like("names", name) for name in sorted(found - {""}))
