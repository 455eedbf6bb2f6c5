"""What the documents say exists: commands, verbs, files, links.

What is read, and how to write it so that it is checked:

- Commands stand in code: `make test`, or a line `$ youju ask "…"` of a fenced block.
- The file map is a section whose heading says "file map" or 文件; in it, a fenced block with a path
  at the start of each line (indented or drawn with ├── under its folder/, with others of the
  same folder after commas, then a comment that may name more of them), or a table or list whose
  rows begin with the path in `code`.
- Lines of a fenced block that call `youju` are parsed as they stand, with quotes and comments of a
  shell; in prose, a call may have placeholders, and its options are looked up.
- Blocks of TOML are read as settings; what `tests/transcripts.py` describes is run.

A part is skipped only while the file it speaks of does not exist.
"""

from __future__ import annotations

import argparse
import ast
import functools
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from assistant.cli import build_parser
from assistant.config import load_config
from assistant.tools import TOOLS
from tests import transcripts
from tests.test_architecture import PEERS, module_name, modules, tracked_files, tree

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
    for action in build_parser(["eval"])._actions:  # with the arguments of `eval`
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


def mapped_modules(markdown: str) -> set[str]:
    """Files that the file map names anywhere, in a comment or at a line's start, and that exist."""
    found: set[str] = set()
    for heading, body in sections(markdown):
        blocks = re.findall(r"^```[^\n]*\n(.*?)^```", body, re.DOTALL | re.MULTILINE)
        for block in blocks if MAP_HEADING.search(heading) else ():
            folders: list[tuple[int, str]] = []
            for line in block.splitlines():
                depth = len(line) - len(line.lstrip())
                while folders and folders[-1][0] >= depth:
                    folders.pop()
                if named := re.match(r"[\w.-]+/(?=\s|$)", line.lstrip()):
                    above = folders[-1][1] if folders else ""
                    folders.append((depth, above + named[0]))
                here = folders[-1][1] if folders else ""
                for name in re.findall(r"(?<![\w./-])[\w/.-]+\.(?:py|js|css)\b", line):
                    found |= {p for p in (here + name, here + "assets/" + name) if exists(p)}
    return found


def exists(name: str) -> bool:
    return (REPO / name).is_file()


def shell_lines(markdown: str) -> Iterator[str]:
    """Lines of the fenced blocks that are no other language; those that end in \\ joined."""
    blocks = re.findall(r"^```(?:sh|console)?\n(.*?)^```", markdown, re.DOTALL | re.MULTILINE)
    for block in blocks:
        yield from re.sub(r"\\\n\s*", " ", block).splitlines()


def invocations(markdown: str) -> Iterator[list[str]]:
    """The words behind each call of youju in a fenced block, as a shell would hand them over."""
    for line in shell_lines(markdown):
        for part in re.split(r" [|&;>]+ ", line):
            if re.match(r"(?:\$ )?(?:\w+=\S+ )*(?:\S*/)?youju ", part):
                words = shlex.split(part, comments=" # " in part)
                yield words[next(i for i, w in enumerate(words) if w.endswith("youju")) + 1 :]


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


try:
    DOCUMENTS = documents()
except pytest.skip.Exception:  # no checkout
    DOCUMENTS = ["README.md", "README.zh.md"]


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


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_every_file_of_the_file_map_exists(name: str) -> None:
    paths = mapped_paths(read(name))
    assert paths, f"{name} has no file map"
    assert not [path for path in paths if not (REPO / path).exists()]


def test_every_module_is_in_the_file_map() -> None:
    assets = [p.relative_to(REPO).as_posix() for p in (REPO / "assistant/web/assets").glob("*.*s")]
    own = {path for path in [*modules(), *assets] if not path.endswith("__init__.py")}
    missing = own - mapped_modules(read("README.md"))
    assert not missing


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_of_the_documents_parses(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in invocations(read(name)):
        try:
            build_parser(words).parse_args(words)
        except SystemExit as stop:
            if stop.code:
                shown = capsys.readouterr().err.strip().splitlines()
                pytest.fail(f"{name}: youju {shlex.join(words)}: {shown[-1:]}")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_option_named_in_the_documents_exists(name: str) -> None:
    if name in {"CHANGELOG.md", "eval/LOG.md"}:  # they also tell of what was
        pytest.skip("it speaks of other times")
    for call in re.findall(r"`youju ([a-z]\w* [^`]*)`", read(name)):
        verb = verbs()[call.split()[0]]
        known = {option for action in verb._actions for option in action.option_strings}
        typed = set(re.findall(r"(?<=\s)--?[a-z][\w-]*", call))
        assert not typed - known, f"{name}: youju {call}"


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_every_option_is_documented(name: str) -> None:
    code = code_of(read(name))
    for verb, parser in verbs().items():
        for action in parser._actions:
            names = [o for o in action.option_strings if o not in {"-h", "--help"}]
            said = [o for o in names if re.search(rf"(?<![\w-]){o}(?![\w-])", code)]
            assert said or not names, f"{name} does not tell of youju {verb} {names}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_modules_extras_and_variables_of_the_documents_exist(name: str) -> None:
    text = read(name)
    for module in re.findall(r"\bpython3? -m ((?:corpus|assistant|eval|tests)[\w.]*)", text):
        path = module.replace(".", "/")
        assert exists(f"{path}.py") or exists(f"{path}/__main__.py"), f"{name}: {module}"
    project = tomllib.loads(read("pyproject.toml"))["project"]
    for extras in re.findall(r"youju\[([\w,]+)\]", text):
        assert set(extras.split(",")) <= set(project["optional-dependencies"]), f"{name}: {extras}"
    source = "\n".join(read(path) for path in modules())
    named = set(re.findall(r"\bYOUJU_[A-Z_]*[A-Z]\b", text))
    assert not {one for one in named if one not in source}, name


@pytest.mark.parametrize("name", DOCUMENTS)
def test_settings_of_the_documents_are_settings(name: str, tmp_path: Path) -> None:
    for block in re.findall(r"^```toml\n(.*?)^```", read(name), re.DOTALL | re.MULTILINE):
        file = tmp_path / "settings.toml"
        file.write_text(block, encoding="utf-8")
        config = load_config(file=file)
        for setting, value in tomllib.loads(block).items():
            expected = Path(value).expanduser() if setting in {"notes", "index"} else value
            assert getattr(config, setting) == expected


@pytest.mark.parametrize("name", DOCUMENTS)
def test_json_of_the_documents_is_json_and_its_commands_parse(name: str) -> None:
    def commands_in(value: object) -> Iterator[list[str]]:
        if isinstance(value, dict):
            if value.get("command") == "youju":
                yield value["args"]
            for inner in value.values():
                yield from commands_in(inner)

    for block in re.findall(r"^```json\n(.*?)^```", read(name), re.DOTALL | re.MULTILINE):
        for words in commands_in(json.loads(block)):
            assert build_parser(words).parse_args(words).verb == "mcp"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_http_example_is_a_call_of_an_endpoint(name: str) -> None:
    for line in shell_lines(read(name)):
        if line.startswith("curl "):
            words = shlex.split(line)
            (url,) = [word for word in words if "://" in word]
            if "-d" not in words:  # the result of a call
                assert re.search(r"/gradio_api/call/(ask|find|check)/EVENT_ID$", url), url
                continue
            tool = TOOLS[url.rpartition("/gradio_api/call/v2/")[2]]
            given = json.loads(words[words.index("-d") + 1])
            assert set(tool.required) <= given.keys() <= set(tool.arguments)


@pytest.mark.parametrize("path", transcripts.documents(), ids=lambda path: path.name)
def test_a_transcript_is_what_the_commands_print(path: Path) -> None:
    """After a change that is meant: python -m tests.transcripts."""
    for one in transcripts.transcripts(path.read_text(encoding="utf-8")):
        assert one.commands
        assert transcripts.performed(one) == one.text


@functools.cache
def declared(path: str) -> list[str] | None:
    """The names of a module's `__all__`; None where it has none."""
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return None


PUBLIC = [
    path
    for path in modules()
    if path not in PEERS and not path.endswith(("__main__.py", "__init__.py"))
]


def test_every_module_says_what_is_public_and_has_it() -> None:
    for path in PUBLIC:
        names = declared(path)
        assert names is not None, f"{path} has no __all__"
        assert len(names) == len(set(names)), path
        top = tree(path).body
        made = {n.name for n in top if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        for node in top:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                made |= {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
            elif isinstance(node, ast.ImportFrom):  # handed on
                made |= {alias.asname or alias.name for alias in node.names}
        assert not set(names) - made, path


def test_what_another_module_imports_is_public() -> None:
    paths = {module_name(path): path for path in PUBLIC}
    wrong = []
    for path in modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module in paths:
                known = set(declared(paths[node.module]) or ())
                hidden = [a.name for a in node.names if a.name not in known]
                wrong += [f"{path}:{node.lineno} {node.module}.{name}" for name in hidden]
    assert not wrong


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


def test_calls_are_read_as_a_shell_hands_them_over() -> None:
    lines = (
        'YOUJU_HOME=x youju ask "a b" \\\n  --json   # why\n'
        "$ .venv/bin/youju find '#ml' | head\ncat q.txt | youju ask -\nyoujuice x\n"
    )
    assert list(invocations(f"`youju no`\n```sh\n{lines}```\n```json\nyouju no\n```\n")) == [
        ["ask", "a b", "--json"],
        ["find", "#ml"],
        ["ask", "-"],
    ]


def test_modules_are_read_from_the_comments_of_the_file_map() -> None:
    block = (
        "## File map\n```\ncorpus/\n  bm25.py, ann.py  scores; text.py: folding\n"
        "                   tokens.py: terms\nassistant/\n  web/  page\n    app.py  it\n"
        "  cli.py  shell; corpus.py: no such file\n```\n"
    )
    assert mapped_modules(block) == {
        "corpus/bm25.py", "corpus/ann.py", "corpus/text.py", "corpus/tokens.py",
        "assistant/web/app.py", "assistant/cli.py",
    }  # fmt: skip


def test_a_command_that_the_parser_refuses_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["find", "x", "--colour"], ["frobnicate"], ["eval", "answers", "--limit", "x"]):
        with pytest.raises(SystemExit):
            build_parser(words).parse_args(words)
    assert capsys.readouterr().err
