"""Vaults that nobody here wrote (../shared/data): no crash, nothing lost, every reason told."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from corpus.chunking import chunk_note
from corpus.drafts import Unreadable
from corpus.readers import Vault


@pytest.fixture(scope="module", params=["vault_dev", "vault_dev_obsidian"])
def vault(
    request: pytest.FixtureRequest, shared_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    packed = shared_dir / "data" / f"{request.param}.tar.xz"
    if not packed.is_file():
        pytest.skip(f"../shared/data/{packed.name} is absent")
    folder = tmp_path_factory.mktemp(request.param)
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_real_vault_is_covered_and_every_skipped_file_has_its_reason(vault: Path) -> None:
    files = {p.relative_to(vault).as_posix() for p in vault.rglob("*") if p.is_file()}
    opened = Vault(vault)
    listed = opened.files()
    skipped = {entry.path: entry.reason for entry in opened.skipped}
    n_notes = said = covered = 0
    for file in listed:
        try:
            notes = opened.read(file)
        except Unreadable as fault:
            skipped[file.path] = str(fault)
            continue
        for note in notes:
            n_notes += 1
            text = note.text
            said += sum(not char.isspace() for char in text[note.body_start :])
            covered += sum(not c.isspace() for k in chunk_note(note) for c in text[k.start : k.end])
    assert all(reason and "\n" not in reason for reason in skipped.values())
    hidden = {path for path in files if any(p.startswith(".") for p in path.split("/"))}
    assert files == {file.path for file in listed} | skipped.keys() | hidden
    assert n_notes > 500
    assert covered >= 0.99 * said
