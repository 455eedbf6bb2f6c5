"""The two promises of the check, over the sentences of real notes (design.md, section 6, no. 5).

A sentence copied from the notes is supported. A copy with another number, another unit, another
name, or its negation turned round never is. A part of the sentences by default, all with `slow`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.claims import claims_of
from assistant.config import sample_notes
from assistant.markers import without_markers
from assistant.nearcopy import alteration
from assistant.pipeline import Assistant
from assistant.quantities import quantities
from assistant.types import LIKELY, Verdict
from assistant.words import words
from corpus.tokens import tokens
from corpus.units import units

SEED = 20_261
N_COPIES, N_EDITS = 80, 40  # of each vault and each kind, by default


class Notes:
    """Notes with an index and the sentences they hold."""

    def __init__(self, root: Path, home: Path) -> None:
        self.assistant = Assistant.open(root, home)
        self.assistant.refresh()
        index = self.assistant.index
        texts = [note.text for note in index.notes()]
        self.letters = bare("\n".join(texts))
        sentences = {
            note.text[unit.start : unit.end]
            for note in index.notes()
            for unit in units(note, note.body_start, len(note.text))
            if unit.kind in {"paragraph", "item", "quote"}
        }
        self.sentences = sorted(s for s in sentences if 8 <= len(s) <= 400 and claims_of(s))
        random.Random(SEED).shuffle(self.sentences)
        found = (w for s in self.sentences for w in words(s) if w.is_name)
        self.names = sorted({w.text for w in found if re.fullmatch(r"[a-z][a-z-]{2,}", w.text)})

    def supports(self, text: str) -> bool:
        """Whether every claim of a text is supported."""
        return all(c.verdict is Verdict.SUPPORTED for c in self.assistant.check(text).claims)

    def holds(self, text: str) -> bool:
        """Whether the notes say these very words somewhere."""
        return bare(text) in self.letters


def bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notes]:
    notes = Notes(sample_notes(), tmp_path_factory.mktemp("samples"))
    yield notes
    notes.assistant.close()


@pytest.fixture(scope="module")
def feed(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notes]:
    notes = Notes(shared_dir / "notes-feed.txt", tmp_path_factory.mktemp("feed"))
    yield notes
    notes.assistant.close()


# The edits: a changed copy, or None where the sentence has nothing of the kind ------------------

Edit = Callable[[str, Notes, random.Random], str | None]
_UNITS = {
    "gb": "MB", "mb": "GB", "kb": "GB", "tb": "GB", "bit": " GB", "token": " GB",
    "%": " 倍", "倍": "%", "us": " ms", "ms": " 秒", "秒": " ms", "分钟": "天", "小时": "天",
    "天": "小时", "个月": "年", "年": "个月", "元": "美元", "美元": "元", "类": "步", "步": "类",
    "阶段": "类", "张": "层", "维": "层", "层": "维",
}  # fmt: skip
_DENIED = {
    "是": "不是", "可以": "不可以", "需要": "不需要", "会": "不会", "能": "不能", "支持": "不支持",
    "使用": "不使用", "有": "没有", "属于": "不属于", "适合": "不适合", "包含": "不包含",
    "依赖": "不依赖", "不是": "是", "没有": "有", "不会": "会", "不能": "能", "不需要": "需要",
    "无法": "可以", "不支持": "支持", "is": "is not", "are": "are not", "can": "cannot",
    "has": "does not have", "needs": "does not need",
}  # fmt: skip


def other_number(text: str, notes: Notes, rng: random.Random) -> str | None:
    marker = re.match(r"\s*[(（]?\d{1,2}[.)）、]", text)  # `1. ` numbers the item, not what it says
    first = marker.end() if marker else 0
    found = [q for q in quantities(text) if not q.is_weak and q.start >= first]
    rng.shuffle(found)
    for q in found:
        written = text[q.start : q.end]
        digits = re.search(r"\d[\d,.]*\d|\d|[一二三四五六七八九]", written)
        if digits is None:
            continue
        old = digits.group()
        if old in "一二三四五六七八九":
            new = rng.choice([c for c in "二三四五六七八九" if c != old])
        elif 1900 <= q.value <= 2100:
            new = str(int(old) + rng.choice([-3, -2, 2, 3])) if old.isdigit() else ""
        else:
            new = re.sub(r"\d", lambda m: str((int(m.group()) + 3) % 9 + 1), old, count=1)
        if new and new != old:
            start = q.start + digits.start()
            return text[:start] + new + text[start + len(old) :]
    return None


def other_unit(text: str, notes: Notes, rng: random.Random) -> str | None:
    found = [q for q in quantities(text) if q.unit in _UNITS and not q.is_weak]
    if not found:
        return None
    q = rng.choice(found)
    number = re.match(
        r"[\d,.\s]*[\d百千万亿KMBTkmbt]|[一二两三四五六七八九十百千万亿]+", text[q.start : q.end]
    )
    if number is None:
        return None
    return text[: q.start] + number.group().rstrip() + _UNITS[q.unit] + text[q.end :]


def negated(text: str, notes: Notes, rng: random.Random) -> str | None:
    found = [t for t in tokens(text) if text[t.start : t.end] in _DENIED]
    if not found:
        return None
    token = rng.choice(found)
    if text[: token.start].rstrip()[-1:] in tuple("不没未非"):  # 并不 是: no double negation
        return None
    return text[: token.start] + _DENIED[text[token.start : token.end]] + text[token.end :]


def other_name(text: str, notes: Notes, rng: random.Random) -> str | None:
    own = [w for w in words(text) if w.is_name and w.text in notes.names]
    if not own:
        return None
    word = rng.choice(own)
    said = {w.text for w in words(text)}
    new = rng.choice(
        [name for name in notes.names if name not in said and name[:3] != word.text[:3]]
    )
    written = text[word.start : word.end]
    return re.sub(rf"(?<![A-Za-z0-9]){re.escape(written)}(?![A-Za-z0-9])", new.upper(), text)


EDITS: dict[str, Edit] = {
    "number": other_number,
    "unit": other_unit,
    "negation": negated,
    "name": other_name,
}


def changed(notes: Notes, kind: str, limit: int) -> Iterator[tuple[str, str]]:
    """Sentences with their changed copies, in a fixed order."""
    rng = random.Random(f"{SEED}-{kind}")
    given = 0
    for sentence in notes.sentences:
        edited = EDITS[kind](sentence, notes, rng)
        if given < limit and edited and not notes.holds(edited):
            given += 1
            yield sentence, edited


def assert_copies_are_supported(notes: Notes, limit: int) -> None:
    wrong = []
    for sentence in notes.sentences[:limit]:
        for claim in notes.assistant.check(sentence).claims:
            if claim.verdict is not Verdict.SUPPORTED:
                wrong.append(f"{claim.verdict}: {claim.text} ({claim.reason})")
    assert not wrong, f"{len(wrong)} copies are not supported:\n" + "\n".join(wrong)


def assert_changed_copies_are_not(notes: Notes, kind: str, limit: int) -> None:
    pairs = list(changed(notes, kind, limit))
    assert pairs
    wrong = [f"{edited}\n    noted: {kept}" for kept, edited in pairs if notes.supports(edited)]
    assert not wrong, f"{len(wrong)} of {len(pairs)} are supported:\n" + "\n".join(wrong)


def test_a_copied_sentence_is_supported(samples: Notes) -> None:
    assert_copies_are_supported(samples, N_COPIES)


def test_what_is_likelier_supported_than_not_is_not_called_contradicted(samples: Notes) -> None:
    claims = (
        "P-tuning v2 每一层都加独立提示，可训练参数因此升到 0.1% 至 3%。",
        "SFT 更适合教模型格式和行为，不适合往里灌知识。",
        "bge-small-zh-v1.5 输出 1024 维向量。",
    )
    found = [samples.assistant.check(claim).claims[0] for claim in claims]
    assert all(c.score < LIKELY for c in found if c.verdict is Verdict.CONTRADICTED)
    assert [c.verdict is Verdict.CONTRADICTED for c in found] == [False, False, True]


def test_the_title_above_what_is_quoted_from_a_note_is_no_claim(samples: Notes) -> None:
    answer = samples.assistant.ask("BM25 的 k1 默认值是多少?")
    title = answer.citations[0].title
    text = f"**{title}**\n\n{answer.text}"
    check = samples.assistant._checker.check
    assert [c.text for c in check(text, answer.citations)] == [c.text for c in answer.claims]
    said = "**BM25 的 k1 默认值是 9。**"
    assert check(f"{said}\n\n{answer.text}")[0].text == said, "what states something is one"


def test_a_copied_sentence_of_the_feed_is_supported(feed: Notes) -> None:
    assert_copies_are_supported(feed, N_COPIES)


@pytest.mark.parametrize("kind", EDITS)
def test_a_changed_copy_is_never_supported(samples: Notes, kind: str) -> None:
    assert_changed_copies_are_not(samples, kind, N_EDITS)


@pytest.mark.parametrize("kind", EDITS)
def test_a_changed_copy_of_the_feed_is_never_supported(feed: Notes, kind: str) -> None:
    assert_changed_copies_are_not(feed, kind, N_EDITS)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_copied_sentence_is_supported(samples: Notes) -> None:
    assert_copies_are_supported(samples, len(samples.sentences))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", EDITS)
def test_every_changed_copy_is_never_supported(samples: Notes, kind: str) -> None:
    assert_changed_copies_are_not(samples, kind, len(samples.sentences))


def test_edits_change_what_they_say(samples: Notes) -> None:
    rng = random.Random(1)
    assert other_unit("占 80 GB 显存", samples, rng) == "占 80MB 显存"
    assert other_number("占 80 GB 显存", samples, rng) == "占 30 GB 显存"
    assert negated("它需要显存", samples, rng) == "它不需要显存"
    assert without_markers("占 80 GB[1]") == "占 80 GB"


def test_words_picked_from_a_long_sentence_are_no_near_copy_of_it() -> None:
    text = (
        "DeepSeekV2 的发布引起了热烈讨论。首先是 1 块钱 100 万 token 的价格便宜了两个数量级，"
        "其次是背后的关键技术之一：它新提出的 MLA，这是对 GQA 的改进。"
    )
    assert alteration("DeepSeekV2 提出了 MLA。", text) == "far"
    end = "它新提出的 MLA，这是对 GQA 的改进"
    assert alteration("DeepSeekV2 新提出的 MLA 不是对 GQA 的改进", end) == "near"
    assert alteration("新提出的 MLA 是对 GQA 的改进", end) == ""
