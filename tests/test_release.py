"""What leaves the checkout: the package, the image, the workflows and forms of the repository.

The slow test builds wheel and sdist, installs the wheel into an environment of its own and uses it
there from an empty folder; `make release-check` runs it on what it leaves in `dist`. Dependencies
are borrowed from the environment of the tests, so it needs no network: that they install from an
index is tried by the release workflow.
"""

from __future__ import annotations

import glob
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import time
import tomllib
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_architecture import PACKAGES, tracked_files
from tests.test_docs import make_targets, sections

REPO = Path(__file__).resolve().parent.parent
GITHUB = REPO / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
DOCKERFILE = REPO / "docs" / "Dockerfile"


def pyproject() -> dict[str, Any]:
    return tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))


def packaged() -> set[str]:
    """Paths of what is committed below the packages: all of it is to be installed."""
    names = (path.relative_to(REPO).as_posix() for path in tracked_files())
    return {name for name in names if name.partition("/")[0] in PACKAGES}


def test_every_committed_file_of_the_packages_is_installed() -> None:
    """As a module of a package (a folder with `__init__.py`), or as its data."""
    given = pyproject()["tool"]["setuptools"]["package-data"]
    data = {
        f"{package}/{Path(name).as_posix()}"
        for package, patterns in given.items()
        for pattern in patterns
        for name in glob.glob(pattern, root_dir=REPO / package, recursive=True)  # noqa: PTH207
    }
    modules = {
        name
        for name in packaged()
        if name.endswith(".py") and f"{Path(name).parent.as_posix()}/__init__.py" in packaged()
    }
    assert not packaged() - data - modules


def test_the_changelog_tells_of_the_version_of_the_package() -> None:
    headings = [head for head, _ in sections((REPO / "CHANGELOG.md").read_text(encoding="utf-8"))]
    version = pyproject()["project"]["version"]
    assert [head for head in headings if head.startswith(f"[{version}] - ")]


# The image.


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile, its lines joined."""

    name: str
    argument: str


def instructions(text: str) -> list[Instruction]:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    split = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [Instruction(name.upper(), " ".join(rest).strip()) for name, *rest in split]


def faults(text: str) -> list[str]:
    """What a builder would regret in a Dockerfile, one line each; after the rules of hadolint."""
    found = []
    steps = instructions(text)
    for step in steps:
        what, argument = step.name, step.argument
        if what == "FROM" and not re.match(r"\S+:(?!latest)[\w.-]+( AS \w+)?$", argument):
            found.append(f"no version is pinned: FROM {argument}")
        if what in {"ADD", "MAINTAINER"}:
            found.append(f"{what} is not to be used: {argument}")
        if what in {"CMD", "ENTRYPOINT"} and not _is_exec_form(argument):
            found.append(f"{what} is not a JSON list: {argument}")
        if what == "WORKDIR" and not argument.startswith("/"):
            found.append(f"WORKDIR is relative: {argument}")
        if what == "RUN" and re.search(r"\bsudo\b|(?:^|&&|;)\s*cd ", argument):
            found.append(f"sudo or cd in RUN: {argument}")
        if what == "RUN" and "apt-get install" in argument:
            wanted = ("apt-get update", "--no-install-recommends", " -y", "/var/lib/apt/lists/*")
            found += [f"apt-get without {part}" for part in wanted if part not in argument]
        if what == "RUN" and "pip install" in argument:
            wanted = ("--no-cache-dir", "-c constraints.txt")
            found += [f"pip without {part}: {argument}" for part in wanted if part not in argument]
    last = max((n for n, step in enumerate(steps) if step.name == "FROM"), default=0)
    users = [step.argument for step in steps[last:] if step.name == "USER"]
    if not users or users[-1].partition(":")[0] in {"root", "0"}:
        found.append("the image runs as root")
    return found


def _is_exec_form(argument: str) -> bool:
    try:
        return all(isinstance(word, str) for word in json.loads(argument))
    except ValueError:
        return False


def test_the_dockerfile_has_no_fault() -> None:
    assert not faults(DOCKERFILE.read_text(encoding="utf-8"))


def test_the_dockerfile_copies_what_exists_and_is_not_ignored() -> None:
    kept = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    kept = [name.removeprefix("!") for name in kept if name.startswith("!")]
    assert not [name for name in kept if not (REPO / name).exists()]
    for step in instructions(DOCKERFILE.read_text(encoding="utf-8")):
        if step.name == "COPY" and not step.argument.startswith("--from"):
            *sources, _ = step.argument.split()
            assert not [name for name in sources if name != "." and name not in kept]
    project = pyproject()["project"]
    assert {project["readme"], *project["license-files"], *PACKAGES} <= set(kept)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("FROM python\nUSER a", "no version is pinned"),
        ("FROM python:latest\nUSER a", "no version is pinned"),
        ("FROM a:1\nUSER a\nADD x y", "ADD"),
        ("FROM a:1\nUSER a\nCMD youju chat", "CMD is not a JSON list"),
        ("FROM a:1\nUSER a\nRUN pip install \\\n  -c constraints.txt x", "--no-cache-dir"),
        ("FROM a:1\nUSER a\nRUN apt-get update && apt-get install -y x", "/var/lib/apt/lists/*"),
        ("FROM a:1 AS b\nUSER a\nFROM a:1", "as root"),
        ("FROM a:1\nUSER a\nWORKDIR src", "WORKDIR is relative"),
    ],
)
def test_a_fault_of_a_dockerfile_is_seen(text: str, fault: str) -> None:
    assert any(fault in found for found in faults(text))


# What GitHub reads.


def loaded(path: Path) -> dict[Any, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict), path
    return content


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_what_exists_with_few_rights(path: Path) -> None:
    workflow = loaded(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"]
        for step in job["steps"]:
            if "uses" in step:  # a release, not a branch that moves
                assert re.fullmatch(r"[\w-]+/[\w-]+@(?:v\d+|[0-9a-f]{40})", step["uses"])
            run = step.get("run", "")
            assert set(re.findall(r"\bmake ([a-z-]+)", run)) <= make_targets()
            assert "${{" not in run, "an expression in a shell line can carry code"


def test_the_workflows_run_the_readme_test_command_on_the_oldest_and_the_newest_python() -> None:
    job = loaded(GITHUB / "workflows" / "ci.yml")["jobs"]["test"]
    runs = " ".join(step.get("run", "") for step in job["steps"])
    assert "make test" in runs
    assert "make lint" in runs
    prefix = "Programming Language :: Python :: 3."
    claimed = pyproject()["project"]["classifiers"]
    minors = sorted(int(name.removeprefix(prefix)) for name in claimed if name.startswith(prefix))
    assert job["strategy"]["matrix"]["python"] == [f"3.{minors[0]}", f"3.{minors[-1]}"]
    assert pyproject()["project"]["requires-python"] == f">=3.{minors[0]}"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_is_one_that_github_takes(path: Path) -> None:
    form = loaded(path)
    assert {"name", "description", "body"} <= form.keys()
    ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert ids
    assert len(ids) == len(set(ids))
    for part in form["body"]:
        assert part["type"] in {"markdown", "textarea", "input", "dropdown", "checkboxes"}
        assert part["attributes"]["value" if part["type"] == "markdown" else "label"]


# The package, built and used.


@dataclass(frozen=True)
class Place:
    """An environment with the wheel in it, and an empty folder to work in."""

    python: Path
    command: Path
    folder: Path

    def environment(self) -> dict[str, str]:
        """What a new user's shell has: no path into the checkout, no settings."""
        kept = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1", "HOME": str(self.folder)}
        return {**kept, "YOUJU_HOME": str(self.folder / "home"), "HF_HUB_OFFLINE": "1"}

    def run(self, *words: str, answers: int = 0) -> str:
        """Standard output of the command; fails on another exit code than `answers`."""
        done = subprocess.run(
            [self.command, *words],
            cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == answers, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with wheel and sdist: `$RELEASE_DIST`, or built now, the wheel from the sdist."""
    given = os.environ.get("RELEASE_DIST")
    folder = (REPO / given) if given else tmp_path_factory.mktemp("dist")
    if not given:
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
        done = subprocess.run([*command, str(REPO)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def place(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("installed")
    # not what the shell of the tests points to: a checkout in PYTHONPATH would pass for installed
    shell = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    made = [sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")]
    subprocess.run(made, check=True, env=shell)
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    install = ["install", "--quiet", "--no-deps", "--no-index", "--no-input", str(wheel)]
    pip = [sys.executable, "-m", "pip", "--python", str(python), *install]
    subprocess.run(pip, check=True, env=shell)
    # Behind its own packages those of the tests' environment; a .pth file there, such as that of
    # an editable youju, is not followed from here.
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([python, "-c", code], check=True, capture_output=True, env=shell).stdout
    borrowed = Path(own.decode("utf-8").strip()) / "borrowed.pth"
    borrowed.write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    (folder / "work").mkdir()
    return Place(python=python, command=scripts / "youju", folder=folder / "work")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_wheel_holds_what_is_committed_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name for name in names if ".dist-info/" not in name} == packaged()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_sdist_can_be_built_from(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert packaged() | {"pyproject.toml", "README.md", "LICENSE", "NOTICE"} <= names


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_installed_command_serves_a_new_user(place: Place) -> None:
    where = "import assistant, corpus, eval; print(assistant.__file__, corpus.__file__)"
    done = subprocess.run(
        [place.python, "-c", where],
        cwd=place.folder, env=place.environment(), check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert str(REPO) not in done.stdout
    assert place.run("--version") == f"youju {pyproject()['project']['version']}\n"

    answer = json.loads(place.run("ask", "BM25 的 k1 默认值是多少?", "--json"))
    assert "1.2" in answer["answer"]
    assert answer["citations"][0]["note"] == "bm25.md"
    wrong = json.loads(place.run("check", "Lucene 的默认 k1 是 1.9。", "--json", answers=4))
    assert [claim["verdict"] for claim in wrong["claims"]] == ["contradicted"]
    assert "questions" in place.run("eval", "answers", "--limit", "3")

    (place.folder / "notes").mkdir()
    note = place.folder / "notes" / "car.md"
    note.write_text("# Car\n\nThe insurance expires on 2025-08-14.\n", encoding="utf-8")
    assert "2025-08-14" in place.run("ask", "When does the insurance expire?", "--notes", "notes")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_installed_page_opens(place: Place) -> None:
    log = place.folder / "chat.log"
    with log.open("w", encoding="utf-8") as told:
        server = subprocess.Popen(
            [place.command, "chat"],
            cwd=place.folder, env=place.environment(), stdout=told, stderr=told,
        )  # fmt: skip
        try:
            page = _opened(server, log)
        finally:
            server.terminate()
            server.wait(30)
    assert "youju" in page


def _opened(server: subprocess.Popen[bytes], log: Path) -> str:
    """The page, as soon as it is there, under the address that was announced."""
    for _ in range(600):
        told = log.read_text(encoding="utf-8")
        assert server.poll() is None, told
        address = re.search(r"http://127\.0\.0\.1:\d+", told)
        if address:
            with urllib.request.urlopen(f"{address[0]}/", timeout=60) as answer:
                return str(answer.read().decode("utf-8"))
        time.sleep(1)
    raise AssertionError(told)
