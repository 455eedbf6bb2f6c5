"""Rows 40 to 47: encodings, damaged bytes, ends of lines."""

from __future__ import annotations

import pytest

from corpus.decoding import decoded
from corpus.units import units
from tests.faults import World

SENTENCE = "注意力机制把查询与键相乘，再对值加权求和；多头注意力并行地做很多次。"
TRADITIONAL = "注意力機制把查詢與鍵相乘，再對值加權求和；這個學習方法開發於國際會議。"


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"]
)
def test_row_40_every_unicode_form_is_decoded(world: World, encoding: str) -> None:
    text = f"# Title\n\nabc {SENTENCE}\nplain words in ASCII, too, so that zeros are seen.\n"
    world.write("a.md", text.encode(encoding))
    assert world.reasons() == {}
    assert world.text("a.md") == text
    with world.open() as index:
        (chunk,) = index.chunks_of("a.md")
    assert text[chunk.start : chunk.end] == text.strip()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text", [f"{SENTENCE}\n{TRADITIONAL}\n", "短。\n", "データを検索します。\n"]
)
def test_row_40_unmarked_utf_16_without_a_word_of_ascii_is_decoded(
    encoding: str, text: str
) -> None:
    read = decoded(text.encode(encoding))
    assert (read.text, read.doubt) == (text, None)


@pytest.mark.parametrize("encoding", ["gbk", "gb18030"])
def test_row_41_chinese_of_any_length_is_decoded(encoding: str) -> None:
    source = (SENTENCE + "大模型的训练需要显存、数据与算力。今天天气很好，我们去公园散步吧！") * 10
    for start in range(60):
        for length in (10, 11, 20, 50, 100, 500):
            text = source[start : start + length]
            read = decoded(text.encode(encoding))
            assert (read.text, read.doubt) == (text, None)


OTHERS = {
    "big5": TRADITIONAL * 3,
    "shift-jis": "これは日本語のノートです。検索のために使います。" * 3,
    "latin-1": "Das Café ist geöffnet, très bien, señor. " * 3,
}


# what a text may say of its encoding: lines for editors first and last, its front matter, HTML
HINTS = {
    "emacs.md": "<!-- -*- coding: {name} -*- -->\n\n{text}\n",
    "vim.txt": "{text}\n\nvim: set fileencoding={name} :\n",
    "front.md": "---\ntitle: x\nencoding: {name}\n---\n{text}\n",
    "page.html": '<html><head><meta charset="{name}"></head><body><p>{text}</p></body></html>',
}


@pytest.mark.parametrize("encoding", OTHERS)
def test_row_42_other_encodings_are_right_by_a_hint(world: World, encoding: str) -> None:
    for name, form in HINTS.items():
        data = form.format(name=encoding, text=OTHERS[encoding]).encode(encoding)
        world.write(name, data)
    assert world.reasons() == {}  # no doubt is left
    assert world.paths() == set(HINTS)
    for name in HINTS:
        assert OTHERS[encoding].strip() in world.text(name)


def test_row_42_without_a_hint_they_are_reported_as_uncertain(world: World) -> None:
    for encoding, text in OTHERS.items():
        world.write(f"{encoding}.md", text.encode(encoding))
    # a hint that is wrong is none, nor are words about encodings
    world.write("wrong.md", ("-*- coding: ascii -*-\n" + OTHERS["big5"]).encode("big5"))
    world.write("odd.md", ("-*- coding: klingon -*-\n" + OTHERS["big5"]).encode("big5"))
    world.write("words.md", ("encoding: shift-jis\n" + OTHERS["big5"]).encode("big5"))
    reasons = world.reasons()
    assert set(reasons) == {*(f"{e}.md" for e in OTHERS), "wrong.md", "odd.md", "words.md"}
    assert all("encoding is uncertain" in reason for reason in reasons.values())
    for name in ("big5.md", "wrong.md", "odd.md", "words.md"):
        assert world.text(name).endswith(OTHERS["big5"])
    assert world.text("latin-1.md").startswith("Das Café ist geöffnet, très bien")


def test_row_42_a_text_in_utf_8_is_not_asked_what_it_says(world: World) -> None:
    world.write("a.md", f"---\nencoding: big5\n---\n{SENTENCE}\n")
    world.write("gbk.md", f"-*- coding: gbk -*-\n{SENTENCE}\n".encode("gbk"))
    assert world.reasons() == {}
    assert SENTENCE in world.text("a.md")
    assert SENTENCE in world.text("gbk.md")


def test_row_43_damage_is_marked_and_reported(world: World) -> None:
    world.write("cut.md", (SENTENCE * 4).encode()[:-1])
    world.write("mixed.md", (SENTENCE * 20).encode() + "重要".encode("gbk") + SENTENCE.encode())
    reasons = world.reasons()
    assert set(reasons) == {"cut.md", "mixed.md"}
    assert all("damaged characters" in reason for reason in reasons.values())
    assert world.text("cut.md") == (SENTENCE * 4)[:-1] + "\ufffd"
    assert SENTENCE in world.text("mixed.md")


def test_row_44_binary_is_skipped(world: World) -> None:
    world.write("nul.md", b"a\0b" * 30)
    world.write("png.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 4)
    world.write("control.bin.md", bytes(range(1, 9)) * 50)
    reasons = world.reasons()
    assert {name: "binary" in reason for name, reason in reasons.items()} == {
        "nul.md": True, "png.md": True, "control.bin.md": True,
    }  # fmt: skip


def test_row_45_spans_are_exact_to_the_character(world: World) -> None:
    text = "# 👩‍💻\n\n家庭👨‍👩‍👧‍👦与𠀀𠮷野家。e\u0301te\u0301 is nice. \u202eabc\u202c 结束。\n"
    world.write("a.md", text)
    world.refresh()
    with world.open() as index:
        note = index.note("a.md")
        said = [note.text[u.start : u.end] for u in units(note, 0, len(note.text))]
    assert said[1] == "家庭👨‍👩‍👧‍👦与𠀀𠮷野家。"
    assert "e\u0301te\u0301 is nice." in said


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", "\u2028"])
def test_row_46_lines_of_any_end_are_counted(world: World, end: str) -> None:
    world.write("a.md", end.join(["# 题", "", "第一段。", "", "## 二", "", "第二段。"]))
    world.refresh()
    with world.open() as index:
        note = index.note("a.md")
        chunks = index.chunks_of("a.md")
    assert "\r" not in note.text
    last = note.text.index("第二段")
    assert note.line_of(last) == (1 if end == "\u2028" else 7)
    assert any(chunk.start <= last < chunk.end for chunk in chunks)


@pytest.mark.parametrize("text", ["", "---\ntitle: x\n---\n", " \n\t\n\u3000\n", "\ufeff"])
def test_row_47_nothing_gives_nothing(world: World, text: str) -> None:
    world.write("a.md", text)
    assert world.reasons() == {}
    with world.open() as index:
        assert not any(index.chunks_of(path) for path in ("a.md",))
