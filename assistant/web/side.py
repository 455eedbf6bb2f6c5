"""The side panel, and the one place where the page's scripts run.

The panel is drawn by script from plain text, never from a template. Its component also carries
the events of links that were followed: `click` reads a note, `input` asks about one, `submit`
edits a turn, `select` opens or drops a conversation.
"""

from __future__ import annotations

import json
from typing import Any

from assistant.web import look
from assistant.web.handlers import Page
from assistant.web.texts import ICONS, TEXTS, VERDICT_CLASSES

__all__ = ["side_panel"]

_SCRIPTS = ("panel.js", "page.js")


def side_panel(page: Page) -> Any:
    """The side panel: drawn by `panel.js` from plain text, never from a template."""
    import gradio as gr

    def passage(ref: str) -> dict[str, Any] | None:
        """What the panel draws for a reference."""
        return page.passage(ref)

    def copied(ref: str) -> str | None:
        """The Markdown that a reference copies."""
        return page.copy(ref)

    def chats(session: str) -> list[dict[str, Any]]:
        """The conversations on disk."""
        return page.chats(session)

    def opened(path: str) -> bool:
        """Whether a note's file was opened on this machine."""
        return page.open_file(path)

    given = {
        "WORDS": {
            k: [t.zh, t.en]
            for k, t in TEXTS.items()
            if k.startswith(("panel.", "js.")) or k in ICONS
        },
        "ICONS": ICONS,
        "CSS_OF": VERDICT_CLASSES,
    }
    constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in given.items())
    with gr.Sidebar(position="right", open=False, width=460, elem_id="yj-side"):
        side = gr.HTML(
            value=None,
            html_template="<div class='yj-panel'></div>",
            js_on_load=constants + "\n".join(look.asset(f).read_text("utf-8") for f in _SCRIPTS),
            server_functions=[passage, copied, chats, opened],
            apply_default_css=False,
            elem_id="yj-panel",
        )
    return side  # noqa: RET504  # made inside the sidebar
