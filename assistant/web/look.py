"""How the page looks: its theme, its static markup and its asset files."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from assistant.web.texts import both

__all__ = ["asset", "brand", "style", "switches", "theme", "welcome"]


def asset(name: str) -> Path:
    """A file of the page's assets; the package is installed as files."""
    return Path(str(files("assistant.web").joinpath("assets", name)))


def brand() -> str:
    """The name of the product and what it does."""
    return (
        "<div class='yj-brand'><span class='seal'>据</span>"
        "<span class='name'>有据 <i>youju</i></span>"
        f"<span class='tag'>{both('tagline')}</span></div>"
    )


def switches() -> str:
    """Links of the header: past conversations, help, language, light or dark."""
    links = (("chats", "js.chats"), ("tour", "js.tour"), ("lang", "js.lang"), ("theme", "js.theme"))
    shown = "".join(
        f"<a class='act sw sw-{name}' href='#u-{name}' role='button'>{both(key)}</a>"
        for name, key in links
    )
    return f"<div class='yj-sw'>{shown}</div>"


def style() -> str:
    """The style sheets, one behind the other."""
    return "\n".join(asset(name).read_text("utf-8") for name in ("page.css", "tabs.css"))


def welcome() -> str:
    """What stands where a conversation will be."""
    steps = "".join(
        f"<div class='step'><span class='no'>{no}</span>{both(f'welcome.step{no}')}</div>"
        for no in (1, 2, 3)
    )
    return (
        f"<div class='yj-hello'><h1 class='big'>{both('welcome')}</h1>"
        f"<div class='how'>{both('welcome.how')}</div><div class='steps'>{steps}</div>"
        f"<div class='cap'>{both('welcome.examples')}</div></div>"
    )


def theme() -> Any:
    """Fonts of the machine and the colours of `page.css`, nothing fetched."""
    import gradio as gr

    fonts = ["system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"]
    paper, sheet, ink, soft = (f"var(--yj-{name})" for name in ("paper", "sheet", "ink", "soft"))
    line, wash, blue, on_blue = (
        f"var(--yj-{name})" for name in ("line", "wash", "blue", "on-blue")
    )
    colours = {
        "body_background_fill": paper,
        "background_fill_primary": sheet,
        "background_fill_secondary": paper,
        "body_text_color": ink,
        "body_text_color_subdued": soft,
        "border_color_primary": line,
        "border_color_accent": blue,
        "color_accent_soft": wash,
        "link_text_color": blue,
        "block_background_fill": "transparent",
        "block_border_color": line,
        "block_label_background_fill": "transparent",
        "block_label_text_color": soft,
        "block_title_text_color": soft,
        "input_background_fill": sheet,
        "input_background_fill_focus": sheet,
        "input_border_color": line,
        "input_border_color_focus": blue,
        "input_placeholder_color": soft,
        "button_primary_background_fill": blue,
        "button_primary_background_fill_hover": f"color-mix(in srgb, {blue} 88%, black)",
        "button_primary_border_color": "transparent",
        "button_primary_text_color": on_blue,
        "button_secondary_background_fill": sheet,
        "button_secondary_background_fill_hover": wash,
        "button_secondary_border_color": line,
        "button_secondary_text_color": ink,
        "slider_color": blue,
    }
    both_themes = {**colours, **{f"{name}_dark": colour for name, colour in colours.items()}}
    plain = {
        "block_border_width": "0px",
        "input_border_width": "1px",
        "block_shadow": "none",
        "input_shadow": "none",
    }
    return gr.themes.Base(
        primary_hue="slate",
        neutral_hue="stone",
        font=fonts,
        font_mono=["ui-monospace", "monospace"],
    ).set(color_accent=blue, **both_themes, **plain)
