"""Answers, hits and checked texts as a terminal shows them; colours only where asked for.

Nothing of a note, a name or a model can colour, move or erase: control characters are replaced.
Knows values of `types`, not where they come from. Called by `cli`.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from assistant.types import Answer, Checked, Citation, Claim, Hit, Verdict
from corpus.formats import CONVERTED
from corpus.text import has_han, printable
from corpus.types import DOUBTFUL, RefreshReport

if TYPE_CHECKING:
    from assistant.calibration import Calibration
    from corpus.protocol import IndexStatus

__all__ = ["answer_text", "checked_text", "hits_text", "rate_text", "report_text", "status_text"]

_LINE = re.compile(r"#L\d+$")
_NAMED = 20  # notes that a report names of each kind of change
_ICONS = {
    Verdict.SUPPORTED: "✓",
    Verdict.CONTRADICTED: "✗",
    Verdict.UNSUPPORTED: "?",
    Verdict.NOT_CHECKED: "-",
}
_COLOURS = {
    Verdict.SUPPORTED: "32",
    Verdict.CONTRADICTED: "31",
    Verdict.UNSUPPORTED: "33",
    Verdict.NOT_CHECKED: "90",
}
_NAMES = {
    Verdict.SUPPORTED: ("有据", "supported"),
    Verdict.CONTRADICTED: ("与笔记矛盾", "contradicted"),
    Verdict.UNSUPPORTED: ("笔记中没有", "not in the notes"),
    Verdict.NOT_CHECKED: ("未核对", "not checked"),
}
_UNCONFIRMED = ("未能确认", "not confirmed")  # more likely in the notes than not
_QUOTE = 200
# The row of dashes below the header of a table, which says nothing in a line of a preview.
_RULES = re.compile(r"^[ \t>]*\|?(?:[ \t]*:?-{3,}:?[ \t]*\|)+(?:[ \t]*:?-{3,}:?)?[ \t]*$\n?", re.M)


def answer_text(answer: Answer, *, colour: bool = False) -> str:
    """The answer, its sources, and what the check found."""
    answer = _harmless(dataclasses.replace(answer, hits=()))
    zh = has_han(answer.question)
    parts = [answer.text]
    if answer.notices and not answer.abstained:
        parts += [
            "",
            *(f"注：{notice}。" if zh else f"Note: {notice}." for notice in answer.notices),
        ]
    if answer.abstained:
        if answer.reason:
            parts.append(f"（{answer.reason}）" if zh else f"({answer.reason})")
        return "\n".join(parts)
    parts.append("")
    if answer.citations:
        parts.append("出处：" if zh else "Sources:")
        parts += [f"[{c.marker}] {_place(c)}" for c in answer.citations]
    if answer.notes_disagree:
        parts.append("\n笔记说法不一：" if zh else "\nYour notes disagree:")
        for pair in answer.notes_disagree:
            parts += [_side(claim) for claim in (pair.claim_a, pair.claim_b)]
    parts += _about_model(answer, zh=zh)
    parts.append("\n" + _summary(answer.claims, zh=zh, colour=colour))
    flagged = [c for c in answer.claims if c.verdict is not Verdict.SUPPORTED]
    parts += [_claim(claim, zh=zh, colour=colour) for claim in flagged]
    return "\n".join(parts)


def _about_model(answer: Answer, *, zh: bool) -> list[str]:
    """Why it is not the model's answer, and what was done to its markers and sentences."""
    lines = [f"\n（{answer.reason}）" if zh else f"\n({answer.reason})"] if answer.reason else []
    if answer.marker_changes:
        lines.append("\n改动的标记：" if zh else "\nMarkers that were changed:")
    for change in answer.marker_changes:
        to = "".join(f"[{n}]" for n in change.to) if change.action == "repointed" else ""
        done = (f"改指 {to}" if to else "去除") if zh else (f"now {to}" if to else "removed")
        lines.append(f"  - {change.marker} {done}{'：' if zh else ': '}{change.reason}")
    if answer.rewrites:
        lines.append("\n改写的句子：" if zh else "\nSentences that were rewritten:")
    for rewrite in answer.rewrites:
        after = rewrite.after or ("（删去）" if zh else "(taken out)")
        if rewrite.after == rewrite.before:
            after = "（改写后仍无依据，保留原句）" if zh else "(no better; left as it was)"
        lines.append(f"  - {_cut(rewrite.before, _QUOTE)}\n    → {_cut(after, _QUOTE)}")
    return lines


def checked_text(checked: Checked, *, colour: bool = False) -> str:
    """Each claim with its verdict, reason and evidence."""
    checked = _harmless(checked)
    zh = has_han(checked.text)
    if not checked.claims:
        return "没有可核对的陈述。" if zh else "There is no claim to check."
    lines = [_claim(claim, zh=zh, colour=colour) for claim in checked.claims]
    return "\n".join([*lines, "", _summary(checked.claims, zh=zh, colour=colour)])


def hits_text(query: str, hits: Sequence[Hit]) -> str:
    """Hits with their place and words, best first."""
    if not hits:
        return "没有找到。" if has_han(query) else "Nothing found."
    out = []
    for n, hit in enumerate(hits, 1):
        trail = " › ".join(dict.fromkeys([hit.note.title, *hit.chunk.heading]))  # noqa: RUF001
        date = f", {hit.note.date}" if hit.note.date else ""
        out.append(f"{n}. {trail} ({_file(hit.note.path, hit.chunk.line)}{date})")
        out.append(f"   {_cut(_RULES.sub('', hit.text), 240)}")
        if hit.also:
            places = ", ".join(_file(place.note, place.line) for place in hit.also)
            out.append(f"   {'也见于：' if has_han(query) else 'Also in: '}{places}")
    return "\n".join(map(_one_line, out))


def report_text(report: RefreshReport, *, seconds: float | None = None) -> str:
    """What a refresh did, with the notes that changed and every skipped file.

    Args:
        report: of the refresh.
        seconds: how long it took, for the notes per second.
    """
    n_read = report.added + report.changed + report.renamed
    rate = ""
    if seconds is not None:
        rate = f" in {seconds:.1f} s"
        rate += f" ({rate_text(n_read, seconds)} notes/s)" if n_read else ""
    lines = [
        f"{_sum(report.n_notes, report.n_chunks)}: {report.added} added, "
        f"{report.changed} changed, {report.renamed} renamed, {report.deleted} deleted, "
        f"{report.unchanged} unchanged{rate}"
    ]
    for kind in ("added", "changed", "renamed", "deleted"):
        paths = [path for of, path in report.changes if of == kind]
        lines += [f"{kind} {path}" for path in paths[:_NAMED]]
        if len(paths) > _NAMED:
            lines.append(f"{kind} {len(paths) - _NAMED} more")
    for entry in report.skipped:
        kind = "doubtful" if entry.reason.startswith(DOUBTFUL) else "skipped"
        lines.append(f"{kind} {entry.path}: {entry.reason}")
    return "\n".join(map(_one_line, lines))


def rate_text(n: int, seconds: float) -> str:
    """How many a second, with a decimal where they are few."""
    rate = n / max(seconds, 0.001)
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}".removesuffix(".0")


def _sum(n_notes: int, n_chunks: int) -> str:
    notes = "1 note" if n_notes == 1 else f"{n_notes} notes"
    return f"{notes}, {'1 passage' if n_chunks == 1 else f'{n_chunks} passages'}"


def status_text(status: IndexStatus, calibration: Calibration | None = None) -> str:
    """The index in figures, and the threshold that was calibrated on its notes, if any."""
    lines = [
        f"notes     {status.root or 'none indexed yet'}",
        f"content   {_sum(status.n_notes, status.n_chunks)}, {status.n_chars:,} characters",
        f"updated   {status.updated_at or 'never'} (generation {status.generation})",
        f"encoder   {status.encoder or 'none yet'}",
        f"on disk   {status.size_bytes / 1e6:.1f} MB",
    ]
    lines += [f"check     {calibration.told(zh=False)}"] if calibration else []
    lines += [f"skipped   {entry.path}: {entry.reason}" for entry in status.skipped]
    return "\n".join(map(_one_line, lines))


def _place(citation: Citation) -> str:
    trail = " › ".join(dict.fromkeys([citation.title, *citation.heading]))  # noqa: RUF001
    date = f", {citation.date}" if citation.date else ""
    return f"{trail} ({_file(citation.note, citation.line)}{date})"


def _file(path: str, line: int) -> str:
    """File and line as editors take them; an entry of a feed is its file's line.

    Of a converted file (a page, a document) no line can be opened: it stands alone.
    """
    file = _LINE.sub("", path.replace("\n", "\ufffd"))
    name = file.partition("#")[0].lower()
    return file if name.endswith(tuple(CONVERTED)) else f"{file}:{line}"


def _side(claim: Claim) -> str:
    evidence = claim.evidence
    if evidence is None:
        return f"  - {_cut(claim.text, _QUOTE)}"
    date = f", {evidence.date}" if evidence.date else ""
    return f"  - {_cut(evidence.quote, _QUOTE)} ({_file(evidence.note, evidence.line)}{date})"


def _claim(claim: Claim, *, zh: bool, colour: bool) -> str:
    name = (_UNCONFIRMED if claim.is_likely else _NAMES[claim.verdict])[0 if zh else 1]
    head = f"{_ICONS[claim.verdict]} {name}"
    if colour:
        head = f"\033[{_COLOURS[claim.verdict]}m{head}\033[0m"
    lines = [f"{head}  {_cut(claim.text, 300)}"]
    if claim.reason:
        lines.append(f"    {claim.reason}")
    if claim.evidence:
        where = _file(claim.evidence.note, claim.evidence.line)
        lines.append(f"    > {_cut(claim.evidence.quote, _QUOTE)} ({where})")
    return "\n".join(lines)


def _summary(claims: Sequence[Claim], *, zh: bool, colour: bool) -> str:
    counts = Counter(claim.verdict for claim in claims)
    parts = []
    for verdict in Verdict:
        if counts[verdict]:
            part = f"{counts[verdict]} {_NAMES[verdict][0 if zh else 1]}"
            parts.append(f"\033[{_COLOURS[verdict]}m{part}\033[0m" if colour else part)
    n = len(claims)
    if zh:
        return f"{n} 条陈述：" + ("，".join(parts) or "无")
    return f"{n} claim{'' if n == 1 else 's'}: " + (", ".join(parts) or "none")


def _harmless(value: Any) -> Any:
    """The same value with all its texts fit for a terminal."""
    if isinstance(value, str) and not isinstance(value, Verdict):
        return printable(value)
    if isinstance(value, tuple):
        return tuple(map(_harmless, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        texts = {f.name: _harmless(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **texts)
    return value


def _one_line(text: str) -> str:
    """A line that a name with a break in it cannot end."""
    return printable(text.replace("\n", "\ufffd"))


def _cut(text: str, limit: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"
