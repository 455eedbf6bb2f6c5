"""The pictures of the README, taken of the product over its sample notes: `make screens`."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.web.browsing import PHONE, Window
from tests.web.conftest import Served

WIDE = {"viewport": {"width": 1280, "height": 860}}
ASKED = "商品向量 HNSW 在 M=16，ef=64 下的 recall@10 是多少？"
CHECKED = (
    "LoRA 冻结预训练权重，只训练低秩矩阵。LoRA 的矩阵 B 初始化为随机高斯。"
    "HNSW 由火星研究所在 1999 年提出。"
)


class Camera:
    """Takes pictures of windows into a folder."""

    def __init__(self, chromium: Any, url: str, folder: Path) -> None:
        self.chromium, self.url, self.folder = chromium, url, folder

    def window(self, **options: Any) -> Window:
        """A window whose scroll bars and first focus are not in the picture."""
        return Window(self.chromium, self.url, **{**WIDE, **options})

    def take(self, window: Window, name: str) -> None:
        """Save what a window shows as `NAME.webp`."""
        window.page.wait_for_timeout(900)  # what slides in stands still
        picture = Image.open(io.BytesIO(window.page.screenshot()))
        picture.convert("RGB").save(self.folder / f"{name}.webp", quality=80, method=6)

    def answer(self, name: str, **options: Any) -> None:
        """An answer, open at its first citation."""
        window = self.window(**options)
        window.ask(ASKED)
        window.page.locator("a.cite").first.click()
        window.page.wait_for_selector("#yj-panel mark")
        self.take(window, name)
        window.context.close()

    def phone(self) -> None:
        """An English answer at 390 px."""
        window = self.window(**{**PHONE, "locale": "en-US"})
        window.ask("What is reciprocal rank fusion?")
        self.take(window, "ask-en-phone")
        window.context.close()

    def tabs(self) -> None:
        """The tabs beside the conversation, and the welcome."""
        window = self.window()
        page = window.page
        page.evaluate("document.activeElement?.blur()")
        self.take(window, "welcome-zh-light")
        window.tab(1)
        page.fill("#yj-query input, #yj-query textarea", "键值缓存")
        page.keyboard.press("Enter")
        page.wait_for_selector(".hit")
        self.take(window, "lookup-zh-light")
        page.locator(".hit a[href^='#n-']").nth(1).click()
        page.wait_for_selector("#yj-note .yj-nhead")
        self.take(window, "note-zh-light")
        window.tab(2)
        page.fill("#yj-text textarea", CHECKED)
        page.click("#yj-check-go")
        page.wait_for_selector(".yj-claims .cl")
        self.take(window, "check-zh-light")
        window.tab(3)
        page.wait_for_selector(".yj-result:visible")
        self.take(window, "evaluate-zh-light")
        window.context.close()


def main(folder: Path, browser: str) -> None:
    """Take all pictures."""
    served = Served(Path(tempfile.mkdtemp()), real=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking",
                  "--hide-scrollbars"],
            env={**os.environ, "HOME": tempfile.mkdtemp()},
        )  # fmt: skip
        camera = Camera(chromium, served.url, folder)
        camera.answer("ask-zh-light")
        camera.answer("ask-zh-dark", color_scheme="dark")
        camera.phone()
        camera.tabs()
        chromium.close()
    served.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
