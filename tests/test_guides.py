"""The worked examples of docs/guides/extending.md: each is short, and does what the guide says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from assistant import choosing, comparing
from assistant.cli import main
from assistant.pipeline import Assistant
from assistant.types import Checked, Verdict
from eval.scripted_server import Reply, ScriptedServer
from tests.example_vaults import NOTES, VAULTS, write_vault

REPO = Path(__file__).resolve().parent.parent
GUIDE = (REPO / "docs/guides/extending.md").read_text(encoding="utf-8")
SUBTITLES = (
    "1\n00:00:01,000 --> 00:00:04,000\nGQA shares keys\nand values.\n\n"
    "2\n00:01:05,000 --> 00:01:09,000\n缓存因此变小。\n"
)


def block(kind: str, holds: str) -> str:
    """The code of the guide that holds some words."""
    blocks = re.findall(rf"^```{kind}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    (found,) = [code for code in blocks if holds in code]
    return str(found)


def patched(folder: Path, diff: str) -> None:
    """Apply a change of the guide to a copy of the sources."""
    command = ["git", "apply", "--unidiff-zero", "--recount", "-"]
    done = subprocess.run(
        command, cwd=folder, input=diff.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_every_example_is_short() -> None:
    for code in re.findall(r"^```(?:python|diff)\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE):
        lines = [line for line in code.splitlines() if not line.startswith(("---", "@@"))]
        assert len(lines) < 30


def test_the_reader_of_the_guide_reads(tmp_path: Path) -> None:
    big = shutil.ignore_patterns("model", "data", "samples", "__pycache__")
    shutil.copytree(REPO / "corpus", tmp_path / "corpus", ignore=big)
    (tmp_path / "corpus/subtitles.py").write_text(block("python", "read_subtitles"), "utf-8")
    patched(tmp_path, block("diff", "corpus/formats.py"))
    write_vault(tmp_path / "notes", {"talk.srt": SUBTITLES, "empty.srt": "nothing\n"})
    code = (
        "from pathlib import Path\n"
        "from corpus.drafts import Unreadable\n"
        "from corpus.readers import Vault\n"
        "vault = Vault(Path('notes'))\n"
        "for file in vault.files():\n"
        "    try:\n"
        "        print([note.text for note in vault.read(file)])\n"
        "    except Unreadable as fault:\n"
        "        print(file.path, fault)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [
        "empty.srt no subtitles: it has no cue",
        str(["[00:00:01] GQA shares keys and values.\n\n[00:01:05] 缓存因此变小。\n"]),
    ], done.stderr


def test_the_encoder_of_the_guide_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_vault(tmp_path / "notes", NOTES)
    monkeypatch.chdir(tmp_path)
    module = ModuleType("pairs")
    code = block("python", "class Pairs")
    exec(compile(code, "pairs.py", "exec"), module.__dict__)
    assert "'kv-cache.md'" in capsys.readouterr().out
    vectors = module.Pairs().encode_queries(["显存", ""])
    assert vectors.shape == (2, 512)
    assert (vectors**2).sum(axis=1).tolist() == pytest.approx([1, 0])


DAYS = {
    "组会.md": "# 组会\n\n组会改到每周五下午三点，地点在 A 座 305。\n",
    "kafka.md": "# Kafka\n\nThe deployment window of Kafka is every Friday.\n",
}
CLAIMS = "组会在每周三下午三点。\n\nKafka 的部署窗口是每周三。\n\n组会改到每周五下午三点。"


def checked(folder: Path) -> Checked:
    write_vault(folder / "notes", DAYS)
    with Assistant.open(folder / "notes", folder / "index") as assistant:
        assistant.refresh()
        return assistant.check(CLAIMS)


def test_the_rule_of_the_guide_says_what_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = checked(tmp_path / "before")
    (tmp_path / "assistant").mkdir()
    copy = tmp_path / "assistant/contrast.py"
    shutil.copy(REPO / "assistant/contrast.py", copy)
    patched(tmp_path, block("diff", "assistant/contrast.py"))
    module = ModuleType("changed")
    monkeypatch.setitem(sys.modules, "changed", module)  # dataclasses look their module up
    exec(compile(copy.read_text("utf-8"), str(copy), "exec"), module.__dict__)
    monkeypatch.setattr(comparing, "conflicts", module.conflicts)
    after = checked(tmp_path / "after")
    assert [claim.verdict for claim in after.claims] == [
        Verdict.CONTRADICTED,
        Verdict.CONTRADICTED,
        Verdict.SUPPORTED,
    ]
    assert "周五" not in before.claims[0].reason
    assert [claim.reason for claim in after.claims[:2]] == [
        "笔记写的是“周五”，这里说的是“周三”",
        "笔记写的是“Friday”，这里说的是“周三”",
    ]


def test_the_commands_of_the_guide_to_ollama_ask_it_and_keep_the_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against a server on loopback in the place of Ollama."""
    write_vault(tmp_path, VAULTS["notes"])
    monkeypatch.setenv("YOUJU_NOTES", str(tmp_path / "notes"))
    text = (REPO / "docs/guides/ollama.md").read_text("utf-8")
    first, kept, without = re.findall(
        r"^youju (ask .*(?:qwen3:8b|extractive)|chat  .*)$", text, re.M
    )
    said = "GQA 让多个查询头共用一组键和值。"
    with ScriptedServer(lambda _: Reply(text=said)) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.base_url.removesuffix("/v1"))
        assert main([*shlex.split(first), "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["generator"] == "qwen3:8b"
        assert [claim["verdict"] for claim in answer["claims"]] == ["supported"]
        assert server.requests[0]["model"] == "qwen3:8b"
        assert kept.startswith("chat ")
        assert choosing.agreed() is True
        n_asked = len(server.requests)
        assert main([*shlex.split(without), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["generator"] == "extractive"
        assert len(server.requests) == n_asked


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_commands_of_the_guide_to_measuring_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In their order, with the drafts reviewed after the first; a missed limit ends with 4."""
    write_vault(tmp_path, VAULTS["notes"])
    log = {
        "question": "GQA?",
        "answer": "GQA 共用键和值。",
        "contexts": ["GQA 让查询头共用键和值。"],
    }
    write_vault(tmp_path, {"log.jsonl": json.dumps(log)})
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ends = []
    for line in (REPO / "docs/guides/measuring.md").read_text("utf-8").splitlines():
        if line.startswith("youju ") or line.endswith("`youju eval grounding log.jsonl`."):
            words = shlex.split(line.rpartition("youju ")[2].strip("`."))
            ends.append(main([word.replace("~", str(tmp_path)) for word in words]))
            assert ends[-1] in {0, 4}, capsys.readouterr().err
            drafts = tmp_path / "drafts.csv"
            drafts.write_text(drafts.read_text("utf-8").replace(",false\n", ",true\n"), "utf-8")
    assert len(ends) == 8
    assert ends.count(4) <= 1
    assert (tmp_path / "before.html").stat().st_size > 1000
