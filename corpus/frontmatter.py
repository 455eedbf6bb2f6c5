"""Front matter of Markdown notes: title, aliases, tags, date, every value read as text.

In YAML between `---`, or as Hugo and Zola have it, too: in TOML between `+++`, in JSON. What is
broken costs only itself: what can be read line by line is, the note's body always is. Knows the
head of a text, not its body. Called by `notes`.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from datetime import date
from typing import Any

__all__ = ["FrontMatter", "read_front_matter"]

# Front matter is a few lines; a megabyte of it is an attack or an accident.
_MAX_CHARS = 20_000
_MATTER = re.compile(r"\ufeff?---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S | re.M)
_TOML = re.compile(r"\ufeff?\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*(?:\n|\Z)", re.S | re.M)
_CLOSE = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.M)
_FIELD = re.compile(r"[\w-]+[ \t]*:(?:\s|$)|\s*- |\s+\S|#")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})")
_LISTS = frozenset({"tags", "tag", "标签", "aliases", "alias"})
_DATE_KEYS = ("date", "updated", "modified", "last_modified", "created", "日期", "更新", "创建")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """What the head of a note says of it; `end` is the offset where the body starts."""

    title: str = ""
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    date: str | None = None
    end: int = 0


def read_front_matter(text: str) -> FrontMatter:
    """The front matter at the very start of a text; all empty when there is none."""
    head = text[: _MAX_CHARS + 10]
    match = _MATTER.match(head) or _TOML.match(head)
    if match is not None:
        source = match.group(1)
        fields = _parse(source) if match.re is _MATTER else _parse_toml(source)
        if not fields and source.strip():  # prose between two rules
            return FrontMatter()
        return _said(fields, match.end())
    if head.lstrip("\ufeff").startswith("{"):
        return _json_matter(head)
    return FrontMatter(end=_end_of_masses(text))


def _said(fields: dict[str, Any], end: int) -> FrontMatter:
    titles = _words(fields.get("title"))
    return FrontMatter(
        title=" ".join(titles[0].split()) if titles else "",
        aliases=tuple(_words(fields.get("aliases") or fields.get("alias"))),
        tags=tuple(
            piece.lstrip("#")
            for value in _words(fields.get("tags") or fields.get("tag") or fields.get("标签"))
            for piece in re.split(r"[,，\s]+", value)
            if piece.lstrip("#")
        ),
        date=next(filter(None, (_date(fields.get(key)) for key in _DATE_KEYS)), None),
        end=end,
    )


def _json_matter(head: str) -> FrontMatter:
    """An object that has a title, with nothing behind it on its last line; else none."""
    start = int(head.startswith("\ufeff"))
    try:
        fields, end = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode(head, start)
    except (ValueError, RecursionError):
        return FrontMatter()
    line = head[end:].partition("\n")[0]
    if not isinstance(fields, dict) or not isinstance(fields.get("title"), str) or line.strip():
        return FrontMatter()
    end = min(end + len(line) + 1, len(head))
    return _said({key.lower(): value for key, value in fields.items()}, end)


def _end_of_masses(text: str) -> int:
    """Where front matter beyond the limit ends: its head must be nothing but fields; else 0."""
    if len(text) <= _MAX_CHARS or not text.startswith(("---\n", "\ufeff---\n")):
        return 0
    head = [line for line in text[4:_MAX_CHARS].split("\n")[:-1] if line.strip()]
    if not head or not all(_FIELD.match(line) for line in head):
        return 0
    closed = _CLOSE.search(text, _MAX_CHARS // 2)
    return closed.end() if closed else 0


def _parse(source: str) -> dict[str, Any]:
    import yaml

    # BaseLoader keeps every scalar a string (`NO`, `012`, 2024-02-30) and builds no objects.
    # Anchors are refused: expanding them is how 300 bytes become gigabytes.
    if not re.search(r"(?:^|[\s,\[{:-])[&*][\w-]+", source, re.M) and _depth(source) < 40:
        try:
            fields = yaml.load(source, Loader=yaml.BaseLoader)
            if isinstance(fields, dict):
                return {str(key).lower(): value for key, value in fields.items()}
        except (yaml.YAMLError, ValueError, RecursionError):
            pass
    return _by_line(source)


def _parse_toml(source: str) -> dict[str, Any]:
    if _depth(source) < 40:
        try:
            known = tomllib.loads(source)
        except (ValueError, RecursionError):  # ValueError: a number without end, too
            pass
        else:
            taxonomies = known.get("taxonomies")  # of Zola
            rows = [*(taxonomies.items() if isinstance(taxonomies, dict) else ()), *known.items()]
            return {str(key).lower(): _as_text(value) for key, value in rows}
    return _by_line(re.sub(r"^(\s*[\w-]+)[ \t]*=", r"\1:", source, flags=re.M))


def _as_text(value: object) -> str | list[str]:
    """A value of TOML as YAML's would be read: dates and numbers are text, tables are nothing."""
    if isinstance(value, list):
        return [str(item) for item in value if not isinstance(item, list | dict)]
    return "" if isinstance(value, dict) else str(value)


def _depth(source: str) -> int:
    return max(source.count("["), source.count("{"))


def _by_line(source: str) -> dict[str, Any]:
    """What `key: value` lines of broken YAML still say."""
    fields: dict[str, Any] = {}
    key = ""
    for line in source.splitlines():
        match = re.match(r"([\w\u4e00-\u9fff-]+)[ \t]*:[ \t]*(.*)$", line)
        if match:
            key, value = match.group(1).lower(), match.group(2).strip()
            fields[key] = _value(value, is_list=key in _LISTS)
        elif key and re.match(r"\s*-\s+\S", line) and isinstance(fields[key], list):
            fields[key].append(line.strip()[1:].strip())
    return fields


def _value(source: str, *, is_list: bool) -> str | list[str]:
    if source.startswith("[") or is_list:
        return [piece.strip() for piece in source.strip("[]").split(",")]
    return source or []


def _words(value: object) -> list[str]:
    """A scalar or a list of scalars as non-empty strings."""
    values = value if isinstance(value, list) else [value]
    words = (v.strip().strip("'\"").strip() for v in values if isinstance(v, str))
    return [word for word in words if word]


def _date(value: object) -> str | None:
    """The first date in a value, if the calendar knows it."""
    for word in _words(value):
        match = _DATE.search(word)
        if match:
            year, month, day = (int(part) for part in match.groups())
            try:
                return date(year, month, day).isoformat()
            except ValueError:
                continue
    return None
