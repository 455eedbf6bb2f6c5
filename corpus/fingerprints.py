"""What an index was made by: versions of readers, cutting and terms, and the encoder.

Knows the versions; does not know what follows where they differ. Called by `refresh`, `inspection`
and the index on Milvus.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from corpus.chunking import CHUNKER_VERSION
from corpus.drafts import READERS_VERSION
from corpus.rows import stored_json
from corpus.tables import Reader
from corpus.tokens import TOKENIZER_VERSION

if TYPE_CHECKING:
    from corpus.encoder import Encoder

__all__ = ["encoder_of", "fingerprint_of", "made_by"]


def fingerprint_of(encoder: Encoder, chunk_size: int) -> str:
    """Names all that passages, terms and vectors depend on, as JSON."""
    return json.dumps(
        {
            "encoder": encoder.fingerprint,
            "tokenizer": TOKENIZER_VERSION,
            "chunker": CHUNKER_VERSION,
            "readers": READERS_VERSION,
            "size": chunk_size,
        },
        sort_keys=True,
    )


def encoder_of(reader: Reader) -> str | None:
    """Fingerprint of the encoder that the vectors come from; None before the first refresh."""
    fingerprint = reader.meta("fingerprint")
    return None if fingerprint is None else made_by(fingerprint, "encoder")


def made_by(fingerprint: str, part: str) -> str:
    """The version of a part that made an index; empty for one whose fingerprint lacks it."""
    return str(stored_json(fingerprint, dict).get(part, ""))
