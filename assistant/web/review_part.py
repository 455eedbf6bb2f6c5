"""The part of the evaluation tab in which drafted questions are reviewed, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assistant.reviews import VERDICTS
from assistant.web.markup import LATEX_DELIMITERS
from assistant.web.parts import QUIET, caught
from assistant.web.reviewing import EVERY, Card, Reviewing
from assistant.web.texts import both

__all__ = ["review_part"]


def review_part(
    demo: Any,
    reviewing: Reviewing,
    text: Any,
    *,
    may_start: bool,
    start: Callable[[str, str], list[Any]],
    started: list[Any],
) -> tuple[Callable[[], list[Any]], list[Any]]:
    """The table that is chosen, one draft of it, and what can be decided.

    Args:
        demo: the page.
        reviewing: reads and decides.
        text: of `gr.I18n`.
        may_start: whether a run can be started from the page.
        start: starts a run by suite and data; what it returns goes to `started`.
        started: components that show a run.

    Returns:
        What lists the tables anew and draws the newest, and the components that goes to.
    """
    import gradio as gr

    with gr.Accordion(text("review.title"), open=False, elem_id="yj-review"):
        gr.Markdown(f"<div class='wh'>{both('review.why')}</div>")
        with gr.Row(elem_classes="yj-form"):
            table = gr.Dropdown(choices=[], label=text("review.table"), min_width=220,
                                elem_id="yj-table")  # fmt: skip
            show = gr.Dropdown(
                choices=[(text(f"review.{s}"), s) for s in ("open", "accepted", "rejected", EVERY)],
                value="open", label=text("review.show"), min_width=130, filterable=False,
                elem_id="yj-show",
            )  # fmt: skip
            make = gr.Button(text("review.make"), scale=0, interactive=may_start,
                             elem_id="yj-make")  # fmt: skip
        card = gr.Markdown("", elem_id="yj-draft", latex_delimiters=LATEX_DELIMITERS)
        with gr.Column(visible=False, elem_id="yj-decide") as boxes:
            words = gr.Textbox(label=text("review.text"), lines=2, max_lines=6,
                               elem_id="yj-words")  # fmt: skip
            facts = gr.Textbox(label=text("review.facts"), lines=1, max_lines=6,
                               elem_id="yj-facts")  # fmt: skip
            verdict = gr.Dropdown(
                choices=[(text(v), v) for v in VERDICTS], label=text("review.verdict"),
                filterable=False, elem_id="yj-verdict",
            )  # fmt: skip
            with gr.Row(elem_classes="yj-form"):
                yes = gr.Button(text("review.accept"), variant="primary", scale=0,
                                elem_id="yj-accept")  # fmt: skip
                no = gr.Button(text("review.reject"), scale=0, elem_id="yj-reject")
                back = gr.Button(text("review.previous"), scale=0, elem_id="yj-previous")
                on = gr.Button(text("review.next"), scale=0, elem_id="yj-next")
        measure = gr.Button(text("review.measure"), interactive=may_start, elem_id="yj-measure")
    at = gr.State("")
    drawn = [card, boxes, words, facts, verdict, at]

    def draw(found: Card) -> list[Any]:
        return [
            found.markup,
            gr.Column(visible=bool(found.id)),
            found.text,
            gr.Textbox(value=found.facts, visible=not found.is_claim),
            gr.Dropdown(value=found.verdict or None, visible=found.is_claim),
            found.id,
        ]

    def shown(name: str | None, which: str, id_: str = "", step: int = 0) -> list[Any]:
        if not name:
            return draw(Card(markup=f"<div class='yj-empty'>{both('review.none')}</div>"))
        with caught() as fault:
            return draw(reviewing.card(name, which, id_, step))
        fault.tell()
        return [gr.skip()] * len(drawn)

    def listed() -> list[Any]:
        names = reviewing.names()
        first = names[0] if names else None
        return [gr.Dropdown(choices=names, value=first), *shown(first, "open")]

    def decide(accepted: bool) -> Callable[..., list[Any]]:
        def act(
            name: str, which: str, id_: str, said: str, held: str, wanted: str | None
        ) -> list[Any]:
            with caught() as fault:
                reviewing.decide(
                    name, id_, accepted=accepted, text=said or "", facts=held or "",
                    verdict=wanted or "",
                )  # fmt: skip
                return shown(name, which, id_, 1 if which == EVERY else 0)
            fault.tell()
            return [gr.skip()] * len(drawn)

        return act

    def measured(name: str | None) -> list[Any]:
        with caught() as fault:
            return start("answers", str(reviewing.accepted(name)))
        fault.tell()
        return [gr.skip()] * len(started)

    gr.on([table.input, show.input], shown, [table, show], drawn, **QUIET)
    decision = [table, show, at, words, facts, verdict]
    yes.click(decide(True), decision, drawn, **QUIET)
    no.click(decide(False), decision, drawn, **QUIET)
    back.click(lambda n, w, i: shown(n, w, i, -1), [table, show, at], drawn, **QUIET)
    on.click(lambda n, w, i: shown(n, w, i, 1), [table, show, at], drawn, **QUIET)
    make.click(lambda: start("make", ""), None, started, **QUIET)
    measure.click(measured, table, started, **QUIET)
    demo.load(listed, None, [table, *drawn], **QUIET)
    return listed, [table, *drawn]
