from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.naming import WORDS_FILE, held_names, own_words
from assistant.retrieval import retrieve
from corpus.index import Index
from corpus.readers import Vault
from corpus.tokens import tokens
from tests.fakes import HashingEncoder

NOTES = {
    "title.md": "# 王小米\n\n一位同事。\n",
    "mention.md": "# 周会\n\n分工已经定下，王小米负责接口，其余的人写测试，下周三再碰一次头。\n",
    "phone.md": "# 手机\n\n小米手机的小米系统，王先生用小米，小米的王牌是小米。\n",
    "shop.md": "# 店\n\n小米之家，姓王的店员卖小米。王婆卖小米。\n",
    "tag.md": "---\ntags: [沐栀组]\n---\n# 立项\n\n沐栀组分三步。\n",
    "wind.md": "# 花\n\n栀子花，沐浴，一组花，组图。\n",
    "heading.md": "# 制度\n\n## 青禾假\n\n青禾假每年两天。\n",
    "own.md": "# 杂记\n\n昨天试了蓝鲸罐的新配方。\n",
    "whale.md": "# 海\n\n蓝鲸吃磷虾，蓝鲸的罐子，罐中蓝鲸。\n",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("naming")
    (folder / "notes").mkdir()
    for name, text in NOTES.items():
        (folder / "notes" / name).write_text(text, encoding="utf-8")
    with Index.open(folder / "index", encoder=HashingEncoder()) as opened:
        opened.refresh(Vault(folder / "notes"))
        yield opened


def named(index: Index, query: str) -> set[str]:
    with index.snapshot() as now:
        return {chunk.note for chunk in now.chunks(sorted(held_names(now, query)))}


def test_the_dictionary_does_not_know_these_names() -> None:
    for name in ("王小米", "沐栀组", "青禾假", "蓝鲸罐"):
        assert len(tokens(name)) > 1


def test_a_name_that_a_title_holds_is_one_word_in_every_note(index: Index) -> None:
    assert named(index, "王小米负责什么") == {"title.md", "mention.md"}
    found = [hit.note.path for hit in retrieve(index, "王小米负责什么", reranked=False)]
    assert set(found[:2]) == {"title.md", "mention.md"}


@pytest.mark.parametrize("query", ["小米手机", "负责接口", "蓝鲸罐", "", "LoRA", "的王"])
def test_other_words_are_no_names(index: Index, query: str) -> None:
    assert named(index, query) == set()


def test_a_tag_and_a_heading_hold_names_too(index: Index) -> None:
    assert named(index, "沐栀组分几步") == {"tag.md"}
    assert named(index, "青禾假几天") == {"heading.md"}


def test_a_name_is_found_whatever_script_it_is_written_in(index: Index) -> None:
    assert named(index, "王小米") == named(index, "關於王小米") != set()


def test_a_word_of_the_persons_own_list_is_one_word(index: Index, youju_home: Path) -> None:
    assert own_words() == ()
    (youju_home / WORDS_FILE).write_text("# 我的词\n藍鯨罐 5 nz\n\n", encoding="utf-8")
    assert own_words() == ("蓝鲸罐",)
    assert named(index, "蓝鲸罐的配方") == {"own.md"}
    assert retrieve(index, "蓝鲸罐", reranked=False)[0].note.path == "own.md"
