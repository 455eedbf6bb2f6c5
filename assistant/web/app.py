"""The page: components, events and the server, around the handlers of `handlers`.

Gradio is imported inside the functions here, after `environment.prepare` has settled what it
reads from the environment. This is the one place of the page that catches everything: a fault
becomes one line for the person and a traceback in the log.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from assistant.retrieval import Filters
from assistant.web import look
from assistant.web.environment import (
    free_port,
    prepare,
    private_folder,
    refuse_foreign_settings,
    without_socks_proxies,
)
from assistant.web.handlers import Assistant, Conversation, Page, Unfit
from assistant.web.paint import legend
from assistant.web.render import LATEX_DELIMITERS, escape
from assistant.web.security import Guard
from assistant.web.store import TurnStore, browser_secret
from assistant.web.texts import ICONS, TEXTS, TRANSLATIONS, VERDICT_CLASSES, both
from corpus.errors import YoujuError

__all__ = ["build_demo", "launch_settings", "serve", "start"]

logger = logging.getLogger(__name__)

_N_EXAMPLES = 4
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def serve(
    assistant: Assistant,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    data_dir: Path,
    open_browser: bool = False,
    announce: Callable[[str], None] = logger.info,
) -> None:
    """Serve the page until interrupted (Ctrl-C).

    Args:
        assistant: answers, finds and checks.
        host: address to listen on; anything but loopback opens the notes to the network.
        port: port to listen on; None takes the first free one from 7860.
        data_dir: private folder for chats and temporary files, outside the notes.
        open_browser: whether to open the page in the person's browser.
        announce: is told, once it answers, where the page is.

    Raises:
        ConfigError: the port is taken, the host is not of this machine, or a setting of Gradio
            in the environment would open the notes to others.
    """
    demo, url = start(assistant, host=host, port=port, data_dir=data_dir)
    try:
        announce(url)
        if open_browser:
            webbrowser.open(url)
        _wait()
    except KeyboardInterrupt:
        logger.debug("interrupted")
    finally:
        demo.close(verbose=False)


def start(assistant: Assistant, *, host: str, port: int | None, data_dir: Path) -> tuple[Any, str]:
    """Serve the page from threads of this process.

    Returns:
        The running `gradio.Blocks`, to be closed by the caller, and the address of the page.

    Raises:
        ConfigError: as `serve`.
    """
    refuse_foreign_settings()
    port = free_port(host, port)
    folder = private_folder(data_dir)
    prepare(folder)
    with without_socks_proxies():
        demo = build_demo(assistant, folder=folder)
        _, url, _ = demo.launch(**launch_settings(host, port), prevent_thread_lock=True)
    return demo, url


def _wait() -> None:
    """Block until the process is interrupted."""
    threading.Event().wait()


def launch_settings(host: str, port: int) -> dict[str, Any]:
    """What `Blocks.launch` is given: this machine only, nothing shared, nothing fetched."""
    import gradio as gr
    from starlette.middleware import Middleware

    return {
        "server_name": host,
        "server_port": port,
        "share": False,
        "quiet": True,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": False,
        "num_workers": 0,  # other processes would answer without the guard
        "root_path": "",
        "run_history": False,
        "enable_monitoring": False,
        "footer_links": ["settings"],
        "max_file_size": "20mb",
        "allowed_paths": [],
        "state_session_capacity": 200,
        "show_error": False,
        "favicon_path": str(look.asset("seal.svg")),
        "i18n": gr.I18n(**TRANSLATIONS),
        "theme": look.theme(),
        "head": f"<style>{look.asset('page.css').read_text('utf-8')}</style>",
        "app_kwargs": {
            "middleware": [Middleware(Guard, bound=host)],
            "openapi_url": None,
            "docs_url": None,
            "redoc_url": None,
        },
    }


def build_demo(assistant: Assistant, *, folder: Path) -> Any:
    """The page as `gradio.Blocks`, its queue set, not yet launched.

    Args:
        assistant: answers, finds and checks.
        folder: private folder for the chats, existing.
    """
    import gradio as gr

    page = Page(assistant, TurnStore(folder))
    text = gr.I18n(**TRANSLATIONS)
    with gr.Blocks(
        title="youju 有据", fill_width=True, analytics_enabled=False, delete_cache=(3600, 3600)
    ) as demo:
        browser = gr.BrowserState(storage_key="youju", secret=browser_secret(folder))
        with gr.Row(elem_id="yj-head"):
            gr.Markdown(look.brand(), elem_id="yj-brand")
            chips = gr.Markdown(page.header(), elem_id="yj-status")
            refresh = gr.Button(
                text("refresh"), size="sm", variant="secondary", elem_id="yj-refresh"
            )
        with gr.Tabs(elem_id="yj-tabs"):
            with gr.Tab(text("tab.ask"), id="ask"):
                _ask_tab(demo, page, browser, text)
            with gr.Tab(text("tab.find"), id="find"):
                folder_box, tag_box = _find_tab(page, text)
            with gr.Tab(text("tab.check"), id="check"):
                _check_tab(page, text)
        _panel(page)

        def fresh() -> tuple[Any, Any, Any]:
            folders, tags = page.folders_and_tags()
            return page.header(), gr.Dropdown(choices=folders), gr.Dropdown(choices=tags)

        def refreshed(progress: Any = gr.Progress()) -> tuple[Any, Any, Any]:  # noqa: B008
            def advance(done: int, total: int) -> None:
                progress((done, total))

            with _caught() as fault:
                _tell(page.refresh(advance))
            fault.tell()
            return fresh()

        lists = [chips, folder_box, tag_box]
        refresh.click(
            refreshed,
            None,
            lists,
            api_visibility="private",
            show_progress_on=chips,
            concurrency_limit=1,
        )
        demo.load(fresh, None, lists, **_QUIET)
    demo.queue(default_concurrency_limit=8, max_size=32)
    return demo


class _Chat(NamedTuple):
    """The components of the chat."""

    welcome: Any
    examples: list[Any]
    chat: Any
    box: Any
    send: Any
    stop: Any
    retry: Any
    rewrite: Any
    new: Any


def _chat(text: Any) -> _Chat:
    """The chat: welcome with examples, messages, and the dock with the question."""
    import gradio as gr

    with gr.Column(elem_id="yj-ask"):
        with gr.Column(elem_id="yj-welcome") as welcome:
            gr.Markdown(look.welcome())
            examples = [
                gr.Button("", visible=False, elem_classes="yj-example", variant="secondary")
                for _ in range(_N_EXAMPLES)
            ]
        chat = gr.Chatbot(
            elem_id="yj-chat",
            visible=False,
            show_label=False,
            container=False,
            height=None,
            autoscroll=False,
            buttons=[],
            feedback_options=None,
            latex_delimiters=LATEX_DELIMITERS,
            group_consecutive_messages=False,
        )
        with gr.Column(elem_id="yj-dock"):
            with gr.Row(elem_id="yj-line"):
                box = gr.Textbox(
                    placeholder=text("ask.placeholder"),
                    label=text("ask.label"),
                    show_label=False,
                    container=False,
                    lines=1,
                    max_lines=6,
                    autofocus=True,
                    scale=1,
                    elem_id="yj-box",
                )
                send = gr.Button(text("ask.send"), variant="primary", scale=0, elem_id="yj-send")
                stop = gr.Button(text("ask.stop"), visible=False, scale=0, elem_id="yj-stop")
            with gr.Row(elem_id="yj-under"):
                gr.Markdown(legend(), elem_id="yj-legend")
                retry = gr.Button(text("ask.retry"), size="sm", visible=False, elem_id="yj-retry")
                rewrite = gr.Button(
                    text("ask.rewrite"), size="sm", visible=False, elem_id="yj-rewrite"
                )
                new = gr.Button(text("ask.new"), size="sm", visible=False, elem_id="yj-new")
    return _Chat(welcome, examples, chat, box, send, stop, retry, rewrite, new)


def _ask_tab(demo: Any, page: Page, browser: Any, text: Any) -> None:
    """The chat and what its buttons do."""
    import gradio as gr

    welcome, examples, chat, box, send, stop, retry, rewrite, new = _chat(text)
    pending = gr.State("")
    outputs = [browser, chat, welcome, box, pending, send, stop, retry, rewrite, new]

    def shown(now: Conversation, *, busy: str = "", box_text: str | None = None) -> list[Any]:
        some = bool(now.messages)
        return [
            now.session,
            gr.Chatbot(value=now.messages, visible=some),
            gr.Column(visible=not some),
            gr.skip() if box_text is None else box_text,
            busy,
            gr.Button(visible=not busy),
            gr.Button(visible=bool(busy)),
            gr.Button(visible=some and not busy),
            gr.Button(visible=some and not busy and page.is_rewritable(now.session)),
            gr.Button(visible=some),
        ]

    def ask(
        question: str, session: Any, again: bool = False, rewritten: bool = False
    ) -> Iterator[list[Any]]:
        done = False
        with _caught() as fault:
            growing = page.ask(question, session, again=again, rewrite=rewritten)
            for step, now in enumerate(growing):
                session = now.session
                yield shown(now, busy=question, box_text=None if step or again else "")
            done = True
            yield shown(now)
        if not done:
            fault.tell()
            yield shown(page.conversation(session), box_text=None if again else question)

    def ask_again(session: Any) -> Iterator[list[Any]]:
        question = page.last_question(session)
        if question:
            yield from ask(question, session, again=True)

    def ask_rewritten(session: Any) -> Iterator[list[Any]]:
        yield from ask(page.last_question(session), session, again=True, rewritten=True)

    def stopped(question: str, session: Any) -> list[Any]:
        _tell(both("stopped"))
        return shown(page.conversation(session), box_text=question or None)

    running = [
        gr.on([box.submit, send.click], ask, [box, browser], outputs, **_QUIET),
        retry.click(ask_again, browser, outputs, **_QUIET),
        rewrite.click(ask_rewritten, browser, outputs, **_QUIET),
        *(button.click(ask, [button, browser], outputs, **_QUIET) for button in examples),
    ]
    stop.click(stopped, [pending, browser], outputs, cancels=running, **_QUIET)
    new.click(lambda: shown(page.conversation(None)), None, outputs, cancels=running, **_QUIET)

    def restore(session: Any) -> list[Any]:
        found: list[str] = []
        with _caught() as fault:
            found = page.examples(_N_EXAMPLES)
        fault.tell()
        questions = [*found, *[""] * _N_EXAMPLES][:_N_EXAMPLES]
        buttons = [gr.Button(value=question, visible=bool(question)) for question in questions]
        return [*shown(page.conversation(session)), *buttons]

    demo.load(restore, browser, [*outputs, *examples], **_QUIET)


def _find_tab(page: Page, text: Any) -> tuple[Any, Any]:
    """The search box with its filters, and the hits; returns the lists that notes fill."""
    import gradio as gr

    with gr.Column(elem_id="yj-find"):
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
        with gr.Accordion(text("find.filters"), open=False, elem_classes="yj-filters"), gr.Row():
            choose = partial(gr.Dropdown, choices=[], value=None, allow_custom_value=True)
            folder = choose(label=text("find.folder"), min_width=140)
            tag = choose(label=text("find.tag"), min_width=140)
            title = gr.Textbox(label=text("find.title"), min_width=140)
            since = gr.Textbox(label=text("find.since"), placeholder="2024-05-01", min_width=120)
            until = gr.Textbox(label=text("find.until"), placeholder="2024-12-31", min_width=120)
            k = gr.Slider(1, 50, 10, step=1, label=text("find.k"), min_width=160)
        hits = gr.Markdown(page.find("", 10, Filters()), elem_id="yj-hits")

    def find(query: str, k: float, *chosen: str | None) -> Any:
        folder, tag, title, since, until = (value.strip() if value else None for value in chosen)
        with _caught() as fault:
            filters = Filters(folder=folder, tag=tag, title=title, since=since, until=until)
            return page.find(query, k, filters)
        fault.tell()
        return gr.skip()

    inputs = [query, k, folder, tag, title, since, until]
    gr.on(
        [query.submit, go.click, title.submit, since.submit, until.submit],
        find, inputs, hits, api_visibility="private", show_progress="minimal",
    )  # fmt: skip
    gr.on([folder.input, tag.input, k.release], find, inputs, hits, **_QUIET)
    return folder, tag


def _check_tab(page: Page, text: Any) -> None:
    """The text to check, and the same text painted."""
    import gradio as gr

    with gr.Column(elem_id="yj-check"):
        box = gr.Textbox(
            label=text("check.label"),
            placeholder=text("check.placeholder"),
            show_label=False,
            container=False,
            lines=7,
            max_lines=18,
            elem_id="yj-text",
        )
        with gr.Row(elem_classes="yj-bar"):
            gr.Markdown(legend())
            go = gr.Button(text("check.go"), variant="primary", scale=0, elem_id="yj-check-go")
        result = gr.Markdown(
            f"<div class='yj-empty'>{both('check.start')}</div>",
            latex_delimiters=LATEX_DELIMITERS,
            elem_id="yj-checked",
        )

    def check(written: str) -> Any:
        with _caught() as fault:
            return page.check(written or "")
        fault.tell()
        return gr.skip()

    go.click(check, box, result, api_visibility="private", show_progress="minimal")


def _panel(page: Page) -> None:
    """The side panel: drawn by `panel.js` from plain text, never from a template."""
    import gradio as gr

    def passage(ref: str) -> dict[str, Any] | None:
        """What the panel draws for a reference."""
        return page.passage(ref)

    def copied(ref: str) -> str | None:
        """The Markdown that a reference copies."""
        return page.copy(ref)

    given = {
        "WORDS": {
            k: [t.zh, t.en] for k, t in TEXTS.items() if k.startswith("panel.") or k in ICONS
        },
        "ICONS": ICONS,
        "CSS_OF": VERDICT_CLASSES,
    }
    constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in given.items())
    with gr.Sidebar(position="right", open=False, width=460, elem_id="yj-side"):
        gr.HTML(
            value=None,
            html_template="<div class='yj-panel'></div>",
            js_on_load=constants + look.asset("panel.js").read_text("utf-8"),
            server_functions=[passage, copied],
            apply_default_css=False,
            elem_id="yj-panel",
        )


@dataclass
class _Fault:
    """What went wrong, as one line of markup; empty when nothing did."""

    markup: str = ""

    def tell(self) -> None:
        """Show it to the person, if there is anything."""
        if self.markup:
            _tell(self.markup, warn=True)


@contextlib.contextmanager
def _caught() -> Iterator[_Fault]:
    """Turn a fault of what runs inside into one line, and log what a programmer needs."""
    fault = _Fault()
    try:
        yield fault
    except Unfit as unfit:
        fault.markup = unfit.markup
    except YoujuError as known:
        fault.markup = escape(str(known))
    except Exception:
        logger.exception("a handler of the page failed")
        fault.markup = both("error")


def _tell(markup: str, *, warn: bool = False) -> None:
    """A note in the corner of the page."""
    import gradio as gr

    show = gr.Warning if warn else gr.Info
    show(markup, title="有据 youju", duration=8 if warn else 5)
