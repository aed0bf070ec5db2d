"""OpenAI's own client against `/v1/responses` on a real server, with simulated services behind it."""

from __future__ import annotations

import json
from typing import Any

import openai
import pydantic
import pytest

from tests.depth import sampled
from tests.promptly import promptly
from tests.router.gateway.dialects.gateways import Chain, serving, until

ASKED: dict[str, Any] = {"model": "auto", "input": "Hello?"}
TOOL: dict[str, Any] = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    "strict": False,
}
CALLS: dict[str, Any] = {
    "openai": [
        {
            "id": f"call_{at}",
            "type": "function",
            "function": {"name": "weather", "arguments": f'{{"at":"{at}"}}'},
        }
        for at in ("Ulm", "Rom")
    ],
    "anthropic": [{"id": f"toolu_{at}", "name": "weather", "input": {"at": at}} for at in ("Ulm", "Rom")],
}


def client_of(chain: Chain) -> Any:
    return openai.OpenAI(base_url=f"{chain.url}/v1", api_key="key", max_retries=0)


def async_client_of(chain: Chain) -> Any:
    return openai.AsyncOpenAI(base_url=f"{chain.url}/v1", api_key="key", max_retries=0)


def test_a_response_whole_and_streamed() -> None:
    with serving(("openai", {"text": "Hello there."})) as chain, client_of(chain) as client:
        response = client.responses.create(
            **ASKED,
            instructions="Be brief.",
            temperature=0.5,
            max_output_tokens=50,
            metadata={"team": "a"},
            store=False,
        )
        assert (response.output_text, response.status, response.error) == ("Hello there.", "completed", None)
        assert (response.usage.input_tokens, response.usage.total_tokens) == (8, 10)
        assert (response.instructions, response.temperature, response.store) == ("Be brief.", 0.5, False)
        assert response.id == f"resp_{response._request_id}"
        sent = chain.bodies()[0]
        assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
        assert (sent["temperature"], sent["metadata"]) == (0.5, {"team": "a"})
        with client.responses.stream(**ASKED) as stream:
            said = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
            assert said == stream.get_final_response().output_text == "Hello there."
        with client.responses.create(**ASKED, stream=True) as events:
            kinds = [event.type for event in events]
        assert kinds[:2] == ["response.created", "response.in_progress"]
        assert kinds[-1] == "response.completed"


async def test_the_asynchronous_client(anyio_backend: str) -> None:
    with serving(("anthropic", {"text": "Hello there.", "thinking": "Hm."})) as chain:
        async with async_client_of(chain) as client:
            response = await client.responses.create(**ASKED, reasoning={"effort": "low", "summary": "auto"})
            async with client.responses.stream(**ASKED) as stream:
                streamed = await stream.get_final_response()
        for each in (response, streamed):
            assert [item.type for item in each.output] == ["reasoning", "message"]
            assert each.output[0].summary[0].text == "Hm."
            assert each.output_text == "Hello there."


@pytest.mark.parametrize(("first", "second"), [("openai", "anthropic"), ("anthropic", "openai")])
def test_tools_in_rounds_over_two_services(first: str, second: str) -> None:
    services: list[tuple[str, dict[str, Any]]] = [
        (first, {"tool_calls": CALLS[first]}),
        (second, {"text": "20 degrees."}),
    ]
    with serving(*services) as chain, client_of(chain) as client:
        asked = {**ASKED, "tools": [TOOL]}
        with client.responses.stream(**asked, tool_choice="required") as stream:
            response = stream.get_final_response()
        calls = [item for item in response.output if item.type == "function_call"]
        assert [json.loads(call.arguments) for call in calls] == [{"at": "Ulm"}, {"at": "Rom"}]
        results = [
            {"type": "function_call_output", "call_id": call.call_id, "output": "20"} for call in calls
        ]
        history = [{"role": "user", "content": "Hello?"}, *response.output, *results]
        asked = {**asked, "model": f"{second}1/", "parallel_tool_calls": False}
        answer = client.responses.create(**{**asked, "input": history})
        assert answer.output_text == "20 degrees."
        again = [*history, *answer.output, {"role": "user", "content": "And now?"}]
        assert client.responses.create(**{**asked, "input": again}).output_text == "20 degrees."


def test_images_in_messages_and_in_results() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"}
    history = [
        {"role": "user", "content": [{"type": "input_text", "text": "See"}, image]},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [image]},
        {"role": "user", "content": "Well?"},
    ]
    with serving(("openai", {"text": "A cat."})) as chain, client_of(chain) as client:
        assert client.responses.create(model="auto", input=history).output_text == "A cat."
        sent = chain.bodies()[0]["messages"]
        assert [each["role"] for each in sent] == ["user", "assistant", "tool", "user", "user"]
        assert json.dumps(sent).count("aGk=") == 2


class Place(pydantic.BaseModel):
    """A place."""

    name: str
    warm: bool


def test_a_reply_of_a_given_schema() -> None:
    with serving(("openai", {"text": '{"name": "Ulm", "warm": true}'})) as chain, client_of(chain) as client:
        parsed = client.responses.parse(**ASKED, text_format=Place)
        assert parsed.output_parsed == Place(name="Ulm", warm=True)
        with client.responses.stream(**ASKED, text_format=Place) as stream:
            assert stream.get_final_response().output_parsed == Place(name="Ulm", warm=True)
        assert chain.bodies()[0]["response_format"]["json_schema"]["strict"] is True


def test_a_response_that_was_cut_is_incomplete() -> None:
    with serving(("openai", {"finish_reason": "length"})) as chain, client_of(chain) as client:
        response = client.responses.create(**ASKED, max_output_tokens=16)
        assert response.status == "incomplete"
        assert response.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize(
    ("manner", "error", "code"),
    sampled(
        [
            ({"fault": "401"}, openai.InternalServerError, "upstream_account"),
            ({"fault": "429"}, openai.RateLimitError, "rate_limit_exceeded"),
            ({"fault": "503"}, openai.InternalServerError, "no_provider"),
            ({"models": ["other"]}, openai.NotFoundError, "model_not_found"),
        ],
        0.4,
        "failures before the content",
    ),
)
@pytest.mark.parametrize("streams", [True, False])
def test_failures_before_the_content(
    manner: dict[str, Any], error: type[openai.APIStatusError], code: str, streams: bool
) -> None:
    with (
        serving(("openai", manner)) as chain,
        client_of(chain) as client,
        pytest.raises(error) as raised,
    ):
        client.responses.create(**ASKED, stream=streams)
    assert raised.value.code == code


@pytest.mark.parametrize("fault", ["error_after", "cut", "reset_after"])
async def test_failures_after_some_content(fault: str, anyio_backend: str) -> None:
    kinds = []
    with serving(("openai", {"text": "one two three four", "fault": fault})) as chain:
        async with async_client_of(chain) as client:
            events = await client.responses.create(**ASKED, stream=True)
            with pytest.raises(openai.APIError) as raised:  # noqa: PT012 - a loop
                async for event in events:
                    kinds.append(event.type)  # noqa: PERF401 - kept although the loop raises
            assert raised.value.code == "reply_interrupted"
    assert "response.output_text.delta" in kinds
    assert kinds[-1] == "response.failed"


def test_requests_that_are_refused() -> None:
    image = {"type": "input_image", "file_id": "f"}
    strange: list[tuple[dict[str, Any], str]] = [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"store": True}, "store"),
        ({"truncation": "auto"}, "truncation"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"tools": [{"type": "web_search"}]}, "tools.0"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input.0"),
        ({"input": [{"role": "user", "content": [image]}]}, "input.0.content.0.file_id"),
        ({"extra_body": {"frobnicate": 1}}, "frobnicate"),
    ]  # fmt: skip
    with serving(("openai", {})) as chain, client_of(chain) as client:
        for changed, param in strange:
            with pytest.raises(openai.BadRequestError) as raised:
                client.responses.create(**{**ASKED, **changed})
            assert raised.value.param == param
        assert chain.simulators[0].turns == 0


async def test_a_client_that_leaves_ends_the_upstream(anyio_backend: str) -> None:
    words = " ".join(str(number) for number in range(1000))
    with serving(("openai", {"text": words, "delay": 0.01})) as chain:
        simulator = chain.simulators[0]
        async with async_client_of(chain) as client:
            async with client.responses.stream(**ASKED) as stream:
                while (await anext(stream)).type != "response.output_text.delta":
                    pass
            assert simulator.turns == 1
            with promptly(0.5):
                await until(lambda: simulator.running == 0, 20)
