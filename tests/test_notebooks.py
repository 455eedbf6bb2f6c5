from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpus.blocks import blocks
from corpus.drafts import Unreadable
from corpus.notes import notes_from_text
from tests.files import assert_covered, one, skips


def notebook(*cells: tuple[str, Any], **metadata: Any) -> str:
    made = [
        {"cell_type": kind, "metadata": {}, "source": source}
        | (
            {"execution_count": 1, "outputs": [{"text": ["SECRET OUTPUT"]}]}
            if kind == "code"
            else {}
        )
        for kind, source in cells
    ]
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


PYTHON = {"kernelspec": {"language": "python"}, "language_info": {"name": "python"}}


def test_a_notebook_is_its_text_and_code_without_outputs() -> None:
    text = notebook(
        ("markdown", ["# LoRA 微调实验\n", "\n", "秩取 8，学习率 2e-4。"]),
        ("code", ["import peft\n", "config = peft.LoraConfig(r=8)\n"]),
        ("code", "%%bash\nnvidia-smi"),
        ("code", []),
        (
            "markdown",
            "## 结果\r\n\r\n- 损失降到 0.3\r\n![p](data:image/png;base64," + "A" * 400 + ")",
        ),
        ("raw", "原样"),
        **PYTHON,
    )
    note = one("实验/lora 2024-03-05.ipynb", text)
    assert note.text == (
        "# LoRA 微调实验\n\n秩取 8，学习率 2e-4。\n\n"
        "```python\nimport peft\nconfig = peft.LoraConfig(r=8)\n```\n\n"
        "```bash\n%%bash\nnvidia-smi\n```\n\n"
        "## 结果\n\n- 损失降到 0.3\n![p](data:image/png;base64,)\n\n原样\n"
    )
    assert (note.title, note.format, note.date) == ("LoRA 微调实验", "markdown", "2024-03-05")
    assert note.path == note.file == "实验/lora 2024-03-05.ipynb"
    assert [b.kind for b in blocks(note.text)].count("code") == 2
    assert_covered(note)


def test_a_notebook_without_a_heading_is_named_by_its_file() -> None:
    assert one("a/草稿.ipynb", notebook(("code", "# not a heading\nx = 1"))).title == "草稿"
    assert one("a.ipynb", notebook(("markdown", "正文\n### 三级"))).title == "三级"


def test_a_notebook_in_another_language_or_of_version_3_is_read() -> None:
    note = one("a.ipynb", notebook(("code", "1 |> sqrt"), kernelspec={"language": "julia"}))
    assert note.text == "```julia\n1 |> sqrt\n```\n"
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["旧版"]},
        {"cell_type": "code", "input": ["print 1"], "language": "python"},
    ]
    old = one("a.ipynb", json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3}))
    assert old.text == "## 旧版\n\n```python\nprint 1\n```\n"


@pytest.mark.parametrize("cells", [[], [{}], [{"cell_type": "code", "source": 3}], [None, 1]])
def test_a_notebook_that_says_nothing_is_no_note(cells: list[Any]) -> None:
    assert notes_from_text("a.ipynb", json.dumps({"cells": cells})) == []


@pytest.mark.parametrize("text", ["[]", "3", "{}", '{"cells": {}}', "[" * 100_000, "<html>"])
def test_what_is_no_notebook_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="notebook"):
        notes_from_text("a.ipynb", text)


def test_a_broken_notebook_costs_only_itself(tmp_path: Path) -> None:
    broken = notebook(("markdown", "正文")).encode()[:-20]
    assert skips(tmp_path, "坏.ipynb", broken).startswith("broken notebook: ")
