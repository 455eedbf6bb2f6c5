"""What the figures of a result are called in Chinese; a result names them in English.

The field's own names (hit@10, F1, AUROC) are the same in both. A figure without an entry, as of a
suite of a later version, is shown as the result names it.
"""

from __future__ import annotations

import re

from assistant.web.markup import escape

__all__ = ["named"]

_CHINESE = {
    # answers
    "right answers": "答对",
    "all facts in the answer": "要点全在答案里",
    "facts in the answer": "答案所含要点",
    "character F1": "按字 F1",
    "cites the right note": "引对笔记",
    "cites a gold span": "引到标注的原文",
    "citation recall": "引用召回率",
    "citation precision": "引用精确率",
    "refused though answerable": "有答案却拒答",
    "answered though unanswerable": "无答案却作答",
    "all shown claims supported": "所示各句都有据",
    "markers resolve": "编号都能打开",
    "model's answers shown": "采用模型的答案",
    "length ratio": "与标注的长度比",
    "abstained": "拒答",
    "sentence hit@1": "首句命中",
    "sentence hit@3": "前三句命中",
    # grounding
    "right verdict": "判定正确",
    "macro-F1 of three": "三类宏平均 F1",
    "balanced accuracy": "平衡准确率",
    "altered claims supported": "改错的句子被判有据",
    "altered claims contradicted": "改错的句子被判矛盾",
    "slot errors contradicted": "改一处的句子被判矛盾",
    "true claims supported": "正确的句子被判有据",
    "false support": "误判有据",
    "evidence is a gold span": "依据是标注的原文",
    "evidence recall": "依据召回率",
    "calibration error": "校准误差",
    "precision unsupported": "“没有依据”的精确率",
    "recall unsupported": "“没有依据”的召回率",
    "F1 unsupported": "“没有依据”的 F1",
    # claims of others, logs
    "claims": "陈述数",
    "claims supported": "有据的陈述",
    "share unsupported": "没有依据的占比",
    "faithfulness": "忠实度",
    "labelled": "有标注的",
    "texts": "文本数",
    "texts without a claim": "没有陈述的文本",
    "texts without an answer": "没有回答的文本",
    "AUROC within task and generator": "AUROC（同任务、同生成器内）",
    "span precision": "片段精确率",
    "span recall": "片段召回率",
    "span F1": "片段 F1",
    "evidence hit@1": "依据排第一",
    "evidence hit@1, evidence": "依据排第一：本产品",
    "evidence hit@1, BM25 line": "依据排第一：BM25 最佳行",
    "evidence hit@1, coverage line": "依据排第一：词语覆盖最多的行",
    "evidence hit@1, random line": "依据排第一：随机一行",
    # follow-ups
    "follow-ups": "追问数",
    "new topics left as they are": "新话题保持原样",
    "recall@5 raw": "前五召回：原样",
    "recall@5 rewritten": "前五召回：补全后",
    "recall@5 full": "前五召回：完整提问",
    # questions over given texts
    "contradictions told": "指出互相矛盾",
    "contradictions told without one": "并无矛盾而称矛盾",
    "contradiction told without one": "并无矛盾而称矛盾",
    "accuracy, all answerable": "答对（所有可答的）",
    "rejection rate": "拒答率（只有噪声）",
    "balanced accuracy of refusing": "拒答的平衡准确率",
    "AUROC answerable": "AUROC（能否回答）",
    "error detection": "查出错误",
    "error correction": "查出错误而仍答对",
    "characters of an answer": "答案字数",
    "false answers shown": "答出假文的答案",
    "false answers flagged": "假答案被标出",
    "false answers contradicted": "假答案被判矛盾",
    "true answers supported": "真答案被判有据",
    # a scripted model
    "invented markers removed": "编造的引用编号已删去",
    "wrong markers mended": "错误的引用编号已改正",
    "planted sentences flagged": "掺入的假话被标出",
    "planted sentences cited": "掺入的假话仍带引用",
    "true sentences flagged": "真话被误标",
    "uncited true sentences cited": "缺引用的真话补上引用",
    "flagged, entity": "被标出：换了名称",
    "flagged, number": "被标出：改了数字",
    "flagged, outside": "被标出：笔记之外",
    # time
    "ms": "毫秒",
    "latency p95 ms": "95% 不超过（毫秒）",
    # methods
    "check, as shipped": "本产品的核查",
    "always supported": "一律判有据",
    "flag everything": "一律判没有依据",
    "check, cut from the other half": "本产品的核查（阈值取自另一半）",
    "length of the claim": "陈述的长度",
    "IDF coverage, whole context": "词语覆盖（IDF，整段上下文）",
    "IDF coverage, best 3 sentences": "词语覆盖（IDF，最佳三句）",
    "coverage by the best passage, cut from the other half": "最佳段落的词语覆盖（阈值取自另一半）",
    "IDF coverage, first sentence by BM25": "词语覆盖（IDF，BM25 第一句）",
    "BM25's first sentence": "BM25 第一句，一律回答",
    "youju, refusing more": "本产品，拒答阈值取自另一半",
    "first sentence, may refuse": "BM25 第一句，阈值取自另一半",
    "best 3 sentences, may refuse": ("词语覆盖最多的三句，阈值取自另一半"),
    "refuse or object always": "一律拒答，一律称矛盾",
    "best sentences by BM25": "BM25 最佳句",
    "best sentences by BM25 of the passages found": "所找段落中的 BM25 最佳句",
    "dense alone": "只用向量",
    "fused": "融合",
    "fused + reranked": "融合并重排",
}
_VALUES = {
    "zh": "中文", "en": "英文", "code": "代码", "comparison": "比较", "date": "日期",
    "definition": "定义", "entity": "名称", "how": "怎样", "list": "列举", "name": "名称",
    "number": "数字", "pros_cons": "优缺点", "purpose": "目的", "reason": "原因", "steps": "步骤",
    "unanswerable": "无答案", "when": "何时", "who": "谁", "why": "为什么", "yes-no": "是否",
    "yes_no": "是否", "absent": "缺失", "alien": "无关", "condition": "条件", "copied": "照抄",
    "copy": "照抄", "direction": "方向", "english": "英文", "identifier": "标识",
    "invented": "编造", "merge": "合并", "negated": "否定", "negation": "否定",
    "paraphrase": "改写", "quantifier": "量词", "role": "角色", "same_shape": "同形",
    "translation": "翻译", "unit": "单位", "version": "版本", "supported": "有据",
    "contradicted": "与笔记矛盾", "unsupported": "笔记中没有",
}  # fmt: skip
# What a question over given texts tries, as `eval` names it.
_TRIED = {
    "noise alone": "只有噪声", "true texts": "只有真文", "false texts": "只有假文",
    "true and false texts": "真文与假文", "page": "页面", "page as HTML": "页面（HTML）",
    "page among noise": "夹在噪声里的页面", "true page": "真页面", "false page": "假页面",
    "true and false page": "真页面与假页面", "conversation": "对话", "several pages": "多个页面",
}  # fmt: skip
_GIVEN = re.compile(
    r"(?P<metric>accuracy|right|refused|character F1)(?:, (?P<lang>zh|en))?"
    r"(?:, (?:(?P<parts>several parts, )?noise (?P<share>[\d.]+)|(?P<tried>[A-Za-z ]+)))?"
)
_GIVEN_METRICS = {"accuracy": "答对", "right": "答对", "refused": "拒答", "character F1": "按字 F1"}
_FIELDS = {"kind": "题型", "lang": "语言"}
_GROUP = re.compile(
    r"(?P<metric>\w+), (?:(?P<field>kind|lang) (?P<of>[\w-]+)|(?P<kind>[\w-]+) \((?P<truth>\w+)\))"
)


def named(name: str) -> str:
    """The name of a figure or a method as markup, in both languages where they differ."""
    chinese = _CHINESE.get(name) or _group(name) or _given(name)
    if not chinese:
        return escape(name)
    return f'<span class="zh">{escape(chinese)}</span><span class="en">{escape(name)}</span>'


def _group(name: str) -> str:
    """The Chinese name of a figure of a group of items, such as `right, kind why`."""
    found = _GROUP.fullmatch(name)
    metric = {"right": "答对"}.get(found["metric"]) if found else None
    if found is None or metric is None:
        return ""
    if found["field"]:
        return f"{metric}，{_FIELDS[found['field']]}：{_VALUES.get(found['of'], found['of'])}"
    truth = _VALUES.get(found["truth"], found["truth"])
    return f"{metric}，{_VALUES.get(found['kind'], found['kind'])}（实为{truth}）"


def _given(name: str) -> str:
    """The Chinese name of a figure of questions over given texts, such as `right, zh, page`."""
    found = _GIVEN.fullmatch(name)
    tried = found and (_TRIED.get(found["tried"] or "") or found["share"] or found["lang"])
    if found is None or not tried or (found["tried"] and found["tried"] not in _TRIED):
        return ""
    out = _GIVEN_METRICS[found["metric"]]
    if found["lang"]:
        out += f"，{_VALUES[found['lang']]}"
    if found["share"]:
        return f"{out}，{'多个要点，' if found['parts'] else ''}噪声占 {found['share']}"
    return f"{out}，{tried}" if found["tried"] else out
