"""The table of faults is complete and belongs to the tests that there are."""

from __future__ import annotations

import re

import pytest

from tests.faults import ROWS, TABLE, rows_with_tests


def test_every_row_has_a_test() -> None:
    assert list(ROWS) == list(range(1, 91))
    assert set(rows_with_tests()) == set(ROWS)


@pytest.mark.skipif(not TABLE.exists(), reason="python -m tests.faults has not been run")
def test_the_table_names_every_row_with_its_tests_and_result() -> None:
    rows = re.findall(
        r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| (.*) \|$", TABLE.read_text("utf-8"), re.M
    )
    found = {int(number): (fault, expected) for number, fault, expected, _, _ in rows}
    assert found == ROWS
    tested = rows_with_tests()
    for number, _, _, result, tests in rows:
        assert re.findall(r"`([^`]+)`", tests) == [
            name.partition("::")[2] for name in tested[int(number)]
        ]
        assert set(result.split(", ")) <= {"passed", "skipped", "slow ones not run"}, number
