"""Rows 28 to 39: links, names, permissions, drives."""

from __future__ import annotations

import os
import socket
import sys
import unicodedata
from pathlib import Path

import pytest

from assistant.cli import main
from corpus.drafts import Unreadable
from corpus.errors import CorpusError
from corpus.readers import SourceFile, Vault
from corpus.types import Note
from tests.faults import World

posix = pytest.mark.skipif(sys.platform == "win32", reason="names and links as POSIX has them")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@posix
def test_row_28_links_to_outside_are_skipped(world: World, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("# 秘密", encoding="utf-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/b.md").write_text("# 秘密二", encoding="utf-8")
    (world.notes / "a.md").symlink_to(tmp_path / "secret.md")
    (world.notes / "folder").symlink_to(tmp_path / "out")
    (world.notes / "a-Part-1.zip").symlink_to(tmp_path / "secret.md")
    assert world.reasons() == {
        "a.md": "a link to outside the notes",
        "folder": "a link to a folder: links are not followed",
        "a-Part-1.zip": "a link to outside the notes",
    }
    assert world.paths() == set()


@posix
def test_row_29_circles_of_links_end(world: World) -> None:
    (world.notes / "self.md").symlink_to(world.notes / "self.md")
    (world.notes / "up").symlink_to(world.notes)
    for number in range(100):
        (world.notes / f"chain{number}.md").symlink_to(world.notes / f"chain{number + 1}.md")
    (world.notes / "chain100.md").write_text("# 尽头", encoding="utf-8")
    reasons = world.reasons()
    assert "self.md" in reasons
    assert "up" in reasons
    assert "chain100.md" in world.paths()


@posix
def test_row_30_a_hard_link_is_the_file_that_it_is(world: World, tmp_path: Path) -> None:
    # a hard link cannot be told from a file: whoever can make one can copy the file, too
    (tmp_path / "other.md").write_text("# 别处\n\n正文。", encoding="utf-8")
    os.link(tmp_path / "other.md", world.notes / "hard.md")
    assert world.reasons() == {}
    assert world.paths() == {"hard.md"}


@pytest.mark.parametrize(
    "path",
    [
        "../none",
        "/none/at/all",
        "~nobody-here/x",
        "\\\\server\\share",
        "file:///etc/passwd",
        "a\0b",
    ],
)
@pytest.mark.parametrize("option", ["--notes", "--config"])
def test_row_31_impossible_paths_are_refused_in_a_line(
    capsys: pytest.CaptureFixture[str], option: str, path: str
) -> None:
    assert main(["find", "x", option, path]) in (1, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("youju: ")
    assert err.count("\n") == 1


@posix
def test_row_32_undecodable_names_are_escaped(world: World) -> None:
    try:
        path = os.fsencode(world.notes) + b"/" + "笔记".encode("gbk") + b".md"
        with open(path, "wb") as file:  # noqa: PTH123 - a name of bytes
            file.write("# 题\n\n正文。".encode())
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert world.reasons() == {}
    (name,) = world.paths()
    assert name == "\\udcb1\\udccabc\\udcc7.md".replace("bc", "\\udcbc") or name.startswith(
        "\\udcb1"
    )
    name.encode("utf-8")


def test_row_33_twins_by_case_and_form_are_two_notes(world: World) -> None:
    composed = unicodedata.normalize("NFC", "é.md")
    apart = unicodedata.normalize("NFD", "é.md")
    for name in ("A.md", "a.md", composed, apart):
        world.write(name, f"# {name!r}\n\n{len(name)} {name}")
    if len(list(world.notes.iterdir())) < 24:
        pytest.skip("this file system does not tell them apart")
    assert world.reasons() == {}
    assert world.paths() == {"A.md", "a.md", composed, apart}


def test_row_34_long_and_deep_paths_are_read(world: World) -> None:
    world.write("x" * 252 + ".md", "# 长\n\n正文。")
    world.write("/".join(f"d{n}" for n in range(50)) + "/deep.md", "# 深\n\n正文。")
    assert world.reasons() == {}
    assert len(world.paths()) == 2


@posix
def test_row_35_odd_names_are_kept(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    names = {
        "CON.md", "a:b.md", "dot..md", "sp ace .md", "line\nbreak.md",
        "<img src=x onerror=alert(1)>.md", "\u202egpj.md", "'; DROP TABLE notes;--.md",
    }  # fmt: skip
    for name in names:
        world.write(name, "# 题\n\n鸭嘴兽下蛋。")
    assert world.reasons() == {}
    assert world.paths() == names
    assert main(["find", "鸭嘴兽", "--json", "--notes", str(world.notes)]) == 0
    assert capsys.readouterr().out.count("\n") == 1


@posix
@pytest.mark.timeout(20)
def test_row_36_pipes_sockets_and_folders_do_not_hang(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(world.notes / "pipe.md")
    (world.notes / "folder.md").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(world.notes)
        listening.bind("socket.md")
        reasons = world.reasons()
    assert reasons == {"pipe.md": "not a regular file", "socket.md": "not a regular file"}


@posix
def test_row_37_what_may_not_be_read_is_skipped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = world.write("locked.md", "# 锁\n\n鸭嘴兽。")
    real = Path.read_bytes

    def read_bytes(path: Path) -> bytes:  # root may read everything
        if path == locked:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert "no permission" in world.reasons()["locked.md"]
    monkeypatch.undo()
    assert world.reasons() == {}
    assert world.paths() == {"locked.md"}


def test_row_38_a_drive_that_goes_forgets_nothing(world: World, tmp_path: Path) -> None:
    world.refresh()

    class Going(Vault):
        def read(self, file: SourceFile) -> list[Note]:
            if world.notes.exists():
                world.notes.rename(tmp_path / "elsewhere")
            raise Unreadable("cannot be read: Input/output error", passing=True)

    world.write("new.md", "# 新")
    with world.open() as index:
        with pytest.raises(CorpusError, match="is a drive not connected"):
            index.refresh(Going(world.notes))
        world.holds_controls(index)
    (tmp_path / "elsewhere").rename(world.notes)
    world.refresh()
    assert world.paths() == {"new.md"}


def test_row_39_an_empty_placeholder_is_read_once_it_is_there(world: World) -> None:
    world.write("cloud.md", b"")
    assert world.reasons() == {}
    assert world.paths() == set()
    world.write("cloud.md", "# 云\n\n到了。")
    assert world.reasons() == {}
    assert world.paths() == {"cloud.md"}
