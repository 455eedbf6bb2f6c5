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
        "答案句句有出处，点开即见原文", "Every sentence cites your notes: click and see"
    ),
    "notes": Text("{n} 篇笔记", "{n} notes"),
    "notes.one": Text("{n} 篇笔记", "{n} note"),
    "passages": Text("{n} 个段落", "{n} passages"),
    "passages.one": Text("{n} 个段落", "{n} passage"),
    "generator.extractive": Text("摘句作答（不经模型改写）", "quotes your notes, no rewriting"),
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
    "ask.unkept": Text(
        "这个回答没能存下，刷新后就不在了：请先复制，再腾出磁盘空间后重试。（{reason}）",
        "This answer could not be kept and is gone after a reload: copy it, make room on the disk, "
        "then retry. ({reason})",
    ),
    "ask.empty": Text("请先写下问题。", "Write a question first."),
    "welcome": Text("问问你的笔记", "Ask your own notes"),
    "welcome.how": Text(
        "每句话都注明出处并逐条核对；笔记里没有的，会直说没有。",
        "Every sentence names its source and is checked against it. "
        "What your notes do not say, you are told.",
    ),
    "welcome.step1": Text("用自己的话提问", "Ask in your own words"),
    "welcome.step2": Text("点编号 [1]，打开笔记原文", "Open a number [1] to see the note"),
    "welcome.step3": Text("看 ✓ ✗ ?，知道哪句靠得住", "Read ✓ ✗ ? to know what holds"),
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
    "searched.edit": Text("修改检索", "Edit search"),
    "ask.edit": Text("修改", "Edit"),
    "ask.cancel": Text("取消", "Cancel"),
    "ask.editing": Text(
        "正在修改之前的问题，它之后的问答会被替换",
        "Editing an earlier question; the turns after it will be replaced",
    ),
    "ask.editing_search": Text(
        "按你写的原样检索，替换之前的回答", "Searched exactly as you write it; replaces the answer"
    ),
    "ask.scope": Text("只查《{name}》", "Only from “{name}”"),
    "ask.scope_gone": Text(
        "《{name}》已不在索引中，请取消限定再问。",
        "“{name}” is no longer indexed; cancel the restriction and ask again.",
    ),
    "copy.answer": Text("复制（含出处）", "Copy with sources"),
    "copy.hit": Text("复制引文", "Copy citation"),
    "copy.report": Text("复制核查结果", "Copy report"),
    "save.markdown": Text("存为 Markdown", "Save as Markdown"),
    "save.json": Text("存为 JSON", "Save as JSON"),
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
    "unconfirmed": Text("未能确认", "not confirmed"),
    "legend": Text("标记含义", "Legend"),
    "legend.how": Text("点标记看依据", "click for evidence"),
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
    "find.also": Text("同样的内容也在：", "The same words also in:"),
    "find.how": Text(
        "可用：“短语” · [[笔记]] · #标签 · path:文件夹 · since:2024",
        'You can write: "a phrase" · [[note]] · #tag · path:folder · since:2024',
    ),
    "find.count": Text("{n} 条结果", "{n} results"),
    "find.count.one": Text("{n} 条结果", "{n} result"),
    "find.scores": Text("得分", "Scores"),
    "find.bad_date": Text(
        "日期应写作 2024、2024-05 或 2024-05-01，收到的是 {value}。",
        "Write dates as 2024, 2024-05 or 2024-05-01; got {value}.",
    ),
    "note.read": Text("读全文", "Read note"),
    "note.ask": Text("就此篇提问", "Ask about this note"),
    "note.back": Text("← 返回列表", "← Back to the list"),
    "library.none": Text(
        "还没有笔记。到“笔记”页选择文件夹，或上传文件。",
        "No notes yet. Choose a folder or upload files in the Notes tab.",
    ),
    "library.more": Text(
        "还有 {n} 篇未列出，用搜索或筛选缩小范围。", "{n} more; narrow them by search or filters."
    ),
    "library.cut": Text(
        "这篇很长，只显示一部分；其余请用编辑器打开。",
        "A long note: only a part of it is shown; open the rest in your editor.",
    ),
    "library.links": Text("链接到", "Links to"),
    "library.backlinks": Text("被引用（{n}）", "Linked from ({n})"),
    # check
    "tab.check": Text("核查", "Check"),
    "check.label": Text("要核查的文字", "Text to check"),
    "check.placeholder": Text(
        "粘贴一段文字，逐条对照你的笔记核查……",
        "Paste a text; each claim is checked against your notes…",
    ),
    "check.file": Text("或把文件拖到这里", "Or drop a file here"),
    "check.unread": Text(
        "{name} 里没有可读的文字。{reason}", "There is no text to read in {name}. {reason}"
    ),
    "check.go": Text("核查", "Check"),
    "check.empty": Text("请先粘贴要核查的文字。", "Paste a text to check first."),
    "check.too_long": Text(
        "文字太长（{n} 字），请分段核查，每段不超过 {limit} 字。",
        "The text is too long ({n} characters); check it in parts of at most {limit}.",
    ),
    "check.start": Text("结果会显示在这里。", "The result appears here."),
    # evaluate
    "tab.eval": Text("评测", "Evaluate"),
    "eval.what.retrieval": Text("找不找得到该找的段落", "whether search finds the right passages"),
    "eval.what.answers": Text(
        "答得对不对、引得准不准、该不该拒答", "whether answers are right, cited and held back"
    ),
    "eval.what.grounding": Text("核查的结论对不对", "whether the check judges claims rightly"),
    "eval.what.speed": Text(
        "建索引、查找、作答要多久", "how long indexing, search and answers take"
    ),
    "eval.suite": Text("评测项目", "Suite"),
    "eval.data_label": Text("数据（可留空）", "Data (may be empty)"),
    "eval.data_hint": Text("集合名或文件路径", "a set's name or a file"),
    "eval.go": Text("开始评测", "Run"),
    "eval.run": Text("结果", "Result"),
    "eval.other": Text("对比", "Compared with"),
    "eval.running": Text("正在评测 {name}：", "Running {name}:"),
    "eval.done": Text("评测 {name} 已完成。", "{name} is done."),
    "eval.stopped": Text("评测 {name} 已停止。", "{name} was stopped."),
    "eval.failed": Text("评测没有完成：{line}", "The evaluation did not finish: {line}"),
    "eval.busy": Text(
        "已有评测在运行，请等它完成或先停止。", "One is running already; wait for it or stop it."
    ),
    "eval.cannot": Text(
        "这里不能启动评测。请在终端运行：youju eval answers",
        "It cannot be started here. Type in a terminal: youju eval answers",
    ),
    "eval.data": Text(
        "数据应是集合名或文件路径，收到的是 {value}。",
        "Data is a set's name or a file; got {value}.",
    ),
    "eval.output": Text("全部输出", "Full output"),
    "eval.none": Text(
        "还没有评测结果。选一个项目，点“开始评测”。", "No results yet. Choose a suite and run it."
    ),
    "eval.figures": Text("指标", "Figures"),
    "eval.groups": Text("分组来看", "By group"),
    "eval.against": Text("与 {name} 相比", "compared with {name}"),
    "eval.curve": Text("前 k 条的 {name}", "{name} at k"),
    "eval.latency": Text("每问耗时", "Time per query"),
    "eval.missed": Text("错了 {n} 条", "{n} went wrong"),
    "eval.flagged": Text("{n} 条回答里有没被支持的话", "{n} answers say what is not supported"),
    "eval.ranks": Text("前 k 条里找到的比例", "Share found within the first k"),
    "eval.times": Text("多少毫秒内完成（对数轴）", "Share done within ms (log axis)"),
    "eval.confusion": Text("核查结论混淆矩阵", "Verdicts: truth against check"),
    "eval.gold_said": Text("实际 / 判定", "truth / said"),
    "eval.changed": Text(
        "逐条变化：{fell} 条变错，{rose} 条变对", "Items that changed: {fell} fell, {rose} rose"
    ),
    "eval.abstention": Text("阈值与两种错误", "Both errors of abstention by threshold"),
    "eval.refused": Text("有答案却拒答", "refused though answerable"),
    "eval.wrongly": Text("无答案却作答", "answered though unanswerable"),
    "eval.calibration": Text(
        "得分校准：得分与实际有据比例", "Calibration: score and share truly supported"
    ),
    # evaluate: review of drafts
    "review.title": Text("自己的题目：起草与审阅", "Your own questions: draft and review"),
    "review.why": Text(
        "从笔记起草的题目要你看过才算数：接受、改写后接受，或拒绝。没看过的不会用来评测。",
        "Questions drafted from your notes count once you have looked at them: accept, edit and "
        "accept, or reject. What nobody looked at is never used.",
    ),
    "review.make": Text("从笔记起草", "Draft from my notes"),
    "review.table": Text("题目表", "Table"),
    "review.show": Text("显示", "Show"),
    "review.open": Text("未审阅", "not reviewed"),
    "review.accepted": Text("已接受", "accepted"),
    "review.rejected": Text("已拒绝", "rejected"),
    "review.all": Text("全部", "all"),
    "review.question": Text("问题", "Question"),
    "review.claim": Text("陈述", "Claim"),
    "review.text": Text("题目文字（可改）", "Words (can be edited)"),
    "review.facts": Text("答案须含（每行一项）", "What a right answer holds (one a line)"),
    "review.verdict": Text("应有的结论", "Right verdict"),
    "review.accept": Text("接受", "Accept"),
    "review.reject": Text("拒绝", "Reject"),
    "review.next": Text("下一条", "Next"),
    "review.previous": Text("上一条", "Previous"),
    "review.measure": Text("用已接受的题目评测", "Measure with the accepted ones"),
    "review.none": Text(
        "还没有题目。点“从笔记起草”。", "There are no drafts yet. Draft some from your notes."
    ),
    "review.done": Text("这里没有更多题目了。", "There are no more here."),
    "review.by": Text("起草：{name}", "drafted by {name}"),
    "review.by_template": Text("按模板起草", "drafted by template"),
    "review.no_answer": Text("笔记里应当没有答案", "the notes should not answer it"),
    "review.moved": Text(
        "笔记里已经没有这句话，请改写或拒绝。",
        "The notes no longer hold these words: edit or reject.",
    ),
    "review.counts": Text(
        "{open} 条未审阅，{accepted} 条已接受，{rejected} 条已拒绝",
        "{open} not reviewed, {accepted} accepted, {rejected} rejected",
    ),
    "review.gone": Text("没有这张题目表。", "There is no such table."),
    "review.nothing": Text(
        "还没有接受任何题目，先审阅几条。", "Nothing is accepted yet: review a few first."
    ),
    "kind.heading": Text("标题", "heading"),
    "kind.definition": Text("定义", "definition"),
    "kind.list": Text("列举", "list"),
    "kind.number": Text("数字", "number"),
    "kind.unanswerable": Text("无答案", "unanswerable"),
    "kind.copy": Text("照录", "copy"),
    "kind.altered number": Text("改动数字", "altered number"),
    "kind.negation": Text("否定", "negation"),
    "kind.model": Text("模型出题", "by a model"),
    # notes
    "tab.notes": Text("笔记", "Notes"),
    "vault.root": Text("位置", "Location"),
    "vault.notes": Text("笔记", "Notes"),
    "vault.passages": Text("段落", "Passages"),
    "vault.now": Text("正在使用的笔记", "Notes in use"),
    "vault.updated": Text("上次变更", "Last change"),
    "vault.looked": Text("上次检查", "Last looked at"),
    "vault.encoder": Text("编码器", "Encoder"),
    "vault.size": Text("索引大小", "Index size"),
    "vault.no_skipped": Text("没有跳过的文件", "No files were skipped"),
    "vault.choose": Text("换一处笔记", "Use other notes"),
    "vault.choose.how": Text(
        "填写本机上的文件夹、文件或 zip；或上传 Notion 导出的 zip、Markdown 文件。"
        "原文件不会被改动。",
        "Name a folder, file or zip on this machine, or upload a Notion export or Markdown files. "
        "Your files are never changed.",
    ),
    "vault.path": Text("文件夹、文件或 zip 的路径", "Path of a folder, file or zip"),
    "vault.use": Text("使用", "Use"),
    "vault.upload": Text("或上传 zip、Markdown 等文件", "Or upload a zip or files"),
    "vault.opened": Text("已打开 {path}", "Opened {path}"),
    "vault.empty": Text("请先填写路径或选择文件。", "Name a path or choose files first."),
    "vault.absent": Text(
        "没有 {path} 这个文件或文件夹，请检查路径。", "There is no {path}; check the path."
    ),
    "vault.fixed": Text(
        "这里不能更换笔记。请在终端运行：youju chat --notes 文件夹",
        "Notes cannot be changed here. Type in a terminal: youju chat --notes FOLDER",
    ),
    # the scripts of the page
    "js.chats": Text("历史对话", "Past chats"),
    "js.tour": Text("导览", "Tour"),
    "js.lang": Text("English", "中文"),
    "js.theme": Text("明暗", "Theme"),
    "js.no_chats": Text(
        "还没有对话。提一个问题，它会留在这里。", "No chats yet. Ask something; it is kept here."
    ),
    "js.turns": Text("轮", "turns"),
    "js.delete": Text("删除", "Delete"),
    "js.sure": Text("确定删除？", "Really delete?"),
    "js.saved": Text("已保存", "Saved"),
    "js.unsaved": Text("没有保存：请再点一次", "Not saved: click again"),
    "js.skip": Text("跳过", "Skip"),
    "js.go_on": Text("下一步", "Next"),
    "js.finish": Text("知道了", "Got it"),
    "js.tour.box": Text(
        "在这里提问。回答只用你笔记里的话，每句都有出处。",
        "Ask here. The answer is made of your notes only, and every sentence names its source.",
    ),
    "js.tour.legend": Text(
        "每句话后面有核对标记：有据、与笔记矛盾、笔记中没有。点标记看理由和原文。",
        "Each sentence carries a mark: supported, contradicted, not in the notes. "
        "Open it for the reason and the words of the note.",
    ),
    "js.tour.find": Text(
        "按词或按意思查找段落，也可以浏览、阅读全部笔记。",
        "Look up passages by word or meaning, or browse and read all notes.",
    ),
    "js.tour.check": Text(
        "把任何一段文字贴到这里，逐条对照笔记核查。",
        "Paste any text here to have each claim checked against your notes.",
    ),
    "js.tour.notes": Text(
        "在这里换成你自己的笔记：文件夹、Notion 导出或单个文件。",
        "Bring your own notes here: a folder, a Notion export or single files.",
    ),
    # the panel
    "panel.passage": Text("原文", "Passage"),
    "panel.previous": Text("上一处", "Previous"),
    "panel.next": Text("下一处", "Next"),
    "panel.close": Text("关闭", "Close"),
    "panel.copy": Text("复制原句", "Copy quote"),
    "panel.copied": Text("已复制", "Copied"),
    "panel.uncopied": Text(
        "没有复制：请选中文字后复制", "Not copied: select the words and copy them"
    ),
    "panel.obsidian": Text("在 Obsidian 中打开", "Open in Obsidian"),
    "panel.editor": Text("在 VS Code 中打开", "Open in VS Code"),
    "panel.file": Text("打开文件", "Open file"),
    "panel.unopened": Text(
        "打不开：这台机器没有相应的程序", "Cannot be opened: no program for it here"
    ),
    "panel.note": Text("读全文", "Read note"),
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
