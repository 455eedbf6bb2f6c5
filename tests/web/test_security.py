"""The guard in front of the page."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from assistant.web.security import Guard, allowed_host

OWN = "127.0.0.1:7860"


async def _behind(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/html"), (b"x-content-type-options", b"sniff")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"page"})


def asked(headers: dict[str, str], method: str = "GET", kind: str = "http") -> list[Any]:
    """Messages that the guard sends for a request."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": kind, "method": method, "path": "/", "headers": pairs}
    asyncio.run(Guard(_behind, "127.0.0.1")(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7860",
        "",
        "127.0.0.1.evil.example",
        "[",
        "localhost@evil.example",
    ],
)
def test_a_foreign_host_name_is_refused(host: str) -> None:
    assert asked({"host": host})[0]["status"] == 400


@pytest.mark.parametrize("host", [OWN, "localhost:7860", "[::1]:7860", "LOCALHOST"])
def test_this_machine_is_let_in(host: str) -> None:
    assert asked({"host": host})[0]["status"] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_another_page_is_refused(origin: str, method: str) -> None:
    assert asked({"host": OWN, "origin": origin}, method)[0]["status"] == 403


@pytest.mark.parametrize("origins", [("http://evil.example", OWN), (OWN, "http://evil.example")])
def test_one_foreign_origin_of_two_is_refused(origins: tuple[str, str]) -> None:
    scope = {
        "type": "http", "method": "POST", "path": "/",
        "headers": [(b"host", OWN.encode())]
        + [(b"origin", f"http://{one.removeprefix('http://')}".encode()) for one in origins],
    }  # fmt: skip
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Guard(_behind, "127.0.0.1")(scope, lambda: None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 403


def test_a_form_of_another_site_is_refused_even_without_an_origin() -> None:
    headers = {"host": OWN, "sec-fetch-site": "cross-site"}
    assert asked(headers, "POST")[0]["status"] == 403
    assert asked(headers, "GET")[0]["status"] == 200  # a link to the page


def test_the_page_itself_may_speak() -> None:
    assert asked({"host": OWN, "origin": f"http://{OWN}"}, "POST")[0]["status"] == 200


def test_every_answer_forbids_loading_from_elsewhere() -> None:
    start = asked({"host": OWN})[0]
    headers = dict(start["headers"])
    policy = headers[b"content-security-policy"].decode()
    assert "connect-src 'self'" in policy
    assert "img-src 'self' data: blob:" in policy
    assert "http:" not in policy
    assert "https:" not in policy
    assert [value for name, value in start["headers"] if name == b"x-content-type-options"] == [
        b"nosniff"
    ]


def test_a_foreign_websocket_is_closed() -> None:
    assert asked({"host": "evil.example"}, kind="websocket")[0]["type"] == "websocket.close"


def test_a_network_address_lets_in_literal_addresses_but_no_domain() -> None:
    assert allowed_host("192.168.1.5:7860", "0.0.0.0")
    assert not allowed_host("evil.example", "0.0.0.0")
    assert not allowed_host("192.168.1.5", "127.0.0.1")
