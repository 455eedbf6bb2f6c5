"""The parts of the index on Milvus that need no Milvus: addresses, expressions, counts, weights."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.cli import main
from assistant.config import load_config
from assistant.filters import Filters
from corpus.bm25 import BM25
from corpus.errors import ConfigError
from corpus.milvus import connecting
from corpus.milvus.address import MilvusAddress, milvus_address
from corpus.milvus.expressions import like, narrowing
from corpus.milvus.ingest import Share
from corpus.milvus.rows import bucket_of, chunk_id, note_of, note_rows
from corpus.milvus.statistics import (
    Counts,
    Segment,
    Statistics,
    Totals,
    average_idf,
    bits_for,
    merged,
    saturated,
    term_number,
)
from corpus.types import Note

counters = st.dictionaries(st.integers(0, (1 << 32) - 4), st.integers(1, 1 << 30), max_size=50)


def test_an_address_names_a_server_or_a_file(tmp_path: Path) -> None:
    assert milvus_address("milvus://db.local:19531/team") == MilvusAddress(
        uri="http://db.local:19531", database="team"
    )
    assert milvus_address("milvus://[::1]/?tls=1&index=diskann&shards=4") == MilvusAddress(
        uri="https://[::1]:19530", index="DISKANN", shards=4
    )
    found = milvus_address("milvus:notes.db", base=tmp_path)
    assert found == MilvusAddress(uri=str(tmp_path / "notes.db"), is_lite=True)
    assert milvus_address("notes") is None
    assert str(milvus_address("milvus://h/team?shards=2")) == "milvus://h:19530/team"


@pytest.mark.parametrize(
    "text",
    [
        "milvus:", "milvus:notes", "milvus://", "milvus:///db", "milvus://h:port/db",
        "milvus://h/a/b", "milvus://h/db?index=BTREE", "milvus://h/db?shards=0",
        "milvus://h/db?shards=17", "milvus://h/db?user=me", "milvus://me:secret@h/db",
    ],
)  # fmt: skip
def test_what_is_no_address_is_told_without_its_password(text: str) -> None:
    with pytest.raises(ConfigError) as told:
        milvus_address(text)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_the_index_may_be_named_in_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "youju.toml"
    file.write_text('index = "milvus:team.db"\n', encoding="utf-8")
    config = load_config(file=file)
    assert config.index == MilvusAddress(uri=str(tmp_path / "team.db"), is_lite=True)
    assert not config.is_named
    assert load_config(file=file, notes=tmp_path).is_named
    assert load_config(file=file, index="here").index == Path("here")
    flag = load_config(index="milvus://h/db")
    assert flag.index == milvus_address("milvus://h/db")


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["ask", "q", "--index", "milvus:x"], 2, "ending in .db"),
        (["index", "--index", "milvus:x.db"], 2, "Which notes"),
        (["index", "{notes}", "--worker", "1/2"], 2, "goes with a Milvus index"),
        (["index", "{notes}", "--worker", "3/2"], 2, "write the share as 1/4"),
        (["ask", "q", "--index", "milvus:x.db"], 1, "pip install 'youju[milvus]'"),
    ],
)
def test_wrong_use_is_told_in_one_line(
    argv: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(connecting, "find_spec", lambda name: None)
    (tmp_path / "a.md").write_text("# A\n\n一段话。\n", encoding="utf-8")
    assert main([part.format(notes=tmp_path) for part in argv]) == code
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_filters_become_expressions() -> None:
    assert narrowing(Filters()) == ""
    assert narrowing(Filters(since="2024", until="2024-05")) == (
        '(date >= "2024") and (date != "" and date < "2024-05~")'
    )
    assert narrowing(Filters(tag="#ML/RAG ")) == r'(tags like "%|ml/rag/%")'
    assert narrowing(Filters(folder="./a_b/")) == (
        r'(note == "a_b" or file == "a_b" or note like "a\\_b/%")'
    )
    assert narrowing(Filters(folder="[ab]*")) == ""
    assert like("words", '100% "a_b" \\') == r'words like "%100\\% \"a\\_b\" \\\\%"'
    assert 'names like "%lora%"' in narrowing(Filters(notes=("LoRA#秩",)))


@given(counters)
def test_a_table_of_counts_comes_back_from_its_rows(counted: dict[int, int]) -> None:
    table = Counts.of(Counter(counted))
    for bits in (0, 3):
        rows = list(table.rows(Segment.all(7, bits)))
        assert len(rows) == 1 << bits
        assert all(len(row["payload"]) < 65_535 for row in rows)
        back = merged([Counts.unpacked(row["payload"]) for row in rows])
        assert dict(zip(back.numbers.tolist(), back.counts.tolist(), strict=True)) == counted
    assert all(table[number] == n for number, n in counted.items())
    assert table[(1 << 32) - 1] == 0


@given(counters, counters)
def test_counts_change_as_passages_come_and_go(
    first: dict[int, int], second: dict[int, int]
) -> None:
    table = Counts.of(Counter(first)).changed(Counter(second))
    gone = table.changed(Counter({number: -n for number, n in second.items()}))
    assert gone.numbers.tolist() == sorted(first)
    assert [gone[number] for number in sorted(first)] == [first[n] for n in sorted(first)]


def test_segments_fit_a_text_column_at_every_size() -> None:
    dice = np.random.default_rng(5)
    for n_terms in (3_999, 4_001, 60_000):
        numbers = dice.choice((1 << 32) - 3, n_terms, replace=False).tolist()
        counts = dice.integers(1, 1 << 31, n_terms).tolist()  # of a large vault, which pack worst
        table = Counts.of(Counter(dict(zip(numbers, counts, strict=True))))
        segments = Segment.all(0, bits_for(n_terms))
        assert max(len(row["payload"]) for row in table.rows(segments)) <= 65_535
        touched = Segment.of_terms(0, bits_for(n_terms), numbers[:3])
        assert {row["id"] for row in table.rows(touched)} <= {s.id for s in segments}


def made(documents: list[list[str]], parts: int) -> Statistics:
    """Statistics as several workers leave them."""
    tables, totals = [], []
    for part in range(parts):
        own = documents[part::parts]
        counted = Counter(term_number(t) for d in own for t in set(d))
        tables.append(Counts.of(counted))
        totals.append((part, Totals(n_chunks=len(own), bits=2)))
    average = average_idf(merged(tables), len(documents))
    rows = {
        row["id"]: row["payload"]
        for part, table in enumerate(tables)
        for row in table.rows(Segment.all(part, 2))
    }
    return Statistics(totals, average, lambda ids: [(i, rows[i]) for i in ids if i in rows])


words = st.lists(st.sampled_from("甲 乙 丙 丁 rag lora x y".split()), max_size=12)


@given(st.lists(words, min_size=1, max_size=12), st.integers(1, 3), words)
def test_weights_and_scores_are_those_of_rank_bm25(
    documents: list[list[str]], parts: int, query: list[str]
) -> None:
    if not any(documents):
        return
    bm25 = BM25.build(np.arange(len(documents), dtype=np.int64), documents)
    weights = made(documents, parts)
    pivot = sum(map(len, documents)) / len(documents)
    for term in {*query, "nowhere"}:
        assert weights.df(term) == bm25.df(term)
        assert weights.idf(term) == pytest.approx(bm25.idf(term))
    ours = []
    for document in documents:
        sparse = saturated(document, pivot)
        held = [term for term in query if term_number(term) in sparse]
        ours.append(sum(weights.idf(term) * sparse[term_number(term)] for term in held))
    assert ours == pytest.approx(bm25.scores(query, list(range(len(documents)))), abs=1e-5)


def test_only_the_segments_of_a_query_are_loaded() -> None:
    numbers = np.random.default_rng(1).choice((1 << 32) - 3, 200_000, replace=False).tolist()
    table = Counts.of(Counter({number: 1 for number in numbers}))
    asked: list[str] = []
    kept = {row["id"]: row["payload"] for row in table.rows(Segment.all(0, 7))}

    def load(ids: list[str]) -> list[tuple[str, str]]:
        asked.extend(ids)
        return [(i, kept[i]) for i in ids]

    weights = Statistics([(0, Totals(n_chunks=9, bits=7))], 1.0, load)
    weights.prefetch(["lora", "rag", "索引"])
    assert len(asked) <= 3
    n = len(asked)
    for term in ("lora", "rag", "索引", "rag"):
        weights.df(term)
    assert len(asked) == n


@given(st.text(max_size=40), st.integers(0, 40_000))
def test_a_note_comes_back_from_its_rows(text: str, n: int) -> None:
    note = Note(
        path="文/a.md", title="题", text=text + "字𠮷" * n, sha256="00", file="文/a.md",
        tags=("a", "b/c"), aliases=("别名",), date="2024-01",
    )  # fmt: skip
    rows = note_rows(note)
    assert note_of(list(reversed(rows))) == note
    assert all(len(row["text"].encode("utf-8")) <= 65_535 for row in rows)
    if len(rows) > 1:
        assert note_of(rows[:-1]) is None
    assert {row["id"] for row in rows} == {row["id"] for row in note_rows(note)}


def test_ids_follow_from_content() -> None:
    ids = {chunk_id(path, key, n) for path in ("a", "b") for key in (b"1", b"2") for n in (0, 1)}
    assert len(ids) == 8
    assert all(0 <= i < 1 << 63 for i in ids)
    assert chunk_id("a", b"1", 0) == chunk_id("a", b"1", 0)


def test_workers_share_all_files_evenly() -> None:
    files = [f"notes/{n}.md" for n in range(4000)]
    shares = Counter(bucket_of(file, 4) for file in files)
    assert sum(shares.values()) == 4000
    assert max(shares.values()) < 1.15 * min(shares.values())
    assert Share().buckets(3) == [0, 1, 2]
    assert Share(number=2, of=3).buckets(3) == [1]
    with pytest.raises(ConfigError, match="begun by 3 workers"):
        Share(number=2, of=2).buckets(3)
