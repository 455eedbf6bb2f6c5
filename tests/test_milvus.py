"""What only the index on Milvus has: builds, workers, killed runs, faults of a server."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant.cli import main
from assistant.pipeline import Assistant
from corpus import fingerprints
from corpus.encoder import Encoder
from corpus.errors import CorpusError, IndexBusy, IndexError_
from corpus.milvus import catalog as catalog_module
from corpus.milvus import index as index_module
from corpus.milvus import ingest, writing
from corpus.milvus.address import MilvusAddress, milvus_address
from corpus.milvus.catalog import Catalog, Lease
from corpus.milvus.client import Gateway
from corpus.milvus.index import MilvusIndex
from corpus.milvus.ingest import Share
from corpus.readers import Vault
from tests.conftest import REPO
from tests.fakes import HashingEncoder
from tests.milvus_notes import NOTES, need_milvus, write_note, write_notes
from tests.test_index_contract import content

pytestmark = pytest.mark.usefixtures("milvus")


@pytest.fixture(scope="module")
def milvus() -> None:
    need_milvus()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return write_notes(tmp_path / "notes")


@pytest.fixture
def place(tmp_path: Path) -> MilvusAddress:
    return MilvusAddress(uri=str(tmp_path / "index.db"), is_lite=True)


@contextmanager
def opened(
    place: MilvusAddress, encoder: Encoder | None = None, share: Share | None = None
) -> Iterator[MilvusIndex]:
    with MilvusIndex.open(place, encoder=encoder or HashingEncoder()) as index:
        index.share = share or Share()
        yield index


def fresh(notes: Path, folder: Path) -> tuple[object, ...]:
    """What a build that nothing disturbed holds."""
    folder.mkdir(parents=True)
    with opened(MilvusAddress(uri=str(folder / "fresh.db"), is_lite=True)) as index:
        index.refresh(Vault(notes))
        return content(index)


class Killed(Exception):
    """Stands for a process that ends here."""


class Killer:
    """Ends a run at the nth write."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.left = -1
        for name in ("upsert", "delete"):
            patch.setattr(Gateway, name, self._counting(getattr(Gateway, name)))

    def _counting(self, real: Any) -> Any:
        def call(gateway: Gateway, name: str, rows: Any) -> None:
            rows = list(rows)
            if rows and name != "meta":
                self.left -= 1
                if self.left == 0:
                    raise Killed
            real(gateway, name, rows)

        return call


def test_a_run_that_is_killed_at_any_write_is_taken_up(
    notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_BATCH", 3)
    monkeypatch.setattr(writing, "_PILOT", 3)
    killer = Killer(monkeypatch)
    kills = 0
    before = fresh(notes, tmp_path / "before")
    changed = write_notes(tmp_path / "changed")
    write_note(changed / "ml/lora.md", NOTES["ml/lora.md"].replace("取 8", "取 16"))
    write_note(changed / "new.md", "# 新\n\n新的一段。\n")
    (changed / "twin-b.md").unlink()
    (changed / "bat.md").rename(changed / "蝙蝠.md")
    after = fresh(changed, tmp_path / "after")
    with opened(MilvusAddress(uri=str(tmp_path / "one.db"), is_lite=True)) as index:
        for vault, wanted in ((notes, before), (changed, after)):
            for at in range(1, 40):
                killer.left = at
                try:
                    index.refresh(Vault(vault))
                except Killed:
                    kills += 1
                    killer.left = -1
                else:
                    break
            assert content(index) == wanted
    assert kills > 6


def test_what_was_written_before_a_kill_is_not_encoded_again(
    notes: Path, place: MilvusAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_BATCH", 2)
    monkeypatch.setattr(writing, "_PILOT", 2)
    killer, encoder = Killer(monkeypatch), HashingEncoder()
    with opened(place, encoder) as index:
        killer.left = 12
        with pytest.raises(Killed):
            index.refresh(Vault(notes))
        assert index.n_notes == 0  # nothing half-built is shown
        first = encoder.n_encoded
        index.refresh(Vault(notes))
        again = encoder.n_encoded - first
        assert again < index.n_chunks
        # two batches may have been under way
        assert first + again <= index.n_chunks + 3 * 2 + 2


def test_workers_fill_one_index_together(
    notes: Path, place: MilvusAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "_LOOK_S", 0.05)
    monkeypatch.setattr(index_module, "_FRESH_S", 0.0)
    with opened(place) as reader, ThreadPoolExecutor() as pool:

        def work(number: int) -> None:
            with opened(place, share=Share(number=number, of=3)) as index:
                index.refresh(Vault(notes))

        for done in as_completed([pool.submit(work, number) for number in (3, 2, 1)]):
            done.result()
        assert content(reader) == fresh(notes, tmp_path / "one")

        # later changes may be taken in by one worker alone, or each by the one they belong to
        write_note(notes / "more.md", "# 更多\n\n后来的一段。\n")
        (notes / "bat.md").unlink()
        for number in (1, 2, 3):
            work(number)
        assert content(reader) == fresh(notes, tmp_path / "two")
        write_note(notes / "more.md", "# 更多\n\n又改了。\n")
        reader.refresh(Vault(notes))
        assert content(reader) == fresh(notes, tmp_path / "three")


def test_the_index_is_shown_when_every_worker_is_done(
    notes: Path, place: MilvusAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_FRESH_S", 0.0)
    with opened(place) as reader:
        for number in (1, 2):
            assert reader.n_notes == 0
            with opened(place, share=Share(number=number, of=2)) as index:
                index.refresh(Vault(notes))
        assert reader.n_notes == len(NOTES)


def test_two_runs_over_the_same_files_write_the_same_rows(
    notes: Path, place: MilvusAddress
) -> None:
    with opened(place) as first, opened(place) as second:
        first.refresh(Vault(notes))
        wanted = content(first)
        second.refresh(Vault(notes), rebuild=True)
        assert content(second) == wanted
        values = Catalog(first._gateway).values()
        tag = values["current"]
        # as a run that does not know of the other one: nothing is read yet, all is there
        rows = first._gateway.all_rows(f"{tag}_files", "", ["id"])
        first._gateway.delete(f"{tag}_files", [row["id"] for row in rows])
        first.refresh(Vault(notes))
        assert content(first) == wanted


def test_another_tokenizer_builds_beside_and_keeps_the_vectors(
    notes: Path, place: MilvusAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = HashingEncoder()
    with opened(place, encoder) as index:
        index.refresh(Vault(notes))
        n_encoded, before = encoder.n_encoded, set(index._gateway.names())
        monkeypatch.setattr(fingerprints, "TOKENIZER_VERSION", "another")
        index.refresh(Vault(notes))
        assert encoder.n_encoded == n_encoded
        after = set(index._gateway.names())
        assert before & after == {"meta"}
        assert len(after) == len(before) == 5


def test_the_index_before_serves_until_the_next_is_complete(
    notes: Path, place: MilvusAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    killer = Killer(monkeypatch)
    with opened(place) as index:
        index.refresh(Vault(notes))
    encoders = {f"hashing-64-{version}": HashingEncoder(version=version) for version in "12"}
    with MilvusIndex.open(
        place, encoder=encoders["hashing-64-2"], earlier=lambda name: encoders["hashing-64-1"]
    ) as index:
        killer.left = 2
        with pytest.raises(Killed):
            index.refresh(Vault(notes))
        assert index.is_migrating
        with index.snapshot() as now:
            assert now.encoder.fingerprint == "hashing-64-1"
            assert now.nearest("LoRA 权重", 3)
        index.refresh(Vault(notes))
        with index.snapshot() as now:
            assert now.encoder.fingerprint == "hashing-64-2"
            assert now.nearest("LoRA 权重", 3)


def test_a_passage_goes_with_the_text_it_was_cut_from(notes: Path, place: MilvusAddress) -> None:
    with opened(place) as reader, opened(place) as writer:
        writer.refresh(Vault(notes))
        with reader.snapshot() as now:
            ids = [chunk.id for chunk in now.chunks_of("ml/lora.md")]
            old = now.note("ml/lora.md")
            write_note(notes / "ml/lora.md", "# LoRA\n\n" + NOTES["ml/lora.md"])
            writer.refresh(Vault(notes))
            assert now.note("ml/lora.md") == old
            assert now.chunks(ids) == []  # of the new text, which this snapshot does not show
            pinned = reader._notes
            pinned._kept.clear()
            with pytest.raises(CorpusError, match="ask again"):
                now.note("ml/lora.md")
        with reader.snapshot() as now:
            note = now.note("ml/lora.md")
            for chunk in now.chunks_of("ml/lora.md"):
                assert note.text[chunk.start : chunk.end].strip()
            assert note.text.count("# LoRA") == 2


def test_one_part_is_written_by_one_process_at_a_time(notes: Path, place: MilvusAddress) -> None:
    with opened(place) as index:
        index.refresh(Vault(notes))
        catalog = Catalog(index._gateway)
        tag = catalog.values()["current"]
        write_note(notes / "new.md", "# 新\n\n新的一段。\n")

        def leased_by(host: str, pid: int, seconds: float) -> None:
            lease = Lease(owner="another", host=host, pid=pid, until=time.time() + seconds)
            fields = {name: getattr(lease, name) for name in ("owner", "host", "pid", "until")}
            catalog.put(**{f"lease:{tag}:0": json.dumps(fields)})

        for host, pid in (("elsewhere", 1), (socket.gethostname(), os.getppid())):
            leased_by(host, pid, 60)
            with pytest.raises(IndexBusy, match=f"process {pid} on {host}"):
                index.refresh(Vault(notes))
        leased_by("elsewhere", 1, -1)  # said nothing for too long
        index.refresh(Vault(notes))
        gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                              capture_output=True, text=True, check=True)  # fmt: skip
        leased_by(socket.gethostname(), int(gone.stdout), 60)
        write_note(notes / "new.md", "# 新\n\n又一段。\n")
        assert index.refresh(Vault(notes)).changed == 1
        assert not [key for key in catalog.values() if key.startswith("lease:")]


def test_a_long_note_keeps_its_offsets(tmp_path: Path, place: MilvusAddress) -> None:
    text = "# 长\n\n" + "".join(f"第{n}段，有字𠮷与 emoji 👩‍💻。\n\n" for n in range(2500))
    write_note(tmp_path / "long" / "长.md", text)
    with opened(place) as index:
        index.refresh(Vault(tmp_path / "long"))
        with index.snapshot() as now:
            assert now.note("长.md").text == text
            (first, *_), _ = now.candidates(["1234"], "第1234段", 5)
            (chunk,) = now.chunks([first])
            assert "第1234段" in text[chunk.start : chunk.end]


def test_a_server_that_is_down_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert main(["ask", "什么？", "--index", f"milvus://127.0.0.1:{port}/team"]) == 1
    told = capsys.readouterr().err
    assert f"milvus://127.0.0.1:{port}/team" in told
    assert told.count("\n") == 1


def test_a_server_that_is_too_old_is_told(
    place: MilvusAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    from milvus_lite.adapter.grpc import servicer

    # the engine answers as an old server would
    monkeypatch.setattr(servicer, "get_version", lambda: "")
    real = servicer.MilvusServicer.GetVersion

    def answer(self: Any, request: Any, context: Any) -> Any:
        said = real(self, request, context)
        said.version = "v2.3.4"
        return said

    monkeypatch.setattr(servicer.MilvusServicer, "GetVersion", answer)
    with pytest.raises(IndexError_, match=r"v2\.3\.4; youju needs 2\.5 or newer"):
        MilvusIndex.open(place, encoder=HashingEncoder())


def test_a_file_that_another_process_has_open_is_told(place: MilvusAddress) -> None:
    code = (
        "import sys; from milvus_lite.db import MilvusLite\n"
        f"db = MilvusLite({place.uri!r}); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(IndexBusy, match="another process has it open"):
            MilvusIndex.open(place, encoder=HashingEncoder())
        other.communicate("", timeout=30)
    with opened(place):
        pass


def test_an_index_of_a_newer_youju_is_not_touched(notes: Path, place: MilvusAddress) -> None:
    with opened(place) as index:
        index.refresh(Vault(notes))
        catalog = Catalog(index._gateway)
        values = catalog.values()
        key = f"build:{values['current']}"
        catalog.put(**{key: json.dumps({**json.loads(values[key]), "format": 2})})
        with opened(place) as other:
            for ask in (lambda: other.n_notes, lambda: other.refresh(Vault(notes))):
                with pytest.raises(IndexError_, match="has format 2"):
                    ask()


def test_an_index_without_a_column_is_told_and_made_anew(
    notes: Path,
    place: MilvusAddress,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As an earlier youju wrote it, which kept no numbers of terms beside the sparse vector."""
    encoder = HashingEncoder()
    with monkeypatch.context() as earlier:
        columns, upsert = catalog_module.columns_of, Gateway.upsert

        def columns_of(build: Any) -> dict[str, list[Any]]:
            return {
                name: [column for column in found if column.name != "numbers"]
                for name, found in columns(build).items()
            }

        def without(gateway: Gateway, name: str, rows: Any) -> None:
            upsert(gateway, name, [{k: v for k, v in r.items() if k != "numbers"} for r in rows])

        for module in (catalog_module, ingest):
            earlier.setattr(module, "columns_of", columns_of)
        earlier.setattr(Gateway, "upsert", without)
        with opened(place, encoder) as index:
            index.refresh(Vault(notes))
            old = set(index._gateway.names())
    n_encoded = encoder.n_encoded
    assert main(["find", "LoRA", "--index", f"milvus:{place.uri}"]) == 1
    told = capsys.readouterr().err
    assert "an earlier youju wrote the index" in told
    assert "(numbers)" in told
    assert told.count("\n") == 1
    with opened(place, encoder) as index:
        assert index.refresh(Vault(notes)).n_notes == len(NOTES)
        assert old & set(index._gateway.names()) == {"meta"}
        assert content(index) == fresh(notes, tmp_path / "fresh")
        assert index.refresh(Vault(notes)).is_noop
    assert encoder.n_encoded == n_encoded  # vectors were taken over


def test_the_commands_answer_alike_from_both(
    notes: Path, place: MilvusAddress, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    assert main(["index", str(notes), "--index", str(folder)]) == 0
    assert main(["index", str(notes), "--index", f"milvus:{place.uri}"]) == 0
    capsys.readouterr()
    for argv in (
        ["find", "LoRA 图索引 tag:ml", "-k", "5"],
        ["find", '"冻结原模型"'],
        ["ask", "LoRA 的秩通常取多少？"],
        ["ask", "谁发明了电话？"],
        ["check", "LoRA 冻结原模型的权重。秩 r 通常取 16。HNSW 是图索引。"],
    ):
        said = []
        for where in (
            ["--notes", str(notes), "--index", str(folder)],
            ["--index", f"milvus:{place.uri}"],
        ):
            code = main([*argv, "--json", *where])
            found = json.loads(capsys.readouterr().out)
            found.pop("timings_ms", None)
            said.append((code, rounded(found)))
        assert said[0] == said[1], argv


def rounded(value: Any) -> Any:
    """JSON without the digits in which the two engines may differ."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, dict):
        # among what a filter lets through, ranks are counted otherwise
        return {key: rounded(item) for key, item in value.items() if key != "rrf"}
    return value


def test_an_index_without_notes_at_hand_is_only_asked(
    notes: Path, place: MilvusAddress, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"milvus:{place.uri}"
    assert main(["find", "LoRA", "--index", address]) == 1
    assert "holds no notes yet" in capsys.readouterr().err
    with Assistant.open(notes, place) as assistant:
        assistant.refresh()
    write_note(notes / "new.md", "# 新\n\n犰狳会卷成球。\n")
    assert main(["find", "犰狳", "--index", address, "--json"]) == 0
    assert not any("犰狳" in hit["text"] for hit in json.loads(capsys.readouterr().out)["hits"])
    assert main(["find", "犰狳", "--index", address, "--notes", str(notes), "--json"]) == 0
    assert any("犰狳" in hit["text"] for hit in json.loads(capsys.readouterr().out)["hits"])
    assert main(["index", "--status", "--index", address]) == 0
    assert str(len(NOTES) + 1) in capsys.readouterr().out


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """A Milvus Lite engine as a server of its own; its port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = ["-m", "milvus_lite", "server", "--data-dir", str(folder), "--host", "127.0.0.1"]
    with subprocess.Popen(
        [sys.executable, *command, "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    assert time.monotonic() < until, "the engine does not start"
                    time.sleep(0.2)
            yield port
        finally:
            server.terminate()
            server.wait(30)


@pytest.mark.slow
def test_two_processes_fill_one_server(notes: Path, tmp_path: Path) -> None:
    with served(tmp_path / "served") as port:
        address = f"milvus://127.0.0.1:{port}"
        workers = [
            subprocess.Popen(
                [sys.executable, "-m", "assistant", "index", str(notes), "--index", address,
                 "--worker", f"{number}/2"],
                cwd=REPO, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for number in (2, 1)
        ]  # fmt: skip
        for worker in workers:
            _, told = worker.communicate(timeout=100)
            assert worker.returncode == 0, told
        from corpus.encoder import load_encoder

        place = milvus_address(address)
        assert place is not None
        local = MilvusAddress(uri=str(tmp_path / "local.db"), is_lite=True)
        with opened(place, load_encoder()) as index, opened(local, load_encoder()) as alone:
            alone.refresh(Vault(notes))
            assert content(index) == content(alone)
            assert index.generation >= 1
