"""Other wordings of a claim that say exactly the same, so that a note may be found to say one.

A is faster than B, B is slower than A; X was proposed by Y, Y proposed X; after X comes Y, first X,
then Y; it is not without cost, it has a cost. Only forms whose meaning does not depend on anything
else are turned; what is left out costs nothing but a chance. Knows one claim; called by
`grounding`, which reads the passages that come nearest once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, pairwise

from assistant.words import words
from corpus.text import has_han

__all__ = ["rewordings"]

_MOST = 3
_DEGREES = (
    "快 慢", "高 低", "大 小", "多 少", "好 差", "强 弱", "早 晚", "贵 便宜", "长 短", "新 旧",
    "深 浅", "重 轻", "稳定 不稳定", "复杂 简单", "faster slower", "higher lower", "larger smaller",
    "bigger smaller", "greater smaller", "more less", "more fewer", "better worse",
    "stronger weaker", "earlier later", "longer shorter", "cheaper dearer", "newer older",
    "deeper shallower", "heavier lighter",
)  # fmt: skip
_TURNED = {a: b for pair in _DEGREES for a, b in (pair.split(), pair.split()[::-1])}
_TURNED |= {"more": "less", "smaller": "larger", "cheaper": "more expensive"}
_OF_DEGREE = "|".join(sorted((d for d in _TURNED if has_han(d)), key=len, reverse=True))
_MADE = "提出|发布|推出|开发|发明|设计|开源|编写|撰写|创建|创立|制定|发现"
_ENDS = r"(?P<end>[。.!！]?)\s*$"
# What opens a clause before the part that is turned: everything up to the last comma before it.
_LEAD = r"^(?P<lead>(?:.*[,，;；])?\s*(?:所以|因此|因为|但是?|而且?|并且|且)?\s*)"
_PART = r"[^,，;；。:：]"

# Before a comparison only a circumstance: 拿甲来比,得分比拿乙低 names its first side there.
_WHEN = r"^(?P<lead>(?:[^,，;；]*(?:时|时候|上|中|里|下|内|情况)\s*[,，]\s*)?)"
_THAN = re.compile(
    rf"{_WHEN}(?P<s>{_PART}{{1,40}}?)(?<![相对类百占评无])比(?![例如较率重方值喻赛起])"
    rf"(?P<o>{_PART}{{1,30}}?)(?:更加?|还要?|要|都|明显|略|稍微?|显著)*(?P<how>{_OF_DEGREE})"
    rf"(?P<rest>{_PART}{{0,20}}?){_ENDS}"
)
_OVER = re.compile(
    rf"{_WHEN}(?P<s>{_PART}{{1,40}}?)(?P<not>不)?(?P<how>高|低|大|小|快|慢|多|少|强|弱|早|晚|优|劣)于"
    rf"(?P<o>{_PART}{{1,30}}?){_ENDS}"
)
_SHORT_OF = re.compile(
    rf"{_WHEN}(?P<s>{_PART}{{1,40}}?)(?:不如|不及|不敌|比不上|赶不上)(?P<o>{_PART}{{1,30}}?)"
    rf"(?:那么|那样)?(?P<how>{_OF_DEGREE}|准确?)?{_ENDS}"
)
_NUMBER = re.compile(r"\s*[\d一二三四五六七八九十百两]")
_FACTOR = re.compile(r"倍|%|成|百分|之")  # half as slow is not twice as fast
_PLACE = re.compile(r"^(?P<what>.*?(?:在(?=.*[上中里]$)|用))(?P<x>[^在用]+?)(?P<at>上|中|里)?\s*$")
_THAN_EN = re.compile(
    r"^(?P<lead>(?:.*,\s*)?)(?P<s>[^,;:]{1,60}?)\s+(?P<verb>is|are|was|were|needs?|uses?|takes?|has|"
    r"have|runs?|gives?|costs?|requires?|performs?|works?|consumes?|reads?|writes?)\s+"
    r"(?P<mid>(?:much|far|slightly|a bit|a little|also|still|even)\s+)?"
    rf"(?P<how>{'|'.join(d for d in _TURNED if not has_han(d) and ' ' not in d)})\s*"
    r"(?P<what>[^,;:]{0,40}?)\s*\bthan\s+(?P<o>[^,;:]{1,60}?)"
    r"(?:\s+(?:does|do|is|are|did|was|were))?" + _ENDS,
    re.IGNORECASE,
)
_BEATS = re.compile(
    r"^(?P<s>[^,;:]{1,60}?)\s+(?:outperforms?|beats?|surpass(?:es)?)\s+(?P<o>[^,;:]{1,60}?)"
    r"(?P<rest>(?:\s+(?:on|in|at|by)\s+[^,;:]+)?)" + _ENDS,
    re.IGNORECASE,
)


@lru_cache(maxsize=2048)
def rewordings(claim: str) -> tuple[str, ...]:
    """Sentences that say the same as a claim in another form; at most three, mostly none.

    Args:
        claim: one sentence, without markers.

    Returns:
        In an order of its own, none twice and not the claim. They need not be good style: they are
        aligned with notes, never shown but as an explanation of a verdict.
    """
    turns = _TURNS_ZH if has_han(claim) else _TURNS_EN
    out = dict.fromkeys(other for turn in turns for other in turn(claim) if other != claim)
    return tuple(islice(out, _MOST))


def _compared(claim: str) -> Iterator[str]:
    """A 比 B 快, B 比 A 慢; A 不如 B, B 优于 A."""
    m = _THAN.match(claim)
    if m and not _FACTOR.search(m["rest"]):
        a, b = _exchanged(m["s"], m["o"])
        yield f"{m['lead']}{b}比{a}{_TURNED[m['how']]}{m['rest']}{m['end']}"
    m = _SHORT_OF.match(claim)
    if m:
        a, b = _exchanged(m["s"], m["o"])
        how = m["how"] or ""
        if how in _TURNED:
            yield f"{m['lead']}{m['s']}比{m['o']}{_TURNED[how]}{m['end']}"
        yield f"{m['lead']}{b}比{a}{how}{m['end']}" if how else f"{m['lead']}{b}优于{a}{m['end']}"
        if not how:
            yield f"{m['lead']}{m['s']}不如{m['o']}{m['end']}"
    m = _OVER.match(claim)
    if (
        m
        and not m["not"]
        and not re.search(r"不[能可得会]?\s*$", m["s"])
        and not _NUMBER.match(m["o"])
    ):
        a, b = _exchanged(m["s"], m["o"])
        if m["how"] in "优劣":
            yield f"{m['lead']}{b}{'不如' if m['how'] == '优' else '优于'}{a}{m['end']}"
        else:
            yield f"{m['lead']}{b}{_TURNED[m['how']]}于{a}{m['end']}"
            yield f"{m['lead']}{m['s']}比{m['o']}{m['how']}{m['end']}"


def _exchanged(s: str, o: str) -> tuple[str, str]:
    """Both sides of a comparison, ready to change places: what only one of them says, moves.

    `X 的成本` beside `Y` becomes `X` beside `Y 的成本`; `甲 在 X 上` beside `Y` becomes `X` beside
    `甲 在 Y 上`.
    """
    s, o = s.strip(), o.strip()
    quality = re.match(r"^(?P<x>.+?)(?P<of>\s?的[^的]{1,10})$", s)
    if quality and "的" not in o:
        return quality["x"], o + quality["of"]
    place = _PLACE.match(s)
    if place and place["what"][:-1].strip() and not _PLACE.match(o):
        return place["x"], f"{place['what']}{o}{place['at'] or ''}"
    return s, o


def _compared_en(claim: str) -> Iterator[str]:
    m = _THAN_EN.match(claim)
    if m:
        turned = _TURNED[m["how"].lower()]
        what = f" {m['what']}" if m["what"] else ""
        mid = m["mid"] or ""
        yield f"{m['lead']}{m['o']} {m['verb']} {mid}{turned}{what} than {m['s']}{m['end']}"
    m = _BEATS.match(claim)
    if m:
        yield f"{m['o']} is worse than {m['s']}{m['rest']}{m['end']}"
        yield f"{m['s']} is better than {m['o']}{m['rest']}{m['end']}"


_BY = re.compile(
    rf"{_LEAD}(?P<x>{_PART}{{1,40}}?)是?由(?P<y>{_PART}{{1,40}}?)(?P<v>{_MADE})的?(?P<rest>{_PART}{{0,20}}?){_ENDS}"
)
_IS_OF = re.compile(
    rf"{_LEAD}(?P<x>{_PART}{{1,40}}?)是(?!由)(?P<y>{_PART}{{1,40}}?)(?P<v>{_MADE})的{_ENDS}"
)
_MAKER = re.compile(
    rf"{_LEAD}(?P<x>{_PART}{{1,40}}?)的(?P<v>{_MADE})者(?:是|为)(?P<y>{_PART}{{1,40}}?){_ENDS}"
)
_MAKES = re.compile(
    rf"{_LEAD}(?P<y>[^,，;；。:：由被是]{{1,40}}?)(?P<v>{_MADE})了(?P<x>{_PART}{{1,40}}?){_ENDS}"
)


def _made(claim: str) -> Iterator[str]:
    """X 由 Y 提出, Y 提出了 X, X 是 Y 提出的, X 的提出者是 Y."""
    for n, form in enumerate((_BY, _IS_OF, _MAKER, _MAKES)):
        m = form.match(claim)
        if m is None or (n == 0 and m["rest"]):
            continue
        forms = (
            f"{m['lead']}{m['x']}由{m['y']}{m['v']}{m['end']}",
            f"{m['lead']}{m['x']}是{m['y']}{m['v']}的{m['end']}",
            f"{m['lead']}{m['y']}{m['v']}了{m['x']}{m['end']}",
        )
        yield from (other for k, other in enumerate(forms) if k != min(n, 2) or n == 2)
        return


_DONE_TO = re.compile(
    rf"{_LEAD}(?P<x>{_PART}{{1,30}}?)(?P<mode>可以|能|会|要|必须|应)?(?P<by>被|由)\s*(?P<y>{_PART}{{2,40}}?){_ENDS}"
)
_UNDER = re.compile(
    rf"{_LEAD}(?P<x>{_PART}{{1,30}}?)(?P<all>都)?(?:会|要)?受到?(?P<y>{_PART}{{1,30}}?)(?:的)?影响{_ENDS}"
)
_AGENT_MORE = re.compile(r"\s*(?:等人?|团队|公司|小组|们)")
_INSIDE = re.compile(r"[内中里上]")  # 被组内取平均: a place, nobody


def _done(claim: str) -> Iterator[str]:
    """X 被 Y 放进 Z, Y 把 X 放进 Z; X 受 Y 影响, Y 影响 X."""
    m = _UNDER.match(claim)
    if m:
        yield f"{m['lead']}{m['y']}{m['all'] or ''}影响{m['x']}{m['end']}"
        return
    m = _DONE_TO.match(claim)
    if m is None or re.search(rf"(?:{_MADE}|组成|构成)的?$", m["y"]):
        return
    inside = words(m["y"])
    if len(inside) < 2 or _NUMBER.match(m["y"]):
        return
    # who did it: a name of Latin words, one that the segmenter takes apart, a group
    end = inside[0].end
    named = inside[0].is_name
    for before, word in pairwise(inside):
        is_name = before.is_name and word.is_name
        is_split = len(before.text) == len(word.text) == 1
        if not (is_name or is_split) or m["y"][end : word.start].strip():
            break
        end, named = word.end, True
    more = _AGENT_MORE.match(m["y"], end)
    end = more.end() if more else end
    cut = {word.start for word in words(claim)}
    if not (named or more) or m.start("by") not in cut or m.start("y") not in cut:
        return
    agent, deed = m["y"][:end], m["y"][end:]
    if deed.strip() and not _INSIDE.match(deed):
        yield f"{m['lead']}{agent}{m['mode'] or ''}把{m['x']}{deed}{m['end']}"


_PASSIVE = re.compile(
    r"^(?P<x>[^,;:]{2,80}?)\s+(?:is|are|was|were|has been|have been|had been)\s+(?:\w+ly\s+)?"
    r"(?P<v>\w+ed|built|made|found|written|read|set|put|chosen|shown)\b(?P<mid>[^,;:]{0,40}?)"
    r"\s+by\s+(?P<y>(?:(?!\sby\s)[^,;:]){2,60}?)(?P<rest>(?:\s+(?:in|on|at|during|since|for|with)\s+[^,;:]+)?)"
    + _ENDS,
    re.IGNORECASE,
)
_ACTIVE = re.compile(
    r"^(?P<y>[^,;:]{2,60}?)\s+(?P<v>proposed|introduced|released|developed|invented|designed|"
    r"published|created|discovered)\s+(?P<x>[^,;:]{2,80}?)"
    r"(?P<rest>(?:\s+(?:in|on|at|during|since)\s+[^,;:]+)?)" + _ENDS,
    re.IGNORECASE,
)


def _done_en(claim: str) -> Iterator[str]:
    """X was measured by Y, Y measured X."""
    m = _PASSIVE.match(claim)
    # `by` also names a measure or a way: reduced by 3 %, by adding
    if m and not re.match(r"\d|\w+ing\b|a factor|an? ", m["y"]):
        yield f"{m['y']} {m['v']} {m['x']}{m['mid']}{m['rest']}{m['end']}"
    m = _ACTIVE.match(claim)
    if m and " and " not in m["x"] + m["rest"]:
        yield f"{m['x']} was {m['v']} by {m['y']}{m['rest']}{m['end']}"


_MADE_OF = re.compile(
    rf"{_LEAD}(?P<x>{_PART}{{1,30}}?)是?由(?P<y>{_PART}{{2,60}}?)(?P<v>组成|构成)的?{_ENDS}"
)
_WITHIN = re.compile(
    rf"{_LEAD}(?P<y>{_PART}{{1,30}}?)(?P<mode>必须|应该?|要)?(?:(?:隶|归)?属于(?P<x>{_PART}{{1,30}}?)|"
    rf"是(?P<whole>{_PART}{{1,30}}?)的(?:一部分|组成部分|一种|一类|子集)){_ENDS}"
)
_HOLDS = re.compile(
    rf"{_LEAD}(?P<x>{_PART}{{1,30}}?)(?:必须|要|都|也)?(?:包含|包括)了?(?P<y>{_PART}{{1,30}}?){_ENDS}"
)


def _parts(claim: str) -> Iterator[str]:
    """X 由 Y 构成, X 的构成:Y; X 包含 Y, Y 属于 X."""
    m = _MADE_OF.match(claim)
    if m:
        yield f"{m['lead']}{m['x']}的{m['v']}：{m['y']}{m['end']}"
    m = _WITHIN.match(claim)
    if m:
        yield f"{m['lead']}{m['x'] or m['whole']}{m['mode'] or ''}包含{m['y']}{m['end']}"
    m = _HOLDS.match(claim)
    if m:
        yield f"{m['lead']}{m['y']}是{m['x']}的一部分{m['end']}"


_SUBJECT = rf"(?:(?P<t>{_PART}{{0,20}}?(?:是|要|应|必须|需要?))\s*)?"
_BEFORE = re.compile(
    rf"{_LEAD}{_SUBJECT}(?:在)?(?P<b>{_PART}{{1,30}}?)(?:之前|以前|前)[,，]?\s*(?:要|应)?先(?P<a>{_PART}{{1,40}}?){_ENDS}"
)
_AFTER = re.compile(
    rf"{_LEAD}{_SUBJECT}(?:在)?(?P<a>{_PART}{{1,30}}?)(?:之后|以后)[,，]?\s*(?:再|才|就)(?P<b>{_PART}{{1,40}}?){_ENDS}"
)
_BEFORE_EN = re.compile(
    r"^(?P<a>[^,;:]{2,80}?)\s+(?P<when>before|after)\s+(?P<b>[^,;:]{2,60}?)" + _ENDS, re.IGNORECASE
)


def _ordered(claim: str) -> Iterator[str]:
    """B 之前先 A, A 之后再 B: 先 A, 再 B."""
    for form in (_BEFORE, _AFTER):
        m = form.match(claim)
        if m:
            yield f"{m['lead']}{m['t'] or ''}先{m['a']}，再{m['b']}{m['end']}"
            return


def _ordered_en(claim: str) -> Iterator[str]:
    m = _BEFORE_EN.match(claim)
    if m:
        when = "before" if m["when"].lower() == "after" else "after"
        yield f"{m['b']} {when} {m['a']}{m['end']}"


_TWICE = re.compile(
    r"(?:并不是|并非|不是)(?:没有(?!任何)|没|不(?![同断仅但光过少管论限得是]))|不无(?!关)|"
    r"(?:并不是|并非|不是)(?P<can>[\u4e00-\u9fff])不(?P<done>[\u4e00-\u9fff])"
)
_ALSO = re.compile(
    r"(?:不仅仅?|不但|不只|不光|不单)(?P<a>[^。；;]{1,40}?)[,，]\s*(?:而且|并且)?(?:还|也|更)"
)
_TWICE_EN = re.compile(
    r"\bnot without\b|\bnot (?:im|in|un)(?=possible|frequent|common|usual|likely)"
)
_ALSO_EN = re.compile(r"\bnot only\s+(?P<a>[^.;]{1,60}?),?\s+but(?: also)?\b")


def _denied_twice(claim: str) -> Iterator[str]:
    """并非没有, 不是不; 不但 A,还 B."""
    plain = _TWICE.sub(lambda m: f"{m['can']}得{m['done']}" if m["can"] else "", claim)
    plain = re.sub(r"不能不|不得不|不可不", "必须", plain)
    if plain != claim:
        yield plain
    joined = _ALSO.sub(lambda m: f"{m['a']}，", claim)
    if joined != claim:
        yield joined


def _denied_twice_en(claim: str) -> Iterator[str]:
    plain = _TWICE_EN.sub(lambda m: "with" if m.group().endswith("without") else "", claim)
    plain = _ALSO_EN.sub(lambda m: f"{m['a']} and", plain)
    if plain != claim:
        yield plain


_TURNS_ZH = (_denied_twice, _compared, _made, _parts, _ordered, _done)
_TURNS_EN = (_denied_twice_en, _compared_en, _done_en, _ordered_en)
