"""The JSON of the contract: hits, answers and checked texts as plain objects.

Field names are stable; offsets are half-open, in code points of the note's text (citations,
evidence, hits) or of the answer (claims). Beyond the contract, where there is something to say:
`links` of a citation, `decided_by` of a claim (a second judge), `marker_changes` and `rewrites`,
`notices` of a search. Knows values of `types`, not who asks: `cli`, `tools` and the page call it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from assistant.links import Openers
from assistant.types import Answer, Checked, Citation, Claim, Disagreement, Evidence, Hit
from corpus.protocol import IndexStatus
from corpus.types import RefreshReport

__all__ = ["answer_object", "checked_object", "found_object", "status_object"]

Object = dict[str, Any]
Links = Callable[[str, int], Openers | None]


def _no_links(note: str, line: int) -> None:
    return None


def answer_object(answer: Answer, links: Links = _no_links) -> Object:
    """An answer as `ask --json` prints it.

    Args:
        answer: the answer.
        links: what opens a note at a line, by path (`assistant.links`).
    """
    return {
        "question": answer.question,
        "searched": list(answer.searched),
        "answer": answer.text,
        "abstained": answer.abstained,
        "reason": answer.reason,
        "generator": answer.generator,
        "citations": [_citation(citation, links) for citation in answer.citations],
        "claims": [_claim(claim) for claim in answer.claims],
        "notes_disagree": [_disagreement(pair) for pair in answer.notes_disagree],
        "timings_ms": dict(answer.timings_ms),
        **_bound(answer),
    }


def _bound(answer: Answer) -> Object:
    """What the check did to a chat model's words; nothing for sentences of the notes."""
    changes = [{**dataclasses.asdict(c), "to": list(c.to)} for c in answer.marker_changes]
    found = {
        "marker_changes": changes,
        "rewrites": [dataclasses.asdict(rewrite) for rewrite in answer.rewrites],
    }
    return {name: value for name, value in found.items() if value}


def found_object(query: str, hits: Sequence[Hit], notices: Sequence[str] = ()) -> Object:
    """Hits as `find --json` prints them, with what is to be said beside them."""
    found: Object = {"query": query, "hits": [_hit(hit) for hit in hits]}
    return {**found, "notices": list(notices)} if notices else found


def checked_object(checked: Checked) -> Object:
    """A checked text as `check --json` prints it."""
    return {"text": checked.text, "claims": [_claim(claim) for claim in checked.claims]}


def status_object(status: IndexStatus, report: RefreshReport | None = None) -> Object:
    """The index in figures as `index --json` prints it, with what a refresh did."""
    found = dataclasses.asdict(status)
    if report is not None:
        for name in ("added", "changed", "renamed", "deleted", "unchanged"):
            found[name] = getattr(report, name)
    return found


def _citation(citation: Citation, links: Links) -> Object:
    openers = links(citation.note, citation.line)
    return {
        "marker": citation.marker,
        "note": citation.note,
        "title": citation.title,
        "heading": list(citation.heading),
        "start": citation.start,
        "end": citation.end,
        "line": citation.line,
        "quote": citation.quote,
        **({"links": _opened_by(openers)} if openers else {}),
    }


def _opened_by(openers: Openers) -> Object:
    """The links by name of what opens them; one that there is not is left out."""
    return {name: link for name, link in dataclasses.asdict(openers).items() if link is not None}


def _claim(claim: Claim) -> Object:
    return {
        "text": claim.text,
        "start": claim.start,
        "end": claim.end,
        "verdict": claim.verdict.value,
        "score": claim.score,
        "citations": list(claim.citations),
        "evidence": _evidence(claim.evidence) if claim.evidence else None,
        "reason": claim.reason,
        **({"decided_by": claim.decided_by} if claim.decided_by else {}),
    }


def _evidence(evidence: Evidence) -> Object:
    return {
        "note": evidence.note,
        "start": evidence.start,
        "end": evidence.end,
        "line": evidence.line,
        "quote": evidence.quote,
    }


def _disagreement(pair: Disagreement) -> Object:
    sides = {}
    for name, claim in (("claim_a", pair.claim_a), ("claim_b", pair.claim_b)):
        date = claim.evidence.date if claim.evidence else None
        sides[name] = {**_claim(claim), "date": date}
    return sides


def _hit(hit: Hit) -> Object:
    return {
        "note": hit.note.path,
        "title": hit.note.title,
        "heading": list(hit.chunk.heading),
        "start": hit.chunk.start,
        "end": hit.chunk.end,
        "line": hit.chunk.line,
        "text": hit.text,
        "date": hit.note.date,
        "tags": list(hit.note.tags),
        "score": round(hit.score, 4),
        "scores": {
            "bm25": _rounded(hit.scores.bm25),
            "cosine": _rounded(hit.scores.cosine),
            "rrf": _rounded(hit.scores.rrf),
            "rerank": _rounded(hit.scores.rerank),
        },
    }


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)
