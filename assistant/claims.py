"""Check-worthy claims of a text, each with its exact span and the markers it carries.

Reads an answer, or any pasted text: Markdown, lists, tables, citation markers of any style.
Greetings, questions, labels, headings and "not found" sentences are no claims. Knows nothing
of notes or verdicts.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpus.blocks import units
from corpus.sentences import is_balanced, strip_span, whole_spans
from corpus.text import fold
from corpus.tokens import STOP_TERMS, tokens
from corpus.types import Note, Unit

__all__ = [
    "ClaimSpan",
    "claims_citing",
    "claims_of",
    "markers_of",
    "standalone_parts",
    "without_markers",
]

# [1], [1, 2], [1-3], [^1], 【1】, ［1］, 【1†source】, [来源 1]. Not (1): that may be a year or an item.
_NUMBERS = r"\d{1,3}(?:\s*[,，、\-–~]\s*\d{1,3})*"
_MARKER = re.compile(
    rf"[\[【［](?:\^|来源|出处|参考|笔记|资料|source|ref|note|doc)?\s*[:：]?\s*({_NUMBERS})"
    r"\s*(?:†[^\]】\n]{0,40})?[\]】］](?!\()",
    re.IGNORECASE,
)
_FOOTNOTE = re.compile(
    r"^[ \t]{0,3}\[\^\d{1,3}\](?=:)", re.MULTILINE
)  # its text follows: no marker
_RANGE = re.compile(r"(\d+)(?:\s*[-–~]\s*(\d+))?")
# What stands before a value in brackets: `取值 [0, 1]`, `shape = [2, 3]`, `a[1]`.
_VALUED = re.compile(
    r"(?:[=∈(\[:：×x<]|>|取值?|为|是|在|到|于|至|\b(?:in|is|of|to)|"
    r"(?<![A-Za-z0-9_])[A-Za-z](?=$))\s*$",
    re.IGNORECASE,
)
# Nouns that a value in brackets follows; behind one that ends its line, a blank and one number in
# brackets are a marker: 查看模型列表 [4].
_MEASURED = re.compile(
    r"(?:区间|范围|形状|维度|列表|数组|序列|\b(?:shape|size|range))(\s*)$", re.IGNORECASE
)
_LONGEST_TAG = 80
_TAG_END = re.compile(r"</?[A-Za-z][^<>\n]*>\s*$")  # its ">" compares nothing
_STEM = re.compile(r"(\S.*\S)\s*[:：]\s+$")
_BETWEEN = ' \t\u3000。．.!！;；,，、)）"”*_'  # may stand between a claim and its marker
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


def claims_citing(
    text: str, markers: Sequence[tuple[int, int, tuple[int, ...]]]
) -> list[ClaimSpan]:
    """As `claims_of`, with the markers given: start, end and numbers of each, in order."""
    plain = _blanked(text, markers)
    note = Note(path="", title="", text=plain, sha256="", file="")
    claims = [
        claim
        for unit in _whole(units(note, 0, len(plain)))
        if (claim := _claim(text, plain, unit)) is not None
    ]
    owned = _owners(text, claims, markers)
    return [replace(claim, markers=tuple(owned.get(i, {}))) for i, claim in enumerate(claims)]


def without_markers(text: str) -> str:
    """The text without its citation markers and the blanks before them."""
    out, at = [], 0
    for start, end, _ in markers_of(text):
        out.append(text[at:start].rstrip(" \t"))
        at = end
    return "".join([*out, text[at:]])


def markers_of(text: str) -> list[tuple[int, int, tuple[int, ...]]]:
    """Start, end and numbers of each marker outside inline code and formulas, in order."""
    wholes = whole_spans(text, 0, len(text))
    starts = [span[0] for span in wholes]
    footnotes = {m.start() + m.group().index("[") for m in _FOOTNOTE.finditer(text)}
    found = []
    for m in _MARKER.finditer(text):
        at = bisect_right(starts, m.start()) - 1
        is_inside = at >= 0 and m.end() <= wholes[at][1] and text[wholes[at][0]] in "`$"
        numbers = _numbers(m.group(1))
        if is_inside or not numbers or 0 in numbers or m.start() in footnotes:
            continue
        is_value = _is_valued(text, m.start(), m.end(), is_one=len(numbers) == 1)
        if is_value and len(numbers) == 1 and _closes_stem(text, m.start(), m.end()):
            is_value = False
        if not is_value and (len(numbers) == 1 or max(numbers) < 100):
            found.append((m.start(), m.end(), numbers))
    return found


def _is_valued(text: str, start: int, end: int, *, is_one: bool) -> bool:
    """Whether what stands before a bracket makes it a value."""
    before = text[max(0, start - 8) : start]
    if _TAG_END.search(text, max(0, start - _LONGEST_TAG), start):
        return False
    noun = _MEASURED.search(before)
    if noun is None:
        return _VALUED.search(before) is not None
    closes = not text[end:].partition("\n")[0].strip(_BETWEEN)
    return not (is_one and closes and noun[1])


def _closes_stem(text: str, start: int, end: int) -> bool:
    """Whether a bracket behind a colon ends the line that introduces a list: 分三类: [1]."""
    if text[end:].partition("\n")[0].strip():
        return False
    stem = _STEM.search(text[text.rfind("\n", 0, start) + 1 : start])
    if stem is None or _MEASURED.search(stem[1]) or _VALUED.search(stem[1]):
        return False
    return len(tokens(stem[1])) > 1


def _numbers(written: str) -> tuple[int, ...]:
    """`1, 3-5` as 1, 3, 4, 5; no more than thirty of one range."""
    out: list[int] = []
    for first, last in _RANGE.findall(written):
        stop = int(last or first)
        out += range(int(first), stop + 1) if stop - int(first) < 30 else []
    return tuple(dict.fromkeys(out))


def _blanked(text: str, markers: Sequence[tuple[int, int, tuple[int, ...]]]) -> str:
    """The text of the same length with blanks for markers, so that sentences end where they end."""
    out, at = [], 0
    for start, end, _ in markers:
        out += [text[at:start], " " * (end - start)]
        at = end
    return "".join([*out, text[at:]])


def _whole(pieces: Sequence[Unit]) -> list[Unit]:
    """Units but headings, header rows of tables left out."""
    headers = {unit.stem for unit in pieces if unit.kind == "row" and unit.stem}
    return [
        unit
        for unit in pieces
        if unit.kind != "heading" and not (unit.kind == "row" and (unit.start, unit.end) in headers)
    ]


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


def _owners(
    text: str, claims: Sequence[ClaimSpan], markers: Sequence[tuple[int, int, tuple[int, ...]]]
) -> dict[int, dict[int, None]]:
    """The numbers of the markers of each claim, by its place, in the order of the text."""
    owned: dict[int, dict[int, None]] = {}
    starts = [claim.start for claim in claims]
    leads = bool(claims and markers) and _is_before(text, markers, 0, claims[0].start)
    for n, (start, end, numbers) in enumerate(markers):
        at = bisect_right(starts, start) - 1
        if at >= 0 and end <= claims[at].end:
            owner = None if claims[at].is_code else at
        else:
            owner = _nearest(text, claims, at, markers, n, leads=leads, owned=owned)
        if owner is not None:
            owned.setdefault(owner, {}).update(dict.fromkeys(numbers))
    return owned


def _nearest(
    text: str,
    claims: Sequence[ClaimSpan],
    at: int,
    markers: Sequence[tuple[int, int, tuple[int, ...]]],
    n: int,
    *,
    leads: bool,
    owned: dict[int, dict[int, None]],
) -> int | None:
    """The claim of a marker that stands in none: number `at`, before it, or the next."""
    is_next = at + 1 < len(claims) and _is_before(text, markers, n, claims[at + 1].start)
    if at < 0 or (leads and is_next):
        return at + 1 if is_next else None
    gap = _gap(text, markers, claims[at].end, markers[n][0])
    fence = "`~" if claims[at].is_code else ""  # a claim of code ends before its fence
    if gap.strip(_BETWEEN + "\n" + fence):  # a bullet, a question: something stands between
        return at + 1 if is_next else None
    # on a line of its own it belongs to what it stands under, which may have others already
    return at + 1 if "\n" in gap and is_next and at in owned else at


def _is_before(
    text: str, markers: Sequence[tuple[int, int, tuple[int, ...]]], n: int, start: int
) -> bool:
    """Whether nothing but blanks and markers stands between a marker and `start`, on one line."""
    end = markers[n][1]
    return (
        end <= start
        and not _gap(text, markers, end, start).strip(" \t\u3000*_:：")
        and ("\n" not in text[end:start])
    )


def _gap(
    text: str, markers: Sequence[tuple[int, int, tuple[int, ...]]], start: int, end: int
) -> str:
    """What stands between two places, markers left out."""
    out, at = [], start
    first = bisect_left(markers, start, key=lambda marker: marker[0])
    for a, b, _ in markers[first:]:
        if a >= end:
            break
        out.append(text[at:a])
        at = b
    return "".join([*out, text[at:end]])


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
    pieces = _pieces(claim)
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


def _pieces(claim: str) -> list[tuple[int, int]]:
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
