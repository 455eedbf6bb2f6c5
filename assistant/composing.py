"""An extractive answer as text with markers: what was selected, written down without a change.

Sentences keep their words; a list stands under its stem, a table row under its header, code in
its fence. Every piece carries the marker of its citation. Knows extracts, not how they were
chosen; called by `pipeline`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from assistant.answering import Selection
from assistant.disarming import title_words, without_foreign_markers
from assistant.extracts import Extract, with_stem
from assistant.injection import is_demanded
from assistant.questions import is_talk
from assistant.types import Citation, Hit
from corpus.text import has_han

__all__ = ["abstention", "compose", "unanswered"]


_UNSURE = 0.6  # below it, an answer says which words of the question it does not speak of
_NUMBER = re.compile(r"(\d{1,2})(?:[.)](?!\d)|、)[ \t]*(?=\S)")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")


def compose(selection: Selection) -> tuple[str, tuple[Citation, ...]]:
    """Write a selection down.

    Args:
        selection: with at least one extract.

    Returns:
        Markdown in which every quoted span is followed by its marker, and what the markers stand
        for.
    """
    extracts = _whole_code(selection.extracts)
    pieces: list[str] = []
    citations: list[Citation] = []
    shown_stem: tuple[str, tuple[int, int]] | None = None
    is_joint = len({e.hit.note.path for e in extracts}) > 1
    current = topic = ""
    shown: set[tuple[str, tuple[int, int]]] = set()
    for n, extract in enumerate(extracts):
        path = extract.hit.note.path
        if extract.topic != topic:
            pieces.append(f"**{title_words(extract.topic)}**")
            topic, shown_stem = extract.topic, None
        elif is_joint and path != current and not extract.topic:
            pieces.append(f"**{_heading(extract.hit.note.title)}**")
            shown_stem = None
        current = path
        stem = with_stem(extract) if (extract.is_item or extract.unit.kind == "row") else None
        is_below = False
        if stem is not None and extract.unit.stem is not None:
            key = (path, extract.unit.stem)
            is_below = key in shown  # the item it stands under is shown itself
            if key != shown_stem and not is_below:
                pieces.append(_stem_line(stem, extract))
                shown_stem = key
        citations.append(_citation(len(citations) + 1, _without_number(extract)))
        if extract.unit.kind == "row":
            pieces.append(without_foreign_markers(extract.text))
            following = extracts[n + 1] if n + 1 < len(extracts) else None
            if following is None or not _same_table(extract, following):
                pieces.append(_row_markers(extracts[: n + 1]))
        else:
            pieces.append(("  " if is_below else "") + _piece(extract, len(citations)))
        shown.add((path, (extract.unit.start, extract.unit.end)))
    return _joined(pieces), tuple(citations)


def _whole_code(extracts: Sequence[Extract]) -> list[Extract]:
    """The extracts, pieces of one fence that follow each other joined again."""
    out: list[Extract] = []
    for extract in extracts:
        last = out[-1] if out else None
        if (
            last is not None
            and last.unit.kind == extract.unit.kind == "code"
            and last.hit.note.path == extract.hit.note.path
            and not extract.hit.note.text[last.unit.end : extract.unit.start].strip()
        ):
            out[-1] = replace(last, unit=replace(last.unit, end=extract.unit.end))
        else:
            out.append(extract)
    return out


def _same_table(a: Extract, b: Extract) -> bool:
    return (
        b.unit.kind == "row"
        and a.hit.note.path == b.hit.note.path
        and a.unit.stem is not None
        and a.unit.stem == b.unit.stem
    )


def _row_markers(shown: Sequence[Extract]) -> str:
    """Markers of the rows that end here, behind their table."""
    first = len(shown)
    while first > 1 and _same_table(shown[first - 2], shown[first - 1]):
        first -= 1
    return " ".join(f"[{n}]" for n in range(first, len(shown) + 1))


def _heading(title: str) -> str:
    """A title to stand over sentences of its note; one that gives a model orders is left out."""
    return "…" if is_demanded(title, 0, len(title)) else title_words(title)


def _stem_line(stem: Extract, extract: Extract) -> str:
    if extract.unit.kind == "row":
        n_cells = max(1, stem.text.strip().strip("|").count("|") + 1)
        return f"{without_foreign_markers(stem.text)}\n|{'---|' * n_cells}"
    words = re.sub(r"[:：;；,，。]+\s*$", "", without_foreign_markers(stem.text.strip()))
    return f"{words}{'：' if has_han(words) else ':'}"


def _piece(extract: Extract, marker: int) -> str:
    text = extract.text
    if extract.unit.kind == "code":
        return f"{_fenced(text)}\n\n[{marker}]"
    if extract.unit.kind == "formula":
        return f"{text}\n\n[{marker}]"
    if extract.is_item or extract.unit.kind == "item":
        found = _NUMBER.match(text)
        if found:  # its own number is mark enough, written so that Markdown knows it
            return f"{found[1]}. {without_foreign_markers(text[found.end() :])} [{marker}]"
        return f"- {without_foreign_markers(text)} [{marker}]"
    return f"{without_foreign_markers(text)} [{marker}]"


def _without_number(extract: Extract) -> Extract:
    """An item as it is cited: the number before it may be written in another way."""
    found = _NUMBER.match(extract.text)
    is_item = extract.is_item or extract.unit.kind == "item"
    if found is None or not is_item or extract.unit.kind in ("code", "formula", "row"):
        return extract
    return replace(extract, unit=replace(extract.unit, start=extract.unit.start + found.end()))


def _fenced(text: str) -> str:
    """Code in a whole fence, also where the extract is only a part of one."""
    lines = text.split("\n")
    head = lines.pop(0) if _FENCE.match(lines[0]) else "```"
    mark = _FENCE.match(head)
    if lines and _FENCE.match(lines[-1]):
        lines.pop()
    return "\n".join([head, *lines, mark.group(1) if mark else "```"])


def _joined(pieces: Sequence[str]) -> str:
    """Pieces as paragraphs; items and table lines of one run stay together."""
    out = ""
    for piece in pieces:
        if not out:
            out = piece
        elif (_is_item(piece) and _is_item(out.rsplit("\n", 1)[-1])) or (
            piece.startswith("|") and out.endswith("|")
        ):
            out += "\n" + piece
        else:
            out += "\n\n" + piece
    return out


def _is_item(line: str) -> bool:
    plain = line.lstrip(" ")
    return plain.startswith("- ") or _NUMBER.match(plain) is not None


def _citation(marker: int, extract: Extract) -> Citation:
    note, unit = extract.hit.note, extract.unit
    return Citation(
        marker=marker,
        note=note.path,
        title=note.title,
        heading=unit.heading or extract.hit.chunk.heading,
        start=unit.start,
        end=unit.end,
        line=note.line_of(unit.start),
        quote=extract.text,
        date=note.date,
    )


def unanswered(question: str, selection: Selection) -> tuple[str, ...]:
    """Which part of a question an answer leaves open, in the language of the question.

    Args:
        question: the question as asked.
        selection: what was chosen for the answer.

    Returns:
        At most one sentence, without its final mark.
    """
    zh = has_han(question)
    if selection.unknown:
        named = ("、" if zh else ", ").join(selection.unknown[:4])
        return (f"笔记没有提到：{named}" if zh else f"the notes do not mention: {named}",)
    if selection.extracts and selection.confidence < _UNSURE and selection.missing:
        named = ("、" if zh else ", ").join(selection.missing[:4])
        if zh:
            return (f"不太确定：所引的句子没有直接说到“{named}”",)
        return (f"not certain: the sentences quoted do not speak of: {named}",)
    return ()


def abstention(question: str, selection: Selection, hits: Sequence[Hit]) -> tuple[str, str]:
    """Text and reason of an answer that the notes do not give, in the language of the question.

    Args:
        question: the question as asked.
        selection: the empty selection, with what it missed.
        hits: the nearest passages, best first; their notes are named.
    """
    zh = has_han(question)
    if is_talk(question):
        if zh:
            return "可以直接问一件笔记里的事，或搜一个词。", "这句话没有问笔记里的内容"
        return "Ask about something in your notes.", "this asks nothing of the notes"
    titles = list(dict.fromkeys(title_words(hit.note.title) for hit in hits))[:3]
    missing = [word for word in selection.missing if word][:4]
    if not hits:
        reason = "笔记里没有相关内容" if zh else "nothing in the notes is about this"
    elif missing and selection.is_scattered:
        named = ("、" if zh else ", ").join(missing)
        reason = (
            f"笔记别处提到过{named}，但没有回答这个问题"
            if zh
            else f"the notes speak of {named} elsewhere, but do not answer this"
        )
    elif missing:
        named = ("、" if zh else ", ").join(missing)
        reason = f"笔记没有提到：{named}" if zh else f"the notes do not mention: {named}"
    else:
        reason = "笔记没有直接回答这个问题" if zh else "the notes do not answer this directly"
    text = "笔记里没有找到答案。" if zh else "Your notes do not answer this."
    if titles:
        named = "、".join(f"《{t}》" for t in titles) if zh else ", ".join(f"“{t}”" for t in titles)
        text += f"最接近的笔记：{named}。" if zh else f" Nearest notes: {named}."
    return text, reason
