"""Word documents and PDFs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from corpus import notes
from corpus.formats import drafts_of_bytes
from tests.files import (
    CORE,
    DOCUMENT,
    assert_covered,
    docx,
    paragraph,
    read,
    skips,
)


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
