"""The least probability of "supported" for one vault, as it was measured on that vault's notes.

`youju eval calibrate NOTES --set` writes it beside the index; the check reads it and says so. One
that was measured with other models of the check is not used. Knows one small file; how it is
measured, the package above knows. Called by `pipeline`, `cli` and `doctor`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from corpus.errors import ConfigError
from corpus.milvus.address import MilvusAddress
from corpus.records import RecordDamaged, read_record, write_record

__all__ = [
    "FILE", "Calibration", "calibration_in_force", "calibration_of", "models_of_check", "removed",
    "write",
]  # fmt: skip

FILE = "calibration.json"
_NAME = "calibration"
_MODELS = ("judge", "verdicts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A threshold and what was measured at it.

    Attributes:
        support: least probability of the verdict "supported", in (0, 1).
        rate: the share of planted false claims called supported that was asked for, at most.
        false_support: the share that was reached, of `n_false`.
        true_support: the share of planted true claims called supported, of `n_true`.
        made: day of the measurement, as written in ISO 8601.
        models: `models_of_check` of the models that it was measured with.
    """

    support: float
    rate: float
    false_support: float
    n_false: int
    true_support: float
    n_true: int
    made: str
    models: str

    @property
    def is_current(self) -> bool:
        """Whether the models of the check are those that it was measured with."""
        return self.models == models_of_check()

    def told(self, *, zh: bool) -> str:
        """One line for a person."""
        if zh:
            return (
                f"核对阈值 {self.support:g}（{self.made} 用这些笔记校准：{self.n_false} 条假断言中"
                f" {self.false_support:.1%} 被判有据，{self.n_true} 条真断言中"
                f" {self.true_support:.1%} 被判有据）"
            )
        return (
            f"threshold of the check {self.support:g} (calibrated on these notes {self.made}: of"
            f" {self.n_false} false claims {self.false_support:.1%} were called supported, of"
            f" {self.n_true} true ones {self.true_support:.1%})"
        )


@lru_cache(maxsize=1)
def models_of_check() -> str:
    """What tells one set of models of the check from another: sixteen digits over their bytes."""
    digest = sha256()
    for name in _MODELS:
        digest.update(files("assistant").joinpath(f"models/{name}.json").read_bytes())
    return digest.hexdigest()[:16]


def calibration_of(folder: Path) -> Calibration | None:
    """The calibration beside an index, current or not; None where there is none.

    Args:
        folder: of the index.

    Raises:
        RecordDamaged: the file is not as it was written.
    """
    try:
        kept = read_record(folder / FILE, _NAME)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise RecordDamaged(f"{folder / FILE}: {fault.strerror}") from None
    try:
        found = json.loads(str(kept))
        made = Calibration(**{field.name: found[field.name] for field in fields(Calibration)})
        is_sound = 0 < made.support < 1
    except (ValueError, KeyError, TypeError):
        is_sound = False
    if not is_sound:
        raise RecordDamaged(f"{folder / FILE} holds no calibration")
    return made


def calibration_in_force(place: Path | MilvusAddress) -> Calibration | None:
    """The calibration beside an index; None where the shipped threshold holds.

    One that was made with other models, or is damaged, is none: the doctor tells of it, and the
    notes can still be asked.
    """
    if isinstance(place, MilvusAddress):
        return None
    try:
        found = calibration_of(place)
    except RecordDamaged:
        return None
    return found if found is not None and found.is_current else None


def write(folder: Path, made: Calibration) -> Path:
    """Keep a calibration beside an index; the one before is replaced.

    Raises:
        ConfigError: the folder cannot be written.
    """
    try:
        write_record(folder / FILE, _NAME, json.dumps(asdict(made), sort_keys=True))
    except OSError as fault:
        raise ConfigError(f"{folder / FILE} cannot be written ({fault.strerror})") from fault
    return folder / FILE


def removed(folder: Path) -> bool:
    """Remove the calibration beside an index; whether there was one."""
    try:
        (folder / FILE).unlink()
    except FileNotFoundError:
        return False
    return True
