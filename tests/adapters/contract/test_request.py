"""A request is checked, copied and immutable."""

import copy
from dataclasses import FrozenInstanceError, dataclass
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.chat_options import ChatOptions
from adapters.contract.message import Message
from adapters.contract.options import OPTIONS
from adapters.contract.request import ChatRequest, Conditions
from tests.adapters.contract.test_message import EXTRA, mutate, openai_messages

HELLO = [{"role": "user", "content": "Hello"}]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
VALUES: dict[str, Any] = {
    "audio": {"voice": "alloy", "format": "wav"},
    "frequency_penalty": -0.5,
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "max_completion_tokens": 100,
    "max_tokens": 100,
    "metadata": {"a": "b"},
    "modalities": ["text", "audio"],
    "n": 2,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "x"},
    "presence_penalty": 1,
    "prompt_cache_key": "k",
    "reasoning_effort": "low",
    "repetition_penalty": 1.1,
    "response_format": {"type": "json_object"},
    "seed": 7,
    "service_tier": "flex",
    "stop": ["a", "b"],
    "store": False,
    "temperature": 0.0,
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "tools": TOOLS,
    "top_k": 40,
    "top_logprobs": 3,
    "top_p": 0.9,
    "typical_p": 0.9,
    "user": "Ann",
    "verbosity": "low",
    "web_search_options": {},
}


@given(
    messages=st.lists(openai_messages(), min_size=1, max_size=3),
    extra=st.dictionaries(st.text("abc", min_size=1), EXTRA, max_size=2),
    names=st.sets(st.sampled_from(sorted(OPTIONS))),
)
def test_nothing_is_lost_and_nothing_is_shared(messages, extra, names):
    options = copy.deepcopy({name: VALUES[name] for name in names})
    before = copy.deepcopy((messages, extra, options))

    request = ChatRequest.build(messages, extra=extra, **options)
    unchanged = before == (messages, extra, options)
    for mine in (messages, extra, options):
        mutate(mine)

    assert unchanged
    assert before[0] == [message.as_dict() for message in request.messages]
    assert before[1] == {name: dict(fields) for name, fields in request.extra.items()}
    assert before[2] == dict(request.options) == request.options_for(OPTIONS)


def test_the_values_of_this_module_know_every_option():
    assert OPTIONS == VALUES.keys()


def test_nothing_of_a_request_can_be_set():
    request = ChatRequest.build(HELLO, temperature=1, extra={"h2o": {"field": 1}})

    with pytest.raises(FrozenInstanceError):
        request.model = "other"  # type: ignore[misc]  # that it cannot be set is what is tested
    for mapping in (request.options, request.extra, request.extra["h2o"], request.messages[0].extra):
        with pytest.raises(TypeError):
            mapping["new"] = 1  # type: ignore[index]  # as above


def test_options_of_none_are_not_given():
    assert {} == dict(ChatRequest.build(HELLO, temperature=None, seed=None).options)


def test_a_provider_gets_the_options_that_it_takes():
    request = ChatRequest.build(HELLO, temperature=1, seed=2)

    assert {"seed": 2} == request.options_for({"seed", "top_p"})


def test_read_only_mappings_are_taken_as_options_and_fields():
    bias: Any = MappingProxyType({50256: MappingProxyType({})})

    request = ChatRequest.build(HELLO, logit_bias=bias, extra=MappingProxyType({"a": bias}))

    assert {"50256": {}} == request.options["logit_bias"] == dict(request.extra["a"])


def test_the_conditions_of_an_attempt_make_no_other_request():
    request = ChatRequest.build(HELLO)

    other = request.under(Conditions(others_left=True))

    assert other == request
    assert other.conditions.others_left
    assert not request.conditions.others_left


def test_a_repr_shows_how_much_there_is_and_nothing_of_it():
    request = ChatRequest.build([*HELLO, Message("assistant", "Hi")], model="fast")

    assert "<ChatRequest 2 messages, 7 characters, model='fast'>" == repr(request)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"messages": "Hello"}, TypeError, "messages is str; pass a list of mappings, for example [{'role':"),
        ({"messages": HELLO[0]}, TypeError, "messages is dict; pass a list"),
        ({"messages": iter(HELLO)}, TypeError, "messages is list_iterator; pass a list"),
        ({"messages": []}, ValueError, "messages is empty; pass at least one message"),
        ({"messages": [*HELLO, {"role": "user"}]}, ValueError, "messages[1] has no content"),
        ({"model": ""}, TypeError, "model is ''; pass the model's name, or None"),
        ({"model": 4}, TypeError, "model is 4; pass the model's name, or None"),
        ({"model": "\ud800"}, ValueError, "model has half of a surrogate pair"),
        ({"temprature": 1}, TypeError, "unknown option 'temprature'; did you mean 'temperature'? Known are"),
        ({"zzz": 1}, TypeError, "unknown option 'zzz'. Known are audio, frequency_penalty,"),
        (
            {"zzz": 1},
            TypeError,
            "verbosity, web_search_options; what only one provider takes goes into extra={'provider",
        ),
        (
            {"temperature": "hot"},
            TypeError,
            "option 'temperature' is of type str; it must be a finite number from 0",
        ),
        ({"temperature": True}, TypeError, "option 'temperature' is True; it must be a finite number"),
        ({"temperature": float("nan")}, TypeError, "option 'temperature' is nan; it must be a finite number"),
        ({"max_tokens": 0}, TypeError, "option 'max_tokens' is 0; it must be a positive whole number"),
        ({"max_tokens": 1.5}, TypeError, "option 'max_tokens' is 1.5; it must be a positive whole number"),
        ({"n": 0}, TypeError, "option 'n' is 0; it must be a positive whole number"),
        ({"temperature": -1}, TypeError, "option 'temperature' is -1; it must be a finite number from 0"),
        ({"top_p": 1.5}, TypeError, "option 'top_p' is 1.5; it must be a number from 0 to 1"),
        (
            {"modalities": "audio"},
            TypeError,
            "option 'modalities' is of type str; it must be a list of texts",
        ),
        (
            {"metadata": {"a": 1}},
            TypeError,
            "option 'metadata' is of type dict; it must be a mapping of texts",
        ),
        ({"stream": True}, TypeError, "unknown option 'stream': stream() always streams, and complete()"),
        ({"timeout": 5}, TypeError, "unknown option 'timeout': pass timeouts=Timeouts(total=…), in seconds"),
        ({"seed": 1.5}, TypeError, "option 'seed' is 1.5; it must be a whole number"),
        ({"stop": [1]}, TypeError, "option 'stop' is of type list; it must be text or a list of texts"),
        ({"tools": [1]}, TypeError, "option 'tools' is of type list; it must be a list of mappings"),
        (
            {"tools": [{"name": "x"}]},
            ValueError,
            "has a tool 0 without 'type'; write it as {'type': 'function'",
        ),
        (
            {"tools": [{"type": "function", "name": "x"}]},
            ValueError,
            "a tool 0 of type 'function' without a name",
        ),
        ({"tools": [{"type": "custom"}]}, ValueError, "write it as {'type': 'custom', 'custom': {'name'"),
        ({"tool_choice": {"name": "x"}}, ValueError, "option 'tool_choice' names no choice; pass 'auto'"),
        ({"response_format": {"name": "x"}}, ValueError, "option 'response_format' has no 'type'; pass"),
        ({"response_format": object}, TypeError, "is the class object, which has no JSON schema"),
        ({"require": "seed"}, TypeError, "require is text; pass a list of names, for example ['seed']"),
        ({"require": [1]}, TypeError, "require has 1; pass the names of options"),
        (
            {"require": ["seed"]},
            ValueError,
            "require names 'seed', which the request does not give; pass seed=…",
        ),
        (
            {"tools": [{"type": "x", "a": {1}}]},
            TypeError,
            "option 'tools' cannot be sent as JSON: set is not a JSON type",
        ),
        ({"user": "\ud83d"}, ValueError, "option 'user' has half of a surrogate pair"),
        ({"extra": [1]}, TypeError, "extra must be a mapping of provider names to mappings"),
        ({"extra": {"a": 1}}, TypeError, "extra must be a mapping of provider names to mappings"),
        ({"extra": {"a": {"b": {1}}}}, TypeError, "extra cannot be sent as JSON: set is not a JSON type"),
    ],
)
def test_what_is_wrong_is_said_before_anybody_is_asked(arguments, error, words):
    with pytest.raises(error) as caught:
        ChatRequest.build(**{"messages": HELLO, **arguments})

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("options", "demands"),
    [
        ({"temperature": 1, "seed": 1, "parallel_tool_calls": True}, set()),
        ({"temperature": 1, "seed": 1, "require": ("temperature",)}, {"temperature"}),
        ({"tools": TOOLS, "tool_choice": "auto"}, {"tools"}),
        ({"tools": [], "tool_choice": "none"}, set()),
        ({"tools": TOOLS, "tool_choice": "required"}, {"tools", "tool_choice"}),
        ({"n": 1, "logprobs": False, "top_logprobs": 0, "modalities": ["text"]}, set()),
        ({"n": 2, "logprobs": True, "top_logprobs": 1}, {"n", "logprobs", "top_logprobs"}),
        ({"modalities": ["text", "audio"], "audio": {"voice": "v"}}, {"modalities", "audio"}),
        ({"response_format": {"type": "text"}}, set()),
        ({"response_format": {"type": "json_object"}}, {"response_format"}),
        ({"web_search_options": {}}, {"web_search_options"}),
    ],
)  # fmt: skip
def test_what_changes_the_reply_is_a_demand(options, demands):
    assert demands == ChatRequest.build(HELLO, **options).demands


def test_a_schema_or_a_class_is_a_response_format():
    @dataclass
    class City:
        name: str

    class Model:
        @classmethod
        def model_json_schema(cls) -> dict[str, str]:
            return {"type": "object", "title": "Model"}

    schema = {"type": "object", "title": "a city", "properties": {"name": {"type": "string"}}}
    kinds: list[Any] = [schema, City, Model, {"type": "json_object"}]

    formats = [ChatRequest.build(HELLO, response_format=kind).options["response_format"] for kind in kinds]

    assert {"type": "json_schema", "json_schema": {"name": "a_city", "schema": schema}} == formats[0]
    assert ("City", "object", ["name"]) == (
        formats[1]["json_schema"]["name"],
        formats[1]["json_schema"]["schema"]["type"],
        formats[1]["json_schema"]["schema"]["required"],
    )
    assert {"name": "Model", "schema": Model.model_json_schema()} == formats[2]["json_schema"]
    assert {"type": "json_object"} == formats[3]


def test_the_typed_options_are_the_options():
    assert OPTIONS == ChatOptions.__annotations__.keys()
