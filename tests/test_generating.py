"""Answers by a chat model, end to end over a real HTTP server on loopback."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.config import sample_notes
from assistant.endpoint import Endpoint, Remote
from assistant.opinions import ChatJudge
from assistant.pipeline import Assistant
from assistant.types import Answer, Verdict
from assistant.wire import answer_object
from eval.scripted_server import Reply, ScriptedServer

QUESTION = "BM25 的 k1 默认值是多少?"
TRUE = "`rank-bm25` 的默认 $k_1$ 是 1.5。"
FALSE = "Lucene 的默认 $k_1$ 是 1.9。"
OUTSIDE = "太阳系有八颗行星。"
KEY = re.compile(r"^\[(\d{1,2}[a-z]{3})\] ", re.MULTILINE)

Respond = Callable[[dict[str, Any]], Reply]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    folder = tmp_path_factory.mktemp("index")
    with Assistant.open(sample_notes(), folder) as opened:
        opened.refresh()
        yield opened


def with_model(base: Assistant, server: ScriptedServer, **given: Any) -> Assistant:
    endpoint = Endpoint(
        base_url=server.base_url, model="scripted", **{"timeout_s": 60.0, **given.pop("at", {})}
    )
    chat = Remote(endpoint)
    judges = [ChatJudge(chat)] if given.pop("judge", False) else []
    return Assistant(
        base.index, vault=base.vault, encoder=base.encoder, chat=chat, judges=judges, **given
    )


def asked(
    base: Assistant, respond: Respond, question: str = QUESTION, **given: Any
) -> tuple[Answer, ScriptedServer]:
    rewrite = given.pop("rewrite", False)
    with ScriptedServer(respond) as server:
        return with_model(base, server, **given).ask(question, rewrite=rewrite), server


def keys(request: dict[str, Any]) -> list[str]:
    return KEY.findall(request["messages"][-1]["content"])


def key_of(request: dict[str, Any], words: str) -> tuple[str, str]:
    """The key of the passage that holds words, and one of a passage that does not."""
    parts = KEY.split(request["messages"][-1]["content"])[1:]
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    home = next(key for key, text in found.items() if words in text)
    return home, next(key for key, text in found.items() if words not in text)


def assert_sound(base: Assistant, answer: Answer) -> None:
    """What holds for every answer: spans, markers and citations resolve."""
    spans = {c.marker: c for c in answer.citations}
    for citation in answer.citations:
        note = base.index.note(citation.note)
        assert note.text[citation.start : citation.end] == citation.quote != ""
        assert citation.line == note.line_of(citation.start)
    for claim in answer.claims:
        assert answer.text[claim.start : claim.end] == claim.text
        assert set(claim.citations) <= set(spans)
        if claim.verdict is not Verdict.SUPPORTED:
            assert not claim.citations
    shown = {int(n) for n in re.findall(r"\[(\d+)\]", answer.text)}
    assert shown <= set(spans)


def test_a_right_sentence_keeps_its_marker_as_an_exact_span(base: Assistant) -> None:
    def respond(request: dict[str, Any]) -> Reply:
        return Reply(text=f"{TRUE}[{key_of(request, '`rank-bm25` 的默认')[0]}]")

    answer, _ = asked(base, respond)
    assert_sound(base, answer)
    assert answer.text == f"{TRUE} [1]"
    assert answer.generator == "scripted"
    assert answer.reason is None
    assert not answer.marker_changes
    assert "默认 $k_1$ 是 1.5" in answer.citations[0].quote
    assert answer.citations[0].note == "bm25.md"


def test_wrong_invented_and_missing_markers_are_mended_with_the_reason(base: Assistant) -> None:
    said: dict[str, str] = {}

    def respond(request: dict[str, Any]) -> Reply:
        said["wrong"] = key_of(request, "`rank-bm25` 的默认")[1]
        return Reply(text=f"{TRUE} [{said['wrong']}]\n\n{TRUE} [9zzz] [77]\n\n- {TRUE}")

    answer, _ = asked(base, respond)
    assert_sound(base, answer)
    assert answer.text == f"{TRUE} [1]\n\n{TRUE} [1]\n\n- {TRUE} [1]"
    moved, invented, number = answer.marker_changes
    assert (moved.marker, moved.action, moved.to) == (f"[{said['wrong']}]", "repointed", (1,))
    assert "没有这句话的依据" in moved.reason
    assert (invented.marker, invented.action) == ("[9zzz]", "removed")
    assert (number.marker, number.action) == ("[77]", "removed")
    assert "不是模型所标的" in answer.claims[0].reason


def test_sentences_without_support_are_flagged_and_carry_no_marker(base: Assistant) -> None:
    def respond(request: dict[str, Any]) -> Reply:
        key = key_of(request, "`rank-bm25` 的默认")[0]
        return Reply(text=f"{TRUE}[{key}]\n\n{FALSE}[{key}]\n\n{OUTSIDE}[{key}]")

    answer, _ = asked(base, respond)
    assert_sound(base, answer)
    assert [c.verdict for c in answer.claims] == [
        Verdict.SUPPORTED, Verdict.CONTRADICTED, Verdict.UNSUPPORTED,
    ]  # fmt: skip
    assert answer.text == f"{TRUE} [1]\n\n{FALSE}\n\n{OUTSIDE}"
    assert [c.action for c in answer.marker_changes] == ["removed", "removed"]


def test_an_answer_from_outside_is_flagged_and_followed_by_the_notes(base: Assistant) -> None:
    answer, _ = asked(base, lambda _: Reply(text=OUTSIDE))
    assert_sound(base, answer)
    assert answer.text.startswith(OUTSIDE)
    first, *others = answer.claims
    assert first.verdict is Verdict.UNSUPPORTED
    assert others
    assert all(c.verdict is Verdict.SUPPORTED and c.citations for c in others)
    assert "没有一句有笔记依据" in str(answer.reason)


def test_where_the_notes_do_not_answer_the_model_is_not_asked(base: Assistant) -> None:
    answer, server = asked(base, lambda _: Reply(text=OUTSIDE), "红烧肉要炖多久才软烂?")
    assert answer.abstained
    assert server.requests == []


def test_a_model_that_finds_no_answer_abstains(base: Assistant) -> None:
    answer, _ = asked(base, lambda _: Reply(text="笔记中没有找到答案。"))
    assert answer.abstained
    assert "没有找到答案" in str(answer.reason)
    assert "《BM25 打分公式》" in answer.text


def test_unsupported_sentences_are_rewritten_once_on_request(base: Assistant) -> None:
    new = "Lucene 的默认 $k_1$ 是 1.2。"

    def respond(request: dict[str, Any]) -> Reply:
        if request["stream"]:
            return Reply(text=f"{TRUE}\n\n{FALSE}\n\n{OUTSIDE}")
        return Reply(text=new if FALSE in request["messages"][-1]["content"] else "无")

    answer, server = asked(base, respond, rewrite=True)
    assert_sound(base, answer)
    assert answer.text == f"{TRUE} [1]\n\n{new} [1]"
    assert [(r.before, r.after) for r in answer.rewrites] == [(FALSE, new), (OUTSIDE, "")]
    assert len(server.requests) == 3
    assert "1.2" in server.requests[1]["messages"][-1]["content"]
    assert answer_object(answer)["rewrites"][0] == {"before": FALSE, "after": new}


def test_a_rewriting_without_support_leaves_the_flagged_sentence(base: Assistant) -> None:
    def respond(request: dict[str, Any]) -> Reply:
        return Reply(text=f"{TRUE}\n\n{FALSE}" if request["stream"] else "Lucene 的默认是 7.7。")

    answer, _ = asked(base, respond, rewrite=True)
    assert answer.text == f"{TRUE} [1]\n\n{FALSE}"
    assert [(r.before, r.after) for r in answer.rewrites] == [(FALSE, FALSE)]


def test_the_answer_streams_and_complete_sentences_are_bound_on_the_way(base: Assistant) -> None:
    def respond(request: dict[str, Any]) -> Reply:
        home, away = key_of(request, "`rank-bm25` 的默认")
        return Reply(text=f"<think>[{home}] 想一想</think>{TRUE}[{away}]\n\n{FALSE}[{home}]")

    with ScriptedServer(respond) as server:
        steps = list(with_model(base, server).stream(QUESTION))
    texts = [step.text for step in steps]
    assert len(set(texts)) > 5
    assert not [t for t in texts if re.search(r"\d[bcdfghjkmnpqrstvwxz]{3}|想一想|think", t)]
    growing = [s for s in steps[:-1] if s.text.startswith(f"{TRUE} [1]\n\nLucene")]
    assert growing
    assert growing[0].claims[0].verdict is Verdict.SUPPORTED


def test_marks_in_notes_do_not_reach_the_prompt(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text(
        "# 量子鹅\n\n量子鹅的体重是 42 公斤 [1]。它的翼展是 3 米 [^2]。数组写作 `a[1]`。\n", "utf-8"
    )
    with Assistant.open(tmp_path / "notes", tmp_path / "index") as opened:
        opened.refresh()

        def respond(_: dict[str, Any]) -> Reply:
            return Reply(text="量子鹅的体重是 42 公斤 [1]。")

        answer, server = asked(opened, respond, "量子鹅的体重是多少?")
        prompt = server.requests[0]["messages"][-1]["content"]
        assert "42 公斤。" in prompt
        assert "`a[1]`" in prompt
        assert_sound(opened, answer)
        assert answer.claims[0].citations == (1,)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(text=""), "没有写出任何内容"),
        (Reply(text="好的！"), "没有陈述"),
        (Reply(text="boom", status=400), "failed (400)"),
        (Reply(text="no", status=401), "refused the key"),
        (Reply(text="no", status=404), "knows no model 'scripted'"),
        (Reply(raw=b"<html>hello</html>", content_type="text/html"), "没有写出任何内容"),
        (Reply(raw=b'{"a": 1}', content_type="application/json"), "no chat completion"),
        (Reply(raw=b"[1, 2]", content_type="application/json"), "no chat completion"),
        (Reply(raw=b"data: {broken\n\n"), "cannot be read"),
        (Reply(raw=b'data: {"error": {"message": "out of memory"}}\n\n'), "out of memory"),
        (Reply(text=f"{TRUE}Lucene 的", finish=None, done=False), "broke off half-way"),
        (Reply(text="The default of k1 in the library is one and a half."), "没有用中文回答"),
        (Reply(text="慢", wait_s=30), "took longer than 2 s"),
        (Reply(text="慢慢", pace_s=0.3, endless=True), "took longer than 2 s"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_model_that_fails_is_told_in_one_line_and_the_notes_answer(
    base: Assistant, reply: Reply, said: str
) -> None:
    started = time.monotonic()
    is_slow = "took longer" in said
    answer, _ = asked(base, lambda _: reply, at={"timeout_s": 2.0 if is_slow else 60.0})
    assert time.monotonic() - started < 25
    assert_sound(base, answer)
    assert said in str(answer.reason)
    assert "\n" not in str(answer.reason)
    assert answer.generator == "extractive"
    assert not answer.abstained
    assert answer.citations


def test_a_server_that_is_not_there_is_told_with_its_address(base: Assistant) -> None:
    with ScriptedServer(lambda _: Reply()) as server:
        address = server.base_url
    chat = Remote(Endpoint(base_url=address, model="m", api_key="secret-key"))
    lone = Assistant(base.index, vault=base.vault, encoder=base.encoder, chat=chat)
    answer = lone.ask(QUESTION)
    assert f"Cannot reach m at {address}" in str(answer.reason)
    assert "secret" not in str(answer.reason)
    assert answer.citations


def test_a_busy_server_is_asked_again_with_a_pause(base: Assistant) -> None:
    replies = iter([Reply(text="busy", status=503), Reply(text=TRUE)])
    answer, server = asked(base, lambda _: next(replies))
    assert answer.generator == "scripted"
    assert len(server.requests) == 2


def test_an_endless_answer_is_cut_and_what_was_said_is_checked(base: Assistant) -> None:
    answer, _ = asked(base, lambda _: Reply(text=TRUE, endless=True))
    assert answer.text == f"{TRUE} [1]"
    assert "截断" in str(answer.reason)


def test_parameters_that_a_server_refuses_are_left_out(base: Assistant) -> None:
    def respond(request: dict[str, Any]) -> Reply:
        if "max_tokens" in request:
            wrong = "Unsupported parameter: 'max_tokens'; use 'max_completion_tokens'"
            return Reply(text=wrong, status=400)
        return (
            Reply(text="no temperature", status=400)
            if "temperature" in request
            else Reply(text=TRUE)
        )

    answer, server = asked(base, respond)
    assert answer.generator == "scripted"
    assert server.requests[-1]["max_completion_tokens"] > 0


def test_the_prompt_fits_the_context_whatever_was_found(base: Assistant) -> None:
    _, small = asked(base, lambda _: Reply(text=TRUE), at={"context": 1024})
    _, large = asked(base, lambda _: Reply(text=TRUE), at={"context": 16_000})
    short, long = (
        json.dumps(s.requests[0]["messages"], ensure_ascii=False) for s in (small, large)
    )
    assert len(short) < 1600 < len(long)
    assert "`rank-bm25` 的默认 $k_1$ 是 1.5" in short


def test_a_follow_up_is_completed_by_the_model_and_searched_as_typed_too(base: Assistant) -> None:
    def respond(request: dict[str, Any]) -> Reply:
        return Reply(text=TRUE if request["stream"] else "问题：BM25 的 k1 默认值是多少?")

    with ScriptedServer(respond) as server:
        answer = with_model(base, server).ask("默认值是多少?", ["BM25 的 k1 是什么?"])
    assert answer.searched == ("BM25 的 k1 默认值是多少?", "默认值是多少?")


@pytest.mark.parametrize(
    "reply",
    ["BM25 的 k1 默认值是 1.2 吗?", "What is k1?", "", "一\n二", "GPT-4 的 k1 默认值是多少?"],
)
def test_a_completed_question_that_adds_something_gives_way_to_the_rules(
    base: Assistant, reply: str
) -> None:
    history = ["BM25 的 k1 是什么?"]
    by_rules = base.passages("它的默认值是多少?", history)[0]
    with ScriptedServer(lambda _: Reply(text=reply)) as server:
        found = with_model(base, server).passages("它的默认值是多少?", history)[0]
    assert found == by_rules


def test_a_judge_makes_a_verdict_worse_and_is_named(base: Assistant) -> None:
    loose = "在 rank-bm25 里,默认的 $k_1$ 是 1.5。"

    def respond(request: dict[str, Any]) -> Reply:
        if request["stream"]:
            return Reply(text=f"{TRUE}\n\n{loose}")
        return Reply(text='{"verdicts": [{"id": 1, "verdict": "unsupported"}]}')

    plain, _ = asked(base, lambda _: Reply(text=f"{TRUE}\n\n{loose}"))
    assert [c.verdict for c in plain.claims] == [Verdict.SUPPORTED] * 2
    answer, server = asked(base, respond, judge=True)
    assert_sound(base, answer)
    copy, judged = answer.claims
    assert copy.verdict is Verdict.SUPPORTED  # to the letter: nobody is asked
    assert (judged.verdict, judged.decided_by) == (Verdict.UNSUPPORTED, "judge:scripted")
    assert server.requests[-1]["response_format"]["json_schema"]["strict"] is True


def test_a_judge_that_breaks_the_form_leaves_the_claim_not_checked(base: Assistant) -> None:
    loose = "在 rank-bm25 里,默认的 $k_1$ 是 1.5。"

    def respond(request: dict[str, Any]) -> Reply:
        return Reply(text=f"{TRUE}\n\n{loose}" if request["stream"] else "supported!")

    answer, _ = asked(base, respond, judge=True)
    assert answer.claims[1].verdict is Verdict.NOT_CHECKED
    assert answer.text.endswith(loose)
