"""Addresses of Milvus databases, as a person writes them for `--index`.

`milvus://HOST:PORT/DB` is a server, `milvus:FILE.db` an embedded Milvus Lite. What a collection is
made with stands behind a question mark: `?index=DISKANN&shards=4&tls=1`. A password is never part
of an address: it is `$YOUJU_MILVUS_TOKEN`. Knows spelling only; loads nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from corpus.errors import ConfigError

__all__ = ["INDEX_TYPES", "MilvusAddress", "milvus_address"]

SCHEME = "milvus:"
DEFAULT_PORT = 19530
INDEX_TYPES = ("AUTOINDEX", "DISKANN", "FLAT", "HNSW", "HNSW_SQ", "IVF_FLAT", "IVF_SQ8")
_MAX_SHARDS = 16  # what a Milvus server admits per collection
_FORM = "write milvus://HOST:PORT/DB or milvus:FILE.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class MilvusAddress:
    """Where a Milvus database is, and what its collections are made with.

    Attributes:
        uri: `http(s)://HOST:PORT`, or the path of a Milvus Lite database.
        database: on the server; empty for its default one.
        is_lite: whether the engine is embedded in this process.
        index: type of the index of dense vectors; None for exact search in Lite, HNSW elsewhere.
        shards: write channels of the passages' collection, in [1, 16].
    """

    uri: str
    database: str = ""
    is_lite: bool = False
    index: str | None = None
    shards: int = 1

    def __str__(self) -> str:
        """The address without its options."""
        if self.is_lite:
            return f"{SCHEME}{self.uri}"
        return f"{SCHEME}//{self.uri.partition('//')[2]}/{self.database}".rstrip("/")


def milvus_address(text: str, *, base: Path | None = None) -> MilvusAddress | None:
    """The Milvus address that a text is; None for a text that does not begin as one.

    Args:
        text: what was written for `--index`.
        base: folder that a relative file is looked for in; the working folder if None.

    Raises:
        ConfigError: it begins as one, and is none.
    """
    if not text.startswith(SCHEME):
        return None
    shown = _without_user(text)
    place, _, query = text.removeprefix(SCHEME).partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    unknown = options.keys() - {"index", "shards", "tls"}
    if unknown:
        raise ConfigError(
            f"{shown}: there is no option {min(unknown)!r}; known: index, shards, tls"
        )
    index, shards = _index_of(shown, options), _shards_of(shown, options)
    if not place.startswith("//"):
        if not place.endswith(".db"):
            raise ConfigError(f"{shown}: a Milvus Lite database is a path ending in .db; {_FORM}")
        path = Path(place).expanduser()
        path = path if path.is_absolute() or base is None else base / path
        return MilvusAddress(uri=str(path.absolute()), is_lite=True, index=index)
    try:
        parts = urlsplit(f"milvus:{place}")
        host, port = parts.hostname, parts.port or DEFAULT_PORT
    except ValueError as fault:
        raise ConfigError(f"{shown}: {fault}; {_FORM}") from None
    if not host or parts.username is not None:
        why = "put USER:PASSWORD into YOUJU_MILVUS_TOKEN" if parts.username else _FORM
        raise ConfigError(f"{shown} is no Milvus address: {why}")
    database = parts.path.strip("/")
    if "/" in database:
        raise ConfigError(f"{shown}: {database!r} is no name of a database; {_FORM}")
    host = f"[{host}]" if ":" in host else host
    scheme = "https" if options.get("tls", "0") not in ("0", "") else "http"
    return MilvusAddress(
        uri=f"{scheme}://{host}:{port}", database=database, index=index, shards=shards
    )


def _without_user(text: str) -> str:
    """What may be shown of an address: a password written into it stays hidden."""
    head, at, tail = text.rpartition("@")
    return f"{SCHEME}//…@{tail}" if at and "//" in head else text


def _index_of(shown: str, options: dict[str, str]) -> str | None:
    if "index" not in options:
        return None
    name = options["index"].upper()
    if name not in INDEX_TYPES:
        raise ConfigError(f"{shown}: index is one of {', '.join(INDEX_TYPES)}")
    return name


def _shards_of(shown: str, options: dict[str, str]) -> int:
    said = options.get("shards", "1")
    if not said.isdecimal() or not 1 <= int(said) <= _MAX_SHARDS:
        raise ConfigError(f"{shown}: shards is a number from 1 to {_MAX_SHARDS}, got {said!r}")
    return int(said)
