from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.gathering import gather, gathered
from assistant.types import Hit, Scores
from corpus.types import Chunk, Note

COPIED = (
    "倒排索引以词项为键、以包含该词的文档列表为值，查询时先查词典再合并列表，"
    "合并的代价取决于最短的列表，所以先从最短的一条开始，BM25 的打分在合并时一起完成。"
)


def note_of(name: str, text: str) -> Note:
    return Note(path=f"{name}.md", title=name, text=text, sha256="", file=f"{name}.md")


def hit_of(note: Note, start: int, end: int, *, score: float = 0.5, heading: str = "") -> Hit:
    chunk = Chunk(
        id=1 + start + 1000 * sum(map(ord, note.path)),
        note=note.path,
        start=start,
        end=end,
        heading=tuple(heading.split("/")) if heading else (),
        line=note.line_of(start),
    )
    return Hit(note=note, chunk=chunk, score=score, scores=Scores())


def spans(hits: Sequence[Hit]) -> list[tuple[str, int, int]]:
    return [(hit.note.title, hit.chunk.start, hit.chunk.end) for hit in hits]


LONG = note_of("long", "".join(f"第{i}段说的是{chr(0x4E00 + 97 * i) * 6}。\n\n" for i in range(90)))
PIECES = [
    (start, LONG.text.index("\n", start))
    for start in range(len(LONG.text))
    if LONG.text[start] == "第"
]


def test_neighbours_become_one_hit_with_the_span_of_both() -> None:
    (a, b), (c, d), (e, f) = PIECES[:3]
    second = hit_of(LONG, c, d, score=0.9, heading="H/I")
    hits = [second, hit_of(LONG, a, b, score=0.4, heading="H"), hit_of(LONG, *PIECES[9])]
    found = gather(hits, 10)
    assert spans(found) == [("long", a, d), ("long", *PIECES[9])]
    assert found[0].text == LONG.text[a:d]
    assert found[0].score == 0.9
    assert found[0].chunk.line == LONG.line_of(a)
    assert found[0].chunk.heading == ("H",)
    # the one between two hits joins all three
    hits = [hit_of(LONG, a, b), hit_of(LONG, e, f), hit_of(LONG, c, d)]
    assert spans(gather(hits, 10)) == [("long", a, f)]


def test_overlapping_hits_become_one() -> None:
    assert spans(gather([hit_of(LONG, 5, 20), hit_of(LONG, 0, 9)], 9)) == [("long", 0, 20)]


def test_notes_that_touch_nowhere_stay_apart() -> None:
    other = note_of("other", LONG.text.replace("说", "讲"))
    a, b = PIECES[0], PIECES[1]
    assert len(gather([hit_of(LONG, *a), hit_of(other, *b)], 9)) == 2


def test_a_joined_hit_stays_readable() -> None:
    long = note_of("x", "\n".join(f"{i} {chr(0x4E00 + 31 * i) * 400}" for i in range(20)))
    starts = [i for i in range(len(long.text)) if i == 0 or long.text[i - 1] == "\n"]
    hits = [hit_of(long, start, long.text.find("\n", start) % 10**6) for start in starts[:-1]]
    found = gather(hits, 20)
    assert all(hit.chunk.end - hit.chunk.start <= 2_400 for hit in found)
    assert sum(len(hit.text.replace("\n", "")) for hit in found) == sum(len(h.text) for h in hits)


def test_a_copy_in_another_note_is_shown_once_and_named() -> None:
    a, b = note_of("a", f"# A\n\n{COPIED}\n"), note_of("b", f"> {COPIED.replace('，', ', ')}\n")
    found = gather([hit_of(a, 5, len(a.text) - 1), hit_of(b, 0, len(b.text) - 1)], 10)
    assert [hit.note.title for hit in found] == ["a"]
    assert [(place.note, place.line) for place in found[0].also] == [("b.md", 1)]


@pytest.mark.parametrize(
    ("old", "new", "one"),
    [
        ("包含该词", "包含此词", True),
        ("BM25", "BM26", False),
        ("BM25", "TFIDF", False),
        ("最短的一条", "最长的一条", False),
        ("取决于", "不取决于", False),
        ("先从最短的一条", "先从最短的两条", False),
        ("文档列表为值", "文档列表为值并且每一项还带着词频位置与偏移这样三样别的东西", False),
    ],
)
def test_near_copies_are_one_unless_a_word_that_matters_differs(
    old: str, new: str, one: bool
) -> None:
    assert old in COPIED
    a, b = note_of("a", COPIED), note_of("b", COPIED.replace(old, new))
    found = gather([hit_of(a, 0, len(a.text)), hit_of(b, 0, len(b.text))], 10)
    assert len(found) == (1 if one else 2)


def test_copies_of_a_whole_note_come_from_one_note() -> None:
    text = "".join(f"{LONG.text[s:e]}\n\n{'隔' * 9}{i}\n\n" for i, (s, e) in enumerate(PIECES[:3]))
    a, b = note_of("a", text), note_of("b", text)
    (s, e), (u, v) = (0, text.index("\n")), (text.index("第1"), text.index("\n", text.index("第1")))
    hits = [hit_of(a, s, e), hit_of(b, u, v), hit_of(b, s, e), hit_of(a, u, v)]
    assert spans(gather(hits, 10)) == [("a", s, e), ("a", u, v)]


def test_as_many_hits_as_asked_are_found_behind_copies_and_neighbours() -> None:
    copies = [hit_of(note_of(f"c{i}", COPIED), 0, len(COPIED)) for i in range(300)]
    hits = [*copies, *(hit_of(LONG, *piece) for piece in PIECES[::2])]
    found = gathered(lambda n: hits[:n], 10)
    assert len(found) == 10
    assert len(found[0].also) >= 299


@given(st.lists(st.integers(0, 80), unique=True, max_size=30), st.integers(1, 12))
def test_gathered_hits_are_exact_spans_that_do_not_touch(order: list[int], k: int) -> None:
    hits = [hit_of(LONG, *PIECES[i], score=1 / (n + 1)) for n, i in enumerate(order)]
    found = gather(hits, k)
    assert len(found) <= k
    assert gather(hits, k) == found
    assert [hit.score for hit in found] == sorted((h.score for h in found), reverse=True)
    for hit in found:
        assert hit.text == LONG.text[hit.chunk.start : hit.chunk.end]
    ordered = sorted(spans(found))
    for (_, _, end), (_, start, _) in pairwise(ordered):
        assert LONG.text[end:start].strip()
    if hits:
        assert found[0].chunk.start <= hits[0].chunk.start < found[0].chunk.end
        assert replace(found[0].scores) == hits[0].scores
