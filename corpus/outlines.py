"""Org and reStructuredText as blocks: headings, code, silent lines; the rest as in Markdown.

Each line of another meaning than in Markdown is found here; what lies between them is handed to
`blocks`, whose lists, tables and paragraphs are the same. Knows no files. Called by `blocks`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from corpus.types import Block

__all__ = ["org_blocks", "org_fields", "rst_blocks", "rst_fields"]

Between = Callable[[str, int, int], list[Block]]

_ORG_HEADING = re.compile(
    r"(\*+)[ \t]+(?:(?:TODO|DONE|NEXT|WAITING|HOLD|CANCELLED|待办|完成)[ \t]+)?"
    r"(?:\[#[A-C]\][ \t]+)?"
    r"(.*?)(?:[ \t]+(:[\w@#%:]+:))?[ \t]*$"
)
_ORG_OPEN = re.compile(r"[ \t]*#\+begin_(\w+)", re.IGNORECASE)
_ORG_SILENT = re.compile(
    r"[ \t]*(?:#\+\w+(?:\[[^\]]*\])?:.*|#(?:[ \t].*)?|:[\w-]+:.*|(?:SCHEDULED|DEADLINE|CLOSED):.*)$"
)
_ORG_FIELD = re.compile(r"#\+(title|date|filetags|keywords):[ \t]*(.*?)[ \t]*$", re.I | re.M)
_ORG_CODE = frozenset({"src", "example", "export"})
_RST_RULE = re.compile(r"([=\-~^\"'`#*+.:_<>])\1{1,}[ \t]*$")
_RST_DIRECTIVE = re.compile(r"([ \t]*)\.\.[ \t]+([\w:+.-]+)::[ \t]*(.*)$")
_RST_SILENT = re.compile(r"[ \t]*(?:\.\.(?:[ \t].*)?|:[\w -]+:(?:[ \t].*)?)$")
_RST_FIELD = re.compile(r"^:(title|date|tags|category):[ \t]*(.*?)[ \t]*$", re.I | re.M)
_RST_CODE = frozenset(
    {"code", "code-block", "sourcecode", "math", "literalinclude", "parsed-literal"}
)
_HEAD = 4000  # characters that may say what a file is about
_LONGEST_TITLE = 200


@dataclass(slots=True)
class _Lines:
    """The lines of a text with their spans."""

    text: str
    spans: list[tuple[int, int]]

    def __getitem__(self, i: int) -> str:
        return self.text[slice(*self.spans[i])] if 0 <= i < len(self.spans) else ""

    def __len__(self) -> int:
        return len(self.spans)

    def block(self, first: int, after: int, *, says: bool) -> Block:
        """Lines as code, or as a paragraph that says nothing itself."""
        start, end = self.spans[first][0], self.spans[after - 1][1]
        if says:
            return Block(kind="code", start=start, end=end, content=start)
        return Block(kind="paragraph", start=start, end=end, content=end)


def org_blocks(text: str, start: int, end: int, between: Between) -> list[Block]:
    """The blocks of an Org text; see `corpus.blocks.blocks`."""
    return list(_merged(_lines(text, start, end), _org, between))


def rst_blocks(text: str, start: int, end: int, between: Between) -> list[Block]:
    """The blocks of a reStructuredText; see `corpus.blocks.blocks`."""
    levels: list[str] = []

    def found(lines: _Lines, i: int) -> tuple[Block, int] | None:
        return _rst(lines, i, levels)

    return list(_merged(_lines(text, start, end), found, between))


def org_fields(text: str) -> dict[str, str]:
    """Title, date and tags that the head of an Org file names."""
    fields = {key.lower(): value for key, value in _ORG_FIELD.findall(text[:_HEAD])}
    tags = " ".join(fields.pop(key, "") for key in ("filetags", "keywords"))
    return {**fields, "tags": " ".join(tags.replace(":", " ").split())}


def rst_fields(text: str) -> dict[str, str]:
    """Title, date and tags that the head of a reStructuredText names."""
    fields = {key.lower(): value for key, value in _RST_FIELD.findall(text[:_HEAD])}
    return {**fields, "tags": fields.get("tags", "").replace(",", " ")}


def _lines(text: str, start: int, end: int) -> _Lines:
    spans, at = [], start
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        spans.append((at, stop))
        at = stop + 1
    return _Lines(text, spans)


def _merged(
    lines: _Lines, found: Callable[[_Lines, int], tuple[Block, int] | None], between: Between
) -> Iterator[Block]:
    i = first = 0
    while i <= len(lines):
        here = found(lines, i) if i < len(lines) else None
        if here is None and i < len(lines):
            i += 1
            continue
        if first < i:
            yield from between(lines.text, lines.spans[first][0], lines.spans[i - 1][1])
        if here is None:
            return
        yield here[0]
        i = first = here[1]


def _org(lines: _Lines, i: int) -> tuple[Block, int] | None:
    line = lines[i]
    heading = _ORG_HEADING.match(line) if line.startswith("*") else None
    if heading:
        start, end = lines.spans[i]
        title = heading.group(2)
        content = start + heading.start(2) if title else end
        level = min(6, len(heading.group(1)))
        return Block(
            kind="heading", start=start, end=end, content=content, level=level, title=title
        ), i + 1
    opened = _ORG_OPEN.match(line)
    if opened is None:
        return (lines.block(i, i + 1, says=False), i + 1) if _ORG_SILENT.match(line) else None
    kind = opened.group(1).lower()
    if kind not in _ORG_CODE:  # a quote, a verse: its lines are prose
        return lines.block(i, i + 1, says=False), i + 1
    closer = f"#+end_{kind}"
    for j in range(i + 1, len(lines)):
        if lines[j].strip().lower() == closer:
            return lines.block(i, j + 1, says=True), j + 1
    return lines.block(i, len(lines), says=True), len(lines)


def _rst(lines: _Lines, i: int, levels: list[str]) -> tuple[Block, int] | None:
    title = _rst_title(lines, i)
    if title:
        at, after, style = title
        if style not in levels:
            levels.append(style)
        words = lines[at].strip()
        start, end = lines.spans[i][0], lines.spans[after - 1][1]
        content = lines.spans[at][0] + lines[at].index(words)
        return Block(
            kind="heading", start=start, end=end, content=content,
            level=min(6, levels.index(style) + 1), title=words,
        ), after  # fmt: skip
    line = lines[i]
    directive = _RST_DIRECTIVE.match(line)
    if directive and directive.group(2) in _RST_CODE:
        after = _rst_body(lines, i + 1, len(directive.group(1)))
        return lines.block(i, after, says=True), after
    if directive and directive.group(3) and directive.group(2) not in ("image", "figure"):
        return None  # `.. note:: words`
    if directive or _RST_SILENT.match(line):
        return lines.block(i, i + 1, says=False), i + 1
    if i and lines[i - 1].rstrip().endswith("::") and not line.strip():
        first = next((j for j in range(i, len(lines)) if lines[j].strip()), len(lines))
        if lines[first][:1] in (" ", "\t"):
            after = _rst_body(lines, first, 0)
            return lines.block(first, after, says=True), after
    return None


def _rst_title(lines: _Lines, i: int) -> tuple[int, int, str] | None:
    """The line of the title, the line after it, and the style of its rules."""
    line, under = lines[i], lines[i + 1]
    if not line.strip():
        return None
    over = _RST_RULE.match(line)
    if (
        over
        and under.strip()
        and not _RST_RULE.match(under)
        and lines[i + 2].rstrip() == line.rstrip()
    ):
        return i + 1, i + 3, over.group(1) * 2
    rule = _RST_RULE.match(under)
    if over or rule is None or line[0] in " \t" or len(line) > _LONGEST_TITLE:
        return None
    # shorter than its title a rule is a warning to Sphinx; Han characters are two columns wide
    return (i, i + 2, rule.group(1)) if len(under.rstrip()) >= min(4, len(line.strip())) else None


def _rst_body(lines: _Lines, i: int, indent: int) -> int:
    """The line after an indented body."""
    after = i
    for j in range(i, len(lines)):
        line = lines[j]
        if line.strip():
            if len(line) - len(line.lstrip()) <= indent:
                break
            after = j + 1
    return max(after, i)
