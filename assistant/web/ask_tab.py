"""The tab that answers questions: welcome, conversation, the dock with the question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from assistant.web import look
from assistant.web.asking import Asking, Askings
from assistant.web.handlers import Asked, Conversation, Page
from assistant.web.markup import LATEX_DELIMITERS
from assistant.web.paint import legend
from assistant.web.parts import QUIET, caught, heard, tell
from assistant.web.store import new_session, valid_session
from assistant.web.texts import both

__all__ = ["ask_tab"]

_N_EXAMPLES = 4


class _Chat(NamedTuple):
    """The components of the chat."""

    welcome: Any
    examples: list[Any]
    past: Any
    turn: Any
    box: Any
    send: Any
    stop: Any
    retry: Any
    rewrite: Any
    new: Any
    hint: Any
    cancel: Any


def _chat(text: Any) -> _Chat:
    """The chat: welcome with examples, messages, and the dock with the question."""
    import gradio as gr

    with gr.Column(elem_id="yj-ask"):
        with gr.Column(elem_id="yj-welcome") as welcome:
            gr.Markdown(look.welcome())
            examples = [
                gr.Button("", visible=False, elem_classes="yj-example", variant="secondary")
                for _ in range(_N_EXAMPLES)
            ]
        with gr.Column(elem_id="yj-chat"):
            past, turn = _messages("yj-past"), _messages("yj-turn")
        with gr.Column(elem_id="yj-dock"):
            with gr.Row(elem_id="yj-mode"):
                hint = gr.Markdown("", visible=False, elem_id="yj-hint")
                cancel = gr.Button(
                    text("ask.cancel"), size="sm", visible=False, elem_id="yj-cancel"
                )
            with gr.Row(elem_id="yj-line"):
                box = gr.Textbox(
                    placeholder=text("ask.placeholder"),
                    label=text("ask.label"),
                    show_label=False,
                    container=False,
                    lines=1,
                    max_lines=6,
                    autofocus=True,
                    scale=1,
                    elem_id="yj-box",
                )
                send = gr.Button(text("ask.send"), variant="primary", scale=0, elem_id="yj-send")
                stop = gr.Button(text("ask.stop"), visible=False, scale=0, elem_id="yj-stop")
            with gr.Row(elem_id="yj-under"):
                gr.Markdown(legend(), elem_id="yj-legend")
                retry = gr.Button(text("ask.retry"), size="sm", visible=False, elem_id="yj-retry")
                rewrite = gr.Button(
                    text("ask.rewrite"), size="sm", visible=False, elem_id="yj-rewrite"
                )
                new = gr.Button(text("ask.new"), size="sm", visible=False, elem_id="yj-new")
    return _Chat(welcome, examples, past, turn, box, send, stop, retry, rewrite, new, hint, cancel)


def _messages(name: str) -> Any:
    """Messages without bubbles and buttons.

    With each piece of an answer Gradio goes through all messages of its component, hence the
    turns that are done stand in one of their own.
    """
    import gradio as gr

    return gr.Chatbot(
        elem_id=name,
        show_label=False,
        container=False,
        height=None,
        autoscroll=False,
        buttons=[],
        feedback_options=None,
        latex_delimiters=LATEX_DELIMITERS,
        group_consecutive_messages=False,
    )


class _Talk:
    """What happens in the chat; each handler returns values for the components it names."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.askings = Askings()

    def shown(
        self,
        now: Conversation,
        *,
        busy: str = "",
        box_text: str | None = None,
        how: dict[str, Any] | None = None,
        grown: bool = False,
    ) -> list[Any]:
        """Values for all outputs; a plain value costs Gradio a tenth of an update of a part.

        Args:
            now: what is shown.
            busy: the name of the answer that is on its way.
            box_text: what stands in the box then; as it is if None.
            how: the mode the next question is asked in.
            grown: whether only the answer grew since the last values.
        """
        import gradio as gr

        some = bool(now.turn)
        return [
            now.session,
            gr.skip() if grown else now.past,
            now.turn,  # the style sheet hides the empty chat behind the welcome
            gr.update(visible=not some),
            gr.skip() if box_text is None else box_text,
            busy,
            gr.update(visible=not busy),
            gr.update(visible=bool(busy)),
            gr.update(visible=some and not busy),
            gr.update(visible=some and not busy and self.page.is_rewritable(now.session)),
            gr.update(visible=some),
            *self.moded(how or {}),
        ]

    def moded(self, how: dict[str, Any]) -> list[Any]:
        """Values for the mode, its hint and the button that leaves it."""
        import gradio as gr

        lines = []
        if how.get("replacing"):
            lines.append(both("ask.editing_search" if how.get("exact") else "ask.editing"))
        if how.get("scope"):
            lines.append(both("ask.scope", name=self.page.title_of(how["scope"])))
        hint = gr.update(value=" · ".join(lines), visible=bool(lines))
        return [how, hint, gr.update(visible=bool(lines))]

    def ask(
        self,
        question: str,
        session: Any,
        how: dict[str, Any],
        again: bool = False,
        rewrite: bool = False,
    ) -> Iterator[list[Any]]:
        """The conversation as the answer grows; after a fault the question is back in the box."""
        asked = Asked(again=True, rewrite=rewrite) if again else _asked(how)
        kept = {"scope": asked.scope} if asked.scope else {}
        session = valid_session(session) or new_session()
        asking = Asking(lambda keep: self.page.ask(question, session, asked, keep))
        name = self.askings.add(asking)
        done = False
        try:
            for step, now in enumerate(asking):
                done = not now.growing
                if now.unkept:
                    tell(now.unkept, warn=True)
                words = None if step or again else ""
                busy, mode = ("", kept) if done else (name, how)
                yield self.shown(now, busy=busy, box_text=words, how=mode, grown=step > 0)
        finally:
            self.askings.done(name)
        if not done:
            asking.fault.tell()
            if asking.stopped:
                tell(both("stopped"))
            words = None if again else question
            yield self.shown(self.page.conversation(session), box_text=words, how=how)

    def again(self, session: Any, how: dict[str, Any]) -> Iterator[list[Any]]:
        """The last question once more."""
        question = self.page.last_question(session)
        if question:
            yield from self.ask(question, session, how, again=True)

    def rewritten(self, session: Any, how: dict[str, Any]) -> Iterator[list[Any]]:
        """The last question once more, sentences without support rewritten from evidence."""
        question = self.page.last_question(session)
        if question:
            yield from self.ask(question, session, how, again=True, rewrite=True)

    def stop(self, name: str) -> None:
        """Stop an answer; it says itself what the page shows then, its question back in the box."""
        self.askings.stop(name)

    def edit(self, wanted: dict[str, Any], session: Any) -> list[Any]:
        """The question of a turn, or what was searched for it, in the box to be changed."""
        import gradio as gr

        searched = wanted.get("what") == "search"
        question = self.page.question_of(session, wanted.get("sheet"), searched)
        if not question:
            return [gr.skip()] * 4
        return [question, *self.moded({"replacing": wanted["sheet"], "exact": searched})]

    def about(self, wanted: dict[str, Any]) -> list[Any]:
        """The chat, kept to one note."""
        import gradio as gr

        if not self.page.title_of(wanted.get("note")):
            return [gr.skip()] * 4
        return [gr.Tabs(selected="ask"), *self.moded({"scope": wanted["note"]})]

    def chosen(self, wanted: dict[str, Any], session: Any) -> list[Any]:
        """A past conversation, opened or dropped."""
        import gradio as gr

        name = wanted.get("session")
        if wanted.get("drop"):
            self.page.drop_chat(name)
            name = None if name == session else session
        return [gr.Tabs(selected="ask"), *self.shown(self.page.conversation(name), box_text="")]

    def restored(self, session: Any) -> list[Any]:
        """The conversation the browser knows.

        A browser without one shows the welcome already. It is left alone: whoever asks while the
        page still loads would lose the answer from it.
        """
        import gradio as gr

        now = self.page.conversation(session)
        values = self.shown(now)
        return values if now.turn else [gr.skip() for _ in values]

    def suggested(self) -> list[str]:
        """Questions to begin with; apart from the conversation, for they may take long."""
        found: list[str] = []
        with caught() as fault:
            found = self.page.examples(_N_EXAMPLES)
        fault.tell()
        return [*found, *[""] * _N_EXAMPLES][:_N_EXAMPLES]


def _begin_with(demo: Any, buttons: list[Any], questions: list[str]) -> None:
    """Let the next page begin with what was suggested to this one; it is asked again all the same.

    A visit sees its examples with the page itself, not after all that is asked once it is built.
    """
    said = {button._id: question for button, question in zip(buttons, questions, strict=True)}
    for part in demo.config["components"]:
        if part["id"] in said:
            question = said[part["id"]]
            part["props"].update(value=question, visible=bool(question))


def _asked(how: dict[str, Any]) -> Asked:
    """How a question is asked, from what the browser holds of it."""
    return Asked(
        replacing=str(how.get("replacing", "")),
        exact=bool(how.get("exact")),
        scope=str(how.get("scope", "")),
    )


def ask_tab(demo: Any, page: Page, browser: Any, side: Any, tabs: Any, text: Any) -> None:
    """The chat and what its buttons do; `side` tells of links that were followed."""
    import gradio as gr

    talk, made = _Talk(page), _chat(text)
    pending, mode = gr.State(""), gr.State({})
    moded = [mode, made.hint, made.cancel]
    outputs = [
        browser, made.past, made.turn, made.welcome, made.box, pending, made.send, made.stop,
        made.retry, made.rewrite, made.new, *moded,
    ]  # fmt: skip
    typed = [made.box, browser, mode]
    gr.on([made.box.submit, made.send.click], talk.ask, typed, outputs, **QUIET)
    made.retry.click(talk.again, [browser, mode], outputs, **QUIET)
    made.rewrite.click(talk.rewritten, [browser, mode], outputs, **QUIET)
    for button in made.examples:
        button.click(talk.ask, [button, browser, mode], outputs, **QUIET)
    # `page.js` has an answer that is on its way stopped before it leaves the conversation
    made.stop.click(talk.stop, pending, None, **QUIET)
    made.new.click(lambda: talk.shown(page.conversation(None), box_text=""), None, outputs, **QUIET)
    made.cancel.click(lambda: ["", *talk.moded({})], None, [made.box, *moded], **QUIET)
    side.submit(heard(talk.edit), browser, [made.box, *moded], **QUIET)
    side.input(heard(talk.about), None, [tabs, *moded], **QUIET)
    side.select(heard(talk.chosen), browser, [tabs, *outputs], **QUIET)
    demo.load(talk.restored, browser, outputs, **QUIET)

    def suggested() -> list[Any]:
        questions = talk.suggested()
        _begin_with(demo, made.examples, questions)
        return [gr.Button(value=question, visible=bool(question)) for question in questions]

    demo.load(suggested, None, made.examples, **QUIET)
