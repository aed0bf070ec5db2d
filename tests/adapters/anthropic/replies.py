"""Replies of the Messages API: generated, and in the form in which the documentation shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from adapters.anthropic.stream import EventDecoder
from adapters.simulators.anthropic import Manner, Stream
from tests.adapters.limits import EMPTY, LINE, meter

if TYPE_CHECKING:
    from adapters import Delta, ToolCallFragment

WORDS: Final = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
NAMES: Final = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True).filter(lambda name: name != "json_reply")
JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
CITATION: Final = {
    "type": "char_location",
    "cited_text": "so it is",
    "document_index": 0,
    "document_title": None,
    "file_id": None,
    "start_char_index": 0,
    "end_char_index": 8,
}
SEARCH: Final[list[dict[str, Any]]] = [
    {
        "type": "server_tool_use",
        "id": "srvtoolu_1",
        "name": "web_search",
        "input": {"query": "weather in Ulm"},
    },
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {
                "type": "web_search_result",
                "title": "Ulm",
                "url": "https://example.org/ulm",
                "encrypted_content": "RW5j",
                "page_age": None,
            }
        ],
    },
]


def _texts() -> st.SearchStrategy[dict[str, Any]]:
    cited = st.builds(lambda text: {"type": "text", "text": text, "citations": [CITATION]}, WORDS)
    return st.builds(lambda text: {"type": "text", "text": text}, WORDS) | cited


def _thoughts() -> st.SearchStrategy[dict[str, Any]]:
    thinking = st.builds(
        lambda text, signature: {"type": "thinking", "thinking": text, "signature": signature}, WORDS, NAMES
    )
    return thinking | st.builds(lambda data: {"type": "redacted_thinking", "data": data}, NAMES)


CALLS: Final = st.builds(
    lambda name, given: {"type": "tool_use", "name": name, "input": given},
    NAMES,
    st.dictionaries(WORDS, JSON, max_size=3),
)
BLOCKS: Final = st.lists(
    _texts() | _thoughts() | CALLS | st.sampled_from(SEARCH), min_size=1, max_size=6
).map(lambda blocks: [_numbered(block, number) for number, block in enumerate(blocks)])
COUNTS: Final = st.integers(0, 10**7)
USAGE: Final = st.fixed_dictionaries(
    {"input_tokens": COUNTS, "output_tokens": COUNTS},
    optional={
        "cache_creation_input_tokens": COUNTS,
        "cache_read_input_tokens": COUNTS,
        "output_tokens_details": st.fixed_dictionaries({"thinking_tokens": COUNTS}),
    },
)
STOPS: Final = st.sampled_from(
    [
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "tool_use",
        "pause_turn",
        "refusal",
        "model_context_window_exceeded",
    ]
)


def _numbered(block: dict[str, Any], number: int) -> dict[str, Any]:
    return {**block, "id": f"toolu_{number}"} if block["type"] == "tool_use" else block


def wire(blocks: list[dict[str, Any]], usage: dict[str, Any], stop_reason: str) -> bytes:
    """Return a message as the service streams it."""
    framing = Stream(Manner(blocks=tuple(blocks), usage=usage, stop_reason=stop_reason), "msg_1", "claude-x")
    pieces = [*framing.opening(), *framing.content(()), *framing.ending("")]
    return "".join(map(str, pieces)).encode()


def decoder() -> EventDecoder:
    return EventDecoder(meter(), LINE, EMPTY)


def decoded(*chunks: bytes) -> list[Delta]:
    """Return the deltas of a body that comes in `chunks`; the last one, if it is proved, among them."""
    reading = decoder()
    deltas = [delta for chunk in chunks for delta in reading.feed(chunk)]
    deltas += reading.flush()
    if reading.failure is not None:
        raise reading.failure
    return [*deltas, reading.last()] if reading.proved else deltas


def calls_of(deltas: list[Delta]) -> list[tuple[str | None, str | None, str]]:
    """Return id, name and arguments of each call."""
    fragments: dict[int, list[ToolCallFragment]] = {}
    for delta in deltas:
        for fragment in delta.tool_calls:
            fragments.setdefault(fragment.index, []).append(fragment)
    return [
        (parts[0].id, parts[0].name, "".join(part.arguments for part in parts))
        for _, parts in sorted(fragments.items())
    ]


def details_of(deltas: list[Delta]) -> list[Any]:
    return [detail for delta in deltas if delta.beside for detail in delta.beside.reasoning_details]
