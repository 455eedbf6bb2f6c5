"""What is settled before Gradio is imported."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from assistant.web.environment import (
    free_port,
    is_loopback,
    prepare,
    private_folder,
    refuse_foreign_settings,
    without_socks_proxies,
)
from corpus.errors import ConfigError


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRADIO_ANALYTICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY", "GRADIO_TEMP_DIR"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "intranet.example")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRADIO_SHARE", "True"),
        ("GRADIO_SHARE", "1"),
        ("GRADIO_MCP_SERVER", "true"),
        ("GRADIO_SERVER_NAME", "0.0.0.0"),
        ("GRADIO_ALLOWED_PATHS", "/"),
    ],
)
def test_a_setting_that_opens_the_notes_is_refused_in_one_line(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"unset {name}") as caught:
        refuse_foreign_settings()
    assert "\n" not in str(caught.value)


def test_harmless_settings_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SHARE", "False")
    monkeypatch.setenv("GRADIO_SERVER_NAME", "127.0.0.1")
    refuse_foreign_settings()


def test_preparing_turns_off_analytics_and_keeps_loopback_off_proxies(tmp_path: Path) -> None:
    prepare(tmp_path)
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert os.environ["NO_PROXY"].split(",") == [
        "intranet.example",
        "localhost",
        "127.0.0.1",
        "::1",
    ]
    temp = Path(os.environ["GRADIO_TEMP_DIR"])
    assert stat.S_IMODE(temp.stat().st_mode) == 0o700
    prepare(tmp_path)
    assert os.environ["NO_PROXY"].count("localhost") == 1


def test_a_folder_that_cannot_be_made_becomes_a_temporary_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    folder = private_folder(file / "below")
    assert folder.is_dir()
    assert not folder.is_relative_to(tmp_path)
    folder.rmdir()


def test_a_socks_proxy_is_hidden_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    with without_socks_proxies():
        assert "ALL_PROXY" not in os.environ
    assert os.environ["ALL_PROXY"] == "socks5://127.0.0.1:1080"


def test_a_named_port_in_use_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ConfigError, match=f"Port {port} is in use"):
            free_port("127.0.0.1", port)


def test_without_a_name_the_first_free_port_is_taken() -> None:
    first = free_port("127.0.0.1", None)
    assert 7860 <= first < 7960
    with socket.create_server(("127.0.0.1", first)):
        assert free_port("127.0.0.1", None) > first


@pytest.mark.parametrize("port", [70000, -1])
def test_an_impossible_port_is_told_in_one_line(port: int) -> None:
    with pytest.raises(ConfigError, match=str(port)):
        free_port("127.0.0.1", port)


def test_a_host_that_is_unknown_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ConfigError, match=r"Cannot listen on nowhere:7860: .*not known"):
        free_port("nowhere", 7860)


def test_loopback_is_known_by_name_and_number() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "example.invalid", "", "192.168.0.2")))
