"""Claims made from reading sets are what their kind says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.judging import LABELS
from eval.records import load_records
from eval.retrieval import is_dev
from eval.training.analogues import ContextClaim, analogues

CITIES = ("Oslo", "Lima", "Cairo", "Quito", "Hanoi", "Riga", "Doha", "Accra")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("retrieval")
    home = out / "xquad_en"
    home.mkdir()
    ids = [n for n in range(200) if is_dev(f"q{n}")][: len(CITIES)]
    files: dict[str, list[dict[str, object]]] = {
        "corpus.jsonl": [
            {
                "id": f"p{n}",
                "title": "",
                "text": f"The museum number {n} of boats stands in {city}.",
            }
            for n, city in zip(ids, CITIES, strict=True)
        ],
        "queries.jsonl": [
            {"id": f"q{n}", "text": f"Where does museum number {n} of boats stand?"} for n in ids
        ],
        "answers.jsonl": [
            {"id": f"q{n}", "answers": [city]} for n, city in zip(ids, CITIES, strict=True)
        ],
    }
    for name, rows in files.items():
        (home / name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (home / "qrels.tsv").write_text("".join(f"q{n}\tp{n}\t1\n" for n in ids), "utf-8")
    return out


@pytest.fixture(scope="module")
def made(folder: Path) -> list[ContextClaim]:
    return analogues(folder, "xquad_en", seed=1)


def test_every_kind_is_made_and_the_same_each_time(made: list[ContextClaim], folder: Path) -> None:
    kinds = {"among noise", "noise alone", "true document", "false answer", "false document"}
    assert {one.kind for one in made} == kinds
    assert made == analogues(folder, "xquad_en", seed=1)
    assert made != analogues(folder, "xquad_en", seed=2)


def test_the_documents_say_what_the_verdict_says(made: list[ContextClaim]) -> None:
    for one in made:
        told = [city for city in CITIES if city in one.claim]
        assert len(told) == 1
        holds = any(told[0] in text for text in one.texts)
        assert holds == (LABELS[one.verdict] == "supported")
        # but for noise, the passage that was asked about is among them, changed or not
        number = one.claim.split("number ")[1].split()[0]
        about = any(f"number {number} of" in text for text in one.texts)
        assert about == (one.kind != "noise alone")


def test_they_are_written_as_a_set_to_measure(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eval.training import analogues as module

    monkeypatch.setattr(module, "READING", ("xquad_en",))
    monkeypatch.setattr(
        "sys.argv",
        ["analogues", "--retrieval", str(folder), "--out", str(tmp_path), "--limit", "8"],
    )
    module.main()
    records = load_records(tmp_path / "analogues_xquad_en.jsonl")
    assert {record.label for record in records} == {"supported", "contradicted", "unsupported"}
    assert max(len(record.contexts) for record in records) == 5
