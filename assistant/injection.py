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
from corpus.text import UNSEEN, fold

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
# Who is spoken to, where it is no reader.
_MODEL_ZH = r"(?:ai|人工智能|(?:大|大语言|语言)模型|智能助[手理]|助手|聊天机器人|机器人|模型)"
_MODEL_EN = (
    r"(?:ai(?: assistants?| systems?| models?)?|language models?|llms?|chatbots?|(?:the|this|any|"
    r"every) (?:model|assistant|ai)|assistants?)"
)
_BEHIND = r"""[^。.!?\n]{0,12}?[:："“「']"""  # what is to be said follows
_CALL_ZH = (
    rf"{_MODEL_ZH}(?:们|助手)?[,， ]?(?:请(?:注意|务必|你|在|不要|先)|注意[:：,，])|"
    rf"供[^。\n]{{0,6}}?{_MODEL_ZH}[^。\n]{{0,4}}?(?:阅读|读取|查看)"
)
_CALL_EN = (
    rf"\b(?:note|message|instructions?|rules?|reminder|notice)\b[^.\n]{{0,16}}?\b(?:to|for)\s+"
    rf"(?:all |any |every )?{_MODEL_EN}\b[^.\n]{{0,40}}?[:,]|"
    rf"\battention,?\s+(?:all |any )?{_MODEL_EN}\s*[:,]|"
    rf"\b(?:as an? (?:ai|language model|assistant)|you,? (?:the |an? )?(?:ai|language model|"
    rf"assistant)),? (?:you )?(?:must|shall|are|have to|need to|to)\b|"
    rf"\bauthori[sz]e[sd]? you\b|\b{_MODEL_EN} (?:must|shall|should|has to|have to|"
    rf"(?:is|are) (?:required|instructed|told) to) (?:\w+ )?(?:state|say|answer|reply|respond|tell|"
    rf"write|output|repeat){_BEHIND}"
)
# What an answer must look like, and who speaks in it.
_SHAPE_ZH = (
    rf"(?:回答|答复|回复|总结|摘要|概括)[^。\n]{{0,24}}?(?:必须|务必|须|请)"
    rf"[^。\n]{{0,12}}?(?:是|说|写|加上?|附上|开头|结尾|包含){_BEHIND}|"
    rf"(?:原样|逐字|照抄|照原文)(?:打印|输出|写出|说出|回答){_BEHIND}|"
    rf"(?:想象|假装|假设|扮演)[^。\n]{{0,30}}?(?:口吻|身份|语气)[^。\n]{{0,12}}?(?:说|回答|告诉|回复)|"
    rf"(?:不要|别)再?(?:回答|理会)(?:原来的|上面的|之前的|用户的)?(?:问题|提问)|"
    rf"(?:新的?|真正的?)(?:指令|指示)[:：]"
)
_SHAPE_EN = (
    r"\bnew instructions?\b[^.\n]{0,20}?:|"
    r"\b(?:your|every|each|all|the) (?:answers?|repl(?:y|ies)|responses?|summar(?:y|ies))\s+"
    r"(?:must|should|shall|has to|have to|needs? to|will) (?:\w+ )?"
    r"(?:(?:begin|start|end) with|consist of|"
    r"(?:contain|include|say|state|repeat)s? (?:the|these|this|only|exactly)\b)"
)
# The commonest form of all in other languages.
_IGNORE_ELSEWHERE = (
    r"\bignore[zr]?\b.{0,24}?\bles?\b.{0,24}?\b(?:instructions|consignes)\b|"
    r"\bignor(?:a|e|en|ad)\b.{0,24}?\b(?:las|as)\b.{0,24}?\b(?:instrucciones|instruções)\b|"
    r"\bignorier\w*\b.{0,24}?\b(?:anweisungen|anleitungen|regeln)\b|"
    r"(?:指示|命令|ルール)[をは].{0,8}?(?:无视|忘れ)|"
    r"(?:игнорируй|забудь)\w*.{0,24}?(?:инструкции|указания|правила)|"
    r"(?:지시|명령|규칙).{0,10}?(?:무시|잊)"
)
# Each form with words of which a text must hold one of each group: most hold none of the first.
_FORMS = tuple(
    (tuple(tuple(cues.split("/")) for cues in groups), re.compile(form, re.I | re.M))
    for groups, form in (
        (("忽略/无视/忘/抛开/理会/不用管/别管/覆盖/绕过",), _IGNORE_ZH),
        (("ignore/disregard/forget/override/bypass",), _IGNORE_EN),
        (
            (
                "你现在/您现在/从现在/从此/任何限制/任何规则/任何约束/"
                "you are now/from now on/you have no",
            ),
            _ROLE,
        ),
        (("请/必须/务必/只/仅/直接/一字不",), _SAY_ZH),
        (("only/exactly/just/nothing but/word for word/verbatim",), _SAY_EN),
        (("段落到此为止/end of the passages",), _FRAME),
        (("<|/<｜/inst]/sys>/_of_turn",), _SPEAKER),
        (("智能/模型/助手/机器人/ai", "请/注意:/供"), _CALL_ZH),
        (
            ("authori/ ai/language model/llm/chatbot/assistant/ the model/this model/y model",
             "note to/message/instruction/rule/reminder/notice/attention/authori/must/shall/should/"
             "as to/ave to/required/instructed/told/as an ai/as a language/as an assistant/you"),
            _CALL_EN,
        ),
        (("回答/答复/回复/总结/摘要/概括/原样/逐字/照抄/照原文/口吻/身份/语气/提问/新/真正",
          "必须/务必/须/请/打印/写出/说/想象/假装/假设/扮演/别/不要/指令/指示"), _SHAPE_ZH),
        (("answer/repl/response/summar/new instruction",
          "must/should/shall/has to/have to/need/will/:",
          "gin with/art with/end with/consist/contain/include/say/state/repeat/new in"), _SHAPE_EN),
        (("ignor/无视/忘れ/игнор/забуд/무시/잊",), _IGNORE_ELSEWHERE),
    )
)  # fmt: skip
# Letters that look like Latin ones, and digits that stand for letters inside a word.
_LOOKALIKES = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458"
    "\u0455\u0501\u0261\u03b1\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7",
    "abekmhopctyxijsdgaeiknoptux",
)
_ALIEN = re.compile("[\u0430-\u045f\u0501\u0261\u03b1-\u03c9]")
_DIGITS = str.maketrans("0134578", "oieastb")
_LEET = re.compile("[a-z][013457][a-z]")
_WORD = re.compile("[a-z\u0430-\u045f\u0501\u0261\u03b1-\u03c9]{3,}")
_SPELT = re.compile(r"\b(?=[a-z]*\d)(?=\d*[a-z])[a-z013457]{3,}\b")
_SPACED = re.compile(r"(?<=[\u4e00-\u9fff])[ \t\u3000]+(?=[\u4e00-\u9fff])")
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
    text, places = _seen(text)
    low = _read(text)
    orders = sorted(
        order.span()
        for groups, form in _FORMS
        if all(any(cue in low for cue in cues) for cues in groups)
        for order in form.finditer(low)
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


def _seen(text: str) -> tuple[str, list[int] | None]:
    """A text without what nobody sees and without blanks between Chinese characters.

    Returns:
        It, and where each of its characters stood; None where all of them stay.
    """
    if text.isascii():
        return text, None
    gone = {
        at for form in (UNSEEN, _SPACED) for m in form.finditer(text) for at in range(*m.span())
    }
    if not gone:
        return text, None
    places = [at for at in range(len(text)) if at not in gone]
    return "".join(text[at] for at in places), places


def _read(text: str) -> str:
    """The text as it is read, of the same length: one width, one script, letters for digits."""
    low = fold(text)
    if _ALIEN.search(low):
        low = _WORD.sub(_in_latin, low)
    return _SPELT.sub(lambda found: found[0].translate(_DIGITS), low) if _LEET.search(low) else low


def _in_latin(found: re.Match[str]) -> str:
    """A word of two scripts in one; a word of one script is what it is."""
    is_mixed = any(char.isascii() for char in found[0])
    return found[0].translate(_LOOKALIKES) if is_mixed else found[0]


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
