"""The gold claims hold what their card says: schema, spans, splits, absence, counts."""

from __future__ import annotations

import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.decoding import decode
from corpus.notes import notes_from_text
from corpus.types import Note
from eval.golden.relocate import GOLDEN, SAMPLES, locate, notes_in, read_jsonl, split_of

KINDS = {
    "supported": "copy paraphrase merge translation".split(),
    "contradicted": (
        "number unit version identifier negation condition role entity direction quantifier date"
    ).split(),
    "unsupported": "absent invented same_shape".split(),
}
CORPORA = ("samples", "studies", "self-llm", "ml-engineering")
KEYS = "id split lang corpus about claim verdict kind tags evidence absent note".split()
ROWS = read_jsonl(GOLDEN / "claims.jsonl")


def bare(text: str) -> str:
    """The letters and digits of a text, so that copies differ in punctuation at most."""
    return re.sub(r"[\W_]+", "", text).lower()


def note_language(row: dict[str, Any]) -> str:
    english = row["corpus"] == "ml-engineering" or row["about"].endswith("-en.md")
    return "en" if english else "zh"


def rows_of(*corpora: str) -> list[dict[str, Any]]:
    return [row for row in ROWS if row["corpus"] in corpora]


def says(text: str, absent: list[list[str]]) -> list[str]:
    """Lines in which every expression of one alternative matches."""
    found: list[str] = []
    for alternative in absent:
        patterns = [re.compile(one, re.IGNORECASE) for one in alternative]
        if not all(pattern.search(text) for pattern in patterns):
            continue
        found += [line for line in text.splitlines() if all(p.search(line) for p in patterns)]
    return found


def words(text: str) -> set[str]:
    """Latin words and numbers, and pairs of neighbouring Han characters."""
    runs = re.findall(r"[\u4e00-\u9fff]+", text)
    pairs = {run[i : i + 2] for run in runs for i in range(len(run) - 1)}
    return pairs | set(re.findall(r"[a-z0-9.]+", text.lower()))


def coverage(row: dict[str, Any], text: str) -> float:
    claim = words(row["claim"])
    return len(claim & words(text)) / len(claim)


def auroc(higher: list[float], lower: list[float]) -> float:
    wins = sum((a > b) + (a == b) / 2 for a in higher for b in lower)
    return wins / (len(higher) * len(lower))


@pytest.fixture(scope="module")
def samples() -> dict[str, str]:
    return notes_in(SAMPLES)


@pytest.fixture(scope="module")
def vault(shared_dir: Path) -> dict[str, Note]:
    """Every Markdown note of the three published vaults, read in memory."""
    return {note.path: note for note in _vault_notes(shared_dir / "data" / "vault_dev.tar.xz")}


def _vault_notes(path: Path) -> Iterator[Note]:
    if not path.is_file():
        pytest.skip(f"{path.name} is absent")
    with tarfile.open(path, "r:xz") as archive:
        for member in archive:
            name = member.name.removeprefix("vault_dev/")
            file = archive.extractfile(member) if name.endswith(".md") else None
            if file is not None:
                yield from notes_from_text(name, decode(file.read()))


def test_ids_are_unique_and_in_order() -> None:
    assert [row["id"] for row in ROWS] == [f"gc{n:04d}" for n in range(1, len(ROWS) + 1)]


def test_no_claim_stands_twice() -> None:
    assert not [c for c, n in Counter(bare(row["claim"]) for row in ROWS).items() if n > 1]


@pytest.mark.parametrize("verdict", KINDS)
def test_every_line_has_the_fields_and_values_of_the_card(verdict: str) -> None:
    for row in (row for row in ROWS if row["verdict"] == verdict):
        assert list(row) == KEYS
        assert row["kind"] in KINDS[verdict], row["id"]
        assert row["corpus"] in CORPORA
        assert set(row["tags"]) <= {"cross_language", "code"}
        assert bool(row["evidence"]) == (verdict != "unsupported"), row["id"]
        assert bool(row["absent"]) == (verdict == "unsupported"), row["id"]
        assert 10 <= len(row["claim"]) <= 200, row["id"]


def test_verdicts_are_only_the_three_of_the_card() -> None:
    assert {row["verdict"] for row in ROWS} == set(KINDS)


def test_language_is_told_by_the_script_and_crossing_by_the_note() -> None:
    for row in ROWS:
        chinese = len(re.findall(r"[\u4e00-\u9fff]", row["claim"])) >= 4
        assert row["lang"] == ("zh" if chinese else "en"), row["id"]
        crosses = row["lang"] != note_language(row)
        assert ("cross_language" in row["tags"]) == crosses, row["id"]
        if row["verdict"] == "supported":
            assert (row["kind"] == "translation") == crosses, row["id"]


def test_splits_follow_the_note_and_share_none() -> None:
    notes: dict[str, set[str]] = {"dev": set(), "test": set()}
    for row in ROWS:
        named = {row["about"], *(span["note"] for span in row["evidence"])}
        assert {split_of(name) for name in named} == {row["split"]}, row["id"]
        notes[row["split"]] |= named
    assert not notes["dev"] & notes["test"]


def test_evidence_in_a_sample_note_is_found_by_its_quote(samples: dict[str, str]) -> None:
    gone = [
        (row["id"], span["note"], span["quote"])
        for row in rows_of("samples")
        for span in row["evidence"]
        if locate(samples.get(span["note"], ""), span["quote"], span["start"]) is None
    ]
    assert not gone


def test_copies_stand_in_a_sample_note_and_paraphrases_do_not(samples: dict[str, str]) -> None:
    copies = [row for row in ROWS if row["kind"] == "copy"]
    assert {row["corpus"] for row in copies} == {"samples"}
    for row in rows_of("samples"):
        stands = bare(row["claim"]) in bare(samples[row["about"]])
        if row["kind"] in {"copy", "paraphrase", "merge"}:
            assert stands == (row["kind"] == "copy"), row["id"]


def test_merged_claims_rest_on_at_least_two_spans() -> None:
    for row in ROWS:
        if row["kind"] == "merge":
            assert len(row["evidence"]) >= 2, row["id"]


def test_no_sample_note_states_an_unsupported_claim(samples: dict[str, str]) -> None:
    stated = [
        (row["id"], name, line)
        for row in rows_of("samples")
        for name, text in samples.items()
        for line in says(text, row["absent"])
    ]
    assert not stated


def test_evidence_in_the_vaults_lies_inside_the_note_it_names(vault: dict[str, Note]) -> None:
    for row in rows_of(*CORPORA[1:]):
        assert row["about"] in vault, row["id"]
        for span in row["evidence"]:
            note = vault[span["note"]]
            assert note.sha256 == span["sha256"], row["id"]
            quote = note.text[span["start"] : span["end"]]
            assert quote, row["id"]
            assert quote == quote.strip(), row["id"]


def test_no_text_of_a_vault_is_repeated(vault: dict[str, Note]) -> None:
    for row in rows_of(*CORPORA[1:]):
        assert all("quote" not in span for span in row["evidence"]), row["id"]
        if row["verdict"] == "supported":
            assert bare(row["claim"]) not in bare(vault[row["about"]].text), row["id"]


@pytest.mark.slow
def test_no_vault_note_states_an_unsupported_claim(vault: dict[str, Note]) -> None:
    stated = [
        (row["id"], name, line[:200])
        for row in rows_of(*CORPORA[1:])
        for name, note in vault.items()
        if name.startswith(row["corpus"] + "/")
        for line in says(note.text, row["absent"])
    ]
    assert not stated


def test_the_mix_is_what_was_asked_for() -> None:
    total = len(ROWS)
    verdicts = Counter(row["verdict"] for row in ROWS)
    languages = Counter(row["lang"] for row in ROWS)
    assert total >= 1200
    assert 0.35 <= verdicts["supported"] / total <= 0.45
    assert 0.35 <= verdicts["contradicted"] / total <= 0.45
    assert 0.15 <= verdicts["unsupported"] / total <= 0.25
    assert 0.25 <= languages["en"] / total <= 0.40


@pytest.mark.parametrize("split", ["dev", "test"])
def test_each_split_has_every_kind_and_every_crossing(split: str) -> None:
    rows = [row for row in ROWS if row["split"] == split]
    kinds = Counter(row["kind"] for row in rows)
    assert min(kinds[kind] for kinds_of in KINDS.values() for kind in kinds_of) >= 10
    for tag in ("cross_language", "code"):
        tagged = Counter(row["verdict"] for row in rows if tag in row["tags"])
        assert set(tagged) >= {"supported", "contradicted"}, tag


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_word_overlap_does_not_tell_supported_from_contradicted(
    lang: str, samples: dict[str, str]
) -> None:
    scores: dict[str, list[tuple[float, float]]] = {verdict: [] for verdict in KINDS}
    for row in rows_of("samples"):
        if row["lang"] == lang and "cross_language" not in row["tags"]:
            evidence = "\n".join(span["quote"] for span in row["evidence"])
            by_note = coverage(row, samples[row["about"]])
            scores[row["verdict"]].append((by_note, coverage(row, evidence)))
    by_note, by_evidence = (
        auroc(*([pair[i] for pair in scores[v]] for v in ("supported", "contradicted")))
        for i in (0, 1)
    )
    assert 0.4 <= by_note <= 0.6
    assert 0.4 <= by_evidence <= 0.65


def test_the_counts_of_the_card_are_those_of_the_file() -> None:
    card = (GOLDEN / "CLAIMS.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| ([\w-]+) \| (\d+ / \d+) \|", card, re.MULTILINE))
    counts: Counter[tuple[str, str]] = Counter()
    for row in ROWS:
        for name in (row["verdict"], row["kind"], row["lang"], row["corpus"], "all", *row["tags"]):
            counts[name, row["split"]] += 1
    names = sorted({name for name, _ in counts})
    assert table == {name: f"{counts[name, 'dev']} / {counts[name, 'test']}" for name in names}
