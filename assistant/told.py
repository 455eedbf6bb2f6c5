"""The check without what notes only order a model to say: that is evidence for nobody's words.

Nor does it contradict anything: whoever wrote an order to a model told no reader a fact. Called
by `binding` and `pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from assistant.claims import ClaimSpan, claims_of
from assistant.grounding import Checker
from assistant.injection import demanded, is_demanded
from assistant.passages import Passage
from assistant.types import Citation, Claim, Verdict
from corpus.text import has_han

__all__ = ["checked", "is_told", "judged"]

_ORDERED = (
    "笔记里只有一句写给模型的指令要它这样说，不算依据",
    "in the notes only an order to a model asks for this: no evidence",
)
_DECIDED = (Verdict.SUPPORTED, Verdict.CONTRADICTED)


def is_told(passage: Passage) -> bool:
    """Whether a passage tells a reader something, and gives no order to a model."""
    return not is_demanded(passage.note.text, passage.start, passage.end)


def judged(
    checker: Checker,
    text_of: Callable[[str], str],
    text: str,
    span: ClaimSpan,
    citations: Sequence[Citation] = (),
) -> Claim:
    """One claim of a text with its verdict; as `Checker.judge`, but for orders to models.

    Args:
        checker: the check.
        text_of: the text of a note by its path.
        text: that holds the claim.
        span: of the claim.
        citations: what its markers stand for.
    """
    claim = checker.judge(text, span, citations)
    found = claim.evidence
    if claim.verdict not in _DECIDED or found is None:
        return claim
    if not is_demanded(text_of(found.note), found.start, found.end):
        return claim
    was_supported = claim.verdict is Verdict.SUPPORTED
    claim = checker.judge(text, span, citations, counts=is_told)
    if claim.verdict is not Verdict.UNSUPPORTED or not was_supported:
        return claim
    return replace(claim, evidence=None, reason=_ORDERED[0 if has_han(claim.text) else 1])


def checked(checker: Checker, text_of: Callable[[str], str], text: str) -> tuple[Claim, ...]:
    """Every claim of a text with its verdict, in order of appearance.

    A claim that repeats an order, as who writes about such notes does, may rest on it.
    """
    return tuple(
        checker.judge(text, span)
        if demanded(span.text, 0, len(span.text))
        else judged(checker, text_of, text, span)
        for span in claims_of(text)
    )
