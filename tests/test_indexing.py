"""Progress, waiting for another writer, watching, and asking before most notes are forgotten."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.cli import main
from assistant.indexing import Bar, brought_up_to_date, refreshed, watch
from assistant.pipeline import Assistant
from assistant.plain import report_text
from corpus.errors import IndexBusy, ManyGone
from corpus.index import Index
from corpus.readers import Vault
from corpus.store import Store
from corpus.types import RefreshReport
from tests.fakes import HashingEncoder


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.md").write_text(f"# 第{number}篇\n\n内容编号{number}。", "utf-8")
    return folder


@pytest.fixture
def assistant(notes: Path, tmp_path: Path) -> Iterator[Assistant]:
    encoder = HashingEncoder()
    index = Index.open(tmp_path / "index", encoder=encoder)
    with Assistant(index, vault=Vault(notes), encoder=encoder) as made:
        yield made


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def ticks(step: float) -> Callable[[], float]:
    times = iter(range(1000))
    return lambda: step * next(times)


def test_the_bar_tells_the_rate_and_the_time_left() -> None:
    shown = Terminal()
    bar = Bar(shown, ticks(1.0))
    for done in range(1, 11):
        bar(done, 100)
    bar.close()
    assert "10/100 notes, 1 notes/s, 1:30 left" in shown.getvalue()
    assert shown.getvalue().endswith("\n")


def test_without_a_terminal_the_bar_is_a_line_now_and_then() -> None:
    shown = io.StringIO()
    bar = Bar(shown, ticks(1.0))
    for done in range(1, 11):
        bar(done, 100)
    bar.close()
    assert [line.split()[1] for line in shown.getvalue().splitlines()] == ["5/100", "10/100"]
    quick = io.StringIO()
    Bar(quick, ticks(0.01))(3, 3)
    assert quick.getvalue() == ""


def test_an_encoder_that_holds_up_the_reading_is_told_of_in_passages() -> None:
    shown = Terminal()
    bar = Bar(shown, ticks(0.5))
    bar(1, 2)
    bar.encoding(20, 90)  # not yet: the notes are what takes the time
    assert "passages" not in shown.getvalue()
    for done in (40, 60, 80):
        bar.encoding(done, 90)
    bar.encoding(90, 90)
    bar.close()
    assert "encoding" in shown.getvalue()
    assert "40/90 passages, 27 passages/s, 0:02 left" in shown.getvalue()
    assert shown.getvalue().rstrip().endswith("90/90 passages, 30 passages/s, 0:00 left")


def test_a_report_names_what_changed_and_how_fast(assistant: Assistant, notes: Path) -> None:
    first = assistant.refresh()
    assert first.changes == ()
    (notes / "0.md").write_text("# 新的\n\n另一篇。", "utf-8")
    (notes / "1.md").rename(notes / "一.md")
    (notes / "2.md").unlink()
    (notes / "新.md").write_text("# 新\n\n又一篇。", "utf-8")
    text = report_text(assistant.refresh(), seconds=2.0)
    assert text.startswith("6 notes, ")
    assert "in 2.0 s (1.5 notes/s)" in text
    assert text.splitlines()[1:] == [
        "added 新.md", "changed 0.md", "renamed 1.md → 一.md", "deleted 2.md",
    ]  # fmt: skip


def test_a_long_list_of_changes_is_cut() -> None:
    changes = tuple(("added", f"{number}.md") for number in range(50))
    lines = report_text(RefreshReport(added=50, changes=changes)).splitlines()
    assert len(lines) == 22
    assert lines[-1] == "added 30 more"


def test_most_notes_gone_at_once_are_kept_until_they_may_be_forgotten(
    assistant: Assistant, notes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assistant.refresh()
    for number in range(4):
        (notes / f"{number}.md").unlink()
    with pytest.raises(ManyGone, match=r"4 of 6 notes are gone .* --yes"):
        assistant.refresh()
    assert assistant.index.n_notes == 6
    with caplog.at_level(logging.WARNING):
        assert brought_up_to_date(assistant).n_notes == 6
    assert "answering from the index as it was" in caplog.text
    assert assistant.refresh(forget=True).deleted == 4
    assert assistant.index.n_notes == 2


def test_a_moved_folder_and_half_of_the_notes_need_no_question(
    assistant: Assistant, notes: Path
) -> None:
    assistant.refresh()
    (notes / "moved").mkdir()
    for number in range(6):
        (notes / f"{number}.md").rename(notes / "moved" / f"{number}.md")
    assert assistant.refresh().renamed == 6
    for number in range(3):
        (notes / "moved" / f"{number}.md").unlink()
    assert assistant.refresh().deleted == 3


def test_index_asks_or_takes_yes_before_most_notes_are_forgotten(
    notes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["index", str(notes)]) == 0
    for number in range(5):
        (notes / f"{number}.md").unlink()
    capsys.readouterr()
    assert main(["index", str(notes)]) == 1
    assert "5 of 6 notes are gone" in capsys.readouterr().err
    assert main(["find", "编号3", "--notes", str(notes)]) == 0
    assert "3.md" in capsys.readouterr().out
    answers = Terminal("n\ny\n")
    monkeypatch.setattr("sys.stdin", answers)
    monkeypatch.setattr("sys.stderr", Terminal())
    assert main(["index", str(notes)]) == 1
    assert main(["index", str(notes)]) == 0
    assert "5 deleted" in capsys.readouterr().out
    (notes / "5.md").unlink()
    (notes / "x.md").write_text("# x\n\nx。", "utf-8")
    assert main(["index", str(notes), "--yes"]) == 0


def test_an_empty_index_waits_for_its_writer_and_a_full_one_answers(
    assistant: Assistant, notes: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = Store.open(tmp_path / "index")

    def write() -> None:
        with other.lock():
            held.set()
            time.sleep(0.6)

    held = threading.Event()
    writer = threading.Thread(target=write)
    writer.start()
    assert held.wait(5)
    begun = time.monotonic()
    assert brought_up_to_date(assistant).added == 6
    assert time.monotonic() - begun > 0.3
    writer.join()
    assert "waiting" in caplog.text

    (notes / "0.md").write_text("# 改了\n\n新的内容。", "utf-8")
    with other.lock():
        assert brought_up_to_date(assistant).unchanged == 6
        with pytest.raises(IndexBusy):
            refreshed(assistant, wait=0.0)
    assert brought_up_to_date(assistant).changed == 1
    other.close()


@pytest.mark.parametrize("is_file", [False, True])
def test_a_save_is_searchable_within_two_seconds(
    notes: Path, tmp_path: Path, *, is_file: bool
) -> None:
    root = notes / "0.md" if is_file else notes
    saved = root if is_file else notes / "deep" / "new.md"
    saved.parent.mkdir(exist_ok=True)
    encoder, stop, seen = HashingEncoder(), threading.Event(), threading.Event()
    index = Index.open(tmp_path / "watched", encoder=encoder)
    with Assistant(index, vault=Vault(root), encoder=encoder) as assistant:
        assistant.refresh()
        watching = threading.Thread(
            target=watch, args=(assistant, lambda _: seen.set()), kwargs={"stop": stop}
        )
        watching.start()
        try:
            time.sleep(0.5)
            begun = time.monotonic()
            saved.write_text("# 蝙蝠\n\n蝙蝠靠回声定位。", "utf-8")
            assert seen.wait(10)
            assert time.monotonic() - begun < 2
            assert "蝙蝠" in "".join(note.text for note in assistant.index.notes())
        finally:
            stop.set()
            (notes / "0.md").touch()
            watching.join(15)
        assert not watching.is_alive()


def test_watching_outlives_notes_that_go_and_come_back(
    assistant: Assistant, notes: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assistant.refresh()
    stop, seen = threading.Event(), threading.Event()
    watching = threading.Thread(
        target=watch, args=(assistant, lambda _: seen.set()), kwargs={"stop": stop}
    )
    watching.start()
    try:
        time.sleep(0.5)
        for number in range(6):
            (notes / f"{number}.md").rename(tmp_path / f"{number}.md")
        time.sleep(1.2)
        assert assistant.index.n_notes == 6
        for number in range(6):
            (tmp_path / f"{number}.md").rename(notes / f"{number}.md")
        (notes / "9.md").write_text("# 九\n\n第九篇。", "utf-8")
        assert seen.wait(10)
    finally:
        stop.set()
        (notes / "9.md").touch()
        watching.join(15)
    assert assistant.index.n_notes == 7
    assert caplog.text.count("6 of 6 notes are gone") == 1
