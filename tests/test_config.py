from __future__ import annotations

from pathlib import Path

import pytest

from assistant.config import Config, load_config, sample_notes
from corpus.errors import ConfigError
from corpus.places import index_folder, remember_notes


def test_without_settings_the_sample_notes_are_read() -> None:
    config = load_config()
    assert config == Config(notes=sample_notes(), index=index_folder(sample_notes()))
    assert len(list(sample_notes().glob("*.md"))) >= 24


def test_settings_are_taken_from_flag_environment_file_and_memory_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "youju.toml"
    file.write_text('notes = "in file"\nencoder = "e"\n', encoding="utf-8")
    remember_notes(tmp_path / "last")
    assert load_config().notes == (tmp_path / "last").resolve()
    assert load_config(file=file).notes == tmp_path / "in file"
    monkeypatch.setenv("YOUJU_NOTES", str(tmp_path / "environment"))
    assert load_config(file=file).notes == tmp_path / "environment"
    assert load_config(file=file, notes=tmp_path / "flag").notes == tmp_path / "flag"
    assert load_config(file=file).encoder == "e"
    assert load_config(file=file, encoder="flag").encoder == "flag"


def test_the_file_can_be_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "youju.toml").write_text("index = 'here'\n", encoding="utf-8")
    monkeypatch.setenv("YOUJU_CONFIG", str(tmp_path / "youju.toml"))
    assert load_config().index == tmp_path / "here"
    assert load_config(index=tmp_path / "flag").index == tmp_path / "flag"


def test_the_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert load_config(notes=Path("~/notes")).notes == tmp_path / "notes"
    (tmp_path / "youju.toml").write_text("notes = '~/n'\n", encoding="utf-8")
    assert load_config(file=Path("~/youju.toml")).notes == tmp_path / "n"


@pytest.mark.parametrize(
    ("text", "said"),
    [("notes =", "not valid TOML"),
     ("api_key = 'sk-1'", "a key does not belong in a file. Set YOUJU_LLM_API_KEY"),
     ("speed = 'x'", "'speed'; known: base_url, context, device, encoder, hard_links"),
     ("notes = 3", "notes must be a text in quotes, got 3"), ("[notes]\na = 1", "must be a text")],
)  # fmt: skip
def test_a_faulty_file_is_refused_with_the_setting_and_its_value(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "youju.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_config(file=tmp_path / "youju.toml")


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    for file in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ConfigError, match="Cannot read"):
            load_config(file=file)
