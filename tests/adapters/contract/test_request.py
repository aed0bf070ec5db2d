"""A request is checked, copied and immutable."""

import copy
from dataclasses import FrozenInstanceError
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.message import Message
from adapters.contract.request import OPTIONS, ChatRequest, Conditions
from tests.adapters.contract.test_message import EXTRA, mutate, openai_messages

HELLO = [{"role": "user", "content": "Hello"}]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
VALUES: dict[str, Any] = {
    "frequency_penalty": -0.5,
    "logit_bias": {"50256": -100},
    "max_tokens": 100,
    "parallel_tool_calls": False,
    "presence_penalty": 1,
    "reasoning_effort": "low",
    "repetition_penalty": 1.1,
    "response_format": {"type": "json_object"},
    "seed": 7,
    "stop": ["a", "b"],
    "temperature": 0.0,
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "tools": TOOLS,
    "top_k": 40,
    "top_p": 0.9,
    "typical_p": 0.9,
    "user": "Ann",
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
        ({"temprature": 1}, TypeError, "unknown option 'temprature'; did you mean 'temperature'? Known are"),
        ({"zzz": 1}, TypeError, "unknown option 'zzz'. Known are frequency_penalty,"),
        ({"zzz": 1}, TypeError, "typical_p, user; what only one provider takes goes into extra={'provider"),
        (
            {"temperature": "hot"},
            TypeError,
            "option 'temperature' is of type str; it must be a finite number",
        ),
        ({"temperature": True}, TypeError, "option 'temperature' is True; it must be a finite number"),
        ({"temperature": float("nan")}, TypeError, "option 'temperature' is nan; it must be a finite number"),
        ({"max_tokens": 0}, TypeError, "option 'max_tokens' is 0; it must be a positive whole number"),
        ({"seed": 1.5}, TypeError, "option 'seed' is 1.5; it must be a whole number"),
        ({"stop": [1]}, TypeError, "option 'stop' is of type list; it must be text or a list of texts"),
        ({"tools": [1]}, TypeError, "option 'tools' is of type list; it must be a list of mappings"),
        ({"tools": [{"a": {1}}]}, TypeError, "option 'tools' cannot be sent as JSON: set is not a JSON type"),
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
