"""Check-worthy claims of a text, each with its exact span and the markers it carries.

Reads an answer, or any pasted text: Markdown, lists, tables, citation markers of any style.
Greetings, questions, labels, headings and "not found" sentences are no claims. Knows nothing
of notes or verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from corpus.blocks import units
from corpus.sentences import strip_span
from corpus.text import fold
from corpus.tokens import STOP_TERMS, tokens
from corpus.types import Note, Unit

__all__ = ["ClaimSpan", "claims_of", "standalone_parts"]

# [1], [1, 2], [^1], 【1】, ［1］, (1)? no: a number in brackets may be a year or an item.
_MARKER = re.compile(r"[\[【［]\^?\s*(\d{1,3}(?:\s*[,，、]\s*\d{1,3})*)\s*[\]】］]")
_MARKERS_AT_START = re.compile(rf"(?:\s*{_MARKER.pattern})+[\s。．.!！;；]*")
_MARKERS_AT_END = re.compile(rf"(?:\s*{_MARKER.pattern})+(?P<mark>[\s。．.!！;；，,]*)$")
_QUESTION = re.compile(r"[?？][\s\"”』」)）]*$")
_TALK = re.compile(
    r"^(?:您好|你好|嗨|哈喽|谢谢|感谢|不客气|好的|当然|没问题|希望(?:这|以上|能|对你)|如有(?:其他|任何|疑问)|"
    r"如果(?:您|你)(?:还)?有|欢迎|请(?:随时|注意查收)|以上(?:就)?是|以下(?:是|为)|下面(?:是|将|我)|让我|我(?:会|将|来)|"
    r"抱歉|对不起|很遗憾|综上(?:所述)?[,，]?$|总(?:的来说|之)[,，]?$|"
    r"hello|hi[,!. ]|hey|thanks|thank you|sure[,!. ]|of course|certainly|great question|i hope|hope this|"
    r"let me|feel free|if you have (?:any|more)|here (?:is|are) |below (?:is|are) |sorry|i'm sorry|i am sorry|"
    r"in summary[,:]?$|to summarize[,:]?$)",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"(?:笔记|资料|文档|上下文|提供的(?:内容|信息)|已知信息)(?:中|里|内)?.{0,8}(?:没有|未|并未|不包含|找不到|无)(?:.{0,12})"
    r"(?:提及|提到|说明|相关|信息|内容|答案|涉及|记载|找到|给出)?|"
    r"(?:我)?(?:不知道|不清楚|无法(?:回答|确定|得知|判断))|没有找到(?:相关|答案)?|未找到相关|"
    r"(?:your|the) (?:notes?|context|documents?|passages?|sources?) (?:do(?:es)? not|don't|doesn't) "
    r"(?:mention|say|contain|cover|provide|include|answer)|"
    r"(?:i (?:don't|do not) know|cannot (?:answer|determine)|can't answer|not (?:mentioned|found|stated|covered) in "
    r"(?:your|the) (?:notes?|context|documents?|passages?|sources?))",
    re.IGNORECASE,
)
_MIN_CONTENT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSpan:
    """A statement to check: `text == source[start:end]`, markers and their blanks left out.

    Attributes:
        markers: the citation markers that stand behind or inside it.
        stem: span of the line that governs it (the sentence before a list), or None.
        is_code: a code block or formula: compared to the letter only.
    """

    text: str
    start: int
    end: int
    markers: tuple[int, ...] = ()
    stem: tuple[int, int] | None = None
    is_code: bool = False


def claims_of(text: str) -> list[ClaimSpan]:
    """The claims of a text, in order, without overlap.

    Args:
        text: an answer or any text, Markdown or plain.

    Returns:
        Spans of sentences, list items and table rows that state something; code blocks and
        formulas as claims of their own. Empty for a text that states nothing.
    """
    note = Note(path="", title="", text=text, sha256="", file="")
    found: list[ClaimSpan] = []
    for unit in _whole(text, units(note, 0, len(text))):
        span = _claim(text, unit, found)
        if span is not None:
            found.append(span)
    return found


def _whole(text: str, pieces: Sequence[Unit]) -> list[Unit]:
    """Units but headings, header rows of tables left out."""
    headers = {unit.stem for unit in pieces if unit.kind == "row" and unit.stem}
    return [
        unit
        for unit in pieces
        if unit.kind != "heading" and not (unit.kind == "row" and (unit.start, unit.end) in headers)
    ]


def _numbers(match: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d{1,3}", match))


def _claim(text: str, unit: Unit, found: list[ClaimSpan]) -> ClaimSpan | None:
    """The claim a unit makes, or None; markers at its start are handed to the claim before."""
    start, end = unit.start, unit.end
    if unit.kind in ("code", "formula"):
        return ClaimSpan(text=text[start:end], start=start, end=end, stem=unit.stem, is_code=True)
    lead = _MARKERS_AT_START.match(text, start, end)
    if lead:
        _hand_back(text, found, start, lead.group())
        start = lead.end()
    markers: list[int] = []
    tail = _MARKERS_AT_END.search(text[start:end])
    if tail:
        markers += _numbers(tail.group())
        if not tail.group("mark").strip():
            end = start + tail.start()
    start, end = strip_span(text, start, end)
    piece = text[start:end]
    markers = [n for m in _MARKER.finditer(piece) for n in _numbers(m.group())] + markers
    if not _states(_MARKER.sub("", piece)):
        return None
    return ClaimSpan(
        text=piece,
        start=start,
        end=end,
        markers=tuple(dict.fromkeys(markers)),
        stem=unit.stem,
    )


def _hand_back(text: str, found: list[ClaimSpan], at: int, markers: str) -> None:
    """Give markers that opened a unit to the claim that ends right before it."""
    if found and not text[found[-1].end : at].strip(" \t。．.!！;；"):
        last = found[-1]
        numbers = tuple(dict.fromkeys((*last.markers, *_numbers(markers))))
        found[-1] = ClaimSpan(
            text=last.text,
            start=last.start,
            end=last.end,
            markers=numbers,
            stem=last.stem,
            is_code=last.is_code,
        )


def _states(piece: str) -> bool:
    """Whether a sentence states something that notes could support or contradict."""
    plain = fold(piece).strip(" \t*_>#-~`\"“”")
    if _QUESTION.search(plain) or plain.endswith((":", "：")) or not plain:
        return False
    if _TALK.match(plain) and len(plain) <= 80:
        return False
    if _NOT_FOUND.search(plain) and len(plain) <= 120:
        return False
    content = [t for t in tokens(plain) if t.text not in STOP_TERMS]
    letters = sum(len(t.text) for t in content)
    return len(content) >= _MIN_CONTENT or letters >= 5


_VERB = (
    r"(?:是|为|指|用|由|将|把|可|能|会|需|不|没|无|有|通过|基于|采用|使用|支持|因为?|则|属于|包含|包括|比|都|也|已|只|"
    r"在|被|从|以|要|更|应|让|使|得|做|达|占|约|提|改|降|增|减|负责|适合|依赖|来自|称)"
)
_SUBJECT = re.compile(rf"(?:而|但是?|不过|同时|并且|而且|另外)?\s*(?!{_VERB})[^\s,，。；;、的了]{{1,14}}?\s*{_VERB}")
_NAME_FIRST = re.compile(r"(?:而|但是?|不过|同时|并且|而且)?\s*(?:the\s+|an?\s+)?[A-Za-z][\w.+-]*(?:\s+\d[\d.]*)?")
_DEPENDS = re.compile(
    r"^(?:如果|若|当|假如|只要|除非|因为|由于|虽然|尽管|即使|为了|与其|除了|随着|根据|按照|在|对于?|从|"
    r"if |when |because |since |although |though |unless |as |in |for |to |with |while )",
    re.IGNORECASE,
)
_FOLLOWS = re.compile(
    r"^\s*(?:则|就|然后|再|接着|随后|之后|最后|其次|那么|所以|因此|从而|于是|便|才|不如|以便|以|使得?|导致|其中|即|也就是|例如|比如|如|包括|"
    r"this |that |these |it |which |who |so |then |next |finally |thus |i\.e|e\.g)",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"[,，;；]|\b(?:while|whereas|but)\b|[。.!！](?=\s|$)")


def standalone_parts(claim: str) -> list[str]:
    """The parts of a compound claim that each state something of their own subject.

    `A 是甲,B 是乙` are two statements; `如果 A,就 B` is one.

    Returns:
        The parts, or the whole claim alone.
    """
    pieces = [piece.strip() for piece in _SPLIT.split(claim) if piece and piece.strip()]
    if len(pieces) < 2 or _DEPENDS.match(claim.strip()):
        return [claim]
    parts = [pieces[0]]
    for piece in pieces[1:]:
        if _stands_alone(parts[-1]) and _stands_alone(piece) and not _FOLLOWS.match(piece):
            parts.append(piece)
        else:
            parts[-1] = f"{parts[-1]},{piece}"
    return parts if len(parts) > 1 else [claim]


def _stands_alone(piece: str) -> bool:
    """Whether a clause opens with a subject of its own and says something of it."""
    content = [t for t in tokens(piece) if t.text not in STOP_TERMS]
    if len(content) < _MIN_CONTENT:
        return False
    name = _NAME_FIRST.match(piece)
    if name and name.end() < len(piece) - 2:
        return True
    return _SUBJECT.match(piece) is not None and len(content) >= 3
