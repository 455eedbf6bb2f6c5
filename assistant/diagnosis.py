"""What an examination found, a line each, in Chinese and in English.

Knows how it is said and shown; `doctor` knows what was looked at. Called by `doctor` and `cli`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Entry", "Level", "diagnosis_object", "diagnosis_text", "entry", "speaks_chinese"]

Level = Literal["sound", "remark", "fault"]
_MARKS: dict[Level, str] = {"sound": "✓", "remark": "!", "fault": "✗"}
_REPAIR = ("修复：youju doctor --repair", "mend it with: youju doctor --repair")

# code: (Chinese, English); the place is filled with `subject`, `detail` and the way to mend it
_TEXTS: dict[str, tuple[str, str]] = {
    "index.sound": ("索引完好：{detail}", "the index is whole: {detail}"),
    "index.absent": (
        "还没有索引（{subject}），第一次提问时建立",
        "there is no index yet in {subject}; the first question makes it",
    ),
    "index.busy": ("索引正在写入，未检查：{detail}", "the index is not examined: {detail}"),
    "index.cache": (
        "索引文件 {subject} 损坏（可由索引重算）；{repair}",
        "index file {subject} is damaged (it is made again from the index); {repair}",
    ),
    "index.checksum": (
        "索引文件 {subject} 与校验和不符{detail}；{repair}",
        "index file {subject} does not match its checksum{detail}; {repair}",
    ),
    "index.content": (
        "索引内容有误：笔记 {subject} 的 {detail}；{repair}",
        "the index is wrong about note {subject}: {detail}; {repair}",
    ),
    "index.database": (
        "索引数据库 {subject} 损坏：{detail}；{repair}",
        "the index database {subject} is damaged: {detail}; {repair}",
    ),
    "index.fingerprint": (
        "索引由另一版本的 {detail} 建立；下次提问时自动更新",
        "the index was made by another {detail}; the next question renews it",
    ),
    "index.left": (
        "索引目录里有遗留文件 {subject}；{repair}",
        "{subject} was left in the index folder; {repair}",
    ),
    "index.log": (
        "索引日志 {subject} 损坏，其中的改动可能已丢失；{repair}",
        "the index log {subject} is damaged, changes in it may be lost; {repair}",
    ),
    "index.missing": (
        "索引文件 {subject} 不见了；{repair}",
        "index file {subject} is missing; {repair}",
    ),
    "index.seal": (
        "索引的校验和清单 {subject} 损坏；{repair}",
        "the index's list of checksums {subject} is damaged; {repair}",
    ),
    "index.torn": (
        "上次写索引时被中断，未提交的部分已作废；下次提问时继续",
        "the last writing of the index was cut short, nothing committed is lost; "
        "the next question goes on",
    ),
    "index.unlisted": (
        "索引的校验和清单 {subject} 不见了（被删，或索引来自旧版本），其字节无从核对；{repair}",
        "the index's list of checksums {subject} is gone (removed, or the index is from an earlier "
        "version), so nobody can say whether its bytes are right; {repair}",
    ),
    "index.unsealed": (
        "写索引时被中断，还没有校验和，只能按内容核对；下次提问时继续写完，"
        "要从笔记重建：youju doctor --repair",
        "the writing of the index was cut short before its checksums and it could only be held "
        "against itself; the next question goes on, and to build it again: youju doctor --repair",
    ),
    "index.version": (
        "索引是另一版本的格式（{detail}）；下次提问时重建",
        "the index has another version's format ({detail}); the next question builds it again",
    ),
    "index.unusable": ("索引目录不能使用：{detail}", "the index folder cannot be used: {detail}"),
    "check.calibrated": ("{detail}", "{detail}"),
    "check.stale": (
        "{subject} 是用另一版本的核对模型校准的，未采用；重新校准：youju eval calibrate --set",
        "{subject} was calibrated with other models of the check and is not used; again with: "
        "youju eval calibrate --set",
    ),
    "check.damaged": (
        "{subject} 不是写入时的样子，未采用；{repair}",
        "{subject} is not as it was written and is not used; {repair}",
    ),
    "notes.sound": ("笔记可读：{subject}", "the notes can be read: {subject}"),
    "notes.absent": (
        "找不到笔记 {subject}：硬盘是否已连接？",
        "there are no notes at {subject}: is a drive not connected?",
    ),
    "notes.inside": (
        "索引目录 {subject} 在笔记目录里面；请用 --index 换个位置",
        "the index folder {subject} lies inside the notes; name another with --index",
    ),
    "models.sound": (
        "{detail} 个模型与数据文件完好",
        "{detail} files of models and data are whole",
    ),
    "models.checksum": (
        "{subject} 与校验和不符；请重新安装 youju",
        "{subject} does not match its checksum: install youju again",
    ),
    "models.encoder": ("编码器不能使用：{detail}", "the encoder cannot be used: {detail}"),
    "chats.sound": ("{detail} 轮对话记录完好", "{detail} turns of conversations are whole"),
    "chats.turn": (
        "对话记录 {subject} 有误：{detail}；{repair}（保留其余记录）",
        "the conversations in {subject} are damaged: {detail}; {repair} (the others are kept)",
    ),
    "record.damaged": (
        "{subject} 不是写入时的样子（只是“上次的笔记”、Ollama 的选择、浏览器的钥匙或词典缓存，"
        "可以重来）；{repair}",
        "{subject} is not as it was written (it only keeps which notes were last, whether Ollama "
        "may be used, the key of the browsers or words of the dictionary); {repair}",
    ),
    "python.sound": ("Python {detail}", "Python {detail}"),
    "python.old": (
        "Python {detail} 太旧，需要 3.11 以上",
        "Python {detail} is too old: install 3.11",
    ),
    "packages.sound": ("{detail} 个依赖包齐全", "all {detail} packages are there"),
    "packages.missing": (
        "缺少依赖包 {subject}；安装：pip install '{subject}{detail}'",
        "the package {subject} is missing: pip install '{subject}{detail}'",
    ),
    "packages.range": (
        "依赖包 {subject} 的版本不合：{detail}",
        "the package {subject} has another version than needed: {detail}",
    ),
    "folder.sound": ("可写：{detail}", "can be written: {detail}"),
    "folder.fixed": ("不能写入 {subject}：{detail}", "{subject} cannot be written: {detail}"),
    "disk.sound": ("磁盘剩余 {detail}", "free on disk: {detail}"),
    "disk.low": (
        "{subject} 所在磁盘只剩 {detail}，重建索引可能不够",
        "only {detail} are free on the disk of {subject}: too little to build the index again",
    ),
    "clock.sound": ("系统时间 {detail}", "the clock says {detail}"),
    "clock.wrong": (
        "系统时间 {detail} 不对：{subject}",
        "the clock says {detail}, which cannot be: {subject}",
    ),
    "endpoint.sound": ("聊天模型 {subject}，{detail}", "chat model {subject}, {detail}"),
    "endpoint.wrong": ("聊天模型的设置有误：{detail}", "the chat model is set wrongly: {detail}"),
    "repair.done": ("已修复：{subject} {detail}", "mended: {subject} {detail}"),
    "repair.failed": ("未能修复：{detail}", "could not be mended: {detail}"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that was looked at.

    Attributes:
        code: what was found, `area.kind`; stable.
        level: "sound", a "remark" that needs nothing now, or a "fault".
        subject: the file, folder or package.
        detail: what was seen; in English where it comes from a program.
        zh: the line in Chinese.
        en: the line in English.
    """

    code: str
    level: Level
    subject: str
    detail: str
    zh: str
    en: str


def entry(code: str, level: Level, subject: str = "", detail: str = "") -> Entry:
    """An entry, put in words.

    Raises:
        KeyError: the code has no text.
    """
    zh, en = (
        " ".join(form.format(subject=subject, detail=detail, repair=repair).split())
        for form, repair in zip(_TEXTS[code], _REPAIR, strict=True)
    )
    return Entry(code=code, level=level, subject=subject, detail=detail, zh=zh, en=en)


def speaks_chinese() -> bool:
    """Whether the person's system is set to Chinese."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
        if os.environ.get(name):
            return os.environ[name].lower().startswith("zh")
    return False


def diagnosis_text(entries: Iterable[Entry], *, zh: bool) -> str:
    """A line for each entry, and how many faults there are."""
    shown = list(entries)
    lines = [f"{_MARKS[one.level]} {one.zh if zh else one.en}" for one in shown]
    n_faults = sum(one.level == "fault" for one in shown)
    if zh:
        return "\n".join([*lines, "", f"{n_faults} 处问题" if n_faults else "一切正常"])
    wrong = f"{n_faults} fault{'' if n_faults == 1 else 's'}"
    return "\n".join([*lines, "", wrong if n_faults else "nothing is wrong"])


def diagnosis_object(entries: Iterable[Entry]) -> dict[str, object]:
    """The same as JSON: `ok`, and every entry with both texts."""
    shown = list(entries)
    return {
        "ok": not any(one.level == "fault" for one in shown),
        "entries": [
            {
                "code": one.code, "level": one.level, "subject": one.subject,
                "detail": one.detail, "zh": one.zh, "en": one.en,
            }
            for one in shown
        ],
    }  # fmt: skip
