"""The page by keyboard alone: everything that can be clicked can be reached and used."""

from __future__ import annotations

import pytest

from tests.web.browsing import Window
from tests.web.measured import Measured

pytestmark = pytest.mark.browser

# What a person could click in what is shown: not what Gradio keeps for measuring, not the tabs
# that are not open (arrow keys or their own Tab stop reach them), not what is switched off.
_CLICKABLE = """
() => {
    const all = 'a[href], button, input, textarea, summary, [tabindex="0"]';
    window.stops ??= new Map();
    return [...document.querySelectorAll(all)].filter((at) => {
        const box = at.getBoundingClientRect();
        return box.width > 1 && box.height > 1 && !at.disabled && at.type !== 'file'
            && at.checkVisibility({visibilityProperty: true, opacityProperty: false})
            && !at.closest('[aria-hidden="true"]') && !at.closest('#yj-side:not(.open)');
    }).filter((at) => !window.stops.has(at)).map((at) => at.outerHTML.slice(0, 120));
}
"""
_NOTE_STOP = """
() => {
    const at = document.activeElement;
    (window.stops ??= new Map()).set(at, true);
    const looks = getComputedStyle(at);
    const row = at.closest('#yj-line, .yj-bar, .form, label, .wrap');
    const shown = looks.outlineStyle !== 'none' || looks.boxShadow !== 'none'
        || (row && getComputedStyle(row).borderColor) || at === document.body;
    return [at === document.body || at === document.documentElement, Boolean(shown)];
}
"""


def _walk(window: Window) -> list[str]:
    """Press Tab through the whole page; what was never focused though it can be clicked."""
    page = window.page
    page.evaluate("window.stops = new Map(); document.activeElement?.blur()")
    left = 0
    for number in range(400):
        page.keyboard.press("Tab")
        outside, shown = page.evaluate(_NOTE_STOP)
        assert shown, page.evaluate("document.activeElement.outerHTML.slice(0, 160)")
        left += outside
        if left == 2 or (number % 8 == 7 and not page.evaluate(_CLICKABLE)):
            break
    return page.evaluate(_CLICKABLE)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_everything_that_can_be_clicked_has_a_tab_stop(window: Window, measured: Measured) -> None:
    page = window.page
    assert _walk(window) == []
    window.ask("GQA 怎样分组？ WRONG DISAGREE")
    assert _walk(window) == []
    for number, ready in enumerate((".yj-list", "#yj-check", "#yj-eval", "#yj-notes"), 1):
        window.tab(number)
        page.wait_for_selector(f"{ready}:visible")
        assert _walk(window) == [], ready
    measured.add(
        "everything that can be clicked has a visible Tab stop",
        "all, in 6 states",
        "scripted answers, 1280 px: welcome, answer, and the other four tabs",
    )


def _press_until(window: Window, script: str, key: str = "Tab") -> None:
    """Press a key until what a script says of the focused element holds."""
    for _ in range(120):
        if window.page.evaluate(f"((at) => {script})(document.activeElement)"):
            return
        window.page.keyboard.press(key)
    raise AssertionError(f"never focused: {script}")


def test_a_whole_visit_by_keyboard(window: Window, measured: Measured) -> None:
    page = window.page
    page.evaluate("document.activeElement?.blur()")
    _press_until(window, "at.matches('#yj-box textarea')")
    page.keyboard.type("GQA 怎样分组？ WRONG")
    page.keyboard.press("Enter")
    page.wait_for_selector(".yj-foot")
    page.wait_for_selector("#yj-send:visible")
    page.evaluate("document.activeElement?.blur()")
    _press_until(window, "at.matches('a.v-bad')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#yj-panel .verdict.c-bad")
    page.wait_for_function("document.activeElement.matches('#yj-panel mark')")
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.matches('a.v-bad')")
    _press_until(window, "at.matches('#yj-tabs [role=tab]')", "Shift+Tab")
    _press_until(window, "at.dataset.tabId === 'find'", "Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".yj-list:visible")
    _press_until(window, "at.closest('#yj-query')")
    page.keyboard.type("LoRA 矩阵")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit")
    _press_until(window, "at.matches('.hit a[href^=\"#n-\"]')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#yj-note .yj-nhead")
    _press_until(window, "at.id === 'yj-back'", "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit:visible")
    _press_until(window, "at.dataset.tabId === 'check'", "Shift+Tab")
    page.keyboard.press("Enter")
    _press_until(window, "at.matches('#yj-text textarea')")
    page.keyboard.type("GQA 有 9 组。")
    _press_until(window, "at.id === 'yj-check-go'")
    page.keyboard.press("Enter")
    page.wait_for_selector(".yj-claims .cl")
    _press_until(window, "at.matches('a.cl')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#yj-panel .verdict")
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.matches('a.cl')")
    measured.add(
        "a whole visit by keyboard alone",
        "ask, verdict, panel, search, note, check, evidence: each reached and left",
        "scripted answers, 1280 px",
    )
