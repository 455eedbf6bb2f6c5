"""Bad input: each costs itself only and is reported once, in a line; the other notes are read."""

from __future__ import annotations

import os
import stat
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus import readers
from corpus.errors import CorpusError
from corpus.index import Index
from corpus.readers import Vault
from corpus.types import RefreshReport
from tests.fakes import HashingEncoder

CONTROL = "# 对照\n\n对照笔记说：LoRA 的秩取 8。\n"
posix = pytest.mark.skipif(sys.platform == "win32", reason="names and links as POSIX has them")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "control.md").write_text(CONTROL, encoding="utf-8")
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "index", encoder=HashingEncoder()) as opened:
        yield opened


def refresh(index: Index, notes: Path) -> RefreshReport:
    """Refresh, and make sure that the control note is found and the notes are untouched."""
    before = {path: path.lstat().st_mtime_ns for path in notes.rglob("*")} if notes.is_dir() else {}
    report = index.refresh(Vault(notes))
    assert {path: path.lstat().st_mtime_ns for path in before} == before
    found = index.chunks([id_ for id_, _ in index.nearest("LoRA 的秩", 5)])
    assert any(chunk.note.endswith("control.md") for chunk in found)
    assert index.refresh(Vault(notes)).skipped == report.skipped
    return report


def reasons(report: RefreshReport) -> dict[str, str]:
    found = {entry.path: entry.reason for entry in report.skipped}
    assert len(found) == len(report.skipped)
    assert not any("\n" in reason for reason in found.values())
    return found


@pytest.mark.parametrize("name", ["missing", "missing/deep", "x" * 300, "nul\x00"])
def test_a_missing_folder_is_told_in_a_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(CorpusError, match=r"No notes at|Cannot read") as caught:
        Vault(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_an_empty_folder_gives_an_empty_index(tmp_path: Path, index: Index) -> None:
    (tmp_path / "notes").mkdir()
    report = index.refresh(Vault(tmp_path / "notes"))
    assert (report.n_notes, report.n_chunks, report.skipped) == (0, 0, ())
    assert index.bm25(["lora"], 5) == []
    assert index.nearest("LoRA", 5) == []


@pytest.mark.parametrize(
    "content", [b"", b" \n\t\n", b"---\ntitle: x\n---\n", b"\xef\xbb\xbf", b"\xff\xfe"]
)
def test_a_file_without_text_is_neither_a_passage_nor_a_fault(
    notes: Path, index: Index, content: bytes
) -> None:
    (notes / "empty.md").write_bytes(content)
    report = refresh(index, notes)
    assert report.skipped == ()
    assert report.n_chunks == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(200), "binary data"),
        ("正文。".encode() * 40_000 + b"\x00", "NUL"),
        (b"\xff\xfe\x00", "UTF-16"),
        (b"\xff" * 50, "UTF-8"),
        (bytes(range(1, 256)) * 9, ""),
    ],
)
def test_a_binary_file_is_refused_with_its_reason(
    notes: Path, index: Index, content: bytes, reason: str
) -> None:
    (notes / "bad.md").write_bytes(content)
    found = reasons(refresh(index, notes))
    assert list(found) == ["bad.md"]
    assert reason in found["bad.md"]


def test_a_file_that_is_too_large_is_refused_without_being_read(notes: Path, index: Index) -> None:
    with (notes / "large.md").open("wb") as file:
        file.truncate(readers.MAX_FILE_BYTES + 1)  # sparse
    assert "larger than 20 MB" in reasons(refresh(index, notes))["large.md"]


@pytest.mark.parametrize(
    "fault", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")]
)
def test_an_unreadable_file_is_read_once_it_can_be(
    notes: Path, index: Index, monkeypatch: pytest.MonkeyPatch, fault: OSError
) -> None:
    bad = notes / "bad.md"
    bad.write_text("# 坏\n正文。", encoding="utf-8")
    os.utime(bad, (1_700_000_000, 1_700_000_000))
    real = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.name == "bad.md":
            raise fault
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", read_bytes)
        assert list(reasons(refresh(index, notes))) == ["bad.md"]
    report = refresh(index, notes)  # neither size nor time has changed
    assert report.skipped == ()
    assert report.n_notes == 2


@posix
def test_a_folder_without_permission_is_reported(
    notes: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    (notes / "closed").mkdir()
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert reasons(refresh(index, notes)) == {"closed": "folder cannot be read: Permission denied"}


@posix
def test_links_are_not_followed_out_or_in_a_circle(
    notes: Path, index: Index, tmp_path: Path
) -> None:
    (tmp_path / "secret.md").write_text("密码", encoding="utf-8")
    (tmp_path / "outside").mkdir()
    (notes / "out.md").symlink_to(tmp_path / "secret.md")
    (notes / "folder").symlink_to(tmp_path / "outside")
    (notes / "up").symlink_to(notes)
    (notes / "loop.md").symlink_to(notes / "loop.md")
    (notes / "dead.md").symlink_to(notes / "nothing.md")
    (notes / "inside.md").symlink_to(notes / "control.md")
    report = refresh(index, notes)
    assert set(reasons(report)) == {"out.md", "folder", "up", "loop.md", "dead.md"}
    assert report.n_notes == 2
    assert not any("密码" in note.text for note in index.notes())


@posix
@pytest.mark.timeout(20)
def test_pipes_and_folders_named_like_notes_do_not_hang(notes: Path, index: Index) -> None:
    os.mkfifo(notes / "pipe.md")
    (notes / "folder.md").mkdir()
    (notes / "folder.md" / "inside.md").write_text("里面。", encoding="utf-8")
    report = refresh(index, notes)
    assert reasons(report) == {"pipe.md": "not a regular file"}
    assert report.n_notes == 2


@posix
def test_a_pipe_is_no_vault(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CorpusError, match="neither a folder nor a file"):
        Vault(tmp_path / "pipe")


@posix
@pytest.mark.parametrize(
    "name",
    [b"a\xc4\xe3.md", b"line\nbreak.md", b"tab\there.md", b"'; DROP TABLE notes; --.md",
     b"<img src=x>.md",
     "RTL\u202e.md".encode(), b"trailing .md", b"#L1.md", b"%00.md", "👩\u200d💻.md".encode(),
     b"C:.md", b"a\\b.md",
     b"n" * 250 + b".md"],
)  # fmt: skip
def test_any_file_name_is_an_identity(notes: Path, index: Index, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(notes) + b"/" + name)).write_text(
        "# 怪名\n怪名的正文。", encoding="utf-8"
    )
    report = refresh(index, notes)
    assert report.skipped == ()
    [path] = [row.path for row in index.listing() if row.title == "怪名"]
    assert index.note(path).text.endswith("怪名的正文。")
    path.encode("utf-8")  # can be printed and stored


@posix
def test_names_that_differ_in_case_or_form_are_two_notes(notes: Path, index: Index) -> None:
    for name in ("A.md", "a.md", "é.md", "e\u0301.md"):
        (notes / name).write_text(f"# {name}", encoding="utf-8")
    assert refresh(index, notes).n_notes == 5


def test_fifty_folders_deep_is_read(notes: Path, index: Index) -> None:
    folder = notes.joinpath(*["深"] * 50)
    folder.mkdir(parents=True)
    (folder / "n.md").write_text("深处。", encoding="utf-8")
    assert refresh(index, notes).n_notes == 2


@pytest.mark.parametrize(
    "matter", ["title: [", "a: *b", "\t\t: :", "title: \x07", "- a\n- b", "x", "{" * 500]
)
def test_broken_front_matter_costs_only_itself(notes: Path, index: Index, matter: str) -> None:
    (notes / "broken.md").write_text(f"---\n{matter}\n---\n# 题\n\n正文还在。\n", encoding="utf-8")
    report = refresh(index, notes)
    assert report.skipped == ()
    assert "正文还在。" in index.note("broken.md").text[index.note("broken.md").body_start :]
    assert any(
        "正文还在" in index.note("broken.md").text[c.start : c.end]
        for c in index.chunks_of("broken.md")
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "gb18030"])
def test_every_encoding_gives_the_same_passages(notes: Path, index: Index, encoding: str) -> None:
    text = "# 编码\r\n\r\n同样的文字，同样的偏移。\r\n"
    (notes / "coded.md").write_bytes(text.encode(encoding))
    refresh(index, notes)
    [chunk] = index.chunks_of("coded.md")
    assert (
        index.note("coded.md").text[chunk.start : chunk.end] == "# 编码\n\n同样的文字，同样的偏移。"
    )


def test_lone_surrogates_are_replaced_one_for_one(notes: Path, index: Index) -> None:
    (notes / "odd.md").write_bytes(b"\xed\xa0\x80" + "正文。".encode() * 40)
    report = refresh(index, notes)
    assert report.n_notes + len(report.skipped) == 2


def _zip(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("control.md", CONTROL)
        for name, data in members:
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../out.md",
        "a/../../out.md",
        "/etc/out.md",
        "C:/out.md",
        "..\\out.md",
        "~/out.md",
        "//host/out.md",
    ],
)
def test_a_member_that_leads_out_of_the_archive_is_refused(
    tmp_path: Path, index: Index, name: str
) -> None:
    report = refresh(index, _zip(tmp_path / "v.zip", (name, b"out")))
    assert list(reasons(report).values()) == ["its name leads out of the archive"]
    assert report.n_notes == 1
    assert not list(tmp_path.rglob("out.md"))


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_names_in_an_archive_are_read_in_the_encoding_of_their_writer(
    tmp_path: Path, index: Index, encoding: str
) -> None:
    raw = "笔记/甲乙.md".encode(encoding)
    path = _zip(tmp_path / "v.zip", ("_" * len(raw), b"# x"))
    path.write_bytes(path.read_bytes().replace(b"_" * len(raw), raw))
    refresh(index, path)
    assert "笔记/甲乙.md" in {row.path for row in index.listing()}


def test_links_twins_and_damaged_members_are_refused_one_by_one(
    tmp_path: Path, index: Index
) -> None:
    link = zipfile.ZipInfo("link.md")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    stored = zipfile.ZipInfo("broken.md")
    path = tmp_path / "v.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("control.md", CONTROL)
        archive.writestr(link, "/etc/passwd")
        archive.writestr(stored, b"BROKENBROKEN")
    path.write_bytes(path.read_bytes().replace(b"BROKENBROKEN", b"BROKENBRXXXX"))
    report = refresh(index, path)
    found = reasons(report)
    assert found["link.md"] == "a link or device, not a file"
    assert found["broken.md"].startswith("cannot be unpacked")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_first_of_two_members_of_one_name_is_read(tmp_path: Path, index: Index) -> None:
    path = _zip(tmp_path / "v.zip", ("a.md", "# 第一".encode()), ("a.md", "# 第二".encode()))
    report = refresh(index, path)
    assert index.note("a.md").text == "# 第一"
    assert "twice" in reasons(report)["a.md"]


def test_a_damaged_stream_in_an_archive_costs_only_its_member(tmp_path: Path, index: Index) -> None:
    path = _zip(tmp_path / "v.zip", ("bad.md", os.urandom(4000).hex().encode()))
    data = bytearray(path.read_bytes())
    at = data.index(b"bad.md") + 6
    data[at : at + 400] = b"\xff" * 400
    path.write_bytes(data)
    assert list(reasons(refresh(index, path))) == ["bad.md"]


def test_a_bomb_in_an_archive_is_refused_by_its_size(tmp_path: Path, index: Index) -> None:
    path = _zip(tmp_path / "v.zip", ("bomb.md", b"a" * (readers.MAX_FILE_BYTES + 1)))
    assert "larger than" in reasons(refresh(index, path))["bomb.md"]


@pytest.mark.parametrize("data", [b"", b"PK", b"no archive", b"PK\x05\x06" + bytes(10)])
def test_what_is_no_archive_is_told_in_a_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "v.zip").write_bytes(data)
    with pytest.raises(CorpusError, match=r"damaged|Cannot open"):
        Vault(tmp_path / "v.zip").files()


def test_an_archive_of_many_notes_is_read_in_linear_time(tmp_path: Path) -> None:
    path = tmp_path / "v.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(4000):
            archive.writestr(f"n{number}.md", f"# {number}")
    start = time.process_time()
    vault = Vault(path)
    assert sum(len(vault.read(file)) for file in vault.files()) == 4000
    assert time.process_time() - start < 12


def test_a_note_that_vanishes_while_it_is_read_is_reported(
    notes: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    (notes / "gone.md").write_text("将要消失。", encoding="utf-8")
    vault = Vault(notes)
    listed = vault.files()
    (notes / "gone.md").unlink()
    monkeypatch.setattr(vault, "files", lambda: listed)
    assert "cannot be read" in reasons(index.refresh(vault))["gone.md"]
    assert refresh(index, notes).skipped == ()


def test_a_vault_that_vanishes_leaves_the_index_as_it_was(notes: Path, index: Index) -> None:
    refresh(index, notes)
    vault = Vault(notes)
    (notes / "control.md").unlink()
    notes.rmdir()
    with pytest.raises(CorpusError, match="is a drive not connected"):
        index.refresh(vault)
    assert index.n_notes == 1
