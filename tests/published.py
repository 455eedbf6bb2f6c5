"""Public sets in their authors' forms, in little and invented: what the loaders are tested on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

SOURCE = "The bridge was built in 1931. It is 504 metres long and carries four lanes."
SOURCES = [
    {"source_id": "1", "task_type": "Summary", "source": "CNN/DM", "source_info": SOURCE},
    {
        "source_id": "2", "task_type": "QA", "source": "MARCO",
        "source_info": {"question": "how long is it", "passages": f"passage 1:{SOURCE}\n\n"},
    },
    {
        "source_id": "3", "task_type": "Data2txt", "source": "Yelp",
        "source_info": {"name": "Blue Door", "hours": {"Monday": "9:0-17:0"}, "parking": None},
    },
]  # fmt: skip


def _response(n: int, source: str, text: str, *marked: tuple[str, str], **more: str) -> dict:
    labels = [
        {"start": text.index(part), "end": text.index(part) + len(part), "text": part, "meta": "",
         "label_type": kind, "implicit_true": False, "due_to_null": False}
        for part, kind in marked
    ]  # fmt: skip
    row = {"id": str(n), "source_id": source, "model": "gpt-4-0613", "temperature": 0.7,
           "labels": labels, "split": "test", "quality": "good", "response": text}  # fmt: skip
    return {**row, **more}


CONFLICT, BASELESS = "Evident Conflict", "Subtle Baseless Info"
RESPONSES = [
    _response(1, "1", "The bridge was built in 1931."),
    _response(2, "1", "The bridge was built in 1951.", ("in 1951", CONFLICT)),
    _response(3, "2", "It is 504 metres long.", model="llama-2-7b-chat"),
    _response(
        4, "2", "It is 504 metres long. The toll was abolished in 1977 by the mayor.",
        ("The toll was abolished in 1977 by the mayor.", BASELESS), model="llama-2-7b-chat",
    ),
    _response(
        5, "3", "Blue Door closes at 19:00 and serves vegan brunch.",
        ("closes at 19:00", CONFLICT), ("serves vegan brunch", BASELESS),
    ),
    _response(6, "3", "Blue Door opens", quality="truncated"),
    _response(7, "1", "The bridge is 504 metres long.", split="train"),
]  # fmt: skip

RGB_PLAIN = [
    {
        "id": 0, "query": "跨海大桥哪一年通车？", "answer": ["2011年", "二〇一一年"],
        "positive": ["跨海大桥于2011年6月30日通车。", "2011年通车的跨海大桥全长36公里。"],
        "negative": ["大桥设计时速80公里。", "海湾地区冬季多雾。", "隧道于2010年通车。",
                     "另一报道说大桥 2011 年通车。"],
    },
    {
        "id": 1, "query": "Who designed the tower?", "answer": "Ada Novak",
        "positive": ["The tower was designed by Ada Novak."],
        "negative": ["The tower is 90 metres tall.", "Visitors climb 300 steps."],
    },
]  # fmt: skip
RGB_FALSE = [
    {
        "id": 0, "query": "Who designed the tower?", "answer": "Ada Novak",
        "fakeanswer": "Ben Ortiz",
        "positive": ["The tower was designed by Ada Novak."],
        "positive_wrong": ["The tower was designed by Ben Ortiz."],
        "negative": ["The tower is 90 metres tall."],
    }
]  # fmt: skip
RGB_PARTS = [
    {
        "id": 0, "query": "跨海大桥和隧道分别哪一年通车？", "answer": [["2011年"], ["2010年"]],
        "positive": [["跨海大桥于2011年通车。"], ["隧道于2010年通车。"]],
        "negative": ["海湾地区冬季多雾。"],
    }
]  # fmt: skip

PARAGRAPHS = [
    ("大桥", "跨海大桥于2011年通车，全长36公里。", [("q1", "大桥多长？", ["36公里", "36公里"])]),
    ("塔", "The tower is 90 metres tall.", [("q2", "How tall is it?", ["90 metres", "90"])]),
]


def squad() -> dict[str, Any]:
    """`PARAGRAPHS` in the form of SQuAD v1.1."""
    return {
        "version": "1.1",
        "data": [
            {
                "title": title,
                "paragraphs": [
                    {
                        "context": text,
                        "qas": [
                            {"id": i, "question": q, "answers": [{"text": a} for a in answers]}
                            for i, q, answers in asked
                        ],
                    }
                ],
            }
            for title, text, asked in PARAGRAPHS
        ],
    }


def cmrc() -> list[dict[str, Any]]:
    """The same in the form of CMRC 2018's repository."""
    return [
        {
            "context_id": f"DEV_{n}", "context_text": text, "title": title,
            "qas": [
                {"query_id": i, "query_text": q, "answers": answers} for i, q, answers in asked
            ],
        }
        for n, (title, text, asked) in enumerate(PARAGRAPHS)
    ]  # fmt: skip


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Rows as JSON Lines; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


def write_ragtruth(folder: Path) -> Path:
    """RAGTruth's two files as they lie in a clone."""
    write_lines(folder / "dataset" / "response.jsonl", RESPONSES)
    write_lines(folder / "dataset" / "source_info.jsonl", SOURCES)
    return folder
