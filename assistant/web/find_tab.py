"""The tab that looks up: a search with filters, all notes to browse, one note to read."""

from __future__ import annotations

from functools import partial
from typing import Any

from assistant.filters import Filters
from assistant.web.handlers import Page
from assistant.web.library import Library
from assistant.web.markup import LATEX_DELIMITERS
from assistant.web.parts import QUIET, caught, heard
from assistant.web.texts import both

__all__ = ["find_tab"]


def find_tab(page: Page, library: Library, side: Any, tabs: Any, text: Any) -> tuple[Any, ...]:
    """The search box, the hits or the notes, and the note that is read.

    Returns:
        The lists of folders and tags and the hits, which change with the notes.
    """
    import gradio as gr

    with gr.Column(elem_id="yj-find") as search:
        with gr.Row(elem_classes="yj-bar"):
            query = gr.Textbox(
                label=text("find.label"),
                placeholder=text("find.placeholder"),
                show_label=False,
                container=False,
                scale=1,
                elem_id="yj-query",
            )
            go = gr.Button(text("find.go"), variant="primary", scale=0, elem_id="yj-find-go")
        gr.Markdown(f"<div class='yj-how'>{both('find.how')}</div>", elem_id="yj-find-how")
        with gr.Accordion(text("find.filters"), open=False, elem_classes="yj-filters"), gr.Row():
            choose = partial(gr.Dropdown, choices=[], value=None, allow_custom_value=True)
            folder = choose(label=text("find.folder"), min_width=140)
            tag = choose(label=text("find.tag"), min_width=140)
            title = gr.Textbox(label=text("find.title"), min_width=140)
            since = gr.Textbox(label=text("find.since"), placeholder="2024-05", min_width=120)
            until = gr.Textbox(label=text("find.until"), placeholder="2024-12-31", min_width=120)
            k = gr.Slider(1, 50, 10, step=1, label=text("find.k"), min_width=160)
        hits = gr.Markdown(
            library.listing(Filters()), elem_id="yj-hits", latex_delimiters=LATEX_DELIMITERS
        )
    with gr.Column(elem_id="yj-reader", visible=False) as reader:
        back = gr.Button(text("note.back"), size="sm", elem_id="yj-back")
        note = gr.Markdown("", elem_id="yj-note", latex_delimiters=LATEX_DELIMITERS)

    def find(query: str, k: float, *chosen: str | None) -> Any:
        folder, tag, title, since, until = (value.strip() if value else None for value in chosen)
        with caught() as fault:
            filters = Filters(folder=folder, tag=tag, title=title, since=since, until=until)
            found = page.find(query, k, filters)
            return found if query.strip() else library.listing(filters)
        fault.tell()
        return gr.skip()

    def read(wanted: dict[str, Any]) -> list[Any]:
        with caught() as fault:
            markup = library.read(wanted.get("note"), wanted.get("at"))
            if markup is not None:
                return [gr.Tabs(selected="find"), gr.Column(visible=False),
                        gr.Column(visible=True), markup]  # fmt: skip
        fault.tell()
        return [gr.skip()] * 4

    inputs = [query, k, folder, tag, title, since, until]
    shown = {"api_visibility": "private", "show_progress": "minimal"}
    gr.on(
        [query.submit, go.click, title.submit, since.submit, until.submit],
        find, inputs, hits, **shown,
    )  # fmt: skip
    gr.on([folder.input, tag.input, k.release], find, inputs, hits, **QUIET)
    side.click(heard(read), None, [tabs, search, reader, note], **QUIET)
    back.click(
        lambda: [gr.Column(visible=True), gr.Column(visible=False)],
        None, [search, reader], **QUIET,
    )  # fmt: skip
    return folder, tag, hits
