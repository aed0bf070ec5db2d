"""Replies of every shape, as the deltas of a provider."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from adapters.contract import Beside, Delta, ToolCallFragment, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
ARGUMENTS = st.dictionaries(TEXTS, st.none() | st.integers(0, 99) | TEXTS, max_size=3).map(json.dumps)
COUNTS = st.integers(0, 10_000)
USAGES = st.none() | st.builds(
    lambda prompt, completed, cached, thought: Usage(
        prompt + cached, completed, prompt + cached + completed, cached, thought
    ),
    COUNTS, COUNTS, COUNTS, st.none() | COUNTS,
)  # fmt: skip


@st.composite
def calls(draw: st.DrawFn) -> list[Delta]:
    """Draw the pieces of some calls, one call after the other, or in turn."""
    each: list[list[Delta]] = []
    for index in range(draw(st.integers(0, 3))):
        arguments = draw(ARGUMENTS | st.just(""))
        cut = draw(st.integers(0, len(arguments)))
        name = draw(st.sampled_from(["weather", "time"]))
        identity = draw(st.none() | st.just(f"call_{index}_a"))
        first = ToolCallFragment(index, identity, name, arguments[:cut])
        each.append(
            [
                Delta(tool_calls=(first,)),
                Delta(tool_calls=(ToolCallFragment(index, arguments=arguments[cut:]),)),
            ]
        )
    if draw(st.booleans()):
        return [piece for call in each for piece in call]
    return [call[turn] for turn in (0, 1) for call in each]


@st.composite
def replies(draw: st.DrawFn) -> list[Delta]:
    """Draw a reply that has some content."""
    said = draw(
        st.lists(
            TEXTS.map(lambda text: Delta(text)) | TEXTS.map(lambda text: Delta(reasoning=text)), max_size=8
        )
    )
    deltas = [*said, *draw(calls()), *draw(st.lists(TEXTS.map(lambda text: Delta(text)), max_size=2))]
    if not any(delta.has_content for delta in deltas):
        deltas = [Delta("Hello")]
    if draw(st.booleans()):
        deltas[0].beside = Beside(reasoning_field="reasoning_content")
    calling = any(delta.tool_calls for delta in deltas)
    reason = draw(st.sampled_from(["tool_calls" if calling else "stop", "length", None]))
    deltas.append(Delta(finish_reason=reason, ends=True, usage=draw(USAGES), model="model-1"))
    return deltas


def text_of(deltas: Sequence[Delta]) -> str:
    """Return all text of a reply."""
    return "".join(delta.text for delta in deltas)


def reasoning_of(deltas: Sequence[Delta]) -> str:
    """Return all reasoning of a reply."""
    return "".join(delta.reasoning for delta in deltas)


def calls_of(deltas: Sequence[Delta]) -> list[tuple[str, object]]:
    """Return the names and the arguments of the calls, in their order."""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for piece in [piece for delta in deltas for piece in delta.tool_calls]:
        names.setdefault(piece.index, piece.name or "")
        arguments[piece.index] = arguments.get(piece.index, "") + piece.arguments
    return [(names[index], json.loads(arguments[index] or "{}")) for index in sorted(names)]
