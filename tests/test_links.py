"""Links as people write them, where they lead, and the place in a note that an anchor names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.index import Index
from corpus.links import Link, LinkTable, NamedNote, links_of, place_of
from corpus.readers import Vault
from tests.fakes import HashingEncoder
from tests.generated import note_of

NOTES = {
    "首页.md": (
        "# 首页\n\n先读 [[LoRA|低秩适配]]，再读 [[微调/QLoRA#量化]] 和 [[LoRA#^rank]]。\n\n"
        "![[架构图.png]] ![[LoRA]]\n\n"
        "| 主题 | 笔记 |\n|---|---|\n| 微调 | [[LoRA\\|表中]] |\n\n"
        "代码 `[[不是链接]]`\n\n```\n[[也不是]]\n```\n\n"
        "[网页](https://a.cn/x.md) [站内](微调/QLoRA.md#量化)\n"
    ),
    "微调/LoRA.md": (
        "---\naliases: [低秩适配]\n---\n# LoRA\n\n秩 r 通常取 8。 ^rank\n\n- 一\n- 二\n\n^list\n\n"
        "回到[首页](../首页.md)，另见 [[低秩适配]] 与 [[还没写]]。\n"
    ),
    "微调/QLoRA.md": "# QLoRA\n\n## 量化\n\n四位量化。见 [[lora]] 和 [LoRA](LoRA.md \"标题\")。\n",
    "旧/归档/LoRA.md": "# 旧的 LoRA\n\n旧笔记。{% post_url 2024-05-01-hello %}\n",
    "_posts/2024-05-01-hello.md": (
        '# Hello\n\n{{< ref "首页.md#首页" >}} 见 [下篇](<../微调/QLoRA.md>)\n'
    ),
}  # fmt: skip


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    root = tmp_path / "vault"
    for path, text in NOTES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def index(vault: Path, tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "index", encoder=HashingEncoder()) as opened:
        opened.refresh(Vault(vault))
        yield opened


def said(link: Link) -> tuple[str, str, str, str, str | None]:
    return link.kind, link.target, link.anchor, link.alias, link.to


def test_every_way_of_writing_a_link_is_known(index: Index) -> None:
    assert [said(link) for link in index.links("首页.md")] == [
        ("wiki", "LoRA", "", "低秩适配", "微调/LoRA.md"),
        ("wiki", "微调/QLoRA", "量化", "", "微调/QLoRA.md"),
        ("wiki", "LoRA", "^rank", "", "微调/LoRA.md"),
        ("embed", "架构图.png", "", "", None),
        ("embed", "LoRA", "", "", "微调/LoRA.md"),
        ("wiki", "LoRA", "", "表中", "微调/LoRA.md"),
        ("markdown", "微调/QLoRA.md", "量化", "站内", "微调/QLoRA.md"),
    ]
    assert [said(link)[4] for link in index.links("微调/LoRA.md")] == [
        "首页.md", "微调/LoRA.md", None,
    ]  # fmt: skip
    assert [said(link)[4] for link in index.links("_posts/2024-05-01-hello.md")] == [
        "首页.md", "微调/QLoRA.md",
    ]  # fmt: skip


def test_a_link_is_cut_from_the_text_as_it_is_written(index: Index) -> None:
    text = index.note("首页.md").text
    pieces = [text[link.start : link.end] for link in index.links("首页.md")]
    assert pieces[0] == "[[LoRA|低秩适配]]"
    assert pieces[4] == "![[LoRA]]"
    assert pieces[-1] == "[站内](微调/QLoRA.md#量化)"


def test_a_note_knows_who_links_to_it(index: Index) -> None:
    found = [(link.note, link.anchor) for link in index.backlinks("微调/LoRA.md")]
    assert found == [
        ("微调/QLoRA.md", ""), ("微调/QLoRA.md", ""),
        ("首页.md", ""), ("首页.md", "^rank"), ("首页.md", ""), ("首页.md", ""),
    ]  # fmt: skip
    assert index.backlinks("旧/归档/LoRA.md") == []
    (link,) = index.backlinks("_posts/2024-05-01-hello.md")
    assert link.note == "旧/归档/LoRA.md"
    assert index.backlinks("没有.md") == []


def test_links_follow_the_notes_that_come_change_and_go(index: Index, vault: Path) -> None:
    assert index.links("微调/LoRA.md")[-1].to is None
    (vault / "还没写.md").write_text("# 写了\n\n好。", encoding="utf-8")
    index.refresh(Vault(vault))
    assert index.links("微调/LoRA.md")[-1].to == "还没写.md"
    assert [link.note for link in index.backlinks("还没写.md")] == ["微调/LoRA.md"]
    (vault / "微调/LoRA.md").unlink()
    (vault / "首页.md").write_text("# 首页\n\n只剩 [[QLoRA]]。", encoding="utf-8")
    index.refresh(Vault(vault))
    assert index.backlinks("还没写.md") == []
    assert [said(link)[4] for link in index.links("首页.md")] == ["微调/QLoRA.md"]
    assert index.links("微调/QLoRA.md")[0].to == "旧/归档/LoRA.md"


def test_the_nearest_note_of_a_name_is_meant_and_a_longer_path_decides() -> None:
    table = LinkTable(
        NamedNote(path=path, file=path) for path in ("a/x.md", "b/x.md", "b/c/x.md", "y.md")
    )

    def to(target: str, source: str) -> str | None:
        return table.resolve(
            Link(note=source, start=0, end=1, kind="wiki", target=target, anchor="", alias="")
        )

    assert to("x", "b/z.md") == "b/x.md"
    assert to("X", "a/z.md") == "a/x.md"
    assert to("c/x", "y.md") == "b/c/x.md"
    assert to("x.md", "q/z.md") == "a/x.md"
    assert to("nothing", "y.md") is None
    assert to("", "y.md") == "y.md"


def test_links_in_a_notion_export_lead_to_its_pages() -> None:
    id_ = "0123456789abcdef0123456789abcdef"
    real = f"项目 {id_}/子页 {id_}.md"
    table = LinkTable(
        [
            NamedNote(path="项目.md", file=f"项目 {id_}.md"),
            NamedNote(path="项目/子页.md", file=real),
        ]
    )
    note = note_of(
        f"见 [子页](%E9%A1%B9%E7%9B%AE%20{id_}/%E5%AD%90%E9%A1%B5%20{id_}.md)。", path="项目.md"
    )
    (link,) = links_of(note)
    assert link.target == real
    assert table.resolve(link) == "项目/子页.md"


@pytest.mark.parametrize(
    ("anchor", "words"),
    [
        ("量化", "## 量化"), ("一#二", "## 二"), ("^rank", "秩 r 通常取 8。 ^rank"),
        ("^list", "- 乙"), ("my-heading", "## My Heading!"), ("没有", None), ("^没有", None),
    ],
)  # fmt: skip
def test_an_anchor_names_its_place(anchor: str, words: str | None) -> None:
    text = (
        "# 一\n\n## 二\n\n秩 r 通常取 8。 ^rank\n\n- 甲\n- 乙\n\n^list\n\n"
        "# 三\n\n## 量化\n\n## My Heading!\n"
    )
    note = note_of(text)
    span = place_of(note, anchor)
    assert (None if span is None else text[slice(*span)]) == words


def test_ten_thousand_backlinks_and_circles_end(tmp_path: Path) -> None:
    text = "# 自己\n\n" + "[[自己]] [[另一]] ![[自己]]\n" * 5000
    note = note_of(text, path="自己.md")
    found = links_of(note)
    assert len(found) == 15_000
    table = LinkTable([NamedNote(path="自己.md", file="自己.md")])
    assert {table.resolve(link) for link in found} == {"自己.md", None}
    assert links_of(note_of("[" * 50_000 + "](" * 50_000)) == []
