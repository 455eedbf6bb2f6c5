"""The table of costs measured once more: ratios to the floor and to the peers beside the committed.

Called by `eval.figures --rerun`. Times of two machines, or of two hours of one, say little; ratios
within one run say what the table is there to say. Knows result files of `eval.bench`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["again", "ratios", "table"]

REPO = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).parent / "results"
# What is compared with what: a system and a figure of it over those of another.
_RATIOS = (
    ("index build, youju / floor", "youju", "floor", "build_cpu_s"),
    ("index build, LlamaIndex / youju", "LlamaIndex", "youju", "build_cpu_s"),
    ("query, youju fused / floor", "youju, fused", "floor", "query_cpu_ms"),
    ("query, youju / floor", "youju", "floor", "query_cpu_ms"),
    ("query, txtai / youju fused", "txtai", "youju, fused", "query_cpu_ms"),
    ("query, LlamaIndex + FAISS / youju fused", "LlamaIndex + FAISS", "youju, fused",
     "query_cpu_ms"),
    ("query, LangChain / youju fused", "LangChain", "youju, fused", "query_cpu_ms"),
    ("query, Haystack / youju fused", "Haystack", "youju, fused", "query_cpu_ms"),
)  # fmt: skip


def ratios(result: dict[str, Any]) -> dict[tuple[str, str], float]:
    """Each ratio by number of passages and name, where both figures are there."""
    out = {}
    for size, systems in result["sizes"].items():
        for name, upper, lower, figure in _RATIOS:
            up, down = (systems.get(one, {}).get(figure) for one in (upper, lower))
            if up is not None and down:
                out[size, name] = up / down
    return out


def table(committed: dict[str, Any], now: dict[str, Any]) -> str:
    """Both results' ratios as Markdown; a dash where one of them has none."""
    before, after = ratios(committed), ratios(now)
    lines = ["| passages | ratio of CPU times | committed | now |", "|---|---|---|---|"]
    for key in dict.fromkeys([*before, *after]):
        cells = (f"{found[key]:.2f}" if key in found else "–" for found in (before, after))
        lines.append(f"| {key[0]} | {key[1]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def again(out: Path, *, quick: bool) -> str:
    """Run the bench beside the committed results, and compare.

    Args:
        out: where its result is kept.
        quick: only the smallest size, once.

    Returns:
        Markdown, or one line why there is none.
    """
    kept = sorted(RESULTS.glob("bench-*.json"))
    if not kept:
        return "bench: there is no committed result"
    words = ["--sizes", "1000", "--runs", "1", "--queries", "20"] if quick else []
    peers = (REPO / "build" / "bench-venv").is_dir()
    if not peers:
        words.append("--without-peers")
    command = [sys.executable, "-m", "eval.bench", *words, "--out", str(out)]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    made = sorted(out.glob("bench-*.json"), key=lambda path: path.stat().st_mtime)
    if done.returncode or not made:
        return f"bench failed: {(done.stderr.strip() or 'it said nothing').splitlines()[-1]}"
    before, now = (json.loads(path.read_text(encoding="utf-8")) for path in (kept[-1], made[-1]))
    left = "" if peers else "\n\nPeers were left out: `make bench` makes their environment."
    return table(before, now) + left
