"""The whole product where nothing but this machine can be reached: `python -m tests.whole DIR`.

To be started in a network namespace of its own (`unshare -n`). Brings its loopback up, runs every
verb as a person would, the page over HTTP and the tools over stdio included, and prints as JSON
what the kernel counted: packets and connections that had nowhere to go, and datagrams, of which a
look-up of a name would be one.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
QUESTION = "GQA 怎样缩小 KV cache？"
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def loopback_up() -> None:
    """Switch the loopback interface of this namespace on."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        asked = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack("16xH14x", fcntl.ioctl(sock, _SIOCGIFFLAGS, asked))
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def counted() -> dict[str, int]:
    """What the kernel has counted in this namespace."""
    found: dict[str, int] = {}
    rows = Path("/proc/self/net/snmp").read_text("ascii").splitlines()
    for names, values in zip(rows[::2], rows[1::2], strict=True):
        kind, _, rest = names.partition(": ")
        numbers = values.partition(": ")[2].split()
        found |= {f"{kind}{n}": int(v) for n, v in zip(rest.split(), numbers, strict=True)}
    for line in Path("/proc/self/net/snmp6").read_text("ascii").splitlines():
        name, value = line.split()
        found[name] = int(value)
    wanted = ("IpOutNoRoutes", "Ip6OutNoRoutes", "UdpOutDatagrams", "Udp6OutDatagrams")
    return {name: found.get(name, 0) for name in wanted}


def interfaces() -> list[str]:
    """Names of the network interfaces of this namespace."""
    return sorted(name for _, name in socket.if_nameindex())


def command(*argv: str, given: str = "") -> str:
    """What a command prints; it must end well."""
    done = subprocess.run(
        [sys.executable, "-m", "assistant", *argv],
        input=given, capture_output=True, text=True, timeout=200, cwd=REPO, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 3, 4):
        raise SystemExit(f"{argv}: {done.returncode} {done.stderr[-2000:]}")
    return done.stdout


def tools(notes: str) -> dict[str, Any]:
    """The answer of `youju mcp` to one call of `ask`."""
    asks = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize",
         "params": {"protocolVersion": "2025-06-18", "capabilities": {},
                    "clientInfo": {"name": "whole", "version": "1"}}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call",
         "params": {"name": "ask", "arguments": {"question": QUESTION}}},
    ]  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "assistant", "mcp", "--notes", notes],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPO,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        for ask in asks:
            process.stdin.write(json.dumps(ask) + "\n")
            process.stdin.flush()
        for line in process.stdout:
            reply = json.loads(line)
            if reply.get("id") == 2:
                process.stdin.close()
                return dict(reply["result"]["structuredContent"])
    raise SystemExit("the tools gave no answer")


def page(notes: str) -> dict[str, Any]:
    """The page loaded, with all it links to, and one question asked over HTTP."""
    with subprocess.Popen(
        [sys.executable, "-m", "assistant", "chat", "--notes", notes],
        stderr=subprocess.PIPE, text=True, cwd=REPO,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        said = next((line for line in process.stderr if line.startswith("http")), "")
        try:
            base = said.strip().rstrip("/")
            with urllib.request.urlopen(base, timeout=60) as response:
                markup = response.read().decode()
            for link in sorted(set(re.findall(r'(?:src|href)="(\.?/?assets/[^"]+)"', markup)))[:40]:
                with urllib.request.urlopen(f"{base}/{link.lstrip('./')}", timeout=60) as response:
                    response.read()
            asked = urllib.request.Request(
                f"{base}/gradio_api/call/v2/ask",
                json.dumps({"question": QUESTION}).encode(),
                {"content-type": "application/json"},
            )
            with urllib.request.urlopen(asked, timeout=60) as response:
                event = json.load(response)["event_id"]
            with urllib.request.urlopen(
                f"{base}/gradio_api/call/ask/{event}", timeout=60
            ) as answer:
                for line in answer.read().decode().splitlines():
                    if line.startswith("data: ["):
                        return dict(json.loads(line.removeprefix("data: "))[0])
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    raise SystemExit("the page gave no answer")


def main(folder: Path) -> int:
    """Run everything; prints the counts, and those after an attempt to leave."""
    loopback_up()
    os.environ["YOUJU_HOME"] = str(folder / "home")
    notes = str(REPO / "corpus" / "samples")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    command("index", notes)
    done = {
        "ask": json.loads(command("ask", QUESTION, "--json", "--notes", notes))["answer"],
        "find": len(json.loads(command("find", "KV cache", "--json", "--notes", notes))["hits"]),
        "check": json.loads(command("check", "GQA 有 8 组。", "--json", "--notes", notes))[
            "claims"
        ],
        "doctor": json.loads(command("doctor", notes, "--json"))["ok"],
        "mcp": tools(notes)["answer"],
        "chat": page(notes)["answer"],
    }
    before = counted()
    for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.settimeout(1)
                sock.connect((address, 443))
        except OSError:  # nowhere to go: that is what is to be counted
            continue
    told = {
        "interfaces": interfaces(),
        "counted": before,
        "after_an_attempt": counted(),
        "done": {name: bool(value) for name, value in done.items()},
    }
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
