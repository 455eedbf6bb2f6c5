"""One process that is used for long: `python -m tests.endurance.soak DIR`, a number a line.

For each number it asks, searches, checks, changes a note and refreshes, and prints as JSON what it
holds of the machine.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
from pathlib import Path

from assistant.pipeline import Assistant
from tests.endurance.load import SAMPLES, questions

__all__ = ["main"]

_ROUND = 10


def memory_mb() -> float:
    """Resident memory of this process."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main(folder: Path) -> int:
    """Work until the input ends."""
    asks = questions()
    notes = folder / "notes"
    shutil.copytree(SAMPLES, notes)
    temporary = Path(os.environ["TMPDIR"])
    with Assistant.open(notes, folder / "index") as assistant:
        assistant.refresh()
        for line in sys.stdin:
            number, done = int(line), 0
            for step in range(_ROUND):
                question = asks[(number * _ROUND + step) % len(asks)]
                answer = assistant.ask(question)
                assistant.find(question, k=10)
                assistant.check(answer.text)
                done += 3
            (notes / "new.md").write_text(f"# 新\n\n第{number}次修改，值是 {number}。\n", "utf-8")
            assert assistant.refresh().n_notes
            gc.collect()
            told = {
                "done": done + 1,
                "memory_mb": memory_mb(),
                "open_files": sum(1 for _ in Path("/proc/self/fd").iterdir()),
                "temporary": sum(1 for _ in temporary.iterdir()),
            }
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
