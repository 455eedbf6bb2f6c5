"""Expected figures of ranking metrics, computed by ranx: `PYTHON tests/ranked_by_ranx.py`.

ranx compiles its metrics with numba for minutes and is no dependency of this project, so it runs in
an environment of its own (`python3 -m venv FOLDER && FOLDER/bin/pip install ranx`) and its figures
are committed: `tests/ranked_by_ranx.json` holds qrels, run, ranx's version and every score. Needs
nothing of this repository; `tests/test_eval_metrics.py` compares.
"""

from __future__ import annotations

import json
import random
from importlib.metadata import version
from pathlib import Path

FIGURES = Path(__file__).with_suffix(".json")
METRICS = (
    *(f"recall@{k}" for k in (1, 5, 10)),
    *(f"hit_rate@{k}" for k in (1, 5, 10)),
    "mrr@10",
    *(f"ndcg@{k}" for k in (3, 10)),
)
_SEED, _QUERIES = 7, 60


def work() -> tuple[dict[str, dict[str, int]], dict[str, list[str]]]:
    """Judgements and rankings by query: graded, incomplete, some with nothing found."""
    draw = random.Random(_SEED)
    names = [f"d{n}" for n in range(40)]
    qrels, run = {}, {}
    for n in range(_QUERIES):
        relevant = draw.sample(names, draw.randint(1, 8))
        qrels[f"q{n}"] = {name: draw.randint(1, 3) for name in relevant}
        run[f"q{n}"] = draw.sample(names, draw.randint(1, 25))
    return qrels, run


def main() -> None:
    """Compute and write."""
    from ranx import Qrels, Run, evaluate

    qrels, rankings = work()
    scored = {
        query: {name: float(len(ranking) - i) for i, name in enumerate(ranking)}
        for query, ranking in rankings.items()
    }
    run = Run(scored)
    evaluate(Qrels(qrels), run, list(METRICS))
    scores = {metric: {q: float(x) for q, x in run.scores[metric].items()} for metric in METRICS}
    found = {"ranx": version("ranx"), "qrels": qrels, "run": rankings, "scores": scores}
    FIGURES.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
