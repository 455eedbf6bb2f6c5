"""The errors a person may see, as one tree.

YoujuError          every failure that has a one-line explanation
├── ConfigError     a setting or an argument names something impossible
├── CorpusError     notes cannot be read: missing folder, nothing readable in it
├── IndexError_     the index on disk cannot be used as it is
│   ├── IndexBusy   another process is writing the same index
│   └── ManyGone    most notes are gone at once: to be confirmed before they are forgotten
├── ModelError      weights are missing, damaged or of another kind
└── MissingExtra    an optional package is not installed; the message is the command to type

A message says what happened, to which file or value, and the way out. Misuse by a programmer
stays ValueError or TypeError. Known to all three packages; knows none of them.
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "CorpusError",
    "IndexBusy",
    "IndexError_",
    "ManyGone",
    "MissingExtra",
    "ModelError",
    "YoujuError",
]


class YoujuError(Exception):
    """A failure that is explained to the person in one line."""


class ConfigError(YoujuError):
    """A setting or an argument names something impossible."""


class CorpusError(YoujuError):
    """The notes cannot be read."""


class IndexError_(YoujuError):  # noqa: N801 - the underscore keeps the builtin usable
    """The index on disk cannot be used as it is."""


class IndexBusy(IndexError_):
    """Another process is writing the same index."""


class ManyGone(IndexError_):
    """More than half of the notes are gone at once; the index is as it was.

    Args:
        n_gone: notes whose files are gone.
        n_notes: notes in the index.
        root: where they were.
    """

    def __init__(self, n_gone: int, n_notes: int, root: str) -> None:
        super().__init__(
            f"{n_gone} of {n_notes} notes are gone from {root}; the index still holds them."
            " Is a drive not connected? To forget them: youju index --yes"
        )
        self.n_gone = n_gone
        self.n_notes = n_notes


class ModelError(YoujuError):
    """Model weights are missing, damaged or of another kind."""


class MissingExtra(YoujuError):
    """An optional package is not installed.

    Args:
        extra: name of the optional dependency group, as in `pip install 'youju[extra]'`.
        package: the package that was looked for.
    """

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(
            f"{package} is not installed. Install it with: pip install 'youju[{extra}]'"
        )
        self.extra = extra
        self.package = package
