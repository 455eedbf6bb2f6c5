"""Word documents (.docx): paragraphs, headings, lists and tables as Markdown.

Elements are known by their local names, so that both variants of the format are read.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from xml.etree.ElementTree import Element

from corpus.archives import DAMAGE
from corpus.drafts import Draft, Unreadable, iso_date, on_one_line, table
from corpus.syndication import local_name, parse_xml

__all__ = ["read_docx"]

_MAX_BYTES = 20_000_000  # of one part, unpacked
_OLD = b"\xd0\xcf\x11\xe0"  # how .doc and encrypted .docx begin
_HEADING = re.compile(r"(?:heading|标题) ?([1-6])$")
_AROUND = frozenset({"sdt", "sdtContent", "ins", "smartTag", "customXml", "body"})
_UNSAID = frozenset({"Fallback", "del", "moveFrom", "pPr", "rPr"})  # said elsewhere, or no more


def read_docx(data: bytes) -> list[Draft]:
    """The document as one draft; none if it has no text.

    Raises:
        Unreadable: it is damaged, protected or no Word document.
    """
    if data.startswith(_OLD):
        raise Unreadable("protected by a password, or in the old .doc format: save it as .docx")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "word/document.xml" not in archive.namelist():
                raise Unreadable("no Word document: it holds no word/document.xml")
            return _Document(archive).drafts()
    except (*DAMAGE, ValueError, OSError) as error:
        reason = on_one_line(f"broken Word document: {error}")
        raise Unreadable(reason) from None


class _Document:
    """One document while it is converted."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._levels: dict[str, int] = {}  # of headings, by style
        self._style_lists: dict[str, tuple[str, str]] = {}
        self._ordered = _ordered_lists(self._part("word/numbering.xml"))
        self._counts: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._title = ""
        for style in _all(self._part("word/styles.xml"), "style"):
            self._learn(style)

    def drafts(self) -> list[Draft]:
        """The document as at most one draft."""
        parts: list[tuple[bool, str]] = []
        for block in _children(self._part("word/document.xml"), ("p", "tbl")):
            is_item, text = self._paragraph(block) if local_name(block) == "p" else _table(block)
            if text:
                parts.append((is_item, text))
        if not parts:
            return []
        for kind in ("footnote", "endnote"):
            for note in _all(self._part(f"word/{kind}s.xml"), kind):
                said = _words(note)
                if said and not _value(note, "type"):  # a separator has a type
                    parts.append((False, f"[^{_mark(kind, note)}]: " + on_one_line(said)))
        text = parts[0][1]
        for (was_item, _), (is_item, part) in pairwise(parts):
            text += ("\n" if was_item and is_item else "\n\n") + part
        core = {local_name(e): e.text for e in self._part("docProps/core.xml")}
        return [
            Draft(
                text=text + "\n",
                title=self._title or on_one_line(core.get("title") or ""),
                date=iso_date(core.get("modified")) or iso_date(core.get("created")),
            )
        ]

    def _part(self, name: str) -> Element:
        if name not in self._archive.namelist():
            return Element("none")
        info = self._archive.getinfo(name)
        if info.file_size > _MAX_BYTES:
            raise Unreadable(f"larger than {_MAX_BYTES // 1_000_000} MB inside: split it")
        return parse_xml(self._archive.read(info).decode("utf-8-sig"))

    def _learn(self, style: Element) -> None:
        id_ = _value(style, "styleId")
        name = _value(_first(style, "name"), "val").lower()
        heading = _HEADING.match(name)
        outline = _value(_first(style, "outlineLvl"), "val")
        if heading:
            self._levels[id_] = int(heading.group(1))
        elif name == "title":
            self._levels[id_] = 1
        elif outline in ("0", "1", "2", "3", "4", "5"):
            self._levels[id_] = int(outline) + 1
        listed = _first(style, "numPr")
        if listed is not None and id_ not in self._levels:
            self._style_lists[id_] = _list_of(listed)

    def _paragraph(self, element: Element) -> tuple[bool, str]:
        """Whether it is an item of a list, and its Markdown."""
        text = _words(element)
        if not text:
            return False, ""
        about = _child(element, "pPr")
        style = _value(_child(about, "pStyle"), "val")
        level = self._levels.get(style, 0)
        if level:
            text = on_one_line(text)
            self._title = self._title or (text if level == 1 else "")
            return False, f"{'#' * level} {text}"
        listed = _child(about, "numPr")
        id_, depth = (
            _list_of(listed) if listed is not None else self._style_lists.get(style, ("", "0"))
        )
        if not id_ or id_ == "0":
            return False, text
        return True, self._item(id_, int(depth) if depth in tuple("012345678") else 0, text)

    def _item(self, id_: str, depth: int, text: str) -> str:
        self._counts[id_, depth] += 1
        for deeper in range(depth + 1, 9):
            self._counts.pop((id_, deeper), None)
        is_ordered = (id_, str(depth)) in self._ordered
        marker = f"{self._counts[id_, depth]}. " if is_ordered else "- "
        indent = "  " * depth
        return indent + marker + text.replace("\n", "\n" + indent + " " * len(marker))


def _table(element: Element) -> tuple[bool, str]:
    rows = []
    for row in _children(element, ("tr",)):
        rows.append([_words(cell) for cell in _children(row, ("tc",))])
    rows = [row for row in rows if any(row)]
    if all(len(row) == 1 for row in rows):  # a frame around text
        return False, "\n\n".join(row[0] for row in rows)
    return False, table(rows)


def _words(element: Element) -> str:
    """All words inside an element, its paragraphs and line breaks as lines."""
    out: list[str] = []
    waiting = [element]
    while waiting:
        here = waiting.pop()
        name = local_name(here)
        if name == "t":
            out.append(here.text or "")
        elif name == "tab":
            out.append(" ")
        elif name in ("br", "cr"):
            out.append("\n")
        elif name == "noBreakHyphen":
            out.append("-")
        elif name in ("footnoteReference", "endnoteReference"):
            out.append(f"[^{_mark(name.removesuffix('Reference'), here)}]")
        elif name not in _UNSAID:
            if name == "p":
                out.append("\n")
            waiting += reversed(here)
    return "\n".join(line for raw in "".join(out).split("\n") if (line := on_one_line(raw)))


def _mark(kind: str, element: Element) -> str:
    return ("e" if kind == "endnote" else "") + _value(element, "id")


def _children(element: Element, names: tuple[str, ...]) -> Iterator[Element]:
    """The nearest elements of these names, through wrappers that only say what they hold."""
    waiting = list(reversed(element))
    while waiting:
        here = waiting.pop()
        if local_name(here) in names:
            yield here
        elif local_name(here) in _AROUND:
            waiting += reversed(here)


def _ordered_lists(numbering: Element) -> set[tuple[str, str]]:
    """The lists, with their depths, whose items are numbered."""
    kinds: dict[str, set[str]] = {}
    for abstract in _all(numbering, "abstractNum"):
        kinds[_value(abstract, "abstractNumId")] = {
            _value(level, "ilvl")
            for level in _all(abstract, "lvl")
            if _value(_first(level, "numFmt"), "val") not in ("bullet", "none", "")
        }
    return {
        (_value(number, "numId"), depth)
        for number in _all(numbering, "num")
        for depth in kinds.get(_value(_first(number, "abstractNumId"), "val"), ())
    }


def _list_of(listed: Element) -> tuple[str, str]:
    return _value(_child(listed, "numId"), "val"), _value(_child(listed, "ilvl"), "val") or "0"


def _all(element: Element, name: str) -> Iterator[Element]:
    return (found for found in element.iter() if local_name(found) == name)


def _first(element: Element, name: str) -> Element | None:
    return next(_all(element, name), None)


def _child(element: Element | None, name: str) -> Element | None:
    children = element if element is not None else ()
    return next((found for found in children if local_name(found) == name), None)


def _value(element: Element | None, name: str) -> str:
    """An attribute by its local name; empty if there is none."""
    given = element.attrib if element is not None else {}
    return next((value for key, value in given.items() if key.rpartition("}")[2] == name), "")
