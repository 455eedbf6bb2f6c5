"""Answers, checked texts and hits as markup."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from assistant.operators import parse_query
from assistant.types import Answer, Citation, Claim, Evidence, Place, Verdict
from assistant.web.copies import (
    answer_markdown,
    checked_markdown,
    hit_markdown,
    live_markers,
    where,
)
from assistant.web.hits import paint_hits
from assistant.web.inline import protected_spans
from assistant.web.paint import (
    legend,
    paint,
    paint_checked,
    paint_draft,
    paint_question,
)
from assistant.web.spots import Sheet, spots_of_answer, spots_of_claims, spots_of_hits
from assistant.web.texts import ICONS, TEXTS, VERDICT_CLASSES
from tests.web.fakes import ScriptedAssistant, write_notes
from tests.web.test_render import PAYLOADS, parsed

ID = "0123456789abcdef"


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> ScriptedAssistant:
    folder = tmp_path_factory.mktemp("paint")
    return ScriptedAssistant(write_notes(folder / "notes"), folder / "index")


def cited(text: str, *, quote: str = "原句", reason: str = "", heading: str = "节") -> Answer:
    """An answer of one supported claim, all of whose strings may be hostile."""
    citation = Citation(
        marker=1, note="a/b.md", title=f"题 {reason}", heading=(heading,), start=0, end=len(quote),
        line=3, quote=quote, date="2024-05-01",
    )  # fmt: skip
    evidence = Evidence(
        note="a/b.md", title="题", start=0, end=len(quote), line=3, quote=quote, date=None
    )
    claim = Claim(
        text=text, start=0, end=len(text), verdict=Verdict.SUPPORTED, score=0.9, citations=(1,),
        evidence=evidence, reason=reason,
    )  # fmt: skip
    return Answer(
        question=f"问 {reason}",
        searched=(f"问 {reason}",),
        text=text,
        abstained=False,
        reason=None,
        generator="extractive",
        citations=(citation,),
        claims=(claim,),
    )


def sheet_of(answer: Answer) -> Sheet:
    return Sheet(id=ID, spots=spots_of_answer(answer))


def hrefs(markup: str, css: str) -> list[str]:
    return re.findall(rf'<a class="{css}[^"]*" href="([^"]+)"', markup)


def test_markers_and_verdicts_of_an_answer_are_links_into_its_sheet(
    assistant: ScriptedAssistant,
) -> None:
    answer = assistant.ask("GQA 分组 WRONG")
    sheet = sheet_of(answer)
    markup = paint(answer, sheet)
    assert hrefs(markup, "cite") == [f"#p-{ID}-c1", f"#p-{ID}-c2"]
    assert hrefs(markup, "v ") == [f"#p-{ID}-v{i}" for i in range(len(answer.claims))]
    known = {f"#p-{ID}-{spot.key}" for spot in sheet.spots}
    assert set(re.findall(r"#p-[0-9a-f]{16}-[a-z]+\d+(?=['\"])", markup)) <= known | {
        "#p-0000000000000000-c1"  # stands in a note, and stays text
    }


def test_each_verdict_has_its_own_icon_line_and_word() -> None:
    assert len(set(ICONS.values())) == len(set(VERDICT_CLASSES.values())) == len(Verdict)
    for verdict in Verdict:
        assert f"g-{VERDICT_CLASSES[verdict]}" in legend()
        assert TEXTS[verdict.value].zh in legend()


def test_the_summary_counts_the_claims_of_each_verdict(assistant: ScriptedAssistant) -> None:
    answer = assistant.ask("GQA 分组 WRONG")
    text = parsed(paint(answer, sheet_of(answer))).text
    assert "5 条陈述：" in text
    assert "✓ 2" in text
    assert "✗ 1" in text
    assert "? 1" in text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_string_of_an_answer_becomes_markup(payload: str) -> None:
    answer = cited(f"{payload}[1]", quote=payload, reason=payload, heading=payload)
    painted = paint(answer, sheet_of(answer))
    for markup in (painted, paint_question(payload), paint_draft(answer)):
        found = parsed(markup)
        assert not {"img", "script", "svg", "iframe", "style", "i", "math"} & set(found.tags)
        assert found.attributes <= {"class", "href", "title", "open"}
        assert "\n" not in markup
    links = re.findall(r"""<a [^>]*href=["']([^"']+)""", painted)
    assert all(link.startswith((f"#p-{ID}-", f"#y-{ID}-", f"#s-{ID}")) for link in links)


def test_a_marker_inside_quoted_words_is_not_live() -> None:
    quote = "笔记自己写着 [1] 这个记号。"
    answer = cited(f"{quote}[1]", quote=quote)
    found = live_markers(answer, protected_spans(answer.text))
    assert [(start, end) for start, end, _ in found] == [(len(quote), len(quote) + len("[1]"))]


def test_a_verdict_stands_behind_the_markers_of_its_sentence() -> None:
    answer = cited("一句话。")
    answer = dataclasses.replace(answer, text="一句话。[1] 再一句[1]。")
    markup = paint(answer, sheet_of(answer))
    assert markup.index(">[1]</a>") < markup.index('<a class="v v-ok"') < markup.index("再一句")


def test_a_marker_without_a_citation_is_not_live() -> None:
    answer = cited("一句[2]。再一句[1]。")
    assert [c.marker for _, _, c in live_markers(answer, ())] == [1]


def test_an_abstention_names_the_nearest_notes_and_its_reason(
    assistant: ScriptedAssistant,
) -> None:
    answer = assistant.ask("LoRA NOTHING")
    markup = paint(answer, sheet_of(answer))
    assert "yj-none" in markup
    assert "最接近的段落没有提到" in markup
    assert f"#p-{ID}-n0" in markup
    assert "微调/lora.md" in markup
    assert answer.text not in markup  # the line above and the list below say the same
    bare = paint(answer, Sheet(id=ID, spots=()))
    assert answer.text in bare


def test_notes_that_disagree_stand_side_by_side_with_their_dates(
    assistant: ScriptedAssistant,
) -> None:
    answer = assistant.ask("GQA 分组 WRONG DISAGREE")
    markup = paint(answer, sheet_of(answer))
    assert f"#p-{ID}-da0" in markup
    assert f"#p-{ID}-db0" in markup
    assert "<span class='dt'>2024-05-01</span>" in markup


def test_a_draft_has_no_verdicts_and_no_live_marker(assistant: ScriptedAssistant) -> None:
    answer = assistant.ask("GQA 分组")
    markup = paint_draft(answer)
    assert "<a " not in markup
    assert "class='g" not in markup
    assert "正在查找" in paint_draft(None)


def test_a_hit_is_not_cut_inside_a_formula(assistant: ScriptedAssistant) -> None:
    lead, formula = "查询的代价。" * 68, "\n$$\n\\mathbb{E}[C]\n\\approx \\log N\n$$"
    assert len(lead) < 420 < len(lead) + len(formula)  # a hit shows 420 characters
    (hit,) = assistant.find("efSearch", k=1)
    note = dataclasses.replace(hit.note, text=f"{lead}{formula} 其余的话。")
    chunk = dataclasses.replace(hit.chunk, start=0, end=len(note.text))
    hit = dataclasses.replace(hit, note=note, chunk=chunk)
    markup = paint_hits(parse_query("代价"), [hit], Sheet(id=ID, spots=spots_of_hits([hit])))
    assert "代价</span>。" in markup
    assert "mathbb" not in markup
    assert "…" in markup
    # nor does it begin inside one, and a row of a table is whole
    table = "| 甲 | 乙 |\n|---|---|\n" + "| 一 | 二 |\n" * 60
    long = "$$\n" + "\\mathbb{E}[C]\n" * 12 + "\\text{代价}$$"
    note = dataclasses.replace(hit.note, text=f"{long}\n\n{table}")
    chunk = dataclasses.replace(hit.chunk, start=0, end=len(note.text))
    hit = dataclasses.replace(hit, note=note, chunk=chunk)
    markup = paint_hits(parse_query("代价"), [hit], Sheet(id=ID, spots=spots_of_hits([hit])))
    assert "mathbb" in markup
    assert "|" not in re.sub(r"<[^>]*>", "", markup)


def test_hits_mark_the_words_of_the_query(assistant: ScriptedAssistant) -> None:
    hits = assistant.find("efSearch 延迟 latency", k=3)
    sheet = Sheet(id=ID, spots=spots_of_hits(hits))
    markup = paint_hits(parse_query("efSearch latency"), hits, sheet)
    assert '<span class="tm">efSearch</span>' in markup
    assert '<span class="tm">latency</span>' in markup
    assert f"#y-{ID}-y0" in markup
    assert "bm25" in markup


def test_operators_of_a_query_are_not_marked_and_its_phrases_are(
    assistant: ScriptedAssistant,
) -> None:
    hits = assistant.find("efSearch recall latency", k=1)
    sheet = Sheet(id=ID, spots=spots_of_hits(hits))
    written = '"recall for latency" path:graph tag:memory'
    marked = re.findall(r'class="tm">([^<]+)<', paint_hits(parse_query(written), hits, sheet))
    assert marked == ["recall for latency"]


def test_copies_of_a_hit_and_reasons_for_none_are_named(assistant: ScriptedAssistant) -> None:
    hit = assistant.find("efSearch", k=1)[0]
    copy = Place(note="副本 <b>.md", title="副本 <b>", line=3)
    twice = [dataclasses.replace(hit, also=(copy,))]
    markup = paint_hits(parse_query("efSearch"), twice, Sheet(id=ID, spots=spots_of_hits(twice)))
    assert "副本 &lt;b&gt;</a> 副本 &lt;b&gt;.md:3" in markup
    assert "href='#n-%E5%89%AF%E6%9C%AC%20%3Cb%3E.md'" in markup
    none = paint_hits(parse_query("#x"), [], Sheet(id=ID, spots=()), ["没有笔记符合 #x <i>"])
    assert "没有笔记符合 #x &lt;i&gt;" in none


def test_notices_stand_above_an_answer_and_once_in_an_abstention(
    assistant: ScriptedAssistant,
) -> None:
    told = dataclasses.replace(assistant.ask("GQA 分组"), notices=("没有笔记含“甲 <b>”",))
    sheet = Sheet(id=ID, spots=spots_of_answer(told))
    for markup in (paint(told, sheet), paint_draft(told)):
        assert markup.index("没有笔记含“甲 &lt;b&gt;”") < markup.index("yj-body")
    nothing = dataclasses.replace(told, abstained=True, reason="没有笔记含“甲 <b>”；没有答案")
    assert paint(nothing, sheet).count("没有笔记含") == 1


def test_a_checked_text_has_a_row_for_each_claim(assistant: ScriptedAssistant) -> None:
    checked = assistant.check("LoRA 冻结权重。GQA 有 9 组。火星有水。")
    markup = paint_checked(checked, Sheet(id=ID, spots=spots_of_claims(checked)))
    assert len(re.findall(r"<a class='cl ", markup)) == len(checked.claims) == 3
    unsure = dataclasses.replace(checked.claims[0], verdict=Verdict.UNSUPPORTED, score=0.6)
    checked = dataclasses.replace(checked, claims=(unsure,))
    assert "未能确认" in paint_checked(checked, Sheet(id=ID, spots=spots_of_claims(checked)))


def test_a_copied_answer_carries_its_sources_as_footnotes(assistant: ScriptedAssistant) -> None:
    answer = assistant.ask("GQA 分组")
    text = answer_markdown(answer, live_markers(answer, protected_spans(answer.text)))
    assert text.startswith("**GQA 分组**")
    assert "每组共享一对键值头。[^1]" in text
    assert "[^1]: 分组查询注意力 GQA › 原理, `注意力/gqa.md:9` (2024-05-01): GQA 把" in text


def test_a_copied_hit_quotes_the_passage_and_names_its_place(assistant: ScriptedAssistant) -> None:
    text = hit_markdown(assistant.find("efSearch")[0])
    assert "> HNSW keeps a layered graph; efSearch trades recall for latency." in text
    assert "`search-en.md:" in text


def test_a_copied_report_has_verdict_reason_and_evidence(assistant: ScriptedAssistant) -> None:
    text = checked_markdown(assistant.check("LoRA 冻结权重。GQA 有 9 组。"))
    assert "- ✓ **有据** LoRA 冻结权重。" in text
    assert "- ✗ **与笔记矛盾** GQA 有 9 组。" in text
    assert "> " in text


def test_an_entry_of_a_feed_is_named_by_its_line() -> None:
    assert where("feed.txt#L7", 0) == "feed.txt:7"
    assert where("a/b.md", 3) == "a/b.md:3"


def test_every_string_has_both_languages_and_the_same_values() -> None:
    for key, text in TEXTS.items():
        assert text.zh, key
        assert text.en, key
        assert set(re.findall(r"\{\w+\}", text.zh)) == set(re.findall(r"\{\w+\}", text.en)), key


def test_the_page_defines_what_its_script_uses() -> None:
    script = (Path(paint.__code__.co_filename).parent / "assets/panel.js").read_text("utf-8")
    used = set(re.findall(r'"(panel\.[a-z.]+)"', script))
    states = {f"panel.state.{name}" for name in ("changed", "gone", "none", "lost")}
    assert used | states <= TEXTS.keys()


def test_why_it_is_not_the_models_answer_stands_before_what_is_shown_instead() -> None:
    why = "模型没有作答（断了），以下是笔记原句"
    answer = dataclasses.replace(cited("笔记的话[1]"), reason=why)
    markup = paint(answer, Sheet(id=ID, spots=spots_of_answer(answer)))
    assert 0 < markup.index("以下是笔记原句") < markup.index("yj-body")
