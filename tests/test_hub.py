"""Models that are named: read from this machine without asking the hub, or told in one line."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from corpus.errors import ModelError
from corpus.hub import load_model

NAME = "somebody/some-model"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What a stand-in for sentence-transformers was asked to load, in order."""
    asked: list[tuple[str, dict[str, Any]]] = []

    class SentenceTransformer:
        def __init__(self, name: str, **options: Any) -> None:
            asked.append((name, options))
            if (Path(name) / "broken").exists():
                raise OSError("broken\nin many lines")

    stand_in = types.ModuleType("sentence_transformers")
    stand_in.SentenceTransformer = SentenceTransformer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", stand_in)
    return asked


def test_a_hub_out_of_reach_is_told_at_once_and_nothing_heavy_is_loaded(
    made: list[tuple[str, dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # "discard": nobody listens
    with pytest.raises(ModelError, match=r"somebody/some-model.*out of reach.*leave --nli out"):
        load_model("SentenceTransformer", NAME, option="--nli")
    assert made == []
    assert (capsys.readouterr(), caplog.records) == (("", ""), [])


def test_a_downloaded_model_is_read_without_the_hub(
    made: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE"):
        load_model("SentenceTransformer", NAME, option="--encoder")
    held = tmp_path / "models--somebody--some-model"
    (held / "refs").mkdir(parents=True)
    (held / "refs" / "main").write_text("0" * 40)
    (held / "snapshots" / ("0" * 40)).mkdir(parents=True)
    (held / "snapshots" / ("0" * 40) / "modules.json").write_text("[]")
    assert load_model("SentenceTransformer", NAME, option="--encoder", device="cpu")
    assert made == [(NAME, {"device": "cpu", "local_files_only": True})]


def test_a_folder_is_read_as_it_is_and_its_fault_is_one_line(
    made: list[tuple[str, dict[str, Any]]], tmp_path: Path
) -> None:
    assert load_model("SentenceTransformer", str(tmp_path), option="--encoder")
    (tmp_path / "broken").touch()
    with pytest.raises(ModelError, match=r"\(broken\).*leave --encoder out$"):
        load_model("SentenceTransformer", str(tmp_path), option="--encoder")
    assert made == [(str(tmp_path), {})] * 2


@pytest.mark.parametrize("name", ["", "no such place/at all/here", "../models", "名字"])
def test_what_is_no_name_of_a_model_is_told_too(
    made: list[tuple[str, dict[str, Any]]], name: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="is not on this machine"):
        load_model("SentenceTransformer", name, option="--encoder")
    assert made == []
