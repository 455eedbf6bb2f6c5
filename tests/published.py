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
        "id": 0, "query": "跨海大桥哪一年通车？", "answer": [["2011年", "二〇一一年"]],
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

_PAGE = "招生 办公室 通知 ： 网上 报名 截止 时间 为 {} 年 6 月 30 日 ， 计划 招收 {} 人 。"
_OTHER = "图书馆 周一 至 周五 开放 ， 读者 须 携带 证件 。"
DOMAIN_FAITHFUL = [
    {
        "question": "某大学2021年计划招收多少人？", "answers": [["80人"], ["80"]],
        "counterfact_answers": [["70人"], ["70"]], "commonsense": False,
        "positive_reference": {"title": "2021 年 招生简章", "id": "1",
                               "contents": _PAGE.format(2021, 80)},
        "counterfact_reference": {"title": "2021 年 招生简章", "id": "1",
                                  "contents": _PAGE.format(2021, 70)},
    }
]  # fmt: skip
DOMAIN_NOISY = [
    {
        "question": "网上报名截止时间是几月几日？", "answers": ["6月30日"],
        "positive_reference": {"title": "通知", "contents": _PAGE.format(2021, 80)},
        "noisy_reference": [{"title": "图书馆 须知", "contents": _OTHER},
                            {"title": "旧 通知", "contents": "报名 截止 6 月 30 日 。"}],
    }
]  # fmt: skip
DOMAIN_TIMED = [
    {
        "question": "计划招收多少人？", "date": "2021", "answers": [["80人"]],
        "positive_reference": [{"title": "通知", "contents": _PAGE.format(2021, 80)}],
    }
]  # fmt: skip
DOMAIN_TABLES = [
    {
        "question": "物理学的招生人数是多少？", "answers": [["12"]],
        "positive_html": ["<table><tr><th>专业</th><th>招生人数</th></tr>"
                          "<tr><td>物理学</td><td>12</td></tr></table>"],
        "positive_reference": [{"title": "招生 计划", "contents": "专业 招生 人数 \n 物理学 12"}],
    }
]  # fmt: skip
DOMAIN_TALK = [
    {
        "history_qa": [
            {"question": "文艺系在哪里？", "answers": ["城北"],
             "positive_reference": {"title": "院史", "contents": "文艺系 在 城北 。"}},
        ],
        "question": "它是哪一年成立的？", "answers": ["文艺系成立于1931年，在城北。"],
        "positive_reference": {"title": "院史", "contents": "文艺系 成立 于 1931 年 ， 在 城北 。"},
    }
]  # fmt: skip
DOMAIN_PAGES = [
    {
        "question": "介绍一下两个校区。", "answers": ["东校区有图书馆，西校区有体育馆。"],
        "positive_references": [{"title": "东 校区", "contents": "东校区 有 图书馆 。"},
                                {"title": "西 校区", "contents": "西校区 有 体育馆 。"}],
    }
]  # fmt: skip

_NEWS = {
    "headLine": "跨海大桥通车", "broadcastDate": "2011-06-30 10:00:00",
    "newsBeginning": "  跨海大桥30日通车，全长36公里。",
    "hallucinatedContinuation": "大桥由两家公司承建，设计时速120公里，通车当日车流量很大。",
    "generatedBy": "Model-7B", "realContinuation": "大桥设计时速80公里。",
    "newsRemainder": "大桥设计时速80公里。建设历时四年。（完）",
}  # fmt: skip
_JUDGED = {
    "设计时速": "合理",
    "120公里": "不合理，应为80公里",
    "承建": "合理",
    "没有这个词": "合理",
}
NEWS_CONCISE = [
    {"id": "num_1", "type": "num", **_NEWS,
     "annotations": [f"{word}<sep>{judged}" for word, judged in _JUDGED.items()]}
]  # fmt: skip
NEWS_FULL = [
    {"id": "num_1", "type": "num", **_NEWS, "appearedKeywords": [], "allKeywords": _JUDGED}
]

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
