"""The gold questions are sound: schema, ids, splits, and spans that still say what they said.

Over the sample notes a span is checked by its quote; `python -m eval.golden.relocate` mends the
offsets after an edit. The vault's text is not in the repository: its spans are checked against
`../shared/data/vault_dev.tar.xz` where it is.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.decoding import decode
from eval.golden.relocate import (
    GOLDEN,
    SAMPLES,
    holds,
    locate,
    notes_in,
    parts_of,
    read_jsonl,
    relocate,
    split_of,
)

SETS = {"sample": "sample_questions.jsonl", "vault": "vault_questions.jsonl"}
KINDS = set(
    "definition list comparison steps why number date name pros_cons code yes_no how".split()
)
TYPES = {"lookup", "paraphrase", "multi_note", "cross_language", "unanswerable"}
FOLLOW_UPS = {"open", "pronoun", "ellipsis", "swap", "detail", "topic_change"}
KEYS = set("id split lang kind type question answerable gold facts note".split())
TURN_KEYS = {"follow_up", "question", "standalone", "gold", "facts"}
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def sample_notes() -> dict[str, str]:
    return notes_in(SAMPLES)


@pytest.fixture(scope="module")
def vault_notes(shared_dir: Path) -> dict[str, str]:
    """Text of the notes of the published vaults by path, `studies/…` and so on."""
    archive = shared_dir / "data" / "vault_dev.tar.xz"
    if not archive.is_file():
        pytest.skip(f"{archive} is absent")
    notes = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and member.name.endswith(".md"):
                data = tar.extractfile(member)
                assert data is not None
                name = member.name.removeprefix("./").removeprefix("vault_dev/")
                notes[name] = decode(data.read())
    return notes


def questions(name: str) -> list[dict[str, Any]]:
    return read_jsonl(GOLDEN / SETS[name])


def dialogues() -> list[dict[str, Any]]:
    return read_jsonl(GOLDEN / "dialogues.jsonl")


def missing_facts(part: dict[str, Any], text: str) -> list[Any]:
    """Facts of which no alternative stands in the text."""
    return [fact for fact in part["facts"] if not holds(text, fact)]


def near_of(row: dict[str, Any]) -> str | None:
    """Note nearest to an unanswerable question, or None if it is far from all of them."""
    match = re.match(r"near (.+?\.md)(?:;|$)", row["note"])
    return match.group(1) if match else None


def absent_patterns(row: dict[str, Any]) -> list[str]:
    """Expressions that would match a line holding the answer; none may match in any note."""
    _, mark, patterns = row["note"].partition("absent: ")
    assert mark, row["id"]
    return patterns.split(" && ")


def present(rows: list[dict[str, Any]], notes: dict[str, str]) -> Iterator[str]:
    """A line for each note line that might answer an unanswerable question."""
    lines = [(name, line) for name, text in notes.items() for line in text.split("\n")]
    for row in rows:
        if row["answerable"]:
            continue
        for pattern in absent_patterns(row):
            sought = re.compile(pattern, re.IGNORECASE)
            yield from (f"{row['id']}: {n}: {x[:80]}" for n, x in lines if sought.search(x))


@pytest.mark.parametrize("name", SETS)
def test_every_question_has_the_fields_and_values_of_the_data_card(name: str) -> None:
    for row in questions(name):
        assert set(row) == KEYS, row["id"]
        assert row["split"] in {"dev", "test"}
        assert row["kind"] in KINDS
        assert row["type"] in TYPES
        assert row["lang"] == ("zh" if HAN.search(row["question"]) else "en"), row["id"]
        assert row["question"] == row["question"].strip() != ""
        assert row["answerable"] is (row["type"] != "unanswerable")
        assert bool(row["gold"]) is bool(row["facts"]) is row["answerable"], row["id"]
        assert (row["type"] == "multi_note") is (len({g["note"] for g in row["gold"]}) > 1)
        extra = {"quote"} if name == "sample" else {"sha256"}
        for gold in row["gold"]:
            assert set(gold) == {"note", "start", "end"} | extra, row["id"]
            assert 0 <= gold["start"] < gold["end"]


def test_every_dialogue_has_two_to_four_turns_and_opens_in_full() -> None:
    for row in dialogues():
        assert set(row) == {"id", "split", "lang", "turns", "note"}
        assert 2 <= len(row["turns"]) <= 4, row["id"]
        assert [t["follow_up"] == "open" for t in row["turns"]].index(True) == 0
        assert sum(t["follow_up"] == "open" for t in row["turns"]) == 1
        for turn in row["turns"]:
            assert set(turn) == TURN_KEYS
            assert turn["follow_up"] in FOLLOW_UPS
            assert turn["question"].strip()
            assert turn["standalone"].strip()
            assert turn["gold"]
            assert turn["facts"]


def test_ids_and_questions_are_unique() -> None:
    rows = [*questions("sample"), *questions("vault"), *dialogues()]
    assert not [i for i, n in Counter(row["id"] for row in rows).items() if n > 1]
    for name in SETS:
        asked = Counter(row["question"].casefold() for row in questions(name))
        assert not [question for question, n in asked.items() if n > 1]


@pytest.mark.parametrize("name", SETS)
def test_the_split_of_a_question_is_that_of_its_first_note(name: str) -> None:
    for row in questions(name):
        home = row["gold"][0]["note"] if row["gold"] else near_of(row) or row["question"]
        assert row["split"] == split_of(home), row["id"]


def test_the_split_of_a_dialogue_is_that_of_its_first_note() -> None:
    for row in dialogues():
        assert row["split"] == split_of(row["turns"][0]["gold"][0]["note"]), row["id"]


@pytest.mark.parametrize("name", SETS)
def test_no_note_is_home_to_questions_of_both_splits(name: str) -> None:
    homes: dict[str, set[str]] = {"dev": set(), "test": set()}
    for row in questions(name):
        home = row["gold"][0]["note"] if row["gold"] else near_of(row)
        if home:
            homes[row["split"]].add(home)
    assert not homes["dev"] & homes["test"]


def test_the_sets_are_as_large_and_as_mixed_as_promised() -> None:
    for name in SETS:
        rows = questions(name)
        assert len(rows) >= 380
        types = Counter(row["type"] for row in rows)
        near = sum(near_of(row) is not None for row in rows if not row["answerable"])
        assert 0.17 <= types["unanswerable"] / len(rows) <= 0.23
        assert near >= types["unanswerable"] / 2
        assert types["cross_language"] / len(rows) >= 0.12
        assert types["lookup"] <= sum(row["answerable"] for row in rows) / 2
        for split in ("dev", "test"):
            assert sum(row["split"] == split for row in rows) >= 0.4 * len(rows)
        assert {row["kind"] for row in rows} == KINDS
    assert sum(row["gold"][:1] != [] and row["gold"][0]["note"].startswith("ml-engineering/")
               for row in questions("vault")) >= 60  # fmt: skip
    assert len(dialogues()) >= 160


def test_every_sample_span_says_its_quote_and_holds_the_facts(
    sample_notes: dict[str, str],
) -> None:
    for row in [*questions("sample"), *dialogues()]:
        for part in parts_of(row):
            for gold in part["gold"]:
                text = sample_notes[gold["note"]]
                assert text[gold["start"] : gold["end"]] == gold["quote"], row["id"]
            quotes = "\n".join(gold["quote"] for gold in part["gold"])
            assert not missing_facts(part, quotes), row["id"]


def test_nearly_every_sample_note_has_questions(sample_notes: dict[str, str]) -> None:
    asked = Counter(gold["note"] for row in questions("sample") for gold in row["gold"])
    assert sum(asked[name] >= 4 for name in sample_notes) >= 0.9 * len(sample_notes)


def test_the_data_card_counts_what_is_there() -> None:
    card = (GOLDEN / "README.md").read_text(encoding="utf-8")
    both: dict[str, list[str]] = {}
    for name in SETS:
        rows = questions(name)
        halves = [f"{sum(r['split'] == s for r in rows)}" for s in ("dev", "test")]
        assert f"| `{SETS[name]}` | {len(rows)} questions |" in card
        assert f"| {' / '.join(halves)} |" in card
        for field in ("type", "kind", "lang"):
            counts = Counter((row[field], row["split"]) for row in rows)
            for value in {row[field] for row in rows}:
                pair = f"{counts[value, 'dev']} / {counts[value, 'test']}"
                both.setdefault(value, []).append(pair)
    for value, pairs in both.items():
        assert f"| {value} | {' | '.join(pairs)} |" in card
    turns = sum(len(row["turns"]) for row in dialogues())
    assert f"{len(dialogues())} dialogues, {turns} turns" in card


def test_the_sample_notes_hold_no_answer_to_an_unanswerable_question(
    sample_notes: dict[str, str],
) -> None:
    assert not list(present(questions("sample"), sample_notes))


def test_every_vault_span_resolves_in_the_same_text_and_holds_the_facts(
    vault_notes: dict[str, str],
) -> None:
    for row in questions("vault"):
        quotes = []
        for gold in row["gold"]:
            text = vault_notes[gold["note"]]
            assert hashlib.sha256(text.encode("utf-8")).hexdigest() == gold["sha256"], gold["note"]
            quotes.append(text[gold["start"] : gold["end"]])
            assert quotes[-1] == quotes[-1].strip() != "", row["id"]
        assert not missing_facts(row, "\n".join(quotes)), row["id"]


@pytest.mark.slow
def test_the_vault_holds_no_answer_to_an_unanswerable_question(
    vault_notes: dict[str, str],
) -> None:
    assert not list(present(questions("vault"), vault_notes))


def test_locate_takes_the_nearest_occurrence() -> None:
    text = "k 是 60。其他。k 是 60。"
    assert locate(text, "k 是 60", 0) == (0, 6)
    assert locate(text, "k 是 60", len(text)) == (text.rindex("k"), text.rindex("k") + 6)
    assert locate(text, "k 是 61", 0) is None
    assert locate(text, "", 0) is None


def test_locate_sees_through_the_width_of_punctuation() -> None:
    assert locate("先查范数，再查空文本：都查。", "先查范数,再查空文本:", 0) == (0, 11)


def question(quote: str, fact: str | list[str]) -> dict[str, Any]:
    gold = {"note": "a.md", "start": 0, "end": len(quote), "quote": quote}
    return {"id": "q1", "gold": [gold], "facts": [fact]}


def test_relocate_moves_offsets_and_takes_over_new_punctuation() -> None:
    row = question("甲,乙丙", ["甲,乙", "丁"])
    assert relocate([row], {"a.md": "新的一句。甲，乙丙"}) == (1, [])
    assert row["gold"] == [{"note": "a.md", "start": 5, "end": 9, "quote": "甲，乙丙"}]
    assert row["facts"] == [["甲，乙", "丁"]]
    assert relocate([row], {"a.md": "新的一句。甲，乙丙"}) == (0, [])


def test_relocate_lists_what_is_gone_and_leaves_it() -> None:
    row = question("丙丁", "丙")
    assert relocate([{"id": "d1", "turns": [row]}], {"a.md": "甲乙"}) == (
        0,
        ["d1: a.md has no '丙丁'"],
    )
    assert row["gold"][0]["quote"] == "丙丁"
