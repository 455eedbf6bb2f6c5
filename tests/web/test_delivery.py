"""How the page travels."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest

from assistant.web.delivery import Delivery

PAGE = b"<html><head><title>youju</title></head>" + b"<p>words</p>" * 200 + b"</html>"
SEEN = PAGE.replace(b"<head>", b"<head><script>early()</script>", 1)


def delivered(path: str, accepted: str = "", *, status: int = 200) -> tuple[dict[str, str], bytes]:
    """Headers and body of what is sent for a request; the application sends in two pieces."""
    sent: list[Any] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        assert path != "/" or not any(name == b"accept-encoding" for name, _ in scope["headers"])
        headers = [(b"content-length", str(len(PAGE)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": PAGE[:100], "more_body": True})
        await send({"type": "http.response.body", "body": PAGE[100:]})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    headers = [(b"accept-encoding", accepted.encode())] if accepted else []
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers}
    asyncio.run(Delivery(behind, "early()")(scope, receive, send))
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return told, b"".join(message["body"] for message in sent[1:])


def test_the_page_is_packed_with_its_script_at_the_head() -> None:
    headers, body = delivered("/", "gzip, deflate, br, zstd")
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "accept-encoding"
    assert int(headers["content-length"]) == len(body) < len(PAGE) / 4
    assert gzip.decompress(body) == SEEN


@pytest.mark.parametrize("accepted", ["", "br", "identity", "gzip;q=0", "br, gzip; q=0.000"])
def test_a_client_that_cannot_unpack_gets_the_page_plain(accepted: str) -> None:
    headers, body = delivered("/", accepted)
    assert "content-encoding" not in headers
    assert body == SEEN
    assert int(headers["content-length"]) == len(SEEN)


def test_a_weight_above_zero_admits_gzip() -> None:
    assert delivered("/", "br;q=1.0, gzip;q=0.8")[0]["content-encoding"] == "gzip"


def test_a_part_named_by_its_content_is_kept_and_nothing_else() -> None:
    headers, body = delivered("/assets/index-DphvyggB.js", "br")
    assert "immutable" in headers["cache-control"]
    assert body == PAGE
    assert "cache-control" not in delivered("/assets/gone.js", status=404)[0]
    for path in ("/", "/config", "/gradio_api/queue/data", "/static/js/assets/x.js"):
        assert "cache-control" not in delivered(path)[0]
