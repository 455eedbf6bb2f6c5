"""Whether several sentences say a claim only in pieces.

Knows a passage and alignments, not notes. Called by `comparing`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

from assistant.alignment import Alignment
from assistant.passages import Passage

__all__ = ["is_scattered"]


def is_scattered(passage: Passage, found: Alignment, context: Alignment) -> bool:
    """Whether a joined passage says the claim only in pieces.

    Either a name of the claim stands in one sentence and the rest of it in one about another
    name, or a single clause of the claim finds its words in several sentences.
    """
    if not passage.cuts:
        return False
    starts = [cut - passage.start for cut in passage.cuts]

    def sentence(j: int) -> int:
        return bisect_right(starts, found.evidence[j].start)

    said = [(i, j) for i, j in enumerate(found.to) if j >= 0 and found.claim[i].is_content]
    by_clause: dict[int, Counter[int]] = {}
    for i, j in said:
        if not found.claim[i].is_name:
            by_clause.setdefault(found.claim[i].clause, Counter())[sentence(j)] += 1
    for counts in by_clause.values():
        if sum(counts.values()) - counts.most_common(1)[0][1] >= max(1, 0.3 * sum(counts.values())):
            return True
    plain = Counter(sentence(j) for i, j in said if not found.claim[i].is_name)
    if not plain:
        return False
    main = plain.most_common(1)[0][0]
    names = {w.text for w in found.claim if w.is_name}
    there = {w.text for j, w in enumerate(found.evidence) if sentence(j) == main}
    others = any(
        w.is_name and w.text not in names
        for j, w in enumerate(found.evidence)
        if sentence(j) == main
    )
    return others and any(
        found.claim[i].is_name and found.claim[i].text not in there and context.score[i] < 0.85
        for i, _ in said
    )
