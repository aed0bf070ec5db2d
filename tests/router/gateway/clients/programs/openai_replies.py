"""What the openai client makes of replies."""

from __future__ import annotations

import inspect
import json
from typing import Any

import anyio
import openai
import pydantic

from tests.router.gateway.clients.programs.rows import HELLO, PIXEL, WEATHER, client, completions, raised, row


@row("create() gives a whole completion")
def whole(url: str) -> None:
    """Id, object, created, model, choices, finish_reason, usage."""
    reply = client(url).chat.completions.create(model="echo/m", messages=HELLO)
    assert reply.object == "chat.completion"
    assert reply.id.startswith("chatcmpl-")
    assert reply.created > 1_700_000_000
    assert reply.model == "m"
    (choice,) = reply.choices
    assert (choice.index, choice.finish_reason, choice.message.role) == (0, "stop", "assistant")
    assert choice.message.content == "You said: hello"
    assert choice.message.reasoning_content == "Let me see."
    assert reply.usage.prompt_tokens == 8
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


@row("create(stream=True) gives chunks")
def stream(url: str) -> None:
    """The plain loop."""
    chunks = list(client(url).chat.completions.create(model="echo/m", messages=HELLO, stream=True))
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == "You said: hello"
    reasons = [chunk.choices[0].finish_reason for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]
    assert all(chunk.usage is None for chunk in chunks)


@row("stream_options.include_usage adds a last chunk without choices")
def usage(url: str) -> None:
    """Token counts of a stream."""
    *chunks, last = client(url).chat.completions.create(
        model="rich/m", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    assert last.choices == []
    assert last.usage.total_tokens == 7
    assert last.usage.prompt_tokens_details.cached_tokens == 1
    assert last.usage.completion_tokens_details.reasoning_tokens == 2
    assert all(chunk.usage is None for chunk in chunks)


@row("The stream() helper gives events and the final completion")
def helper(url: str) -> None:
    """Accumulates what comes."""
    with completions(url).stream(model="echo/m", messages=HELLO) as events:
        kinds = [event.type for event in events]
        final = events.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= set(kinds)
    assert final.choices[0].message.content == "You said: hello"


@row("The asynchronous client sends many requests at once, and closes a stream early")
def at_once(url: str) -> None:
    """Twenty streams in one event loop, each with its own text; and the `async for` of the documentation."""

    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=0) as made:
            ask = made.chat.completions.create

            async def one(number: int) -> None:
                said: Any = [{"role": "user", "content": f"number {number}"}]
                chunks: Any = await ask(model="echo/m", messages=said, stream=True)
                parts = [chunk.choices[0].delta.content or "" async for chunk in chunks]
                assert "".join(parts) == f"You said: number {number}"

            async with anyio.create_task_group() as group:
                for number in range(20):
                    group.start_soon(one, number)
            async with await ask(model="slow/m", messages=HELLO, stream=True) as chunks:
                async for chunk in chunks:
                    if chunk.choices[0].delta.content:
                        break

    anyio.run(run)


@row("Tools run in several rounds, with calls in parallel")
def tools(url: str) -> None:
    """Two calls, their results, and the answer."""
    messages = list(HELLO)
    ask = client(url).chat.completions.create
    reply = ask(model="agent/m", messages=messages, tools=[WEATHER], tool_choice="required").choices[0]
    assert reply.finish_reason == "tool_calls"
    assert reply.message.content is None
    assert [call.function.name for call in reply.message.tool_calls] == ["weather", "weather"]
    messages.append(reply.message)
    for call in reply.message.tool_calls:
        city = json.loads(call.function.arguments)["city"]
        messages.append({"role": "tool", "tool_call_id": call.id, "content": f"sunny in {city}"})
    last = ask(model="agent/m", messages=messages, tools=[WEATHER]).choices[0]
    assert (last.finish_reason, last.message.content) == ("stop", "sunny in Zürich and sunny in Oslo")


@row("Tools are called in a stream, read by hand or by the helper")
def tools_stream(url: str) -> None:
    """Pieces of calls, each with its index; id and name come first."""
    arguments = {0: "", 1: ""}
    ids = {}
    for chunk in client(url).chat.completions.create(
        model="agent/m", messages=HELLO, tools=[WEATHER], stream=True
    ):
        for piece in chunk.choices[0].delta.tool_calls or ():
            if piece.id:
                ids[piece.index] = (piece.id, piece.type, piece.function.name)
            arguments[piece.index] += piece.function.arguments or ""
    assert ids == {0: ("call_a", "function", "weather"), 1: ("call_b", "function", "weather")}
    assert json.loads(arguments[1]) == {"city": "Oslo"}
    strict = {**WEATHER, "function": {**WEATHER["function"], "strict": True}}
    with completions(url).stream(model="agent/m", messages=HELLO, tools=[strict]) as events:
        final = events.get_final_completion()
    called = final.choices[0].message.tool_calls
    assert [call.function.parsed_arguments for call in called] == [{"city": "Zürich"}, {"city": "Oslo"}]


@row("parallel_tool_calls=False and tool_choice are handed on")
def choices(url: str) -> None:
    """What the model may call."""
    ask = client(url).chat.completions.create
    reply = ask(model="agent/m", messages=HELLO, tools=[WEATHER], parallel_tool_calls=False)
    assert len(reply.choices[0].message.tool_calls) == 1
    named = {"type": "function", "function": {"name": "weather"}}
    sent = ask(model="mirror/m", messages=HELLO, tools=[WEATHER], tool_choice=named)
    body = json.loads(sent.choices[0].message.content)
    assert body["tool_choice"] == named
    assert body["tools"] == [WEATHER]


@row("functions and function_call, the old form")
def old_functions(url: str) -> None:
    """What came before tools, whole and as a stream, in two rounds."""
    ask = client(url).chat.completions.create
    given = {"model": "agent/m", "functions": [WEATHER["function"]], "function_call": {"name": "weather"}}
    reply = ask(messages=HELLO, **given).choices[0]
    assert reply.finish_reason == "function_call"
    assert reply.message.function_call.name == "weather"
    assert json.loads(reply.message.function_call.arguments) == {"city": "Zürich"}
    name, arguments, reason = "", "", None
    for chunk in ask(messages=HELLO, stream=True, **given):
        called = chunk.choices[0].delta.function_call
        name += (called and called.name) or ""
        arguments += (called and called.arguments) or ""
        reason = chunk.choices[0].finish_reason or reason
    assert (name, json.loads(arguments), reason) == ("weather", {"city": "Zürich"}, "function_call")
    result = {"role": "function", "name": "weather", "content": "sunny"}
    again: Any = [*HELLO, reply.message, result]
    assert ask(messages=again, **given).choices[0].message.content == "sunny"


class Weather(pydantic.BaseModel):
    """What the reply must be."""

    city: str
    degrees: int


@row("parse() takes a JSON schema from a pydantic model, and response_format takes json_object")
def schema(url: str) -> None:
    """Structured outputs, whole and streamed."""
    parsed = completions(url).parse(model="schema/m", messages=HELLO, response_format=Weather)
    assert parsed.choices[0].message.parsed == Weather(city="Zürich", degrees=21)
    with completions(url).stream(model="schema/m", messages=HELLO, response_format=Weather) as events:
        for _ in events:
            pass
        assert events.get_final_completion().choices[0].message.parsed.degrees == 21
    sent = client(url).chat.completions.create(
        model="mirror/m", messages=HELLO, response_format={"type": "json_object"}
    )
    assert json.loads(sent.choices[0].message.content)["response_format"] == {"type": "json_object"}


@row("Messages have images, a role, and parts of each kind")
def images(url: str) -> None:
    """Parts are handed on as they are."""
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
    ]
    messages: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": parts, "name": "ada"},
        {"role": "assistant", "content": "A pixel."},
        {"role": "user", "content": [{"type": "text", "text": "Sure?"}]},
    ]
    sent = client(url).chat.completions.create(model="mirror/m", messages=messages)
    assert json.loads(sent.choices[0].message.content)["messages"] == messages


@row("n=2 gives two choices, whole and streamed")
def several(url: str) -> None:
    """Each choice has its index and its end."""
    ask = client(url).chat.completions.create
    reply = ask(model="rich/m", messages=HELLO, n=2)
    assert [choice.message.content for choice in reply.choices] == ["Hello", "Salut"]
    text, reasons = {0: "", 1: ""}, {}
    for chunk in ask(model="rich/m", messages=HELLO, n=2, stream=True):
        for choice in chunk.choices:
            text[choice.index] += choice.delta.content or ""
            if choice.finish_reason:
                reasons[choice.index] = choice.finish_reason
    assert text == {0: "Hello", 1: "Salut"}
    assert reasons == {0: "stop", 1: "stop"}


@row("logprobs")
def logprobs(url: str) -> None:
    """Of the tokens, where the provider tells them."""
    reply = client(url).chat.completions.create(model="rich/m", messages=HELLO, logprobs=True)
    assert [token.logprob for token in reply.choices[0].logprobs.content] == [-0.5]


VALUES: dict[str, Any] = {
    "audio": {"voice": "alloy", "format": "wav"},
    "function_call": "auto",
    "functions": [WEATHER["function"]],
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "max_completion_tokens": 10,
    "max_tokens": 10,
    "metadata": {"a": "b"},
    "modalities": ["text"],
    "moderation": {"model": "m"},
    "n": 1,
    "parallel_tool_calls": True,
    "prediction": {"type": "content", "content": "x"},
    "prompt_cache_key": "k",
    "prompt_cache_options": {},
    "prompt_cache_retention": "24h",
    "reasoning_effort": "low",
    "response_format": {"type": "text"},
    "safety_identifier": "who",
    "seed": 7,
    "service_tier": "auto",
    "stop": ["x"],
    "store": False,
    "tool_choice": "auto",
    "tools": [WEATHER],
    "top_logprobs": 2,
    "user": "who",
    "verbosity": "low",
    "web_search_options": {},
}
ELSEWHERE = {"self", "messages", "model", "stream", "stream_options", "timeout"}


@row("Every parameter of create() is handed on, or dropped where it is OpenAI's own business")
def parameters(url: str) -> None:
    """One request for each parameter that this version has."""
    ask = client(url).chat.completions.create
    for name in inspect.signature(ask).parameters:
        if name in ELSEWHERE or name.startswith("extra_"):
            continue
        value = VALUES.get(name, 0.5)
        sent = ask(model="mirror/m", messages=HELLO, **{name: value})
        body = json.loads(sent.choices[0].message.content)
        if name in ("functions", "function_call"):
            continue  # they become tools
        dropped = name in ("moderation", "prompt_cache_options", "prompt_cache_retention")
        where = "user" if name == "safety_identifier" else name
        if name == "parallel_tool_calls":
            continue  # without tools it means nothing
        assert dropped or body[where] == value, (name, body)


@row("with_raw_response, with_streaming_response and _request_id show headers")
def headers(url: str) -> None:
    """Who answered, and how the request is called."""
    raw = client(url).chat.completions.with_raw_response.create(model="echo/m", messages=HELLO)
    assert raw.headers["x-chat-router-provider"] == "echo"
    assert raw.headers["x-chat-router-attempts"] == "1"
    assert float(raw.headers["x-chat-router-first-content"]) >= 0
    reply = raw.parse()
    assert reply._request_id == raw.headers["x-request-id"]
    assert reply.id == f"chatcmpl-{reply._request_id}"
    streaming = client(url).chat.completions.with_streaming_response
    with streaming.create(model="echo/m", messages=HELLO, stream=True) as answer:
        assert answer.headers["x-chat-router-model"] == "m"
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert list(answer.iter_lines())[-2:] == ["data: [DONE]", ""]


@row("A stream is closed early, by hand or by its `with` block")
def closed_early(url: str) -> None:
    """The client goes on with the next request."""
    made = client(url)
    for _ in range(2):
        with made.chat.completions.create(model="slow/m", messages=HELLO, stream=True) as chunks:
            first = next(iter(chunks))
        assert first.choices[0].delta.role == "assistant"
    chunks = made.chat.completions.create(model="slow/m", messages=HELLO, stream=True)
    chunks.close()
    assert made.chat.completions.create(model="echo/m", messages=HELLO).choices[0].finish_reason == "stop"


@row("extra_headers, extra_query, extra_body, default_headers")
def extras(url: str) -> None:
    """Fields of the body count as if they were arguments; headers and queries go no further."""
    made = client(url, default_headers={"x-default": "1"})
    sent = made.chat.completions.create(
        model="mirror/m",
        messages=HELLO,
        extra_headers={"x-more": "2"},
        extra_query={"q": "3"},
        extra_body={"seed": 7},
    )
    assert json.loads(sent.choices[0].message.content)["seed"] == 7


@row("models.list(), models.retrieve()")
def models(url: str) -> None:
    """The chain's own names, and what each can."""
    made = client(url)
    listed = {model.id: model for model in made.models.list()}
    assert next(iter(listed)) == "chat-router"
    assert {"m", "only", "fast", "echo/m", "echo/fast", "other/only", "plain/"} <= set(listed)
    assert listed["plain/"].capabilities["tools"] is False
    assert listed["plain/"].context_length == 4096
    one = made.models.retrieve("other/only")
    assert (one.id, one.object, one.providers, one.owned_by) == ("other/only", "model", ["other"], "other")
    assert one.capabilities["tools"] is True
    error = raised(openai.NotFoundError, lambda: made.models.retrieve("lost"))
    assert error.code == "model_not_found"


@row("model names the chain by `chat-router`, a provider's own model, or one of its `models` map")
def names(url: str) -> None:
    """What a model's name means."""
    ask = client(url).chat.completions.create
    for name in ("chat-router", "m", "fast", "echo/", "echo/fast"):
        assert ask(model=name, messages=HELLO).model == "m"
