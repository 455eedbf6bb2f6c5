"""Code, formulas and what Obsidian writes, drawn in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.browsing import Window
from tests.web.conftest import Served
from tests.web.measured import Measured

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

# Grammars of the highlighter, those first that ask for another one (`cpp` for `c`, and so on).
LANGUAGES = """
cpp arduino objectivec cuda c++ glsl hlsl reason scala kotlin groovy typescript tsx jsx flow
coffeescript actionscript php blade twig django jinja2 handlebars mustache erb haml pug ejs less
scss sass stylus markdown md latex tex asciidoc rst textile wiki vue svelte aspnet cshtml csharp
cs fsharp vbnet visual-basic java javascript js json json5 jsonp yaml yml toml ini properties
editorconfig css html xml svg mathml rss xquery xpath python py django-html cython ruby crystal
perl raku lua haskell hs purescript elm ocaml sml racket scheme lisp clojure elixir erlang prolog
go rust swift dart zig nim d v julia matlab octave r stata sas mathematica fortran cobol pascal
ada vhdl verilog tcl awk sed bash sh shell powershell batch docker dockerfile makefile cmake nginx
apacheconf sql plsql graphql cypher sparql turtle protobuf thrift diff git regex http uri log
mermaid-js dot plant-uml solidity abap apex autohotkey bnf ebnf c text plain unknown-language
""".split()

FORMULAS = (
    r"""
\frac{a}{b}|x^{2}_{i}|\sqrt[3]{x}|\sum_{i=1}^{n} i|\int_0^1 f(x)\,dx|\prod_{k} p_k
\lim_{x \to 0} x|\alpha + \beta|\mathbf{W}_q|\mathbb{R}^{d}|\mathcal{L}|\hat{y}|\bar{x}
\tilde{z}|\vec{v}|\dot{x}|\begin{pmatrix} a & b \\ c & d \end{pmatrix}
\begin{cases} 1 & x > 0 \\ 0 & x \le 0 \end{cases}
\begin{aligned} a &= b \\ c &= d \end{aligned}|\text{softmax}(z)_i|\operatorname{argmax}_x f
\left( \frac{a}{b} \right)|\left\Vert x \right\Vert_2|\langle q, k \rangle
\underbrace{a+b}_{n}|\overline{AB}|P(y \mid x)|\nabla_\theta J|\partial_x f|A \cap B|A \cup B
x \in S|\forall x \exists y|a \ne b|a \approx b|x_{\text{最大}}
\text{召回率} = \frac{TP}{TP+FN}|\log_2 n|e^{-\lambda t}|\mathrm{KL}(p \Vert q)
""".strip()
    .replace("\n", "|")
    .split("|")
)

OBSIDIAN = """---
tags: [a, b]
date: 2024-05-01
---
# 样例

**“粗体”**文字，**「你好」**世界。价格 $5 和 $6。==高亮== 与 [[语言-c|别名]]。

> [!warning] 小心
> 提示里的话。

- [x] 做完
- [ ] 没做

脚注[^1]。![[图.png]]

[^1]: 脚注的话。
"""


_TOGETHER = 8  # languages of a note


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "notes").mkdir()
    for at in range(0, len(LANGUAGES), _TOGETHER):
        text = f"# 语言 {at:03d}\n\n" + "".join(
            f"```{name}\nint marker_{number} = 1; // {name}\n```\n\n"
            for number, name in enumerate(LANGUAGES[at : at + _TOGETHER], at)
        )
        (folder / "notes" / f"{at:03d}.md").write_text(text, encoding="utf-8")
    formulas = "".join(f"{n}. 公式 $ {tex} $\n\n".replace("$ ", "$").replace(" $", "$")
                       for n, tex in enumerate(FORMULAS, 1))  # fmt: skip
    (folder / "notes" / "formulas.md").write_text(f"# 公式\n\n{formulas}", encoding="utf-8")
    (folder / "notes" / "obsidian.md").write_text(OBSIDIAN, encoding="utf-8")
    page = Served(folder)
    yield page
    assert page.stop()[0] == 0, "".join(page.said)


def _read(window: Window, file: str) -> None:
    """Open a note of the list, wherever the page is."""
    page = window.page
    page.evaluate(
        "file => { const link = document.createElement('a'); link.href = `#n-${file}`;"
        " document.body.append(link); link.click(); link.remove(); }",
        file,
    )
    page.wait_for_selector(f"#yj-note .yj-nhead:has-text('{file}')")


def test_every_language_formula_and_note_of_obsidian_is_drawn(
    chromium: Any, drawn: Served, measured: Measured
) -> None:
    assert len(set(LANGUAGES)) >= 122
    assert len(FORMULAS) >= 40
    window = Window(chromium, drawn.url)
    page = window.page
    for at in range(0, len(LANGUAGES), _TOGETHER):
        _read(window, f"{at:03d}.md")  # one grammar that fails takes its whole note with it
        for number in range(at, min(at + _TOGETHER, len(LANGUAGES))):
            page.wait_for_selector(f"#yj-note pre:has-text('marker_{number} ')")
    _read(window, "formulas.md")
    page.wait_for_selector("#yj-note .katex >> nth=39")
    assert page.locator("#yj-note .katex").count() == len(FORMULAS)
    assert page.locator("#yj-note .katex-error").count() == 0
    _read(window, "obsidian.md")
    shown = page.inner_text("#yj-note")
    for words in (
        "“粗体”文字",
        "「你好」世界",
        "价格 $5 和 $6",
        "别名",
        "小心",
        "提示里的话",
        "脚注的话",
    ):
        assert words in shown
    for raw in ("**", "==", "[[", "[!warning]", "- [x]", "tags: [a, b]"):
        assert raw not in shown
    assert page.locator("#yj-note .katex, #yj-note img").count() == 0
    measured.add(
        "122 code languages, 40 formulas and a sample of Obsidian: all drawn, no lost text",
        f"{len(set(LANGUAGES))} languages, {len(FORMULAS)} formulas, the sample",
        "notes read one behind the other in one page, those grammars first that need another",
    )
    window.close()
