"""Texts and notes for properties: Chinese, English, marks, Markdown, and what breaks parsers."""

from __future__ import annotations

import hashlib

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from corpus.types import Note

__all__ = ["entries", "lines", "markdown", "note_of", "texts"]

_LETTERS = (
    "的注意力机制模型訓練體繁，。！？；：、…—（）《》“”「」【】"
    "abcXYZ019 .,!?;:()[]{}\"'*_`~#>|-+$\\/&<=%@^\n\t"
    "\u3000\u00a0\u200b\ufeff\u0301\u200d\ufe0f\u2028éßΩж🙂👩💻𠀀ＡＢ１"
)
_SNIPPETS = [
    "# LoRA 的原理", "## 结构 ##", "###### C#", "#", "# ", "标题\n===", "小标题\n---",
    "LoRA 冻结原模型的权重，只训练两个低秩矩阵。它的秩 r 通常取 8。效果接近全量微调！",
    "Attention is all you need. It was published in 2017. See Fig. 3, e.g. the left part.",
    "An encoder maps a sequence of symbol representations to a sequence of\ncontinuous ones.",
    "优点：\n- 参数少\n- 推理无延迟\n  - 可以合并\n\n缺点：\n1. 秩要选\n2) 任务切换",
    "（1）召回；\n（2）排序。\n① 粗排\n② 精排",
    "| 模型 | 参数量 |\n|---|---:|\n| LLaMA | 7B |\n| GPT-3 | 175B |", "a | b\n-|-\n1 | 2",
    "```python\nprint('你好')\n# no heading\n```", "~~~\ncode\n~~~", "```inline``` code",
    "1. ```bash\n   ls\n   ```", "> ```\n> quoted\n> ```", "```\nunclosed",
    "$$\nE = mc^2\n$$", "$$ W = W_0 + BA $$", "\\[\nx = y\n\\]", "$$ unclosed",
    "公式 $h = W_0 x; y$ 与 `a; b。c` 都不能切开。",
    "链接 [文](https://a.cn/?q=1;2) 和 ![图](x.png)。",
    "> [!note] 提示\n> 引用的第一句。第二句！", "[^1]: 脚注。", "---", "***", "::: tip",
    "<!-- 注释 -->",
    "| 不是表格", "|", "||", "| |", "-", "- ", "* ", "1.", "$", "$$", "`", "[", "(", "“没有关上",
    "👩‍💻🏽 emoji 👍🏽，e\u0301 combining", "行一\r\n行二", "　　首行缩进。", "\u200b零宽",
    "𠀀𠀁𠀂",
    "长" * 90, "word " * 40, "，".join(["很长的句子没有句号"] * 12), "a" * 130, "|" + "x|" * 60,
]  # fmt: skip


def texts(max_size: int = 200) -> SearchStrategy[str]:
    """Any characters, those that matter here more often."""
    return st.text(
        st.one_of(st.sampled_from(_LETTERS), st.characters(codec="utf-8")), max_size=max_size
    )


def lines() -> SearchStrategy[str]:
    """One line, without a break."""
    return texts(80).map(lambda text: text.replace("\n", " ").replace("\r", " "))


def markdown(max_pieces: int = 14) -> SearchStrategy[str]:
    """A note of snippets, arbitrary text and blank lines."""
    piece = st.one_of(st.sampled_from(_SNIPPETS), texts(60))
    between = st.sampled_from(["\n", "\n\n", "\n\n", "\n   \n", "\n\n\n"])
    return st.lists(st.tuples(piece, between), max_size=max_pieces).map(
        lambda pairs: "".join(piece + gap for piece, gap in pairs).replace("\r\n", "\n")
    )


def entries() -> SearchStrategy[str]:
    """An entry of a feed: a line that once was several."""
    piece = st.one_of(st.sampled_from(_SNIPPETS), lines())
    return st.lists(piece, min_size=1, max_size=12).map(
        lambda parts: " ".join(" ".join(parts).split("\n"))
    )


def note_of(text: str, *, path: str = "n.md", **fields: object) -> Note:
    """A note of this text."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    known = {"title": "题目", "sha256": digest, "file": path, **fields}
    return Note(path=path, text=text, **known)  # type: ignore[arg-type]
