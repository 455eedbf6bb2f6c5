"""Renew the checksums of what ships, after a training: `python -m eval.training.checksums`.

`youju doctor` holds the files against them. What a person reads (`.md`) is not in the lists.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from assistant.doctor import SHIPPED
from corpus.checksums import LIST, entry_of, written

__all__ = ["current_list", "main"]


def current_list(folder: Path) -> bytes:
    """The list of the files that lie in a folder now."""
    return written(
        entry_of(path)
        for path in folder.iterdir()
        if path.is_file() and path.suffix != ".md" and path.name != LIST
    )


def main(folders: Sequence[Path] | None = None) -> int:
    """Write the lists of all shipped folders; prints those that changed."""
    if folders is None:
        folders = [Path(str(files(package).joinpath(folder))) for package, folder in SHIPPED]
    for folder in folders:
        new, file = current_list(folder), folder / LIST
        if not file.exists() or file.read_bytes() != new:
            file.write_bytes(new)
            print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
