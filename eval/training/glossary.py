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
import json
import logging
import lzma
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.text import fold, has_han
from corpus.tokens import STOP_TERMS, stem, terms, tokens

__all__ = ["learn", "main"]

logger = logging.getLogger(__name__)

# Licence classes A (permissive) and B (CC BY-SA) only: the glossary is shipped.
FILES = ("arxiv_zh_en", "docs_sql_zh", "docs_dotnet_zh", "permissive_other", "sharealike")

LOOSE = 0.2  # by how much a phrase with a function word inside must be closer
NULL = 0.2  # weight of a word's having no partner, in units of chance
SMALL = 0.5  # occurrences below which a pair is not believed whole

SAME = 0.6  # share of the occurrences of a name that must agree for a defined term to reach left
DEFINED = 3.0  # alignments that one definition is worth
MOST = 8  # partners of a term
DOUBT = 2.0  # alignments with nothing added to those of a term, so that rare ones promise less
LEAST = 0.02  # probability of the least of them

# Function words that may open a term: 不一致, 无监督, 更高, 下线.
OPENING = frozenset("不 无 未 更 最 可 上 下 有".split())

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

Run = list[str]  # neighbouring tokens, nothing but blanks and hyphens between them
Segment = list[Run]  # a sentence
Counts = dict[tuple[str, str], float]  # (Chinese, English) -> how often one stood for the other

_SENTENCE_ZH = re.compile(r"[。！？；\n]+|(?<=[^\d])\. ")
_SENTENCE_EN = re.compile(r"(?<=[.!?;:])\s+|\n+")
_RUN_EN = re.compile(r"[a-z0-9\u00df-\u024f\u0370-\u052f][\w.'+#-]*", re.IGNORECASE)


# --- reading ---


@dataclass(frozen=True, slots=True)
class Document:
    """One text in both languages: its sentences, not aligned."""

    zh: list[Segment]
    en: list[Segment]


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    with lzma.open(folder / f"{name}.jsonl.xz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _linked(rows: Sequence[dict[str, str]]) -> Iterator[tuple[list[str], list[str]]]:
    """Chinese and English texts of one paper, found by the texts its pairs share.

    A paper stands in several pairs (title and abstract, summary and abstract, title and
    summary); texts that begin alike are one. Large groups (shared titles) fall back to pairs.
    """
    parent: dict[str, str] = {}

    def find(text: str) -> str:
        while parent.setdefault(text, text) != text:
            parent[text] = parent[parent[text]]
            text = parent[text]
        return text

    full: dict[str, str] = {}
    for row in rows:
        for text in (row["query"], row["passage"]):
            full[text[:80]] = max(full.get(text[:80], ""), text, key=len)
        parent[find(row["query"][:80])] = find(row["passage"][:80])
    groups: dict[str, list[str]] = defaultdict(list)
    for beginning, text in full.items():
        groups[find(beginning)].append(text)
    for group in groups.values():
        if len(group) <= 7:
            yield from _by_language(group)
    for row in rows:
        if row["k"] == "x" and len(groups[find(row["query"][:80])]) > 7:
            yield from _by_language([row["query"], row["passage"]])


def _by_language(texts: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    """The Chinese and the English ones of some texts, if there are both."""
    zh = [text for text in texts if has_han(text)]
    en = [text for text in texts if not has_han(text)]
    if zh and en:
        yield zh, en


def _bitexts(folder: Path) -> Iterator[tuple[list[str], list[str]]]:
    yield from _linked(list(_rows(folder, "arxiv_zh_en")))
    for row in _rows(folder, "sharealike"):
        if row["k"] == "x":
            yield from _by_language([row["query"], row["passage"]])


@lru_cache(maxsize=400_000)
def _latin_parts(surface: str) -> tuple[str, ...]:
    """A Latin run as a phrase of its hyphenated parts, or as the one term it is."""
    pieces = [piece for piece in surface.split("-") if piece]
    if len(pieces) > 1 and all(piece.isalpha() for piece in pieces):
        return tuple(stem(fold(piece)) for piece in pieces)
    whole = terms(surface)
    return (whole[0],) if whole else ()


@lru_cache(maxsize=400_000)
def _latin_wholes(surface: str) -> tuple[str, ...]:
    """The terms of a hyphenated run beyond its parts: `fine-tuning` is also `finetun`."""
    return tuple(terms(surface)[:1]) if "-" in surface.strip("-") else ()


def _english(text: str) -> list[Segment]:
    segments = []
    for sentence in _SENTENCE_EN.split(text):
        runs: Segment = []
        end = -1
        for match in _RUN_EN.finditer(sentence):
            surface = match.group().rstrip(".'-")
            parts = list(_latin_parts(surface))
            if runs and sentence[end : match.start()] == " ":
                runs[-1].extend(parts)
            else:
                runs.append(parts)
            end = match.start() + len(surface)
            runs.extend([whole] for whole in _latin_wholes(surface))
            if len(runs[-1]) == 1 and "-" in surface:
                runs.append(parts[-1:])  # the phrase goes on after the hyphenated word
        segments.append(runs)
    return [segment for segment in segments if segment]


def _chinese(text: str) -> list[Segment]:
    segments = []
    for sentence in _SENTENCE_ZH.split(text):
        runs: Segment = []
        end = -1
        for token in tokens(sentence):
            if token.kind != "han":
                continue
            if runs and token.start == end:
                runs[-1].append(token.text)
            else:
                runs.append([token.text])
            end = token.end
        if runs:
            segments.append(runs)
    return segments


def read_documents(folder: Path) -> list[Document]:
    """The texts that stand in both languages, cut into sentences and tokens."""
    documents = []
    for zh, en in _bitexts(folder):
        document = Document(
            list(chain.from_iterable(map(_chinese, zh))),
            list(chain.from_iterable(map(_english, en))),
        )
        if document.zh and document.en:
            documents.append(document)
    logger.info("%d documents in both languages", len(documents))
    return documents


# --- units: words, and the phrases that behave as one ---


def phrases(
    segments: Iterable[Segment], *, longest: int, least: int, association: float
) -> set[tuple[str, ...]]:
    """Runs of tokens that occur together more than their parts would by chance.

    Args:
        segments: sentences of one language.
        longest: tokens in the longest phrase.
        least: occurrences a phrase has at least.
        association: normalised pointwise mutual information it has at least, in [-1, 1].

    Returns:
        Phrases that neither begin nor end with a function word and do not live inside one
        longer phrase only.
    """
    counts: list[Counter[tuple[str, ...]]] = [Counter() for _ in range(longest + 1)]
    for run in chain.from_iterable(segments):
        counts[1].update((token,) for token in run)
        for n in range(2, longest + 1):
            counts[n].update(
                tuple(run[i : i + n])
                for i in range(len(run) - n + 1)
                if (run[i] not in STOP_TERMS or run[i] in OPENING)
                and run[i + n - 1] not in STOP_TERMS
            )
    total = sum(counts[1].values())
    kept: set[tuple[str, ...]] = set()
    inside: Counter[tuple[str, ...]] = Counter()
    for n in range(longest, 1, -1):
        for gram, count in counts[n].items():
            if count < least:
                continue
            expected = sum(np.log(counts[1][(token,)] / total) for token in gram)
            joint = np.log(count / total)
            score = (joint - expected) / (-joint * (n - 1))
            if not STOP_TERMS.isdisjoint(gram[1:]):
                score -= LOOSE  # `提供了新` is grammar, `chain of thought` a name
            if score < association or inside[gram] > 0.8 * count:
                continue
            kept.add(gram)
            for m in range(2, n):
                for i in range(n - m + 1):
                    part = gram[i : i + m]
                    inside[part] = max(inside[part], count)
    return kept


def _units(segment: Segment, known: set[tuple[str, ...]], longest: int, glue: str) -> set[str]:
    """The words and known phrases of a sentence."""
    found = set()
    for run in segment:
        for i, token in enumerate(run):
            if token not in STOP_TERMS and not token.isdigit():
                found.add(token)
            for n in range(2, min(longest, len(run) - i) + 1):
                if tuple(run[i : i + n]) in known:
                    found.add(glue.join(run[i : i + n]))
    return found


@dataclass(frozen=True, slots=True)
class Bitext:
    """Documents as numbers: for each its Chinese and English sentences, each a sorted array."""

    zh_names: list[str]
    en_names: list[str]
    zh: list[list[NDArray[np.int32]]]
    en: list[list[NDArray[np.int32]]]


def _numbered(
    documents: list[list[set[str]]], least: int
) -> tuple[list[str], list[list[NDArray[np.int32]]]]:
    """Units that occur in at least `least` documents, and the sentences as their numbers."""
    frequency: Counter[str] = Counter()
    for document in documents:
        frequency.update(set().union(*document))
    names = sorted(name for name, count in frequency.items() if count >= least)
    number = {name: i for i, name in enumerate(names)}
    return names, [
        [
            np.array(sorted(number[unit] for unit in sentence if unit in number), np.int32)
            for sentence in document
        ]
        for document in documents
    ]


def as_numbers(documents: Sequence[Document]) -> Bitext:
    """Cut both sides into units and number them."""
    zh_known = phrases(
        chain.from_iterable(d.zh for d in documents), longest=4, least=15, association=0.15
    )
    en_known = phrases(
        chain.from_iterable(d.en for d in documents), longest=3, least=15, association=0.15
    )
    logger.info("%d Chinese and %d English phrases", len(zh_known), len(en_known))
    zh_names, zh = _numbered([[_units(s, zh_known, 4, "") for s in d.zh] for d in documents], 2)
    en_names, en = _numbered([[_units(s, en_known, 3, " ") for s in d.en] for d in documents], 2)
    logger.info("%d Chinese and %d English units", len(zh_names), len(en_names))
    return Bitext(zh_names, en_names, zh, en)


# --- alignment ---


def _presence(texts: Sequence[NDArray[np.int32]], width: int) -> Any:
    """A sparse matrix (texts, units) of ones."""
    from scipy.sparse import csr_matrix

    indptr = np.concatenate([[0], np.cumsum([len(text) for text in texts])])
    indices = np.concatenate(texts)
    ones = np.ones(len(indices), np.float32)
    return csr_matrix((ones, indices, indptr), shape=(len(texts), width))


def _strength(both: NDArray[Any], a: NDArray[Any], b: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Dunning's log-likelihood ratio of two units that occur in a and b of n texts."""

    def entropy(*cells: NDArray[Any]) -> NDArray[np.float64]:
        total = sum(cells)
        out = np.zeros(len(both))
        for cell in cells:
            cell = np.maximum(cell, 0)
            out += np.where(cell > 0, cell * np.log(np.maximum(cell, 1e-9) / total), 0)
        return out

    rest = n - a - b + both
    matrix = entropy(both, a - both, b - both, rest)
    result: NDArray[np.float64] = 2 * (matrix - entropy(a, n - a) - entropy(b, n - b))
    return np.where(both * n > a * b, result, 0)


def candidates(
    zh: Sequence[NDArray[np.int32]],
    en: Sequence[NDArray[np.int32]],
    sizes: tuple[int, int],
    keep: int,
) -> NDArray[np.int64]:
    """Pairs of units worth considering: the `keep` strongest partners of each, both ways.

    Returns:
        zh * sizes[1] + en, ascending.
    """
    left, right = _presence(zh, sizes[0]), _presence(en, sizes[1])
    n = len(zh)
    zh_count = np.asarray(left.sum(0)).ravel()
    en_count = np.asarray(right.sum(0)).ravel()
    left = left.T.tocsr()
    chosen: list[NDArray[np.int64]] = []
    rest: list[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]] = []
    for start in range(0, sizes[0], 2000):
        block = (left[start : start + 2000] @ right).tocoo()
        mask = block.data >= 2
        row, col, both = block.row[mask] + start, block.col[mask], block.data[mask]
        score = _strength(both, zh_count[row], en_count[col], n)
        strong = score > 10
        row, col, score = row[strong].astype(np.int64), col[strong], score[strong]
        order = np.lexsort((col, -score, row))
        rank = _rank_in_group(row[order])
        best = order[rank < keep]
        chosen.append(row[best] * sizes[1] + col[best])
        rest.append((row, col, score.astype(np.float32)))
    row, col, score = (np.concatenate(part) for part in zip(*rest, strict=True))
    order = np.lexsort((row, -score, col))
    best = order[_rank_in_group(col[order]) < keep]
    chosen.append(row[best] * sizes[1] + col[best])
    return np.unique(np.concatenate(chosen))


def _rank_in_group(sorted_keys: NDArray[Any]) -> NDArray[np.int64]:
    """Place of each element within its run of equal keys, from 0."""
    if not len(sorted_keys):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(sorted_keys)]]))
    result: NDArray[np.int64] = np.arange(len(sorted_keys)) - np.repeat(starts, lengths)
    return result


def align(
    zh: Sequence[NDArray[np.int32]],
    en: Sequence[NDArray[np.int32]],
    sizes: tuple[int, int],
    *,
    keep: int,
    rounds: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """IBM model 1 both ways, trained to agree, over the candidate pairs.

    Args:
        zh: Chinese units of each text.
        en: English units of the same texts.
        sizes: numbers of units of each language.
        keep: candidates of each unit.
        rounds: iterations of expectation and maximisation.

    Returns:
        Pairs as zh * sizes[1] + en; how often both stood for each other; p(en | zh); p(zh | en).
    """
    pairs = candidates(zh, en, sizes, keep)
    logger.info("%d candidate pairs", len(pairs))
    zh_slot, en_slot, pair = _cells(zh, en, sizes[1], pairs)
    logger.info("%d cells", len(pair))
    zh_of, en_of = pairs // sizes[1], pairs % sizes[1]
    n_zh, n_en = sum(map(len, zh)), sum(map(len, en))
    zh_df = np.bincount(np.concatenate(zh), minlength=sizes[0])
    en_df = np.bincount(np.concatenate(en), minlength=sizes[1])
    both: Any = np.bincount(pair, minlength=len(pairs)).astype(np.float64)
    en_given = both / zh_df[zh_of]
    zh_given = both / en_df[en_of]
    # A word without a partner is explained by nothing, at the rate of chance.
    no_en = (en_df / len(zh))[np.concatenate(en)]
    no_zh = (zh_df / len(zh))[np.concatenate(zh)]
    count: Any = both
    for _ in range(rounds):
        forward = en_given[pair]
        forward /= (np.bincount(en_slot, forward, n_en) + no_en * NULL)[en_slot]
        backward = zh_given[pair]
        backward /= (np.bincount(zh_slot, backward, n_zh) + no_zh * NULL)[zh_slot]
        count = np.bincount(pair, forward * backward, len(pairs))
        en_given = count / np.maximum(np.bincount(zh_of, count, sizes[0]), SMALL)[zh_of]
        zh_given = count / np.maximum(np.bincount(en_of, count, sizes[1]), SMALL)[en_of]
    return pairs, count, en_given, zh_given


def _cells(
    zh: Sequence[NDArray[np.int32]],
    en: Sequence[NDArray[np.int32]],
    width: int,
    pairs: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Every occurrence of a candidate pair in a text: place of both words, number of the pair."""
    found: list[tuple[NDArray[np.int32], ...]] = []
    zh_at = en_at = 0
    rows: list[NDArray[np.int64]] = []
    slots: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = []
    size = 0

    def flush() -> None:
        keys = np.concatenate(rows)
        at = np.searchsorted(pairs, keys)
        at[at == len(pairs)] = 0
        hit = pairs[at] == keys
        left = np.concatenate([slot[0] for slot in slots])[hit]
        right = np.concatenate([slot[1] for slot in slots])[hit]
        found.append((left, right, at[hit].astype(np.int32)))
        rows.clear()
        slots.clear()

    for left, right in zip(zh, en, strict=True):
        rows.append((left.astype(np.int64)[:, None] * width + right[None, :]).ravel())
        n, m = len(left), len(right)
        slots.append(
            (
                np.repeat(np.arange(zh_at, zh_at + n, dtype=np.int32), m),
                np.tile(np.arange(en_at, en_at + m, dtype=np.int32), n),
            )
        )
        zh_at, en_at, size = zh_at + n, en_at + m, size + n * m
        if size > 5_000_000:
            flush()
            size = 0
    if rows:
        flush()
    a, b, c = (np.concatenate(part) for part in zip(*found, strict=True))
    return a, b, c


def matched_sentences(
    bitext: Bitext, pairs: NDArray[np.int64], trust: NDArray[np.float64]
) -> tuple[list[NDArray[np.int32]], list[NDArray[np.int32]]]:
    """Chinese sentences beside the one or two English sentences that best explain them.

    Args:
        bitext: the documents.
        pairs: aligned units, zh * width + en.
        trust: how much each pair says that two sentences belong together, in [0, 1].

    Returns:
        Units of the Chinese sentences and of the English text beside each.
    """
    width = len(bitext.en_names)
    partners: dict[int, dict[int, float]] = defaultdict(dict)
    for at in np.flatnonzero(trust > 0.05):
        partners[int(pairs[at]) // width][int(pairs[at]) % width] = float(trust[at])
    frequency = Counter(unit for d in bitext.zh for s in d for unit in s.tolist())
    n = sum(map(len, bitext.zh))
    zh_out, en_out = [], []
    for zh, en in zip(bitext.zh, bitext.en, strict=True):
        where: dict[int, list[int]] = defaultdict(list)
        for j, sentence in enumerate(en):
            for unit in sentence.tolist():
                where[unit].append(j)
        for sentence in zh:
            scores = np.zeros(len(en))
            full = 0.0
            for unit in sentence.tolist():
                weight = float(np.log(n / frequency[unit]))
                full += weight
                for j, value in _support(partners.get(unit, {}), where).items():
                    scores[j] += weight * value
            if not full or scores.max() < 0.1 * full:
                continue
            top = np.argsort(-scores, kind="stable")[:2]
            chosen = [j for j in top.tolist() if scores[j] >= 0.6 * scores[top[0]]]
            zh_out.append(sentence)
            en_out.append(np.unique(np.concatenate([en[j] for j in chosen])))
    return zh_out, en_out


def _support(partners: dict[int, float], where: dict[int, list[int]]) -> dict[int, float]:
    """For each sentence the trust in the best partner that occurs there."""
    best: dict[int, float] = {}
    for other, value in partners.items():
        for j in where.get(other, ()):
            best[j] = max(best.get(j, 0.0), value)
    return best


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
                runs = _english(name)
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
        for row in _rows(folder, name)
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
