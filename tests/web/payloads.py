"""What a hostile note, question, file name or model may carry, and the notes that carry it.

Each payload sets `window.pwned` if it runs, asks `example.invalid` for something if it loads, or
puts an element with the id `forged` on the page if its markup is taken for ours. None may.
"""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["PAYLOADS", "VERBATIM", "lay"]

_RUN = "window.pwned=1"
_AWAY = "http://example.invalid/leak"

PAYLOADS = {
    "onerror": f'<img src=x onerror="{_RUN}">',
    "script": f"<script>{_RUN}</script>",
    "svg": f'<svg onload="{_RUN}"><g id="forged"></g></svg>',
    "javascript-link": f"[open](javascript:{_RUN})",
    "anchor": f'<a id="forged" href="javascript:{_RUN}">open</a>',
    "iframe": f'<iframe id="forged" srcdoc="<script>parent.{_RUN}</script>"></iframe>',
    "mathml": f'<math><mtext><table><mglyph><style><img src=x onerror="{_RUN}">',
    "toggle": f'<details id="forged" open ontoggle="{_RUN}"><summary>x</summary></details>',
    "katex-href": f"$\\href{{javascript:{_RUN}}}{{click}}$ $\\htmlId{{forged}}{{x}}$",
    "katex-image": f"$\\includegraphics{{{_AWAY}.png}}$",
    "template-literal": f"${{{_RUN}}} `${{{_RUN}}}` ${{HOME}}",
    "handlebars": "{{#each this}}" + f"{{{{{{{_RUN}}}}}}}" + "{{/each}}",
    "mermaid": f'```mermaid\ngraph TD; A[x]; click A href "javascript:{_RUN}"\n```',
    "mermaid-loose": '```mermaid\n%%{init: {"securityLevel": "loose", "htmlLabels": true}}%%\n'
    f'graph TD; A["<img src=x onerror={_RUN}>"] --> B["<img src={_AWAY}.png>"]\n```',
    "mermaid-entities": f"```mermaid\ngraph TD; A[#lt;img src=x onerror={_RUN}#gt;] --> "
    f"B[#60;img src=x onerror={_RUN}#62;]\n```",
    "mermaid-shape": f'```mermaid\ngraph TD\nA@{{ img: "{_AWAY}.png", label: "x" }}\n```',
    "mermaid-style": "```mermaid\n%%{init: {'themeCSS': '.node{background:url("
    + f"{_AWAY}.png"
    + ")}'}}%%\ngraph TD; A --> B\n```",
    "image": f"![leak]({_AWAY}.png) ![leak][r]\n\n[r]: {_AWAY}2.png",
    "media": f'<video src="{_AWAY}.mp4" autoplay></video><input type=image src="{_AWAY}.png">',
    "style": f'<div id="forged" style="background:url({_AWAY}.png)">x</div><style>@import'
    f' "{_AWAY}.css";</style><link rel=stylesheet href="{_AWAY}.css">',
    "badge": '<span id="forged" class="g g-ok">FORGED<a class="v v-ok" href="#p-0-v0">✓</a></span>',
    "marker": '<a id="forged" class="cite" href="#p-0000000000000000-c1">[1]</a>',
    "form": f'<form id="forged" action="{_AWAY}"><button>send</button></form>',
    "base": f'<base href="{_AWAY}/"><meta http-equiv="refresh" content="0;url={_AWAY}">',
    "close-quote": f"\"'></span></div></a><img src=x onerror='{_RUN}'>",
    "private-characters": f"\ue0f0\\href{{javascript:{_RUN}}}{{x}}\ue0f1 %%%LATEX_BLOCK_0%%%",
    "entity": "&lt;img src=x onerror=alert(1)&gt; &#60;b id=forged&#62;",
}

_PROSE = "这一段是寻常的文字，使整篇笔记不被当作二进制数据。"

# What must be read on the page as it was written.
VERBATIM = ("${HOME}", "\\frac")


def lay(notes: Path, results: Path) -> Path:
    """Write one note per payload, the payload in every field a note has, and a hostile result.

    Returns:
        The folder of the notes.
    """
    for name, payload in PAYLOADS.items():
        line = " ".join(payload.split())
        file = notes / f"{name} <b id=forged>" / f"{name}'\"><u id=forged>.md"
        file.parent.mkdir(parents=True)
        matter = {"title": f"{name} {line}", "tags": [f"t-{name}", line], "aliases": [line]}
        file.write_text(
            f"---\n{json.dumps(matter, ensure_ascii=False)}\n---\n# {name} {line}\n\n"
            f"## {name} {line}\n\n{name} 载荷笔记写着 {line} 与 ${{HOME}} 和 \\frac 原样。\n\n"
            f"{payload}\n\n> [!note] {line}\n> {line}\n\n- {line}\n\n| {line} | b |\n|---|---|\n"
            f"| {line} | c |\n\n[[{line}]] [[{name}|{line}]] **{line}** `{line}`\n\n"
            f"```html\n{payload}\n```\n\n{_PROSE * 60}\n",
            encoding="utf-8",
        )
    results.mkdir(parents=True)
    for number, payload in enumerate(PAYLOADS.values()):
        data = {
            "suite": payload,
            "set": payload,
            "commit": payload,
            "machine": payload,
            "metrics": {payload: 0.5, "n": 2},
            "groups": {payload: {payload: 0.5}},
            "figures": {payload: {payload: 0.5}},
        }
        (results / f"{number}.json").write_text(json.dumps(data), encoding="utf-8")
    return notes
