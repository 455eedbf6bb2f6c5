"""Rows 48 to 60: Markdown, YAML, HTML and XML that break readers."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from corpus.ann import GraphIndex
from corpus.chunking import chunk_note
from corpus.index import Index
from corpus.links import links_of
from corpus.notes import notes_from_text
from corpus.readers import Vault
from corpus.tokens import terms
from corpus.units import units
from tests.faults import World
from tests.generated import note_of

SENTENCE = "注意力机制把查询与键相乘，再对值加权求和；多头注意力并行地做很多次。"


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    begun = time.process_time()
    yield
    assert time.process_time() - begun < seconds


def test_row_48_a_huge_note_is_refused_without_being_read(world: World) -> None:
    with world.write("big.md", b"").open("wb") as file:
        file.truncate(100_000_000)
    with at_most(5):
        reasons = {s.path: s.reason for s in _refreshed(world)}
    assert "larger than 20 MB" in reasons["big.md"]


def _refreshed(world: World) -> tuple[object, ...]:
    with world.open() as index:
        return index.refresh(Vault(world.notes)).skipped


@pytest.mark.parametrize(
    "text",
    [
        "中" * 300_000,
        "a" * 1_000_000,
        "中" * 20_000 + "国" * 20_000,
        "a b " * 100_000,
        "1" * 500_000,
    ],
    ids=["han", "latin", "two", "words", "digits"],
)
def test_row_49_monotonous_text_costs_seconds(world: World, text: str) -> None:
    world.write("a.md", text)
    with at_most(10):
        _refreshed(world)
    assert world.text("a.md") == text


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["sentences", "no stop", "han", "latin", "words"])
def test_row_49_ten_megabytes_on_a_line_cost_seconds(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    n = 10_000_000
    text = {
        "sentences": SENTENCE * (n // len(SENTENCE.encode())),
        "no stop": "注意力机制把查询与键相乘再对值加权求和" * (n // 57),
        "han": "中" * (n // 3),
        "latin": "a" * n,
        "words": "lorem ipsum " * (n // 12),
    }[kind]
    in_graph = 0.0
    real = GraphIndex.build.__func__  # type: ignore[attr-defined]

    def timed(cls: type[GraphIndex], *args: Any) -> GraphIndex:
        nonlocal in_graph
        begun = time.process_time()
        made: GraphIndex = real(cls, *args)
        in_graph += time.process_time() - begun
        return made

    monkeypatch.setattr(GraphIndex, "build", classmethod(timed))
    world.refresh()
    world.write("a.md", text)
    begun = time.process_time()
    assert _refreshed(world) == ()
    spent = time.process_time() - begun
    # the file: read, cut, its terms, its vectors, its rows; the graph is of all files together,
    # and slow where all passages are the same
    assert spent - in_graph < 10
    assert spent < 25
    assert world.text("a.md") == text
    with world.open() as index:
        chunks = index.chunks_of("a.md")
    assert sum(chunk.end - chunk.start for chunk in chunks) >= len(text) - len(chunks)


def test_row_50_hidden_characters_hide_no_word(world: World) -> None:
    world.write(
        "a.md",
        "# 隐\n\n蝙\u200b蝠靠回\u200d声定位，soft\u00adhyphen 与 no\u00a0break。\U000e0041\n",
    )
    world.write("b.html", "<p style='color:#fff'>白字写着鸭嘴兽。</p><p hidden>x</p>")
    world.refresh()
    for words in ("蝙蝠靠回声定位", "softhyphen", "鸭嘴兽"):
        with world.open() as index:
            ids = [id_ for id_, _ in index.bm25(terms(words), 3)]
            assert {chunk.note for chunk in index.chunks(ids)} & {"a.md", "b.html"}


@pytest.mark.parametrize(
    "matter",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{c}: &{c} [{','.join(['*' + b] * 9)}]\n"
            for b, c in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "x: " + "[" * 3000,
        "".join(f"k{n}: v\n" for n in range(100_000)),
    ],
    ids=["bomb", "nested", "megabyte"],
)
def test_row_51_front_matter_bombs_cost_a_moment(world: World, matter: str) -> None:
    world.write("a.md", f"---\n{matter}\n---\n# 题\n\n正文里有鸭嘴兽。\n")
    with at_most(3):
        _refreshed(world)
    assert "鸭嘴兽" in world.text("a.md")


def test_row_52_tags_of_yaml_run_nothing(world: World, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    world.write(
        "a.md",
        f"---\ntitle: !!python/object/apply:os.system ['touch {planted}']\nx: !odd 1\n---\n"
        "正文。\n",
    )
    assert world.reasons() == {}
    assert not planted.exists()
    assert "正文。" in world.text("a.md")


@pytest.mark.parametrize(
    "matter",
    ["date: 2024-02-30", "title: NO", "title: 012", "title: a\ntitle: b", "title:\t\ta\n\tb: c"],
)
def test_row_53_odd_values_are_text(world: World, matter: str) -> None:
    world.write("a.md", f"---\n{matter}\n---\n正文在此。\n")
    world.write("open.md", f"---\n{matter}\n\n正文在此。\n")
    assert world.reasons() == {}
    with world.open() as index:
        for path in ("a.md", "open.md"):
            text = index.note(path).text
            assert any("正文" in text[c.start : c.end] for c in index.chunks_of(path))
        note = index.note("a.md")
    assert note.date is None
    assert note.title in ("NO", "012", "a", "b")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000, ">" * 20_000 + " x", "*a_" * 20_000,
        "|" + "x|" * 5000 + "\n|" + "-|" * 5000 + "\n|" + "y|" * 5000,
        "[[a]]" * 400_000, "[a](b) " * 400_000, "[a][b] " * 400_000,
        "`" * 50_000, "$" * 50_000, "<" * 50_000,
        "![](" * 20_000, "{%" * 20_000, "- " * 20_000, "#" * 50_000, "((" * 20_000, "^a " * 30_000,
    ],
)  # fmt: skip
def test_row_54_signs_in_masses_cost_seconds(text: str) -> None:
    with at_most(10):
        (note,) = notes_from_text("a.md", text)
        chunks = chunk_note(note)
        links = links_of(note)
        units(note, 0, len(text))
        for chunk in chunks:
            terms(text[chunk.start : chunk.end])
    if text.startswith(("[[a]]", "[a](b)")):
        assert len(links) == 400_000
    assert sum(len(text[c.start : c.end].replace(" ", "")) for c in chunks) == len(
        text.replace(" ", "").replace("\n", "")
    ) + sum(text[c.start : c.end].count("\n") for c in chunks)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_row_54_a_vault_of_such_notes_is_indexed_and_the_rest_found(world: World) -> None:
    notes = {
        "brackets": "[" * 50_000, "quotes": ">" * 20_000 + " x", "stars": "*a_" * 20_000,
        "table": "|" + "x|" * 5000 + "\n|" + "-|" * 5000 + "\n|" + "y|" * 5000,
        "links": "[[a]]" * 400_000,
    }  # fmt: skip
    for name, text in notes.items():
        world.write(f"{name}.md", text)
        with at_most(10):  # each file, all of it: links stored, passages encoded
            assert _refreshed(world) == ()
    world.refresh()
    with world.open() as index:
        assert len(index.links("links.md")) == 400_000


@pytest.mark.parametrize(
    "text",
    [
        "```\n没有关上\n\n# 还是代码",
        "- 项\n  ```\n  代码\n  ```\n后文", "````\n```\n里面\n```\n````\n外面",
        "> ```\n> 引用\n后文", "$x 没有关上\n\n后文", "$$\n没有关上\n\n后文", "\\[\n没有\n\n# 题",
        "~~~\n```\n~~~\n后文", "|表|\n|-|\n|一|\n```\n代码", "    缩进的代码\n后文",
    ],
)  # fmt: skip
def test_row_55_no_text_is_lost(text: str) -> None:
    note = note_of(text)
    held = {at for c in chunk_note(note) for at in range(c.start, c.end)}
    assert all(char.isspace() or at in held for at, char in enumerate(text))


def test_row_56_circles_of_links_end(world: World) -> None:
    world.write("a.md", "# a\n\n[[b]] ![[a]] [[a]]\n")
    world.write("b.md", "# b\n\n[[a]] ![[b]]\n")
    for number in range(200):
        world.write(f"many/{number}.md", "# n\n\n" + "[[a]]\n" * 50)
    with at_most(10):
        world.refresh()
        with world.open() as index:
            assert len(index.backlinks("a.md")) == 10_001
            assert {link.to for link in index.links("a.md")} == {"a.md", "b.md"}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("<div>" * 200_000 + "正文鸭嘴兽", marks=pytest.mark.slow),
        "<p>正文鸭嘴兽</p>" + "<!--" * 100_000,
        "<p>正文鸭嘴兽</p><script>var 秘密 = 1;" + "x" * 100_000,
        "<p>正文鸭嘴兽</p>" + "<a " * 50_000,
        "<p>正文鸭嘴兽</p><p>" + " " * 1_000_000 + "x</p>",
        pytest.param("<p>正文鸭嘴兽</p>" + "<![CDATA[" * 50_000, marks=pytest.mark.slow),
    ],
    ids=["div", "comment", "script", "tag", "blanks", "cdata"],
)
def test_row_57_hostile_pages_cost_seconds(world: World, page: str) -> None:
    world.write("a.html", f"<html><body>{page}")
    begun = time.monotonic()
    skipped = _refreshed(world)
    assert time.monotonic() - begun < 15
    assert skipped or "鸭嘴兽" in world.text("a.html")
    with world.open() as index:
        assert not index.bm25(["秘密"], 5)


@pytest.mark.parametrize("name", ["a.xml", "a.opml", "a.xhtml", "a.rss"])
@pytest.mark.parametrize(
    "dtd",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://192.0.2.1/x.dtd">',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://192.0.2.1/p"> %p;]>',
    ],
)
def test_row_58_entities_fetch_and_expand_nothing(world: World, name: str, dtd: str) -> None:
    body = "<rss><channel><item><title>t&a;&b;</title></item></channel></rss>"
    world.write(name, f'<?xml version="1.0"?>{dtd}{body}')
    world.refresh()
    with world.open() as index:
        text = "".join(note.text for note in index.notes())
    assert "root:" not in text
    assert "aaaaaaaaaaaaaaaaaaaa" not in text


def test_row_59_a_notion_export_is_read_and_formulas_stay_text(
    world: World, tmp_path: Path
) -> None:
    id_ = "0123456789abcdef0123456789abcdef"
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as part:
        part.writestr(f"项目 {id_}.md", "# 项目\n\n[子页](%E9%A1%B9%E7%9B%AE/x.md) 鸭嘴兽。\n")
        part.writestr(f"库 {id_}.csv", 'Name,公式\n一行,"=HYPERLINK(""http://a"")"\n')
        part.writestr(
            f"页 {id_[::-1]}.html", "<html><body><h1>页</h1><p>网页版。</p></body></html>"
        )
    outer = tmp_path / "Export.zip"
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("Export-1a2b-Part-1.zip", inner.getvalue())
    report = world.refresh(outer)
    assert report.skipped == ()
    with world.open() as index:
        held = {note.path: note.text for note in index.notes()}
    assert set(held) == {"项目.md", "库.csv#一行", "页.html"}
    assert '=HYPERLINK("http://a")' in held["库.csv#一行"]


def test_row_59_part_zips_in_a_folder_are_read(world: World) -> None:
    for number in (1, 2):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as part:
            part.writestr(
                f"私人/页{number} {'0123456789abcdef' * 2}.md", f"# 页{number}\n\n内容{number}。"
            )
        world.write(f"导出/Export-9f-Part-{number}.zip", data.getvalue())
    world.write("导出/Export-9f-Part-3.zip", b"PK broken")
    reasons = world.reasons()
    assert list(reasons) == ["导出/Export-9f-Part-3.zip"]
    assert world.paths() == {"导出/私人/页1.md", "导出/私人/页2.md"}
    (world.notes / "导出/Export-9f-Part-1.zip").unlink()
    world.refresh()
    assert world.paths() == {"导出/私人/页2.md"}


def test_row_59_an_export_in_a_folder_is_read_and_another_zip_is_told(world: World) -> None:
    id_ = "0123456789abcdef" * 2
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as part:
        part.writestr(
            f"页 {id_}.md", "# 页\n\nTags: 甲, 乙丙\nDate: March 5, 2024\nStatus: ok\n\n正文。\n"
        )
    for name, held in [
        ("旧/导出.zip", {"Export-1-Part-1.zip": inner.getvalue()}),
        ("直接.zip", {f"甲 {id_}.md": "# 甲\n\n甲说一。\n"}),
        ("程序.zip", {"README.md": "# 程序"}),
    ]:
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            for member, content in held.items():
                archive.writestr(member, content)
        world.write(name, data.getvalue())
    world.write("坏.zip", b"PK\x03\x04 broken")
    reasons = world.reasons()
    assert set(reasons) == {"程序.zip", "坏.zip"}
    assert all("no Notion export" in reason for reason in reasons.values())
    assert world.paths() == {"旧/导出/页.md", "直接/甲.md"}
    with world.open() as index:
        page = index.note("旧/导出/页.md")
    assert (page.tags, page.date) == (("甲", "乙丙"), "2024-03-05")
    assert page.text.endswith("正文。\n")


def test_row_60_what_is_no_note_is_left_out(world: World) -> None:
    world.write(".obsidian/templates.json", '{"folder": "表格/模子"}')
    world.write(".obsidian/app.md", "x")
    world.write(".trash/old.md", "# 旧")
    world.write("表格/模子/日记.md", "# {{date}}")
    world.write("99 Templates/weekly.md", "# 周")
    world.write("a.canvas", "{}")
    world.write("b.base", "views: []")
    conflicts = [
        "n.sync-conflict-20240501-120000-ABCDEFG.md", "n (Ann's conflicted copy 2024-05-01).md",
        "n (冲突副本 2024-05-01).md", "n (SFConflict a@b.c 2024-05-01-12-00-00).md",
    ]  # fmt: skip
    for name in conflicts:
        world.write(name, "# 副本")
    world.write("daily/2024-05-01.md", "# 日记\n\n今天。")
    reasons = world.reasons()
    assert world.paths() == {"daily/2024-05-01.md"}
    assert set(reasons) == {
        "表格/模子/日记.md", "99 Templates/weekly.md", "a.canvas", "b.base", *conflicts,
    }  # fmt: skip


def test_row_60_a_form_is_known_by_its_places_and_a_note_on_templates_stays(world: World) -> None:
    world.write("cpp/templates/函数模板.md", "# 函数模板\n\n模板参数可以推导。")
    world.write("x/templates/daily.md", "# {{date}}\n\n## 今天\n")
    assert set(world.reasons()) == {"x/templates/daily.md"}
    assert world.paths() == {"cpp/templates/函数模板.md"}


def test_row_60_the_index_of_no_such_files_changes_nothing(world: World) -> None:
    world.refresh()
    with world.open() as index:
        assert isinstance(index, Index)
        before = index.generation
    world.write(".obsidian/workspace.json", "{}")
    world.write("x.sync-conflict-20240501-120000-ABCDEFG.md", "# 副本")
    world.refresh()
    with world.open() as index:
        assert index.generation == before
