"""Terms of the other language: what a Chinese word is called in English, and the other way round.

Learned from texts that exist in both languages by `eval.training.glossary`; the file holds one
Chinese term a line with its English partners and, for each, p(English | Chinese) and
p(Chinese | English) in hundredths. Terms are in the normal form of `corpus.tokens`; an English
term of several words joins their stems by one blank (`context length`), a Chinese one has none.
Knows words, not sentences: which sense is meant is for the caller to find out.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from itertools import pairwise

from corpus.text import has_han

__all__ = ["LONGEST", "expansions", "read_all", "translations"]

LONGEST = 4  # tokens in the longest term of several words
_PAYS = 100  # English terms looked for in the text that cost as much as the dict of all


@lru_cache(maxsize=1)
def _text() -> str:
    return files("corpus").joinpath("data/glossary.txt").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _by_chinese() -> dict[str, str]:
    """The partners of each Chinese term, as they are written."""
    lines = (line.split("\t", 1) for line in _text().splitlines() if line[0] != "#")
    return {term: partners for term, partners in lines}


@lru_cache(maxsize=1)
def _by_english() -> dict[str, str]:
    """The Chinese partners of each English term, joined by blanks; made when first needed."""
    english: dict[str, str] = {}
    for term, partners in _by_chinese().items():
        for partner in partners.split("\t"):
            name = partner[: partner.index("=")]
            english[name] = f"{english[name]} {term}" if name in english else term
    return english


class _English:
    """The Chinese partners of English terms: the first few looked for in the text, see `_PAYS`."""

    def __init__(self) -> None:
        self._left = _PAYS

    def read_all(self) -> None:
        """Read the partners of all terms, and look none up in the text any more."""
        _by_english()
        self._left = 0

    def partners(self, term: str) -> list[str]:
        """Of a term, in the order of the file."""
        self._left -= 1
        if self._left < 0:
            return _by_english().get(term, "").split()
        if not term or "\t" in term or "\n" in term or "=" in term:
            return []
        found, text, sought = [], _text(), f"\t{term}="
        at = text.find(sought)
        while at >= 0:
            start = text.rfind("\n", 0, at) + 1
            if text[start] != "#":
                found.append(text[start : text.index("\t", start)])
            at = text.find(sought, at + 1)
        return found


_english = _English()


def read_all() -> None:
    """Read all terms into memory, which pays for who asks more than a question."""
    _english.read_all()


def _shares(chinese: str) -> dict[str, tuple[int, int]]:
    """English partners of a Chinese term with p(English | Chinese), p(Chinese | English) in %."""
    shares: dict[str, tuple[int, int]] = {}
    for partner in filter(None, _by_chinese().get(chinese, "").split("\t")):
        name, _, numbers = partner.partition("=")
        forward, _, backward = numbers.partition(",")
        shares[name] = (int(forward), int(backward))
    return shares


@lru_cache(maxsize=20_000)
def translations(term: str) -> tuple[tuple[str, float], ...]:
    """Terms of the other language that name the same, best first, with probability in (0, 1].

    Args:
        term: a term in the normal form of `corpus.tokens`, or several English ones joined by
            one blank, or several Chinese ones joined by nothing.

    Returns:
        (term, probability) pairs, ties by term; the probabilities of a term sum to at most 1
        but for rounding. Empty where the glossary does not know it. `a` is a translation of
        `b` exactly if `b` is one of `a`.
    """
    if has_han(term):
        found = [(name, forward) for name, (forward, _) in _shares(term).items()]
    else:
        partners = _english.partners(term)
        found = [(name, _shares(name)[term][1]) for name in partners]
    return tuple((name, share / 100) for name, share in sorted(found, key=lambda f: (-f[1], f[0])))


def expansions(text: str) -> dict[str, float]:
    """Index terms of the other language for a text, with weights in (0, 1].

    Words and the longest known terms of several words are both looked up; a partner of several
    words gives each of them, and what is found twice counts with its higher weight.

    Args:
        text: a question or a claim, in either language or both.

    Returns:
        Terms as `corpus.tokens.terms` gives them, in the order in which they were found.
    """
    from corpus.tokens import STOP_TERMS, terms, tokens

    found = tokens(text)
    weights: dict[str, float] = {}
    for i, first in enumerate(found):
        for n in range(1, min(LONGEST, len(found) - i) + 1):
            group = found[i : i + n]
            if any(text[a.end : b.start].strip(" -") for a, b in pairwise(group)):
                break
            if n == 1 and first.text in STOP_TERMS:
                continue
            glue = "" if first.kind == "han" else " "
            for name, share in translations(glue.join(token.text for token in group)):
                for term in terms(name) if has_han(name) else name.split(" "):
                    if term not in STOP_TERMS:
                        weights[term] = max(share, weights.get(term, 0.0))
    return weights
