"""`python -m eval.rgb_like FOLDER OUT`: files in RGB's form, made of reading sets.

RGB itself is kept aside; this gives figures of the same kind that anyone with CMRC 2018, DRCD and
XQuAD can have again. Each question keeps its passage; noise is what BM25 finds for it over the
whole set and holds none of its answers; a false passage says another question's answer of the same
type in place of the right one; a question of two parts is two questions of one article. Halves go
by the question's id, as in `eval.beir`: youju's models have seen the dev halves.

What is not as in RGB: one passage answers each question, so that every share of noise above 0 gives
the same five texts; and passages are whole paragraphs of an encyclopedia, not snippets of news.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from corpus.bm25 import BM25
from corpus.errors import ConfigError
from corpus.text import fold, has_han
from corpus.tokens import content_terms
from eval.beir import Passage, RetrievalSet, load_set
from eval.goldens import contains

__all__ = ["FalseRow", "PartedRow", "Row", "falsified", "main", "parted", "plain"]

SETS = {"zh": ("cmrc2018_dev", "drcd_test_hans", "xquad_zh"), "en": ("xquad_en",)}
_PLAIN, _FALSE, _PARTED = 300, 100, 100  # rows of a language's files, as in RGB
_NOISE = 10  # texts of noise of a question
_LOOKED_AT = 60  # of what BM25 finds
_LONGEST = 30  # characters of an answer


@dataclass(frozen=True, slots=True)
class Row:
    """A question with a text that answers it and texts that do not; the answer's alternatives."""

    id: str
    query: str
    answer: list[list[str]]
    positive: list[str]
    negative: list[str]


@dataclass(frozen=True, slots=True)
class FalseRow:
    """The same, with the text made false."""

    id: str
    query: str
    answer: str
    fakeanswer: str
    positive: list[str]
    positive_wrong: list[str]
    negative: list[str]


@dataclass(frozen=True, slots=True)
class PartedRow:
    """A question of two parts, with the texts of each."""

    id: str
    query: str
    answer: list[list[str]]
    positive: list[list[str]]
    negative: list[str]


class _Source:
    """A set with what BM25 finds in it, and its questions in an order of chance."""

    def __init__(self, found: RetrievalSet, rng: random.Random) -> None:
        self.found = found
        self.of = {passage.id: passage for passage in found.passages}
        terms = [list(content_terms(passage.full)) for passage in found.passages]
        self._bm25 = BM25.build(np.arange(len(terms)), terms)
        names = [name for name in found.queries if self._is_fit(name)]
        self.names = rng.sample(names, len(names))

    def _is_fit(self, name: str) -> bool:
        """Whether a question has a short answer that stands in its passage, not in itself."""
        answers = self.found.answers.get(name, ())
        return (
            bool(answers)
            and all(1 <= len(answer) <= _LONGEST for answer in answers)
            and contains(self.passage(name).text, answers)
            and not contains(self.found.queries[name], answers)
        )

    def passage(self, name: str) -> Passage:
        """The one passage that answers a question."""
        return self.of[next(iter(self.found.gold[name]))]

    def noise(self, query: str, *names: str) -> list[str]:
        """Texts that BM25 finds for a question and that hold no answer of the questions named."""
        gold = {self.passage(name).id for name in names}
        answers = tuple(answer for name in names for answer in self.found.answers[name])
        hits = self._bm25.top(content_terms(query), _LOOKED_AT)
        passages = [self.found.passages[n] for n, _ in hits]
        kept = [p.text for p in passages if p.id not in gold and not contains(p.text, answers)]
        return list(dict.fromkeys(kept))[:_NOISE]


def plain(source: _Source, n: int) -> list[Row]:
    """Questions among noise, one of each passage."""
    out: list[Row] = []
    seen: set[str] = set()
    for name in source.names:
        passage, query = source.passage(name), source.found.queries[name]
        if passage.id in seen or len(out) == n:
            continue
        seen.add(passage.id)
        noise = source.noise(query, name)
        if len(noise) >= 5:
            answers = list(source.found.answers[name])
            out.append(Row(name, query, [answers], [passage.text], noise))
    return out


def falsified(source: _Source, n: int, rng: random.Random) -> list[FalseRow]:
    """Questions whose passage is given as it is and with another answer of the same type."""
    typed: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in source.names:
        for answer in source.found.answers[name][:1]:
            typed[_type(source.found.queries[name], answer)].append(answer)
    out: list[FalseRow] = []
    seen: set[str] = set()
    for name in source.names:
        passage, query = source.passage(name), source.found.queries[name]
        answers = source.found.answers[name]
        if passage.id in seen or len(out) == n:
            continue
        others = [
            other
            for other in dict.fromkeys(typed[_type(query, answers[0])])
            if not contains(passage.text, (other,)) and not contains(query, (other,))
            and not any(contains(a, (other,)) or contains(other, (a,)) for a in answers)
        ]  # fmt: skip
        if not others:
            continue
        fake = rng.choice(others)
        wrong = passage.text
        for answer in sorted(answers, key=len, reverse=True):
            wrong = wrong.replace(answer, fake)
        noise = source.noise(query, name)
        if wrong == passage.text or contains(wrong, answers) or len(noise) < 5:
            continue
        seen.add(passage.id)
        out.append(FalseRow(name, query, answers[0], fake, [passage.text], [wrong], noise))
    return out


_WHO = re.compile(r"谁|哪位|何人|叫什么名|\bwho(?:se|m)?\b", re.I)
_WHERE = re.compile(r"哪里|何处|什么地方|哪个?(?:国|省|市|城|州|县|地)|\bwhere\b|\bwhich (?:city"
                    r"|country|state)\b", re.I)  # fmt: skip


def _type(query: str, answer: str) -> tuple[str, ...]:
    """What kind of answer it is: the pattern of its figures, else who, where or what, and size."""
    if re.search(r"\d", answer):
        return "figure", re.sub(r"\d+", "0", fold(answer))
    asked = "who" if _WHO.search(query) else "where" if _WHERE.search(query) else "what"
    script = "han" if has_han(answer) else "latin"
    size = len(answer) if script == "han" else len(answer.split())
    # whole words of other questions fit in badly where nothing is known but their length
    tail = answer[-1:] if asked == "what" else ""
    return asked, script, str(min(size, 6)), tail


def parted(source: _Source, n: int) -> list[PartedRow]:
    """Questions of two parts: two of one article, of different passages where there are such."""
    articles: dict[str, list[str]] = defaultdict(list)
    for name in source.names:
        articles[source.passage(name).title].append(name)
    out: list[PartedRow] = []
    for title, names in articles.items():
        for one, other in _pairs(source, names) if title else ():
            if len(out) == n:
                return out
            query = _joined(source.found.queries[one], source.found.queries[other])
            noise = source.noise(query, one, other)
            if len(noise) >= 5:
                both = (one, other)
                answers = [list(source.found.answers[name]) for name in both]
                texts = [[source.passage(name).text] for name in both]
                out.append(PartedRow("+".join(both), query, answers, texts, noise))
    return out


def _pairs(source: _Source, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Questions of different passages in pairs, each question once."""
    one_each = {source.passage(name).id: name for name in names}
    left = list(one_each.values())
    for one, other in zip(left[::2], left[1::2], strict=False):
        if not contains(source.passage(one).text, source.found.answers[other]):
            yield one, other


def _joined(one: str, other: str) -> str:
    if has_han(one):
        return f"{one.strip().rstrip('?？')}，以及{other.strip()}"
    return f"{one.strip().rstrip('?')}, and {other[:1].lower()}{other[1:].strip()}"


def main(argv: Sequence[str] | None = None) -> int:
    """Write like_zh.json, like_zh_fact.json, like_zh_int.json and the same of English."""
    parser = argparse.ArgumentParser(prog="python -m eval.rgb_like", description=__doc__)
    parser.add_argument("folder", type=Path, help="with the reading sets, a folder each")
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--split", default="dev", choices=("dev", "test", "all"))
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args(argv)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        for lang in SETS:
            for name, rows in _files(args.folder, lang, args.split, args.seed):
                path = args.out / name
                lines = (json.dumps(asdict(row), ensure_ascii=False) for row in rows)
                path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
                print(f"{len(rows)} questions in {path}", file=sys.stderr)
    except (OSError, ConfigError) as fault:
        print(f"rgb_like: {fault}", file=sys.stderr)
        return 1
    return 0


def _files(
    folder: Path, lang: str, split: str, seed: int
) -> Iterator[tuple[str, Sequence[Row | FalseRow | PartedRow]]]:
    """The files of a language by name; each set gives its share of each."""
    rng = random.Random(seed)
    sources = [_Source(load_set(folder, name, split), rng) for name in SETS[lang]]

    def share(n: int) -> int:
        return -(-n // len(sources))

    yield f"like_{lang}.json", [r for s in sources for r in plain(s, share(_PLAIN))][:_PLAIN]
    false = [row for source in sources for row in falsified(source, share(_FALSE), rng)]
    yield f"like_{lang}_fact.json", false[:_FALSE]
    several = [source for source in sources if source.found.name != "cmrc2018_dev"]  # one a title
    both = [row for source in several for row in parted(source, -(-_PARTED // len(several)))]
    yield f"like_{lang}_int.json", both[:_PARTED]


if __name__ == "__main__":
    sys.exit(main())
