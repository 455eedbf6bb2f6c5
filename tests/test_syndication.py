from __future__ import annotations

from pathlib import Path

import pytest

from corpus.drafts import Unreadable
from corpus.notes import notes_from_text
from tests.files import assert_covered, one, read, skips

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
