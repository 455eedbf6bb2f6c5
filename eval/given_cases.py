"""A question with the texts it is asked of, and what is known of its answer.

Knows neither where cases come from (`eval.given_sets`) nor who answers (`eval.given`).
"""

from __future__ import annotations

from dataclasses import dataclass

from eval.domainrag import Readings
from eval.goldens import contains

__all__ = ["Case", "Given", "share_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A text that a question is asked of; HTML where it is markup."""

    text: str
    title: str = ""
    is_html: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question, the texts it is asked of, and what is known of its answer.

    Attributes:
        group: of the cases that are made of one question.
        kind: what it tries, as "noise 0.4".
        right: right answers; of a passage's length where `is_long`.
        wrong: false answers that some of the texts give, or that none gives and that the check is
            asked about where `is_checked`.
        answerable: whether the texts answer; None where they say something false, which nobody can
            know who knows the texts only.
        is_long: whether the answer is a passage, and only overlap with it counts.
        is_checked: whether the true and the false answer are checked against the texts, too.
        disagrees: whether some of the texts say otherwise than others.
    """

    id: str
    group: str
    kind: str
    lang: str
    question: str
    given: tuple[Given, ...]
    right: Readings
    history: tuple[str, ...] = ()
    wrong: Readings = ()
    answerable: bool | None = True
    is_long: bool = False
    is_checked: bool = False
    disagrees: bool = False


def share_of(said: str, readings: Readings) -> float:
    """The largest share of the parts of a reading that a text holds, in [0, 1]."""
    return max(
        (sum(contains(said, part) for part in one) / len(one) for one in readings if one),
        default=0.0,
    )
