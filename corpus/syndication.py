"""RSS, Atom and OPML: every entry a draft with its title, date and the text of its HTML.

Nothing outside the file is ever fetched, and a file that defines entities is refused. Knows XML;
what its HTML says, `webpages` knows. Called by `formats`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element, ParseError, XMLParser

from corpus.drafts import Draft, Unreadable, iso_date, on_one_line
from corpus.webpages import html_to_markdown

__all__ = ["local_name", "parse_xml", "read_entries"]

_PROLOGUE = re.compile(r"^\s*<\?xml[^>]*\?>")
_BODIES = ("encoded", "content", "description", "summary")  # the fullest first
_DATES = ("published", "pubDate", "date", "updated", "created", "issued")
_IDS = ("guid", "id", "link")
_DEEPEST = 200
_INERT = re.compile(r"<!\[CDATA\[.*?\]\]>|<!--.*?-->", re.DOTALL)
_ENTRY = re.compile(r"<(?:[\w.-]+:)?(?:item|entry)(?=[\s/>])")
_OUTLINE = re.compile(r"<outline(?=[\s/>])")


def parse_xml(text: str) -> Element:
    """The root of an XML text.

    Raises:
        Unreadable: it is broken, or defines entities of its own.
    """
    if "<!ENTITY" in text:
        raise Unreadable("XML that defines entities of its own: refused, since they can be a bomb")
    parser = XMLParser()
    try:
        # what the text says of its encoding was true of the bytes
        parser.feed(_PROLOGUE.sub("", text).lstrip("\ufeff \t\n"))
        root = parser.close()
    except ParseError as error:
        line, said = error.position[0], str(error).partition(":")[0]
        raise Unreadable(f"broken XML near line {line}: {said}") from None
    except ValueError as error:
        raise Unreadable(f"broken XML: {on_one_line(str(error))}") from None
    return root


def read_entries(text: str) -> list[Draft]:
    """The entries of a feed, or the outlines of an OPML file, in order.

    Raises:
        Unreadable: it is broken XML, or XML of another kind.
    """
    root = parse_xml(text)
    kind = local_name(root)
    if kind == "opml":
        return list(_outlines(root, _lines_of(text, _OUTLINE)))
    if kind not in ("rss", "feed", "RDF"):
        raise Unreadable(f"XML of another kind ({kind[:40]}): only RSS, Atom and OPML are read")
    entries = [element for element in root.iter() if local_name(element) in ("item", "entry")]
    lines = _lines_of(text, _ENTRY)
    if len(lines) != len(entries):  # a page inside an entry says the same tag
        lines = [1] * len(entries)
    found = ((_draft(entry), line) for entry, line in zip(entries, lines, strict=True))
    return [replace(draft, first_line=line) for draft, line in found if draft is not None]


def _lines_of(text: str, tag: re.Pattern[str]) -> list[int]:
    """The lines on which a tag is opened, in order; what CDATA and comments hold is no tag."""
    plain = _INERT.sub(lambda found: re.sub("[^\n]", " ", found.group()), text)
    lines, at, line = [], 0, 1
    for found in tag.finditer(plain):
        line += plain.count("\n", at, found.start())
        at = found.start()
        lines.append(line)
    return lines


def local_name(element: Element) -> str:
    """The tag without its namespace; empty for a comment."""
    tag: object = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _draft(entry: Element) -> Draft | None:
    parts: dict[str, Element] = {}
    for child in entry:
        name = local_name(child)
        # media:title and media:description say less than the entry's own
        if name and name not in parts and "search.yahoo.com/mrss" not in child.tag:
            parts[name] = child
    title = on_one_line(html_to_markdown(_text(parts.get("title"))))
    bodies = (_body(parts[name]) for name in _BODIES if name in parts)
    body = next(filter(None, bodies), "")
    if not title and not body:
        return None
    title = title or on_one_line(body.lstrip("#>- "))[:40]
    dates = (iso_date(_text(parts.get(name))) for name in _DATES)
    tags = (
        on_one_line(c.get("term") or c.text or "") for c in entry if local_name(c) == "category"
    )
    return Draft(
        text=f"# {title}\n\n{body}".rstrip() + "\n",
        title=title,
        key=title,
        identity=next(filter(None, (_id(parts.get(name)) for name in _IDS)), body),
        date=next(filter(None, dates), None),
        tags=tuple(dict.fromkeys(filter(None, tags))),
    )


def _text(element: Element | None) -> str:
    """All text inside an element."""
    return "".join(element.itertext()).strip() if element is not None else ""


def _id(element: Element | None) -> str:
    return _text(element) or (element.get("href", "") if element is not None else "")


def _body(element: Element) -> str:
    """The text of an entry; elements of its own (Atom's xhtml) are written out again."""
    html = _markup(element) if len(element) else (element.text or "")
    return html_to_markdown(html)


def _markup(element: Element) -> str:
    """The inner markup of an element, without namespaces, attributes or recursion."""
    out: list[str] = [_escaped(element.text)]
    waiting: list[tuple[Iterator[Element], str, str | None]] = [(iter(element), "", None)]
    while waiting:
        children, tag, tail = waiting[-1]
        child = next(children, None)
        if child is not None and len(waiting) < _DEEPEST:
            name = local_name(child)
            out.append(f"<{name}>" if name else "")
            out.append(_escaped(child.text) if name else "")
            waiting.append((iter(child), name, child.tail))
        elif child is not None:
            out.append(_escaped(_text(child) + " " + (child.tail or "")))
        else:
            waiting.pop()
            out.append((f"</{tag}>" if tag else "") + _escaped(tail))
    return "".join(out)


def _escaped(text: str | None) -> str:
    return (text or "").replace("&", "&amp;").replace("<", "&lt;")


def _outlines(root: Element, places: list[int]) -> Iterator[Draft]:
    """Each outline at the top of an OPML file, or each of its feeds, as a list of what is in it.

    Args:
        root: of the file.
        places: the line of each outline, of whatever depth, in order.
    """
    body = next((element for element in root if local_name(element) == "body"), None)
    at = 0
    for top in body if body is not None else ():
        n_inside = sum(local_name(element) == "outline" for element in top.iter())
        place = places[at] if n_inside and at < len(places) else 1
        at += n_inside
        lines = [line for line in _lines(top) if line]
        if lines:
            title = on_one_line(top.get("text") or top.get("title") or lines[0].lstrip("- "))
            text = f"# {title}\n\n" + "\n".join(lines)
            yield Draft(
                text=text.rstrip() + "\n",
                title=title,
                key=title,
                identity=top.get("xmlUrl") or text,
                date=iso_date(top.get("created")),
                first_line=place,
            )


def _lines(top: Element) -> Iterator[str]:
    """The outlines below `top` as a nested list, and what `top` says beside its text."""
    waiting = [(top, -1)]
    while waiting:
        element, depth = waiting.pop()
        words = [
            on_one_line(element.get(key, "")) for key in ("text", "title", "_note", "description")
        ]
        links = [on_one_line(element.get(key, "")) for key in ("htmlUrl", "xmlUrl", "url")]
        said = list(dict.fromkeys(filter(None, words)))
        about = said[1:] if depth < 0 else said
        line = ", ".join([*about, *filter(None, links[:1] if links[0] else links)])
        if line:
            yield "  " * min(depth, _DEEPEST // 4) + "- " + line if depth >= 0 else line + "\n"
        elif depth < 0 and said and not len(element):
            yield "\n"
        waiting += [
            (child, depth + 1) for child in reversed(element) if local_name(child) == "outline"
        ]
