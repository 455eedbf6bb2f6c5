"""What belongs beside the best unit of an answer, and what all units together say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.candidates import Candidate, candidates
from assistant.evidence import FEATURES, features
from assistant.pipeline import Assistant
from assistant.questions import parse_question
from assistant.similarity import WordSimilarity
from assistant.together import COMPANION_FEATURES, QUESTION_FEATURES, companion_rows, question_row
from assistant.words import weigh, words
from corpus.encoder import load_encoder
from corpus.index import Index
from corpus.readers import Vault

NOTE = """# 奖励模型

## 训练

同一个 prompt 的比较对要放进同一个 batch。原因有两个：每个回答只需前向一次；打散的话很快过拟合。

模型分三档：

- 小的给线上用
- 中的给标注用
- 大的给评测用

## 部署

服务放在两台机器上，一台备用。
"""
QUESTION = "同一个 prompt 的比较对为什么要放进同一个 batch？"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    notes = tmp_path_factory.mktemp("notes")
    (notes / "rm.md").write_text(NOTE, encoding="utf-8")
    encoder = load_encoder()
    index = Index.open(Path(tmp_path_factory.mktemp("data")), encoder=encoder)
    index.refresh(Vault(notes))
    return Assistant(index, vault=Vault(notes), encoder=encoder)


def measured(asked: Assistant, question: str) -> tuple[list[Candidate], np.ndarray]:
    found = candidates(asked.sentences(question)[0])
    similar = WordSimilarity(load_encoder())
    rows = features(parse_question(question), found, asked.index, similar=similar)
    return found, rows


def beside(asked: Assistant, best: str) -> dict[str, dict[str, float]]:
    """The columns that compare with the best unit, by the text of the other one."""
    found, rows = measured(asked, QUESTION)
    scores = np.array([0.9 if best in c.text else 0.1 for c in found])
    looked_at, about = companion_rows(QUESTION, found, rows, scores)
    own = 2 * len(FEATURES)
    names = COMPANION_FEATURES[own:]
    return {
        found[i].text: dict(zip(names, row[own:].tolist(), strict=True))
        for i, row in zip(looked_at, about, strict=True)
    }


def test_where_a_unit_stands_to_the_best_one(asked: Assistant) -> None:
    other = beside(asked, "同一个 batch")
    reason = next(row for text, row in other.items() if text.startswith("原因"))
    assert (reason["distance"], reason["same section"], reason["same note"]) == (1, 1, 1)
    assert reason["opening"] > 0
    far = next(row for text, row in other.items() if text.startswith("服务"))
    assert far["distance"] != 1
    assert far["same heading"] == 0
    assert far["opening"] == 0
    assert not any("同一个 batch" in text for text in other)


def test_items_know_their_stem(asked: Assistant) -> None:
    items = beside(asked, "模型分三档")
    assert [row["best is stem"] for text, row in items.items() if "的给" in text] == [1, 1, 1]
    assert all(row["best label"] == 1 for row in items.values())
    siblings = beside(asked, "小的给线上用")
    same = {text: row["same stem"] for text, row in siblings.items() if "的给" in text}
    assert set(same.values()) == {1.0}


def test_the_sentence_behind_gives_the_reason(asked: Assistant) -> None:
    answer = asked.ask(QUESTION)
    assert "每个回答只需前向一次" in answer.text
    assert "一台备用" not in answer.text


def test_a_passage_says_more_of_the_question_than_its_best_unit(asked: Assistant) -> None:
    question = "比较对放进同一个 batch 的原因"
    found, rows = measured(asked, question)
    best = next(n for n, c in enumerate(found) if "同一个 batch" in c.text)
    scores = np.full(len(found), 0.1)
    scores[best] = 0.9
    mine = words(parse_question(question).core)
    weights = weigh(mine, asked.index.idf, asked.index.df)
    general = np.ones(len(mine))
    row = dict(
        zip(
            QUESTION_FEATURES,
            question_row(mine, weights, found, rows, scores, general=general),
            strict=True,
        )
    )
    assert row["first"] == pytest.approx(0.9)
    for part, wider in (("unit", "passage"), ("passage", "note"), ("note", "all")):
        assert row[f"{part} share"] <= row[f"{wider} share"]
        assert row[f"{part} lost"] >= row[f"{wider} lost"]
    assert row["unit share"] < row["passage share"]
    assert row["last word"] < row["last word here"]
    for how in ("said", "written"):
        assert row[f"{how} here"] < row[f"{how} beside"] <= row[f"{how} passage"]
        assert row[f"{how} passage"] <= row[f"{how} notes"] <= 1
        assert row[f"{how} lost"] <= row[f"{how} best lost"]
    assert row["passages"] == len({c.rank for c in found})


def test_a_question_without_content_is_wholly_said(asked: Assistant) -> None:
    found, rows = measured(asked, QUESTION)
    row = question_row((), np.zeros(0), found, rows, np.full(len(found), 0.5), general=np.zeros(0))
    assert np.isfinite(row).all()
    assert row[QUESTION_FEATURES.index("all share")] == 1
