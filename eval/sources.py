"""Public sets that a run knows: where to get them, under which licence, with which checksum.

The files themselves are never in this repository. A set is recognised by its file or folder name.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KNOWN", "KnownFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file of a public set in the one schema of `eval.records`.

    Attributes:
        where: where its text comes from.
        licence: of the set.
        trainable: whether models may be trained on it.
    """

    where: str
    licence: str
    sha256: str
    trainable: bool


def _file(where: str, licence: str, sha256: str, *, trainable: bool) -> KnownFile:
    return KnownFile(where=where, licence=licence, sha256=sha256, trainable=trainable)


KNOWN: dict[str, KnownFile] = {
    "attributionbench_dev.jsonl.xz": _file(
        "made from data/dev_all_subset_balanced of github.com/OSU-NLP-Group/AttributionBench",
        "none stated",
        "7edc6390cf9c6ca5fdeb5c6f3c9e92f4d3aba5d03e074fbf499fd48657a3ef27",
        trainable=False,
    ),
    "cmnli_dev.jsonl.xz": _file(
        "made from Chinese-MNLI/dev.txt of github.com/zejunwang1/CSTS",
        "none stated (machine translation)",
        "129f388d4dbd3fc598c550af10c242cb1d2eb6fa0879c991625574442578c289",
        trainable=False,
    ),
    "csnli_dev.jsonl.xz": _file(
        "made from Chinese-SNLI/dev.txt of github.com/zejunwang1/CSTS",
        "none stated (machine translation)",
        "a87acb59d00a8e92999a8dbbb5521e0f13e2cc32bfa6f5e6c63eef532b268056",
        trainable=False,
    ),
    "factcheckgpt_stance.jsonl.xz": _file(
        "made from subtasks/subtask3 of github.com/yuxiaw/Factcheck-GPT",
        "Apache-2.0",
        "2cd9ef7b80d7c84f84767dffa5518aaa9780d70cc03b0ce730e2b6e1a6c3e001",
        trainable=True,
    ),
    "pawsx_zh.jsonl.xz": _file(
        "made from PAWS-X/ of github.com/zejunwang1/CSTS",
        "free use with acknowledgement",
        "0ad29f8e886ecc51fcb0b14388c8c40691ac6a4446bfd5d02b97a34cf7f288a9",
        trainable=True,
    ),
    "qags.jsonl.xz": _file(
        "made from data/mturk_cnndm.jsonl and mturk_xsum.jsonl of github.com/W4ngatang/qags",
        "none stated",
        "28f2eacfee9bc805068b24b0eaef8f7893bf6e70c35e440ff5328d8772114738",
        trainable=False,
    ),
    "ragtruth_other_sources.jsonl.xz": _file(
        "made from eval_data of github.com/vectara/FaithJudge (RAGTruth, sources outside its test)",
        "MIT",
        "8081588c9f0c1ba7a0cf705cea62aa25b6660905388ade87ee52c3cb0f8d7485",
        trainable=True,
    ),
    "wice_claim_dev.jsonl.xz": _file(
        "made from data/entailment_retrieval/claim/dev.jsonl of github.com/ryokamoi/wice",
        "ODC-BY, text CC BY-SA",
        "1b6425b609e7488f727fab03fe915af2f5670c511dacfd26ce352177a4652f7c",
        trainable=True,
    ),
    "wice_tokens_train_dev.jsonl.xz": _file(
        "made from data/non_supported_tokens/ of github.com/ryokamoi/wice",
        "ODC-BY, text CC BY-SA",
        "7839c9ddfbdd9c37440f21313e649e03c3ba3e2629169b0e12057c94ae51609c",
        trainable=True,
    ),
}
