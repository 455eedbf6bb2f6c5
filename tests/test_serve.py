"""A real server, `transformers serve`, over a tiny model made here: the protocol as spoken."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from assistant.endpoint import Endpoint, Remote
from assistant.pipeline import Assistant

NOTE = "# 量子鹅\n\n量子鹅的体重是 42 公斤。它的翼展是 3 米。\n"
TEMPLATE = (
    "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}:{% endif %}"
)


def tiny_model(folder: Path) -> str:
    """A Llama of a few thousand random weights with a tokenizer of single characters."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<pad>", "<s>", "</s>", "<unk>", *dict.fromkeys(NOTE)]
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    inner.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        unk_token="<unk>", model_max_length=4096,
    )  # fmt: skip
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=4096,
        pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Base URL and name of the model, or a skip where the server does not start."""
    if find_spec("accelerate") is None:
        pytest.skip("transformers serve needs accelerate: pip install 'youju[train]'")
    model = tiny_model(tmp_path / "model")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["-m", "transformers.cli.transformers", "serve", model, "--host", "127.0.0.1"]
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, *command, "--port", str(port), "--device", "cpu"],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")},
    )
    try:
        deadline = time.monotonic() + 200
        while process.poll() is None and time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                break
            except OSError:
                time.sleep(1)
        else:
            log.flush()
            said = (tmp_path / "log").read_text("utf-8", "replace")[-300:]
            pytest.skip(f"transformers serve does not start here: {said}")
        yield f"http://127.0.0.1:{port}/v1", model
    finally:
        process.terminate()
        process.wait(30)
        log.close()


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_what_a_real_server_streams_is_read_and_judged(
    served: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text(NOTE, "utf-8")
    url, name = served
    chat = Remote(Endpoint(base_url=url, model=name, timeout_s=120, context=1024))
    pieces = list(chat.stream([{"role": "user", "content": "量子鹅的体重是多少?"}], max_tokens=400))
    assert len(pieces) > 1
    assert set("".join(pieces)) <= set(NOTE) | set("<pad></s><unk>")
    with Assistant.open(tmp_path / "notes", tmp_path / "index", chat=chat) as opened:
        opened.refresh()
        answer = opened.ask("量子鹅的体重是多少?")
    # random weights say nothing true: what is shown is flagged, or the notes answer instead
    assert not answer.abstained
    assert answer.reason
    assert "42 公斤" in answer.text
    assert any("42 公斤" in c.quote for c in answer.citations)
