"""Vaults of any size for the bench: paragraphs of the sample notes, recombined by a fixed seed.

Every paragraph carries numbers and names of its own, and two characters of every longer Chinese
phrase come from elsewhere, so that hardly a phrase is said twice: nobody gains by remembering what
he has cut, terms have the long tail that real notes have, and the encoder has to read each. Knows
no index.
"""

from __future__ import annotations

import json
import random
import re
from importlib.resources import files
from pathlib import Path

__all__ = ["CHUNKS_PER_NOTE", "queries", "write_notes", "write_vault"]

CHUNKS_PER_NOTE = 2.85  # measured; the sizes are stated by the chunks that were really made
_SEED = 20_261_124
_PHRASE = re.compile("[\u4e00-\u9fff]{4,}")
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
    writer = _Writer()
    n_notes = max(1, round(n_chunks / CHUNKS_PER_NOTE))
    for number in range(n_notes):
        _put(folder, number, writer.note(number, 3))
    return n_notes


def write_notes(folder: Path, n_notes: int, n_bytes: int) -> int:
    """Write so many notes of so many bytes together, each as long as the others.

    Args:
        folder: to be made.
        n_notes: notes wanted.
        n_bytes: of all notes together.

    Returns:
        Bytes written.
    """
    writer, written = _Writer(), 0
    for number in range(n_notes):
        wanted = n_bytes * (number + 1) // n_notes - written
        parts = [writer.note(number, 0)]
        while sum(len(part.encode("utf-8")) + 2 for part in parts) < wanted:
            parts.append(writer.section())
        written += _put(folder, number, "\n\n".join(parts))
    return written


def _put(folder: Path, number: int, text: str) -> int:
    place = folder / f"{number // 500:03d}"
    place.mkdir(parents=True, exist_ok=True)
    return (place / f"{number:06d}.md").write_bytes(f"{text}\n".encode())


class _Writer:
    """Notes, one after the other, always the same."""

    def __init__(self) -> None:
        self._draw = random.Random(_SEED)
        self._paragraphs = _paragraphs()
        phrases = sorted({found for part in self._paragraphs for found in _PHRASE.findall(part)})
        self._pairs: list[str] = [
            phrase[i : i + 2] for phrase in phrases for i in range(len(phrase) - 1)
        ]

    def note(self, number: int, n_sections: int) -> str:
        title = f"# {_name(self._draw)} {number}"
        return "\n\n".join([title, *(self.section() for _ in range(n_sections))])

    def section(self) -> str:
        draw = self._draw
        title = f"## {_name(draw)}"
        said = [_PHRASE.sub(self._varied, part) for part in draw.sample(self._paragraphs, 2)]
        mark = f"{_name(draw)} = {draw.randrange(10_000)}."
        numbered = re.sub(r"\d+", lambda _: str(draw.randrange(999)), said[0])
        return "\n\n".join([title, numbered, said[1] + mark])

    def _varied(self, found: re.Match[str]) -> str:
        phrase: str = found.group()
        at = self._draw.randrange(len(phrase) - 1)
        return phrase[:at] + self._draw.choice(self._pairs) + phrase[at + 2 :]


def queries(n: int) -> list[str]:
    """Questions written for the sample notes, Chinese and English, in a fixed order."""
    golden = Path(str(files("eval").joinpath("golden"))) / "sample_questions.jsonl"
    rows = [json.loads(line) for line in golden.read_text("utf-8").splitlines() if line.strip()]
    found = [row["question"] for row in rows if row.get("split") == "dev"]
    return [found[i % len(found)] for i in range(n)]
