"""What may be typed: how long a question and a text may be, and what of them is mended.

Knows characters; called by `pipeline` before anything reads them.
"""

from __future__ import annotations

from corpus.errors import ConfigError

__all__ = ["MAX_QUESTION", "MAX_TEXT", "sound"]

MAX_QUESTION = 2_000  # characters
MAX_TEXT = 200_000


def sound(text: str, limit: int, what: str, *, strip: bool = True) -> str:
    """The text, if it can be worked on; half of a pair of surrogates becomes U+FFFD.

    Args:
        text: as typed.
        limit: characters it may have.
        what: how a fault calls it.
        strip: whether blanks around it are none of it.

    Raises:
        ConfigError: it is blank, or longer.
    """
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    plain = text.strip() if strip else text
    if not plain.strip():
        raise ConfigError(f"The {what} is empty. Write a few words.")
    if len(plain) > limit:
        raise ConfigError(
            f"The {what} has {len(plain)} characters; shorten it to {limit} or fewer."
        )
    return plain
