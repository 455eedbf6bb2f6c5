"""Files in RGB's form made of a reading set, and the baselines of what is asked of given texts."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from eval import questions, rgb_like
from eval.baselines import Lines
from eval.beir import load_set
from eval.given_cases import Case, Given
from eval.given_rivals import compared
from eval.given_sets import rgb_cases
from eval.goldens import contains
from eval.published_claims import rgb
from eval.records import Record

BUILT = {"Northgate": ("1871", "oak", "Ada Novak"), "Eastgate": ("1903", "steel", "Ben Ortiz"),
         "Westgate": ("1888", "brick", "Cora Lind"), "Southgate": ("1915", "slate", "Dan Moor"),
         "Highgate": ("1790", "marble", "Eva Stern"), "Lowgate": ("1842", "granite", "Finn Aas"),
         "Midgate": ("1866", "iron", "Gus Hall"), "Oldgate": ("1741", "chalk", "Hal Ivey"),
         }  # fmt: skip


@pytest.fixture
def reading(tmp_path: Path) -> Path:
    """A folder of sets with one of eight bridges, three questions each."""
    folder = tmp_path / "bridges"
    folder.mkdir()
    corpus, queries, answers, qrels = [], [], [], []
    for n, (name, (year, stuff, who)) in enumerate(BUILT.items()):
        text = (
            f"The {name} bridge was designed by {who}. It opened in {year}. It is made of {stuff}."
        )
        corpus.append({"id": f"p{n}", "title": "bridges", "text": text})
        for kind, query, answer in (
            ("who", f"Who designed the {name} bridge?", who),
            ("year", f"In which year did the {name} bridge open?", year),
            ("stuff", f"What is the {name} bridge made of?", stuff),
        ):
            queries.append({"id": f"{kind}{n}", "text": query})
            answers.append({"id": f"{kind}{n}", "answers": [answer]})
            qrels.append(f"{kind}{n}\tp{n}\t1\n")
    for file, rows in (("corpus", corpus), ("queries", queries), ("answers", answers)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{file}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "qrels.tsv").write_text("".join(qrels), encoding="utf-8")
    return tmp_path


def test_files_like_rgb_hold_what_they_say(reading: Path) -> None:
    source = rgb_like._Source(load_set(reading, "bridges", "all"), random.Random(7))
    plain = rgb_like.plain(source, 300)
    assert len(plain) == len(BUILT)  # one of each passage
    for row in plain:
        assert contains(row.positive[0], tuple(row.answer[0]))
        assert len(row.negative) >= 5
        assert not any(contains(text, tuple(row.answer[0])) for text in row.negative)
    false = rgb_like.falsified(source, 100, random.Random(7))
    assert false
    for one in false:
        assert contains(one.positive_wrong[0], (one.fakeanswer,))
        assert not contains(one.positive_wrong[0], (one.answer,))
        assert one.fakeanswer.isdigit() == one.answer.isdigit()  # of the same type
    both = rgb_like.parted(source, 100)
    assert both
    assert all(len(row.answer) == len(row.positive) == 2 for row in both)


def test_they_are_read_as_rgb_is_and_come_out_the_same_twice(
    reading: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rgb_like, "SETS", {"en": ("bridges",)})
    for out in ("one", "two"):
        assert rgb_like.main([str(reading), str(reading / out), "--split", "all"]) == 0
    names = ("like_en.json", "like_en_fact.json", "like_en_int.json")
    for name in names:
        made = (reading / "one" / name).read_bytes()
        assert made == (reading / "two" / name).read_bytes()
        assert rgb_cases(reading / "one" / name)
    kinds = {record.kind for name in names for record in rgb(reading / "one" / name)}
    assert {"among noise", "true document", "false document", "all parts", "one part"} <= kinds
    halves = [
        {
            json.loads(line)["id"]
            for line in (reading / split / names[0]).read_text(encoding="utf-8").splitlines()
        }
        for split in ("dev", "test")
        if rgb_like.main([str(reading), str(reading / split), "--split", split]) == 0
    ]
    assert not halves[0] & halves[1]


def test_a_set_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rgb_like.main([str(tmp_path), str(tmp_path / "out")]) == 1
    assert "cmrc2018_dev" in capsys.readouterr().err


def test_the_baselines_cover_what_they_can() -> None:
    context = "The bridge opened in 1871. It is red. Boats pass below. The toll was two pence."
    other = "Ships carry tea. Tea is grown on hills. Hills are green."
    lines = Lines([Record(id="1", text="bridge opened toll", contexts=(context, other))])
    record = Record(id="2", text="When was the toll of the bridge?", contexts=(context, other))
    assert lines.coverage(record) == 1
    share, window = lines.best_window(record)  # no three sentences hold both
    assert 0 < share < 1
    assert "bridge" in window or "toll" in window
    share, sentence = lines.best_sentence(record)
    assert sentence in ("The bridge opened in 1871.", "The toll was two pence.")
    assert 0 < share < 1
    nothing = Record(id="3", text="submarine", contexts=(context,))
    assert lines.window(nothing) == 0


def case(n: int, kind: str, text: str, *, answerable: bool | None, disagrees: bool = False) -> Case:
    return Case(
        id=f"{n} {kind}", group=str(n), kind=kind, lang="en", question=f"Who built mill {n}?",
        given=(Given(text=text),), right=((("Ada Novak",),),), answerable=answerable,
        disagrees=disagrees,
    )  # fmt: skip


def test_the_measures_of_rgb_are_those_of_its_authors() -> None:
    cases = [
        case(1, "noise 0", "Mill 1 was built by Ada Novak.", answerable=True),
        case(2, "noise 0", "Mill 2 was built by Ada Novak.", answerable=True),
        case(1, "noise alone", "Tea is grown on hills.", answerable=False),
        case(2, "noise alone", "Ships carry tea.", answerable=False),
        case(3, "true and false texts", "Ada Novak or Ben Ortiz.", answerable=True, disagrees=True),
        case(4, "true and false texts", "Ada Novak or Ben Ortiz.", answerable=True, disagrees=True),
        case(4, "false texts", "Ben Ortiz built mill 4.", answerable=None),
    ]
    said = ["By Ada Novak.", "", "Tea.", "", "Ada Novak.", "Ben Ortiz.", "Ben Ortiz."]
    tells = [False, False, False, False, True, True, False]
    sure = [0.9, 0.6, 0.7, None, 0.8, 0.8, 0.8]
    items = [{"confidence": s, "tells": t} for s, t in zip(sure, tells, strict=True)]
    found = {name: row[0] for name, row in compared(cases, items, said)["youju"].items()}
    assert found["accuracy, noise 0"] == 1 / 2  # a refusal is not accurate
    assert found["accuracy, all answerable"] == 2 / 4
    assert found["rejection rate"] == 1 / 2
    assert found["balanced accuracy of refusing"] == (1 / 2 + 3 / 4) / 2
    assert found["AUROC answerable"] == pytest.approx((3 + 4) / 8)
    assert found["error detection"] == 1
    assert found["error correction"] == 1 / 2
    assert found["contradiction told without one"] == 0
    constant = compared(cases, items, said)["refuse or object always"]
    assert [constant[name][0] for name in ("rejection rate", "error detection")] == [1, 1]
    assert constant["accuracy, all answerable"][0] == 0
    assert constant["contradiction told without one"][0] == 1
    assert constant["AUROC answerable"][0] == 0.5
    first = compared(cases, items, said)["BM25's first sentence"]
    assert first["accuracy, noise 0"][0] == 1
    assert first["rejection rate"][0] == 0
    assert not any(np.isnan(row).any() for row in first.values())


def test_short_answers_of_a_file_of_questions_are_its_facts(tmp_path: Path) -> None:
    rows = [
        {"question": "When do backups run?", "answer": "03:00"},
        {"question": "Which port?", "answers": ["8080", "port 8080"]},
        {"question": "How?", "answer": "First stop the service, then copy all of its files away."},
        {"question": "Who?", "answer": "x", "facts": ["Ada"]},
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    asked, _ = questions.of_file(path, "all")
    assert [one.facts for one in asked] == [
        (("03:00",),), (("8080", "port 8080"),), (), (("Ada",),),
    ]  # fmt: skip
