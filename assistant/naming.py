"""Words that the dictionary lacks, but the notes or the person know.

A name such as 王小米 is cut into 王 and 小米 and would be found by its pieces. It is one word where
a title, heading, tag or alias of the notes holds it, or the person's own list of words does
(`words.txt` in the data folder, one a line): passages that hold it to the letter are preferred.
Learned when asked, so notes need not be indexed again when a title changes. Knows words and
passages, not ranks. Called by `retrieval`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from corpus.places import data_home
from corpus.protocol import Snapshot
from corpus.text import fold
from corpus.tokens import Token, tokens

__all__ = ["WORDS_FILE", "held_names", "own_words"]

WORDS_FILE = "words.txt"
_LONGEST = 8  # ideographs of a name
_MAX_PIECES = 4
_MAX_WORDS = 12  # of one query
_FEW = 60  # passages whose headings are looked through
_COMMON = 400  # passages that hold all ideographs of a word, beyond which it tells little


def held_names(now: Snapshot, query: str) -> dict[int, float]:
    """What the names of a query add to the lexical score of passages that hold them.

    Returns:
        Weight per chunk id: the sum of ln((N + 1) / df) over the names it holds.
    """
    own = own_words()
    plain = fold(query)
    said = [word for word in own if word in plain]
    found: dict[int, float] = {}
    taken: list[str] = []
    for word in dict.fromkeys([*said, *_unknown(query)][:_MAX_WORDS]):
        if any(word in longer for longer in taken):
            continue  # a part of a name is not one beside it
        is_known = word in said or _is_name(now, word)
        ids = now.holding(word, at_most=_COMMON) if is_known else []
        if ids:
            taken.append(word)
            weight = math.log((now.n_chunks + 1) / len(ids))
            for id_ in ids:
                found[id_] = found.get(id_, 0.0) + weight
    return found


def own_words() -> tuple[str, ...]:
    """The person's own words, folded, longest first; none where there is no list."""
    path = data_home() / WORDS_FILE
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return ()
    return _read(path, changed)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    # a dictionary of jieba's form has a count and a tag behind the word
    words = {fold(line).split()[0] for line in lines if line.strip() and line[0] != "#"}
    return tuple(sorted(words, key=lambda word: (-len(word), word)))


def _unknown(query: str) -> Iterator[str]:
    """Runs of a query that the dictionary leaves in pieces, at least one of them a single one."""
    run: list[Token] = []
    for token in tokens(query):
        fits = token.kind == "han" and not token.is_stop
        if run and not (fits and run[-1].end == token.start):
            yield from _windows(run)
            run = []
        if fits:
            run.append(token)
    yield from _windows(run)


def _windows(run: list[Token]) -> Iterator[str]:
    """Neighbouring words of a run as one, the longest first."""
    for size in range(min(_MAX_PIECES, len(run)), 1, -1):
        for start in range(len(run) - size + 1):
            pieces = [token.text for token in run[start : start + size]]
            word = "".join(pieces)
            if len(word) <= _LONGEST and min(map(len, pieces)) == 1:
                yield word


def _is_name(now: Snapshot, word: str) -> bool:
    """Whether a title, alias, tag or heading holds the word."""
    return now.has_name(word) or now.has_heading(word, at_most=_FEW)
