"""Plots: the same shapes as SVG and as PNG, with what they are to show."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from assistant import cli
from eval import charts
from eval.plots import plots
from eval.runs import load

COUNTS = {
    ("supported", "supported"): 8, ("supported", "unsupported"): 2,
    ("contradicted", "contradicted"): 5, ("contradicted", "supported"): 5,
}  # fmt: skip


def words(svg: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter() if node.tag.endswith("text")]


def test_a_matrix_shows_counts_and_their_share_of_the_truth() -> None:
    said = words(charts.matrix("t", COUNTS, rows="true", columns="said").svg())
    assert {"8 (80%)", "2 (20%)", "5 (50%)", "0 (0%)"} <= set(said)
    assert said.count("5 (50%)") == 2
    assert said.count("supported") == 2  # once as truth, once as said
    assert said.count("unsupported") == 1  # never true here


def test_a_hit_is_green_and_the_darker_the_more_it_is() -> None:
    drawing = charts.matrix("t", COUNTS, rows="true", columns="said")
    boxes = [node for node in ET.fromstring(drawing.svg()) if node.tag.endswith("rect")]
    assert [box.get("fill") for box in boxes[:2]] == ["#2f6f4f", "#b4472e"]
    assert float(boxes[0].get("opacity", "")) > float(boxes[1].get("opacity", ""))


@pytest.mark.parametrize(
    "drawing",
    [
        charts.bars("题 <b>", {"右": [0.5, 0.4, 0.6], "x" * 80: [2.0, -1.0, 3.0]}),
        charts.curve(
            "c", {"a": [(0, 0), (1, 1)], "b": []}, x_label="x", y_label="y", diagonal=True
        ),
        charts.matrix("m", COUNTS, rows="true", columns="said"),
        charts.bars("none", {}),
        charts.by_rank("r", {"BM25": [0.2, 0.4, 0.6], "fused": [0.5, 0.7, 1.0]}, y_label="hit@k"),
        charts.within("l", {"ask": [3, 40.5, 0, 900], "find": [2.5]}),
    ],
    ids=["bars", "curve", "matrix", "empty", "ranks", "times"],
)
def test_every_plot_is_drawn_twice_in_its_size(drawing: charts.Drawing) -> None:
    from PIL import Image

    root = ET.fromstring(drawing.svg())
    picture = Image.open(io.BytesIO(drawing.png()))
    assert picture.size == (2 * round(float(root.get("width", ""))), 2 * round(drawing.height))
    assert len(picture.convert("L").getcolors() or [(1, 0)] * 2) > 1  # something is drawn


def test_a_bar_is_as_long_as_its_share_in_both_forms() -> None:
    from PIL import Image

    drawing = charts.bars("t", {"half": [0.5], "quarter": [0.25]})
    boxes = [node for node in ET.fromstring(drawing.svg()) if node.tag.endswith("rect")]
    assert [float(box.get("width", "")) for box in boxes] == [300 * 0.5, 300 * 0.25]
    picture = Image.open(io.BytesIO(drawing.png()))
    for box, share in zip(boxes, (0.5, 0.25), strict=True):
        y = int(2 * (float(box.get("y", "")) + 7))
        row = [picture.getpixel((x, y)) for x in range(picture.width)]
        green = sum(1 for r, g, b in row if g > r + 20 and g > b + 10)  # type: ignore[misc]
        assert green == pytest.approx(600 * share, abs=3)


def test_a_run_gives_every_plot_it_has_data_for(repo: Path, tmp_path: Path) -> None:
    results = repo / "eval" / "results"
    (claims,) = results.glob("grounding-sample-*.json")
    (asked,) = results.glob("answers-feed2-*.json")
    drawn = dict(plots(load(claims)))
    assert set(drawn) == {"figures", "calibration", "confusion", "latency"}
    assert "altered claims supported" in words(drawn["figures"].svg())
    assert "ms" not in words(drawn["figures"].svg())
    wanted = json.loads(claims.read_text("utf-8"))["confusion"]["supported -> supported"]
    assert any(said.startswith(f"{wanted} (") for said in words(drawn["confusion"].svg()))
    assert set(dict(plots(load(asked)))) == {"figures", "abstention", "latency"}
    again = ["eval", "compare", str(claims), str(claims), "--plots", str(tmp_path / "plots")]
    assert cli.main(again) == 0
    made = {path.name for path in (tmp_path / "plots").iterdir()}
    assert made == {f"{name}.{kind}" for name in drawn for kind in ("svg", "png")}


def lines_of(svg: str) -> list[list[tuple[float, float]]]:
    """The coloured lines of a plot, without those of the key."""
    found = [node for node in ET.fromstring(svg) if node.tag.endswith("polyline")]
    drawn = [node for node in found if (node.get("stroke") or "").startswith("#")]
    points = [
        [(float(x), float(y)) for x, y in (pair.split(",") for pair in node.get("points").split())]
        for node in drawn
    ]
    return [row for row in points if not (len(row) == 2 and row[0][1] == row[1][1])]


def test_a_curve_of_ranks_rises_from_the_first_to_the_last() -> None:
    svg = charts.by_rank("r", {"a": [0.25, 0.5, 1.0]}, y_label="hit@k").svg()
    (line,) = lines_of(svg)
    left, bottom = line[0][0], line[0][1] + (line[0][1] - line[2][1]) / 3
    assert [x - left for x, _ in line] == pytest.approx([0, (line[2][0] - left) / 2, 352], abs=0.2)
    height = bottom - line[2][1]
    assert [(bottom - y) / height for _, y in line] == pytest.approx([0.25, 0.5, 1], abs=0.01)
    assert {"1", "2", "3"} <= set(words(svg))


def test_times_are_steps_of_a_logarithmic_axis() -> None:
    svg = charts.within("l", {"ask": [10, 1, 100]}).svg()
    (line,) = lines_of(svg)
    # 1, 10 and 100 ms are equally far from each other, and a third of the items more each time
    first, second, third = line[1:]
    assert second[0] - first[0] == pytest.approx(third[0] - second[0], abs=0.2)
    assert first[1] - second[1] == pytest.approx(second[1] - third[1], abs=0.2)
    assert {"1", "10", "100"} <= set(words(svg))


def test_ranks_of_a_public_set_become_curves_of_its_methods(repo: Path) -> None:
    (path,) = (repo / "eval" / "results").glob("retrieval-notesq_dl500-*.json")
    run = load(path)
    drawn = dict(plots(run))
    assert "ranks-notesq_dl500" in drawn
    svg = drawn["ranks-notesq_dl500"].svg()
    assert {"BM25 + jieba", "fused + reranked", "LSA"} <= set(words(svg))
    rows = lines_of(svg)
    names = list(run["figures"]["notesq_dl500"]["methods"])
    assert len(rows) == len(names)
    base, top = 236.0, 40.0
    for name, row in zip(names, rows, strict=True):
        share = run["figures"]["notesq_dl500"]["methods"][name]["hit@1"][0]
        assert (base - row[0][1]) / (base - top) == pytest.approx(share, abs=0.01)
