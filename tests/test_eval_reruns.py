"""Results measured again, targets beside their figures, peers with intervals: none goes stale."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpus.errors import ConfigError
from eval import figures, reruns, targets
from eval.bench import again
from eval.peers import run as peers
from eval.reruns import Rerun, accepted, merged, perform, report, steps
from eval.runs import load, save
from eval.targets import Target, figure_of

ITEMS = [{"id": f"q{n}", "right": n % 2 == 0, "ms": 5.0, "text": "?"} for n in range(8)]
RUN = {
    "suite": "answers", "set": "feed", "split": "test", "seed": 7, "limit": None,
    "encoder": "built-in", "judges": [], "commit": "0123456789ab", "seconds": 3.0,
    "data": {"notes-feed.txt": "aa"}, "n": 8, "items": ITEMS,
    "metrics": {"right answers": [0.5, 0.2, 0.8, 8], "asked in full": [0.8, 0.7, 0.9, 8]},
}  # fmt: skip
Measured = Callable[..., None]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    for name in ("feed", "xquad_zh"):
        save({**RUN, "set": name}, folder / f"answers-{name}-0123456789ab.json")
    return folder


@pytest.fixture
def how(tmp_path: Path) -> Rerun:
    (tmp_path / "data" / "inner").mkdir(parents=True)
    (tmp_path / "data" / "inner" / reruns.FEED).write_text("[1] a note", encoding="utf-8")
    return Rerun(data=(tmp_path / "data",), out=tmp_path / "out")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was measured; the runs that come out have two items otherwise."""
    done: list[str] = []

    def run(step: Any, file: Path) -> str:
        done.append(step.name)
        items = [{**i, "right": i["right"] or i["id"] in ("q1", "q3"), "ms": 9.0} for i in ITEMS]
        save({**RUN, "commit": "feedfeedfeed", "items": items}, file)
        return ""

    monkeypatch.setattr(reruns, "_run", run)
    return done


def test_a_step_says_what_it_runs_or_what_it_lacks(results: Path, how: Rerun) -> None:
    feed, xquad = steps(results, how)
    assert feed.words[:2] == ("answers", "feed")
    assert feed.words[3:] == (
        str(how.data[0] / "inner" / reruns.FEED), "--split", "test", "--seed", "7",
    )  # fmt: skip
    assert xquad.words == ()
    assert "xquad_zh is not in" in xquad.missing
    quick = Rerun(data=how.data, out=how.out, quick=True, only=("feed",))
    (only,) = steps(results, quick)
    assert only.words[-2:] == ("--limit", str(reruns.QUICK))
    save({**RUN, "encoder": "bge-m3"}, results / "answers-feed-0123456789ab.json")
    assert "named models" in steps(results, quick)[0].missing


def test_a_rerun_tells_what_changed_and_goes_on_where_it_stopped(
    results: Path, how: Rerun, measured: list[str]
) -> None:
    outcomes = [perform(step, how, "code 1") for step in steps(results, how)]
    assert measured == ["answers-feed"]
    (change,) = outcomes[0].changes  # the time is no figure, the text no number
    assert (change.figure, change.before, change.now) == ("right", 0.5, 0.75)
    assert (change.up, change.down) == (2, 0)
    told = report(outcomes, how)
    assert "| answers-feed | 8 | right | 0.500 | 0.750 | +0.250 |" in told
    assert "- answers-xquad_zh: not run: xquad_zh is not in" in told
    again_ = [perform(step, how, "code 1") for step in steps(results, how)]
    assert again_[0].changes == outcomes[0].changes
    assert measured == ["answers-feed"]  # not measured twice
    perform(steps(results, how)[0], how, "code 2")
    assert measured == ["answers-feed"] * 2  # other code is


def test_a_run_of_other_data_is_no_reproduction(
    results: Path, how: Rerun, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {**RUN, "data": {"notes-feed.txt": "bb"}}
    monkeypatch.setattr(reruns, "_run", lambda step, file: save(other, file) or "")
    outcome = perform(steps(results, how)[0], how, "code")
    assert outcome.told == "the data are not those of the committed result"
    monkeypatch.setattr(reruns, "_run", lambda step, file: "out of memory")
    outcome = perform(steps(results, how)[0], how, "code 2")
    assert outcome.told == "failed: out of memory"


@pytest.mark.usefixtures("measured")
def test_new_results_take_the_place_of_the_old(results: Path, how: Rerun, tmp_path: Path) -> None:
    outcomes = [perform(step, how, "code") for step in steps(results, how)]
    both = merged(outcomes, results, tmp_path / "merged")
    assert load(both / "answers-feed-0123456789ab.json")["commit"] == "feedfeedfeed"
    assert load(both / "answers-xquad_zh-0123456789ab.json")["commit"] == RUN["commit"]
    (new,) = accepted(outcomes)
    assert new.name == "answers-feed-feedfeedfeed.json"
    assert sorted(path.name for path in results.iterdir()) == [
        "answers-feed-feedfeedfeed.json", "answers-xquad_zh-0123456789ab.json",
    ]  # fmt: skip


def test_results_of_changed_files_are_not_taken_over(
    results: Path, how: Rerun, monkeypatch: pytest.MonkeyPatch
) -> None:
    dirty = {**RUN, "commit": "feedfeedfeed-dirty"}
    monkeypatch.setattr(reruns, "_run", lambda step, file: save(dirty, file) or "")
    outcomes = [perform(step, how, "code") for step in steps(results, how)]
    with pytest.raises(ConfigError, match="commit them first"):
        accepted(outcomes)
    assert (results / "answers-feed-0123456789ab.json").is_file()


def test_the_command_tells_what_it_left_out_and_exits_by_what_failed(
    results: Path, how: Rerun, measured: list[str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(figures, "RESULTS", results)
    words = ["--rerun", "--quick", "--data", str(how.data[0]), "--out", str(how.out)]
    assert figures.main([*words, "--only", "answers"]) == 0
    said = capsys.readouterr()
    assert "2/2 answers-xquad_zh" in said.err
    assert "1 of 2 results" in said.out
    assert (how.out / "quick" / "changes.md").read_text("utf-8") in said.out
    assert measured == ["answers-feed"]
    monkeypatch.setattr(reruns, "_run", lambda step, file: "no memory")
    monkeypatch.setattr(reruns, "code_digest", lambda: "other")
    assert figures.main([*words, "--only", "answers"]) == 1
    assert figures.main([*words, "--accept"]) == 1
    assert "takes whole runs" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_committed_result_is_measured_again_for_real(repo: Path, tmp_path: Path) -> None:
    how = Rerun(data=(), out=tmp_path, quick=True, only=("answers-sample",))
    (step,) = steps(repo / "eval" / "results", how)
    outcome = perform(step, how, reruns.code_digest())
    assert outcome.told in ("", "the data are not those of the committed result")
    assert outcome.n == reruns.QUICK


def test_costs_are_compared_by_their_ratios() -> None:
    def bench(build: float, peer: float | None) -> dict[str, Any]:
        systems: dict[str, Any] = {
            "floor": {"build_cpu_s": 2.0}, "youju": {"build_cpu_s": build},
        }  # fmt: skip
        if peer:
            systems["LlamaIndex"] = {"build_cpu_s": peer}
        return {"sizes": {"1000": systems}}

    told = again.table(bench(3.0, 6.0), bench(4.0, None)).splitlines()
    assert told[2] == "| 1000 | index build, youju / floor | 1.50 | 2.00 |"
    assert told[3] == "| 1000 | index build, LlamaIndex / youju | 2.00 | – |"


# --- targets ------------------------------------------------------------------------------------


def target(**given: Any) -> Target:
    goal, source = given.pop("goal", ">= 0.5"), given.pop("source", "run")
    return Target(issue=4, what="w", goal=goal, source=source, given=given)


def test_the_page_of_targets_is_what_targets_and_results_say(repo: Path) -> None:
    """After a change that is meant: make figures."""
    assert (repo / "docs" / "targets.md").read_text("utf-8") == targets.page()


def test_every_issue_with_figures_has_targets_and_none_is_without_source_or_reason() -> None:
    found = targets.targets()
    assert {one.issue for one in found} == {3, 4, 5, 6, 7, 9, 10}
    assert all(one.source or one.why for one in found)


def test_figures_are_read_from_results(tmp_path: Path) -> None:
    results = tmp_path / "eval" / "results"
    methods = {"youju": {"AUROC": [0.8, 0.7, 0.9]}, "BM25": {"AUROC": [0.6, 0.5, 0.7]}}
    save({**RUN, "methods": methods}, results / "answers-feed-0123456789ab.json")
    save({**RUN, "methods": {**methods, "BM25": {"AUROC": [0.85, 0.8, 0.9]}}},
         results / "answers-feed2-0123456789ab.json")  # fmt: skip

    def value(**given: Any) -> float | None:
        return figure_of(target(**given), tmp_path).value

    assert value(run="answers-feed", metric="right answers") == 0.5
    assert value(run="answers-feed", metric="right answers", over="asked in full") == 0.5 / 0.8
    assert value(run="answers-feed", method="youju", metric="AUROC") == 0.8
    lead = target(source="lead", suite="answers", method="youju", rivals=["BM25"], metric="AUROC")
    assert figure_of(lead, tmp_path).value == pytest.approx(-0.05)
    assert "answers-feed2" in figure_of(lead, tmp_path).place
    absent = figure_of(target(run="answers-moon", metric="x"), tmp_path)
    assert absent.value is None
    assert "no committed result" in absent.place
    with pytest.raises(ConfigError, match="is not in its source"):
        value(run="answers-feed", metric="no such metric")


def test_figures_are_read_from_tables_and_files(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    rows = ("passed", "passed, slow ones not run", "slow ones not run", "failed")
    table = "".join(f"| {n} | f | e | {said} | `t` |\n" for n, said in enumerate(rows, 1))
    (tmp_path / "tests" / "faults.md").write_text(table, encoding="utf-8")
    assert figure_of(target(source="rows", first=1, last=4), tmp_path).value == 0.5
    (tmp_path / "page.md").write_text("it took 0.7 s", encoding="utf-8")
    said = {"source": "said", "value": 0.7, "where": "page.md"}
    assert figure_of(target(**said, quote="0.7 s"), tmp_path).value == 0.7
    with pytest.raises(ConfigError, match="no longer says"):
        figure_of(target(**said, quote="0.6 s"), tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.json").write_bytes(b"x" * 2_500_000)
    assert figure_of(target(source="megabytes", folder="models"), tmp_path).value == 2.5


def test_figures_of_endurance_are_those_of_the_longest_run(tmp_path: Path) -> None:
    def row(length: str, done: int, **figures: list[float]) -> dict[str, Any]:
        return {
            "done": done, "faults": ["x"] * (done // 100), "figures": figures,
            "length": length, "commit": f"c{done}",
        }  # fmt: skip

    kept = {
        "kill, default": row("default", 40), "kill, full": row("full", 600),
        "flips, default": row("default", 9, head=[1, 1], body=[1, 0], attempts=[2, 3]),
    }  # fmt: skip
    file = tmp_path / "tests" / "endurance" / "endurance.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(kept), encoding="utf-8")

    def found(field: str, *stages: str) -> targets.Figure:
        return figure_of(target(source="endurance", stages=stages, field=field), tmp_path)

    assert found("done", "kill", "flips").value == 609
    assert found("faults", "kill").value == 6
    assert found("attempts", "flips").value == 5
    assert found("least share", "flips").value == 0.5
    assert found("done", "kill", "flips").place.endswith("1 of 2 stages in full, at c600, c9")
    for field, stage in (("done", "drown"), ("attempts", "kill"), ("seconds", "kill")):
        with pytest.raises(ConfigError, match="is not in its source"):
            found(field, "kill", stage)


def test_the_figures_of_endurance_have_their_runs(repo: Path) -> None:
    """A stage that is renamed, or never run, must not count as one without a fault."""
    for one in targets.targets():
        if one.source == "endurance":
            assert figure_of(one, repo).value is not None


def test_a_goal_is_held_by_its_sign() -> None:
    assert target(goal=">= 0.5").reached(0.5)
    assert not target(goal="> 0").reached(0)
    assert target(goal="<= 0.08").reached(0.08)
    assert not target(goal="<= 0.08").reached(0.081)
    with pytest.raises(ConfigError, match="no goal is written"):
        target(goal="about 3").reached(3)


@pytest.mark.parametrize(
    "row", ['issue = 4\nwhat = "w"', 'issue = 4\nwhat = "w"\ngoal = "> 1"\nfrom = "dreams"']
)
def test_a_target_without_a_source_is_refused(row: str, tmp_path: Path) -> None:
    file = tmp_path / "targets.toml"
    file.write_text(f"[[target]]\n{row}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="neither a known source nor a reason"):
        targets.targets(file)


# --- peers --------------------------------------------------------------------------------------


def test_the_table_of_peers_is_that_of_the_committed_result() -> None:
    text = peers.README.read_text(encoding="utf-8")
    assert peers.written(text, json.loads(peers.KEPT.read_text(encoding="utf-8"))) == text


def test_a_peer_is_scored_with_an_interval_over_questions(tmp_path: Path) -> None:
    chunks = [
        {"note": f"{n}.md", "start": 0, "end": 9, "text": f"t{n}", "terms": [f"w{n}"]}
        for n in range(3)
    ]
    questions = [
        {"id": f"q{n}", "text": f"ask {n}", "terms": [f"w{n}"], "gold": [[f"{n}.md", 2, 5]]}
        for n in range(2)
    ]
    work = {"chunks": chunks, "questions": questions, "youju": {}, "commit": "c"}
    (tmp_path / "work.json").write_text(json.dumps(work), encoding="utf-8")
    np.save(tmp_path / "chunks.npy", np.eye(3))
    np.save(tmp_path / "questions.npy", np.eye(3)[:2])
    found = peers.scores(peers.Work(tmp_path, own_terms=False), lambda query: [0, 1, 2])
    # the first question's passage comes first, the second's second
    assert found["recall@1"] == [0.5, 0.0, 1.0]
    assert found["recall@5"] == [1.0, 1.0, 1.0]
    assert found["mrr@10"][0] == 0.75
    assert len(found["ms"]) == 3
