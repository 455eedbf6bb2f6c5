"""A moment of `tests.fuzz` for each parser, and every input that once broke one.

`YOUJU_FUZZ=20000` tries so many inputs; `python -m tests.fuzz --seconds 3600` goes on for long.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import fuzz
from tests.fuzz import CRASHES, TARGETS, WORDS, attempt, generated, keep, smallest

# before the fixtures clean the environment
N_INPUTS = int(os.environ.get("YOUJU_FUZZ", "40"))


def inputs(target: str) -> st.SearchStrategy[bytes]:
    """Pieces in any order with bytes of any kind between them."""
    pieces = st.lists(
        st.one_of(st.sampled_from(WORDS[target]), st.binary(max_size=12)), max_size=40
    )
    if target == "archive":  # one whole archive, damaged anywhere
        return st.tuples(st.sampled_from(WORDS[target]), st.integers(0), st.binary(max_size=6)).map(
            lambda drawn: _spliced(*drawn)
        )
    return pieces.map(b"".join)


def _spliced(data: bytes, at: int, patch: bytes) -> bytes:
    at %= len(data) + 1
    return data[:at] + patch + data[at + len(patch) :]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.timeout(0 if N_INPUTS > 40 else 120)
def test_a_parser_takes_whatever_it_is_given(target: str) -> None:
    broken: list[bytes] = []

    @settings(max_examples=N_INPUTS, database=None, deadline=None)
    @given(inputs(target))
    def tried(data: bytes) -> None:
        broken.append(data)
        attempt(target, data)
        broken.pop()

    try:
        tried()
        chance = random.Random(target)
        for _ in range(N_INPUTS):
            data = generated(target, chance)
            broken.append(data)
            attempt(target, data)
            broken.pop()
    finally:
        if broken:
            keep(target, min(broken, key=len))  # hypothesis ends with the smallest it found


@pytest.mark.parametrize("path", sorted(CRASHES.glob("*.bin")), ids=lambda path: path.stem)
def test_what_once_broke_a_parser_breaks_it_no_more(path: Path) -> None:
    attempt(path.stem.rpartition("-")[0], path.read_bytes())


def test_a_fault_is_found_made_small_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fragile(data: bytes) -> None:
        assert b"[[" not in data

    monkeypatch.setitem(fuzz.TARGETS, "query", fragile)
    monkeypatch.setattr(fuzz, "CRASHES", tmp_path / "crashes")
    assert smallest("query", b"words [[ and more") == b"[["
    assert fuzz.main(["query", "--seconds", "5", "--seed", "1"]) == 1
    (kept,) = (tmp_path / "crashes").iterdir()
    assert kept.read_bytes() == b"[["
