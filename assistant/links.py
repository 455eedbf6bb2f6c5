"""Links that open a note outside the page: Obsidian, the file itself, an editor at the line.

Knows where notes lie on disk, not what is cited; called by `wire` and the page.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path, PurePath
from urllib.parse import quote

from corpus.types import Note

__all__ = ["links_of", "vault_of"]


@lru_cache(maxsize=64)
def vault_of(folder: Path) -> Path | None:
    """The Obsidian vault a folder is or lies in: the nearest one with `.obsidian`, or None."""
    for candidate in (folder, *folder.parents):
        if (candidate / ".obsidian").is_dir():
            return candidate
    return None


def links_of(root: str | None, note: Note | None, line: int) -> dict[str, str]:
    """Links to a note's file.

    Args:
        root: what was indexed: a folder or one file; None or an archive has no files to open.
        note: the note; None where it is gone.
        line: of the file, from 1.

    Returns:
        `file` (`file://` with `#L<line>`), `editor` (`vscode://file/…:line`) and, where the note is
        a Markdown file of an Obsidian vault, `obsidian` (`obsidian://open?vault=…&file=…`). A page,
        a notebook, Word and PDF are opened without a line: theirs is not known.
        Empty where nothing can be opened.
    """
    if note is None or not root or root.lower().endswith(".zip"):
        return {}
    file = Path(root) if PurePath(root).name == note.file else Path(root) / note.file
    if not file.is_absolute() or not file.is_file():
        return {}
    place = quote(file.as_posix().lstrip("/"), safe="/:")
    found = {
        "file": file.as_uri() + (f"#L{line}" if note.has_line else ""),
        "editor": f"vscode://file/{place}" + (f":{line}" if note.has_line else ""),
    }
    vault = vault_of(file.parent) if file.suffix.lower() == ".md" else None
    if vault is not None:
        inside = file.relative_to(vault).with_suffix("").as_posix()
        found["obsidian"] = (
            f"obsidian://open?vault={quote(vault.name, safe='')}&file={quote(inside, safe='')}"
        )
    return found
