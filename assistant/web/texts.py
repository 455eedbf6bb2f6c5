"""Every string of the page, in Chinese and English.

Components take theirs through `gr.I18n` (`TRANSLATIONS`); markup made in Python carries both
languages (`both`) and the style sheet shows the one of `<html lang>`, so the language switch
reaches answers that are already on the page.
"""

from __future__ import annotations

import html
from typing import NamedTuple

from assistant.types import Verdict

__all__ = ["ICONS", "TEXTS", "TRANSLATIONS", "VERDICT_CLASSES", "Text", "both", "both_n", "plain"]


class Text(NamedTuple):
    """One string in both languages; `{name}` marks a value."""

    zh: str
    en: str


ICONS = {
    Verdict.SUPPORTED: "✓",
    Verdict.CONTRADICTED: "✗",
    Verdict.UNSUPPORTED: "?",
    Verdict.NOT_CHECKED: "–",
}
VERDICT_CLASSES = {
    Verdict.SUPPORTED: "ok",
    Verdict.CONTRADICTED: "bad",
    Verdict.UNSUPPORTED: "miss",
    Verdict.NOT_CHECKED: "none",
}

TEXTS: dict[str, Text] = {
    # header
    "title": Text("有据 youju", "youju 有据"),
    "tagline": Text(
        "答案句句有出处，点开即见原文", "Every sentence cites your notes; click to see the words"
    ),
    "notes": Text("{n} 篇笔记", "{n} notes"),
    "notes.one": Text("{n} 篇笔记", "{n} note"),
    "passages": Text("{n} 个段落", "{n} passages"),
    "passages.one": Text("{n} 个段落", "{n} passage"),
    "generator.extractive": Text(
        "摘句作答（不经模型改写）", "answers quote your notes (no rewriting)"
    ),
    "generator.model": Text("作答：{name}", "answers by {name}"),
    "encoder": Text("检索：{name}", "search by {name}"),
    "local": Text("不出本机", "nothing leaves this machine"),
    "sent": Text("问题与相关段落会发给 {name}", "the question and its passages go to {name}"),
    "refresh": Text("刷新索引", "Refresh"),
    "refresh.noop": Text("索引已是最新。", "The index is up to date."),
    "refresh.done": Text(
        "已刷新：新增 {added}，修改 {changed}，改名 {renamed}，删除 {deleted}。",
        "Refreshed: {added} added, {changed} changed, {renamed} renamed, {deleted} deleted.",
    ),
    "refresh.running": Text("正在读取笔记……", "Reading the notes…"),
    "skipped": Text("跳过 {n} 个文件", "{n} files skipped"),
    "skipped.one": Text("跳过 {n} 个文件", "{n} file skipped"),
    # ask
    "tab.ask": Text("提问", "Ask"),
    "ask.placeholder": Text("就你的笔记提问……", "Ask your notes…"),
    "ask.label": Text("问题", "Question"),
    "ask.send": Text("提问", "Ask"),
    "ask.stop": Text("停止", "Stop"),
    "ask.retry": Text("重答上一问", "Retry last"),
    "ask.rewrite": Text("改写无据句", "Rewrite unsupported"),
    "ask.new": Text("新对话", "New chat"),
    "ask.too_long": Text(
        "问题太长（{n} 字），请缩短到 {limit} 字以内。",
        "The question is too long ({n} characters); keep it within {limit}.",
    ),
    "ask.empty": Text("请先写下问题。", "Write a question first."),
    "welcome": Text("问问你的笔记", "Ask your own notes"),
    "welcome.how": Text(
        "每句话都注明出处并逐条核对；笔记里没有的，会直说没有。",
        "Every sentence names its source and is checked against it. "
        "What your notes do not say, you are told.",
    ),
    "welcome.examples": Text("可以这样问：", "Questions your notes can answer:"),
    "checking": Text("正在逐句核对……", "checking each sentence…"),
    "searching": Text("正在查找笔记……", "searching your notes…"),
    "claims": Text("{n} 条陈述：", "{n} claims: "),
    "claims.one": Text("{n} 条陈述：", "{n} claim: "),
    "no_claims": Text("没有可核对的陈述", "no checkable claims"),
    "abstained": Text("笔记里没有答案", "Your notes do not answer this"),
    "nearest": Text("最接近的笔记", "Nearest notes"),
    "sources": Text("出处", "Sources"),
    "disagree": Text("笔记说法不一", "Your notes disagree"),
    "undated": Text("无日期", "undated"),
    "bound": Text("模型的标记与改写", "The model's markers and rewritten sentences"),
    "marker.removed": Text("已去除", "removed"),
    "marker.repointed": Text("改指", "now"),
    "rewrite.kept": Text("（改写后仍无依据，保留原句）", "(no better; left as it was)"),
    "rewrite.gone": Text("（证据里没有，已删去）", "(not in the evidence; taken out)"),
    "searched": Text("检索：", "Searched: "),
    "copy.answer": Text("复制（含出处）", "Copy with sources"),
    "copy.hit": Text("复制引文", "Copy citation"),
    "copy.report": Text("复制核查结果", "Copy report"),
    "older": Text(
        "更早的 {n} 轮对话已保存，这里不再显示。", "{n} earlier turns are kept but not shown."
    ),
    "older.one": Text(
        "更早的 {n} 轮对话已保存，这里不再显示。", "{n} earlier turn is kept but not shown."
    ),
    # verdicts
    "supported": Text("有据", "supported"),
    "contradicted": Text("与笔记矛盾", "contradicted"),
    "unsupported": Text("笔记中没有", "not in the notes"),
    "not_checked": Text("未核对", "not checked"),
    "legend": Text("标记含义", "Legend"),
    "legend.how": Text("点标记看依据", "click a mark for its evidence"),
    # look up
    "tab.find": Text("查找", "Look up"),
    "find.label": Text("词语", "Words"),
    "find.placeholder": Text("词语、术语或一句话", "Words, a term or a sentence"),
    "find.go": Text("查找", "Look up"),
    "find.filters": Text("筛选", "Filters"),
    "find.k": Text("条数", "Results"),
    "find.folder": Text("文件夹", "Folder"),
    "find.tag": Text("标签", "Tag"),
    "find.title": Text("标题含", "Title contains"),
    "find.since": Text("起始日期", "From date"),
    "find.until": Text("截止日期", "To date"),
    "find.none": Text(
        "没有找到。换个说法，或放宽筛选。", "Nothing found. Try other words or fewer filters."
    ),
    "find.start": Text(
        "按词或按意思找笔记里的段落。", "Find passages of your notes by word or by meaning."
    ),
    "find.count": Text("{n} 条结果", "{n} results"),
    "find.count.one": Text("{n} 条结果", "{n} result"),
    "find.scores": Text("得分", "Scores"),
    "find.bad_date": Text(
        "日期应写作 2024-05-01，收到的是 {value}。", "Write dates as 2024-05-01; got {value}."
    ),
    # check
    "tab.check": Text("核查", "Check"),
    "check.label": Text("要核查的文字", "Text to check"),
    "check.placeholder": Text(
        "粘贴一段文字，逐条对照你的笔记核查……",
        "Paste a text; each claim is checked against your notes…",
    ),
    "check.go": Text("核查", "Check"),
    "check.empty": Text("请先粘贴要核查的文字。", "Paste a text to check first."),
    "check.too_long": Text(
        "文字太长（{n} 字），请分段核查，每段不超过 {limit} 字。",
        "The text is too long ({n} characters); check it in parts of at most {limit}.",
    ),
    "check.start": Text("结果会显示在这里。", "The result appears here."),
    # the panel
    "panel.passage": Text("原文", "Passage"),
    "panel.previous": Text("上一处", "Previous"),
    "panel.next": Text("下一处", "Next"),
    "panel.close": Text("关闭", "Close"),
    "panel.copy": Text("复制原句", "Copy quote"),
    "panel.copied": Text("已复制", "Copied"),
    "panel.obsidian": Text("在 Obsidian 中打开", "Open in Obsidian"),
    "panel.editor": Text("在 VS Code 中打开", "Open in VS Code"),
    "panel.claim": Text("被核对的句子", "The sentence checked"),
    "panel.state.changed": Text(
        "笔记在作答之后改过，下面是当时引用的原句。",
        "The note has changed since; these are the words as they were cited.",
    ),
    "panel.state.gone": Text(
        "这篇笔记已不在索引中，下面是当时引用的原句。",
        "The note is no longer indexed; these are the words as they were cited.",
    ),
    "panel.state.none": Text(
        "笔记中没有与这句话接近的内容。", "Nothing in your notes comes near this sentence."
    ),
    "panel.state.lost": Text(
        "这条记录已过期，请重新提问或查找。", "This link has expired; ask or search again."
    ),
    "panel.empty": Text(
        "点开答案里的编号或标记，这里显示笔记原文。",
        "Open a number or a mark of an answer to see the words of the note here.",
    ),
    # errors
    "error": Text(
        "出错了，没有完成。详情见启动 youju 的终端。",
        "Something failed. Details are in the terminal that runs youju.",
    ),
    "stopped": Text("已停止；问题已放回输入框。", "Stopped; the question is back in the box."),
}

TRANSLATIONS: dict[str, dict[str, str]] = {
    "en": {key: text.en for key, text in TEXTS.items()},
    "zh": {key: text.zh for key, text in TEXTS.items()},
    "zh-CN": {key: text.zh for key, text in TEXTS.items()},
    "zh-TW": {key: text.zh for key, text in TEXTS.items()},
}


def both(key: str, **values: object) -> str:
    """A string as markup in both languages, values escaped; the style sheet shows one."""
    shown = {name: html.escape(str(value)) for name, value in values.items()}
    zh, en = (text.format(**shown) for text in TEXTS[key])
    return zh if zh == en else f'<span class="zh">{zh}</span><span class="en">{en}</span>'


def both_n(key: str, n: int) -> str:
    """As `both`, with the English singular where `n` is one."""
    return both(f"{key}.one" if n == 1 else key, n=n)


def plain(key: str, chinese: bool, **values: object) -> str:
    """A string in one language, not escaped."""
    return (TEXTS[key].zh if chinese else TEXTS[key].en).format(**values)
