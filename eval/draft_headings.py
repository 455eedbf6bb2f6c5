"""Questions drafted from headings and lists, worded by what a heading is.

The question is made of the heading, so what stands below is its gold. What would read badly is
left out: a person reviews what is left. Knows one note at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from corpus.text import has_han
from corpus.types import Note, Unit
from eval.draft_rows import (
    Draft,
    asks_in_chinese,
    gold_of,
    is_told_of,
    joined,
    made,
    plain,
    says_something,
    starts_apart,
    subject_of,
    words_of,
)

__all__ = ["of_headings", "of_lists"]

_UNDER = 3  # units below a heading that are its gold
_LEAST, _SHORT = 8, 5  # characters that they say together, and that one of them says
_THIN = 16  # Chinese characters that they say together if no sentence is among them
_NAMES_ITSELF = 10  # characters of a heading that says what it is about without a subject
_IDLE = re.compile(
    r"^(?:简介|概述|背景|前言|总结|小结|结语|参考.*|附录.*|目录|其他|其它|备注|注意.*|例子|示例.*"
    r"|举例.*|例如.*|比如.*|代码.*|链接|相关.*|更多.*|附.*"
    r"|写在.*|致谢|后记|问题简述|思路.*|说明|更新.*|todo.*|一句话.*|补充.*|资源.*|资料.*|版本.*"
    r"|前置.*|常用.*|正文|摘要|关键词|标签|输出.*|结果.*"
    r"|(?:useful |further |related )?(?:introduction|overview|background|summary|conclusions?"
    r"|references?|resources|reading"
    r"|links|examples?|notes?|todos?|see also|appendix|glossary.*|to .*"
    r"|acknowledge?ments?|contributors?"
    r"|license|citations?|contents"
    r"|table of contents|quick ?start|getting started|prerequisites|misc.*|faq|tips?|caveats?"
    r"|credits|changelog|usage|setup|tl;?dr|about"
    r"|subsections?|general.*|recently.*|solutions?|results?|outputs?|code|conclusion.*"
    r"|disclaimer|other.*|more.*|related.*"
    r"|(?:the )?(?:most|very|an?) .*|(?:larg|small|bett|furth)er\b.*|book style|compilations?.*))$",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"^(?P<head>.{0,24}?)(?P<verb>包括|包含|分为|分成|需要|共有|具有|有|分|存在|使用|采用"
    r"|提供)(?:了|以下|如下|下面)?"
    r"(?P<n>[两二三四五六七八九十]|[2-9])(?P<rest>(?:个|种|类|大类|大|步|点|部分|阶段|方面|条|项"
    r"|层|级|主要)[\u4e00-\u9fffA-Za-z]{0,10})$"
)
_SENTENCE = re.compile(
    r"[了是这那我你它他吧呢]|发现|通常|可以|把|不[能会是用要]|必须|应该|以下|如下|具备|概述|[。；;，,！!]"
)
_UNFIT = re.compile(r"[:：()（）]|^(?:通过|利用|基于|来自|准备工作|简要|简述|阐述|请|谈谈|说说)")
_DOING = re.compile(
    r"^(?:安装|配置|部署|使用|创建|构建|构造|训练|下载|启动|运行|编写|准备|加载|导出|导入|合并"
    r"|设置|注册|申请|登录|测试|调用|实现|修改|更新|删除"
    r"|查看|计算|生成|转换|提取|选择|添加|初始化|量化|评估|清洗|开启|关闭|切换|编译|上传|提交"
    r"|克隆|新建|打开|接入|获取|搭建|处理|检查|连接|定义|求解|优化|解决|形成)"
    r"(?=.{2,})(?!方式|方法|步骤|流程|说明|指南|过程|原理|教程|技巧|文件|命令|环境|参数|数据$"
    r"|策略|效果)"
)
_DONE = re.compile(
    r"(?:下载|准备|部署|安装|配置|训练|微调|推理|调用|加载|评估|评测|测试|处理|格式化|清洗|合并"
    r"|量化|导出|转换|搭建|初始化)$"
)
_SEVERAL = re.compile(
    r"(?:优势|优点|缺点|不足|特点|特性|特征|步骤|方法|类型|种类|应用|场景|原因|指标|策略|问题"
    r"|局限性?|限制|要点|技巧|条件|要求|优缺点|事项|改进|变体"
    r"|影响|功能|操作|参数|技术|挑战|方案|趋势|难点|风险|组件|工具|分类)$"
)
_ONE = re.compile(
    r"(?:原理|结构|流程|定义|过程|机制|思想|目标|目的|含义|作用|公式|本质|动机|意义|架构|概念"
    r"|性质|复杂度|区别|差异|关系|思路|模型|算法|框架|组成)$"
)
_ASKS_ZH = re.compile(r"^(?:如何|怎么|怎样|为什么|为何|什么是|何时|哪些|哪个|谁)")
_ASKS_EN = re.compile(r"^(?:how|why|when|what|where|which|who)\b", re.IGNORECASE)
_STATES_EN = re.compile(
    r"\b(?:may|must|should|can|cannot|is|are|was|were|will|does|do|we|you|i)\b", re.IGNORECASE
)
_IMPERATIVE = re.compile(
    r"^(?:Achieve|Reproduce|Understand|Prepare|Ensure|Install|Use|Create|Run|Configure|Build|Check|Find|Get|Add|Enable|Disable|Avoid|Choose"
    r"|Measure|Debug|Train|Deploy"
    r"|Download|Load|Save|Export|Import|Convert|Compare|Detect|Prevent|Reduce|Start|Stop|Launch"
    r"|Monitor|Profile|Set|Write"
    r"|Fix|Handle|Test|Update|Upgrade|Remove|Calculate|Compute|Estimate|Emulate|Optimize"
    r"|Optimise)\b(?=\s\w)",
    re.IGNORECASE,
)
# "Rent the new hardware", "Skip a test module": a word that an article follows is done to a thing.
_DOES = re.compile(
    r"(?!(?:about|above|across|after|against|all|along|among|and|around|as|at|before|behind|below"
    r"|beside|between|beyond|both|but|by|during|except|for|from|half|in|inside|into|like|near|of"
    r"|on|or|over|per|quite|since|such|than|through|to|toward|towards|under|until|upon|versus|via"
    r"|vs|what|while|with|within|without)\b)[A-Z]?[a-z]+(?<!ing)(?<!ed)(?<!ly)(?<!s)"
    r" (?:the|an?|all|your|its|their|multiple|several)\b"
)
_VAGUE = re.compile(r"\b(?:things|stuff)\b|^\S+(?: \S+)?['’]s (?:version|way|approach|take)$", re.I)
_WIDE = re.compile(r"笔记怎么说？$|怎么做？$|^What do the notes say about")


def of_headings(note: Note, every: Sequence[Unit]) -> Iterator[Draft]:
    """Questions about what stands below a heading, worded by what the heading is."""
    subject = subject_of(note)
    for n, unit in enumerate(every[:-1]):
        if unit.kind != "heading":
            continue
        title = words_of(note.text[unit.start : unit.end])
        below = takewhile(lambda u: u.kind != "heading", every[n + 1 : n + 1 + _UNDER])
        body = [u for u in below if says_something(note, u)]
        texts = [plain(note.text[u.start : u.end]) for u in body]
        told = " ".join(texts)
        zh = asks_in_chinese(f"{title} {told}") or asks_in_chinese(note.text)
        is_thin = len(told) < _THIN * (1 if zh else 2) and told[-1:] not in "。.!！"
        if (
            is_thin
            or len(told) < _LEAST
            or all(len(text) < _SHORT or text[-1] in ":：" for text in texts)
        ):
            continue
        if not 2 <= len(title) <= 48 or _IDLE.match(title):
            continue
        is_whole = title == words_of(note.title)  # too wide for three passages to answer
        text = _asked_zh(title, subject, told) if zh else _asked_en(title, subject)
        if text and not (is_whole and _WIDE.search(text)):
            spans = [(u.start, u.end) for u in body]
            yield made(note, "heading", text, answerable=True, gold=gold_of(note, *spans))


def _asked_zh(title: str, subject: str, told: str) -> str:
    """A question about a heading in Chinese; "" if none reads well."""
    title = re.sub(r"^关于", "", title).strip()
    named = bool(subject) and not is_told_of(subject, title)
    of = joined(subject, "的") if named else ""
    about = joined("关于", subject, "，") if named else ""
    asked, mark, _ = re.sub(r"[?？]", "？", title).partition("？")
    if mark:
        return joined(about, f"{asked.strip()}？") if len(asked) >= 4 else ""
    if counted := _COUNTED.match(title):
        return _how_many(counted, subject)
    if _ASKS_ZH.match(title):
        return joined(about, f"{title}？")
    if _SENTENCE.search(title) or len(title) < 2 or _UNFIT.search(title):
        return ""
    if not has_han(title):
        return _of_name(title, of, told)
    if not subject and len(title) <= 6 and not re.search(r"[A-Za-z]", title):
        return ""  # 优势? of what?
    if _DOING.match(title):
        if not subject and len(title) < _NAMES_ITSELF:
            return ""  # 怎么运行 demo? which one?
        return joined(about, f"怎么{title}？")
    return _by_ending(joined(of, title), title)


def _of_name(title: str, of: str, told: str) -> str:
    """What a name is that stands as a heading among Chinese notes."""
    is_name = re.fullmatch(r"[A-Za-z][\w.+-]*(?: [\w.+-]+){0,3}", title) is not None
    if not is_name or title.islower():
        return ""
    if title.lower() in told.lower():
        return joined(of, title, "是什么？")
    return joined("关于", of, title, "，笔记怎么说？")


def _by_ending(asked: str, title: str) -> str:
    if _DONE.search(title):
        if asked == title and len(title) < 9:
            return ""
        return f"{asked}怎么做？"
    if _SEVERAL.search(title):
        return f"{asked}有哪些？"
    if _ONE.search(title) and not re.search(r"(?:部署|下载|安装|使用|调用).*模型$", title):
        return f"{asked}是什么？"
    stem = re.sub(r"(?:的)?(?:介绍|简介)$", "", title).strip()
    if stem != title and len(stem) >= 2:
        return joined("什么是", f"{stem}？")
    odd = (
        re.search(r"[\"“”'_]|--|[A-Za-z]+\.[a-z]", title)
        or len(re.findall(r"[\u4e00-\u9fff]", title)) < 2
    )
    return joined("关于", asked, "，笔记怎么说？") if 2 <= len(title) <= 20 and not odd else ""


def _how_many(counted: re.Match[str], subject: str) -> str:
    """What is counted, asked for by its number, as 分为两类 by 分为哪两类."""
    head = re.sub(r"^本[文节章](?:归纳|介绍|总结|将|主要)*", "", counted["head"]).strip("，, ")
    head = head or subject
    if not head or re.search(r"[这那它]", head):
        return ""
    return joined(head, f"{counted['verb']}哪{counted['n']}{counted['rest']}？")


def _asked_en(title: str, subject: str) -> str:
    """A question about a heading in English; "" if none reads well."""
    if title.endswith("?"):
        return title if len(title.split()) >= 3 else ""
    if (
        re.search(r"[:;,()—–]|\.$|`", title)
        or _STATES_EN.search(title)
        or not re.search(r"[A-Za-z]{3}", title)
        or _VAGUE.search(title)
    ):
        return ""
    where = f"the notes on {subject}" if subject and not is_told_of(subject, title) else "the notes"
    verb = "does" if re.match(r"[^ ]+$", where) else "do"
    low = _lowered(title)
    if how := re.match(r"how to (?=\w)", title, re.IGNORECASE):
        return f"How do you {_small(title[how.end() :])}?"
    if _ASKS_EN.match(title):
        return f"What {verb} {where} say about {low}?"
    if _IMPERATIVE.match(title) or _DOES.match(title):
        return f"How do you {_small(title)}?"
    alone = (
        where == "the notes" and len(title.split()) == 1 and not re.search(r"[A-Z0-9]", title[1:])
    )
    if len(title.split()) > 7 or alone or re.match(r"(?:no|not)\b", low, re.IGNORECASE):
        return ""
    return f"What {verb} {where} say about {low}?"


def _lowered(title: str) -> str:
    """A heading inside a sentence: its first word small, unless it is a name."""
    first, _, rest = title.partition(" ")
    common = first[:1].isupper() and first[1:].islower() and len(first) > 2
    if rest and common and not re.search(r"\b[A-Z][a-z]", rest):
        return first.lower() + " " + rest
    return title if rest or not common else first.lower()


def _small(title: str) -> str:
    """A heading in capitals inside a sentence: common words small, names as they are."""
    words = (w.lower() if re.fullmatch(r"[A-Z][a-z]+,?", w) else w for w in title.split(" "))
    return (
        " ".join(words)
        if re.search(r" [A-Z][a-z]+\b.* [A-Z][a-z]", f" {title}")
        else _lowered(title)
    )


def of_lists(note: Note, every: Sequence[Unit]) -> Iterator[Draft]:
    """What a list lists, where its stem can be turned into a question."""
    items: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for unit in every:
        if unit.kind == "item" and unit.stem is not None:
            items.setdefault(unit.stem, []).append((unit.start, unit.end))
    subject = subject_of(note)
    for stem, spans in items.items():
        raw = note.text[slice(*stem)]
        said = words_of(raw)
        spans = _of_one_list(note.text, spans)
        if len(spans) < 2 or not 4 <= len(said) <= 80 or re.search(r"<\/?[A-Za-z]", raw):
            continue
        listed = "".join(plain(note.text[slice(*span)]) for span in spans)
        if len(listed) < _LEAST or re.search(r"https?:|\]\(", note.text[slice(*spans[0])]):
            continue
        if 2 * sum(_COUNTS.match(note.text, start) is not None for start, _ in spans) > len(spans):
            continue  # 8 bytes a parameter is no state of an optimizer
        text = _listed_zh(said, subject) if asks_in_chinese(said) else _listed_en(said)
        if text:
            yield made(note, "list", text, answerable=True, gold=gold_of(note, *spans))


def _of_one_list(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Items up to the first of another list: a bullet behind numbers begins one."""
    marks = [_MARK.match(text, text.rfind("\n", 0, start) + 1) for start, _ in spans]
    kinds = [m and ("1" if m[1].isdigit() else m[1]) for m in marks]
    return [
        s for s, _ in takewhile(lambda pair: pair[1] == kinds[0], zip(spans, kinds, strict=True))
    ]


_COUNTS = re.compile(r"(?:[-*+]\s+|\d+[.)]\s+)?[\W_]*\d[\d.,]*\s*(?:%|[A-Za-z]{1,12}\b)(?!\w)")
_MARK = re.compile(r"[\s>]*([-*+]|\d)")


def _listed_zh(said: str, subject: str) -> str:
    last = re.split(r"[，,；;。]", said)[-1].strip()
    if starts_apart(last):
        return ""
    if counted := _COUNTED.match(last):
        return _how_many(counted, subject)
    if _DOING.match(last):
        return ""
    if last != said and len(last) < 6:
        return ""
    if re.match(r"[这那它其该我你]|以下|如下|例如|比如", last) or re.search(
        r"我们|你|您|[“”？?]", last
    ):
        return ""
    several = re.match(
        r"(?P<head>.{2,30}?)(?P<verb>包括|包含|有|分为|支持)(?:以下|如下|下面)?(?:几"
        r"|多)?[个种类点步方面]*$",
        last,
    )
    if several and not _SENTENCE.search(several["head"]):
        return f"{several['head']}{several['verb']}哪些？"
    if re.search(r"(?:如下|见下)$", last):
        last = re.sub(r"(?:如下|见下)$", "", last)
    if _SEVERAL.search(last) and not _SENTENCE.search(last):
        named = bool(subject) and not is_told_of(subject, last) and len(last) <= 10
        return joined(subject if named else "", "的" if named else "", f"{last}有哪些？")
    return ""


def _listed_en(said: str) -> str:
    if re.search(
        r"[,;“”\"?]|\b(?:this|these|that|we|you|your|our|it|following|above|below|here)\b",
        said,
        re.I,
    ):
        return ""
    if match := re.fullmatch(
        r"(?P<what>[Tt]he [\w /-]{4,60}?) (?P<verb>are|include|consist of)", said
    ):
        what = match["what"][0].lower() + match["what"][1:]
        if match["verb"] == "are":
            return f"What are {what}?"
        return f"What do {what} {match['verb']}?"
    if match := re.fullmatch(r"There are (?P<what>[\w-]+ [\w /-]{4,50})", said):
        return f"What are the {match['what']}?"
    noun = re.fullmatch(r"(?:The )?(?P<what>[A-Za-z][\w/-]*(?: [\w/-]+){0,6}s)", said)
    verb = re.search(
        r"\b(?:is|are|was|has|have|can|do|does|to|which|that|gives|us|means|uses|runs|needs|goes|works|let's|as|its)\b",
        said,
    )
    vague = re.match(
        r"(?:the )?(?:\d+ |two |three |four |five |six )?(?:general|other|more|possible|some"
        r"|additional|useful|few|full|important|main|key|basic|agent)\b",
        said,
        re.I,
    )
    if noun and not verb and not vague and not _IMPERATIVE.match(said) and len(said.split()) >= 2:
        return f"What are the {_lowered(noun['what'])}?"
    return ""
