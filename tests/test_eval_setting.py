"""`youju eval` measures the product as it is set up: models that search, write and judge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant import cli
from assistant.opinions import Opinion
from assistant.types import Verdict
from corpus.errors import ConfigError
from eval import command, report, runs
from eval.scripted_server import Reply, ScriptedServer
from eval.setting import Setting

pytest.importorskip("openai")
NOTE = """# 索引笔记

HNSW 是一种图索引，由 Malkov 在 2016 年提出。

每个向量的图结构占用 256 字节。
"""
QUESTION = {
    "id": "q1", "question": "HNSW 是谁提出的？", "facts": ["Malkov"],
    "gold": [{"note": "index.md", "quote": "由 Malkov 在 2016 年提出"}],
}  # fmt: skip
Said = Callable[[dict[str, Any]], Reply]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "index.md").write_text(NOTE, encoding="utf-8")
    return folder


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps(QUESTION, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    def respond(request: dict[str, Any]) -> Reply:
        if "verdicts" in json.dumps(request):  # asked to judge
            return Reply(text='{"verdicts": [{"id": 1, "verdict": "unsupported"}]}')
        return Reply(text="HNSW 由 Malkov 在 2016 年提出，它的作者住在杭州。")

    with ScriptedServer(respond) as running:
        yield running


def run(tmp_path: Path, *words: str | Path) -> dict[str, Any]:
    out = tmp_path / "run.json"
    out.unlink(missing_ok=True)
    assert cli.main(["eval", *map(str, words), "--out", str(out)]) == 0
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def test_the_named_chat_model_writes_what_is_measured(
    notes: Path, questions: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    words = ("answers", questions, "--notes", notes)
    plain = run(tmp_path, *words)
    named = run(tmp_path, *words, "--model", "scripted", "--base-url", server.base_url)
    assert (plain["generator"], named["generator"]) == ("extractive", "scripted")
    assert len(server.requests) == 1
    assert named["metrics"]["model's answers shown"][0] == 1
    assert "model's answers shown" not in plain["metrics"]
    assert plain["items"][0]["supported"]
    assert not named["items"][0]["supported"]  # nobody lives in Hangzhou in the notes
    assert named["config_fingerprint"] != plain["config_fingerprint"]
    assert server.base_url not in json.dumps(named)
    assert "written by scripted" in report.plain(named)
    assert "generator extractive → scripted" in report.compared_plain(runs.compare(plain, named))


def test_the_environment_names_the_model_too_and_extractive_leaves_it_aside(
    notes: Path,
    questions: Path,
    server: ScriptedServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("YOUJU_LLM_BASE_URL", server.base_url)
    monkeypatch.setenv("YOUJU_LLM_MODEL", "scripted")
    words = ("answers", questions, "--notes", notes)
    assert run(tmp_path, *words)["generator"] == "scripted"
    n_asked = len(server.requests)
    assert run(tmp_path, *words, "--model", "extractive")["generator"] == "extractive"
    # search needs no writer: none is asked, and the fingerprint knows of none
    found = run(tmp_path, "retrieval", questions, "--notes", notes)
    assert "generator" not in found
    assert len(server.requests) == n_asked


def test_the_chat_model_judges_claims_of_notes_and_of_logs(
    notes: Path, server: ScriptedServer, tmp_path: Path
) -> None:
    claim = {"claim": "每个向量的图的结构占用 256 字节。", "verdict": "supported"}
    claims = tmp_path / "claims.jsonl"
    claims.write_text(json.dumps(claim, ensure_ascii=False) + "\n", encoding="utf-8")
    log = tmp_path / "log.jsonl"
    row = {"question": "多少?", "answer": claim["claim"], "contexts": [NOTE]}
    log.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    judge = ("--judge", "--model", "scripted", "--base-url", server.base_url)
    for file in (claims, log):
        words = ("grounding", file, "--notes", notes)
        before, after = run(tmp_path, *words), run(tmp_path, *words, *judge)
        assert (before["judges"], after["judges"]) == ([], ["judge:scripted"])
        assert before["items"][0]["verdict"] == "supported"
        assert after["items"][0]["verdict"] == "unsupported"
        assert after["config_fingerprint"] != before["config_fingerprint"]
    assert len(server.requests) == 2


class _Refuses:
    """A judge that supports nothing."""

    def __init__(self, name: str) -> None:
        self.name = f"nli:{name}"

    def load(self) -> None:
        """Nothing to load."""

    def opinions(self, pairs: list[tuple[str, str]]) -> list[Opinion]:
        return [Opinion(verdict=Verdict.CONTRADICTED, support=0.0) for _ in pairs]


def test_a_cross_encoder_judges_and_its_files_are_in_the_fingerprint(
    notes: Path, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.opinions.CrossEncoderNli", _Refuses)
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights").write_bytes(b"1")
    words = ("grounding", questions, "--notes", notes, "--nli", str(model))
    questions.write_text(
        '{"claim": "每个向量的图的结构占用 256 字节。", "verdict": "supported"}\n', "utf-8"
    )
    first = run(tmp_path, *words)
    assert first["judges"] == [f"nli:{model}"]
    assert first["items"][0]["verdict"] == "contradicted"
    (model / "weights").write_bytes(b"2")
    assert run(tmp_path, *words)["config_fingerprint"] != first["config_fingerprint"]


def test_a_judge_without_a_model_is_a_usage_error(
    notes: Path, questions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["eval", "answers", str(questions), "--notes", str(notes), "--judge"]) == 2
    assert "--judge needs a chat model" in capsys.readouterr().err


def test_a_named_reranker_is_a_method_of_its_own(
    notes: Path, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Backwards:
        def scores(self, query: str, hits: list[Any]) -> Any:
            import numpy as np

            return np.arange(len(hits), dtype=float) / len(hits)

    monkeypatch.setattr("eval.setting.load_reranker", lambda name, device: Backwards())
    for n in range(3):
        (notes / f"n{n}.md").write_text(f"# 别的 {n}\n\nHNSW 的别的事情 {n}。\n", "utf-8")
    found = run(tmp_path, "retrieval", questions, "--notes", notes, "--reranker", "a/b")
    assert found["reranker"] == "a/b"
    shipped, named = list(found["methods"].values())[-2:]
    assert shipped["mrr@10"][0] == 1
    assert named["mrr@10"][0] < 1
    assert found["metrics"] == named


def test_the_settings_file_counts_and_one_by_half_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('model = "m"\nencoder = "http://127.0.0.1:9/v1#embed"\n', "utf-8")
    parser = cli.build_parser(["eval"])
    args = parser.parse_args(["eval", "answers", "--config", str(file)])
    setting = command.setting_of(args)
    assert isinstance(setting, Setting)
    assert setting.config.model == "m"
    with pytest.raises(ConfigError, match="Where does m answer"):
        _ = setting.models
