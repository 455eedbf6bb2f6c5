from __future__ import annotations

import math
import random
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from corpus.bm25 import BM25

WORDS = ["低秩", "适配", "lora", "bge-m3", "c++", "a", "é", "𠀀", "的"]
DOCUMENTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=12), min_size=1, max_size=14)
QUERIES = st.lists(st.sampled_from([*WORDS, "未知"]), max_size=6)


def build(documents: list[list[str]]) -> BM25:
    return BM25.build(np.arange(len(documents), dtype=np.int64) * 3 + 5, iter(documents))


def saved(bm25: BM25) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bm25.bin")
        bm25.save(path, stamp="1-a")
        return path.read_bytes()


@given(DOCUMENTS, QUERIES)
def test_scores_are_those_of_rank_bm25(documents: list[list[str]], query: list[str]) -> None:
    bm25 = build(documents)
    if not any(documents):
        assert bm25.top(query, 5) == []
        return
    okapi = BM25Okapi(documents)
    if okapi.average_idf < 1e-12:  # rounding decides about its sign
        return  # see the test of small vaults
    expected = okapi.get_scores(query)
    ids = [3 * n + 5 for n in range(len(documents))]
    np.testing.assert_allclose(bm25.scores(query, ids), expected, rtol=1e-5, atol=1e-6)
    for term in set(query):
        assert bm25.df(term) == sum(term in document for document in documents)
        if term in okapi.idf:
            # the floor is a share of the mean, which is summed in another order
            assert math.isclose(bm25.idf(term), okapi.idf[term], rel_tol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_rankings_are_those_of_rank_bm25_on_random_corpora(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vocabulary = [f"t{n}" for n in range(400)]
    zipf = 1 / np.arange(1, 401)
    documents = [
        rng.choice(vocabulary, size=int(rng.integers(5, 120)), p=zipf / zipf.sum()).tolist()
        for _ in range(300)
    ]
    bm25, okapi = build(documents), BM25Okapi(documents)
    for _ in range(20):
        query = rng.choice(vocabulary, size=5).tolist()
        scores = okapi.get_scores(query)
        # rounded, since scores are kept as float32 and equal ones must stay equal
        order = sorted(range(300), key=lambda n: (-float(np.float32(scores[n])), n))
        found = bm25.top(query, 10)
        np.testing.assert_allclose(
            [s for _, s in found], [scores[n] for n in order[:10]], rtol=1e-5
        )
        ranked = [3 * n + 5 for n in order[:10]]
        for (id_, score), expected in zip(found, ranked, strict=True):
            assert id_ == expected or math.isclose(score, scores[(expected - 5) // 3], rel_tol=1e-6)


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=12), max_size=14), st.data())
def test_a_change_gives_what_building_anew_gives(
    documents: list[list[str]], data: st.DataObject
) -> None:
    old = BM25.build(np.arange(len(documents), dtype=np.int64) * 3 + 5, documents)
    gone = data.draw(st.sets(st.sampled_from(old.ids.tolist()))) if documents else set()
    more = data.draw(st.lists(st.lists(st.sampled_from([*WORDS, "neu", "Δ"])), max_size=4))
    first = 3 * len(documents) + 5
    new = np.arange(first, first + len(more), dtype=np.int64)
    changed = old.updated(np.array(sorted(gone), np.int64), new, more)
    kept = [n for n, id_ in enumerate(old.ids.tolist()) if id_ not in gone]
    anew = BM25.build(np.concatenate([old.ids[kept], new]), [*(documents[n] for n in kept), *more])
    assert changed is not None
    assert saved(changed) == saved(anew)


def test_new_passages_are_above_the_old_or_all_are_counted() -> None:
    old = build([["lora"], ["dpo"]])
    assert old.updated(np.zeros(0, np.int64), np.array([7]), [["ppo"]]) is None


@given(DOCUMENTS, QUERIES, st.integers(0, 20))
def test_the_best_come_first_ties_by_id_and_none_without_a_score(
    documents: list[list[str]], query: list[str], k: int
) -> None:
    bm25 = build(documents)
    every = [
        (3 * n + 5, s)
        for n, s in enumerate(bm25.scores(query, [3 * n + 5 for n in range(len(documents))]))
    ]
    expected = sorted(((i, s) for i, s in every if s > 0), key=lambda pair: (-pair[1], pair[0]))
    assert bm25.top(query, k) == expected[:k]


@pytest.mark.parametrize(
    "documents", [[["lora", "秩"]], [["lora"], ["dpo"]], [["lora", "秩"], ["lora", "dpo"]]]
)
def test_a_vault_of_one_or_two_passages_is_searchable(documents: list[list[str]]) -> None:
    # every weight of BM25Okapi is negative or zero here
    bm25 = build(documents)
    for number, document in enumerate(documents):
        for term in document:
            assert 3 * number + 5 in [id_ for id_, _ in bm25.top([term], 5)]
            assert bm25.idf(term) > 0


def test_a_term_said_twice_counts_twice_and_an_unknown_id_nothing() -> None:
    bm25 = build([["lora", "秩"], ["dpo"], ["ppo"]])
    [once] = bm25.scores(["lora"], [5])
    assert bm25.scores(["lora", "lora"], [5, 6, 99999]) == [2 * once, 0.0, 0.0]
    assert bm25.idf("未知") == math.log(3.5) - math.log(0.5)
    assert bm25.scores(["\ud800"], [5]) == [0.0]


@given(DOCUMENTS, QUERIES)
def test_what_is_saved_is_what_is_loaded(documents: list[list[str]], query: list[str]) -> None:
    bm25 = build(documents)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bm25.bin")
        bm25.save(path, stamp="1-a")
        loaded = BM25.load(path, stamp="1-a")
        assert loaded is not None
        assert [entry.name for entry in Path(folder).iterdir()] == ["bm25.bin"]
    assert len(loaded) == len(bm25)
    assert loaded.top(query, 99) == bm25.top(query, 99)
    for term in (*WORDS, "未知"):
        assert (loaded.df(term), loaded.idf(term)) == (bm25.df(term), bm25.idf(term))


def test_a_torn_changed_or_foreign_file_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "bm25.bin"
    build([["lora", "秩"], ["dpo"]]).save(path, stamp="1-a")
    whole = path.read_bytes()
    assert BM25.load(path, stamp="2-a") is None
    assert BM25.load(tmp_path / "none", stamp="1-a") is None
    for cut in range(0, len(whole), 7):
        path.write_bytes(whole[:cut])
        assert BM25.load(path, stamp="1-a") is None, cut
    for at in range(len(whole)):
        for bit in (1, 128):
            changed = bytearray(whole)
            changed[at] ^= bit
            path.write_bytes(changed)
            loaded = BM25.load(path, stamp="1-a")
            assert loaded is None, at


def test_building_leaves_ten_thousand_passages_in_seconds() -> None:
    rng = np.random.default_rng(0)
    documents = [[f"t{n}" for n in rng.integers(0, 5000, 60)] for _ in range(5000)]
    bm25 = build(documents)
    assert len(bm25.top(["t1", "t2", "t3"], 50)) == 50


def test_terms_are_found_by_their_first_letters_as_by_their_place() -> None:
    draw = random.Random(7)
    parts = ["", "模型", "模", "kamori12", "kamori1", "kamori123", "a", "𠀀", "zzzzzzzz"]
    known = sorted({"".join(draw.choices(parts, k=3)) for _ in range(300)} - {""})
    documents = [draw.sample(known, 9) for _ in range(200)]
    arrays = BM25.build(np.arange(len(documents), dtype=np.int64), documents)
    held = Counter(term for document in documents for term in set(document))
    absent = [term + draw.choice("a模\x7f") for term in known] + ["", "\ud800", "一"]
    for _ in range(2):  # by steps at first, by the letters once they are kept
        for term in [*known, *absent]:
            wanted = term.encode("utf-8", "surrogatepass")
            assert arrays._find(term) == arrays.number_of(wanted), term
            assert arrays._df(term) == held[term], term
    assert arrays._heads is not None
    assert list(arrays._heads) == sorted(arrays._heads)
