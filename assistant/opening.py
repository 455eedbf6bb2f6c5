"""From what was typed to an assistant that answers: settings, models, an index that is up to date.

Knows a parsed command line and the person at the terminal, who may be asked to agree; what the
verbs do with the assistant, `cli` knows. Called by `cli` and by `eval`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.config import Config, load_config
from assistant.indexing import brought_up_to_date
from corpus.errors import CorpusError, ModelError, YoujuError
from corpus.milvus.address import MilvusAddress

if TYPE_CHECKING:  # what holds numpy is imported where it is used: `youju mcp` greets without it
    from assistant.choosing import Models
    from assistant.pipeline import Assistant

__all__ = ["opened", "serving", "typed_config", "typed_models"]


def typed_config(args: argparse.Namespace, notes: Path | None = None) -> Config:
    """The settings as typed, with those of the file and the environment behind them.

    Args:
        args: what was typed.
        notes: named as an argument of the verb, before the option.

    Raises:
        ConfigError: a setting is no setting.
    """
    return load_config(
        notes=notes or args.notes,
        index=args.index,
        encoder=args.encoder,
        reranker=args.reranker,
        device=args.device,
        file=args.config,
        model=args.model,
        base_url=args.base_url,
        nli=args.nli,
    )


def opened(config: Config, models: Models | None = None) -> Assistant:
    """The assistant over the index as it is, not brought up to date."""
    from assistant.pipeline import Assistant
    from corpus.readers import Vault

    is_shared = isinstance(config.index, MilvusAddress)
    return Assistant.open(
        # a database serves without the notes at hand; only notes that are named are taken into it
        Vault(config.notes, hard_links=config.hard_links)
        if config.is_named or not is_shared
        else None,
        config.index,
        encoder=config.encoder,
        reranker=config.reranker,
        device=config.device,
        chat=models.chat if models else None,
        judges=models.judges if models else (),
    )


def typed_models(args: argparse.Namespace, config: Config, *, asks: bool = True) -> Models:
    """The chat model that writes and the judges.

    Args:
        args: what was typed.
        config: the settings.
        asks: whether a person who sits at both ends may be asked to agree to a local model.
    """
    from assistant.choosing import models_of  # asking needs none of it by default

    asking = _agrees if asks and _is_spoken_to() else None
    return models_of(
        config,
        judged=args.judge,
        agree=args.ollama,
        ask=asking,
    )


def _is_spoken_to() -> bool:
    """Whether a person sits at both ends, so that a question can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _agrees(model: str) -> bool:
    """Ask once whether the Ollama on this machine may be used."""
    print(
        f"本机的 Ollama（{model}）可以用来写回答，内容不出本机。使用吗？"
        f"Ollama on this machine ({model}) can write the answers; nothing leaves it. "
        "Use it? [y/N] ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    return sys.stdin.readline().strip().lower() in {"y", "yes", "是", "好"}


def serving(
    config: Config,
    models: Models | None = None,
    *,
    waits: bool = True,
    patience: float | None = None,
) -> Assistant:
    """The assistant with its index refreshed, or with the last good one (`brought_up_to_date`).

    With `waits` false the index that is there answers, too, while a change of the encoder is
    carried out in the background. `patience` is how many seconds an empty index that another
    process writes is waited for. What writes and judges is of `models`;
    without, sentences of the notes answer.
    """
    assistant = opened(config, models)
    if not waits and assistant.index.is_migrating:
        print(
            "youju: the passages are encoded anew in the background; the old index answers",
            file=sys.stderr,
        )
        assistant.migrate()
        return assistant
    try:
        report = brought_up_to_date(assistant, wait=patience)
    except ModelError as fault:  # an endpoint that does not answer: words still find
        if not assistant.index.n_notes:
            assistant.close()
            raise
        print(f"youju: {fault}; answering from the index as it is", file=sys.stderr)
        return assistant
    except YoujuError:
        assistant.close()
        raise
    if not report.n_notes:
        assistant.close()
        if assistant.vault is None:
            raise CorpusError(
                f"The index at {config.index} holds no notes yet:"
                f" youju index NOTES --index {config.index}"
            )
        why = f"; {len(report.skipped)} files were skipped" if report.skipped else ""
        first = (
            f" (first: {report.skipped[0].path}: {report.skipped[0].reason})"
            if report.skipped
            else ""
        )
        raise CorpusError(
            f"No notes in {config.notes}{why}{first}. Name a folder of Markdown with --notes."
        )
    return assistant
