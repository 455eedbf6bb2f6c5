from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import retrieval
from assistant.retrieval import Filters, retrieve, rrf
from corpus.index import Index
from corpus.readers import Vault
from corpus.types import Note
from tests.fakes import HashingEncoder


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("retrieval")
    (folder / "notes" / "ml").mkdir(parents=True)
    notes = {
        "ml/lora.md": "---\ntags: [ml/peft]\ndate: 2023-06-02\n---\n# LoRA\n\nLoRA 冻结权重。\n",
        "ml/hnsw.md": "---\ntags: [ann]\ndate: 2024-05-31\n---\n# HNSW\n\nHNSW 是图索引。\n",
        "bat.md": "# 蝙蝠\n\n蝙蝠靠回声定位。\n",
    }
    for path, text in notes.items():
        (folder / "notes" / path).write_text(text, encoding="utf-8")
    with Index.open(folder / "index", encoder=HashingEncoder()) as opened:
        opened.refresh(Vault(folder / "notes"))
        yield opened


def paths(index: Index, query: str, **filters: str) -> list[str]:
    return [hit.note.path for hit in retrieve(index, query, filters=Filters(**filters))]


def test_the_passage_with_the_words_comes_first(index: Index) -> None:
    for query, path in (("冻结权重", "ml/lora.md"), ("回声", "bat.md"), ("hnsw 图", "ml/hnsw.md")):
        hits = retrieve(index, query)
        assert hits[0].note.path == path
        assert hits[0].text == hits[0].note.text[hits[0].chunk.start : hits[0].chunk.end]


def test_hits_are_sorted_and_scored_in_the_unit_interval(index: Index) -> None:
    hits = retrieve(index, "LoRA HNSW 蝙蝠")
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert len({hit.chunk.id for hit in hits}) == len(hits) == 3
    assert all(0 <= score <= 1 + 1e-9 for score in scores)
    for hit in hits:
        assert hit.scores.bm25 is not None
        assert hit.scores.bm25 >= 0
        assert hit.scores.cosine is not None
        assert -1 - 1e-6 <= hit.scores.cosine <= 1 + 1e-6


def test_the_same_query_gives_the_same_hits(index: Index) -> None:
    assert retrieve(index, "LoRA 索引") == retrieve(index, "LoRA 索引")


@pytest.mark.parametrize("query", ["", "  \n", "？？", "\u200b"])
def test_a_query_without_words_finds_nothing(index: Index, query: str) -> None:
    assert retrieve(index, query) == []


def test_no_more_hits_than_asked(index: Index) -> None:
    assert len(retrieve(index, "LoRA HNSW 蝙蝠", k=2)) == 2
    assert retrieve(index, "LoRA", k=0) == []


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    with Index.open(tmp_path, encoder=HashingEncoder()) as empty:
        assert retrieve(empty, "LoRA") == []


def test_filters_leave_the_notes_that_pass(index: Index) -> None:
    query = "LoRA HNSW 蝙蝠"
    assert set(paths(index, query, folder="ml")) == {"ml/lora.md", "ml/hnsw.md"}
    assert paths(index, query, tag="ml") == ["ml/lora.md"]
    assert paths(index, query, title="hnsw") == ["ml/hnsw.md"]
    assert paths(index, query, until="2023") == ["ml/lora.md"]


def test_a_filter_finds_what_ranks_behind_everything_else(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieval, "_FILTERED", 1)
    hits = retrieve(index, "LoRA 冻结权重 回声", k=1, filters=Filters(title="蝙蝠"))
    monkeypatch.setattr(retrieval, "_FILTERED", 1000)
    assert [hit.note.path for hit in hits] == ["bat.md"]
    assert hits == retrieve(index, "LoRA 冻结权重 回声", k=1, filters=Filters(title="蝙蝠"))


NOTE = Note(
    path="ML/PEFT/lora.md",
    title="LoRA 笔记",
    text="x",
    sha256="",
    file="ML/PEFT/lora.md",
    date="2023-06-02",
    tags=("ML/peft", "微調"),
    aliases=("低秩适配",),
)
ENTRY = Note(path="feed.txt#L3", title="x", text="x", sha256="", file="feed.txt")


@pytest.mark.parametrize(
    "folder", ["ML", "ML/", "/ML", "./ML", "ML\\PEFT", "ML/PEFT", "ML/*", "*.md", "/", "."]
)
def test_a_folder_is_a_prefix_or_a_pattern(folder: str) -> None:
    assert Filters(folder=folder).admits(NOTE)


@pytest.mark.parametrize("folder", ["M", "PEFT", "ML/PEFT/lora", "ml", "*.txt"])
def test_another_folder_is_left_out(folder: str) -> None:
    assert not Filters(folder=folder).admits(NOTE)


def test_a_file_can_be_named_as_folder() -> None:
    assert Filters(folder="ML/PEFT/lora.md").admits(NOTE)
    assert Filters(folder="feed.txt").admits(ENTRY)


@pytest.mark.parametrize(
    ("tag", "admitted"),
    [
        ("ml", True),
        ("#ML", True),
        ("ml/peft", True),
        ("ml/", True),
        ("微调", True),
        ("peft", False),
        ("m", False),
    ],
)
def test_a_tag_finds_the_tags_nested_in_it(tag: str, admitted: bool) -> None:
    assert Filters(tag=tag).admits(NOTE) is admitted


@pytest.mark.parametrize(
    ("since", "until", "admitted"),
    [
        ("2023", None, True), ("2023-06", None, True), ("2023-06-02", None, True),
        ("2023-06-03", None, False), ("2024", None, False), (None, "2023", True),
        (None, "2023-06", True), (None, "2023-06-02", True), (None, "2023-06-01", False),
        (None, "2023-05", False), (None, "2022", False), ("2023", "2023", True),
    ],
)  # fmt: skip
def test_dates_are_compared_as_precisely_as_they_are_given(
    since: str | None, until: str | None, admitted: bool
) -> None:
    filters = Filters(since=since, until=until)
    assert filters.admits(NOTE) is admitted
    assert not filters.admits(ENTRY)  # it has no date


@pytest.mark.parametrize("title", ["lora", "\uff2c\uff4f\uff32\uff21", "笔记", "低秩", "低秩適配"])
def test_a_title_or_alias_is_found_whatever_case_and_script(title: str) -> None:
    assert Filters(title=title).admits(NOTE)
    assert not Filters(title=title).admits(ENTRY)


def test_no_filter_is_open() -> None:
    assert Filters().is_open
    assert Filters().admits(NOTE)
    assert not Filters(tag="x").is_open


def test_rrf_is_the_sum_of_reciprocal_ranks() -> None:
    assert rrf([[1, 2], [2]], k=60) == {1: 1 / 61, 2: 1 / 62 + 1 / 61}


@given(st.lists(st.lists(st.integers(0, 9), unique=True), max_size=4))
def test_rrf_ignores_the_order_of_its_rankings(rankings: list[list[int]]) -> None:
    one, other = rrf(rankings), rrf(rankings[::-1])
    assert one.keys() == other.keys()
    assert all(one[i] == pytest.approx(other[i]) for i in one)
    assert all(0 < score <= len(rankings) / 61 + 1e-12 for score in one.values())


def test_rrf_refuses_repeats_and_a_damping_below_one() -> None:
    with pytest.raises(ValueError, match="repeats"):
        rrf([[1, 1]])
    with pytest.raises(ValueError, match="at least 1"):
        rrf([[1]], k=0)


def test_reranking_moves_hits_but_leaves_scores_to_their_places(index: Index) -> None:
    plain = retrieve(index, "LoRA HNSW 蝙蝠", reranked=False)
    moved = retrieve(index, "LoRA HNSW 蝙蝠")
    assert {hit.chunk.id for hit in plain} == {hit.chunk.id for hit in moved}
    assert [hit.score for hit in plain] == [hit.score for hit in moved]
    preferred = [hit.scores.rerank or 0.0 for hit in moved]
    assert preferred == sorted(preferred, reverse=True)
    assert sum(preferred) == pytest.approx(1)
    assert all(hit.scores.rerank is None for hit in plain)


def test_only_the_first_hits_are_reranked_and_ties_go_by_id(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieval, "RERANKED", 2)
    monkeypatch.setattr(retrieval, "rerank", lambda now, query, hits: np.ones(len(hits)))
    plain = retrieve(index, "LoRA HNSW 蝙蝠", reranked=False)
    moved = retrieve(index, "LoRA HNSW 蝙蝠")
    assert [h.chunk.id for h in moved[:2]] == sorted(h.chunk.id for h in plain[:2])
    assert moved[2:] == plain[2:]


def test_filtered_hits_are_reranked_too(index: Index) -> None:
    hits = retrieve(index, "LoRA HNSW 蝙蝠", filters=Filters(folder="ml"))
    assert len(hits) == 2
    assert sum(hit.scores.rerank or 0.0 for hit in hits) == pytest.approx(1)
