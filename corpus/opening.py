"""Opening an index where it lives: a folder, or a Milvus database.

Knows the two kinds, not what either does. Called by `assistant.pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.chunking import DEFAULT_SIZE
from corpus.milvus.address import MilvusAddress
from corpus.protocol import Index

if TYPE_CHECKING:
    from corpus.encoder import Encoder

__all__ = ["open_index"]


def open_index(
    place: Path | MilvusAddress,
    *,
    encoder: Encoder,
    chunk_size: int = DEFAULT_SIZE,
    earlier: Callable[[str], Encoder] | None = None,
) -> Index:
    """The index in a folder or a database; an empty one is begun if there is none.

    Args:
        place: where it lives.
        encoder: for passages and queries.
        chunk_size: most characters of a passage.
        earlier: loads an encoder by name, for an index whose vectors come from that one.

    Raises:
        IndexError_: the folder or the database cannot be used.
        MissingExtra: it is a Milvus database, and pymilvus or Milvus Lite is not installed.
    """
    if isinstance(place, MilvusAddress):
        from corpus.milvus.index import MilvusIndex

        return MilvusIndex.open(place, encoder=encoder, chunk_size=chunk_size, earlier=earlier)
    from corpus.index import Index as FolderIndex

    return FolderIndex.open(place, encoder=encoder, chunk_size=chunk_size, earlier=earlier)
