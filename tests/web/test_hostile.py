"""Hostile notes, questions, files and results on every surface of the page, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.browsing import Window
from tests.web.conftest import Served
from tests.web.measured import Measured
from tests.web.payloads import PAYLOADS, VERBATIM, lay

pytestmark = pytest.mark.browser

# Links and elements that the page does not make of a note: each was made by the note itself.
_INTRUDERS = r"""
() => {
    const own = new RegExp('^#(p-[0-9a-f]{16}-[a-z]{1,2}[0-9]+|[yd]-[0-9a-f]{16}-y[0-9]+'
        + '|[es]-[0-9a-f]{16}|u-[a-z]+|[nqlo]-.+)$', 's');
    const words = '.prose, .yj-panel, .toast-body, .yj-example';
    const found = [
        ...document.querySelectorAll('#forged, #yj-panel img, base:not([href="./"]),'
            + 'link[href*="example"], [onerror], [onload], [ontoggle], [style*="url("]'),
        ...[...document.querySelectorAll('iframe, object, embed, form, video, audio, input, img')]
            .filter((at) => at.closest(words)),
        ...[...document.querySelectorAll('.prose a, .yj-panel a')].filter((at) => {
            const href = at.getAttribute('href') ?? at.getAttribute('xlink:href') ?? '';
            if (!href && at.closest('svg')) return false;  // a diagram's, its address refused
            return !own.test(href) && !/^(obsidian|vscode):/.test(href);
        }),
        ...[...document.querySelectorAll('.v, .cite, .g .g')]
            .filter((at) => /FORGED|^\[1\]$/.test(at.innerText))
            .filter((at) => !own.test(at.getAttribute('href'))),
    ];
    return found.map((at) => at.outerHTML.slice(0, 160));
}
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hostile")
    lay(folder / "notes", folder / "results")
    page = Served(folder)
    yield page
    assert page.stop()[0] == 0, "".join(page.said)


class Watched:
    """A window whose every surface is looked at as it is shown."""

    def __init__(self, chromium: Any, served: Served) -> None:
        self.window = Window(chromium, served.url)
        self.page = self.window.page
        self.surfaces: list[str] = []

    def look(self, surface: str) -> None:
        """Nothing of a note may have become part of the page."""
        alien = self.page.evaluate(_INTRUDERS)
        assert alien == [], surface
        assert self.page.evaluate("window.pwned") is None, surface
        assert self.page.evaluate("window.violations") == [], surface
        assert self.window.elsewhere == [], surface
        self.surfaces.append(surface)

    def answer(self, name: str) -> None:
        """An answer with every verdict, its sources, and the panel of each of its links."""
        page, payload = self.page, " ".join(PAYLOADS[name].split())
        self.window.ask(f"{name} 载荷笔记 {payload} WRONG DISAGREE")
        self.look(f"answer: {name}")
        for link in page.locator(".message-row").last.locator("a.cite, a.v, a.side").all():
            link.evaluate("link => link.click()")
            ref = str(link.get_attribute("href")).removeprefix("#p-")
            page.wait_for_selector(f".yj-panel[data-ref='{ref}'] :is(mark, .state)")
            self.look(f"panel: {name}")
        page.keyboard.press("Escape")

    def abstention(self, name: str) -> None:
        """An abstention that names the nearest notes, and the list of past chats."""
        self.window.ask(f"NOTHING {name} {' '.join(PAYLOADS[name].split())}")
        self.look(f"abstention: {name}")
        self.window.start_over()
        self.page.click("a.sw-chats")
        self.page.wait_for_selector(".chat")
        self.look(f"past chats: {name}")
        self.page.keyboard.press("Escape")

    def fault(self, name: str) -> None:
        """A message of error that repeats what was asked."""
        self.page.fill("#yj-box textarea", f"BUSY {' '.join(PAYLOADS[name].split())}")
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(".toast-body")
        self.look(f"error: {name}")
        self.page.locator(".toast-close").first.click()
        self.page.wait_for_selector(".toast-body", state="detached")

    def search(self, name: str) -> None:
        """Hits, and the note read whole."""
        page = self.page
        page.fill("#yj-query input, #yj-query textarea", f"{name} 载荷笔记")
        page.keyboard.press("Enter")
        row = page.locator(".hit", has_text=f"{name} 载荷笔记").first
        row.wait_for()
        self.look(f"hits: {name}")
        row.locator("a[href^='#n-']").click()
        page.wait_for_selector(f"#yj-note .yj-nhead:has-text('{name}')")
        page.wait_for_timeout(150)  # diagrams and formulas are drawn behind the text
        self.look(f"note: {name}")
        shown = page.inner_text("#yj-note")
        assert all(words in shown for words in VERBATIM), name
        page.click("#yj-back")

    def check(self, name: str) -> None:
        """A text painted claim by claim."""
        page = self.page
        page.fill(
            "#yj-text textarea", f"{name} 载荷笔记写着 {PAYLOADS[name]} 原样。{name} 是好的。"
        )
        page.click("#yj-check-go")
        page.wait_for_function(
            "name => document.querySelector('#yj-checked .yj-body')?.innerText.includes(name)",
            arg=f"{name} 载荷笔记",
        )
        self.look(f"check: {name}")


def _run(watched: Watched, names: list[str]) -> None:
    for name in names:
        watched.answer(name)
        watched.abstention(name)
        watched.fault(name)
    watched.window.tab(1)
    watched.page.wait_for_selector(".yj-list, .hit")
    watched.look("list of notes")
    for name in names:
        watched.search(name)
    watched.window.tab(2)
    for name in names:
        watched.check(name)
    watched.window.tab(3)
    watched.page.wait_for_selector(".yj-result")
    watched.look("results")
    watched.window.tab(4)
    watched.page.wait_for_selector("#yj-notes-status .st")
    watched.look("notes")
    watched.window.close()


def test_notes_full_of_markup_stay_text_on_every_surface(chromium: Any, hostile: Served) -> None:
    watched = Watched(chromium, hostile)
    _run(watched, ["onerror", "badge"])
    assert len({surface.partition(":")[0] for surface in watched.surfaces}) == 11


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_payload_stays_text_on_every_surface(
    chromium: Any, hostile: Served, measured: Measured
) -> None:
    watched = Watched(chromium, hostile)
    _run(watched, list(PAYLOADS))
    kinds = {surface.partition(":")[0] for surface in watched.surfaces}
    measured.add(
        f"{len(PAYLOADS)} payloads × every surface: 0 executed, "
        "0 outgoing, 0 forged badges; `${HOME}` and `\\frac` unchanged",
        f"0, 0, 0 in {len(watched.surfaces)} looks at {', '.join(sorted(kinds))}",
        "scripted answers over hostile notes",
    )
    assert len(watched.surfaces) >= 8 * len(PAYLOADS)
