"""Text made harmless at the borders it crosses: to a model, and from a model.

What a note says to a model with marks of chat templates, unseen characters or comments is not
sent; what a model writes can load nothing, lead nowhere that the notes do not name, and carry no
verdict of its own. Words stay; quotes of notes never pass through here. Knows texts only; called
by `sources`, `generating`, `opinions` and `composing`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from assistant.injection import TOKEN
from assistant.markers import markers_of
from corpus.sentences import whole_spans
from corpus.text import UNSEEN, printable

__all__ = ["for_model", "from_model", "title_words", "without_foreign_markers"]

_JOINER = "\u200b"  # behind the first character of a token: nobody sees it, nothing matches
_COMMENT = re.compile(
    r"<!--.*?-->|%%[^\n%]{1,500}%%|^%%[ \t]*\n.*?\n%%[ \t]*$", re.DOTALL | re.MULTILINE
)
_FENCED = re.compile(
    r"^[ \t]*(`{3,}(?!`)|~{3,}(?!~))[^\n]*\n.*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.M | re.S
)

_IMAGE = re.compile(r"!\[([^\[\]\n]{0,200})\](?:\([^()\n]{0,2000}\)|\[[^\[\]\n]{0,200}\])")
_LINK = re.compile(r"(?<!!)\[([^\[\]\n]{1,300})\]\(\s*<?([^()\s<>]{0,2000})>?[^()\n]{0,300}\)")
_DEFINED = re.compile(r"^[ \t]{0,3}\[(?!\^)[^\[\]\n]{1,200}\]:[ \t]*<?\S+[^\n]*$\n?", re.M)
_ADDRESS = re.compile(
    r"<?\b(?:https?|ftp|file|data|javascript|vbscript)://?[^\s<>()\"'，。；、]+>?", re.I
)
_SCRIPTED = re.compile(
    r"\b(?:(?:javascript|vbscript)\s*:(?=\S)|data:(?=(?:text|image|application)/))[^\s<>()]*", re.I
)
# Tags that load, act or pass for something of ours; `<div>` and `List<int>` are words.
_TAG = re.compile(
    r"(?<!\w)</?(?:a|audio|base|body|button|canvas|details|embed|form|frame|frameset|head|html|"
    r"iframe|img|image|input|link|math|meta|object|option|picture|script|select|source|span|style|svg|"
    r"textarea|title|track|video)\b[^<>\n]{0,2000}>",
    re.IGNORECASE,
)
_BADGE = re.compile(
    r"[\[(（【]?[✓✔✅☑✗✘❌✕][\ufe0f]?[ \t]*(?:有据|与笔记矛盾|已核对|已验证|supported\b|verified\b|"
    r"checked\b|contradicted\b)[^\S\n]*(?:[\])）】]|(?=[。.,，;；<\[\n]|$))",
    re.IGNORECASE,
)


def for_model(text: str) -> str:
    """Text of a note or a person as a model may be given it.

    Unseen characters and comments go; a mark of a chat template loses its force, not its letters.
    """
    if not text.isascii():
        text = UNSEEN.sub("", text)
    if "<!--" in text or "%%" in text:
        text = _outside_code(text, lambda prose: _COMMENT.sub("", prose))
    return _without_force(text)


def _without_force(text: str) -> str:
    return TOKEN.sub(lambda found: found[0][0] + _JOINER + found[0][1:], text)


def from_model(text: str, known: Callable[[str], bool]) -> str:
    """What a model wrote, with nothing in it that loads, acts, or passes for the product's own.

    Code stays as it is. Images become their words, links their words; addresses stay where the
    person or the notes wrote them.

    Args:
        text: as the model wrote it.
        known: whether an address stands in the question or in what the model was given.
    """
    text = printable(UNSEEN.sub("", text).replace("\r\n", "\n"))
    return _outside_code(text, lambda prose: _dead(prose, known))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """The text with its prose changed and its code as it was."""
    out, at = [], 0
    for start, end in _code(text):
        out += [change(text[at:start]), text[start:end]]
        at = end
    return "".join([*out, change(text[at:])])


def _code(text: str) -> list[tuple[int, int]]:
    """Spans of fenced and inline code, in order, not overlapping."""
    fences = [found.span() for found in _FENCED.finditer(text)]
    inline = [
        (a, b)
        for a, b in whole_spans(text, 0, len(text))
        if text[a] == "`" and not any(c < b and a < d for c, d in fences)
    ]
    return sorted([*fences, *inline])


def _dead(text: str, known: Callable[[str], bool]) -> str:
    text = _IMAGE.sub(r"\1", text)
    text = _LINK.sub(r"\1", text)
    text = _DEFINED.sub("", text)
    text = _TAG.sub("", text)
    text = _ADDRESS.sub(lambda found: found[0] if known(found[0].strip("<>")) else "", text)
    text = _SCRIPTED.sub("", text)
    # what is left of a link in some form that was not foreseen
    text = text.replace("](", f"]{_JOINER}(").replace("![", f"!{_JOINER}[")
    return _without_force(_BADGE.sub("", text))


def without_foreign_markers(text: str) -> str:
    """Words of a note for an answer, in which only the answer's own numbers stand in brackets.

    `[7]` of a note becomes `(7)`: it stands for a footnote or a reference of that note. Code,
    formulas and values (`[0, 1]`) keep their brackets.
    """
    out, at = [], 0
    for start, end, _ in markers_of(text):
        out += [text[at:start], "(", text[start + 1 : end - 1].lstrip("^"), ")"]
        at = end
    return "".join([*out, text[at:]])


def title_words(text: str) -> str:
    """A title for the text of an answer: one line of words, without images, links or markers."""
    words = printable(UNSEEN.sub("", " ".join(text.split())))
    return without_foreign_markers(_LINK.sub(r"\1", _IMAGE.sub(r"\1", words)))
