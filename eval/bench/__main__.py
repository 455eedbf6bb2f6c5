"""`python -m eval.bench`: costs of youju beside the floor and other frameworks, in one run.

Writes a vault of each size, cuts it once, measures every system in processes of their own, several
times in turn, and keeps medians with commit, machine and versions in `eval/bench/results`; then
`report` writes the tables of README and docs from it. Peers live in an environment that is made
here; without a network the run goes on without them, and says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from corpus.chunking import chunk_note
from corpus.readers import Vault
from eval.bench import report
from eval.bench.profile import profile
from eval.bench.vaults import queries, write_notes, write_vault

REPO = Path(__file__).resolve().parents[2]
OWN = {"floor": "own:Floor", "youju, fused": "own:Fused", "youju": "own:Youju"}
PEERS = {
    "txtai": "peers:Txtai",
    "LlamaIndex + FAISS": "peers:LlamaIndexFaiss",
    "LlamaIndex": "peers:LlamaIndex",
    "LangChain": "peers:LangChain",
    "Haystack": "peers:Haystack",
}
# From so many passages on: once, with the peer that is quickest there, and without a profile. The
# others take minutes for their hundred queries each, and the profile says little that is new.
_LARGE, _LARGE_PEERS = 50_000, ("txtai",)
_PACKAGES = (
    "txtai", "llama-index-core", "llama-index-retrievers-bm25", "llama-index-vector-stores-faiss",
    "langchain-classic", "langchain-community", "haystack-ai", "faiss-cpu", "rank-bm25", "jieba",
    "tokenizers", "safetensors", "pyyaml", "hnswlib",
)  # fmt: skip


def peers_python(folder: Path) -> Path | None:
    """The interpreter of the peers' environment, made if need be; None where it cannot be."""
    python = folder / "bin" / "python"
    if not python.is_file():
        venv.create(folder, with_pip=True)
    if subprocess.run([python, "-c", "import txtai"], capture_output=True, check=False).returncode:
        # torch is a dependency of txtai: named first, so that a configured CPU build is taken
        command = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "torch"]
        env = {k: v for k, v in os.environ.items() if not k.endswith("_CONSTRAINT")}
        done = subprocess.run([*command, *_PACKAGES], env=env, check=False)
        if done.returncode:
            print("bench: the peers cannot be installed; measured without them", file=sys.stderr)
            return None
    return python


def prepare(folder: Path, size: int, n_queries: int) -> int:
    """Write notes, passages and queries of one size; returns the number of passages."""
    write_vault(folder / "notes", size)
    (folder / "queries.json").write_text(json.dumps(queries(n_queries)), "utf-8")
    return cut(folder)


def cut(folder: Path) -> int:
    """Write the passages of the notes, as an index cuts them; returns how many there are."""
    vault, count = Vault(folder / "notes"), 0
    with (folder / "passages.jsonl").open("w", encoding="utf-8") as out:
        for file in sorted(vault.files(), key=lambda file: file.path):
            for note in vault.read(file):
                for chunk in chunk_note(note):
                    text = "\n".join(
                        (note.title, *chunk.heading, note.text[chunk.start : chunk.end])
                    )
                    row = {"id": f"{note.path}#{chunk.start}-{chunk.end}", "text": text}
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")
                    count += 1
    return count


def measured(
    python: Path, system: str, data: Path, limit_s: float, *, of: str = "harness"
) -> dict[str, Any] | None:
    """The row of one system, in a process of its own; None if it failed or took too long.

    Args:
        python: the interpreter.
        system: its name for `harness`, or for `vault`.
        data: a prepared folder.
        limit_s: seconds after which it is ended.
        of: the module that measures.
    """
    env = {
        **os.environ,
        "PYTHONPATH": str(REPO),
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "0",
        "HF_HUB_OFFLINE": "1",
        "YOUJU_HOME": str(data / "home"),
        "ALLOW_RESOLVE_TRANSFORM": "True",  # txtai looks our encoder up by name
    }
    command = [str(python), "-W", "ignore", "-m", f"eval.bench.{of}", system, str(data)]
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"bench: {system} took longer than {limit_s:.0f} s", file=sys.stderr)
        return None
    rows = [line[4:] for line in done.stdout.splitlines() if line.startswith("ROW ")]
    if not rows:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"bench: {system} failed: {last}", file=sys.stderr)
        return None
    row: dict[str, Any] = json.loads(rows[-1])
    return row


def medians(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """Median of each figure over the runs."""
    keys = {key: None for row in rows for key in row}
    found: dict[str, float | None] = {}
    for key in keys:
        values = [row[key] for row in rows if row.get(key) is not None]
        found[key] = round(median(values), 4) if values else None
    return found


def one_size(
    data: Path, size: int, python: Path | None, *, runs: int, limit_s: float
) -> dict[str, dict[str, float | None]]:
    """What each system costs over a prepared folder: medians, by system.

    Args:
        data: the folder.
        size: passages that were wanted.
        python: the peers' interpreter, if there is one.
        runs: of each system, in turn, so that a busy minute hits all alike; one for a large size.
        limit_s: seconds for one of them.
    """
    is_large = size >= _LARGE
    peers = {name: PEERS[name] for name in _LARGE_PEERS} if is_large else PEERS
    systems = [(name, Path(sys.executable), kind) for name, kind in OWN.items()]
    systems += [(name, python, kind) for name, kind in peers.items() if python]
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name, _, _ in systems}
    for run in range(1 if is_large else runs):
        for name, interpreter, kind in systems:
            row = measured(interpreter, kind, data, limit_s)
            if row is not None:
                rows[name].append(row)
                print(f"bench: {size} run {run + 1} {name}: {row}", file=sys.stderr)
    return {name: medians(found) for name, found in rows.items() if found}


def whole_vault(
    folder: Path, notes: int, megabytes: float, python: Path | None, *, runs: int, limit_s: float
) -> dict[str, Any]:
    """What a vault of so many notes and MB costs from its files on: medians, by system.

    Args:
        folder: to be made.
        notes: how many.
        megabytes: of all of them.
        python: the peers' interpreter, if there is one.
        runs: of each system, in turn.
        limit_s: seconds for one of them.
    """
    written = write_notes(folder / "notes", notes, round(1e6 * megabytes))
    n = cut(folder)
    print(f"bench: {notes} notes, {written} bytes, {n} passages", file=sys.stderr)
    systems = [("floor", Path(sys.executable)), ("youju", Path(sys.executable))]
    systems += [("LlamaIndex", python)] if python else []
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name, _ in systems}
    for run in range(runs):
        for name, interpreter in systems:
            row = measured(interpreter, name, folder, limit_s, of="vault")
            if row is not None:
                rows[name].append(row)
                print(f"bench: vault run {run + 1} {name}: {row}", file=sys.stderr)
    found = {name: medians(of) for name, of in rows.items() if of}
    return {"notes": notes, "megabytes": written / 1e6, "runs": runs, "systems": found}


def _versions(python: Path | None) -> dict[str, str]:
    own = ("numpy", "hnswlib", "tokenizers", "jieba", "rank-bm25")
    found = {name: metadata.version(name) for name in own}
    if python is not None:
        listed = subprocess.run(
            [str(python), "-m", "pip", "list", "--format=json"], capture_output=True, check=False
        )
        if listed.returncode == 0:
            known = {row["name"].lower(): row["version"] for row in json.loads(listed.stdout)}
            found |= {name: known[name] for name in _PACKAGES[:8] if name in known}
    return found


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"],
        cwd=REPO, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"


def main() -> int:
    """Measure, keep, report."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000", help="passages, with commas")
    parser.add_argument("--runs", type=int, default=3, help="of each system; medians are kept")
    parser.add_argument(
        "--vault", default="10000:50", help="NOTES:MB of Markdown, indexed from the files on; or ''"
    )
    parser.add_argument("--vault-runs", type=int, default=1)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--peers-venv", type=Path, default=REPO / "build" / "bench-venv")
    parser.add_argument("--limit", type=float, default=1800.0, help="seconds for one measurement")
    parser.add_argument("--out", type=Path, default=REPO / "eval" / "bench" / "results")
    args = parser.parse_args()
    python = None if args.without_peers else peers_python(args.peers_venv)
    sizes: dict[str, Any] = {}
    profiles: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        vault = None
        if args.vault:
            notes, _, megabytes = args.vault.partition(":")
            vault = whole_vault(
                Path(scratch) / "vault", int(notes), float(megabytes), python,
                runs=args.vault_runs, limit_s=args.limit,
            )  # fmt: skip
        for size in map(int, filter(None, args.sizes.split(","))):
            data = Path(scratch) / str(size)
            n = prepare(data, size, args.queries)
            print(f"bench: {n} passages", file=sys.stderr)
            sizes[str(n)] = one_size(data, size, python, runs=args.runs, limit_s=args.limit)
            if size < _LARGE:
                profiles[str(n)] = profile(data)
            shutil.rmtree(data)
    result = {
        "commit": _commit(),
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}",
        "runs": args.runs,
        "versions": _versions(python),
        "peers": python is not None,
        "sizes": sizes,
        "profiles": profiles,
        "vault": vault,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"bench-{result['commit']}.json"
    path.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(report.table(result))
    if args.out == REPO / "eval" / "bench" / "results":
        report.write(REPO)
    return 0


if __name__ == "__main__":
    sys.exit(main())
