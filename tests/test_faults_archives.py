"""Rows 61 to 70: PDF and zip files that break or attack readers."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from corpus import archives, limited
from corpus.errors import CorpusError
from corpus.readers import Vault
from tests.faults import World

pytest.importorskip("pypdf", reason="PDFs are read with the extra `formats`")


def pdf(objects: dict[int, bytes], root: int = 1, trailer: bytes = b"") -> bytes:
    """A PDF of these objects, with its table of places."""
    out, places = b"%PDF-1.7\n", {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, size = len(out), max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 n \n" % places.get(number, 0)
    return out + b"trailer << /Size %d /Root %d 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        size, root, trailer, start,
    )  # fmt: skip


def stream(data: bytes, about: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), about, data)


def one_page(content: bytes, page: bytes = b"", more: dict[int, bytes] | None = None) -> bytes:
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    return pdf({
        1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % page,
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
           b" /Resources << /Font << /F1 5 0 R >> >> >>",
        4: content, 5: font, **(more or {}),
    })  # fmt: skip


TEXT = b"BT /F1 12 Tf 72 700 Td (The platypus lays eggs.) Tj ET"


@pytest.mark.parametrize("depth", [2, 3])
def test_row_61_bombs_are_stopped(world: World, depth: int) -> None:
    data = b"\0" * 100_000_000
    packed, filters = data, b""
    for _ in range(depth):
        packed, filters = zlib.compress(packed, 9), filters + b"/FlateDecode "
    world.write("bomb.pdf", one_page(stream(packed, b"/Filter [%s]" % filters)))
    del data
    picture = stream(b"", b"/Subtype /Image /Width 999999 /Height 999999 /BitsPerComponent 8")
    world.write("picture.pdf", one_page(stream(TEXT), more={6: picture}))
    reasons = world.reasons()
    assert set(reasons) == {"bomb.pdf"}
    assert "platypus" in world.text("picture.pdf")


def test_row_62_circles_and_endless_objects_are_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited, "SECONDS", 3.0)
    world.write("circle.pdf", pdf({
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 2 >>",
        3: b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R] /Count 1 >>",
    }))  # fmt: skip
    world.write("self.pdf", one_page(b"4 0 R"))
    world.write("previous.pdf", one_page(stream(TEXT)).replace(b"/Root 1", b"/Prev 9 /Root 1"))
    world.write("many.pdf", one_page(stream(TEXT + b" q Q" * 20_000)))
    reasons = world.reasons()
    assert "circle.pdf" in reasons
    assert "self.pdf" in reasons


def test_row_63_every_unreadable_pdf_has_its_reason(world: World) -> None:
    import pypdf

    writer = pypdf.PdfWriter()
    writer.add_blank_page(200, 200)
    scanned = io.BytesIO()
    writer.write(scanned)
    writer.encrypt("secret", algorithm="RC4-128")
    protected = io.BytesIO()
    writer.write(protected)
    world.write("protected.pdf", protected.getvalue())
    world.write("scanned.pdf", scanned.getvalue())
    world.write("none.pdf", pdf({
        1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Kids [] /Count 0 >>",
    }))  # fmt: skip
    world.write("cut.pdf", one_page(stream(TEXT))[:120])
    world.write("text.pdf", "# 不是 PDF")
    world.write("empty.pdf", b"")
    world.write("signed.pdf", one_page(stream(TEXT), b"/AcroForm << /SigFlags 3 /Fields [] >>"))
    reasons = world.reasons()
    assert "password" in reasons["protected.pdf"]
    assert "pictures" in reasons["scanned.pdf"]
    assert set(reasons) >= {"none.pdf", "cut.pdf", "text.pdf"}
    assert "platypus" in world.text("signed.pdf")


def test_row_64_what_a_pdf_would_do_is_not_done(world: World, tmp_path: Path) -> None:
    planted = str(tmp_path / "planted").encode()
    actions = (
        b"/OpenAction << /S /JavaScript /JS (app.launchURL\\('http://192.0.2.1'\\)) >>"
        b" /AA << /WC << /S /Launch /F (%s) >> >>"
        b" /Names << /EmbeddedFiles << /Names [(a.exe) 6 0 R] >> >>"
        b" /URI << /Base (http://192.0.2.1) >>"
    ) % planted
    attached = {6: b"<< /Type /Filespec /F (a.exe) /EF << /F 7 0 R >> >>", 7: stream(b"MZ")}
    world.write("a.pdf", one_page(stream(TEXT), actions, attached))
    assert world.reasons() == {}
    assert world.text("a.pdf").strip().endswith("The platypus lays eggs.")
    assert not Path(planted.decode()).exists()


@pytest.mark.parametrize(
    "cmap", [b"/..#2F..#2Fplanted", b"/planted.pickle.gz", b"/#2Fetc#2Fpasswd"]
)
def test_row_65_a_cmap_is_never_a_file(world: World, cmap: bytes) -> None:
    font = (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding %s /DescendantFonts [6 0 R] >>"
        % cmap
    )
    inner = b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X >>"
    world.write("a.pdf", one_page(stream(TEXT), more={5: font, 6: inner}))
    world.reasons()
    with world.open() as index:
        assert "root:" not in "".join(note.text for note in index.notes())


def test_row_66_columns_come_in_the_order_of_the_file(world: World) -> None:
    columns = (
        b"BT /F1 12 Tf 72 700 Td (Left column first line.) Tj"
        b" 0 -14 Td (Left column second line.) Tj ET"
        b" BT /F1 12 Tf 330 700 Td (Right column first line.) Tj ET"
    )
    world.write("columns.pdf", one_page(stream(columns)))
    mapped = b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H"
    mapped += b" /DescendantFonts [6 0 R] >>"
    world.write("unmapped.pdf", one_page(stream(b"BT /F1 12 Tf 72 700 Td <00010002> Tj ET"), more={
        5: mapped, 6: b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X >>",
    }))  # fmt: skip
    world.refresh()
    text = world.text("columns.pdf")
    assert text.index("Left column second") < text.index("Right column first")


def packed(members: list[tuple[zipfile.ZipInfo | str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def read(world: World, tmp_path: Path, data: bytes) -> tuple[dict[str, str], set[str]]:
    """Reasons and notes of a zip, twice the same; nothing is left beside it."""
    root = tmp_path / "archive.zip"
    root.write_bytes(data)
    before = {path.name for path in tmp_path.iterdir()}
    report = world.refresh(root)
    with world.open() as index:
        held = {row.path for row in index.listing()}
    assert {path.name for path in tmp_path.iterdir()} - before <= {"index"}
    return {entry.path: entry.reason for entry in report.skipped}, held


def test_row_67_members_never_leave_the_archive(world: World, tmp_path: Path) -> None:
    names = ["../out.md", "/abs.md", "C:/win.md", "a/../../b.md", "~/home.md", "..\\back.md"]
    data = packed(
        [(name, b"# x\n\ny.") for name in names] + [("ok/fine.md", "# 好\n\n好。".encode())]
    )
    reasons, held = read(world, tmp_path, data)
    assert held == {"ok/fine.md"}
    assert len(reasons) == len(names)
    assert not (tmp_path.parent / "out.md").exists()


def test_row_68_bombs_are_stopped_early(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = packed([("big.md", b"\n" * 50_000_000)])
    inner = packed([("x.md", b"\0" * 30_000_000)])
    nested = packed([("Export-1-Part-1.zip", packed([("y.bin", b"\0" * 40_000_000)]))])
    monkeypatch.setattr(archives, "MAX_PARTS_BYTES", 20_000)
    parts = [(f"Export-1-Part-{n}.zip", inner) for n in range(1, 4)]
    good = ("good.md", "# 好\n\n好。".encode())
    for data in (big, nested, packed(parts)):
        whole = packed([("inner.zip", data), good])
        assert read(world, tmp_path, whole)[1] == {"good.md"}
    reasons, held = read(world, tmp_path, packed([("big.md", b"\n" * 50_000_000), *parts, good]))
    assert held == {"good.md"}
    assert "larger than 20 MB" in reasons["big.md"]
    assert any("larger than 2 GB" in reason for reason in reasons.values())


def test_row_68_a_size_that_lies_is_noticed(world: World, tmp_path: Path) -> None:
    data = bytearray(packed([("liar.md", b"a" * 5_000_000), ("good.md", b"# g\n\ngood.")]))
    place = data.index(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 10)  # says 10 bytes
    reasons, held = read(world, tmp_path, bytes(data))
    assert held == {"good.md"}
    assert "liar.md" in reasons


def test_row_69_links_devices_and_twins_are_refused_or_told(world: World, tmp_path: Path) -> None:
    members: list[tuple[zipfile.ZipInfo | str, bytes]] = []
    for name, kind in (("link.md", stat.S_IFLNK), ("device.md", stat.S_IFCHR)):
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, (kind | 0o777) << 16
        members.append((info, b"/etc/passwd"))
    members += [
        ("twin.md", "# 一\n\n一。".encode()),
        ("A.md", b"# A\n\nA."),
        ("a.md", b"# a\n\na."),
    ]
    with pytest.warns(UserWarning, match="Duplicate"):
        data = packed([*members, ("twin.md", "# 二\n\n二。".encode())])
    reasons, held = read(world, tmp_path, data)
    assert held == {"twin.md", "A.md", "a.md"}
    assert set(reasons) == {"link.md", "device.md", "twin.md"}


def test_row_70_names_are_right_and_damage_has_its_reason(world: World, tmp_path: Path) -> None:
    gbk = zipfile.ZipInfo("x")
    gbk.filename = "笔记.md".encode("gbk").decode("cp437")
    data = bytearray(
        packed([(gbk, "# 国标\n\n正文。".encode()), ("万国.md", "# 万国\n\n好。".encode())])
    )
    # the writer marks the name as UTF-8: say that it is not, and put the bytes of GBK
    told = "笔记.md".encode("gbk").decode("cp437").encode()
    shorter = "笔记.md".encode("gbk")
    assert data.count(told) == 2
    reasons, held = read(world, tmp_path, _renamed(bytes(data), told, shorter))
    assert (reasons, held) == ({}, {"笔记.md", "万国.md"})


def _renamed(data: bytes, told: bytes, name: bytes) -> bytes:
    """An archive written again, one member's name given as bytes without the mark of UTF-8."""
    out, entries = b"", []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            body = archive.read(info)
            is_it = info.filename.encode() == told
            raw, flag = (name, 0) if is_it else (info.filename.encode(), 0x800)
            head = struct.pack(
                "<5H3I2H", 20, flag, 0, 0, 33, zlib.crc32(body), len(body), len(body), len(raw), 0
            )
            entries.append((raw, head, len(out)))
            out += b"PK\3\4" + head + raw + body
    start = len(out)
    for raw, head, at in entries:
        out += b"PK\1\2" + struct.pack("<H", 20) + head + struct.pack("<3H2I", 0, 0, 0, 0, at) + raw
    size = len(out) - start
    return out + b"PK\5\6" + struct.pack("<4H2IH", 0, 0, len(entries), len(entries), size, start, 0)


def test_row_70_a_wrong_sum_a_password_and_a_cut_are_told(world: World, tmp_path: Path) -> None:
    data = packed(
        [("bad.md", b"# bad\n\n" + bytes(range(97, 120)) * 40), ("ok.md", b"# ok\n\nok.")]
    )
    torn = bytearray(data)
    torn[torn.index(b"PK\x01\x02") + 16] ^= 0xFF  # the sum in the list of members
    reasons, held = read(world, tmp_path, bytes(torn))
    assert held == {"ok.md"}
    assert "cannot be unpacked" in reasons["bad.md"]
    locked = bytearray(data)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + at] |= 1
    reasons, held = read(world, tmp_path, bytes(locked))
    assert held == {"ok.md"}
    assert "password" in reasons["bad.md"] or "encrypted" in reasons["bad.md"]
    (tmp_path / "cut.zip").write_bytes(data[:-30])
    with pytest.raises(CorpusError, match="not a zip archive, or it is damaged"):
        Vault(tmp_path / "cut.zip")
