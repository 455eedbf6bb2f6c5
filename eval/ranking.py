"""Metrics of rankings and citations: what was found of what is known to answer.

Every denominator is the gold's. Knows names and spans; not where they come from.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence

from corpus.text import fold

__all__ = [
    "Span",
    "alce",
    "character_f1",
    "ndcg",
    "recall",
    "reciprocal_rank",
    "span_gains",
    "span_recall",
]


def recall(ranking: Sequence[Hashable], gold: Mapping[Hashable, int], k: int) -> float:
    """Relevant ones among the first k / all relevant ones (trec_eval's recall_k).

    Args:
        ranking: best first, no repeats.
        gold: grade per relevant name, each above 0, at least one.
        k: how many ranks count.
    """
    return sum(name in gold for name in ranking[:k]) / len(gold)


def reciprocal_rank(ranking: Sequence[Hashable], gold: Mapping[Hashable, int], k: int) -> float:
    """1 / rank of the first relevant one, 0 beyond k (trec_eval's recip_rank, cut at k).

    Source: Voorhees, TREC-8 question answering track report, 1999.
    """
    return next((1 / n for n, name in enumerate(ranking[:k], 1) if name in gold), 0.0)


def ndcg(gains: Sequence[float], ideal: Sequence[float], k: int) -> float:
    """Sum of gain / log2(1 + rank) over the first k, divided by that of the ideal ranking.

    Args:
        gains: of the ranking, best first.
        ideal: gains of all relevant ones, in any order, at least one above 0.
        k: how many ranks count.

    Source: Järvelin, Kekäläinen, TOIS 20(4), 2002, with the grade itself as gain, as trec_eval.
    """
    best = _dcg(sorted(ideal, reverse=True)[:k])
    return _dcg(gains[:k]) / best


def _dcg(gains: Sequence[float]) -> float:
    return math.fsum(gain / math.log2(1 + rank) for rank, gain in enumerate(gains, 1))


Span = tuple[str, int, int]  # note, start, end; end 0 for the whole note


def _touch(found: Span, gold: Span) -> bool:
    return found[0] == gold[0] and (not gold[2] or (found[1] < gold[2] and gold[1] < found[2]))


def span_gains(found: Sequence[Span], gold: Sequence[Span]) -> list[float]:
    """For each passage found, how many gold spans it touches that none before it did."""
    left, out = list(gold), []
    for passage in found:
        rest = [span for span in left if not _touch(passage, span)]
        out.append(float(len(left) - len(rest)))
        left = rest
    return out


def span_recall(found: Sequence[Span], gold: Sequence[Span], k: int | None = None) -> float:
    """Gold spans touched by the first k passages / all gold spans; in [0, 1]."""
    return sum(span_gains(found[:k], gold)) / len(gold)


_PIECE = re.compile(r"[a-z0-9]+|[^\W_]")


def character_f1(said: str, gold: str) -> float:
    """F1 of the units two texts share: single Chinese characters, Latin words and numbers.

    2 * |said ∩ gold| / (|said| + |gold|) over multisets, case, width and marks aside; 0 if nothing
    is shared.

    Source: SQuAD v1.1 (Rajpurkar et al., EMNLP 2016), with CMRC 2018's mixed segmentation (Cui
    et al., EMNLP 2019); multisets as in SQuAD, not CMRC's longest common run.
    """
    first, second = (Counter(_PIECE.findall(fold(text))) for text in (said, gold))
    both = sum((first & second).values())
    return 2 * both / (first.total() + second.total()) if both else 0.0


def alce(
    cited: Sequence[Sequence[Hashable]], supports: Callable[[Sequence[Hashable]], bool]
) -> tuple[float, float]:
    """Citation recall and precision of one answer.

    Recall: a sentence counts 1 if all it cites together supports it, 0 otherwise and without
    citation; mean over sentences. Precision: a citation counts 1 if its sentence is supported and
    it is not irrelevant: irrelevant is one that alone does not support, while the others without
    it still do; sum over citations / number of citations.

    Args:
        cited: what each sentence cites, in order; at least one sentence.
        supports: whether a set of citations supports the sentence that is asked about; it is
            called with subsets of one sentence's citations.

    Returns:
        (recall, precision) in [0, 1]; precision is 0 where nothing is cited.

    Source: Gao et al., "Enabling Large Language Models to Generate Text with Citations" (ALCE),
    EMNLP 2023, section 4.2; the judge is given instead of their NLI model.
    """
    recalled, good = 0, 0
    for own in cited:
        if not own or not supports(own):
            continue
        recalled += 1
        for n, one in enumerate(own):
            others = [*own[:n], *own[n + 1 :]]
            good += supports([one]) or not (others and supports(others))
    total = sum(len(own) for own in cited)
    return recalled / len(cited), good / total if total else 0.0
