"""Ask, find and check as other programs call them: arguments checked, results as JSON.

The schemas are those of `wire`, field by field; a test holds them together. Knows no protocol;
called by `mcp` and by the HTTP interface of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from assistant.operators import is_date
from corpus.errors import ConfigError

if TYPE_CHECKING:
    from assistant.retrieval import Filters
    from assistant.types import Answer, Checked, Hit

__all__ = ["TOOLS", "ToolSpec", "call"]

_MOST_HITS = 50

Schema = dict[str, Any]


def _object(fields: Schema, *, optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in fields if name not in optional]
    return {"type": "object", "properties": fields, "required": required}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_WHOLE: Schema = {"type": "integer"}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}
_MAYBE_NUMBER: Schema = {"type": ["number", "null"]}
_SPAN: Schema = {"start": _WHOLE, "end": _WHOLE}
_PLACE: Schema = {"note": _TEXT, **_SPAN, "line": _WHOLE, "quote": _TEXT}
_CLAIM: Schema = _object(
    {
        "text": _TEXT,
        **_SPAN,
        "verdict": {
            "type": "string",
            "enum": ["supported", "contradicted", "unsupported", "not_checked"],
        },
        "score": _NUMBER,
        "citations": _list(_WHOLE),
        "evidence": {"anyOf": [_object(_PLACE), {"type": "null"}]},
        "reason": _TEXT,
    }
)
_ANSWER = _object(
    {
        "question": _TEXT,
        "searched": _list(_TEXT),
        "answer": _TEXT,
        "abstained": {"type": "boolean"},
        "reason": _MAYBE_TEXT,
        "generator": _TEXT,
        "citations": _list(
            _object({"marker": _WHOLE, "title": _TEXT, "heading": _list(_TEXT), **_PLACE})
        ),
        "claims": _list(_CLAIM),
        "notes_disagree": _list(_object({"claim_a": _CLAIM, "claim_b": _CLAIM})),
        "timings_ms": {"type": "object", "additionalProperties": _NUMBER},
    }
)
_HIT = _object(
    {
        "note": _TEXT, "title": _TEXT, "heading": _list(_TEXT), **_SPAN, "line": _WHOLE,
        "text": _TEXT, "date": _MAYBE_TEXT, "tags": _list(_TEXT), "score": _NUMBER,
        "scores": _object(
            {
                "bm25": _MAYBE_NUMBER, "cosine": _MAYBE_NUMBER, "rrf": _MAYBE_NUMBER,
                "rerank": _MAYBE_NUMBER,
            }
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as other programs see it.

    Attributes:
        title: for a person.
        description: for the model that chooses a tool.
        arguments: schema of each argument.
        required: arguments that cannot be left out.
        output_schema: schema of the result.
    """

    title: str
    description: str
    arguments: dict[str, Schema]
    required: tuple[str, ...]
    output_schema: Schema

    @property
    def input_schema(self) -> Schema:
        """Schema of the arguments together."""
        return {
            "type": "object",
            "properties": self.arguments,
            "required": list(self.required),
            "additionalProperties": False,
        }


def _said(kind: str, description: str) -> Schema:
    return {"type": kind, "description": description}


TOOLS: dict[str, ToolSpec] = {
    "ask": ToolSpec(
        title="Ask the notes 提问",
        description="Answer a question from the person's own notes. Every sentence cites the exact "
        "passage and carries a verdict; when the notes do not answer, `abstained` is true. "
        "用笔记回答问题，逐句引用并核对；笔记里没有就如实说没有。",
        arguments={"question": _said("string", "a whole question, in Chinese or English")},
        required=("question",),
        output_schema=_ANSWER,
    ),
    "find": ToolSpec(
        title="Find passages 查找",
        description="Find the passages of the person's notes that match words or a meaning, best "
        "first, with their exact places. 按词语和意思查找笔记段落。",
        arguments={
            "query": _said("string", "words, a term or a sentence"),
            "k": {**_said("integer", "how many at most"), "minimum": 1, "maximum": 50},
            "folder": _said("string", "only notes in this folder, or matching this pattern"),
            "tag": _said("string", "only notes with this tag, nested tags included"),
            "since": _said("string", "only notes dated this day, month or year or later"),
            "until": _said("string", "only notes dated this day, month or year or earlier"),
            "title": _said("string", "only notes whose title or alias holds these words"),
        },
        required=("query",),
        output_schema=_object({"query": _TEXT, "hits": _list(_HIT)}),
    ),
    "check": ToolSpec(
        title="Check a text 核对",
        description="Check each claim of a text against the person's notes: supported, "
        "contradicted, unsupported (not in the notes) or not_checked, with the line that decides. "
        "逐条核对一段文字：有据、与笔记矛盾、笔记没有。",
        arguments={"text": _said("string", "the text to check")},
        required=("text",),
        output_schema=_object({"text": _TEXT, "claims": _list(_CLAIM)}),
    ),
}


class _Answers(Protocol):
    """What the tools need of `assistant.pipeline.Assistant`."""

    def ask(self, question: str) -> Answer: ...

    def find(self, query: str, *, k: int = 10, filters: Filters | None = None) -> list[Hit]: ...

    def notices(
        self, query: str, hits: Sequence[Hit], filters: Filters | None = None
    ) -> tuple[str, ...]: ...

    def check(self, text: str) -> Checked: ...


def call(
    assistant: Callable[[], _Answers], tool: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """The result of a tool, as the contract writes it.

    Args:
        assistant: gives what answers; not asked when the arguments do not fit.
        tool: name in `TOOLS`.
        arguments: by name; one that is None counts as not given.

    Raises:
        ConfigError: there is no such tool, or an argument does not fit it.
        YoujuError: the notes cannot be searched.
    """
    given = _fitting(tool, arguments)
    from assistant.retrieval import Filters
    from assistant.wire import answer_object, checked_object, found_object

    if tool == "ask":
        return answer_object(assistant().ask(given["question"]))
    if tool == "check":
        return checked_object(assistant().check(given["text"]))
    query, k = given.pop("query"), given.pop("k", 10)
    filters, searched = Filters(**given), assistant()
    hits = searched.find(query, k=k, filters=filters)
    return found_object(query, hits, searched.notices(query, hits, filters))


def _fitting(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a tool, checked against its schema; nulls left out."""
    if tool not in TOOLS:
        raise ConfigError(f"there is no tool {tool!r}; there are {', '.join(TOOLS)}")
    known = TOOLS[tool].arguments
    given = {name: value for name, value in arguments.items() if value is not None}
    for name, value in given.items():
        if name not in known:
            raise ConfigError(f"{tool} has no argument {name!r}; it has {', '.join(known)}")
        kind = int if known[name]["type"] == "integer" else str
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ConfigError(f"{tool}: {name} must be of type {known[name]['type']}")
    for name in TOOLS[tool].required:
        if name not in given:
            raise ConfigError(f"{tool} needs {name}")
    if not 1 <= given.get("k", 1) <= _MOST_HITS:
        raise ConfigError(f"k must be from 1 to {_MOST_HITS}, got {given['k']}")
    for name in ("since", "until"):
        if name in given and not is_date(given[name]):
            raise ConfigError(
                f"{name}: write a date as 2024-05-01, 2024-05 or 2024, got {given[name]!r}"
            )
    return given
