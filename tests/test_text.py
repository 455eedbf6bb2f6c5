from __future__ import annotations

import pytest
from hypothesis import given

from corpus.text import fold, has_han, is_han, is_word_char
from tests.generated import texts


@given(texts(), texts())
def test_a_long_text_folds_as_its_characters_do(left: str, right: str) -> None:
    text = f"{left}，ＡＢ臺{right}" * 12
    assert fold(text) == "".join(map(fold, text))


@given(texts())
def test_folding_keeps_the_length_and_is_done_once(text: str) -> None:
    folded = fold(text)
    assert len(folded) == len(text)
    assert fold(folded) == folded


@given(texts(), texts())
def test_folding_works_character_by_character(left: str, right: str) -> None:
    assert fold(left + right) == fold(left) + fold(right)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("LoRA", "lora"),
        ("\uff26\uff2d\uff11\uff12", "fm12"),
        ("訓練資料庫與詞嵌入", "训练资料库与词嵌入"),
        ("“FM”", '"fm"'),
        ("1–2 × 3", "1-2 x 3"),
        ("a\u3000b\u00a0c", "a b c"),
        ("ÉΩЖ", "éωж"),
        ("İ", "İ"),  # its small form has two code points: offsets matter more
    ],
)
def test_variants_of_a_character_fold_to_one(written: str, folded: str) -> None:
    assert fold(written) == folded


def test_ideographs_of_every_plane_are_known() -> None:
    assert all(map(is_han, "中〇㐀𠀀豈"))
    assert not any(map(is_han, "a1。、あ한🙂　"))
    assert has_han("BGE 模型")
    assert not has_han("BGE-M3")


def test_word_characters_are_letters_digits_and_underscores() -> None:
    assert all(map(is_word_char, "a1中_é"))
    assert not any(map(is_word_char, " -。🙂"))
