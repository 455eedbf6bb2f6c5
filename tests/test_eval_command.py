"""`youju eval` as a person types it: own questions, own logs, drafts, runs, gates, reports."""

from __future__ import annotations

import json
import lzma
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assistant import cli
from corpus.encoder import load_encoder
from corpus.errors import ConfigError
from corpus.index import Index
from corpus.readers import Vault
from corpus.types import Note
from eval import charts, drafting, figures, runs
from eval.answers import abstention_curve
from eval.contexts import Contexts
from eval.records import load_records, sample

NOTE = """# 索引笔记

HNSW 是一种图索引，由 Malkov 在 2016 年提出。在 M=16 时 recall@10 是 0.93。

## 构建步骤

构建 HNSW 需要三步：

- 随机抽取节点的层数
- 从顶层贪心搜索入口
- 在每层连接最近的邻居

## 内存

每个向量的图结构占用 256 字节。
"""
QUESTIONS = [
    {
        "id": "q1", "question": "HNSW 是谁提出的？", "facts": ["Malkov"],
        "gold": [{"note": "index.md", "quote": "由 Malkov 在 2016 年提出"}], "kind": "who",
    },
    {"id": "q2", "question": "土豆怎么炖？", "answerable": False},
]  # fmt: skip


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "index.md").write_text(NOTE, encoding="utf-8")
    (folder / "cooking.md").write_text("# 红烧肉\n\n红烧肉要炖一个小时。\n", encoding="utf-8")
    return folder


def evaluate(*words: str | Path) -> int:
    return cli.main(["eval", *map(str, words)])


def test_own_questions_are_answered_and_judged_by_their_gold(
    notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, out = lines(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "run.json"
    html, text = tmp_path / "run.html", tmp_path / "run.md"
    words = ("answers", mine, "--notes", notes, "--out", out, "--html", html, "--markdown", text)
    assert evaluate(*words) == 0
    assert "right answers" in capsys.readouterr().out
    run = json.loads(out.read_text(encoding="utf-8"))
    first, second = run["items"]
    assert first["facts"] is True
    assert first["span"] is True
    assert second["answerable"] is False
    assert second["right"] == second["abstained"]
    assert run["metrics"]["markers resolve"][0] == 1
    assert {"commit", "config_fingerprint", "models", "data", "machine", "seed"} <= run.keys()
    assert run["data"]["q.jsonl"] == runs.sha256_of(mine)
    assert "<svg" in html.read_text(encoding="utf-8")
    plots = [name for name in tmp_path.glob("run-*.svg") if name.name in text.read_text("utf-8")]
    assert plots


def test_search_is_measured_by_gold_spans_beside_its_parts(notes: Path, tmp_path: Path) -> None:
    mine, out = lines(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "run.json"
    assert evaluate("retrieval", mine, "--notes", notes, "--out", out) == 0
    run = json.loads(out.read_text(encoding="utf-8"))
    assert run["n"] == 1
    assert run["left out, no gold span"] == 1
    assert list(run["methods"]) == ["BM25 alone", "dense alone", "fused", "fused + reranked"]
    assert run["metrics"]["recall@10"][0] == 1


def test_a_run_of_search_shows_recall_over_ranks_and_times(notes: Path, tmp_path: Path) -> None:
    mine, out = lines(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "run.json"
    html = tmp_path / "run.html"
    assert evaluate("retrieval", mine, "--notes", notes, "--out", out, "--html", html) == 0
    run = json.loads(out.read_text(encoding="utf-8"))
    for method, row in run["ranks"].items():
        assert [row[k - 1] for k in (1, 5, 10)] == [
            pytest.approx(run["methods"][method][f"recall@{k}"][0], abs=1e-4) for k in (1, 5, 10)
        ]
    told = html.read_text(encoding="utf-8")
    assert "ranks looked at" in told
    assert "How long one takes" in told


def test_all_kept_runs_stand_on_one_page(
    notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = lines(tmp_path / "q.jsonl", QUESTIONS)
    kept, page = tmp_path / "kept" / "mine.json", tmp_path / "all.html"
    assert evaluate("answers", mine, "--notes", notes, "--out", kept) == 0
    capsys.readouterr()
    assert evaluate("overview", kept.parent, "--html", page) == 0
    assert "answers  q.jsonl" in capsys.readouterr().out
    told = page.read_text(encoding="utf-8")
    assert told.count("<details><summary><b>") == 1
    assert "<svg" in told
    assert "://" not in told.replace("http://www.w3.org/2000/svg", "")  # needs no network
    assert evaluate("--html", page) == 0  # without a suite: the committed ones
    assert "grounding  feed2" in capsys.readouterr().out
    assert evaluate("overview", tmp_path) == 2
    assert "no runs to show" in capsys.readouterr().err


def test_public_sets_are_listed_with_what_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "RGB" / "data").mkdir(parents=True)
    published = [{"query": "?", "answer": "!", "positive": [], "negative": []}] * 100
    lines(tmp_path / "RGB" / "data" / "zh_fact.json", published)
    lines(tmp_path / "RGB" / "data" / "zh.json", published)  # of which there are 300
    (tmp_path / "qags.jsonl.xz").write_bytes(b"another")
    assert evaluate("sets", "--data", tmp_path) == 0
    said = {row.split()[0]: row for row in capsys.readouterr().out.splitlines()[2:]}
    assert "there, no checksum known" in said["zh_fact.json"]
    assert "another version" in said["zh.json"]
    assert "another version" in said["qags.jsonl.xz"]
    assert "absent" in said["xquad_zh"]
    assert "github.com/deepmind/xquad" in said["xquad_zh"]
    assert "ParticleMedia/RAGTruth" in said["response.jsonl"]


def test_a_quote_that_the_notes_do_not_hold_is_no_gold(
    notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [{"question": "谁？", "gold": [{"note": "index.md", "quote": "没有这句话"}]}]
    mine = lines(tmp_path / "q.jsonl", bad)
    assert evaluate("answers", mine, "--notes", notes) == 2
    assert "没有这句话" in capsys.readouterr().err


def test_a_log_of_another_system_is_judged_by_its_own_contexts(tmp_path: Path) -> None:
    old = {"question": "谁?", "answer": "HNSW 由 Malkov 在 2016 年提出。", "contexts": [NOTE]}
    new = {
        "user_input": "多少?", "response": "在 M=16 时 recall@10 是 0.53。",
        "retrieved_contexts": ["别的文字。", NOTE],
    }  # fmt: skip
    out = tmp_path / "run.json"
    log = lines(tmp_path / "log.jsonl", [old, new])
    assert evaluate("grounding", log, "--out", out) == 0
    run = json.loads(out.read_text(encoding="utf-8"))
    assert [item["verdict"] for item in run["items"]] == ["supported", "contradicted"]
    assert run["metrics"]["faithfulness"][0] == pytest.approx(1 / 2)
    assert "methods" not in run  # nothing is claimed where no label is known


def test_a_log_with_gaps_is_told_and_read_by_its_references(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {
            "user_input": "谁?", "response": "HNSW 由 Malkov 在 2016 年提出。",
            "retrieved_contexts": [NOTE], "reference": "HNSW 由 Malkov 在 2016 年提出。",
        },
        {
            "user_input": "多少?", "response": "占用 512 字节。", "retrieved_contexts": ["别的。"],
            "reference": "每个向量的图结构占用 256 字节。",
        },
        {"user_input": "空?", "response": "", "retrieved_contexts": [NOTE]},
        {"user_input": "无?", "response": "笔记里没有找到答案。", "retrieved_contexts": []},
    ]  # fmt: skip
    log, out, page = lines(tmp_path / "log.jsonl", rows), tmp_path / "r.json", tmp_path / "r.html"
    assert evaluate("grounding", log, "--out", out, "--html", page, "--misses") == 0
    said = capsys.readouterr().out
    run = json.loads(out.read_text(encoding="utf-8"))
    assert run["figures"]["texts without an answer"] == 1
    assert [i["verdict"] for i in run["items"]][2:] == ["no_claim"] * 2  # never "supported"
    assert run["metrics"]["context recall"][:1] == [0.5]
    assert [i.get("context recall") for i in run["items"]] == [1, 0, None, None]
    assert run["items"][0]["character F1 of the reference"] == 1
    # what is not supported is shown with its reason; what is, is not
    assert "占用 512 字节" in said
    assert "Not supported (1)" in page.read_text(encoding="utf-8")
    labelled = {"claim": "", "context": NOTE, "label": "supported"}
    assert evaluate("grounding", lines(tmp_path / "bad.jsonl", [labelled])) == 2


@pytest.mark.parametrize(
    "row",
    [
        {"Question": "谁?", "Answer": "HNSW 由 Malkov 在 2016 年提出。", "Contexts": [NOTE]},
        {"input": "谁?", "actual_output": "HNSW 由 Malkov 在 2016 年提出。",
         "retrieval_context": [NOTE, None]},
        {"query": "谁?", "generated answer": "HNSW 由 Malkov 在 2016 年提出。",
         "documents": [{"page_content": NOTE, "metadata": {}}]},
    ],
)  # fmt: skip
def test_columns_of_other_tools_are_understood(row: dict[str, Any], tmp_path: Path) -> None:
    log = lines(tmp_path / "log.jsonl", [{"id": 1, **row}, {"id": 1, **row}])
    one, other = load_records(log)
    assert (one.question, one.text) == ("谁?", "HNSW 由 Malkov 在 2016 年提出。")
    assert one.contexts == (NOTE,)
    assert (one.id, other.id) == ("1", "1, row 2")  # no two items have one name
    table = tmp_path / "log.csv"
    cells = [f"['{NOTE.splitlines()[0]}', 'b']" if isinstance(v, list) else v for v in row.values()]
    table.write_text(",".join(row) + "\n" + ",".join(f'"{c}"' for c in cells), encoding="utf-8")
    assert load_records(table)[0].contexts == ("# 索引笔记", "b")  # as pandas writes a list


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("answers", "empty.jsonl"), "is empty"),
        (("grounding", "nosuch"), "no claims over 'nosuch': name sample"),
        (("answers", "sample", "--fail-under", "nonsense"), "metric=value"),
        (("answers", "sample", "--out", "."), "is a folder"),
        (("sets", "--data", "nowhere"), "is no folder"),
        (("answers", "gold.jsonl"), "row 1: gold wants numbers"),
        (("grounding", "odd.jsonl"), "its `contexts`"),
        (("make", "empty.jsonl"), "gives a question"),
    ],
)
def test_what_cannot_be_measured_is_said_at_once(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    lines(tmp_path / "empty.jsonl", [])
    lines(tmp_path / "odd.jsonl", [{"a": 1}])
    lines(tmp_path / "gold.jsonl", [{"question": "?", "gold": [{"note": "a", "end": "x"}]}])
    assert evaluate(*words) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_facts_say_that_a_question_can_be_answered(notes: Path, tmp_path: Path) -> None:
    mine = lines(tmp_path / "q.jsonl", [{"question": "HNSW 是谁提出的？", "facts": ["Malkov"]}])
    out = tmp_path / "run.json"
    assert evaluate("answers", mine, "--notes", notes, "--out", out) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["metrics"]["right answers"][3] == 1


def test_labelled_claims_are_scored_beside_baselines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claims = [
        ("HNSW 由 Malkov 在 2016 年提出。", "supported"),
        ("每个向量的图结构占用 256 字节。", "supported"),
        ("每个向量的图结构占用 512 字节。", "contradicted"),
        ("HNSW 的作者住在杭州。", "not_in_notes"),
    ]
    rows = [
        {"context": NOTE, "claim_or_response": c, "label": label, "group": str(n)}
        for n, (c, label) in enumerate(claims)
    ]
    path = tmp_path / "set.jsonl.xz"
    with lzma.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    out = tmp_path / "run.json"
    assert evaluate("grounding", path, "--out", out) == 0
    run = json.loads(out.read_text(encoding="utf-8"))
    assert run["confusion"]["supported -> supported"] == 2
    assert {"IDF coverage, whole context", "flag everything"} <= run["methods"].keys()
    # flag everything: F1 = 2p / (1 + p) with p = 2/4
    assert run["methods"]["flag everything"]["F1 unsupported"][0] == pytest.approx(2 / 3, abs=1e-4)
    assert "AUROC" in capsys.readouterr().out


def test_a_known_public_file_must_have_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "qags.jsonl.xz"
    with pytest.raises(ConfigError, match="W4ngatang"):  # where to get it
        load_records(path)
    path.write_bytes(lzma.compress(b"{}"))
    with pytest.raises(ConfigError, match="sha256"):
        load_records(path)


def test_a_sample_takes_whole_groups_and_is_the_same_for_a_seed(tmp_path: Path) -> None:
    rows = [
        {"context": "c", "claim": f"claim {n}", "label": "supported", "group": str(n // 5)}
        for n in range(50)
    ]
    records = load_records(lines(tmp_path / "s.jsonl", rows))
    drawn = sample(records, 10, seed=3)
    assert len({r.group for r in drawn}) == 2
    assert drawn == sample(records, 10, seed=3)
    assert [r.id for r in drawn] == sorted((r.id for r in drawn), key=int)
    assert sample(records, None, seed=3) == records


def test_drafts_stand_in_the_notes_and_are_not_trusted_before_review(
    notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "drafts.jsonl"
    assert evaluate("make", notes, "--out", table) == 0
    rows = [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()]
    kinds = {row["kind"] for row in rows}
    assert {"heading", "definition", "list", "number", "unanswerable", "altered number"} <= kinds
    assert not any(row["reviewed"] for row in rows)
    for row in rows:
        for gold in row["gold"]:
            text = (notes / gold["note"]).read_text(encoding="utf-8")
            assert text[gold["start"] : gold["end"]] == gold["quote"]
        if row["kind"] == "altered number":
            assert row["text"] not in NOTE
            assert row["verdict"] == "contradicted"
    assert evaluate("answers", table, "--notes", notes, "--split", "all") == 2
    assert "not reviewed" in capsys.readouterr().err
    words = (table, "--notes", notes, "--split", "all", "--unreviewed")
    assert evaluate("answers", *words) == 0
    assert "nobody reviewed" in capsys.readouterr().out
    assert evaluate("make", notes, "--out", table) == 2  # it may hold a review by now
    capsys.readouterr()


def test_a_heading_is_asked_about_with_what_stands_under_it_only(tmp_path: Path) -> None:
    note = "# 手冲咖啡笔记\n\n## 手冲咖啡\n\n是一种萃取方法。\n\n## 参数\n\n"
    note += "- 水温 92 °C\n- 比例 1:15\n"
    (tmp_path / "coffee.md").write_text(note, encoding="utf-8")
    (tmp_path / "b.md").write_text("# RAG\n\n## 评测\n\n看忠实度，也看召回。\n", encoding="utf-8")
    table = tmp_path / "drafts.jsonl"
    assert evaluate("make", tmp_path, "--out", table) == 0
    rows = [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()]
    asked = {r["text"]: [g["quote"] for g in r["gold"]] for r in rows if r["kind"] == "heading"}
    assert asked == {
        "关于手冲咖啡，笔记怎么说？": ["是一种萃取方法。"],
        "手冲咖啡的参数有哪些？": ["水温 92 °C", "比例 1:15"],
        "RAG 的评测怎么做？": ["看忠实度，也看召回。"],
    }


def test_a_reviewed_table_of_a_spreadsheet_is_read_back(notes: Path, tmp_path: Path) -> None:
    table, out = tmp_path / "drafts.csv", tmp_path / "run.json"
    assert evaluate("make", notes, "--out", table) == 0
    text = table.read_text(encoding="utf-8-sig").replace(",false", ",TRUE")
    table.write_text(text, encoding="utf-8-sig")
    words = ("grounding", table, "--notes", notes, "--split", "all", "--out", out)
    assert evaluate(*words) == 0
    run = json.loads(out.read_text(encoding="utf-8"))
    copies = [item for item in run["items"] if item["kind"] == "copy"]
    assert copies
    assert all(item["verdict"] == "supported" for item in copies)


def test_a_run_is_compared_item_by_item(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {"suite": "answers", "items": [{"id": str(n), "right": n < 4} for n in range(10)]}
    after = {"suite": "answers", "items": [{"id": str(n), "right": n > 0} for n in range(10)]}
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, run in zip(paths, (before, after), strict=True):
        path.write_text(json.dumps(run), encoding="utf-8")
    compared = runs.compare(before, after)
    mean_before, mean_after, difference, p, up, down = compared["metrics"]["right"]
    assert (mean_before, mean_after, up, down) == (0.4, 0.9, 6, 1)
    assert difference == pytest.approx(0.5)
    assert 0.05 < p < 0.2  # 7 signs: 16 of 128 sums are as far from 0
    assert compared["changed"]["right"][0] == ("0", 1.0, 0.0)  # what fell stands first
    assert evaluate("compare", *paths) == 0
    assert "items down" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="compared"):
        runs.compare(before, {"suite": "speed", "items": []})


def test_a_missed_limit_is_exit_code_4(
    notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = lines(tmp_path / "q.jsonl", QUESTIONS)
    words = ("retrieval", mine, "--notes", notes, "--fail-under")
    assert evaluate(*words, "recall@10=0.5") == 0
    assert evaluate(*words, "recall@10=1.1") == 4
    assert "below the limit" in capsys.readouterr().err
    assert evaluate(*words, "nonsense=1") == 2


def test_a_limit_on_an_error_is_an_upper_one() -> None:
    metrics = {"false support": [0.2, 0.1, 0.3, 10]}
    assert runs.failing(metrics, ["false_support=0.3"]) == []
    assert runs.failing(metrics, ["false-support=0.1"]) == [
        "false support is 0.2, above the limit 0.1"
    ]


def test_speed_is_told_by_job_for_wall_and_processor(notes: Path, tmp_path: Path) -> None:
    mine, out = lines(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "run.json"
    assert evaluate("speed", mine, "--notes", notes, "--out", out) == 0
    run = json.loads(out.read_text(encoding="utf-8"))
    assert (run["n"], run["notes"]) == (2, 2)
    for job in ("find", "ask", "check"):
        assert 0 < run["metrics"][f"{job} median ms"][0] <= run["metrics"][f"{job} p95 ms"][0]
        assert f"{job} median CPU ms" in run["metrics"]
        assert all(item[f"{job} ms"] > 0 for item in run["items"])


def test_a_chat_model_may_draft_but_its_quotes_must_stand_in_the_note(
    notes: Path, tmp_path: Path
) -> None:
    def more(note: Note) -> list[dict[str, Any]]:
        return [
            {
                "text": "谁提出了 HNSW？",
                "quote": "由 Malkov 在 2016 年提出",
                "drafted_by": "a model",
            },
            {"text": "编造的？", "quote": "笔记里没有的话"},
        ]

    with Index.open(tmp_path / "index", encoder=load_encoder()) as index:
        index.refresh(Vault(notes))
        drafts = drafting.draft(index.notes(), more=more)
    texts = {one.text: one for one in drafts}
    assert texts["谁提出了 HNSW？"].drafted_by == "a model"
    assert texts["谁提出了 HNSW？"].gold[0]["note"] == "index.md"
    assert "编造的？" not in texts


def test_the_curve_of_abstention_gives_both_errors() -> None:
    items = [
        {"answerable": True, "confidence": 0.9},
        {"answerable": True, "confidence": 0.3},
        {"answerable": False, "confidence": 0.5},
    ]
    curve = {row[0]: row[1:] for row in abstention_curve(items)}
    assert curve[0.0] == [0, 1]
    assert curve[0.4] == [1 / 2, 1]
    assert curve[1.0] == [1, 0]


def test_contexts_of_others_say_nothing_about_a_claim() -> None:
    contexts = Contexts([NOTE, "蝙蝠靠回声定位。"], load_encoder())
    claim = "每个向量的图结构占用 256 字节。"
    (own,) = contexts.check(claim, [NOTE])
    (other,) = contexts.check(claim, ["蝙蝠靠回声定位。"])
    assert own.verdict.value == "supported"
    assert own.evidence is not None
    assert own.evidence.quote in NOTE
    assert other.verdict.value == "unsupported"


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_tables_of_the_readme_are_those_of_the_results(name: str) -> None:
    readme = Path(__file__).resolve().parent.parent / name
    assert figures.main(["--check", "--readme", str(readme)]) == 0


def test_a_table_that_was_written_by_hand_is_found(tmp_path: Path) -> None:
    source = Path(__file__).resolve().parent.parent / "README.md"
    text = source.read_text(encoding="utf-8")
    copy = tmp_path / "README.md"
    copy.write_text(text.replace("| claims | 180 |", "| claims | 181 |"), encoding="utf-8")
    assert figures.main(["--check", "--readme", str(copy)]) == 1
    assert figures.main(["--readme", str(copy)]) == 0
    assert copy.read_text(encoding="utf-8") == text


DOCUMENTS = ("README.md", "README.zh.md", "docs/targets.md", "docs/performance.md")


def test_one_command_writes_and_checks_every_table_of_the_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(__file__).resolve().parent.parent
    for name in DOCUMENTS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(root / name, tmp_path / name)
    shutil.copytree(root / "eval/bench/results", tmp_path / "eval/bench/results")
    monkeypatch.chdir(tmp_path)
    assert figures.main(["--check"]) == 0
    assert "those of the committed results" in capsys.readouterr().err
    for name in DOCUMENTS:
        text = Path(name).read_text("utf-8")
        text = text.replace("| 1,096 ", "| 1,097 ").replace("149/180", "150/180")
        Path(name).write_text(text, "utf-8")
    assert figures.main(["--check"]) == 1
    assert "docs/performance.md are not current" in capsys.readouterr().err
    assert figures.main([]) == 0
    told = capsys.readouterr().err
    for name in DOCUMENTS:
        assert Path(name).read_text("utf-8") == (root / name).read_text("utf-8")
    assert "README.zh.md is renewed" in told


def test_a_plot_escapes_what_it_is_given() -> None:
    svg = charts.bars("<b>", {"<script>": [0.5, 0.4, 0.6]}).svg()
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg


def test_the_command_line_works_without_the_package_of_evaluation(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.meta_path.insert(0, type('No', (), {'find_spec': staticmethod("
        "lambda name, *_: None)}))\n"
        "from assistant import cli, options\n"
        "options.find_spec = lambda name: None\n"
        "assert not any(name.split('.')[0] == 'eval' for name in sys.modules)\n"
        "sys.exit(cli.main(['eval']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "not installed" in done.stderr
