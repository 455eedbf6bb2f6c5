"""HTML as Markdown: headings, lists, tables and code kept, scripts and navigation dropped.

Never fails: what a browser would show of a torn page is kept, too. Emphasis and the targets of
links are left out, so that what is quoted are words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from corpus.drafts import Draft, Unreadable, fence, iso_date, on_one_line, table
from corpus.text import is_han

__all__ = ["html_to_markdown", "read_page"]

_NEVER = frozenset(
    "script style template noscript svg iframe object select button textarea canvas audio video"
    " dialog datalist".split()
)
_CODE = frozenset({"code", "kbd", "samp"})
_AROUND = frozenset({"nav", "footer"})  # dropped unless they never end, or lie in the main part
_BLOCKS = frozenset(
    "address article aside blockquote body center details dd div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 header hgroup hr html li main nav ol p pre section summary"
    " table tbody td tfoot th thead tr ul caption".split()
)
_CODE_OF_PAGE = frozenset({"script", "style"})
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_DATES = frozenset(
    "article:published_time date dc.date dcterms.date dcterms.created pubdate datepublished".split()
)
_SHARE = 0.25  # of the words of a page that its main part must hold to stand for it
_MARKUP = re.compile(r"<\s*(?:!doctype|html|head|body|[a-z][a-z0-9]*[\s/>])", re.IGNORECASE)
_LANGUAGE = re.compile(r"\b(?:language-|lang-|highlight-source-|brush: ?)([\w+#.]+)")
_EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+")  # a picture, not words
_SLICE = 65_536
_LONGEST_TAG = 4096  # at the end of a page, unfinished
_DEEPEST = 40  # quotes and lists inside each other

_Attributes = list[tuple[str, str | None]]


@dataclass(slots=True)
class _Table:
    """A table while it is read."""

    rows: list[list[str]] = field(default_factory=list)
    heads: list[list[bool]] = field(default_factory=list)
    prefix: str = ""
    is_layout: bool = False


def read_page(text: str) -> list[Draft]:
    """The page as one draft, titled by its `<title>` or first h1; none if it shows no text.

    Raises:
        Unreadable: there is no markup in it at all.
    """
    if _MARKUP.search(text) is None:
        raise Unreadable("no HTML: there is not one tag in it")
    page = _converted(text)
    body = page.markdown()
    if not body:
        return []
    title = on_one_line(_words(_breaks("".join(page.title)))) or page.first_h1
    return [Draft(text=body + "\n", title=title, date=page.date)]


def html_to_markdown(html: str) -> str:
    """The text of a piece of HTML as Markdown, without a line break at its end."""
    return _converted(html).markdown()


def _converted(html: str) -> _Converter:
    html = _EMBEDDED.sub("data:,", html)
    page = _Converter(_NEVER | _AROUND)
    page.read(html)
    if page.unclosed and page.unclosed not in _CODE_OF_PAGE:  # it took the rest of the page away
        page = _Converter(_CODE_OF_PAGE)
        page.read(html)
    return page


class _Converter(HTMLParser):
    """Writes Markdown blocks as the tags come; nothing here recurses."""

    def __init__(self, dropped: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[str] = []
        self.first_h1 = ""
        self.date: str | None = None
        self._dropped = dropped
        self._skip = ""  # the tag whose end ends what is left out
        self._skip_depth = 0
        self._in_title = False
        self._blocks: list[tuple[str, str]] = []  # prefix of the lines, text
        self._inline: list[str] = []
        self._heading = 0
        self._lists: list[list[int | None]] = []  # number of the last item; None for bullets
        self._marker = ""  # of the item whose first line is to come
        self._quotes = 0
        self._pre: list[str] | None = None
        self._language = ""
        self._tables: list[_Table] = []
        self._main: list[tuple[int, int]] = []  # blocks inside <main>
        self._article: list[tuple[int, int]] = []
        self._opened: dict[str, list[int]] = {"main": [], "article": []}
        self._math: list[str] | None = None
        self._in_tex = False

    def read(self, html: str) -> None:
        """Read the whole page.

        Raises:
            Unreadable: a tag has no end. The parser would look for it again from every `<` in it.
        """
        for start in range(0, len(html), _SLICE):
            self.feed(html[start : start + _SLICE])
            if len(self.rawdata) > _SLICE and re.match("<[A-Za-z]", self.rawdata):
                raise Unreadable("broken HTML: a tag is not closed")
        if len(self.rawdata) > _LONGEST_TAG and re.match("<[A-Za-z]", self.rawdata):
            raise Unreadable("broken HTML: a tag is not closed")
        if self.rawdata.startswith("<!--"):  # a comment without an end hides the rest
            self.rawdata = ""
        self.close()

    @property
    def unclosed(self) -> str:
        """The tag that left out everything up to the end, or nothing."""
        return self._skip

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        if self._skip:
            self._skip_depth += tag == self._skip
            return
        given = dict(attrs)
        self._in_title = self._in_title and tag not in _BLOCKS  # a title that was not closed
        if self._is_left_out(tag, given):
            self._flush()
            self._skip, self._skip_depth = tag, 1
        elif tag in ("meta", "time"):
            self._dated(given)
        elif tag == "title" and not self.title:
            self._in_title = True
        elif tag in _BLOCKS:
            self._start_block(tag, given)
        else:
            self._start_inline(tag, given)

    def _start_inline(self, tag: str, given: dict[str, str | None]) -> None:
        if tag in ("math", "annotation"):
            self._start_math(tag, given)
        elif tag == "br":
            self._inline.append("\n") if self._pre is None else self._pre.append("\n")
        elif tag == "input":
            if given.get("type") == "checkbox" and self._lists:
                self._inline.append("[x] " if "checked" in given else "[ ] ")
        elif tag in _CODE:
            if self._pre is None:
                self._inline.append("`")
            else:
                self._language = self._language or _language(given)

    def handle_startendtag(self, tag: str, attrs: _Attributes) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:  # `<div/>` opens in HTML, closes in XHTML: what comes after is text
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._skip:
            self._skip_depth -= tag == self._skip
            if not self._skip_depth:
                self._skip = ""
        elif tag == "title":
            self._in_title = False
        elif tag in ("math", "annotation"):
            self._end_math(tag)
        elif tag in _CODE:
            if self._pre is None:
                self._inline.append("`")
        elif tag in _BLOCKS:
            self._end_block(tag)

    def handle_data(self, data: str) -> None:
        if self._skip:
            return
        if self._in_title:
            self.title.append(data)
        elif self._math is not None:
            self._math.append(data)
        elif self._pre is not None:
            self._pre.append(data)
        else:
            self._inline.append(_breaks(data))

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """`<![…`: where its keyword is none, a comment, as browsers take it."""
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:  # how the parser tells of it
            return self.parse_bogus_comment(i)

    def unknown_decl(self, data: str) -> None:
        """CDATA, which pages turned from XML keep."""
        if data.startswith("CDATA["):
            self.handle_data(data[6:].removesuffix("]]"))

    def _is_left_out(self, tag: str, given: dict[str, str | None]) -> bool:
        if tag in _VOID:
            return False
        if tag in _AROUND and self._opened["article"] + self._opened["main"] and tag != "nav":
            return False
        hidden = self._dropped >= _AROUND and "hidden" in given
        hidden = hidden or "katex-html" in (given.get("class") or "").split()
        return tag in self._dropped or (hidden and tag not in ("html", "body", "main"))

    def _dated(self, given: dict[str, str | None]) -> None:
        name = given.get("property") or given.get("name") or given.get("itemprop") or ""
        if self.date is None and name.lower() in _DATES:
            self.date = iso_date(given.get("content") or given.get("datetime"))

    def _start_math(self, tag: str, given: dict[str, str | None]) -> None:
        if tag == "math":
            self._math, self._in_tex = [], False
        elif self._math is not None and "tex" in (given.get("encoding") or ""):
            self._math, self._in_tex = [], True  # the source says what the signs before it show

    def _end_math(self, tag: str) -> None:
        if self._math is None or (tag == "annotation" and not self._in_tex):
            return
        source = on_one_line("".join(self._math))
        self._inline.append(f"${source}$" if self._in_tex and source else source)
        self._math = [] if tag == "annotation" else None
        self._in_tex = False

    def _start_block(self, tag: str, given: dict[str, str | None]) -> None:
        self._flush()
        if tag in _HEADINGS:
            self._heading = _HEADINGS[tag]
            self._spill()
        elif tag in self._opened:
            self._opened[tag].append(len(self._blocks))
        elif tag == "blockquote":
            self._quotes = min(self._quotes + 1, _DEEPEST)
        elif tag in ("ul", "ol") and len(self._lists) < _DEEPEST:
            start = given.get("start") or "1"
            first = int(start) if start.isascii() and start.isdigit() and len(start) < 4 else 1
            self._lists.append([first - 1 if tag == "ol" else None])
        elif tag in ("li", "dd"):
            self._start_item(tag)
        elif tag == "pre":
            self._pre, self._language = [], _language(given)
        elif tag in ("table", "tr", "td", "th"):
            self._start_cell(tag)

    def _start_item(self, tag: str) -> None:
        count = self._lists[-1] if self._lists and tag == "li" else [None]
        if count[0] is None:
            self._marker = "- "
        else:
            count[0] += 1
            self._marker = f"{count[0]}. "

    def _start_cell(self, tag: str) -> None:
        if tag == "table":
            self._spill()
            self._tables.append(_Table(prefix=self._prefix()))
        elif not self._tables or self._tables[-1].is_layout:
            pass
        elif tag == "tr":
            self._tables[-1].rows.append([])
            self._tables[-1].heads.append([])
        else:
            held = self._tables[-1]
            if not held.rows:  # a cell outside any row
                self._start_cell("tr")
            held.rows[-1].append("")
            held.heads[-1].append(tag == "th")

    def _end_block(self, tag: str) -> None:
        if tag == "pre" and self._pre is not None:
            code = "".join(self._pre)
            self._pre = None
            if code.strip():
                self._write(fence(code, self._language))
        self._flush()
        if tag in _HEADINGS:
            self._heading = 0
        elif tag in self._opened:
            self._close(tag)
        elif tag == "blockquote":
            self._quotes = max(self._quotes - 1, 0)
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif tag in ("li", "dd"):
            self._marker = ""
        elif tag == "table" and self._tables:
            self._end_table(self._tables.pop())

    def _close(self, tag: str) -> None:
        if self._opened[tag]:
            start = self._opened[tag].pop()
            if not self._opened[tag]:  # the outermost
                spans = self._main if tag == "main" else self._article
                spans.append((start, len(self._blocks)))

    def _spill(self) -> None:
        """Take the open table for layout: its cells are text like any other."""
        if self._tables and not self._tables[-1].is_layout:
            held = self._tables[-1]
            held.is_layout = True
            cells = (cell.strip() for row in held.rows for cell in row)
            self._blocks += [(held.prefix, cell) for cell in cells if cell]
            held.rows.clear()

    def _end_table(self, held: _Table) -> None:
        rows = [row for row in held.rows if any(cell.strip() for cell in row)]
        if all(len(row) < 2 for row in rows):
            for row in rows:
                self._blocks.append((held.prefix, row[0].strip()))
        elif all(heads == [True, False] for heads in held.heads if heads):
            lines = "\n".join(": ".join(map(on_one_line, row)) for row in rows)
            self._blocks.append((held.prefix, lines))
        else:
            self._blocks.append((held.prefix, table(rows)))

    def _prefix(self) -> str:
        return "> " * self._quotes

    def _flush(self) -> None:
        """Write the words gathered since the last block."""
        text = _words("".join(self._inline))
        self._inline.clear()
        if self._pre is not None or not text.replace("`", "").strip():
            return
        if self._heading:
            text = on_one_line(text)
            if self._heading == 1 and not self.first_h1:
                self.first_h1 = text
            self._blocks.append(("", "#" * self._heading + " " + text))
            self._marker = ""
        else:
            self._write(text)

    def _write(self, text: str) -> None:
        """A paragraph, item, code or cell, at the depth where the page is."""
        if self._tables and self._tables[-1].rows and self._tables[-1].rows[-1]:
            row = self._tables[-1].rows[-1]
            row[-1] = f"{row[-1]}\n{text}" if row[-1] else text
            return
        indent = "  " * max(0, len(self._lists) - 1) if self._lists else ""
        if self._marker:
            text = text.replace("\n", "\n" + indent + " " * len(self._marker))
            text = f"{indent}{self._marker}{text}"
            self._marker = ""
        elif self._lists:
            text = "\n".join(f"{indent}  {line}" if line else "" for line in text.split("\n"))
        self._blocks.append((self._prefix(), text))

    def close(self) -> None:
        """Write what is still open at the end of the page."""
        super().close()
        if self._pre is not None:
            self._end_block("pre")
        self._end_math("math")
        self._flush()
        while self._tables:
            self._end_table(self._tables.pop())
        for tag in self._opened:
            while self._opened[tag]:
                self._close(tag)

    def markdown(self) -> str:
        """The main part of the page, or all of it where none is marked."""
        every = self._blocks
        size = sum(len(text) for _, text in every)
        for spans in (self._main, self._article):
            part = [block for start, end in spans for block in every[start:end]]
            if part and sum(len(text) for _, text in part) >= _SHARE * size:
                every = part
                break
        return _joined(every)


def _breaks(text: str) -> str:
    r"""The text with line breaks of the source, which are no breaks of the page, as `\r`."""
    first, *others = text.split("\n")
    if not others:
        return text
    *between, last = (piece.lstrip(" \t\f\v") for piece in others)
    return "\r".join(piece.rstrip(" \t\f\v") for piece in (first, *between)) + "\r" + last


def _joined(blocks: list[tuple[str, str]]) -> str:
    out: list[str] = []
    before = ("", "")
    for prefix, text in blocks:
        lines = "\n".join((prefix + line).rstrip() for line in text.split("\n"))
        tight = _is_item(text) and _is_item(before[1]) and prefix == before[0]
        if out and prefix and prefix == before[0]:
            out.append("\n" if tight else f"\n{prefix.rstrip()}\n")
        elif out:
            out.append("\n" if tight else "\n\n")
        out.append(lines)
        before = (prefix, text)
    return "".join(out)


def _is_item(text: str) -> bool:
    return re.match(r" *(?:- |\d+\. )", text) is not None


def _words(text: str) -> str:
    """Inline text with its white space as a browser shows it.

    A line break of the source is a space, but nothing between two Han characters.
    """
    pieces = []
    for line in text.split("\n"):
        line = re.sub(r"[ \t\f\v]+", " ", line)  # first: blanks without end cost their square
        line = re.sub(r" ?\r[ \r]*", "\r", line)
        line = re.sub("\r", lambda at: _gap(at.string, at.start()), line)
        pieces.append(re.sub(r"[ \t\f\v]+", " ", line).strip())
    return "\n".join(piece for piece in pieces if piece)


def _gap(text: str, at: int) -> str:
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    return (
        "" if len(around) == 2 and all(is_han(c) or c in "，。；：、！？" for c in around) else " "
    )


def _language(given: dict[str, str | None]) -> str:
    match = _LANGUAGE.search(given.get("class") or "")
    return match.group(1).lower() if match else ""
