"""The verdict on a claim from what each passage says of it.

Models trained on claims with known verdicts (`eval.training.grounding`): the judge gives every
passage the probability that it supports the claim, contradicts it, or does neither; the second
weighs all passages together. A third, trained also on claims of others with their contexts,
orders what is not supported. Rules object: "supported" needs both, probability and no objection.
Knows findings; not notes. Called by `grounding`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from assistant.comparing import Finding, contradiction
from assistant.shares import Shares
from assistant.types import Verdict
from assistant.words import words
from corpus.sentences import is_label

__all__ = [
    "CLAIM_FEATURES",
    "JUDGED",
    "KINDS",
    "LABELS",
    "Likelihood",
    "better_read",
    "claim_row",
    "decide",
    "is_open_to",
    "is_same_subject",
    "judged_row",
    "settled",
    "with_reading",
]

_BELOW = 0.01  # at least so much less than what is supported scores what is not
_SURE = 0.6  # a conflict that no probability outweighs
# Probability of support from which neither a name nor a label objects, and from which a sign that
# differs in a copy contradicts nothing, though it keeps it from being supported (eval/LOG.md).
_CERTAIN, _LIKELY = 0.9, 0.7
_ABSENT = 0.5
_ALL, _MIXED = 0.92, 0.3
_MORE = 0.05  # of the claim that a plain sentence says beyond an altered copy
_JOINED = 0.75  # a sentence is shown rather than several, if it is nearly as likely
# Least probability of "contradicted" where a slot that differs can be shown, where none can, and
# where a figure of the claim is missing and no other one stands in its place.
_LEAST_CONFLICT, _NAMED, _UNNAMED, _UNPLACED = 0.3, 0.45, 0.65, 0.75
_SAME_THING, _SAME_OWN = 0.8, 0.5

_LEAST_READ = np.float32(-6.0)  # a log probability says no more than this

LABELS = ("supported", "contradicted", "unsupported")
KINDS = ("number", "version", "negation", "opposite", "quantifier", "role", "order", "name", "word")
JUDGED = (
    "coverage", "own", "rest", "heaviest", "names", "numbers", "n_loose", "denied", "added",
    "mixing", "scattered", "crossing", "joined", "in_order", "soft", "extra", "n_words",
    "n_passage", "verbatim", "ruled", "label", "altered", "cosine", "kin", *KINDS,
    "read_for", "read_against",
)  # fmt: skip


def judged_row(f: Finding) -> list[float]:
    """The features of a finding in the order of JUDGED, but those of the reading (the last two)."""
    strengths = dict.fromkeys(KINDS, 0.0)
    for c in f.found:
        strengths[c.kind] = max(strengths[c.kind], c.strength)
    return [
        f.coverage, f.own, f.rest, f.heaviest, float(len(f.names)), float(len(f.numbers)),
        float(f.n_loose), float(f.denied), float(len(f.added)), f.mixing, float(f.is_scattered),
        float(f.is_crossing), float(f.is_joined), f.in_order, f.soft, f.extra, float(f.n_words),
        float(f.n_passage), float(f.is_verbatim), float(contradiction(f) is not None),
        float(is_label(f.passage.text)), float(f.is_altered), f.cosine, f.kin, *strengths.values(),
    ]  # fmt: skip


def with_reading(rows: Sequence[Sequence[float]], read: NDArray[np.float32]) -> NDArray[np.float32]:
    """All features of findings in the order of JUDGED.

    Args:
        rows: of `judged_row`, n at least 1.
        read: log probabilities by `interaction`, of shape (n, 3).

    Returns:
        float32 of shape (n, len(JUDGED)); the last two are the log odds that a passage supports
        the claim, and that it contradicts it.
    """
    held = np.maximum(read, _LEAST_READ)
    odds = [held[:, k] - np.logaddexp(held[:, (k + 1) % 3], held[:, (k + 2) % 3]) for k in range(2)]
    return np.column_stack([np.array(rows, np.float32), *odds]).astype(np.float32)


CLAIM_FEATURES = (
    *(f"support {name}" for name in JUDGED),
    *(f"against {name}" for name in JUDGED),
    *(f"nearest {name}" for name in JUDGED),
    *(f"max {name}" for name in JUDGED),
    *(f"mean {name}" for name in JUDGED),
    *(f"{at} {odds}" for at in ("support", "against", "nearest") for odds in LABELS),
    "two support", "two against", "all support", "all against", "passages", "same", "same nearest",
)  # fmt: skip


def claim_row(rows: NDArray[np.float32], odds: NDArray[np.float64]) -> NDArray[np.float32]:
    """What all passages together say of a claim.

    Args:
        rows: features of the findings (JUDGED), of shape (n, len(JUDGED)), n at least 1.
        odds: probabilities that each passage supports, contradicts, does neither; (n, 3).

    Returns:
        float32 of shape (len(CLAIM_FEATURES),): the passage that supports most, the one that
        contradicts most, the one that covers most, the largest of all, the mean of the four that
        say most, their probabilities, and probabilities added up.
    """
    column = {name: i for i, name in enumerate(JUDGED)}
    s, c = int(odds[:, 0].argmax()), int(odds[:, 1].argmax())
    near = int(rows[:, column["coverage"]].argmax())
    top = np.argsort(-(odds[:, 0] + odds[:, 1]), kind="stable")[:4]
    extra = [
        np.sort(odds[:, 0])[-2:].sum(), np.sort(odds[:, 1])[-2:].sum(), odds[:, 0].sum(),
        odds[:, 1].sum(), len(odds), s == c, s == near,
    ]  # fmt: skip
    parts = [rows[s], rows[c], rows[near], rows.max(axis=0), rows[top].mean(axis=0)]
    return np.concatenate([*parts, odds[s], odds[c], odds[near], extra]).astype(np.float32)


def decide(
    rows: NDArray[np.float32],
    odds: NDArray[np.float64],
    chances: NDArray[np.float64],
    *,
    support: float,
    is_near: bool = True,
    misplaced: int = -1,
) -> tuple[Verdict, int]:
    """The verdict on a claim, and the passage on which it rests.

    Args:
        rows: features of the findings (JUDGED), of shape (n, len(JUDGED)), n at least 1.
        odds: probabilities that each passage supports, contradicts, does neither; (n, 3).
        chances: probabilities of the three verdicts for the whole claim; (3,).
        support: least probability of the verdict "supported".
        is_near: whether an altered copy, if there is one, is taken from close together; one
            picked from far apart keeps the claim from being supported, but contradicts nothing.
        misplaced: the passage that gives a figure of the claim for another thing, or -1; the claim
            is contradicted, unless the notes do not speak of what it is about.

    Returns:
        Supported only where no figure, rule or altered copy objects, whatever the probability,
        and, unless it is very high, no name and no label. A claim that is likely but not surely
        supported is not called contradicted: it is not found in the notes.
    """
    column = {name: rows[:, i] for i, name in enumerate(JUDGED)}
    verbatim = np.flatnonzero(column["verbatim"] > 0)
    if verbatim.size:
        return Verdict.SUPPORTED, int(verbatim[column["n_passage"][verbatim].argmin()])
    s, c = int(odds[:, 0].argmax()), _shortest(odds[:, 1], column["joined"])
    if misplaced >= 0:
        return (
            (Verdict.CONTRADICTED, misplaced) if chances[2] < _ABSENT else (Verdict.UNSUPPORTED, s)
        )
    # what one sentence says otherwise, no other one makes true
    altered = bool((column["altered"] > 0).any())
    objects = altered or any(column[name][s] > 0 for name in ("numbers", "ruled"))
    if chances[0] < _CERTAIN:
        objects = objects or any(column[name][s] > 0 for name in ("names", "label"))
    # every word of the claim in one sentence, in the same order: no judge needs to be sure
    plain = (column["own"] >= _ALL) & (column["in_order"] >= 1.0) & (column["joined"] == 0)
    plain &= ~_objection(column)
    # a copy of another sentence that lacks some of it speaks of another thing; several sentences
    # may be one that is plain with others around it
    copies = (column["altered"] > 0) & (column["joined"] == 0)
    says_more = (
        column["own"][plain].max(initial=0.0) > column["own"][copies].max(initial=0.0) + _MORE
    )
    if plain.any() and (not altered or says_more):
        return Verdict.SUPPORTED, int(np.where(plain, odds[:, 0], -1.0).argmax())
    if chances[0] >= support and not objects:
        return Verdict.SUPPORTED, s
    conflict = max(float(column[kind][c]) for kind in KINDS)
    altered &= is_near and bool(chances[0] < _LIKELY)
    if altered or conflict >= _LEAST_CONFLICT:
        least = _NAMED
    else:  # nobody could be told why; a figure may stand nowhere in the notes
        least = _UNPLACED if column["numbers"][c] > 0 else _UNNAMED
    if chances[1] >= max(chances[0], chances[2], least) or (altered and chances[1] >= chances[2]):
        return Verdict.CONTRADICTED, c
    return Verdict.UNSUPPORTED, s if odds[s, 0] >= odds[c, 1] else c


def _shortest(odds: NDArray[np.float64], joined: NDArray[np.float32]) -> int:
    """The likeliest passage, a single sentence where one is nearly as likely as several."""
    return int((odds * np.where(joined > 0, _JOINED, 1.0)).argmax())


def _objection(column: dict[str, NDArray[np.float32]]) -> NDArray[np.bool_]:
    """In which passages something differs from the claim."""
    conflict = np.max([column[kind] for kind in KINDS], axis=0)
    found: NDArray[np.bool_] = (
        (column["names"] > 0)
        | (column["numbers"] > 0)
        | (column["denied"] > 0)
        | (column["added"] > 0)
        | (column["ruled"] > 0)
        | (column["label"] > 0)
        | (conflict >= _SURE)
        | (column["mixing"] >= _MIXED)
    )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """How likely a claim that is not called supported is supported after all.

    A logistic function of the third model's log odds, of coverage (words that the passages share
    with a claim tell more in texts of others than in altered copies of notes) and of whether the
    verdict is "contradicted".

    Attributes:
        coverage: weight of the largest coverage by alignment beside the log odds.
        whole: weight of the share of the claim that all passages hold.
        window: weight of the share that three neighbouring sentences hold.
        slope: of the sum of these.
        contradicted: added to it where the verdict is "contradicted".
        offset: added to it.

    Source: Platt, "Probabilistic outputs for support vector machines", 1999.
    """

    coverage: float
    whole: float
    window: float
    slope: float
    contradicted: float
    offset: float

    @classmethod
    def of(cls, facts: Mapping[str, float]) -> Likelihood:
        """From what was fitted beside the trees."""
        return cls(**{field.name: facts[field.name] for field in fields(cls)})

    def told(self, rows: NDArray[np.float32], chance: float, shares: Shares) -> float:
        """What model and coverage say together, as log odds; arguments as of `probability`."""
        sure = min(max(chance, 0.001), 0.999)
        largest = float(rows[:, JUDGED.index("coverage")].max())
        held = self.whole * shares.whole + self.window * shares.window
        return float(np.log(sure / (1 - sure))) + self.coverage * largest + held

    def probability(
        self, rows: NDArray[np.float32], chance: float, shares: Shares, *, is_contradicted: bool
    ) -> float:
        """The probability, in (0, 1).

        Args:
            rows: features of the findings (JUDGED), of shape (n, len(JUDGED)), n at least 1.
            chance: the third model's probability of "supported".
            shares: how much of the claim's words the passages hold.
            is_contradicted: whether that is the verdict.
        """
        log_odds = self.slope * self.told(rows, chance, shares) + self.offset
        log_odds += self.contradicted * is_contradicted
        return float(1 / (1 + np.exp(-log_odds)))


def settled(
    f: Finding,
    verdict: Verdict,
    chances: NDArray[np.float64],
    *,
    support: float,
    likely: float | None = None,
) -> Finding:
    """The finding with its verdict and its score.

    Args:
        f: the passage on which the verdict rests.
        verdict: on the claim.
        chances: probabilities of the three verdicts; (3,).
        support: least probability of the verdict "supported".
        likely: `Likelihood` of a claim that is not supported, or None to go by `chances`.

    Returns:
        Its score is the probability that the notes support the claim; below `support` where that is
        not the verdict, whatever the model would say without the objections.
    """
    if f.is_verbatim:
        return f
    pro, contra, neither = (float(chance) for chance in chances)
    if verdict is Verdict.SUPPORTED:
        score = max(pro, support)
    else:
        score = min(pro if likely is None else likely, support - _BELOW)
    against = contradiction(f)
    found = f.found
    if verdict is Verdict.CONTRADICTED and against is not None:
        found = (against, *(c for c in f.found if c is not against))
    score = min(0.98, max(0.01, score))
    return replace(f, verdict=verdict, score=score, odds=(pro, contra, neither), found=found)


def is_open_to(plain: Finding, claim: str, other: str) -> bool:
    """Whether another wording may say more of a claim than what was found for it as written.

    A contradiction stands in every wording where a figure or a name differs, and where something
    is denied, unless the wording drops denials that cancel.

    Args:
        plain: what was found for the claim as written; not supported.
        claim: as written.
        other: says the same.
    """
    if plain.verdict is not Verdict.CONTRADICTED or not plain.found:
        return True
    kind = plain.found[0].kind
    if kind != "negation":
        return kind in _OF_FORM
    before, after = (sum(w.role == "negation" for w in words(text)) for text in (claim, other))
    return after < before


_OF_FORM = frozenset({"role", "order", "opposite", "word"})


def better_read(plain: Finding, others: Sequence[tuple[str, Finding]]) -> Finding:
    """What decides of a claim and of wordings that say the same.

    Args:
        plain: what was found for the claim as written; not supported.
        others: each wording with what was found for it.

    Returns:
        A finding that supports; else, where the claim as written is contradicted only because of
        its form, that of the wording which the notes come nearest to; else `plain`.
    """
    if not others:
        return plain
    wording, best = max(
        others, key=lambda pair: (pair[1].verdict is Verdict.SUPPORTED, pair[1].score)
    )
    if best.verdict is Verdict.SUPPORTED:
        return replace(best, is_verbatim=False, reworded=wording)
    unexplained = plain.verdict is Verdict.CONTRADICTED and not plain.found
    if unexplained and best.score > plain.score:
        return replace(best, reworded=wording)
    return plain


def is_same_subject(f: Finding) -> bool:
    """Whether a passage speaks of the very thing that the claim speaks of, figures aside."""
    speaks = f.own >= _SAME_OWN or f.told >= _SAME_THING
    return f.rest >= _SAME_THING and speaks and not f.names and not f.is_joined
