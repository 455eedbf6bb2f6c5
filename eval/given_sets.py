"""RGB and DomainRAG as cases of `eval.given`: which texts each question is asked of.

A set is one of their files, or all files of a set that lie in a folder. Knows the sets' own forms;
asks nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError
from corpus.text import has_han
from eval.domainrag import DomainQuestion, Page, Readings, domain_questions
from eval.forms import is_domainrag, is_rgb
from eval.given_cases import Case, Given
from eval.goldens import contains
from eval.originals import parts, verified
from eval.records import read_rows

__all__ = ["NOISE", "GivenSet", "domainrag_cases", "found_cases", "rgb_cases"]

_TEXTS = 5  # a question is asked of, as in RGB
NOISE = (0.0, 0.2, 0.4, 0.6, 0.8)  # shares of them that answer nothing
_PARTED_NOISE = (0.0, 0.2, 0.4)  # of questions of several parts


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSet:
    """The cases of a set.

    Attributes:
        files: what they were read from.
        known_by: how each file is known to be the published one, by name (`originals.verified`).
    """

    cases: tuple[Case, ...]
    files: tuple[Path, ...]
    known_by: Mapping[str, str]


def found_cases(paths: Sequence[Path]) -> GivenSet | None:
    """The cases of files in the form of RGB or DomainRAG; None where none of them is.

    Raises:
        ConfigError: a file is not the published one of its name, or of a broken form.
    """
    cases: list[Case] = []
    files = []
    for path in paths:
        if not path.is_file():
            continue
        if is_rgb(path):
            made = rgb_cases(path)
        elif is_domainrag(path):
            made = domainrag_cases(path)
        else:
            continue
        # names stay apart where several files make one set
        prefix = f"{path.stem}/"
        cases += [replace(c, id=prefix + c.id, group=prefix + c.group) for c in made]
        files.append(path)
    if not files:
        return None
    known_by = {path.name: verified(path) for path in files}
    return GivenSet(cases=tuple(cases), files=tuple(files), known_by=known_by)


def rgb_cases(path: Path) -> list[Case]:
    """The questions of a file of RGB, asked of five texts at most.

    Plain files: among no noise and shares of 0.2 to 0.8 of it, in the order of the file, and of
    noise alone, which a refusal answers rightly. Files of two-part questions: of one text a part
    first, filled up with more of them or with noise. Files of false texts: of true ones, where the
    true and the false answer are checked, too; of false ones; and of both, each second one. A text
    of noise that holds the answer is left out: by the paper's definition it is none.

    Raises:
        ConfigError: a row is of another form.
    """
    out: list[Case] = []
    for n, row in enumerate(read_rows(path)):
        try:
            out += _of_row(row, str(row.get("id", n)))
        except (KeyError, TypeError, AttributeError) as fault:
            raise ConfigError(f"{path}, row {n + 1} has not RGB's form: {fault!r}") from fault
    return out


def _of_row(row: Mapping[str, Any], name: str) -> Iterator[Case]:
    right: Readings = (tuple(parts(row["answer"])),)
    question, positive = row["query"], row["positive"]
    noise = [text for text in row["negative"] if not any(contains(text, p) for p in right[0])]

    def case(kind: str, texts: Sequence[str], **more: Any) -> Case:
        return Case(
            id=f"{name} {kind}", group=name, kind=kind, lang="zh" if has_han(question) else "en",
            question=question, given=tuple(Given(text=text) for text in texts),
            **{"right": right, **more},
        )  # fmt: skip

    if "positive_wrong" in row:
        false = row["positive_wrong"]
        wrong: Readings = (tuple(parts(row["fakeanswer"])),)
        made = [
            case("true texts", positive[:_TEXTS], wrong=wrong, is_checked=True),
            case("false texts", false[:_TEXTS], wrong=wrong, answerable=None),
            case("true and false texts", _each_second(positive, false), wrong=wrong,
                 disagrees=True),
        ]  # fmt: skip
    elif positive and isinstance(positive[0], list):
        made = [
            case(f"several parts, noise {share:g}", _parted(positive, noise, share))
            for share in _PARTED_NOISE
        ]
    else:
        made = [case(f"noise {share:g}", _among(positive, noise, share)) for share in NOISE]
    made.append(case("noise alone", noise[:_TEXTS], answerable=False))
    yield from (one for one in made if one.given)


def _among(positive: Sequence[str], noise: Sequence[str], share: float) -> list[str]:
    """Texts that answer, and their share of noise, or as near to it as there are texts."""
    n_noise = min(math.ceil(_TEXTS * share), len(noise))
    n_answers = min(_TEXTS - n_noise, len(positive))
    return [*positive[:n_answers], *noise[: _TEXTS - n_answers if share else 0]]


def _parted(positive: Sequence[Sequence[str]], noise: Sequence[str], share: float) -> list[str]:
    """A text of each part, then a second of each and so on, then noise."""
    wanted = _TEXTS - math.ceil(_TEXTS * share)
    in_turn = [text for some in zip_longest(*positive) for text in some if text is not None]
    texts = in_turn[: max(wanted, len(positive))]
    return [*texts, *noise[: max(0, _TEXTS - len(texts)) if share else 0]]


def _each_second(true: Sequence[str], false: Sequence[str]) -> list[str]:
    """True and false texts in turn, never two versions of one where there are several."""
    if min(len(true), len(false)) < 2:
        return [*true[:1], *false[:1]]
    pairs = zip(true, false, strict=False)
    return [(one, other)[n % 2] for n, (one, other) in enumerate(pairs)][:_TEXTS]


def domainrag_cases(path: Path) -> list[Case]:
    """The questions of a file of DomainRAG, asked of the pages that the file gives.

    Noisy ones: among noise and of noise alone; faithful ones: of true, of false and of both pages;
    structured ones: of the text and of the HTML. Long answers (conversations, several documents)
    are compared by overlap.

    Raises:
        ConfigError: a row is of another form.
    """
    return [case for one in domain_questions(path) for case in _of_question(one)]


def _of_question(one: DomainQuestion) -> Iterator[Case]:
    def case(kind: str, texts: Sequence[Given], **more: Any) -> Case:
        return Case(
            id=f"{one.id} {kind}", group=one.id, kind=kind, lang="zh", question=one.question,
            history=one.history, given=tuple(texts), right=one.answers, is_long=one.is_long,
            **more,
        )  # fmt: skip

    true, false = _given(one.true), _given(one.false)
    noise = [text for text in _given(one.noise) if not _answers(text.text, one.answers)]
    made = []
    if one.false:
        made = [
            case("true page", true, wrong=one.false_answers, is_checked=True),
            case("false page", false, wrong=one.false_answers, answerable=None),
            case("true and false page", [*true, *false], wrong=one.false_answers, disagrees=True),
        ]
    elif one.noise:
        made = [
            case("page among noise", [*true, *noise[: _TEXTS - len(true)]]),
            case("noise alone", noise[:_TEXTS], answerable=False),
        ]
    elif one.history:
        made = [case("conversation", true)]
    elif one.is_long:
        made = [case("several pages", true)]
    else:
        made = [case("page", true)]
    if one.tables:
        tables = [Given(text=text, is_html=True) for text in one.tables]
        made.append(case("page as HTML", tables))
    yield from (some for some in made if some.given)


def _given(pages: Sequence[Page]) -> list[Given]:
    return [Given(text=page.text, title=page.title) for page in pages]


def _answers(text: str, readings: Readings) -> bool:
    return any(all(contains(text, part) for part in one) for one in readings)
