"""Where words stand, as markup: title, headings, date, file and line; and what the search says."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.web.copies import where
from assistant.web.markup import escape
from assistant.web.spots import Spot
from corpus.text import fold

__all__ = ["notices_of", "spot_place", "trail"]


def trail(title: str, heading: Sequence[str]) -> str:
    """Title and headings in plain text; a heading that repeats the title is left out."""
    return " › ".join([title, *_below(title, heading)])  # noqa: RUF001


def _below(title: str, heading: Sequence[str]) -> list[str]:
    """The headings without those that only repeat the title, in other letters too."""
    return [part for part in heading if fold(part) != fold(title)]


def spot_place(spot: Spot) -> str:
    """Title, headings, date, file and line of a spot."""
    path = f"<b>{escape(spot.title or spot.note)}</b>"
    path += "".join(f" › {escape(part)}" for part in _below(spot.title, spot.heading))  # noqa: RUF001
    facts = [part for part in (spot.date or "", where(spot.note, spot.line)) if part]
    return f"<span class='tr'>{path}</span> <span class='wh'>{escape(' · '.join(facts))}</span>"


def notices_of(notices: Sequence[str]) -> str:
    """What the search could not be held to, such as a phrase that no note holds."""
    return "".join(f"<div class='yj-notice'>{escape(notice)}</div>" for notice in notices)
