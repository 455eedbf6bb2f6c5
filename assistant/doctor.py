"""Examining all that youju rests on, and mending what can be mended.

Index, shipped models, conversations, settings and the machine are looked at, each in a line. Only
what can be made again is replaced: the index from the notes, caches from the index; the notes are
never written to, and of the conversations only what cannot be read is left behind. Knows what to
look at and in which order; what is wrong with an index, `corpus.inspection` knows. Called by `cli`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from assistant import calibration
from assistant.config import Config
from assistant.diagnosis import Entry, Level, entry, speaks_chinese
from assistant.surroundings import clock, disk, folders, packages, python
from corpus.checksums import LIST, ListDamaged, differing, parse
from corpus.chunking import DEFAULT_SIZE
from corpus.dictionary import damaged_caches
from corpus.encoder import load_encoder
from corpus.errors import ConfigError, IndexError_, ModelError, YoujuError
from corpus.fingerprints import fingerprint_of
from corpus.inspection import Finding, inspected
from corpus.milvus.address import MilvusAddress
from corpus.places import data_home
from corpus.readers import Vault
from corpus.records import RecordDamaged, read_record
from corpus.repair import rebuilt, removed
from corpus.sealing import DATABASE
from corpus.store import Store

if TYPE_CHECKING:
    from corpus.encoder import Encoder

__all__ = ["SHIPPED", "Doctor"]

# folders of files that ship with their checksums
SHIPPED = (("corpus", "model"), ("corpus", "data"), ("assistant", "models"), ("assistant", "data"))
_RECORDS = (("last.json", "notes"), ("consent.json", "ollama"))
# findings after which the database is built again; the others need less
_LOST = {"content", "database", "log", "seal", "unlisted", "unsealed"}

Progress = Callable[[int, int], None]


class Doctor:
    """One look at an installation and one vault.

    Args:
        config: the settings in force.
        thorough: hold the index against itself even where its checksums are right.
        shipped: folders whose files ship with a list of checksums; those of the packages if None.

    Raises:
        ConfigError: the index is no folder.
    """

    def __init__(
        self, config: Config, *, thorough: bool = False, shipped: Iterable[Path] | None = None
    ) -> None:
        if isinstance(config.index, MilvusAddress):
            raise ConfigError(
                "youju doctor examines an index folder, and this index is on Milvus: see it with"
                " `youju index --status`, or name a folder with --index"
            )
        self._config = config
        self._folder: Path = config.index
        self._thorough = thorough
        self._shipped = (
            [Path(str(files(package).joinpath(folder))) for package, folder in SHIPPED]
            if shipped is None
            else list(shipped)
        )
        self._findings: list[Finding] = []
        self._encoder: Encoder | None = None

    def examined(self) -> Iterator[Entry]:
        """Everything, in the order in which one thing rests on the other."""
        yield from self._machine()
        yield from self._models()
        yield from self._settings()
        yield from self._notes()
        yield from self._index()
        yield from self._check()
        yield from self._chats()

    def mended(self, progress: Progress | None = None) -> Iterator[Entry]:
        """Mend what `examined` found; what was done, and what could not be.

        Args:
            progress: called with (done, total) notes while an index is built again.
        """
        try:
            yield from self._mend_index(progress)
        except YoujuError as fault:
            yield entry("repair.failed", "fault", str(self._folder), str(fault))
        yield from self._mend_chats()
        if any(one.code == "check.damaged" for one in self._check()):
            calibration.removed(self._folder)
            yield entry("repair.done", "sound", calibration.FILE)
        for file in _damaged_records():
            file.unlink(missing_ok=True)
            yield entry("repair.done", "sound", file.name)

    # what is looked at

    def _machine(self) -> Iterator[Entry]:
        config = self._config
        yield from python()
        yield from packages()
        yield from folders([data_home(), self._folder, None])
        yield from disk(self._folder, _size(self._folder))
        written = [(str(path), _stamp(path)) for path in (self._folder / DATABASE, config.notes)]
        yield from clock(written)

    def _models(self) -> Iterator[Entry]:
        n_whole = n_wrong = 0
        for folder in self._shipped:
            try:
                entries = parse((folder / LIST).read_bytes())
            except (OSError, ListDamaged):
                yield entry("models.checksum", "fault", str(folder / LIST))
                n_wrong += 1
                continue
            wrong = differing(folder, entries)
            n_whole += len(entries) - len(wrong)
            n_wrong += len(wrong)
            for name in wrong:
                yield entry("models.checksum", "fault", str(folder / name))
        try:
            self._encoder = load_encoder(self._config.encoder, device=self._config.device)
        except (ModelError, ConfigError) as fault:
            yield entry("models.encoder", "fault", self._config.encoder or "", str(fault))
        if not n_wrong:
            yield entry("models.sound", "sound", "", str(n_whole))

    def _settings(self) -> Iterator[Entry]:
        try:
            endpoint = self._config.endpoint
        except ConfigError as fault:
            yield entry("endpoint.wrong", "fault", "", str(fault))
            return
        if endpoint is not None:
            yield entry("endpoint.sound", "sound", endpoint.model, endpoint.shown)
        for file in _damaged_records():
            yield entry("record.damaged", "fault", str(file))

    def _notes(self) -> Iterator[Entry]:
        notes, index = self._config.notes, self._folder
        try:
            Vault(notes)
        except YoujuError:
            yield entry("notes.absent", "fault", str(notes))
            return
        if notes.is_dir() and index.resolve().is_relative_to(notes.resolve()):
            yield entry("notes.inside", "fault", str(index))
        yield entry("notes.sound", "sound", str(notes))

    def _index(self) -> Iterator[Entry]:
        encoder = self._encoder
        try:
            self._findings = inspected(
                self._folder,
                fingerprint=None if encoder is None else fingerprint_of(encoder, DEFAULT_SIZE),
                # a named model would have to encode all passages once more
                encoder=encoder if self._config.encoder is None else None,
                thorough=self._thorough,
            )
        except (IndexError_, OSError) as fault:
            yield entry("index.unusable", "fault", str(self._folder), str(fault))
            return
        for found in self._findings:
            level: Level = "remark" if found.level == "remark" else "fault"
            detail = f" ({found.detail})" if found.kind == "checksum" and found.detail else ""
            yield entry(f"index.{found.kind}", level, found.name, detail or found.detail)
        if all(f.level == "remark" for f in self._findings) and not self._is_unseen():
            yield entry("index.sound", "sound", "", f"{_size(self._folder) / 1e6:.1f} MB")

    def _check(self) -> Iterator[Entry]:
        file = self._folder / calibration.FILE
        try:
            found = calibration.calibration_of(self._folder)
        except RecordDamaged:
            yield entry("check.damaged", "fault", str(file))
            return
        if found is None:
            return
        if found.is_current:
            yield entry("check.calibrated", "sound", "", found.told(zh=speaks_chinese()))
        else:
            yield entry("check.stale", "remark", str(file))

    def _chats(self) -> Iterator[Entry]:
        from assistant.web.salvage import faults_of
        from assistant.web.store import FILE

        file = data_home() / "chat" / FILE
        if not file.exists():
            return
        n_turns, said = faults_of(file)
        for line in said:
            yield entry("chats.turn", "fault", str(file), line)
        if not said:
            yield entry("chats.sound", "sound", str(file), str(n_turns))

    def _is_unseen(self) -> bool:
        return any(finding.kind in {"absent", "busy"} for finding in self._findings)

    # what is mended

    def _mend_index(self, progress: Progress | None) -> Iterator[Entry]:
        config, found = self._config, self._findings
        if self._is_unseen():
            return
        is_lost = any(
            finding.level != "remark" and (finding.kind in _LOST or finding.name == DATABASE)
            for finding in found
        )
        if is_lost:
            # first, so that the old one answers until the new one is whole
            report = rebuilt(
                self._folder, Vault(config.notes), encoder=self._needed(), progress=progress
            )
            yield entry("repair.done", "sound", DATABASE, f"{report.n_notes}")
        gone = removed(self._folder, found)
        for name in gone:
            yield entry("repair.done", "sound", name)
        is_short = gone or any(finding.kind == "missing" for finding in found)
        if is_short or not Store(self._folder).is_sealed:
            yield from self._freshen()

    def _freshen(self) -> Iterator[Entry]:
        """Bring the index in line with the notes, which makes its caches and its seal again."""
        from assistant.pipeline import Assistant

        config = self._config
        with Assistant.open(config.notes, self._folder, encoder=config.encoder) as assistant:
            assistant.refresh()
        if Store(self._folder).is_sealed:
            yield entry("repair.done", "sound", LIST)

    def _needed(self) -> Encoder:
        if self._encoder is None:
            raise ModelError("without its encoder an index cannot be built again")
        return self._encoder

    def _mend_chats(self) -> Iterator[Entry]:
        from assistant.web.salvage import faults_of, saved
        from assistant.web.store import FILE

        file = data_home() / "chat" / FILE
        if file.exists() and faults_of(file)[1]:
            try:
                yield entry("repair.done", "sound", FILE, f"{saved(file)}")
            except OSError as fault:
                yield entry("repair.failed", "fault", str(file), str(fault.strerror))


def _damaged_records() -> Iterator[Path]:
    """Small files beside the indexes that are not as they were written."""
    from assistant.web.store import KEY, kept_secret

    reading: list[tuple[Path, Callable[[Path], object]]] = [
        (data_home() / name, functools.partial(read_record, name=value)) for name, value in _RECORDS
    ]
    for file, read in [*reading, (data_home() / "chat" / KEY, kept_secret)]:
        try:
            read(file)
        except FileNotFoundError:
            continue
        except (OSError, RecordDamaged):
            yield file
    yield from damaged_caches()


def _size(folder: Path) -> int:
    """Bytes of the files of a folder; 0 where it cannot be read."""
    try:
        return sum(path.stat().st_size for path in folder.iterdir())
    except OSError:
        return 0


def _stamp(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
