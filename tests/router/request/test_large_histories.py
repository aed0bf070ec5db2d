"""Histories of thousands of turns and of megabytes: nothing of them holds up the event loop for long."""

import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import OpenAICompatible, ScriptedAdapter
from adapters.contract import Capabilities, ChatRequest, Delta
from adapters.openai.completions import _body
from adapters.simulators.openai import OpenAISimulator
from adapters.wire.json import encode, encode_in_steps
from router import Router

T = TypeVar("T")
MOST = 0.02 if sys.gettrace() is None else 0.15
"""Seconds of one piece; a measurement of coverage makes every line several times as slow."""
TURNS = [
    {"role": "assistant" if number % 2 else "user", "content": f"turn {number}: a few words, also é"}
    for number in range(20_001)
]
IMAGES = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "what is this?"},
            *(
                {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * size}}
                for size in sizes
            ),
        ],
    }
    for sizes in ([5 << 20] * 2, [10 << 20])
]


async def longest_piece(work: Callable[[], Awaitable[object]]) -> float:
    """Return the CPU seconds of the longest piece of `work` that nobody else could run in."""
    pieces = []

    async def look() -> None:
        while True:
            before = time.thread_time()
            await anyio.lowlevel.checkpoint()
            pieces.append(time.thread_time() - before)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look)
        await anyio.lowlevel.checkpoint()
        pieces.clear()
        await work()
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    return max(pieces)


@pytest.mark.anyio
@pytest.mark.parametrize("messages", [TURNS, IMAGES], ids=["turns", "images"])
async def test_a_large_history_is_copied_checked_and_encoded_in_pieces(messages):
    """The router's part, up to the first byte: the adapter is asked until it would send."""

    class Asks(OpenAICompatible):
        sent = 0

        async def stream(self, request):
            self.sent = len(await _body(self, request))
            yield Delta(text="hi", finish_reason="stop")

    adapter = Asks("http://127.0.0.1:9/v1", model="m")
    last = [ScriptedAdapter(f"last{number}") for number in range(5)]
    for each in last:
        each.capabilities = Capabilities(tools=False, images=False, context_size=1000)
    async with Router([*last, adapter], observers=[]) as router:
        times = []
        for _ in range(5):
            gc.collect()
            gc.disable()  # how long it takes depends on all the tests before
            try:
                times.append(await longest_piece(lambda: router.complete(messages)))
            finally:
                gc.enable()
            if min(times) < MOST:
                break
    assert adapter.sent > 900_000
    assert min(times) < MOST


def made_by(steps: Generator[None, None, T]) -> T:
    """Return what comes of steps."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            made: T = done.value
            return made


LARGE = st.sampled_from(['"' * 5000, "é\\" * 600_000])
DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(max_size=20)
    | st.sampled_from(['"' * 5000, "é\\" * 600_000]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_json_made_in_steps_is_the_same(document):
    assert made_by(encode_in_steps(document)) == encode(document)


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 401])
def test_a_list_in_steps_loses_and_adds_nothing(count):
    items = [{"role": "user", "content": str(number)} for number in range(count)]
    for some in (items, [*items, {"parts": [1]}, *items]):
        made = made_by(encode_in_steps({"messages": iter(some), "stream": True}))
        assert json.loads(made) == {"messages": some, "stream": True}


def test_a_request_built_in_steps_is_the_same():
    assert ChatRequest.build(TURNS[:1501]) == ChatRequest.build(list(TURNS[:1501]))
    steps = ChatRequest.build_in_steps(TURNS[:1501])
    assert [next(steps) for _ in range(3)] == [None] * 3
    with pytest.raises(StopIteration) as done:
        next(steps)
    assert done.value.value == ChatRequest.build(TURNS[:1501])


def test_what_carries_a_request_on_has_traits_of_its_own():
    request = ChatRequest.build([{"role": "user", "content": "Hello"}])
    assert request.characters == 5
    assert request.carried_on("Hi").characters > 7


@pytest.mark.anyio
async def test_a_large_history_arrives_whole():
    async with OpenAISimulator() as simulator:
        adapter = OpenAICompatible(f"{simulator.url}/v1", model="m")
        async with Router([adapter], observers=[]) as router:
            await router.complete(TURNS[:3001])
        sent = json.loads(simulator.requests[-1].body)
    assert sent["messages"] == TURNS[:3001]
    assert sent["stream"] is True
