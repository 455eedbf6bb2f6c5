from __future__ import annotations

import io
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import archives
from corpus.drafts import Unreadable
from corpus.index import Index
from corpus.notion import read_database, shown_paths, without_id
from corpus.readers import MAX_FILE_BYTES, Vault
from corpus.types import Note
from tests.fakes import HashingEncoder

A, B, C, D = (digit * 32 for digit in "abcd")
PAGE = f"# LoRA 原理\n\nStatus: Done\n\n秩取 8。见 [调参](%E8%B0%83%E5%8F%82%20{B}.md)。\n"
DATABASE = (
    "\ufeffName,Status,Tags,Date,Related,Note\r\n"
    f'调参,Done,"微调, peft","March 5, 2024",LoRA 原理 (../LoRA%20{A}.md),"第一行\n第二行"\r\n'
    f"评测,In progress,,,https://www.notion.so/x,%E8%B0%83%E5%8F%82%20{B}.md\r\n"
    "评测,Other,,2024/03/06,Home (https://www.notion.so/Home-" + C + "?pvs=21),\r\n"
    ",,,,,\r\n"
)
EXPORT = {
    f"研究 {A}.md": "# 研究\n\n总览。\n",
    f"研究 {A}/LoRA 原理 {B}.md": PAGE,
    f"研究 {A}/无标题 {C}.md": "没有标题的正文。\n",
    f"研究 {A}/任务 {D}.csv": "Name\n调参\n",
    f"研究 {A}/任务 {D}_all.csv": DATABASE,
    f"研究 {A}/图.png": "\x00",
}
SHOWN = {
    "研究.md": "研究",
    "研究/LoRA 原理.md": "LoRA 原理",
    "研究/无标题.md": "无标题",
    "研究/任务.csv#调参": "调参",
}


def zipped(files: dict[str, str | bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def unpack(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="")
    return folder


def read(root: Path) -> tuple[dict[str, Note], dict[str, str]]:
    vault = Vault(root)
    notes = {note.path: note for file in vault.files() for note in vault.read(file)}
    return notes, {entry.path: entry.reason for entry in vault.skipped}


@pytest.fixture(params=["folder", "zip", "parts"])
def export(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "folder":
        return unpack(tmp_path / "Export", EXPORT)
    path = tmp_path / "Export-1b2c.zip"
    if request.param == "zip":
        path.write_bytes(zipped(dict(EXPORT)))
    else:
        names = list(EXPORT)
        parts = (dict.fromkeys(names[:2]), dict.fromkeys(names[2:]))
        path.write_bytes(
            zipped(
                {
                    f"ExportBlock-1b2c-Part-{number}.zip": zipped({n: EXPORT[n] for n in part})
                    for number, part in enumerate(parts, 1)
                }
            )
        )
    return path


def test_an_export_is_read_without_ids_however_it_comes(export: Path) -> None:
    notes, skipped = read(export)
    assert {path: note.title for path, note in notes.items() if path in SHOWN} == SHOWN
    assert len(notes) == 6
    assert not any("~" not in path for path in notes.keys() - SHOWN.keys())
    assert all(note.text for note in notes.values())
    assert notes["研究/LoRA 原理.md"].text == PAGE  # what is quoted is what the file says
    assert notes["研究/LoRA 原理.md"].file == f"研究 {A}/LoRA 原理 {B}.md"
    assert skipped == {
        f"研究 {A}/任务 {D}.csv": "a part of the database that its _all.csv holds whole",
        f"研究 {A}/图.png": ".png format is not read yet",
    }


def test_a_row_of_a_database_is_a_note_with_its_properties(export: Path) -> None:
    notes, _ = read(export)
    row = notes["研究/任务.csv#调参"]
    assert row.text == (
        "Name: 调参\nStatus: Done\nTags: 微调, peft\nDate: March 5, 2024\n"
        "Related: LoRA 原理\nNote: 第一行\n第二行\n"
    )
    assert (row.date, row.tags, row.format) == ("2024-03-05", ("微调", "peft"), "markdown")
    assert row.file == f"研究 {A}/任务 {D}_all.csv"
    first, second = sorted((n for n in notes.values() if n.title == "评测"), key=lambda n: n.text)
    assert first.text == (
        "Name: 评测\nStatus: In progress\nRelated: https://www.notion.so/x\nNote: 调参\n"
    )
    assert second.text == "Name: 评测\nStatus: Other\nDate: 2024/03/06\nRelated: Home\n"
    assert second.date == "2024-03-06"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (f"LoRA {A}.md", "LoRA.md"), (f"LoRA {A}", "LoRA"), (f"任务 {A}_all.csv", "任务.csv"),
        (f"{A}.md", "Untitled.md"), (f"v1.2 notes {A}.html", "v1.2 notes.html"),
        ("LoRA.md", "LoRA.md"), (f"{A}f.md", f"{A}f.md"), (f"x{A}.md", f"x{A}.md"),
        ("deadbeef.md", "deadbeef.md"), (f"{A.upper()}.md", f"{A.upper()}.md"),
    ],
)  # fmt: skip
def test_only_an_id_is_taken_from_a_name(name: str, shown: str) -> None:
    assert without_id(name) == shown


@given(st.lists(st.sampled_from([
    f"x {A}.md", f"x {B}.md", "x.md", f"x ({'a' * 6}).md", f"d {A}/x {C}.md", f"d {B}/x {C}.md",
    f"d {B}/x {D}.md", "d/x.md", f"x {A}.csv", f"x {A}_all.csv", f"x {A[:-6]}bbbbbb.md",
]), unique=True))  # fmt: skip
def test_shown_paths_are_unique_whatever_the_names(paths: list[str]) -> None:
    shown = shown_paths(paths)
    assert len({shown.get(path, path) for path in paths}) == len(paths)
    assert shown == shown_paths(reversed(paths))


def test_a_page_that_gets_a_twin_and_loses_it_is_what_a_new_index_says(tmp_path: Path) -> None:
    notes = unpack(tmp_path / "notes", {f"会议 {A}.md": "甲说了什么。\n"})
    with Index.open(tmp_path / "index", encoder=HashingEncoder()) as index:

        def paths() -> set[str]:
            index.refresh(Vault(notes))
            for path in notes.iterdir():
                os.utime(path, (1_700_000_000, 1_700_000_000))
            assert index.refresh(Vault(notes)).n_notes == len(list(notes.iterdir()))
            assert index.refresh(Vault(notes)).is_noop
            return {row.path for row in index.listing()}

        assert paths() == {"会议.md"}
        unpack(notes, {f"会议 {B}.md": "乙说了什么。\n"})
        assert paths() == {"会议 (aaaaaa).md", "会议 (bbbbbb).md"}
        (notes / f"会议 {A}.md").unlink()
        assert paths() == {"会议.md"}
        assert index.note("会议.md").text == "乙说了什么。\n"


def test_a_row_that_is_added_before_others_changes_no_other_path() -> None:
    old = {draft.key for draft in read_database("Name,X\na,1\nb,2\n")}
    assert old < {draft.key for draft in read_database("Name,X\nc,3\na,1\nb,2\n")}


def test_a_csv_that_is_no_database_is_not_read(tmp_path: Path) -> None:
    notes, skipped = read(unpack(tmp_path, {"测量.csv": "a,b\n1,2\n"}))
    assert (notes, skipped) == ({}, {"测量.csv": ".csv format is not read yet"})


@pytest.mark.parametrize("text", ['Name\n"open', "Name\n" + "x" * 200_000, 'Name\n"a"b\n'])
def test_a_broken_database_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(Unreadable, match="broken CSV near line") as caught:
        read_database(text)
    assert "\n" not in str(caught.value)


def test_a_broken_database_costs_only_itself(tmp_path: Path) -> None:
    folder = unpack(tmp_path / "notes", EXPORT | {f"坏 {A}.csv": 'Name\n"open'})
    with Index.open(tmp_path / "index", encoder=HashingEncoder()) as index:
        report = index.refresh(Vault(folder))
    assert report.n_notes == 6
    assert [e.reason for e in report.skipped if e.path.startswith("坏")] == [
        "broken CSV near line 2: a quote is not closed"
    ]


def test_a_broken_part_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "Export-1b2c.zip"
    whole = zipped({f"a {A}.md": "# 甲"})
    path.write_bytes(zipped({"Part-1.zip": whole[:-30], "Part-2.zip": whole, "Part-3.zip": b""}))
    notes, skipped = read(path)
    assert list(notes) == ["a.md"]
    assert list(skipped) == ["Part-1.zip", "Part-3.zip"]
    assert all(r.startswith("cannot be unpacked") and "\n" not in r for r in skipped.values())


def test_members_of_parts_are_held_to_the_same_rules(tmp_path: Path) -> None:
    path = tmp_path / "Export-1b2c.zip"
    part = zipped(
        {"../out.md": "x", f"bomb {A}.md": b"a" * (MAX_FILE_BYTES + 1), "Part-9.zip": b""}
    )
    path.write_bytes(zipped({"Part-1.zip": part, "other.zip": part, "a.md": "x"}))
    with Index.open(tmp_path / "index", encoder=HashingEncoder()) as index:
        report = index.refresh(Vault(path))
    assert report.n_notes == 1
    reasons = {entry.path: entry.reason for entry in report.skipped}
    assert reasons["../out.md"] == "its name leads out of the archive"
    assert reasons[f"bomb {A}.md"].startswith("larger than 20 MB")
    assert {"Part-9.zip", "other.zip"} < reasons.keys()  # one level, parts only


@pytest.mark.parametrize(("limit", "reason"), [(1000, "larger than 2 GB"), (10**9, "zip bomb")])
def test_a_part_that_is_too_large_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, reason: str
) -> None:
    monkeypatch.setattr(archives, "MAX_PARTS_BYTES", limit)
    path = tmp_path / "Export-1b2c.zip"
    path.write_bytes(zipped({"Part-1.zip": bytes(3_000_000), "a.md": "x"}))
    notes, skipped = read(path)
    assert list(notes) == ["a.md"]
    assert reason in skipped["Part-1.zip"]


def test_a_large_part_waits_in_a_file_that_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_IN_MEMORY", 10)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    path = tmp_path / "Export-1b2c.zip"
    path.write_bytes(zipped({"Part-1.zip": zipped({f"a {A}.md": "# 甲"})}))
    vault = Vault(path)
    assert [note.path for file in vault.files() * 2 for note in vault.read(file)] == ["a.md"] * 2
    vault.files()  # listing again opens again
    del vault
    assert not list((tmp_path / "temp").iterdir())
    shutil.rmtree(tmp_path / "temp")
