"""Streams in the forms that public recordings of services show: what stands in which field, in which order.

The fields are those of the recordings, the words are our own. `COLUMNS` of the matrix that a recording shows
are marked in `adapters/openai/presets/evidence.py` with the address that stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from adapters import Usage

_VERCEL: Final = "https://github.com/vercel/ai/blob/main/packages/"
_PYDANTIC: Final = "https://github.com/pydantic/pydantic-ai/blob/main/tests/models/cassettes/"


@dataclass(frozen=True)
class Recording:
    """One form of a reply.

    Attributes:
        preset: Whose it is.
        source: Where others published the recording.
        shows: Columns of the matrix, with blanks between them.
        chunks: Of the stream; a single one with `message` is a whole answer.
        text: What the reply says.
        reasoning: What it thinks.
        calls: Name and arguments of its calls.
        finish_reason: Of the reply.
        usage: That was counted.
        error: The class of what it ends with, where it fails at its end.
    """

    preset: str
    source: str
    shows: str
    chunks: tuple[dict[str, Any], ...]
    text: str = ""
    reasoning: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    finish_reason: str = "stop"
    usage: Usage | None = None
    error: str = ""


def part(delta: dict[str, Any] | None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a chunk with one choice; fields of the choice that are None are there, `...` are not."""
    choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"object": "chat.completion.chunk", "model": "m", "choices": [choice], **fields}


def bare(delta: dict[str, Any], finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a chunk whose choice has no finish reason where it has none to tell."""
    choice = {"index": 0, "delta": delta} | ({} if finish is None else {"finish_reason": finish})
    return {"object": "chat.completion.chunk", "model": "m", "choices": [choice], **fields}


def counted(**usage: Any) -> dict[str, Any]:
    """Return a chunk of usage alone."""
    return {"object": "chat.completion.chunk", "model": "m", "choices": [], "usage": usage}


def call(name: str | None, arguments: str, **fields: Any) -> dict[str, Any]:
    """Return a piece of a call."""
    function = {"arguments": arguments} | ({} if name is None else {"name": name})
    return {"function": function, **fields}


_SUMS: Final = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
_WEATHER: Final = (("weather", '{"place": "Ulm"}'),)

RECORDINGS: Final = (
    Recording(
        "openai",
        _PYDANTIC + "test_openai/test_run_stream_sync_streams_real_model.yaml",
        "stream tools usage",
        (
            part(
                {"role": "assistant", "content": None, "refusal": None,
                 "tool_calls": [call("weather", "", index=0, id="call_1", type="function")]},
                usage=None, obfuscation="x1",
            ),
            part({"tool_calls": [call(None, '{"place"', index=0)]}, usage=None, obfuscation="x"),
            part({"tool_calls": [call(None, ': "Ulm"}', index=0)]}, usage=None, obfuscation="x3y"),
            part({}, "tool_calls", usage=None, obfuscation="x4"),
            {**counted(**_SUMS, prompt_tokens_details={"cached_tokens": 0}), "obfuscation": "x5"},
        ),
        calls=_WEATHER,
        finish_reason="tool_calls",
        usage=Usage(7, 5, 12, cached_tokens=0),
    ),
    Recording(
        "azure",
        _VERCEL + "openai-compatible/src/chat/__fixtures__/azure-text.chunks.txt",
        "stream usage",
        (
            {"choices": [], "created": 0, "id": "", "model": "", "object": "",
             "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {
                 "hate": {"filtered": False, "severity": "safe"}}}]},
            part({"role": "assistant", "content": "", "refusal": None}, usage=None),
            part({"content": "Good"}, usage=None),
            part({"content": " day"}, usage=None),
            part({}, "stop", usage=None),
            {"object": "chat.completion.chunk", "model": "m", "choices": [
                {"index": 0, "finish_reason": None, "content_filter_offsets": {"end_offset": 8},
                 "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]},
            counted(**_SUMS),
        ),
        text="Good day",
        usage=Usage(7, 5, 12),
    ),
    Recording(
        "openrouter",
        _PYDANTIC + "test_openrouter/test_openrouter_tool_calling.yaml",
        "tools",
        ({"object": "chat.completion", "model": "m", "provider": "Mistral", "choices": [
            {"index": 0, "finish_reason": "tool_calls", "native_finish_reason": "tool_calls",
             "message": {"role": "assistant", "content": "", "reasoning": None, "refusal": None,
                         "tool_calls": [call("weather", '{"place": "Ulm"}', index=0, id="3x",
                                             type="function")]}}],
          "usage": _SUMS},),
        calls=_WEATHER,
        finish_reason="tool_calls",
        usage=Usage(7, 5, 12),
    ),
    Recording(
        "openrouter",
        _PYDANTIC + "test_openrouter/test_openrouter_stream_error.yaml",
        "stream reasoning usage",
        (
            part({"role": "assistant", "content": "", "reasoning": "We need",
                  "reasoning_details": [{"type": "reasoning.text", "text": "We need", "index": 0}]},
                 provider="Minimax"),
            part({"role": "assistant", "content": "", "reasoning": " to greet.",
                  "reasoning_details": [{"type": "reasoning.text", "text": " to greet.", "index": 0}]},
                 "length", provider="Minimax"),
            part({"role": "assistant", "content": "", "reasoning": None, "reasoning_details": []}, "length"),
            part({"role": "assistant", "content": ""}, provider="Minimax",
                 error={"code": 400, "message": "Token limit reached"}, usage={**_SUMS, "cost": 0}),
        ),
        reasoning="We need to greet.",
        usage=Usage(7, 5, 12),
        error="InvalidRequest",
    ),
    Recording(
        "groq",
        _VERCEL + "groq/src/__fixtures__/groq-tool-call.chunks.txt",
        "stream tools usage",
        (
            part({"role": "assistant", "content": None}, x_groq={"id": "req_1", "seed": 7}),
            part({"tool_calls": [call("weather", "{}", id="tk8", type="function", index=0)]}),
            part({}, "tool_calls", x_groq={"id": "req_1", "usage": {**_SUMS, "queue_time": 0.04}},
                 usage={**_SUMS, "queue_time": 0.04}),
        ),
        calls=(("weather", "{}"),),
        finish_reason="tool_calls",
        usage=Usage(7, 5, 12),
    ),
    Recording(
        "groq",
        _VERCEL + "groq/src/__fixtures__/groq-reasoning.chunks.txt",
        "reasoning",
        (
            part({"role": "assistant", "content": ""}),
            part({"reasoning": "Let me"}),
            part({"reasoning": " see."}),
            part({"content": "Yes"}),
            part({}, "stop"),
        ),
        text="Yes",
        reasoning="Let me see.",
    ),
    Recording(
        "mistral",
        _VERCEL + "mistral/src/__fixtures__/mistral-tool-call.chunks.txt",
        "stream tools usage",
        (
            part({"role": "assistant", "content": ""}),
            part({"content": None, "tool_calls": [call("weather", '{"place": "Ulm"}', id="gSIM")]},
                 "tool_calls", usage=_SUMS),
        ),
        calls=_WEATHER,
        finish_reason="tool_calls",
        usage=Usage(7, 5, 12),
    ),
    Recording(
        "mistral",
        _VERCEL + "mistral/src/__fixtures__/mistral-empty-choices.chunks.txt",
        "",
        (
            part({"role": "assistant", "content": ""}),
            {**counted(), "usage": None},
            part({"content": "Hello!"}),
            part({"content": ""}, "stop", usage=_SUMS),
        ),
        text="Hello!",
        usage=Usage(7, 5, 12),
    ),
    Recording(
        "deepseek",
        _VERCEL + "deepseek/src/chat/__fixtures__/deepseek-tool-call.chunks.txt",
        "stream tools reasoning usage",
        (
            part({"role": "assistant", "content": None, "reasoning_content": ""}, usage=None),
            part({"content": None, "reasoning_content": "The user asks"}, usage=None),
            part({"tool_calls": [call("weather", "", index=0, id="call_00", type="function")]}, usage=None),
            part({"tool_calls": [call(None, '{"place"', index=0)]}, usage=None),
            part({"tool_calls": [call(None, ': "Ulm"}', index=0)]}, usage=None),
            part({"content": "", "reasoning_content": None}, "tool_calls", usage={
                **_SUMS, "prompt_tokens_details": {"cached_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 3},
                "prompt_cache_hit_tokens": 2, "prompt_cache_miss_tokens": 5}),
        ),
        reasoning="The user asks",
        calls=_WEATHER,
        finish_reason="tool_calls",
        usage=Usage(7, 5, 12, cached_tokens=2, reasoning_tokens=3),
    ),
    Recording(
        "xai",
        _VERCEL + "openai-compatible/src/chat/__fixtures__/xai-tool-call.chunks.txt",
        "stream tools reasoning usage",
        (
            bare({"reasoning_content": "First", "role": "assistant"}),
            bare({"reasoning_content": ", the place."}),
            bare({"tool_calls": [call("weather", '{"place": "Ulm"}', id="c7", index=0, type="function")]}),
            bare({}, "tool_calls"),
            counted(prompt_tokens=7, completion_tokens=5, total_tokens=20, num_sources_used=0,
                    prompt_tokens_details={"cached_tokens": 6}, cost_in_usd_ticks=1,
                    completion_tokens_details={"reasoning_tokens": 8}),
        ),
        reasoning="First, the place.",
        calls=_WEATHER,
        finish_reason="tool_calls",
        usage=Usage(7, 13, 20, cached_tokens=6, reasoning_tokens=8),
    ),
    Recording(
        "perplexity",
        _VERCEL + "perplexity/src/__fixtures__/perplexity-text.chunks.txt",
        "stream usage",
        (
            bare({"role": "assistant", "content": "**"}, citations=["https://a.example/"],
                 usage={"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8}),
            bare({"role": "assistant", "content": "Yes**[1]"}, citations=["https://a.example/"],
                 usage={"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}),
            {**bare({"role": "assistant", "content": ""}, "stop", citations=["https://a.example/"],
                    usage=_SUMS), "object": "chat.completion.done"},
        ),
        text="**Yes**[1]",
        usage=Usage(7, 5, 12),
    ),
    Recording(
        "moonshot",
        _VERCEL + "moonshotai/src/__fixtures__/moonshotai-stream-choice-usage.chunks.txt",
        "stream usage",
        (
            part({"role": "assistant", "content": ""}),
            part({"reasoning_content": ""}),
            part({"content": "OK"}),
            {"object": "chat.completion.chunk", "model": "m", "choices": [
                {"index": 0, "delta": {}, "finish_reason": "stop", "usage": {
                    **_SUMS, "completion_tokens_details": {"reasoning_tokens": 1}}}]},
        ),
        text="OK",
        usage=Usage(7, 5, 12, reasoning_tokens=1),
    ),
    Recording(
        "moonshot",
        _VERCEL + "moonshotai/src/__fixtures__/moonshotai-stream-indexless-tool-calls.chunks.txt",
        "tools",
        (
            part({"role": "assistant", "content": ""}),
            part({"tool_calls": [call("weather", "", id="w_0", type="function"),
                                 call("time", "", id="t_1", type="function")]}),
            part({"tool_calls": [call(None, '{"place": "Ulm"}'), call(None, '{"zone": "UTC"}')]}),
            part({}, "tool_calls"),
            counted(**_SUMS),
        ),
        calls=(*_WEATHER, ("time", '{"zone": "UTC"}')),
        finish_reason="tool_calls",
        usage=Usage(7, 5, 12),
    ),
    Recording(
        "dashscope",
        _VERCEL + "alibaba/src/__fixtures__/alibaba-tool-call.chunks.txt",
        "stream tools usage",
        (
            part({"role": "assistant", "content": None, "tool_calls": [
                call("weather", "", index=0, id="call_e", type="function")]}, usage=None),
            part({"content": None, "tool_calls": [
                call(None, '{"place": "Ulm', index=0, id="", type="function")]}, usage=None),
            part({"content": None, "tool_calls": [
                call(None, '"}', index=0, id="", type="function")]}, usage=None),
            bare({"tool_calls": [call(None, "", index=0, id="", type="function")]}, usage=None),
            part({}, "tool_calls", usage=None),
            counted(**_SUMS, prompt_tokens_details={"cached_tokens": 0}),
        ),
        calls=_WEATHER,
        finish_reason="tool_calls",
        usage=Usage(7, 5, 12, cached_tokens=0),
    ),
    Recording(
        "huggingface",
        _PYDANTIC + "test_huggingface/test_request_structured_response.yaml",
        "tools",
        ({"object": "chat.completion", "model": "m", "prompt": [], "choices": [
            {"index": 0, "finish_reason": "tool_calls", "seed": 1.5e19,
             "message": {"role": "assistant", "content": None, "tool_calls": [
                 call("weather", '{"place": "Ulm"}', index=0, id="call_7", type="function")]}}],
          "usage": {**_SUMS, "cached_tokens": 0}},),
        calls=_WEATHER,
        finish_reason="tool_calls",
        usage=Usage(7, 5, 12, cached_tokens=0),
    ),
)  # fmt: skip
"""Each recording in its form; the newest look at their addresses was in November 2026."""
