"""The plots of the evaluation tab: what a run holds is drawn, what is broken is left out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from assistant.web import plots
from assistant.web.results import load_results, paint_result


def drawn(markup: str) -> list[list[tuple[float, float]]]:
    """The points of each line of a plot."""
    paths = re.findall(r"class='ln s\d' d='M([^']*)'", markup)
    return [
        [(float(x), float(y)) for x, y in (point.split() for point in path.split(" L"))]
        for path in paths
    ]


def test_ranks_of_a_public_set_are_shares_within_the_first_k() -> None:
    items = {"toy": {"q1": {"a": 1, "b": 0}, "q2": {"a": 3, "b": 10}}}
    found = plots.ranks_of({"items": items})
    assert found["toy"]["a"] == [0.5, 0.5, *[1.0] * 8]
    assert found["toy"]["b"] == [0.0] * 9 + [0.5]
    first, second = drawn(plots.ranks(found["toy"]))
    assert len(first) == len(second) == 10
    assert first[0][1] > first[-1][1]  # higher on the page is a smaller y


def test_ranks_of_a_persons_questions_are_taken_as_they_are() -> None:
    found = plots.ranks_of({"set": "mine", "ranks": {"a": [0.2, 0.4]}, "items": [{"id": "1"}]})
    assert found == {"mine": {"a": [0.2, 0.4]}}


def test_times_stand_on_a_logarithmic_axis() -> None:
    items = [{"ask ms": ms, "find ms": 2} for ms in (100, 1, 10)]
    asked, found = drawn(plots.times(items))
    assert asked[1][0] - asked[0][0] == pytest.approx(asked[2][0] - asked[1][0], abs=0.2)
    assert asked[0][1] - asked[1][1] == pytest.approx(asked[1][1] - asked[2][1], abs=0.2)
    assert len(found) == 3
    assert ">10</text>" in plots.times(items)


@pytest.mark.parametrize(
    "broken",
    [None, [], [{"ms": "soon"}], [3], {"toy": 3}, {"toy": {"q": [1]}}, [{"ms": 5}]],
    ids=str,
)
def test_what_is_broken_or_too_little_is_left_out(broken: object) -> None:
    assert plots.times(broken) == ""
    assert plots.ranks_of({"items": broken}) == {}


def test_what_went_wrong_is_listed_and_what_a_log_does_not_support(tmp_path: Path) -> None:
    items = [
        {"id": "a", "right": False, "text": "<b>wrong</b>", "gold": "contradicted",
         "verdict": "supported"},
        {"id": "b", "right": True, "text": "fine"},
        {"id": "c", "right": False},
        3,
    ]  # fmt: skip
    run = {"suite": "grounding", "set": "x", "metrics": {}, "items": items}
    (tmp_path / "a.json").write_text(json.dumps(run), encoding="utf-8")
    run |= {"set": "log", "items": [{"id": "1", "flagged": ["no such (unsupported: why)"]},
                                    {"id": "2", "flagged": []}]}  # fmt: skip
    (tmp_path / "b.json").write_text(json.dumps(run), encoding="utf-8")
    shown = {r.kind[1]: paint_result(r) for r in load_results([tmp_path])}
    assert "1 went wrong" in shown["x"]
    assert "contradicted → supported" in shown["x"]
    assert "&lt;b&gt;wrong" in shown["x"]
    assert "fine" not in shown["x"]
    assert "1 answers say what is not supported" in shown["log"]
    assert "no such (unsupported: why)" in shown["log"]


def test_the_committed_runs_show_ranks_and_times(repo: Path) -> None:
    shown = {
        (result.suite, result.kind[1]): paint_result(result)
        for result in load_results([repo / "eval" / "results"])
    }
    assert "within the first k" in shown["retrieval", "notesq_dl500"]
    assert "log axis" in shown["answers", "feed2"]
    assert "log axis" in shown["grounding", "sample"]
