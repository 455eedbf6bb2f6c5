"""Learn the glossary of Chinese and English terms from pairs across languages.

`python -m eval.training.glossary --pairs FOLDER --out corpus/data/glossary.txt` reads the pairs of
licence classes A and B, cuts both sides into words and the phrases that behave as one, and learns
which name the same: IBM model 1 in both directions, trained to agree (a word of one side is
explained by one of the other, so 注意力 takes attention and leaves model to 模型), first on whole
documents, then on the sentences that the first model aligns. Definitions in brackets
(`知识蒸馏(Knowledge Distillation)`) are counted in. Nothing is drawn by chance: same pairs, same
file.

Sources: Brown et al., "The Mathematics of Statistical Machine Translation", Computational
Linguistics 19(2), 1993; Liang, Taskar, Klein, "Alignment by Agreement", NAACL 2006; Dunning,
"Accurate Methods for the Statistics of Surprise and Coincidence", Computational Linguistics
19(1), 1993.
"""

from __future__ import annotations

import argparse
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.text import has_han
from corpus.tokens import STOP_TERMS, tokens
from eval.training.glossary_alignment import OPENING, Bitext, align, as_numbers, matched_sentences
from eval.training.glossary_texts import english, read_documents, rows_of

__all__ = ["learn", "main"]

logger = logging.getLogger(__name__)

# Licence classes A (permissive) and B (CC BY-SA) only: the glossary is shipped.
FILES = ("arxiv_zh_en", "docs_sql_zh", "docs_dotnet_zh", "permissive_other", "sharealike")

SAME = 0.6  # share of the occurrences of a name that must agree for a defined term to reach left
DEFINED = 3.0  # alignments that one definition is worth
MOST = 8  # partners of a term
DOUBT = 2.0  # alignments with nothing added to those of a term, so that rare ones promise less
LEAST = 0.02  # probability of the least of them

# Before a bracket these tell what kind of thing it names, not what it is called.
GENERIC = frozenset(
    "方法 属性 语句 运算符 子句 函数 命令 模型 数据 工具 框架 系统 语言 技术 算法 平台 服务 任务 "
    "类型 对象 事件 类 接口 指标 参数 数据集 数据库 网络 层 文件 格式 协议 版本 公司 大学 应用 "
    "连接类型 选项 问题".split()
)
# Words that lead to a defined term: `提出知识蒸馏(KD)`.
LEADS = frozenset(
    "提出 基于 使用 采用 引入 结合 利用 通过 称为 叫做 名为 用于 开发 设计 本文 包含 作为 应用 "
    "包括 设置为 提升 发现 出了 一种 新 新型 新颖 进行 开发了 探索 研究 评估 现有 例如 比如 称 叫 "
    "构建 建立 发布 符合 属于 优化 实现 支持 集成 融合 新增 定义 所谓 又 简称 即 专用 整个 可用 "
    "位于 保存 如 执行 启用 禁用 创建 指定 配置 另外 一个".split()
)
HEADER = (
    "# Chinese terms with their English names: term, then name=a,b for each: a % of the term's",
    "# alignments are with the name, b % of the name's with the term. Learned by",
    "# `python -m eval.training.glossary` from texts in both languages: arXiv titles and abstracts",
    "# (CC0) with the machine-written Chinese summaries of dw-dengwei/daily-arXiv-ai-enhanced",
    "# (Apache-2.0); d2l-zh (Apache-2.0), d2l-en (CC BY-SA 4.0); hf-course, ms-swift, PaddlePaddle",
    "# docs (Apache-2.0); Prompt-Engineering-Guide (MIT); dify-docs (CC BY 4.0). Definitions in",
    "# brackets also come from other sources under Apache-2.0, MIT, CC BY and CC BY-SA.",
    "# It holds words and shares, no sentence of theirs.",
)

Counts = dict[tuple[str, str], float]  # (Chinese, English) -> how often one stood for the other


# --- definitions in brackets ---


_DEFINITION = re.compile(
    r"(?P<zh>[\u3400-\u9fff]{2,24})[*_`”\"]{0,3}\s?"
    r"[(（]\s*(?P<en>[A-Za-z][A-Za-z '’-]{1,60}?)\s*"
    r"(?:[,，;；:：]\s*(?P<short>[A-Za-z-]{2,10})\s*)?[)）]"
)


def _before_brackets(texts: Iterable[str]) -> list[tuple[tuple[str, ...], str]]:
    """Up to six Chinese words before each English name in brackets; each place once."""
    seen: list[tuple[tuple[str, ...], str]] = []
    places: set[tuple[str, str]] = set()  # a text stands in several pairs
    for text in texts:
        if "(" not in text and "（" not in text:
            continue
        for match in _DEFINITION.finditer(text):
            place = (text[max(0, match.start("zh") - 6) : match.end("zh")], match["en"])
            if place in places:
                continue
            places.add(place)
            left = tuple(token.text for token in tokens(match["zh"][-12:]))[-6:]
            if len(match["zh"]) > 12:
                left = left[1:]  # may begin inside a word
            for name in filter(None, (match["en"], match["short"])):
                runs = english(name)
                if left and len(runs) == 1 and len(runs[0][0]) <= 4:
                    seen.append((left, " ".join(runs[0][0])))
    return seen


def definitions(texts: Iterable[str]) -> Counts:
    """How often a Chinese term stands before its English name in brackets.

    Where the term begins is not marked: it is taken to reach left as long as most occurrences
    of the English name have the same words there.

    Returns:
        Pairs seen twice or more, with at least a third of the definitions of that English name.
    """
    seen = _before_brackets(texts)
    endings: Counter[tuple[tuple[str, ...], str]] = Counter()
    totals: Counter[str] = Counter()
    for left, name in seen:
        totals[name] += 1
        endings.update((left[-n:], name) for n in range(1, len(left) + 1))
    found: Counter[tuple[str, str]] = Counter()
    for left, name in seen:
        size = 1
        while size < len(left) and endings[left[-size - 1 :], name] >= max(
            2, SAME * endings[left[-size:], name]
        ):
            size += 1
        while size > 1 and left[-size] in LEADS | (STOP_TERMS - OPENING):
            size -= 1
        if size > 1 or (len(left[-1]) > 1 and left[-1] not in GENERIC):
            found["".join(left[-size:]), name] += 1
    return {
        (zh, en): float(count)
        for (zh, en), count in found.items()
        if count >= 2 and count >= totals[en] / 3
    }


# --- selection ---


def _splits(term: str) -> tuple[str, ...]:
    return tuple(token.text for token in tokens(term)) if has_han(term) else tuple(term.split(" "))


def _within(term: str) -> list[str]:
    """The shorter terms inside a term of several words."""
    words = _splits(term)
    glue = "" if has_han(term) else " "
    return [
        glue.join(words[i : i + n]) for n in range(1, len(words)) for i in range(len(words) - n + 1)
    ]


def select(
    counts: Counts, shares: Counts, defined: Counts
) -> dict[tuple[str, str], tuple[float, float]]:
    """The pairs worth shipping, with p(English | Chinese) and p(Chinese | English).

    Args:
        counts: how often a pair was aligned.
        shares: the same as a share of the geometric mean of both frequencies.
        defined: how often a pair stood as a definition.

    Returns:
        Pairs that are frequent enough for their share, plausible in one direction at least,
        not said better by a part of either side, and among the best of either side.
    """
    total = dict(counts)
    for pair, count in defined.items():
        total[pair] = total.get(pair, 0.0) + DEFINED * count
    zh_total: dict[str, float] = defaultdict(float)
    en_total: dict[str, float] = defaultdict(float)
    for (zh, en), count in total.items():
        zh_total[zh] += count
        en_total[en] += count
    longer: dict[tuple[str, str], float] = defaultdict(float)
    for (zh, en), count in total.items():
        for char in zh if len(zh) > 1 else "":
            longer[char, en] = max(longer[char, en], count)
    kept: dict[tuple[str, str], tuple[float, float]] = {}
    for (zh, en), count in total.items():
        forward, backward = count / (zh_total[zh] + DOUBT), count / (en_total[en] + DOUBT)
        if (zh, en) in defined:
            believed = forward >= LEAST  # else a name made up for one method: 注意力(SSCA)
        else:
            believed = max(forward, backward) >= 0.15 and _frequent(zh, en, count, shares[zh, en])
        better = chain(
            (total.get((part, en), 0.0) for part in _within(zh)),
            (total.get((zh, part), 0.0) for part in _within(en)),
            # 体 of 智能体 is no agent
            [2.0 * longer.get((zh, en), 0.0)] if len(zh) == 1 else [],
        )
        if believed and not any(other > count for other in better):
            kept[zh, en] = (forward, backward)
    return _best(kept)


def _frequent(zh: str, en: str, count: float, share: float) -> bool:
    """Whether a pair was aligned often enough; rare pairs and phrases must stay together more."""
    if count < 1.5 or any(map(str.isdigit, en)):
        return False
    if " " not in en and len(_splits(zh)) == 1:
        return share >= 0.045 + 0.35 / count
    return share >= 0.1 + 1.5 / count


def _best(
    kept: dict[tuple[str, str], tuple[float, float]],
) -> dict[tuple[str, str], tuple[float, float]]:
    """The pairs among the MOST best of their Chinese or of their English term."""
    by_zh: dict[str, list[tuple[float, str, str]]] = defaultdict(list)
    by_en: dict[str, list[tuple[float, str, str]]] = defaultdict(list)
    for (zh, en), (forward, backward) in kept.items():
        by_zh[zh].append((-forward, zh, en))
        by_en[en].append((-backward, zh, en))
    chosen = {
        (zh, en)
        for group in chain(by_zh.values(), by_en.values())
        for share, zh, en in sorted(group)[:MOST]
        if share <= -LEAST
    }
    return {pair: kept[pair] for pair in sorted(chosen)}


def as_text(pairs: dict[tuple[str, str], tuple[float, float]]) -> str:
    """The glossary file: one Chinese term a line, best partner first; shares in hundredths."""
    lines: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for (zh, en), (forward, backward) in pairs.items():
        shares = [max(1, min(100, round(100 * share))) for share in (forward, backward)]
        lines[zh].append((-forward, f"{en}={shares[0]},{shares[1]}"))
    body = [
        "\t".join([zh, *(entry for _, entry in sorted(entries))])
        for zh, entries in sorted(lines.items())
    ]
    return "\n".join([*HEADER, *body]) + "\n"


# --- the whole ---


def learn(folder: Path) -> str:
    """The text of the glossary file, learned from the pairs in a folder.

    Raises:
        FileNotFoundError: a file of pairs is missing.
    """
    bitext = as_numbers(read_documents(folder))
    sizes = (len(bitext.zh_names), len(bitext.en_names))
    whole = [[np.unique(np.concatenate(d)) for d in side] for side in (bitext.zh, bitext.en)]
    pairs, count, forward, backward = align(whole[0], whole[1], sizes, keep=20, rounds=4)
    trust = np.sqrt(forward * backward) * (count >= 1)
    zh, en = matched_sentences(bitext, pairs, trust)
    logger.info("%d sentences matched", len(zh))
    pairs, count, _, _ = align(zh, en, sizes, keep=30, rounds=8)
    counts, shares = _named(bitext, (zh, en), pairs, count)
    defined = definitions(
        text
        for name in FILES
        for row in rows_of(folder, name)
        for text in (row["query"], row["passage"])
    )
    logger.info("%d definitions", len(defined))
    chosen = select(counts, shares, defined)
    logger.info("%d pairs", len(chosen))
    return as_text(chosen)


def _named(
    bitext: Bitext,
    texts: tuple[Sequence[NDArray[np.int32]], Sequence[NDArray[np.int32]]],
    pairs: NDArray[np.int64],
    count: NDArray[np.float64],
) -> tuple[Counts, Counts]:
    """Counts of the pairs, and as shares of the frequencies of both sides, by name."""
    width = len(bitext.en_names)
    zh_df = np.bincount(np.concatenate(texts[0]), minlength=len(bitext.zh_names))
    en_df = np.bincount(np.concatenate(texts[1]), minlength=width)
    counts, shares = {}, {}
    for at in np.flatnonzero(count >= 0.5):
        zh, en = divmod(int(pairs[at]), width)
        name = (bitext.zh_names[zh], bitext.en_names[en])
        counts[name] = float(count[at])
        shares[name] = float(count[at] / np.sqrt(float(zh_df[zh]) * float(en_df[en])))
    return counts, shares


def main() -> None:
    """Learn the glossary and write it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pairs", type=Path, required=True, help="folder of NAME.jsonl.xz")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    text = learn(chosen.pairs)
    chosen.out.write_text(text, encoding="utf-8")
    print(f"{chosen.out}: {text.count(chr(10))} lines, {len(text.encode()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
