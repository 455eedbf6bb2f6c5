"""A run, and its comparison with another, for people: text, Markdown and one HTML page.

Knows the shape of a run (`eval.runs`); computes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError
from eval import groundedness, retrieval
from eval.plots import plots
from eval.runs import LOWER, Run

__all__ = [
    "Table", "body", "compared_plain", "facts", "html", "lines", "markdown", "markup", "misses",
    "page", "pictures", "plain", "write",
]  # fmt: skip

_WIDE = 8  # columns that a terminal shows side by side
_MOST = 40  # rows of changed items and of misses
_KNOWN_BY = {
    "content": "the very set that the committed figures are of",
    "sha256": "the published checksum",
    "md5": "the checksum that its authors publish",
    "size": "as many rows as published, its checksum is not a known one",
    "": "a file of no known set",
}
Table = tuple[str, list[str], list[list[str]]]  # heading, columns, rows
_DRAFTS = "Drafts that nobody reviewed are among the items: these figures prove nothing."


def _cell(row: Sequence[Any] | None) -> str:
    if row is None or row[0] is None or math.isnan(row[0]):
        return "-"
    if len(row) < 3 or row[1] is None or row[1] == row[2]:
        return f"{row[0]:.4g}"
    return f"{row[0]:.3f} [{row[1]:.3f}, {row[2]:.3f}]"


def facts(run: Run) -> list[str]:
    """What a run was made of and with, a line each; the first is its title."""
    data = ", ".join(f"{name} {digest[:12]}" for name, digest in run.get("data", {}).items())
    out = [
        f"{run['suite']} on {run.get('set', '?')}, split {run.get('split', '?')}"
        + (f", n = {run['n']}" if "n" in run else ""),
        f"commit {run.get('commit')}, config {run.get('config_fingerprint', '-')},"
        f" seed {run.get('seed', '-')}, {run.get('machine')}, {run.get('seconds')} s",
    ]
    if models := _models(run):
        out.append(models)
    if data:
        out.append(f"data: {data}")
    if known_by := run.get("published"):
        shown = (f"{name}: {_KNOWN_BY.get(how, how)}" for name, how in known_by.items())
        out.append("original files: " + "; ".join(shown))
    if left := run.get("left out"):
        out.append("left out: " + ", ".join(f"{n} {what}" for what, n in left.items()))
    return [*out, _DRAFTS] if run.get("unreviewed") else out


def _models(run: Run) -> str:
    """Which models searched, wrote and judged, where they are not the built-in ones."""
    named = {
        "encoder": run.get("encoder") if run.get("encoder") != "built-in" else None,
        "reranker": run.get("reranker"),
        "written by": run.get("generator") if run.get("generator") != "extractive" else None,
        "judged, too, by": ", ".join(run.get("judges", [])),
    }
    return "; ".join(f"{role} {name}" for role, name in named.items() if name)


def _tables(run: Run) -> Iterator[Table]:
    metrics = run.get("metrics", {})
    yield (
        "Figures",
        ["metric", "value [95 % interval]", "n", "better"],
        [
            [name, _cell(row), str(row[3] if len(row) > 3 else ""), _better(name)]
            for name, row in metrics.items()
        ],
    )
    if run["suite"] == "retrieval" and "figures" in run:
        for name, found in run["figures"].items():
            yield _grid(f"{name} (n = {found['n']})", found["methods"], retrieval.METRICS)
    if run.get("methods"):
        columns = list(dict.fromkeys(c for row in run["methods"].values() for c in row))
        yield _grid("Beside its rivals", run["methods"], columns)
    if run.get("groups"):
        columns = list(dict.fromkeys(c for row in run["groups"].values() for c in row))
        yield _grid("By kind and language", run["groups"], columns)
    if run.get("kinds"):
        first = next(iter(run["kinds"].values()))
        rows = [[kind, *map(str, row.values())] for kind, row in run["kinds"].items()]
        yield "By kind", ["kind", *first], rows
    if run.get("confusion"):
        rows = [[pair, str(n)] for pair, n in run["confusion"].items()]
        yield "Verdicts: true -> said", ["verdict", "claims"], rows


def _better(name: str) -> str:
    # one metric at several settings: false support, in force (0.84)
    is_low = name in LOWER or name.partition(",")[0] in LOWER
    return "lower" if is_low or name.endswith(" ms") else "higher"


def _grid(heading: str, rows: Mapping[str, Mapping[str, Any]], columns: Sequence[str]) -> Table:
    if len(columns) > _WIDE and len(columns) > len(rows):  # measures below each other, then
        cells = [[c, *(_cell(row.get(c)) for row in rows.values())] for c in columns]
        return heading, ["", *rows], cells
    cells = [[name, *(_cell(row.get(column)) for column in columns)] for name, row in rows.items()]
    return heading, ["", *columns], cells


def pictures(run: Run, folder: Path) -> list[Path]:
    """Write every plot of a run as SVG and as PNG; returns the files.

    Raises:
        ConfigError: the folder cannot be written.
    """
    out = []
    for name, drawing in plots(run):
        for ending, data in ((".svg", drawing.svg().encode()), (".png", drawing.png())):
            path = folder / f"{name}{ending}"
            _written(path, data)
            out.append(path)
    return out


def plain(run: Run) -> str:
    """The run as lines for a terminal."""
    out = facts(run)
    if run["suite"] == "grounding" and "figures" in run:
        return "\n".join([*out, groundedness.table(run.get("set", ""), run)])
    if run["suite"] == "dialogues":
        return "\n".join([*out, *(f"  {k:<34} {v}" for k, v in run["figures"].items())])
    for table in _tables(run):
        out += ["", *lines(table)]
    return "\n".join(out)


def _compared(compared: Run) -> Table:
    rows = [
        [name, f"{a:.4g}", f"{b:.4g}", f"{d:+.4g}", f"{p:.4f}", str(up), str(down)]
        for name, (a, b, d, p, up, down) in compared["metrics"].items()
    ]
    columns = ["field", "before", "after", "difference", "p", "items up", "items down"]
    heading = f"Against the other run, {compared['n']} items in both (paired randomisation test)"
    if not compared["same_data"]:
        heading += "; the data are not the same"
    if compared.get("settings"):
        heading += f"; {'; '.join(compared['settings'])}"
    return heading, columns, rows


def _changed(compared: Run) -> Table:
    rows = [
        [field, name, f"{a:g}", f"{b:g}"]
        for field, moved in compared["changed"].items()
        for name, a, b in moved[:_MOST]
    ]
    return "Items that changed", ["field", "item", "before", "after"], rows


def compared_plain(compared: Run) -> str:
    """The comparison as lines for a terminal, with the items that changed."""
    return "\n".join(["", *lines(_compared(compared)), "", *lines(_changed(compared))])


def _missed(run: Run) -> list[dict[str, Any]]:
    items = run["items"] if isinstance(run["items"], list) else []
    return [
        item
        for item in items
        if item.get("right") is False or item.get("recall@10") == 0 or item.get("flagged")
    ]


def _wrong(items: Sequence[Mapping[str, Any]]) -> str:
    """What is the matter with them: of a log without labels nobody knows what is wrong."""
    return "Not supported" if all("flagged" in item for item in items) else "Wrong"


def misses(run: Run) -> str:
    """What went wrong, an item a line."""
    return "\n".join(" ".join(_miss(item)) for item in _missed(run))


def _miss(item: Mapping[str, Any]) -> list[str]:
    """Name, kind, true and said verdict if there are any, and the text."""
    found = [item.get("id"), item.get("kind"), item.get("gold"), item.get("verdict")]
    if "abstained" in item:
        found.append("abstained" if item["abstained"] else "answered")
    return [str(part) for part in (*found, item.get("text"), *item.get("flagged", ())) if part]


def markdown(run: Run, compared: Run | None, *, stem: str) -> tuple[str, dict[str, str]]:
    """The run as Markdown, and the SVG files it shows, by name."""
    shown = {f"{stem}-{name}.svg": drawing.svg() for name, drawing in plots(run)}
    out = [f"# {facts(run)[0]}", "", *(f"{line}  " for line in facts(run)[1:]), ""]
    out += [f"![{name}]({name})" for name in shown]
    tables = [*_tables(run), *([_compared(compared), _changed(compared)] if compared else [])]
    for heading, columns, rows in tables:
        out += ["", f"## {heading}", "", _row(columns), _row(["---"] * len(columns))]
        out += [_row(row) for row in rows]
    wrong = _missed(run)
    if wrong:
        out += ["", f"## {_wrong(wrong)} ({len(wrong)})", ""]
        out += [f"- {' '.join(' '.join(_miss(item)).split())}" for item in wrong[:_MOST]]
    return "\n".join(out) + "\n", shown


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


_CSS = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:.5rem 0 1.5rem;display:block;overflow-x:auto}
td,th{border-bottom:1px solid #ddd;padding:.25rem .7rem;text-align:left;white-space:nowrap}
.note{color:#666}.draft{color:#b4472e;font-weight:bold}
@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}td,th{border-color:#444}}
"""


def html(run: Run, compared: Run | None) -> str:
    """The run as one page that needs nothing else: no script, no font, no address."""
    title = escape(facts(run)[0])
    return page(title, f"<h1>{title}</h1>\n{body(run, compared)}")


def page(title: str, body: str) -> str:
    """A page around what is in it, both as markup."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">\n'
        f"<title>{title}</title><style>{_CSS}</style>\n{body}\n"
    )


def body(run: Run, compared: Run | None = None) -> str:
    """What a page says of a run below its title: facts, plots, tables, what went wrong."""
    out = []
    for line in facts(run)[1:]:
        out.append(f'<p class="{"draft" if line == _DRAFTS else "note"}">{escape(line)}</p>')
    out += [drawing.svg() for _, drawing in plots(run)]
    tables = [*_tables(run), *([_compared(compared), _changed(compared)] if compared else [])]
    out += [markup(table) for table in tables]
    wrong = _missed(run)
    if wrong:
        out.append(f"<details><summary>{_wrong(wrong)} ({len(wrong)})</summary><ul>")
        out += [f"<li>{escape(' '.join(_miss(item)))}</li>" for item in wrong]
        out.append("</ul></details>")
    return "\n".join(out)


def markup(table: Table) -> str:
    """A table under its heading, as markup."""
    heading, columns, rows = table
    out = [f"<h2>{escape(heading)}</h2><table><tr>"]
    out += [f"<th>{escape(column)}</th>" for column in columns]
    for row in rows:
        out.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row))
    return "\n".join([*out, "</table>"])


def lines(table: Table) -> list[str]:
    """A table under its heading, as lines for a terminal."""
    heading, columns, rows = table
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
    return [
        heading,
        *(f"  {'  '.join(map(str.ljust, row, widths))}".rstrip() for row in [columns, *rows]),
    ]


def write(path: Path, text: str) -> None:
    """Write a file, its folder made if need be.

    Raises:
        ConfigError: it cannot be written.
    """
    _written(path, text.encode("utf-8"))


def _written(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as fault:
        raise ConfigError(f"{path} cannot be written ({fault.strerror})") from fault
