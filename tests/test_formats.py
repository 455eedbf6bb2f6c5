from __future__ import annotations

import contextlib
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from corpus import notes
from corpus.blocks import blocks
from corpus.chunking import chunk_note
from corpus.drafts import Draft, Unreadable, distinct, fence, iso_date, table
from corpus.errors import CorpusError
from corpus.formats import drafts_of_bytes
from corpus.index import Index
from corpus.notes import notes_from_text, read_text
from corpus.readers import Vault
from corpus.types import Note
from corpus.webpages import html_to_markdown
from tests.fakes import HashingEncoder


def read(folder: Path) -> dict[str, Note]:
    vault = Vault(folder)
    return {note.path: note for file in vault.files() for note in vault.read(file)}


def one(path: str, text: str) -> Note:
    [note] = notes_from_text(path, text)
    return note


def assert_covered(note: Note) -> None:
    """Every non-blank character of a converted note is in a passage."""
    covered = {at for chunk in chunk_note(note) for at in range(chunk.start, chunk.end)}
    assert not [at for at, char in enumerate(note.text) if char.strip() and at not in covered]


def skips(tmp_path: Path, name: str, content: bytes) -> str:
    """The one line said of a broken file, next to a note that is read all the same."""
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "control.md").write_text("# 对照\n\n正文。\n", encoding="utf-8")
    (notes / name).write_bytes(content)
    with Index.open(tmp_path / "index", encoder=HashingEncoder()) as index:
        report = index.refresh(Vault(notes))
        assert report.n_notes == 1
        [skipped] = report.skipped
    assert skipped.path == name
    assert "\n" not in skipped.reason
    return skipped.reason


# what converters share


def test_drafts_of_one_file_have_keys_that_a_new_entry_does_not_change() -> None:
    old = [Draft(text="a", key="周报", identity="1"), Draft(text="b", key="周报", identity="2")]
    new = [Draft(text="c", key="周报", identity="3"), *old, Draft(text="d", key="a/b#c\n d")]
    keys = [draft.key for draft in distinct(new)]
    assert [draft.key for draft in distinct(old)] == keys[1:3]
    assert len(set(keys)) == 4
    assert keys[3] == "a b c d"
    assert [d.key for d in distinct([Draft(text="", key="x")] * 2)] == ["x", "x (2)"]


def test_a_fence_is_longer_than_what_it_holds() -> None:
    assert fence("a\n```\nb", "md") == "````md\na\n```\nb\n````"


def test_a_table_keeps_its_cells_on_their_lines() -> None:
    assert table([["a", "b"], ["x|y\nz"]]) == "| a | b |\n| --- | --- |\n| x\\|y z |  |"
    assert table([]) == ""


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2024-03-05T10:00:00Z", "2024-03-05"), ("2024年3月5日", "2024-03-05"),
        ("Tue, 05 Mar 2024 10:00:00 +0800", "2024-03-05"), ("March 5, 2024 10:32 AM", "2024-03-05"),
        ("5 March 2024", "2024-03-05"), ("2024-02-30", None), ("soon", None), ("", None),
        (None, None), ("12:30", None),
    ],
)  # fmt: skip
def test_dates_are_read_as_they_are_written(value: str | None, day: str | None) -> None:
    assert iso_date(value) == day


# notebooks


def notebook(*cells: tuple[str, Any], **metadata: Any) -> str:
    made = [
        {"cell_type": kind, "metadata": {}, "source": source}
        | (
            {"execution_count": 1, "outputs": [{"text": ["SECRET OUTPUT"]}]}
            if kind == "code"
            else {}
        )
        for kind, source in cells
    ]
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


PYTHON = {"kernelspec": {"language": "python"}, "language_info": {"name": "python"}}


def test_a_notebook_is_its_text_and_code_without_outputs() -> None:
    text = notebook(
        ("markdown", ["# LoRA 微调实验\n", "\n", "秩取 8，学习率 2e-4。"]),
        ("code", ["import peft\n", "config = peft.LoraConfig(r=8)\n"]),
        ("code", "%%bash\nnvidia-smi"),
        ("code", []),
        (
            "markdown",
            "## 结果\r\n\r\n- 损失降到 0.3\r\n![p](data:image/png;base64," + "A" * 400 + ")",
        ),
        ("raw", "原样"),
        **PYTHON,
    )
    note = one("实验/lora 2024-03-05.ipynb", text)
    assert note.text == (
        "# LoRA 微调实验\n\n秩取 8，学习率 2e-4。\n\n"
        "```python\nimport peft\nconfig = peft.LoraConfig(r=8)\n```\n\n"
        "```bash\n%%bash\nnvidia-smi\n```\n\n"
        "## 结果\n\n- 损失降到 0.3\n![p](data:image/png;base64,)\n\n原样\n"
    )
    assert (note.title, note.format, note.date) == ("LoRA 微调实验", "markdown", "2024-03-05")
    assert note.path == note.file == "实验/lora 2024-03-05.ipynb"
    assert [b.kind for b in blocks(note.text)].count("code") == 2
    assert_covered(note)


def test_a_notebook_without_a_heading_is_named_by_its_file() -> None:
    assert one("a/草稿.ipynb", notebook(("code", "# not a heading\nx = 1"))).title == "草稿"
    assert one("a.ipynb", notebook(("markdown", "正文\n### 三级"))).title == "三级"


def test_a_notebook_in_another_language_or_of_version_3_is_read() -> None:
    note = one("a.ipynb", notebook(("code", "1 |> sqrt"), kernelspec={"language": "julia"}))
    assert note.text == "```julia\n1 |> sqrt\n```\n"
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["旧版"]},
        {"cell_type": "code", "input": ["print 1"], "language": "python"},
    ]
    old = one("a.ipynb", json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3}))
    assert old.text == "## 旧版\n\n```python\nprint 1\n```\n"


@pytest.mark.parametrize("cells", [[], [{}], [{"cell_type": "code", "source": 3}], [None, 1]])
def test_a_notebook_that_says_nothing_is_no_note(cells: list[Any]) -> None:
    assert notes_from_text("a.ipynb", json.dumps({"cells": cells})) == []


@pytest.mark.parametrize("text", ["[]", "3", "{}", '{"cells": {}}', "[" * 100_000, "<html>"])
def test_what_is_no_notebook_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="notebook"):
        notes_from_text("a.ipynb", text)


def test_a_broken_notebook_costs_only_itself(tmp_path: Path) -> None:
    broken = notebook(("markdown", "正文")).encode()[:-20]
    assert skips(tmp_path, "坏.ipynb", broken).startswith("broken notebook: ")


# web pages

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


# feeds in XML

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>模型周报</title><link>https://example.org</link><description>每周</description>
<item><title>LoRA &amp;amp; QLoRA</title><link>https://example.org/1</link>
<media:title>封面</media:title><guid>1</guid><category>微调</category><category>微调</category>
<pubDate>Tue, 05 Mar 2024 10:00:00 +0800</pubDate><description>摘要</description>
<content:encoded><![CDATA[<h2>要点</h2><p>秩取 <b>8</b>。</p><ul><li>省显存</li></ul>
<script>track()</script>]]></content:encoded></item>
<item><title>周报</title><guid>2</guid><description>&lt;p&gt;第一期&lt;/p&gt;</description></item>
<item><title>周报</title><guid>3</guid><description>第二期</description></item>
<item><description>没有题目的一条。</description></item>
<item></item>
</channel></rss>"""

ATOM = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>博客</title>
<entry><title type="html">HNSW &lt;i&gt;图&lt;/i&gt;</title><id>urn:1</id>
<updated>2024-05-01T00:00:00Z</updated><published>2024-04-30T23:00:00Z</published>
<category term="检索"/><link href="https://example.org/hnsw"/>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><!-- x --><p>分层 &lt;图&gt;，
<em>近邻</em>。</p><ol><li>建图</li><li>查图</li></ol></div></content></entry></feed>"""

OPML = """<?xml version="1.0"?><opml version="2.0"><head><title>订阅</title></head><body>
<outline text="机器学习"><outline text="某博客" title="某博客" type="rss" description="讲微调"
 xmlUrl="https://example.org/rss" htmlUrl="https://example.org"/>
<outline text="论文"><outline text="LoRA" _note="秩 8&#10;够用"/></outline></outline>
<outline text="待读" created="2024-03-05"/></body></opml>"""


def test_every_entry_of_an_rss_file_is_a_note() -> None:
    notes = {note.path: note for note in notes_from_text("订阅/周报.xml", RSS)}
    assert [path.partition("~")[0] for path in notes] == [
        "订阅/周报.xml#LoRA & QLoRA", "订阅/周报.xml#周报", "订阅/周报.xml#周报",
        "订阅/周报.xml#没有题目的一条。",
    ]  # fmt: skip
    first = notes["订阅/周报.xml#LoRA & QLoRA"]
    assert first.text == "# LoRA & QLoRA\n\n## 要点\n\n秩取 8。\n\n- 省显存\n"
    assert (first.date, first.tags, first.title) == ("2024-03-05", ("微调",), "LoRA & QLoRA")
    assert {note.file for note in notes.values()} == {"订阅/周报.xml"}
    assert_covered(first)


def test_an_entry_of_an_atom_file_keeps_the_structure_of_its_markup() -> None:
    note = one("a.atom", ATOM)
    assert note.text == "# HNSW 图\n\n分层 <图>，近邻。\n\n1. 建图\n2. 查图\n"
    assert (note.date, note.tags, note.title) == ("2024-04-30", ("检索",), "HNSW 图")


def test_each_outline_at_the_top_of_an_opml_file_is_a_note() -> None:
    first, second = notes_from_text("a.opml", OPML)
    assert first.text == (
        "# 机器学习\n\n- 某博客, 讲微调, https://example.org\n- 论文\n  - LoRA, 秩 8 够用\n"
    )
    assert (second.text, second.date, second.path) == ("# 待读\n", "2024-03-05", "a.opml#待读")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('<!DOCTYPE r [<!ENTITY a "b">]><rss>&a;</rss>', "entities"),
        ('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>', "entities"),
        ("<rss><channel>", "broken XML near line 1: no element found"),
        (RSS[:-20], "broken XML near line "), ("no xml", "broken XML near line 1"),
        ("<plist/>", "another kind (plist)"), ("<rss>&nbsp;</rss>", "undefined entity"),
        ("<rss>\x01</rss>", "not well-formed"), ("<rss>\ud800</rss>", "broken XML"),
    ],
)  # fmt: skip
def test_xml_that_is_broken_hostile_or_no_feed_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        notes_from_text("a.xml", text)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_document_type_without_entities_is_read_and_not_fetched() -> None:
    doctype = '<!DOCTYPE rss PUBLIC "-//x//y" "http://192.0.2.1/rss.dtd">'
    note = one("a.rss", f"{doctype}<rss><item><title>题</title></item></rss>")
    assert note.text == "# 题\n"


@pytest.mark.timeout(20)
def test_a_deep_feed_costs_its_length() -> None:
    deep = "<div>" * 50_000 + "文" + "</div>" * 50_000
    note = one(
        "a.xml", f"<rss><item><title>深</title><description>{deep}</description></item></rss>"
    )
    assert note.text == "# 深\n\n文\n"
    outlines = '<outline text="x">' * 5000 + "</outline>" * 5000
    assert one("a.opml", f"<opml><body>{outlines}</body></opml>").text.count("- x") == 4999


def test_a_feed_in_gbk_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.rss").write_bytes(RSS.replace("utf-8", "gbk").encode("gbk"))
    assert len(read(tmp_path)) == 4


def test_a_broken_feed_costs_only_itself(tmp_path: Path) -> None:
    assert skips(tmp_path, "坏.rss", RSS[:-20].encode()).startswith("broken XML near line 12")


# Word documents

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
STYLES = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:styles {W}>
<w:style w:styleId="a3"><w:name w:val="Title"/></w:style>
<w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="2"><w:name w:val="标题 2"/></w:style>
<w:style w:styleId="my"><w:name w:val="mine"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>
<w:style w:styleId="ListBullet"><w:name w:val="List Bullet"/>
<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style></w:styles>"""
NUMBERING = f"""<w:numbering {W}>
<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl>
<w:lvl w:ilvl="1"><w:numFmt w:val="lowerLetter"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="7"/></w:num></w:numbering>"""
CORE = """<cp:coreProperties xmlns:cp="c" xmlns:dc="d" xmlns:t="t"><dc:title>属性里的题目</dc:title>
<t:modified>2024-03-05T01:00:00Z</t:modified></cp:coreProperties>"""


def paragraph(text: str, style: str = "", num: str = "", depth: int = 0) -> str:
    about = f'<w:pStyle w:val="{style}"/>' if style else ""
    if num:
        about += f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{num}"/></w:numPr>'
    runs = "".join(
        f"<w:r><w:rPr><w:b/></w:rPr><w:t>{piece}</w:t></w:r>" for piece in text.split("|")
    )
    return f"<w:p><w:pPr>{about}</w:pPr>{runs}</w:p>"


def docx(body: str, **parts: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        document = f"<?xml version='1.0'?><w:document {W}><w:body>{body}</w:body></w:document>"
        archive.writestr("word/document.xml", document)
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return held.getvalue()


def cells(*texts: str) -> str:
    return "<w:tr>" + "".join(f"<w:tc>{paragraph(t)}</w:tc>" for t in texts) + "</w:tr>"


DOCUMENT = docx(
    paragraph("LoRA| 报告", "a3")
    + paragraph("秩取| 8。")
    + "<w:p/>"
    + paragraph("步骤", "2")
    + paragraph("选秩", num="2")
    + paragraph("试 4", num="2", depth=1)
    + paragraph("试 8", num="2", depth=1)
    + paragraph("训练", num="2")
    + paragraph("要点", "ListBullet")
    + paragraph("细节", "my")
    + f"<w:sdt><w:sdtContent>{paragraph('控件里的字')}</w:sdtContent></w:sdt>"
    + "<w:p><w:r><w:t>甲</w:t><w:tab/><w:t>乙</w:t><w:br/><w:t>丙</w:t></w:r>"
    "<w:del><w:r><w:delText>删</w:delText></w:r></w:del><w:ins><w:r><w:t>增</w:t></w:r></w:ins></w:p>"
    + f"<w:tbl>{cells('秩', '损失')}{cells('8', '0.3')}</w:tbl>"
    + f"<w:tbl>{cells('框里的字')}</w:tbl>",
    word__styles=STYLES,
    word__numbering=NUMBERING,
    docProps__core=CORE,
)


def test_a_file_to_check_is_read_as_a_note_would_be(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(DOCUMENT)
    (tmp_path / "b.html").write_text(
        "<title>T</title><script>x</script><p>秩取 <b>8</b>。", "utf-8"
    )
    (tmp_path / "c.docx").write_bytes(b"PK no zip")
    (tmp_path / "d.md").write_text("---\ntags: [秩]\n---\n秩取 8。", "utf-8")
    assert "LoRA 报告" in read_text(tmp_path / "a.docx")
    assert read_text(tmp_path / "b.html").strip() == "秩取 8。"
    assert read_text(tmp_path / "d.md") == "秩取 8。"
    with pytest.raises(CorpusError, match=r"Cannot read .*c\.docx: broken Word document"):
        read_text(tmp_path / "c.docx")


def test_a_word_document_keeps_headings_lists_and_tables(tmp_path: Path) -> None:
    (tmp_path / "报告.docx").write_bytes(DOCUMENT)
    note = read(tmp_path)["报告.docx"]
    assert note.text == (
        "# LoRA 报告\n\n秩取 8。\n\n## 步骤\n\n1. 选秩\n  1. 试 4\n  2. 试 8\n2. 训练\n- 要点\n\n"
        "### 细节\n\n控件里的字\n\n甲 乙\n丙增\n\n"
        "| 秩 | 损失 |\n| --- | --- |\n| 8 | 0.3 |\n\n框里的字\n"
    )
    assert (note.title, note.date, note.format) == ("LoRA 报告", "2024-03-05", "markdown")
    assert_covered(note)


def test_a_word_document_without_styles_is_titled_by_its_properties_or_file(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(docx(paragraph("文"), docProps__core=CORE))
    (tmp_path / "b.docx").write_bytes(docx(paragraph("文")))
    (tmp_path / "empty.docx").write_bytes(docx(""))
    assert {path: n.title for path, n in read(tmp_path).items()} == {
        "a.docx": "属性里的题目",
        "b.docx": "b",
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK", "broken Word document"), (DOCUMENT[:-40], "broken Word document"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "password"),
        (docx("<w:p>"), "broken XML near line 1"), (docx("\x00"), "broken XML"),
        (docx("a" * 20_000_001), "larger than 20 MB inside"),
        (docx("", word__styles='<!DOCTYPE a [<!ENTITY b "c">]><a/>'), "entities"),
    ],
)  # fmt: skip
def test_a_broken_word_document_costs_only_itself(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in skips(tmp_path, "坏.docx", data)


# PDF


def pdf(*pages: list[str], title: str = "LoRA report") -> bytes:
    """A PDF of these pages of lines, as a typesetter writes it."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, lines in enumerate(pages):
        shown = " T* ".join(f"({line}) Tj" for line in lines)
        stream = f"BT /F1 12 Tf 14 TL 72 720 Td {shown} ET"
        objects += [
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    objects.append(f"<< /Title ({title}) /ModDate (D:20240305100000Z) >>")
    out, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    table_at = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    out += "".join(f"{place:010} 00000 n \n" for place in places)
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>\n"
    return f"{out}startxref\n{table_at}\n%%EOF\n".encode("latin-1")


DOCUMENT_PDF = pdf(
    ["Low rank adaptation freezes the weights of the pre-",
     "trained model and only trains two small", "matrices.", "A new paragraph."],
    [],
    ["The last page."],
)  # fmt: skip


def test_a_pdf_is_its_text_under_its_pages(tmp_path: Path) -> None:
    pytest.importorskip("pypdf")
    (tmp_path / "a.pdf").write_bytes(DOCUMENT_PDF)
    (tmp_path / "b.pdf").write_bytes(pdf(["One."], title=""))
    notes = read(tmp_path)
    note = notes["a.pdf"]
    assert note.text == (
        "## Page 1\n\nLow rank adaptation freezes the weights of the pretrained model and only"
        " trains two small matrices.\n\nA new paragraph.\n\n## Page 3\n\nThe last page.\n"
    )
    assert (note.title, note.date, note.format) == ("LoRA report", "2024-03-05", "markdown")
    assert notes["b.pdf"].title == "b"
    assert_covered(note)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"%PDF-1.4 nothing", "broken PDF"), (b"no pdf", "broken PDF"),
        (pdf([]), "a PDF of pictures"),
        (DOCUMENT_PDF.replace(b"/Kids [4", b"/Kids [2"), "broken PDF"),
    ],
)  # fmt: skip
def test_a_broken_pdf_costs_only_itself(tmp_path: Path, data: bytes, reason: str) -> None:
    pytest.importorskip("pypdf")
    assert reason in skips(tmp_path, "坏.pdf", data)


def test_without_pypdf_a_pdf_is_skipped_with_the_extra_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    monkeypatch.setattr(notes, "convert", drafts_of_bytes)  # in this process
    reason = skips(tmp_path, "a.pdf", DOCUMENT_PDF)
    assert reason == "pypdf is not installed. Install it with: pip install 'youju[formats]'"


def lines_of(name: str, text: str) -> dict[str, list[int]]:
    """The lines of the file that the lines of each note are said to be, and those of its chunks."""
    found = {}
    for note in notes_from_text(name, text):
        at = [n for n, char in enumerate(note.text) if n == 0 or note.text[n - 1] == "\n"]
        found[note.title] = [note.line_of(n) for n in at]
        assert {chunk.line for chunk in chunk_note(note)} == set(found[note.title])
    return found


def test_a_row_is_on_the_line_of_its_file_on_which_it_starts() -> None:
    text = 'Name,备注\n一,甲\n"二","好几\n行\n的"\n\n三,丙\n'
    found = lines_of("库 0123456789abcdef0123456789abcdef.csv", text)
    assert {title: set(lines) for title, lines in found.items()} == {
        "一": {2},
        "二": {3},
        "三": {7},
    }


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.rss",
         '<?xml version="1.0"?>\n<rss>\n<channel>\n<!-- <item> -->\n<item><title>一</title>'
         "<description>甲\n乙</description></item>\n\n<item>\n<title>二</title>"
         "<description><![CDATA[<item>丙]]></description></item></channel></rss>",
         {"一": {5}, "二": {8}}),
        ("a.atom",
         '<feed xmlns="http://www.w3.org/2005/Atom">\n<entry>\n<title>一</title></entry>\n'
         "<entry><title>二</title></entry></feed>",
         {"一": {2}, "二": {4}}),
        ("a.opml",
         '<opml>\n<body>\n<outline text="一">\n<outline text="里" xmlUrl="u"/>\n</outline>\n'
         '<outline text="二"><outline text="内"/></outline></body></opml>',
         {"一": {3}, "二": {6}}),
    ],
)  # fmt: skip
def test_an_entry_is_on_the_line_of_its_file_on_which_it_starts(
    name: str, text: str, lines: dict[str, set[int]]
) -> None:
    assert {title: set(found) for title, found in lines_of(name, text).items()} == lines
