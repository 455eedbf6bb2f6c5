"""The tables of the README with the labels of the Chinese one. Called by `figures` and `bench`."""

from __future__ import annotations

import re

__all__ = ["in_chinese"]

# Labels in the Chinese README; a label without an entry stays as it is.
_CHINESE = {
    "floor": "下限",
    "youju, fused": "youju，只融合",
    "index build, cpu s": "建索引，CPU 秒",
    "one note changed, cpu s": "改一篇笔记，CPU 秒",
    "load from disk and first query, cpu s": "从磁盘载入并答第一问，CPU 秒",
    "first query, cpu ms": "第一次查询，CPU 毫秒",
    "query warm, cpu ms": "热查询，CPU 毫秒",
    "query warm, p50 ms": "热查询，p50 毫秒",
    "query warm, p95 ms": "热查询，p95 毫秒",
    "memory, MB": "内存，MB",
    "whole answer with check, cpu p50 ms": "完整回答连核对，CPU p50 毫秒",
    "whole answer with check, p50 ms": "完整回答连核对，p50 毫秒",
    "whole answer with check, p95 ms": "完整回答连核对，p95 毫秒",
    "claim checked, cpu p50 ms": "核对一条陈述，CPU p50 毫秒",
    "neighbours, recall@10 against exact search": "最近邻，相对精确搜索的 recall@10",
    "passages": "段落",
    "full index, wall s": "全量建索引，实际秒",
    "full index, cpu s": "全量建索引，CPU 秒",
    "peak memory of all processes, MB": "全部进程的内存峰值，MB",
    "on disk, MB": "磁盘，MB",
    "nothing changed, wall s": "什么都没变，实际秒",
    "one note changed and found, wall s": "改一篇笔记到能找到，实际秒",
    "one note changed and found, cpu s": "改一篇笔记到能找到，CPU 秒",
    "answers": "回答",
    "check": "核对",
    "search, test halves, hit@1 / hit@10": "检索，test 一半，hit@1 / hit@10",
    "the feed, second set": "feed，第二套",
    "the feed, first set": "feed，第一套",
    "the 31 sample notes": "31 篇示例笔记",
    "questions": "问题",
    "fact and note right": "事实和笔记都对",
    "cites the right note": "引用了对的笔记",
    "refused though answerable": "能答却拒答",
    "answered though unanswerable": "不能答却答了",
    "all shown claims supported": "所示陈述全部有据",
    "claims": "陈述",
    "right verdict": "判定正确",
    "altered claims supported": "篡改的陈述判为有据",
    "altered claims contradicted": "篡改的陈述判为矛盾",
    "true claims supported": "真陈述判为有据",
    "dense alone": "只用向量",
    "fused": "融合",
    "reranked": "重排后",
    "questions over technical notes": "技术笔记上的问题",
    "CACM, English": "CACM，英文",
    "XQuAD, Chinese over English": "XQuAD，中文问英文",
    "XQuAD, English over Chinese": "XQuAD，英文问中文",
    "XQuAD, Chinese": "XQuAD，中文",
    "XQuAD, English": "XQuAD，英文",
    "DRCD, simplified": "DRCD，简体",
    "DRCD, traditional": "DRCD，繁体",
    "CSL, titles": "CSL，标题找摘要",
    "answers on reading sets, test halves, sentence hit@1 / hit@3": (
        "阅读集，test 一半，句子 hit@1 / hit@3"
    ),
    "claims of others with their own contexts, AUROC of unsupported": (
        "别人的、自带上下文的陈述，判出无据的 AUROC"
    ),
    "AttributionBench, dev": "AttributionBench，dev",
    "CSNLI, Chinese": "CSNLI，中文",
    "WiCE, dev (partly trained on)": "WiCE，dev（部分用于训练）",
    "RAGTruth, 66 sources (partly trained on)": "RAGTruth，66 篇来源（部分用于训练）",
    "Factcheck-GPT (partly trained on)": "Factcheck-GPT（部分用于训练）",
    "the check": "核对",
    "word coverage, whole context": "词覆盖，整个上下文",
    "word coverage, best 3 sentences": "词覆盖，最好的三句",
    "length of the claim": "陈述长度",
    "best sentences by BM25": "BM25 最好的句子",
    "the same, of the passages youju found": "同上，只在 youju 找到的段落里",
}


def in_chinese(table: str) -> str:
    """A table with the labels of the Chinese README."""
    lines = [line.split(" | ") for line in table.splitlines()]
    return "\n".join(" | ".join(_translated(cell) for cell in cells) for cells in lines)


_COUNTED = (
    (re.compile(r"([\d,]+) passages"), r"\1 段"),
    (re.compile(r"([\d,]+) notes, ([\d,]+) MB"), r"\1 篇笔记，\2 MB"),
)


def _translated(cell: str) -> str:
    label = cell.strip("| ")
    for pattern, chinese in _COUNTED:
        if pattern.fullmatch(label):
            return cell.replace(label, pattern.sub(chinese, label))
    return cell.replace(label, _CHINESE[label]) if label in _CHINESE else cell
