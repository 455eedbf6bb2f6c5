"""A draft as a row of the table, and what drafts are made of: names, statements, plain text.

Knows notes and words; not what is asked about them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from corpus.text import has_han
from corpus.types import Note, Unit

__all__ = [
    "Draft", "asks_in_chinese", "gold_of", "is_told_of", "joined", "made", "plain",
    "says_something", "starts_apart", "statement", "subject_of", "words_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A question or a claim as a row of the table.

    Attributes:
        type: "question" or "claim".
        text: its words.
        kind: heading, definition, list, number, unanswerable; copy, altered number, negation.
        verdict: of a claim, as it was meant; "" for a question.
        gold: note, start, end and quote of what it was made from; empty where nothing answers.
        facts: what a right answer holds.
        drafted_by: "template" or the name of a model.
    """

    id: str
    type: str
    text: str
    kind: str
    lang: str
    split: str
    answerable: bool | None = None
    verdict: str = ""
    gold: tuple[Mapping[str, Any], ...] = ()
    facts: tuple[str, ...] = ()
    drafted_by: str = "template"
    reviewed: bool = field(default=False)


def made(note: Note, kind: str, text: str, **rest: Any) -> Draft:
    """A draft of a note; its half is the note's, as in the golden sets."""
    digest = hashlib.sha256(f"{note.path}\n{text}".encode("utf-8", "replace")).hexdigest()
    first = hashlib.sha256(note.path.encode("utf-8", "replace")).digest()[0]
    return Draft(
        id=f"d{digest[:10]}",
        type=rest.pop("type", "question"),
        text=text,
        kind=kind,
        lang="zh" if has_han(text) else "en",
        split="dev" if first % 2 == 0 else "test",
        **rest,
    )


def gold_of(note: Note, *spans: tuple[int, int]) -> tuple[Mapping[str, Any], ...]:
    """Spans of a note with what they hold."""
    return tuple(
        {"note": note.path, "start": start, "end": end, "quote": note.text[start:end]}
        for start, end in spans
    )


_MARKUP = re.compile(r"<\/?[A-Za-z][^>]*>|^\s*\|")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|\[\[(?:[^\]|]*\|)?([^\]]*)\]\]")
_ORDINAL = re.compile(
    r"^\s*(?:>\s*)*(?:[-*+]\s+)?"
    r"(?:\d{1,2}(?:\.\d{1,2})*[.、)）]?\s+|\d{1,2}[.、)）](?!\d)\s*|[(（]\d{1,2}[)）]\s*)?"
)
_EMPHASIS = re.compile(r"\*{1,3}|(?<![A-Za-z0-9_])__?|__?(?![A-Za-z0-9_])|~~|==|`")
# A line of a bibliography, or one whose figure is part of code, a formula or a quotation.
_CITED = re.compile(r"arXiv|doi|出处|来源|https?:|www\.|\bet al|等,\s*\*|@|n\. pag|\[\^")


def plain(said: str) -> str:
    """A unit as a person would say it: no emphasis, no link behind a word, no number of a list."""
    shown = _LINK.sub(lambda m: m[1] or m[2] or "", said)
    shown = _EMPHASIS.sub("", shown)
    return " ".join(_ORDINAL.sub("", shown).split())


# What points at something that is not in the sentence, or addresses a reader.
_OPENING_ZH = (
    r"这|那|它|其|该|本|此|他|她|我|你|您|咱|首先|其次|再次|然后|接着|最后|随后|另外|此外|同时|但"
    r"|而|所以|因此|因而"
    r"|于是|例如|比如|如果|若|当|在这|上面|下面|如下|可以|可|请|需要|先|再|即|也|还|就|并|且|从而"
    r"|以及|或|以下|以上|前者"
    r"|后者|两者|二者|前面|后面|之前|之后|注意|注:|注：|写法|思路|方法|步骤|法\s*\d"
    r"|第[一二三四五六七八九十\d]|简单来说|总之"
    r"|一般|通常|通过|对|将|把|使用|根据|按照|其实|最早|是|有|不|没|作者|作为|为了|由于|因为|虽然"
    r"|尽管|无论|只|更|最"
    r"|相比|除了|关于|要|会|能|被|让|从|如|反之|反过来|具体|于|与|和|至|当前|目前|现在|说明|译|图"
    r"|表|公式|以|新模型|旧|整个|整体|难点|流程|结果|目标|保证|确保|建议|推荐|选择|安装|运行|执行"
    r"|进入|点击|打开|下载"
    r"|修改|新建|实现|注意|考虑|假设|设|令|那么|终端|文件|同样|包括|分别|由|核心|输入|输出|区别|每次"
    r"|[B-HJ-Zα-ω] |亮点|优点|缺点|答案|答|问|关键|启动|拷贝|复制|粘贴|设置|登录|注册|添加|训练轮数"
    r"|示例中|例子中|评测的|[a-z]+\s*(?:是(?!一)|固定)"
)
_OPENING_EN = (
    r"it|its|this|that|these|those|they|their|there|we|he|she|you|your|i|i'm|our|my|so|but|and|or"
    r"|then|now|here"
    r"|for example|e\.g|i\.e|also|however|therefore|thus|hence|in other words|note|if|when|once"
    r"|as|to|let|please"
    r"|same|see|both|some|most|many|another|each|since|because|while|although|though|after|before"
    r"|where|which|who"
    r"|what|how|why|in this|in that|in the|at this|at the|for this|of course|actually|basically"
    r"|finally|first|second"
    r"|next|similarly|additionally|moreover|furthermore|otherwise|instead|unlike|such|make sure"
    r"|remember|consider"
    r"|simply|just|perhaps|maybe|yes|no|not|of|with|without|by|from|one|other|others|all|any"
    r"|either|neither|again|doing|sometimes|often|usually|typically|generally|until|plan|prefer|keep"
    r"|always"
    r"|do|don't|give|put|try|treat|ensure|specify|replace|move|copy|open|click|go|read|think"
    r"|assume|imagine|suppose|pay"
    r"|watch|look|wait|tell|ask|leave|call|apply|follow|notice|say|take|turn|refer|fixed|added"
    r"|updated|removed|moved"
    r"|use|run|install|create|check|find|get|add|avoid|choose|download|start|stop|fix|test"
    r"|compare|make|there"
    r"|only|apparently|cite|the cause|in total|in practice|in general|in particular|later"
    r"|recently|currently|today|yet|thanks"
    r"|everything|nothing|something|someone|the (?:above|below|following|latter|former|same|other"
    r"|rest|first|second"
    r"|next|last|previous|main|only|result|idea|reason|problem|point|goal|output|script|code"
    r"|example|question|answer|issue|solution|difference|point|doubling"
    r"|gap|most|(?:good|bad) news|borderline"
    r"|(?:simplest|easiest|best|fastest|latter|second|third) (?:one|way|thing)|results)"
    r"|for an?|for the|like|simultaneously|a value"
)
_STARTS = re.compile(rf"^(?:(?:{_OPENING_ZH})|(?:{_OPENING_EN})\b)", re.IGNORECASE)
_POINTS = re.compile(
    r"如下|上图|下图|上述|下述|以下|本文|本节|本章|见图|见表|这里|这个|这些|这种|那个|我们|你|您"
    r"|举个例子|还是|笔者|我的|咱们|是否|吗|呢|哈"
    r"|\b(?:above|below|following|here|this|these|those|i|we|you|your|our|my|us|me|let's|it's|he"
    r"|she|they|instead|such|there|the same way|see)\b"
    r"|\.\.\.|…|\?|？|!|！",
    re.IGNORECASE,
)
_SAYS_ZH = re.compile(
    r"是|为|有|达到|支持|需|可以|能|位于|占|使用|由|包|含有|属于|用于|提供|采用|基于|等于|大于"
    r"|小于|超过|降低|提高|表示|指|分为|会|使|让"
    r"|取得|比|被|把|将|生成|保存|存储|返回|输出|输入|组成|发布|提出|训练|适合"
)
_SAYS_EN = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|cannot|will|would|does|needs?|requires?|uses?|takes?"
    r"|supports?"
    r"|provides?|runs?|gives?|makes?|costs?|reads?|writes?|allows?|stores?|contains?|holds?|means"
    r"|works?|becomes?"
    r"|returns?|creates?|consumes?|achieves?|delivers?|reaches|reached|saves?|adds?|comes?"
    r"|offers?|produces?"
    r"|depends?|includes?|follows?|matters|leads?|shows?|reduces?|increases?|grows?|fits?"
    r"|performs?|equals?)\b"
)
# "The correct way to do it", "X is another flag", "The API is via Y", "…, so expect Z": what it is
# of, or what went before, stands in another sentence.
_DANGLES = re.compile(
    r"(?:\S+ ){1,6}(?:it|them|they)\b|.*\b(?:is|are) (?:another|also)\b"
    r"|The [A-Za-z]+ (?:is|are|was|were|has|have|can)\b|(?:Every|Granted|Given|Besides)\b"
    r"|.*\bso (?:expect|use|make|be|don't)\b|.* \d\. ",
    re.IGNORECASE,
)
_PAIRS = ("()", "（）", "[]", "【】", "“”", "「」", "《》")
# A label before what is said, or a dash where a verb should be.
_LABEL = re.compile(r"[^:：]{1,24}(?:：|:(?!\d))|[^\w\"'“《]|(?:\S+ ){0,5}[-–—] |.*[a-z]: |.*——")
_SHORTEST, _LONGEST = 10, 120  # characters of a Chinese statement
_FEWEST, _MOST = 6, 32  # words of an English one


def statement(said: str) -> str:
    """A unit as a statement that stands by itself, in plain words; "" if it is none.

    A person can judge it without its neighbours: it names what it is about, points nowhere, and
    says something.
    """
    if "\n" in said.strip() or _MARKUP.search(said) or "$" in said:
        return ""
    shown = plain(said)
    if _CITED.search(shown) or re.search(r"\[(?:more|here|link|this)\]\(", said, re.IGNORECASE):
        return ""
    if "\t" in said.strip() or _LABEL.match(shown):
        return ""
    if _STARTS.match(shown) or _POINTS.search(shown) or shown[-1:] in ":：,，、-":
        return ""
    if any(shown.count(pair[0]) != shown.count(pair[1]) for pair in _PAIRS):
        return ""
    if shown.count('"') % 2 or re.search(r"[^\w\s]{4,}|->|=>|[{}\\|]", shown):
        return ""
    if asks_in_chinese(shown):
        n_han = len(re.findall(r"[\u4e00-\u9fff]", shown))
        fits = _SHORTEST <= len(shown) <= _LONGEST and n_han >= 6
        return shown if fits and _SAYS_ZH.search(shown) else ""
    fits = _FEWEST <= len(shown.split()) <= _MOST and shown[-1:] in ".;"
    if _DANGLES.match(shown):
        return ""
    begins = shown[:1].isupper() or shown[:1].isdigit()
    return shown if fits and begins and _SAYS_EN.search(shown) else ""


def asks_in_chinese(text: str) -> bool:
    """Whether a text is Chinese enough to be asked about in Chinese."""
    n_han = len(re.findall(r"[\u4e00-\u9fff]", text))
    return n_han >= 2 and 3 * n_han >= len(re.findall(r"[A-Za-z]+", text))


_TAIL = re.compile(
    r"(?:的)?(?:学习)?(?:备忘|笔记|概述|简述|简介|教程|介绍|小结|总结|整理|相关阅读|Wiki|wiki|QA"
    r"|汇总|记录|入门|详解|解析|面试(?:问题|题|全攻略)?)+$"
)
_NUMBERED = re.compile(r"^[\W\d_]*(?:第?[\d一二三四五六七八九十]+[章节讲课步.、-])?\s*")
_NO_SUBJECT = re.compile(
    r"^(?:README.*|index|notes?|untitled|总结|简介|概述|背景|前言|目录|附录|其他|参考.*|QA|TODO"
    r"|SESSION|CHANGELOG|draft.*|tmp.*|步骤.*|论文.*|第.*|wiki|session.*|resources|things .*)$",
    re.IGNORECASE,
)


def subject_of(note: Note) -> str:
    """The thing a note is about, if its title names one; "" else."""
    title = re.sub(r"(?<=\d)_(?=\d)", ".", plain(note.title))  # Llama3_1-8B is one name
    parts = re.split(r"[：:，,（(【\[—|？?/]", title)[0].split("_")
    head = max((part.strip(" *`#\"'") for part in parts), key=len, default="")
    head = _TAIL.sub("", _NUMBERED.sub("", head)).strip(" -")
    if re.search(r"\d{6}", head) or re.fullmatch(
        r"[a-z]+|[\w-]+(?:\.[a-z]\w*)+|[A-Z][a-z]+ing", head
    ):
        return ""  # a file's name
    if not 2 <= len(head) <= 24 or _NO_SUBJECT.match(head) or not re.search(r"[^\W\d_]", head):
        return ""
    sentence = re.search(
        r"[。！!.了吗呢吧]$|这么|那么|^从.+到|^(?:如何|怎么|怎样|为什么|什么|关于|how|why|what)\b",
        head,
        re.IGNORECASE,
    )
    return "" if sentence or _EMOJI.search(head) else head


_EMOJI = re.compile(r"[\U0001F000-\U0001FAFF\u2600-\u27BF\uFE0F]")


_HEAD_NUMBER = re.compile(
    r"^(?:\d+(?:\.\d+)*[.、)）]?\s+|\d{1,2}-(?=\D)|[A-Z][.、)]\s+|[\d.]+[、)）]\s*"
    r"|(?:步骤|第)[\d一二三四五六七八九十]+[步章节]?[：:.、\s]*"
    r"|[(（]?[一二三四五六七八九十]+[、)）.]\s*)|[:：\s]+$"
)


def words_of(text: str) -> str:
    """A heading without its marks, numbers and pictures."""
    shown = _EMOJI.sub("", plain(re.sub(r"^[#\s]+|\s*#+$", "", text)))
    return _HEAD_NUMBER.sub("", shown).strip()


def starts_apart(text: str) -> bool:
    """Whether a clause begins with a word that points back, or that addresses a reader."""
    return _STARTS.match(text) is not None


def says_something(note: Note, unit: Unit) -> bool:
    """Whether a unit says something by itself: prose that is no link, label or picture."""
    said = note.text[unit.start : unit.end]
    if unit.kind not in ("paragraph", "item", "quote") or re.search(r"<\/?[A-Za-z]", said):
        return False
    shown = plain(said)
    linked = sum(len(m) for m in re.findall(r"\[([^\]]*)\]\([^)]*\)|https?:\S+", said))
    if re.match(
        r"\W*(?:keywords?|tags?|关键词|标签|last_modify|date|日期|更新)\W", said, re.IGNORECASE
    ):
        return False
    if _SENDS.match(shown):
        return False
    if re.search(r"\\?\[[JCM]\\?\]", said):  # a line of a bibliography
        return False
    if "{{" in said:  # a place to be filled in
        return False
    return len(shown) >= 4 and 2 * linked < len(shown) and "http" not in shown


# What only says where to read on.
_SENDS = re.compile(
    r"\W*(?:see(?: also)?|refer to|(?:please )?read|for (?:more|details)|详见|参见|参考)\b", re.I
)


def is_told_of(subject: str, text: str) -> bool:
    """Whether a text names the subject, or the subject holds the text."""
    one, other = subject.lower(), text.lower()
    return one in other or other in one


def joined(*parts: str) -> str:
    """Chinese and Latin parts in a row, with a blank where Latin meets Han."""
    out = ""
    for part in parts:
        apart = out and part and (has_han(out[-1]) != has_han(part[0]))
        marks = out[-1:] in "，：《（ " or part[:1] in "，：？》） "
        out += f" {part}" if apart and not marks else part
    return out
