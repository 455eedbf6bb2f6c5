"""Choosing, uploading and refreshing notes from the page; evaluations and their results."""

from __future__ import annotations

import json
import re
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.retrieval import Filters
from assistant.web.handlers import Page, Unfit
from assistant.web.results import load_results, paint_result
from assistant.web.runs import Evaluation, Runs
from assistant.web.store import TurnStore
from assistant.web.vaults import Vaults
from corpus.errors import CorpusError
from tests.web.fakes import ScriptedAssistant, write_notes


def until(done: Callable[[], bool]) -> None:
    for _ in range(400):
        if done():
            return
        time.sleep(0.05)
    raise AssertionError("it did not end")


@pytest.fixture
def page(tmp_path: Path) -> Page:
    assistant = ScriptedAssistant(write_notes(tmp_path / "notes"), tmp_path / "index")
    return Page(assistant, TurnStore(tmp_path))


@pytest.fixture
def vaults(page: Page, tmp_path: Path) -> Vaults:
    opened = iter(range(9))

    def open_notes(path: Path) -> ScriptedAssistant:
        if path.name == "broken":
            raise CorpusError("No notes in <broken>.")
        return ScriptedAssistant(path, tmp_path / f"other-{next(opened)}")

    return Vaults(page, tmp_path, open_notes)


def test_a_refresh_tells_what_changed(page: Page, vaults: Vaults, tmp_path: Path) -> None:
    (tmp_path / "notes/new.md").write_text("# 新\n\n新的一篇。\n", encoding="utf-8")
    vaults.refresh()
    until(lambda: not vaults.busy)
    assert "新增 1" in vaults.progress()
    assert ">5<" in vaults.status()


def test_other_notes_take_the_place_of_the_old(page: Page, vaults: Vaults, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.md").write_text("# 另一篇\n\n蝙蝠用回声定位。\n", encoding="utf-8")
    vaults.use(f' "{other}" ')
    until(lambda: not vaults.busy)
    assert page.assistant.index.n_notes == 1
    assert "a.md" in page.find("蝙蝠", 5, Filters())


def test_an_uploaded_zip_is_kept_and_opened(page: Page, vaults: Vaults, tmp_path: Path) -> None:
    sent = tmp_path / "Export.zip"
    with zipfile.ZipFile(sent, "w") as archive:
        archive.writestr("a.md", "# 上传\n\n蝙蝠用回声定位。\n")
    vaults.take([str(sent)])
    until(lambda: not vaults.busy)
    assert page.assistant.index.n_notes == 1
    assert (tmp_path / "uploads/Export.zip").is_file()


def test_notes_that_cannot_be_opened_leave_the_old_in_use(
    page: Page, vaults: Vaults, tmp_path: Path
) -> None:
    before = page.assistant
    (tmp_path / "broken").mkdir()
    vaults.use(str(tmp_path / "broken"))
    until(lambda: not vaults.busy)
    assert "&lt;broken&gt;" in vaults.progress()
    assert page.assistant is before
    for written in ("", str(tmp_path / "absent")):
        with pytest.raises(Unfit):
            vaults.use(written)


def test_on_a_network_no_other_notes_can_be_chosen(page: Page, tmp_path: Path) -> None:
    page.local = False
    vaults = Vaults(page, tmp_path, lambda path: page.assistant)
    assert not vaults.may_choose
    with pytest.raises(Unfit):
        vaults.use(str(tmp_path))
    with pytest.raises(Unfit):
        vaults.take([str(tmp_path / "notes/search-en.md")])


def run_of(code: str) -> Runs:
    return Runs(Evaluation(command=(sys.executable, "-c", code)))


def test_a_run_tells_its_progress_and_its_end() -> None:
    runs = run_of(
        "import sys,time; print('3/4 items', flush=True); time.sleep(1.5); print(sys.argv)"
    )
    runs.start("answers", "feed")
    until(lambda: "width:75%" in runs.progress())
    with pytest.raises(Unfit):
        runs.start("answers")
    until(lambda: not runs.busy)
    until(lambda: "answers" in runs.progress() and "feed" in runs.progress())


def test_a_run_that_fails_says_its_last_line() -> None:
    runs = run_of("import sys; print('no <such> set'); sys.exit(2)")
    runs.start("speed")
    until(lambda: not runs.busy and "&lt;such&gt;" in runs.progress())
    for suite, data in (("rm", ""), ("answers", "--against")):
        with pytest.raises(Unfit):
            runs.start(suite, data)
    with pytest.raises(Unfit):
        Runs(Evaluation(command=("x",)), local=False).start("answers")


def test_results_are_read_drawn_and_compared(tmp_path: Path) -> None:
    figures = {"questions": 4, "right": "3/4 = 0.750", "  right, <b>": "1/2 = 0.500"}
    run = {"suite": "answers", "set": "s", "figures": figures, "commit": "abc"}
    (tmp_path / "one.json").write_text(json.dumps(run), encoding="utf-8")
    later = {**run, "figures": {**figures, "right": "4/4 = 1.000"}}
    (tmp_path / "two.json").write_text(json.dumps(later), encoding="utf-8")
    for name, text in (("bad.json", "{"), ("list.json", "[]"), ("odd.json", '{"suite": 1}')):
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = {result.name: result for result in load_results([tmp_path, tmp_path / "absent"])}
    assert sorted(found) == ["one.json", "two.json"]
    markup = paint_result(found["two.json"], found["one.json"])
    assert "+0.250" in markup
    assert "<b>" not in markup


def test_every_committed_result_is_drawn(repo: Path) -> None:
    results = load_results([repo / "eval" / "results"])
    assert results
    drawn = {result.suite: paint_result(result) for result in results}
    assert "<svg" in drawn["retrieval"]
    assert "class='cm'" in drawn["grounding"]
    assert "class='bar'" in drawn["answers"]


def test_a_table_of_figures_has_no_column_that_is_empty(tmp_path: Path) -> None:
    run = {"suite": "answers", "metrics": {"right answers": [0.5, 0.4, 0.6, 10], "ms": 12.0}}
    (tmp_path / "one.json").write_text(json.dumps(run), encoding="utf-8")
    (alone,) = load_results([tmp_path])
    rows = re.findall(r"<tr>.*?</tr>", paint_result(alone))
    assert [row.count("<td") for row in rows] == [4, 4]  # name, value, interval, bar
    beside = re.findall(r"<tr>.*?</tr>", paint_result(alone, alone))
    assert [row.count("<td") for row in beside] == [5, 5]
