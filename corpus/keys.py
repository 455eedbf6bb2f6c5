"""Keys of endpoints: from the environment, else from the system's keyring, never from a file.

The keyring is looked into only where the package `keyring` is installed and an endpoint is named.
A key is stored there by `keyring set youju URL`, URL being the endpoint's address as it is shown.
Knows nothing of what a key opens. Called by `remote` and by `assistant.choosing`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from urllib.parse import urlsplit

from corpus.text import has_han

__all__ = ["SERVICE", "discreet", "kept_key", "shown_address"]

logger = logging.getLogger(__name__)

SERVICE = "youju"
_LOOKS_LIKE_ONE = re.compile(r"\b(?:sk|pk|hf|gsk|key|token)[-_][\w*.-]{6,}|\bBearer\s+\S+", re.I)
_ESCAPED = re.compile(r"\\+u([0-9a-fA-F]{4})")
_REPEATED, _REPEATED_HAN = 12, 5  # characters in a row that nobody writes by chance


def kept_key(address: str, variable: str) -> str | None:
    """The key of an endpoint; None where none is kept.

    Args:
        address: of the endpoint, as shown.
        variable: of the environment, which comes first.
    """
    said = os.environ.get(variable, "").strip()
    if said or find_spec("keyring") is None:
        return said or None
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, address) or None
    except (KeyringError, RuntimeError) as fault:  # RuntimeError: no keyring on this machine
        logger.info("the keyring cannot be read: %s", type(fault).__name__)
        return None


def shown_address(url: str) -> str:
    """The address without what opens it: no name, password or query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def discreet(said: str, *, key: str | None, sent: Iterable[str] = ()) -> str:
    """What a server said, fit to be shown: without keys, and withheld where it repeats a text.

    Args:
        said: by the server, any length.
        key: that it was given.
        sent: the texts that it was given.
    """
    # as it is, and as JSON writes it, or JSON in JSON
    forms = said, _ESCAPED.sub(lambda match: chr(int(match[1], 16)), said)
    if any(_repeats(form, text) for text in sent for form in forms):
        return "what it said repeats your text and is not shown"
    if key:
        said = said.replace(key, "***")
    return _LOOKS_LIKE_ONE.sub("***", said)


def _repeats(said: str, text: str) -> bool:
    """Whether words of a server hold enough of a text, or all of a short one."""
    if _holds(said, text, min(len(text), _REPEATED)):
        return True
    # five letters in a row are Chinese for a sentence, Latin for a part of a word: "Connection"
    return has_han(text) and _holds(said, text, min(len(text), _REPEATED_HAN), has_han)


def _holds(
    said: str, text: str, width: int, counts: Callable[[str], bool] = lambda _: True
) -> bool:
    """Whether as many characters in a row of a text, of those that count, are in what was said."""
    parts = (text[at : at + width] for at in range(len(text) - width + 1))
    return width > 1 and any(part in said and counts(part) for part in parts)
