"""Metrics beside scikit-learn, trec_eval, ranx and values worked out by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.types import Chunk
from eval import verdicts
from eval.finding import _scores
from eval.goldens import GoldSpan
from eval.questions import Asked
from eval.ranking import (
    alce,
    character_f1,
    ndcg,
    recall,
    reciprocal_rank,
    span_gains,
    span_recall,
)
from eval.retrieval import score
from eval.stats import bootstrap, grouped_interval, paired_randomisation
from tests.ranked_by_ranx import FIGURES, METRICS, work

rows = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9]), st.booleans()), min_size=2)


@settings(max_examples=60)
@given(rows)
def test_binary_metrics_are_those_of_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    sk = pytest.importorskip("sklearn.metrics")
    scores = np.array([s for s, _ in pairs])
    gold = np.array([g for _, g in pairs])
    said = scores >= 0.3
    if gold.any() and not gold.all():
        assert verdicts.auroc(scores, gold) == pytest.approx(sk.roc_auc_score(gold, scores))
        ours = verdicts.balanced_accuracy(said, gold)
        assert ours == pytest.approx(sk.balanced_accuracy_score(gold, said))
    else:
        assert math.isnan(verdicts.auroc(scores, gold))
    if said.any() and gold.any():
        assert verdicts.flagged_f1(said, gold) == pytest.approx(sk.f1_score(gold, said))
        precision = sk.precision_score(gold, said)
        assert verdicts.flagged_precision(said, gold) == pytest.approx(precision)
        assert verdicts.false_support_rate(said, gold) == pytest.approx(
            1 - sk.recall_score(gold, said)
        )


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(verdicts.LABELS), st.sampled_from(verdicts.LABELS)), min_size=1
    )
)
def test_macro_f1_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    sk = pytest.importorskip("sklearn.metrics")
    gold, said = zip(*pairs, strict=True)
    theirs = sk.f1_score(
        gold, said, average="macro", labels=list(verdicts.LABELS), zero_division=0.0
    )
    assert verdicts.macro_f1(verdicts.confusion(gold, said)) == pytest.approx(theirs)


def test_a_weight_of_two_is_a_row_twice() -> None:
    scores, gold = np.array([0.9, 0.4, 0.4, 0.1]), np.array([True, False, True, False])
    weights = np.array([1.0, 2.0, 1.0, 0.0])
    again = np.repeat(np.arange(4), [1, 2, 1, 0])
    assert verdicts.auroc(scores, gold, weights) == verdicts.auroc(scores[again], gold[again])
    said = scores > 0.3
    for metric in (verdicts.balanced_accuracy, verdicts.flagged_f1, verdicts.flagged_precision):
        ours = metric(said, gold, weights)
        np.testing.assert_equal(ours, metric(said[again], gold[again], None))


def test_the_best_cut_separates_what_can_be_separated() -> None:
    scores, gold = np.array([0.1, 0.2, 0.7, 0.8]), np.array([False, False, True, True])
    cut = verdicts.best_cut(scores, gold)
    assert verdicts.balanced_accuracy(scores >= cut, gold) == 1
    assert verdicts.best_cut(scores, np.ones(4, bool)) == 0.5


def test_calibration_error_by_hand() -> None:
    chances = np.array([0.15, 0.15, 0.95, 1.0])
    happened = np.array([False, True, True, True])
    # two bins: |0.5 - 0.15| * 2/4 + |1 - 0.975| * 2/4
    assert verdicts.expected_calibration_error(chances, happened) == pytest.approx(
        0.35 / 2 + 0.025 / 2
    )
    assert [n for *_, n in verdicts.calibration(chances, happened)] == [2, 2]


@settings(max_examples=40)
@given(
    st.permutations(list("abcdefghijkl")),
    st.dictionaries(st.sampled_from("abcdefghijklmn"), st.integers(1, 3), min_size=1),
)
def test_ranking_metrics_are_those_of_trec_eval(ranking: list[str], gold: dict[str, int]) -> None:
    trec = pytest.importorskip("pytrec_eval")
    judge = trec.RelevanceEvaluator({"q": gold}, {"recall_5", "ndcg_cut_10", "recip_rank"})
    theirs = judge.evaluate({"q": {n: float(100 - i) for i, n in enumerate(ranking)}})["q"]
    assert recall(ranking, gold, 5) == pytest.approx(theirs["recall_5"])
    assert reciprocal_rank(ranking, gold, 12) == pytest.approx(theirs["recip_rank"])
    gains = [gold.get(name, 0) for name in ranking]
    assert ndcg(gains, list(gold.values()), 10) == pytest.approx(theirs["ndcg_cut_10"])


def test_ranking_metrics_by_hand() -> None:
    gold = {"a": 1, "b": 2, "z": 1}
    assert recall(["x", "a", "b"], gold, 2) == 1 / 3
    assert reciprocal_rank(["x", "a"], gold, 2) == 1 / 2
    assert reciprocal_rank(["x", "a"], gold, 1) == 0
    ideal = 2 + 1 / math.log2(3) + 1 / 2
    assert ndcg([0, 1, 2], [1, 2, 1], 3) == pytest.approx((1 / math.log2(3) + 2 / 2) / ideal)


def test_a_gold_span_counts_once_and_the_gold_is_the_denominator() -> None:
    gold = [("n.md", 0, 10), ("n.md", 20, 30), ("m.md", 0, 0)]
    found = [("n.md", 5, 22), ("n.md", 8, 12), ("m.md", 90, 95)]
    assert span_gains(found, gold) == [2, 0, 1]
    assert span_recall(found, gold, 1) == 2 / 3
    assert span_recall([("n.md", 10, 20)], gold) == 0  # half-open: it touches neither


def test_character_f1_takes_han_one_by_one_and_latin_by_words() -> None:
    assert character_f1("BM25 的参数", "bm25的参数。") == 1
    # said: lora 是 什 么; gold: lora 冻 结 -> one shared of 4 + 3
    assert character_f1("LoRA 是什么", "LoRA 冻结") == pytest.approx(2 * 1 / 7)
    assert character_f1("", "x") == 0


def test_citations_are_scored_as_alce_defines() -> None:
    def supports(cited: object) -> bool:
        return isinstance(cited, list | tuple) and ("good" in cited or {"l", "r"} <= set(cited))

    # one right sentence with an idle citation, one wrong, one without, one that needs both
    sentences = [["good", "idle"], ["bad"], [], ["l", "r"]]
    found = alce(sentences, supports)
    assert found == (2 / 4, 3 / 5)
    assert alce([["l"]], supports) == (0, 0)


def alce_of_the_paper(
    sentences: list[list[int]], minimal: list[frozenset[int]]
) -> tuple[float, float]:
    """Recall and precision as section 4.2 of the paper words them, step by step."""

    def entails(passages: set[int]) -> bool:
        return any(need <= passages for need in minimal)

    supported = [bool(cited) and entails(set(cited)) for cited in sentences]
    precise, total = 0, 0
    for cited, whole in zip(sentences, supported, strict=True):
        total += len(cited)
        for one in cited:
            alone = entails({one})
            without = entails(set(cited) - {one}) if len(cited) > 1 else False
            irrelevant = not alone and without
            precise += whole and not irrelevant
    return sum(supported) / len(sentences), precise / total if total else 0.0


@settings(max_examples=120)
@given(
    st.lists(st.lists(st.integers(0, 4), max_size=4, unique=True), min_size=1, max_size=5),
    st.lists(st.frozensets(st.integers(0, 4), min_size=1, max_size=3), max_size=4),
)
def test_citations_are_scored_as_the_paper_of_alce_words_it(
    sentences: list[list[int]], minimal: list[frozenset[int]]
) -> None:
    ours = alce(sentences, lambda cited: any(need <= set(cited) for need in minimal))
    assert ours == pytest.approx(alce_of_the_paper(sentences, minimal))


@settings(max_examples=40)
@given(
    st.permutations(list("abcdefghijklmn")),
    st.dictionaries(st.sampled_from("abcdefghijklmnop"), st.integers(1, 3), min_size=1),
)
def test_the_scores_of_public_sets_are_those_of_trec_eval(
    ranking: list[str], gold: dict[str, int]
) -> None:
    trec = pytest.importorskip("pytrec_eval")
    measures = {"success_1,5,10", "recip_rank", "ndcg_cut_10"}
    judge = trec.RelevanceEvaluator({"q": gold}, measures)
    first = ranking[:10]  # what is beyond ten ranks counts for nothing
    theirs = judge.evaluate({"q": {n: float(100 - i) for i, n in enumerate(first)}})["q"]
    ours = score(ranking, gold)
    assert ours["mrr@10"] == pytest.approx(theirs["recip_rank"])
    assert ours["ndcg@10"] == pytest.approx(theirs["ndcg_cut_10"])
    for k in (1, 5, 10):
        assert ours[f"hit@{k}"] == theirs[f"success_{k}"]


@settings(max_examples=40)
@given(
    st.permutations(list(range(14))),
    st.sets(st.integers(0, 17), min_size=1, max_size=6),
)
def test_scores_by_spans_are_those_of_trec_eval_where_a_passage_holds_one(
    ranking: list[int], gold: set[int]
) -> None:
    trec = pytest.importorskip("pytrec_eval")

    def place(n: int) -> tuple[str, int, int]:
        return f"{n}.md", 10, 20

    one = Asked(
        id="q", question="?", gold=tuple(GoldSpan(note=f"{n}.md", start=12, end=15) for n in gold)
    )
    chunks = [Chunk(note=place(n)[0], start=10, end=20) for n in ranking]
    ours = _scores(chunks, one)
    measures = {"recall_1,5,10", "recip_rank", "ndcg_cut_10"}
    judge = trec.RelevanceEvaluator({"q": {str(n): 1 for n in gold}}, measures)
    run = {str(n): float(100 - i) for i, n in enumerate(ranking[:10])}
    theirs = judge.evaluate({"q": run})["q"]
    for k in (1, 5, 10):
        assert ours[f"recall@{k}"] == pytest.approx(theirs[f"recall_{k}"])
    assert ours["mrr@10"] == pytest.approx(theirs["recip_rank"])
    assert ours["ndcg@10"] == pytest.approx(theirs["ndcg_cut_10"])


def test_rankings_are_scored_as_by_ranx() -> None:
    found = json.loads(FIGURES.read_text(encoding="utf-8"))
    qrels, run = work()
    assert (found["qrels"], found["run"]) == (qrels, run)  # made of this very work
    assert found["scores"].keys() == set(METRICS)
    for query, ranking in run.items():
        gold = qrels[query]
        gains = [gold.get(name, 0) for name in ranking]
        public = score(ranking, gold)
        ours = {
            **{f"recall@{k}": recall(ranking, gold, k) for k in (1, 5, 10)},
            **{f"hit_rate@{k}": public[f"hit@{k}"] for k in (1, 5, 10)},
            "mrr@10": reciprocal_rank(ranking, gold, 10),
            **{f"ndcg@{k}": ndcg(gains, list(gold.values()), k) for k in (3, 10)},
        }
        theirs = {metric: scores[query] for metric, scores in found["scores"].items()}
        assert ours == pytest.approx(theirs)
        assert public["mrr@10"] == pytest.approx(theirs["mrr@10"])
        assert public["ndcg@10"] == pytest.approx(theirs["ndcg@10"])


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0.001, 0.999), st.booleans()), min_size=3, max_size=60))
def test_calibration_is_that_of_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    sk = pytest.importorskip("sklearn.calibration")
    # away from the borders of bins, which belong to the upper one here and to the lower one there
    chances = np.array([c for c, _ in pairs])
    chances = np.where(
        np.abs(chances * 10 - np.round(chances * 10)) < 1e-6, chances + 1e-4, chances
    )
    happened = np.array([h for _, h in pairs])
    share, mean = sk.calibration_curve(happened, chances, n_bins=10, strategy="uniform")
    ours = verdicts.calibration(chances, happened)
    np.testing.assert_allclose([row[0] for row in ours], mean)
    np.testing.assert_allclose([row[1] for row in ours], share)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from(verdicts.LABELS), st.sampled_from(verdicts.LABELS)), min_size=1
    )
)
def test_the_confusion_matrix_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    sk = pytest.importorskip("sklearn.metrics")
    gold, said = zip(*pairs, strict=True)
    theirs = sk.confusion_matrix(gold, said, labels=list(verdicts.LABELS))
    ours = verdicts.confusion(gold, said)
    for i, truth in enumerate(verdicts.LABELS):
        for j, label in enumerate(verdicts.LABELS):
            assert ours.get((truth, label), 0.0) == theirs[i, j]


def test_the_paired_test_and_the_interval_are_those_of_scipy() -> None:
    scipy = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(3)
    first = rng.integers(0, 2, 14).astype(float)
    second = np.clip(first + rng.choice([0, 0, 1], 14), 0, 1)
    exact = scipy.permutation_test(
        (second - first,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    ours = paired_randomisation(first.tolist(), second.tolist())
    assert ours == pytest.approx(exact.pvalue, abs=0.02)
    values = rng.random(60)
    theirs = scipy.bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=1)
    assert bootstrap(values.tolist()) == pytest.approx(tuple(theirs.confidence_interval), abs=0.01)


def test_intervals_hold_the_mean_and_groups_make_them_wider() -> None:
    values = [0.0] * 50 + [1.0] * 50
    low, high = bootstrap(values)
    assert low < 0.5 < high
    array = np.array(values)

    def mean(weights: np.ndarray) -> float:
        return float(weights @ array / weights.sum())

    alone = grouped_interval(mean, [str(n) for n in range(100)])
    tied = grouped_interval(mean, [str(n // 10) for n in range(100)])
    assert tied[1] - tied[0] > 2 * (alone[1] - alone[0])


def test_the_paired_test_finds_what_differs_and_only_that() -> None:
    before = [0.0] * 20
    assert paired_randomisation(before, [1.0] * 20) < 0.001
    assert paired_randomisation(before, [1.0, -1.0] * 10) == pytest.approx(1.0)
    assert paired_randomisation(before, before) == 1
    # one difference of one item: both signs are as extreme
    assert paired_randomisation([0.0], [1.0]) == 1
    with pytest.raises(ValueError, match="paired"):
        paired_randomisation([0.0], [1.0, 2.0])
