from __future__ import annotations

from pathlib import Path

from tests.web.measured import Measured


def test_a_run_renews_its_rows_and_keeps_the_others(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    first = Measured()
    first.add("within 1 s", "2 s", "desktop")
    first.add("within 1 s", "3 s", "phone")
    first.fail("tests/web/test_goals.py::test_one[desktop]")
    first.write(file)
    assert "`test_one[desktop]`" in file.read_text("utf-8")
    second = Measured()
    second.add("within 1 s", "0.5 s", "desktop")
    second.write(file)
    text = file.read_text("utf-8")
    assert "| within 1 s | 0.5 s | desktop |" in text
    assert "| within 1 s | 3 s | phone |" in text
    assert "2 s |" not in text.replace("0.5 s |", "").replace("3 s |", "")
    assert "last run: none." in text
