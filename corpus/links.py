"""Links between notes: as written, and the note each leads to.

`[[note]]`, `[[note|alias]]`, `[[note#heading]]`, `[[note#^block]]`, `![[embed]]`, Markdown links,
Liquid and shortcode references. A link is kept as it is written, so that a note which comes later
resolves it; `LinkTable` resolves. Knows paths and texts, not the store.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Literal
from urllib.parse import unquote

from corpus.blocks import blocks
from corpus.text import fold
from corpus.types import Block, Note

__all__ = ["Link", "LinkKind", "LinkTable", "NamedNote", "links_of", "place_of", "target_key"]

LinkKind = Literal["wiki", "embed", "markdown", "reference"]

_WIKI = re.compile(
    r"(!?)\[\[([^\[\]|\n#^]{0,300})((?:[#^][^\[\]|\n]{0,300})?)(?:\\?\|([^\[\]\n]{0,300}))?\]\]"
)
_MARKDOWN = re.compile(
    r"(!?)\[([^\[\]\n]{0,300})\]\((?:<([^<>\n]{1,500})>|([^\s()<>]{1,500}(?:\([^\s()]{0,100}\)[^\s()]{0,200})?))"
    r"(?:[ \t]+[\"'(][^\n]{0,200}?[\"')])?\)"
)
_REFERENCE = re.compile(
    r"\{%-?\s*(?:post_url|link)\s+([^\s%]+)\s*-?%\}|\{\{[<%]\s*(?:rel)?ref\s+\"([^\"]+)\"\s*[>%]\}\}"
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_NOTION_ID = re.compile(r"[ _-]?\b[0-9a-f]{32}$")
_SUFFIX = re.compile(r"\.(?:md|markdown|mdx|mdown|txt|html?|org|rst|ipynb|csv)$", re.IGNORECASE)
_CODE = re.compile(r"(`+)(?!`).{0,500}?(?<!`)\1(?!`)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link in a note, and where it leads.

    Attributes:
        note: path of the note that holds it.
        start: offset of the link in the note's text.
        end: offset after it.
        kind: how it is written.
        target: the note as it is named, decoded; empty for a place in the same note.
        anchor: heading (`结构`) or block id (`^a1b2`), without `#`; empty for the whole note.
        alias: the words shown instead, or empty.
        to: path of the note it leads to; None when there is none (yet).
    """

    note: str
    start: int
    end: int
    kind: LinkKind
    target: str
    anchor: str = ""
    alias: str = ""
    to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedNote:
    """What a link may call a note."""

    path: str
    file: str
    aliases: tuple[str, ...] = ()


def target_key(target: str) -> str:
    """The last part of a target or path without suffix and id, folded: equal for what may match."""
    name = _SUFFIX.sub("", target.rstrip("/").rpartition("/")[2])
    return fold(_NOTION_ID.sub("", name)).strip()


def links_of(note: Note) -> list[Link]:
    """The links of a note to notes, in order; none from code, formulas or to the web."""
    found: list[Link] = []
    text = note.text
    if "](" not in text and "[[" not in text and "ref " not in text and "{%" not in text:
        return found
    for block in blocks(text, note.body_start, markup=note.format):
        if block.kind in ("code", "formula"):
            continue
        part = text[block.start : block.end]
        if "[" in part or "{" in part:
            found += _links_in(note.path, _CODE.sub(lambda m: " " * len(m[0]), part), block.start)
    return sorted(found, key=lambda link: (link.start, link.end))


def _links_in(path: str, part: str, at: int) -> Iterator[Link]:
    for m in _WIKI.finditer(part):
        target, anchor = m[2].strip().rstrip("\\"), m[3].lstrip("#").strip().rstrip("\\")
        if target or anchor:
            yield Link(
                note=path, start=at + m.start(), end=at + m.end(),
                kind="embed" if m[1] else "wiki", target=target, anchor=anchor,
                alias=(m[4] or "").strip(),
            )  # fmt: skip
    for m in _MARKDOWN.finditer(part):
        given = m[3] or m[4]
        if _SCHEME.match(given) or given.startswith("//"):
            continue
        target, _, anchor = given.partition("#")
        target = unquote(target.partition("?")[0])
        if target or anchor:
            yield Link(
                note=path, start=at + m.start(), end=at + m.end(),
                kind="embed" if m[1] else "markdown", target=target, anchor=unquote(anchor),
                alias=m[2].strip(),
            )  # fmt: skip
    for m in _REFERENCE.finditer(part):
        target, _, anchor = (m[1] or m[2]).partition("#")
        yield Link(
            note=path, start=at + m.start(), end=at + m.end(), kind="reference", target=target,
            anchor=anchor,
        )  # fmt: skip


class LinkTable:
    """Which note a target means.

    As Obsidian does: a path from the root of the vault or ending so, then a name in any folder, the
    one nearest to the linking note first; a Markdown link is relative to its note. An alias is
    asked last. Case, width and suffix do not matter.

    Args:
        notes: all notes.
    """

    def __init__(self, notes: Iterable[NamedNote]) -> None:
        self._paths: dict[str, str] = {}
        self._named: defaultdict[str, list[str]] = defaultdict(list)
        self._aliases: dict[str, str] = {}
        for note in sorted(notes, key=lambda note: note.path):
            for place in (note.path, note.file):
                self._paths.setdefault(_bare(place), note.path)
            self._named[target_key(note.path)].append(note.path)
            if "#" in note.path:  # an entry of a file is called by its key
                self._named[fold(note.path.partition("#")[2])].append(note.path)
            for alias in note.aliases:
                self._aliases.setdefault(fold(alias).strip(), note.path)

    def resolve(self, link: Link) -> str | None:
        """Path of the note that a link leads to, or None."""
        if not link.target:
            return link.note
        folder = str(PurePosixPath(link.note.partition("#")[0]).parent)
        for place in self._places(link, folder):
            if place in self._paths:
                return self._paths[place]
        wanted = _bare(link.target.lstrip("/"))
        near = [
            path
            for path in self._named.get(target_key(link.target), ())
            if "/" not in wanted.strip("/") or f"/{_bare(path)}".endswith(f"/{wanted}")
        ]
        if near:
            return min(near, key=lambda path: (-_shared(path, folder), path.count("/"), path))
        return self._aliases.get(fold(link.target).strip())

    def _places(self, link: Link, folder: str) -> Iterator[str]:
        target = link.target
        beside = normpath(f"{folder}/{target}") if not target.startswith("/") else target
        from_root = normpath(target.lstrip("/"))
        first = (beside, from_root) if link.kind == "markdown" else (from_root, beside)
        for place in first:
            yield _bare(place.lstrip("/"))
            yield _bare(f"{place.lstrip('/')}/index")
            yield _bare(f"{place.lstrip('/')}/README")


def _bare(path: str) -> str:
    return fold(_SUFFIX.sub("", path))


def _shared(path: str, folder: str) -> int:
    """Folders that a path shares with a folder, from the root."""
    count = 0
    for one, other in zip(path.split("/")[:-1], folder.split("/"), strict=False):
        if one != other:
            break
        count += 1
    return count


def place_of(note: Note, anchor: str) -> tuple[int, int] | None:
    """Span of the heading or block that an anchor names in a note; None if there is none.

    Args:
        note: the note.
        anchor: `标题`, `标题#小标题`, `^id`, or a heading as a page's address writes it
            (`my-heading`).
    """
    every = [b for b in blocks(note.text, note.body_start, markup=note.format)]
    if anchor.startswith("^"):
        return _block_of(note.text, every, anchor)
    start: int = note.body_start
    span: tuple[int, int] | None = None
    for name in anchor.split("#"):
        wanted = _slug(name)
        span = next(
            (
                (b.start, b.end)
                for b in every
                if b.kind == "heading" and b.start >= start and _slug(b.title) == wanted
            ),
            None,
        )
        if span is None:
            return None
        start = span[1]
    return span


def _block_of(text: str, every: list[Block], anchor: str) -> tuple[int, int] | None:
    before: tuple[int, int] | None = None
    for block in every:
        said = text[block.start : block.end].rstrip()
        if said.endswith(anchor) and said[: -len(anchor)][-1:] in ("", " ", "\t", "\n"):
            alone = said.strip() == anchor
            return before if alone and before else (block.start, block.end)
        if said and block.kind != "heading":
            before = (block.start, block.end)
    return None


def _slug(title: str) -> str:
    return re.sub(r"[^\w]+", "", fold(title))
