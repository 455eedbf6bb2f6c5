"""Writes the thesaurus in the form that ships: `python -m eval.training.thesaurus`.

Reads `thesaurus.txt` beside this file (a group a line, see `assistant.thesaurus`), brings every
member into the normal form of `corpus.tokens`, drops members that become equal and lines that then
say nothing or what another line says, and writes `assistant/data/thesaurus.txt`. A question waits
for that file, so nothing is left to be done when it is read.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from corpus.text import fold, has_han
from corpus.tokens import stem

__all__ = ["main", "normal", "shipped"]

_SIDES, _MEMBERS = " ~ ", "|"


def normal(member: str) -> str:
    """The normal form of a word or phrase: `Gave up` is `gave up`, `步骤` itself."""
    folded = fold(member).strip()
    if has_han(folded):
        return folded
    return " ".join(map(stem, folded.split()))


def shipped(lines: Iterable[str]) -> Iterator[str]:
    """The lines that ship.

    Args:
        lines: as written; empty ones and those that begin with `#` are left out.

    Raises:
        ValueError: a line has more than two sides or an empty member.
    """
    seen: set[str] = set()
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        sides = [
            list(dict.fromkeys(normal(m) for m in side.split(_MEMBERS)))
            for side in line.split(_SIDES)
        ]
        if len(sides) > 2 or not all(m for side in sides for m in side):
            raise ValueError(f"no group, or two that face each other: {line!r}")
        if len(sides) == 2:
            sides[1] = [m for m in sides[1] if m not in sides[0]]
        said = _SIDES.join(_MEMBERS.join(side) for side in sides if side)
        if said not in seen and (len(sides[0]) > 1 or _SIDES in said):
            seen.add(said)
            yield said


def main() -> None:
    """Write the file that ships."""
    parser = argparse.ArgumentParser(description=__doc__)
    here = Path(str(files("eval").joinpath("training/thesaurus.txt")))
    parser.add_argument("--written", type=Path, default=here)
    default = Path(str(files("assistant").joinpath("data/thesaurus.txt")))
    parser.add_argument("--out", type=Path, default=default)
    args = parser.parse_args()
    lines = args.written.read_text(encoding="utf-8").splitlines()
    out = list(shipped(lines))
    args.out.write_text("\n".join(out) + "\n", encoding="utf-8")
    print(f"{len(out)} of {len(lines)} lines")


if __name__ == "__main__":
    main()
