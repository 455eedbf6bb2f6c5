"""Claims with a passage each, for `eval.training.interaction`, from texts that may be shipped on.

Right, wrong and unfounded answers to the questions of the dev halves of CMRC, DRCD and XQuAD; the
public sets of `claim_sources`; machine-written summaries of papers with their abstracts; sentences
of documentation with what stands around them. The last two also altered (a figure, a name, a
denial, an opposite, two things exchanged, another word) and reworded (words of the same sense,
clauses left out or in another order), so that neither likeness nor a change alone decides.
"""

from __future__ import annotations

import json
import lzma
import random
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from assistant.asked import stated
from assistant.lexicon import alike, opposites
from corpus.sentences import sentence_spans
from corpus.text import has_han
from corpus.tokens import content_terms
from eval.training import claim_sources
from eval.training.claim_sources import CONTRADICTED, NEITHER, SUPPORTED

__all__ = ["Pair", "altered", "documents", "public", "questions", "reworded", "summaries"]

# Documents of the notes that the golden claims are written over stay out.
_OWN_NOTES = frozenset({"self_llm", "imhuay_studies", "ml_engineering"})
_DOCUMENTS = {
    "docs_sql_zh": 0.12, "docs_dotnet_zh": 0.12, "permissive_other": 0.3, "sharealike": 0.3
}  # fmt: skip
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9\-_.+]+")
_CLAUSE = re.compile(r"[，,；;]")
_SWAPPED = re.compile(
    r"(.{2,14}?)(比|优于|基于|改进了|替代了|属于|包含|依赖于?|源于|由)(.{2,14}?)([，。更提来构组].*|)"
)
_DENIED_ZH = {
    "不能": "能", "不会": "会", "不是": "是", "不需要": "需要", "无需": "需要", "没有": "有",
    "无法": "能够",
}  # fmt: skip
_VERBS_ZH = tuple(
    "可以 需要 能够 能 会 是 支持 依赖 使用 提高 提升 采用 有助于 包含 属于 适合".split()
)
_VERB_EN = re.compile(r"\b(?:is|are|was|were|can|will|does|do|has|have|should|could)\b( not)?")
_RECENT = 400  # passages among which one like another is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A claim and a passage.

    Attributes:
        head: what stands above the passage; may be empty.
        verdict: index into LABELS.
        weight: in the loss, above 0.
        group: pairs of one group are never split.
    """

    claim: str
    head: str
    text: str
    verdict: int
    source: str
    group: str
    weight: float = 1.0


def questions(data: Path, rng: random.Random) -> Iterator[Pair]:
    """Answers to questions with the three sentences that come nearest.

    Args:
        data: the unpacked retrieval sets; only their dev halves are read.
        rng: decides about wrong answers and wording.
    """
    for one in claim_sources.answers(data, rng):
        first, _, rest = one.text.partition("\n\n")
        head, body = (first[2:], rest) if first.startswith("# ") else ("", one.text)
        yield Pair(
            claim=stated(one.claim), head=head, text=_window(one.claim, body), verdict=one.verdict,
            source=one.source, group=one.group,
        )  # fmt: skip


def public(data: Path) -> Iterator[Pair]:
    """Claims of the public sets with the three sentences that come nearest.

    Args:
        data: the folder of the sets.
    """
    for one in claim_sources.public(data):
        # a sentence of PAWS that does not say the same says it in another order
        against = one.source == "pawsx_zh" and one.verdict == NEITHER
        yield Pair(
            claim=one.claim, head="", text=_window(one.claim, one.text),
            verdict=CONTRADICTED if against else one.verdict,
            source=one.source, group=one.group, weight=0.7,
        )  # fmt: skip


def summaries(pairs: Path, rng: random.Random, *, limit: int) -> Iterator[Pair]:
    """Summaries beside abstracts: their own, altered, and of a paper like it.

    Args:
        pairs: the folder of the encoder's pairs.
        rng: of every draw.
        limit: at most so many papers.
    """
    said = _Said(rng)
    seen = 0
    for row in _rows(pairs / "arxiv_zh_en.jsonl.xz"):
        claim = row["query"]
        if seen == limit:
            return
        if row["k"] not in "sx" or len(claim) < 15 or rng.random() > 0.25:
            continue
        seen += 1
        said.learn(claim)
        text = " ".join(_sentences(row["passage"])[:6])
        yield from said.pairs(claim, claim, "", text, f"arxiv_{row['k']}")


def documents(pairs: Path, rng: random.Random, *, limit: int) -> Iterator[Pair]:
    """Sentences of documentation, reworded, beside themselves with their neighbours.

    Args:
        pairs: the folder of the encoder's pairs.
        rng: of every draw.
        limit: at most so many sentences of each of four sources.
    """
    for name, share in _DOCUMENTS.items():
        said = _Said(rng)
        seen = 0
        for row in _rows(pairs / f"{name}.jsonl.xz"):
            if row["k"] not in "thq" or row["s"] in _OWN_NOTES or rng.random() > share:
                continue
            if seen == limit:
                break
            sentences = _sentences(row["passage"])
            at = rng.randrange(len(sentences)) if sentences else 0
            if not sentences or not 12 <= len(sentences[at].strip()) <= 160:
                continue
            seen += 1
            sentence = sentences[at].strip()
            said.learn(sentence)
            head = row["query"] if row["k"] in "th" else ""
            text = " ".join(sentences[max(0, at - 1) : at + 2])
            yield from said.pairs(reworded(sentence, rng), sentence, head, text, "documents")


class _Said:
    """What was said before in one source: words to put in place of others, passages alike."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._names: deque[str] = deque(["BERT", "SQL", "Redis", "GPT-4", "HTTP"], maxlen=3000)
        self._words: deque[str] = deque(["方法", "模型", "数据", "system", "method"], maxlen=20_000)
        self._last: deque[tuple[str, str, frozenset[str]]] = deque(maxlen=_RECENT)

    def learn(self, sentence: str) -> None:
        """Keep the names and words of a sentence."""
        self._names += [n for n in _NAME.findall(sentence) if n[0].isupper()][:3]
        self._words += [w for w in _cut(sentence) if _is_content(w)]

    def pairs(self, claim: str, plain: str, head: str, text: str, source: str) -> Iterator[Pair]:
        """The claim with its text, an altered one with it, the claim with a text like it."""
        rng, group = self._rng, f"{source} {sha256(text[:50].encode()).hexdigest()[:8]}"
        yield Pair(claim=claim, head=head, text=text, verdict=SUPPORTED, source=source, group=group)
        start = claim if rng.random() < 0.6 else plain
        other = altered(start, text, rng, names=self._names, words=self._words)
        if other and other != start:
            yield Pair(
                claim=other, head=head, text=text, verdict=CONTRADICTED, source=source, group=group
            )
        ours = frozenset(content_terms(plain))
        if self._last:
            some = rng.sample(self._last, min(30, len(self._last)))
            above, near, _ = max(some, key=lambda one: len(ours & one[2]))
            yield Pair(
                claim=claim, head=above, text=near, verdict=NEITHER, source=source, group=group
            )
        self._last.append((head, text, frozenset(content_terms(text))))


def reworded(sentence: str, rng: random.Random) -> str:
    """The sentence in other words, shorter, or in another order; now and then as it is."""
    for change in (_same_sense, _shorter, _other_order, _same_sense):
        if rng.random() < 0.5:
            sentence = change(sentence, rng) or sentence
    return sentence


def altered(
    sentence: str, text: str, rng: random.Random, *, names: Sequence[str], words: Sequence[str]
) -> str | None:
    """The sentence with one thing changed that its passage says otherwise, or None.

    Args:
        sentence: true by `text`.
        text: gives figures and names to put in place of others.
        rng: decides what is changed.
        names: to put in place of others.
        words: likewise.
    """
    changes: tuple[Callable[[], str | None], ...] = (
        lambda: _other_number(sentence, text, rng),
        lambda: _other_name(sentence, text, rng, names),
        lambda: _denied(sentence, rng),
        lambda: _opposite(sentence, rng),
        lambda: _exchanged(sentence, rng),
        lambda: _other_word(sentence, text, rng, words),
    )
    return rng.choice(changes)()


def _other_number(sentence: str, text: str, rng: random.Random) -> str | None:
    found = list(_NUMBER.finditer(sentence))
    if not found:
        return None
    one = rng.choice(found)
    others = [n for n in _NUMBER.findall(text) if n != one.group()]
    if others and rng.random() < 0.5:
        return _replaced(sentence, one, rng.choice(others))
    value = float(one.group()) * rng.choice((0.5, 0.8, 1.2, 1.5, 2, 3, 10))
    if "." in one.group():
        return _replaced(sentence, one, f"{value:.{len(one.group().split('.')[1])}f}")
    whole = round(value)
    return _replaced(sentence, one, str(whole if whole != float(one.group()) else whole + 1))


def _other_name(sentence: str, text: str, rng: random.Random, names: Sequence[str]) -> str | None:
    chinese = has_han(sentence)
    found = [
        m for m in _NAME.finditer(sentence)
        if chinese or m.group()[0].isupper() or any(c.isdigit() for c in m.group())
    ]  # fmt: skip
    if not found:
        return None
    one = rng.choice(found)
    here = sorted({n for n in _NAME.findall(text) if n[0].isupper() and n not in sentence})
    other = rng.choice(here) if here and rng.random() < 0.6 else rng.choice(names)
    return None if other.lower() == one.group().lower() else _replaced(sentence, one, other)


def _denied(sentence: str, rng: random.Random) -> str | None:
    if not has_han(sentence):
        verb = _VERB_EN.search(sentence)
        if verb is None:
            return None
        if verb.group(1):
            return sentence[: verb.start(1)] + sentence[verb.end(1) :]
        return f"{sentence[: verb.end()]} not{sentence[verb.end() :]}"
    for denial, plain in _DENIED_ZH.items():
        if denial in sentence:
            return sentence.replace(denial, plain, 1)
    said = next((v for v in _VERBS_ZH if v in sentence), None)
    return said and sentence.replace(said, rng.choice(("不", "并不")) + said, 1)


def _opposite(sentence: str, rng: random.Random) -> str | None:
    cut = _cut(sentence)
    found = [(i, sorted(opposites(word.lower()))) for i, word in enumerate(cut)]
    found = [(i, others) for i, others in found if others]
    if not found:
        return None
    i, others = rng.choice(found)
    return "".join([*cut[:i], rng.choice(others), *cut[i + 1 :]])


def _exchanged(sentence: str, rng: random.Random) -> str | None:
    if has_han(sentence):
        sides = _SWAPPED.fullmatch(sentence)
        if sides:
            return "".join(sides.group(3, 2, 1, 4))
    found = list(_NAME.finditer(sentence))
    if len(found) < 2:
        return None
    a, b = sorted(rng.sample(found, 2), key=lambda m: m.start())
    if a.group().lower() == b.group().lower():
        return None
    between = sentence[a.end() : b.start()]
    return f"{sentence[: a.start()]}{b.group()}{between}{a.group()}{sentence[b.end() :]}"


def _other_word(sentence: str, text: str, rng: random.Random, words: Sequence[str]) -> str | None:
    cut = _cut(sentence)
    found = [i for i, word in enumerate(cut) if _is_content(word)]
    if not found:
        return None
    i = rng.choice(found)
    for _ in range(20):
        other = rng.choice(words)
        if has_han(other) == has_han(cut[i]) and other not in text:
            return "".join([*cut[:i], other, *cut[i + 1 :]])
    return None


def _same_sense(sentence: str, rng: random.Random) -> str | None:
    cut = _cut(sentence)
    changed = False
    for i, word in enumerate(cut):
        others = sorted(
            w for w in alike(word.lower()) if has_han(w) == has_han(word) or rng.random() < 0.3
        )
        if others and rng.random() < 0.35:
            cut[i] = rng.choice(others)
            changed = True
    return "".join(cut) if changed else None


def _shorter(sentence: str, rng: random.Random) -> str | None:
    parts = _CLAUSE.split(sentence.rstrip("。."))
    out = rng.randrange(len(parts))
    rest = [part for i, part in enumerate(parts) if i != out]
    joined = ("，" if has_han(sentence) else ",").join(rest).strip()
    return joined if len(joined) >= 8 else None


def _other_order(sentence: str, rng: random.Random) -> str | None:
    parts = [part.strip() for part in _CLAUSE.split(sentence.rstrip("。."))]
    if len(parts) < 2 or any(len(part) < 5 for part in parts):
        return None
    rng.shuffle(parts)
    return ("，" if has_han(sentence) else ", ").join(parts)


def _replaced(sentence: str, found: re.Match[str], other: str) -> str:
    return sentence[: found.start()] + other + sentence[found.end() :]


def _cut(sentence: str) -> list[str]:
    """Words and what stands between them, so that joined they are the sentence."""
    if not has_han(sentence):
        return re.findall(r"\w+|\W+", sentence)
    import jieba

    return [str(word) for word in jieba.cut(sentence)]


def _is_content(word: str) -> bool:
    return bool(word.strip()) and len(word) >= (2 if has_han(word) else 5)


def _window(claim: str, text: str) -> str:
    """The three neighbouring sentences that share most with the claim, else the beginning."""
    ours, sentences = set(content_terms(claim)), _sentences(text)
    runs = [" ".join(sentences[i : i + 3]) for i in range(max(1, len(sentences) - 2))]
    return max(runs, key=lambda run: len(ours & set(content_terms(run)))) or text[:400]


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
