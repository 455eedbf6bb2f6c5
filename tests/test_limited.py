"""The child process that parsers run in: its limits, its walls, and that it goes on afterwards."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from corpus import limited
from corpus.drafts import Unreadable
from corpus.index import Index
from corpus.readers import Vault
from tests.fakes import HashingEncoder

PAGE = "<html><body><h1>标题</h1><p>正文。</p></body></html>"


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> limited._Pool:
    """A pool whose child does what the suffix says, for parsers that misbehave."""
    made = limited._Pool()
    code = (
        "import sys, json; sys.path[:] = json.loads(sys.argv[1])\n"
        "import corpus.limited as it, time, socket, subprocess\n"
        "from corpus.drafts import Draft\n"
        "def misbehave(suffix, text):\n"
        "    exec(text)\n"
        "    return [Draft(text='done')]\n"
        "import corpus.formats\n"
        "corpus.formats.drafts_of_text = misbehave\n"
        "it.serve()\n"
    )
    monkeypatch.setattr(limited, "_CODE", code)
    monkeypatch.setattr(limited, "_pool", made)
    monkeypatch.setattr(limited, "SECONDS", 1.5)
    return made


def test_a_file_is_converted_as_in_this_process() -> None:
    (draft,) = limited.convert(".html", PAGE)
    assert (draft.text, draft.title, draft.tags) == ("# 标题\n\n正文。\n", "标题", ())
    with pytest.raises(Unreadable, match="no HTML"):
        limited.convert(".html", "kein HTML")


def test_one_child_serves_many_files_quickly() -> None:
    limited.convert(".html", PAGE)
    child = limited._pool._idle
    begun = time.process_time()
    for _ in range(50):
        limited.convert(".html", PAGE)
    assert limited._pool._idle is child
    assert time.process_time() - begun < 0.5


def test_a_parser_that_never_ends_is_killed_and_the_next_file_is_read(pool: limited._Pool) -> None:
    limited.convert(".x", "pass")
    begun = time.monotonic()
    with pytest.raises(Unreadable, match="too complex") as caught:
        limited.convert(".x", "while True: pass")
    assert 1 < time.monotonic() - begun < 5
    assert not caught.value.passing
    assert limited.convert(".x", "pass")[0].text == "done"
    pool.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by the system on Linux")
def test_a_parser_that_takes_all_memory_is_refused(pool: limited._Pool) -> None:
    with pytest.raises(Unreadable, match=r"too much memory|too complex"):
        limited.convert(".x", "a = [b'x' * 50_000_000 for _ in range(100)]")
    assert limited.convert(".x", "pass")[0].text == "done"
    pool.stop()


def test_a_parser_that_crashes_costs_only_its_file(pool: limited._Pool) -> None:
    with pytest.raises(Unreadable, match="too complex"):
        limited.convert(".x", "import os; os._exit(139)")
    assert limited.convert(".x", "print('noise')")[0].text == "done"
    pool.stop()


@pytest.mark.parametrize(
    "deed",
    [
        "open('{path}', 'w')",
        "import os; os.open('{path}', os.O_CREAT | os.O_WRONLY)",
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.getaddrinfo('example.org', 80)",
        "subprocess.run(['touch', '{path}'])",
        "import os; os.system('touch {path}')",
        "import os; os.mkdir('{path}')",
    ],
)
def test_a_parser_can_write_connect_and_start_nothing(
    pool: limited._Pool, tmp_path: Path, deed: str
) -> None:
    path = tmp_path / "planted"
    told = f"""
try:
    {deed.format(path=path)}
except PermissionError as fault:
    raise it_is(str(fault))
""".replace("it_is", "__import__('corpus.drafts').drafts.Unreadable")
    with pytest.raises(Unreadable, match="a parser may not"):
        limited.convert(".x", told)
    assert not path.exists()
    pool.stop()


def test_threads_have_children_of_their_own() -> None:
    titles: list[str] = []

    def work(number: int) -> None:
        page = PAGE.replace("标题", f"标题{number}")
        titles.extend(limited.convert(".html", page)[0].title for _ in range(5))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(titles) == sorted(f"标题{number}" for number in range(3) for _ in range(5))


def test_a_file_that_is_too_complex_is_listed_and_the_others_are_read(
    pool: limited._Pool, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "bad.html").write_text("while True: pass", encoding="utf-8")
    (notes / "good.html").write_text("pass", encoding="utf-8")
    (notes / "note.md").write_text("# 笔记\n\n正文。", encoding="utf-8")
    with Index.open(tmp_path / "index", encoder=HashingEncoder()) as index:
        report = index.refresh(Vault(notes))
        assert report.n_notes == 2
        assert [(s.path, s.reason[:11]) for s in report.skipped] == [("bad.html", "too complex")]
        assert index.refresh(Vault(notes)).skipped == report.skipped
    pool.stop()


@pytest.mark.skipif(not hasattr(os, "waitpid"), reason="POSIX")
def test_no_child_is_left_when_the_pool_stops() -> None:
    limited.convert(".html", PAGE)
    child = limited._pool._idle
    assert child is not None
    limited._pool.stop()
    assert not child.is_alive
