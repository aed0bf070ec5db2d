"""`cache_control` of Anthropic's clients: whoever takes it gets it where it stood, and nobody else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from adapters import Anthropic
from adapters.anthropic.history import history_of
from adapters.contract import Message
from router.gateway.dialects.messages import MESSAGES
from router.gateway.failure import Refused
from router.gateway.names import Names
from tests.router.gateway.dialects.gateways import serving
from tests.router.gateway.dialects.messages.test_client import client_of

if TYPE_CHECKING:
    from router.gateway.asked import Asked

MARK: Any = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
IMAGE: Any = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
TOOL: Any = {"name": "look", "input_schema": {"type": "object"}, **MARK}
SYSTEM: Any = [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind.", **MARK}]
DIALOGUE: Any = [
    {"role": "user", "content": [{"type": "text", "text": "Look", **MARK}, {**IMAGE, **MARK}]},
    {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "I look", **MARK},
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "it"}, **MARK},
        ],
    },
    {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen", **MARK},
            {"type": "text", "text": "Well?"},
        ],
    },
]


def asked(names: Names, **fields: Any) -> Asked:
    body = {"model": "auto", "max_tokens": 10, "messages": DIALOGUE, "system": SYSTEM, **fields}
    return MESSAGES.asked(json.dumps(body).encode(), names)


def test_the_dialogue_comes_back_as_it_was_where_marks_are_taken() -> None:
    made = asked(Names(["claude", "other"], caching=["claude"]))
    history = history_of([Message.parse(each) for each in made.messages], "claude")
    assert history.system == SYSTEM
    assert history.messages == DIALOGUE


def test_nobody_else_gets_a_mark() -> None:
    made = asked(Names(["claude", "other"], caching=["claude"]), tools=[TOOL], **MARK)
    others = [Message.parse(each).as_sent("other") for each in made.messages]
    assert "cache_control" not in json.dumps(others)
    assert [others[0]["content"], others[2]["content"]] == ["Be brief.\n\nBe kind.", "I look"]
    assert "cache_control" not in json.dumps(made.options)
    assert made.extra == {"claude": {**MARK, "tools": [TOOL]}}


def test_a_mark_inside_of_a_result_stands_on_the_result() -> None:
    inner = [{"type": "text", "text": "seen", **MARK}]
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    dialogue = [
        {"role": "user", "content": "Look"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": inner}]},
    ]
    made = asked(Names(["claude"], caching=["claude"]), messages=dialogue)
    history = history_of([Message.parse(each) for each in made.messages], "claude")
    assert history.messages[-1]["content"] == [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen", **MARK}
    ]


def test_marks_beside_thinking_keep_the_thinking_in_its_place() -> None:
    thinking = {"type": "thinking", "thinking": "Hm", "signature": "claude:sig:c2ln"}
    marked = {"role": "assistant", "content": [thinking, *DIALOGUE[1]["content"]]}
    made = asked(Names(["claude"], caching=["claude"]), messages=[DIALOGUE[0], marked, *DIALOGUE[2:]])
    history = history_of([Message.parse(each) for each in made.messages], "claude")
    assert history.messages[1]["content"] == [
        {**thinking, "signature": "c2ln"},
        {"type": "text", "text": "I look"},
        DIALOGUE[1]["content"][1],
    ]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"cache_control": "yes"}, "cache_control"),
        ({"tools": [{**TOOL, "cache_control": 1}]}, "tools.0.cache_control"),
        ({"system": [{"type": "text", "text": "a", "cache_control": []}]}, "system.0.cache_control"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": 1}]}]},
            "messages.0.content.0.cache_control",
        ),
    ],
)
def test_a_mark_of_a_wrong_form_is_refused_by_its_place(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as raised:
        asked(Names(["claude"], caching=["claude"]), **fields)
    assert raised.value.failure.param == param


def test_the_official_client_and_both_kinds_of_providers() -> None:
    sent = {"model": "auto", "max_tokens": 9, "messages": DIALOGUE, "system": SYSTEM, "tools": [TOOL]}
    for service, marks in (("anthropic", 8), ("openai", 0)):
        with serving((service, {"text": "Hello."})) as chain, client_of(chain) as client:
            assert client.messages.create(**sent, extra_body=MARK).content[0].text == "Hello."
            body = chain.bodies()[0]
            assert json.dumps(body).count('"cache_control"') == marks
    assert Anthropic.capabilities.cache_control
