"""A base with what went and came since: the same scores, files and findings as one built anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import caches, inspection
from corpus.ann import ExactIndex, GraphIndex
from corpus.bm25 import BM25
from corpus.index import Index
from corpus.inspection import inspected
from corpus.layered import Layered, LayeredNeighbours
from corpus.readers import Vault
from corpus.store import Store
from corpus.tokens import terms
from tests.fakes import HashingEncoder
from tests.faults import World
from tests.indexed import content, found_by, write
from tests.test_bm25 import QUERIES, WORDS
from tests.test_index import Op, apply, edits

DOCUMENTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=12), max_size=14)
PIECES = ["适", "lora", "o", "+", "é", "𠀀", "中"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an index of a few passages have a base, whatever share of it changes."""
    for module in (caches, inspection):
        monkeypatch.setattr(module, "EXACT_LIMIT", 2)
    monkeypatch.setattr(caches, "_WEARS", 0)


@given(DOCUMENTS, st.data(), QUERIES)
def test_words_are_scored_as_if_all_passages_were_counted_anew(
    documents: list[list[str]], data: st.DataObject, query: list[str]
) -> None:
    base = BM25.build(np.arange(len(documents), dtype=np.int64) * 3 + 5, documents)
    gone = data.draw(st.sets(st.sampled_from(base.ids.tolist()))) if documents else set()
    more = data.draw(st.lists(st.lists(st.sampled_from([*WORDS, "neu", "Δ"])), max_size=6))
    ids = np.arange(len(more), dtype=np.int64) + 3 * len(documents) + 7
    layered = Layered(base, np.array(sorted(gone), np.int64), ids, more)
    kept = [(i, d) for i, d in zip(base.ids.tolist(), documents, strict=True) if i not in gone]
    anew = BM25.build(
        np.array([i for i, _ in kept] + ids.tolist(), np.int64), [d for _, d in kept] + more
    )
    assert len(layered) == len(anew)
    assert layered.ids.tolist() == anew.ids.tolist()
    every = [*base.ids.tolist(), *ids.tolist(), 10**9]
    for asked in (query, dict.fromkeys(query, 0.3), ["neu"], [*WORDS, "neu"]):
        assert layered.top(asked, 5) == anew.top(asked, 5)  # to the last bit
        assert layered.top(asked, 99) == anew.top(asked, 99)
        assert layered.scores(asked, every) == anew.scores(asked, every)
    words = [*WORDS, "neu", "Δ", "unknown"]
    assert layered.holds(words, every).tolist() == anew.holds(words, every).tolist()
    for word in words:
        assert (layered.df(word), layered.idf(word)) == (anew.df(word), anew.idf(word))
    for piece in PIECES:  # a few more may be held by the end of one term and the start of the next
        said = [i for i, d in zip(anew.ids.tolist(), [d for _, d in kept] + more, strict=True)
                if any(piece in word for word in d)]  # fmt: skip
        assert set(said) <= set(layered.containing([piece]).tolist()) <= set(anew.ids.tolist())
    assert layered.containing([]).tolist() == anew.ids.tolist()


def test_a_passage_that_is_older_than_the_base_is_refused() -> None:
    base = BM25.build(np.array([5, 9]), [["a"], ["b"]])
    with pytest.raises(ValueError, match="not newer"):
        Layered(base, np.zeros(0, np.int64), np.array([9]), [["c"]])


def test_neighbours_of_a_base_and_of_what_came_are_those_of_all() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(3000, 24)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = np.arange(3000, dtype=np.int64)
    graph = GraphIndex.build(ids[:2600], vectors[:2600])
    # those nearest to one place go all together, as the passages of an edited note do
    gone = set(np.argsort(-(vectors[:2600] @ vectors[7]))[:300].tolist())
    layered = LayeredNeighbours(graph, gone, ExactIndex(ids[2600:], vectors[2600:]))
    stays = np.array([i for i in range(3000) if i not in gone])
    exact = ExactIndex(stays, vectors[stays])
    assert len(layered) == len(exact) == 2700
    hits = 0
    for query in [7, *rng.choice(3000, 99, replace=False).tolist()]:
        found = layered.nearest(vectors[query], 10)
        assert len(found) == 10
        assert not gone & {id_ for id_, _ in found}
        hits += len({i for i, _ in found} & {i for i, _ in exact.nearest(vectors[query], 10)})
    assert hits / 1000 >= 0.98
    assert layered.nearest(np.zeros(24, np.float32), 5) == []
    assert len(layered.nearest(vectors[7], 5000)) > 2600
    assert len(graph.nearest(vectors[7], 3000)) == 2600  # the graph is as it was


@pytest.mark.usefixtures("small")
@settings(max_examples=12)
@given(rounds=edits(), reopened=st.booleans())
def test_after_any_edits_a_base_serves_as_an_index_built_anew(
    rounds: list[list[Op]], *, reopened: bool
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        notes, encoder = Path(scratch, "notes"), HashingEncoder()
        for number in range(4):
            write(notes / f"kept{number}.md", f"# {number}\n\n留下的第{number}篇，低秩 LoRA。\n")
        folder, kept = Path(scratch, "index"), Index.open(Path(scratch, "index"), encoder=encoder)
        kept.refresh(Vault(notes))
        for ops in rounds:
            for op in ops:
                apply(notes, op)
            with Index.open(folder, encoder=encoder) as writer:
                (writer if reopened else kept).refresh(Vault(notes))
            _is_as_anew(Path(scratch), notes, kept, encoder)
        kept.close()


def _is_as_anew(scratch: Path, notes: Path, kept: Index, encoder: HashingEncoder) -> None:
    """Hold an index against one built anew, and its scores against all passages counted anew."""
    store = Store.open(scratch / "index")
    with store.reading() as reader:
        anew = BM25.build(*reader.terms())
    store.close()
    for query in ("留下的第2篇", "低秩 LoRA 矩阵", "标题 a b"):
        assert kept.bm25(terms(query), 99) == anew.top(terms(query), 99)
    assert inspected(scratch / "index", encoder=encoder) == []
    with tempfile.TemporaryDirectory() as other, Index.open(Path(other), encoder=encoder) as full:
        full.refresh(Vault(notes))
        for query in ("留下的第2篇", "低秩 LoRA 矩阵", "标题 a b"):
            assert found_by(kept, query) == found_by(full, query)
            scores = [[s for _, s in one.bm25(terms(query), 99)] for one in (kept, full)]
            assert scores[0] == scores[1]  # in this order, to the last bit
        assert content(Path(other)) == content(scratch / "index")


@pytest.mark.usefixtures("small")
def test_an_edit_writes_no_cache_and_carries_their_checksums(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.refresh()
    before = {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in world.folder.glob("*-*.*")}
    assert {name.partition("-")[0] for name in before} >= {"bm25", "hnsw"}
    sealed = {e.name: e for e in Store(world.folder).seal.entries if e.start is None}
    world.write("control3.md", "# 对照3\n\n对照笔记3说秩取3。后来添了蝙蝠。\n")
    with world.open() as index:
        assert index.refresh(Vault(world.notes)).changed == 1
        assert index.chunks([index.bm25(terms("蝙蝠"), 1)[0][0]])[0].note == "control3.md"
        assert index.nearest("后来添了蝙蝠", 1)[0][0] == index.bm25(terms("蝙蝠"), 1)[0][0]
    assert (
        before.items()
        <= {
            p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in world.folder.glob("*-*.*")
        }.items()
    )
    assert {e.name: e for e in Store(world.folder).seal.entries if e.start is None} == sealed
    assert world.content() == world.anew()


@pytest.mark.usefixtures("small")
def test_of_a_deleted_note_no_word_stays_in_a_base(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("secret.md", "# 密\n\nzyzzyva 低秩。\n")
    world.refresh()

    def holders() -> set[str]:
        return {p.name[:4] for p in world.folder.iterdir() if b"zyzzyva" in p.read_bytes()}

    assert "bm25" in holders()
    world.write("more.md", "# 多\n\n一篇新的。\n")
    world.refresh()
    assert "bm25" in holders()  # the base stays
    (world.notes / "secret.md").rename(world.notes / "kept.md")
    world.refresh()
    assert "bm25" in holders()
    (world.notes / "kept.md").unlink()
    world.refresh()
    assert holders() == set()
    assert world.content() == world.anew()


def test_a_base_is_made_anew_when_much_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (caches, inspection):
        monkeypatch.setattr(module, "EXACT_LIMIT", 5)
    monkeypatch.setattr(caches, "_WEARS", 5)  # a fifth of the passages
    world = World(tmp_path)
    world.refresh()
    stamps = []
    for number in range(5):
        world.write(
            f"control{number}.md", f"# 对照{number}\n\n对照笔记{number}说秩取{number}。新\n"
        )
        world.refresh()
        store = Store.open(world.folder)
        with store.reading() as reader:
            stamps.append(reader.base.stamp.partition("-")[0])
        store.close()
        assert inspected(world.folder, encoder=world.encoder) == []
    assert stamps == ["1", "1", "4", "4", "4"]
    assert len(list(world.folder.glob("bm25-*"))) == 1
    assert len(list(world.folder.glob("hnsw-*"))) == 2
    assert world.content() == world.anew()
