from __future__ import annotations

from dataclasses import replace

from assistant.plain import (
    answer_text,
    checked_text,
    hits_text,
    rate_text,
    report_text,
    status_text,
)
from assistant.types import Checked, Verdict
from corpus.index import IndexStatus
from corpus.types import RefreshReport, Skipped
from tests.test_wire import ANSWER, CLAIM, HIT, NOTE, OTHER


def test_an_answer_names_its_sources_and_what_disagrees() -> None:
    assert answer_text(ANSWER).splitlines() == [
        "LoRA 的秩取 8。 [1]",
        "",
        "出处：",
        "[1] LoRA (a.md:3, 2024-05-01)",
        "",
        "笔记说法不一：",
        "  - LoRA 的秩取 8。 (a.md:3, 2024-05-01)",
        "  - LoRA 的秩取 8。",
        "",
        "1 条陈述：1 有据",
    ]


def test_an_english_question_is_answered_in_english() -> None:
    shown = answer_text(replace(ANSWER, question="What is r?", claims=(CLAIM, OTHER)))
    assert "Sources:" in shown
    assert "Your notes disagree:" in shown
    assert "2 claims: 1 supported, 1 contradicted" in shown
    assert "✗ contradicted  LoRA 的秩取 8。" in shown


def test_an_abstention_is_text_and_reason() -> None:
    answer = replace(ANSWER, abstained=True, text="没有找到。", reason="笔记没有提到")
    assert answer_text(answer) == "没有找到。\n（笔记没有提到）"
    assert answer_text(replace(answer, question="r?")) == "没有找到。\n(笔记没有提到)"
    assert answer_text(replace(answer, reason=None)) == "没有找到。"


def test_what_is_likelier_in_the_notes_than_not_is_called_unconfirmed() -> None:
    unsure = replace(CLAIM, verdict=Verdict.UNSUPPORTED, score=0.6)
    shown = checked_text(Checked(text="LoRA 的秩取 8。", claims=(unsure,)))
    assert shown.startswith("? 未能确认  LoRA 的秩取 8。")
    assert shown.endswith("1 条陈述：1 笔记中没有")  # the verdict is what it is
    for other in (replace(unsure, score=0.4), replace(unsure, evidence=None)):
        assert checked_text(Checked(text="LoRA", claims=(other,))).startswith("? not in the notes")


def test_a_checked_text_shows_verdict_reason_and_evidence() -> None:
    text = checked_text(Checked(text="LoRA 的秩取 8。", claims=(CLAIM, OTHER)))
    assert text.splitlines() == [
        "✓ 有据  LoRA 的秩取 8。",
        "    与笔记原文一致",
        "    > LoRA 的秩取 8。 (a.md:3)",
        "✗ 与笔记矛盾  LoRA 的秩取 8。",
        "    数字不同",
        "",
        "2 条陈述：1 有据，1 与笔记矛盾",
    ]
    assert checked_text(Checked(text="Hello", claims=())) == "There is no claim to check."


def test_colours_only_where_asked() -> None:
    checked = Checked(text="秩", claims=tuple(replace(CLAIM, verdict=v) for v in Verdict))
    assert "\033" not in checked_text(checked)
    coloured = checked_text(checked, colour=True)
    assert coloured.count("\033[0m") == 2 * len(Verdict)


def test_hits_show_place_date_and_words_in_one_line() -> None:
    assert hits_text("秩", [HIT]) == "1. LoRA (a.md:3, 2024-05-01)\n   LoRA 的秩取 8。"
    assert hits_text("rank", []) == "Nothing found."


def test_an_entry_of_a_feed_is_shown_as_a_line_of_its_file() -> None:
    entry = replace(NOTE, path="feed.txt#L7", file="feed.txt", first_line=7)
    hit = replace(HIT, note=entry, chunk=replace(HIT.chunk, line=7))
    assert "(feed.txt:7, 2024-05-01)" in hits_text("秩", [hit])


def test_long_words_are_cut() -> None:
    claim = replace(CLAIM, text="长 \n" * 400, evidence=None, reason="")
    first = checked_text(Checked(text="长", claims=(claim,))).splitlines()[0]
    assert len(first) < 320
    assert first.endswith("…")


def test_a_report_names_every_skipped_file() -> None:
    report = RefreshReport(
        added=1, n_notes=1, n_chunks=2, skipped=(Skipped(path="a.pdf", reason="not read"),)
    )
    assert report_text(report) == (
        "1 note, 2 passages: 1 added, 0 changed, 0 renamed, 0 deleted, 0 unchanged\n"
        "skipped a.pdf: not read"
    )


def test_a_status_says_so_before_anything_is_indexed() -> None:
    status = IndexStatus(
        root=None, n_notes=0, n_chunks=0, n_chars=0, skipped=(), generation=0, updated_at=None,
        encoder=None, size_bytes=1_500_000,
    )  # fmt: skip
    shown = status_text(status)
    assert "none indexed yet" in shown
    assert "never (generation 0)" in shown
    assert "1.5 MB" in shown


def test_one_note_is_not_many() -> None:
    assert report_text(RefreshReport(n_notes=1, n_chunks=1)).startswith("1 note, 1 passage: ")
    assert report_text(RefreshReport(n_notes=2, n_chunks=3)).startswith("2 notes, 3 passages: ")


def test_a_slow_rate_is_not_nothing() -> None:
    assert [rate_text(n, 20.0) for n in (5, 20, 35, 400)] == ["0.2", "1", "1.8", "20"]


def test_a_hit_in_a_table_is_shown_without_its_row_of_dashes() -> None:
    table = "| 项 | 值 |\n|:---|---:|\n| 秩 | 8 |\n\n---\n\n- a | b"
    chunk = replace(HIT.chunk, start=0, end=len(table))
    hit = replace(HIT, note=replace(NOTE, text=table), chunk=chunk)
    shown = hits_text("秩", [hit]).splitlines()[1]
    assert shown == "   | 项 | 值 | | 秩 | 8 | --- - a | b"
