"""Templates of notes: forms to be filled in, which say nothing themselves.

A folder is one of templates if Obsidian's settings name it, or its name does and it lies at the
root of the vault or in an Obsidian vault. Elsewhere a form in a folder of that name is known by
its placeholders. Called by `readers`.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path, PurePosixPath

__all__ = ["is_template", "template_folders"]

_NAME = re.compile(r"[\W\d_]*(?:templates?|模板|模版)[\W_]*", re.IGNORECASE)
_PLACE = re.compile(r"\{\{\s*(?:date|time|title|日期|标题)[^{}\n]*\}\}|<%[-_*+~]?\s*tp\.")
_SETTINGS = (
    (".obsidian/templates.json", "folder"),
    (".obsidian/plugins/templater-obsidian/data.json", "templates_folder"),
)


def template_folders(root: Path) -> set[str]:
    """Paths of the folders of templates inside a vault, with forward slashes."""
    found = {
        name for path, key in _SETTINGS if (name := _setting(root / path, key)) not in ("", ".")
    }
    if (root / ".obsidian").is_dir():
        for folder, folders, _ in os.walk(root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found |= {_below(root, Path(folder, name)) for name in folders if _is_named(name)}
    else:
        try:
            names = [entry.name for entry in root.iterdir() if entry.is_dir()]
        except OSError:  # told of by who walks it
            names = []
        found |= {name for name in names if _is_named(name)}
    return found


def is_template(path: str, text: str) -> bool:
    """Whether a note in a folder of that name has places to be filled in."""
    folders = PurePosixPath(path).parts[:-1]
    return any(map(_is_named, folders)) and _PLACE.search(text[:20_000]) is not None


def _is_named(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _below(root: Path, folder: Path) -> str:
    return folder.relative_to(root).as_posix()


def _setting(path: Path, key: str) -> str:
    """A setting of Obsidian; empty where there is none."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    value = held.get(key) if isinstance(held, dict) else None
    return value.strip().strip("/") if isinstance(value, str) else ""
