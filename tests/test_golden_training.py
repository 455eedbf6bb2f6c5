"""The sets written for training and the second set over the feed are sound.

Their spans are checked where their notes are: always for the sample notes, for the feed and the
vault only beside `../shared`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from eval.golden.relocate import GOLDEN, SAMPLES, holds, notes_in, read_jsonl, split_of
from eval.goldens import claims, questions

VERDICTS = {"supported", "contradicted", "unsupported"}


def rows(name: str) -> list[dict[str, Any]]:
    return read_jsonl(GOLDEN / name)


@pytest.mark.parametrize("name", ["train_questions.jsonl", "feed2_questions.jsonl"])
def test_questions_have_a_gold_span_and_facts_or_neither(name: str) -> None:
    found = rows(name)
    assert len({row["id"] for row in found}) == len(found)
    for row in found:
        assert row["question"].strip()
        assert bool(row["gold"]) == bool(row["facts"]) == row["answerable"], row["id"]


@pytest.mark.parametrize("name", ["train_claims.jsonl", "feed2_claims.jsonl"])
def test_claims_have_evidence_unless_the_notes_are_silent(name: str) -> None:
    found = rows(name)
    assert len({row["id"] for row in found}) == len(found)
    for row in found:
        assert row["verdict"] in VERDICTS
        assert bool(row["evidence"]) == (row["verdict"] != "unsupported"), row["id"]


def test_training_takes_only_notes_of_the_dev_half() -> None:
    for row in [*rows("train_questions.jsonl"), *rows("train_claims.jsonl")]:
        assert row["split"] == "dev"
        note = row.get("near") or row.get("about")
        if row["corpus"] == "samples":
            assert split_of(note) == "dev", row["id"]


def test_what_judges_is_never_trained_on() -> None:
    kept = {row["question"] for row in rows("feed2_questions.jsonl")}
    kept |= {row["claim"] for row in rows("feed2_claims.jsonl")}
    seen = {row["question"] for row in rows("train_questions.jsonl")}
    seen |= {row["claim"] for row in rows("train_claims.jsonl")}
    assert not kept & seen
    assert {row["split"] for row in rows("feed2_questions.jsonl")} == {"test"}
    assert {row["split"] for row in rows("feed2_claims.jsonl")} == {"test"}


def test_spans_over_the_sample_notes_say_their_quotes_and_facts() -> None:
    notes = notes_in(SAMPLES)
    for row in [*rows("train_questions.jsonl"), *rows("train_claims.jsonl")]:
        if row["corpus"] != "samples":
            continue
        spans = row.get("gold") or row.get("evidence") or []
        for span in spans:
            assert notes[span["note"]][span["start"] : span["end"]] == span["quote"], row["id"]
        said = "\n".join(span["quote"] for span in spans)
        assert all(holds(said, fact) for fact in row.get("facts", [])), row["id"]


@pytest.mark.parametrize("corpus", ["notes", "restated"])
def test_spans_over_the_notes_written_for_training_say_their_quotes_and_facts(corpus: str) -> None:
    notes = notes_in(GOLDEN / corpus)
    for row in [*rows("train_questions.jsonl"), *rows("train_claims.jsonl")]:
        if row["corpus"] != corpus:
            continue
        spans = row.get("gold") or row.get("evidence") or []
        for span in spans:
            assert notes[span["note"]][span["start"] : span["end"]] == span["quote"], row["id"]
        said = "\n".join(span["quote"] for span in spans)
        assert all(holds(said, fact) for fact in row.get("facts", [])), row["id"]


def test_spans_over_the_feed_hold_their_facts(shared_dir: Path) -> None:
    notes = notes_in(shared_dir / "notes-feed.txt")
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in notes.items()}
    names = ("train_questions.jsonl", "train_claims.jsonl", "feed2_questions.jsonl")
    for row in (r for name in names for r in rows(name) if r["corpus"] == "feed"):
        spans = row.get("gold") or row.get("evidence") or []
        for span in spans:
            assert span["sha256"] == digests[span["note"]], row["id"]
        said = "\n".join(notes[s["note"]][s["start"] : s["end"]] for s in spans)
        assert all(holds(said, fact) for fact in row.get("facts", [])), row["id"]


def test_the_loaders_give_every_set_by_its_notes() -> None:
    by_corpus = Counter(row["corpus"] for row in rows("train_questions.jsonl"))
    for corpus, n in by_corpus.items():
        assert len(questions(f"train-{corpus}", "dev")) == n
    assert not questions("train-feed", "test")
    by_corpus = Counter(row["corpus"] for row in rows("train_claims.jsonl"))
    for corpus, n in by_corpus.items():
        assert len(claims(f"train-{corpus}", "dev")) == n
    assert len(claims("feed2", "test")) == len(rows("feed2_claims.jsonl"))
