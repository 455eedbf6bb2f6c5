"""A follow-up question made complete in itself by the questions asked before it.

Rules, no model: what is changed is told apart by its form. A pronoun gives way to the
subject of the question before; "那 GQA 呢?" takes the place of what it is like in that question; a
question without a subject of its own gets it named; one that is complete stays as it is. A wrong
rewrite must not hide notes: `merge` keeps room for what the words as typed find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from assistant.lexicon import alike
from assistant.types import Hit
from corpus.glossary import translations
from corpus.text import fold, has_han
from corpus.tokens import STOP_TERMS, tokens

__all__ = ["HISTORY", "is_elsewhere", "merge", "standalone"]

HISTORY = 6  # earlier questions that are looked at
_MAX_CONTEXT = 160  # characters; a longer question is complete, and as context cut to its subject
_RAW_SHARE = 0.5  # what a passage that only the question as typed finds keeps of its score
_LEAST_ODDS = 0.05  # a rarer translation is chance
_RAW_KEPT = 3  # of them are among the hits whatever their score


def standalone(question: str, history: Sequence[str]) -> str:
    """The question as it would be asked without the conversation.

    Args:
        question: as typed.
        history: the questions before it as typed, oldest first; the last HISTORY count.

    Returns:
        The question itself if it is complete, else its rewriting; deterministic.
    """
    if not question.strip():
        return question
    before: _Asked | None = None
    for earlier in (text.strip() for text in [*history[-HISTORY:], question]):
        if earlier:
            before = _completed(earlier, before) if before else _fresh(earlier)
    return before.text if before and before.text != question.strip() else question


def is_elsewhere(question: str, df: Callable[[str], int]) -> bool:
    """Whether a question asks for something that the notes, and so the conversation, are not about.

    Args:
        question: as typed, behind other questions.
        df: number of passages that hold a term.

    Returns:
        True if none of the words that say something is in a note, in another form or in the other
        language; such a question is not completed from the one before it.
    """
    said = _content(question)
    return len(said) > 1 and not any(df(word) or any(map(df, _others(word))) for word in said)


def _others(word: str) -> list[str]:
    return [*alike(word), *(name for name, odds in translations(word) if odds >= _LEAST_ODDS)]


def merge(rewritten: Sequence[Hit], raw: Sequence[Hit], k: int) -> list[Hit]:
    """Hits of the rewritten question and of the one typed, best first.

    Args:
        rewritten: hits of the rewritten question, best first.
        raw: hits of the question as typed, best first.
        k: how many hits at most.

    Returns:
        Each passage once, with the better of its scores, those of `raw` discounted; at least
        three of `raw` are among them where `k` is larger than that.
    """
    best = {hit.chunk.id: hit for hit in rewritten}
    for hit in raw:
        score = hit.score * _RAW_SHARE
        if hit.chunk.id not in best:
            best[hit.chunk.id] = replace(hit, score=score)
        elif best[hit.chunk.id].score < score:
            best[hit.chunk.id] = replace(best[hit.chunk.id], score=score)
    order = sorted(best.values(), key=lambda hit: -hit.score)  # stable: rewritten first
    kept = {hit.chunk.id for hit in raw[:_RAW_KEPT]} if k > _RAW_KEPT else set()
    room = k - len(kept)
    chosen: list[Hit] = []
    for hit in order:
        if hit.chunk.id in kept:
            chosen.append(hit)
        elif room > 0:
            chosen.append(hit)
            room -= 1
    return chosen[:k]


# --- reading a question

_NEW_TOPIC = re.compile(
    r"^(?:对了|换个(?:话题|问题)|换一个(?:话题|问题)|另外(?:问)?(?:一下)?[,，、:：]|顺便(?:问|说)|"
    r"再问(?:一)?个|说回|回到|题外话|还有个问题|by the way|btw\b|(?:an? )?"
    r"(?:new|another|different|unrelated) (?:question|topic)|changing (?:the )?(?:topic|subject)|"
    r"on another note|(?:going )?back to|unrelated)",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^(?:那么|那(?!个|些|种|篇|次|年(?!份)|天|时|里|边|样|家|位|一)|然后|所以|还有(?!什么|哪|多|几|没|人)|再说|"
    r"(?:and|so|but|then|ok(?:ay)?|well)\b(?! (?:far|that)\b))[\s,，、]*",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"^(?:what|how) about\s+|^plus\s+|^for\s+(?=[^\s?]+\s*\??$)|^(?:如果)?换成\s*|^换(?!个|一)\s*",
    re.IGNORECASE,
)
_NE = re.compile(r"\s*(?:呢|又如何|又怎么样|怎么样|也是吗|也一样吗)\s*[?？。!！]*\s*$")
_END = re.compile(r"[\s?？。!！,，]+$")

_GENERIC_ZH = (
    r"(?:种|个|项|类|款)?(?:方法|做法|方案|技术|模型|算法|东西|概念|指标|策略|机制|技巧|框架|数据集|"
    r"索引|思路|办法|工具|系统)"
)
_PRONOUN_ZH = re.compile(
    rf"(?<![其吉])(?:它|他|她)们?(?:俩)?|(?:这|那|该)篇?(?=论文|文章)|(?:这|那|该|此){_GENERIC_ZH}|(?:这|那)(?:个|些|种|俩)(?=[是的会能有要在怎为和跟比]|$)"
)
_GENERIC_EN = (
    r"(?:method|technique|approach|algorithm|model|idea|concept|metric|thing|one|strategy|paper|"
    r"work|system|index|tool)s?"
)
_PRONOUN_EN = re.compile(
    rf"\b(?:its|it)\b(?!-)|\b(?:they|them|their)\b|\b(?:this|that|these|those)(?: {_GENERIC_EN}\b|"
    r"(?=\s*(?:[?.,!]|$|\b(?:is|are|was|were|do|does|did|from|in|with)\b)))",
    re.IGNORECASE,
)
# What points to the conversation, and is no name that could be put in its place.
_BOUND_ZH = re.compile(
    r"第[一二三四五六七八九十\d]+(?:个|步|种|条|点|项|类|阶段)?|最后(?:一)?(?:个|步|种|条|点|项)?|前者|后者|"
    r"两者|二者|三者|前面|上面|刚才|(?:这|那)(?:个|些|种|里|时)|^(?:别的|其他|其它)|另一个|另外(?:一)?(?:个|种)|"
    r"(?:哪个|哪种)[\s?？。]*$|^(?:哪个|哪种|谁更)|还有(?:什么|哪|别)"
)
_BOUND_EN = re.compile(
    r"\b(?:the )?(?:first|second|third|fourth|last|former|latter|others?|previous) "
    r"(?:one|step|two|stage|point|way)s?\b|"
    r"\bthe (?:former|latter|others?|first|second|third|last)\b\s*[?.]?\s*$|"
    r"\b(?:this|that|these|those)\b|\bwhich one\b|"
    r"(?<!is )(?<!are )\bthere\b(?! (?:is|are|was|were|any|a)\b)|"
    r"\bthe \d+(?:\.\d+)?[bmk]\b|\bin that case\b|\bthe new\b|\bboth\b|\belse\b|\binstead\b",
    re.IGNORECASE,
)
_ASK_ZH = re.compile(
    r"为什么|为何|为啥|怎么样|怎样|怎么|如何|咋|是什么意思|什么时候|何时|什么|啥|哪(?:一|几|些)?(?:个|种|类|些|年|"
    r"天|家|位|里|儿|点|步|项|条)?|多少|几(?=[个种类张层倍步点年月天大组篇])|多(?=[大长高快久宽深重])|谁|是否|能否|可否|"
    r"有没有|是不是|能不能|会不会|要不要|干嘛|吗|呢"
)
_ASK_EN = re.compile(
    r"\b(?:what(?:'s)?|which|who(?:se|m)?|when|where|why|how|is|are|was|were|do|does|did|can|could|"
    r"should|would|will|has|have|explain|describe|tell|list|compare|name|give)\b",
    re.IGNORECASE,
)
_VERB_EN = re.compile(
    r"(?<=\bwho )\w+ed\b|\b(?:briefly|please|in detail|intuition|idea|work|works|mean|means)\b",
    re.IGNORECASE,
)
_EDGE = re.compile(
    r"^[\s的是在把被对叫,，、:：。?？!！]+|(?:[\s,，、:：。?？!！;；]|的|是|有|在|要|能|会|该|应|了|由|和|被|用|取|最|各|出自|来自|属于|适合)+$"
)
_LATIN = re.compile(
    r"(?<![A-Za-z0-9_])[A-Za-z][A-Za-z0-9_]*(?:[-.+/'][A-Za-z0-9_]+)*\+*"
    r"(?:[ -]\d+(?:\.\d+)?[BbMmKk]?(?![\w.]))?"
)
_QUANTITY = re.compile(
    r"(?<![\w.])\d[\d,]*(?:\.\d+)?\s*(?:[A-Za-z%]+|[维题条层位张个字块倍步轮年月])?|"
    r"几?[一二三四五六七八九十百千万亿]+(?:级别?|条|维|题|层|张|个)|几[百千万亿]+(?:条|级|张|个)?"
)
_DEFINITION = re.compile(
    r"^(?:什么是|什么叫|何谓|何为|what(?:'s| is| are| does \S+ (?:do|mean|measure))\b)|"
    r"(?:是什么|是啥|指什么|是指什么|(?:是|啥|什么)意思)[\s?？。]*$",
    re.IGNORECASE,
)
_HOW = re.compile(r"怎么|怎样|如何|什么|啥|谁|\bhow\b|\bwhat\b|\bwho\b", re.IGNORECASE)
_DEFINED = re.compile(
    r"^(?:什么是|什么叫|what is|what are)\s*([^?？,，的]{2,40}?)[\s?？。]*$", re.IGNORECASE
)
_EXPLETIVE = re.compile(
    r"^ (?:costs?|takes?|makes? sense|is|was|possible|better|worth)\b.*\b(?:to|that)\b"
)
_FULL = 4  # words that say something in a question without names that is complete
_WHY = re.compile(r"为什么|为何|为啥|why\b", re.IGNORECASE)
_BARE = 1  # words that say something in a question that needs all of the one before
_BARE_ZH = re.compile(
    r"(?:是|在)?(谁|哪(?:一)?(?:年|天|家|位|个(?:人|团队|公司)|里|篇)|什么时候|何时|多少|多久|多大)(?:的|呢)?[\s?？。]*"
)
_CONDITION = re.compile(
    r"(?:之?[前后]|以[前后]|的?时候?|里|上)$|^(?:没有|如果|要是|想|反过来)|"
    r"^(?:with|without|at|in|on|for|if|after|before|under|during|from|by|when)\b",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"(?:率|方式|方法|长度|大小|数量|复杂度|局限|优点|缺点|优势|好处|坏处|不足|代价|成本|场景|年份|时间|作者|原因|步骤|"
    r"效果|用途|参数|参数量|精度|速度|内存|显存|公式|代码|定义|流程|原理|论文|机构|开销|延迟)$"
)
_PAIR = re.compile(
    r"([^\s,，]{2,12}?)\s*(?:和|与|跟|还是)\s*([^\s,，]{2,12}?)\s*(?=的|哪|谁|有|怎|区|差|在|$|[?？])|"
    r"([\w.-]+)\s+(?:and|or|vs\.?|versus)\s+([\w.-]+)"
)
_VERSION = re.compile(r"v?\d[\w.]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A complete question and what the conversation is about once it was asked."""

    text: str
    topic: str


@dataclass(frozen=True, slots=True)
class _Name:
    text: str
    start: int
    end: int


def _names(text: str) -> list[_Name]:
    """Names in a question: Latin words inside Chinese, capitals and digits inside English."""
    han = has_han(text)
    found: list[_Name] = []
    for match in _LATIN.finditer(text):
        word, start, end = match.group(), match.start(), match.end()
        if word.endswith("'s"):
            word, end = word[:-2], end - 2
        sized = re.fullmatch(r"([a-z][a-z0-9]*)[ -]\d\S*", word)
        if sized and not han:  # `layer 0`, `a new 8B model`
            continue
        if fold(word) in STOP_TERMS or fold(word).split()[0] in STOP_TERMS:
            continue
        marked = any(c.isupper() or c.isdigit() for c in word[1:])
        marked = marked or han or "_" in word or (word[0].isupper() and start > 0)
        if not marked:
            continue
        if found and text[found[-1].end : start] == " ":  # `reward hacking`, `KV cache`
            found[-1] = _Name(text[found[-1].start : end], found[-1].start, end)
        else:
            found.append(_Name(word, start, end))
    return found


def _content(text: str) -> list[str]:
    """Words that say something, without those that ask; single Chinese characters left out."""
    blank = (_ASK_ZH if has_han(text) else _ASK_EN).sub(lambda m: " " * len(m.group()), text)
    return [token.text for token in tokens(blank) if not token.is_stop and len(token.text) > 1]


def _is_name(name: _Name) -> bool:
    """Whether it can be what a question is about: not a letter, not a version."""
    return len(name.text) > 1 and not _VERSION.fullmatch(name.text)


def _is_complete(question: str, before: str) -> bool:
    """Whether nothing of the question before is needed."""
    if _NEW_TOPIC.search(question):
        return True
    han = has_han(question)
    bound = _BOUND_ZH if han else _BOUND_EN
    if bound.search(question) or (_LEAD.search(question)) or (not han and question[0].islower()):
        return False
    said = {fold(name.text) for name in _names(before)}
    named = [name for name in _names(question) if _is_name(name)]
    names = [name for name in named if fold(name.text) not in said]
    content = _content(question)
    if named and named[0].start == 0 and _spoken(content, named):
        return True  # it begins with its subject, though that was named before
    own = {t.text for n in names for t in tokens(n.text)}
    rest = [word for word in content if word not in own]
    if names:
        if bool(rest) or len(names) > 1:
            return True
        if any(len(re.findall("[A-Z]", n.text)) > 1 or " " in n.text for n in names):
            return _HOW.search(question) is not None  # `MRR 怎么算?`, not `nlist 怎么取`
        return _DEFINITION.search(question) is not None
    defined = _DEFINITION.match(question)
    return len(content) >= _FULL or (han and defined is not None and bool(content))


def _spoken(content: Sequence[str], names: Sequence[_Name]) -> bool:
    """Whether words besides the names say something."""
    own = {token.text for name in names for token in tokens(name.text)}
    return any(word not in own for word in content)


def _core(text: str) -> str:
    """What a question is about: without asking words and the punctuation around them."""
    ask = _ASK_ZH if has_han(text) else _ASK_EN
    parts = (_trim(part) for part in ask.split(text))
    bare = _trim(" ".join(part for part in parts if len(part) > 1 or part.isascii()))
    return bare if bare else _trim(text)


def _trim(text: str) -> str:
    before = None
    while before != text:
        before, text = text, _EDGE.sub("", text)
    return text


def _subject(text: str) -> str:
    """The subject of a question: its first name, else what stands before the first asking word."""
    names = [name for name in _names(text) if _is_name(name)]
    if names:
        return _phrase(text, names[0])
    if not has_han(text):
        blank = _ASK_EN.sub(lambda m: " " * len(m.group()), _VERB_EN.sub(_blank, text))
        words = [token for token in tokens(blank) if not token.is_stop]
        return text[words[0].start : words[-1].end] if words else _trim(text)
    first = _ASK_ZH.search(text)
    head = _trim(text[: first.start()]) if first else _trim(text)
    return head if len(head) > 1 else _core(text)


def _phrase(text: str, name: _Name) -> str:
    """A name with the size or part that belongs to it: `LLaMA 65B`, `LoRA 的 alpha`."""
    tail = re.match(r"\s*的\s*([A-Za-z]\w*)", text[name.end :])
    return text[name.start : name.end + (tail.end() if tail else 0)]


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _topic(text: str) -> str:
    """What a question asks on from: its head up to the first asking word, names kept."""
    if not has_han(text):
        return _context(text)
    first = _ASK_ZH.search(text)
    head = _trim(text[: first.start()]) if first else _trim(text)
    head = _trim(_ATTRIBUTE.sub("", head)) or head
    return (
        head
        if 2 <= len(head) <= _MAX_CONTEXT and (_names(head) or not _names(text))
        else _context(text)
    )


def _context(text: str) -> str:
    """All that a bare question (`为什么?`) needs of the one before."""
    core = re.sub(r"\s*[()]\s*", ", ", _core(text)).strip(" ,")
    return core if len(core) <= _MAX_CONTEXT else _subject(text)[:_MAX_CONTEXT]


# --- rewriting


def _fresh(question: str) -> _Asked:
    return _Asked(question, _topic(question))


def _completed(question: str, before: _Asked) -> _Asked:
    """One question completed from the complete question before it."""
    if _NEW_TOPIC.search(question) or len(question) > _MAX_CONTEXT:
        return _fresh(question)
    swapped = _swapped(question, before)
    if swapped is not None:
        return swapped
    plain = _which_of_two(_LEAD.sub("", question), before.text)
    if plain != _LEAD.sub("", question):
        return _Asked(plain, before.topic)
    pronoun = _pronoun(plain)
    if pronoun:
        of = before.text if fold(pronoun.group()) in ("this", "that") else before.topic
        return _Asked(_resolved(plain, of, pronoun), before.topic)
    if _is_complete(question, before.text):
        asks_on = _WHY.match(question)  # `为啥 RoPE 要单独处理?` is still about MLA
        return _Asked(question, before.topic) if asks_on else _fresh(question)
    han = has_han(question)
    asked = _BARE_ZH.fullmatch(plain)
    slot = _ASK_ZH.search(before.text)
    if asked and slot:  # `FM 谁提的?`, `哪一年`
        text = before.text[: slot.start()] + asked.group(1) + before.text[slot.end() :]
        return _Asked(text, before.topic)
    bare = len(_content(plain)) <= (_BARE if han else 2)
    context = _context(before.text) if bare else before.topic
    return _Asked(_joined(context, plain), before.topic)


def _which_of_two(question: str, before: str) -> str:
    """The question with the one or the other of two for `前者` and `the latter`."""
    pair = _PAIR.search(before)
    if not pair:
        return question
    question = re.sub(r"前者|\bthe former\b", lambda _: (pair[1] or pair[3]).strip(), question)
    return re.sub(r"后者|\bthe latter\b", lambda _: (pair[2] or pair[4]).strip(), question)


def _joined(context: str, question: str) -> str:
    if has_han(question):
        return f"{context} {question}"
    return f"{_END.sub('', question)} ({context})?"


def _pronoun(question: str) -> re.Match[str] | None:
    """The pronoun that points to the question before; none that points to a word before itself."""
    han = has_han(question)
    found = [
        match
        for match in (_PRONOUN_ZH if han else _PRONOUN_EN).finditer(question)
        if len(_content(question[: match.start()])) < 3
        and not (not han and _EXPLETIVE.search(question[match.end() :]))
    ]
    return min(found, key=lambda m: (fold(m.group()) not in ("it", "its"), m.start()), default=None)


def _resolved(question: str, before: str, pronoun: re.Match[str]) -> str:
    """The question with the subject of the one before in the place of its pronoun."""
    said = fold(pronoun.group())
    subject = _context(before) if said in ("this", "that") else _subject(before)
    if said.endswith(" paper"):
        subject = f"the {subject} paper"
    if said in ("its", "their"):
        subject += "'s"
    text = question[: pronoun.start()] + " " + subject + " " + question[pronoun.end() :]
    return re.sub(r"\s+([?？,，.。!！])", r"\1", re.sub(r"\s+", " ", text)).strip()


def _swapped(question: str, before: _Asked) -> _Asked | None:
    """The question before about something else; None if this one is no such question."""
    plain = _LEAD.sub("", question)
    about = _ABOUT.search(plain) is not None
    bare = _ABOUT.sub("", plain)
    topic, clause = _divided(bare, about)
    if clause:  # `FFM 呢,它复杂度多少`: complete once its pronoun is resolved
        pronoun = _pronoun(clause)
        return _Asked(_resolved(clause, topic, pronoun) if pronoun else f"{topic} {clause}", topic)
    han = has_han(bare)
    if not topic or (_ASK_ZH if han else _ASK_EN).search(topic) or _pronoun(topic):
        return None
    short = not han and len(topic.split()) <= 3
    if not (_NE.search(bare) or about or plain != question or short):
        return None
    if (_BOUND_ZH if han else _BOUND_EN).search(topic):
        return None
    if _CONDITION.search(topic):
        text = (
            f"{_context(before.text)} {topic}呢?" if han else _joined(_context(before.text), topic)
        )
        return _Asked(text, before.topic)
    return _replaced(re.sub(r"\s*的$|^the |\s+ones?$", "", topic).strip(), before)


def _divided(text: str, about: bool) -> tuple[str, str]:
    """What a swap names, and the clause that asks on about it: `FFM 呢,它复杂度多少`."""
    match = re.search(r"呢\s*[,，、?？]\s*(?=\S)", text)
    if match:
        return text[: match.start()].strip(), text[match.end() :].strip()
    if about and not has_han(text):
        topic, _, clause = text.partition(",")
        if _ASK_EN.search(clause):
            return topic.strip(), clause.strip()
    return _END.sub("", _NE.sub("", text)).strip(), ""


def _replaced(topic: str, before: _Asked) -> _Asked:
    """The question before with `topic` in the place of what is most like it."""
    if re.search(r"\S\s*的\s*\S|\S of \S", topic) and len(_content(topic)) > 1:
        return _fresh(topic + "?")  # `DPO 的优势`: names its own attribute
    slot = _slot(topic, before.text)
    if slot is not None:
        return _fresh(before.text[: slot[0]] + topic + before.text[slot[1] :])
    if not has_han(topic):
        return _Asked(_joined(_context(before.text), topic), before.topic)
    if _names(before.text) or _ATTRIBUTE.search(topic):
        return _Asked(f"{_subject(before.topic)} 的{topic}?", before.topic)
    return _fresh(f"{topic} {_context(before.text)}?")


def _slot(topic: str, before: str) -> tuple[int, int] | None:
    """Where in the question before stands what is of the same kind as `topic`."""
    quantity = _QUANTITY.match(topic)
    if quantity:
        found = list(_QUANTITY.finditer(before))
        same = [m for m in found if _unit(m.group()) == _unit(quantity.group())] or found
        if same:
            return same[0].start(), same[0].start() + len(same[0].group().rstrip())
    names = _names(before)
    defined = _DEFINED.match(before)
    whole = defined.span(1) if defined and not names and not _ATTRIBUTE.search(topic) else None
    if has_han(topic) and not _names(topic):
        return _han_slot(topic, before) or whole
    if whole:
        return whole
    if not has_han(before) and not _names(f", {topic}"):
        return None  # `full fine-tuning`, `the checkpoint size`
    if names:
        name = max(names, key=lambda n: (_likeness(topic, n.text), -n.start))
        owner = re.search(r"(\w+)'s $", before[: name.start])
        return owner.span(1) if owner else (name.start, name.end)
    if has_han(before):
        return _han_slot(topic, before)
    subject = _subject(before)
    return _span(before, subject) if len(subject.split()) <= 3 else None


def _span(text: str, part: str) -> tuple[int, int] | None:
    at = text.find(part)
    return (at, at + len(part)) if at >= 0 else None


def _unit(quantity: str) -> str:
    return fold(re.sub(r"[\d,.\s]+", "", quantity))


def _likeness(a: str, b: str) -> float:
    """How much two names look alike: shape, length, common characters."""
    shape = 1.0 if _shape(a) == _shape(b) else 0.5 if a[0].isupper() == b[0].isupper() else 0.0
    common = len(set(fold(a)) & set(fold(b))) / max(len(set(fold(a)) | set(fold(b))), 1)
    letters = 1.5 if len(a) <= 2 and len(b) <= 2 else 0.0
    return shape + common + letters - 0.02 * abs(len(a) - len(b))


def _shape(name: str) -> str:
    kinds = (
        "A" if c.isupper() else "a" if c.islower() else "0" if c.isdigit() else c for c in name
    )
    return re.sub(r"(.)\1+", r"\1", "".join(kinds))


def _han_slot(topic: str, before: str) -> tuple[int, int] | None:
    """A Chinese word that ends as `topic` does (外在, 内在), else the head without a name."""
    first = _ASK_ZH.search(before)
    head = _trim(before[: first.start()]) if first else ""
    if 2 <= len(topic) <= 6:
        for word in tokens(before):
            if word.kind == "han" and len(word.text) >= 2 and word.text[-1] == topic[-1]:
                is_head = head.endswith(word.text) and not _names(head)
                return _span(before, head) if is_head else (word.start, word.end)
    if _names(before) or _ATTRIBUTE.search(topic) or not 2 <= len(head) <= 8:
        return None
    return _span(before, head)
