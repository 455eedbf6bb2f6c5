from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import CorpusError, IndexBusy, IndexError_
from corpus.rows import FileRow, IndexDamaged, storable, storable_path
from corpus.sealing import DATABASE, write_atomically
from corpus.store import Store
from corpus.types import Chunk, Note
from tests.generated import note_of, texts

KEY = b"0123456789abcdef"


def put(store: Store, note: Note, terms: tuple[str, ...] = ("lora",)) -> None:
    """One more generation, with this note as one passage."""
    with store.lock(), store.writing() as writer:
        writer.put_note(note)
        writer.stage([(KEY, list(terms), b"\x00\x3c\x00\x00", b"\x01\x00")])
        writer.insert_chunk(
            Chunk(note=note.path, start=0, end=len(note.text), heading=("一",)), KEY
        )
        writer.clear_staged()
        writer.new_generation()


def wild() -> st.SearchStrategy[str]:
    return st.text(st.characters(), max_size=30)  # lone surrogates, too


@given(wild(), wild(), texts(), st.lists(wild(), max_size=3))
def test_a_storable_note_is_utf8_and_keeps_its_offsets(
    path: str, title: str, text: str, tags: list[str]
) -> None:
    note = storable(
        note_of(text + title, path=path, title=title, tags=tuple(tags), aliases=tuple(tags))
    )
    assert len(note.text) == len(text + title)
    for part in (note.path, note.file, note.title, note.text, *note.tags, *note.aliases):
        part.encode("utf-8")
    assert storable(note) == note
    assert storable_path(storable_path(path)) == storable_path(path)


def test_a_note_comes_back_as_it_was_put(tmp_path: Path) -> None:
    note = note_of(
        "正文 🙂 e\u0301 𠀀\n", path="a/b 'c\".md", title="题", tags=("x", "微调"), aliases=("y",),
        date="2024-03-05",
        first_line=3, body_start=2, format="feed",
    )  # fmt: skip
    store = Store.open(tmp_path)
    put(store, note)
    with store.reading() as reader:
        assert reader.note(note.path) == note
        assert list(reader.notes()) == [note]
        assert reader.counts() == (1, 1, len(note.text))
        [row] = reader.listing()
        assert (row.path, row.title, row.tags, row.n_chars) == (
            note.path,
            "题",
            ("x", "微调"),
            len(note.text),
        )
        [chunk] = reader.chunks_of(note.path)
        assert reader.chunks([chunk.id, 999, chunk.id]) == [chunk, chunk]
        ids, terms = reader.terms()
        assert (ids.tolist(), list(terms)) == ([chunk.id], [["lora"]])
        ids, matrix = reader.vectors()
        assert (ids.tolist(), matrix.tolist()) == ([chunk.id], [[1.0, 0.0]])
        with pytest.raises(CorpusError, match="no note"):
            reader.note("none.md")
    store.close()
    store.close()
    with pytest.raises(ValueError, match="closed"), store.reading():
        pass


def test_more_ids_than_sqlite_takes_variables_are_read(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    put(store, note_of("正文"))
    with store.reading() as reader:
        assert len(reader.chunks(list(range(5000)))) == 1
        assert len(reader.vectors(list(range(5000)))[0]) == 1
    store.close()


def test_a_reader_keeps_its_generation_while_others_write(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    put(store, note_of("旧", path="a.md"))
    with store.reading() as reader:
        put(store, note_of("新", path="b.md"))
        start = time.perf_counter()
        store.checkpoint()
        assert time.perf_counter() - start < 5  # the reader is not waited for
        assert reader.counts()[0] == 1
        assert reader.generation == 1
        with store.reading() as newer:
            assert newer.counts()[0] == 2
            assert newer.generation == 2
            assert newer.stamp != reader.stamp
    store.checkpoint()
    store.close()


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path)

    def fail() -> None:
        with store.lock(), store.writing() as writer:
            writer.put_note(note_of("x"))
            writer.new_generation()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    with store.reading() as reader:
        assert (reader.counts(), reader.generation) == ((0, 0, 0), 0)
    with (
        pytest.raises(LookupError, match="nothing staged"),
        store.lock(),
        store.writing() as writer,
    ):
        writer.insert_chunk(Chunk(note="n.md", start=0, end=1), KEY)
    store.close()


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    one, two = Store.open(tmp_path), Store.open(tmp_path)
    with one.lock():
        with pytest.raises(IndexBusy, match=r"being written by process \d+ since"):
            two.lock().__enter__()
        with two.reading() as reader:
            assert reader.counts()[0] == 0
    with two.lock():
        pass
    one.close()
    two.close()


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        from corpus.store import Store
        with Store.open(Path(sys.argv[1])).lock():
            print("locked", flush=True)
            time.sleep(60)
    """)
    store = Store.open(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(IndexBusy, match=f"process {other.pid}"), store.lock():
            pass
        other.kill()
        other.wait()
    with store.lock():
        pass
    store.close()


@pytest.mark.parametrize(
    "damage", ["garbage", "empty", "half", "zeros", "version", "tables", "letters", "folder"]
)
def test_a_damaged_database_is_set_aside_and_begun_anew(tmp_path: Path, damage: str) -> None:
    import sqlite3

    store = Store.open(tmp_path)
    for number in range(50):
        put(store, note_of("正文。" * 200, path=f"{number}.md"))
    store.checkpoint()
    store.close()
    path = tmp_path / DATABASE
    whole = path.read_bytes()
    if damage in ("version", "tables"):
        with sqlite3.connect(path) as connection:
            connection.execute(
                "PRAGMA user_version = 99" if damage == "version" else "DROP TABLE meta"
            )
        connection.close()
    elif damage == "folder":
        path.unlink()
        (tmp_path / "damaged.db").write_bytes(b"an older one")
        path.write_bytes(b"garbage" * 999)
    else:
        path.write_bytes(
            {
                "garbage": b"no database at all" * 500, "empty": b"",
                "half": whole[: len(whole) // 2],
                "zeros": bytes(len(whole)), "letters": b"x" + whole[1:],
            }[damage]
        )  # fmt: skip
    store = Store.open(tmp_path)
    try:
        with store.reading() as reader:
            list(reader.notes())
            reader.counts()
    except IndexDamaged as fault:  # found only when its pages are read
        store.set_aside(str(fault))
    put(store, note_of("新"))
    with store.reading() as reader:
        assert reader.note("n.md").text == "新"
    store.close()


def test_two_processes_may_begin_the_same_index(tmp_path: Path) -> None:
    opened: list[Store] = []
    threads = [
        threading.Thread(target=lambda: opened.append(Store.open(tmp_path))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 8
    for store in opened:
        with store.reading() as reader:
            assert reader.counts()[0] == 0
        store.close()


def test_an_index_that_another_process_just_begins_is_waited_for(tmp_path: Path) -> None:
    """Who changes the mode of the journal is refused at once by SQLite while another writes."""
    other = sqlite3.connect(tmp_path / DATABASE, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.execute, ["COMMIT"])
    release.start()
    try:
        store = Store.open(tmp_path)
        store.close()
    finally:
        release.join()
        other.close()


def test_readers_notice_that_another_process_set_the_database_aside(tmp_path: Path) -> None:
    one, two, late = (Store.open(tmp_path) for _ in range(3))
    put(one, note_of("旧", path="a.md"))
    with two.reading() as reader:
        assert reader.counts()[0] == 1
    one.set_aside("test")
    put(one, note_of("新", path="b.md"))
    with two.reading() as reader:
        assert [note.path for note in reader.notes()] == ["b.md"]
    late.set_aside("test")  # it means the old one, which is gone: the new one stays
    with late.reading() as reader:
        assert reader.counts()[0] == 1
    for store in (one, two, late):
        store.close()


def test_a_folder_that_cannot_be_used_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for folder in (tmp_path / "file", tmp_path / "file" / "sub"):
        with pytest.raises(IndexError_, match="cannot use index folder") as caught:
            Store.open(folder)
        assert "\n" not in str(caught.value)


def test_a_deleted_note_leaves_no_readable_bytes(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    put(store, note_of("SECRETWORD in a note", path="secret.md"), terms=("secretterm",))
    with store.lock(), store.writing() as writer:
        writer.delete_notes(["secret.md"])
        assert writer.counts() == (0, 0, 0)
    store.checkpoint()
    store.close()
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        assert b"SECRETWORD" not in data
        assert b"secretterm" not in data


def test_ids_of_deleted_passages_are_never_given_again(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    put(store, note_of("a", path="a.md"))
    with store.reading() as reader:
        [first] = reader.chunks_of("a.md")
    with store.lock(), store.writing() as writer:
        writer.delete_notes(["a.md"])
    put(store, note_of("a", path="a.md"))
    with store.reading() as reader:
        assert reader.chunks_of("a.md")[0].id > first.id
    store.close()


def test_files_are_listed_with_what_was_refused(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    rows = [
        FileRow(path="a.md", size=1, mtime_ns=2),
        FileRow(path="b.md", size=1, mtime_ns=-1, reason="坏"),
    ]
    with store.lock(), store.writing() as writer:
        writer.put_files(rows)
        writer.set_meta(skipped='[["c.pdf", "x"]]')
    with store.reading() as reader:
        assert list(reader.files().values()) == rows
        assert [(s.path, s.reason) for s in reader.skipped()] == [("b.md", "坏"), ("c.pdf", "x")]
    store.close()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_atomically(path, [b"old"])

    def parts() -> list[bytes]:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, (part for part in parts()))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
