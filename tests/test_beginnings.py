"""Which runs of short words are looked at further: every word of ours must be reached."""

from __future__ import annotations

from assistant import words as reading
from assistant.lexicon import listed
from assistant.thesaurus import members


def test_every_short_word_of_ours_has_its_beginnings() -> None:
    begins = reading._beginnings()
    known = [w for w in {*members(), *listed()} if 1 < len(w) <= 4 and reading._is_lexical(w)]
    assert len(known) > 1000
    assert all(word[:n] in begins for word in known for n in range(1, len(word)))


def test_words_are_the_same_before_and_after_it_pays() -> None:
    reading.words.cache_clear()
    text = "并不是没有把握的低阶方案，而不是不可或缺的，拿不准，并非不便宜。"
    before = reading.words.__wrapped__(text)
    for n in range(reading._PAYS + 1):
        reading.words(f"第{n}条")
    assert reading.words.cache_info().misses > reading._PAYS
    assert reading.words.__wrapped__(text) == before
