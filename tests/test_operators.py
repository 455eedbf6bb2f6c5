from __future__ import annotations

import pytest
from hypothesis import given

from assistant.filters import Filters
from assistant.operators import parse_query, sentence_of
from corpus.errors import ConfigError
from tests.generated import texts


@pytest.mark.parametrize(
    ("written", "text", "phrases"),
    [
        ('"top k" 采样', "top k 采样", ("top k",)),
        ("“倒排索引”的组成", "倒排索引 的组成", ("倒排索引",)),
        ("「混合檢索」與『重排』", "混合檢索 與 重排", ("混合檢索", "重排")),
        ('什么是"倒排"?', "什么是 倒排 ?", ("倒排",)),
        ('"a" "a"', "a a", ("a",)),
    ],
)
def test_quoted_words_are_phrases(written: str, text: str, phrases: tuple[str, ...]) -> None:
    query = parse_query(written)
    assert (query.text, query.phrases) == (text, phrases)
    assert query.filters == ()


@pytest.mark.parametrize(
    "written",
    [
        "C# 和 F#",
        "issue #1", "# 标题", "## 二级 ##", "#", "a#b", "24\" 和 27\" 显示器", '"', '""',
        '"?!"', "“……”", "他说“没有下半句", "http://x.org/#a", "path:", "key:value", "dates:2024",
        "note: path: x", "since:yesterday", "date:", "[[]]", "[[ ]]", "[x](y)", "12:30", "don't",
    ],
)  # fmt: skip
def test_what_is_no_operator_stays_as_it_is(written: str) -> None:
    query = parse_query(written)
    assert query.is_plain
    assert query.text == query.question == written


@pytest.mark.parametrize(
    ("written", "filters", "text"),
    [
        ("#rag 幻觉", Filters(tag="rag"), "幻觉"),
        ("幻觉 #机器学习/rag-评测，", Filters(tag="机器学习/rag-评测"), "幻觉 ，"),
        ("tag:#ml x", Filters(tag="ml"), "x"),
        ("path:ml/peft/ LoRA", Filters(folder="ml/peft/"), "LoRA"),
        ('folder:"my notes/2024" x', Filters(folder="my notes/2024"), "x"),
        ("path:*.md", Filters(folder="*.md"), ""),
        ("title:周报 进展", Filters(title="周报"), "进展"),
        ("since:2024-01 会议", Filters(since="2024-01"), "会议"),
        ("会议 until:2024-02-29", Filters(until="2024-02-29"), "会议"),
        ("date:2024 会议", Filters(since="2024", until="2024"), "会议"),
        ("date：2024-01..2024-03", Filters(since="2024-01", until="2024-03"), ""),
        ("date:2024..", Filters(since="2024"), ""),
        ("[[LoRA 笔记]] 的秩", Filters(notes=("LoRA 笔记",)), "的秩"),
        ("[[lora|低秩]] 和 [[qlora#做法]]", Filters(notes=("lora", "qlora#做法")), "和"),
    ],
)
def test_an_operator_becomes_a_filter_and_leaves_the_words(
    written: str, filters: Filters, text: str
) -> None:
    query = parse_query(written)
    assert query.filters == (filters,)
    assert query.text == text


def test_operators_of_all_kinds_stand_together() -> None:
    query = parse_query('#a/b "x y" path:p/ [[n]] since:2023 词')
    assert query.phrases == ("x y",)
    assert set(query.filters) == {
        Filters(tag="a/b"),
        Filters(folder="p/"),
        Filters(since="2023"),
        Filters(notes=("n",)),
    }
    assert query.text == "x y 词"


@pytest.mark.parametrize(
    ("written", "question"),
    [
        ("[[BM25]] 的 k1 是多少?", "BM25 的 k1 是多少?"),
        ("[[bm25|打分公式]]的短板", "打分公式的短板"),
        ("什么是“倒排索引”?", "什么是“倒排索引”?"),
        ("path:ml/ LoRA 的秩?", "LoRA 的秩?"),
        ("#ml/rag 有哪些要点?", "rag 有哪些要点?"),
        ("since:2024-13 x", "since:2024-13 x"),
    ],
)
def test_a_question_stays_a_sentence_without_its_operators(written: str, question: str) -> None:
    assert sentence_of(written) == question


@pytest.mark.parametrize(
    "written", ["since:2024-13", "until:2024-02-30", "date:24", "since:2024..2025"]
)
def test_a_number_that_is_no_date_is_told(written: str) -> None:
    with pytest.raises(ConfigError, match=r"date|since|until"):
        parse_query(written)


@given(texts())
def test_any_text_is_parsed_and_its_words_are_kept(text: str) -> None:
    try:
        query = parse_query(text)
    except ConfigError:
        return
    if query.is_plain:
        assert query.text == text
    assert all(phrase in text for phrase in query.phrases)
