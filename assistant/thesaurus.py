"""Words and short phrases that stand for each other, and those that say the opposite.

`data/thesaurus.txt` was written for this project: one group a line, members separated by `|`, both
languages mixed, the opposite group behind ` ~ `. Its members are in the normal form of
`corpus.tokens` (`eval.training.thesaurus` puts them there, from the file as written): an English
phrase joins the stems of its words by one blank. Knows words, not sentences; read by `lexicon` and
`alignment`.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

__all__ = ["contraries", "kin", "members"]

_SIDES, _MEMBERS = " ~ ", "|"


class _Table:
    """The groups, and in which of them each member stands; a line is cut when it is asked for.

    Attributes:
        at: the lines in which a member stands, on either side.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self.at: dict[str, list[int]] = {}
        place = self.at.setdefault
        for i, line in enumerate(self._lines):
            for member in line.replace(_SIDES, _MEMBERS).split(_MEMBERS):
                place(member, []).append(i)

    def around(self, word: str) -> tuple[set[str], set[str]]:
        """What stands on the sides of a word, and what faces it."""
        beside: set[str] = set()
        facing: set[str] = set()
        for i in self.at.get(word, ()):
            sides = [side.split(_MEMBERS) for side in self._lines[i].split(_SIDES)]
            if word in sides[0]:
                beside.update(sides[0])
                facing.update(*sides[1:])
            else:  # what faces a group need not be alike
                facing.update(sides[0])
        return beside, facing


@lru_cache(maxsize=1)
def _table() -> _Table:
    path = files("assistant").joinpath("data/thesaurus.txt")
    return _Table(path.read_text(encoding="utf-8"))


def members() -> frozenset[str]:
    """All words and phrases of the thesaurus, in normal form."""
    return frozenset(_table().at)


@lru_cache(maxsize=16_384)
def kin(word: str) -> frozenset[str]:
    """Words and phrases that may stand for one in a statement, in normal form.

    Args:
        word: in normal form.

    Returns:
        All members of its groups but itself; what another group calls its opposite is left out.
        Not transitive: a word has several senses.
    """
    beside, facing = _table().around(word)
    return frozenset(beside - {word} - facing)


@lru_cache(maxsize=16_384)
def contraries(word: str) -> frozenset[str]:
    """Words and phrases that say the opposite of one, in normal form.

    What stands for the word in another of its senses is left out.
    """
    beside, facing = _table().around(word)
    return frozenset(facing - beside)
