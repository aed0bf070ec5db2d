"""Anthropic's own client against the gateway on a real server, with simulated services behind it."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pydantic
import pytest

from adapters import ScriptedAdapter
from router import Router
from tests.depth import sampled
from tests.promptly import promptly
from tests.router.gateway.dialects.gateways import QUESTION, Chain, in_process, serving, until

ASKED: dict[str, Any] = {"model": "auto", "max_tokens": 100, "messages": QUESTION}
TOOL: dict[str, Any] = {
    "name": "weather",
    "description": "Tells the weather.",
    "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
}
CALLS: dict[str, Any] = {
    "openai": [
        {
            "id": f"call_{at}",
            "type": "function",
            "function": {"name": "weather", "arguments": f'{{"at": "{at}"}}'},
        }
        for at in ("Ulm", "Rom")
    ],
    "anthropic": [{"id": f"toolu_{at}", "name": "weather", "input": {"at": at}} for at in ("Ulm", "Rom")],
}
SERVICES = ["openai", "anthropic"]


def client_of(chain: Chain, **settings: Any) -> Any:
    return anthropic.Anthropic(base_url=chain.url, **{"api_key": "key", "max_retries": 0, **settings})


def async_client_of(chain: Chain) -> Any:
    return anthropic.AsyncAnthropic(base_url=chain.url, api_key="key", max_retries=0)


def told_by(error: anthropic.APIStatusError) -> tuple[int, str]:
    """Return the status, and the kind of error."""
    body: Any = error.body
    assert body["type"] == "error"
    return error.status_code, body["error"]["type"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_message_whole_and_streamed(service: str) -> None:
    with serving((service, {"text": "Hello there."})) as chain, client_of(chain) as client:
        message = client.messages.create(**ASKED, system="Be brief.", extra_body={"temperature": 0.5})
        assert [block.text for block in message.content] == ["Hello there."]
        assert (message.role, message.stop_reason) == ("assistant", "end_turn")
        assert (message.usage.input_tokens, message.usage.output_tokens) == (8, 2)
        assert message._request_id
        assert message.id == f"msg_{message._request_id}"
        with client.messages.create(**ASKED, stream=True) as events:
            kinds = [event.type for event in events]
        assert kinds[0] == "message_start"
        assert kinds[-2:] == ["message_delta", "message_stop"]
        with client.messages.stream(**ASKED) as stream:
            assert "".join(stream.text_stream) == "Hello there."
            final = stream.get_final_message()
            assert final.usage.output_tokens == 2
            assert (final.stop_reason, stream.request_id) == ("end_turn", final.id.removeprefix("msg_"))
        sent = chain.bodies()[0]
        assert sent["temperature"] == 0.5
        assert "Be brief." in json.dumps(sent)


def test_the_list_of_models() -> None:
    with serving(("anthropic", {})) as chain, client_of(chain) as client:
        listed = list(client.models.list(limit=1))
        names = [each.id for each in listed]
        assert names[:2] == ["chat-router", "anthropic0/"]
        assert {(each.type, each.lifecycle, each.created_at.year) for each in listed} == {
            ("model", "active", 1970)
        }
        one = client.models.retrieve("anthropic0/claude-sonnet-4-5")
        assert one.display_name == one.id
        assert one.chat_router["providers"] == ["anthropic0"]
        assert one.chat_router["capabilities"]["tools"] is True
        with pytest.raises(anthropic.NotFoundError) as raised:
            client.models.retrieve("lost")
        assert told_by(raised.value)[0] == 404
        assert raised.value.request_id


async def test_the_asynchronous_client(anyio_backend: str) -> None:
    with serving(("anthropic", {"text": "Hello there.", "thinking": "Hm."})) as chain:
        async with async_client_of(chain) as client:
            message = await client.messages.create(**ASKED)
            async with client.messages.stream(**ASKED) as stream:
                said = [text async for text in stream.text_stream]
                streamed = await stream.get_final_message()
        assert "".join(said) == "Hello there."
        for each in (message, streamed):
            assert [block.type for block in each.content] == ["thinking", "text"]
            assert each.content[0].signature


@pytest.mark.parametrize(("first", "second"), [("openai", "anthropic"), ("anthropic", "openai")])
def test_tools_in_rounds_over_two_services(first: str, second: str) -> None:
    services: list[tuple[str, dict[str, Any]]] = [
        (first, {"tool_calls": CALLS[first]}),
        (second, {"text": "20 degrees."}),
    ]
    with serving(*services) as chain, client_of(chain) as client:
        asked = {**ASKED, "tools": [TOOL]}
        with client.messages.stream(**asked, tool_choice={"type": "any"}) as stream:
            message = stream.get_final_message()
        calls = [block for block in message.content if block.type == "tool_use"]
        assert [call.input for call in calls] == [{"at": "Ulm"}, {"at": "Rom"}]
        assert message.stop_reason == "tool_use"
        results = [
            {"type": "tool_result", "tool_use_id": calls[0].id, "content": "20"},
            {
                "type": "tool_result",
                "tool_use_id": calls[1].id,
                "is_error": True,
                "content": [{"type": "text", "text": "no such place"}],
            },
        ]
        asked["messages"] = [*QUESTION, message.to_param(), {"role": "user", "content": results}]
        asked["model"] = f"{second}1/"
        answer = client.messages.create(
            **asked, tool_choice={"type": "auto", "disable_parallel_tool_use": True}
        )
        assert answer.content[0].text == "20 degrees."
        again = [*asked["messages"], answer.to_param(), {"role": "user", "content": "And now?"}]
        assert client.messages.create(**{**asked, "messages": again}).content[0].text == "20 degrees."
        sent = json.dumps(json.loads(chain.simulators[1].requests[0].body))
        assert "Error: no such place" in sent
        demanded = chain.bodies()[0]["tool_choice"]
        assert demanded == ("required" if first == "openai" else {"type": "any"})


def test_images_in_messages_and_in_results() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    linked = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [image]}
    history = [
        {"role": "user", "content": [{"type": "text", "text": "See"}, image, linked]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}],
        },
        {"role": "user", "content": [result, {"type": "text", "text": "Well?"}]},
    ]
    for service in SERVICES:
        with serving((service, {"text": "A cat."})) as chain, client_of(chain) as client:
            message = client.messages.create(**{**ASKED, "messages": history}, tools=[TOOL])
            assert message.content[0].text == "A cat."
            sent = chain.bodies()[0]["messages"]
            assert json.dumps(sent).count("aGk=") == 2
            assert "https://example.org/a.png" in json.dumps(sent)
            roles = [each["role"] for each in sent]
            tooled = ["user", "assistant", "tool", "user"]
            assert roles == (tooled if service == "openai" else ["user", "assistant", "user"])


class Place(pydantic.BaseModel):
    """A place."""

    name: str
    warm: bool


def test_a_reply_of_a_given_schema() -> None:
    with serving(("openai", {"text": '{"name": "Ulm", "warm": true}'})) as chain, client_of(chain) as client:
        parsed = client.messages.parse(**ASKED, output_format=Place)
        assert parsed.parsed_output == Place(name="Ulm", warm=True)
        form = chain.bodies()[0]["response_format"]
        assert form["type"] == "json_schema"
        assert form["json_schema"]["schema"]["required"] == ["name", "warm"]


@pytest.mark.parametrize(
    ("service", "manner", "reason"),
    [
        ("openai", {"finish_reason": "length"}, "max_tokens"),
        ("anthropic", {"stop_reason": "max_tokens"}, "max_tokens"),
        ("anthropic", {"stop_reason": "stop_sequence"}, "stop_sequence"),
        ("anthropic", {"stop_reason": "pause_turn"}, "pause_turn"),
        ("anthropic", {"stop_reason": "model_context_window_exceeded"}, "model_context_window_exceeded"),
    ],
)
def test_why_a_message_stopped(service: str, manner: dict[str, Any], reason: str) -> None:
    with serving((service, manner)) as chain, client_of(chain) as client:
        assert client.messages.create(**ASKED).stop_reason == reason
        with client.messages.stream(**ASKED) as stream:
            assert stream.get_final_message().stop_reason == reason


@pytest.mark.parametrize(
    ("manner", "error", "kind"),
    sampled(
        [
            (
                {"fault": "401"},
                anthropic.ServiceUnavailableError,
                "overloaded_error",
            ),  # the client's own key is not to blame
            ({"fault": "429"}, anthropic.RateLimitError, "rate_limit_error"),
            ({"fault": "503"}, anthropic.ServiceUnavailableError, "overloaded_error"),
            ({"fault": "too_long"}, anthropic.BadRequestError, "invalid_request_error"),
            ({"models": ["other"]}, anthropic.NotFoundError, "not_found_error"),
        ],
        0.4,
        "failures before the content",
    ),
)
@pytest.mark.parametrize("streams", [True, False])
def test_failures_before_the_content(
    manner: dict[str, Any], error: type[anthropic.APIStatusError], kind: str, streams: bool
) -> None:
    with (
        serving(("anthropic", manner)) as chain,
        client_of(chain) as client,
        pytest.raises(error) as raised,
    ):
        client.messages.create(**ASKED, stream=streams)
    assert told_by(raised.value)[1] == kind
    if manner == {"fault": "429"}:
        assert raised.value.response.headers["retry-after"]


@pytest.mark.parametrize("fault", ["error_after", "cut", "reset_after"])
async def test_failures_after_some_content(fault: str, anyio_backend: str) -> None:
    got = ""
    with serving(("anthropic", {"text": "one two three four", "fault": fault})) as chain:
        async with async_client_of(chain) as client, client.messages.stream(**ASKED) as stream:
            with pytest.raises(anthropic.APIStatusError) as raised:  # noqa: PT012 - a loop
                async for text in stream.text_stream:
                    got += text
    assert got
    assert "one two three four".startswith(got)
    assert told_by(raised.value) == (200, "api_error")


def test_requests_that_are_refused() -> None:
    strange: list[tuple[dict[str, Any], str]] = [
        ({"extra_body": {"frobnicate": 1}}, "frobnicate"),
        ({"extra_body": {"mcp_servers": [{}]}}, "mcp_servers"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "web_search_20250305"),
        ({"extra_body": {"temperature": -1}}, "temperature"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"model": ""}, "model"),
    ]
    with serving(("openai", {})) as chain, client_of(chain) as client:
        for changed, named in strange:
            with pytest.raises(anthropic.BadRequestError, match=named.replace(".", r"\.")):
                client.messages.create(**{**ASKED, **changed})
        with pytest.raises(anthropic.NotFoundError, match="does not count tokens"):
            client.messages.count_tokens(model="auto", messages=QUESTION)
        assert chain.simulators[0].turns == 0


def test_the_client_repeats_only_what_may_help() -> None:
    with serving(("anthropic", {"fault": "too_long"})) as chain:
        with client_of(chain, max_retries=2) as client, pytest.raises(anthropic.BadRequestError):
            client.messages.create(**ASKED)
        assert chain.simulators[0].turns == 1


async def test_a_body_over_the_limit(anyio_backend: str) -> None:
    async with Router([ScriptedAdapter("first")]) as router, in_process(router, body=100) as http:
        client = anthropic.AsyncAnthropic(base_url="http://gateway", api_key="key", http_client=http)
        with pytest.raises(anthropic.APIStatusError) as raised:
            await client.messages.create(**ASKED, system="x" * 100)
    assert told_by(raised.value) == (413, "request_too_large")


async def test_a_client_that_leaves_ends_the_upstream(anyio_backend: str) -> None:
    words = " ".join(str(number) for number in range(1000))
    with serving(("anthropic", {"text": words, "delay": 0.01})) as chain:
        simulator = chain.simulators[0]
        async with async_client_of(chain) as client:
            async with client.messages.stream(**ASKED) as stream:
                while (await anext(stream)).type != "text":
                    pass
            assert simulator.turns == 1
            with promptly(0.5):
                await until(lambda: simulator.running == 0, 20)
