"""The page as Gradio serves it, and the server, without a browser."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from assistant.web import app
from assistant.web.texts import TEXTS
from corpus.errors import ConfigError
from tests.web.conftest import Served


def fetched(url: str, path: str, headers: dict[str, str] | None = None, body: Any = None) -> Any:
    """Status, headers and text of an answer of the server."""
    at = urlsplit(url)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=20)
    try:
        sent = None if body is None else json.dumps(body)
        given = {"content-type": "application/json", **(headers or {})}
        connection.request("POST" if sent else "GET", path, sent, given)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text
    finally:
        connection.close()


def test_the_page_names_no_address_but_its_own(served: Served) -> None:
    url = served.url
    status, headers, text = fetched(url, "/")
    assert status == 200
    assert "connect-src 'self'" in headers["content-security-policy"]
    named = set(re.findall(r"""(?:src|href)=["'](https?://[^"']+)""", text))
    assert not named


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/startup-events", "/theme.css"])
def test_every_route_refuses_a_foreign_host_and_origin(path: str, served: Served) -> None:
    url = served.url
    assert fetched(url, path, {"host": "evil.example"})[0] == 400
    assert fetched(url, path, {"origin": "http://evil.example"})[0] == 403


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/gradio_api/mcp/schema"])
def test_no_documentation_and_no_mcp_is_served(path: str, served: Served) -> None:
    url = served.url
    assert fetched(url, path)[0] in {404, 405}


def test_no_file_of_the_machine_is_served(served: Served) -> None:
    url = served.url
    for path in ("/etc/passwd", "notes/search-en.md", str(Path(app.__file__)), "../../etc/passwd"):
        assert fetched(url, f"/gradio_api/file={path}")[0] in {403, 404}


def test_ask_find_and_check_alone_are_a_public_interface(served: Served) -> None:
    info = json.loads(fetched(served.url, "/gradio_api/info")[2])
    assert set(info["named_endpoints"]) == {"/ask", "/find", "/check"}
    assert json.loads(fetched(served.url, "/config")[2])["analytics_enabled"] is False
    assert fetched(served.url, "/monitoring")[0] in {403, 404}


def test_the_panel_opens_nothing_that_was_not_shown(served: Served) -> None:
    url = served.url
    config = json.loads(fetched(url, "/config")[2])
    panel = next(
        part for part in config["components"] if part["props"].get("elem_id") == "yj-panel"
    )
    for name, ref in (("passage", "0" * 16 + "-c1"), ("copied", "../x"), ("passage", None)):
        body = {"data": ref, "component_id": panel["id"], "fn_name": name, "session_hash": "x"}
        status, _, text = fetched(url, "/gradio_api/component_server", body=body)
        assert (status, text) == (200, "null")
    template = panel["props"]["html_template"]
    assert "$" not in template
    assert "{{" not in template


def test_every_label_of_the_page_is_translated(served: Served) -> None:
    url = served.url
    config = json.loads(fetched(url, "/config")[2])
    keys = set(re.findall(r'"key": "([a-z._]+)"', str(config["components"])))
    assert keys
    assert keys <= TEXTS.keys()


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    folder = tmp_path / "web"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assistant: Any = None
        with pytest.raises(ConfigError, match="in use"):
            app.serve(assistant, port=port, data_dir=folder)
    assert not folder.exists()


def test_a_foreign_setting_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_SHARE", "True")
    assistant: Any = None
    with pytest.raises(ConfigError, match="unset GRADIO_SHARE"):
        app.serve(assistant, data_dir=tmp_path)


def test_a_first_visit_gets_the_page_packed(served: Served) -> None:
    at = urlsplit(served.url)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=20)
    try:
        connection.request("GET", "/", headers={"accept-encoding": "gzip, br"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    assert answer.getheader("content-encoding") == "gzip"
    assert len(body) < 60_000  # 283 kB as they are
    found = re.search(rb"assets/index-[\w-]+\.js", gzip.decompress(body))
    assert found
    assert "immutable" in fetched(served.url, f"/{found[0].decode()}")[1]["cache-control"]
