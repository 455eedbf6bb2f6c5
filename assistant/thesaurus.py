"""Words and short phrases that stand for each other, and those that say the opposite.

`data/thesaurus.txt` was written for this project: one group a line, members separated by `|`, both
languages mixed, the opposite group behind ` ~ `. Its members are in the normal form of
`corpus.tokens` (`eval.training.thesaurus` puts them there, from the file as written): an English
phrase joins the stems of its words by one blank. Knows words, not sentences; read by `lexicon` and
`alignment`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

__all__ = ["contraries", "kin", "members", "members_with", "read_all"]

_SIDES, _MEMBERS = " ~ ", "|"
_END = f"{_MEMBERS}\n"  # of a line, as it is looked through
_PAYS = 150  # words looked for in the text that cost as much as the dict


class _Table:
    """The groups, and in which of them each member stands; a line is cut when it is asked for.

    One question asks for some fifty words: those are looked for in the text, which takes half a
    millisecond each. Reading all lines into a dict takes as long as 150 of them, so that is done
    once that many have been asked for.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        sides = text.replace(_SIDES, f"{_MEMBERS}~{_MEMBERS}")
        self._text = f"{_MEMBERS}{sides}{_MEMBERS}".replace("\n", f"{_MEMBERS}\n{_MEMBERS}")
        self._left = _PAYS
        self._at: dict[str, list[int]] | None = None

    @property
    def at(self) -> dict[str, list[int]]:
        """The lines in which each member stands, on either side."""
        if self._at is None:
            found: dict[str, list[int]] = {}
            place = found.setdefault
            for i, line in enumerate(self._lines):
                for member in line.replace(_SIDES, _MEMBERS).split(_MEMBERS):
                    place(member, []).append(i)
            self._at = found
        return self._at

    def with_letters(self, letters: Iterable[str]) -> set[str]:
        """The members that hold one of these letters."""
        found, text = set(), self._text
        for letter in letters:
            at = text.find(letter)
            while at >= 0:
                end = text.find(_MEMBERS, at)
                end = end if end >= 0 else len(text)
                found.add(text[text.rfind(_MEMBERS, 0, at) + 1 : end])
                at = text.find(letter, end)
        return found

    def _lines_of(self, word: str) -> list[str]:
        """The lines in which a member stands."""
        self._left -= 1
        if self._at is not None or self._left < 0:
            return [self._lines[i] for i in self.at.get(word, ())]
        if not word or word in "~\n" or _MEMBERS in word:
            return []
        found, text, sought = [], self._text, f"{_MEMBERS}{word}{_MEMBERS}"
        at = text.find(sought)
        while at >= 0:
            end = text.find(_END, at)
            end = end if end >= 0 else len(text) - len(_MEMBERS)
            line = text[text.rfind("\n", 0, at) + 2 : end]
            found.append(line.replace(f"{_MEMBERS}~{_MEMBERS}", _SIDES))
            at = text.find(sought, end)
        return found

    def around(self, word: str) -> tuple[set[str], set[str]]:
        """What stands on the sides of a word, and what faces it."""
        beside: set[str] = set()
        facing: set[str] = set()
        for line in self._lines_of(word):
            sides = [side.split(_MEMBERS) for side in line.split(_SIDES)]
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


def read_all() -> None:
    """Read all groups into memory, which pays for who asks more than a question."""
    _ = _table().at


def members() -> frozenset[str]:
    """All words and phrases of the thesaurus, in normal form."""
    return frozenset(_table().at)


def members_with(letters: Iterable[str]) -> set[str]:
    """The words and phrases that hold one of these letters."""
    return _table().with_letters(letters)


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
