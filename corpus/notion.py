"""Notion exports: names without their ids, and databases whose rows are notes.

Every page, folder and database of an export is named `Title <32 hex digits>`. What is shown has no
id; the file keeps its name. Knows names and CSV, not archives (`archives`) nor files (`readers`).
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from corpus.drafts import Draft, Unreadable, iso_date, on_one_line

__all__ = [
    "PageProperties",
    "is_database",
    "is_export",
    "is_part",
    "page_properties",
    "plain_path",
    "read_database",
    "shown_paths",
    "superseded",
    "without_id",
]

_ID = re.compile(r"[ _-]?\b([0-9a-f]{32})(?=(?:_all)?(?:\.[A-Za-z]{2,8})?$)")
_ALL = re.compile(r"([0-9a-f]{32})_all\.csv$")
_PART = re.compile(r"(?:^|[-_ ])part[-_ ]?\d{1,3}\.zip$", re.IGNORECASE)
# a relation in a cell: `Title (https://www.notion.so/…)` or `Title (Folder/Title%20<id>.md)`
_RELATION = re.compile(
    r" ?\((?:https?://(?:www\.)?notion\.so/[^\s()]+|[^\s()]*[0-9a-f]{32}[^\s()]*)\)"
)
_LINK = re.compile(r"[^\s,()]*%20[0-9a-f]{32}(?:\.(?:md|html|csv))?")
_HEAD = 4000  # characters in which properties stand
_DATES = ("date", "日期", "updated", "last edited time", "created", "created time", "创建时间")
_TAGS = frozenset({"tags", "tag", "标签"})
_UNTITLED = "Untitled"
_PROPERTY = re.compile(r"([^\s:#\-*>|\[`][^:\n]{0,60}): ?(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageProperties:
    """What the properties of a page say of it: its day, and its tags without `#`."""

    date: str | None = None
    tags: tuple[str, ...] = ()


def without_id(name: str) -> str:
    """The name of a page, folder or database as Notion shows it; other names as they are."""
    match = _ID.search(name)
    if match is None:
        return name
    rest = name[match.end() :].removeprefix("_all")
    return (name[: match.start()].strip() or _UNTITLED) + rest


def plain_path(path: str) -> str:
    """The path without the ids of an export."""
    return "/".join(map(without_id, path.split("/")))


def is_database(path: str) -> bool:
    """Whether the file is a database of an export."""
    name = PurePosixPath(path).name
    return name.lower().endswith(".csv") and _ID.search(name) is not None


def is_part(path: str) -> bool:
    """Whether a member is a part of an export that holds the pages."""
    return _PART.search(PurePosixPath(path).name) is not None


def is_export(members: Iterable[str]) -> bool:
    """Whether the members of a zip are those of an export."""
    return any(is_part(name) or without_id(name) != name for name in map(_last, members))


def page_properties(text: str) -> PageProperties:
    """What stands in the lines `name: value` between the title of an exported page and its text."""
    lines = iter(text[:_HEAD].splitlines())
    title = next((line for line in lines if line.strip()), "")
    if not title.startswith("# "):
        return PageProperties()
    fields: list[tuple[str, str]] = []
    for line in lines:
        match = _PROPERTY.fullmatch(line)
        if match:
            fields.append((match[1].strip(), match[2].strip()))
        elif line.strip() or fields:
            break
    return _said(fields)


def superseded(paths: Iterable[str]) -> set[str]:
    """Databases that the export holds a second time, with all their rows and properties."""
    paths = set(paths)
    return {other for path in paths if (other := _ALL.sub(r"\1.csv", path)) != path} & paths


def shown_paths(paths: Iterable[str]) -> dict[str, str]:
    """The paths of an export as they are shown, by their real ones; no two are the same.

    Two pages of one title in one folder keep the beginning of their ids.
    """
    plain = {path: plain_path(path) for path in paths}
    counts = Counter(plain.values())
    shown: dict[str, str] = {}
    for path, short in plain.items():
        if path == short:
            continue
        name = PurePosixPath(short)
        if counts[short] > 1:
            id_ = _short_id(path)
            short = str(name.with_name(f"{name.stem} ({id_}){name.suffix}"))
        shown[path] = short
    taken = Counter([*shown.values(), *(path for path in plain if path not in shown)])
    return {path: short for path, short in shown.items() if taken[short] == 1}


def _short_id(path: str) -> str:
    """What tells the path from others of its names: the ids of its last two parts."""
    ids = [match.group(1)[:6] for part in path.split("/") if (match := _ID.search(part))]
    return "-".join(ids[-2:])


def read_database(text: str) -> list[Draft]:
    """A draft for each row: its properties as `name: value` lines, titled by the first column.

    Raises:
        Unreadable: the CSV is broken.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    drafts = []
    try:
        names = [on_one_line(name) for name in next(reader, [])]
        start = reader.line_num + 1
        for row in reader:
            if any(cell.strip() for cell in row):
                drafts.append(replace(_draft(names, row), first_line=start))
            start = reader.line_num + 1  # a cell may hold line breaks
    except csv.Error as error:
        said = "a quote is not closed" if "end of data" in str(error) else error
        raise Unreadable(f"broken CSV near line {reader.line_num}: {said}") from None
    return drafts


def _draft(names: Sequence[str], row: Sequence[str]) -> Draft:
    values = [_value(cell) for cell in row]
    fields = list(zip([*names, *[""] * (len(values) - len(names))], values, strict=False))
    text = "\n".join(f"{name}: {value}" if name else value for name, value in fields if value)
    said = _said(fields)
    title = on_one_line(values[0]) or _UNTITLED
    return Draft(
        text=text + "\n",
        title=title,
        key=title,
        identity=text,
        date=said.date,
        tags=said.tags,
    )


def _said(fields: Sequence[tuple[str, str]]) -> PageProperties:
    known = {name.lower(): value for name, value in reversed(fields) if value}
    tags = next((value for name, value in known.items() if name in _TAGS), "")
    return PageProperties(
        date=next(filter(None, (iso_date(known.get(name)) for name in _DATES)), None),
        tags=tuple(dict.fromkeys(t.strip() for t in re.split("[,，]", tags) if t.strip())),
    )


def _last(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _value(cell: str) -> str:
    """The text of a cell, links to other pages given by the names of those."""
    cell = _RELATION.sub("", cell.replace("\r\n", "\n").replace("\r", "\n"))
    return _LINK.sub(lambda link: _page(link.group()), cell).strip()


def _page(link: str) -> str:
    name = without_id(unquote(link).rpartition("/")[2])
    return re.sub(r"\.(?:md|html|csv)$", "", name)
