"""Where the tests of the index on Milvus get their engine and their notes from."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

__all__ = ["NOTES", "need_milvus", "write_note", "write_notes"]

NOTES = {
    "ml/lora.md": "---\ntags: [ml/peft]\ndate: 2023-06-02\naliases: [低秩适配]\n---\n# LoRA\n\n"
    "LoRA 冻结原模型的权重，只训练两个低秩矩阵。秩 r 通常取 8。\n\n"
    "## 显存\n\n梯度只需要存两个小矩阵。\n",
    "ml/hnsw.md": "---\ntags: [ann, 检索]\ndate: 2024-05-31\n---\n# HNSW 图索引\n\n"
    "HNSW 是图索引，M 是每个节点的边数。\n\n## ef\n\nef 越大召回越高，100% 的召回要暴力搜索。\n",
    "ml/deep/dpo.md": "---\ndate: 2024-06\ntags: [ml/rl, ML]\n---\n# DPO\n\n"
    "DPO 不需要奖励模型，直接优化策略。The reference_model stays frozen.\n",
    "日记/2024-07-01.md": "# 七月一日\n\n王小米说今天读了 LoRA 和 DPO 的论文。\n\n今天没有下雨。\n",
    "日记/空.md": "---\ndate: 2024-07-02\n---\n",
    "bat.md": "# 蝙蝠\n\n蝙蝠靠回声定位。\n\n```python\nprint('a \"quoted\" \\\\ path_%s')\n```\n",
    "twin-a.md": "# 双生\n\n一模一样的一段话。\n",
    "twin-b.md": "# 双生\n\n一模一样的一段话。\n",
}
_clock = iter(range(1_600_000_000, 1_700_000_000))


def need_milvus() -> None:
    """Skip where the extra is not installed."""
    for package in ("pymilvus", "milvus_lite"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install 'youju[milvus]'")


def write_note(path: Path, text: str) -> None:
    """Write a note with a modification time long ago, later than any before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    moment = next(_clock)
    os.utime(path, (moment, moment))


def write_notes(folder: Path, notes: dict[str, str] = NOTES) -> Path:
    """Write notes by path."""
    for path, text in notes.items():
        write_note(folder / path, text)
    return folder
