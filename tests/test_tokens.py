from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.text import fold
from corpus.tokens import STOP_TERMS, content_terms, stem, terms, tokens
from tests.generated import texts


@given(texts())
def test_tokens_are_ordered_spans_of_the_text(text: str) -> None:
    at = 0
    for token in tokens(text):
        assert at <= token.start < token.end <= len(text)
        assert token.text
        at = token.end


@given(texts())
def test_han_tokens_say_what_their_span_says(text: str) -> None:
    folded = fold(text)
    for token in tokens(text):
        if token.kind == "han":
            assert folded[token.start : token.end] == token.text


@given(texts())
def test_tokens_hold_every_letter_and_ideograph(text: str) -> None:
    held = {i for token in tokens(text) for i in range(token.start, token.end)}
    folded = fold(text)
    missing = [i for i, c in enumerate(folded) if c.isalnum() and i not in held]
    assert not [folded[i] for i in missing]


@given(texts())
def test_terms_hold_no_separators_of_the_store(text: str) -> None:
    for term in terms(text):
        assert term
        assert not any(char.isspace() or ord(char) < 32 for char in term)


@given(texts(), st.sampled_from(["。", "\n", " ", "，", "！"]), texts())
def test_a_mark_separates_terms(left: str, mark: str, right: str) -> None:
    if left[-1:] + right[:1] == "" or not (left and right):
        return
    joined = terms(left + mark + "。" + mark + right)
    assert joined == terms(left + mark) + terms(mark + right)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("bge-m3", {"bgem3", "bge", "m3"}),
        ("PPR-9087", {"ppr9087", "ppr", "9087"}),
        ("node.js", {"nodejs", "node", "js"}),
        (".env", {".env", "env"}),
        ("C++", {"c++"}),
        ("C#", {"c#"}),
        ("top-k", {"topk", "top"}),
        ("Llama-3.1", {"llama3.1", "llama", "3.1"}),
        ("DeepSeek-V2", {"deepseekv2", "deepseek", "v2"}),
        ("Qwen1.5-7B", {"qwen1.57b", "qwen1.5", "7b", "qwen"}),
        ("snake_case_name", {"snakecasename", "snake", "case", "name"}),
        ("text-embedding-3-large", {"text", "embedding", "3", "large"}),
    ],
)
def test_an_identifier_is_found_whole_and_in_parts(written: str, expected: set[str]) -> None:
    assert {stem(term) for term in expected} <= set(terms(written))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DeepSeekV2", "DeepSeek-V2"),
        ("BGE-M3", "bge-m3"),
        ("BGE M3", "bge-m3"),
        ("Llama 3.1", "Llama-3.1"),
        ("topk", "top-k"),
        ("\uff4e\uff4f\uff44\uff45\uff0e\uff4a\uff53", "node.js"),
        ("\uff2clama-3.1", "llama-3.1"),
        ("倒排索引", "倒排索引"),
        ("訓練資料", "训练资料"),
        ("机器學習", "机器学习"),
        ("models", "model"),
        ("Qwen1.5-7B", "Qwen1.5 7B"),
        ("用LoRA微调", "用 LoRA 微调"),
        ("fine-tuning", "finetuning"),
        ("GPT-4o", "gpt4o"),
        ("LLMs", "LLM"),
        ("deepseekv2", "DeepSeek-V2"),
        ("DeepSeek V2", "DeepSeekV2"),
        ("PPR9087", "ppr-9087"),
        ("Node.js", "nodejs"),
        ("NODE.JS", "node.js"),
        ("C＋＋", "c++"),
        ("LLAMA3.1", "Llama-3.1"),
        (".ENV", ".env"),
        ("env", ".env"),
        ("top_k", "top-k"),
        ("bge_m3", "BGE-M3"),
        ("getUserName", "user name"),
        ("7B 参数", "7B参数"),
        ("3.5 GB", "3.5GB"),
        ("100 ms", "100ms"),
        ("80GB", "A100-80GB"),
        ("１００ｍｓ", "100 MS"),
        ("queries", "query"),
        ("embeddings", "embedding"),
        ("indexed", "indexing"),
        ("飛槳", "飞桨"),
        ("檢索增強", "检索增强"),
    ],
)
def test_two_ways_to_write_a_name_share_a_term(one: str, other: str) -> None:
    assert set(content_terms(one)) & set(content_terms(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [("C++", "C"), ("C#", "C"), ("PPR-9087", "PPR-9078"), ("Llama-3.1", "Llama-3.2"), ("V2", "V3"),
     ("7B", "70B"), ("3.5GB", "35GB"), ("bge-m3", "bge-m4")],
)  # fmt: skip
def test_names_that_differ_keep_a_term_of_their_own(one: str, other: str) -> None:
    assert set(terms(one)) - set(terms(other))
    assert set(terms(other)) - set(terms(one))


@given(
    st.from_regex(r"[A-Za-z]{2,8}", fullmatch=True),
    st.sampled_from(["-", "_", ".", " "]),
    st.from_regex(r"[A-Za-z][0-9]{1,3}|[0-9]{2,4}", fullmatch=True),
)
def test_parts_of_an_identifier_find_it_whatever_joins_them(
    name: str, mark: str, version: str
) -> None:
    held = set(terms(f"用{name}{mark}{version}做"))
    for part in (name, version):
        assert set(terms(part)) & held
    if mark != " ":
        assert set(terms(f"{name}-{version}")) & held


@given(texts(max_size=60))
def test_width_does_not_matter(text: str) -> None:
    # a capital inside a word tells its parts, so letters are made small on both sides
    small = text.lower()
    wide = "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in small)
    assert terms(wide) == terms(small)


@pytest.mark.parametrize(
    "text", ["LoRA微调", "微调LoRA", "用C++写", "在node.js里", "7B模型", "第3章"]
)
def test_scripts_are_parted_at_their_border(text: str) -> None:
    found = tokens(text)
    assert len(found) >= 2
    assert "".join(text[t.start : t.end] for t in found) == text


def test_identifiers_next_to_ideographs_stay_whole() -> None:
    assert [t.text for t in tokens("用C++写node.js，配置.env和C#。")] == [
        "用", "c++", "写", stem("nodejs"), "配置", ".env", "和", "c#",
    ]  # fmt: skip


def test_a_word_has_the_same_terms_whatever_stands_beside_it() -> None:
    alone = set(terms("倒排索引"))
    assert alone <= set(terms("用倒排索引召回。"))
    assert alone <= set(terms("Lucene的倒排索引"))


def test_words_unknown_to_the_dictionary_become_bigrams() -> None:
    assert {"魑", "魃", "魑魃"} <= set(terms("魑魃"))


def test_a_sentence_end_is_no_part_of_a_word() -> None:
    assert terms("uses LoRA.")[-1] == terms("LoRA")[0]
    assert set(terms("LoRA.")) == set(terms("LoRA"))


def test_function_words_are_left_out_unless_nothing_else_is_said() -> None:
    assert not STOP_TERMS & set(content_terms("什么是 LoRA 的秩?"))
    assert content_terms("是什么") == tuple(terms("是什么"))
    assert content_terms("   ") == ()


@pytest.mark.parametrize(
    ("word", "root"),
    [
        ("models", "model"), ("queries", "query"), ("classes", "class"), ("boxes", "box"),
        ("training", "train"), ("tuned", "tuned"), ("mapped", "map"), ("loss", "loss"),
        ("corpus", "corpus"), ("analysis", "analysis"), ("ios", "ios"), ("string", "string"),
        ("selling", "sell"), ("v2s", "v2s"),
    ],
)  # fmt: skip
def test_english_endings_are_taken_off_lightly(word: str, root: str) -> None:
    assert stem(word) == root


@pytest.mark.parametrize(
    "text",
    ["中" * 100_000, "a" * 1_000_000, "a-" * 90_000, ".a" * 90_000, "+" * 500_000, "あ" * 90_000],
)
def test_a_monstrous_run_costs_seconds_at_most(text: str) -> None:
    start = time.process_time()
    found = terms(text)
    assert time.process_time() - start < 10
    assert max(map(len, found), default=0) <= 300
