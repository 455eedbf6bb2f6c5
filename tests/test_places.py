from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from corpus.places import cache_folder, data_home, index_folder, last_notes, remember_notes


def test_the_home_is_where_the_environment_says(youju_home: Path) -> None:
    assert data_home() == youju_home


@pytest.mark.skipif(sys.platform != "linux", reason="each platform has its own folder")
def test_the_home_is_the_platforms_data_folder_by_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("YOUJU_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_home() == tmp_path / ".local" / "share" / "youju"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert data_home() == tmp_path / "xdg" / "youju"


def test_each_vault_has_its_folder_whatever_its_name(tmp_path: Path) -> None:
    vaults = [tmp_path / name / "笔记 notes!" for name in ("a", "b")]
    folders = [index_folder(vault) for vault in vaults]
    assert len(set(folders)) == 2
    assert all(folder.name.startswith("笔记-notes") for folder in folders)
    assert index_folder(tmp_path / "a" / ".." / "a" / "笔记 notes!") == folders[0]
    assert index_folder(Path("/")).name.startswith("notes-")


def test_the_index_lies_outside_the_vault(tmp_path: Path) -> None:
    assert not index_folder(tmp_path).is_relative_to(tmp_path)


def test_the_notes_last_indexed_are_remembered(tmp_path: Path) -> None:
    assert last_notes() is None
    remember_notes(tmp_path / "笔记")
    assert last_notes() == (tmp_path / "笔记").resolve()
    assert [path.name for path in data_home().iterdir()] == ["last.json"]


@pytest.mark.parametrize("record", ["", "{", "[]", '{"notes": 3}', '{"other": "x"}', "null"])
def test_an_unreadable_record_is_no_record(record: str) -> None:
    data_home().mkdir(parents=True, exist_ok=True)
    (data_home() / "last.json").write_text(record, encoding="utf-8")
    assert last_notes() is None


def test_notes_with_an_undecodable_name_are_remembered(tmp_path: Path) -> None:
    remember_notes(tmp_path / "a\udcff")
    assert last_notes() == tmp_path.resolve() / "a\udcff"
    assert json.loads((data_home() / "last.json").read_bytes())


def test_a_cache_folder_that_cannot_be_made_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    monkeypatch.setenv("YOUJU_HOME", str(tmp_path / "file"))
    assert cache_folder() is None
    monkeypatch.setenv("YOUJU_HOME", str(tmp_path / "new"))
    assert cache_folder() == tmp_path / "new" / "cache"
