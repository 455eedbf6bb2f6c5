"""Which chat model answers, if any: what was named, or a local Ollama the person agreed to.

Nothing is asked of any endpoint here but the list of models of an Ollama on this machine. The
person's yes or no to it is kept in `consent.json` beside the indexes. Knows settings and the
person's word, not what a model is asked. Called by `opening`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from assistant.config import Config
from assistant.endpoint import Endpoint, Remote, is_loopback
from corpus.errors import ConfigError, MissingExtra
from corpus.keys import kept_key
from corpus.places import data_home
from corpus.records import RecordDamaged, read_record, write_record

if TYPE_CHECKING:  # the check's own modules hold numpy, which a greeting does without
    from assistant.opinions import SecondOpinion

__all__ = [
    "OLLAMA",
    "Models",
    "agreed",
    "chat_model",
    "local_endpoint",
    "local_models",
    "models_of",
    "remember",
]

OLLAMA = "http://127.0.0.1:11434"
_PROBE_S = 0.5
_MAX_BYTES = 1_000_000
_NOT_CHAT = ("embed", "bge-", "minilm", "rerank", "clip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What writes answers and judges claims beside the built-in parts.

    Attributes:
        chat: writes the answers; None for sentences of the notes.
        judges: second opinions on claims, asked in turn.
    """

    chat: Remote | None = None
    judges: tuple[SecondOpinion, ...] = ()


def models_of(
    config: Config,
    *,
    judged: bool = False,
    agree: bool | None = None,
    ask: Callable[[str], bool] | None = None,
) -> Models:
    """The models that a person's settings name; none is asked anything yet.

    Args:
        config: the settings.
        judged: whether the chat model is to judge claims, too.
        agree: see `chat_model`.
        ask: see `chat_model`.

    Raises:
        ConfigError: as `chat_model`.
        MissingExtra: as `chat_model`.
        ModelError: the cross-encoder that judges cannot be loaded.
    """
    chat = chat_model(config, agree=agree, ask=ask, required=judged)
    judges: list[SecondOpinion] = []
    if config.nli:
        from assistant.opinions import CrossEncoderNli

        nli = CrossEncoderNli(config.nli)
        nli.load()
        judges.append(nli)
    if judged and chat is not None:
        from assistant.opinions import ChatJudge

        judges.append(ChatJudge(chat))
    return Models(chat=None if config.extractive else chat, judges=tuple(judges))


def chat_model(
    config: Config,
    *,
    agree: bool | None = None,
    ask: Callable[[str], bool] | None = None,
    required: bool = False,
) -> Remote | None:
    """The chat model in force, or None: then nothing is sent anywhere.

    Args:
        config: what is named there comes first.
        agree: what the person says now of the Ollama on this machine; kept from now on.
        ask: asks the person, once, given the name of a model; None where nobody can answer: then
            no port is tried.
        required: whether it is an error to have none.

    Raises:
        ConfigError: a model is named without an endpoint, or one is required and there is none.
        MissingExtra: there is one, but the client is not installed.
    """
    if agree is not None:
        remember(agree)
    endpoint = config.endpoint
    if endpoint is not None and endpoint.api_key is None:
        endpoint = replace(endpoint, api_key=kept_key(endpoint.shown, "YOUJU_LLM_API_KEY"))
    if endpoint is None and (required or not config.extractive):
        endpoint = _local(config, ask)
    if endpoint is None:
        if config.model is not None and not config.extractive:
            raise ConfigError(
                f"Where does {config.model} answer? Name its endpoint with --base-url or "
                f"YOUJU_LLM_BASE_URL, or agree to the Ollama on this machine with --ollama"
            )
        if required:
            raise ConfigError(
                "--judge needs a chat model: name it with --model and --base-url, or use --ollama"
            )
        return None
    if find_spec("openai") is None:
        raise MissingExtra("llm", "openai")
    return Remote(endpoint)


def _local(config: Config, ask: Callable[[str], bool] | None) -> Endpoint | None:
    """The Ollama of this machine, if the person agrees or has agreed."""
    said = agreed()
    if said is None and ask is not None and (names := local_models()):
        said = ask(config.model or names[0])
        remember(said)
    if not said:
        return None
    return local_endpoint(config.model, timeout_s=config.timeout, context=config.context)


def agreed() -> bool | None:
    """What the person said of using the Ollama on this machine; None if never asked."""
    try:
        said = read_record(_record(), "ollama")
    except (OSError, RecordDamaged):
        return None
    return said if isinstance(said, bool) else None


def remember(yes: bool) -> None:
    """Keep the person's answer."""
    write_record(_record(), "ollama", yes)


def local_models() -> list[str]:
    """Chat models of the Ollama on this machine, last used first; empty where none answers."""
    # no proxy of the environment stands between this machine and itself
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"{_address()}/api/tags", timeout=_PROBE_S) as response:
            listed: Any = json.loads(response.read(_MAX_BYTES))
        names = [str(model["name"]) for model in listed["models"]]
    except (URLError, OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in names if not any(part in name.lower() for part in _NOT_CHAT)]


def local_endpoint(model: str | None, *, timeout_s: float, context: int) -> Endpoint | None:
    """The Ollama of this machine, if it was agreed to and answers.

    Args:
        model: its name; None takes the one last used.
        timeout_s: see `Endpoint`.
        context: see `Endpoint`.
    """
    if not agreed():
        return None
    names = local_models()
    chosen = model or (names[0] if names else None)
    if not names or chosen is None:
        return None
    return Endpoint(base_url=f"{_address()}/v1", model=chosen, timeout_s=timeout_s, context=context)


def _record() -> Path:
    return data_home() / "consent.json"


def _address() -> str:
    """Where Ollama listens: `$OLLAMA_HOST` if that is this machine, else its usual port."""
    named = os.environ.get("OLLAMA_HOST", "").strip().rstrip("/")
    if named and "//" not in named:
        named = f"http://{named}"
    return named if named and is_loopback(named) else OLLAMA
