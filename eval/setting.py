"""What a run measures: the product as flags, environment and settings file set it up.

The encoder and a named reranker search, a chat model or the notes' own sentences answer, second
judges check. What a suite does not use is neither loaded nor part of its fingerprint. Knows models
by name; no figures.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from assistant.choosing import Models, models_of
from assistant.config import Config
from assistant.crossing import Reranker, load_reranker
from assistant.generating import EXTRACTIVE
from assistant.opening import typed_config
from assistant.pipeline import Assistant
from corpus.encoder import Encoder, is_endpoint, load_encoder
from corpus.index import Index
from corpus.readers import Vault
from eval.runs import sha256_of

__all__ = ["Setting", "setting_of"]

BUILT_IN = "built-in"
_WRITES = frozenset({"answers", "dialogues", "speed", "make"})
_JUDGES = frozenset({"answers", "grounding", "scripted", "speed"})


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Names of models for one suite, and the models once they are needed.

    Attributes:
        suite: what is measured.
        config: the settings in force; `config.notes` are the person's notes.
        judged: whether the chat model judges claims, too.
    """

    suite: str
    config: Config
    judged: bool = False

    @cached_property
    def models(self) -> Models:
        """What writes and what judges, as far as the suite uses them.

        Raises:
            ConfigError: a model is named by half, or a judge is wanted and there is no model.
            MissingExtra: there is one, but its client is not installed.
            ModelError: a judge cannot be loaded.
        """
        if self.suite not in _WRITES | _JUDGES:
            return Models()
        found = models_of(self.config, judged=self.judged)
        return Models(
            chat=found.chat if self.suite in _WRITES else None,
            judges=found.judges if self.suite in _JUDGES else (),
        )

    @cached_property
    def encoder(self) -> Encoder:
        """Of passages and queries."""
        return load_encoder(self.config.encoder, device=self.config.device)

    @cached_property
    def reranker(self) -> Reranker | None:
        """The one that was named; None for the built-in order alone."""
        name = self.config.reranker
        return load_reranker(name, device=self.config.device) if name else None

    def facts(self) -> dict[str, Any]:
        """What the fingerprint of a run holds of the models; addresses stay out of it."""
        config = self.config
        named: dict[str, Any] = {"encoder": _shown(config.encoder or BUILT_IN)}
        if config.encoder:
            named["encoder_fingerprint"] = self.encoder.fingerprint[:16]
        if config.reranker:
            named |= _named("reranker", config.reranker)
        if config.device:
            named["device"] = config.device
        if self.suite in _WRITES:
            named["generator"] = self.models.chat.name if self.models.chat else EXTRACTIVE
        if self.suite in _JUDGES:
            named["judges"] = [judge.name for judge in self.models.judges]
            if config.nli:
                named |= _named("nli", config.nli)
        return named

    @contextmanager
    def opened(self, notes: Path) -> Iterator[Assistant]:
        """The assistant over an index of its own, so that a run never depends on what was before.

        Args:
            notes: a folder, one file or a zip.
        """
        with (
            tempfile.TemporaryDirectory() as folder,
            self.assistant(Index.open(Path(folder), encoder=self.encoder), notes) as made,
        ):
            made.refresh()
            yield made

    def assistant(self, index: Index, notes: Path | None = None) -> Assistant:
        """The assistant of this setting over an index.

        Args:
            index: its encoder is this setting's.
            notes: where a refresh reads them; None for an index that is only asked.

        Raises:
            CorpusError: there are no such notes.
        """
        return Assistant(
            index,
            vault=None if notes is None else Vault(notes, hard_links=self.config.hard_links),
            encoder=self.encoder,
            reranker=self.reranker,
            chat=self.models.chat,
            judges=self.models.judges,
        )


def _shown(name: str) -> str:
    """A model's name without the address it answers at."""
    return name.partition("#")[2] or "endpoint" if is_endpoint(name) else name


def _named(role: str, name: str) -> dict[str, str]:
    """A model by name, and by checksum where its files are at hand."""
    folder = Path(name)
    digest = {f"{role}_sha256": sha256_of(folder)[:16]} if folder.is_dir() else {}
    return {role: _shown(name), **digest}


def setting_of(args: argparse.Namespace) -> Setting:
    """The setting that a command line names, with environment and settings file behind it.

    Raises:
        ConfigError: the settings file cannot be read or holds a setting that does not exist.
    """
    return Setting(suite=args.suite, config=typed_config(args), judged=args.judge)
