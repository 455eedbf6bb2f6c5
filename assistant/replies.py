"""What a chat model's reply is worth, by its words alone: language, thoughts, loops, refusals.

Knows texts; neither models nor notes. Called by `generating`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from corpus.text import fold, is_han
from corpus.tokens import content_terms

__all__ = [
    "declines",
    "is_chinese",
    "is_foreign",
    "is_looping",
    "may_end",
    "sound_question",
    "thoughtless",
    "without_repeats",
    "without_thoughts",
]

# times a sentence is written before the model is taken to run in circles; cells of a table repeat
_LOOP, _LOOP_OF_SHORT = 3, 12

_ENGLISH = frozenset(
    "what which who how why when where is are was were does do did can could should the a an of "
    "in to and for mean means between vs not it that this by with from".split()
)


def is_chinese(text: str) -> bool:
    """Whether a question is asked in Chinese; one that only names a Chinese term is not."""
    n_han = sum(map(is_han, text))
    n_english = sum(word in _ENGLISH for word in re.findall(r"[a-z]+", text.lower()))
    return n_han > 0 and (n_english < 2 or n_han > 4 * n_english)


def is_foreign(text: str, *, chinese: bool) -> bool:
    """Whether an answer is not in the language of its question; code and formulas say nothing."""
    plain = re.sub(r"```.*?(?:```|$)|`[^`\n]*`|\$[^$\n]*\$", " ", text, flags=re.DOTALL)
    n_han = sum(map(is_han, plain))
    n_words = len(re.findall(r"[A-Za-z]{2,}", plain))
    if chinese:
        return n_words >= 6 and n_han < n_words / 4
    return n_han >= 8 and n_han > 3 * n_words


def declines(text: str) -> bool:
    """Whether a reply without claims says that the passages hold no answer."""
    return bool(
        re.search(
            r"没有|未|无法|不能|找不到|不包含|\bnot?\b|n't\b|cannot|unable|unknown", text.lower()
        )
    )


def is_looping(text: str) -> bool:
    """Whether a sentence is written again and again."""
    counts = Counter(s for s in re.split(r"[。！？.!?\n]+\s*", text[-4000:]) if len(s) >= 3)
    return any(n >= (_LOOP if len(s) >= 8 else _LOOP_OF_SHORT) for s, n in counts.items())


def may_end(piece: str) -> bool:
    """Whether a piece of a reply may end a sentence."""
    return any(mark in piece for mark in "。！？；.!?;\n]】")


def without_repeats(text: str) -> str:
    """A text with each of its sentences once, with what stands behind it."""
    kept: list[str] = []
    seen: set[str] = set()
    for piece in re.findall(
        r"[^。！？!?\n]*(?:[。！？!?]+(?:\s*[\[【][^\]】\n]*[\]】])*|\n|$)", text
    ):
        if piece.strip() not in seen or not piece.strip():
            kept.append(piece)
        seen.add(piece.strip())
    return "".join(kept)


def without_thoughts(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces without what stands between `<think>` and `</think>`."""
    held, thinking = "", False
    for piece in pieces:
        held += piece
        while held:
            tag = "</think>" if thinking else "<think>"
            at = held.find(tag)
            if at >= 0:
                if not thinking and held[:at]:
                    yield held[:at]
                held, thinking = held[at + len(tag) :], not thinking
                continue
            # what may be the beginning of a tag waits for its end
            keep = next((n for n in range(len(tag) - 1, 0, -1) if held.endswith(tag[:n])), 0)
            if not thinking and held[: len(held) - keep]:
                yield held[: len(held) - keep]
            held = held[len(held) - keep :]
            break
    if held and not thinking:
        yield held


def thoughtless(text: str) -> str:
    """A whole reply without its thoughts."""
    return "".join(without_thoughts(iter([text])))


def sound_question(reply: str, question: str, history: Sequence[str]) -> str | None:
    """A model's completed question, if it is one and adds nothing to the conversation."""
    lines = [line.strip() for line in thoughtless(reply).strip().splitlines() if line.strip()]
    if len(lines) != 1 or not 2 <= len(lines[0]) <= 300:
        return None
    new = re.sub(r"^(?:问题|question)\s*[:：]\s*", "", lines[0], flags=re.IGNORECASE).strip(
        '"“”「」 '
    )
    if is_chinese(new) != is_chinese(question):
        return None
    said = fold("\n".join([*history, question]))
    terms = set(content_terms(new))
    own = sum(term in said for term in terms)
    names = re.findall(r"(?<!^)\b[A-Z][\w.+-]*|\b\w*\d[\w.+-]*", new, re.ASCII)
    if not terms or own < 0.6 * len(terms) or any(fold(name) not in said for name in names):
        return None
    return new
