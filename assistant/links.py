"""Links that open a note outside the page: Obsidian, the file itself, an editor at the line.

Knows where notes lie on disk, not what is cited; called by `pipeline` and the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath
from urllib.parse import quote

from corpus.types import Note

__all__ = ["Openers", "links_of", "vault_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Openers:
    """Links to the file of a note.

    Attributes:
        file: `file://…`, with `#L<line>` where a line is known.
        editor: `vscode://file/…`, with `:line` where one is known.
        obsidian: `obsidian://open?vault=…&file=…`; None but for Markdown of an Obsidian vault.
    """

    file: str
    editor: str
    obsidian: str | None = None


@lru_cache(maxsize=64)
def vault_of(folder: Path) -> Path | None:
    """The Obsidian vault a folder is or lies in: the nearest one with `.obsidian`, or None."""
    for candidate in (folder, *folder.parents):
        if (candidate / ".obsidian").is_dir():
            return candidate
    return None


def links_of(root: str | None, note: Note | None, line: int) -> Openers | None:
    """Links to a note's file.

    Args:
        root: what was indexed: a folder or one file; None or an archive has no files to open.
        note: the note; None where it is gone.
        line: of the file, from 1.

    Returns:
        The links, or None where nothing can be opened. A page, a notebook, Word and PDF are opened
        without a line: theirs is not known.
    """
    if note is None or not root or root.lower().endswith(".zip"):
        return None
    file = Path(root) if PurePath(root).name == note.file else Path(root) / note.file
    if not file.is_absolute() or not file.is_file():
        return None
    place = quote(file.as_posix().lstrip("/"), safe="/:")
    vault = vault_of(file.parent) if file.suffix.lower() == ".md" else None
    return Openers(
        file=file.as_uri() + (f"#L{line}" if note.has_line else ""),
        editor=f"vscode://file/{place}" + (f":{line}" if note.has_line else ""),
        obsidian=None if vault is None else _in_obsidian(vault, file),
    )


def _in_obsidian(vault: Path, file: Path) -> str:
    inside = file.relative_to(vault).with_suffix("").as_posix()
    return f"obsidian://open?vault={quote(vault.name, safe='')}&file={quote(inside, safe='')}"
