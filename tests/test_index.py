from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from corpus import caches as caches_module
from corpus import fingerprints
from corpus.errors import IndexBusy, IndexError_, ModelError, YoujuError
from corpus.index import Index
from corpus.readers import Vault
from corpus.rows import IndexDamaged
from corpus.sealing import DATABASE
from corpus.store import Store
from corpus.tokens import terms
from corpus.types import RefreshReport
from tests.fakes import HashingEncoder
from tests.generated import entries, markdown

LORA = "# LoRA\n\nLoRA 冻结原模型的权重，只训练两个低秩矩阵。秩 r 通常取 8。\n"
DPO = "# DPO\n\nDPO 不需要奖励模型，直接优化策略。\n"
_clock = iter(range(1_600_000_000, 1_700_000_000))


def write(path: Path, text: str) -> None:
    """Write a note with a modification time long ago, later than any before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="", errors="surrogatepass")
    moment = next(_clock)
    os.utime(path, (moment, moment))


def content(folder: Path) -> dict[str, list[Any]]:
    """Everything an index holds but ids, times and counters."""
    with sqlite3.connect(folder / DATABASE) as sql:
        found = {
            "notes": sql.execute("SELECT * FROM notes ORDER BY path").fetchall(),
            "chunks": sql.execute(
                'SELECT note, start, "end", heading, line, key, terms, vector FROM chunks'
                " ORDER BY note, start"
            ).fetchall(),
            "files": sql.execute("SELECT path, size, reason FROM files ORDER BY path").fetchall(),
            "staged": sql.execute("SELECT * FROM staged").fetchall(),
            "meta": sql.execute(
                "SELECT * FROM meta WHERE key IN ('fingerprint', 'root', 'skipped', 'encoder_name')"
                " ORDER BY key"
            ).fetchall(),
        }
    sql.close()
    return found


def found_by(index: Index, query: str) -> tuple[dict[tuple[str, int], float], ...]:
    """Places and scores that words and meaning give for a query."""
    with index.snapshot() as now:
        results = []
        for pairs in (now.bm25(terms(query), 10_000), now.nearest(query, 10_000)):
            chunks = now.chunks([id_ for id_, _ in pairs])
            results.append(
                {(c.note, c.start): round(s, 4) for c, (_, s) in zip(chunks, pairs, strict=True)}
            )
    return tuple(results)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    write(folder / "lora.md", LORA)
    write(folder / "sub" / "dpo.md", DPO)
    return folder


@pytest.fixture
def encoder() -> HashingEncoder:
    return HashingEncoder()


@pytest.fixture
def index(tmp_path: Path, encoder: HashingEncoder) -> Iterator[Index]:
    with Index.open(tmp_path / "index", encoder=encoder) as opened:
        yield opened


def counts(report: RefreshReport) -> tuple[int, int, int, int, int]:
    return report.added, report.changed, report.renamed, report.deleted, report.unchanged


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
