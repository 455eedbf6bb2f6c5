"""The page: its tabs put together, and the server around them.

Gradio is imported inside the functions here, after `environment.prepare` has settled what it
reads from the environment.
"""

from __future__ import annotations

import logging
import threading
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant.filters import Filters
from assistant.web import look
from assistant.web.api import Named, offer
from assistant.web.ask_tab import ask_tab
from assistant.web.check_tab import check_tab
from assistant.web.delivery import Delivery
from assistant.web.desk import Assistant
from assistant.web.environment import (
    free_port,
    is_loopback,
    prepare,
    private_folder,
    refuse_foreign_settings,
    without_socks_proxies,
)
from assistant.web.eval_tab import eval_tab
from assistant.web.find_tab import find_tab
from assistant.web.handlers import Page
from assistant.web.library import Library
from assistant.web.notes_tab import notes_tab
from assistant.web.parts import QUIET, Seams
from assistant.web.runs import Runs
from assistant.web.security import Guard
from assistant.web.side import side_panel
from assistant.web.stopping import closed, stoppable
from assistant.web.store import TurnStore, browser_secret
from assistant.web.texts import TRANSLATIONS
from assistant.web.vaults import Vaults
from corpus.errors import ConfigError

__all__ = ["build_demo", "launch_settings", "serve", "start"]

logger = logging.getLogger(__name__)

_PORTS_TRIED = 5


def serve(
    assistant: Assistant,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    data_dir: Path,
    open_browser: bool = False,
    seams: Seams | None = None,
    announce: Callable[[str], None] = logger.info,
) -> None:
    """Serve the page until interrupted (Ctrl-C, SIGTERM); then end it within seconds.

    Once it returned, no past chat is written any more; answers on their way may still run.

    Args:
        assistant: answers, finds and checks.
        host: address to listen on; anything but loopback opens the notes to the network.
        port: port to listen on; None takes the first free one from 7860.
        data_dir: private folder for chats and temporary files, outside the notes.
        seams: what the page can do through others: other notes, evaluations.
        open_browser: whether to open the page in the person's browser.
        announce: is told, once it answers, where the page is.

    Raises:
        ConfigError: the port is taken, the host is not of this machine, or a setting of Gradio
            in the environment would open the notes to others.
    """
    with ExitStack() as ending:
        demo, url = start(
            assistant, host=host, port=port, data_dir=data_dir, seams=seams, ending=ending
        )
        ending.callback(closed, demo)
        try:
            with stoppable(announce):
                announce(url)
                if open_browser:
                    webbrowser.open(url)
                _wait()
        except KeyboardInterrupt:
            logger.debug("interrupted")


def start(
    assistant: Assistant,
    *,
    host: str,
    port: int | None,
    data_dir: Path,
    seams: Seams | None = None,
    ending: ExitStack | None = None,
) -> tuple[Any, str]:
    """Serve the page from threads of this process.

    `ending` is given what is to be done once the page is closed.

    Returns:
        The running `gradio.Blocks`, to be closed by the caller, and the address of the page.

    Raises:
        ConfigError: as `serve`.
    """
    refuse_foreign_settings()
    first = free_port(host, port)
    folder = private_folder(data_dir)
    prepare(folder)
    with without_socks_proxies():
        seams = replace(seams or Seams(), local=is_loopback(host))
        demo = build_demo(assistant, folder=folder, seams=seams, ending=ending)
        return demo, _launch(demo, host, first, wanted=port)


def _launch(demo: Any, host: str, port: int, *, wanted: int | None) -> str:
    """Launch the page and return its address; another process may take a port first."""
    for _ in range(_PORTS_TRIED):
        try:
            _, url, _ = demo.launch(**launch_settings(host, port), prevent_thread_lock=True)
        except OSError as fault:
            port = free_port(host, wanted)  # raises where the port that was asked for is taken
            logger.debug("the port was taken meanwhile: %s", fault)
        else:
            return str(url)
    raise ConfigError(f"Cannot listen on {host}:{port}. Name another port: youju chat --port N")


def _wait() -> None:
    """Block until the process is interrupted."""
    threading.Event().wait()


def launch_settings(host: str, port: int) -> dict[str, Any]:
    """What `Blocks.launch` is given: this machine only, nothing shared, nothing fetched."""
    import gradio as gr
    from starlette.middleware import Middleware

    return {
        # brackets make an address of version 6 fit for a URL
        "server_name": f"[{host}]" if ":" in host and not host.startswith("[") else host,
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
        "footer_links": [],  # language and theme are switched in the header
        "max_file_size": "300mb",
        "allowed_paths": [],
        "state_session_capacity": 200,
        "show_error": False,
        "favicon_path": str(look.asset("seal.svg")),
        "i18n": gr.I18n(**TRANSLATIONS),
        "theme": look.theme(),
        "head": f"<style>{look.style()}</style>",
        "app_kwargs": {
            "middleware": [
                Middleware(Guard, bound=host),
                Middleware(Named),
                Middleware(Delivery, script=look.asset("early.js").read_text("utf-8")),
            ],
            "openapi_url": None,
            "docs_url": None,
            "redoc_url": None,
        },
    }


def build_demo(
    assistant: Assistant,
    *,
    folder: Path,
    seams: Seams | None = None,
    ending: ExitStack | None = None,
) -> Any:
    """The page as `gradio.Blocks`, its queue set, not yet launched.

    Args:
        assistant: answers, finds and checks.
        folder: private folder for the chats, existing.
        seams: what the page can do through others.
        ending: is given what is to be done once the page is closed.
    """
    import gradio as gr

    seams = seams or Seams()
    ending = ending or ExitStack()
    page = Page(assistant, TurnStore(folder), local=seams.local)
    ending.callback(page.store.close)
    library = Library(page)
    vaults = Vaults(page, folder, seams.open_notes)
    runs = Runs(seams.evaluation, local=seams.local)
    ending.callback(runs.stop)
    text = gr.I18n(**TRANSLATIONS)
    with gr.Blocks(
        title="youju 有据", fill_width=True, analytics_enabled=False, delete_cache=(3600, 3600)
    ) as demo:
        offer(page.fresh_assistant)  # first: the names of the endpoints are given once
        browser = gr.BrowserState(storage_key="youju", secret=browser_secret(folder))
        with gr.Row(elem_id="yj-head"):
            gr.Markdown(look.brand(), elem_id="yj-brand")
            gr.Markdown(look.switches(), elem_id="yj-switches")
            chips = gr.Markdown(page.header(), elem_id="yj-status")
        side = side_panel(page)
        with gr.Tabs(elem_id="yj-tabs") as tabs:
            with gr.Tab(text("tab.ask"), id="ask"):
                ask_tab(demo, page, browser, side, tabs, text)
            with gr.Tab(text("tab.find"), id="find"):
                folders, tags, hits = find_tab(page, library, side, tabs, text)
            with gr.Tab(text("tab.check"), id="check"):
                check_tab(page, text)
            with gr.Tab(text("tab.eval"), id="eval"):
                eval_tab(demo, page, runs, text)

            def fresh() -> list[Any]:
                known_folders, known_tags = page.folders_and_tags()
                return [
                    page.header(),
                    gr.Dropdown(choices=known_folders),
                    gr.Dropdown(choices=known_tags),
                    library.listing(Filters()),
                ]

            changing = [chips, folders, tags, hits]
            with gr.Tab(text("tab.notes"), id="notes"):
                notes_tab(demo, vaults, text, fresh, changing)
        demo.load(fresh, None, changing, **QUIET)
    demo.queue(default_concurrency_limit=8, max_size=32)
    return demo
