"""Sets of claims and answers in their authors' own form: RAGTruth, RGB, DomainRAG, UHGEval.

Gives records (`eval.records`), each text with the texts it is judged by and what is right about
it. UHGEval's own reader is `eval.uhgeval`. Knows no checker.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError
from corpus.text import has_han
from eval.domainrag import Page, domain_questions
from eval.forms import is_domainrag, is_rgb, is_uhgeval
from eval.goldens import contains
from eval.originals import parts, verified
from eval.records import Record, read_rows
from eval.uhgeval import uhgeval

__all__ = [
    "PublishedClaims",
    "domainrag",
    "found_claims",
    "found_claims_of",
    "ragtruth",
    "ragtruth_folder",
    "rgb",
    "told",
]

_RESPONSES, _SOURCES = "response.jsonl", "source_info.jsonl"
_PASSAGES, _NOISE = 5, 0.6  # documents a claim of RGB is judged by, and the share that is noise


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedClaims:
    """Records of a published set.

    Attributes:
        files: what they were read from.
        known_by: how each file is known to be the published one, by name (`originals.verified`).
    """

    records: list[Record]
    files: tuple[Path, ...]
    known_by: Mapping[str, str]


def found_claims(path: Path, split: str) -> PublishedClaims | None:
    """The set at a place, if one of these forms lies there.

    Args:
        path: a folder with RAGTruth's files, or a file of RGB, DomainRAG or UHGEval.
        split: "dev", "test" or "all"; only RAGTruth has a split of its own, the others are taken
            whole.

    Raises:
        ConfigError: a file is not the published one of its name, or of a broken form.
    """
    folder = ragtruth_folder(path)
    if folder is not None:
        files: tuple[Path, ...] = (folder / _RESPONSES, folder / _SOURCES)
        records = ragtruth(folder, split)
    elif path.is_file() and (read := _reader(path)) is not None:
        files, records = (path,), read(path)
    else:
        return None
    known_by = {file.name: verified(file) for file in files}
    return PublishedClaims(records=records, files=files, known_by=known_by)


def _reader(path: Path) -> Callable[[Path], list[Record]] | None:
    """What reads a file of claims, by its form."""
    if is_rgb(path):
        return rgb
    if is_domainrag(path):
        return domainrag
    return uhgeval if is_uhgeval(path) else None


def found_claims_of(paths: Sequence[Path], split: str) -> PublishedClaims | None:
    """The claims of several files as one set, kinds and names under those of their files.

    Raises:
        ConfigError: as `found_claims`.
    """
    found = [(path, one) for path in paths if (one := found_claims(path, split)) is not None]
    if not found:
        return None
    records = [
        replace(
            record, id=f"{path.stem}/{record.id}", group=f"{path.stem}/{record.group}",
            kind=f"{path.stem}: {record.kind}",
        )
        for path, one in found
        for record in one.records
    ]  # fmt: skip
    return PublishedClaims(
        records=records,
        files=tuple(file for _, one in found for file in one.files),
        known_by={name: how for _, one in found for name, how in one.known_by.items()},
    )


def ragtruth_folder(path: Path) -> Path | None:
    """The folder with RAGTruth's two files: the one named, or `dataset` in it (as cloned)."""
    for folder in (path, path / "dataset"):
        if (folder / _RESPONSES).is_file() and (folder / _SOURCES).is_file():
            return folder
    return None


def ragtruth(folder: Path, split: str) -> list[Record]:
    """The answers of RAGTruth, each judged by the source it was written from.

    An answer is supported if nobody labelled a span of it, contradicted if all labelled spans are
    conflicts, unsupported if all are baseless, "either" where there are both. As in the authors'
    own baseline, answers that were cut off or refuse wrongly (`quality`) are left out, and
    structured sources are the text that the models were shown.

    Args:
        folder: of `ragtruth_folder`.
        split: "test" for the official one, "dev" for the official training answers, "all".

    Raises:
        ConfigError: an answer names no source.

    Source: Niu et al., "RAGTruth", ACL 2024; github.com/ParticleMedia/RAGTruth.
    """
    sources = {str(row["source_id"]): row for row in read_rows(folder / _SOURCES)}
    wanted = {"test": ("test",), "dev": ("train",), "all": ("train", "test")}[split]
    out = []
    for row in read_rows(folder / _RESPONSES):
        if row["split"] not in wanted or row.get("quality", "good") != "good":
            continue
        source = sources.get(str(row["source_id"]))
        if source is None:
            raise ConfigError(f"{folder}: answer {row['id']} names a source that is not there")
        out.append(_answer(row, source))
    return out


def _answer(row: Mapping[str, Any], source: Mapping[str, Any]) -> Record:
    told, task = source["source_info"], str(source["task_type"])
    isqa = isinstance(told, dict) and "passages" in told
    context = told["passages"] if isqa else told if isinstance(told, str) else str(told)
    conflict = {"conflict" in str(span["label_type"]).lower() for span in row["labels"]}
    label = "supported" if not conflict else "contradicted" if True in conflict else "unsupported"
    if len(conflict) > 1:
        label = "either"
    return Record(
        id=str(row["id"]),
        text=row["response"],
        contexts=(context,),
        label=label,
        group=str(row["source_id"]),
        kind=task,
        lang="en",
        split=row["split"],
        question=told["question"] if isqa else "",
        stratum=f"{task} {row['model']}",
        spans=tuple((int(span["start"]), int(span["end"])) for span in row["labels"]),
    )


def told(question: str, answers: Sequence[str]) -> str:
    """A claim: the question and its answer, as grounding studies of RGB put it."""
    zh = has_han(question)
    stem = question.strip().rstrip("?？ ")
    return f"{stem}{'：' if zh else ': '}{('、' if zh else ', ').join(answers)}"


def rgb(path: Path) -> list[Record]:
    """Claims with documents that support them, say otherwise or say nothing.

    Each claim is "question: answer", judged by at most five documents. Plain files give it among
    noise (three in five, supported) and by noise alone (unsupported). Files of false documents
    give the true answer by true documents (supported), a false answer by true ones and the true
    answer by false ones (contradicted), and noise alone. Files of two-part questions give
    documents of all parts, of the first only ("either") and noise. A document of noise that holds
    the answer is left out: by the paper's definition it is none.

    Raises:
        ConfigError: a row is of another form.

    Source: Chen et al., "Benchmarking Large Language Models in Retrieval-Augmented Generation",
    AAAI 2024; github.com/chen700564/RGB.
    """
    out: list[Record] = []
    for n, row in enumerate(read_rows(path)):
        try:
            claims = list(_claims(row))
        except (KeyError, TypeError) as fault:
            raise ConfigError(f"{path}, row {n + 1} has not RGB's form: {fault!r}") from fault
        out += [
            Record(
                id=f"{row.get('id', n)}-{kind.replace(' ', '-')}", text=text, contexts=tuple(shown),
                label=label, group=str(row.get("id", n)), kind=kind, question=row["query"],
                lang="zh" if has_han(row["query"]) else "en",
            )
            for kind, text, shown, label in claims
            if shown
        ]  # fmt: skip
    return out


_Claimed = tuple[str, str, Sequence[str], str]  # kind, claim, documents, label


def _claims(row: Mapping[str, Any]) -> Iterator[_Claimed]:
    parted = parts(row["answer"])
    positive, question = row["positive"], row["query"]
    claim = told(question, [part[0] for part in parted])
    noise = [d for d in row["negative"] if not any(contains(d, part) for part in parted)]
    if "positive_wrong" in row:
        yield "true document", claim, positive[:_PASSAGES], "supported"
        false = told(question, [parts(row["fakeanswer"])[0][0]])
        yield "false answer", false, positive[:_PASSAGES], "contradicted"
        yield "false document", claim, row["positive_wrong"][:_PASSAGES], "contradicted"
    elif positive and isinstance(positive[0], list):
        yield "all parts", claim, [some[0] for some in positive if some][:_PASSAGES], "supported"
        only = [d for d in positive[0] if not all(contains(d, part) for part in parted)]
        yield "one part", claim, only[:_PASSAGES], "either"
    else:
        beside = noise[: math.ceil(_PASSAGES * _NOISE)]
        yield "among noise", claim, [*positive[: _PASSAGES - len(beside)], *beside], "supported"
    yield "noise alone", claim, noise[:_PASSAGES], "unsupported"


def domainrag(path: Path) -> list[Record]:
    """Claims of a file of DomainRAG by its pages: "question: answer", as for RGB.

    The true answer by its page (supported) and, where the file has them, by pages of noise
    (unsupported) and by the changed page (contradicted); the false answer by the true page
    (contradicted). Follow-ups, which say nothing without their conversation, are left out, and so
    are answers of a passage's length, which no check by claim could call one.

    Raises:
        ConfigError: a row is of another form.

    Source: Wang et al., "DomainRAG", arXiv:2406.05654, 2024.
    """
    out = []
    for one in domain_questions(path):
        if one.is_long or not one.answers:
            continue
        claim = told(one.question, [part[0] for part in one.answers[0]])
        noise = [p for p in one.noise if not any(contains(p.text, a) for a in one.answers[0])]
        made: list[tuple[str, str, Sequence[Page], str]] = [
            ("true page", claim, one.true, "supported"),
            ("false page", claim, one.false, "contradicted"),
            ("noise alone", claim, noise[:_PASSAGES], "unsupported"),
        ]
        if one.false_answers:
            false = told(one.question, [part[0] for part in one.false_answers[0]])
            made.insert(1, ("false answer", false, one.true, "contradicted"))
        out += [
            Record(
                id=f"{one.id}-{kind.replace(' ', '-')}", text=text, label=label, group=one.id,
                contexts=tuple(_of_page(page) for page in pages), kind=kind,
                question=one.question, lang="zh",
            )
            for kind, text, pages, label in made
            if pages
        ]  # fmt: skip
    return out


def _of_page(page: Page) -> str:
    return f"# {page.title}\n\n{page.text}" if page.title else page.text
