"""Why a file was skipped, in both languages: `corpus` says it in English, as logs do."""

from __future__ import annotations

import re

from assistant.web.markup import escape

__all__ = ["in_chinese", "skip_reason"]

# What a reason begins with, and the same in Chinese. What follows, a parser's own words or what
# to do, stands behind it where it is not named too.
_REASONS = (
    (r"(\.\w+) format is not read yet", r"还不能读 \1 格式"),
    (r"a file without a suffix is not read", "没有扩展名的文件不读"),
    (r"a sync-conflict copy", "是同步冲突产生的副本"),
    (r"a zip that is no Notion export: unpack it, or index it by its own name",
     "不是 Notion 导出的 zip：请解压，或单独指定它"),
    (r"its name leads out of the archive", "文件名指向压缩包之外"),
    (r"a link or device, not a file", "是链接或设备，不是文件"),
    (r"not a regular file", "不是普通文件"),
    (r"a template: it has places that are to be filled in", "是模板：有待填的空"),
    (r"a template", "是模板"),
    (r"a link to a folder: links are not followed", "是指向文件夹的链接：不跟随链接"),
    (r"a link to outside the notes", "是指向笔记之外的链接"),
    (r"a link that leads nowhere", "链接失效"),
    (r"a hard link: the file has another name, too \(setting hard_links\)",
     "是硬链接：该文件另有名字（设置项 hard_links）"),
    (r"folder cannot be read: ", "文件夹读不了："),
    (r"cannot be read: ", "读不了："),
    (r"no permission to read it", "没有读取权限"),
    (r"larger than (\d+) MB inside: split it", r"解开后超过 \1 MB：请拆分"),
    (r"larger than (\d+) MB \((\d+) MB\): split it", r"超过 \1 MB（有 \2 MB）：请拆分"),
    (r"takes too long to read, or holds too much text: split it", "太费时或文字太多：请拆分"),
    (r"too complex: reading it takes more than (\d+) s or (\d+) GB",
     r"太复杂：读它超过 \1 秒或 \2 GB"),
    (r"no process to read it in: ", "无法启动读取它的进程："),
    (r"neither UTF-8 nor GB18030 text: save it as UTF-8",
     "既不是 UTF-8 也不是 GB18030：请另存为 UTF-8"),
    (r"damaged ([\w-]+) text", r"\1 文本已损坏"),
    (r"binary data \(NUL bytes\), not text", "是二进制数据（含 NUL 字节），不是文本"),
    (r"binary data, not text", "是二进制数据，不是文本"),
    (r"broken PDF: ", "PDF 已损坏："),
    (r"a PDF of pictures: no text in it\. Recognise its text first",
     "是图片组成的 PDF，没有文字：请先做文字识别"),
    (r"protected by a password, or in the old \.doc format: save it as \.docx",
     "有密码，或是旧的 .doc 格式：请另存为 .docx"),
    (r"protected by a password", "有密码保护"),
    (r"encrypted in a way that pypdf alone cannot open", "所用的加密方式打不开"),
    (r"broken Word document: ", "Word 文档已损坏："),
    (r"no Word document: it holds no word/document\.xml",
     "不是 Word 文档：其中没有 word/document.xml"),
    (r"broken notebook: its JSON cannot be read", "笔记本已损坏：JSON 读不了"),
    (r"broken notebook: ", "笔记本已损坏："),
    (r"not a Jupyter notebook: it has no cells", "不是 Jupyter 笔记本：没有单元格"),
    (r"broken CSV near line (\d+): ", r"CSV 在第 \1 行附近损坏："),
    (r"XML that defines entities of its own: refused, since they can be a bomb",
     "XML 自定义了实体，可能是炸弹：拒读"),
    (r"broken XML near line (\d+): ", r"XML 在第 \1 行附近损坏："),
    (r"broken XML: ", "XML 已损坏："),
    (r"XML of another kind \((.*)\): only RSS, Atom and OPML are read",
     r"是另一种 XML（\1）：只读 RSS、Atom 和 OPML"),
    (r"no HTML: there is not one tag in it", "不是 HTML：一个标签也没有"),
    (r"broken HTML: a tag is not closed", "HTML 已损坏：有标签没有闭合"),
    (r"cannot be unpacked: ", "解压失败："),
    (r"a zip bomb, by its size", "按大小看是 zip 炸弹"),
    (r"the parts are larger than 2 GB: unpack them into a folder",
     "各部分超过 2 GB：请解压到文件夹"),
    (r"the archive holds this name twice; the first is read", "压缩包里此名出现两次：只读第一个"),
    (r"a part holds this name twice, or it is unpacked beside it",
     "分卷里此名出现两次，或旁边已有解压的一份"),
)  # fmt: skip
_PATTERNS = tuple((re.compile(english), chinese) for english, chinese in _REASONS)


def in_chinese(reason: str) -> str:
    """The reason in Chinese; as it is where no way to say it is known."""
    for pattern, chinese in _PATTERNS:
        if match := pattern.match(reason):
            return match.expand(chinese) + reason[match.end() :]
    return reason


def skip_reason(reason: str) -> str:
    """The reason as markup in both languages; the style sheet shows one."""
    chinese = in_chinese(reason)
    if chinese == reason:
        return escape(reason)
    return f'<span class="zh">{escape(chinese)}</span><span class="en">{escape(reason)}</span>'
