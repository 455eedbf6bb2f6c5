"""What of a passage may answer."""

from __future__ import annotations

import pytest

from assistant.candidates import candidates
from assistant.types import Hit, Scores
from corpus.chunking import chunk_note
from corpus.readers import notes_from_text


def texts(body: str) -> list[str]:
    (note,) = notes_from_text("note.md", f"# HNSW\n\n{body}\n")
    hits = [Hit(note=note, chunk=c, score=1.0, scores=Scores()) for c in chunk_note(note)]
    return [c.text for c in candidates(hits)]


@pytest.mark.parametrize(
    "pointer",
    [
        "参数含义见 [[hnsw]]。",
        "详见 [[hnsw|图索引]] 和 [[ivf-pq]]。",
        "See also [the notes](hnsw.md).",
        "另见：[[hnsw]]",
    ],
)
def test_a_sentence_that_only_points_elsewhere_answers_nothing(pointer: str) -> None:
    assert texts(f"M 默认是 16。\n\n{pointer}") == ["M 默认是 16。"]


@pytest.mark.parametrize(
    "said",
    [
        "M 默认是 16，含义见 [[hnsw]]。",
        "可见 M 越大召回越高。",
        "PPO 的流程见 [[rlhf]]，它分三步：采样、打分、更新。",
        "[[hnsw]] 是分层的小世界图。",
    ],
)
def test_a_sentence_that_says_something_beside_its_link_may_answer(said: str) -> None:
    assert said.rstrip("。") in "".join(texts(said))
