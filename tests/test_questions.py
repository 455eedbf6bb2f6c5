from __future__ import annotations

import pytest
from hypothesis import given

from assistant.questions import Kind, is_talk, parse_question, question_numbers
from tests.generated import texts


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("什么是 LoRA？", Kind.DEFINE),
        ("What is LoRA?", Kind.DEFINE),
        ("RAG 的全称", Kind.DEFINE),
        ("LoRA 的秩通常取多少？", Kind.NUMBER),
        ("训练用了几张卡", Kind.NUMBER),
        ("How many tokens were used?", Kind.NUMBER),
        ("Llama 1 是什么时候发布的？", Kind.WHEN),
        ("When was it released?", Kind.WHEN),
        ("谁提出了 LoRA", Kind.WHO),
        ("Who are the authors?", Kind.WHO),
        ("LoRA 有哪些优点", Kind.LIST),
        ("What are the drawbacks of RAG?", Kind.LIST),
        ("List the steps of RLHF", Kind.LIST),
        ("MHA 和 GQA 的区别", Kind.COMPARE),
        ("Compare MQA with GQA", Kind.COMPARE),
        ("为什么要除以根号 d？", Kind.WHY),
        ("Why is it scaled?", Kind.WHY),
        ("怎么合并权重", Kind.HOW),
        ("How does HNSW work?", Kind.HOW),
        ("GPT-4 是否开源", Kind.YES_NO),
        ("Is LoRA merged?", Kind.YES_NO),
        ("LoRA 的代码", Kind.CODE),
        ("lora r alpha", Kind.OPEN),
        ("", Kind.OPEN),
    ],
)
def test_the_kind_of_a_question_is_read_from_its_words(question: str, kind: Kind) -> None:
    assert parse_question(question).kind is kind


@pytest.mark.parametrize(
    ("question", "wrong"),
    [
        ("consistency models", Kind.LIST), ("constant folding", Kind.LIST),
        ("skip list 的层数", Kind.LIST), ("reasoning model", Kind.WHY),
        ("authorization flow", Kind.WHO), ("几何平均", Kind.NUMBER),
    ],
)  # fmt: skip
def test_a_word_that_only_holds_a_question_word_does_not_ask(question: str, wrong: Kind) -> None:
    assert parse_question(question).kind is not wrong


@pytest.mark.parametrize(
    ("question", "core"),
    [
        ("什么是 LoRA？", "LoRA？"),
        ("Llama 1 是什么时候发布的？", "Llama 1 发布的？"),
        ("训练用了几张 A100", "训练用了 张 A100"),
        ("What are the drawbacks of RAG?", "drawbacks of RAG?"),
        ("k-means 是什么", "k-means"),
        ("what does k-means mean?", "k-means ?"),
        ("mean pooling 是什么", "mean pooling"),
        ("what is a skip list?", "a skip list?"),
        ("几何平均怎么算", "几何平均 算"),
        ("I/O 多路复用", "I/O 多路复用"),
    ],
)
def test_the_core_is_the_question_without_the_words_that_ask(question: str, core: str) -> None:
    assert parse_question(question).core.split() == core.split()


def test_a_question_of_question_words_alone_keeps_them() -> None:
    assert parse_question("是什么？").core == "是什么？"


@pytest.mark.parametrize(
    ("question", "measure"),
    [
        ("用了几张卡", "张"),
        ("有多少 层", "层"),
        ("有几个头", "头"),
        ("什么是层", ""),
        ("几率是多少", ""),
    ],
)
def test_the_measure_is_what_is_counted(question: str, measure: str) -> None:
    assert parse_question(question).measure == measure


@given(texts())
def test_the_core_has_the_offsets_of_the_question(text: str) -> None:
    question = parse_question(text)
    assert len(question.core) == len(text)
    assert all(c in {" ", t} for c, t in zip(question.core, text, strict=True))
    assert question.lang in {"zh", "en"}


def test_numbers_of_the_question_are_known() -> None:
    assert question_numbers("8 张 80GB 的卡") == {8, 80}


@pytest.mark.parametrize("text", ["你好！", "谢谢你", "Thanks!", "hi there", "ok", "好的"])
def test_a_greeting_asks_nothing(text: str) -> None:
    assert is_talk(text)


@pytest.mark.parametrize("text", ["好用吗", "hi 模型", "great ideas", "行列式", "谢谢是哪天写的？"])
def test_a_question_is_no_greeting(text: str) -> None:
    assert not is_talk(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("VPC", Kind.DEFINE), ("深蹲", Kind.DEFINE), ("gradient clipping", Kind.DEFINE),
     ("模型放不下时启动报错", Kind.OPEN), ("深蹲方法", Kind.HOW)],
)  # fmt: skip
def test_a_name_alone_asks_what_it_names(text: str, kind: Kind) -> None:
    assert parse_question(text).kind is kind
