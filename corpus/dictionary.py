"""jieba's dictionary and the segmentation that it gives, in less time than jieba takes.

Words are those of `jieba.cut(HMM=False)`, from one pass over a run instead of three; a test
compares. The dictionary is kept so that a command that asks one question need not read all of it:
half a million words in a dict take half a second to build. A short command looks up a few
thousand: it searches a sorted array of hashed words; once many have been asked for, the dict is
built after all. Caches lie in the cache folder behind a checksum; one that is torn or of another
version is made anew. Knows words, not notes; called by `tokens`.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from array import array
from bisect import bisect_left
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b, sha256
from math import log
from pathlib import Path
from typing import Any

__all__ = ["Dictionary", "damaged_caches"]

_NAME_TAGS = frozenset({"nr", "ns", "nt", "nz"})
_MAX_RUN = 256  # of ideographs that are segmented at once: quadratic on repetitions
_BLOCKS = re.compile("[\u4e00-\u9fd5]+|.", re.DOTALL)  # jieba takes other ideographs for marks
_PAYS = 60_000  # lookups in the array that cost as much as the dict


class _Words:
    """Counts of words in a sorted array of hashes; remembers them, counts what it looks up."""

    def __init__(self, keys: array[int], counts: array[int], grow: Callable[[], None]) -> None:
        self._keys, self._counts, self._grow = keys, counts, grow
        self._left = _PAYS
        self._found: dict[str, int | None] = {}

    def get(self, word: str) -> int | None:
        """The count of a word, 0 for the beginning of one, None for another."""
        try:
            return self._found[word]
        except KeyError:
            count = self._found[word] = self._look_up(word)
            return count

    def _look_up(self, word: str) -> int | None:
        self._left -= 1
        if not self._left:
            self._grow()
        key = _key(word)
        at = bisect_left(self._keys, key)
        if at < len(self._keys) and self._keys[at] == key:
            return self._counts[at]
        return None

    def __contains__(self, word: str) -> bool:
        return self.get(word) is not None

    def __getitem__(self, word: str) -> int:
        count = self.get(word)
        if count is None:
            raise KeyError(word)
        return count


class _Weights(dict[int, float]):
    """Logarithm of the share that a word of so many occurrences has."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self._total = log(total)

    def __missing__(self, count: int) -> float:
        weight = self[count] = log(count) - self._total
        return weight


def _key(word: str) -> int:
    return int.from_bytes(blake2b(word.encode("utf-8"), digest_size=8).digest(), "little")


class Dictionary:
    """Words with their frequencies in general Chinese, and the segmentation that they give."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokenizer: Any = None
        self._version = ""
        self._names: frozenset[str] | None = None
        self._weights = _Weights(1)

    def cut(self, run: str) -> list[str]:
        """Words of a run of ideographs, in order, covering it: the likeliest, each by itself."""
        words: list[str] = []
        for at in range(0, len(run), _MAX_RUN):
            for block in _BLOCKS.findall(run[at : at + _MAX_RUN]):
                words += self._cut(block) if len(block) > 1 else [block]
        return words

    def _cut(self, block: str) -> list[str]:
        """The words whose shares have the greatest product; of equals, the longer one first."""
        tokenizer = self._tokenizer or self._load()
        count_of, weights, n = tokenizer.FREQ.get, self._weights, len(block)
        best, ends = [0.0] * (n + 1), [0] * n  # of the rest from each character on
        for start in range(n - 1, -1, -1):
            end, stop, most = start + 1, 0, 0.0
            count = count_of(block[start])
            while count is not None:  # a word, or the beginning of one: that has the count 0
                if count:
                    weight = weights[count] + best[end]
                    if weight >= most or not stop:
                        most, stop = weight, end
                if end == n:
                    break
                end += 1
                count = count_of(block[start:end])
            if not stop:  # no word begins here
                most, stop = weights[1] + best[start + 1], start + 1
            best[start], ends[start] = most, stop
        words, start = [], 0
        while start < n:
            words.append(block[start : ends[start]])
            start = ends[start]
        return words

    def knows(self, word: str) -> bool:
        """Whether the dictionary holds the word (prefixes of words have frequency 0)."""
        tokenizer = self._tokenizer or self._load()
        return bool(tokenizer.FREQ.get(word))

    def frequency(self, word: str) -> float:
        """Share of the word in general Chinese, in [0, 1]; 0 for one the dictionary lacks."""
        tokenizer = self._tokenizer or self._load()
        return float(tokenizer.FREQ.get(word) or 0) / float(tokenizer.total)

    def is_name(self, word: str) -> bool:
        """Whether the dictionary tags the word as a name of a person, place, firm or brand."""
        if self._names is None:
            self._names = self._read_names()
        return word in self._names

    def read_all(self) -> None:
        """Read all words into memory, 55 MB, which pays for who asks more than a few questions."""
        tokenizer = self._tokenizer or self._load()
        if isinstance(tokenizer.FREQ, _Words):
            tokenizer.FREQ = self._whole(tokenizer)[0]
        self.is_name("")

    def _load(self) -> Any:
        with self._lock:
            if self._tokenizer is None:
                jieba = _import_jieba()
                jieba.setLogLevel(logging.WARNING)
                self._version = str(jieba.__version__)
                tokenizer = jieba.Tokenizer()
                short = _read(self._cache("keys"))
                if short is None:
                    words, total = self._whole(tokenizer)
                    _write(self._cache("keys"), _packed(words, total))
                    tokenizer.FREQ, tokenizer.total = words, total
                else:
                    keys, counts, total = _unpacked(short)

                    def grow() -> None:
                        tokenizer.FREQ = self._whole(tokenizer)[0]

                    tokenizer.FREQ, tokenizer.total = _Words(keys, counts, grow), total
                self._weights = _Weights(tokenizer.total)
                tokenizer.initialized = True
                self._tokenizer = tokenizer
        return self._tokenizer

    def _whole(self, tokenizer: Any) -> tuple[dict[str, int], int]:
        """All words with their counts, beginnings of words with 0, and the sum of the counts.

        Parsing the dictionary takes a second, jieba's own cache most of one; ours, a text of
        words beside their numbers, a fifth.
        """
        body = _read(self._cache("words"))
        with suppress(ValueError):
            if body is not None:
                numbers, words = body.split(b"\n\n", 1)
                total, *counts = map(int, numbers.split())
                return dict(zip(words.decode("utf-8").split("\n"), counts, strict=True)), total
        found: dict[str, int]
        found, total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
        numbers = " ".join(map(str, (total, *found.values()))).encode("ascii")
        _write(self._cache("words"), numbers + b"\n\n" + "\n".join(found).encode("utf-8"))
        return found, int(total)

    def _read_names(self) -> frozenset[str]:
        tokenizer = self._tokenizer or self._load()
        body = _read(self._cache("names"))
        if body is not None:
            return frozenset(body.decode("utf-8").split("\n"))
        with tokenizer.get_dict_file() as file:
            rows = (line.decode("utf-8").split() for line in file)
            found = frozenset(row[0] for row in rows if len(row) == 3 and row[2][:2] in _NAME_TAGS)
        _write(self._cache("names"), "\n".join(sorted(found)).encode("utf-8"))
        return found

    def _cache(self, kind: str) -> Path | None:
        from corpus.places import cache_folder

        folder = cache_folder()
        return (
            folder / f"jieba-{self._version}-{sys.byteorder}.{kind}" if folder is not None else None
        )


def damaged_caches() -> list[Path]:
    """Caches of the dictionary that are not what was written; they are made again when needed."""
    from corpus.places import data_home

    return [
        path
        for path in sorted((data_home() / "cache").glob("jieba-*"))
        if path.suffix in (".keys", ".names", ".words") and _read(path) is None
    ]


def _import_jieba() -> Any:
    """The package, without pkg_resources: it costs up to 0.3 s and warns.

    jieba imports it only to find its dictionary, and falls back to open().
    """
    import warnings

    missing = object()
    before = sys.modules.get("pkg_resources", missing)
    sys.modules["pkg_resources"] = None  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in jieba's sources
            import jieba
    finally:
        if before is missing:
            del sys.modules["pkg_resources"]
        else:
            sys.modules["pkg_resources"] = before  # type: ignore[assignment]
    return jieba


def _packed(words: dict[str, int], total: int) -> bytes:
    import numpy as np

    keys = np.fromiter(map(_key, words), np.uint64, len(words))
    counts = np.fromiter(words.values(), np.int64, len(words))
    order = np.argsort(keys)
    return array("q", [total]).tobytes() + keys[order].tobytes() + counts[order].tobytes()


def _unpacked(body: bytes) -> tuple[array[int], array[int], int]:
    head, keys, counts = array("q"), array("Q"), array("q")
    head.frombytes(body[:8])
    half = 8 + (len(body) - 8) // 2
    keys.frombytes(body[8:half])
    counts.frombytes(body[half:])
    return keys, counts, head[0]


def _read(path: Path | None) -> bytes | None:
    """What a cache holds; None if it is absent or not what was written."""
    if path is None:
        return None
    with suppress(OSError):
        head, _, body = path.read_bytes().partition(b"\n")
        if sha256(body).hexdigest().encode("ascii") == head:
            return body
    return None


def _write(path: Path | None, body: bytes) -> None:
    """Keep a cache behind its checksum; one that cannot be kept is only slower."""
    if path is None:
        return
    with suppress(OSError):
        temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        temporary.write_bytes(sha256(body).hexdigest().encode("ascii") + b"\n" + body)
        temporary.replace(path)
