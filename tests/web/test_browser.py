"""The page in a browser: what a person sees, clicks and types."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from assistant.reviews import ReviewTable
from tests.web.browsing import PHONE, Window
from tests.web.conftest import Served
from tests.web.fakes import NOTES
from tests.web.test_reviewing import row, write_table

pytestmark = pytest.mark.browser

QUOTE = "GQA 把 32 个查询头分成 8 组，每组共享一对键值头。"
MARK = "#yj-panel mark"
FOCUSED = f"document.activeElement === document.querySelector('{MARK}')"


def test_a_marker_opens_the_quoted_words_in_the_panel(window: Window) -> None:
    page = window.page
    window.ask("GQA 怎样分组？ WRONG")
    assert page.inner_text(".yj-q") == "GQA 怎样分组？ WRONG"
    page.click("a.cite >> nth=0")
    page.wait_for_function(f"document.activeElement === document.querySelector('{MARK}')")
    assert page.inner_text(MARK) == QUOTE
    window.come_into_view(MARK)
    assert page.inner_text("#yj-panel .facts") == "2024-05-01 · 注意力/gqa.md:9"
    page.click("#yj-panel .steps button >> nth=1")  # the next citation: a hostile note
    page.wait_for_function(f"document.querySelector('{MARK}').textContent.includes('HOME')")
    assert page.inner_text(MARK) in NOTES["hostile.md"]


def test_a_verdict_opens_its_reason_and_evidence(window: Window) -> None:
    page = window.page
    window.ask("GQA 怎样分组？ WRONG")
    assert "5 条陈述" in page.inner_text(".yj-sum")
    page.click("a.v-bad")
    page.wait_for_selector("#yj-panel .verdict.c-bad")
    assert "笔记写的是 8 组" in page.inner_text("#yj-panel .why")
    assert page.inner_text(MARK) == QUOTE
    page.keyboard.press("Escape")
    page.wait_for_selector("#yj-side:not(.open)", state="attached")
    assert "v-bad" in page.evaluate("document.activeElement.className")


def test_an_open_panel_goes_with_the_conversation(window: Window) -> None:
    page = window.page
    window.ask("GQA 怎样分组？")
    page.click("a.cite >> nth=0")
    page.wait_for_function(f"document.activeElement === document.querySelector('{MARK}')")
    window.ask("LoRA 矩阵 B 怎样初始化？")
    page.wait_for_selector(f"{MARK}:has-text('LoRA')")  # the first citation of the new answer
    page.wait_for_selector(".yj-a >> nth=-1 >> a.cite.is-open >> nth=0")
    assert page.locator("a.cite.is-open").count() == 1
    assert page.evaluate("document.activeElement.matches('#yj-box textarea')")
    window.ask("NOTHING 面包")  # nothing to show: it closes
    page.wait_for_selector("#yj-side:not(.open)", state="attached")


def test_a_tab_is_found_again_where_it_was_left(window: Window) -> None:
    page = window.page
    window.ask("GQA 怎样分组？ WRONG DISAGREE")
    window.ask("LoRA 矩阵 B 怎样初始化？ WRONG DISAGREE")
    page.wait_for_function("window.scrollY > 100")
    at = page.evaluate("window.scrollY")
    page.locator("a.cite:visible").last.click()
    page.wait_for_selector("#yj-side.open")
    window.tab(4)
    page.wait_for_selector("#yj-notes:visible")
    page.wait_for_selector("#yj-side:not(.open)", state="attached")  # its words are elsewhere now
    window.tab(0)
    page.wait_for_function(f"Math.abs(window.scrollY - {at}) < 60")


def test_a_passage_that_comes_late_opens_nothing_over_a_later_one(window: Window) -> None:
    page = window.page
    window.ask("GQA 怎样分组？ WRONG")
    held = []
    page.route(re.compile("/component_server"), lambda route: held.append(route))
    first, second = page.locator("a.cite").all()[:2]
    first.click()
    second.click()
    page.wait_for_timeout(200)
    assert len(held) == 2
    held[1].continue_()
    page.wait_for_selector(f".yj-panel[data-ref='{second.get_attribute('href')[3:]}'] mark")
    words = page.inner_text(MARK)
    held[0].continue_()
    page.wait_for_timeout(400)
    assert page.inner_text(MARK) == words
    page.keyboard.press("Escape")
    page.wait_for_selector("#yj-side:not(.open)", state="attached")
    first.click()
    page.keyboard.press("Escape")  # before it has come
    page.wait_for_timeout(200)
    held[2].continue_()
    page.wait_for_timeout(400)
    assert page.locator("#yj-side.open").count() == 0


def test_the_keyboard_alone_asks_opens_and_closes(window: Window) -> None:
    page = window.page
    page.focus("#yj-box textarea")
    page.keyboard.type("GQA 怎样分组？")
    page.keyboard.press("Enter")
    page.wait_for_selector(".yj-foot")
    page.focus("#yj-tabs button[role=tab] >> nth=0")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "cite":
            break
    page.keyboard.press("Enter")
    page.wait_for_function(f"document.activeElement === document.querySelector('{MARK}')")
    assert page.inner_text(MARK) == QUOTE
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.className === 'cite'")


@pytest.mark.parametrize("window", [PHONE], indirect=True)
def test_a_tap_on_a_phone_opens_the_passage_as_a_sheet(window: Window) -> None:
    page = window.page
    window.ask("GQA 怎样分组？ WRONG DISAGREE")
    page.locator("a.cite").first.tap()
    page.wait_for_selector(MARK)
    window.come_into_view(MARK)
    page.get_by_label("关闭").tap()
    page.wait_for_selector("#yj-side:not(.open)", state="attached")
    page.get_by_role("tab", name="核查").tap()
    page.fill("#yj-text textarea", "很宽的公式：\n\n$$\n" + "a_{1}+" * 60 + "b\n$$\n")
    page.locator("#yj-check-go").tap()
    page.wait_for_selector(".yj-claims .cl, .yj-check .yj-sum")  # the fixture looks at its width


def test_hostile_notes_stay_text_everywhere(window: Window) -> None:
    page = window.page
    window.ask("恶意笔记写着 HOME")
    assert "${HOME} 和 \\frac" in page.inner_text(".yj-body")
    forged = page.locator("a[href*='0000000000000000']")
    assert forged.count() == 0
    page.get_by_role("tab", name="查找").click()
    page.fill("#yj-query input, #yj-query textarea", "恶意笔记")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit")
    assert '<img src=x onerror="window.pwned=1">' in page.inner_text(".hit >> nth=0")
    page.get_by_role("tab", name="核查").click()
    page.fill("#yj-text textarea", NOTES["hostile.md"])
    page.click("#yj-check-go")
    page.wait_for_selector(".yj-claims")
    assert page.locator("#yj-checked img, #yj-hits img, #yj-chat img").count() == 0


def test_an_answer_streams_and_can_be_stopped(window: Window) -> None:
    page = window.page
    page.fill("#yj-box textarea", "SLOW GQA")
    page.keyboard.press("Enter")
    page.wait_for_selector(".yj-body:has-text('GQA')")
    assert page.locator(".yj-foot").count() == 0
    page.click("#yj-stop")
    page.wait_for_selector("#yj-send:visible")
    page.wait_for_function("document.querySelector('#yj-box textarea').value === 'SLOW GQA'")
    assert page.locator(".yj-q").count() == 0
    page.wait_for_timeout(2500)  # the next piece would come now
    assert page.locator(".yj-q").count() == 0
    assert page.input_value("#yj-box textarea") == "SLOW GQA"


def test_a_chat_that_is_left_amid_an_answer_is_not_drawn_over(window: Window) -> None:
    page = window.page
    window.ask("往日的提问 LoRA")

    def begin() -> None:
        page.fill("#yj-box textarea", "SLOW GQA")
        page.keyboard.press("Enter")
        page.wait_for_selector(".yj-q:has-text('SLOW')")

    begin()
    page.click("#yj-new")
    page.wait_for_selector(".yj-example:visible")
    begin()
    page.click("a.sw-chats")
    page.locator(".chat", has_text="往日的提问").first.click()
    page.wait_for_selector(".yj-foot")
    page.wait_for_timeout(2500)  # what was on its way would come now
    assert page.locator(".yj-q").all_inner_texts() == ["往日的提问 LoRA"]
    assert page.locator(".yj-foot").count() == 1
    assert page.input_value("#yj-box textarea") == ""
    assert page.is_visible("#yj-send")


def test_an_example_is_asked_retried_and_left_by_a_new_chat(window: Window) -> None:
    page = window.page
    page.click(".yj-example:visible >> nth=1")
    page.wait_for_selector(".yj-foot a.copy")
    first = page.get_attribute(".yj-foot a.copy", "href")
    page.click("#yj-retry:visible")
    page.wait_for_function(
        "old => document.querySelector('.yj-foot a.copy')?.getAttribute('href') !== old"
        " && document.querySelector('.yj-foot a.copy')",
        arg=first,
    )
    assert page.locator(".yj-q").count() == 1
    page.wait_for_selector("#yj-send:visible")
    page.click("#yj-new")
    page.wait_for_selector(".yj-example:visible")
    assert page.locator(".yj-q").count() == 0


def test_faults_are_told_in_one_line_and_the_question_comes_back(window: Window) -> None:
    page = window.page
    page.fill("#yj-box textarea", "BUSY 问题")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast-body:has-text('<this> index')")
    page.wait_for_function("document.querySelector('#yj-box textarea').value === 'BUSY 问题'")
    page.fill("#yj-box textarea", "BOOM 问题")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast-body:has-text('出错了')")


@pytest.mark.parametrize(
    "window", [{"permissions": ["clipboard-read", "clipboard-write"]}], indirect=True
)
def test_an_answer_is_copied_with_its_sources(window: Window) -> None:
    page = window.page
    window.ask("GQA 怎样分组？")
    page.click(".yj-foot a.copy")
    page.wait_for_selector(".act.done")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"{QUOTE}[^1]" in copied
    assert "[^1]: 分组查询注意力 GQA" in copied


@pytest.mark.parametrize(
    "window", [{"permissions": ["clipboard-read", "clipboard-write"]}], indirect=True
)
def test_a_hit_is_copied_however_late_its_words_come_and_a_fault_is_told(window: Window) -> None:
    page = window.page
    held: list[Any] = []
    window.tab(1)
    page.fill("#yj-query input, #yj-query textarea", "GQA 分组")
    page.keyboard.press("Enter")
    copy = page.locator(".hit a.act[href^='#y-']").first
    copy.wait_for()
    page.route(re.compile("/component_server"), lambda route: held.append(route))
    copy.click()
    page.wait_for_timeout(400)
    assert page.locator(".hit .act.done").count() == 0  # nothing is said before it is true
    held[0].continue_()
    page.wait_for_selector(".hit .act.done:has-text('已复制')")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "gqa.md" in copied
    page.wait_for_selector(".hit .act.done", state="detached")
    copy.click()
    page.wait_for_timeout(200)
    held[1].abort()
    page.wait_for_selector(".hit .act.done:has-text('没有复制')")
    assert page.evaluate("navigator.clipboard.readText()") == copied


@pytest.mark.parametrize("window", [{"locale": "en-US", "color_scheme": "dark"}], indirect=True)
def test_english_and_dark_follow_the_browser(window: Window) -> None:
    page = window.page
    assert page.get_by_role("tab").all_inner_texts() == [
        "Ask",
        "Look up",
        "Check",
        "Evaluate",
        "Notes",
    ]
    assert "nothing leaves this machine" in page.inner_text("#yj-status")
    window.ask("GQA 怎样分组？ WRONG")
    shown = page.inner_text(".yj-sum")
    assert "5 claims" in shown
    assert not re.search("条陈述|矛盾", shown)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", ground)[:3])) < 64


def test_the_conversation_is_back_after_a_reload(window: Window) -> None:
    page = window.page
    window.ask("GQA 怎样分组？ WRONG")
    before = page.inner_text("#yj-chat .yj-a")
    page.reload()
    page.wait_for_selector(".yj-foot")
    assert page.inner_text("#yj-chat .yj-a") == before
    page.click("a.cite >> nth=0")
    page.wait_for_selector(MARK)
    assert page.inner_text(MARK) == QUOTE


def test_a_later_visit_sees_its_examples_with_the_page_itself(
    chromium: Any, window: Window, served: Served
) -> None:
    context = chromium.new_context(locale="zh-CN")  # `window` was a visit before it
    page = context.new_page()
    page.route("**/queue/join*", lambda route: None)  # nothing that the page asks for is answered
    page.goto(served.url)
    page.wait_for_selector(".yj-example:visible")
    shown = page.locator(".yj-example:visible").all_inner_texts()
    assert shown == window.page.locator(".yj-example:visible").all_inner_texts()
    assert len(shown) == 3
    context.close()


def test_an_answer_stays_where_the_page_is_still_loading(chromium: Any, served: Served) -> None:
    context = chromium.new_context(locale="zh-CN")
    page = context.new_page()
    late: list[Any] = []

    def hold(route: Any) -> None:
        asked = "GQA" in (route.request.post_data or "")
        route.continue_() if asked else late.append(route)

    page.route("**/queue/join*", hold)  # all that the page asks for by itself
    page.goto(served.url)
    page.fill("#yj-box textarea", "GQA 怎样分组？")
    page.press("#yj-box textarea", "Enter")
    page.wait_for_selector(".yj-foot")
    assert late
    for route in late:
        route.continue_()
    page.locator("#yj-tabs button[role=tab]:visible").nth(1).click()
    page.wait_for_selector("#yj-hits a.nt")  # drawn by one of them
    page.wait_for_timeout(500)
    assert page.locator("#yj-chat .yj-foot").count() == 1
    context.close()


@pytest.mark.slow
def test_an_open_page_goes_on_after_the_server_was_killed(
    chromium: Any, restarted: list[Served], tmp_path: Path
) -> None:
    restarted.append(Served(tmp_path))
    window = Window(chromium, restarted[0].url)
    page = window.page
    window.ask("GQA 怎样分组？ WRONG")
    before = page.inner_text("#yj-chat .yj-a")
    restarted[0].stop(signal.SIGKILL)
    restarted.append(Served(tmp_path, urlsplit(window.url).port))
    page.wait_for_timeout(3000)  # the open page finds the server again by itself
    page.wait_for_selector(".yj-foot")
    assert page.inner_text("#yj-chat .yj-a") == before
    page.click("a.cite >> nth=0")
    page.wait_for_selector(MARK)
    assert page.inner_text(MARK) == QUOTE
    window.context.close()
    assert restarted[1].stop() == (0, "")


# what the page does beyond the conversation ------------------------------------------------------


def test_a_note_is_read_asked_about_and_left(window: Window) -> None:
    page = window.page
    page.get_by_role("tab", name="查找").click()
    page.locator("a.nt", has_text="LoRA").click()
    page.wait_for_selector("#yj-note .yj-nhead")
    assert page.inner_text("#yj-note h1") == "LoRA"
    page.wait_for_selector("#yj-note pre:has-text('int rank')")  # a grammar that once failed
    page.click("#yj-note a[href^='#q-']")
    page.wait_for_selector("#yj-hint:has-text('LoRA')")
    window.ask("矩阵 B 怎样初始化？")
    assert page.inner_text(".yj-scope") == "只查《LoRA》"
    page.click("#yj-cancel")
    page.wait_for_selector("#yj-hint", state="hidden")


def test_a_question_is_edited_and_its_search_shown(window: Window) -> None:
    page = window.page
    window.ask("GQA 怎样分组？")
    assert "GQA 怎样分组？" in page.inner_text(".yj-foot .se")
    page.click(".yj-foot a[href^='#s-']")
    page.wait_for_selector("#yj-cancel:visible")
    page.wait_for_function("document.querySelector('#yj-box textarea').value === 'GQA 怎样分组？'")
    page.fill("#yj-box textarea", "LoRA 初始化")
    page.keyboard.press("Enter")
    page.wait_for_selector(".yj-q:has-text('LoRA 初始化')")
    page.wait_for_selector(".yj-foot")
    assert page.locator(".yj-q").count() == 1


def test_a_past_chat_is_opened_again(window: Window) -> None:
    page = window.page
    window.ask("往日的对话 GQA")
    page.wait_for_selector("#yj-send:visible")
    page.click("#yj-new")
    page.wait_for_selector(".yj-example:visible")
    page.click("a.sw-chats")
    page.locator(".chat", has_text="往日的对话").first.click()
    page.wait_for_selector(".yj-q:has-text('往日的对话')")


def test_the_language_is_switched_and_kept(window: Window) -> None:
    page = window.page
    page.click("a.sw-lang")
    page.wait_for_selector("html[lang='en']")
    page.wait_for_selector(".yj-example:visible")
    assert page.get_by_role("tab").first.inner_text() == "Ask"
    page.click("a.sw-theme")
    page.wait_for_selector("body.dark")
    page.reload()
    page.wait_for_selector("body.dark .yj-example:visible")
    assert page.get_by_role("tab").first.inner_text() == "Ask"


@pytest.mark.parametrize("window", [PHONE], indirect=True)
def test_every_tab_is_reached_on_a_phone(window: Window) -> None:
    page = window.page
    for name, part in (("评测", "#yj-eval"), ("笔记", "#yj-notes"), ("查找", "#yj-find")):
        page.get_by_role("tab", name=name, exact=True).tap()
        page.wait_for_selector(f"{part}:visible")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_file_is_checked_and_every_control_has_a_name(window: Window, tmp_path: Path) -> None:
    page = window.page
    file = tmp_path / "draft.md"
    file.write_text("GQA 把 32 个查询头分成 8 组。", encoding="utf-8")
    page.get_by_role("tab", name="核查").click()
    page.set_input_files("#yj-drop input[type=file]", str(file))
    page.wait_for_function("document.querySelector('#yj-text textarea').value.includes('32 个')")
    page.click("#yj-check-go")
    page.wait_for_selector(".yj-claims .cl")
    with page.expect_download() as download:
        page.click(".yj-check a[href$='-y1']")
    assert download.value.suggested_filename.endswith(".json")
    for tab in page.get_by_role("tab").all():
        tab.click()
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('button, a[href], textarea, input')]
                .filter((e) => e.offsetParent && !(e.innerText?.trim() || e.ariaLabel || e.title
                    || e.placeholder || e.labels?.length || e.closest('label')?.innerText?.trim()))
                .map((e) => e.outerHTML.slice(0, 120))"""
        )
        assert nameless == []


def test_drafts_are_edited_accepted_and_rejected(window: Window, served: Served) -> None:
    path = write_table(served.folder / "eval" / "drafts", row("a"), row("b"), row("c"))
    page = window.page
    page.reload()
    page.get_by_role("tab", name="评测").click()
    page.locator("#yj-review button").first.click()
    page.wait_for_selector("#yj-draft a.src")
    page.fill("#yj-words textarea", "GQA 分几组？")
    page.click("#yj-accept")
    page.wait_for_selector("#yj-draft:has-text('1 条已接受')")
    page.click("#yj-reject")
    page.wait_for_selector("#yj-draft:has-text('1 条已拒绝')")
    assert page.input_value("#yj-words textarea") == "<b>分几组？c"
    page.click("#yj-draft a.src")
    page.wait_for_selector(MARK)
    assert page.inner_text(MARK) == QUOTE
    kept = [(d.text, d.decision.value) for d in ReviewTable(path).drafts()]
    assert kept[:2] == [("GQA 分几组？", "accepted"), ("<b>分几组？b", "rejected")]
    assert kept[2][1] == "open"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("window", [{}, PHONE], indirect=True, ids=["desktop", "phone"])
def test_two_hundred_links_open_their_exact_words_in_view(window: Window) -> None:
    page = window.page
    opened = 0
    questions = ("GQA 分组", "LoRA 矩阵", "efSearch latency", "恶意笔记", "GQA LoRA")
    while opened < 200:
        window.ask(f"{questions[opened // 10 % 5]} WRONG DISAGREE")
        for link in page.locator(".message-row").last.locator("a.cite, a.v, a.src, a.side").all():
            link.scroll_into_view_if_needed()
            link.evaluate("link => link.click()")
            page.wait_for_selector(f".yj-panel[data-ref='{link.get_attribute('href')[3:]}']")
            if page.locator(MARK).count():
                page.wait_for_function(FOCUSED)
                words = page.inner_text(MARK)
                assert any(" ".join(words.split()) in " ".join(n.split()) for n in NOTES.values())
                window.come_into_view(MARK)
            page.keyboard.press("Escape")
            page.wait_for_selector("#yj-side:not(.open)", state="attached")
            opened += 1
        page.wait_for_selector("#yj-send:visible")
        page.click("#yj-new")
        page.wait_for_selector(".yj-example:visible")
