"""Words of relation: what names the same, what is opposite, what a statement does not rest on.

Closed lists over Chinese and English, in the normal form of `corpus.tokens`; they belong to the
language, not to any vault. What denies and limits is in `denials`. Knows nothing of sentences; read
by questions and by the check.
"""

from __future__ import annotations

from functools import lru_cache

from assistant.denials import QUANTIFIERS
from assistant.thesaurus import contraries, kin
from corpus.tokens import stem

__all__ = ["LIGHT", "alike", "is_listed", "listed", "opposites"]

# Words by which questions, claims and notes name the same thing or relation.
_ALIKE = """
优点 优势 好处 长处 优越性 强项 pros advantage benefit strength
缺点 不足 劣势 局限 局限性 短板 弱点 缺陷 cons drawback limitation disadvantage weakness shortcoming
原因 因为 由于 导致 产生 来源 引起 源于 造成 起因 cause reason because due
步骤 流程 过程 阶段 步 环节 step stage process phase
作者 提出 提出者 发明 出自 author propose proposed introduce introduced
区别 差异 不同 差别 相比 对比 比较 difference differ different compare compared
种类 类型 分类 分为 类 种 类别 分成 type kind category
组成 构成 包括 包含 由 分为 部分 含有 涵盖 consist component comprise include contain
训练 预训练 训 train trained training pretrain
数据 语料 数据集 data corpus dataset
参数 参数量 parameter
规模 大小 size scale
发布 推出 公布 上线 问世 release released publish published launch launched
开源 opensource open-source
用途 作用 应用 用于 用来 目的 purpose use used usage usage
价格 成本 费用 定价 价钱 售价 price cost
显存 内存 memory vram
复杂度 复杂性 complexity
上下文 语境 context
窗口 window
全称 缩写 简称 stands abbreviation
改进 改良 升级 升级版 改进版 优化 improve improved improvement optimize
提升 提高 增强 增加 改善 升高 变高 raise increase improve boost enhance higher
降低 减少 下降 缩小 削减 缩减 减小 变低 reduce decrease lower cut
索引 index
幻觉 hallucination hallucinate
注意力 attention
奖励 reward
模型 model
检索 搜索 查找 搜 查询 查 search retrieval retrieve query lookup find
召回 recall retrieve
微调 调优 精调 finetune finetuning fine-tune fine-tuned fine-tuning
向量 嵌入 embedding vector
论文 文章 paper article
任务 task
算法 方法 方案 做法 手段 algorithm method approach technique
定义 是指 指的是 通常指 指 即 意味着 表示 mean refer definition
多语言 多语种 multilingual
公司 大厂 团队 企业 厂商 company team
例子 例如 比如 举例 诸如 如 example
目标 目的 goal aim objective
平台 platform
框架 framework
文档 文件 document file doc
单词 词 词条 词语 词项 术语 term word
常用 常见 惯用 通常 一般 往往 普遍 commonly usually often typical typically generally
目前 当前 现在 如今 现今 currently now
最早 首先 率先 最先 first earliest
仅 只 只有 仅仅 唯一 单单 only just merely
全部 所有 任何 每个 一切 全 整个 任意 all every any
支持 supports support
使用 采用 利用 用 运用 借助 use using
需要 必须 要 需 require need must
能够 可以 能 可 足以 can able
有效 高效 effective effectively efficient
处理 应对 解决 对付 handle deal process solve
核心 关键 主要 重要 core key main central
精度 准确率 准确性 精确度 准确度 accuracy
速度 speed
快 更快 迅速 快速 fast faster quick
慢 更慢 缓慢 slow slower
大 更大 巨大 庞大 large larger big bigger huge
小 更小 微小 small smaller tiny
高 更高 过高 太高 偏高 high higher
低 更低 过低 太低 偏低 low lower
多 更多 许多 大量 众多 海量 many more much massive
少 更少 较少 few fewer less
好 更好 优秀 较好 good better
差 更差 较差 bad worse poor
强 更强 强大 strong stronger
弱 更弱 weak weaker
便宜 更便宜 低廉 廉价 划算 cheap cheaper inexpensive
贵 昂贵 更贵 高昂 expensive costly
新 最新 全新 new newest latest
旧 老 传统 old traditional
下线 撤下 下架 停用 关闭 withdrawn takedown removed
安全 safe safety
保存 存储 储存 保留 记录 存放 记载 store stored save keep cache
合并 融合 整合 merge merged combine fuse
分解 拆分 拆解 decompose decomposition split
映射 map mapping
推理 推断 inference infer
生成 产生 输出 generate generation produce output
输入 input
输出 output
回答 答案 答复 响应 回复 answer response reply
问题 难题 problem issue question
效果 性能 表现 performance effect quality
分布 distribution
更新 update updated
冻结 固定 frozen freeze fixed
插入 加入 添加 追加 引入 insert inserted add added
删除 去掉 移除 去除 delete remove
选择 挑选 选取 选出 select choose pick
排序 排名 rank ranking sort
相似 类似 近似 接近 similar alike close
相关 有关 关联 related relevant
之前 以前 先 before prior earlier
之后 以后 后 然后 再 接着 after later then
位置 地址 position location
顺序 次序 order
内容 content
用户 使用者 user
商品 产品 货品 product item goods
特征 feature
长度 length
层 layer
头 head
版本 version
时间 time
空间 space
公开 公共 public publicly
语言 language
结构 架构 体系 structure architecture
机制 mechanism
策略 policy strategy
偏好 preference
样本 sample
概率 可能性 probability likelihood
误差 错误 差错 error mistake
损失 loss
梯度 gradient
权重 weight
矩阵 matrix
节点 node
图 graph
树 tree
哈希 散列 hash hashing
量化 quantization quantize quantized
缓存 cache caching
分词 切词 tokenize tokenization segmentation segment
知识 knowledge
事实 fact factual
验证 校验 verify verification validate check
证据 依据 evidence
一致 相同 一样 相符 吻合 符合 same consistent identical equal
要求 requirement
限制 约束 limit constraint
困难 难 difficult hard
简单 容易 简洁 simple easy
复杂 complex complicated
原始 original
直接 directly direct
自动 automatic automatically
单独 独立 independent separately alone
共享 共用 share shared
并行 parallel
串行 sequential serial
异步 asynchronous async
同步 synchronous sync
静态 static
动态 dynamic
压缩 compress compression
扩展 扩大 extend expand scale
稀疏 sparse
稠密 dense
离线 offline
在线 online
实时 realtime real-time
不如 不及 不敌 比不上 赶不上
"""

# Opposites: a claim that says one where the note says the other contradicts it.
_OPPOSITE = """
提高/提升/增加/增大/增强/上升/升高/改善/变高/increase/improve/raise/rise/boost ~ 降低/减少/减小/削弱/下降/降/恶化/变低/decrease/reduce/lower/degrade/drop/worsen
大于/超过/高于/多于/exceed/above ~ 小于/低于/少于/不足/below/under
更高/较高/过高/最高/higher/highest ~ 更低/较低/过低/最低/lower/lowest
更大/较大/最大/larger/largest/bigger/biggest ~ 更小/较小/最小/smaller/smallest
更多/较多/最多/more/most ~ 更少/较少/最少/fewer/less/least/fewest
更快/较快/最快/faster/fastest ~ 更慢/较慢/最慢/slower/slowest
更好/较好/最好/最优/better/best ~ 更差/较差/最差/worse/worst
更强/较强/最强/stronger/strongest ~ 更弱/较弱/最弱/weaker/weakest
更早/较早/最早/earlier/earliest ~ 更晚/较晚/最晚/later/latest
高/high ~ 低/low
大/庞大/巨大/large/big/huge ~ 小/微小/small/tiny
多/大量/众多/海量/many/massive ~ 少/少量/稀少/few
快/迅速/快速/fast/quick ~ 慢/缓慢/slow
强/strong ~ 弱/weak
好/good ~ 差/坏/bad/poor
长/long ~ 短/short
新/new ~ 旧/old
早/early ~ 晚/late
深/deep ~ 浅/shallow
便宜/廉价/低廉/cheap/cheaper/inexpensive ~ 贵/昂贵/高昂/更贵/expensive/costly
简单/容易/易于/simple/easy ~ 复杂/困难/难以/complex/complicated/difficult/hard
优点/优势/好处/长处/advantage/benefit/pros ~ 缺点/不足/劣势/局限/短板/drawback/disadvantage/limitation/cons
之前/以前/before ~ 之后/以后/after
先/首先/first ~ 后/最后/last
前/前面 ~ 后/后面
内在/内部/internal/intrinsic/in-context/incontext ~ 外在/外部/external/extrinsic
正排/正向/forward ~ 倒排/反向/逆向/inverted/inverse/backward/reverse
预训练/pretrain/pretraining/pre-training ~ 后训练/posttrain/posttraining/post-training
训练/训练时/training ~ 推理/推理时/预测时/inference
在线/online ~ 离线/offline
线性/linear ~ 非线性/指数/二次/平方/nonlinear/exponential/quadratic
有监督/监督/supervised ~ 无监督/自监督/unsupervised
静态/static ~ 动态/dynamic
同步/synchronous/sync ~ 异步/asynchronous/async
串行/顺序/sequential/serial ~ 并行/parallel
稀疏/sparse ~ 稠密/密集/dense
显式/explicit ~ 隐式/implicit
开源/公开/open/public ~ 闭源/私有/保密/closed/private/proprietary
正 ~ 反/负
内 ~ 外
上/上游/upstream ~ 下/下游/downstream
编码/编码器/encode/encoder ~ 解码/解码器/decode/decoder
输入/input ~ 输出/output
查询/query ~ 文档/document
全局/global ~ 局部/本地/local
连续/continuous ~ 离散/不连续/discrete
可变/mutable ~ 不可变/immutable
冻结/固定/freeze/frozen/fixed ~ 更新/可训练/训练/trainable/updated/update
增量/incremental ~ 全量/full
单/单个/single ~ 多/多个/multiple
精确/准确/exact/accurate ~ 近似/模糊/approximate/inaccurate
相同/一样/一致/相等/same/identical/consistent/equal ~ 不同/不一样/不一致/相反/different/inconsistent/distinct/opposite
支持/support/allow ~ 禁止/拒绝/forbid/reject/prohibit
允许/allow/permit ~ 禁止/不允许/forbid/disallow
打开/开启/启用/enable/enabled ~ 关闭/禁用/停用/disable/disabled
成功/success/succeed ~ 失败/fail/failure
安全/safe/secure ~ 危险/不安全/unsafe/insecure/dangerous
稳定/stable ~ 不稳定/unstable
必须/必需/必要/must/required/mandatory ~ 可选/不必/optional
增长/grow/growth ~ 衰减/萎缩/shrink/decay
最大化/maximize/maximise/max ~ 最小化/minimize/minimise/min
正/正向/正样本/positive ~ 负/负向/负样本/negative
左/left ~ 右/right
头部/head ~ 尾部/长尾/tail
高频/常见/frequent/common ~ 低频/罕见/稀有/rare
上升/升序/ascending ~ 下降/降序/descending
插入/加入/添加/insert/add ~ 删除/移除/去掉/delete/remove
压缩/compress ~ 解压/展开/decompress
优于/胜过/好于/outperform/surpass/beat ~ 劣于/不如/不及/不敌/比不上/赶不上/逊于/差于/underperform
受益/优化/optimize ~ 损害/恶化/hurt/harm
有界/有限/finite ~ 无界/无限/infinite
硬/hard ~ 软/soft
粗/粗粒度/粗排/coarse ~ 细/细粒度/精排/fine
列/column ~ 行/row
客户端/client ~ 服务端/服务器/server
读/读取/read ~ 写/写入/write
升级/upgrade ~ 降级/downgrade
对称/symmetric ~ 非对称/不对称/asymmetric
确定/deterministic ~ 随机/random/stochastic
白盒/white-box/whitebox ~ 黑盒/black-box/blackbox
主动/active ~ 被动/passive
短期/short-term ~ 长期/long-term
人工/手动/手工/manual/manually ~ 自动/automatic/automatically
高估/overestimate ~ 低估/underestimate
过拟合/overfit/overfitting ~ 欠拟合/underfit/underfitting
加速/accelerate/speedup ~ 减速/拖慢/slowdown
缓解/减轻/mitigate/alleviate ~ 加剧/加重/aggravate/exacerbate
"""

# Words that a sentence needs and a statement does not rest on.
LIGHT = frozenset(
    "属于 指 指的是 是指 而是 只要 就是 成为 作为 进行 存在 具有 具备 拥有 达到 称为 叫做 称作 称 叫 出现 情况 "
    "方式 给定 工作 相应 对应 相关 有关 来说 而言 之类 这样 那样 这种 那种 其他 另外 此外 例如 比如 以及 及其 同时 "
    "一些 一般 一般来说 通常 往往 目前 当前 现在 后来 因此 于是 从而 即 也就是 也就是说 换句话说 总之 其实 实际上 "
    "做 让 使 令 把 将 给 对 于 在 时 时候 前提 基础 角度 部分 方面 整个 某种 某个 各种 各个 一种 一类 一个 "
    "靠 拿 来 去 出 便 仍 仍然 的话 起来 出来 下来 上去 进去 出去 过来 回来 一遍 一下 应当 应该 "
    "总共 一共 专门 分别 各自 却 既 越 要是 毕竟 所谓 自然 照样 拿来 本身 而言 的时候 "
    "come came go goes went put let happen occur having thank place "
    "所谓 这里 那里 其中 里面 以下 以上 如下 上述 下面 不过 但是 然而 所以 就 才 还 也 又 便 则 再 需 会 要 可 "
    "an also thus hence therefore however furthermore moreover one two kind call called name named refer mean "
    "become make made take give given get got use used using via per etc respectively e.g i.e both either while "
    "whereas though although still just even well many much very most s".split()
)


def _norm(word: str) -> str:
    return stem(word.lower()) if word.isascii() and word.isalpha() else word.lower()


@lru_cache(maxsize=1)
def _alike_table() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for line in _ALIKE.strip().splitlines():
        group = {_norm(word) for word in line.split()} | set(line.split())
        for word in group:
            table.setdefault(word, set()).update(group)
    return {word: frozenset(group - {word}) for word, group in table.items()}


@lru_cache(maxsize=1)
def _opposite_table() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for line in _OPPOSITE.strip().splitlines():
        left, right = ({_norm(w) for w in side.strip().split("/")} for side in line.split("~"))
        for word in left:
            table.setdefault(word, set()).update(right)
        for word in right:
            table.setdefault(word, set()).update(left)
    return {word: frozenset(group) for word, group in table.items()}


@lru_cache(maxsize=16_384)
def alike(word: str) -> frozenset[str]:
    """Other normal forms that may name the same; empty for many words."""
    short = _opposite_table().get(word, frozenset())
    return _alike_table().get(word, frozenset()) | (kin(word) - short)


@lru_cache(maxsize=16_384)
def opposites(word: str) -> frozenset[str]:
    """Normal forms that say the opposite; empty for most words."""
    short = _alike_table().get(word, frozenset())
    return _opposite_table().get(word, frozenset()) | (contraries(word) - short)


def listed() -> frozenset[str]:
    """All words of the short lists here, quantifiers among them."""
    return frozenset(_alike_table().keys() | _opposite_table().keys() | QUANTIFIERS)


def is_listed(word: str) -> bool:
    """Whether one of the short lists here, not only the thesaurus, knows a word."""
    return word in _alike_table() or word in _opposite_table()
