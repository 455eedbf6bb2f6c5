"""Rows 21 to 27: two processes at once, notes that change under the reader, stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from corpus.errors import IndexBusy, ManyGone, YoujuError
from corpus.inspection import inspected
from corpus.readers import SourceFile, Vault
from corpus.store import Store
from corpus.tokens import terms
from corpus.types import Note
from tests.faults import World

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")
WRITER = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from corpus import preparing
    from corpus.index import Index
    from corpus.readers import Vault
    from tests.fakes import HashingEncoder

    class Slow(HashingEncoder):
        def encode_passages(self, texts):
            print("encoding", flush=True)
            time.sleep(float(sys.argv[3]))
            return super().encode_passages(texts)

    preparing._BATCH = 4
    try:
        with Index.open(Path(sys.argv[2]), encoder=Slow()) as index:
            for _ in range(int(sys.argv[4])):
                index.refresh(Vault(Path(sys.argv[1])), rebuild=True)
    except KeyboardInterrupt:
        print("stopped", flush=True)
""")


def writer(world: World, seconds: float, rounds: int = 1) -> subprocess.Popen[str]:
    """A process that rebuilds the index, and is in the middle of it."""
    begun = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(world.notes), str(world.folder), str(seconds),
         str(rounds)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert begun.stdout is not None
    assert begun.stdout.readline() == "encoding\n"
    return begun


@posix
def test_row_21_a_second_writer_is_told_who_writes_until_it_is_killed(
    world: World,
) -> None:
    world.refresh()
    with writer(world, 30) as process:
        world.write("new.md", "# 新\n\n好。")
        with world.open() as index:
            with pytest.raises(IndexBusy, match=f"process {process.pid} since"):
                index.refresh(Vault(world.notes))
            process.kill()
            process.wait()
            begun = time.monotonic()
            assert index.refresh(Vault(world.notes)).added == 1
            assert time.monotonic() - begun < 5


@posix
def test_row_22_the_lock_of_a_killed_writer_is_free(world: World) -> None:
    with writer(world, 30) as process:
        process.kill()
        process.wait()
    world.refresh()
    assert world.content() == world.anew()


@posix
def test_row_23_questions_are_answered_all_through_a_rebuild(world: World) -> None:
    world.refresh()
    asked = 0
    with writer(world, 0.02, rounds=6) as process, world.open() as index:
        while process.poll() is None:
            with index.snapshot() as now:
                ids = [id_ for id_, _ in now.bm25(terms("对照笔记7说秩取7"), 3)]
                chunks = now.chunks(ids)
                assert len(chunks) == len(ids) == 3  # of one generation
                assert chunks[0].note == "control7.md"
                assert now.note("control7.md").text[chunks[0].start : chunks[0].end]
            asked += 1
    assert asked > 5
    assert process.returncode == 0


def test_row_24_a_note_that_changes_while_it_is_read_is_mended(world: World) -> None:
    world.write("a.md", "# 旧\n\n旧的。")
    world.write("b.md", "# 乙\n\n乙。")

    class Racing(Vault):
        def read(self, file: SourceFile) -> list[Note]:
            if file.path == "a.md":
                notes = super().read(file)
                world.write("a.md", "# 新\n\n新的内容更长。")
                return notes
            if file.path == "b.md":
                (world.notes / "b.md").rename(world.notes / "c.md")
            return super().read(file)

    with world.open() as index:
        report = index.refresh(Racing(world.notes))
        assert [entry.path for entry in report.skipped] == ["b.md"]
        assert index.note("a.md").text == "# 旧\n\n旧的。"
    assert world.refresh().skipped == ()
    assert world.text("a.md").startswith("# 新")
    assert world.paths() == {"a.md", "c.md"}


def test_row_25_most_notes_gone_at_once_are_asked_for(world: World, tmp_path: Path) -> None:
    world.refresh()
    for number in range(4, 20):
        (world.notes / f"control{number}.md").unlink()
    with world.open() as index:
        with pytest.raises(ManyGone, match="16 of 20 notes are gone"):
            index.refresh(Vault(world.notes), forget=False)
        world.holds_controls(index)
        assert index.refresh(Vault(world.notes), forget=True).deleted == 16
        assert index.n_notes == 4


@posix
def test_row_26_readers_never_meet_a_lock(world: World) -> None:
    world.refresh()
    faults: list[Exception] = []

    def ask() -> None:
        try:
            with world.open() as index:
                for _ in range(20):
                    assert index.bm25(terms("对照笔记7说秩取7"), 1)
                    assert index.nearest("对照笔记7", 1)
        except (YoujuError, AssertionError) as fault:
            faults.append(fault)  # told of below

    with writer(world, 0.02, rounds=4) as process:
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        process.wait()
    assert faults == []


@posix
def test_row_27_a_stopped_index_ends_at_once_and_goes_on(world: World) -> None:
    with writer(world, 0.5) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "encoding\n"  # a batch is staged
        begun = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        process.wait(10)
        assert time.monotonic() - begun < 4
    assert Store(world.folder).seal.state == "sealed"  # stopped in order: nothing is in doubt
    assert inspected(world.folder) == []
    before = world.encoder.n_encoded
    world.refresh()
    assert world.encoder.n_encoded - before < 20  # what was staged is not encoded again
    assert world.content() == world.anew()


@posix
def test_row_27_a_stopped_command_says_so_in_a_line(world: World) -> None:
    for number in range(800):
        world.write(f"many/{number}.md", f"# {number}\n\n" + f"第{number}篇的内容。" * 40)
    command = [sys.executable, "-m", "assistant", "index", str(world.notes)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        time.sleep(2.0)
        begun = time.monotonic()
        it.send_signal(signal.SIGINT)
        err = it.communicate(timeout=30)[1]
        assert time.monotonic() - begun < 10
    if it.returncode != 0:  # else it was done before the signal
        assert "Traceback" not in err
        was_loading = err == "youju: stopped\n"
        assert (
            "the next run goes on from here" in err
            or was_loading
            or it.returncode == -signal.SIGINT
        )


@posix
def test_row_27_a_command_that_is_stopped_while_it_is_loaded_says_so() -> None:
    code = (
        "import os, signal, sys; from importlib.abc import MetaPathFinder\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored below `nohup`\n"
        "class Slow(MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'assistant.cli': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "from assistant.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "youju: stopped\n")
