"""The tab of the notes: which are in use, their index, refreshing it, choosing others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assistant.web.parts import QUIET, caught
from assistant.web.vaults import Vaults

__all__ = ["notes_tab"]


def notes_tab(
    demo: Any, vaults: Vaults, text: Any, fresh: Callable[[], list[Any]], changing: list[Any]
) -> None:
    """The state of the notes and what can be done with them.

    Args:
        demo: the page.
        vaults: what can be done.
        text: labels in both languages.
        fresh: what the rest of the page shows of the notes, once they have changed.
        changing: the components that show it.
    """
    import gradio as gr

    with gr.Column(elem_id="yj-notes"):
        with gr.Row(elem_classes="yj-bar2"):
            progress = gr.Markdown(vaults.progress(), elem_id="yj-notes-progress")
            refresh = gr.Button(text("refresh"), variant="primary", scale=0, elem_id="yj-refresh")
        status = gr.Markdown(vaults.status(), elem_id="yj-notes-status", latex_delimiters=[])
        with gr.Column(visible=vaults.may_choose, elem_id="yj-choose"):
            gr.Markdown(vaults.choosing(), elem_id="yj-choosing")
            with gr.Row(elem_classes="yj-form"):
                path = gr.Textbox(
                    label=text("vault.path"), placeholder="~/notes", elem_id="yj-path", scale=1
                )
                use = gr.Button(text("vault.use"), scale=0, elem_id="yj-use")
            files = gr.File(
                label=text("vault.upload"), file_count="multiple", height=64, elem_id="yj-upload"
            )
    timer = gr.Timer(1, active=False)
    moving = [timer, progress, refresh]

    def state() -> list[Any]:
        return [
            gr.Timer(active=vaults.busy),
            vaults.progress(),
            gr.Button(interactive=not vaults.busy),
        ]

    def begin(act: Callable[..., None]) -> Callable[..., list[Any]]:
        def began(*values: Any) -> list[Any]:
            with caught() as fault:
                act(*values)
            fault.tell()
            return [gr.Timer(active=True), *state()[1:]]

        return began

    def ticked() -> list[Any]:
        moved = state()
        if vaults.busy:
            return [*moved, *[gr.skip()] * (1 + len(changing))]
        return [*moved, vaults.status(), *fresh()]

    refresh.click(begin(vaults.refresh), None, moving, **QUIET)
    gr.on([use.click, path.submit], begin(vaults.use), path, moving, **QUIET)

    def taken(files: list[str] | None) -> list[Any]:
        return [*begin(vaults.take)(files or []), None]

    files.upload(taken, files, [*moving, files], **QUIET)
    timer.tick(ticked, None, [*moving, status, *changing], **QUIET)
    demo.load(state, None, moving, **QUIET)
    demo.load(vaults.status, None, status, **QUIET)
