"""Public sets that a run knows: where to get them, under which licence, with which checksum.

The files themselves are never in this repository. A set is recognised by its file or folder name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import ConfigError
from eval.runs import sha256_of

__all__ = [
    "FAMILIES",
    "KNOWN",
    "KNOWN_SETS",
    "ORIGINALS",
    "SET_FILES",
    "KnownFile",
    "KnownSet",
    "Original",
    "digest_of",
    "require_known",
]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSet:
    """A folder of a public set in the BEIR form: corpus.jsonl, queries.jsonl, qrels.tsv, answers.

    Attributes:
        where: where its text comes from, at which commit.
        made: how the folder was made of it.
        licence: of the set.
        sha256: of `digest_of`.
    """

    where: str
    made: str
    licence: str
    sha256: str

    @property
    def told(self) -> str:
        """Where to get it, in one line."""
        return f"made from {self.where} ({self.licence}): {self.made}"


SET_FILES = ("corpus.jsonl", "queries.jsonl", "qrels.tsv", "answers.jsonl")


def digest_of(folder: Path) -> str:
    """sha256 over the names and digests of the data files of a set; others in it do not count.

    Raises:
        OSError: a file cannot be read.
    """
    whole = hashlib.sha256()
    for name in SET_FILES:
        path = folder / name
        if path.is_file():
            whole.update(f"{name} {sha256_of(path)}\n".encode())
    return whole.hexdigest()


def require_known(folder: Path) -> None:
    """Refuse a folder that has the name of a known set and is absent, or not that set.

    Raises:
        ConfigError: with where to get it.
    """
    known = KNOWN_SETS.get(folder.name)
    if known is None:
        return
    if not (folder / SET_FILES[0]).is_file():
        raise ConfigError(f"There is no set in {folder}; {known.told}")
    try:
        found = digest_of(folder)
    except OSError as fault:
        raise ConfigError(f"{folder} cannot be read ({fault})") from fault
    if found != known.sha256:
        raise ConfigError(
            f"{folder} is not the known version of this set (sha256 {found[:12]}…, expected"
            f" {known.sha256[:12]}…): get it again, or rename the folder to use it as your own."
            f" {folder.name} was {known.told}"
        )


_XQUAD = "github.com/deepmind/xquad @ 60cac4116491"
_DRCD = "github.com/DRCKnowledgeTeam/DRCD @ b944790de5af"
KNOWN_SETS: dict[str, KnownSet] = {
    "cacm_en": KnownSet(
        where="github.com/meier-flo/CACMTrecEvalFromRwithSolr @ a540c9b27de2",
        made="the CACM collection: records, information needs, judgements",
        licence="no licence file; a classic test collection",
        sha256="3c863148bc5f92398ef07d4c381e98932e59029f7c73578934303637065ef633",
    ),
    "cmrc2018_dev": KnownSet(
        where="github.com/ymcui/cmrc2018 @ c0eb1b6ba219",
        made="the questions of the dev split over its paragraphs",
        licence="CC BY-SA 4.0",
        sha256="3fd7f1888ff843007ef0b450164bc880700e7b64014dafaba7f79d324d2a003e",
    ),
    "csl_title_zh": KnownSet(
        where="github.com/ydli-ai/CSL @ 0f1ac0626d58",
        made="titles of papers as queries over their abstracts",
        licence="Apache-2.0",
        sha256="c80e54b330aa2d7429c93d187052bd98f017729b89c3a8770846ce904982715d",
    ),
    "drcd_test_hans": KnownSet(
        where=_DRCD,
        made="the test split, character by character in simplified form (OpenCC TSCharacters)",
        licence="CC BY-SA 3.0",
        sha256="04afbe14e2f22ea15d2dd2391c58e72f8bdfcf9be7bc2d18afe36865827409ad",
    ),
    "drcd_test_hant": KnownSet(
        where=_DRCD,
        made="the test split as published",
        licence="CC BY-SA 3.0",
        sha256="8b781ccb0318bc3ee059a10b1c1ed7437ae0770539498d58b8d65f65c197d8a8",
    ),
    "notesq_dl500": KnownSet(
        where="github.com/scutan90/DeepLearning-500-questions @ 6087a06b112c",
        made="headings that ask as queries over the sections of all notes, without their headings",
        licence="GPL-3.0",
        sha256="91b0ab3a12b56ccc235c0c36d204e8930cce7ed741b0ccf7c97226c01ee3beca",
    ),
    "xquad_en": KnownSet(
        where=_XQUAD,
        made="xquad.en.json, its questions over its paragraphs",
        licence="CC BY-SA 4.0",
        sha256="63ee3b5896a544322fbd8103b87b64c204a79647bddac0f98263a59350afe7dd",
    ),
    "xquad_zh": KnownSet(
        where=_XQUAD,
        made="xquad.zh.json, its questions over its paragraphs",
        licence="CC BY-SA 4.0",
        sha256="c25f7510eeb721cd7efe39f8e1637218abbfc000258f5103cc2cf96d40a20276",
    ),
    "xquad_en2zh": KnownSet(
        where=_XQUAD,
        made="the questions of xquad.en.json over the paragraphs of xquad.zh.json",
        licence="CC BY-SA 4.0",
        sha256="29285f7207132b1b3690ef1c756c9b25a23189c7f5de333825ea1118531f424b",
    ),
    "xquad_zh2en": KnownSet(
        where=_XQUAD,
        made="the questions of xquad.zh.json over the paragraphs of xquad.en.json",
        licence="CC BY-SA 4.0",
        sha256="f86839cc3ceae02b4ef0aaaa6700f0a5b99cb60d9b5b45a718761b88eb545e0a",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A file as its authors published it; `eval.originals` and `eval.published_claims` read it.

    Attributes:
        where: where it is published.
        licence: of the set.
        rows: what its rows are.
        n_rows: how many it has, by its authors or by those who counted it.
        versions: numbers of rows of other published versions.
        sha256: of the versions whose checksum is known; empty where nobody has stated one.
        md5: the same, where its authors state that one.
        suites: which suites take it.
    """

    where: str
    licence: str
    rows: str
    n_rows: int
    versions: tuple[int, ...] = ()
    sha256: tuple[str, ...] = ()
    md5: tuple[str, ...] = ()
    suites: tuple[str, ...] = ("retrieval", "answers")

    @property
    def told(self) -> str:
        """Where to get it, in one line."""
        return f"from {self.where} ({self.licence})"


def _rgb(name: str, n: int) -> tuple[str, Original]:
    return name, Original(
        where=f"data/{name} of github.com/chen700564/RGB",
        licence="CC BY-NC-SA 4.0",
        rows="questions",
        n_rows=n,
        suites=("grounding", "retrieval", "answers"),
    )


def _domainrag(folder: str, name: str, n: int, *versions: int) -> tuple[str, Original]:
    return name, Original(
        where=f"BCM/labeled_data/{folder}/{name} of github.com/ShootingWong/DomainRAG",
        licence="none stated",
        rows="questions",
        n_rows=n,
        versions=versions,
        suites=("grounding", "retrieval", "answers"),
    )


def _uhgeval(name: str, place: str, n: int, *md5: str) -> tuple[str, Original]:
    return name, Original(
        where=f"{place}{name} of github.com/IAAR-Shanghai/UHGEval",
        licence="Apache-2.0",
        rows="news stories",
        n_rows=n,
        md5=md5,
        suites=("grounding",),
    )


_RAGTRUTH = "dataset/{} of github.com/ParticleMedia/RAGTruth"
# The checksums of XQuAD and of CMRC's CodaLab file are those that Hugging Face's `datasets`
# library published with its loading scripts (datasets/xquad and datasets/cmrc2018, 2020).
ORIGINALS: dict[str, Original] = {
    "response.jsonl": Original(
        where=_RAGTRUTH.format("response.jsonl"),
        licence="MIT",
        rows="answers",
        n_rows=17_790,
        suites=("grounding",),
    ),
    "source_info.jsonl": Original(
        where=_RAGTRUTH.format("source_info.jsonl"),
        licence="MIT",
        rows="sources",
        n_rows=2_965,
        suites=("grounding",),
    ),
    **dict(
        [
            _rgb("zh.json", 300), _rgb("en.json", 300),
            _rgb("zh_refine.json", 300), _rgb("en_refine.json", 300),
            _rgb("zh_fact.json", 100), _rgb("en_fact.json", 100),
            _rgb("zh_int.json", 100), _rgb("en_int.json", 100),
            # The paper counts other numbers than its repository in places; both pass.
            _domainrag("extractive_qa", "basic_qa.jsonl", 90),
            _domainrag("conversation_qa", "conversation_qa.jsonl", 49, 48),
            _domainrag("structured_qa", "structured_qa_twopositive.jsonl", 94, 100),
            _domainrag("faithful_qa", "faithful_qa.jsonl", 49, 48),
            _domainrag("noisy_qa", "noisy_qa.jsonl", 90),
            _domainrag("time-sensitive_qa", "time_sensitive.jsonl", 65, 64, 67),
            _domainrag("multi-doc_qa", "multidoc_qa.jsonl", 48),
            _uhgeval(
                "dataset_uhgeval_concise.jsonl", "src/eval_suite/benchs/uhgeval/", 1_000
            ),
            _uhgeval(  # the authors publish this checksum beside the file
                "XinhuaHallucinations.json", "data/Xinhua/", 5_141,
                "befd7e202833fc1f9c72881242d33e59",
            ),
        ]
    ),
    "cmrc2018_dev.json": Original(
        where="data/ of github.com/ymcui/cmrc2018, or CodaLab bundle 0x72252619f67b4346",
        licence="CC BY-SA 4.0",
        rows="questions",
        n_rows=3_219,
        sha256=("e9ff74231f05c230c6fa88b84441ee334d97234cbb610991cd94b82db00c7f1f",),
    ),
    "DRCD_test.json": Original(
        where=_DRCD,
        licence="CC BY-SA 3.0",
        rows="questions",
        n_rows=3_493,
    ),
    "xquad.en.json": Original(
        where=_XQUAD,
        licence="CC BY-SA 4.0",
        rows="questions",
        n_rows=1_190,
        sha256=("e4c57d1c9143aaa1c5d265ba5987a65f4e69528d2a98f29d6e75019b10344f29",),
    ),
    "xquad.zh.json": Original(
        where=_XQUAD,
        licence="CC BY-SA 4.0",
        rows="questions",
        n_rows=1_190,
        sha256=("691d0b3359bc6b8faa8de931dfdfe21d50a65861ae348e32a0d1a0190b0c8835",),
    ),
}  # fmt: skip


# Sets of several files, by the name that takes all of them at once.
FAMILIES: dict[str, tuple[str, ...]] = {
    name: tuple(file for file, one in ORIGINALS.items() if origin in one.where)
    for name, origin in (
        ("rgb", "chen700564/RGB"), ("domainrag", "ShootingWong/DomainRAG"),
        ("uhgeval", "IAAR-Shanghai/UHGEval"),
    )
}  # fmt: skip
