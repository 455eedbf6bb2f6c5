"""The tab that checks: a text pasted or dropped, and the same text painted claim by claim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assistant.web.handlers import Page
from assistant.web.markup import LATEX_DELIMITERS
from assistant.web.paint import legend
from assistant.web.parts import QUIET, caught
from assistant.web.texts import both

__all__ = ["check_tab"]

_TO_RESULT = (
    "() => { document.querySelector('#yj-checked .yj-sum')?.scrollIntoView({block: 'start'}); }"
)
_TYPES = [".md", ".txt", ".html", ".docx", ".pdf", ".ipynb"]


def check_tab(page: Page, text: Any) -> None:
    """The text to check, and the same text painted."""
    import gradio as gr

    with gr.Column(elem_id="yj-check"):
        box = gr.Textbox(
            label=text("check.label"),
            placeholder=text("check.placeholder"),
            show_label=False,
            container=False,
            lines=6,
            max_lines=18,
            elem_id="yj-text",
        )
        drop = gr.File(
            label=text("check.file"),
            file_types=_TYPES,
            height=52,
            elem_id="yj-drop",
        )
        with gr.Row(elem_classes="yj-bar"):
            gr.Markdown(legend(), elem_id="yj-check-legend")
            go = gr.Button(text("check.go"), variant="primary", scale=0, elem_id="yj-check-go")
        result = gr.Markdown(
            f"<div class='yj-empty'>{both('check.start')}</div>",
            latex_delimiters=LATEX_DELIMITERS,
            elem_id="yj-checked",
        )

    def check(written: str) -> Any:
        with caught() as fault:
            return page.check(written or "")
        fault.tell()
        return gr.skip()

    def dropped(file: str | None) -> list[Any]:
        if file:
            with caught() as fault:
                return [page.text_of(Path(file)), None]
            fault.tell()
            return [gr.skip(), None]
        return [gr.skip(), gr.skip()]

    drop.upload(dropped, drop, [box, drop], **QUIET)
    checked = go.click(check, box, result, api_visibility="private", show_progress="minimal")
    checked.then(None, None, None, js=_TO_RESULT)
