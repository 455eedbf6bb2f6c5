from __future__ import annotations

import re

import pytest

from assistant.web.measures import named
from assistant.web.results import figures_of, load_results, methods_of
from tests.conftest import REPO

_OF_THE_FIELD = re.compile(  # names that are the same in both languages
    r"(?:hit|mrr|ndcg|recall|map)@\d+|AUROC|ms|BM25 \+ (?:bigrams|jieba)|LSA|RRF|youju"
)


def test_every_figure_of_the_committed_results_has_a_chinese_name() -> None:
    names = set()
    for result in load_results([REPO / "eval" / "results"]):
        names |= figures_of(result.data).keys()
        names |= {name for row in methods_of(result.data).values() for name in row}
    assert len(names) > 40
    english = {name for name in names if 'class="zh"' not in named(name)}
    assert {name for name in english if not _OF_THE_FIELD.fullmatch(name)} == set()
    assert not [n for n in names if re.search(r'class="zh">[^<]*[a-z]{5}', named(n))]


@pytest.mark.parametrize("name", ["<b>&", "right, <b> (supported)", "${HOME}", "kind, kind code"])
def test_a_name_that_is_not_known_is_shown_as_text(name: str) -> None:
    assert "<b>" not in named(name)
    assert 'class="zh"' not in named(name)


@pytest.mark.parametrize(
    ("name", "chinese"),
    [
        ("right, noise 0.4", "答对，噪声占 0.4"),
        ("refused, zh, noise alone", "拒答，中文，只有噪声"),
        ("right, en, several parts, noise 0.2", "答对，英文，多个要点，噪声占 0.2"),
        ("right, en", "答对，英文"),
        ("contradictions told", "指出互相矛盾"),
    ],
)
def test_figures_of_questions_over_given_texts_have_chinese_names(name: str, chinese: str) -> None:
    assert f'<span class="zh">{chinese}</span>' in named(name)
