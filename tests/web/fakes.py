"""A scripted assistant over a real index: what the page is tested with.

Its answers quote the best passages of the notes, so citations are true spans; words in the
question ask for more: `WRONG` adds claims of every verdict, `DISAGREE` a disagreement, `NOTHING`
abstains, `BOOM` fails, `SLOW` streams slowly, `ECHO` says the question itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from assistant.operators import parse_query
from assistant.retrieval import Filters, retrieve
from assistant.scope import search_notices
from assistant.types import (
    Answer,
    Checked,
    Citation,
    Claim,
    Disagreement,
    Evidence,
    Hit,
    Verdict,
)
from corpus.errors import ConfigError, IndexBusy
from corpus.index import Index
from corpus.readers import Vault
from corpus.sentences import sentence_spans
from corpus.types import RefreshReport
from tests.fakes import HashingEncoder

__all__ = ["NOTES", "ScriptedAssistant", "write_notes"]

NOTES = {
    "注意力/gqa.md": (
        "---\ntags: [attention, LLM]\ndate: 2024-05-01\n---\n# 分组查询注意力 GQA\n\n"
        "## 原理\n\nGQA 把 32 个查询头分成 8 组，每组共享一对键值头。\n\n"
        "它把 KV cache 缩小到原来的 $\\frac{1}{4}$，质量接近 MHA。\n\n"
        "| 方法 | 键值头 |\n|---|---|\n| MHA | 32 |\n| GQA | 8 |\n"
    ),
    "微调/lora.md": (
        "---\ntags: [PEFT]\ndate: 2023-06-02\n---\n# LoRA\n\n## 初始化\n\n"
        "LoRA 冻结预训练权重，只训练低秩矩阵 A 和 B。"
        "矩阵 B 初始化为全零，所以训练开始时增量为 0。\n\n"
        "```cpp\nint rank = 8;\n```\n"
    ),
    "search-en.md": (
        "# HNSW\n\nHNSW keeps a layered graph; efSearch trades recall for latency. "
        "A larger M costs memory.\n"
    ),
    "hostile.md": (
        "# 危险 <img src=x onerror=\"window.pwned=1\">\n\n"
        "恶意笔记写着 ${window.pwned=1} 和 <img src=x onerror=\"window.pwned=1\"> 以及 "
        "<a href=\"#p-0000000000000000-c1\" class=\"cite\">[1]</a> 与 "
        "![图](http://example.invalid/leak.png)，还有 ${HOME} 和 \\frac。\n"
    ),
}  # fmt: skip


def write_notes(folder: Path) -> Path:
    """Write the notes below a folder and return it."""
    for path, text in NOTES.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


class ScriptedAssistant:
    """An assistant whose answers quote the notes, and whose verdicts are scripted.

    Args:
        notes: folder of notes.
        home: folder of the index, outside the notes.
    """

    generator = "extractive"
    encoder_name = "hashing-64"

    def __init__(self, notes: Path, home: Path) -> None:
        self.index = Index.open(home, encoder=HashingEncoder())
        self.vault = Vault(notes)
        self.released = threading.Event()  # SLOW waits for it between two pieces
        self.asked: list[str] = []
        self.scopes: list[str | None] = []
        self.histories: list[list[str]] = []
        self.refresh()

    def refresh(self, progress: Callable[[int, int], None] | None = None) -> RefreshReport:
        return self.index.refresh(self.vault, progress=progress)

    def find(self, query: str, *, k: int = 10, filters: Filters | None = None) -> list[Hit]:
        if "BOOM" in query:
            raise ZeroDivisionError("a fault of the program")
        if "BUSY" in query:
            raise IndexBusy(f"Another youju is writing <this> index; not now: {query}")
        return retrieve(self.index, query, k=k, filters=filters)

    def notices(
        self, query: str, hits: Sequence[Hit], filters: Filters | None = None
    ) -> tuple[str, ...]:
        return search_notices(self.index, parse_query(query), hits, filters)

    def examples(self, n: int = 4) -> list[str]:
        known = [
            "GQA 怎样缩小 KV cache？",
            "LoRA 的矩阵 B 如何初始化？",
            "What does efSearch trade?",
        ]
        return known[:n]

    def stream(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        filters: Filters | None = None,
        rewrite: bool = False,
    ) -> Iterator[Answer]:
        self.scopes.append(filters.folder if filters else None)
        self.histories.append(list(history))
        final = self.ask(question, filters)
        draft = replace(final, claims=(), notes_disagree=())
        for cut in range(8, len(final.text), 16):
            if "SLOW" in question:
                self.released.wait(2)
            yield replace(draft, text=final.text[:cut])
        yield final

    def ask(self, question: str, filters: Filters | None = None) -> Answer:
        if len(question) > 2_000:
            raise ConfigError(f"The question has {len(question)} characters")
        self.asked.append(question)
        hits = self.find(question, k=5, filters=filters)
        if "NOTHING" in question or not hits:
            return Answer(
                question=question,
                searched=(question,),
                text="笔记里没有这个问题的答案。",
                abstained=True,
                reason="最接近的段落没有提到“面包”。",
                generator=self.generator,
                hits=tuple(hits),
            )
        cited = [_citation(n, hit) for n, hit in enumerate(hits[:2], 1)]
        text, claims = "", []
        for citation in cited:
            text = text + "\n\n" if text else text
            sentence = f"{citation.quote}[{citation.marker}]"
            claims.append(_claim(len(text), sentence, Verdict.SUPPORTED, citation))
            text += sentence
        if "WRONG" in question:
            for sentence, verdict, evidence in (
                ("GQA 把 32 个查询头分成 4 组。", Verdict.CONTRADICTED, cited[0]),
                ("它由火星上的研究所提出。", Verdict.UNSUPPORTED, None),
                ("希望这能帮到你！", Verdict.NOT_CHECKED, None),
            ):
                claims.append(_claim(len(text), sentence, verdict, evidence))
                text += sentence
        if "ECHO" in question:  # what a model might write: unsupported, whatever it holds
            claims.append(_claim(len(text), question, Verdict.UNSUPPORTED, None))
            text += question
        pairs = ()
        if "DISAGREE" in question:
            pairs = (Disagreement(claim_a=claims[0], claim_b=claims[-1]),)
        return Answer(
            question=question,
            searched=(question,),
            text=text,
            abstained=False,
            reason=None,
            generator=self.generator,
            citations=tuple(cited),
            claims=tuple(claims),
            notes_disagree=pairs,
            hits=tuple(hits),
        )

    def check(self, text: str) -> Checked:
        claims = []
        for number, (start, end) in enumerate(sentence_spans(text)):
            hits = self.find(text[start:end], k=1)
            near = _citation(1, hits[0]) if hits else None
            verdict = list(Verdict)[number % len(Verdict)]
            evidence = near if verdict in {Verdict.SUPPORTED, Verdict.CONTRADICTED} else None
            claims.append(_claim(start, text[start:end], verdict, evidence))
        return Checked(text=text, claims=tuple(claims))


def _citation(marker: int, hit: Hit) -> Citation:
    """The first sentence of prose of a hit."""
    note, chunk = hit.note, hit.chunk
    spans = sentence_spans(note.text, chunk.start, chunk.end)
    prose = [
        (start, end)
        for start, end in spans
        if end - start > 12
        and not note.text[start:end].lstrip().startswith(("#", "|", "```", "$$"))
    ]
    start, end = (prose or spans)[0]
    return Citation(
        marker=marker,
        note=note.path,
        title=note.title,
        heading=chunk.heading,
        start=start,
        end=end,
        line=note.line_of(start),
        quote=note.text[start:end],
        date=note.date,
    )


def _claim(start: int, text: str, verdict: Verdict, near: Citation | None) -> Claim:
    reasons = {
        Verdict.SUPPORTED: "与笔记原句一致。",
        Verdict.CONTRADICTED: "笔记写的是 8 组，这里写 4 组。",
        Verdict.UNSUPPORTED: "笔记里没有提到火星。",
        Verdict.NOT_CHECKED: "不是可核对的陈述。",
    }
    evidence = near and Evidence(
        note=near.note,
        title=near.title,
        start=near.start,
        end=near.end,
        line=near.line,
        quote=near.quote,
        date=near.date,
    )
    return Claim(
        text=text,
        start=start,
        end=start + len(text),
        verdict=verdict,
        score=0.9 if verdict is Verdict.SUPPORTED else 0.1,
        citations=(near.marker,) if near and verdict is Verdict.SUPPORTED else (),
        evidence=evidence,
        reason=reasons[verdict],
    )
