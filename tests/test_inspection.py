"""What `inspected` finds of damaged and half-written index folders, and how `repair` mends it."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpus import caches, inspection
from corpus.checksums import (
    LIST,
    ListDamaged,
    Seal,
    differing,
    entry_of,
    parse,
    parse_seal,
    written,
    written_seal,
)
from corpus.chunking import DEFAULT_SIZE
from corpus.errors import CorpusError, IndexError_
from corpus.fingerprints import fingerprint_of
from corpus.inspection import Finding, inspected
from corpus.readers import Vault
from corpus.repair import rebuilt, removed
from corpus.sealing import DATABASE, LOG
from corpus.store import Store
from corpus.writeahead import log_state
from tests.faults import World

N_FLIPS = 25


@pytest.fixture
def graphed(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose index has a graph, which small ones lack."""
    monkeypatch.setattr(caches, "EXACT_LIMIT", 5)
    monkeypatch.setattr(inspection, "EXACT_LIMIT", 5)
    world.refresh()
    return world


def look(world: World, **also: bool) -> list[Finding]:
    fingerprint = fingerprint_of(world.encoder, DEFAULT_SIZE)
    return inspected(world.folder, fingerprint=fingerprint, encoder=world.encoder, **also)


def kinds(found: list[Finding], level: str = "damage") -> set[str]:
    return {finding.kind for finding in found if finding.level == level}


def flipped(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(8 * len(data))
    changed = bytearray(data)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


def unsealed(world: World, change: Callable[[Store], None]) -> None:
    """Leave the index as a writer does that is killed after its commit."""
    beside = world.folder.with_name("copy")
    store = Store.open(world.folder)
    with store.reading(), store.lock():
        change(store)
        shutil.copytree(world.folder, beside)
    store.close()
    shutil.rmtree(world.folder)
    beside.rename(world.folder)


def test_a_whole_index_has_nothing_to_be_said_of(graphed: World) -> None:
    assert look(graphed) == []
    assert look(graphed, thorough=True) == []
    assert {path.suffix for path in graphed.folder.iterdir()} >= {".db", ".bin", ".json", ".txt"}


def test_every_flipped_bit_of_every_kind_of_file_is_found(graphed: World) -> None:
    chance = random.Random(5)
    kept = {p.name: p.read_bytes() for p in graphed.folder.iterdir() if p.stat().st_size}
    kept.pop("write.lock")  # says who wrote last; nothing is read from it
    assert len(kept) == 5  # database, arrays, graph, its head, the list of checksums
    for name, data in kept.items():
        for _ in range(N_FLIPS):
            (graphed.folder / name).write_bytes(flipped(data, chance))
            assert name in {finding.name for finding in look(graphed)}
            assert kinds(look(graphed))
        (graphed.folder / name).write_bytes(data)
    assert look(graphed) == []


def test_a_damaged_head_of_a_graph_is_never_loaded(graphed: World) -> None:
    (head,) = graphed.folder.glob("hnsw-*.json")
    content = head.read_bytes()
    before = graphed.content()
    head.write_bytes(content.replace(b'"dim": 64', b'"dim": 68'))  # reads beyond the vectors
    assert graphed.content()[:2] == before[:2]
    graphed.refresh()
    assert look(graphed) == []


def test_what_a_kill_leaves_is_in_doubt_until_the_next_refresh_has_sealed_it(world: World) -> None:
    world.refresh()

    def commit(store: Store) -> None:
        with store.writing() as writer:
            writer.set_meta(note="x")

    unsealed(world, commit)
    assert (world.folder / LOG).stat().st_size
    assert kinds(look(world)) == set()
    assert kinds(look(world), "doubt") == {"unsealed"}
    log = (world.folder / LOG).read_bytes()
    (world.folder / LOG).write_bytes(log[:-100])
    assert kinds(look(world), "doubt") == {"unsealed"}
    assert kinds(look(world), "remark") == {"torn"}
    world.refresh()
    assert Store(world.folder).seal.state == "resumed"
    assert look(world) == []
    world.write("new.md", "# 新\n\n新的一篇。\n")
    world.refresh()
    assert Store(world.folder).seal.state == "resumed"  # what befell it before is not undone
    rebuilt(world.folder, Vault(world.notes), encoder=world.encoder)
    assert Store(world.folder).seal.state == "sealed"


def test_an_index_that_lost_its_list_is_damaged_until_it_is_built_anew(world: World) -> None:
    world.refresh()
    assert Store(world.folder).seal.state == "sealed"
    (world.folder / LIST).unlink()
    assert kinds(look(world)) == {"unlisted"}
    assert world.refresh().is_noop
    assert kinds(look(world)) == {"unlisted"}
    world.write("new.md", "# 新\n\n新的一篇。\n")
    world.refresh()  # it answers, and is written on
    assert Store(world.folder).seal.state == "lost"
    assert kinds(look(world)) == {"unlisted"}
    rebuilt(world.folder, Vault(world.notes), encoder=world.encoder)
    assert look(world) == []
    for content in (b"", b"\n", b"the index is sealed\n", b"the index is open\n\n\n"):
        (world.folder / LIST).write_bytes(content)
        assert kinds(look(world)) == {"seal"}
    world.write("new.md", "# 新\n\n新的一篇，改过。\n")
    world.refresh()
    assert kinds(look(world)) == {"unlisted"}


def test_every_flipped_bit_is_found_whatever_is_known_of_the_checksums(graphed: World) -> None:
    """A list that is gone, emptied, altered, or says that a writer was at it, vouches for none."""
    chance = random.Random(7)
    sealed = (graphed.folder / LIST).read_bytes()
    data = (graphed.folder / DATABASE).read_bytes()
    lists = [None, b"", flipped(sealed, chance), written_seal(Seal(state="open")),
             written_seal(Seal(state="reopened")), written_seal(Seal(state="lost"))]  # fmt: skip
    for _ in range(N_FLIPS):
        (graphed.folder / DATABASE).write_bytes(flipped(data, chance))
        content = chance.choice(lists)
        (graphed.folder / LIST).unlink(missing_ok=True)
        if content is not None:
            (graphed.folder / LIST).write_bytes(content)
        found = look(graphed)
        assert kinds(found) | kinds(found, "doubt")


def test_the_lowest_bits_of_a_vector_are_seen(world: World) -> None:
    world.refresh()

    def change(store: Store) -> None:
        with store.writing() as writer:
            ((vector,),) = writer._sql.execute(
                "SELECT vector FROM chunks WHERE note = 'control3.md' LIMIT 1"
            ).fetchall()
            halves = np.frombuffer(vector, "<u2").copy()
            halves[np.flatnonzero(halves)[0]] ^= 2
            writer._sql.execute(
                "UPDATE chunks SET vector = ? WHERE note = 'control3.md'", (halves.tobytes(),)
            )

    unsealed(world, change)
    assert {finding.name for finding in look(world)} >= {"control3.md"}


def test_every_flipped_bit_of_a_log_is_found(world: World) -> None:
    world.refresh()

    def commit(store: Store) -> None:
        with store.writing() as writer:
            writer.set_meta(**{f"key{n}": "x" * 3000 for n in range(20)})

    unsealed(world, commit)
    log = (world.folder / LOG).read_bytes()
    assert log_state(log) == "whole"
    chance = random.Random(6)
    for _ in range(60):
        assert log_state(flipped(log, chance)) == "damaged"
    (world.folder / LOG).write_bytes(flipped(log, chance))
    assert kinds(look(world)) == {"log"}


def test_leftovers_of_an_older_log_are_no_damage(world: World) -> None:
    store = Store.open(world.folder)
    with store.lock(), store.writing() as writer:
        writer.set_meta(**{f"key{n}": "x" * 3000 for n in range(20)})
    connection = store._connections.take()
    connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    store._connections.give(connection)
    with store.lock(), store.writing() as writer:
        writer.set_meta(key0="y")
    assert log_state((world.folder / LOG).read_bytes()) == "whole"
    store.close()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE notes SET text = replace(text, '取3', '取9') WHERE path = 'control3.md'", "text"),
        ("UPDATE chunks SET terms = '' WHERE note = 'control3.md'", "terms"),
        ("UPDATE chunks SET key = x'00' WHERE note = 'control3.md'", "words"),
        ("UPDATE chunks SET line = 7 WHERE note = 'control3.md'", "place"),
        ("UPDATE chunks SET \"end\" = 999 WHERE note = 'control3.md'", "place"),
        ("UPDATE chunks SET vector = zeroblob(128) WHERE note = 'control3.md'", "vector"),
        ("DELETE FROM links WHERE note = 'control3.md'", "links"),
    ],
)
def test_an_index_without_checksums_is_held_against_itself(
    world: World, statement: str, said: str
) -> None:
    world.write("control3.md", "# 对照3\n\n对照笔记3说秩取3。见 [[control4]]。\n")
    world.refresh()

    def change(store: Store) -> None:
        with store.writing() as writer:
            writer._sql.execute(statement)

    unsealed(world, change)
    found = look(world)
    assert [(f.kind, f.name) for f in found if f.level == "damage"] == [("content", "control3.md")]
    assert said in found[0].detail
    # the seal that the next run puts over it hides nothing: it says that it went on from a kill
    with world.open() as index:
        assert index.refresh(Vault(world.notes)).is_noop
    seal = Store(world.folder).seal
    assert seal.state == "resumed"
    assert kinds(look(world)) == {"content"}
    # nor does any seal from a thorough look
    (world.folder / LIST).write_bytes(written_seal(replace(seal, state="sealed")))
    assert kinds(look(world)) == set()
    assert kinds(look(world, thorough=True)) == {"content"}


def test_left_files_are_told_and_removed_and_nothing_else(world: World) -> None:
    world.refresh()
    old = world.folder / "bm25-1-x.bin.99.1.tmp"
    young = world.folder / "bm25-1-x.bin.99.2.tmp"
    for path in (old, young, world.folder / "hnsw-9-gone.bin", world.folder / "mine.md"):
        path.write_bytes(b"x")
    (world.folder / "damaged.db").write_bytes(b"x")
    (world.folder / "rebuilding").mkdir()
    os.utime(old, (time.time() - 9000,) * 2)
    found = look(world)
    assert {f.name for f in found if f.kind == "left"} == {
        old.name, "hnsw-9-gone.bin", "damaged.db", "rebuilding",
    }  # fmt: skip
    removed(world.folder, found)
    assert young.exists()
    assert (world.folder / "mine.md").exists()
    assert look(world) == []


def test_a_damaged_database_answers_until_its_successor_is_whole(world: World) -> None:
    world.refresh()
    right = world.content()
    data = bytearray((world.folder / DATABASE).read_bytes())
    data[-200] ^= 1
    (world.folder / DATABASE).write_bytes(data)
    with pytest.raises(CorpusError, match="no notes"):
        rebuilt(world.folder, Vault(world.notes.with_name("notes")), encoder=_Failing())
    empty = world.folder.with_name("empty")
    empty.mkdir()
    with pytest.raises(CorpusError, match="stays as it was"):
        rebuilt(world.folder, Vault(empty), encoder=world.encoder)
    assert (world.folder / DATABASE).read_bytes() == data
    report = rebuilt(world.folder, Vault(world.notes), encoder=world.encoder)
    assert report.n_notes == 20
    assert look(world) == []
    assert world.content() == right


class _Failing:
    """An encoder whose work stops half-way."""

    name = "failing"
    dim = 64
    fingerprint = "failing"

    def encode_passages(self, texts: object) -> object:
        raise CorpusError("no notes: the drive went")


def test_readers_of_a_database_that_is_replaced_go_on(world: World) -> None:
    world.refresh()
    with world.open() as index, index.snapshot() as before:
        n_before = before.n_notes
        world.write("new.md", "# 新\n\n新的一篇。\n")
        rebuilt(world.folder, Vault(world.notes), encoder=world.encoder)
        assert before.n_notes == n_before  # its generation, as long as it is open
        assert index.n_notes == n_before + 1
        assert index.refresh(Vault(world.notes)).is_noop
    assert look(world) == []


def test_an_index_of_another_version_or_maker_is_a_remark(world: World) -> None:
    world.refresh()
    other = json.dumps({**json.loads(fingerprint_of(world.encoder, 900)), "tokenizer": 0})
    (finding,) = inspected(world.folder, fingerprint=other)
    assert (finding.kind, finding.level, finding.detail) == (
        "fingerprint",
        "remark",
        "size, tokenizer",
    )


@pytest.mark.parametrize("version", [0, 2, 99])
def test_a_version_that_cannot_be_is_damage_and_heals_by_itself(world: World, version: int) -> None:
    world.refresh()
    right = world.content()

    def change(store: Store) -> None:
        connection = store._connections.take()
        connection.execute(f"PRAGMA user_version = {version}")
        store._connections.give(connection)

    (world.folder / LIST).unlink()
    unsealed(world, change)
    assert kinds(look(world)) == {"version", "unlisted"}
    world.refresh()
    assert world.content() == right


def test_a_database_that_was_only_begun_is_no_damage(world: World) -> None:
    world.folder.mkdir()
    (world.folder / DATABASE).write_bytes(b"")
    assert {finding.level for finding in look(world)} == {"remark"}


def test_an_index_at_work_is_left_alone(world: World) -> None:
    world.refresh()
    with Store(world.folder).lock():
        (finding,) = look(world)
        assert (finding.kind, finding.level) == ("busy", "remark")
        assert f"process {os.getpid()} since" in finding.detail
        with pytest.raises(IndexError_):
            removed(world.folder, [])
    assert [finding.kind for finding in inspected(world.folder / "none")] == ["absent"]


def test_a_list_of_checksums_is_read_back_and_every_other_byte_refused(tmp_path: Path) -> None:
    for name, data in (("b.json", b"{}"), ("a.bin", b"\0" * 99), ("名 字.txt", b"x")):
        (tmp_path / name).write_bytes(data)
    entries = [entry_of(path) for path in tmp_path.iterdir()]
    content = written(entries)
    assert parse(content) == sorted(entries, key=lambda entry: entry.name)
    assert differing(tmp_path, entries) == []
    (tmp_path / "a.bin").write_bytes(b"\0" * 98 + b"\1")
    (tmp_path / "b.json").unlink()
    assert sorted(differing(tmp_path, entries)) == ["a.bin", "b.json"]
    for at in range(8 * len(content)):
        changed = bytearray(content)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(ListDamaged):
            parse(bytes(changed))
    for cut in (b"", content[:-1], content[:70], b"\n" + content):
        with pytest.raises(ListDamaged):
            parse(cut)
    for seal in (
        Seal(state="resumed", entries=tuple(parse(content))), Seal(state="open"), Seal(state="lost")
    ):  # fmt: skip
        content = written_seal(seal)
        assert parse_seal(content) == seal
        for at in range(8 * len(content)):
            changed = bytearray(content)
            changed[at // 8] ^= 1 << at % 8
            with pytest.raises(ListDamaged):
                parse_seal(bytes(changed))
        for length in range(len(content)):
            with pytest.raises(ListDamaged):
                parse_seal(content[:length])
    assert LIST == "checksums.txt"
