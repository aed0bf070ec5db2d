"""Any reply, worded as chunks and put together by the official client, is the reply."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat._completions import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from adapters.contract import Beside, Delta, ToolCallFragment, Usage
from adapters.scripted import ScriptedAdapter, Unfinished
from router.gateway import app
from tests.depth import how_many
from tests.router.gateway.calling import asking, router_of
from tests.virtual_time import BACKENDS, run_virtual

if TYPE_CHECKING:
    from tests.router.gateway.calling import Call

TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)


def _further(index: int, text: str) -> Delta:
    return Delta(beside=Beside(choices=((index, Delta(text)),)))


@st.composite
def deltas(draw: st.DrawFn, *, calls: bool = True) -> list[Delta]:
    """Draw the deltas of a reply, its end aside; the first one has content."""
    found = [Delta(draw(TEXTS.filter(str.strip)), model=draw(st.sampled_from([None, "m1"])))]
    names = draw(st.lists(st.sampled_from(["f", "g"]), max_size=3)) if calls else []
    pieces = []
    for index, name in enumerate(names):
        first, *rest = draw(st.lists(TEXTS, min_size=1, max_size=3))
        pieces.append(Delta(tool_calls=(ToolCallFragment(index, f"id{index}", name, first),)))
        pieces += [Delta(tool_calls=(ToolCallFragment(index, None, None, more),)) for more in rest]
    others = draw(
        st.lists(
            st.one_of(
                st.builds(Delta, TEXTS, TEXTS),
                st.builds(
                    lambda i, t: Delta(beside=Beside(choices=((i, Delta(t)),))), st.integers(1, 2), TEXTS
                ),
            ),
            max_size=6,
        )
    )
    # Pieces of calls keep their order among themselves; the rest may stand anywhere between them.
    for piece in pieces:
        others.insert(draw(st.integers(0, len(others))), piece)
    order = [delta for delta in others if delta.tool_calls]
    fixed = iter(sorted(order, key=pieces.index) if order else ())
    return found + [next(fixed) if delta.tool_calls else delta for delta in others]


def put_together(call: Call) -> tuple[Any, list[Any]]:
    """Return what the official client makes of the chunks, and the switches told."""
    *chunks, done = call.events()
    assert done == "[DONE]"
    state, switches = ChatCompletionStreamState(), []
    for chunk in chunks:
        if "switch" in chunk.get("chat_router", {}):
            switches.append(chunk["chat_router"]["switch"])
            if switches[-1]["kind"] == "restart":
                state = ChatCompletionStreamState()
            continue
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    return state.current_completion_snapshot, switches


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=how_many(200))
@given(deltas(), st.sampled_from(["stop", "length", None]), st.booleans())
def test_a_reply(backend: str, drawn: list[Delta], reason: str | None, counted: bool) -> None:
    end = Delta(finish_reason=reason, ends=True, usage=Usage(1, 2, 3) if counted else None)

    async def run() -> None:
        provider = ScriptedAdapter("one", [*drawn, end])
        async with router_of(provider) as router:
            given = [{"role": "user", "content": "hello"}]
            reply = await router.complete(given)
            options = {"include_usage": True}
            call = await asking(stream=True, stream_options=options).put_to(app(router))
            whole = (await asking().put_to(app(router))).document()
        final, _ = put_together(call)
        message = final.choices[0].message
        assert (message.content or "") == reply.text
        assert (getattr(message, "reasoning_content", None) or "") == reply.reasoning
        called = [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or ()]
        assert called == [(c.id, c.name, c.arguments) for c in reply.tool_calls]
        assert final.choices[0].finish_reason == whole["choices"][0]["finish_reason"]
        further = sorted(final.choices[1:], key=lambda choice: choice.index)
        shown = {choice.index: choice.message.content for choice in further if choice.message.content}
        assert shown == {choice.index: choice.text for choice in reply.choices if choice.text}
        assert (final.usage and final.usage.total_tokens) == (3 if counted else None)
        assert {choice.finish_reason for choice in further} <= {"stop"}
        # Streamed and whole are one reply.
        assert [c["message"].get("content") or "" for c in whole["choices"]] == [
            reply.text, *(choice.text for choice in reply.choices)
        ]  # fmt: skip
        assert len(whole["choices"][0]["message"].get("tool_calls", ())) == len(reply.tool_calls)
        assert json.dumps(whole)

    run_virtual(run, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=how_many(60))
@given(deltas(calls=False), deltas(), st.sampled_from(["restart", "continue"]))
def test_a_switch(backend: str, before: list[Delta], after: list[Delta], kind: Any) -> None:
    async def run() -> None:
        def chain() -> list[ScriptedAdapter]:
            last = Delta(finish_reason="stop", model="m2")
            return [ScriptedAdapter("one", [*before, Unfinished]), ScriptedAdapter("two", [*after, last])]

        async with router_of(*chain(), on_interruption=kind) as router:
            reply = await router.complete([{"role": "user", "content": "hello"}])
        async with router_of(*chain(), on_interruption=kind) as router:
            call = await asking(stream=True).put_to(app(router))
        final, switches = put_together(call)
        assert [switch["taken_by"] for switch in switches] == ["two"]
        assert switches[0]["kind"] == kind
        assert (final.choices[0].message.content or "") == reply.text
        calls = final.choices[0].message.tool_calls or ()
        assert [c.function.arguments for c in calls] == [c.arguments for c in reply.tool_calls]
        assert call.events()[-2]["model"] == "m2"

    run_virtual(run, backend)
