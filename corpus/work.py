"""What a refresh has to do: the vault it reads, and what of it is new, changed or gone.

Holds; does nothing. Filled by `refresh` and `preparing`, written by `publishing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from corpus.rows import FileRow
from corpus.types import Chunk, Note, Skipped

if TYPE_CHECKING:
    from corpus.encoder import Encoder
    from corpus.readers import SourceFile

__all__ = ["NoteSource", "Progress", "Work"]

Progress = Callable[[int, int], None]


class NoteSource(Protocol):
    """What `refresh` needs of a vault (`corpus.readers.Vault`)."""

    @property
    def root(self) -> Path:
        """The folder, file or archive."""
        ...

    @property
    def skipped(self) -> Sequence[Skipped]:
        """What the last `files()` left out, and why."""
        ...

    @property
    def doubts(self) -> Mapping[str, str]:
        """What is uncertain of the files that were read, by path."""
        ...

    def files(self) -> Sequence[SourceFile]:
        """The files that may hold notes, sorted by path."""
        ...

    def read(self, file: SourceFile) -> Sequence[Note]:
        """The notes of a file; raises `Unreadable` with the reason."""
        ...


@dataclass(slots=True, kw_only=True)
class Work:
    """What a refresh has to do, and then what it has prepared.

    Attributes:
        root: of the vault.
        encoder: that the vectors shall come from.
        fingerprint: what passages, terms and vectors shall be made by.
        listed: the files of the vault, by path.
        to_read: paths of those that are new or changed.
        gone_files: paths of the files that were there before.
        skipped: what was left out and why, as JSON.
        anew: nothing that was cut or encoded before may stay.
        same_encoder: the vectors that are there come from `encoder`.
        may_reuse: vectors that this encoder gave before may be taken.
        before_encoder: fingerprint of the one that the vectors come from.
        is_needed: there is anything to do.
        rows: of the files that were read.
        before: notes without text that are read, made anew or gone, by path.
        seen: paths of the notes that were read.
        drafts: notes to be written, with their passages and keys.
    """

    root: str
    encoder: Encoder
    fingerprint: str
    listed: dict[str, SourceFile]
    to_read: list[str]
    gone_files: set[str]
    skipped: str
    anew: bool
    same_encoder: bool
    may_reuse: bool
    before_encoder: str | None
    is_needed: bool
    rows: list[FileRow] = field(default_factory=list)
    before: dict[str, Note] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    drafts: list[tuple[Note, list[tuple[Chunk, bytes]]]] = field(default_factory=list)
