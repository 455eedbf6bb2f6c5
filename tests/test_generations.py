"""What readers and writers of an index see of each other, of faults and of kills."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from corpus import caches as caches_module
from corpus.errors import IndexBusy, IndexError_, ModelError, YoujuError
from corpus.index import Index
from corpus.readers import Vault
from corpus.rows import IndexDamaged
from corpus.sealing import DATABASE
from corpus.store import Store
from corpus.tokens import terms
from tests.fakes import HashingEncoder
from tests.indexed import LORA, content, counts, encoder, found_by, index, notes, write

__all__ = ["encoder", "index", "notes"]  # fixtures


class Broken(HashingEncoder):
    """An encoder that fails after some passages, or returns nonsense."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        matrix = super().encode_passages(texts)
        if self.fault == "raise":
            raise RuntimeError("out of memory")
        return matrix[:, :3] if self.fault == "shape" else matrix * np.float32("nan")


@pytest.mark.parametrize("fault", ["raise", "shape", "nan"])
def test_an_encoder_that_fails_leaves_the_last_good_generation(
    tmp_path: Path, notes: Path, fault: str
) -> None:
    with Index.open(tmp_path / "index", encoder=HashingEncoder()) as index:
        index.refresh(Vault(notes))
    before = content(tmp_path / "index")
    write(notes / "new.md", "# 新\n\n新的笔记。")
    with Index.open(tmp_path / "index", encoder=Broken(fault)) as index:
        with pytest.raises((RuntimeError, ModelError)):
            index.refresh(Vault(notes))
        assert index.n_notes == 2
        assert index.bm25(terms("低秩"), 5)
    assert content(tmp_path / "index")["notes"] == before["notes"]


def test_a_reader_sees_one_generation_while_another_is_written(index: Index, notes: Path) -> None:
    index.refresh(Vault(notes))
    with index.snapshot() as old:
        ids = [id_ for id_, _ in old.bm25(terms("低秩"), 5)]
        (notes / "lora.md").unlink()
        write(notes / "new.md", "# 新\n\n低秩的新笔记。")
        start = time.perf_counter()
        index.refresh(Vault(notes))
        assert time.perf_counter() - start < 10
        assert (old.generation, old.n_notes) == (1, 2)
        assert [id_ for id_, _ in old.bm25(terms("低秩"), 5)] == ids
        assert [chunk.note for chunk in old.chunks(ids)] == ["lora.md"]
        assert old.note("lora.md").text == LORA
        with index.snapshot() as new:
            found = new.chunks([id_ for id_, _ in new.bm25(terms("低秩"), 5)])
            assert [chunk.note for chunk in found] == ["new.md"]
            assert new.generation == 2
        assert {c.note for c in old.chunks([i for i, _ in old.nearest("低秩", 5)])} == {
            "lora.md",
            "sub/dpo.md",
        }


def test_threads_read_whole_generations_while_one_writes(index: Index, notes: Path) -> None:
    index.refresh(Vault(notes))
    faults: list[Exception] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            try:
                with index.snapshot() as now:
                    # every generation holds two notes, which say its number
                    said = {note.text.split("代")[0] for note in now.notes() if "代" in note.text}
                    assert len(said) <= 1
                    pairs = now.bm25(terms("模型"), 9) + now.nearest("模型", 9)
                    assert len(now.chunks([id_ for id_, _ in pairs])) == len(pairs)
            except (AssertionError, YoujuError, sqlite3.Error) as fault:
                faults.append(fault)
                return

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(8):
        write(notes / "lora.md", f"{n}代 模型甲。")
        write(notes / "sub" / "dpo.md", f"{n}代 模型乙。")
        index.refresh(Vault(notes))
    done.set()
    for thread in threads:
        thread.join()
    assert not faults


def test_a_second_writer_is_refused_and_a_second_reader_is_not(
    index: Index, notes: Path, tmp_path: Path, encoder: HashingEncoder
) -> None:
    index.refresh(Vault(notes))
    other = Store.open(tmp_path / "index")
    with other.lock():
        assert index.refresh(Vault(notes)).is_noop  # nothing to write, nothing to wait for
        write(notes / "new.md", "新")
        with pytest.raises(IndexBusy, match="is being written by process"):
            index.refresh(Vault(notes))
        with Index.open(tmp_path / "index", encoder=encoder) as reader:
            assert reader.bm25(terms("低秩"), 5)
    other.close()
    assert counts(index.refresh(Vault(notes))) == (1, 0, 0, 0, 2)


@pytest.mark.parametrize("damage", ["missing", "empty", "half", "bit"])
@pytest.mark.parametrize("limit", [4096, 1])
def test_a_torn_cache_is_built_again(
    tmp_path: Path, notes: Path, damage: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches_module, "EXACT_LIMIT", limit)
    folder = tmp_path / "index"
    with Index.open(folder, encoder=HashingEncoder()) as index:
        index.refresh(Vault(notes))
        expected = found_by(index, "低秩 LoRA")
    files = sorted(path for path in folder.glob("*-*.*") if path.suffix in {".bin", ".json"})
    assert len(files) == (1 if limit > 2 else 3)
    for path in files:
        data = bytearray(path.read_bytes())
        if damage == "missing":
            path.unlink()
        elif damage == "bit":
            data[len(data) // 2] ^= 16
            path.write_bytes(data)
        else:
            path.write_bytes(data[: len(data) // 2] if damage == "half" else b"")
    with Index.open(folder, encoder=HashingEncoder()) as index:
        words, meaning = found_by(index, "低秩 LoRA")
        assert words == expected[0]
        assert meaning == pytest.approx(expected[1], abs=2e-3)
        index.refresh(Vault(notes))
        assert index.generation == 1
        assert {path.name for path in folder.glob("*-*.*")} >= {path.name for path in files}
        write(notes / "new.md", "# 新\n\n低秩。")
        index.refresh(Vault(notes))
        assert len(found_by(index, "低秩")[0]) == 2


def test_caches_of_other_generations_are_swept(index: Index, notes: Path, tmp_path: Path) -> None:
    index.refresh(Vault(notes))
    (tmp_path / "index" / "bm25-0-dead.bin.123.tmp").write_bytes(b"x")
    (tmp_path / "index" / "hnsw-0-dead.json").write_bytes(b"x")
    write(notes / "new.md", "新")
    index.refresh(Vault(notes))
    caches = [
        p.name for p in (tmp_path / "index").iterdir() if p.name.startswith(("bm25-", "hnsw-"))
    ]
    assert len(caches) == 1


def test_caches_that_cannot_be_written_only_cost_time(
    index: Index, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("corpus.bm25.write_atomically", save)
    index.refresh(Vault(notes))
    assert len(index.bm25(terms("低秩"), 5)) == 1


@pytest.mark.parametrize("found", ["writing", "reading"])
def test_a_damaged_database_is_rebuilt_from_the_notes(
    tmp_path: Path, notes: Path, found: str
) -> None:
    folder = tmp_path / "index"
    for number in range(40):
        write(notes / f"{number}.md", f"# 第{number}篇\n\n" + "内容。" * 200)
    with Index.open(folder, encoder=HashingEncoder()) as index:
        index.refresh(Vault(notes))
    before = content(folder)
    path = folder / DATABASE
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 2] = b"\xa5" * (len(data) // 2 - len(data) // 3)
    path.write_bytes(data)
    with Index.open(folder, encoder=HashingEncoder()) as index:
        if found == "reading":
            with pytest.raises(IndexDamaged, match="built again from the notes"):
                list(index.notes())
        else:
            for number in range(40):
                write(notes / f"{number}.md", f"# 第{number}篇\n\n" + "内容。" * 200 + "改。")
        assert index.refresh(Vault(notes)).n_notes == 42
        assert len(list(index.notes())) == 42
    assert (folder / "damaged.db").exists()
    with sqlite3.connect(path) as sql:
        assert sql.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    sql.close()
    assert found == "writing" or content(folder) == before


def test_an_index_folder_inside_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(IndexError_, match="cannot use index folder"):
        Index.open(tmp_path / "file", encoder=HashingEncoder())


_WORKER = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from corpus import preparing
    from corpus.index import Index
    from corpus.readers import Vault
    from tests.fakes import HashingEncoder

    class Slow(HashingEncoder):
        def encode_passages(self, texts):
            time.sleep(0.004 * len(texts))
            return super().encode_passages(texts)

    preparing._BATCH = 4
    with Index.open(Path(sys.argv[2]), encoder=Slow()) as index:
        print("started", flush=True)
        index.refresh(Vault(Path(sys.argv[1])))
    print("done", flush=True)
""")


def _killed_after(seconds: float, notes: Path, folder: Path) -> bool:
    """Whether a refresh in another process was killed before it was done."""
    with subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(notes), str(folder)], stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "started\n"
        time.sleep(seconds)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        return worker.stdout.read() == ""


def _survives_kills(tmp_path: Path, instants: Sequence[float]) -> int:
    notes, folder, encoder = tmp_path / "notes", tmp_path / "index", HashingEncoder()
    for number in range(30):
        write(notes / f"{number}.md", f"# 第{number}篇\n\n第一版的内容，编号{number}。")
    with Index.open(folder, encoder=encoder) as index:
        index.refresh(Vault(notes))
    n_killed = 0
    for attempt, seconds in enumerate(instants):
        old = content(folder)
        for number in range(0, 30, 2):
            write(
                notes / f"{number}.md", f"# 第{number}篇\n\n第{attempt + 2}版的内容，编号{number}。"
            )
        (notes / f"new{attempt}.md").write_text(f"# 新{attempt}", encoding="utf-8")
        (notes / f"new{attempt - 1}.md").unlink(missing_ok=True)
        n_killed += _killed_after(seconds, notes, folder)
        with Index.open(folder, encoder=encoder) as index:
            now = content(folder)
            versions = {
                note.text.split("版")[0].split("第")[-1]
                for note in index.notes()
                if "编号0" in note.text
            }
            assert len(versions) == 1
            if versions == {str(attempt + 2)}:
                assert now["notes"] != old["notes"]
            else:  # nothing of the new generation, everything of the old one
                assert {k: now[k] for k in ("notes", "chunks")} == {
                    k: old[k] for k in ("notes", "chunks")
                }
            assert index.bm25(terms("内容"), 50)
            encoded = encoder.n_encoded
            index.refresh(Vault(notes))
            assert encoder.n_encoded - encoded <= 17
        with (
            tempfile.TemporaryDirectory() as fresh,
            Index.open(Path(fresh), encoder=encoder) as anew,
        ):
            anew.refresh(Vault(notes))
            assert content(Path(fresh)) == content(folder)
    return n_killed


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_at_any_instant_nothing_is_lost(tmp_path: Path) -> None:
    assert _survives_kills(tmp_path, [0.0, 0.02, 0.06, 0.12]) >= 1


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_two_hundred_times_nothing_is_lost(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    assert _survives_kills(tmp_path, rng.uniform(0, 0.3, 200).tolist()) >= 50
