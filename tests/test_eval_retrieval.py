from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from rank_bm25 import BM25Okapi

from assistant import cli
from assistant.reranking import FEATURES
from corpus.errors import ConfigError
from eval import retrieval, zero_hits
from eval.retrieval import (
    Passage,
    _jieba_terms,
    _latent,
    bootstrap,
    category,
    is_dev,
    load_set,
    score,
)
from eval.training import reranker

PASSAGES = [
    {
        "id": "a",
        "title": "LoRA",
        "text": "LoRA 冻结预训练权重，只训练低秩矩阵。",
        "heading": "SECRET",
    },
    {"id": "b", "title": "HNSW", "text": "HNSW 是一种图索引，用来查找最近邻。"},
    {"id": "c", "title": "", "text": "Bats find their way by echolocation in the dark."},
    {"id": "d", "title": "蝙蝠", "text": "蝙蝠靠回声定位，在黑暗里捕食。"},
]
QUERIES = [
    {"id": f"q{n}", "text": text}
    for n, text in enumerate(
        (
            "LoRA 冻结什么？",
            "图索引查找什么",
            "how do bats find their way",
            "蝙蝠怎么定位",
            "低秩矩阵",
        )
    )
]
JUDGED = ("q0 a 1", "q1 b 1", "q2 c 1", "q2 d 0", "q3 d 2", "q3 c 1", "q4 a 1")
QRELS = "\n".join(("query-id corpus-id score", *JUDGED)).replace(" ", "\t") + "\n"


def write(base: Path) -> None:
    base.mkdir(parents=True)
    for name, rows in (("corpus", PASSAGES), ("queries", QUERIES)):
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        (base / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (base / "qrels.tsv").write_text(QRELS, encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write(tmp_path / "toy")
    return tmp_path


def test_a_set_is_read_and_its_halves_are_disjoint(data: Path) -> None:
    every = load_set(data, "toy", "all")
    assert every.passages[0] == Passage("a", "LoRA", "LoRA 冻结预训练权重，只训练低秩矩阵。")
    assert every.gold["q3"] == {"d": 2, "c": 1}
    assert every.gold["q2"] == {"c": 1}  # grade 0 is a rejection
    dev, test = (load_set(data, "toy", split).queries for split in ("dev", "test"))
    assert dev.keys() | test.keys() == every.queries.keys()
    assert not dev.keys() & test.keys()
    assert all(is_dev(id_) for id_ in dev)


def test_a_set_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_set(tmp_path, "none", "dev")


def test_metrics_are_those_of_their_definitions() -> None:
    found = score(["x", "d", "c"], {"d": 2, "c": 1})
    assert (found["hit@1"], found["hit@5"], found["hit@10"]) == (0, 1, 1)
    assert found["mrr@10"] == 1 / 2
    ideal = 2 / math.log2(2) + 1 / math.log2(3)
    assert found["ndcg@10"] == pytest.approx((2 / math.log2(3) + 1 / math.log2(4)) / ideal)
    assert set(score(["x"] * 3, {"d": 1}).values()) == {0.0}
    assert score([*"0123456789", "d"], {"d": 1})["mrr@10"] == 0


def test_the_interval_holds_the_mean_and_is_the_same_each_time() -> None:
    values = [0.0, 1.0, 1.0, 0.0, 1.0, 1.0] * 10
    low, high = bootstrap(values)
    assert low < sum(values) / len(values) < high
    assert bootstrap(values) == (low, high)
    assert bootstrap([1.0] * 5) == (1, 1)
    assert bootstrap([]) == (0, 0)


def test_the_lexical_rival_ranks_as_rank_bm25(data: Path) -> None:
    passages = load_set(data, "toy", "all").passages
    okapi = BM25Okapi([retrieval._jieba_terms(p.full) for p in passages])
    for row in QUERIES:
        scores = okapi.get_scores(retrieval._jieba_terms(row["text"]))
        order = [passages[n].id for n in np.argsort(-scores, kind="stable") if scores[n] > 0]
        assert retrieval._lexical(passages, retrieval._jieba_terms)(row["text"]) == order


def run(*words: str) -> int:
    return cli.main(["eval", *words])


def test_the_suite_prints_a_table_and_keeps_every_query(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    out = data / "out.json"
    words = ("retrieval", "toy", "--data", str(data), "--split", "all", "--out", str(out))
    assert run(*words) == 0
    printed = capsys.readouterr().out
    result = json.loads(out.read_text(encoding="utf-8"))
    methods = [
        "BM25 + jieba", "BM25 + bigrams", "LSA", "dense alone", "RRF", "fused", "fused + reranked",
    ]  # fmt: skip
    assert list(result["figures"]["toy"]["methods"]) == methods
    assert all(method in printed for method in ("toy (n = 5)", *methods))
    assert result["commit"]
    ranks = result["items"]["toy"]
    assert ranks.keys() == {row["id"] for row in QUERIES}
    best = result["figures"]["toy"]["methods"]["fused + reranked"]
    assert best["hit@1"][0] == pytest.approx(
        sum(r["fused + reranked"] == 1 for r in ranks.values()) / 5
    )
    assert best["hit@5"][0] == 1  # there are only four passages
    kinds = result["figures"]["toy"]["categories"]
    assert sum(kind["n"] for kind in kinds.values()) == 5
    assert sum(kind["n"] * kind["fused"][0] for kind in kinds.values()) == pytest.approx(
        5 * result["figures"]["toy"]["methods"]["fused"]["hit@1"][0], abs=1e-3
    )


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("倒排索引是什么", "Chinese question"), ("倒排 索引", "Chinese words"),
        ("How does HNSW work", "English question"), ("HNSW graph", "English words"),
        ("LoRA 的秩怎么选", "mixed question"), ("LoRA 微调", "mixed words"),
        ("5 个国家？", "Chinese question"),
    ],
)  # fmt: skip
def test_a_query_without_a_category_has_that_of_its_script_and_form(query: str, kind: str) -> None:
    assert category(query) == kind


def test_the_category_of_a_set_is_taken_as_it_is(data: Path) -> None:
    rows = [{**row, "category": "lookup"} for row in QUERIES]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (data / "toy" / "queries.jsonl").write_text(lines, "utf-8")
    assert set(load_set(data, "toy", "all").categories.values()) == {"lookup"}


def test_the_latent_rival_ranks_as_scikit_learn_transforms(data: Path) -> None:
    pytest.importorskip("sklearn")
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    found = load_set(data, "toy", "all")
    texts = [passage.full for passage in found.passages]
    weigh = TfidfVectorizer(analyzer=_jieba_terms, sublinear_tf=True)
    table = weigh.fit_transform(texts)
    svd = TruncatedSVD(min(table.shape) - 1, random_state=20_020)
    rows = svd.fit_transform(table)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rank = _latent(found.passages)
    for query in found.queries.values():
        scores = rows @ svd.transform(weigh.transform([query]))[0]
        best = found.passages[int(np.argmax(scores))].id
        if scores.max() > 1e-3:
            assert rank(query)[0] == best


def test_zero_hits_counts_questions_that_share_no_term_with_their_passage(tmp_path: Path) -> None:
    base = tmp_path / "zero"
    base.mkdir()
    rows = {
        "corpus": [{"id": "a", "text": "倒排索引的组成"}, {"id": "b", "text": "蝙蝠靠回声定位"}],
        "queries": [
            {"id": "1", "text": "倒排索引是什么"}, {"id": "2", "text": "夜行动物"},
            {"id": "3", "text": "索引"}, {"id": "4", "text": "english only"},
        ],
    }  # fmt: skip
    for name, values in rows.items():
        lines = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
        (base / f"{name}.jsonl").write_text(lines, "utf-8")
    (base / "qrels.tsv").write_text("1\ta\t1\n2\tb\t1\n3\tb\t1\n4\ta\t1\n", "utf-8")
    assert zero_hits.count(load_set(tmp_path, "zero", "all")) == zero_hits.Count(
        n=3, nothing=1, apart=2
    )


def test_the_suite_needs_the_folder_of_sets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("retrieval", "toy", "toy") == 2
    assert "--data" in capsys.readouterr().err
    assert run("answers", "feed", "sample") == 2
    assert "one set" in capsys.readouterr().err


def test_fields_that_stay_out_of_the_index_are_not_in_the_notes(data: Path) -> None:
    found = load_set(data, "toy", "all")
    with retrieval.indexed(found.passages, reranker.load_encoder()) as (index, ids):
        notes = list(index.notes())
        assert sorted(ids.values()) == ["a", "b", "c", "d"]
    assert not any("SECRET" in note.text for note in notes)
    assert {note.title for note in notes} >= {"LoRA", "HNSW", "蝙蝠"}


def test_training_learns_which_feature_answers(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    draw = np.random.default_rng(3)
    examples = []
    for n in range(40):
        rows = draw.normal(size=(8, len(FEATURES))).astype(np.float32)
        labels = np.zeros(8, np.int64)
        labels[rows[:, 2].argmax()] = 1
        labels[rows[:, 2].argmin()] = -1  # neither right nor wrong
        examples.append(
            reranker.Example(
                set="toy", family=f"f{n % 2}", id=f"q{n}", rows=rows, labels=labels,
                groups=tuple("abcdefgh"),
            )
        )  # fmt: skip
    fitted = reranker.fit_weights(examples, penalty=0.1, trust=0.0)
    assert int(np.abs(fitted.weight).argmax()) == 2
    assert fitted.weight[2] > 0
    scores = [fitted.scores(e.rows) for e in examples]
    assert reranker.hit_rates(examples, scores)["toy"][0] > 0.8  # chance is 1 of 7
    reranker.train(examples, tmp_path / "model.json")
    written = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert written["names"] == list(FEATURES)
    assert len(written["weight"]) == len(FEATURES)
    with pytest.raises(ValueError, match="no question"):
        reranker.fit_weights([])


def test_examples_come_from_the_products_own_hits(data: Path) -> None:
    found = load_set(data, "toy", "all")
    examples = list(reranker.public(found, 3))
    assert len(examples) == 3
    for example in examples:
        assert example.rows.shape == (len(example.labels), len(FEATURES))
        gold = found.gold[example.id]
        assert [g in gold for g in example.groups] == (example.labels == 1).tolist()
