"""`python -m eval.zero_hits --data FOLDER SET...`: questions whose words find nothing.

Of the Chinese queries of retrieval sets: how many share no term of `corpus.tokens` with any passage
(the search by words finds nothing), and how many share none with a passage that is relevant. What a
better tokenizer lowers; it does not ask for ranks, which `eval.retrieval` does.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import YoujuError
from corpus.text import has_han
from corpus.tokens import content_terms, terms
from eval.retrieval import RetrievalSet, load_set

__all__ = ["Count", "count", "main"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Figures of one set.

    Attributes:
        n: Chinese queries.
        nothing: of them, those that share no term with any passage.
        apart: those that share none with a relevant passage.
    """

    n: int
    nothing: int
    apart: int


def count(found: RetrievalSet) -> Count:
    """The figures of a set; function words do not count as shared."""
    held = {passage.id: set(terms(passage.full)) for passage in found.passages}
    every = set().union(*held.values())
    n = nothing = apart = 0
    for id_, text in found.queries.items():
        if not has_han(text):
            continue
        asked = set(content_terms(text))
        n += 1
        nothing += not asked & every
        apart += not any(asked & held[passage] for passage in found.gold[id_] if passage in held)
    return Count(n=n, nothing=nothing, apart=apart)


def main() -> int:
    """Print the figures of each set and of all together."""
    parser = argparse.ArgumentParser(prog="python -m eval.zero_hits", description=__doc__)
    parser.add_argument("set", nargs="+", help="folders of --data with queries in Chinese")
    parser.add_argument("--split", default="dev", choices=("dev", "test", "all"))
    parser.add_argument("--data", type=Path, required=True, help="where the sets lie")
    args = parser.parse_args()
    counts: dict[str, Count] = {}
    try:
        for name in args.set:
            counts[name] = count(load_set(args.data, name, args.split))
    except YoujuError as error:
        print(f"eval: {error}", file=sys.stderr)
        return 1
    counts["all"] = Count(
        n=sum(c.n for c in counts.values()),
        nothing=sum(c.nothing for c in counts.values()),
        apart=sum(c.apart for c in counts.values()),
    )
    print(f"{'set':<18}{'n':>7}  {'no passage found':<22}no term shared with a relevant one")
    for name, c in counts.items():
        shares = (f"{part} = {part / max(1, c.n):.4f}" for part in (c.nothing, c.apart))
        print(f"{name:<18}{c.n:>7}  " + "".join(f"{share:<22}" for share in shares).rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
