"""The dictionary says the same from its short form, from the whole one, and without a cache."""

from __future__ import annotations

from pathlib import Path

import pytest

import corpus.dictionary as module
from corpus.dictionary import Dictionary

TEXT = "因子分解机在稀疏场景下学习特征之间的交叉信息北京大学的研究者提出了一种改进算法"
WORDS = ["特征", "稀", "因子分解", "北京大学", "没有这个词", "算法", "改"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("corpus.places.cache_folder", lambda: tmp_path)
    return tmp_path


def said(dictionary: Dictionary) -> tuple[list[str], list[bool], list[float], list[bool]]:
    return (
        dictionary.cut(TEXT),
        [dictionary.knows(w) for w in WORDS],
        [dictionary.frequency(w) for w in WORDS],
        [dictionary.is_name(w) for w in WORDS],
    )


def test_the_short_form_says_what_the_whole_says(cache: Path) -> None:
    first = said(Dictionary())  # reads jieba's own file and keeps caches
    kinds = {path.suffix for path in cache.iterdir()}
    assert kinds == {".keys", ".words", ".names"}
    second = Dictionary()
    assert said(second) == first
    assert not isinstance(second._tokenizer.FREQ, dict)


def test_many_lookups_bring_the_whole_dictionary(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = said(Dictionary())
    monkeypatch.setattr(module, "_PAYS", 5)
    second = Dictionary()
    assert said(second) == first
    assert isinstance(second._tokenizer.FREQ, dict)
    assert said(second) == first


@pytest.mark.parametrize("damage", [b"", b"torn", None])
def test_a_damaged_cache_is_made_anew(cache: Path, damage: bytes | None) -> None:
    first = said(Dictionary())
    for path in list(cache.iterdir()):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] if damage is None else damage)
    assert said(Dictionary()) == first
    assert said(Dictionary()) == first


def test_without_a_cache_folder_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpus.places.cache_folder", lambda: None)
    assert Dictionary().cut("因子分解机")[0].startswith("因子")


def test_names_are_told_from_words() -> None:
    dictionary = Dictionary()
    assert dictionary.is_name("京东")
    assert not dictionary.is_name("特征")
