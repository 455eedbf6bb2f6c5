"""Vaults of any size for the bench: paragraphs of the sample notes, recombined by a fixed seed.

Every paragraph carries numbers and names of its own, so that no two are the same, terms have the
long tail that real notes have, and the encoder has to read each. Knows no index.
"""

from __future__ import annotations

import json
import random
import re
from importlib.resources import files
from pathlib import Path

__all__ = ["CHUNKS_PER_NOTE", "queries", "write_vault"]

CHUNKS_PER_NOTE = 2.85  # measured; the sizes are stated by the chunks that were really made
_SEED = 20_261_124
_SYLLABLES = "ka mo ri ten sul ba xo ver nil pha qu dor za lim".split()


def _paragraphs() -> list[str]:
    texts = []
    for path in sorted(Path(str(files("corpus").joinpath("samples"))).rglob("*.md")):
        body = re.sub(
            r"^---\n.*?\n---\n|^```.*?^```", "", path.read_text("utf-8"), flags=re.S | re.M
        )
        texts += [part.strip() for part in body.split("\n\n")]
    return [part for part in texts if 40 <= len(part) <= 600 and not part.startswith(("#", "|"))]


def _name(draw: random.Random) -> str:
    return "".join(draw.choices(_SYLLABLES, k=3)) + str(draw.randrange(100))


def write_vault(folder: Path, n_chunks: int) -> int:
    """Write notes that are cut into about `n_chunks` passages.

    Args:
        folder: to be made.
        n_chunks: passages wanted.

    Returns:
        Number of notes written.
    """
    draw, paragraphs = random.Random(_SEED), _paragraphs()
    n_notes = max(1, round(n_chunks / CHUNKS_PER_NOTE))
    for number in range(n_notes):
        place = folder / f"{number // 500:03d}"
        place.mkdir(parents=True, exist_ok=True)
        parts = [f"# {_name(draw)} {number}"]
        for _ in range(3):
            title = f"## {_name(draw)}"
            said = draw.sample(paragraphs, 2)
            mark = f"{_name(draw)} = {draw.randrange(10_000)}."
            parts += [
                title,
                re.sub(r"\d+", lambda _: str(draw.randrange(999)), said[0]),
                said[1] + mark,
            ]
        (place / f"{number:06d}.md").write_text("\n\n".join(parts) + "\n", "utf-8")
    return n_notes


def queries(n: int) -> list[str]:
    """Questions written for the sample notes, Chinese and English, in a fixed order."""
    golden = Path(str(files("eval").joinpath("golden"))) / "sample_questions.jsonl"
    rows = [json.loads(line) for line in golden.read_text("utf-8").splitlines() if line.strip()]
    found = [row["question"] for row in rows if row.get("split") == "dev"]
    return [found[i % len(found)] for i in range(n)]
