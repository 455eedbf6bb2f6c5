from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.blocks import blocks
from corpus.chunking import DEFAULT_SIZE, chunk_note
from corpus.flat import flat_spans
from corpus.sentences import sentence_spans, strip_span
from corpus.types import Chunk, Note
from tests.generated import entries, markdown, note_of

SIZES = st.sampled_from([40, 60, 120, DEFAULT_SIZE])


def whole_in_one(chunks: list[Chunk], start: int, end: int) -> bool:
    return any(chunk.start <= start and end <= chunk.end for chunk in chunks)


def is_covered(note: Note, chunks: list[Chunk]) -> bool:
    at, left = note.body_start, ""
    for chunk in chunks:
        left += note.text[at : chunk.start]
        at = chunk.end
    return not (left + note.text[at:]).strip()


@given(markdown(), SIZES)
def test_chunks_hold_all_text_but_blanks_in_order_and_within_the_size(text: str, size: int) -> None:
    note = note_of(text)
    chunks = chunk_note(note, size=size)
    at = 0
    for chunk in chunks:
        assert at <= chunk.start < chunk.end <= len(text)
        assert chunk.end - chunk.start <= size
        assert chunk.note == note.path
        assert text[chunk.start : chunk.end].strip() == text[chunk.start : chunk.end]
        at = chunk.end
    assert is_covered(note, chunks)


@given(markdown(), SIZES)
def test_what_fits_the_size_is_never_cut(text: str, size: int) -> None:
    chunks = chunk_note(note_of(text), size=size)
    for block in blocks(text):
        start, end = strip_span(text, block.start, block.end)
        if end - start <= size:
            assert whole_in_one(chunks, start, end), block
        elif block.kind in ("paragraph", "item", "quote"):
            for s, e in sentence_spans(text, start, end):
                assert e - s > size or whole_in_one(chunks, s, e), text[s:e]


@given(entries(), SIZES)
def test_entries_of_a_feed_are_cut_between_their_pieces(text: str, size: int) -> None:
    note = note_of(text, format="feed")
    chunks = chunk_note(note, size=size)
    assert is_covered(note, chunks)
    assert all(chunk.end - chunk.start <= size for chunk in chunks)
    for start, end in flat_spans(text):
        assert end - start > size or whole_in_one(chunks, start, end)


@given(markdown())
def test_a_chunk_names_its_line(text: str) -> None:
    note = note_of(text, first_line=7)
    for chunk in chunk_note(note, size=60):
        assert chunk.line == 7 + text[: chunk.start].count("\n") == note.line_of(chunk.start)


@given(markdown(), markdown())
def test_front_matter_is_in_no_chunk(head: str, body: str) -> None:
    note = note_of(head + "\n" + body, body_start=len(head) + 1)
    chunks = chunk_note(note)
    assert is_covered(note, chunks)
    shift = len(head) + 1
    alone = chunk_note(note_of(body))
    assert [(c.start - shift, c.end - shift) for c in chunks] == [(c.start, c.end) for c in alone]


def test_a_chunk_carries_the_headings_above_it() -> None:
    text = "# 一\n\n" + "甲。" * 60 + "\n\n## 二\n\n" + "乙。" * 60 + "\n\n# 三\n\n" + "丙。" * 60
    found = {chunk.heading for chunk in chunk_note(note_of(text), size=150)}
    assert found == {("一",), ("一", "二"), ("三",)}


def test_a_section_does_not_end_in_the_heading_of_the_next() -> None:
    text = "# 一\n\n" + "甲。" * 40 + "\n\n# 二\n\n" + "乙。" * 40
    first, second = chunk_note(note_of(text), size=200)
    assert text[second.start :].startswith("# 二")
    assert "二" not in text[first.start : first.end]


def test_a_short_opening_joins_its_first_subsection() -> None:
    text = "# 一\n\n短。\n\n## 二\n\n" + "乙。" * 20
    [chunk] = chunk_note(note_of(text), size=200)
    assert chunk.heading == ("一",)


def test_a_long_fence_is_cut_at_line_ends() -> None:
    text = "```py\n" + "".join(f"line_{i} = {i}\n" for i in range(60)) + "```"
    for chunk in chunk_note(note_of(text), size=100):
        assert chunk.end == len(text) or text[chunk.end] == "\n"


def test_a_long_row_is_cut_between_cells() -> None:
    text = "|" + "|".join(f"第{i}格的内容" for i in range(40)) + "|"
    chunks = chunk_note(note_of(text), size=80)
    assert len(chunks) > 1
    assert all(text[chunk.end - 1] == "|" for chunk in chunks)


def test_a_sentence_beyond_the_size_keeps_its_formulas_and_code() -> None:
    text = "，".join("损失 $L = a, b$ 与 `f(x, y)` 相关" for _ in range(12))
    chunks = chunk_note(note_of(text), size=60)
    pieces = [text[c.start : c.end] for c in chunks]
    assert sum(piece.count("$L = a, b$") for piece in pieces) == 12
    assert sum(piece.count("`f(x, y)`") for piece in pieces) == 12


def test_a_cut_does_not_tear_joined_characters() -> None:
    family = "👨\u200d👩\u200d👧"
    for text in (family * 40, "e\u0301" * 100, "👍🏽" * 60):
        for chunk in chunk_note(note_of(text), size=41):
            assert text[chunk.start] not in "\u200d\u0301🏽"
            assert text[chunk.end - 1] != "\u200d"


def test_a_heading_beyond_the_size_is_cut_like_text() -> None:
    text = "# " + "很长的标题" * 50
    chunks = chunk_note(note_of(text), size=60)
    assert all(chunk.end - chunk.start <= 60 for chunk in chunks)


def test_blanks_inside_a_long_sentence_give_no_empty_chunk() -> None:
    text = "a" + " " * 500 + "b"
    assert [text[c.start : c.end] for c in chunk_note(note_of(text), size=40)] == ["a", "b"]


def test_an_empty_note_has_no_chunks_and_a_tiny_size_is_refused() -> None:
    assert chunk_note(note_of(" \n\n")) == []
    with pytest.raises(ValueError, match="at least 40"):
        chunk_note(note_of("a"), size=39)


@pytest.mark.parametrize(
    "text",
    ["长" * 300_000, "a " * 200_000, "\n".join(["# 标题"] * 50_000), "`a` " * 90_000, "|" * 300_000,
     "```\n" + "x" * 300_000, "```\n" + "x\n" * 100_000, "，" * 200_000, "\u0301" * 100_000],
)  # fmt: skip
def test_a_monstrous_note_is_cut_in_linear_time(text: str) -> None:
    start = time.process_time()
    chunks = chunk_note(note_of(text))
    assert is_covered(note_of(text), chunks)
    assert time.process_time() - start < 6
