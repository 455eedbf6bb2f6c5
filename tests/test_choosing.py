from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant import choosing
from assistant.config import Config, load_config
from assistant.endpoint import Endpoint, Remote, is_loopback
from corpus.errors import ConfigError
from eval.scripted_server import Reply, ScriptedServer


def config(**given: Any) -> Config:
    return Config(notes=Path("n"), index=Path("i"), **given)


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A local server that lists a model, where Ollama is looked for."""
    with ScriptedServer(lambda _: Reply()) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.base_url.removesuffix("/v1"))
        yield server


def never(model: str) -> bool:
    raise AssertionError(f"asked about {model}")


def test_by_default_there_is_no_model_and_no_port_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "local_models", lambda: never("probed"))
    assert choosing.chat_model(config()) is None


def test_a_named_endpoint_is_taken_without_asking(ollama: ScriptedServer) -> None:
    named = config(base_url="http://192.0.2.1/v1", model="m", api_key="k", timeout=9.0)
    found = choosing.chat_model(named, ask=never)
    assert found is not None
    assert found.endpoint == Endpoint(
        base_url="http://192.0.2.1/v1", model="m", api_key="k", timeout_s=9.0
    )
    assert "k'" not in repr(found.endpoint)
    assert "api_key" not in repr(named)


def test_a_local_ollama_is_asked_about_once_and_the_answer_kept(ollama: ScriptedServer) -> None:
    asked: list[str] = []

    def refuse(model: str) -> bool:
        asked.append(model)
        return False

    assert choosing.chat_model(config(), ask=refuse) is None
    assert choosing.chat_model(config(), ask=never) is None
    assert asked == ["scripted"]
    found = choosing.chat_model(config(), agree=True, ask=never)
    assert found is not None
    assert (found.name, found.endpoint.base_url) == ("scripted", ollama.base_url)
    again = choosing.chat_model(config(model="other"))
    assert isinstance(again, Remote)
    assert again.name == "other"
    assert choosing.chat_model(config(), agree=False) is None


def test_an_ollama_beyond_this_machine_is_not_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "192.0.2.1:11434")
    assert choosing._address() == choosing.OLLAMA


def test_a_damaged_record_counts_as_never_asked(youju_home: Path) -> None:
    (youju_home / "consent.json").write_text("[1]", "utf-8")
    assert choosing.agreed() is None
    (youju_home / "consent.json").write_text(json.dumps({"ollama": "yes"}), "utf-8")
    assert choosing.agreed() is None


def test_what_is_named_by_half_is_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match="Where does m answer"):
        choosing.chat_model(config(model="m"))
    with pytest.raises(ConfigError, match="with which model"):
        choosing.chat_model(config(base_url="http://127.0.0.1:1/v1"))
    with pytest.raises(ConfigError, match="--judge needs a chat model"):
        choosing.chat_model(config(), required=True)
    with pytest.raises(ConfigError, match="must look like"):
        choosing.chat_model(config(base_url="localhost:80", model="m"))


def test_the_model_is_named_by_flag_environment_and_file_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        'model = "f"\nbase_url = "http://f/v1"\ntimeout = 7\ncontext = "2048"\n', "utf-8"
    )
    found = load_config(file=file)
    assert (found.model, found.base_url) == ("f", "http://f/v1")
    assert (found.timeout, found.context) == (7.0, 2048)
    monkeypatch.setenv("YOUJU_LLM_MODEL", "e")
    monkeypatch.setenv("YOUJU_LLM_BASE_URL", "http://e/v1")
    monkeypatch.setenv("YOUJU_LLM_API_KEY", "secret")
    assert load_config(file=file).model == "e"
    given = load_config(file=file, model="g", base_url="http://g/v1")
    assert (given.model, given.base_url, given.api_key) == ("g", "http://g/v1", "secret")
    apart = load_config(file=file, model="extractive")
    assert (apart.model, apart.extractive) == ("e", True)


@pytest.mark.parametrize(
    ("url", "here"),
    [("http://127.0.0.1:1/v1", True), ("http://localhost/v1", True), ("http://[::1]:8/v1", True),
     ("http://192.0.2.1/v1", False), ("https://127.0.0.1.example.com/v1", False)],
)  # fmt: skip
def test_loopback_is_told_by_the_whole_host(url: str, here: bool) -> None:
    assert is_loopback(url) is here
