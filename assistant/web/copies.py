"""Answers, hits and checked texts as Markdown to paste elsewhere, with their sources."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.disarming import title_words
from assistant.types import Answer, Checked, Citation, Claim, Hit
from assistant.web.texts import ICONS, TEXTS
from corpus.text import has_han, printable

__all__ = ["answer_markdown", "checked_markdown", "hit_markdown", "live_markers", "where"]


_MARKER = re.compile(r"\[(\d{1,3})\]")
_TRAILING = re.compile(r"(?:\s*\[\d{1,3}\])+\s*$")


def where(path: str, line: int) -> str:
    """File and line, as editors take them; an entry of a feed is its file's line."""
    file, _, entry = path.partition("#L")
    return f"{file}:{line or entry}"


def live_markers(
    answer: Answer, protected: Sequence[tuple[int, int]]
) -> list[tuple[int, int, Citation]]:
    """Markers of the answer that stand for one of its citations, in order.

    A `[1]` inside words quoted from a note is part of the quote, not a marker of ours; the same
    holds in code and formulas.

    Args:
        answer: the answer.
        protected: spans of code and formulas.
    """
    by_marker = {citation.marker: citation for citation in answer.citations}
    quotes = [citation.quote for citation in answer.citations]
    closed = [*protected, *(span for claim in answer.claims if (span := _quoted(claim, quotes)))]
    found = []
    for match in _MARKER.finditer(answer.text):
        citation = by_marker.get(int(match[1]))
        if citation and not any(start <= match.start() < end for start, end in closed):
            found.append((match.start(), match.end(), citation))
    return found


def _quoted(claim: Claim, quotes: Sequence[str]) -> tuple[int, int] | None:
    """The span of a claim that repeats a quote to the letter, markers behind it left out."""
    for words in (claim.text.rstrip(), _TRAILING.sub("", claim.text)):
        if words and any(words in quote for quote in quotes):
            return claim.start, claim.start + len(words)
    return None


def _source(title: str, heading: Sequence[str], path: str, line: int, date: str | None) -> str:
    trail = " › ".join(map(title_words, dict.fromkeys([title, *heading])))  # noqa: RUF001
    # names of files may hold breaks and backticks: neither may end the line or the code
    place = printable(where(path, line).replace("\n", "\ufffd"))
    ticks = "`" * (max(map(len, re.findall("`+", place)), default=0) + 1)
    return f"{trail}, {ticks}{place}{ticks}" + (f" ({date})" if date else "")


def _one_line(quote: str) -> str:
    return " ".join(quote.split())


def answer_markdown(answer: Answer, markers: Sequence[tuple[int, int, Citation]]) -> str:
    """The answer with footnotes: question, text, one note per citation used."""
    text, at = "", 0
    for start, end, citation in markers:
        text += answer.text[at:start] + f"[^{citation.marker}]"
        at = end
    text += answer.text[at:]
    notes = [
        f"[^{c.marker}]: {_source(c.title, c.heading, c.note, c.line, c.date)}: "
        f"{_one_line(c.quote)}"
        for c in answer.citations
    ]
    return "\n\n".join(
        part for part in (f"**{answer.question.strip()}**", text.strip(), "\n".join(notes)) if part
    )


def hit_markdown(hit: Hit) -> str:
    """The passage as a Markdown quotation with its source."""
    quote = "\n".join(f"> {line}".rstrip() for line in hit.text.strip().splitlines())
    source = _source(
        hit.note.title, hit.chunk.heading, hit.note.path, hit.chunk.line, hit.note.date
    )
    return f"{quote}\n>\n> — {source}"


def checked_markdown(checked: Checked) -> str:
    """Each claim with its verdict, reason and evidence, as a Markdown list."""
    chinese = has_han(checked.text)
    out = []
    for claim in checked.claims:
        words = TEXTS[claim.verdict.value]
        verdict = words.zh if chinese else words.en
        out.append(f"- {ICONS[claim.verdict]} **{verdict}** {_one_line(claim.text)}")
        if claim.reason:
            out.append(f"  - {_one_line(claim.reason)}")
        if claim.evidence:
            e = claim.evidence
            out.append(
                f"  - > {_one_line(e.quote)} — {_source(e.title, (), e.note, e.line, e.date)}"
            )
    return "\n".join(out)
