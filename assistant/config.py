"""Settings of a person: from a flag, else the environment, else a TOML file, else the default.

Knows names and types of settings; creates and opens nothing. Called by `cli`.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path

from corpus.errors import ConfigError
from corpus.places import index_folder, last_notes

__all__ = ["Config", "load_config", "sample_notes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Where notes and index are, and which encoder reads them.

    Attributes:
        notes: a folder, one file or a zip.
        index: folder of the index.
        encoder: a sentence-transformers model by name, or an endpoint; None for the built-in one.
        reranker: a CrossEncoder of sentence-transformers by name, or an endpoint; None for none.
        device: of named models, as torch writes it (`cpu`, `cuda:0`, `mps`); None lets
            sentence-transformers choose.
    """

    notes: Path
    index: Path
    encoder: str | None = None
    reranker: str | None = None
    device: str | None = None


def sample_notes() -> Path:
    """The notes that ship with the product."""
    return Path(str(files("corpus").joinpath("samples")))


def load_config(
    *,
    notes: Path | None = None,
    index: Path | None = None,
    encoder: str | None = None,
    reranker: str | None = None,
    device: str | None = None,
    file: Path | None = None,
) -> Config:
    """The settings in force.

    Args:
        notes: from the command line; else `$YOUJU_NOTES`, else the file's `notes`, else the notes
            last indexed, else the sample notes.
        index: from the command line; else the file's `index`, else a folder of these notes.
        encoder: from the command line; else the file's `encoder`, else the built-in one.
        reranker: from the command line; else the file's `reranker`, else none.
        device: from the command line; else the file's `device`, else chosen by the library.
        file: a TOML file; `$YOUJU_CONFIG` if None.

    Raises:
        ConfigError: the file is missing, is no TOML, or holds a setting that does not exist.
    """
    named = file or (Path(os.environ["YOUJU_CONFIG"]) if os.environ.get("YOUJU_CONFIG") else None)
    values = _read(named) if named else {}
    in_environment = os.environ.get("YOUJU_NOTES", "").strip()
    chosen = (
        notes
        or (Path(in_environment) if in_environment else None)
        or _path(values.get("notes"), named)
        or last_notes()
        or sample_notes()
    ).expanduser()
    folder = index or _path(values.get("index"), named)
    return Config(
        notes=chosen,
        index=folder.expanduser() if folder else index_folder(chosen),
        encoder=encoder or values.get("encoder"),
        reranker=reranker or values.get("reranker"),
        device=device or values.get("device"),
    )


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
    known = {field.name for field in fields(Config)}
    for name, value in values.items():
        if name not in known:
            raise ConfigError(
                f"{file}: there is no setting {name!r}; known: {', '.join(sorted(known))}"
            )
        if not isinstance(value, str):
            raise ConfigError(f"{file}: {name} must be a text in quotes, got {value!r}")
    return values
