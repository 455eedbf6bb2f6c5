"""Small vaults that the guides speak of: a Notion export, an Obsidian vault, plain notes.

The notes are made up for this project.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from assistant.pipeline import Assistant
from assistant.types import Claim

__all__ = ["VAULTS", "asked_notes", "judged", "write_vault"]

_A, _B, _C = ("0123456789abcdef0123456789abcde" + end for end in "123")

NOTION = {
    f"研究 {_A}.md": "# 研究\n\n两个题目：检索与微调。\n",
    f"研究 {_A}/LoRA 调参 {_B}.md": (
        "# LoRA 调参\n\nStatus: Done\n\n秩 r 取 8 时验证集准确率是 91.2%，取 64 时是 91.4%。\n"
        "学习率取 2e-4，再大就不稳定。\n"
    ),
    f"研究 {_A}/实验 {_C}_all.csv": (
        "\ufeffName,Status,Tags,Date,GPU 小时\r\n"
        'rerank-v2,Done,"检索, 重排","March 5, 2024",12\r\n'
        'lora-r64,In progress,微调,"April 2, 2024",30\r\n'
    ),
}
OBSIDIAN = {
    "检索/HNSW.md": (
        "---\naliases: [分层小世界图]\ntags: [ann/graph, 检索]\ndate: 2024-05-31\n---\n# HNSW\n\n"
        "efSearch 越大，召回率越高，延迟也越高。我们的线上配置是 efSearch=128。\n\n"
        "> [!note] 内存\n> M=16 时每个向量的图结构约占 128 字节。\n\n见 [[向量库选型#结论]]。\n"
    ),
    "检索/向量库选型.md": (
        "---\ntags: [检索]\ndate: 2024-06-12\n---\n# 向量库选型\n\n## 结论\n\n"
        "一百万向量以内用 [[HNSW]]，单机内存够用；再大就分片。\n"
    ),
    "日记/2024-06-12.md": "今天和小林讨论了向量库，他建议先压测。\n",
    "templates/日记.md": "今天 {{date}}：\n",
}
NOTES = {
    "kv-cache.md": (
        "---\ndate: 2024-03-01\n---\n# KV cache\n\n## 大小\n\n"
        "KV cache 是自回归解码时缓存的键和值。一个 7B 模型在 4096 个词元时占用 2 GB 显存。\n\n"
        "## 省显存的办法\n\n- GQA 让多个查询头共用一组键和值\n- 量化到 8 位\n- 滑动窗口\n"
    ),
    "speculative.md": (
        "# 投机解码\n\n投机解码是一种用小模型起草、大模型验证的加速方法。"
        "在我们的测试里，它把吞吐提高到 1.9 倍。\n"
    ),
    "meetings/2024-04-02.md": (
        "# 周会\n\nThe next release is planned for 15 May 2024. "
        "Throughput of the staging server is 340 requests per second.\n"
    ),
}


def _zipped(files: Mapping[str, str]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


# by name: paths below the home folder, with their content
VAULTS: dict[str, Mapping[str, str | bytes]] = {
    "notion": {"Downloads/Export-1b2c.zip": _zipped(NOTION)},
    "obsidian": {
        "Vault/.obsidian/templates.json": '{"folder": "templates"}',
        **{f"Vault/{path}": text for path, text in OBSIDIAN.items()},
    },
    "notes": {f"notes/{path}": text for path, text in NOTES.items()},
}


def write_vault(home: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


@contextmanager
def asked_notes(notes: Mapping[str, str], folder: Path) -> Iterator[Assistant]:
    """An assistant over notes, given by name, with its index; both below an empty folder."""
    root = folder / "notes"
    root.mkdir()
    for name, text in notes.items():
        (root / name).write_text(text, encoding="utf-8")
    with Assistant.open(root, folder / "index") as made:
        made.refresh()
        yield made


def judged(assistant: Assistant, claim: str) -> Claim:
    """The one claim of a text, checked."""
    (found,) = assistant.check(claim).claims
    return found
