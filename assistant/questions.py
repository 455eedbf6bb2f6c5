"""What a question asks for: its kind, and its words without those that only ask.

Rules over Chinese and English question words. Knows nothing of notes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from assistant.quantities import quantities
from corpus.text import fold, has_han

__all__ = [
    "Kind",
    "Question",
    "attribute_of",
    "is_shown",
    "is_talk",
    "parse_question",
    "question_numbers",
    "takes_names",
    "takes_pages",
]


class Kind(StrEnum):
    """The kind of answer that is asked for."""

    NUMBER = "number"
    WHEN = "when"
    WHO = "who"
    LIST = "list"
    COMPARE = "compare"
    WHY = "why"
    HOW = "how"
    DEFINE = "define"
    CODE = "code"
    YES_NO = "yes_no"
    OPEN = "open"


# Order matters: the first pattern that is found names the kind.
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.CODE, re.compile(r"代码|示例程序|怎么写|\bcode\b|snippet")),
    (Kind.COMPARE, re.compile(
        r"区别|差别|差异|不同(?:点|之处)?[?？]?$|有什么不同|有何不同|异同|对比|相比.*(?:如何|怎|"
        r"哪)|"
        r"比较(?:一下)?|哪个更|谁更|\bvs\b|versus|differ|compare|comparison|unlike")),
    (Kind.WHY, re.compile(r"为什么|为何|为啥|原因|何以|凭什么|怎么会|\bwhy\b|\breasons?\b")),
    (Kind.WHEN, re.compile(
        r"什么时候|何时|哪(?:一)?年|哪(?:一)?天|几月|几号|哪(?:个)?月|多久前|时间是|发布时间|日期|"
        r"\bwhen\b|which year|what year|what date")),
    (Kind.WHO, re.compile(
        r"谁|哪位|作者|哪家|哪个(?:公司|团队|机构|组织|大厂|人)|哪些人|发明者|提出者|"
        r"\bwho(?:se|m)?\b|\bauthors?\b|which (?:company|team)")),
    (Kind.LIST, re.compile(
        r"哪些|哪几|有什么(?!区别|不同|关系)|有啥|列出|列举|包括什么|包含什么|组成|分(?:为|"
        r"成)(?:什么|哪|几)|"
        r"优点|优势|好处|缺点|不足|劣势|局限|优缺点|步骤|流程|阶段|种类|类型|分类|"
        r"^(?:please )?list\b|what are|which (?!one\b)\w+s\b|\b(?:(?:dis)?advantages?|drawbacks?|"
        r"limitations?|"
        r"steps|stages|pros|cons)\b")),
    (Kind.NUMBER, re.compile(
        r"多少|几(?![何乎率])|多大|多长|多高|多快|多久|多宽|几倍|占比|比例|比率|数量|大小|长度|"
        r"规模|价格|成本|"
        r"how (?:many|much|large|big|long|fast|often)|what (?:size|percentage|fraction|number)|"
        r"what(?:'s| is| was) the (?:default|maximum|minimum|average|median|total|threshold|price|cost|fee|"
        r"budget)\b|\bsize\b|length|默认值|阈值")),
    (Kind.HOW, re.compile(r"怎么|怎样|如何|咋|方法|方式|过程|原理|机制|\bhow\b")),
    (Kind.YES_NO, re.compile(
        r"是否|能否|可否|有没有|是不是|能不能|会不会|要不要|支持不支持|吗[?？]?\s*$|"
        r"^(?:is|are|was|were|do|does|did|can|could|has|have|will|should)\b")),
    (Kind.DEFINE, re.compile(
        r"是什么|什么是|啥是|是啥|是指|指什么|什么叫|叫什么|含义|定义|意思|全称|缩写|概念|介绍|"
        r"what(?:'s| is| does| was)|define|definition|meaning|stand for")),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question with what it asks for.

    Attributes:
        text: as asked.
        kind: the kind of answer.
        core: the question with its question words blanked out; offsets are those of `text`.
        measure: the word that is counted (`几张` asks for `张`), or "".
        lang: "zh" if it holds an ideograph, else "en".
    """

    text: str
    kind: Kind
    core: str
    lang: str
    measure: str = ""


# A name and nothing else asks what it names.
_NAME_ALONE = re.compile(r"[a-z][\w.+#-]*(?: [a-z\d][\w.+#-]*)?|[\u3400-\u9fff]{2,4}")
_MEASURE = re.compile(r"(?:多少|几(?![何率]))\s*(?:个)?\s*([^\W\d_a-z]|[a-z]+)", re.IGNORECASE)
# Words that ask, and say nothing of what is asked about.
_ASKING = re.compile(
    r"请问|请(?:介绍|说明|解释|列出|列举|简述|描述)(?:一下)?|告诉我|介绍一下|说一下|讲一下|讲讲|"
    r"谈谈|说说|简述|简单|详细|一般来说|"
    r"为什么|为何|为啥|凭什么|怎么会|怎么样|怎样|怎么|如何|咋|是?什么意思|是?什么时候|是何时|何时|"
    r"是什么|有什么|什么是|"
    r"什么|啥|"
    r"哪(?:一|几|些)?(?:个|种|类|些|年|天|月|家|位|里|点|步|项|条|张|篇|款|边|阶段)?|多少(?:个|种|"
    r"类|张|层|倍|钱)?|"
    r"几(?=[个种类张层倍步点年月天大])|多(?=[大长高快久宽深重])|几(?:个|种|类)?(?![何乎率])|谁|"
    r"是否|能否|可否|有没有|是不是|能不能|会不会|要不要|可不可以|区别|差别|差异|不同(?=[?？]?$)|"
    r"的?(?:英文|中文)?(?:全称|缩写|简称|全名)|吗|呢|吧|啊|呀|嘛|到底|究竟|分别|各自|各(?=[是有])|"
    r"大概|大约|一共|总共|具体|主要|那篇|这篇|这个|那个|"
    r"(?<![-\w./])(?:what(?:'s| is| are| was| were| does| do| did)?|which(?: one)?|who(?:se|m)?|"
    r"when|where|why|how(?: many| much| "
    r"long| often| far| large| big| fast| do| does| did)?|please|tell me|explain|describe|(?:^|"
    r"(?<=please ))list|give|show|does|do|did|is|are|was|"
    r"were|can|could|should|would|will|has|have|had|the|kind of|name of|called|difference between|"
    r"compare[ds]?|"
    r"compared (?:to|with)|means?(?=\s*[?？.]?\s*$)|stand for|stands for|full name(?: of)?|"
    r"abbreviation|acronym|need|needs|there|it|i|you|we|my|your)(?![-\w/])",
    re.IGNORECASE,
)


@lru_cache(maxsize=512)
def parse_question(text: str) -> Question:
    """The kind of a question and its words without those that ask.

    Args:
        text: a question or a few keywords, in Chinese or English.
    """
    folded = fold(text).strip()
    kind = next((kind for kind, pattern in _KINDS if pattern.search(folded)), Kind.OPEN)
    if kind is Kind.OPEN and _NAME_ALONE.fullmatch(folded):
        kind = Kind.DEFINE
    measure = _MEASURE.search(folded)
    core = _ASKING.sub(lambda m: " " * len(m.group()), text)
    return Question(
        text=text,
        kind=kind,
        core=core if core.strip(" \t?？。!！,，") else text,
        lang="zh" if has_han(text) else "en",
        measure=measure.group(1) if measure and kind is Kind.NUMBER else "",
    )


# Lists of what is said of something, which a name alone does not say.
_SAID = re.compile(
    r"优点|优势|好处|缺点|不足|劣势|局限|优缺点|步骤|流程|阶段|建议|技巧|注意|经验|"
    r"\b(?:(?:dis)?advantages?|drawbacks?|limitations?|steps|stages|pros|cons|tips|advice)\b"
)
_WHICH = re.compile(r"哪[个种款本篇门]|推荐|\bwhich\b|recommend")
_PAGES = re.compile(
    r"链接|网址|网站|网页|地址|官网|文档|教程|资料|资源|论文|文章|视频|仓库|来源|出处|参考|哪里|哪儿|在哪|"
    r"下载|推荐|\b(?:links?|urls?|websites?|sites?|address|pages?|docs?|documentation|tutorials?|"
    r"resources?|papers?|articles?|videos?|repos?|repository|sources?|references?|where|downloads?|"
    r"recommend\w*|github|homepage)\b"
)


# "the price of X", "X 的价格": one thing about another. What it is for or about is left out: a note
# says that of a thing without the word.
_ATTRIBUTE = re.compile(
    r"what(?:'s| is| was| are) the (?P<en>(?!name\b|use\b|point\b|purpose\b|role\b|goal\b|aim\b|job\b|"
    r"idea\b|function\b|meaning\b|definition\b|essence\b|nature\b|difference\b)[a-z-]+(?: [a-z-]+)?) of\b|"
    r"的(?P<zh>(?!作用|用途|用处|目的|意义|含义|定义|意思|功能|本质|思想|想法|概念|核心|全称|缩写|名字|名称)"
    r"[^\W\d_a-z]{2,6}?)(?:是什么|是啥|是多少)[?？。\s]*$"
)


# What a note shows without calling it so: a formula, a command, how something is done.
_SHOWN = re.compile(
    r"式$|公式|函数|代码|命令|做法|方法|过程|流程|步骤|原理|机制|结构|架构|区别|特点|结果|结论|答案|内容|例子|"
    r"\b(?:formula|equation|functions?|code|commands?|method|way|process|steps?|structure|results?|"
    r"answer|contents?|example|syntax|format)\b"
)


def is_shown(word: str) -> bool:
    """Whether notes show what a word calls without calling it so: a link, a formula, the steps.

    Args:
        word: folded.
    """
    return bool(_SHOWN.search(word) or _PAGES.search(word) or _SAID.search(word))


def attribute_of(question: Question) -> str:
    """What is asked about something, as written and folded, where a question asks for one thing.

    `What is the price of X?` asks for `price`; "" for other questions.
    """
    found = _ATTRIBUTE.search(fold(question.text))
    about = (found["en"] or found["zh"]) if found else ""
    return "" if _SHOWN.search(about) or _PAGES.search(about) else about


# A greeting, thanks or a nod, and nothing else.
_TALK = re.compile(
    r"\W*(?:(?:你|您|大家)好|嗨|哈[喽啰]|早(?:上好|安)?|(?:上午|中午|下午|晚上)好|晚安|在吗|多?谢谢?|感谢|辛苦了|好的?|"
    r"行|嗯+|哦+|明白了?|知道了?|懂了|收到|不客气|再见|拜拜|哈哈+|你是谁|"
    r"hello|hi|hey|good (?:morning|afternoon|evening|night)|thanks|thank you|thx|ok(?:ay)?|got it|"
    r"i see|cool|great|nice|bye|goodbye|see you|who are you|how are you)"
    r"(?:[你您啊呀吗嘛啦了哦哈的!！。,，.~～?？\s]|there|so much|very much|a lot|everyone)*"
)


def is_talk(text: str) -> bool:
    """Whether a message greets, thanks or agrees, and asks nothing of the notes."""
    return _TALK.fullmatch(fold(text)) is not None


def takes_names(question: Question) -> bool:
    """Whether names alone can answer: of things or people, not what is said of them."""
    asked = fold(question.text)
    if question.kind in (Kind.LIST, Kind.WHO):
        return _SAID.search(asked) is None
    return _WHICH.search(asked) is not None


def takes_pages(question: Question) -> bool:
    """Whether the address or title of a page on the web can answer."""
    if question.kind in (Kind.LIST, Kind.WHO, Kind.OPEN, Kind.CODE):
        return True
    return _PAGES.search(fold(question.text)) is not None


def question_numbers(question: str) -> frozenset[float]:
    """Values that stand in the question itself and therefore cannot be its answer."""
    return frozenset(quantity.value for quantity in quantities(question))
