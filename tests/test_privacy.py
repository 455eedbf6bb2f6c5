"""Nothing leaves the machine: the whole product in a network namespace without a network."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPO


def walls() -> list[str]:
    """What starts a command in a network namespace of its own, or skips the test."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("network namespaces are Linux's, and need unshare")
    for how in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if subprocess.run([*how, "true"], capture_output=True, check=False).returncode == 0:
            return how
    pytest.skip("this system lets nobody make a network namespace")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_product_works_without_a_network_and_reaches_for_none(tmp_path: Path) -> None:
    pytest.importorskip("mcp")
    done = subprocess.run(
        [*walls(), sys.executable, "-m", "tests.whole", str(tmp_path)],
        cwd=REPO, capture_output=True, text=True, timeout=580, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["interfaces"] == ["lo"]
    assert told["done"] == dict.fromkeys(("ask", "find", "check", "doctor", "mcp", "chat"), True)
    # connections and packets with nowhere to go, and look-ups of names
    assert set(told["counted"].values()) == {0}, told["counted"]
    # the kernel would have counted them
    assert told["after_an_attempt"]["IpOutNoRoutes"] > 0
