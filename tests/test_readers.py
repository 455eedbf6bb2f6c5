from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.decoding import decode
from corpus.errors import CorpusError
from corpus.notes import notes_from_text, read_text
from corpus.readers import Unreadable, Vault
from corpus.types import Note
from tests.generated import markdown, texts

CHINESE = "低秩适配冻结原模型的权重，只训练两个低秩矩阵。"


def write(folder: Path, **files: str | bytes) -> Path:
    """A folder of these files; `__` in a name stands for a slash, `_md` for the suffix."""
    for name, content in files.items():
        path = folder / (name.replace("__", "/").removesuffix("_md") + ".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return folder


def read(vault: Vault) -> dict[str, Note]:
    return {note.path: note for file in vault.files() for note in vault.read(file)}


@given(texts())
def test_utf8_is_decoded_as_written(text: str) -> None:
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    odd = sum((ord(c) < 32 and c not in "\t\n\v\f\x1b") or "\ue000" <= c <= "\uf8ff" for c in text)
    if "\x00" not in text and odd <= 2:
        assert decode(text.encode("utf-8")) == text
        assert decode(b"\xef\xbb\xbf" + text.encode("utf-8")) == text


@given(st.text(st.characters(categories=["L", "P", "N"], max_codepoint=0xFFFF), max_size=80))
def test_utf16_is_decoded_by_its_mark(text: str) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        assert decode(("\ufeff" + text).encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030", "gbk"])
def test_common_encodings_of_chinese_are_known(encoding: str) -> None:
    assert decode(CHINESE.encode(encoding)) == CHINESE


@pytest.mark.parametrize("length", range(1, 24))
def test_short_gbk_is_told_from_utf8(length: int) -> None:
    text = CHINESE[:length]
    assert decode(text.encode("gbk")) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_known_by_its_ascii(encoding: str) -> None:
    text = "LoRA freezes the weights\n低秩适配 LoRA\n"
    assert decode(text.encode(encoding)) == text


def test_a_file_that_ends_within_a_character_keeps_its_text() -> None:
    assert decode(CHINESE.encode("utf-8")[:-1]) == CHINESE[:-1] + "\ufffd"


def test_a_few_damaged_bytes_do_not_turn_utf8_into_gibberish() -> None:
    data = bytearray((CHINESE * 20).encode("utf-8"))
    data[300:301] = b"\xff"
    assert decode(bytes(data)).startswith(CHINESE * 4)


def test_line_ends_of_every_platform_become_one() -> None:
    assert decode(b"a\r\nb\rc\nd\r\n\r\ne") == "a\nb\nc\nd\n\ne"


@pytest.mark.parametrize(
    "data",
    [b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", b"text" * 30_000 + b"\x00", bytes(range(256)) * 8,
     b"\x01\x02\x03\x04\x05" * 99, b"\xff\xfe\x00", b"\xff\xff\xff\xff",
     zipfile.sizeEndCentDir * b"PK\x05\x06\x00",
     "\ue000\ue001\ue002".encode() * 20],
)  # fmt: skip
def test_binary_data_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(data)


@pytest.mark.parametrize(
    ("path", "text", "title"),
    [
        ("a.md", "---\ntitle: 前言\n---\n# 标题\n", "前言"),
        ("a.md", "\n正文\n\n# 标题 #\n", "标题"),
        ("a.md", "标题\n====\n正文", "标题"),
        ("笔记/LoRA 原理.md", "## 二级\n正文", "LoRA 原理"),
        ("a.md", "```\n# 注释\n```\n", "a"),
        ("a.txt", "---\ntitle: 不读\n---\n正文", "a"),
    ],
)
def test_a_note_is_titled_by_front_matter_heading_or_name(path: str, text: str, title: str) -> None:
    [note] = notes_from_text(path, text)
    assert note.title == title


@given(markdown())
def test_any_markdown_is_one_note_of_the_whole_text(text: str) -> None:
    notes = notes_from_text("a.md", text)
    assert [note.text for note in notes] == ([text] if text.strip() else [])


def test_a_note_has_its_date_tags_and_aliases() -> None:
    text = (
        "---\ntags: [微调]\naliases: 低秩\n---\n正文 #peft/lora 和 #微调，C# 不是。\n"
        "```\n#include\n```\n# 标题"
    )
    [note] = notes_from_text("日记/2024-03-05.md", text)
    assert note.tags == ("微调", "peft/lora")
    assert note.aliases == ("低秩",)
    assert note.date == "2024-03-05"
    assert notes_from_text("v1.2024-02-30.md", "正文")[0].date is None


def test_a_feed_gives_a_note_a_line_and_a_plain_text_one_note() -> None:
    line = CHINESE * 6
    assert [n.path for n in notes_from_text("f.txt", "\n".join([line] * 3))] == [
        "f.txt#L1",
        "f.txt#L2",
        "f.txt#L3",
    ]
    [note] = notes_from_text("n.txt", CHINESE)
    assert (note.path, note.format) == ("n.txt", "text")
    [note] = notes_from_text("n.md", "\n".join([line] * 3))
    assert note.format == "markdown"


def test_a_folder_is_read_without_what_belongs_to_programs(tmp_path: Path) -> None:
    write(tmp_path, a_md="甲", sub__b_md="乙", **{".obsidian__c_md": "x", ".trash__d_md": "x"})
    write(
        tmp_path,
        node_modules__e_md="x",
        **{".hidden_md": "x", "f.sync-conflict-20240305-101010_md": "x"},
    )
    (tmp_path / "g.xlsx").write_bytes(b"PK")
    (tmp_path / "README").write_text("x", encoding="utf-8")
    vault = Vault(tmp_path)
    assert list(read(vault)) == ["a.md", "sub/b.md"]
    assert {entry.path: entry.reason for entry in vault.skipped} == {
        "README": "a file without a suffix is not read",
        "f.sync-conflict-20240305-101010.md": "a sync-conflict copy",
        "g.xlsx": ".xlsx format is not read yet",
    }
    assert len(vault.files()) == 2  # asking again lists again, and reports each skip once
    assert len(vault.skipped) == 3


def test_one_file_is_a_vault(tmp_path: Path) -> None:
    write(tmp_path, a_md="# 甲\n正文")
    assert list(read(Vault(tmp_path / "a.md"))) == ["a.md"]


def test_a_zip_is_a_vault(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "v.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("笔记/甲.md", "# 甲")
        archive.writestr("b.txt", "乙")
        archive.writestr("c.png", b"\x00")
    vault = Vault(tmp_path / "v.zip")
    assert list(read(vault)) == ["b.txt", "笔记/甲.md"]
    assert [entry.path for entry in vault.skipped] == ["c.png"]


def test_a_zip_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "v.zip"
    for name in ("a.md", "b.md"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, "x")
        vault = Vault(path)
        assert list(read(vault)) == [name]
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("c.md", "x")
    path.write_bytes(data.getvalue())
    assert list(read(vault)) == ["c.md"]


def test_a_text_outside_any_vault_is_read_or_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CHINESE.encode("gbk"))
    (tmp_path / "b").write_bytes(b"\x00")
    assert read_text(tmp_path / "a") == CHINESE
    for name in ("b", "none", "", "nul\x00"):
        with pytest.raises(CorpusError, match="Cannot read"):
            read_text(tmp_path / name)
