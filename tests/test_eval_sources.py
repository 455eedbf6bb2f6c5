"""Public sets are known by name: where to get them is told, and their checksums are verified."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path, PurePosixPath

import pytest

from assistant import cli
from corpus.errors import ConfigError
from eval import sources
from eval.retrieval import load_set
from eval.runs import sha256_of
from eval.sources import KNOWN, KNOWN_SETS, SET_FILES, digest_of

FILES = {
    "corpus.jsonl": '{"id": "p1", "title": "", "text": "HNSW 由 Malkov 提出。"}\n',
    "queries.jsonl": '{"id": "q1", "text": "谁提出了 HNSW？"}\n',
    "qrels.tsv": "query-id\tcorpus-id\tscore\nq1\tp1\t1\n",
    "answers.jsonl": '{"id": "q1", "answers": ["Malkov"]}\n',
}


def write_set(folder: Path, **changed: str) -> Path:
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(changed.get(name.partition(".")[0], text), "utf-8")
    return folder


def test_a_set_that_is_absent_is_told_where_to_get(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for suite in ("retrieval", "answers"):
        for words in (("xquad_zh", "--data", str(tmp_path)), (str(tmp_path / "xquad_zh"),)):
            assert cli.main(["eval", suite, *words]) == 2
            said = capsys.readouterr().err
            assert "deepmind/xquad @ 60cac4116491" in said
            assert "CC BY-SA 4.0" in said
            assert said.count("\n") == 1
    assert cli.main(["eval", "retrieval", "xquad_zh", "cmrc2018_dev", "--data", str(tmp_path)]) == 2
    assert "deepmind/xquad" in capsys.readouterr().err


def test_a_set_of_a_known_name_must_be_the_known_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_set(tmp_path / "xquad_zh")
    with pytest.raises(ConfigError, match=r"not the known version.*rename.*deepmind/xquad"):
        load_set(tmp_path, "xquad_zh", "all")
    own = folder.rename(tmp_path / "mine")
    assert list(load_set(tmp_path, "mine", "all").queries) == ["q1"]
    # the same files under the known name are taken, whatever else lies there
    known = sources.KnownSet(where="w", made="m", licence="l", sha256=digest_of(own))
    monkeypatch.setitem(KNOWN_SETS, "xquad_zh", known)
    own.rename(folder)
    (folder / "README.md").write_text("x", "utf-8")
    assert load_set(tmp_path, "xquad_zh", "all").answers == {"q1": ("Malkov",)}


@pytest.mark.parametrize("name", [name.partition(".")[0] for name in SET_FILES])
def test_every_data_file_is_in_the_digest(tmp_path: Path, name: str) -> None:
    whole = write_set(tmp_path / "a")
    assert digest_of(write_set(tmp_path / "b")) == digest_of(whole)
    assert digest_of(write_set(tmp_path / "c", **{name: "x"})) != digest_of(whole)
    (whole / f"{name}.{'tsv' if name == 'qrels' else 'jsonl'}").unlink()
    assert digest_of(whole) != digest_of(tmp_path / "b")


def test_the_checksums_are_those_of_the_files_that_were_measured(shared_dir: Path) -> None:
    digests: dict[str, dict[str, str]] = {}
    with tarfile.open(shared_dir / "data" / "retrieval_dev.tar.xz") as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            file = archive.extractfile(member)
            if file is not None and name.name in SET_FILES:
                digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
                digests.setdefault(name.parent.name, {})[name.name] = digest.hexdigest()
    assert set(KNOWN_SETS) == set(digests)
    for name, known in KNOWN_SETS.items():
        lines = [f"{n} {digests[name][n]}\n" for n in SET_FILES if n in digests[name]]
        assert hashlib.sha256("".join(lines).encode()).hexdigest() == known.sha256, name
        assert " @ " in known.where
    folder = shared_dir / "data" / "grounding"
    assert {path.name for path in folder.glob("*.xz")} == set(KNOWN)
    assert all(sha256_of(folder / name) == known.sha256 for name, known in KNOWN.items())
