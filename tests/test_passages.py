"""What a claim is compared with: chosen by letters as reading every sentence would choose it."""

from __future__ import annotations

import random

import numpy as np

from assistant.passages import (
    Passage,
    _letters,
    _rough_coverage,
    _Sought,
    _spelled,
    holds,
    passages_of,
    roughly_best,
)
from assistant.words import words
from corpus.chunking import chunk_note
from corpus.readers import Vault
from eval import goldens

_ODD = (
    "多得不到一点好处，看不见也听不清。", "The studies were running; classes met, bgem3's BGE-M3.",
    "node.js, C++ and C# beside Llama-3.1-405B-Instruct, DeepSeekV2 and x_y-z+1", "カタカナ 𠀀𠀁",
)  # fmt: skip


def sample_passages() -> list[Passage]:
    vault = Vault(goldens.notes_of("sample", None))
    return [
        passage
        for file in sorted(vault.files(), key=lambda file: file.path)
        for note in vault.read(file)
        for chunk in chunk_note(note)
        for passage in passages_of(note, chunk)
    ]


PASSAGES = sample_passages()


def test_the_letters_of_a_text_admit_every_name_of_its_words() -> None:
    texts = [*_ODD, *(p.text for p in PASSAGES[::6]), *(p.context for p in PASSAGES[::40])]
    names = 0
    for text in texts:
        there = _letters(text)
        for name in there.bag:
            names += 1
            assert there.may_name(*_spelled(name)), (name, text)
    assert names > 2_000
    assert not _letters("召回与排序").may_name(*_spelled("模型"))
    assert not _letters("recall and ranking").may_name(*_spelled("studies"))


def test_the_best_by_letters_are_those_of_reading_all() -> None:
    draw = random.Random(3)
    claims = [one.claim for one in goldens.claims("sample", "dev")][::90]
    for claim in claims:
        ours = words(claim)
        weights = np.array([draw.choice([0.0, 0.25, 0.4, 1.3, 2.7, 8.0]) for _ in ours])
        some = draw.sample(PASSAGES, 60)
        some += draw.sample(some, 4)  # as good ones keep their order
        sought = [_Sought(w, x) for w, x in zip(ours, weights.tolist(), strict=True) if x]
        wanted = sorted(some, key=lambda p: -_rough_coverage(sought, p))[:12]
        assert [id(p) for p in roughly_best(ours, weights, some, 12)] == list(map(id, wanted))
        for passage in some[:20]:
            bag, folded = _letters(passage.text).bag, _letters(passage.text).folded
            plain = [w.text in folded or w.text in bag or not w.known.isdisjoint(bag) for w in ours]
            assert holds(passage, ours) == plain
    assert roughly_best(words(claims[0]), np.ones(len(words(claims[0]))), [], 12) == []
