"""The threshold for one vault: what is planted and measured, what is kept, who tells of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.calibration import Calibration, calibration_of, models_of_check, removed, write
from assistant.cli import main
from assistant.config import load_config, sample_notes
from assistant.doctor import Doctor
from assistant.pipeline import Assistant
from corpus.errors import ConfigError
from corpus.records import RecordDamaged
from eval.calibrating import GRID, Measured, calibration, evaluate, shares
from eval.planting import Planted, plant

SHIPPED = 0.86


def made(support: float = 0.91) -> Calibration:
    return Calibration(
        support=support,
        rate=0.05,
        false_support=0.04,
        n_false=50,
        true_support=0.5,
        n_true=60,
        made="2026-11-30",
        models=models_of_check(),
    )


def planted(kind: str, *, is_true: bool) -> Planted:
    return Planted(claim="c", kind=kind, is_true=is_true, note="n.md", start=0, end=1)


def found(false: list[float], true: list[float]) -> list[Measured]:
    return [
        *(Measured(planted=planted("number", is_true=False), upto=upto) for upto in false),
        *(Measured(planted=planted("reworded", is_true=True), upto=upto) for upto in true),
    ]


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with Assistant.open(sample_notes(), tmp_path_factory.mktemp("index")) as opened:
        opened.refresh()
        yield opened


def test_a_kept_calibration_is_read_back_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, made())
    assert calibration_of(tmp_path) == made()
    assert removed(tmp_path)
    assert not removed(tmp_path)
    assert calibration_of(tmp_path) is None


@pytest.mark.parametrize("place", range(0, 400, 37))
def test_a_flipped_bit_of_a_calibration_is_seen(tmp_path: Path, place: int) -> None:
    file = write(tmp_path, made())
    content = bytearray(file.read_bytes())
    content[place % len(content)] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(RecordDamaged):
        calibration_of(tmp_path)


def test_the_smallest_threshold_that_keeps_the_rate_is_proposed() -> None:
    # of 40 false ones 10 are supported up to .88, 2 up to .94
    measured = found([0.88] * 10 + [0.94] * 2 + [0.0] * 28, [1.0] * 10 + [0.9] * 10 + [0.0] * 10)
    at = calibration(measured, 0.05, SHIPPED)
    assert (at.support, at.false_support, at.n_false) == (0.91, 2 / 40, 40)
    assert at.true_support == round(10 / 30, 4)
    assert calibration(measured, 0.04, SHIPPED).support == 0.96
    assert calibration(measured, 0.3, SHIPPED).support == SHIPPED


def test_none_below_the_shipped_threshold_is_proposed() -> None:
    assert calibration(found([0.0] * 30, [0.5] * 30), 0.05, SHIPPED).support == SHIPPED


def test_a_rate_that_no_threshold_keeps_is_told_by_what_is_reached() -> None:
    at = calibration(found([1.0] * 30, [1.0] * 30), 0.05, SHIPPED)
    assert (at.support, at.false_support) == (GRID[-1], 1.0)


def test_too_few_claims_say_nothing() -> None:
    with pytest.raises(ConfigError, match="Only 30 true and 5 false"):
        calibration(found([0.0] * 5, [1.0] * 30), 0.05, SHIPPED)


def test_a_higher_threshold_supports_no_more() -> None:
    measured = found([0.5, 0.8, 1.0], [0.7, 1.0])
    rates = [[sum(row) for row in shares(measured, support)] for support in GRID]
    assert rates == sorted(rates, reverse=True)


def test_planted_claims_are_new_and_the_same_for_the_same_seed(assistant: Assistant) -> None:
    notes = list(assistant.index.notes())
    first = plant(notes, limit=80)
    assert plant(notes, limit=80) == first
    assert plant(notes, limit=80, seed=8) != first
    kinds = {one.kind: one.is_true for one in first}
    assert {"reworded", "number", "denied", "withheld"} <= kinds.keys()
    assert [kind for kind, is_true in kinds.items() if is_true and kind != "definition"] == [
        "reworded"
    ]
    texts = "\n".join(note.text for note in notes)
    assert all(one.claim not in texts for one in first if not one.is_true)
    by_path = {note.path: note.text for note in notes}
    assert all(one.end <= len(by_path[one.note]) for one in first)


def test_false_claims_are_supported_less_often_than_true_ones(assistant: Assistant) -> None:
    result, at = evaluate(assistant, rate=0.05, limit=44, seed=7)
    assert SHIPPED <= at.support < 1
    assert at.false_support < at.true_support
    assert result["n"] == at.n_false + at.n_true
    assert result["metrics"][f"false support, proposed ({at.support:g})"][0] == at.false_support
    assert all(0 <= share <= 1 for row in result["curve"].values() for share in row)


def test_the_check_uses_a_calibration_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes, index = tmp_path / "notes", tmp_path / "index"
    notes.mkdir()
    (notes / "a.md").write_text("# LRU\n\nLRU 淘汰最久没用的页。\n", encoding="utf-8")
    typed = ["--notes", str(notes), "--index", str(index), "--json"]
    assert main(["check", "LRU 淘汰最久没用的页。", *typed]) == 0
    before = capsys.readouterr()
    assert "0.91" not in before.err
    write(index, made())
    assert main(["check", "LRU 淘汰最久没用的页。", *typed]) == 0
    after = capsys.readouterr()
    assert json.loads(after.out) == json.loads(before.out)
    assert "0.91" in after.err
    with Assistant.open(notes, index) as opened:
        assert opened.support == 0.91
    assert main(["index", str(notes), "--index", str(index), "--status"]) == 0
    assert "0.91" in capsys.readouterr().out
    config = load_config(notes=notes, index=index)
    assert [one.level for one in Doctor(config, shipped=()).examined() if "0.91" in one.en] == [
        "sound"
    ]
    assert main(["eval", "calibrate", str(notes), "--index", str(index), "--unset"]) == 0
    with Assistant.open(notes, index) as opened:
        assert opened.support == SHIPPED


def test_a_calibration_of_other_models_or_a_damaged_one_is_not_used(tmp_path: Path) -> None:
    notes, index = tmp_path / "notes", tmp_path / "index"
    notes.mkdir()
    (notes / "a.md").write_text("# LRU\n\nLRU 淘汰最久没用的页。\n", encoding="utf-8")
    config = load_config(notes=notes, index=index)
    write(index, replace(made(), models="0" * 16))
    with Assistant.open(notes, index) as opened:
        opened.refresh()
        assert opened.support == SHIPPED
    codes = [one.code for one in Doctor(config, shipped=()).examined()]
    assert "check.stale" in codes
    (index / "calibration.json").write_text("{}", encoding="utf-8")
    with Assistant.open(notes, index) as opened:
        assert opened.support == SHIPPED
    doctor = Doctor(config, shipped=())
    assert "check.damaged" in [one.code for one in doctor.examined()]
    list(doctor.mended())
    assert calibration_of(index) is None


@pytest.mark.parametrize("typed", [["--rate", "1.5"], ["--set", "--unset"]])
def test_what_cannot_be_meant_is_a_usage_error(typed: list[str]) -> None:
    assert main(["eval", "calibrate", str(sample_notes()), *typed]) == 2
