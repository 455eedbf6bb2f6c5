"""Public sets as their authors publish them: told where to get, checked, read and run."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import cli
from corpus.errors import ConfigError
from eval import originals
from eval.beir import load_set
from eval.originals import Reading, found_reading, verified
from eval.published_claims import found_claims, ragtruth, rgb
from eval.runs import sha256_of
from eval.sources import ORIGINALS, Original
from tests.published import (
    PARAGRAPHS,
    RESPONSES,
    RGB_FALSE,
    RGB_PARTS,
    RGB_PLAIN,
    SOURCES,
    cmrc,
    squad,
    write_lines,
    write_ragtruth,
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published files are as small as the invented ones."""
    for name, n in (("response.jsonl", len(RESPONSES)), ("source_info.jsonl", len(SOURCES))):
        monkeypatch.setitem(ORIGINALS, name, replace(ORIGINALS[name], n_rows=n))


def dumped(path: Path, data: object) -> Path:
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.mark.usefixtures("small")
def test_ragtruth_is_read_as_it_is_published(tmp_path: Path) -> None:
    found = found_claims(write_ragtruth(tmp_path), "test")
    assert found is not None
    assert found.known_by == {"response.jsonl": "size", "source_info.jsonl": "size"}
    records = found.records
    # one that is cut off and one of the training split are left out
    assert [r.id for r in records] == ["1", "2", "3", "4", "5"]
    assert [r.label for r in records] == [
        "supported", "contradicted", "supported", "unsupported", "either",
    ]  # fmt: skip
    assert records[2].question == "how long is it"
    assert "passage 1:The bridge" in records[2].contexts[0]
    assert "'Monday': '9:0-17:0'" in records[4].contexts[0]  # as the models were shown it
    assert records[1].text[slice(*records[1].spans[0])] == "in 1951"
    assert {r.stratum for r in records} == {
        "Summary gpt-4-0613", "QA llama-2-7b-chat", "Data2txt gpt-4-0613",
    }  # fmt: skip
    assert [r.id for r in ragtruth(tmp_path / "dataset", "dev")] == ["7"]


@pytest.mark.usefixtures("small")
def test_ragtruth_is_reported_within_task_and_generator_and_by_span(tmp_path: Path) -> None:
    folder, out = write_ragtruth(tmp_path / "ragtruth"), tmp_path / "run.json"
    words = ["eval", "grounding", "ragtruth", "--data", str(folder.parent), "--split", "test"]
    assert cli.main([*words, "--out", str(out)]) == 0
    run = json.loads(out.read_text(encoding="utf-8"))
    items = {item["id"]: item for item in run["items"]}
    assert items["1"]["verdict"] == "supported"
    assert items["2"]["verdict"] == "contradicted"
    # two strata hold both classes; in each the false answer has the lower score
    assert run["metrics"]["AUROC within task and generator"][0] == 1
    both, said, marked = (
        sum(item[f"{name} chars"] for item in items.values())
        for name in ("both", "flagged", "marked")
    )
    assert marked == sum(s["end"] - s["start"] for r in RESPONSES for s in r["labels"])
    assert both > 0
    assert run["metrics"]["span F1"][0] == pytest.approx(2 * both / (said + marked), abs=1e-4)
    assert run["published"] == {"response.jsonl": "size", "source_info.jsonl": "size"}


def test_a_file_of_a_known_name_must_be_the_published_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ragtruth(tmp_path)
    with pytest.raises(ConfigError, match=r"7 answers, the published file 17790.*RAGTruth"):
        found_claims(tmp_path, "test")
    path = dumped(tmp_path / "xquad.zh.json", squad())
    with pytest.raises(ConfigError, match=r"2 questions, the published file 1190.*deepmind/xquad"):
        found_reading(path)
    known = Original(where="w", licence="l", rows="r", n_rows=99, sha256=(sha256_of(path),))
    monkeypatch.setitem(ORIGINALS, "xquad.zh.json", known)
    assert verified(path) == "sha256"  # whatever its size
    assert verified(dumped(tmp_path / "mine.json", squad())) == ""


@pytest.mark.parametrize("name", ["ragtruth", "zh_fact.json", "xquad.zh.json", "DRCD_test.json"])
@pytest.mark.parametrize("suite", ["grounding", "retrieval"])
def test_what_is_absent_is_told_where_to_get(
    suite: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["eval", suite, name, "--data", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "github.com/" in said
    assert said.count("\n") == 1


def test_claims_of_rgb(tmp_path: Path) -> None:
    plain = rgb(write_lines(tmp_path / "mine.json", RGB_PLAIN))
    told = [(r.kind, r.text, r.label) for r in plain]
    assert told == [
        ("among noise", "跨海大桥哪一年通车：2011年", "supported"),
        ("noise alone", "跨海大桥哪一年通车：2011年", "unsupported"),
        ("among noise", "Who designed the tower: Ada Novak", "supported"),
        ("noise alone", "Who designed the tower: Ada Novak", "unsupported"),
    ]
    assert len(plain[0].contexts) == 5  # two that answer, three that do not
    # the last document of noise does answer, so it is none
    assert plain[1].contexts == tuple(RGB_PLAIN[0]["negative"][:3])
    assert {r.group for r in plain} == {"0", "1"}
    false = rgb(write_lines(tmp_path / "false.json", RGB_FALSE))
    assert [(r.kind, r.text[-9:], r.label) for r in false] == [
        ("true document", "Ada Novak", "supported"),
        ("false answer", "Ben Ortiz", "contradicted"),
        ("false document", "Ada Novak", "contradicted"),
        ("noise alone", "Ada Novak", "unsupported"),
    ]
    parts = rgb(write_lines(tmp_path / "parts.json", RGB_PARTS))
    assert [(r.kind, r.text[-11:], r.label) for r in parts] == [
        ("all parts", "2011年、2010年", "supported"),
        ("one part", "2011年、2010年", "either"),
        ("noise alone", "2011年、2010年", "unsupported"),
    ]


def test_rgb_is_a_reading_set_too(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "mine.json", RGB_PLAIN)
    found = load_set(tmp_path, path.name, "all")
    assert len(found.passages) == 9  # all documents of all questions
    texts = {p.id: p.text for p in found.passages}
    assert {texts[p] for p in found.gold["0"]} == set(RGB_PLAIN[0]["positive"])
    assert found.answers["0"] == ("2011年", "二〇一一年")
    out = tmp_path / "run.json"
    assert cli.main(["eval", "answers", str(path), "--split", "all", "--out", str(out)]) == 0
    assert json.loads(out.read_text("utf-8"))["metrics"]["right, noise 0"][0] == 1


def test_both_forms_of_a_reading_set_are_the_same(tmp_path: Path) -> None:
    one, other = dumped(tmp_path / "a.json", squad()), dumped(tmp_path / "b.json", cmrc())
    first, second = found_reading(one), found_reading(other)
    assert first is not None
    assert second is not None
    assert first.reading == second.reading
    asked = load_set(tmp_path, "a.json", "all")
    assert asked.queries == {"q1": "大桥多长？", "q2": "How tall is it?"}
    assert asked.answers == {"q1": ("36公里",), "q2": ("90", "90 metres")}
    assert [p.text for p in asked.passages] == [text for _, text, _ in PARAGRAPHS]
    assert asked.files == (one,)
    assert found_reading(dumped(tmp_path / "own.json", [{"question": "?"}])) is None


def test_questions_of_one_language_over_paragraphs_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    english = squad()
    english["data"][0]["paragraphs"][0]["qas"][0]["question"] = "How long is the bridge?"
    dumped(tmp_path / "xquad.en.json", english)
    dumped(tmp_path / "xquad.zh.json", squad())
    monkeypatch.setattr(originals, "verified", lambda path: "size")
    found = load_set(tmp_path, "xquad_en2zh", "all")  # as if its folder lay there
    assert found.queries["q1"] == "How long is the bridge?"
    assert found.passages[0].text == PARAGRAPHS[0][1]
    assert found.known_by == {"xquad.en.json": "size", "xquad.zh.json": "size"}


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"broken\.json.*neither SQuAD's form"):
        found_reading(dumped(tmp_path / "broken.json", {"data": [{"paragraphs": [{}]}]}))
    with pytest.raises(ConfigError, match=r"bad\.json, row 1 has not RGB's form"):
        rgb(write_lines(tmp_path / "bad.json", [{**RGB_FALSE[0], "positive_wrong": 3}]))


@pytest.mark.slow
def test_original_files_give_the_very_sets_that_the_figures_are_of(
    shared_dir: Path, tmp_path: Path
) -> None:
    """The sets were made from these files; written back to SQuAD's form they must come out alike.

    The character table counts here: traditional to simplified must be what the set was made with.
    """
    with tarfile.open(shared_dir / "data" / "retrieval_dev.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    sets = tmp_path / "retrieval"
    for name, file in (
        ("xquad_en", "xquad.en.json"), ("xquad_zh", "xquad.zh.json"),
        ("drcd_test_hant", "DRCD_test.json"), ("cmrc2018_dev", "cmrc2018_dev.json"),
    ):  # fmt: skip
        one = load_set(sets, name, "all")
        asked = {p.id: [] for p in one.passages}
        for query, text in one.queries.items():
            (passage,) = one.gold[query]
            answers = [{"text": a} for a in one.answers[query]]
            asked[passage].append({"id": query, "question": text, "answers": answers})
        articles = [
            {"title": p.title, "paragraphs": [{"context": p.text, "qas": asked[p.id]}]}
            for p in one.passages
        ]
        dumped(tmp_path / file, {"data": articles})
    for name in originals._MADE:
        found = found_reading(tmp_path / name)
        assert found is not None
        assert found.known_by == {name: "content"}
        assert isinstance(found.reading, Reading)
