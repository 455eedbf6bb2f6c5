"""Files of other formats, made and read for the tests."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from corpus.chunking import chunk_note
from corpus.index import Index
from corpus.notes import notes_from_text
from corpus.readers import Vault
from corpus.types import Note
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
