"""Public sets in the form their authors published: their checksums, and reading sets.

Questions over paragraphs in the form of SQuAD v1.1 (XQuAD, DRCD, CMRC 2018 on CodaLab), of CMRC
2018's repository, of RGB (one JSON object a line with `query`, `answer`, `positive` and
`negative`) or of DomainRAG (`eval.domainrag`). A form is recognised by what a file holds, a set by
its name; sets of claims are read by `published_claims`. Knows files and what is right; neither
search nor check.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError
from eval.domainrag import domain_questions
from eval.forms import is_domainrag, is_rgb, is_uhgeval
from eval.records import read_rows
from eval.runs import md5_of, sha256_of
from eval.sources import FAMILIES, KNOWN_SETS, ORIGINALS, SET_FILES

__all__ = [
    "READING",
    "Paragraph",
    "Published",
    "ReadQuestion",
    "Reading",
    "family_files",
    "found_reading",
    "original_place",
    "parts",
    "verified",
]

# Folders that a clone or an unpacked archive of a set is called, and where its data lie in it.
_CLONES = (
    "xquad", "cmrc2018/data", "DRCD", "RGB/data", "data", "rgb", "ragtruth", "RAGTruth/dataset",
    "uhgeval", "UHGEval/data/Xinhua", "UHGEval/src/eval_suite/benchs/uhgeval", "data/Xinhua",
    "UHGEval/eval/benchs/uhgeval", "src/eval_suite/benchs/uhgeval", "domainrag",
    *(
        f"{base}{folder}"
        for base in ("DomainRAG/BCM/labeled_data/", "BCM/labeled_data/", "labeled_data/", "")
        for folder in ("extractive_qa", "conversation_qa", "structured_qa", "faithful_qa",
                       "noisy_qa", "time-sensitive_qa", "multi-doc_qa")
    ),
)  # fmt: skip
_SNIFFED = 65_536  # characters of a file that are looked at to tell its form


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A text that questions are about, with the title of its article."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadQuestion:
    """A question, the paragraphs that answer it (places in `Reading.paragraphs`), its answers."""

    id: str
    text: str
    paragraphs: tuple[int, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A reading set: paragraphs, and questions over all of them."""

    paragraphs: tuple[Paragraph, ...]
    questions: tuple[ReadQuestion, ...]

    def written(self, *, by_id: bool = False) -> dict[str, str]:
        """The set as the files of the BEIR form (`eval.sources.SET_FILES`), by name.

        Args:
            by_id: whether the judgements stand in the order of the questions' ids.
        """
        corpus = [
            {"id": f"p{n}", "title": p.title, "text": p.text} for n, p in enumerate(self.paragraphs)
        ]
        queries = [{"id": q.id, "text": q.text} for q in self.questions]
        answers = [{"id": q.id, "answers": list(q.answers)} for q in self.questions]
        judged = sorted(self.questions, key=lambda q: q.id) if by_id else self.questions
        qrels = "".join(f"{q.id}\tp{n}\t1\n" for q in judged for n in q.paragraphs)
        texts = (_lines(corpus), _lines(queries), qrels, _lines(answers))
        return dict(zip(SET_FILES, texts, strict=True))

    def digest(self, *, by_id: bool = False) -> str:
        """What `eval.sources.digest_of` gives for a folder that holds these files."""
        whole = hashlib.sha256()
        for name, text in self.written(by_id=by_id).items():
            one = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            whole.update(f"{name} {one}\n".encode())
        return whole.hexdigest()


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as fault:
        raise ConfigError(f"{path} cannot be read ({fault})") from fault


def _squad(data: Any) -> Iterator[tuple[Paragraph, list[tuple[str, str, list[str]]]]]:
    """Paragraphs with (id, question, answers), of SQuAD's form or of CMRC 2018's own."""
    if isinstance(data, dict):
        for article in data["data"]:
            for one in article["paragraphs"]:
                asked = [
                    (str(qa["id"]), qa["question"], [a["text"] for a in qa["answers"]])
                    for qa in one["qas"]
                ]
                yield Paragraph(title=article.get("title") or "", text=one["context"]), asked
    else:
        for one in data:
            asked = [(str(qa["query_id"]), qa["query_text"], qa["answers"]) for qa in one["qas"]]
            yield Paragraph(title=one.get("title") or "", text=one["context_text"]), asked


def _reading(path: Path) -> Reading:
    """A file of one of the two forms.

    Raises:
        ConfigError: it is of neither.
    """
    paragraphs, questions = [], []
    try:
        for n, (paragraph, asked) in enumerate(_squad(_json(path))):
            paragraphs.append(paragraph)
            questions += [
                ReadQuestion(id=i, text=q, paragraphs=(n,), answers=tuple(sorted(set(answers))))
                for i, q, answers in asked
                if answers
            ]
    except (KeyError, TypeError, AttributeError) as fault:
        raise ConfigError(f"{path} has neither SQuAD's form nor CMRC 2018's: {fault!r}") from fault
    return Reading(paragraphs=tuple(paragraphs), questions=tuple(questions))


def _across(asked: Reading, answering: Reading) -> Reading:
    """The questions of one language over the paragraphs, and with the answers, of another."""
    answers = {q.id: q.answers for q in answering.questions}
    questions = tuple(
        ReadQuestion(id=q.id, text=q.text, paragraphs=q.paragraphs, answers=answers[q.id])
        for q in asked.questions
        if q.id in answers
    )
    return Reading(paragraphs=answering.paragraphs, questions=questions)


# Characters that the shipped table simplifies otherwise than the one this set was made with.
_OTHERWISE = str.maketrans("逕筴鰤樫訢𥗽馼鱲儸甦拚", "径䇲𫚕㭴䜣𬒗𫘜𫚭㑩甦拼")


@lru_cache(maxsize=1)
def _simpler() -> dict[int, str]:
    text = files("corpus").joinpath("data/traditional.txt").read_text(encoding="utf-8")
    traditional, simplified = text.split("\n")[:2]
    table = dict(zip(map(ord, traditional), simplified, strict=True))
    return {**table, **{code: chr(to) for code, to in _OTHERWISE.items()}}


def _simplified(found: Reading) -> Reading:
    """All of it with every traditional character in its most common simplified form."""

    def plain(text: str) -> str:
        return text.translate(_simpler())

    return Reading(
        paragraphs=tuple(
            Paragraph(title=plain(p.title), text=plain(p.text)) for p in found.paragraphs
        ),
        questions=tuple(
            ReadQuestion(
                id=q.id, text=plain(q.text), paragraphs=q.paragraphs,
                answers=tuple(sorted({plain(a) for a in q.answers})),
            )
            for q in found.questions
        ),
    )  # fmt: skip


# How the sets of `KNOWN_SETS` come from the files of `ORIGINALS`, by name of the set.
_MADE: dict[str, tuple[tuple[str, ...], Callable[..., Reading]]] = {
    "cmrc2018_dev": (("cmrc2018_dev.json",), lambda one: one),
    "drcd_test_hans": (("DRCD_test.json",), _simplified),
    "drcd_test_hant": (("DRCD_test.json",), lambda one: one),
    "xquad_en": (("xquad.en.json",), lambda one: one),
    "xquad_zh": (("xquad.zh.json",), lambda one: one),
    "xquad_en2zh": (("xquad.en.json", "xquad.zh.json"), _across),
    "xquad_zh2en": (("xquad.zh.json", "xquad.en.json"), _across),
}


# Sets of `KNOWN_SETS` that come from original files.
READING = frozenset(_MADE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A reading set from original files.

    Attributes:
        files: what it was read from.
        known_by: how it is known to be the published one, by file or, for a set of `KNOWN_SETS`
            that came out to the byte, by the set's name: `verified`'s words, or "content".
    """

    reading: Reading
    files: tuple[Path, ...]
    known_by: Mapping[str, str]


def original_place(folder: Path, name: str) -> Path | None:
    """A file of a set in a folder, or in a folder of it that is called as the set's origin."""
    tried = (folder / name, *(folder / sub / name for sub in _CLONES))
    return next((path for path in tried if path.is_file()), None)


def family_files(folder: Path, name: str) -> list[Path]:
    """The files of a set of several (`sources.FAMILIES`) that lie in a folder or in its clone.

    A file that its authors refined stands for the first version of it.
    """
    found = {
        file: place
        for file in FAMILIES.get(name, ())
        if (place := original_place(folder, file)) is not None
    }
    for file in list(found):
        found.pop(file.replace("_refine", "") if "_refine" in file else "", None)
    return list(found.values())


def found_reading(base: Path) -> Published | None:
    """A reading set from original files.

    Args:
        base: a file of SQuAD's, CMRC 2018's, RGB's or DomainRAG's form; or where the folder of a
            known set would be (`FOLDER/xquad_zh`), when its original files lie beside it or in it.

    Returns:
        None where there is no such file, or the file is of another form.

    Raises:
        ConfigError: a file cannot be read, or is not the known one of its name.
    """
    if base.is_file():
        of_form = _rgb_reading if is_rgb(base) else _domain_reading if is_domainrag(base) else None
        if of_form is not None:
            return Published(
                reading=of_form(base), files=(base,), known_by={base.name: verified(base)}
            )
        if not _is_squad(base):
            return None
        known_by = {base.name: verified(base)}
        return Published(reading=_reading(base), files=(base,), known_by=known_by)
    names, make = _MADE.get(base.name, ((), None))
    if make is None:
        return None
    placed = [original_place(base, name) or original_place(base.parent, name) for name in names]
    found = tuple(path for path in placed if path is not None)
    if len(found) < len(names):
        return None
    made = make(*map(_reading, found))
    return Published(reading=made, files=found, known_by=_known_by(base.name, made, found))


def _known_by(name: str, made: Reading, found: Sequence[Path]) -> dict[str, str]:
    """That it is the known set to the byte, else what is known of its files, which may refuse."""
    if KNOWN_SETS[name].sha256 in (made.digest(), made.digest(by_id=True)):
        return {name: "content"}
    return {path.name: verified(path) for path in found}


def _is_squad(path: Path) -> bool:
    """Whether a file looks like SQuAD's form or CMRC 2018's, by its beginning."""
    if path.suffix != ".json":
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        head = file.read(_SNIFFED).lstrip()
    return (head[:1] == "{" and '"paragraphs"' in head) or (
        head[:1] == "[" and '"context_text"' in head
    )


def verified(path: Path) -> str:
    """How far a file of a known name is known to be the published one.

    Returns:
        "sha256" or "md5" where its checksum is a known one; "size" where it is not (most authors
        state none) and the number of its rows is a published one; "" for a file of no known name.

    Raises:
        ConfigError: neither holds.
    """
    known = ORIGINALS.get(path.name)
    if known is None:
        return ""
    if sha256_of(path) in known.sha256:
        return "sha256"
    if known.md5 and md5_of(path) in known.md5:
        return "md5"
    n = _size(path)
    if n not in (known.n_rows, *known.versions):
        raise ConfigError(
            f"{path} holds {n} {known.rows}, the published file {known.n_rows}: {known.told}"
        )
    return "size"


def _size(path: Path) -> int:
    if path.suffix == ".jsonl" or is_rgb(path) or is_uhgeval(path):
        return sum(1 for _ in read_rows(path))
    return len(_reading(path).questions)


def parts(answer: Any) -> list[tuple[str, ...]]:
    """The parts of an answer, each with its alternatives."""
    listed = answer if isinstance(answer, list) else [answer]
    return [tuple(map(str, part)) if isinstance(part, list) else (str(part),) for part in listed]


def _rgb_reading(path: Path) -> Reading:
    """RGB as a reading set: all documents of all questions, each question with its positive ones.

    For two-part questions the answers are the parts: a sentence that holds one of them counts.
    """
    places: dict[str, int] = {}
    questions = []
    for n, row in enumerate(read_rows(path)):
        nested = row["positive"] and isinstance(row["positive"][0], list)
        positive = list(chain.from_iterable(row["positive"])) if nested else row["positive"]
        at = [places.setdefault(text, len(places)) for text in positive]
        for text in row["negative"]:
            places.setdefault(text, len(places))
        answers = tuple(sorted({a for part in parts(row["answer"]) for a in part}))
        questions.append(
            ReadQuestion(
                id=str(row.get("id", n)), text=row["query"],
                paragraphs=tuple(dict.fromkeys(at)), answers=answers,
            )
        )  # fmt: skip
    paragraphs = tuple(Paragraph(title="", text=text) for text in places)
    return Reading(paragraphs=paragraphs, questions=tuple(q for q in questions if q.paragraphs))


def _domain_reading(path: Path) -> Reading:
    """DomainRAG as a reading set: all pages of a file, each question with those that answer it."""
    places: dict[tuple[str, str], int] = {}
    questions = []
    for one in domain_questions(path):
        at = [places.setdefault((page.title, page.text), len(places)) for page in one.true]
        for page in one.noise:
            places.setdefault((page.title, page.text), len(places))
        short = () if one.is_long else (part[0] for reading in one.answers for part in reading)
        questions.append(
            ReadQuestion(
                id=one.id, text=one.question, paragraphs=tuple(dict.fromkeys(at)),
                answers=tuple(sorted(set(short))),
            )
        )  # fmt: skip
    paragraphs = tuple(Paragraph(title=title, text=text) for title, text in places)
    return Reading(paragraphs=paragraphs, questions=tuple(q for q in questions if q.paragraphs))
