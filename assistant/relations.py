"""Two-sided relations of a sentence: who is compared with whom, what improves what, what comes first.

Patterns over Chinese and English; each gives the words on either side. Knows words, not notes;
read by `contrast`, which compares the sides of a claim with those of a passage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from assistant.words import Word, words
from corpus.text import fold

__all__ = ["Relation", "relations"]


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation and the words on its sides.

    Attributes:
        kind: "compare", "improve", "base", "part", "cause", "author", "sequence", "replace".
        subject: places of the words on the acting, better, later or smaller side.
        object: places of the words on the other side.
        direction: 1, or -1 where the sentence says the relation the other way round (cheaper
            against dearer); only the product of two directions means something.
        start: offset where the relation is stated.
        end: offset where it ends.
    """

    kind: str
    subject: tuple[int, ...]
    object: tuple[int, ...]
    direction: int
    start: int
    end: int


_NP = r"[^,，。；;:：!！?？\n]{1,40}?"
_NP0 = r"[^,，。；;:：!！?？\n]{0,40}?"
_TAIL = r"(?=[,，。；;:：!！?？\n]|$)"
_MADE = "提出|发布|推出|开发|发明|设计|开源"
# how it was made known, between who did and that they did: Meta 通过论文《LLaMA: …》发布了
_MEANS = r"(?:(?:通过|在|于|以|用|凭)[^,，。；;！!？?\n》]{1,60}》?[^,，。；;:：！!？?\n》]{0,10})?"
_MADE_EN = "proposed|introduced|released|developed|invented|designed|published|created"
# (kind, pattern with groups s and o); "=" where the word itself says which side has more
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("compare", re.compile(rf"(?P<s>{_NP})(?:相比于|相较于|相对于|相比较于|相比|较之|"
                           rf"比起)(?P<o>{_NP})(?:的|更|[,，]|{_TAIL})")),
    ("compare", re.compile(rf"(?:与|和|跟|同)(?P<o>{_NP})(?:相比|比较|比起来)(?:较|"
                           rf"之下)?[,，]?\s*(?P<s>{_NP})(?:的|更|要|{_TAIL})")),
    ("compare", re.compile(rf"(?:相比|相比于|相较于|相较|比起|"
                           rf"较)(?P<o>{_NP})[,，]\s*(?P<s>{_NP})(?:的|更|要|{_TAIL})")),
    ("compare", re.compile(
        rf"(?P<s>{_NP0})(?<![相对类百占评无])比(?![例如较率重方值喻赛起])(?P<o>{_NP})(?:更|要|还|"
        rf"都|便宜|高|低|大|小|快|慢|多|少|好|差|强|弱|省|早|晚|贵|{_TAIL})")),
    ("compare=", re.compile(rf"(?P<s>{_NP})(?:优于|胜过|好于|高于|大于|快于|多于|超过|"
                           rf"强于)(?P<o>{_NP}){_TAIL}")),
    ("compare=-", re.compile(rf"(?P<s>{_NP})(?:劣于|不如|不及|不敌|比不上|逊于|低于|小于|慢于|少于|弱于|"
                            rf"差于)(?P<o>{_NP}){_TAIL}")),
    ("compare", re.compile(rf"(?P<s>{_NP})\b(?:is|are|was|were|runs|performs|costs|has|have|uses|"
                           rf"needs)?\b[^,.;]{{0,30}}?\b(?:\w+er|more|less|fewer|better|"
                           rf"worse)\b[^,.;]{{0,30}}?\bthan\b\s*(?P<o>{_NP})(?=[,.;]|$)")),
    ("compare=", re.compile(rf"(?P<s>{_NP})\b(?:outperforms?|surpass(?:es)?|beats?|"
                           rf"exceeds?)\b\s*(?P<o>{_NP})(?=[,.;]|\bon\b|\bin\b|\bby\b|$)")),
    ("improve", re.compile(rf"(?P<s>{_NP})(?:[,，])?(?:是|为|这是)?对于?(?P<o>{_NP})的(?:一种|"
                           rf"一个)?(?:改进|改良|优化|升级|扩展)")),
    ("improve", re.compile(rf"(?P<s>{_NP})(?:是|为)(?P<o>{_NP})的?(?:一种|"
                           rf"一个)?(?:\w{{0,4}})(?:改进版|升级版|改良版|增强版|扩展|变体|优化版)")),
    ("improve", re.compile(rf"(?P<s>{_NP})(?<!的)(?<!一种)(?<!是对)(?:改进|改良|扩展|"
                           rf"优化)了?(?P<o>{_NP}){_TAIL}")),
    ("improve", re.compile(rf"(?P<s>{_NP})\b(?:is|was|are)\s+(?:an?|"
                           rf"the)\s+(?:\w+\s+)?(?:improvement|extension|improved version|upgrade|"
                           rf"variant)\s+(?:on|over|of|to|upon)\s+(?P<o>{_NP})(?=[,.;]|$)")),
    ("improve", re.compile(rf"(?P<s>{_NP})\b(?:improves?|extends?|builds?)\s+(?:on|"
                           rf"upon)?\s*(?P<o>{_NP})(?=[,.;]|\bby\b|$)")),
    ("base", re.compile(rf"(?P<s>{_NP})(?:基于|源自|源于|建立在|继承自|派生自|依赖于?|"
                        rf"借鉴)(?P<o>{_NP})(?:之上|而来|的|{_TAIL})")),
    ("base", re.compile(rf"(?P<s>{_NP})\b(?:is|are|was)\s+(?:based|"
                        rf"built)\s+(?:up)?on\s+(?P<o>{_NP})(?=[,.;]|$)")),
    ("part", re.compile(rf"(?P<s>{_NP})(?:属于|隶属于?|归属于)(?P<o>{_NP}){_TAIL}")),
    ("part", re.compile(rf"(?P<s>{_NP})是(?P<o>{_NP})(?:的一种|的一类|之一|的子集|的一部分|的特例|"
                        rf"的组成部分)")),
    ("part", re.compile(rf"(?P<o>{_NP})(?:包含|包括)(?P<s>{_NP}){_TAIL}")),
    ("part", re.compile(rf"(?P<o>{_NP})由(?P<s>{_NP})(?:组成|构成)")),
    ("part", re.compile(rf"(?P<s>{_NP})\b(?:is|are)\s+(?:a|one|an)\s+(?:kind|type|form|part|"
                        rf"subset|special case|one)\s+of\s+(?P<o>{_NP})(?=[,.;]|$)")),
    ("part", re.compile(rf"(?P<o>{_NP})\b(?:consists? of|contains?|includes?|"
                        rf"comprises?)\s+(?P<s>{_NP})(?=[,.;]|$)")),
    ("cause", re.compile(rf"(?P<s>{_NP})(?:导致|引起|造成|引发|使得)了?(?P<o>{_NP}){_TAIL}")),
    ("cause", re.compile(rf"(?P<o>{_NP})(?:由|是由)(?P<s>{_NP})(?:导致|引起|造成|引发)")),
    ("author", re.compile(rf"(?P<o>{_NP})(?:是由|由|被)(?P<s>{_NP})(?:{_MADE})")),
    ("author", re.compile(rf"(?P<o>{_NP})是(?!由)(?P<s>{_NP})(?<!所)(?:{_MADE})的")),
    ("author", re.compile(rf"(?:^|(?<=[,，。；;:：！!？?\n]))(?P<s>[^,，。；;:：!！?？\n由被是《]{{1,30}}?)"
                          rf"{_MEANS}(?:{_MADE})了(?P<o>{_NP}){_TAIL}")),
    ("author", re.compile(rf"(?P<o>{_NP})\b(?:was|were|is|are|,)\s+(?:{_MADE_EN})\s+by\s+(?P<s>{_NP})"
                          rf"(?=[,.;]|\bin\b|\bat\b|\bon\b|\(|$)")),
    ("author", re.compile(rf"(?P<s>{_NP})\b(?:{_MADE_EN})\s+(?P<o>{_NP})(?=[,.;]|\bin\b|\bat\b|$)")),
    ("replace", re.compile(rf"(?:用|以)(?P<s>{_NP})(?:代替|替代|替换|取代)了?(?P<o>{_NP}){_TAIL}")),
    ("replace", re.compile(rf"(?P<s>{_NP})(?:代替|替代|取代)了?(?P<o>{_NP}){_TAIL}")),
    ("source", re.compile(rf"(?:由|通过|根据|用|以|从)(?P<s>{_NP})来?(?:去)?(?:确定|得到|计算|"
                          rf"预测|推出|推导|生成|判断|决定|得出|映射到|转换为|转为|"
                          rf"到)(?P<o>{_NP}){_TAIL}")),
    ("choice", re.compile(rf"与其(?P<o>{_NP})[,，]?\s*(?:不如|宁可)(?P<s>{_NP}){_TAIL}")),
)  # fmt: skip
# A word of each pattern without which it cannot match: looking for it first saves the search.
_CUES: tuple[tuple[str, ...], ...] = (
    ("相比", "相较于", "相对于", "较之", "比起"),
    ("相比", "比较", "比起来"),
    ("相比", "相较", "比起", "较"),
    ("比",),
    ("优于", "胜过", "好于", "高于", "大于", "快于", "多于", "超过", "强于"),
    (
        "劣于",
        "不如",
        "不及",
        "不敌",
        "比不上",
        "逊于",
        "低于",
        "小于",
        "慢于",
        "少于",
        "弱于",
        "差于",
    ),
    (" than ",),
    ("outperform", "surpass", "beat", "exceed"),
    ("改进", "改良", "优化", "升级", "扩展"),
    ("改进版", "升级版", "改良版", "增强版", "扩展", "变体", "优化版"),
    ("改进", "改良", "扩展", "优化"),
    ("improvement", "extension", "improved", "upgrade", "variant"),
    ("improve", "extend", "build"),
    ("基于", "源自", "源于", "建立在", "继承自", "派生自", "依赖", "借鉴"),
    ("based", "built"),
    ("属于", "隶属", "归属"),
    ("一种", "一类", "之一", "子集", "一部分", "特例", "组成部分"),
    ("包含", "包括"),
    ("组成", "构成"),
    (" of ",),
    ("consist", "contain", "include", "comprise"),
    ("导致", "引起", "造成", "引发", "使得"),
    ("导致", "引起", "造成", "引发"),
    *[tuple(_MADE.split("|"))] * 3,
    *[tuple(_MADE_EN.split("|"))] * 2,
    ("替", "取代"),
    ("替", "取代"),
    ("由", "通过", "根据", "用", "以", "从"),
    ("与其",),
)
_FIRST = re.compile(r"(?<![优领首祖率原事])先(?![进生验前])|首先|第一步|先是|\bfirst\b")
_THEN = re.compile(
    r"再(?![次后度见])|然后|接着|随后|之后|最后|其次|第二步|\bthen\b|\bnext\b|"
    r"\bafter that\b|\bfinally\b"
)
_AFTER = re.compile(rf"(?P<o>{_NP})(?:之后|以后|后)[,，]?\s*(?:再|才|就)(?P<s>{_NP}){_TAIL}")
_SENTENCE_ENDS = re.compile(r"[。；;\n]")
_STEP_ENDS = re.compile(r"[。；;\n]|\s\d{1,2}[.)、]")


@lru_cache(maxsize=4096)
def relations(text: str) -> tuple[Relation, ...]:
    """The relations a text states; places count in `words.words(text)`.

    Args:
        text: a sentence or a few.
    """
    found = words(text)
    folded = fold(text)
    out: list[Relation] = []
    for (kind, pattern), cues in zip(_PATTERNS, _CUES, strict=True):
        if not any(cue in folded for cue in cues):
            continue
        for m in pattern.finditer(folded):
            subject, other = _inside(found, m, "s"), _inside(found, m, "o")
            if subject or other:
                plain = kind.rstrip("=-")
                direction = -1 if kind.endswith("-") else 1
                if kind == "compare":
                    direction *= _direction(folded, m)
                out.append(Relation(plain, subject, other, direction, m.start(), m.end()))
    out += _sequences(folded, found)
    return tuple(out)


def _inside(found: Sequence[Word], m: re.Match[str], group: str) -> tuple[int, ...]:
    return _between(found, *m.span(group))


def _between(found: Sequence[Word], start: int, end: int) -> tuple[int, ...]:
    """Places of the words that stand wholly in a span."""
    return tuple(i for i, word in enumerate(found) if start <= word.start and word.end <= end)


_LESS = ("低", "小", "慢", "少", "差", "弱", "晚", "便宜", "短", "省", "不足", "劣",
         "lower", "smaller", "slower", "less", "fewer", "worse", "weaker", "later", "cheaper",
         "shorter")  # fmt: skip
_MORE = ("高", "大", "快", "多", "好", "强", "早", "贵", "长", "优",
         "higher", "larger", "bigger", "faster", "more", "better", "stronger", "earlier",
         "longer", "expensive", "costly")  # fmt: skip


def _direction(folded: str, m: re.Match[str]) -> int:
    """1 when the subject has more of it, -1 when it has less; 1 if the sentence does not say."""
    tail = folded[m.end("o") if m.end("o") > m.end("s") else m.end("s") :][:40]
    tail = re.split(r"[,，。；;]", tail)[0] + m.group()[-8:]
    first = min(
        ((tail.find(word), sign) for words, sign in ((_MORE, 1), (_LESS, -1)) for word in words
         if word in tail),
        default=(0, 1),
    )  # fmt: skip
    return first[1]


def _sequences(folded: str, found: Sequence[Word]) -> list[Relation]:
    """先 A 再 B; 1. A 2. B; A 之后 B: the earlier part is the subject."""
    out = []
    first = _FIRST.search(folded)
    then = _THEN.search(folded, first.end()) if first else None
    if first and then:
        before = _between(found, first.end(), then.start())
        stop = _SENTENCE_ENDS.search(folded, then.end())
        end = stop.start() if stop else len(folded)
        after = _between(found, then.end(), end)
        if before and after:
            out.append(Relation("sequence", before, after, 1, first.start(), end))
        # 与其先 A 再 B: stated as what should not be done, the order still is A before B
    for m in _AFTER.finditer(folded):
        before, after = _inside(found, m, "o"), _inside(found, m, "s")
        if before and after:
            out.append(Relation("sequence", before, after, 1, m.start(), m.end()))
    steps = list(re.finditer(r"(?:^|[\s;；。,，])(\d{1,2})[.)、]\s*", folded))
    for a, b in pairwise(steps):
        stop = _STEP_ENDS.search(folded, b.end())
        end = stop.start() if stop else len(folded)
        before = _between(found, a.end(), b.start())
        after = _between(found, b.end(), end)
        if before and after:
            out.append(Relation("sequence", before, after, 1, a.start(), end))
    return out
