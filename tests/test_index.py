from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import caches as caches_module
from corpus import fingerprints
from corpus.index import Index
from corpus.readers import Vault
from corpus.tokens import terms
from tests.fakes import HashingEncoder
from tests.generated import entries, markdown
from tests.indexed import DPO, LORA, content, counts, encoder, found_by, index, notes, write

__all__ = ["encoder", "index", "notes"]  # fixtures


def test_an_index_is_built_and_asked(index: Index, notes: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = index.refresh(Vault(notes), progress=lambda done, total: seen.append((done, total)))
    assert counts(report) == (2, 0, 0, 0, 0)
    assert (report.n_notes, report.n_chunks) == (2, 2) == (index.n_notes, index.n_chunks)
    assert seen == [(1, 2), (2, 2)]
    [(id_, score)] = index.bm25(terms("低秩矩阵"), 5)
    [chunk] = index.chunks([id_])
    assert chunk.note == "lora.md"
    assert index.note("lora.md").text[chunk.start : chunk.end] == LORA.strip()
    assert index.score_bm25(terms("低秩矩阵"), [id_, 10**9]) == [score, 0.0]
    assert index.nearest("奖励模型", 1)[0][0] == index.chunks_of("sub/dpo.md")[0].id
    [(near, cosine), *_] = index.nearest("奖励模型", 5)
    assert index.cosine("奖励模型", [10**9, near]) == [0.0, pytest.approx(cosine, abs=1e-3)]
    assert index.df(terms("LoRA")[0]) == 1
    assert index.idf("未知的词") >= index.idf(terms("LoRA")[0])
    assert (
        [row.path for row in index.listing()]
        == [n.path for n in index.notes()]
        == ["lora.md", "sub/dpo.md"]
    )
    status = index.status()
    assert status.root == str(notes)
    assert (status.n_notes, status.n_chunks, status.generation) == (2, 2, 1)
    assert status.size_bytes > 0


def test_a_refresh_without_changes_reads_and_encodes_nothing(
    index: Index, notes: Path, encoder: HashingEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.refresh(Vault(notes))
    generation, encoded = index.generation, encoder.n_encoded
    vault = Vault(notes)
    monkeypatch.setattr(vault, "read", lambda file: pytest.fail(f"read {file.path}"))
    report = index.refresh(vault)
    assert report.is_noop
    assert report.unchanged == 2
    assert (index.generation, encoder.n_encoded) == (generation, encoded)


def test_a_file_that_was_only_touched_changes_nothing(index: Index, notes: Path) -> None:
    index.refresh(Vault(notes))
    write(notes / "lora.md", LORA)
    assert index.refresh(Vault(notes)).is_noop
    assert index.generation == 1


def test_only_changed_passages_are_encoded_again(
    tmp_path: Path, index: Index, encoder: HashingEncoder
) -> None:
    sections = [f"# 第{n}节\n\n" + f"第{n}节的内容很长。" * 40 + "\n\n" for n in range(8)]
    write(tmp_path / "notes" / "long.md", "".join(sections))
    index.refresh(Vault(tmp_path / "notes"))
    before = {c.heading: c.id for c in index.chunks_of("long.md")}
    encoded = encoder.n_encoded
    sections[3] = "# 第3节\n\n改写了。\n\n"
    write(tmp_path / "notes" / "long.md", "前言。\n\n" + "".join(sections))
    assert counts(index.refresh(Vault(tmp_path / "notes"))) == (0, 1, 0, 0, 0)
    assert encoder.n_encoded - encoded == 2  # the new opening and the rewritten section
    after = {c.heading: c.id for c in index.chunks_of("long.md")}
    assert {h for h in before if after.get(h) == before[h]} == {
        (f"第{n}节",) for n in range(8) if n != 3
    }


def test_a_rename_keeps_vectors_and_ids(index: Index, notes: Path, encoder: HashingEncoder) -> None:
    index.refresh(Vault(notes))
    [before], encoded = index.chunks_of("lora.md"), encoder.n_encoded
    (notes / "lora.md").rename(notes / "sub" / "renamed.md")
    assert counts(index.refresh(Vault(notes))) == (0, 0, 1, 0, 1)
    [after] = index.chunks_of("sub/renamed.md")
    assert (after.id, encoder.n_encoded) == (before.id, encoded)
    assert index.chunks_of("lora.md") == []


def test_two_notes_that_swap_their_names_are_told_apart(index: Index, notes: Path) -> None:
    index.refresh(Vault(notes))
    write(notes / "lora.md", DPO)
    write(notes / "sub" / "dpo.md", LORA)
    index.refresh(Vault(notes))
    [(id_, _)] = index.bm25(terms("低秩矩阵"), 5)
    assert index.chunks([id_])[0].note == "sub/dpo.md"


def test_a_deleted_note_leaves_nothing(index: Index, notes: Path, tmp_path: Path) -> None:
    write(notes / "secret.md", "# SECRETWORD\n\n秘密是 SECRETWORD。")
    index.refresh(Vault(notes))
    assert index.bm25(terms("SECRETWORD"), 5)
    (notes / "secret.md").unlink()
    assert counts(index.refresh(Vault(notes))) == (0, 0, 0, 1, 2)
    assert index.bm25(terms("SECRETWORD"), 5) == []
    assert index.df(terms("SECRETWORD")[0]) == 0
    assert not any(
        "SECRETWORD" in index.note(c.note).text
        for c in index.chunks([i for i, _ in index.nearest("SECRETWORD", 9)])
    )
    index.close()
    for path in (tmp_path / "index").iterdir():
        assert b"SECRETWORD" not in path.read_bytes()
        assert b"secretword" not in path.read_bytes()


def test_two_notes_may_say_the_same(index: Index, notes: Path) -> None:
    write(notes / "copy.md", LORA)
    index.refresh(Vault(notes))
    assert {c.note for c in index.chunks([i for i, _ in index.bm25(terms("低秩"), 5)])} == {
        "lora.md",
        "copy.md",
    }
    (notes / "copy.md").unlink()
    index.refresh(Vault(notes))
    assert len(index.bm25(terms("低秩"), 5)) == 1


def test_a_feed_gives_a_note_for_each_line(index: Index, tmp_path: Path) -> None:
    line = "LoRA 冻结原模型的权重，只训练两个低秩矩阵，参数量只有千分之一。" * 5
    write(tmp_path / "feed.txt", "\n".join(f"第{n}条 {line}" for n in range(4)))
    report = index.refresh(Vault(tmp_path / "feed.txt"))
    assert report.n_notes == 4
    assert index.note("feed.txt#L3").first_line == 3
    write(tmp_path / "feed.txt", "\n".join(f"第{n}条 {line}" for n in range(3)))
    assert counts(index.refresh(Vault(tmp_path / "feed.txt"))) == (0, 0, 0, 1, 3)


def test_another_vault_replaces_the_first(index: Index, notes: Path, tmp_path: Path) -> None:
    index.refresh(Vault(notes))
    write(tmp_path / "other" / "n.md", "# 别的\n\n别的库。")
    index.refresh(Vault(tmp_path / "other"))
    assert [row.path for row in index.listing()] == ["n.md"]
    assert index.status().root == str(tmp_path / "other")


Op = tuple[str, int, int, str]
NAMES = ["a.md", "b.md", "sub/c.md", "feed.txt", "d.md", "bad.md"]


def edits() -> st.SearchStrategy[list[list[Op]]]:
    """Rounds of edits, each followed by a refresh."""
    names = st.integers(0, len(NAMES) - 1)
    text = st.one_of(
        markdown(6), st.sampled_from([LORA, DPO, "", "\x00", LORA + DPO]),
        st.lists(entries().map(lambda e: e * 6), min_size=3, max_size=4).map("\n".join),
    )  # fmt: skip
    op = st.tuples(
        st.sampled_from(["write", "write", "append", "move", "copy", "delete"]), names, names, text
    )
    return st.lists(st.lists(op, min_size=1, max_size=4), min_size=1, max_size=4)


def apply(folder: Path, op: Op) -> None:
    kind, n, m, text = op
    one, other = folder / NAMES[n], folder / NAMES[m]
    if kind == "write":
        write(one, text)
    elif not one.exists():
        return
    elif kind == "append":
        write(one, one.read_text(encoding="utf-8") + "\n" + text)
    elif kind == "delete":
        one.unlink()
    elif kind == "copy":
        write(other, one.read_text(encoding="utf-8"))
    elif one != other:
        other.parent.mkdir(parents=True, exist_ok=True)
        one.replace(other)


@pytest.mark.parametrize("limit", [4096, 2])
@settings(max_examples=15)
@given(rounds=edits())
def test_refreshing_after_any_edits_gives_the_index_built_anew(
    limit: int, rounds: list[list[Op]]
) -> None:
    with tempfile.TemporaryDirectory() as base, pytest.MonkeyPatch.context() as patch:
        patch.setattr(caches_module, "EXACT_LIMIT", limit)  # 2: the graph is used, too
        notes, encoder = Path(base, "notes"), HashingEncoder(dim=16)
        notes.mkdir()
        with Index.open(Path(base, "old"), encoder=encoder, chunk_size=60) as old:
            for batch in rounds:
                for op in batch:
                    apply(notes, op)
                old.refresh(Vault(notes))
            with Index.open(Path(base, "new"), encoder=encoder, chunk_size=60) as new:
                new.refresh(Vault(notes))
                assert content(Path(base, "old")) == content(Path(base, "new"))
                for query in ("LoRA 低秩", "奖励模型 DPO"):
                    assert found_by(old, query)[0] == found_by(new, query)[0]
                    assert found_by(old, query)[1] == pytest.approx(
                        found_by(new, query)[1], abs=2e-3
                    )
                assert old.refresh(Vault(notes)).is_noop


@pytest.mark.parametrize("change", ["encoder", "size", "tokenizer", "rebuild"])
def test_a_changed_stage_migrates_by_itself(
    tmp_path: Path, notes: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(notes / "long.md", "# 长\n\n" + "LoRA 的秩取八，效果不错。" * 60)
    with Index.open(tmp_path / "index", encoder=HashingEncoder()) as index:
        index.refresh(Vault(notes))
    encoder = HashingEncoder(version="2" if change == "encoder" else "1")
    size = 100 if change == "size" else 480
    if change == "tokenizer":
        monkeypatch.setattr(fingerprints, "TOKENIZER_VERSION", "next")
    with Index.open(tmp_path / "index", encoder=encoder, chunk_size=size) as index:
        if change == "encoder":
            assert index.nearest("LoRA", 5) == []  # never vectors of one with queries of another
            assert index.cosine("LoRA", [1, 2]) == [0.0, 0.0]
            assert index.bm25(terms("LoRA"), 5)
        report = index.refresh(Vault(notes), rebuild=change == "rebuild")
        assert report.n_notes == 3
        expected = {"encoder": index.n_chunks, "rebuild": index.n_chunks, "tokenizer": 0}
        if change in expected:
            assert encoder.n_encoded == expected[change]
        assert index.nearest("LoRA", 5)
        assert index.refresh(Vault(notes)).is_noop
        with Index.open(tmp_path / "new", encoder=encoder, chunk_size=size) as new:
            new.refresh(Vault(notes))
    assert content(tmp_path / "index") == content(tmp_path / "new")


def test_vectors_held_in_memory_give_the_same_cosines_as_those_read(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.md").write_text(f"# note {number}\n\nalpha beta {number}\n", "utf-8")
    with Index.open(tmp_path / "index", encoder=HashingEncoder()) as index:
        index.refresh(Vault(folder))
        ids = [id_ for id_, _ in index.nearest("alpha", 12)]
        asked = [*ids[::-1], 10**9]
        first = index.cosine("alpha 3", asked)
        for _ in range(10):  # from some query on they are held
            assert index.cosine("alpha 3", asked) == first
        assert first[-1] == 0.0
        (folder / "3.md").write_text("# note 3\n\ngamma delta\n", "utf-8")
        index.refresh(Vault(folder))
        (moved,) = [chunk.id for chunk in index.chunks_of("3.md")]
        now = index.cosine("gamma delta", [moved])[0]
        assert now > index.cosine("alpha beta", [moved])[0]  # a new generation is not the old one


def test_notes_are_held_once_however_often_the_index_is_refreshed(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "same.md").write_text("# 同\n\n不变的一篇。\n", "utf-8")
    with Index.open(tmp_path / "index", encoder=HashingEncoder()) as index:
        held = []
        for number in range(4):
            (notes / "other.md").write_text(f"# 异\n\n第{number}版。\n", "utf-8")
            index.refresh(Vault(notes))
            held.append((index.note("same.md"), index.note("other.md")))
        assert all(same is held[0][0] for same, _ in held)  # what was made of it is found again
        assert [other.text[-4] for _, other in held] == ["0", "1", "2", "3"]
        assert len(index._caches._notes) == 2
        assert index._caches._n_chars == sum(len(note.text) for note in held[-1])


def test_what_a_refresh_wrote_is_not_read_again(
    index: Index, notes: Path, tmp_path: Path, encoder: HashingEncoder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(caches_module, "EXACT_LIMIT", 2)
    index.refresh(Vault(notes))
    (notes / "new.md").write_text("# 新\n\n说的是倒排索引。\n", "utf-8")
    index.refresh(Vault(notes))
    with monkeypatch.context() as patch:
        for kind in (caches_module.BM25, caches_module.GraphIndex):
            patch.setattr(kind, "load", lambda *_, **__: pytest.fail("read again"))
        said = found_by(index, "倒排索引")
    assert all(said)
    with Index.open(tmp_path / "index", encoder=encoder) as other:
        assert found_by(other, "倒排索引") == said
