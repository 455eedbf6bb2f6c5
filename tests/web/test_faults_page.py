"""Rows 72, 73, 75 and 86 in a browser: hostile notes on every surface, a server that goes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.test_faults_notes import LEADING, LOADING, XSS
from tests.web.browsing import Window
from tests.web.conftest import Served

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

_FENCES = ("mermaid", "javascript", "html", "cpp", "python", "latex", "")
_DRAWN = (
    'graph TD\n A["<img src=x onerror=window.pwned=1>"] --> B\n'
    ' click A "javascript:window.pwned=1"\n click B call alert(1)',
    '%%{init: {"securityLevel": "loose", "flowchart": {"htmlLabels": true}}}%%\n'
    'graph TD\n A["<script>window.pwned=1</script>"] --> B["<img src=http://leak.invalid/m>"]',
)
_FORMULAS = (
    "$\\href{javascript:window.pwned=1}{x}$", "$\\includegraphics{http://leak.invalid/t}$",
    "$\\htmlData{onclick=window.pwned=1}{x}$", "$\\url{javascript:window.pwned=1}$",
    "$\\def\\a{\\a\\a}\\a$", "$\\style{background:url(http://leak.invalid/s)}{x}$",
)  # fmt: skip


def hostile_notes(folder: Path) -> None:
    """Notes that carry every payload in every place."""
    folder.mkdir(parents=True)
    for n, payload in enumerate((*XSS, *LOADING, *LEADING)):
        quoted = payload.replace("'", "''").replace("\n", " ").replace("\t", " ")
        name = payload.replace("/", "／").replace("\0", "")[:60].strip()
        front = (
            f"---\ntitle: '恶意 {n} {quoted}'\ntags: ['标签{n}{quoted}']\ndate: 2024-05-01\n---\n"
        )
        body = f"## 小节 {payload}\n\n恶意笔记第 {n} 篇写着 {payload} 这些字。\n\n- 项 {payload}\n"
        table = f"\n| 列 {payload} | 乙 |\n|---|---|\n| {payload} | 2 |\n\n> 引 {payload}\n"
        (folder / f"{n} {name}.md").write_text(f"{front}{body}{table}", "utf-8")
    fences = "\n\n".join(
        f"```{kind}\n</code></pre><img src=x onerror=window.pwned=1>\n{XSS[0]}\n```"
        for kind in _FENCES
    )
    drawn = "\n\n".join(f"```mermaid\n{text}\n```" for text in _DRAWN)
    formulas = "\n\n".join(_FORMULAS)
    (folder / "代码.md").write_text(f"# 代码\n\n{fences}\n\n{drawn}\n\n{formulas}\n", "utf-8")
    (folder / "坏<img src=x onerror=window.pwned=1>.pdf").write_bytes(b"%PDF-1.7 broken")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hostile")
    hostile_notes(folder / "notes")
    page = Served(folder)
    yield page
    assert page.stop()[0] == 0, "".join(page.said)


@pytest.fixture
def window(chromium: Any, attacked: Served) -> Iterator[Window]:
    opened = Window(chromium, attacked.url)
    opened.page.on("dialog", lambda dialog: opened.faults.append(dialog.message))
    yield opened
    opened.page.wait_for_timeout(500)
    assert opened.elsewhere == []
    assert opened.faults == []
    assert opened.page.evaluate("window.pwned") is None
    assert len(opened.context.pages) == 1
    opened.context.close()


def links(page: Any) -> set[str]:
    """Schemes of all links of the page; our own fragments are "#"."""
    hrefs = page.evaluate(
        "[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))"
    )
    return {"#" if h.startswith("#") else h.partition(":")[0] for h in hrefs}


def loaded(page: Any) -> int:
    """How many elements there are that load something of a note."""
    return int(page.evaluate(
        "document.querySelectorAll('#yj-chat img, #yj-hits img, #yj-note img, #yj-checked img,"
        " #yj-panel img, iframe, object, embed, video, form[action], .yj-a script').length"
    ))  # fmt: skip


def test_row_75_no_payload_runs_in_answers_and_the_panel(window: Window) -> None:
    page = window.page
    for payload in (XSS[0], XSS[1], XSS[5], LOADING[0], LEADING[0], "$\\href{javascript:x}{y}$"):
        window.ask(f"恶意笔记 {payload} ECHO WRONG DISAGREE")
        assert payload in page.locator(".yj-q").last.inner_text()
    opened = page.locator(".message-row").last.locator("a.cite, a.v, a.src, a.side").all()
    assert len(opened) > 4
    for link in opened:
        link.evaluate("link => link.click()")
        page.wait_for_selector("#yj-side.open")
    page.click("a.sw-chats")
    page.wait_for_selector(".chat")
    assert "<script>" in page.inner_text("#yj-panel") or "恶意" in page.inner_text("#yj-panel")
    assert loaded(page) == 0
    assert links(page) <= {"#"}


def test_row_75_no_payload_runs_in_hits_lists_and_notes(window: Window) -> None:
    page = window.page
    page.get_by_role("tab", name="查找").click()
    page.fill("#yj-query input, #yj-query textarea", "恶意笔记 onerror 这些字")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit")
    assert "onerror=window.pwned=1" in page.inner_text("#yj-hits")
    page.fill("#yj-query input, #yj-query textarea", "")
    page.keyboard.press("Enter")
    page.wait_for_selector("a.nt")
    names = page.locator("a.nt").count()
    assert names > 40
    for at in range(0, names, 5):
        page.locator("a.nt").nth(at).click()
        page.wait_for_selector("#yj-note .yj-nhead")
        page.click("#yj-back")
        page.wait_for_selector("a.nt:visible")
    page.locator("a.nt", has_text="代码").first.click()
    page.wait_for_selector("#yj-note pre:visible")
    page.wait_for_timeout(2500)  # diagrams and formulas are drawn late
    assert loaded(page) == 0
    page.get_by_role("tab", name="笔记", exact=True).click()
    page.wait_for_selector("#yj-notes-status:visible")
    assert "onerror" in page.inner_text("#yj-notes-status")


def test_row_75_no_payload_runs_in_a_checked_text_and_in_faults(window: Window) -> None:
    page = window.page
    page.get_by_role("tab", name="核查").click()
    page.fill("#yj-text textarea", "\n\n".join((*XSS, *LOADING, *LEADING, *_FORMULAS)))
    page.click("#yj-check-go")
    page.wait_for_selector(".yj-claims")
    assert loaded(page) == 0
    assert links(page) <= {"#"}
    page.get_by_role("tab", name="提问").click()
    page.fill("#yj-box textarea", f"BUSY {XSS[1]}")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast-body:has-text('<this> index')")


def test_row_72_reading_every_hostile_note_requests_nothing(window: Window) -> None:
    page = window.page
    page.get_by_role("tab", name="查找").click()
    page.wait_for_selector("a.nt")
    found = page.locator("a.nt", has_text="leak.invalid")
    assert found.count() >= 8
    for at in range(found.count()):
        found.nth(at).click()
        page.wait_for_selector("#yj-note .yj-nhead")
        assert loaded(page) == 0
        page.click("#yj-back")
        page.wait_for_selector("a.nt:visible")
    assert window.elsewhere == []


def test_row_73_no_link_of_a_note_leads_anywhere_unseen(window: Window) -> None:
    page = window.page
    page.get_by_role("tab", name="查找").click()
    page.wait_for_selector("a.nt")
    found = page.locator("a.nt", has_text="点此")
    assert found.count() >= 6
    for at in range(found.count()):
        found.nth(at).click()
        page.wait_for_selector("#yj-note .yj-nhead")
        assert links(page) <= {"#"}
        page.click("#yj-back")
        page.wait_for_selector("a.nt:visible")


def test_row_86_a_page_says_that_its_server_is_gone_and_goes_on_with_the_next(
    chromium: Any,
    tmp_path: Path,
) -> None:
    first = Served(tmp_path)
    later: list[Served] = []
    try:
        window = Window(chromium, first.url)
        page = window.page
        window.ask("GQA 怎样分组？")
        before = page.inner_text("#yj-chat .yj-a")
        first.stop(signal.SIGKILL)
        page.fill("#yj-box textarea", "LoRA 怎样初始化？")
        page.keyboard.press("Enter")
        page.wait_for_selector(".toast-body, .toast-wrap, #yj-gone:visible", timeout=30_000)
        later.append(Served(tmp_path, urlsplit(window.url).port))
        page.wait_for_timeout(3000)
        page.wait_for_selector(".yj-foot")
        assert page.locator("#yj-chat .yj-a").first.inner_text() == before
        window.ask("LoRA 怎样初始化？")
        assert page.locator(".yj-q").count() == 2
        window.context.close()
    finally:
        for served in (first, *later):
            served.stop(signal.SIGKILL)
