"""Rows 28 to 39: links, names, permissions, drives."""

from __future__ import annotations

import json
import os
import socket
import sys
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assistant.cli import main
from corpus.drafts import Unreadable
from corpus.errors import CorpusError
from corpus.readers import SourceFile, Vault
from corpus.tokens import terms
from corpus.types import Note
from tests.faults import World

posix = pytest.mark.skipif(sys.platform == "win32", reason="names and links as POSIX has them")


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
def test_row_30_a_hard_link_to_outside_is_read_with_the_setting_only(
    world: World, tmp_path: Path
) -> None:
    outside = tmp_path / "other.md"
    outside.write_text("# 别处\n\n秘密在此。", encoding="utf-8")
    os.link(outside, world.notes / "hard.md")
    inside = world.write("a/inside.md", "# 里面\n\n正文。")
    os.link(inside, world.notes / "twin.md")  # all of its names are notes
    reasons = world.reasons()
    assert set(reasons) == {"hard.md"}
    assert "a hard link" in reasons["hard.md"]
    assert "hard_links" in reasons["hard.md"]  # the way out
    assert world.paths() == {"a/inside.md", "twin.md"}
    with world.open() as index:
        assert index.refresh(Vault(world.notes, hard_links=True)).skipped == ()
        assert index.note("hard.md").text.endswith("秘密在此。")
        index.refresh(Vault(world.notes))  # and without it, it is forgotten
        assert not index.bm25(terms("秘密"), 5)
    os.link(inside, tmp_path / "third.md")  # one more name, outside: neither is the folder's alone
    assert set(world.reasons()) == {"hard.md", "a/inside.md", "twin.md"}
    outside.unlink()
    (tmp_path / "third.md").unlink()
    assert world.reasons() == {}
    assert world.paths() == {"a/inside.md", "twin.md", "hard.md"}


@posix
def test_row_30_a_part_of_an_export_is_no_way_around(world: World, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "secret.zip", "w") as archive:
        archive.writestr("s.md", "# 秘密")
    os.link(tmp_path / "secret.zip", world.notes / "Export-1-Part-1.zip")
    assert "a hard link" in world.reasons()["Export-1-Part-1.zip"]
    assert world.paths() == set()


@posix
def test_row_30_the_setting_stands_in_the_settings_file(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.md").write_text("# 别处\n\n鸭嘴兽下蛋。", encoding="utf-8")
    os.link(tmp_path / "other.md", world.notes / "hard.md")
    settings = tmp_path / "settings.toml"
    found = {}
    for value in ("false", "true"):
        settings.write_text(f"hard_links = {value}\n", encoding="utf-8")
        words = ["find", "鸭嘴兽", "--json", "--notes", str(world.notes)]
        assert main([*words, "--config", str(settings), "--index", str(tmp_path / "i")]) == 0
        hits = json.loads(capsys.readouterr().out)["hits"]
        found[value] = "hard.md" in {hit["note"] for hit in hits}
    assert found == {"false": False, "true": True}
    settings.write_text('hard_links = "perhaps"\n', encoding="utf-8")
    assert main([*words, "--config", str(settings)]) == 2
    assert "true or false" in capsys.readouterr().err


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


@contextmanager
def without_rights(world: World) -> Iterator[None]:
    """As somebody whom permissions hold back: root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    nobody = 65534
    for path in (world.notes, *world.notes.rglob("*"), world.folder, *world.folder.rglob("*")):
        os.chown(path, nobody, -1)
    above = {path: path.stat().st_mode for path in world.notes.parents}
    for path, mode in above.items():
        if mode & 0o011 != 0o011:
            path.chmod(mode | 0o011)
    os.seteuid(nobody)
    try:
        yield
    finally:
        os.seteuid(0)
        for path, mode in above.items():
            if mode & 0o011 != 0o011:
                path.chmod(mode)


@posix
def test_row_37_what_may_not_be_read_is_skipped_and_the_rest_goes_on(world: World) -> None:
    locked = world.write("locked.md", "# 锁\n\n鸭嘴兽。")
    world.write("closed/inner.md", "# 里\n\n针鼹。")
    world.write("closed/deeper/inner.md", "# 更里\n\n针鼹。")
    world.write("blind/listed.md", "# 只列\n\n考拉。")
    world.write("open/other.md", "# 开\n\n袋熊。")
    closed, blind = world.notes / "closed", world.notes / "blind"
    world.folder.mkdir()
    with without_rights(world):
        locked.chmod(0)
        closed.chmod(0)
        blind.chmod(0o444)  # its names can be listed, its files not even looked at
        try:
            reasons = world.reasons()
            assert set(reasons) == {"locked.md", "closed", "blind/listed.md"}
            assert "no permission" in reasons["locked.md"]
            assert "folder cannot be read" in reasons["closed"]
            assert all("ermission" in reason for reason in reasons.values())
            assert world.paths() == {"open/other.md"}
        finally:
            for path, mode in ((locked, 0o644), (closed, 0o755), (blind, 0o755)):
                path.chmod(mode)
        assert world.reasons() == {}  # and once they may be, they are, without being touched
        assert world.paths() == {
            "locked.md", "closed/inner.md", "closed/deeper/inner.md", "blind/listed.md",
            "open/other.md",
        }  # fmt: skip


@posix
def test_row_37_a_folder_that_is_closed_later_is_read_again(world: World) -> None:
    world.write("closed/inner.md", "# 里\n\n针鼹。")
    closed = world.notes / "closed"
    world.folder.mkdir()
    with without_rights(world):
        world.refresh()
        closed.chmod(0)
        try:
            assert "folder cannot be read" in world.reasons()["closed"]
        finally:
            closed.chmod(0o755)
        world.refresh()
        assert world.paths() == {"closed/inner.md"}


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
