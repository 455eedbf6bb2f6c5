"""The house rules that a program can read off the source: directions, weight, forbidden calls."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import re
import socket
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest

from tests.conftest import NetworkReached, SocketGuard

REPO = Path(__file__).resolve().parent.parent
PACKAGES = ("corpus", "assistant", "eval")  # each may import those before it, and itself
HEAVY = {"torch", "transformers", "sentence_transformers", "gradio", "sklearn", "openai"}
HEAVY |= {"datasets", "accelerate", "scipy", "pandas", "matplotlib", "playwright"}
WHERE_USED = {"hnswlib", "rank_bm25", "jieba", "tokenizers", "safetensors"}
WHERE_USED |= {"pymilvus", "milvus_lite", "grpc"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
FORBIDDEN_MODULES |= {"requests"}
SAFE_LOADERS = {"SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader"}
MAY_IMPORT_HEAVY = ("assistant/web/", "eval/training/")
PEERS = {
    "eval/bench/peers.py",
    "eval/bench/vault.py",
    "eval/peers/run.py",
}  # import what lies in environments of their own
MAY_CATCH_ALL = {"assistant/cli.py", "assistant/web/parts.py"}
GOAL_LINES = 400


@dataclass(frozen=True)
class Import:
    """One imported module, by its full name."""

    module: str
    line: int
    at_import_time: bool

    @property
    def top(self) -> str:
        """First part of the name."""
        return self.module.partition(".")[0]


def modules() -> list[str]:
    return sorted(
        path.relative_to(REPO).as_posix()
        for package in PACKAGES
        for path in (REPO / package).rglob("*.py")
    )


def light_modules() -> list[str]:
    """Modules that a command loads: the page and the trainers are imported where they are used."""
    return [path for path in modules() if not path.startswith(MAY_IMPORT_HEAVY)]


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@functools.cache
def tree(path: str) -> ast.Module:
    return ast.parse((REPO / path).read_text(encoding="utf-8"), filename=path)


def imports(path: str) -> list[Import]:
    """Every import of a file, relative ones resolved; annotations-only ones left out."""
    package = list(Path(path).parent.parts)

    def visit(node: ast.AST, at_import_time: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                for other in child.orelse:
                    yield from visit(ast.Module([other], []), at_import_time)
            elif isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, child.lineno, at_import_time)
            elif isinstance(child, ast.ImportFrom):
                base = package[: len(package) - child.level + 1] if child.level else []
                stem = ".".join([*base, *([child.module] if child.module else [])])
                # `from corpus import store` names the module corpus.store, or a value of corpus.
                yield Import(stem, child.lineno, at_import_time)
                for alias in child.names:
                    yield Import(f"{stem}.{alias.name}", child.lineno, at_import_time)
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from visit(child, at_import_time and not inside)

    return list(visit(tree(path), at_import_time=True))


def calls(path: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a file, with what is called as it is written."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def tracked_files() -> list[Path]:
    """Files that are or would be committed."""
    command = ["git", "-C", str(REPO), "ls-files", "-z", "--cached", "--others"]
    listed = subprocess.run([*command, "--exclude-standard"], capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: nothing says which files are tracked")
    paths = [REPO / name for name in listed.stdout.decode("utf-8").split("\0") if name]
    return [path for path in paths if path.is_file()]


def fresh_python(code: str) -> str:
    """Standard output of a Python that has imported nothing yet."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_package_has_modules() -> None:
    for package in PACKAGES:
        assert f"{package}/__init__.py" in modules()


@pytest.mark.parametrize("path", modules())
def test_imports_run_from_corpus_to_assistant_to_eval_only(path: str) -> None:
    own = PACKAGES.index(path.partition("/")[0])
    allowed = set(PACKAGES[: own + 1])
    wrong = [
        f"{path}:{found.line} imports {found.module}"
        for found in imports(path)
        if (found.top in PACKAGES and found.top not in allowed) or found.top == "tests"
    ]
    assert not wrong


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    known = {module_name(path): path for path in modules()}
    graph = {
        module: {found.module for found in imports(path) if found.at_import_time} & known.keys()
        for module, path in known.items()
    }
    # A package's __init__ may gather its own modules, which name the package as their parent.
    for module, needed in graph.items():
        needed.discard(module)
        needed -= {other for other in needed if module.startswith(f"{other}.")}

    def circle(module: str, way: tuple[str, ...]) -> str | None:
        if module in way:
            return " -> ".join([*way[way.index(module) :], module])
        if module in cleared:
            return None
        found = next(filter(None, (circle(n, (*way, module)) for n in sorted(graph[module]))), None)
        cleared.add(module)
        return found

    cleared: set[str] = set()
    assert not [found for module in sorted(graph) if (found := circle(module, ()))]


@pytest.mark.parametrize("path", light_modules())
def test_heavy_libraries_are_imported_where_they_are_used(path: str) -> None:
    wrong = [
        f"{path}:{found.line} imports {found.module} at module level"
        for found in imports(path)
        if found.at_import_time and found.top in HEAVY | WHERE_USED
    ]
    assert not wrong


def test_importing_the_packages_loads_nothing_heavy() -> None:
    loaded = fresh_python("import sys, assistant, corpus, eval; print(*sys.modules)").split()
    assert not (HEAVY | WHERE_USED) & set(loaded)


def test_importing_every_light_module_loads_nothing_heavy() -> None:
    names = [module_name(path) for path in light_modules() if not path.endswith("__main__.py")]
    code = f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
    assert not (HEAVY | WHERE_USED) & set(fresh_python(code + "print(*sys.modules)").split())


def test_imported_packages_are_declared_as_dependencies() -> None:
    with (REPO / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    extras = project["optional-dependencies"]
    declared = _names([*project["dependencies"], *extras["llm"], *extras["train"]])
    declared |= _names([*extras["formats"], *extras["mcp"], *extras["keyring"], *extras["milvus"]])
    declared |= {"grpc", "grpcio"}  # what pymilvus speaks; its faults are caught by their class
    declared |= {"anyio", "mcp-types", "pydantic"}  # what the SDK of MCP speaks
    # Part of what sentence-transformers is; nothing else may come by way of another package.
    declared |= {"huggingface-hub", "torch", "transformers"}
    providers = importlib.metadata.packages_distributions()
    wrong = []
    for path in modules():
        for found in imports(path) if path not in PEERS else ():
            if found.top in PACKAGES or found.top in sys.stdlib_module_names:
                continue
            by = {_folded(name) for name in providers.get(found.top, [found.top])}
            if not by & declared:
                wrong.append(f"{path}:{found.line} imports {found.top}, declared nowhere")
    assert not wrong


def _names(requirements: list[str]) -> set[str]:
    return {_folded(re.split(r"[\s<>=!~;\[]", line, maxsplit=1)[0]) for line in requirements}


def _folded(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


@pytest.mark.parametrize("path", modules())
def test_no_module_reads_or_runs_what_could_run_code(path: str) -> None:
    wrong = [
        f"{path}:{found.line} imports {found.module}"
        for found in imports(path)
        if found.top in FORBIDDEN_MODULES
    ]
    for name, call in calls(path):
        reason = _dangerous(name, call)
        if reason:
            wrong.append(f"{path}:{call.lineno} {reason}")
    assert not wrong


def _dangerous(name: str, call: ast.Call) -> str | None:
    keywords = {word.arg: word.value for word in call.keywords}
    last = name.rpartition(".")[2]
    if name in {"eval", "exec", "builtins.eval", "builtins.exec", "os.system"}:
        return f"calls {name}()"
    if last == "extractall":
        return "unpacks an archive wherever its members say: read members one by one"
    if name in {"yaml.unsafe_load", "yaml.full_load", "yaml.load", "yaml.load_all"}:
        loader = keywords.get("Loader", call.args[1] if len(call.args) > 1 else None)
        given = ast.unparse(loader).rpartition(".")[2] if loader else "no loader"
        return None if given in SAFE_LOADERS else f"calls {name} with {given}"
    if _is_true(keywords.get("allow_pickle")) or _is_true(keywords.get("shell")):
        return f"calls {name} with allow_pickle or shell"
    if _is_true(keywords.get("trust_remote_code")):
        return f"calls {name} with trust_remote_code"
    if name == "torch.load" and not _is_true(keywords.get("weights_only")):
        return "calls torch.load without weights_only=True"
    return None


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def test_everything_is_caught_at_two_places_only() -> None:
    found: list[str] = []
    for path in modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler) and _catches_all(node.type):
                found.append(f"{path}:{node.lineno}")
        for name, call in calls(path):
            if name.endswith("suppress") and any(_catches_all(arg) for arg in call.args):
                found.append(f"{path}:{call.lineno}")
    elsewhere = [place for place in found if place.rpartition(":")[0] not in MAY_CATCH_ALL]
    assert not elsewhere, "broad excepts belong to the CLI's main and the page's handler"
    assert len(found) <= len(MAY_CATCH_ALL), found


def _catches_all(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(ast.unparse(name) in {"Exception", "BaseException"} for name in names)


@pytest.mark.parametrize("path", modules())
def test_a_file_is_short_enough_to_read(path: str) -> None:
    """A goal, not a gate: it warns."""
    lines = len((REPO / path).read_text(encoding="utf-8").splitlines())
    if lines > GOAL_LINES:
        warnings.warn(f"{path} ({lines}) is longer than {GOAL_LINES} lines", stacklevel=1)


def test_no_committed_file_names_a_folder_of_one_machine() -> None:
    roots = "|".join(["work", "farm", "root", "tmp/lab", "home", "Users"])
    own = re.compile(rf"(?<![\w./:-])/(?:{roots})/[\w.-]|[A-Z]:\\+Users\\+\w")
    wrong = []
    for path in tracked_files():
        raw = path.read_bytes()
        if b"\0" in raw[:8192]:
            continue
        for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), start=1):
            if own.search(line):
                wrong.append(f"{path.relative_to(REPO)}:{number} {line.strip()[:80]}")
    assert not wrong


def test_constraints_pin_what_the_project_declares() -> None:
    text = (REPO / "constraints.txt").read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if line and not line.startswith("#")]
    form = r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+(; (python_version|sys_platform) \S+ '[^']+')?"
    assert not [line for line in pins if not re.fullmatch(form, line)]
    pinned = {_folded(line.partition("==")[0]) for line in pins}
    assert not [name for name in pinned if name.startswith(("nvidia-", "cuda-"))]
    assert "torch==2.13.0" in pins
    with (REPO / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    extras = project["optional-dependencies"].values()
    assert _names([*project["dependencies"], *chain.from_iterable(extras)]) <= pinned


def test_a_test_cannot_reach_beyond_this_machine(socket_guard: SocketGuard) -> None:
    with socket.socket() as sock, pytest.raises(NetworkReached):
        sock.connect(("192.0.2.1", 80))  # an address that documentation may use: nobody's
    with pytest.raises(NetworkReached):
        socket.getaddrinfo("example.invalid", 443)
    assert socket_guard.attempts == ["connect to ('192.0.2.1', 80)", "look-up of 'example.invalid'"]
    socket_guard.attempts.clear()  # or this test would fail for what it proved


def test_a_test_may_talk_to_itself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("localhost", port)) as client:
            assert client.getpeername()[1] == port
