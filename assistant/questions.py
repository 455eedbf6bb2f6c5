"""What a question asks for: its kind, its terms, and the words that an answer may use instead.

Rules over Chinese and English question words. Knows nothing of notes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from assistant.quantities import quantities
from corpus.text import fold, has_han
from corpus.tokens import STOP_TERMS, Token, tokens

__all__ = ["Kind", "Question", "Term", "parse_question"]


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
        r"区别|差别|差异|不同(?:点|之处)?[?？]?$|有什么不同|有何不同|异同|对比|相比.*(?:如何|怎|哪)|"
        r"比较(?:一下)?|哪个更|谁更|\bvs\b|versus|differ|compare|comparison|unlike")),
    (Kind.WHY, re.compile(r"为什么|为何|为啥|原因|何以|凭什么|怎么会|\bwhy\b|reason")),
    (Kind.WHEN, re.compile(
        r"什么时候|何时|哪(?:一)?年|哪(?:一)?天|几月|几号|哪(?:个)?月|多久前|时间是|发布时间|日期|"
        r"\bwhen\b|which year|what year|what date")),
    (Kind.WHO, re.compile(
        r"谁|哪位|作者|哪家|哪个(?:公司|团队|机构|组织|大厂|人)|哪些人|发明者|提出者|"
        r"\bwho(?:se|m)?\b|author|which (?:company|team)")),
    (Kind.LIST, re.compile(
        r"哪些|哪几|有什么(?!区别|不同|关系)|有啥|列出|列举|包括什么|包含什么|组成|分(?:为|成)(?:什么|哪|几)|"
        r"优点|优势|好处|缺点|不足|劣势|局限|优缺点|步骤|流程|阶段|种类|类型|分类|"
        r"\blist\b|what are|which (?!one\b)\w+s\b|advantages?|drawbacks?|limitations?|steps|stages|pros|cons")),
    (Kind.NUMBER, re.compile(
        r"多少|几(?![何乎])|多大|多长|多高|多快|多久|多宽|几倍|占比|比例|比率|数量|大小|长度|规模|价格|成本|"
        r"how (?:many|much|large|big|long|fast|often)|what (?:size|percentage|fraction|number)|\bsize\b|length")),
    (Kind.HOW, re.compile(r"怎么|怎样|如何|咋|方法|方式|过程|原理|机制|\bhow\b")),
    (Kind.YES_NO, re.compile(
        r"是否|能否|可否|有没有|是不是|能不能|会不会|要不要|支持不支持|吗[?？]?\s*$|"
        r"^(?:is|are|was|were|do|does|did|can|could|has|have|will|should)\b")),
    (Kind.DEFINE, re.compile(
        r"是什么|什么是|啥是|是啥|是指|指什么|什么叫|叫什么|含义|定义|意思|全称|缩写|概念|介绍|"
        r"what(?:'s| is| does| was)|define|definition|meaning|stand for")),
)  # fmt: skip

# Words by which questions and notes name the same relation.
_SAME = tuple(
    frozenset(group.split())
    for group in (
        "优点 优势 好处 长处 优越性 强项 pros advantage advantages benefit benefits strength",
        "缺点 不足 劣势 局限 局限性 短板 弱点 缺陷 问题 cons drawback drawbacks limitation limitations disadvantage",
        "原因 因为 由于 导致 产生 来源 引起 源于 cause causes reason because",
        "步骤 流程 过程 阶段 步 step steps stage stages process",
        "作者 提出 提出者 发明 author authors proposed propose introduced introduce",
        "区别 差异 不同 差别 相比 对比 比较 difference differ compared",
        "种类 类型 分类 分为 类 种 types kinds categories type",
        "组成 构成 包括 包含 由 分为 部分 consist consists components component comprise",
        "训练 预训练 训 train trained training pretraining pretrain",
        "数据 语料 token tokens 数据集 data corpus dataset",
        "参数 参数量 规模 大小 parameter parameters size",
        "发布 推出 开源 公布 release released publish published launch",
        "用途 作用 应用 用于 用来 解决 目的 purpose use used usage",
        "价格 成本 费用 定价 块钱 元 price cost",
        "显存 内存 memory vram 显卡",
        "复杂度 时间复杂度 complexity",
        "上下文 窗口 context window",
        "全称 缩写 简称 stands abbreviation",
        "改进 改良 升级 升级版 改进版 improvement improves improve improved",
        "索引 index indexes indices indexing",
        "幻觉 hallucination hallucinations",
        "注意力 attention",
        "奖励 reward",
        "模型 model models",
        "检索 搜索 召回 查找 search retrieval retrieve recall",
        "微调 调优 finetuning finetune tuning",
        "向量 embedding vector vectors",
        "显存 gpu",
        "论文 paper papers",
        "任务 task tasks",
        "算法 方法 方案 algorithm method approach",
        "定义 是指 指的是 通常指 definition",
        "多语言 multilingual",
        "公司 大厂 团队 company team",
        "例子 例如 比如 举例 example examples",
        "目标 目的 goal aim objective",
        "平台 platform",
        "框架 framework",
        "文档 文件 document documents file",
        "单词 词 词条 词语 term terms word words",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A content word of a question.

    Attributes:
        text: its normal form (`corpus.tokens`).
        alike: other normal forms that name the same.
        is_entity: a name, identifier or number: an answer without it answers another question.
    """

    text: str
    alike: frozenset[str]
    is_entity: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question with what it asks for."""

    text: str
    kind: Kind
    terms: tuple[Term, ...]
    lang: str
    measure: str = ""


_CUES = frozenset(
    "多少 几 多大 多长 多高 多快 多久 哪些 哪几 什么 区别 差别 差异 不同 对比 比较 为什么 为何 原因 谁 哪位 哪家 哪年 "
    "何时 时候 怎么 怎样 如何 是否 介绍 含义 定义 意思 概念 叫 指 列出 列举 一下 有没有 全称 简称 缩写 一共 总共 大概 "
    "几个 几种 几类 几步 几张 几层 几倍 哪个 哪种 大约 需要 讲 说 说法 内容 详细 简单 简述 总结 概括 主要 年 月 "
    "difference compare list many much long large big kind mean stand does do did name called".split()
)
_MEASURE = re.compile(r"(?:多少|几)\s*(?:个)?\s*([^\W\d_a-z]|[a-z]+)", re.IGNORECASE)


@lru_cache(maxsize=512)
def parse_question(text: str) -> Question:
    """The kind and the content terms of a question.

    Args:
        text: a question or a few keywords, in Chinese or English.

    Returns:
        Terms in order without repeats. A text of question words only has no terms.
    """
    folded = fold(text).strip()
    kind = next((kind for kind, pattern in _KINDS if pattern.search(folded)), Kind.OPEN)
    found: dict[str, Term] = {}
    original = text
    for token in tokens(text):
        if token.text in STOP_TERMS or token.text in _CUES or token.text in found:
            continue
        found[token.text] = Term(
            text=token.text,
            alike=_alike(token.text),
            is_entity=_is_entity(token, original),
        )
    measure = _MEASURE.search(folded)
    return Question(
        text=text,
        kind=kind,
        terms=tuple(found.values()),
        lang="zh" if has_han(text) else "en",
        measure=measure.group(1) if measure and kind is Kind.NUMBER else "",
    )


def _alike(word: str) -> frozenset[str]:
    return frozenset().union(*(group for group in _SAME if word in group)) - {word}


def _is_entity(token: Token, original: str) -> bool:
    """Whether a word of the question is a name, an identifier or a number."""
    word = original[token.start : token.end]
    if token.kind == "number":
        return True
    if token.kind != "latin":
        return False
    # In a Chinese question a Latin word is a name unless it is an ordinary small word;
    # in an English one, capitals or digits inside make it one.
    if any(c.isdigit() for c in word) or any(c.isupper() for c in word[1:]):
        return True
    return word[0].isupper() and token.start > 0


def question_numbers(question: str) -> frozenset[float]:
    """Values that stand in the question itself and therefore cannot be its answer."""
    return frozenset(quantity.value for quantity in quantities(question))
