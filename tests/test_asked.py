"""A question with its answer behind it is checked as the statement that both make."""

from __future__ import annotations

import pytest

from assistant.asked import stated
from corpus.encoder import load_encoder
from eval.contexts import Contexts


@pytest.mark.parametrize(
    ("claim", "statement"),
    [
        ("车站的地址是哪里：岩手县二户市", "车站的地址是岩手县二户市"),
        ("该手枪是由谁在1904年设计: 约翰·白朗", "该手枪是由约翰·白朗在1904年设计"),
        ("中兽共有多少颗牙齿：44颗", "中兽共有44颗牙齿"),
        ("他的演技怎么样：充满个性", "他的演技充满个性"),
        ("什么是 LoRA：一种微调方法", "LoRA是一种微调方法"),
        ("他为什么被抓：参与叛乱", "他被抓：参与叛乱"),
        ("Who led the team: Ada Byron", "Ada Byron led the team"),
        ("In what year did it open: 1990", "In 1990 year did it open"),
        ("When did the war end? 1945.", "1945 did the war end"),
        ("The treaty was signed by whom: France", "The treaty was signed by France"),
        ("Why was he late: heavy traffic", "was he late: heavy traffic"),
    ],
)
def test_an_answer_takes_the_place_of_what_is_asked(claim: str, statement: str) -> None:
    assert stated(claim) == statement


@pytest.mark.parametrize(
    "claim",
    [
        "会议时间：10:30",
        "LoRA 的优点：显存少",
        "两者没什么区别：都是树",
        "几乎没有损失：0.1%",
        "见 http://a.example/what: b",
        "The team which won the match: Rome",
        "When training in half precision: scale the loss",
        "作者是谁：",
        "他问了什么。结论：没有",
        "",
    ],
)
def test_what_is_no_question_with_an_answer_stays(claim: str) -> None:
    assert stated(claim) == claim


STATION = "二户车站是一个位于日本岩手县二户市石切所的铁路车站，由两家公司共用。"
LANGUAGES = "在读写方面，新加坡主要还是以英文为主，其次才是中文。"


@pytest.fixture(scope="module")
def contexts() -> Contexts:
    return Contexts([STATION, LANGUAGES], load_encoder())


@pytest.mark.parametrize(
    ("question", "right", "wrong", "text"),
    [
        ("二户车站位于哪里", "日本岩手县二户市石切所", "日本青森县八户市尻内町", STATION),
        ("在读写方面新加坡主要以什么为主", "英文", "马来文", LANGUAGES),
    ],
)
def test_a_right_answer_scores_above_a_wrong_one(
    contexts: Contexts, question: str, right: str, wrong: str, text: str
) -> None:
    (good,) = contexts.check(f"{question}：{right}", [text])
    (bad,) = contexts.check(f"{question}：{wrong}", [text])
    assert good.verdict.value != "contradicted"
    assert bad.verdict.value != "supported"
    assert good.score > bad.score + 0.1
    assert good.text == f"{question}：{right}"  # what is shown is what was written
