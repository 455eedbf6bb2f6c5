"""What stands below the name of the page: who answers, what leaves the machine, the notes."""

from __future__ import annotations

from assistant.web.desk import Assistant
from assistant.web.markup import escape
from assistant.web.skips import skip_reason
from assistant.web.texts import both, both_n

__all__ = ["header"]

_SKIPPED_SHOWN = 50


def header(assistant: Assistant) -> str:
    """What answers, what searches, whether anything is sent, and how many notes there are."""
    index, generator = assistant.index, assistant.generator
    own = generator == "extractive"
    chips = [
        ("lock", both("local") if own else both("sent", name=generator)),
        ("gen", both("generator.extractive") if own else both("generator.model", name=generator)),
        ("enc", both("encoder", name=assistant.encoder_name)),
        ("cnt", f"{both_n('notes', index.n_notes)} · {both_n('passages', index.n_chunks)}"),
    ]
    shown = "".join(f"<span class='chip {css}'>{markup}</span>" for css, markup in chips)
    return f"<div class='yj-chips'>{shown}{_skipped(assistant)}</div>"


def _skipped(assistant: Assistant) -> str:
    """The files that were skipped, folded away; nothing where there are none."""
    skipped = assistant.index.status().skipped
    if not skipped:
        return ""
    rows = "".join(
        f"<div><code>{escape(file.path)}</code> {skip_reason(file.reason)}</div>"
        for file in skipped[:_SKIPPED_SHOWN]
    )
    count = both_n("skipped", len(skipped))
    return f"<details class='chip skip'><summary>{count}</summary>{rows}</details>"
