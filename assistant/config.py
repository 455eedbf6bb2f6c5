"""Settings of a person: from a flag, else the environment, else a TOML file, else the default.

The chat model's are `$YOUJU_LLM_BASE_URL`, `$YOUJU_LLM_MODEL`, `$YOUJU_LLM_API_KEY`,
`$YOUJU_LLM_TIMEOUT` (seconds) and `$YOUJU_LLM_CONTEXT` (tokens), in the file `base_url`, `model`,
`timeout`, `context`. A key is never read from the file: files are copied, synchronised, published.

Knows names and types of settings; creates and opens nothing. Called by `cli`.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, TypedDict, Unpack

from assistant.endpoint import DEFAULT_CONTEXT, DEFAULT_TIMEOUT_S, Endpoint
from corpus.errors import ConfigError
from corpus.keys import SERVICE, shown_address
from corpus.milvus.address import MilvusAddress, milvus_address
from corpus.places import index_folder, last_notes

__all__ = ["Config", "load_config", "sample_notes"]

_EXTRACTIVE = "extractive"
_NUMBERS = ("timeout", "context")
_SWITCHES = ("hard_links",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Where notes and index are, which encoder reads them, and what writes and judges.

    Attributes:
        notes: a folder, one file or a zip.
        index: folder of the index, or a Milvus database.
        is_named: whether the notes were named, rather than found.
        encoder: a sentence-transformers model by name, or an endpoint; None for the built-in one.
        reranker: a CrossEncoder of sentence-transformers by name, or an endpoint; None for none.
        device: of named models, as torch writes it (`cpu`, `cuda:0`, `mps`); None lets
            sentence-transformers choose.
        model: name of the chat model, None where none is named.
        base_url: where it answers, None where no endpoint is named.
        api_key: for it; never shown.
        timeout: seconds an answer of it may take.
        context: tokens of its window.
        nli: a cross-encoder that judges claims, by name; None for none.
        extractive: whether answers are to be sentences of the notes though a model is named.
        hard_links: whether files are read that have a name outside the notes, too.
    """

    notes: Path
    index: Path | MilvusAddress
    is_named: bool = field(default=True, compare=False)
    encoder: str | None = None
    reranker: str | None = None
    device: str | None = None
    model: str | None = None
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout: float = DEFAULT_TIMEOUT_S
    context: int = DEFAULT_CONTEXT
    nli: str | None = None
    extractive: bool = False
    hard_links: bool = False

    @property
    def endpoint(self) -> Endpoint | None:
        """The chat model that was named, or None.

        Raises:
            ConfigError: it is named by half.
        """
        if self.base_url is None:
            return None
        if self.model is None:
            raise ConfigError(
                f"{shown_address(self.base_url)} is to answer, but with which model? "
                "Name it with --model or YOUJU_LLM_MODEL"
            )
        return Endpoint(
            base_url=self.base_url,
            model=self.model,
            api_key=self.api_key,
            timeout_s=self.timeout,
            context=self.context,
        )


def sample_notes() -> Path:
    """The notes that ship with the product."""
    return Path(str(files("corpus").joinpath("samples")))


class _Named(TypedDict, total=False):
    """Models and where they run, as typed; None or absent where nothing was."""

    encoder: str | None
    reranker: str | None
    device: str | None
    model: str | None
    base_url: str | None
    nli: str | None


def load_config(
    *,
    notes: Path | None = None,
    index: Path | str | None = None,
    file: Path | None = None,
    **flags: Unpack[_Named],
) -> Config:
    """The settings in force.

    Args:
        notes: from the command line; else `$YOUJU_NOTES`, else the file's `notes`, else the notes
            last indexed, else the sample notes.
        index: from the command line; else the file's `index`, else a folder of these notes. A text
            that begins with `milvus:` is a Milvus database.
        file: a TOML file; `$YOUJU_CONFIG` if None.
        flags: from the command line: `model` ("extractive" for no chat model) and `base_url`, else
            of the environment, else of the file; `encoder`, `reranker`, `device` and `nli`, else of
            the file. Without, the built-in encoder reads, and nothing reranks, writes or judges.

    Raises:
        ConfigError: the file is missing, is no TOML, or holds a setting that does not exist.
    """
    named = file or (Path(os.environ["YOUJU_CONFIG"]) if os.environ.get("YOUJU_CONFIG") else None)
    values = _read(named) if named else {}
    in_environment = os.environ.get("YOUJU_NOTES", "").strip()
    said = (
        notes
        or (Path(in_environment) if in_environment else None)
        or _path(values.get("notes"), named)
    )
    chosen = (said or last_notes() or sample_notes()).expanduser()
    database = milvus_address(str(index)) if index else None
    if index is None and values.get("index"):
        database = milvus_address(values["index"], base=named.parent if named else None)
    folder = Path(index) if index else _path(values.get("index"), named)
    return Config(
        notes=chosen,
        index=database or (folder.expanduser() if folder else index_folder(chosen)),
        is_named=said is not None,
        encoder=flags.get("encoder") or values.get("encoder"),
        reranker=flags.get("reranker") or values.get("reranker"),
        device=flags.get("device") or values.get("device"),
        nli=flags.get("nli") or values.get("nli"),
        base_url=flags.get("base_url") or _set("BASE_URL") or values.get("base_url"),
        api_key=_set("API_KEY"),
        timeout=_number("timeout", DEFAULT_TIMEOUT_S, values),
        context=int(_number("context", DEFAULT_CONTEXT, values)),
        hard_links=values.get("hard_links") == "true",
        **_writer(flags.get("model"), values),
    )


def _writer(flag: str | None, values: dict[str, str]) -> dict[str, Any]:
    """The chat model's name, and whether it is to be left aside."""
    said = [name for name in (flag, _set("MODEL"), values.get("model")) if name]
    named = [name for name in said if name != _EXTRACTIVE]
    return {"model": named[0] if named else None, "extractive": said[:1] == [_EXTRACTIVE]}


def _set(name: str) -> str | None:
    """A setting of the chat model in the environment; None where it is blank."""
    return os.environ.get(f"YOUJU_LLM_{name}", "").strip() or None


def _number(name: str, default: float, values: dict[str, str]) -> float:
    """A number from the environment, the file or the default."""
    said = _set(name.upper()) or values.get(name)
    try:
        return float(said) if said else default
    except ValueError:
        raise ConfigError(f"{name} must be a number, got {said!r}") from None


def _path(value: str | None, file: Path | None) -> Path | None:
    """A path of the file, relative to the folder the file stands in."""
    if not value:
        return None
    path = Path(value).expanduser()
    return path if path.is_absolute() or file is None else file.parent / path


def _read(file: Path) -> dict[str, str]:
    try:
        with file.expanduser().open("rb") as handle:
            values = tomllib.load(handle)
    except OSError as error:
        raise ConfigError(f"Cannot read {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from None
    known = {known.name for known in fields(Config)} - {"extractive", "api_key", "is_named"}
    if "api_key" in values:
        raise ConfigError(
            f"{file}: a key does not belong in a file. Set YOUJU_LLM_API_KEY, or type: "
            f"keyring set {SERVICE} URL (pip install 'youju[keyring]')"
        )
    for name, value in values.items():
        if name not in known:
            raise ConfigError(
                f"{file}: there is no setting {name!r}; known: {', '.join(sorted(known))}"
            )
        if name in _NUMBERS and type(value) in (int, float):
            values[name] = str(value)
        elif name in _SWITCHES:
            if not isinstance(value, bool):
                raise ConfigError(f"{file}: {name} must be true or false, got {value!r}")
            values[name] = str(value).lower()
        elif not isinstance(value, str):
            raise ConfigError(f"{file}: {name} must be a text in quotes, got {value!r}")
    return values
