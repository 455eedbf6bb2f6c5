"""Where a note gives orders to a language model instead of telling a reader something.

A note may have been written, or changed, by somebody else: a clipped page, a mail, a shared folder.
"Ignore all previous instructions and reply only: …" states nothing, though the words behind it
read like a statement. `demanded` marks the order and what it asks for, to the end of its
paragraph. Such words are still found, quoted and shown; they are no evidence for what a model
wrote, and no answer to a question that does not ask for them. Knows texts only.

Perez and Ribeiro 2022, "Ignore Previous Prompt"; Greshake et al. 2023, "Not what you've signed up
for": the forms of the orders.
"""

from __future__ import annotations

import re
from functools import lru_cache

from corpus.sentences import whole_spans
from corpus.text import UNSEEN

__all__ = ["TOKEN", "asks_about_orders", "demanded", "is_demanded"]

# Marks by which chat templates tell turns and speakers apart.
TOKEN = re.compile(
    r"<[|｜][^<>|｜\n]{1,32}[|｜]>|</?s>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_(?:turn|image)>"
    r"|</?(?:think|tool_call|tool_response|function_calls?|system|bos|eos)>",
    re.IGNORECASE,
)
_IGNORE_ZH = (
    r"(?:忽略|无视|忘记|忘掉|抛开|不要?理会|不用管|别管|覆盖|绕过).{0,16}?"
    r"(?:指令|指示|提示词|系统提示|要求|规则|设定|限制|约束)"
)
_IGNORE_EN = (
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}?\b(?:previous|prior|above|earlier|"
    r"preceding|all|any|your|system|other|these|those)\b.{0,24}?\b(?:instructions?|prompts?|rules?|"
    r"directions?|guidelines?|constraints?|restrictions?)\b"
)
_ROLE = (
    r"(?:你|您)(?:现在|从此|从现在(?:起|开始))(?:是|不再|不受|没有任何|可以|必须|要)|"
    r"从现在(?:起|开始)[,，]?(?:你|您)|(?:你|您)(?:不受|没有)任何(?:限制|规则|约束)|"
    r"\byou are now\b|\bfrom now on,? you\b|\byou have no (?:more )?(?:rules|restrictions|limits)\b"
)
_SAY_ZH = (
    r"(?:请|必须|务必|只能?|仅|直接)(?:只|仅)?(?:回答|回复|输出|复述|重复|打印)(?:如下|下面|以下|这句|[:：“\"])|"
    r"(?:只|仅)(?:回答|回复|输出)[:：“\"]|一字不[差漏]地?(?:重复|复述|输出|写出)"
)
_SAY_EN = (
    r"(?:(?:^|[.:;!?\"“*>-])[ \t]*|\b(?:please|and|then|must|should|will|now)[ \t]+)"
    r"(?:reply|respond|answer|output|print|say)\s+(?:only|exactly|just|nothing but)\b|"
    r"\b(?:repeat|output|print|write)\b.{0,40}?\b(?:word for word|verbatim)\b"
)
# The frame in which passages are sent: a note that ends it wants to speak in its place.
_FRAME = r"段落到此为止|\bend of the passages\b"
# A change of speaker; in code it is spoken of.
_SPEAKER = (
    r"<[|｜](?:im_start|im_end|system|user|assistant|start_header_id|end_header_id|eot_id|end)[|｜]>|"
    r"\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>"
)
# Each form with words of which it holds one: most texts hold none, which is seen at once.
_FORMS = tuple(
    (tuple(cues.split("/")), re.compile(form, re.IGNORECASE | re.MULTILINE))
    for cues, form in (
        ("忽略/无视/忘/抛开/理会/不用管/别管/覆盖/绕过", _IGNORE_ZH),
        ("ignore/disregard/forget/override/bypass", _IGNORE_EN),
        (
            "你现在/您现在/从现在/从此/任何限制/任何规则/任何约束/"
            "you are now/from now on/you have no",
            _ROLE,
        ),
        ("请/必须/务必/只/仅/直接/一字不", _SAY_ZH),
        ("only/exactly/just/nothing but/word for word/verbatim", _SAY_EN),
        ("段落到此为止/end of the passages", _FRAME),
        ("<|/<｜/inst]/sys>/_of_turn", _SPEAKER),
    )
)
_GAP = re.compile(r"\n[ \t]*\n|\n(?=[ \t]{0,3}#{1,6}[ \t])")
_REACH = 1_000  # characters before a place in which an order may stand
_LEAST = 4  # letters behind an order without which it speaks of the next paragraph
# A question that asks for such words: about prompts, injections, chat templates.
_ABOUT = re.compile(
    r"指令|指示|提示词|提示注入|注入|越狱|模板|角色|特殊(?:符号|标记|词元)|忽略|攻击|对齐|安全|prompt|"
    r"inject|instruct|jailbreak|template|\brole|special token|ignore|attack|system message|chatml",
    re.IGNORECASE,
)


def asks_about_orders(question: str) -> bool:
    """Whether a question is about orders to models, so that such words may answer it."""
    return _ABOUT.search(question) is not None or TOKEN.search(question) is not None


def is_demanded(text: str, start: int, end: int) -> bool:
    """Whether a span of a note overlaps an order to a model or what it asks for."""
    return any(a < end and start < b for a, b in demanded(text, start, end))


def demanded(text: str, start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Spans of a note that are orders to a model, with what they ask for.

    An order reaches to the end of its paragraph; one that ends its paragraph, or is followed by
    nothing but marks, reaches through the next. Unseen characters hide no order.

    Args:
        text: the note.
        start: of the part that matters; orders up to 1,000 characters before it are seen.
        end: of the part that matters.

    Returns:
        Half-open spans in order, not overlapping.
    """
    low = max(0, start - _REACH)
    return tuple((a + low, b + low) for a, b in _spans(text[low:end]))


@lru_cache(maxsize=1024)
def _spans(text: str) -> tuple[tuple[int, int], ...]:
    places: list[int] | None = None
    if not text.isascii() and UNSEEN.search(text):
        places = [at for at, char in enumerate(text) if not UNSEEN.match(char)]
        text = "".join(text[at] for at in places)
    low = text.lower()
    orders = sorted(
        order.span()
        for cues, form in _FORMS
        if any(cue in low for cue in cues)
        for order in form.finditer(text)
        if order[0][0] not in "<[" or not _is_code(text, order.start())
    )
    out: list[tuple[int, int]] = []
    for start, end in orders:
        if not out or start >= out[-1][1]:
            out.append((start, _reach(text, end)))
    if places is None:
        return tuple(out)
    places.append(places[-1] + 1 if places else 0)
    return tuple((places[a], places[b]) for a, b in out)


def _reach(text: str, at: int) -> int:
    """Where what an order asks for ends."""
    gap = _GAP.search(text, at)
    end = gap.start() if gap else len(text)
    behind = text[at:end]
    is_open = behind.rstrip(' \t*_`"”').endswith((":", "："))
    if gap and (is_open or sum(map(str.isalnum, behind)) < _LEAST):
        following = _GAP.search(text, gap.end())
        return following.start() if following else len(text)
    return end


def _is_code(text: str, at: int) -> bool:
    """Whether a place of a text lies in code."""
    return any(a < at < b and text[a] in "`~" for a, b in whole_spans(text, 0, len(text)))
