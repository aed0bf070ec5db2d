"""Programs of users that are right: never executed, only checked by mypy, strictly and without an error."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, TypedDict, assert_type

from adapters import (
    Adapter,
    AdapterError,
    Beside,
    Capabilities,
    ChatOptions,
    ChatRequest,
    Delta,
    Message,
    OpenAICompatible,
    Secret,
    ToolCall,
    Usage,
)
from router import (
    AllProvidersFailed,
    Choice,
    Reply,
    ReplyStream,
    Router,
    StreamInterrupted,
    SyncReplyStream,
    SyncRouter,
    Timeouts,
)

HELLO = [{"role": "user", "content": "Hello"}]
TOOL = {"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}


@dataclass
class City:
    name: str


class Typed(TypedDict):
    name: str


class Echo(Adapter):
    capabilities = Capabilities(options=frozenset({"temperature"}))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        assert_type(request.demands, frozenset[str])
        yield Delta(request.messages[-1].text, beside=Beside(images=({"type": "image_url"},)))
        yield Delta(finish_reason="stop", usage=Usage(cached_tokens=1, reasoning_tokens=2))


async def talk(router: Router) -> str:
    reply = await router.complete(HELLO, "fast", temperature=0.5, max_completion_tokens=100, stop=["\n"])
    assert_type(reply, Reply)
    return reply.text


async def every_option(router: Router) -> None:
    await router.complete(
        HELLO,
        audio={"voice": "alloy", "format": "wav"},
        frequency_penalty=0.1,
        logit_bias={"50256": -100},
        logprobs=True,
        max_tokens=5,
        metadata={"a": "b"},
        modalities=["text", "audio"],
        n=2,
        parallel_tool_calls=False,
        prediction={"type": "content", "content": "x"},
        presence_penalty=1,
        prompt_cache_key="k",
        reasoning_effort="low",
        repetition_penalty=1.1,
        response_format={"type": "json_object"},
        seed=7,
        service_tier="flex",
        store=False,
        tool_choice="auto",
        tools=[TOOL],
        top_k=40,
        top_logprobs=3,
        top_p=0.9,
        typical_p=0.9,
        user="Ann",
        verbosity="low",
        web_search_options={},
        require=["seed", "top_p"],
        extra={"echo": {"mood": "kind"}},
    )
    kept: ChatOptions = {"temperature": 0.5, "stop": "\n"}
    await router.complete(HELLO, **kept)
    await router.complete(HELLO, temperature=None)


async def tools(router: Router) -> None:
    talk: list[Any] = [*HELLO]
    reply = await router.complete(talk, tools=[TOOL])
    assert_type(reply.message, Message)
    assert_type(reply.tool_calls, tuple[ToolCall, ...])
    talk += [reply, *(Message.tool_result(call, call.parsed) for call in reply.tool_calls)]
    await router.complete(talk, tools=[TOOL])
    await router.complete([Message("user", "Hi"), reply, reply.message, {"role": "user", "content": "And?"}])


async def for_tenants(router: Router) -> None:
    tenant = {"openai": Secret("k")}
    await router.complete(
        HELLO, headers={"openai": {"x-tenant": "7"}}, api_key=tenant, models={"openai": "m"}
    )
    async with router.stream(HELLO, api_key={"openai": "k"}) as reply:
        assert_type(reply, ReplyStream)


async def json(router: Router) -> None:
    reply = await router.complete(HELLO, response_format=City, validate=City)
    assert_type(reply.parsed(City), City)
    assert_type(reply.parsed(Typed), Typed)
    await router.complete(HELLO, validate=lambda reply: "yes" in reply.text)


async def read(router: Router) -> None:
    async with await router.stream(HELLO, timeouts=Timeouts(total=60)) as reply:
        assert_type(reply, ReplyStream)
        async for delta in reply:
            str(delta)
            assert_type(delta.beside, Beside | None)
        assert_type(reply.text_so_far, str)
        assert_type(reply.reasoning, str)
        assert_type(reply.tool_calls, tuple[ToolCall, ...])
        assert_type(await reply.read_text(), str)


async def beside(router: Router) -> None:
    reply = await router.complete(HELLO)
    assert_type(reply.choices, tuple[Choice, ...])
    assert_type(reply.refusal, str | None)
    assert_type(reply.attempts[0].provider_request_id, str | None)
    assert_type(reply.attempts[0].lacks, tuple[str, ...])


async def fail(router: Router) -> None:
    try:
        await router.complete(HELLO)
    except AllProvidersFailed as error:
        assert_type(error.retry_after, float | None)
    except StreamInterrupted as error:
        assert_type(error.partial, str)
        if isinstance(error.__cause__, AdapterError):
            assert_type(error.__cause__.request_id, str | None)


def make() -> Router:
    return Router([Echo(), OpenAICompatible("https://api.example.org/v1", api_key="k", model="m")])


def blocking() -> str:
    with SyncRouter([Echo()], backend="trio", timeouts=Timeouts(total=60)) as router:
        for delta in router.stream(HELLO, "fast", temperature=0.5, require=["temperature"]):
            assert_type(delta, Delta)
        with router.stream(HELLO) as reply:
            assert_type(reply, SyncReplyStream)
            assert_type(next(reply), Delta)
            assert_type(reply.provider, str)
            assert_type(reply.collect(), Reply)
        with router.monitor(interval=5, on_report=print) as monitor:
            assert_type(monitor.rounds, int)
        assert_type(router.check("answer").ok, bool)
        whole = router.complete(HELLO, response_format=City, validate=City)
        assert_type(whole, Reply)
    return whole.text


async def of_the_environment() -> None:
    """Awaited or entered, as one of a file."""
    async with Router.from_env(local=False) as router:
        assert_type(router, Router)
    assert_type(await Router.from_env(), Router)
    assert_type(await Router.from_config("router.toml"), Router)
    async with Router.from_config("router.toml") as configured:
        assert_type(configured, Router)
