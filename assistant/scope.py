"""What the operators of a query let through in these notes, and what to say where that is nothing.

A question must not be refused because of a quotation mark: in `ask` a phrase only prefers
passages, and a note or tag that does not exist is a word again; both are told. In `find` operators
hold to the letter. Knows the index and the notation, not answers. Called by `pipeline`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from assistant.crossing import Reranker
from assistant.filters import Filters
from assistant.operators import Query, parse_query
from assistant.retrieval import retrieve
from assistant.types import Hit
from corpus.protocol import Index, Snapshot
from corpus.text import has_han
from corpus.tokens import terms

__all__ = ["Scope", "asked", "scope_of", "search_notices"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a question is answered from.

    Attributes:
        question: as it is understood, without filters.
        filters: which notes may be found; None for all.
        phrases: words that passages should hold to the letter; some passage holds all of them.
        notices: what could not be held to, in the language of the question.
    """

    question: str
    filters: Filters | None = None
    phrases: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def scope_of(index: Index, written: str, filters: Filters | None = None) -> Scope:
    """The scope of a question.

    Args:
        index: an open index.
        written: the question as typed.
        filters: which notes may be found, besides what the question says.

    Raises:
        ConfigError: it holds a date filter that is no date.
    """
    query = parse_query(written)
    if query.is_plain:
        return Scope(question=written, filters=filters)
    zh = has_han(written)
    with index.snapshot() as now:
        idle = [one for one in query.filters if not _lets_through(now, one)]
        # a note or a tag of that name may simply not be there: it was meant as words
        words = [one for one in idle if one.notes or one.tag]
        kept = [one for one in query.filters if one not in words]
        held = [phrase for phrase in query.phrases if now.holding(phrase)]
        notices = [_no_note(one, zh=zh) for one in idle]
        notices += [_not_held(p, zh=zh) for p in query.phrases if p not in held]
        together = Filters(also=tuple(kept)) if kept else None
        if together is not None and not idle and not _lets_through(now, together):
            notices.append(
                "没有笔记同时符合所有筛选条件" if zh else "no note passes all filters together"
            )
    return Scope(
        question=query.question or written.strip(),
        filters=_both(filters, together),
        phrases=tuple(held),
        notices=tuple(notices),
    )


def _both(one: Filters | None, other: Filters | None) -> Filters | None:
    return one.narrowed(other) if one is not None and other is not None else one or other


def asked(
    index: Index, scope: Scope, question: str, k: int, *, cross: Reranker | None = None
) -> list[Hit]:
    """The passages a question is answered from, those with the phrases of the scope first.

    Args:
        index: an open index.
        scope: of the question as typed.
        question: the scope's, or a rewriting of it.
        k: how many hits at most.
        cross: a named reranker, or None.
    """
    search = partial(retrieve, index, question, k=k, filters=scope.filters, cross=cross)
    hits = search()
    if not scope.phrases:
        return hits
    held = search(phrases=scope.phrases)
    ids = {hit.chunk.id for hit in held}
    return [*held, *(hit for hit in hits if hit.chunk.id not in ids)][:k]


def search_notices(
    index: Index, query: Query, hits: Sequence[Hit], filters: Filters | None
) -> tuple[str, ...]:
    """What is to be said beside the hits of a search, in the language of the query.

    Without hits: which of its operators let nothing through. With hits: that no note holds a word
    of the query, or a translation of one, so that they are neighbours in meaning at best.

    Args:
        index: an open index.
        query: what was looked for.
        hits: what was found.
        filters: those given beside the query.
    """
    zh = has_han(query.question)
    if hits:
        if not query.text or query.phrases or any(hit.scores.bm25 for hit in hits):
            return ()
        with index.snapshot() as now:
            if any(now.df(term) for term in terms(query.text)):
                return ()
        return (
            "笔记里没有查询中的任何词；以下段落至多意思相近"
            if zh
            else "no note holds a word of the query; these passages are near in meaning at best",
        )
    every = [*query.filters, *([filters] if filters is not None and not filters.is_open else [])]
    with index.snapshot() as now:
        idle = [one for one in every if not _lets_through(now, one)]
        if idle:
            return tuple(_no_note(one, zh=zh) for one in idle)
        lacking = [phrase for phrase in query.phrases if not now.holding(phrase)]
        if lacking:
            return tuple(_not_held(phrase, zh=zh) for phrase in lacking)
    if len(every) + len(query.phrases) > 1:
        return ("没有段落同时符合所有条件" if zh else "no passage meets all conditions together",)
    return ()


def _lets_through(now: Snapshot, filters: Filters) -> bool:
    return any(filters.admits(row) for row in now.listing())


def _no_note(filters: Filters, *, zh: bool) -> str:
    named = _described(filters)
    return f"没有笔记符合 {named}" if zh else f"no note matches {named}"


def _described(filters: Filters) -> str:
    """Filters as a person writes them."""
    parts: Sequence[str] = [
        *(f"[[{name}]]" for name in filters.notes),
        *([f"#{filters.tag.strip('#/ ')}"] if filters.tag else []),
        *(
            f"{name}:{value}"
            for name, value in (
                ("path", filters.folder),
                ("title", filters.title),
                ("since", filters.since),
                ("until", filters.until),
            )
            if value
        ),
        *(_described(other) for other in filters.also),
    ]
    return " ".join(parts)


def _not_held(phrase: str, *, zh: bool) -> str:
    if zh:
        return f"没有段落原样写着“{phrase}”"
    return f"no passage holds “{phrase}” to the letter"
