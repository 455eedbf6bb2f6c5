"""What the documents say exists: commands, verbs, files, links.

What is read, and how to write it so that it is checked:

- Commands stand in code: `make test`, or a line `$ youju ask "…"` of a fenced block.
- The file map is a section whose heading says "file map" or 文件; in it, a fenced block with a path
  at the start of each line (indented or drawn with ├── under its folder/, with others of the
  same folder after commas, then a comment), or a table or list whose rows begin with the path in
  `code`.

A part is skipped only while the file it speaks of does not exist.
"""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.test_architecture import tracked_files

REPO = Path(__file__).resolve().parent.parent
MAP_HEADING = re.compile(r"file map|files|where things live|文件|目录", re.IGNORECASE)


def read(name: str) -> str:
    path = REPO / name
    if not path.is_file():
        pytest.skip(f"{name} is not written yet")
    return path.read_text(encoding="utf-8")


def code_of(markdown: str) -> str:
    """Fenced blocks and inline code of a document, a piece a line."""
    fenced = re.findall(r"^```[^\n]*\n(.*?)^```", markdown, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```[^\n]*\n.*?^```", "", markdown, flags=re.DOTALL | re.MULTILINE)
    return "\n".join([*fenced, *re.findall(r"`([^`\n]+)`", prose)])


def commands(markdown: str, program: str) -> set[str]:
    """First words after a program where it is called: at a line's start, or after a shell mark."""
    setting = r"(?:\w+=\S+\s+)*"
    call = rf"(?:^|[;&|$])\s*{setting}(?:\S*/)?{program}[ \t]+{setting}([a-z][\w-]*)"
    return set(re.findall(call, code_of(markdown), re.MULTILINE))


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):(?!=)", read("Makefile"), re.MULTILINE))


def verbs() -> dict[str, argparse.ArgumentParser]:
    """Return each verb of the command line with its parser."""
    if not (REPO / "assistant" / "cli.py").is_file():
        pytest.skip("assistant/cli.py is not written yet")
    parser: argparse.ArgumentParser = importlib.import_module("assistant.cli").build_parser()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("the command line has no verbs")


def sections(markdown: str) -> Iterator[tuple[str, str]]:
    """Heading and body of each section, headings inside code not counted."""
    found = []
    for block in re.finditer(r"^```.*?^```|^#{1,6} +([^\n]+)$", markdown, re.DOTALL | re.MULTILINE):
        if block.group(1):
            found.append((block.group(1).strip(), block.start(), block.end()))
    ends = [start for _, start, _ in found[1:]] + [len(markdown)]
    for (heading, _, start), end in zip(found, ends, strict=True):
        yield heading, markdown[start:end]


def mapped_paths(markdown: str) -> list[str]:
    """Paths of the file map, from the checkout's root."""
    found: list[str] = []
    for heading, body in sections(markdown):
        if MAP_HEADING.search(heading):
            for block in re.findall(r"^```[^\n]*\n(.*?)^```", body, re.DOTALL | re.MULTILINE):
                found.extend(_tree_paths(block))
            found.extend(re.findall(r"^(?:\||[-*])\s*`([\w./-]+)`", body, re.MULTILINE))
    return found


def _tree_paths(block: str) -> Iterator[str]:
    folders: list[tuple[int, str]] = []
    for line in block.splitlines():
        entry = re.match(r"^([\s│├└─|`+-]*)([\w.][\w./-]*)((?:, *[\w.-]+)*)(?=\s|$)", line)
        if not entry:
            continue
        depth, name = len(entry.group(1)), entry.group(2)
        while folders and folders[-1][0] >= depth:
            folders.pop()
        path = (folders[-1][1] if folders else "") + name
        if name.endswith("/"):
            folders.append((depth, path))
        yield path
        for sibling in re.findall(r"[\w.-]+", entry.group(3)):
            yield path[: path.rfind("/") + 1] + sibling


def slug(heading: str) -> str:
    """Anchor that GitHub gives a heading."""
    plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(markdown: str) -> set[str]:
    seen: dict[str, int] = {}
    found = set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", markdown))
    for heading, _ in sections(markdown):
        base = slug(heading)
        found.add(f"{base}-{seen[base]}" if base in seen else base)
        seen[base] = seen.get(base, 0) + 1
    return found


def documents() -> list[str]:
    """Markdown files about the project: notes of samples and fixtures of tests are none."""
    names = (path.relative_to(REPO).as_posix() for path in tracked_files())
    left_out = ("corpus/samples/", "tests/", "eval/golden/")
    return [name for name in names if name.endswith(".md") and not name.startswith(left_out)]


def test_every_make_target_named_in_the_documents_exists() -> None:
    for name in documents():
        missing = commands(read(name), "make") - make_targets()
        assert not missing, f"{name} names targets that the Makefile lacks"


def test_readme_names_the_two_commands_of_a_newcomer() -> None:
    assert {"chat", "test"} <= commands(read("README.md"), "make")


def test_every_verb_named_in_the_documents_exists() -> None:
    known = set(verbs())
    for name in documents():
        if name == "CHANGELOG.md":  # it also tells of what was removed
            continue
        assert not commands(read(name), "youju") - known, f"{name} names verbs that are absent"


def test_every_verb_is_in_the_readme() -> None:
    assert set(verbs()) <= commands(read("README.md"), "youju")


def test_every_verb_explains_itself() -> None:
    for verb, parser in verbs().items():
        assert parser.description, f"youju {verb} --help says nothing"
        silent = [a.dest for a in parser._actions if a.help in {None, ""}]
        assert not silent, f"youju {verb}: no help for {silent}"


def test_every_file_of_the_file_map_exists() -> None:
    paths = mapped_paths(read("README.md"))
    assert paths, "the README has no file map"
    assert not [path for path in paths if not (REPO / path).exists()]


def test_every_internal_link_resolves() -> None:
    broken = []
    for name in documents():
        text = read(name)
        prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)", prose):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            path, _, anchor = unquote(target).partition("#")
            file = (REPO / name).parent / path if path else REPO / name
            if not file.exists():
                broken.append(f"{name}: {target}")
            elif anchor and file.suffix == ".md":
                known = anchors(file.read_text(encoding="utf-8"))
                if anchor not in known:
                    broken.append(f"{name}: {target} (no such heading)")
    assert not broken


def test_the_changelog_speaks_of_this_version() -> None:
    text = read("CHANGELOG.md")
    headings = [heading for heading, _ in sections(text)]
    assert "[Unreleased]" in headings
    released = [h for h in headings if re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", h)]
    others = {"Changelog", "[Unreleased]", *released}
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(headings) <= others | kinds


# How the documents are read, on small ones.

SMALL = """# 有据 youju

Run `make test`, not the word make sense.

```sh
$ make chat NOTES=notes
.venv/bin/youju ask "什么是 LoRA?"
YOUJU_HOME=x youju index notes   # youju is not a verb here
```

## File map 文件

```
corpus/          notes to index
  text.py        folding
  a.py, b.py     two files
├── data/        tables
```

| file | what |
|---|---|
| `eval/report.py` | tables |

## Next
"""


def test_commands_are_read_from_code_only() -> None:
    assert commands(SMALL, "make") == {"test", "chat"}
    assert commands(SMALL, "youju") == {"ask", "index"}


def test_the_file_map_is_read_from_trees_and_tables() -> None:
    assert mapped_paths(SMALL) == [
        "corpus/", "corpus/text.py", "corpus/a.py", "corpus/b.py", "corpus/data/", "eval/report.py",
    ]  # fmt: skip


def test_anchors_are_those_of_github() -> None:
    assert slug("1. 两条命令: `make chat`!") == "1-两条命令-make-chat"
    assert anchors("# A\n## B b\n## B b\n```\n# no\n```\n") == {"a", "b-b", "b-b-1"}
