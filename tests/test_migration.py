"""Changing the encoder: the old index answers, nothing that is known is encoded again."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.pipeline import Assistant
from corpus.encoder import Encoder
from corpus.errors import ModelError
from corpus.index import Index
from corpus.readers import Vault
from tests.fakes import HashingEncoder

NOTES = {f"n{i}.md": f"# 标题{i}\n\n第 {i} 篇说的是 word{i} 和别的。\n" for i in range(6)}


class SlowEncoder(HashingEncoder):
    """Waits in the middle of encoding until it may go on."""

    def __init__(self) -> None:
        super().__init__(dim=32)
        self.reached, self.may_go = threading.Event(), threading.Event()

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As the parent, but later."""
        self.reached.set()
        assert self.may_go.wait(30)
        return super().encode_passages(texts)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def opened(tmp_path: Path, encoder: Encoder, *known: Encoder) -> Index:
    def earlier(name: str) -> Encoder:
        for one in known:
            if one.name == name:
                return one
        raise ModelError(f"no model {name}")

    return Index.open(tmp_path / "index", encoder=encoder, earlier=earlier)


def n_encoded(tmp_path: Path, notes: Path, version: str) -> int:
    encoder = HashingEncoder(version=version)
    with opened(tmp_path, encoder) as index:
        index.refresh(Vault(notes))
        assert index.nearest("word3", 1)
    return encoder.n_encoded


def test_going_back_to_an_encoder_costs_nothing(tmp_path: Path, notes: Path) -> None:
    assert n_encoded(tmp_path, notes, "a") == len(NOTES)
    assert n_encoded(tmp_path, notes, "b") == len(NOTES)
    assert n_encoded(tmp_path, notes, "a") == 0
    (notes / "n2.md").write_text("# 标题2\n\n改过的。\n", encoding="utf-8")
    assert n_encoded(tmp_path, notes, "b") == 1


def test_going_back_gives_the_vectors_of_an_index_built_anew(tmp_path: Path, notes: Path) -> None:
    for version in "aba":
        n_encoded(tmp_path, notes, version)
    n_encoded(tmp_path / "anew", notes, "a")
    found = []
    for folder in (tmp_path, tmp_path / "anew"):
        with opened(folder, HashingEncoder(version="a")) as index, index.snapshot() as now:
            chunks = {c.id: c.note for note in NOTES for c in now.chunks_of(note)}
            found.append([(chunks[i], round(s, 5)) for i, s in now.nearest("第 3 篇 word3", 6)])
    assert sorted(found[0]) == sorted(found[1])


def test_only_the_last_two_encoders_are_kept(tmp_path: Path, notes: Path) -> None:
    for version in "abcd":
        n_encoded(tmp_path, notes, version)
    assert n_encoded(tmp_path, notes, "b") == 0
    assert n_encoded(tmp_path, notes, "a") == len(NOTES)


def test_a_rebuild_encodes_again(tmp_path: Path, notes: Path) -> None:
    for version in "ab":
        n_encoded(tmp_path, notes, version)
    encoder = HashingEncoder(version="a")
    with opened(tmp_path, encoder) as index:
        index.refresh(Vault(notes), rebuild=True)
    assert encoder.n_encoded == len(NOTES)


def test_a_deleted_note_leaves_no_kept_vector(tmp_path: Path, notes: Path) -> None:
    for version in "ab":
        n_encoded(tmp_path, notes, version)
    for path in notes.iterdir():
        if path.name != "n0.md":
            path.unlink()
    n_encoded(tmp_path, notes, "b")
    with opened(tmp_path, HashingEncoder(version="b")) as index, index._store.reading() as reader:
        assert reader._sql.execute("SELECT count(*) FROM kept").fetchone() == (1,)


def test_an_index_of_an_earlier_version_without_kept_vectors_is_migrated(
    tmp_path: Path, notes: Path
) -> None:
    n_encoded(tmp_path, notes, "a")
    with opened(tmp_path, HashingEncoder(version="a")) as index, index._store.writing() as writer:
        writer._sql.execute("DROP TABLE kept")
    assert n_encoded(tmp_path, notes, "b") == len(NOTES)
    assert n_encoded(tmp_path, notes, "a") == 0


def test_the_old_index_answers_by_its_own_encoder_until_the_new_one_is_ready(
    tmp_path: Path, notes: Path
) -> None:
    old, new = HashingEncoder(dim=64), SlowEncoder()
    with opened(tmp_path, old) as index:
        index.refresh(Vault(notes))
        before = index.nearest("word3", 3)
    with opened(tmp_path, new, old) as index:
        assert index.is_migrating
        worker = threading.Thread(target=lambda: index.refresh(Vault(notes)))
        worker.start()
        assert new.reached.wait(30)
        assert index.nearest("word3", 3) == before
        with index.snapshot() as now:
            assert now.encoder is old
        new.may_go.set()
        worker.join(30)
        assert not index.is_migrating
        with index.snapshot() as now:
            assert now.encoder is new
        assert index.nearest("word3", 3)


def test_an_old_encoder_that_is_gone_leaves_search_by_words(tmp_path: Path, notes: Path) -> None:
    with opened(tmp_path, HashingEncoder()) as index:
        index.refresh(Vault(notes))
    other = HashingEncoder(version="2")  # of the same name, with other weights
    for known in ((), (other,)):
        with opened(tmp_path, HashingEncoder(dim=32), *known) as index:
            assert index.nearest("word3", 3) == []
            assert index.bm25(["word3"], 3)


def test_progress_is_told_in_passages(tmp_path: Path, notes: Path) -> None:
    told: list[tuple[int, int]] = []
    with opened(tmp_path, HashingEncoder()) as index:
        index.refresh(Vault(notes), encoding=lambda done, total: told.append((done, total)))
    assert told[-1] == (len(NOTES), len(NOTES))
    told.clear()
    with opened(tmp_path, HashingEncoder(version="2")) as index:
        index.refresh(Vault(notes), encoding=lambda done, total: told.append((done, total)))
    assert told[-1] == (len(NOTES), len(NOTES))
    assert all(0 < done <= total for done, total in told)


def test_the_assistant_migrates_in_a_thread_and_answers_meanwhile(
    tmp_path: Path, notes: Path
) -> None:
    with Assistant.open(notes, tmp_path / "index") as assistant:
        assistant.refresh()
    slow = SlowEncoder()
    from corpus.encoder import load_encoder

    index = Index.open(tmp_path / "index", encoder=slow, earlier=load_encoder)
    with Assistant(index, vault=Vault(notes), encoder=slow) as assistant:
        worker = assistant.migrate()
        assert assistant.migrate() is worker
        assert slow.reached.wait(30)
        hits = assistant.find("word3")
        assert hits[0].note.path == "n3.md"
        assert (hits[0].scores.cosine or 0) > 0.2
        slow.may_go.set()
        worker.join(30)
        assert not assistant.index.is_migrating
        assert "n3.md" in {hit.note.path for hit in assistant.find("word3")}


def test_a_migration_that_fails_leaves_the_old_index(
    tmp_path: Path, notes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Assistant.open(notes, tmp_path / "index") as assistant:
        assistant.refresh()
        found = [hit.chunk for hit in assistant.find("word3")]
        shutil.move(notes, tmp_path / "elsewhere")
        assistant.migrate().join(30)
        assert [hit.chunk for hit in assistant.find("word3")] == found
    assert "the index stays as it was" in caplog.text
