"""Questions over a handful of passages, half of them without the one that answers.

What a large folder does not show: no passage answers, but all are about what is asked, and words
that are common elsewhere look rare or the other way round. Passages are those that BM25 finds for
the question, of reading sets (dev halves) and of the sections that the notes of golden questions
are made of. Knows sets and questions; `eval.training.answerable` trains on them.
"""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from corpus.bm25 import BM25
from corpus.tokens import content_terms
from eval.beir import RetrievalSet, load_set
from eval.goldens import GoldQuestion, contains, questions
from eval.training.answers import Asked, Example

__all__ = ["PUBLIC", "SMALL", "small_golden", "small_public"]

PUBLIC = ("cmrc2018_dev", "drcd_test_hans", "xquad_zh", "xquad_en")
SMALL = "small-"  # the names of such sets begin with it
_LEAST, _MOST = 3, 10  # passages of a small collection
_LOOKED_AT = 60  # of what BM25 finds
_LONGEST = 40  # characters of an answer


def small_public(folder: Path, name: str, limit: int) -> Iterator[Example]:
    """Examples of the dev half of a reading set, each question with and without its passage.

    Args:
        folder: of the sets.
        name: of the set.
        limit: questions at most; each gives two examples.
    """
    found = load_set(folder, name, "dev")
    bm25 = _ranked([p.full for p in found.passages])
    names = sorted(found.queries, key=lambda q: _digest(f"small{q}"))
    used: set[str] = set()
    for query in names:
        gold = next(iter(found.gold[query]))
        answers = tuple(a for a in found.answers.get(query, ()) if 1 <= len(a) <= _LONGEST)
        if len(used) == limit:
            return
        if gold in used or not answers or contains(found.queries[query], answers):
            continue
        used.add(gold)
        yield from _both(found, bm25, query, gold, answers)


def _both(
    found: RetrievalSet, bm25: BM25, query: str, gold: str, answers: tuple[str, ...]
) -> Iterator[Example]:
    question = found.queries[query]
    rng = random.Random(_digest(query))
    titled = rng.random() < 0.5
    of = {p.id: (p.title if titled else "", p.text) for p in found.passages}
    hits = bm25.top(content_terms(question), _LOOKED_AT)
    near = [found.passages[n].id for n, _ in hits]
    noise = [i for i in near if i != gold and not contains(of[i][1], answers)]
    size = rng.randint(_LEAST, _MOST)
    for holds in (True, False):
        chosen = [gold] * holds + noise[: size - holds]
        rng.shuffle(chosen)
        asked, where = _over([of[i] for i in chosen])
        wanted = where[chosen.index(gold)] if holds else ""
        candidates = asked.candidates(question)
        labels = [int(c.hit.note.path == wanted and contains(c.text, answers)) for c in candidates]
        if candidates and (any(labels) or not holds):
            yield asked.example(
                question, candidates, labels, set=f"{SMALL}{found.name}",
                group=f"{found.name}:{gold}.md", answerable=holds,
            )  # fmt: skip


def small_golden(sets: Sequence[str], notes: Path, name: str, share: float) -> Iterator[Example]:
    """Examples of the dev halves of golden sets over the passages found for each, as notes.

    Args:
        sets: golden sets about the same notes.
        notes: these notes.
        name: of the examples' set.
        share: of the questions taken, in [0, 1].
    """
    whole = Asked(notes)
    for gold in (q for of in sets for q in questions(of, "dev")):
        rng = random.Random(_digest(gold.id))
        if rng.random() >= share:
            continue
        hits = whole.hits(gold.question, 30)
        right = [h for h in hits if _holds(gold, h.note.path, h.chunk.start, h.chunk.end)]
        other = [h for h in hits if h not in right and not _states(gold, h.text)]
        size = rng.randint(_LEAST, _MOST)
        for holds in (True, False) if gold.answerable else (False,):
            if holds and not right:
                continue
            chosen = [*(right if holds else ()), *other][:size]
            rng.shuffle(chosen)
            asked, where = _over([(h.note.title, h.text) for h in chosen])
            place = dict(zip(where, chosen, strict=True))
            candidates = asked.candidates(gold.question)
            labels = [
                int(
                    place[c.hit.note.path] in right
                    and any(contains(c.text, fact) for fact in gold.facts)
                )
                for c in candidates
            ]
            if candidates and (any(labels) or not holds):
                yield asked.example(
                    gold.question, candidates, labels, set=name,
                    group=gold.gold[0].note if gold.gold else gold.id, answerable=holds,
                )  # fmt: skip


def _holds(gold: GoldQuestion, note: str, start: int, end: int) -> bool:
    """Whether a passage overlaps a gold span; all of the note where the gold is a whole one."""
    return any(
        span.note == note and (not span.end or (start < span.end and span.start < end))
        for span in gold.gold
    )


def _states(gold: GoldQuestion, text: str) -> bool:
    return any(contains(text, fact) for fact in gold.facts)


def _ranked(texts: Sequence[str]) -> BM25:
    terms = [list(content_terms(text)) for text in texts]
    return BM25.build(np.arange(len(terms)), terms)


def _over(texts: Sequence[tuple[str, str]]) -> tuple[Asked, list[str]]:
    """An index of texts with their titles, a note each, and the paths of the notes."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for n, (title, text) in enumerate(texts):
            path = f"note-{chr(ord('a') + n)}.md"
            head = f"---\ntitle: {json.dumps(title, ensure_ascii=False)}\n---\n" if title else ""
            (Path(folder) / path).write_text(f"{head}{text}\n", encoding="utf-8")
            paths.append(path)
        return Asked(Path(folder)), paths


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
