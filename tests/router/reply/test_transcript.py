"""What the deltas of a stream add up to."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import Beside, Delta, Message, Switch, ToolCallFragment, Usage
from router import ToolCall
from router.reply.transcript import Transcript, join_tool_calls

deltas = st.builds(
    Delta,
    text=st.text(max_size=5),
    reasoning=st.text(max_size=5),
    model=st.none() | st.text(max_size=3),
    usage=st.none() | st.builds(Usage, total_tokens=st.integers()),
)


@given(st.lists(deltas))
def test_a_reply_is_its_deltas_joined_and_nothing_else(parts):
    transcript = Transcript()
    for delta in parts:
        transcript.add(delta)
    reply = transcript.reply("first", "complete", ())

    assert "".join(d.text for d in parts) == reply.text == str(reply) == transcript.text
    assert "".join(d.reasoning for d in parts) == reply.reasoning
    assert len(reply.text) == transcript.characters
    assert len(parts) == transcript.deltas
    assert not transcript.proved


@given(st.lists(deltas))
def test_the_last_word_about_model_and_usage_holds(parts):
    transcript = Transcript()
    for delta in parts:
        transcript.add(delta)

    models = [d.model for d in parts if d.model is not None]
    usages = [d.usage for d in parts if d.usage is not None]
    assert (models[-1] if models else None) == transcript.model
    assert (usages[-1] if usages else None) == transcript.usage


def test_a_last_delta_proves_the_end_with_or_without_a_reason():
    for last in (Delta(finish_reason="length"), Delta(ends=True)):
        transcript = Transcript()
        transcript.add(Delta("Hi"))
        transcript.add(last)

        assert transcript.proved
        assert last.finish_reason == transcript.finish_reason


def test_the_final_text_of_the_provider_is_kept_beside_the_text_streamed():
    transcript = Transcript()
    transcript.add(Delta("Helo"))
    transcript.add(Delta(ends=True, final_text="Hello"))
    reply = transcript.reply("first", "complete", ())

    assert (reply.text, reply.final_text) == ("Helo", "Hello")


@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=4), st.text(min_size=1, max_size=4), st.lists(st.text())),
        max_size=4,
    ),
    st.randoms(use_true_random=False),
)
def test_tool_calls_are_joined_however_their_pieces_are_mixed(calls, source):
    """The pieces of each call come in order; those of different calls in any."""
    queues = [
        [
            ToolCallFragment(index, call, name),
            *(ToolCallFragment(index, arguments=piece) for piece in pieces),
        ]
        for index, (call, name, pieces) in enumerate(calls)
    ]
    mixed = []
    while any(queues):
        mixed.append(source.choice([queue for queue in queues if queue]).pop(0))

    assert tuple(ToolCall(call, name, "".join(pieces)) for call, name, pieces in calls) == join_tool_calls(
        mixed
    )


def test_a_tool_call_that_a_provider_names_twice_keeps_its_first_name():
    pieces = [ToolCallFragment(0, "call-1", "look", "{"), ToolCallFragment(0, "call-2", "see", "}")]

    assert (ToolCall("call-1", "look", "{}"),) == join_tool_calls(pieces)


def test_a_repr_tells_no_text():
    transcript = Transcript()
    transcript.add(Delta("private"))

    assert repr(transcript.reply("first", "complete", ())) == "<Reply of 'first': complete, 7 characters>"


def test_the_message_of_a_reply_is_the_assistants_and_can_be_copied():
    transcript = Transcript()
    transcript.add(Delta("Hi", "hm", (ToolCallFragment(0, None, "f", "{}", extra={"sig": 1}),)))
    transcript.add(
        Delta(ends=True, beside=Beside(reasoning_field="reasoning", reasoning_details=({"a": 1},)))
    )
    reply = transcript.reply("first", "complete", ())
    call = {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    own = {"tool_calls": [{**call, "sig": 1}], "reasoning": "hm", "reasoning_details": [{"a": 1}]}

    for message in (reply.message, copy.deepcopy(reply).message, pickle.loads(pickle.dumps(reply.message))):
        assert {"role": "assistant", "content": "Hi", "tool_calls": [call]} == message.as_dict()
        assert {**message.as_dict(), **own} == message.as_dict("first")
        assert message.as_dict() == Message.parse(message).as_dict("second")
    assert reply == pickle.loads(pickle.dumps(reply))


def test_a_reply_of_nothing_but_the_old_form_gives_it_back():
    transcript = Transcript()
    transcript.add(Delta(tool_calls=(ToolCallFragment(0, None, "now", "{}", "function_call"),), ends=True))
    message = transcript.reply("first", "complete", ()).message

    assert {"role": "assistant", "content": None, "function_call": {"name": "now", "arguments": "{}"}} == (
        message.as_dict()
    )


@pytest.mark.parametrize("kind", ["restart", "continue"])
def test_what_two_providers_thought_is_never_joined(kind):
    transcript = Transcript()
    transcript.add(
        Delta("a", "hm", beside=Beside(reasoning_field="thinking", reasoning_details=({"sig": 1},)))
    )
    transcript.add(Delta(switch=Switch(kind, "first", "second", 1)))
    transcript.add(Delta("b", "oh", ends=True))
    reply = transcript.reply("second", "complete", ())

    assert ("oh", (), None) == (reply.reasoning, reply.beside.reasoning_details, reply.beside.reasoning_field)
    assert {"continue": "ab", "restart": "b"}[kind] == reply.text


@pytest.mark.parametrize(("name", "advice"), [("content", "; write `reply.text`"), ("txt", "")])
def test_the_name_of_another_library_for_the_text_is_told_the_right_one(name, advice):
    reply = Transcript().reply("first", "complete", ())

    with pytest.raises(AttributeError) as raised:
        getattr(reply, name)
    assert str(raised.value) == f"'Reply' object has no attribute {name!r}{advice}"
    assert copy.deepcopy(reply) == reply
