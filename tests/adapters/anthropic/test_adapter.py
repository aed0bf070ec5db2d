"""The adapter against its simulator: what goes out, what is told, and a dialogue that crosses services."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from adapters import (
    AdapterError,
    Anthropic,
    AuthenticationFailed,
    BadReply,
    ChatRequest,
    Conditions,
    ConnectFailed,
    ConnectionLost,
    ContentRefused,
    ContextTooLong,
    InvalidRequest,
    Limits,
    ModelNotFound,
    NotWorking,
    OpenAICompatible,
    QuotaExhausted,
    RateLimited,
    Secret,
    ServiceFailed,
    Usage,
    check_adapter,
)
from adapters.simulators.anthropic import AnthropicSimulator, error_body
from adapters.simulators.openai import OpenAISimulator
from router import Router
from router.config import load
from tests.adapters.bodies import ASK, Wire, proved, read, text

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

KEY: Final = "sk-ant-canary-4711-secret"
INVALID: Final = "invalid_request_error"
SETTINGS: Final[dict[str, Any]] = {
    "model": "m",
    "max_tokens": 77,
    "version": "2026-10-21",
    "betas": ["a-1", "b-2"],
    "structured_output": "tool",
}
MODEL: Final = "claude-sonnet-4-5"
TOOL: Final = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
LIMITED: Final = {
    "content-type": "application/json",
    "transfer-encoding": "chunked",
    "request-id": "req_7",
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "0",
}


def at(url: str, **settings: Any) -> Anthropic:
    return Anthropic(url, **{"model": MODEL, **settings})


async def test_reply_is_streamed_and_proved_with_its_usage() -> None:
    async with AnthropicSimulator(text="one two three") as simulator:
        adapter = at(simulator.url)
        deltas, error = await read(adapter)
        await adapter.aclose()

    assert error is None
    assert [d.text for d in deltas if d.text] == ["one", " two", " three"]
    assert (deltas[-1].finish_reason, deltas[-1].usage) == ("stop", Usage(8, 3, 11))
    assert [d.model for d in deltas if d.model] == [MODEL]


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
async def test_what_goes_out(suffix: str) -> None:
    """Nothing leaks into the body, the caller's list stays as it is, and the headers are the API's."""
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    before = json.dumps(messages)
    async with AnthropicSimulator(api_key=KEY) as simulator:
        adapter = at(
            simulator.url + suffix,
            api_key=Secret(KEY),
            betas=["a-2025-01-01", "b-2025-01-01"],
            models={"fast": "claude-haiku-4-5"},
        )
        await read(adapter, messages, model="fast", temperature=0.1, seed=7, extra={"other": {"no": 1}})
        received = simulator.requests[0]
        await adapter.aclose()

    assert json.dumps(messages) == before
    assert received.json() == {
        "model": "claude-haiku-4-5",
        "max_tokens": 64_000,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0.1,
        "stream": True,
    }
    assert received.path == "/v1/messages"
    names = ("x-api-key", "authorization", "anthropic-version", "anthropic-beta")
    assert [received.header(name) for name in names] == [KEY, None, "2023-06-01", "a-2025-01-01,b-2025-01-01"]


async def test_a_token_goes_out_as_a_bearer() -> None:
    async with AnthropicSimulator(api_key=KEY) as simulator:
        adapter = at(simulator.url, auth_token=KEY, version="2026-10-21")
        _, error = await read(adapter, temperature=0.5)
        received = simulator.requests[0]
        await adapter.aclose()

    assert error is None
    assert received.header("authorization") == f"Bearer {KEY}"
    assert received.header("x-api-key") is None
    assert "temperature" not in adapter.capabilities.options


@pytest.mark.parametrize("manner", [{}, {"done": False}, {"whole": True}, {"stop_reason": None}])
async def test_end_does_not_wait_for_a_peer_that_stays_silent(manner: Any) -> None:
    async with AnthropicSimulator(text="hello there", keep_open=True, **manner) as simulator:
        adapter = at(simulator.url, limits=Limits(silence_after_finish=0.2))
        with anyio.fail_after(5):
            deltas, error = await read(adapter)
        await adapter.aclose()
        await simulator.drained()

    assert error is None
    assert (text(deltas), proved(deltas)) == ("hello there", True)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("refuse", ConnectFailed),
        ("reset", ConnectionLost),
        ("close", ConnectionLost),
        ("401", AuthenticationFailed),
        ("403", AuthenticationFailed),
        ("404", NotWorking),
        ("429", RateLimited),
        ("500", ServiceFailed),
        ("503", ServiceFailed),
        ("504", ServiceFailed),
        ("529", ServiceFailed),
        ("413", ContextTooLong),
        ("too_long", ContextTooLong),
        ("no_credit", QuotaExhausted),
        ("billing", QuotaExhausted),
        ("html", BadReply),
        ("json_error", ServiceFailed),
        ("redirect", BadReply),
        ("garbage", BadReply),
        ("error_event", ServiceFailed),
    ],
)
async def test_faults_before_content_are_told_by_their_cause(fault: str, kind: type[AdapterError]) -> None:
    async with AnthropicSimulator(fault=fault) as simulator:
        adapter = at(simulator.url, api_key=KEY)
        deltas, error = await read(adapter)
        await adapter.aclose()
        await simulator.drained()

    assert type(error) is kind
    assert text(deltas) == ""
    assert KEY not in str(error)


@pytest.mark.parametrize(
    ("status", "kind", "message", "raised"),
    [
        (404, "not_found_error", "model: claude-nope", ModelNotFound),
        (400, INVALID, "max_tokens: 99999 > 64000, which is the maximum allowed number of output tokens for "
         "claude-sonnet-4-5", InvalidRequest),
        (400, INVALID, "input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000, "
         "decrease input length or `max_tokens` and try again", ContextTooLong),
        (400, INVALID, "`temperature` is deprecated for this model.", InvalidRequest),
        (400, INVALID, "Output blocked by content filtering policy", ContentRefused),
        (401, "authentication_error", "invalid x-api-key", AuthenticationFailed),
        (403, "permission_error", "Your API key does not have permission to use the specified resource.",
         AuthenticationFailed),
        (400, INVALID, "You have reached your specified API usage limits. You will regain access on "
         "2026-12-01 at 00:00 UTC.", QuotaExhausted),
        (429, "rate_limit_error", "This request would exceed your organization's rate limit of 40,000 "
         "input tokens per minute", RateLimited),
    ],
)  # fmt: skip
async def test_words_of_the_service(status: int, kind: str, message: str, raised: type[AdapterError]) -> None:
    """As users report them, such as https://github.com/docker/docker-agent/issues/569."""
    wire = Wire()
    wire.put(
        json.dumps(error_body(400, message) | {"error": {"type": kind, "message": message}}).encode(),
        status=status,
    )
    adapter = at("http://service.test", transport=wire)
    _, error = await read(adapter)
    await adapter.aclose()

    assert type(error) is raised


@pytest.mark.parametrize("header", ["retry-after", "anthropic-ratelimit-requests-reset"])
async def test_the_wait_and_the_ids_are_read_from_the_headers(header: str) -> None:
    wire = Wire()
    value = "30" if header == "retry-after" else "2026-01-01T00:00:30Z"
    headers = {**LIMITED, header: value, "date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    wire.put(json.dumps(error_body(429, "slow down")).encode(), status=429, headers=headers)
    adapter = at("http://service.test", transport=wire)
    _, error = await read(adapter)
    await adapter.aclose()

    assert isinstance(error, RateLimited)
    assert (error.retry_after, error.request_id) == (30.0, "req_7")


async def test_ids_and_limits_of_a_good_answer_are_told() -> None:
    wire = Wire()
    wire.put(b"data: {}\n\n", headers=LIMITED)
    adapter = at("http://service.test", transport=wire)
    conditions = Conditions()
    async for _ in adapter.stream(ChatRequest.build(ASK).under(conditions)):
        pass
    await adapter.aclose()

    assert conditions.flow.request_id == "req_7"
    assert conditions.flow.rate_limits["anthropic-ratelimit-requests-remaining"] == "0"


async def test_reaching_out_lists_the_models_and_costs_nothing() -> None:
    async with AnthropicSimulator(api_key=KEY, models=["claude-a", "claude-b"]) as simulator:
        well, wrong = at(simulator.url, api_key=KEY), at(simulator.url, api_key="sk-another-one")
        found, refused = await well.probe(), await wrong.probe()
        await well.aclose()
        await wrong.aclose()

    assert (found.working, found.models) == (True, ("claude-a", "claude-b"))
    assert refused.working is None
    assert simulator.turns == 0


async def test_it_keeps_the_contract() -> None:
    async with AnthropicSimulator(text="one two three four five", delay=0.01) as simulator:
        report = await check_adapter(lambda: at(simulator.url))

    assert report.ok


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"structured_output": "yes"}, "structured_output is 'yes'"),
        ({"version": "latest"}, "version is 'latest'"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"max_tokens": True}, "max_tokens is bool"),
        ({"betas": "one"}, r"pass a list of names, for example \['one'\]"),
        ({"betas": ["a,b\r\n"]}, "cannot stand in the header anthropic-beta"),
        ({"api_key": "ä"}, "not ASCII"),
        ({"max_token": 5}, "did you mean 'max_tokens'"),
    ],
)
def test_wrong_settings_are_refused_at_once(settings: dict[str, Any], words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        Anthropic(**settings)


async def test_a_dialogue_with_tools_crosses_to_another_service_and_back() -> None:
    """Anthropic calls a tool, OpenAI's API goes on, and Anthropic again: with its own thinking, and valid."""
    call = {"id": "toolu_1", "name": "weather", "input": {"in": "Ulm"}}
    theirs = {
        "id": "call:2",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"in": "Bonn"}'},
    }
    messages: list[Any] = [{"role": "user", "content": "Where is it warm?"}]
    async with (
        AnthropicSimulator(thinking="let me see", text="I look.", tool_calls=[call]) as first,
        OpenAISimulator(tool_calls=[theirs]) as second,
        Router([at(first.url), OpenAICompatible(second.url + "/v1", model="m")], observers=[]) as router,
    ):
        for provider in ("anthropic", "openai", "anthropic"):
            reply = await router.complete(messages, providers=[provider], tools=[TOOL])
            (called,) = reply.tool_calls
            messages += [reply.message, reply.message.tool_result(called, "20 °C")]
        to_openai, to_anthropic = second.requests[-1].json(), first.requests[-1].json()

    assert to_openai["messages"][1] == {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [
            {
                "id": "toolu_1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"in":"Ulm"}'},
            }
        ],
    }
    assert to_openai["messages"][2] == {"role": "tool", "tool_call_id": "toolu_1", "content": "20 °C"}
    assert to_anthropic["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "let me see", "signature": "c2lnbmVk"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", **call},
    ]
    assert to_anthropic["messages"][3:] == [
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "call_2", "name": "weather", "input": {"in": "Bonn"}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "call_2", "content": "20 °C"}],
        },
    ]


def test_a_file_says_what_code_says(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    lines = [f"{name} = {json.dumps(value)}" for name, value in SETTINGS.items()]
    file.write_text('[[provider]]\nadapter = "anthropic"\napi_key = { env = "KEY" }\n' + "\n".join(lines))
    (made,) = load(file, environ={"KEY": KEY}).providers
    by_hand = Anthropic(api_key=KEY, **SETTINGS)

    assert isinstance(made, Anthropic)
    assert vars(made).keys() == vars(by_hand).keys()
    for name in ("_dialect", "_headers", "_prefix", "model", "base_url", "capabilities"):
        assert getattr(made, name) == getattr(by_hand, name)
