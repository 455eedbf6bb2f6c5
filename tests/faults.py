"""Faults and bad inputs by number, what is expected of each, and the table of what happened.

`python -m tests.faults` runs the tests of all rows and writes `tests/faults.md`, `… 1 2 3` those of
these rows, the others staying as they are; `--quick` leaves the slow ones out, `--jobs 2` runs two
files of tests at a time. Stopped, it goes on with the files that it had not finished, as long as
neither the product nor they have changed. A test belongs to the row that its name begins with:
`test_row_07_…`. All inputs are made here, on the fly.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from corpus.index import Index
from corpus.readers import Vault
from corpus.tokens import terms
from corpus.types import RefreshReport
from tests.fakes import HashingEncoder

__all__ = ["ROWS", "World", "rows_with_tests"]

FOLDER = Path(__file__).resolve().parent
TABLE = FOLDER / "faults.md"
REPORTS = FOLDER.parent / "build" / "faults"
N_CONTROL = 20
_PATIENCE_S = 1800  # for one test: what must be quick says so itself, and a machine may be busy

# what is done or given, and what is expected of it, by number
ROWS: dict[int, tuple[str, str]] = {
    1: ("kill -9 at random moments of a full index", "opens; finished, it is as if undisturbed"),
    2: ("kill -9 during an update", "each note old or new, never half, never twice"),
    3: ("kill -9 at each step of publishing", "a complete generation"),
    4: ("kill -9 while a conversation is saved", "acknowledged turns are there"),
    5: ("the N-th write, sync, rename or mkdir fails with EIO, for all N", "no partial generation"),
    6: ("the same with ENOSPC", "the same; nothing temporary stays"),
    7: ("disk full at the start", "search works on what is there"),
    8: ("index folder read-only", "reading works, indexing says so and changes nothing"),
    9: ("vault read-only", "everything works"),
    10: ("each index file truncated at 20 places", "noticed before native code, rebuilt"),
    11: (
        "one bit flipped in each file, 100 times",
        "never a crash; a cache heals; an inspection finds every one",
    ),
    12: ("a block of 4 KB zeroed", "as 11"),
    13: ("an index file deleted", "rebuilt"),
    14: ("empty or garbage database", "set aside, built again from the notes"),
    15: ("-wal deleted after a kill", "opens at the last checkpoint, or is rebuilt"),
    16: ("index of another version, encoder, dimension, tokenizer", "rebuilt; vectors never mixed"),
    17: ("index folder copied while it is written", "the copy is whole, or is rebuilt"),
    18: ("clock back a year; same time, other content", "the change is noticed"),
    19: ("1,000 orphaned temporary files", "swept, only ours"),
    20: ("power loss: unsynced writes dropped or reordered", "opens; finished, as if undisturbed"),
    21: ("two writers at once", "the second waits, or says who writes"),
    22: ("the writer is killed", "the lock is free at once"),
    23: ("questions all through a re-index", "no error, no mixed generation"),
    24: (
        "a note edited, renamed, deleted while it is read",
        "old or new; the next pass mends",
    ),
    25: ("most notes gone at once", "asks before forgetting"),
    26: ("several processes ask while one writes", "the same answers, no lock error"),
    27: ("Ctrl-C in the middle", "stops within 2 s, the next run goes on"),
    28: ("a link to outside, file and folder", "skipped, reported"),
    29: ("links in a circle, 100 deep", "ends; each file once"),
    30: ("a hard link to a file outside", "skipped, reported; read with the setting"),
    31: ("`..`, absolute, `~`, UNC, `file://`, NUL as a path", "refused in a line"),
    32: ("a name of raw GBK bytes", "read under an escaped name"),
    33: ("A.md and a.md, NFC and NFD twins", "two notes"),
    34: ("a 255-byte name, 50 folders deep", "read"),
    35: (
        "CON.md, a:b.md, dots, newline, <img onerror>, RTL mark in names",
        "read, names kept",
    ),
    36: ("FIFO, socket, device, folder called x.md", "skipped at once"),
    37: ("no permission on a file or folder", "each skipped; the rest goes on"),
    38: ("the drive goes in the middle of a run", "stops with a message; nothing forgotten"),
    39: ("an online-only placeholder of 0 bytes", "no note, no error; read when it is there"),
    40: ("UTF-8, UTF-16, UTF-32, with and without mark", "decoded, offsets right"),
    41: ("GB18030 and GBK, 10 to 500 characters", "decoded right, all of them"),
    42: ("Big5, Shift-JIS, Latin-1", "right by a hint, else reported as uncertain"),
    43: ("two encodings in a file; a cut last character", "replacement marks, reported"),
    44: ("NUL, control characters, binary named .md", "skipped"),
    45: ("emoji, rare ideographs, combining marks, bidi", "spans exact to the character"),
    46: ("CRLF, CR, U+2028, mixed", "lines and offsets right"),
    47: ("0 bytes, only front matter, only blanks", "no passage, no error"),
    48: ("a note of 100 MB", "told in a line; memory bounded"),
    49: ("10 MB on one line; 300,000 times 中; a million a", "at most 10 s a file"),
    50: ("zero-width and tag characters; white on white", "words still found"),
    51: ("YAML bomb, 3,000 nested, 1 MB of front matter", "at most 1 s, the body is read"),
    52: ("`!!python/object`, unknown tags", "never run; kept as text"),
    53: ("2024-02-30, NO, 012, twin keys, tabs, no closing ---", "strings; the body is read"),
    54: ("50,000 `[`, 20,000 `>`, 20,000 `*a_`, 5,000 columns, 400,000 links", "at most 10 s"),
    55: ("unclosed, quoted and nested fences, `$` unclosed", "passages hold all text"),
    56: ("links in a circle, a note that embeds itself, 10,000 backlinks", "ends"),
    57: ("200,000 nested div, 100,000 `<!--`, unclosed script", "at most 10 s; no script text"),
    58: ("entity bombs, external entities, DTDs", "refused; nothing fetched"),
    59: ("Notion export with ids, nested zips, CSV formulas", "read; formulas stay text"),
    60: (".canvas, .base, .trash, .obsidian, templates, sync conflicts", "left out"),
    61: ("PDF: nested Flate, huge picture", "stopped at the limit; skipped"),
    62: ("PDF: circles of pages, endless objects", "stopped at the limit; skipped"),
    63: ("PDF: protected, scanned, no pages, cut, none at all", "each its own reason"),
    64: ("PDF with JavaScript, launch actions, files, URLs", "text read, nothing done"),
    65: ("PDF whose CMap is named by a path or a pickle", "no file opened, nothing run"),
    66: ("PDF: two columns, ligatures, no ToUnicode", "text in order, or skipped"),
    67: ("zip names with .., absolute, drive letters, backslashes", "nothing outside"),
    68: ("zip bombs: ratio, total, nested, overlapping", "stopped early"),
    69: ("links, devices, twins, case twins in a zip", "refused or told"),
    70: ("zip in GBK and UTF-8, password, cut, wrong CRC", "right names or a reason"),
    71: (
        "84 orders to a model, zh and en, in text, title, tag, alias, name, PDF, comments, unseen",
        "not quoted as answers; what an obeying model writes is flagged",
    ),
    72: ("remote pictures, videos, styles, diagrams in notes and answers", "0 requests"),
    73: ("`javascript:` and `data:` links, forms", "dead text"),
    74: ("forged `[7]`, forged badges, template tokens", "removed, flagged or without force"),
    75: ("20 XSS payloads, `${}`, `{{}}`, formulas, escapes on each surface", "text, not run"),
    76: ("endless, looping, empty, foreign words; a judge's invalid JSON", "told; not checked"),
    77: ("a poisoned note against 20 others", "a disagreement with both sources"),
    78: ("keys and passwords in notes, questions, servers' words", "in no log, no error"),
    79: ("foreign Host and Origin, null, rebinding, forms, on every route", "400 or 403"),
    80: ("unknown, negative, huge, foreign ids; wrong types", "refused in a line"),
    81: ("too large, endless, 1,500 files, trickles, full queue", "413, bounded, busy is said"),
    82: ("queries of 1 MB, blanks, emoji, operators, quotes, regex", "no error, at once"),
    83: ("proxies, IPv6, busy port, no home, C locale, spaces and Chinese", "starts or says why"),
    84: ("model missing, cut, altered; too little memory", "named; words still find"),
    85: ("model's server down, slow, 500, half a stream, bytes", "told; the notes answer"),
    86: ("server killed under an open page", "the page says so, goes on with the next"),
    87: ("no network", "everything works, 0 tries to connect"),
    88: ("pickles in the index, code in the vault, malicious settings", "nothing loaded or run"),
    89: ("MCP: broken messages, unknown tools, 10 MB, closed pipe", "errors; pure output"),
    90: ("downgrade, upgrade, uninstall", "notes untouched, one folder"),
}


class World:
    """A vault with twenty control notes and its index.

    Args:
        folder: empty; both lie in it.
    """

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "notes"
        self.folder = folder / "index"
        self.encoder = HashingEncoder()
        self.notes.mkdir()
        for number in range(N_CONTROL):
            self.write(
                f"control{number}.md", f"# 对照{number}\n\n对照笔记{number}说秩取{number}。\n"
            )

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the vault."""
        path = self.notes / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def open(self) -> Index:
        """The index."""
        return Index.open(self.folder, encoder=self.encoder)

    def refresh(self, root: Path | None = None) -> RefreshReport:
        """Refresh, hold the common rule, and refresh again to see that nothing is left to do."""
        before = self.bytes()
        with self.open() as index:
            report = index.refresh(Vault(root or self.notes))
            if root is None:
                self.holds_controls(index)
            assert index.refresh(Vault(root or self.notes)).skipped == report.skipped
        assert self.bytes() == before  # the notes are never written to
        return report

    def holds_controls(self, index: Index) -> None:
        """Every control note is found by its words, its quote being its text."""
        held = {note.path: note for note in index.notes()}
        for number in range(N_CONTROL):
            assert f"秩取{number}。" in held[f"control{number}.md"].text
        ids = [id_ for id_, _ in index.bm25(terms("对照笔记7说秩取7"), 50)]
        assert "control7.md" in {chunk.note for chunk in index.chunks(ids)}

    def reasons(self, root: Path | None = None) -> dict[str, str]:
        """Refresh; why each skipped file was."""
        report = self.refresh(root)
        found = {entry.path: entry.reason for entry in report.skipped}
        assert len(found) == len(report.skipped)
        assert not any("\n" in reason or not reason for reason in found.values())
        return found

    def text(self, path: str) -> str:
        """The text of a note in the index."""
        with self.open() as index:
            return index.note(path).text

    def paths(self) -> set[str]:
        """The notes in the index beside the control notes."""
        with self.open() as index:
            return {row.path for row in index.listing() if not row.path.startswith("control")}

    def content(self) -> tuple[object, ...]:
        """What the index holds, whatever the ids."""
        with self.open() as index, index.snapshot() as now:
            notes = list(now.notes())
            chunks = [
                (note.path, c.start, c.end, c.heading, c.line)
                for note in notes
                for c in now.chunks_of(note.path)
            ]
            ids = [c.id for note in notes for c in now.chunks_of(note.path)]
            assert len(ids) == len(set(ids)) == now.n_chunks
            found = [
                [(now.chunks([id_])[0].note, round(score, 9)) for id_, score in pairs]
                for pairs in (now.bm25(terms("秩"), 99), now.nearest("对照笔记3说秩取3", 99))
            ]
            return notes, chunks, [sorted(pairs) for pairs in found]

    def anew(self) -> tuple[object, ...]:
        """What an index built anew of the same notes holds."""
        with tempfile.TemporaryDirectory() as folder:
            other = object.__new__(World)
            other.notes, other.folder = self.notes, Path(folder)
            other.encoder = self.encoder
            with other.open() as index:
                index.refresh(Vault(self.notes))
            return other.content()

    def bytes(self) -> dict[str, str]:
        """Hashes of all files of the vault that can be read."""
        found = {}
        for path in self.notes.rglob("*"):
            try:
                if path.is_file() and not path.is_symlink():
                    found[str(path)] = sha256(path.read_bytes()).hexdigest()
            except OSError:
                continue
        return found


def rows_with_tests() -> dict[int, list[str]]:
    """Names of the tests of each row, `file::test`, by reading the test files."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for path in sorted(FOLDER.rglob("test_faults_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            match = re.match(r"test_row_(\d\d)_", node.name)
            if match:
                name = path.relative_to(FOLDER).as_posix()
                found[int(match.group(1))].append(f"{name}::{node.name}")
    return {row: sorted(names) for row, names in found.items()}


def _results(report: Path) -> dict[str, str]:
    """What happened to each test of a JUnit report, by `file::test`; the worst of its cases."""
    worst = ["passed", "skipped", "failed"]
    found: dict[str, str] = {}
    for case in ET.parse(report).getroot().iter("testcase"):
        kinds = {child.tag for child in case}
        kind = "failed" if kinds & {"failure", "error"} else "passed"
        kind = "skipped" if "skipped" in kinds else kind
        file = case.get("classname", "").removeprefix("tests.").replace(".", "/") + ".py"
        name = f"{file}::{case.get('name', '').partition('[')[0]}"
        found[name] = max(found.get(name, "passed"), kind, key=worst.index)
    return found


def table(results: dict[str, str], kept: dict[int, str] | None = None) -> str:
    """The table of rows and results as Markdown; `kept` are lines that stay, by row."""
    lines = [
        "# Faults and bad inputs",
        "",
        "Written by `python -m tests.faults`, which runs the tests of every row (`--quick`:",
        "without the slow ones).",
        "Of every row holds, too: one line names the file and the reason, the vault is byte by",
        "byte as it was, and the other notes are found as before.",
        "",
        "| row | fault or input | expected | result | tests |",
        "|---|---|---|---|---|",
    ]
    tests = rows_with_tests()
    for row, (fault, expected) in ROWS.items():
        if kept and row in kept:
            lines.append(kept[row])
            continue
        names = tests.get(row, [])
        kinds = sorted({results[name] for name in names if name in results})
        if any(name not in results for name in names):
            kinds.append("slow ones not run")
        shown = ", ".join(f"`{name.partition('::')[2]}`" for name in names)
        lines.append(f"| {row} | {fault} | {expected} | {', '.join(kinds)} | {shown} |")
    return "\n".join(lines) + "\n"


def _lines(rows: Iterable[int]) -> dict[int, str]:
    """The lines of the written table for rows other than these."""
    found = {}
    for line in TABLE.read_text("utf-8").splitlines():
        match = re.match(r"\| (\d+) \|", line)
        if match and int(match[1]) not in set(rows):
            found[int(match[1])] = line
    return found


def main(rows: Sequence[int] = (), *, quick: bool, jobs: int = 1) -> int:
    """Run the tests of all rows, or of these, and write the table; 1 if one failed.

    Args:
        rows: numbers; all if empty.
        quick: leave the slow tests out.
        jobs: files of tests that run at a time.
    """
    tests = rows_with_tests()
    chosen: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows or tests:
        for name in tests.get(row, []):
            chosen[name.partition("::")[0]].append(str(FOLDER / name))
    marks = "not slow" if quick else "slow or not slow"
    results: dict[str, str] = {}
    with ThreadPoolExecutor(jobs) as pool:
        for found in pool.map(lambda names: _outcomes(names, marks), chosen.values()):
            results |= found
    TABLE.write_text(table(results, _lines(rows) if rows else None), "utf-8")
    return int("failed" in results.values())


def _outcomes(tests: Sequence[str], marks: str) -> dict[str, str]:
    """What happened to tests of one file: known from an earlier run of the same, or run now."""
    file = tests[0].partition("::")[0]
    state = sha256("\n".join([_product(), marks, Path(file).read_text("utf-8"), *tests]).encode())
    report = REPORTS / f"{state.hexdigest()[:16]}.xml"
    if not report.exists():
        REPORTS.mkdir(parents=True, exist_ok=True)
        new = report.with_suffix(".new")
        with tempfile.TemporaryDirectory(dir=_memory()) as folder:
            subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", marks,
                 "-o", f"timeout={_PATIENCE_S}",
                 f"--junit-xml={new}", f"--basetemp={folder}/t", *tests],
                check=False,
            )  # fmt: skip
        new.replace(report)
    return _results(report)


def _product() -> str:
    """Which product is tried: what git says of it, changes included."""
    said = [
        subprocess.run(
            ["git", "-C", str(FOLDER.parent), *words, "--", "corpus", "assistant"],
            capture_output=True, text=True, check=False,
        ).stdout
        for words in (["log", "-1", "--format=%H"], ["diff", "HEAD"])
    ]  # fmt: skip
    return "".join(said)


def _memory() -> str | None:
    """A folder in memory, where there is one: there a sync costs nothing."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, metavar="ROW")
    parser.add_argument("--quick", action="store_true", help="without the slow tests")
    parser.add_argument("--jobs", type=int, default=1, help="files of tests at a time")
    args = parser.parse_args()
    sys.exit(main(args.rows, quick=args.quick, jobs=args.jobs))
