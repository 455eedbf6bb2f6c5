"""Models that are named: from a folder, from what was downloaded before, or from the hub.

Knows where a name may lead and how to tell that it leads nowhere; what the model is for, its
callers know: the encoder, the reranker and the judge. A model that this machine holds is read
without asking the hub; only one that is not held is looked for there, and a hub that cannot be
reached is told at once.
"""

from __future__ import annotations

import contextlib
import ssl
import urllib.error
import urllib.request
from importlib import import_module
from pathlib import Path
from typing import Any

from corpus.errors import ModelError

__all__ = ["load_model"]

_PATIENCE_S = 5.0
_FAULTS = (OSError, ValueError, KeyError, RuntimeError)


def load_model(kind: str, name: str, *, option: str, **options: Any) -> Any:
    """A model of sentence-transformers by name.

    Args:
        kind: the class that holds it: `SentenceTransformer` or `CrossEncoder`.
        name: of a model on the hub (`BAAI/bge-m3`), or its folder.
        option: what a person typed it with (`--encoder`), for the message.
        options: for the class.

    Raises:
        ModelError: there is no such model, it cannot be read, or it is not on this machine and
            the hub cannot be reached.
    """
    if not (name and Path(name).is_dir()):
        if _is_downloaded(kind, name):
            with contextlib.suppress(*_FAULTS):  # a download cut short: the rest is fetched below
                return _made(kind, name, local_files_only=True, **options)
        if why := _out_of_reach():
            raise ModelError(
                f"the model {name!r} is not on this machine, and {why}: name the folder of a "
                f"model, or leave {option} out"
            )
    try:
        return _made(kind, name, **options)
    except _FAULTS as fault:
        reason = str(fault).strip().partition("\n")[0]
        raise ModelError(
            f"cannot load the model {name!r} ({reason}): check its name, the network or the "
            f"device, or leave {option} out"
        ) from fault


def _made(kind: str, name: str, **options: Any) -> Any:
    """The class is imported only when there is something to load: it brings torch."""
    return getattr(import_module("sentence_transformers"), kind)(name, **options)


def _is_downloaded(kind: str, name: str) -> bool:
    """Whether the file that says how to put the model together was downloaded before."""
    from huggingface_hub import try_to_load_from_cache

    first = "modules.json" if kind == "SentenceTransformer" else "config.json"
    try:
        return isinstance(try_to_load_from_cache(name, first), str)
    except ValueError:  # no name of a model on the hub
        return False


def _out_of_reach() -> str:
    """Why the hub cannot be asked; empty if it can."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE keeps it from being looked for"
    asked = urllib.request.Request(constants.ENDPOINT, method="HEAD")
    try:
        with urllib.request.urlopen(asked, timeout=_PATIENCE_S):
            return ""
    except urllib.error.HTTPError:  # it answers
        return ""
    except OSError as fault:
        reason = getattr(fault, "reason", fault)
        # certificates are the business of the hub's own client
        return "" if isinstance(reason, ssl.SSLError) else f"{constants.ENDPOINT} is out of reach"
