"""The tab that evaluates: start a suite, watch it, read results beside those of another run."""

from __future__ import annotations

import json
from typing import Any

from assistant.web.handlers import Page
from assistant.web.parts import QUIET, caught
from assistant.web.results import Result, load_results, paint_result
from assistant.web.review_part import review_part
from assistant.web.reviewing import Reviewing
from assistant.web.runs import MAKE, SUITES, Runs
from assistant.web.spots import Sheet, new_sheet_id, save_href
from assistant.web.texts import both

__all__ = ["eval_tab"]


def eval_tab(demo: Any, page: Page, runs: Runs, text: Any) -> None:
    """The suites, the progress of the one that runs, and the results on disk."""
    import gradio as gr

    with gr.Column(elem_id="yj-eval"):
        with gr.Row(elem_classes="yj-form"):
            suite = gr.Dropdown(
                choices=[(name, name) for name in SUITES], value="answers",
                label=text("eval.suite"), min_width=150, filterable=False, elem_id="yj-suite",
            )  # fmt: skip
            data = gr.Textbox(
                label=text("eval.data_label"), placeholder=text("eval.data_hint"), min_width=200,
                elem_id="yj-data",
            )  # fmt: skip
            go = gr.Button(
                text("eval.go"), variant="primary", scale=0, elem_id="yj-eval-go",
                interactive=runs.may_start,
            )  # fmt: skip
            stop = gr.Button(text("ask.stop"), visible=False, scale=0, elem_id="yj-eval-stop")
        suites = "".join(
            f"<b>{name}</b><span>{both(f'eval.what.{name}')}</span>" for name in SUITES
        )
        gr.Markdown(f"<div class='yj-suites'>{suites}</div>", elem_id="yj-suites")
        progress = gr.Markdown("", elem_id="yj-eval-progress", visible=False)
        timer = gr.Timer(1, active=False)
        moving = [timer, progress, go, stop]

        def state() -> list[Any]:
            return [
                gr.Timer(active=runs.busy),
                gr.Markdown(value=runs.progress(), visible=bool(runs.progress())),
                gr.Button(interactive=runs.may_start and not runs.busy),
                gr.Button(visible=runs.busy),
            ]

        def start(suite: str, data: str) -> list[Any]:
            with caught() as fault:
                notes = page.assistant.index.status().root or ""
                runs.start(str(suite), data or "", notes=notes)
            fault.tell()
            return state()

        own = runs.evaluation.own
        drafts, drawn_drafts = review_part(
            demo, Reviewing(page, own / "drafts" if own else None), text,
            may_start=runs.may_start, start=start, started=moving,
        )  # fmt: skip
        with gr.Row(elem_classes="yj-form"):
            choose = gr.Dropdown(choices=[], label=text("eval.run"), min_width=240,
                                 elem_id="yj-run")  # fmt: skip
            other = gr.Dropdown(choices=[], label=text("eval.other"), min_width=240)
        result = gr.Markdown("", elem_id="yj-result", latex_delimiters=[])

    def found() -> list[Result]:
        return load_results(runs.evaluation.folders)

    def listed() -> list[Any]:
        results = found()
        if not results:
            empty = f"<div class='yj-empty'>{both('eval.none')}</div>"
            return [gr.Dropdown(choices=[], value=None), gr.Dropdown(choices=[]), empty]
        first = results[0].name
        choices = [(each.label, each.name) for each in results]
        return [gr.Dropdown(choices=choices, value=first), *drawn(first, None)]

    def drawn(name: str | None, against: str | None) -> list[Any]:
        results = {each.name: each for each in found()}
        chosen = results.get(name or "")
        if chosen is None:
            return [gr.skip(), gr.skip()]
        kin = [each for each in results.values()
               if each.kind == chosen.kind and each.name != chosen.name]  # fmt: skip
        earlier = [each for each in kin if each.when <= chosen.when]
        names = {each.name for each in kin}
        base = results[against] if against in names else next(iter(earlier), None)
        with caught() as fault:
            raw = json.dumps(chosen.data, ensure_ascii=False, indent=1)
            markup = paint_result(chosen, base)
            sheet = page.show(Sheet(id=new_sheet_id(), spots=(), copies=(markup, raw)))
            save = f"<a class='act' href='{save_href(sheet.id, 1)}'>{both('save.json')}</a>"
            choices = [(each.label, each.name) for each in kin]
            value = base.name if base else None
            return [gr.Dropdown(choices=choices, value=value),
                    f"{markup}<div class='yj-foot'>{save}</div>"]  # fmt: skip
        fault.tell()
        return [gr.skip(), gr.skip()]

    def stopped() -> list[Any]:
        runs.stop()
        return state()

    def ticked() -> list[Any]:
        over = not runs.busy
        made = drafts() if over and runs.suite == MAKE else [gr.skip()] * len(drawn_drafts)
        return [*state(), *(listed() if over else [gr.skip()] * 3), *made]

    go.click(start, [suite, data], moving, **QUIET)
    stop.click(stopped, None, moving, **QUIET)
    timer.tick(ticked, None, [*moving, choose, other, result, *drawn_drafts], **QUIET)
    choose.input(lambda name: drawn(name, None), choose, [other, result], **QUIET)
    other.input(drawn, [choose, other], [other, result], **QUIET)
    demo.load(state, None, moving, **QUIET)
    demo.load(listed, None, [choose, other, result], **QUIET)
