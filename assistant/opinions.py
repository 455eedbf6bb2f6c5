"""Second opinions on claims: a cross-encoder (`--nli`) or the chat model as judge (`--judge`).

An opinion can only make a verdict worse: "supported" needs the built-in check and every opinion;
a contradiction that either finds stands; an opinion that cannot be had or read makes a supported
claim "not checked". A copy of the notes to the letter needs no opinion. Knows claims and their
evidence; called by `pipeline` through `reviewed`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assistant import prompts
from assistant.disarming import for_model
from assistant.endpoint import ChatModel, Message
from assistant.markers import without_markers
from assistant.types import Claim, Verdict
from assistant.verbatim import is_verbatim
from corpus.errors import ModelError
from corpus.hub import load_model
from corpus.text import has_han

__all__ = ["ChatJudge", "CrossEncoderNli", "Opinion", "SecondOpinion", "combined", "reviewed"]

Context = Callable[[Claim], str]

_BATCH = 8  # claims a chat model is asked about at once
_JUDGE_TOKENS = 600
_MAX_EVIDENCE = 1200  # characters
_SURE = 0.5  # least probability at which a model's word counts
_VERDICTS = {v.value: v for v in Verdict if v is not Verdict.NOT_CHECKED}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdicts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "integer"},
                    "verdict": {"type": "string", "enum": sorted(_VERDICTS)},
                },
                "required": ["id", "verdict"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["verdicts"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a second judge says of a claim; `support` is its probability, None where it has none."""

    verdict: Verdict
    support: float | None = None


class SecondOpinion(Protocol):
    """A judge of claims beside the built-in one."""

    name: str

    def opinions(self, pairs: Sequence[tuple[str, str]]) -> list[Opinion]:
        """One opinion for each pair of claim and evidence, in order.

        A judge that fails says "not checked" instead of raising.
        """


def reviewed(
    claims: Sequence[Claim], judges: Sequence[SecondOpinion], context: Context
) -> tuple[Claim, ...]:
    """The claims with their final verdicts.

    Args:
        claims: as the built-in check left them.
        judges: asked in turn, each about what still has evidence to judge.
        context: the evidence of a claim with the words around it.
    """
    out = list(claims)
    for judge in judges:
        asked = [i for i, claim in enumerate(out) if _is_open(claim)]
        pairs = [(_words(out[i]), context(out[i])) for i in asked]
        for i, opinion in zip(asked, judge.opinions(pairs) if pairs else [], strict=True):
            out[i] = combined(out[i], opinion, judge.name)
    return tuple(out)


def _words(claim: Claim) -> str:
    return " ".join(without_markers(claim.text).split())


def _is_open(claim: Claim) -> bool:
    """Whether an opinion could change the verdict."""
    if claim.evidence is None or claim.verdict not in (Verdict.SUPPORTED, Verdict.UNSUPPORTED):
        return False
    return not (
        claim.verdict is Verdict.SUPPORTED and is_verbatim(_words(claim), claim.evidence.quote)
    )


def combined(claim: Claim, opinion: Opinion, name: str) -> Claim:
    """A claim after a second opinion: the worse of two verdicts, and who decided."""
    zh = has_han(claim.text)
    pro = opinion.support
    if opinion.verdict is claim.verdict or opinion.verdict is Verdict.SUPPORTED:
        agreed = opinion.verdict is claim.verdict is Verdict.SUPPORTED and pro is not None
        return replace(claim, score=round(min(claim.score, pro), 3)) if agreed and pro else claim
    if opinion.verdict is Verdict.NOT_CHECKED and claim.verdict is not Verdict.SUPPORTED:
        return claim
    form = _SAYS[opinion.verdict][0 if zh else 1]
    return replace(
        claim,
        verdict=opinion.verdict,
        score=round(min(claim.score, 0.49 if pro is None else pro), 3),
        citations=(),
        reason=form.format(name=name),
        decided_by=name,
    )


_SAYS = {
    Verdict.CONTRADICTED: (
        "{name} 判为与笔记矛盾（内置核对未发现）",
        "{name} finds a contradiction with the notes (the built-in check did not)",
    ),
    Verdict.UNSUPPORTED: (
        "{name} 认为所引的笔记不足以支持这句话",
        "{name} finds that the evidence does not support this",
    ),
    Verdict.NOT_CHECKED: (
        "{name} 没有给出可用的判断，未核对",
        "{name} gave no usable verdict; not checked",
    ),
}


class CrossEncoderNli:
    """A sentence-transformers CrossEncoder as judge: three-way NLI, or one score of consistency.

    Args:
        name: of a model on the hub (`MoritzLaurer/mDeBERTa-v3-base-xnli-multilingual-nli-2mil7`),
            or its folder. Read when first used.
    """

    def __init__(self, name: str) -> None:
        self.name = f"nli:{name}"
        self._path = name

    @cached_property
    def _model(self) -> Any:
        return load_model("CrossEncoder", self._path, option="--nli")

    @cached_property
    def _columns(self) -> tuple[int, int | None]:
        """Columns of "entailed" and, where there is one, of "contradicted"."""
        names = {int(i): str(n).lower() for i, n in self._model.config.id2label.items()}
        return label_columns(names, self._path)

    def load(self) -> None:
        """Read the model now, so that a wrong name is told before any work.

        Raises:
            ModelError: it cannot be loaded, or does not say which label is which.
        """
        _ = self._columns

    def opinions(self, pairs: Sequence[tuple[str, str]]) -> list[Opinion]:
        """See `SecondOpinion.opinions`; the evidence is the premise."""
        entailed, against = self._columns
        premises = [(evidence, claim) for claim, evidence in pairs]
        raw = np.asarray(
            self._model.predict(premises, activation_fn=_identity, show_progress_bar=False),
            np.float64,
        ).reshape(len(pairs), -1)
        return [_of_odds(row, entailed, against) for row in _probabilities(raw)]


def _identity(logits: Any) -> Any:
    return logits


def _probabilities(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits as probabilities: a softmax over labels, a sigmoid of a single score."""
    if raw.shape[1] == 1:
        single: NDArray[np.float64] = 1 / (1 + np.exp(-raw))
        return single
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _of_odds(row: NDArray[np.float64], entailed: int, against: int | None) -> Opinion:
    if not np.isfinite(row).all():
        return Opinion(verdict=Verdict.NOT_CHECKED)
    pro = float(row[entailed])
    contra = float(row[against]) if against is not None else 0.0
    if pro >= _SURE:
        return Opinion(verdict=Verdict.SUPPORTED, support=pro)
    if contra >= _SURE:
        return Opinion(verdict=Verdict.CONTRADICTED, support=pro)
    return Opinion(verdict=Verdict.UNSUPPORTED, support=pro)


_YES = re.compile(r"^(?:entail|support|consisten|faithful|factual|grounded|true|yes)")
_NO = re.compile(r"^(?:not?[ _-]|non|in|un|hallucinat|false|neutral|refut|contra)")


def label_columns(names: dict[int, str], model: str) -> tuple[int, int | None]:
    """Columns of "entailed" and "contradicted" by the names a model gives its labels.

    Args:
        names: label by column, as the model's config has them.
        model: for the message.

    Raises:
        ModelError: three labels or more whose names do not say which is which.
    """
    if len(names) == 1:
        return 0, None
    entailed = [i for i, n in names.items() if _YES.match(n.lower()) and not _NO.match(n.lower())]
    against = [i for i, n in names.items() if re.match(r"contra|refut", n.lower())]
    if len(entailed) == 1 and len(against) <= 1:
        return entailed[0], against[0] if against else None
    # two nameless labels are those of any yes-or-no classifier: no first, yes second
    if len(names) == 2 and all(re.fullmatch(r"label_?\d", n.lower()) for n in names.values()):
        return 1, None
    shown = ", ".join(names[i] for i in sorted(names))
    raise ModelError(
        f"{model} does not say which of its labels ({shown}) means entailment: "
        "name another model with --nli"
    )


class ChatJudge:
    """The chat model as judge, with a strict form; what does not keep to it is "not checked".

    Args:
        model: the chat model.
    """

    def __init__(self, model: ChatModel) -> None:
        self.name = f"judge:{model.name}"
        self._model = model

    def opinions(self, pairs: Sequence[tuple[str, str]]) -> list[Opinion]:
        """See `SecondOpinion.opinions`."""
        out: list[Opinion] = []
        for at in range(0, len(pairs), _BATCH):
            batch = pairs[at : at + _BATCH]
            try:
                reply = self._model.complete(
                    _judged(batch), max_tokens=_JUDGE_TOKENS, schema=_SCHEMA
                )
            except ModelError:
                reply = ""
            found = parsed_verdicts(reply, len(batch))
            out += [
                Opinion(verdict=found.get(n, Verdict.NOT_CHECKED)) for n in range(1, len(batch) + 1)
            ]
        return out


def _judged(batch: Sequence[tuple[str, str]]) -> list[Message]:
    zh = has_han("".join(claim for claim, _ in batch))
    form = prompts.JUDGED.of(chinese=zh)
    asked = "\n\n".join(
        form.format(id=n, claim=for_model(claim), evidence=for_model(evidence[:_MAX_EVIDENCE]))
        for n, (claim, evidence) in enumerate(batch, 1)
    )
    return [Message("system", prompts.JUDGE.of(chinese=zh).format()), Message("user", asked)]


def parsed_verdicts(reply: str, n: int) -> dict[int, Verdict]:
    """The verdicts of a judge's reply by number; nothing of a reply that breaks the form.

    Args:
        reply: JSON as the schema wants it, at most inside a code fence.
        n: how many claims were asked about; a number outside, said twice or with another
            verdict than the three is not taken.
    """
    text = re.sub(r"^```(?:json)?\s*|\s*```$", "", reply.strip())
    try:
        rows = json.loads(text)["verdicts"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return {}
    out: dict[int, Verdict] = {}
    spoilt: set[int] = set()
    for row in rows:
        number, said = row.get("id"), row.get("verdict")
        if type(number) is not int or not 1 <= number <= n:
            continue
        verdict = _VERDICTS.get(said) if isinstance(said, str) else None
        if number in out or set(row) != {"id", "verdict"} or verdict is None:
            spoilt.add(number)
        else:
            out[number] = verdict
    return {number: verdict for number, verdict in out.items() if number not in spoilt}
