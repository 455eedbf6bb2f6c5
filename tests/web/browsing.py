"""A browser window as the tests see it: what it asks the network for, and what a person does."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

__all__ = ["PHONE", "Window"]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

# A blocked request is a leak that was tried: the policy of the page is the second wall, not the
# first. Gradio's own pages break no rule of it.
_WATCH = """
window.violations = [];
document.addEventListener('securitypolicyviolation',
    (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""

# What copies the last finished answer: another one for each.
_LAST = """() => [...document.querySelectorAll('.yj-foot a[href^="#y-"]')].pop()?.hash ?? ''"""


class Window:
    """A browser window with a page of its own, which notes what it asked the network for."""

    def __init__(self, chromium: Any, url: str, **options: Any) -> None:
        self.context = chromium.new_context(**{"locale": "zh-CN", **options})
        self.context.add_init_script(_WATCH)
        self.page = self.context.new_page()
        self.url = url
        self.faults: list[str] = []
        self.elsewhere: list[str] = []
        self.page.set_default_timeout(60_000)
        self.page.on("request", self._requested)
        self.page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        self.page.goto(url)
        self.page.wait_for_selector(".yj-example:visible, .yj-q")

    def _requested(self, request: Any) -> None:
        at = urlsplit(request.url)
        if at.scheme not in {"data", "blob"} and at.netloc != urlsplit(self.url).netloc:
            self.elsewhere.append(request.url)

    def ask(self, question: str) -> None:
        """Ask and wait for the finished answer."""
        before = self.page.evaluate(f"({_LAST})()")  # not how many: a page shows the last 20
        self.page.wait_for_selector("#yj-send:visible")
        self.page.fill("#yj-box textarea", question)
        self.page.press("#yj-box textarea", "Enter")
        self.page.wait_for_function(
            f"old => ({_LAST})() !== old && !document.querySelector('.yj-a .yj-wait')", arg=before
        )

    def start_over(self) -> None:
        """Leave the conversation for a new one."""
        self.page.wait_for_selector("#yj-send:visible")
        self.page.click("#yj-new")
        self.page.wait_for_selector(".yj-example:visible")

    def tab(self, number: int) -> None:
        """Open a tab by its place, from 0."""
        self.page.locator("#yj-tabs button[role=tab]:visible").nth(number).click()

    def come_into_view(self, selector: str) -> None:
        """Wait until a point of an element is what the person sees at its place."""
        self.page.wait_for_function(
            """selector => {
                const box = document.querySelector(selector)?.getBoundingClientRect();
                const at = box && document.elementFromPoint(box.x + 4, box.y + 4);
                return box && box.width > 0 && at && at.closest(selector);
            }""",
            arg=selector,
        )

    def close(self) -> None:
        """Close it; nothing may have reached out, failed, run or been cut off."""
        page = self.page
        assert self.elsewhere == []
        assert self.faults == []
        assert page.evaluate("window.violations") == []
        assert page.evaluate("window.pwned") is None
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for part in page.locator("#yj-head, #yj-dock, .yj-bar, .yj-a").all():
            if box := part.bounding_box():  # what is wider than the window would be cut off
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= page.viewport_size["width"]
        self.context.close()
