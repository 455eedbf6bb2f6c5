"""The glossary: its file, its speed, its two directions, and terms that it must have learned."""

from __future__ import annotations

import json
import lzma
import re
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import pytest

from corpus import glossary
from corpus.glossary import expansions, translations
from corpus.text import fold, has_han
from corpus.tokens import stem, terms

REPO = Path(__file__).resolve().parent.parent
ENTRY = re.compile(r"[^\t=,]+=\d{1,3},\d{1,3}")


def lines() -> list[str]:
    text = files("corpus").joinpath("data/glossary.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_english_terms_looked_for_in_the_text_are_those_of_the_table() -> None:
    table = glossary._by_english()
    names = [*sorted(table)[::600], "", "\t", "a=", "llm", "unheard of", "model\t"]
    english = glossary._English()
    english._left = len(names)
    for name in names:
        assert english.partners(name) == table.get(name, "").split(), name
    assert english._left == 0


def test_file_is_small_sorted_and_well_formed() -> None:
    path = REPO / "corpus/data/glossary.txt"
    assert path.stat().st_size < 1_500_000
    found = [line.split("\t") for line in lines()]
    keys = [line[0] for line in found]
    assert len(keys) > 10_000
    assert keys == sorted(set(keys))
    for key, *partners in found:
        assert has_han(key)
        assert partners
        for partner in partners:
            assert ENTRY.fullmatch(partner), (key, partner)
            name, _, shares = partner.partition("=")
            assert not has_han(name)
            assert all(1 <= int(share) <= 100 for share in shares.split(","))


def test_terms_are_in_the_normal_form_of_the_tokenizer() -> None:
    for line in lines()[::50]:
        key, *partners = line.split("\t")
        assert key == fold(key)
        for partner in partners:
            name = partner.partition("=")[0]
            assert name == fold(name)
            assert name == " ".join(name.split())


def test_loading_is_fast() -> None:
    def once() -> float:
        glossary._text.cache_clear()
        glossary._by_chinese.cache_clear()
        glossary._by_english.cache_clear()
        translations.cache_clear()
        start = time.perf_counter()
        translations("注意力")
        translations("attention")
        return time.perf_counter() - start

    # About 0.05 s on one core; the bound leaves room for a busy machine.
    assert min(once() for _ in range(3)) < 0.5


def test_importing_it_loads_no_tokenizer() -> None:
    code = "import sys, corpus.glossary; print({'jieba', 'tokenizers', 'numpy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_a_translation_leads_back() -> None:
    for line in lines()[::20]:
        key, *partners = line.split("\t")
        assert [name for name, _ in translations(key)]
        for partner in partners:
            name = partner.partition("=")[0]
            assert key in dict(translations(name))
            assert name in dict(translations(key))


def test_probabilities_are_best_first_and_sum_to_one_at_most() -> None:
    names = {partner.partition("=")[0] for line in lines() for partner in line.split("\t")[1:]}
    for term in [*(line.split("\t")[0] for line in lines()[::10]), *sorted(names)[::10]]:
        shares = [share for _, share in translations(term)]
        assert shares == sorted(shares, reverse=True)
        assert all(0 < share <= 1 for share in shares)
        # each share is rounded to a hundredth, and up to one at the least
        assert sum(shares) <= 1 + 0.01 * len(shares)


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("注意力", "attention"),
        ("模型", "model"),
        ("训练", "train"),
        ("支持", "support"),
        ("版本", "version"),
        ("城市", "city"),
        ("幻觉", "hallucination"),
        ("梯度下降", "gradient descent"),
        ("知识蒸馏", "knowledge distillation"),
        ("奖励模型", "reward model"),
        ("上下文长度", "context length"),
        ("学习率", "learning rate"),
        ("大语言模型", "large language models"),
        ("检索", "retrieval"),
        ("数据集", "dataset"),
    ],
)
def test_well_known_terms_are_learned_in_both_directions(chinese: str, english: str) -> None:
    name = " ".join(stem(word) for word in english.split())
    assert name in dict(translations(chinese))
    assert chinese in dict(translations(name))


def test_a_word_does_not_take_what_belongs_to_its_neighbour() -> None:
    assert "model" not in dict(translations("注意力"))
    assert translations("注意力")[0][0] == "attention"
    assert translations("attention")[0][0] == "注意力"


def test_an_unknown_term_has_no_translation() -> None:
    assert translations("") == ()
    assert translations("qqqzzz") == ()
    assert translations("龘龘龘") == ()


def test_expansions_find_words_and_terms_of_several_words() -> None:
    found = expansions("What is the context length of the reward model?")
    assert {"上下文", "长度", "奖励", "模型"} <= found.keys()
    assert all(0 < weight <= 1 for weight in found.values())
    found = expansions("知识蒸馏的学习率")
    assert {"knowledge", "distillation", "learn", "rate"} <= found.keys()


def test_expansions_are_index_terms_of_the_other_language() -> None:
    for term in expansions("如何减少大语言模型的幻觉？"):
        assert not has_han(term)
        assert " " not in term
    for term in expansions("How to reduce hallucinations of large language models?"):
        assert has_han(term)
        assert term in terms(term)


def test_expansions_of_nothing_are_empty() -> None:
    assert expansions("") == {}
    assert expansions("，。") == {}
    assert expansions("的") == {}


def pairs_folder(folder: Path) -> Path:
    """Twelve tiny papers: the animal and the deed of each differ, the frame is the same."""
    pytest.importorskip("scipy")
    animals = {"狐狸": "fox", "老虎": "tiger", "大象": "elephant", "狮子": "lion"}
    deeds = {"睡觉": "sleep", "跳舞": "dance", "唱歌": "sing"}
    rows = []
    for animal, beast in animals.items():
        for deed, act in deeds.items():
            for when, year in {"昨天": "yesterday", "今天": "today"}.items():
                query = f"{when}，{animal}在森林{deed}。"
                passage = f"The {beast} did {act} in the forest, {year}."
                rows.append({"query": query, "passage": passage, "k": "x", "s": "t"})
    for name in ("arxiv_zh_en", "docs_sql_zh", "docs_dotnet_zh", "permissive_other", "sharealike"):
        with lzma.open(folder / f"{name}.jsonl.xz", "wt", encoding="utf-8") as file:
            if name == "sharealike":
                file.writelines(json.dumps(row) + "\n" for row in rows)
            elif name == "arxiv_zh_en":
                file.writelines(json.dumps(row) + "\n" for row in rows[:2])
    return folder


def test_the_trainer_learns_who_is_who_and_always_the_same(tmp_path: Path) -> None:
    from eval.training.glossary import learn

    folder = pairs_folder(tmp_path)
    text = learn(folder)
    best = {
        line.split("\t")[0]: line.split("\t")[1].partition("=")[0]
        for line in text.splitlines()
        if not line.startswith("#")
    }
    assert {best.get(zh) for zh in ("狐狸", "老虎", "大象", "狮子")} == {
        "fox", "tiger", "elephant", "lion",
    }  # fmt: skip
    assert best.get("狐狸") == "fox"
    assert best.get("唱歌") == "sing"
    assert learn(folder) == text


def test_definitions_reach_left_as_far_as_they_agree() -> None:
    pytest.importorskip("numpy")
    from eval.training.glossary import definitions

    found = definitions(
        [
            "我们提出知识蒸馏(Knowledge Distillation)来压缩",
            "采用知识蒸馏（Knowledge Distillation, KD）",
            "先用知识蒸馏(Knowledge Distillation)",
            "方法(SomeTool)",
            "方法(SomeTool)",
        ]
    )
    assert found == {("知识蒸馏", "knowledge distillation"): 3.0}
