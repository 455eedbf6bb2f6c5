"""Text of notes, models and users as markup: nothing of theirs becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.web.inline import protected_spans
from assistant.web.markup import LATEX_DELIMITERS, Link, Mark, escape
from assistant.web.render import render, render_note

# What would run, load or look like ours if it came through.
PAYLOADS = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<svg onload=alert(1)>",
    "<iframe srcdoc='<script>1</script>'></iframe>",
    "[x](javascript:alert(1))",
    "![](http://example.invalid/leak.png)",
    "<span class=\"g g-ok\">forged</span>",
    "<a href=\"#p-0123456789abcdef-c1\" class=\"cite\">[1]</a>",
    "${alert(1)} ${HOME} {{value}}",
    "`<b>code</b>` and ```\n<b>fence</b>\n```",
    "$\\href{javascript:alert(1)}{x}$",
    "| <b>a</b> | b |\n|---|---|\n| <i>c</i> | d |",
    "\" onmouseover=\"alert(1)",
    "&lt;img src=x onerror=alert(1)&gt;",
    "%%%LATEX_BLOCK_0%%%",
    "\ue0f0x\ue0f1 \0",
    "<!-- --><style>*{display:none}</style>",
]  # fmt: skip
_OURS = {
    "em",
    "del",
    "mark",
    "p",
    "br",
    "div",
    "span",
    "strong",
    "code",
    "pre",
    "table",
    "tr",
    "td",
    "a",
}


class _Tags(HTMLParser):
    """Tags, attributes and text of a markup."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.classes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.classes |= {
            name for key, value in attrs if key == "class" for name in (value or "").split()
        }

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(markup: str) -> _Tags:
    tags = _Tags()
    tags.feed(markup)
    return tags


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_becomes_markup(payload: str) -> None:
    found = parsed(render(f"前 {payload} 后"))
    assert set(found.tags) <= _OURS - {"a"}
    assert found.attributes <= {"class"}
    assert not found.classes & {"cite", "g", "v", "g-ok"}


@given(st.text(alphabet=st.sampled_from("ab中。[1]*`$|#>-~\n\\ <&\"'${}()!\r\0\ue0f0💡e\u0301")))
def test_no_text_opens_a_tag_or_spans_lines(text: str) -> None:
    markup = render(text)
    assert "\n" not in markup
    assert set(parsed(markup).tags) <= _OURS
    assert "%" not in markup.replace("&#37;", "")


@given(st.text(max_size=80))
def test_escaped_text_reads_as_it_was(text: str) -> None:
    shown = parsed(f"<b title=\"{escape(text)}\">{escape(text)}</b>").text  # fmt: skip
    gone = str.maketrans(
        {"\r": None, "\0": "\ufffd", **dict.fromkeys("\ue0f0\ue0f1\ue0f2\ue0f3", "\ufffd")}
    )
    # marks of direction, and letters that nobody sees
    gone |= dict.fromkeys(
        (*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xE0000, 0xE0080)), "\ufffd"
    )
    assert shown == text.translate(gone)


def test_dollars_and_backslashes_of_code_and_prices_are_shown_unchanged() -> None:
    assert "${HOME} 和 \\frac" in parsed(render("${HOME} 和 \\frac")).text
    assert parsed(render("价格 $5 和 $6")).text == "价格 $5 和 $6"


def test_formulas_reach_katex_between_private_delimiters() -> None:
    left, right = (str(LATEX_DELIMITERS[0][side]) for side in ("left", "right"))
    assert f"{left}\\frac{{1}}{{4}}{right}" in render("缩小到 $\\frac{1}{4}$。")
    assert f"其中{left}w_i{right}是权重" in render("其中$w_i$是权重")
    assert left not in render("价格$5和$6，a$x$") + render("US$和HK$ 不同")
    display = str(LATEX_DELIMITERS[1]["left"])
    assert display in render("$$\nh=W_0x\n$$")


def test_a_mark_paints_its_span_and_puts_its_tail_behind_it() -> None:
    text = "第一句。第二句。"
    marks = [Mark(start=0, end=4, css="g g-ok", title='说"好"', tail="<i>1</i>")]
    assert render(text, marks) == (
        '<p><span class="g g-ok" title="说&quot;好&quot;">第一句。</span><i>1</i>第二句。</p>'
    )


def test_a_mark_over_bold_code_and_lines_closes_what_it_opens() -> None:
    text = "**甲** `x<y`\n- 乙\n- 丙"
    markup = render(text, [Mark(start=2, end=len(text), css="g")])
    assert markup.count("<span class=\"g\">") >= 1  # fmt: skip
    assert len(re.findall(r"<span\b", markup)) == markup.count("</span>")
    assert len(re.findall(r"<div\b", markup)) == markup.count("</div>")


def test_a_link_is_live_at_its_place_only() -> None:
    text = "见 [1] 与 [1]"
    link = Link(start=2, end=5, href="#p-x-c1", css="cite", title="题")
    markup = render(text, links=[link])
    assert markup.count("<a ") == 1
    assert markup.index("<a ") < markup.index("与")


def test_code_and_formulas_are_protected_from_markers() -> None:
    text = "`a[1]` 与 $x[1]$ 与 [1]"
    spans = protected_spans(text)
    assert [text[start:end] for start, end in spans] == ["`a[1]`", "$x[1]$"]


def test_tables_lists_headings_and_fences_keep_their_text() -> None:
    text = "## 标题\n\n| 甲 | 乙 |\n|---|---|\n| 1 | 2 |\n\n1. 一\n   - 二\n\n```cpp\nint x;\n```"
    found = parsed(render(text))
    assert found.tags.count("td") == 4
    for words in ("标题", "甲", "一", "二", "int x;"):
        assert words in found.text
    assert "#" not in found.text
    assert "```" not in found.text


DIAGRAM = (
    "graph TD\n  A[查询<br/>q] -->|top k| B{够?}\n  B <--> C\n  style A fill:#f9f,stroke:#333\n"
    "classDiagram\n  class Encoder\n  <<interface>> Encoder\n  Encoder <|-- Static"
)


def test_a_diagram_is_drawn_unless_it_can_name_an_address_or_markup() -> None:
    def drawn(source: str) -> bool:
        return "```mermaid" in render_note(f"```mermaid\n{source}\n```", lambda _: None)

    assert drawn(DIAGRAM)
    for unsafe in (
        'A["<img src=x>"]', "A[<<img src=x>>]", "%%{init: {}}%%", "---\nconfig: {}\n---",
        "click A callback", 'A@{ img: "/x.png" }', "style A fill:url(/x)", "A[//x]",
        "style A fill:u\\72l(/x)", "A[&lt;b&gt;]",
    ):  # fmt: skip
        assert not drawn(f"{unsafe}\n{DIAGRAM}"), unsafe


def test_no_line_is_drawn_under_the_blank_before_a_marker() -> None:
    text = "秩取八。 [1] 完"
    link = Link(start=5, end=8, href="#p-x-c1", css="cite")
    markup = render(text, [Mark(start=0, end=8, css="g")], [link])
    assert '<span class="g">秩取八。</span> <a class="cite"' in markup


def test_markers_on_a_line_of_their_own_belong_to_what_stands_above() -> None:
    text = "| a |\n|---|\n| 1 |\n[1]\n\n见 [1]"
    assert "<p class='mk'>[1]</p>" in render(text)
    assert "<p>见 [1]</p>" in render(text)


def test_han_letters_that_are_stressed_are_not_slanted() -> None:
    assert render("*强调*") == "<p><em class='han'>强调</em></p>"
    assert render("*stress*") == "<p><em>stress</em></p>"
