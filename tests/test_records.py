"""Small files of one value beside a checksum."""

from __future__ import annotations

import threading
from pathlib import Path

from corpus.records import read_record, write_record


def test_a_record_that_several_threads_write_is_always_one_of_theirs(tmp_path: Path) -> None:
    file = tmp_path / "state"
    values = {f"{letter * 5000}" for letter in "abcd"}
    write_record(file, "state", "a" * 5000)
    faults: list[Exception] = []

    def write(value: str) -> None:
        try:
            for _ in range(60):
                write_record(file, "state", value)
        except OSError as fault:
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(value,)) for value in sorted(values)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert read_record(file, "state") in values
    assert not faults
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
