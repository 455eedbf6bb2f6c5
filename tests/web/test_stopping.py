"""The page's process ends within seconds, however many answers are on their way."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.web.stopping import GRACE_S, LINE
from eval.scripted_server import Reply, ScriptedServer
from tests.endurance.load import asked
from tests.web.conftest import Served

_WAIT_S = 240.0  # a model says nothing for so long: far longer than anything that is measured
N_CHATS = 12  # eight are answered at once, the others wait


@pytest.fixture
def model() -> Iterator[ScriptedServer]:
    """A model that is asked and does not answer."""
    with ScriptedServer(lambda _: Reply(text="…", wait_s=_WAIT_S)) as server:
        yield server


def begun(folder: Path, model: ScriptedServer) -> tuple[Served, float]:
    """A page, every answer of which waits for the model, and the seconds it took to start."""
    (folder / "notes").mkdir()
    (folder / "notes" / "a.md").write_text("# 量子鹅\n\n量子鹅的体重是 42 公斤。\n", "utf-8")
    at = time.monotonic()
    page = Served(
        folder,
        real=True,
        env={
            "YOUJU_NOTES": str(folder / "notes"),
            "YOUJU_LLM_BASE_URL": model.base_url,
            "YOUJU_LLM_MODEL": "silent",
            "YOUJU_LLM_TIMEOUT": str(_WAIT_S),
        },
    )
    took = time.monotonic() - at
    for _ in range(N_CHATS):
        threading.Thread(
            target=asked, args=(page.url.rstrip("/"), "量子鹅的体重是多少?"), daemon=True
        ).start()
    deadline = time.monotonic() + 60
    while len(model.requests) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(model.requests) >= 2, "no answer is on its way"
    return page, took


@pytest.mark.parametrize(
    "how", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_row_27_a_page_at_work_is_stopped_within_seconds_and_says_so(
    tmp_path: Path, model: ScriptedServer, restarted: list[Served], how: signal.Signals
) -> None:
    page, starting = begun(tmp_path, model)
    restarted.append(page)
    at = time.monotonic()
    status, out = page.stop(how)
    # leaving takes less than starting did, on a machine as busy as it is now
    assert time.monotonic() - at < GRACE_S + starting
    assert (status, out) == (0, "")
    assert [line.strip() for line in page.said].count(LINE) == 1
    assert not any("Traceback" in line for line in page.said), page.said


@pytest.mark.slow
def test_row_27_a_second_signal_ends_a_page_at_once(
    tmp_path: Path, model: ScriptedServer, restarted: list[Served]
) -> None:
    page, starting = begun(tmp_path, model)
    restarted.append(page)
    page.tell(signal.SIGINT)
    while not any(LINE in line for line in page.said):
        time.sleep(0.01)
    at = time.monotonic()
    status, _ = page.stop(signal.SIGTERM)
    assert time.monotonic() - at < min(GRACE_S, starting)
    assert status == 1
    assert page.said[-1] == "youju: stopped at once\n"
