"""Questions over given texts: RGB and DomainRAG as published, in little and invented."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant import cli
from corpus.errors import ConfigError
from eval.beir import load_set
from eval.domainrag import domain_questions
from eval.given_sets import domainrag_cases, rgb_cases
from eval.originals import family_files
from eval.published_claims import domainrag, found_claims
from eval.sources import FAMILIES, ORIGINALS
from eval.uhgeval import uhgeval
from tests.published import (
    DOMAIN_FAITHFUL,
    DOMAIN_NOISY,
    DOMAIN_PAGES,
    DOMAIN_TABLES,
    DOMAIN_TALK,
    DOMAIN_TIMED,
    NEWS_CONCISE,
    NEWS_FULL,
    RGB_FALSE,
    RGB_PARTS,
    RGB_PLAIN,
    write_lines,
)


def run_of(suite: str, *words: str | Path, out: Path) -> dict[str, Any]:
    assert cli.main(["eval", suite, *map(str, words), "--out", str(out)]) == 0
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def test_rgb_asks_among_noise_and_of_noise_alone(tmp_path: Path) -> None:
    cases = rgb_cases(write_lines(tmp_path / "mine.json", RGB_PLAIN))
    first = [c for c in cases if c.group == "0"]
    assert [c.kind for c in first] == [
        *(f"noise {share}" for share in ("0", "0.2", "0.4", "0.6", "0.8")), "noise alone",
    ]  # fmt: skip
    positive, negative = RGB_PLAIN[0]["positive"], RGB_PLAIN[0]["negative"]
    given = {c.kind: [text.text for text in c.given] for c in first}
    assert given["noise 0"] == positive
    assert given["noise 0.6"] == [*positive, *negative[:3]]
    assert given["noise 0.8"] == [*positive, *negative[:3]]  # of four, one holds the answer
    assert given["noise alone"] == negative[:3]
    assert [c.answerable for c in first] == [True] * 5 + [False]
    assert {c.lang for c in cases} == {"zh", "en"}


def test_rgb_asks_of_parts_and_of_false_texts(tmp_path: Path) -> None:
    parted = rgb_cases(write_lines(tmp_path / "int.json", RGB_PARTS))
    assert parted[0].right == ((("2011年",), ("2010年",)),)
    assert [len(c.given) for c in parted] == [2, 3, 3, 1]
    told = {c.kind: c for c in rgb_cases(write_lines(tmp_path / "fact.json", RGB_FALSE))}
    assert told["false texts"].answerable is None
    assert told["true and false texts"].disagrees
    assert {t.text for t in told["true and false texts"].given} == {
        RGB_FALSE[0]["positive"][0], RGB_FALSE[0]["positive_wrong"][0],
    }  # fmt: skip
    assert told["true texts"].is_checked


def test_what_is_asked_of_given_texts_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, rows in (("zh.json", RGB_PLAIN), ("en_fact.json", RGB_FALSE)):
        write_lines(tmp_path / "RGB" / "data" / name, rows)
        monkeypatch.setitem(ORIGINALS, name, replace(ORIGINALS[name], n_rows=len(rows)))
    page = tmp_path / "r.html"
    words = ("rgb", "--data", tmp_path, "--html", page, "--misses")
    run = run_of("answers", *words, out=tmp_path / "run.json")
    items = {i["id"]: i for i in run["items"]}
    assert len(items) == run["n"] == 2 * 6 + 4
    assert run["published"] == {"zh.json": "size", "en_fact.json": "size"}
    # every item that claims to be right is, by what it says of itself
    for item in items.values():
        if item["answerable"] is False:
            assert item["right"] == item["abstained"]
        elif item["answerable"] is None:
            assert "right" not in item
    assert items["en_fact/0 true texts"]["right"] is True
    assert items["en_fact/0 true texts"]["false answer flagged"] is True
    assert items["en_fact/0 false texts"]["false answer shown"] is True  # it knows no other text
    assert items["zh/1 noise 0"]["right"] is True
    assert run["metrics"]["right, noise 0"][3] == 2
    assert {"en", "zh", "en, true texts"} <= run["groups"].keys()
    assert "contradictions told" in capsys.readouterr().out
    assert "<svg" in page.read_text(encoding="utf-8")
    both = run_of("answers", "rgb", "--data", tmp_path, "--limit", "1", out=tmp_path / "one.json")
    assert len({i["id"].split(" ")[0] for i in both["items"]}) == 1  # a question with its cases
    claims = run_of("grounding", "rgb", "--data", tmp_path, out=tmp_path / "claims.json")
    assert {"zh: among noise", "en_fact: false answer"} <= claims["kinds"].keys()


def test_refined_files_stand_for_the_first_version(tmp_path: Path) -> None:
    for name in ("zh.json", "zh_refine.json", "zh_int.json"):
        write_lines(tmp_path / name, RGB_PLAIN)
    assert [p.name for p in family_files(tmp_path, "rgb")] == ["zh_refine.json", "zh_int.json"]


@pytest.mark.parametrize("suite", ["answers", "grounding"])
@pytest.mark.parametrize("name", ["rgb", "domainrag", "uhgeval"])
def test_a_set_of_several_files_is_told_where_to_get(
    suite: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["eval", suite, name, "--data", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "github.com/" in said
    assert FAMILIES[name][0] in said


def test_pages_of_domainrag_are_read_without_the_blanks_between_words(tmp_path: Path) -> None:
    (one,) = domain_questions(write_lines(tmp_path / "f.jsonl", DOMAIN_FAITHFUL))
    assert one.true[0].text == "招生办公室通知：网上报名截止时间为2021年6月30日，计划招收80人。"
    assert one.true[0].title == "2021年招生简章"
    assert one.answers == ((("80人",),), (("80",),))
    mixed = [{"question": "?", "answers": ["x"], "positive_reference": {
        "title": "", "contents": "用 deep learning 训练 ， 见 www . example . org"}}]  # fmt: skip
    (two,) = domain_questions(write_lines(tmp_path / "g.jsonl", mixed))
    assert two.true[0].text == "用deep learning训练，见www.example.org"
    (timed,) = domain_questions(write_lines(tmp_path / "t.jsonl", DOMAIN_TIMED))
    assert timed.question == "2021年计划招收多少人？"  # as its authors ask it
    with pytest.raises(ConfigError, match=r"bad\.jsonl, row 1 has not DomainRAG's form"):
        domain_questions(write_lines(tmp_path / "bad.jsonl", [{"question": "?"}]))


def test_domainrag_is_asked_of_its_pages(tmp_path: Path) -> None:
    files = {
        "faithful_qa": DOMAIN_FAITHFUL, "noisy_qa": DOMAIN_NOISY, "structured": DOMAIN_TABLES,
        "conversation_qa": DOMAIN_TALK, "multidoc_qa": DOMAIN_PAGES,
    }  # fmt: skip
    cases = {
        name: domainrag_cases(write_lines(tmp_path / f"my_{name}.jsonl", rows))
        for name, rows in files.items()
    }
    kinds = {name: [c.kind for c in found] for name, found in cases.items()}
    assert kinds["faithful_qa"] == ["true page", "false page", "true and false page"]
    assert kinds["noisy_qa"] == ["page among noise", "noise alone"]
    assert len(cases["noisy_qa"][1].given) == 1  # the other page of noise answers
    assert kinds["structured"] == ["page", "page as HTML"]
    assert cases["structured"][1].given[0].is_html
    assert cases["conversation_qa"][0].history == ("文艺系在哪里？",)
    assert cases["multidoc_qa"][0].is_long
    run = run_of("answers", tmp_path / "my_structured.jsonl", out=tmp_path / "s.json")
    assert {i["id"]: i["right"] for i in run["items"]} == {
        "my_structured/1 page": True, "my_structured/1 page as HTML": True,
    }  # fmt: skip
    talk = run_of("answers", tmp_path / "my_conversation_qa.jsonl", out=tmp_path / "c.json")
    assert talk["metrics"]["character F1"][0] > 0.5
    assert "right answers" not in talk["metrics"]  # nobody quotes a passage to the letter


def test_claims_of_domainrag(tmp_path: Path) -> None:
    records = domainrag(write_lines(tmp_path / "f.jsonl", DOMAIN_FAITHFUL))
    assert [(r.kind, r.text, r.label) for r in records] == [
        ("true page", "某大学2021年计划招收多少人：80人", "supported"),
        ("false answer", "某大学2021年计划招收多少人：70人", "contradicted"),
        ("false page", "某大学2021年计划招收多少人：80人", "contradicted"),
    ]
    assert "计划招收70人" in records[2].contexts[0]
    noisy = domainrag(write_lines(tmp_path / "n.jsonl", DOMAIN_NOISY))
    assert [(r.kind, r.label) for r in noisy] == [
        ("true page", "supported"), ("noise alone", "unsupported"),
    ]  # fmt: skip
    assert domainrag(write_lines(tmp_path / "t.jsonl", DOMAIN_TALK)) == []


def test_domainrag_is_a_reading_set_too(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "my_noisy.jsonl", DOMAIN_NOISY)
    found = load_set(tmp_path, path.name, "all")
    assert len(found.passages) == 3
    assert found.gold["1"] == {"p0": 1}
    run = run_of("retrieval", path, "--split", "all", out=tmp_path / "r.json")
    assert run["metrics"]["hit@5"][0] == 1


def test_keywords_of_uhgeval_are_judged_in_their_clause(tmp_path: Path) -> None:
    records = uhgeval(write_lines(tmp_path / "news.jsonl", NEWS_CONCISE))
    assert [(r.text, r.label) for r in records] == [
        ("设计时速120公里，", "supported"),
        ("设计时速120公里，", "either"),
        ("大桥由两家公司承建，", "supported"),
    ]  # a keyword that the continuation does not hold is left out
    assert records[0].contexts[0].startswith("跨海大桥通车\n2011-06-30")
    assert "建设历时四年" in records[0].contexts[0]
    assert {(r.kind, r.group, r.stratum) for r in records} == {("number", "num_1", "Model-7B")}
    full = tmp_path / "news.json"
    full.write_text(json.dumps(NEWS_FULL, ensure_ascii=False), encoding="utf-8")
    assert uhgeval(full) == records  # the other version says the same in another form
    assert found_claims(full, "dev") is not None
    with pytest.raises(ConfigError, match="row 1 has not UHGEval's form"):
        uhgeval(write_lines(tmp_path / "bad.jsonl", [{**NEWS_CONCISE[0], "annotations": 3}]))


def test_a_checksum_that_authors_publish_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "XinhuaHallucinations.json"
    path = tmp_path / "uhgeval" / name
    path.parent.mkdir()
    path.write_text(json.dumps(NEWS_FULL, ensure_ascii=False), encoding="utf-8")
    with pytest.raises(ConfigError, match="1 news stories, the published file 5141"):
        found_claims(path, "all")
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    monkeypatch.setitem(ORIGINALS, name, replace(ORIGINALS[name], md5=(digest,)))
    run = run_of("grounding", "uhgeval", "--data", tmp_path, out=tmp_path / "r.json")
    assert run["published"] == {name: "md5"}
    assert run["figures"]["labelled"] == 3
