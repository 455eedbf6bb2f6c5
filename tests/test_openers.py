from __future__ import annotations

from pathlib import Path

import pytest

from assistant.links import Openers, links_of, vault_of
from corpus.types import Note


def note(file: str) -> Note:
    return Note(path=file, title="t", text="a\nb\n", sha256="", file=file)


def opened(root: str, file: str, line: int) -> Openers:
    found = links_of(root, note(file), line)
    assert found is not None
    return found


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    vault_of.cache_clear()
    root = tmp_path / "我的 笔记"
    (root / ".obsidian").mkdir(parents=True)
    (root / "子").mkdir()
    (root / "子" / "a#1.md").write_text("a\nb\n", "utf-8")
    (root / "b.txt").write_text("a", "utf-8")
    return root


def test_a_note_of_an_obsidian_vault_opens_there_by_vault_and_file(vault: Path) -> None:
    found = opened(str(vault), "子/a#1.md", 2)
    name, file = "%E6%88%91%E7%9A%84%20%E7%AC%94%E8%AE%B0", "%E5%AD%90%2Fa%231"
    assert found.obsidian == f"obsidian://open?vault={name}&file={file}"
    assert found.file == f"{(vault / '子' / 'a#1.md').as_uri()}#L2"
    assert found.editor.startswith("vscode://file/")
    assert found.editor.endswith("a%231.md:2")


def test_a_folder_inside_a_vault_names_the_file_from_the_vault(vault: Path) -> None:
    found = opened(str(vault / "子"), "a#1.md", 1)
    assert found.obsidian is not None
    assert found.obsidian.endswith("&file=%E5%AD%90%2Fa%231")


def test_a_folder_that_is_no_vault_and_a_text_file_do_not_open_in_obsidian(
    vault: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.md").write_text("a", "utf-8")
    assert opened(str(tmp_path), "c.md", 1).obsidian is None
    assert opened(str(vault), "b.txt", 1).obsidian is None


def test_one_file_that_was_indexed_by_itself_is_opened(vault: Path) -> None:
    assert "b.txt#L1" in opened(str(vault / "b.txt"), "b.txt", 1).file


@pytest.mark.parametrize("name", ["seite.html", "buch.ipynb", "brief.docx", "BERICHT.PDF"])
def test_a_converted_file_is_opened_without_a_line_that_is_none_of_its_own(
    vault: Path, name: str
) -> None:
    (vault / name).write_text("x", "utf-8")
    found = opened(str(vault), name, 7)
    assert found.file == (vault / name).as_uri()
    assert found.editor.endswith(name)


@pytest.mark.parametrize("root", [None, "", "/gone/for/good", "notes.zip", "relative"])
def test_nothing_is_linked_that_cannot_be_opened(root: str | None) -> None:
    assert links_of(root, note("a.md"), 1) is None
    assert links_of(root, None, 1) is None
