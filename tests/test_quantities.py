from __future__ import annotations

import math
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.magnitudes import same_quantity, states
from assistant.quantities import Quantity, quantities
from tests.generated import markdown, texts

Read = tuple[float, str]


def read(text: str) -> list[Read]:
    return [(q.value, q.unit) for q in quantities(text)]


def spans(text: str) -> list[str]:
    return [text[q.start : q.end] for q in quantities(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("分成三类", [(3, "类")]),
        ("有两张卡", [(2, "张")]),
        ("共十二层", [(12, "层")]),
        ("一百二十八层", [(128, "层")]),
        ("一千零一个", [(1001, "")]),
        ("一万二", [(12_000, "")]),
        ("一百二", [(120, "")]),
        ("一万零二", [(10_002, "")]),
        ("两千五百", [(2_500, "")]),
        ("三百万", [(3e6, "")]),
        ("一亿三千万", [(1.3e8, "")]),
        ("二〇二三年", [(2023, "年")]),
        ("零点五秒", [(0.5, "秒")]),
        ("第三章", [(3, "第")]),
        ("半天", [(0.5, "天")]),
        ("三十分钟", [(30, "分钟")]),  # not 十分
        ("二级缓存", [(2, "级")]),
    ],
)
def test_chinese_numerals_are_read_with_their_measure_word(text: str, expected: list[Read]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1万", [(1e4, "")]),
        ("3千万", [(3e7, "")]),
        ("2.5亿元", [(2.5e8, "元")]),
        ("4050亿参数", [(4050e8, "")]),
        ("15.6万亿 token", [(15.6e12, "token")]),
        ("15.6T", [(15.6e12, "")]),
        ("405B", [(405e9, "")]),
        ("128K上下文", [(128e3, "")]),
        ("1M tokens", [(1e6, "")]),
        ("1.2 bn", [(1.2e9, "")]),
        ("3.5 billion parameters", [(3.5e9, "")]),
        ("2 trillion tokens", [(2e12, "token")]),
        ("１００万", [(100e4, "")]),
        ("1,400GB", [(1400, "gb")]),
        ("3,000,000", [(3e6, "")]),
        ("学习率 1e-4", [(1e-4, "")]),
        ("2.5e3", [(2500, "")]),
    ],
)
def test_scales_are_multiplied_in(text: str, expected: list[Read]) -> None:
    assert read(text) == [(pytest.approx(value), unit) for value, unit in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.5%", [(12.5, "%")]),
        ("５０％", [(50, "%")]),
        ("百分之三十五", [(35, "%")]),
        ("百分之零点五", [(0.5, "%")]),
        ("百分之百", [(100, "%")]),
        ("3 个百分点", [(3, "%")]),
        ("九成", [(90, "%")]),
        ("分成三份", []),
        ("三分之一", [(1 / 3, "")]),
        ("3 分之 2", [(2 / 3, "")]),
        ("1/4", [(1 / 4, "")]),
        ("-5%", [(-5, "%")]),
        ("+3%", [(3, "%")]),
    ],
)
def test_shares_are_read(text: str, expected: list[Read]) -> None:
    assert read(text) == [(pytest.approx(value), unit) for value, unit in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10-20 层", [(10, ""), (20, "层")]),
        ("10~20 毫秒", [(10, ""), (20, "ms")]),
        ("10到20毫秒", [(10, ""), (20, "ms")]),
        ("3–5 天", [(3, ""), (5, "天")]),
        ("六到八层", [(6, ""), (8, "层")]),
        ("0.5B-1.8B", [(0.5e9, ""), (1.8e9, "")]),
        ("两三天", [(2.5, "天")]),
        ("五六百个", [(550, "")]),
        ("224×224", [(224, ""), (224, "")]),
        ("8×A100", [(8, "")]),
        ("8张A100", [(8, "张")]),
    ],
)
def test_both_ends_of_a_range_and_both_factors_are_read(text: str, expected: list[Read]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    "text", ["2023-07-18", "2023/7/18", "2023.07.18", "2023年7月18日", "2023 年 7 月 18 号"]
)
def test_a_date_gives_year_month_and_day_however_written(text: str) -> None:
    assert read(text) == [(2023, "年"), (7, "月"), (18, "日")]


def test_year_and_month_are_read_from_an_iso_date() -> None:
    assert read("2024-05 发布") == [(2024, "年"), (5, "月")]
    assert read("the 1990s") == [(1990, "年")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("15.6T", "15.6万亿"),
        ("三类", "3 种"),
        ("1,400GB", "1400 GB"),
        ("两个阶段", "2 stages"),
        ("80G", "80GB"),
        ("百分之五", "5%"),
        ("四分之一", "1/4"),
        ("0.1 秒", "0.1s"),
        ("23年", "2023年"),
        ("5 天", "5 日"),
        ("3 倍", "3x"),
        ("第 3 层", "第三层"),
        ("$20", "20 美元"),
        ("12 层", "12"),
        ("六成七", "67%"),
        ("二十分之一", "5%"),
        ("0.93", "93%"),
        ("三周", "21 天"),
        ("90 分钟", "1.5 小时"),
        ("1,400GB", "1.4 TB"),
        ("32 GiB", "32768 MiB"),
        ("两块", "2 张"),
        ("三步", "三个阶段"),
        ("一百万条", "$10^6$"),
        ("5000 亿个", r"$5\times10^{11}$"),
        ("100 万", "10⁶"),
        ("八成多", "82%"),
        ("七成出头", "72.6%"),
        ("一倍多", "1.08 倍"),
    ],
)
def test_the_same_quantity_is_known_in_other_words(one: str, other: str) -> None:
    (a,), (b,) = quantities(one), quantities(other)
    assert same_quantity(a, b)
    assert same_quantity(b, a)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("15.6T", "1.56T"),
        ("3 GB", "3 MB"),
        ("5 GB/s", "5 Gbps"),
        ("5%", "5 倍"),
        ("3 个月", "3 月"),
        ("1999年", "2099年"),
        ("-5 度", "5 度"),
        ("$20", "¥20"),
        ("第 3 层", "3 层"),
        ("三分之一", "三分之二"),
        ("10 ms", "10 秒"),
        ("16", "16%"),
        ("六成七", "66%"),
        ("三周", "22 天"),
        ("八成多", "95%"),
        ("10^6", "10^7"),
    ],
)
def test_another_number_or_unit_is_another_quantity(one: str, other: str) -> None:
    (a,), (b,) = quantities(one), quantities(other)
    assert not same_quantity(a, b)


@pytest.mark.parametrize(
    "text",
    ["bge-m3", "GPT-4", "Llama-3.1", "Qwen1.5-7B", "llama3", "top-5", "FP16", "int8", "H100",
     "v2.0", "1.2.3", "p99", "A100-80G", "7bchat", "0x7f", "W8A8", "7b2", "x_1"],
)  # fmt: skip
def test_digits_of_identifiers_and_versions_are_no_quantities(text: str) -> None:
    assert read(text) == []


def test_a_number_beside_an_identifier_is_still_read() -> None:
    assert read("Llama-3.1 有 405B 参数,bge-m3 有 1024 维") == [(405e9, ""), (1024, "维")]


@pytest.mark.parametrize(
    "text",
    ["一般来说", "一些", "一一对应", "万一失败", "千万不要", "十分有效", "百度", "三星", "千问",
     "八股文",
     "千篇一律", "统一", "唯一", "进一步", "二八定律", "五花八门", "双塔", "一元", "半监督", "九章"],
)  # fmt: skip
def test_words_that_begin_like_a_number_count_nothing(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "weak"), [("一个模型", True), ("一种方法", True), ("one of them", True),
                       ("一层", False), ("两个", False), ("第一种", False)],
)  # fmt: skip
def test_an_article_is_weak(text: str, weak: bool) -> None:
    assert [q.is_weak for q in quantities(text)] == [weak]


@pytest.mark.parametrize(
    ("text", "exact"),
    [("约 100 个", False), ("超过 1000 条", False), ("about 5 ms", False), ("100多个", False),
     ("二十多种", False), ("数百万", False), ("两三天", False), ("100 个", True), ("三类", True)],
)  # fmt: skip
def test_a_hedged_number_is_not_exact(text: str, exact: bool) -> None:
    assert [q.is_exact for q in quantities(text)] == [exact]


def test_spans_hold_the_number_with_its_unit() -> None:
    text = "显存约 1,400 GB，成本 ¥300，分成三类、第 2 层，降到百分之五。"
    assert spans(text) == ["1,400 GB", "¥300", "三类", "第 2 层", "百分之五"]


def test_dollar_signs_of_formulas_are_no_currency() -> None:
    assert read("$10^9$ 次") == [(1e9, "")]
    assert read("$3 and $5") == [(3, "美元"), (5, "美元")]


@pytest.mark.parametrize("text", ["二" * 5000, "万" * 500, "一" + "万" * 500, "9" * 5000, "1e999"])
def test_numbers_beyond_all_measure_do_not_crash(text: str) -> None:
    assert all(math.isfinite(q.value) for q in quantities(text))


_NUMBERS = st.lists(
    st.sampled_from(
        ["一", "二十", "三百万", "半", "两", "千", "亿", "第", "几", "多", "分之", "百分之", "点",
         "1", "23", "4.5",
         "2024", "-", "/", ".", ",", "e", "×", "x", "～", "$", "￥", "%", "GB", "ms", "k", "T", "个",
         "年", "月",
         "层", " ", "到", "成", "million", "three", "１２", "\u0301", "🙂"]
    ),
    max_size=24,
).map("".join)  # fmt: skip


@given(st.one_of(texts(), markdown(), _NUMBERS))
def test_spans_slice_the_text_in_order_without_overlap(text: str) -> None:
    found = quantities(text)
    assert all(0 <= q.start < q.end <= len(text) for q in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(math.isfinite(q.value) for q in found)
    assert all(text[q.start : q.end] == text[q.start : q.end].strip() for q in found)


@given(st.floats(min_value=-1e9, max_value=1e9, allow_nan=False), st.sampled_from(["gb", "", "年"]))
def test_a_quantity_is_the_same_as_itself(value: float, unit: str) -> None:
    one = Quantity(value, unit, 0, 1)
    assert same_quantity(one, one)


@given(st.integers(min_value=1, max_value=9_999_999))
def test_thousands_separators_change_nothing(number: int) -> None:
    assert read(f"{number:,} 个") == read(f"{number} 个") == [(number, "")]


@pytest.mark.parametrize(
    "unit",
    [
        "共 12 层，3.5 万亿 token。",
        "一般",
        "1,111,",
        "1.",
        "10-",
        "百分之",
        "三、",
        "九",
        "1e-",
        "半",
    ],
)
def test_a_hundred_thousand_characters_take_seconds_at_most(unit: str) -> None:
    text = (unit * 100_000)[:100_000]
    started = time.process_time()
    quantities(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("rough", "precise", "same"),
    [
        ("只需要六万五千多个参数", "是 65,536 个参数", True),
        ("两万多个参数", "只有 20,480 个参数", True),
        ("两万多个参数", "只有 19,480 个参数", False),
        ("两万多个参数", "只有 28,000 个参数", False),
        ("六万五千个参数", "是 65,536 个参数", False),
        ("标记删除超过两成就该重建", "超过 20% 就重建", True),
    ],
)
def test_a_little_more_than_a_round_number_is_that_number(
    rough: str, precise: str, same: bool
) -> None:
    (a,), (b,) = quantities(rough), quantities(precise)
    assert same_quantity(a, b) is same
    assert same_quantity(b, a) is same


def test_an_achievement_is_no_tenth() -> None:
    assert not any(q.unit == "%" for q in quantities("他有两成就，都很大"))


@pytest.mark.parametrize(
    ("noted", "claimed", "said"),
    [
        ("合计 82%", "八成以上", True),
        ("合计 82%", "超过 80%", True),
        ("合计 82%", "不到 90%", True),
        ("合计 82%", "不到 80%", False),
        ("合计 82%", "超过 90%", False),
        ("合计 82%", "超过 5%", False),  # true, but it is not what the note speaks of
        ("超过 80%", "82%", False),  # the note does not say how much
        ("超过 80%", "超过 80%", True),
        ("0.39%", "不到百分之一", True),
        ("0.39%", "千分之四左右", True),
        ("1.54e9", "15 亿左右", True),
        ("1.54e9", "17 亿左右", False),
        ("175B", "上千亿", True),
        ("175B", "几千亿", True),
        ("17B", "上千亿", False),
        ("3.36", "三个多 token", True),
        ("2024 年", "2025 年左右", False),
        ("16 GB", "at least 16 GB", True),
        ("12 GB", "at least 16 GB", False),
        ("20 倍", "二十倍以上", True),
        (r"$72.6\pm1.5\%$", "七成三左右", True),
        ("82%", "八成多来自", True),
        ("0.39%", "不到原来的百分之零点四", True),
        ("85 ms", "100 ms or less", True),
        ("115 ms", "100 ms or less", False),
    ],
)
def test_a_figure_says_a_claim_that_is_rounder_not_one_that_is_finer(
    noted: str, claimed: str, said: bool
) -> None:
    a, b = quantities(noted)[0], quantities(claimed)[0]
    assert states(a, b) is said


@pytest.mark.parametrize(
    "text",
    ["March 14, 2025", "14 March 2025", "14th of March, 2025", "2025 年 3 月 14 日", "2025-03-14"],
)
def test_a_date_is_the_same_in_both_languages(text: str) -> None:
    assert sorted(read(text)) == [(3, "月"), (14, "日"), (2025, "年")]


def test_a_day_with_a_dot_is_a_date() -> None:
    assert read("23年2.24日,次月3.8日") == [
        (23, "年"), (2, "月"), (24, "日"), (3, "月"), (8, "日")
    ]  # fmt: skip
    assert read("it may 3 times in 4") == [(3, "倍"), (4, "")]  # no month
    assert read("May 3, 2024") == [(5, "月"), (3, "日"), (2024, "年")]


@pytest.mark.parametrize(
    ("text", "weak"),
    [
        ("这两个组件", True), ("these two stages", True), ("两个组件", False), ("这一级", True),
        ("每一维", True), ("the two models", True), ("once it is learned", True),
        ("once a day", False), ("这 12 层", False), ("前三个", False),
    ],
)  # fmt: skip
def test_a_count_of_what_was_just_named_is_weak(text: str, weak: bool) -> None:
    assert [q.is_weak for q in quantities(text)][:1] == [weak]


def test_many_forms_are_no_hedge() -> None:
    assert [q.hedge for q in quantities("一层多头注意力,两个多模态模型,3 + 2")] == [""] * 4
