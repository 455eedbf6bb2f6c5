"""Why a claim got its verdict, in one sentence, in the language of the claim.

Knows findings and words for them; the verdict is settled before (`judging`). Called by `grounding`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assistant.types import LIKELY, Verdict
from corpus.text import has_han

if TYPE_CHECKING:
    from assistant.comparing import Finding

__all__ = ["reason_for"]

_SAID, _IN_ORDER = 0.85, 0.85
_ZH = {
    "number": "笔记写的是“{noted}”，这里说的是“{said}”",
    "version": "笔记写的是“{noted}”，这里说的是“{said}”",
    "negation": "肯定与否定相反：笔记写的是“{noted}”，这里说的是“{said}”",
    "opposite": "意思相反：笔记写的是“{noted}”，这里说的是“{said}”",
    "quantifier": "范围不同：笔记写的是“{noted}”，这里说的是“{said}”",
    "role": "双方的位置对调了：笔记写的是“{noted}”，这里说的是“{said}”",
    "order": "先后次序相反：笔记写的是“{noted}”，这里说的是“{said}”",
    "name": "笔记写的是“{noted}”，这里说的是“{said}”",
    "word": "笔记写的是“{noted}”，这里说的是“{said}”",
}
_EN = {
    "number": "the notes say “{noted}”, the claim says “{said}”",
    "version": "the notes say “{noted}”, the claim says “{said}”",
    "negation": "the negation differs: the notes say “{noted}”, the claim says “{said}”",
    "opposite": "the opposite: the notes say “{noted}”, the claim says “{said}”",
    "quantifier": "the scope differs: the notes say “{noted}”, the claim says “{said}”",
    "role": "the two sides are swapped: the notes say “{noted}”, the claim says “{said}”",
    "order": "the order is reversed: the notes say “{noted}”, the claim says “{said}”",
    "name": "the notes say “{noted}”, the claim says “{said}”",
    "word": "the notes say “{noted}”, the claim says “{said}”",
}


def reason_for(
    finding: Finding | None,
    claim: str,
    *,
    too_long: bool = False,
    moved: tuple[tuple[int, ...], tuple[int, ...]] | None = None,
) -> str:
    """The reason of a verdict.

    Args:
        finding: what decided it; None when nothing in the notes comes near.
        claim: its words decide the language.
        too_long: the claim was not checked for its length.
        moved: markers it carries and markers that do support it, where they differ.
    """
    zh = has_han(claim)
    if too_long:
        return "句子太长，未核对" if zh else "too long to be one claim; not checked"
    if finding is None:
        return "笔记中没有相关内容" if zh else "the notes say nothing near this"
    return _told(finding, moved, zh=zh)


def _told(
    finding: Finding, moved: tuple[tuple[int, ...], tuple[int, ...]] | None, *, zh: bool
) -> str:
    if finding.part:
        return _of_parts(finding, zh=zh)
    if finding.sum and not moved:
        return _worked_out(finding, zh=zh)
    if moved:
        return _moved(finding, moved, zh=zh)
    if finding.verdict is Verdict.SUPPORTED:
        if finding.is_verbatim:
            return "与笔记原文一致" if zh else "word for word in the notes"
        return "与笔记所述一致" if zh else "the notes say the same"
    if finding.verdict is Verdict.CONTRADICTED:
        return _against(finding, zh=zh)
    if not finding.reworded:
        return _not_found(finding, zh=zh)
    same = _short(finding.reworded)
    missing = _not_found(finding, zh=zh)
    return f"{missing}，也就是“{same}”" if zh else f"{missing}, which is to say “{same}”"


def _moved(finding: Finding, moved: tuple[tuple[int, ...], tuple[int, ...]], *, zh: bool) -> str:
    there = "".join(f"[{n}]" for n in moved[1])
    here = "".join(f"[{n}]" for n in moved[0])
    if there:
        return (
            f"有据，但依据是 {there}，不是所标的 {here}"
            if zh
            else f"supported, but by {there}, not by the cited {here}"
        )
    where = finding.passage.note.title
    return (
        f"有据，但依据在《{where}》，不是所标的 {here}"
        if zh
        else f"supported, but by “{where}”, not by the cited {here}"
    )


def _against(finding: Finding, *, zh: bool) -> str:
    if not finding.found and finding.coverage >= _SAID and finding.in_order < _IN_ORDER:
        return (
            "用词都在笔记里，但彼此的关系或次序不同"
            if zh
            else "the notes have these words, but in another relation or order"
        )
    if not finding.found:
        return "与笔记所述不符" if zh else "the notes say otherwise"
    conflict = finding.found[0]
    form = (_ZH if zh else _EN)[conflict.kind]
    return form.format(noted=_short(conflict.noted), said=_short(conflict.said))


def _worked_out(finding: Finding, *, zh: bool) -> str:
    if finding.verdict is Verdict.SUPPORTED:
        return f"由笔记算得：{finding.sum}" if zh else f"worked out from the notes: {finding.sum}"
    return (
        f"按笔记里的数字应是：{finding.sum}"
        if zh
        else f"by the figures of the notes: {finding.sum}"
    )


def _of_parts(finding: Finding, *, zh: bool) -> str:
    """The reason that names the part of a claim which is changed or absent, and what is there."""
    kept, part = _short(finding.kept), _short(finding.part)
    if not kept:
        why = _told(replace(finding, part=""), None, zh=zh)
        return f"“{part}”与笔记不符：{why}" if zh else f"“{part}” is not what the notes say: {why}"
    if finding.verdict is Verdict.CONTRADICTED:
        why = _told(replace(finding, part="", kept=""), None, zh=zh)
        return (
            f"笔记里有“{kept}”，但“{part}”与笔记不符：{why}"
            if zh
            else f"the notes say “{kept}”, but not “{part}”: {why}"
        )
    words = "、".join(finding.words[:3]) if zh else ", ".join(finding.words[:3])
    more = (f"（{words}）" if zh else f" ({words})") if words else ""
    return (
        f"笔记里有“{kept}”，没有“{part}”{more}"
        if zh
        else f"the notes say “{kept}”; “{part}” is not in them{more}"
    )


def _not_found(finding: Finding, *, zh: bool) -> str:
    missing = _missing(finding, zh=zh)
    if finding.score < LIKELY:
        return missing
    return f"多半有据，但不能确定（{missing}）" if zh else f"likely, but not certain ({missing})"


def _missing(finding: Finding, *, zh: bool) -> str:
    parts = [*finding.names, *finding.numbers] or list(finding.words[:3])
    named = "、".join(dict.fromkeys(parts)) if zh else ", ".join(dict.fromkeys(parts))
    if not named:
        return "笔记没有这样说" if zh else "the notes do not say this"
    return f"笔记在这里没有提到：{named}" if zh else f"the notes do not mention here: {named}"


def _short(words: str) -> str:
    plain = " ".join(words.split())
    return plain if len(plain) <= 60 else plain[:58] + "…"
