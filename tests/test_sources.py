from __future__ import annotations

import pytest

from assistant.sources import KEY, n_tokens, sources_of
from assistant.types import Hit, Scores
from corpus.types import Chunk, Note

LONG = (
    "# 题\n\n"
    + "".join(f"第{i}句说的是无关紧要的事情。" for i in range(60))
    + "目标词在这里。"
    + "尾巴。" * 40
)


def hit(text: str, path: str = "a.md") -> Hit:
    note = Note(path=path, title="题 [3]", text=text, sha256="", file=path)
    chunk = Chunk(note=path, start=0, end=len(text), heading=("题",))
    return Hit(note=note, chunk=chunk, score=1.0, scores=Scores())


def rare(term: str) -> float:
    return 5.0 if "目标" in term else 0.1


def test_keys_differ_by_place_and_stay_the_same_from_run_to_run() -> None:
    hits = [hit("一段话。", "a.md"), hit("一段话。", "b.md")]
    first = [s.key for s in sources_of("问", hits, [], idf=rare, budget=500)]
    assert first == [s.key for s in sources_of("问", hits, [], idf=rare, budget=500)]
    assert first[0][1:] != first[1][1:]
    assert all(KEY.fullmatch(key) for key in first)


def test_a_long_passage_is_trimmed_to_what_bears_on_the_question_in_order() -> None:
    (found,) = sources_of("目标词在哪里?", [hit(LONG)], [], idf=rare, budget=300)
    assert "目标词在这里。" in found.text
    assert n_tokens(found.text) <= 110
    assert "……" in found.text
    kept = [line for line in found.text.split("\n") if line != "……"]
    assert [LONG.index(line) for line in kept] == sorted(LONG.index(line) for line in kept)


def test_what_the_built_in_answer_quotes_is_kept_before_all_else() -> None:
    at = LONG.index("第41句")
    (found,) = sources_of("目标词", [hit(LONG)], [("a.md", at, at + 5)], idf=rare, budget=150)
    assert "第41句" in found.text


def test_passages_stay_within_the_budget() -> None:
    hits = [hit(LONG, f"{i}.md") for i in range(9)]
    found = sources_of("目标词", hits, [], idf=rare, budget=600)
    assert 2 < len(found) < 9
    assert sum(n_tokens(s.text) for s in found) <= 600


@pytest.mark.parametrize("mark", ["[1]", "[^2]", "【3†来源】", "[4, 5]"])
def test_citation_marks_of_the_notes_are_left_out(mark: str) -> None:
    (found,) = sources_of("鹅", [hit(f"鹅重 42 公斤{mark}。")], [], idf=rare, budget=500)
    assert found.text == "鹅重 42 公斤。"


def test_what_looks_like_a_key_in_a_note_loses_its_brackets() -> None:
    (found,) = sources_of("鹅", [hit("照抄 [1bcd] 这个编号。")], [], idf=rare, budget=500)
    assert found.text == "照抄 (1bcd) 这个编号。"
