"""A message keeps all that the caller sent, shares none of it, and does not show it."""

import copy
import json
import pickle
from collections import OrderedDict, UserDict
from collections.abc import Callable
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.message import EMPTY, ROLES, Message, all_as_sent, json_copy, nearest, parsed
from adapters.contract.tool_call import ToolCall

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
EXTRA = st.dictionaries(
    TEXTS.filter(lambda key: key not in ("role", "content", "tool_calls", "tool_call_id")), JSON, max_size=3
)
PARTS = st.lists(
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS.filter(bool)})
    | st.fixed_dictionaries(
        {
            "type": st.just("image_url"),
            "image_url": st.fixed_dictionaries({"url": TEXTS.filter(bool), "x": JSON}),
        }
    )
    | st.fixed_dictionaries(
        {
            "type": st.just("input_audio"),
            "input_audio": st.fixed_dictionaries({"data": TEXTS.filter(bool), "x": JSON}),
        }
    )
    | st.fixed_dictionaries({"type": st.just("file"), "file": st.dictionaries(TEXTS, JSON, max_size=2)})
    | st.fixed_dictionaries({"type": st.just("video_url"), "data": JSON}),
    min_size=1,
    max_size=4,
)
CALLS = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


@st.composite
def openai_messages(draw):
    """Draw a message as callers of the OpenAI SDK write it."""
    message = {
        "role": draw(st.sampled_from(ROLES)),
        **draw(EXTRA),
        "content": draw(TEXTS.filter(bool) | PARTS),
    }
    if message["role"] == "tool":
        message["tool_call_id"] = "c1"
    if draw(st.booleans()):
        message |= {"role": "assistant", "content": None, "tool_calls": copy.deepcopy(CALLS)}
    return message


def mutate(value: Any) -> None:
    """Change every dict and list in `value`."""
    for inner in list(value.values() if isinstance(value, dict) else value):
        if isinstance(inner, dict | list):
            mutate(inner)
    value.clear()


@given(openai_messages())
def test_any_message_comes_back_whole_and_shares_nothing(given_message):
    before = copy.deepcopy(given_message)

    message = Message.parse(given_message)

    assert before == message.as_dict()
    assert before == given_message
    mutate(given_message)
    assert before == message.as_dict()
    mutate(message.as_dict())
    assert before == message.as_dict()
    assert message == Message.parse(message) == copy.deepcopy(message) == pickle.loads(pickle.dumps(message))
    assert json.loads(json.dumps(before)) == message.as_dict()


@given(openai_messages())
def test_a_repr_shows_how_much_there_is_and_nothing_of_it(given_message):
    message = Message.parse(given_message)
    parts = f"{len(message.content)} parts, " if isinstance(message.content, tuple) else ""

    assert f"<Message {message.role}, {parts}{len(message.text)} characters>" == repr(message)


def test_the_repr_of_a_message_is_an_example():
    assert "<Message user, 12 characters>" == repr(Message("user", "a secret one"))


@pytest.mark.parametrize("kind", [dict, OrderedDict, UserDict, MappingProxyType])
def test_every_kind_of_mapping_is_taken_on_every_level(kind):
    parts = [
        kind({"type": "text", "text": "Hi"}),
        kind({"type": "image_url", "image_url": kind({"url": "u"})}),
    ]
    expected = [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "u"}}]

    message = Message.parse(kind({"role": "user", "content": parts, "name": "Ann"}))

    assert {"role": "user", "content": expected, "name": "Ann"} == message.as_dict()


def test_a_tuple_of_parts_is_taken_as_a_list():
    message = Message.parse({"role": "user", "content": ({"type": "text", "text": "a"},)})

    assert [{"type": "text", "text": "a"}] == message.as_dict()["content"]


def test_a_message_made_by_hand_is_checked_like_any_other():
    with pytest.raises(ValueError, match=r"m has the role 'usr'; allowed are .*; did you mean 'user'"):
        Message.parse(Message("usr", "Hello"), "m")


@pytest.mark.parametrize(
    ("message", "key", "meant"),
    [
        ({"rolle": "user", "content": "Hello"}, "rolle", "role"),
        ({"Role": "user", "content": "Hello"}, "Role", "role"),
        ({"from": "human", "value": "Hello"}, "from", "role"),
        ({"role": "user", "contents": "Hello"}, "contents", "content"),
        ({"role": "system", "text": "Hello", "name": "a"}, "text", "content"),
        ({"role": "tool", "toolCallId": "c1", "content": "3"}, "toolCallId", "tool_call_id"),
    ],
)
def test_a_misspelt_key_is_named(message, key, meant):
    with pytest.raises(ValueError, match=f"; it has the key {key!r}: did you mean {meant!r}\\?$"):
        Message.parse(message)


@pytest.mark.parametrize(
    "message", [{"role": "user", "name": "a"}, {"content": "a", "x": 1}, {"role": "tool"}]
)
def test_a_missing_key_with_none_like_it_is_told_alone(message):
    with pytest.raises(ValueError, match="message has") as raised:
        Message.parse(message)

    assert "did you mean" not in str(raised.value)


def test_an_answer_of_an_sdk_is_taken_as_history():
    class Answer:
        def model_dump(self, mode, exclude_unset):
            assert (mode, exclude_unset) == ("json", True)
            return {"role": "assistant", "content": None, "tool_calls": CALLS}

    answer: object = Answer()

    assert CALLS == Message.parse(answer).as_dict()["tool_calls"]  # type: ignore[arg-type]  # its type is theirs


def test_enums_of_texts_are_their_values():
    class Role(StrEnum):
        USER = "user"

    message = Message.parse({"role": Role.USER, "content": "Hi", Role.USER: [Role.USER]})

    assert {"role": "user", "content": "Hi", "user": ["user"]} == message.as_dict()
    assert {str} == {type(message.role), type(message.extra["user"][0])}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": None, "tool_calls": CALLS},
        {"role": "assistant", "tool_calls": CALLS},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}},
        {"role": "assistant", "content": None, "refusal": "I will not."},
        {"role": "assistant", "content": None, "audio": {"id": "a1"}},
        {"role": "function", "content": None, "name": "f"},
        {"role": "assistant", "content": None},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "assistant", "content": ""},
        {"role": "tool", "content": None, "tool_call_id": "c1"},
        {"role": "tool", "content": "", "tool_call_id": "c1"},
    ],
)
def test_a_message_without_content_is_taken_where_the_protocol_has_it(message):
    assert {"content": None, **message} == Message.parse(message).as_dict()


@pytest.mark.parametrize(
    ("content", "text", "has_images"),
    [
        ("Hello", "Hello", False),
        ([{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}], "Hello", False),
        ([{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "u"}}], "Hi", True),
        ([{"type": "refusal", "refusal": "No."}], "", False),
    ],
)
def test_text_and_images_are_told_apart(content, text, has_images):
    message = Message.parse({"role": "user", "content": content})

    assert (text, has_images) == (message.text, message.has_images)


@pytest.mark.parametrize(
    ("message", "error", "words"),
    [
        ("Hello", TypeError, "m is str; pass a mapping with 'role' and 'content'"),
        (None, TypeError, "m is NoneType; pass a mapping"),
        ({"content": "Hello"}, ValueError, "m has the role None; allowed are system"),
        ({"role": "asistant", "content": "a"}, ValueError, "; did you mean 'assistant'?"),
        ({"role": ["user"], "content": "a"}, ValueError, "m has the role ['user']"),
        ({"role": "user"}, ValueError, "m has no content; give it 'content'"),
        ({"role": "user", "content": None}, ValueError, "m has no content"),
        ({"role": "user", "content": ""}, ValueError, "m has empty content; give it text, or leave"),
        ({"role": "system", "content": ""}, ValueError, "m has empty content"),
        ({"role": "user", "content": [{"type": "text", "text": ""}]}, ValueError, "m has empty content"),
        ({"role": "assistant", "content": []}, ValueError, "m has no content"),
        ({"role": "user", "content": []}, ValueError, "m has no content"),
        ({"role": "user", "content": 12}, TypeError, "m has content of type int; allowed are text"),
        ({"role": "user", "content": {"type": "text"}}, TypeError, "m has content of type dict"),
        ({"role": "user", "content": ["Hi"]}, TypeError, "m has a part 0 without 'type'; give it one"),
        ({"role": "user", "content": [{"type": 1}]}, TypeError, "m has a part 0 without 'type'"),
        (
            {"role": "user", "content": [{"type": "text"}]},
            TypeError,
            "of type 'text' whose 'text' is not text",
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": "https://x"}]},
            ValueError,
            "m has a part 0 of type 'image_url' of a wrong shape; write it as {'type': 'image_url', 'ima",
        ),
        ({"role": "user", "content": [{"type": "image_url", "url": "u"}]}, ValueError, "write it as {'type'"),
        (
            {"role": "user", "content": [{"type": "image", "url": "u"}]},
            ValueError,
            "of type 'image', which is",
        ),
        (
            {"role": "user", "content": [{"type": "input_audio"}]},
            ValueError,
            "{'type': 'input_audio', 'input_",
        ),
        ({"role": "user", "content": [{"type": "file", "id": "f"}]}, ValueError, "{'type': 'file', 'file':"),
        (
            {"role": "tool", "content": "4"},
            ValueError,
            "without a 'tool_call_id' (text); write it as {'role'",
        ),
        (
            {"role": "tool", "content": "4", "tool_call_id": 7},
            ValueError,
            "Message.tool_result(call, content)",
        ),
        (
            {"role": "assistant", "tool_calls": {"id": "c"}},
            TypeError,
            "m has tool_calls that are no list of mappings; write each as {'id':",
        ),
        ({"role": "assistant", "tool_calls": [{"id": "c"}]}, ValueError, "has a tool call 0 without a name"),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]},
            TypeError,
            "m has a tool call 0 whose 'arguments' are not text; pass the JSON text: json.dumps(arguments)",
        ),
        ({"role": "user", "content": "\ud83d"}, ValueError, "m has half of a surrogate pair"),
        ({"role": "user", "content": "a", "x": {"\udc00": 1}}, ValueError, "half of a surrogate pair"),
        ({"role": "user", "content": "a", "x": {1, 2}}, TypeError, "sent as JSON: set is not a JSON type"),
        ({"role": "user", "content": b"a"}, TypeError, "sent as JSON: bytes is not a JSON type"),
        ({"role": "user", "content": "a", "x": float("nan")}, TypeError, "m cannot be sent as JSON"),
        ({"role": "user", "content": "a", None: 1}, TypeError, "None is no text, as the keys"),
        ({"role": "user", "content": "a", True: 1}, TypeError, "True is no text, as the keys"),
    ],
)
def test_what_is_wrong_is_said_before_anybody_is_asked(message, error, words):
    with pytest.raises(error) as caught:
        Message.parse(message, "m")

    assert words in str(caught.value)


def test_what_contains_itself_is_refused():
    loop: list[object] = []
    loop.append(loop)

    with pytest.raises(TypeError, match="nested too deeply, or contains itself"):
        json_copy(loop, "loop")


def test_the_advice_for_half_a_surrogate_pair_works():
    repaired = "a\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    assert "a\ufffd" == Message.parse({"role": "user", "content": repaired}).text


def test_numbers_as_keys_become_the_texts_that_json_has():
    assert {"50256": -100} == json_copy({50256: -100}, "bias")


def test_the_nearest_name_is_offered_only_where_one_is_near():
    assert ("; did you mean 'seed'?", "") == (nearest("sed", ["seed", "stop"]), nearest("zzz", ["seed"]))


def test_a_tools_result_names_its_call():
    call = ToolCall("c1", "f", "{}")

    results = [
        Message.tool_result(call, "4").as_dict(),
        Message.tool_result("c2", {"é": [1, None]}).as_dict(),
        Message.tool_result(ToolCall(None, "f", "", position=2), "").as_dict(),
        Message.tool_result(ToolCall(None, "f", "", type="function_call"), "4").as_dict(),
    ]

    assert [
        {"role": "tool", "tool_call_id": "c1", "content": "4"},
        {"role": "tool", "tool_call_id": "c2", "content": '{"é": [1, null]}'},
        {"role": "tool", "tool_call_id": "call_2", "content": ""},
        {"role": "function", "name": "f", "content": "4"},
    ] == results


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ({1}, TypeError, "the content of the tool's result cannot be sent as JSON: set"),
        ("\ud83d", ValueError, "half of a surrogate pair"),
    ],
)
def test_a_tools_result_that_cannot_be_sent_is_refused(content, error, words):
    with pytest.raises(error, match=words):
        Message.tool_result("c1", content)


def test_what_one_provider_wants_back_goes_to_it_alone():
    message = Message("assistant", "Hi", {}, {"first": {"reasoning_details": [{"a": 1}]}})

    parsed = Message.parse(message)

    assert {"role": "assistant", "content": "Hi"} == parsed.as_dict() == parsed.as_dict("second")
    assert {"role": "assistant", "content": "Hi", "reasoning_details": [{"a": 1}]} == parsed.as_dict("first")


def test_what_has_a_message_is_taken_for_it():
    class Said:
        message = Message("assistant", "Hi")

    assert Message("assistant", "Hi") == Message.parse(Said())


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or its error in words."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - whatever it is, both ways have to agree on it
        return type(error), str(error)


@given(openai_messages() | st.fixed_dictionaries({"role": st.sampled_from(ROLES), "content": TEXTS}))
def test_the_short_way_of_a_message_of_words_alone_leads_to_the_same_message(message):
    short = outcome(lambda: parsed([message], 7)[0])

    assert short == outcome(lambda: Message.parse(message, "messages[7]"))
    if isinstance(short, Message):
        assert type(short) is Message
        assert short.kept == EMPTY
        with pytest.raises(AttributeError):
            setattr(short, "role", "user")  # noqa: B010 - a type checker refuses the assignment


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": ""},
        {"role": "user", "content": "\ud800"},
        {"role": "tool", "content": "x"},
        {"role": "none", "content": "x"},
        {"role": ["user"], "content": "x"},
        {"role": "user", "name": "x"},
        {"role": "user", "content": "x", "name": "y"},
        {"role": "user", "content": [{"type": "text", "text": "x"}]},
        OrderedDict(role="user", content="x"),
        Message("user", "x"),
        None,
    ],
)
def test_what_needs_a_check_or_a_copy_gets_it_beside_others(message):
    plain = {"role": "user", "content": "Grüße"}

    both = outcome(lambda: parsed([plain, message], 4))

    alone = outcome(lambda: Message.parse(message, "messages[5]"))
    assert both == (alone if isinstance(alone, tuple) else [Message("user", "Grüße"), alone])


def test_messages_for_encoding_are_what_each_is_alone():
    messages = [
        Message("user", "Hi"),
        Message("assistant", None, MappingProxyType({"tool_calls": []})),
        Message("user", (MappingProxyType({"type": "text", "text": "x"}),)),
        Message("assistant", ()),
        Message("assistant", "Hi", EMPTY, {"first": {"reasoning_details": [{"a": 1}]}}),
    ]

    assert all_as_sent(messages) == [each.as_sent() for each in messages]
    assert all_as_sent(messages, "first") == [each.as_sent("first") for each in messages]
