"""What readers of other formats give: drafts with keys, dates and lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.chunking import chunk_note
from corpus.drafts import Draft, distinct, fence, iso_date, table
from corpus.errors import CorpusError
from corpus.notes import notes_from_text, read_text
from tests.files import DOCUMENT


def test_drafts_of_one_file_have_keys_that_a_new_entry_does_not_change() -> None:
    old = [Draft(text="a", key="周报", identity="1"), Draft(text="b", key="周报", identity="2")]
    new = [Draft(text="c", key="周报", identity="3"), *old, Draft(text="d", key="a/b#c\n d")]
    keys = [draft.key for draft in distinct(new)]
    assert [draft.key for draft in distinct(old)] == keys[1:3]
    assert len(set(keys)) == 4
    assert keys[3] == "a b c d"
    assert [d.key for d in distinct([Draft(text="", key="x")] * 2)] == ["x", "x (2)"]


def test_a_fence_is_longer_than_what_it_holds() -> None:
    assert fence("a\n```\nb", "md") == "````md\na\n```\nb\n````"


def test_a_table_keeps_its_cells_on_their_lines() -> None:
    assert table([["a", "b"], ["x|y\nz"]]) == "| a | b |\n| --- | --- |\n| x\\|y z |  |"
    assert table([]) == ""


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2024-03-05T10:00:00Z", "2024-03-05"), ("2024年3月5日", "2024-03-05"),
        ("Tue, 05 Mar 2024 10:00:00 +0800", "2024-03-05"), ("March 5, 2024 10:32 AM", "2024-03-05"),
        ("5 March 2024", "2024-03-05"), ("2024-02-30", None), ("soon", None), ("", None),
        (None, None), ("12:30", None),
    ],
)  # fmt: skip
def test_dates_are_read_as_they_are_written(value: str | None, day: str | None) -> None:
    assert iso_date(value) == day


def test_a_file_to_check_is_read_as_a_note_would_be(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(DOCUMENT)
    (tmp_path / "b.html").write_text(
        "<title>T</title><script>x</script><p>秩取 <b>8</b>。", "utf-8"
    )
    (tmp_path / "c.docx").write_bytes(b"PK no zip")
    (tmp_path / "d.md").write_text("---\ntags: [秩]\n---\n秩取 8。", "utf-8")
    assert "LoRA 报告" in read_text(tmp_path / "a.docx")
    assert read_text(tmp_path / "b.html").strip() == "秩取 8。"
    assert read_text(tmp_path / "d.md") == "秩取 8。"
    with pytest.raises(CorpusError, match=r"Cannot read .*c\.docx: broken Word document"):
        read_text(tmp_path / "c.docx")


def lines_of(name: str, text: str) -> dict[str, list[int]]:
    """The lines of the file that the lines of each note are said to be, and those of its chunks."""
    found = {}
    for note in notes_from_text(name, text):
        at = [n for n, char in enumerate(note.text) if n == 0 or note.text[n - 1] == "\n"]
        found[note.title] = [note.line_of(n) for n in at]
        assert {chunk.line for chunk in chunk_note(note)} == set(found[note.title])
    return found


def test_a_row_is_on_the_line_of_its_file_on_which_it_starts() -> None:
    text = 'Name,备注\n一,甲\n"二","好几\n行\n的"\n\n三,丙\n'
    found = lines_of("库 0123456789abcdef0123456789abcdef.csv", text)
    assert {title: set(lines) for title, lines in found.items()} == {
        "一": {2},
        "二": {3},
        "三": {7},
    }


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.rss",
         '<?xml version="1.0"?>\n<rss>\n<channel>\n<!-- <item> -->\n<item><title>一</title>'
         "<description>甲\n乙</description></item>\n\n<item>\n<title>二</title>"
         "<description><![CDATA[<item>丙]]></description></item></channel></rss>",
         {"一": {5}, "二": {8}}),
        ("a.atom",
         '<feed xmlns="http://www.w3.org/2005/Atom">\n<entry>\n<title>一</title></entry>\n'
         "<entry><title>二</title></entry></feed>",
         {"一": {2}, "二": {4}}),
        ("a.opml",
         '<opml>\n<body>\n<outline text="一">\n<outline text="里" xmlUrl="u"/>\n</outline>\n'
         '<outline text="二"><outline text="内"/></outline></body></opml>',
         {"一": {3}, "二": {6}}),
    ],
)  # fmt: skip
def test_an_entry_is_on_the_line_of_its_file_on_which_it_starts(
    name: str, text: str, lines: dict[str, set[int]]
) -> None:
    assert {title: set(found) for title, found in lines_of(name, text).items()} == lines
