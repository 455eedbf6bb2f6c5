"""`youju doctor`: what it says of damage, of the machine and of settings, and what it mends."""

from __future__ import annotations

import functools
import json
import os
import random
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import assistant.doctor
import assistant.pipeline
from assistant.config import Config
from assistant.diagnosis import _TEXTS, entry, speaks_chinese
from assistant.doctor import SHIPPED, Doctor
from assistant.surroundings import _admits, clock, disk, folders, packages
from corpus import dictionary
from corpus.checksums import LIST, parse
from corpus.encoder import BUILT_IN, Encoder, load_encoder
from corpus.places import data_home, index_folder
from corpus.sealing import DATABASE
from corpus.store import Store
from eval.training.checksums import current_list
from tests.commands import Run, notes, run
from tests.conftest import REPO

if TYPE_CHECKING:
    from assistant.web.store import Turn

__all__ = ["notes", "run"]  # fixtures


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@functools.cache
def built_in() -> Encoder:
    return load_encoder()


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of what a command costs here is loading the same encoder again."""

    def load(name: str | None = None, *, device: str | None = None) -> Encoder:
        return built_in() if name is None else load_encoder(name, device=device)

    for module in (assistant.doctor, assistant.pipeline):
        monkeypatch.setattr(module, "load_encoder", load)


def flip(path: Path, seed: int = 0) -> None:
    data = bytearray(path.read_bytes())
    at = random.Random(seed).randrange(8 * len(data))
    data[at // 8] ^= 1 << at % 8
    path.write_bytes(data)


@contextmanager
def shipped_copy(folder: Path) -> Iterator[Path]:
    """A copy of a shipped folder that may be damaged."""
    package, name = SHIPPED[0]
    copy = folder / "shipped"
    shutil.copytree(REPO / package / name, copy)
    yield copy


def test_a_sound_installation_is_called_sound(run: Run, notes: Path) -> None:
    assert run("index", notes).code == 0
    ran = run("doctor", notes)
    assert (ran.code, ran.err) == (0, "")
    assert "nothing is wrong" in ran.out
    assert "✗" not in ran.out
    told = run("doctor", notes, "--json", "--thorough").object
    assert told["ok"]
    assert {one["code"] for one in told["entries"]} >= {
        "python.sound", "packages.sound", "folder.sound", "disk.sound", "clock.sound",
        "models.sound", "notes.sound", "index.sound",
    }  # fmt: skip
    assert all(one["zh"] and one["en"] for one in told["entries"])


def test_before_the_first_question_there_is_nothing_to_mend(run: Run, notes: Path) -> None:
    ran = run("doctor", notes, "--repair")
    assert ran.code == 0
    assert "no index yet" in ran.out
    assert not index_folder(notes).exists()


def test_damage_is_told_in_a_line_each_and_mended(run: Run, notes: Path) -> None:
    run("index", notes)
    folder = index_folder(notes)
    right = run("find", "GQA", "--notes", notes, "--json").object
    flip(folder / DATABASE)
    ran = run("doctor", notes)
    assert ran.code == 1
    assert "✗ index file index.db does not match its checksum; mend it with" in ran.out
    assert "1 fault\n" in ran.out
    mended = run("doctor", notes, "--repair")
    assert mended.code == 0, mended.out
    assert "✓ mended: index.db 4" in mended.out
    assert run("doctor", notes).code == 0
    assert run("find", "GQA", "--notes", notes, "--json").object == right


@pytest.mark.parametrize("pattern", ["bm25-*.bin", LIST])
def test_a_damaged_cache_or_list_is_made_again(run: Run, notes: Path, pattern: str) -> None:
    run("index", notes)
    folder = index_folder(notes)
    (path,) = folder.glob(pattern)
    before = path.read_bytes()
    flip(path, 3)
    ran = run("doctor", notes)
    assert ran.code == 1
    assert path.name in ran.out
    assert run("doctor", notes, "--repair").code == 0
    # the index was built again, and its files have other stamps
    assert pattern == LIST or path.read_bytes() == before
    (path,) = folder.glob(pattern)
    path.unlink()
    assert run("doctor", notes).code == 1
    assert run("doctor", notes, "--repair").code == 0
    assert path.exists()


def test_a_damaged_index_whose_notes_are_gone_stays_as_it_is(run: Run, notes: Path) -> None:
    run("index", notes)
    folder = index_folder(notes)
    flip(folder / DATABASE, 9)
    damaged = (folder / DATABASE).read_bytes()
    notes.rename(notes.with_name("elsewhere"))
    ran = run("doctor", notes, "--repair")
    assert ran.code == 1
    assert "could not be mended" in ran.out
    assert (folder / DATABASE).read_bytes() == damaged


def test_chinese_is_spoken_where_the_system_does(
    run: Run, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("index", notes)
    flip(index_folder(notes) / DATABASE)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert speaks_chinese()
    said = run("doctor", notes).out
    assert "✗ 索引文件 index.db 与校验和不符；修复：youju doctor --repair" in said
    assert said.endswith("1 处问题\n")


def test_a_flipped_bit_of_a_shipped_file_is_found(tmp_path: Path, youju_home: Path) -> None:
    config = Config(notes=REPO / "corpus" / "samples", index=tmp_path / "index")
    with shipped_copy(tmp_path) as copy:
        names = [one.name for one in parse((copy / LIST).read_bytes())]
        for seed, name in enumerate([*names, LIST]):
            kept = (copy / name).read_bytes()
            flip(copy / name, seed)
            codes = {
                (one.code, Path(one.subject).name)
                for one in Doctor(config, shipped=[copy]).examined()
                if one.level == "fault"
            }
            assert ("models.checksum", name) in codes
            (copy / name).write_bytes(kept)
        faults = [one for one in Doctor(config, shipped=[copy]).examined() if one.level == "fault"]
        assert faults == []


@pytest.mark.parametrize(("package", "folder"), SHIPPED)
def test_the_lists_of_checksums_are_current(package: str, folder: str) -> None:
    place = REPO / package / folder
    assert (place / LIST).read_bytes() == current_list(place), "after a training: make checksums"


def test_an_encoder_that_cannot_be_had_is_told(run: Run, notes: Path) -> None:
    run("index", notes)
    ran = run("doctor", notes, "--encoder", "http://127.0.0.1:9", "--json")
    assert ran.code == 1
    codes = {one["code"] for one in ran.object["entries"] if one["level"] == "fault"}
    assert codes == {"models.encoder"}
    assert BUILT_IN == "youju-static"


def with_turns(folder: Path, n: int) -> list[Turn]:
    """Keep turns of a conversation in a folder."""
    from assistant.types import Answer
    from assistant.web.spots import Sheet
    from assistant.web.store import Turn, TurnStore

    store = TurnStore(folder)
    for number in range(n):
        answer = Answer(question=f"问题{number}", searched=(), text="答", abstained=True,
                        reason="无", generator="extractive")  # fmt: skip
        sheet = Sheet(id=f"{number:016x}", spots=(), copies=())
        store.add("0" * 32, Turn(answer=answer, sheet=sheet))
    return store.turns("0" * 32)


def test_conversations_are_held_against_their_checksums(run: Run, notes: Path) -> None:
    from assistant.web.store import FILE, TurnStore

    run("index", notes)
    folder = data_home() / "chat"
    folder.mkdir()
    with_turns(folder, 3)
    assert "3 turns of conversations are whole" in run("doctor", notes).out
    data = (folder / FILE).read_bytes()
    assert data.count("问题1".encode()) == 1
    (folder / FILE).write_bytes(data.replace("问题1".encode(), "问题7".encode()))
    ran = run("doctor", notes)
    assert ran.code == 1
    assert "turn 2" in ran.out
    assert run("doctor", notes, "--repair").code == 0
    left = [turn.answer.question for turn in TurnStore(folder).turns("0" * 32)]
    assert left == ["问题0", "问题2"]
    assert (folder / "damaged-chats.sqlite3").exists()


def test_damaged_records_are_told_and_removed(run: Run, notes: Path) -> None:
    run("index", notes)
    record = data_home() / "last.json"
    record.write_text("{", "utf-8")
    ran = run("doctor", "--notes", notes)
    assert ran.code == 1
    assert "last.json is not as it was written" in ran.out
    assert run("doctor", "--notes", notes, "--repair").code == 0
    assert not record.exists()


def test_every_flipped_bit_of_the_data_folder_is_found_or_has_no_effect(
    run: Run, notes: Path
) -> None:
    """Of conversations, what no turn is written in may change unseen: no turn does."""
    from assistant.choosing import remember
    from assistant.web.store import FILE, KEY, TurnStore, browser_secret

    run("index", notes)
    remember(False)
    chat = data_home() / "chat"
    chat.mkdir()
    (data_home() / "cache").mkdir(exist_ok=True)
    browser_secret(chat)
    turns = with_turns(chat, 30)
    for kind in ("keys", "names", "words"):  # the process may have read the dictionary before
        dictionary._write(data_home() / "cache" / f"jieba-0-little.{kind}", b"words" * 99)
    config = Config(notes=notes, index=index_folder(notes))
    files = [path for path in data_home().rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {
        DATABASE, LIST, "last.json", "consent.json", KEY, FILE,
    }  # fmt: skip
    assert {path.suffix for path in files} >= {".keys", ".words", ".bin"}

    def is_told() -> bool:
        return any(one.level == "fault" for one in Doctor(config, shipped=[]).examined())

    assert not is_told()
    for path in files:
        if path.name == "write.lock":  # says who wrote last; nothing is read from it
            continue
        kept = path.read_bytes()
        for seed in range(2 if len(kept) > 500 else 10):
            flip(path, seed)
            if not is_told():
                assert path.name == FILE, (path, seed)
                assert TurnStore(chat).turns("0" * 32) == turns
            path.write_bytes(kept)
    assert not is_told()


def test_a_writer_at_work_is_waited_for_by_nobody(run: Run, notes: Path) -> None:
    run("index", notes)
    with Store(index_folder(notes)).lock():
        ran = run("doctor", notes, "--repair")
    assert ran.code == 0
    assert f"process {os.getpid()}" in ran.out


def test_an_index_among_the_notes_is_a_fault(run: Run, notes: Path) -> None:
    ran = run("doctor", notes, "--index", notes / "index")
    assert ran.code == 1
    assert "lies inside the notes" in ran.out


def test_settings_of_half_a_model_are_a_fault(run: Run, notes: Path) -> None:
    ran = run("doctor", notes, "--base-url", "http://me:secret@127.0.0.1:1/v1")
    assert ran.code == 1
    assert "with which model" in ran.out
    assert "secret" not in ran.out
    fine = run("doctor", notes, "--base-url", "http://me:secret@127.0.0.1:1/v1", "--model", "m")
    assert "chat model m, http://127.0.0.1:1/v1" in fine.out
    assert "secret" not in fine.out


def test_every_text_says_the_same_things_in_both_languages() -> None:
    import re

    for code, (zh, en) in _TEXTS.items():
        assert set(re.findall(r"{\w+}", zh)) == set(re.findall(r"{\w+}", en)), code
        made = entry(code, "sound", "S", "D")
        assert "\n" not in made.zh + made.en
        assert "{" not in made.zh + made.en


def test_folders_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    codes = [one.code for one in folders([tmp_path / "file" / "below", tmp_path / "new", None])]
    assert codes == ["folder.fixed", "folder.sound"]
    assert not (tmp_path / "new").exists()


def test_a_disk_that_is_nearly_full_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    for free in (10**7, 10**8, 10**9, 10**10):
        monkeypatch.setattr(
            shutil, "disk_usage", lambda _, free=free: shutil._ntuple_diskusage(0, 0, free)
        )
        seen += [(one.level, one.detail) for one in disk(tmp_path, 10**9)]
    assert seen == [
        ("fault", "10 MB"), ("remark", "100 MB"), ("remark", "1.0 GB"), ("sound", "10.0 GB"),
    ]  # fmt: skip


def test_a_clock_that_cannot_be_right_is_told() -> None:
    now = time.time()
    assert [one.level for one in clock([("a", now - 1e6)], now)] == ["sound"]
    assert [one.level for one in clock([("a", now + 1e6)], now)] == ["remark"]
    assert [one.level for one in clock([], 0.0)] == ["fault"]


def test_packages_are_held_against_what_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    import assistant.surroundings as module

    monkeypatch.setattr(
        module,
        "requires",
        lambda _: ["numpy>=2", "no-such-package-here>=1,<2", "pytest<1", "x>=1; extra == 'dev'"],
    )
    assert [(one.code, one.subject) for one in packages()] == [
        ("packages.missing", "no-such-package-here"),
        ("packages.range", "pytest"),
        ("packages.sound", ""),
    ]
    assert _admits(">=6.31,<7", "6.31.0")
    assert not _admits(">=6.31,<7", "7.0")
    assert not _admits(">=6.31", "6.4")


def test_a_database_of_another_program_is_not_touched(run: Run, notes: Path) -> None:
    run("index", notes)
    folder = index_folder(notes)
    with sqlite3.connect(folder / "other.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    run("doctor", notes, "--repair")
    assert (folder / "other.db").exists()
    assert json.loads(run("index", notes, "--json").out)["n_notes"] == 4
    assert sys.version_info >= (3, 11)
