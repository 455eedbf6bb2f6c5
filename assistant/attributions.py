"""Names and versions that a text asserts: who made a thing, what a default is, which version.

An assertion says one value of one thing under one predicate, so that another text which gives
another value disagrees. Where two could both hold, nothing is said: a person and the firm they work
for, a name in two scripts, an open range and one version. Rules over Chinese and English. Knows
texts; not notes. Called by `disagreement`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from assistant.lexicon import alike
from corpus.glossary import translations
from corpus.text import fold, has_han
from corpus.tokens import content_terms

__all__ = ["Attribution", "at_odds", "attributions"]

_MEANS = r"(?:在|于|通过|以|用|凭|从|最早|首次|率先|共同|联合|首先|最先|正式)"
_VERBS = (
    ("proposed", "提出|发明", "proposed|introduced|invented"),
    ("released", "发布|推出|开源", "released|published|launched|open-sourced"),
    ("developed", "开发|研发|创建", "developed|created|built"),
)
# Read from the beginning of a clause: what was made is named there in full, or not at all.
_ZH_BY = r"(?P<o>.{2,40}?)\s*(?:最早|最初|首先)?(?:是由|由|被)\s*(?P<s>.{2,40}?)\s*(?:%s)"
_ZH_WAS = r"(?P<o>.{2,40}?)\s*是(?!由|否|不)\s*(?P<s>.{2,40}?)\s*(?<!所)(?:%s)的"
_EN_BY = (
    r"(?P<o>.{2,60}?)\s+(?:was|were|is|are)\s+(?:first\s+|originally\s+)?(?:%s)\s+by\s+"
    r"(?P<s>.{2,50}?)(?=\s+(?:in|at|on|and (?:is|was|has))\b|\s*\(|\s*$)"
)
_MAKERS = tuple(
    (verb, re.compile(pattern % verbs, re.IGNORECASE))
    for verb, zh, en in _VERBS
    for pattern, verbs in ((_ZH_BY, zh), (_ZH_WAS, zh), (_EN_BY, en))
)
_MADE = re.compile("|".join(f"{zh}|{en}" for _, zh, en in _VERBS), re.IGNORECASE)
# Who made it: the words behind the name that say when and how are left out.
_CUT = re.compile(rf"\s*(?:{_MEANS}|(?:19|20)\d\d\s*年?).*$")
_LEAD_YEAR = re.compile(r"^\s*(?:(?:19|20)\d\d\s*年?的?)\s*")
_PEOPLE = re.compile(r"等人|\bet al\b\.?|教授|博士|先生|女士|团队成员")
_BODY = re.compile(
    r"公司|大学|学院|研究院|研究所|实验室|团队|集团|科技|社区|\b(?:university|institute|labs?|inc|corp|"
    r"team|research|company|google|meta|facebook|openai|microsoft|nvidia|amazon|apple|alibaba|"
    r"tencent|baidu|deepmind|deepseek|anthropic|mistral|hugging ?face|ibm|intel|amd|bytedance|"
    r"baai)\b|"
    r"谷歌|微软|英伟达|亚马逊|苹果|阿里|腾讯|百度|字节|华为|智谱|月之暗面|清华|北大|斯坦福",
    re.IGNORECASE,
)
_TITLES = frozenset("公司 团队 大学 university team 人".split())
# Firms under one roof, of which either may be named for the other.
_ROOFS = (
    frozenset("google deepmind alphabet 谷歌".split()),
    frozenset("meta facebook fair".split()),
    frozenset("microsoft github 微软 msra".split()),
    frozenset("阿里 阿里巴巴 alibaba qwen 通义 达摩院".split()),
)
_VAGUE = re.compile(
    r"(?:一个|该|这|此|那|它|其|本|某|上述|以上|前者|后者|笔者|作者|我|"
    r"(?:it|this|that|these|they|which|we|the (?:method|model))\b)",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"[(（]([^()（）]{1,60})[)）]")
_QUOTES = re.compile(r"[《》「」“”\"'`*_]")

_VALUE = (
    r"[`*\"“]{0,2}(?P<value>(?!(?:true|false|none|null|yes|no)\b)"
    r"[A-Za-z][A-Za-z0-9_.+/-]*[A-Za-z0-9_+])[`*\"”]{0,2}"
)
_DEFAULT = re.compile(
    rf"\W{{0,6}}(?P<head>.{{0,30}}?(?:默认|缺省|\bdefault\b).{{0,24}}?)[\s*_]*"
    rf"(?:是|为|用的是|使用的是|采用|使用|用|:|：|=|\bis\b|\bwas\b)[\s*_]*{_VALUE}\W*",
    re.IGNORECASE,
)
_IS_DEFAULT = re.compile(r"默认|缺省|\bdefault\b", re.IGNORECASE)
# Some releases are written with one figure only; a bare one may be a count, and is left out.
_VERSION = re.compile(
    r"(?<![A-Za-z])(?!(?:version|release|v)\b)(?P<name>[A-Za-z][A-Za-z+#]+)\s*"
    r"(?:的?版本\s*(?:是|为|要求)?\s*[:：]?|\bversion\b:?(?:\s+is)?)?\s*"
    r"[vV]?\s*(?P<value>\d{1,3}(?:\.\d{1,4}){1,3})(?![\d.%]|\s*[A-Za-z%倍万亿年月个])"
    r"(?P<range>\s*(?:\+|以上|及以上|或更[高新]|以下|到|至|-|~|"
    r"or (?:newer|later|higher|above|lower)))?",
    re.IGNORECASE,
)
_RELEASE = re.compile(r"\d\.\d")
_ASKED = re.compile(
    r"需要|要求|必须|依赖|使用|采用|基于|安装|升级|固定|版本|环境|"
    r"\b(?:requires?|needs?|uses?|using|runs? on|version|pinned|installs?)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"```|~~~|==|\bpip install\b")
_CLAUSE = re.compile(r"[,，。；;!！?？\n、]|\.(?=\s|$)")
_LONGEST = 160  # characters of a clause that is read
_FUNCTION = frozenset(
    "默认 缺省 default 版本 version 需要 要求 必须 使用 采用 用 require need use 是 为 本 环境 "
    "安装 依赖 基于 installs install pin based run 升级 固定 现在 目前 now".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """One value asserted of one thing.

    Attributes:
        kind: "proposed", "released", "developed", "default", "version", "version range".
        things: names of the thing, each as its content terms; texts that share one mean the same.
        value: the value as written.
        start: offset of the value in the text.
        end: where it ends.
    """

    kind: str
    things: frozenset[frozenset[str]]
    value: str
    start: int
    end: int

    @property
    def own(self) -> frozenset[str]:
        """The words that tell which thing it is, beside those that every such sentence has."""
        every = frozenset().union(*self.things) - _FUNCTION
        return every - set(content_terms(self.value))


@lru_cache(maxsize=4096)
def attributions(text: str) -> tuple[Attribution, ...]:
    """What a text asserts by a name or a version.

    Args:
        text: a sentence or a few.

    Returns:
        Makers, then defaults, then versions; questions and code assert nothing.
    """
    if text.rstrip().endswith(("?", "？")) or _CODE.search(text):
        return ()
    return (*_makers(text), *_defaults(text), *_versions(text))


def _clauses(text: str) -> Iterator[tuple[int, str]]:
    """The clauses of a text with their offsets; overlong ones are left out."""
    start = 0
    for mark in _CLAUSE.finditer(text):
        if 0 < mark.start() - start <= _LONGEST:
            yield start, text[start : mark.start()]
        start = mark.end()
    if 0 < len(text) - start <= _LONGEST:
        yield start, text[start:]


def _makers(text: str) -> Iterator[Attribution]:
    for begin, clause in _clauses(text) if _MADE.search(text) else ():
        for verb, pattern in _MAKERS if _MADE.search(clause) else ():
            found = pattern.match(clause)
            if found is None:
                continue
            who = _LEAD_YEAR.sub("", found["s"])
            start = begin + found.end("s") - len(who)
            who = _CUT.sub("", who).rstrip()
            things = _things(found["o"])
            if who and things and not _VAGUE.match(who):
                yield Attribution(
                    kind=verb, things=things, value=who, start=start, end=start + len(who)
                )


def _things(words: str) -> frozenset[frozenset[str]]:
    """The names of what was made: the one before brackets and those inside them."""
    plain = _QUOTES.sub("", words).strip(" -*•")
    if _VAGUE.match(plain):
        return frozenset()
    names = [_ASIDE.sub("", plain), *_ASIDE.findall(plain)]
    return frozenset(frozenset(content_terms(name)) for name in names if content_terms(name))


def _defaults(text: str) -> Iterator[Attribution]:
    for begin, clause in _clauses(text) if _IS_DEFAULT.search(text) else ():
        found = _DEFAULT.fullmatch(clause)
        if found is not None:
            yield Attribution(
                kind="default",
                things=frozenset({frozenset(content_terms(found["head"]))}),
                value=found["value"],
                start=begin + found.start("value"),
                end=begin + found.end("value"),
            )


def _versions(text: str) -> Iterator[Attribution]:
    for begin, clause in _clauses(text) if _RELEASE.search(text) else ():
        found = _VERSION.search(clause) if _ASKED.search(clause) else None
        if found is None:
            continue
        around = clause.replace(found.group(), f" {found['name']} ", 1)
        if re.search(r"\d", around):
            continue  # several versions, dates or counts: which of them is meant is not sure
        yield Attribution(
            kind="version range" if found["range"] else "version",
            things=frozenset({frozenset(content_terms(around)) - {"本"}}),
            value=f"{found['name']} {found['value']}",
            start=begin + found.start(),
            end=begin + found.end("value"),
        )


def at_odds(mine: str, theirs: str) -> tuple[Attribution, Attribution] | None:
    """A thing of which two texts assert different values under the same predicate, or None.

    Args:
        mine: one text.
        theirs: the other.
    """
    others = attributions(theirs)
    for own in attributions(mine):
        rivals = [o for o in others if o.kind == own.kind and _is_same(own, o)]
        if rivals and all(_excludes(own, o) for o in rivals):
            return own, rivals[0]
    return None


def _is_same(one: Attribution, other: Attribution) -> bool:
    """Whether two assertions are of the same thing: by all words of a name, in any form."""
    return any(_matches(a, b) and _matches(b, a) for a in one.things for b in other.things)


def _matches(these: frozenset[str], those: frozenset[str]) -> bool:
    return all(word in those or those & _forms(word) for word in these)


def _forms(word: str) -> set[str]:
    return {*alike(word), *(name for name, odds in translations(word) if odds >= 0.05)}


def _excludes(one: Attribution, other: Attribution) -> bool:
    """Whether both values cannot hold."""
    if one.kind in ("proposed", "released", "developed"):
        return _are_others(one.value, other.value)
    return fold(one.value) != fold(other.value)


def _are_others(one: str, other: str) -> bool:
    """Whether two makers are surely not the same, nor one part of the other."""
    if has_han(_PEOPLE.sub("", one)) != has_han(_PEOPLE.sub("", other)):
        return False  # a name in two scripts may be one
    is_body, is_other_body = (_BODY.search(who) is not None for who in (one, other))
    if is_body != is_other_body:
        return False  # who did it, and where they did it
    mine, theirs = (_named(who) for who in (one, other))
    if not mine or not theirs or _matches_any(mine, theirs):
        return False
    return not any(mine & roof and theirs & roof for roof in _ROOFS)


def _named(who: str) -> frozenset[str]:
    """The words of a maker's name, without 等人, 公司 and their like."""
    every = content_terms(_PEOPLE.sub("", who))
    return frozenset(
        w for w in every if w not in {"公司", "团队", "大学", "university", "team", "人"}
    )


def _matches_any(these: frozenset[str], those: frozenset[str]) -> bool:
    return any(word in those or those & _forms(word) for word in these)
