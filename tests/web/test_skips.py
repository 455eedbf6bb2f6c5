"""Why a file was skipped, in both languages."""

from __future__ import annotations

import ast
from pathlib import Path

import corpus
from assistant.web.skips import in_chinese, skip_reason


def said_by_readers() -> set[str]:
    """What the readers of `corpus` say of a file they skip, 7 in the place of what varies."""
    found = set()
    for file in Path(corpus.__path__[0]).glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            name = getattr(getattr(call, "func", None), "id", "") or getattr(
                getattr(call, "func", None), "attr", ""
            )
            if not isinstance(call, ast.Call) or name not in ("Unreadable", "_skip"):
                continue
            for argument in call.args:
                parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
                text = "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "7" for part in parts
                )
                if isinstance(argument, ast.JoinedStr | ast.Constant):
                    found.add(text)
    return found


def test_every_reason_of_the_readers_is_said_in_chinese() -> None:
    reasons = said_by_readers()
    assert len(reasons) > 25
    plain = {reason for reason in reasons if in_chinese(reason) == reason}
    # the limit of the reading process is put together outside the string
    assert plain <= {"too complex: reading it takes more than 7"}
    assert in_chinese("too complex: reading it takes more than 20 s or 2 GB").startswith("太复杂")


def test_what_varies_stays_and_is_escaped() -> None:
    assert in_chinese(".png format is not read yet") == "还不能读 .png 格式"
    markup = skip_reason("broken PDF: <b>end</b>")
    assert '<span class="zh">PDF 已损坏：&lt;b&gt;end&lt;/b&gt;</span>' in markup
    assert '<span class="en">broken PDF: &lt;b&gt;end&lt;/b&gt;</span>' in markup
    assert skip_reason("said by <nobody>") == "said by &lt;nobody&gt;"
