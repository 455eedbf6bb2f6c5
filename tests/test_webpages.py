from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from corpus.blocks import blocks
from corpus.drafts import Unreadable
from corpus.notes import notes_from_text
from corpus.webpages import html_to_markdown
from tests.files import assert_covered, one, read, skips

PAGE = """<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8"><title>LoRA 原理 | 我的
博客</title><style>p {}</style>
<meta property="article:published_time" content="2024-03-05T08:00:00Z"></head>
<body><nav><ul><li>首页</li></ul></nav><header><a href="/">站点</a></header>
<main><article><h1>LoRA <em>原理</em></h1><p>低秩适配冻结
原模型的<strong>权重</strong>，
只训练 two
matrices&nbsp;&amp; more.<br>第二行</p>
<h2>步骤</h2><ol start=3><li>选秩<ul><li>取 <code>r=8</code><li>不大于 64</ul></li>
<li><p>训练</p><p>再说</p></li></ol>
<ul class="to-do-list"><li><input type="checkbox" checked>做完</li></ul>
<blockquote><p>引用</p><p>第二段</p></blockquote>
<pre class="code"><code class="language-Python">x = 1
if x:
    y &lt; <kbd>2</kbd>
</code></pre>
<table><thead><tr><th>秩</th><th>损失</th></tr></thead><tbody>
<tr><td>8</td><td>0.3 <b>a|b</b></td></tr><tr><td>16</td></tr></tbody></table>
<table class="properties"><tbody><tr><th>Status</th><td><span>Done</span></td></tr>
<tr><th>Owner</th><td>李明</td></tr></tbody></table>
<span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>E</mi></mrow>
<annotation encoding="application/x-tex">E=mc^2</annotation></semantics></math></span>
<span class="katex-html" aria-hidden="true">EEE</span></span>
<p hidden>隐藏</p><script>alert("<p>x</p>")</script></article></main>
<footer>版权</footer></body></html>"""


PAGE_MARKDOWN = """# LoRA 原理

低秩适配冻结原模型的权重，只训练 two matrices\xa0& more.
第二行

## 步骤

3. 选秩
  - 取 `r=8`
  - 不大于 64
4. 训练

  再说

- [x] 做完

> 引用
>
> 第二段

```python
x = 1
if x:
    y < 2
```

| 秩 | 损失 |
| --- | --- |
| 8 | 0.3 a\\|b |
| 16 |  |

Status: Done
Owner: 李明

$E=mc^2$
"""


def test_a_page_is_its_main_text_with_its_structure() -> None:
    note = one("网页/lora.html", PAGE)
    assert note.text == PAGE_MARKDOWN
    assert (note.title, note.date) == ("LoRA 原理 | 我的博客", "2024-03-05")
    assert (note.format, note.path) == ("markdown", "网页/lora.html")
    kinds = {block.kind for block in blocks(note.text)}
    assert kinds == {"heading", "paragraph", "item", "row", "code", "quote"}
    assert_covered(note)


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<p>一<p>二", "一\n\n二"),
        ("<p>to <i>a</i> b\n  c <i>d</i>\ne", "to a b c d e"),
        ("<nav>菜单<p>正文没有关上的导航", "菜单\n\n正文没有关上的导航"),
        ("<div hidden>a<div>b</div></div>c", "c"),
        ("<article>甲甲甲甲</article><article>乙乙乙乙</article>旁", "甲甲甲甲\n\n乙乙乙乙"),
        ("<main></main><p>正文</p>", "正文"),
        ("<main>x</main><p>" + "正文" * 20 + "</p>", "x\n\n" + "正文" * 20),
        ("<table><tr><td>左<td><h2>题</h2>文<table><tr><td>1<td>2</table>后</table>尾",
         "左\n\n## 题\n\n文\n\n| 1 | 2 |\n| --- | --- |\n\n后\n\n尾"),
        ("<table><tr><td>只有一列</td></tr></table>", "只有一列"),
        ("<td>没有表</td>", "没有表"),
        ("<pre>a\n  b", "```\na\n  b\n```"),
        ("<ul><li>a<blockquote>b</ul>c", "- a\n\n>   b\n>\n> c"),
        ("a < b & c &lt;p&gt; &copy; &#x4e2d;", "a < b & c <p> © 中"),
        ("<title>题<body>正文", "正文"),
        ("<dl><dt>秩</dt><dd>列数</dd></dl>", "秩\n\n- 列数"),
        ("<p>x<sub>2</sub> <img alt=图 src=a.png><i></i></p>", "x2"),
        ("a<script>b", "a"), ("<p>a<!-- b --><![CDATA[c]]>", "ac"),
    ],
)  # fmt: skip
def test_torn_and_odd_pages_keep_their_text(html: str, markdown: str) -> None:
    assert html_to_markdown(html) == markdown


def test_a_page_without_a_title_is_named_by_its_heading_or_file() -> None:
    assert one("a.htm", "<h1>标题</h1><p>文").title == "标题"
    assert one("2024-03-05 随手.htm", "<p>文").title == "2024-03-05 随手"
    assert one("2024-03-05 随手.htm", "<p>文").date == "2024-03-05"
    assert notes_from_text("a.html", "<html><body><script>x</script></body></html>") == []


@pytest.mark.parametrize("encoding", ["gbk", "big5", "utf-8", "utf-8-sig", "utf-16"])
def test_a_page_is_decoded_as_it_declares(tmp_path: Path, encoding: str) -> None:
    html = f'<meta http-equiv="Content-Type" content="text/html; charset={encoding}"><p>中文內容'
    (tmp_path / "a.html").write_bytes(html.encode(encoding))
    assert read(tmp_path)["a.html"].text == "中文內容\n"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["<div>", "<table>", "<blockquote>", "<ul><li>", "<table><tr><td>x", "</p>", "<b",
              "&", "<math>", "<main>", "<pre>", "<!", "x\n", "<h1>", "<a b='",
              "</", "<!--", "<?", "<script>", "<!DOCTYPE", "&#", "<img src='data:image/png;base64,"]
)  # fmt: skip
def test_a_hostile_page_costs_its_length(piece: str) -> None:
    with contextlib.suppress(Unreadable):
        notes_from_text("a.html", "<p>x" + piece * 20_000)


def test_a_page_that_is_no_page_costs_only_itself(tmp_path: Path) -> None:
    assert (
        skips(tmp_path, "坏.html", "只有文字。".encode()) == "no HTML: there is not one tag in it"
    )
