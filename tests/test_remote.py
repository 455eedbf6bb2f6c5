"""Models behind endpoints, over servers on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.cli import main
from assistant.crossing import load_reranker
from assistant.pipeline import Assistant
from assistant.types import Verdict
from corpus.encoder import load_encoder
from corpus.errors import ConfigError, ModelError
from corpus.remote import RemoteEncoder, RemoteReranker
from tests.fakes import HashingEncoder


class Server:
    """An endpoint whose faults are scripted: the statuses it gives before it serves."""

    def __init__(self) -> None:
        self.faults: list[int] = []
        self.requests: list[tuple[str, dict[str, Any], str]] = []
        self.delay_s = 0.0
        self.body: bytes | None = None
        self.url = ""
        self.inner = HashingEncoder()

    def reply(self, path: str, said: dict[str, Any]) -> Any:
        if path == "/embed":
            return self.inner.encode_queries(said["inputs"]).tolist()
        if path == "/v1/embeddings":
            vectors = self.inner.encode_queries(said["input"])
            rows = [{"index": n, "embedding": v.tolist()} for n, v in enumerate(vectors)]
            return {"data": rows[::-1]}  # the order is the index's business
        scores = [float(len(text)) for text in said.get("texts") or said["documents"]]
        if path == "/rerank":
            return [{"index": n, "score": s} for n, s in enumerate(scores)][::-1]
        return {"results": [{"index": n, "relevance_score": s} for n, s in enumerate(scores)]}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@contextmanager
def serving() -> Iterator[Server]:
    script = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["content-length"])))
            script.requests.append((self.path, said, self.headers.get("authorization", "")))
            time.sleep(script.delay_s)
            status = script.faults.pop(0) if script.faults else 200
            body = script.body if script.body is not None else b""
            if status == 200 and script.body is None:
                body = json.dumps(script.reply(self.path, said)).encode()
            try:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except ConnectionError:
                return

        def log_message(self, *args: Any) -> None:
            return

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    script.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    try:
        yield script
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join(5)


@pytest.mark.parametrize("suffix", ["#tei", "/v1#m"])
def test_texts_are_encoded_in_batches_and_in_their_order(server: Server, suffix: str) -> None:
    encoder = RemoteEncoder(server.url + suffix, batch_size=4, key="secret")
    texts = [f"text {n} 缓存" for n in range(10)]
    found = encoder.encode_passages(texts)
    np.testing.assert_allclose(found, server.inner.encode_queries(texts), atol=1e-6)
    assert encoder.dim == 64
    sizes = [len(said.get("inputs") or said["input"]) for _, said, _ in server.requests]
    assert sizes == [4, 4, 2]
    assert {key for _, _, key in server.requests} == {"Bearer secret"}


def test_a_busy_server_is_asked_again_after_growing_pauses(server: Server) -> None:
    pauses: list[float] = []
    encoder = RemoteEncoder(server.url + "#tei", sleep=pauses.append)
    server.faults = [503, 429, 500]
    assert encoder.encode_passages(["a b"]).shape == (1, 64)
    assert pauses == [0.5, 1.0, 2.0]


def test_a_refusal_is_final_and_a_server_that_stays_busy_is_given_up(server: Server) -> None:
    encoder = RemoteEncoder(server.url + "#tei", sleep=lambda _: None)
    server.faults = [401]
    with pytest.raises(ModelError, match="401"):
        encoder.encode_passages(["a"])
    assert len(server.requests) == 1
    server.faults = [503] * 99
    with pytest.raises(ModelError, match="503"):
        encoder.encode_passages(["a"])
    assert len(server.requests) == 1 + 5


def test_a_silent_server_costs_no_more_than_the_timeout(server: Server) -> None:
    server.delay_s = 5.0
    encoder = RemoteEncoder(server.url + "#tei", timeout_s=0.4)
    started = time.monotonic()
    with pytest.raises(ModelError, match="does not answer"):
        encoder.encode_queries(["a"])
    assert time.monotonic() - started < 2.5
    n_asked = len(server.requests)
    with pytest.raises(ModelError, match="a moment ago"):
        encoder.encode_queries(["b"])
    assert len(server.requests) == n_asked


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b"[[1.0], [1.0, 2.0]]", b'{"data": 3}', b"[[NaN]]", b'[["x"]]'],
)
def test_an_answer_of_another_kind_is_a_model_error(server: Server, body: bytes) -> None:
    server.body = body
    for suffix in ("#tei", "/v1#m"):
        with pytest.raises(ModelError, match="is it an endpoint"):
            RemoteEncoder(server.url + suffix).encode_passages(["a"])
    with pytest.raises(ModelError, match="is it an endpoint"):
        RemoteReranker(server.url + "#tei").scores("q", ["a", "b"])


@pytest.mark.parametrize("suffix", ["#tei", "/v1#m"])
def test_passages_are_scored_in_their_order(server: Server, suffix: str) -> None:
    reranker = RemoteReranker(server.url + suffix, batch_size=2)
    assert reranker.scores("q", ["aaa", "a", "aaaaa"]).tolist() == [3.0, 1.0, 5.0]
    assert reranker.scores("q", []).tolist() == []


def test_a_reranker_that_did_not_answer_is_left_alone_for_a_while(server: Server) -> None:
    reranker = RemoteReranker(server.url + "#tei", sleep=lambda _: None)
    server.faults = [401]
    with pytest.raises(ModelError, match="401"):
        reranker.scores("q", ["a"])
    with pytest.raises(ModelError, match="a moment ago"):
        reranker.scores("q", ["a"])
    assert len(server.requests) == 1


def test_a_reranker_named_by_an_address_is_not_asked_before_it_is_needed(server: Server) -> None:
    assert load_reranker(server.url).scores("q", []).tolist() == []
    assert not server.requests
    with pytest.raises(ConfigError):
        load_reranker("http://")


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:1", "https://x.invalid/v1"])
def test_an_address_without_host_or_model_is_told_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ConfigError):
        load_encoder(url)


def test_passages_are_still_found_when_the_models_are_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("corpus.remote._PAUSE_S", 0.0)
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("# Redis\n\nRedis 集群有六个节点。\n", "utf-8")
    (notes / "b.md").write_text("# Kafka\n\nKafka 有三个分区。\n", "utf-8")
    with (
        serving() as live,
        Assistant.open(
            notes, tmp_path / "i", encoder=live.url + "#tei", reranker=live.url + "#tei"
        ) as assistant,
    ):
        assistant.refresh()
        hit = assistant.find("Redis 集群")[0]
        assert hit.note.path == "a.md"
        assert hit.scores.cosine
        # the endpoint's own score, of title and passage
        assert hit.scores.rerank == float(len(f"Redis\n{hit.text}"))
        asked = "Redis 集群有几个节点?"
        assert "六个节点" in assistant.ask(asked).text
        (*_, sent) = (said["inputs"] for path, said, _ in live.requests if path == "/embed")
        assert sent == [asked]  # words alone are not sent
        url = live.url
    with Assistant.open(
        notes, tmp_path / "i", encoder=url + "#tei", reranker=url + "#tei"
    ) as assistant:
        assert assistant.refresh().is_noop
        (hit, *_) = assistant.find("Redis 集群")
        assert (hit.note.path, hit.scores.cosine) == ("a.md", 0.0)
        assert hit.scores.rerank is not None  # the built-in order
        answer = assistant.ask("Redis 集群有几个节点?")
        assert "六个节点" in answer.text
        assert [claim.verdict for claim in answer.claims] == [Verdict.SUPPORTED]
    (notes / "c.md").write_text("# Nats\n\nNats 有两个副本。\n", "utf-8")  # cannot be encoded now
    named = ["--notes", str(notes), "--index", str(tmp_path / "i")]
    assert main(["find", "Redis 集群", *named, "--encoder", url + "#tei"]) == 0
    said = capsys.readouterr()
    assert "a.md" in said.out
    assert "answering from the index as it is" in said.err
