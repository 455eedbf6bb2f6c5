"""A slot in which a claim and a note differ, and the two as the rules see them.

Values only; the rules are in `differing`, `polarity`, `roles` and `contrast`.
"""

from __future__ import annotations

from dataclasses import dataclass

from assistant.alignment import Alignment

__all__ = ["Conflict", "Pair"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One slot in which claim and note differ.

    Attributes:
        kind: "number", "version", "negation", "opposite", "quantifier", "name", "word",
            "role", "order".
        said: what the claim says, in its own words.
        noted: what the note says, in its own words.
        strength: how sure the rule is that both cannot hold, in [0, 1].
    """

    kind: str
    said: str
    noted: str
    strength: float


@dataclass(frozen=True, slots=True)
class Pair:
    """A claim and a passage as the rules see them."""

    claim: str
    note: str
    found: Alignment
    covered: tuple[float, ...]
    same_language: bool

    def claim_of(self, place: int) -> int:
        """The word of the claim that is paired with a word of the passage, or -1."""
        return self.found.to.index(place) if place in self.found.to else -1
