"""Text to vectors: the built-in static encoder, or any sentence-transformers model by name.

The built-in encoder needs numpy, `tokenizers` and `safetensors` only: a text's vector is the mean
of its tokens' rows, brought to length 1. Its files lie in `corpus/model`, made by
`python -m eval.training.encoder`. Knows texts and vectors; knows nothing of notes, chunks or
indexes. Called by `corpus.index`.
"""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from corpus.errors import ModelError
from corpus.hub import load_model
from corpus.memory import require_memory
from corpus.text import fold

__all__ = [
    "BUILT_IN",
    "MANIFEST",
    "AbsentEncoder",
    "Encoder",
    "SentenceTransformerEncoder",
    "StaticEncoder",
    "built_in",
    "encoder_text",
    "is_endpoint",
    "load_encoder",
    "token_ids",
]

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
_FILES = ("tokenizer.json", "model.safetensors")
_CACHED = 4096  # texts whose token ids are kept
_MAX_CHARS = 6000  # of a text; a chunk has hundreds
_NUMBERS = 1 << 16  # tokens that two bytes can tell apart
_REINSTALL = "restore corpus/model from the repository, or install youju again"


BUILT_IN = "youju-static"
_QUERY_PROMPTS = (
    "query", "search_query", "retrieval_query", "s2p_query", "retrieval.query", "Retrieval-query",
    "question",
)  # fmt: skip
_PASSAGE_PROMPTS = (
    "document", "passage", "corpus", "search_document", "retrieval_document", "retrieval.passage",
    "Retrieval-document",
)  # fmt: skip
# Families whose cards ask for prompts; their folders may lack them.
_UNDECLARED = (
    (re.compile(r"(?:^|[/_-])(?:multilingual-)?e5-(?:small|base|large)", re.I),
     ("query: ", "passage: ")),
    (re.compile(r"bge-(?:small|base|large)-zh", re.I),
     ("为这个句子生成表示以用于检索相关文章：", "")),
    (re.compile(r"bge-(?:small|base|large)-en", re.I),
     ("Represent this sentence for searching relevant passages: ", "")),
)  # fmt: skip


class Encoder(Protocol):
    """Turns texts into vectors that can be compared by their inner product.

    `fingerprint` changes whenever the same text may get another vector.
    """

    @property
    def name(self) -> str:
        """What a person calls the encoder."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """Names weights, tokenizer and preparation of the text."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of questions, (n, dim): rows of length 1, or of zeros without a known token."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of passages, (n, dim): rows of length 1, or of zeros without a known token."""
        ...


def load_encoder(name: str | None = None, *, device: str | None = None) -> Encoder:
    """The built-in encoder, or a sentence-transformers model by name or folder.

    Args:
        name: None, or its name, for the built-in one; an address (`http://HOST:PORT/v1#MODEL`)
            for an endpoint.
        device: for a named model, as torch writes it (`cpu`, `cuda:0`, `mps`); None lets
            sentence-transformers choose.

    Raises:
        ModelError: the weights are missing, damaged, nobody knows the name, the endpoint does
            not answer, or there is too little memory.
        ConfigError: the address names no model.
    """
    if name is None or (name == BUILT_IN and not Path(name).exists()):
        return built_in()
    if is_endpoint(name):
        from corpus.remote import RemoteEncoder

        return RemoteEncoder(name)
    return SentenceTransformerEncoder(name, device=device)


def built_in() -> StaticEncoder:
    """The encoder that ships; raises ModelError where it is missing or damaged."""
    require_memory()
    return StaticEncoder(Path(str(files("corpus").joinpath("model"))))


def is_endpoint(name: str) -> bool:
    """Whether the name of a model is an address (`corpus.remote`)."""
    return name.startswith(("http://", "https://"))


def encoder_text(text: str) -> str:
    """The text as the built-in encoder sees it: compatibility forms resolved, then folded."""
    folded = fold(text)
    # Nearly every Chinese text holds forms that only folding resolves (，), so it comes first; what
    # is normal then, is what normalizing and folding would have made of it.
    if unicodedata.is_normalized("NFKC", folded):
        return folded
    return fold(unicodedata.normalize("NFKC", text))


def token_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of texts that `encoder_text` has prepared, in order; empty where none is known."""
    return [e.ids for e in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


class StaticEncoder:
    """Means of word vectors. Threads may share it.

    Args:
        folder: holds tokenizer.json, model.safetensors and manifest.json.
        dim: first dimensions to keep, for a smaller index; None keeps all. The model is trained
            so that the first 128 serve by themselves.

    Raises:
        ModelError: a file is missing or is not what the manifest says.
    """

    def __init__(self, folder: Path, *, dim: int | None = None) -> None:
        from safetensors.numpy import load
        from tokenizers import Tokenizer

        self.folder = folder
        manifest, contents = _verified(folder)
        tensors = load(contents["model.safetensors"])
        rows, scales = tensors["embeddings"], tensors["weights"]
        if dim is not None and not 1 <= dim <= rows.shape[1]:
            raise ValueError(f"dim is {dim}, not in [1, {rows.shape[1]}]")
        self._rows: NDArray[np.int8] = np.ascontiguousarray(rows[:, :dim])
        self._scales: NDArray[np.float32] = scales
        self._tokenizer: Any = Tokenizer.from_buffer(contents["tokenizer.json"])
        # `encoder_text` has done what the normalizer does, and more.
        self._tokenizer.normalizer = None
        self.name = str(manifest["name"])
        self.dim = int(self._rows.shape[1])
        digests = "".join(manifest["sha256"][name] for name in _FILES)
        self.fingerprint = sha256(f"{digests} {self.dim}".encode("ascii")).hexdigest()
        self._token_ids = lru_cache(maxsize=_CACHED)(self._ids_of)

    def token_ids(self, text: str) -> NDArray[np.intp]:
        """Numbers of the tokens of a text in order; empty where none is known. Read only."""
        return self._token_ids(text)

    def _ids_of(self, text: str) -> NDArray[np.intp]:
        return np.array(token_ids(self._tokenizer, [encoder_text(text[:_MAX_CHARS])])[0], np.intp)

    def token(self, number: int) -> str:
        """The token of a number, as the tokenizer writes it."""
        return str(self._tokenizer.id_to_token(number))

    def token_vectors(self, ids: NDArray[np.intp], dim: int) -> NDArray[np.float32]:
        """Vectors of tokens by number, their first `dim` dimensions brought to length 1."""
        return _unit(self._rows[ids, :dim].astype(np.float32))

    def token_weights(self, ids: NDArray[np.intp]) -> NDArray[np.float32]:
        """How much each token adds to the vector of a text: the length of its row, at least 0."""
        lengths = np.linalg.norm(self._rows[ids].astype(np.float32), axis=1)
        found: NDArray[np.float32] = lengths * self._scales[ids]
        return found

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_queries`."""
        return self.encode_passages(texts)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_passages`."""
        return self._pooled(self._tokens(texts))

    def encode_parts(
        self, passages: Sequence[Sequence[str]]
    ) -> tuple[NDArray[np.float32], list[bytes | None]]:
        """Vectors of passages, and the tokens of the last text of each.

        Args:
            passages: texts that stand line by line: what is above a passage, and the passage.

        Returns:
            Vectors as `encode_passages`; tokens as `known_tokens` reads them, None where the
            passage is too long to tell, or a number too large for two bytes.
        """
        # No token reaches over a line break: what is above comes again and is read once. Of a text
        # that is cut where it is too long the last part would be longer than it is in the whole.
        is_whole = [sum(map(len, texts)) + len(texts) <= _MAX_CHARS for texts in passages]
        read = self._tokens(
            [
                texts[-1] if whole else "\n".join(texts)
                for texts, whole in zip(passages, is_whole, strict=True)
            ]
        )
        ids = [
            [*self.token_ids("\n".join(texts[:-1])).tolist(), *found] if whole else found
            for texts, found, whole in zip(passages, read, is_whole, strict=True)
        ]
        can_be_told = len(self._rows) <= _NUMBERS
        tokens = [
            _packed(found) if whole and can_be_told else None
            for found, whole in zip(read, is_whole, strict=True)
        ]
        return self._pooled(ids), tokens

    def known_tokens(self, kept: bytes | None) -> NDArray[np.intp] | None:
        """Numbers of the different tokens of a text, ascending; None for what cannot be read."""
        if kept is None or len(kept) % 2:
            return None
        found = np.frombuffer(kept, "<u2").astype(np.intp)
        return None if len(found) and int(found.max()) >= len(self._rows) else found

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return token_ids(self._tokenizer, [encoder_text(text[:_MAX_CHARS]) for text in texts])

    def _pooled(self, texts: list[list[int]]) -> NDArray[np.float32]:
        """The unit vectors of texts, given by their tokens."""
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for out, text in zip(vectors, texts, strict=True):
            ids = np.array(text, np.intp)
            # text by text: its rows stay in the processor's cache, and its vector does not depend
            # on the texts beside it
            np.matmul(self._scales.take(ids), self._rows.take(ids, axis=0).astype(np.float32), out)
        return _unit(vectors)


def _packed(ids: list[int]) -> bytes:
    """The different ones of some numbers, ascending, two bytes each, little-endian."""
    return np.array(sorted(set(ids)), "<u2").tobytes()


class AbsentEncoder:
    """Stands for an encoder that cannot be loaded: what is indexed is found by words.

    Args:
        why: why it cannot be loaded, for a person.
    """

    name, dim, fingerprint = "words only", 1, "absent"

    def __init__(self, why: str) -> None:
        self.why = why

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Raise ModelError."""
        raise ModelError(self.why)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Raise ModelError."""
        raise ModelError(self.why)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows brought to length 1 in place; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(lengths > 0, lengths, 1)
    return vectors


def _verified(folder: Path) -> tuple[Mapping[str, Any], dict[str, bytes]]:
    """Manifest and contents of the model's files, checked against its digests."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        digests = {name: manifest["sha256"][name] for name in _FILES}
        contents = {name: (folder / name).read_bytes() for name in _FILES}
    except OSError as fault:
        path = fault.filename or folder
        raise ModelError(
            f"the built-in encoder lacks {path} ({fault.strerror}): {_REINSTALL}"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{folder / MANIFEST} is damaged: {_REINSTALL}") from None
    for name, content in contents.items():
        if sha256(content).hexdigest() != digests[name]:
            raise ModelError(f"{folder / name} is damaged: {_REINSTALL}")
    return manifest, contents


class SentenceTransformerEncoder:
    """Any sentence-transformers model, with its own prompts for questions and passages.

    Args:
        name: of a model on the hub (`BAAI/bge-m3`), or its folder.
        device: as torch writes it; None lets sentence-transformers choose.
        batch_size: texts encoded together.

    Raises:
        ModelError: there is no such model, or it cannot be read.
    """

    def __init__(self, name: str, *, device: str | None = None, batch_size: int = 32) -> None:
        self._model: Any = load_model(
            "SentenceTransformer", name, option="--encoder", device=device
        )
        self._batch_size = batch_size
        self.name = name
        self.dim = int(self._model.get_embedding_dimension())
        usual = self._model.prompts.get(self._model.default_prompt_name or "", "")
        self._prompts = _prompts(self._model.prompts, name, usual)
        self.fingerprint = _weights_digest(self._model, name, self._prompts)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_queries`."""
        return self._encode(self._model.encode_query, texts, self._prompts[0])

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_passages`."""
        return self._encode(self._model.encode_document, texts, self._prompts[1])

    def _encode(self, encode: Any, texts: Sequence[str], prompt: str) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        vectors = encode(
            list(texts),
            prompt=prompt,  # "" stands for none, also where the model has a default
            batch_size=self._batch_size,
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=True,
        )
        return _unit(np.array(vectors, np.float32))


def _prompts(declared: Mapping[str, str], name: str, usual: str) -> tuple[str, str]:
    """What is put before a question and before a passage.

    What the model declares for the two sides, under one of the names in use, or for every text;
    else, for families known to be trained with prompts that their files do not declare, those.
    """
    found = [
        next((declared[key] for key in keys if declared.get(key)), usual)
        for keys in (_QUERY_PROMPTS, _PASSAGE_PROMPTS)
    ]
    if not any(found):
        for family, pair in _UNDECLARED:
            if family.search(name):
                return pair
    return found[0], found[1]


def _weights_digest(model: Any, name: str, prompts: tuple[str, str]) -> str:
    """Digest of a model's name, prompts and a sample of every tensor: seconds less than of all."""
    digest = sha256(json.dumps([name, *prompts]).encode())
    for key, tensor in sorted(model.state_dict().items()):
        flat = tensor.detach().reshape(-1)
        sample = flat[:: max(1, len(flat) // 1024)].float().cpu().numpy()
        digest.update(f"{key} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(sample.tobytes())
    return digest.hexdigest()
