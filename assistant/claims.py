"""Check-worthy claims of a text, each with its exact span and the markers it carries.

Reads an answer, or any pasted text: Markdown, lists, tables, citation markers of any style.
Greetings, questions, labels, headings (of bold words, too) and "not found" sentences are no claims. Knows texts; nothing
of notes or verdicts. Called by `grounding` and `binding`.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.markers import BETWEEN, Marker, blanked, markers_of
from corpus.sentences import is_balanced, strip_span
from corpus.text import fold
from corpus.tokens import STOP_TERMS, tokens
from corpus.types import Note, Unit
from corpus.units import units

__all__ = ["ClaimSpan", "claims_citing", "claims_of", "pieces_of", "standalone_parts"]

_QUESTION = re.compile(r"[?？][\s\"”』」)）]*$")
# Courtesies before a statement, which is judged without them.
_OPENING = re.compile(
    r"(?:您好|你好|嗨|哈喽|好的|当然|没问题|抱歉|很抱歉|对不起|很遗憾|不客气|谢谢(?:您|"
    r"你)?的?(?:提问|问题)?|"
    r"感谢(?:您|你)?的?(?:提问|问题)?|hello|hi|hey|sure|of course|certainly|great question|sorry|"
    r"thanks|thank you)"
    r"(?:\s*[,，!！。.~～:：]\s*)+",
    re.IGNORECASE,
)
_TALK = re.compile(
    r"^(?:您好|你好|嗨|哈喽|谢谢|感谢(?:您|你|阅读|提问)|不客气|好的$|当然$|没问题$|希望(?:这|"
    r"以上|能|对(?:您|你))|"
    r"如有(?:其他|任何|疑问)|如果(?:您|你)(?:还)?(?:有|想|需要)|欢迎(?:随时|继续|提问|您|你)|"
    r"请(?:随时|注意查收)|"
    r"以上(?:就)?是.{0,30}(?:回答|介绍|内容|说明|总结|信息)(?:[,，]希望.{0,20})?[。.!！]*$|"
    r"(?:以下|下面)(?:是|为|将|我).{0,60}(?:回答|介绍|内容|说明|总结|信息|要点|解释|"
    r"[:：])[。.!！]*$|"
    r"让我(?:们)?(?:来|为|先|看)|我(?:会|将|来)(?:为|给|从|向)?(?:您|你)?(?:从|来)?(?:介绍|说明|"
    r"解释|回答|总结|列出|帮|尽)|"
    r"抱歉|对不起|很遗憾[。.!！]*$|综上(?:所述)?[,，]?$|总(?:的来说|之)[,，]?$|"
    r"hello|hi$|hey\b|thanks|thank you|sure$|of course$|certainly$|great question|i hope|hope this|"
    r"let me|feel free|if you have (?:any|more)|here (?:is|are) [^:]{0,60}[:.]$|below (?:is|"
    r"are) [^:]{0,60}[:.]$|"
    r"sorry|i'm sorry|i am sorry|in summary[,:]?$|to summarize[,:]?$)",
    re.IGNORECASE,
)
_SOURCE = r"(?:(?:现有|提供|给定|检索到|相关|您|你)的?)*(?:笔记|资料|参考资料|内容|信息|文档|文本|上下文|片段)"
_NOT_FOUND = re.compile(
    rf"^(?:但|不过|根据|在|从|依据|基于|目前|当前|这些|已知|{_SOURCE}|[,，、的])*{_SOURCE}(?:中|里面?|内|看|来看)?[,，]?"
    r"(?:都|也|并|暂|我|似乎|似|均|还|却|目前)*"
    r"(?:没有?|未能?|不|无法?|找不到|查不到)(?:任何|直接|明确|具体|足够的?|关于|有关|对)*.{0,24}?"
    r"(?:提及|提到|提供|包含|说明|相关|信息|内容|答案|涉及|记载|记录|找到|给出|回答|确定|得知|判断|资料)|"
    r"^(?:但|不过|目前|我|也|很抱歉|[,，])*(?:不知道|不清楚|(?:无法|不能)(?:回答|确定|得知|判断)(?:这|该|您|你|上述|此|$|[。.]))|"
    r"^(?:我)?(?:没有|未能?)(?:在.{1,16}[中里])?找到(?:相关|答案|任何|关于|有关|与)|"
    r"^(?:(?:unfortunately|however|but),? )?(?:your|the|these|this|provided|given)(?: provided| given| retrieved)? "
    r"(?:notes?|context|documents?|passages?|sources?|information|text)(?: \w+)? (?:do(?:es)? not|don't|doesn't) "
    r"(?:\w+ )?(?:mention|say|contain|cover|provide|include|answer|specify|state)|"
    r"^(?:(?:unfortunately|however|but),? )?i(?: am|'m)? (?:don't know|do not know|can(?:no|')t (?:answer|determine|find)|"
    r"could(?: not|n't) find|not sure|unable to)|"
    r"^(?:it|this|that)(?: is|'s)? (?:not (?:mentioned|found|stated|covered) in|cannot be determined from) "
    r"(?:your|the) (?:\w+ )?(?:notes?|context|documents?|passages?|sources?)|"
    r"^(?:no|there (?:is|are) no) (?:relevant |such )?(?:information|answer|notes?|mention)\b.{0,40}"
    r"(?:notes?|context|documents?|passages?|sources?|found)",
    re.IGNORECASE,
)
# A condition speaks of some text, not of what was looked up: 上下文没有提到时,模型应当拒答.
_CONDITION = re.compile(
    r"^(?:当|如果|若|假如|一旦|只要|when |if )|(?:时|的话|的情况下|就|会|应)", re.IGNORECASE
)
# A line of bold words alone, as answers set one above what they say of a thing.
_BOLD_LINE = re.compile(r"(?:\*\*|__)(?P<words>[^*_\n]{1,40}?)[:：]?(?:\*\*|__)[:：]?")
_PREDICATE = re.compile(
    r"[。.!！;；,，]\s*$|[不没无未是比于]|需要|支持|\d\s*(?:%|[kmgt]b?\b|[个倍层维步年月天万亿])|"
    r"\b(?:is|are|was|were|be|has|have|had|do(?:es)?|did|can|cannot|could|will|would|should|must|may|not|no|"
    r"never|\w+n't)\b|(?:^|\s)\d[\d,.]*$",
    re.IGNORECASE,
)
_TITLE_WORDS = 6  # in an English line that still names and does not say
_MIN_CONTENT = 2
_OPENS = 80  # characters in which a clause has named its subject


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

    A marker belongs to the claim it stands in or behind, on the same line or alone on one of
    the next; where the text begins with a marker, each belongs to the claim before which it stands.

    Args:
        text: an answer or any text, Markdown or plain.

    Returns:
        Spans of sentences, list items and table rows that state something; code blocks and
        formulas as claims of their own. Empty for a text that states nothing.
    """
    return claims_citing(text, markers_of(text))


def claims_citing(text: str, markers: Sequence[Marker]) -> list[ClaimSpan]:
    """As `claims_of`, with the markers given, in order."""
    plain = blanked(text, [(start, end) for start, end, _ in markers])
    note = Note(path="", title="", text=plain, sha256="", file="")
    claims = [
        claim
        for unit in _whole(units(note, 0, len(plain)))
        if not _heads(text, unit)
        if (claim := _claim(text, plain, unit)) is not None
    ]
    owned = _Owners(text, claims, markers).numbers()
    return [replace(claim, markers=tuple(owned.get(i, {}))) for i, claim in enumerate(claims)]


def _whole(pieces: Sequence[Unit]) -> list[Unit]:
    """Units but headings, header rows of tables left out."""
    headers = {unit.stem for unit in pieces if unit.kind == "row" and unit.stem}
    return [
        unit
        for unit in pieces
        if unit.kind != "heading" and not (unit.kind == "row" and (unit.start, unit.end) in headers)
    ]


def _heads(text: str, unit: Unit) -> bool:
    """Whether a unit is a line of bold words that name what stands below, and state nothing.

    A line that says something of it, that carries a marker or has nothing below is a claim.
    """
    start = text.rfind("\n", 0, unit.start) + 1
    line, _, below = text[start:].partition("\n")
    bold = _BOLD_LINE.fullmatch(line.strip())
    if bold is None or not below.strip() or _BOLD_LINE.fullmatch(below.strip().partition("\n")[0]):
        return False
    words = bold["words"].strip()
    if _PREDICATE.search(words) or _SUBJECT.match(words):
        return False
    return len(words.split()) <= _TITLE_WORDS


def _claim(text: str, plain: str, unit: Unit) -> ClaimSpan | None:
    """The claim a unit makes, or None; its markers are found by `_owners`."""
    start, end = unit.start, unit.end
    is_code = unit.kind in ("code", "formula")
    if is_code:
        if not any(
            char.isalnum() for char in plain[start:end].partition("\n")[2] or plain[start:end]
        ):
            return None
        if unit.kind == "code":
            start, end = _inside_fence(text, start, end)
    else:
        opening = _OPENING.match(plain, start, end)
        if opening:
            start, end = strip_span(plain, opening.end(), end)
        if not _states(plain[start:end]):
            return None
    return ClaimSpan(text=text[start:end], start=start, end=end, stem=unit.stem, is_code=is_code)


def _inside_fence(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of a code block without its fences."""
    lines = text[start:end].split("\n")
    if len(lines) > 1 and lines[0].lstrip("> \t").startswith(("```", "~~~")):
        start += len(lines[0]) + 1
        if lines[-1].strip("> \t`~") == "" and lines[-1].strip():
            end -= len(lines[-1]) + 1
    return strip_span(text, start, end)


class _Owners:
    """Whose each marker of a text is.

    Args:
        text: with its markers.
        claims: of the text, in order.
        markers: of the text, in order.
    """

    def __init__(self, text: str, claims: Sequence[ClaimSpan], markers: Sequence[Marker]) -> None:
        self._text = text
        self._claims = claims
        self._markers = markers
        self._starts = [claim.start for claim in claims]
        # whether markers stand before what they belong to
        self._leads = bool(claims and markers) and self._is_before(markers[0], claims[0].start)
        self._owned: dict[int, dict[int, None]] = {}

    def numbers(self) -> dict[int, dict[int, None]]:
        """The numbers of the markers of each claim, by its place, in the order of the text."""
        for marker in self._markers:
            owner = self._owner(marker)
            if owner is not None:
                self._owned.setdefault(owner, {}).update(dict.fromkeys(marker.numbers))
        return self._owned

    def _owner(self, marker: Marker) -> int | None:
        """The claim that a marker stands in, else that before it, or the next."""
        at = bisect_right(self._starts, marker.start) - 1
        claims, following = self._claims, at + 1
        if at >= 0 and marker.end <= claims[at].end:
            return None if claims[at].is_code else at
        is_next = following < len(claims) and self._is_before(marker, claims[following].start)
        if at < 0 or (self._leads and is_next):
            return following if is_next else None
        gap = self._gap(claims[at].end, marker.start)
        fence = "`~" if claims[at].is_code else ""  # a claim of code ends before its fence
        if gap.strip(BETWEEN + "\n" + fence):  # a bullet, a question: something stands between
            return following if is_next else None
        # on a line of its own it belongs to what it stands under, which may have others already
        return following if "\n" in gap and is_next and at in self._owned else at

    def _is_before(self, marker: Marker, start: int) -> bool:
        """Whether only blanks and markers stand between a marker and `start`, on one line."""
        return (
            marker.end <= start
            and not self._gap(marker.end, start).strip(" \t\u3000*_:：")
            and "\n" not in self._text[marker.end : start]
        )

    def _gap(self, start: int, end: int) -> str:
        """What stands between two places, markers left out."""
        out, at = [], start
        first = bisect_left(self._markers, start, key=lambda marker: marker.start)
        for marker in self._markers[first:]:
            if marker.start >= end:
                break
            out.append(self._text[at : marker.start])
            at = marker.end
        return "".join([*out, self._text[at:end]])


def _states(piece: str) -> bool:
    """Whether a sentence states something that notes could support or contradict."""
    plain = fold(piece).strip(' \t*_>#-~`"“”')
    if _QUESTION.search(plain) or plain.endswith((":", "：")) or not plain:
        return False
    if _TALK.match(plain) and len(plain) <= 80:
        return False
    if len(plain) <= 120 and _NOT_FOUND.search(plain) and not _CONDITION.search(plain):
        return False
    content = [t for t in tokens(plain) if t.text not in STOP_TERMS]
    letters = sum(len(t.text) for t in content)
    return len(content) >= _MIN_CONTENT or letters >= 5


_VERB = (
    r"(?:是|为|指|用|由|将|把|可|能|会|需|不|没|无|有|通过|基于|采用|使用|支持|因为?|则|属于|包含|包括|比|都|也|已|只|"
    r"在|被|从|以|要|更|应|让|使|得|做|达|占|约|提|改|降|增|减|负责|适合|依赖|来自|称)"
)
_SUBJECT = re.compile(
    rf"(?:而|但是?|不过|同时|并且|而且|另外)?\s*(?!{_VERB})[^\s,，。；;、的了]{{1,14}}?\s*{_VERB}"
)
_NAME_FIRST = re.compile(
    r"(?:而|但是?|不过|同时|并且|而且)?\s*(?:the\s+|an?\s+)?[A-Za-z][\w.+-]*(?:\s+\d[\d.]*)?"
)
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
_SPLIT = re.compile(
    r"[，;；]|(?<!\d),|,(?!\d)|\b(?:while|whereas|but)\b|。|[.!！](?=\s|$)", re.IGNORECASE
)


def standalone_parts(claim: str) -> list[str]:
    """The parts of a compound claim that each state something of their own subject.

    `A 是甲,B 是乙` are two statements; `如果 A,就 B` is one.

    Returns:
        The parts, or the whole claim alone.
    """
    pieces = pieces_of(claim)
    if len(pieces) < 2 or _DEPENDS.match(claim.strip()):
        return [claim]
    parts = [pieces[0]]
    for start, end in pieces[1:]:
        last, piece = claim[slice(*parts[-1])], claim[start:end]
        if _stands_alone(last) and _stands_alone(piece) and not _FOLLOWS.match(piece):
            parts.append((start, end))
        else:
            parts[-1] = (parts[-1][0], end)
    return [claim[start:end] for start, end in parts] if len(parts) > 1 else [claim]


def pieces_of(claim: str) -> list[tuple[int, int]]:
    """Spans of the clauses of a claim; a comma inside brackets or a number ends none."""
    spans, begin = [], 0
    for m in _SPLIT.finditer(claim):
        if is_balanced(claim, begin, m.start()):
            spans.append(strip_span(claim, begin, m.start()))
            begin = m.end()
    spans.append(strip_span(claim, begin, len(claim)))
    return [span for span in spans if span[0] < span[1]]


# `M=16 时`, `在长文本上`: a circumstance of what follows, no statement of its own
_WHEN_ONLY = re.compile(
    r"(?:时|时候|情况下|之后|以后|之前|以前|的话|过程中|条件下|阶段|上|中|里)[\s)）]*$"
)


def _stands_alone(piece: str) -> bool:
    """Whether a clause opens with a subject of its own and says something of it."""
    piece = piece[:_OPENS]
    content = [t for t in tokens(piece) if t.text not in STOP_TERMS]
    if len(content) < _MIN_CONTENT:
        return False
    if _WHEN_ONLY.search(piece):
        return False
    name = _NAME_FIRST.match(piece)
    if name and name.end() < len(piece) - 2:
        return True
    return _SUBJECT.match(piece) is not None and len(content) >= 3
