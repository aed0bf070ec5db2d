"""Replies in the forms that public recordings show, through the preset of the service and the router."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters import OpenAICompatible
from adapters.openai.presets import PRESETS
from router import Reply, Router, StreamInterrupted
from tests.adapters.bodies import Wire, read, text
from tests.adapters.openai.recordings import RECORDINGS, Recording

pytestmark = pytest.mark.anyio
DONE = b"data: [DONE]\n\n"


def sent(recording: Recording) -> bytes:
    """Return what the service sends."""
    if "message" in json.dumps(recording.chunks[0].get("choices")):
        return json.dumps(recording.chunks[0]).encode()
    return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in recording.chunks) + DONE


def asking(recording: Recording) -> OpenAICompatible:
    wire = Wire()
    wire.put(sent(recording))
    settings: dict[str, Any] = {
        "base_url": "http://127.0.0.1:9/v1",
        "model": "m",
        "api_key": "k",
        "environ": {},
    }
    return OpenAICompatible.preset(recording.preset, transport=wire, **settings)


async def reply_to(recording: Recording) -> Reply:
    adapter = asking(recording)
    router = Router([adapter], observers=[])
    try:
        return await router.complete([{"role": "user", "content": "Hello"}])
    finally:
        adapter.owner = None


@pytest.mark.parametrize(
    "recording",
    [each for each in RECORDINGS if not each.error],
    ids=lambda each: each.source.rpartition("/")[2],
)
async def test_a_reply_of_this_form_is_read_whole(recording: Recording) -> None:
    reply = await reply_to(recording)

    calls = tuple((call.name, call.arguments) for call in reply.tool_calls)
    assert (recording.text, recording.reasoning) == (reply.text, reply.reasoning)
    assert recording.calls == calls
    assert (recording.finish_reason, recording.usage) == (reply.finish_reason, reply.usage)
    assert reply.verdict == "complete"


@pytest.mark.parametrize(
    "recording", [each for each in RECORDINGS if each.error], ids=lambda each: each.error
)
async def test_a_reply_that_fails_at_its_end_is_read_up_to_there(recording: Recording) -> None:
    deltas, error = await read(asking(recording))

    assert recording.error == type(error).__name__
    assert recording.reasoning == "".join(delta.reasoning for delta in deltas)
    assert recording.text == text(deltas)
    with pytest.raises(StreamInterrupted):
        await reply_to(recording)


def test_each_is_of_a_preset_and_has_its_address() -> None:
    assert {each.preset for each in RECORDINGS} <= set(PRESETS)
    assert len({each.source for each in RECORDINGS}) == len(RECORDINGS)
