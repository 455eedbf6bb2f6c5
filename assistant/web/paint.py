"""Answers, checked texts and hits as markup: every sentence with its verdict, every marker live.

Pure functions from values to one line of HTML each. All text of notes, models and users goes
through `render` or `escape`; all links are fragments of ours that the panel understands.
"""

from __future__ import annotations

from collections.abc import Sequence

from assistant.types import Answer, Checked, Claim, Verdict
from assistant.web.copies import live_markers, where
from assistant.web.inline import protected_spans
from assistant.web.markup import Link, Mark, escape
from assistant.web.render import render
from assistant.web.spots import (
    Sheet,
    Spot,
    copy_href,
    save_href,
    spot_href,
)
from assistant.web.texts import ICONS, TEXTS, VERDICT_CLASSES, both, both_n
from assistant.web.whereabouts import notices_of, spot_place, trail

__all__ = [
    "legend",
    "paint",
    "paint_checked",
    "paint_draft",
    "paint_question",
    "summary",
]


def paint_question(question: str, sheet_id: str = "", scope: str = "") -> str:
    """A question as it was asked.

    Args:
        question: its words.
        sheet_id: of its finished answer; the question can then be edited.
        scope: title of the only note it was put to.
    """
    words = escape(question.strip()).replace("&#10;", "<br>")
    kept = f"<div class='yj-scope'>{both('ask.scope', name=scope)}</div>" if scope else ""
    edit = ""
    if sheet_id:
        edit = f"<a class='act edit' href='#e-{sheet_id}'>{both('ask.edit')}</a>"
    return f"<div class='yj-q'>{words}</div>{kept}{edit}"


def paint_draft(answer: Answer | None) -> str:
    """An answer on its way: plain text, no verdicts, markers not yet live."""
    if answer is None or not answer.text.strip():
        return f"<div class='yj-a'><div class='yj-wait'>{both('searching')}</div></div>"
    return (
        f"<div class='yj-a'>{notices_of(answer.notices)}"
        f"<div class='yj-body'>{render(answer.text)}</div>"
        f"<div class='yj-wait'>{both('checking')}</div></div>"
    )


def paint(answer: Answer, sheet: Sheet) -> str:
    """A finished answer: verdicts, markers, summary, disagreements, sources, what was searched.

    Args:
        answer: the answer; its hits are not needed.
        sheet: the places its links open, made by `spots_of_answer` from the same answer.
    """
    markers = live_markers(answer, protected_spans(answer.text))
    links = [
        Link(
            start=start,
            end=end,
            href=spot_href(sheet.id, f"c{citation.marker}"),
            css="cite",
            title=trail(citation.title, citation.heading),
        )
        for start, end, citation in markers
    ]
    body = render(answer.text, _marks(answer.text, answer.claims, sheet.id, links), links)
    parts = ["<div class='yj-a'>"]
    if answer.abstained:
        reason = f" <span class='why'>{escape(answer.reason)}</span>" if answer.reason else ""
        parts.append(f"<div class='yj-none'><strong>∅ {both('abstained')}</strong>{reason}</div>")
    else:  # the reason of an abstention names them already
        parts.append(notices_of(answer.notices))
        if answer.reason:  # why it is not the model's answer, and that what follows is the notes'
            parts.append(f"<div class='yj-none'>{escape(answer.reason)}</div>")
    near = _nearest(sheet) if answer.abstained else ""
    if not near:  # that nothing was found, and what comes near, would stand there twice
        parts.append(f"<div class='yj-body'>{body}</div>")
    if answer.abstained:
        parts.append(near)
    elif answer.claims:
        parts.append(f"<div class='yj-sum'>{summary(answer.claims)}</div>")
        parts.append(_about_model(answer))
    parts.append(_disagreements(answer, sheet))
    parts.append(_sources(sheet))
    parts.append(_foot(answer, sheet.id))
    parts.append("</div>")
    return "".join(parts)


def paint_checked(checked: Checked, sheet: Sheet) -> str:
    """A checked text, painted claim by claim, with the evidence of each below it."""
    body = render(checked.text, _marks(checked.text, checked.claims, sheet.id))
    rows = "".join(_claim_row(claim, i, sheet) for i, claim in enumerate(checked.claims))
    return (
        f"<div class='yj-a yj-check'><div class='yj-sum'>{summary(checked.claims)}</div>"
        f"<div class='yj-body'>{body}</div>"
        f"<div class='yj-claims'>{rows}</div>"
        f"<div class='yj-foot'><a class='act' href='{copy_href(sheet.id, 0)}'>"
        f"{both('copy.report')}</a>"
        f"<a class='act' href='{save_href(sheet.id, 0)}'>{both('save.markdown')}</a>"
        f"<a class='act' href='{save_href(sheet.id, 1)}'>{both('save.json')}</a></div></div>"
    )


def summary(claims: Sequence[Claim]) -> str:
    """How many claims there are of each verdict, as one line."""
    if not claims:
        return both("no_claims")
    counts = {verdict: sum(claim.verdict is verdict for claim in claims) for verdict in Verdict}
    parts = [
        f"<span class='t-{VERDICT_CLASSES[verdict]}'>"
        f"{ICONS[verdict]} {n} {both(verdict.value)}</span>"
        for verdict, n in counts.items()
        if n
    ]
    comma = "<span class='zh'>，</span><span class='en'>, </span>"
    return both_n("claims", len(claims)) + comma.join(parts)


def legend() -> str:
    """What the underlines and icons mean."""
    parts = "".join(
        f"<span class='lg'><span class='g g-{VERDICT_CLASSES[v]}'>{both(v.value)}</span>"
        f"<span class='v v-{VERDICT_CLASSES[v]}'>{ICONS[v]}</span></span>"
        for v in Verdict
    )
    return f"<div class='yj-legend'>{parts}<span class='how'>{both('legend.how')}</span></div>"


def _icon(claim: Claim, number: int, sheet_id: str) -> str:
    css, words = VERDICT_CLASSES[claim.verdict], TEXTS[claim.verdict.value]
    title = escape(claim.reason or f"{words.zh} · {words.en}")
    return (
        f'<a class="v v-{css}" href="{spot_href(sheet_id, f"v{number}")}" title="{title}">'
        f"{ICONS[claim.verdict]}<span class='sr'>{both(claim.verdict.value)}</span></a>"
    )


def _marks(
    text: str, claims: Sequence[Claim], sheet_id: str, links: Sequence[Link] = ()
) -> list[Mark]:
    """Claims as spans to paint, in order, each with the markers behind it.

    A claim that overlaps its predecessor starts behind it.
    """
    marks: list[Mark] = []
    at = 0
    for number, claim in sorted(enumerate(claims), key=lambda pair: (pair[1].start, pair[1].end)):
        start, end = max(at, claim.start), claim.end
        if start >= end:
            continue
        for link in links:
            if link.start >= end and not text[end : link.start].strip():
                end = link.end
        css = f"g g-{VERDICT_CLASSES[claim.verdict]}"
        tail = _icon(claim, number, sheet_id)
        marks.append(Mark(start=start, end=end, css=css, title=claim.reason, tail=tail))
        at = end
    return marks


def _from(spot: Spot) -> str:
    """Title, file and line of a spot in plain text; nothing where it has no note."""
    return f"{spot.title} · {where(spot.note, spot.line)}" if spot.note else ""


def _source(sheet: Sheet, spot: Spot, place: str = "") -> str:
    """The link of a source; its number alone where the place stands before it already."""
    css = "src" if place else "src more"
    named = "" if place else f" title='{escape(_from(spot))}'"
    return (
        f"<a class='{css}' href='{spot_href(sheet.id, spot.key)}'{named}>"
        f"<span class='n'>{spot.key[1:]}</span>{place}</a>"
    )


def _sources(sheet: Sheet) -> str:
    """The cited places, each once, with the numbers of what is cited from it."""
    cited = [spot for spot in sheet.spots if spot.kind == "c"]
    if not cited:
        return ""
    places: dict[str, list[Spot]] = {}
    for spot in cited:
        places.setdefault(spot_place(spot), []).append(spot)
    rows = ""
    for place, (first, *others) in places.items():
        row = _source(sheet, first, place) + "".join(_source(sheet, spot) for spot in others)
        rows += f"<div class='srcs'>{row}</div>"
    summary = f"<summary>{both('sources')} · {len(cited)}</summary>"
    return f"<details class='yj-src' open>{summary}{rows}</details>"


def _nearest(sheet: Sheet) -> str:
    near = [spot for spot in sheet.spots if spot.kind == "n"]
    if not near:
        return ""
    rows = "".join(
        f"<a class='src' href='{spot_href(sheet.id, spot.key)}'>"
        f"<span class='n'>≈</span>{spot_place(spot)}</a>"
        for spot in near
    )
    return f"<div class='yj-src'><div class='cap'>{both('nearest')}</div>{rows}</div>"


def _disagreements(answer: Answer, sheet: Sheet) -> str:
    """Pairs of statements that cannot both hold, side by side, each with its date."""
    if not answer.notes_disagree:
        return ""
    spots = {spot.key: spot for spot in sheet.spots}
    rows = ""
    for i in range(len(answer.notes_disagree)):
        sides = ""
        for key in (f"da{i}", f"db{i}"):
            spot = spots[key]
            date = escape(spot.date) if spot.date else both("undated")
            sides += (
                f"<a class='side' href='{spot_href(sheet.id, key)}'><span class='dt'>{date}</span>"
                f"<div class='qu'>{render(spot.quote or spot.claim)}</div>"
                f"<span class='wh'>{escape(_from(spot))}</span></a>"
            )
        rows += f"<div class='pair'>{sides}</div>"
    return f"<div class='yj-dis'><div class='cap'>⇄ {both('disagree')}</div>{rows}</div>"


def _about_model(answer: Answer) -> str:
    """What was done to the markers and sentences of a model."""
    rows = [
        f"<div><code>{escape(c.marker)}</code> {both(f'marker.{c.action}')} "
        f"{escape(''.join(f'[{n}]' for n in c.to) if c.action == 'repointed' else '')} "
        f"<span class='why'>{escape(c.reason)}</span></div>"
        for c in answer.marker_changes
    ]
    rows += [
        f"<div><del>{escape(r.before)}</del> → "
        f"{escape(r.after) if r.after not in ('', r.before) else both(_left(r.after))}</div>"
        for r in answer.rewrites
    ]
    if rows:
        summary = f"<summary>{both('bound')} · {len(rows)}</summary>"
        return f"<details class='yj-src'>{summary}{''.join(rows)}</details>"
    return ""


def _left(after: str) -> str:
    return "rewrite.kept" if after else "rewrite.gone"


def _foot(answer: Answer, sheet_id: str) -> str:
    searched = " · ".join(f"<q>{escape(query)}</q>" for query in answer.searched)
    change = f"<a class='act' href='#s-{sheet_id}'>{both('searched.edit')}</a>"
    return (
        f"<div class='yj-foot'><span class='se'>{both('searched')}{searched} {change}</span>"
        f"<a class='act copy' href='{copy_href(sheet_id, 0)}'>{both('copy.answer')}</a></div>"
    )


def _claim_row(claim: Claim, number: int, sheet: Sheet) -> str:
    spot = next(spot for spot in sheet.spots if spot.key == f"v{number}")
    css = VERDICT_CLASSES[claim.verdict]
    quote = (
        f"<div class='qu'>{render(spot.quote)}</div><span>{spot_place(spot)}</span>"
        if spot.note
        else ""
    )
    reason = f"<span class='why'>{escape(claim.reason)}</span>" if claim.reason else ""
    name = "unconfirmed" if claim.is_likely else claim.verdict.value
    return (
        f"<a class='cl c-{css}' href='{spot_href(sheet.id, spot.key)}'>"
        f"<span class='hd'><span class='v v-{css}'>{ICONS[claim.verdict]}</span>"
        f"<span class='t-{css}'>{both(name)}</span>{reason}</span>"
        f"<span class='ct'>{escape(claim.text)}</span>{quote}</a>"
    )
