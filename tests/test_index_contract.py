"""One contract for every index: what `corpus.protocol` says, held by the folder and by Milvus."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from assistant.retrieval import Filters, browse, retrieve
from corpus.errors import CorpusError, ManyGone
from corpus.milvus.address import MilvusAddress
from corpus.milvus.snapshot import MilvusSnapshot
from corpus.opening import open_index
from corpus.protocol import Index, Snapshot
from corpus.readers import Vault
from corpus.tokens import content_terms, terms
from tests.fakes import HashingEncoder
from tests.milvus_notes import NOTES, need_milvus, write_note, write_notes

ENGINES = ["folder", "milvus"]
QUERIES = [
    "LoRA 冻结权重", "图索引 ef 召回", "奖励模型 DPO 策略", "reference model frozen", "回声定位",
    "王小米 读了什么", "一模一样", "今天", "没有的词 xyzzy", "？？",
]  # fmt: skip
FILTERS = [
    Filters(folder="ml"), Filters(folder="ml/deep"), Filters(folder="ml/*.md"),
    Filters(folder="日记"), Filters(folder="bat.md"), Filters(folder="[bm]*"),
    Filters(tag="ml"), Filters(tag="#ML/peft"), Filters(tag="检索"), Filters(tag="m"),
    Filters(since="2024"), Filters(until="2024-05"), Filters(since="2024-06", until="2024-06"),
    Filters(title="hnsw"), Filters(title="图索引"), Filters(title="hnsw  图"),
    Filters(title="低秩"), Filters(notes=("LoRA",)), Filters(notes=("deep/dpo", "bat")),
    Filters(notes=("hnsw#ef",)), Filters(tag="ml", also=(Filters(since="2024"),)),
    Filters(title='a"b\\%_'),
]  # fmt: skip

PHRASES = [
    "冻结原模型", "两个低秩矩阵", "reference_model", "The reference", "model", "100% 的召回",
    'a "quoted"', "王小米", "一模一样的一段话", "LoRA 和 DPO", "不在任何地方", "path_%s')",
    "\\\\ path", " ", "m",
]  # fmt: skip

Opened = Callable[..., Index]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Index]]:
    """Opens an index of an engine, by a name of its own; closed at the end."""
    with ExitStack() as stack:

        def open_(engine: str, name: str = "index", encoder: HashingEncoder | None = None) -> Index:
            if engine == "milvus":
                need_milvus()
            place = (
                MilvusAddress(uri=str(tmp_path / f"{name}.db"), is_lite=True)
                if engine == "milvus"
                else tmp_path / name
            )
            return stack.enter_context(open_index(place, encoder=encoder or HashingEncoder()))

        yield open_


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Index, Index]]:
    """The same notes in a folder and in Milvus."""
    need_milvus()
    folder = tmp_path_factory.mktemp("contract")
    notes = write_notes(folder / "notes")
    place = MilvusAddress(uri=str(folder / "index.db"), is_lite=True)
    with (
        open_index(folder / "index", encoder=HashingEncoder()) as local,
        open_index(place, encoder=HashingEncoder()) as milvus,
    ):
        for index in (local, milvus):
            index.refresh(Vault(notes))
        yield local, milvus


def places(now: Snapshot) -> dict[str, list[tuple[int, int, tuple[str, ...], int]]]:
    """The passages of each note."""
    return {
        row.path: [(c.start, c.end, c.heading, c.line) for c in now.chunks_of(row.path)]
        for row in now.listing()
    }


def content(index: Index) -> tuple[object, ...]:
    """Everything that an index says of its notes but ids."""
    with index.snapshot() as now:
        notes = list(now.notes())
        said = sorted({term for note in notes for term in terms(f"{note.title}\n{note.text}")})
        return (
            notes,
            now.listing(),
            places(now),
            (now.n_notes, now.n_chunks),
            {term: now.df(term) for term in said},
            {term: pytest.approx(now.idf(term)) for term in said},
        )


def by_place(index: Index, found: list[tuple[int, float]]) -> dict[tuple[str, int], float]:
    with index.snapshot() as now:
        chunks = {chunk.id: chunk for chunk in now.chunks([id_ for id_, _ in found])}
        return {(chunks[i].note, chunks[i].start): score for i, score in found}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_refresh_says_what_it_did(engine: str, opened: Opened, tmp_path: Path) -> None:
    notes, index = write_notes(tmp_path / "notes"), opened(engine)
    report = index.refresh(Vault(notes))
    assert (report.added, report.n_notes, report.unchanged) == (len(NOTES), len(NOTES), 0)
    assert index.refresh(Vault(notes)).is_noop

    write_note(notes / "bat.md", "# 蝙蝠\n\n蝙蝠是哺乳动物。\n")
    write_note(notes / "new.md", "# 新\n\n新的笔记。\n")
    (notes / "twin-b.md").unlink()
    (notes / "ml/lora.md").rename(notes / "ml/adapter.md")
    report = index.refresh(Vault(notes))
    assert (report.added, report.changed, report.renamed, report.deleted) == (1, 1, 1, 1)
    assert ("renamed", "ml/lora.md → ml/adapter.md") in report.changes
    assert report.n_notes == len(NOTES)
    with index.snapshot() as now:
        assert "哺乳" in now.note("bat.md").text
        with pytest.raises(CorpusError):
            now.note("twin-b.md")


@pytest.mark.parametrize("engine", ENGINES)
def test_every_passage_is_where_it_says(engine: str, opened: Opened, tmp_path: Path) -> None:
    index = opened(engine)
    index.refresh(Vault(write_notes(tmp_path / "notes")))
    with index.snapshot() as now:
        notes = {note.path: note for note in now.notes()}
        assert {path: note.text for path, note in notes.items()} == NOTES
        for path, note in notes.items():
            chunks = now.chunks_of(path)
            assert now.chunks([chunk.id for chunk in chunks]) == chunks
            covered = set()
            for chunk in chunks:
                assert note.text[chunk.start : chunk.end].strip()
                assert note.line_of(chunk.start) == chunk.line
                covered |= set(range(chunk.start, chunk.end))
            body = range(note.body_start, len(note.text))
            assert all(at in covered or note.text[at].isspace() for at in body)
        assert now.chunks([12345]) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_edits_in_any_order_end_like_a_build_anew(
    engine: str, opened: Opened, tmp_path: Path
) -> None:
    dice = random.Random(20_241)
    notes, index = write_notes(tmp_path / "notes"), opened(engine)
    index.refresh(Vault(notes))
    for _ in range(5):
        for path in dice.sample(sorted(NOTES), 3):
            file = notes / path
            if file.exists() and dice.random() < 0.3:
                file.unlink()
            else:
                text = NOTES[path] + "\n".join(
                    dice.choices(["多一段。\n", "# 题\n", "more text\n"])
                )
                write_note(file, text)
        index.refresh(Vault(notes))
    anew = opened(engine, "anew")
    anew.refresh(Vault(notes))
    assert content(index) == content(anew)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_unchanged_is_not_encoded_again(
    engine: str, opened: Opened, tmp_path: Path
) -> None:
    encoder = HashingEncoder()
    notes, index = write_notes(tmp_path / "notes"), opened(engine, encoder=encoder)
    index.refresh(Vault(notes))
    before = encoder.n_encoded
    write_note(notes / "ml/hnsw.md", NOTES["ml/hnsw.md"] + "\n## 新\n\n多了一段。\n")
    (notes / "ml/lora.md").rename(notes / "lora.md")
    index.refresh(Vault(notes))
    assert encoder.n_encoded - before == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_most_notes_are_not_forgotten_unasked(engine: str, opened: Opened, tmp_path: Path) -> None:
    notes, index = write_notes(tmp_path / "notes"), opened(engine)
    index.refresh(Vault(notes))
    before = content(index)
    for path in list(NOTES)[:6]:
        (notes / path).unlink()
    with pytest.raises(ManyGone):
        index.refresh(Vault(notes), forget=False)
    assert content(index) == before
    assert index.refresh(Vault(notes), forget=True).n_notes == 2


@pytest.mark.parametrize("engine", ENGINES)
def test_another_encoder_replaces_all_vectors(engine: str, opened: Opened, tmp_path: Path) -> None:
    notes, index = write_notes(tmp_path / "notes"), opened(engine)
    index.refresh(Vault(notes))
    index.close()
    newer = HashingEncoder(version="2")
    index = opened(engine, encoder=newer)
    assert index.is_migrating
    with index.snapshot() as now:  # words find until then
        assert now.nearest("LoRA", 5) == []
        assert now.bm25(["lora"], 5)
    index.refresh(Vault(notes))
    assert not index.is_migrating
    anew = opened(engine, "anew", newer)
    anew.refresh(Vault(notes))
    assert by_place(index, index.nearest("LoRA 权重", 99)) == pytest.approx(
        by_place(anew, anew.nearest("LoRA 权重", 99))
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_rebuild_gives_the_same(engine: str, opened: Opened, tmp_path: Path) -> None:
    encoder = HashingEncoder()
    notes, index = write_notes(tmp_path / "notes"), opened(engine, encoder=encoder)
    index.refresh(Vault(notes))
    before, n_encoded = content(index), encoder.n_encoded
    for n in (2, 3):
        index.refresh(Vault(notes), rebuild=True)
        assert encoder.n_encoded == n * n_encoded
        assert content(index) == before


@pytest.mark.parametrize("engine", ENGINES)
def test_an_empty_index_finds_nothing(engine: str, opened: Opened) -> None:
    index = opened(engine)
    assert retrieve(index, "LoRA 冻结", filters=Filters(tag="ml"), phrases=["冻结"]) == []
    assert browse(index) == []
    status = index.status()
    assert (status.n_notes, status.generation, status.encoder, index.n_chunks) == (0, 0, None, 0)
    assert index.idf("lora") == 0
    assert not index.is_migrating


@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_that_cannot_be_read_is_told(engine: str, opened: Opened, tmp_path: Path) -> None:
    notes, index = write_notes(tmp_path / "notes"), opened(engine)
    (notes / "broken.pdf").write_bytes(b"no pdf at all")
    (notes / "image.xyz").write_bytes(b"\0")
    report = index.refresh(Vault(notes))
    assert "broken.pdf" in {one.path for one in report.skipped}
    assert index.status().skipped == report.skipped


def test_both_hold_the_same(pair: tuple[Index, Index]) -> None:
    local, milvus = pair
    assert content(local) == content(milvus)


@pytest.mark.parametrize("query", QUERIES)
def test_both_give_the_same_scores(pair: tuple[Index, Index], query: str) -> None:
    local, milvus = pair
    for name in ("bm25", "nearest"):
        said = query if name == "nearest" else content_terms(query)
        found = [by_place(index, getattr(index, name)(said, 99)) for index in pair]
        assert found[0] == pytest.approx(found[1], abs=1e-6), name
        assert list(found[0].values()) == pytest.approx(list(found[1].values()), abs=1e-6)
        assert len(milvus.bm25(content_terms(query), 1)) <= 1
    with local.snapshot() as here, milvus.snapshot() as there:
        every = {path: list(here.chunks_of(path)) for path in NOTES}
        for path, chunks in every.items():
            others = [chunk.id for chunk in there.chunks_of(path)]
            ids = [chunk.id for chunk in chunks]
            said = content_terms(query)
            assert here.score_bm25(said, ids) == pytest.approx(there.score_bm25(said, others))
            assert here.cosine(query, ids) == pytest.approx(there.cosine(query, others), abs=1e-6)
            unique = list(dict.fromkeys(said))
            assert np.array_equal(here.holds(unique, ids), there.holds(unique, others))


def ranking(index: Index, query: str, **how: object) -> list[tuple[str, float]]:
    """Hits as text and score: twins count for the same, whichever comes first."""
    hits = retrieve(index, query, k=50, **how)  # type: ignore[arg-type]
    return [(hit.text, round(hit.score, 5)) for hit in hits]


@pytest.mark.parametrize("query", QUERIES)
def test_both_rank_alike(pair: tuple[Index, Index], query: str) -> None:
    for reranked in (False, True):
        local, milvus = (ranking(index, query, reranked=reranked) for index in pair)
        assert local == milvus
    assert bool(local) == (query != "？？")


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_both_rank_alike_within_filters(pair: tuple[Index, Index], filters: Filters) -> None:
    for query in ("LoRA 索引 模型 一模一样 今天 蝙蝠", "frozen 图"):
        local, milvus = (ranking(index, query, filters=filters) for index in pair)
        assert local == milvus


@pytest.mark.parametrize("filters", [f for f in FILTERS if "[" not in (f.folder or "")], ids=str)
def test_a_narrowed_search_finds_every_note_that_passes(
    pair: tuple[Index, Index], filters: Filters
) -> None:
    """A depth of one: what passes is found though better passages are shut out."""
    query = "LoRA 索引 模型 一模一样 今天 蝙蝠 dpo"
    with pair[1].snapshot() as now:
        admitted = {row.path for row in now.listing() if filters.admits(row)}
        narrow = now.narrowed(filters)
        lexical, dense = narrow.candidates(content_terms(query), query, 1)
        found = {chunk.note for chunk in now.chunks([*lexical, *dense])}
        with_words = {
            chunk.note for chunk in now.chunks([i for i, _ in now.bm25(content_terms(query), 99)])
        }
    assert bool(found & admitted) == bool(admitted & with_words)


def rank_ranges(found: list[tuple[int, float]]) -> tuple[dict[int, int], dict[int, int]]:
    """The first and the last rank that a hit may have among those of the same score."""
    scores = [score for _, score in found]
    same = [[n for n, other in enumerate(scores, 1) if abs(other - s) < 1e-6] for s in scores]
    first = {i: min(ranks) for (i, _), ranks in zip(found, same, strict=True)}
    return first, {i: max(ranks) for (i, _), ranks in zip(found, same, strict=True)}


def test_the_server_fuses_as_we_do(pair: tuple[Index, Index]) -> None:
    for query in QUERIES[:5]:
        with pair[1].snapshot() as now:
            assert isinstance(now, MilvusSnapshot)
            said = content_terms(query)
            branches = [now.bm25(said, 99), now.nearest(query, 99)]
            theirs = dict(now.hybrid(said, query, 99))
        # equal scores may come in either order: each fused score lies between the two extremes
        least, most = ({i: 0.0 for found in branches for i, _ in found} for _ in range(2))
        for found in branches:
            upper, lower = rank_ranges(found)
            for i, _ in found:
                most[i] += 1 / (60 + upper[i])
                least[i] += 1 / (60 + lower[i])
        assert theirs.keys() == most.keys()
        assert all(least[i] - 1e-6 <= theirs[i] <= most[i] + 1e-6 for i in theirs)


@pytest.mark.parametrize("phrase", PHRASES)
def test_both_find_the_same_phrases(pair: tuple[Index, Index], phrase: str) -> None:
    local, milvus = pair
    found = []
    for index in (local, milvus):
        with index.snapshot() as now:
            held = now.holding(phrase)
            assert held == sorted(held)
            spots = sorted((chunk.note, chunk.start) for chunk in now.chunks(held))
            few = now.holding(phrase, at_most=2)
            assert few == [] or few == held
            found.append((spots, len(few)))
    assert found[0] == found[1]


@pytest.mark.parametrize("word", ["lora", "低秩", "双生", "peft", "图索引", "nothing", "%", "_"])
def test_both_know_the_same_names(pair: tuple[Index, Index], word: str) -> None:
    with pair[0].snapshot() as here, pair[1].snapshot() as there:
        assert here.has_name(word) == there.has_name(word)
        for at_most in (1, 60):
            asked = [here.has_heading(word, at_most=at_most) for _ in range(12)]
            assert asked == [there.has_heading(word, at_most=at_most)] * 12


def test_both_search_for_exact_phrases_alike(pair: tuple[Index, Index]) -> None:
    local, milvus = (ranking(index, "论文", phrases=["LoRA 和 DPO"]) for index in pair)
    assert local == milvus
    assert len(local) == 1
