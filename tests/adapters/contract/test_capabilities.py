"""What a provider says that it cannot take, and what differs for one of its models."""

import pickle
from dataclasses import replace
from typing import Any

import pytest

from adapters import Capabilities, ChatRequest

HELLO = {"role": "user", "content": "Hello"}
DEVELOPER = {"role": "developer", "content": "Be kind."}
BEGUN = {"role": "assistant", "content": "{"}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
FORMATS = frozenset({"response_format"})


def with_part(kind: str, **body: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": kind, kind: body}]}


DATA = with_part("image_url", url="data:image/png;base64,AA==")
ADDRESS = with_part("image_url", url="https://example.org/a.png")
SOUND = with_part("input_audio", data="AA==", format="wav")


@pytest.mark.parametrize(
    ("fields", "messages", "options", "why"),
    [
        ({"prefill": False}, [HELLO, BEGUN, HELLO], {}, None),
        ({"prefill": False}, [HELLO, BEGUN], {}, "does not go on from a last message of the assistant"),
        ({"prefill": False, "tools": True}, [HELLO, CALL], {}, None),
        ({}, [HELLO, BEGUN], {}, None),
        ({"images": True, "image_urls": False}, [DATA], {}, None),
        ({"images": True, "image_urls": False}, [ADDRESS], {}, "never fetched"),
        ({"images": True}, [ADDRESS, SOUND], {}, None),
        ({"images": True, "audio": False}, [SOUND], {}, "takes no sound"),
        ({"audio": True}, [SOUND], {}, None),
        ({"audio": True}, [SOUND, DATA], {}, "takes text only"),
        ({}, [SOUND], {}, "takes text only"),
        ({"options": FORMATS}, [HELLO], {"response_format": SCHEMA}, None),
        ({"options": FORMATS, "json_schema": False}, [HELLO], {"response_format": SCHEMA}, "no JSON schema"),
        (
            {"options": FORMATS, "json_schema": False},
            [HELLO],
            {"response_format": {"type": "json_object"}},
            None,
        ),
        ({"roles": frozenset({"user", "system"})}, [DEVELOPER, HELLO], {}, None),
        ({"roles": frozenset({"user", "developer"})}, [DEVELOPER, HELLO], {}, None),
        ({"roles": frozenset({"user"})}, [DEVELOPER, HELLO], {}, "takes no messages of the role 'developer'"),
        (
            {"roles": frozenset({"user"})},
            [HELLO, BEGUN, HELLO],
            {},
            "takes no messages of the role 'assistant'",
        ),
    ],
)
def test_what_a_provider_cannot_take_is_said(fields, messages, options, why):
    refusal = Capabilities(**fields).refuses(ChatRequest.build(messages, **options), None)

    assert (why is None) is (refusal is None)
    assert why is None or why in str(refusal)


def test_a_model_may_take_less_than_the_others_of_its_provider():
    capabilities = Capabilities(images=True, by_model={"small": {"images": False}})
    request = ChatRequest.build([DATA])

    refusals = [capabilities.refuses(request, model) for model in (None, "large", "small")]

    assert [None, None, "takes text only"] == refusals
    assert ("images",) == capabilities.lacks(request, "small")
    assert () == capabilities.lacks(request)


def test_a_model_may_take_more():
    capabilities = Capabilities(by_model={"vision": {"images": True, "context_tokens": 100}})

    assert capabilities.refuses(ChatRequest.build([DATA]), "vision") is None
    assert (None, 100) == (capabilities.context_tokens, capabilities.of("vision").context_tokens)
    assert hash(capabilities) == hash(Capabilities())


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"context_tokens": 0}, ValueError, "context_tokens is 0; it must be positive"),
        ({"roles": frozenset({"sytem"})}, ValueError, "did you mean 'system'"),
        ({"roles": "user"}, TypeError, "roles is text"),
        ({"by_model": {"m": {"imges": True}}}, TypeError, "did you mean 'images'"),
        ({"by_model": {"m": {"context_size": -1}}}, ValueError, "context_size is -1"),
        ({"by_model": {"m": 1}}, TypeError, "pass a mapping of fields"),
    ],
)
def test_what_cannot_be_meant_is_said_at_once(fields, error, words):
    with pytest.raises(error, match=words):
        Capabilities(**fields)


@pytest.mark.parametrize(
    ("fields", "as_given", "all_words"),
    [
        ({}, True, True),
        ({"role_names": {"developer": "system"}}, False, True),
        ({"many_system": False}, False, True),
        ({"null_content": False}, False, True),
        ({"null_content": "omit"}, False, True),
        ({"empty_content": False}, False, True),
        ({"roles": frozenset({"user", "assistant"})}, False, False),
        ({"system_messages": False}, True, False),
        ({"history": False}, True, False),
        ({"prefill": False}, True, False),
        ({"context_size": 100}, True, False),
    ],
)
def test_what_follows_from_its_fields_is_told_of_each_copy_and_model(fields, as_given, all_words):
    able = Capabilities(**fields)
    ways = [
        able,
        replace(Capabilities(), **fields),
        pickle.loads(pickle.dumps(replace(able, role_names=dict(able.role_names), by_model={}))),
        Capabilities(by_model={"small": fields}).of("small"),
    ]

    assert [(each.takes_as_given, each.takes_all_words) for each in ways] == [(as_given, all_words)] * 4
    assert Capabilities(by_model={"small": fields}).of("large").takes_all_words


def test_what_differs_for_a_model_is_read_once_and_fixed_as_all_the_rest_is():
    differing = {"small": {"images": False, "context_tokens": 4096}}
    able = Capabilities(images=True, by_model=differing)
    differing["small"]["images"] = True
    differing["large"] = {"images": False}

    assert able.of("small") is able.of("small")
    assert not able.of("small").images
    assert able.of("large").images
    assert replace(able, images=False, by_model={}).of("small").context_tokens is None
