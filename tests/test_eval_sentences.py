"""Answers on reading sets: the right sentence first, beside the best sentences by BM25."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant import cli
from eval.retrieval import Passage
from eval.sentences import _BestSentence

PASSAGES = {
    "p1": "HNSW 是一种图索引，常用于近邻检索。HNSW 由 Malkov 在 2016 年提出。层数服从分布。",
    "p2": "红烧肉要炖一个小时。炖肉的火要小。",
    "p3": "Malkov 也写过别的文章。",
}


def reading_set(folder: Path, answer: str = "Malkov", **more: Any) -> Path:
    folder.mkdir()
    rows = [{"id": id_, "title": "", "text": text} for id_, text in PASSAGES.items()]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    query = {"id": "q", "text": "HNSW 是谁提出的？"}
    (folder / "queries.jsonl").write_text(json.dumps(query) + "\n", "utf-8")
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\tp1\t1\n", "utf-8")
    answers = {"id": "q", "answers": [answer]}
    (folder / "answers.jsonl").write_text(json.dumps(answers) + "\n", "utf-8")
    return folder


@pytest.mark.parametrize(("answer", "hit"), [("Malkov", True), ("Yashunin", False)])
def test_a_sentence_counts_if_it_holds_the_answer_in_the_right_passage(
    tmp_path: Path, answer: str, hit: bool
) -> None:
    out = tmp_path / "run.json"
    words = ["answers", str(reading_set(tmp_path / "set", answer)), "--split", "all"]
    assert cli.main(["eval", *words, "--out", str(out)]) == 0
    run = json.loads(out.read_text("utf-8"))
    assert list(run["methods"]) == [
        "youju", "best sentences by BM25", "best sentences by BM25 of the passages found",
    ]  # fmt: skip
    (item,) = run["items"]
    assert item["sentence hit@1"] is item["sentence hit@3"] is hit
    assert item["found BM25 hit@3"] is hit
    assert (
        run["metrics"]["sentence hit@1"][0] == run["methods"]["youju"]["sentence hit@1"][0] == hit
    )


def test_the_rival_ranks_all_sentences_or_those_of_some_passages() -> None:
    rival = _BestSentence([Passage(id_, "", text) for id_, text in PASSAGES.items()])
    best = rival.top("Malkov 提出 HNSW", 2)
    assert best[0] == ("p1", "HNSW 由 Malkov 在 2016 年提出。")
    assert rival.top("Malkov 提出 HNSW", 1, among={"p3"}) == [("p3", "Malkov 也写过别的文章。")]
    assert len(rival.top("炖肉", 9, among={"p2"})) == 2
