"""The dictionary says the same from its short form, from the whole one, and without a cache.

It cuts as jieba does.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import corpus.dictionary as module
from assistant.config import sample_notes
from corpus.dictionary import Dictionary

TEXT = "因子分解机在稀疏场景下学习特征之间的交叉信息北京大学的研究者提出了一种改进算法"
WORDS = ["特征", "稀", "因子分解", "北京大学", "没有这个词", "算法", "改"]


Said = tuple[list[str], list[bool], list[float], list[bool]]


def said(dictionary: Dictionary) -> Said:
    return (
        dictionary.cut(TEXT),
        [dictionary.knows(w) for w in WORDS],
        [dictionary.frequency(w) for w in WORDS],
        [dictionary.is_name(w) for w in WORDS],
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said]:
    """A filled cache folder, and what was said while jieba's own file was read."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("corpus.places.cache_folder", lambda: folder)
        return folder, said(Dictionary())


@pytest.fixture
def cache(made: tuple[Path, Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made[0], tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr("corpus.places.cache_folder", lambda: tmp_path)
    return tmp_path


def test_the_short_form_says_what_the_whole_says(cache: Path, made: tuple[Path, Said]) -> None:
    assert {path.suffix for path in cache.iterdir()} == {".keys", ".words", ".names"}
    short = Dictionary()
    assert said(short) == made[1]
    assert not isinstance(short._tokenizer.FREQ, dict)


def test_many_lookups_bring_the_whole_dictionary(
    cache: Path, made: tuple[Path, Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAYS", 5)
    short = Dictionary()
    assert said(short) == made[1]
    assert isinstance(short._tokenizer.FREQ, dict)
    assert said(short) == made[1]


@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_a_damaged_cache_is_made_anew(cache: Path, made: tuple[Path, Said], kept: float) -> None:
    for path in list(cache.iterdir()):
        data = path.read_bytes()
        path.write_bytes(data[: int(kept * len(data))])
    assert said(Dictionary()) == made[1]
    assert {p.name: p.stat().st_size for p in cache.iterdir()} == {
        p.name: p.stat().st_size for p in made[0].iterdir()
    }


def test_without_a_cache_folder_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpus.places.cache_folder", lambda: None)
    assert Dictionary().cut("因子分解机")[0].startswith("因子")


def test_names_are_told_from_words() -> None:
    dictionary = Dictionary()
    assert dictionary.is_name("京东")
    assert not dictionary.is_name("特征")


@pytest.fixture(scope="module")
def jiebas() -> Any:
    """jieba itself, with its own file."""
    found = module._import_jieba().Tokenizer()
    found.initialize()
    return found


WHOLE = Dictionary()
# words whose shares tie, beginnings of words that are none, ideographs jieba does not know
PIECES = "的 一 研究 生命 起源 因子分解机 北京大学 㐀 〇 龘 龥 鿕 鿖 𠀀 不 了解 和服 欸乃".split()


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_a_run_is_cut_as_jieba_cuts_it(jiebas: Any, run: str) -> None:
    assert WHOLE.cut(run) == list(jiebas.cut(run, HMM=False))


@given(st.text("一丁七万丈三上下不与丐丑专且世丘丙业丛东丝丢两严丧", max_size=40))
def test_any_ideographs_are_cut_as_jieba_cuts_them(jiebas: Any, run: str) -> None:
    assert WHOLE.cut(run) == list(jiebas.cut(run, HMM=False))


def test_the_sample_notes_are_cut_as_jieba_cuts_them(jiebas: Any) -> None:
    text = "\n".join(path.read_text("utf-8") for path in sorted(sample_notes().rglob("*.md")))
    runs = re.findall("[\u4e00-\u9fff]+", text)
    assert len(runs) > 1000
    assert [WHOLE.cut(run) for run in runs] == [list(jiebas.cut(run, HMM=False)) for run in runs]
    long = "".join(runs)[:256]
    assert WHOLE.cut(long * 2) == 2 * list(jiebas.cut(long, HMM=False))  # cut where a run is long
