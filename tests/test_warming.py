"""What is read ahead of the questions: the same as what they would look up, and no fault of it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from assistant import warming
from corpus.errors import ModelError
from tests.conftest import REPO

# In a process of its own: what this one has looked up decides nothing.
_SAID = """
import sys
from assistant import thesaurus, warming
from assistant.retrieval import known_terms
from corpus import glossary, tokens

class Models:
    def load_models(self): print("models")

words = ["开销", "模型", "训练", "cheap", "give up", "recall", "排序", "没有这个词"]
if sys.argv[1] == "warm":
    warming.warm(Models())
    assert known_terms.cache_info().currsize > 50_000
for word in words:
    print(word, sorted(thesaurus.kin(word)), glossary.translations(word), known_terms(word))
    print(tokens.commonness(word), tokens.is_proper(word), tokens.terms(word))
looked = thesaurus._table()._at is None
assert looked == (sys.argv[1] != "warm"), looked
"""


def test_what_is_read_ahead_says_what_is_looked_up() -> None:
    env = {**os.environ, "PYTHONPATH": str(REPO)}
    said = [
        subprocess.run(
            [sys.executable, "-c", _SAID, how], env=env, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for how in ("cold", "warm")
    ]
    assert said[1] == ["models", *said[0]]
    assert len(said[0]) == 16


def test_a_model_that_is_missing_is_left_to_who_needs_it(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def load_models(self) -> None:
            raise ModelError("no model")

    caplog.set_level("INFO", logger="assistant.warming")
    thread = warming.warm_beside(Broken(), after_s=0.0)
    thread.join(20)
    assert not thread.is_alive()
    assert thread.daemon
    assert "no model" in caplog.text
    with pytest.raises(ModelError):
        warming.warm(Broken())
