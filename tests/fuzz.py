"""One target for each parser: bytes in, and whatever a person could have written must come out.

`python -m tests.fuzz [TARGET …] [--seconds N]` goes on for so long, on other inputs each time. What
breaks a target is kept in `tests/crashes`, from where `test_fuzz` tries it forever.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import random
import stat
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from assistant.binding import Binder
from assistant.claims import claims_citing, claims_of
from assistant.markers import markers_of, without_markers
from assistant.operators import parse_query, sentence_of
from assistant.sources import Source
from corpus.archives import DAMAGE, Archive
from corpus.chunking import chunk_note
from corpus.decoding import decoded, in_utf8
from corpus.drafts import Unreadable
from corpus.errors import ConfigError, CorpusError
from corpus.frontmatter import read_front_matter
from corpus.webpages import read_page
from tests.generated import note_of

__all__ = ["CRASHES", "TARGETS", "WORDS", "attempt", "generated", "keep"]

CRASHES = Path(__file__).resolve().parent / "crashes"
SECONDS = 2.0  # of processor time for one input of a few thousand characters


def front_matter(data: bytes) -> None:
    """Titles, tags and dates of a head; its body is always there."""
    text = data.decode("utf-8", "replace").replace("\r", "")
    found = read_front_matter(text)
    assert 0 <= found.end <= len(text)
    assert "\n" not in found.title
    assert all(isinstance(value, str) and value for value in (*found.tags, *found.aliases))
    assert found.date is None or len(found.date) == 10


def chunker(data: bytes) -> None:
    """Passages in order, within the size, holding all text; of Markdown, outlines and feeds."""
    text = data.decode("utf-8", "replace").replace("\r", "")
    for form in ("markdown", "org", "rst", "feed"):
        given = text.replace("\n", " ") if form == "feed" else text
        note = note_of(given, format=form)
        at, left = 0, ""
        for chunk in chunk_note(note, size=120):
            assert at <= chunk.start < chunk.end <= len(given)
            assert chunk.end - chunk.start <= 120
            assert chunk.line == note.line_of(chunk.start)
            left += given[at : chunk.start]
            at = chunk.end
        assert not (left + given[at:]).strip()


def decoder(data: bytes) -> None:
    """A text that can be stored, or a reason."""
    try:
        found = decoded(data)
    except Unreadable:
        return
    found.text.encode("utf-8")
    assert "\r" not in found.text
    assert len(found.text) <= len(data)


def archive(data: bytes) -> None:
    """Members with names that stay inside, or a reason for each that is not read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        path.write_bytes(data)
        try:
            opened = Archive(path)
        except CorpusError:
            return
        try:
            for name, size in opened.sizes():
                assert not name.startswith("/")
                assert ".." not in PurePosixPath(name).parts
                name.encode("utf-8")
                if size > 1_000_000:
                    continue
                try:
                    opened.read(name)
                except DAMAGE:
                    continue
            assert all(entry.reason for entry in opened.skipped)
        finally:
            opened.close()
        assert [entry.name for entry in Path(folder).iterdir()] == ["a.zip"]


def citations(data: bytes) -> None:
    """Markers and claims with true spans, and nothing but markers taken out."""
    text = data.decode("utf-8", "replace").replace("\r", "")
    at = 0
    for start, end, numbers in markers_of(text):
        assert at <= start < end <= len(text)
        assert numbers
        at = end
    assert len(without_markers(text)) <= len(text)
    for span in (*claims_of(text), *claims_citing(text, markers_of(text))):
        assert 0 <= span.start < span.end <= len(text)
    binder = Binder(_NOBODY, _NOBODY, _SOURCES, "问")
    at = 0
    for marker in binder._markers(text):
        assert at <= marker.start < marker.end <= len(text)
        assert text[marker.start : marker.end] == marker.written
        assert set(marker.numbers) <= {1, 2}
        at = marker.start
    assert 0 <= binder.settled(text) <= len(text)


def query(data: bytes) -> None:
    """Words, phrases and filters of whatever is typed."""
    text = data.decode("utf-8", "replace")
    try:
        found = parse_query(text)
    except ConfigError:  # a date that is none, or a range the wrong way round
        return
    assert all(phrase.strip() for phrase in found.phrases)
    assert len(found.text) <= 2 * len(text) + 10
    sentence_of(text)


def page(data: bytes) -> None:
    """The words of a page, none of its scripts."""
    try:
        drafts = read_page(decoded(in_utf8(data)).text)
    except Unreadable:
        return
    for draft in drafts:
        draft.text.encode("utf-8", "surrogatepass")
        assert "\0" not in draft.title


_NOBODY: Any = None
_SOURCES = [
    Source(number=n, key=key, hit=_NOBODY, text="低秩矩阵", title="", place="")
    for n, key in enumerate(("7abc", "8def"), start=1)
]
TARGETS: dict[str, Callable[[bytes], None]] = {
    "front_matter": front_matter,
    "chunker": chunker,
    "decoder": decoder,
    "archive": archive,
    "citations": citations,
    "query": query,
    "page": page,
}


def _zip() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("笔记/a.md", "# 一\n\n内容。" * 9)
        made.writestr("../b.md", "x")
        link = zipfile.ZipInfo("link.md")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w") as part:
            part.writestr("c.md", "y" * 99)
        made.writestr("Export-Part-1.zip", inner.getvalue())
    return held.getvalue()


# pieces that mean something to each parser
WORDS: dict[str, list[bytes]] = {
    "front_matter": [
        line.encode()
        for line in (
            "---\n", "...\n", "title: ", "tags: [a, #b, 'c]\n", "tags:\n  - x\n", "date: 2024-02-30\n",
            "aliases: ", "&a [*a]", "*a", "!!python/object:os.system\n", "? : -", "{a: {b: ", "\t", "\ufeff",
            "'", '"', "|", ">-\n", "%YAML 1.2\n", "<<: *x\n", "日期：2024年1月2日\n", "\x85", "\u2028", ":", "- ",
            "+++\n", "title = '", "tags = [", "[taxonomies]\n", "= 2024-02-30\n", "{\n", '"title": "', "}\n",
        )
    ],
    "chunker": [
        line.encode()
        for line in (
            "# 标题\n", "```\n", "~~~", "| a | b |\n|---|---|\n", "$$\n", "- ", "1. ", "> ", "<!--", "-->", "句子。",
            "Word. ", "\n\n", "\n", "    ", "* TODO x\n", "#+BEGIN_SRC\n", "#+END_SRC\n", ".. code::\n\n", "====\n",
            "\\[", "\\]", "`", "\u3000", "\u200b", "👩‍💻", "e\u0301", "长" * 70, "word " * 30, "[^1]: ", "|", "：", "——",
        )
    ],
    "decoder": [
        b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\0\0", b"\0", "低秩矩阵".encode("gb18030"),
        "低秩矩陣".encode("big5"), "低秩".encode(), "低秩".encode("utf-16-le"), b"\x80", b"\xff", b"\r\n", b"\r",
        b"plain words ", b"\x81\x30\x81\x30", b"\xe4\xbd", "café".encode("latin-1"), b"\x1b", b"\xf0\x9f\x99",
    ],
    "archive": [_zip(), _zip()[:200], b"PK\x05\x06" + bytes(18), b"PK\x03\x04", b"PK\x01\x02", b"\xff" * 8],
    "citations": [
        line.encode()
        for line in (
            "[1]", "[2][1]", "【1】", "［１］", "[1, 2]", "[^1]", "[7abc]", "[8def, 7abc]", "[a1b2]", "[1](http://x)", "```\n[1]\n```", "`[1]`",
            "句子。", "A sentence. ", "\n", "来源：", "- ", "| a |\n", "[", "]", "[[1]]", "[999999999999999999999]", "[1-3]",
            "[来源1]", "**", "$[1]$", "¹", "。[1]。", "\u200b", "“", "”", "：", "[1][", "[-1]", "[1、2]",
        )
    ],
    "query": [
        line.encode()
        for line in (
            '"', "“", "”", "「", "」", "[[", "]]", "#ml", "tag:", "path:", "folder:*.md", "title:", "since:", "until:",
            "2024-13-45", "2024-01..", "date:2024..2023", "..", ":", "*", "?", "[!a", "AND", "NEAR(", "')--", "(a+)+$", " ",
            "词语", "word", "\\", "\0", "[", "#", "c#", "tag:“", "date:", "9" * 30, "～", "\n",
        )
    ],
    "page": [
        line.encode()
        for line in (
            "<div>", "</div>", "<script>x()</script>", "<script>", "<style>", "<table><tr><td>", "</table>", "<li>",
            "<pre><code>", "<a href='javascript:x'>", "<!--", "-->", "<![CDATA[", "]]>", "&#x110000;", "&#0;", "&amp", "<!D",
            "<svg><title>", "<math>", "<br/>", "<h1>", "<title>", "<ul><ol>", "<p style='display:none'>", "字", "<", ">",
            "<img alt='", "</p></div></td>", "<details>", "<template>", "<?x", "\x0b", "<annotation encoding='tex'>",
        )
    ],
}  # fmt: skip


def generated(target: str, chance: random.Random, *, longest: int = 60) -> bytes:
    """An input: pieces that mean something in any order, then a few bytes changed."""
    pieces = chance.choices(WORDS[target], k=chance.randint(1, longest))
    data = bytearray(pieces[0] if target == "archive" else b"".join(pieces))
    for _ in range(chance.choice((0, 0, 1, 2, 8))):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at:at] = chance.choice(WORDS[target])
            case 2:
                del data[at : at + chance.randrange(1, 9)]
            case _:
                data[at:at] = bytes(chance.choices(range(256), k=chance.randrange(1, 5)))
    return bytes(data)


def attempt(target: str, data: bytes) -> None:
    """Run a target.

    Raises:
        AssertionError: what came out is wrong, or it took too long.
        Exception: the parser broke.
    """
    begun = time.process_time()
    TARGETS[target](data)
    assert time.process_time() - begun < SECONDS, "it took too long"


def keep(target: str, data: bytes) -> Path:
    """Keep an input that breaks a target."""
    CRASHES.mkdir(exist_ok=True)
    path = CRASHES / f"{target}-{hashlib.sha256(data).hexdigest()[:10]}.bin"
    path.write_bytes(data)
    return path


def fault_of(target: str, data: bytes) -> Exception | None:
    """How an input breaks a target; None if it does not."""
    try:
        attempt(target, data)
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is what is looked for
        return fault
    return None


def breaks(target: str, data: bytes) -> bool:
    """Whether an input breaks a target, in whatever way."""
    return fault_of(target, data) is not None


def smallest(target: str, data: bytes) -> bytes:
    """A part of an input that still breaks a target, pieces taken out as long as it does."""

    width = max(1, len(data) // 2)
    while width:
        at = 0
        while at < len(data):
            part = data[:at] + data[at + width :]
            if breaks(target, part):
                data = part
            else:
                at += width
        width //= 2
    return data


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz for a while; 1 if something broke."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args(argv)
    seed = time.time_ns() if args.seed is None else args.seed
    n_broken = 0
    for target in args.targets or TARGETS:
        chance, n = random.Random(f"{target} {seed}"), 0
        ends = time.monotonic() + args.seconds
        while time.monotonic() < ends:
            data = generated(target, chance)
            n += 1
            if fault := fault_of(target, data):
                n_broken += 1
                kept = keep(target, smallest(target, data))
                sys.stdout.write(f"{target}: {type(fault).__name__}: {fault}: {kept}\n")
                break
        sys.stdout.write(f"{target}: {n} inputs, seed {seed}\n")
        sys.stdout.flush()
    return 1 if n_broken else 0


if __name__ == "__main__":
    sys.exit(main())
