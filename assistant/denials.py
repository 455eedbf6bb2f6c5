"""Words that deny and words that limit: negations, what denies by its meaning, quantifiers.

Closed lists over Chinese and English, in the normal form of `corpus.tokens`. Knows words, not what
they reach in a sentence (`polarity`).
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["NEGATIONS", "NOT_NEGATIONS", "QUANTIFIERS", "denies", "quantifier"]

NEGATIONS = (
    "并非 绝非 从未 从不 不会 不能 不可 不是 不再 不必 不需要 不需 不用 无需 无须 无法 没有 没能 未能 未曾 尚未 并未 并不 "
    "并不是 并没有 并不会 并不能 并不需要 并无 而不是 而非 从来不 从来没有 从来没 从没 从无 还没有 还没 还未 决不 绝不 毫无 "
    "毫不 免得 以免 省得 尚无 暂无 暂不 再也不 算不上 谈不上 称不上 难以 不 没 未 无 非 勿 别 免 除非 缺乏 缺少 不具备 拒绝 避免 禁止 停止 "
    "not never no without cannot can't won't don't doesn't didn't isn't aren't wasn't weren't "
    "shouldn't couldn't wouldn't hasn't haven't neither nor none hardly unable fails fail lacks lack "
    "non rather"
).split()

# Words that hold a negating character but deny nothing, or whose negation is part of a name.
NOT_NEGATIONS = (
    "不同 不断 不仅 不但 不光 不过 不少 不管 不论 不限 不可或缺 不得不 不足 不妨 不禁 不久 不等 不止 不定 不只 "
    "无论 无关 无穷 无限 无向 无监督 无损 无状态 无偏 无疑 无非 无数 无标签 无锁 无服务器 "
    "非常 非线性 非对称 非结构化 非凸 非空 非负 非零 非参数 非自回归 非平稳 "
    "未来 未知 未必然 未登录 别名 别的 区别 类别 级别 识别 特别 分别 个别 鉴别 辨别 判别 "
    "免费 没关系 对不起 了不起 要不然 不然 可不是 说不定 动不动 时不时 巴不得 莫非 除此之外 避免不了 忍不住 差不多 不及 不敌 比不上 赶不上 "
    "not only nonlinear non-linear no-op nothing but no doubt notwithstanding non-zero non-negative"
)

_QUANTIFIER_CLASSES = {
    "only": "只 仅 仅仅 只有 只需 只是 唯一 单单 only solely merely exclusively just",
    "not_only": "不只 不仅 不止 不单 不光 不但 不仅仅",
    "all": "全部 所有 全都 都 一切 任何 每个 每一 任意 总是 始终 完全 all every always any entirely completely each",
    "some": "部分 有些 某些 有的 一些 少数 个别 几个 有时 偶尔 some several few partly partially sometimes",
    "most": "大多数 大部分 多数 通常 往往 一般 普遍 主要 most mostly usually often generally typically mainly",
    "least": "至少 不少于 不低于 最少 起码 least",
    "atmost": "至多 最多 不超过 不多于 不高于 atmost",
    "none": "没有任何 毫无 从不 从未 none never",
    "must": "必须 一定 必然 务必 只能 must necessarily",
}  # fmt: skip
_CLASS_OF = {word: name for name, words in _QUANTIFIER_CLASSES.items() for word in words.split()}
QUANTIFIERS = frozenset(_CLASS_OF)

# Words that deny by what they mean: who ignores a thing does not look at it, what is unknown nobody
# knows. A denial on one side may be one of these on the other.
_DENYING = frozenset(
    "未知 无关 无效 无 缺 缺少 缺失 缺乏 欠缺 欠 忽略 忽视 无视 略过 跳过 丢弃 丢掉 丢失 扔掉 舍弃 抛弃 放弃 剔除 剔掉 排除 "
    "过滤 避免 避开 绕开 免去 免 省去 省掉 省略 拒绝 违背 违反 冲突 矛盾 失败 失效 失去 停止 停用 禁止 禁用 关闭 取消 去掉 "
    "去除 移除 删除 差 弱 难 很难 难以 困难 冷门 少 很少 较少 极少 少数 低 不足 误差 偏差 错 错误 退 退化 撤 撤下 撤掉 下线 "
    "代替 替代 取代 而非 例外 除外 除了 之外 空 零 外在 陌生 罕见 稀有 隐式 黑盒 裸 原始 杜绝 摆脱 免疫 告别 独立 "
    "unknown unable ignore skip drop discard omit exclude avoid lack miss missing absent fail failure refuse reject "
    "instead stop cease forbid ban prohibit disable remove lose hard difficult few little rarely rare seldom hardly "
    "barely unlike raw zero empty leave without except free bypass prevent independent irrelevant foreign foreign "
    "worthless useless stranger different differ".split()
)
_DENYING_CLASSES = frozenset({"only", "least", "atmost", "none"})
_DENYING_FORM = re.compile(
    r"un(?!der|i[a-z]|til|cle)[a-z]{4,}|non-?[a-z]{4,}|[a-z]{3,}less|"
    r"dis(?!tan|tri|cus|pat|cov|pla|tinc|cret|ti|po|c)[a-z]{3,}"
)


@lru_cache(maxsize=16_384)
def denies(word: str) -> bool:
    """Whether a word that is no negation denies something by its meaning or form.

    Args:
        word: in normal form.
    """
    return (
        word in _DENYING
        or quantifier(word) in _DENYING_CLASSES
        or bool(word.isascii() and _DENYING_FORM.fullmatch(word))
    )


def quantifier(word: str) -> str:
    """Class of a quantifying word ("only", "all", "some", ...), or ""."""
    return _CLASS_OF.get(word, "")
