"""In what a unit tells of a thing: memory, speed, data, training, by the label that it carries.

Of two things that the notes describe apart, what is said of the same aspect belongs side by side.
An aspect counts only where a unit is labelled with it (`显存：16 GB`, `**Speed**: ...`) or stands
alone under a heading that is one. Knows units; not questions. Called by `sidewise`.
"""

from __future__ import annotations

import re

from corpus.text import fold

__all__ = ["aspect_of"]

_LABEL = re.compile(
    r"\W{0,6}(?P<label>[^\s:：,，。.;；][^:：,，。.;；\n]{0,19}?)[\s*_`]{0,4}[:：](?!/)[\s*_`]*\S"
)
_ASPECTS = {
    "memory": r"[显内]存(?:占用|需求|开销)?|(?:gpu )?memory(?: use| usage)?|vram",
    "speed": r"(?:推理|训练|计算|生成)?速度|(?:推理)?延迟|吞吐量?|时延|latency|throughput|"
             r"(?:training |inference )?speed",
    "data": r"(?:训练)?数据(?:集|量|来源)?|(?:training )?data(?:set)?s?",
    "training": r"训练(?:方式|方法|目标|过程)?|training(?: objective| method)?",
    "cost": r"成本|价格|费用|花费|costs?|prices?",
    "quality": r"效果|精度|准确率|性能|质量|accuracy|quality|performance",
    "size": r"参数量?|模型大小|规模|parameters?|size",
    "structure": r"(?:模型)?结构|架构|architecture|structure",
    "principle": r"原理|思路|核心思想|做法|idea|principle",
    "use": r"(?:适用|应用|使用)?场景|用途|适合|use cases?|best for",
    "strength": r"优[点势]|好处|pros|advantages?|strengths?",
    "weakness": r"缺[点陷]|劣势|不足|局限性?|cons|disadvantages?|drawbacks?|limitations?|"
                r"weakness(?:es)?",
}  # fmt: skip
_FORMS = {aspect: re.compile(form) for aspect, form in _ASPECTS.items()}


def aspect_of(text: str, heading: str = "") -> str:
    """The aspect that a unit tells of, or "".

    Args:
        text: the unit.
        heading: the last heading above it.
    """
    found = _LABEL.match(text)
    named = [found["label"] if found else "", heading]
    for words in named:
        plain = re.sub(r"^[\W\d_]+|[\W_]+$", "", fold(words))
        for aspect, form in _FORMS.items():
            if form.fullmatch(plain):
                return aspect
    return ""
