"""Words and short phrases that stand for each other, and those that say the opposite.

`data/thesaurus.txt` was written for this project: one group a line, members separated by `/`, both
languages mixed, the opposite group behind ` ~ `. Members are kept in the normal form of
`corpus.tokens`: an English phrase joins the stems of its words by one blank. Knows words, not
sentences; read by `lexicon` and `alignment`.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from corpus.text import fold, has_han
from corpus.tokens import stem

__all__ = ["contraries", "kin", "members", "normal"]

_SIDES, _MEMBERS = " ~ ", "/"


def normal(member: str) -> str:
    """The normal form of a word or phrase: `Gave up` is `gave up`, `步骤` itself."""
    return _normal(fold(member))


def _normal(folded: str) -> str:
    folded = folded.strip()
    if not folded.isascii() and has_han(folded):
        return folded
    return " ".join(map(stem, folded.split()))


class _Table:
    """The groups, and in which of them each member stands.

    Attributes:
        alike: per line, what may stand for each other.
        against: per line, what says the opposite of those; they need not be alike themselves.
        of: the lines in whose group a member stands.
        facing: the lines in whose opposite it stands.
    """

    def __init__(self, text: str) -> None:
        self.alike: list[tuple[str, ...]] = []
        self.against: list[tuple[str, ...]] = []
        self.of: dict[str, list[int]] = {}
        self.facing: dict[str, list[int]] = {}
        for line in fold(text).splitlines():  # all at once: a question waits for it
            if not line or line[0] == "#":
                continue
            group, _, contrary = line.partition(_SIDES)
            for side, every, where in (
                (group, self.alike, self.of),
                (contrary, self.against, self.facing),
            ):
                members = tuple(dict.fromkeys([_normal(m) for m in side.split(_MEMBERS) if m]))
                for member in members:
                    where.setdefault(member, []).append(len(every))
                every.append(members)


@lru_cache(maxsize=1)
def _table() -> _Table:
    path = files("assistant").joinpath("data/thesaurus.txt")
    return _Table(path.read_text(encoding="utf-8"))


def members() -> frozenset[str]:
    """All words and phrases of the thesaurus, in normal form."""
    table = _table()
    return frozenset(table.of.keys() | table.facing.keys())


@lru_cache(maxsize=16_384)
def kin(word: str) -> frozenset[str]:
    """Words and phrases that may stand for one in a statement, in normal form.

    Args:
        word: in normal form.

    Returns:
        All members of its groups but itself; what another group calls its opposite is left out.
        Not transitive: a word has several senses.
    """
    return frozenset(_group(word) - {word} - _facing(word))


@lru_cache(maxsize=16_384)
def contraries(word: str) -> frozenset[str]:
    """Words and phrases that say the opposite of one, in normal form.

    What stands for the word in another of its senses is left out.
    """
    return frozenset(_facing(word) - _group(word))


def _group(word: str) -> set[str]:
    table = _table()
    return {m for line in table.of.get(word, ()) for m in table.alike[line]}


def _facing(word: str) -> set[str]:
    table = _table()
    found = {m for line in table.of.get(word, ()) for m in table.against[line]}
    return found | {m for line in table.facing.get(word, ()) for m in table.alike[line]}
