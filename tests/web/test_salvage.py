"""Conversations that were damaged on disk: found, and what is whole of them saved."""

from __future__ import annotations

import random
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from assistant.types import Answer
from assistant.web.salvage import DAMAGED, faults_of, saved
from assistant.web.seals import SEAL
from assistant.web.spots import Sheet
from assistant.web.store import FILE, Turn, TurnStore

SESSION = "0" * 32


def conversation(folder: Path, n: int) -> Path:
    store = TurnStore(folder)
    for number in range(n):
        answer = Answer(question=f"问题{number}", searched=(), text="答" * 300, abstained=True,
                        reason="无", generator="extractive")  # fmt: skip
        sheet = Sheet(id=f"{number:016x}", spots=(), copies=())
        store.add(SESSION, Turn(answer=answer, sheet=sheet))
    return folder / FILE


def test_every_flipped_bit_of_a_turn_is_found(tmp_path: Path) -> None:
    file = conversation(tmp_path, 6)
    assert faults_of(file) == (6, [])
    data, chance = file.read_bytes(), random.Random(0)
    for _ in range(60):
        at = data.index("答".encode(), chance.randrange(len(data) // 2)) + chance.randrange(300)
        changed = bytearray(data)
        changed[at] ^= 1 << chance.randrange(8)
        file.write_bytes(changed)
        assert faults_of(file)[1]


def test_every_flipped_bit_of_the_file_is_found_and_mended(tmp_path: Path) -> None:
    file = conversation(tmp_path, 3)
    TurnStore(tmp_path).drop(SESSION)  # bytes that hold nothing any more
    conversation(tmp_path, 2)
    data, chance = file.read_bytes(), random.Random(1)
    seal = (tmp_path / SEAL).read_bytes()
    places = [*range(8 * 100), *(chance.randrange(8 * len(data)) for _ in range(300))]
    for at in places:
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        file.write_bytes(changed)
        assert faults_of(file)[1], at
        assert (tmp_path / SEAL).read_bytes() == seal
    file.write_bytes(data[:43] + bytes([data[43] ^ 1]) + data[44:])
    assert saved(file) == 2
    assert faults_of(file) == (2, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == [SEAL, FILE, DAMAGED]


def test_a_flipped_bit_of_the_seal_is_found(tmp_path: Path) -> None:
    file = conversation(tmp_path, 1)
    data = (tmp_path / SEAL).read_bytes()
    for at in range(8 * len(data)):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        (tmp_path / SEAL).write_bytes(changed)
        assert faults_of(file)[1]


def test_a_change_before_a_start_is_told_until_it_is_mended(tmp_path: Path) -> None:
    """Later turns do not seal over it."""
    file = conversation(tmp_path, 2)
    changed = bytearray(file.read_bytes())
    changed[43] ^= 1  # of the schema's cookie, which nothing checks
    file.write_bytes(changed)
    conversation(tmp_path, 1)
    assert faults_of(file) == (3, ["the file is not as it was written"])
    assert saved(file) == 3
    assert faults_of(file) == (3, [])


def test_a_kill_between_a_turn_and_its_seal_is_no_fault(tmp_path: Path) -> None:
    file = conversation(tmp_path, 2)
    before = (tmp_path / SEAL).read_bytes()
    conversation(tmp_path, 1)
    (tmp_path / SEAL).write_bytes(before)
    assert faults_of(file) == (3, [])
    TurnStore(tmp_path)
    assert (tmp_path / SEAL).read_bytes() != before
    (tmp_path / SEAL).unlink()
    assert faults_of(file) == (3, [])


def test_a_file_is_whole_all_through_its_writing(tmp_path: Path) -> None:
    file = conversation(tmp_path, 1)
    threads = [threading.Thread(target=conversation, args=(tmp_path, 6)) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert faults_of(file)[1] == []
    assert faults_of(file) == (25, [])


def test_what_is_whole_is_saved_and_the_damaged_file_kept(tmp_path: Path) -> None:
    file = conversation(tmp_path, 30)
    data = bytearray(file.read_bytes())
    page = data.index("问题15".encode()) // 4096
    data[4096 * page : 4096 * (page + 1)] = bytes(4096)  # some turns are lost with their page
    file.write_bytes(data)
    assert faults_of(file)[1]
    n = saved(file)
    assert 0 < n < 30
    assert faults_of(file) == (n, [])
    left = [turn.answer.question for turn in TurnStore(tmp_path).turns(SESSION)]
    assert len(left) == n
    assert left == sorted(left, key=lambda said: int(said.removeprefix("问题")))
    assert (tmp_path / DAMAGED).read_bytes() == data


def test_of_garbage_nothing_is_saved(tmp_path: Path) -> None:
    file = conversation(tmp_path, 2)
    file.write_bytes(b"garbage" * 2000)
    n_whole, said = faults_of(file)
    assert (n_whole, len(said)) == (0, 1)
    assert saved(file) == 0
    assert TurnStore(tmp_path).turns(SESSION) == []


def test_turns_of_an_earlier_version_stay_and_get_their_checksum(tmp_path: Path) -> None:
    file = conversation(tmp_path, 2)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("ALTER TABLE turns DROP COLUMN digest")
    assert faults_of(file) == (2, [])
    store = TurnStore(tmp_path)
    assert len(store.turns(SESSION)) == 2
    conversation(tmp_path, 1)
    assert faults_of(file) == (3, [])
    assert saved(file) == 3
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(digest) FROM turns").fetchone() == (3,)
