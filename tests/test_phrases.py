from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.index import Index
from corpus.phrases import keys, pattern
from corpus.readers import Vault
from corpus.text import fold
from corpus.tokens import terms
from tests.fakes import HashingEncoder
from tests.generated import texts

TEXTS = {
    "a": "# 甲\n\n正排索引与倒排\n索引的区别。Fine-tuning of LLMs.\n",
    "b": "# 乙\n\n倒排索引很快，the Top-K   choice 是 3.14。\n",
    "c": "# 丙\n\n機器學習的訓練資料，ＦＵＬＬ width。\n",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("phrases")
    (folder / "notes").mkdir()
    for name, text in TEXTS.items():
        (folder / "notes" / f"{name}.md").write_text(text, encoding="utf-8")
    with Index.open(folder / "index", encoder=HashingEncoder()) as opened:
        opened.refresh(Vault(folder / "notes"))
        yield opened


@pytest.mark.parametrize(
    ("phrase", "notes"),
    [
        ("倒排索引", "b"), ("排索", "ab"), ("索引", "ab"), ("的区别", "a"), ("区别的", ""),
        ("top-k choice", "b"), ("TOP-K", "b"), ("choice 是 3.14", "b"), ("top", "b"), ("to", ""),
        ("tuning", "a"), ("tun", ""), ("LLM", ""), ("llms", "a"), ("14", "b"), ("4", ""),
        ("机器学习的训练资料", "c"), ("full width", "c"), ("不存在", ""), ("？", ""), ("的", "ac"),
    ],
)  # fmt: skip
def test_a_phrase_is_held_to_the_letter(index: Index, phrase: str, notes: str) -> None:
    with index.snapshot() as now:
        found = [chunk.note[0] for chunk in now.chunks(now.holding(phrase))]
    assert "".join(found) == notes


@given(texts(), st.data())
def test_every_key_of_a_phrase_stands_in_the_terms_of_a_text_that_holds_it(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    phrase = text[start:end]
    if pattern(phrase).search(fold(text)):
        held = terms(text)
        assert all(any(key in term for term in held) for key in keys(phrase))
