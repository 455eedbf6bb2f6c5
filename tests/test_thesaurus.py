"""The thesaurus: its file is sound, and what it says reaches the check and the search."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from assistant.alignment import Matcher
from assistant.polarity import scopes
from assistant.retrieval import query_terms, retrieve
from assistant.thesaurus import _Table, contraries, kin, members
from assistant.words import words
from corpus.encoder import load_encoder
from corpus.index import Index
from corpus.readers import Vault
from eval.training.thesaurus import normal, shipped


def lines() -> list[str]:
    text = files("assistant").joinpath("data/thesaurus.txt").read_text(encoding="utf-8")
    return text.splitlines()


def test_every_line_is_a_group_or_two_that_face_each_other() -> None:
    for line in lines():
        sides = [[normal(m) for m in side.split("|")] for side in line.split(" ~ ")]
        assert len(sides) <= 2, line
        assert all(m for side in sides for m in side), line
        assert len(sides) == 2 or len(set(sides[0])) > 1, line
        assert len(sides) == 1 or not set(sides[0]) & set(sides[1]), line


def test_what_ships_is_the_normal_form_of_what_was_written() -> None:
    written = files("eval").joinpath("training/thesaurus.txt").read_text(encoding="utf-8")
    assert list(shipped(written.splitlines())) == lines()
    assert {"give up", "步骤"} <= members()


def test_members_that_become_equal_are_one() -> None:
    said = ["# a remark", "", "Gives up|give up|放弃", "cars|car", "a|b ~ b|c", "放弃|give up"]
    assert list(shipped(said)) == ["give up|放弃", "a|b ~ c", "放弃|give up"]
    with pytest.raises(ValueError, match=r"a\|\|b"):
        list(shipped(["a||b"]))


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_word_that_is_looked_for_in_the_text_is_that_of_the_table(end: str) -> None:
    shipped_text = "\n".join(lines()) + end
    small = f"a|b ~ c|a b\n不a|b|~x\nb ~ 未c\nab|aa|aaa{end}"
    for text, step in ((small, 1), (shipped_text, 2000)):
        known = sorted(_Table(text).at)
        few = [*known[::step], known[-1], "", "|", "~", "\n", "a|b", "b|~|c", "\nab", "unheard of"]
        table, looking = _Table(text), _Table(text)
        table._left, looking._left = 0, len(few)
        for word in few:
            assert looking.around(word) == table.around(word), word
        assert looking._at is None
        assert table._at is not None
        wanted = {word for word in known if not set("不没未无非").isdisjoint(word)}
        assert looking.with_letters("不没未无非") == wanted
        assert wanted


def test_no_line_stands_twice() -> None:
    assert len(lines()) == len(set(lines()))


@pytest.mark.parametrize(
    ("word", "other"),
    [("没把握", "不确定"), ("放弃", "give up"), ("expensive", "昂贵"), ("大模型", "llm")],
)
def test_kin_is_mutual_and_in_normal_form(word: str, other: str) -> None:
    assert other in kin(word)
    assert word in kin(other)
    assert normal(other) == other


def test_an_opposite_is_no_kin() -> None:
    assert "便宜" in contraries("贵") or "cheap" in contraries("贵")
    assert not kin("贵") & contraries("贵")


def test_a_word_that_is_not_listed_has_neither() -> None:
    assert kin("zzyzx") == contraries("zzyzx") == frozenset()


def aligned(claim: str, note: str) -> dict[str, float]:
    matcher = Matcher(words(claim), [words(note)], None)
    found = matcher.align(words(note), note)
    return {w.text: s for w, s in zip(found.claim, found.score, strict=True)}


@pytest.mark.parametrize(
    ("claim", "note", "word"),
    [
        ("他们放弃了这个计划", "They gave up the plan in May.", "放弃"),
        ("we are unsure about the rate", "我们对学习率没把握", "unsure"),
        ("这件事没把握", "这件事不确定", "没把握"),
    ],
)
def test_a_phrase_is_paired_with_what_says_the_same(claim: str, note: str, word: str) -> None:
    assert aligned(claim, note)[word] >= 0.85


def test_what_denies_the_opposite_is_paired_and_governed() -> None:
    claim, note = "价格不便宜", "价格很贵"
    matcher = Matcher(words(claim), [words(note)], None)
    found = matcher.align(words(note), note)
    i = [w.text for w in found.claim].index("便宜")
    assert found.is_opposite[i]
    assert found.evidence[found.to[i]].text == "贵"
    assert scopes(found.claim)[i] != scopes(found.evidence)[found.to[i]]


def test_a_question_in_other_words_finds_the_note(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("# 采购\n\n这台显示器价格昂贵，最后退掉了。\n", "utf-8")
    (notes / "b.md").write_text("# 旅行\n\n火车票要提前订。\n", "utf-8")
    index = Index.open(tmp_path / "index", encoder=load_encoder())
    index.refresh(Vault(notes))
    with index.snapshot() as now:
        weights = query_terms(now, "很贵的屏幕")
    assert 0 < weights["昂贵"] < 1
    assert retrieve(index, "很贵的屏幕")[0].note.path == "a.md"


def test_a_word_that_few_notes_hold_brings_its_translation_where_more_do(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("# Latency\n\nThe memory of the cache.\n", "utf-8")
    for name in ("b", "c", "d"):
        (notes / f"{name}.md").write_text(f"# {name}\n\n第 {name} 项要占多少内存。\n", "utf-8")
    index = Index.open(tmp_path / "index", encoder=load_encoder())
    index.refresh(Vault(notes))
    with index.snapshot() as now:
        english = query_terms(now, "how much memory")
        chinese = query_terms(now, "占多少内存")
    assert english["内存"] > 1.3 * chinese["memory"] > 0
