"""What a query says besides its words: "phrases", [[notes]], #tags, path: and date filters.

One pass over the text; what is no operator (`#1`, `C#`, `# heading`, `http://x`, an odd quotation
mark, an operator without a value) stays a word. Knows the notation only: whether a note or a tag
exists is for `scope` to find out. Called by `pipeline` and the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from assistant.filters import Filters
from corpus.errors import ConfigError

__all__ = ["Query", "is_date", "parse_query", "sentence_of"]

_NAMES = "path|folder|tag|title|since|until|date"
_WRITTEN = re.compile(
    r"!?\[\[(?P<note>[^\[\]\n]+)\]\]"
    # what stands before: the beginning, a blank or a mark, so that neither `C#` nor `24"` begins
    r'|(?<![A-Za-z0-9])"(?P<straight>[^"\n]+)"'
    r"|“(?P<curly>[^“”\n]+)”|「(?P<corner>[^「」\n]+)」|『(?P<white>[^『』\n]+)』"
    r"|(?<![^\s(（,，;；、。:：])[#＃](?P<tag>\w[\w/\-]*)"
    rf"|(?<!\S)(?P<name>{_NAMES})[:：](?P<value>\"[^\"\n]+\"|“[^”\n]+”|[^\s\"“”]+)",
)
_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")
_WORD, _LETTER = re.compile(r"\w"), re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query taken apart.

    Attributes:
        text: the words to search by: phrases with their words, no notes, tags or filters.
        question: the query as a sentence: phrases in their quotation marks, notes and tags by
            their names, filters left out.
        phrases: what must stand in a passage to the letter.
        filters: one for each operator, `[[notes]]` together in one; a note must pass all.
    """

    text: str
    question: str
    phrases: tuple[str, ...] = ()
    filters: tuple[Filters, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it holds words only."""
        return not (self.phrases or self.filters)


def parse_query(written: str) -> Query:
    """A query without its operators, and what they ask for.

    Args:
        written: as typed.

    Raises:
        ConfigError: a date filter holds a number that is no date (`since:2024-13`).
    """
    words: list[str] = []
    sentence: list[str] = []
    taken: list[_Piece] = []
    at = 0
    for match in _WRITTEN.finditer(written):
        piece = _READ[str(match.lastgroup)](match)
        if piece is not None:
            between = written[at : match.start()]
            words += [between, f" {piece.said} "]
            sentence += [between, piece.named]
            taken.append(piece)
            at = match.end()
    if not taken:
        return Query(text=written, question=written)
    filters = [piece.filters for piece in taken if piece.filters is not None]
    notes = tuple(dict.fromkeys(piece.note for piece in taken if piece.note))
    if notes:
        filters.append(Filters(notes=notes))
    return Query(
        text=_joined([*words, written[at:]]),
        question=_joined([*sentence, written[at:]]),
        phrases=tuple(dict.fromkeys(piece.phrase for piece in taken if piece.phrase)),
        filters=tuple(dict.fromkeys(filters)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """An operator: what it leaves in `Query.text` and in `Query.question`, and what it asks for."""

    said: str = ""
    named: str = " "
    phrase: str = ""
    note: str = ""
    filters: Filters | None = None


def _note(match: re.Match[str]) -> _Piece | None:
    name, _, shown = (part.strip() for part in match["note"].partition("|"))
    return _Piece(named=shown or name, note=name) if name else None


def _phrase(match: re.Match[str]) -> _Piece | None:
    phrase = str(match[str(match.lastgroup)]).strip()
    return _Piece(said=phrase, named=match.group(), phrase=phrase) if _WORD.search(phrase) else None


def _tag(match: re.Match[str]) -> _Piece | None:
    tag = match["tag"].rstrip("-/")
    if not _LETTER.search(tag):  # `#1` numbers something
        return None
    return _Piece(named=tag.rsplit("/", 1)[-1], filters=Filters(tag=tag))


def _named(match: re.Match[str]) -> _Piece | None:
    filters = _filter(match["name"], _unquoted(match["value"]))
    return None if filters is None else _Piece(filters=filters)


_READ: dict[str, Callable[[re.Match[str]], _Piece | None]] = {
    "note": _note, "straight": _phrase, "curly": _phrase, "corner": _phrase, "white": _phrase,
    "tag": _tag, "value": _named,
}  # fmt: skip


def sentence_of(written: str) -> str:
    """A question as a sentence, without its operators; as it is where one of them is wrong."""
    try:
        return parse_query(written).question or written
    except ConfigError:
        return written


def is_date(value: str) -> bool:
    """Whether a value is a day, a month or a year of the calendar, in ISO form."""
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(f"{value}-01-01"[:10])
    except ValueError:
        return False
    return True


def _unquoted(value: str) -> str:
    """A value without its quotation marks, or without the punctuation of the sentence behind it."""
    inside = value.strip('"“”').strip()
    return inside if inside != value else value.rstrip(",，;；。?？!！")


def _filter(name: str, value: str) -> Filters | None:
    """The filter of an operator; None where its value makes it a word."""
    if name in {"since", "until", "date"}:
        return _dates(name, value)
    if not value:
        return None
    if name == "tag":
        return Filters(tag=value.lstrip("#＃"))
    return Filters(title=value) if name == "title" else Filters(folder=value)


def _dates(name: str, value: str) -> Filters | None:
    first, dots, last = value.partition("..")
    given = [one for one in (first, last) if one]
    if not given or not all(one[0].isdigit() for one in given):
        return None
    for one in given:
        if not is_date(one):
            raise ConfigError(
                f"{name}:{value}: write a date as 2024-05-01, 2024-05 or 2024, got {one!r}"
            )
    if name == "date":
        return Filters(since=first or None, until=(last or None) if dots else first)
    if dots:
        raise ConfigError(f"{name}:{value}: takes one date; write date:{value} for a span")
    return Filters(since=first) if name == "since" else Filters(until=first)


def _joined(pieces: list[str]) -> str:
    """Pieces side by side, blanks that an operator left behind taken out."""
    return " ".join("".join(pieces).split())
