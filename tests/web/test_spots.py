"""Places a link may open: only what was shown, by stored offsets."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.web.spots import (
    Sheet,
    Shown,
    Spot,
    copy_href,
    new_sheet_id,
    parse_ref,
    passage,
    spot_href,
)
from corpus.notes import notes_from_text
from corpus.types import Note

LONG = "# 题\n\n" + "第{}行。\n".join(str(i) for i in range(600))


def note_of(text: str) -> Note:
    (note,) = notes_from_text("a/b.md", text)
    return note


def spot_in(note: Note, start: int, end: int, key: str = "c1") -> Spot:
    return Spot(
        key=key, note=note.path, title=note.title, start=start, end=end, line=1,
        quote=note.text[start:end],
    )  # fmt: skip


def opened(note: Note, start: int, end: int) -> tuple[str, str, str]:
    spot = spot_in(note, start, end)
    found = passage(Sheet(id="0" * 16, spots=(spot,)), spot, note)
    return found.pre, found.hit, found.post


@given(st.data())
def test_a_passage_is_the_span_with_the_text_around_it(data: st.DataObject) -> None:
    note = note_of(
        data.draw(st.sampled_from([LONG, "短。\n", "---\ntags: [a]\n---\n正文 💡 e\u0301。"]))
    )
    start = data.draw(st.integers(note.body_start, len(note.text) - 1))
    end = data.draw(st.integers(start + 1, len(note.text)))
    pre, hit, post = opened(note, start, end)
    assert hit == note.text[start:end]
    around = pre.removeprefix("…\n") + hit + post.removesuffix("\n…")
    assert around.strip() in note.text


def test_a_quote_that_stands_twice_opens_at_its_own_place() -> None:
    note = note_of("同一句。\n中间。\n同一句。\n")
    second = note.text.rindex("同一句。")
    pre, hit, _ = opened(note, second, second + 4)
    assert hit == "同一句。"
    assert "中间" in pre


def test_a_changed_note_shows_the_words_as_they_were_cited() -> None:
    spot = spot_in(note_of("原来的话。"), 0, 5)
    sheet = Sheet(id="0" * 16, spots=(spot,))
    found = passage(sheet, spot, note_of("后来的话。"))
    assert (found.state, found.hit, found.pre, found.post) == ("changed", "原来的话。", "", "")
    assert passage(sheet, spot, None).state == "gone"
    bare = Spot(key="v0", note="", reason="没有")
    assert passage(Sheet(id="0" * 16, spots=(bare,)), bare, None).state == "none"


def test_neighbours_are_of_the_same_kind() -> None:
    note = note_of("甲乙丙丁")
    spots = tuple(spot_in(note, i, i + 1, key) for i, key in enumerate(["c1", "v0", "c2", "c3"]))
    sheet = Sheet(id="0" * 16, spots=spots)
    found = passage(sheet, spots[2], note)
    assert (found.previous, found.next) == (f"{'0' * 16}-c1", f"{'0' * 16}-c3")
    assert (found.place, found.count) == (2, 3)


def test_links_are_read_back_as_they_were_made() -> None:
    sheet = new_sheet_id()
    assert parse_ref(spot_href(sheet, "da12")[3:]) == (sheet, "da12")
    assert parse_ref(copy_href(sheet, 3)[3:]) == (sheet, "y3")


@pytest.mark.parametrize(
    "ref", [None, 1, "", "x", "0" * 16, f"{'0' * 16}-../x1", ["0"], "0" * 16 + "-c1\n"]
)
def test_a_malformed_reference_is_refused(ref: object) -> None:
    assert parse_ref(ref) is None


def test_only_the_newest_sheets_stay_open() -> None:
    shown = Shown(limit=2)
    sheets = [Sheet(id=str(i) * 16, spots=()) for i in range(3)]
    for sheet in sheets:
        shown.add(sheet)
    assert [shown.get(sheet.id) for sheet in sheets] == [None, *sheets[1:]]
    shown.add(dataclasses.replace(sheets[1]))
    shown.add(Sheet(id="a" * 16, spots=()))
    assert shown.get(sheets[1].id) is not None
