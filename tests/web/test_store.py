"""Chat turns on disk."""

from __future__ import annotations

import dataclasses
import sqlite3
import stat
import threading
import time
from pathlib import Path

import pytest

from assistant.web.salvage import faults_of, saved
from assistant.web.spots import Sheet, spots_of_answer
from assistant.web.store import (
    FILE,
    ChatsDamaged,
    StoreClosed,
    Turn,
    TurnStore,
    browser_secret,
    decode,
    encode,
    new_session,
    valid_session,
)
from tests.web.fakes import ScriptedAssistant, write_notes


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Turn:
    folder = tmp_path_factory.mktemp("store")
    assistant = ScriptedAssistant(write_notes(folder / "notes"), folder / "index")
    answer = assistant.ask("GQA 分组 WRONG DISAGREE")
    sheet = Sheet(id="0" * 16, spots=spots_of_answer(answer), copies=("甲",))
    return Turn(answer=answer, sheet=sheet)


def test_a_new_store_on_the_same_folder_has_the_same_turns(tmp_path: Path, turn: Turn) -> None:
    session = new_session()
    TurnStore(tmp_path).add(session, turn)
    (again,) = TurnStore(tmp_path).turns(session)
    assert again.sheet == turn.sheet
    assert again.answer.text == turn.answer.text
    assert again.answer.claims == turn.answer.claims
    assert again.answer.notes_disagree == turn.answer.notes_disagree
    assert again.answer.hits == ()


def test_sessions_do_not_see_each_other(tmp_path: Path, turn: Turn) -> None:
    store = TurnStore(tmp_path)
    mine, other = new_session(), new_session()
    store.add(mine, turn)
    assert store.turns(other) == []
    store.add(other, turn, replacing=turn.sheet.id)  # of another session: it stays
    assert len(store.turns(mine)) == 1
    assert len(store.turns(other)) == 1


def test_the_last_turns_before_another_are_found(tmp_path: Path, turn: Turn) -> None:
    store, session = TurnStore(tmp_path), new_session()
    for digit in "12345":
        sheet = dataclasses.replace(turn.sheet, id=digit * 16)
        store.add(session, dataclasses.replace(turn, sheet=sheet))
    before = {"last": 2, "before": "4" * 16}
    assert [each.sheet.id[0] for each in store.turns(session, **before)] == ["2", "3"]
    assert [each.sheet.id[0] for each in store.turns(session, last=1)] == ["5"]
    assert store.n_turns(session) == 5
    assert store.n_turns(session, before="4" * 16) == 3
    found = store.turn(session, "4" * 16)
    assert found is not None
    assert found.sheet.id[0] == "4"
    assert store.turn(new_session(), "4" * 16) is None


def test_a_turn_gives_way_with_all_behind_it(tmp_path: Path, turn: Turn) -> None:
    store, session = TurnStore(tmp_path), new_session()
    turns = [
        dataclasses.replace(turn, sheet=dataclasses.replace(turn.sheet, id=digit * 16))
        for digit in "123"
    ]
    for each in turns:
        store.add(session, each)
    newest = dataclasses.replace(turn, sheet=dataclasses.replace(turn.sheet, id="4" * 16))
    store.add(session, newest, replacing="2" * 16)
    assert [each.sheet.id[0] for each in store.turns(session)] == ["1", "4"]


def test_chats_are_listed_by_first_question_the_last_used_first(tmp_path: Path, turn: Turn) -> None:
    store, old, new = TurnStore(tmp_path), new_session(), new_session()
    for session in (old, new, old):
        store.add(session, turn)
    assert [(chat.session, chat.n) for chat in store.chats()] == [(old, 2), (new, 1)]
    assert store.chats()[0].title == turn.answer.question
    assert [chat.session for chat in store.chats(only=new)] == [new]
    store.drop(old)
    assert [chat.session for chat in store.chats()] == [new]


def test_a_damaged_turn_is_left_out(tmp_path: Path, turn: Turn) -> None:
    store, session = TurnStore(tmp_path), new_session()
    store.add(session, turn)
    with sqlite3.connect(tmp_path / "chats.sqlite3") as connection:
        for text in ("{", '{"answer": 1}', '{"answer": {"question": "q"}, "sheet": {}}'):
            connection.execute(
                "INSERT INTO turns (session, sheet, turn) VALUES (?, '', ?)", (session, text)
            )
    connection.close()
    assert len(store.turns(session)) == 1


def test_a_byte_of_the_tables_that_is_no_text_is_a_fault_in_a_line(
    tmp_path: Path, turn: Turn
) -> None:
    """SQLite quotes the byte in what it says, which is no text then."""
    TurnStore(tmp_path).add(new_session(), turn)
    file = tmp_path / FILE
    data = bytearray(file.read_bytes())
    data[data.index(b"session TEXT NOT NULL") + len("session TEX")] |= 0x80
    data[data.index(b"CREATE INDEX turns_by_sheet") + 3] |= 0x80
    file.write_bytes(data)
    with pytest.raises(ChatsDamaged, match="doctor --repair"):
        TurnStore(tmp_path)
    n_whole, said = faults_of(file)
    assert n_whole == 0
    assert said
    assert saved(file) == 0
    assert faults_of(file) == (0, [])  # a new one, and the damaged one beside it


def test_chats_and_key_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    TurnStore(tmp_path)
    browser_secret(tmp_path)
    for name in ("chats.sqlite3", "browser.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_the_browser_key_is_made_once_and_again_when_damaged(tmp_path: Path) -> None:
    key = browser_secret(tmp_path)
    assert browser_secret(tmp_path) == key
    (tmp_path / "browser.key").write_bytes(b"\xff")
    assert browser_secret(tmp_path) != key
    (tmp_path / "browser.key").write_bytes(key.encode())  # as earlier versions kept it
    assert browser_secret(tmp_path) == browser_secret(tmp_path) == key
    assert b"sha256" in (tmp_path / "browser.key").read_bytes()


@pytest.mark.parametrize("session", [None, 1, "", "x" * 32, "0" * 31, "0" * 32 + "\n", ["0" * 32]])
def test_a_foreign_session_name_is_refused(session: object) -> None:
    assert valid_session(session) is None


def test_encoding_loses_nothing(turn: Turn) -> None:
    bare = Turn(
        answer=decode(type(turn.answer), {**encode(turn.answer), "hits": ()}), sheet=turn.sheet
    )
    assert decode(Turn, encode(bare)) == bare


def test_a_turn_is_stored_before_the_end_or_refused(tmp_path: Path, turn: Turn) -> None:
    store, session = TurnStore(tmp_path), new_session()
    told: list[str] = []
    refused: list[int] = []

    def chat(number: int) -> None:
        try:
            while True:
                sheet = dataclasses.replace(turn.sheet, id=f"{number}{len(told):015}")
                store.add(session, dataclasses.replace(turn, sheet=sheet))
                told.append(sheet.id)
        except StoreClosed:
            refused.append(number)

    threads = [threading.Thread(target=chat, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    while len(told) < 8:
        time.sleep(0.001)
    store.close()
    for thread in threads:
        thread.join(30)
    assert sorted(refused) == [0, 1, 2, 3]
    kept = [each.sheet.id for each in TurnStore(tmp_path).turns(session)]
    assert sorted(kept) == sorted(told)
    assert len(store.turns(session)) == len(told)  # reading goes on
