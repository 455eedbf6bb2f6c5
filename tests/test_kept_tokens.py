"""Tokens of passages that the index keeps: those that would be read off the text, or none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from assistant.retrieval import retrieve
from corpus.checksums import LIST
from corpus.encoder import StaticEncoder, load_encoder
from corpus.index import Index
from corpus.inspection import inspected
from corpus.passages import encoded
from corpus.readers import Vault
from tests.fakes import HashingEncoder

NOTES = {
    "a.md": "# 向量检索\n\nHNSW 的召回率是 0.95,M=16。\n\n## ＬｏＲＡ\n\n低秩适配 ﬁne-tunes C++.\n",
    "b.md": "# 分词\n\n結巴把句子切成词。\n\n## 又\n\n%%% …\n\nWords are stemmed.\n",
}
QUERY = "召回率 LoRA 低秩 words"


@pytest.fixture(scope="module")
def encoder() -> StaticEncoder:
    found = load_encoder()
    assert isinstance(found, StaticEncoder)
    return found


@pytest.fixture
def folder(tmp_path: Path, encoder: StaticEncoder) -> Path:
    (tmp_path / "notes").mkdir()
    for name, text in NOTES.items():
        (tmp_path / "notes" / name).write_text(text, encoding="utf-8")
    with Index.open(tmp_path / "index", encoder=encoder) as index:
        index.refresh(Vault(tmp_path / "notes"))
    return tmp_path / "index"


def kept(index: Index) -> list[tuple[str, list[int] | None]]:
    """Text and kept tokens of all passages."""
    with index.snapshot() as now:
        chunks = [chunk for note in now.notes() for chunk in now.chunks_of(note.path)]
        found = now.tokens([chunk.id for chunk in chunks])
        texts = [now.note(c.note).text[c.start : c.end] for c in chunks]
    return [
        (text, None if each is None else each.tolist())
        for text, each in zip(texts, found, strict=True)
    ]


def changed(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "index.db")) as database, database:
        database.execute(statement)


def scores(folder: Path, encoder: StaticEncoder) -> list[tuple[int, float | None]]:
    with Index.open(folder, encoder=encoder) as index:
        return [(hit.chunk.id, hit.scores.rerank) for hit in retrieve(index, QUERY)]


def test_kept_tokens_are_those_of_the_text(folder: Path, encoder: StaticEncoder) -> None:
    with Index.open(folder, encoder=encoder) as index:
        found = kept(index)
    assert len(found) >= 2
    for text, numbers in found:
        assert numbers == sorted(set(encoder.token_ids(text).tolist()))


def test_vectors_are_those_of_the_texts_together(encoder: StaticEncoder) -> None:
    passages = [["题", "一 > 二", "召回率 0.95"], ["只有这一行"], ["Title", "x" * 7000]]
    matrix, tokens = encoded(encoder, passages)
    joined = encoder.encode_passages(["\n".join(texts) for texts in passages])
    assert np.array_equal(matrix, joined.astype("<f2"))
    assert [each is None for each in tokens] == [False, False, True]  # cut: nobody can tell


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE chunks DROP COLUMN tokens",
        "UPDATE chunks SET tokens = NULL",
        "UPDATE chunks SET tokens = x'ffff'",  # no such token
        "UPDATE chunks SET tokens = x'01'",
    ],
)
def test_without_them_the_order_is_the_same(
    folder: Path, encoder: StaticEncoder, statement: str
) -> None:
    before = scores(folder, encoder)
    assert len({score for _, score in before}) > 1
    if "DROP" in statement:  # an index of an earlier version
        changed(folder, "ALTER TABLE staged DROP COLUMN tokens")
    changed(folder, statement)
    assert scores(folder, encoder) == before
    with Index.open(folder, encoder=encoder) as index:
        assert {numbers is None for _, numbers in kept(index)} == {True}


def test_a_changed_token_is_found_where_no_seal_tells(folder: Path, encoder: StaticEncoder) -> None:
    assert inspected(folder, encoder=encoder, thorough=True) == []
    (folder / LIST).unlink()
    changed(folder, "UPDATE chunks SET tokens = x'0100' WHERE note = 'a.md'")
    found = [finding for finding in inspected(folder, encoder=encoder) if finding.name == "a.md"]
    assert [finding.detail.startswith("the tokens of passage") for finding in found] == [True]


def test_an_index_of_an_earlier_version_keeps_them_from_the_next_change_on(
    folder: Path, encoder: StaticEncoder
) -> None:
    for table in ("chunks", "staged"):
        changed(folder, f"ALTER TABLE {table} DROP COLUMN tokens")
    note = folder.parent / "notes" / "b.md"
    note.write_text("# 分词\n\n换了的内容。\n", encoding="utf-8")
    with Index.open(folder, encoder=encoder) as index:
        index.refresh(Vault(folder.parent / "notes"))
        found = kept(index)
    assert {numbers is None for text, numbers in found if "换了" in text} == {False}
    assert {numbers is None for text, numbers in found if "HNSW" in text} == {True}


def test_another_encoder_has_none(folder: Path, encoder: StaticEncoder) -> None:
    with Index.open(folder, encoder=HashingEncoder()) as index:
        assert {numbers is None for _, numbers in kept(index)} == {True}
        index.refresh(Vault(folder.parent / "notes"))
        assert {numbers is None for _, numbers in kept(index)} == {True}
    with Index.open(folder, encoder=encoder) as index:  # and back again: its vectors were kept
        index.refresh(Vault(folder.parent / "notes"))
        assert {numbers is None for _, numbers in kept(index)} == {False}


def test_what_stands_above_a_passage_is_read_by_itself_to_the_same_vector(
    encoder: StaticEncoder,
) -> None:
    above = ["C++", "第 3", "ＬｏＲＡ 微调", "e\u0301", "…", "", "2024-05"]
    below = [
        "+ 召回率 0.95",
        "\u0301x 低秩适配",
        "5 维向量",
        "ﬁne-tunes",
        "words",
        "长" * 6_100,
        "",
    ]
    passages = [(a, b, c) for a in above for b in above for c in below] + [(c,) for c in below]
    vectors, tokens = encoder.encode_parts(passages)
    assert np.array_equal(vectors, encoder.encode_passages(["\n".join(p) for p in passages]))
    for texts, kept_ones in zip(passages, tokens, strict=True):
        found = encoder.known_tokens(kept_ones)
        if found is not None:
            assert found.tolist() == sorted(set(encoder.token_ids(texts[-1]).tolist()))
    assert [kept_ones is None for kept_ones in tokens] == [len(t[-1]) > 6_000 for t in passages]
